"""The WebSocket (RFC 6455): the request that asked for it, and the messages that follow.

A WebSocket begins as a GET request, and is one here: an object of :class:`WebSocket` has the headers, cookies, query
and values out of the path that a request has, and ``request`` and ``session`` work as in any view.

Laws of this file: one task reads what the client sends, and leaves it in an inbox of a fixed length, so that a client
that goes is noticed while the view does something else (before the acceptance too, where the server tells of it), and
one that sends faster than the view receives is held back by its own connection. Who sends waits until the server has
taken the message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers

from erlen.callables import Rest
from erlen.http.request import Request
from erlen.http.response import lower
from erlen.http.streaming import AsyncBody
from erlen.http.wire import (
    ABNORMAL,
    GOING_AWAY,
    NORMAL,
    POLICY,
    TOO_BIG,
    Rate,
    WebSocketClosed,
    WebSocketDataError,
    Wire,
)
from erlen.loading import load

if TYPE_CHECKING:
    import asyncio

__all__ = ["WebSocket"]

#: How many messages wait for the view before the client is held back.
_INBOX = 16

_REASON_AT_MOST = 123  # bytes; a control frame has no more (RFC 6455, section 5.5)


class WebSocket(Request):
    """A WebSocket, and the request that asked for it. In a view it is ``erlen.websocket``.

    ::

        @app.websocket("/echo")
        async def echo():
            async for message in websocket:
                await websocket.send(message)

    It is accepted by :meth:`accept`, or by the first message that is sent or waited for.
    """

    #: Whether the handshake was accepted.
    accepted = False
    #: The close code, once it is closed.
    close_code: int | None = None
    close_reason: str = ""
    #: The subprotocol that was agreed on.
    subprotocol: str | None = None

    #: The most bytes that a message may have; see ``WEBSOCKET_MAX_MESSAGE_SIZE``.
    max_message_size: int | None = None
    close_timeout: float = 2
    receive_timeout: float | None = 60
    #: How many seconds a message may wait for a client that does not read; see ``WEBSOCKET_SEND_TIMEOUT``.
    send_timeout: float | None = 60
    _wire: Wire
    _loop: asyncio.AbstractEventLoop
    _inbox: deque[str | bytes]
    #: Who waits for something to happen: a message, or the end.
    _waiting: list[asyncio.Future[None]]
    _receivers = 0
    _reader: asyncio.Task[None] | None = None
    #: Starts the reader, if hooks or view wait for something before they accept.
    _early: asyncio.Handle | None = None
    _room: asyncio.Future[None] | None = None
    _rate: Rate | None = None
    #: Called before the handshake is accepted; gives the headers of the answer.
    _on_accept: Callable[[], Awaitable[list[tuple[str, str]]]] | None = None
    #: Called once, when the client has gone.
    _on_gone: Callable[[], Any] | None = None
    #: Called when somebody is told that it is closed.
    _on_told: Callable[[], Any] | None = None
    _accepting = False
    #: The reader is closing it because of what it has read.
    _shutting = False
    #: What closes it when its session ends (:mod:`erlen.lifecycle.session_watch`).
    _watched: Any = None
    #: Closes it because of something that its view has no part in.
    _ending: asyncio.Task[None] | None = None

    def attach(self, wire: Wire, loop: asyncio.AbstractEventLoop) -> None:
        """Give it the server's end, and the loop that it runs on."""
        self._wire = wire
        self._loop = loop
        self._inbox = deque()
        self._waiting = []

    @property
    def path_params(self) -> dict[str, Any]:
        """The values out of the path; the view is given them, too."""
        return self.view_args or {}

    @property
    def subprotocols(self) -> list[str]:
        """What the client offers in ``Sec-WebSocket-Protocol``, the one that it likes best first."""
        return self._wire.subprotocols()

    @property
    def closed(self) -> bool:
        """Whether it is closed, by either side."""
        return self.close_code is not None

    # The handshake.

    def watch_handshake(self) -> None:
        """Notice from the next turn of the loop on that the client goes, where the server tells of it this early."""
        if self._wire.tells_departure and self.close_code is None:
            self._early = self._loop.call_soon(self._start_reading)

    def _start_reading(self) -> None:
        self._leave_early()
        if self._reader is None and self.close_code is None:
            self._reader = self._loop.create_task(self._read())

    def _leave_early(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None

    def leave(self, closed: WebSocketClosed) -> None:
        """Note that the client has gone."""
        if self._end(closed.code, closed.reason):
            self._gone()

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        """Accept the handshake. Nothing happens if it was accepted already, by the first message for instance.

        What was put into the session until now is saved, and its cookie is sent with the answer.

        :param subprotocol: one of :attr:`subprotocols`
        :param headers: a mapping or a list of pairs to be sent with the answer
        :raises ValueError: for a subprotocol that the client has not offered, or one on a protocol that carries none
        :raises WebSocketClosed: if the client has gone already
        """
        while self._accepting:  # another task of the view has begun to
            await self._wait()
        if self.accepted:
            return
        self._check_open()
        if subprotocol is not None and subprotocol not in self.subprotocols:
            offered = ", ".join(map(repr, self.subprotocols)) or "none"
            raise ValueError(
                f"The subprotocol {subprotocol!r} was not offered by the client, which would close the connection. "
                f"It offers: {offered}. Choose one of websocket.subprotocols, or leave it out."
            )
        pairs = [(str(name), str(value)) for name, value in Headers(headers).items()]
        if subprotocol is not None and not self._wire.carries_subprotocol:
            raise ValueError(
                f"The subprotocol {subprotocol!r} cannot be agreed on over RSGI, whose acceptance carries none. Serve "
                "the application over ASGI (erlen serve --interface asgi), or leave it out."
            )
        if pairs and not self._wire.carries_headers:
            raise ValueError(
                f"The header {pairs[0][0]!r} cannot be sent: granian's acceptance of a WebSocket carries no headers. "
                "Send it as a message, or serve the application by uvicorn or hypercorn."
            )
        self._accepting = True
        try:
            if self._on_accept is not None:
                pairs += await self._on_accept()
                self._check_open()
            await self._wire.accept(subprotocol, pairs)
            self.accepted, self.subprotocol = True, subprotocol
            self._start_reading()
        except WebSocketClosed as closed:
            self._end(closed.code, closed.reason)
            raise
        finally:
            self._accepting = False
            self._wake()

    async def refuse(self, response: Any) -> None:
        """Answer the handshake with an HTTP response in place of a WebSocket. Called when the view has not accepted."""
        status, headers, body = lower(response, self.environ)
        if type(body) is AsyncBody:
            try:
                whole = b"".join([piece async for piece in body.pieces]) if body.wanted else b""
            finally:
                await body.pieces.aclose()
        else:
            try:
                whole = b"".join(body)
            finally:
                close = getattr(body, "close", None)
                if close is not None:
                    close()
        await self._stop_reading()
        if self.close_code is None:
            self.close_code = ABNORMAL
            with suppress(WebSocketClosed):
                await self._wire.reject(int(status.split()[0]), headers, whole)

    # Messages.

    async def receive(self) -> str | bytes:
        """Wait for the next message and return it: text as ``str``, binary as ``bytes``.

        :raises WebSocketClosed: when it is closed and every message that came before was received
        """
        if not self.accepted:
            await self.accept()
        self._receivers += 1
        try:
            while not self._inbox:
                self._check_open()
                await self._wait()
        finally:
            self._receivers -= 1
        message = self._inbox.popleft()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait until the server has taken it.

        A client that reads nothing holds that up. After ``WEBSOCKET_SEND_TIMEOUT`` the socket is closed with 1008.

        :param message: ``str`` is sent as text, ``bytes`` as binary
        :raises WebSocketClosed: if it is closed, or was because the client has not read in time
        :raises TypeError: for anything else
        """
        kind = type(message)
        if kind is not str and kind is not bytes:
            if isinstance(message, (bytearray, memoryview)):
                message = bytes(message)
            elif isinstance(message, str):
                message = str(message)  # markup, for instance
            elif not isinstance(message, bytes):
                raise TypeError(
                    f"A message is str or bytes, and this is a {kind.__name__}: {message!r:.100}. Write "
                    "'await websocket.send_json(...)' for what is to be sent as JSON."
                )
        if not self.accepted:
            await self.accept()
        self._check_open()
        work = self._wire.put(message)
        try:
            waited = work.send(None)  # most are taken at once, and need no timer
            async with load("asyncio").timeout(self.send_timeout):
                await Rest(work, waited)
        except StopIteration:
            return
        except WebSocketClosed as error:
            self._end(error.code, error.reason)
        except TimeoutError:
            self._drop(POLICY, "Messages are not read.")
        else:
            return
        self._check_open()

    async def receive_json(self) -> Any:
        """Wait for the next message, and return what it says as JSON.

        :raises WebSocketDataError: if it is no JSON
        :raises WebSocketClosed: as :meth:`receive`
        """
        message = await self.receive()
        try:
            return self.json_module.loads(message)
        except ValueError as error:
            raise WebSocketDataError(f"A message is no JSON: {error}") from error

    async def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send a value as JSON: one value, several as a list, or keywords as an object, as for ``jsonify``."""
        if args and kwargs:
            raise TypeError("send_json() takes positional arguments or keywords, and not both.")
        value = kwargs or (args[0] if len(args) == 1 else list(args))
        await self.send(self.json_module.dumps(value))

    async def close(  # type: ignore[override]
        self, code: int = NORMAL, reason: str = ""
    ) -> None:
        """Close it. Nothing happens if it is closed already; one that was not accepted is refused with 403.

        :param code: 1000 for a usual end, 1001, 1003, 1007 to 1014 (RFC 6455), or one of your own from 3000 to 4999
        :param reason: a few words for the client, at most 123 bytes
        :raises ValueError: for another code, or a longer reason
        """
        if not (code in (1000, 1001, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            raise ValueError(
                f"A WebSocket cannot be closed with {code}: write 1000 for a usual end, 1001, 1003, 1007 to 1014, or "
                "a code of your own from 3000 to 4999 (RFC 6455, section 7.4)."
            )
        if len(reason.encode()) > _REASON_AT_MOST:
            raise ValueError(f"The reason for closing has {len(reason.encode())} bytes, and 123 fit: {reason!r:.60}…")
        if self._end(code, reason):
            await self._close(code, reason)

    async def _close(self, code: int, reason: str) -> None:
        await self._stop_reading()  # granian does not close while somebody reads
        try:
            async with load("asyncio").timeout(self.close_timeout):  # a client that does not read holds it up
                await self._wire.close(code, reason)
        except (TimeoutError, WebSocketClosed):
            pass

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give each message, until it is closed."""
        return self._messages()

    async def _messages(self) -> AsyncIterator[str | bytes]:
        while True:
            try:
                message = await self.receive()
            except WebSocketClosed:
                return
            yield message

    # Inside.

    def limit(
        self,
        size: int | None,
        rate: float | None,
        close_timeout: float = 2,
        receive_timeout: float | None = 60,
        send_timeout: float | None = 60,
    ) -> None:
        """Set how large a message may be, in bytes, and how many may come in a second; None for no limit.

        :param close_timeout: seconds that closing may take
        :param receive_timeout: seconds that a full inbox may wait for the view
        :param send_timeout: seconds that a message may wait for the client
        """
        self.max_message_size = size
        self._rate = None if rate is None else Rate(rate)
        self.close_timeout, self.receive_timeout, self.send_timeout = close_timeout, receive_timeout, send_timeout

    def _check_open(self) -> None:
        if self.close_code is not None:
            if self._on_told is not None:
                self._on_told()
            raise WebSocketClosed(self.close_code, self.close_reason)

    def _end(self, code: int, reason: str) -> bool:
        """Note that it is closed, and wake who waits; tell whether it was not closed before."""
        if self.close_code is not None:
            return False
        self.close_code, self.close_reason = code, reason
        self._wake()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        return True

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for a message, or there is one that nobody has received yet."""
        return bool(self._inbox) or self._receivers > 0

    async def _wait(self) -> None:
        waiter = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiting:  # cancelled, by a time limit of the view for instance
                self._waiting.remove(waiter)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def _read(self) -> None:
        """Take what the client sends until it goes."""
        try:
            while self.close_code is None:
                message = await self._wire.take()
                if not await self._check(message):
                    return
                self._inbox.append(message)
                self._wake()
                if len(self._inbox) >= _INBOX and not await self._wait_for_room():
                    return
        except WebSocketClosed as closed:
            self.leave(closed)
        except Exception:  # of the server: nothing can be received any more
            if self._end(ABNORMAL, ""):
                self._gone()
            raise

    async def _wait_for_room(self) -> bool:
        """Hold the client back until the view has received a message; close for a view that receives none.

        A client that goes is not noticed meanwhile, so this must have an end.
        """
        try:
            async with load("asyncio").timeout(self.receive_timeout):
                while len(self._inbox) >= _INBOX and self.close_code is None:
                    self._room = self._loop.create_future()
                    try:
                        await self._room
                    finally:
                        self._room = None
        except TimeoutError:
            await self._refuse(POLICY, "Messages are not received.")
            return False
        return True

    def _gone(self) -> None:
        if self._on_gone is not None:
            self._on_gone()

    async def revoke(self) -> None:
        """Close it because the session of its client has ended; what waits for the view is nobody's any more."""
        self._inbox.clear()
        await self.shut(POLICY, "The session has ended.")

    async def shut(self, code: int, reason: str) -> None:
        """Close it although its view goes on: the view is told as when the client goes."""
        if self._end(code, reason):
            self._gone()
            await self._close(code, reason)

    def _drop(self, code: int, reason: str) -> None:
        """Close it as ``shut`` does, but let nobody wait for that."""
        if self._end(code, reason):
            self._gone()
            self._ending = self._loop.create_task(self._close(code, reason))

    async def _check(self, message: str | bytes) -> bool:
        """Close for a message that is too large, or one too many."""
        most = self.max_message_size
        if most is not None and len(message) > most // 4:  # a character has at most four bytes
            size = len(message.encode(errors="surrogatepass")) if isinstance(message, str) else len(message)
            if size > most:
                await self._refuse(TOO_BIG, f"A message may have {most} bytes.")
                return False
        if self._rate is not None and not self._rate.allows():
            await self._refuse(POLICY, "Too many messages.")
            return False
        return True

    async def _refuse(self, code: int, reason: str) -> None:
        self._shutting = True
        await self.shut(code, reason)

    async def finish(self) -> None:
        """Stop reading, and tell the tasks that the view has left behind. Called when the view has ended."""
        if self._ending is not None:
            await self._ending
        self._on_gone = self._on_told = self._on_accept = None
        self._end(GOING_AWAY, "")
        try:
            await self._stop_reading()
        finally:
            self._reader = self._ending = None  # a task holds the context, and that this

    async def _stop_reading(self) -> None:
        self._leave_early()
        reader = self._reader
        if reader is not None and not reader.done() and reader is not load("asyncio").current_task():
            ended = self._loop.create_future()
            reader.add_done_callback(lambda _: None if ended.done() else ended.set_result(None))
            if not self._shutting:
                reader.cancel()
            await ended
