"""The rules that settings have to keep together, beyond what each one accepts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from erlen.config.kinds import STORE_NAMES
from erlen.errors import ConfigError

__all__ = ["CLIENTS", "RULES"]

CLIENTS = {
    "redis": "SESSION_REDIS",
    "memcached": "SESSION_MEMCACHED",
    "mongodb": "SESSION_MONGODB",
    "sqlalchemy": "SESSION_SQLALCHEMY",
    "dynamodb": "SESSION_DYNAMODB",
}
"""By type of store, the setting that takes a client object."""


def _cookie_prefix(config: Mapping[str, Any]) -> Iterator[ConfigError]:
    name = config.get("SESSION_COOKIE_NAME") or ""
    prefix = next((known for known in ("__Host-", "__Secure-") if name.lower().startswith(known.lower())), None)
    if prefix is None:
        return
    refusal = f"Browsers refuse a cookie named {name!r}"
    if not _always_secure(config):
        yield ConfigError(
            "SESSION_COOKIE_SECURE",
            f"{refusal} unless it is Secure, which the prefix {prefix!r} promises.",
            "Set SESSION_COOKIE_SECURE = True, or choose a name without the prefix.",
        )
    if prefix == "__Secure-":
        return
    if config.get("SESSION_COOKIE_DOMAIN"):
        yield ConfigError(
            "SESSION_COOKIE_DOMAIN",
            f"{refusal} if it has a domain, because the prefix {prefix!r} binds it to one host.",
            "Set SESSION_COOKIE_DOMAIN = None, or choose a name that begins with '__Secure-'.",
        )
    path = config.get("SESSION_COOKIE_PATH") or config.get("APPLICATION_ROOT") or "/"
    if path != "/":
        yield ConfigError(
            "SESSION_COOKIE_PATH",
            f"{refusal} unless its path is '/', and it would be {path!r}.",
            "Set SESSION_COOKIE_PATH = '/', or choose a name that begins with '__Secure-'.",
        )


def _samesite_none(config: Mapping[str, Any]) -> Iterator[ConfigError]:
    samesite = config.get("SESSION_COOKIE_SAMESITE")
    if samesite is not None and samesite.lower() == "none" and not _always_secure(config):
        yield ConfigError(
            "SESSION_COOKIE_SAMESITE",
            f"Browsers refuse a cookie with SameSite={samesite} that is not Secure.",
            "Set SESSION_COOKIE_SECURE = True, or SESSION_COOKIE_SAMESITE = 'Lax'.",
        )


def _one_place(config: Mapping[str, Any]) -> Iterator[ConfigError]:
    """See that all settings that say where sessions are kept say the same."""
    wanted, url = config.get("SESSION_TYPE"), config.get("SESSION_URL")
    for kind, name in CLIENTS.items():
        if config.get(name) is None:
            continue
        if url is not None:
            yield ConfigError(
                name,
                "A client is given, and an address in SESSION_URL as well: one of the two would not be used.",
                f"Set {name} = None, or SESSION_URL = None.",
            )
        elif wanted != kind and (wanted is None or wanted in STORE_NAMES):
            yield ConfigError(
                name,
                f"A client is given, and SESSION_TYPE is {wanted!r}, so it would not be used.",
                f"Set SESSION_TYPE = {kind!r}, or {name} = None.",
            )
    if url is not None and wanted in (None, "null", "cookie"):
        reason = "the browser keeps the sessions" if wanted == "cookie" else "sessions are kept nowhere"
        yield ConfigError(
            "SESSION_URL",
            f"It is the address of a store, and SESSION_TYPE is {wanted!r}: {reason}.",
            "Set SESSION_TYPE to the name of the store, or SESSION_URL = None.",
        )


def _always_secure(config: Mapping[str, Any]) -> bool:
    return bool(config.get("SESSION_COOKIE_SECURE") or config.get("SESSION_COOKIE_PARTITIONED"))


RULES: tuple[Callable[[Mapping[str, Any]], Iterator[ConfigError]], ...] = (
    _cookie_prefix,
    _samesite_none,
    _one_place,
)
"""Each takes a configuration whose single values have been found good, and yields the problems it finds."""
