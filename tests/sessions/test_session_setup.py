"""From the configuration to a manager: settings, the store that is asked for, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from erlen.errors import ConfigError, MissingExtra
from erlen.sessions import (
    NullSession,
    SessionInterface,
    SessionMixin,
    SessionSettings,
    SessionStore,
    make_manager,
    resolve,
    resolve_store,
)
from erlen.sessions.stores.memory import MemoryStore
from erlen.sessions.stores.null import NullStore
from erlen.sessions.stores.sqlite import SqliteStore

DAY = 86_400


def test_an_empty_configuration_gives_the_documented_defaults() -> None:
    assert SessionSettings.from_config({}) == SessionSettings()
    settings = SessionSettings()
    assert (settings.idle, settings.permanent_idle, settings.absolute) == (DAY, 31 * DAY, 90 * DAY)
    assert (settings.idle_for(False), settings.idle_for(True)) == (DAY, 31 * DAY)


def test_every_setting_is_read() -> None:
    config = {
        "SESSION_TYPE": "memory",
        "SESSION_URL": "redis://localhost",
        "SESSION_SQLITE_PATH": "/data/sessions",
        "SESSION_PERMANENT": True,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=2),
        "SESSION_ABSOLUTE_TIMEOUT": 100,
        "SESSION_RENEW_AFTER": timedelta(minutes=15),
        "SESSION_RENEW_GRACE": 5,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_ON_ERROR": "Anonymous",
        "SESSION_LOCK_WAIT": 1,
        "SESSION_LOCK_LEASE": 2,
        "SESSION_COOKIE_NAME": "id",
        "SESSION_COOKIE_DOMAIN": "a.example",
        "SESSION_COOKIE_PATH": "/app",
        "SESSION_COOKIE_HTTPONLY": False,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_SAMESITE": None,
        "SESSION_COOKIE_PARTITIONED": True,
        "SESSION_ADOPT_FLASK_SESSION": True,
    }
    assert SessionSettings.from_config(config) == SessionSettings(
        type="memory",
        url="redis://localhost",
        sqlite_path=Path("/data/sessions"),
        permanent=True,
        idle=DAY,
        permanent_idle=2 * DAY,
        absolute=100,
        renew_after=900,
        renew_grace=5,
        refresh_each_request=False,
        on_error="anonymous",
        lock_wait=1,
        lock_lease=2,
        cookie_name="id",
        cookie_domain="a.example",
        cookie_path="/app",
        cookie_httponly=False,
        cookie_secure=True,
        cookie_samesite=None,
        cookie_partitioned=True,
        adopt_flask_session=True,
    )


def test_one_idle_time_holds_for_all_sessions() -> None:
    settings = SessionSettings.from_config({"SESSION_IDLE_TIMEOUT": 60, "PERMANENT_SESSION_LIFETIME": 120})
    assert (settings.idle, settings.permanent_idle) == (60, 60)


def test_the_cookie_path_follows_the_root_of_the_application() -> None:
    assert SessionSettings.from_config({"APPLICATION_ROOT": "/app", "SESSION_COOKIE_PATH": None}).cookie_path == "/app"


def test_the_file_stands_in_the_instance_folder(tmp_path: Path) -> None:
    def path(value: str | None) -> Path | None:
        return SessionSettings.from_config({"SESSION_SQLITE_PATH": value}, tmp_path).sqlite_path

    assert path(None) == tmp_path / "sessions.sqlite3"
    assert path("other.sqlite3") == tmp_path / "other.sqlite3"
    assert path("/data/s.sqlite3") == Path("/data/s.sqlite3")


class Own(MemoryStore):
    """A store of a user."""


NOT_A_STORE = 5


def store_for(type_: Any, **settings: Any) -> SessionStore:
    return resolve_store(SessionSettings(type=type_, **settings))


def test_every_name_gives_its_store(tmp_path: Path) -> None:
    assert type(store_for("memory")) is MemoryStore
    assert type(store_for(" Memory ")) is MemoryStore
    assert type(store_for("null")) is NullStore
    assert type(store_for(None)) is NullStore
    sqlite = store_for("sqlite", sqlite_path=tmp_path / "s")
    assert isinstance(sqlite, SqliteStore)
    assert sqlite.path == tmp_path / "s"


def test_a_store_of_ones_own_is_taken_by_name_or_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_stores", SimpleNamespace(Own=Own, NOT_A_STORE=NOT_A_STORE))  # type: ignore[arg-type]
    assert type(store_for("own_stores:Own")) is Own
    own = Own()
    assert store_for(own) is own


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "reddis",
            "SESSION_TYPE: 'reddis' is not known. Did you mean 'redis'? This version has 'cookie', 'dynamodb', ",
        ),
        ("sqllite", "SESSION_TYPE: 'sqllite' is not known. Did you mean 'sqlite'?"),
        ("zzz", "SESSION_TYPE: 'zzz' is not known. This version has"),
        (7, "SESSION_TYPE: 7 is neither a name nor a SessionStore. This version has"),
        ("no_such_module:Store", "SESSION_TYPE: 'no_such_module:Store' cannot be imported: No module named"),
        ("own_stores:Onw", "SESSION_TYPE: own_stores has no class 'Onw'. Did you mean 'Own'? Name a subclass of"),
        ("own_stores:Zzz", "SESSION_TYPE: own_stores has no class 'Zzz'. Name a subclass of"),
        ("own_stores:NOT_A_STORE", "SESSION_TYPE: 'own_stores:NOT_A_STORE' is no SessionStore. Name a subclass of"),
    ],
)
def test_what_is_no_store_is_refused_with_the_cure(wanted: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_stores", SimpleNamespace(Own=Own, NOT_A_STORE=NOT_A_STORE))  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as caught:
        store_for(wanted)
    assert str(caught.value).startswith(message)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(resolve._STORES, "redis", ("no_such_driver:RedisStore", "redis"))
    with pytest.raises(MissingExtra, match=r"SESSION_TYPE 'redis' needs a package .* pip install 'erlen\[redis\]'"):
        store_for("redis")


def test_memcached_without_pymemcache_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("erlen.sessions.stores.memcached")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pymemcache.client.base", None)  # type: ignore[arg-type]
    with pytest.raises(MissingExtra, match=r"'memcached' needs a package .* pip install 'erlen\[memcached\]'"):
        store_for("memcached")


def test_a_manager_is_made_of_a_configuration(tmp_path: Path) -> None:
    manager = make_manager({"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}, tmp_path)
    assert manager.keys is not None
    assert manager.keys.keys == (b"new", b"old")
    assert isinstance(manager.store, SqliteStore)
    assert manager.store.path == tmp_path / "sessions.sqlite3"
    assert make_manager({"SESSION_TYPE": "memory"}).keys is None


def test_importing_sessions_loads_no_driver() -> None:
    code = "import sys, erlen.sessions; print('sqlite3' in sys.modules)"
    source = Path(resolve.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(source)}
    )
    assert done.stdout == "False\n"


# -- interfaces written for Flask -----------------------------------------------------------------------------------


class Foreign(dict[str, Any], SessionMixin):
    """A session as an extension for Flask writes it."""


def app(**config: Any) -> Any:
    defaults = {
        "SESSION_COOKIE_NAME": None,
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": None,
        "APPLICATION_ROOT": "/",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": None,
        "SESSION_COOKIE_SAMESITE": None,
        "SESSION_COOKIE_PARTITIONED": False,
        "SESSION_REFRESH_EACH_REQUEST": True,
    }
    return SimpleNamespace(config={**defaults, **config}, permanent_session_lifetime=timedelta(days=31))


def test_a_foreign_session_has_the_attributes_of_flask() -> None:
    session = Foreign(a=1)
    assert (session.new, session.modified, session.accessed, session.permanent) == (False, True, False, False)
    session.permanent = True
    assert session == {"a": 1, "_permanent": True}
    assert session.permanent
    session.new = session.modified = session.accessed = True


def test_an_interface_reads_the_settings_of_the_cookie() -> None:
    interface = SessionInterface()
    plain = app()
    assert interface.get_cookie_name(plain) == "session"
    assert interface.get_cookie_domain(plain) is None
    assert interface.get_cookie_path(plain) == "/"
    assert interface.get_cookie_httponly(plain) is True
    assert interface.get_cookie_secure(plain) is False
    assert interface.get_cookie_samesite(plain) is None
    assert interface.get_cookie_partitioned(plain) is False
    other = app(
        SESSION_COOKIE_NAME="id",
        SESSION_COOKIE_DOMAIN="a.example",
        SESSION_COOKIE_PATH="/app",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    assert interface.get_cookie_name(other) == "id"
    assert interface.get_cookie_domain(other) == "a.example"
    assert interface.get_cookie_path(other) == "/app"
    assert interface.get_cookie_secure(other) is True
    assert interface.get_cookie_samesite(other) == "Lax"
    assert interface.pickle_based is False


def test_a_permanent_session_of_an_interface_ends_after_the_lifetime() -> None:
    interface = SessionInterface()
    assert interface.get_expiration_time(app(), Foreign()) is None
    before = datetime.now(UTC) + timedelta(days=31)
    expires = interface.get_expiration_time(app(), Foreign(_permanent=True))
    assert expires is not None
    assert before <= expires <= datetime.now(UTC) + timedelta(days=31)


@pytest.mark.parametrize(
    ("modified", "permanent", "refresh", "expected"),
    [(True, False, True, True), (False, False, True, False), (False, True, True, True), (False, True, False, False)],
)
def test_an_interface_sets_the_cookie_when_flask_would(
    modified: bool, permanent: bool, refresh: bool, expected: bool
) -> None:
    session = Foreign(_permanent=permanent)
    session.modified = modified
    assert SessionInterface().should_set_cookie(app(SESSION_REFRESH_EACH_REQUEST=refresh), session) is expected


def test_an_interface_has_to_open_and_to_save() -> None:
    interface = SessionInterface()
    with pytest.raises(NotImplementedError, match=r"must define open_session\(self, app, request\)"):
        interface.open_session(app(), object())
    with pytest.raises(NotImplementedError, match=r"must define save_session\(self, app, session, response\)"):
        interface.save_session(app(), Foreign(), object())


def test_a_null_session_is_empty_and_refuses_changes() -> None:
    interface = SessionInterface()
    session = interface.make_null_session(app())
    assert interface.is_null_session(session)
    assert not interface.is_null_session(Foreign())
    assert isinstance(session, NullSession)
    assert (dict(session), session.get("a"), session.modified) == ({}, None, False)
    for attempt in (
        lambda: session.__setitem__("a", 1),
        lambda: session.pop("a", None),
        lambda: session.update(a=1),
        lambda: session.setdefault("a", 1),
        session.clear,
        lambda: setattr(session, "permanent", True),
    ):
        with pytest.raises(RuntimeError, match="no secret key was set"):
            attempt()
