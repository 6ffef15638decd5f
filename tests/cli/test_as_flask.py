"""``erlen --as-flask`` and ``python -m erlen.flask``: applications that import ``flask``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[..., "subprocess.CompletedProcess[str]"]

APP = """\
import os
from importlib.metadata import version

import click
import erlen
from flask import Flask, current_app
from flask.cli import with_appcontext

app = Flask(__name__, static_folder=None)


@app.get("/")
def index():
    return f"{isinstance(app, erlen.Erlen)} {version('flask')} {app.debug} {os.getpid()}"


@app.get("/fail")
def fail():
    raise LookupError("of the view")


@app.cli.command("show")
def show():
    click.echo(f"{isinstance(current_app._get_current_object(), erlen.Erlen)} {app.debug}")


@app.cli.command("names", with_appcontext=False)
def names():
    click.echo(" ".join(f"{key}={os.environ.get(key)}" for key in ("ERLEN_DEBUG", "FLASK_DEBUG", "WORD")))


app.run()
"""


@pytest.fixture
def flask_app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path


@pytest.mark.parametrize("way", [["--as-flask", "show"], ["--as-flask", "--app", "app", "show"], ["-A", "app", "show"]])
@pytest.mark.usefixtures("flask_app")
def test_a_command_of_an_application_that_imports_flask(call: Call, way: list[str]) -> None:
    env = {} if "--as-flask" in way else {"ERLEN_AS_FLASK": "1"}
    done = call(*way, env=env)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "True False"), done.stderr


@pytest.mark.usefixtures("flask_app")
def test_its_own_run_is_ignored_while_a_command_imports_it(call: Call) -> None:
    assert " * Ignoring a call to 'app.run()'" in call("--as-flask", "show").stdout


@pytest.mark.usefixtures("flask_app")
def test_help_lists_its_commands(call: Call) -> None:
    done = call("--help", env={"ERLEN_AS_FLASK": "1"})
    assert "  show" in done.stdout
    assert "--as-flask" in done.stdout


def test_without_the_option_it_is_an_application_of_the_real_flask(call: Call, flask_app: Path) -> None:
    flask_app.write_text(APP.replace("app.run()\n", ""))
    done = call("show")
    assert done.returncode == 2
    assert "There is no application in module 'app'" in done.stderr


@pytest.mark.parametrize(
    ("args", "env", "shown"),
    [
        (["--debug"], {}, "ERLEN_DEBUG=1 FLASK_DEBUG=1 WORD=from .flaskenv"),
        ([], {"FLASK_DEBUG": "1"}, "ERLEN_DEBUG=1 FLASK_DEBUG=1 WORD=from .flaskenv"),
        (["--no-debug"], {"FLASK_DEBUG": "1"}, "ERLEN_DEBUG=0 FLASK_DEBUG=0 WORD=from .flaskenv"),
        ([], {"WORD": "set"}, "ERLEN_DEBUG=None FLASK_DEBUG=None WORD=set"),
        ([], {"ERLEN_SKIP_DOTENV": "1"}, "ERLEN_DEBUG=None FLASK_DEBUG=None WORD=None"),
    ],
)
def test_flasks_variables_and_files_count(
    call: Call, tmp_path: Path, args: list[str], env: dict[str, str], shown: str
) -> None:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / ".flaskenv").write_text("WORD='from .flaskenv'\n")
    done = call("--as-flask", *args, "names", env={"FLASK_APP": "shop", **env})
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, shown), done.stderr


def test_an_env_file_may_ask_for_it(call: Call, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / ".env").write_text("ERLEN_AS_FLASK=1\nFLASK_APP=shop\n")
    assert call("show").stdout.splitlines()[-1] == "True False"


def test_commands_that_packages_add_to_flask_are_there(call: Call, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP.replace("app.run()\n", ""))
    (tmp_path / "shop_migrations.py").write_text(
        "import click\nfrom flask import current_app\nfrom flask.cli import ScriptInfo, with_appcontext\n\n"
        "@click.command()\n@click.pass_context\n@with_appcontext\n"
        "def db(context):\n    click.echo(f'migrated {context.ensure_object(ScriptInfo).load_app().name}')\n"
    )
    metadata = tmp_path / "shop_migrations-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-migrations\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[flask.commands]\ndb = shop_migrations:db\n")
    assert call("--as-flask", "--app", "shop", "db").stdout == "migrated shop\n"
    assert call("--app", "shop", "--as-flask", "--debug", "db").stdout == "migrated shop\n"
    assert "No such command 'db'" in call("--app", "shop", "db").stderr


def test_a_flask_that_is_loaded_already_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(
        "import flask\nfrom erlen.cli import ErlenGroup\n\nErlenGroup(create_app=lambda: None)()\n"
    )
    done = call("--as-flask", "routes", script="manage.py")
    assert done.returncode == 2
    assert "Erlen cannot stand for Flask, because the real Flask is loaded already: __main__" in done.stderr


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.usefixtures("flask_app")
def test_it_is_served_for_development(start: Callable[..., Any], free_port: int, debug: bool) -> None:
    options = ["--debug"] if debug else []
    program = start("--as-flask", *options, "run", "--no-reload", "--port", str(free_port))
    program.until_it_says(f"True 3.1.3 {debug} ")
    assert program.interrupt() == 0


@pytest.mark.usefixtures("flask_app")
def test_it_is_served_in_production(start: Callable[..., Any], free_port: int) -> None:
    program = start("--as-flask", "serve", "--workers", "1", "--port", str(free_port))
    program.until_it_says("True 3.1.3 False ")
    assert program.terminate() == 0


# python -m erlen.flask


def test_the_command_flask_is_there(call: Call, flask_app: Path) -> None:
    def flask(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return call(*args, program="erlen.flask", env=env)

    assert flask("--version").stdout.startswith(f"Python {sys.version.split()[0]}\nFlask 3.1.3\nWerkzeug ")
    assert flask("show").stdout.splitlines()[-1] == "True False"
    assert flask("--debug", "show").stdout.splitlines()[-1] == "True True"
    assert flask("routes", FLASK_ROUTES_SORT="match").stdout.splitlines()[-1] == "fail      GET      /fail"
    assert "Usage: python -m erlen.flask" in flask("nowhere").stderr
    flask_app.write_text(APP.replace("from flask import Flask", "from flask import").replace("app = ", "app == "))
    assert "SyntaxError" in flask("run").stderr


def test_the_command_flask_takes_an_application_of_the_class_erlen(call: Call, app_file: Path) -> None:
    app_file.write_text(app_file.read_text() + "\n\napp.run()\n")
    assert "/slow" in call("routes", program="erlen.flask").stdout


def test_python_runs_the_command_flask_where_erlen_stands_for_it(call: Call, flask_app: Path) -> None:
    (flask_app.parent / "sitecustomize.py").write_text("import erlen\n\nerlen.install_as_flask()\n")
    done = call(
        "show", program="flask", env={"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(flask_app.parent)])}
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "True False"), done.stderr


def test_werkzeugs_server_reloads_and_shows_what_is_broken(
    start: Callable[..., Any], flask_app: Path, free_port: int
) -> None:
    program = start(
        *("--debug", "run", "--port", str(free_port), "--exclude-patterns", "*/log-*"),
        program="erlen.flask",
        env={"FLASK_APP": "app"},
    )
    program.until_it_says("True 3.1.3 True ")
    assert " * Serving Flask app 'app'\n * Debug mode: on\n" in program.log
    assert program.get("/fail")[0] == 500
    assert "LookupError: of the view" in program.get("/fail")[1]
    assert "__debugger__=yes" in program.get("/fail")[1]
    flask_app.write_text("1 / 0  # at noon\n")
    program.until_it_says("ZeroDivisionError: division by zero")
    flask_app.write_text(APP.replace("3.1.3", "").replace("return f", "return 'mended ' + f"))
    program.until_it_says("mended True")
    program.interrupt()


def test_a_script_that_runs_itself_is_served_by_werkzeug(
    start: Callable[..., Any], tmp_path: Path, free_port: int
) -> None:
    (tmp_path / "shop.py").write_text(
        "import erlen\n\nerlen.install_as_flask()\n\n"
        + APP.replace("app.run()\n", f"if __name__ == '__main__':\n    app.run(port={free_port}, debug=True)\n")
    )
    program = start(script="shop.py")
    program.until_it_says("True 3.1.3 True ")
    program.interrupt()
