from erlen.sessions.interface import NullSession, SessionInterface, SessionMixin
from erlen.sessions.listed import SessionInfo
from erlen.sessions.manager import SessionManager
from erlen.sessions.record import Append, Delta, Header, KeyNote, Merged, Record
from erlen.sessions.resolve import make_manager, resolve_manager, resolve_store
from erlen.sessions.secure_cookie import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    session_json_serializer,
)
from erlen.sessions.session import MODES, Session
from erlen.sessions.settings import SessionSettings
from erlen.sessions.state import SessionHeaders
from erlen.sessions.stores.base import SessionStore
from erlen.sessions.stores.swapping import SwappingStore
from erlen.sessions.token import KeyRing, Token
from erlen.sessions.users import UserSessions

__all__ = [
    "Append",
    "Delta",
    "Header",
    "KeyNote",
    "KeyRing",
    "MODES",
    "Merged",
    "NullSession",
    "Record",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "Session",
    "SessionHeaders",
    "SessionInfo",
    "SessionInterface",
    "SessionManager",
    "SessionMixin",
    "SessionSettings",
    "SessionStore",
    "SwappingStore",
    "Token",
    "UserSessions",
    "make_manager",
    "resolve_manager",
    "resolve_store",
    "session_json_serializer",
]
