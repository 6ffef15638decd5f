"""Commands of scripts, packages, applications and blueprints, and the runner that tests call them with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from command_tools import APP, invoke, surroundings, write

from erlen.cli import ErlenGroup
from erlen.flask import Flask
from erlen.flask import cli as ours

__all__ = ["surroundings", "write"]


# FlaskGroup


def test_a_script_has_the_commands_of_its_application(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = flask.Flask("a")

    @app.cli.command("own")
    def own() -> None:
        click.echo(f"{flask.current_app.name} {os.environ['FLASK_RUN_FROM_CLI']}")

    @click.group(cls=flask.cli.FlaskGroup, create_app=lambda: app)
    def cli() -> None:
        """What the script is for."""

    @cli.command("script")
    def script() -> None:
        click.echo(flask.current_app.name)

    assert invoke(cli, ["own"]).output == "a true\n"
    assert invoke(cli, ["script"]).output == "a\n"
    shown = invoke(cli).output
    assert "What the script is for." in shown
    assert shown == invoke(cli, ["--help"]).output
    assert [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines()] == [
        *("own", "routes", "run", "script", "shell")
    ]


def test_an_own_command_goes_before_the_applications(flask: Any) -> None:
    app = flask.Flask("a")
    app.cli.command("routes")(lambda: click.echo("never"))
    cli = flask.cli.FlaskGroup(create_app=lambda: app)
    assert "static" in invoke(cli, ["routes"]).output


def test_the_options_of_a_group_may_be_added_to_and_left_out(flask: Any) -> None:
    own = click.Option(["--own"])
    group = flask.cli.FlaskGroup(
        params=[own],
        add_version_option=False,
        add_default_commands=False,
        context_settings={"auto_envvar_prefix": "SHOP", "show_default": True},
        name="shop",
        help="Words.",
    )
    assert [option.name for option in group.params] == ["own", "env_file", "app", "debug"]
    assert (group.commands, group.name, group.help) == ({}, "shop", "Words.")
    assert group.context_settings == {"auto_envvar_prefix": "SHOP", "show_default": True}
    whole = flask.cli.FlaskGroup()
    assert [option.name for option in whole.params] == ["env_file", "app", "debug", "version"]
    assert (list(whole.commands), whole.context_settings) == (
        ["run", "shell", "routes"],
        {"auto_envvar_prefix": "FLASK"},
    )
    assert (whole.create_app, whole.load_dotenv, whole.set_debug_flag) == (None, True, True)


def test_what_the_caller_hands_over_is_what_commands_get(flask: Any) -> None:
    info = flask.cli.ScriptInfo(create_app=lambda: flask.Flask("given"))
    group = flask.cli.FlaskGroup()

    @group.command()
    @flask.cli.pass_script_info
    def show(found: Any) -> None:
        click.echo(f"{found is info} {flask.current_app.name}")

    assert invoke(group, ["show"], obj=info).output == "True given\n"
    settings = {"obj": info}
    group = flask.cli.FlaskGroup(context_settings=settings)
    group.add_command(show)
    assert invoke(group, ["show"]).output == "True given\n"


def test_the_debug_mode_of_an_application_may_be_left_alone(flask: Any) -> None:
    app = flask.Flask("a")
    app.debug = True
    for flag in (False, True):
        group = flask.cli.FlaskGroup(create_app=lambda: app, set_debug_flag=flag)
        group.command("show")(lambda: click.echo(app.debug))
        assert invoke(group, ["show"]).output == f"{not flag}\n"


def test_a_command_in_a_context_of_another_application_gets_its_own(flask: Any) -> None:
    app = flask.Flask("a")

    @app.cli.command("show", with_appcontext=False)
    def show() -> None:
        click.echo(flask.current_app.name)

    group = flask.cli.FlaskGroup(create_app=lambda: app)
    with flask.Flask("other").app_context():
        assert invoke(group, ["show"]).output == "a\n"
        assert flask.current_app.name == "other"
    with app.app_context():
        flask.g.mark = 1
        app.cli.command("mark")(lambda: click.echo(flask.g.mark))
        assert invoke(group, ["mark"]).output == "1\n"


def missing(flask: Any, text: str, *args: str) -> Any:
    return invoke(flask.cli.cli, ["--app", text, *args])


def test_help_is_there_although_the_application_is_not(flask: Any, write: Callable[..., Path]) -> None:
    write("broken.py", "1 / 0\n")
    told = missing(flask, "nowhere", "--help")
    assert (told.exit_code, told.stderr) == (0, "Error: Could not import 'nowhere'.\n\n")
    assert "routes  Show the routes for the app." in told.stdout
    told = missing(flask, "broken", "--help")
    assert told.exit_code == 0
    assert told.stderr.startswith("Traceback (most recent call last):\n")
    assert told.stderr.endswith("ZeroDivisionError: division by zero\n\n\n")
    assert "routes  Show the routes for the app." in told.stdout


def test_a_command_that_is_not_found_because_the_application_is_not(flask: Any, write: Callable[..., Path]) -> None:
    write("broken.py", "1 / 0\n")
    write("lacking.py", "import nowhere_to_be_found\n")
    told = missing(flask, "nowhere", "greet")
    assert told.exit_code == 2
    assert told.stderr == (
        "Error: Could not import 'nowhere'.\n\nUsage: flask [OPTIONS] COMMAND [ARGS]...\n"
        "Try 'flask --help' for help.\n\nError: No such command 'greet'.\n"
    )
    told = missing(flask, "lacking", "greet")
    assert "Error: While importing 'lacking', an ImportError was raised:\n\nTraceback" in told.stderr
    assert "No such command 'greet'." in told.stderr
    assert isinstance(missing(flask, "broken", "greet").exception, ZeroDivisionError)


def test_a_built_in_command_tells_why_there_is_no_application(flask: Any) -> None:
    told = missing(flask, "nowhere", "routes")
    assert (told.exit_code, told.stderr) == (
        2,
        "Usage: flask routes [OPTIONS]\nTry 'flask routes --help' for help.\n\nError: Could not import 'nowhere'.\n",
    )


def test_the_app_is_named_by_the_option_or_the_environment(
    flask: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("shop.py", APP)
    write("other.py", APP.replace('"shop"', '"other"'))
    for args in (["--app", "shop"], ["-A", "shop:app"], ["-Ashop.py"]):
        assert invoke(flask.cli.cli, [*args, "hello"]).output == "hello from shop no debug\n"
    monkeypatch.setenv("FLASK_APP", "other")
    assert invoke(flask.cli.cli, ["hello"]).output == "hello from other no debug\n"
    assert invoke(flask.cli.cli, ["--app", "shop", "hello"]).output == "hello from shop no debug\n"
    assert "hello" in invoke(flask.cli.cli, ["--help"]).output


def test_a_script_of_its_own_prefix_reads_its_own_variables(
    flask: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("shop.py", APP)
    group = flask.cli.FlaskGroup(context_settings={"auto_envvar_prefix": "SHOP"})
    monkeypatch.setenv("SHOP_APP", "shop")
    monkeypatch.setenv("SHOP_DEBUG", "1")
    assert invoke(group, ["hello"]).output == "hello from shop debug\n"
    assert os.environ["FLASK_DEBUG"] == "1"


def test_installed_packages_add_commands(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def test() -> None:
        click.echo("from a package")

    class Entry:
        name = "named"
        value = "package:test"
        dist = None

        def load(self) -> click.Command:
            return test

    asked: list[Any] = []

    def entry_points(**kwargs: Any) -> list[Entry]:
        asked.append(kwargs)
        return [Entry()]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    group = flask.cli.FlaskGroup(create_app=lambda: flask.Flask("a"))
    assert invoke(group, ["named"]).output == "from a package\n"
    assert "named" in invoke(group, ["--help"]).output
    assert asked == [{"group": "flask.commands"}]


def test_the_main_command_is_called_flask(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(flask.cli.cli, "main", lambda *args, **kwargs: called.append((args, kwargs)))
    flask.cli.main()
    assert (flask.cli.cli.name, called) == ("flask", [((), {})])


# Blueprints and the runner


@pytest.mark.parametrize(
    ("own", "at_registration", "args"),
    [
        ({}, {}, ["store", "fill"]),
        ({"cli_group": "stock"}, {}, ["stock", "fill"]),
        ({"cli_group": None}, {}, ["fill"]),
        ({}, {"cli_group": None}, ["fill"]),
        ({"cli_group": None}, {"cli_group": "late"}, ["late", "fill"]),
        ({}, {"name": "second"}, ["second", "fill"]),
    ],
)
def test_commands_of_a_blueprint_stand_in_its_group(
    flask: Any, own: Any, at_registration: Any, args: list[str]
) -> None:
    app = flask.Flask("a")
    store = flask.Blueprint("store", __name__, **own)

    @store.cli.command("fill")
    def fill() -> None:
        click.echo(f"{flask.current_app.name} is filled")

    app.register_blueprint(store, **at_registration)
    assert isinstance(store.cli, flask.cli.AppGroup)
    assert app.test_cli_runner().invoke(args=args).output == "a is filled\n"


@pytest.mark.parametrize(("group", "args"), [({}, ["outer.inner", "fill"]), ({"cli_group": None}, ["fill"])])
def test_commands_of_a_blueprint_inside_another_stand_in_a_group_of_both_names(
    flask: Any, group: Any, args: list[str]
) -> None:
    app = flask.Flask("a")
    outer, inner = flask.Blueprint("outer", __name__), flask.Blueprint("inner", __name__, **group)
    inner.cli.command("fill")(lambda: click.echo("filled"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    assert app.test_cli_runner().invoke(args=args).output == "filled\n"


def test_the_group_of_an_application_has_its_name(flask: Any) -> None:
    app = flask.Flask("a")
    assert (app.cli.name, type(app.cli)) == ("a", flask.cli.AppGroup)


def test_a_blueprint_without_commands_has_no_group(flask: Any) -> None:
    app = flask.Flask("a")
    app.register_blueprint(flask.Blueprint("store", __name__))
    assert app.cli.list_commands(click.Context(app.cli)) == []


def test_the_runner_calls_the_applications_commands(flask: Any) -> None:
    app = flask.Flask("a")
    app.cli.command("own")(lambda: click.echo(flask.current_app.name))
    runner = app.test_cli_runner(echo_stdin=True)
    assert type(runner) is flask.testing.FlaskCliRunner
    assert (runner.app, runner.echo_stdin) == (app, True)
    assert runner.invoke(args=["own"]).output == "a\n"
    assert runner.invoke(args="own").output == "a\n"
    assert runner.invoke(app.cli.commands["own"]).output == "a\n"
    assert runner.invoke(cli=app.cli.commands["own"], args=[]).output == "a\n"


def test_the_runner_hands_over_what_loads_the_application(flask: Any) -> None:
    app = flask.Flask("a")
    app.debug = True

    @click.command()
    @flask.cli.pass_script_info
    def show(info: Any) -> None:
        click.echo(f"{type(info) is flask.cli.ScriptInfo} {info.load_app() is app} {app.debug}")

    runner = app.test_cli_runner()
    assert runner.invoke(show).output == "True True False\n"
    assert runner.invoke(show, obj=flask.cli.ScriptInfo(create_app=lambda: 1)).exit_code == 1
    assert isinstance(runner.invoke(show, obj=None).exception, click.exceptions.UsageError | SystemExit)


def test_the_class_of_the_runner_may_be_another(flask: Any) -> None:
    class Runner(flask.testing.FlaskCliRunner):
        pass

    app = flask.Flask("a")
    app.test_cli_runner_class = Runner
    assert type(app.test_cli_runner()) is Runner


# What the alias adds


def test_a_command_written_for_flask_runs_in_a_script_of_erlens() -> None:
    app = Flask("a")

    @click.command("show")
    @ours.with_appcontext
    @ours.pass_script_info
    def show(info: Any) -> None:
        click.echo(f"{info.load_app() is app}")

    group = ErlenGroup(create_app=lambda: app)
    group.add_command(show)
    assert invoke(group, ["show"]).output == "True\n"


def test_a_command_may_be_async() -> None:
    app = Flask("a")

    @app.cli.command("wait")
    async def wait() -> None:
        click.echo(app.name)

    assert app.test_cli_runner().invoke(args=["wait"]).output == "a\n"


def test_a_command_of_a_package_that_cannot_be_loaded_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = metadata.EntryPoint("named", "nowhere_to_be_found:command", "flask.commands")
    monkeypatch.setattr(metadata, "entry_points", lambda **_: [broken])
    done = invoke(ours.FlaskGroup(create_app=lambda: Flask("a")), ["routes"])
    assert done.exit_code == 0
    assert "The command 'named' is left out" in done.stderr


def test_the_modules_that_tools_reach_through_are_there(flask: ModuleType) -> None:
    assert flask.cli.click is click
    assert flask.cli.sys is sys
    assert flask.cli.os is os
    assert flask.cli.importlib.metadata is metadata
