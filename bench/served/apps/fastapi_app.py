"""The application on FastAPI."""

from __future__ import annotations

from typing import Annotated

from common import HELLO, MAPPING, ROWS, STATIC, TEMPLATES
from fastapi import FastAPI, Form, Request, UploadFile, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

asgi = FastAPI()
templates = Jinja2Templates(directory=TEMPLATES)


@asgi.get("/", response_class=PlainTextResponse)
async def hello() -> str:
    return HELLO


@asgi.get("/json")
async def mapping() -> dict[str, object]:
    return MAPPING


@asgi.get("/user/{number}", response_class=PlainTextResponse)
async def user(number: int, page: int) -> str:
    return f"user {number}, page {page}"


@asgi.get("/rows")
async def rows(request: Request) -> object:
    return templates.TemplateResponse(request, "rows.html", {"rows": ROWS})


@asgi.post("/form", response_class=PlainTextResponse)
async def form(name: Annotated[str, Form()], colour: Annotated[str, Form()]) -> str:
    return f"{name}, {colour}"


@asgi.post("/upload", response_class=PlainTextResponse)
async def upload(file: UploadFile) -> str:
    return str(len(await file.read()))


@asgi.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(message)


asgi.mount("/static", StaticFiles(directory=STATIC))
