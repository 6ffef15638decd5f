"""What each server makes of ``X-Forwarded-*`` by itself, before ``app.trust_proxies``: docs/deploying tells it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import get, talk

import serving

APP = """
from erlen import Erlen, request

app = Erlen(__name__)
asgi = app.asgi


@app.get("/")
def index():
    return {
        "address": request.remote_addr, "scheme": request.scheme, "host": request.host, "root": request.root_path,
        "for": request.headers.get("X-Forwarded-For"), "prefix": request.headers.get("X-Forwarded-Prefix"),
    }
"""
FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/shop",
}


def told(served: Any) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(served.url, headers={**FORWARDED, "Host": "inner.example"}, verify=False).json()
    assert (found["host"], found["root"], found["prefix"]) == ("inner.example", "", "/shop")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.mark.parametrize("server", ["granian", "granian-asgi", "granian-rsgi", "hypercorn", "waitress", "uvicorn"])
def test_these_believe_nothing_and_hand_all_over(serve: Callable[..., Any], folder: Path, server: str) -> None:
    """Waitress and uvicorn because their commands in the documentation say so."""
    found = told(serve("app:app", folder, server=server))
    assert (found["address"], found["scheme"], found["for"]) == ("127.0.0.1", "http", "203.0.113.7")


def test_fastpysgi_believes_nothing_and_gives_the_port_with_the_address(
    serve: Callable[..., Any], folder: Path
) -> None:
    found = told(serve("app:app", folder, server="fastpysgi"))
    assert found["address"].startswith("127.0.0.1:")
    assert (found["scheme"], found["for"]) == ("http", "203.0.113.7")


@pytest.mark.parametrize("server", ["gunicorn", "gunicorn-asgi"])
def test_gunicorn_believes_the_scheme_that_comes_from_this_host_unless_told_otherwise(
    serve: Callable[..., Any], folder: Path, server: str
) -> None:
    found = told(serve("app:app", folder, server=server))
    assert (found["address"], found["scheme"], found["for"]) == ("127.0.0.1", "https", "203.0.113.7")
    found = told(serve("app:app", folder, server=server, env={"GUNICORN_CMD_ARGS": '--forwarded-allow-ips=""'}))
    assert (found["address"], found["scheme"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize("server", ["gunicorn", "waitress", "fastpysgi"])
def test_headers_with_underscores_are_dropped(serve: Callable[..., Any], folder: Path, server: str) -> None:
    served = serve("app:app", folder, server=server)
    answer = talk(served.port, get("/", "X-Forwarded-For: 203.0.113.7", "X_Forwarded_For: 6.6.6.6"))
    assert answer is not None
    assert b"203.0.113.7" in answer.body
    assert b"6.6.6.6" not in answer.body


def test_granian_does_not_drop_them_over_wsgi(serve: Callable[..., Any], folder: Path) -> None:
    """So a proxy has to; the day this fails, docs/deploying/granian.md can lose the warning."""
    answer = talk(serve("app:app", folder).port, get("/", "X-Forwarded-For: 203.0.113.7", "X_Forwarded_For: 6.6.6.6"))
    assert answer is not None
    assert b'"for":"6.6.6.6"' in answer.body.replace(b" ", b"")


@pytest.fixture
def by_default(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start waitress and uvicorn without the options about proxies that the tests give them otherwise."""
    for server in ("waitress", "uvicorn"):
        usual = serving.COMMANDS[server]

        def start(app: str, port: int, workers: int, usual: Any = usual) -> list[str]:
            return [word for word in usual(app, port, workers) if "proxy-headers" not in word]

        monkeypatch.setitem(serving.COMMANDS, server, start)


@pytest.mark.usefixtures("by_default")
def test_waitress_takes_all_but_the_prefix_out_by_default(serve: Callable[..., Any], folder: Path) -> None:
    found = told(serve("app:app", folder, server="waitress"))
    assert (found["address"], found["scheme"], found["for"]) == ("127.0.0.1", "http", None)


@pytest.mark.usefixtures("by_default")
def test_uvicorn_believes_address_and_scheme_that_come_from_this_host_by_default(
    serve: Callable[..., Any], folder: Path
) -> None:
    found = told(serve("app:app", folder, server="uvicorn"))
    assert (found["address"], found["scheme"], found["for"]) == ("203.0.113.7", "https", "203.0.113.7")
