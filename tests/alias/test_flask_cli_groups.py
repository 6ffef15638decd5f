"""Commands of applications, blueprints, packages and scripts: what they know of their application, their contexts."""

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
from command_tools import APP, invoke, message, surroundings, write

from erlen.cli import ErlenGroup
from erlen.flask import Flask
from erlen.flask import cli as ours

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
