"""The RSGI adapter (granian's protocol, RSGI 1.x): translates what the server hands over, and does nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from erlen.exchange import BODILESS, ClientGone, Exchange, Headers
from erlen.http.environ import split_target
from erlen.http.files import FilePart
from erlen.http.wire import ABNORMAL, NO_CODE, NORMAL, WebSocketClosed
from erlen.mounts import Mount
from erlen.responder import Responder, respond
from erlen.sockets import SocketExchange, converse

__all__ = ["RsgiCallable"]

_CLOSE = 0  # the kind of the message that says that the client has gone


class RsgiCallable(Responder):
    """What ``__rsgi__`` of an application calls, with the scope and the protocol."""

    __slots__ = ()

    def adapt(self, scope: Any, receive: Any, send: Any) -> Exchange | None:
        return RsgiExchange(scope, receive) if scope.proto == "http" else None

    async def otherwise(self, scope: Any, receive: Any, send: Any) -> None:
        await converse(self.app, RsgiSocket(scope, receive))


class RsgiExchange(Exchange):
    """One request of an RSGI server."""

    __slots__ = ("_complete", "_pieces", "_protocol", "_transport")

    def __init__(self, scope: Any, protocol: Any) -> None:
        self.scope = scope
        self._protocol = protocol
        self._complete = False
        self._pieces: AsyncIterator[bytes] | None = None
        self._transport: Any = None
        self.method = method = scope.method
        headers = scope.headers
        self.has_cookies = "cookie" in headers
        self.may_upgrade = "upgrade" in headers
        self.may_have_body = method not in BODILESS or "content-length" in headers or "transfer-encoding" in headers
        self.root_path = ""
        path: str = scope.path
        self.is_usual = "://" not in path
        if not self.is_usual:
            self.preserved = None
            self.is_outside = False
            self.target_host, path = split_target(path)
        self.path = path

    @property
    def scheme(self) -> str:
        return self.scope.scheme  # type: ignore[no-any-return]

    @property
    def http_version(self) -> str:
        return self.scope.http_version  # type: ignore[no-any-return]

    @property
    def query(self) -> str:
        return self.scope.query_string  # type: ignore[no-any-return]

    @property
    def server(self) -> tuple[str, int | str | None] | None:
        return _address(self.scope.server)

    @property
    def client(self) -> tuple[str, int | str | None] | None:
        return _address(self.scope.client)

    def pairs(self) -> Iterable[tuple[str, str]]:
        pairs: list[tuple[str, str]] = self.scope.headers.items()
        if self.scope.authority and not any(name == "host" for name, _ in pairs):  # as HTTP/2 says it
            pairs = [*pairs, ("host", self.scope.authority)]
        return pairs

    def find(self, name: str) -> str | None:
        found: str | None = self.scope.headers.get(name)
        return found

    def find_cookies(self) -> str | None:
        if not self.has_cookies:
            return None
        return "; ".join(value for name, value in self.scope.headers.items() if name == "cookie")

    async def hand_over(self, mount: Mount) -> None:
        if mount.interface == "erlen":
            self.root_path += mount.prefix
            self.path = self.path[len(mount.prefix) :]
            await respond(mount.application, self)
        else:
            await mount.application(self._make_scope(mount), self._asgi_receive, self._asgi_send)

    def _make_scope(self, mount: Mount) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.http_version,
            "method": self.method,
            "scheme": self.scheme,
            "path": self.root_path + self.path,
            "query_string": self.query.encode("latin-1"),
            "root_path": self.root_path + mount.prefix,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.pairs()],
            "server": self.server,
            "client": self.client,
            "state": dict(mount.state),
        }

    async def _asgi_receive(self) -> dict[str, Any]:
        if self._complete:
            await self.disconnected()
            return {"type": "http.disconnect"}
        piece, more = await self.receive()
        self._complete = not more
        return {"type": "http.request", "body": piece, "more_body": more}

    async def _asgi_send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            await self.start(message["status"], headers)
            return
        try:
            if message.get("body"):
                await self.send(message["body"])
        except ClientGone as error:
            raise OSError("The client has gone.") from error
        if not message.get("more_body"):
            self.let_go()

    async def receive(self) -> tuple[bytes, bool]:
        if self._pieces is None:
            self._pieces = self._protocol.__aiter__()
        try:
            return bytes(await self._pieces.__anext__()), True
        except StopAsyncIteration:
            return b"", False

    async def disconnected(self) -> None:
        await self._protocol.client_disconnect()

    def whole(self, status: int, headers: Headers, body: bytes) -> Iterable[Any]:
        if body:
            self._protocol.response_bytes(status, headers, body)
        else:
            self._protocol.response_empty(status, headers)
        return ()

    def takes_file(self, app: Any, part: FilePart) -> bool:
        return True

    async def answer_file(self, status: int, headers: Headers, part: FilePart) -> None:
        if part.end is None:
            self._protocol.response_file(status, headers, part.path)
        else:
            self._protocol.response_file_range(status, headers, part.path, part.start, part.end)

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


class RsgiSocket(RsgiExchange, SocketExchange):
    """One WebSocket of an RSGI server."""

    __slots__ = ("_announced", "_wire")

    carries_subprotocol = carries_headers = tells_departure = False

    def __init__(self, scope: Any, protocol: Any) -> None:
        super().__init__(scope, protocol)
        self.may_upgrade = True
        self._wire: Any = None
        self._announced = False

    @property
    def scheme(self) -> str:
        return "wss" if self.scope.scheme in ("https", "wss") else "ws"

    async def hand_over(self, mount: Mount) -> None:
        if mount.interface == "erlen":
            self.root_path += mount.prefix
            self.path = self.path[len(mount.prefix) :]
            await converse(mount.application, self)
        else:
            scope = {**self._make_scope(mount), "type": "websocket", "subprotocols": self.subprotocols()}
            await mount.application(scope, self._asgi_receive, self._asgi_send)

    async def _asgi_receive(self) -> dict[str, Any]:
        if not self._announced:
            self._announced = True
            return {"type": "websocket.connect"}
        try:
            message = await self.take()
        except WebSocketClosed as closed:
            return {"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason}
        return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}

    async def _asgi_send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        try:
            if kind == "websocket.accept":
                await self.accept(None, [])
            elif kind == "websocket.send":
                text = message.get("text")
                await self.put(message["bytes"] if text is None else text)
            elif kind == "websocket.close":
                await self.close(message.get("code", NORMAL), message.get("reason") or "")
        except WebSocketClosed as error:
            raise OSError("The client has gone.") from error

    async def connect(self) -> None:
        """Do nothing: RSGI announces no handshake but by its call."""

    async def accept(self, subprotocol: str | None, headers: Headers) -> None:
        try:
            self._wire = await self._protocol.accept()
        except RuntimeError as error:
            raise WebSocketClosed(ABNORMAL) from error

    async def reject(self, status: int, headers: Headers, body: bytes) -> None:
        self._protocol.close(status)

    async def take(self) -> str | bytes:
        try:
            message = await self._wire.receive()
        except RuntimeError as error:
            raise WebSocketClosed(ABNORMAL) from error
        if message.kind == _CLOSE:
            raise WebSocketClosed(NO_CODE)
        return message.data  # type: ignore[no-any-return]

    async def put(self, message: str | bytes) -> None:
        try:
            if isinstance(message, str):
                await self._wire.send_str(message)
            else:
                await self._wire.send_bytes(message)
        except RuntimeError as error:  # what the protocol raises once the client has gone
            raise WebSocketClosed(ABNORMAL) from error

    async def close(self, code: int, reason: str) -> None:
        if self._wire is None:
            self._protocol.close(403)
        else:
            self._protocol.close(code)


def _address(text: str) -> tuple[str, int | None] | None:
    """Divide ``"127.0.0.1:8000"``; a Unix socket has no port."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal():
        return host.strip("[]"), int(port)
    return text, None
