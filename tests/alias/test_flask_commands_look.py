"""``flask routes`` and ``flask shell``."""

from __future__ import annotations

import code
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_tools import invoke, surroundings, write

__all__ = ["surroundings", "write"]


def call(flask: Any, app: Any, *args: str, **options: Any) -> str:
    done = invoke(flask.cli.FlaskGroup(create_app=lambda: app), list(args), **options)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


@pytest.fixture
def routes(flask: Any) -> Callable[..., list[list[str]]]:
    """Return a function that calls ``flask routes`` and returns the cells below the head, row by row."""
    app = flask.Flask("a")
    for rule, endpoint, options in (
        ("/", "index", {"methods": ["POST", "GET"]}),
        ("/<int:number>/<name>", "two", {"methods": ["PUT"]}),
        ("/<name>", "one", {"methods": ["PATCH", "DELETE"]}),
        ("/none", "none", {"methods": []}),
    ):
        app.add_url_rule(rule, endpoint, **options)
    return lambda *args: [line.split("  ") for line in call(flask, app, "routes", *args).splitlines()]


def test_routes_stand_in_aligned_columns(flask: Any) -> None:
    app = flask.Flask("a", static_folder=None)
    app.add_url_rule("/longer/<path:rest>", "b", methods=["POST", "GET"])
    app.add_url_rule("/", "an-endpoint")
    assert call(flask, app, "routes").splitlines() == [
        "Endpoint     Methods    Rule               ",
        "-----------  ---------  -------------------",
        "an-endpoint  GET        /                  ",
        "b            GET, POST  /longer/<path:rest>",
    ]


@pytest.mark.parametrize(
    ("args", "endpoints"),
    [
        ([], ["index", "none", "one", "static", "two"]),
        (["-s", "endpoint"], ["index", "none", "one", "static", "two"]),
        (["--sort", "methods"], ["none", "one", "static", "index", "two"]),
        (["--sort", "rule"], ["index", "two", "one", "none", "static"]),
        (["--sort", "match"], ["static", "index", "two", "one", "none"]),
        (["--sort", "domain"], ["static", "index", "two", "one", "none"]),
    ],
)
def test_routes_are_sorted(routes: Callable[..., list[list[str]]], args: list[str], endpoints: list[str]) -> None:
    assert [row[0].strip() for row in routes(*args)[2:]] == endpoints


@pytest.mark.parametrize(
    ("options", "column", "order"),
    [({"host_matching": True}, "Host", "bca"), ({"subdomain_matching": True}, "Subdomain", "bca")],
)
def test_hosts_have_a_column_where_a_rule_has_one(flask: Any, options: Any, column: str, order: str) -> None:
    app = flask.Flask("a", static_folder=None, **options)
    name = column.lower()
    app.add_url_rule("/", "a", **{name: "shop.test"})
    app.add_url_rule("/", "b")
    app.add_url_rule("/", "c", **{name: "<who>"})
    lines = call(flask, app, "routes", "--sort", "domain").splitlines()
    assert lines[0].split() == ["Endpoint", "Methods", column, "Rule"]
    assert "".join(line[0] for line in lines[2:]) == order
    assert "  shop.test  " in lines[-1]


def test_hosts_have_no_column_where_no_rule_has_one(flask: Any) -> None:
    app = flask.Flask("a", static_folder=None, host_matching=True)
    app.add_url_rule("/", "a")
    assert call(flask, app, "routes").splitlines()[0].split() == ["Endpoint", "Methods", "Rule"]


@pytest.mark.parametrize(("args", "column"), [((), "PATCH"), (("--all-methods",), "OPTIONS, PATCH")])
def test_automatic_methods_are_listed_where_they_are_asked_for(flask: Any, args: tuple[str, ...], column: str) -> None:
    museum = flask.Flask("museum", static_folder=None)
    museum.add_url_rule("/halls/<int:hall>", "hall", methods=["PATCH"])
    cells = call(flask, museum, "routes", *args).splitlines()[2].split("  ")
    assert [cell.strip() for cell in cells if cell.strip()] == ["hall", column, "/halls/<int:hall>"]


def test_routes_may_be_a_command_of_the_application_itself(flask: Any) -> None:
    museum = flask.Flask("museum", static_folder=None)
    museum.cli.add_command(flask.cli.routes_command, "map")
    empty = museum.test_cli_runner().invoke(args=["map"])
    assert (empty.exit_code, "Endpoint" in empty.output, len(empty.output.splitlines())) == (0, False, 1)
    museum.add_url_rule("/cellar", "cellar")
    assert "/cellar" in museum.test_cli_runner().invoke(args=["map"]).output


@pytest.fixture
def shell(flask: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that calls ``flask shell`` and returns what Python's shell is given."""

    def shell(app: Any) -> dict[str, Any]:
        given: dict[str, Any] = {}
        monkeypatch.setattr(code, "interact", lambda **options: given.update(options))
        call(flask, app, "shell")
        return given

    return shell


def test_the_shell_tells_the_application_and_has_its_names(flask: Any, shell: Any) -> None:
    app = flask.Flask("a")
    app.shell_context_processor(lambda: {"answer": 42})
    given = shell(app)
    assert given["banner"] == (
        f"Python {sys.version} on {sys.platform}\nApp: {app.import_name}\nInstance: {app.instance_path}"
    )
    assert sorted(given["local"]) == ["answer", "app", "g"]
    assert given["local"]["app"] is app


def test_the_startup_file_is_run_first(
    flask: Any, shell: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("start.py", "started = sorted(globals())\napp = 'hidden by the application'\n")
    monkeypatch.setenv("PYTHONSTARTUP", "start.py")
    app = flask.Flask("a")
    names = shell(app)["local"]
    assert names["started"] == ["__builtins__"]
    assert names["app"] is app
    monkeypatch.setenv("PYTHONSTARTUP", "nowhere.py")
    assert sorted(shell(app)["local"]) == ["app", "g"]


def test_the_tab_key_completes_the_names(flask: Any, shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    readline = pytest.importorskip("readline")
    completers: list[Any] = []
    hooked: list[bool] = []
    monkeypatch.setattr(readline, "set_completer", completers.append)
    monkeypatch.setattr(sys, "__interactivehook__", lambda: hooked.append(True), raising=False)
    app = flask.Flask("a")
    app.shell_context_processor(lambda: {"long_name_of_mine": 1})
    shell(app)
    assert hooked == [True]
    assert completers[-1]("long_na", 0).startswith("long_name_of_mine")


def test_the_shell_runs_what_is_typed_in_a_context(flask: Any) -> None:
    app = flask.Flask("a")
    typed = f"import {flask.__name__} as flask\nprint(flask.current_app.name, app.name)\n"
    assert "a a\n" in call(flask, app, "shell", input=typed)
