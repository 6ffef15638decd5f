"""``erlen sessions migrate --from-flask-session``, and visitors who come with the cookie of Flask-Session."""

from __future__ import annotations

import json
import pickle
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import md5
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from itsdangerous import Signer

from erlen import Erlen, session
from erlen.callables import drive
from erlen.cli.sessions import sessions_group
from erlen.sessions.stores.memory import MemoryStore
from store_servers import Servers

SID = "dGhpcyBpcyBhIHNlc3Npb24gaWQgb2YgMzIgYnl0ZXM"
UUID_SID = "0b8a3a6e-3c1f-4a44-9d53-6d0f5f2f0f10"
VALUES = {"_permanent": True, "user": "ada", "cart": [1, {"deep": [2.5, None]}], "_flashes": [["message", "Hello"]]}


class Unstorable:
    """What no session can hold."""


class Redis:
    """Flask-Session's sessions in Redis."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.url = import_module("store_servers.redis").url_of("redis", servers)
        self.client = import_module("redis").Redis.from_url(self.url)
        self.client.flushdb()

    def put(self, sid: str, data: bytes, left: float = 1000) -> None:
        self.client.set(f"session:{sid}", data, px=int(left * 1000))

    def delete(self, sid: str) -> None:
        self.client.delete(f"session:{sid}")

    def close(self) -> None:
        self.client.close()


class Table:
    """Flask-Session's sessions in a table."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.path = folder / "flask.sqlite3"
        self.url = f"sqlite:///{self.path}"
        self.run("CREATE TABLE sessions (id INTEGER PRIMARY KEY, session_id VARCHAR(255), data BLOB, expiry DATETIME)")

    def run(self, *arguments: Any) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(*arguments)

    def put(self, sid: str, data: bytes, left: float = 1000) -> None:
        self.delete(sid)
        end = (datetime.now(UTC) + timedelta(seconds=left)).replace(tzinfo=None).isoformat(" ")
        self.run("INSERT INTO sessions (session_id, data, expiry) VALUES (?, ?, ?)", (f"session:{sid}", data, end))

    def delete(self, sid: str) -> None:
        self.run("DELETE FROM sessions WHERE session_id = ?", (f"session:{sid}",))

    def close(self) -> None: ...


PLACES = [Table, *([Redis] if find_spec("store_servers.redis") else [])]


class Counting(MemoryStore):
    """Counts the commands that a request costs."""

    commands = 0

    async def load(self, *arguments: Any, **options: Any) -> Any:
        self.commands += 1
        return await super().load(*arguments, **options)

    async def move(self, *arguments: Any, **options: Any) -> Any:
        self.commands += 1
        return await super().move(*arguments, **options)


