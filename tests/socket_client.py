"""A client of WebSockets, for real servers: a thread that waits is all it needs."""

from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any

import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

__all__ = ["Closed", "Rejected", "SocketClient"]


class Closed(Exception):
    """The server has closed the socket."""

    def __init__(self, code: int, reason: str | None) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason or ""


class Rejected(Exception):
    """The server has refused the handshake."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        super().__init__(status, body)
        self.status = status
        self.headers = headers
        self.body = body


class SocketClient:
    """One WebSocket, in a ``with`` statement."""

    def __init__(
        self, port: int, path: str, headers: dict[str, str] | None = None, subprotocols: tuple[str, ...] = ()
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._connection = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._events: list[Any] = []
        self._text: list[str] = []
        self._bytes: list[bytes] = []
        self.subprotocol: str | None = None
        self.headers: dict[str, str] = {}
        extra = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self._send(Request(f"127.0.0.1:{port}", path, extra_headers=extra, subprotocols=list(subprotocols)))
        try:
            self._shake_hands()
        except BaseException:
            self._socket.close()
            raise

    def _shake_hands(self) -> None:
        rejected: RejectConnection | None = None
        body = b""
        while True:
            event = self._next()
            if isinstance(event, AcceptConnection):
                self.subprotocol = event.subprotocol
                self.headers = _headers(event.extra_headers)
                return
            if isinstance(event, RejectConnection):
                rejected = event
                if not event.has_body:
                    raise Rejected(event.status_code, _headers(event.headers), "")
            elif isinstance(event, RejectData) and rejected is not None:
                body += event.data
                if event.body_finished:
                    raise Rejected(rejected.status_code, _headers(rejected.headers), body.decode())

    def _send(self, event: Any) -> None:
        self._socket.sendall(self._connection.send(event))

    def _next(self) -> Any:
        while not self._events:
            data = self._socket.recv(65536)
            self._connection.receive_data(data or None)
            self._events.extend(self._connection.events())
        return self._events.pop(0)

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        self._send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    def send_at_once(self, *messages: str) -> None:
        """Send several messages in one piece."""
        self._socket.sendall(b"".join(self._connection.send(TextMessage(message)) for message in messages))

    def send_json(self, value: Any) -> None:
        """Send a value as JSON."""
        self.send(json.dumps(value))

    def receive(self) -> str | bytes:
        """Return the next message.

        :raises Closed: if the server closes it instead
        """
        while True:
            event = self._next()
            if isinstance(event, TextMessage):
                self._text.append(event.data)
                if event.message_finished:
                    text, self._text = "".join(self._text), []
                    return text
            elif isinstance(event, BytesMessage):
                self._bytes.append(bytes(event.data))
                if event.message_finished:
                    data, self._bytes = b"".join(self._bytes), []
                    return data
            elif isinstance(event, CloseConnection):
                if self._connection.state is wsproto.connection.ConnectionState.REMOTE_CLOSING:
                    self._send(event.response())
                raise Closed(event.code, event.reason)
            elif isinstance(event, Ping):
                self._send(event.response())

    def receive_json(self) -> Any:
        """Return what the next message says as JSON."""
        return json.loads(self.receive())

    def wait_for_close(self) -> Closed:
        """Take messages until the server closes the socket, and return how it did."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it as a client does that is done."""
        self._send(CloseConnection(code, reason))

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self._socket.close()

    def __enter__(self) -> SocketClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._socket.fileno() != -1:
            if self._connection.state is wsproto.connection.ConnectionState.OPEN:
                self.close()
            self._socket.close()


def _headers(pairs: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
