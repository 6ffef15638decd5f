"""Server programs: started in a process group of their own, and watched by their processor time and their memory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

STARTING = 20.0
"""Seconds that a server may take to accept connections."""


class Failed(Exception):
    """A server or an application did not do what it was asked for; the text says what happened."""


class Server:
    """A server program that listens on *port*.

    :param command: the words that start it
    :param environment: variables added to those of this process
    :param folder: where it runs
    """

    def __init__(self, command: Sequence[str], port: int, environment: Mapping[str, str], folder: Path) -> None:
        self.port = port
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - until end()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._tree: list[int] = []

    @property
    def log(self) -> str:
        """What it has said, or the end of it."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()[-2000:]

    def wait(self) -> None:
        """Return when the port accepts connections.

        :raises Failed: if the program ends before, or takes too long
        """
        deadline = time.monotonic() + STARTING
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Failed(f"it ended with status {self._process.returncode}: {self.log}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise Failed(f"it did not answer for {STARTING:.0f} seconds: {self.log}")

    def settle(self) -> None:
        """Look again which processes belong to the server: call it when all workers are at work."""
        self._tree = tree(self._process.pid)

    def cpu(self) -> int:
        """Return the nanoseconds of processor time of all its processes, threads that have ended among them."""
        if self._process.poll() is not None:
            raise Failed(f"it ended with status {self._process.returncode}: {self.log}")
        return sum(cpu_of(pid) for pid in self._tree)

    def memory(self) -> int:
        """Return the bytes of memory of all its processes; what several share is counted once (PSS)."""
        return sum(memory_of(pid) for pid in tree(self._process.pid))

    def end(self) -> None:
        """End it with all of its processes, whatever state they are in."""
        for number, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self._log.close()


@contextlib.contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """Start a server, wait for it, and end it at the end."""
    server = Server(command, port, environment, folder)
    try:
        server.wait()
        yield server
    finally:
        server.end()


def tree(root: int) -> list[int]:
    """Return the process *root* and all that come from it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_of(pid: int) -> int:
    """Return the nanoseconds of processor time of one process, by the clock that the kernel keeps of it."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # what clock_getcpuclockid() would answer


def memory_of(pid: int) -> int:
    """Return the proportional set size of one process, in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def python_command(module: str, *arguments: object) -> list[str]:
    """Return the words that run a module of this environment."""
    return [sys.executable, "-m", module, *map(str, arguments)]
