"""What a view may return, what each of it becomes, and what is said of what it may not return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ImATeapot, NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen import Erlen, Response, abort, jsonify, make_response
from erlen.errors import ViewResultError


@pytest.fixture
def answer(app: Erlen) -> Callable[..., Any]:
    """Return what a client gets for a value that a view returns; a lambda is the view itself."""

    app.add_url_rule("/answer", "answer", str)

    def answer(value: Any) -> Any:
        is_recipe = getattr(value, "__name__", "") == "<lambda>"
        app.view_functions["answer"] = value if is_recipe else lambda: value
        return app.test_client().get("/answer")

    return answer


@pytest.fixture(params=["short way", "with an after-hook"], autouse=True)
def _both_ways(request: pytest.FixtureRequest, app: Erlen) -> None:
    """A value goes straight to the server, or becomes a response object that a hook can see: the same is sent."""
    if request.param == "with an after-hook":
        app.after_request(lambda response: response)


def test_text_is_html_in_utf_8(answer: Callable[..., Any]) -> None:
    got = answer("grün")
    assert (got.status, got.data, got.content_type) == ("200 OK", "grün".encode(), "text/html; charset=utf-8")
    assert got.content_length == 5


@pytest.mark.parametrize("value", [b"\x00\xff", bytearray(b"\x00\xff")])
def test_bytes_are_sent_as_they_are(answer: Callable[..., Any], value: Any) -> None:
    got = answer(value)
    assert got.data == b"\x00\xff"
    assert got.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize("value", [{}, {"a": [1, None, "ü"]}, [], [1, {"b": 2}]], ids=str)
def test_dicts_and_lists_are_json(answer: Callable[..., Any], value: Any) -> None:
    got = answer(value)
    assert got.json == value
    assert got.content_type == "application/json"


def test_subclasses_of_str_dict_and_list_are_what_they_derive_from(answer: Callable[..., Any]) -> None:
    class Text(str):
        __slots__ = ()

    class Mapping(dict[str, int]):
        pass

    class Sequence(list[int]):
        pass

    assert answer(Text("text")).text == "text"
    assert answer(Mapping(a=1)).json == {"a": 1}
    assert answer(Sequence([1])).json == [1]


def test_generators_and_iterators_are_streamed(answer: Callable[..., Any]) -> None:
    def pieces() -> Iterator[str]:
        yield "a"
        yield "ü"

    assert list(answer(pieces()).response) == [b"a", "ü".encode()]
    assert answer(iter([b"x", b"y"])).data == b"xy"


@pytest.mark.parametrize(
    ("value", "status", "headers"),
    [
        (("text", 201), "201 CREATED", {}),
        (("text", "299 SPECIAL"), "299 SPECIAL", {}),
        (("text", b"298 BYTES"), "298 BYTES", {}),
        (("text", {"X-A": "1"}), "200 OK", {"X-A": "1"}),
        (("text", [("X-A", "1"), ("X-B", "2")]), "200 OK", {"X-A": "1", "X-B": "2"}),
        (("text", (("X-A", "1"),)), "200 OK", {"X-A": "1"}),
        (("text", Headers({"X-A": "1"})), "200 OK", {"X-A": "1"}),
        (("text", 202, {"X-A": "1"}), "202 ACCEPTED", {"X-A": "1"}),
        (("text", None, {"X-A": "1"}), "200 OK", {"X-A": "1"}),
        (("text", 202, None), "202 ACCEPTED", {}),
        (("text", 200, {"Content-Type": "text/plain"}), "200 OK", {"Content-Type": "text/plain"}),
        (("text", 599), "599 UNKNOWN", {}),
    ],
    ids=str,
)
def test_a_tuple_gives_status_and_headers(
    answer: Callable[..., Any], value: Any, status: str, headers: dict[str, str]
) -> None:
    got = answer(value)
    assert got.status == status
    assert got.text == "text"
    for name, text in headers.items():
        assert got.headers.getlist(name) == [text]


def test_headers_of_a_tuple_replace_those_of_a_response_and_lists_give_several(answer: Callable[..., Any]) -> None:
    got = answer(lambda: (Response("x", headers={"X-A": "old"}), {"X-A": ["1", "2"]}))
    assert got.headers.getlist("X-A") == ["1", "2"]


def test_a_name_that_stands_twice_among_the_headers_of_a_text_is_sent_twice(answer: Callable[..., Any]) -> None:
    assert answer(("x", [("X-A", "1"), ("X-A", "2")])).headers.getlist("X-A") == ["1", "2"]
    assert answer(("x", 201, [("X-A", "1"), ("X-A", "2")])).headers.getlist("X-A") == ["1", "2"]


def test_headers_that_a_view_returns_are_not_changed(app: Erlen) -> None:
    shared = Headers({"X-A": "1"})
    app.add_url_rule("/", "index", lambda: ("x", shared))
    app.after_request(lambda response: response.headers.add("X-B", "2") or response)
    assert app.test_client().get("/").headers["X-B"] == "2"
    assert list(shared) == [("X-A", "1")]


def test_json_and_streams_take_status_and_headers_from_a_tuple(answer: Callable[..., Any]) -> None:
    got = answer(({"a": 1}, 201, {"X-A": "1"}))
    assert (got.status_code, got.json, got.headers["X-A"]) == (201, {"a": 1}, "1")
    got = answer((iter(["a"]), 206))
    assert (got.status_code, got.text) == (206, "a")


def test_a_response_is_sent_as_it_is_and_a_tuple_changes_its_status(answer: Callable[..., Any]) -> None:
    got = answer(lambda: Response("x", 404, mimetype="text/css"))
    assert (got.status_code, got.text, got.mimetype) == (404, "x", "text/css")
    got = answer(lambda: (Response("x", 404), 410))
    assert got.status_code == 410


def test_a_response_of_werkzeug_becomes_one_of_the_application(app: Erlen) -> None:
    with app.test_request_context():
        response = make_response(WerkzeugResponse("x", 201))
    assert type(response) is Response
    assert (response.status_code, response.get_data()) == (201, b"x")


def test_the_response_class_of_the_application_is_used(app: Erlen, answer: Callable[..., Any]) -> None:
    class Plain(Response):
        default_mimetype = "text/plain"

    app.response_class = Plain
    assert answer("x").mimetype == "text/plain"
    assert answer(lambda: WerkzeugResponse("x", mimetype="text/css")).mimetype == "text/css"


def test_an_http_exception_may_be_returned(answer: Callable[..., Any]) -> None:
    got = answer(NotFound("No such page."))
    assert got.status_code == 404
    assert "No such page." in got.text
    assert got.mimetype == "text/html"
    got = answer((ImATeapot(), 200))
    assert got.status_code == 200
    assert "teapot" in got.text.lower()


def test_an_http_exception_with_a_response_is_that_response(app: Erlen, answer: Callable[..., Any]) -> None:
    assert answer(NotFound(response=WerkzeugResponse("mine", 404))).text == "mine"
    app.view_functions["answer"] = lambda: abort(Response("given", 402))
    got = app.test_client().get("/answer")
    assert (got.status_code, got.text) == (402, "given")


def test_an_http_exception_with_its_own_get_response_is_asked(answer: Callable[..., Any]) -> None:
    class Special(NotFound):
        def get_response(self, *args: Any, **kwargs: Any) -> Any:
            return WerkzeugResponse("special", 299)

    got = answer(Special())
    assert (got.status_code, got.text) == (299, "special")


def test_an_http_exception_with_its_own_body_and_headers_keeps_them(answer: Callable[..., Any]) -> None:
    class Special(NotFound):
        def get_body(self, *args: Any) -> str:
            return "own body"

        def get_headers(self, *args: Any) -> list[tuple[str, str]]:
            return [("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2")]

    got = answer(Special())
    assert got.text == "own body"
    assert got.content_type == "text/plain"
    assert got.headers.getlist("X-A") == ["1", "2"]


@pytest.mark.parametrize("headers", [[], [("X-A", "1"), ("Content-Type", "text/css")]])
def test_an_http_exception_may_give_its_headers_in_any_order_or_none(
    answer: Callable[..., Any], headers: list[tuple[str, str]]
) -> None:
    class Special(NotFound):
        def get_headers(self, *args: Any) -> list[tuple[str, str]]:
            return headers

    got = answer(Special())
    assert got.status_code == 404
    assert got.content_type == dict(headers).get("Content-Type", "text/html; charset=utf-8")
    assert got.headers.get("X-A") == dict(headers).get("X-A")


def test_a_wsgi_callable_is_called(answer: Callable[..., Any]) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("299 FOREIGN", [("X-Path", environ["PATH_INFO"])])
        return [b"from wsgi"]

    got = answer(application)
    assert (got.status, got.data) == ("299 FOREIGN", b"from wsgi")
    assert "X-Path" in got.headers


# What cannot be sent, and what is said of it.

CHOICES = (
    "The return type must be a string, dict, list, tuple with headers or status, Response instance, or WSGI callable"
)


def refusal(app: Erlen, view: Callable[..., Any]) -> str:
    app.add_url_rule("/", "wrong", view)
    with pytest.raises(ViewResultError) as caught:
        app.test_client().get("/")
    assert isinstance(caught.value, TypeError)
    return str(caught.value)


def named(view: Callable[..., Any]) -> str:
    """How a message begins that names *view* by its file and line."""
    code = view.__code__
    place = f"tests/http/test_view_results.py:{code.co_firstlineno}"
    return f"The view function for 'wrong', {view.__qualname__}() at {place},"


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.chdir(pytestconfig.rootpath)


def test_none_is_refused_with_the_view_and_its_line(app: Erlen) -> None:
    def forgetful() -> Any:
        """Forgets to return."""

    assert refusal(app, forgetful) == (
        f"{named(forgetful)} did not return a valid response. The function either returned None or ended without a "
        f"return statement. {CHOICES}; for an empty answer write: return '', 204"
    )


def test_none_as_the_body_of_a_tuple_is_refused(app: Erlen) -> None:
    def empty() -> Any:
        return None, 204

    text = refusal(app, empty)
    assert text.startswith(f"{named(empty)} did not return a valid response. The function either returned None or ")
    assert "The None is the body of a tuple" in text
    assert text.endswith("for an empty answer write: return '', 204")


@pytest.mark.parametrize(("value", "count"), [((), 0), (("x",), 1), (("x", 200, {}, "y"), 4)])
def test_a_tuple_of_another_length_is_refused(app: Erlen, value: Any, count: int) -> None:
    def view() -> Any:
        return value

    assert refusal(app, view) == (
        f"{named(view)} did not return a valid response tuple. The tuple must have the form (body, status, headers), "
        f"(body, status), or (body, headers); this one has {count} items."
    )


class Plain:
    """Neither a body nor a callable."""


@pytest.mark.parametrize(
    ("value", "kind", "advice"),
    [
        (3, "int", " Write str(...) to show it as text, or jsonify(...) to send it as JSON."),
        (2.5, "float", " Write str(...) to show it as text, or jsonify(...) to send it as JSON."),
        (True, "bool", " Write str(...) to show it as text, or jsonify(...) to send it as JSON."),
        ({1, 2}, "set", " A set has no order: return a sorted list."),
        (frozenset(), "frozenset", " A set has no order: return a sorted list."),
        (Plain, "type", " It is the class itself: write Plain() to return an object of it."),
        (Plain(), "Plain", ""),
        (object(), "object", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_type_is_refused_with_advice(app: Erlen, value: Any, kind: str, advice: str) -> None:
    def view() -> Any:
        return value

    assert refusal(app, view) == (
        f"{named(view)} did not return a valid response. {CHOICES}, but it was a {kind}.{advice}"
    )


def test_a_callable_that_is_no_wsgi_application_is_refused(app: Erlen) -> None:
    def no_wsgi() -> str:
        return "x"

    def view() -> Any:
        return no_wsgi

    text = refusal(app, view)
    assert text.startswith(f"{named(view)} did not return a valid response. {CHOICES}, but it was a function")
    assert "that does not work as a WSGI callable: " in text


def test_a_value_that_is_no_json_names_where_it_stands(app: Erlen) -> None:
    def view() -> Any:
        return {"user": [1, object()]}

    app.add_url_rule("/", "wrong", view)
    with pytest.raises(TypeError, match=r"\['user'\]\[1\]"):
        app.test_client().get("/")


def test_make_response_refuses_the_same_and_says_that_it_was_given_it(app: Erlen) -> None:
    with app.test_request_context("/nowhere"), pytest.raises(ViewResultError) as caught:
        make_response(3)
    text = str(caught.value)
    assert text.startswith("The value given to make_response is no valid response")
    assert "did not return" not in text
    assert "a string, dict, list, tuple with headers or status" in text
    assert "int" in text


def test_the_status_may_be_any_number_that_http_allows(answer: Callable[..., Any]) -> None:
    assert answer(("", 418)).status == "418 I'M A TEAPOT"
    assert answer(("x", 204)).data == b""


def test_a_dict_and_jsonify_are_sent_with_the_same_type(app: Erlen) -> None:
    app.json.mimetype = "text/json"
    app.add_url_rule("/plain", "plain", lambda: {"a": 1})
    app.add_url_rule("/made", "made", lambda: jsonify(a=1))
    types = {app.test_client().get(path).content_type for path in ("/plain", "/made")}
    assert types == {"text/json; charset=utf-8"}


def test_jsonify_takes_one_value_several_or_keywords(app: Erlen) -> None:
    with app.test_request_context():
        assert jsonify().get_data().strip() == b"null"
        assert jsonify(1).json == 1
        assert jsonify(1, 2).json == [1, 2]
        assert jsonify(a=1).json == {"a": 1}
        assert jsonify({"a": 1}).mimetype == "application/json"
        with pytest.raises(TypeError, match="of both kinds"):
            jsonify(1, a=2)


def test_make_response_takes_what_a_view_returns(app: Erlen) -> None:
    with app.test_request_context():
        response = make_response("text", 201, {"X-A": "1"})
        assert (response.status_code, response.get_data(), response.headers["X-A"]) == (201, b"text", "1")
        assert make_response(("text", 202)).status_code == 202
        assert make_response({"a": 1}).json == {"a": 1}
        same = Response("x")
        assert make_response(same) is same


def test_a_text_in_the_place_of_the_headers_is_refused_and_named(app: Erlen, answer: Callable[..., Any]) -> None:
    app.testing = True
    with pytest.raises(ViewResultError, match=r"did not return a valid response tuple\. Its third item is the headers"):
        answer(("body", 200, "X-A: 1"))
