"""The application on Falcon, for WSGI."""

from __future__ import annotations

import falcon
from common import HELLO, MAPPING, STATIC
from falcon import Request, Response
from jinja_page import page


class Hello:
    def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = HELLO


class Mapping:
    def on_get(self, request: Request, response: Response) -> None:
        response.media = MAPPING


class User:
    def on_get(self, request: Request, response: Response, number: int) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = f"user {number}, page {request.get_param('page')}"


class Rows:
    def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = page()


class Form:
    def on_post(self, request: Request, response: Response) -> None:
        sent = request.get_media()
        response.content_type = falcon.MEDIA_TEXT
        response.text = f"{sent['name']}, {sent['colour']}"


class Upload:
    def on_post(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = str(sum(len(part.stream.read()) for part in request.get_media()))


wsgi = falcon.App()
wsgi.add_route("/", Hello())
wsgi.add_route("/json", Mapping())
wsgi.add_route("/user/{number:int}", User())
wsgi.add_route("/rows", Rows())
wsgi.add_route("/form", Form())
wsgi.add_route("/upload", Upload())
wsgi.add_static_route("/static", STATIC)
