"""What stays open for long, on Erlen; ``connections_starlette.py`` does the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from erlen import Erlen, EventStream, websocket

app = Erlen(__name__)


@app.websocket("/socket")
async def socket() -> None:
    await websocket.send("hello")
    async for message in websocket:
        await websocket.send(message)


@app.get("/events")
async def events() -> EventStream:
    async def source() -> AsyncIterator[str]:
        yield "hello"
        await asyncio.Event().wait()

    return EventStream(source())


@app.get("/stream")
async def stream() -> AsyncIterator[str]:
    async def pieces() -> AsyncIterator[str]:
        yield "hello"
        await asyncio.Event().wait()

    return pieces()
