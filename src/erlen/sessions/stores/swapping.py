"""What stores have in common that replace a whole record if it was not changed since it was read: compare and swap.

A subclass says how a record is read, added and swapped; the rules of the contract are here. It suits servers that
cannot merge, and serves the others for what their own language cannot do in one command.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

from erlen.errors import SessionUnavailable
from erlen.sessions.record import REFUSED, Delta, Merged, Record, forwarder, merge
from erlen.sessions.stores.base import SessionStore, jitter, pause, until_leased

__all__ = ["SwappingStore"]

Tag = TypeVar("Tag")

# With the pauses between them a minute or so, if all of them are needed: then something is wrong with the server.
_ATTEMPTS = 1000


class SwappingStore(SessionStore, Generic[Tag]):
    """Applies every change by reading a record and swapping it, again and again until nobody came between.

    A *tag* tells what a record was when it was read: its version in the server.
    """

    @abstractmethod
    async def read(self, key: bytes) -> tuple[Record, Tag] | None:
        """Return what stands under *key*, be it over or the trail of a move, and its tag; None if nothing does."""

    @abstractmethod
    async def swap(self, key: bytes, record: Record | None, tag: Tag) -> bool:
        """Replace what stands under *key* by *record*, or remove it for None; False if it is not as *tag* says."""

    @abstractmethod
    async def put(self, key: bytes, record: Record) -> None:
        """Let *record* stand under *key*, whatever stood there."""

    async def create(self, key: bytes, record: Record) -> None:
        await self.put(key, record)

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        found = await self.living(key)
        if found is None:
            return None
        record, tag = found
        if touch and record.header.touch(self.clock()):
            # Somebody else has changed it just now: the idle deadline is moved by a later request.
            record.touched = await self.swap(record.key, record, tag)
        return record

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        for attempt in range(_ATTEMPTS):
            found = await self.living(key)
            if found is None:
                return REFUSED
            record, tag = found
            merged = merge(record, delta, self.clock())
            if merged.refused or merged.conflict:
                return merged
            if await self.swap(record.key, None if merged.emptied else record, tag):
                return merged
            await pause(jitter(attempt))
        raise self._crowded()

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        for attempt in range(_ATTEMPTS):
            found = await self.living(old)
            if found is None:
                return REFUSED
            record, tag = found
            now, key = self.clock(), record.key
            merged = merge(record, delta, now)
            if merged.refused or merged.conflict:
                return merged
            if merged.emptied or (grace and record.forwarded):
                if await self.swap(key, None if merged.emptied else record, tag):
                    return merged
            else:
                record.header.moved(now, delta)
                # First the new place, which nobody knows yet, then the old one: between the two nothing is lost.
                await self.put(new, Record(new, record.header, record.fields))
                if await self.swap(key, Record(key, forwarder(new, now, grace), {}), tag):
                    if old != key:  # a renewal's old key was moved through
                        await self.put(old, Record(old, forwarder(new, now, grace), {}))
                    return merged
                await self.discard(new)
            await pause(jitter(attempt))
        raise self._crowded()

    async def delete(self, key: bytes) -> None:
        following: bytes | None = key
        while following is not None:
            following = await self.discard(following)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            found = await self.living(key)
            if found is None:
                return True, None
            record, tag = found
            now = self.clock()
            if not record.header.lease(owner, lease, now):
                return False, None
            record.touched = record.header.touch(now)
            return (True, record) if await self.swap(record.key, record, tag) else (False, None)

        return await until_leased(attempt, wait)

    # -- for subclasses ---------------------------------------------------------------------------------------------

    async def living(self, key: bytes) -> tuple[Record, Tag] | None:
        """Return the living session under *key*, through the trails of timed renewals, and its tag."""
        now, forwarded = self.clock(), False
        while True:
            found = await self.read(key)
            if found is None or found[0].header.is_over(now):
                return None
            header = found[0].header
            if header.successor is None:
                found[0].forwarded = forwarded
                return found
            if header.until <= now:
                return None
            key, forwarded = header.successor, True

    async def discard(self, key: bytes) -> bytes | None:
        """Remove what stands under *key*, and return where it leads to if it is the trail of a move."""
        for attempt in range(_ATTEMPTS):
            found = await self.read(key)
            if found is None:
                return None
            record, tag = found
            if await self.swap(key, None, tag):
                return record.header.successor
            await pause(jitter(attempt))
        raise self._crowded()

    def _crowded(self) -> SessionUnavailable:
        return SessionUnavailable(
            f"A session in {self.place or type(self).__name__} was changed by others each time that this request tried "
            f"to change it, {_ATTEMPTS} times in a row. See whether a client calls in a loop."
        )
