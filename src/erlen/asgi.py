"""The ASGI adapter (https://asgi.readthedocs.io): translates a server's messages, and does nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from werkzeug.exceptions import ClientDisconnected

from erlen.exchange import BODILESS, ClientGone, Exchange, Headers
from erlen.http.environ import split_target
from erlen.http.files import FilePart
from erlen.http.wire import ABNORMAL, NO_CODE, WebSocketClosed
from erlen.lifecycle.pipeline import PROPAGATE
from erlen.lifecycle.serving import serving_of
from erlen.mounts import Mount
from erlen.responder import Responder, respond
from erlen.sockets import SocketExchange, converse
from erlen.wsgi import ENVIRON, PRESERVE

__all__ = ["AsgiCallable", "answer"]

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: The name of an extension of the protocol, and of its message: the server sends a file by itself.
_PATHSEND = "http.response.pathsend"

#: The headers that every request is looked through for.
_TELLING = frozenset(
    {
        *(b"cookie", b"upgrade", b"content-length", b"transfer-encoding"),
        *(b"Cookie", b"Upgrade", b"Content-Length", b"Transfer-Encoding"),  # some servers leave them as they came
    }
)

#: Headers that have the same few values in most responses. What they may hold more is not kept.
_REPEATED = frozenset({"Content-Type", "Content-Length", "X-Content-Type-Options", "Vary", "Cache-Control"})
_LISTS_AT_MOST = 1000
_lists: dict[tuple[tuple[str, str], ...], list[tuple[bytes, bytes]]] = {}


class AsgiCallable(Responder):
    """An application as ASGI servers want it: an object whose ``__call__`` is a coroutine function.

    Middleware wraps ``app.asgi_app``, not this.
    """

    __slots__ = ()

    def adapt(self, scope: Scope, receive: Receive, send: Send) -> Exchange | None:
        if scope["type"] == "http" and not self.app._changes.plans.wraps_asgi:
            return AsgiExchange(scope, receive, send, scope["method"])
        return None

    async def otherwise(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app._changes.plans.wraps_asgi:
            await self.app.asgi_app(scope, receive, send)
        else:
            await answer(self.app, scope, receive, send)


async def answer(app: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, or accompany the life of the server: ``asgi_app`` of an application."""
    kind = scope["type"]
    if kind == "http":
        await respond(app, AsgiExchange(scope, receive, send, scope["method"]))
    elif kind == "lifespan":
        await _live(app, scope, receive, send)
    elif kind == "websocket":
        await converse(app, AsgiSocket(scope, receive, send))
    else:
        raise ValueError(
            f"ASGI scopes of the type {kind!r} are not known to Erlen: it serves 'http', 'websocket' and 'lifespan'."
        )


