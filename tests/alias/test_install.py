"""``install_as_flask()``: what ``import flask`` means afterwards, and when it is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from erlen.alias import MODULES, FlaskLoaded
from serving import serving

SOURCE = Path(__file__).resolve().parents[2] / "src"

SHOP = """\
from flask import Flask, jsonify, redirect, session, url_for

app = Flask(__name__)
app.secret_key = "a key for the test"


@app.route("/")
def index():
    session["visits"] = session.get("visits", 0) + 1
    return jsonify(b=session["visits"], a=type(app).__module__)


@app.route("/away")
def away():
    return redirect(url_for("index"))
"""
WSGI = "import erlen; erlen.install_as_flask()\nfrom shop import app\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an application that is written for Flask."""
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[[str], str]:
    """Run code in a fresh interpreter beside the application, and return what it printed."""

    def run(code: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_an_application_that_says_import_flask_runs_on_erlen(run: Callable[[str], str]) -> None:
    code = f"{WSGI}response = app.test_client().get('/')\nprint(response.text, response.headers['Set-Cookie'])"
    body, cookie = run(code).split("\n")
    assert body == '{"a":"erlen.flask.app","b":1}'
    assert cookie.strip().startswith("session=ey")
    assert "Flask" in run("from shop import app; print(type(app))")


def test_every_module_of_flask_is_erlens_however_it_is_imported(run: Callable[[str], str]) -> None:
    code = "import erlen\nerlen.install_as_flask()\nimport importlib, flask\n"
    for name in MODULES:
        code += f"import flask.{name}\nassert importlib.import_module('flask.{name}') is flask.{name}\n"
        code += f"assert flask.{name}.__name__ == 'erlen.flask.{name}', flask.{name}\n"
    code += "from flask.globals import request_ctx, app_ctx, _cv_app\nfrom flask import cli, json, globals\n"
    assert run(f"{code}print(flask.__name__)") == "erlen.flask"


def test_the_metadata_answer_the_version_that_is_offered(run: Callable[[str], str]) -> None:
    code = (
        "import erlen\nerlen.install_as_flask()\nfrom importlib import metadata\nimport flask\n"
        "print(metadata.version('flask'), metadata.version('Flask'), flask.__version__)\n"
        "print(metadata.metadata('flask')['Name'])\n"
        "found = metadata.distribution('flask')\n"
        "print(found.files, list(found.entry_points), metadata.version('werkzeug') != '')\n"
        "print([name.lower() for name in metadata.packages_distributions()].count('click'))\n"
    )
    assert run(code) == "3.1.3 3.1.3 3.1.3\nFlask\nNone [] True\n1"


def test_a_second_call_does_nothing(run: Callable[[str], str]) -> None:
    code = (
        "import erlen\nerlen.install_as_flask()\nimport sys, flask\nbefore = list(sys.meta_path)\n"
        "erlen.install_as_flask()\nprint(sys.meta_path == before, sys.modules['flask'] is flask)"
    )
    assert run(code) == "True True"


def test_it_can_be_undone(run: Callable[[str], str]) -> None:
    code = (
        "import erlen\nfrom erlen.alias import uninstall_as_flask\nerlen.install_as_flask()\n"
        "import flask\nours = flask\n"
        "uninstall_as_flask()\nimport flask, flask.cli\nprint(flask is ours, flask.__name__, flask.cli.__name__)\n"
        "uninstall_as_flask()\nimport sys\nprint('flask' in sys.modules)"
    )
    assert run(code) == "False flask flask.cli\nTrue"


REFUSED = """\
import erlen
try:
    erlen.install_as_flask()
except RuntimeError as error:
    print(error)
"""


def test_when_the_real_flask_is_loaded_it_is_refused_and_the_module_that_did_it_is_named(
    run: Callable[[str], str],
) -> None:
    text = run(f"import shop\n{REFUSED}")
    assert text.startswith(
        "Erlen cannot stand for Flask, because the real Flask is loaded already: shop (shop.py) has imported it. Some "
        "modules would use one and some the other.\nPut the call before the first import of Flask and of its extensions"
    )
    assert "    erlen.install_as_flask()\n\n    from shop import app\n\nor start with 'erlen --as-flask'." in text


def test_of_several_modules_that_use_flask_all_are_named(run: Callable[[str], str]) -> None:
    (Path(run("import os; print(os.getcwd())")) / "base.py").write_text("from flask import request\nimport shop\n")
    assert "shop (shop.py) has imported it, and then base (base.py)." in run(f"import base\n{REFUSED}")


def test_a_flask_that_nobody_holds_is_refused_too(run: Callable[[str], str]) -> None:
    assert "something has imported it" in run(f"import flask\ndel flask\n{REFUSED}")


def test_after_a_refusal_nothing_has_changed(run: Callable[[str], str]) -> None:
    code = f"import sys, shop\nbefore = list(sys.meta_path)\n{REFUSED}import flask.cli\n"
    assert run(f"{code}print(sys.meta_path == before, flask.cli.__name__)").endswith("True flask.cli")


def test_the_error_carries_the_modules() -> None:
    assert FlaskLoaded(["a (a.py)", "b (b.py)"]).by == ["a (a.py)", "b (b.py)"]


@pytest.mark.parametrize("server", ["gunicorn", "granian", "waitress"])
def test_two_lines_of_wsgi_py_serve_it_on_a_server_of_ones_choice(folder: Path, server: str) -> None:
    (folder / "wsgi.py").write_text(WSGI)
    with serving(folder) as serve:
        port = serve("wsgi:app", folder, server=server).port
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as client:
            answers = [client.get("/").json() for _ in range(2)]
            moved = client.get("/away")
    assert answers == [{"a": "erlen.flask.app", "b": 1}, {"a": "erlen.flask.app", "b": 2}]
    assert (moved.status_code, moved.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("server", ["granian-asgi", "uvicorn", "granian-rsgi"])
def test_the_same_application_is_served_over_asgi_and_rsgi(folder: Path, server: str) -> None:
    (folder / "wsgi.py").write_text(WSGI)
    with serving(folder) as serve:
        port = serve("wsgi:app", folder, server=server).port
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as client:
            assert [client.get("/").json()["b"] for _ in range(3)] == [1, 2, 3]


def test_a_test_suite_that_is_written_for_flask_runs_on_erlen(folder: Path) -> None:
    (folder / "test_shop.py").write_text(
        "from flask import Flask\nfrom shop import app\n\n\ndef test_it():\n"
        '    assert Flask.__module__ == "erlen.flask.app"\n'
        '    assert app.test_client().get("/").json == {"a": "erlen.flask.app", "b": 1}\n'
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "erlen.as_flask", "-p", "no:cacheprovider", "test_shop.py"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout
