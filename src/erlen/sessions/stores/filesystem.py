"""Sessions in files, one each: many processes of one machine may use the folder at once.

A session is in ``ab/<key in hex>``, where ``ab`` are the last two digits of the key: 256 folders, and each has one lock
that every writer in it holds. A file is written beside its place and then put there in one step, so readers need no
lock, and a process that is killed leaves the old file or the new one, never half of one. A deletion and a rotation are
on the disk when they return. The time of a file is the deadline of its session, so that what is old is found without
being read. ``users/`` has a folder for each user, by a hash, with an empty file for each session.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Self, TypeVar, cast
from urllib.parse import unquote

import msgspec

from erlen.errors import ConfigError, SessionUnavailable
from erlen.loading import load
from erlen.sessions.record import REFUSED, Delta, KeyNote, Merged, Record, forwarder, merge, pack, unpack
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore, can_suspend, until_leased
from erlen.sessions.stores.files import (
    Busy,
    FolderLocks,
    kind_of_disk,
    make_folder,
    names_in,
    read_file,
    sync_folder,
    write_file,
)

__all__ = ["FilesystemStore"]

T = TypeVar("T")

_STRIPES = 256
_KEY = 34
_PRUNE_EVERY = 600.0
_PRUNE_AT_ONCE = 500
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of its owner is used up",
    errno.EFBIG: "the system allows no file as large as that",
    errno.EACCES: "the user of this process has no permission",
    errno.EPERM: "the user of this process has no permission",
    errno.EROFS: "the disk is read-only",
}

_encode = msgspec.msgpack.Encoder().encode
_read_notes = msgspec.msgpack.Decoder(list[KeyNote]).decode


class _Damaged(SessionUnavailable):
    """A file cannot be read as a session."""

    def __init__(self, key: bytes, text: str) -> None:
        super().__init__(text)
        self.key = key


class FilesystemStore(SessionStore):
    """Keeps sessions in files below *folder*, which is made for the owner alone (mode 0700) where it is missing.

    :param mode: the permissions of the files
    :param timeout: seconds to wait for other writers before the store counts as unavailable
    """

    def __init__(self, folder: str | os.PathLike[str], mode: int = 0o600, timeout: float = 5.0) -> None:
        self.folder = Path(folder)
        self.place = str(folder)
        self.mode = mode
        self.timeout = timeout
        self._folders = [os.path.join(self.place, f"{stripe:02x}") for stripe in range(_STRIPES)]
        self._locks = FolderLocks(self._folders, mode)
        self._swept = [0.0] * _STRIPES

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store in ``SESSION_FILE_DIR`` or ``SESSION_URL``, or in the instance folder."""
        folder = settings.file_dir
        if settings.url is not None:
            host, _, path = settings.url.partition("://")[2].partition("/")
            if host not in ("", "localhost") or not path:
                raise ConfigError(
                    "SESSION_URL",
                    f"{settings.url!r} names no folder of this machine.",
                    "Write three slashes before the path: 'file:///var/lib/shop/sessions'.",
                )
            folder = Path(unquote(f"/{path}"))
        if folder is None:
            raise ConfigError(
                "SESSION_FILE_DIR",
                "It is not set, and the application has no instance folder.",
                "Set it to the folder in which sessions are kept.",
            )
        return cls(folder, settings.file_mode)

    # -- the contract -----------------------------------------------------------------------------------------------

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        now = self.clock()
        record = self._guarded(lambda: self._find(key, now))
        if not touch or record is None or not record.header.touch(now):
            return record

        def work(chain: list[Record]) -> Record | None:
            held = _living(chain, now)
            if held is not None and held.header.touch(now):
                self._put(held, held.header.user)
                held.touched = True
            return held

        # Somebody else may write, or the disk be full: the idle deadline is moved by a later request then.
        with contextlib.suppress(Busy, SessionUnavailable):
            return self._guarded(lambda: self._transact(work, 0, key))
        return self._guarded(lambda: self._find(key, now))

    async def create(self, key: bytes, record: Record) -> None:
        now, stripe = self.clock(), _stripe(key)
        sweep = now - self._swept[stripe] >= _PRUNE_EVERY

        def work(wait: float) -> None:
            with self._locks.held({stripe}, wait):
                # A batch that was full is followed by the next one at once: what expires faster must not pile up.
                if sweep and self._sweep(stripe, now, _PRUNE_AT_ONCE) < _PRUNE_AT_ONCE:
                    self._swept[stripe] = now
                self._put(Record(key, record.header, record.fields), None)

        await self._write(work, slow=sweep)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        now = self.clock()

        def work(chain: list[Record]) -> Merged:
            record = _living(chain, now)
            if record is None:
                return REFUSED
            before = record.header.user
            merged = merge(record, delta, now)
            if merged.emptied:
                self._erase(chain)
            elif not (merged.refused or merged.conflict):
                self._put(record, before)
            return merged

        return await self._write(lambda wait: self._transact(work, wait, key))

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        now, durable = self.clock(), not grace

        def work(chain: list[Record]) -> Merged:
            record = _living(chain, now)
            if record is None:
                return REFUSED
            key, before = record.key, record.header.user
            merged = merge(record, delta, now)
            if merged.refused or merged.conflict:
                return merged
            if merged.emptied:
                self._erase(chain, durable)
            elif grace and record.forwarded:
                self._put(record, before)
            else:
                record.header.moved(now, delta)
                # First the new place, which nobody knows yet, then the old one: between the two nothing is lost.
                self._put(Record(new, record.header, record.fields), None, durable)
                for left in chain:
                    trail = Record(left.key, forwarder(new, now, grace), {})
                    self._put(trail, before if left.key == key else None, durable)
            return merged

        return await self._write(lambda wait: self._transact(work, wait, old, new), slow=durable)

    async def delete(self, key: bytes) -> None:
        def work(wait: float) -> None:
            while True:
                try:
                    return self._transact(lambda chain: self._erase(chain, durable=True), wait, key)
                except _Damaged as error:  # what is damaged is deleted too
                    with self._locks.held({_stripe(error.key)}, wait):
                        self._remove(self._path(error.key))

        await self._write(work, slow=True)

    async def find(self, user: str) -> list[Record]:
        now = self.clock()

        def work() -> list[Record]:
            try:
                names = os.listdir(self._user_folder(user))
            except FileNotFoundError:
                return []
            found = (self._read(key) for key in _keys_in(names))
            return [
                record
                for record in found
                if record is not None and record.header.user == user and not record.header.is_over(now)
            ]

        return sorted(self._guarded(work), key=lambda record: record.header.created, reverse=True)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            now = self.clock()

            def work(chain: list[Record]) -> tuple[bool, Record | None]:
                record = _living(chain, now)
                if record is None:
                    return True, None
                if not record.header.lease(owner, lease, now):
                    return False, None
                record.touched = record.header.touch(now)
                self._put(record, record.header.user)
                return True, record

            return await self._write(lambda wait: self._transact(work, wait, key))

        return await until_leased(attempt, wait)

    async def scan(self) -> AsyncIterator[Record]:
        now = self.clock()

        def page(folder: str) -> list[Record]:
            found = (self._read(key) for key in _keys_in(names_in(folder)))
            return [record for record in found if record is not None and _is_session(record, now)]

        for folder in self._folders:
            for record in await self._apart(lambda folder=folder: page(folder)):  # type: ignore[misc]
                yield record

    async def delete_all(self) -> int:
        now = self.clock()

        def work(wait: float) -> int:
            total = 0
            with self._locks.held(set(range(_STRIPES)), wait):  # all at once: nothing can move from one to another
                for folder in self._folders:
                    for key in _keys_in(names_in(folder)):
                        with contextlib.suppress(_Damaged):
                            record = self._read(key)
                            total += record is not None and _is_session(record, now)
                        self._remove(self._path(key))
                    sync_folder(folder)
                shutil.rmtree(os.path.join(self.place, "users"), ignore_errors=True)
            return total

        return await self._write(work, slow=True)

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        path = os.path.join(self.place, "keys")

        def work(wait: float) -> list[KeyNote]:
            with self._locks.held({0}, wait):
                try:
                    notes = _read_notes(read_file(path))
                except (FileNotFoundError, msgspec.DecodeError):
                    notes = []
                kept = [old for old in notes if old.noted >= note.noted - NOTE_KEPT]
                others = [old for old in kept if old.fingerprint != note.fingerprint]
                write_file(path, self._folders[0], _encode([*others, note]), self.mode, note.noted)
                return others

        return await self._write(work)

    async def check(self) -> list[str]:
        def work(wait: float) -> list[str]:
            with self._locks.held({0}, wait):
                path = os.path.join(self.place, "check")
                write_file(path, self._folders[0], b"Can this be written?\n", self.mode, self.clock())
                os.unlink(path)
            doubts = []
            if not self.mode & 0o077 and stat.S_IMODE(os.stat(self.place).st_mode) & 0o077 and os.name == "posix":
                doubts.append(
                    f"Other users of this machine may look into the session folder {self.place}. Take that from them: "
                    f"chmod 700 {self.place}"
                )
            kind = kind_of_disk(self.folder)
            if kind.startswith(("nfs", "cifs", "smb", "fuse.sshfs")):
                doubts.append(
                    f"The session folder {self.place} is on a disk of another machine ({kind}), where locks may not "
                    "hold: changes can be lost. Name a folder of this machine in SESSION_FILE_DIR, or use a store "
                    "with a server."
                )
            return doubts

        return await self._write(work)

    async def prune(self) -> int:
        now = self.clock()

        def work(wait: float) -> int:
            total = 0
            for stripe, folder in enumerate(self._folders):
                if os.path.isdir(folder):
                    with self._locks.held({stripe}, wait):
                        total += self._sweep(stripe, now)
            self._sweep_users(wait)
            return total

        return await self._write(work, slow=True)

    # -- files ------------------------------------------------------------------------------------------------------

    def _path(self, key: bytes) -> str:
        return os.path.join(self._folders[_stripe(key)], key.hex())

    def _user_folder(self, user: str) -> str:
        return os.path.join(self.place, "users", hashlib.sha256(user.encode()).hexdigest())

    def _read(self, key: bytes) -> Record | None:
        """Return what stands under *key*, be it over or the trail of a move."""
        path = self._path(key)
        if len(key) != _KEY:  # of a handle that somebody made up
            return None
        try:
            data = read_file(path)
        except FileNotFoundError:
            return None
        if not data:  # of a file that was on its way when the power failed, its name alone may have come to the disk
            return None
        try:
            return unpack(key, data)
        except SessionUnavailable as error:
            raise _Damaged(key, f"{error} It is the file {path}; delete it, and the session is gone.") from error

    def _find(self, key: bytes, now: float) -> Record | None:
        record = self._read(key)
        if record is None or record.header.successor is None:
            return None if record is None or record.header.is_over(now) else record
        return _living(self._chain(key), now)

    def _chain(self, key: bytes) -> list[Record]:
        """Return what stands under *key*, and all that it leads to by moves."""
        chain = []
        following: bytes | None = key
        while following is not None and (record := self._read(following)) is not None:
            chain.append(record)
            following = record.header.successor
        return chain

    def _put(self, record: Record, before: str | None, durable: bool = False) -> None:
        """Let *record* stand under its key, where it belonged to the user *before*; the lock is held."""
        header = record.header
        if header.user is not None and header.user != before:
            self._list(header.user, record.key)
        data, path = pack(header, record.fields), self._path(record.key)
        write_file(path, self._folders[_stripe(record.key)], data, self.mode, header.deadline, durable)
        if before is not None and before != header.user:
            self._unlist(before, record.key)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def _erase(self, chain: list[Record], durable: bool = False) -> None:
        for record in chain:
            self._remove(self._path(record.key))
            if durable:
                sync_folder(self._folders[_stripe(record.key)])
            if record.header.user is not None:
                self._unlist(record.header.user, record.key)

    def _list(self, user: str, key: bytes) -> None:
        folder = self._user_folder(user)
        while True:
            make_folder(folder, self.mode)
            # Another process may take the folder away just now, because it was empty.
            with contextlib.suppress(FileNotFoundError):
                os.close(os.open(os.path.join(folder, key.hex()), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.mode))
                return

    def _unlist(self, user: str, key: bytes) -> None:
        folder = self._user_folder(user)
        self._remove(os.path.join(folder, key.hex()))
        with contextlib.suppress(OSError):  # others are in it
            os.rmdir(folder)

    def _sweep(self, stripe: int, now: float, at_most: int = sys.maxsize) -> int:
        """Delete what is over in one folder, whose lock is held; return how many."""
        total, folder = 0, self._folders[stripe]
        self._remove(os.path.join(folder, "next"))  # of a process that was killed
        with os.scandir(folder) as entries:
            old = [entry.name for entry in entries if entry.stat(follow_symlinks=False).st_mtime <= now]
        for key in _keys_in(old):
            if total >= at_most:
                break
            record = None
            with contextlib.suppress(_Damaged):
                record = self._read(key)
            if record is None:
                self._remove(self._path(key))
            elif record.header.is_over(now):  # a copied folder has other times
                self._erase([record])
            else:
                continue
            total += 1
        return total

    def _sweep_users(self, wait: float) -> None:
        """Take out of the lists of users what processes left there that were killed."""
        users = os.path.join(self.place, "users")
        for name in names_in(users):
            folder = os.path.join(users, name)
            for key in _keys_in(names_in(folder)):
                if not os.path.exists(self._path(key)):
                    with self._locks.held({_stripe(key)}, wait):  # nobody is about to make it
                        if not os.path.exists(self._path(key)):
                            self._remove(os.path.join(folder, key.hex()))
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    # -- waiting ----------------------------------------------------------------------------------------------------

    def _transact(self, work: Callable[[list[Record]], T], wait: float, *keys: bytes) -> T:
        """Call *work* with the chain of the first key, while the folders of all keys and of the chain are locked."""
        stripes = {_stripe(key) for key in keys}
        while True:
            with self._locks.held(stripes, wait):
                chain = self._chain(keys[0])
                needed = stripes | {_stripe(record.key) for record in chain}
                if needed == stripes:
                    return work(chain)
            stripes = needed

    async def _write(self, work: Callable[[float], T], slow: bool = False) -> T:
        """Run *work*, which takes the seconds that it may wait: here if it is quick, or in a thread of a loop's own."""
        try:
            if not can_suspend():
                return self._guarded(lambda: work(self.timeout))
            if not slow:  # as what waits for the disk, or looks through a folder, is
                with contextlib.suppress(Busy):
                    return self._guarded(lambda: work(0))
            return cast(T, await load("asyncio").to_thread(self._guarded, lambda: work(self.timeout)))
        except Busy:
            raise SessionUnavailable(
                f"A file in the session folder {self.place} was locked by another writer for more than "
                f"{self.timeout:g} s."
            ) from None

    async def _apart(self, action: Callable[[], T]) -> T:
        """Run what reads many files where it holds up no event loop."""
        if not can_suspend():
            return self._guarded(action)
        return cast(T, await load("asyncio").to_thread(self._guarded, action))

    def _guarded(self, action: Callable[[], T]) -> T:
        """Run *action*, and turn what the system says into what a store says."""
        try:
            return action()
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
            at = f" ({error.filename})" if error.filename is not None else ""
            raise SessionUnavailable(
                f"The session folder {self.place} cannot be used: {reason}{at}. See that the application may write "
                "there and that there is room, or name another folder in SESSION_FILE_DIR."
            ) from error


def _stripe(key: bytes) -> int:
    """Return which folder a key belongs to."""
    return key[-1] if key else 0


def _living(chain: list[Record], now: float) -> Record | None:
    """Return the living session at the end of *chain*, if its trails are timed renewals in their grace."""
    for record in chain:
        header = record.header
        if header.is_over(now):
            return None
        if header.successor is None:
            record.forwarded = record is not chain[0]
            return record
        if header.until <= now:
            return None
    return None


def _is_session(record: Record, now: float) -> bool:
    return record.header.successor is None and not record.header.is_over(now)


def _keys_in(names: Iterable[str]) -> Iterator[bytes]:
    """Yield the keys among the names of files."""
    for name in names:
        if len(name) == 2 * _KEY:  # the others are "lock" and "next"
            with contextlib.suppress(ValueError):
                yield bytes.fromhex(name)
