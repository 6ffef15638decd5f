"""Erlen: async views, over ASGI and RSGI."""

from __future__ import annotations

from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows

from erlen import Erlen, Response, render_template, request, session, websocket


def plain(folder: str) -> Erlen:
    app = Erlen(__name__, static_folder=str(STATIC), template_folder=str(TEMPLATES), instance_path=folder)

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
        return render_template("rows.html", rows=rows())

    @app.post("/form")
    async def form() -> str:
        return f"{request.form['name']} is {request.form['age']}"

    @app.post("/upload")
    async def upload() -> str:
        return f"{len(request.files['file'].read())} bytes"

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    return app


def stored(folder: str) -> Erlen:
    app = Erlen(__name__, instance_path=folder)
    app.config["SECRET_KEY"] = KEY

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


def cookie(folder: str) -> Erlen:
    app = stored(folder)
    app.config["SESSION_TYPE"] = "cookie"
    return app
