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

Message = dict[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]

VIEWS = {"text": "/", "dict as JSON": "/json"}
PLAIN = {"text, plain view": "/plain"}
SOCKETS = {
    "WebSocket echo, a message": ("/echo", "Hello, World!"),
    "the same as JSON": ("/echo-json", '{"message":"Hello, World!","numbers":[1,2,3]}'),
}


def scope_for(kind: str, path: str) -> Message:
    """Return what a server would pass for a request of a browser-like client."""
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench"), (b"accept", b"*/*")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }


async def ask(application: Application, path: str) -> tuple[int, bytes]:
    """Send one request; return the status and the body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope_for("http", path), receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def count_view(application: Application, helper: ctypes.CDLL, name: str, path: str) -> None:
    """Have callgrind count the requests for *path*, and write them down under *name*."""
    status, body = await ask(application, path)
    if status != 200 or b"Hello, World!" not in body:
        raise SystemExit(f"{path} answered {status}: {body[:500]!r}")
    for _ in range(WARM_UP):
        await ask(application, path)
    gc.collect()
    helper.start()
    for _ in range(REQUESTS):
        await ask(application, path)
    helper.stop(name.encode())


async def count_socket(application: Application, helper: ctypes.CDLL, name: str, path: str, text: str) -> None:
    """Have callgrind count messages that are sent to a WebSocket one by one, each when the last one has come back."""
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

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            returned.set_result(None)

    async def rounds(number: int) -> None:
        nonlocal returned
        for _ in range(number):
            arrived.set_result({"type": "websocket.receive", "text": text})
            await returned
            returned = loop.create_future()

    task = loop.create_task(application(scope_for("websocket", path), receive, send))
    await rounds(WARM_UP)
    gc.collect()
    helper.start()
    await rounds(REQUESTS)
    helper.stop(name.encode())
    arrived.set_result({"type": "websocket.disconnect", "code": 1000})
    await task


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
