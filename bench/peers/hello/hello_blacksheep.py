"""BlackSheep's least application."""

from blacksheep import Application, Response, get, html

app = Application()


@get("/")
async def hello() -> Response:
    return html("Hello, World!")
