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


def test_a_script_may_keep_the_debug_mode_that_its_factory_chose(flask: Any) -> None:
    def create_bakery() -> Any:
        bakery = flask.Flask("bakery")
        bakery.config["DEBUG"] = True
        bakery.cli.command("oven")(lambda: click.echo(f"oven, debug={bakery.debug}"))
        return bakery

    kept = flask.cli.FlaskGroup(create_app=create_bakery, set_debug_flag=False)
    decided = flask.cli.FlaskGroup(create_app=create_bakery)
    assert [invoke(group, ["oven"]).output for group in (kept, decided)] == [
        "oven, debug=True\n",
        "oven, debug=False\n",
    ]
    assert invoke(decided, ["--debug", "oven"]).output == "oven, debug=True\n"


def test_the_built_in_commands_are_listed_for_an_application_that_breaks(
    flask: Any, write: Callable[..., Path]
) -> None:
    write("weather.py", "station = {}['mast']\n")
    listed = invoke(flask.cli.cli, ["-A", "weather", "--help"])
    assert listed.exit_code == 0
    assert {line.split()[0] for line in listed.stdout.partition("Commands:\n")[2].splitlines()} >= {
        *("routes", "run", "shell")
    }
    assert "KeyError: 'mast'" in listed.stderr
    assert isinstance(invoke(flask.cli.cli, ["-A", "weather", "measure"]).exception, KeyError)


@pytest.mark.parametrize("command", ["measure", "routes"])
def test_an_import_name_that_leads_nowhere_is_told_whatever_the_command(flask: Any, command: str) -> None:
    told = invoke(flask.cli.cli, ["-A", "station.mast", command])
    assert told.exit_code == 2
    assert "Could not import 'station.mast'." in told.stderr
    assert command in told.stderr


def test_a_package_adds_commands_by_its_entry_points(
    flask: Any, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("lending.py", "import click\n\n\n@click.command()\ndef fines():\n    click.echo('2.50 are due')\n")
    write("lending-3.dist-info/METADATA", "Metadata-Version: 2.1\nName: lending\nVersion: 3\n")
    write("lending-3.dist-info/entry_points.txt", "[flask.commands]\noverdue = lending:fines\n")
    monkeypatch.syspath_prepend(tmp_path)
    library = flask.cli.FlaskGroup(create_app=lambda: flask.Flask("library"))
    assert invoke(library, ["overdue"]).output == "2.50 are due\n"
    assert "  overdue" in invoke(library, ["--help"]).output


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


def test_the_main_command_is_called_flask(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(flask.cli.cli, "main", lambda *args, **kwargs: called.append((args, kwargs)))
    flask.cli.main()
    assert (flask.cli.cli.name, called) == ("flask", [((), {})])


# Blueprints and the runner


def test_commands_of_blueprints_are_called_by_their_group(flask: Any) -> None:
    farm = flask.Flask("farm")

    def yard(name: str, **options: Any) -> Any:
        made = flask.Blueprint(name, __name__, **options)
        made.cli.command(f"feed-{name}")(lambda: click.echo(f"{flask.current_app.name}: {name} fed"))
        return made

    farm.register_blueprint(yard("hens"))
    farm.register_blueprint(yard("goats", cli_group="stable"))
    farm.register_blueprint(yard("bees", cli_group=None))
    farm.register_blueprint(yard("cows"), cli_group="meadow")
    farm.register_blueprint(flask.Blueprint("hedge", __name__))
    assert farm.cli.list_commands(click.Context(farm.cli)) == ["feed-bees", "hens", "meadow", "stable"]
    runner = farm.test_cli_runner()
    for group, name in (("hens", "hens"), ("stable", "goats"), ("meadow", "cows")):
        assert runner.invoke(args=[group, f"feed-{name}"]).output == f"farm: {name} fed\n"
    assert runner.invoke(args=["feed-bees"]).output == "farm: bees fed\n"


def test_a_blueprint_below_another_brings_its_commands(flask: Any) -> None:
    farm = flask.Flask("farm")
    barn, loft = flask.Blueprint("barn", __name__), flask.Blueprint("loft", __name__, cli_group="hay")
    loft.cli.command("stack")(lambda: click.echo("stacked"))
    barn.register_blueprint(loft)
    farm.register_blueprint(barn)
    assert farm.test_cli_runner().invoke(args=["hay", "stack"]).output == "stacked\n"


def test_a_runner_of_ones_own_sees_every_call(flask: Any) -> None:
    class Counting(flask.testing.FlaskCliRunner):
        calls = 0

        def invoke(self, *args: Any, **kwargs: Any) -> Any:
            type(self).calls += 1
            return super().invoke(*args, **kwargs)

    class Farm(flask.Flask):
        test_cli_runner_class = Counting

    farm = Farm("farm")
    farm.cli.command("plough")(lambda: click.echo("ploughed"))
    runner = farm.test_cli_runner(env={"FIELD": "north"})
    assert [runner.invoke(args=["plough"]).output for _ in range(3)] == ["ploughed\n"] * 3
    assert (Counting.calls, runner.env) == (3, {"FIELD": "north"})


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
