"""Files that are written in one step, and folders with a lock: what the store ``filesystem`` is made of."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from erlen.sessions.stores.base import jitter

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "Busy",
    "FolderLocks",
    "kind_of_disk",
    "make_folder",
    "names_in",
    "read_file",
    "sync_folder",
    "write_file",
]

_BLOCK = 1 << 16
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Busy(Exception):
    """Another writer holds a lock that is needed."""


class _Process:
    """What belongs to one process: its threads queue up here, where waiting is fair, and one of them at the file."""

    def __init__(self, count: int) -> None:
        self.pid = os.getpid()
        self.locks = [threading.Lock() for _ in range(count)]


class FolderLocks:
    """A lock for each of some folders, held against all processes of the machine by the file ``lock`` in it.

    :param folders: the folders, made where they are missing
    :param mode: the permissions of the files in them
    """

    def __init__(self, folders: Sequence[str], mode: int) -> None:
        self._folders = folders
        self._mode = mode
        self._process = _Process(len(folders))

    @contextlib.contextmanager
    def held(self, numbers: set[int], wait: float) -> Iterator[None]:
        """Hold the locks of some folders. They are taken in one order, so that no two writers wait for each other.

        :raises Busy: if they are not to be had within *wait* seconds
        """
        give_up = time.monotonic() + wait
        if self._process.pid != os.getpid():
            # Those of the process that we come from may be held by threads of it.
            self._process = _Process(len(self._folders))
        with contextlib.ExitStack() as held:
            for number in sorted(numbers):
                lock = self._process.locks[number]
                if not lock.acquire(timeout=max(0.0, give_up - time.monotonic())):
                    raise Busy
                held.callback(lock.release)
                descriptor = self._open(self._folders[number])
                held.callback(os.close, descriptor)
                attempts = 0
                while not _try_lock(descriptor):
                    if time.monotonic() >= give_up:
                        raise Busy
                    time.sleep(jitter(attempts))
                    attempts += 1
                # A child that was forked meanwhile has the file open too, so that closing it would not do.
                held.callback(_unlock, descriptor)
            yield

    def _open(self, folder: str) -> int:
        path = os.path.join(folder, "lock")
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, self._mode)
        except FileNotFoundError:
            make_folder(folder, self._mode)
            return os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, self._mode)


def make_folder(path: str, mode: int) -> None:
    """Make a folder and those above it where they are missing; who may read files of that *mode* may enter it."""
    parent = os.path.dirname(path)
    if os.path.isdir(path):
        return
    if parent and not os.path.isdir(parent):
        make_folder(parent, mode)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
        if mode & 0o077:  # whatever the umask is
            os.chmod(path, 0o700 | mode & 0o077 | (mode & 0o044) >> 2)


def names_in(folder: str) -> list[str]:
    """Return the names in a folder: none if it is missing."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def read_file(path: str) -> bytes:
    """Return what a file holds."""
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        data = os.read(descriptor, _BLOCK)
        if len(data) == _BLOCK:
            while more := os.read(descriptor, _BLOCK):
                data += more
        return data
    finally:
        os.close(descriptor)


def write_file(path: str, folder: str, data: bytes, mode: int, changed: float, durable: bool = False) -> None:
    """Write a file in one step: whoever reads it meanwhile gets the old content or the new one.

    :param folder: whose lock is held; it is written there first, under the name ``next``
    :param changed: the time that the file gets
    :param durable: return when it is on the disk
    """
    beside = os.path.join(folder, "next")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, mode)
    try:
        try:
            if sys.platform != "win32":
                os.fchmod(descriptor, mode)  # whatever the umask is
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.utime(beside, (changed, changed))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    if durable:
        sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Let the names in a folder come to the disk."""
    if sys.platform != "win32":
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def kind_of_disk(folder: Path) -> str:
    """Return the kind of file system that *folder* is on, such as ``"nfs4"``, where Linux tells it."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = folder.resolve()
    above = [(mount, kind) for mount, kind in (line.split()[1:3] for line in lines) if place.is_relative_to(mount)]
    return max(above, key=lambda found: len(found[0]))[1] if above else ""


if sys.platform == "win32":

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
