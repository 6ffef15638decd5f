"""The application on Quart."""

from __future__ import annotations

from common import HELLO, MAPPING, ROWS, STATIC, TEMPLATES
from quart import Quart, render_template, request, websocket

app = Quart(__name__, static_folder=str(STATIC), static_url_path="/static", template_folder=str(TEMPLATES))


@app.get("/")
async def hello() -> str:
    return HELLO


@app.get("/json")
async def mapping() -> dict[str, object]:
    return MAPPING


@app.get("/user/<int:number>")
async def user(number: int) -> str:
    return f"user {number}, page {request.args['page']}"


@app.get("/rows")
async def rows() -> str:
    return await render_template("rows.html", rows=ROWS)


@app.post("/form")
async def form() -> str:
    sent = await request.form
    return f"{sent['name']}, {sent['colour']}"


@app.post("/upload")
async def upload() -> str:
    return str(len((await request.files)["file"].read()))


@app.websocket("/echo")
async def echo() -> None:
    while True:
        await websocket.send(await websocket.receive())


asgi = app
