"""A table of rules and requests: defaults, aliases, redirects, WebSockets, hosts mean the same to Werkzeug and us."""

from __future__ import annotations

import pytest
from same_as_werkzeug import Case, every_request_means_the_same

CASES = [
    # Defaults, aliases, redirects
    Case(
        "defaults",
        lambda r: [
            r.Rule("/menu/<day>", endpoint="menu"),
            r.Rule("/menu/", endpoint="menu", defaults={"day": "today"}),
            r.Rule("/box/<int:width>x<int:height>/", endpoint="box"),
            r.Rule("/box/<int:width>/", endpoint="box", defaults={"height": 30}),
            r.Rule("/box/", endpoint="box", defaults={"width": 20, "height": 30}),
            r.Rule("/oven/", endpoint="oven", defaults={"heat": 180}, methods=["GET"]),
            r.Rule("/oven/<int:heat>", endpoint="oven"),
            r.Rule("/note/", endpoint="note", defaults={"text": "Grüße / all"}),
            r.Rule("/note/<path:text>", endpoint="note"),
            r.Rule("/stock/", endpoint="stock", defaults={"shelf": 4, "cold": False}),
            r.Rule("/stock/<int:shelf>", endpoint="stock", defaults={"cold": False}),
            r.Rule("/lost/", endpoint="lost", defaults={"what": None}),
            r.Rule("/lost/<what>", endpoint="lost"),
            r.Rule("/van/", endpoint="van", defaults={"number": 2}, build_only=True),
            r.Rule("/van/<int:number>", endpoint="van"),
            r.Rule("/fixed/<int:number>", endpoint="fixed", defaults={"number": 6}),
        ],
        [
            "/menu/",
            "/menu",
            "/menu/today",
            "/menu/monday",
            "/box/",
            "/box/20/",
            "/box/20x30/",
            "/box/20x30",
            "/box/7x30/",
        ]
        + [
            "/box/20x9/",
            "/box/7x9/",
            "/box/7",
            ("/oven/180", "GET"),
            ("/oven/180", "PUT"),
            "/note/Grüße / all",
            "/note/x",
        ]
        + ["/stock/4", "/stock/5", "/lost/None", "/lost/None/", "/van/2", "/fixed/6", "/fixed/7"]
        + [("/menu/today", None, {"query_args": query}) for query in ({"diet": "ä&b"}, "raw=1&raw=2", "")],
    ),
    Case(
        "defaults without redirects",
        lambda r: [
            r.Rule("/menu/", endpoint="menu", defaults={"day": 1}),
            r.Rule("/menu/<int:day>", endpoint="menu"),
            r.Rule("/sunday", endpoint="menu", defaults={"day": 7}, alias=True),
            r.Rule("/food", endpoint="menu", redirect_to="menu/"),
        ],
        ["/menu/", "/menu/1", "/menu/2", "/sunday", "/food"],
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
            r.Rule("/wetter", endpoint="weather", alias=True),
            r.Rule("/weather", endpoint="weather"),
            r.Rule("/weather/<int:day>", endpoint="day"),
            r.Rule("/wetter/tag-<int:day>", endpoint="day", alias=True),
            r.Rule("/weather/first", endpoint="day", defaults={"day": 1}),
            r.Rule("/wetter/erster/", endpoint="day", defaults={"day": 1}, alias=True),
            r.Rule("/allein/<n>", endpoint="lone", alias=True),
            r.Rule("/alarm/<n>", endpoint="alarm", methods=["POST"]),
            r.Rule("/alarme/<n>", endpoint="alarm", alias=True),
        ],
        [
            "/wetter",
            "/weather",
            "/wetter/tag-4",
            "/wetter/tag-1",
            "/weather/1",
            "/wetter/erster/",
            "/wetter/erster",
            ("/wetter", None, {"query_args": {"unit": ["°C", "K & R"]}}),
            ("/alarme/x", "GET"),
            ("/alarme/x", "POST"),
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
            r.Rule("/", endpoint="shop", host="shop.<town>"),
            r.Rule("/", endpoint="till", host="till.<town>"),
            r.Rule("/receipts/<int:number>", endpoint="receipt", host="till.<town>"),
            r.Rule("/last-receipt/", endpoint="receipt", defaults={"number": 0}, host="shop.<town>"),
            r.Rule("/all", endpoint="all", host="<h>"),
            r.Rule("/none", endpoint="none"),
            r.Rule("/front", endpoint="shop", alias=True, host="till.<town>"),
        ],
        ["/", "/last-receipt", "/last-receipt/", "/receipts/0", "/receipts/8", "/all", "/none", "/front"],
        {"host_matching": True},
    ),
    *(
        Case(
            f"host {host}",
            lambda r: [
                r.Rule("/", endpoint="shop", host="shop.<town>"),
                r.Rule("/", endpoint="till", host="till.<town>"),
                r.Rule("/receipts/<int:number>", endpoint="receipt", host="till.<town>"),
                r.Rule("/last-receipt/", endpoint="receipt", defaults={"number": 0}, host="shop.<town>"),
                r.Rule("/p", endpoint="port", host="<h>:<int:port>"),
                r.Rule("/p", endpoint="local", host="localhost:8080"),
                r.Rule("/to", endpoint="to", host="shop.<town>", redirect_to="x/<town>"),
                r.Rule("/front", endpoint="shop", alias=True, host="till.<town>"),
            ],
            ["/", "/last-receipt", "/receipts/0", "/receipts/8", "/p", "/to", "/front"],
            {"host_matching": True},
            {"server_name": host, "script_name": "/s"},
        )
        for host in (
            "shop.lund.test",
            "till.lund.test",
            "SHOP.lund.test:8080",
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
