"""What happens when two requests change the same key at once, by the policy of the key, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from erlen.errors import SessionConflict
from erlen.signals import session_committed, session_refused


def meet(browser: Any, mine: Any, theirs: Any) -> Any:
    """Let *theirs* be stored between the reading and the saving of *mine*, and return the end of mine."""
    session = browser.open()
    session.get("cart")
    mine(session)
    browser.do(theirs)
    return browser.finish(session)


def test_without_a_policy_the_later_change_wins(browser: Any) -> None:
    browser.do(lambda session: session.update(cart=1))
    meet(browser, lambda session: session.update(cart=2), lambda session: session.update(cart=3))
    assert browser.read() == {"cart": 2}


def test_with_first_the_earlier_change_stays_and_the_rest_is_stored(browse: Any) -> None:
    browser = browse(conflicts={"cart": "first"})
    browser.do(lambda session: session.update(cart=1))
    meet(browser, lambda session: session.update(cart=2, other="kept"), lambda session: session.update(cart=3))
    assert browser.read() == {"cart": 3, "other": "kept"}


def test_with_error_the_later_request_is_refused_and_stores_nothing(browse: Any) -> None:
    browser = browse(conflicts={"cart": "error"})
    browser.do(lambda session: session.update(cart=1))
    with pytest.raises(SessionConflict, match=r"session\['cart'\] was changed by another request meanwhile"):
        meet(browser, lambda session: session.update(cart=2, other=1), lambda session: session.update(cart=3))
    assert browser.read() == {"cart": 3}


def test_a_key_that_nobody_else_changed_is_no_conflict(browse: Any) -> None:
    browser = browse(conflicts={"cart": "error"})
    browser.do(lambda session: session.update(cart=1))
    meet(browser, lambda session: session.update(cart=2), lambda session: session.update(other=3))
    assert browser.read() == {"cart": 2, "other": 3}


def test_a_function_makes_one_value_of_both(browse: Any) -> None:
    seen = []

    def union(base: Any, theirs: Any, mine: Any) -> Any:
        seen.append((base, theirs, mine))
        return sorted({*(theirs or []), *(mine or [])})

    browser = browse(conflicts={"cart": union})
    browser.do(lambda session: session.update(cart=["a"]))
    meet(browser, lambda session: session["cart"].append("b"), lambda session: session["cart"].append("c"))
    assert browser.read() == {"cart": ["a", "b", "c"]}
    assert seen == [(["a"], ["a", "c"], ["a", "b"])]


def test_a_function_is_asked_again_if_a_third_request_comes_between(browse: Any) -> None:
    calls = []

    def add_up(base: int | None, theirs: int | None, mine: int | None) -> int:
        calls.append(theirs)
        if len(calls) == 1:
            tab.do(lambda session: session.update(sum=(theirs or 0) + 100))
        return (theirs or 0) + (mine or 0) - (base or 0)

    browser, tab = browse(conflicts={"sum": add_up}), browse()
    browser.do(lambda session: session.update(sum=1))
    tab.cookie = browser.cookie
    session = browser.open()
    session["sum"] += 5
    tab.do(lambda session: session.update(sum=10))
    browser.finish(session)
    assert (calls, browser.read()) == ([10, 110], {"sum": 115})


def test_a_function_that_returns_none_removes_the_key(browse: Any) -> None:
    browser = browse(conflicts={"cart": lambda base, theirs, mine: None})
    browser.do(lambda session: session.update(cart=1, other=1))
    meet(browser, lambda session: session.update(cart=2), lambda session: session.update(cart=3))
    assert browser.read() == {"other": 1}


def test_a_missing_key_is_none_for_the_function(browse: Any) -> None:
    seen = []

    def merge(base: Any, theirs: Any, mine: Any) -> Any:
        seen.append((base, theirs, mine))
        return "both"

    browser = browse(conflicts={"cart": merge})
    browser.do(lambda session: session.update(other=1))
    meet(browser, lambda session: session.update(cart=2), lambda session: session.update(cart=3))
    meet(browser, lambda session: session.pop("cart"), lambda session: session.update(cart=4))
    assert seen == [(None, 3, 2), ("both", 4, None)]
    assert browser.read() == {"other": 1, "cart": "both"}


def test_a_deletion_meets_a_change_as_the_policy_says(browse: Any) -> None:
    browser = browse(conflicts={"cart": "first"})
    browser.do(lambda session: session.update(cart=1, other=1))
    meet(browser, lambda session: session.pop("cart"), lambda session: session.update(cart=3))
    assert browser.read() == {"cart": 3, "other": 1}


def test_a_policy_for_one_request_is_given_where_the_key_is_set(browser: Any) -> None:
    browser.do(lambda session: session.update(cart=1))
    with pytest.raises(SessionConflict):
        meet(
            browser,
            lambda session: session.set("cart", 2, on_conflict="error"),
            lambda session: session.update(cart=3),
        )
    meet(browser, lambda session: session.set("cart", 4, on_conflict="first"), lambda session: session.update(cart=5))
    assert browser.read() == {"cart": 5}


def test_an_unknown_policy_is_refused_with_those_that_there_are(browser: Any) -> None:
    with pytest.raises(ValueError, match="on_conflict='never' is none of 'last', 'first', 'error', and no function"):
        browser.open().set("cart", 1, on_conflict="never")


def test_a_policy_holds_through_a_rotation(browse: Any) -> None:
    browser = browse(conflicts={"cart": "error"})
    browser.do(lambda session: session.update(cart=1))

    def change(session: Any) -> None:
        session["cart"] = 2
        session.rotate()

    with pytest.raises(SessionConflict):
        meet(browser, change, lambda session: session.update(cart=3))
    assert browser.read() == {"cart": 3}


def test_what_a_function_returns_and_cannot_be_stored_is_blamed_on_it(browse: Any) -> None:
    def bad(base: Any, theirs: Any, mine: Any) -> Any:
        return object()

    browser = browse(conflicts={"cart": bad})
    browser.do(lambda session: session.update(cart=1))
    with pytest.raises(TypeError) as caught:
        meet(browser, lambda session: session.update(cart=2), lambda session: session.update(cart=3))
    assert "the policy of this key in SESSION_CONFLICTS" in caught.value.__notes__[0]


def test_conflicts_are_told_to_those_who_listen(browse: Any) -> None:
    told: list[Any] = []

    def committed(sender: Any, **values: Any) -> None:
        told.append((values["conflicts"], values["refused"]))

    def refused(sender: Any, **values: Any) -> None:
        told.append(values["reason"])

    browser = browse(conflicts={"cart": "error"})
    browser.do(lambda session: session.update(cart=1))
    listening = session_committed.connected_to(committed), session_refused.connected_to(refused)
    with listening[0], listening[1], pytest.raises(SessionConflict):
        meet(browser, lambda session: session.update(cart=2), lambda session: session.update(cart=3))
    assert told == [(0, False), "conflict"]


@pytest.mark.parametrize("policy", ["error", lambda base, theirs, mine: "asked"])
@pytest.mark.parametrize("sealed", [False, True])
def test_what_the_request_itself_has_done_before_is_no_conflict(browse: Any, policy: Any, sealed: bool) -> None:
    browser = browse(sealed=sealed, conflicts={"cart": policy, "n": policy, "once": policy, "_flashes": policy})
    browser.do(lambda session: session.update(cart=["a"], n=1, once=1))
    browser.do(lambda session: session._flash("message", "hello"))

    def view(session: Any) -> None:
        session.append("cart", "b")
        session["cart"].append("c")
        session.incr("n")
        session["n"] += 10
        session.take("once")
        session["once"] = 2
        session._take_flashes()
        session["_flashes"] = []

    browser.do(view)
    assert browser.read() == {"cart": ["a", "b", "c"], "n": 12, "once": 2, "_flashes": []}


def test_a_list_that_was_appended_to_and_changed_inside_meets_a_change_as_the_policy_says(browse: Any) -> None:
    seen = []

    def union(base: Any, theirs: Any, mine: Any) -> Any:
        seen.append((base, theirs, mine))
        return [*theirs, *(item for item in mine if item not in base)]

    browser = browse(conflicts={"cart": union})
    browser.do(lambda session: session.update(cart=["a"]))
    meet(
        browser,
        lambda session: (session.append("cart", "b"), session["cart"].append("c")),
        lambda session: session.append("cart", "d"),
    )
    assert seen == [(["a"], ["a", "d"], ["a", "b", "c"])]
    assert browser.read() == {"cart": ["a", "d", "b", "c"]}


def test_appending_and_counting_follow_on_what_others_did_whatever_the_policy(browse: Any) -> None:
    browser = browse(conflicts={"cart": "error", "n": "error"})
    browser.do(lambda session: session.update(cart=["a"], n=1))
    meet(
        browser,
        lambda session: (session.append("cart", "b"), session.incr("n")),
        lambda session: (session.append("cart", "c"), session.incr("n")),
    )
    assert sorted(browser.read()["cart"]) == ["a", "b", "c"]
    assert browser.read()["n"] == 3


def test_a_conflict_in_the_mode_exclusive_gives_the_lease_back(browse: Any) -> None:
    browser = browse(conflicts={"cart": "error"}, lock_wait=0.0)
    browser.do(lambda session: session.update(cart=1))
    session = browser.open("exclusive")
    session["cart"] = 2
    browser.do(lambda session: session.update(cart=3))
    with pytest.raises(SessionConflict):
        browser.finish(session)
    assert browser.do(lambda session: session["cart"], "exclusive") == 3
