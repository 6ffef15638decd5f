"""The connections to one server of Redis, and what is said over them: by plain code, and on an event loop.

They are opened by a pool of redis-py, which knows how: by TLS, with a password, to the right database. But its ways of
handing one out, of writing and of reading cost several times what a command itself costs. So a connection stays out of
the pool as long as it works, and is spoken over through hiredis; what has failed goes back to the pool, closed.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import sys
from collections import deque
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final, Self, TypeAlias

import redis
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from erlen.loading import load

__all__ = ["UNASKED", "Command", "Lines", "LoopedLines", "Unsent"]

Command: TypeAlias = tuple[Any, ...] | bytes
"""Its name and arguments, or all of it as it is sent."""

_CHUNK, _BUFFER = 65_536, 16_384
_CLOSED, _LATE = "Connection closed by server", "Timeout while waiting for an answer"
# The tasks of an event loop share so many connections to a server; threads are few by themselves.
_CONNECTIONS = 16
_hiredis: Any = load("hiredis") if find_spec("hiredis") is not None else None
_poll: Any = getattr(select, "poll", None)  # there is none on Windows
# Where it is known how the system is told a timeout: as two numbers of 64 bits.
_TIMED = sys.platform in ("linux", "darwin") and sys.maxsize > 2**32 and sys.byteorder == "little"


class Unsent(Exception):
    """No connection was to be had: the server knows nothing of the command."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


UNASKED: Final = Unsent(RuntimeError("nothing was sent yet"))
"""Stands for the outcome of a command that there was no simple way to send."""


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


def _raise_if_last(reply: Any) -> None:
    """Raise an answer that says that the connection cannot be used."""
    if isinstance(reply, redis.ConnectionError):
        raise reply


def _reader_of(connection: Any) -> Any:
    """Return what reads answers and makes errors of them as *connection* does; None if it does not say how."""
    errors = getattr(getattr(connection, "_parser", None), "parse_error", None)
    return None if errors is None else _hiredis.Reader(protocolError=InvalidResponse, replyError=errors)


class _Line:
    """An open connection that waits for no answer."""

    __slots__ = ("_buffer", "_feed", "_gets", "_receive", "_send", "connection", "has_more", "said")

    def __init__(self, connection: Any, sock: Any, reader: Any) -> None:
        self.connection = connection
        self._send, self._receive = sock.sendall, sock.recv_into
        self._buffer = bytearray(_BUFFER)
        self._gets, self._feed = reader.gets, reader.feed
        self.has_more = reader.has_data
        """Tells whether more was read than answers were asked for."""
        look = _poll()
        look.register(sock, select.POLLIN)
        self.said = look.poll
        """Called with 0, tells whether the server has said something unasked, such as that it closes the connection."""

    @classmethod
    def on(cls, connection: Any) -> Self | None:
        """Take over a connection of redis-py; None if it does not say what is needed for that."""
        sock, reader = getattr(connection, "_sock", None), _reader_of(connection)
        if sock is None or reader is None:
            return None
        _let_system_wait(sock)
        return cls(connection, sock, reader)

    def ask(self, sent: bytes) -> Any:
        """Send commands and return the first answer; without any, the next one. Errors of the server are answers."""
        reply: Any = False
        try:
            if sent:
                self._send(sent)
            else:
                reply = self._gets()
            while reply is False:  # there is more to come
                size = self._receive(self._buffer)
                if not size:
                    raise redis.ConnectionError(_CLOSED)
                self._feed(self._buffer, 0, size)
                reply = self._gets()
        except (TimeoutError, BlockingIOError) as error:
            raise redis.TimeoutError(_LATE) from error
        except OSError as error:
            raise redis.ConnectionError(f"Error while speaking with the server: {error}") from error
        return reply