class Site:
    """An application that takes over from one with Flask-Session."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.app = app = Erlen("site", static_folder=None, instance_path=str(folder / "instance"))
        self.store = Counting()
        app.config.update(SECRET_KEY="aGoodLongKeyForTheTests-0123456789", SESSION_TYPE=self.store)
        app.config.update(SESSION_ADOPT_FLASK_SESSION=True)
        app.config.update(config)

        @app.get("/show")
        def show() -> dict[str, Any]:
            return dict(session)

        @app.get("/untouched")
        def untouched() -> str:
            return ""

        @app.get("/set/<value>")
        def set_(value: str) -> str:
            session["value"] = value
            return ""

        @app.get("/login")
        def login() -> str:
            session.bind(7)
            return ""

        @app.get("/logout")
        def logout() -> str:
            session.clear()
            return ""

        @app.get("/exclusive", session="exclusive")
        async def exclusive() -> dict[str, Any]:
            session["value"] = "alone"
            return dict(session)

    def visitor(self, cookie: str, name: str = "session") -> Any:
        client = self.app.test_client()
        client.set_cookie(name, cookie)
        return client

    def run(self, *arguments: str, answer: str = "") -> Result:
        return self.app.test_cli_runner().invoke(sessions_group, arguments, input=answer)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Site]:
    """Return a function that makes a site with settings."""
    return lambda **config: Site(tmp_path, **config)


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    return make()


@pytest.fixture(params=PLACES)
def left(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Iterator[Any]:
    """What Flask-Session left, in each of its places that is read."""
    place = request.param(servers, tmp_path)
    yield place
    place.close()


@pytest.fixture
def table(servers: Servers, tmp_path: Path) -> Table:
    return Table(servers, tmp_path)


@pytest.fixture
def move(site: Site) -> Callable[..., dict[str, Any]]:
    """Return a function that imports, and returns the report."""

    def move(place: Any, *arguments: str, status: int = 0, answer: str = "") -> dict[str, Any]:
        result = site.run("migrate", "--from-flask-session", place.url, "--json", *arguments, answer=answer)
        assert result.exit_code == status, result.output
        assert SID not in result.output + result.stderr
        report: dict[str, Any] = json.loads(result.stdout[result.stdout.index("{\n") :])
        return {name: value for name, value in report.items() if value}

    return move


def cookie_of(client: Any, name: str = "session") -> str:
    return str(client.get_cookie(name).value)


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", [msgspec.msgpack.encode, msgspec.json.encode], ids=["msgpack", "json"])
def test_sessions_are_imported_with_their_values_and_their_end(site: Site, left: Any, move: Any, encode: Any) -> None:
    left.put(SID, encode(VALUES))
    left.put("over" * 10, encode(VALUES), left=0.001)
    left.put("nothingInItButThePermanent", encode({"_permanent": True}))
    assert move(left)["copied"] in (1, 2)  # the second, if it had not ended in Redis when it was read
    (info,) = [each for each in site.app.sessions.all() if each.expires > datetime.now(UTC) + timedelta(seconds=500)]
    assert info.permanent
    assert abs(info.expires - datetime.now(UTC) - timedelta(seconds=1000)) < timedelta(seconds=60)
    assert site.visitor(SID).get("/show").json == {
        "user": "ada",
        "cart": [1, {"deep": [2.5, None]}],
        "_flashes": [["message", "Hello"]],
    }


def test_another_prefix_and_table_are_said(site: Site, table: Table, move: Any) -> None:
    table.run("ALTER TABLE sessions RENAME TO visits")
    table.run(
        "INSERT INTO visits (session_id, data, expiry) VALUES (?, ?, '2099-01-01 00:00:00.000000')",
        (f"shop:{SID}", msgspec.msgpack.encode({"a": 1})),
    )
    assert move(table, "--prefix", "shop:", "--table", "visits") == {"read": 1, "copied": 1}
    assert site.visitor(SID).get("/show").json == {"a": 1}


def test_what_cannot_be_read_is_named_and_left_out(site: Site, left: Any, move: Any) -> None:
    left.put(SID, b"\xc1 neither")
    left.put(UUID_SID, msgspec.msgpack.encode({"n": 1, 5: "five"}))
    report = move(left, status=1)
    assert (report["copied"], len(report["left_out"])) == (1, 2)
    said = " ".join(report["left_out"])
    assert "it cannot be read" in said
    assert "session[5]: keys have to be texts." in said
    assert site.visitor(UUID_SID).get("/show").json == {"n": 1}


def test_pickled_values_are_read_only_where_that_is_wished(site: Site, left: Any, move: Any) -> None:
    left.put(SID, pickle.dumps({"when": datetime(2026, 1, 1), "odd": [Unstorable()]}))
    report = move(left, status=1)
    assert "it is pickled. 'erlen sessions migrate --unpickle' reads it" in report["left_out"][0]
    refused = site.run("migrate", "--from-flask-session", left.url, "--unpickle", answer="n\n")
    assert refused.exit_code == 1
    assert "runs whatever code stands in it" in refused.output
    assert drive(site.store.count()) == 0
    report = move(left, "--unpickle", answer="y\n", status=1)
    assert report["copied"] == 1
    assert "session['odd'][0]: a value of type" in report["left_out"][0]
    assert site.visitor(SID).get("/show").json == {"when": "2026-01-01T00:00:00"}


def test_a_pickle_that_cannot_be_read_is_left_out(table: Table, move: Any) -> None:
    table.put(SID, b"\x80\x04cnowhere\nThing\n.")
    assert "it cannot be unpickled" in move(table, "--unpickle", "--yes", status=1)["left_out"][0]


@pytest.mark.parametrize("pickled_end", [False, True])
def test_files_are_read_if_unpickling_is_wished(site: Site, tmp_path: Path, move: Any, pickled_end: bool) -> None:
    folder = tmp_path / "flask session"
    folder.mkdir()

    def put(name: str, end: int, values: Any) -> None:
        head = pickle.dumps(end, 1) if pickled_end else struct.pack("I", end)
        (folder / md5(name.encode()).hexdigest()).write_bytes(head + pickle.dumps(values))

    put(f"session:{SID}", int(time.time()) + 1000, {"user": "ada"})
    put("session:over" + SID, 1, {"user": "ada"})
    put("__wz_cache_count", 0, 2)
    (folder / "notes.txt").write_text("somebody else's")
    (folder / ("f" * 32)).write_text("somebody else's")

    class Place:
        url = f"file://{str(folder).replace(' ', '%20')}"

    assert move(Place, "--unpickle", "--yes") == {"read": 1, "copied": 1}
    assert site.visitor(SID).get("/show").json == {"user": "ada"}


def test_a_folder_that_is_not_there_is_told(site: Site) -> None:
    result = site.run("migrate", "--from-flask-session", "file:///nowhere", "--unpickle", "--yes")
    assert result.exit_code == 1
    assert "The files of Flask-Session cannot be read" in result.output + result.stderr


# -- while both are in use ---------------------------------------------------------------------------------------------


def test_a_later_run_carries_over_what_changed_and_brings_nothing_back(site: Site, left: Any, move: Any) -> None:
    ids = {name: name * 10 for name in ("changed", "logged_out", "ended_there", "used_here")}
    for sid in ids.values():
        left.put(sid, msgspec.msgpack.encode({"a": 1}))
    assert move(left) == {"read": 4, "copied": 4}
    left.put(ids["changed"], msgspec.msgpack.encode({"a": 2}))
    left.delete(ids["ended_there"])
    left.put("new" * 10, msgspec.msgpack.encode({"a": 3}))
    site.visitor(ids["logged_out"]).get("/logout")
    site.visitor(ids["used_here"]).get("/set/x")
    assert move(left) == {"read": 4, "copied": 1, "updated": 1, "unchanged": 2, "ended_in_source": 1}
    assert site.visitor(ids["changed"]).get("/show").json == {"a": 2}
    assert site.visitor("new" * 10).get("/show").json == {"a": 3}
    for name in ("logged_out", "ended_there"):
        assert site.visitor(ids[name]).get("/show").json == {}


# -- the old cookie ----------------------------------------------------------------------------------------------------


@pytest.fixture
def imported(table: Table, move: Any) -> None:
    """Two sessions, of a visitor with an id and of one with an older id."""
    table.put(SID, msgspec.msgpack.encode({"user": "ada"}))
    table.put(UUID_SID, msgspec.msgpack.encode({"user": "bob"}))
    move(table)


@pytest.mark.usefixtures("imported")
def test_a_visitor_with_the_old_cookie_gets_the_session_and_a_token(site: Site) -> None:
    visitor = site.visitor(SID)
    assert visitor.get("/show").json == {"user": "ada"}
    assert len(cookie_of(visitor)) == 56
    assert visitor.get("/set/x").status_code == 200
    assert visitor.get("/show").json == {"user": "ada", "value": "x"}
    assert site.visitor(UUID_SID).get("/show").json == {"user": "bob"}
    assert drive(site.store.count()) == 2


@pytest.mark.usefixtures("imported")
def test_requests_of_one_page_with_the_old_cookie_all_find_the_session(site: Site) -> None:
    first, second = site.visitor(SID), site.visitor(SID)
    first.get("/show")
    second.get("/set/x")
    assert second.get("/show").json == {"user": "ada", "value": "x"}
    assert cookie_of(second) == SID  # the browser has the token by the first response
    assert first.get("/show").json == {"user": "ada", "value": "x"}


@pytest.mark.usefixtures("imported")
def test_the_old_cookie_is_dead_after_the_grace(site: Site) -> None:
    visitor = site.visitor(SID)
    visitor.get("/show")
    site.app.session_manager.clock = lambda: time.time() + 31
    assert site.visitor(SID).get("/show").json == {}
    assert visitor.get("/show").json == {"user": "ada"}


@pytest.mark.usefixtures("imported")
def test_the_old_cookie_is_dead_at_once_after_a_login_and_after_a_logout(site: Site) -> None:
    visitor = site.visitor(SID)
    visitor.get("/login")
    assert site.visitor(SID).get("/show").json == {}
    assert visitor.get("/show").json == {"user": "ada"}
    assert [info.user for info in site.app.sessions.for_user(7)] == ["7"]
    other = site.visitor(UUID_SID)
    other.get("/show")
    site.visitor(UUID_SID).get("/logout")
    assert other.get("/show").json == {}
    assert site.visitor(UUID_SID).get("/show").json == {}


@pytest.mark.usefixtures("imported")
def test_a_signed_cookie_is_known_by_the_id_in_it(site: Site) -> None:
    signed = Signer("another key", salt="flask-session", key_derivation="hmac").sign(SID).decode()
    assert site.visitor(signed).get("/show").json == {"user": "ada"}


@pytest.mark.usefixtures("imported")
def test_on_https_the_cookie_of_flask_is_looked_for_too(site: Site) -> None:
    visitor = site.visitor(SID)
    assert visitor.get("/show", base_url="https://localhost").json == {"user": "ada"}
    assert len(cookie_of(visitor, "__Host-session")) == 56
    assert visitor.get("/set/x", base_url="https://localhost").status_code == 200
    assert visitor.get("/show", base_url="https://localhost").json == {"user": "ada", "value": "x"}


@pytest.mark.usefixtures("imported")
def test_the_session_can_be_held_exclusively_with_the_old_cookie(site: Site) -> None:
    visitor = site.visitor(SID)
    assert visitor.get("/exclusive").json == {"user": "ada", "value": "alone"}
    assert len(cookie_of(visitor)) == 56
    assert visitor.get("/exclusive").json == {"user": "ada", "value": "alone"}


@pytest.mark.usefixtures("imported")
def test_an_id_that_was_not_imported_is_never_adopted(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    stranger = site.visitor("x" * 43)
    assert stranger.get("/show").json == {}
    stranger.get("/set/mine")
    assert len(cookie_of(stranger)) == 56
    assert site.visitor("x" * 43).get("/show").json == {}
    assert "is over" not in caplog.text


@pytest.mark.usefixtures("imported")
def test_what_the_store_knows_opens_nothing(site: Site) -> None:
    for info in site.app.sessions.all():
        for text in (info.handle, info.handle[4:], md5(f"session:{SID}".encode()).hexdigest()):
            assert site.visitor(text).get("/show").json == {}


@pytest.mark.usefixtures("imported")
def test_store_commands_of_a_request_with_a_foreign_cookie(site: Site) -> None:
    def commands(path: str, cookie: str) -> int:
        before = site.store.commands
        site.visitor(cookie).get(path)
        return site.store.commands - before

    site.visitor("y" * 43).get("/show")
    assert commands("/untouched", SID) == 0
    assert commands("/show", "z" * 43) == 1
    assert commands("/show", "short") == 0
    assert commands("/show", "nothing like an id!" * 3) == 0
    assert commands("/show", SID) == 2
    site.app.config["SESSION_ADOPT_FLASK_SESSION"] = False
    assert commands("/show", UUID_SID) == 0
    assert site.visitor(UUID_SID).get("/show").json == {}
