"""Sessions in the memory of one process: for development and tests, gone when it ends."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import ClassVar

import msgspec

from erlen.sessions.record import REFUSED, Delta, KeyNote, Merged, Record, forwarder, merge
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore, until_leased

__all__ = ["MemoryStore"]

_PRUNE_EVERY = 600.0


class MemoryStore(SessionStore):
    """Keeps sessions in a dict, behind one lock that is held for microseconds and never while waiting.

    Each process has its own: with several workers a visitor's session would come and go with the worker that answers.
    """

    remote: ClassVar[bool] = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[bytes, Record] = {}
        self._notes: dict[str, KeyNote] = {}
        self._pruned = 0.0

    def _find(self, key: bytes, now: float) -> Record | None:
        """Return the living record under *key*, through the forwarders of timed renewals."""
        record = self._records.get(key)
        forwarded = False
        while record is not None and not record.header.is_over(now):
            if record.header.successor is None:
                record.forwarded = forwarded
                return record
            if record.header.until <= now:
                return None
            record, forwarded = self._records.get(record.header.successor), True
        return None

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        now = self.clock()
        with self._lock:
            record = self._find(key, now)
            if record is None:
                return None
            record.touched = touch and record.header.touch(now)
            return _copy(record)

    async def create(self, key: bytes, record: Record) -> None:
        now = self.clock()
        with self._lock:
            if now - self._pruned >= _PRUNE_EVERY:
                self._pruned = now
                self._prune(now)
            self._records[key] = _copy(record, key)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        now = self.clock()
        with self._lock:
            record = self._find(key, now)
            if record is None:
                return REFUSED
            changed = _copy(record)
            merged = merge(changed, delta, now)
            if merged.emptied:
                self._delete(key)
            elif not (merged.refused or merged.conflict):
                self._records[record.key] = changed
            return merged

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        now = self.clock()
        with self._lock:
            record = self._find(old, now)
            if record is None:
                return REFUSED
            stays = bool(grace) and record.forwarded
            moved = _copy(record, record.key if stays else new)
            merged = merge(moved, delta, now)
            if merged.refused or merged.conflict:
                return merged
            if stays and not merged.emptied:
                self._records[record.key] = moved
                return merged
            moved.header.moved(now, delta)
            self._delete(old)
            if not merged.emptied:
                self._records[new] = moved
                for key in {old, record.key}:  # two, if a renewal's old key was moved through
                    self._records[key] = Record(key, forwarder(new, now, grace), {})
            return merged

    def _delete(self, key: bytes | None) -> None:
        while key is not None:
            record = self._records.pop(key, None)
            key = record.header.successor if record is not None else None

    async def delete(self, key: bytes) -> None:
        with self._lock:
            self._delete(key)

    async def find(self, user: str) -> list[Record]:
        now = self.clock()
        with self._lock:
            found = [
                _copy(record)
                for record in self._records.values()
                if record.header.user == user and not record.header.is_over(now)
            ]
        return sorted(found, key=lambda record: record.header.created, reverse=True)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            now = self.clock()
            with self._lock:
                record = self._find(key, now)
                if record is None:
                    return True, None
                if not record.header.lease(owner, lease, now):
                    return False, None
                record.touched = record.header.touch(now)
                return True, _copy(record)

        return await until_leased(attempt, wait)

    async def scan(self) -> AsyncIterator[Record]:
        now = self.clock()
        with self._lock:
            found = [
                _copy(record)
                for record in self._records.values()
                if record.header.successor is None and not record.header.is_over(now)
            ]
        for record in found:
            yield record

    async def delete_all(self) -> int:
        total = await self.count()
        with self._lock:
            self._records.clear()
        return total

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        with self._lock:
            for old in [old for old in self._notes.values() if old.noted < note.noted - NOTE_KEPT]:
                del self._notes[old.fingerprint]
            self._notes[note.fingerprint] = note
            return [other for other in self._notes.values() if other is not note]

    async def prune(self) -> int:
        now = self.clock()
        with self._lock:
            return self._prune(now)

    def _prune(self, now: float) -> int:
        dead = [key for key, record in self._records.items() if record.header.is_over(now)]
        for key in dead:
            del self._records[key]
        return len(dead)


def _copy(record: Record, key: bytes | None = None) -> Record:
    return Record(
        record.key if key is None else key,
        msgspec.structs.replace(record.header),
        dict(record.fields),
        record.forwarded,
        record.touched,
    )
