"""A server that speaks RSGI, in process: as much of granian's protocol as the requests of the bench need.

The scope and the protocol are Python objects here and Rust's in granian, so the row "bare" says what they cost. A file
is not read: over RSGI that is the server's work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

PIECE = 65536


class Headers:
    """The headers of a request, with the methods that RSGI gives them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._first = dict(reversed(pairs))

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def get(self, name: str, default: Any = None) -> Any:
        return self._first.get(name, default)

    def get_all(self, name: str) -> list[str]:
        return [value for found, value in self._pairs if found == name]

    def items(self) -> list[tuple[str, str]]:
        return self._pairs

    def keys(self) -> list[str]:
        return list(self._first)

    def values(self) -> list[str]:
        return [value for _, value in self._pairs]


class Scope:
    """What a server says of a request."""

    __slots__ = (
        *("authority", "client", "headers", "http_version", "method", "path", "proto", "query_string"),
        *("rsgi_version", "scheme", "server"),
    )

    def __init__(self, proto: str, method: str, path: str, query: str, headers: list[tuple[str, str]]) -> None:
        self.proto = proto
        self.rsgi_version = "1.6"
        self.http_version = "1.1"
        self.server = "127.0.0.1:8000"
        self.client = "127.0.0.1:50000"
        self.scheme = "http"
        self.method = method
        self.path = path
        self.query_string = query
        self.authority: str | None = None
        self.headers = Headers(headers)


class Protocol:
    """Where a request comes from and its response goes to."""

    def __init__(self, body: bytes = b"") -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.sent: bytes = b""
        self.file = ""
        self._body = body

    async def __call__(self) -> bytes:
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), PIECE):
            yield self._body[at : at + PIECE]

    async def client_disconnect(self) -> None:
        await asyncio.Event().wait()

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, headers

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.sent = status, headers, body

    def response_str(self, status: int, headers: list[tuple[str, str]], body: str) -> None:
        self.status, self.headers, self.sent = status, headers, body.encode()

    def response_file(self, status: int, headers: list[tuple[str, str]], path: str) -> None:
        self.status, self.headers, self.file = status, headers, path

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Protocol:
        self.status, self.headers = status, headers
        return self

    async def send_bytes(self, piece: bytes) -> None:
        self.sent += piece

    async def send_str(self, piece: str) -> None:
        self.sent += piece.encode()

    def content(self) -> bytes:
        """Return the body of the response; that of a file is read now."""
        return Path(self.file).read_bytes() if self.file else self.sent


class SocketMessage(NamedTuple):
    """A message of a client: 0 is a close, 1 bytes, 2 text."""

    kind: int
    data: Any


class Socket:
    """A WebSocket: the protocol and its transport. ``arrived`` and ``returned`` are those of the client."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.arrived: asyncio.Future[SocketMessage] = loop.create_future()
        self.returned: asyncio.Future[str] = loop.create_future()

    async def accept(self) -> Socket:
        return self

    async def receive(self) -> SocketMessage:
        message = await self.arrived
        self.arrived = asyncio.get_running_loop().create_future()
        return message

    async def send_str(self, text: str) -> None:
        self.returned.set_result(text)

    async def send_bytes(self, data: bytes) -> None:
        self.returned.set_result(data.decode())

    async def exchange(self, text: str) -> str:
        """Send a message as the client does, and return what comes back."""
        self.arrived.set_result(SocketMessage(2, text))
        found = await self.returned
        self.returned = asyncio.get_running_loop().create_future()
        return found

    def leave(self) -> None:
        """Close it as the client does."""
        self.arrived.set_result(SocketMessage(0, None))

    def close(self, code: int | None = None) -> None:
        """Do nothing: the application has closed it."""
