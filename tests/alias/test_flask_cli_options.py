"""The options before a command, ``.env`` files, and the values that ``flask run`` checks."""

from __future__ import annotations

import operator
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
from command_tools import invoke, surroundings, write
from flask import cli as real

from erlen.flask import cli as ours

__all__ = ["surroundings", "write"]


def values() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in "ABCD"}


@pytest.fixture
def files(write: Callable[..., Path]) -> None:
    write(".flaskenv", "A=flaskenv\nB=flaskenv\n")
    write(".env", "A=env\nC=env\nWITHOUT_VALUE\n")
    write("more.env", "A=more\nD=more\n")
    write("sub/empty", "")


@pytest.mark.parametrize(
    ("args", "kwargs", "found", "expected"),
    [
        ((), {}, True, ["env", "flaskenv", "env", None]),
        (("more.env",), {}, True, ["more", "flaskenv", "env", "more"]),
        (("more.env",), {"load_defaults": False}, True, ["more", None, None, "more"]),
        ((Path("more.env"), False), {}, True, ["more", None, None, "more"]),
        (("nowhere.env",), {}, True, ["env", "flaskenv", "env", None]),
        (("nowhere.env",), {"load_defaults": False}, False, [None, None, None, None]),
        ((), {"path": None, "load_defaults": False}, False, [None, None, None, None]),
    ],
)
@pytest.mark.usefixtures("files")
def test_variables_are_read_from_files(flask: Any, args: Any, kwargs: Any, found: bool, expected: list[Any]) -> None:
    assert flask.cli.load_dotenv(*args, **kwargs) is found
    assert list(values().values()) == expected
    assert "WITHOUT_VALUE" not in os.environ


@pytest.mark.usefixtures("files")
def test_a_variable_that_is_set_keeps_its_value(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "set")
    assert flask.cli.load_dotenv("more.env") is True
    assert values() == {"A": "set", "B": "flaskenv", "C": "env", "D": "more"}
    assert flask.cli.load_dotenv("more.env") is True


def test_without_files_nothing_is_read(flask: Any) -> None:
    assert flask.cli.load_dotenv() is False


TIP = " * Tip: There are .env files present. Install python-dotenv to use them.\n"


@pytest.mark.parametrize(
    ("args", "folder", "said"),
    [((), ".", TIP), (("more.env",), ".", TIP), (("more.env",), "sub", TIP), ((), "sub", "")],
)
@pytest.mark.usefixtures("files")
def test_files_without_python_dotenv_are_told(
    flask: Any,
    args: Any,
    folder: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)
    monkeypatch.chdir(folder)
    assert flask.cli.load_dotenv(*args) is False
    assert values()["A"] is None
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)


SHOW = """\
import os
from FLASK import Flask

app = Flask("shop")


@app.cli.command()
def show():
    print([os.environ.get(name) for name in "ABCD"], os.environ.get("FLASK_DEBUG"), app.debug)
"""


@pytest.mark.parametrize(
    ("args", "env", "shown"),
    [
        ([], {}, "['env', 'flaskenv', 'env', None] None False"),
        (["-e", "more.env"], {}, "['more', 'flaskenv', 'env', 'more'] None False"),
        (["--env-file", "more.env"], {"FLASK_SKIP_DOTENV": "1"}, "['more', None, None, 'more'] None False"),
        ([], {"FLASK_ENV_FILE": "more.env"}, "['more', 'flaskenv', 'env', 'more'] None False"),
        ([], {"FLASK_SKIP_DOTENV": "1"}, "[None, None, None, None] None False"),
        (["--debug"], {"FLASK_SKIP_DOTENV": "1"}, "[None, None, None, None] 1 True"),
        (["--no-debug"], {"FLASK_SKIP_DOTENV": "1", "FLASK_DEBUG": "1"}, "[None, None, None, None] 0 False"),
        ([], {"FLASK_SKIP_DOTENV": "1", "FLASK_DEBUG": "yes"}, "[None, None, None, None] 1 True"),
        ([], {"FLASK_SKIP_DOTENV": "1", "FLASK_DEBUG": ""}, "[None, None, None, None]  False"),
    ],
)
@pytest.mark.usefixtures("files")
def test_the_options_of_flask_set_the_environment(
    flask: Any, write: Callable[..., Path], args: list[str], env: dict[str, str], shown: str
) -> None:
    write("app.py", SHOW)
    os.environ.update(env)
    assert invoke(flask.cli.cli, [*args, "show"]).output == f"{shown}\n"


