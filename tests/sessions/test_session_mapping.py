"""The session as a dict: what a view reads, changes and sees again in the next request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import SecretKeyMissing, SessionError, SessionReadOnly, SessionValueError
from erlen.sessions import MODES, KeyRing, Session, SessionManager, SessionMixin, SessionSettings
from erlen.sessions.stores.memory import MemoryStore
from erlen.sessions.stores.null import NullStore


def test_what_was_assigned_is_there_in_the_next_request(browser: Any) -> None:
    browser.do(lambda session: session.update(user="ada", cart={"apples": 2}, pair=(1, 2)))
    assert browser.read() == {"user": "ada", "cart": {"apples": 2}, "pair": (1, 2)}


def test_it_is_a_mapping_of_the_documented_kind(browser: Any) -> None:
    browser.do(lambda session: session.update(a=1, b=2))
    session = browser.open()
    assert isinstance(session, SessionMixin)
    assert (len(session), list(session), "a" in session, 7 in session, bool(session)) == (
        2,
        ["a", "b"],
        True,
        False,
        True,
    )
    assert (session.get("a"), session.get("x"), session.get("x", 5)) == (1, None, 5)
    assert session == {"a": 1, "b": 2}
    assert session | {"c": 3} == {"a": 1, "b": 2, "c": 3}
    assert {"a": 0} | session == {"a": 1, "b": 2}
    assert session.setdefault("c", []) == []
    assert session.pop("a") == 1
    assert session.pop("a", None) is None
    session |= {"d": 4}
    assert session.popitem() == ("d", 4)
    assert dict(session.items()) == {"b": 2, "c": []}
    browser.finish(session)
    assert browser.read() == {"b": 2, "c": []}


def test_missing_keys_are_key_errors(browser: Any) -> None:
    session = browser.open()
    for attempt in (lambda: session["x"], lambda: session.pop("x"), lambda: session.__delitem__("x"), session.popitem):
        with pytest.raises(KeyError):
            attempt()


def test_a_change_deep_inside_a_value_just_saves(browser: Any) -> None:
    browser.do(lambda session: session.update(cart={"apples": {"quantity": 1}}, log=[[1]], seen={1}))

    def view(session: Session) -> None:
        session["cart"]["apples"]["quantity"] += 1
        session["log"][0].append(2)
        session["seen"].add(2)

    browser.do(view)
    assert browser.read() == {"cart": {"apples": {"quantity": 2}}, "log": [[1, 2]], "seen": {1, 2}}


def test_a_change_after_the_assignment_is_kept_too(browser: Any) -> None:
    def view(session: Session) -> None:
        cart: dict[str, int] = {}
        session["cart"] = cart
        cart["apples"] = 1

    browser.do(view)
    assert browser.read() == {"cart": {"apples": 1}}


def test_a_nested_value_that_was_only_read_is_not_written(browser: Any) -> None:
    browser.do(lambda session: session.update(cart={"apples": 1}))
    slow = browser.open()
    assert slow["cart"] == {"apples": 1}
    browser.do(lambda session: session["cart"].update(apples=5))
    assert not slow.modified
    browser.finish(slow)
    assert browser.read() == {"cart": {"apples": 5}}


def test_modified_forces_what_was_read_to_be_written(browser: Any) -> None:
    browser.do(lambda session: session.update(a=[1], log=[1], b=2))
    slow = browser.open()
    assert slow["a"] == [1]
    slow.append("log", 2)
    assert slow["log"] == [1, 2]
    slow.modified = True
    assert slow.modified
    browser.do(lambda session: session.update(a=[9], log=[], b=9))
    browser.finish(slow)
    assert browser.read() == {"a": [1], "log": [1, 2], "b": 9}


def test_modified_can_be_taken_back(browser: Any) -> None:
    session = browser.open()
    session.modified = True
    session.modified = False
    assert not session.modified


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.update(x=1),
        lambda session: session.pop("a"),
        lambda session: session["cart"].update(x=1),
        lambda session: session.append("log", 1),
        lambda session: session.rotate(),
        lambda session: session.clear(),
        lambda session: setattr(session, "permanent", True),
    ],
)
def test_modified_tells_every_kind_of_change(browser: Any, change: Callable[[Session], Any]) -> None:
    browser.do(lambda session: session.update(a=1, cart={}))
    session = browser.open()
    assert not session.modified
    assert session["a"] == 1
    assert not session.modified
    change(session)
    assert session.modified


def test_two_requests_that_change_different_keys_both_keep_their_change(browser: Any) -> None:
    browser.do(lambda session: session.update(start=1))
    one, two = browser.open(), browser.open()
    one["one"] = two["two"] = 1
    assert one.pop("start") == 1
    browser.finish(one)
    browser.finish(two)
    assert browser.read() == {"one": 1, "two": 1}


# -- accessed, and what a response carries --------------------------------------------------------------------------


def test_an_untouched_session_does_nothing(browser: Any) -> None:
    session = browser.open()
    assert browser.finish(session) is None
    assert not session.accessed
    assert not session.modified


@pytest.mark.parametrize(
    "touch",
    [
        lambda session: "x" in session,
        len,
        list,
        bool,
        lambda session: session.get("x"),
        lambda session: session == {},
        lambda session: session.new,
        lambda session: session.permanent,
        lambda session: session.bound_user,
        lambda session: session.sid,
        lambda session: session.pop("x", None),
        lambda session: session.take("x"),
        lambda session: session._take_flashes(),
        lambda session: session.copy(),
    ],
)
def test_looking_makes_the_response_differ_by_cookie_and_sets_none(
    browser: Any, touch: Callable[[Session], Any]
) -> None:
    session = browser.open()
    touch(session)
    headers = browser.finish(session)
    assert session.accessed
    assert (headers.cookie, headers.refused) == (None, False)


def test_a_first_change_sets_a_cookie_and_later_ones_do_not(browser: Any) -> None:
    session = browser.open()
    session["a"] = 1
    first = browser.finish(session)
    session = browser.open()
    session["a"] = 2
    second = browser.finish(session)
    assert first.cookie.endswith("; HttpOnly; Path=/; SameSite=Lax")
    assert second.cookie is None


def test_saving_twice_changes_nothing_the_second_time(browser: Any) -> None:
    browser.do(lambda session: session.update(a=1))
    session = browser.open()
    session.append("log", 1)
    session.permanent = True
    browser.finish(session)
    assert browser.finish(session).cookie is None
    assert browser.read() == {"a": 1, "log": [1]}


def test_new_tells_whether_a_session_was_found(browser: Any) -> None:
    session = browser.open()
    assert session.new
    session.incr("n")
    assert session.new
    browser.finish(session)
    assert not browser.open().new
    browser.cookie = "session=nonsense"
    assert browser.open().new


# -- keys and values that cannot be stored --------------------------------------------------------------------------


@pytest.mark.parametrize("key", [7, None, ("a",), b"a"])
def test_a_key_that_is_no_text_is_refused_with_the_reason(browser: Any, key: Any) -> None:
    session = browser.open()
    for attempt in (
        lambda: session.__setitem__(key, 1),
        lambda: session.append(key, 1),
        lambda: session.incr(key),
    ):
        with pytest.raises(SessionValueError, match="a key of the session is a text") as caught:
            attempt()
        assert f"Write session[{str(key)!r}]" in str(caught.value)


def test_a_key_of_a_subclass_of_text_becomes_a_text(browser: Any) -> None:
    class Key(str):
        pass

    session = browser.open()
    session[Key("a")] = 1
    assert [type(key) for key in session] == [str]


def test_what_cannot_be_stored_is_refused_at_the_line_that_assigns(browser: Any) -> None:
    session = browser.open()
    with pytest.raises(SessionValueError, match=r"session\['cart'\]\[3\]\['file'\]: a value of type object"):
        session["cart"] = [0, 1, 2, {"file": object()}]
    assert "cart" not in session


def test_what_was_put_into_a_value_later_is_refused_when_it_is_saved(browser: Any) -> None:
    session = browser.open()
    session["cart"] = []
    session["cart"].append(object())
    with pytest.raises(SessionValueError, match=r"session\['cart'\]\[0\]"):
        browser.finish(session)


def test_a_value_that_cannot_be_read_any_more_can_be_thrown_away(browser: Any, store: Any) -> None:
    browser.do(lambda session: session.update(a=1, b=1, c=1))
    session = browser.open()
    session["a"] = 2
    session._state.fields.raw["b"] = b"m\xc1"
    with pytest.raises(SessionValueError, match="cannot be read"):
        session["b"]
    with pytest.raises(SessionValueError, match="cannot be read"):
        session.pop("b")
    session._state.fields.raw["c"] = b"m\xc1"
    assert session.pop("c", None) is None
    assert list(session) == ["a"]


# -- append, incr, take, flashes ------------------------------------------------------------------------------------


def test_appended_items_of_two_requests_are_both_kept(browser: Any) -> None:
    browser.do(lambda session: session.append("log", 1))
    one, two = browser.open(), browser.open()
    one.append("log", 2)
    two.append("log", 3)
    assert (one["log"], two["log"]) == ([1, 2], [1, 3])
    browser.finish(one)
    browser.finish(two)
    assert browser.read() == {"log": [1, 2, 3]}


def test_an_append_keeps_the_last_items(browser: Any) -> None:
    def view(session: Session) -> list[Any]:
        for number in range(5):
            session.append("log", number, max=3)
        return list(session["log"])

    assert browser.do(view) == [2, 3, 4]
    assert browser.read() == {"log": [2, 3, 4]}

    def again(session: Session) -> list[Any]:
        held = session["log"]
        session.append("log", 5)
        session.append("log", 6, max=2)
        session.append("log", 7, max=9)
        assert held is session["log"]
        return list(held)

    assert browser.do(again) == [6, 7]
    assert browser.read() == {"log": [6, 7]}


def test_an_append_works_on_what_this_request_has_set_or_deleted(browser: Any) -> None:
    browser.do(lambda session: session.update(a=[1], b=[1], c=1))

    def view(session: Session) -> None:
        session["a"] = [5]
        session.append("a", 6)
        del session["b"]
        session.append("b", 7)

    browser.do(view)
    assert browser.read() == {"a": [5, 6], "b": [7], "c": 1}


def test_an_append_to_something_else_or_of_nothing_is_refused(browser: Any) -> None:
    session = browser.open()
    session["a"] = 1
    with pytest.raises(SessionValueError, match=r"session\['a'\]: it holds no list"):
        session.append("a", 1)
    with pytest.raises(ValueError, match="max must be 1 or more, not 0"):
        session.append("b", 1, max=0)
    with pytest.raises(SessionValueError, match="type object"):
        session.append("b", object())


def test_an_increment_answers_at_once_and_creates_the_session(browser: Any) -> None:
    session = browser.open()
    assert session.incr("n") == 1
    assert session.incr("n", 4) == 5
    session["a"] = 1
    headers = browser.finish(session)
    assert headers.cookie is not None
    one, two = browser.open(), browser.open()
    assert (one.incr("n"), two.incr("n"), one["n"], two["n"]) == (6, 7, 6, 7)
    browser.finish(one)
    browser.finish(two)
    assert browser.read() == {"n": 7, "a": 1}


def test_an_increment_of_what_this_request_has_set_is_part_of_its_change(browser: Any) -> None:
    browser.do(lambda session: session.update(n=5, gone=5))
    session = browser.open()
    session["n"] = 10
    del session["gone"]
    assert (session.incr("n"), session.incr("gone")) == (11, 1)
    assert browser.read() == {"n": 5, "gone": 5}
    browser.finish(session)
    assert browser.read() == {"n": 11, "gone": 1}


@pytest.mark.parametrize("value", ["1", 1.0, True, 2**63])
def test_an_increment_of_what_is_no_whole_number_is_refused(browser: Any, value: Any) -> None:
    session = browser.open()
    session["n"] = value
    with pytest.raises(SessionValueError, match=r"session\['n'\]: it holds no whole number"):
        session.incr("n")


def test_an_increment_after_clear_goes_into_a_new_session(browser: Any) -> None:
    browser.do(lambda session: session.update(n=5))
    old = browser.cookie
    session = browser.open()
    session.clear()
    assert session.incr("n") == 1
    browser.finish(session)
    assert browser.read() == {"n": 1}
    assert browser.manager.open(old, False).copy() == {}


def test_of_two_requests_exactly_one_takes_a_value(browser: Any) -> None:
    browser.do(lambda session: session.update(once={"token": 1}, a=1))
    one, two = browser.open(), browser.open()
    assert ("once" in one, "once" in two) == (True, True)
    assert (one.take("once"), two.take("once", "nothing")) == ({"token": 1}, "nothing")
    assert ("once" in one, "once" in two) == (False, False)
    browser.finish(one)
    browser.finish(two)
    assert browser.read() == {"a": 1}


def test_taking_what_was_set_in_this_request_or_is_missing_asks_no_store(browser: Any) -> None:
    session = browser.open()
    session["a"] = 1
    assert (session.take("a"), session.take("a", 7)) == (1, 7)
    assert browser.finish(session).cookie is None


def test_taking_gives_what_this_request_has_appended_too(browser: Any) -> None:
    browser.do(lambda session: session.update(log=[1], a=1))

    def view(session: Session) -> Any:
        session.append("log", 2)
        return session.take("log")

    assert browser.do(view) == [1, 2]
    assert browser.read() == {"a": 1}
    assert browser.do(lambda session: (session.append("new", 3), session.take("new"))) == (None, [3])
    assert browser.read() == {"a": 1}


def test_taking_the_last_value_ends_the_session(browser: Any) -> None:
    browser.do(lambda session: session.update(once=1))
    session = browser.open()
    assert session.take("once") == 1
    assert "Max-Age=0" in browser.finish(session).cookie


def test_after_taking_the_last_value_the_session_can_be_used(browser: Any) -> None:
    browser.do(lambda session: session.update(once=1))
    session = browser.open()
    assert session.take("once") == 1
    session["a"] = 1
    browser.finish(session)
    assert browser.read() == {"a": 1}


def test_shown_messages_go_and_those_of_another_tab_stay(browser: Any) -> None:
    browser.do(lambda session: session._flash("info", "one"))
    page = browser.open()
    assert page._take_flashes() == [("info", "one")]
    assert page._take_flashes() == []
    browser.do(lambda session: session._flash("error", "two"))
    browser.finish(page)
    assert browser.read() == {"_flashes": [("error", "two")]}


def test_a_message_can_be_shown_in_the_request_that_flashed_it(browser: Any) -> None:
    browser.do(lambda session: session._flash("info", "before"))

    def view(session: Session) -> Any:
        session._flash("info", "now")
        shown = session._take_flashes()
        session._flash("info", "next")
        return shown

    assert browser.do(view) == [("info", "before"), ("info", "now")]
    assert browser.read() == {"_flashes": [("info", "next")]}


def test_the_same_message_of_another_tab_is_not_taken_for_ours(browser: Any) -> None:
    browser.do(lambda session: session._flash("info", "before"))
    page = browser.open()
    page._flash("info", "saved")
    assert page._take_flashes() == [("info", "before"), ("info", "saved")]
    browser.do(lambda session: session._flash("info", "saved"))
    browser.finish(page)
    assert browser.do(lambda session: session._take_flashes()) == [("info", "saved")]


def test_messages_can_be_written_the_way_flask_writes_them(browser: Any) -> None:
    def flash(session: Session) -> None:
        session["_flashes"] = [*session.get("_flashes", []), ("info", "one")]

    browser.do(flash)
    browser.do(lambda session: session["_flashes"].append(("info", "two")))

    def show(session: Session) -> Any:
        session["_flashes"].append(("info", "three"))
        return session._take_flashes()

    assert browser.do(show) == [("info", "one"), ("info", "two"), ("info", "three")]
    assert browser.read() == {}


def test_only_the_last_hundred_messages_are_kept(browser: Any) -> None:
    browser.do(lambda session: [session._flash("info", number) for number in range(150)])
    assert browser.do(lambda session: [message for _, message in session._take_flashes()]) == list(range(50, 150))


def test_something_else_under_the_key_of_messages_is_left_alone(browser: Any) -> None:
    browser.do(lambda session: session.update(_flashes="mine"))
    assert browser.do(lambda session: session._take_flashes()) == []
    assert browser.read() == {"_flashes": "mine"}


def test_messages_wait_where_the_session_may_only_be_read(browser: Any) -> None:
    browser.do(lambda session: session._flash("info", "one"))
    assert browser.do(lambda session: session._take_flashes(), "readonly") == []
    assert browser.do(lambda session: session._take_flashes()) == [("info", "one")]


def test_async_code_has_twins_of_its_own(browser: Any) -> None:
    browser.do(lambda session: session.update(once=1, n=1))

    async def view() -> Any:
        session = browser.open()
        await session.aload()
        answers = [await session.aincr("n"), await session.atake("once"), session.incr("n"), session["n"]]
        session.rotate()
        return session, answers, await browser.manager.save(session)

    session, answers, headers = asyncio.run(view())
    assert answers == [2, 1, 3, 3]
    assert headers.cookie is not None
    assert session.accessed


# -- modes and missing things ---------------------------------------------------------------------------------------

CHANGES: list[Callable[[Session], Any]] = [
    lambda session: session.update(x=1),
    lambda session: session.pop("a"),
    lambda session: session.__delitem__("a"),
    lambda session: session.popitem(),
    lambda session: session.clear(),
    lambda session: session.invalidate(),
    lambda session: session.append("x", 1),
    lambda session: session.incr("x"),
    lambda session: session.take("a"),
    lambda session: session._flash("info", "x"),
    lambda session: session.rotate(),
    lambda session: session.bind(7),
    lambda session: setattr(session, "permanent", True),
    lambda session: setattr(session, "modified", True),
    lambda session: session.setdefault("x", 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_in_the_mode_readonly_every_change_is_refused(browser: Any, change: Callable[[Session], Any]) -> None:
    browser.do(lambda session: session.update(a=1))
    session = browser.open("readonly")
    with pytest.raises(SessionReadOnly, match=r"session='readonly'.*Write session='shared'"):
        change(session)
    assert session["a"] == 1
    assert browser.finish(session).cookie is None


def test_in_the_mode_readonly_a_change_inside_is_found_when_the_request_ends(browser: Any) -> None:
    browser.do(lambda session: session.update(cart={"a": 1}))
    session = browser.open("readonly")
    session["cart"]["a"] = 2
    with pytest.raises(SessionReadOnly, match=r"session\['cart'\] was changed inside.*change a copy"):
        browser.finish(session)
    assert browser.read() == {"cart": {"a": 1}}


@pytest.mark.parametrize("touch", [len, lambda session: session.get("a"), lambda session: session.update(a=1)])
def test_in_the_mode_none_there_is_no_session(browser: Any, touch: Callable[[Session], Any]) -> None:
    session = browser.open("none")
    drive(browser.manager.load(session))
    with pytest.raises(SessionError, match=r"session='none'.*@app.route"):
        touch(session)
    assert browser.finish(session) is None


def test_the_modes_are_those_of_the_documentation() -> None:
    assert MODES == ("none", "readonly", "shared", "exclusive", "strict")


@pytest.mark.parametrize("change", CHANGES)
def test_without_a_secret_key_reading_is_empty_and_a_change_says_what_is_missing(
    change: Callable[[Session], Any],
) -> None:
    manager = SessionManager(SessionSettings(), MemoryStore(), None)
    session = manager.open("session=" + "A" * 56, False)
    assert (session.copy(), session.new, session.sid) == ({}, True, None)
    with pytest.raises(SecretKeyMissing, match=r"it is needed for sessions.*erlen secret"):
        change(session)
    assert drive(manager.save(session)).cookie is None


@pytest.mark.parametrize("change", CHANGES)
def test_without_a_store_reading_is_empty_and_a_change_says_how_to_configure_one(
    change: Callable[[Session], Any], ring: KeyRing
) -> None:
    manager = SessionManager(SessionSettings(), NullStore(), ring)
    cookie = SessionManager(SessionSettings(), MemoryStore(), ring)
    kept = cookie.open(None, False)
    kept["a"] = 1
    session = manager.open(drive(cookie.save(kept)).cookie, False)
    assert (session.copy(), session.new) == ({}, True)
    with pytest.raises(SessionReadOnly, match=r"SESSION_TYPE is 'null'\. Set SESSION_TYPE = 'sqlite'"):
        change(session)
    assert drive(manager.save(session)).cookie is None


def test_the_null_store_has_nothing_and_refuses_everything() -> None:
    store = NullStore()
    key = b"k" * 34
    from_store = [
        store.load(key),
        store.acquire(key, "me", 1, 1),
        store.create(key, Any),
        store.delete(key),
        store.close(),
    ]
    assert [drive(answer) for answer in from_store] == [None] * 5
    assert drive(store.merge(key, Any)).refused
    assert drive(store.move(key, key, Any)).refused
    assert (drive(store.find("7")), drive(store.prune()), drive(store.note_key(Any))) == ([], 0, [])


def test_few_public_names_stand_in_the_way_of_keys_in_templates() -> None:
    of_a_dict = {"clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"}
    of_flask = {"accessed", "modified", "new", "permanent"}
    own = {"append", "bind", "bound_user", "commit", "incr", "invalidate", "lock", "rotate", "set", "sid", "take"}
    own |= {"abind", "acommit", "aincr", "aload", "atake"}
    assert {name for name in dir(Session) if not name.startswith("_")} == of_a_dict | of_flask | own


def test_a_repr_shows_neither_token_nor_values(browser: Any) -> None:
    browser.do(lambda session: session.update(password="hidden"))
    session = browser.open()
    assert repr(session) == "<Session shared, not read yet>"
    assert session["password"] == "hidden"
    assert repr(session) == "<Session shared, keys ['password']>"
    assert browser.token not in repr(session)


def test_a_key_that_is_no_text_in_utf_8_is_refused_where_it_is_given(browser: Any) -> None:
    session = browser.open()
    changes: list[Any] = [
        lambda: session.update({"\ud800": 1}),
        lambda: session.set("\ud800", 1),
        lambda: session.append("\ud800", 1),
        lambda: session.incr("\ud800"),
    ]
    for change in changes:
        with pytest.raises(SessionValueError, match="the key holds half of a surrogate pair, which is no text"):
            change()
    session.update({"": 1, "a\0b": 2, "é\u2028": 3})
    browser.finish(session)
    assert browser.read() == {"": 1, "a\0b": 2, "é\u2028": 3}
