"""``abort``, ``make_response``, and the small helpers of ``flask.helpers``."""

from __future__ import annotations

import os
from typing import Any

import jinja2
import pytest
import werkzeug.exceptions
import werkzeug.wrappers
from werkzeug.routing import RequestRedirect


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 503])
def test_abort_raises_the_exception_of_its_code(app: Any, flask: Any, code: int) -> None:
    for context in (app.app_context(), None):
        if context is not None:
            context.push()
        with pytest.raises(werkzeug.exceptions.HTTPException) as found:
            flask.abort(code, "why")
        assert (found.value.code, found.value.description) == (code, "why")
        assert type(found.value) is werkzeug.exceptions.default_exceptions[code]
        if context is not None:
            context.pop()


def test_abort_with_a_response_answers_with_it(app: Any, flask: Any) -> None:
    app.add_url_rule("/r", "r", lambda: flask.abort(flask.Response("stop", 299)))
    app.add_url_rule("/t", "t", lambda: flask.abort(app.make_response(("tuple", 298))))
    client = app.test_client()
    assert (client.get("/r").status_code, client.get("/r").data) == (299, b"stop")
    assert client.get("/t").status_code == 298


def test_abort_without_an_exception_for_the_code_raises_lookup_error(app: Any, flask: Any) -> None:
    with app.app_context(), pytest.raises(LookupError, match="no exception for 999"):
        flask.abort(999)
    with pytest.raises(LookupError):
        flask.abort(200)


def test_abort_passes_keywords_on(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "m", lambda: flask.abort(405, valid_methods=["PUT"]))
    app.add_url_rule("/d", "d", lambda: flask.abort(400, description="<b>", response=None))
    client = app.test_client()
    assert client.get("/d").status_code == 400
    with app.test_request_context(), pytest.raises(werkzeug.exceptions.MethodNotAllowed) as found:
        flask.abort(405, valid_methods=["PUT"])
    assert found.value.valid_methods == ["PUT"]


def test_an_aborter_of_ones_own_is_used(flask: Any) -> None:
    class Stop(werkzeug.exceptions.HTTPException):
        code = 888
        description = "stopped"

    class Aborter(werkzeug.exceptions.Aborter):
        def __init__(self) -> None:
            super().__init__()
            self.mapping[888] = Stop

    class App(flask.Flask):
        aborter_class = Aborter

    app = App("x")
    assert type(app.aborter) is Aborter
    app.add_url_rule("/", "index", lambda: flask.abort(888))
    assert app.test_client().get("/").status_code == 888

    class Made(flask.Flask):
        def make_aborter(self) -> Any:
            return Aborter()

    made = Made("x")
    with made.app_context(), pytest.raises(Stop):
        flask.abort(888)
    with made.app_context():
        with pytest.raises(Stop):
            flask.current_app.aborter(888)
        made.aborter.mapping[900] = werkzeug.exceptions.NotFound
        with pytest.raises(werkzeug.exceptions.NotFound):
            flask.abort(900)


# make_response.


def test_make_response_takes_every_form(app: Any, flask: Any) -> None:
    with app.test_request_context():
        make = flask.make_response
        assert type(make()) is app.response_class
        assert (make().status_code, make().data) == (200, b"")
        assert make("x").data == b"x"
        assert make(b"x", 201).status_code == 201
        assert make("x", "404 Whatever").status == "404 Whatever"
        assert make("x", {"X-A": "1"}).headers["X-A"] == "1"
        assert make("x", 202, [("X-A", "1"), ("X-A", "2")]).headers.getlist("X-A") == ["1", "2"]
        assert make(("x", 203)).status_code == 203
        assert make({"a": 1}).json == {"a": 1}
        assert make([1]).json == [1]
        response = make("y")
        assert make(response) is response
        assert make(response, 299) is response
        assert response.status_code == 299
        assert make(flask.redirect("/")).status_code == 302
        assert make(lambda environ, start: (start("404 NOT FOUND", []), [b"wsgi"])[1]).status_code == 404
        assert make(c for c in ("a", "b")).data == b"ab"
        assert make(bytearray(b"z")).data == b"z"
        assert make(werkzeug.exceptions.NotFound()).status_code == 404


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned None or ended without a return statement"),
        ((None, 200), "returned None or ended without a return statement"),
        (1.5, "it was a float"),
        ((), "did not return a valid response tuple"),
        (("x", 200, {}, 1), "did not return a valid response tuple"),
        (object(), "it was a object"),
        (True, "it was a bool"),
        ({1, 2}, "it was a set"),
    ],
)
def test_what_is_no_response_raises_type_error(app: Any, value: Any, words: str) -> None:
    app.add_url_rule("/wrong", "wrong", lambda: value)
    with pytest.raises(TypeError, match=words):
        app.test_client().get("/wrong")


