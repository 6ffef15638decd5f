"""A client of one memcached server: the text protocol by one body, on a plain socket or on an event loop.

A connection is used again only if its last answer was read to the end. So a request that is cancelled or runs out of
time never leaves an answer behind for the next one, which would then get another visitor's session.
"""

from __future__ import annotations

import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from erlen.errors import ConfigError
from erlen.loading import load

__all__ = ["Address", "LoopedServer", "PlainServer", "Server", "ServerRefused", "parse_address"]

T = TypeVar("T")

Address: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""

_PORT = 11211
# How many connections an event loop opens to one server; what comes then waits for one, within its timeout.
_CONNECTIONS = 32
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s\[\]:@/]+))(?::(?P<port>[0-9]{1,5}))?")


class ServerRefused(Exception):
    """The server answered with an error."""


def parse_address(text: str, setting: str = "SESSION_URL") -> Address:
    """Read ``"host:port"``, ``"host"``, ``"[::1]:port"`` or ``"/path/to/socket"``.

    :raises ConfigError: if it is none of them, in the name of *setting*
    """
    if text.startswith("/"):
        return text
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"] or _PORT) > 65535:
        raise ConfigError(
            setting,
            f"{text.rpartition('@')[2]!r} is no address of a memcached server.",
            "Write 'memcached://host:11211', with a comma between several, or 'memcached:///path/to/socket'. There is "
            "no name and no password: memcached asks for none.",
        )
    return found["six"] or found["host"], int(found["port"] or _PORT)


class _Connection(ABC):
    """One connection: lines and counted bytes in, bytes out."""

    @abstractmethod
    async def send(self, data: bytes) -> None: ...

    @abstractmethod
    async def line(self) -> bytes: ...

    @abstractmethod
    async def exactly(self, count: int) -> bytes: ...

    @abstractmethod
    def is_quiet(self) -> bool:
        """Tell whether it is open and nothing unread has come: whether it may be used again."""

    @abstractmethod
    def close(self) -> None: ...


class _PlainConnection(_Connection):
    def __init__(self, address: Address, timeout: float) -> None:
        if isinstance(address, str):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.settimeout(timeout)
                self._socket.connect(address)
            except BaseException:
                self._socket.close()
                raise
        else:
            self._socket = socket.create_connection(address, timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout = timeout
        self._file = self._socket.makefile("rb")

    async def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    async def line(self) -> bytes:
        return self._file.readline()

    async def exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise _closed()
        return data

    def is_quiet(self) -> bool:
        try:
            self._socket.settimeout(0)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            self._socket.settimeout(self._timeout)
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class _LoopedConnection(_Connection):
    def __init__(self, reader: Any, writer: Any) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def line(self) -> bytes:
        line: bytes = await self._reader.readline()
        return line

    async def exactly(self, count: int) -> bytes:
        try:
            data: bytes = await self._reader.readexactly(count)
        except EOFError:
            raise _closed() from None
        return data

    def is_quiet(self) -> bool:
        return not (self._reader.at_eof() or self._reader.exception() or self._writer.is_closing())

    def close(self) -> None:
        self._writer.transport.abort()


class Server(ABC):
    """One server, by connections that are kept for the next command.

    :param timeout: seconds that one command may take
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self._idle: list[_Connection] = []
        self._closed = False

    async def gets(self, *names: bytes) -> dict[bytes, tuple[bytes, bytes]]:
        """Return the items that are there, each with its value and its cas unique: one command."""
        return await self._ask(b"gets %b\r\n" % b" ".join(names), _read_items)

    async def store(
        self, verb: bytes, name: bytes, value: bytes, expires: int = 0, unique: bytes | None = None
    ) -> bool:
        """Send ``set``, ``add`` or ``cas``, and tell whether it was stored."""
        unique = b"" if unique is None else b" " + unique
        head = b"%b %b 0 %d %d%b\r\n" % (verb, name, expires, len(value), unique)
        return await self._ask(head + value + b"\r\n", _read_stored)

    async def stats(self, what: bytes = b"") -> dict[bytes, bytes]:
        """Return what the server tells of itself."""
        return await self._ask((b"stats " + what).rstrip() + b"\r\n", _read_stats)

    async def _ask(self, request: bytes, read: Callable[[_Connection], Awaitable[T]]) -> T:
        connection = self._take() or await self._connect()
        try:
            await connection.send(request)
            answer = await read(connection)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._closed:
            self._close_idle()
        return answer

    def _take(self) -> _Connection | None:
        """Return a connection that was used before, unless the server has given up all of them."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if connection.is_quiet():
                return connection
            connection.close()
        return None

    @abstractmethod
    async def _connect(self) -> _Connection: ...

    def _close_idle(self) -> None:
        self._closed = True
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                break


class PlainServer(Server):
    """A server for plain code, shared by the threads of a process: each command blocks its thread."""

    async def _connect(self) -> _Connection:
        return _PlainConnection(self.address, self.timeout)

    def close(self) -> None:
        """Close the connections; those in use are closed when they come back."""
        self._close_idle()


class LoopedServer(Server):
    """A server for one event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._asyncio = load("asyncio")
        self._free = self._asyncio.Semaphore(_CONNECTIONS)

    async def _ask(self, request: bytes, read: Callable[[_Connection], Awaitable[T]]) -> T:
        async with self._asyncio.timeout(self.timeout), self._free:
            return await super()._ask(request, read)

    async def _connect(self) -> _Connection:
        if isinstance(self.address, str):
            return _LoopedConnection(*await self._asyncio.open_unix_connection(self.address))
        return _LoopedConnection(*await self._asyncio.open_connection(*self.address))

    async def close(self) -> None:
        """Close the connections; those in use are closed when they come back."""
        self._close_idle()
        await self._asyncio.sleep(0)  # the loop lets go of them in its next turn


def _closed() -> ConnectionError:
    return ConnectionResetError("the connection was closed in the middle of an answer")


def _unexpected(line: bytes) -> Exception:
    if not line.endswith(b"\n"):
        return _closed()
    return ServerRefused(line.decode(errors="replace").strip().removeprefix("SERVER_ERROR "))


async def _read_items(connection: _Connection) -> dict[bytes, tuple[bytes, bytes]]:
    items = {}
    while (line := await connection.line()) != b"END\r\n":
        words = line.split()
        if len(words) != 5 or words[0] != b"VALUE":
            raise _unexpected(line)
        value = await connection.exactly(int(words[3]) + 2)
        items[words[1]] = value[:-2], words[4]
    return items


async def _read_stored(connection: _Connection) -> bool:
    line = await connection.line()
    if line == b"STORED\r\n":
        return True
    if line in (b"NOT_STORED\r\n", b"EXISTS\r\n", b"NOT_FOUND\r\n"):
        return False
    raise _unexpected(line)


async def _read_stats(connection: _Connection) -> dict[bytes, bytes]:
    stats = {}
    while (line := await connection.line()) != b"END\r\n":
        words = line.rstrip().split(b" ", 2)
        if words[0] != b"STAT" or len(words) < 2:
            raise _unexpected(line)
        stats[words[1]] = words[2] if len(words) > 2 else b""
    return stats
