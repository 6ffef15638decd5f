"""The application on Erlen with async views; ``erlen_app`` has the same ones, plain."""

from __future__ import annotations

from common import HELLO, KEY, MAPPING, REDIS, ROWS, SESSION, STATIC, TEMPLATES

from erlen import Erlen, render_template, request, session
from erlen import websocket as socket

app = Erlen(__name__, static_folder=str(STATIC), static_url_path="/static", template_folder=str(TEMPLATES))
app.config["SECRET_KEY"] = KEY
if REDIS:
    app.config["SESSION_URL"] = REDIS


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
    return render_template("rows.html", rows=ROWS)


@app.post("/form")
async def form() -> str:
    return f"{request.form['name']}, {request.form['colour']}"


@app.post("/upload")
async def upload() -> str:
    return str(len(request.files["file"].read()))


@app.get("/fill")
async def fill() -> str:
    session.update(SESSION)
    return HELLO


@app.get("/read")
async def read() -> str:
    return f"{session['theme']} {session['n']}"


@app.get("/count")
async def count() -> str:
    session["n"] = session["n"] + 1
    return str(session["n"])


@app.websocket("/echo")
async def echo() -> None:
    async for message in socket:
        await socket.send(message)


asgi, rsgi = app.asgi, app
