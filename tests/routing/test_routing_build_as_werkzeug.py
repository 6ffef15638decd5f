"""A table of rules and values: Werkzeug's map and ours build the same URLs of them, and refuse the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
import werkzeug.routing
from same_as_werkzeug import told
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

import erlen.routing


class Case(NamedTuple):
    """Rules for a map, and the arguments of builds: (endpoint, values) or (endpoint, values, options)."""

    name: str
    rules: Callable[[Any], list[Any]]
    builds: list[Any]
    options: dict[str, Any] = {}  # noqa: RUF012
    bind: dict[str, Any] = {}  # noqa: RUF012


class Shown:
    """A value that only knows how it looks."""

    def __str__(self) -> str:
        return "shown/ä"


ODD = "-._~!$&'()*+,;=:@/?#[]%\"<>\\^`{|} \x00\x7f\n\u00e4\U0001f600"
EXTERNAL = {"force_external": True}
SCHEMES = [
    {"url_scheme": scheme, **how}
    for scheme in ("http", "https", "ws", "wss", "", "ftp", None)
    for how in ({}, EXTERNAL)
]


def station(r: Any) -> list[Any]:
    return [
        r.Rule("/", endpoint="overview"),
        r.Rule("/now", endpoint="now"),
        r.Rule("/gauges/<gauge>", endpoint="gauge"),
        r.Rule("/days/<int:day>", endpoint="day"),
        r.Rule("/above/<float:level>", endpoint="above"),
        r.Rule("/records/<path:record>", endpoint="record"),
        r.Rule("/login", endpoint="login", subdomain="staff"),
        r.Rule("/live", endpoint="live", websocket=True),
    ]


CASES = [
    Case(
        "every kind of rule",
        station,
        [
            (endpoint, values, how)
            for endpoint, values in (
                ("overview", None),
                ("overview", {"unit": "°C"}),
                ("now", {"at": 12, "by": ["a", "b"]}),
                ("gauge", {"gauge": "rain"}),
                ("gauge", {"gauge": "rain", "from": "mon", "to": None}),
                ("gauge", {}),
                ("gauge", {"gage": "rain"}),
                ("day", {"day": 274}),
                ("above", {"level": 6.25}),
                ("record", {"record": "1953/02/01"}),
                ("login", {}),
                ("login", {"next": "/now"}),
                ("live", {}),
                ("snow", {}),
            )
            for how in ({}, EXTERNAL, {"append_unknown": False})
        ],
        bind={"script_name": "/below"},
    ),
    *(
        Case(
            f"bound to {bind}",
            station,
            [(endpoint, {"q": 1}, how) for endpoint in ("now", "login", "live") for how in ({}, *SCHEMES)],
            bind=bind,
        )
        for bind in (
            {"url_scheme": "http"},
            {"url_scheme": "wss"},
            {"url_scheme": ""},
            {"url_scheme": "https", "subdomain": "staff"},
            {"script_name": "/a b/ü/"},
        )
    ),
    Case(
        "encoding",
        lambda r: [
            r.Rule("/<x>", endpoint="x"),
            r.Rule("/p/<path:x>", endpoint="p"),
            r.Rule("/f/-._~!$&'()*+,;=:@/?#[]%\"\\^`{|} ä/<x>", endpoint="f"),
            r.Rule("/q", endpoint="q"),
            r.Rule("/h", endpoint="h", subdomain="<x>"),
            r.Rule("/<string(length=2):x>", endpoint="l"),
        ],
        [
            (endpoint, {"x": value})
            for endpoint in "xpfqhl"
            for value in (ODD, "a b", "ä", "", 7, 1.5, True, Shown(), "a/b", "%20", "//x", b"ab")
        ]
        + [
            ("q", {ODD: ODD}),
            ("q", {"x": [ODD, 1]}),
            ("q", {"a b": "c d"}),
            ("x", {"x": "\ud800"}),
            ("q", {"x": "\ud800"}),
        ],
    ),
    Case(
        "values for the query",
        lambda r: [r.Rule("/", endpoint="it"), r.Rule("/<v>", endpoint="v")],
        [
            ("it", values)
            for values in (
                {"x": None},
                {"x": []},
                {"x": [None]},
                {"x": [1, None, 2]},
                {"x": (1, 2)},
                {"x": {1}},
                {"x": {"a": 1}},
                {"x": ""},
                {"x": 0},
                {"x": False},
                {"b": 1, "a": 2},
                {"x": "a&b=c+d e"},
                {"x": b"bytes"},
                {"self": 1, "class": 2, "return": 3},
                {"x": iter([1, 2]).__class__.__name__},
                MultiDict([("x", 1), ("y", 2), ("x", 3)]),
                MultiDict([("x", None), ("y", 2)]),
                MultiDict({"x": []}),
                MultiDict(),
                ImmutableMultiDict([("x", "ä"), ("x", "b")]),
            )
        ]
        + [
            ("v", MultiDict([("v", "a"), ("x", 1), ("x", 2)])),
            ("v", MultiDict([("v", "a"), ("v", "b")])),
            ("v", {"v": None}),
            ("v", {"v": ["a", "b"]}),
            ("v", MultiDict([("v", None)])),
            ("v", MultiDict({"v": []})),
        ],
    ),
    Case(
        "a sorted query",
        lambda r: [r.Rule("/", endpoint="it")],
        [
            ("it", {"b": 1, "a": 2, "c": [4, 3]}),
            ("it", MultiDict([("z", 1), ("a", 2), ("z", 0)])),
            ("it", {"b": 1, "a": "x"}),
        ],
        {"sort_parameters": True},
    ),
    Case(
        "a query sorted by a key",
        lambda r: [r.Rule("/", endpoint="it")],
        [("it", {"bbb": 1, "aa": 2, "c": 3}), ("it", {"z": [2, 1]})],
        {"sort_parameters": True, "sort_key": lambda pair: len(pair[0])},
    ),
    Case(
        "a key without sorting",
        lambda r: [r.Rule("/", endpoint="it")],
        [("it", {"b": 1, "a": 2})],
        {"sort_key": lambda pair: pair[0]},
    ),
    Case(
        "numbers",
        lambda r: [
            r.Rule("/i/<int:x>", endpoint="i"),
            r.Rule("/f/<int(fixed_digits=3):x>", endpoint="fixed"),
            r.Rule("/s/<int(signed=True, max=5):x>", endpoint="signed"),
            r.Rule("/d/<float:x>", endpoint="float"),
            r.Rule("/d/<float(signed=True, min=1):x>", endpoint="signed float"),
        ],
        [
            (endpoint, {"x": value})
            for endpoint in ("i", "fixed", "signed", "float", "signed float")
            for value in (
                7,
                "7",
                "007",
                7.9,
                "7.9",
                -7,
                "-7",
                True,
                1234,
                "a",
                "",
                Decimal("1.50"),
                1e30,
                "٣",
                [1],
                10**5000,
            )
        ],
    ),
    Case(
        "words",
        lambda r: [r.Rule("/<any(rye, oat, 'a b', 'ä', '7'):x>", endpoint="it")],
        [("it", {"x": value}) for value in ("rye", "oat", "a b", "ä", "7", "spelt", "", Shown())],
    ),
    Case(
        "UUIDs",
        lambda r: [r.Rule("/<uuid:x>", endpoint="it")],
        [("it", {"x": value}) for value in (uuid.UUID(int=5), str(uuid.UUID(int=5)), "no uuid", 5)],
    ),
    Case(
        "which rule",
        lambda r: [
            r.Rule("/", endpoint="it"),
            r.Rule("/<a>", endpoint="it"),
            r.Rule("/<a>/<b>", endpoint="it"),
            r.Rule("/c/<c>", endpoint="it"),
            r.Rule("/first/<z>", endpoint="two"),
            r.Rule("/second/<z>", endpoint="two"),
            r.Rule("/alias/<z>", endpoint="three", alias=True),
            r.Rule("/real/<z>", endpoint="three"),
            r.Rule("/only/<z>", endpoint="four", build_only=True),
            r.Rule("/x/<z>", endpoint="five", redirect_to="y"),
        ],
        [("it", dict.fromkeys(names, 1)) for names in ("", "a", "b", "ab", "c", "abc", "ac", "d", "ad")]
        + [(endpoint, {"z": 1}) for endpoint in ("two", "three", "four", "five")],
    ),
    Case(
        "defaults",
        lambda r: [
            r.Rule("/menu/<int:day>", endpoint="menu"),
            r.Rule("/menu/", endpoint="menu", defaults={"day": 3}),
            r.Rule("/box/<int:width>x<int:height>", endpoint="box"),
            r.Rule("/box/wide/<int:width>", endpoint="box", defaults={"height": 30}),
            r.Rule("/box/high/<int:height>", endpoint="box", defaults={"width": 20}),
            r.Rule("/box", endpoint="box", defaults={"width": 20, "height": 30}),
            r.Rule("/fixed/<int:number>", endpoint="fixed", defaults={"number": 6}),
            r.Rule("/fixed/<int:number>/<colour>", endpoint="fixed two", defaults={"number": 6}),
            r.Rule("/stock", endpoint="stock", defaults={"shelf": 4, "what": None}),
        ],
        [
            ("menu", values)
            for values in (
                {},
                {"day": 3},
                {"day": 4},
                {"day": "3"},
                {"day": 3.0},
                {"day": None},
                {"day": 3, "diet": "none"},
            )
        ]
        + [
            ("box", {**width, **height, **more})
            for width in ({}, {"width": 20}, {"width": 5})
            for height in ({}, {"height": 30}, {"height": 5})
            for more in ({}, {"lid": True})
        ]
        + [("fixed", values) for values in ({}, {"number": 6}, {"number": 8})]
        + [("fixed two", {"colour": "red", **values}) for values in ({}, {"number": 6}, {"number": 8})]
        + [("stock", values) for values in ({}, {"shelf": 4}, {"shelf": 5}, {"what": None}, {"what": "jam"})],
    ),
    Case(
        "methods",
        lambda r: [
            r.Rule("/get", endpoint="it", methods=["GET"]),
            r.Rule("/post", endpoint="it", methods=["POST"]),
            r.Rule("/put/<x>", endpoint="it", methods=["PUT"]),
            r.Rule("/any", endpoint="any"),
            r.Rule("/p", endpoint="p", methods=["POST"]),
        ],
        [
            ("it", values, {"method": method})
            for values in ({}, {"x": 1})
            for method in (None, "GET", "HEAD", "POST", "PUT", "DELETE", "post", "")
        ]
        + [("any", {}, {"method": "ZZZ"}), ("p", {}), ("p", {}, {"method": "GET"})],
    ),
    Case(
        "the default method",
        lambda r: [
            r.Rule("/get", endpoint="it", methods=["GET"]),
            r.Rule("/post", endpoint="it", methods=["POST"]),
            r.Rule("/p/<x>", endpoint="it", methods=["PUT"]),
        ],
        [("it", {}), ("it", {"x": 1}), ("it", {}, {"method": "GET"})],
        bind={"default_method": "POST"},
    ),
    Case(
        "slashes",
        lambda r: [
            r.Rule("/a//b", endpoint="merged"),
            r.Rule("/a//b/<x>", endpoint="kept", merge_slashes=False),
            r.Rule("//c", endpoint="double", merge_slashes=False),
            r.Rule("/<path:x>/end/", endpoint="path"),
            r.Rule("/<x>//", endpoint="tail"),
        ],
        [
            ("merged", {}),
            ("kept", {"x": 1}),
            ("double", {}),
            ("double", {}, EXTERNAL),
            ("path", {"x": "/evil.example"}),
            ("path", {"x": "//evil.example"}),
            ("path", {"x": "a//b/"}),
            ("tail", {"x": "/"}),
            ("tail", {"x": "a"}),
        ],
    ),
    Case(
        "subdomains",
        lambda r: [
            r.Rule("/", endpoint="root"),
            r.Rule("/", endpoint="www", subdomain="www"),
            r.Rule("/<x>", endpoint="user", subdomain="<user>"),
            r.Rule("/n", endpoint="num", subdomain="<int(fixed_digits=2):n>"),
            r.Rule("/d", endpoint="def", subdomain="<lang>", defaults={"lang": "en"}),
            r.Rule("/both", endpoint="both"),
            r.Rule("/both", endpoint="both", subdomain="s"),
        ],
        [
            ("root", {}),
            ("www", {}),
            ("user", {"user": "me", "x": 1}),
            ("user", {"user": "Ä b", "x": 1}),
            ("num", {"n": 7}),
            ("def", {}),
            ("def", {"lang": "en"}),
            ("def", {"lang": "de"}),
            ("both", {}),
            ("user", {"user": "s", "x": 2}),
            ("user", {"x": 2}),
        ],
        bind={"subdomain": "s"},
    ),
    Case(
        "hosts",
        lambda r: [
            r.Rule("/", endpoint="www", host="www.example.com"),
            r.Rule("/", endpoint="any", host="<h>.example.com"),
            r.Rule("/a", endpoint="many", host="a.example.com"),
            r.Rule("/b", endpoint="many", host="www.example.com"),
            r.Rule("/c", endpoint="many", host="c.example.com", methods=["POST"]),
            r.Rule("/port", endpoint="port", host="example.com:8080"),
            r.Rule("/none", endpoint="none"),
            r.Rule("/ws", endpoint="ws", host="www.example.com", websocket=True),
        ],
        [
            ("www", {}),
            ("www", {}, EXTERNAL),
            ("any", {"h": "www"}),
            ("any", {"h": "x"}),
            ("many", {}),
            ("many", {}, {"method": "POST"}),
            ("port", {}),
            ("none", {}),
            ("none", {}, EXTERNAL),
            ("ws", {}),
            ("any", {}),
            ("many", {}, {"url_scheme": ""}),
        ],
        {"host_matching": True},
        {"server_name": "www.example.com", "url_scheme": "https"},
    ),
    Case(
        "suggestions",
        lambda r: [
            r.Rule("/user/<id>", endpoint="user", methods=["GET"]),
            r.Rule("/user/<id>/<tab>", endpoint="user.tab"),
            r.Rule("/index", endpoint="index"),
            r.Rule("/post", endpoint="post", methods=["POST", "PUT"]),
            r.Rule("/d/<x>/<y>", endpoint="def", defaults={"x": 1}),
            r.Rule("/n", endpoint=7),
        ],
        [
            ("usr", {}),
            ("user", {}),
            ("user", {"x": 1}),
            ("user.tba", {"id": 1}),
            ("user.tab", {"id": 1}),
            ("idx", {"id": 1}),
            ("post", {}, {"method": "GET"}),
            ("user", {"id": 1}, {"method": "PUT"}),
            ("user", {}, {"method": "PUT"}),
            ("def", {}),
            ("def", {"x": 2, "y": 1}),
            (8, {}),
            (None, {}),
            ("", {}),
        ],
    ),
    Case("nothing to suggest", lambda r: [], [("a", {}), ("a", {"x": 1}), ("a", {}, {"method": "GET"})]),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_url_is_built_that_werkzeug_builds(case: Case) -> None:
    adapters = []
    for module in (werkzeug.routing, erlen.routing):
        bind = {"server_name": "example.com", **case.bind}
        adapters.append(module.Map(case.rules(module), **case.options).bind(**bind))
    for build in case.builds:
        endpoint, values, options = (*build, {})[:3]
        theirs, ours = (told(adapter.build, endpoint, values, **options) for adapter in adapters)
        assert (build, ours) == (build, theirs)
