"""What stays open for long, on Starlette; ``connections_erlen.py`` does the same.

Starlette has no event stream of its own: it is a stream, whose source writes the format.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    async for message in websocket.iter_text():
        await websocket.send_text(message)


async def events(request: Request) -> StreamingResponse:
    async def source() -> AsyncIterator[str]:
        yield "data: hello\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(source(), media_type="text/event-stream")


async def stream(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        yield "hello"
        await asyncio.Event().wait()

    return StreamingResponse(pieces())


routes = [WebSocketRoute("/socket", socket), Route("/events", events), Route("/stream", stream)]
app = SimpleNamespace(asgi=Starlette(routes=routes))
