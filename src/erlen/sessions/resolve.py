"""From the configuration to a session manager: the one place where stores are imported by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from erlen.errors import ConfigError, MissingExtra, nearest
from erlen.sessions.manager import SessionManager
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import SessionStore
from erlen.sessions.stores.null import NullStore
from erlen.sessions.token import KeyRing

__all__ = ["choose_type", "make_manager", "resolve_manager", "resolve_store"]

_PACKAGE = "erlen.sessions.stores"

# The name, where its class is, and the extra that brings its driver.
_STORES: dict[str, tuple[str, str]] = {
    "null": (f"{_PACKAGE}.null:NullStore", ""),
    "memory": (f"{_PACKAGE}.memory:MemoryStore", ""),
    "sqlite": (f"{_PACKAGE}.sqlite:SqliteStore", ""),
    "filesystem": (f"{_PACKAGE}.filesystem:FilesystemStore", ""),
    "redis": (f"{_PACKAGE}.redis:RedisStore", "redis"),
    "memcached": (f"{_PACKAGE}.memcached:MemcachedStore", "memcached"),
    "mongodb": (f"{_PACKAGE}.mongodb:MongoStore", "mongodb"),
    "sqlalchemy": (f"{_PACKAGE}.sqlalchemy:SqlAlchemyStore", "sqlalchemy"),
    "dynamodb": (f"{_PACKAGE}.dynamodb:DynamoStore", "dynamodb"),
}

# What the scheme of SESSION_URL says about the store, up to a "+".
_SCHEMES = {
    "memory": "memory",
    "sqlite": "sqlite",
    "file": "filesystem",
    **dict.fromkeys(("redis", "rediss", "unix", "valkey", "valkeys"), "redis"),
    "memcached": "memcached",
    "mongodb": "mongodb",
    **dict.fromkeys(("postgresql", "postgres", "mysql", "mariadb", "oracle", "mssql"), "sqlalchemy"),
    "dynamodb": "dynamodb",
}
_COOKIE = "cookie"
_DEFAULT = "sqlite"


def make_manager(config: Mapping[str, Any], instance_path: str | Path | None = None) -> SessionManager:
    """Make the session manager that an application's *config* asks for.

    :param instance_path: the folder in which the store ``sqlite`` keeps its file
    :raises ConfigError: if there is no such store
    :raises MissingExtra: if its driver is not installed
    """
    settings = SessionSettings.from_config(config, instance_path)
    ring = KeyRing.of(config.get("SECRET_KEY"), config.get("SECRET_KEY_FALLBACKS"))
    return resolve_manager(settings, ring)


def resolve_manager(
    settings: SessionSettings, keys: KeyRing | None, former: SessionManager | None = None
) -> SessionManager:
    """Make the session manager that the settings ask for.

    :param former: the one in whose place it goes on, after a change of the configuration
    :raises ConfigError: if there is no such store
    :raises MissingExtra: if its driver is not installed
    """
    if former is not None and former.settings.same_store(settings):
        _refuse_what_is_missing(settings, former.store)
        return former.changed(settings, former.store, keys)
    if isinstance(settings.type, str) and settings.type.strip().lower() == _COOKIE:
        manager: type[SessionManager] = importlib.import_module("erlen.sessions.cookie_manager").CookieManager
        return manager(settings, NullStore(), keys)
    store = resolve_store(settings)
    _refuse_what_is_missing(settings, store)
    made = SessionManager(settings, store, keys)
    return made if former is None else made.after(former)


def _refuse_what_is_missing(settings: SessionSettings, store: SessionStore) -> None:
    """See that what the settings ask for can be done here.

    :raises MissingExtra: if it needs a package that is not installed
    :raises ConfigError: if the *store* cannot do it
    """
    if "write" not in store.abilities:  # nothing is kept there anyway
        return
    if settings.sealed:
        try:
            importlib.import_module("erlen.sessions.seal")
        except ImportError as error:
            raise MissingExtra("SESSION_SEALED", "sealed") from error
    if settings.max_sessions is not None and "find" not in store.abilities:
        raise ConfigError(
            "MAX_SESSIONS_PER_USER",
            f"Keeping it means to list the sessions of a user, and {type(store).__name__} cannot.",
            "Leave it out, or set SESSION_TYPE to a store that can, such as 'sqlite' or 'redis'.",
        )


def resolve_store(settings: SessionSettings) -> SessionStore:
    """Make the store that the settings ask for.

    ``SESSION_TYPE`` is a name, ``"package.module:Class"`` of a subclass of ``SessionStore``, such a store itself, or
    None, which means ``"null"``.

    :raises ConfigError: if there is no such store
    :raises MissingExtra: if its driver is not installed
    """
    wanted = choose_type(settings)
    if isinstance(wanted, SessionStore):
        return wanted
    if not isinstance(wanted, str):
        raise ConfigError("SESSION_TYPE", f"{wanted!r} is neither a name nor a SessionStore.", _there())
    if ":" in wanted:
        return _load(wanted, wanted, "").from_settings(settings)
    name = wanted.strip().lower()
    if name in _STORES:
        place, extra = _STORES[name]
        return _load(wanted, place, extra).from_settings(settings)
    if name == _COOKIE:
        raise ConfigError(
            "SESSION_TYPE", "Sessions of the type 'cookie' are in no store: the browser keeps them.", _there()
        )
    guess = nearest(name, (*_STORES, _COOKIE))
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise ConfigError("SESSION_TYPE", f"{wanted!r} is not known.{hint}", _there())


def choose_type(settings: SessionSettings) -> Any:
    """Return the type of store: what ``SESSION_TYPE`` says, or while that is the default, ``SESSION_URL``.

    :raises ConfigError: if the address is that of no store, or of another than ``SESSION_TYPE``
    """
    wanted, url = "null" if settings.type is None else settings.type, settings.url
    if url is None or not isinstance(wanted, str) or ":" in wanted:
        return wanted
    scheme, _, driver = url.partition("://")[0].lower().partition("+")
    named = "sqlalchemy" if scheme == "sqlite" and driver else _SCHEMES.get(scheme)
    if wanted == _DEFAULT and named is not None:
        return named
    if wanted == "sqlalchemy" or named == wanted:  # SQLAlchemy knows more dialects than we do
        return wanted
    if named is None:
        guess = nearest(scheme, _SCHEMES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ConfigError(
            "SESSION_URL",
            f"It begins with {scheme!r}, and no store is known by that.{hint}",
            f"It may begin with {', '.join(map(repr, sorted(_SCHEMES)))}; for others set SESSION_TYPE = 'sqlalchemy'.",
        )
    raise ConfigError(
        "SESSION_URL",
        f"It is the address of a store {named!r}, and SESSION_TYPE is {wanted!r}.",
        f"Leave SESSION_TYPE out, or set it to {named!r}.",
    )


def _there() -> str:
    names = ", ".join(repr(name) for name in sorted((*_STORES, _COOKIE)))
    return f"This version has {names}, and takes 'package.module:Class' for a store of your own."


def _load(wanted: str, place: str, extra: str) -> type[SessionStore]:
    """Import the class at *place*."""
    module_name, _, class_name = place.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        if extra:
            raise MissingExtra(f"SESSION_TYPE {wanted!r}", extra) from error
        raise ConfigError(
            "SESSION_TYPE",
            f"{wanted!r} cannot be imported: {error}.",
            "Write it as 'package.module:Class', with a module that Python finds.",
        ) from error
    found = getattr(module, class_name, None)
    if inspect.isclass(found) and issubclass(found, SessionStore):
        return found
    guess = nearest(class_name, [name for name, value in vars(module).items() if inspect.isclass(value)])
    hint = f" Did you mean {guess!r}?" if guess else ""
    problem = (
        f"{module_name} has no class {class_name!r}.{hint}" if found is None else f"{wanted!r} is no SessionStore."
    )
    raise ConfigError("SESSION_TYPE", problem, "Name a subclass of erlen.sessions.SessionStore.")
