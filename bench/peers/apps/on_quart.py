"""Quart: async views over ASGI."""

from __future__ import annotations

from quart import Quart, Response, render_template, request, session, websocket
from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows


def plain(folder: str) -> Quart:
    app = Quart(__name__, static_folder=str(STATIC), template_folder=str(TEMPLATES))

    @app.get("/")
    async def text() -> str:
        return "Hello, World!"

    @app.get("/json")
    async def mapping() -> dict[str, object]:
        return DATA

    @app.get("/user/<int:number>")
    async def user(number: int) -> str:
        return f"user {number}, page {request.args['page']}"

    @app.get("/rows")
    async def page() -> str:
        return await render_template("rows.html", rows=rows())

    @app.post("/form")
    async def form() -> str:
        fields = await request.form
        return f"{fields['name']} is {fields['age']}"

    @app.post("/upload")
    async def upload() -> str:
        return f"{len((await request.files)['file'].read())} bytes"

    @app.websocket("/echo")
    async def echo() -> None:
        while True:
            await websocket.send(await websocket.receive())

    return app


def cookie(folder: str) -> Quart:
    app = Quart(__name__)
    app.secret_key = KEY

    @app.before_request
    async def before() -> None:
        pass

    @app.after_request
    async def after(response: Response) -> Response:
        return response

    @app.get("/sign-in")
    async def sign_in() -> str:
        session.update(SIGNED_IN)
        return "signed in"

    @app.get("/session")
    async def read() -> str:
        return f"Hello, {session['user']}!"

    return app
