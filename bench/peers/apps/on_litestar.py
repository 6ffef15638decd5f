"""Litestar: over ASGI. Its session in a cookie is encrypted, not signed."""

from __future__ import annotations

from typing import Annotated

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import WebSocketDisconnect
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.params import Body
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows


@get("/", media_type=MediaType.HTML)
async def text() -> str:
    return "Hello, World!"


@get("/json")
async def mapping() -> dict[str, object]:
    return DATA


@get("/user/{number:int}", media_type=MediaType.HTML)
async def user(number: int, page: str) -> str:
    return f"user {number}, page {page}"


@get("/rows")
async def page() -> Template:
    return Template("rows.html", context={"rows": rows()})


@post("/form", media_type=MediaType.HTML, status_code=200)
async def form(data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]) -> str:
    return f"{data['name']} is {data['age']}"


@post("/upload", media_type=MediaType.HTML, status_code=200)
async def upload(data: Annotated[dict[str, object], Body(media_type=RequestEncodingType.MULTI_PART)]) -> str:
    file = data["file"]
    assert isinstance(file, UploadFile)
    return f"{len(await file.read())} bytes"


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


@get("/sign-in", media_type=MediaType.HTML)
async def sign_in(request: Request) -> str:
    request.session.update(SIGNED_IN)
    return "signed in"


@get("/session", media_type=MediaType.HTML)
async def read(request: Request) -> str:
    return f"Hello, {request.session['user']}!"


async def before(request: Request) -> None:
    pass


async def after(response: Response) -> Response:
    return response


def plain(folder: str) -> Litestar:
    return Litestar(
        [
            *(text, mapping, user, page, form, upload, echo),
            create_static_files_router(path="/static", directories=[STATIC]),
        ],
        template_config=TemplateConfig(directory=TEMPLATES, engine=JinjaTemplateEngine),
        openapi_config=None,
    )


def cookie(folder: str) -> Litestar:
    return Litestar(
        [sign_in, read],
        middleware=[CookieBackendConfig(secret=KEY.encode()).middleware],
        before_request=before,
        after_request=after,
        openapi_config=None,
    )
