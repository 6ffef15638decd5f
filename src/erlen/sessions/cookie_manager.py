"""``SESSION_TYPE = "cookie"``: Erlen's session on Flask's signed cookie.

Nothing is kept on the server. What a session promises where two requests meet it cannot promise here: each request
carries the whole session, and the browser keeps the one that it was sent last.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from erlen.errors import ConfigError, SecretKeyMissing, SessionError, SessionValueError
from erlen.json.unwritable import type_name
from erlen.sessions.codec import SCALARS
from erlen.sessions.cookies import find_cookies, may_be_permanent
from erlen.sessions.fields import NO_POLICIES, Fields, no_list, no_number
from erlen.sessions.manager import SessionManager, changed_inside, refuse_readonly
from erlen.sessions.opening import remember
from erlen.sessions.secure_cookie import (
    SecureCookieSessionInterface,
    make_serializer,
    session_json_serializer,
    too_large,
)
from erlen.sessions.session import Session
from erlen.sessions.settings import SessionSettings
from erlen.sessions.state import SessionHeaders, State
from erlen.sessions.stored import add
from erlen.sessions.stores.base import SessionStore
from erlen.sessions.token import KeyRing, Token

__all__ = ["BOUND_USER", "CookieFields", "CookieManager", "CookieState"]

log = logging.getLogger("erlen.sessions")

BOUND_USER = "_bound_user"
"""The key of the cookie under which the bound user stands; a view does not see it among the session's keys."""
_PERMANENT = "_permanent"
_READ = SessionHeaders()


class CookieFields(Fields):
    """The values of a cookie session. They are all decoded at once, and all written at once."""

    _changed: bool = False
    _lent: bool = False
    _user: str | None = None
    _source: str | None = None

    @classmethod
    def of(cls, values: dict[str, Any], user: str | None = None, source: str | None = None) -> CookieFields:
        """Return the fields of a cookie.

        :param values: what the cookie holds; the object keeps and changes it
        :param user: the bound user in it
        :param source: the JSON that they were read from
        """
        # One dict for both: there is nothing that was not decoded yet.
        return cls(values, NO_POLICIES, values, _user=user, _source=source)

    @property
    def changed(self) -> bool:
        """Whether there is something to store, changes inside of values included."""
        return self._changed or self.forced or (self._lent and bool(self.changed_inside()))

    def is_decided(self, key: str) -> bool:
        """Tell that no store has a say: it is always so."""
        return True

    def get(self, key: str) -> Any:
        """Return the value of *key*; a KeyError says that there is none."""
        value = self.values[key]
        if type(value) not in SCALARS:
            self._lent = True
        return value

    def anew(self) -> CookieFields:
        """Return the fields of a new session, without any."""
        return CookieFields.of({})

    def assign(self, key: str, value: Any, end: float | None = None) -> None:
        """Set *key*. It cannot end before the session: the manager refuses that.

        :raises SessionValueError: if the value has no form in tagged JSON
        """
        if self.policies.get(key, "last") != "last":
            raise SessionError(
                "A policy for conflicts (on_conflict=) cannot be kept in a cookie, where no two requests meet. Keep "
                "sessions on the server, with SESSION_TYPE = 'sqlite'."
            )
        _check(key, value)
        self.values[key] = value
        self._changed = True

    def delete(self, key: str) -> None:
        """Remove *key*; a KeyError says that there is none."""
        del self.values[key]
        self._changed = True

    def append(self, key: str, value: Any, limit: int | None = None, end: float | None = None) -> None:
        """Append *value* to the list *key*, which then keeps its last *limit* items.

        :raises SessionValueError: if the key holds something else, or the value has no form in tagged JSON
        """
        items = self.values.get(key, [])
        if not isinstance(items, list):
            raise no_list(key)
        _check(key, value)
        items.append(value)
        if limit is not None:
            del items[: max(0, len(items) - limit)]
        self.values[key] = items
        self._changed = True

    def show(self, key: str) -> list[Any]:
        """Return the items of the list *key* and remove it; a key that holds no list gives an empty one."""
        items: Any = self.values.get(key)
        if not isinstance(items, list):
            return []
        self.delete(key)
        return items

    def sum(self, key: str, by: int) -> int:
        """Return the whole number *key* plus *by*; what is missing counts as 0.

        :raises SessionValueError: if the key holds something else, or the sum leaves 64 bits
        """
        held: Any = self.values.get(key, 0)
        if type(held) is not int:
            raise no_number(key)
        return add(key, b"%d" % held, by)

    def changed_inside(self) -> dict[str, bytes]:
        """Return the fields whose value was changed inside since it was read, with their JSON now."""
        if not self._lent or self._source is None:
            return {}
        if session_json_serializer.dumps(whole(self.values, self._user)) == self._source:
            return {}
        before = session_json_serializer.loads(self._source)  # another order of keys, or a change
        found = {}
        for key, value in self.values.items():
            now = session_json_serializer.dumps(value)
            if key not in before or now != session_json_serializer.dumps(before[key]):
                found[key] = now.encode()
        return found


