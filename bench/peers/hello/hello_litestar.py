"""Litestar's least application."""

from litestar import Litestar, MediaType, get


@get("/", media_type=MediaType.HTML)
async def hello() -> str:
    return "Hello, World!"


app = Litestar([hello])
