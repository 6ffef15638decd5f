"""What the tests of this folder share: requests byte by byte, and waiting for what another process does."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

# A worker of granian that is still starting misses the signal to stop, and the server would wait for it for ever.
STOPS = {"GRANIAN_WORKERS_KILL_TIMEOUT": "1"}


BIG = bytes(range(256)) * 8192
"""What stands in the file big.bin."""


def until(found: Callable[[], T], what: str, seconds: float = 20) -> T:
    """Return what *found* gives as soon as it is true; fail if it is not within *seconds*."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")


class Events:
    """Lines that an application writes into a file, for a test in another process to read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, mark: str) -> list[str]:
        """Return what was noted under *mark*, in order."""
        if not self.path.exists():
            return []
        lines = (line.split(" ", 1) for line in self.path.read_text().splitlines())
        return [text for found, text in lines if found == mark]

    def until(self, mark: str, text: str) -> list[str]:
        """Wait until *text* was noted under *mark*, and return all that was."""

        def found() -> list[str]:
            noted = self.of(mark)
            return noted if text in noted else []

        return until(found, f"{text!r} among the events of {mark!r}, which are {self.of(mark)}")


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: Any
    body: bytes


def connect(port: int) -> socket.socket:
    """Open a connection that gives up after half a minute of silence."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """Read one response from *connection*."""
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
        return Answer(response.status, response.headers, response.read())
    finally:
        response.close()


def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    """Read from *connection* until *wanted* has come, and return all that has."""
    got = b""
    while wanted not in got:
        piece = connection.recv(1000)
        assert piece, f"{wanted!r} did not come: {got[-200:]!r}"
        got += piece
    return got


def talk(port: int, request: bytes, method: str = "GET") -> Answer | None:
    """Send *request* as it is and return the response; None if the server hangs up without one.

    A server that refuses a request may answer, or close, before it has read all of it.
    """
    with connect(port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        try:
            return read_answer(connection, method)
        except ConnectionError:
            return None


def get(path: str, *headers: str) -> bytes:
    """Return the bytes of a GET request; *path* and *headers* are sent as latin-1."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def at_once(work: Callable[[int], T], count: int, threads: int = 16) -> list[T]:
    """Call ``work(0)`` to ``work(count - 1)`` from many threads and return the results in order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))


@dataclass
class Site:
    """An application on a server, its folder, and what it notes."""

    kind: str
    server: Any
    folder: Path
    http: httpx.Client

    @property
    def is_wsgi(self) -> bool:
        """Whether the server speaks WSGI with the application."""
        return not any(word in self.kind for word in ("uvicorn", "hypercorn", "asgi", "rsgi"))

    @property
    def port(self) -> int:
        return self.server.port  # type: ignore[no-any-return]

    @property
    def events(self) -> Events:
        return Events(self.folder / "events")

    def open_gate(self, name: str) -> None:
        """Let the view go on that waits for the file *name*."""
        (self.folder / name).touch()
