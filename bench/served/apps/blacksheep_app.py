"""The application on BlackSheep."""

from __future__ import annotations

from typing import Any

from blacksheep import Application, Request, Response, WebSocket, get, html, json, post, text, ws
from common import HELLO, MAPPING, STATIC
from jinja_page import page

asgi = Application()
asgi.serve_files(STATIC, root_path="/static")


@get("/")
async def hello() -> Response:
    return text(HELLO)


@get("/json")
async def mapping() -> Response:
    return json(MAPPING)


@get("/user/{int:number}")
async def user(number: int, page: int) -> Response:
    return text(f"user {number}, page {page}")


@get("/rows")
async def rows() -> Response:
    return html(page())


@post("/form")
async def form(request: Request) -> Response:
    sent: Any = await request.form()
    return text(f"{sent['name']}, {sent['colour']}")


@post("/upload")
async def upload(request: Request) -> Response:
    files = await request.files()
    data = files[0].data
    return text(str(len(data)))


@ws("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())
