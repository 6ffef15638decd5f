"""The pure parts of the bench over servers: ratios, requests, tables, and which application runs where."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the bench by its name."""
    monkeypatch.syspath_prepend(BENCH)
    return lambda name: importlib.import_module(f"served.{name}")


def test_a_ratio_is_the_median_of_the_pairs_and_has_their_quartiles(load: Any) -> None:
    # One bad moment of the machine, in which both cost ten times as much, leaves the ratio alone.
    found = load("rounds").ratio([20.0, 200.0, 22.0, 30.0, 18.0], [10.0, 100.0, 10.0, 10.0, 10.0])
    assert (found.cost, found.median, found.low, found.high) == (22.0, 2.0, 2.0, 2.2)
    assert str(found) == "2.00 (2.00–2.20)"


def test_one_round_is_its_own_quartiles(load: Any) -> None:
    assert load("rounds").ratio([30.0], [10.0])[1:] == (3.0, 3.0, 3.0)


def test_two_runs_take_turns_and_either_one_is_first_by_turns(load: Any) -> None:
    order: list[str] = []

    def run(name: str, cost: int) -> Any:
        def send(number: int) -> int:
            order.append(name)
            return number * cost

        return send

    found = load("rounds").alternate(run("app", 40_000), run("bare", 20_000), 100, 4)
    assert (found.cost, found.median) == (40.0, 2.0)
    assert order[2:] == ["app", "bare", "bare", "app", "app", "bare", "bare", "app"]  # after two that measure the size


def test_a_round_has_as_many_requests_as_its_time_allows_within_bounds(load: Any) -> None:
    size = load("rounds").size_of_round
    assert size(lambda number: number * 100_000, 20.0) == 200
    assert size(lambda number: number, 20.0) == 3000
    assert size(lambda number: number * 10**9, 20.0) == 40


def test_a_request_says_how_long_its_body_is_and_carries_the_cookie(load: Any) -> None:
    request = load("client").request
    assert request("/a?b=1").startswith(b"GET /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    sent = request("/form", b"session=x", b"a=1", "text/plain")
    assert sent.startswith(b"POST /form HTTP/1.1\r\n")
    assert sent.endswith(b"\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nCookie: session=x\r\n\r\na=1")


def test_a_table_tells_what_failed_from_what_was_not_to_be_measured(load: Any) -> None:
    cell = load("measuring").Cell(load("rounds").ratio([20.0], [10.0]))
    found = {"Erlen": {"JSON": cell, "404": "failed: it ended"}, "Flask": {"JSON": cell}}
    tables = load("tables")
    written = tables.table("**Title**", ["JSON", "404"], found, lambda cell: f"{cell.ratio.median:.1f}")
    assert written.splitlines() == [
        "**Title**",
        "",
        "| | JSON | 404 |",
        "|---|---:|---:|",
        "| Erlen | 2.0 | failed |",
        "| Flask | 2.0 | – |",
    ]
    assert tables.failures(found) == ["- Erlen, 404: failed: it ended\n"]


def test_traffic_names_each_command_and_how_often_it_came(load: Any) -> None:
    traffic = load("redis_traffic").Traffic(Counter({"GET": 2.0, "SET": 1.0}), 100.4, 49.6)
    assert str(traffic) == "2 GET + SET · 100 / 50"


def test_every_application_is_there_and_runs_on_servers_that_are_known(load: Any) -> None:
    matrix = load("matrix")
    for app in (*matrix.APPLICATIONS, *matrix.SESSIONS):
        assert (matrix.APPS / f"{app.module}.py").exists()
        assert set(app.servers) <= matrix.SERVERS.keys()
    work = {each.name for each in load("work").WORK}
    assert all(app.without <= work for app in matrix.APPLICATIONS)


def test_what_has_no_answer_within_its_time_is_reported_and_stops_nothing(load: Any) -> None:
    measuring = load("measuring")

    def measure() -> None:
        raise measuring.Failed("it ended with status 1:\n  no such module")

    assert measuring.attempt("Erlen", measure) == "failed: it ended with status 1: no such module"
