"""The least that an application can do on a server, without a framework: BENCH_PART says which part of the work."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from common import REDIS, SESSION, STATIC

PART = os.environ.get("BENCH_PART", "hello")
TEXT = b"Hello, World!"
HEAD = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "13")]
RAW = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]
COOKIE = [("Set-Cookie", "session=an-id-of-sixteen")]
STYLES = (STATIC / "styles.css").read_bytes() if PART == "static" else b""
STYLED = [("Content-Type", "text/css"), ("Content-Length", str(len(STYLES)))]
SEEDED = json.dumps(SESSION)

Environ = dict[str, Any]
Start = Callable[..., Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# What only sessions need is loaded with them: it would be in the memory of all other work.
_client: Any = import_module("redis").Redis.from_url(REDIS) if REDIS else None


# -- WSGI -----------------------------------------------------------------------------------------------------------


def hello(environ: Environ, start_response: Start) -> list[bytes]:
    start_response("200 OK", HEAD)
    return [TEXT]


def static(environ: Environ, start_response: Start) -> list[bytes]:
    start_response("200 OK", STYLED)
    return [STYLES]


def upload(environ: Environ, start_response: Start) -> list[bytes]:
    """Read what is sent, and answer with its size."""
    text = b"%d" % len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]


def session(environ: Environ, start_response: Start) -> list[bytes]:
    """Keep a session with the commands of redis-py: filled, read, or changed and written."""
    path = environ["PATH_INFO"]
    if path == "/fill":
        _client.setex(environ.get("HTTP_COOKIE", "session=an-id-of-sixteen"), 1_209_600, SEEDED)
        start_response("200 OK", HEAD + COOKIE)
        return [TEXT]
    kept = json.loads(_client.get(environ["HTTP_COOKIE"]))
    if path == "/count":
        kept["n"] += 1
        _client.setex(environ["HTTP_COOKIE"], 1_209_600, json.dumps(kept))
    text = f"{kept['theme']} {kept['n']}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]


wsgi = {"hello": hello, "static": static, "upload": upload, "session": session}.get(PART, hello)


# -- ASGI -----------------------------------------------------------------------------------------------------------


async def asgi_hello(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise RuntimeError("this application knows HTTP alone")
    await send({"type": "http.response.start", "status": 200, "headers": RAW})
    await send({"type": "http.response.body", "body": TEXT})


async def asgi_static(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise RuntimeError("this application knows HTTP alone")
    headers = [(b"content-type", b"text/css"), (b"content-length", b"%d" % len(STYLES))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": STYLES})


async def asgi_upload(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Read what is sent, and answer with its size."""
    if scope["type"] != "http":
        raise RuntimeError("this application knows HTTP alone")
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    text = b"%d" % len(b"".join(parts))
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def asgi_echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Send back each message of a WebSocket."""
    if scope["type"] != "websocket":
        raise RuntimeError("this application knows WebSockets alone")
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


asgi = {"static": asgi_static, "upload": asgi_upload, "echo": asgi_echo}.get(PART, asgi_hello)


# -- RSGI -----------------------------------------------------------------------------------------------------------


async def rsgi_hello(scope: Any, protocol: Any) -> None:
    protocol.response_str(200, HEAD, "Hello, World!")


async def rsgi_static(scope: Any, protocol: Any) -> None:
    protocol.response_bytes(200, STYLED, STYLES)


async def rsgi_upload(scope: Any, protocol: Any) -> None:
    """Read what is sent, and answer with its size."""
    text = str(len(await protocol()))
    protocol.response_str(200, [("content-type", "text/plain"), ("content-length", str(len(text)))], text)


async def rsgi_echo(scope: Any, protocol: Any) -> None:
    """Send back each message of a WebSocket."""
    channel = await protocol.accept()
    while (message := await channel.receive()).kind:
        await channel.send_str(message.data)


rsgi = {"static": rsgi_static, "upload": rsgi_upload, "echo": rsgi_echo}.get(PART, rsgi_hello)
