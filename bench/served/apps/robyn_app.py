"""The application on Robyn, which serves itself: ``python robyn_app.py PORT``."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import parse_qsl

from common import HELLO, MAPPING, STATIC
from jinja_page import page
from robyn import Request, Response, Robyn

PORT = int(sys.argv.pop())  # Robyn reads the rest
app = Robyn(__file__)


@app.get("/")
async def hello() -> str:
    return HELLO


@app.get("/json")
async def mapping() -> dict[str, Any]:
    return MAPPING


@app.get("/user/:number")
async def user(request: Request) -> str:
    return f"user {int(request.path_params['number'])}, page {request.query_params.get('page', '')}"


@app.get("/rows")
async def rows() -> Response:
    return Response(200, {"content-type": "text/html; charset=utf-8"}, page())


@app.post("/form")
async def form(request: Request) -> str:
    sent = dict(parse_qsl(str(request.body)))  # it reads forms of several parts alone
    return f"{sent['name']}, {sent['colour']}"


@app.post("/upload")
async def upload(request: Request) -> str:
    return str(sum(len(data) for data in request.files.values()))


app.serve_directory("/static", str(STATIC))

if __name__ == "__main__":
    app.start(host="127.0.0.1", port=PORT)
