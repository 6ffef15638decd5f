"""BlackSheep: over ASGI. Its view calls Jinja itself, because its own way takes templates of a package alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from blacksheep import Application, Request, Response, WebSocket, WebSocketDisconnectError, html, json
from blacksheep.server.routing import Router
from shared import DATA, KEY, SIGNED_IN, STATIC, jinja, rows


def plain(folder: str) -> Application:
    app = Application(router=Router())
    template = jinja().get_template("rows.html")

    @app.router.get("/")
    async def text() -> Response:
        return html("Hello, World!")

    @app.router.get("/json")
    async def mapping() -> Response:
        return json(DATA)

    @app.router.get("/user/{int:number}")
    async def user(number: int, page: str) -> Response:
        return html(f"user {number}, page {page}")

    @app.router.get("/rows")
    async def page() -> Response:
        return html(template.render(rows=rows()))

    @app.router.post("/form")
    async def form(request: Request) -> Response:
        fields = await request.form()
        assert fields is not None
        return html(f"{fields['name']} is {fields['age']}")

    @app.router.post("/upload")
    async def upload(request: Request) -> Response:
        file = (await request.files("file"))[0]
        return html(f"{len(file.data)} bytes")

    @app.router.ws("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnectError:
            pass

    app.serve_files(STATIC, root_path="static")
    return app


def cookie(folder: str) -> Application:
    app = Application(router=Router())
    app.use_sessions(KEY)

    async def hooks(request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
        return await handler(request)

    app.middlewares.append(hooks)

    @app.router.get("/sign-in")
    async def sign_in(request: Request) -> Response:
        for name, value in SIGNED_IN.items():
            request.session[name] = value
        return html("signed in")

    @app.router.get("/session")
    async def read(request: Request) -> Response:
        return html(f"Hello, {request.session['user']}!")

    return app
