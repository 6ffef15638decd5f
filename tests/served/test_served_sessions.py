"""Sessions on two worker processes, under the things that happen to a real server."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_shop import Shop, ask, cookie_of
from served_tools import at_once, until

MISMATCH = "Two workers of this application have different secret keys: process "


# --- many at once ----------------------------------------------------------------------------------------------------


def test_of_a_thousand_concurrent_changes_to_one_session_none_is_lost(shop: Shop, connections: Any) -> None:
    shop.start()
    cookie = shop.sign_in()
    assert shop.user_in_every_worker(cookie) == {"ada"}
    free = connections(shop.server.port)
    answers = at_once(lambda number: ask(free, f"/set/k{number}/v{number}", cookie), 1000, threads=32)
    assert set(answers) == {(200, "kept")}
    held = shop.get("/all", cookie).json()
    assert {key: held[key] for key in held if key != "cart"} == {f"k{number}": f"v{number}" for number in range(1000)}


def test_a_counter_that_many_requests_raise_at_once_is_exact(shop: Shop, connections: Any) -> None:
    shop.start()
    cookie = shop.sign_in()
    free = connections(shop.server.port)
    answers = at_once(lambda number: ask(free, "/incr", cookie), 400, threads=32)
    assert sorted(int(text) for _, text in answers) == list(range(1, 401))


def test_of_many_appends_at_once_none_is_lost(shop: Shop, connections: Any) -> None:
    shop.start()
    cookie = shop.sign_in()
    free = connections(shop.server.port)
    at_once(lambda number: ask(free, f"/append/{number}", cookie), 200, threads=32)
    assert sorted(map(int, shop.get("/all", cookie).json()["list"])) == list(range(200))


def test_of_many_requests_that_take_a_ticket_exactly_one_gets_it(shop: Shop, connections: Any) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.get("/set/ticket/gold", cookie)
    free = connections(shop.server.port)
    answers = at_once(lambda number: ask(free, "/take", cookie), 64, threads=32)
    assert sorted(text for _, text in answers) == ["gold"] + ["nothing"] * 63


def test_many_strangers_at_once_each_get_a_session_of_their_own(shop: Shop, connections: Any) -> None:
    shop.start()
    cookies = at_once(lambda number: shop.sign_in(f"user{number}"), 60)
    assert len(set(cookies)) == 60
    free = connections(shop.server.port)
    answers = at_once(lambda number: json.loads(ask(free, "/who", cookies[number])[1])["user"], 60)
    assert answers == [f"user{number}" for number in range(60)]


def test_two_workers_that_start_at_once_make_one_store_between_them(shop: Shop) -> None:
    shop.start(workers=2)
    cookies = at_once(lambda number: shop.sign_in(f"user{number}"), 16)
    assert [shop.get("/who", cookie).json()["user"] for cookie in cookies] == [f"user{number}" for number in range(16)]
    assert shop.store.stat().st_mode & 0o777 == 0o600


# --- modes of a route ------------------------------------------------------------------------------------------------


def test_exclusive_routes_run_one_after_the_other_for_one_session(shop: Shop, connections: Any) -> None:
    """Reading a number and writing it back, raised by one, needs no more than the mode."""
    shop.start()
    cookie = shop.sign_in()
    free = connections(shop.server.port)
    answers = at_once(lambda _: ask(free, "/exclusive", cookie), 40, threads=8)
    assert sorted(int(text) for _, text in answers) == list(range(1, 41))


def test_who_waits_too_long_for_an_exclusive_session_gets_409_with_the_reason(shop: Shop) -> None:
    shop.configure('SECRET_KEY = "a key for tests"\nSESSION_LOCK_WAIT = 0.2\n')
    shop.start()
    cookie = shop.sign_in()
    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(shop.get, "/exclusive-slow/gate", cookie)
        shop.began("gate")
        answer = shop.get("/exclusive", cookie)
        assert answer.status_code == 409
        assert "for more than 0.2 s (SESSION_LOCK_WAIT)" in answer.text
        assert shop.get("/who", cookie).json()["user"] == "ada", "other routes do not wait"
        shop.open_gate("gate")
        assert holder.result().text == "done"
    assert shop.get("/exclusive", cookie).text == "1", "the session was given back"
    assert shop.get("/all", cookie).json()["held"] is True


def test_a_lease_of_a_killed_worker_runs_out(shop: Shop) -> None:
    shop.configure('SECRET_KEY = "a key for tests"\nSESSION_LOCK_LEASE = 0.5\n')
    shop.start()
    cookie = shop.sign_in()
    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(shop.get, "/exclusive-slow/gate", cookie)
        shop.began("gate")
        shop.server.kill()
        assert isinstance(holder.exception(), httpx.TransportError)
    shop.start()
    assert shop.get("/exclusive", cookie).text == "1"
    assert "held" not in shop.get("/all", cookie).json()


def test_in_a_strict_route_a_change_that_is_refused_is_409(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(shop.get, "/strict/gate", cookie)
        shop.began("gate")
        shop.get("/logout", cookie)
        shop.open_gate("gate")
        answer = late.result()
    assert answer.status_code == 409
    assert "another request ended the session or changed its token meanwhile. Nothing was stored." in answer.text
    assert shop.user_in_every_worker(cookie) == {None}


def test_a_change_in_a_readonly_route_is_500_with_the_cure_in_the_log(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    assert shop.get("/readonly/a", cookie).status_code == 500
    assert "Write session='shared' in its @app.route(...), or leave it out." in shop.server.log
    assert "a" not in shop.get("/all", cookie).json()


# --- no resurrection -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["set", "nested", "incr", "append", "permanent", "rotate"])
def test_a_request_that_began_before_the_logout_does_not_revive_the_session(shop: Shop, what: str) -> None:
    shop.start()
    cookie = shop.sign_in()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(shop.get, f"/slow/{what}/gate", cookie)
        shop.began("gate")
        assert shop.get("/logout", cookie).text == "bye"
        shop.open_gate("gate")
        answer = late.result()
    assert (answer.status_code, answer.text) == (200, "ada")
    assert not [value for value in answer.headers.get_list("Set-Cookie") if "Max-Age=0" not in value]
    assert shop.get("/all", cookie).json() == {}
    assert shop.user_in_every_worker(cookie) == {None}
    with sqlite3.connect(shop.store) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    connection.close()


def test_a_request_that_began_before_a_sign_in_changes_nothing_of_the_new_session(shop: Shop) -> None:
    shop.start()
    cookie = cookie_of(shop.get("/set/a/b"))
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(shop.get, "/slow/set/gate", cookie)
        shop.began("gate")
        fresh = cookie_of(shop.get("/login/ada", cookie))
        shop.open_gate("gate")
        assert late.result().headers.get_list("Set-Cookie") == []
    assert fresh != cookie
    assert shop.get("/who", cookie).json()["user"] is None, "the token of before the sign-in is dead"
    assert shop.get("/all", fresh).json() == {"a": "b", "cart": {"apples": 1}}


# --- restarts and keys -----------------------------------------------------------------------------------------------


def test_a_restart_keeps_everybody_signed_in(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.get("/nested/pears?n=5", cookie)
    shop.restart()
    assert shop.user_in_every_worker(cookie) == {"ada"}
    assert shop.get("/all", cookie).json() == {"cart": {"apples": 1, "pears": "5"}}
    assert MISMATCH not in shop.server.log


def test_a_server_that_is_killed_keeps_what_it_has_answered(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.get("/set/last/word", cookie)
    shop.server.kill()
    shop.start()
    assert shop.get("/all", cookie).json()["last"] == "word"


def test_a_key_drawn_anew_by_each_worker_is_found_and_explained(shop: Shop) -> None:
    shop.configure("import os\nSECRET_KEY = os.urandom(32)\n")
    shop.start()

    def told() -> bool:
        shop.sign_in()
        return MISMATCH in shop.server.log

    until(told, "the error about the two keys")
    (line,) = (line for line in shop.server.log.splitlines() if MISMATCH in line)
    assert "A session made by one is refused by the other, and users are logged out at random." in line
    assert "os.urandom()" in line
    assert "'erlen secret' prints one" in line
    assert "SECRET_KEY_FALLBACKS" in line


def test_workers_with_one_key_say_nothing_about_keys(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    assert shop.user_in_every_worker(cookie) == {"ada"}
    assert "different secret keys" not in shop.server.log


def test_a_key_is_rotated_by_fallbacks_and_nobody_is_logged_out(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.configure('SECRET_KEY = "the new key"\nSECRET_KEY_FALLBACKS = ["a key for tests"]\n')
    shop.restart()
    assert shop.user_in_every_worker(cookie) == {"ada"}
    signed_anew = cookie_of(shop.get("/who", cookie))
    assert signed_anew != cookie
    assert MISMATCH not in shop.server.log
    shop.configure('SECRET_KEY = "the new key"\n')
    shop.restart()
    assert shop.get("/who", cookie).json()["user"] is None, "the old key was retired"
    assert shop.get("/who", signed_anew).json()["user"] == "ada"


def test_a_key_changed_without_a_fallback_logs_out_and_says_so(shop: Shop) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.configure('SECRET_KEY = "the new key"\n')
    shop.restart()
    assert shop.get("/who", cookie).json()["user"] is None
    shop.sign_in()
    until(lambda: MISMATCH in shop.server.log, "the error about the two keys")
    assert "If the key was changed on purpose just now, put the old one into SECRET_KEY_FALLBACKS" in shop.server.log


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_the_other_servers_keep_sessions_over_a_restart_too(shop: Shop, server: str) -> None:
    shop.start(server=server, workers=1 if server == "waitress" else 2)
    cookie = shop.sign_in()
    shop.restart()
    assert shop.user_in_every_worker(cookie) == {"ada"}


def test_workers_that_are_forked_from_a_loaded_application_share_the_sessions(shop: Shop) -> None:
    """With --preload gunicorn loads the application once and forks: no connection may be used on both sides."""
    shop.start(server="gunicorn", env={"GUNICORN_CMD_ARGS": "--preload"})
    cookie = shop.sign_in()
    assert shop.user_in_every_worker(cookie) == {"ada"}
    answers = at_once(lambda _: shop.get("/incr", cookie).text, 100)
    assert sorted(map(int, answers)) == list(range(1, 101))


# --- when the store is gone ------------------------------------------------------------------------------------------


def damage_delete(store: Path) -> None:
    for path in store.parent.glob("sessions.sqlite3*"):
        path.unlink(missing_ok=True)  # SQLite takes its log away itself when a last connection closes


def damage_replace(store: Path) -> None:
    """Put another file in its place, as a backup program would."""
    damage_delete(store)
    store.write_bytes(b"this is no database " * 1000)


def damage_overwrite(store: Path) -> None:
    """Write over the very file that the workers have open."""
    with store.open("r+b") as file:
        file.write(b"this is no database " * 5000)


def damage_directory(store: Path) -> None:
    damage_delete(store)
    store.mkdir()


def repair(store: Path) -> None:
    if store.is_dir():
        store.rmdir()
    damage_delete(store)


def statuses(shop: Shop, path: str, cookie: str | None = None, count: int = 24) -> set[int]:
    return {answer.status_code for answer in at_once(lambda _: shop.get(path, cookie), count, threads=8)}


@pytest.mark.parametrize("damage", [damage_replace, damage_directory])
def test_a_store_that_cannot_be_used_is_503_and_works_again_once_it_is_mended(
    shop: Shop, damage: Callable[[Path], None]
) -> None:
    shop.start()
    cookie = shop.sign_in()
    assert statuses(shop, "/who", cookie) == {200}
    damage(shop.store)
    answers = at_once(lambda _: shop.get("/set/a/b", cookie), 24, threads=8)
    assert {answer.status_code for answer in answers} == {503}
    assert "The session store does not answer. Please try again in a moment." in answers[0].text
    assert str(shop.folder) not in answers[0].text
    assert f"The session file {shop.store} cannot be used" in shop.server.log
    assert "or name another file in SESSION_SQLITE_PATH" in shop.server.log
    assert statuses(shop, "/pid") == {200}, "who needs no session is served"
    repair(shop.store)
    assert statuses(shop, "/login/ada") == {200}
    fresh = shop.sign_in()
    assert shop.user_in_every_worker(fresh) == {"ada"}
    assert statuses(shop, "/set/a/b", fresh) == {200}
    shop.restart()
    assert shop.user_in_every_worker(fresh) == {"ada"}, "and it was written into the new file"


def test_a_store_that_is_written_over_is_never_an_error_500_and_works_again_once_it_is_mended(shop: Shop) -> None:
    """SQLite may not notice, as long as it finds all it needs in its log and its memory."""
    shop.start()
    cookie = shop.sign_in()
    assert statuses(shop, "/who", cookie) == {200}
    damage_overwrite(shop.store)
    assert statuses(shop, "/set/a/b", cookie) <= {200, 503}
    shop.server.kill()
    shop.start()
    assert statuses(shop, "/set/a/b", cookie) <= {200, 503}
    repair(shop.store)
    fresh = shop.sign_in()
    assert statuses(shop, "/set/a/b", fresh) == {200}
    assert shop.user_in_every_worker(fresh) == {"ada"}


def test_a_store_file_that_is_deleted_is_made_anew_and_used_by_all(shop: Shop) -> None:
    """Whoever had a session is a stranger then; who signs in afterwards is known to all, and after a restart too."""
    shop.start()
    cookie = shop.sign_in()
    assert statuses(shop, "/set/a/b", cookie) == {200}
    assert shop.user_in_every_worker(cookie) == {"ada"}
    damage_delete(shop.store)
    fresh = shop.sign_in("bob")
    assert shop.user_in_every_worker(fresh) == {"bob"}
    assert shop.get("/who", cookie).json()["user"] is None
    assert statuses(shop, "/set/a/b", fresh) == {200}
    shop.restart()
    assert shop.user_in_every_worker(fresh) == {"bob"}
    assert shop.store.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process can be set on Linux alone")
def test_a_disk_that_is_full_is_503_for_changes_and_works_again_when_there_is_room(shop: Shop) -> None:
    import resource

    shop.start()
    cookie = shop.sign_in()
    workers = shop.in_every_worker("/who", cookie)
    before = {worker: resource.prlimit(worker, resource.RLIMIT_FSIZE) for worker in workers}
    for worker, (_, most) in before.items():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, most))
    assert statuses(shop, "/set/a/b", cookie) == {503}
    assert statuses(shop, "/who", cookie) == {200}
    for worker, limits in before.items():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    assert statuses(shop, "/set/a/c", cookie) == {200}
    assert shop.get("/all", cookie).json() == {"a": "c", "cart": {"apples": 1}}


def test_a_folder_that_cannot_be_written_is_503_with_the_reason_until_it_can(shop: Shop) -> None:
    (shop.folder / "instance").write_text("a file where the folder should be")
    shop.start()
    answer = shop.get("/login/ada")
    assert answer.status_code == 503
    assert "The session store does not answer. Please try again in a moment." in answer.text
    assert f"The session file {shop.store} cannot be made: " in shop.server.log
    assert "See that the application may write to that folder" in shop.server.log
    (shop.folder / "instance").unlink()
    assert shop.user_in_every_worker(shop.sign_in()) == {"ada"}


@pytest.fixture
def lock(shop: Shop) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Return a function that locks the session file against writers, as a backup does, until ROLLBACK."""
    opened: list[sqlite3.Connection] = []

    def lock() -> sqlite3.Connection:
        connection = sqlite3.connect(shop.store, isolation_level=None)
        opened.append(connection)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    yield lock
    for connection in opened:
        connection.close()


