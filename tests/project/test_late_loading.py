"""What an application that says hello does not load: it is paid for by every worker, in memory and at each start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

APP = """
import sys
before = set(sys.modules)
from erlen import Erlen, session

app = Erlen(__name__)
app.secret_key = "a key that is long enough for this"

@app.get("/")
def hello():
    return "Hello"

@app.get("/modules")
def modules():
    return sorted(set(sys.modules) - before)

@app.get("/visits")
def visits():
    return str(session.incr("visits"))
"""

ASK = """
import json
from wsgiref.util import setup_testing_defaults
from app import app

environ = {}
setup_testing_defaults(environ)
for path in ("/", "/modules"):
    body = b"".join(app({**environ, "PATH_INFO": path}, lambda status, headers: None))
print(*json.loads(body))
"""

KINDS: dict[str, set[str]] = {
    "store of sessions": {"sqlite3", "erlen.sessions.stores.sqlite", "erlen.sessions.stores.memory"},
    "session": {"erlen.sessions.manager", "erlen.sessions.session", "erlen.sessions.record", "erlen.sessions.users"},
    "cookie session": {"itsdangerous", "erlen.sessions.cookie_manager", "erlen.sessions.signing"},
    "template engine": {"jinja2"},
    "proxy in front": {"erlen.http.proxies"},
    "event loop": {"asyncio", "erlen.lifecycle.portal", "erlen.lifecycle.serving", "concurrent.futures"},
    "other protocol": {"erlen.asgi", "erlen.rsgi", "erlen.exchange", "erlen.lifecycle.sockets", "erlen.bridge"},
    "command line": {"click", "erlen.cli", "erlen.servers.script"},
    "test client": {"erlen.testing.client", "erlen.testing.async_client", "http.cookiejar"},
    "tool": {"erlen.introspect", "erlen.debugging", "erlen.debugging.page", "erlen.testing.cli_runner"},
    "reader of archives": {"importlib.metadata", "zipfile", "csv"},  # what importlib.metadata brings with it
    "pickle": {"pickle", "xml", "tomllib"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the application in ``app.py``."""
    folder = tmp_path_factory.mktemp("late")
    (folder / "app.py").write_text(APP)
    return folder


@pytest.fixture(scope="module")
def loaded(folder: Path) -> set[str]:
    """The modules of a process that has made the application and answered two requests over WSGI."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    environment["PYTHONPATH"] = str(SOURCE)
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("kind", KINDS)
def test_an_application_that_says_hello_loads_no(kind: str, loaded: set[str]) -> None:
    assert "erlen.lifecycle.pipeline" in loaded
    assert not loaded & KINDS[kind]


@pytest.mark.parametrize("server", ["granian", "gunicorn"])
def test_a_worker_loads_what_keeps_sessions_with_the_first_that_is_touched(
    server: str, folder: Path, serve: Callable[..., Any]
) -> None:
    worker = serve("app:app", folder, server=server)

    def ask(path: str) -> str:
        with urllib.request.urlopen(worker.url + path) as answer:
            return str(answer.read().decode())

    unused = set().union(*KINDS.values())
    assert ask("/") == "Hello"
    assert not set(json.loads(ask("/modules"))) & unused
    assert ask("/visits") == "1"
    touched = set(json.loads(ask("/modules"))) & unused
    # Not sqlite3 itself, which a measurement of coverage has loaded before.
    assert (
        {"erlen.sessions.stores.sqlite", "erlen.sessions.manager"}
        < touched
        < KINDS["session"] | KINDS["store of sessions"]
    )
