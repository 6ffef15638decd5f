"""What the tests of commands share: a folder of their own, an environment that is put back, and modules to find."""

from __future__ import annotations

import contextvars
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug import serving


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, and an environment and import path that are put back afterwards."""
    for name in list(os.environ):
        if name.startswith(("ERLEN_", "FLASK_", "WERKZEUG_")) or name == "PYTHONSTARTUP":
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    before = dict(sys.modules)
    for name in ("app", "wsgi", "shop"):
        sys.modules.pop(name, None)
    yield
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]
    for name in ("app", "wsgi", "shop"):
        if name in before:
            sys.modules[name] = before[name]


@pytest.fixture
def write(tmp_path: Path, flask: ModuleType) -> Callable[[str, str], Path]:
    """Return a function that writes a module in which FLASK is the Flask under test."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("from FLASK ", f"from {flask.__name__} "))
        return path

    return write


APP = """\
from FLASK import Flask

app = Flask("shop")


@app.cli.command()
def hello():
    print("hello from", app.name, "debug" if app.debug else "no debug")
"""


def message(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the text of the click exception that a call raises."""
    try:
        found = call(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
    raise AssertionError(f"nothing was raised, but {found!r} returned")


def invoke(*args: Any, **kwargs: Any) -> Result:
    """Call a command as :class:`click.testing.CliRunner` does; contexts that ``--help`` leaves open stay inside."""
    return contextvars.copy_context().run(CliRunner().invoke, *args, **kwargs)


Calls = list[tuple[tuple[Any, ...], dict[str, Any]]]


@pytest.fixture
def served(flask: Any, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the server would have been called with."""
    calls: Calls = []

    def run_simple(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs))

    monkeypatch.setattr(flask.cli, "run_simple", run_simple)
    monkeypatch.setattr(serving, "run_simple", run_simple)
    return calls
