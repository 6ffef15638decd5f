"""What is particular to the store in Redis and Valkey: scripts, slots, commands, failover, errors."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.sessions import Append, Delta, Header, Merged, Record, SessionSettings, resolve_store
from erlen.sessions.record import merge
from erlen.sessions.stored import join, until
from erlen.sessions.stores import clients
from erlen.sessions.stores.redis import RedisStore
from erlen.sessions.stores.redis_lines import Lines
from erlen.sessions.stores.redis_servers import Address
from fuzzing import cases
from store_servers import Running, Servers, bytes_received, commands, config_of
from store_servers import redis as redis_servers

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
THIRD = b"\x01\x02" + b"t" * 32
ALONE = b"\xfe\xdc" + b"a" * 32
"""In a slot where no other test has sessions."""
NOW = 1_800_000_000.0

try:
    import uvloop
except ImportError:  # there is none on Windows
    RUNNERS: list[Callable[..., Any]] = [asyncio.run]
else:
    RUNNERS = [asyncio.run, uvloop.run]

NAMES = ["redis", "redis-tls", "redis-socket", "redis-decoded", "redis-cluster", "redis-sentinel", "valkey"]


def config_url(client: Any) -> str:
    where = client.connection_pool.connection_kwargs
    return f"redis://127.0.0.1:{where['port']}"


def record(key: bytes = KEY, user: str | None = None, **fields: bytes) -> Record:
    return Record(key, Header(NOW, NOW, 100, NOW + 1000, NOW, user=user), dict(fields) or {"a": b"1"})


@pytest.fixture
def make(servers: Servers, clock: Any) -> Iterator[Callable[..., RedisStore]]:
    """Return a function that makes a store, by the name under test or by settings."""
    made: list[RedisStore] = []

    def make(name: str = "redis", **settings: Any) -> RedisStore:
        config = {**(config_of(name, servers) if name else {}), **settings}
        store = resolve_store(SessionSettings.from_config(config))
        assert isinstance(store, RedisStore)
        store.clock = clock
        made.append(store)
        return store

    yield make
    for store in made:
        drive(store.close())


@pytest.fixture
def plain(servers: Servers) -> Iterator[Callable[..., Running]]:
    """Return a function that starts a server of the test alone."""
    started: list[Running] = []

    def plain(*options: object, **more: Any) -> Running:
        started.append(running := redis_servers.plain(servers, *options, **more))
        return running

    yield plain
    for running in started:
        running.kill()


@pytest.fixture
def client(servers: Servers) -> Iterator[Any]:
    """A client of the shared server, to look behind the store."""
    with redis.Redis(port=redis_servers.server(servers).port) as client:
        yield client


# -- the scripts and the rules in Python ------------------------------------------------------------------------------

MOMENTS = st.sampled_from([NOW - 5, NOW, NOW + 0.001, NOW + 5])
RAW = st.one_of(
    # The edges of 64 bits, and of the halves in which the script adds.
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number),
    st.sampled_from([b"0", b"-1", b"9", b"1000000000", b"-1000000000", b"%d" % (2**63 - 1), b"%d" % -(2**63)]),
    st.lists(st.binary(max_size=3), max_size=5).map(join),
    st.binary(max_size=5).map(lambda tail: b"m" + tail),
    st.binary(max_size=5).map(lambda tail: b"s" + tail),
)
FIELD = st.builds(until, RAW, st.none() | MOMENTS)
FIELD_NAMES = st.sampled_from(["a", "user", "é", ""])
ITEMS = st.lists(st.binary(max_size=3), max_size=4)
HEADERS = st.builds(
    Header,
    created=st.just(NOW - 50),
    seen=st.sampled_from([NOW - 50, NOW - 0.1, NOW]),
    idle=st.sampled_from([50.0, 100.1]),
    absolute=st.sampled_from([NOW + 1000.25] * 9 + [NOW]),
    renewed=st.just(NOW - 50),
    version=st.integers(1, 3),
    user=st.none() | st.sampled_from(["7", ""]),
    auth_time=st.none() | MOMENTS,
    owner=st.sampled_from([None, "me", "other"]),
    until=st.sampled_from([NOW + 5, NOW + 5, NOW, 0.0]),
    mortal=st.booleans(),
    seals=st.none() | st.lists(st.binary(max_size=3), max_size=2),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "user": st.none() | st.just("8"),
        "label": st.none() | st.just("é"),
        "permanent": st.booleans(),
        "idle": st.sampled_from([200.0, 300.5]),
        "seals": st.none() | st.lists(st.binary(max_size=3), max_size=2),
        "mortal": st.booleans(),
    },
)
DELTAS = st.builds(
    Delta,
    take=st.lists(FIELD_NAMES, max_size=2, unique=True),
    delete=st.lists(FIELD_NAMES, max_size=3, unique=True),
    set=st.dictionaries(FIELD_NAMES, FIELD, max_size=2),
    remove=st.dictionaries(FIELD_NAMES, ITEMS, max_size=2),
    incr=st.dictionaries(FIELD_NAMES, st.integers(-(2**65), 2**65) | st.integers(-5, 5), max_size=3),
    append=st.dictionaries(FIELD_NAMES, st.builds(Append, ITEMS, st.none() | st.integers(0, 4)), max_size=2),
    ends=st.dictionaries(FIELD_NAMES, MOMENTS, max_size=3),
    expect=st.sampled_from([{}, {}, {}, {"a": None}, {"": b"0"}]),
    header=CHANGES,
    moved=CHANGES,
    owner=st.sampled_from([None, None, None, "me"]),
    release=st.booleans(),
    final=st.booleans(),
)
RECORDS = st.builds(Record, st.just(KEY), HEADERS, st.dictionaries(FIELD_NAMES, FIELD, max_size=4))


@pytest.mark.parametrize(
    ("name", "usual"),
    [("redis", 400), *(pytest.param(name, 600, marks=pytest.mark.soak) for name in ("redis", "valkey"))],
)
@pytest.mark.parametrize("moving", [False, True])
def test_the_scripts_do_what_the_rules_in_python_say(
    make: Callable[..., RedisStore], clock: Any, name: str, usual: int, moving: bool
) -> None:
    store = make(name)
    seen: set[str] = set()

    @cases(usual)
    @given(RECORDS, DELTAS)
    @example(record(n=b"9223372036854775807"), Delta(incr={"n": 1}))  # few others leave the range
    @example(record(n=b"1"), Delta(delete=["n"]))  # or nothing behind
    def check(held: Record, delta: Delta) -> None:
        drive(store.delete(OTHER))
        drive(store.create(KEY, copy.deepcopy(held)))
        expected = copy.deepcopy(held)
        try:
            merged = merge(expected, delta, NOW)
        except SessionValueError as error:
            seen.add("overflow")
            # Of two sums that leave the range the script may come to the other one first.
            text = re.escape(str(error)) if len(delta.incr) == 1 else "64 bits"
            with pytest.raises(SessionValueError, match=text):
                drive(store.move(KEY, OTHER, delta) if moving else store.merge(KEY, delta))
            assert drive(store.load(KEY)) == held
            return
        assert drive(store.move(KEY, OTHER, delta) if moving else store.merge(KEY, delta)) == merged
        found, moved = drive(store.load(KEY)), drive(store.load(OTHER))
        if merged.refused or merged.conflict:
            seen.add("refused" if merged.refused else "conflict")
            assert found == (None if held.header.is_over(NOW) else held)
            assert moved is None
        elif merged.emptied:
            seen.add("emptied")
            assert (found, moved) == (None, None)
        elif moving:
            seen.add("done")
            expected.header.moved(NOW, delta)
            assert found is None
            assert moved == Record(OTHER, expected.header, expected.fields)
        else:
            seen.add("done")
            assert (found, moved) == (expected, None)

    check()
    assert seen == {"overflow", "refused", "conflict", "emptied", "done"}


def test_a_list_that_is_cut_off_changes_nothing_and_is_told(make: Callable[..., RedisStore]) -> None:
    store = make()
    drive(store.create(KEY, record(a=b"1", log=b"l\0\0\0\x09x")))
    with pytest.raises(SessionUnavailable, match="a list in a session is cut off"):
        drive(store.merge(KEY, Delta(set={"a": b"2"}, append={"log": Append([b"1"], 5)})))
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields["a"] == b"1"


# -- commands and bytes ---------------------------------------------------------------------------------------------


def cost(name: str, servers: Servers, action: Any) -> int:
    before = commands(name, servers)
    drive(action)
    return commands(name, servers) - before


@pytest.mark.parametrize("name", NAMES)
def test_reading_costs_one_command_writing_one_and_binding_a_user_two(
    make: Callable[..., RedisStore], servers: Servers, clock: Any, name: str
) -> None:
    store = make(name)
    drive(store.create(KEY, record()))
    drive(store.create(OTHER, record(OTHER, user="7")))
    for warm in (Delta(header={"user": "7"}), Delta(header={"user": "8"}), Delta()):  # the scripts become known
        drive(store.create(THIRD, record(THIRD)))
        drive(store.merge(THIRD, warm))
        drive(store.move(THIRD, THIRD[:-1] + b"2", Delta()))
        drive(store.load(THIRD, touch=True))
        drive(store.acquire(THIRD[:-1] + b"2", "me", 10, 0))
        drive(store.delete(THIRD))
    clock.turn(50)
    assert cost(name, servers, store.load(KEY)) == 1
    assert cost(name, servers, store.load(KEY, touch=True)) == 1
    assert cost(name, servers, store.load(KEY, touch=True)) == 1
    assert cost(name, servers, store.merge(KEY, Delta(set={"b": b"2"}, incr={"n": 1}, take=["a"]))) == 1
    assert cost(name, servers, store.acquire(KEY, "me", 10, 0)) == 1
    assert cost(name, servers, store.merge(KEY, Delta(header={"user": "7"}))) == 2
    assert cost(name, servers, store.move(OTHER, THIRD, Delta(header={"user": "8"}))) == 2
    assert cost(name, servers, store.move(KEY, OTHER, Delta(), 30)) == 2
    assert cost(name, servers, store.delete(OTHER)) == 2
    assert cost(name, servers, store.create(KEY, record())) == 1
    assert cost(name, servers, store.move(KEY, OTHER, Delta(set={"b": b"2"}))) == 1
    assert cost(name, servers, store.delete(OTHER)) == 1


@pytest.mark.parametrize("name", ["redis", "redis-cluster", "valkey"])
def test_what_a_write_sends_grows_with_the_change_and_not_with_the_session(
    make: Callable[..., RedisStore], servers: Servers, name: str
) -> None:
    store = make(name)
    drive(store.create(KEY, record(big=b"m" + b"x" * 100_000, n=b"1")))
    drive(store.merge(KEY, Delta(incr={"n": 1})))
    before = bytes_received(name, servers)
    drive(store.merge(KEY, Delta(incr={"n": 1})))
    assert 100 < bytes_received(name, servers) - before < 400


def test_each_script_stays_in_one_slot(make: Callable[..., RedisStore], servers: Servers) -> None:
    store = make("redis-cluster")
    monitors = redis_servers.monitors("redis-cluster", servers)
    start = [len(monitor.seen) for monitor in monitors if monitor.read()]
    for number in range(8):
        shard = bytes([number * 31, number])
        keys = [shard + bytes([letter]) * 32 for letter in range(4)]
        drive(store.create(keys[0], record(keys[0], user="7")))
        drive(store.move(keys[0], keys[1], Delta(), 30))
        drive(store.move(keys[0], keys[2], Delta()))
        drive(store.acquire(keys[2], "me", 10, 0))
        drive(store.load(keys[2], touch=True))
        drive(store.delete(keys[0]))
    seen = [words for monitor, at in zip(monitors, start, strict=True) if monitor.read() for words in monitor.seen[at:]]
    scripts = [words for words in seen if words[0].lower() in (b"eval", b"evalsha")]
    assert {int(words[2]) for words in scripts} == {1, 2, 3}
    for words in scripts:
        assert len({key_slot(key) for key in words[3 : 3 + int(words[2])]}) == 1
    assert len({key_slot(words[3]) for words in scripts}) > 6


def test_a_server_that_has_forgotten_the_scripts_is_sent_them_again(
    make: Callable[..., RedisStore], client: Any
) -> None:
    store = make()
    drive(store.create(KEY, record(n=b"1")))
    for expected in (2, 3):
        client.script_flush()
        assert drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": expected}
    client.script_flush()
    assert drive(store.delete_all()) == 1


# -- what stands in the server --------------------------------------------------------------------------------------


def test_the_server_itself_drops_what_is_over(make: Callable[..., RedisStore], client: Any, clock: Any) -> None:
    store = make(SESSION_KEY_PREFIX="lives:")

    def left(key: bytes) -> float:
        return float(client.pttl(store._name(key))) / 1000

    drive(store.create(KEY, record()))
    assert 99 < left(KEY) <= 100
    drive(store.merge(KEY, Delta(header={"idle": 500.0})))
    assert 499 < left(KEY) <= 500
    drive(store.merge(KEY, Delta(header={"absolute": NOW + 300})))
    assert 299 < left(KEY) <= 300
    clock.turn(60)
    drive(store.load(KEY, touch=True))
    assert 239 < left(KEY) <= 240
    drive(store.move(KEY, OTHER, Delta(), 30))
    assert 629 < left(KEY) <= 630
    assert 239 < left(OTHER) <= 240
    drive(store.delete(OTHER))


def test_the_list_of_a_user_lives_as_long_as_the_longest_session(
    make: Callable[..., RedisStore], client: Any, clock: Any
) -> None:
    store = make(SESSION_KEY_PREFIX="lists:")
    drive(store.create(KEY, record(user="7")))
    clock.turn(500)
    short = record(OTHER, user="7")
    short.header.absolute = clock.now + 10
    drive(store.create(OTHER, short))
    assert 999 < client.pttl(b"lists:user:7") / 1000 <= 1000
    drive(store.delete(OTHER))


def test_the_list_of_a_user_forgets_what_ended_but_not_what_is_just_beginning(
    make: Callable[..., RedisStore], client: Any, clock: Any
) -> None:
    store = make(SESSION_KEY_PREFIX="stale:")
    drive(store.create(KEY, record(user="7")))
    client.delete(store._name(KEY))
    assert drive(store.find("7")) == []
    assert client.zrange(b"stale:user:7", 0, -1) == [KEY]
    clock.turn(601)
    assert drive(store.find("7")) == []
    assert client.zrange(b"stale:user:7", 0, -1) == []


def test_a_session_whose_worker_was_killed_in_a_rotation_is_found_through_its_old_key(
    make: Callable[..., RedisStore], client: Any
) -> None:
    store = make(SESSION_KEY_PREFIX="killed:")
    drive(store.create(KEY, record(user="7")))
    drive(store.move(KEY, OTHER, Delta()))
    client.zrem(b"killed:user:7", OTHER)
    assert [found.key for found in drive(store.find("7"))] == [OTHER]
    drive(store.delete(OTHER))


def test_fields_never_meet_the_header(make: Callable[..., RedisStore]) -> None:
    store = make()
    fields = {name: b"m" + name.encode() for name in (*Header.__struct_fields__, "", ".seen")}
    drive(store.create(KEY, Record(KEY, record().header, dict(fields))))
    drive(store.merge(KEY, Delta(set={"seen": b"1", "user": b"2"}, delete=["absolute"])))
    found = drive(store.load(KEY))
    assert found is not None
    assert found.header == Header(NOW, NOW, 100, NOW + 1000, NOW, version=2)
    del fields["absolute"]
    assert found.fields == {**fields, "seen": b"1", "user": b"2"}


def test_what_stands_under_other_names_is_left_alone(make: Callable[..., RedisStore], client: Any) -> None:
    one, other = make(SESSION_KEY_PREFIX="a*[b]?:"), make(SESSION_KEY_PREFIX="ab:")
    client.set("a*[b]?:else", "1")
    drive(one.create(KEY, record(user="7")))
    drive(other.create(KEY, record()))
    assert (drive(one.count()), drive(one.delete_all())) == (1, 1)
    assert (drive(other.count()), client.get("a*[b]?:else")) == (1, b"1")
    client.delete("a*[b]?:else")


def test_a_session_that_moves_while_all_are_deleted_does_not_escape(make: Callable[..., RedisStore]) -> None:
    store = make()
    drive(store.create(KEY, record(user="7")))
    pages = store._pages

    async def late() -> Any:
        async for page in pages():
            await store.move(KEY, OTHER, Delta())
            yield page

    store._pages = late  # type: ignore[method-assign]
    assert drive(store.delete_all()) == 1
    assert (drive(store.load(OTHER)), drive(store.find("7"))) == (None, [])


def test_a_hash_that_is_no_session_is_named(make: Callable[..., RedisStore], client: Any) -> None:
    store = make(SESSION_KEY_PREFIX="bad:")
    client.hset(store._name(KEY), "created", "long ago")
    with pytest.raises(SessionUnavailable, match=r"damaged and cannot be read \(bad:\{0102\}6b6b.*'long ago'"):
        drive(store.load(KEY))
    client.delete(store._name(KEY))


def test_a_session_of_any_size_and_number_of_keys_comes_back_as_it_was(make: Callable[..., RedisStore]) -> None:
    store = make()
    seals = [b"\xff" * 300, b""]
    held = Record(
        KEY,
        Header(
            NOW, NOW - 99.875, 100, NOW + 1000, NOW, 7, True, "é" * 200, NOW, "l", "o", float("inf"), None, True, seals
        ),
        {"a" * 300: b"m" * 255, "b": b"m" * 256, "": b"", "é": b"m" * 70_000},
    )
    drive(store.create(KEY, copy.deepcopy(held)))
    assert drive(store.load(KEY)) == held
    drive(store.merge(KEY, Delta(set={f"key {number}": b"%d" % number for number in range(300)})))
    found = drive(store.load(KEY, touch=True))
    assert found is not None
    assert (found.touched, found.header.seen, found.header.version) == (True, NOW, 8)
    assert found.fields == {**held.fields, **{f"key {number}": b"%d" % number for number in range(300)}}
    again = drive(store.load(KEY, touch=True))
    assert again is not None
    assert (again.touched, again.header) == (False, found.header)


# -- the cluster ----------------------------------------------------------------------------------------------------


def test_a_slot_that_moves_to_another_node_is_followed(make: Callable[..., RedisStore], servers: Servers) -> None:
    store = make("redis-cluster")
    drive(store.create(ALONE, record(ALONE)))
    drive(store.delete(ALONE))
    slot = key_slot(store._name(ALONE))
    clients = [redis.Redis(port=node.port) for node in redis_servers.cluster(servers)]
    ids = [str(client.execute_command("CLUSTER MYID"), "ascii") for client in clients]
    owner = next(at for at, bounds in enumerate([5460, 10922, 16383]) if slot <= bounds)
    there = (owner + 1) % 3
    try:
        clients[there].execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[owner])
        clients[owner].execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[there])
        drive(store.create(ALONE, record(ALONE, n=b"1")))  # sent on by ASK
        assert clients[there].execute_command("CLUSTER COUNTKEYSINSLOT", slot) == 1
        assert drive(store.merge(ALONE, Delta(incr={"n": 1}))).numbers == {"n": 2}
        for client in (clients[there], *clients):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[there])
        assert drive(store.merge(ALONE, Delta(incr={"n": 1}))).numbers == {"n": 3}  # sent on by MOVED
        assert drive(store.count()) == 1
        drive(store.delete(ALONE))
    finally:
        for client in (clients[owner], *clients):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[owner])
            client.close()
    drive(store.create(ALONE, record(ALONE)))
    assert drive(store.count()) == 1
    drive(store.delete(ALONE))


def test_a_cluster_is_reached_while_one_of_its_nodes_is_named_wrongly(
    make: Callable[..., RedisStore], servers: Servers, free_port: int
) -> None:
    port = redis_servers.cluster(servers)[1].port
    store = make("redis-cluster", SESSION_URL=f"redis+cluster://127.0.0.1:{free_port},127.0.0.1:{port}")
    drive(store.create(KEY, record()))
    assert drive(store.count()) == 1


def test_a_single_server_that_is_taken_for_a_cluster_is_told(make: Callable[..., RedisStore], servers: Servers) -> None:
    store = make("redis", SESSION_URL=f"redis+cluster://127.0.0.1:{redis_servers.server(servers).port}")
    with pytest.raises(SessionUnavailable, match=r"cluster support disabled.*tells a cluster as one"):
        drive(store.load(KEY))


# -- failure --------------------------------------------------------------------------------------------------------


def test_after_a_failover_the_store_goes_on(make: Callable[..., RedisStore], servers: Servers) -> None:
    watched = redis_servers.watch(servers)
    store = make("", SESSION_URL=watched.url)
    drive(store.create(KEY, record(n=b"1")))
    with redis.Redis(port=watched.master.port) as master:
        assert master.execute_command("WAIT", 1, 10_000) == 1
    watched.master.kill()
    with pytest.raises(SessionUnavailable, match=r"Redis at redis\+sentinel://127"):
        drive(store.merge(KEY, Delta(incr={"n": 1})))
    watched.replica.wait(
        lambda: redis_servers.answers(watched.replica.port, lambda client: client.role()[0] == b"master")
    )
    watched.sentinel.wait(
        lambda: redis_servers.answers(
            watched.sentinel.port,
            lambda client: client.sentinel_masters()["erlen"]["port"] == watched.replica.port,
        )
    )
    assert drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": 2}

    async def on_a_loop() -> Merged:
        return await store.merge(KEY, Delta(incr={"n": 1}))

    assert asyncio.run(on_a_loop()).numbers == {"n": 3}
    for running in (watched.replica, watched.sentinel):
        running.kill()


def test_a_server_behind_sentinels_is_reached_by_tls(
    make: Callable[..., RedisStore], servers: Servers, plain: Callable[..., Running], free_port: int
) -> None:
    folder, port = servers.make_folder("tls"), free_port
    redis_servers.certify(servers, folder)
    certificates = {"cert-file": "cert.pem", "key-file": "key.pem", "ca-cert-file": "ca.pem"}
    lines = [f"tls-{name} {folder / file}" for name, file in certificates.items()]
    lines += ["tls-auth-clients no", "tls-replication yes"]
    tls_port = servers.free_port()
    options = [word for line in [*lines, f"tls-port {tls_port}"] for word in f"--{line}".split()]
    plain(*options, folder=folder)
    config = servers.make_folder("sentinel") / "sentinel.conf"
    watch = f"sentinel monitor erlen 127.0.0.1 {tls_port} 1"
    config.write_text("\n".join([f"port 0\ntls-port {port}\nbind 127.0.0.1", *lines, watch, ""]))
    servers.give(config)
    sentinel = servers.start(redis_servers.program(servers), config, "--sentinel", port=port, folder=config.parent)
    sentinel.wait()
    store = make("", SESSION_URL=f"rediss+sentinel://127.0.0.1:{port}/erlen?ssl_ca_certs={folder / 'ca.pem'}")
    drive(store.create(KEY, record()))
    assert drive(store.load(KEY)) == record()
    assert asyncio.run(_load(store)) == record()
    sentinel.kill()


def test_a_server_that_was_killed_and_started_again_is_used_at_once(
    make: Callable[..., RedisStore], plain: Callable[..., Running]
) -> None:
    running = plain()
    store = make("", SESSION_URL=f"redis://127.0.0.1:{running.port}")

    async def on_a_loop() -> None:
        nonlocal running
        await store.create(KEY, record(n=b"1"))
        running.kill()
        with pytest.raises(SessionUnavailable, match="could not be used for sessions"):
            await store.merge(KEY, Delta(incr={"n": 1}))
        running = plain(port=running.port)
        await store.create(KEY, record(n=b"1"))
        assert (await store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": 2}

    drive(store.create(KEY, record(n=b"1")))
    running.kill()
    with pytest.raises(SessionUnavailable, match="could not be used for sessions"):
        drive(store.load(KEY))
    running = plain(port=running.port)
    assert drive(store.merge(KEY, Delta(incr={"n": 1}))).refused
    drive(store.create(KEY, record(n=b"1")))
    running.kill()
    running = plain(port=running.port)  # nobody has noticed
    assert drive(store.merge(KEY, Delta(incr={"n": 1}))).refused
    asyncio.run(on_a_loop())


def test_a_node_of_a_cluster_that_was_killed_and_started_again_is_used_at_once(
    make: Callable[..., RedisStore], servers: Servers, plain: Callable[..., Running]
) -> None:
    options = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]
    options += ["--cluster-port", str(servers.free_port())]
    running = plain(*options)
    port = running.port
    with redis.Redis(port=port) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    running.wait(lambda: redis_servers.answers(port, redis_servers.is_whole))
    store = make("", SESSION_URL=f"redis+cluster://127.0.0.1:{port}")

    async def use() -> None:
        nonlocal running
        for _ in range(2):
            await store.create(KEY, record(n=b"1"))
            running.kill()
            with pytest.raises(SessionUnavailable, match=r"Redis at redis\+cluster://.* could not be used"):
                await store.merge(KEY, Delta(incr={"n": 1}))
            with pytest.raises(SessionUnavailable, match="could not be used"):
                await store.count()
            running = plain(*options, port=port, folder=running.folder)
            running.wait(lambda: redis_servers.answers(port, redis_servers.is_whole))
            assert await store.load(KEY) is None
            await store.create(KEY, record(n=b"1"))
            assert (await store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": 2}

    drive(use())
    asyncio.run(use())


def test_a_change_that_a_former_master_refused_is_sent_to_the_new_one(
    make: Callable[..., RedisStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make("redis-sentinel")
    drive(store.create(KEY, record(n=b"1")))
    exchange, refused = Lines.exchange, []

    def refusing(lines: Lines, *sent: Any) -> Any:
        if not refused:  # as redis-py says it, once it has let go of that connection
            refused.append(sent)
            try:
                raise redis.ReadOnlyError("You can't write against a read only replica.")
            except redis.ReadOnlyError:
                raise redis.ConnectionError("The previous master is now a slave")  # noqa: B904
        return exchange(lines, *sent)

    monkeypatch.setattr(Lines, "exchange", refusing)
    assert drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": 2}
    assert len(refused) == 1


class Losing:
    """Passes everything on to a server, and loses its answers to scripts and reads so many times."""

    def __init__(self, port: int, times: int) -> None:
        self.times, self.port = times, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                inward, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._pass, args=(inward,)))
            self._threads[-1].start()

    def _pass(self, inward: socket.socket) -> None:
        with inward, socket.create_connection(("127.0.0.1", self.port)) as outward:
            while said := inward.recv(100_000):
                outward.sendall(said)
                answer = outward.recv(100_000)
                if self.times and (b"EVALSHA" in said or b"HGETALL" in said):
                    self.times -= 1
                    return
                inward.sendall(answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("looped", [False, True])
def test_a_change_whose_answer_was_lost_is_not_made_twice_and_a_reading_is_done_again(
    make: Callable[..., RedisStore], servers: Servers, looped: bool
) -> None:
    drive(make("redis", SESSION_KEY_PREFIX="lost:").create(KEY, record(n=b"1")))
    losing = Losing(redis_servers.server(servers).port, 0)
    store = make("", SESSION_URL=f"redis://127.0.0.1:{losing.own_port}", SESSION_KEY_PREFIX="lost:")

    async def use() -> Record | None:
        await store.merge(KEY, Delta(incr={"n": 1}))
        losing.times = 1
        with pytest.raises(SessionUnavailable):
            await store.merge(KEY, Delta(incr={"n": 1}))
        losing.times = 1
        found = await store.load(KEY)
        losing.times = 2
        with pytest.raises(SessionUnavailable):
            await store.load(KEY)
        losing.times = 1
        assert [each.key async for each in store.scan()] == [KEY]
        losing.times = 1
        await store.delete(KEY)
        await store.close()
        return found

    found = asyncio.run(use()) if looped else drive(use())
    losing.close()
    assert found is not None
    assert found.fields == {"n": b"3"}
    assert drive(make("redis", SESSION_KEY_PREFIX="lost:").load(KEY)) is None


def test_a_server_that_does_not_answer_in_time_is_given_up(make: Callable[..., RedisStore]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        store = make("", SESSION_URL=f"redis://127.0.0.1:{port}", SESSION_STORE_TIMEOUT=0.05)
        with pytest.raises(SessionUnavailable, match=rf"Redis at redis://127.0.0.1:{port} could not be used.*imeout"):
            drive(store.load(KEY))
        with pytest.raises(SessionUnavailable, match=r"could not be used.*imeout"):
            asyncio.run(_load(store))


async def _load(store: RedisStore) -> Record | None:
    return await store.load(KEY)


# -- what an operator is told ---------------------------------------------------------------------------------------


def test_a_dead_server_is_told_without_the_password(make: Callable[..., RedisStore], free_port: int) -> None:
    store = make("", SESSION_URL=f"redis://ann:hidden@127.0.0.1:{free_port}/2?client_name=x")
    with pytest.raises(SessionUnavailable) as raised:
        drive(store.check())
    text = str(raised.value)
    assert f"Redis at redis://ann@127.0.0.1:{free_port}/2 could not be used for sessions" in text
    assert "Connection refused. See that it runs there, and that SESSION_URL names the right place." in text
    assert "hidden" not in text + str(raised.value.__cause__)


def test_a_wrong_password_is_told(make: Callable[..., RedisStore], plain: Callable[..., Running]) -> None:
    port = plain().port
    with redis.Redis(port=port) as client:
        client.config_set("requirepass", "right")
    for user in (":hidden@", ""):
        store = make("", SESSION_URL=f"redis://{user}127.0.0.1:{port}")
        with pytest.raises(SessionUnavailable, match="SESSION_URL has the user and the password") as raised:
            drive(store.check())
        assert "hidden" not in str(raised.value)
    assert drive(make("", SESSION_URL=f"redis://:right@127.0.0.1:{port}").check()) == []


def test_a_user_who_may_not_run_scripts_is_told(make: Callable[..., RedisStore], plain: Callable[..., Running]) -> None:
    port = plain().port
    with redis.Redis(port=port) as client:
        client.execute_command("ACL", "SETUSER", "ann", "on", ">pw", "~*", "+@all", "-evalsha")
        client.execute_command("ACL", "SETUSER", "bob", "on", ">pw", "~erlen:*", "+@all", "-info", "-config")
    with pytest.raises(SessionUnavailable, match=r"Allow its user the keys erlen:\*, and the commands EVAL, EVALSHA"):
        drive(make("", SESSION_URL=f"redis://ann:pw@127.0.0.1:{port}").check())
    assert drive(make("", SESSION_URL=f"redis://bob:pw@127.0.0.1:{port}").check()) == []


def test_a_server_without_memory_is_told(make: Callable[..., RedisStore], plain: Callable[..., Running]) -> None:
    port = plain().port
    store = make("", SESSION_URL=f"redis://127.0.0.1:{port}")
    drive(store.create(KEY, record(n=b"1")))
    with redis.Redis(port=port) as client:
        client.config_set("maxmemory", "1")
    with pytest.raises(SessionUnavailable, match="Its memory is full"):
        drive(store.merge(KEY, Delta(set={"b": b"1"}, incr={"n": 1})))
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields == {"n": b"1"}


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_drops_sessions_when_it_is_full_is_told(
    make: Callable[..., RedisStore], plain: Callable[..., Running], policy: str
) -> None:
    port = plain("--maxmemory-policy", policy).port
    assert drive(make("", SESSION_URL=f"redis://127.0.0.1:{port}").check()) == [
        (
            f"redis://127.0.0.1:{port} has the maxmemory-policy '{policy}': when its memory is full it drops sessions, "
            "and people are logged out. Set it to 'noeviction' (CONFIG SET maxmemory-policy noeviction, and in "
            "redis.conf), and keep caches on a server of their own."
        )
    ]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://host/zero", "What follows the host is no number of a database."),
        ("redis://host/0/1", "What follows the host is no number of a database."),
        ("redis://:pa/ss@host", "What follows the host is no number of a database."),
        ("redis://:pa#ss@host", "A port in it is no number."),
        ("redis://host:six", "A port in it is no number."),
        ("redis://host?socket_timeout=soon", "Invalid value for 'socket_timeout'"),
        ("redis://host?colour=blue", "It cannot be used: .*'colour'"),
        ("redis+cluster://host/1", "A cluster has the database 0 alone."),
        ("redis+ring://host", "It begins with 'redis\\+ring'."),
        ("unix://", "It names no socket."),
    ],
)
def test_a_wrong_url_is_refused_at_the_start(url: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=f"^SESSION_URL: {problem}") as raised:
        resolve_store(SessionSettings.from_config({"SESSION_URL": url}))
    assert "Write it as 'redis://user:password@host:6379/0'" in str(raised.value)
    assert "ss@" not in str(raised.value)


def test_a_prefix_with_a_brace_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"SESSION_KEY_PREFIX: 'a\{b' has a brace in it"):
        resolve_store(SessionSettings.from_config({"SESSION_TYPE": "redis", "SESSION_KEY_PREFIX": "a{b"}))


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place", "nodes", "service", "options"),
    [
        ("redis://localhost", "redis://localhost", (("localhost", 6379),), "", {}),
        ("valkeys://h:1/2", "valkeys://h:1/2", (("h", 1),), "", {"db": 2}),
        ("unix:///run/r.sock?db=1", "unix:///run/r.sock", (("localhost", 6379),), "", {"path": "/run/r.sock", "db": 1}),
        (
            "valkey+cluster://:p%40ss@[::1]:1,b",
            "valkey+cluster://[::1]:1,b",
            (("::1", 1), ("b", 6379)),
            "",
            {"password": "p@ss"},
        ),
        (
            "redis+sentinel://ann:pw@a,b:2/there/3?sentinel_password=s&socket_timeout=1",
            "redis+sentinel://ann@a,b:2/there/3",
            (("a", 26379), ("b", 2)),
            "there",
            {"username": "ann", "password": "pw", "db": 3, "socket_timeout": 1.0},
        ),
        ("redis+sentinel://a", "redis+sentinel://a", (("a", 26379),), "mymaster", {}),
        ("rediss+cluster://a", "rediss+cluster://a", (("a", 6379),), "", {}),
    ],
)
def test_an_url_tells_where_the_servers_are(
    url: str, place: str, nodes: Any, service: str, options: dict[str, Any]
) -> None:
    address = Address.from_url(url, 7.0)
    usual = {"socket_timeout": 7.0, "socket_connect_timeout": 7.0, "protocol": 2, "decode_responses": False}
    assert (address.place, address.nodes, address.service) == (place, nodes, service)
    assert dict(address.options) == {**usual, **options}
    assert address.tls == url.startswith(("valkeys", "rediss"))
    assert address.sentinel_options.get("password") == ("s" if "sentinel_password" in url else None)


def test_a_client_of_any_kind_lends_its_address(make: Callable[..., RedisStore], servers: Servers) -> None:
    port, node = redis_servers.server(servers).port, redis_servers.cluster(servers)[0].port
    watched = redis_servers.watched(servers)
    sentinel = redis.sentinel.Sentinel([("127.0.0.1", watched.sentinel.port)])
    looped_sentinel = redis.asyncio.sentinel.Sentinel([("127.0.0.1", watched.sentinel.port)])
    tls = redis_servers.url_of("redis-tls", servers)
    cluster = redis.RedisCluster(port=node, host="127.0.0.1", decode_responses=True)
    clients = [
        redis.Redis(port=port, decode_responses=True, protocol=3),
        redis.asyncio.Redis(port=port),
        redis.Redis.from_url(tls),
        redis.asyncio.Redis.from_url(tls),
        redis.Redis(unix_socket_path=redis_servers.url_of("redis-socket", servers).removeprefix("unix://")),
        cluster,
        redis.asyncio.RedisCluster(port=node, host="127.0.0.1"),
        sentinel.master_for("erlen", decode_responses=True),
        looped_sentinel.master_for("erlen"),
    ]
    places = []
    for client in clients:
        store = make("", SESSION_TYPE="redis", SESSION_REDIS=client, SESSION_KEY_PREFIX="lent:")
        places.append(store.place.partition("127")[0])
        drive(store.create(KEY, record(b=b"m\xff")))
        found = drive(store.load(KEY))
        assert found is not None
        assert found.fields == {"b": b"m\xff"}
        found = asyncio.run(_load(store))
        assert found is not None
        drive(store.delete(KEY))
    assert [place.partition(":")[0] for place in places] == [
        *("redis", "redis", "rediss", "rediss", "unix"),
        *("redis+cluster", "redis+cluster", "redis+sentinel", "redis+sentinel"),
    ]
    cluster.close()
    sentinel.close()


def test_a_client_of_another_library_lends_its_address_too(make: Callable[..., RedisStore], servers: Servers) -> None:
    """As one of valkey-py: classes of its own with the same names."""

    class SSLConnection:
        pass

    pool = SimpleNamespace(
        connection_class=type("Connection", (), {}),
        connection_kwargs={"host": "127.0.0.1", "port": redis_servers.server(servers).port, "lib_name": "valkey-py"},
    )
    store = make("", SESSION_TYPE="redis", SESSION_REDIS=SimpleNamespace(connection_pool=pool))
    assert drive(store.check()) == []
    pool.connection_class = type("Own", (SSLConnection,), {})
    assert Address.from_client(SimpleNamespace(connection_pool=pool), 1).tls


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"SESSION_REDIS: It is str, and no client of redis-py.*into SESSION_URL"):
        resolve_store(SessionSettings.from_config({"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://localhost"}))


# -- threads, loops, processes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_fifty_increments_at_once_are_fifty(make: Callable[..., RedisStore], name: str) -> None:
    store = make(name)
    drive(store.create(KEY, record(n=b"0")))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers["n"], range(50)))
    assert sorted(answers) == list(range(1, 51))


@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("name", NAMES)
def test_each_event_loop_has_connections_of_its_own(
    make: Callable[..., RedisStore], name: str, run: Callable[..., Any]
) -> None:
    store = make(name)
    drive(store.create(KEY, record(n=b"0")))

    async def count() -> None:
        await asyncio.gather(*(store.merge(KEY, Delta(incr={"n": 1})) for _ in range(20)))
        assert [found.key async for found in store.scan()] == [KEY]
        # Plain code on the loop drives the store by hand.
        drive(store.merge(KEY, Delta(incr={"n": 1})))

    for _ in range(3):
        run(count())
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields == {"n": b"63"}


@pytest.mark.parametrize("name", ["redis", "redis-cluster"])
def test_a_task_that_is_cancelled_leaves_no_answer_for_the_next_one(make: Callable[..., RedisStore], name: str) -> None:
    store = make(name)
    drive(store.create(KEY, record(n=b"0")))

    async def use() -> None:
        for turns in range(12):
            task = asyncio.create_task(store.merge(KEY, Delta(incr={"n": 1})))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            found = await store.load(KEY)
            assert found is not None
            assert found.key == KEY

    asyncio.run(use())


@pytest.mark.parametrize("looped", [False, True])
def test_a_connection_that_the_server_closes_between_two_requests_is_replaced_without_an_error(
    make: Callable[..., RedisStore], client: Any, looped: bool
) -> None:
    store = make("redis", SESSION_URL=f"{config_url(client)}/0?client_name=between")

    async def use() -> list[Record | None]:
        await store.create(KEY, record(n=b"0"))
        found = []
        for _ in range(3):
            for each in client.client_list():
                if each["name"] == "between":
                    client.client_kill_filter(_id=each["id"])
            found.append(await store.load(KEY, True))
        return found

    found = asyncio.run(use()) if looped else drive(use())
    assert [each is not None and each.fields for each in found] == [{"n": b"0"}] * 3


def test_a_process_that_was_forked_behind_the_back_of_python_gets_connections_of_its_own(
    make: Callable[..., RedisStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_UNTOLD", True)
    store = make()
    plain = store._clients.plain()
    assert store._clients.plain() is plain
    monkeypatch.setattr(clients, "_pid", clients._pid)  # put back in the end
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert store._clients.plain() is not plain
    assert store._clients.plain() is store._clients.plain()


def _in_child(store: RedisStore, outbox: Any) -> None:
    numbers = [drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers["n"] for _ in range(20)]
    drive(store.close())
    outbox.put(numbers)


@pytest.mark.parametrize("name", ["redis", "redis-cluster", "redis-sentinel"])
def test_a_connection_is_not_used_on_both_sides_of_a_fork(make: Callable[..., RedisStore], name: str) -> None:
    store = make(name)
    drive(store.create(KEY, record(n=b"0")))
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(store, outbox))
    child.start()
    own = [drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers["n"] for _ in range(20)]
    child.join()
    assert child.exitcode == 0
    assert sorted([*own, *outbox.get()]) == list(range(1, 41))
