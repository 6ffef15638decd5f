"""Falcon: over ASGI. It has no sessions and no templates."""

from __future__ import annotations

import falcon
import falcon.asgi
from falcon.asgi import Request, Response
from shared import DATA, STATIC, jinja, rows


class Text:
    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = "Hello, World!"


class Mapping:
    async def on_get(self, request: Request, response: Response) -> None:
        response.media = DATA


class User:
    async def on_get(self, request: Request, response: Response, number: int) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = f"user {number}, page {request.get_param('page')}"


class Page:
    def __init__(self) -> None:
        self.template = jinja().get_template("rows.html")

    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = self.template.render(rows=rows())


class Form:
    async def on_post(self, request: Request, response: Response) -> None:
        fields = await request.get_media()
        response.text = f"{fields['name']} is {fields['age']}"


class Upload:
    async def on_post(self, request: Request, response: Response) -> None:
        async for part in await request.get_media():
            if part.name == "file":
                response.text = f"{len(await part.stream.read())} bytes"


class Echo:
    async def on_websocket(self, request: Request, socket: falcon.asgi.WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except falcon.WebSocketDisconnected:
            pass


def plain(folder: str) -> falcon.asgi.App:
    app = falcon.asgi.App()
    app.add_route("/", Text())
    app.add_route("/json", Mapping())
    app.add_route("/user/{number:int}", User())
    app.add_route("/rows", Page())
    app.add_route("/form", Form())
    app.add_route("/upload", Upload())
    app.add_route("/echo", Echo())
    app.add_static_route("/static", str(STATIC))
    return app
