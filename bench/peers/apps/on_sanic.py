"""Sanic: over ASGI, though its own server is what it is made for. It has no sessions and no templates."""

from __future__ import annotations

from sanic import HTTPResponse, Request, Sanic, Websocket, html, json
from shared import DATA, STATIC, jinja, rows


def plain(folder: str) -> Sanic:
    app = Sanic("bench")
    template = jinja().get_template("rows.html")

    @app.get("/")
    async def text(request: Request) -> HTTPResponse:
        return html("Hello, World!")

    @app.get("/json")
    async def mapping(request: Request) -> HTTPResponse:
        return json(DATA)

    @app.get("/user/<number:int>")
    async def user(request: Request, number: int) -> HTTPResponse:
        return html(f"user {number}, page {request.args.get('page')}")

    @app.get("/rows")
    async def page(request: Request) -> HTTPResponse:
        return html(template.render(rows=rows()))

    @app.post("/form")
    async def form(request: Request) -> HTTPResponse:
        return html(f"{request.form.get('name')} is {request.form.get('age')}")

    @app.post("/upload")
    async def upload(request: Request) -> HTTPResponse:
        return html(f"{len(request.files.get('file').body)} bytes")

    @app.websocket("/echo")
    async def echo(request: Request, socket: Websocket) -> None:
        while (message := await socket.recv()) is not None:
            await socket.send(message)

    app.static("/static", STATIC)
    return app
