"""What the configuration says about sessions, read once and again after each change of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from erlen.config import seconds

__all__ = ["SessionSettings"]

_DAY = 86_400.0


class SessionSettings(Struct, frozen=True, kw_only=True):
    """The settings of the sessions of one application. Durations are seconds."""

    type: Any = "sqlite"
    """``SESSION_TYPE``: a name, ``"package.module:Class"``, None, or a store itself."""
    url: str | None = None
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
    lock_wait: float = 5.0
    lock_lease: float = 30.0
    cookie_name: str | None = None
    cookie_domain: str | None = None
    cookie_path: str = "/"
    cookie_httponly: bool = True
    cookie_secure: bool | None = None
    cookie_samesite: str | None = "Lax"
    cookie_partitioned: bool = False
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
            sqlite_path=_sqlite_path(config.get("SESSION_SQLITE_PATH"), instance_path),
            instance=None if instance_path is None else Path(instance_path),
            permanent=bool(config.get("SESSION_PERMANENT", False)),
            idle=_DAY if idle is None else idle,
            permanent_idle=_some(config, "PERMANENT_SESSION_LIFETIME", 31 * _DAY) if idle is None else idle,
            absolute=_some(config, "SESSION_ABSOLUTE_TIMEOUT", 90 * _DAY),
            renew_after=_duration(config, "SESSION_RENEW_AFTER", None),
            renew_grace=_some(config, "SESSION_RENEW_GRACE", 30.0),
            refresh_each_request=bool(config.get("SESSION_REFRESH_EACH_REQUEST", True)),
            on_error=on_error,
            lock_wait=_some(config, "SESSION_LOCK_WAIT", 5.0),
            lock_lease=_some(config, "SESSION_LOCK_LEASE", 30.0),
            cookie_name=config.get("SESSION_COOKIE_NAME"),
            cookie_domain=config.get("SESSION_COOKIE_DOMAIN") or None,
            cookie_path=config.get("SESSION_COOKIE_PATH") or config.get("APPLICATION_ROOT") or "/",
            cookie_httponly=bool(config.get("SESSION_COOKIE_HTTPONLY", True)),
            cookie_secure=config.get("SESSION_COOKIE_SECURE"),
            cookie_samesite=config.get("SESSION_COOKIE_SAMESITE", "Lax"),
            cookie_partitioned=bool(config.get("SESSION_COOKIE_PARTITIONED", False)),
            max_cookie_size=config.get("MAX_COOKIE_SIZE", 4093),
        )

    def same_store(self, other: SessionSettings) -> bool:
        """Tell whether *other* keeps sessions in the same place."""
        return (self.type, self.url, self.sqlite_path) == (other.type, other.url, other.sqlite_path)

    def idle_for(self, permanent: bool) -> float:
        """Return the idle time, in seconds, of a session that is permanent or not."""
        return self.permanent_idle if permanent else self.idle


def _duration(config: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value: float | timedelta | None = config.get(key)
    return default if value is None else seconds(value)


def _some(config: Mapping[str, Any], key: str, default: float) -> float:
    value = _duration(config, key, default)
    return default if value is None else value


def _sqlite_path(path: str | Path | None, instance_path: str | Path | None) -> Path | None:
    if path is None:
        return None if instance_path is None else Path(instance_path) / "sessions.sqlite3"
    return Path(path) if instance_path is None else Path(instance_path) / path
