"""Sanic's least application."""

from sanic import HTTPResponse, Request, Sanic, html

app = Sanic("hello", configure_logging=False)


@app.get("/")
async def hello(request: Request) -> HTTPResponse:
    return html("Hello, World!")
