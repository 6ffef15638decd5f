"""An application whose views take too long, for clients whose bodies do."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from erlen import Erlen, request

HERE = Path(__file__).resolve().parent
SHORT = 0.05

app = Erlen(__name__)
app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="cookie", THREADS=1, BODY_TIMEOUT=None)
asgi = app.asgi


def note(mark: str, text: str) -> None:
    with open(HERE / "events", "a") as file:
        file.write(f"{mark} {text}\n")


@app.teardown_request
def torn_down(error: BaseException | None) -> None:
    if "mark" in (request.view_args or {}):
        note(request.view_args["mark"], "teardown")


@app.errorhandler(504)
def too_late(error: Any) -> Any:
    return f"too late: {request.path}", 504


@app.errorhandler(408)
def not_sent(error: Any) -> Any:
    return "your body did not come", 408


@app.get("/")
def index() -> str:
    return "at once"


@app.get("/async/<mark>", response_timeout=SHORT)
async def wait(mark: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        note(mark, "finally")


@app.get("/plain/<mark>", response_timeout=SHORT)
def wait_plainly(mark: str) -> str:
    deadline = time.monotonic() + 20
    while not (HERE / mark).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    note(mark, "done")
    return "done"


@app.get("/soon", response_timeout=1000)
async def soon() -> str:
    await asyncio.sleep(0.001)
    return "soon"


@app.post("/patient")
def patient() -> bytes:
    return request.get_data()


@app.post("/impatient", body_timeout=SHORT)
def impatient() -> bytes:
    return request.get_data()


@app.post("/impatient-async", body_timeout=SHORT)
async def impatient_async() -> bytes:
    return request.get_data()