def _let_system_wait(sock: Any) -> None:
    """Have the system itself wait so long for the server as *sock* does.

    Otherwise Python asks it before each sending and each reading whether that can be done.
    """
    timeout = sock.gettimeout()
    # What stands in for a socket, for TLS or for green threads, has its own way of waiting.
    if not timeout or type(sock).__module__ != "socket" or not _TIMED:
        return
    seconds, rest = divmod(max(1, round(timeout * 1_000_000)), 1_000_000)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, rest))
    sock.setblocking(True)


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

    def begin(self, command: bytes, again: bool) -> Any:
        """Ask over a connection that is open already; return the answer, an error, or UNASKED if there is none."""
        try:
            line = self._idle.pop()
        except IndexError:
            return UNASKED
        # Has the server closed it, that is seen soon enough if the command may be sent again.
        if not again and line.said(0):
            self._give_back(line)
            return UNASKED
        try:
            reply = line.ask(command)
            if type(reply) is not bytes and isinstance(reply, Exception):
                _raise_if_last(reply)
                if line.said(0):  # its last word was no answer
                    raise redis.ConnectionError(_CLOSED) from reply
        except RedisError as error:
            self._give_back(line)
            return error
        except BaseException:
            self._give_back(line)  # an answer that was not read must not be taken for that of the next command
            raise
        if line.has_more():  # nor must one that nobody has asked for
            self._give_back(line)
        else:
            self._idle.append(line)
        return reply

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands over one connection and return the answers; errors of the server are among them.

        :raises Unsent: if there is no connection
        :raises RedisError: if not all answers came
        """
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
            sent, replies = _written(commands), []
            for _ in commands:
                replies.append(line.ask(sent))
                sent = b""
                _raise_if_last(replies[-1])
        except BaseException:
            self._give_back(line)  # see begin()
            raise
        if line.has_more():
            self._give_back(line)
        else:
            self._idle.append(line)
        return replies

    def _take(self) -> _Line | None:
        """Return a connection that is still good, if there is one; the last one used is the first."""
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread took it
                return None
            if not line.said(0):
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


class _LoopedLine(asyncio.Protocol):
    """An open connection of an event loop, and the one answer that is waited for over it.

    It gives itself back when it has got the last answer, even if nobody waits for that any more.
    """

    __slots__ = (
        *("_asked", "_at", "_feed", "_former", "_future", "_gets", "_has_more", "_left", "_lines", "_time"),
        *("_timeout", "_transport", "_waiting", "_watch", "_write", "connection", "lost"),
    )

    def __init__(self, connection: Any, transport: Any, reader: Any, lines: LoopedLines) -> None:
        self.connection = connection
        self.lost = False
        self._lines = lines
        self._gets, self._feed, self._has_more = reader.gets, reader.feed, reader.has_data
        self._timeout: float | None = connection.socket_timeout
        loop = asyncio.get_running_loop()
        self._future, self._time, self._at = loop.create_future, loop.time, loop.call_at
        self._waiting: asyncio.Future[Any] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._asked = 0.0
        self._left = 0
        self._transport, self._write = transport, transport.write
        self._former = transport.get_protocol()
        transport.set_protocol(self)

    @classmethod
    def on(cls, connection: Any, lines: LoopedLines) -> Self | None:
        """Take over a connection of redis-py; None if it does not say what is needed for that."""
        stream: Any = getattr(connection, "_reader", None)
        writer, reader = getattr(connection, "_writer", None), _reader_of(connection)
        if reader is None or writer is None or getattr(stream, "_buffer", True) or stream.at_eof():
            return None
        return cls(connection, writer.transport, reader, lines)

    def begin(self, sent: bytes, left: int = 0) -> asyncio.Future[Any]:
        """Send commands, and return a future of the first answer; without any, of the next one.

        :param left: how many answers are asked for afterwards
        """
        self._waiting = waiting = self._future()
        if self.lost:  # since the last of many answers
            waiting.set_result(redis.ConnectionError(_CLOSED))
            return waiting
        self._left = left
        self._asked = now = self._time()
        # One for many commands: it costs more than all the rest.
        if self._watch is None and self._timeout is not None:
            self._watch = self._at(now + self._timeout, self._look)
        if not sent:
            self.data_received(b"")
            return waiting
        try:
            self._write(sent)
        except Exception as error:
            self.end(redis.ConnectionError(f"Error while speaking with the server: {error}"))
        return waiting

    def data_received(self, data: bytes) -> None:
        """Take what the server has sent."""
        waiting = self._waiting
        if waiting is None and not self._left:  # whatever this is must not be taken for the next answer
            return self.end(redis.ConnectionError(_CLOSED))
        try:
            self._feed(data)
            if waiting is None:  # it will be asked for in a moment
                return None
            reply = self._gets()
        except RedisError as error:
            return self.end(error)
        if reply is False:  # there is more to come
            self._asked = self._time()
            return None
        if type(reply) is not bytes and isinstance(reply, redis.ConnectionError):
            return self.end(reply)
        self._waiting = None
        if not self._left:
            if self._has_more():  # nobody has asked for that, as above
                self.end(redis.ConnectionError(_CLOSED))
            else:
                self._lines.take_back(self)
        if not waiting.done():
            waiting.set_result(reply)
        return None

    def eof_received(self) -> None:
        """Learn that the server closes the connection."""
        self.end(redis.ConnectionError(_CLOSED))

    def connection_lost(self, error: Exception | None) -> None:
        """Learn that the connection is closed."""
        self.end(redis.ConnectionError(f"Error while speaking with the server: {error}" if error else _CLOSED))
        self._former.connection_lost(error)

    def end(self, error: RedisError) -> None:
        """Close the connection, and let *error* be the outcome of what is waited for."""
        if self.lost:
            return
        self.lost = True
        waiting, self._waiting = self._waiting, None
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort()
        self._lines.drop(self)
        if waiting is not None and not waiting.done():
            waiting.set_result(error)

    def _look(self) -> None:
        """See whether an answer is late."""
        self._watch = None
        if self._waiting is None or self._timeout is None:
            return
        due = self._asked + self._timeout
        if due > self._time():
            self._watch = self._at(due, self._look)
        else:
            self.end(redis.TimeoutError(_LATE))


class LoopedLines:
    """The connections to one server, which the tasks of an event loop use by turns; see :class:`Lines`.

    :param most: how many there may be
    :param wait: seconds that a task waits for one
    """

    def __init__(self, pool: Any, kept: bool, most: int | None, wait: float | None) -> None:
        self.pool = pool
        self._kept = kept and _hiredis is not None
        self._free = most or _CONNECTIONS
        self._wait = wait
        self._idle: list[_LoopedLine] = []
        self._lost: list[_LoopedLine] = []
        self._queue: deque[asyncio.Future[None]] = deque()

    def begin(self, command: bytes, again: bool) -> Any:
        """Ask over a connection that is open already; return a future of the answer or an error, or UNASKED."""
        if not self._idle or not self._free:  # while others wait, there is none free
            return UNASKED
        self._free -= 1
        return self._idle.pop().begin(command)

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands over one connection and return the answers; errors of the server are among them.

        :raises Unsent: if there is no connection
        :raises RedisError: if not all answers came
        """
        await self._enter()
        line = None
        try:
            while self._lost:
                await self._give_back(self._lost.pop())
            if self._idle:
                line = self._idle.pop()
            else:
                try:
                    connection = await self.pool.get_connection()
                except (RedisError, OSError) as error:
                    raise Unsent(error) from error
                line = _LoopedLine.on(connection, self) if self._kept else None
                if line is None:
                    return await self._through_pool(connection, commands)
        finally:
            if line is None:
                self._leave()
        replies: list[Any] = []
        left, sent = len(commands), _written(commands)
        try:
            while left:
                left -= 1
                reply = await line.begin(sent, left)
                sent = b""
                if isinstance(reply, RedisError) and not isinstance(reply, ResponseError):
                    raise reply
                replies.append(reply)
        except BaseException:
            if left:  # otherwise it gives itself back
                line.end(redis.ConnectionError(_CLOSED))
            raise
        return replies

    async def _enter(self) -> None:
        """Wait until one more connection may be used."""
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            async with asyncio.timeout(self._wait):
                await place
        except TimeoutError:
            if place.cancelled() or not place.done():  # otherwise it was given to us just now
                raise Unsent(redis.TimeoutError("All connections are in use")) from None
        except BaseException:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        """Let one more connection be used: by who waits longest, or else by whoever comes."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def take_back(self, line: _LoopedLine) -> None:
        """Let others use a connection that has got its answers."""
        self._idle.append(line)
        if self._queue:
            self._leave()
        else:
            self._free += 1

    def drop(self, line: _LoopedLine) -> None:
        """Use a connection no more."""
        self._lost.append(line)
        if line in self._idle:
            self._idle.remove(line)
        else:
            self._leave()

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