def test_the_application_may_be_named_in_an_env_file(flask: Any, write: Callable[..., Path]) -> None:
    write("shop.py", SHOW)
    write(".flaskenv", "FLASK_APP=shop\nFLASK_DEBUG=1\n")
    assert invoke(flask.cli.cli, ["show"]).output == "[None, None, None, None] 1 True\n"
    assert "show" in invoke(flask.cli.cli, ["--help"]).output


def test_a_script_may_leave_env_files_alone(flask: Any, write: Callable[..., Path]) -> None:
    write(".env", "A=env\n")
    group = flask.cli.FlaskGroup(load_dotenv=False, create_app=lambda: flask.Flask("a"))
    group.command("show")(lambda: click.echo(f"{values()['A']}"))
    assert invoke(group, ["show"]).output == "None\n"


def test_an_env_file_has_to_be_there_and_readable(
    flask: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = invoke(flask.cli.cli, ["-e", "nowhere.env", "routes"])
    assert (said.exit_code, said.stderr.splitlines()[-1]) == (
        2,
        "Error: Invalid value for '-e' / '--env-file': File 'nowhere.env' does not exist.",
    )
    write("more.env", "A=more\n")
    monkeypatch.setitem(sys.modules, "dotenv", None)
    last = invoke(flask.cli.cli, ["-e", "more.env", "routes"]).stderr.splitlines()[-1]
    assert last.startswith("Error: Invalid value for '-e' / '--env-file': ")
    assert "python-dotenv" in last


def test_the_versions_are_those_of_python_flask_and_werkzeug(flask: Any) -> None:
    expected = f"Python {platform.python_version()}\nFlask 3.1.3\nWerkzeug {metadata.version('werkzeug')}\n"
    assert invoke(flask.cli.cli, ["--version"]).output == expected
    context = click.Context(flask.cli.cli)
    with pytest.raises(click.exceptions.Exit):
        flask.cli.get_version(context, None, "x")
    assert flask.cli.get_version(context, None, None) is None


def test_the_version_option_may_stand_elsewhere(flask: Any) -> None:
    command = click.Command("own", params=[flask.cli.version_option])
    assert "Flask 3.1.3" in invoke(command, ["--version"]).output


def test_env_files_are_looked_for_upwards(
    flask: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".env", "FLOUR=rye\n")
    write(".flaskenv", "FLOUR=wheat\nYEAST=fresh\n")
    write("shelves/jars/label", "")
    monkeypatch.chdir("shelves/jars")
    assert flask.cli.load_dotenv() is True
    assert (os.environ["FLOUR"], os.environ["YEAST"]) == ("rye", "fresh")


@pytest.mark.parametrize("command", ["cli", "run_command", "shell_command", "routes_command"])
def test_every_option_is_called_and_read_as_flasks(command: str) -> None:
    told = [
        [
            (
                [*option.opts, *option.secondary_opts],
                type(option.type).__name__,
                option.is_eager,
                option.expose_value,
                option.is_flag,
                option.metavar,
                option.get_default(click.Context(found)),
                vars(option.type) if type(option.type) is click.Path else None,
            )
            for option in found.params
        ]
        for found in (getattr(real, command), getattr(ours, command))
    ]
    key = operator.itemgetter(0)
    assert sorted(told[0], key=key) == sorted(told[1], key=key)


@pytest.mark.parametrize("command", ["cli", "run_command", "shell_command", "routes_command"])
def test_every_option_says_what_it_does(command: str) -> None:
    found = getattr(ours, command)
    assert found.help
    assert [option.name for option in found.params if not option.help] == []
