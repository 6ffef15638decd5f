"""The application on Erlen with plain views; ``erlen_async_app`` has the same ones for an event loop."""

from __future__ import annotations

from common import HELLO, KEY, MAPPING, REDIS, ROWS, SESSION, STATIC, TEMPLATES

from erlen import Erlen, render_template, request, session

app = Erlen(__name__, static_folder=str(STATIC), static_url_path="/static", template_folder=str(TEMPLATES))
app.config["SECRET_KEY"] = KEY
if REDIS:
    app.config["SESSION_URL"] = REDIS


@app.get("/")
def hello() -> str:
    return HELLO


@app.get("/json")
def mapping() -> dict[str, object]:
    return MAPPING


@app.get("/user/<int:number>")
def user(number: int) -> str:
    return f"user {number}, page {request.args['page']}"


@app.get("/rows")
def rows() -> str:
    return render_template("rows.html", rows=ROWS)


@app.post("/form")
def form() -> str:
    return f"{request.form['name']}, {request.form['colour']}"


@app.post("/upload")
def upload() -> str:
    return str(len(request.files["file"].read()))


@app.get("/fill")
def fill() -> str:
    session.update(SESSION)
    return HELLO


@app.get("/read")
def read() -> str:
    return f"{session['theme']} {session['n']}"


@app.get("/count")
def count() -> str:
    session["n"] = session["n"] + 1
    return str(session["n"])


wsgi = app
