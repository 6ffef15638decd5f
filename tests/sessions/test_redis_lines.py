"""The connections to Redis: kept out of redis-py's pool, unless redis-py has to look after them."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hiredis
import pytest
import redis

from erlen.callables import drive
from erlen.sessions.stores import redis_lines
from erlen.sessions.stores.redis_hashes import END, framed
from erlen.sessions.stores.redis_lines import UNASKED
from erlen.sessions.stores.redis_servers import Address, Fleet
from store_servers import Servers
from store_servers import redis as redis_servers

try:
    import uvloop
except ImportError:  # there is none on Windows
    RUNNERS: list[Callable[..., Any]] = [asyncio.run]
else:
    RUNNERS = [asyncio.run, uvloop.run]


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


def simply(fleet: Fleet, *words: bytes, again: bool = True) -> Any:
    """Ask as a store does: at once over an open connection, or else with all that may be needed."""
    command = framed_command(words)
    outcome = fleet.begin(command, again)
    return drive(fleet.call(b"key", command, again, outcome)) if isinstance(outcome, Exception) else outcome


def framed_command(words: tuple[bytes, ...]) -> bytes:
    return b"*%d" % len(words) + framed(words) + END


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


@pytest.mark.parametrize("again", [True, False])
def test_connections_that_the_server_has_closed_are_replaced_whether_a_command_may_be_repeated_or_not(
    make: Callable[..., Fleet], servers: Servers, again: bool
) -> None:
    fleet = make()
    with ThreadPoolExecutor(4) as threads:
        barrier = threading.Barrier(4)

        def together(_: int) -> Any:
            barrier.wait()
            return ask(fleet, b"BLPOP", b"nothing", b"0.2")  # so that each has a connection of its own

        list(threads.map(together, range(4)))
    before = clients(servers)
    assert len(before) > 1
    with redis.Redis(port=redis_servers.server(servers).port) as client:
        for each in before:
            client.client_kill_filter(_id=each)
    assert str(simply(fleet, b"CLIENT", b"ID", again=again)) not in before
    assert len(clients(servers)) == 1


def test_busy_threads_get_their_own_answers_whatever_connections_are_closed_meanwhile(
    make: Callable[..., Fleet], servers: Servers
) -> None:
    fleet = make()
    running = threading.Semaphore(0)

    def work(number: int) -> list[tuple[bytes, Any]]:
        answers = []
        for turn in range(300):
            said = b"%d-%d" % (number, turn)
            try:
                answers.append((said, simply(fleet, b"ECHO", said, again=turn % 3 > 0)))
            except redis.ConnectionError:  # closed while it was in use
                answers.append((said, None))
        running.release()
        return answers

    with ThreadPoolExecutor(6) as threads, redis.Redis(port=redis_servers.server(servers).port) as client:
        found = [threads.submit(work, number) for number in range(6)]
        done = 0
        while done < 6:
            for each in clients(servers)[:1]:
                client.client_kill_filter(_id=each)
            done += running.acquire(timeout=0.01)
        answers = [pair for each in found for pair in each.result()]
    assert [pair for pair in answers if pair[1] not in (pair[0], None)] == []
    assert sum(answer is not None for _, answer in answers) > 900
    node = fleet.address.nodes[0]
    assert len(fleet._pool_of(node)._in_use_connections) == len(fleet._lines[node]._idle) <= 6


def test_an_open_connection_waits_as_long_as_the_timeout_and_is_closed_then(make: Callable[..., Fleet]) -> None:
    fleet = make("&socket_timeout=0.2")
    first = simply(fleet, b"CLIENT", b"ID")
    assert isinstance(fleet.begin(framed_command((b"BLPOP", b"nothing", b"5")), True), redis.TimeoutError)
    assert simply(fleet, b"CLIENT", b"ID") != first
    assert isinstance(fleet.begin(framed_command((b"ECHO", b"x" * 50_000_000)), True), bytes | redis.TimeoutError)
    assert simply(fleet, b"ECHO", b"after") == b"after"


def test_an_error_that_the_server_says_before_it_closes_the_connection_is_no_answer(
    make: Callable[..., Fleet],
) -> None:
    ours, theirs = socket.socketpair()
    fleet = make()
    ask(fleet, b"PING")
    (line,) = fleet._lines[fleet.address.nodes[0]]._idle
    line.__init__(line.connection, ours, redis_lines._reader_of(line.connection))  # type: ignore[misc]
    theirs.sendall(b"-ERR going away\r\n")
    theirs.shutdown(socket.SHUT_WR)
    assert simply(fleet, b"ECHO", b"x") == b"x"
    ours.close()
    theirs.close()


def test_what_stands_in_for_a_socket_keeps_its_own_way_of_waiting() -> None:
    class Green(socket.socket):
        pass

    with Green() as green, socket.socket() as usual:
        for sock in (green, usual):
            sock.settimeout(1.5)
            redis_lines._let_system_wait(sock)
        assert green.gettimeout() == 1.5
        if redis_lines._TIMED:
            kept = usual.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
            assert struct.unpack("ll", kept) == pytest.approx((1, 500_000), abs=10_000)
            assert usual.gettimeout() is None


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

    def on_loop(work: Callable[[Fleet], Any], query: str = "", run: Callable[..., Any] = asyncio.run) -> Any:
        port = redis_servers.server(servers).port
        address = Address.from_url(f"redis://127.0.0.1:{port}/0?client_name=lines{query}", 5)

        async def main() -> Any:
            fleet = Fleet(address, looped=True)
            try:
                return await work(fleet)
            finally:
                await fleet.close_looped()

        return run(main())

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


async def simply_on_loop(fleet: Fleet, *words: bytes, again: bool = True) -> Any:
    command = framed_command(words)
    outcome = fleet.begin(command, again)
    if isinstance(outcome, asyncio.Future):
        outcome = await outcome
    return await fleet.call(b"key", command, again, outcome) if isinstance(outcome, Exception) else outcome


@pytest.mark.parametrize("run", RUNNERS)
def test_busy_tasks_get_their_own_answers_whatever_is_closed_or_cancelled_meanwhile(
    on_loop: Callable[..., Any], servers: Servers, run: Callable[..., Any]
) -> None:
    async def work(fleet: Fleet) -> None:
        async def talk(number: int) -> list[tuple[bytes, Any]]:
            answers = []
            for turn in range(40):
                said = b"%d-%d" % (number, turn)
                try:
                    answers.append((said, await simply_on_loop(fleet, b"ECHO", said)))
                except redis.ConnectionError:  # closed while it was in use
                    answers.append((said, None))
            return answers

        await simply_on_loop(fleet, b"PING")
        talking = [asyncio.create_task(talk(number)) for number in range(30)]
        with redis.Redis(port=redis_servers.server(servers).port) as client:
            for number, task in enumerate(talking):
                for _ in range(5):
                    await asyncio.sleep(0)
                if number % 3 == 0:
                    task.cancel()
                elif number % 5 == 0:
                    client.client_kill_filter(_id=clients(servers)[0])
        found = await asyncio.gather(*talking, return_exceptions=True)
        answers = [pair for each in found if isinstance(each, list) for pair in each]
        assert len(answers) >= 20 * 40
        assert [pair for pair in answers if pair[1] not in (pair[0], None)] == []
        assert sum(answer is not None for _, answer in answers) > 700
        lines = fleet._lines[fleet.address.nodes[0]]
        assert (lines._free, len(lines._queue)) == (4, 0)
        assert len(lines._idle) == len(clients(servers)) <= 4

    on_loop(work, "&max_connections=4", run)
    gc.collect()  # nothing is left open, which Python would complain of


@pytest.mark.parametrize("run", RUNNERS)
def test_on_a_loop_a_connection_that_the_server_closes_is_replaced_without_an_error(
    on_loop: Callable[..., Any], servers: Servers, run: Callable[..., Any]
) -> None:
    async def work(fleet: Fleet) -> None:
        first = await simply_on_loop(fleet, b"CLIENT", b"ID")
        with redis.Redis(port=redis_servers.server(servers).port) as client:
            client.client_kill_filter(_id=first)
        assert await simply_on_loop(fleet, b"CLIENT", b"ID") != first
        assert len(clients(servers)) == 1

    on_loop(work, run=run)


@pytest.mark.parametrize("run", RUNNERS)
def test_on_a_loop_a_late_answer_ends_its_connection_even_if_nobody_waits_for_it_any_more(
    on_loop: Callable[..., Any], servers: Servers, run: Callable[..., Any]
) -> None:
    async def work(fleet: Fleet) -> None:
        first = await simply_on_loop(fleet, b"CLIENT", b"ID")
        lines = fleet._lines[fleet.address.nodes[0]]
        with pytest.raises(redis.TimeoutError):
            await simply_on_loop(fleet, b"BLPOP", b"nothing", b"5")
        task = asyncio.create_task(simply_on_loop(fleet, b"CLIENT", b"ID"))
        assert await task != first
        (line,) = lines._idle
        task = asyncio.create_task(simply_on_loop(fleet, b"BLPOP", b"nothing", b"5"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lines._free == 0
        while not line.lost:
            await asyncio.sleep(0)
        assert await simply_on_loop(fleet, b"ECHO", b"x") == b"x"
        assert lines._free == 1

    on_loop(work, "&socket_timeout=0.3&max_connections=1", run)


def test_on_a_loop_an_answer_that_nobody_waits_for_any_more_is_not_that_of_the_next(
    on_loop: Callable[..., Any], servers: Servers
) -> None:
    async def work(fleet: Fleet) -> None:
        first = await simply_on_loop(fleet, b"CLIENT", b"ID")
        task = asyncio.create_task(simply_on_loop(fleet, b"ECHO", b"unwanted"))
        await asyncio.sleep(0)
        task.cancel()
        assert await simply_on_loop(fleet, b"ECHO", b"wanted") == b"wanted"
        assert await simply_on_loop(fleet, b"CLIENT", b"ID") == first  # the answer was read, so the line is as good

    on_loop(work, "&max_connections=1")


def test_on_a_loop_whoever_waits_for_a_connection_in_vain_says_so_and_holds_up_nobody(
    on_loop: Callable[..., Any],
) -> None:
    async def work(fleet: Fleet) -> None:
        await simply_on_loop(fleet, b"PING")
        lines = fleet._lines[fleet.address.nodes[0]]
        line = lines._idle.pop()
        lines._free -= 1  # in use, for ever
        with pytest.raises(redis.TimeoutError, match="in use"):
            await simply_on_loop(fleet, b"PING")
        waiting = [asyncio.create_task(simply_on_loop(fleet, b"ECHO", b"%d" % number)) for number in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        lines.take_back(line)
        waiting[1].cancel()  # its place was given to it just now
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in found[:2]] == [asyncio.CancelledError] * 2
        assert found[2] == b"2"
        assert lines._free == 1

    on_loop(work, "&socket_timeout=0.3&max_connections=1")


def test_on_a_loop_what_the_server_says_unasked_ends_the_connection(on_loop: Callable[..., Any]) -> None:
    async def work(fleet: Fleet) -> None:
        first = await simply_on_loop(fleet, b"CLIENT", b"ID")
        (line,) = fleet._lines[fleet.address.nodes[0]]._idle
        line.data_received(b"+unasked\r\n")
        assert line.lost
        assert await simply_on_loop(fleet, b"CLIENT", b"ID", again=False) != first

    on_loop(work)


@pytest.mark.parametrize("run", RUNNERS)
def test_on_a_loop_many_answers_come_whole_in_however_many_pieces(
    on_loop: Callable[..., Any], run: Callable[..., Any]
) -> None:
    async def work(fleet: Fleet) -> None:
        node = fleet.address.nodes[0]
        for _ in range(3):
            words = [b"%d" % number * 5_000 for number in range(200)]
            assert await fleet._exchange(node, [(b"ECHO", word) for word in words]) == words
            assert await simply_on_loop(fleet, b"ECHO", b"x") == b"x"

    on_loop(work, run=run)


def test_on_a_loop_an_answer_that_comes_before_it_is_asked_for_waits_for_its_turn(on_loop: Callable[..., Any]) -> None:
    async def work(fleet: Fleet) -> None:
        await simply_on_loop(fleet, b"PING")
        lines = fleet._lines[fleet.address.nodes[0]]
        line = lines._idle.pop()
        lines._free -= 1
        line._transport.pause_reading()
        first = line.begin(b"PING\r\nPING\r\n", 1)
        line.data_received(b"+one\r\n")
        line.data_received(b"+two\r\n")
        assert [await first, await line.begin(b"")] == [b"one", b"two"]
        assert lines._idle == [line]

    on_loop(work)


def test_on_a_loop_a_connection_that_ends_between_two_answers_is_told(on_loop: Callable[..., Any]) -> None:
    async def work(fleet: Fleet) -> None:
        await simply_on_loop(fleet, b"PING")
        lines = fleet._lines[fleet.address.nodes[0]]
        line = lines._idle.pop()
        lines._free -= 1
        line._transport.pause_reading()
        first = line.begin(b"PING\r\nPING\r\n", 1)
        line.data_received(b"+one\r\n")
        line.eof_received()
        assert await first == b"one"
        assert isinstance(await line.begin(b""), redis.ConnectionError)
        assert await simply_on_loop(fleet, b"ECHO", b"x") == b"x"

    on_loop(work)


@pytest.mark.parametrize("looped", [False, True], ids=["plain", "loop"])
def test_what_the_server_says_unasked_behind_an_answer_is_not_the_answer_of_the_next_command(looped: bool) -> None:
    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed: the test is over
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        reader = hiredis.Reader()
        with connection:
            while data := connection.recv(65_536):
                reader.feed(data)
                while (words := reader.gets()) is not False:
                    echoed = words[0] == b"ECHO"
                    connection.sendall(b"+%b\r\n" % words[1] + b"+more\r\n" if echoed else b"+OK\r\n")

    async def ask_thrice(fleet: Fleet) -> list[Any]:
        found = []
        for word in (b"one", b"two", b"three"):
            command = framed_command((b"ECHO", word))
            outcome = fleet.begin(command, True)
            if isinstance(outcome, asyncio.Future):
                outcome = await outcome
            found.append(await fleet.call(b"key", command, True, outcome) if outcome is UNASKED else outcome)
        return found

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        address = Address.from_url(f"redis://127.0.0.1:{listening.getsockname()[1]}/0", 5)

        async def on_loop() -> list[Any]:
            fleet = Fleet(address, looped=True)
            try:
                return await ask_thrice(fleet)
            finally:
                await fleet.close_looped()

        if looped:
            found = asyncio.run(on_loop())
        else:
            fleet = Fleet(address, looped=False)
            found = drive(ask_thrice(fleet))
            fleet.close_plain()
        listening.shutdown(socket.SHUT_RDWR)
    assert found == [b"one", b"two", b"three"]
