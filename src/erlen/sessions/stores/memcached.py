"""Sessions in memcached: one item each, swapped whole by ``cas``, on one server or several.

**Nodes.** Which server has an item is decided here, by rendezvous hashing: plain and async code find the same one, and
when a server joins or goes, only the sessions that it takes over or had are lost.

**Deleting all.** memcached cannot list what it holds. So each server has an item, the *generation*: an epoch, and a
number drawn at random. A session's item begins with the generation that its server had when it was put there, both
are read by one command, and a session of another generation counts as missing. ``delete_all`` draws new generations
with a higher epoch. A generation that was evicted is drawn anew, so nothing that was deleted comes back. A session
that is moved to a server whose epoch is higher than that of its own is refused: it would escape from a ``delete_all``
which has not come to its own server yet.

**The client** is pymemcache, which is plain: an event loop runs its commands in threads. aiomcache is not used: on a
connection that was closed it loops for ever, and after a timeout it hands an answer to the wrong request.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import os
import re
import time
from collections.abc import Callable
from typing import Any, Never, Self, TypeVar, cast

import msgspec

from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.loading import load
from erlen.sessions.record import Header, KeyNote, Record, pack, unpack
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, can_suspend, jitter, pause
from erlen.sessions.stores.clients import Clients, unavailable
from erlen.sessions.stores.memcached_node import Address, Node, ServerRefused, addresses_of, name_of, parse_address
from erlen.sessions.stores.swapping import SwappingStore

__all__ = ["MemcachedStore"]

T = TypeVar("T")

log = logging.getLogger("erlen.sessions")

# A time to live beyond this is taken by memcached for a moment since 1970.
_LONGEST_TTL = 30 * 86_400
# The item is removed at once, which makes a deletion of "cas".
_GONE = -1
# Of an epoch (8 bytes) and a random number (8 bytes).
_GENERATION = 16
# A session that its user does not end is in the user's list until its absolute deadline; the oldest make room.
_LISTED = 1000
_AT_ONCE = 100
_LONGEST_NAME = 250
_ATTEMPTS = 100

_encode = msgspec.msgpack.Encoder().encode
_read_list = msgspec.msgpack.Decoder(list[tuple[bytes, float]]).decode
_read_notes = msgspec.msgpack.Decoder(list[KeyNote]).decode


class _Tag:
    """What an item was when it was read, and which record a move has put elsewhere since."""

    __slots__ = ("carried", "generation", "node", "unique", "user")

    def __init__(self, node: str, unique: bytes, generation: bytes, user: str | None) -> None:
        self.node = node
        self.unique = unique
        self.generation = generation
        self.user = user
        self.carried: Record | None = None


class MemcachedStore(SwappingStore[_Tag]):
    """Keeps sessions in memcached.

    :param addresses: the servers: each a host and a port, or the path of a unix socket
    :param timeout: seconds that one command may take
    :param prefix: what the names of all items begin with
    """

    abilities = frozenset({"write", "find", "lease"})

    def __init__(self, addresses: list[Address], timeout: float = 2.0, prefix: str = "erlen:") -> None:
        self._addresses = {name_of(address): address for address in addresses}
        self._timeout = timeout
        self.place = f"memcached://{','.join(self._addresses)}"
        self._prefix = prefix.encode()
        self._generation = self._prefix + b"generation"
        self._clients: Clients[dict[str, Node], Never] = Clients(
            lambda: {name: Node(address, timeout) for name, address in self._addresses.items()},
            _plain_only,
            _close,
            _plain_only,
        )

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store that ``SESSION_URL`` or ``SESSION_MEMCACHED`` names; without both, on this machine."""
        prefix = settings.key_prefix
        if re.search(r"\s", prefix) or not prefix.isprintable() or len(prefix.encode()) > 150:
            raise ConfigError(
                "SESSION_KEY_PREFIX",
                "The name of an item in memcached has up to 250 bytes and no space, and Erlen needs 100 of them.",
                "Write a prefix of up to 150 bytes, such as 'shop:'.",
            )
        if settings.client is not None:
            addresses = addresses_of(settings.client)
        elif settings.url is None:
            addresses = [parse_address("127.0.0.1")]
        else:
            rest = settings.url.partition("://")[2].partition("?")[0]
            addresses = [parse_address(part if part.startswith("/") else part.rstrip("/")) for part in rest.split(",")]
        return cls(addresses, settings.timeout, prefix)

    # -- compare and swap -------------------------------------------------------------------------------------------

    async def read(self, key: bytes) -> tuple[Record, _Tag] | None:
        name = self._name(key)
        if len(name) > _LONGEST_NAME:  # of a handle that somebody made up
            return None
        node = self._node(name)
        return self._found(node, key, await self._gets(node, name, self._generation))

    async def swap(self, key: bytes, record: Record | None, tag: _Tag) -> bool:
        name = self._name(key)
        if record is None:
            swapped = await self._store(tag.node, "cas", name, b"", _GONE, tag.unique)
        else:
            swapped = await self._store(tag.node, "cas", name, *self._item(record, tag.generation), tag.unique)
        if swapped:
            await self._list(tag.user, key, tag.carried or record)
        return swapped

    async def put(self, key: bytes, record: Record) -> None:
        name = self._name(key)
        node = self._node(name)
        await self._store(node, "set", name, *self._item(record, await self._current(node)))
        await self._list(None, key, record)

    async def rename(self, record: Record, tag: _Tag, new: bytes, old: bytes, trail: Header) -> bool:
        name = self._name(new)
        node, generation = self._node(name), tag.generation
        if node != tag.node:
            generation = await self._current(node)
            if _epoch(generation) > _epoch(tag.generation):
                # Everything is being deleted, or was and a server did not answer then. So it is finished here.
                await self._raise_epoch(tag.node, _epoch(generation))
                return False
        tag.carried = Record(new, record.header, record.fields)  # listed when the old place is given up
        await self._store(node, "set", name, *self._item(record, generation))
        if not await self.swap(record.key, Record(record.key, trail, {}), tag):
            await self.discard(new)
            return False
        if old != record.key:
            await self.put(old, Record(old, trail, {}))
        return True

    def _found(self, node: str, key: bytes, items: dict[bytes, tuple[bytes, bytes]]) -> tuple[Record, _Tag] | None:
        """Return the record under *key* among *items*, unless it is of another generation than the one there."""
        data, unique = items.get(self._name(key), (b"", b""))
        generation = items.get(self._generation, (b"", b""))[0]
        if not data or not generation or data[:_GENERATION] != generation:
            return None
        record = unpack(key, data[_GENERATION:])
        return record, _Tag(node, unique, generation, record.header.user)

    def _item(self, record: Record, generation: bytes) -> tuple[bytes, int]:
        """Return the item for *record*, and when it expires, as memcached takes it."""
        header = record.header
        # The clock of memcached goes by whole seconds: with one more it never forgets a session that has some left.
        left = math.ceil(header.deadline - self.clock()) + 1
        expires = _GONE if left <= 1 else left if left <= _LONGEST_TTL else int(time.time()) + left
        return generation + pack(header, record.fields), expires

    # -- generations ------------------------------------------------------------------------------------------------

    async def delete_all(self) -> int:
        for attempt in range(_ATTEMPTS):
            epoch = 1 + max([await self._epoch_of(node) for node in self._addresses])
            for node in self._addresses:
                await self._store(node, "set", self._generation, _draw(epoch))
            # None may have lost it meanwhile and let in what came from one that had not got it yet.
            if min([await self._epoch_of(node) for node in self._addresses]) >= epoch:
                return 0
            await pause(jitter(attempt))
        raise self._too_small()

    async def _current(self, node: str) -> bytes:
        """Return the generation of a server; where it is missing, one is drawn."""
        for attempt in range(_ATTEMPTS):
            found = await self._gets(node, self._generation)
            if found:
                return found[self._generation][0]
            epoch = 0
            for other in self._addresses:
                if other != node:
                    with contextlib.suppress(SessionUnavailable):
                        epoch = max(epoch, await self._epoch_of(other))
            await self._store(node, "add", self._generation, _draw(epoch))
            await pause(jitter(attempt) if attempt else 0)
        raise self._too_small()

    async def _epoch_of(self, node: str) -> int:
        return _epoch((await self._gets(node, self._generation)).get(self._generation, (b"", b""))[0])

    async def _raise_epoch(self, node: str, epoch: int) -> None:
        """Let everything on a server count as missing, unless it is in that epoch already."""
        found = await self._gets(node, self._generation)
        if found:
            generation, unique = found[self._generation]
            if _epoch(generation) < epoch:
                await self._store(node, "cas", self._generation, _draw(epoch), 0, unique)

    def _too_small(self) -> SessionUnavailable:
        return SessionUnavailable(
            f"memcached at {self.place} forgets at once what it is given. Start it with more memory (-m)."
        )

    # -- users ------------------------------------------------------------------------------------------------------

    async def find(self, user: str) -> list[Record]:
        name, now = self._user_name(user), self.clock()
        keys = [key for key, _ in _listed((await self._gets(self._node(name), name)).get(name))]
        by_node: dict[str, list[bytes]] = {}
        for key in keys:
            by_node.setdefault(self._node(self._name(key)), []).append(key)
        records = {}
        for node, there in by_node.items():
            for start in range(0, len(there), _AT_ONCE):
                some = there[start : start + _AT_ONCE]
                items = await self._gets(node, *map(self._name, some), self._generation)
                for key in some:
                    found = self._found(node, key, items)
                    if found is not None and not found[0].header.is_over(now) and found[0].header.user == user:
                        records[key] = found[0]
        gone = set(keys) - set(records)
        if gone:
            await self._relist(user, gone, None)
        return sorted(records.values(), key=lambda record: record.header.created, reverse=True)

    async def _list(self, before: str | None, key: bytes, record: Record | None) -> None:
        """Keep the lists of users: *key* was a session of *before*, in whose place stands *record* now."""
        after = None if record is None else record.header.user
        if (before, key) == (after, key if record is None else record.key):
            return
        try:
            if before is not None:
                await self._relist(before, {key}, record if before == after else None)
            if after is not None and after != before:
                await self._relist(after, set(), record)
        except SessionUnavailable as error:  # the session itself is kept
            log.warning("session %s is missing in the list of its user: %s", key.hex(), error)

    async def _relist(self, user: str, gone: set[bytes], record: Record | None) -> None:
        now = self.clock()

        def change(data: bytes | None) -> tuple[bytes | None, int]:
            held = _listed((data, b"") if data is not None else None)
            kept = [(key, until) for key, until in held if key not in gone and until > now]
            if record is not None:
                kept = [entry for entry in kept if entry[0] != record.key][1 - _LISTED :]
                kept.append((record.key, record.header.absolute))
            if kept == held:
                return None, 0
            left = max([math.ceil(until - now) for _, until in kept], default=0)
            return _encode(kept), _GONE if not kept else left if left <= _LONGEST_TTL else int(time.time()) + left

        await self._update(self._user_name(user), change)

    async def _update(self, name: bytes, change: Callable[[bytes | None], tuple[bytes | None, int]]) -> None:
        """Replace an item by what *change* makes of it, and when that expires; None leaves it as it is."""
        node = self._node(name)
        for attempt in range(_ATTEMPTS):
            held, unique = (await self._gets(node, name)).get(name, (None, None))
            value, expires = change(held)
            if value is None:
                return
            verb = "add" if unique is None else "cas"
            if await self._store(node, verb, name, value, expires, unique):
                return
            await pause(jitter(attempt))
        raise SessionUnavailable(f"An item of memcached at {node} was changed by others {_ATTEMPTS} times in a row.")

    # -- keys and the server ----------------------------------------------------------------------------------------

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        others: list[KeyNote] = []

        def change(data: bytes | None) -> tuple[bytes, int]:
            kept = [old for old in _notes(data) if old.noted >= note.noted - NOTE_KEPT]
            others[:] = [old for old in kept if old.fingerprint != note.fingerprint]
            return _encode([*others, note]), int(2 * NOTE_KEPT)

        await self._update(self._prefix + b"keys", change)
        return others

    async def check(self) -> list[str]:
        doubts = []
        for node in self._addresses:
            stats = await self._ask(node, lambda client: client.stats())
            settings = await self._ask(node, lambda client: client.stats("settings"))
            evicted = int(stats.get(b"evictions", 0))
            if evicted:
                doubts.append(
                    f"memcached at {node} has thrown out {evicted:,} items to make room since it was started: people "
                    "are logged out by that. Give it more memory (-m), or a memcached of its own for sessions."
                )
            if settings.get(b"cas_enabled", b"yes") in (b"no", False):
                doubts.append(
                    f"memcached at {node} was started with -C, without 'cas': no session can be changed. Start it "
                    "without that option."
                )
        return doubts

    async def close(self) -> None:
        await self._clients.close()

    def _name(self, key: bytes) -> bytes:
        return self._prefix + key.hex().encode()

    def _user_name(self, user: str) -> bytes:
        return self._prefix + b"user:" + hashlib.sha256(user.encode()).hexdigest().encode()

    def _node(self, name: bytes) -> str:
        """Return the server of an item: the one that draws the highest lot for its name."""
        if len(self._addresses) == 1:
            return next(iter(self._addresses))
        return max(self._addresses, key=lambda node: hashlib.blake2b(name, key=_lot(node), digest_size=8).digest())

    async def _gets(self, node: str, *names: bytes) -> dict[bytes, tuple[bytes, bytes]]:
        """Return the items that are there, each with its value and its cas unique: one command."""
        return await self._ask(node, lambda client: client.gets_many(names))

    async def _store(
        self, node: str, verb: str, name: bytes, value: bytes, expires: int = 0, unique: bytes | None = None
    ) -> bool:
        """Send ``set``, ``add`` or ``cas``, and tell whether it was stored."""
        arguments = (value, expires) if unique is None else (value, unique, expires)
        try:
            # "cas" answers False if the item was changed, and None if it is gone.
            return await self._ask(node, lambda client: getattr(client, verb)(name, *arguments) is True)
        except SessionUnavailable as error:
            if isinstance(error.__cause__, ServerRefused) and "too large" in str(error.__cause__):
                raise SessionValueError(
                    "session",
                    f"it takes {len(value):,} bytes, and memcached at {node} keeps no item as large as that; its limit "
                    "is 1 MB unless it was started with another (-I). Keep large things in a database or a file and "
                    "their id in the session.",
                ) from error.__cause__
            raise

    async def _ask(self, node: str, command: Callable[[Any], T]) -> T:
        """Call *command* with a client of that server: here, or in a thread if that would hold up an event loop.

        When the request is cancelled meanwhile, the thread sends its command and reads the answer all the same.
        """
        server = self._clients.plain()[node]
        try:
            if not can_suspend():
                return server.ask(command)
            # What had to wait that long for a thread is not even begun: a silent server holds up others only once.
            waiting = load("asyncio").to_thread(server.ask, command, time.monotonic() + self._timeout)
            return cast(T, await waiting)
        except TimeoutError as error:
            slow = TimeoutError(f"no answer within {self._timeout:g} s (SESSION_STORE_TIMEOUT)")
            raise unavailable("memcached", node, slow) from error
        except (OSError, ServerRefused) as error:
            raise unavailable("memcached", node, error) from error


def _lot(node: str) -> bytes:
    return hashlib.blake2b(node.encode(), digest_size=32).digest()


def _draw(epoch: int) -> bytes:
    return epoch.to_bytes(8, "big") + os.urandom(_GENERATION - 8)


def _epoch(generation: bytes) -> int:
    return int.from_bytes(generation[:8], "big")


def _listed(item: tuple[bytes, bytes] | None) -> list[tuple[bytes, float]]:
    """Return the keys in the list of a user, each with the moment from which its session cannot be there any more."""
    try:
        return _read_list(item[0]) if item is not None else []
    except msgspec.DecodeError:
        return []


def _notes(data: bytes | None) -> list[KeyNote]:
    try:
        return _read_notes(data) if data is not None else []
    except msgspec.DecodeError:
        return []


def _close(nodes: dict[str, Node]) -> None:
    for node in nodes.values():
        node.close()


def _plain_only(*_: object) -> Never:
    raise AssertionError("unreachable: an event loop uses the plain clients, in threads")
