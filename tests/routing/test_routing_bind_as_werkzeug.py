"""Binding a map to a host or an environment, and all that an adapter tells: as Werkzeug's do it."""

from __future__ import annotations

from typing import Any

import pytest
from same_as_werkzeug import asked, both_tell_the_same, plain, told
from werkzeug.exceptions import Forbidden
from werkzeug.test import EnvironBuilder, create_environ
from werkzeug.wrappers import Request

ADAPTER = [
    "server_name",
    "script_name",
    "subdomain",
    "url_scheme",
    "path_info",
    "default_method",
    "query_args",
    "websocket",
]
HOSTS = [
    "example.com",
    "EXAMPLE.com",
    "example.com:80",
    "example.com:443",
    "example.com:8080",
    "www.example.com",
    "a.b.example.com",
    "xexample.com",
    "example.org",
    "127.0.0.1:5000",
    "[::1]",
    "[::1]:8080",
    "b\u00fccher.example",
    "xn--bcher-kva.example",
    "localhost",
    "",
    ".example.com",
    "example.com.",
    "a..example.com",
    "x" * 64 + ".example.com",
    "under_score.example.com",
    "a b.example.com",
    "\u2603" * 70,
]


def rules(r: Any) -> Any:
    return [
        r.Rule("/", endpoint="index"),
        r.Rule("/a/", endpoint="a", methods=["GET"]),
        r.Rule("/\u00e4/<x>/", endpoint="umlaut"),
        r.Rule("/s", endpoint="sub", subdomain="<s>"),
        r.Rule("/ws", endpoint="ws", websocket=True),
    ]


def adapted(adapter: Any) -> object:
    """Return all that an adapter tells of itself, and some of what it does."""
    return {
        "attributes": [plain(getattr(adapter, name)) for name in ADAPTER],
        "match": told(adapter.match),
        "build": told(adapter.build, "a", {"q": 1}),
        "external": told(adapter.build, "umlaut", {"x": 1}, force_external=True),
        "sub": told(adapter.build, "sub", {"s": "t"}),
        "hosts": [told(adapter.get_host, part) for part in (None, "", "x", "a.b", "\u00e4")],  # type: ignore[misc]
        "redirect": told(adapter.match, "/a"),
    }


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("host_matching", [False, True])
def test_a_host_is_bound(host: str, host_matching: bool) -> None:
    both_tell_the_same(lambda r: adapted(r.Map(rules(r), host_matching=host_matching).bind(host)))


@pytest.mark.parametrize(
    "options",
    [
        {"script_name": None},
        {"script_name": ""},
        {"script_name": "/x"},
        {"script_name": "x/"},
        {"script_name": "/x y/\u00e4"},
        {"subdomain": "s"},
        {"subdomain": ""},
        {"subdomain": "\u00e4"},
        {"url_scheme": "https"},
        {"url_scheme": "ws"},
        {"url_scheme": "wss"},
        {"url_scheme": ""},
        {"default_method": "POST"},
        {"default_method": "post"},
        {"path_info": "/a/"},
        {"path_info": ""},
        {"path_info": "a"},
        {"path_info": None},
        {"query_args": {"a": 1}},
        {"query_args": "a=1"},
        {"query_args": ""},
    ],
)
@pytest.mark.parametrize("default_subdomain", ["", "www"])
def test_options_of_bind(options: dict[str, Any], default_subdomain: str) -> None:
    both_tell_the_same(lambda r: adapted(r.Map(rules(r), default_subdomain).bind("Example.com", **options)))


def test_positions_of_the_options_of_bind() -> None:
    arguments = ("h", "/s", "sub", "https", "POST", "/p", {"q": 1})
    both_tell_the_same(lambda r: adapted(r.Map(rules(r)).bind(*arguments)))


