"""Stores what a request changed in its session, and draws the tokens that it needs for that."""

from __future__ import annotations

import logging
import math
import time
from typing import Final

from erlen.errors import SessionConflict, SessionUnavailable
from erlen.sessions.conflicts import rebase, was_refused
from erlen.sessions.limits import keep_limit
from erlen.sessions.opening import SessionOpener
from erlen.sessions.record import REFUSED, Delta, Header, Merged, Record
from erlen.sessions.session import Session
from erlen.sessions.state import NO_PLANS, SessionHeaders, State
from erlen.sessions.stores.base import jitter, pause
from erlen.sessions.token import Token
from erlen.signals import session_committed, session_created, session_refused, session_revoked, session_rotated

__all__ = ["LOOKED", "REBASES", "WAS_REFUSED", "SessionCommitter"]

log = logging.getLogger("erlen.sessions")

#: So often a change is merged anew into what another request has made of its key meanwhile.
REBASES = 50

#: What the response has to carry where the session was only looked at, and where its changes were refused.
LOOKED: Final = SessionHeaders()
WAS_REFUSED: Final = SessionHeaders(refused=True)


class SessionCommitter(SessionOpener):
    """What stores changes for :class:`erlen.sessions.SessionManager`: by one command, fenced, with new tokens."""

    async def _commit(
        self, session: Session, state: State, delta: Delta | None, late: bool, release: bool
    ) -> SessionHeaders:
        ended = state.ended is not None
        if ended:
            await self._end(state)
        if state.header is None:
            if state.fields.raw or state.user is not None:
                await self._create(state)
                return self._headers(session, state)
            return SessionHeaders(self.cookie.expire(session._secure)) if ended else LOOKED
        header, settings = state.header, self.settings
        state.issue |= header.permanent and (delta is not None or (state.touched and settings.refresh_each_request))
        state.issue |= "permanent" in state.planned
        renew = (state.renew or settings.renew_after is not None) and self._renewal_due(state, state.rotate or late)
        if delta is None:
            due = state.issue or state.rotate or renew or (release and state.lease) or self._is_emptied(state)
            if not due:
                return LOOKED
        wanted = delta is not None or state.rotate
        fields, unsettled, merged = state.fields, state.fields.settle(), REFUSED
        try:
            merged = await self._write(state, delta or Delta(), state.rotate, renew, release)
        finally:
            if merged.refused:
                fields.unsettle(unsettled)
        if merged.refused:
            return await self._refused(session, state, wanted)
        if merged.emptied:
            state.end()
            state.ended = None
            return SessionHeaders(self.cookie.expire(session._secure))
        return self._headers(session, state) if state.issue else LOOKED

    async def _write(self, state: State, delta: Delta, rotate: bool, renew: bool, release: bool) -> Merged:
        """Send the delta to the store, and with it a new token if one is due."""
        token, header = state.token, state.header
        assert token is not None
        assert header is not None
        if state.lease is not None:
            delta.owner, delta.release = state.lease, release
        self._note_ends(state, delta)
        if rotate or renew:
            grace = 0.0 if rotate else self.settings.renew_grace
            fresh = Token.draw(token.shard)
            delta.moved = state.fields.moved(fresh, 0 if rotate else self._tokens_in_grace)
        else:
            grace, fresh = 0.0, None
        outage, began = self.outage, time.monotonic()
        if outage.since is not None:
            outage.check()
        try:  # as Outage.ask() does, without a coroutine more
            if fresh is None:
                merged = await self.store.merge(token.key, delta)
            else:
                merged = await self.store.move(token.key, fresh.key, delta, grace)
        except SessionUnavailable as error:
            outage.failed(error, began)
            raise
        if outage.since is not None:
            outage.answered()
        conflicts = 0
        if merged.conflict:
            merged, conflicts = await self._rebased(state, token, delta, fresh, grace)
        if session_committed.receivers:
            session_committed.send(
                self.sender,
                handle=token.key.hex(),
                commit_ms=(time.monotonic() - began) * 1000,
                bytes=_size(delta),
                refused=merged.refused,
                conflicts=conflicts,
            )
        if release:
            state.lease = None
        if merged.refused:
            return merged
        if delta.header or state.planned:
            for name, value in {**delta.header, **state.planned}.items():
                setattr(header, name, value)
        reason = "login" if state.bound else "rotated" if rotate else "renewed"
        state.planned, state.rotate, state.bound, state.touched = NO_PLANS, False, False, False
        # An old token in its grace is never sent again: the browser has got the new one by another response.
        if fresh is not None and (rotate or not merged.forwarded):
            state.token, state.forwarded, state.issue, state.renew = fresh, False, True, False
            header.renewed = self._clock()
            old, handle = token.key.hex(), fresh.key.hex()
            log.info("session %s became %s (%s)", old, handle, reason)
            if session_rotated.receivers and not merged.emptied:
                session_rotated.send(self.sender, old=old, handle=handle, user=header.user, reason=reason)
            if reason == "login" and self.settings.max_sessions is not None:
                await keep_limit(self, state)
        elif merged.forwarded:
            state.forwarded, state.issue = True, False
        return merged

    async def _rebased(
        self, state: State, token: Token, delta: Delta, fresh: Token | None, grace: float
    ) -> tuple[Merged, int]:
        """Have the delta merged anew, because another request has changed a key that has a policy for that.

        :returns: what became of it, and how often it was in conflict
        """
        conflicts = 0
        while True:
            conflicts += 1
            record = await self.outage.ask(self.store.load, token.key)
            if record is None:
                return REFUSED, conflicts
            try:
                if conflicts > REBASES:
                    raise SessionConflict(f"Other requests have changed {list(delta.expect)} of the session each time.")
                rebase(state.fields, delta, record.fields, self._clock())
            except SessionConflict:
                self._refuse(token, state, "conflict")
                raise
            await pause(jitter(conflicts))
            if fresh is not None:
                merged = await self.outage.ask(self.store.move, token.key, fresh.key, delta, grace)
            else:
                merged = await self.outage.ask(self.store.merge, token.key, delta)
            if not merged.conflict:
                return merged, conflicts

    def _refuse(self, token: Token, state: State, reason: str) -> None:
        """Tell that a change was not kept."""
        handle = token.key.hex()
        what = "it was ended or moved meanwhile" if reason == "ended" else "another request has changed the same key"
        log.info("session %s: a change was refused, %s", handle, what)
        if session_refused.receivers:
            session_refused.send(self.sender, handle=handle, user=state.user, reason=reason)

    async def _refused(self, session: Session, state: State, wanted: bool) -> SessionHeaders:
        """Let go of a session that another request has ended or moved; *wanted* tells whether a change is lost."""
        assert state.token is not None
        self._refuse(state.token, state, "ended")
        if state.bound:
            # Signing in needs nothing of the old session: what this request itself has set goes into a new one.
            state.token, state.header, state.fields = None, None, state.fields.own()
            await self._create(state)
            return self._headers(session, state)
        state.fields.settle()
        state.planned, state.rotate = NO_PLANS, False
        if wanted and session._mode in ("strict", "exclusive"):
            raise was_refused(session._mode)
        return WAS_REFUSED

    async def _create(self, state: State) -> None:
        """Give the visitor a session. It always gets a token of ours: what the browser came with is never adopted."""
        now, settings = self._clock(), self.settings
        token = self.draw(state)
        assert token is not None, "a session without a key refuses changes"
        if now >= self._note_due:
            await self._note_key(now)
        permanent, fields = self.permanent(state), state.fields
        header = Header(now, now, settings.idle_for(permanent), now + settings.absolute, now, permanent=permanent)
        for name, value in {**state.planned, **fields.moved(token)}.items():
            setattr(header, name, value)
        header.mortal = bool(fields.ends)
        record, unsettled = Record(token.key, header, dict(fields.whole())), fields.settle()
        try:
            await self.outage.ask(self.store.create, token.key, record)
        except BaseException:
            fields.unsettle(unsettled)
            raise
        log.info("session %s was created", token.key.hex())
        state.header, state.issue, bound = header, True, state.bound
        state.planned, state.rotate, state.bound = NO_PLANS, False, False
        if session_created.receivers:
            session_created.send(self.sender, handle=token.key.hex(), user=header.user)
        if bound and settings.max_sessions is not None:
            await keep_limit(self, state)

    async def _end(self, state: State) -> None:
        if state.ended is not None:
            await self.outage.ask(self.store.delete, state.ended)
            handle = state.ended.hex()
            log.info("session %s was ended", handle)
            if session_revoked.receivers:
                session_revoked.send(self.sender, handle=handle, user=state.ended_user, reason="logout")
            state.ended = state.ended_user = None

    def _headers(self, session: Session, state: State) -> SessionHeaders:
        """Return the headers that tell the browser its token."""
        assert state.token is not None
        assert state.header is not None
        assert self.keys is not None
        expires = state.header.deadline if state.header.permanent else None
        value = self.keys.sign(state.token)
        state.issue = False
        return SessionHeaders(self.cookie.write(value, session._secure, expires, self._clock()))

    @property
    def _tokens_in_grace(self) -> int:
        """How many former tokens of a session may have their grace still when it is renewed."""
        return max(1, math.ceil(self.settings.renew_grace / (self.settings.renew_after or math.inf)))

    def _renewal_due(self, state: State, no_time: bool = False) -> bool:
        after = self.settings.renew_after
        if no_time or state.header is None or state.forwarded:
            return False
        if state.renew or after is None:
            return state.renew
        return self._clock() - state.header.renewed >= after

    @staticmethod
    def _is_emptied(state: State) -> bool:
        return not state.fields.raw and state.user is None

    @staticmethod
    def _note_ends(state: State, delta: Delta) -> None:
        """Let the header say that some field may end before the session, if this *delta* makes it so."""
        if state.header is not None and not state.header.mortal and (delta.ends or state.fields.ends):
            delta.header = {**delta.header, "mortal": True}


def _size(delta: Delta) -> int:
    """Return how many bytes of values a change has."""
    appended = (item for append in delta.append.values() for item in append.items)
    removed = (item for items in delta.remove.values() for item in items)
    return sum(map(len, (*delta.set.values(), *appended, *removed)))
