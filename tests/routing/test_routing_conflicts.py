"""Rules that can never be reached are reported, with both places."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_router import ReferenceRouter, reference_rules
from routing_strategies import Request, Spec, converters, requests

import erlen.routing
from erlen.routing import BaseConverter, Map, Rule


def conflicts(*rules: Rule, **options: Any) -> list[tuple[str, str, str]]:
    return [(found.kind, found.rule.endpoint, found.other.endpoint) for found in Map(rules, **options).conflicts()]


def rule(path: str, endpoint: str, **options: Any) -> Rule:
    return Rule(path, endpoint=endpoint, **options)


def test_the_message_names_both_rules_and_where_they_were_written() -> None:
    first, second = rule("/user/<int:id>", "show"), rule("/user/<int:number>", "see")
    first.where, second.where = "app.py:3", "app.py:9"
    (found,) = Map([first, second]).conflicts()
    assert str(found) == found.message
    assert found.message == (
        "Rule '/user/<int:number>' (endpoint 'see', app.py:9) is the same as Rule '/user/<int:id>' "
        "(endpoint 'show', app.py:3). It is never reached. "
        "Remove one of the two, or give them different paths or methods."
    )


def test_the_message_names_the_methods_where_it_is_not_about_all() -> None:
    (found,) = Map([rule("/a", "x", methods=["GET"]), rule("/a", "y", methods=["GET", "POST"])]).conflicts()
    assert "It is never reached for GET. " in found.message


def test_the_message_says_where_the_second_rule_takes_a_slash_more() -> None:
    (found,) = Map([rule("/a", "x"), rule("/a", "y", strict_slashes=False)]).conflicts()
    assert "It is never reached but with a slash at its end. " in found.message
    assert conflicts(rule("/<a>", "x"), rule("/<any(b, c):d>", "y", strict_slashes=False)) == []


def test_the_rule_that_takes_all_methods_is_named_before_one_that_takes_a_few() -> None:
    few, every = rule("/a", "few", methods=["GET"]), rule("/a", "every", methods=["GET", "POST"])
    found = Map([few, every, rule("/a", "again", methods=["GET", "POST"])]).conflicts()
    assert [(conflict.rule.endpoint, conflict.other.endpoint) for conflict in found] == [
        ("every", "few"),
        ("again", "every"),
    ]
    assert "It is never reached. " in str(found[1])


def test_the_message_of_a_hidden_rule_says_what_hides_it() -> None:
    (found,) = Map([rule("/<a>", "x"), rule("/<string(length=2):b>", "y")]).conflicts()
    assert found.message == (
        "Rule '/<string(length=2):b>' (endpoint 'y') is hidden by Rule '/<a>' (endpoint 'x'), which is tried first "
        "and takes every path that it could take. It is never reached. "
        "Remove one of the two, or give them different paths or methods."
    )


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (rule("/a", "x"), rule("/a", "y"), "identical"),
        (rule("/a", "x"), rule("/a", "y", methods=["GET"]), "identical"),
        (rule("/a", "x", methods=["OPTIONS"]), rule("/a", "y", methods=["OPTIONS"]), "identical"),
        (rule("/<int:i>", "x"), rule("/<int(max=3):i>", "y"), "hidden"),
        (rule("/<a>", "x"), rule("/<any(b, c):d>", "y"), "hidden"),
        (rule("/<a>/<b>/c", "x"), rule("/<any(b, c):d>/<any(b, c):e>/c", "y"), "hidden"),
        (rule("/<a>/<b>", "x"), rule("/<any(b, c):d>/c", "y"), "hidden"),
        (rule("/<int(signed=True):a>", "x"), rule("/<b>", "y"), None),
        (rule("/<int(signed=True):a>", "x"), rule("/<int:b>", "y"), "hidden"),
        (rule("/<int:a>", "x"), rule("/<int(signed=True):b>", "y"), None),
        (rule("/<float(signed=True):a>", "x"), rule("/<float:b>", "y"), "hidden"),
        (rule("/<string(length=2):a>", "x"), rule("/<any(ab, cd):b>", "y"), "hidden"),
        (rule("/<string(length=2):a>", "x"), rule("/<any(ab, cde):b>", "y"), None),
        (rule("/<string(length=4):a>", "x"), rule(r"/<any('a|b\', 'a.b\'):b>", "y"), "hidden"),
        (rule("/<string(length=4):a>", "x"), rule(r"/<any('a|b\', 'a.b'):b>", "y"), None),
        (rule("/<string(minlength=2):a>", "x"), rule("/<string(minlength=3):b>", "y"), "hidden"),
        (rule("/<string(minlength=2):a>", "x"), rule("/<string(length=4):b>", "y"), "hidden"),
        (rule("/<string(maxlength=3):a>", "x"), rule("/<string(maxlength=2):b>", "y"), "hidden"),
        (rule("/<string(maxlength=3):a>", "x"), rule("/<string(minlength=2):b>", "y"), None),
        (rule("/<string(maxlength=3):a>", "x"), rule("/<string(maxlength=4):b>", "y"), None),
        (rule("/<string(minlength=30):a>", "x"), rule("/<uuid:b>", "y"), "hidden"),
        (rule("/<string(minlength=40):a>", "x"), rule("/<uuid:b>", "y"), None),
        (rule("/<a>", "x"), rule("/<uuid:b>", "y"), "hidden"),
        (rule("/<any(a, b):a>", "x"), rule("/<any(a, b):b>", "y"), "identical"),
        (rule("/<a>.html", "x"), rule("/<b>.html", "y"), "identical"),
        (rule("/<string(minlength=2):a>", "x"), rule("/b<any(c, d):b>", "y"), None),  # the second is tried first
        (rule("/<v>/<string(minlength=2):a>", "x"), rule("/<any(b, c):w>/<any(d, e):d>b", "y"), None),  # not looked for
        (rule("/<a>/", "x"), rule("/<any(b, c):d>", "y"), "hidden"),
        (rule("/<a>", "x", strict_slashes=False), rule("/<any(b, c):d>/", "y"), "hidden"),
        (rule("/<a>", "x"), rule("/<any(b, c):d>/", "y"), None),
        (rule("/<a>/", "x", methods=["GET"]), rule("/<any(b, c):d>", "y", methods=["POST"]), None),
        (rule("/<a>", "x", host="s"), rule("/<a>", "y"), "identical"),  # hosts do not count here
        (rule("/<string(length=2):b>", "x"), rule("/<a>", "y"), None),
        (rule("/<a>/x", "x"), rule("/<any(b, c):d>/y", "y"), None),
        (rule("/<a>/<int:i>", "x"), rule("/<any(b, c):d>/y", "y"), None),
        (rule("/<a>", "x"), rule("/<path:b>", "y"), None),
        (rule("/a", "x", methods=["GET"]), rule("/a", "y"), None),
        (rule("/a", "x", methods=["GET"]), rule("/a", "y", methods=["POST"]), None),
        (rule("/a", "x", methods=["GET"]), rule("/a", "y", methods=["OPTIONS"]), None),
        (rule("/a", "x", methods=["GET", "OPTIONS"]), rule("/a", "y", methods=["POST", "OPTIONS"]), None),
        (rule("/a", "x", methods=["GET"]), rule("/a", "y", methods=["GET"], websocket=True), None),
        (rule("/<a>", "x", methods=["GET"]), rule("/<any(b, c):d>", "y", methods=["POST"]), None),
        (rule("/<a>", "x", websocket=True), rule("/<any(b, c):d>", "y"), None),
        (rule("/a", "x", build_only=True), rule("/a", "y"), None),
        (rule("/a", "x", subdomain="s"), rule("/a", "y"), None),
        (rule("/a", "x", subdomain="<s>"), rule("/a", "y", subdomain="<any(b, c):s>"), "hidden"),
    ],
    ids=lambda given: getattr(given, "rule", given),
)
def test_a_rule_is_reported_when_another_takes_its_requests(first: Rule, second: Rule, kind: str | None) -> None:
    assert conflicts(first.empty(), second.empty()) == ([] if kind is None else [(kind, "y", "x")])


def test_a_rule_that_takes_segments_of_its_own_is_not_hidden() -> None:
    class Maybe(BaseConverter):
        regex = "[^/]*"

    class Digits(BaseConverter):
        regex = r"\d+"

    options = {"converters": {"maybe": Maybe, "digits": Digits}}
    assert conflicts(rule("/<a>", "x"), rule("/<maybe:b>", "y"), **options) == []
    assert conflicts(rule("/<digits:a>", "x"), rule("/<string(length=2):b>", "y"), **options) == []
    assert conflicts(rule("/<a>", "x"), rule("/<digits:b>", "y"), **options) == [("hidden", "y", "x")]


@pytest.mark.parametrize("host", ["a.example.com", "<h>.example.com", "<int:h>"])
def test_rules_on_the_same_host_are_reported_and_others_are_not(host: str) -> None:
    first, second = rule("/<x>", "x", host=host), rule("/<y>", "y", host=host)
    assert conflicts(first, second, host_matching=True) == [("identical", "y", "x")]
    assert conflicts(first.empty(), rule("/<y>", "y", host="other"), host_matching=True) == []


def test_a_rule_is_hidden_behind_a_thousand_that_hide_nothing() -> None:
    many = [rule(f"/a{number}-<x>", f"many{number}") for number in range(1000)]
    more = [rule(f"/<any(b, c):w>/a{number}-<y>", f"more{number}") for number in range(1000)]
    hiding = [rule(f"/<v>/a{number}-<y>", f"hiding{number}") for number in range(0, 1000, 500)]
    assert conflicts(*many, *hiding, *more) == [("hidden", "more0", "hiding0"), ("hidden", "more500", "hiding500")]


@settings(max_examples=150, deadline=None)
@given(requests(), st.data())
def test_a_rule_that_is_added_again_with_other_names_is_always_reported(
    drawn: tuple[list[Spec], list[Request]], data: st.DataObject
) -> None:
    made = Map(converters=converters(erlen.routing))
    added = []
    for spec in drawn[0]:
        try:
            made.add(Rule(spec.string, **spec.options))
        except ValueError:
            continue
        added.append(spec)
    assume(added)
    again = data.draw(st.sampled_from([spec for spec in added if not spec.options.get("build_only")] or [added[0]]))
    names = re.compile(r"\bv(\d)\b")
    options = {**again.options, "endpoint": "again"}
    options.pop("defaults", None)  # they are no part of what a path means
    options.pop("redirect_to", None)
    made.add(second := Rule(names.sub(r"w\1", again.string), **options))
    reported = [found for found in made.conflicts() if found.rule is second]
    assert len(reported) == (not again.options.get("build_only"))
    if reported:
        assert "It is never reached" in str(reported[0])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(reference_rules(), min_size=2, max_size=8),
    st.lists(st.lists(st.sampled_from(["a", "b", "1", "2", "c"]), max_size=4), min_size=1, max_size=20),
    st.booleans(),
)
def test_trying_every_rule_never_ends_at_one_that_is_reported(
    drawn: list[tuple[str, str, set[str] | None, bool]], paths: list[list[str]], slash: bool
) -> None:
    numbered = [(path, str(number), methods, strict) for number, (path, _, methods, strict) in enumerate(drawn)]
    made = Map(merge_slashes=False)
    for path, endpoint, methods, strict in numbered:
        made.add(Rule(path, endpoint=endpoint, methods=methods, strict_slashes=strict))
    dead = {found.rule.endpoint for found in made.conflicts() if "never reached." in found.message}
    reference = ReferenceRouter(numbered)
    for segments in paths:
        for method in ("GET", "POST"):
            found = reference.find("/" + "/".join(segments) + ("/" if slash and segments else ""), method)
            assert not isinstance(found, tuple) or found[0] not in dead


@settings(max_examples=150, deadline=None)
@given(requests())
def test_no_request_reaches_a_rule_that_is_reported_for_all_its_methods(
    drawn: tuple[list[Spec], list[Request]],
) -> None:
    made = Map(redirect_defaults=False, converters=converters(erlen.routing))
    for spec in drawn[0]:
        try:
            made.add(Rule(spec.string, **spec.options))
        except ValueError:
            continue
    dead = [found.rule for found in made.conflicts() if "never reached." in found.message]
    for request in drawn[1]:
        found = made.find("", request.path, request.method, request.websocket)
        if isinstance(found, tuple):
            assert not any(found[0] is rule for rule in dead) or request.method in ("HEAD", "OPTIONS")
