"""What holds the event loop is named in the log, with its line, while it holds it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen import nonblocking, render_template_async
from erlen.lifecycle import watchdog

HERE = Path(__file__).name
PATIENCE = 20
"""Seconds after which a report that does not come is a failure."""


class Heard(logging.Handler):
    """Keeps the reports that name what the test is about, and tells when the first one comes."""

    wanted = HERE

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().replace(os.sep, "/")
        if "has held the event loop" in text and self.wanted in text:
            self.texts.append(text)
            self.came.set()


@pytest.fixture
def heard(make_app: Any) -> Iterator[Heard]:
    heard = Heard()
    logger = logging.getLogger("lifecycle_app")
    logger.addHandler(heard)
    yield heard
    logger.removeHandler(heard)


@pytest.fixture
def watched(make_app: Any) -> Any:
    """An application that reports what holds its loop for more than 50 ms. What a test blocks is a step of its own."""
    app = make_app(SLOW_CALLBACK_REPORT=0.05)

    @app.before_request
    async def take_a_step() -> None:
        await asyncio.sleep(0)

    return app


def _line_of(function: Any, text: str) -> int:
    lines, first = inspect.getsourcelines(function)
    return next(number for number, line in enumerate(lines, first) if text in line)


def test_a_view_that_blocks_the_loop_is_named_with_the_line_that_blocks(watched: Any, heard: Heard) -> None:
    @watched.route("/")
    async def index() -> str:
        return "reported" if heard.came.wait(PATIENCE) else "nothing came"

    assert watched.test_client().get("/").text == "reported"
    line = _line_of(index, "came.wait")
    assert f"index() at tests/lifecycle/{HERE}:{line}" in heard.texts[0]
    assert "(Condition.wait() at " in heard.texts[0]
    assert "has held the event loop for 50 ms" in heard.texts[0]
    assert "await asyncio.to_thread(...)" in heard.texts[0]


def test_what_blocks_once_is_reported_once(watched: Any, heard: Heard) -> None:
    @watched.route("/")
    async def index() -> str:
        heard.came.wait(PATIENCE)
        for _ in range(5):  # it goes on being held, for several times as long
            threading.Event().wait(0.05)
        return "x"

    @watched.route("/next")
    async def following() -> str:
        return "x"

    client = watched.test_client()
    client.get("/")
    client.get("/next")
    assert len([text for text in heard.texts if HERE in text]) == 1


@pytest.mark.parametrize("interface", ["asgi"])
def test_a_quick_hook_that_is_not_quick_is_named(watched: Any, heard: Heard) -> None:
    @watched.before_request
    @nonblocking
    def before() -> None:
        heard.came.wait(PATIENCE)

    @watched.route("/", blocking=False)
    def index() -> str:
        return "x"

    watched.test_client().get("/")
    assert f"before() at tests/lifecycle/{HERE}:{_line_of(before, 'came.wait')}" in heard.texts[0]
    assert "blocking=False or nonblocking" in heard.texts[0]


def test_a_template_that_blocks_is_named_by_its_own_line(watched: Any, heard: Heard, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "slow.html").write_text("one\ntwo\n{{ wait(20) and 'reported' }}\n")

    watched.jinja_env.get_template("slow.html")  # what loads Jinja and compiles it may hold the loop, too
    heard.wanted = "slow.html:3"

    @watched.route("/")
    async def index() -> str:
        return await render_template_async("slow.html", wait=heard.came.wait)

    assert "reported" in watched.test_client().get("/").text
    assert heard.texts


def test_a_plain_view_that_waits_is_not_named_because_it_holds_no_loop(watched: Any, heard: Heard) -> None:
    rounds: list[int] = []

    @watched.route("/")
    def index() -> str:
        loop = watched._loop.get().get()
        for _ in range(20):  # the loop answers all the while
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.005), loop).result()
            rounds.append(1)
        return "x"

    watched.test_client().get("/")
    assert len(rounds) == 20
    assert not [text for text in heard.texts if "index()" in text]


@pytest.mark.parametrize(
    ("settings", "debug", "expected"),
    [
        ({}, False, None),
        ({}, True, 0.1),
        ({"SLOW_CALLBACK_REPORT": 0}, True, None),
        ({"SLOW_CALLBACK_REPORT": 2}, False, 2),
    ],
)
def test_debug_mode_asks_for_it_and_the_setting_decides(
    make_app: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], debug: bool, expected: float | None
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(watchdog, "watch", lambda loop, thread, seconds, logger: asked.append((thread.name, seconds)))
    app = make_app(**settings)
    app.debug = debug

    @app.route("/")
    async def index() -> str:
        return "x"

    app.test_client().get("/")
    assert set(asked) == (set() if expected is None else {("erlen-loop", expected)})


def test_the_watchdog_ends_with_its_loop_and_there_is_one_for_each(watched: Any) -> None:
    @watched.route("/")
    async def index() -> str:
        return "x"

    before = set(threading.enumerate())
    client = watched.test_client()
    client.get("/")
    client.get("/")
    started = [thread for thread in threading.enumerate() if thread not in before and thread.name == "erlen-watchdog"]
    assert len(started) == 1
    loop = watched._loop.get().get()
    loop.call_soon_threadsafe(loop.stop)
    started[0].join(PATIENCE)
    assert not started[0].is_alive()


def test_it_keeps_no_application_alive(make_app: Any) -> None:
    def use() -> Any:
        app = make_app(SLOW_CALLBACK_REPORT=30)

        async def index() -> str:
            return "x"

        app.add_url_rule("/", "index", index)
        app.test_client().get("/")
        return weakref.ref(app)

    gone = use()
    assert gone() is None


def test_a_loop_that_two_applications_use_is_watched_once(make_app: Any) -> None:
    before = set(threading.enumerate())

    async def work() -> list[str]:
        loop = asyncio.get_running_loop()
        for app in (make_app(SLOW_CALLBACK_REPORT=30), make_app(SLOW_CALLBACK_REPORT=40)):
            app.freeze()
            app._loop.adopt(loop)
        return [thread.name for thread in threading.enumerate() if thread not in before]

    assert asyncio.run(work()).count("erlen-watchdog") == 1


def test_a_loop_that_runs_before_the_set_up_ends_is_watched_from_then_on(watched: Any, heard: Heard) -> None:
    async def nothing() -> None: ...

    watched._loop.run(nothing())  # as a command does

    @watched.route("/")
    async def index() -> str:
        return "reported" if heard.came.wait(PATIENCE) else "nothing came"

    assert watched.test_client().get("/").text == "reported"


def test_the_loop_of_uvloop_is_watched_too_and_a_program_ends_although_it_is(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import asyncio, logging, threading
import uvloop
from erlen import Erlen

app = Erlen(__name__)
app.config.update(SLOW_CALLBACK_REPORT=0.02, SESSION_TYPE="memory", SECRET_KEY="x")
came = threading.Event()


class Heard(logging.Handler):
    def emit(self, record):
        print(record.getMessage().partition(" has held")[0])
        came.set()


app.logger.addHandler(Heard())


@app.route("/")
async def index():
    await asyncio.sleep(0.001)
    came.wait(20)
    return "x"


async def main():
    async def receive():
        return await asyncio.Future()  # the client stays

    async def send(message):
        pass

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await app.asgi(scope, receive, send)


uvloop.run(main())
print("ended")
"""
    )
    path = os.pathsep.join(filter(None, [str(Path(watchdog.__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    ran = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    line = program.read_text().splitlines().index("    came.wait(20)") + 1
    assert ran.stdout.splitlines()[0].startswith(f"index() at program.py:{line} (")
    assert ran.stdout.splitlines()[-1] == "ended"
