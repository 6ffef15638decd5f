"""The life of an application on every server: its start-up, its orderly end, and the work beside its requests."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import Events, until

import serving

HERE = Path(__file__).resolve().parent
#: Servers that announce, or let us see, the end of a worker.
SERVERS = ["granian", "granian-asgi", "granian-rsgi", "gunicorn", "gunicorn-asgi", "uvicorn", "hypercorn"]
ANNOUNCING = ["granian-asgi", "granian-rsgi", "gunicorn-asgi", "uvicorn", "hypercorn"]
START = ["before, plain", "before, async", "while, plain, begins", "while, async, begins"]
END = ["while, async, ends", "while, plain, ends", "after, async", "after, plain"]


class Running:
    """The application on a server."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server = server
        self.folder = folder

    @property
    def events(self) -> list[str]:
        return Events(self.folder / "events").of("serving_app")

    def until(self, text: str) -> None:
        until(lambda: text in self.events, f"{text!r} among {self.events}\n{self.server.log}")

    def get(self, path: str) -> str:
        answer = httpx.get(self.server.url + path, timeout=60, verify=False)
        assert answer.status_code == 200, self.server.log
        return answer.text

    def stop(self) -> list[str]:
        """End the server, and return all events."""
        self.server.stop()
        return self.events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    shutil.copy(HERE / "serving_app.py", folder)
    return folder


@pytest.fixture
def run(folder: Path, serve: Callable[..., Any]) -> Callable[..., Running]:
    """Return a function that starts the application; a worker of granian that ends has all the time it needs."""

    def run(server: str, **env: str) -> Running:
        env = {"GRANIAN_WORKERS_KILL_TIMEOUT": "30", **env}
        return Running(serve("serving_app:app", folder, server=server, env=env), folder)

    return run


@pytest.mark.parametrize("server", SERVERS)
def test_a_life_begins_before_the_first_request_and_ends_in_order(run: Callable[..., Running], server: str) -> None:
    running = run(server)
    if server in ANNOUNCING:
        running.until(START[-1])
    assert running.get("/") == "served"
    assert running.events == [*START, "request"]
    running.get("/")
    assert running.stop() == [*START, "request", "request", *END], running.server.log


@pytest.mark.parametrize("server", SERVERS)
def test_background_tasks_are_finished_before_the_end(run: Callable[..., Running], server: str, folder: Path) -> None:
    running = run(server)
    assert running.get("/tasks/gate") == "added"
    running.until("async task for gate begins")
    running.until("plain task for gate begins")
    running.server.process.send_signal(signal.SIGTERM)
    until(lambda: refuses(running.server), "the server to take no new requests")
    (folder / "gate").touch()
    running.server.process.wait(60)
    events = running.events
    ended = {"async task for gate ends", "plain task for gate ends"}
    assert ended <= set(events), running.server.log
    assert max(map(events.index, ended)) < events.index(END[0])
    assert events[-len(END) :] == END


def refuses(server: Any) -> bool:
    if server.process.poll() is not None:
        return True
    try:
        httpx.get(server.url, timeout=0.5, verify=False)
    except httpx.HTTPError:
        return True
    return False


@pytest.mark.parametrize("server", SERVERS)
def test_background_tasks_that_last_longer_than_the_limit_are_cancelled_or_named(
    run: Callable[..., Running], server: str
) -> None:
    running = run(server, LIMIT="0.05")
    running.get("/tasks/never")
    running.until("async task for never begins")
    running.until("plain task for never begins")
    events = running.stop()
    assert events.index("async task for never is cancelled") < events.index(END[0]), running.server.log
    assert events[-len(END) :] == END
    assert "async_task() at serving_app.py" in running.server.log
    assert "was cancelled: the application is ending" in running.server.log
    assert "plain_task() at serving_app.py" in running.server.log
    assert "still runs in its thread" in running.server.log


@pytest.mark.parametrize("view", ["follow", "follow-async", "follow-stream"])
@pytest.mark.parametrize("server", SERVERS)
def test_work_after_a_response_does_not_hold_it_up(
    run: Callable[..., Running], server: str, folder: Path, view: str
) -> None:
    running = run(server)
    assert running.get(f"/{view}/gate") == "followed"  # the work waits for the gate, and nothing waits for the work
    assert running.events == START
    (folder / "gate").touch()
    running.until(f"async work after /{view}/gate")
    running.until(f"plain work after /{view}/gate")


@pytest.mark.parametrize("server", ANNOUNCING)
def test_a_start_up_that_fails_keeps_the_server_from_serving_and_tells_the_cause(folder: Path, server: str) -> None:
    (folder / "broken").touch()
    port = serving.find_free_port()
    done = subprocess.run(
        serving.command_of(server, "serving_app:app", port), cwd=folder, env=serving.environment_of(server),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0 or server == "hypercorn"  # which ends, but does not say so
    assert "The application cannot be served." in done.stderr
    assert "RuntimeError: the start-up failed on purpose" in done.stderr
    assert Events(folder / "events").of("serving_app")[: len(START) + 1] == [*START, "while, plain, ends"]


@pytest.mark.parametrize("server", ["granian", "gunicorn"])
def test_over_wsgi_requests_fail_until_the_start_up_succeeds(
    run: Callable[..., Running], folder: Path, server: str
) -> None:
    (folder / "broken").touch()
    running = run(server)
    for _ in range(2):
        assert httpx.get(running.server.url, timeout=60, verify=False).status_code == 500
    until(lambda: running.server.log.count("The application cannot be served.") == 2, "both causes in the log")
    assert running.events == [*START, "while, plain, ends"] * 2
    (folder / "broken").unlink()
    assert running.get("/") == "served"
    assert running.stop()[-len(END) :] == END


@pytest.mark.parametrize(
    ("server", "env"),
    [
        ("gunicorn-asgi", {"GUNICORN_CMD_ARGS": "--asgi-lifespan off"}),
        ("gunicorn", {"GUNICORN_CMD_ARGS": "--preload"}),
    ],
    ids=["gunicorn-asgi", "gunicorn-preload"],
)
def test_where_nothing_is_announced_the_first_request_begins_it_and_it_ends_all_the_same(
    run: Callable[..., Running], server: str, env: dict[str, str]
) -> None:
    running = run(server, **env)
    assert running.events == []
    running.get("/")
    assert running.stop() == [*START, "request", *END], running.server.log


@pytest.mark.parametrize(
    ("server", "env"),
    [("waitress", {}), ("fastpysgi", {}), ("uvicorn", {"UVICORN_LIFESPAN": "off"})],
    ids=["waitress", "fastpysgi", "uvicorn-without-lifespan"],
)
def test_servers_that_let_sigterm_kill_them_begin_it_and_do_not_end_it(
    run: Callable[..., Running], server: str, env: dict[str, str]
) -> None:
    running = run(server, **env)
    running.get("/")
    assert running.stop() == [*START, "request"]


def test_waitress_ends_it_at_ctrl_c(run: Callable[..., Running]) -> None:
    running = run("waitress")
    running.get("/")
    running.server.process.send_signal(signal.SIGINT)
    running.server.process.wait(60)
    assert running.events == [*START, "request", *END], running.server.log
