"""Sessions in Redis or Valkey: a single server, a cluster, or one that sentinels watch over.

Each operation is one script, see :mod:`erlen.sessions.stores.redis_scripts`. The two bytes of shard at the beginning of
a key are its hash tag, so that the two places of a move are in one slot of a cluster. Where a move leads to, the script
does not follow: that key is the next one that is asked for.
"""

from __future__ import annotations

from asyncio import Future
from asyncio import _get_running_loop as _running
from binascii import hexlify
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import Any, Self

import msgspec
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.sessions import record as records
from erlen.sessions.record import Delta, KeyNote, Merged, Record, forwarder
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores import redis_scripts as scripts
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore, can_suspend, until_leased
from erlen.sessions.stores.clients import Clients, unavailable
from erlen.sessions.stores.redis_hashes import (
    END,
    SIZES,
    delta_arguments,
    framed,
    hash_of,
    header_of,
    milliseconds,
    moment,
    moved_arguments,
    record_of,
)
from erlen.sessions.stores.redis_servers import Address, Command, Fleet

__all__ = ["RedisStore"]

_DEFAULT_URL = "redis://localhost:6379"
_PAGE = 500
# Seconds for which a session may be listed for its user and not be there yet, or lead elsewhere.
_SETTLING = 600.0
# The list of a user's sessions is kept so long if it is not known how long the session will live.
_LISTED = 400 * 86_400.0

# So many names are remembered: the next request of a browser asks for the same one.
_NAMED = 4096
_TOUCH = scripts.TOUCH.heads[1]

_encode_note = msgspec.json.Encoder().encode
_decode_note = msgspec.json.Decoder(KeyNote).decode


