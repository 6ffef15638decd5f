"""Where an endpoint or a place has many rules they are filed, not tried one by one: the outcome is Werkzeug's still."""

from __future__ import annotations

from typing import Any

import pytest
import werkzeug.routing
from hypothesis import given, settings
from hypothesis import strategies as st
from same_as_werkzeug import asked, told

import erlen.routing

VALUES: list[Any] = [1, "1", True, "a", None, [1], {"x": 1}, 2]
names = st.sampled_from(["x", "y", "z"])
values = st.dictionaries(names, st.sampled_from(VALUES), max_size=3)


@st.composite
def many_rules(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Rules of one endpoint, more than are tried one after the other."""
    made = []
    for number in range(draw(st.integers(20, 40))):
        variables = draw(st.lists(names, unique=True, max_size=2))
        options: dict[str, Any] = {"endpoint": "it", "defaults": draw(values) or None}
        options["methods"] = draw(st.sampled_from([None, None, ["GET"], ["POST"], ["POST", "PUT"]]))
        options["build_only"] = draw(st.integers(0, 9)) == 0
        options["domain"] = draw(st.sampled_from(["a", "b", "c", "<h>", "x<h>"]))
        made.append((f"/{number}/" + "/".join(f"<{name}>" for name in variables), options))
    return made


def both(rules: list[tuple[str, dict[str, Any]]], host_matching: bool) -> list[Any]:
    made = []
    for module in (werkzeug.routing, erlen.routing):
        made.append(module.Map(host_matching=host_matching))
        for string, options in rules:
            given_options = {**options, "host" if host_matching else "subdomain": options["domain"]}
            del given_options["domain"]
            made[-1].add(module.Rule(string, **given_options))
    return made


@settings(max_examples=30, deadline=None)
@given(
    many_rules(), st.lists(values, min_size=3, max_size=10), st.booleans(), st.sampled_from([None, "GET", "POST", "X"])
)
def test_a_url_of_one_endpoint_with_many_rules(
    rules: list[tuple[str, dict[str, Any]]], given_values: list[dict[str, Any]], host_matching: bool, method: str | None
) -> None:
    theirs, ours = (made.bind("b") for made in both(rules, host_matching))
    for wanted in given_values:
        for more in ({}, {"h": "q"}):
            expected = told(theirs.build, "it", {**wanted, **more}, method)
            assert told(ours.build, "it", {**wanted, **more}, method) == expected


@settings(max_examples=30, deadline=None)
@given(
    many_rules(),
    st.lists(st.sampled_from(["1", "a", "2", "True"]), min_size=2, max_size=2),
    st.sampled_from(["GET", "POST"]),
)
def test_the_canonical_rule_of_one_endpoint_with_many_rules(
    rules: list[tuple[str, dict[str, Any]]], texts: list[str], method: str
) -> None:
    theirs, ours = (made.bind("h", subdomain="a") for made in both(rules, False))
    for string, _ in rules:
        filled = string
        for text in texts:
            head, found, tail = filled.partition("<")
            filled = head + text + tail.partition(">")[2] if found else filled
        assert asked(ours, filled, method) == asked(theirs, filled, method)


def test_a_default_redirect_is_asked_for_with_any_values() -> None:
    found = []
    for module in (werkzeug.routing, erlen.routing):
        rules = [module.Rule(f"/{n}", endpoint="it", defaults={"n": n, "m": 1}) for n in range(30)]
        last = module.Rule("/<int:n>/<m>", endpoint="it")
        made = module.Map([*rules, last])
        made.update()
        adapter = made.bind("h")
        asked_for = ({"n": 20, "m": 1}, {"n": 20}, {}, {"n": [1], "m": 1}, {"n": 99, "m": 1})
        found += [told(adapter.get_default_redirect, last, "GET", dict(values), {}) for values in asked_for]
    assert found[:5] == found[5:]


def test_a_rule_that_decides_by_itself_is_always_asked() -> None:
    found = []
    for module in (werkzeug.routing, erlen.routing):

        class Lenient(module.Rule):  # type: ignore[misc, name-defined]
            def suitable_for(self, values: Any, method: str | None = None) -> bool:
                return bool(values.get("x") == 2)

            def build(self, values: Any, append_unknown: bool = True) -> Any:
                return "", "/mine"

        rules = [module.Rule(f"/{n}", endpoint="it", defaults={"x": n + 100}) for n in range(30)]
        adapter = module.Map([*rules, Lenient("/own", endpoint="it", defaults={"x": 1}, methods=["PUT"])]).bind("h")
        found.append([told(adapter.build, "it", {"x": x}) for x in (1, 2, 105)])
    assert found[0] == found[1]


def test_names_that_come_from_requests_are_not_remembered_for_ever() -> None:
    rules = [erlen.routing.Rule(f"/{n}/<v{n}>", endpoint="it") for n in range(400)]
    made = erlen.routing.Map(rules)
    adapter = made.bind("h")
    for number in range(400):
        assert adapter.build("it", {f"v{number}": 1}) == f"/{number}/1"
    assert len(made._endpoints["it"]._selections) <= 256


@pytest.mark.parametrize("host_matching", [False, True])
def test_many_forms_in_one_place_are_tried_in_the_same_order(host_matching: bool) -> None:
    strings = [
        "<x>",
        "<int:x>",
        "<path:x>",
        "<x>.html",
        "<path:x>.html",
        "<path:x>/z/",
        "a-<path:x>/",
        "<x>-<y>",
        "<int:x>-b",
    ]
    strings += [f"{text}<x>" for text in ("a", "ab", "abc", "b-")] + [f"<x>{text}" for text in ("c", "bc", "abc", "-b")]
    strings += [f"a<x>{text}" for text in ("c", ".c", "b.c")] + [f"<path:x>/{text}" for text in ("c", "b/c", "c/")]
    maps = [
        module.Map(
            [module.Rule("/" + each, endpoint=each, host="<h>", subdomain="<h>") for each in strings],
            host_matching=host_matching,
        )
        for module in (werkzeug.routing, erlen.routing)
    ]
    theirs, ours = (made.bind("h") if host_matching else made.bind("h", subdomain="s") for made in maps)
    heads, tails = (
        ["a", "ab", "abc", "b-", "1", "a-", "x"],
        ["", "c", "bc", "abc", "-b", ".c", ".html", "/c", "/b/c", "/z", "/z/", "/c/", "/"],
    )
    for path in (head + tail for head in heads for tail in tails):
        assert asked(ours, path) == asked(theirs, path), path


def test_many_domains_with_variables_are_tried_in_the_same_order() -> None:
    domains = [
        "<d>",
        "<int:d>",
        "a.<d>",
        "b.<d>",
        "<d>.a",
        "<d>.b",
        "a<d>",
        "<d>b",
        "<e>.<d>",
        "<int:e>.<d>",
        "a.<d>.b",
        "<path:d>",
        "c",
    ]
    maps = [
        module.Map([module.Rule("/", endpoint=domain, subdomain=domain) for domain in domains])
        for module in (werkzeug.routing, erlen.routing)
    ]
    for subdomain in ("x", "7", "a.x", "b.x", "x.a", "x.b", "ax", "xb", "7.x", "a.x.b", "c", "a.b", "a.a.a", ""):
        theirs, ours = (made.bind("h", subdomain=subdomain) for made in maps)
        assert asked(ours, "/") == asked(theirs, "/"), subdomain
