"""``app.trust_proxies``: what is believed of the ``X-Forwarded-*`` headers, under every protocol."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from erlen import Erlen, redirect, request, session, url_for
from erlen.http.proxies import TrustedProxies

Headers = Mapping[str, str] | list[tuple[str, str]]
Ask = Callable[..., httpx.Response]

FROM = ("10.0.0.9", 4711)
"""The address of the last proxy, as the server sees it."""


@pytest.fixture(params=["wsgi", "asgi"])
def ask(request: pytest.FixtureRequest, app: Erlen) -> Ask:
    """A function that sends a request as a server of one protocol would."""

    def ask(path: str = "/", headers: Headers = (), *, method: str = "GET", root_path: str = "") -> httpx.Response:
        if request.param == "wsgi":
            transport = httpx.WSGITransport(app, script_name=root_path, remote_addr=FROM[0])
            with httpx.Client(transport=transport, base_url="http://inner.example:8000") as client:
                return client.request(method, path, headers=headers)

        async def over_asgi() -> httpx.Response:
            transport_ = httpx.ASGITransport(app.asgi, client=FROM, root_path=root_path)
            async with httpx.AsyncClient(transport=transport_, base_url="http://inner.example:8000") as client:
                return await client.request(method, root_path + path, headers=headers)

        return asyncio.run(over_asgi())

    @app.get("/")
    def index() -> dict[str, Any]:
        return {
            "address": request_.remote_addr,
            "scheme": request_.scheme,
            "host": request_.host,
            "root_path": request_.root_path,
            "path": request_.path,
            "url": request_.url,
            "secure": request_.is_secure,
        }

    @app.get("/url")
    def url() -> list[str]:
        return [url_for("index"), url_for("index", _external=True)]

    @app.get("/go")
    def go() -> Any:
        return redirect(url_for("index"))

    @app.get("/slash/")
    def slash() -> str:
        return ""

    @app.route("/session", methods=["GET", "POST"])
    def with_session() -> str:
        session["a"] = 1
        return "changed"

    return ask


request_ = request  # the name of pytest's fixture is taken

UNTOUCHED = {"address": FROM[0], "scheme": "http", "host": "inner.example:8000", "root_path": ""}
ALL = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/shop",
}


def seen(ask: Ask, headers: Headers) -> dict[str, Any]:
    """What a view sees of the client, without what follows from it."""
    return {name: value for name, value in ask(headers=headers).json().items() if name in UNTOUCHED}


# --- how many are believed -------------------------------------------------------------------------------------------


def test_nothing_is_believed_unless_the_application_says_so(ask: Ask) -> None:
    assert seen(ask, {**ALL, "Forwarded": "for=203.0.113.7;proto=https"}) == UNTOUCHED


def test_one_proxy_is_believed_about_the_address_and_the_scheme(ask: Ask, app: Erlen) -> None:
    app.trust_proxies()
    assert seen(ask, ALL) == {**UNTOUCHED, "address": "203.0.113.7", "scheme": "https"}


def test_each_header_is_believed_by_itself(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_for=0, x_proto=0, x_host=1)
    assert seen(ask, ALL) == {**UNTOUCHED, "host": "shop.example"}


def test_all_of_them_together_make_the_url_that_the_client_asked_for(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_host=1, x_port=1, x_prefix=1)
    assert ask(headers=ALL).json() == {
        "address": "203.0.113.7",
        "scheme": "https",
        "host": "shop.example:8443",
        "root_path": "/shop",
        "path": "/",
        "url": "https://shop.example:8443/shop/",
        "secure": True,
    }


def test_what_a_client_claims_stands_before_what_the_proxy_appends_and_is_not_believed(ask: Ask, app: Erlen) -> None:
    app.trust_proxies()
    answer = seen(ask, {"X-Forwarded-For": "127.0.0.1, 10.0.0.1, 203.0.113.7", "X-Forwarded-Proto": "http, https"})
    assert answer == {**UNTOUCHED, "address": "203.0.113.7", "scheme": "https"}


def test_a_claim_in_a_header_of_its_own_is_not_believed_either(ask: Ask, app: Erlen) -> None:
    app.trust_proxies()
    assert seen(ask, [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "203.0.113.7")])["address"] == "203.0.113.7"


def test_a_quotation_mark_of_the_client_hides_nothing_that_the_proxy_appends(ask: Ask, app: Erlen) -> None:
    app.trust_proxies()
    assert seen(ask, {"X-Forwarded-For": '"127.0.0.1, 203.0.113.7'})["address"] == "203.0.113.7"


def test_of_several_proxies_the_outermost_knows_the_client(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_for=3, x_proto=1, x_host=2)
    answer = seen(
        ask,
        {
            "X-Forwarded-For": "6.6.6.6, 203.0.113.7, 192.0.2.1,192.0.2.2",
            "X-Forwarded-Proto": "http, https",
            "X-Forwarded-Host": "evil.example, shop.example, cdn.example",
        },
    )
    assert answer == {**UNTOUCHED, "address": "203.0.113.7", "scheme": "https", "host": "shop.example"}


def test_fewer_values_than_proxies_are_not_believed(ask: Ask, app: Erlen) -> None:
    """A request that has come by another way than through all of them."""
    app.trust_proxies(x_for=2, x_proto=2, x_host=2, x_port=2, x_prefix=2)
    assert seen(ask, ALL) == UNTOUCHED
    assert seen(ask, {}) == UNTOUCHED


def test_an_empty_value_is_no_value(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_host=1, x_port=1, x_prefix=1)
    assert seen(ask, dict.fromkeys(ALL, "")) == UNTOUCHED
    assert seen(ask, {name: f"{value}," for name, value in ALL.items()}) == UNTOUCHED


# --- the values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("203.0.113.7:52100", "203.0.113.7"),
        ("[2001:db8::1]:52100", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("unknown", "unknown"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_loses_its_port_and_its_brackets(ask: Ask, app: Erlen, value: str, address: str) -> None:
    app.trust_proxies()
    assert seen(ask, {"X-Forwarded-For": value})["address"] == address


@pytest.mark.parametrize("value", ["HTTPS", "https", " https "])
def test_a_scheme_is_read_in_capital_letters_too(ask: Ask, app: Erlen, value: str) -> None:
    app.trust_proxies()
    assert seen(ask, {"X-Forwarded-Proto": value})["scheme"] == "https"


@pytest.mark.parametrize("value", ["javascript", "on", "https:", "https://evil.example", "1", "http s"])
def test_what_is_no_scheme_is_left_alone(ask: Ask, app: Erlen, value: str) -> None:
    app.trust_proxies()
    assert seen(ask, {"X-Forwarded-Proto": value})["scheme"] == "http"


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("shop.example", "shop.example"),
        ("shop.example:8443", "shop.example:8443"),
        ("shop.example:80", "shop.example"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ("203.0.113.7:81", "203.0.113.7:81"),
    ],
)
def test_a_host_is_a_name_or_an_address_with_or_without_a_port(ask: Ask, app: Erlen, value: str, host: str) -> None:
    app.trust_proxies(x_host=1)
    assert seen(ask, {"X-Forwarded-Host": value})["host"] == host


@pytest.mark.parametrize(
    "value",
    [
        *("evil.example/path", "user@evil.example", "evil.example:port", "evil.example:", "evil.example:0"),
        *(
            "evil.example:65536",
            "evil example",
            "2001:db8::1",
            "[evil]",
            "<b>",
            "evil.example\\x",
            "evil.example?",
            "_",
        ),
    ],
)
def test_what_is_no_host_is_left_alone(ask: Ask, app: Erlen, value: str) -> None:
    app.trust_proxies(x_host=1)
    assert seen(ask, {"X-Forwarded-Host": value}) == UNTOUCHED


@pytest.mark.parametrize(
    ("port", "proto", "host"),
    [
        ("8443", "https", "inner.example:8443"),
        ("443", "https", "inner.example"),
        ("443", "http", "inner.example:443"),
        ("80", "http", "inner.example"),
        ("65535", "http", "inner.example:65535"),
        *((bad, "http", "inner.example:8000") for bad in ("0", "65536", "-1", "8443x", "0x50", "99999", "080", "1e3")),
    ],
)
def test_a_port_takes_the_place_of_the_hosts_own(ask: Ask, app: Erlen, port: str, proto: str, host: str) -> None:
    app.trust_proxies(x_port=1)
    assert seen(ask, {"X-Forwarded-Port": port, "X-Forwarded-Proto": proto})["host"] == host


def test_a_port_beside_an_ipv6_host(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_host=1, x_port=1)
    assert seen(ask, {"X-Forwarded-Host": "[::1]", "X-Forwarded-Port": "81"})["host"] == "[::1]:81"
    assert seen(ask, {"X-Forwarded-Host": "[::1]:82", "X-Forwarded-Port": "81"})["host"] == "[::1]:81"


@pytest.mark.parametrize(
    ("value", "root_path"), [("/shop", "/shop"), ("/shop/", "/shop"), ("/a/b", "/a/b"), ("/", ""), ("/a b", "")]
)
def test_a_prefix_is_where_the_application_is_mounted(ask: Ask, app: Erlen, value: str, root_path: str) -> None:
    app.trust_proxies(x_prefix=1)
    assert seen(ask, {"X-Forwarded-Prefix": value})["root_path"] == root_path


@pytest.mark.parametrize(
    "value",
    ["shop", "//evil.example", "/\\evil.example", "\\/x", "/\t/evil.example", "/?a", "/#a", "https://evil.example/"],
)
def test_what_is_no_prefix_or_leads_to_another_site_is_left_alone(ask: Ask, app: Erlen, value: str) -> None:
    app.trust_proxies(x_prefix=1)
    assert seen(ask, {"X-Forwarded-Prefix": value}) == UNTOUCHED
    assert ask("/url", {"X-Forwarded-Prefix": value}).json() == ["/", "http://inner.example:8000/"]


def test_a_prefix_takes_the_place_of_the_one_that_the_server_knows(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_prefix=1)
    assert ask("/", root_path="/inner").json()["root_path"] == "/inner"
    assert ask("/", {"X-Forwarded-Prefix": "/outer"}, root_path="/inner").json()["root_path"] == "/outer"


# --- what follows from it --------------------------------------------------------------------------------------------

BEHIND = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example", "X-Forwarded-Prefix": "/shop"}


def test_urls_and_redirects_are_those_of_the_client(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_host=1, x_prefix=1)
    assert ask("/url", BEHIND).json() == ["/shop/", "https://shop.example/shop/"]
    assert ask("/go", BEHIND).headers["Location"] == "/shop/"
    assert ask("/slash?a=b", BEHIND).headers["Location"] in ("/shop/slash/?a=b", "https://shop.example/shop/slash/?a=b")


def test_the_session_cookie_is_secure_if_the_proxy_speaks_https_and_is_believed(ask: Ask, app: Erlen) -> None:
    assert "Secure" not in ask("/session", BEHIND).headers["Set-Cookie"]
    app = fresh(app)
    app.trust_proxies()
    cookie = app.test_client().get("/session", headers=BEHIND).headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "; Secure" in cookie


def fresh(app: Erlen) -> Erlen:
    """An application like *app* that has not had a request."""
    again = Erlen("http_tests", root_path=app.root_path, instance_path=app.instance_path)
    again.config.update(app.config)
    again.add_url_rule("/session", "session", lambda: session.update(a=1) or "changed", methods=["GET", "POST"])
    return again


def test_the_session_cookie_is_secure_over_both_protocols(ask: Ask, app: Erlen) -> None:
    app.trust_proxies()
    assert "; Secure" in ask("/session", BEHIND).headers["Set-Cookie"]


def test_the_guard_compares_the_origin_with_the_host_that_the_proxy_tells(ask: Ask, app: Erlen) -> None:
    """Browsers that send no Sec-Fetch-Site: the origin is the outer host, the Host header the inner one."""
    app.trust_proxies(x_host=1)
    outer = {**BEHIND, "Origin": "https://shop.example"}
    assert ask("/session", outer, method="POST").status_code == 200
    assert ask("/session", {**outer, "Origin": "https://evil.example"}, method="POST").status_code == 403
    assert ask("/session", {"Origin": "https://shop.example"}, method="POST").status_code == 403


def test_trusted_hosts_are_those_that_the_proxy_tells(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_host=1)
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    assert ask("/", BEHIND).status_code == 200
    assert ask("/", {"X-Forwarded-Host": "evil.example"}).status_code == 400
    assert ask("/").status_code == 400


def test_what_the_server_said_is_kept_in_the_environ(ask: Ask, app: Erlen) -> None:
    app.trust_proxies(x_host=1, x_port=1, x_prefix=1)
    app.add_url_rule("/original", "original", lambda: request_.environ["erlen.proxies.original"])
    original = ask("/original", ALL).json()
    assert original["REMOTE_ADDR"] == FROM[0]
    assert original["wsgi.url_scheme"] == "http"
    assert original["HTTP_HOST"] == "inner.example:8000"
    assert original["SCRIPT_NAME"] == ""


def test_an_async_view_sees_the_same(ask: Ask, app: Erlen) -> None:
    app.trust_proxies()

    @app.get("/async")
    async def view() -> list[Any]:
        return [request_.remote_addr, request_.scheme]

    assert ask("/async", ALL).json() == ["203.0.113.7", "https"]


# --- wrong arguments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [-1, True, "1", 1.0, None])
@pytest.mark.parametrize("name", ["x_for", "x_proto", "x_host", "x_port", "x_prefix"])
def test_what_is_no_number_of_proxies_is_refused_with_what_to_write(app: Erlen, name: str, number: Any) -> None:
    with pytest.raises(ValueError) as raised:
        app.trust_proxies(**{name: number})
    assert str(raised.value) == (
        f"trust_proxies({name}={number!r}) is no number of proxies: write how many of them set that header, 0 for none."
    )


def test_after_the_first_request_it_is_too_late(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: "")
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="trust_proxies"):
        app.trust_proxies()


# --- as Werkzeug's ProxyFix ------------------------------------------------------------------------------------------
#
# The differences are deliberate:
#
# - an address loses its port and its brackets, where ProxyFix keeps them;
# - what cannot be a scheme, a host, a port or a prefix is left alone, where ProxyFix takes what comes, and a scheme is
#   put into small letters;
# - a host without a port has the port of the scheme in SERVER_PORT, where ProxyFix keeps the one of the server;
# - a prefix loses the slash at its end;
# - values are divided at every comma, where ProxyFix reads quotation marks, with which a client can hide what the
#   proxies append;
# - an empty value counts as one of the values.

_names = st.text(string.ascii_lowercase, min_size=1, max_size=5)
_ports = st.integers(1, 65535).map(str)
_octets = st.integers(0, 255).map(str)
_addresses = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.sampled_from(["unknown", "_hidden", "unix:"])
)
_hosts = st.builds("{}:{}".format, st.one_of(_names, st.sampled_from(["[::1]", "a.example", "10.0.0.1"])), _ports)
_prefixes = st.lists(_names, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
_VALUES = {
    "HTTP_X_FORWARDED_FOR": _addresses,
    "HTTP_X_FORWARDED_PROTO": st.sampled_from(["http", "https", "ws", "wss"]),
    "HTTP_X_FORWARDED_HOST": _hosts,
    "HTTP_X_FORWARDED_PORT": _ports,
    "HTTP_X_FORWARDED_PREFIX": _prefixes,
}


def _header(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    several = st.lists(values, min_size=1, max_size=4)
    return st.one_of(st.none(), st.builds(lambda parts, glue: glue.join(parts), several, st.sampled_from([",", ", "])))


_counts = st.fixed_dictionaries(
    {name: st.integers(0, 4) for name in ("x_for", "x_proto", "x_host", "x_port", "x_prefix")}
)
_environs = st.fixed_dictionaries(
    {
        "REMOTE_ADDR": st.sampled_from(["127.0.0.1", "::1", ""]),
        "wsgi.url_scheme": st.sampled_from(["http", "https"]),
        "HTTP_HOST": st.sampled_from(["inner", "inner:8000", "[::1]:8000", "[::1]"]),
        "SERVER_NAME": st.just("inner"),
        "SERVER_PORT": _ports,
        "SCRIPT_NAME": st.sampled_from(["", "/inner"]),
        **{key: _header(values) for key, values in _VALUES.items()},
    }
).map(lambda environ: {key: value for key, value in environ.items() if value is not None})


@given(environ=_environs, counts=_counts)
def test_what_it_makes_of_an_environ_is_what_proxy_fix_makes(environ: dict[str, Any], counts: dict[str, int]) -> None:
    theirs = dict(environ)
    ProxyFix(lambda environ, start_response: [], **counts)(theirs, lambda *_: None)
    ours = dict(environ)
    TrustedProxies(**counts).apply(ours)
    original = ours.pop("erlen.proxies.original")
    assert original == {key: environ[key] for key in original}
    theirs.pop("werkzeug.proxy_fix.orig")
    assert ours == theirs


@given(
    value=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=30),
    key=st.sampled_from(list(_VALUES)),
    before=st.sampled_from(["", "6.6.6.6, ", '"', '"a", "', "\\"]),
)
def test_whatever_a_header_holds_the_url_stays_one_of_this_site(value: str, key: str, before: str) -> None:
    environ = {
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "inner",
        "SERVER_NAME": "inner",
        "SERVER_PORT": "8000",
        "SCRIPT_NAME": "",
        key: before + value,
    }
    TrustedProxies(x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1).apply(environ)
    assert environ["wsgi.url_scheme"] in ("http", "https", "ws", "wss")
    assert not set(environ["HTTP_HOST"]) & set(' /\\?#@,<>"')
    assert 0 < int(environ["SERVER_PORT"]) <= 65535
    prefix = environ["SCRIPT_NAME"]
    assert prefix == "" or (prefix[0] == "/" and prefix[1] not in "/\\")
    assert "," not in environ["REMOTE_ADDR"]


# --- over a socket ---------------------------------------------------------------------------------------------------

APP = """
from erlen import Erlen, request, session, url_for

