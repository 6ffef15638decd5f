"""What the checks of every extension share: a pytest plugin that runs inside the environment of the extension.

``CHECKED_FLASK`` says which Flask is meant by ``import flask``: ``alias``, which is Erlen, or ``real``, with which the
checks have to pass as well, so that they say what Flask does.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

SIDE = os.environ["CHECKED_FLASK"]
INTERFACES = {"alias": ["wsgi", "asgi"], "real": ["wsgi"]}[SIDE]

if SIDE == "alias":  # before the checks and their application are imported
    importlib.import_module("erlen").install_as_flask()


def pytest_configure(config: pytest.Config) -> None:
    """Make sure that the checks speak to the Flask that they are meant for."""
    flask = importlib.import_module("flask")
    if SIDE == "alias":
        assert issubclass(flask.Flask, importlib.import_module("erlen").Erlen)
    else:
        assert "erlen" not in sys.modules


@pytest.fixture(params=INTERFACES)
def interface(request: pytest.FixtureRequest) -> str:
    """How the application is asked: ``wsgi``, and on the alias once more as ``asgi``."""
    name: str = request.param
    return name


@pytest.fixture
def new_client(app: Any, interface: str) -> Callable[..., Any]:
    """The function that makes a client of the fixture ``app``, each with cookies of its own."""
    options = {} if interface == "wsgi" else {"interface": interface}
    return lambda **more: app.test_client(**options, **more)


@pytest.fixture
def client(new_client: Callable[..., Any]) -> Any:
    """A client of the fixture ``app``."""
    return new_client()
