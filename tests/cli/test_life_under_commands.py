"""``erlen serve`` and ``erlen run`` start the application with each worker, and end it with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from cli_tools import until

from erlen.servers.stopping import Wake, WorkerStop, forgive

APP = """
import time
from pathlib import Path
from erlen import Erlen, after_response

HERE = Path(__file__).resolve().parent
app = Erlen(__name__)
app.config.update(SECRET_KEY="0123456789abcdef0123456789abcdef", SESSION_TYPE=None)


def note(text):
    with open(HERE / "events", "a") as file:
        file.write(text + "\\n")


@app.while_serving
def serve():
    if (HERE / "broken").exists():
        raise LookupError("there is no database")
    note("begins")
    while (HERE / "hold").exists():
        time.sleep(0.005)
    yield
    note("ends")


@app.get("/")
def index():
    return "one"


@app.get("/slow")
def slow():
    note("view begins")
    deadline = time.monotonic() + 20
    while not (HERE / "gate").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    note("view ends")
    after_response(note, "after the response")
    return "done"
"""

interfaces = pytest.mark.parametrize("interface", ["wsgi", "asgi", "rsgi"])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The folder of an application that notes its life in the file ``events``."""
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def events(folder: Path) -> list[str]:
    path = folder / "events"
    return path.read_text().splitlines() if path.exists() else []


@interfaces
def test_a_worker_is_started_before_any_request_and_ended_after_the_last_one(
    start: Callable[..., Any], app: Path, free_port: int, interface: str
) -> None:
    program = start("serve", "--port", str(free_port), "--workers", "1", "--interface", interface)
    until(lambda: events(app), lambda: f"the start; the log:\n{program.log}")
    assert events(app) == ["begins"]
    program.until_it_says("one")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(program.get, "/slow")
        until(lambda: len(events(app)) == 2, lambda: "the view")
        program.process.terminate()
        until(lambda: "Shutting down" in program.log, lambda: "the server to notice")
        (app / "gate").touch()
        assert answer.result() == (200, "done")
    assert program.process.wait(90) == 0
    assert events(app) == ["begins", "view begins", "view ends", "after the response", "ends"], program.log


@interfaces
def test_a_start_up_that_fails_ends_the_server_with_the_cause(
    call: Callable[..., Any], app: Path, free_port: int, interface: str
) -> None:
    (app / "broken").touch()
    done = call("serve", "--port", str(free_port), "--workers", "1", "--interface", interface)
    assert done.returncode == 1
    assert "The application cannot be served." in done.stderr
    assert "LookupError: there is no database" in done.stderr


@pytest.mark.parametrize("options", [[], ["--debug"]], ids=["plain", "reloading"])
def test_the_development_server_ends_it_at_ctrl_c(
    start: Callable[..., Any], app: Path, free_port: int, options: list[str]
) -> None:
    program = start("run", "--port", str(free_port), *options)
    program.until_it_says("one")
    program.interrupt()
    assert events(app) == ["begins", "ends"]


def test_the_development_server_shows_why_the_start_up_failed(
    start: Callable[..., Any], app: Path, free_port: int
) -> None:
    (app / "broken").touch()
    program = start("run", "--port", str(free_port))
    program.until_it_says("LookupError: there is no database")


@interfaces
def test_a_worker_that_its_parent_and_the_system_tell_to_stop_ends_in_order(
    start: Callable[..., Any], app: Path, free_port: int, interface: str
) -> None:
    program = start("serve", "--port", str(free_port), "--interface", interface, "--workers-kill-timeout", "1000")
    program.until_it_says("one")
    os.killpg(program.process.pid, signal.SIGTERM)  # as systemd does
    assert program.process.wait(90) == 0, program.log
    assert events(app).count("begins") == events(app).count("ends"), program.log


@interfaces
def test_a_worker_that_is_told_to_stop_during_its_start_up_finishes_it_and_ends_in_order(
    start: Callable[..., Any], app: Path, free_port: int, interface: str
) -> None:
    (app / "hold").touch()
    options = ("--interface", interface, "--workers", "2", "--workers-kill-timeout", "1000")
    program = start("serve", "--port", str(free_port), *options)
    until(lambda: len(events(app)) == 2, lambda: f"the start-up; the log:\n{program.log}")
    os.killpg(program.process.pid, signal.SIGTERM)
    until(lambda: "Shutting down" in program.log, lambda: f"the server to notice; the log:\n{program.log}")
    (app / "hold").unlink()
    assert program.process.wait(90) == 0, program.log
    assert events(app) == ["begins", "begins", "ends", "ends"], program.log


@interfaces
def test_a_server_that_is_told_to_stop_while_a_worker_still_starts_ends_in_order(
    start: Callable[..., Any], tmp_path: Path, free_port: int, interface: str
) -> None:
    first_one_starts = """
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
try:
    (HERE / "first").touch(exist_ok=False)
except FileExistsError:
    (HERE / "second").touch()
    time.sleep(60)
"""
    (tmp_path / "app.py").write_text(first_one_starts + APP)
    options = ("--interface", interface, "--workers", "2", "--workers-kill-timeout", "1000")
    program = start("serve", "--port", str(free_port), *options)
    until((tmp_path / "second").exists, lambda: f"the second worker; the log:\n{program.log}")
    os.killpg(program.process.pid, signal.SIGTERM)
    assert program.process.wait(90) == 0, program.log


@pytest.fixture
def signals() -> Iterator[None]:
    """Put the handlers of signals back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("runs", [False, True], ids=["before the loop runs", "while the loop runs"])
def test_a_server_is_told_to_stop_once_whenever_the_signals_come(make_loop: Callable[[], Any], runs: bool) -> None:
    loop, heard = make_loop(), []
    stop = WorkerStop()
    stop.take_over(lambda: heard.append("stop"), loop)
    stop.server_ready()

    async def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0)

    if runs:
        loop.run_until_complete(twice())
    else:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert heard == ["stop"]
    loop.close()


@pytest.mark.usefixtures("signals")
def test_a_server_that_is_not_ready_is_told_to_stop_once_it_is() -> None:
    heard: list[str] = []
    stop = WorkerStop()
    stop.application_starts()
    stop.heed()
    stop.take_over(lambda: heard.append("stop"))
    os.kill(os.getpid(), signal.SIGTERM)
    assert heard == []
    stop.server_ready()
    assert heard == ["stop"]


def test_a_signal_to_stop_outlasts_the_replacement_of_a_worker() -> None:
    server = SimpleNamespace(interrupt_signal=False, interrupt_children=[0])
    wake = Wake(server)
    wake.set()
    wake.clear()
    assert not wake.is_set()
    forgive(server)
    assert server.interrupt_children == [0]

    server.interrupt_signal = True
    wake.set()
    wake.clear()
    assert wake.is_set()
    forgive(server)
    assert server.interrupt_children == []
