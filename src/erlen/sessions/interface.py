"""The shapes of Flask's sessions, so that session interfaces written for Flask can be used.

An application whose ``session_interface`` is set hands every request to it in place of Erlen's own sessions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from werkzeug.datastructures import CallbackDict

from erlen.current import current

__all__ = ["NullSession", "SecureCookieSession", "SessionInterface", "SessionMixin"]


class SessionMixin(MutableMapping[str, Any]):
    """What every session object offers besides being a mapping."""

    __slots__ = ()

    new: bool = False
    """Whether the visitor came without a session."""
    modified: bool = True
    """Whether there is something to save. A session that cannot tell leaves it True."""
    accessed: bool = False
    """Whether the request looked at the session, so that the response differs by cookie. Every use of the proxy
    ``session`` sets it."""

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser. It stands under the key ``"_permanent"``."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(CallbackDict[str, Any], SessionMixin):
    """The session of a :class:`SecureCookieSessionInterface`: a dict that notes that it was looked at and changed.

    A change inside of a value is not noticed. Assign the value again, or say so::

        session["cart"].append("beaker")
        session.modified = True

    :param initial: what it holds
    """

    modified = False
    """Whether a key was set or deleted; set it to True after a change inside of a value."""
    accessed = False
    """Whether the request looked at it or changed it."""
    begun = False
    """Whether the visitor came without a cookie that can be read: ``new`` cannot say it, Flask keeps it at False."""

    def __init__(self, initial: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__(initial, _note_change)

    def __getitem__(self, key: str) -> Any:
        self.accessed = True
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of *key*, or *default* if there is none."""
        self.accessed = True
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of *key*, and set it to *default* first if there is none."""
        self.accessed = True
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self.accessed = True
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self.accessed = True
        return super().__iter__()

    def __len__(self) -> int:
        self.accessed = True
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self.accessed = True
        return super().__eq__(other)

    def keys(self) -> Any:
        """Return a view of the keys."""
        self.accessed = True
        return super().keys()

    def values(self) -> Any:
        """Return a view of the values."""
        self.accessed = True
        return super().values()

    def items(self) -> Any:
        """Return a view of the pairs of key and value."""
        self.accessed = True
        return super().items()

    def copy(self) -> dict[str, Any]:
        """Return a plain dict of the same values."""
        self.accessed = True
        return dict(super().items())


def _note_change(session: Any) -> None:
    session.accessed = session.modified = True


class NullSession(SecureCookieSession):
    """An empty session that refuses every change: what a request gets when an interface opens none."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse a change, and say what is missing."""
        raise RuntimeError(
            "The session is unavailable because no secret key was set. Set the secret_key on the application to "
            "something unique and secret: 'erlen secret' prints one."
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _refuse


class SessionInterface:
    """Opens the session when a request begins and saves it with the response.

    Subclass it, and set ``app.session_interface`` to an instance. ::

        class Sessions(SessionInterface):
            def open_session(self, app, request): ...
            def save_session(self, app, session, response): ...
    """

    null_session_class = NullSession
    """What :meth:`make_null_session` makes an instance of."""
    pickle_based = False
    """Whether it uses pickle. For others to ask; Erlen's own sessions never do."""

    @abstractmethod
    def open_session(self, app: Any, request: Any) -> SessionMixin | None:
        """Return the request's session. None means that there is none, and :meth:`make_null_session` is asked.

        It is called for every request before the request is matched to a view.
        """
        raise NotImplementedError(f"{type(self).__name__} must define open_session(self, app, request).")

    @abstractmethod
    def save_session(self, app: Any, session: SessionMixin, response: Any) -> None:
        """Keep *session* and set the cookie on *response*. It is not called for a null session."""
        raise NotImplementedError(f"{type(self).__name__} must define save_session(self, app, session, response).")

    def make_null_session(self, app: Any) -> SessionMixin:
        """Return the session of a request for which none was opened."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether *obj* is such a session, which is not saved."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Any) -> str:
        """Return the cookie's name, ``SESSION_COOKIE_NAME``."""
        return str(app.config["SESSION_COOKIE_NAME"] or "session")

    def get_cookie_domain(self, app: Any) -> str | None:
        """Return the ``Domain`` attribute, or None for a cookie of the exact host."""
        return app.config["SESSION_COOKIE_DOMAIN"] or None

    def get_cookie_path(self, app: Any) -> str:
        """Return the ``Path`` attribute: ``SESSION_COOKIE_PATH``, else ``APPLICATION_ROOT``."""
        return str(app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"])

    def get_cookie_httponly(self, app: Any) -> bool:
        """Return whether scripts are kept from reading the cookie."""
        return bool(app.config["SESSION_COOKIE_HTTPONLY"])

    def get_cookie_secure(self, app: Any) -> bool:
        """Return whether the cookie is sent over https alone; ``None`` means: if the current request came by it."""
        wanted = app.config["SESSION_COOKIE_SECURE"]
        if wanted is None:
            context = current.get(None)
            return context is not None and context.request is not None and context.request.scheme == "https"
        return bool(wanted)

    def get_cookie_samesite(self, app: Any) -> str | None:
        """Return the ``SameSite`` attribute: ``"Strict"``, ``"Lax"``, ``"None"``, or None for no attribute."""
        return app.config["SESSION_COOKIE_SAMESITE"] or None

    def get_cookie_partitioned(self, app: Any) -> bool:
        """Return whether the cookie is kept apart for each site that embeds this one."""
        return bool(app.config["SESSION_COOKIE_PARTITIONED"])

    def get_expiration_time(self, app: Any, session: SessionMixin) -> datetime | None:
        """Return when the cookie ends, in UTC; None for when the browser is closed."""
        if not session.permanent:
            return None
        expires: datetime = datetime.now(UTC) + app.permanent_session_lifetime
        return expires

    def should_set_cookie(self, app: Any, session: SessionMixin) -> bool:
        """Tell whether the response needs the cookie.

        It does after a change, and each time for a permanent session unless ``SESSION_REFRESH_EACH_REQUEST`` is off.
        """
        return session.modified or (session.permanent and bool(app.config["SESSION_REFRESH_EACH_REQUEST"]))
