"""The application on Emmett."""

from __future__ import annotations

from typing import Any

from common import HELLO, MAPPING
from emmett import App, request, response, websocket
from emmett.tools import service
from jinja_page import page

app = rsgi = asgi = App(__name__)


@app.route("/")
async def hello() -> str:
    response.content_type = "text/plain"
    return HELLO


@app.route("/json")
@service.json
async def mapping() -> dict[str, Any]:
    return MAPPING


@app.route("/user/<int:number>")
async def user(number: int) -> str:
    return f"user {number}, page {request.query_params.page}"


@app.route("/rows")
async def rows() -> str:
    return page()


@app.route("/form", methods="post")
async def form() -> str:
    sent = await request.body_params
    return f"{sent.name}, {sent.colour}"


@app.route("/upload", methods="post")
async def upload() -> str:
    files = await request.files
    return str(len(files.file.read()))


@app.websocket("/echo")
async def echo() -> None:
    await websocket.accept()
    while True:
        await websocket.send(await websocket.receive())
