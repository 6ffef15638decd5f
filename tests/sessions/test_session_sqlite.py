"""What is particular to the store in an SQLite file: its file, its locks, its errors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable
from erlen.sessions import Delta, Header, KeyNote, Record, SessionSettings
from erlen.sessions.stores.base import can_suspend
from erlen.sessions.stores.sqlite import SqliteStore

KEY = b"k" * 34
NOW = 1_800_000_000.0


def record(key: bytes = KEY, idle: float = 100) -> Record:
    return Record(key, Header(NOW, NOW, idle, NOW + 1000, NOW), {"a": b"1"})


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: Any) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "instance" / "sessions.sqlite3", timeout=0.05)
    made.clock = clock
    yield made
    drive(made.close())


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock of the file, as another process would."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_the_file_and_its_folder_are_made_for_the_owner_alone(sqlite_store: SqliteStore) -> None:
    before = os.umask(0)
    try:
        drive(sqlite_store.create(KEY, record()))
    finally:
        os.umask(before)
    assert stat.S_IMODE(sqlite_store.path.parent.stat().st_mode) == 0o700
    files = sorted(sqlite_store.path.parent.iterdir())
    assert [file.name for file in files] == ["sessions.sqlite3", "sessions.sqlite3-shm", "sessions.sqlite3-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_what_was_kept_survives_a_restart(sqlite_store: SqliteStore, clock: Any) -> None:
    drive(sqlite_store.create(KEY, record()))
    again = SqliteStore(sqlite_store.path)
    again.clock = clock
    found = drive(again.load(KEY))
    drive(again.close())
    assert found is not None
    assert found.fields == {"a": b"1"}


def test_the_file_is_a_write_ahead_log_with_one_row_a_session(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    connection = sqlite3.connect(sqlite_store.path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("SELECT key, expires, user FROM sessions").fetchall() == [(KEY, NOW + 100, None)]
    connection.close()


def test_a_deletion_and_a_rotation_are_written_to_the_disk_and_a_change_is_not(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    connection = sqlite_store._connection()
    said: list[str] = []
    connection.set_trace_callback(said.append)
    drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"})))
    drive(sqlite_store.move(KEY, b"g" * 34, Delta(), 30))
    assert not [statement for statement in said if "synchronous" in statement]
    drive(sqlite_store.move(b"g" * 34, b"n" * 34, Delta()))
    drive(sqlite_store.delete(b"n" * 34))
    durable = [statement for statement in said if "synchronous" in statement]
    assert durable == ["PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"] * 2
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)


def test_what_is_old_goes_when_sessions_are_created(sqlite_store: SqliteStore, clock: Any) -> None:
    for number in range(3):
        drive(sqlite_store.create(bytes([number]) * 34, record(idle=10)))
    clock.turn(700)
    drive(sqlite_store.create(KEY, record()))
    rows = sqlite_store._connection().execute("SELECT key FROM sessions").fetchall()
    assert rows == [(KEY,)]


def test_a_full_batch_of_old_sessions_is_followed_by_the_next_at_once(
    sqlite_store: SqliteStore, clock: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("erlen.sessions.stores.sqlite._PRUNE_AT_ONCE", 2)
    for number in range(5):
        drive(sqlite_store.create(bytes([number]) * 34, record(idle=10)))
    clock.turn(700)
    left = []
    for number in range(10, 13):
        drive(sqlite_store.create(bytes([number]) * 34, record(idle=1000)))
        left.append(sqlite_store._connection().execute("SELECT count(*) FROM sessions").fetchone()[0])
    assert left == [4, 3, 3]


def test_a_deadline_that_cannot_be_moved_does_not_stop_a_read(
    sqlite_store: SqliteStore, clock: Any, monkeypatch: Any
) -> None:
    drive(sqlite_store.create(KEY, record()))
    clock.turn(50)
    sqlite_store._connection().execute("PRAGMA query_only=ON")
    found = drive(sqlite_store.load(KEY, True))
    assert found is not None
    assert (found.fields, found.touched) == ({"a": b"1"}, False)


def test_pruning_takes_as_many_steps_as_it_needs(sqlite_store: SqliteStore, clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("erlen.sessions.stores.sqlite._PRUNE_AT_ONCE", 2)
    for number in range(5):
        drive(sqlite_store.create(bytes([number]) * 34, record(idle=10)))
    clock.turn(10)
    assert drive(sqlite_store.prune()) == 5


def test_a_change_that_fails_leaves_everything_as_it_was(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    with pytest.raises(AttributeError):
        drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"}, header={"nonsense": 1})))
    found = drive(sqlite_store.load(KEY))
    assert found is not None
    assert found.fields == {"a": b"1"}


# -- errors ---------------------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = SqliteStore(tmp_path / "file" / "sessions.sqlite3")
    with pytest.raises(SessionUnavailable) as caught:
        drive(store.load(KEY))
    assert f"The session file {store.path} cannot be made" in str(caught.value)
    assert "SESSION_SQLITE_PATH" in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite3"
    path.write_text("This is a text and not a database. " * 100)
    store = SqliteStore(path)
    for attempt in (lambda: store.load(KEY), lambda: store.merge(KEY, Delta())):
        with pytest.raises(SessionUnavailable, match="cannot be used: file is not a database") as caught:
            drive(attempt())
        assert str(path) in str(caught.value)


def test_a_file_of_a_newer_version_is_left_alone(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.load(KEY))
    sqlite_store._connection().execute("PRAGMA user_version=2")
    drive(sqlite_store.close())
    with pytest.raises(SessionUnavailable, match=r"newer version of Erlen .*its schema is 2, this version knows 1"):
        drive(sqlite_store.load(KEY))


def test_a_writer_that_does_not_come_to_an_end_makes_the_store_unavailable(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    with locked(sqlite_store.path):
        with pytest.raises(SessionUnavailable, match=r"was locked by another writer for more than 0\.05 s"):
            drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"})))
        found = drive(sqlite_store.load(KEY))
        assert found is not None
    assert not drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"}))).refused


def test_a_thread_of_the_same_process_that_does_not_come_to_an_end_too(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    with sqlite_store._process.writing, pytest.raises(SessionUnavailable, match="locked by another writer"):
        drive(sqlite_store.merge(KEY, Delta()))


def test_a_touch_is_left_to_the_next_request_while_somebody_writes(sqlite_store: SqliteStore, clock: Any) -> None:
    drive(sqlite_store.create(KEY, record()))
    clock.turn(50)
    with locked(sqlite_store.path):
        found = drive(sqlite_store.load(KEY, touch=True))
        assert found is not None
        assert not found.touched
    again = drive(sqlite_store.load(KEY, touch=True))
    assert again is not None
    assert again.touched


def test_a_session_that_ends_between_reading_and_touching_is_gone(sqlite_store: SqliteStore, clock: Any) -> None:
    drive(sqlite_store.create(KEY, record()))
    clock.turn(50)
    transact = sqlite_store._transact

    def late(work: Any, wait: float, durable: bool = False) -> Any:
        transact(lambda connection: connection.execute("DELETE FROM sessions"), 0)
        return transact(work, wait, durable)

    sqlite_store._transact = late  # type: ignore[method-assign]
    assert drive(sqlite_store.load(KEY, touch=True)) is None


def test_a_file_that_may_only_be_read_is_named(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    sqlite_store._connection().execute("PRAGMA query_only=ON")
    with pytest.raises(SessionUnavailable, match="attempt to write a readonly database"):
        drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"})))


def test_an_error_in_the_middle_names_the_file(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    sqlite_store._connection().execute("DROP TABLE sessions")
    for attempt in (
        lambda: sqlite_store.load(KEY),
        lambda: sqlite_store.delete(KEY),
        lambda: sqlite_store.find("7"),
    ):
        with pytest.raises(SessionUnavailable, match="no such table"):
            drive(attempt())


# -- event loops ----------------------------------------------------------------------------------------------------


def test_on_a_loop_a_busy_file_is_waited_for_in_a_thread(sqlite_store: SqliteStore) -> None:
    sqlite_store.timeout = 60
    drive(sqlite_store.create(KEY, record()))
    other = sqlite3.connect(sqlite_store.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> Any:
        change = asyncio.ensure_future(sqlite_store.merge(KEY, Delta(set={"b": b"2"})))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not change.done()
        other.close()
        return await change

    assert not asyncio.run(write()).refused


def test_on_a_loop_what_waits_for_the_disk_waits_in_a_thread(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    threads: list[int] = []
    erase = sqlite_store._erase

    def noted(connection: sqlite3.Connection, key: bytes) -> None:
        threads.append(threading.get_ident())
        erase(connection, key)

    sqlite_store._erase = noted  # type: ignore[method-assign]

    async def delete() -> None:
        await sqlite_store.delete(KEY)

    asyncio.run(delete())
    assert threads
    assert threads != [threading.get_ident()]
    assert drive(sqlite_store.load(KEY)) is None


def by_hand(coroutine: Any) -> None:
    """Drive a coroutine as some server might."""
    for _ in coroutine.__await__():
        raise AssertionError("it suspended")


@pytest.mark.parametrize("plain", [drive, by_hand])
def test_plain_code_on_a_loop_blocks_and_never_suspends(sqlite_store: SqliteStore, plain: Any) -> None:
    seen: list[bool] = []

    async def look() -> None:
        seen.append(can_suspend())
        await sqlite_store.create(KEY, record())
        await sqlite_store.delete(KEY)

    async def on_a_loop() -> None:
        await look()
        plain(look())
        await asyncio.ensure_future(look())

    asyncio.run(on_a_loop())
    plain(look())
    assert seen == [True, False, True, False]


def test_a_callback_of_the_loop_is_no_task_and_blocks(sqlite_store: SqliteStore) -> None:
    async def look() -> None:
        assert not can_suspend()
        await sqlite_store.delete(KEY)

    async def on_a_loop() -> None:
        called = asyncio.Event()
        asyncio.get_running_loop().call_soon(lambda: (drive(look()), called.set()))
        await called.wait()

    asyncio.run(on_a_loop())


# -- making one -----------------------------------------------------------------------------------------------------


def test_it_is_made_where_the_settings_say(tmp_path: Path) -> None:
    assert SqliteStore.from_settings(SessionSettings(sqlite_path=tmp_path / "s")).path == tmp_path / "s"
    with pytest.raises(ConfigError, match="SESSION_SQLITE_PATH: It is not set, and the application has no instance"):
        SqliteStore.from_settings(SessionSettings())


def test_two_threads_that_are_first_make_one_file(tmp_path: Path, clock: Any) -> None:
    store = SqliteStore(tmp_path / "new" / "sessions.sqlite3", timeout=60)
    store.clock = clock
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def first(number: int) -> None:
        start.wait()
        try:
            drive(store.create(bytes([number]) * 34, record()))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=first, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store._connection().execute("SELECT count(*) FROM sessions").fetchone() == (4,)
    drive(store.close())


def test_the_notes_of_keys_survive_a_restart(sqlite_store: SqliteStore) -> None:
    note = KeyNote("aaaa", ["aaaa", "bbbb"], "process 1 on host", NOW)
    drive(sqlite_store.note_key(note))
    again = SqliteStore(sqlite_store.path)
    assert drive(again.note_key(KeyNote("cccc", ["cccc"], "process 2", NOW))) == [note]
    drive(again.close())


# -- a file that is deleted or replaced -------------------------------------------------------------------------------


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return the moment by which the store trusts its file, to be moved by hand."""
    moment = [1000.0]
    monkeypatch.setattr("erlen.sessions.stores.sqlite.time.monotonic", lambda: moment[0])
    return moment


