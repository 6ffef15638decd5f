"""What is particular to the store in files: permissions, locks, processes that are killed, full disks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pwd
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable
from erlen.sessions import Delta, Header, KeyNote, Record, SessionSettings, resolve_store
from erlen.sessions.stores import files
from erlen.sessions.stores.filesystem import FilesystemStore

NOW = 1_800_000_000.0
KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
FOLDER, OTHER_FOLDER = "6b", "6f"


def record(key: bytes = KEY, user: str | None = None, idle: float = 100, **fields: bytes) -> Record:
    return Record(key, Header(NOW, NOW, idle, NOW + 1000, NOW, user=user), dict(fields) or {"a": b"1"})


@pytest.fixture
def made(tmp_path: Path, clock: Any) -> FilesystemStore:
    """A store in a folder that is not there yet."""
    store = FilesystemStore(tmp_path / "instance" / "sessions", timeout=0.05)
    store.clock = clock
    return store


def fields(store: FilesystemStore, key: bytes = KEY) -> dict[str, bytes] | None:
    found = drive(store.load(key))
    return None if found is None else found.fields


def names(store: FilesystemStore) -> list[str]:
    """Return the paths of all sessions and lists, without locks."""
    paths = (path.relative_to(store.folder) for path in store.folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if path.name != "lock")


def path_of(store: FilesystemStore, key: bytes = KEY) -> Path:
    return store.folder / f"{key[-1]:02x}" / key.hex()


# -- files and permissions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0, 0o077])
@pytest.mark.parametrize(("mode", "of_folders"), [(0o600, 0o700), (0o640, 0o750), (0o660, 0o770)])
def test_files_and_folders_have_the_permissions_of_the_setting(
    tmp_path: Path, clock: Any, umask: int, mode: int, of_folders: int
) -> None:
    store = FilesystemStore(tmp_path / "sessions", mode)
    store.clock = clock
    before = os.umask(umask)
    try:
        drive(store.create(KEY, record(user="7")))
        drive(store.merge(KEY, Delta(set={"b": b"2"})))
    finally:
        os.umask(before)
    paths = [store.folder, *store.folder.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {of_folders}
    sessions = [path for path in paths if path.is_file() and path.stat().st_size]
    assert {stat.S_IMODE(path.stat().st_mode) for path in sessions} == {mode}
    assert not [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o007]


def test_a_session_is_one_file_named_by_its_key_and_dated_by_its_deadline(made: FilesystemStore) -> None:
    drive(made.create(KEY, record()))
    assert names(made) == [f"{FOLDER}/{KEY.hex()}"]
    assert path_of(made).stat().st_mtime == NOW + 100


def test_no_key_leads_out_of_the_folder(made: FilesystemStore) -> None:
    key = b"/../../../../etc/passwd\0\0\0\0\0\0\0\0\0\0\0"
    drive(made.create(key, record(key)))
    assert names(made) == [f"00/{key.hex()}"]


def test_what_was_kept_survives_a_restart_and_is_the_same_by_url(made: FilesystemStore, clock: Any) -> None:
    drive(made.create(KEY, record()))
    again = resolve_store(SessionSettings(url=f"file://{made.folder}"))
    assert isinstance(again, FilesystemStore)
    again.clock = clock
    assert fields(again) == {"a": b"1"}


def test_a_large_session_is_kept_whole(made: FilesystemStore) -> None:
    large = {"a": b"m" + os.urandom(300_000), "b": b"m" + b"x" * ((1 << 16) * 3)}
    drive(made.create(KEY, record(**large)))
    assert fields(made) == large


def test_a_user_has_a_folder_while_a_session_is_there(made: FilesystemStore) -> None:
    drive(made.create(KEY, record(user="../7")))
    drive(made.create(OTHER, record(OTHER)))
    drive(made.move(OTHER, b"n" * 34, Delta(header={"user": "../7"})))
    (folder,) = (made.folder / "users").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == sorted([KEY.hex(), (b"n" * 34).hex()])
    assert "7" not in {folder.name, *folder.name.split("/")}
    drive(made.merge(KEY, Delta(header={"user": "8"})))
    drive(made.delete(b"n" * 34))
    assert not folder.exists()
    assert [found.key for found in drive(made.find("8"))] == [KEY]


@pytest.mark.parametrize("key", [b"", b"k", b"k" * 500])
def test_a_handle_that_somebody_made_up_leads_nowhere(made: FilesystemStore, key: bytes) -> None:
    assert drive(made.load(key)) is None
    assert drive(made.merge(key, Delta(set={"a": b"1"}))).refused
    drive(made.delete(key))


# -- what is old ----------------------------------------------------------------------------------------------------


def test_what_is_old_goes_when_sessions_are_created_in_its_folder(made: FilesystemStore, clock: Any) -> None:
    old, near = b"\0" * 33 + b"k", b"\1" * 33 + b"k"
    drive(made.create(old, record(old, user="7", idle=10)))
    drive(made.create(OTHER, record(OTHER, idle=10)))
    clock.turn(700)
    drive(made.create(near, record(near, idle=1000)))
    assert names(made) == [f"{FOLDER}/{near.hex()}", f"{OTHER_FOLDER}/{OTHER.hex()}"]
    assert drive(made.prune()) == 1
    assert names(made) == [f"{FOLDER}/{near.hex()}"]


def test_a_full_batch_of_old_sessions_is_followed_by_the_next_at_once(
    made: FilesystemStore, clock: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("erlen.sessions.stores.filesystem._PRUNE_AT_ONCE", 2)
    for number in range(5):
        drive(made.create(bytes([number]) * 33 + b"k", record(idle=10)))
    clock.turn(700)
    left = []
    for number in range(10, 13):
        drive(made.create(bytes([number]) * 33 + b"k", record(idle=1000)))
        left.append(len(names(made)))
    assert left == [4, 3, 3]


def test_a_copied_folder_with_other_times_loses_nothing(made: FilesystemStore) -> None:
    drive(made.create(KEY, record()))
    os.utime(path_of(made), (0, 0))
    assert drive(made.prune()) == 0
    assert fields(made) == {"a": b"1"}


def test_what_killed_processes_left_behind_is_swept(made: FilesystemStore) -> None:
    drive(made.create(KEY, record(user="7")))
    path_of(made).unlink()
    (made.folder / FOLDER / "next").write_bytes(b"half of a sess")
    drive(made.create(OTHER, record(OTHER)))
    assert drive(made.find("7")) == []
    assert drive(made.prune()) == 0
    assert names(made) == [f"{OTHER_FOLDER}/{OTHER.hex()}"]
    assert list((made.folder / "users").iterdir()) == []


# -- power cuts and damage ------------------------------------------------------------------------------------------


def test_a_deletion_and_a_rotation_wait_for_the_disk_and_a_change_does_not(
    made: FilesystemStore, monkeypatch: Any
) -> None:
    synced: list[str] = []

    def sync(descriptor: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), made.folder))

    monkeypatch.setattr("erlen.sessions.stores.files.os.fsync", sync)
    drive(made.create(KEY, record()))
    drive(made.merge(KEY, Delta(set={"b": b"2"})))
    drive(made.move(KEY, OTHER, Delta(), 30))
    assert synced == []
    drive(made.move(OTHER, KEY, Delta()))
    assert synced == [f"{FOLDER}/next", FOLDER, f"{OTHER_FOLDER}/next", OTHER_FOLDER]
    synced.clear()
    drive(made.delete(KEY))
    assert synced == [FOLDER]


def test_a_file_that_the_power_cut_has_emptied_is_no_session(made: FilesystemStore) -> None:
    drive(made.create(KEY, record()))
    path_of(made).write_bytes(b"")
    assert fields(made) is None
    assert drive(made.merge(KEY, Delta(set={"late": b"1"}))).refused


def test_a_damaged_file_is_named_and_can_be_deleted(made: FilesystemStore) -> None:
    drive(made.create(KEY, record()))
    drive(made.move(KEY, OTHER, Delta(), 30))
    path_of(made, OTHER).write_bytes(b"\xc1 damaged")
    for attempt in (lambda: made.load(OTHER), lambda: made.merge(KEY, Delta()), lambda: made.count()):
        with pytest.raises(SessionUnavailable) as caught:
            drive(attempt())
        assert str(caught.value).startswith("A stored session is damaged and cannot be read (")
        assert str(caught.value).endswith(f"It is the file {path_of(made, OTHER)}; delete it, and the session is gone.")
    drive(made.delete(KEY))
    assert names(made) == []


def test_a_damaged_file_goes_when_it_is_old_or_all_is_deleted(made: FilesystemStore, clock: Any) -> None:
    for remove in (lambda: clock.turn(200) or made.prune(), made.delete_all):
        drive(made.create(KEY, record()))
        os.utime(path_of(made), (NOW + 100, NOW + 100))
        times = path_of(made).stat()
        path_of(made).write_bytes(b"\xc1 damaged")
        os.utime(path_of(made), (times.st_atime, times.st_mtime))
        drive(remove())
        assert names(made) == []


WRITER = """
import sys
from erlen.callables import drive
from erlen.sessions import Delta, Header, Record
from erlen.sessions.stores.filesystem import FilesystemStore

