"""Emmett: over RSGI and ASGI. Its templates are no Jinja: its view calls Jinja itself."""

from __future__ import annotations

from emmett import App, Pipe, request, response, session, websocket
from emmett.sessions import SessionManager
from emmett.tools import service
from shared import DATA, KEY, SIGNED_IN, jinja, rows


class Hooks(Pipe):
    """What happens before a request and after it."""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass


def plain(folder: str) -> App:
    app = App(__name__)
    app.config.handle_static = True
    template = jinja().get_template("rows.html")

    @app.route("/", output="str")
    async def text() -> str:
        return "Hello, World!"

    @app.route("/json")
    @service.json
    async def mapping() -> dict[str, object]:
        return DATA

    @app.route("/user/<int:number>", output="str")
    async def user(number: int) -> str:
        return f"user {number}, page {request.query_params.page}"

    @app.route("/rows", output="str")
    async def page() -> str:
        response.content_type = "text/html; charset=utf-8"
        return template.render(rows=rows())

    @app.route("/form", methods="post", output="str")
    async def form() -> str:
        fields = await request.body_params
        return f"{fields.name} is {fields.age}"

    @app.route("/upload", methods="post", output="str")
    async def upload() -> str:
        return f"{len((await request.files).file.read())} bytes"

    @app.websocket("/echo")
    async def echo() -> None:
        await websocket.accept()
        while True:
            await websocket.send(await websocket.receive())

    return app


def cookie(folder: str) -> App:
    app = App(__name__)
    app.pipeline = [SessionManager.cookies(KEY), Hooks()]

    @app.route("/sign-in", output="str")
    async def sign_in() -> str:
        for name, value in SIGNED_IN.items():
            session[name] = value
        return "signed in"

    @app.route("/session", output="str")
    async def read() -> str:
        return f"Hello, {session.user}!"

    return app
