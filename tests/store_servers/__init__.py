"""The servers that session stores speak to, started by the tests themselves.

Each kind of store has a module here with two functions: ``config_of(name, servers)`` starts the server, if it does not
run yet, and returns the settings of an application whose sessions are kept there, in a place of their own;
``commands(name, servers)`` returns how many commands that server has had so far, ``bytes_received`` how many bytes, and
``dump`` all that it holds.
"""

from __future__ import annotations

import importlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Every store under test, and the module here that knows its server.
STORES: dict[str, str] = {
    "memory": "embedded",
    "sqlite": "embedded",
    "filesystem": "filesystem",
    "redis": "redis",
    "redis-tls": "redis",
    "redis-socket": "redis",
    "redis-decoded": "redis",
    "redis-cluster": "redis",
    "redis-sentinel": "redis",
    "valkey": "redis",
    "memcached": "memcached",
    "memcached-nodes": "memcached",
    "mongodb": "mongodb",
    "postgresql": "sql",
    "mariadb": "sql",
    "sqlalchemy-sqlite": "sql",
    "sqlalchemy-other": "sql",
    "dynamodb": "dynamodb",
    "documented": "documented",
}

#: One store of each kind. Tests of the contract and of commands run each time on all stores but the twins of others,
#: and an application on several workers on all; all other tests of sessions run on these, and on the rest in the soak.
ONE_OF_A_KIND = {"memory", "sqlite", "redis", "postgresql"}

#: Stores that differ from another one in how the server is reached, or in its make: all of their tests are in the soak.
TWINS = {"redis-tls", "redis-socket", "redis-decoded", "valkey", "memcached-nodes"}


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    """Return settings for a store called *name* that is empty."""
    config: dict[str, Any] = _module(name).config_of(name, servers)
    return config


def commands(name: str, servers: Servers) -> int:
    """Return how many commands the server of *name* has had."""
    count: int = _module(name).commands(name, servers)
    return count


def bytes_received(name: str, servers: Servers) -> int:
    """Return how many bytes the server of *name* has been sent."""
    count: int = _module(name).bytes_received(name, servers)
    return count


def dump(name: str, servers: Servers) -> bytes:
    """Return all that the server of *name* holds."""
    held: bytes = _module(name).dump(name, servers)
    return held


def counts(name: str) -> bool:
    """Tell whether *name* has a server whose commands can be counted."""
    return find_spec(f"store_servers.{STORES[name]}") is not None and hasattr(_module(name), "commands")


def _module(name: str) -> Any:
    return importlib.import_module(f"store_servers.{STORES[name]}")


@dataclass
class Running:
    """A server program that runs."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    log_file: Path
    command: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def kill(self) -> None:
        """End it at once, without a chance to clean up."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def wait(self, answers: Callable[[], bool] | None = None, seconds: float = 60) -> None:
        """Return when *answers* is true, or else when the port accepts connections; fail with the log otherwise."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"{self.command[0]} ended with status {self.process.returncode}:\n{self.log}")
            if (answers or self._accepts)():
                return
            time.sleep(0.01)
        raise AssertionError(f"{self.command[0]} did not answer:\n{self.log}")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Servers:
    """The servers of one run of the tests: each starts when a test first asks for it, and ends with the run.

    :param require: gives the path of a program, or skips the test
    :param free_port: gives a port that nobody listens on
    """

    def __init__(self, require: Callable[[str, str], str], free_port: Callable[[], int]) -> None:
        self.require = require
        self.free_port = free_port
        self.shared: dict[str, Any] = {}
        """Whatever the modules keep for the run, by a name of their own."""
        self.at_close: list[Callable[[], object]] = []
        """What to call before the servers end."""
        self._running: list[Running] = []
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """A folder of the run that the servers may write to. Short: the name of a socket has 107 bytes at most."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="erlen-"))
            self.give(self._folder)
        return self._folder

    def make_folder(self, name: str) -> Path:
        """Make a new folder for a server."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        self.give(folder)
        return folder

    @staticmethod
    def give(path: Path) -> None:
        """Let the servers write to *path*: some refuse to run as root, so all of them run as nobody then."""
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(path, user.pw_uid, user.pw_gid)

    def start(
        self,
        *command: object,
        port: int = 0,
        folder: Path | None = None,
        env: dict[str, str] | None = None,
        ourselves: bool = False,
    ) -> Running:
        """Start a server program, as nobody if we are root. Wait for it with :meth:`Running.wait`.

        :param ourselves: run it as the user that we are, because nobody may not read where it is installed
        """
        folder = folder or self.make_folder(Path(str(command[0])).name)
        log_file = folder / "log"
        words = [str(word) for word in command]
        nobody: dict[str, Any] = {}
        if os.geteuid() == 0 and not ourselves:
            nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **nobody,
            )
        self._running.append(running := Running(process, port, folder, log_file, words))
        return running

    def run(self, *command: object, folder: Path) -> None:
        """Run a program to its end, as nobody if we are root; fail with its output if it fails."""
        running = self.start(*command, folder=folder)
        if running.process.wait(120):
            raise AssertionError(f"{command[0]} failed:\n{running.log}")

    def close(self) -> None:
        """End all servers and remove their files."""
        for finish in self.at_close:
            finish()
        for running in self._running:
            running.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
