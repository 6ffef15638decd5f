"""``SESSION_SEALED``: what the store holds tells nothing, and everything else is as it was, on every store."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.callables import drive
from erlen.errors import SessionUnavailable, SessionValueError
from erlen.sessions import Delta, KeyRing, Token
from erlen.sessions.seal import Seal, new_fields


@pytest.fixture
def sealed(browse: Any) -> Any:
    return browse(sealed=True)


def stored(browser: Any) -> Any:
    """Return the record of the browser's session, as the store has it."""
    token = browser.manager.keys.verify(browser.token)
    record = drive(browser.manager.store.load(token.key))
    assert record is not None
    return record


def test_values_come_back_and_the_store_has_none_of_them(sealed: Any) -> None:
    values = {"name": "a secret name", "number": 4711, "list": ["a secret item", 4712], "nested": {"deep": ["secret"]}}
    sealed.do(lambda session: session.update(values))
    assert sealed.read() == values
    held = b"".join(stored(sealed).fields.values())
    assert b"secret" not in held
    assert b"471" not in held
    assert set(stored(sealed).fields) == set(values)


def test_the_same_value_is_never_stored_as_the_same_bytes(sealed: Any) -> None:
    sealed.do(lambda session: session.update(a="same", b="same"))
    before = stored(sealed).fields
    assert before["a"] != before["b"]
    sealed.do(lambda session: session.update(a="same"))
    assert stored(sealed).fields["a"] != before["a"]


def test_what_is_only_read_is_not_stored_again(sealed: Any) -> None:
    sealed.do(lambda session: session.update(a="x", b=[1]))
    before = stored(sealed)
    sealed.read()
    assert (stored(sealed).fields, stored(sealed).header.version) == (before.fields, before.header.version)


def test_every_operation_works_on_sealed_values(sealed: Any, clock: Any) -> None:
    sealed.do(lambda session: session.update(once="ticket", cart=[1], kept=True))
    assert sealed.do(lambda session: session.incr("n")) == 1
    assert sealed.do(lambda session: session.incr("n", by=41)) == 42
    sealed.do(lambda session: session.append("log", "one", max=2))
    sealed.do(lambda session: (session.append("log", "two", max=2), session.append("log", "three", max=2)))
    sealed.do(lambda session: session["cart"].append(2))
    assert sealed.do(lambda session: session.take("once")) == "ticket"
    sealed.do(lambda session: session.set("code", 1, ttl=60))
    sealed.do(lambda session: session._flash("message", "hello"))
    assert sealed.do(lambda session: session._take_flashes()) == [("message", "hello")]
    assert sealed.read() == {"n": 42, "log": ["two", "three"], "cart": [1, 2], "kept": True, "code": 1}
    clock.turn(60)
    assert "code" not in sealed.read()


def test_two_requests_that_count_at_once_both_count(sealed: Any) -> None:
    sealed.do(lambda session: session.update(n=0))
    first, second = sealed.open(), sealed.open()
    assert (first["n"], second["n"]) == (0, 0)
    assert (first.incr("n"), second.incr("n"), first.incr("n")) == (1, 2, 3)
    assert sealed.read() == {"n": 3}


def test_a_conflict_of_sealed_values_goes_to_the_function_in_the_open(browse: Any) -> None:
    seen = []

    def merge(base: Any, theirs: Any, mine: Any) -> Any:
        seen.append((base, theirs, mine))
        return theirs + mine

    browser = browse(sealed=True, conflicts={"a": merge})
    browser.do(lambda session: session.update(a="0"))
    session = browser.open()
    session["a"] = "1"
    browser.do(lambda other: other.update(a="2"))
    browser.finish(session)
    assert (seen, browser.read()) == ([("0", "2", "1")], {"a": "21"})


def test_a_new_token_opens_the_values_and_the_old_one_does_not(sealed: Any) -> None:
    sealed.do(lambda session: session.update(a="kept"))
    old = sealed.manager.keys.verify(sealed.token)
    values = stored(sealed).fields
    sealed.do(lambda session: session.bind("7"))
    assert sealed.read() == {"a": "kept"}
    assert stored(sealed).fields == values  # only the key of the values was wrapped anew
    with pytest.raises(SessionUnavailable, match="cannot be opened by the token that has found it"):
        Seal.opened_by(old, stored(sealed).header.seals)


