"""Keys that end before their session does, on every store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from erlen.errors import SessionValueError
from erlen.sessions import stored
from erlen.sessions.fields import Fields
from erlen.sessions.record import Delta, Header, Record, merge


def test_a_key_with_a_lifetime_is_gone_when_it_ends_and_the_rest_stays(browser: Any, clock: Any) -> None:
    browser.do(lambda session: (session.set("code", "4711", ttl=300), session.update(user="ada")))
    clock.turn(299.9)
    assert browser.read() == {"user": "ada", "code": "4711"}
    clock.turn(0.1)
    assert browser.read() == {"user": "ada"}
    assert browser.do(lambda session: ("code" in session, len(session), session.take("code"))) == (False, 1, None)


def test_a_lifetime_may_be_a_timedelta(browser: Any, clock: Any) -> None:
    browser.do(lambda session: (session.set("code", 1, ttl=timedelta(minutes=2)), session.update(a=1)))
    clock.turn(120)
    assert browser.read() == {"a": 1}


def test_a_change_inside_keeps_the_lifetime_and_an_assignment_takes_it_away(browser: Any, clock: Any) -> None:
    browser.do(lambda session: (session.set("cart", [1], ttl=100), session.set("plain", 1, ttl=100)))
    browser.do(lambda session: (session["cart"].append(2), session.update(plain=2)))
    clock.turn(100)
    assert browser.read() == {"plain": 2}


def test_a_lifetime_may_be_given_anew(browser: Any, clock: Any) -> None:
    browser.do(lambda session: (session.set("code", 1, ttl=100), session.update(a=1)))
    clock.turn(99)
    browser.do(lambda session: session.set("code", session["code"], ttl=100))
    clock.turn(99)
    assert browser.read() == {"a": 1, "code": 1}
    clock.turn(1)
    assert browser.read() == {"a": 1}


def test_a_counter_with_a_lifetime_counts_in_windows(browser: Any, clock: Any) -> None:
    browser.do(lambda session: session.update(a=1))

    def count(session: Any) -> int:
        number: int = session.incr("attempts", ttl=60)
        return number

    assert browser.do(count) == 1
    clock.turn(59)
    assert browser.do(count) == 2
    clock.turn(1)
    assert browser.do(count) == 1
    clock.turn(59)
    assert browser.do(count) == 2


def test_a_list_with_a_lifetime_ends_counted_from_its_first_item(browser: Any, clock: Any) -> None:
    browser.do(lambda session: session.update(a=1))
    browser.do(lambda session: session.append("seen", 1, ttl=60))
    clock.turn(30)
    browser.do(lambda session: session.append("seen", 2, ttl=60))
    assert browser.read() == {"a": 1, "seen": [1, 2]}
    clock.turn(30)
    assert browser.read() == {"a": 1}
    browser.do(lambda session: session.append("seen", 3, ttl=60))
    assert browser.read() == {"a": 1, "seen": [3]}


def test_lifetimes_survive_a_new_token_and_a_first_request(browser: Any, clock: Any) -> None:
    browser.do(lambda session: (session.set("code", 1, ttl=60), session.incr("n", ttl=60), session.update(a=1)))
    browser.do(lambda session: session.rotate())
    clock.turn(59)
    assert browser.read() == {"code": 1, "n": 1, "a": 1}
    clock.turn(1)
    assert browser.read() == {"a": 1}


def test_within_one_request_a_counter_that_was_assigned_keeps_its_lifetime(browser: Any, clock: Any) -> None:
    def view(session: Any) -> None:
        session.set("n", 5, ttl=60)
        session.incr("n")
        session["a"] = 1

    browser.do(view)
    assert browser.read() == {"n": 6, "a": 1}
    clock.turn(60)
    assert browser.read() == {"a": 1}


@pytest.mark.parametrize("ttl", [0, -1, timedelta(0)])
def test_a_lifetime_that_is_over_is_refused_with_the_cure(browser: Any, ttl: Any) -> None:
    session = browser.open()
    with pytest.raises(ValueError, match=r"ttl must be longer than 0.*session\.pop\(key, None\)"):
        session.set("code", 1, ttl=ttl)


@pytest.mark.parametrize("ttl", [float("inf"), float("nan")])
def test_a_lifetime_that_is_no_number_of_seconds_is_refused(browser: Any, ttl: float) -> None:
    with pytest.raises(ValueError, match=r"ttl must be a number of seconds, not (inf|nan)"):
        browser.open().set("code", 1, ttl=ttl)


@pytest.mark.parametrize("ttl", [10**10, 10**20, timedelta.max])
def test_a_lifetime_of_centuries_leaves_the_value_whole(browser: Any, ttl: Any) -> None:
    browser.do(lambda session: (session.set("code", 4711, ttl=ttl), session.set("list", [1], ttl=ttl)))
    browser.do(lambda session: session.append("list", 2))
    assert browser.read() == {"code": 4711, "list": [1, 2]}


@pytest.mark.parametrize("sealed", [False, True])
def test_a_counter_that_brings_the_first_lifetime_into_a_session_counts_in_windows(
    browse: Any, clock: Any, sealed: bool
) -> None:
    browser = browse(sealed=sealed)
    browser.do(lambda session: session.update(a=1))
    assert [browser.do(lambda session: session.incr("n", ttl=60)) for _ in range(3)] == [1, 2, 3]
    assert browser.read() == {"a": 1, "n": 3}
    clock.turn(60)
    assert browser.read() == {"a": 1}
    assert browser.do(lambda session: session.incr("n", ttl=60)) == 1


@pytest.mark.parametrize("remove", ["delete", "take"])
def test_what_is_made_anew_does_not_inherit_a_lifetime(browser: Any, clock: Any, remove: str) -> None:
    browser.do(lambda session: (session.set("list", [1], ttl=60), session.set("n", 1, ttl=60)))

    def view(session: Any) -> None:
        for key in ("list", "n"):
            session.pop(key) if remove == "delete" else session.take(key)
        session.append("list", 2)
        session["list"].append(3)
        session.incr("n", 7)
        session.rotate()

    browser.do(view)
    clock.turn(60)
    assert browser.read() == {"list": [2, 3], "n": 7}


def test_a_damaged_lifetime_spoils_its_own_key_alone() -> None:
    for damaged in (b"t", b"t12", b"tabcdefghijklm1", b"t-00000000001" + b"1"):
        fields = Fields({"bad": damaged, "good": stored.until(b"1", 200.0)})
        fields.part(100.0)
        assert fields.get("good") == 1
        with pytest.raises(SessionValueError, match=r"session\['bad'\]: the stored value cannot be read"):
            fields.get("bad")
        fields.delete("bad")
        header = Header(100.0, 100.0, 50.0, 500.0, 100.0, mortal=True)
        record = Record(b"key", header, {"bad": damaged, "good": stored.until(b"1", 200.0)})
        assert not merge(record, Delta(set={"a": b"1"}), 100.0).refused
        assert record.fields["bad"] == damaged
