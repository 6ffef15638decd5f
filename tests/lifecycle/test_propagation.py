"""Where an exception ends: one application on Erlen and on Flask, under every combination of the settings about it.

What a test client sees of the two is the same. What a server sees in debug mode is not: Erlen shows a page there
(tests/debugging).
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.exceptions import BadRequest, HTTPException, ImATeapot

import erlen

VIEWS = ["crash", "key", "bad", "gone", "internal", "teapot", "redirect", "handled"]
SETTINGS = list(
    itertools.product((None, True, False), (True, False), (True, False), (True, False), (None, True, False))
)


def build(framework: Any, app: Any, handlers: bool) -> Any:
    request, abort, redirect = framework.request, framework.abort, framework.redirect

    def handled() -> Any:
        raise LookupError("handled")

    app.add_url_rule("/crash", "crash", lambda: str(1 // 0))
    app.add_url_rule("/key", "key", lambda: request.form["nothing"], methods=["GET", "POST"])
    app.add_url_rule("/bad", "bad", lambda: abort(400, "so bad"))
    app.add_url_rule("/gone", "gone", lambda: abort(410))
    app.add_url_rule("/internal", "internal", lambda: abort(500))
    app.add_url_rule("/teapot", "teapot", lambda: abort(framework.Response("tea", 418)))
    app.add_url_rule("/redirect", "redirect", lambda: redirect("/crash", 302))
    app.add_url_rule("/handled", "handled", handled)
    app.register_error_handler(LookupError, lambda error: ("a lookup", 444))
    if handlers:
        app.register_error_handler(500, lambda error: (f"500: {error.original_exception!r}", 500))
        app.register_error_handler(BadRequest, lambda error: (f"400: {error.description}", 400))
        app.register_error_handler(HTTPException, lambda error: (f"HTTP {error.code}", error.code))
    return app


@pytest.fixture
def apps(tmp_path: Path) -> Any:
    def make(handlers: bool, settings: tuple[Any, ...]) -> tuple[Any, Any]:
        names = ("PROPAGATE_EXCEPTIONS", "DEBUG", "TESTING", "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS")
        found = []
        for framework, cls in ((erlen, erlen.Erlen), (flask, flask.Flask)):
            app = cls("propagation", root_path=str(tmp_path), static_folder=None)
            app.logger.disabled = True
            app.config.update(dict(zip(names, settings, strict=True)))
            if framework is erlen:
                app.config["SESSION_TYPE"] = None
            found.append(build(framework, app, handlers))
        return found[0], found[1]

    return make


def outcome(app: Any, path: str, method: str) -> Any:
    client = app.test_client()
    try:
        response = client.open(path, method=method)
    except Exception as error:
        shown = error.get_description() if isinstance(error, HTTPException) else str(error)
        return type(error), shown
    return response.status_code, response.text


@pytest.mark.parametrize("handlers", [False, True])
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda value: "-".join(map(str, value)))
def test_an_exception_ends_where_it_ends_in_flask(apps: Any, settings: tuple[Any, ...], handlers: bool) -> None:
    ours, theirs = apps(handlers, settings)
    for path in [*(f"/{name}" for name in VIEWS), "/nowhere"]:
        assert (path, outcome(ours, path, "GET")) == (path, outcome(theirs, path, "GET"))
    for path in ("/key", "/crash"):  # the second is 405
        assert (path, outcome(ours, path, "POST")) == (path, outcome(theirs, path, "POST"))


@pytest.mark.parametrize(("debug", "trap", "named"), [(True, False, True), (False, False, False), (False, True, True)])
def test_a_missing_key_is_named_in_debug_mode_and_where_it_is_trapped(debug: bool, trap: bool, named: bool) -> None:
    for framework, cls in ((erlen, erlen.Erlen), (flask, flask.Flask)):
        app: Any = cls("named", static_folder=None)
        app.config.update(DEBUG=debug, TRAP_BAD_REQUEST_ERRORS=trap, SESSION_TYPE=None)
        app.register_error_handler(KeyError, lambda error: (error.get_description(), 400))
        app.add_url_rule("/", "key", lambda framework=framework: framework.request.form["nothing"])
        assert ("nothing" in app.test_client().get("/").text) is named


def test_an_exception_that_carries_a_response_is_no_error(apps: Any) -> None:
    ours, _ = apps(True, (None, True, False, False, None))
    assert outcome(ours, "/teapot", "GET") == (418, "tea")
    assert ImATeapot.code == 418
