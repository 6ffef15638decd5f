"""The application on Bottle."""

from __future__ import annotations

from bottle import Bottle, jinja2_template, request, static_file
from common import HELLO, MAPPING, ROWS, STATIC, TEMPLATES

wsgi = Bottle()
LOOKUP = [str(TEMPLATES)]  # one list: Bottle keeps templates by its identity


@wsgi.get("/")
def hello() -> str:
    return HELLO


@wsgi.get("/json")
def mapping() -> dict[str, object]:
    return MAPPING


@wsgi.get("/user/<number:int>")
def user(number: int) -> str:
    return f"user {number}, page {request.query['page']}"


@wsgi.get("/rows")
def rows() -> str:
    return jinja2_template("rows.html", rows=ROWS, template_lookup=LOOKUP)


@wsgi.post("/form")
def form() -> str:
    return f"{request.forms['name']}, {request.forms['colour']}"


@wsgi.post("/upload")
def upload() -> str:
    return str(len(request.files["file"].file.read()))


@wsgi.get("/static/<name:path>")
def static(name: str) -> object:
    return static_file(name, root=str(STATIC))
