"""The RSGI adapter (granian's protocol, RSGI 1.x): translates what the server hands over, and does nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from erlen.exchange import ClientGone, Exchange, Headers, respond
from erlen.http.environ import split_target

__all__ = ["answer"]


async def answer(app: Any, scope: Any, protocol: Any) -> None:
    """Answer one request: ``__rsgi__`` of an application."""
    if scope.proto == "http":
        await respond(app, RsgiExchange(scope, protocol))
    else:
        protocol.close(403)  # a WebSocket, refused before its handshake


class RsgiExchange(Exchange):
    """One request of an RSGI server."""

    __slots__ = ("_pieces", "_protocol", "_transport")

    def __init__(self, scope: Any, protocol: Any) -> None:
        self.scope = scope
        self._protocol = protocol
        self._pieces: AsyncIterator[bytes] | None = None
        self._transport: Any = None
        self.method = scope.method
        self.scheme = scope.scheme
        self.http_version = scope.http_version
        self.query = scope.query_string
        self.server = _address(scope.server)
        self.client = _address(scope.client)
        self.preserved = None
        self.target_host = None
        self.is_outside = False
        self.root_path = ""
        path: str = scope.path
        if path[:1] != "/" and path:
            self.target_host, path = split_target(path)
        self.path = path

    def pairs(self) -> Iterable[tuple[str, str]]:
        pairs: list[tuple[str, str]] = self.scope.headers.items()
        if self.scope.authority and not any(name == "host" for name, _ in pairs):  # as HTTP/2 says it
            pairs = [*pairs, ("host", self.scope.authority)]
        return pairs

    def find(self, name: str) -> str | None:
        found: str | None = self.scope.headers.get(name)
        return found

    def find_cookies(self) -> str | None:
        headers = self.scope.headers
        if "cookie" not in headers:
            return None
        return "; ".join(value for name, value in headers.items() if name == "cookie")

    async def receive(self) -> tuple[bytes, bool]:
        if self._pieces is None:
            self._pieces = self._protocol.__aiter__()
        try:
            return bytes(await self._pieces.__anext__()), True
        except StopAsyncIteration:
            return b"", False

    async def disconnected(self) -> None:
        await self._protocol.client_disconnect()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        if body:
            self._protocol.response_bytes(status, headers, body)
        else:
            self._protocol.response_empty(status, headers)

    async def start(self, status: int, headers: Headers) -> None:
        self._transport = self._protocol.response_stream(status, headers)

    async def send(self, piece: bytes) -> None:
        try:
            await self._transport.send_bytes(piece)
        except RuntimeError as error:  # what the protocol raises once the client has gone
            raise ClientGone from error

    async def end(self) -> None:
        """Do nothing: ``let_go`` does it."""

    def let_go(self) -> None:
        self._transport = None  # the body ends with it


def _address(text: str) -> tuple[str, int | None] | None:
    """Divide ``"127.0.0.1:8000"``; a Unix socket has no port."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal():
        return host.strip("[]"), int(port)
    return text, None
