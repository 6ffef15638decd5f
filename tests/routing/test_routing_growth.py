"""What a search or a URL costs does not depend on the number of rules: counted in calls, alike on every machine."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from erlen.routing import Map, Missing, Rule


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


SHAPES: dict[str, tuple[Callable[[int], Rule], Callable[[int], tuple[str, str]], Callable[[int], Any]]] = {
    # Each with a rule, (path, method) of a request for it, and (endpoint, values) of its URL.
    "text before a variable": (
        lambda n: Rule(f"/x/p{n}-<int:id>", endpoint=f"e{n}"),
        lambda n: (f"/x/p{n}-7", "GET"),
        lambda n: (f"e{n}", {"id": 7}),
    ),
    "text behind a variable": (
        lambda n: Rule(f"/x/<int:id>-s{n}", endpoint=f"e{n}"),
        lambda n: (f"/x/7-s{n}", "GET"),
        lambda n: (f"e{n}", {"id": 7}),
    ),
    "text on both sides": (
        lambda n: Rule(f"/x/p-<id>.s{n}/z", endpoint=f"e{n}"),
        lambda n: (f"/x/p-7.s{n}/z", "GET"),
        lambda n: (f"e{n}", {"id": 7}),
    ),
    "text behind a path": (
        lambda n: Rule(f"/x/<path:p>/end{n}/", endpoint=f"e{n}"),
        lambda n: (f"/x/a/b/end{n}/", "GET"),
        lambda n: (f"e{n}", {"p": "a/b"}),
    ),
    "a segment behind a variable": (
        lambda n: Rule(f"/x/<a>/end{n}/<int:b>", endpoint=f"e{n}"),
        lambda n: (f"/x/a/end{n}/7", "GET"),
        lambda n: (f"e{n}", {"a": "a", "b": 7}),
    ),
    "the same shape": (
        lambda n: Rule(f"/x/<int:id{n}>", endpoint=f"e{n}"),
        lambda n: ("/x/7", "GET"),
        lambda n: (f"e{n}", {f"id{n}": 7}),
    ),
    "a subdomain with a variable": (
        lambda n: Rule("/x", endpoint=f"e{n}", subdomain=f"<user>.s{n}"),
        lambda n: ("/x", "GET"),
        lambda n: (f"e{n}", {"user": "u"}),
    ),
    "one endpoint, a default each": (
        lambda n: Rule(f"/p{n}", endpoint="e", defaults={"n": n}),
        lambda n: (f"/p{n}", "GET"),
        lambda n: ("e", {"n": n}),
    ),
    "one endpoint, defaults that redirect": (
        lambda n: Rule(f"/p{n}/<n>" if n == 0 else f"/p{n}", endpoint="e", defaults={"n": str(n)} if n else None),
        lambda n: (f"/p0/{n}", "GET"),
        lambda n: ("e", {"n": str(n)}),
    ),
    "one endpoint, another method": (
        lambda n: Rule(f"/p{n}/<id>", endpoint="e", methods=["POST"]),
        lambda n: (f"/p{n}/7", "POST"),
        lambda n: ("e", {"id": 7}),
    ),
    "one endpoint, variables of their own": (
        lambda n: Rule(f"/p{n}/<id{n}>", endpoint="e"),
        lambda n: (f"/p{n}/7", "GET"),
        lambda n: ("e", {f"id{n}": 7}),
    ),
}


@functools.cache
def big_map(make: Callable[[int], list[Rule]], size: int) -> Map:
    made = Map([rule for number in range(size // 4) for rule in make(number)])
    made.freeze()
    return made


def work(function: Callable[[], Any], warm: bool = True) -> int:
    """The number of calls and returns, of Python and of C functions, that *function* takes, or takes when *warm*."""
    if warm:
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


@functools.cache
def shaped(shape: str, size: int) -> Map:
    made = Map([SHAPES[shape][0](number) for number in range(size)])
    made.freeze()
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("what", ["match", "miss", "build"])
def test_rules_of_one_shape_take_no_more_work_when_there_are_2000(shape: str, what: str) -> None:
    _, request, build = SHAPES[shape]
    costs = []
    for size in (10, 2000):
        made, last = shaped(shape, size), size - 1
        path, method = request(last)
        domain = f"u.s{last}" if "subdomain" in shape else ""
        if what == "build":
            adapter = made.bind("example.com")
            endpoint, values = build(last)
            assert str(last) in adapter.build(endpoint, values) or "same shape" in shape or "method" in shape
            costs.append(work(lambda: adapter.build(endpoint, values)))  # noqa: B023
        else:
            path = path if what == "match" else path + "/miss"
            assert isinstance(made.find(domain, path, method), Missing) is (what == "miss")
            costs.append(work(lambda: made.find(domain, path, method)))  # noqa: B023
    assert costs[1] <= 1.3 * costs[0]


@pytest.mark.parametrize("what", ["match", "build"])
def test_2000_hosts_with_one_endpoint_take_no_more_work_than_10(what: str) -> None:
    costs = []
    for size in (10, 2000):
        rules = [Rule("/<int:id>", endpoint="show", host=f"shop{number}.example.com") for number in range(size)]
        made = Map(rules, host_matching=True)
        adapter = made.bind(f"shop{size - 1}.example.com")
        assert adapter.match("/7", return_rule=True)[0].host == f"shop{size - 1}.example.com"
        assert adapter.build("show", {"id": 7}) == "/7"
        costs.append(work(lambda: adapter.match("/7") if what == "match" else adapter.build("show", {"id": 7})))  # type: ignore[arg-type]  # noqa: B023
    assert costs[1] <= 1.3 * costs[0]


@pytest.mark.parametrize("few", [100, pytest.param(300, marks=pytest.mark.soak)])
@pytest.mark.parametrize("shape", SHAPES)
def test_getting_ready_takes_four_times_the_work_for_four_times_the_rules(shape: str, few: int) -> None:
    costs = []
    for size in (few, 4 * few):
        rules = [SHAPES[shape][0](number) for number in range(size)]

        def ready() -> object:
            made = Map([rule.empty() for rule in rules])  # noqa: B023
            return made.conflicts()

        re.purge()  # else what other tests had Python remember would cost nothing here
        costs.append(work(ready, warm=False))
    assert costs[1] <= 4.5 * costs[0]


def test_conflicts_among_10000_rules_are_looked_for_without_comparing_all_with_all() -> None:
    costs = [work(big_map(separate, size).conflicts) for size in (100, 1000)]
    assert costs[1] <= 15 * costs[0]