class CookieState(State):
    """What is known of a cookie session once its cookie was read."""

    held_user: str | None = None
    fresh: bool = True
    """Whether what is saved begins a new session."""

    @property
    def user(self) -> str | None:
        """The bound user."""
        return self.held_user

    def end(self) -> None:
        """Let go of everything; what is assigned from now on belongs to a new session."""
        self.fields = self.fields.anew()
        self.fields.forced = True
        self.held_user = None
        self.fresh = True
        self.rotate = self.bound = self.issue = False


class CookieManager(SessionManager):
    """The sessions of one application, each in the cookie of its visitor. The store keeps nothing."""

    modes = ("none", "readonly", "shared")
    _serializer: Any = None

    def __init__(
        self,
        settings: SessionSettings,
        store: SessionStore,
        keys: KeyRing | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, store, keys, clock)
        _refuse_what_needs_a_store(settings)
        if keys is not None:
            interface = SecureCookieSessionInterface
            signing = interface.salt, session_json_serializer, interface.key_derivation, interface.digest_method
            self._serializer = make_serializer(list(reversed(keys.keys)), *signing)
            self._serializer.clock = clock
        self._age = int(settings.permanent_idle)
        # What the cookie is in a Cookie header that led to a session: a browser sends the same one with each request.
        self._values: tuple[dict[str, list[str]], dict[str, list[str]]] = {}, {}
        self.slides = settings.refresh_each_request and keys is not None

    @property
    def clock(self) -> Callable[[], float]:
        """What gives the time, here and in the signatures."""
        return self._clock

    @clock.setter
    def clock(self, clock: Callable[[], float]) -> None:
        self._clock = self.store.clock = clock
        if self._serializer is not None:
            self._serializer.clock = clock

    async def load(self, session: Session, early: bool = False) -> None:
        """Read the session from the request's cookie, if that was not done. A visitor may send anything.

        :param early: nothing has to be read before an async view, because reading takes no time
        """
        if session._state is None and session._mode != "none" and not early:
            session._state = self._read(session)

    def load_now(self, session: Session) -> State:
        """Read the session from the request's cookie, and return what was found."""
        state = session._state = self._read(session)
        return state

    def _read(self, session: Session) -> CookieState:
        header, serializer = session._cookie, self._serializer
        if header is not None and serializer is not None:
            known = self._values[session._secure]
            remembered = known.get(header)
            values = remembered or find_cookies(header, self.cookie.names[session._secure])
            for value in values:
                try:
                    held, source, current = serializer.read(value, self._age)
                    user = held.pop(BOUND_USER, None)
                except Exception as error:  # also what an own tag raises over it
                    log.debug("A session cookie was refused: %s", type(error).__name__)
                    continue
                if remembered is None and value is values[0]:
                    remember(known, header, values)
                state = CookieState(CookieFields.of(held, user, source), new=False, issue=not current, fresh=False)
                if user is not None:
                    state.held_user = str(user)
                return state
        return CookieState(CookieFields.of({}))

    async def save(self, session: Session) -> SessionHeaders | None:
        """Do what :meth:`save_now` does: nothing has to wait for a cookie."""
        return self.save_now(session)

    def save_now(self, session: Session) -> SessionHeaders | None:
        """Say what the response has to carry; None if the session was not touched and its lifetime does not slide.

        :raises SessionValueError: if something was put into a value that has no form in tagged JSON
        :raises SessionReadOnly: if a value was changed inside, in the mode ``readonly``
        """
        session._sent = True
        if not session.accessed:
            if not self.slides or not may_be_permanent(session._cookie or ""):
                return None
            if session._state is None and session._mode != "none":
                self.load_now(session)
        state: Any = session._state
        if state is None or self._serializer is None:
            return _READ if session.accessed else None
        fields: CookieFields = state.fields
        if not session.accessed:
            return self._headers_of(session, state) if self._slides(state) else None
        if session._mode == "readonly":
            inside = fields.changed_inside()
            if inside:
                raise changed_inside(inside)
        changed = state.rotate or fields._changed or fields.forced or (fields._lent and fields.changed)
        values = fields.values
        if not values and state.user is None:
            return SessionHeaders(self.cookie.expire(session._secure)) if changed else _READ
        if changed or state.issue or (_PERMANENT in values and self._slides(state)):
            return self._headers_of(session, state)
        return _READ

    async def close(self, session: Session) -> None:
        """Give nothing back: nothing is held."""
        return None

    def _slides(self, state: CookieState) -> bool:
        return self.settings.refresh_each_request and bool(state.fields.values.get(_PERMANENT))

    def _headers_of(self, session: Session, state: CookieState) -> SessionHeaders:
        """Return the headers with all of the session in its cookie."""
        values: dict[str, Any] = state.fields.values
        if state.fresh and self.settings.permanent:
            values.setdefault(_PERMANENT, True)
        held = whole(values, state.user)
        try:
            value = self._serializer.dumps(held)
        except (TypeError, ValueError, RecursionError) as error:
            for key, entry in values.items():
                _check(key, entry)
            raise SessionValueError("session", f"it cannot be written: {error}") from error
        now = self.clock()
        expires = now + self.settings.permanent_idle if values.get(_PERMANENT) else None
        cookie = self.cookie.write(value, session._secure, expires, now)
        limit = self.settings.max_cookie_size
        if limit and len(cookie) > limit:
            name = self.cookie.names[session._secure]
            warnings.warn(too_large(name, len(cookie), limit, held, session_json_serializer), stacklevel=2)
        return SessionHeaders(cookie)

    # -- what a session asks for --------------------------------------------------------------------------------------

    def check_writable(self, mode: str) -> None:
        """Raise what a change in a session of this *mode* has to raise, if it may not be changed."""
        if mode == "readonly":
            raise refuse_readonly()
        if self.keys is None:
            raise SecretKeyMissing(
                "for sessions: it signs their cookie",
                self.settings.instance,
                "The session is unavailable because no secret key was set.",
            )

    def draw(self, state: State) -> Token | None:
        """Return None: a session in a cookie has no token, and nothing that could be named."""
        return None

    def permanent(self, state: State) -> bool:
        """Return whether the session is permanent, or will be after the request."""
        values: dict[str, Any] = state.fields.values
        return bool(values.get(_PERMANENT, isinstance(state, CookieState) and state.fresh and self.settings.permanent))

    def plan_permanent(self, state: State, value: bool) -> None:
        """Make the session permanent, or no longer so."""
        state.fields.assign(_PERMANENT, value)

    async def commit(self, session: Session) -> None:
        """Refuse after the response has begun; before that everything is stored with the response anyway."""
        if session._sent:
            raise SessionError(
                "The session cannot be committed: it is in a cookie, and the response with its headers has begun. Keep "
                "sessions on the server, with SESSION_TYPE = 'sqlite', to change them while a body is sent."
            )

    async def hold(self, session: Session, wait: float | None, lease: float | None) -> bool:
        """Refuse: a session in the browser cannot be held."""
        raise SessionError(
            "session.lock() cannot hold a session that is in the browser. Keep sessions on the server, with "
            "SESSION_TYPE = 'sqlite'."
        )

    async def admit(self, state: State, user: str) -> None:
        """Admit everybody: nobody counts sessions in browsers."""
        return None

    def end_after(self, ttl: float | timedelta | None) -> float | None:
        """Refuse a lifetime: Flask's cookie has no place for it."""
        if ttl is not None:
            raise SessionError(
                "A key with a lifetime of its own (ttl=) cannot be kept in a cookie. Keep sessions on the server, with "
                "SESSION_TYPE = 'sqlite', or store the moment at which the value ends together with it."
            )
        return None

    def plan_user(self, session: Session, state: State, user: str, label: str | None) -> None:
        """Bind a user."""
        assert isinstance(state, CookieState)
        state.held_user = user


