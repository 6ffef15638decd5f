"""``abort``, ``make_response``, ``redirect``, and the small helpers of ``flask.helpers``."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

import jinja2
import pytest
import werkzeug.exceptions
import werkzeug.wrappers

# abort.


@pytest.mark.parametrize("code", sorted(werkzeug.exceptions.default_exceptions))
def test_abort_raises_the_exception_of_its_code(app: Any, flask: Any, code: int) -> None:
    for context in (nullcontext(), app.app_context()):
        with context, pytest.raises(werkzeug.exceptions.default_exceptions[code]) as found:
            flask.abort(code, description="why")
        assert (found.value.code, found.value.description) == (code, "why")


def test_abort_with_a_response_answers_with_it(app: Any, flask: Any) -> None:
    app.add_url_rule("/r", "r", lambda: flask.abort(flask.Response("stop", 299)))
    app.add_url_rule("/t", "t", lambda: flask.abort(app.make_response(("tuple", 298))))
    client = app.test_client()
    assert (client.get("/r").status_code, client.get("/r").data) == (299, b"stop")
    assert client.get("/t").status_code == 298


@pytest.mark.parametrize("code", [200, 302, 444])
def test_a_code_that_is_no_error_cannot_be_aborted_with(app: Any, flask: Any, code: int) -> None:
    with pytest.raises(LookupError, match=f"no exception for {code}"):
        flask.abort(code)
    with app.app_context(), pytest.raises(LookupError, match=f"no exception for {code}"):
        flask.abort(code)


def test_abort_passes_keywords_on_to_the_exception(app: Any, flask: Any) -> None:
    app.add_url_rule("/jam", "jam", lambda: flask.abort(405, valid_methods=["PATCH", "PUT"]))
    app.add_url_rule("/later", "later", lambda: flask.abort(429, retry_after=90))
    client = app.test_client()
    assert sorted(client.get("/jam").allow) == ["PATCH", "PUT"]
    assert client.get("/later").headers["Retry-After"] == "90"


class Closed(werkzeug.exceptions.HTTPException):
    """An error that only this pharmacy has."""

    code = 460
    description = "Closed for lunch."


def test_an_application_may_make_its_aborter_know_more_errors(flask: Any) -> None:
    class Pharmacy(flask.Flask):
        def make_aborter(self) -> Any:
            return self.aborter_class(extra={460: Closed, 404: werkzeug.exceptions.Gone})

    app = Pharmacy("pharmacy")
    app.add_url_rule("/counter", "counter", lambda: flask.abort(460))
    app.add_url_rule("/herbs", "herbs", lambda: app.aborter(404))
    client = app.test_client()
    assert client.get("/counter").status == "460 UNKNOWN"
    assert "Closed for lunch." in client.get("/counter").text
    assert client.get("/herbs").status_code == 410
    with flask.Flask("other").app_context(), pytest.raises(LookupError):
        flask.abort(460)


def test_the_class_of_the_aborter_decides_what_abort_does(flask: Any) -> None:
    seen: list[Any] = []

    class Noting(werkzeug.exceptions.Aborter):
        def __call__(self, code: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append((code, args, kwargs))
            super().__call__(code, *args, **kwargs)

    app = type("App", (flask.Flask,), {"aborter_class": Noting})("noting")
    with app.app_context(), pytest.raises(werkzeug.exceptions.Conflict):
        flask.abort(409, "twice", response=None)
    assert seen == [(409, ("twice",), {"response": None})]


# make_response.


@pytest.mark.parametrize(
    ("given", "status", "body"),
    [
        ((), "200 OK", b""),
        (("due back",), "200 OK", b"due back"),
        ((b"\xfe\xff",), "200 OK", b"\xfe\xff"),
        ((bytearray(b"stamp"),), "200 OK", b"stamp"),
        (("lent", 202), "202 ACCEPTED", b"lent"),
        (("lent", "299 Out For Binding"), "299 Out For Binding", b"lent"),
        ((("lent", 409),), "409 CONFLICT", b"lent"),
        (({"copies": 3}, 207), "207 MULTI STATUS", b'{"copies":3}\n'),
        ((["atlas", 1874],), "200 OK", b'["atlas",1874]\n'),
    ],
)
def test_make_response_takes_what_a_view_may_return(
    app: Any, flask: Any, given: tuple[Any, ...], status: str, body: bytes
) -> None:
    with app.test_request_context():
        response = flask.make_response(*given)
        assert type(response) is app.response_class
        assert response.status == status
        assert response.data == body


@pytest.mark.parametrize(
    "headers", [{"X-Shelf": "B7", "X-Room": "2"}, [("X-Shelf", "B7"), ("X-Room", "2")], {"X-Shelf": ["B7", "C1"]}]
)
@pytest.mark.parametrize("status", [None, 203])
def test_headers_are_added_with_or_without_a_status(app: Any, flask: Any, headers: Any, status: int | None) -> None:
    rest = (headers,) if status is None else (status, headers)
    with app.test_request_context():
        response = flask.make_response(app.response_class("x", headers={"X-Room": "1"}), *rest)
    assert response.status_code == (status or 200)
    assert response.headers.getlist("X-Shelf")[0] == "B7"
    assert response.headers["X-Room"] == ("2" if "X-Room" in dict(headers) else "1")


def test_a_response_stays_itself_a_generator_is_read_and_a_wsgi_application_called(app: Any, flask: Any) -> None:
    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("207 Many Shelves", [("X-Path", environ["PATH_INFO"])])
        return [b"A ", b"B"]

    with app.test_request_context("/shelves"):
        response = flask.make_response("once")
        assert flask.make_response(response) is response
        assert flask.make_response(response, 226) is response
        assert response.status_code == 226
        assert flask.make_response(text for text in ("vol. ", "1")).data == b"vol. 1"
        made = flask.make_response(wsgi)
    assert (made.status, made.data, made.headers["X-Path"]) == ("207 Many Shelves", b"A B", "/shelves")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned None or ended without a return statement"),
        ((None, {"X-Shelf": "B7"}), "returned None or ended without a return statement"),
        (2.75, "it was a float"),
        (1874, "it was a int"),
        (frozenset({"atlas"}), "it was a frozenset"),
        (..., "it was a ellipsis"),
        ((), "did not return a valid response tuple"),
        (("atlas", 201, [], "on loan", 4), "did not return a valid response tuple"),
    ],
)
def test_what_is_no_response_raises_type_error(app: Any, value: Any, words: str) -> None:
    app.add_url_rule("/loans", "loans", lambda: value)
    with pytest.raises(TypeError, match=words):
        app.test_client().get("/loans")


def test_a_response_of_another_class_is_made_one_of_the_application(app: Any, flask: Any) -> None:
    class Own(flask.Response):
        pass

    with app.test_request_context():
        assert isinstance(flask.make_response(werkzeug.wrappers.Response("x")), app.response_class)
        app.response_class = Own
        response = flask.make_response(flask.Response("y", headers={"X": "1"}))
        assert type(response) is Own
        assert response.headers["X"] == "1"


# redirect.


@pytest.mark.parametrize("code", [None, 301, 302, 303, 305, 307, 308])
def test_a_redirect_has_its_code_and_place(app: Any, flask: Any, code: Any) -> None:
    with app.app_context():
        response = flask.redirect("other?a=1&b=<", **({} if code is None else {"code": code}))
        assert isinstance(response, app.response_class)
        assert response.status_code == (code or 302)
        assert response.location == "other?a=1&b=<"
        assert b"other?a=1&amp;b=&lt;" in response.data
    outside = flask.redirect("http://x/", 303)
    assert outside.status_code == 303
    assert outside.headers["Location"] == "http://x/"
    assert app.redirect("/a").status_code == 302


def test_an_overridden_redirect_is_called_by_the_helper(flask: Any) -> None:
    class App(flask.Flask):
        def redirect(self, location: str, code: int = 302) -> Any:
            return "own", code

    app = App("x")
    with app.app_context():
        assert flask.redirect("/", 307) == ("own", 307)


def test_a_response_class_given_outside_of_an_application_is_used(app: Any, flask: Any) -> None:
    class Response(flask.Response):
        pass

    assert type(flask.redirect("/", Response=Response)) is Response
    app.response_class = Response
    with app.app_context():
        assert type(flask.redirect("/")) is Response


@pytest.mark.parametrize(
    ("method", "code", "loses"),
    [
        ("PUT", 301, True),
        ("PATCH", 303, True),
        ("DELETE", 302, True),
        ("PUT", 307, False),
        ("DELETE", 308, False),
        ("HEAD", 301, False),
        ("OPTIONS", 302, False),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_a_routing_redirect_that_would_lose_the_body_is_an_error_while_debugging(
    app: Any, flask: Any, method: str, code: int, loses: bool, debug: bool
) -> None:
    app.debug = debug
    app.add_url_rule("/returns/<int:card>/", "returns", lambda card: "", methods=["HEAD", "PUT", "PATCH", "DELETE"])
    with app.test_request_context("/returns/12", method=method, base_url="http://library.test"):
        redirect = flask.request.routing_exception
        redirect.code = code
        with pytest.raises(Exception, match="/returns/12/") as found:
            app.raise_routing_exception(flask.request)
    if debug and loses:
        assert type(found.value) is flask.debughelpers.FormDataRoutingRedirect
        assert "http://library.test/returns/12/" in str(found.value)
    else:
        assert found.value is redirect


# What the environment and the interpreter say.


@pytest.mark.parametrize("word", ["0", "no", "false"])
def test_words_for_no_are_understood_in_any_case(flask: Any, monkeypatch: Any, word: str) -> None:
    for text in (word, word.upper(), word.title(), word.title().swapcase()):
        monkeypatch.setenv("FLASK_DEBUG", text)
        monkeypatch.setenv("FLASK_SKIP_DOTENV", text)
        assert flask.helpers.get_debug_flag() is False
        assert flask.Flask("quiet").debug is False
        assert flask.helpers.get_load_dotenv(default=False) is True


@pytest.mark.parametrize("text", ["1", "yes", "on", "any other word"])
def test_what_is_no_word_for_no_means_yes(flask: Any, monkeypatch: Any, text: str) -> None:
    monkeypatch.setenv("FLASK_DEBUG", text)
    monkeypatch.setenv("FLASK_SKIP_DOTENV", text)
    assert flask.helpers.get_debug_flag() is True
    assert flask.Flask("loud").debug is True
    assert flask.helpers.get_load_dotenv() is False


@pytest.mark.parametrize("empty", [True, False])
def test_without_a_word_nothing_is_debugged_and_dotenv_files_are_as_by_default(
    flask: Any, monkeypatch: Any, empty: bool
) -> None:
    for name in ("FLASK_DEBUG", "FLASK_SKIP_DOTENV"):
        monkeypatch.delenv(name, raising=False)
        if empty:
            monkeypatch.setenv(name, "")
    assert flask.helpers.get_debug_flag() is False
    for default in (True, False):
        assert flask.helpers.get_load_dotenv(default=default) is default


def test_get_root_path_finds_modules_and_packages(flask: Any) -> None:
    assert flask.helpers.get_root_path("jinja2") == os.path.dirname(jinja2.__file__)
    assert flask.helpers.get_root_path("__main__")
    assert flask.helpers.get_root_path("no_such_module_anywhere") == os.getcwd()


def test_a_blueprint_path_is_split_from_the_inside_out(flask: Any) -> None:
    assert list(flask.helpers._split_blueprint_path("a.b.c")) == ["a.b.c", "a.b", "a"]
    assert list(flask.helpers._split_blueprint_path("a")) == ["a"]


@pytest.mark.parametrize("name", ["after_this_request", "copy_current_request_context", "stream_with_context"])
def test_what_needs_a_request_says_where_it_may_be_used(flask: Any, name: str) -> None:
    words = f"'{name}' can only be used when a request context is active, such as in a view function"
    with pytest.raises(RuntimeError, match=words):
        getattr(flask, name)(iter(()) if name == "stream_with_context" else len)
