"""The application that the tests of streams are about; it is copied to where it is served."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextvars import ContextVar
from pathlib import Path

from erlen import (
    Erlen,
    EventStream,
    ServerSentEvent,
    g,
    request,
    session,
    stream_template_string_async,
    stream_with_context,
)

HERE = Path(__file__).resolve().parent

app = Erlen(__name__, instance_path=str(HERE / "instance"))
app.config.update(SECRET_KEY="a key for tests", MAX_CONTENT_LENGTH=1_000_000)
asgi = app.asgi

seen: dict[str, list[str]] = {}
variable = ContextVar("variable", default="unset")


def note(mark, text):
    seen.setdefault(mark, []).append(text)


async def gate(name):
    """Wait until the test makes the file *name*, or for too long."""
    for _ in range(4000):
        if (HERE / name).exists():
            return True
        await asyncio.sleep(0.005)
    return False


def plain_gate(name):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (HERE / name).exists():
            return True
        time.sleep(0.005)
    return False


@app.teardown_request
def torn_down(error):
    if request.endpoint != "seen_of" and "mark" in (request.view_args or {}):
        note(request.view_args["mark"], "teardown")


@app.get("/")
def index():
    return "here"


@app.get("/seen/<mark>")
def seen_of(mark):
    return seen.get(mark, [])


def pieces_of(mark):
    async def pieces():
        async with asyncio.timeout(60):
            variable.set("kept")
            yield "one "
            yield f"two {request.path} {variable.get()} {g.word}" if await gate(mark) else "too late"

    g.word = "g"
    return stream_with_context(pieces())


@app.get("/stream/<mark>")
async def stream(mark):
    return pieces_of(mark)


@app.get("/stream-of-plain-view/<mark>")
def stream_of_plain_view(mark):
    return pieces_of(mark)


@app.get("/plain-stream/<mark>")
def plain_stream(mark):
    def pieces():
        yield "one "
        yield f"two {request.path}" if plain_gate(mark) else "too late"

    return stream_with_context(pieces())


@app.get("/endless/<mark>")
async def endless(mark):
    async def pieces():
        try:
            while True:
                yield b"x" * 65536
        finally:
            await asyncio.sleep(0)
            note(mark, "finally")

    return stream_with_context(pieces())


@app.get("/breaks/<mark>")
async def breaks(mark):
    async def pieces():
        yield b"a beginning"
        raise RuntimeError("the stream broke")

    return stream_with_context(pieces())


@app.get("/template")
async def template():
    return stream_template_string_async("{{ request.path }} {% for n in range(3) %}{{ n }}{% endfor %}")


@app.get("/events/<mark>")
async def events(mark):
    async def source():
        try:
            yield ServerSentEvent("one", event="count", id="1")
            await gate(mark)
            yield ServerSentEvent({"after": request.last_event_id})
        finally:
            await asyncio.sleep(0)
            note(mark, "finally")

    return EventStream(source(), retry=1000, heartbeat=0.02)


@app.post("/in")
def sign_in():
    session["name"] = "ada"
    return ""


@app.post("/out")
def sign_out():
    session.clear()
    return ""


@app.get("/flood/<mark>")
async def flood(mark):
    async def source():
        try:
            while True:
                yield "x" * 65_536
        finally:
            note(mark, "finally")

    return EventStream(source())


@app.get("/flood-plain/<mark>")
def flood_plain(mark):
    def source():
        try:
            while True:
                yield "x" * 65_536
        finally:
            note(mark, "finally")

    return EventStream(source())


@app.post("/sum", stream=True)
async def checksum():
    digest, pieces = hashlib.sha256(), 0
    async for piece in request.body:
        digest.update(piece)
        pieces += 1
    return {"sha256": digest.hexdigest(), "pieces": pieces}


@app.post("/sum-plain", stream=True)
def checksum_plain():
    digest = hashlib.sha256()
    while piece := request.stream.read(10_000):
        digest.update(piece)
    return {"sha256": digest.hexdigest()}


@app.post("/parts", stream=True)
async def parts():
    found = []
    async for part in request.parts():
        digest = hashlib.sha256()
        async for piece in part:
            digest.update(piece)
        found.append([part.name, part.filename, digest.hexdigest()])
    return found


@app.post("/echo", stream=True)
async def echo():
    async def pieces():
        async for piece in request.body:
            yield piece.upper()

    return stream_with_context(pieces())


@app.post("/swallow/<mark>", stream=True)
async def swallow(mark):
    try:
        async for _ in request.body:
            note(mark, "piece")
    except Exception as error:
        note(mark, type(error).__name__)
        raise
    finally:
        await asyncio.sleep(0)
        note(mark, "finally")
    return "whole"
