"""What a view may return, what becomes of it, and what is said where it cannot be an answer."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as WerkzeugResponse


def get(app: Any, answer: Any) -> Any:
    app.add_url_rule("/", "the_view", lambda: answer)
    return app.test_client().get("/")


def wsgi(environ: Any, start_response: Any) -> Any:
    start_response("202 Accepted", [("X-W", "1"), ("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"].encode()]


@pytest.mark.parametrize(
    ("answer", "status", "body", "headers"),
    [
        ("text", 200, b"text", {"Content-Type": "text/html; charset=utf-8", "Content-Length": "4"}),
        ("Hällo", 200, "Hällo".encode(), {}),
        (b"bytes", 200, b"bytes", {"Content-Type": "text/html; charset=utf-8"}),
        (bytearray(b"array"), 200, b"array", {}),
        (("t", 201), 201, b"t", {}),
        (("t", "400 Own"), 400, b"t", {}),
        (("t", HTTPStatus.CREATED), 201, b"t", {}),
        (("t", {"X-A": "1"}), 200, b"t", {"X-A": "1"}),
        (("t", [("X-A", "1")]), 200, b"t", {"X-A": "1"}),
        (("t", (("X-A", "1"),)), 200, b"t", {"X-A": "1"}),
        (("t", Headers({"X-A": "1"})), 200, b"t", {"X-A": "1"}),
        (("t", 202, {"X-A": "1"}), 202, b"t", {"X-A": "1"}),
        (("t", 202, [("X-A", "1")]), 202, b"t", {"X-A": "1"}),
        (("t", None, {"X-A": "1"}), 200, b"t", {"X-A": "1"}),
        (("t", {"Content-Type": "text/plain"}), 200, b"t", {"Content-Type": "text/plain"}),
        ({"a": 1}, 200, b'{"a":1}\n', {"Content-Type": "application/json"}),
        ([1, 2], 200, b"[1,2]\n", {"Content-Type": "application/json"}),
        (({"a": 1}, 201), 201, b'{"a":1}\n', {}),
        (([1], {"X-A": "1"}), 200, b"[1]\n", {"X-A": "1"}),
        ({}, 200, b"{}\n", {}),
        ([], 200, b"[]\n", {}),
        ("", 200, b"", {"Content-Length": "0"}),
        (("", 204), 204, b"", {}),
        (lambda: iter(["a", "b"]), 200, b"ab", {"Content-Type": "text/html; charset=utf-8"}),
        (lambda: (iter([b"a", b"b"]), 201), 201, b"ab", {}),
        (lambda: (iter("xy"), {"X-A": "1"}), 200, b"xy", {"X-A": "1"}),
        (WerkzeugResponse("w", 203), 203, b"w", {"Content-Type": "text/plain; charset=utf-8"}),
        ((WerkzeugResponse("w", 203), 201), 201, b"w", {}),
        ((WerkzeugResponse("w"), {"X-A": "1"}), 200, b"w", {"X-A": "1"}),
        (wsgi, 202, b"GET", {"X-W": "1"}),
        ((wsgi, 201), 201, b"GET", {"X-W": "1"}),
        (NotFound(), 404, None, {}),
        ((NotFound(), 410), 410, None, {}),
    ],
    ids=lambda value: value.__name__ if hasattr(value, "__name__") else repr(value).partition(" at 0x")[0],
)
def test_views_return(app: Any, answer: Any, status: int, body: Any, headers: Any) -> None:
    response = get(app, answer() if getattr(answer, "__name__", "") == "<lambda>" else answer)
    assert response.status_code == status
    if body is not None:
        assert response.data == body
    for name, value in headers.items():
        assert response.headers[name] == value


def test_the_type_is_flasks_response(app: Any, flask: Any) -> None:
    with app.test_request_context():
        for value in ("a", b"a", {"a": 1}, [1], iter("a"), WerkzeugResponse("x"), wsgi, NotFound(), ("a", 201)):
            response = flask.make_response(value)
            assert isinstance(response, flask.Response)
            assert response.__class__ is app.response_class


def test_make_response_takes_all_forms_of_arguments(app: Any, flask: Any) -> None:
    with app.test_request_context():
        assert flask.make_response().status_code == 200
        assert flask.make_response().data == b""
        assert flask.make_response().mimetype == "text/html"
        assert flask.make_response("x", 201).status_code == 201
        assert flask.make_response("x", {"X-A": "1"}).headers["X-A"] == "1"
        response = flask.make_response("x", 202, {"X-A": "1"})
        assert (response.status_code, response.headers["X-A"]) == (202, "1")
        own = flask.Response("own")
        assert flask.make_response(own) is own
        changed = flask.make_response(own, 404, {"X-B": "2"})
        assert changed is own
        assert (own.status_code, own.headers["X-B"]) == (404, "2")
        assert flask.make_response(flask.make_response("x", 201), "400 Own").status == "400 Own"
        assert app.make_response(("x", 201)).status_code == 201


def test_headers_of_a_tuple_replace_those_of_the_response(app: Any, flask: Any) -> None:
    with app.test_request_context():
        response = flask.Response("x", headers={"X-A": "old", "X-B": "kept"})
        response.headers.add("X-A", "older")
        made = flask.make_response((response, {"X-A": "new"}))
        assert made.headers.getlist("X-A") == ["new"]
        assert made.headers["X-B"] == "kept"
        made = flask.make_response("x", [("X-L", "1"), ("X-L", "2")])
        assert made.headers.getlist("X-L") == ["1", "2"]
        made = flask.make_response("x", {"X-L": ["1", "2"]})
        assert made.headers.getlist("X-L") == ["1", "2"]
        made = flask.make_response("x", {"Content-Type": "text/plain", "content-length": "1"})
        assert made.headers.getlist("Content-Type") == ["text/plain"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "returned None"),
        ((None,), "must have the form"),
        ((), "must have the form"),
        (("a", "b", "c", "d"), "must have the form"),
        ((None, 204), "returned None|None"),
        (True, "it was a bool"),
        (5, "it was a int"),
        (5.5, "it was a float"),
        (object(), "it was a object"),
        ({1}, "it was a set"),
        (lambda: None, "it was a function"),
        ((1, 2), "it was a int"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_an_answer(app: Any, answer: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text) as caught:
        get(app, answer)
    if "must have the form" not in text:
        assert "did not return a valid response" in str(caught.value)


def test_none_names_the_endpoint(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.testing = True

    @app.route("/none")
    def from_none() -> None:
        pass

    with pytest.raises(TypeError) as caught:
        app.test_client().get("/none")
    assert "returned None" in str(caught.value)
    assert "from_none" in str(caught.value)
    assert "The view function for 'from_none'" in str(caught.value)


def test_flasks_words_about_wrong_values(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.testing = True
    app.add_url_rule("/small", "small_tuple", lambda: ("Hello",))
    app.add_url_rule("/large", "large_tuple", lambda: ("Hello", 234, {}, "World"))
    app.add_url_rule("/bad_type", "bad_type", lambda: True)
    app.add_url_rule("/bad_wsgi", "bad_wsgi", lambda: lambda: None)
    client = app.test_client()
    for url in ("/small", "/large"):
        with pytest.raises(TypeError) as caught:
            client.get(url)
        assert "tuple must have the form" in str(caught.value)
    with pytest.raises(TypeError) as caught:
        client.get("/bad_type")
    assert "it was a bool" in str(caught.value)
    with pytest.raises(TypeError):
        client.get("/bad_wsgi")
    assert "The return type must be a string, dict, list, tuple with headers or status, Response instance, or WSGI" in (
        str(caught.value)
    )


def test_a_status_that_is_no_status(app: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        get(app, ("x", object()))


def test_a_class_may_be_a_wsgi_application(app: Any) -> None:
    class Wsgi:
        def __init__(self, environ: Any, start_response: Any) -> None:
            self.start_response = start_response

        def __iter__(self) -> Iterator[bytes]:
            self.start_response("200 OK", [("X-W", "1")])
            yield b"iterated"

    response = get(app, Wsgi)
    assert (response.data, response.headers["X-W"]) == (b"iterated", "1")


def test_a_generator_is_streamed(app: Any) -> None:
    def gen() -> Iterator[str]:
        yield "a"
        yield "b"

    response = get(app, gen())
    assert response.is_streamed
    assert response.data == b"ab"


def test_a_subclass_of_str_and_dict(app: Any) -> None:
    class Text(str):
        pass

    class Mapping(dict):  # type: ignore[type-arg]
        pass

    app.add_url_rule("/d", "d", lambda: Mapping(a=1))
    assert get(app, Text("x")).text == "x"
    assert app.test_client().get("/d").json == {"a": 1}


def test_an_own_response_class(flask: Any) -> None:
    class MyResponse(flask.Response):  # type: ignore[misc, name-defined]
        default_mimetype = "text/plain"
        default_status = 202

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        response_class = MyResponse

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/json", "json", lambda: {"a": 1})
    app.add_url_rule("/foreign", "foreign", lambda: WerkzeugResponse("f", 201))
    client = app.test_client()
    assert client.get("/").mimetype == "text/plain"
    assert client.get("/").status_code == 202
    assert client.get("/json").mimetype == "application/json"
    assert client.get("/foreign").status_code == 201
    with app.test_request_context():
        assert type(flask.make_response("x")) is MyResponse
        assert type(flask.make_response(WerkzeugResponse("x"))) is MyResponse
        assert type(flask.jsonify(1)) is MyResponse


def test_an_own_make_response_is_asked_for_every_answer(flask: Any) -> None:
    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def make_response(self, rv: Any) -> Any:
            if isinstance(rv, int):
                rv = str(rv)
            if rv is None:
                rv = ("", 204)
            return super().make_response(rv)

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: 5)
    app.add_url_rule("/none", "none", lambda: None)
    app.register_error_handler(404, lambda e: 404)
    client = app.test_client()
    assert client.get("/").text == "5"
    assert client.get("/none").status_code == 204
    assert client.get("/nowhere").text == "404"


def test_force_type_of_an_own_response_class(flask: Any) -> None:
    class MyResponse(flask.Response):  # type: ignore[misc, name-defined]
        @classmethod
        def force_type(cls, rv: Any, environ: Any = None) -> Any:
            if isinstance(rv, int):
                rv = cls(str(rv))
            return super().force_type(rv, environ)

    app = flask.Flask(__name__)
    app.testing = True
    app.response_class = MyResponse

    class Callable:
        def __call__(self, environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [])
            return [b"called"]

    assert get(app, Callable()).text == "called"


def test_a_response_mixin_of_another_library(app: Any, flask: Any) -> None:
    class Foreign(WerkzeugResponse):
        def extra(self) -> str:
            return "extra"

    with app.test_request_context():
        response = app.response_class.force_type(Foreign("x", 201))
        assert isinstance(response, flask.Response)
        assert response.status_code == 201


def test_jsonify_forms(app: Any, flask: Any) -> None:
    with app.test_request_context():
        assert flask.jsonify(1, 2).json == [1, 2]
        assert flask.jsonify({"a": 1}).json == {"a": 1}
        assert flask.jsonify(a=1).json == {"a": 1}
        assert flask.jsonify().json is None
        assert flask.jsonify(None).json is None
        assert flask.jsonify("x").json == "x"
        with pytest.raises(TypeError):
            flask.jsonify(1, a=2)
        assert flask.jsonify(1).data == b"1\n"
