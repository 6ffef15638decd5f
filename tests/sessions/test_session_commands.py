"""How many commands a request costs, counted at the server, and how many bytes a change."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import pytest

import store_servers
from erlen.sessions import KeyRing, Token
from store_servers import Servers

# Stores without a server have no commands to count.
COUNTED = [name for name, module in store_servers.STORES.items() if store_servers.counts(name)]
# A write costs at most so many; a dialect without a statement of its own needs a transaction.
WRITES = {"sqlalchemy-other": 4}
# Stores that send the whole session with each change.
WHOLE = ("memcached", "memcached-nodes", "sqlalchemy-other")

pytestmark = pytest.mark.parametrize("store_name", COUNTED, indirect=True)


@pytest.fixture
def cost(store_name: str, servers: Servers) -> Callable[[Callable[[], Any]], int]:
    """Return a function that counts the commands of what it is given."""

    def cost(work: Callable[[], Any]) -> int:
        before = store_servers.commands(store_name, servers)
        work()
        return store_servers.commands(store_name, servers) - before

    return cost


@pytest.fixture
def known(browser: Any) -> Any:
    """A browser with a session, whose server knows our scripts, statements and keys already."""
    browser.do(lambda session: session.update(name="ada", cart=[1, 2], n=1))
    browser.do(lambda session: session.update(name="eve"))
    browser.read()
    return browser


def test_a_request_that_does_not_touch_the_session_costs_nothing(known: Any, cost: Any) -> None:
    assert cost(lambda: known.do(lambda session: None)) == 0
    assert cost(lambda: known.do(lambda session: None, "none")) == 0


@pytest.mark.parametrize("value", ["A" * 56, "é" * 56, "x", "../../etc", "'; DROP TABLE sessions; --", "A" * 10_000])
def test_a_token_that_we_have_not_signed_costs_nothing(known: Any, cost: Any, value: str) -> None:
    known.cookie = f"session={value}"
    assert cost(lambda: known.read()) == 0
    known.cookie = f"session={KeyRing(['another key']).sign(Token(secrets.token_bytes(34)))}"
    assert cost(lambda: known.read()) == 0


def test_a_visitor_without_a_session_costs_nothing(browser: Any, cost: Any) -> None:
    assert cost(lambda: browser.read()) == 0


def test_a_request_that_reads_costs_one_command(known: Any, cost: Any) -> None:
    assert cost(lambda: known.read()) == 1
    assert cost(lambda: known.do(lambda session: (session["name"], session["cart"], session.bound_user))) == 1
    assert cost(lambda: known.do(lambda session: session.get("name"), "readonly")) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.update(name="bob"),
        lambda session: session["cart"].append(3),
        lambda session: session.pop("name"),
        lambda session: session.append("log", "x", max=10),
        lambda session: session.set("code", 1, ttl=60),
        lambda session: session.incr("n"),
        lambda session: session.take("name"),
    ],
    ids=["set", "nested", "delete", "append", "set-with-ttl", "incr", "take"],
)
def test_a_request_that_changes_costs_a_read_and_at_most_two_commands_more(
    known: Any, cost: Any, store_name: str, change: Any
) -> None:
    first = cost(lambda: known.do(lambda session: change(session)))
    again = cost(lambda: known.do(lambda session: session.update(name="again")))
    most = 1 + WRITES.get(store_name, 2)
    assert (2 <= first <= most, 2 <= again <= most) == (True, True), (first, again)


def test_an_async_view_with_a_session_costs_one_command_even_if_it_does_not_look(
    known: Any, store_name: str, servers: Servers
) -> None:
    counts = []

    async def requests() -> None:
        for looks in (True, False, True):
            before = store_servers.commands(store_name, servers)
            session = known.open()
            await known.manager.load(session, early=True)
            if looks:
                assert session["name"] == "eve"
            await known.manager.save(session)
            counts.append(store_servers.commands(store_name, servers) - before)
        await known.manager.store.close()

    asyncio.run(requests())
    assert counts[1:] == [1, 1], "the first one may have to connect"


def test_a_changed_counter_in_a_large_session_sends_little(browser: Any, store_name: str, servers: Servers) -> None:
    if store_name in WHOLE:
        pytest.skip(f"{store_name} replaces the whole session with each change: it has no command that merges")
    browser.do(lambda session: session.update({f"part{number}": "x" * 10_000 for number in range(10)}, n=1))
    browser.do(lambda session: session.update(n=1.5))  # the server may have to be told a script once
    browser.do(lambda session: session.update(n=1))
    session = browser.open()
    session["n"] += 1
    before = store_servers.bytes_received(store_name, servers)
    browser.finish(session)
    sent = store_servers.bytes_received(store_name, servers) - before
    assert 0 < sent < (2_000 if store_name == "dynamodb" else 1_000)
    assert browser.read()["n"] == 2
