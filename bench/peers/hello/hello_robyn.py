"""Robyn's least application."""

from robyn import Request, Robyn

app = Robyn(__file__)


@app.get("/")
async def hello(request: Request) -> str:
    return "Hello, World!"
