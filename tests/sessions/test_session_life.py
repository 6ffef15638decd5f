"""How a session lives and ends: deadlines, rotation, signing in and out, modes, and a store that fails."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

import store_servers
from erlen.callables import drive
from erlen.errors import SessionConflict, SessionUnavailable
from erlen.sessions import (
    Delta,
    Header,
    KeyNote,
    KeyRing,
    Merged,
    Record,
    Session,
    SessionManager,
    SessionSettings,
    Token,
)
from erlen.sessions.stores.memory import MemoryStore
from erlen.sessions.stores.sqlite import SqliteStore

DAY = 86_400.0


@pytest.mark.parametrize("looks", [True, False])
def test_of_a_session_that_is_read_early_the_deadline_moves_only_if_it_is_looked_at(
    browse: Any, clock: Any, looks: bool
) -> None:
    """Else a page that is asked for all the time and looks at nothing would use up the renewals of the cookie."""
    browser = browse(idle=600, permanent_idle=600, permanent=True)
    browser.do(lambda session: session.update(a=1))
    clock.turn(60)
    session = browser.open()
    drive(browser.manager.load(session, early=True))
    assert not looks or session["a"] == 1
    headers = browser.finish(session)
    assert (headers is not None and "Max-Age=600" in headers.cookie) is looks
    clock.turn(590)
    assert browser.read() == ({"a": 1} if looks else {})


def test_a_clock_that_is_set_on_the_manager_is_the_clock_of_its_store_too(browser: Any) -> None:
    browser.manager.clock = clock = lambda: 5.0
    assert browser.manager.store.clock is browser.manager.clock is clock


@pytest.fixture
def signed_in(browser: Any) -> Any:
    """A browser whose session holds something."""
    browser.do(lambda session: session.update(user="ada"))
    return browser


# -- deadlines ------------------------------------------------------------------------------------------------------


def test_a_session_ends_after_its_idle_time_and_not_before(browse: Any, clock: Any) -> None:
    browser = browse(idle=600)
    browser.do(lambda session: session.update(a=1))
    clock.turn(540)
    assert browser.read() == {"a": 1}
    clock.turn(540)
    assert browser.read() == {"a": 1}
    clock.turn(601)
    assert browser.read() == {}


def test_a_session_ends_at_its_absolute_deadline_although_it_is_used(browse: Any, clock: Any) -> None:
    browser = browse(idle=600, absolute=3600)
    browser.do(lambda session: session.update(a=1))
    for _ in range(11):
        clock.turn(300)
        assert browser.read() == {"a": 1}
    browser.do(lambda session: session.rotate())
    clock.turn(300)
    assert browser.read() == {}


@pytest.mark.parametrize("skew", [-5, 5])
def test_a_worker_whose_clock_is_five_seconds_off_does_no_harm(browse: Any, clock: Any, skew: float) -> None:
    browser = browse(idle=60.0, absolute=600.0, lock_lease=30.0, lock_wait=0.0)
    browser.do(lambda session: session.update(a=1))
    for _ in range(8):
        clock.turn(skew)  # a request that the other worker answers
        browser.do(lambda session: (session.update(b=session["a"]), session.incr("n")))
        clock.turn(-skew)
        browser.do(lambda session: session.append("log", session["n"]))
        clock.turn(20)
    assert browser.read() == {"a": 1, "b": 1, "n": 8, "log": list(range(1, 9))}
    held = browser.open("exclusive")
    assert held["n"] == 8
    clock.turn(skew)
    with pytest.raises(SessionConflict):
        browser.open("exclusive").get("n")
    clock.turn(-skew)
    held["n"] = 9
    browser.finish(held)
    clock.turn(60 + abs(skew))
    assert browser.read() == {}


def test_the_deadlines_hold_even_if_the_store_does_not_look(ring: KeyRing, clock: Any, caplog: Any) -> None:
    class Careless(MemoryStore):
        async def load(self, key: bytes, touch: bool = False) -> Record:
            return Record(key, Header(clock.now - 10, clock.now - 10, 10, clock.now + 10, 0), {"a": b"1"})

    caplog.set_level(logging.INFO, "erlen.sessions")
    manager = SessionManager(SessionSettings(), Careless(), ring, clock)
    token = Token.draw()
    session = manager.open(f"session={ring.sign(token)}", False)
    assert session.copy() == {}
    assert session.new
    assert caplog.messages == [f"session {token.key.hex()} is over: its deadline has passed, or it was ended"]


def test_a_late_change_of_an_expired_session_is_refused(browse: Any, clock: Any) -> None:
    browser = browse(idle=600)
    browser.do(lambda session: session.update(a=1))
    slow = browser.open()
    slow["b"] = 1
    clock.turn(600)
    assert browser.finish(slow).refused
    assert browser.read() == {}


def test_a_session_that_is_not_permanent_has_a_cookie_without_a_lifetime(signed_in: Any) -> None:
    assert "Max-Age" not in signed_in.received[0]
    assert "Expires" not in signed_in.received[0]
    assert not signed_in.do(lambda session: session.permanent)


def test_the_cookie_of_a_permanent_session_lives_until_the_nearer_deadline(browse: Any, clock: Any) -> None:
    near = browse(permanent=True, permanent_idle=31 * DAY, absolute=7 * DAY)
    near.do(lambda session: session.update(a=1))
    assert f"Max-Age={7 * 86_400};" in near.received[0]
    far = browse(permanent=True, permanent_idle=31 * DAY)
    far.do(lambda session: session.update(a=1))
    assert f"Max-Age={31 * 86_400};" in far.received[0]


def test_a_session_can_be_made_permanent_and_back(signed_in: Any, clock: Any) -> None:
    signed_in.do(lambda session: setattr(session, "permanent", True))
    assert f"Max-Age={31 * 86_400};" in signed_in.received[-1]
    assert signed_in.do(lambda session: session.permanent)
    clock.turn(20 * DAY)
    assert signed_in.read() == {"user": "ada"}
    signed_in.do(lambda session: setattr(session, "permanent", False))
    assert "Max-Age" not in signed_in.received[-1]
    clock.turn(2 * DAY)
    assert signed_in.read() == {}


def test_making_it_what_it_is_already_is_no_change(signed_in: Any) -> None:
    session = signed_in.open()
    session.permanent = False
    assert not session.modified
    assert signed_in.finish(session).cookie is None


def test_permanent_on_an_empty_session_creates_none(browser: Any) -> None:
    session = browser.open()
    session.permanent = True
    assert session.permanent
    assert browser.finish(session).cookie is None


def test_a_permanent_cookie_is_sent_anew_once_in_a_tenth_of_the_idle_time(browse: Any, clock: Any) -> None:
    browser = browse(permanent=True, permanent_idle=1000)
    browser.do(lambda session: session.update(a=1))
    clock.turn(99)
    browser.read()
    assert len(browser.received) == 1
    clock.turn(1)
    browser.read()
    browser.read()
    assert len(browser.received) == 2
    assert "Max-Age=1000;" in browser.received[1]


def test_without_refresh_it_is_sent_with_a_change_only(browse: Any, clock: Any) -> None:
    browser = browse(permanent=True, permanent_idle=1000, refresh_each_request=False)
    browser.do(lambda session: session.update(a=1))
    clock.turn(500)
    browser.read()
    assert len(browser.received) == 1
    browser.do(lambda session: session.update(a=2))
    assert "Max-Age=1000;" in browser.received[1]


def test_a_refreshed_cookie_is_not_sent_for_a_session_that_was_ended_meanwhile(browse: Any, clock: Any) -> None:
    browser = browse(permanent=True, permanent_idle=1000)
    browser.do(lambda session: session.update(a=1))
    clock.turn(500)
    slow = browser.open()
    assert slow["a"] == 1
    browser.do(lambda session: session.clear())
    headers = browser.finish(slow)
    assert (headers.cookie, headers.refused) == (None, True)


# -- ending ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [lambda session: session.clear(), lambda session: session.invalidate()])
def test_an_ended_session_is_dead_and_its_cookie_taken_away(signed_in: Any, end: Callable[[Session], None]) -> None:
    old = signed_in.cookie
    signed_in.do(end)
    assert signed_in.cookie is None
    assert signed_in.manager.open(old, False).copy() == {}


@pytest.mark.parametrize(
    "late",
    [
        lambda session: session.update(late=1),
        lambda session: session["user"],
        lambda session: session.append("log", 1),
        lambda session: session.rotate(),
        lambda session: setattr(session, "permanent", True),
    ],
)
def test_a_request_that_began_before_the_logout_does_not_revive_the_session(
    signed_in: Any, late: Callable[[Session], Any]
) -> None:
    old = signed_in.cookie
    slow = signed_in.open()
    late(slow)
    signed_in.do(lambda session: session.clear())
    assert signed_in.finish(slow).cookie is None
    assert signed_in.manager.open(old, False).copy() == {}
    assert signed_in.cookie is None


def test_commands_of_a_request_that_began_before_the_logout_are_refused(signed_in: Any) -> None:
    slow = signed_in.open()
    assert slow["user"] == "ada"
    signed_in.do(lambda session: session.clear())
    assert slow.incr("n") == 1
    assert slow.take("user") is None
    headers = signed_in.finish(slow)
    assert (headers.cookie, headers.refused) == (None, True)


def test_what_is_set_after_clear_goes_into_a_new_session(signed_in: Any) -> None:
    old = signed_in.cookie
    slow = signed_in.open()
    slow["late"] = 1

    def view(session: Session) -> None:
        session.clear()
        session["user"] = "bob"

    signed_in.do(view)
    assert signed_in.cookie not in (None, old)
    signed_in.finish(slow)
    assert signed_in.read() == {"user": "bob"}
    assert signed_in.manager.open(old, False).copy() == {}


def test_a_session_whose_last_key_is_removed_is_deleted(signed_in: Any) -> None:
    old = signed_in.cookie
    signed_in.do(lambda session: session.pop("user"))
    assert signed_in.cookie is None
    assert signed_in.manager.open(old, False).copy() == {}


def test_removing_one_key_while_another_request_adds_one_deletes_nothing(signed_in: Any) -> None:
    slow = signed_in.open()
    del slow["user"]
    signed_in.do(lambda session: session.update(cart=1))
    assert signed_in.finish(slow).cookie is None
    assert signed_in.read() == {"cart": 1}


# -- rotation and renewal -------------------------------------------------------------------------------------------


def test_a_rotation_changes_the_token_and_keeps_fields_and_shard(signed_in: Any) -> None:
    old = signed_in.cookie
    sid = signed_in.do(lambda session: session.sid)
    slow = signed_in.open()
    slow["late"] = 1

    def view(session: Session) -> None:
        session.rotate()
        session["cart"] = 1

    signed_in.do(view)
    assert signed_in.cookie != old
    ring = signed_in.manager.keys
    assert ring.verify(signed_in.token).shard == ring.verify(old.partition("=")[2]).shard
    assert signed_in.do(lambda session: session.sid) != sid
    assert signed_in.manager.open(old, False).copy() == {}
    headers = signed_in.finish(slow)
    assert (headers.cookie, headers.refused) == (None, True)
    assert signed_in.read() == {"user": "ada", "cart": 1}


def test_a_rotation_of_nothing_does_nothing(browser: Any) -> None:
    browser.do(lambda session: session.rotate())
    assert browser.received == []


def test_a_timed_renewal_leaves_the_old_token_readable_for_its_grace(browse: Any, clock: Any) -> None:
    browser = browse(renew_after=900, renew_grace=30)
    browser.do(lambda session: session.update(a=1))
    old = browser.cookie
    clock.turn(899)
    browser.read()
    assert browser.cookie == old
    clock.turn(1)
    parallel, second = browser.open(), browser.open()
    assert (parallel["a"], second["a"]) == (1, 1)
    browser.read()
    renewed = browser.cookie
    assert renewed != old
    parallel["b"] = 2
    assert browser.finish(parallel).cookie is None
    assert browser.finish(second).cookie is None
    late = browser.manager.open(old, False)
    late["c"] = 3
    assert browser.finish(late).cookie is None
    assert browser.cookie == renewed
    assert browser.read() == {"a": 1, "b": 2, "c": 3}
    clock.turn(30)
    assert browser.manager.open(old, False).copy() == {}
    assert browser.read() == {"a": 1, "b": 2, "c": 3}


def test_in_the_grace_an_old_token_is_never_sent_again(browse: Any, clock: Any) -> None:
    browser = browse(permanent=True, permanent_idle=1000, renew_after=90, renew_grace=30)
    browser.do(lambda session: session.update(a=1))
    old = browser.cookie
    clock.turn(95)
    browser.read()
    clock.turn(10)
    late = browser.manager.open(old, False)
    assert late["a"] == 1
    assert late.incr("n") == 1
    late["b"] = 1
    assert browser.finish(late).cookie is None


def test_a_login_in_the_grace_ends_both_tokens(browse: Any, clock: Any) -> None:
    browser = browse(renew_after=90, renew_grace=30)
    browser.do(lambda session: session.update(a=1))
    old = browser.cookie
    clock.turn(95)
    browser.read()
    renewed = browser.cookie
    login = browser.manager.open(old, False)
    login.bind(7)
    browser.finish(login)
    assert browser.cookie not in (old, renewed)
    assert [browser.manager.open(cookie, False).copy() for cookie in (old, renewed)] == [{}, {}]
    assert browser.read() == {"a": 1}


def test_a_command_during_a_renewal_by_another_request_sends_no_old_token(browse: Any, clock: Any) -> None:
    browser = browse(renew_after=90, renew_grace=30)
    browser.do(lambda session: session.update(a=1))
    clock.turn(95)
    slow = browser.open()
    assert slow["a"] == 1
    browser.read()
    assert slow.incr("n") == 1
    assert browser.finish(slow).cookie is None
    assert browser.read() == {"a": 1, "n": 1}


def test_a_token_signed_by_a_fallback_is_signed_anew(manage: Any, browse: Any) -> None:
    browser = browse(keys=KeyRing(["old"]))
    browser.do(lambda session: session.update(a=1))
    before = browser.token
    browser.manager = manage(keys=KeyRing(["new", "old"]))
    assert browser.read() == {"a": 1}
    after = browser.token
    assert (after != before, after[:45] == before[:45]) == (True, True)
    browser.read()
    assert len(browser.received) == 2
    browser.manager = manage(keys=KeyRing(["new"]))
    assert browser.read() == {"a": 1}


# -- users ----------------------------------------------------------------------------------------------------------


def test_binding_signs_in_and_changes_the_token(signed_in: Any, clock: Any, store: Any) -> None:
    planted = signed_in.cookie
    assert signed_in.do(lambda session: session.bound_user) is None
    clock.turn(60)

    def view(session: Session) -> str | None:
        session.bind(7)
        return session.bound_user

    assert signed_in.do(view) == "7"
    assert signed_in.manager.open(planted, False).copy() == {}
    assert signed_in.do(lambda session: session.bound_user) == "7"
    (record,) = drive(store.find("7"))
    assert record.header.auth_time == clock.now
    assert record.header.absolute == clock.now + 90 * DAY


def test_a_bound_session_needs_no_fields(browser: Any) -> None:
    browser.do(lambda session: session.bind("ada"))
    assert browser.do(lambda session: session.bound_user) == "ada"
    assert browser.read() == {}
    assert browser.do(lambda session: session.bound_user) == "ada"


def test_nothing_of_another_user_is_kept(browser: Any, store: Any) -> None:
    def login(user: int, secret: str) -> Callable[[Session], None]:
        def view(session: Session) -> None:
            session.bind(user)
            session[secret] = True

        return view

    browser.do(login(7, "first"))
    browser.do(login(8, "second"))
    assert browser.read() == {"second": True}
    assert drive(store.find("7")) == []
    browser.do(login(8, "third"))
    assert browser.read() == {"second": True, "third": True}


def test_a_login_succeeds_although_the_old_session_was_ended_meanwhile(signed_in: Any) -> None:
    login = signed_in.open()
    assert login["user"] == "ada"
    login.bind(7)
    login["name"] = "Ada"
    login._flash("info", "Welcome")
    signed_in.do(lambda session: session.clear())
    assert signed_in.finish(login).cookie is not None
    assert signed_in.read() == {"name": "Ada", "_flashes": [("info", "Welcome")]}
    assert signed_in.do(lambda session: session.bound_user) == "7"


def test_signing_out_forgets_the_user(browser: Any, store: Any) -> None:
    browser.do(lambda session: session.bind(7))

    def logout(session: Session) -> None:
        session.clear()
        session._flash("info", "Bye")

    browser.do(logout)
    assert browser.do(lambda session: (session.bound_user, session._take_flashes())) == (None, [("info", "Bye")])
    assert drive(store.find("7")) == []


# -- strict and exclusive -------------------------------------------------------------------------------------------


def test_in_the_mode_strict_a_refused_change_is_an_error(signed_in: Any) -> None:
    slow = signed_in.open("strict")
    slow["late"] = 1
    signed_in.do(lambda session: session.clear())
    with pytest.raises(SessionConflict, match="another request ended the session or changed its token"):
        signed_in.finish(slow)


def test_in_the_mode_strict_a_refused_command_is_an_error(signed_in: Any) -> None:
    slow = signed_in.open("strict")
    assert slow["user"] == "ada"
    signed_in.do(lambda session: session.rotate())
    with pytest.raises(SessionConflict, match="Nothing was stored"):
        slow.incr("n")


def test_in_the_mode_strict_reading_conflicts_with_nothing(signed_in: Any) -> None:
    slow = signed_in.open("strict")
    assert slow["user"] == "ada"
    signed_in.do(lambda session: session.clear())
    assert not signed_in.finish(slow).refused


def test_in_the_mode_exclusive_the_next_request_waits_for_the_first(browse: Any) -> None:
    browser = browse(lock_wait=0)
    browser.do(lambda session: session.update(n=1))
    first = browser.open("exclusive")
    assert first["n"] == 1
    with pytest.raises(SessionConflict, match="SESSION_LOCK_WAIT"):
        browser.do(len, "exclusive")
    assert browser.do(lambda session: session["n"]) == 1
    assert first.incr("n") == 2
    first["n"] = first["n"] * 10
    browser.finish(first)
    assert browser.do(lambda session: session["n"], "exclusive") == 20


@pytest.mark.parametrize(
    "end",
    [
        lambda browser, session: browser.finish(session),
        lambda browser, session: drive(browser.manager.close(session)),
        lambda browser, session: (session.rotate(), browser.finish(session)),
        lambda browser, session: (session.update(x=1), browser.finish(session)),
    ],
)
def test_the_lease_is_given_back_however_the_request_ends(browse: Any, end: Callable[[Any, Session], Any]) -> None:
    browser = browse(lock_wait=0)
    browser.do(lambda session: session.update(n=1))
    session = browser.open("exclusive")
    assert session["n"] == 1
    end(browser, session)
    drive(browser.manager.close(session))
    assert browser.do(lambda session: session["n"], "exclusive") == 1


def test_a_lease_on_a_session_that_was_loaded_and_not_touched_is_given_back(browse: Any) -> None:
    browser = browse(lock_wait=0)
    browser.do(lambda session: session.update(n=1))
    session = browser.open("exclusive")
    drive(browser.manager.load(session))
    assert browser.finish(session) is None
    assert browser.do(lambda session: session["n"], "exclusive") == 1


def test_a_holder_whose_lease_ran_out_cannot_overwrite(browse: Any, clock: Any) -> None:
    browser = browse(lock_wait=0, lock_lease=30)
    browser.do(lambda session: session.update(n=1))
    stale = browser.open("exclusive")
    stale["n"] = 99
    clock.turn(30)
    browser.do(lambda session: session.update(n=2), "exclusive")
    with pytest.raises(SessionConflict, match="its lease ran out"):
        browser.finish(stale)
    assert browser.read() == {"n": 2}


def test_a_session_can_be_ended_in_the_mode_exclusive(browse: Any) -> None:
    browser = browse(lock_wait=0)
    browser.do(lambda session: session.update(n=1))
    browser.do(lambda session: session.clear(), "exclusive")
    assert browser.cookie is None


def test_without_a_session_there_is_nothing_to_lease(browser: Any) -> None:
    browser.do(lambda session: session.update(n=1), "exclusive")
    drive(browser.manager.store.delete(browser.manager.keys.verify(browser.token).key))
    assert browser.do(len, "exclusive") == 0


# -- a store that fails ---------------------------------------------------------------------------------------------


class Failing(MemoryStore):
    """A store whose server can be switched off."""

    down = False

    def _look(self) -> None:
        if self.down:
            raise SessionUnavailable("The server is switched off.")

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        self._look()
        return await super().load(key, touch)

    async def create(self, key: bytes, record: Record) -> None:
        self._look()
        await super().create(key, record)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        self._look()
        return await super().merge(key, delta)


@pytest.fixture
def failing(ring: KeyRing, clock: Any, browser: Any) -> Any:
    """Return a function that gives a browser with a session on a store that can be switched off."""

    def failing(**settings: Any) -> Any:
        browser.manager = SessionManager(SessionSettings(lock_wait=0, **settings), Failing(), ring, clock)
        browser.do(lambda session: session.update(a=1))
        return browser

    return failing


def test_a_store_that_does_not_answer_is_an_error(failing: Any) -> None:
    browser = failing()
    session = browser.open()
    session["b"] = 1
    leased = browser.open("exclusive")
    assert leased["a"] == 1
    browser.manager.store.down = True
    for attempt in (
        lambda: browser.finish(session),
        lambda: browser.open()["a"],
        lambda: session.incr("n"),
        lambda: drive(browser.manager.close(leased)),
    ):
        with pytest.raises(SessionUnavailable, match="switched off"):
            attempt()


def test_after_that_error_the_rest_of_the_request_sees_an_empty_session(failing: Any, caplog: Any) -> None:
    """An error page whose layout looks at the session must not fail again, nor wait for a lease again."""
    browser = failing()
    holder = browser.open("exclusive")
    assert holder["a"] == 1
    waiting = browser.open("exclusive")
    with pytest.raises(SessionConflict, match="Another request has held this session"):
        waiting["a"]
    browser.manager.store.down = True
    page = browser.open()
    with pytest.raises(SessionUnavailable):
        page["a"]
    for session in (waiting, page):
        assert session.get("a") is None
        session["b"] = 1
        assert browser.finish(session).cookie is None
    assert caplog.messages.count("A change in a session was dropped, because the session could not be read.") == 2
    browser.manager.store.down = False
    assert browser.read() == {"a": 1}


def test_a_session_that_cannot_be_read_early_is_an_error_only_for_who_looks_at_it(failing: Any) -> None:
    browser = failing()
    browser.manager.store.down = True
    session = browser.open()
    drive(browser.manager.load(session, early=True))
    assert browser.finish(session) is None
    with pytest.raises(SessionUnavailable, match="switched off"):
        session["a"]
    assert session.get("a") is None


def test_or_the_visitor_is_anonymous_and_changes_are_dropped(failing: Any, caplog: Any) -> None:
    browser = failing(on_error="anonymous")
    before = browser.cookie
    browser.manager.store.down = True
    session = browser.open()
    assert session.copy() == {}
    session["b"] = 1
    assert session.incr("n") == 1
    assert session.take("x", 5) == 5
    assert browser.finish(session).cookie is None
    assert len([message for message in caplog.messages if "dropped" in message]) == 1
    assert browser.finish(browser.open()) is None
    quiet = browser.open()
    assert quiet.copy() == {}
    quiet.rotate()
    assert browser.finish(quiet).cookie is None
    browser.manager.store.down = False
    browser.cookie = before
    assert browser.read() == {"a": 1}


def test_a_store_that_fails_in_the_middle_of_a_request_leaves_it_anonymous(failing: Any, caplog: Any) -> None:
    browser = failing(on_error="anonymous")
    session, other = browser.open(), browser.open()
    leased = browser.open("exclusive")
    assert (session["a"], other["a"], leased["a"]) == (1, 1, 1)
    browser.manager.store.down = True
    assert session.incr("n") == 1
    assert browser.finish(session).cookie is None
    other["b"] = 1
    assert browser.finish(other).cookie is None
    drive(browser.manager.close(leased))
    outage = (
        "The session store does not answer. This is logged once, until it answers again. The server is switched off."
    )
    assert caplog.messages.count(outage) == 1


# -- what is told ---------------------------------------------------------------------------------------------------


def test_the_life_of_a_session_is_logged_without_its_token(signed_in: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, "erlen.sessions")
    first = signed_in.do(lambda session: session.sid)
    tokens = [signed_in.token]
    signed_in.do(lambda session: session.rotate())
    tokens.append(signed_in.token)
    second = signed_in.do(lambda session: session.sid)
    slow = signed_in.open()
    slow["late"] = 1
    signed_in.do(lambda session: session.clear())
    signed_in.finish(slow)
    signed_in.manager.open("session=forged", False).copy()
    assert caplog.messages == [
        f"session {first} became {second} (rotated)",
        f"session {second} was ended",
        f"session {second}: a change was refused, it was ended or moved meanwhile",
        "A session cookie was refused: none of our keys has signed it.",
    ]
    assert not any(token in caplog.text for token in tokens)


def test_a_renewal_and_a_creation_are_logged(browse: Any, clock: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "erlen.sessions")
    browser = browse(renew_after=90)
    sid = browser.do(lambda session: (session.update(a=1), session.sid))[1]
    clock.turn(90)
    browser.read()
    assert caplog.messages[0] == f"session {sid} was created"
    assert caplog.messages[1].startswith(f"session {sid} became ")
    assert caplog.messages[1].endswith(" (renewed)")


def test_the_public_handle_opens_nothing(signed_in: Any) -> None:
    sid = signed_in.do(lambda session: session.sid)
    for guess in (sid, sid[:56], sid[4:60]):
        assert signed_in.manager.open(f"session={guess}", False).copy() == {}
    assert signed_in.token not in sid


def test_a_dump_of_the_store_holds_no_token(signed_in: Any, store: Any, store_name: str, servers: Any) -> None:
    token = signed_in.token
    payload = signed_in.manager.keys.verify(token).payload
    if isinstance(store, MemoryStore):
        dump = repr((store._records, store._notes)).encode()
        assert payload[2:] not in b"".join(store._records)
    elif not isinstance(store, SqliteStore):
        dump = store_servers.dump(store_name, servers)
        assert payload[2:] not in dump
    else:
        connection = sqlite3.connect(store.path)
        dump = "\n".join(connection.iterdump()).encode()
        connection.close()
        files = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
        assert payload[2:] not in files
        assert token.encode() not in files
    assert b"user" in dump
    assert token.encode() not in dump
    assert payload[2:].hex().encode() not in dump.lower()


def test_what_the_store_knows_a_session_by_opens_nothing(signed_in: Any) -> None:
    manager = signed_in.manager
    key = manager.keys.verify(signed_in.token).key
    for forged in (KeyRing(["guess"]).sign(Token(key)), manager.keys.sign(Token(key))):
        assert manager.open(f"session={forged}", False).copy() == {}


# -- https ----------------------------------------------------------------------------------------------------------


def test_on_https_only_the_prefixed_name_is_read_and_set(browser: Any) -> None:
    browser.do(lambda session: session.update(a=1))
    plain = browser.cookie
    browser.secure = True
    assert browser.read() == {}
    browser.cookie = None
    browser.do(lambda session: session.update(b=1))
    assert browser.received[-1].startswith("__Host-session=")
    assert "; Secure; " in browser.received[-1]
    assert browser.read() == {"b": 1}
    assert browser.manager.open(plain, False).copy() == {"a": 1}


def test_a_cookie_planted_before_ours_does_not_hide_it(signed_in: Any) -> None:
    signed_in.cookie = f"session=planted; {signed_in.cookie}"
    assert signed_in.read() == {"user": "ada"}


# -- workers with different keys ------------------------------------------------------------------------------------


def errors(caplog: Any) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


@pytest.mark.usefixtures("keeps_notes")
def test_a_worker_with_another_key_is_told_once(manage: Any, browse: Any, clock: Any, caplog: Any) -> None:
    browse(keys=KeyRing(["one"])).do(lambda session: session.update(a=1))
    clock.turn(60)
    other = browse(keys=KeyRing(["two"]))
    other.do(lambda session: session.update(a=1))
    (message,) = errors(caplog)
    assert "Two workers of this application have different secret keys" in message
    assert "used the session store 60 s ago" in message
    assert "os.urandom()" in message
    assert "'erlen secret'" in message
    assert "SECRET_KEY_FALLBACKS" in message
    clock.turn(1900)
    other.read()
    assert len(errors(caplog)) == 1


@pytest.mark.usefixtures("keeps_notes")
def test_a_worker_that_starts_hours_later_still_meets_the_other_key(browse: Any, clock: Any, caplog: Any) -> None:
    first = browse(keys=KeyRing(["one"]))
    first.do(lambda session: session.update(a=1))
    for _ in range(6):
        clock.turn(3000)
        first.read()
    browse(keys=KeyRing(["two"])).do(lambda session: session.update(a=1))
    assert len(errors(caplog)) == 1


@pytest.mark.parametrize(
    ("first", "second"), [(["one"], ["one"]), (["old"], ["new", "old"]), (["new", "old"], ["old"]), (["b"], ["a", "b"])]
)
def test_keys_that_know_each_other_are_no_mistake(browse: Any, caplog: Any, first: Any, second: Any) -> None:
    browse(keys=KeyRing(first)).do(lambda session: session.update(a=1))
    browse(keys=KeyRing(second)).do(lambda session: session.update(a=1))
    assert errors(caplog) == []


def test_a_key_that_was_used_long_ago_is_no_mistake(browse: Any, clock: Any, caplog: Any) -> None:
    browse(keys=KeyRing(["one"])).do(lambda session: session.update(a=1))
    clock.turn(3601)
    browse(keys=KeyRing(["two"])).do(lambda session: session.update(a=1))
    assert errors(caplog) == []


@pytest.mark.usefixtures("keeps_notes")
def test_the_note_of_a_key_tells_nothing_of_it(manage: Any, browse: Any, store: Any) -> None:
    browse(keys=KeyRing(["a very secret key"])).do(lambda session: session.update(a=1))
    (note,) = drive(store.note_key(KeyNote("ffffffff", [], "process 1", 1_800_000_000.0)))
    assert len(note.fingerprint) == 8
    assert "secret" not in repr(note)
    assert note.owner.startswith("process ")
