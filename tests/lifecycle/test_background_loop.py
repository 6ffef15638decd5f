"""The background loop: one for an application, gone with it, and made anew in a process that was forked."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

FORKING = """
import os
from erlen import Erlen

app = Erlen("forking")
app.config.update(SECRET_KEY="k", SESSION_TYPE="memory")

@app.get("/")
async def index():
    return str(os.getpid())

client = app.test_client()
assert client.get("/").text == str(os.getpid())
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, client.get("/").data)
    os._exit(0)
os.waitpid(child, 0)
assert os.read(read, 100) == str(child).encode(), "the child answered for its parent"
assert client.get("/").text == str(os.getpid())
print("both answered")
"""


def test_a_forked_process_gets_a_loop_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")}, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("both answered\n", "")


def test_the_thread_of_the_loop_ends_when_the_application_goes(make_app: Any) -> None:
    app = make_app()

    @app.route("/")
    async def index() -> str:
        return "x"

    before = set(threading.enumerate())
    app.test_client().get("/")
    started = set(threading.enumerate()) - before
    assert [thread.name for thread in started] == ["erlen-loop"]
    gone = weakref.ref(app)
    del app, index
    gc.collect()
    assert gone() is None
    for thread in started:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("interface", ["wsgi"])
def test_a_plain_application_starts_no_thread(app: Any) -> None:
    before = threading.active_count()
    app.route("/")(lambda: "x")
    app.test_client().get("/")
    assert threading.active_count() == before


def test_an_async_generator_left_open_is_finished_when_the_loop_ends(make_app: Any) -> None:
    closed = threading.Event()
    app = make_app()
    kept: list[Any] = []

    async def numbers() -> Any:
        try:
            yield 1
            yield 2
        finally:
            closed.set()

    @app.route("/")
    async def index() -> str:
        generator = numbers()
        kept.append(generator)
        return str(await anext(generator))

    assert app.test_client().get("/").text == "1"
    del app, index
    gc.collect()
    assert closed.wait(10)


def test_a_loop_that_was_stopped_by_somebody_else_is_replaced_by_a_new_one(app: Any) -> None:
    async def name() -> str:
        return threading.current_thread().name

    assert app.async_to_sync(name)() == "erlen-loop"
    loop = app._loop.get()
    thread = loop._thread
    inner = loop.get()
    inner.call_soon_threadsafe(inner.stop)
    thread.join(10)
    assert inner.is_closed()
    assert app.async_to_sync(name)() == "erlen-loop"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_direct_runner_calls_here_and_now(app: Any, asynchronous: bool) -> None:
    from erlen.callables import drive

    async def later(word: str) -> str:
        return word

    function = later if asynchronous else str
    assert drive(app._direct.call(function, "x")) == "x"


ENDING = """
import asyncio
from erlen import Erlen

app = Erlen("ending")
app.config["SESSION_TYPE"] = None
kept = []


async def lines():
    try:
        yield 1
    finally:
        print("the generator is finished", flush=True)


async def wait():
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        print("the task is cancelled", flush=True)


@app.get("/")
async def index():
    kept.append(lines())
    await anext(kept[0])
    kept.append(asyncio.create_task(wait()))
    await asyncio.sleep(0)
    return "x"


app.test_client().get("/")
"""


def test_the_loop_is_closed_in_order_at_the_end_of_the_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")}, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("the task is cancelled\nthe generator is finished\n", "")
