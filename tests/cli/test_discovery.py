"""How the application is found: Flask's rules, and errors that say what to write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from erlen import Erlen
from erlen.cli import NoAppException, ScriptInfo, dotenv, load_dotenv, main

MODULE = """\
from erlen import Erlen

class Holder:
    inner = Erlen("inner")

number = 5
FIRST = "from erlen import Erlen"
def create_app(name="factory", *, debug=False):
    app = Erlen(name)
    app.config["WAS_DEBUG"] = debug
    return app
def needs(name, *, size): return Erlen(name)
def returns_none(): Erlen("lost")
"""


def found(text: str | None) -> Erlen:
    return ScriptInfo(text).load_app()  # type: ignore[no-any-return]


def error_of(text: str | None) -> str:
    with pytest.raises(NoAppException) as raised:
        found(text)
    return raised.value.format_message()


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.fixture(autouse=True)
def module() -> None:
    write("site_module.py", MODULE)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("site_module", "factory"),
        ("site_module.py", "factory"),
        ("site_module:create_app", "factory"),
        ("site_module:create_app()", "factory"),
        ("site_module:create_app('given')", "given"),
        ("site_module:create_app(name='given', debug=True)", "given"),
        ("site_module:Holder.inner", "inner"),
        ("site_module:needs('x', size=[1, {'a': None}])", "x"),
    ],
)
def test_the_text_of_app_may_be_a_module_a_name_or_a_call(text: str, name: str) -> None:
    assert found(text).name == name


def test_paths_lead_to_files_and_packages() -> None:
    for package in ("src/shop/__init__.py", "src/shop/web/__init__.py"):
        write(package, "")
    write("src/shop/web/site.py", "from erlen import Erlen\napplication = Erlen('deep')\n")
    write("src/lone.py", "from erlen import Erlen\nonly = Erlen('lone')\n")
    assert found("src/shop/web/site.py").name == "deep"
    assert "shop.web.site" in sys.modules
    assert found("src/lone").name == "lone"
    assert found(f"{os.getcwd()}/src/lone.py:only").name == "lone"
    assert found("shop.web.site").name == "deep"


@pytest.mark.parametrize("place", ["wsgi.py", "app.py", "app/__init__.py", "wsgi/__init__.py"])
def test_without_app_wsgi_and_app_of_the_working_directory_are_looked_at(place: str) -> None:
    write(place, "from erlen import Erlen\nx = Erlen('found')\n")
    assert found(None).name == "found"


def test_the_names_app_and_application_win_and_one_instance_is_enough() -> None:
    write("several.py", "from erlen import Erlen\na = Erlen('a')\napp = Erlen('b')\n")
    assert found("several").name == "b"
    write("twice.py", "from erlen import Erlen\na = Erlen('a')\nb = a\n")
    assert found("twice").name == "a"
    write("made.py", "from erlen import Erlen\ndef make_app(): return Erlen('made')\n")
    assert found("made").name == "made"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site_modul", "Could not import 'site_modul': there is no module 'site_modul'. Did you mean 'site_module'?"),
        ("site_module.part", "Could not import 'site_module.part': there is no module 'site_module.part'."),
        (":app", "':app' names no module: write module:name, for instance app:app."),
        ("site_module:create_ap", "There is no name 'create_ap' in module 'site_module' ("),
        ("site_module:create_ap", "Did you mean 'create_app'?"),
        ("site_module:number", "'site_module:number' is a int, and no Erlen application"),
        ("site_module:number()", "'site_module:number' is a int, which cannot be called: leave the parentheses out."),
        ("site_module:create_app(", "Failed to parse 'create_app(' as a name or as a call of a function"),
        ("site_module:5", "Failed to parse '5' as a name"),
        ("site_module:create_app(dev)", "The arguments in 'create_app(dev)' have to be literals"),
        ("site_module:create_app(**{'name': 'x'})", "have to be literals"),
        ("site_module:create_app(1, 2)", "cannot be called with the given arguments: too many positional arguments"),
        ("site_module:needs", "missing a required argument: 'name'. Its signature is needs(name, *, size)."),
        ("site_module:needs", "Write for instance: --app \"site_module:needs('name', size='...')\""),
        ("site_module:returns_none", "has returned None, and no Erlen application. Does it end with 'return app'?"),
    ],
)
def test_a_text_that_leads_nowhere_is_told_where_it_ends(text: str, message: str) -> None:
    assert message in error_of(text)


def test_a_module_without_an_application_says_what_it_looked_for() -> None:
    write("empty.py", "")
    assert error_of("empty") == (
        "There is no application in module 'empty', neither an instance nor a factory named create_app or make_app. "
        "Write 'empty:name' to say what it is called."
    )
    write("two.py", "from erlen import Erlen\nb = Erlen('b')\na = Erlen('a')\n")
    assert error_of("two") == "There are several applications in module 'two': a, b. Say which one: 'two:a'."
    assert error_of(None) == (
        "Could not locate an Erlen application. Use the 'erlen --app' option, the 'ERLEN_APP' environment variable, or "
        "a 'wsgi.py' or 'app.py' file in the current directory."
    )


@pytest.mark.parametrize("line", ["import nothing_of_this_name", "from os import nothing_of_this_name"])
def test_an_import_that_fails_inside_of_the_module_shows_its_traceback(line: str) -> None:
    write("broken.py", f"\n{line}\n")
    message = error_of("broken")
    assert message.startswith("While importing 'broken', an ImportError was raised:\n\nTraceback")
    assert 'broken.py", line 2' in message
    assert "nothing_of_this_name" in message
    assert "discovery.py" not in message


def test_script_info_loads_once_and_sets_debug_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Erlen] = []

    def create() -> Erlen:
        made.append(Erlen("made"))
        made[-1].debug = True
        return made[-1]

    info = ScriptInfo(create_app=create)
    assert info.load_app() is info.load_app()
    assert len(made) == 1
    assert made[0].debug
    monkeypatch.setenv("ERLEN_DEBUG", "0")
    assert not ScriptInfo(create_app=create).load_app().debug
    assert ScriptInfo(create_app=create, set_debug_flag=False).load_app().debug
    assert info.data == {}
    with pytest.raises(NoAppException, match=r"create_app\(\) of this script has returned 5"):
        ScriptInfo(create_app=lambda: 5).load_app()


# -- .env files -------------------------------------------------------------------------------------------------------


def test_variables_that_are_set_win_and_env_is_before_erlenenv(monkeypatch: pytest.MonkeyPatch) -> None:
    write(".env", "ONE=env\nTWO=env\nSET=env\n")
    write(".erlenenv", "ONE=erlenenv\nTHREE=erlenenv\n")
    write("mine", "TWO=mine\nEMPTY\n")
    monkeypatch.setenv("SET", "before")
    write("below/x", "")
    monkeypatch.chdir("below")
    assert load_dotenv("../mine")
    assert [os.environ[name] for name in ("ONE", "TWO", "THREE", "SET")] == ["env", "mine", "erlenenv", "before"]
    assert not load_dotenv("../mine")


def test_only_a_given_file_is_read_without_the_defaults() -> None:
    write(".env", "ONE=env\n")
    assert not load_dotenv(load_defaults=False)
    assert not load_dotenv("missing", load_defaults=False)
    assert "ONE" not in os.environ


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_command_reads_them_before_it_looks_for_the_application() -> None:
    write(".env", "ERLEN_APP=site_module:create_app('of the file')\nERLEN_DEBUG=1\n")
    assert "of the file [debug]" in run_shell()
    os.environ["ERLEN_SKIP_DOTENV"] = "1"
    for name in ("ERLEN_APP", "ERLEN_DEBUG"):
        del os.environ[name]
    assert "Could not locate" in run("routes").output
    write("mine", "ERLEN_APP=site_module:create_app('mine')\n")
    assert "mine" in run_shell("-e", "mine")


def run_shell(*options: str) -> str:
    code = "print(app.name, '[debug]' if app.debug else '')"
    result = run(*options, "shell", "-c", code)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_missing_is_said_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dotenv.importlib.util, "find_spec", lambda name: None)
    assert not load_dotenv()
    write(".env", "ONE=env\n")
    assert not load_dotenv()
    assert not load_dotenv()
    assert capsys.readouterr().err == (
        " * There are .env files, but python-dotenv is not installed to read them: pip install 'erlen[dotenv]'\n"
    )
    result = run("-e", ".env", "routes")
    assert result.exit_code == 2
    assert "python-dotenv, which reads such files, is not installed: pip install 'erlen[dotenv]'" in result.output


def test_options_have_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERLEN_APP", "site_module")
    monkeypatch.setenv("ERLEN_ROUTES_SORT", "nonsense")
    result = run("routes")
    assert "'nonsense' is not one of 'endpoint'" in result.output
    assert isinstance(main.commands["run"], click.Command)
    monkeypatch.setenv("ERLEN_RUN_PORT", "no number")
    assert "'no number' is not a valid integer" in run("run").output


def test_debug_may_stand_before_and_after_the_command() -> None:
    os.environ["ERLEN_APP"] = "site_module"
    assert "[debug]" in run_shell("--debug")
    assert os.environ["ERLEN_DEBUG"] == "1"
    assert "[debug]" not in run_shell("--no-debug")
    assert "--debug / --no-debug" in run("run", "--help").output


@pytest.mark.parametrize("text", ["theirs", "theirs:site", "theirs:make"])
def test_an_application_of_the_real_flask_is_told_how_it_runs_on_erlen(text: str) -> None:
    write("theirs.py", "from flask import Flask\nsite = Flask('site')\ndef make(): return site\n")
    assert "one of Flask's: write 'erlen --as-flask' in place of 'erlen'" in error_of(text)
