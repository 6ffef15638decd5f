"""What is counted over ASGI on Starlette; ``asgi_erlen.py`` does the same."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


async def text(request: Request) -> Response:
    return HTMLResponse("Hello, World!")


async def mapping(request: Request) -> Response:
    return JSONResponse({"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True}})


def plain(request: Request) -> Response:
    return HTMLResponse("Hello, World!")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


async def echo_json(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_json(await websocket.receive_json())
    except WebSocketDisconnect:
        pass


def make(instance_path: str) -> object:
    return Starlette(
        routes=[
            Route("/", text),
            Route("/json", mapping),
            Route("/plain", plain),
            WebSocketRoute("/echo", echo),
            WebSocketRoute("/echo-json", echo_json),
        ]
    )
