"""What is told of sessions by signals: their life, and how long the store takes. The token is in none of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from erlen import signals

EVENTS = ("session_created", "session_rotated", "session_refused", "session_revoked", "session_expired")
MEASURES = ("session_loaded", "session_committed")


@pytest.fixture
def told(browser: Any) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Everything that the signals of sessions tell."""
    told: list[tuple[str, dict[str, Any]]] = []
    with ExitStack() as stack:
        for name in EVENTS + MEASURES:

            def receive(sender: Any, name: str = name, **values: Any) -> None:
                told.append((name, values))

            stack.enter_context(getattr(signals, name).connected_to(receive))
        yield told


def events(told: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(name.removeprefix("session_"), values) for name, values in told if name in EVENTS]


def test_the_life_of_a_session_is_told_by_its_handles(browser: Any, told: Any, clock: Any) -> None:
    tokens = []

    def do(view: Any) -> str:
        handle: str = browser.do(lambda session: (view(session), session.sid)[1])
        if browser.cookie:
            tokens.append(browser.token)
        return handle

    first = do(lambda session: session.update(a=1))
    do(lambda session: session.bind(7))
    second = browser.do(lambda session: session.sid)
    do(lambda session: session.rotate())
    third = browser.do(lambda session: session.sid)
    kept = browser.cookie
    do(lambda session: session.invalidate())
    browser.cookie = kept
    assert browser.read() == {}
    assert events(told) == [
        ("created", {"handle": first, "user": None}),
        ("rotated", {"old": first, "handle": second, "user": "7", "reason": "login"}),
        ("rotated", {"old": second, "handle": third, "user": "7", "reason": "rotated"}),
        ("revoked", {"handle": third, "user": "7", "reason": "logout"}),
        ("expired", {"handle": third}),
    ]
    assert len(set(tokens)) == 3
    for token in tokens:
        assert token not in repr(told)


def test_a_refused_change_and_a_timed_renewal_are_told(browse: Any, told: Any, clock: Any) -> None:
    browser = browse(renew_after=60.0)
    browser.do(lambda session: session.update(a=1))
    clock.turn(61)
    browser.read()
    late = browser.open()
    handle = late.sid
    assert late["a"] == 1
    browser.do(lambda session: session.invalidate())
    late["b"] = 2
    browser.finish(late)
    assert [(name, values.get("reason")) for name, values in events(told)] == [
        ("created", None),
        ("rotated", "renewed"),
        ("revoked", "logout"),
        ("refused", "ended"),
    ]
    assert events(told)[-1][1]["handle"] == handle


def test_a_session_that_has_expired_is_told_when_somebody_comes_with_it(browser: Any, told: Any, clock: Any) -> None:
    browser.do(lambda session: session.update(a=1))
    handle = browser.do(lambda session: session.sid)
    clock.turn(86_400)
    assert browser.read() == {}
    assert events(told)[-1] == ("expired", {"handle": handle})


def test_loads_and_commits_are_measured(browser: Any, told: Any) -> None:
    browser.do(lambda session: session.update(a="x" * 1000))
    told.clear()

    def view(session: Any) -> None:
        assert session["a"]
        session["b"] = "y" * 100
        session.append("log", 1)

    browser.do(view)
    (loaded, load), (committed, commit) = told
    assert (loaded, committed) == MEASURES
    assert load["bytes"] > 1000
    assert 100 < commit["bytes"] < 150
    assert load["load_ms"] >= 0 <= commit["commit_ms"]
    assert (commit["refused"], commit["conflicts"]) == (False, 0)
    assert load["handle"] == commit["handle"] == browser.do(lambda session: session.sid)


def test_what_a_visitor_has_invented_tells_nothing(browser: Any, told: Any) -> None:
    browser.cookie = "session=" + "A" * 56
    assert browser.read() == {}
    assert told == []
