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


def basic(r: Any) -> list[Any]:
    return [
        r.Rule("/", endpoint="index"),
        r.Rule("/foo", endpoint="foo"),
        r.Rule("/bar/<baz>", endpoint="bar"),
        r.Rule("/bar/<int:bazi>", endpoint="bari"),
        r.Rule("/bar/<float:bazf>", endpoint="barf"),
        r.Rule("/bar/<path:bazp>", endpoint="barp"),
        r.Rule("/hehe", endpoint="blah", subdomain="blah"),
        r.Rule("/ws", endpoint="ws", websocket=True),
    ]


CASES = [
    Case(
        "basic",
        basic,
        [
            ("index", None),
            ("index", {}),
            ("index", {}, EXTERNAL),
            ("foo", {}),
            ("foo", {}, EXTERNAL),
            ("bar", {"baz": "blub"}),
        ]
        + [
            ("bar", {"baz": "blub"}, EXTERNAL),
            ("bari", {"bazi": 50}),
            ("barf", {"bazf": 0.815}),
            ("barp", {"bazp": "la/di"}),
        ]
        + [
            ("blah", {}),
            ("blah", {}, EXTERNAL),
            ("bar", {"baz": "a", "x": 1, "y": "ä"}),
            ("blubb", {}),
            ("bar", {}),
            ("bar", {"x": 1}),
        ]
        + [
            ("foo", {"x": 1}, {"append_unknown": False}),
            ("blah", {"x": 1}, {"append_unknown": False}),
            ("ws", {}),
            ("ws", {}, EXTERNAL),
        ]
        + [("foo", {}, how) for how in SCHEMES]
        + [("ws", {"q": 1}, how) for how in SCHEMES]
        + [("blah", {}, how) for how in SCHEMES],
        bind={"script_name": "/below"},
    ),
    Case(
        "a bound scheme",
        basic,
        [("foo", {}, how) for how in SCHEMES] + [("ws", {}), ("blah", {})],
        bind={"url_scheme": "wss"},
    ),
    Case(
        "an empty scheme",
        basic,
        [("foo", {}, how) for how in SCHEMES] + [("ws", {}), ("blah", {})],
        bind={"url_scheme": ""},
    ),
    Case(
        "on the subdomain",
        basic,
        [("foo", {}), ("blah", {}), ("blah", {}, EXTERNAL)],
        bind={"subdomain": "blah", "url_scheme": "https"},
    ),
    Case("script names", basic, [("foo", {}), ("index", {}), ("blah", {})], bind={"script_name": "/a b/ü/"}),
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
        lambda r: [r.Rule("/<any(foo, bar, 'a b', 'ä', '7'):x>", endpoint="it")],
        [("it", {"x": value}) for value in ("foo", "bar", "a b", "ä", "7", "baz", "", Shown())],
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
            r.Rule("/foo/", endpoint="foo", defaults={"page": 1}),
            r.Rule("/foo/<int:page>", endpoint="foo"),
            r.Rule("/", endpoint="two", defaults={"a": 0, "b": 0}),
            r.Rule("/a/<int:a>", endpoint="two", defaults={"b": 0}),
            r.Rule("/b/<int:b>", endpoint="two", defaults={"a": 0}),
            r.Rule("/a/<int:a>/b/<int:b>", endpoint="two"),
            r.Rule("/own/<int:x>", endpoint="own", defaults={"x": 3}),
            r.Rule("/own2/<int:x>/<y>", endpoint="own2", defaults={"x": 3}),
            r.Rule("/alone", endpoint="alone", defaults={"x": 1, "y": None}),
        ],
        [
            ("foo", values)
            for values in (
                {},
                {"page": 1},
                {"page": 2},
                {"page": "1"},
                {"page": 1, "q": 1},
                {"page": None},
                {"page": True},
            )
        ]
        + [("two", {**a, **b}) for a in ({}, {"a": 0}, {"a": 1}) for b in ({}, {"b": 0}, {"b": 1}, {"b": 0, "q": 2})]
        + [
            ("own", {}),
            ("own", {"x": 3}),
            ("own", {"x": 4}),
            ("own2", {"y": 1}),
            ("own2", {"y": 1, "x": 3}),
            ("own2", {"x": 2, "y": 1}),
        ]
        + [("alone", {}), ("alone", {"x": 1}), ("alone", {"x": 2}), ("alone", {"y": None}), ("alone", {"y": 1})],
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
