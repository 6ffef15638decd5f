"""Commands of one's own: of applications, blueprints, packages and scripts; and the runner for tests."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from erlen import Blueprint, Erlen, current_app, g, has_app_context, render_template_string_async
from erlen.cli import AppGroup, ErlenGroup, ScriptInfo, main, pass_script_info, with_appcontext
from erlen.testing.cli_runner import ErlenCliRunner


@pytest.fixture
def app() -> Erlen:
    return Erlen("site")


def test_a_command_of_the_application_runs_in_its_context(app: Erlen) -> None:
    ended: list[Any] = []
    app.teardown_appcontext(ended.append)

    @app.cli.command("greet")
    @click.argument("name")
    def greet(name: str) -> None:
        g.name = name
        click.echo(f"{current_app.name} greets {g.name}")

    result = app.test_cli_runner().invoke(args=["greet", "Ada"])
    assert (result.exit_code, result.output) == (0, "site greets Ada\n")
    assert ended == [None]
    assert not has_app_context()


def test_the_decorator_may_stand_without_parentheses(app: Erlen) -> None:
    @app.cli.command
    def plain() -> None:
        click.echo(current_app.name)

    assert app.test_cli_runner().invoke(args="plain").output == "site\n"


@pytest.mark.parametrize("wanted", [True, False])
def test_a_command_may_be_async(app: Erlen, wanted: bool) -> None:
    @app.cli.command("wait", with_appcontext=wanted)
    @click.pass_context
    async def wait(context: click.Context) -> str:
        click.echo(f"{context.info_name} {has_app_context()}")
        return "result"

    runner = app.test_cli_runner()
    result = runner.invoke(args=["wait"], standalone_mode=False)
    assert (result.output, result.return_value) == (f"wait {wanted}\n", "result")


def test_an_async_command_runs_on_the_loop_that_the_views_run_on_and_may_render(app: Erlen) -> None:
    loops: list[Any] = []

    @app.context_processor
    async def values() -> dict[str, str]:
        return {"name": current_app.name}

    @app.cli.command("render")
    async def render() -> None:
        loops.append(asyncio.get_running_loop())
        click.echo(await render_template_string_async("{{ name }}"))

    @app.route("/")
    async def index() -> str:
        loops.append(asyncio.get_running_loop())
        return "x"

    assert app.test_cli_runner().invoke(args=["render"]).output == f"{app.name}\n"
    app.test_client().get("/")
    assert loops[0] is loops[1]


def test_an_own_ensure_sync_runs_async_commands(app: Erlen) -> None:
    called: list[str] = []
    original = app.ensure_sync

    def ensure_sync(func: Any) -> Any:
        called.append(func.__name__)
        return original(func)

    app.ensure_sync = ensure_sync  # type: ignore[method-assign]

    @app.cli.command("wait")
    async def wait() -> None: ...

    assert app.test_cli_runner().invoke(args=["wait"]).exit_code == 0
    assert called


def test_groups_of_a_group_are_of_its_kind(app: Erlen) -> None:
    @app.cli.group("users")
    def users() -> None:
        """Users."""

    @users.command("count")
    def count() -> None:
        click.echo(current_app.name)

    assert isinstance(users, AppGroup)
    assert app.test_cli_runner().invoke(args=["users", "count"]).output == "site\n"


def test_with_appcontext_serves_plain_click_commands(app: Erlen) -> None:
    @click.command()
    @with_appcontext
    def tell() -> None:
        """What it tells."""
        click.echo(current_app.name)

    app.cli.add_command(tell)
    assert app.test_cli_runner().invoke(args=["tell"]).output == "site\n"
    assert ErlenCliRunner(app).invoke(tell).output == "site\n"
    assert tell.help == "What it tells."
    with app.app_context():
        app.extensions["seen"] = g
        assert CliRunner().invoke(tell).output == "site\n"


def test_the_runner_hands_over_a_script_info_that_knows_the_application(app: Erlen) -> None:
    app.debug = True

    @click.command()
    @pass_script_info
    def tell(info: ScriptInfo) -> None:
        click.echo(f"{info.load_app() is app} {app.debug}")

    assert app.test_cli_runner().invoke(tell).output == "True True\n"
    mine = ScriptInfo(create_app=lambda: app)
    result = app.test_cli_runner().invoke(tell, obj=mine)
    assert result.output == "True True\n"


def test_the_class_of_the_runner_can_be_chosen(app: Erlen) -> None:
    class Runner(ErlenCliRunner):
        pass

    app.test_cli_runner_class = Runner
    assert isinstance(app.test_cli_runner(env={"X": "1"}), Runner)


# -- blueprints -------------------------------------------------------------------------------------------------------


def blueprint(name: str, **options: Any) -> Blueprint:
    made = Blueprint(name, __name__, **options)

    @made.cli.command("fill")
    def fill() -> None:
        click.echo(f"{current_app.name}: {name}")

    return made


@pytest.mark.parametrize(
    ("constructor", "registration", "arguments"),
    [
        ({}, {}, ["shop", "fill"]),
        ({"cli_group": "store"}, {}, ["store", "fill"]),
        ({"cli_group": None}, {}, ["fill"]),
        ({}, {"cli_group": "store"}, ["store", "fill"]),
        ({"cli_group": "store"}, {"cli_group": None}, ["fill"]),
        ({}, {"name": "other"}, ["other", "fill"]),
    ],
)
def test_commands_of_a_blueprint_stand_in_its_group(
    app: Erlen, constructor: dict[str, Any], registration: dict[str, Any], arguments: list[str]
) -> None:
    app.register_blueprint(blueprint("shop", **constructor), **registration)
    assert app.test_cli_runner().invoke(args=arguments).output == "site: shop\n"


def test_commands_of_nested_blueprints_are_there_too(app: Erlen) -> None:
    outer = Blueprint("outer", __name__)
    outer.register_blueprint(blueprint("inner"))
    outer.register_blueprint(blueprint("merged"), cli_group=None)
    app.register_blueprint(outer)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["outer.inner", "fill"]).output == "site: inner\n"
    assert runner.invoke(args=["fill"]).output == "site: merged\n"
    assert "outer" not in app.cli.commands


def test_an_application_without_commands_loads_no_click() -> None:
    code = (
        "import sys; from erlen import Erlen, Blueprint; app = Erlen('x')\n"
        "app.register_blueprint(Blueprint('b', 'b')); print('click' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# -- the command erlen ------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_help_lists_the_commands_of_the_application() -> None:
    Path("app.py").write_text(
        "from erlen import Erlen\napp = Erlen(__name__)\n"
        "@app.cli.command('greet')\ndef greet():\n    'Greet somebody.'\n    print('hello')\n"
    )
    result = run("--help")
    assert re.search(r"greet +Greet somebody\.", result.output)
    assert run("greet").output == "hello\n"
    assert run("gret").exit_code == 2
    assert "ERLEN_RUN_FROM_CLI" not in os.environ


def test_help_of_an_application_that_cannot_be_loaded_shows_the_rest_and_one_line() -> None:
    Path("app.py").write_text("\n1 / 0\n")
    result = run("--help")
    assert result.exit_code == 0
    assert "Error: the application cannot be loaded: ZeroDivisionError: division by zero (app.py:2)\n" in result.stderr
    assert re.search(r"routes +Show the routes", result.output)
    Path("app.py").write_text("import nothing_of_this_name\n")
    result = run("--help")
    assert "Error: While importing 'app', an ImportError was raised:\n" in result.stderr
    assert re.search(r"routes +Show the routes", result.output)
    assert "Traceback" not in result.output


def test_a_command_that_there_is_none_of_tells_why_the_application_was_not_asked() -> None:
    result = run("nonsense")
    assert result.exit_code == 2
    assert "Error: Could not locate an Erlen application." in result.output
    assert "No such command 'nonsense'" in result.output


def test_a_script_with_an_own_factory_has_all_commands() -> None:
    def create_app() -> Erlen:
        app = Erlen("made")
        app.cli.command("own")(lambda: click.echo(current_app.name))
        return app

    @click.group(cls=ErlenGroup, create_app=create_app)
    def cli() -> None:
        """The commands of the shop."""

    @cli.command("beside")
    def beside() -> None:
        click.echo(current_app.name)

    runner = CliRunner()
    assert runner.invoke(cli, ["own"]).output == "made\n"
    assert runner.invoke(cli, ["beside"]).output == "made\n"
    listed = runner.invoke(cli, ["--help"]).output
    assert "The commands of the shop." in listed
    for name in ("own", "beside", "run", "serve", "routes"):
        assert f"\n  {name} " in listed or f"\n  {name}\n" in listed
    bare = ErlenGroup(add_default_commands=False, add_version_option=False, create_app=create_app)
    assert "--version" not in runner.invoke(bare, ["--help"]).output
    assert set(bare.commands) == set()


class Entry:
    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value, self.dist = name, "package:thing", None if name == "nobody" else self
        self._loaded = value

    def load(self) -> Any:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def test_commands_of_packages_are_added_and_broken_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def entry_points(group: str) -> list[Entry]:
        asked.append(group)
        return [
            Entry("good", click.Command("good", callback=lambda: click.echo("good"))),
            Entry("bad", RuntimeError("no way")),
            Entry("nobody", 5),
        ]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    cli = ErlenGroup(name="x", create_app=lambda: Erlen("x"))
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert "\n  good" in result.output
    assert (
        "The command 'bad' of the package bad is left out, because 'package:thing' cannot be loaded: "
        "RuntimeError: no way\n"
    ) in result.stderr
    assert "The command 'nobody' is left out" in result.stderr
    assert "it is a int, and no click command" in result.stderr
    assert CliRunner().invoke(cli, ["good"]).output == "good\n"
    assert asked == ["erlen.commands"]


def test_the_help_is_quick_because_it_loads_no_server_and_no_template_engine(call: Any, tmp_path: Path) -> None:
    (tmp_path / "look.py").write_text(
        "import atexit, sys\n"
        "heavy = {'granian', 'jinja2', 'asyncio', 'sqlite3', 'watchfiles', 'multiprocessing'}\n"
        "atexit.register(lambda: print('LOADED', sorted(heavy & set(sys.modules))))\n"
        "sys.argv[1:] = ['--help']\n"
        "from erlen.cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "look.py"], capture_output=True, text=True, check=True, env={"ERLEN_SKIP_DOTENV": "1"}
    )
    assert done.stdout.endswith("LOADED []\n")


def test_python_m_erlen_is_the_same_command(call: Any) -> None:
    assert "Usage: python -m erlen [OPTIONS] COMMAND" in call("--help").stdout
