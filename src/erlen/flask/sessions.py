"""``flask.sessions``: session interfaces, and the session in a signed cookie."""

from __future__ import annotations

import collections.abc as c
import hashlib
import typing as t
from collections.abc import MutableMapping
from datetime import datetime, timezone

from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict

from erlen.flask.json.tag import TaggedJSONSerializer
from erlen.sessions.interface import NullSession, SessionInterface, SessionMixin
from erlen.sessions.secure_cookie import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    _lazy_sha1,
    session_json_serializer,
)

# The dict and the serializer are not of this module, but extensions look for them here.
__all__ = [
    "CallbackDict",
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "TaggedJSONSerializer",
    "_lazy_sha1",
    "session_json_serializer",
]
