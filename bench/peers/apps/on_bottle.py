"""Bottle: over WSGI. It has signed cookies, and no sessions."""

from __future__ import annotations

from bottle import Bottle, Jinja2Template, request, static_file
from shared import DATA, STATIC, TEMPLATES, rows


def plain(folder: str) -> Bottle:
    app = Bottle()
    template = Jinja2Template(name="rows.html", lookup=[str(TEMPLATES)], autoescape=True)

    @app.get("/")
    def text() -> str:
        return "Hello, World!"

    @app.get("/json")
    def mapping() -> dict[str, object]:
        return DATA

    @app.get("/user/<number:int>")
    def user(number: int) -> str:
        return f"user {number}, page {request.query['page']}"

    @app.get("/rows")
    def page() -> str:
        return template.render(rows=rows())

    @app.post("/form")
    def form() -> str:
        return f"{request.forms['name']} is {request.forms['age']}"

    @app.post("/upload")
    def upload() -> str:
        return f"{len(request.files['file'].file.read())} bytes"

    @app.get("/static/<name:path>")
    def static(name: str) -> object:
        return static_file(name, root=str(STATIC))

    return app
