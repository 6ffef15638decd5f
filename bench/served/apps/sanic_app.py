"""The application on Sanic."""

from __future__ import annotations

from typing import Any

from common import HELLO, MAPPING, STATIC
from jinja_page import page
from sanic import Sanic
from sanic.response import HTTPResponse, html, json, text

app = asgi = Sanic("bench")
app.config.ACCESS_LOG = False


@app.get("/")
async def hello(request: Any) -> HTTPResponse:
    return text(HELLO)


@app.get("/json")
async def mapping(request: Any) -> HTTPResponse:
    return json(MAPPING)


@app.get("/user/<number:int>")
async def user(request: Any, number: int) -> HTTPResponse:
    return text(f"user {number}, page {request.args.get('page')}")


@app.get("/rows")
async def rows(request: Any) -> HTTPResponse:
    return html(page())


@app.post("/form")
async def form(request: Any) -> HTTPResponse:
    return text(f"{request.form.get('name')}, {request.form.get('colour')}")


@app.post("/upload")
async def upload(request: Any) -> HTTPResponse:
    return text(str(len(request.files.get("file").body)))


@app.websocket("/echo")
async def echo(request: Any, socket: Any) -> None:
    async for message in socket:
        await socket.send(message)


app.static("/static", str(STATIC))
