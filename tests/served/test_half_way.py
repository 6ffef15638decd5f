"""Thousands of clients that hang up half-way, on real servers: nothing of their requests is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import at_once, connect, get, read_until, until

from socket_client import SocketClient

pytestmark = pytest.mark.soak

HERE = Path(__file__).resolve().parent
REQUESTS = 10_000
#: Idle threads keep their last request, and there is not the same number of them all the time.
FEW = REQUESTS // 100


class Leaver:
    """A client that hangs up half-way, each time at another place."""

    def __init__(self, port: int, cookie: str, sockets: bool) -> None:
        self._port = port
        self._cookie = f"Cookie: {cookie}"
        self._ways: list[Callable[[], None]] = [
            *(lambda path=path: self._before_the_answer(path) for path in ("/plain", "/async", "/limited", "/nowhere")),
            *(lambda path=path: self._in_the_answer(path) for path in ("/stream", "/stream-async", "/events")),
            *(lambda path=path: self._in_the_request(path) for path in ("/body", "/incoming")),
            *([self._in_the_talk] if sockets else []),
        ]

    def leave(self, number: int) -> None:
        """Ask, and hang up."""
        self._ways[number % len(self._ways)]()

    def _before_the_answer(self, path: str) -> None:
        with connect(self._port) as connection:
            connection.sendall(get(path, self._cookie))

    def _in_the_answer(self, path: str) -> None:
        with connect(self._port) as connection:
            connection.sendall(get(path, self._cookie))
            read_until(connection, b"xxxx")

    def _in_the_request(self, path: str) -> None:
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", self._cookie, "Content-Length: 200000", "", "half"]
        with connect(self._port) as connection:
            connection.sendall("\r\n".join(lines).encode())

    def _in_the_talk(self) -> None:
        name, _, value = self._cookie.partition(": ")
        socket = SocketClient(self._port, "/ws", {name: value})
        socket.send("x")
        assert socket.receive() == "x"
        socket.hang_up()


@pytest.mark.parametrize("server", ["granian", "gunicorn", "granian-rsgi", "granian-asgi", "uvicorn"])
def test_clients_that_hang_up_half_way_leave_nothing_behind(
    tmp_path: Path, start: Callable[..., Any], server: str
) -> None:
    shutil.copy(HERE / "half_way_app.py", tmp_path)
    with start(server, "half_way_app:app", tmp_path) as started, httpx.Client(base_url=started.url, timeout=60) as http:
        http.get("/in")
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        leaver = Leaver(started.port, cookie, sockets=server not in ("granian", "gunicorn"))

        def counts() -> dict[str, int]:
            """Return what there is of each kind, when all requests have ended."""

            def idle() -> dict[str, int] | None:
                found: dict[str, int] = http.get("/counts").json()
                return found if found["open"] == 0 else None

            return until(idle, "the end of all requests", 60)

        def grown() -> dict[str, int]:
            after = counts()
            kinds = [name for name in after if name not in ("begun", "finally")]
            return {
                name: after[name] - before.get(name, 0) for name in kinds if after[name] - before.get(name, 0) > FEW
            }

        at_once(leaver.leave, 200, threads=8)
        before = counts()
        at_once(leaver.leave, REQUESTS, threads=8)
        with suppress(AssertionError):  # what is left says more
            until(lambda: not grown(), "the closing of all connections", 60)
        assert grown() == {}
        after = counts()
    assert after["begun"] - before["begun"] > REQUESTS / 2  # some are gone before the server has read what they want
    assert after["finally"] > before["finally"]
    assert after["places"] <= 1  # the one that counts
    assert after["watched"] == 0
