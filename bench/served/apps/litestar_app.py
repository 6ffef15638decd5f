"""The application on Litestar."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

from common import HELLO, MAPPING, REDIS, ROWS, SESSION, STATIC, TEMPLATES
from litestar import Litestar, MediaType, Request, get, post, websocket_listener
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig


@get("/", media_type=MediaType.TEXT)
async def hello() -> str:
    return HELLO


@get("/json")
async def mapping() -> dict[str, Any]:
    return MAPPING


@get("/user/{number:int}", media_type=MediaType.TEXT)
async def user(number: int, page: int) -> str:
    return f"user {number}, page {page}"


@get("/rows")
async def rows() -> Template:
    return Template("rows.html", context={"rows": ROWS})


@post("/form", media_type=MediaType.TEXT, status_code=200)
async def form(data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]) -> str:
    return f"{data['name']}, {data['colour']}"


@post("/upload", media_type=MediaType.TEXT, status_code=200)
async def upload(data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)]) -> str:
    return str(len(await data["file"].read()))


@get("/fill", media_type=MediaType.TEXT)
async def fill(request: Request[Any, Any, Any]) -> str:
    request.session.update(SESSION)
    return HELLO


@get("/read", media_type=MediaType.TEXT)
async def read(request: Request[Any, Any, Any]) -> str:
    return f"{request.session['theme']} {request.session['n']}"


@get("/count", media_type=MediaType.TEXT)
async def count(request: Request[Any, Any, Any]) -> str:
    request.session["n"] = request.session["n"] + 1
    return str(request.session["n"])


@websocket_listener("/echo")
async def echo(data: str) -> str:
    return data


# Only with sessions: it would be in the memory of all other work.
_SESSIONS = "litestar.middleware.session.server_side"

asgi = Litestar(
    [
        *(hello, mapping, user, rows, form, upload, fill, read, count, echo),
        create_static_files_router("/static", [STATIC]),
    ],
    middleware=[import_module(_SESSIONS).ServerSideSessionConfig().middleware] if REDIS else [],
    stores={"sessions": import_module("litestar.stores.redis").RedisStore.with_client(REDIS)} if REDIS else {},
    template_config=TemplateConfig(directory=TEMPLATES, engine=JinjaTemplateEngine),
    logging_config=None,
    openapi_config=None,
)
