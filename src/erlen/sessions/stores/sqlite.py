"""Sessions in one SQLite file: the default. Many processes of one machine may use it at once.

One row holds a session with its fields packed. Every change is a read and a write inside ``BEGIN IMMEDIATE``, so none
is lost. WAL lets readers read meanwhile; ``synchronous=NORMAL`` may lose the last changes when the power fails, so a
deletion and a rotation are written with ``FULL``: no power cut brings a revoked session back.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast

from erlen.errors import ConfigError, SessionUnavailable
from erlen.loading import load
from erlen.sessions.record import REFUSED, Delta, KeyNote, Merged, Record, forwarder, merge, pack, unpack
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore, can_suspend, jitter, until_leased

__all__ = ["SqliteStore"]

T = TypeVar("T")

_SCHEMA_VERSION = 1
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS sessions (key BLOB PRIMARY KEY, expires REAL, user TEXT, data BLOB) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires)",
    "CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user) WHERE user IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS keys (fingerprint TEXT PRIMARY KEY, ring TEXT, owner TEXT, noted REAL) WITHOUT ROWID",
)
_FIND = "SELECT key, data FROM sessions WHERE user = ? AND expires > ?"
_SCAN = "SELECT key, data FROM sessions WHERE key > ? AND expires > ? ORDER BY key LIMIT ?"
_LOAD = "SELECT data FROM sessions WHERE key = ?"
_STORE = "REPLACE INTO sessions (key, expires, user, data) VALUES (?, ?, ?, ?)"
_CHANGE = "UPDATE sessions SET data = ? WHERE key = ?"
_DELETE = "DELETE FROM sessions WHERE key = ?"
_PRUNE = "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE expires <= ? LIMIT ?)"

_NOTHING = bytearray()  # added to bytes it makes a bytearray, in half the time of its type
_PRUNE_EVERY = 600.0
_PRUNE_AT_ONCE = 500
# Seconds for which a read trusts that the file still stands under its path: to look takes as long as half a query.
_TRUSTED = 0.1


class _Connection(sqlite3.Connection):
    """A connection that a weak set can hold."""


class _Held:
    """What a thread holds of a process: its connection, which file that has open, and a cursor to read with."""

    __slots__ = ("connection", "cursor", "file")

    def __init__(self, connection: _Connection, file: tuple[Any, ...] | None) -> None:
        self.connection = connection
        self.file = file
        self.cursor: sqlite3.Cursor | None = None


class _Busy(Exception):
    """Another process writes."""


class _Process:
    """What belongs to one process: connections must not be used on both sides of a fork."""

    __slots__ = ("connecting", "connections", "file", "local", "pid", "trusted", "writing")

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.local = threading.local()
        self.connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self.file: tuple[Any, ...] | None = None  # which stood under the path when it was looked for
        self.trusted = -math.inf  # until then, by the monotonic clock
        # The threads of one process queue up here, where waiting is fair and short, and not inside SQLite.
        self.writing = threading.Lock()
        self.connecting = threading.Lock()

    def look(self, name: str) -> tuple[Any, ...] | None:
        """Return what tells the file under the path *name* from every other: as long as it is one, the same object."""
        moment, known = time.monotonic(), self.file
        try:
            file = os.stat(name)[1:3]  # its inode and its device
        except OSError:
            file = None
        if file == known:
            file = known
        else:
            self.file = file
        self.trusted = moment + _TRUSTED
        return file


class SqliteStore(SessionStore):
    """Keeps sessions in the SQLite file *path*, which is made for the owner alone (mode 0600) where it is missing.

    :param path: the file; its folder is made too
    :param timeout: seconds to wait for another writer before the store counts as unavailable
    """

    remote: ClassVar[bool] = False

    def __init__(self, path: str | os.PathLike[str], timeout: float = 5.0) -> None:
        self.path = Path(path)
        self.place = str(path)
        self._name = str(self.path)  # asked for by each command, and a Path takes long to become a text
        self.timeout = timeout
        self._process = _Process()
        self._inherited: list[_Process] = []
        self._pruned = 0.0

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store in ``SESSION_SQLITE_PATH``, or in the instance folder."""
        path = settings.sqlite_path
        if settings.url is not None:  # as SQLAlchemy has it: sqlite:///here.db, sqlite:////var/lib/there.db
            path = Path(settings.url.partition(":///")[2] or path or "")
        if path is None or not path.name:
            raise ConfigError(
                "SESSION_SQLITE_PATH",
                "It is not set, and the application has no instance folder.",
                "Set it to the file in which sessions are kept.",
            )
        return cls(path)

    # -- the contract -----------------------------------------------------------------------------------------------

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        return SqliteStore.load_now(self, key, touch)  # not that of a subclass, which may come from its load

    def load_now(self, key: bytes, touch: bool = False) -> Record | None:
        """Do what :meth:`load` does, which never waits here, at a lower price for a plain caller."""
        now = self.clock()
        try:
            held = self._hold(False)
            reader = held.cursor or held.connection.cursor()
            held.cursor = None  # what reads in between, as a signal handler may, gets another one
            record = _read(reader, key)
            held.cursor = reader
            if record is not None and record.header.is_fresh(now):
                return record  # most are so
            if record is None and self._hold() is held:  # what is missing may stand in a file that is new there
                return None
            record = self._find(self._connection(), key, now)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        if touch and record is not None and record.header.touch(now):
            # Somebody else may write, or the disk be full: the idle deadline is moved by a later request then.
            with contextlib.suppress(_Busy, SessionUnavailable):
                work = functools.partial(self._touch, key, now)  # a closure would make each reading dearer
                return self._guarded(functools.partial(self._transact, work, 0))
        return record

    async def create(self, key: bytes, record: Record) -> None:
        now = self.clock()

        def work(cursor: sqlite3.Cursor) -> None:
            # A batch that was full is followed by the next one at once: what expires faster must not pile up.
            if (
                now - self._pruned >= _PRUNE_EVERY
                and cursor.execute(_PRUNE, (now, _PRUNE_AT_ONCE)).rowcount < _PRUNE_AT_ONCE
            ):
                self._pruned = now
            _put(cursor, key, record)

        await self._write(work)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        now = self.clock()

        def work(cursor: sqlite3.Cursor) -> Merged:
            record = self._find(cursor, key, now)
            if record is None:
                return REFUSED
            header = record.header
            before = (header.deadline, header.user) if delta.header else None
            merged = merge(record, delta, now)
            if merged.emptied:
                self._erase(cursor, key)
            elif merged.refused or merged.conflict:
                return merged
            elif before is None or before == (header.deadline, header.user):
                # Most changes are such: the pages of the indexes need not be written.
                cursor.execute(_CHANGE, (_NOTHING + pack(header, record.fields), _NOTHING + record.key))
            else:
                _put(cursor, record.key, record)
            return merged

        return await self._write(work)

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        now = self.clock()

        def work(cursor: sqlite3.Cursor) -> Merged:
            record = self._find(cursor, old, now)
            if record is None:
                return REFUSED
            merged = merge(record, delta, now)
            if merged.refused or merged.conflict:
                return merged
            if grace and record.forwarded and not merged.emptied:
                _put(cursor, record.key, record)
                return merged
            record.header.moved(now, delta)
            self._erase(cursor, old)
            if not merged.emptied:
                left = {old, record.key}  # two, if a renewal's old key was moved through
                _put(cursor, new, record)
                for key in left:
                    _put(cursor, key, Record(key, forwarder(new, now, grace), {}))
            return merged

        return await self._write(work, durable=not grace)

    async def delete(self, key: bytes) -> None:
        await self._write(lambda cursor: self._erase(cursor, key), durable=True)

    async def find(self, user: str) -> list[Record]:
        now = self.clock()

        def work() -> list[Record]:
            rows = self._connection().execute(_FIND, (user, now)).fetchall()
            return [unpack(key, data) for key, data in rows]

        return sorted(self._guarded(work), key=lambda record: record.header.created, reverse=True)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            now = self.clock()

            def work(cursor: sqlite3.Cursor) -> tuple[bool, Record | None]:
                record = self._find(cursor, key, now)
                if record is None:
                    return True, None
                if not record.header.lease(owner, lease, now):
                    return False, None
                record.touched = record.header.touch(now)
                _put(cursor, record.key, record)
                return True, record

            return await self._write(work)

        return await until_leased(attempt, wait)

    async def scan(self) -> AsyncIterator[Record]:
        now, last = self.clock(), b""
        while rows := self._guarded(functools.partial(self._page, now, last)):
            for key, data in rows:
                record = unpack(key, data)
                if record.header.successor is None:
                    yield record
            last = rows[-1][0]

    def _page(self, now: float, last: bytes) -> list[tuple[bytes, bytes]]:
        return self._connection().execute(_SCAN, (last, now, _PRUNE_AT_ONCE)).fetchall()

    async def delete_all(self) -> int:
        total = await self.count()
        await self._write(lambda cursor: cursor.execute("DELETE FROM sessions"), durable=True)
        return total

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        def work(cursor: sqlite3.Cursor) -> list[KeyNote]:
            cursor.execute("DELETE FROM keys WHERE noted < ?", (note.noted - NOTE_KEPT,))
            cursor.execute(
                "REPLACE INTO keys (fingerprint, ring, owner, noted) VALUES (?, ?, ?, ?)",
                (note.fingerprint, " ".join(note.ring), note.owner, note.noted),
            )
            rows = cursor.execute("SELECT * FROM keys WHERE fingerprint <> ?", (note.fingerprint,)).fetchall()
            return [KeyNote(fingerprint, ring.split(), owner, noted) for fingerprint, ring, owner, noted in rows]

        try:
            return self._guarded(lambda: self._transact(work, 0))
        except _Busy as error:
            raise SessionUnavailable(f"The session file {self.path} is locked by another writer just now.") from error

    async def prune(self) -> int:
        now = self.clock()
        total = 0
        while True:
            count = await self._write(lambda cursor: cursor.execute(_PRUNE, (now, _PRUNE_AT_ONCE)).rowcount)
            total += count
            if count < _PRUNE_AT_ONCE:
                return total

    async def close(self) -> None:
        process, self._process = self._process, _Process()
        if process.pid == os.getpid():
            for connection in list(process.connections):
                connection.close()
        else:
            self._inherited.append(process)

    # -- rows -------------------------------------------------------------------------------------------------------

    def _find(self, reader: sqlite3.Connection | sqlite3.Cursor, key: bytes, now: float) -> Record | None:
        """Return the living session under *key*, through the forwarders of timed renewals."""
        forwarded = False
        while True:
            record = _read(reader, key)
            if record is None:
                return None
            header = record.header
            if header.is_over(now):
                return None
            if header.successor is None:
                record.forwarded = forwarded
                return record
            if header.until <= now:
                return None
            key, forwarded = header.successor, True

    def _touch(self, key: bytes, now: float, cursor: sqlite3.Cursor) -> Record | None:
        record = self._find(cursor, key, now)
        if record is not None and record.header.touch(now):
            _put(cursor, record.key, record)
            record.touched = True
        return record

    def _erase(self, cursor: sqlite3.Cursor, key: bytes) -> None:
        """Delete the row under *key*, and what it leads to."""
        following: bytes | None = key
        while following is not None:
            record = _read(cursor, following)
            cursor.execute(_DELETE, (_NOTHING + following,))
            following = record.header.successor if record is not None else None

    # -- transactions -----------------------------------------------------------------------------------------------

    async def _write(self, work: Callable[[sqlite3.Cursor], T], durable: bool = False) -> T:
        """Run *work* in a transaction: here if that is quick, in a thread if it would hold up an event loop."""
        try:
            if not can_suspend():
                return self._guarded(lambda: self._transact(work, self.timeout, durable))
            if not durable:  # which waits for the disk
                with contextlib.suppress(_Busy):
                    return self._guarded(lambda: self._transact(work, 0))
            waiting = load("asyncio").to_thread(self._guarded, lambda: self._transact(work, self.timeout, durable))
            return cast(T, await waiting)
        except _Busy as error:
            raise SessionUnavailable(
                f"The session file {self.path} was locked by another writer for more than {self.timeout:g} s."
            ) from error.__cause__

    def _transact(self, work: Callable[[sqlite3.Cursor], T], wait: float, durable: bool = False) -> T:
        held, writing = self._hold(), self._process.writing
        give_up = time.monotonic() + wait
        if not writing.acquire(False) and not writing.acquire(timeout=wait):  # a timeout is dear
            raise _Busy
        try:
            cursor = held.cursor or held.connection.cursor()
            held.cursor = None  # as in load_now()
            if durable:
                cursor.execute("PRAGMA synchronous=FULL")
            _begin(cursor, give_up)
            try:
                result = work(cursor)
            except BaseException:
                if held.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
            held.cursor = cursor
            return result
        finally:
            if durable:
                held.connection.execute("PRAGMA synchronous=NORMAL")
            writing.release()

    def _guarded(self, action: Callable[[], T]) -> T:
        """Run *action*, and turn what SQLite says into what a store says."""
        try:
            return action()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: sqlite3.Error) -> SessionUnavailable:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self._drop()  # what it remembers of the file is of no use, even if the file is mended in place
        return SessionUnavailable(
            f"The session file {self.path} cannot be used: {error}. See that the application may write to it and to "
            "its folder, or name another file in SESSION_SQLITE_PATH."
        )

    # -- connections ------------------------------------------------------------------------------------------------

    def _connection(self) -> _Connection:
        """Return the connection of this thread in this process, to the file that stands under the path now."""
        return self._hold().connection

    def _hold(self, look: bool = True) -> _Held:
        """Return what this thread holds of this process; *look* whether that is the file still, however trusted."""
        process = self._process
        if process.pid != os.getpid():
            # Kept, not closed: closing it here would take away the locks of the process that we were forked from.
            self._inherited.append(process)
            process = self._process = _Process()
        file = process.look(self._name) if look or time.monotonic() >= process.trusted else process.file
        try:
            held: _Held = process.local.held
        except AttributeError:
            pass
        else:
            if held.file is file:
                return held
            self._drop()  # the file was deleted or replaced: what this connection has open is nobody's any more
        held = process.local.held = self._connect(process)
        return held

    def _connect(self, process: _Process) -> _Held:
        with process.connecting:
            try:
                self._make_file()
            except OSError as error:
                raise SessionUnavailable(
                    f"The session file {self.path} cannot be made: {error.strerror}. See that the application may "
                    "write to that folder, or name another file in SESSION_SQLITE_PATH."
                ) from error
            file = process.look(self._name)  # before: if another one comes between, the next look finds that out
            connection = sqlite3.connect(
                self.path,
                timeout=self.timeout,
                isolation_level=None,
                check_same_thread=False,  # close() is called by another thread
                factory=_Connection,
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            process.connections.add(connection)
            return _Held(connection, file)

    def _drop(self) -> None:
        """Close this thread's connection, which may be of no use any more."""
        held: _Held | None = self._process.local.__dict__.pop("held", None)
        if held is not None:
            held.connection.close()

    def _make_file(self) -> None:
        # SQLite would make it readable for everybody. Never opened here when it exists: closing it again would take
        # away the locks that other connections of this process hold.
        if not self.path.exists():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            raise SessionUnavailable(
                f"The session file {self.path} was written by a newer version of Erlen (its schema is {version}, this "
                f"version knows {_SCHEMA_VERSION}). Update Erlen, or name another file in SESSION_SQLITE_PATH."
            )
        if version < _SCHEMA_VERSION:
            for statement in ("BEGIN IMMEDIATE", *_SCHEMA, f"PRAGMA user_version={_SCHEMA_VERSION}", "COMMIT"):
                connection.execute(statement)
        connection.execute("PRAGMA busy_timeout=0")


def _begin(cursor: sqlite3.Cursor, give_up: float) -> None:
    """Begin to write, waiting for another process that writes until *give_up*."""
    attempts = 0
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the rest tells why it is busy
                raise
            if time.monotonic() >= give_up:
                raise _Busy from error
        time.sleep(jitter(attempts))
        attempts += 1


def _read(reader: sqlite3.Connection | sqlite3.Cursor, key: bytes) -> Record | None:
    """Return what stands in the row of *key*, whether it lives or not."""
    # Of bytes sqlite3 asks in vain, at the price of a call, whether they are to be adapted.
    row = reader.execute(_LOAD, (_NOTHING + key,)).fetchone()
    return None if row is None else unpack(key, row[0])


def _put(cursor: sqlite3.Cursor, key: bytes, record: Record) -> None:
    header = record.header
    row = _NOTHING + key, header.deadline, header.user, _NOTHING + pack(header, record.fields)
    cursor.execute(_STORE, row)
