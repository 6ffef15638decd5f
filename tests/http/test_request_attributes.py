"""Every attribute of a request is what Werkzeug's own request says: it is the oracle here."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequestKeyError
from werkzeug.http import parse_cookie
from werkzeug.sansio.http import parse_cookie as sansio_parse_cookie
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen import Blueprint, Erlen, request
from erlen.http.request import Request, lazy

COMPARED = [
    name
    for name in dir(WerkzeugRequest)
    if not name.startswith("_")
    and not callable(getattr(WerkzeugRequest, name))
    # What is none of a request's own, reads the body, or differs on purpose: these have tests of their own.
    and name not in {"json_module", "stream", "input_stream", "data", "form", "files", "values", "json", "cookies"}
]
COMPARED += ["method", "scheme", "server", "root_path", "path", "query_string", "headers", "remote_addr"]


def environ_of(**values: Any) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    return {**environ, **values}


def outcome(request: WerkzeugRequest, name: str) -> Any:
    """The value of an attribute in a form that can be compared, or the exception that asking for it raises."""
    try:
        value = getattr(request, name)
        if name == "headers":
            return list(value)
        if isinstance(value, MultiDict):
            return type(value), list(value.items(multi=True))
        if name == "user_agent":
            return type(value), str(value)
        return (type(value), value.to_header()) if hasattr(value, "to_header") else value
    except Exception as error:
        return type(error), str(error)


def assert_same(environ: dict[str, Any]) -> None:
    ours, theirs = Request(dict(environ)), WerkzeugRequest(dict(environ), populate_request=False)
    for name in COMPARED:
        assert outcome(ours, name) == outcome(theirs, name), name


latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def as_wsgi(text: str) -> str:
    return text.encode().decode("latin1")


@settings(max_examples=150, deadline=None)
@given(
    path=st.one_of(latin, texts.map(as_wsgi), st.sampled_from(["", "/", "//", "///a//b/", "a", "/ü", "//evil.test/x"])),
    script=st.one_of(st.just(""), latin, texts.map(lambda text: "/" + as_wsgi(text) + "/")),
    query=texts.map(as_wsgi),
    method=st.one_of(st.sampled_from(["GET", "POST", "get", "PATCH"]), st.text("abcXYZ", min_size=1, max_size=5)),
    host=st.one_of(
        st.none(), st.sampled_from(["localhost", "example.org:8080", "[::1]:80", "a b", "ünï", "x:443", ""])
    ),
    scheme=st.sampled_from(["http", "https", "ws", "wss"]),
    name=st.one_of(st.none(), st.sampled_from(["localhost", "10.0.0.1", "unix:///tmp/socket", "::1"])),
    port=st.sampled_from(["80", "443", "8000", "", "x"]),
)
def test_the_url_of_a_request_is_read_as_werkzeug_reads_it(
    path: str, script: str, query: str, method: str, host: str | None, scheme: str, name: str | None, port: str
) -> None:
    environ = environ_of(
        PATH_INFO=path, SCRIPT_NAME=script, QUERY_STRING=query, REQUEST_METHOD=method, SERVER_PORT=port
    )
    environ["wsgi.url_scheme"] = scheme
    if host is not None:
        environ["HTTP_HOST"] = host
    if name is None:
        del environ["SERVER_NAME"]
    else:
        environ["SERVER_NAME"] = name
    assert_same(environ)


def test_raw_bytes_that_are_not_utf_8_stay_escaped_and_break_no_view(app: Erlen) -> None:
    found = Request(environ_of(QUERY_STRING="\x80=1&b=2"))
    assert found.args.to_dict() == {"%80": "1", "b": "2"}
    assert found.full_path == "/?%80=1&b=2"
    app.add_url_rule("/", "index", lambda: dict(request.args))
    response = app.test_client().get("/", environ_overrides={"QUERY_STRING": "a=\xff"})
    assert response.json == {"a": "%FF"}


pairs = st.lists(st.tuples(texts, texts), max_size=5)
raw_queries = st.one_of(
    latin,
    st.text("ab=&+%;?#0C3 \xe9", max_size=24),
    pairs.map(lambda items: EnvironBuilder(query_string=MultiDict(items)).query_string),
)


@settings(max_examples=400, deadline=None)
@given(query=raw_queries)
def test_the_query_string_is_parsed_as_werkzeug_parses_it(query: str) -> None:
    # Werkzeug fails on raw bytes that are not UTF-8; escaped ones it keeps escaped, and so are both here.
    escaped = "".join(char if char.isascii() else f"%{ord(char):02X}" for char in query)
    ours = Request(environ_of(QUERY_STRING=query)).args
    theirs = WerkzeugRequest(environ_of(QUERY_STRING=escaped)).args
    assert type(ours) is ImmutableMultiDict
    assert list(ours.items(multi=True)) == list(theirs.items(multi=True))
    assert list(ours.lists()) == list(theirs.lists())
    assert ours == theirs
    assert hash(ours) == hash(theirs)


@settings(max_examples=100, deadline=None)
@given(items=pairs)
def test_what_was_put_into_a_query_string_comes_out_of_it(items: list[tuple[str, str]]) -> None:
    environ = environ_of(QUERY_STRING=EnvironBuilder(query_string=MultiDict(items)).query_string)
    expected = MultiDict(items)
    assert Request(environ).args.to_dict(flat=False) == expected.to_dict(flat=False)


HEADERS = {
    "ACCEPT": ["text/html;q=0.8, application/json", "*/*", "a/b;q=x", ""],
    "ACCEPT_CHARSET": ["utf-8, iso-8859-1;q=0.5"],
    "ACCEPT_ENCODING": ["gzip, br;q=0"],
    "ACCEPT_LANGUAGE": ["de-CH, en;q=0.5"],
    "AUTHORIZATION": ["Basic YTpi", "Bearer x.y", "Basic ???", "Digest a=b"],
    "CACHE_CONTROL": ["no-cache, max-age=0", "max-age=x"],
    "COOKIE": ['a=1; b="x y"; a=2', "=", "\xc3\xbc=\xc3\xbc", "a=%ff; b=\xff", "a; b; c=;"],
    "DATE": ["Sun, 06 Nov 1994 08:49:37 GMT", "yesterday"],
    "EXPECT": ["100-continue"],
    "FROM": ["a@example.org"],
    "IF_MATCH": ['"a", W/"b"', "*"],
    "IF_MODIFIED_SINCE": ["Sun, 06 Nov 1994 08:49:37 GMT"],
    "IF_NONE_MATCH": ['"a"'],
    "IF_RANGE": ['"a"', "Sun, 06 Nov 1994 08:49:37 GMT"],
    "IF_UNMODIFIED_SINCE": ["Sun, 06 Nov 1994 08:49:37 GMT"],
    "MAX_FORWARDS": ["3", "x"],
    "ORIGIN": ["https://example.org"],
    "PRAGMA": ["no-cache"],
    "RANGE": ["bytes=0-5", "bytes=-1", "bytes=x"],
    "REFERER": ["https://example.org/"],
    "TRANSFER_ENCODING": ["chunked"],
    "USER_AGENT": ["Mozilla/5.0 (ü)".encode().decode("latin1")],
    "X_FORWARDED_FOR": ["10.0.0.1, 10.0.0.2"],
    "ACCESS_CONTROL_REQUEST_HEADERS": ["X-A, X-B"],
    "ACCESS_CONTROL_REQUEST_METHOD": ["PUT"],
    "UPGRADE_INSECURE_REQUESTS": ["1"],
}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_header_attribute_is_werkzeugs(data: st.DataObject) -> None:
    environ = environ_of()
    for name in data.draw(st.lists(st.sampled_from(sorted(HEADERS)), unique=True)):
        environ[f"HTTP_{name}"] = data.draw(st.sampled_from(HEADERS[name]) | latin)
    if data.draw(st.booleans()):
        environ["CONTENT_TYPE"] = data.draw(st.sampled_from(["text/html; charset=latin1", "application/json", "", "x"]))
    if data.draw(st.booleans()):
        environ["CONTENT_LENGTH"] = data.draw(st.sampled_from(["0", "12", "", "-1", "x"]))
    if data.draw(st.booleans()):
        environ["REMOTE_ADDR"] = "127.0.0.1"
        environ["REMOTE_USER"] = "ada"
        environ["wsgi.multithread"] = True
    assert_same(environ)


@settings(max_examples=150, deadline=None)
@given(header=st.one_of(st.sampled_from(HEADERS["COOKIE"]), texts.map(as_wsgi), st.text('ab=;" ,\\0123%\xc3\xbc')))
def test_cookies_are_parsed_as_werkzeug_parses_those_of_an_environ(header: str) -> None:
    environ = environ_of(HTTP_COOKIE=header)
    try:
        expected = parse_cookie(environ)
    except UnicodeDecodeError:  # Werkzeug fails on bytes that are not UTF-8
        expected = sansio_parse_cookie(header.encode("latin1").decode(errors="replace"))
    assert list(Request(environ).cookies.items(multi=True)) == list(expected.items(multi=True))
    assert type(Request(environ).cookies) is ImmutableMultiDict


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data", None])
def test_form_files_values_and_data_are_werkzeugs(content_type: str | None) -> None:
    data: Any = {"name": ["Ada", "Löve"], "empty": ""} if content_type else b"raw bytes"
    if content_type == "multipart/form-data":
        data = {**data, "file": (io.BytesIO(b"content"), "ü.txt", "text/plain")}
    builder = EnvironBuilder("/?name=query", method="POST", data=data, content_type=content_type)
    sent = builder.get_environ()
    builder.close()
    body = sent["wsgi.input"].read()

    def environ() -> dict[str, Any]:
        return {**sent, "wsgi.input": io.BytesIO(body)}

    ours, theirs = Request(environ()), WerkzeugRequest(environ())
    for name in ("form", "values"):
        assert outcome(ours, name) == outcome(theirs, name)
    read = {key: (file.filename, file.mimetype, file.read()) for key, file in ours.files.items()}
    assert read == {key: (file.filename, file.mimetype, file.read()) for key, file in theirs.files.items()}
    assert Request(environ()).get_data() == WerkzeugRequest(environ()).get_data()
    assert Request(environ()).get_data(as_text=True) == WerkzeugRequest(environ()).get_data(as_text=True)
    assert Request(environ()).stream.read() == WerkzeugRequest(environ()).stream.read()
    for opened in (ours, theirs):
        opened.close()


def test_a_missing_form_field_is_a_bad_request_error_with_the_key() -> None:
    found = Request(environ_of(REQUEST_METHOD="POST"))
    with pytest.raises(BadRequestKeyError) as caught:
        found.form["name"]
    assert caught.value.args == ("name",)


def test_a_request_without_any_server_keys_has_werkzeugs_fallbacks() -> None:
    found = Request({})
    assert (found.method, found.path, found.root_path, found.query_string) == ("GET", "/", "", b"")
    assert found.scheme == "http"
    assert found.server is None
    assert found.remote_addr is None


def test_the_server_of_a_unix_socket_has_no_port() -> None:
    assert Request({"SERVER_NAME": "/run/app.sock"}).server == ("/run/app.sock", None)


def test_a_value_is_computed_once_and_can_be_replaced() -> None:
    found = Request(environ_of(QUERY_STRING="a=1"))
    assert found.args is found.args
    assert found.headers is found.headers
    found.path = "/elsewhere"
    assert found.path == "/elsewhere"
    found.method = "PUT"
    assert found.method == "PUT"


def test_the_request_is_never_put_into_the_environ() -> None:
    environ = environ_of()
    Request(environ, populate_request=True)
    assert "werkzeug.request" not in environ


def test_a_shallow_request_refuses_to_read_the_body() -> None:
    found = Request(environ_of(), shallow=True)
    with pytest.raises(RuntimeError, match="shallow"):
        found.stream  # noqa: B018 - asking is the test


def test_a_subclass_may_choose_how_parameters_are_kept() -> None:
    class Mutable(Request):
        parameter_storage_class = MultiDict

        dict_storage_class = MultiDict

    found = Mutable(environ_of(QUERY_STRING="a=1&a=2", HTTP_COOKIE="b=3"))
    assert type(found.args) is MultiDict
    assert found.args.getlist("a") == ["1", "2"]
    assert type(found.cookies) is MultiDict
    assert found.cookies["b"] == "3"


def test_a_lazy_value_asked_of_the_class_is_the_descriptor_with_its_docstring() -> None:
    assert isinstance(Request.root_path, lazy)
    assert "mounted" in (Request.root_path.__doc__ or "")


def test_a_request_is_an_instance_of_werkzeugs_class() -> None:
    assert issubclass(Request, WerkzeugRequest)


def test_a_request_outside_of_an_application_matched_nothing() -> None:
    found = Request(environ_of())
    assert found.url_rule is None
    assert found.endpoint is None
    assert found.view_args is None
    assert found.routing_exception is None
    assert found.blueprint is None
    assert found.blueprints == []


def test_a_request_names_its_rule_endpoint_values_and_blueprints(app: Erlen) -> None:
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    seen: list[Any] = []

    @inner.get("/<int:number>")
    def show(number: int) -> str:
        seen.extend([str(request.url_rule), request.endpoint, request.view_args, request.blueprint, request.blueprints])
        return ""

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.test_client().get("/outer/inner/7")
    assert seen == [
        "/outer/inner/<int:number>", "outer.inner.show", {"number": 7}, "outer.inner", ["outer.inner", "outer"],
    ]  # fmt: skip


def test_a_request_that_no_rule_matched_keeps_the_routing_exception(app: Erlen) -> None:
    with app.test_request_context("/nowhere"):
        assert request.routing_exception.code == 404  # type: ignore[union-attr]
        assert request.url_rule is None
        assert request.endpoint is None


def test_hosts_that_are_not_trusted_are_refused_with_400(app: Erlen) -> None:
    app.config["TRUSTED_HOSTS"] = ["example.org", ".example.net"]

    @app.get("/")
    def index() -> str:
        return request.host

    client = app.test_client()
    assert client.get("/", base_url="http://example.org").text == "example.org"
    assert client.get("/", base_url="http://www.example.net").text == "www.example.net"
    assert client.get("/", base_url="http://evil.test").status_code == 400


def test_trusted_hosts_may_be_set_on_a_request_itself(app: Erlen) -> None:
    found = Request(environ_of())
    assert found.trusted_hosts is None
    found.trusted_hosts = ["localhost"]
    assert found.trusted_hosts == ["localhost"]
    app.config["TRUSTED_HOSTS"] = ("a.test", "localhost")
    with app.test_request_context():
        assert request.trusted_hosts == ["a.test", "localhost"]
        request.trusted_hosts = ["b.test"]
        assert request.trusted_hosts == ["b.test"]


def test_dates_in_headers_are_aware_datetimes() -> None:
    found = Request(environ_of(HTTP_IF_MODIFIED_SINCE="Sun, 06 Nov 1994 08:49:37 GMT"))
    assert found.if_modified_since == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize("host", ["xn--a", "www.xn--a.example", "XN--A:8000"])
def test_a_host_that_is_no_domain_name_is_no_host(app: Erlen, host: str) -> None:
    app.add_url_rule("/", "index", lambda: f"{request.host!r} {request.url} {request.host_url} {request.base_url}")
    # Not by a test client: Werkzeug's cannot make a URL of such a host.
    body, status, _ = run_wsgi_app(app, environ_of(HTTP_HOST=host))
    assert (status, b"".join(body)) == ("200 OK", b"'' http:/// http:/// http:///")


def test_a_host_that_is_no_domain_name_is_never_trusted(app: Erlen) -> None:
    app.config["TRUSTED_HOSTS"] = [".example.com"]
    app.add_url_rule("/", "index", lambda: request.url)
    assert run_wsgi_app(app, environ_of(HTTP_HOST="xn--a.example.com"))[1].startswith("400")
    body, status, _ = run_wsgi_app(app, environ_of(HTTP_HOST="xn--bcher-kva.example.com"))
    assert (status, b"".join(body).decode()) == ("200 OK", "http://bücher.example.com/")


@pytest.mark.parametrize("value", ['/"', '"a","a"', '"""'])
def test_an_if_range_that_can_be_no_etag_counts_as_none(value: str) -> None:
    found = Request(environ_of(HTTP_IF_RANGE=value)).if_range
    assert (found.etag, found.date, found.to_header()) == (None, None, "")
    assert Request(environ_of(HTTP_IF_RANGE='"a"')).if_range.to_header() == '"a"'
