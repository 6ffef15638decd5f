"""The store ``sqlalchemy`` beyond the contract: one statement for most changes, and what can go wrong."""

from __future__ import annotations

import asyncio
import copy
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine

import store_servers
from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.sessions import Append, Delta, Header, Merged, Record, SessionSettings, resolve_store
from erlen.sessions.record import merge
from erlen.sessions.stored import at, join, split, until
from erlen.sessions.stores import sql_engines
from erlen.sessions.stores.sqlalchemy import SqlAlchemyStore, ddl
from store_servers import Running, Servers
from store_servers import sql as servers_of_sql

NAMES = ["postgresql", "mariadb", "sqlalchemy-sqlite", "sqlalchemy-other"]
KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
NOW = 1_800_000_000.123457


@pytest.fixture(params=NAMES)
def store_name(request: pytest.FixtureRequest) -> str:
    """Each database in turn; the fixture ``store`` makes an empty store there."""
    name: str = request.param
    return name


@pytest.fixture
def make(store_name: str, servers: Servers, clock: Any) -> Iterator[Callable[..., SqlAlchemyStore]]:
    """Return a function that makes further stores on the same database, with settings."""
    made: list[SqlAlchemyStore] = []
    config = store_servers.config_of(store_name, servers)

    def make(**more: Any) -> SqlAlchemyStore:
        store = resolve_store(SessionSettings.from_config({**config, **more}))
        assert isinstance(store, SqlAlchemyStore)
        store.clock = clock
        made.append(store)
        return store

    yield make
    for store in made:
        drive(store.close())


def header(now: float = NOW, **more: Any) -> Header:
    return Header(**{"created": now, "seen": now, "idle": 100.0, "absolute": now + 1000, "renewed": now, **more})


def create(store: SqlAlchemyStore, key: bytes = KEY, **fields: bytes) -> None:
    drive(store.create(key, Record(key, header(store.clock()), fields or {"a": b"1"})))