def test_a_store_that_another_program_locks_is_read_meanwhile_and_changes_wait_for_it(
    shop: Shop, lock: Callable[[], sqlite3.Connection]
) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.user_in_every_worker(cookie)
    other = lock()
    assert shop.user_in_every_worker(cookie) == {"ada"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shop.get, "/set/a/b", cookie)
        assert shop.get("/pid").status_code == 200
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert waiting.result().status_code == 200
    assert shop.get("/all", cookie).json()["a"] == "b"


def test_a_fresh_worker_reads_sessions_while_another_program_holds_the_lock(
    shop: Shop, lock: Callable[[], sqlite3.Connection]
) -> None:
    shop.start()
    cookie = shop.sign_in()
    shop.restart()
    lock()
    assert shop.user_in_every_worker(cookie) == {"ada"}


def test_a_change_that_waits_too_long_for_the_lock_is_503_with_the_reason_in_the_log(
    shop: Shop, lock: Callable[[], sqlite3.Connection]
) -> None:
    shop.start()
    cookie = shop.sign_in()
    other = lock()
    assert shop.get("/set/a/b", cookie).status_code == 503
    assert f"The session file {shop.store} was locked by another writer for more than 5 s." in shop.server.log
    other.execute("ROLLBACK")
    assert shop.get("/set/a/b", cookie).status_code == 200


