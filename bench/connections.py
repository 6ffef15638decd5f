"""Measure what a connection that stays open costs in memory, beside Starlette: ``python3 dev.py bench connections``.

A thousand WebSockets, event streams and plain streams are open on one worker at once, each after its first message. The
growth of the server's resident memory is divided by their number; what is printed is the median of three servers.
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from platform import python_version

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # which start the servers

from serving import Server, serving

APPS = Path(__file__).resolve().parent / "apps"
CONNECTIONS = 1000
#: So many are opened before: what is made once is no cost of a connection. Granian serves 1,024 requests at once.
WARM_UP = 20
ROUNDS = 3
SERVERS = {"granian-asgi": ("granian",), "uvicorn": ("uvicorn", "uvloop", "httptools", "wsproto")}
KINDS = {"WebSocket": "/socket", "event stream": "/events", "stream": "/stream"}
FRAMEWORKS = {"Erlen": "connections_erlen:app", "Starlette": "connections_starlette:app"}
PAGE = os.sysconf("SC_PAGE_SIZE")

_UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def open_one(port: int, path: str) -> socket.socket:
    """Open a connection and return it when the application has sent its first message."""
    opened = socket.create_connection(("127.0.0.1", port), timeout=60)
    more = _UPGRADE if path == "/socket" else ""
    opened.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode())
    received = b""
    while b"hello" not in received:
        piece = opened.recv(65536)
        if not piece:
            raise SystemExit(f"{path} was not answered: {received!r}")
        received += piece
    return opened


def resident(server: Server) -> int:
    """Return the bytes of memory that the processes of *server* have."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == server.process.pid:
                total += int((folder / "statm").read_text().split()[1]) * PAGE
        except (OSError, ValueError):  # it has ended in this moment
            continue
    return total


def cost(server: Server, path: str, number: int = CONNECTIONS) -> float:
    """Return the bytes of memory that each of *number* connections takes."""
    with ExitStack() as stack:
        for _ in range(WARM_UP):
            stack.enter_context(open_one(server.port, path))
        before = resident(server)
        for _ in range(number):
            stack.enter_context(open_one(server.port, path))
        return (resident(server) - before) / number


def measure(serve: Callable[..., Server], framework: str, server: str, path: str) -> float:
    """Return the median of several fresh servers, in kilobytes of 1024 bytes."""
    found = []
    for _ in range(ROUNDS):
        started = serve(FRAMEWORKS[framework], APPS, server=server)
        found.append(cost(started, path) / 1024)
        started.kill()
    return statistics.median(found)


def main() -> None:
    """Measure all and print the table."""
    with tempfile.TemporaryDirectory() as logs, serving(Path(logs)) as serve:
        print(f"Memory per connection in KiB, of {CONNECTIONS} that are open on one worker\n")
        print("| | Erlen | Starlette | Erlen / Starlette |")
        print("|---|---:|---:|---:|")
        for server in SERVERS:
            for kind, path in KINDS.items():
                erlen, starlette = (measure(serve, framework, server, path) for framework in FRAMEWORKS)
                print(f"| {kind}, {server} | {erlen:.1f} | {starlette:.1f} | {erlen / starlette:.2f} |", flush=True)
    packages = ("starlette", *(package for others in SERVERS.values() for package in others))
    print(f"\nPython {python_version()}, {', '.join(f'{package} {version(package)}' for package in packages)}")


if __name__ == "__main__":
    main()