def replaced(store: SqliteStore, *kept: Record) -> None:
    """Put another file under the path of *store*, with the sessions *kept* alone, as another process would."""
    other = SqliteStore(store.path.with_name("other.sqlite3"))
    other.clock = store.clock
    assert drive(other.load(KEY)) is None  # which makes it
    for one in kept:
        drive(other.create(one.key, one))
    drive(other.close())
    for ending in ("-wal", "-shm"):
        store.path.with_name(store.path.name + ending).unlink()
    other.path.replace(store.path)


def test_a_read_trusts_the_file_for_a_tenth_of_a_second_and_then_looks(
    sqlite_store: SqliteStore, monotonic: list[float]
) -> None:
    drive(sqlite_store.create(KEY, record()))
    replaced(sqlite_store)
    monotonic[0] += 0.0999
    assert drive(sqlite_store.load(KEY)) is not None
    monotonic[0] += 0.0002
    assert drive(sqlite_store.load(KEY)) is None


def test_a_session_that_is_missing_is_looked_for_in_the_file_that_is_there_now(
    sqlite_store: SqliteStore, monotonic: list[float]
) -> None:
    drive(sqlite_store.create(KEY, record()))
    other = b"o" * 34
    replaced(sqlite_store, record(other))
    assert drive(sqlite_store.load(other)) is not None
    assert drive(sqlite_store.load(KEY)) is None, "and from then on every read asks the new file"


