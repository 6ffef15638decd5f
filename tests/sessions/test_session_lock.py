"""``session.lock()`` and ``session.commit()``, on every store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from erlen.errors import SessionConflict, SessionError, SessionReadOnly, SessionUnavailable, SessionValueError


@pytest.fixture
def known(browser: Any) -> Any:
    """A browser with a session."""
    browser.do(lambda session: session.update(balance=100))
    return browser


# -- lock -----------------------------------------------------------------------------------------------------------


def test_in_a_lock_the_session_is_read_anew_and_stored_at_its_end(known: Any) -> None:
    session = known.open()
    assert session["balance"] == 100
    known.do(lambda other: other.update(balance=70))
    with session.lock():
        session["balance"] -= 10
        assert session["balance"] == 60
    assert known.read() == {"balance": 60}
    known.finish(session)
    assert known.read() == {"balance": 60}


def test_what_was_changed_before_the_lock_is_stored_at_its_beginning(known: Any) -> None:
    session = known.open()
    session["before"] = 1
    with session.lock():
        assert known.read() == {"balance": 100, "before": 1}
        assert session["before"] == 1


def test_another_request_waits_for_the_lock_and_gives_up_in_time(known: Any) -> None:
    session, other = known.open(), known.open()
    with session.lock(), pytest.raises(SessionConflict, match="has held this session for itself for more than 0"):
        other.lock(wait=0).__enter__()
    with other.lock(wait=0):
        other["balance"] = 1
    assert known.read() == {"balance": 1}


def test_a_lock_is_free_after_its_lease_and_the_late_holder_stores_nothing(known: Any, clock: Any) -> None:
    session, other = known.open(), known.open()
    lock = session.lock(lease=5)
    lock.__enter__()
    session["balance"] = 1
    clock.turn(5)
    with other.lock(wait=0):
        other["balance"] = 2
    with pytest.raises(SessionConflict, match="its lease ran out"):
        lock.__exit__(None, None, None)
    assert known.read() == {"balance": 2}
    known.finish(session)
    assert known.read() == {"balance": 2}


def test_a_session_that_is_ended_in_a_lock_stores_nothing(known: Any) -> None:
    session = known.open()
    lock = session.lock()
    lock.__enter__()
    session["balance"] = 1
    known.do(lambda other: other.invalidate())
    with pytest.raises(SessionConflict, match="or the session was ended"):
        lock.__exit__(None, None, None)
    assert known.read() == {}


def test_a_session_that_was_ended_before_cannot_be_locked(known: Any) -> None:
    session = known.open()
    assert session["balance"] == 100
    known.do(lambda other: other.invalidate())
    with pytest.raises(SessionConflict, match="another request ended the session"), session.lock():
        raise AssertionError("unreachable")


def test_an_exception_leaves_the_lock_free(known: Any) -> None:
    session, other = known.open(), known.open()
    with pytest.raises(ZeroDivisionError), session.lock():
        session["balance"] = 1 // 0
    with other.lock(wait=0):
        other["balance"] += 1
    assert known.read() == {"balance": 101}


def test_a_visitor_without_a_session_locks_nobody_out(browser: Any) -> None:
    session = browser.open()
    with session.lock():
        session["a"] = 1
    browser.finish(session)
    assert browser.read() == {"a": 1}


def test_in_the_mode_exclusive_a_lock_is_there_already(known: Any) -> None:
    def view(session: Any) -> None:
        session["balance"] = 1
        with session.lock(wait=0):
            session["balance"] += 1

    known.do(view, "exclusive")
    assert known.read() == {"balance": 2}


def test_a_lock_of_a_readonly_session_is_refused(known: Any) -> None:
    session = known.open("readonly")
    with pytest.raises(SessionReadOnly, match="session='readonly'"), session.lock():
        raise AssertionError("unreachable")


def test_in_async_code_a_lock_is_entered_by_async_with(known: Any) -> None:
    async def take(amount: int) -> None:
        session = known.open()
        async with session.lock():
            session["balance"] -= amount
        await known.manager.save(session)

    async def both() -> None:
        await asyncio.gather(*(take(10) for _ in range(4)))
        await known.manager.store.close()

    asyncio.run(both())
    assert known.read() == {"balance": 60}


def test_a_lock_in_a_lock_is_the_same_one(known: Any) -> None:
    session, other = known.open(), known.open()
    with session.lock():
        with session.lock():
            session["balance"] -= 10
        with pytest.raises(SessionConflict):
            other.lock(wait=0).__enter__()
        session["balance"] -= 10
    assert known.read() == {"balance": 80}


def test_a_commit_keeps_the_lock(known: Any, clock: Any) -> None:
    session, other = known.open(), known.open()
    lock = session.lock(lease=5)
    lock.__enter__()
    session["balance"] = 1
    session.rotate()
    session.commit()
    known.received.append(session._state.answer.cookie)
    known.cookie = known.received[-1].partition(";")[0]
    other = known.open()
    with pytest.raises(SessionConflict):
        other.lock(wait=0).__enter__()
    clock.turn(5)
    session["balance"] = 2
    with pytest.raises(SessionConflict, match="its lease ran out"):
        lock.__exit__(None, None, None)
    assert known.read() == {"balance": 1}


@pytest.mark.parametrize("inner", ["commit", "lock"])
def test_in_the_mode_exclusive_the_session_is_held_to_the_end(browse: Any, inner: str) -> None:
    browser = browse(lock_wait=0.0)
    browser.do(lambda session: session.update(balance=100))
    session = browser.open("exclusive")
    session["balance"] = 1
    if inner == "commit":
        session.commit()
    else:
        with session.lock():
            session["balance"] = 2
    with pytest.raises(SessionConflict, match="has held this session for itself"):
        browser.open("exclusive")["balance"]
    browser.finish(session)
    assert browser.do(lambda other: other["balance"], "exclusive") in (1, 2)


def test_a_login_in_a_lock_is_one(known: Any) -> None:
    old = known.cookie
    session = known.open()
    with session.lock():
        session.bind("7")
        session.permanent = True
        session["balance"] = 1
    known.finish(session)
    assert known.cookie != old
    assert known.do(lambda other: (other.bound_user, other.permanent, other.copy())) == ("7", True, {"balance": 1})
    known.cookie = old
    assert known.read() == {}


def test_a_logout_in_a_lock_is_stored_at_its_end(known: Any) -> None:
    session = known.open()
    with session.lock():
        session.invalidate()
    assert known.read() == {}
    assert "Max-Age=0" in known.finish(session).cookie


def test_what_cannot_be_stored_leaves_the_lock_free(known: Any) -> None:
    session = known.open()
    lock = session.lock()
    lock.__enter__()
    session["list"] = []
    session["list"].append(object())
    with pytest.raises(SessionValueError):
        lock.__exit__(None, None, None)
    with known.open().lock(wait=0):
        pass


def test_a_request_that_cannot_be_saved_gives_its_lease_back(browse: Any) -> None:
    browser = browse(lock_wait=0.0)
    browser.do(lambda session: session.update(a=[]))
    session = browser.open("exclusive")
    session["a"].append(object())
    with pytest.raises(SessionValueError):
        browser.finish(session)
    assert browser.do(lambda other: other["a"], "exclusive") == []


def test_a_lease_that_is_over_at_once_is_refused(known: Any) -> None:
    with pytest.raises(ValueError, match="lease must be longer than 0, not 0: after it others may go on"):
        known.open().lock(lease=0)


# -- commit ---------------------------------------------------------------------------------------------------------


def test_a_commit_stores_what_was_changed_so_far(known: Any) -> None:
    session = known.open()
    session["a"] = 1
    session.commit()
    assert known.read() == {"balance": 100, "a": 1}
    session["b"] = 2
    known.finish(session)
    assert known.read() == {"balance": 100, "a": 1, "b": 2}


def test_a_commit_of_a_new_session_in_the_view_gives_the_visitor_its_cookie(browser: Any) -> None:
    session = browser.open()
    session["a"] = 1
    session.commit()
    assert browser.finish(session).cookie is not None
    assert browser.read() == {"a": 1}


def test_an_ending_that_was_committed_still_takes_the_cookie_away(known: Any) -> None:
    session = known.open()
    session.invalidate()
    session.commit()
    assert "Max-Age=0" in known.finish(session).cookie


def test_after_the_response_has_begun_a_commit_stores_what_is_changed(known: Any) -> None:
    session = known.open()
    assert session["balance"] == 100
    known.finish(session)
    for number in range(3):
        session["progress"] = number
        session.commit()
        assert known.read()["progress"] == number


def test_after_the_response_has_begun_what_needs_a_cookie_is_refused(browser: Any) -> None:
    session = browser.open()
    assert not session
    browser.finish(session)
    session["a"] = 1
    with pytest.raises(SessionError, match=r"the response has begun, and a new session needs a cookie in its headers"):
        session.commit()
    browser.do(lambda other: other.update(a=1))
    session = browser.open()
    assert session["a"] == 1
    browser.finish(session)
    session.rotate()
    with pytest.raises(SessionError, match="the response has begun, and a new token needs a cookie"):
        session.commit()
    assert browser.read() == {"a": 1}


def test_a_token_is_not_renewed_while_a_body_is_sent(browse: Any, clock: Any) -> None:
    browser = browse(renew_after=60.0)
    browser.do(lambda session: session.update(a=1))
    session = browser.open()
    assert session["a"] == 1
    browser.finish(session)
    clock.turn(61)
    session["a"] = 2
    session.commit()
    assert browser.read() == {"a": 2}


def test_a_commit_in_async_code(known: Any) -> None:
    async def view() -> None:
        session = known.open()
        await session.aload()
        session["a"] = 1
        await session.acommit()
        await known.manager.store.close()

    asyncio.run(view())
    assert known.read() == {"balance": 100, "a": 1}


def test_a_commit_without_changes_asks_the_store_for_nothing_but_the_session(known: Any) -> None:
    session = known.open()
    session.commit()
    assert known.finish(session).cookie is None


STORES = pytest.mark.parametrize("store_name", ["memory"], indirect=True)


@STORES
@pytest.mark.parametrize("method", ["merge", "create"])
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_changed_while_a_commit_is_on_its_way_is_stored_by_the_next(
    browser: Any, monkeypatch: Any, method: str, fails: bool
) -> None:
    if method == "merge":
        browser.do(lambda session: session.update(kept=1, gone=1, log=["a"]))
    store, under_way, go_on = browser.manager.store, asyncio.Event(), asyncio.Event()
    real = getattr(store, method)

    async def slow(*args: Any) -> Any:
        under_way.set()
        await go_on.wait()
        if fails:
            raise SessionUnavailable("nobody is there")
        return await real(*args)

    async def view(session: Any) -> None:
        await session.aload()
        session.update(first=1, both=1, kept=1)
        session.append("log", "b")
        session.pop("gone", None)
        with monkeypatch.context() as patch:
            patch.setattr(store, method, slow)
            commit = asyncio.create_task(session.acommit())
            await under_way.wait()
            session.update(second=2, both=2)
            session.append("log", "c")
            go_on.set()
            (failure,) = await asyncio.gather(commit, return_exceptions=True)
        assert (failure is not None) == fails

    session = browser.open()
    asyncio.run(view(session))
    browser.finish(session)
    log = ["a", "b", "c"] if method == "merge" else ["b", "c"]
    assert browser.read() == {"kept": 1, "first": 1, "second": 2, "both": 2, "log": log}
