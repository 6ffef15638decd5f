"""What is made of sessions at the start: what cannot work is refused, and what can is not loaded before it is used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen, session
from erlen.errors import ConfigError, MissingExtra
from erlen.sessions.stores.memory import MemoryStore
from erlen.sessions.stores.sqlite import SqliteStore


def make_app(folder: Path, **settings: Any) -> Erlen:
    app = Erlen("at_the_start", instance_path=str(folder), root_path=str(folder))
    app.config.update(SECRET_KEY="a key that is long enough for this", TESTING=True, **settings)

    @app.get("/")
    def hello() -> str:
        return "Hello"

    @app.get("/visits")
    def visits() -> str:
        return str(session.incr("visits"))

    return app


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"SESSION_TYPE": "sqlit"}, "Did you mean 'sqlite'?"),
        ({"SESSION_TYPE": "nowhere.at_all:Store"}, "cannot be imported"),
        ({"SESSION_URL": "rediss+x"}, "SESSION_URL"),
        ({"SESSION_TYPE": "sqlite", "SESSION_URL": "redis://localhost", "MAX_SESSIONS_PER_USER": 0}, "MAX_SESSIONS"),
        ({"SESSION_SQLITE_PATH": 5}, "SESSION_SQLITE_PATH"),
        ({"SESSION_TYPE": "null", "SESSION_SQLITE_PATH": ""}, "SESSION_SQLITE_PATH"),
    ],
)
def test_sessions_that_cannot_be_kept_are_refused_before_a_view_that_has_no_session(
    settings: dict[str, Any], part: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=part.replace("?", r"\?")):
        make_app(tmp_path, **settings).test_client().get("/")


def test_sealed_sessions_without_their_package_are_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "erlen.sessions.seal", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"] or ["cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match="sealed"):
        make_app(tmp_path, SESSION_SEALED=True).test_client().get("/")


def test_a_python_without_sqlite_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_sqlite3", None)
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    monkeypatch.delitem(sys.modules, "erlen.sessions.stores.sqlite")
    with pytest.raises(ConfigError, match="cannot be imported"):
        make_app(tmp_path).test_client().get("/")


def test_the_store_of_sqlite_is_made_when_a_session_is_touched(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    client = app.test_client()
    assert client.get("/").text == "Hello"
    assert "session_manager" not in vars(app)
    assert [client.get("/visits").text for _ in range(2)] == ["1", "2"]
    assert isinstance(app.session_manager.store, SqliteStore)
    assert vars(app)["session_manager"].store.path == tmp_path / "sessions.sqlite3"


def test_a_store_that_was_chosen_after_the_start_is_the_one_that_is_made(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    client = app.test_client()
    client.get("/")
    app.config["SESSION_TYPE"] = "memory"
    assert [client.get("/visits").text for _ in range(2)] == ["1", "2"]
    assert isinstance(app.session_manager.store, MemoryStore)


def test_a_wrong_setting_after_the_start_is_refused_when_a_session_is_touched(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    client = app.test_client()
    client.get("/")
    app.config["SESSION_IDLE_TIMEOUT"] = "a day"
    with pytest.raises(ConfigError, match="SESSION_IDLE_TIMEOUT"):
        client.get("/visits")
