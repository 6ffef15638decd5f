"""What a command knows of its application, and the context that it runs in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from command_tools import APP, invoke, message, surroundings, write

__all__ = ["surroundings", "write"]

NO_APP = (
    "Could not locate a Flask application. Use the 'flask --app' option, 'FLASK_APP' environment variable, or a "
    "'wsgi.py' or 'app.py' file in the current directory."
)


# ScriptInfo


def test_what_a_command_knows_at_first(flask: Any) -> None:
    info = flask.cli.ScriptInfo()
    assert (info.app_import_path, info.create_app, info.set_debug_flag) == (None, None, True)
    assert (info.data, info.load_dotenv_defaults) == ({}, True)


def test_the_factory_of_a_script_makes_its_application_once(flask: Any) -> None:
    made: list[Any] = []

    def create_app() -> Any:
        made.append(flask.Flask("a"))
        return made[-1]

    info = flask.cli.ScriptInfo("nowhere", create_app)
    assert info.load_app() is info.load_app() is made[0]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop", "shop"),
        ("shop:app", "shop"),
        ("shop.py:app", "shop"),
        ("inner/shop.py:make('x:y')", "x:y"),
        ("inner/shop:make('z')", "z"),
    ],
)
def test_the_import_path_leads_to_the_application(flask: Any, write: Callable[..., Path], text: str, name: str) -> None:
    write("shop.py", APP)
    write("inner/shop.py", "from FLASK import Flask\n\ndef make(name):\n    return Flask(name)\n")
    assert flask.cli.ScriptInfo(text).load_app().name == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shop:", "Failed to parse '' as an attribute name or function call."),
        ("shop:app:x", "Failed to parse 'app:x' as an attribute name or function call."),
        ("nowhere:app", "Could not import 'nowhere'."),
        ("C:\\shop:app", "Could not import 'C:\\\\shop'."),
    ],
)
def test_an_import_path_that_leads_nowhere_is_told(
    flask: Any, write: Callable[..., Path], text: str, said: str
) -> None:
    write("shop.py", APP)
    assert message(flask.cli.ScriptInfo(text).load_app) == f"NoAppException: {said}"


@pytest.mark.parametrize("files", [["wsgi.py"], ["app.py"], ["wsgi.py", "app.py"]])
def test_without_one_wsgi_py_or_app_py_is_taken(flask: Any, write: Callable[..., Path], files: list[str]) -> None:
    for name in files:
        write(name, APP.replace('"shop"', f'"{name}"'))
    for text in (None, ""):
        assert flask.cli.ScriptInfo(text).load_app().name == files[0]


@pytest.mark.parametrize("create_app", [None, lambda: None])
def test_no_application_at_all_is_told(flask: Any, create_app: Any) -> None:
    assert message(flask.cli.ScriptInfo(create_app=create_app).load_app) == f"NoAppException: {NO_APP}"


def test_a_wsgi_py_without_an_application_is_not_passed_over(flask: Any, write: Callable[..., Path]) -> None:
    write("wsgi.py", "")
    write("app.py", APP)
    assert "Failed to find Flask application or factory in module 'wsgi'" in message(flask.cli.ScriptInfo().load_app)


@pytest.mark.parametrize(
    ("value", "debug"),
    [(None, False), ("", False), ("0", False), ("no", False), ("False", False), ("off", True), ("1", True)],
)
def test_the_environment_decides_about_debug_mode(
    flask: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, debug: bool
) -> None:
    if value is not None:
        monkeypatch.setenv("FLASK_DEBUG", value)
    app = flask.Flask("a")
    app.debug = not debug
    assert flask.cli.ScriptInfo(create_app=lambda: app, set_debug_flag=False).load_app().debug is not debug
    assert flask.cli.ScriptInfo(create_app=lambda: app).load_app().debug is debug


@pytest.mark.parametrize(
    ("value", "read"), [(None, True), ("", True), ("0", True), ("no", True), ("1", False), ("off", False)]
)
def test_the_environment_decides_about_env_files(
    flask: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, read: bool
) -> None:
    if value is not None:
        monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
    assert flask.cli.ScriptInfo().load_dotenv_defaults is read
    assert flask.cli.ScriptInfo(load_dotenv_defaults=False).load_dotenv_defaults is (bool(value) and read)


def test_a_command_is_handed_what_is_known_and_may_add_to_it(flask: Any) -> None:
    @click.group()
    @flask.cli.pass_script_info
    def cli(info: Any) -> None:
        info.data["x"] = 1

    @cli.command()
    @flask.cli.pass_script_info
    def show(info: Any) -> None:
        click.echo(f"{info.data} {type(info) is flask.cli.ScriptInfo}")

    assert invoke(cli, ["show"], obj=flask.cli.ScriptInfo()).output == "{'x': 1} True\n"
    assert invoke(cli, ["show"]).output == "{'x': 1} True\n"


# with_appcontext and AppGroup


def test_a_click_command_gets_a_context_and_its_result_is_given_back(flask: Any) -> None:
    ended: list[Any] = []
    app = flask.Flask("a")
    app.teardown_appcontext(ended.append)

    @click.command()
    @click.argument("word")
    @flask.cli.with_appcontext
    def run(word: str) -> str:
        """What it does."""
        return f"{word} {flask.current_app.name}"

    assert (run.name, run.help) == ("run", "What it does.")
    done = invoke(run, ["x"], obj=flask.cli.ScriptInfo(create_app=lambda: app), standalone_mode=False)
    assert (done.exit_code, done.return_value, ended) == (0, "x a", [None])
    assert not flask.has_app_context()


def test_the_context_stays_until_the_command_line_is_done(flask: Any) -> None:
    app = flask.Flask("a")
    events: list[str] = []
    app.teardown_appcontext(lambda error: events.append("teardown"))

    @click.command()
    @click.pass_context
    @flask.cli.with_appcontext
    def run(context: click.Context) -> None:
        context.call_on_close(lambda: events.append(f"close {flask.current_app.name}"))

    done = invoke(run, obj=flask.cli.ScriptInfo(create_app=lambda: app))
    assert (done.exit_code, events) == (0, ["close a", "teardown"])


@pytest.mark.parametrize("outside", [True, False])
def test_decorators_may_stand_in_any_order(flask: Any, outside: bool) -> None:
    app = flask.Flask("a")
    app.config["WORD"] = "from the configuration"

    def show(value: str, word: str) -> None:
        click.echo(f"{value} {word} {flask.current_app.name}")

    def callback(context: click.Context, option: click.Parameter, value: str) -> str:
        return value.upper()

    option = click.option("--word", default="w", callback=callback)
    argument = click.argument("value")
    context = flask.cli.with_appcontext
    run = option(argument(context(show))) if outside else context(option(argument(show)))
    info = flask.cli.ScriptInfo(create_app=lambda: app)
    assert invoke(click.command()(run), ["v"], obj=info).output == "v W a\n"


def test_a_context_that_is_there_is_used(flask: Any) -> None:
    app = flask.Flask("a")

    @click.command()
    @flask.cli.with_appcontext
    def run() -> None:
        click.echo(f"{flask.current_app.name} {flask.g.kept}")

    with app.app_context():
        flask.g.kept = "kept"
        done = invoke(run, obj=flask.cli.ScriptInfo(create_app=lambda: flask.Flask("other")))
        assert (done.output, flask.has_app_context()) == ("a kept\n", True)
    assert not flask.has_app_context()


@pytest.mark.parametrize(("wanted", "shown"), [({}, True), ({"with_appcontext": False}, False)])
def test_a_command_of_a_group_has_a_context_unless_it_wants_none(flask: Any, wanted: Any, shown: bool) -> None:
    group = flask.cli.AppGroup("group")

    @group.command(**wanted)
    def one() -> None:
        click.echo(flask.has_app_context())

    @group.command("second", **wanted)
    def two() -> None:
        click.echo(flask.has_app_context())

    @group.group("inner")
    def inner() -> None: ...

    @inner.command(**wanted)
    def three() -> None:
        click.echo(flask.has_app_context())

    assert type(inner) is flask.cli.AppGroup
    for args in (["one"], ["second"], ["inner", "three"]):
        info = flask.cli.ScriptInfo(create_app=lambda: flask.Flask("a"))
        assert invoke(group, args, obj=info).output == f"{shown}\n"


def test_a_group_inside_may_be_of_another_class(flask: Any) -> None:
    class Own(click.Group):
        pass

    assert type(flask.cli.AppGroup("group").group("inner", cls=Own)(lambda: None)) is Own


def test_what_a_group_does_first_sees_no_context(flask: Any) -> None:
    app = flask.Flask("a")

    @app.cli.group("users")
    def users() -> None:
        click.echo(flask.has_app_context())

    @users.command("list")
    def show() -> None:
        click.echo(flask.has_app_context())

    assert app.test_cli_runner().invoke(args=["users", "list"]).output == "False\nTrue\n"


def test_a_command_without_an_application_says_so(flask: Any) -> None:
    @click.command()
    @flask.cli.with_appcontext
    def run() -> None: ...

    done = invoke(run)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (2, f"Error: {NO_APP}")
