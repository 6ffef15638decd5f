"""Commits what a request changed in its session: the second half of the life of a session."""

from __future__ import annotations

import logging
import math
import secrets
import time
from typing import Final, Literal

from erlen.errors import SessionConflict, SessionUnavailable
from erlen.sessions.conflicts import has_begun, rebase, was_refused
from erlen.sessions.limits import check_limit, keep_limit
from erlen.sessions.opening import SessionOpener, changed_inside, refuse_readonly
from erlen.sessions.record import REFUSED, Delta, Header, Merged, Record
from erlen.sessions.session import Session
from erlen.sessions.state import NO_PLANS, SessionHeaders, State
from erlen.sessions.stores.base import jitter, pause
from erlen.sessions.token import Token
from erlen.signals import session_committed, session_created, session_refused, session_revoked, session_rotated

__all__ = ["SessionHeaders", "SessionManager", "changed_inside", "refuse_readonly"]

log = logging.getLogger("erlen.sessions")

# So often a change is merged anew into what another request has made of its key meanwhile.
_REBASES = 50


_READ: Final = SessionHeaders()
_REFUSED: Final = SessionHeaders(refused=True)


class SessionManager(SessionOpener):
    """The sessions of one application: one store, one key ring, one set of settings. See :class:`SessionOpener`."""

    def save_now(self, session: Session) -> SessionHeaders | Literal[False] | None:
        """Do what :meth:`save` does, if there is nothing to be stored: most requests only look at their session.

        :returns: what :meth:`save` returns; False if it has to be called
        """
        session._sent = True
        state = session._state
        if state is None:
            return None
        if state.writable or state.early or state.lease is not None:
            return False if session.accessed or state.lease is not None else None
        if not session.accessed:
            return None
        wanted = self._wanted(session, state, False)
        if type(wanted) is not SessionHeaders:
            return False
        return wanted if state.answer is None else state.answer

    async def save(self, session: Session) -> SessionHeaders | None:
        """Commit what the request changed and say what its response has to carry; None if the session was not touched.

        :raises SessionValueError: if something was put into a value that cannot be stored
        :raises SessionReadOnly: if a value was changed inside, in the mode ``readonly``
        :raises SessionConflict: if the change was refused, in the modes ``strict`` and ``exclusive``, or if the policy
            of a key says so
        :raises SessionUnavailable: if the store does not answer and ``SESSION_ON_ERROR`` is ``"raise"``
        """
        session._sent = True
        state = session._state
        if state is None or not session.accessed:
            if state is not None and state.lease is not None:
                await self.close(session)
            return None
        if state.early:
            await self._touch(state)
        wanted: Delta | SessionHeaders | None
        if state.lease is None:  # as most often: what _save() does, without a coroutine more
            wanted = self._wanted(session, state, True)
            if type(wanted) is SessionHeaders:
                saved = wanted
            else:
                try:
                    saved = await self._commit(session, state, wanted, False, True)  # type: ignore[arg-type]
                except SessionUnavailable as error:
                    saved = self._unsaved(state, error)
        else:
            try:
                saved = await self._save(session, state, False)
            finally:
                await self.close(session)
        return state.answer if state.answer is not None and saved.cookie is None else saved

    def committed(self, session: Session) -> SessionHeaders | None:
        """Return what the response has to carry because of :meth:`commit`, whatever has failed since then."""
        state: State | None = getattr(session, "_state", None)  # an application may have put another object there
        return None if state is None else state.answer

    def _wanted(self, session: Session, state: State, release: bool) -> Delta | SessionHeaders | None:
        """Return what has to be stored, None if that is no field; what the response has to carry, if nothing is to do.

        :param release: a lease is given back, if there is one
        """
        fields, header = state.fields, state.header
        delta = fields.delta()
        if state.planned and header is not None:
            delta = delta or Delta()
            delta.header = dict(state.planned)
        if delta is None:
            due = state.touched or state.rotate or state.renew or state.issue or state.ended
            calm = header is None or (fields.raw and self.settings.renew_after is None)
            if calm and not due and not (release and state.lease):
                return _REFUSED if state.refused else _READ
        elif session._mode == "readonly":
            raise changed_inside(delta.set)
        if state.lost:
            if delta is not None:
                log.warning("A change in a session was dropped, because the session could not be read.")
            return _READ
        return delta

    async def _save(self, session: Session, state: State, late: bool, release: bool = True) -> SessionHeaders:
        """Commit.

        :param late: no header can be sent any more
        :param release: give the lease back, if there is one
        """
        wanted = self._wanted(session, state, release)
        if isinstance(wanted, SessionHeaders):
            return wanted
        try:
            return await self._commit(session, state, wanted, late, release)
        except SessionUnavailable as error:
            return self._unsaved(state, error)

    def _unsaved(self, state: State, error: SessionUnavailable) -> SessionHeaders:
        """Let the request go on although nothing was stored, or raise *error* again."""
        if state.lease is not None:
            state.lost = True  # another try would not be fenced by the lease
        if self.settings.on_error != "anonymous":
            raise error
        return _READ

    async def commit(self, session: Session) -> None:
        """Store what was changed so far, before the request ends or while its body is sent.

        :raises SessionError: if the browser would have to be told a token and the response has begun already
        """
        await self.load(session)
        await self._store(session, session._open(), False)

    async def _store(self, session: Session, state: State, release: bool) -> SessionHeaders:
        """Store what was changed so far, and keep for the response what it has to carry."""
        if session._sent and (state.rotate or (state.header is None and (state.fields.raw or state.user is not None))):
            raise has_begun("a new token" if state.rotate else "a new session")
        saved = await self._save(session, state, session._sent, release)
        if saved.cookie is not None:
            state.answer = saved
        return saved

    async def close(self, session: Session) -> None:
        """Give back what the session holds for itself, if the request failed before it was saved."""
        state: State | None = getattr(session, "_state", None)  # see committed
        if state is None or state.lease is None or state.token is None:
            return
        owner, state.lease = state.lease, None
        try:
            await self.outage.ask(self.store.merge, state.token.key, Delta(owner=owner, release=True, final=False))
        except SessionUnavailable:
            if self.settings.on_error != "anonymous":
                raise

    # -- committing ---------------------------------------------------------------------------------------------------

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
            return SessionHeaders(self.cookie.expire(session._secure)) if ended else _READ
        header, settings = state.header, self.settings
        state.issue |= header.permanent and (delta is not None or (state.touched and settings.refresh_each_request))
        state.issue |= "permanent" in state.planned
        renew = (state.renew or settings.renew_after is not None) and self._renewal_due(state, state.rotate or late)
        if delta is None:
            due = state.issue or state.rotate or renew or (release and state.lease) or self._is_emptied(state)
            if not due:
                return _READ
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
        return self._headers(session, state) if state.issue else _READ

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
                if conflicts > _REBASES:
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
        return _REFUSED

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

    async def admit(self, state: State, user: str) -> None:
        """See that *user* may sign in.

        :raises SessionLimitReached: if they have too many sessions, and the policy is to refuse
        """
        if self.settings.max_sessions is not None:
            try:
                await check_limit(self, state, user)
            except SessionUnavailable:
                if self.settings.on_error != "anonymous":
                    raise

    # -- operations of a session --------------------------------------------------------------------------------------

    async def apply(self, session: Session, delta: Delta) -> Merged:
        """Send a command in the middle of a request; a session that does not exist yet is created for it."""
        state = session._state
        assert state is not None
        if state.lost:
            return REFUSED
        try:
            if state.header is None:
                await self._end(state)
                if session._sent:
                    raise has_begun("a new session")
                for key, by in delta.incr.items():
                    state.fields.store_counted(key, by, delta.ends.get(key))
                await self._create(state)
                return Merged(numbers=dict(delta.incr))
            assert state.token is not None
            delta.owner = state.lease
            self._note_ends(state, delta)
            merged = await self.outage.ask(self.store.merge, state.token.key, delta)
        except SessionUnavailable:
            if self.settings.on_error != "anonymous":
                raise
            state.lost = True
            return REFUSED
        if merged.refused:
            self._refuse(state.token, state, "ended")
            state.issue, state.refused = False, True
            if session._mode in ("strict", "exclusive"):
                raise was_refused(session._mode)
        elif not merged.conflict:
            state.header.mortal |= "mortal" in delta.header
            if merged.forwarded:
                state.forwarded, state.issue = True, False
        return merged

    async def add(self, session: Session, key: str, by: int, end: float | None) -> int:
        """Add to the whole number *key*, and return the sum."""
        state = session._state
        assert state is not None
        fields = state.fields
        total = fields.sum(key, by)
        ends = {} if end is None else {key: end}
        if not fields.hidden or state.header is None or state.lost:
            merged = await self.apply(session, Delta(incr={key: by}, ends=ends, final=False))
            total = merged.numbers.get(key, total)
            fields.store_counted(key, total, end)
            return total
        # The store cannot add to what it cannot read: swapped until nobody comes between.
        for attempt in range(_REBASES * 20):
            present = fields.stored(key) if key in fields.raw else None
            fields.store_counted(key, total, end)
            change = {key: fields.stored(key)}
            merged = await self.apply(session, Delta(set=change, expect={key: present}, final=False))
            if not merged.conflict:
                return total
            await self.refresh(state, key)
            total = fields.sum(key, by)
            await pause(jitter(attempt))
        raise SessionConflict(f"Other requests have changed session[{key!r}] each time.")

    async def refresh(self, state: State, key: str) -> None:
        """Read one key anew from the store."""
        assert state.token is not None
        try:
            record = await self.outage.ask(self.store.load, state.token.key)
        except SessionUnavailable:
            if self.settings.on_error != "anonymous":
                raise
            state.lost = True
            return
        held = None if record is None else record.fields.get(key)
        state.fields.replace(key, held, self._clock())

    async def hold(self, session: Session, wait: float | None, lease: float | None) -> bool:
        """Hold the session for this request alone and read it anew.

        It is False if the request holds it already, or there is nothing to be held.

        :raises SessionConflict: if another request holds it too long, or has ended it
        """
        await self.load(session)
        self.check_writable(session._mode)
        state, settings = session._open(), self.settings
        if state.lease is not None or state.lost:
            return False
        await self._store(session, state, False)
        if state.header is None or state.token is None:
            return False
        owner = secrets.token_hex(8)
        for_seconds = settings.lock_lease if lease is None else lease
        patience = settings.lock_wait if wait is None else wait
        try:
            record = await self.outage.ask(self.store.acquire, state.token.key, owner, for_seconds, patience)
        except SessionUnavailable:
            if settings.on_error != "anonymous":
                raise
            state.lost = True
            return False
        if record is None:
            self._refuse(state.token, state, "ended")
            raise was_refused("strict")
        state.lease, state.header = owner, record.header
        state.fields = self.fields_of(state.token, record, self._clock())
        return True

    async def let_go(self, session: Session, keep: bool) -> None:
        """End :meth:`hold`, and store what was changed meanwhile unless *keep* is False.

        :raises SessionConflict: if the lease ran out, or the session was ended: nothing was stored
        """
        state = session._state
        assert state is not None
        try:
            saved = await self._store(session, state, True) if keep else _READ
        finally:
            await self.close(session)
        if saved.refused:
            state.refused = True
            raise was_refused("exclusive")


def _size(delta: Delta) -> int:
    """Return how many bytes of values a change has."""
    appended = (item for append in delta.append.values() for item in append.items)
    removed = (item for items in delta.remove.values() for item in items)
    return sum(map(len, (*delta.set.values(), *appended, *removed)))
