"""The application on Falcon, for ASGI."""

from __future__ import annotations

import falcon
import falcon.asgi
from common import HELLO, MAPPING, STATIC
from falcon.asgi import Request, Response, WebSocket
from jinja_page import page


class Hello:
    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = HELLO


class Mapping:
    async def on_get(self, request: Request, response: Response) -> None:
        response.media = MAPPING


class User:
    async def on_get(self, request: Request, response: Response, number: int) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = f"user {number}, page {request.get_param('page')}"


class Rows:
    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = page()


class Form:
    async def on_post(self, request: Request, response: Response) -> None:
        sent = await request.get_media()
        response.content_type = falcon.MEDIA_TEXT
        response.text = f"{sent['name']}, {sent['colour']}"


class Upload:
    async def on_post(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_TEXT
        sizes = [len(await part.stream.read()) async for part in await request.get_media()]
        response.text = str(sum(sizes))


class Echo:
    async def on_websocket(self, request: Request, socket: WebSocket) -> None:
        await socket.accept()
        while True:
            try:
                await socket.send_text(await socket.receive_text())
            except falcon.WebSocketDisconnected:
                return


asgi = falcon.asgi.App()
asgi.add_route("/", Hello())
asgi.add_route("/json", Mapping())
asgi.add_route("/user/{number:int}", User())
asgi.add_route("/rows", Rows())
asgi.add_route("/form", Form())
asgi.add_route("/upload", Upload())
asgi.add_route("/echo", Echo())
asgi.add_static_route("/static", STATIC)