def test_a_change_never_goes_to_a_file_that_was_replaced(sqlite_store: SqliteStore, monotonic: list[float]) -> None:
    drive(sqlite_store.create(KEY, record()))
    replaced(sqlite_store)
    assert drive(sqlite_store.load(KEY)) is not None, "it is trusted still"
    assert drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"}))).refused
    drive(sqlite_store.create(KEY, record()))
    again = SqliteStore(sqlite_store.path)
    again.clock = sqlite_store.clock
    assert drive(again.load(KEY)) is not None
    drive(again.close())


def test_what_one_thread_has_noticed_of_the_file_holds_for_all(
    sqlite_store: SqliteStore, monotonic: list[float]
) -> None:
    drive(sqlite_store.create(KEY, record()))
    replaced(sqlite_store)
    writer = threading.Thread(target=lambda: drive(sqlite_store.delete(b"o" * 34)))
    writer.start()
    writer.join()
    assert drive(sqlite_store.load(KEY)) is None


def test_a_read_in_the_middle_of_a_read_takes_nothing_from_it(
    sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal handler or a finalizer may do it."""
    other = b"o" * 34
    drive(sqlite_store.create(KEY, record()))
    drive(sqlite_store.create(other, record(other)))
    drive(sqlite_store.load(KEY))  # from now on there is a cursor to read with
    inside: list[Record | None] = []

    class Interrupted(sqlite3.Cursor):
        def fetchone(self) -> Any:
            if not inside:
                inside.append(None)
                inside.append(drive(sqlite_store.load(other)))
            return super().fetchone()

    held = sqlite_store._hold(False)
    held.cursor = held.connection.cursor(Interrupted)
    found = drive(sqlite_store.load(KEY))
    assert found is not None
    assert found.key == KEY
    assert found.fields == {"a": b"1"}
    assert inside[1] is not None
    assert inside[1].key == other


def test_a_read_that_is_broken_off_leaves_no_open_statement(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))

    class Broken(sqlite3.Cursor):
        def fetchone(self) -> Any:
            raise KeyboardInterrupt

    held = sqlite_store._hold(False)
    held.cursor = held.connection.cursor(Broken)
    with pytest.raises(KeyboardInterrupt):
        drive(sqlite_store.load(KEY))
    assert not drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"}))).refused
    found = drive(sqlite_store.load(KEY))
    assert found is not None
    assert found.fields == {"a": b"1", "b": b"2"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_reads_with_a_connection_of_its_own(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    drive(sqlite_store.load(KEY))
    parents = sqlite_store._hold(False)
    child = os.fork()
    if not child:
        found = drive(sqlite_store.load(KEY))
        os._exit(0 if found is not None and sqlite_store._hold(False) is not parents else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sqlite_store._hold(False) is parents


def test_a_read_leaves_no_snapshot_open_that_would_keep_the_log_from_being_emptied(sqlite_store: SqliteStore) -> None:
    drive(sqlite_store.create(KEY, record()))
    assert sqlite_store.load_now(KEY) is not None
    assert not drive(sqlite_store.merge(KEY, Delta(set={"b": b"2"}))).refused
    other = sqlite3.connect(sqlite_store.path)
    busy, pages, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    other.close()
    assert (busy, pages) == (0, 0)


def test_a_subclass_with_a_way_of_its_own_to_load_is_asked_by_plain_code_too(tmp_path: Path, clock: Any) -> None:
    class Noting(SqliteStore):
        asked = 0

        async def load(self, key: bytes, touch: bool = False) -> Record | None:
            self.asked += 1
            return await super().load(key, touch)

    store = Noting(tmp_path / "sessions.sqlite3")
    store.clock = clock
    drive(store.create(KEY, record()))
    assert store.load_now(KEY) == drive(store.load(KEY)) == record()
    assert store.asked == 2
    drive(store.close())


def test_a_mixin_with_a_way_of_its_own_to_load_is_asked_by_plain_code_too(tmp_path: Path, clock: Any) -> None:
    asked: list[bytes] = []

    class Noting:
        async def load(self, key: bytes, touch: bool = False) -> Any:
            asked.append(key)
            return await super().load(key, touch)  # type: ignore[misc]

    class Store(Noting, SqliteStore):
        pass

    class Further(Store):
        pass

    for kind in (Store, Further):
        store = kind(tmp_path / "sessions.sqlite3")
        store.clock = clock
        drive(store.create(KEY, record()))
        assert store.load_now(KEY) == record()
        drive(store.close())
    assert asked == [KEY, KEY]
