"""The application on Starlette, with the sessions of starsessions."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from common import HELLO, MAPPING, REDIS, ROWS, SESSION, STATIC, TEMPLATES
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

templates = Jinja2Templates(directory=TEMPLATES)
# Only then: it would be in the memory of all other work.
starsessions: Any = import_module("starsessions") if REDIS else None


async def hello(request: Request) -> Response:
    return PlainTextResponse(HELLO)


async def mapping(request: Request) -> Response:
    return JSONResponse(MAPPING)


async def user(request: Request) -> Response:
    return PlainTextResponse(f"user {request.path_params['number']}, page {request.query_params['page']}")


async def rows(request: Request) -> Response:
    return templates.TemplateResponse(request, "rows.html", {"rows": ROWS})


async def form(request: Request) -> Response:
    sent = await request.form()
    return PlainTextResponse(f"{sent['name']}, {sent['colour']}")


async def upload(request: Request) -> Response:
    async with request.form() as sent:
        return PlainTextResponse(str(len(await sent["file"].read())))  # type: ignore[union-attr]


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(message)


async def fill(request: Request) -> Response:
    await starsessions.load_session(request)
    request.session.update(SESSION)
    return PlainTextResponse(HELLO)


async def read(request: Request) -> Response:
    await starsessions.load_session(request)
    return PlainTextResponse(f"{request.session['theme']} {request.session['n']}")


async def count(request: Request) -> Response:
    await starsessions.load_session(request)
    request.session["n"] = request.session["n"] + 1
    return PlainTextResponse(str(request.session["n"]))


def _sessions() -> list[Middleware]:
    if not REDIS:
        return []
    client = import_module("redis.asyncio").Redis.from_url(REDIS)
    store = import_module("starsessions.stores.redis").RedisStore(connection=client)
    return [Middleware(starsessions.SessionMiddleware, store=store, lifetime=1_209_600, cookie_https_only=False)]


asgi = Starlette(
    routes=[
        Route("/", hello),
        Route("/json", mapping),
        Route("/user/{number:int}", user),
        Route("/rows", rows),
        Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/fill", fill),
        Route("/read", read),
        Route("/count", count),
        WebSocketRoute("/echo", echo),
        Mount("/static", StaticFiles(directory=STATIC)),
    ],
    middleware=_sessions(),
)