store = FilesystemStore(sys.argv[1], timeout=60)
store.clock = lambda: 1_800_000_000.0
key = bytes.fromhex(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for turn in range(int(sys.argv[3])):
    merged = drive(store.merge(key, Delta(incr={"n": 1}, set={"big": b"m" + bytes([turn % 256]) * 200_000})))
    print(merged.numbers["n"], flush=True)
"""


def start_writer(store: FilesystemStore, turns: int) -> subprocess.Popen[str]:
    source = Path(sys.modules["erlen.sessions"].__file__ or "").parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.folder), KEY.hex(), str(turns)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def go(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()


def test_a_writer_that_is_killed_leaves_a_whole_session_and_no_lock(made: FilesystemStore) -> None:
    made.timeout = 30
    drive(made.create(KEY, record()))
    counted = 0
    for kill_after in (1, 7, 20):
        writer = start_writer(made, 100_000)
        go(writer)
        assert writer.stdout is not None
        for _ in range(kill_after):
            counted = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        counted = max([counted, *(int(line) for line in rest.split("\n")[:-1])])
        held = fields(made)
        assert held is not None
        assert len(set(held["big"][1:])) == 1
        assert len(held["big"]) == 200_001
        assert int(held["n"]) - counted in (0, 1)  # killed after it wrote and before it said so
        counted = drive(made.merge(KEY, Delta(incr={"n": 1}))).numbers["n"]
    assert not (made.folder / FOLDER / "next").exists()


# -- threads and processes ------------------------------------------------------------------------------------------


def test_two_processes_and_fifty_threads_that_count_are_all_counted(made: FilesystemStore) -> None:
    made.timeout = 60
    drive(made.create(KEY, record()))
    writers = [start_writer(made, 50) for _ in range(2)]
    for writer in writers:
        go(writer)
    with ThreadPoolExecutor(50) as pool:
        mine = list(pool.map(lambda _: drive(made.merge(KEY, Delta(incr={"n": 1}))).numbers["n"], range(50)))
    theirs = [int(line) for writer in writers for line in writer.communicate()[0].split()]
    assert sorted(mine + theirs) == list(range(1, 151))


def test_moves_in_opposite_directions_do_not_wait_for_each_other(made: FilesystemStore) -> None:
    made.timeout = 60
    pairs = [(b"\0" * 33 + b"\1", b"\0" * 33 + b"\2"), (b"\1" * 33 + b"\2", b"\1" * 33 + b"\1")]
    for old, _ in pairs:
        drive(made.create(old, record(old)))

    def shuttle(pair: tuple[bytes, bytes]) -> None:
        old, new = pair
        for _ in range(30):
            assert not drive(made.move(old, new, Delta(incr={"n": 1}), 0)).refused
            old, new = new, old

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(shuttle, pairs))
    assert [fields(made, old) for old, _ in pairs] == [{"a": b"1", "n": b"30"}] * 2


def test_deleting_all_catches_what_is_moving(made: FilesystemStore) -> None:
    made.timeout = 60
    keys = [bytes([number]) * 34 for number in range(0, 40, 2)]
    for key in keys:
        drive(made.create(key, record(key, user="7")))
    start = threading.Barrier(len(keys) + 1)

    def flee(key: bytes) -> None:
        start.wait()
        while not drive(made.move(key, new := os.urandom(34), Delta())).refused:
            key = new

    def delete_all() -> int:
        start.wait()
        return drive(made.delete_all())

    with ThreadPoolExecutor(len(keys) + 1) as pool:
        deleted = pool.submit(delete_all)
        list(pool.map(flee, keys))
    assert deleted.result() == len(keys)
    assert (names(made), drive(made.find("7"))) == ([], [])


def test_several_event_loops_at_once_count_together(made: FilesystemStore) -> None:
    made.timeout = 60
    drive(made.create(KEY, record()))

    async def count() -> None:
        await asyncio.gather(*(made.merge(KEY, Delta(incr={"n": 1})) for _ in range(20)))

    threads = [threading.Thread(target=asyncio.run, args=(count(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fields(made) == {"a": b"1", "n": b"60"}


def _in_child(store: FilesystemStore, outbox: Any) -> None:
    outbox.put(drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers["n"])


def test_a_lock_that_a_thread_holds_at_a_fork_is_not_held_by_the_child(made: FilesystemStore) -> None:
    made.timeout = 60
    drive(made.create(KEY, record()))
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(made, outbox))
    with made._locks.held({KEY[-1]}, 1):
        child.start()
    assert drive(made.merge(KEY, Delta(incr={"n": 1}))).numbers["n"] in (1, 2)
    child.join()
    assert child.exitcode == 0
    assert outbox.get() in (1, 2)
    assert fields(made) == {"a": b"1", "n": b"2"}


# -- waiting --------------------------------------------------------------------------------------------------------


def holding(store: FilesystemStore) -> Any:
    """Hold the lock of the session's folder, as another process would."""
    return files.FolderLocks(store._folders, 0o600).held({KEY[-1]}, 1)


def test_a_writer_that_does_not_come_to_an_end_makes_the_store_unavailable(made: FilesystemStore) -> None:
    drive(made.create(KEY, record()))
    with holding(made), pytest.raises(SessionUnavailable) as caught:
        drive(made.merge(KEY, Delta(set={"b": b"2"})))
    assert str(caught.value) == (
        f"A file in the session folder {made.folder} was locked by another writer for more than 0.05 s."
    )
    with made._locks.held({KEY[-1]}, 1), pytest.raises(SessionUnavailable, match="locked by another writer"):
        drive(made.merge(KEY, Delta(set={"b": b"2"})))
    with holding(made):
        assert fields(made) == {"a": b"1"}
    assert not drive(made.merge(KEY, Delta(set={"b": b"2"}))).refused


def test_a_touch_is_left_to_the_next_request_while_somebody_writes(made: FilesystemStore, clock: Any) -> None:
    drive(made.create(KEY, record()))
    clock.turn(50)
    with holding(made):
        found = drive(made.load(KEY, True))
        assert found is not None
        assert (found.touched, found.header.seen) == (False, NOW)
    again = drive(made.load(KEY, True))
    assert again is not None
    assert again.touched
    assert path_of(made).stat().st_mtime == NOW + 150


def test_on_a_loop_a_busy_folder_is_waited_for_in_a_thread(made: FilesystemStore) -> None:
    made.timeout = 60
    drive(made.create(KEY, record()))

    async def write() -> Any:
        with holding(made):
            change = asyncio.ensure_future(made.merge(KEY, Delta(set={"b": b"2"})))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not change.done()
        return await change

    assert not asyncio.run(write()).refused


@pytest.mark.parametrize(
    ("action", "apart"),
    [
        (lambda store: store.merge(KEY, Delta(set={"b": b"2"})), False),
        (lambda store: store.load(KEY), False),
        (lambda store: store.move(KEY, OTHER, Delta(), 30), False),
        (lambda store: store.move(KEY, OTHER, Delta()), True),
        (lambda store: store.delete(KEY), True),
        (lambda store: store.prune(), True),
        (lambda store: store.count(), True),
    ],
)
def test_on_a_loop_what_takes_long_is_done_in_a_thread(
    made: FilesystemStore, monkeypatch: Any, action: Callable[[FilesystemStore], Any], apart: bool
) -> None:
    drive(made.create(KEY, record()))
    threads: set[int] = set()
    guarded = made._guarded

    def noted(work: Any) -> Any:
        threads.add(threading.get_ident())
        return guarded(work)

    monkeypatch.setattr(made, "_guarded", noted)

    async def run() -> None:
        await action(made)

    asyncio.run(run())
    assert threads
    assert (threading.get_ident() not in threads) == apart


# -- what the system refuses ----------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = FilesystemStore(tmp_path / "file" / "sessions")
    for attempt in (lambda: store.load(KEY), lambda: store.create(KEY, record()), lambda: store.check()):
        with pytest.raises(SessionUnavailable, match="cannot be used: Not a directory") as caught:
            drive(attempt())
        assert f"The session folder {store.folder} cannot be used" in str(caught.value)
        assert "SESSION_FILE_DIR" in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)