def test_with_anonymous_a_broken_store_makes_everybody_a_stranger_and_tells_the_log(shop: Shop) -> None:
    shop.configure('SECRET_KEY = "a key for tests"\nSESSION_ON_ERROR = "anonymous"\n')
    shop.start()
    cookie = shop.sign_in()
    damage_replace(shop.store)
    until(lambda: shop.user_in_every_worker(cookie) == {None}, "each worker to notice: a read trusts a file a moment")
    who = shop.get("/who", cookie)
    assert (who.status_code, who.json()["user"]) == (200, None)
    changed = shop.get("/set/a/b", cookie)
    assert (changed.status_code, changed.headers.get_list("Set-Cookie")) == (200, [])
    assert statuses(shop, "/incr", cookie) == {200}
    outage = "The session store does not answer. This is logged once, until it answers again."
    assert 1 <= shop.server.log.count(outage) <= 2, "once in each worker"
    assert "A change in a session was dropped, because the session could not be read." in shop.server.log
    repair(shop.store)
    assert shop.user_in_every_worker(shop.sign_in()) == {"ada"}


def test_null_sessions_are_read_and_refuse_changes_with_the_cure_in_the_log(shop: Shop) -> None:
    shop.configure('SECRET_KEY = "a key for tests"\nSESSION_TYPE = None\n')
    shop.start()
    assert shop.get("/all").json() == {}
    assert shop.get("/set/a/b").status_code == 500
    assert "There is no place to keep a session, because SESSION_TYPE is 'null'." in shop.server.log
    assert not shop.store.exists()


