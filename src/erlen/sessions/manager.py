"""Decides what of a session is to be stored, and what the response has to carry: the second half of its life."""

from __future__ import annotations

import logging
import secrets
from typing import Literal

from erlen.errors import SessionConflict, SessionUnavailable
from erlen.sessions.committing import LOOKED, REBASES, WAS_REFUSED, SessionCommitter
from erlen.sessions.conflicts import has_begun, was_refused
from erlen.sessions.limits import check_limit
from erlen.sessions.opening import changed_inside, refuse_readonly
from erlen.sessions.record import REFUSED, Delta, Merged
from erlen.sessions.session import Session
from erlen.sessions.state import SessionHeaders, State
from erlen.sessions.stores.base import jitter, pause

__all__ = ["SessionHeaders", "SessionManager", "changed_inside", "refuse_readonly"]

log = logging.getLogger("erlen.sessions")


class SessionManager(SessionCommitter):
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
                return WAS_REFUSED if state.refused else LOOKED
        elif session._mode == "readonly":
            raise changed_inside(delta.set)
        if state.lost:
            if delta is not None:
                log.warning("A change in a session was dropped, because the session could not be read.")
            return LOOKED
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
        return LOOKED

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
        for attempt in range(REBASES * 20):
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
            saved = await self._store(session, state, True) if keep else LOOKED
        finally:
            await self.close(session)
        if saved.refused:
            state.refused = True
            raise was_refused("exclusive")
