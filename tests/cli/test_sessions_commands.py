"""``erlen sessions``: listing, ending, counting and moving sessions, on real stores."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import store_servers
from erlen import Erlen, session
from erlen.callables import drive
from erlen.cli.sessions import sessions_group
from erlen.errors import SessionUnavailable
from erlen.sessions import SessionSettings, SessionStore, migration, resolve_store
from erlen.sessions.migration import Journal
from erlen.sessions.stores.memory import MemoryStore
from store_servers import Servers, config_of

KEY = "aGoodLongKeyForTheTests-0123456789"
HOUR = 3600.0
#: One store of each kind that can be listed, as far as its module is there.
STORES = [
    name if name in store_servers.ONE_OF_A_KIND else pytest.param(name, marks=pytest.mark.soak)
    for name in ("memory", "sqlite", "filesystem", "redis", "mongodb", "sqlalchemy-sqlite", "dynamodb")
    if find_spec(f"store_servers.{store_servers.STORES[name]}")
]


class Site:
    """An application with visitors, and the commands that look at its sessions."""

    def __init__(self, config: dict[str, Any], folder: Path) -> None:
        self.app = app = Erlen("site", static_folder=None, instance_path=str(folder / "instance"))
        app.config.update(SECRET_KEY=KEY, **config)
        self.tokens: list[str] = []
        self.outputs: list[str] = []

        @app.get("/login/<user>")
        def login(user: str) -> str:
            session.bind(user)
            session["name"] = user
            return str(session.sid)

        @app.get("/set/<value>")
        def set_(value: str) -> str:
            session.permanent = True
            session["value"] = value
            return str(session.sid)

        @app.get("/drop/<key>")
        def drop(key: str) -> str:
            session.pop(key)
            return ""

        @app.get("/logout")
        def logout() -> str:
            session.clear()
            return ""

        @app.get("/show")
        def show() -> dict[str, Any]:
            return dict(session)

    def visitor(self, token: str | None = None) -> Visitor:
        return Visitor(self, token)

    def run(self, *arguments: str, answer: str = "") -> Result:
        result = self.app.test_cli_runner().invoke(sessions_group, arguments, input=answer)
        self.outputs.append(result.output + result.stderr + repr(result.exception))
        return result

    @property
    def store(self) -> SessionStore:
        return self.app.session_manager.store

    def close(self) -> None:
        if "session_manager" in self.app.__dict__:
            drive(self.store.close())


class Visitor:
    """A browser at a site."""

    def __init__(self, site: Site, token: str | None) -> None:
        self.site = site
        self.client = site.app.test_client()
        if token is not None:
            self.client.set_cookie("session", token)

    def get(self, path: str) -> Any:
        response = self.client.get(path)
        assert response.status_code == 200
        cookie = self.client.get_cookie("session")
        if cookie is not None:
            self.site.tokens.append(cookie.value)
        return response

    @property
    def token(self) -> str:
        cookie = self.client.get_cookie("session")
        assert cookie is not None
        return str(cookie.value)

    @property
    def shown(self) -> dict[str, Any]:
        held: dict[str, Any] = self.get("/show").json
        return held


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Return a function that makes a site; in the end no token stands in what its commands have printed."""
    sites: list[Site] = []

    def make(**config: Any) -> Site:
        sites.append(Site(config, tmp_path))
        return sites[-1]

    yield make
    for site in sites:
        site.close()
        for output in site.outputs:
            assert not [token for token in site.tokens if token in output]


