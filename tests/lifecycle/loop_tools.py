"""A server with an event loop, in process: what its client sends, is sent, and when it goes away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

PATIENCE = 10
"""Seconds after which what waits for ever is a failure."""


class Connection:
    """A client of an ASGI server: what it sends, what it is sent, and when it goes away."""

    def __init__(self, *pieces: bytes) -> None:
        pieces = pieces or (b"",)
        self.left = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
            for number, piece in enumerate(pieces, 1)
        ]
        self.gone = asyncio.Event()
        self.sent: list[Any] = []
        self._receiving = False

    async def receive(self) -> Any:
        assert not self._receiving, "two wait for the next message at the same time"
        self._receiving = True
        try:
            await asyncio.sleep(0)
            if self.left:
                return self.left.pop(0)
            await self.gone.wait()
            return {"type": "http.disconnect"}
        finally:
            self._receiving = False

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def answer(self) -> tuple[int, bytes]:
        return self.sent[0]["status"], b"".join(message["body"] for message in self.sent[1:])

    async def ask(self, app: Any, path: str = "/", method: str = "GET", *headers: tuple[bytes, bytes]) -> None:
        before, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": before, "query_string": query.encode(), "root_path": "",
            "headers": [(b"host", b"localhost"), *headers],
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await app.asgi(scope, self.receive, self.send)


def on_a_loop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run *work* on a loop of its own, as a server does; what waits for ever is a failure."""
    outcome: list[Any] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def noting() -> Any:
        loops.append(asyncio.get_running_loop())
        return await work()

    def serve() -> None:
        try:
            outcome.append((asyncio.run(noting()), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert outcome, "the loop waits for ever"
    if outcome[0][1] is not None:
        raise outcome[0][1]
    return outcome[0][0]


async def tasks_left() -> int:
    """Return how many tasks there are besides this one, when those that were cancelled have ended."""
    for _ in range(10):
        await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1