def test_a_subdomain_is_refused_where_hosts_are_matched() -> None:
    both_tell_the_same(lambda r: r.Map(host_matching=True).bind("a", subdomain="b"))
    both_tell_the_same(lambda r: r.Map(host_matching=True).bind_to_environ(create_environ(), subdomain="b"))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "server_name",
    [
        None,
        "example.com",
        "example.com:80",
        "example.com:443",
        "Example.com:8080",
        "",
        "www.example.com",
        ".example.com",
    ],
)
@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "www.example.com:80",
        "a.b.example.com:443",
        "example.com:8080",
        "other.org",
        "www.EXAMPLE.com",
        "127.0.0.1",
        "com",
    ],
)
def test_an_environment_is_bound(host: str, server_name: str | None, scheme: str) -> None:
    environ = create_environ("/a", f"{scheme}://{host}/below", query_string={"q": "\u00e4"})

    def bound(r: Any, map_options: dict[str, Any], **options: Any) -> object:
        return adapted(r.Map(rules(r), **map_options).bind_to_environ(environ, server_name, **options))

    both_tell_the_same(
        lambda r: [
            told(bound, r, map_options, **options)
            for options in ({}, {"subdomain": "s"}, {"subdomain": ""})
            for map_options in ({}, {"default_subdomain": "www"}, {"host_matching": True})
        ]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_HOST": ""},
        {"HTTP_HOST": "a b"},
        {"HTTP_HOST": "example.com:port"},
        {"HTTP_HOST": "ex\u00e4mple.com"},
        {"HTTP_HOST": "b\u00fccher.de"},
        {"SERVER_NAME": "other", "SERVER_PORT": "81"},
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"PATH_INFO": ""},
        {"PATH_INFO": "/\xc3\xa4/x"},
        {"PATH_INFO": "/\xff"},
        {"PATH_INFO": "//evil.example/a"},
        {"SCRIPT_NAME": "/\xc3\xa4"},
        {"QUERY_STRING": "\xc3\xa4=%C3%A4&\xff"},
        {"REQUEST_METHOD": "post"},
        {"REQUEST_METHOD": "ODD"},
        {"wsgi.url_scheme": "wss"},
        {"HTTP_UPGRADE": "websocket"},
        {"HTTP_UPGRADE": "WebSocket", "HTTP_CONNECTION": "Upgrade"},
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "keep-alive , upgrade"},
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "keep-alive", "wsgi.url_scheme": "https"},
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade", "wsgi.url_scheme": "https"},
        {"HTTP_UPGRADE": "h2c", "HTTP_CONNECTION": "Upgrade"},
        {"HTTP_UPGRADE": "websocket, h2c", "HTTP_CONNECTION": "Upgrade"},
        {"HTTP_CONNECTION": "Upgrade"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("server_name", [None, "example.com"])
def test_what_an_environment_may_hold(changes: dict[str, str], server_name: str | None) -> None:
    environ = {**create_environ("/a", "http://example.com", query_string="x=1"), **changes}
    both_tell_the_same(lambda r: adapted(r.Map(rules(r)).bind_to_environ(environ, server_name)))


@pytest.mark.parametrize(
    "missing",
    ["HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "REQUEST_METHOD", "wsgi.url_scheme"],
)
def test_what_an_environment_may_lack(missing: str) -> None:
    environ = create_environ("/a", "http://example.com", query_string="x=1")
    del environ[missing]
    both_tell_the_same(lambda r: adapted(r.Map(rules(r)).bind_to_environ(environ)))


def test_a_request_is_taken_for_its_environment() -> None:
    request = Request(EnvironBuilder("/a/", "http://x.example.com", method="POST").get_environ())
    both_tell_the_same(lambda r: adapted(r.Map(rules(r)).bind_to_environ(request, "example.com")))


def test_a_bound_map_sees_what_is_bound_and_what_is_asked() -> None:
    both_tell_the_same(
        lambda r: [
            asked(r.Map(rules(r)).bind("x", path_info=bound), path)  # type: ignore[arg-type]
            for bound in (None, "/a/", "/b")
            for path in (None, "", "/a/", "a", "/")
        ]
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda adapter: adapter.make_redirect_url("/x"),
        lambda adapter: adapter.make_redirect_url("x/"),
        lambda adapter: adapter.make_redirect_url(""),
        lambda adapter: adapter.make_redirect_url("//evil.example/x"),
        lambda adapter: adapter.make_redirect_url("/x", {"a": [1, 2], "b": "\u00e4 &"}),
        lambda adapter: adapter.make_redirect_url("/x", ""),
        lambda adapter: adapter.make_redirect_url("/x", {}),
        lambda adapter: adapter.make_redirect_url("/x", "y=1", "sub"),
        lambda adapter: adapter.make_redirect_url("/x", domain_part=""),
        lambda adapter: adapter.make_redirect_url("/a%20b?c=d"),
        lambda adapter: adapter.encode_query_args("a=\u00e4"),
        lambda adapter: adapter.encode_query_args({"a": "\u00e4 b", "c": [1, None], "d": None}),
        lambda adapter: adapter.encode_query_args({}),
        lambda adapter: adapter.make_alias_redirect_url("|/x", "a", {}, "GET", {}),
        lambda adapter: adapter.make_alias_redirect_url("|/x", "umlaut", {"x": 1, "y": 2}, "GET", {"z": 1}),
        lambda adapter: adapter.make_alias_redirect_url("|/x", "umlaut", {"x": 1}, "POST", "z=1"),
        lambda adapter: adapter.make_alias_redirect_url("https://s.example.com:8080/below/a/", "a", {}, "GET", {}),
        lambda adapter: adapter.make_alias_redirect_url("|/x", "none", {}, "GET", {}),
        lambda adapter: adapter.allowed_methods(),
        lambda adapter: adapter.allowed_methods("/none"),
        lambda adapter: adapter.allowed_methods("/a"),
        lambda adapter: sorted(adapter.allowed_methods("/a/")),
        lambda adapter: adapter.test(),
        lambda adapter: adapter.test("/ws"),
        lambda adapter: adapter.dispatch(lambda endpoint, values: (endpoint, values)),
        lambda adapter: adapter.match("/none", websocket=True),
        lambda adapter: adapter.match("/ws", "POST", True, None, True),
    ],
)
def test_calls_of_an_adapter(call: Any) -> None:
    options = {"script_name": "/below", "subdomain": "s", "url_scheme": "https", "query_args": {"bound": "1"}}
    both_tell_the_same(lambda r: call(r.Map(rules(r)).bind("example.com:8080", **options)))


def test_the_url_of_a_default_is_asked_for() -> None:
    def scenario(r: Any) -> object:
        made = r.Map(
            [
                r.Rule("/x/", endpoint="x", defaults={"page": 1, "more": "m"}),
                first := r.Rule("/x/<int:page>", endpoint="x", defaults={"more": "m"}),
                r.Rule("/y/<int:page>", endpoint="y"),
            ]
        )
        adapter = made.bind("example.com", "/s", query_args="bound=1")
        given = [{"page": 1, "more": "m"}, {"page": 2}, {"page": 1}, {}]
        results = [
            told(adapter.get_default_redirect, first, "GET", values, query)
            for values in given
            for query in ("", {"a": 1})
        ]
        return results, given

    both_tell_the_same(scenario)


def test_dispatch_returns_what_it_is_told_to_catch() -> None:
    def scenario(r: Any) -> object:
        adapter = r.Map(rules(r)).bind("example.com")

        def refuse(endpoint: Any, values: Any) -> Any:
            raise Forbidden("no")

        def fail(endpoint: Any, values: Any) -> Any:
            raise KeyError("x")

        return [
            told(adapter.dispatch, view, path, method, catch)
            for view in (refuse, fail)
            for path, method in ((None, None), ("/a", None), ("/a/", "POST"), ("/none", None), ("/ws", None))
            for catch in (False, True)
        ]

    both_tell_the_same(scenario)


def test_an_adapter_takes_attributes_and_can_be_changed() -> None:
    def scenario(r: Any) -> object:
        adapter = r.Map(rules(r)).bind("example.com")
        adapter.extra = 1
        adapter.script_name, adapter.url_scheme, adapter.subdomain = "/other/", "https", "x"
        adapter.path_info, adapter.default_method = "/a/", "POST"
        return adapter.extra, adapted(adapter)

    both_tell_the_same(scenario)


def test_a_subclass_of_the_map_may_adapt_in_its_own_way() -> None:
    def scenario(r: Any) -> object:
        class Mine(r.Map):  # type: ignore[misc, name-defined]
            def bind(self, *args: Any, **kwargs: Any) -> Any:
                adapter = super().bind(*args, **kwargs)
                adapter.url_scheme = "https"
                return adapter

        made = Mine(rules(r))
        return adapted(made.bind("example.com")), made.bind_to_environ(create_environ()).url_scheme

    both_tell_the_same(scenario)
