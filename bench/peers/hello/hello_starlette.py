"""Starlette's least application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route


async def hello(request: Request) -> HTMLResponse:
    return HTMLResponse("Hello, World!")


app = Starlette(routes=[Route("/", hello)])
