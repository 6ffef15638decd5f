"""The least that ASGI and RSGI applications can do for the same requests. Files of forms are not parsed, but read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import jinja2
from shared import DATA, STATIC, jinja, rows

HTML = "text/html; charset=utf-8"
HELLO = b"Hello, World!"
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", HTML.encode()), (b"content-length", b"13")],
}
Read = Callable[[], Awaitable[bytes]]


async def answer(page: jinja2.Template, path: str, query: str, read: Read) -> tuple[int, str, bytes]:
    if path == "/json":
        return 200, "application/json", json.dumps(DATA).encode()
    if path.startswith("/user/"):
        return 200, HTML, f"user {int(path[6:])}, page {parse_qs(query)['page'][0]}".encode()
    if path == "/rows":
        return 200, HTML, page.render(rows=rows()).encode()
    if path == "/form":
        form = parse_qs((await read()).decode())
        return 200, HTML, f"{form['name'][0]} is {form['age'][0]}".encode()
    if path == "/upload":
        return 200, HTML, f"{len(await read()) // 1024 * 1024} bytes".encode()
    if path == "/static/small.css":
        return 200, "text/css; charset=utf-8", (STATIC / "small.css").read_bytes()
    return 404, HTML, b"Not Found"


class Bare:
    """The application, over both."""

    def __init__(self) -> None:
        self.page = jinja().get_template("rows.html")

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while "text" in (message := await receive()):
                await send({"type": "websocket.send", "text": message["text"]})
            return
        if scope["type"] != "http":
            return
        if scope["path"] == "/":
            await send(START)
            await send({"type": "http.response.body", "body": HELLO})
            return

        async def read() -> bytes:
            pieces = []
            while (message := await receive())["more_body"]:
                pieces.append(message["body"])
            return b"".join([*pieces, message["body"]])

        status, kind, body = await answer(self.page, scope["path"], scope["query_string"].decode(), read)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.proto == "ws":
            transport = await protocol.accept()
            while (message := await transport.receive()).kind:
                await transport.send_str(message.data)
            return
        if scope.path == "/":
            protocol.response_bytes(200, [("content-type", HTML), ("content-length", "13")], HELLO)
            return
        status, kind, body = await answer(self.page, scope.path, scope.query_string, protocol)
        protocol.response_bytes(status, [("content-type", kind), ("content-length", str(len(body)))], body)


def plain(folder: str) -> Bare:
    return Bare()
