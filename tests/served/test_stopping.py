"""What each server does on SIGTERM with a request that is being answered: docs/deploying tells it.

Not granian, whose workers may miss a signal while they start; tests/cli has the stop of ``erlen serve``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served_tools import connect, get, read_answer, until

APP = """
import time
from pathlib import Path
from erlen import Erlen

HERE = Path(__file__).resolve().parent
app = Erlen(__name__)
asgi = app.asgi


@app.get("/slow")
def slow():
    (HERE / "began").touch()
    deadline = time.monotonic() + 20
    while not (HERE / "gate").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    return "finished"
"""


def stop_in_the_middle(serve: Callable[..., Any], folder: Path, server: str) -> tuple[bytes, int]:
    """Return what a request gets that was under way when the server was told to stop, and the server's exit status."""
    (folder / "app.py").write_text(APP)
    served = serve("app:app", folder, server=server)
    with connect(served.port) as connection:
        connection.sendall(get("/slow"))
        until((folder / "began").exists, "the beginning of the view")
        served.process.terminate()
        until(lambda: refuses(served), "the server to take no new requests")
        (folder / "gate").touch()
        try:
            got = read_answer(connection).body
        except ConnectionError:
            got = b""
    return got, served.process.wait(60)


def refuses(served: Any) -> bool:
    """Tell whether the server has noticed the signal."""
    if served.process.poll() is not None:
        return True
    try:
        with connect(served.port) as connection:
            connection.settimeout(0.2)  # a connection may be accepted by the system alone
            connection.sendall(get("/"))
            return connection.recv(1) == b""
    except OSError:
        return True


@pytest.mark.parametrize(
    ("server", "status"),
    [("gunicorn", 0), ("gunicorn-asgi", 0), ("uvicorn", -15), ("hypercorn", 0)],
)
def test_a_request_that_is_being_answered_is_finished(
    serve: Callable[..., Any], tmp_path: Path, server: str, status: int
) -> None:
    assert stop_in_the_middle(serve, tmp_path, server) == (b"finished", status)


@pytest.mark.parametrize("server", ["waitress", "fastpysgi"])
def test_these_break_it_off(serve: Callable[..., Any], tmp_path: Path, server: str) -> None:
    assert stop_in_the_middle(serve, tmp_path, server) == (b"", -15)
