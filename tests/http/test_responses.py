"""Every response is what Werkzeug's own response would be on the wire: it is the oracle here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, create_environ
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen import Erlen, make_response
from erlen.http import response as response_module
from erlen.http.response import Response, content_type_of, lower, status_line


class Oracle(WerkzeugResponse):
    """Werkzeug's response with the two defaults that Flask documents."""

    default_mimetype = "text/html"
    autocorrect_location_header = False


def compared(status: str, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers in one order; where there is no content, it matters to nobody whether its type is told."""
    return sorted(pair for pair in headers if not (status.startswith("204") and pair[0].lower() == "content-type"))


def on_the_wire(response: WerkzeugResponse, method: str = "GET") -> tuple[str, list[tuple[str, str]], bytes]:
    status, headers, body = lower(response, create_environ("/page", method=method))
    return status, compared(status, headers), b"".join(body)


def from_werkzeug(response: WerkzeugResponse, method: str = "GET") -> tuple[str, list[tuple[str, str]], bytes]:
    body, status, headers = response.get_wsgi_response(create_environ("/page", method=method))
    return status, compared(status, headers), b"".join(body)


def assert_same(make: Callable[[type[Any]], WerkzeugResponse], method: str = "GET") -> None:
    assert on_the_wire(make(Response), method) == from_werkzeug(make(Oracle), method)


bodies = st.one_of(
    st.none(), st.text(max_size=20), st.binary(max_size=20), st.lists(st.text(max_size=5), max_size=3),
    st.lists(st.binary(max_size=5), max_size=3), st.tuples(st.binary(max_size=3)),
)  # fmt: skip
statuses = st.one_of(
    st.none(),
    st.sampled_from([100, 200, 201, 204, 206, 301, 304, 404, 418, 500, 599, 799]),
    st.sampled_from(["404 GONE FISHING", "200", "201 Created", HTTPStatus.CREATED, HTTPStatus.NOT_MODIFIED]),
)
header_sets = st.one_of(
    st.none(),
    st.sampled_from(
        [
            {"X-One": "1"},
            [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
            {"Content-Length": "3"},
            {"content-type": "text/plain"},
            {"Location": "/ü?a=ü b"},
            {"Location": "https://münchen.de/"},
            {"Content-Location": "/x y"},
            Headers({"ETag": '"x"'}),
        ]
    ),
)
types = st.sampled_from([None, "text/plain", "application/json", "image/png", "application/xml", "text/css"])
content_types = st.sampled_from([None, "text/plain; charset=latin1", "x/y"])


@settings(max_examples=500, deadline=None)
@given(body=bodies, status=statuses, headers=header_sets, mimetype=types, content_type=content_types,
       method=st.sampled_from(["GET", "HEAD", "POST"]))  # fmt: skip
def test_status_headers_and_body_on_the_wire_are_werkzeugs(
    body: Any, status: Any, headers: Any, mimetype: str | None, content_type: str | None, method: str
) -> None:
    def make(kind: type[Any]) -> WerkzeugResponse:
        own = Headers(headers) if isinstance(headers, Headers) else headers
        result: WerkzeugResponse = kind(body, status, own, mimetype, content_type)
        return result

    ours, theirs = make(Response), make(Oracle)
    assert ours.status == theirs.status
    assert ours.status_code == theirs.status_code
    assert ours.mimetype == theirs.mimetype
    assert ours.content_type == theirs.content_type
    assert ours.get_data() == theirs.get_data()
    assert ours.calculate_content_length() == theirs.calculate_content_length()
    assert_same(make, method)


COOKIES: list[dict[str, Any]] = [
    {"key": "a"},
    {"key": "a", "value": 'sp ace;"ü"'},
    {"key": "a", "max_age": 10},
    {"key": "a", "max_age": timedelta(days=1)},
    {"key": "a", "expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)},
    {"key": "a", "expires": 0},
    {"key": "a", "path": "/sub", "domain": ".example.org"},
    {"key": "a", "path": None},
    {"key": "a", "secure": True, "httponly": True, "samesite": "strict"},
    {"key": "a", "samesite": "Lax"},
    {"key": "a", "samesite": "None", "secure": True, "partitioned": True},
]


@pytest.mark.parametrize("cookie", COOKIES, ids=str)
def test_cookies_with_all_their_attributes_are_werkzeugs(cookie: dict[str, Any]) -> None:
    def make(kind: type[Any]) -> WerkzeugResponse:
        response: WerkzeugResponse = kind("body")
        response.set_cookie(**cookie)
        return response

    assert "Set-Cookie" in make(Response).headers
    assert_same(make)


def test_a_wrong_samesite_is_refused() -> None:
    with pytest.raises(ValueError, match="SameSite"):
        Response().set_cookie("a", samesite="sometimes")


def test_a_cookie_is_deleted_under_its_path_and_domain() -> None:
    def make(kind: type[Any]) -> WerkzeugResponse:
        response: WerkzeugResponse = kind("")
        response.delete_cookie("a", path="/sub", domain="example.org", secure=True, httponly=True, samesite="Lax")
        return response

    assert "Max-Age=0" in make(Response).headers["Set-Cookie"]
    assert_same(make)


CHANGES: dict[str, Callable[[Any], object]] = {
    "status": lambda response: setattr(response, "status", "418 I'M A TEAPOT"),
    "status code": lambda response: setattr(response, "status_code", 404),
    "no content": lambda response: setattr(response, "status_code", 204),
    "not modified": lambda response: setattr(response, "status_code", 304),
    "data": lambda response: setattr(response, "data", "ü"),
    "bytes": lambda response: response.set_data(b"\x00"),
    "response list": lambda response: setattr(response, "response", [b"a", b"b"]),
    "response of text": lambda response: setattr(response, "response", ["ä", "ö"]),
    "response generator": lambda response: setattr(response, "response", (piece for piece in (b"a", b"b"))),
    "mimetype": lambda response: setattr(response, "mimetype", "text/csv"),
    "content type": lambda response: setattr(response, "content_type", "text/csv; header=present"),
    "mimetype parameters": lambda response: response.mimetype_params.update(charset="latin1"),
    "location": lambda response: setattr(response, "location", "/hällo"),
    "content length": lambda response: setattr(response, "content_length", 3),
    "a removed type": lambda response: response.headers.pop("Content-Type"),
    "a removed length": lambda response: response.headers.pop("Content-Length", None),
    "cache control": lambda response: setattr(response.cache_control, "max_age", 5),
    "expires": lambda response: setattr(response, "expires", datetime(2030, 1, 1, tzinfo=UTC)),
    "last modified": lambda response: setattr(response, "last_modified", datetime(2020, 1, 1, tzinfo=UTC)),
    "vary": lambda response: response.vary.add("Cookie"),
    "etag": lambda response: response.add_etag(),
    "set etag": lambda response: response.set_etag("x", weak=True),
    "content language": lambda response: response.content_language.add("de"),
    "allow": lambda response: response.allow.update({"GET"}),
    "retry after": lambda response: setattr(response, "retry_after", 9),
    "age": lambda response: setattr(response, "age", 9),
    "www-authenticate": lambda response: response.headers.set("WWW-Authenticate", 'Basic realm="x"'),
    "content security policy": lambda response: setattr(response.content_security_policy, "default_src", "'self'"),
    "cross origin": lambda response: setattr(response, "access_control_allow_origin", "*"),
    "stream": lambda response: response.stream.write(b"more"),
    "freeze": lambda response: response.freeze(),
    "sequence": lambda response: response.make_sequence(),
    "conditional": lambda response: response.make_conditional(create_environ(headers={"Range": "bytes=0-1"}), True, 4),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("body", ["text", b"data", ["a", "b"], None], ids=["str", "bytes", "list", "none"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_response_that_was_changed_is_sent_as_werkzeug_sends_it(change: str, body: Any, method: str) -> None:
    def make(kind: type[Any]) -> WerkzeugResponse:
        response: WerkzeugResponse = kind(copy(body))
        CHANGES[change](response)
        return response

    assert_same(make, method)


def test_a_response_without_a_default_type_has_no_content_type() -> None:
    class Bare(Response):
        default_mimetype = None

    class BareOracle(Oracle):
        default_mimetype = None

    assert on_the_wire(Bare("x")) == from_werkzeug(BareOracle("x"))
    assert "Content-Type" not in Bare("x").headers


def test_a_bytearray_and_an_iterable_are_bodies_too() -> None:
    assert_same(lambda kind: kind(bytearray(b"abc")))
    assert_same(lambda kind: kind(iter(["a", "b"])))
    assert_same(lambda kind: kind(("a", b"b")))


def test_callbacks_for_the_end_of_a_response_are_called() -> None:
    called: list[str] = []
    response = Response("x")
    response.call_on_close(lambda: called.append("closed"))
    _, _, body = lower(response, create_environ())
    assert b"".join(body) == b"x"
    body.close()  # type: ignore[attr-defined]
    assert called == ["closed"]


def test_each_response_has_its_own_list_of_callbacks_and_headers() -> None:
    one, two = Response("x"), Response("x")
    one.call_on_close(lambda: None)
    one.headers["X-One"] = "1"
    assert two._on_close == []
    assert "X-One" not in two.headers


def test_sending_does_not_change_the_response() -> None:
    response = Response([b"a", b"b"])
    lower(response, create_environ())
    assert "Content-Length" not in response.headers


OVERRIDES: dict[str, dict[str, Any]] = {
    "get_wsgi_headers": {
        "get_wsgi_headers": lambda self, environ: Headers(
            [*super(type(self), self).get_wsgi_headers(environ), ("X", "y")]
        )
    },
    "get_app_iter": {"get_app_iter": lambda self, environ: [b"mine"]},
    "iter_encoded": {"iter_encoded": lambda self: iter([b"encoded"])},
    "get_wsgi_response": {
        "get_wsgi_response": lambda self, environ: ([b"own"], "299 OWN", [("X-Own", environ["PATH_INFO"])])
    },
    "automatically_set_content_length": {"automatically_set_content_length": False},
    "implicit_sequence_conversion": {"implicit_sequence_conversion": False},
    "autocorrect_location_header": {"autocorrect_location_header": True},
    "default_status": {"default_status": 201},
    "default_mimetype": {"default_mimetype": "text/plain"},
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("body", ["text", ["text"]], ids=["str", "list"])
@pytest.mark.parametrize("name", OVERRIDES)
def test_what_a_subclass_overrides_takes_effect(name: str, body: Any, method: str) -> None:
    ours = type("Ours", (Response,), OVERRIDES[name])
    theirs = type("Theirs", (Oracle,), OVERRIDES[name])

    def make(kind: type[Any]) -> WerkzeugResponse:
        response: WerkzeugResponse = kind(body)
        if name == "autocorrect_location_header":
            response.location = "/there"
        return response

    assert on_the_wire(make(ours), method) == from_werkzeug(make(theirs), method)


def test_a_subclass_may_be_sent_by_its_own_call(app: Erlen) -> None:
    class Shouting(Response):
        def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
            start_response("299 LOUD", [("X-Loud", "yes")])
            return [self.get_data().upper()]

    class Louder(Shouting):
        """Inherits the way it is sent."""

    app.response_class = Shouting
    app.add_url_rule("/", "index", lambda: "text")
    app.add_url_rule("/louder", "louder", lambda: Louder("more"))
    for path, text in (("/", "TEXT"), ("/louder", "MORE")):
        answer = app.test_client().get(path)
        assert (answer.status, answer.text, answer.headers["X-Loud"]) == ("299 LOUD", text, "yes")


def test_a_subclass_that_closes_differently_is_closed_so(app: Erlen) -> None:
    closed: list[str] = []

    class Closing(Response):
        def close(self) -> None:
            super().close()
            closed.append("closed")

    app.add_url_rule("/", "index", lambda: Closing("x"))
    assert app.test_client().get("/", buffered=True).text == "x"
    assert closed == ["closed"]


def test_a_location_is_sent_relative_as_it_was_given(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: ("", 302, {"Location": "/there"}))
    assert app.test_client().get("/").headers["Location"] == "/there"


@pytest.mark.parametrize("code", [204, 304])
def test_an_answer_that_has_no_body_is_sent_without_one(app: Erlen, code: int) -> None:
    app.add_url_rule("/", "index", lambda: ("ignored", code))
    answer = app.test_client().get("/")
    assert answer.data == b""
    assert "Content-Length" not in answer.headers
    assert answer.status_code == code


@pytest.mark.parametrize("view", [lambda: "text", lambda: {"a": 1}, lambda: ("text", 201), lambda: iter(["te", "xt"])])
def test_a_head_request_gets_the_headers_and_no_body(app: Erlen, view: Any) -> None:
    app.add_url_rule("/", "index", view)
    client = app.test_client()
    got, head = client.get("/"), client.head("/")
    assert head.data == b""
    assert head.status == got.status
    assert dict(head.headers) == dict(got.headers)
    assert got.data != b""


def test_the_status_line_of_every_code_is_werkzeugs() -> None:
    for code in range(100, 600):
        assert status_line(code) == Oracle(status=code).status, code


def test_the_content_type_of_a_type_is_kept_but_not_for_ever() -> None:
    for number in range(600):
        assert content_type_of(f"text/x-{number}") == f"text/x-{number}; charset=utf-8"
    assert len(response_module._CONTENT_TYPES) <= 501
    assert content_type_of("image/png") == "image/png"


def test_json_of_a_response_is_read_by_the_applications_provider(app: Erlen) -> None:
    response = Response('{"a": 1}', mimetype="application/json")
    assert response.json_module is WerkzeugResponse.json_module
    assert response.get_json() == {"a": 1}
    with app.app_context():
        assert response.json_module is app.json
        assert response.json == {"a": 1}


def test_another_json_module_may_be_set_on_a_response() -> None:
    class Module:
        @staticmethod
        def loads(text: str | bytes) -> str:
            return "mine"

    response = Response("{}", mimetype="application/json")
    response.json_module = Module
    assert response.json_module is Module
    assert response.json == "mine"


def test_a_cookie_larger_than_max_cookie_size_is_warned_of(app: Erlen) -> None:
    with app.app_context():
        app.config["MAX_COOKIE_SIZE"] = 50
        with pytest.warns(UserWarning, match="'big' cookie is too large"):
            Response().set_cookie("big", "x" * 60)
        app.config["MAX_COOKIE_SIZE"] = 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Response().set_cookie("big", "x" * 10_000)
    assert Response().max_cookie_size == WerkzeugResponse.max_cookie_size


def test_force_type_makes_one_of_ours_of_a_foreign_response() -> None:
    foreign = WerkzeugResponse("x", 201, {"X-A": "1"})
    ours = Response.force_type(foreign)
    assert type(ours) is Response
    assert (ours.status_code, ours.headers["X-A"], ours.get_data()) == (201, "1", b"x")


def test_a_response_can_be_used_in_a_with_statement_and_shown() -> None:
    with Response("x") as response:
        assert repr(response) == "<Response 1 bytes [200 OK]>"


def test_from_app_makes_a_response_of_a_wsgi_application(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: "hello")
    response = Response.from_app(app, EnvironBuilder("/").get_environ())
    assert response.get_data() == b"hello"
    assert type(response) is Response


def test_a_streamed_body_is_sent_in_its_pieces_without_a_length(app: Erlen) -> None:
    def pieces() -> Iterator[str]:
        yield "a"
        yield "ü"

    app.add_url_rule("/", "index", lambda: Response(pieces(), mimetype="text/plain"))
    answer = app.test_client().get("/")
    assert list(answer.response) == [b"a", "ü".encode()]
    assert "Content-Length" not in answer.headers


def test_direct_passthrough_hands_bytes_over_as_they_are(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: Response([b"raw"], direct_passthrough=True))
    app.add_url_rule("/text", "text", lambda: Response(b"raw", direct_passthrough=True))
    client = app.test_client()
    assert client.get("/").data == b"raw"
    assert client.get("/text").data == b"raw"
    with pytest.raises(RuntimeError, match="direct passthrough"):
        Response(iter([b"raw"]), direct_passthrough=True).get_data()


@pytest.mark.parametrize("wrong", ["a\nb: c", "a\rb", "a\r\nSet-Cookie: x=1"])
def test_a_header_with_a_line_break_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="newline"):
        Response("x").headers["X-A"] = wrong
    with pytest.raises(ValueError, match="newline"):
        Response("x", headers={"X-A": wrong})


def test_a_mimetype_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="newline"):
        Response("x", mimetype="text/plain\r\nX-A: b")
    with pytest.raises(ValueError, match="newline"):
        Response("x", content_type="text/plain\nX-A: b")


def test_an_empty_status_is_refused() -> None:
    with pytest.raises(ValueError, match="Empty status"):
        Response("x", status="")


def test_make_response_of_nothing_is_an_empty_page(app: Erlen) -> None:
    with app.test_request_context():
        response = make_response()
    assert type(response) is Response
    assert (response.status_code, response.get_data(), response.mimetype) == (200, b"", "text/html")
