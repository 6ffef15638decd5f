"""Whatever a request says, routing answers with a match or an HTTP error, soon, and redirects to no other host."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import werkzeug.routing
from hypothesis import assume, example
from hypothesis import strategies as st
from routing_strategies import converters
from same_as_werkzeug import told
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.test import create_environ, run_wsgi_app

import erlen.routing
from erlen import Erlen, url_for
from erlen.routing import Map, RequestRedirect, Rule
from fuzzing import fuzzed

PIECES = [
    "/",
    "//",
    "///",
    "a",
    "b",
    "x",
    "end",
    "1",
    "-",
    ".",
    "..",
    "%",
    "%00",
    "%2f",
    "%zz",
    "\x00",
    "\n",
    "\r\n",
    "\\",
]
PIECES += [
    "\ud800",
    "\udcff",
    "\u00e4",
    "\u2028",
    "\U0001f600",
    "\u0663",
    "\xb2",
    "@",
    ":",
    "?",
    "#",
    "&",
    "=",
    ";",
    "|",
    "<",
    ">",
]
PIECES += [
    "[",
    "]",
    "{",
    "$",
    "evil.example",
    "http://",
    "9" * 5000,
    "/x" * 300,
    "a-" * 300,
    "1.5",
    "-1",
    "*",
    "+",
    " ",
    "\t",
]
WHOLE = "12345678-1234-5678-1234-567812345678"
anything = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.lists(st.sampled_from([*PIECES, WHOLE]), max_size=12).map("".join),
)
# As WSGI has it: bytes, each as a character.
wsgi = st.one_of(st.binary(max_size=40), anything.map(lambda text: text.encode(errors="surrogatepass"))).map(
    lambda raw: raw.decode("latin-1")
)
PATTERNS = [
    "/",
    "/a",
    "/a/",
    "/b/<x>/",
    "/b/<x>/<int:n>",
    "/<int:n>",
    "/<float:f>/",
    "/<uuid:u>/",
    "/<any(a, b, x):w>/x/",
    "/<string(length=2):s>/",
    "/<path:p>/end",
    "/<path:p>/end/<path:q>/",
    "/<path:p>/x/<path:q>/x/<path:r>/end",
    "/x/<a>-<b>-<c>.<d>",
    "/x/<a>.<int:b>",
    "/p/<pair:v>/",
    "/l/<list:v>/",
]


def whole_map(**options: Any) -> Map:
    rules = [Rule(pattern, endpoint=pattern) for pattern in PATTERNS]
    rules += [
        Rule("/d/", endpoint="d", defaults={"page": 1}),
        Rule("/d/<int:page>", endpoint="d"),
        Rule("/e/<x>", endpoint="e"),
        Rule("/f/<x>", endpoint="e", alias=True),
        Rule("/g/<path:x>", endpoint="g", redirect_to="b/<x>"),
        Rule("/post/", endpoint="post", methods=["POST"]),
        Rule("/ws/", endpoint="ws", websocket=True),
        Rule("/sub/", endpoint="sub", subdomain="<s>", host="<s>"),
    ]
    return Map(rules, converters=converters(erlen.routing), **options)


MAPS = [whole_map(), whole_map(strict_slashes=False), whole_map(merge_slashes=False), whole_map(host_matching=True)]


def ends_well(adapter: Any, *arguments: Any, **options: Any) -> None:
    """Match, and look at what comes of it; what is neither a match nor an HTTP error goes through."""
    found: Any
    try:
        found = adapter.match(*arguments, **options)
    except HTTPException as error:
        found = error
    if isinstance(found, RequestRedirect):
        assert urlsplit(found.new_url).netloc.lower() == adapter.get_host(None)
        response = found.get_response({})
        assert response.status_code == 308
        location = response.get_wsgi_headers(create_environ())["Location"]
        assert not re.search(r"[\x00-\x1f\x7f]", location)
    elif isinstance(found, HTTPException):
        assert found.code in (400, 404, 405)
    else:
        assert isinstance(found[1], dict)


def bound(bind: Callable[..., Any], *arguments: Any) -> Any:
    """Return the adapter, or None if the host is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the host may be another one
        try:
            return bind(*arguments)
        except BadRequest:
            return None


@fuzzed(
    300, anything, anything, st.one_of(anything, st.dictionaries(anything, anything, max_size=2)), st.sampled_from(MAPS)
)
@example("/a\ud800", "GET", "", MAPS[0])
@example("/b/\ud800", "GET", {"\ud800": "\ud800"}, MAPS[0])
@example("/f/\ud800", "GET", "", MAPS[0])
@example("/g/\ud800", "GET", "", MAPS[0])
def test_any_path_method_and_query_end_in_a_match_or_an_http_error(
    path: str, method: str, query: Any, made: Map
) -> None:
    adapter = made.bind("example.com", "/below")
    for text in (path, f"/{path}", f"/b/{path}", f"/x/{path}", f"/g/{path}", f"/{path}/end"):
        ends_well(adapter, text, method)
        ends_well(adapter, text, "GET", query_args=query)
    assert adapter.test(path) in (True, False)
    assert isinstance(list(adapter.allowed_methods(path)), list)


