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


def postbox(environ: Any, start_response: Any) -> Any:
    """A WSGI application: it says how it was asked."""
    start_response("207 Multi-Status", [("X-Box", "yellow"), ("Content-Type", "text/csv")])
    return [b"asked by ", environ["REQUEST_METHOD"].encode()]


BODIES: dict[str, tuple[Any, bytes, str]] = {
    "str": (lambda: "Zürich – Genève", "Zürich – Genève".encode(), "text/html; charset=utf-8"),
    "empty str": (lambda: "", b"", "text/html; charset=utf-8"),
    "bytes": (lambda: b"\x00\xff", b"\x00\xff", "text/html; charset=utf-8"),
    "bytearray": (lambda: bytearray(b"grow"), b"grow", "text/html; charset=utf-8"),
    "dict": (lambda: {"stamps": 3}, b'{"stamps":3}\n', "application/json"),
    "empty dict": (dict, b"{}\n", "application/json"),
    "list": (lambda: ["north", None], b'["north",null]\n', "application/json"),
    "empty list": (list, b"[]\n", "application/json"),
    "iterator": (lambda: iter(["to", b"gether"]), b"together", "text/html; charset=utf-8"),
    "generator": (lambda: (str(n) for n in range(4)), b"0123", "text/html; charset=utf-8"),
    "foreign": (lambda: WerkzeugResponse("from abroad"), b"from abroad", "text/plain; charset=utf-8"),
    "wsgi": (lambda: postbox, b"asked by GET", "text/csv"),
}
WRAPPED: dict[str, tuple[Any, Any, Any]] = {
    "alone": (lambda body: body, None, None),
    "number": (lambda body: (body, 226), "226 IM USED", None),
    "text": (lambda body: (body, "299 Returned To Sender"), "299 Returned To Sender", None),
    "enum": (lambda body: (body, HTTPStatus.GONE), "410 GONE", None),
    "dict": (lambda body: (body, {"X-Weight": "20g"}), None, ["20g"]),
    "pairs": (lambda body: (body, [("X-Weight", "20g")]), None, ["20g"]),
    "tuple of pairs": (lambda body: (body, (("X-Weight", "20g"),)), None, ["20g"]),
    "Headers": (lambda body: (body, Headers({"X-Weight": "20g"})), None, ["20g"]),
    "status and dict": (lambda body: (body, 203, {"X-Weight": ["20g", "50g"]}), "203 NON", ["20g", "50g"]),
    "no status and dict": (lambda body: (body, None, {"X-Weight": "20g"}), None, ["20g"]),
}


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_every_body_goes_with_every_form_of_status_and_headers(app: Any, wrapped: str) -> None:
    wrap, status, weights = WRAPPED[wrapped]
    for name, (make, _, _) in BODIES.items():
        app.add_url_rule(f"/{name}", name, lambda make=make: wrap(make()))
    client = app.test_client()
    for name, (_, body, content_type) in BODIES.items():
        response = client.get(f"/{name}")
        assert (name, response.data, response.content_type) == (name, body, content_type)
        usual = "207 Multi-Status" if name == "wsgi" else "200 OK"
        assert response.status.startswith(status or usual)
        assert response.headers.getlist("X-Weight") == (weights or [])


def test_an_http_error_that_is_returned_is_its_page_and_a_status_beside_it_counts(app: Any) -> None:
    app.add_url_rule("/moved", "moved", lambda: (NotFound("no such street"), 410))
    assert get(app, NotFound("no such street")).status_code == 404
    moved = app.test_client().get("/moved")
    assert moved.status_code == 410
    assert "no such street" in moved.text


def test_make_response_is_what_a_view_that_returned_the_same_would_answer(app: Any, flask: Any) -> None:
    """Several arguments are the tuple; what changes then is the response itself, as decorators of views want."""
    answers: list[tuple[Any, ...]] = [
        ("a card",), ("a card", 418), ("a card", {"X-Weight": "5g"}), ({"cards": 2}, "202 Later", [("X-Weight", "5g")]),
    ]  # fmt: skip
    for number, answer in enumerate(answers):
        returned = answer if len(answer) > 1 else answer[0]
        app.add_url_rule(f"/{number}", str(number), lambda returned=returned: returned)
    client = app.test_client()
    for number, answer in enumerate(answers):
        with app.test_request_context():
            made = flask.make_response(*answer)
        response = client.get(f"/{number}")
        assert (made.status, made.data, sorted(made.headers)) == (
            response.status, response.data, sorted(response.headers),
        )  # fmt: skip


