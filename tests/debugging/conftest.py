"""An application in debug mode, and the answers that it gives to whoever is no test client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """An application in debug mode whose folder is empty and whose sessions are kept in memory."""
    app = Erlen("debugged", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="a key for tests only", SESSION_TYPE="memory", DEBUG=True)
    return app


@pytest.fixture
def ask(app: Any) -> Callable[..., Any]:
    """Return a function that sends a request as a server would: exceptions do not reach the test.

    ``html=True`` sends what a browser accepts; without it nothing is said about what is accepted.
    """

    def ask(path: str = "/", *, html: bool = False, **options: Any) -> Any:
        headers = {**({"Accept": BROWSER} if html else {}), **options.pop("headers", {})}
        base = {"erlen.propagate": False, **options.pop("environ_base", {})}
        return app.test_client().open(path, headers=headers, environ_base=base, **options)

    return ask


@pytest.fixture
def raising(app: Any, ask: Callable[..., Any]) -> Callable[..., str]:
    """Return a function that lets a view raise what *work* raises, and gives the report as plain text."""

    def raising(work: Callable[..., Any], rule: str = "/", path: str = "/", **options: Any) -> str:
        app.add_url_rule(rule, "view", work, methods=["GET", "POST"])
        response = ask(path, **options)
        assert response.status_code == 500
        return str(response.text)

    return raising
