"""Starlette: over ASGI; the two hooks are a middleware of its fastest kind."""

from __future__ import annotations

from typing import Any

from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

templates = Jinja2Templates(directory=TEMPLATES)


async def text(request: Request) -> Response:
    return HTMLResponse("Hello, World!")


async def mapping(request: Request) -> Response:
    return JSONResponse(DATA)


async def user(request: Request) -> Response:
    return HTMLResponse(f"user {request.path_params['number']}, page {request.query_params['page']}")


async def page(request: Request) -> Response:
    return templates.TemplateResponse(request, "rows.html", {"rows": rows()})


async def form(request: Request) -> Response:
    async with request.form() as fields:
        return HTMLResponse(f"{fields['name']} is {fields['age']}")


async def upload(request: Request) -> Response:
    async with request.form() as fields:
        file: Any = fields["file"]
        return HTMLResponse(f"{len(await file.read())} bytes")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


async def sign_in(request: Request) -> Response:
    request.session.update(SIGNED_IN)
    return HTMLResponse("signed in")


async def read(request: Request) -> Response:
    return HTMLResponse(f"Hello, {request.session['user']}!")


class Hooks:
    """What happens before a request and after it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def after(message: Any) -> None:
            await send(message)

        await self.app(scope, receive, after)


def plain(folder: str) -> Starlette:
    return Starlette(
        routes=[
            Route("/", text),
            Route("/json", mapping),
            Route("/user/{number:int}", user),
            Route("/rows", page),
            Route("/form", form, methods=["POST"]),
            Route("/upload", upload, methods=["POST"]),
            WebSocketRoute("/echo", echo),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )


def cookie(folder: str) -> Starlette:
    return Starlette(
        routes=[Route("/sign-in", sign_in), Route("/session", read)],
        middleware=[Middleware(SessionMiddleware, secret_key=KEY), Middleware(Hooks)],
    )