def test_make_response_of_nothing_is_an_empty_response_to_fill(app: Any, flask: Any) -> None:
    with app.test_request_context():
        empty = flask.make_response()
        assert isinstance(empty, app.response_class)
        assert empty.get_data(as_text=True) == ""
        empty.set_data("a letter after all")
        assert flask.make_response(empty) is empty
        assert flask.make_response(empty, 201, {"X-Weight": "9g"}) is empty
        assert (empty.status_code, empty.headers["X-Weight"]) == (201, "9g")


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (None, ["The view function for 'the_view'", "returned None"]),
        ((None, 503), ["The view function for 'the_view'", "returned None"]),
        ((), ["tuple must have the form (body, status, headers), (body, status), or (body, headers)"]),
        (("alone",), ["tuple must have the form"]),
        (("a", 200, {}, b"too much"), ["tuple must have the form"]),
        (8, ["did not return a valid response", "but it was a int."]),
        ((2.5, 201), ["did not return a valid response", "but it was a float."]),
        (
            range(3),
            ["must be a string, dict, list, tuple with headers or status", "but it was a range."],
        ),
        (frozenset("ab"), ["but it was a frozenset."]),
        (complex(1, 2), ["but it was a complex."]),
        (lambda: "not called", ["did not return a valid response"]),
    ],
    ids=lambda value: None if isinstance(value, list) else type(value).__name__,
)
def test_what_no_response_can_be_made_of_is_described(app: Any, answer: Any, texts: list[str]) -> None:
    with pytest.raises(TypeError) as caught:
        get(app, answer)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_the_response_class_makes_and_coerces_every_answer(flask: Any) -> None:
    """The class of the application is that of its answers, of helpers, and of what other libraries return."""

    class Parcel(flask.Response):  # type: ignore[misc, name-defined]
        default_mimetype = "application/x-parcel"
        default_status = 202

        @property
        def weight(self) -> int:
            return len(self.get_data())

    app = flask.Flask("post_office")
    app.response_class = Parcel
    with app.test_request_context():
        made = [flask.make_response(value) for value in ("book", b"book", iter("book"), WerkzeugResponse("book", 250))]
        assert [(type(parcel), parcel.weight) for parcel in made] == [(Parcel, 4)] * 4
        assert [parcel.status_code for parcel in made] == [202, 202, 202, 250]
        assert made[0].mimetype == "application/x-parcel"
        assert type(flask.jsonify(book=1)) is Parcel
        assert flask.jsonify(book=1).mimetype == "application/json"
        foreign = WerkzeugResponse("a cycle", 203)
        assert Parcel.force_type(foreign) is foreign
        assert (type(foreign), foreign.weight) == (Parcel, 7)  # type: ignore[attr-defined, comparison-overlap]
        assert Parcel.force_type(postbox, flask.request.environ).weight == len("asked by GET")


@pytest.mark.parametrize(
    ("args", "kwargs", "body"),
    [
        ((), {}, None),
        (([],), {}, []),
        (("parcel",), {}, "parcel"),
        ((False,), {}, False),
        (("parcel", None, {"to": "Ulm"}), {}, ["parcel", None, {"to": "Ulm"}]),
        ((), {"to": "Ulm", "by": ["rail", "road"]}, {"to": "Ulm", "by": ["rail", "road"]}),
    ],
)
def test_jsonify_takes_one_value_several_or_names(app: Any, flask: Any, args: Any, kwargs: Any, body: Any) -> None:
    with app.app_context():
        assert flask.jsonify(*args, **kwargs).get_json() == body
        with pytest.raises(TypeError):
            flask.jsonify("parcel", *args, **{**kwargs, "to": "Bonn"})


def test_the_type_is_flasks_response(app: Any, flask: Any) -> None:
    with app.test_request_context():
        for value in ("a", b"a", {"a": 1}, [1], iter("a"), WerkzeugResponse("x"), postbox, NotFound(), ("a", 201)):
            response = flask.make_response(value)
            assert isinstance(response, flask.Response)
            assert response.__class__ is app.response_class


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
