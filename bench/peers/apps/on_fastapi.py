"""FastAPI: over ASGI; the two hooks are a middleware as its documentation shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import FastAPI, Form, Request, Response, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows
from starlette.middleware.sessions import SessionMiddleware


def plain(folder: str) -> FastAPI:
    app = FastAPI()
    templates = Jinja2Templates(directory=TEMPLATES)

    @app.get("/", response_class=HTMLResponse)
    async def text() -> str:
        return "Hello, World!"

    @app.get("/json")
    async def mapping() -> dict[str, object]:
        return DATA

    @app.get("/user/{number}", response_class=HTMLResponse)
    async def user(number: int, page: str) -> str:
        return f"user {number}, page {page}"

    @app.get("/rows", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        return templates.TemplateResponse(request, "rows.html", {"rows": rows()})

    @app.post("/form", response_class=HTMLResponse)
    async def form(name: Annotated[str, Form()], age: Annotated[str, Form()]) -> str:
        return f"{name} is {age}"

    @app.post("/upload", response_class=HTMLResponse)
    async def upload(file: UploadFile) -> str:
        return f"{len(await file.read())} bytes"

    @app.websocket("/echo")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            pass

    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def cookie(folder: str) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def hooks(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call_next(request)

    app.add_middleware(SessionMiddleware, secret_key=KEY)

    @app.get("/sign-in", response_class=HTMLResponse)
    async def sign_in(request: Request) -> str:
        request.session.update(SIGNED_IN)
        return "signed in"

    @app.get("/session", response_class=HTMLResponse)
    async def read(request: Request) -> str:
        return f"Hello, {request.session['user']}!"

    return app
