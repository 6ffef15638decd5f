"""Finds the session of a request and reads it: the first half of the life of a session."""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
import time
import weakref
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Self, TypeVar

from erlen.callables import drive
from erlen.config import seconds
from erlen.errors import SecretKeyMissing, SessionConflict, SessionReadOnly, SessionUnavailable
from erlen.loading import load
from erlen.sessions.cookies import SessionCookie, find_cookies
from erlen.sessions.fields import Fields
from erlen.sessions.fingerprint import complaint, note_of
from erlen.sessions.label import label_of
from erlen.sessions.outage import Outage
from erlen.sessions.record import Record
from erlen.sessions.session import MODES, Session
from erlen.sessions.settings import SessionSettings
from erlen.sessions.state import State
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore
from erlen.sessions.token import KeyRing, Token
from erlen.signals import session_expired, session_loaded

__all__ = ["SessionOpener", "changed_inside", "refuse_readonly", "remember"]

log = logging.getLogger("erlen.sessions")

T = TypeVar("T")

# A note is renewed before it is forgotten, so that a worker that starts hours later still meets it.
_NOTE_EVERY = NOTE_KEPT / 2
# So many Cookie headers are remembered with their token, and none that is longer.
_REMEMBERED, _REMEMBERED_SIZE = 4096, 512


