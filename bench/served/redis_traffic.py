"""The Redis of the bench, and what an application says to it for one request."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from served.processes import Failed
from serving import find_free_port, find_program
from store_servers import Servers
from store_servers.redis import Monitor, plain

COUNTED = 20
"""So many requests are watched."""
_INPUT = re.compile(rb"total_net_input_bytes:(\d+)")
_OUTPUT = re.compile(rb"total_net_output_bytes:(\d+)")


class Traffic(NamedTuple):
    """What goes between an application and Redis for one request: the commands by name, and the bytes both ways."""

    commands: Counter[str]
    sent: float
    received: float

    def __str__(self) -> str:
        names = [f"{count:g} {name}" if count != 1 else name for name, count in sorted(self.commands.items())]
        return f"{' + '.join(names)} · {self.sent:.0f} / {self.received:.0f}"


class Redis:
    """One server on *port*."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"

    def traffic(self, ask: Callable[[int], object]) -> Traffic:
        """Return what one request costs of those that *ask* sends, so many as it is told."""
        with _Meter(self.port) as meter:
            sent, received = meter.bytes_of(lambda: ask(COUNTED))
        monitor = Monitor(self.port)
        ask(COUNTED)
        monitor.read()
        names = Counter(words[0].decode().upper() for words in monitor.seen)
        each: Counter[str] = Counter({name: count / COUNTED for name, count in names.items()})
        return Traffic(each, sent / COUNTED, received / COUNTED)


class _Meter:
    """Asks the server how many bytes it had and gave, over a connection whose own bytes are known."""

    _QUESTION = b"*2\r\n$4\r\nINFO\r\n$5\r\nstats\r\n"

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> _Meter:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def bytes_of(self, work: Callable[[], object]) -> tuple[int, int]:
        before, size = self._ask()
        work()
        after, _ = self._ask()
        return after[0] - before[0] - len(self._QUESTION), after[1] - before[1] - size

    def _ask(self) -> tuple[tuple[int, int], int]:
        """Return the bytes in and out, and how long the answer was, which the server counts after giving it."""
        self._socket.sendall(self._QUESTION)
        head = self._lines.readline()
        body = self._lines.read(int(head[1:]) + 2)
        found = _INPUT.search(body), _OUTPUT.search(body)
        assert found[0] is not None
        assert found[1] is not None
        return (int(found[0][1]), int(found[1][1])), len(head) + len(body)


@contextmanager
def running() -> Iterator[Redis]:
    """Start a Redis that keeps nothing on the disk, and end it.

    :raises Failed: if there is none on this machine
    """
    servers = Servers(_require, find_free_port)
    try:
        yield Redis(plain(servers).port)
    finally:
        servers.close()


def _require(program: str, install: str) -> str:
    path = find_program(program)
    if path is None:
        raise Failed(f"{program} is missing: {install}")
    return path
