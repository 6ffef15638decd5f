"""What sends the requests: a few kept connections, each of which has one request on its way at any time."""

from __future__ import annotations

import base64
import contextlib
import itertools
import re
import socket
from collections.abc import Sequence
from typing import NamedTuple, Self

from served.processes import Failed

CONNECTIONS = 8
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)


class Answer(NamedTuple):
    """What came back."""

    status: int
    head: bytes
    body: bytes

    @property
    def cookie(self) -> bytes:
        """The ``Cookie`` header of the next request."""
        return b"; ".join(_COOKIE.findall(self.head))


def request(path: str, cookie: bytes = b"", body: bytes | None = None, kind: str = "") -> bytes:
    """Return the bytes of a request: a POST if it has a body, otherwise a GET."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench"]
    lines += ["Accept: */*"]
    if body is not None:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    head = "\r\n".join(lines).encode() + (b"\r\nCookie: " + cookie if cookie else b"")
    return head + b"\r\n\r\n" + (body or b"")


class _Connection:
    """One connection, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._rest = b""

    def open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._rest = b""
        return self._socket

    def send(self, data: bytes) -> None:
        try:
            self.open().sendall(data)
        except (BrokenPipeError, ConnectionResetError):  # closed since the last answer
            self.close()
            self.open().sendall(data)

    def answer(self) -> Answer:
        head = self.until(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if found is not None:
            body = self.exactly(int(found[1]))
        elif _CHUNKED.search(head):
            body = self._chunks()
        else:
            body = self._all()
        if _CLOSE.search(head):
            self.close()
        return Answer(int(head[9:12]), head, body)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def exactly(self, size: int) -> bytes:
        parts, held = [self._rest], len(self._rest)
        while held < size:
            parts.append(self._more())
            held += len(parts[-1])
        data = b"".join(parts) if len(parts) > 1 else parts[0]
        self._rest = data[size:]
        return data[:size]

    def until(self, end: bytes) -> bytes:
        data = self._rest
        while (at := data.find(end)) < 0:
            data += self._more()
        self._rest = data[at + len(end) :]
        return data[: at + len(end)]

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.until(b"\r\n").partition(b";")[0], 16):
            parts.append(self.exactly(size))
            self.until(b"\r\n")
        self.until(b"\r\n")
        return b"".join(parts)

    def _all(self) -> bytes:
        data = self._rest
        with contextlib.suppress(Failed):
            while True:
                data += self._more()
        self.close()
        return data

    def _more(self) -> bytes:
        data = self.open().recv(262_144)
        if not data:
            raise Failed("the server closed the connection before it had answered")
        return data


class Client:
    """Sends requests to a server on *port* over some connections: on each the next one follows the answer.

    All connections send, and then all read: so the server always has work, and this process seldom has any.
    """

    def __init__(self, port: int, connections: int = CONNECTIONS) -> None:
        self._connections = [_Connection(port) for _ in range(connections)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._connections:
            each.close()

    def ask(self, data: bytes) -> Answer:
        """Send one request and return its answer."""
        first = self._connections[0]
        first.send(data)
        return first.answer()

    def load(self, requests: Sequence[bytes], number: int, status: int) -> None:
        """Send *number* requests: the first connection the first of *requests*, and so on, each the same again.

        :raises Failed: if one is not answered with *status*
        """
        pairs = list(zip(self._connections, itertools.cycle(requests)))
        for left in range(number, 0, -len(pairs)):
            some = pairs[:left]
            for connection, data in some:
                connection.send(data)
            for connection, _ in some:
                answer = connection.answer()
                if answer.status != status:
                    raise Failed(f"it answered {answer.status} where {status} was expected: {answer.body[:300]!r}")


class SocketClient:
    """WebSockets on *path* of a server on *port*, over each of which one message at a time comes back as it went."""

    def __init__(self, port: int, path: str, connections: int = CONNECTIONS) -> None:
        self._connections = [_Connection(port) for _ in range(connections)]
        key = base64.b64encode(b"0123456789abcdef").decode()
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        for each in self._connections:
            each.send(head.encode())
            answer = each.until(b"\r\n\r\n")
            if answer[9:12] != b"101":
                raise Failed(f"it does not open a WebSocket: {answer[:300]!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._connections:
            each.close()

    def load(self, text: bytes, number: int) -> None:
        """Send *number* messages and read the echo of each.

        :param text: fewer than 126 bytes, so that the size is one byte
        :raises Failed: if something else comes back
        """
        mask = b"\x01\x02\x03\x04"
        masked = bytes(letter ^ mask[at % 4] for at, letter in enumerate(text))
        frame = bytes([0x81, 0x80 | len(text)]) + mask + masked
        expected = bytes([0x81, len(text)]) + text
        for left in range(number, 0, -len(self._connections)):
            some = self._connections[:left]
            for each in some:
                each.send(frame)
            for each in some:
                echo = each.exactly(len(expected))
                if echo != expected:
                    raise Failed(f"the WebSocket answered {echo!r}")
