"""Fixtures for the tests of Erlen applications; pytest finds this plugin by itself where Erlen is installed.

It stands beside the package, because pytest imports it at every start, in projects that have nothing to do with Erlen
too, and before coverage is measured. The framework is imported when a fixture is first used.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

# Its assertions tell what they compared, as those of a test file do.
pytest.register_assert_rewrite("erlen.testing.store_contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings ``erlen_app`` and ``erlen_async``."""
    parser.addini(
        "erlen_app",
        "the application for the fixture app: 'package.module:app', or a factory, 'package.module:create_app'",
        default="",
    )
    parser.addini("erlen_async", "whether tests that are async functions are run, each on a new loop", type="bool")


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is an async function, where erlen_async says so and no other plugin has done it."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test) or not pyfuncitem.config.getini("erlen_async"):
        return None
    wanted = inspect.signature(test).parameters
    given = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    importlib.import_module("asyncio").run(test(**given))
    return True


def _doing() -> Any:
    return importlib.import_module("erlen.testing.plugin")


@pytest.fixture
def app(pytestconfig: pytest.Config) -> Iterator[Any]:
    """The application that erlen_app in the settings of pytest or ERLEN_APP names, with TESTING on during the test.

    Define a fixture of this name in conftest.py to make it yourself.
    """
    with _doing().tested_application(pytestconfig) as found:
        yield found


@pytest.fixture
def client(app: Any) -> Any:
    """A client that sends requests to the application: app.test_client()."""
    return app.test_client()


@pytest.fixture
def async_client(app: Any) -> Any:
    """A client for async tests: app.async_test_client(). The test enters it, if the application is to be started."""
    return app.async_test_client()


@pytest.fixture
def runner(app: Any) -> Any:
    """A runner that calls the commands of the application: app.test_cli_runner()."""
    return app.test_cli_runner()


@pytest.fixture
def frozen_time() -> Iterator[Any]:
    """A clock that stands still and is moved by hand: frozen_time.tick(60), frozen_time.move_to(datetime(...))."""
    with _doing().frozen_time() as clock:
        yield clock
