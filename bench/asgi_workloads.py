"""What is counted over ASGI: ``python asgi_workloads.py MODULE HELPER INSTANCE`` under callgrind.

Names of workloads that follow are the only ones that are counted.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from workloads import REQUESTS, WARM_UP

PIECE = 65536  # what servers read at once

Message = dict[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]

VIEWS = {"text": "/", "dict as JSON": "/json"}
PLAIN = {"text, plain view": "/plain"}
SOCKETS = {
    "WebSocket echo, a message": ("/echo", "Hello, World!"),
    "the same as JSON": ("/echo-json", '{"message":"Hello, World!","numbers":[1,2,3]}'),
}


def scope_for(kind: str, path: str, query: str = "", method: str = "GET") -> Message:
    """Return what a server would pass for a request of a browser-like client."""
    scope: Message = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench"), (b"accept", b"*/*")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }
    if kind == "http":
        scope["method"] = method
    return scope


async def ask(application: Application, scope: Message, body: bytes = b"") -> tuple[Message, bytes]:
    """Send one request, its *body* in pieces as from a socket; return the start of the response, and the body."""
    sent: list[Message] = []
    at = 0

    async def receive() -> Message:
        nonlocal at
        if at > len(body):
            await asyncio.Event().wait()  # the client stays: whoever waits for its leaving is cancelled
        piece = body[at : at + PIECE]
        at += PIECE
        if at >= len(body):
            at = len(body) + 1
        return {"type": "http.request", "body": piece, "more_body": at <= len(body)}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    if len(sent) == 2:
        return sent[0], sent[1]["body"]
    return sent[0], b"".join([message.get("body", b"") for message in sent[1:]])


async def count(
    send: Callable[[], Awaitable[object]], helper: ctypes.CDLL, name: str, requests: int = REQUESTS
) -> None:
    """Have callgrind count what *requests* calls of *send* take when it is warm, and write it down under *name*."""
    for _ in range(min(WARM_UP, requests)):
        await send()
    gc.collect()
    helper.start()
    for _ in range(requests):
        await send()
    helper.stop(name.encode())


async def count_view(application: Application, helper: ctypes.CDLL, name: str, path: str) -> None:
    """Have callgrind count the requests for *path*, and write them down under *name*."""
    start, body = await ask(application, scope_for("http", path))
    if start["status"] != 200 or b"Hello, World!" not in body:
        raise SystemExit(f"{path} answered {start['status']}: {body[:500]!r}")
    scope = scope_for("http", path)
    await count(lambda: ask(application, scope.copy()), helper, name)


async def count_socket(application: Application, helper: ctypes.CDLL, name: str, path: str, text: str) -> Message:
    """Have callgrind count messages that are sent to a WebSocket one by one, each when the last one has come back.

    Returns the last one that came back.

    :raises ConnectionError: if the application ends before
    """
    loop = asyncio.get_running_loop()
    connected = False
    arrived: asyncio.Future[Message] = loop.create_future()
    returned: asyncio.Future[None] = loop.create_future()

    async def receive() -> Message:
        nonlocal connected, arrived
        if not connected:
            connected = True
            return {"type": "websocket.connect"}
        message = await arrived
        arrived = loop.create_future()
        return message

    echoed: Message = {}

    async def send(message: Message) -> None:
        nonlocal echoed
        if message["type"] == "websocket.send":
            echoed = message
            returned.set_result(None)

    def ended(task: asyncio.Task[Any]) -> None:
        if not returned.done():
            returned.set_exception(ConnectionError(f"The application ended the WebSocket {path}"))

    async def rounds(number: int) -> None:
        nonlocal returned
        for _ in range(number):
            arrived.set_result({"type": "websocket.receive", "text": text})
            await returned
            returned = loop.create_future()

    task = loop.create_task(application(scope_for("websocket", path), receive, send))
    task.add_done_callback(ended)
    await rounds(WARM_UP)
    gc.collect()
    helper.start()
    await rounds(REQUESTS)
    helper.stop(name.encode())
    returned.cancel()
    arrived.set_result({"type": "websocket.disconnect", "code": 1000})
    await task
    return echoed


async def bare(scope: Message, receive: Any, send: Any) -> None:
    """The least that an ASGI application can do."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"Hello, World!"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while "text" in (message := await receive()):
        await send({"type": "websocket.send", "text": message["text"]})


def asked(workloads: dict[str, Any], only: tuple[str, ...]) -> list[tuple[str, Any]]:
    """Return *workloads*, or *only* some of them."""
    return [(name, how) for name, how in workloads.items() if not only or name in only]


async def main(module: str, helper: str, instance: str, *only: str) -> None:
    """Count every workload, or *only* some, on the application of one module, and an application that does nothing."""
    library = ctypes.CDLL(helper)
    application: Application = importlib.import_module(module).make(instance)
    await count_view(bare, library, "bare", "/")
    for name, path in asked(VIEWS, only):
        await count_view(application, library, name, path)
    await count_socket(bare, library, "bare WebSocket, a message", "/echo", "Hello, World!")
    for name, (path, text) in asked(SOCKETS, only):
        await count_socket(application, library, name, path, text)
    for name, path in asked(PLAIN, only):  # the last, because it starts threads
        await count_view(application, library, name, path)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "apps"))
    asyncio.run(main(*sys.argv[1:]))
