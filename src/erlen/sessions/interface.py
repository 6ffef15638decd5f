"""The shapes of Flask's sessions, so that session interfaces written for Flask can be used.

An application whose ``session_interface`` is set hands every request to it in place of Erlen's own sessions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from werkzeug.datastructures import CallbackDict

from erlen.current import current

__all__ = ["NullSession", "SessionInterface", "SessionMixin"]


class SessionMixin(MutableMapping[str, Any]):
    """What every session object offers besides being a mapping."""

    __slots__ = ()

    new: bool = False
    """Whether the visitor came without a session."""
    modified: bool = True
    """Whether there is something to save. A session that cannot tell leaves it True."""
    accessed: bool = True
    """Whether the request looked at the session, so that the response differs by cookie."""

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser. It stands under the key ``"_permanent"``."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class NullSession(CallbackDict[str, Any], SessionMixin):
    """An empty session that refuses every change: what a request gets when an interface opens none."""

    modified = False
    accessed = False

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
