"""The application of ``life_app.py`` on every kind of server, started once for all its tests."""

from __future__ import annotations

import queue
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_shop import Connections, Shop, a_shop
from served_tools import BIG, STOPS, Site

import serving

HERE = Path(__file__).resolve().parent

#: The kind of a site: its server and how many workers.
KINDS: dict[str, tuple[str, int]] = {
    "granian": ("granian", 1),
    "granian-2-workers": ("granian", 2),
    "gunicorn-sync": ("gunicorn", 1),
    "gunicorn-gthread": ("gunicorn", 1),
    "waitress": ("waitress", 1),
    "fastpysgi": ("fastpysgi", 1),
    "granian-asgi": ("granian-asgi", 1),
    "granian-asgi-2-workers": ("granian-asgi", 2),
    "gunicorn-asgi": ("gunicorn-asgi", 1),
    "uvicorn": ("uvicorn", 1),
    "uvicorn-h11": ("uvicorn-h11", 1),
    "hypercorn": ("hypercorn", 1),
    "granian-rsgi": ("granian-rsgi", 1),
}
ON_PURPOSE = {
    "RuntimeError: the view failed",
    "RuntimeError: the hook before the view failed",
    "RuntimeError: the hook after the view failed",
    "RuntimeError: the teardown failed",
    "RuntimeError: the stream broke",
}
#: What a server itself logs when a client hangs up, or has not sent all of its body when the server stops.
OF_SERVERS = {
    "hypercorn": {
        "h11._util.LocalProtocolError: Too little data for declared Content-Length",
        "asyncio.exceptions.CancelledError",
    }
}
# A class is taken as it is; the name "sync" would become gthread, because there are several threads.
SYNC = "from gunicorn.workers.sync import SyncWorker\nworker_class = SyncWorker\n"


#: Modules that run one body over many servers, and the servers that they leave to the soak.
_OVER_MANY = {
    *("test_colours", "test_one_body", "test_served_life", "test_served_timeouts", "test_streams"),
    "test_served_websockets",
}
_RARER = ("gunicorn", "hypercorn")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave some servers to the soak, which the machine that merges runs as well."""
    for item in items:
        if item.path.stem in _OVER_MANY and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            names = [value for value in item.callspec.params.values() if isinstance(value, str)]
            if any(name.startswith(_RARER) for name in names):
                item.add_marker(pytest.mark.soak)


@pytest.fixture(scope="module")
def start(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a context manager for a module's server: ``start("granian-asgi", "app:app", folder)``."""

    @contextmanager
    def start(server: str, app: str, folder: Path, workers: int = 1) -> Iterator[Any]:
        port = serving.find_free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                serving.command_of(server, app, port, workers),
                cwd=folder,
                env=serving.environment_of(server, **STOPS),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started = serving.Server(process, port, folder / "log")
        try:
            started.wait_until_it_answers()
            yield started
            started.stop()
        finally:
            started.kill()

    return start


@pytest.fixture(scope="module", params=list(KINDS))
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]
) -> Iterator[Site]:
    server, workers = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(HERE / "life_app.py", folder)
    (folder / "static").mkdir()
    (folder / "static" / "big.bin").write_bytes(BIG)
    (folder / "static" / "hello.txt").write_text("0123456789")
    if request.param == "gunicorn-sync":
        (folder / "gunicorn.conf.py").write_text(SYNC)
    with start(server, "life_app:app", folder, workers) as started:
        with httpx.Client(base_url=started.url, timeout=30, verify=False) as http:
            yield Site(request.param, started, folder, http)
        started.stop()
        # Whatever was sent to it: no exception was raised but those that the application raises on purpose.
        raised = set(re.findall(r"^[\w.]+(?:Error|Exception|Warning)\b.*", started.log, re.MULTILINE))
        assert raised <= ON_PURPOSE | OF_SERVERS.get(server, set())


@pytest.fixture
def shop(tmp_path: Path, serve: Callable[..., Any]) -> Iterator[Shop]:
    """``session_app.py``, to be started."""
    with a_shop(tmp_path / "shop", serve) as shop:
        yield shop


@pytest.fixture
def connections() -> Iterator[Callable[[int], Connections]]:
    """Return a function that opens kept-alive connections to a port, for threads to take in turn."""
    opened: list[HTTPConnection] = []

    def connections(port: int) -> Connections:
        free: Connections = queue.SimpleQueue()
        for _ in range(32):
            opened.append(HTTPConnection("127.0.0.1", port, timeout=60))
            free.put(opened[-1])
        return free

    yield connections
    for connection in opened:
        connection.close()
