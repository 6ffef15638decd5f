"""What the tests of commands share: folders with applications, and commands in processes of their own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_tools import until

from erlen.cli import dotenv

ROOT = Path(__file__).resolve().parents[2]

APP = """\
import os, pathlib, time
from erlen import Erlen

app = Erlen(__name__)
app.config["SECRET_KEY"] = "aGoodLongKeyForTheTests-0123456789"


@app.get("/")
def index():
    return f"one {os.getpid()}"


@app.get("/slow")
def slow():
    pathlib.Path("entered").touch()
    while not pathlib.Path("gate").exists():
        time.sleep(0.01)
    return "done"
"""


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, and an environment and import path that are put back afterwards."""
    for name in list(os.environ):
        if name.startswith(("ERLEN_", "FLASK_", "WERKZEUG_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(dotenv._Said, "missing", False)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


class Program:
    """A program that serves, in a process group of its own."""

    def __init__(self, arguments: list[str], folder: Path, port: int, log: Path, env: dict[str, str]) -> None:
        self.port = port
        self.log_file = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def get(self, path: str = "/") -> tuple[int, str]:
        """Return status and text; status 0 where nobody answers."""
        try:
            with self._ask(path) as response:
                return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):  # HTTPException: it is being started again
            return 0, ""

    def _ask(self, path: str) -> Any:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30)
        except urllib.error.HTTPError as error:
            return error

    def until_it_says(self, text: str, path: str = "/") -> None:
        def found() -> bool:
            assert self.process.poll() is None, self.log
            return text in self.get(path)[1]

        until(found, lambda: f"{text!r} at {path}; the log:\n{self.log}")

    def until_it_listens(self) -> None:
        def found() -> bool:
            assert self.process.poll() is None, self.log
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return False
            return True

        until(found, "the port")

    def interrupt(self) -> int:
        """Press Ctrl-C: every process of the terminal gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    def kill(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


@pytest.fixture
def start(tmp_path: Path, free_port: int) -> Iterator[Callable[..., Program]]:
    """Return a function that starts ``erlen ARGUMENTS``, another program or a script, in the test's folder."""
    programs: list[Program] = []

    def start(
        *arguments: str, program: str = "erlen", script: str | None = None, env: dict[str, str] | None = None
    ) -> Program:
        command = [script, *arguments] if script else ["-m", program, *arguments]
        log = tmp_path / f"log-{len(programs)}"
        programs.append(Program(command, tmp_path, free_port, log, env or {}))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that calls ``erlen ARGUMENTS``, another program or a script, and waits for its end."""

    def call(
        *arguments: str,
        program: str = "erlen",
        script: str | None = None,
        env: dict[str, str] | None = None,
        **options: str,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *([script] if script else ["-m", program]), *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **options,  # type: ignore[call-overload]
        )

    return call


@pytest.fixture
def app_file(tmp_path: Path) -> Path:
    """``app.py`` in the test's folder."""
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path
