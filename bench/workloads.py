"""The requests that are counted, and what runs them: ``python workloads.py MODULE HELPER INSTANCE`` under callgrind.

Names of workloads that follow are the only ones that are counted.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import io
import sys
from collections.abc import Callable, Iterable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple

WARM_UP = 50
REQUESTS = 200

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Workload(NamedTuple):
    """One kind of request: which application it goes to, its path and query, and the status that it must get."""

    name: str
    application: str
    path: str
    query: str = ""
    status: str = "200"
    after: str | None = None  # a path to ask for first, whose cookies the request then carries


WORKLOADS = [
    Workload("text", "plain", "/"),
    Workload("dict as JSON", "plain", "/json"),
    Workload("jsonify", "plain", "/jsonify"),
    Workload("typed parameter and query value", "plain", "/user/42", "page=3"),
    Workload("no such page (404)", "plain", "/nothing/here", status="404"),
    Workload("two hooks and a session read", "hooked", "/session", after="/sign-in"),
    Workload("the same, session in a cookie", "cookie", "/session", after="/sign-in"),
    Workload("Jinja page of 20 rows", "plain", "/rows"),
]


def environ_for(path: str, query: str = "", cookie: str = "", method: str = "GET") -> Environ:
    """Return what a server would pass for a request of a browser-like client."""
    environ: Environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "bench",
        "HTTP_ACCEPT": "*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    return environ


def ask(application: Application, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Send one request as a server does; return the status line, the headers and the body."""
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answered[:] = (status, headers)

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return answered[0], answered[1], body


def cookies_in(headers: Iterable[tuple[str, str]]) -> str:
    """Return the header ``Cookie`` of a client that was answered with *headers*; empty if none sets a cookie."""
    kept = SimpleCookie("; ".join(value for name, value in headers if name.lower() == "set-cookie"))
    return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in kept.items())


def prepare(application: Application, workload: Workload) -> Environ:
    """Return the environ of *workload*, with the cookies that it needs, and check what it is answered with."""
    cookie = ""
    if workload.after:
        _, headers, _ = ask(application, environ_for(workload.after))
        cookie = cookies_in(headers)
        if not cookie:
            raise SystemExit(f"{workload.after} set no cookie")
    environ = environ_for(workload.path, workload.query, cookie)
    status, _, body = ask(application, environ.copy())
    if not status.startswith(workload.status):
        raise SystemExit(f"{workload.path} answered {status}: {body[:500]!r}")
    return environ


def count(send: Callable[[], object], helper: ctypes.CDLL, name: str, requests: int = REQUESTS) -> None:
    """Have callgrind count what *requests* calls of *send* take when it is warm, and write it down under *name*."""
    for _ in range(min(WARM_UP, requests)):
        send()
    gc.collect()
    helper.start()
    for _ in range(requests):
        send()
    helper.stop(name.encode())


def bare(environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    """The least that a WSGI application can do."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "13")])
    return [b"Hello, World!"]


def main(module: str, helper: str, instance: str, *only: str) -> None:
    """Count every workload, or *only* some, on the applications of one module, and an application that does nothing."""
    library = ctypes.CDLL(helper)
    made = importlib.import_module(module)
    applications = {name: getattr(made, name)(instance) for name in ("plain", "hooked", "cookie")}

    def count_one(application: Application, environ: Environ, name: str) -> None:
        count(lambda: ask(application, environ.copy()), library, name)

    count_one(bare, environ_for("/"), "bare")
    for workload in WORKLOADS:
        if only and workload.name not in only:
            continue
        application = applications[workload.application]
        count_one(application, prepare(application, workload), workload.name)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "apps"))
    main(*sys.argv[1:])