def test_in_the_grace_of_a_renewal_both_tokens_open_the_values(browse: Any, clock: Any) -> None:
    browser = browse(sealed=True, renew_after=60.0)
    browser.do(lambda session: session.update(a="kept"))
    clock.turn(61)
    old = browser.cookie
    first, second = browser.open(), browser.open()
    assert (first["a"], second["a"]) == ("kept", "kept")
    first["b"], second["c"] = 1, 2
    browser.finish(first)
    new = browser.cookie
    browser.finish(second)
    assert new == browser.cookie != old
    assert browser.read() == {"a": "kept", "b": 1, "c": 2}
    browser.cookie = old
    assert browser.read() == {"a": "kept", "b": 1, "c": 2}


def test_a_token_opens_the_values_through_all_renewals_in_its_grace(browse: Any, clock: Any) -> None:
    browser = browse(sealed=True, renew_after=10.0, renew_grace=30.0)
    browser.do(lambda session: session.update(a="kept"))
    cookies = [browser.cookie]
    for _ in range(4):
        clock.turn(10)
        assert browser.read() == {"a": "kept"}
        cookies.append(browser.cookie)
    assert len(set(cookies)) == 5
    seen = []
    for cookie in cookies:
        browser.cookie = cookie
        seen.append(browser.read())
    assert seen == [{}, *[{"a": "kept"}] * 4]
    assert len(stored(browser).header.seals) == 4


def test_a_new_secret_key_leaves_sealed_values_readable(sealed: Any, manage: Any) -> None:
    sealed.do(lambda session: session.update(a="kept"))
    before = sealed.token
    sealed.manager = manage(KeyRing(["a new key", *sealed.manager.keys.keys]), sealed=True)
    assert sealed.read() == {"a": "kept"}
    assert sealed.token != before, "signed anew"
    sealed.manager = manage(KeyRing(["a new key"]), sealed=True)
    assert sealed.read() == {"a": "kept"}


def test_a_value_that_was_changed_or_moved_in_the_store_is_refused_by_name(sealed: Any) -> None:
    sealed.do(lambda session: session.update(a="one", admin="no"))
    record = stored(sealed)
    drive(sealed.manager.store.merge(record.key, Delta(set={"admin": record.fields["a"]})))
    session = sealed.open()
    assert session["a"] == "one"
    with pytest.raises(SessionValueError, match=r"session\['admin'\]: the sealed value cannot be opened"):
        session["admin"]
    assert session.pop("admin", None) is None
    sealed.finish(session)
    assert sealed.read() == {"a": "one"}


def test_sessions_from_before_and_after_the_setting_are_read(browse: Any, ring: Any) -> None:
    plain, sealed = browse(), browse(sealed=True)
    plain.do(lambda session: session.update(a="open"))
    sealed.do(lambda session: session.update(a="sealed"))
    plain.manager, sealed.manager = sealed.manager, plain.manager
    assert (plain.read(), sealed.read()) == ({"a": "open"}, {"a": "sealed"})
    sealed.do(lambda session: session.update(b="still sealed"))
    assert b"still" not in stored(sealed).fields["b"]
    assert sealed.read() == {"a": "sealed", "b": "still sealed"}


def test_two_sessions_have_two_keys(browse: Any) -> None:
    first, second = browse(sealed=True), browse(sealed=True)
    first.do(lambda session: session.update(a="x"))
    second.do(lambda session: session.update(a="y"))
    theirs = stored(first).fields["a"]
    drive(second.manager.store.merge(stored(second).key, Delta(set={"a": theirs})))
    with pytest.raises(SessionValueError, match="cannot be opened"):
        second.read()


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_what_was_closed_is_opened_under_its_own_name_alone(plain: bytes, name: str, other: str) -> None:
    token = Token.draw()
    seal = Seal(b"k" * 32)
    closed = seal.close(name, plain)
    again = Seal.opened_by(token, [Seal(b"o" * 32).wrapped_for(Token.draw()), seal.wrapped_for(token)])
    assert again.open(name, closed) == plain
    if other != name:
        with pytest.raises(SessionValueError):
            again.open(other, closed)
    with pytest.raises(SessionValueError):
        again.open(name, closed[:-1] + bytes([closed[-1] ^ 1]))
    with pytest.raises(SessionValueError):
        again.open(name, closed[:5])


def test_new_fields_have_a_key_of_their_own() -> None:
    fields = new_fields({})
    token = Token.draw()
    (one,), (two,) = fields.moved(token)["seals"], fields.anew().moved(token)["seals"]
    assert Seal.opened_by(token, [one])._key != Seal.opened_by(token, [two])._key
