"""The options before a command, ``.env`` files, and the values that ``flask run`` checks."""

from __future__ import annotations

import os
import platform
import ssl
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from command_tools import invoke, message, surroundings, write
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


@pytest.mark.usefixtures("files")
def test_the_files_of_a_folder_above_count(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("sub")
    assert flask.cli.load_dotenv() is True
    assert values()["B"] == "flaskenv"
    assert Path.cwd().name == "sub"


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
    assert invoke(flask.cli.cli, ["-e", "more.env", "routes"]).stderr.splitlines()[-1] == (
        "Error: Invalid value for '-e' / '--env-file': python-dotenv must be installed to load an env file."
    )


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


@pytest.mark.parametrize(
    ("path", "other", "above"),
    [("/a", "/a/b", True), ("/a", "/ab", False), ("/a", "/b/a", False), ("/a", "/a", False), ("/a", "/a/", True)],
)
def test_a_folder_is_known_to_be_above_another(flask: Any, path: str, other: str, above: bool) -> None:
    assert flask.cli._path_is_ancestor(path, other) is above


@pytest.mark.parametrize("group", ["cli", "run_command", "shell_command", "routes_command"])
def test_every_option_is_flasks_to_the_letter(group: str) -> None:
    told = [
        [
            (
                [*option.opts, *option.secondary_opts],
                type(option.type).__name__,
                option.help,
                option.is_eager,
                option.expose_value,
                option.is_flag,
                option.metavar,
                option.get_default(click.Context(command)),
                vars(option.type) if type(option.type) is click.Path else None,
            )
            for option in command.params
        ]
        for command in (getattr(real, group), getattr(ours, group))
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "args",
    [[], ["--help"], *([name, "--help"] for name in ("run", "shell", "routes")), ["-h"], ["run", "-h"], ["nowhere"]],
)
def test_what_is_printed_is_flasks_to_the_letter(args: list[str], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\n\napp = Flask('shop')\n")
    said = invoke(real.cli, args)
    sys.modules.pop("app", None)
    (tmp_path / "app.py").write_text("from erlen.flask import Flask\n\napp = Flask('shop')  # another size\n")
    mine = invoke(ours.cli, args)
    assert (mine.exit_code, mine.stdout, mine.stderr) == (said.exit_code, said.stdout, said.stderr)


# Certificates and separated paths


def run_options(flask: Any, *args: str) -> dict[str, Any]:
    with flask.cli.run_command.make_context("run", list(args)) as context:
        found: dict[str, Any] = context.params
        return found


@pytest.fixture
def certificate(write: Callable[..., Path]) -> tuple[str, str]:
    write("cert.pem", "")
    write("key.pem", "")
    return os.path.realpath("cert.pem"), os.path.realpath("key.pem")


def test_a_certificate_with_its_key_is_a_pair(flask: Any, certificate: tuple[str, str]) -> None:
    for args in (["--cert", "cert.pem", "--key", "key.pem"], ["--key", "key.pem", "--cert", "cert.pem"]):
        options = run_options(flask, *args)
        assert options["cert"] == certificate
        assert "key" not in options


@pytest.mark.parametrize("word", ["adhoc", "ADHOC"])
def test_a_certificate_may_be_made(flask: Any, word: str) -> None:
    assert run_options(flask, "--cert", word)["cert"] == "adhoc"


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    module = ModuleType("own_tls")
    module.context = made  # type: ignore[attr-defined]
    module.other = 5  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_tls", module)
    return made


def test_a_certificate_may_be_a_context_by_its_import_name(flask: Any, context: ssl.SSLContext) -> None:
    assert run_options(flask, "--cert", "own_tls.context")["cert"] is context
    assert run_options(flask, "--cert", "own_tls:context")["cert"] is context


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--cert", "nowhere"], "File 'nowhere' does not exist."),
        (["--cert", "own_tls"], "File 'own_tls' does not exist."),
        (["--cert", "own_tls.other"], "File 'own_tls.other' does not exist."),
        (["--cert", "cert.pem"], 'Required when using "--cert".'),
        (["--cert", "cert.pem", "--key", "nowhere"], "File 'nowhere' does not exist."),
        (["--key", "key.pem"], '"--cert" must also be specified.'),
        (["--cert", "adhoc", "--key", "key.pem"], 'When "--cert" is "adhoc", "--key" is not used.'),
        (
            ["--key", "key.pem", "--cert", "own_tls.context"],
            'When "--cert" is an SSLContext object, "--key" is not used.',
        ),
    ],
)
@pytest.mark.usefixtures("certificate", "context")
def test_a_certificate_that_cannot_be_used_is_told(flask: Any, args: list[str], said: str) -> None:
    assert message(run_options, flask, *args) == f"BadParameter: {said}"


@pytest.mark.usefixtures("certificate")
def test_what_https_needs_is_told_where_it_is_missing(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert message(run_options, flask, "--cert", "adhoc") == (
        "BadParameter: Using ad-hoc certificates requires the cryptography library."
    )
    monkeypatch.setitem(sys.modules, "ssl", None)
    for args in (["adhoc"], ["cert.pem", "--key", "key.pem"], ["nowhere"]):
        assert message(run_options, flask, "--cert", *args) == (
            'BadParameter: Using "--cert" requires Python to be compiled with SSL support.'
        )
    assert message(run_options, flask, "--key", "key.pem") == 'BadParameter: "--cert" must also be specified.'


def test_several_paths_stand_in_one_text(flask: Any, write: Callable[..., Path]) -> None:
    options = run_options(flask, "--extra-files", f"a.txt{os.pathsep}b", "--exclude-patterns", "*/x")
    assert (options["extra_files"], options["exclude_patterns"]) == (["a.txt", "b"], ["*/x"])
    write("a.txt", "")
    existing = flask.cli.SeparatedPathType(exists=True)
    assert existing.convert("a.txt", None, None) == ["a.txt"]
    assert message(existing.convert, f"a.txt{os.pathsep}b", None, None) == "BadParameter: Path 'b' does not exist."
    assert isinstance(existing, click.Path)
