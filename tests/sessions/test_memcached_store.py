"""What is particular to the store in memcached: nodes, generations, lists of users, limits, and servers that die."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient

from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.sessions import Delta, Header, Record, SessionSettings, resolve_store
from erlen.sessions.record import forwarder, merge
from erlen.sessions.stores.memcached import MemcachedStore
from store_servers import Servers, bytes_received, commands, config_of
from store_servers.memcached import ask, running, start

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
NOW = 1_800_000_000.0
DAY = 86_400


def record(key: bytes = KEY, user: str | None = None, idle: float = 1000, **fields: bytes) -> Record:
    return Record(key, Header(NOW, NOW, idle, NOW + 200 * DAY, NOW, user=user), dict(fields) or {"a": b"1"})


def make(name: str, servers: Servers, clock: Any, **settings: Any) -> MemcachedStore:
    made = resolve_store(SessionSettings.from_config({**config_of(name, servers), **settings}))
    assert isinstance(made, MemcachedStore)
    made.clock = clock
    return made


@pytest.fixture
def one(servers: Servers, clock: Any) -> Iterator[MemcachedStore]:
    """A store on one memcached."""
    made = make("memcached", servers, clock)
    yield made
    drive(made.close())


@pytest.fixture
def three(servers: Servers, clock: Any) -> Iterator[MemcachedStore]:
    """A store on three."""
    made = make("memcached-nodes", servers, clock)
    yield made
    drive(made.close())


def node_of(store: MemcachedStore, key: bytes) -> str:
    return store._node(store._name(key))


def key_on(store: MemcachedStore, node: str, other_than: tuple[bytes, ...] = ()) -> bytes:
    """Return a key whose session is on that node."""
    keys = (b"\x01\x02" + number.to_bytes(32, "big") for number in range(1000))
    return next(key for key in keys if node_of(store, key) == node and key not in other_than)


def fields(store: MemcachedStore, key: bytes) -> dict[str, bytes] | None:
    found = drive(store.load(key))
    return None if found is None else found.fields


# -- commands and bytes ---------------------------------------------------------------------------------------------


def counted(servers: Servers, action: Any) -> int:
    before = commands("memcached", servers)
    drive(action)
    return commands("memcached", servers) - before


def test_each_operation_costs_as_many_commands_as_the_table_says(
    one: MemcachedStore, servers: Servers, clock: Any
) -> None:
    drive(one.create(OTHER, record(OTHER)))  # the generation is there
    assert counted(servers, one.create(KEY, record())) == 2
    assert counted(servers, one.load(KEY, True)) == 1
    assert counted(servers, one.merge(KEY, Delta(set={"b": b"2"}))) == 2
    assert counted(servers, one.acquire(KEY, "me", 10, 0)) == 2
    assert counted(servers, one.move(KEY, b"n" * 34, Delta())) == 3
    assert counted(servers, one.delete(b"n" * 34)) == 2
    assert counted(servers, one.load(KEY)) == 1
    assert counted(servers, one.merge(KEY, Delta())) == 1


def test_a_read_sends_little_and_a_write_sends_the_session_once(one: MemcachedStore, servers: Servers) -> None:
    drive(one.create(KEY, record(a=b"m" + b"x" * 100_000)))
    before = bytes_received("memcached", servers)
    drive(one.load(KEY))
    read = bytes_received("memcached", servers) - before
    drive(one.merge(KEY, Delta(set={"n": b"1"})))
    written = bytes_received("memcached", servers) - before - 2 * read
    assert read < 300
    assert 100_000 < written < 101_000


# -- how long items live --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("idle", [1, 100, 30 * DAY - 2, 30 * DAY, 90 * DAY])
def test_an_item_lives_until_the_deadline_and_a_second_or_two_more(
    one: MemcachedStore, servers: Servers, idle: float
) -> None:
    drive(one.create(KEY, record(idle=idle)))
    (node,) = running("memcached", servers)
    lines = ask(node, b"lru_crawler metadump all\r\n").decode().splitlines()
    (line,) = [line for line in lines if KEY.hex() in line and line.startswith(f"key={one._prefix.decode()[:-1]}")]
    expires = int(re.findall(r"exp=(\d+)", line)[0])
    assert idle - 1 <= expires - time.time() <= idle + 3


def test_what_is_over_is_not_kept(one: MemcachedStore, clock: Any) -> None:
    clock.turn(1000)
    drive(one.create(KEY, record()))
    assert drive(one.read(KEY)) is None


def test_a_deletion_of_what_was_changed_meanwhile_fails_and_of_what_is_gone_too(one: MemcachedStore) -> None:
    drive(one.create(KEY, record()))
    found = drive(one.read(KEY))
    assert found is not None
    drive(one.merge(KEY, Delta(set={"b": b"2"})))
    assert not drive(one.swap(KEY, None, found[1]))
    again = drive(one.read(KEY))
    assert again is not None
    assert drive(one.swap(KEY, None, again[1]))
    assert not drive(one.swap(KEY, again[0], again[1]))
    assert drive(one.read(KEY)) is None


@pytest.mark.parametrize("key", [b"", b"k", b"k" * 500])
def test_a_handle_that_somebody_made_up_leads_nowhere(one: MemcachedStore, key: bytes) -> None:
    assert drive(one.load(key)) is None
    assert drive(one.merge(key, Delta(set={"a": b"1"}))).refused
    drive(one.delete(key))


# -- nodes ----------------------------------------------------------------------------------------------------------


def test_plain_and_async_code_find_a_session_on_the_same_node(three: MemcachedStore) -> None:
    keys = [key_on(three, node) for node in three._addresses]
    for key in keys:
        drive(three.create(key, record(key)))

    async def read() -> list[Any]:
        found = [await three.load(key) for key in keys]
        changed = [await three.merge(key, Delta(set={"b": b"2"})) for key in keys]
        return [*found, *changed]

    assert None not in asyncio.run(read())
    assert [fields(three, key) for key in keys] == [{"a": b"1", "b": b"2"}] * 3


def test_the_order_of_the_nodes_says_nothing_and_one_that_goes_takes_its_own_sessions_only() -> None:
    names = [("a", 1), ("b", 1), ("c", 1)]
    all_of_them, turned = MemcachedStore([*names]), MemcachedStore(names[::-1])
    two = MemcachedStore([*names[:2]])
    keys = [bytes([number]) * 34 for number in range(256)]
    assert [node_of(all_of_them, key) for key in keys] == [node_of(turned, key) for key in keys]
    stayed = [key for key in keys if node_of(all_of_them, key) != "c:1"]
    assert [node_of(all_of_them, key) for key in stayed] == [node_of(two, key) for key in stayed]
    assert 130 < len(stayed) < 210


@pytest.mark.parametrize("grace", [0, 30])
def test_a_session_moves_from_node_to_node_and_is_never_lost(three: MemcachedStore, grace: float) -> None:
    first, second, third = three._addresses
    keys = [key_on(three, first), key_on(three, second), key_on(three, third)]
    drive(three.create(keys[0], record(keys[0])))
    for old, new in ((0, 1), (1, 2)):
        assert not drive(three.move(keys[old], keys[new], Delta(set={f"m{new}": b"1"}), grace)).refused
    assert fields(three, keys[2]) == {"a": b"1", "m1": b"1", "m2": b"1"}
    drive(three.delete(keys[0]))
    assert [fields(three, key) for key in keys] == [None, None, None]


def test_a_node_that_does_not_answer_is_named_and_the_others_go_on(servers: Servers, clock: Any) -> None:
    living = running("memcached-nodes", servers)[0]
    url = f"memcached://127.0.0.1:{living.port},127.0.0.1:{servers.free_port()}"
    store = MemcachedStore.from_settings(SessionSettings(url=url, key_prefix="gone:"))
    store.clock = clock
    here, gone = store._addresses
    drive(store.create(key_on(store, here), record()))
    with pytest.raises(SessionUnavailable) as caught:
        drive(store.create(key_on(store, gone), record()))
    assert str(caught.value) == (
        f"memcached at {gone} could not be used for sessions: [Errno 111] Connection refused. See that it runs there, "
        "and that SESSION_URL names the right place."
    )
    with pytest.raises(SessionUnavailable, match="Connection refused"):
        drive(store.check())
    drive(store.close())


# -- generations ----------------------------------------------------------------------------------------------------


def test_an_evicted_generation_brings_nothing_back(one: MemcachedStore, servers: Servers) -> None:
    drive(one.create(KEY, record()))
    drive(one.delete_all())
    drive(one.create(OTHER, record(OTHER)))
    (node,) = running("memcached", servers)
    ask(node, b"delete %b\r\n" % one._generation, b"\r\n")
    assert (fields(one, KEY), fields(one, OTHER)) == (None, None)
    assert drive(one.merge(KEY, Delta(set={"late": b"1"}))).refused
    drive(one.create(b"n" * 34, record(b"n" * 34)))
    assert (fields(one, KEY), fields(one, OTHER), fields(one, b"n" * 34)) == (None, None, {"a": b"1"})


def test_a_change_that_was_under_way_during_a_deletion_of_all_is_not_seen(one: MemcachedStore) -> None:
    drive(one.create(KEY, record()))
    found = drive(one.read(KEY))
    assert found is not None
    drive(one.delete_all())
    drive(one.swap(KEY, *found))
    found[1].unique = drive(one._gets(found[1].node, one._name(KEY)))[one._name(KEY)][1]
    assert drive(one.rename(*found, OTHER, KEY, forwarder(OTHER, NOW, 30)))
    assert (fields(one, KEY), fields(one, OTHER)) == (None, None)


def test_a_session_does_not_flee_to_a_node_where_all_was_deleted_already(
    three: MemcachedStore, monkeypatch: Any
) -> None:
    first, second, _ = three._addresses
    old, new = key_on(three, second), key_on(three, first)
    drive(three.create(old, record(old)))
    store = three._store
    moved = []

    async def slowly(node: str, verb: str, name: bytes, *rest: Any) -> bool:
        done = await store(node, verb, name, *rest)
        if (node, name, verb) == (first, three._generation, "set"):
            monkeypatch.setattr(three, "_store", store)
            moved.append(await three.move(old, new, Delta()))
        return done

    monkeypatch.setattr(three, "_store", slowly)
    drive(three.delete_all())
    assert moved[0].refused
    assert (fields(three, old), fields(three, new)) == (None, None)


def test_a_deletion_of_all_that_was_cut_off_is_finished_by_the_next_move(three: MemcachedStore) -> None:
    first, second, _ = three._addresses
    old, stays, new = key_on(three, second), key_on(three, second, (key_on(three, second),)), key_on(three, first)
    for key in (old, stays):
        drive(three.create(key, record(key)))
    drive(three._store(first, "set", three._generation, (7).to_bytes(8, "big") + b"r" * 8))
    assert drive(three.move(old, new, Delta())).refused
    assert (fields(three, old), fields(three, stays), fields(three, new)) == (None, None, None)
    drive(three.create(old, record(old)))
    assert not drive(three.move(old, new, Delta())).refused
    assert fields(three, new) == {"a": b"1"}


def test_a_node_that_lost_its_generation_takes_the_epoch_of_the_others(three: MemcachedStore, servers: Servers) -> None:
    drive(three.delete_all())
    drive(three.delete_all())
    node, server = next(zip(three._addresses, running("memcached-nodes", servers), strict=True))
    ask(server, b"delete %b\r\n" % three._generation, b"\r\n")
    key, new = key_on(three, node), key_on(three, list(three._addresses)[1])
    drive(three.create(key, record(key)))
    assert drive(three._epoch_of(node)) == 2
    assert not drive(three.move(key, new, Delta())).refused
    assert fields(three, new) == {"a": b"1"}


# -- lists of users -------------------------------------------------------------------------------------------------


def listed(store: MemcachedStore, user: str) -> list[bytes]:
    name = store._user_name(user)
    items = drive(store._gets(store._node(name), name))
    return [key for key, _ in msgspec.msgpack.decode(items[name][0])] if name in items else []


def test_a_list_follows_sign_in_rotation_and_sign_out(three: MemcachedStore) -> None:
    drive(three.create(KEY, record()))
    assert listed(three, "7") == []
    drive(three.move(KEY, OTHER, Delta(header={"user": "7"})))
    assert listed(three, "7") == [OTHER]
    drive(three.move(OTHER, KEY, Delta()))
    assert listed(three, "7") == [KEY]
    drive(three.merge(KEY, Delta(header={"user": "8"})))
    assert (listed(three, "7"), listed(three, "8")) == ([], [KEY])
    drive(three.delete(KEY))
    assert listed(three, "8") == []


def test_looking_at_a_list_takes_out_what_is_gone(one: MemcachedStore, servers: Servers) -> None:
    for key in (KEY, OTHER):
        drive(one.create(key, record(key, user="7")))
    (node,) = running("memcached", servers)
    ask(node, b"delete %b\r\n" % one._name(KEY), b"\r\n")
    assert listed(one, "7") == [KEY, OTHER]
    assert [found.key for found in drive(one.find("7"))] == [OTHER]
    assert listed(one, "7") == [OTHER]


def test_a_list_does_not_grow_without_end(one: MemcachedStore, monkeypatch: Any, clock: Any) -> None:
    monkeypatch.setattr("erlen.sessions.stores.memcached._LISTED", 3)
    keys = [bytes([number]) * 34 for number in range(5)]
    for key in keys:
        drive(one.create(key, record(key, user="7")))
    assert listed(one, "7") == keys[2:]
    clock.turn(201 * DAY)
    later = record(user="7")
    later.header.absolute = clock.now + 10
    drive(one._relist("7", set(), later))
    assert listed(one, "7") == [KEY]


def test_threads_that_sign_a_user_in_are_all_listed(three: MemcachedStore) -> None:
    keys = [bytes([number]) * 34 for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: drive(three.create(key, record(key, user="7"))), keys))
    assert {found.key for found in drive(three.find("7"))} == set(keys)


def test_a_session_is_kept_though_the_list_of_its_user_cannot_be(
    three: MemcachedStore, monkeypatch: Any, caplog: Any
) -> None:
    async def fail(*_: Any) -> None:
        raise SessionUnavailable("down")

    monkeypatch.setattr(three, "_update", fail)
    drive(three.create(KEY, record(user="7")))
    assert fields(three, KEY) == {"a": b"1"}
    assert caplog.messages == [f"session {KEY.hex()} is missing in the list of its user: down"]


# -- limits and settings --------------------------------------------------------------------------------------------


def test_a_session_that_is_too_large_says_what_to_do(one: MemcachedStore) -> None:
    drive(one.create(KEY, record()))
    with pytest.raises(SessionValueError) as caught:
        drive(one.merge(KEY, Delta(set={"big": b"m" + b"x" * 1_100_000})))
    assert re.fullmatch(
        r"session: it takes 1,100,\d{3} bytes, and memcached at \S+ keeps no item as large as that; its limit is 1 MB "
        r"unless it was started with another \(-I\)\. Keep large things in a database or a file and their id in the "
        r"session\.",
        str(caught.value),
    )
    assert fields(one, KEY) == {"a": b"1"}


@pytest.mark.parametrize("prefix", ["a b", "x" * 151, "tab\t", "\x7f"])
def test_a_prefix_that_no_name_may_have_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match=r"SESSION_KEY_PREFIX: The name of an item in memcached has up to 250 bytes"):
        MemcachedStore.from_settings(SessionSettings(key_prefix=prefix))


def test_the_longest_prefix_is_taken(servers: Servers, clock: Any) -> None:
    store = make("memcached", servers, clock, SESSION_KEY_PREFIX="ü" * 75)
    drive(store.create(KEY, record(user="7")))
    assert [found.key for found in drive(store.find("7"))] == [KEY]
    drive(store.close())


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        (None, [("127.0.0.1", 11211)]),
        ("memcached://cache", [("cache", 11211)]),
        ("memcached://cache:1/", [("cache", 1)]),
        ("memcached://a:1,b:2,[::1]:3", [("a", 1), ("b", 2), ("::1", 3)]),
        ("memcached:///run/memcached.sock", ["/run/memcached.sock"]),
    ],
)
def test_the_url_names_the_servers(url: str | None, addresses: list[Any]) -> None:
    store = MemcachedStore.from_settings(SessionSettings(url=url))
    assert list(store._addresses.values()) == addresses


@pytest.mark.parametrize("url", ["memcached://", "memcached://a:b", "memcached://a,", "memcached://a:99999"])
def test_a_url_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"SESSION_URL: .* is no address of a memcached server\. Write 'memcached://"):
        MemcachedStore.from_settings(SessionSettings(url=url))


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="There is no name and no password") as caught:
        MemcachedStore.from_settings(SessionSettings(url="memcached://ann:secret@cache:1"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("client", "addresses"),
    [
        (Client(("a", 1)), [("a", 1)]),
        (PooledClient("b:2"), [("b", 2)]),
        (HashClient([("a", 1), ("b", 2), "/run/s"]), [("a", 1), ("b", 2), "/run/s"]),
    ],
)
def test_the_servers_of_a_client_are_used(client: Any, addresses: list[Any]) -> None:
    settings = SessionSettings.from_config({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": client})
    store = resolve_store(settings)
    assert isinstance(store, MemcachedStore)
    assert list(store._addresses.values()) == addresses


def test_what_is_no_client_or_speaks_tls_is_refused() -> None:
    with pytest.raises(ConfigError, match="SESSION_MEMCACHED: dict is no client of pymemcache"):
        MemcachedStore.from_settings(SessionSettings(client={}))
    with pytest.raises(ConfigError, match="SESSION_MEMCACHED: The client speaks TLS"):
        MemcachedStore.from_settings(SessionSettings(client=Client("a:1", tls_context=object())))


def test_a_memcached_that_throws_out_sessions_or_cannot_swap_is_doubtful(servers: Servers) -> None:
    node = start(servers, "-C", "-m", "4")  # the last of two options counts
    store = MemcachedStore([("127.0.0.1", node.port)])
    value = b"x" * 500_000
    for number in range(40):
        drive(store._store(f"127.0.0.1:{node.port}", "set", b"%d" % number, value))
    evicted, without = drive(store.check())
    drive(store.close())
    node.kill()
    assert re.fullmatch(
        rf"memcached at 127\.0\.0\.1:{node.port} has thrown out \d+ items to make room since it was started: people "
        r"are logged out by that\. Give it more memory \(-m\), or a memcached of its own for sessions\.",
        evicted,
    )
    assert "was started with -C, without 'cas'" in without


# -- threads, loops, processes --------------------------------------------------------------------------------------


def test_fifty_threads_that_count_are_all_counted(three: MemcachedStore) -> None:
    drive(three.create(KEY, record()))
    start = threading.Barrier(50)

    def count(_: int) -> int:
        start.wait()
        return drive(three.merge(KEY, Delta(incr={"n": 1}))).numbers["n"]

    with ThreadPoolExecutor(50) as pool:
        assert sorted(pool.map(count, range(50))) == list(range(1, 51))


def test_several_event_loops_at_once_count_together(three: MemcachedStore) -> None:
    drive(three.create(KEY, record()))

    async def count() -> None:
        await asyncio.gather(*(three.merge(KEY, Delta(incr={"n": 1})) for _ in range(20)))

    threads = [threading.Thread(target=asyncio.run, args=(count(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fields(three, KEY) == {"a": b"1", "n": b"60"}


def test_a_store_that_is_closed_closes_its_connections_and_those_in_use_when_they_come_back(
    one: MemcachedStore, servers: Servers
) -> None:
    (node,) = running("memcached", servers)
    (server,) = one._clients.plain().values()
    used, go_on = threading.Event(), threading.Event()

    def connections() -> int:
        return int(re.findall(rb"STAT curr_connections (\d+)", ask(node, b"stats\r\n"))[0])

    def slowly(client: Any) -> Any:
        client.gets_many([b"a"])
        used.set()
        assert go_on.wait(10)
        return client.gets_many([b"a"])

    async def ask_often() -> None:
        await asyncio.gather(*(one.load(KEY) for _ in range(10)))

    before = connections()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.ask, slowly)
        assert used.wait(10)
        asyncio.run(ask_often())
        assert connections() > before + 1
        drive(one.close())
        until(lambda: connections() == before + 1)
        go_on.set()
        assert asked.result(10) == {}
    until(lambda: connections() == before)
    assert fields(one, KEY) is None


def until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


def test_a_change_whose_request_is_cancelled_is_whole_or_not_there(one: MemcachedStore) -> None:
    drive(one.create(KEY, record()))

    async def cancel_often() -> int:
        done = 0
        for turns in range(60):
            task = asyncio.ensure_future(one.merge(KEY, Delta(incr={"n": 1}, set={"m": b"1"})))
            for _ in range(turns % 12):
                await asyncio.sleep(0)
            task.cancel()
            done += not isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
        return done

    done = asyncio.run(cancel_often())  # and waits for its threads
    counted = int((fields(one, KEY) or {}).get("n", b"0"))
    assert done <= counted <= 60
    assert drive(one.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": counted + 1}


def test_a_cancelled_request_leaves_no_answer_behind(one: MemcachedStore) -> None:
    for key in (KEY, OTHER):
        drive(one.create(key, record(key, name=key[:3] * 30_000)))

    async def cancel_often() -> None:
        for turns in range(60):
            task = asyncio.ensure_future(one.load(KEY))
            for _ in range(turns % 12):
                await asyncio.sleep(0)
            task.cancel()
            found = await one.load(OTHER)
            assert found is not None
            assert found.fields == {"name": OTHER[:3] * 30_000}

    asyncio.run(cancel_often())


def _in_child(store: MemcachedStore, outbox: Any) -> None:
    drive(store.merge(KEY, Delta(incr={"n": 1})))
    outbox.put(len(store._clients._inherited))


def test_a_connection_is_not_used_on_both_sides_of_a_fork(one: MemcachedStore) -> None:
    drive(one.create(KEY, record()))
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(one, outbox))
    child.start()
    child.join()
    assert (child.exitcode, outbox.get()) == (0, 1)
    assert fields(one, KEY) == {"a": b"1", "n": b"1"}


# -- servers that die -----------------------------------------------------------------------------------------------


def test_after_a_restart_the_next_request_is_served(servers: Servers, clock: Any) -> None:
    first = start(servers)
    store = MemcachedStore([("127.0.0.1", first.port)], 5)
    store.clock = clock

    async def outlive() -> None:
        nonlocal first
        await store.create(KEY, record())
        await asyncio.to_thread(drive, store.create(KEY, record()))
        first.kill()
        for attempt in (lambda: store.load(KEY), lambda: store.merge(KEY, Delta()), lambda: store.delete(KEY)):
            with pytest.raises(SessionUnavailable, match="could not be used for sessions"):
                await attempt()
            with pytest.raises(SessionUnavailable, match="could not be used for sessions"):
                await asyncio.to_thread(drive, attempt())
        first = start(servers, port=first.port)
        assert await store.load(KEY) is None
        await store.create(KEY, record())
        assert (await asyncio.to_thread(drive, store.load(KEY))) is not None
        assert (await store.merge(KEY, Delta(set={"late": b"1"}))).version == 2
        await store.close()

    asyncio.run(outlive())
    drive(store.close())
    first.kill()


def test_connections_that_a_restart_has_cut_are_not_used_again(servers: Servers, clock: Any) -> None:
    """Nobody asked while the server was away: the requests after it do not fail."""
    first = start(servers)
    store = MemcachedStore([("127.0.0.1", first.port)], 5)
    store.clock = clock

    async def outlive() -> None:
        nonlocal first
        await asyncio.gather(*(store.load(KEY) for _ in range(5)))
        first.kill()
        first = await asyncio.to_thread(start, servers, port=first.port)
        await asyncio.gather(*(store.load(KEY) for _ in range(5)))
        await store.close()

    drive(store.load(KEY))
    asyncio.run(outlive())
    drive(store.create(KEY, record()))
    drive(store.close())
    first.kill()


# -- against the rules in Python ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_store(servers: Servers) -> Iterator[MemcachedStore]:
    """A store on three nodes for all cases of a test."""
    made = make("memcached-nodes", servers, lambda: NOW)
    yield made
    drive(made.close())


numbers = itertools.count()
names = st.sampled_from(["a", "b", "n"])
deltas = st.builds(
    Delta,
    take=st.lists(names, max_size=1),
    delete=st.lists(names, max_size=2),
    set=st.dictionaries(names, st.sampled_from([b"5", b"m\xc0", b"m\xa1x"]), max_size=2),
    incr=st.dictionaries(names, st.integers(-3, 3), max_size=1),
    final=st.booleans(),
)


@given(keep=st.lists(st.tuples(deltas, st.booleans()), max_size=6))
def test_what_is_stored_is_what_the_rules_say(shared_store: MemcachedStore, keep: list[tuple[Delta, bool]]) -> None:
    model = record()
    drive(shared_store.create(KEY, record()))
    key = KEY
    for delta, moves in keep:
        new = b"\x01\x02" + next(numbers).to_bytes(32, "big")
        expected = merge(model, delta, NOW)
        if moves:
            merged = drive(shared_store.move(key, new, delta))
            key = new
            model.header.renewed = NOW
        else:
            merged = drive(shared_store.merge(key, delta))
        assert merged == expected
        found = drive(shared_store.load(key))
        if expected.emptied:
            assert found is None
            return
        assert found is not None
        assert (found.fields, found.header) == (model.fields, model.header)
