"""Falcon: over WSGI. It has no sessions and no templates."""

from __future__ import annotations

import falcon
from shared import DATA, STATIC, jinja, rows


class Text:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = "Hello, World!"


class Mapping:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = DATA


class User:
    def on_get(self, request: falcon.Request, response: falcon.Response, number: int) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = f"user {number}, page {request.get_param('page')}"


class Page:
    def __init__(self) -> None:
        self.template = jinja().get_template("rows.html")

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = self.template.render(rows=rows())


class Form:
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        fields = request.get_media()
        response.text = f"{fields['name']} is {fields['age']}"


class Upload:
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        for part in request.get_media():
            if part.name == "file":
                response.text = f"{len(part.stream.read())} bytes"


def plain(folder: str) -> falcon.App:
    app = falcon.App()
    app.add_route("/", Text())
    app.add_route("/json", Mapping())
    app.add_route("/user/{number:int}", User())
    app.add_route("/rows", Page())
    app.add_route("/form", Form())
    app.add_route("/upload", Upload())
    app.add_static_route("/static", str(STATIC))
    return app