def test_without_a_secret_key_the_log_says_what_to_write(shop: Shop) -> None:
    shop.configure("SECRET_KEY = None\n")
    shop.start()
    assert shop.get("/all").json() == {}
    assert shop.get("/set/a/b").status_code == 500
    assert "'erlen secret'" in shop.server.log or "`erlen secret`" in shop.server.log
    assert "SECRET_KEY" in shop.server.log


def test_a_setting_that_cannot_work_is_named_in_the_log(shop: Shop) -> None:
    shop.configure('SECRET_KEY = "k"\nSESSION_TYPE = "reddis"\n')
    shop.start()
    assert shop.get("/pid").status_code == 500
    assert "reddis" in shop.server.log
    assert "'redis'" in shop.server.log


def test_starting_again_and_again_leaves_one_store(shop: Shop) -> None:
    """One file, with the two of SQLite's write-ahead log beside it at most."""
    shop.start()
    cookie = shop.sign_in()
    for number in range(3):
        shop.restart()
        assert shop.get(f"/set/n/{number}", cookie).status_code == 200
    names = {path.name for path in (shop.folder / "instance").iterdir()}
    assert names <= {"sessions.sqlite3", "sessions.sqlite3-wal", "sessions.sqlite3-shm"}
    assert shop.get("/all", cookie).json()["n"] == "2"
