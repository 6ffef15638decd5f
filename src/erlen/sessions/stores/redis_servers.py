"""The servers of a Redis store: where they are, the connections to them, and which one has a key.

The pools and connections are those of redis-py. What is sent over them is decided here, the same way for plain and
asynchronous code, because only so it is known whether a server may have got a command: a change that may have been made
is never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.sentinel
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ReadOnlyError, RedisError
from redis.retry import Retry

from erlen.errors import ConfigError
from erlen.sessions.stores.clients import place_of
from erlen.sessions.stores.redis_lines import UNASKED, Command, Lines, LoopedLines, Unsent

__all__ = ["Address", "Command", "Fleet"]

Begin: TypeAlias = Callable[[bytes, bool], Any]

Node: TypeAlias = tuple[str, int]

_SLOTS = 16384
# How often a command is sent on by a cluster that moves its slots just now.
_HOPS = 6
# So many commands are sent before their answers are read: all of them together would fill the buffers of both sides.
_AT_ONCE = 200
_PORT, _SENTINEL_PORT = 6379, 26379

# What of a client's connection settings says how to reach the server; the rest says how that client talks.
_TAKEN = frozenset(
    {"db", "username", "password", "credential_provider", "client_name", "health_check_interval", "path"}
    | {"socket_keepalive", "socket_keepalive_options", "socket_type", "max_connections"}
)

# With these, redis-py looks after its connections between commands.
_TENDED = frozenset({"credential_provider", "health_check_interval"})

_LOST = ClusterDownError("no answer came")
_Plain: Any = redis
_Looped: Any = redis.asyncio
_parse_url: Any = redis.connection.parse_url
_EXAMPLES = (
    "Write it as 'redis://user:password@host:6379/0', with 'rediss' for TLS, as 'unix:///run/redis.sock', as "
    "'redis+cluster://host:6379,host:6379' or as 'redis+sentinel://host:26379,host:26379/service/0'. In a password the "
    "characters @, /, #, ? and % are written as %40, %2F, %23, %3F and %25."
)


@dataclass(frozen=True)
class Address:
    """Where the servers are, and how to speak with them."""

    place: str
    nodes: tuple[Node, ...]
    """The server; nodes of a cluster, of which one that answers is enough; or the sentinels."""
    kind: str = ""
    """``"cluster"``, ``"sentinel"``, or nothing for a single server."""
    service: str = ""
    """How the sentinels call the server."""
    tls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """What connections to the servers are made with."""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)
    remap: Callable[[Node], Node] | None = None
    """Turns the address that a node of a cluster gives into the one where it is reached from here."""

    @classmethod
    def from_url(cls, url: str, timeout: float) -> Address:
        """Read ``SESSION_URL``.

        :param timeout: seconds that one command may take, unless the URL has a ``socket_timeout``
        :raises ConfigError: if it cannot be read
        """
        parts = urlsplit(url.strip())
        scheme, _, kind = parts.scheme.replace("valkey", "redis").partition("+")
        if scheme not in ("redis", "rediss", "unix") or kind not in ("", "cluster", "sentinel"):
            raise _wrong(f"It begins with {parts.scheme!r}.")
        user, at, hosts = parts.netloc.rpartition("@")
        path = [part for part in parts.path.split("/") if part]
        service = ""
        if kind == "sentinel":
            service = path.pop(0) if path and not path[0].isdecimal() else "mymaster"
        if scheme != "unix" and path and (len(path) > 1 or not path[0].isdecimal()):
            # What stands there is not shown: it may be the half of a password with a slash in it.
            raise _wrong("What follows the host is no number of a database.")
        shown = parts.path if scheme == "unix" else f"/{path[0] if path else ''}"
        try:
            options: dict[str, Any] = _parse_url(f"{scheme}://{user}{at}{shown}?{parts.query}")
            nodes = tuple(_nodes(hosts, _SENTINEL_PORT if kind == "sentinel" else _PORT))
        except ValueError as error:
            raise _wrong(str(error)) from None
        if scheme == "unix" and "path" not in options:
            raise _wrong("It names no socket.")
        if kind == "cluster" and options.pop("db", 0):
            raise _wrong("A cluster has the database 0 alone.")
        sentinel_options = {
            name.removeprefix("sentinel_"): options.pop(name)
            for name in ("sentinel_username", "sentinel_password")
            if name in options
        }
        options.pop("connection_class", None)
        place = f"unix://{options['path']}" if scheme == "unix" else place_of(url.strip())
        address = cls(place, nodes, kind, service, scheme == "rediss", options, sentinel_options)
        return address._finished(timeout, lambda error: _wrong(f"It cannot be used: {error}."))

    @classmethod
    def from_client(cls, client: Any, timeout: float) -> Address:
        """Read the settings of a client of redis-py or valkey-py: plain or not, of a cluster, or made by a Sentinel.

        :raises ConfigError: if it is something else
        """
        manager = getattr(client, "nodes_manager", None)
        pool = getattr(client, "connection_pool", None)
        if manager is not None:
            held = dict(getattr(client, "connection_kwargs", None) or manager.connection_kwargs)
            nodes = tuple((str(node.host), int(node.port)) for node in _values(manager.startup_nodes))
            kind, service, sentinel_options = "cluster", "", {}
            held.pop("db", None)
        elif pool is not None and hasattr(pool, "sentinel_manager"):
            held, kind, service = dict(pool.connection_kwargs), "sentinel", pool.service_name
            sentinels = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
            nodes = tuple((str(each["host"]), int(each["port"])) for each in sentinels)
            sentinel_options = _taken(sentinels[0])
        elif pool is not None and hasattr(pool, "connection_kwargs"):
            held, kind, service, sentinel_options = dict(pool.connection_kwargs), "", "", {}
            nodes = ((held.get("host", "localhost"), int(held.get("port", _PORT))),)
        else:
            raise ConfigError(
                "SESSION_REDIS",
                f"It is {type(client).__name__}, and no client of redis-py or valkey-py.",
                "Give it such a client, or write the address into SESSION_URL: 'redis://host:6379/0'.",
            )
        made_by = held.get("connection_class") or getattr(pool, "connection_class", None)
        tls = bool(held.get("ssl")) or any("SSL" in each.__name__ for each in getattr(made_by, "__mro__", ()))
        hosts = ",".join(f"{host}:{port}" for host, port in nodes)
        place = f"redis{'s' * tls}{'+' * bool(kind)}{kind}://{hosts}{'/' * bool(service)}{service}"
        if held.get("path"):
            place = f"unix://{held['path']}"
        remap = getattr(manager, "address_remap", None)
        address = cls(place, nodes, kind, service, tls, _taken(held), sentinel_options, remap)
        return address._finished(timeout, lambda error: ConfigError("SESSION_REDIS", f"It cannot be used: {error}."))

    def _finished(self, timeout: float, refusal: Callable[[Exception], ConfigError]) -> Address:
        """Add the timeouts, and see that connections can be made with these options; none is opened."""
        usual = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        fixed = {"decode_responses": False, "protocol": 2}  # answers of one form, whatever the client is told
        made = replace(
            self,
            options={**usual, **self.options, **fixed},
            sentinel_options={**usual, **self.sentinel_options, **fixed, "max_connections": None},
        )
        try:
            Fleet(made, looped=False).connection_of(made.nodes[0])
            Fleet(made, looped=True).connection_of(made.nodes[0])
        except (TypeError, ValueError, RedisError) as error:
            raise refusal(error) from error
        return made


def _wrong(problem: str) -> ConfigError:
    return ConfigError("SESSION_URL", problem, _EXAMPLES)


def _nodes(hosts: str, port: int) -> Iterable[Node]:
    for host in hosts.split(","):
        try:
            each = urlsplit(f"//{host}")
            yield each.hostname or "localhost", each.port or port
        except ValueError:  # its text would show what may be the half of a password
            raise ValueError("A port in it is no number.") from None


def _values(nodes: Any) -> list[Any]:
    return list(nodes.values()) if isinstance(nodes, Mapping) else list(nodes)


def _taken(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in options.items()
        if (name in _TAKEN or name.startswith("ssl_")) and value is not None and value is not False
    } | {name: False for name in ("ssl_check_hostname",) if options.get(name) is False}


class _OneContext:
    """Lets all connections of a pool share one TLS context: each would read all certificates of the system again."""

    ssl_context: Any

    def __init__(self, *, contexts: list[Any], **options: Any) -> None:
        super().__init__(**options)
        contexts.append(self.ssl_context)
        self.ssl_context = contexts[0]
        del contexts[1:]


class _LoopedTls(_OneContext, redis.asyncio.SSLConnection):
    pass


class _LoopedSentinelTls(_OneContext, redis.asyncio.sentinel.SentinelManagedSSLConnection):
    pass


class Fleet:
    """The connections to the servers of one address: those of a process, or those of an event loop.

    :param looped: the connections are asynchronous; otherwise nothing here ever suspends
    """

    def __init__(self, address: Address, looped: bool) -> None:
        self.address = address
        self._looped = looped
        self._pools: dict[Node, Any] = {}
        self._lines: dict[Node, Lines | LoopedLines] = {}
        self._only = None if address.kind == "cluster" else address.nodes[0]
        self.begin = _unasked
        # In a cluster: for each slot the node that has it. None when that has to be asked for.
        self._owners: list[Node | None] | None = None
        self._known: tuple[Node, ...] = address.nodes
        self._sentinels: Any = None

    # -- sending ----------------------------------------------------------------------------------------------------

    begin: Begin
    """Sends a command, if that is simple: to the only server, over a connection that is free.

    Takes the command as it is sent, and whether it may be sent twice. Returns the answer, or on an event loop a future
    of it; the error that came instead; or UNASKED. :meth:`call` goes on with an error.
    """

    async def call(self, key: bytes, command: Command, again: bool = False, begun: Any = UNASKED) -> Any:
        """Send *command* to the server that has *key*, and return its answer.

        :param again: it does no harm if the server gets it twice
        :param begun: the error that it has met already
        :raises RedisError: if the server does not answer, or answers with an error
        """
        node = self._only or await self._owner(key)
        asking = lost = False
        for _ in range(_HOPS):
            commands = [("ASKING",), command] if asking else [command]
            try:
                if begun is UNASKED:
                    lines = self._lines.get(node) or self._make_lines(node)
                    if isinstance(lines, LoopedLines):
                        reply = (await lines.exchange(commands))[-1]
                    else:
                        reply = lines.exchange(commands)[-1]
                else:
                    reply, begun = begun, UNASKED
                    if isinstance(reply, redis.ConnectionError):
                        raise reply
            except Unsent as error:
                self._owners = None
                owner = node if lost or self.address.kind != "cluster" else await self._owner(key)
                if owner == node and not asking:
                    raise error.cause from None
                node, asking, lost = owner, False, True
                continue
            except redis.ConnectionError as error:
                self._owners = None
                # A server that is no master any more has refused the change.
                if lost or not (again or isinstance(error.__context__, ReadOnlyError)):
                    raise
                node, asking, lost = await self._owner(key), False, True
                continue
            if not isinstance(reply, Exception):
                return reply
            if isinstance(reply, AskError):
                asking = not isinstance(reply, MovedError)
                if not asking:
                    self._owners = None
                node = self._reachable(reply.host or node[0], reply.port)
                continue
            if isinstance(reply, ClusterDownError):
                self._owners = None
            raise reply
        raise ClusterDownError("the cluster moves this slot from node to node")

    async def batch(self, pairs: Sequence[tuple[bytes, Command]]) -> list[Any]:
        """Send many commands, each to the server that has its key, and return their answers; errors are among them.

        They may be sent again.
        """
        nodes: dict[Node, list[int]] = {}
        for place, (key, _) in enumerate(pairs):
            nodes.setdefault(await self._owner(key), []).append(place)
        replies: list[Any] = [None] * len(pairs)
        for node, places in nodes.items():
            for start in range(0, len(places), _AT_ONCE):
                some = places[start : start + _AT_ONCE]
                try:
                    answers = await self._exchange(node, [pairs[place][1] for place in some])
                except (Unsent, redis.ConnectionError):
                    answers = [_LOST] * len(some)
                for place, answer in zip(some, answers, strict=True):
                    replies[place] = answer
        for place, answer in enumerate(replies):
            if isinstance(answer, AskError | ClusterDownError):  # sent on by the cluster, or lost
                replies[place] = await self.call(*pairs[place], again=True)
        return replies

    async def masters(self) -> list[Node]:
        """Return every server that has keys."""
        if self.address.kind != "cluster":
            return [self.address.nodes[0]]
        return list(dict.fromkeys(node for node in await self._slots() if node is not None))

    async def ask(self, node: Node, *command: Any) -> Any:
        """Send a command that asks something to one of :meth:`masters`."""
        try:
            try:
                reply = (await self._exchange(node, [command]))[0]
            except redis.ConnectionError:
                reply = (await self._exchange(node, [command]))[0]
        except Unsent as error:
            self._owners = None
            raise error.cause from None
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close_looped(self) -> None:
        """Close the connections."""
        for pool in self._take_pools():
            await pool.disconnect()

    def close_plain(self) -> None:
        """Close the connections."""
        for pool in self._take_pools():
            pool.disconnect()

    def _take_pools(self) -> list[Any]:
        pools = [*self._pools.values()]
        if self._sentinels is not None:
            pools += [sentinel.connection_pool for sentinel in self._sentinels.sentinels]
        self._pools, self._lines, self._sentinels, self.begin = {}, {}, None, _unasked
        return pools

    # -- which server -----------------------------------------------------------------------------------------------

    async def _owner(self, key: bytes) -> Node:
        if self._only is not None:
            return self._only
        slot = key_slot(key)
        owner = (await self._slots())[slot]
        if owner is None:
            self._owners = None
            raise ClusterDownError(f"no node of the cluster has the slot {slot}")
        return owner

    async def _slots(self) -> list[Node | None]:
        owners = self._owners
        if owners is None:
            owners = self._owners = await self._ask_slots()
            self._known = tuple(dict.fromkeys([*filter(None, owners), *self.address.nodes]))
        return owners

    async def _ask_slots(self) -> list[Node | None]:
        problem: BaseException | None = None
        for node in self._known:
            try:
                reply = (await self._exchange(node, [("CLUSTER", "SLOTS")]))[0]
            except Unsent as error:
                problem = error.cause
                continue
            except RedisError as error:
                problem = error
                continue
            if isinstance(reply, Exception):
                raise reply
            owners: list[Node | None] = [None] * _SLOTS
            for first, last, master, *_ in reply:
                host = bytes(master[0] or b"").decode()
                owner = self._reachable(host if host not in ("", "?") else node[0], int(master[1]))
                owners[first : last + 1] = [owner] * (last + 1 - first)
            return owners
        assert problem is not None
        raise problem

    def _reachable(self, host: str, port: int) -> Node:
        return (host, port) if self.address.remap is None else self.address.remap((host, port))

    # -- connections ------------------------------------------------------------------------------------------------

    async def _exchange(self, node: Node, commands: Sequence[Command]) -> list[Any]:
        """Send the commands over one connection and return the answers; errors of the server are among them.

        :raises Unsent: if there is no connection
        """
        lines = self._lines.get(node) or self._make_lines(node)
        return await lines.exchange(commands) if isinstance(lines, LoopedLines) else lines.exchange(commands)

    def connection_of(self, node: Node) -> Any:
        """Make a connection to *node* for a use of its own, and open none."""
        # One that sentinels manage asks its pool for the master, and does not keep it alive.
        return self._pool_of(node).make_connection()

    def _pool_of(self, node: Node) -> Any:
        pool = self._pools.get(node)
        return self._pools.setdefault(node, self._make_pool(node)) if pool is None else pool

    def _make_lines(self, node: Node) -> Lines | LoopedLines:
        address, pool = self.address, self._pool_of(node)
        kept = address.kind != "sentinel" and not _TENDED & address.options.keys()
        lines: Lines | LoopedLines
        if self._looped:
            lines = LoopedLines(pool, kept, address.options.get("max_connections"), address.options["socket_timeout"])
        else:
            lines = Lines(pool, kept)
        lines = self._lines.setdefault(node, lines)
        if kept and node == self._only:
            self.begin = lines.begin
        return lines

    def _make_pool(self, node: Node) -> Any:
        """Make the pool of *node*, whose idle connections are looked at before they are used again."""
        address, options = self.address, dict(self.address.options)
        driver = _Looped if self._looped else _Plain
        options["retry"] = _no_retry(self._looped)
        most = options.pop("max_connections", None)
        if self._looped and address.tls:
            options |= {"contexts": [], "connection_class": _LoopedSentinelTls if address.service else _LoopedTls}
        if address.kind == "sentinel":
            tls = {name: value for name, value in options.items() if name.startswith("ssl_")} if address.tls else {}
            sentinel_options = {**address.sentinel_options, **tls, "ssl": address.tls, "retry": options["retry"]}
            if self._sentinels is None:
                self._sentinels = driver.sentinel.Sentinel(address.nodes, sentinel_kwargs=sentinel_options)
            return driver.sentinel.SentinelConnectionPool(
                address.service, self._sentinels, ssl=address.tls, max_connections=most or 2**31, **options
            )
        if "path" in options:
            options["connection_class"] = driver.UnixDomainSocketConnection
        else:
            usual = driver.SSLConnection if address.tls else driver.Connection
            options = {"connection_class": usual, **options, "host": node[0], "port": node[1]}
        return driver.ConnectionPool(max_connections=most or 2**31, **options)


def _unasked(command: bytes, again: bool) -> Any:
    return UNASKED


def _no_retry(looped: bool) -> Any:
    kind: Any = redis.asyncio.retry.Retry if looped else Retry
    return kind(NoBackoff(), 0)
