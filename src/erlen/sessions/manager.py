"""Opens a session for a request, loads it, and commits what was changed: the life of a session is told here."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Final, Self

from erlen.callables import drive
from erlen.errors import SecretKeyMissing, SessionConflict, SessionReadOnly, SessionUnavailable
from erlen.sessions.cookies import SessionCookie, find_cookies
from erlen.sessions.fields import Fields
from erlen.sessions.fingerprint import complaint, note_of
from erlen.sessions.record import REFUSED, Delta, Header, Merged, Record
from erlen.sessions.session import MODES, NO_PLANS, Session, State
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore
from erlen.sessions.token import KeyRing, Token

__all__ = ["SessionHeaders", "SessionManager", "changed_inside", "refuse_readonly"]

log = logging.getLogger("erlen.sessions")

# A note is renewed before it is forgotten, so that a worker that starts hours later still meets it.
_NOTE_EVERY = NOTE_KEPT / 2


class SessionHeaders:
    """What a saved session means for the response.

    Whatever is in it, the response differs by cookie: the session was looked at.

    :param cookie: a complete ``Set-Cookie`` value, or None
    :param refused: the changes were not kept: another request ended or moved the session meanwhile
    """

    __slots__ = ("cookie", "refused")

    def __init__(self, cookie: str | None = None, refused: bool = False) -> None:
        self.cookie = cookie
        self.refused = refused


_READ: Final = SessionHeaders()
_REFUSED: Final = SessionHeaders(refused=True)


class SessionManager:
    """The sessions of one application: one store, one key ring, one set of settings.

    :param keys: None without a ``SECRET_KEY``: sessions are empty then, and a change says what is missing
    :param clock: gives the time in seconds since 1970, here and in the store
    """

    modes: tuple[str, ...] = MODES
    """The modes that a route may ask for."""
    slides = False
    """Whether a response may need the cookie again although the request did not touch the session."""

    def __init__(
        self,
        settings: SessionSettings,
        store: SessionStore,
        keys: KeyRing | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.store = store
        self.keys = keys
        self.cookie = SessionCookie(settings)
        self.clock = clock
        self._past_keys: tuple[bytes, ...] = ()
        self._note_due = 0.0
        self._complained = False

    def changed(self, settings: SessionSettings, store: SessionStore, keys: KeyRing | None) -> SessionManager:
        """Return the manager that goes on in this one's place after the configuration has changed."""
        return type(self)(settings, store, keys, self.clock).after(self)

    def after(self, former: SessionManager) -> Self:
        """Take over the clock of *former* and the keys that it has signed with, and return this manager."""
        self.clock = former.clock
        self._past_keys = former._past_keys + (() if former.keys is None else former.keys.keys)
        return self

    @property
    def clock(self) -> Callable[[], float]:
        """What gives the time. Setting it sets it in the store too: both judge deadlines by the same one."""
        return self._clock

    @clock.setter
    def clock(self, clock: Callable[[], float]) -> None:
        self._clock = self.store.clock = clock

    # -- the life of a session ----------------------------------------------------------------------------------------

    def open(self, cookie_header: str | None, secure: bool, mode: str = "shared") -> Session:
        """Return the session of a request: a shell, which finds out who it is when it is touched.

        :param cookie_header: the request's ``Cookie`` header
        :param secure: whether the request came by https
        :param mode: how the route asked for the session: one of :data:`~erlen.sessions.session.MODES`
        """
        return Session(self, cookie_header, secure, mode)

    async def load(self, session: Session, early: bool = False) -> None:
        """Read the session from its store, if that was not done and its cookie is there.

        :param early: it is read for a view that may not look at it: the idle deadline is moved at the end, if it did
        :raises SessionUnavailable: if the store does not answer and ``SESSION_ON_ERROR`` is ``"raise"``
        :raises SessionConflict: in the mode ``exclusive``, if another request holds the session for too long

        After either of them the session is empty for the rest of the request, so that an error page may look at it.
        """
        if session._state is not None or session._mode == "none":
            return
        token = self._token(session)
        if token is None:
            session._state = State(Fields({}))
            return
        lease = None
        try:
            now = self._clock()
            if now >= self._note_due:
                await self._note_key(now)
            if session._mode == "exclusive":
                lease = secrets.token_hex(8)
                settings = self.settings
                record = await self.store.acquire(token.key, lease, settings.lock_lease, settings.lock_wait)
            else:
                record = await self.store.load(token.key, not early)
        except (SessionUnavailable, SessionConflict) as error:
            session._state = State(Fields({}))
            session._state.lost = True
            if isinstance(error, SessionUnavailable) and self.settings.on_error == "anonymous":
                self._bear(error)
            elif early:
                session._state.failure = error.with_traceback(None)  # its frames would hold the session
            else:
                raise
            return
        if record is not None and record.header.is_over(now):
            log.info("session %s has expired", token.key.hex())
            record = None
        if record is None:
            session._state = State(Fields({}))
            return
        state = session._state = State.of(token, record)
        if lease is not None:
            state.lease = lease
        elif early:
            state.early = True

    def load_now(self, session: Session) -> State:
        """Do what :meth:`load` does for a plain caller, and return what was found."""
        drive(self.load(session))
        state: State | None = session._state
        assert state is not None
        return state

    async def save(self, session: Session) -> SessionHeaders | None:
        """Commit what the request changed and say what its response has to carry; None if the session was not touched.

        :raises SessionValueError: if something was put into a value that cannot be stored
        :raises SessionReadOnly: if a value was changed inside, in the mode ``readonly``
        :raises SessionConflict: if the change was refused, in the modes ``strict`` and ``exclusive``
        :raises SessionUnavailable: if the store does not answer and ``SESSION_ON_ERROR`` is ``"raise"``
        """
        state = session._state
        if state is None or not session.accessed:
            if state is not None and state.lease is not None:
                await self.close(session)
            return None
        if state.early:
            await self._touch(state)
        delta = state.fields.delta()
        if state.planned and state.header is not None:
            delta = delta or Delta()
            delta.header = dict(state.planned)
        calm = not (state.touched or state.rotate or state.issue or state.ended or state.lease) and delta is None
        if calm and (state.header is None or (state.fields.raw and self.settings.renew_after is None)):
            return _REFUSED if state.refused else _READ
        if session._mode == "readonly" and delta is not None:
            raise changed_inside(delta.set)
        if state.lost:
            if delta is not None:
                log.warning("A change in a session was dropped, because the session could not be read.")
            return _READ
        try:
            return await self._commit(session, state, delta)
        except SessionUnavailable as error:
            self._bear(error)
            return _READ

    async def close(self, session: Session) -> None:
        """Give back what the session holds for itself, if the request failed before it was saved."""
        state = session._state
        if state is None or state.lease is None or state.token is None:
            return
        owner, state.lease = state.lease, None
        try:
            await self.store.merge(state.token.key, Delta(owner=owner, release=True, final=False))
        except SessionUnavailable as error:
            self._bear(error)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _token(self, session: Session) -> Token | None:
        """Return the token that the request's cookie holds, or None: forged ones never come to the store."""
        header, keys = session._cookie, self.keys
        if header is None or keys is None:
            return None
        for value in find_cookies(header, self.cookie.names[session._secure]):
            token = keys.verify(value)
            if token is not None:
                return token
            log.debug("A session cookie was refused: none of our keys has signed it.")
        return None

    async def _note_key(self, now: float) -> None:
        """Leave the fingerprint of our key in the store, and look whether another worker has another key."""
        assert self.keys is not None
        self._note_due = now + _NOTE_EVERY
        own = note_of(self.keys, now, self._past_keys)
        try:
            others = await self.store.note_key(own)
        except SessionUnavailable:  # the note only helps to find a mistake: no request waits or fails for it
            self._note_due = now + 1
            return
        problem = complaint(own, others)
        if problem is not None and not self._complained:
            self._complained = True
            log.error(problem)

    async def _touch(self, state: State) -> None:
        """Move the idle deadline of a session that was read early and then looked at."""
        state.early = False
        header = state.header
        if header is None or state.token is None or not header.touch(self._clock()):
            return
        with contextlib.suppress(SessionUnavailable):  # a later request does it
            record = await self.store.load(state.token.key, True)
            state.touched = record is not None and record.touched

    # -- committing ---------------------------------------------------------------------------------------------------

    async def _commit(self, session: Session, state: State, delta: Delta | None) -> SessionHeaders:
        ended = state.ended is not None
        await self._end(state)
        if state.header is None:
            if state.fields.raw or state.user is not None:
                await self._create(state)
                return self._headers(session, state)
            return SessionHeaders(self.cookie.expire(session._secure)) if ended else _READ
        header, settings = state.header, self.settings
        state.issue |= header.permanent and (delta is not None or (state.touched and settings.refresh_each_request))
        state.issue |= "permanent" in state.planned
        renew = self._renewal_due(state) and not state.rotate
        if delta is None and not (state.issue or state.rotate or renew or state.lease) and not self._is_emptied(state):
            return _READ
        wanted = delta is not None or state.rotate
        merged = await self._write(state, delta or Delta(), state.rotate, renew)
        if merged.refused:
            return await self._refused(session, state, wanted)
        state.fields.settle()
        if merged.emptied:
            state.end()
            state.ended = None
            return SessionHeaders(self.cookie.expire(session._secure))
        return self._headers(session, state) if state.issue else _READ

    async def _write(self, state: State, delta: Delta, rotate: bool, renew: bool) -> Merged:
        """Send the delta to the store, and with it a new token if one is due."""
        token, header = state.token, state.header
        assert token is not None
        assert header is not None
        if state.lease is not None:
            delta.owner, delta.release, state.lease = state.lease, True, None
        if rotate or renew:
            fresh = Token.draw(token.shard)
            merged = await self.store.move(token.key, fresh.key, delta, 0 if rotate else self.settings.renew_grace)
        else:
            fresh = None
            merged = await self.store.merge(token.key, delta)
        if merged.refused:
            return merged
        for name, value in state.planned.items():
            setattr(header, name, value)
        state.planned, state.rotate, state.bound, state.touched = NO_PLANS, False, False, False
        # An old token in its grace is never sent again: the browser has got the new one by another response.
        if fresh is not None and (rotate or not merged.forwarded):
            log.info("session %s became %s (%s)", token.key.hex(), fresh.key.hex(), "rotated" if rotate else "renewed")
            state.token, state.forwarded, state.issue = fresh, False, True
            header.renewed = self._clock()
        elif merged.forwarded:
            state.forwarded, state.issue = True, False
        return merged

    async def _refused(self, session: Session, state: State, wanted: bool) -> SessionHeaders:
        """Let go of a session that another request has ended or moved; *wanted* tells whether a change is lost."""
        assert state.token is not None
        log.info("session %s: a change was refused, it was ended or moved meanwhile", state.token.key.hex())
        if state.bound:
            # Signing in needs nothing of the old session: what this request itself has set goes into a new one.
            state.token, state.header, state.fields = None, None, Fields(state.fields.own)
            await self._create(state)
            return self._headers(session, state)
        state.fields.settle()
        state.planned, state.rotate = NO_PLANS, False
        if wanted and session._mode in ("strict", "exclusive"):
            raise _conflict(session._mode)
        return _REFUSED

    async def _create(self, state: State) -> None:
        """Give the visitor a session. It always gets a token of ours: what the browser came with is never adopted."""
        now, settings = self._clock(), self.settings
        token = self.draw(state)
        assert token is not None, "a session without a key refuses changes"
        if now >= self._note_due:
            await self._note_key(now)
        permanent = self.permanent(state)
        header = Header(now, now, settings.idle_for(permanent), now + settings.absolute, now, permanent=permanent)
        for name, value in state.planned.items():
            setattr(header, name, value)
        await self.store.create(token.key, Record(token.key, header, state.fields.raw))
        log.info("session %s was created", token.key.hex())
        state.header, state.issue = header, True
        state.planned, state.rotate, state.bound = NO_PLANS, False, False
        state.fields.settle()

    async def _end(self, state: State) -> None:
        if state.ended is not None:
            await self.store.delete(state.ended)
            log.info("session %s was ended", state.ended.hex())
            state.ended = None

    def _headers(self, session: Session, state: State) -> SessionHeaders:
        """Return the headers that tell the browser its token."""
        assert state.token is not None
        assert state.header is not None
        assert self.keys is not None
        expires = state.header.deadline if state.header.permanent else None
        value = self.keys.sign(state.token)
        state.issue = False
        return SessionHeaders(self.cookie.write(value, session._secure, expires, self._clock()))

    def _renewal_due(self, state: State) -> bool:
        after = self.settings.renew_after
        if after is None or state.header is None or state.forwarded:
            return False
        return self._clock() - state.header.renewed >= after

    @staticmethod
    def _is_emptied(state: State) -> bool:
        return not state.fields.raw and state.user is None

    def _bear(self, error: SessionUnavailable) -> None:
        if self.settings.on_error != "anonymous":
            raise error
        log.error("The session store does not answer, and the request goes on without a session. %s", error)

    # -- what a session asks for --------------------------------------------------------------------------------------

    async def apply(self, session: Session, delta: Delta) -> Merged:
        """Send a command in the middle of a request; a session that does not exist yet is created for it."""
        state = session._state
        assert state is not None
        if state.lost:
            return REFUSED
        try:
            if state.header is None:
                await self._end(state)
                for key, by in delta.incr.items():
                    state.fields.store_counted(key, by)
                await self._create(state)
                return Merged(numbers=dict(delta.incr))
            assert state.token is not None
            delta.owner = state.lease
            merged = await self.store.merge(state.token.key, delta)
        except SessionUnavailable as error:
            self._bear(error)
            state.lost = True
            return REFUSED
        if merged.refused:
            log.info("session %s: a change was refused, it was ended or moved meanwhile", state.token.key.hex())
            state.issue, state.refused = False, True
            if session._mode in ("strict", "exclusive"):
                raise _conflict(session._mode)
        elif merged.forwarded:
            state.forwarded, state.issue = True, False
        return merged

    def check_writable(self, mode: str) -> None:
        """Raise what a change in a session of this *mode* has to raise, if it may not be changed."""
        if mode == "readonly":
            raise refuse_readonly()
        if "write" not in self.store.abilities:
            raise SessionReadOnly(
                "There is no place to keep a session, because SESSION_TYPE is 'null'. Set SESSION_TYPE = 'sqlite' to "
                "keep sessions in the instance folder, or 'memory' for a test."
            )
        if self.keys is None:
            raise SecretKeyMissing("for sessions: it signs their cookie", self.settings.instance)

    def draw(self, state: State) -> Token | None:
        """Return the session's token, and make one if it has none yet."""
        if state.token is None and self.keys is not None:
            state.token = Token.draw()
        return state.token

    def permanent(self, state: State) -> bool:
        """Return whether the session is permanent, or will be after the request."""
        held = self.settings.permanent if state.header is None else state.header.permanent
        return bool(state.planned.get("permanent", held))

    def plan_permanent(self, state: State, value: bool) -> None:
        """Make the session permanent, or no longer so, with the idle time that belongs to it."""
        state.planned = {**state.planned, "permanent": value, "idle": self.settings.idle_for(value)}

    def plan_user(self, state: State, user: str) -> None:
        """Bind a user, which begins the absolute lifetime anew."""
        now = self._clock()
        state.planned = {**state.planned, "user": user, "auth_time": now, "absolute": now + self.settings.absolute}


def _conflict(mode: str) -> SessionConflict:
    reason = (
        "its lease ran out (SESSION_LOCK_LEASE), or the session was ended"
        if mode == "exclusive"
        else "another request ended the session or changed its token meanwhile"
    )
    return SessionConflict(f"The changes of this request to the session were refused: {reason}. Nothing was stored.")


def refuse_readonly() -> SessionReadOnly:
    """Return the error for a change in the mode ``readonly``."""
    return SessionReadOnly(
        "This route was registered with session='readonly': its view may look at the session and not change it. Write "
        "session='shared' in its @app.route(...), or leave it out."
    )


def changed_inside(fields: Iterable[str]) -> SessionReadOnly:
    """Return the error for a change inside of the values of *fields*, in the mode ``readonly``."""
    keys = ", ".join(f"session[{key!r}]" for key in fields)
    return SessionReadOnly(
        f"{keys} was changed inside, in a route that was registered with session='readonly': the change is not kept. "
        "Write session='shared' in its @app.route(...), or change a copy."
    )