class RedisStore(SessionStore):
    """Keeps sessions on the servers at *address*, each in a hash whose name begins with *prefix*.

    :param address: see :meth:`Address.from_url <erlen.sessions.stores.redis_servers.Address.from_url>`
    """

    def __init__(self, address: Address, prefix: str = "erlen:") -> None:
        if "{" in prefix:
            raise ConfigError(
                "SESSION_KEY_PREFIX",
                f"{prefix!r} has a brace in it, and in Redis Cluster that would put all sessions on one node.",
                "Leave it out.",
            )
        self.place = address.place
        self._prefix = prefix.encode()
        self._opening = self._prefix + b"{"
        self._places: dict[bytes, bytes] = {}
        self._clients = Clients(
            lambda: Fleet(address, looped=False),
            lambda: Fleet(address, looped=True),
            Fleet.close_plain,
            Fleet.close_looped,
        )

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store that ``SESSION_REDIS`` or ``SESSION_URL`` names, or else one on this machine."""
        if settings.client is not None:
            return cls(Address.from_client(settings.client, settings.timeout), settings.key_prefix)
        return cls(Address.from_url(settings.url or _DEFAULT_URL, settings.timeout), settings.key_prefix)

    # -- the contract -----------------------------------------------------------------------------------------------

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        now, forwarded = self.clock(), False
        while True:
            seen = moment(now) if touch else b""
            place = self._places.get(key) or self._place(key)
            command = b"".join((_TOUCH, place, SIZES[len(seen)], seen, END))
            held = self._begin(command, True)
            if type(held) is not bytes:
                held = await self._finish(held, scripts.TOUCH, key, command, True)
                if not held:
                    return None
            try:
                record = record_of(key, held)
            except ValueError as error:
                raise self._damaged(key, error) from error
            header = record.header
            if header.is_over(now):
                return None
            if header.successor is None:
                record.forwarded = forwarded
                return record
            if header.until <= now:
                return None
            key, forwarded = header.successor, True

    async def create(self, key: bytes, record: Record) -> None:
        now, header = self.clock(), record.header
        if header.user is not None:
            await self._list(header.user, key, header.absolute, now)
        lived = milliseconds(header.deadline - now)
        await self._run(scripts.CREATE, [key], lived, *hash_of(record), again=True)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        (count, parts), now = delta_arguments(delta), self.clock()
        written, forwarded = moment(now), False
        begin = scripts.MERGE.heads[1 + count] if count < 63 else scripts.MERGE.head(1, 1 + count)
        while True:
            if "user" in delta.header:
                await self._list_planned(key, delta, now)
            place = self._places.get(key) or self._place(key)
            command = b"".join((begin, place, SIZES[len(written)], written, *parts, END))
            reply = self._begin(command, False)
            if type(reply) is not int:
                reply = await self._finish(reply, scripts.MERGE, key, command, False)
            if type(reply) is int:  # as most often: there is nothing to tell but the version
                return Merged(False, False, reply, {}, {}, False, forwarded)
            if reply[0] != scripts.FORWARD:
                return _merged(reply, delta, forwarded)
            key, forwarded = reply[1], True

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        now = self.clock()
        trail = forwarder(new, now, grace)
        (count, parts), (more, moved) = delta_arguments(delta), moved_arguments(delta, now)
        left = [milliseconds(trail.deadline - now), *header_of(trail)]
        arguments = b"".join((framed([moment(now)]), *parts, *moved, framed(left), END))
        count += 1 + more + len(left)
        await self._list_planned(new, delta, now)
        key, forwarded = old, False
        while True:
            if grace and forwarded:
                return await self._merge_forwarded(key, delta)
            keys = [key, new, old] if forwarded else [key, new]
            command = scripts.MOVE.head(len(keys), count) + b"".join(map(self._place, keys)) + arguments
            reply = await self._finish(self._begin(command, False), scripts.MOVE, key, command, False)
            if reply[0] != scripts.FORWARD:
                break
            key, forwarded = reply[1], True
        merged = _merged(reply, delta, forwarded)
        if reply[0] == scripts.DONE and not merged.emptied and reply[5] is not None and "user" not in delta.header:
            # Whose session it is, only the server knew. Before this nobody has got the new key, and if we are killed
            # here nobody ever gets it; meanwhile the list leads to the session through the old key.
            await self._list(reply[5].decode(), new, float(reply[6]), now)
        return merged

    async def _merge_forwarded(self, key: bytes, delta: Delta) -> Merged:
        merged = await self.merge(key, delta)
        if not (merged.refused or merged.conflict):
            merged.forwarded = True
        return merged

    async def delete(self, key: bytes) -> None:
        now = self.clock()
        while True:
            reply = await self._run(scripts.DELETE, [key], moment(now), again=True)
            if reply[0] != scripts.FORWARD:
                break
            key = reply[1]
        if reply[1:] and reply[1] is not None:
            await self._call_list(reply[1].decode(), b"ZREM", key)

    async def find(self, user: str) -> list[Record]:
        now = self.clock()
        listed = await self._call_list(user, b"ZRANGE", 0, -1)
        found = {}
        for record in (await self._load_many(listed, follow=True)).values():
            if record is not None and record.header.user == user and not record.header.is_over(now):
                found[record.key] = record
        stale = [key for key in listed if key not in found]
        if stale:
            # Not what was listed just now: the session itself may be on its way to the server.
            await self._run_list(user, scripts.UNLIST, moment(now - _SETTLING), *stale)
        return sorted(found.values(), key=lambda record: record.header.created, reverse=True)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            now, following, forwarded = self.clock(), key, False
            while True:
                arguments = moment(now), owner.encode(), moment(now + lease)
                reply = await self._run(scripts.LEASE, [following], *arguments, again=True)
                if reply[0] != scripts.FORWARD:
                    break
                following, forwarded = reply[1], True
            if reply[0] != scripts.DONE:
                return reply[0] == scripts.REFUSED, None
            record = self._record(following, reply[2])
            record.forwarded, record.touched = forwarded, reply[1] == 1
            return True, record

        return await until_leased(attempt, wait)

    async def scan(self) -> AsyncIterator[Record]:
        now = self.clock()
        async for keys in self._pages():
            for record in (await self._load_many(keys)).values():
                if record is not None and record.header.successor is None and not record.header.is_over(now):
                    yield record

    async def count(self) -> int:
        now, total = self.clock(), 0
        wanted = b"seen", b"idle", b"absolute", b"successor"
        async for keys in self._pages():
            for seen, idle, absolute, successor in await self._batch(
                [(key, (b"HMGET", self._name(key), *wanted)) for key in keys]
            ):
                if absolute is not None and successor is None:
                    total += min(float(seen) + float(idle), float(absolute)) > now
        return total

    async def delete_all(self) -> int:
        # Each session that was there at the beginning is met: under its key, or at the end of the trail that it left.
        total = 0
        async for keys in self._pages():
            total += await self._delete_many(keys)
        return total

    async def check(self) -> list[str]:
        fleet = self._clients.looped() if can_suspend() else self._clients.plain()
        policies: dict[str, None] = {}
        try:
            for node in await fleet.masters():
                await fleet.ask(node, b"PING")
                try:
                    info = await fleet.ask(node, b"INFO", b"memory")
                except ResponseError:  # a server of a provider may keep it to itself
                    continue
                policies |= dict.fromkeys(
                    line[17:].decode() for line in info.split() if line[:17] == b"maxmemory_policy:"
                )
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        await self.merge(b"\0" * 34, Delta())  # scripts may be forbidden
        return [
            f"{self.place} has the maxmemory-policy {policy!r}: when its memory is full it drops sessions, and people "
            "are logged out. Set it to 'noeviction' (CONFIG SET maxmemory-policy noeviction, and in redis.conf), and "
            "keep caches on a server of their own."
            for policy in policies
            if policy != "noeviction"
        ]

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        name = self._prefix + b"keys"
        oldest, kept = note.noted - NOTE_KEPT, milliseconds(2 * NOTE_KEPT)
        arguments = note.fingerprint.encode(), _encode_note(note), moment(note.noted), moment(oldest), kept
        held = await self._eval(scripts.NOTE, [name], arguments, again=True)
        notes = [_decode_note(each.partition(b" ")[2]) for each in held[1::2]]
        return [other for other in notes if other.fingerprint != note.fingerprint]

    async def close(self) -> None:
        await self._clients.close()

    # -- many sessions ----------------------------------------------------------------------------------------------

    async def _pages(self) -> AsyncIterator[list[bytes]]:
        """Yield the keys of all sessions and trails, each once, by pages."""
        start = len(self._prefix)
        pattern = b"".join(b"\\%c" % each if each in b"*?[]^\\" else b"%c" % each for each in self._prefix)
        seen: set[bytes] = set()  # a server that makes more room for its keys names some of them again
        fleet = self._clients.looped() if can_suspend() else self._clients.plain()
        try:
            for node in await fleet.masters():
                cursor = b"0"
                while True:
                    command = (b"SCAN", cursor, b"MATCH", pattern + b"{????}*", b"COUNT", _PAGE)
                    cursor, names = await fleet.ask(node, *command)
                    keys = {bytes.fromhex((name[start + 1 : start + 5] + name[start + 6 :]).decode()) for name in names}
                    keys -= seen
                    seen |= keys
                    if keys:
                        yield list(keys)
                    if cursor == b"0":
                        break
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error

    async def _load_many(self, keys: Iterable[bytes], follow: bool = False) -> dict[bytes, Record | None]:
        """Return what stands under the keys; with *follow* the sessions that trails lead to, over or not."""
        found: dict[bytes, Record | None] = {}
        ahead = list(keys)
        while ahead:
            held = await self._batch([(key, (b"HGETALL", self._name(key))) for key in ahead])
            following = []
            for key, each in zip(ahead, held, strict=True):
                record = self._record(key, each) if each else None
                successor = record.header.successor if follow and record is not None else None
                found[key] = None if successor is not None else record
                if successor is not None and successor not in found:
                    following.append(successor)
            ahead = following
        return found

    async def _delete_many(self, keys: Iterable[bytes]) -> int:
        now, total, ahead = moment(self.clock()), 0, list(keys)
        while ahead:
            replies = await self._batch(
                [(key, (b"EVALSHA", scripts.DELETE.name, 1, self._name(key), now)) for key in ahead], bearing=True
            )
            following = []
            unlisted: list[tuple[bytes, Command]] = []
            for key, reply in zip(ahead, replies, strict=True):
                if isinstance(reply, NoScriptError):
                    reply = await self._run(scripts.DELETE, [key], now, again=True)
                elif isinstance(reply, Exception):
                    raise self._unavailable(reply) from reply
                if reply[0] == scripts.FORWARD:
                    following.append(reply[1])
                    continue
                total += reply[0] == scripts.DONE
                if reply[1:] and reply[1] is not None:
                    name = self._list_name(reply[1].decode())
                    unlisted.append((name, (b"ZREM", name, key)))
            await self._batch(unlisted, named=True)
            ahead = following
        return total

    # -- the sessions of a user -------------------------------------------------------------------------------------

    async def _list_planned(self, key: bytes, delta: Delta, now: float) -> None:
        """List the session for the user whom *delta* binds, before it does: what is bound can be found."""
        user = delta.header.get("user")
        if user is not None:
            await self._list(user, key, delta.header.get("absolute", now + _LISTED), now)

    async def _list(self, user: str, key: bytes, absolute: float, now: float) -> None:
        await self._run_list(user, scripts.LIST, key, moment(now), milliseconds(absolute - now))

    async def _run_list(self, user: str, script: scripts.Script, *arguments: bytes) -> None:
        await self._eval(script, [self._list_name(user)], arguments, again=True)

    async def _call_list(self, user: str, command: bytes, *arguments: Any) -> Any:
        name = self._list_name(user)
        return await self._call(name, (command, name, *arguments), named=True)

    def _list_name(self, user: str) -> bytes:
        return self._prefix + b"user:" + user.encode()

    # -- commands ---------------------------------------------------------------------------------------------------

    def _name(self, key: bytes) -> bytes:
        shown = hexlify(key)
        return self._opening + shown[:4] + b"}" + shown[4:]

    def _place(self, key: bytes) -> bytes:
        """Return the name of a session as it is sent."""
        place = self._places.get(key)
        if place is None:
            place = framed([self._name(key)])
            if len(self._places) >= _NAMED:
                self._places.clear()
            self._places[key] = place
        return place

    def _record(self, key: bytes, held: list[bytes] | bytes) -> Record:
        """Make a record of a hash."""
        try:
            return record_of(key, held)
        except ValueError as error:
            raise self._damaged(key, error) from error

    def _damaged(self, key: bytes, error: ValueError) -> SessionUnavailable:
        return SessionUnavailable(
            f"A stored session at {self.place} is damaged and cannot be read ({self._name(key).decode()}: {error})."
        )

    def _run(
        self, script: scripts.Script, keys: list[bytes], *arguments: bytes, again: bool = False
    ) -> Coroutine[Any, Any, Any]:
        return self._eval(script, [self._name(key) for key in keys], arguments, again)

    async def _eval(
        self, script: scripts.Script, names: Sequence[bytes], arguments: Sequence[bytes], again: bool = False
    ) -> Any:
        """Run a script by its name.

        :param again: it may run twice, if its answer was lost
        """
        command = script.command(names, arguments)
        return await self._finish(self._begin(command, again), script, names[0], command, again, named=True)

    def _begin(self, command: bytes, again: bool) -> Any:
        """Begin with a command; return what :meth:`Fleet.begin` does. Only a coroutine may call it."""
        loop = _running()
        if loop is not None and can_suspend(2):
            return self._clients.looped(loop).begin(command, again)
        return self._clients.plain().begin(command, again)

    async def _finish(
        self, outcome: Any, script: scripts.Script, key: bytes, command: bytes, again: bool, named: bool = False
    ) -> Any:
        """Return the answer of a command of which *outcome* has come so far.

        A server that does not know the script yet is sent all of it.
        """
        if isinstance(outcome, Future):
            outcome = await outcome
        if not isinstance(outcome, Exception):
            return outcome
        fleet = self._clients.looped() if can_suspend() else self._clients.plain()
        name = key if named else self._name(key)
        try:
            try:
                return await fleet.call(name, command, again, outcome)
            except NoScriptError:
                return await fleet.call(name, script.whole(command), again)
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error

    async def _call(self, key: bytes, command: Command, named: bool = False) -> Any:
        """Send a command that may be sent twice; *key* is a session's, unless it is *named* as it stands."""
        fleet = self._clients.looped() if can_suspend() else self._clients.plain()
        try:
            return await fleet.call(key if named else self._name(key), command, again=True)
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error

    async def _batch(self, pairs: list[tuple[bytes, Command]], named: bool = False, bearing: bool = False) -> list[Any]:
        """Send many commands that may be sent twice; with *bearing*, errors are among the answers."""
        fleet = self._clients.looped() if can_suspend() else self._clients.plain()
        try:
            replies = await fleet.batch(pairs if named else [(self._name(key), command) for key, command in pairs])
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        for reply in replies:
            if isinstance(reply, Exception) and not bearing:
                raise self._unavailable(reply) from reply
        return replies

    def _unavailable(self, error: BaseException) -> SessionUnavailable:
        advice = ""
        if isinstance(error, AuthenticationError):
            advice = "See that SESSION_URL has the user and the password that this server expects."
        elif isinstance(error, NoPermissionError):
            advice = (
                f"Allow its user the keys {self._prefix.decode()}*, and the commands EVAL, EVALSHA, SCAN, PING and "
                "those of hashes and sorted sets."
            )
        elif isinstance(error, OutOfMemoryError):
            advice = "Its memory is full: give it more (maxmemory), or see what else is kept there."
        elif isinstance(error, ResponseError):
            advice = "See that it is Redis 7 or newer, or Valkey, and that SESSION_URL tells a cluster as one."
        return unavailable("Redis", self.place, error, advice)


def _merged(reply: list[Any], delta: Delta, forwarded: bool) -> Merged:
    """Read the answer of a merge or a move."""
    status = reply[0]
    if status == scripts.REFUSED:
        return records.REFUSED
    if status == scripts.CONFLICT:
        return records.CONFLICT
    if status == scripts.OVERFLOW:
        key = reply[1].decode()
        raise SessionValueError(
            f"session[{key!r}]", f"adding {delta.incr[key]} leaves the range of a counter, 64 bits with sign."
        )
    _, version, emptied, numbers, taken = reply[:5]
    return Merged(
        version=version,
        emptied=emptied == 1,
        numbers={key.decode(): int(total) for key, total in _pairs(numbers)} if numbers else {},
        taken={key.decode(): raw for key, raw in _pairs(taken)} if taken else {},
        forwarded=forwarded,
    )


def _pairs(flat: list[bytes]) -> Iterable[tuple[bytes, bytes]]:
    each = iter(flat)
    return zip(each, each, strict=True)