@fuzzed(300, anything, st.sampled_from(MAPS))
def test_any_host_is_bound_or_refused(host: str, made: Map) -> None:
    assume(not re.search(r"[][:/?#@\\\s\x00-\x1f\x7f]", host))  # of an environment, these do not come through
    adapter = bound(made.bind, host)
    for path in ("/", "/b/x", "/sub", "/g/a") if adapter else ():
        ends_well(adapter, path)


@fuzzed(300, wsgi, wsgi, wsgi, wsgi, st.sampled_from([None, "example.com", "a.example.com:80"]), st.sampled_from(MAPS))
def test_any_environment_is_bound_or_refused(
    host: str, path: str, query: str, method: str, server_name: str | None, made: Map
) -> None:
    environ = create_environ()
    environ.update(HTTP_HOST=host, PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=method)
    adapter = bound(made.bind_to_environ, environ, server_name)
    for text in (None, "/b/x", "/g/a", "/f/a") if adapter else ():
        ends_well(adapter, text)


@pytest.fixture(scope="module")
def app() -> Erlen:
    app = Erlen("routing_bad_input")
    app.url_map.converters.update(converters(erlen.routing))

    def view(**values: Any) -> str:
        return url_for("view0", _external=True)

    for number, pattern in enumerate(PATTERNS):
        app.add_url_rule(pattern, f"view{number}", view)
    return app


@fuzzed(300, wsgi, wsgi, wsgi, wsgi)
@example("example.com", "/\xed\xa0\x80", "GET", "")
@example("[", "/b/x", "GET", "")
@example("example.com:99999", "/b/x", "GET", "")
@example("example.com:" + "9" * 5000, "/b/x", "GET", "")
@example("a:b:c", "/b/x", "GET", "")
@example("example.com", "/b/x", "GET", "\n")
@example("example.com", "/b/x", "GET", "\xed\xa0\x80")
def test_no_request_is_a_server_error(app: Erlen, host: str, path: str, method: str, query: str) -> None:
    environ = create_environ()
    environ.update(HTTP_HOST=host, PATH_INFO=path, REQUEST_METHOD=method, QUERY_STRING=query)
    for changes in ({}, {"HTTP_HOST": "example.com"}, {"HTTP_HOST": "example.com", "REQUEST_METHOD": "GET"}):
        _, status, _ = run_wsgi_app(app, {**environ, **changes})
        assert int(status.split()[0]) < 500


@fuzzed(100, st.text(max_size=40))
def test_no_path_of_the_test_client_is_a_server_error(app: Erlen, path: str) -> None:
    assert app.test_client().get("/" + path.lstrip("/\\")).status_code < 500


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/<path:a>/x/<path:b>/x/<path:c>/x/<path:d>/end", "/x" * 20_000),
        ("/<path:a>/x/<path:b>/x/<path:c>/x/<path:d>/end", "/x" * 20_000 + "/end/"),
        ("/<path:a>/x/<path:b>/x/<path:c>/x/<path:d>/end/", "/x" * 20_000 + "/x"),
        ("/<path:a>/<path:b>/<path:c>/<path:d>/<path:e>/<path:f>/end", "/a" * 20_000),
        ("/<a>-<b>-<c>-<d>-<e>.html", "/" + "-" * 40_000),
        ("/<a>-<b>.<c>-<d>.<e>-<f>", "/" + "-" * 20_000 + "." * 20_000),
        ("/<a>-<b>.<c>-<d>.<e>-<f>~", "/" + "-" * 20_000 + "." * 20_000 + "~"),
        ("/<int:a>-<int:b>-<int:c>-<int:d>x", "/" + "1-" * 20_000),
    ],
)
def test_a_long_path_that_fits_nowhere_is_seen_soon(pattern: str, path: str) -> None:
    # Tried in every combination, any of them would take hours.
    made = Map([Rule(pattern, endpoint="it")], merge_slashes=False)
    assert not isinstance(made.find("", path, "GET"), tuple)
    rules = [Rule(f"/{number}{pattern}", endpoint=number) for number in range(50)]
    assert not isinstance(Map(rules).find("", "/7" + path, "GET"), tuple)


CHAINS = [
    "/<path:a>/x/<path:b>/x/<path:c>/end",
    "/<path:a>x<path:b>x<path:c>/",
    "/<path:a>/<path:b>/<int:c>/<path:d>.<path:e>",
    "/<a>-<b>.<c>-<d>",
    "/x<a>.<b>-<c>-",
    "/<a>--<b>--<c>",
    "/<a>-<string(minlength=2):b>-<c>",
    "/<path:a>-<b>-<path:c>-<path:d>",
]


@fuzzed(
    1000,
    st.sampled_from(CHAINS),
    st.lists(st.sampled_from(["x", "/x/", "/", "-", ".", "a", "1", "/end"]), max_size=14).map("".join),
)
def test_many_variables_are_read_as_an_expression_would_read_them(pattern: str, text: str) -> None:
    found = []
    for module in (werkzeug.routing, erlen.routing):
        adapter = module.Map([module.Rule(pattern, endpoint="it")], merge_slashes=False).bind("example.com")
        found.append(told(adapter.match, f"/{text}"))
    assert found[1] == found[0]
