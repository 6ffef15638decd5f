"""The client's end of a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from werkzeug.datastructures import Headers

from erlen.testing.failures import SocketClosed

__all__ = ["Socket"]


class Socket:
    """An open WebSocket; :meth:`AsyncClient.websocket() <erlen.testing.AsyncClient.websocket>` opens it. ::

        async with client.websocket("/chat") as socket:
            await socket.send("hello")
            assert await socket.receive() == "hello to you"

    ``async for message in socket`` gives what comes until the connection ends.

    :param conversation: the connection
    :param json: the JSON provider of the application
    :param headers: the headers of the acceptance
    """

    def __init__(self, conversation: Any, json: Any, headers: Headers) -> None:
        self._conversation = conversation
        self._json = json
        #: The headers that the application has accepted the handshake with.
        self.headers = headers
        #: The subprotocol that the application has chosen, or None.
        self.accepted_subprotocol: str | None = conversation.accepted.get("subprotocol")

    async def receive(self) -> str | bytes:
        """Wait for the next message and return it: a str or bytes, as it was sent.

        :raises SocketClosed: if the connection has ended
        :raises Exception: what the application has ended with
        """
        message: str | bytes | None = await self._conversation.take()
        if message is None:
            raise SocketClosed(*self._conversation.closed)
        return message

    async def receive_json(self) -> Any:
        """Wait for the next message, and read it as the application's JSON provider does.

        :raises SocketClosed: if the connection has ended
        :raises ValueError: if the message is no JSON
        """
        return self._json.loads(await self.receive())

    async def send(self, message: str | bytes) -> None:
        """Send a message.

        :param message: a str goes as text, bytes as binary data
        :raises SocketClosed: if the connection has ended
        :raises TypeError: for anything else
        """
        if self._conversation.closed:
            raise SocketClosed(*self._conversation.closed)
        if isinstance(message, str):
            self._conversation.put(text=message)
        elif isinstance(message, (bytes, bytearray, memoryview)):
            self._conversation.put(bytes=bytes(message))
        else:
            raise TypeError(
                f"socket.send() takes a str or bytes, not {message!r}. Write socket.send_json(...) to send it as JSON."
            )

    async def send_json(self, value: Any) -> None:
        """Send *value*, written as the application's JSON provider does.

        :raises SocketClosed: if the connection has ended
        """
        await self.send(self._json.dumps(value))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection. The end of the ``async with`` block does it, too.

        :param code: what the application is told; 1006 stands for a connection that breaks
        :param reason: a text that goes with it
        """
        self._conversation.hang_up(code, reason)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (message := await self._conversation.take()) is not None:
            yield message
