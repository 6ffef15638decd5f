"""Servers with an event loop, in process: they hand over what they are told to, and keep what they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

#: What a client does: it sends a piece of the body, or goes away.
GONE = None
Piece = bytes | None


class Client:
    """The client of one request: what it sends, and what it is sent.

    :param pieces: pieces of the body, the last of which ends it; ``GONE`` is a client that has gone away
    :param patience: how many messages it takes before it goes away; None for all
    """

    def __init__(self, pieces: list[Piece], patience: int | None = None) -> None:
        self.pieces = pieces
        self.patience = patience
        self.gone = False
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.ended = False
        self._next = 0
        self._leaves = asyncio.Event()

    @property
    def has_more(self) -> bool:
        """Whether the body goes on."""
        return self._next < len(self.pieces)

    async def next(self) -> tuple[bytes, bool] | None:
        """Return the next piece and whether more follow; None if the client goes away, which it may never do."""
        if self._next < len(self.pieces) and not self.gone:
            piece = self.pieces[self._next]
            self._next += 1
            if piece is not GONE:
                return piece, self._next < len(self.pieces)
            self.gone = True
        elif not self.gone:
            await self._leaves.wait()
        return None

    def take(self) -> bool:
        """Take one message; tell whether the client is still there to take it."""
        if self.patience is not None:
            self.patience -= 1
            if self.patience < 0:
                self.gone = True
                self._leaves.set()
        return not self.gone

    def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        assert self.status is None, "two answers were begun"
        self.status, self.headers = status, headers

    def send(self, data: bytes, more: bool) -> None:
        assert self.status is not None, "a body without a beginning"
        assert not self.ended, "something follows the end"
        self.body += data
        self.ended = not more


async def over_asgi(app: Any, scope: dict[str, Any], client: Client, bare: bool) -> None:
    """Answer one request as an ASGI server does.

    :param bare: leave out of the messages what may be left out
    """

    async def receive() -> dict[str, Any]:
        piece = await client.next()
        if piece is None:
            return {"type": "http.disconnect"}
        data, more = piece
        message: dict[str, Any] = {"type": "http.request"}
        if data or not bare:
            message["body"] = data
        if more or not bare:
            message["more_body"] = more
        return message

    async def send(message: dict[str, Any]) -> None:
        if not client.take():
            raise OSError("the client has gone")
        if message["type"] == "http.response.start":
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            assert all(name == name.lower() for name, _ in pairs)
            client.start(message["status"], pairs)
        else:
            assert message["type"] == "http.response.body"
            client.send(message["body"], message.get("more_body", False))

    await app.asgi(scope, receive, send)


class Pairs:
    """The headers of an RSGI scope, as granian has them: of several with one name, ``get`` gives the last."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]

    def __contains__(self, name: str) -> bool:
        return any(name == found for found, _ in self._pairs)

    def __iter__(self) -> Iterator[str]:
        return iter(name for name, _ in self._pairs)

    def get(self, name: str, default: str | None = None) -> str | None:
        return dict(self._pairs).get(name, default)

    def items(self) -> list[tuple[str, str]]:
        return list(self._pairs)


class RsgiScope:
    """What granian tells of a request."""

    proto = "http"
    rsgi_version = "1.5"

    def __init__(self, **told: Any) -> None:
        self.__dict__.update(told)


class RsgiProtocol:
    """What granian gives an application to answer with."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __aiter__(self) -> RsgiProtocol:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._client.next() if self._client.has_more else None
        if piece is None:
            raise StopAsyncIteration
        return piece[0]

    async def client_disconnect(self) -> None:
        while await self._client.next() is not None:
            pass

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._client.start(status, headers)
        self._client.send(body, False)

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self._answer(status, headers, b"")

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._answer(status, headers, body)

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> RsgiTransport:
        self._client.start(status, headers)
        return RsgiTransport(self._client)


class RsgiTransport:
    """Sends a body in pieces; it ends when the application lets go of it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send_bytes(self, data: bytes) -> None:
        if not self._client.take():
            raise RuntimeError("transport is closed")
        self._client.send(data, True)

    def __del__(self) -> None:
        self._client.ended = True


async def over_rsgi(app: Any, scope: RsgiScope, client: Client) -> None:
    """Answer one request as granian does."""
    await app.__rsgi__(scope, RsgiProtocol(client))


class Loop:
    """The loop of a server, which lives through all of its requests."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._failures: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda loop, context: self._failures.append(context))

    def run(self, work: Callable[[], Any]) -> None:
        """Await what *work* makes, and see that it leaves no task behind and no failure untold."""

        async def whole() -> None:
            before = asyncio.all_tasks()
            await work()
            for _ in range(3):  # a task that was cancelled ends at the loop's next round
                await asyncio.sleep(0)
            assert asyncio.all_tasks() <= before

        self._loop.run_until_complete(asyncio.wait_for(whole(), 30))
        assert self._failures == []

    def close(self) -> None:
        self._loop.close()