def test_a_response_of_another_class_is_made_one_of_the_application(app: Any, flask: Any) -> None:
    class Own(flask.Response):
        pass

    with app.test_request_context():
        assert isinstance(flask.make_response(werkzeug.wrappers.Response("x")), app.response_class)
        app.response_class = Own
        response = flask.make_response(flask.Response("y", headers={"X": "1"}))
        assert type(response) is Own
        assert response.headers["X"] == "1"


def test_get_root_path_finds_modules_and_packages(flask: Any) -> None:
    assert flask.helpers.get_root_path("jinja2") == os.path.dirname(jinja2.__file__)
    assert flask.helpers.get_root_path("__main__")
    assert flask.helpers.get_root_path("no_such_module_anywhere") == os.getcwd()


@pytest.mark.parametrize(
    ("value", "debug"),
    [
        ("", False),
        ("0", False),
        ("False", False),
        ("No", False),
        ("false", False),
        ("True", True),
        ("1", True),
        ("x", True),
    ],
)
def test_the_debug_flag_is_read_from_the_environment(flask: Any, monkeypatch: Any, value: str, debug: bool) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert flask.helpers.get_debug_flag() is debug
    assert flask.Flask("x").debug is debug
    monkeypatch.delenv("FLASK_DEBUG")
    assert flask.helpers.get_debug_flag() is False


@pytest.mark.parametrize(
    ("value", "loads"),
    [("", True), ("0", True), ("False", True), ("No", True), ("True", False), ("1", False), ("x", False)],
)
def test_dotenv_files_are_skipped_on_demand(flask: Any, monkeypatch: Any, value: str, loads: bool) -> None:
    monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
    assert flask.helpers.get_load_dotenv() is loads
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    assert flask.helpers.get_load_dotenv() is True
    assert flask.helpers.get_load_dotenv(default=False) is False


def test_a_blueprint_path_is_split_from_the_inside_out(flask: Any) -> None:
    assert list(flask.helpers._split_blueprint_path("a.b.c")) == ["a.b.c", "a.b", "a"]
    assert list(flask.helpers._split_blueprint_path("a")) == ["a"]


def test_strict_slashes_redirect_in_debug_mode_tells_about_lost_forms(app: Any, flask: Any) -> None:
    app.debug = True
    app.add_url_rule("/foo/", "foo", lambda: "success", methods=["GET", "POST"])
    client = app.test_client()
    response = client.post("/foo", data={}, follow_redirects=True)
    assert response.data == b"success"
    with app.test_request_context("/foo", method="POST"):
        flask.request.routing_exception.code = 302
        with pytest.raises(flask.debughelpers.FormDataRoutingRedirect) as found:
            app.raise_routing_exception(flask.request)
    assert isinstance(found.value, AssertionError)
    assert "canonical URL" in str(found.value)
    assert "http://localhost/foo/" in str(found.value)
    with app.test_request_context("/foo", method="POST"), pytest.raises(RequestRedirect):
        app.raise_routing_exception(flask.request)


def test_a_rule_without_endpoint_and_view_is_an_assertion(app: Any) -> None:
    with pytest.raises(AssertionError, match="expected view func if endpoint is not provided"):
        app.add_url_rule("/nothing")


@pytest.mark.parametrize("name", ["after_this_request", "copy_current_request_context", "stream_with_context"])
def test_what_needs_a_request_says_where_it_may_be_used(flask: Any, name: str) -> None:
    words = f"'{name}' can only be used when a request context is active, such as in a view function"
    with pytest.raises(RuntimeError, match=words):
        getattr(flask, name)(iter(()) if name == "stream_with_context" else len)
