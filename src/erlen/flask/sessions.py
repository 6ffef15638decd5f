"""``flask.sessions``: session interfaces, and the session in a signed cookie."""

from __future__ import annotations

from erlen.sessions.interface import NullSession, SessionInterface, SessionMixin
from erlen.sessions.secure_cookie import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    _lazy_sha1,
    session_json_serializer,
)

__all__ = [
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "_lazy_sha1",
    "session_json_serializer",
]
