"""``flask run`` and ``app.run()``: what they say, and what Werkzeug's server is given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_tools import APP, Calls, invoke, message, served, surroundings, write
from werkzeug import serving

from erlen.flask import Flask, cli

__all__ = ["served", "surroundings", "write"]

IGNORED = " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI command."
DEFAULTS = {
    "use_reloader": False,
    "use_debugger": False,
    "threaded": True,
    "ssl_context": None,
    "extra_files": None,
    "exclude_patterns": None,
}


@pytest.mark.parametrize(
    ("args", "address", "options"),
    [
        (["run"], ("127.0.0.1", 5000), {}),
        (["run", "--host", "0.0.0.0", "--port", "80"], ("0.0.0.0", 80), {}),
        (["run", "-h", "::1", "-p", "0"], ("::1", 0), {}),
        (["--debug", "run"], ("127.0.0.1", 5000), {"use_reloader": True, "use_debugger": True}),
        (["run", "--debug"], ("127.0.0.1", 5000), {"use_reloader": True, "use_debugger": True}),
        (["--debug", "run", "--no-debug"], ("127.0.0.1", 5000), {}),
        (["run", "--debug", "--no-reload"], ("127.0.0.1", 5000), {"use_debugger": True}),
        (["run", "--debug", "--no-debugger"], ("127.0.0.1", 5000), {"use_reloader": True}),
        (["run", "--reload", "--debugger"], ("127.0.0.1", 5000), {"use_reloader": True, "use_debugger": True}),
        (["run", "--without-threads"], ("127.0.0.1", 5000), {"threaded": False}),
        (["run", "--cert", "adhoc"], ("127.0.0.1", 5000), {"ssl_context": "adhoc"}),
        (
            ["run", "--extra-files", f"a{os.pathsep}b", "--exclude-patterns", "*.c"],
            ("127.0.0.1", 5000),
            {"extra_files": ["a", "b"], "exclude_patterns": ["*.c"]},
        ),
    ],
)
def test_the_server_is_given_the_options(
    flask: Any, served: Calls, args: list[str], address: tuple[str, int], options: dict[str, Any]
) -> None:
    app = flask.Flask("a")
    done = invoke(flask.cli.FlaskGroup(create_app=lambda: app), args)
    assert done.exit_code == 0, done.output
    assert served == [((*address, app), {**DEFAULTS, **options})]
    assert app.debug is ("--debug" in args and "--no-debug" not in args)


def test_options_come_from_the_environment_too(flask: Any, served: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_PORT", "8000")
    monkeypatch.setenv("FLASK_RUN_HOST", "0.0.0.0")
    monkeypatch.setenv("FLASK_RUN_RELOAD", "1")
    app = flask.Flask("a")
    invoke(flask.cli.FlaskGroup(create_app=lambda: app), ["run", "--host", "localhost"])
    assert served == [(("localhost", 8000, app), {**DEFAULTS, "use_reloader": True})]


def test_the_banner_says_what_is_served(flask: Any, served: Calls, write: Callable[..., Path]) -> None:
    write("shop.py", APP)
    assert invoke(flask.cli.cli, ["--app", "shop", "run"]).output == (
        " * Serving Flask app 'shop'\n * Debug mode: off\n"
    )
    assert invoke(flask.cli.cli, ["--app", "shop:app", "--debug", "run"]).output == (
        " * Serving Flask app 'shop:app'\n * Debug mode: on\n"
    )
    write("app.py", APP)
    assert invoke(flask.cli.cli, ["run", "--no-debug"]).output == " * Debug mode: off\n"
    assert len(served) == 3


@pytest.mark.parametrize(
    ("debug", "name", "said"),
    [
        (True, "a", " * Serving Flask app 'a'\n * Debug mode: on\n"),
        (False, None, " * Debug mode: off\n"),
        (None, "a", " * Serving Flask app 'a'\n"),
    ],
)
def test_the_banner_leaves_out_what_is_not_known(
    flask: Any, debug: Any, name: Any, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flask.cli.show_server_banner(debug, name)
    assert capsys.readouterr().out == said
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    flask.cli.show_server_banner(debug, name)
    assert capsys.readouterr().out == ""


def test_the_banner_may_be_replaced(flask: Any, served: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(flask.cli, "show_server_banner", lambda *args: shown.append(args))
    assert invoke(flask.cli.FlaskGroup(create_app=lambda: flask.Flask("a")), ["run"]).output == ""
    monkeypatch.delenv("FLASK_RUN_FROM_CLI")
    flask.Flask("a").run()
    assert shown == [(False, None), (False, "a")]
    assert len(served) == 2


def failing() -> Any:
    raise ValueError("not today")


def test_an_application_that_cannot_be_loaded_ends_the_first_start(flask: Any, served: Calls) -> None:
    done = invoke(flask.cli.FlaskGroup(create_app=failing), ["run"])
    assert isinstance(done.exception, ValueError)
    assert (served, done.output) == ([], "")


def test_one_that_breaks_while_the_reloader_runs_is_told_in_the_browser(
    flask: Any, served: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    done = invoke(flask.cli.FlaskGroup(create_app=failing), ["run"])
    assert done.exit_code == 0
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("ValueError: not today\n")
    (_, _, broken), options = served[0]
    assert options == DEFAULTS
    with pytest.raises(ValueError, match="not today"):
        broken({}, lambda status, headers: None)


def test_a_server_that_stands_in_for_werkzeugs_is_taken_by_the_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Calls = []
    monkeypatch.setattr(serving, "run_simple", lambda *args, **kwargs: calls.append((args, kwargs)))
    app = Flask("a")
    invoke(cli.FlaskGroup(create_app=lambda: app), ["run"])
    assert calls == [(("127.0.0.1", 5000, app), DEFAULTS)]


# A script's own call.


@pytest.mark.parametrize(
    ("config", "kwargs", "address"),
    [
        ({}, {}, ("127.0.0.1", 5000)),
        ({}, {"host": "0.0.0.0", "port": "80"}, ("0.0.0.0", 80)),
        ({}, {"port": 0}, ("127.0.0.1", 0)),
        ({"SERVER_NAME": "shop.test:8000"}, {}, ("shop.test", 8000)),
        ({"SERVER_NAME": "shop.test"}, {}, ("shop.test", 5000)),
        ({"SERVER_NAME": ":8000"}, {}, ("127.0.0.1", 8000)),
        ({"SERVER_NAME": "shop.test:0"}, {}, ("shop.test", 0)),
        ({"SERVER_NAME": "shop.test:8000"}, {"host": "other"}, ("other", 8000)),
        ({"SERVER_NAME": "shop.test:8000"}, {"host": ""}, ("shop.test", 8000)),
        ({"SERVER_NAME": "shop.test:8000"}, {"port": 0}, ("shop.test", 0)),
    ],
)
def test_a_script_serves_at_the_servers_name(
    flask: Any, served: Calls, config: Any, kwargs: Any, address: tuple[str, int]
) -> None:
    app = flask.Flask("a")
    app.config.update(config)
    app.run(**kwargs)
    assert served == [((*address, app), {"use_reloader": False, "use_debugger": False, "threaded": True})]


@pytest.mark.parametrize(
    ("env", "kwargs", "debug", "options"),
    [
        ({}, {"debug": True}, True, {"use_reloader": True, "use_debugger": True}),
        ({}, {"debug": True, "use_reloader": False}, True, {"use_debugger": True}),
        ({}, {"use_debugger": True, "threaded": False, "processes": 4}, False, {"use_debugger": True, "processes": 4}),
        ({"FLASK_DEBUG": "1"}, {}, True, {"use_reloader": True, "use_debugger": True}),
        ({"FLASK_DEBUG": "1"}, {"debug": False}, False, {}),
        ({"FLASK_DEBUG": "1"}, {"load_dotenv": False}, False, {}),
    ],
)
def test_debug_mode_brings_the_reloader_and_the_debugger(
    flask: Any, served: Calls, env: Any, kwargs: Any, debug: bool, options: Any
) -> None:
    app = flask.Flask("a")
    os.environ.update(env)
    app.run(**kwargs)
    expected = {"use_reloader": False, "use_debugger": False, "threaded": kwargs.get("threaded", True), **options}
    assert (served[0][1], app.debug) == (expected, debug)


def test_a_script_reads_env_files(flask: Any, served: Calls, write: Callable[..., Path]) -> None:
    write(".flaskenv", "FLASK_DEBUG=1\nA=1\n")
    app = flask.Flask("a")
    app.run(load_dotenv=False)
    assert (app.debug, os.environ.get("A")) == (False, None)
    app.run()
    assert (app.debug, os.environ.get("A")) == (True, "1")


@pytest.mark.parametrize("reloading", [False, True])
def test_a_call_while_a_command_imports_the_module_is_ignored(
    flask: Any,
    served: Calls,
    reloading: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    if reloading:
        monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    flask.Flask("a").run()
    said = capsys.readouterr().out
    assert served == []
    assert said.splitlines()[:1] == ([] if reloading else [IGNORED])
    assert ('__name__ == "__main__"' in said) is not reloading


def test_the_call_is_ignored_inside_of_a_module_that_a_command_loads(
    flask: Any, served: Calls, write: Callable[..., Path]
) -> None:
    write("app.py", APP + "\napp.run()\n")
    done = invoke(flask.cli.cli, ["hello"])
    assert "Ignoring a call to 'app.run()'" in done.output
    assert done.output.endswith("hello from shop no debug\n")
    assert served == []


@pytest.mark.parametrize("fails", [False, True])
def test_an_application_may_be_changed_again_after_its_server(
    flask: Any, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    app = flask.Flask("a")

    def run_simple(host: str, port: int, app: Any, **_: Any) -> None:
        app.test_client().get("/")
        assert app._got_first_request
        if fails:
            raise OSError("the port is taken")

    monkeypatch.setattr(serving, "run_simple", run_simple)
    if fails:
        assert message(app.run) == "OSError: the port is taken"
    else:
        app.run()
    app.add_url_rule("/late", "late", lambda: "late")
    assert app.test_client().get("/late").text == "late"