app = Erlen(__name__)
app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")
app.trust_proxies(x_for=2, x_host=1, x_prefix=1)


@app.get("/where")
def where():
    session["a"] = 1
    return [request.remote_addr, request.url, url_for("where", _external=True)]
"""


@pytest.mark.parametrize("server", ["granian", "granian-asgi", "granian-rsgi"])
def test_granian_hands_the_headers_over_by_each_of_its_protocols(
    serve: Callable[..., Any], tmp_path: Path, server: str
) -> None:
    (tmp_path / "app.py").write_text(APP)
    served = serve("app:app", tmp_path, server=server)
    with httpx.Client(base_url=served.url, verify=False) as client:
        answer = client.get(
            "/where?a=b",
            headers=[
                *(("X-Forwarded-For", "6.6.6.6, 7.7.7.7"), ("X-Forwarded-For", "203.0.113.7, 10.0.0.1")),
                *(
                    ("X-Forwarded-Proto", "https"),
                    ("X-Forwarded-Host", "shop.example"),
                    ("X-Forwarded-Prefix", "/shop"),
                ),
            ],
        )
        assert answer.json() == [
            "203.0.113.7",
            "https://shop.example/shop/where?a=b",
            "https://shop.example/shop/where",
        ]
        assert "; Secure" in answer.headers["Set-Cookie"]
        plain = client.get("/where").json()
        assert plain == ["127.0.0.1", f"{served.url}/where", f"{served.url}/where"]


@pytest.mark.parametrize("server", ["granian-asgi", "granian-rsgi"])
def test_a_header_with_underscores_does_not_pass_for_another_one(
    serve: Callable[..., Any], tmp_path: Path, server: str
) -> None:
    """Under WSGI the two are one key of the environ, and the server or the proxy has to take it out."""
    (tmp_path / "app.py").write_text(APP)
    served = serve("app:app", tmp_path, server=server)
    headers = [("X-Forwarded-For", "203.0.113.7, 10.0.0.1"), ("X_Forwarded_For", "6.6.6.6, 10.0.0.1")]
    assert httpx.get(f"{served.url}/where", headers=headers, verify=False).json()[0] == "203.0.113.7"
