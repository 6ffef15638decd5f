"""What a command knows of its application, and the context that it runs in."""

from __future__ import annotations

import os
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
        ("shop:", "''"),
        ("shop:app:x", "'app:x'"),
        ("nowhere:app", "Could not import 'nowhere'."),
        ("C:\\shop:app", "Could not import 'C:\\\\shop'."),
    ],
)
def test_an_import_path_that_leads_nowhere_is_told(
    flask: Any, write: Callable[..., Path], text: str, said: str
) -> None:
    write("shop.py", APP)
    told = message(flask.cli.ScriptInfo(text).load_app)
    assert told.startswith("NoAppException: ")
    assert said in told


@pytest.mark.parametrize("place", ["wsgi/__init__.py", "app/__init__.py", "app.py"])
def test_an_application_that_nobody_names_is_looked_for_in_wsgi_and_app(
    flask: Any, write: Callable[..., Path], place: str
) -> None:
    write(place, f"from FLASK import Flask\n\nlighthouse = Flask({place!r})\n")
    assert flask.cli.ScriptInfo().load_app().name == place


@pytest.mark.parametrize(
    ("variables", "debug"), [({"FLASK_DEBUG": "1"}, True), ({"FLASK_DEBUG": "0"}, False), ({}, False)]
)
def test_a_variable_turns_debug_mode_on(
    flask: Any, monkeypatch: pytest.MonkeyPatch, variables: Any, debug: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    info = flask.cli.ScriptInfo(create_app=lambda: flask.Flask("lighthouse"))
    assert info.load_app().debug is debug


def test_a_variable_keeps_env_files_from_being_read(
    flask: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".env", "LAMP=lit\n")
    app = flask.Flask("lighthouse")
    group = flask.cli.FlaskGroup(create_app=lambda: app)
    app.cli.command("lamp")(lambda: click.echo(os.environ.get("LAMP", "dark")))
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    assert invoke(group, ["lamp"]).output == "dark\n"
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    assert invoke(group, ["lamp"]).output == "lit\n"


def test_only_what_is_added_by_the_groups_decorator_gets_a_context(flask: Any) -> None:
    lighthouse = flask.Flask("lighthouse")

    def where() -> None:
        click.echo(flask.current_app.name if flask.has_app_context() else "at sea")

    lighthouse.cli.command("keeper")(where)
    lighthouse.cli.command("ship", with_appcontext=False)(where)
    stairs = lighthouse.cli.group("stairs")(lambda: None)
    stairs.command("top")(where)
    lighthouse.cli.add_command(click.Command("gull", callback=where))
    info = {"obj": flask.cli.ScriptInfo(create_app=lambda: lighthouse)}
    told = {
        args: invoke(lighthouse.cli, args.split(), **info).output.strip()
        for args in ("keeper", "ship", "stairs top", "gull")
    }
    assert told == {"keeper": "lighthouse", "ship": "at sea", "stairs top": "lighthouse", "gull": "at sea"}


@pytest.mark.parametrize("create_app", [None, lambda: None])
def test_no_application_at_all_is_told(flask: Any, create_app: Any) -> None:
    assert message(flask.cli.ScriptInfo(create_app=create_app).load_app) == f"NoAppException: {NO_APP}"


def test_a_wsgi_py_without_an_application_is_not_passed_over(flask: Any, write: Callable[..., Path]) -> None:
    write("wsgi.py", "")
    write("app.py", APP)
    assert "Failed to find Flask application or factory in module 'wsgi'" in message(flask.cli.ScriptInfo().load_app)


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
