"""An application whose requests are left half-way by their clients, and which counts what is there afterwards."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from erlen import Erlen, EventStream, g, request, session, stream_with_context, websocket
from erlen.lifecycle.threads import threads_of

HERE = Path(__file__).resolve().parent

app = Erlen(__name__, instance_path=str(HERE / "instance"))
app.config.update(SECRET_KEY="a key for tests", THREADS=4, SESSION_TYPE="memory", WEBSOCKET_CLOSE_TIMEOUT=0)
asgi = app.asgi
counted: Counter[str] = Counter()
lock = threading.Lock()


def count(what: str) -> None:
    with lock:
        counted[what] += 1


@app.before_request
def begin() -> None:
    if request.path != "/counts":
        count("begun")
        g.begun = True
        session.get("name")


@app.teardown_request
def end(error: BaseException | None) -> None:
    if "begun" in g:
        count("torn")


@app.get("/in")
def sign_in() -> str:
    session["name"] = "ada"
    return "in"


@app.get("/counts")
def counts() -> Any:
    gc.collect()
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith("erlen."):
            found[f"{kind.__module__}.{kind.__qualname__}"] += 1
    loop = app._loop.adopted
    return found | {
        "open": counted["begun"] - counted["torn"],
        "begun": counted["begun"],
        "finally": counted["finally"],
        "tasks": 0 if loop is None else len(asyncio.all_tasks(loop)),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
        "places": threads_of(app)._taken,
        "watched": len(app._session_watch._open),
    }


@app.get("/plain")
def plain() -> str:
    time.sleep(0.001)
    return "x" * 100_000


@app.get("/async")
async def on_the_loop() -> str:
    await asyncio.sleep(0.001)
    return "x" * 100_000


@app.get("/limited", response_timeout=30)
async def limited() -> str:
    await asyncio.sleep(0.001)
    return "x" * 100_000


@app.post("/body")
def body() -> str:
    return str(len(request.get_data()))


@app.post("/incoming", stream=True)
async def incoming() -> str:
    return str(len(await request.body))


@app.get("/stream")
def stream() -> Any:
    def pieces() -> Any:
        try:
            while True:
                yield b"x" * 10_000
        finally:
            count("finally")

    return stream_with_context(pieces())


@app.get("/stream-async")
async def stream_async() -> Any:
    async def pieces() -> Any:
        try:
            while True:
                yield b"x" * 10_000
                await asyncio.sleep(0)
        finally:
            count("finally")

    return stream_with_context(pieces())


@app.get("/events")
async def events() -> Any:
    async def source() -> Any:
        try:
            while True:
                yield "x" * 1000
                await asyncio.sleep(0.001)
        finally:
            count("finally")

    return EventStream(source())


@app.websocket("/ws")
async def talk() -> None:
    try:
        async for message in websocket:
            await websocket.send(message)
    finally:
        count("finally")
