"""The session that a view works with: a dict that reads when it is touched and keeps what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Protocol

from erlen.callables import drive
from erlen.config.kinds import CONFLICT_POLICIES
from erlen.errors import SessionError, SessionValueError
from erlen.sessions.fields import Policy
from erlen.sessions.interface import SessionMixin
from erlen.sessions.record import Delta, Merged
from erlen.sessions.state import State
from erlen.sessions.token import Token

__all__ = ["FLASHES", "FLASH_LIMIT", "MODES", "Session", "SessionLock"]

MODES = ("none", "readonly", "shared", "exclusive", "strict")
"""How a route may ask for the session."""

FLASHES = "_flashes"
"""The key under which flashed messages stand, as in Flask: a list of ``(category, message)``."""
FLASH_LIMIT = 100
"""More unseen messages than that are not kept: the oldest go."""


class Backend(Protocol):
    """What a session needs of its manager."""

    async def load(self, session: Session) -> None: ...
    def load_now(self, session: Session) -> State: ...
    async def apply(self, session: Session, delta: Delta) -> Merged: ...
    async def add(self, session: Session, key: str, by: int, end: float | None) -> int: ...
    async def commit(self, session: Session) -> None: ...
    async def hold(self, session: Session, wait: float | None, lease: float | None) -> bool: ...
    async def let_go(self, session: Session, keep: bool) -> None: ...
    async def admit(self, state: State, user: str) -> None: ...
    def permanent(self, state: State) -> bool: ...
    def plan_permanent(self, state: State, value: bool) -> None: ...
    def plan_user(self, session: Session, state: State, user: str, label: str | None) -> None: ...
    def check_writable(self, mode: str) -> None: ...
    def end_after(self, ttl: float | timedelta | None) -> float | None: ...
    def draw(self, state: State) -> Token | None: ...


class SessionLock:
    """What ``session.lock()`` returns, to be entered by ``with`` in plain code and by ``async with`` in async code."""

    def __init__(self, manager: Backend, session: Session, wait: float | None, lease: float | None) -> None:
        self._manager = manager
        self._session = session
        self._wait = wait
        self._lease = lease
        self._held = False

    def __enter__(self) -> None:
        drive(self.__aenter__())

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        drive(self.__aexit__(kind, error, traceback))

    async def __aenter__(self) -> None:
        self._held = await self._manager.hold(self._session, self._wait, self._lease)

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        if self._held:
            self._held = False
            await self._manager.let_go(self._session, kind is None)


class Session(SessionMixin):
    """The visitor's session, kept on the server. The cookie only holds the token that finds it.

    It is used like a dict with text keys. Nothing is read before it is touched, and a value is decoded when it is
    read. Each top-level key is kept on its own: two requests that change different keys at once both keep their change.
    Changes deep inside a value are noticed. ::

        session["cart"] = {"apples": 2}
        session["cart"]["apples"] += 1
        number = session.incr("visits")
    """

    # Few public names: in a template session.x means the key x only where there is no attribute of that name.
    __slots__ = (
        *("__weakref__", "_cookie", "_manager", "_mode", "_request", "_secure", "_sent", "_state"),
        "accessed",
    )

    def __init__(
        self, manager: Backend, cookie: str | None, secure: bool, mode: str = "shared", request: Any = None
    ) -> None:
        self._manager = manager
        self._cookie = cookie
        self._secure = secure
        self._state: State | None = None
        self._mode = mode
        self._request = request
        self._sent = False
        self.accessed = False

    # -- reading ----------------------------------------------------------------------------------------------------

    def _open(self) -> State:
        """Look for the session if that was not done yet, and note that the request depends on it."""
        state = self._state
        if state is None:
            if self._mode == "none":
                raise SessionError(
                    "This route was registered with session='none', so there is no session in it. Take that out of "
                    "its @app.route(...), or write session='readonly' if the view only looks."
                )
            state = self._manager.load_now(self)
        self.accessed = True
        if state.failure is not None:
            failure, state.failure = state.failure, None
            try:
                raise failure
            finally:
                del failure  # or the exception would hold this frame, and this frame the exception
        return state

    async def aload(self) -> None:
        """Read the session from its store now, without holding up the event loop; later reads take no time."""
        await self._manager.load(self)
        self._open()

    def __getitem__(self, key: str) -> Any:
        return (self._state or self._open() if self.accessed else self._open()).fields.get(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of *key*, or *default* if there is none."""
        fields = (self._state or self._open() if self.accessed else self._open()).fields
        return fields.get(key) if key in fields.raw else default

    def __contains__(self, key: object) -> bool:
        return key in self._open().fields.raw

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._open().fields.raw))

    def __len__(self) -> int:
        return len(self._open().fields.raw)

    def __bool__(self) -> bool:
        return bool(self._open().fields.raw)

    def copy(self) -> dict[str, Any]:
        """Return the fields as a plain dict."""
        return dict(self.items())

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(other) | self.copy()

    def __repr__(self) -> str:
        # Neither the token nor a value: a repr ends up in logs.
        state = self._state
        held = "not read yet" if state is None else f"keys {list(state.fields.raw)}"
        return f"<Session {self._mode}, {held}>"

    # -- changing ---------------------------------------------------------------------------------------------------

    def _change(self) -> State:
        """Say why not, if the session may not be changed."""
        state = self._state
        if state is not None and state.writable:
            self.accessed = True
            return state
        self._manager.check_writable(self._mode)
        state = self._open()
        state.writable = True
        return state

    def __setitem__(self, key: str, value: Any) -> None:
        self._change().fields.assign(_checked(key), value)

    def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | timedelta | None = None,
        on_conflict: Policy | None = None,
    ) -> None:
        """Set *key*, with a lifetime or a policy of its own. ::

            session.set("code", "4711", ttl=300)
            session.set("cart", cart, on_conflict="error")

        :param ttl: seconds, or a timedelta, after which the key is gone although the session lives on; assigning it
            again without one takes the lifetime away
        :param on_conflict: what happens if another request changes the key meanwhile, for this request: ``"last"``,
            ``"first"``, ``"error"`` or a function, as in ``SESSION_CONFLICTS``
        :raises SessionValueError: if the value cannot be stored
        """
        fields, key = self._change().fields, _checked(key)
        if on_conflict is not None:
            if not callable(on_conflict) and on_conflict not in CONFLICT_POLICIES:
                known = ", ".join(map(repr, CONFLICT_POLICIES))
                raise ValueError(f"on_conflict={on_conflict!r} is none of {known}, and no function.")
            fields.policies = {**fields.policies, key: on_conflict}
        fields.assign(key, value, self._manager.end_after(ttl))

    def __delitem__(self, key: str) -> None:
        self._change().fields.delete(key)

    def __ior__(self, other: Any) -> Session:  # type: ignore[misc]
        self.update(other)
        return self

    def pop(self, key: str, *default: Any) -> Any:
        """Remove *key* and return its value. A value that no other request may get as well: :meth:`take`."""
        fields = self._change().fields
        if key not in fields.raw and default:
            return default[0]
        try:
            return fields.get(key)
        except SessionValueError:
            if not default:
                raise
            return default[0]  # it cannot be read any more, and this is the way to be rid of it
        finally:
            if key in fields.raw:
                fields.delete(key)

    def popitem(self) -> tuple[str, Any]:
        """Remove the key that was added last and return it with its value."""
        fields = self._change().fields
        if not fields.raw:
            raise KeyError("popitem(): the session is empty")
        key = next(reversed(fields.raw))
        return key, self.pop(key)

    def clear(self) -> None:
        """Empty the session and end it, as :meth:`invalidate` does."""
        self._change().end()

    def invalidate(self) -> None:
        """End this session: its fields, its user and its token, in the store, with the response.

        What is assigned afterwards goes into a new session with a new token, so that no request that began before can
        bring anything of this one back.
        """
        self._change().end()

    def append(self, key: str, value: Any, max: int | None = None, *, ttl: float | timedelta | None = None) -> None:
        """Append *value* to the list *key*, which is made if it is missing; two requests never lose an item.

        :param max: keep only so many items, the last ones
        :param ttl: seconds, or a timedelta, after which the list is gone, counted from when it is made
        :raises SessionValueError: if *key* holds something else, or *value* cannot be stored
        """
        if max is not None and max < 1:
            raise ValueError(f"max must be 1 or more, not {max}")
        self._change().fields.append(_checked(key), value, max, self._manager.end_after(ttl))

    # -- operations that the store answers at once --------------------------------------------------------------------

    def incr(self, key: str, by: int = 1, *, ttl: float | timedelta | None = None) -> int:
        """Add *by* to the whole number *key* and return the sum; what is missing counts as 0.

        The store adds, now: of a hundred requests that count at once, each gets another number. In async code write
        ``await session.aincr(key)``. ::

            if session.incr("attempts", ttl=600) > 5:  # in ten minutes from the first one
                abort(429)

        :param ttl: seconds, or a timedelta, after which the number is gone, counted from when it is made
        :raises SessionValueError: if *key* holds something else
        """
        return drive(self.aincr(key, by, ttl=ttl))

    async def aincr(self, key: str, by: int = 1, *, ttl: float | timedelta | None = None) -> int:
        """Do what :meth:`incr` does, without holding up the event loop."""
        await self._manager.load(self)
        fields = self._change().fields
        total = fields.sum(_checked(key), by)
        end = self._manager.end_after(ttl)
        if fields.is_decided(key):
            fields.assign(key, total, fields.end_of(key) if key in fields.raw else end)
            return total
        return await self._manager.add(self, key, by, end)

    def take(self, key: str, default: Any = None) -> Any:
        """Remove *key* and return its value, or *default*: of two requests that race for it, exactly one gets it.

        For what may be used once: a link in a mail, the token of a form. In async code write
        ``await session.atake(key)``.
        """
        return drive(self.atake(key, default))

    async def atake(self, key: str, default: Any = None) -> Any:
        """Do what :meth:`take` does, without holding up the event loop."""
        await self._manager.load(self)
        fields = self._change().fields
        if key not in fields.raw:
            return default
        if fields.is_decided(key):
            return self.pop(key)
        merged = await self._manager.apply(self, Delta(take=[key], final=False))
        raw = fields.store_took(key, merged.taken.get(key))
        return default if raw is None else fields.read(key, raw)

    # -- messages for the next page -----------------------------------------------------------------------------------

    def _flash(self, category: str, message: Any) -> None:
        """Keep *message* for the next page that shows messages."""
        self.append(FLASHES, (category, message), FLASH_LIMIT)

    def _take_flashes(self) -> list[tuple[str, Any]]:
        """Return the kept messages and remove exactly these: what another tab flashes meanwhile stays.

        In the mode ``readonly`` none are returned: they wait for a page that may take them away.
        """
        if FLASHES not in self or self._mode == "readonly":
            return []
        return [(str(category), message) for category, message in self._change().fields.show(FLASHES)]

    # -- life -------------------------------------------------------------------------------------------------------

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether the visitor came without a session; a cookie that leads to none does not count."""
        return self._open().new

    @property
    def modified(self) -> bool:
        """Whether there is something to save, changes inside of values included.

        Set it to True to save every value that was read, even one that looks the same.
        """
        state = self._state
        if state is None:
            return False
        return bool(state.planned or state.ended or state.rotate) or state.fields.changed

    @modified.setter
    def modified(self, value: bool) -> None:
        self._change().fields.forced = value

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser.

        Its cookie has a lifetime then, and the idle time is ``PERMANENT_SESSION_LIFETIME``. A new session follows
        ``SESSION_PERMANENT``.
        """
        return self._manager.permanent(self._open())

    @permanent.setter
    def permanent(self, value: bool) -> None:
        if bool(value) != self.permanent:
            self._manager.plan_permanent(self._change(), bool(value))

    @property
    def sid(self) -> str | None:
        """A public name of the session, for logs and listings. It is not the token and opens nothing.

        It changes with each rotation, and is None when there is no ``SECRET_KEY``.
        """
        token = self._manager.draw(self._open())
        return None if token is None else token.key.hex()

    @property
    def bound_user(self) -> str | None:
        """The user that was bound to the session, or None.

        Not called ``user``: in a template ``session.user`` has to mean the key of that name.
        """
        return self._open().user

    def bind(self, user: str | int, *, label: str | None = None) -> None:
        """Say that the session belongs to *user* from now on, that is: sign them in.

        The token is changed, so that one which somebody else may have put into the browser before gains nothing, and
        the absolute deadline begins anew. If the session belonged to another user, nothing of theirs is kept.

        :param user: what the user is known by; kept as text
        :param label: what lists of sessions call it; without one, browser, system and network of the request
        :raises SessionLimitReached: if the user has ``MAX_SESSIONS_PER_USER`` sessions elsewhere, and
            ``MAX_SESSIONS_POLICY`` is not ``"oldest"``

        Such a limit is looked up in the store: in async code write ``await session.abind(user)`` then.
        """
        drive(self.abind(user, label=label))

    async def abind(self, user: str | int, *, label: str | None = None) -> None:
        """Do what :meth:`bind` does, without holding up the event loop."""
        await self._manager.load(self)
        state = self._change()
        name = _user_name(user)
        await self._manager.admit(state, name)
        if state.user not in (None, name):
            state.end()
        state.rotate = state.bound = True
        self._manager.plan_user(self, state, name, label)

    def rotate(self) -> None:
        """Change the token and keep the fields; the old token is dead with the response.

        For the moment at which somebody gets new rights, and at login if :meth:`bind` is not used.
        """
        self._change().rotate = True

    # -- before the request ends --------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Store what was changed so far, now: in the middle of a view, or while a body is streamed. ::

            @stream_with_context
            def rows():
                for number, row in enumerate(report):
                    session["progress"] = number
                    session.commit()
                    yield row

        What is changed after a response has begun is stored by this alone. In async code write
        ``await session.acommit()``.

        :raises SessionError: if a new session or a new token would have to be told to a browser that has got the
            headers already
        """
        drive(self._manager.commit(self))

    async def acommit(self) -> None:
        """Do what :meth:`commit` does, without holding up the event loop."""
        await self._manager.commit(self)

    def lock(self, wait: float | None = None, lease: float | None = None) -> SessionLock:
        """Hold the session for this request alone, for the lines of a ``with`` or ``async with`` block. ::

            with session.lock():
                session["balance"] = session.get("balance", 0) - 10

        At its beginning what was changed before is stored and the session is read anew; at its end what was changed in
        it is stored. If an exception leaves the block, its changes are stored with the request, if at all.

        :param wait: seconds to wait for another request; without it ``SESSION_LOCK_WAIT``
        :param lease: seconds after which others may go on if this worker dies; without it ``SESSION_LOCK_LEASE``
        :raises SessionConflict: if the session was not to be had in time, or if it was ended or the lease ran out
            before the end of the block: its changes are not stored then
        """
        if lease is not None and lease <= 0:
            raise ValueError(f"lease must be longer than 0, not {lease}: after it others may go on.")
        return SessionLock(self._manager, self, wait, lease)


def _checked(key: object) -> str:
    if type(key) is str and key.isascii():
        return key
    if not isinstance(key, str):
        raise SessionValueError(
            f"session[{key!r}]",
            f"a key of the session is a text, not {type(key).__name__}: another would come back as a text or not at "
            f"all. Write session[{str(key)!r}].",
        )
    if not key.isascii() and not _is_text(key):
        raise SessionValueError(f"session[{key!r}]", "the key holds half of a surrogate pair, which is no text.")
    return key if type(key) is str else str.__str__(key)


def _user_name(user: object) -> str:
    name = str(user)
    if user is None or not name or not _is_text(name):
        raise ValueError(
            f"session.bind() needs the name or number of a user, not {user!r}: whoever is bound to that would share "
            "sessions with others whose name is missing. Check that the login has found somebody."
        )
    return name


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