class SessionOpener:
    """Opens and loads the sessions of one application: one store, one key ring, one set of settings.

    :param keys: None without a ``SECRET_KEY``: sessions are empty then, and a change says what is missing
    :param clock: gives the time in seconds since 1970, here and in the store
    """

    modes: tuple[str, ...] = MODES
    """The modes that a route may ask for."""
    slides = False
    """Whether a response may need the cookie again although the request did not touch the session."""
    _sender: Callable[[], Any] = staticmethod(lambda: None)

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
        self.outage = Outage(settings.timeout if store.remote else None)
        self._past_keys: tuple[bytes, ...] = ()
        self._known: tuple[dict[str, Token], dict[str, Token]] = {}, {}
        self._note_due = 0.0
        self._complained = False

    def changed(self, settings: SessionSettings, store: SessionStore, keys: KeyRing | None) -> Self:
        """Return the manager that goes on in this one's place after the configuration has changed."""
        return type(self)(settings, store, keys, self.clock).after(self)

    def after(self, former: SessionOpener) -> Self:
        """Take over the clock of *former* and the keys that it has signed with, and return this manager."""
        self.clock = former.clock
        self._sender = former._sender
        self._past_keys = former._past_keys + (() if former.keys is None else former.keys.keys)
        return self

    @property
    def sender(self) -> Any:
        """The application, which the signals are sent from. It is not kept alive."""
        return self._sender()

    @sender.setter
    def sender(self, sender: Any) -> None:
        self._sender = weakref.ref(sender)

    @property
    def clock(self) -> Callable[[], float]:
        """What gives the time. Setting it sets it in the store too: both judge deadlines by the same one."""
        return self._clock

    @clock.setter
    def clock(self, clock: Callable[[], float]) -> None:
        self._clock = self.store.clock = clock

    # -- reading ------------------------------------------------------------------------------------------------------

    def open(self, cookie_header: str | None, secure: bool, mode: str = "shared", request: Any = None) -> Session:
        """Return the session of a request: a shell, which finds out who it is when it is touched.

        :param cookie_header: the request's ``Cookie`` header
        :param secure: whether the request came by https
        :param mode: how the route asked for the session: one of :data:`~erlen.sessions.session.MODES`
        :param request: what a label is made of when a user signs in
        """
        return Session(self, cookie_header, secure, mode, request)  # type: ignore[arg-type]

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
            session._state = State(self.new_fields())
            return
        lease, outage, began = None, self.outage, time.monotonic()
        try:
            if outage.since is not None:
                outage.check()
            now = self._clock()
            if now >= self._note_due:
                await self._note_key(now)
            if session._mode == "exclusive":
                lease = secrets.token_hex(8)
                settings = self.settings
                record = await self.store.acquire(token.key, lease, settings.lock_lease, settings.lock_wait)
                now = self._clock()  # it may have waited
            else:
                record = await self.store.load(token.key, not early)
        except (SessionUnavailable, SessionConflict) as error:
            if self._has_failed(session, error, began, early):
                raise
            return
        self._found(session, token, record, now, began, early, lease)

    def _is_lost(self, session: Session, error: SessionUnavailable | SessionConflict, early: bool) -> bool:
        """Let the request go on with an empty session; tell whether *error* is to be raised now."""
        session._state = state = State(self.new_fields())
        state.lost = True
        if isinstance(error, SessionUnavailable) and self.settings.on_error == "anonymous":
            return False
        if early:
            state.failure = error.with_traceback(None)  # its frames would hold the session
        return not early

    def load_now(self, session: Session) -> State:
        """Do what :meth:`load` does for a plain caller, and return what was found."""
        now = self._clock()
        if session._mode == "exclusive" or now >= self._note_due or self.outage.since is not None:
            drive(self.load(session))
        elif (token := self._token(session)) is None:
            session._state = State(self.new_fields())
        else:  # nothing but to ask the store
            began = time.monotonic()
            try:
                record = self.store.load_now(token.key, True)
            except SessionUnavailable as error:
                if self._has_failed(session, error, began, False):
                    raise
            else:
                self._found(session, token, record, now, began)
        state: State | None = session._state
        assert state is not None
        return state

    def _has_failed(
        self, session: Session, error: SessionUnavailable | SessionConflict, began: float, early: bool
    ) -> bool:
        """Note that the store has not given the session; tell whether *error* is to be raised now."""
        if isinstance(error, SessionUnavailable):
            self.outage.failed(error, began)
        return self._is_lost(session, error, early)

    def _found(
        self,
        session: Session,
        token: Token,
        record: Record | None,
        now: float,
        began: float,
        early: bool = False,
        lease: str | None = None,
    ) -> None:
        """Take over what the store has under *token*."""
        if self.outage.since is not None:
            self.outage.answered()
        if session._state is not None:
            return  # another thread or task of this request was first, and may have changed something already
        if record is not None and record.header.is_over(now):  # whatever the store says
            record = None
        if session_loaded.receivers:
            self._measure(token, record, began)
        if record is None:
            session._state = State(self.new_fields())
            if token.adopted:  # a foreign cookie, not a session of ours that has ended
                return
            log.info("session %s is over: its deadline has passed, or it was ended", token.key.hex())
            if session_expired.receivers:
                session_expired.send(self.sender, handle=token.key.hex())
            return
        try:
            fields = self.fields_of(token, record, now)
        except SessionUnavailable as error:  # the store answers, and what it holds cannot be opened
            if self._is_lost(session, error, early):
                raise
            return
        session._state = state = State.of(token, record, fields)
        if lease is not None:
            state.lease = lease
        elif early:
            state.early = True

    def new_fields(self) -> Fields:
        """Return the fields of a session that does not exist yet."""
        if self.settings.sealed:
            fields: Fields = load("erlen.sessions.seal").new_fields(self.settings.conflicts)
            return fields
        return Fields({}, self.settings.conflicts)

    def fields_of(self, token: Token, record: Record, now: float) -> Fields:
        """Return the fields of a stored session."""
        header, policies = record.header, self.settings.conflicts
        if header.seals is None:
            fields = Fields(record.fields, policies)
        else:
            fields = load("erlen.sessions.seal").fields_of(token, header.seals, record.fields, policies)
        if header.mortal:
            fields.part(now)
        return fields

    def _measure(self, token: Token, record: Record | None, began: float) -> None:
        size = 0 if record is None else sum(map(len, record.fields.values()))
        handle, took = token.key.hex(), (time.monotonic() - began) * 1000
        session_loaded.send(self.sender, handle=handle, load_ms=took, bytes=size)

    def _token(self, session: Session) -> Token | None:
        """Return the token that the request's cookie holds, or None: forged ones never come to the store."""
        header, keys = session._cookie, self.keys
        if header is None or keys is None:
            return None
        # A browser sends the same header with each request. Only one with a token of our own making gets in here.
        known = self._known[session._secure]
        found = known.get(header)
        if found is not None:
            return found
        name = self.cookie.names[session._secure]
        for value in find_cookies(header, name):
            token = keys.verify(value)
            if token is not None:
                remember(known, header, token)
                return token
            log.debug("A session cookie was refused: none of our keys has signed it.")
        if self.settings.adopt_flask_session:
            adopted: Token | None = load("erlen.sessions.adoption").find_adopted(header, name)
            return adopted
        return None

    async def _note_key(self, now: float) -> None:
        """Leave the fingerprint of our key in the store, and look whether another worker has another key."""
        assert self.keys is not None
        self._note_due = now + _NOTE_EVERY
        own = note_of(self.keys, now, self._past_keys)
        began = time.monotonic()
        try:
            others = await self.store.note_key(own)
        except SessionUnavailable:  # the note only helps to find a mistake: no request fails for it
            self._note_due = now + 1
            if time.monotonic() - began > self.settings.timeout / 2:
                raise  # but the next command would wait in vain as long
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
            record = await self.outage.ask(self.store.load, state.token.key, True)
            state.touched = record is not None and record.touched

    # -- what a session asks for --------------------------------------------------------------------------------------

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

    def plan_user(self, session: Session, state: State, user: str, label: str | None) -> None:
        """Bind a user, which begins the absolute lifetime anew."""
        now = self._clock()
        planned = {"user": user, "auth_time": now, "absolute": now + self.settings.absolute}
        if label is None and session._request is not None:
            label = label_of(session._request, self.settings.label)
        if label is not None:
            label = label.encode(errors="replace").decode()  # half of a surrogate pair is no text
        state.planned = {**state.planned, **planned, "label": label}

    def end_after(self, ttl: float | timedelta | None) -> float | None:
        """Return the moment at which a key with this lifetime ends."""
        if ttl is None:
            return None
        lifetime = seconds(ttl)
        if lifetime <= 0:
            raise ValueError(f"ttl must be longer than 0, not {ttl!r}. To remove a key: session.pop(key, None).")
        if not math.isfinite(lifetime):
            raise ValueError(f"ttl must be a number of seconds, not {ttl!r}. Without one a key lives with its session.")
        return self._clock() + lifetime


def remember(known: dict[str, T], header: str, found: T) -> None:
    """Keep in *known* what was found in a ``Cookie`` header, unless it is a long one."""
    if len(header) <= _REMEMBERED_SIZE:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[header] = found


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
