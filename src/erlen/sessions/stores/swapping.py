"""What stores have in common that replace a whole record if it was not changed since it was read: compare and swap.

A subclass says how a record is read, put and swapped; the rules of the contract are here. It suits servers that
cannot merge, and stores of your own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from erlen.errors import SessionUnavailable
from erlen.sessions.record import REFUSED, Delta, Header, Merged, Record, forwarder, merge
from erlen.sessions.stores.base import SessionStore, jitter, pause, until_leased

__all__ = ["SwappingStore"]

Tag = TypeVar("Tag")

# With the pauses between them a minute or so, if all of them are needed: then something is wrong with the server.
_ATTEMPTS = 1000


class SwappingStore(SessionStore, Generic[Tag]):
    """A session store out of three methods: :meth:`read`, :meth:`swap` and :meth:`put`. A fourth, :meth:`keys`, lists.

    Every change is made by reading a record and swapping it for the changed one, again and again until nobody came
    between. The *tag* tells what a record was when it was read: a version that the server counts, or all its bytes.

    Records are kept by :func:`erlen.sessions.record.pack` and :func:`~erlen.sessions.record.unpack`, or in a form of
    the store's own. Whether a session is over or was moved is looked at here: the methods below take no notice.
    """

    @abstractmethod
    async def read(self, key: bytes) -> tuple[Record, Tag] | None:
        """Return the record that stands under *key* and its tag, or None if none does.

        A record that is over, or the trail of a move, is returned as any other. Whoever gets it may change it.
        """

    @abstractmethod
    async def swap(self, key: bytes, record: Record | None, tag: Tag) -> bool:
        """Let *record* stand under *key* in place of the one that was read with *tag*; for None, remove that one.

        Return False, and change nothing, if the record under *key* is another one by now or is gone. Looking and
        replacing must be one step: no other request, thread or process comes between.
        """

    @abstractmethod
    async def put(self, key: bytes, record: Record) -> None:
        """Let *record* stand under *key*, whatever stood there."""

    async def keys(self) -> list[bytes]:
        """Return the keys of all records, in any order: for listings, counts and pruning.

        A store that cannot list leaves this out, and ``"find"`` and ``"scan"`` out of its ``abilities``; it needs a
        ``delete_all`` of its own. One with an index of users has its own ``find``.
        """
        return []

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
                if await self.rename(record, tag, new, old, forwarder(new, now, grace)):
                    return merged
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

    async def find(self, user: str) -> list[Record]:
        found = [record async for record in self.scan() if record.header.user == user]
        return sorted(found, key=lambda record: record.header.created, reverse=True)

    async def scan(self) -> AsyncIterator[Record]:
        for key in await self.keys():
            found = await self.read(key)
            if found is not None and found[0].header.successor is None and not found[0].header.is_over(self.clock()):
                yield found[0]

    async def prune(self) -> int:
        total = 0
        for key in await self.keys():
            found = await self.read(key)
            if found is not None and found[0].header.is_over(self.clock()):
                total += await self.swap(key, None, found[1])
        return total

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

    async def rename(self, record: Record, tag: Tag, new: bytes, old: bytes, trail: Header) -> bool:
        """Let *record* stand under *new*, and *trail* under the key that it had and under *old*.

        It is False, and *new* is empty, if what stands under the record's key is not as *tag* says.
        """
        # First the new place, which nobody knows yet, then the old one: between the two nothing is lost.
        await self.put(new, Record(new, record.header, record.fields))
        if not await self.swap(record.key, Record(record.key, trail, {}), tag):
            await self.discard(new)
            return False
        if old != record.key:  # a renewal's old key was moved through
            await self.put(old, Record(old, trail, {}))
        return True

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
