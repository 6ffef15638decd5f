"""A table of rules and paths: text, converters, slashes and methods mean the same to Werkzeug's map and to ours."""

from __future__ import annotations

import pytest
from same_as_werkzeug import Case, every_request_means_the_same

UUID = "3f2b8c4e-91d7-4a06-8e5c-0b6d2f7a19c3"
LONG = "x" * 300

CASES = [
    # Fixed text and order
    Case(
        "fixed texts",
        lambda r: [
            r.Rule("/opening/hours", endpoint="hours"),
            r.Rule("/", endpoint="door"),
            r.Rule("/loans/", endpoint="loans"),
            r.Rule("/loans/late", endpoint="late"),
        ],
        [
            "/",
            "",
            "//",
            "/opening",
            "/opening/",
            "/opening/hours",
            "/opening/hours/",
            "opening/hours",
            "/loans",
            "/loans/",
            "/loans/late",
            "/loans/late/",
            "/loans//late",
            "/LOANS/",
            "/loan",
            ("/loans/", "link"),
        ],
    ),
    Case(
        "without rules",
        lambda r: [],
        ["/", "", "//", "/a"],
    ),
    Case(
        "the same path twice",
        lambda r: [r.Rule("/a", endpoint="one"), r.Rule("/a", endpoint="two")],
        ["/a"],
    ),
    Case(
        "weights",
        lambda r: [
            r.Rule("/<path:p>", endpoint="path"),
            r.Rule("/<s>", endpoint="string"),
            r.Rule("/<int:i>", endpoint="int"),
            r.Rule("/<float:f>", endpoint="float"),
            r.Rule("/<uuid:u>", endpoint="uuid"),
            r.Rule("/<any(a, b, c):w>", endpoint="any"),
            r.Rule("/a", endpoint="fixed"),
            r.Rule("/a<s>", endpoint="prefix"),
            r.Rule("/<s>.html", endpoint="suffix"),
            r.Rule("/a<s>.html", endpoint="both"),
            r.Rule("/<s>-<t>", endpoint="two"),
            r.Rule("/<int:i>-<int:j>", endpoint="numbers"),
            r.Rule("/<int:i>-<t>", endpoint="mixed"),
        ],
        ["/a", "/b", "/1", "/1.5", f"/{UUID}", "/ab", "/b.html", "/ab.html", "/a-b", "/1-2", "/1-b", "/b/c", "/d"],
    ),
    Case(
        "weights of whole paths",
        lambda r: [
            r.Rule("/<lang>/<name>", endpoint="1"),
            r.Rule("/<lang>/about", endpoint="2"),
            r.Rule("/en/<name>", endpoint="3"),
            r.Rule("/<int:n>/<name>", endpoint="4"),
            r.Rule("/<path:p>/about", endpoint="5"),
            r.Rule("/<path:p>", endpoint="6"),
            r.Rule("/<a>/<b>/<c>", endpoint="7"),
        ],
        ["/de/x", "/de/about", "/en/about", "/en/x", "/3/about", "/3/x", "/a/b/about", "/a/b/c", "/a/b/c/d", "/a"],
    ),
    Case(
        "backtracking",
        lambda r: [
            r.Rule("/a/<x>/c/d", endpoint="1"),
            r.Rule("/<x>/b/c", endpoint="2"),
            r.Rule("/<int:n>/b/<y>", endpoint="3"),
            r.Rule("/<path:p>/z", endpoint="4"),
            r.Rule("/a/b/<int:n>", endpoint="5"),
        ],
        ["/a/b/c", "/a/b/c/d", "/1/b/c", "/1/b/d", "/a/b/c/z", "/a/b/7", "/a/b/z", "/1/b/c/z"],
    ),
    # Converters
    Case(
        "strings",
        lambda r: [
            r.Rule("/s/<string:x>", endpoint="s"),
            r.Rule("/l/<string(length=2):x>", endpoint="l"),
            r.Rule("/m/<string(minlength=2):x>", endpoint="min"),
            r.Rule("/x/<string(maxlength=3):x>", endpoint="max"),
            r.Rule("/r/<string(2, 3):x>", endpoint="range"),
            r.Rule("/d/<default(length=1):x>", endpoint="default"),
        ],
        ["/s/a", "/s/", "/s/a/b", "/s/\n", "/s/a\n", "/s/ü", f"/s/{LONG}", "/s/ ", "/s/%2F", "/s/\U0001f600"]
        + [f"/{kind}/{text}" for kind in "lmxrd" for text in ("a", "ab", "abc", "abcd", "a\n", "üü")],
    ),
    Case(
        "whole numbers",
        lambda r: [
            r.Rule("/i/<int:x>", endpoint="i"),
            r.Rule("/f/<int(fixed_digits=3):x>", endpoint="fixed"),
            r.Rule("/m/<int(min=5, max=10):x>", endpoint="range"),
            r.Rule("/s/<int(signed=True):x>", endpoint="signed"),
            r.Rule("/n/<int(max=5, signed=True):x>", endpoint="negative"),
            r.Rule("/p/<int(2):x>", endpoint="position"),
            r.Rule("/a/b<int:x>c", endpoint="inside"),
        ],
        [
            f"/{kind}/{text}"
            for kind in "ifmsnp"
            for text in (
                "0",
                "7",
                "07",
                "007",
                "10",
                "11",
                "-1",
                "-6",
                "+1",
                "1.0",
                "",
                "a",
                "٣",
                "²",
                "1_0",
                " 1",
                "--1",
            )
        ]
        + ["/a/b1c", "/a/bc", "/a/b-1c", "/a/b٣c", "/i/1\n"],
    ),
    Case(
        "numbers with a point",
        lambda r: [
            r.Rule("/f/<float:x>", endpoint="f"),
            r.Rule("/m/<float(min=0.5, max=1.5):x>", endpoint="range"),
            r.Rule("/s/<float(signed=True):x>", endpoint="signed"),
            r.Rule("/p/<float(1, 2):x>", endpoint="position"),
        ],
        [
            f"/{kind}/{text}"
            for kind in "fmsp"
            for text in (
                "0.0",
                "1.5",
                "1",
                ".5",
                "5.",
                "-1.5",
                "1.5.5",
                "1e5",
                "nan",
                "inf",
                "٣.٣",
                "2.0",
                "0.4",
                "1,5",
            )
        ],
    ),
    Case(
        "words",
        lambda r: [
            r.Rule("/a/<any(rye, oat, 'b z', \"q,r\", '7', class):x>", endpoint="any"),
            r.Rule("/b/<any(rye, oat):x>/more", endpoint="more"),
            r.Rule("/c/x<any('a.b', 'a|b', '(c)'):x>y", endpoint="odd"),
            r.Rule("/d/<any(a, ab):x>b", endpoint="backtrack"),
        ],
        [f"/a/{word}" for word in ("rye", "oat", "b z", "q,r", "7", "class", "ry", "ryeoat", "RYE", "rye\n")]
        + ["/b/rye/more", "/b/rye", "/c/xa.by", "/c/xaxby", "/c/xa|by", "/c/x(c)y", "/d/ab", "/d/abb"],
    ),
    Case(
        "UUIDs",
        lambda r: [r.Rule("/sensors/<uuid:sensor>", endpoint="sensor"), r.Rule("/<uuid:u>.<x>", endpoint="log")],
        [f"/sensors/{text}" for text in (UUID, UUID.upper(), UUID[:-1], UUID + "0", "g" + UUID[1:], UUID[::-1])]
        + [f"/{UUID}.txt", f"/{UUID.replace('-', '')}.txt"],
    ),
    Case(
        "paths",
        lambda r: [
            r.Rule("/<path:file>", endpoint="file"),
            r.Rule("/<path:file>@<rev>", endpoint="file at"),
            r.Rule("/<path:file>@<int:number>", endpoint="file at number"),
            r.Rule("/<path:folder>/LICENSE", endpoint="license"),
            r.Rule("/<path:old>...<path:new>", endpoint="compare"),
            r.Rule("/<path:old>...<path:new>/stat", endpoint="stat"),
            r.Rule("/blame/<path:file>", endpoint="blame"),
            r.Rule("/~<owner>", endpoint="owner"),
            r.Rule("/~<owner>/<path:file>", endpoint="file of"),
            r.Rule("/~<owner>/log/<int:first>-<int:last>", endpoint="log"),
            r.Rule("/<group>/<project>/<branch>", endpoint="branch"),
            r.Rule("/<int:ticket>", endpoint="ticket"),
            r.Rule("/", endpoint="file", defaults={"file": "index"}),
        ],
        [
            "/",
            "/index",
            "/12",
            "/setup.cfg",
            "/docs/",
            "/docs//api",
            "/tools/lint/LICENSE",
            "/LICENSE",
            "/a/b/c",
            "/a/b",
            "/docs/intro@main",
            "/docs/intro@41",
            "/a@b@7",
            "/a@b/c",
            "/v1...v2",
            "/v1/x...v2/y",
            "/v1...v2/y/stat",
            "/v1...v2...v3",
            "/blame/docs/intro",
            "/blame/x@3",
            "/~oda",
            "/~oda/docs/x",
            "/~oda/log/3-9",
            "/~oda/log/3-x",
        ],
    ),
    Case(
        "paths and slashes",
        lambda r: [
            r.Rule("/a/<path:x>/", endpoint="branch"),
            r.Rule("/b/<path:x>", endpoint="leaf"),
            r.Rule("/c/<path:x>/<int:y>", endpoint="more"),
            r.Rule("/c/<path:x>/<int:y>/", endpoint="more branch"),
            r.Rule("/d/<path:x>.<ext>", endpoint="ext"),
            r.Rule("/e/<path:x>/end/<path:y>/", endpoint="two"),
            r.Rule("/f/<path:x>/", endpoint="lenient", strict_slashes=False),
            r.Rule("/g/<path:x>", endpoint="lenient leaf", strict_slashes=False),
            r.Rule("/h/<path:x>//y", endpoint="kept", merge_slashes=False),
        ],
        [
            f"/{kind}{rest}"
            for kind in "abcdefgh"
            for rest in (
                "/",
                "/x",
                "/x/",
                "/x/y",
                "/x/y/",
                "/x//y",
                "//x",
                "//x/",
                "/x//",
                "/x/1",
                "/x/1/",
                "/x.y",
                "/x/y.z/",
            )
        ]
        + ["/e/a/end/b", "/e/a/end/b/", "/e/a/b/end/c/end/d", "/h/x//y", "/h/x///y", "/h//x//y", "/a/x\n/", "/b/x\ny"],
    ),
    Case(
        "several variables in a segment",
        lambda r: [
            r.Rule("/<int:year>-<int:month>-<int:day>", endpoint="date"),
            r.Rule("/<a>.<b>", endpoint="dotted"),
            r.Rule("/<a><int:b>", endpoint="joined"),
            r.Rule("/v<int:a>.<int:b>/<c>@<d>", endpoint="deep"),
            r.Rule("/<a>~<b>/", endpoint="branch"),
            r.Rule("/<string(length=2):a><string(length=3):b>", endpoint="fixed lengths"),
        ],
        [
            "/2024-02-03",
            "/a.b",
            "/a.b.c",
            "/.b",
            "/a.",
            "/abc12",
            "/12",
            "/v1.2/x@y",
            "/v1.2/x@y@z",
            "/v1.2/x",
            "/a~b",
            "/a~b/",
            "/abcde",
            "/a~",
            "/~",
            "/a~b~c",
        ],
    ),
    Case(
        "regular expression characters in fixed text",
        lambda r: [
            r.Rule("/a.b", endpoint="dot"),
            r.Rule("/a+<x>", endpoint="plus"),
            r.Rule("/(<x>)", endpoint="group"),
            r.Rule("/$<x>^", endpoint="anchors"),
            r.Rule("/[a]/<x>", endpoint="class"),
            r.Rule("/|<x>|", endpoint="pipe"),
            r.Rule("/\\<x>", endpoint="backslash"),
            r.Rule("/a b/<x>", endpoint="space"),
            r.Rule("/ü/<x>é", endpoint="unicode"),
            r.Rule("/>x", endpoint="closing"),
        ],
        ["/a.b", "/axb", "/a+x", "/aax", "/(x)", "/$x^", "/[a]/x", "/a/x", "/|x|", "/\\x", "/a b/x", "/ü/xé", "/>x"],
    ),
    # Slashes
    Case(
        "strict slashes",
        lambda r: [
            r.Rule("/leaf", endpoint="leaf"),
            r.Rule("/branch/", endpoint="branch"),
            r.Rule("/get/", endpoint="get", methods=["GET"]),
            r.Rule("/post/", endpoint="post", methods=["POST"]),
            r.Rule("/post", endpoint="post leaf", methods=["PUT"]),
            r.Rule("/v/<x>/", endpoint="v"),
            r.Rule("/w/<int:x>", endpoint="w"),
            r.Rule("/both", endpoint="both leaf"),
            r.Rule("/both/", endpoint="both branch"),
        ],
        [
            "/leaf",
            "/leaf/",
            "/branch",
            "/branch/",
            ("/get", "POST"),
            ("/get", "GET"),
            ("/post", "GET"),
            ("/post", "POST"),
            ("/post", "PUT"),
            ("/post/", "PUT"),
            "/v/a",
            "/v/a/",
            "/w/1/",
            "/w/1",
            "/both",
            "/both/",
            "/v/ü ?#%",
        ],
    ),
    Case(
        "lenient slashes",
        lambda r: [
            r.Rule("/leaf", endpoint="leaf"),
            r.Rule("/branch/", endpoint="branch"),
            r.Rule("/strict/", endpoint="strict", strict_slashes=True),
            r.Rule("/strict2", endpoint="strict leaf", strict_slashes=True),
            r.Rule("/v/<x>", endpoint="v"),
            r.Rule("/w/<x>/", endpoint="w"),
            r.Rule("/p", endpoint="p", methods=["POST"]),
            r.Rule("/q/", endpoint="q", methods=["POST"]),
            r.Rule("/both", endpoint="both leaf"),
            r.Rule("/both/", endpoint="both branch"),
        ],
        [
            "/leaf",
            "/leaf/",
            "/branch",
            "/branch/",
            "/strict",
            "/strict/",
            "/strict2/",
            "/v/a/",
            "/v/a",
            "/w/a",
            "/w/a/",
            "/leaf//",
            "/both",
            "/both/",
            ("/p/", "GET"),
            ("/p/", "POST"),
            ("/q", "GET"),
            ("/q", "POST"),
            "/",
            "",
        ],
        {"strict_slashes": False},
    ),
    Case(
        "merged slashes",
        lambda r: [
            r.Rule("/tide/now", endpoint="leaf"),
            r.Rule("/tide/tables/", endpoint="branch"),
            r.Rule("/logs/<path:day>", endpoint="path"),
            r.Rule("/raw//feed", endpoint="kept double", merge_slashes=False),
            r.Rule("/raw/single", endpoint="kept single", merge_slashes=False),
            r.Rule("/wave//of//the//day", endpoint="written double"),
            r.Rule("/buoys/<name>/depth", endpoint="variable"),
            r.Rule("/alarm/test", endpoint="posted", methods=["POST"]),
        ],
        [
            head.replace("/", slashes) + tail
            for head in ("/tide/now", "/tide/tables", "/raw/feed", "/raw/single", "/buoys/b7/depth", "/wave/of/the/day")
            for slashes in ("/", "//", "///")
            for tail in ("", "/", "//")
        ]
        + ["/logs//monday", "/logs/monday//noon", "/logs/monday/", "/logs///", "/buoys//depth", "/%2F/tide//now"]
        + [("/alarm//test", "GET"), ("/alarm//test", "POST"), "//sea.example//tide/now", "/wave//of//the//day"],
    ),
    Case(
        "slashes not merged",
        lambda r: [
            r.Rule("/a/b", endpoint="plain"),
            r.Rule("/a//c", endpoint="double"),
            r.Rule("/d//<x>", endpoint="variable"),
            r.Rule("/e/f/", endpoint="merged", merge_slashes=True),
            r.Rule("/g//h", endpoint="merged double", merge_slashes=True),
        ],
        ["/a/b", "/a//b", "/a//c", "/a/c", "/d//x", "/d/x", "/e//f", "/e//f/", "/e/f", "/g//h", "/g/h", "//a/b"],
        {"merge_slashes": False},
    ),
    Case(
        "a redirect never leads to another host",
        lambda r: [r.Rule("/<path:p>/", endpoint="p"), r.Rule("/a/<x>/", endpoint="x")],
        [
            "//evil.example",
            "//evil.example/a",
            "///evil.example",
            "/\\evil.example",
            "/a//evil.example",
            "/a/\\\\evil",
            "//evil.example//x",
            "/a/..//x",
            "/a/@evil",
            "/a/x\r\ny",
            "/a/x?y#z",
        ],
        bind={"script_name": "/"},
    ),
    # Methods
    Case(
        "methods",
        lambda r: [
            r.Rule("/", endpoint="get", methods=["GET"]),
            r.Rule("/", endpoint="post", methods=["POST"]),
            r.Rule("/a", endpoint="lower", methods=["get", "post"]),
            r.Rule("/b", endpoint="all"),
            r.Rule("/c", endpoint="put", methods=["PUT"]),
            r.Rule("/<x>", endpoint="delete", methods=["DELETE"]),
            r.Rule("/d", endpoint="none", methods=[]),
            r.Rule("/e", endpoint="options", methods=["OPTIONS", "GET"]),
            r.Rule("/f", endpoint="odd", methods={"zzz", "AAA"}),
        ],
        [
            (path, method)
            for path in ("/", "/a", "/b", "/c", "/d", "/e", "/f", "/g")
            for method in ("GET", "get", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "ZZZ", "", None)
        ],
    ),
    Case(
        "the default method",
        lambda r: [r.Rule("/", endpoint="get", methods=["GET"]), r.Rule("/", endpoint="post", methods=["POST"])],
        ["/", ("/", None), ("/", "GET"), ("/", "")],
        bind={"default_method": "POST"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_path_has_the_outcome_that_werkzeug_gives_it(case: Case) -> None:
    every_request_means_the_same(case)
