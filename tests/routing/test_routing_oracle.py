"""Werkzeug's map is the oracle: the same rules mean the same there."""

from __future__ import annotations

import os
from typing import Any

import werkzeug.routing
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from routing_strategies import Request, Spec, builds, converters, outcome, requests, url

import erlen.routing

# ERLEN_ROUTING_EXAMPLES=4000 looks longer.
many = settings(
    max_examples=int(os.environ.get("ERLEN_ROUTING_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
MAP_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        name: st.booleans() for name in ("strict_slashes", "merge_slashes", "redirect_defaults", "sort_parameters")
    },
)


def make(module: Any, rules: list[Spec], options: dict[str, Any]) -> Any:
    """A map of *module* with the rules, or the type of the error that they are refused with."""
    made = module.Map(converters=converters(module), **options)
    domain = "host" if made.host_matching else "subdomain"
    for spec in rules:
        arguments = {domain if name == "domain" else name: value for name, value in spec.options.items()}
        try:
            made.add(module.Rule(spec.string, **arguments))
        except (ValueError, TypeError) as error:
            return type(error)
    return made


def both(rules: list[Spec], options: dict[str, Any]) -> tuple[Any, Any]:
    """The rules on both maps."""
    theirs, ours = make(werkzeug.routing, rules, options), make(erlen.routing, rules, options)
    if isinstance(theirs, type):
        assert isinstance(ours, type), f"Werkzeug refuses them with {theirs}"
        assume(False)
    assert not isinstance(ours, type), f"Erlen refuses them with {ours}"
    return theirs, ours


@many
@given(requests(), MAP_OPTIONS, st.sampled_from(["http", "https", "ws"]))
def test_a_request_means_what_it_means_to_werkzeug(
    drawn: tuple[list[Spec], list[Request]], options: dict[str, Any], scheme: str
) -> None:
    theirs, ours = (
        made.bind("example.com", "/below", url_scheme=scheme, query_args="q=1") for made in both(drawn[0], options)
    )
    for request in drawn[1]:
        expected = outcome(theirs, request)
        event(kind(expected))
        assert outcome(ours, request) == expected


def kind(expected: object) -> str:
    """What happened, in a word, for the statistics."""
    if not isinstance(expected, tuple):
        return str(expected)
    return expected[0] if expected[0] in ("redirect", "method", "missing", "build error") else "match"


@many
@given(requests(domains=True), st.booleans())
def test_hosts_and_subdomains_mean_what_they_mean_to_werkzeug(
    drawn: tuple[list[Spec], list[Request]], host_matching: bool
) -> None:
    maps = both(drawn[0], {"host_matching": host_matching})
    for request in drawn[1]:
        theirs, ours = (
            made.bind(request.domain or "example.com")
            if host_matching
            else made.bind("example.com", subdomain=request.domain)
            for made in maps
        )
        expected = outcome(theirs, request)
        event(kind(expected))
        assert outcome(ours, request) == expected


@many
@given(
    builds(),
    MAP_OPTIONS,
    st.fixed_dictionaries(
        {},
        optional={
            "method": st.sampled_from([None, "POST", "GET"]),
            "force_external": st.booleans(),
            "append_unknown": st.booleans(),
            "url_scheme": st.sampled_from([None, "", "https", "ws"]),
        },
    ),
)
def test_a_url_is_built_as_werkzeug_builds_it(
    drawn: tuple[list[Spec], str, dict[str, Any]], options: dict[str, Any], how: dict[str, Any]
) -> None:
    rules, endpoint, values = drawn
    theirs, ours = (made.bind("example.com", "/below") for made in both(rules, options))
    expected = url(theirs, endpoint, values, **how)
    event(kind(expected) if isinstance(expected, tuple) else "built" if "/" in str(expected) else str(expected))
    assert url(ours, endpoint, values, **how) == expected


@many
@given(builds(domains=True), st.booleans())
def test_a_url_on_another_host_is_built_as_werkzeug_builds_it(
    drawn: tuple[list[Spec], str, dict[str, Any]], host_matching: bool
) -> None:
    rules, endpoint, values = drawn
    theirs, ours = (made.bind("a", url_scheme="https") for made in both(rules, {"host_matching": host_matching}))
    expected = url(theirs, endpoint, values)
    event(kind(expected) if isinstance(expected, tuple) else "built" if "/" in str(expected) else str(expected))
    assert url(ours, endpoint, values) == expected


@many
@given(requests(), st.booleans())
def test_rules_and_factories_of_werkzeug_mean_the_same_on_our_map(
    drawn: tuple[list[Spec], list[Request]], in_factories: bool
) -> None:
    specs, wanted = drawn

    def given_rules() -> list[Any]:
        made: list[Any] = [werkzeug.routing.Rule(spec.string, **spec.options) for spec in specs]
        return (
            [werkzeug.routing.Submount("/a", [werkzeug.routing.EndpointPrefix("p.", made)])] if in_factories else made
        )

    try:
        theirs = werkzeug.routing.Map(given_rules(), converters=converters(werkzeug.routing)).bind("example.com")
    except ValueError:
        assume(False)
    # The converters are Werkzeug's too.
    ours = erlen.routing.Map(given_rules(), converters=converters(werkzeug.routing)).bind("example.com")
    for request in wanted:
        if in_factories:
            request.path = "/a" + request.path
        assert outcome(ours, request) == outcome(theirs, request)
