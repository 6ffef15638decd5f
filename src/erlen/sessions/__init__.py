"""Sessions: on the server, where the cookie holds a signed random token, or all in a signed cookie, as Flask's.

:class:`SessionManager` tells the life of a session, :class:`Session` is what a view works with, and
:class:`SessionStore` is the contract for whatever keeps them.
"""

from __future__ import annotations

from erlen.loading import late

_PLACES = {
    "Append": "record",
    "Delta": "record",
    "Header": "record",
    "KeyNote": "record",
    "KeyRing": "token",
    "MODES": "session",
    "Merged": "record",
    "NullSession": "interface",
    "Record": "record",
    "SecureCookieSession": "secure_cookie",
    "SecureCookieSessionInterface": "secure_cookie",
    "Session": "session",
    "SessionHeaders": "state",
    "SessionInfo": "listed",
    "SessionInterface": "interface",
    "SessionManager": "manager",
    "SessionMixin": "interface",
    "SessionSettings": "settings",
    "SessionStore": "stores.base",
    "SwappingStore": "stores.swapping",
    "Token": "token",
    "UserSessions": "users",
    "make_manager": "resolve",
    "resolve_manager": "resolve",
    "resolve_store": "resolve",
    "session_json_serializer": "secure_cookie",
}
__all__ = [*_PLACES]
__getattr__ = late(__name__, _PLACES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
