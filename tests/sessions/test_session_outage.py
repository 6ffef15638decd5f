"""What happens while a store does not answer."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import SessionUnavailable
from erlen.sessions import KeyRing, Record, SessionManager, SessionSettings
from erlen.sessions.outage import Outage
from erlen.sessions.stores.memory import MemoryStore


class Switched(MemoryStore):
    """A store that can be switched off."""

    remote = True
    down = False
    asked = 0

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        self.asked += 1
        if self.down:
            raise SessionUnavailable("nobody is there")
        return await super().load(key, touch)


@pytest.fixture
def switched(ring: KeyRing, clock: Any, browse: Any) -> Any:
    browser = browse()
    browser.manager = SessionManager(SessionSettings(on_error="raise"), Switched(), ring, clock)
    browser.do(lambda session: session.update(a=1))
    return browser


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock of the process that stands still until it is turned."""

    class Wall:
        now = 1000.0

        def __call__(self) -> float:
            return self.now

    wall = Wall()
    monkeypatch.setattr(time, "monotonic", wall)
    return wall


STORES = pytest.mark.parametrize("store_name", ["memory"], indirect=True)


@STORES
def test_an_outage_is_logged_once_with_its_end(switched: Any, caplog: Any, wall: Any) -> None:
    store = switched.manager.store
    store.down = True
    for _ in range(5):
        with pytest.raises(SessionUnavailable, match="nobody is there"):
            switched.read()
        wall.now += 1
    store.down = False
    assert switched.read() == {"a": 1}
    assert switched.read() == {"a": 1}
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.ERROR,
            "The session store does not answer. This is logged once, until it answers again. nobody is there",
        ),
        (logging.WARNING, "The session store answers again, after 5.0 s and 5 commands without answer."),
    ]
    caplog.clear()
    store.down = True
    with pytest.raises(SessionUnavailable):
        switched.read()
    assert len(caplog.records) == 1


@STORES
def test_a_store_that_refuses_at_once_is_asked_by_every_request(switched: Any) -> None:
    store = switched.manager.store
    store.down, store.asked = True, 0
    for _ in range(3):
        with pytest.raises(SessionUnavailable):
            switched.read()
    assert store.asked == 3


@STORES
def test_a_store_that_lets_requests_wait_is_asked_once_in_a_second(
    switched: Any, wall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = switched.manager.store

    async def wait_in_vain(key: bytes, touch: bool = False) -> Record | None:
        store.asked += 1
        wall.now += 2
        raise SessionUnavailable("it took too long")

    with monkeypatch.context() as patch:
        patch.setattr(store, "load", wait_in_vain)
        store.asked = 0
        for _ in range(4):
            with pytest.raises(SessionUnavailable, match="it took too long"):
                switched.read()
        assert store.asked == 1
        wall.now += 1
        with pytest.raises(SessionUnavailable, match="it took too long"):
            switched.read()
        assert store.asked == 2
    wall.now += 1
    assert switched.read() == {"a": 1}


async def answer() -> str:
    return "here"


def test_a_store_that_answers_costs_nothing_more(caplog: Any) -> None:
    outage = Outage(2.0)
    with pytest.raises(StopIteration) as done:
        outage.ask(answer).send(None)
    assert done.value.value == "here"
    assert outage.since is None
    outage.answered()
    assert caplog.records == []


@STORES
def test_a_store_without_a_server_is_asked_by_every_request_however_long_it_took(
    browser: Any, wall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.do(lambda session: session.update(a=1))

    async def wait_in_vain(key: bytes, touch: bool = False) -> Record | None:
        wall.now += 5
        raise SessionUnavailable("locked by another writer")

    with monkeypatch.context() as patch:
        patch.setattr(browser.manager.store, "load", wait_in_vain)
        with pytest.raises(SessionUnavailable, match="locked by another writer"):
            browser.read()
    assert browser.read() == {"a": 1}


def test_an_end_of_an_outage_that_two_threads_see_is_logged_once(caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outage = Outage(2.0)
    outage.failed(SessionUnavailable("nobody is there"), time.monotonic())
    caplog.clear()
    monotonic = time.monotonic

    def meanwhile() -> float:
        monkeypatch.setattr(time, "monotonic", monotonic)
        outage.answered()
        return monotonic()

    monkeypatch.setattr(time, "monotonic", meanwhile)
    outage.answered()
    outage.answered()
    assert len(caplog.records) == 1


@pytest.fixture
def anonymous(ring: KeyRing, clock: Any, browse: Any) -> Any:
    """A browser with a session, whose requests go on where the store does not answer."""
    browser = browse()
    settings = SessionSettings(on_error="anonymous", max_sessions=1, max_sessions_policy="reject")
    browser.manager = SessionManager(settings, MemoryStore(), ring, clock)
    browser.do(lambda session: session.update(a=1))
    return browser


async def refuse(*args: Any) -> Any:
    raise SessionUnavailable("nobody is there")


@STORES
@pytest.mark.parametrize("method", ["acquire", "merge", "move", "delete", "find", "create"])
def test_with_anonymous_no_operation_raises_and_the_next_request_works(
    anonymous: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def view(session: Any) -> None:
        with session.lock():
            session["a"] = 2
        session.incr("n")
        session.commit()
        session.take("a")
        session.bind("7")
        session.commit()
        session.invalidate()
        session["b"] = 1

    with monkeypatch.context() as patch:
        patch.setattr(anonymous.manager.store, method, refuse)
        anonymous.do(view)
    anonymous.do(lambda session: session.update(c=1))
    assert anonymous.read()["c"] == 1


@STORES
def test_with_anonymous_what_was_done_in_a_lock_is_not_stored_later_without_it(
    anonymous: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = anonymous.open()
    with session.lock():
        session["a"] = 2
        monkeypatch.setattr(anonymous.manager.store, "merge", refuse)
    monkeypatch.undo()
    anonymous.finish(session)
    assert anonymous.read() == {"a": 1}


@STORES
@pytest.mark.parametrize("on_error", ["raise", "anonymous"])
def test_a_sealed_session_that_cannot_be_opened_is_met_like_an_outage(
    ring: KeyRing, clock: Any, browse: Any, on_error: str, caplog: Any
) -> None:
    browser = browse()
    manager = browser.manager = SessionManager(
        SessionSettings(sealed=True, on_error=on_error), MemoryStore(), ring, clock
    )
    browser.do(lambda session: session.update(a=1))
    (record,) = manager.store._records.values()
    record.header.seals = [b"damaged by hand, and long enough"]
    caplog.clear()
    session = browser.open()
    if on_error == "raise":
        with pytest.raises(SessionUnavailable, match="A sealed session cannot be opened"):
            session.get("a")
    assert session.get("a") is None
    session["b"] = 1
    browser.finish(session)
    early = browser.open()
    drive(manager.load(early, early=True))  # before an async view: raised only if that looks
    assert browser.finish(early) is None
    assert "does not answer" not in caplog.text


def look(session: Any) -> str:
    try:
        return str(session["a"])
    except SessionUnavailable as error:
        return str(error)


@STORES
def test_a_failure_before_an_async_view_keeps_no_request(switched: Any) -> None:
    switched.manager.store.down = True
    session = switched.open()
    drive(switched.manager.load(session, early=True))
    gc.collect()
    gc.disable()
    try:
        assert look(session) == "nobody is there"
        watched = weakref.ref(session)
        del session
        assert watched() is None
    finally:
        gc.enable()