def test_where_no_more_can_be_written_the_old_session_stays(made: FilesystemStore, clock: Any) -> None:
    drive(made.create(KEY, record()))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(SessionUnavailable, match=r"cannot be used: the system allows no file as large as that\."):
            drive(made.merge(KEY, Delta(set={"big": b"m" + b"x" * 30_000})))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert fields(made) == {"a": b"1"}
    assert names(made) == [f"{FOLDER}/{KEY.hex()}"]
    assert not drive(made.merge(KEY, Delta(set={"b": b"2"}))).refused


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB, which root alone can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    program = shutil.which("mount")
    if (
        program is None
        or subprocess.run(
            [program, "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_an_error_in_words_and_readers_go_on(small_disk: Path, clock: Any) -> None:
    store = FilesystemStore(small_disk / "sessions")
    store.clock = clock
    drive(store.create(KEY, record()))
    with pytest.raises(SessionUnavailable, match=r"cannot be used: the disk is full\."):
        drive(store.merge(KEY, Delta(set={"big": b"m" + b"x" * 100_000})))
    clock.turn(50)
    found = drive(store.load(KEY, True))
    assert found is not None
    assert found.fields == {"a": b"1"}
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(SessionUnavailable, match="cannot be used: the disk is read-only"):
        drive(store.merge(KEY, Delta(set={"b": b"2"})))
    assert fields(store) == {"a": b"1"}


def _as_nobody(store: FilesystemStore, outbox: Any) -> None:
    os.setuid(pwd.getpwnam("nobody").pw_uid)
    outbox.put(fields(store))
    for attempt in (lambda: store.merge(KEY, Delta(set={"b": b"2"})), lambda: store.check()):
        try:
            drive(attempt())
        except SessionUnavailable as error:
            outbox.put(str(error))
        else:
            outbox.put("it was written")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_may_only_be_read_serves_readers_and_is_named(servers: Any, clock: Any) -> None:
    store = FilesystemStore(servers.make_folder("readonly") / "sessions", 0o644)
    store.clock = clock
    before = os.umask(0o022)
    drive(store.create(KEY, record()))
    for path in store.folder.rglob("lock"):
        path.chmod(0o666)
    os.umask(before)
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    child = fork.Process(target=_as_nobody, args=(store, outbox))
    child.start()
    read, merged, checked = outbox.get(), outbox.get(), outbox.get()
    child.join()
    assert read == {"a": b"1"}
    assert merged.startswith(
        f"The session folder {store.folder} cannot be used: the user of this process has no permis"
    )
    assert checked.startswith(f"The session folder {store.folder} cannot be used: the user of this process has no perm")


def test_a_folder_that_others_may_look_into_is_doubtful(made: FilesystemStore) -> None:
    drive(made.create(KEY, record()))
    made.folder.chmod(0o755)
    (doubt,) = drive(made.check())
    assert doubt == (
        f"Other users of this machine may look into the session folder {made.folder}. Take that from them: "
        f"chmod 700 {made.folder}"
    )


def test_a_disk_of_another_machine_is_doubtful(made: FilesystemStore, monkeypatch: Any) -> None:
    monkeypatch.setattr("erlen.sessions.stores.filesystem.kind_of_disk", lambda folder: "nfs4")
    (doubt,) = drive(made.check())
    assert doubt == (
        f"The session folder {made.folder} is on a disk of another machine (nfs4), where locks may not hold: changes "
        "can be lost. Name a folder of this machine in SESSION_FILE_DIR, or use a store with a server."
    )


def test_the_kind_of_a_disk_is_that_of_the_nearest_mount(monkeypatch: Any) -> None:
    assert files.kind_of_disk(Path("/proc/self")) == "proc"
    monkeypatch.setattr("erlen.sessions.stores.files.Path.read_text", lambda *_, **__: "server:/x /srv nfs4 rw 0 0\n")
    assert files.kind_of_disk(Path("/srv/sessions")) == "nfs4"
    assert files.kind_of_disk(Path("/srvsessions")) == ""


def test_the_notes_of_keys_survive_a_restart_and_damage(made: FilesystemStore) -> None:
    note = KeyNote("aaaa", ["aaaa", "bbbb"], "process 1 on host", NOW)
    other = KeyNote("cccc", ["cccc"], "process 2", NOW)
    assert drive(made.note_key(note)) == []
    assert drive(FilesystemStore(made.folder).note_key(other)) == [note]
    (made.folder / "keys").write_bytes(b"\xc1")
    assert drive(made.note_key(note)) == []


# -- making one -----------------------------------------------------------------------------------------------------


def test_it_is_made_where_the_settings_say(tmp_path: Path) -> None:
    assert FilesystemStore.from_settings(SessionSettings(file_dir=tmp_path / "s")).folder == tmp_path / "s"
    assert FilesystemStore.from_settings(SessionSettings(url="file:///a%20b/c")).folder == Path("/a b/c")
    assert FilesystemStore.from_settings(SessionSettings(url="file://localhost/c", file_mode=0o640)).mode == 0o640
    with pytest.raises(ConfigError, match="SESSION_FILE_DIR: It is not set, and the application has no instance"):
        FilesystemStore.from_settings(SessionSettings())


@pytest.mark.parametrize("url", ["file://sessions", "file://server/share", "file:///"])
def test_a_url_that_names_no_folder_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"SESSION_URL: .* names no folder of this machine\. Write three slashes"):
        FilesystemStore.from_settings(SessionSettings(url=url))


def test_threads_that_are_first_make_one_folder(made: FilesystemStore) -> None:
    made.timeout = 60
    start = threading.Barrier(8)

    def first(number: int) -> None:
        start.wait()
        drive(made.create(bytes([number]) * 34, record(user="7")))

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(first, range(8)))
    assert len(drive(made.find("7"))) == 8
    assert time.monotonic() - began < 60
