"""The same test on the real Flask, which says what is right, and on what stands for it."""

from __future__ import annotations

import importlib
import logging
import warnings
from types import ModuleType
from typing import Any

import flask as real_flask
import pytest

import erlen.flask
from erlen.alias import MODULES

for _name in MODULES:
    importlib.import_module(f"flask.{_name}")
    importlib.import_module(f"erlen.flask.{_name}")


@pytest.fixture(params=[real_flask, erlen.flask], ids=["flask", "erlen"])
def flask(request: pytest.FixtureRequest) -> ModuleType:
    """The real Flask, and then ``erlen.flask``; their modules are attributes."""
    module: ModuleType = request.param
    return module


@pytest.fixture
def app(flask: Any) -> Any:
    """An application of each, under test, with a secret key."""
    app = flask.Flask("alias_app", root_path=__file__.rpartition("/")[0])
    app.config.update(TESTING=True, SECRET_KEY="a key for the tests")
    yield app
    logging.getLogger("alias_app").disabled = False  # a logger outlives the application that one test had


@pytest.fixture
def client(app: Any) -> Any:
    """Its test client."""
    return app.test_client()


@pytest.fixture(autouse=True)
def _quiet_version() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The '__version__' attribute", category=DeprecationWarning)
        yield
