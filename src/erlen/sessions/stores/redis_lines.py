"""The connections to one server of Redis, and what is said over them: by plain code, and on an event loop.

They are opened by a pool of redis-py, which knows how: by TLS, with a password, to the right database. But its ways of
handing one out, of writing and of reading cost several times what a command itself costs. So a connection stays out of
the pool as long as it works, and is spoken over through hiredis; what has failed goes back to the pool, closed.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Self, TypeAlias

import redis
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from erlen.loading import load

__all__ = ["Command", "Lines", "LoopedLines", "Unsent"]

Command: TypeAlias = tuple[Any, ...] | bytes
"""Its name and arguments, or all of it as it is sent."""

_CHUNK, _BUFFER = 65_536, 16_384
_CLOSED, _LATE = "Connection closed by server", "Timeout while waiting for an answer"
# The tasks of an event loop share so many connections to a server; threads are few by themselves.
_CONNECTIONS = 16
_hiredis: Any = load("hiredis") if find_spec("hiredis") is not None else None
_poll: Any = getattr(select, "poll", None)  # there is none on Windows


class Unsent(Exception):
    """No connection was to be had: the server knows nothing of the command."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _written(commands: Sequence[Command]) -> bytes:
    if len(commands) == 1 and type(commands[0]) is bytes:  # as most often
        return commands[0]
    return b"".join([each if type(each) is bytes else _hiredis.pack_command(each) for each in commands])


def _packed(connection: Any, commands: Sequence[Command]) -> list[bytes]:
    """Return what is sent where hiredis is not used."""
    packed: list[bytes] = []
    for each in commands:
        packed += [each] if isinstance(each, bytes) else connection.pack_command(*each)
    return packed


def _reader_of(connection: Any) -> Any:
    """Return what reads answers and makes errors of them as *connection* does; None if it does not say how."""
    errors = getattr(getattr(connection, "_parser", None), "parse_error", None)
    return None if errors is None else _hiredis.Reader(protocolError=InvalidResponse, replyError=errors)


