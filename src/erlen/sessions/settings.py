"""What the configuration says about sessions, read once and again after each change of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from erlen.config import CLIENTS, seconds
from erlen.sessions.fields import NO_POLICIES

__all__ = ["SessionSettings"]

_DAY = 86_400.0

_OF_THE_STORE = (
    *("type", "url", "client", "timeout", "key_prefix", "sqlite_path", "file_dir", "file_mode"),
    *("sqlalchemy_table", "sqlalchemy_create", "mongodb_db", "mongodb_collection", "dynamodb_table"),
)


class SessionSettings(Struct, frozen=True, kw_only=True):
    """The settings of the sessions of one application. Durations are seconds."""

    type: Any = "sqlite"
    """``SESSION_TYPE``: a name, ``"package.module:Class"``, None, or a store itself."""
    url: str | None = None
    client: Any = None
    """``SESSION_REDIS`` and its like: a client object of the driver, given by the application."""
    timeout: float = 2.0
    """``SESSION_STORE_TIMEOUT``: how long one command may take."""
    key_prefix: str = "erlen:"
    sqlalchemy_table: str = "erlen_sessions"
    sqlalchemy_create: bool = True
    mongodb_db: str = "erlen"
    mongodb_collection: str = "sessions"
    dynamodb_table: str = "erlen_sessions"
    file_dir: Path | None = None
    file_mode: int = 0o600
    sqlite_path: Path | None = None
    """Where the store ``sqlite`` keeps its file; in the instance folder if not set."""
    instance: Path | None = None
    """The instance folder of the application, to be named where a secret key is missing."""
    permanent: bool = False
    """``SESSION_PERMANENT``: whether a new session outlives the browser."""
    idle: float = _DAY
    """The idle time of a session that is not permanent."""
    permanent_idle: float = 31 * _DAY
    absolute: float = 90 * _DAY
    renew_after: float | None = None
    renew_grace: float = 30.0
    refresh_each_request: bool = True
    """Whether a permanent session's cookie gets a new lifetime when it is only read. Not sent with each response, as
    Flask would: once in a tenth of the idle time, together with the idle deadline in the store."""
    on_error: str = "raise"
    conflicts: Mapping[str, Any] = NO_POLICIES
    """``SESSION_CONFLICTS``: by key, what happens when another request has changed it meanwhile."""
    sealed: bool = False
    label: Any = True
    max_sessions: int | None = None
    max_sessions_policy: str = "oldest"
    lock_wait: float = 5.0
    lock_lease: float = 30.0
    cookie_name: str | None = None
    cookie_domain: str | None = None
    cookie_path: str = "/"
    cookie_httponly: bool = True
    cookie_secure: bool | None = None
    cookie_samesite: str | None = "Lax"
    cookie_partitioned: bool = False
    adopt_flask_session: bool = False
    """``SESSION_ADOPT_FLASK_SESSION``: whether the cookie of Flask-Session leads to its imported session."""
    max_cookie_size: int = 4093
    """``MAX_COOKIE_SIZE``: the size in bytes from which a cookie session is warned of; 0 for never."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], instance_path: str | Path | None = None) -> Self:
        """Read the settings from an application's *config*; what is missing there has Erlen's default.

        :param instance_path: the folder in which the store ``sqlite`` keeps its file unless ``SESSION_SQLITE_PATH``
            says otherwise; a relative path is taken from there too
        """
        idle = _duration(config, "SESSION_IDLE_TIMEOUT", None)
        on_error = str(config.get("SESSION_ON_ERROR") or "raise").lower()
        return cls(
            type=config.get("SESSION_TYPE", "sqlite"),
            url=config.get("SESSION_URL"),
            client=config.get(CLIENTS.get(str(config.get("SESSION_TYPE")), "")),
            timeout=_some(config, "SESSION_STORE_TIMEOUT", 2.0),
            key_prefix=config.get("SESSION_KEY_PREFIX", "erlen:"),
            sqlalchemy_table=config.get("SESSION_SQLALCHEMY_TABLE", "erlen_sessions"),
            sqlalchemy_create=bool(config.get("SESSION_SQLALCHEMY_CREATE", True)),
            mongodb_db=config.get("SESSION_MONGODB_DB", "erlen"),
            mongodb_collection=config.get("SESSION_MONGODB_COLLECT", "sessions"),
            dynamodb_table=config.get("SESSION_DYNAMODB_TABLE", "erlen_sessions"),
            file_dir=_inside(config.get("SESSION_FILE_DIR"), "sessions", instance_path),
            file_mode=config.get("SESSION_FILE_MODE", 0o600),
            sqlite_path=_inside(config.get("SESSION_SQLITE_PATH"), "sessions.sqlite3", instance_path),
            instance=None if instance_path is None else Path(instance_path),
            permanent=bool(config.get("SESSION_PERMANENT", False)),
            idle=_DAY if idle is None else idle,
            permanent_idle=_some(config, "PERMANENT_SESSION_LIFETIME", 31 * _DAY) if idle is None else idle,
            absolute=_some(config, "SESSION_ABSOLUTE_TIMEOUT", 90 * _DAY),
            renew_after=_duration(config, "SESSION_RENEW_AFTER", None),
            renew_grace=_some(config, "SESSION_RENEW_GRACE", 30.0),
            refresh_each_request=bool(config.get("SESSION_REFRESH_EACH_REQUEST", True)),
            on_error=on_error,
            conflicts=config.get("SESSION_CONFLICTS") or NO_POLICIES,
            sealed=bool(config.get("SESSION_SEALED", False)),
            label=config.get("SESSION_LABEL", True),
            max_sessions=config.get("MAX_SESSIONS_PER_USER"),
            max_sessions_policy=str(config.get("MAX_SESSIONS_POLICY") or "oldest").lower(),
            lock_wait=_some(config, "SESSION_LOCK_WAIT", 5.0),
            lock_lease=_some(config, "SESSION_LOCK_LEASE", 30.0),
            cookie_name=config.get("SESSION_COOKIE_NAME"),
            cookie_domain=config.get("SESSION_COOKIE_DOMAIN") or None,
            cookie_path=config.get("SESSION_COOKIE_PATH") or config.get("APPLICATION_ROOT") or "/",
            cookie_httponly=bool(config.get("SESSION_COOKIE_HTTPONLY", True)),
            cookie_secure=config.get("SESSION_COOKIE_SECURE"),
            cookie_samesite=config.get("SESSION_COOKIE_SAMESITE", "Lax"),
            cookie_partitioned=bool(config.get("SESSION_COOKIE_PARTITIONED", False)),
            adopt_flask_session=bool(config.get("SESSION_ADOPT_FLASK_SESSION", False)),
            max_cookie_size=config.get("MAX_COOKIE_SIZE", 4093),
        )

    def same_store(self, other: SessionSettings) -> bool:
        """Tell whether *other* keeps sessions in the same place."""
        return all(getattr(self, name) == getattr(other, name) for name in _OF_THE_STORE)

    def idle_for(self, permanent: bool) -> float:
        """Return the idle time, in seconds, of a session that is permanent or not."""
        return self.permanent_idle if permanent else self.idle


def _duration(config: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value: float | timedelta | None = config.get(key)
    return default if value is None else seconds(value)


def _some(config: Mapping[str, Any], key: str, default: float) -> float:
    value = _duration(config, key, default)
    return default if value is None else value


def _inside(path: str | Path | None, usual: str, instance_path: str | Path | None) -> Path | None:
    """Return *path* as seen from the instance folder, or the *usual* name in it if none is given."""
    if path is None:
        return None if instance_path is None else Path(instance_path) / usual
    return Path(path) if instance_path is None else Path(instance_path) / path
