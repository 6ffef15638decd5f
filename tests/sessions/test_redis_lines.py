"""The connections to Redis: kept out of redis-py's pool, unless redis-py has to look after them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from erlen.callables import drive
from erlen.sessions.stores import redis_lines
from erlen.sessions.stores.redis_servers import Address, Fleet
from store_servers import Servers
from store_servers import redis as redis_servers


@pytest.fixture
def make(servers: Servers) -> Iterator[Callable[[str], Fleet]]:
    made: list[Fleet] = []

    def make(query: str = "") -> Fleet:
        port = redis_servers.server(servers).port
        address = Address.from_url(f"redis://127.0.0.1:{port}/0?client_name=lines{query}", 5)
        made.append(Fleet(address, looped=False))
        return made[-1]

    yield make
    for fleet in made:
        fleet.close_plain()


def ask(fleet: Fleet, *command: Any) -> Any:
    return drive(fleet.call(b"key", command, again=True))


def clients(servers: Servers) -> list[str]:
    with redis.Redis(port=redis_servers.server(servers).port) as client:
        return [each["id"] for each in client.client_list() if each["name"] == "lines"]


def test_commands_one_after_the_other_go_over_one_connection_whatever_thread_they_come_from(
    make: Callable[..., Fleet], servers: Servers
) -> None:
    fleet = make()
    names = [ask(fleet, b"CLIENT", b"ID")]
    for _ in range(5):
        thread = threading.Thread(target=lambda: names.append(ask(fleet, b"CLIENT", b"ID")))
        thread.start()
        thread.join()
    assert len(set(names)) == 1
    assert clients(servers) == [str(names[0])]
    fleet.close_plain()
    assert clients(servers) == []


def test_a_connection_that_the_server_has_closed_is_not_used_again(
    make: Callable[..., Fleet], servers: Servers
) -> None:
    fleet = make()
    first = ask(fleet, b"CLIENT", b"ID")
    with redis.Redis(port=redis_servers.server(servers).port) as client:
        client.client_kill_filter(_id=first)
    # Not repeated if it fails: it must be seen before.
    assert drive(fleet.call(b"key", (b"CLIENT", b"ID"))) != first


def test_errors_of_the_server_are_answers_and_leave_the_connection_as_it_is(make: Callable[..., Fleet]) -> None:
    fleet = make()
    first = ask(fleet, b"CLIENT", b"ID")
    with pytest.raises(redis.ResponseError, match="unknown command"):
        ask(fleet, b"NONSENSE")
    with pytest.raises(redis.exceptions.NoScriptError):
        ask(fleet, b"EVALSHA", b"0" * 40, 0)
    assert ask(fleet, b"CLIENT", b"ID") == first


def test_an_answer_larger_than_what_is_read_at_once_comes_whole(make: Callable[..., Fleet]) -> None:
    fleet = make()
    assert ask(fleet, b"ECHO", b"x" * 1_000_000) == b"x" * 1_000_000
    node = fleet.address.nodes[0]
    assert drive(fleet._exchange(node, [(b"ECHO", b"%d" % n) for n in range(200)])) == [b"%d" % n for n in range(200)]


def test_a_command_that_takes_too_long_closes_its_connection(make: Callable[..., Fleet]) -> None:
    fleet = make("&socket_timeout=1")
    first = ask(fleet, b"CLIENT", b"ID")
    with pytest.raises(redis.TimeoutError):
        ask(fleet, b"BLPOP", b"nothing", b"5")
    assert ask(fleet, b"CLIENT", b"ID") != first


@pytest.mark.parametrize("reason", ["health check", "no hiredis", "no poll"])
def test_without_what_is_needed_connections_go_through_the_pool_and_do_the_same(
    make: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    if reason != "health check":
        monkeypatch.setattr(redis_lines, "_hiredis" if reason == "no hiredis" else "_poll", None)
    fleet = make("&health_check_interval=30" if reason == "health check" else "")
    assert ask(fleet, b"ECHO", b"x") == b"x"
    with pytest.raises(redis.ResponseError, match="unknown command"):
        ask(fleet, b"NONSENSE")
    assert ask(fleet, b"CLIENT", b"ID") == ask(fleet, b"CLIENT", b"ID")
    pool = fleet._pool_of(fleet.address.nodes[0])
    assert len(pool._in_use_connections) == 0


# -- on an event loop -------------------------------------------------------------------------------------------------


@pytest.fixture
def on_loop(servers: Servers) -> Callable[..., Any]:
    """Run a coroutine function with a fleet of its event loop."""

    def on_loop(work: Callable[[Fleet], Any], query: str = "") -> Any:
        port = redis_servers.server(servers).port
        address = Address.from_url(f"redis://127.0.0.1:{port}/0?client_name=lines{query}", 5)

        async def main() -> Any:
            fleet = Fleet(address, looped=True)
            try:
                return await work(fleet)
            finally:
                await fleet.close_looped()

        return asyncio.run(main())

    return on_loop


@pytest.mark.parametrize("query", ["", "&health_check_interval=30"])
def test_tasks_one_after_the_other_use_one_connection_and_those_at_once_as_many_as_allowed(
    on_loop: Callable[..., Any], query: str
) -> None:
    async def work(fleet: Fleet) -> tuple[int, int]:
        async def who() -> Any:
            return await fleet.call(b"key", (b"CLIENT", b"ID"), again=True)

        calm = {await who() for _ in range(5)}
        return len(calm), len(set(await asyncio.gather(*(who() for _ in range(20)))))

    assert on_loop(work, f"&max_connections=3{query}") == (1, 3)


def test_a_connection_of_a_loop_that_the_server_has_closed_is_not_used_again(
    on_loop: Callable[..., Any], servers: Servers
) -> None:
    async def work(fleet: Fleet) -> None:
        first = await fleet.call(b"key", (b"CLIENT", b"ID"))
        with redis.Redis(port=redis_servers.server(servers).port) as client:
            client.client_kill_filter(_id=first)
        (line,) = fleet._lines[fleet.address.nodes[0]]._idle
        while not line.lost:  # until the loop has heard of it
            await asyncio.sleep(0)
        assert await fleet.call(b"key", (b"CLIENT", b"ID")) != first

    on_loop(work)


def test_on_a_loop_errors_are_answers_and_long_answers_come_whole(on_loop: Callable[..., Any]) -> None:
    async def work(fleet: Fleet) -> None:
        first = await fleet.call(b"key", (b"CLIENT", b"ID"))
        with pytest.raises(redis.ResponseError, match="unknown command"):
            await fleet.call(b"key", (b"NONSENSE",))
        assert await fleet.call(b"key", (b"ECHO", b"x" * 1_000_000)) == b"x" * 1_000_000
        assert await fleet.call(b"key", (b"CLIENT", b"ID")) == first

    on_loop(work)


def test_on_a_loop_a_command_that_takes_too_long_closes_its_connection(on_loop: Callable[..., Any]) -> None:
    async def work(fleet: Fleet) -> None:
        first = await fleet.call(b"key", (b"CLIENT", b"ID"))
        with pytest.raises(redis.TimeoutError):
            await fleet.call(b"key", (b"BLPOP", b"nothing", b"5"))
        assert await fleet.call(b"key", (b"CLIENT", b"ID")) != first

    on_loop(work, "&socket_timeout=1")