def fields(store: SqlAlchemyStore, key: bytes = KEY) -> dict[str, bytes]:
    record = drive(store.load(key))
    assert record is not None
    return record.fields


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run *work* in so many threads at once and return what they answered, or the error that they ended with."""
    start = threading.Barrier(count)
    answers: list[Any] = [None] * count

    def run(number: int) -> None:
        start.wait()
        try:
            answers[number] = work(number)
        except Exception as error:
            answers[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# -- what a delta does, against the merge in Python -----------------------------------------------------------------

keys = st.sampled_from(["a", "b", "log", 'a "quoted".$', "", "\0", "Ä~%", "A", "a "])
numbers = st.sampled_from([0, 1, -5, 2**63 - 1, -(2**63)]).map(lambda number: b"%d" % number)
lists = st.lists(st.sampled_from([b"", b"x", b"1", b"\xff\0"]), max_size=3).map(join)
plain = st.one_of(numbers, lists, st.binary(max_size=3).map(lambda rest: b"m" + rest), st.just(b"s\0\x01"))
moments = st.sampled_from([NOW - 10, NOW, NOW + 50])
values = st.one_of(plain, plain, st.builds(until, plain, moments))
headers = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from([None, "7", "Ann ", "ann"]),
        "label": st.sampled_from([None, "", "Ünï\0code 'quoted'"]),
        "permanent": st.booleans(),
        "seen": st.just(NOW),
        "idle": st.sampled_from([0.5, 31.7]),
        "absolute": st.sampled_from([NOW + 0.1, NOW + 5000]),
        "auth_time": st.sampled_from([None, NOW]),
        "seals": st.sampled_from([None, [], [b"\0seal", b"m"]]),
        "renewed": st.just(NOW),
    },
)
records = st.builds(
    Record,
    st.just(KEY),
    st.builds(
        header,
        user=st.sampled_from([None, None, "7"]),
        seen=st.sampled_from([NOW - 50, NOW - 99.99]),
        owner=st.sampled_from([None, "me", "ME"]),
        until=st.sampled_from([0.0, NOW - 1, NOW + 10]),
    ),
    st.dictionaries(keys, values, max_size=4),
)
deltas = st.builds(
    Delta,
    take=st.lists(keys, max_size=1),
    delete=st.lists(keys, max_size=2),
    set=st.dictionaries(keys, values, max_size=2),
    remove=st.dictionaries(keys, st.lists(st.sampled_from([b"x", b"1"]), max_size=2), max_size=1),
    incr=st.dictionaries(keys, st.sampled_from([1, -3, 2**62]), max_size=1),
    append=st.dictionaries(keys, st.builds(Append, st.just([b"x", b"y"]), st.sampled_from([None, 2])), max_size=1),
    ends=st.dictionaries(keys, moments, max_size=1),
    expect=st.dictionaries(keys, st.none() | plain, max_size=1),
    header=headers,
    owner=st.sampled_from([None, None, "me"]),
    release=st.booleans(),
    final=st.booleans(),
)
# Most deltas have few parts: those that one statement can merge must come up often.
few = st.builds(
    Delta,
    delete=st.lists(keys, max_size=2),
    set=st.dictionaries(keys, values, max_size=2),
    incr=st.one_of(st.just({}), st.dictionaries(keys, st.sampled_from([1, 2**62]), max_size=1)),
    expect=st.one_of(st.just({}), st.dictionaries(keys, st.none() | plain, max_size=1)),
    header=st.just({}) | headers,
    owner=st.sampled_from([None, "me"]),
    release=st.booleans(),
)


def living(held: dict[str, bytes], now: float) -> dict[str, bytes]:
    """Leave out what has ended, which a store may keep or not."""
    return {key: raw for key, raw in held.items() if at(raw, now) is not None}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=records, delta=st.one_of(deltas, few, few), copied=st.booleans())
def test_each_database_merges_as_python_does(
    store: SqlAlchemyStore, clock: Any, record: Record, delta: Delta, copied: bool
) -> None:
    clock.now = NOW
    if copied:  # expect just what is there
        delta.expect = {key: record.fields.get(key) for key in delta.expect}
    delta.header = {**delta.header, "mortal": True}
    record.header.mortal = any(raw[:1] == b"t" for raw in record.fields.values())
    drive(store.create(KEY, record))
    expected = copy.deepcopy(record)
    try:
        wanted: Merged | None = merge(expected, copy.deepcopy(delta), NOW)
    except SessionValueError:
        wanted, expected = None, record
    try:
        merged: Merged | None = drive(store.merge(KEY, delta))
    except SessionValueError:
        merged = None
    loaded = drive(store.load(KEY))
    if wanted is None or merged is None:
        assert merged is wanted
    else:
        if wanted.emptied:
            merged.version = wanted.version
        assert merged == wanted
    if (wanted is not None and wanted.emptied) or expected.header.is_over(NOW):
        assert loaded is None
    else:
        assert loaded is not None
        assert loaded.header == expected.header
        assert living(loaded.fields, NOW) == living(expected.fields, NOW)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=records, delta=st.one_of(deltas, few))
def test_a_move_merges_as_python_does(store: SqlAlchemyStore, clock: Any, record: Record, delta: Delta) -> None:
    clock.now = NOW
    delta.header = {**delta.header, "mortal": True}
    delta.incr = {}
    for key in (KEY, OTHER):
        drive(store.delete(key))
    drive(store.create(KEY, record))
    expected = copy.deepcopy(record)
    wanted = merge(expected, copy.deepcopy(delta), NOW)
    assert drive(store.move(KEY, OTHER, delta)) == wanted
    loaded = drive(store.load(OTHER))
    if wanted.refused or wanted.conflict or wanted.emptied or expected.header.is_over(NOW):
        assert loaded is None
    else:
        expected.header.renewed = NOW
        assert loaded == Record(OTHER, expected.header, expected.fields)
        assert drive(store.load(KEY)) is None


@pytest.mark.parametrize(
    "name",
    ["", "\0", "a\0b", '"', "\\", "a.b", "$", "$.a", "'; DROP TABLE x", "%", "%s", "Ünï", "\U0001f36a", "\ud800", " "],
)
def test_a_key_may_be_called_anything(store: SqlAlchemyStore, name: str) -> None:
    create(store, a=b"1")
    assert not drive(store.merge(KEY, Delta(set={name: b"m1", f"{name}2": b"2"}))).refused
    assert drive(store.merge(KEY, Delta(incr={f"{name}2": 1}, expect={name: b"m1"}))).numbers == {f"{name}2": 3}
    assert drive(store.merge(KEY, Delta(delete=[name]))).version == 4
    assert fields(store) == {"a": b"1", f"{name}2": b"3"}


def test_a_key_may_be_long_and_many_may_change_at_once(store: SqlAlchemyStore) -> None:
    create(store, a=b"1")
    long = "ä" * 100_000
    many = {f"key {number}": b"%d" % number for number in range(1200)}
    assert not drive(store.merge(KEY, Delta(set={long: b"1"}))).refused
    assert not drive(store.merge(KEY, Delta(set=many, delete=["a"]))).refused
    assert fields(store) == {long: b"1", **many}
    some = dict.fromkeys(list(many)[:150], b"m")
    assert not drive(store.merge(KEY, Delta(set=some, delete=list(many)[150:300]))).refused
    assert fields(store) == {long: b"1", **dict(list(many.items())[300:]), **some}


def test_users_are_told_apart_exactly(store: SqlAlchemyStore) -> None:
    users = ["ann", "Ann", "ann ", " ann", "änn", "", "\0", "a" * 100_000, "a" * 100_001]
    for number, user in enumerate(users):
        key = bytes([number]) * 34
        drive(store.create(key, Record(key, header(store.clock(), user=user), {})))
    assert [[record.header.user for record in drive(store.find(user))] for user in users] == [[user] for user in users]


def test_times_are_kept_to_the_last_bit(store: SqlAlchemyStore) -> None:
    now = 1_800_000_000.1234567
    made = header(now, idle=0.1 + 0.2, absolute=now + 1 / 3, auth_time=now / 7)
    made.seen = store.clock()
    made.absolute += 100
    drive(store.create(KEY, Record(KEY, made, {"a": b"1"})))
    record = drive(store.load(KEY))
    assert record is not None
    assert record.header == made


# -- how many commands, how many bytes ------------------------------------------------------------------------------

# For "sqlalchemy-other", whose transactions SQLAlchemy makes, and the others: by change, how many commands.
SET = Delta(set={"a": b"2"})
CHANGES: dict[str, tuple[Delta, dict[str, int]]] = {
    "a value": (SET, {"sqlalchemy-other": 2}),
    "a deletion": (Delta(delete=["a"]), {"sqlalchemy-other": 2}),
    "the header": (Delta(header={"idle": 50.0, "label": "phone"}), {"sqlalchemy-other": 2}),
    "what is expected": (Delta(set={"a": b"2"}, expect={"a": b"1", "c": None}), {"sqlalchemy-other": 2}),
    "a number": (Delta(incr={"n": 1}), {"postgresql": 1, "*": 2}),
    "an appended item": (Delta(append={"log": Append([b"x"])}), {"*": 2}),
    "what is taken": (Delta(take=["a"]), {"*": 2}),
    "emptying": (Delta(delete=["a", "b", "log"]), {"*": 2}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_costs_one_command_or_two(
    store: SqlAlchemyStore, store_name: str, servers: Servers, change: str
) -> None:
    delta, costs = CHANGES[change]
    create(store, a=b"1", b=b"2", log=join([b"1"]))
    fields(store)
    before = store_servers.commands(store_name, servers)
    assert not drive(store.merge(KEY, delta)).refused
    spent = store_servers.commands(store_name, servers) - before
    assert spent == costs.get(store_name, costs.get("*", 1))


def test_reading_costs_one_command_and_creating_one(
    store: SqlAlchemyStore, store_name: str, servers: Servers, clock: Any
) -> None:
    create(store, OTHER)
    counts = [store_servers.commands(store_name, servers)]

    def note() -> None:
        counts.append(store_servers.commands(store_name, servers))

    create(store)
    note()
    drive(store.load(KEY, touch=True))
    note()
    clock.turn(10)
    drive(store.load(KEY, touch=True))
    note()
    drive(store.load(KEY, touch=True))
    note()
    drive(store.acquire(KEY, "me", 10, 0))
    note()
    spent = [after - before for before, after in itertools.pairwise(counts)]
    assert spent == [1, 1, 2, 1, 1 if store_name in ("postgresql", "sqlalchemy-sqlite") else 2]


def test_a_move_costs_one_command_or_a_transaction(store: SqlAlchemyStore, store_name: str, servers: Servers) -> None:
    create(store)
    fields(store)
    before = store_servers.commands(store_name, servers)
    assert drive(store.move(KEY, OTHER, Delta(set={"a": b"2"}, header={"user": "7"}))).version == 2
    assert store_servers.commands(store_name, servers) - before == (1 if store_name == "postgresql" else 5)


def test_of_many_moves_at_once_one_wins_and_no_change_is_lost(store: SqlAlchemyStore) -> None:
    for number in range(5):
        create(store, KEY, a=b"1")
        targets = [bytes([number, who]) * 17 for who in range(4)]

        def work(who: int, targets: list[bytes] = targets) -> Merged:
            if who < 4:
                return drive(store.move(KEY, targets[who], Delta(), 30))
            return drive(store.merge(KEY, Delta(set={f"key {who}": b"1"})))

        answers = together(8, work)
        assert [answer.refused for answer in answers] == [False] * 8
        assert [answer.forwarded for answer in answers[:4]].count(False) == 1
        assert fields(store, KEY) == {"a": b"1", **{f"key {who}": b"1" for who in range(4, 8)}}
        assert len([key for key in targets if drive(store.load(key)) is not None]) == 1


def test_the_bytes_of_a_change_do_not_grow_with_the_session(
    store: SqlAlchemyStore, store_name: str, servers: Servers
) -> None:
    if store_name == "sqlalchemy-other":
        pytest.skip("of a database that is not known all fields are written anew")
    create(store, n=b"1", big=b"m" + b"x" * 100_000, log=join([b"1"]))
    fields(store)
    for delta in (
        Delta(set={"n": b"2"}),
        Delta(incr={"n": 1}),
        Delta(append={"log": Append([b"2"])}),
        Delta(header={"user": "7"}),
    ):
        before = store_servers.bytes_received(store_name, servers)
        assert not drive(store.merge(KEY, delta)).refused
        assert store_servers.bytes_received(store_name, servers) - before < 1000
    before = store_servers.bytes_received(store_name, servers)
    assert not drive(store.move(KEY, OTHER, Delta(set={"n": b"3"}))).refused
    assert store_servers.bytes_received(store_name, servers) - before < 4000


# -- many at once ---------------------------------------------------------------------------------------------------


def test_fifty_increments_and_appends_at_once_are_fifty(store: SqlAlchemyStore) -> None:
    create(store, a=b"1")

    def change(number: int) -> Any:
        item = Append([b"%d" % number])
        return drive(store.merge(KEY, Delta(incr={"n": 1}, append={"log": item, "last": copy.copy(item)}))).numbers

    answers = together(50, change)
    assert sorted(answer["n"] for answer in answers) == list(range(1, 51))
    held = fields(store)
    assert sorted(map(int, split(held["log"]))) == list(range(50))


def test_a_deletion_wins_over_moves_at_the_same_time(store: SqlAlchemyStore) -> None:
    for number in range(10):
        start, end = bytes([number]) * 34, bytes([number, 200]) * 17
        drive(store.create(start, Record(start, header(store.clock(), user="7"), {"a": b"1"})))

        def work(who: int, start: bytes = start, end: bytes = end) -> None:
            if who == 0:
                drive(store.move(start, end, Delta()))
            elif who == 1:
                drive(store.delete(start))
            else:
                drive(store.merge(start, Delta(set={"late": b"1"})))

        assert together(3, work) == [None] * 3
    assert drive(store.find("7")) == []


def test_of_an_emptying_and_a_change_at_the_same_time_none_is_lost(store: SqlAlchemyStore) -> None:
    for _ in range(10):
        create(store, a=b"1")
        emptying, change = together(
            2, lambda who: drive(store.merge(KEY, Delta(set={"b": b"2"}) if who else Delta(delete=["a"])))
        )
        assert emptying.emptied == change.refused
        if not change.refused:
            assert fields(store) == {"b": b"2"}


def test_workers_that_start_at_once_make_the_table_once(make: Callable[..., SqlAlchemyStore], servers: Servers) -> None:
    table = f"made_{time.monotonic_ns()}"
    stores = [make(SESSION_SQLALCHEMY_TABLE=table) for _ in range(6)]
    assert together(6, lambda number: drive(stores[number].create(bytes([number]) * 34, _record(number)))) == [None] * 6
    assert drive(stores[0].count()) == 6
    assert drive(stores[1].check()) == []


def _record(number: int) -> Record:
    return Record(bytes([number]) * 34, header(), {"a": b"1"})


def test_each_event_loop_has_connections_of_its_own(store: SqlAlchemyStore) -> None:
    create(store, a=b"1")

    async def change() -> Any:
        await asyncio.gather(*(store.merge(KEY, Delta(incr={"n": 1})) for _ in range(10)))
        record = await store.load(KEY)
        return record.fields["n"] if record is not None else None

    assert [asyncio.run(change()) for _ in range(3)] == [b"10", b"20", b"30"]
    assert fields(store)["n"] == b"30"


def _in_child(store: SqlAlchemyStore, outbox: Any) -> None:
    merged = drive(store.merge(KEY, Delta(incr={"n": 1})))
    drive(store.close())
    outbox.put(merged.numbers)


def test_a_connection_is_not_used_on_both_sides_of_a_fork(store: SqlAlchemyStore) -> None:
    create(store, n=b"1")
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(store, outbox))
    child.start()
    child.join()
    assert (child.exitcode, outbox.get()) == (0, {"n": 2})
    assert drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": 3}


# -- the table ------------------------------------------------------------------------------------------------------


def test_the_printed_statements_make_the_table(make: Callable[..., SqlAlchemyStore], servers: Servers) -> None:
    table = f"printed_{time.monotonic_ns()}"
    store = make(SESSION_SQLALCHEMY_TABLE=table, SESSION_SQLALCHEMY_CREATE=False)
    address = store.database.address
    hint = {"erlen_dialect": "generic"} if address.generic else {}
    engine = sa.create_engine(address.url)
    with engine.begin() as connection:
        for statement in ddl(address.url.update_query_dict(hint), table).split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    create(store)
    assert fields(store) == {"a": b"1"}
    assert drive(store.check()) == []


def test_a_table_that_must_not_be_made_is_asked_for(make: Callable[..., SqlAlchemyStore]) -> None:
    store = make(SESSION_SQLALCHEMY_TABLE="nobody_made_it", SESSION_SQLALCHEMY_CREATE=False)
    with pytest.raises(SessionUnavailable) as caught:
        drive(store.check())
    assert str(caught.value) == (
        f"The table 'nobody_made_it' is missing in {store.place}, and SESSION_SQLALCHEMY_CREATE is False. Make it by a "
        "migration: 'erlen sessions ddl' prints the statements."
    )


def test_a_missing_index_is_told(make: Callable[..., SqlAlchemyStore]) -> None:
    table = f"indexless_{time.monotonic_ns()}"
    store = make(SESSION_SQLALCHEMY_TABLE=table)
    create(store)

    def drop(connection: sa.Connection) -> None:
        for index in store.database.tables.sessions.indexes:
            if str(index.name).endswith("_user"):
                index.drop(connection)

    drive(store.database.run(drop))
    assert drive(store.check()) == [
        (
            f"The index '{table}_user' is missing in {store.place}: 'erlen sessions ddl' prints the statement that "
            "makes it. Without it each listing and each clean-up reads all sessions."
        )
    ]


def test_a_schema_may_stand_before_the_name(servers: Servers) -> None:
    servers_of_sql.ask_postgresql(servers, "CREATE SCHEMA IF NOT EXISTS web")
    url = servers_of_sql.postgresql_url(servers_of_sql.postgresql(servers).port)
    store = SqlAlchemyStore(url, table="web.sessions")
    drive(store.create(KEY, Record(KEY, header(time.time()), {"a": b"1"})))
    assert fields(store) == {"a": b"1"}
    assert servers_of_sql.ask_postgresql(servers, "SELECT count(*) FROM web.sessions") == [(1,)]
    drive(store.close())


def test_a_person_can_read_what_is_there(store: SqlAlchemyStore, store_name: str, servers: Servers) -> None:
    drive(store.create(KEY, Record(KEY, header(user="ann@example.org", label="Firefox"), {"visits": b"41"})))
    dump = store_servers.dump(store_name, servers)
    assert all(text in dump for text in (b"ann@example.org", b"Firefox", b"visits", b"41"))


# -- addresses ------------------------------------------------------------------------------------------------------


class Extension:
    """Has an engine, as the object of Flask-SQLAlchemy has."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.session = None  # whoever asks it for anything fails