async def _live(app: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Start the application with the server, so that one that cannot work is not served at all, and end it with it."""
    serving = serving_of(app)
    propagates = PROPAGATE in scope.get(ENVIRON, ())  # a test client wants to know the cause
    runs = False
    try:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await serving.start(app)
                except Exception as error:  # it is logged
                    await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
                    if propagates:
                        raise
                    return
                runs = True
                await send({"type": "lifespan.startup.complete"})
            else:
                runs = False
                try:
                    await serving.stop(app)
                except Exception as error:
                    await send({"type": "lifespan.shutdown.failed", "message": f"{type(error).__name__}: {error}"})
                    if propagates:
                        raise
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                return
    finally:
        if runs:  # the server has dropped this conversation
            await serving.stop(app)


class AsgiExchange(Exchange):
    """One request of an ASGI server."""

    __slots__ = ("_found", "_receive")

    _found: dict[bytes, bytes]

    def __init__(self, scope: Scope, receive: Receive, send: Send, method: str) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method = method
        self.has_cookies = self.may_upgrade = has_body = False
        for name, _ in scope["headers"]:
            if name in _TELLING:
                lowered = name.lower()
                if lowered == b"cookie":
                    self.has_cookies = True
                elif lowered == b"upgrade":
                    self.may_upgrade = True
                else:
                    has_body = True
        self.may_have_body = has_body or method not in BODILESS
        self.path = path = scope["path"]
        self.root_path = root = scope.get("root_path") or ""
        if root or "://" in path or ENVIRON in scope:
            self.is_usual = False
            self._look_closer(scope.get(ENVIRON) or {})
        else:
            self.is_usual = True

    def _look_closer(self, environ: dict[str, Any]) -> None:
        self.preserved = environ.get(PRESERVE)
        self.target_host = None
        self.is_outside = False
        path, root = self.path, self.root_path.rstrip("/")
        if "://" in path:
            self.target_host, path = split_target(path)
        if root:
            if path[: len(root)] == root and path[len(root) : len(root) + 1] in ("", "/"):
                path = path[len(root) :]
            else:
                self.is_outside = True
        self.root_path = root
        self.path = path

    @property
    def scheme(self) -> str:
        return self.scope.get("scheme", "http")  # type: ignore[no-any-return]

    @property
    def http_version(self) -> str:
        return self.scope.get("http_version", "1.1")  # type: ignore[no-any-return]

    @property
    def query(self) -> str:
        return self.scope["query_string"].decode("latin-1")  # type: ignore[no-any-return]

    @property
    def server(self) -> tuple[str, int | str | None] | None:
        return self.scope.get("server")  # type: ignore[no-any-return]

    @property
    def client(self) -> tuple[str, int | str | None] | None:
        return self.scope.get("client")  # type: ignore[no-any-return]

    async def hand_over(self, mount: Mount) -> None:
        scope = {**self.scope, "root_path": self.root_path + mount.prefix, "path": self.root_path + self.path}
        if _PATHSEND in (scope.get("extensions") or ()):  # middleware of this application may not know it
            scope["extensions"] = {name: value for name, value in scope["extensions"].items() if name != _PATHSEND}
        if mount.state:
            scope["state"] = {**(scope.get("state") or {}), **mount.state}
        application = mount.application.asgi if mount.interface == "erlen" else mount.application
        await application(scope, self._receive, self._send)

    def make_environ(self, body: Any) -> dict[str, Any]:
        environ = super().make_environ(body)
        environ.update(self.scope.get(ENVIRON, ()))
        return environ

    def pairs(self) -> Iterator[tuple[str, str]]:
        for name, value in self.scope["headers"]:
            yield name.decode("latin-1").lower(), value.decode("latin-1")

    def find(self, name: str) -> str | None:
        try:
            found = self._found
        except AttributeError:  # most requests are not asked for one
            found = self._found = {name.lower(): value for name, value in self.scope["headers"]}
        value = found.get(name.encode())
        return None if value is None else value.decode("latin-1")

    def find_cookies(self) -> str | None:
        if not self.has_cookies:
            return None
        found = [value for name, value in self.scope["headers"] if name.lower() == b"cookie"]
        return b"; ".join(found).decode("latin-1")

    async def receive(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientDisconnected()
        return message.get("body", b""), message.get("more_body", False)

    async def disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def whole(self, status: int, headers: Headers, body: bytes) -> Iterable[Any]:
        known = _lists.get(tuple(headers))  # as _encode() does, which would be one call more
        encoded = _encode(headers) if known is None else known.copy()
        return (
            {"type": "http.response.start", "status": status, "headers": encoded},
            {"type": "http.response.body", "body": body},
        )

    def takes_file(self, app: Any, part: FilePart) -> bool:
        # Middleware around asgi_app may wait for a body, and know nothing of the extension.
        extensions = self.scope.get("extensions") or ()
        return part.end is None and _PATHSEND in extensions and not app._overrides("asgi_app")

    async def answer_file(self, status: int, headers: Headers, part: FilePart) -> None:
        try:
            await self._send({"type": "http.response.start", "status": status, "headers": _encode(headers)})
            await self._send({"type": _PATHSEND, "path": part.path})
        except OSError:  # the client has gone (ASGI 2.4)
            pass

    async def start(self, status: int, headers: Headers) -> None:
        await self._put({"type": "http.response.start", "status": status, "headers": _encode(headers)})

    async def send(self, piece: bytes) -> None:
        await self._put({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        await self._put({"type": "http.response.body", "body": b""})

    async def _put(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except OSError as error:
            raise ClientGone from error


class AsgiSocket(AsgiExchange, SocketExchange):
    """One WebSocket of an ASGI server."""

    __slots__ = ()

    carries_subprotocol = True

    @property
    def carries_headers(self) -> bool:
        # granian 2.8 drops them without a word, and before the acceptance it does not look at the connection.
        return not type(getattr(self._receive, "__self__", None)).__module__.startswith("granian")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send, "GET")  # a WebSocket has no method
        self.may_upgrade = True

    tells_departure = carries_headers

    @property
    def scheme(self) -> str:
        return self.scope.get("scheme", "ws")  # type: ignore[no-any-return]

    def subprotocols(self) -> list[str]:
        offered = self.scope.get("subprotocols")  # some servers take the header away
        return super().subprotocols() if offered is None else list(offered)

    async def connect(self) -> None:
        message = await self._receive()
        if message["type"] != "websocket.connect":
            raise _closed(message)

    async def accept(self, subprotocol: str | None, headers: Headers) -> None:
        await self._say({"type": "websocket.accept", "subprotocol": subprotocol, "headers": _encode(headers)})

    async def reject(self, status: int, headers: Headers, body: bytes) -> None:
        if "websocket.http.response" in self.scope.get("extensions", ()):
            start = {"type": "websocket.http.response.start", "status": status, "headers": _encode(headers)}
            await self._say(start)
            await self._say({"type": "websocket.http.response.body", "body": body})
        else:  # a close before the handshake is accepted becomes a 403 at the server
            await self._say({"type": "websocket.close", "code": 1000})

    async def take(self) -> str | bytes:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            text: str | None = message.get("text")
            return message["bytes"] if text is None else text
        raise _closed(message)

    async def put(self, message: str | bytes) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        await self._say({"type": "websocket.send", kind: message})

    async def close(self, code: int, reason: str) -> None:
        await self._say({"type": "websocket.close", "code": code, "reason": reason})

    async def _say(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except OSError as error:  # the client has gone (ASGI 2.4)
            raise WebSocketClosed(ABNORMAL) from error


def _closed(message: dict[str, Any]) -> WebSocketClosed:
    return WebSocketClosed(message.get("code") or NO_CODE, message.get("reason") or "")


def _encode(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    key = tuple(headers)
    known = _lists.get(key)
    if known is not None:  # a list of its own, which middleware may change
        return known.copy()
    found = [(name.lower().encode("latin-1"), _encode_value(value)) for name, value in key]
    if len(_lists) < _LISTS_AT_MOST and all(name in _REPEATED for name, _ in key):
        _lists[key] = found.copy()
    return found


def _encode_value(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