def _refuse_what_needs_a_store(settings: SessionSettings) -> None:
    """See that no setting asks for what a cookie cannot give.

    :raises ConfigError: if one does
    """
    wanted = {
        "SESSION_CONFLICTS": any(policy != "last" for policy in settings.conflicts.values()),
        "SESSION_SEALED": settings.sealed,
        "MAX_SESSIONS_PER_USER": settings.max_sessions is not None,
    }
    for name, asked in wanted.items():
        if asked:
            raise ConfigError(
                name,
                "It needs sessions on the server, and SESSION_TYPE is 'cookie'.",
                f"Leave {name} out, or set SESSION_TYPE = 'sqlite'.",
            )


def whole(values: dict[str, Any], user: str | None) -> dict[str, Any]:
    """Return all that goes into the cookie."""
    return values if user is None else {**values, BOUND_USER: user}


def _check(key: str, value: Any) -> None:
    """See that *value* can be written.

    :raises SessionValueError: if it cannot; it names the part that is to blame
    """
    try:
        session_json_serializer.dumps(value)
    except RecursionError as error:
        raise SessionValueError(
            f"session[{key!r}]", "it contains itself, or is nested too deeply to be stored."
        ) from error
    except Exception as error:  # an own tag may raise anything
        step, culprit = _culprit(value)
        raise SessionValueError(
            f"session[{key!r}]{step}",
            f"a value of type {type_name(culprit)} cannot be stored in a cookie, where a session is JSON. Store what "
            "is needed to build it again: its id, or a dict of its values. SESSION_TYPE = 'sqlite' keeps more types.",
        ) from error


def _culprit(value: Any) -> tuple[str, object]:
    """Find the innermost part of *value* that cannot be written, and the path to it."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        for name, part in value.items():
            if not _can_write({name: None}):
                return f" (the key {name!r})", name
            parts.append((f"[{name!r}]", part))
    elif isinstance(value, list | tuple):
        parts = [(f"[{index}]", part) for index, part in enumerate(value)]
    for step, part in parts:
        if not _can_write(part):
            deeper, culprit = _culprit(part)
            return step + deeper, culprit
    return "", value


def _can_write(value: Any) -> bool:
    try:
        session_json_serializer.dumps(value)
    except Exception:  # which part it is about is all that is asked
        return False
    return True
