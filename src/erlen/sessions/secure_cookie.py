"""Flask's session: all of it in a signed cookie, under the names and by the rules that Flask documents.

The visitor can read what is in it and cannot change it. ``SESSION_TYPE = "cookie"`` gives Erlen's own session on the
same cookie (:mod:`erlen.sessions.cookie_manager`); the classes here are for ``app.session_interface``.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from erlen.http.request import Request
from erlen.http.response import has_header
from erlen.json.tagged import TaggedJSONSerializer
from erlen.loading import load
from erlen.sessions.cookies import find_cookies, may_be_permanent
from erlen.sessions.interface import SecureCookieSession, SessionInterface

__all__ = [
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "make_serializer",
    "opens_late",
    "session_json_serializer",
    "too_large",
]

log = logging.getLogger("erlen.sessions")

session_json_serializer = TaggedJSONSerializer()
"""Writes and reads what a session holds. ``session_json_serializer.register(TagSet)`` adds a type of your own."""


def _lazy_sha1(data: bytes = b"") -> Any:
    """Return ``hashlib.sha1(data)``, looked up when it is needed: a build for FIPS may not have it."""
    return hashlib.sha1(data)


class SecureCookieSessionInterface(SessionInterface):
    """Keeps sessions in a cookie that is signed with ``SECRET_KEY``.

    Every method may be overridden, and every attribute too. ::

        class SubdomainSessions(SecureCookieSessionInterface):
            def get_cookie_domain(self, app):
                return ".example.com"

        app.session_interface = SubdomainSessions()
    """

    __slots__ = ("_made",)  # what is found in __dict__ was put there by others

    _made: Any
    salt: str = "cookie-session"
    """Keeps these signatures apart from others that are made with the same key."""
    digest_method: Any = staticmethod(_lazy_sha1)
    """The hash function of the signature. Default is SHA-1."""
    key_derivation: str = "hmac"
    """How itsdangerous makes the key for this purpose out of the secret key."""
    serializer: ClassVar[Any] = session_json_serializer
    """What writes and reads the values."""
    session_class: Callable[..., Any] = SecureCookieSession
    """What :meth:`open_session` makes."""

    def get_signing_serializer(self, app: Any) -> Any:
        """Return the :class:`itsdangerous.URLSafeTimedSerializer` that signs and verifies; None without a secret key.

        The newest key, ``SECRET_KEY``, signs; those in ``SECRET_KEY_FALLBACKS`` verify too.
        """
        config = app.config
        secret_key = config["SECRET_KEY"]
        if not secret_key:
            return None
        keys = [*(config["SECRET_KEY_FALLBACKS"] or ()), secret_key]
        asked = (keys, self.salt, self.serializer, self.key_derivation, self.digest_method)
        made: Any = getattr(self, "_made", None)  # a key is derived once, not for each request
        if made is None or made[0] != asked:
            made = self._made = (asked, make_serializer(*asked))
        return made[1]

    def open_session(self, app: Any, request: Any) -> Any:
        """Return the session in the request's cookie: empty if it is missing, forged or too old.

        None without a secret key: :meth:`make_null_session` is asked then.
        """
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        value = _find_cookie(request, self.get_cookie_name(app))
        if value:
            try:
                held = serializer.loads(value, max_age=int(app.permanent_session_lifetime.total_seconds()))
                return self.session_class(_checked(held))
            except Exception as error:  # a visitor may send anything, and an own tag may raise anything over it
                log.debug("A session cookie was refused: %s", type(error).__name__)
        session = self.session_class()
        session.begun = True
        return session

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        """Set the cookie on *response* if the session has changed, or its lifetime slides; delete an emptied one."""
        if session.accessed:
            _vary(response)
        if not session:
            if session.modified:
                response.delete_cookie(self.get_cookie_name(app), **self._attributes(app))
                _vary(response)
            return
        if not self.should_set_cookie(app, session):
            return
        held = dict(session)
        value = self.get_signing_serializer(app).dumps(held)
        name = self.get_cookie_name(app)
        response.set_cookie(name, value, expires=self.get_expiration_time(app, session), **self._attributes(app))
        _vary(response)
        limit = app.config["MAX_COOKIE_SIZE"]
        size = len(response.headers.getlist("Set-Cookie")[-1].encode())
        if limit and size > limit:  # Werkzeug has warned of it, and cannot say what to do
            log.warning(too_large(name, size, limit, held, self.serializer))

    def _attributes(self, app: Any) -> dict[str, Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "partitioned": self.get_cookie_partitioned(app),
            "samesite": self.get_cookie_samesite(app),
            "httponly": self.get_cookie_httponly(app),
        }


def opens_late(interface: Any, app: Any, request: Any) -> bool:
    """Tell whether *interface* may open its session when it is first touched, not when the request begins.

    So it is as long as nobody has put anything of their own on it, and the cookie holds no permanent session, which is
    sent again with each response.
    """
    if type(interface) is not SecureCookieSessionInterface or interface.__dict__:
        return False
    if not app.config["SESSION_REFRESH_EACH_REQUEST"]:
        return True
    header = request.environ.get("HTTP_COOKIE")
    return not header or not may_be_permanent(header)


def make_serializer(keys: list[Any], salt: str, serializer: Any, key_derivation: str, digest_method: Any) -> Any:
    """Make what signs and verifies cookies: a :class:`~erlen.sessions.signing.SessionSerializer`.

    :param keys: the last one signs, each of them verifies
    """
    return load("erlen.sessions.signing").SessionSerializer(
        keys,
        salt=salt,
        serializer=serializer,
        signer_kwargs={"key_derivation": key_derivation, "digest_method": digest_method},
    )


def too_large(name: str, size: int, limit: int, held: Mapping[str, Any], serializer: Any) -> str:
    """Say that a session cookie is too large, what makes it so, and what to do.

    :param size: what the cookie takes, in bytes
    :param held: what the session holds
    """
    sizes = sorted(((len(serializer.dumps(value)), key) for key, value in held.items()), reverse=True)
    largest = " and ".join(f"session[{key!r}] ({count:,} bytes)" for count, key in sizes[:2])
    return (
        f"The {name!r} cookie is too large: it takes {size:,} bytes, and browsers may drop without a word what is "
        f"over {limit:,} (MAX_COOKIE_SIZE), and the session with it. The largest part before compression: {largest}. "
        "Keep less in the session, or keep sessions on the server: SESSION_TYPE = 'sqlite'."
    )


def _checked(held: Any) -> Mapping[str, Any]:
    if not isinstance(held, dict):
        raise TypeError(f"it holds a {type(held).__name__}, and a session is a dict")
    return held


def _find_cookie(request: Any, name: str) -> str | None:
    """Return the value of the request's cookie, without parsing the others if nobody has a say in that."""
    if getattr(type(request), "cookies", None) is Request.cookies and "cookies" not in request.__dict__:
        found = find_cookies(request.environ.get("HTTP_COOKIE") or "", name)
        return found[0] if found else None
    value: str | None = request.cookies.get(name)
    return value


def _vary(response: Any) -> None:
    """Say that the response differs by cookie. Werkzeug's set of headers costs twenty times as much."""
    pairs = getattr(response.headers, "_list", None)
    if pairs is not None and not has_header(response.headers, "vary"):
        pairs.append(("Vary", "Cookie"))
    else:
        response.vary.add("Cookie")
