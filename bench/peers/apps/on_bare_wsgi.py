"""The least that a WSGI application can do for the same requests. Files of forms are not parsed, but read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from shared import DATA, STATIC, jinja, rows

HTML = "text/html; charset=utf-8"


def plain(folder: str) -> Any:
    page = jinja().get_template("rows.html")

    def answer(environ: dict[str, Any]) -> tuple[str, str, bytes]:
        path = environ["PATH_INFO"]
        if path == "/json":
            return "200 OK", "application/json", json.dumps(DATA).encode()
        if path.startswith("/user/"):
            number = int(path[6:])
            return "200 OK", HTML, f"user {number}, page {parse_qs(environ['QUERY_STRING'])['page'][0]}".encode()
        if path == "/rows":
            return "200 OK", HTML, page.render(rows=rows()).encode()
        if path == "/form":
            form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
            return "200 OK", HTML, f"{form['name'][0]} is {form['age'][0]}".encode()
        if path == "/upload":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            return "200 OK", HTML, f"{len(body) // 1024 * 1024} bytes".encode()
        if path == "/static/small.css":
            return "200 OK", "text/css; charset=utf-8", (STATIC / "small.css").read_bytes()
        return "404 Not Found", HTML, b"Not Found"

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/":
            start_response("200 OK", [("Content-Type", HTML), ("Content-Length", "13")])
            return [b"Hello, World!"]
        status, kind, body = answer(environ)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return application