def test_an_engine_lends_its_address_and_nothing_else(make: Callable[..., SqlAlchemyStore], tmp_path: Any) -> None:
    address = make().database.address
    engine = sa.create_engine(address.url)
    store = make(SESSION_URL=None, SESSION_SQLALCHEMY=Extension(engine), SESSION_SQLALCHEMY_TABLE="lent")
    with engine.connect() as connection:
        transaction = connection.begin()
        if address.kind != "sqlite":  # which lets nobody else write meanwhile
            connection.exec_driver_sql("CREATE TEMPORARY TABLE own (n INT)")
            connection.exec_driver_sql("INSERT INTO own VALUES (1)")
        create(store)
        assert transaction.is_active
        assert fields(store) == {"a": b"1"}
        transaction.rollback()
    assert store.place == address.place
    assert fields(store) == {"a": b"1"}
    engine.dispose()


def test_an_asynchronous_engine_serves_too(servers: Servers) -> None:
    url = servers_of_sql.postgresql_url(servers_of_sql.postgresql(servers).port)
    store = SqlAlchemyStore(client=create_async_engine(url), table="by_looped")
    drive(store.create(KEY, Record(KEY, header(time.time()), {"a": b"1"})))
    assert fields(store) == {"a": b"1"}
    drive(store.close())


