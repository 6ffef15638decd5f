"""What a search or a URL costs does not depend on the number of rules: counted in calls, alike on every machine."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from erlen.routing import Map, Rule


def separate(number: int) -> list[Rule]:
    """Rules with nothing in common."""
    return [
        Rule(f"/page{number}", endpoint=f"page{number}"),
        Rule(f"/user{number}/<int:id>", endpoint=f"user{number}"),
        Rule(f"/file{number}/<path:name>", endpoint=f"file{number}"),
        Rule(f"/<int:year>/x{number}/<name>.html", endpoint=f"old{number}"),
    ]


def behind_one_prefix(number: int) -> list[Rule]:
    """The same rules behind one prefix."""
    made = separate(number)
    for rule in made:
        rule.rule = "/api/<version>/v1" + rule.rule
    return made


def with_one_endpoint(number: int) -> list[Rule]:
    """Rules of one endpoint that differ in their variables."""
    return [Rule(f"/{kind}{number}/<int:{kind}{number}>", endpoint="all") for kind in ("page", "user", "file", "old")]


@functools.cache
def big_map(make: Callable[[int], list[Rule]], size: int) -> Map:
    made = Map([rule for number in range(size // 4) for rule in make(number)])
    made.freeze()
    return made


def work(function: Callable[[], Any]) -> int:
    """The number of calls and returns, of Python and of C functions, that *function* takes when warm."""
    function()
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


PREFIXES = [(separate, ""), (behind_one_prefix, "/api/7/v1")]


@pytest.mark.parametrize(("make", "prefix"), PREFIXES, ids=["separate", "one prefix"])
@pytest.mark.parametrize(
    "path",
    [
        "/page{}",
        "/user{}/42",
        "/file{}/a/b",
        "/1999/x{}/home.html",
        "/missing{}",
        "/user{}/x",
        "/file{}",
        "//user{}//42",
    ],
)
def test_a_search_among_10000_rules_takes_no_more_work_than_among_10(
    make: Callable[[int], list[Rule]], prefix: str, path: str
) -> None:
    few, many = big_map(make, 12), big_map(make, 10_000)
    last = {id(few): 2, id(many): 2499}
    costs = [work(lambda made=made: made.find("", prefix + path.format(last[id(made)]), "GET")) for made in (few, many)]
    assert costs[1] <= 1.3 * costs[0]


@pytest.mark.parametrize("make", [separate, behind_one_prefix, with_one_endpoint])
def test_a_url_among_10000_rules_takes_no_more_work_than_among_10(make: Callable[[int], list[Rule]]) -> None:
    costs = []
    for size in (12, 10_000):
        adapter = big_map(make, size).bind("example.com")
        last = size // 4 - 1
        endpoint, values = (
            ("all", {f"user{last}": 42}) if make is with_one_endpoint else (f"user{last}", {"id": 42, "version": "v"})
        )
        assert f"/user{last}/42" in adapter.build(endpoint, values)
        costs.append(work(lambda: adapter.build(endpoint, values)))  # noqa: B023
    assert costs[1] <= 1.3 * costs[0]


def test_conflicts_among_10000_rules_are_looked_for_without_comparing_all_with_all() -> None:
    costs = [work(big_map(separate, size).conflicts) for size in (100, 1000)]
    assert costs[1] <= 15 * costs[0]
