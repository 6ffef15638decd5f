"""A table of rules and requests: defaults, aliases, redirects, WebSockets, hosts mean the same to Werkzeug and us."""

from __future__ import annotations

import pytest
from same_as_werkzeug import Case, every_request_means_the_same

CASES = [
    # Defaults, aliases, redirects
    Case(
        "defaults",
        lambda r: [
            r.Rule("/foo/", endpoint="foo", defaults={"page": 1}),
            r.Rule("/foo/<int:page>", endpoint="foo"),
            r.Rule("/bar/", endpoint="bar", defaults={"a": 1, "b": 2}),
            r.Rule("/bar/<int:a>", endpoint="bar", defaults={"b": 2}),
            r.Rule("/bar/<int:a>/<int:b>", endpoint="bar"),
            r.Rule("/post/", endpoint="post", defaults={"x": 1}, methods=["GET"]),
            r.Rule("/post/<int:x>", endpoint="post"),
            r.Rule("/text/", endpoint="text", defaults={"x": "a b/ü"}),
            r.Rule("/text/<path:x>", endpoint="text"),
            r.Rule("/more/", endpoint="more", defaults={"x": 1, "extra": True}),
            r.Rule("/more/<int:x>", endpoint="more", defaults={"extra": True}),
            r.Rule("/none/", endpoint="none", defaults={"x": None}),
            r.Rule("/none/<x>", endpoint="none"),
            r.Rule("/only/", endpoint="only", defaults={"x": 1}, build_only=True),
            r.Rule("/only/<int:x>", endpoint="only"),
            r.Rule("/own/<int:x>", endpoint="own", defaults={"x": 3}),
        ],
        [
            "/foo/",
            "/foo/1",
            "/foo/2",
            "/foo",
            "/bar/",
            "/bar/1",
            "/bar/1/2",
            "/bar/3/2",
            "/bar/3/4",
            "/bar/1/3",
            "/bar/3",
            ("/post/1", "GET"),
            ("/post/1", "POST"),
            "/text/a b/ü",
            "/text/b",
            "/more/1",
            "/more/2",
            "/none/None",
            "/only/1",
            "/own/3",
            "/own/4",
            ("/foo/1", None, {"query_args": {"q": "ü&"}}),
            ("/foo/1", None, {"query_args": "a=b"}),
        ],
    ),
    Case(
        "defaults without redirects",
        lambda r: [
            r.Rule("/foo/", endpoint="foo", defaults={"page": 1}),
            r.Rule("/foo/<int:page>", endpoint="foo"),
            r.Rule("/old", endpoint="foo", defaults={"page": 7}, alias=True),
            r.Rule("/to", endpoint="foo", redirect_to="foo/"),
        ],
        ["/foo/", "/foo/1", "/foo/2", "/old", "/to"],
        {"redirect_defaults": False},
    ),
    Case(
        "several defaults for one endpoint",
        lambda r: [
            r.Rule("/user/", defaults={"name": "me", "tab": "info"}, endpoint="user"),
            r.Rule("/user/<name>", defaults={"tab": "info"}, endpoint="user"),
            r.Rule("/user/<name>/posts", defaults={"tab": "posts"}, endpoint="user"),
            r.Rule("/user/<name>/<tab>", endpoint="user"),
            r.Rule("/home", defaults={"name": "me", "tab": "home"}, endpoint="user"),
        ],
        [
            "/user/",
            "/user/me",
            "/user/me/info",
            "/user/x/info",
            "/user/x/posts",
            "/user/me/home",
            "/user/x/home",
            "/home",
        ],
    ),
    Case(
        "aliases",
        lambda r: [
            r.Rule("/", endpoint="index"),
            r.Rule("/index.html", endpoint="index", alias=True),
            r.Rule("/users/", defaults={"page": 1}, endpoint="users"),
            r.Rule("/users/index.html", defaults={"page": 1}, alias=True, endpoint="users"),
            r.Rule("/users/page/<int:page>", endpoint="users"),
            r.Rule("/users/page-<int:page>.html", alias=True, endpoint="users"),
            r.Rule("/u/<n>", endpoint="lone", alias=True),
            r.Rule("/m/<n>", endpoint="m", methods=["POST"]),
            r.Rule("/m2/<n>", endpoint="m", alias=True),
        ],
        [
            "/",
            "/index.html",
            "/users/",
            "/users/index.html",
            "/users/page/1",
            "/users/page/2",
            "/users/page-1.html",
            "/users/page-2.html",
            ("/index.html", None, {"query_args": {"a": ["b", "c d"]}}),
            ("/m2/x", "GET"),
            ("/m2/x", "POST"),
        ],
        bind={"script_name": "/below"},
    ),
    Case(
        "redirect_to",
        lambda r: [
            r.Rule("/old/<int:id>", endpoint="a", redirect_to="new/<id>"),
            r.Rule("/abs/<x>", endpoint="b", redirect_to="/new/<x>"),
            r.Rule("/away", endpoint="c", redirect_to="https://other.example/x"),
            r.Rule("/relative/", endpoint="d", redirect_to="../up"),
            r.Rule(
                "/call/<int:x>/<y>",
                endpoint="e",
                redirect_to=lambda adapter, x, y: f"called/{x + 1}/{y}/{adapter.subdomain}",
            ),
            r.Rule("/none/<x>", endpoint="f", redirect_to="to/<missing>"),
            r.Rule("/post", endpoint="g", redirect_to="p", methods=["POST"]),
            r.Rule("/def/<int:x>", endpoint="h", defaults={"y": 5}, redirect_to="z/<x>"),
            r.Rule("/proto", endpoint="i", redirect_to="//other.example/x"),
            r.Rule("/empty", endpoint="j", redirect_to=""),
            r.Rule("/q/<x>", endpoint="k", redirect_to="s?q=<x>&y=1#z"),
        ],
        [
            "/old/7",
            "/abs/a b",
            "/abs/ü",
            "/away",
            "/relative/",
            "/call/1/z",
            "/none/1",
            ("/post", "POST"),
            ("/post", "GET"),
            "/def/3",
            "/proto",
            "/empty",
            "/q/a",
            ("/old/7", None, {"query_args": "x=y"}),
            "/relative",
        ],
        bind={"script_name": "/app", "url_scheme": "https"},
    ),
    Case(
        "only for building",
        lambda r: [
            r.Rule("/a", endpoint="a", build_only=True),
            r.Rule("/<x>", endpoint="b"),
            r.Rule("/c/d", endpoint="c", build_only=True, methods=["POST"]),
        ],
        ["/a", "/b", "/c/d"],
    ),
    # WebSockets
    Case(
        "websockets",
        lambda r: [
            r.Rule("/ws", endpoint="ws", websocket=True),
            r.Rule("/http", endpoint="http"),
            r.Rule("/both", endpoint="both http"),
            r.Rule("/both", endpoint="both ws", websocket=True),
            r.Rule("/get", endpoint="get", websocket=True, methods=["GET"]),
            r.Rule("/post", endpoint="post", methods=["POST"]),
            r.Rule("/slash/", endpoint="slash", websocket=True),
            r.Rule("/<x>", endpoint="any"),
            r.Rule("/d/", endpoint="d", websocket=True, defaults={"p": 1}),
            r.Rule("/d/<int:p>", endpoint="d", websocket=True),
        ],
        [
            (path, method, {"websocket": websocket})
            for path in ("/ws", "/http", "/both", "/get", "/post", "/slash", "/slash/", "/other", "/d/1", "/x/y")
            for websocket in (None, True, False)
            for method in ("GET", "POST")
        ],
    ),
    Case(
        "websockets by scheme",
        lambda r: [
            r.Rule("/ws", endpoint="ws", websocket=True),
            r.Rule("/http", endpoint="http"),
            r.Rule("/slash/", endpoint="slash", websocket=True),
        ],
        ["/ws", "/http", "/slash", ("/http", None, {"websocket": False}), "//ws"],
        bind={"url_scheme": "wss", "script_name": "/x"},
    ),
    # Subdomains and hosts
    Case(
        "subdomains",
        lambda r: [
            r.Rule("/", endpoint="root"),
            r.Rule("/", endpoint="www", subdomain="www"),
            r.Rule("/<x>/", endpoint="user", subdomain="<user>"),
            r.Rule("/n", endpoint="number", subdomain="<int:n>"),
            r.Rule("/t", endpoint="two", subdomain="<a>.<b>"),
            r.Rule("/t", endpoint="fixed", subdomain="x.<b>"),
        ],
        ["/", "/a", "/a/", "/n", "/n/", "/t"],
        bind={"subdomain": "www"},
    ),
    *(
        Case(
            f"subdomain {subdomain}",
            lambda r: [
                r.Rule("/", endpoint="root"),
                r.Rule("/<x>/", endpoint="user", subdomain="<user>"),
                r.Rule("/n", endpoint="number", subdomain="<int:n>"),
                r.Rule("/t", endpoint="two", subdomain="<a>.<b>"),
                r.Rule("/t", endpoint="fixed", subdomain="x.<b>"),
                r.Rule("/p", endpoint="path", subdomain="<path:p>"),
                r.Rule("/w", endpoint="word", subdomain="<any(x, 'y.z'):w>"),
            ],
            ["/", "/a", "/n", "/t", "/p", "/w"],
            bind={"subdomain": subdomain},
        )
        for subdomain in ("", "x", "7", "x.y", "y.z", "a.b.c", "<invalid>", "ü")
    ),
    Case(
        "hosts",
        lambda r: [
            r.Rule("/", endpoint="index", host="www.<domain>"),
            r.Rule("/", endpoint="files", host="files.<domain>"),
            r.Rule("/foo/", defaults={"page": 1}, host="www.<domain>", endpoint="x"),
            r.Rule("/<int:page>", host="files.<domain>", endpoint="x"),
            r.Rule("/all", endpoint="all", host="<h>"),
            r.Rule("/none", endpoint="none"),
            r.Rule("/alias", endpoint="index", alias=True, host="files.<domain>"),
        ],
        ["/", "/foo", "/foo/", "/1", "/2", "/all", "/none", "/alias"],
        {"host_matching": True},
    ),
    *(
        Case(
            f"host {host}",
            lambda r: [
                r.Rule("/", endpoint="index", host="www.<domain>"),
                r.Rule("/", endpoint="files", host="files.<domain>"),
                r.Rule("/foo/", defaults={"page": 1}, host="www.<domain>", endpoint="x"),
                r.Rule("/<int:page>", host="files.<domain>", endpoint="x"),
                r.Rule("/p", endpoint="port", host="<h>:<int:port>"),
                r.Rule("/p", endpoint="local", host="localhost:8080"),
                r.Rule("/to", endpoint="to", host="www.<domain>", redirect_to="x/<domain>"),
                r.Rule("/alias", endpoint="index", alias=True, host="files.<domain>"),
            ],
            ["/", "/foo", "/1", "/2", "/p", "/to", "/alias"],
            {"host_matching": True},
            {"server_name": host, "script_name": "/s"},
        )
        for host in (
            "www.example.com",
            "files.example.com",
            "WWW.example.com:8080",
            "localhost:8080",
            "[::1]:80",
            "bücher.de",
        )
    ),
    Case(
        "a default subdomain",
        lambda r: [r.Rule("/", endpoint="a"), r.Rule("/b/", endpoint="b", subdomain=""), r.Rule("/c/", endpoint="c")],
        ["/", "/b/", "/c"],
        {"default_subdomain": "www"},
    ),
    # The request
    Case(
        "queries that redirects keep",
        lambda r: [r.Rule("/a/", endpoint="a")],
        [
            ("/a", None, {"query_args": query})
            for query in ("", "x=ü", {}, {"x": "ü &=+"}, {"x": ["1", "2"]}, None, {"x": None})
        ],
        bind={"query_args": {"bound": 1}},
    ),
    Case(
        "an encoded redirect",
        lambda r: [r.Rule("/<x>/", endpoint="a"), r.Rule("/y/<x>/z/", endpoint="b")],
        [
            "/a b",
            "/ü",
            "/%",
            "/a%20b",
            "/a?b",
            "/a#b",
            "/a;b",
            "/a&b=c",
            "/\x00",
            "/\x7f",
            '/"<>`{}|^\\',
            "/~!$'()*+,:@",
            "/\U0001f600",
        ],
        bind={"script_name": "/ä b"},
    ),
    Case(
        "endpoints of any kind",
        lambda r: [
            r.Rule("/a", endpoint=1),
            r.Rule("/b", endpoint=("x", 2)),
            r.Rule("/c", endpoint=None),
            r.Rule("/d", endpoint=len),
            r.Rule("/e/", endpoint=2.5, defaults={"x": 1}),
            r.Rule("/e/<int:x>", endpoint=2.5),
        ],
        ["/a", "/b", "/c", "/d", "/e/1"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_request_has_the_outcome_that_werkzeug_gives_it(case: Case) -> None:
    every_request_means_the_same(case)
