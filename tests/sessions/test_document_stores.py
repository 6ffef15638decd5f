"""What the stores mongodb and dynamodb have in common: the same rules as everywhere, in few commands."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

import store_oracle
from erlen.callables import drive
from erlen.errors import SessionConflict, SessionUnavailable
from erlen.sessions import Append, Delta, Header, Record, SessionSettings, SessionStore, resolve_store
from erlen.sessions.stored import join, split
from erlen.sessions.stores.documents import DocumentStore, from_parts, to_parts
from store_servers import Servers, bytes_received, commands, config_of

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
NOW = store_oracle.NOW


@pytest.fixture(params=["mongodb", "dynamodb"])
def store_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def record(key: bytes = KEY, user: str | None = None, **fields: bytes) -> Record:
    return Record(key, Header(NOW, NOW, 100, NOW + 1000, NOW, user=user), dict(fields) or {"a": b"1"})


@pytest.fixture
def counted(store_name: str, servers: Servers) -> Callable[[Any], tuple[int, int]]:
    """Return a function that runs a coroutine and returns how many commands and bytes the server had."""

    def counted(coroutine: Any) -> tuple[int, int]:
        before = commands(store_name, servers), bytes_received(store_name, servers)
        drive(coroutine)
        return commands(store_name, servers) - before[0], bytes_received(store_name, servers) - before[1]

    return counted


@pytest.fixture
def another(store_name: str, servers: Servers, clock: Any) -> Iterator[Callable[..., SessionStore]]:
    """Return a function that makes stores of several workers in one place."""
    config = config_of(store_name, servers)
    made: list[SessionStore] = []

    def another(**changes: Any) -> SessionStore:
        store = resolve_store(SessionSettings.from_config({**config, **changes}))
        store.clock = clock
        made.append(store)
        return store

    yield another
    for store in made:
        drive(store.close())


def at_once(work: list[Callable[[], Any]]) -> list[Any]:
    """Do all of *work*, each in a thread, at once, and return the answers."""
    start = threading.Barrier(len(work))
    answers: list[Any] = [None] * len(work)

    def run(number: int) -> None:
        start.wait()
        answers[number] = work[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# -- the rules ------------------------------------------------------------------------------------------------------


def test_random_deltas_do_what_the_rules_say(store: SessionStore, store_name: str) -> None:
    @hypothesis.settings(max_examples=400 if store_name == "mongodb" else 150, deadline=None)
    @hypothesis.given(store_oracle.cases)
    def run(case: Any) -> None:
        store_oracle.compare(store, *case)

    run()


def test_expected_bytes_are_not_found_among_the_items_of_a_list(store: SessionStore) -> None:
    drive(store.create(KEY, record(a=join([b"m\xc0"]))))
    assert drive(store.merge(KEY, Delta(set={"b": b"2"}, expect={"a": b"m\xc0"}))).conflict
    assert not drive(store.merge(KEY, Delta(set={"b": b"2"}, expect={"a": join([b"m\xc0"])}))).conflict


def test_what_is_expected_to_be_missing_can_be_taken_all_the_same(store: SessionStore) -> None:
    drive(store.create(KEY, record()))
    merged = drive(store.merge(KEY, Delta(take=["b"], expect={"b": None}, final=False)))
    assert (merged.conflict, merged.taken, merged.version) == (False, {}, 2)


@hypothesis.given(store_oracle.raws)
def test_a_field_is_the_same_after_it_was_taken_apart(raw: bytes) -> None:
    assert from_parts(to_parts(raw)) == raw


@pytest.mark.parametrize(
    "raw", [b"", b"-", b"-0", b"007", b"9" * 19, b"9" * 30, b"l\0\0\0\5x", b"t12", b"t" + b"x" * 20]
)
def test_what_is_not_quite_of_its_form_stays_bytes(raw: bytes) -> None:
    assert to_parts(raw) == raw


def test_any_text_is_the_name_of_a_field(store: SessionStore) -> None:
    keys = ["", ".", "$", "$set", "a.b", "a.$b", "a%2Eb", "%", "\0", "_id", "0", "d.k", "é", "😀", " ", '"', "x" * 300]
    drive(store.create(KEY, Record(KEY, record().header, {key: b"%d" % number for number, key in enumerate(keys)})))
    for key in keys:
        drive(store.merge(KEY, Delta(incr={key: 100})))
    drive(store.merge(KEY, Delta(set=dict.fromkeys(keys[3:], b"m\xc0"), take=keys[:1])))
    drive(store.merge(KEY, Delta(append={key: Append([b"x"]) for key in keys[3:]}, delete=keys[1:2])))
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields == {"$": b"102", **dict.fromkeys(keys[3:], join([b"x"]))}


def test_a_delta_of_hundreds_of_fields_is_merged(store: SessionStore) -> None:
    fields = {f"field {number}": b"m%d" % number for number in range(500)}
    drive(store.create(KEY, record()))
    assert drive(store.merge(KEY, Delta(set=fields))).version == 2
    assert drive(store.merge(KEY, Delta(delete=list(fields)[1:], final=False))).version == 3
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields == {"a": b"1", "field 0": b"m0"}


# -- the price ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "delta",
    [
        Delta(set={"b": b"m1"}, delete=["a"]),
        Delta(incr={"n": 1}, final=False),
        Delta(append={"log": Append([b"1"])}),
        Delta(take=["once"], final=False),
        Delta(set={"b": b"m1"}, expect={"a": b"m1"}, header={"label": "phone", "permanent": True}),
        Delta(release=True, final=False),
    ],
    ids=["set", "incr", "append", "take", "expect", "release"],
)
def test_most_changes_are_one_command(store: SessionStore, counted: Any, delta: Delta) -> None:
    drive(store.create(KEY, record(a=b"m1", n=b"1", log=join([b"0"]), once=b"m7")))
    assert counted(store.merge(KEY, delta))[0] == 1


@pytest.mark.parametrize(
    "delta",
    [
        Delta(delete=["a"]),
        Delta(remove={"log": [b"0"]}),
        Delta(incr={"new": 1}, ends={"new": NOW + 5}),
        Delta(header={"user": "7"}),
        Delta(header={"idle": 5.0}),
    ],
    ids=["emptied", "remove", "ends", "user", "idle"],
)
def test_other_changes_are_two_commands(store: SessionStore, counted: Any, delta: Delta) -> None:
    drive(store.create(KEY, record(log=join([b"0"]), a=b"1")))
    assert counted(store.merge(KEY, delta))[0] <= 2


def test_reading_costs_one_command_and_touching_one_more_when_it_is_due(
    store: SessionStore, counted: Any, clock: Any
) -> None:
    drive(store.create(KEY, record()))
    assert counted(store.load(KEY, touch=True))[0] == 1
    clock.turn(10)
    assert counted(store.load(KEY, touch=True))[0] == 2
    assert counted(store.load(KEY, touch=True))[0] == 1
    assert counted(store.load(OTHER))[0] == 1


def test_leasing_and_finding_and_creating_are_cheap(store: SessionStore, counted: Any, store_name: str) -> None:
    drive(store.create(OTHER, record(OTHER)))
    assert counted(store.create(KEY, record(user="7")))[0] == 1
    assert counted(store.acquire(KEY, "us", 30, 0))[0] == 1
    assert counted(store.find("7"))[0] == (1 if store_name == "mongodb" else 2)
    assert counted(store.delete(KEY))[0] == 2


def test_a_move_is_a_read_and_one_write_besides_the_end_of_the_transaction(
    store: SessionStore, counted: Any, store_name: str
) -> None:
    drive(store.create(KEY, record(user="7")))
    assert counted(store.move(KEY, OTHER, Delta()))[0] == (3 if store_name == "mongodb" else 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Delta(incr={"n": 1}, final=False), "n"),
        (Delta(remove={"log": [b"0"]}), "log"),
        (Delta(append={"log": Append([b"1"], 3)}), "log"),
    ],
    ids=["incr", "remove", "append"],
)
def test_what_is_sent_grows_with_the_change_and_not_with_the_session(
    store: SessionStore, counted: Any, store_name: str, change: Delta, field: str
) -> None:
    drive(store.create(KEY, record(big=b"m" + b"x" * 100_000, n=b"1", log=join([b"0", b"0"]))))
    sent = counted(store.merge(KEY, change))[1]
    # DynamoDB's is HTTP: each request has its headers and signature, 800 bytes or so.
    assert 0 < sent < (1000 if store_name == "mongodb" else 2500)


# -- many at once ---------------------------------------------------------------------------------------------------


def test_fifty_increments_and_appends_at_once_are_all_kept(store: SessionStore) -> None:
    drive(store.create(KEY, record()))

    def work(number: int) -> Callable[[], Any]:
        append = {"log": Append([b"%d" % number])}
        return lambda: drive(store.merge(KEY, Delta(incr={"n": 1}, append=append, final=False)))

    answers = at_once([work(number) for number in range(50)])
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields["n"] == b"50"
    assert sorted(split(found.fields["log"])) == sorted(b"%d" % number for number in range(50))
    assert sorted(answer.numbers["n"] for answer in answers) == list(range(1, 51))


def test_of_many_that_empty_a_session_and_many_that_change_it_none_brings_it_back(store: SessionStore) -> None:
    for _ in range(5):
        drive(store.create(KEY, record()))
        work = [lambda: drive(store.merge(KEY, Delta(delete=["a"])))] * 4
        work += [lambda: drive(store.merge(KEY, Delta(set={"b": b"2"}, expect={"a": b"1"})))] * 4
        answers = at_once(work)
        found = drive(store.load(KEY))
        if any(answer.emptied for answer in answers):
            assert found is None
            assert all(answer.refused or answer.emptied or answer.conflict for answer in answers[4:])
        else:
            assert found is not None
            assert found.fields == {"b": b"2"}


def test_a_session_that_many_move_at_once_is_moved_by_one(store: SessionStore) -> None:
    drive(store.create(KEY, record(user="7")))
    keys = [b"\0\0" + bytes([number]) * 32 for number in range(8)]
    answers = at_once([lambda key=key: drive(store.move(KEY, key, Delta())) for key in keys])
    assert sorted(answer.refused for answer in answers) == [False] + [True] * 7
    assert [found.key for found in drive(store.find("7"))] == [
        keys[[answer.refused for answer in answers].index(False)]
    ]


def test_workers_that_start_at_once_make_one_place(another: Callable[..., SessionStore]) -> None:
    stores = [another() for _ in range(4)]
    keys = [bytes([number]) * 34 for number in range(4)]
    at_once(
        [
            lambda store=store, key=key: drive(store.create(key, record(key)))
            for store, key in zip(stores, keys, strict=True)
        ]
    )
    assert {store_key for store_key in keys if drive(stores[0].load(store_key))} == set(keys)
    assert drive(stores[1].check()) == []


def test_a_lease_is_waited_for(store: SessionStore) -> None:
    drive(store.create(KEY, record()))
    drive(store.acquire(KEY, "first", 30, 0))
    with pytest.raises(SessionConflict):
        drive(store.acquire(KEY, "second", 30, 0))
    assert drive(store.acquire(KEY, "first", 30, 0)) is not None


# -- loops and processes --------------------------------------------------------------------------------------------


def test_each_event_loop_has_a_client_of_its_own(store: SessionStore) -> None:
    drive(store.create(KEY, record()))

    async def several() -> list[int]:
        merged = [store.merge(KEY, Delta(incr={"n": 1}, final=False)) for _ in range(5)]
        answers = [answer.numbers["n"] for answer in await asyncio.gather(*merged)]
        await store.move(KEY, OTHER, Delta())
        await store.move(OTHER, KEY, Delta())
        assert [found.key async for found in store.scan()] == [KEY]
        return answers

    assert sorted(asyncio.run(several()) + asyncio.run(several())) == list(range(1, 11))
    clients = getattr(store, "_table", store)._clients
    assert not clients._process.looped  # they were closed with their loops

    async def closing() -> None:
        assert await store.load(KEY) is not None
        await store.close()
        assert await store.load(KEY) is not None

    asyncio.run(closing())


def _in_child(store: SessionStore, outbox: Any) -> None:
    merged = drive(store.merge(KEY, Delta(incr={"n": 1}, final=False)))
    drive(store.close())
    outbox.put(merged.numbers["n"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork in a process with threads
def test_a_connection_is_not_used_on_both_sides_of_a_fork(store: SessionStore) -> None:
    drive(store.create(KEY, record()))
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    children = [fork.Process(target=_in_child, args=(store, outbox)) for _ in range(2)]
    for child in children:
        child.start()
    answers = [outbox.get() for _ in children]
    for child in children:
        child.join()
    merged = drive(store.merge(KEY, Delta(incr={"n": 1}, final=False)))
    assert sorted([*answers, merged.numbers["n"]]) == [1, 2, 3]


def test_an_attribute_that_no_header_has_is_an_error_and_changes_nothing(store: SessionStore) -> None:
    drive(store.create(KEY, record()))
    with pytest.raises(AttributeError):
        drive(store.merge(KEY, Delta(set={"b": b"2"}, header={"nonsense": 1})))
    found = drive(store.load(KEY))
    assert found is not None
    assert found.fields == {"a": b"1"}


def test_what_a_newer_version_wrote_is_not_taken_for_a_session(store: DocumentStore, monkeypatch: Any) -> None:
    for module in ("mongodb_documents", "dynamodb_items"):
        monkeypatch.setattr(
            f"erlen.sessions.stores.{module}.filled",
            lambda header, without=(): {"created": NOW, "futuristic": 1.0},
        )
    drive(store.create(KEY, record()))
    with pytest.raises(SessionUnavailable, match=r"a newer version of Erlen wrote it \(.*futuristic"):
        drive(store.load(KEY))
