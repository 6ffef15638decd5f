"""An application whose tests run in process and on every kind of server: a counter at the door of a hall."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from erlen import Erlen, abort, redirect, request, session, websocket

app = Erlen(__name__)
app.config.update(SECRET_KEY="the key of the hall, long enough", SESSION_TYPE="sqlite", WEBSOCKET_CLOSE_TIMEOUT=0.1)
#: What happened, in its order.
told: list[str] = []


@app.get("/told")
def tell() -> list[str]:
    return told


@app.post("/enter")
async def enter() -> Any:
    session["name"] = request.form["name"]
    return redirect("/greeting")


@app.get("/greeting")
def greeting() -> str:
    return f"Hello, {session.get('name', 'stranger')}!"


@app.get("/count")
async def count() -> str:
    await asyncio.sleep(0)
    return str(session.incr("count"))


@app.put("/weigh")
def weigh() -> str:
    return f"{len(request.data)} bytes of {request.mimetype}"


@app.get("/bells")
def bells() -> Iterator[str]:
    for number in range(3):
        yield f"bell {number}\n"


@app.get("/steps")
def steps() -> Any:
    def made() -> Iterator[str]:
        try:
            while True:
                yield "step\n" * 1000
        finally:
            told.append("the steps have ended")

    return made()


@app.websocket("/door")
async def door() -> None:
    if "name" not in session:
        abort(401, "Nobody has entered.")
    try:
        async for message in websocket:
            if message == "close":
                await websocket.close(4000, "for today")
            else:
                await websocket.send(f"{session['name']}: {message}" if isinstance(message, str) else message)
    finally:
        told.append("the door is shut")


asgi: Any = app.asgi


async def numbers() -> AsyncIterator[bytes]:
    """Give a body in pieces."""
    for number in range(4):
        yield b"%d" % number * 1000
        await asyncio.sleep(0)
