"""What the tests of the life of a request share: a fresh application, with sessions in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen
from erlen.testing import Client


class AsgiClient(Client):
    """A test client that asks over ASGI."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, interface="asgi", **kwargs)


@pytest.fixture(params=["wsgi", "asgi"])
def interface(request: pytest.FixtureRequest) -> str:
    """What the test clients speak with the application: the life of a request is the same over both."""
    return str(request.param)


@pytest.fixture
def make_app(tmp_path: Path, interface: str) -> Callable[..., Any]:
    """Return a function that makes an application of a class (default Erlen), with settings given as keywords."""

    def make(cls: type[Erlen] = Erlen, /, **settings: Any) -> Any:
        app = cls("lifecycle_app", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
        if interface == "asgi":
            app.test_client_class = AsgiClient
        app.config.update({"SECRET_KEY": "a key for tests only", "SESSION_TYPE": "memory", **settings})
        return app

    return make


@pytest.fixture
def app(make_app: Callable[..., Any]) -> Any:
    """A fresh application, with sessions in memory."""
    return make_app()


@pytest.fixture
def finishes() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that calls another one in a thread and gives its result; what waits for ever is a failure."""

    def run(function: Callable[[], Any]) -> Any:
        outcome: list[tuple[bool, Any]] = []

        def work() -> None:
            try:
                outcome.append((True, function()))
            except BaseException as error:
                outcome.append((False, error))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(10)
        if not outcome:
            pytest.fail("it waits for itself, for ever", pytrace=False)
        succeeded, value = outcome[0]
        if not succeeded:
            raise value
        return value

    return run