class _Line:
    """An open connection that waits for no answer."""

    __slots__ = ("_buffer", "_feed", "_gets", "_looked", "_receive", "_send", "connection")

    def __init__(self, connection: Any, sock: Any, reader: Any) -> None:
        self.connection = connection
        self._send, self._receive = sock.sendall, sock.recv_into
        self._buffer = bytearray(_BUFFER)
        self._gets, self._feed = reader.gets, reader.feed
        look = _poll()
        look.register(sock, select.POLLIN)
        self._looked = look.poll

    @classmethod
    def on(cls, connection: Any) -> Self | None:
        """Take over a connection of redis-py; None if it does not say what is needed for that."""
        sock, reader = getattr(connection, "_sock", None), _reader_of(connection)
        return None if sock is None or reader is None else cls(connection, sock, reader)

    def is_stale(self) -> bool:
        """Tell whether the server has said something without being asked, such as that it closes the connection."""
        return bool(self._looked(0))

    def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands and return the answers; errors of the server are among them."""
        gets = self._gets
        replies: list[Any] = []
        try:
            self._send(_written(commands))
            for _ in commands:
                reply = gets() if replies else False
                while reply is False:  # there is more to come
                    size = self._receive(self._buffer)
                    if not size:
                        raise redis.ConnectionError(_CLOSED)
                    self._feed(self._buffer, 0, size)
                    reply = gets()
                if isinstance(reply, redis.ConnectionError):
                    raise reply
                replies.append(reply)
        except TimeoutError as error:
            raise redis.TimeoutError(_LATE) from error
        except OSError as error:
            raise redis.ConnectionError(f"Error while speaking with the server: {error}") from error
        return replies


class Lines:
    """The connections to one server, which threads use by turns.

    :param pool: the pool of redis-py that opens them
    :param kept: whether a connection may stay out of the pool. One whose password is renewed meanwhile may not, nor one
        that sentinels manage, because the pool finds out when it leads to a server that is no master any more
    """

    def __init__(self, pool: Any, kept: bool) -> None:
        self.pool = pool
        self._kept = kept and _hiredis is not None and _poll is not None
        self._idle: list[_Line] = []

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands over one connection and return the answers; errors of the server are among them.

        :raises Unsent: if there is no connection
        :raises RedisError: if not all answers came
        """
        try:
            line: _Line | None = self._idle.pop()
        except IndexError:
            line = None
        if line is not None and line._looked(0):
            self._give_back(line)
            line = self._take()
        if line is None:
            try:
                connection = self.pool.get_connection()
            except (RedisError, OSError) as error:
                raise Unsent(error) from error
            line = _Line.on(connection) if self._kept else None
            if line is None:
                return self._through_pool(connection, commands)
        try:
            replies = line.ask(commands)
        except BaseException:
            self._give_back(line)  # an answer that was not read must not be taken for that of the next command
            raise
        self._idle.append(line)
        return replies

    def _take(self) -> _Line | None:
        """Return a connection that is still good, if there is one; the last one used is the first."""
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread took it
                return None
            if not line.is_stale():
                return line
            self._give_back(line)
        return None

    def _give_back(self, line: _Line) -> None:
        line.connection.disconnect()
        self.pool.release(line.connection)

    def _through_pool(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        """Do with the ways of redis-py what a line does."""
        replies: list[Any] = []
        try:
            connection.send_packed_command(_packed(connection, commands))
            for _ in commands:
                try:
                    replies.append(connection.read_response())
                except ResponseError as error:
                    replies.append(error)
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self.pool.release(connection)
        return replies


class _LoopedLine:
    """An open connection of an event loop that waits for no answer."""

    __slots__ = ("_feed", "_gets", "_stream", "_timeout", "_writer", "connection")

    def __init__(self, connection: Any, stream: Any, writer: Any, reader: Any) -> None:
        self.connection = connection
        self._stream, self._writer = stream, writer
        self._gets, self._feed = reader.gets, reader.feed
        self._timeout = connection.socket_timeout

    @classmethod
    def on(cls, connection: Any) -> Self | None:
        """Take over a connection of redis-py; None if it does not say what is needed for that."""
        stream, writer = getattr(connection, "_reader", None), getattr(connection, "_writer", None)
        reader = _reader_of(connection)
        if reader is None or writer is None or not hasattr(stream, "_buffer"):
            return None
        return cls(connection, stream, writer, reader)

    def is_stale(self) -> bool:
        """Tell whether the server has said something without being asked, such as that it closes the connection."""
        stream = self._stream
        return bool(stream._buffer) or stream.at_eof() or self._writer.is_closing()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands and return the answers; errors of the server are among them."""
        gets, replies = self._gets, []
        try:
            sent = _written(commands)
            self._writer.write(sent)
            if len(sent) > _CHUNK:
                async with asyncio.timeout(self._timeout):
                    await self._writer.drain()
            for _ in commands:
                reply = gets()
                while reply is False:  # there is more to come
                    async with asyncio.timeout(self._timeout):
                        data = await self._stream.read(_CHUNK)
                    if not data:
                        raise redis.ConnectionError(_CLOSED)
                    self._feed(data)
                    reply = gets()
                if isinstance(reply, redis.ConnectionError):
                    raise reply
                replies.append(reply)
        except TimeoutError as error:
            raise redis.TimeoutError(_LATE) from error
        except OSError as error:
            raise redis.ConnectionError(f"Error while speaking with the server: {error}") from error
        return replies


class LoopedLines:
    """The connections to one server, which the tasks of an event loop use by turns; see :class:`Lines`.

    :param most: how many there may be
    :param wait: seconds that a task waits for one
    """

    def __init__(self, pool: Any, kept: bool, most: int | None, wait: float | None) -> None:
        self.pool = pool
        self._kept = kept and _hiredis is not None
        self._free = asyncio.Semaphore(most or _CONNECTIONS)
        self._wait = wait
        self._idle: list[_LoopedLine] = []

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands over one connection and return the answers; errors of the server are among them.

        :raises Unsent: if there is no connection
        :raises RedisError: if not all answers came
        """
        if self._free.locked():
            try:
                async with asyncio.timeout(self._wait):
                    await self._free.acquire()
            except TimeoutError:
                raise Unsent(redis.TimeoutError("All connections are in use")) from None
        else:
            await self._free.acquire()
        try:
            return await self._exchange(commands)
        finally:
            self._free.release()

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        line = None
        while self._idle:
            line = self._idle.pop()
            if not line.is_stale():
                break
            await self._give_back(line)
            line = None
        if line is None:
            try:
                connection = await self.pool.get_connection()
            except (RedisError, OSError) as error:
                raise Unsent(error) from error
            line = _LoopedLine.on(connection) if self._kept else None
            if line is None:
                return await self._through_pool(connection, commands)
        try:
            replies = await line.ask(commands)
        except BaseException:
            await self._give_back(line)  # see Lines; a task that is cancelled comes here, too
            raise
        self._idle.append(line)
        return replies

    async def _give_back(self, line: _LoopedLine) -> None:
        try:
            await line.connection.disconnect(nowait=True)
        finally:
            await self.pool.release(line.connection)

    async def _through_pool(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        """Do with the ways of redis-py what a line does."""
        replies: list[Any] = []
        try:
            await connection.send_packed_command(_packed(connection, commands))
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as error:
                    replies.append(error)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self.pool.release(connection)
        return replies
