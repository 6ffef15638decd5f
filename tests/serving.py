"""Applications on real servers, in processes of their own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Below the ports that the system gives to outgoing connections; each process starts at a place of its own.
_ports = itertools.cycle(range(10_000, 32_000))
for _ in range(os.getpid() * 97 % 22_000):
    next(_ports)


def find_free_port() -> int:
    for port in _ports:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("unreachable: the ports are a cycle")


# Where programs may be beside PATH: what a user's PATH leaves out, and .servers, an environment for stand-ins.
_PROGRAMS = [
    *os.environ.get("PATH", os.defpath).split(os.pathsep),
    str(ROOT / ".servers" / "bin"),
    "/usr/sbin",
    *(str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
]


def find_program(name: str) -> str | None:
    """Return the path of a program, if it is installed."""
    return shutil.which(name, path=os.pathsep.join(_PROGRAMS))


@dataclass
class Server:
    """An application on a real server, in processes of its own."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        """Where it answers: ``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server and the application have written so far."""
        return self.log_file.read_text(errors="replace")

    def stop(self) -> int:
        """End the server as an operator would, by SIGTERM, and return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the server did not stop on SIGTERM:\n{self.log}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End the server and its workers at once, without a chance to clean up."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def wait_until_it_answers(self) -> None:
        """Return when the port accepts connections; fail with the log if the server ends before, or after 60 s."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with status {self.process.returncode}:\n{self.log}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the server did not answer:\n{self.log}")


def granian(interface: str) -> Callable[[str, int, int], list[str]]:
    threads = ("--blocking-threads", "4") if interface == "wsgi" else ()
    return lambda app, port, workers: [
        *("granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(workers), "--workers-kill-timeout", "5", *threads, app),
    ]


def uvicorn(loop: str, http: str) -> Callable[[str, int, int], list[str]]:
    return lambda app, port, workers: [
        *("uvicorn", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)),
        *("--loop", loop, "--http", http, "--no-proxy-headers", "--no-access-log", app),
    ]


#: The name of a server in tests, and how it is started: a module, and its arguments.
COMMANDS: dict[str, Callable[[str, int, int], list[str]]] = {
    "granian": granian("wsgi"),
    "granian-asgi": granian("asgi"),
    "granian-rsgi": granian("rsgi"),
    "gunicorn": lambda app, port, workers: [
        *("gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--threads", "4"),
        *("--no-control-socket", app),
    ],
    "gunicorn-asgi": lambda app, port, workers: [
        *("gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--worker-class", "asgi"),
        *("--no-control-socket", app),
    ],
    "waitress": lambda app, port, workers: [
        *("waitress", f"--listen=127.0.0.1:{port}", "--threads=4", "--no-clear-untrusted-proxy-headers", app)
    ],
    "fastpysgi": lambda app, port, workers: [
        *("-c", "import fastpysgi; fastpysgi.run_from_cli()", app),
        *("--host", "127.0.0.1", "--port", str(port), "--loglevel", "2"),
    ],
    "uvicorn": uvicorn("uvloop", "httptools"),
    "uvicorn-h11": uvicorn("asyncio", "h11"),
    "hypercorn": lambda app, port, workers: [
        *("hypercorn", "--bind", f"127.0.0.1:{port}", "--workers", str(workers), app),
    ],
}
#: Those that speak ASGI, and are given ``app.asgi``.
ASGI = {name for name in COMMANDS if name.startswith(("uvicorn", "hypercorn")) or name.endswith("asgi")}


def command_of(server: str, app: str, port: int, workers: int = 1) -> list[str]:
    """Return the command that serves *app*, an import name such as ``app:app``, on a kind of server.

    For gunicorn's ASGI worker the module has to have the name ``asgi``, for ``app.asgi``.
    """
    if server == "gunicorn-asgi":  # which looks for a name in the module, and no further
        app = app.partition(":")[0] + ":asgi"
    elif server in ASGI:
        app += ".asgi"
    arguments = COMMANDS[server](app, port, workers)
    return [sys.executable, *(() if arguments[0] == "-c" else ("-m",)), *arguments]


def environment_of(server: str, **more: str) -> dict[str, str]:
    """Return the environment variables for a kind of server."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **more}
    if server == "fastpysgi":
        # Measuring coverage handles SIGTERM in Python, and fastpysgi runs no Python while it waits for requests.
        environment = {key: value for key, value in environment.items() if not key.startswith("COVERAGE")}
    return environment


@contextlib.contextmanager
def serving(logs: Path) -> Iterator[Callable[..., Server]]:
    """Give a function that starts an application on a real server and waits until it answers.

    ``serve("app:app", folder)`` serves ``app`` of ``folder/app.py`` over granian's WSGI; ``server=`` takes another one
    of ``COMMANDS``, ``workers=2`` more processes (waitress has one), ``port=`` a port that is wanted again after a
    restart, ``env=`` more environment variables. Every server is ended at the end.
    """
    servers: list[Server] = []

    def serve(
        app: str,
        folder: Path,
        *,
        server: str = "granian",
        workers: int = 1,
        port: int | None = None,
        env: dict[str, str] | None = None,
    ) -> Server:
        port = port or find_free_port()
        log_file = logs / f"server-{len(servers)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                command_of(server, app, port, workers),
                cwd=folder,
                env=environment_of(server, **(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        servers.append(started := Server(process, port, log_file))
        started.wait_until_it_answers()
        return started

    try:
        yield serve
    finally:
        for server in servers:
            server.kill()
