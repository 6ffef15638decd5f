"""An application that notes the events of its life, in both colours, and waits for files."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from erlen import Erlen, after_response, current_app, request

HERE = Path(__file__).resolve().parent
app = Erlen(__name__)
app.config["SESSION_TYPE"] = None
app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = float(os.environ.get("LIMIT", "60"))
asgi = app.asgi


def note(text: str) -> None:
    with open(HERE / "events", "a") as file:
        file.write(f"{current_app.name} {text}\n")


def waits_for(name: str) -> bool:
    return not (HERE / name).exists()


def wait(name: str) -> None:
    deadline = time.monotonic() + 30
    while waits_for(name) and time.monotonic() < deadline:
        time.sleep(0.005)


@app.before_serving
def before_plain() -> None:
    note("before, plain")


@app.before_serving
async def before_async() -> None:
    await asyncio.sleep(0)
    note("before, async")


@app.while_serving
def while_plain() -> Iterator[None]:
    note("while, plain, begins")
    yield
    note("while, plain, ends")


@app.while_serving
async def while_async() -> AsyncIterator[None]:
    async with asyncio.timeout(None):  # which has to be left in the task that entered it
        note("while, async, begins")
        if (HERE / "broken").exists():
            raise RuntimeError("the start-up failed on purpose")
        yield
    note("while, async, ends")


@app.after_serving
async def after_async() -> None:
    await asyncio.to_thread(note, "after, async")


@app.after_serving
def after_plain() -> None:
    note("after, plain")


async def async_task(gate: str) -> None:
    note(f"async task for {gate} begins")
    try:
        while waits_for(gate):
            await asyncio.sleep(0.005)
    except asyncio.CancelledError:
        note(f"async task for {gate} is cancelled")
        raise
    note(f"async task for {gate} ends")


def plain_task(gate: str) -> None:
    note(f"plain task for {gate} begins")
    wait(gate)
    note(f"plain task for {gate} ends")


async def follow_async(gate: str) -> None:
    while waits_for(gate):
        await asyncio.sleep(0.005)
    note(f"async work after {request.path}")


def follow_plain(gate: str) -> None:
    wait(gate)
    note(f"plain work after {request.path}")


@app.get("/")
def index() -> str:
    note("request")
    return "served"


@app.get("/tasks/<gate>")
def tasks(gate: str) -> str:
    app.add_background_task(async_task, gate)
    app.add_background_task(plain_task, gate)
    return "added"


@app.get("/follow/<gate>")
def follow(gate: str) -> str:
    after_response(follow_async, gate)
    after_response(follow_plain, gate)
    return "followed"


@app.get("/follow-async/<gate>")
async def follow_from_async(gate: str) -> str:
    after_response(follow_async, gate)
    after_response(follow_plain, gate)
    return "followed"


@app.get("/follow-stream/<gate>")
def follow_stream(gate: str) -> Iterator[str]:
    after_response(follow_async, gate)
    after_response(follow_plain, gate)
    return iter(["follow", "ed"])