class Outside:
    @property
    def engine(self) -> Any:
        raise RuntimeError("Working outside of application context.")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {},
            (
                "SESSION_URL: It is not set, and SESSION_TYPE 'sqlalchemy' needs the address of a database. Write it "
                "as 'postgresql+psycopg://user:password@host/database', or give an engine in SESSION_SQLALCHEMY."
            ),
        ),
        (
            {"url": "sqlite+pysqlite://"},
            (
                "SESSION_URL: A database in memory is another one for each connection, so it would lose sessions. Name "
                "a file, as in 'sqlite+pysqlite:///sessions.db', or set SESSION_TYPE = 'memory'."
            ),
        ),
        (
            {"url": "nothing://host/x"},
            (
                "SESSION_URL: SQLAlchemy knows no database 'nothing'. Write it as "
                "'postgresql+psycopg://user:password@host/database'."
            ),
        ),
        (
            {"url": "postgresql"},
            (
                "SESSION_URL: SQLAlchemy cannot read this address. Write it as "
                "'postgresql+psycopg://user:password@host/database', with '@' and '/' in a password as %40 and %2F."
            ),
        ),
        (
            {"url": "postgresql+pg8000://host/x"},
            "SESSION_URL: The driver 'pg8000' for postgresql is not installed. Install it with: pip install 'pg8000'",
        ),
        (
            {"client": object},
            (
                "SESSION_SQLALCHEMY: <class 'object'> is no engine and has none. Give an Engine or AsyncEngine of "
                "SQLAlchemy, or the object of Flask-SQLAlchemy."
            ),
        ),
        (
            {"client": Outside()},
            (
                "SESSION_SQLALCHEMY: Its engine is known inside of an application context only, and sessions were "
                "asked for outside. Put the address into SESSION_URL, or use 'with app.app_context():'."
            ),
        ),
    ],
)
def test_what_is_wrong_with_an_address_is_told(options: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        drive(SqlAlchemyStore(**options).load(KEY))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("url", "plain", "looped"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg", "postgresql+psycopg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg", "postgresql+asyncpg"),
        ("mysql://u:p@h/d", "mysql+pymysql", "mysql+aiomysql"),
        ("mysql+aiomysql://u:p@h/d", "mysql+pymysql", "mysql+aiomysql"),
        ("mariadb+pymysql://u:p@h/d", "mariadb+pymysql", "mariadb+aiomysql"),
        ("sqlite:///file.db", "sqlite+pysqlite", None),
        ("sqlite+aiosqlite:///file.db", "sqlite+pysqlite", None),
    ],
)
def test_both_drivers_are_found(url: str, plain: str, looped: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sql_engines._is_installed
    monkeypatch.setattr(sql_engines, "_is_installed", lambda driver: driver == "asyncpg" or found(driver))
    address = sql_engines.Address(url, "SESSION_URL")
    assert address.url.drivername == plain
    assert (address.looped_url.drivername if address.looped_url is not None else None) == looped
    assert "p@" not in address.place


def test_without_a_driver_for_event_loops_a_thread_does_it(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sql_engines._DRIVERS, "postgresql", (("psycopg",), ()))
    url = servers_of_sql.postgresql_url(servers_of_sql.postgresql(servers).port)
    store = SqlAlchemyStore(url, table="by_thread")
    there = Record(KEY, header(time.time()), {"a": b"1"})

    async def work() -> list[Merged]:
        await store.create(KEY, there)
        return await asyncio.gather(*(store.merge(KEY, Delta(incr={"n": 1})) for _ in range(20)))

    assert sorted(merged.numbers["n"] for merged in asyncio.run(work())) == list(range(1, 21))
    drive(store.close())


def test_an_old_sqlite_is_sent_all_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = SqlAlchemyStore(f"sqlite:///{tmp_path}/sessions.db")
    assert new.database.sql.merges
    drive(new.create(KEY, Record(KEY, header(time.time()), {"a": b"1", "b": b"2"})))
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    old = SqlAlchemyStore(f"sqlite:///{tmp_path}/sessions.db")
    assert not old.database.sql.merges
    assert drive(old.merge(KEY, Delta(set={"a": b"2"}, delete=["b"], incr={"n": 1}))).numbers == {"n": 1}
    assert not drive(old.move(KEY, OTHER, Delta())).refused
    assert fields(new, OTHER) == {"a": b"2", "n": b"1"}
    for store in (new, old):
        drive(store.close())


# -- servers that do not answer -------------------------------------------------------------------------------------

START = {"postgresql": servers_of_sql.start_postgresql, "mariadb": servers_of_sql.start_mariadb}
URL = {
    "postgresql": lambda port: f"postgresql+psycopg://erlen:t0p-secret@127.0.0.1:{port}/postgres",
    "mariadb": lambda port: f"mysql+pymysql://root:@127.0.0.1:{port}/erlen",
}


@pytest.mark.parametrize("kind", START)
def test_a_server_that_is_not_there_is_told_without_the_password(kind: str, free_port: int) -> None:
    url = URL[kind](free_port).replace("root:", "root:t0p-secret")
    store = SqlAlchemyStore(url, timeout=1)

    async def on_a_loop() -> None:
        await store.load(KEY)

    for attempt in (lambda: drive(store.load(KEY)), lambda: asyncio.run(on_a_loop())):
        with pytest.raises(SessionUnavailable) as caught:
            attempt()
        text = str(caught.value)
        assert text.startswith(f"The database at {store.place} could not be used for sessions: ")
        assert text.endswith("See that it runs there, and that SESSION_URL names the right place.")
        assert "t0p-secret" not in text
        assert str(free_port) in text
    drive(store.close())


def test_a_wrong_password_is_told_and_not_shown(servers: Servers) -> None:
    port = servers_of_sql.mariadb(servers).port
    store = SqlAlchemyStore(f"mysql+pymysql://root:wr0ng-one@127.0.0.1:{port}/erlen")
    with pytest.raises(SessionUnavailable, match="Access denied for user") as caught:
        drive(store.load(KEY))
    assert "wr0ng-one" not in str(caught.value)
    drive(store.close())


@pytest.mark.parametrize("kind", START)
def test_a_server_that_was_killed_and_comes_back_is_used_again(kind: str, servers: Servers, free_port: int) -> None:
    running = START[kind](servers, free_port)
    store = SqlAlchemyStore(URL[kind](free_port), timeout=5)
    drive(store.create(KEY, Record(KEY, header(time.time(), idle=1e6, absolute=2e9), {"n": b"1"})))

    async def twice() -> list[dict[str, int]]:
        nonlocal running
        numbers = [(await store.merge(KEY, Delta(incr={"n": 1}))).numbers]
        await asyncio.to_thread(running.kill)
        with pytest.raises(SessionUnavailable):
            await store.load(KEY)
        running = await asyncio.to_thread(START[kind], servers, free_port, running.folder)
        numbers.append((await store.merge(KEY, Delta(incr={"n": 1}))).numbers)
        return numbers

    assert asyncio.run(twice()) == [{"n": 2}, {"n": 3}]
    # The connection from before the kill is still in the pool; an increment must not be done twice, nor fail.
    assert drive(store.merge(KEY, Delta(incr={"n": 1}))).numbers == {"n": 4}
    drive(store.close())
    running.kill()


def signal_all(running: Running, number: int) -> None:
    """Send a signal to a server and its processes; those of PostgreSQL are in groups of their own."""
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text()
    for pid in (running.process.pid, *map(int, children.split())):
        os.kill(pid, number)
        while number == signal.SIGSTOP and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            os.sched_yield()  # one that is running on the other processor answers until it is reached


@pytest.mark.parametrize("kind", START)
def test_a_server_that_hangs_holds_nobody_up_for_long(kind: str, servers: Servers, free_port: int) -> None:
    running = START[kind](servers, free_port)
    store = SqlAlchemyStore(URL[kind](free_port), timeout=1)
    drive(store.create(KEY, Record(KEY, header(time.time()), {"n": b"1"})))

    async def on_a_loop() -> None:
        await store.load(KEY)
        signal_all(running, signal.SIGSTOP)
        with pytest.raises(SessionUnavailable):
            await store.load(KEY)

    began = time.monotonic()
    try:
        asyncio.run(on_a_loop())
        with pytest.raises(SessionUnavailable):
            drive(store.load(KEY))
        assert time.monotonic() - began < 10
    finally:
        signal_all(running, signal.SIGCONT)
    drive(store.close())
    running.kill()


def test_a_lax_mode_of_mysql_is_told(servers: Servers) -> None:
    url = servers_of_sql.mariadb_url(servers_of_sql.mariadb(servers).port)
    store = SqlAlchemyStore(f"{url}?sql_mode=ANSI_QUOTES", table="lax")
    assert drive(store.check()) == [
        (
            f"{store.place} cuts off what is too long without an error, for its sql_mode lacks STRICT_TRANS_TABLES. "
            "Add it: a session that was cut off cannot be read."
        )
    ]
    drive(store.close())
