"""``app.sessions``: the sessions of users, listed and ended from outside, on every store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import ConfigError, SessionError, SessionLimitReached, SessionUnavailable
from erlen.sessions import KeyRing, SessionManager, SessionSettings
from erlen.sessions.resolve import resolve_manager
from erlen.sessions.stores.memory import MemoryStore
from erlen.sessions.stores.null import NullStore
from erlen.sessions.users import UserSessions
from erlen.signals import session_revoked


def request(agent: str = "", address: str = "203.0.113.77") -> Any:
    return SimpleNamespace(headers={"User-Agent": agent}, remote_addr=address)


@pytest.fixture
def sign_in(browse: Any, clock: Any) -> Callable[..., Any]:
    """Return a function that signs a user in on a browser of their own; each comes a second later."""
    managers: dict[Any, Any] = {}

    def sign_in(user: str, agent: str = "", **settings: Any) -> Any:
        key = tuple(sorted(settings.items()))
        browser = browse(**settings)
        browser.manager = managers.setdefault(key, browser.manager)
        session = browser.manager.open(None, False, "shared", request(agent))
        session.bind(user)
        session["of"] = user
        browser.finish(session)
        clock.turn(1)
        return browser

    return sign_in


def sessions_of(browser: Any, current: Any = None) -> UserSessions:
    return UserSessions(lambda: browser.manager, lambda: current)


def test_the_sessions_of_a_user_are_listed_with_what_a_page_needs(sign_in: Any, clock: Any) -> None:
    begin = clock.now
    first = sign_in("7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    second = sign_in("7", "curl/8.5")
    sign_in("8")
    session = second.open()
    listed = sessions_of(second, session).for_user(7)
    assert [info.label for info in listed] == ["curl, 203.0.113.0/24", "Firefox on Linux, 203.0.113.0/24"]
    assert [info.current for info in listed] == [True, False]
    assert [info.handle for info in listed] == [session.sid, first.do(lambda session: session.sid)]
    info = listed[1]
    assert (info.user, info.permanent) == ("7", False)
    assert info.created.timestamp() == info.seen.timestamp() == begin
    assert info.signed_in is not None
    assert info.signed_in.timestamp() == begin
    assert info.expires.timestamp() == begin + 86_400
    assert info.created.utcoffset() is not None


def test_a_revoked_session_is_dead_and_a_request_under_way_stores_nothing(sign_in: Any) -> None:
    phone, laptop = sign_in("7"), sign_in("7")
    late = phone.open()
    assert late["of"] == "7"
    sessions = sessions_of(laptop)
    assert sessions.revoke(late.sid, user="7")
    late["more"] = 1
    assert phone.finish(late).refused
    assert (phone.read(), laptop.read()) == ({}, {"of": "7"})
    assert not sessions.revoke(late.sid)


def test_nobody_revokes_the_session_of_somebody_else(sign_in: Any) -> None:
    ada, bob = sign_in("ada"), sign_in("bob")
    handle = bob.do(lambda session: session.sid)
    assert not sessions_of(ada).revoke(handle, user="ada")
    assert bob.read() == {"of": "bob"}


@pytest.mark.parametrize("handle", ["", "not hex", "00", "../../etc/passwd", "é", "00" * 34, "00" * 500])
def test_a_handle_that_leads_nowhere_ends_nothing(sign_in: Any, handle: str) -> None:
    browser = sign_in("7")
    assert not sessions_of(browser).revoke(handle)
    assert browser.read() == {"of": "7"}


@pytest.mark.parametrize("digits", [0, 66, 70])
def test_a_handle_of_another_length_than_a_key_has_is_not_looked_for(
    sign_in: Any, monkeypatch: pytest.MonkeyPatch, digits: int
) -> None:
    browser = sign_in("7")

    async def load(*_: Any) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(browser.manager.store, "load", load)
    assert not sessions_of(browser).revoke("0" * digits)
    with pytest.raises(AssertionError, match="the store was asked"):
        sessions_of(browser).revoke("0" * 68)


def test_others_are_revoked_and_the_own_session_stays(sign_in: Any) -> None:
    mine, other, third, stranger = sign_in("7"), sign_in("7"), sign_in("7"), sign_in("8")
    assert sessions_of(mine, mine.open()).revoke_others() == 2
    assert (mine.read(), other.read(), third.read(), stranger.read()) == ({"of": "7"}, {}, {}, {"of": "8"})


def test_others_need_a_session_that_somebody_is_signed_in_to(sign_in: Any) -> None:
    mine = sign_in("7")
    with pytest.raises(SessionError, match=r"there is none that a user is signed in to.*app\.sessions\.revoke_all"):
        sessions_of(mine).revoke_others()
    mine.cookie = None
    with pytest.raises(SessionError, match="there is none that a user is signed in to"):
        sessions_of(mine, mine.open()).revoke_others()


def test_all_sessions_of_a_user_are_revoked(sign_in: Any) -> None:
    browsers = [sign_in("7"), sign_in("7")]
    stranger = sign_in("8")
    sessions = sessions_of(stranger)
    assert sessions.revoke_all(7) == 2
    assert [browser.read() for browser in browsers] == [{}, {}]
    assert (sessions.for_user(7), sessions.count(8)) == ([], 1)


def test_a_session_whose_token_changed_meanwhile_is_revoked_all_the_same(sign_in: Any) -> None:
    """The list of a user is read first: a session that moves then is reached by what it left behind."""
    mine, other = sign_in("7"), sign_in("7")
    store = mine.manager.store
    found = drive(store.find("7"))
    other.do(lambda session: session.rotate())
    for record in found:
        drive(store.delete(record.key))
    assert (mine.read(), other.read()) == ({}, {})


def test_everybody_is_signed_out_at_once(sign_in: Any) -> None:
    ada, bob = sign_in("ada"), sign_in("bob")
    anonymous = sign_in("x")
    anonymous.cookie = None
    anonymous.do(lambda session: session.update(cart=1))
    late = bob.open()
    assert late["of"] == "bob"
    sessions_of(ada).revoke_everyone()
    late["more"] = 1
    assert bob.finish(late).refused
    assert (ada.read(), bob.read(), anonymous.read()) == ({}, {}, {})
    ada.do(lambda session: session.update(a=1))
    assert ada.read() == {"a": 1}


def test_async_code_has_twins_of_all_methods(sign_in: Any) -> None:
    mine, other = sign_in("7"), sign_in("7")

    async def work() -> list[Any]:
        sessions = sessions_of(mine, mine.open())
        listed = await sessions.afor_user(7)
        results = [
            [info.current for info in listed],
            await sessions.acount(7),
            await sessions.arevoke_others(),
            await sessions.arevoke(listed[0].handle),
            await sessions.arevoke_all(7),
            await sessions.aprune() >= 0,
        ]
        await sessions.arevoke_everyone()
        await mine.manager.store.close()
        return results

    assert asyncio.run(work()) == [[False, True], 2, 1, False, 1, True]
    assert (mine.read(), other.read()) == ({}, {})


def test_who_ended_a_session_is_told_without_its_token(sign_in: Any) -> None:
    told = []

    def receive(sender: Any, **values: Any) -> None:
        told.append((values["user"], values["reason"]))
        assert browser.token not in repr(values)

    browser, other = sign_in("7"), sign_in("7")
    sessions = sessions_of(browser)
    with session_revoked.connected_to(receive):
        sessions.revoke(other.do(lambda session: session.sid))
        browser.do(lambda session: session.invalidate())
        browser = sign_in("8")
        sessions.revoke_everyone()
    assert told == [("7", "revoked"), ("7", "logout"), (None, "everyone")]


def test_a_store_that_cannot_list_says_which_can() -> None:
    manager = SessionManager(SessionSettings(type="null"), NullStore(), None)
    sessions = UserSessions(lambda: manager, lambda: None)
    for call in (lambda: sessions.for_user(7), lambda: sessions.revoke_all(7), sessions.count, sessions.prune):
        with pytest.raises(SessionError, match=r"Sessions of the type 'null' cannot do this: .*'sqlite', 'redis'"):
            call()


# -- how many one user may have -------------------------------------------------------------------------------------


def test_with_oldest_a_login_beyond_the_limit_ends_the_oldest_session(sign_in: Any) -> None:
    told = []

    def receive(sender: Any, **values: Any) -> None:
        told.append(values["reason"])

    with session_revoked.connected_to(receive):
        browsers = [sign_in("7", max_sessions=2) for _ in range(3)]
    assert [browser.read() for browser in browsers] == [{}, {"of": "7"}, {"of": "7"}]
    assert told == ["limit"]


def test_a_new_login_in_the_same_browser_takes_no_place(sign_in: Any) -> None:
    first, second = sign_in("7", max_sessions=2), sign_in("7", max_sessions=2)
    second.do(lambda session: session.bind("7"))
    assert (first.read(), second.read()) == ({"of": "7"}, {"of": "7"})


@pytest.mark.parametrize("policy", ["reject", "ask"])
def test_with_reject_and_ask_a_login_beyond_the_limit_is_refused_and_tells_of_the_others(
    sign_in: Any, policy: str
) -> None:
    limits = {"max_sessions": 1, "max_sessions_policy": policy}
    first = sign_in("7", "curl", **limits)
    with pytest.raises(
        SessionLimitReached, match="has one session elsewhere already, and MAX_SESSIONS_PER_USER"
    ) as caught:
        sign_in("7", **limits)
    assert (caught.value.user, caught.value.limit) == ("7", 1)
    assert [info.label for info in caught.value.sessions] == ["curl, 203.0.113.0/24"]
    assert first.read() == {"of": "7"}
    first.do(lambda session: session.bind("7"))
    first.do(lambda session: session.invalidate())
    assert sign_in("7", **limits).read() == {"of": "7"}


@pytest.mark.parametrize("between", [0, 1])
def test_of_two_logins_at_once_one_stays(browse: Any, clock: Any, between: float) -> None:
    manager = browse(max_sessions=1, max_sessions_policy="reject").manager
    browsers = [browse(), browse()]
    sessions = []
    for browser in browsers:
        browser.manager = manager
        sessions.append(session := browser.open())
        session.bind("7")
        clock.turn(between)
    refused = 0
    for browser, session in zip(browsers, sessions, strict=True):
        try:
            browser.finish(session)
        except SessionLimitReached:
            refused += 1
    assert [browser.do(lambda session: session.bound_user) for browser in browsers].count("7") == 1
    assert len(drive(manager.store.find("7"))) == 1
    if between:
        assert refused == 1


def test_in_async_code_a_login_is_refused_too(sign_in: Any) -> None:
    limits = {"max_sessions": 1, "max_sessions_policy": "reject"}
    browser = sign_in("7", **limits)

    async def login() -> None:
        session = browser.manager.open(None, False)
        try:
            with pytest.raises(SessionLimitReached):
                await session.abind("7")
        finally:
            await browser.manager.store.close()

    asyncio.run(login())


@pytest.mark.parametrize("store_name", ["memory"], indirect=True)
def test_of_two_logins_that_see_each_other_the_older_one_is_ended(browse: Any, clock: Any, monkeypatch: Any) -> None:
    manager = browse(max_sessions=1).manager
    both = asyncio.Barrier(2)
    find = manager.store.find

    async def find_when_both_are_there(user: str) -> Any:
        await both.wait()
        found = await find(user)
        await both.wait()
        return found

    monkeypatch.setattr(manager.store, "find", find_when_both_are_there)

    async def login(session: Any) -> None:
        session.bind("7")
        clock.turn(1)
        await manager.save(session)

    async def log_in_twice() -> None:
        await asyncio.gather(*(login(manager.open(None, False)) for _ in range(2)))

    asyncio.run(log_in_twice())
    (left,) = drive(find("7"))
    assert left.header.auth_time == clock.now - 1


@pytest.mark.parametrize("policy", ["oldest", "reject"])
def test_a_limit_that_cannot_be_looked_up_loses_no_login(browse: Any, monkeypatch: Any, policy: str) -> None:
    browser = browse(max_sessions=3, max_sessions_policy=policy)
    browser.do(lambda session: session.update(cart=1))
    session = browser.open()
    session.bind("7")

    async def nobody_is_there(user: str) -> Any:
        raise SessionUnavailable("nobody is there")

    with monkeypatch.context() as patch:
        patch.setattr(browser.manager.store, "find", nobody_is_there)
        browser.finish(session)
    assert browser.do(lambda session: (session.bound_user, session.copy())) == ("7", {"cart": 1})


@pytest.mark.parametrize("known_early", [True, False])
def test_in_the_grace_of_a_renewal_the_own_session_is_still_the_own_one(
    sign_in: Any, clock: Any, known_early: bool
) -> None:
    settings = {"renew_after": 60.0, "max_sessions": 2, "max_sessions_policy": "reject"}
    mine, other = sign_in("7", **settings), sign_in("7", **settings)
    clock.turn(61)
    late = mine.open()
    if not known_early:
        assert late["of"] == "7"
    mine.read()  # another request of this browser gets the new token
    late.bind("7")
    sessions = sessions_of(mine, late)
    assert [info.current for info in sessions.for_user("7")] == [False, True]
    assert sessions.revoke_others() == 1
    assert (mine.read(), other.read()) == ({"of": "7"}, {})


def test_who_is_nobody_lists_and_ends_nothing(sign_in: Any) -> None:
    named_none, anonymous = sign_in("None"), sign_in("x")
    anonymous.cookie = None
    anonymous.do(lambda session: session.update(cart=1))
    sessions = sessions_of(anonymous)
    assert sessions.for_user(None) == []
    for browser in (named_none, anonymous):
        assert not sessions.revoke(browser.do(lambda session: session.sid), user=None)
    assert (named_none.read(), anonymous.read()) == ({"of": "None"}, {"cart": 1})


@pytest.mark.parametrize("user", [None, "", "\ud800"])
def test_nobody_cannot_be_signed_in(browser: Any, user: Any) -> None:
    session = browser.open()
    with pytest.raises(ValueError, match=r"session\.bind\(\) needs the name or number of a user, not"):
        session.bind(user)
    assert session.bound_user is None


def test_after_a_first_login_the_others_are_revoked_at_once(sign_in: Any) -> None:
    other = sign_in("7")
    new = sign_in("8")
    new.cookie = None
    session = new.open()
    session.bind("7")
    assert sessions_of(new, session).revoke_others() == 1
    new.finish(session)
    assert (other.read(), new.do(lambda session: session.bound_user)) == ({}, "7")


def test_a_route_without_a_session_may_list_those_of_a_user(sign_in: Any) -> None:
    browser = sign_in("7")
    sessions = sessions_of(browser, browser.open("none"))
    assert [info.current for info in sessions.for_user("7")] == [False]
    with pytest.raises(SessionError, match="there is none that a user is signed in to"):
        sessions.revoke_others()


def test_a_label_that_is_no_text_is_made_one(browser: Any) -> None:
    browser.do(lambda session: session.bind("7", label="phone \ud800"))
    assert [info.label for info in sessions_of(browser).for_user("7")] == ["phone ?"]


def test_a_limit_needs_a_store_that_can_list() -> None:
    class Listless(MemoryStore):
        abilities = frozenset({"write", "lease"})

    with pytest.raises(ConfigError, match=r"MAX_SESSIONS_PER_USER.*Listless cannot.*such as 'sqlite' or 'redis'"):
        resolve_manager(SessionSettings(type=Listless(), max_sessions=3), KeyRing(["k"]))
