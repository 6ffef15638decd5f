"""Which application runs on which server, and how each is started: one worker, no access log, all else its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from served.processes import python_command

APPS = Path(__file__).resolve().parent / "apps"

Command = Callable[[str, int], list[str]]


def _granian(interface: str, *more: str) -> Command:
    def command(target: str, port: int) -> list[str]:
        usual = ("--host", "127.0.0.1", "--port", port, "--workers", 1, "--log-level", "warning")
        return python_command("granian", "--interface", interface, *usual, "--workers-kill-timeout", 2, *more, target)

    return command


def _uvicorn(target: str, port: int) -> list[str]:
    usual = ("--host", "127.0.0.1", "--port", port, "--no-access-log", "--log-level", "warning")
    return python_command("uvicorn", *usual, "--loop", "uvloop", "--http", "httptools", target)


def _gunicorn(*more: str) -> Command:
    def command(target: str, port: int) -> list[str]:
        usual = ("--bind", f"127.0.0.1:{port}", "--workers", 1, "--log-level", "warning", "--no-control-socket")
        return python_command("gunicorn", *usual, *more, target)

    return command


def _fastpysgi(target: str, port: int) -> list[str]:
    program = str(Path(sys.executable).with_name("fastpysgi"))
    return [program, target, "--host", "127.0.0.1", "--port", str(port), "--loglevel", "3"]


def _sanic(target: str, port: int) -> list[str]:
    name = target.partition(":")[0] + ":app"
    return python_command("sanic", name, "--host", "127.0.0.1", "--port", port, "--single-process", "--no-access-logs")


def _robyn(target: str, port: int) -> list[str]:
    return [sys.executable, f"{target.partition(':')[0]}.py", "--log-level", "WARN", str(port)]


# One thread for plain views: several of them wait for each other, which is no work.
SERVERS: dict[str, Command] = {
    "granian WSGI": _granian("wsgi", "--blocking-threads", "1", "--no-ws"),
    "granian ASGI": _granian("asgi"),
    "granian RSGI": _granian("rsgi"),
    "uvicorn": _uvicorn,
    "gunicorn sync": _gunicorn("--worker-class", "sync"),
    "gunicorn gthread": _gunicorn("--worker-class", "gthread", "--threads", "4", "--keep-alive", "30"),
    "fastpysgi": _fastpysgi,
    "Sanic": _sanic,
    "Robyn": _robyn,
}
WSGI = ["granian WSGI", "gunicorn sync", "gunicorn gthread", "fastpysgi"]
ASGI = ["granian ASGI", "uvicorn"]
PROTOCOLS = {"granian ASGI": "asgi", "uvicorn": "asgi", "granian RSGI": "rsgi", "Sanic": "asgi", "Robyn": "asgi"}

OWN = {"Sanic", "Robyn"}
"""Servers that serve one framework alone: its ratio is to the bare callable on granian, over RSGI."""


@dataclass(frozen=True)
class App:
    """An application, in a module of :data:`APPS`.

    :ivar servers: those that it is measured on; with all work on the first of them
    """

    name: str
    module: str
    servers: list[str]
    package: str = ""
    without: frozenset[str] = field(default_factory=frozenset)
    """The names of the work that it has no way to do."""

    def target(self, server: str) -> str:
        """Return what the server is told to serve."""
        return f"{self.module}:{PROTOCOLS.get(server, 'wsgi')}"


BARE = App("bare callable", "bare_app", [*WSGI, *ASGI, "granian RSGI"])
_PLAIN = frozenset({"WebSocket echo"})
APPLICATIONS = [
    BARE,
    App("Erlen", "erlen_app", WSGI, "erlen", _PLAIN),
    App("Erlen, async views", "erlen_async_app", ["granian RSGI", *ASGI], "erlen"),
    App("Flask", "flask_app", WSGI, "flask", _PLAIN),
    App("Django", "django_app", WSGI, "django", _PLAIN),
    App("Falcon", "falcon_app", WSGI, "falcon", _PLAIN),
    App("Bottle", "bottle_app", WSGI, "bottle", _PLAIN),
    App("Quart", "quart_app", ASGI, "quart"),
    App("Falcon, async", "falcon_async_app", ASGI, "falcon"),
    App("Starlette", "starlette_app", ASGI, "starlette"),
    App("FastAPI", "fastapi_app", ASGI, "fastapi"),
    App("Litestar", "litestar_app", ASGI, "litestar"),
    App("BlackSheep", "blacksheep_app", ASGI, "blacksheep"),
    App("Emmett", "emmett_app", ["granian RSGI"], "emmett", frozenset({"static file, 16 kB"})),
    App("Sanic", "sanic_app", ["Sanic"], "sanic"),
    App("Robyn", "robyn_app", ["Robyn"], "robyn", _PLAIN),
]
SESSIONS = [
    App("bare callable, redis-py", "bare_app", ["granian WSGI"], "redis"),
    App("Erlen", "erlen_app", ["granian WSGI"], "erlen"),
    App("Erlen, async views", "erlen_async_app", ["granian ASGI", "granian RSGI"], "erlen"),
    App("Flask-Session", "flask_app", ["granian WSGI"], "flask-session"),
    App("Django, cache session", "django_app", ["granian WSGI"], "django"),
    App("starsessions on Starlette", "starlette_app", ["granian ASGI"], "starsessions"),
    App("Litestar", "litestar_app", ["granian ASGI"], "litestar"),
]


def environment(static: Path, part: str = "hello", redis: str = "") -> Mapping[str, str]:
    """Return the variables that tell the applications what they need.

    :param part: the part of the work that the bare callable does
    :param redis: the address of the server of sessions
    """
    # No hash of a run may make another one faster or slower.
    paths = {"PYTHONPATH": str(APPS), "PYTHONHASHSEED": "0"}
    return {**paths, "BENCH_STATIC": str(static), "BENCH_PART": part, "BENCH_REDIS": redis}
