"""``erlen migrate-report``: what it finds in sources, and what it says about that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_sources
import pytest
from click.testing import CliRunner, Result

from erlen.cli import main
from erlen.introspect.judging import Finding
from erlen.introspect.migration_report import MigrationReport, NothingToRead, report_on


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["migrate-report", *arguments])


@pytest.fixture
def shop(tmp_path: Path) -> MigrationReport:
    """The report on the application in flask_sources.py, which lies in the working directory."""
    flask_sources.write(tmp_path)
    return report_on(["."])


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., MigrationReport]:
    """Writes one file, and returns the report on it."""

    def read(text: str, name: str = "app.py") -> MigrationReport:
        (tmp_path / "app.py").touch()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return report_on([tmp_path])

    return read


def found(report: MigrationReport, subject: str, kind: str | None = None) -> Finding:
    [finding] = [known for known in report.findings if known.subject == subject and kind in (None, known.kind)]
    return finding


def subjects(report: MigrationReport, *verdicts: str) -> set[str]:
    return {finding.subject for finding in report.of(*verdicts)}


def line_of(name: str, text: str) -> str:
    """Return the place of the first line with *text* in a file of the application."""
    lines = flask_sources.FILES[name].splitlines()
    return f"{name}:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def test_what_is_gone_is_named_with_its_place_its_version_and_the_cure(shop: MigrationReport) -> None:
    assert subjects(shop, "gone") == {
        "Flask-Script",
        "flask.Markup",
        "flask._request_ctx_stack",
        "is_xhr",
        "json_encoder",
        "send_file(attachment_filename=…)",
        "send_file(cache_timeout=…)",
    }
    assert found(shop, "flask._request_ctx_stack").places == [line_of("shop/legacy.py", "_request_ctx_stack")]
    markup = found(shop, "flask.Markup")
    assert markup.places == [line_of("shop/views.py", "Markup, abort")]
    assert markup.words == "Flask 3.0 removed it. Write: from markupsafe import Markup. Erlen has erlen.Markup."


def test_settings_without_effect_are_told_apart_from_what_fails(shop: MigrationReport) -> None:
    assert subjects(shop, "inert") == {"ENV", "JSON_SORT_KEYS", "FLASK_ENV"}
    assert found(shop, "JSON_SORT_KEYS").words == "Flask 2.3 removed it. Write app.json.sort_keys = …."
    assert found(shop, "FLASK_ENV").places == [".flaskenv:3"]


def test_an_import_whose_failure_is_caught_may_stay(shop: MigrationReport) -> None:
    for name in ("flask._app_ctx_stack", "flask.safe_join"):
        assert found(shop, name).verdict == "same"
        assert found(shop, name).words.endswith("and the source provides for that.")


@pytest.mark.parametrize(
    "source",
    [
        "if hasattr(flask, 'globals'):\n    pass\nelse:\n    flask._app_ctx_stack\n",
        "try:\n    from flask import g\nexcept ImportError:\n    g = None\nif g is None:\n    flask._app_ctx_stack\n",
        "if version('flask') < '2.2':\n    from flask import _app_ctx_stack\n",
        "top = flask._app_ctx_stack if flask.__version__ < '2' else None\n",
        "try:\n    flask._app_ctx_stack\nexcept AttributeError:\n    pass\n",
        "try:\n    from flask import _app_ctx_stack\nexcept:\n    pass\n",
    ],
)
def test_so_may_what_is_used_after_asking_for_it(source: str, read: Callable[..., MigrationReport]) -> None:
    assert found(read(f"import flask\n{source}"), "flask._app_ctx_stack").verdict == "same"


def test_a_try_around_the_whole_program_excuses_nothing(read: Callable[..., MigrationReport]) -> None:
    report = read("import flask\ntry:\n    flask._app_ctx_stack\n    run()\nexcept Exception:\n    pass\n")
    assert found(report, "flask._app_ctx_stack").verdict == "gone"


def test_a_setting_whose_name_looks_like_a_variable_is_told_once(read: Callable[..., MigrationReport]) -> None:
    report = read("from flask_admin import Admin\napp.config['FLASK_ADMIN_SWATCH'] = 'x'\n")
    assert found(report, "FLASK_ADMIN_SWATCH").kind == "setting"
    assert report.own_settings == []


def test_a_caught_import_does_not_hide_another_use(read: Callable[..., MigrationReport]) -> None:
    report = read("import flask\ntry:\n    from flask import Markup\nexcept ImportError:\n    pass\nflask.Markup('')\n")
    assert found(report, "flask.Markup").verdict == "gone"
    assert [place.rpartition(":")[2] for place in found(report, "flask.Markup").places] == ["3", "6"]


def test_what_is_imported_for_type_checkers_alone_may_stay(shop: MigrationReport) -> None:
    assert found(shop, "flask.typing.ResponseReturnValue").verdict == "same"


def test_names_that_erlen_has_elsewhere_come_with_those_of_erlen(shop: MigrationReport) -> None:
    moved = {finding.subject: finding.erlen for finding in shop.of("moved", kind="name")}
    assert moved == {
        "flask.*": "erlen: its names, one by one",
        "flask.Flask": "erlen.Erlen",
        "flask.ctx.AppContext": "erlen.context.Context",
        "flask.ctx.RequestContext": "erlen.context.Context",
        "flask.testing.FlaskClient": "erlen.testing.Client",
    }


def test_a_name_is_found_by_every_way_to_import_it(read: Callable[..., MigrationReport]) -> None:
    report = read(
        "import flask as f, flask.views\n"
        "from flask import json as j, helpers\n"
        "import importlib\n"
        "f.abort(404)\n"
        "f.json.dumps(1)\n"
        "j.loads('1')\n"
        "helpers.url_for('x')\n"
        "flask.views.View\n"
        "importlib.import_module('flask.templating')\n"
        "def inner():\n"
        "    from flask.ctx import has_app_context\n"
        "class View(f.views.MethodView): pass\n"
    )
    names = {
        finding.subject: finding.places[0].rpartition(":")[2] for finding in report.findings if finding.kind == "name"
    }
    assert names == {
        "flask": "1",
        "flask.views": "1",
        "flask.json": "2",
        "flask.helpers": "2",
        "flask.abort": "4",
        "flask.json.dumps": "5",
        "flask.json.loads": "6",
        "flask.helpers.url_for": "7",
        "flask.views.View": "8",
        "flask.templating": "9",
        "flask.ctx.has_app_context": "11",
        "flask.views.MethodView": "12",
    }


def test_a_name_that_flask_never_had_is_named_with_the_nearest(read: Callable[..., MigrationReport]) -> None:
    finding = found(read("from flask import render_templates\n"), "flask.render_templates")
    assert finding.verdict == "gone"
    assert finding.words == "Flask 3.1 has no such name. Did you mean render_template?"


@pytest.mark.parametrize(
    ("source", "subject"),
    [
        ("from flask.ext.login import LoginManager\n", "flask.ext.login.LoginManager"),
        ("import flask.ext.login\n", "flask.ext.login"),
        ("from flask._compat import text_type\n", "flask._compat.text_type"),
        ("from flask.json import JSONEncoder\n", "flask.json.JSONEncoder"),
        ("import flask\nclass E(flask.json.JSONEncoder): pass\n", "flask.json.JSONEncoder"),
        ("from flask import *\nescape('<')\n_app_ctx_stack = 1\nfrom flask import escape\n", "flask.escape"),
    ],
)
def test_what_was_removed_long_ago_is_known(source: str, subject: str, read: Callable[..., MigrationReport]) -> None:
    assert found(read(source), subject).verdict == "gone"
    assert "removed it" in found(read(source), subject).words


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from flask import Flask\nsite = Flask(__name__)\nprint(site.env)\n", "env"),
        ("def init(app):\n    app.session_cookie_name\n", "session_cookie_name"),
        ("from flask import Flask\nclass Site(Flask):\n    json_encoder = None\n", "json_encoder"),
        ("from flask import Blueprint\nbp = Blueprint('a', 'b')\nbp.json_decoder = None\n", "json_decoder"),
        ("def set_up(app):\n    app.config.from_json('a.json')\n", "from_json"),
    ],
)
def test_attributes_that_are_gone_are_found_on_applications(
    source: str, name: str, read: Callable[..., MigrationReport]
) -> None:
    assert found(read(source), name).verdict == "gone"


def test_such_a_name_on_anything_else_is_left_alone(read: Callable[..., MigrationReport]) -> None:
    report = read(
        "import flask, jinja2\njinja2.env\ntemplate.env = 1\nserializer.from_json('')\nconfig = {'NAME': 1}\n"
        "config['NAME']\nsettings.get('ENV')\n"
    )
    assert {finding.subject for finding in report.findings} == {"flask"}


def test_before_first_request_is_there_again(shop: MigrationReport) -> None:
    finding = found(shop, "before_first_request")
    assert finding.verdict == "same"
    assert finding.words == "Flask 2.3 removed it. Erlen has it, under the alias too."


def test_settings_are_found_however_they_are_set(read: Callable[..., MigrationReport]) -> None:
    report = read(
        "from flask import Flask, current_app\n"
        "app = Flask(__name__)\n"
        "app.config['TESTING'] = True\n"
        "app.config.update(DEBUG=True, **{'SERVER_NAME': 'x'})\n"
        "app.config.update({'SECRET_KEY': 'x'})\n"
        "app.config.from_mapping({'MAX_FORM_PARTS': 1}, MAX_CONTENT_LENGTH=1)\n"
        "app.config.setdefault('PREFERRED_URL_SCHEME', 'https')\n"
        "current_app.config.get('APPLICATION_ROOT')\n"
        "class Settings:\n"
        "    USE_X_SENDFILE: bool = True\n"
        "class Live(Settings):\n"
        "    TRUSTED_HOSTS = []\n"
    )
    assert {finding.subject for finding in report.findings if finding.kind == "setting"} == {
        *("TESTING", "DEBUG", "SECRET_KEY", "MAX_FORM_PARTS", "MAX_CONTENT_LENGTH", "PREFERRED_URL_SCHEME"),
        *("APPLICATION_ROOT", "USE_X_SENDFILE", "TRUSTED_HOSTS"),
    }


def test_the_module_that_a_configuration_is_read_from_is_one(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("app.config.from_object('site.live.Live')\n")
    (tmp_path / "live.py").write_text("JSON_AS_ASCII = False\nclass Live:\n    OWN = 1\n")
    (tmp_path / "constants.py").write_text("ENV = 'x'\n")
    report = report_on([tmp_path])
    assert [finding.subject for finding in report.findings] == ["JSON_AS_ASCII"]
    assert report.own_settings == ["OWN"]


def test_a_setting_that_erlen_refuses_comes_with_what_to_write(shop: MigrationReport) -> None:
    assert found(shop, "SESSION_FILE_THRESHOLD").verdict == "missing"
    assert "MAX_SESSIONS_PER_USER" in found(shop, "SESSION_FILE_THRESHOLD").words
    assert found(shop, "SESSION_USE_SIGNER").words == "Erlen does so anyway."


def test_a_setting_of_the_applications_own_that_erlen_has_is_told(read: Callable[..., MigrationReport]) -> None:
    finding = found(read("app.config['THREADS'] = 'many'\n"), "THREADS")
    assert finding.verdict == "differs"
    assert finding.words.startswith("Erlen has a setting of this name: ")


def test_what_is_otherwise_under_erlens_defaults_is_found_where_it_happens(shop: MigrationReport) -> None:
    places = {finding.subject: finding.places for finding in shop.of("differs", kind="behaviour")}
    assert places == {
        "redirect": [line_of("shop/legacy.py", "f.redirect"), line_of("shop/views.py", "redirect(url_for")],
        "session": [
            line_of("shop/legacy.py", "f.session"),
            line_of("shop/templates/index.html", "session.user"),
            line_of("shop/views.py", 'session["cart"]'),
        ],
        "guard": [
            line_of("shop/views.py", '"/cart"'),
            line_of("shop/views.py", '"/moved"'),
            line_of("shop/views.py", "def delete"),
        ],
        "json": [
            line_of("shop/legacy.py", "json.dumps"),
            line_of("shop/views.py", '{"items"'),
            line_of("shop/views.py", "jsonify(id"),
        ],
        "environment": [line_of("shop/__init__.py", "from_prefixed_env")],
        "context": [line_of("tests/test_shop.py", "client.get")],
    }


def test_a_redirect_with_a_code_is_the_same_everywhere(read: Callable[..., MigrationReport]) -> None:
    report = read("from flask import redirect\nredirect('/', 302)\nredirect('/', code=307)\n")
    assert report.of("differs") == []


def test_extensions_are_found_by_import_and_by_requirement(shop: MigrationReport) -> None:
    places = {finding.subject: finding.places for finding in shop.findings if finding.kind == "extension"}
    assert places == {
        "Flask-Caching": ["pyproject.toml:6"],
        "Flask-Cors": ["requirements.txt:5", "shop/extensions.py:1"],
        "Flask-Login": ["requirements.txt:3", "shop/extensions.py:2"],
        "Flask-Migrate": ["shop/extensions.py:3"],
        "Flask-SQLAlchemy": ["shop/extensions.py:4"],
        "Flask-Script": ["requirements.txt:4"],
        "Flask-WTF": ["pyproject.toml:3"],
        "flask_profiler_x": ["shop/extensions.py:5"],
    }
    assert subjects(shop, "untried") == {"flask_profiler_x"}
    assert found(shop, "Flask-Login").version == "0.6.3"
    assert found(shop, "SQLALCHEMY_DATABASE_URI").verdict == "same"


def test_a_module_of_the_applications_own_is_no_extension(tmp_path: Path) -> None:
    (tmp_path / "flask_app").mkdir()
    (tmp_path / "flask_app" / "__init__.py").write_text("")
    (tmp_path / "flask_run.py").write_text("from flask_app import app\nimport flask_run, flask_elsewhere\n")
    assert [finding.subject for finding in report_on(["."]).findings] == ["flask_elsewhere"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.cfg", "[metadata]\nname = flask-own\n[options]\ninstall_requires =\n    Flask-Login>=0.6\n"),
        ("requirements/live.txt", "flask_login ~= 0.6 # sign in\n"),
        ("requirements-dev.in", "-r base.txt\n\nFLASK-LOGIN[extra]==0.6.3\n"),
        ("Pipfile", '[packages]\n"flask-login" = "*"\n'),
        ("pyproject.toml", "dependencies = [\n  'Flask.Login (>=0.6,<1)',\n]\n"),
    ],
)
def test_lists_of_requirements_are_read_in_all_their_forms(
    name: str, text: str, read: Callable[..., MigrationReport]
) -> None:
    report = read(text, name)
    assert [(finding.kind, finding.subject) for finding in report.findings] == [("extension", "Flask-Login")]


def test_variables_and_commands_are_found_outside_of_python(shop: MigrationReport) -> None:
    assert found(shop, "FLASK_APP").erlen == "ERLEN_APP"
    assert found(shop, "FLASK_RUN_PORT").erlen == "ERLEN_RUN_PORT"
    assert found(shop, "FLASK_SESSION_TYPE").verdict == "differs"
    assert found(shop, "flask run").erlen == "erlen --as-flask run"
    assert found(shop, "flask run").places == ["Dockerfile:4"]
    assert "FLASK_NOTHING" not in str(shop)
    assert shop.own_settings == ["FLASK_CONFIG", "PAGE_SIZE", "SHOP_NAME"]


def test_templates_are_read_by_their_look(shop: MigrationReport) -> None:
    assert subjects(shop, "same") >= {"url_for", "get_flashed_messages", "config"}
    assert found(shop, "session", "template").places == [line_of("shop/templates/index.html", "session.user")]


def test_files_that_cannot_be_read_are_named_and_skipped(tmp_path: Path) -> None:
    files = {
        "syntax.py": b"def broken(:\n",
        "old.py": b"print 'hello'\n",
        "bytes.py": b"x = '\xff'\n",
        "declared.py": b"# -*- coding: latin-1 -*-\nfrom flask import g  # \xe9\n",
        "unknown.py": b"# -*- coding: klingon -*-\n",
        "null.py": b"a = 1\x00\n",
        "deep.py": b"x = " + b"(" * 5000 + b")" * 5000,
        "marked.py": b"\xef\xbb\xbffrom flask import abort\n",
        "large.py": b"#" * 2_000_001,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    report = report_on([tmp_path])
    skipped = {unread.file: unread.reason for unread in report.unread}
    assert set(skipped) == {"syntax.py", "old.py", "bytes.py", "unknown.py", "null.py", "deep.py", "large.py"}
    assert skipped["syntax.py"] == "It is no Python 3 source: invalid syntax, line 1."
    assert skipped["large.py"] == "It has more than two million bytes."
    assert {finding.subject for finding in report.findings} == {"flask.g", "flask.abort"}


def test_what_python_only_warns_of_is_read(read: Callable[..., MigrationReport]) -> None:
    report = read("from flask import g\nexpression = '\\d'\nif expression is 'a':\n    pass\n")
    assert (report.unread, found(report, "flask.g").verdict) == ([], "same")


def test_hidden_folders_and_virtual_environments_are_passed_by(tmp_path: Path) -> None:
    for folder in (".hidden", "node_modules", "my_env", "kept"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("from flask import g\n")
    (tmp_path / "my_env" / "pyvenv.cfg").touch()
    assert found(report_on([tmp_path]), "flask.g").places == ["kept/a.py:1"]


def test_several_paths_are_one_report_and_no_file_counts_twice(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from flask import g\n")
    (tmp_path / "b.py").write_text("from flask import g\n")
    report = report_on([tmp_path / "a.py", tmp_path, tmp_path / "b.py"])
    assert (report.python_files, found(report, "flask.g").places) == (2, ["a.py:1", "b.py:1"])


def test_a_path_that_is_not_there_and_one_without_python_are_errors_in_words(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ session }}")
    missing, empty = run("nowhere"), run(".")
    assert (missing.exit_code, empty.exit_code) == (1, 1)
    assert missing.output == "Error: There is no file or folder 'nowhere'.\n"
    assert empty.output == ("Error: No Python file is in '.'. Give the folder that the application's source is in.\n")
    assert run().exit_code == 2
    with pytest.raises(NothingToRead, match="nowhere"):
        report_on(["nowhere"])


def test_nothing_is_imported_or_executed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import flask\nopen('executed', 'w').close()\nraise SystemExit(3)\n")
    assert run(".").exit_code == 0
    assert not (tmp_path / "executed").exists()


def test_the_command_ends_with_the_three_steps_and_the_next_one(tmp_path: Path) -> None:
    flask_sources.write(tmp_path)
    result = run(".")
    assert result.exit_code == 0
    assert result.output.startswith("Read: 7 Python files, 5 other files, 1 skipped.\n  shop/broken.py: It is no")
    text = " ".join(result.output.split())
    assert "1. The alias: 7 things to change first, and it works, as far as a source can tell." in text
    assert "The alias stays, for flask_profiler_x, Flask-Caching, Flask-Cors" in text
    assert text.endswith(
        "Next: change what stands in the first section. Then run the application with 'erlen --as-flask run'."
    )


@pytest.mark.parametrize(
    ("source", "step"),
    [
        ("from flask import Flask\n", "Next: run the application unchanged with 'erlen --as-flask run'"),
        ("from erlen import Erlen\napp.config['TESTING']\n", "Next: the application does not import Flask."),
        ("print('hello')\n", "Nothing of Flask was found."),
    ],
)
def test_the_next_step_is_the_one_that_fits(source: str, step: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(source)
    assert step in " ".join(run("app.py").output.split())


def test_json_has_all_that_the_text_has_and_every_place(tmp_path: Path) -> None:
    flask_sources.write(tmp_path)
    told: dict[str, Any] = json.loads(run(".", "--json").output)
    assert told["unread"][0]["file"] == "shop/broken.py"
    [markup] = [finding for finding in told["findings"] if finding["subject"] == "flask.Markup"]
    assert markup["verdict"] == "gone"
    assert markup["places"] == ["shop/views.py:2"]
    assert told["own_settings"] == ["FLASK_CONFIG", "PAGE_SIZE", "SHOP_NAME"]


def test_many_places_of_one_name_are_counted(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import flask\n" + "flask.Markup('')\n" * 5)
    assert "flask.Markup  app.py:2, app.py:3, app.py:4 and 2 more" in run("app.py").output