@pytest.fixture(params=STORES)
def site(
    request: pytest.FixtureRequest, make: Callable[..., Site], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> Site:
    """A site on each kind of store."""
    # The server of DynamoDB takes any; what an earlier test has set is gone with its surroundings.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return make(**config_of(request.param, servers))


# -- list, revoke, prune, stats ----------------------------------------------------------------------------------------


def test_the_sessions_of_a_user_are_listed_the_newest_first(site: Site) -> None:
    first, second = site.visitor(), site.visitor()
    handles = [first.get("/login/7").text, second.get("/login/7").text]
    site.visitor().get("/login/8")
    result = site.run("list", "--user", "7")
    assert result.exit_code == 0
    head, ruler, *rows = result.output.splitlines()
    assert head.split("  ")[0] == "Handle"
    for name in ("User", "Device", "Created (UTC)", "Last seen (UTC)", "Expires (UTC)"):
        assert name in head
    assert set(ruler) == {"-", " "}
    assert {row.split()[0] for row in rows} == set(handles)
    listed = json.loads(site.run("list", "--user", "7", "--json").output)
    assert [info["handle"] for info in listed] == [info.handle for info in site.app.sessions.for_user(7)]
    assert {info["user"] for info in listed} == {"7"}
    assert {"label", "created", "seen", "expires"} <= set(listed[0])


def test_all_sessions_are_listed_up_to_a_limit(site: Site) -> None:
    assert site.run("list").output == "There are no sessions.\n"
    assert site.run("list", "--user", "7").output == "The user 7 has no sessions.\n"
    handles = {site.visitor().get(f"/set/{number}").text for number in range(3)}
    listed = json.loads(site.run("list", "--json").output)
    assert {info["handle"] for info in listed} == handles
    assert len(site.run("list", "--limit", "2").output.splitlines()) == 4
    assert site.run("list", "--limit", "0").exit_code == 2


def test_async_code_lists_and_counts_without_blocking(site: Site) -> None:
    handles = {site.visitor().get(f"/set/{number}").text for number in range(3)}

    async def look() -> tuple[Any, Any, Any]:
        sessions = site.app.sessions
        try:
            return await sessions.aall(), await sessions.aall(2), await sessions.astatistics()
        finally:
            await site.store.close()

    all_of_them, two, statistics = asyncio.run(look())
    assert {info.handle for info in all_of_them} == handles
    assert len(two) == 2
    assert site.app.sessions.all(0) == []
    assert statistics.sessions == 3


def test_a_label_cannot_command_the_terminal(make: Callable[..., Site]) -> None:
    site = make(SESSION_TYPE="memory", SESSION_LABEL=lambda request: "phone\x1b[2J\nforged")
    site.visitor().get("/login/7")
    assert "phone?[2J?forged" in site.run("list").output


def test_one_session_is_ended_by_its_handle(site: Site) -> None:
    gone, stays = site.visitor(), site.visitor()
    handle = gone.get("/login/7").text
    stays.get("/login/7")
    result = site.run("revoke", handle)
    assert (result.exit_code, result.output) == (0, "1 session was ended.\n")
    assert (gone.shown, stays.shown) == ({}, {"name": "7"})
    again = site.run("revoke", handle)
    assert again.exit_code == 1
    assert "There is no session with this handle." in again.output + again.stderr


def test_a_token_that_is_given_for_a_handle_is_not_shown(make: Callable[..., Site]) -> None:
    site = make(SESSION_TYPE="memory")
    visitor = site.visitor()
    visitor.get("/login/7")
    assert site.run("revoke", "--", visitor.token).exit_code == 1  # one in 64 begins with a dash
    assert visitor.shown == {"name": "7"}


def test_all_sessions_of_a_user_are_ended(site: Site) -> None:
    visitors = [site.visitor() for _ in range(3)]
    for visitor, user in zip(visitors, "778", strict=True):
        visitor.get(f"/login/{user}")
    assert site.run("revoke", "--user", "7").output == "2 sessions were ended.\n"
    assert [visitor.shown for visitor in visitors] == [{}, {}, {"name": "8"}]
    assert site.run("revoke", "--user", "7").output == "0 sessions were ended.\n"


def test_all_sessions_are_ended_if_that_is_meant(site: Site) -> None:
    visitor = site.visitor()
    visitor.get("/login/7")
    refused = site.run("revoke", "--all", answer="n\n")
    assert refused.exit_code == 1
    assert "Everybody has to sign in anew. Go on?" in refused.output
    assert visitor.shown == {"name": "7"}
    assert site.run("revoke", "--all", "--yes").output == "1 session was ended.\n"
    assert visitor.shown == {}


@pytest.mark.parametrize("arguments", [[], ["ab", "--all"], ["--user", "7", "--all"], ["ab", "--user", "7"]])
def test_revoke_wants_to_know_which_sessions(make: Callable[..., Site], arguments: list[str]) -> None:
    result = make(SESSION_TYPE="memory").run("revoke", *arguments)
    assert result.exit_code == 2
    assert "Say which sessions: a HANDLE from 'erlen sessions list', or --user, or --all." in result.output


def test_prune_removes_what_is_over(make: Callable[..., Site], servers: Servers) -> None:
    site = make(**config_of("sqlite", servers))
    site.visitor().get("/login/7")
    assert site.run("prune").output == "0 sessions were removed.\n"
    site.app.session_manager.clock = lambda: time.time() + 100 * 24 * HOUR
    assert site.run("prune").output == "1 session was removed.\n"


def test_stats_count_in_one_scan(site: Site) -> None:
    assert json.loads(site.run("stats", "--json").output)["oldest"] is None
    for path in ("/login/7", "/login/7", "/login/8", "/set/a"):
        site.visitor().get(path)
    found = json.loads(site.run("stats", "--json").output)
    held = drive(_scanned(site.store))
    assert found["bytes"] == sum(len(raw) for record in held for raw in record.fields.values()) > 0
    assert {name: found[name] for name in ("sessions", "signed_in", "users", "permanent")} == {
        "sessions": 4,
        "signed_in": 3,
        "users": 2,
        "permanent": 1,
    }
    assert (found["seen_last_hour"], found["seen_last_day"]) == (4, 4)
    assert found["oldest"] <= found["newest"]
    lines = site.run("stats").output.splitlines()
    assert "Signed in:             3" in lines
    site.app.session_manager.clock = lambda: time.time() + 2 * HOUR
    later = site.app.sessions.statistics()
    assert (later.seen_last_hour, later.seen_last_day) == (0, 4)


async def _scanned(store: SessionStore) -> list[Any]:
    return [record async for record in store.scan()]


def test_a_store_that_cannot_do_it_says_so(make: Callable[..., Site]) -> None:
    site = make(SESSION_TYPE="cookie")
    for arguments in (["list"], ["list", "--user", "7"], ["revoke", "--all", "--yes"], ["prune"], ["stats"]):
        result = site.run(*arguments)
        assert result.exit_code == 1
        assert "Sessions of the type 'cookie' cannot do this" in result.output + result.stderr


def test_a_store_that_does_not_answer_is_told_in_words(
    make: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(self: Any, user: str) -> None:
        raise SessionUnavailable("Nobody is there.")

    monkeypatch.setattr(MemoryStore, "find", find)
    result = make(SESSION_TYPE="memory").run("list", "--user", "7")
    assert (result.exit_code, result.output + result.stderr) in (
        (1, "Error: Nobody is there.\n"),
        (1, "Error: Nobody is there.\n" * 2),
    )


def test_no_command_prints_or_keeps_a_token(site: Site, old: Site) -> None:
    visitors = [old.visitor(), old.visitor()]
    for visitor in visitors:
        visitor.get("/login/7")
    source = f"sqlite:///{old.app.config['SESSION_SQLITE_PATH']}"
    commands = [
        *(["migrate", "--from", source], ["migrate", "--from", source, "--json"], ["list"], ["list", "--json"]),
        *(["list", "--user", "7"], ["stats"], ["prune"], ["revoke", visitors[0].token], ["revoke", "--user", "7"]),
        ["revoke", "--all", "--yes"],
    ]
    said = [site.run(*command) for command in commands]
    assert [result.exit_code for result in said] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    kept = b"".join(path.read_bytes() for path in Path(site.app.instance_path).rglob("migration-*"))
    assert kept
    for visitor in visitors:
        assert not [result.output for result in said if visitor.token in result.output + result.stderr]
        secret = urlsafe_b64decode(visitor.token)[2:34]
        assert secret not in kept
        assert visitor.token.encode() not in kept


# -- ddl ---------------------------------------------------------------------------------------------------------------


def test_ddl_makes_the_tables_that_the_store_uses(make: Callable[..., Site], tmp_path: Path) -> None:
    url = f"sqlite+pysqlite:///{tmp_path / 'ours.db'}"
    site = make(SESSION_URL=url, SESSION_SQLALCHEMY_TABLE="visits", SESSION_SQLALCHEMY_CREATE=False)
    statements = site.run("ddl").output
    assert statements.startswith("CREATE TABLE visits (")
    with closing(sqlite3.connect(tmp_path / "ours.db")) as connection:
        connection.executescript(statements)
    visitor = site.visitor()
    visitor.get("/login/7")
    assert visitor.shown == {"name": "7"}


def test_ddl_is_that_of_the_given_address_and_table(make: Callable[..., Site]) -> None:
    site = make(SESSION_TYPE="memory", SESSION_SQLALCHEMY_TABLE="visits")
    assert "CREATE TABLE visits (" in site.run("ddl", "postgresql://").output
    assert "data JSONB NOT NULL" in site.run("ddl", "postgresql://").output
    mysql = site.run("ddl", "mysql://", "--table", "other").output
    assert "CREATE TABLE other (" in mysql
    assert "VARBINARY(34)" in mysql
    result = site.run("ddl")
    assert result.exit_code == 2
    assert "Say for which database: erlen sessions ddl postgresql://" in result.output
    wrong = site.run("ddl", "postgres:secret")
    assert wrong.exit_code == 1
    assert "SQLAlchemy cannot read this address." in wrong.output + wrong.stderr


def test_ddl_without_its_package_names_the_extra(make: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "erlen.sessions.stores.sqlalchemy", None)
    result = make(SESSION_TYPE="memory").run("ddl", "mysql://")
    assert result.exit_code == 1
    assert "pip install 'erlen[sqlalchemy]'" in result.output + result.stderr


# -- migrate -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(make: Callable[..., Site], servers: Servers) -> Site:
    """The site as it was, on sqlite."""
    return make(**config_of("sqlite", servers))


@pytest.fixture
def move(site: Site, old: Site) -> Callable[..., dict[str, Any]]:
    """Return a function that runs the migration from the old site's store, and returns its report."""

    def move(*arguments: str, status: int = 0, answer: str = "") -> dict[str, Any]:
        path = old.app.config["SESSION_SQLITE_PATH"]
        result = site.run("migrate", "--from", f"sqlite:///{path}", "--json", *arguments, answer=answer)
        assert result.exit_code == status, result.output
        report: dict[str, Any] = json.loads(result.stdout[result.stdout.index("{") :])
        return {name: value for name, value in report.items() if value}

    return move


def test_visitors_keep_their_cookies_and_their_sessions(site: Site, old: Site, move: Any) -> None:
    visitors = [old.visitor() for _ in range(3)]
    for visitor, path in zip(visitors, ("/login/7", "/set/a", "/set/b"), strict=True):
        visitor.get(path)
    assert move() == {"read": 3, "copied": 3}
    for visitor in visitors:
        assert site.visitor(visitor.token).shown == visitor.shown
    assert {info.handle: info for info in site.app.sessions.all()} == {
        info.handle: info for info in old.app.sessions.all()
    }
    assert [info.user for info in site.app.sessions.for_user(7)] == ["7"]
    assert site.app.sessions.revoke_all(7) == 1


def test_a_second_run_carries_over_what_was_changed_in_the_source(site: Site, old: Site, move: Any) -> None:
    changed, other = old.visitor(), old.visitor()
    changed.get("/login/7")
    changed.get("/set/before")
    other.get("/set/same")
    move()
    changed.get("/set/after")
    changed.get("/drop/name")
    new = old.visitor()
    new.get("/set/new")
    assert move() == {"read": 3, "copied": 1, "updated": 1, "unchanged": 1}
    assert site.visitor(changed.token).shown == {"value": "after"}
    assert site.visitor(new.token).shown == {"value": "new"}
    assert move() == {"read": 3, "unchanged": 3}
    changed.get("/set/last")
    assert move() == {"read": 3, "updated": 1, "unchanged": 2}
    assert site.visitor(changed.token).shown == {"value": "last"}


def test_a_timed_renewal_in_the_source_leaves_one_session_in_the_target(site: Site, old: Site, move: Any) -> None:
    visitor = old.visitor()
    visitor.get("/login/7")
    before = visitor.token
    move()
    old.app.config["SESSION_RENEW_AFTER"] = 0.000001
    visitor.get("/show")
    assert visitor.token != before
    assert move() == {"read": 1, "copied": 1, "ended_in_source": 1}
    assert site.visitor(visitor.token).shown == {"name": "7"}
    assert site.visitor(before).shown == {}


def test_sessions_that_are_written_during_the_runs_are_whole_in_the_end(site: Site, old: Site, move: Any) -> None:
    visitors = [old.visitor() for _ in range(4)]
    for visitor in visitors:
        visitor.get("/set/begun")
    done = threading.Event()

    def work(visitor: Visitor) -> None:
        count = 0
        while not done.is_set():
            count += 1
            visitor.get(f"/set/{count}")
            if count % 5 == 0:
                visitor.get(f"/login/{count}")

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(work, visitor) for visitor in visitors]
        try:
            for _ in range(3):
                move("--yes")  # each sign-in ends a token, so more have ended in the end than are there
        finally:
            done.set()
        for future in futures:
            future.result()
    move("--yes")
    for visitor in visitors:
        assert site.visitor(visitor.token).shown == visitor.shown
    assert {info.handle for info in site.app.sessions.all()} == {info.handle for info in old.app.sessions.all()}


@pytest.mark.parametrize(("path", "value"), [("/set/meanwhile", {"value": "meanwhile"}), ("/logout", {})])
def test_what_happens_in_the_target_while_it_is_looked_at_stays(
    site: Site, old: Site, move: Any, monkeypatch: pytest.MonkeyPatch, path: str, value: Any
) -> None:
    visitor = old.visitor()
    visitor.get("/set/first")
    move()
    visitor.get("/set/late")
    there = site.visitor(visitor.token)
    difference = migration._difference

    def slow(*arguments: Any) -> Any:
        there.get(path)
        return difference(*arguments)

    monkeypatch.setattr(migration, "_difference", slow)
    assert move() == {"read": 1, "kept": 1}
    assert there.shown == value


def test_a_sign_in_in_the_source_is_carried_over(site: Site, old: Site, move: Any) -> None:
    visitor = old.visitor()
    visitor.get("/set/a")
    anonymous = visitor.token
    move()
    visitor.get("/login/7")
    assert move() == {"read": 1, "copied": 1, "ended_in_source": 1}
    assert site.visitor(visitor.token).shown == {"value": "a", "name": "7"}
    assert site.visitor(anonymous).shown == {}
    assert len(site.app.sessions.for_user(7)) == 1


def test_what_was_changed_in_the_target_is_left_as_it_is(site: Site, old: Site, move: Any) -> None:
    visitor = old.visitor()
    visitor.get("/set/first")
    move()
    site.visitor(visitor.token).get("/set/there")
    visitor.get("/set/here")
    assert move() == {"read": 1, "kept": 1}
    assert site.visitor(visitor.token).shown == {"value": "there"}


def test_a_session_that_was_ended_in_the_target_is_not_brought_back(site: Site, old: Site, move: Any) -> None:
    quiet, busy = old.visitor(), old.visitor()
    for visitor in (quiet, busy):
        visitor.get("/login/7")
    move()
    for visitor in (quiet, busy):
        site.visitor(visitor.token).get("/logout")
    busy.get("/set/late")
    assert move() == {"read": 2, "unchanged": 1, "ended_in_target": 1}
    assert site.run("list").output == "There are no sessions.\n"


def test_a_session_that_was_ended_in_the_source_is_ended_in_the_target(site: Site, old: Site, move: Any) -> None:
    gone, stays = old.visitor(), old.visitor()
    gone.get("/login/7")
    stays.get("/login/7")
    token = gone.token
    move()
    gone.get("/logout")
    assert move() == {"read": 1, "unchanged": 1, "ended_in_source": 1}
    assert site.visitor(token).shown == {}
    assert site.visitor(stays.token).shown == {"name": "7"}
    assert move() == {"read": 1, "unchanged": 1}


def test_a_source_that_was_emptied_ends_nothing_in_the_target(site: Site, old: Site, move: Any) -> None:
    visitor = old.visitor()
    visitor.get("/set/a")
    move()
    old.app.sessions.revoke_everyone()
    for answer in ("n\n", ""):
        report = move(status=1, answer=answer)
        assert "only 0 are left there. They were not ended in the target." in report["left_out"][0]
        assert site.visitor(visitor.token).shown == {"value": "a"}
    assert move("--yes") == {"ended_in_source": 1}
    assert site.visitor(visitor.token).shown == {}


def test_without_its_journal_a_later_run_is_refused(site: Site, old: Site, move: Any, tmp_path: Path) -> None:
    visitors = [old.visitor(), old.visitor()]
    for visitor in visitors:
        visitor.get("/set/a")
    move()
    site.visitor(visitors[0].token).get("/logout")
    path = old.app.config["SESSION_SQLITE_PATH"]
    result = site.run("migrate", "--from", f"sqlite:///{path}", "--journal", str(tmp_path / "other"))
    assert result.exit_code == 1
    assert "an earlier run has copied them" in result.output + result.stderr
    assert site.visitor(visitors[0].token).shown == {}


def test_the_journal_is_for_one_run_at_a_time_and_for_the_owner(site: Site, old: Site, move: Any) -> None:
    old.visitor().get("/set/a")
    move()
    (journal,) = Path(site.app.instance_path).glob("migration-*.sqlite3")
    assert journal.stat().st_mode & 0o777 == 0o600
    held = Journal(journal)
    try:
        path = old.app.config["SESSION_SQLITE_PATH"]
        result = site.run("migrate", "--from", f"sqlite:///{path}")
        assert result.exit_code == 1
        assert "another migration uses it. Wait until it has ended." in result.output + result.stderr
    finally:
        held.close()


def test_the_report_is_told_in_words(make: Callable[..., Site], old: Site) -> None:
    old.visitor().get("/set/a")
    site = make(SESSION_TYPE="memory")
    path = old.app.config["SESSION_SQLITE_PATH"]
    result = site.run("migrate", "--from", f"sqlite:///{path}")
    assert result.output == f"From {path} to the store 'memory':\n        1 read\n        1 copied\n"
    assert "        1 already there, unchanged\n" in site.run("migrate", "--from", f"sqlite:///{path}").output


def test_sealed_sessions_are_copied_as_they_are(make: Callable[..., Site], servers: Servers) -> None:
    old = make(**config_of("sqlite", servers), SESSION_SEALED=True)
    visitor = old.visitor()
    visitor.get("/login/7")
    site = make(SESSION_TYPE="memory", SESSION_SEALED=True)
    assert site.run("migrate", "--from", f"sqlite:///{old.app.config['SESSION_SQLITE_PATH']}").exit_code == 0
    assert site.visitor(visitor.token).shown == {"name": "7"}


def test_a_store_may_be_named_by_its_type_and_settings(make: Callable[..., Site], servers: Servers) -> None:
    old = make(**config_of("sqlite", servers))
    visitor = old.visitor()
    visitor.get("/set/a")
    option = f"SESSION_SQLITE_PATH={old.app.config['SESSION_SQLITE_PATH']}"
    site = make(SESSION_TYPE="memory")
    target = str(servers.make_folder("sqlite") / "there.sqlite3")
    arguments = ["--from", "sqlite", "--from-setting", option, "--to", f"sqlite:///{target}"]
    assert site.run("migrate", *arguments).exit_code == 0
    store = resolve_store(SessionSettings(url=f"sqlite:///{target}"))
    assert drive(store.count()) == 1
    drive(store.close())
    wrong = site.run("migrate", "--from", "sqlite", "--from-setting", "prefix")
    assert wrong.exit_code == 2
    assert "Write a setting as NAME=VALUE" in wrong.output


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "Say where the sessions are: --from, or --from-flask-session."),
        (["--from", "sqlite", "--from-flask-session", "redis://h"], 2, "Say where the sessions are"),
        (["--from", "sqlite", "--unpickle"], 2, "--unpickle is for --from-flask-session"),
        (["--from", "memory"], 1, "--from and --to are the same store, the store 'memory'."),
        (["--from", "null"], 1, "The sessions in the store 'null' cannot be listed, so they cannot be copied"),
        (["--from", "memcached://127.0.0.1:1"], 1, "cannot be listed, so they cannot be copied: memcached, the cookie"),
        (["--from", "redis://:cret@127.0.0.1:1"], 1, "Redis at redis://127.0.0.1:1 could not be used for sessions"),
        (["--from", "sqlit"], 1, "Did you mean 'sqlite'?"),
        (["--from", "redes://h"], 1, "Did you mean 'redis'?"),
        (["--from", "sqlite", "--to", "null"], 1, "No sessions can be copied to the store 'null'"),
        (["--from-flask-session", "mongodb://h"], 1, "Sessions of Flask-Session in mongodb are not read"),
        (["--from-flask-session", "file:///nowhere"], 1, "say so with --unpickle."),
        (["--from-flask-session", "redis://:se/cret@h"], 1, "The address of Flask-Session's sessions cannot be read."),
        (["--from-flask-session", "redis://127.0.0.1:1"], 1, "Redis at redis://127.0.0.1:1 could not be used"),
        (["--from-flask-session", "sqlite:////nowhere/s.db"], 1, "See that it runs, and that --table is right."),
    ],
)
def test_what_cannot_be_copied_is_told_in_words(
    make: Callable[..., Site], arguments: list[str], status: int, words: str
) -> None:
    result = make(SESSION_TYPE="memory").run("migrate", *arguments)
    assert result.exit_code == status, result.output
    said = result.output + result.stderr
    assert words in said
    assert "cret" not in said


def test_a_target_that_dies_meanwhile_is_gone_on_with(
    make: Callable[..., Site], old: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        old.visitor().get(f"/set/{number}")
    site = make(SESSION_TYPE="memory")
    create, count = MemoryStore.create, [0]

    async def dying(self: MemoryStore, key: bytes, record: Any) -> None:
        count[0] += 1
        if count[0] == 2:
            raise SessionUnavailable("Nobody is there.")
        await create(self, key, record)

    monkeypatch.setattr(MemoryStore, "create", dying)
    source = f"sqlite:///{old.app.config['SESSION_SQLITE_PATH']}"
    result = site.run("migrate", "--from", source)
    assert result.exit_code == 1
    assert "Nobody is there." in result.output + result.stderr
    report = json.loads(site.run("migrate", "--from", source, "--json").output)
    assert (report["read"], report["copied"], report["unchanged"]) == (3, 2, 1)
    assert drive(site.store.count()) == 3
