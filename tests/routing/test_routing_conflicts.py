"""Rules that can never be reached are reported, with both places."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
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
