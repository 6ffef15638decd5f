"""The stored forms and the merging of deltas, held against plain lists and dicts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.callables import drive
from erlen.errors import SessionUnavailable, SessionValueError
from erlen.sessions import Delta, KeyRing, Session, SessionManager, SessionSettings
from erlen.sessions.record import Header, Record, merge, pack, unpack
from erlen.sessions.stored import add, extend, join, split, subtract
from erlen.sessions.stores.memory import MemoryStore

items = st.lists(st.binary(max_size=6), max_size=6)


@given(items)
def test_a_list_is_split_into_what_it_was_joined_of(held: list[bytes]) -> None:
    assert split(join(held)) == held


@given(items, items, st.none() | st.integers(1, 8))
def test_extending_is_appending_and_keeping_the_last(held: list[bytes], more: list[bytes], limit: int | None) -> None:
    expected = held + more
    if limit is not None:
        expected = expected[-limit:]
    assert split(extend(join(held), more, limit)) == expected


@given(items, items)
def test_subtracting_takes_the_first_equal_item_for_each(held: list[bytes], less: list[bytes]) -> None:
    expected = list(held)
    for item in less:
        if item in expected:
            del expected[expected.index(item)]
    raw = subtract(join(held), less)
    assert (split(raw) if raw is not None else []) == expected
    assert (raw is None) == (not expected)


@pytest.mark.parametrize("raw", [b"l\0", b"l\0\0\0\x02a", b"m\xc0", b""])
def test_what_is_no_whole_list_is_not_split(raw: bytes) -> None:
    with pytest.raises(ValueError, match="list"):
        split(raw)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**64), 2**64))
def test_a_sum_stays_within_64_bits_or_is_an_error(held: int, by: int) -> None:
    total = held + by
    if -(2**63) <= total < 2**63:
        assert add("n", str(held).encode(), by) == total
    else:
        with pytest.raises(SessionValueError, match=r"session\['n'\]"):
            add("n", str(held).encode(), by)


def test_a_record_is_read_as_it_was_packed() -> None:
    header = Header(1.0, 2.0, 3.0, 4.0, 5.0, 6, True, "7", 8.0, "phone", "owner", 9.0, b"next")
    record = unpack(b"key", pack(header, {"a": b"1"}))
    assert (record.key, record.header, record.fields) == (b"key", header, {"a": b"1"})


def test_a_delta_for_a_session_that_is_over_changes_nothing() -> None:
    record = Record(b"key", Header(0, 0, 10, 100, 0), {"a": b"1"})
    assert merge(record, Delta(set={"a": b"2"}), 10).refused
    assert record.fields == {"a": b"1"}
    assert merge(record, Delta(set={"a": b"2"}), 9.9).version == 2


def test_a_damaged_record_makes_the_store_unavailable() -> None:
    with pytest.raises(SessionUnavailable, match="damaged"):
        unpack(b"key", b"\xc1")


def test_a_record_of_a_newer_version_says_so() -> None:
    newer = b"\x93\x02" + pack(Header(1, 1, 1, 1, 1), {})[2:]
    with pytest.raises(SessionUnavailable, match=r"format 2, and this Erlen reads the format 1.*same version"):
        unpack(b"key", newer)


# -- two requests at once, against a plain dict ---------------------------------------------------------------------

KEYS = ("a", "b", "log")
VALUES: list[Any] = [0, "x", [], ["y"], {"z": 1}]
operations = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.tuples(st.just("delete"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.just("nested"), st.sampled_from(KEYS), st.integers(0, 2)),
    st.tuples(st.just("append"), st.sampled_from(KEYS), st.integers(0, 2)),
    st.tuples(st.just("incr"), st.just("n"), st.integers(-3, 3)),
)


class Model:
    """A request on a plain dict: it works on a copy, and then leaves behind whole keys or appended items."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self.shared = shared
        self.seen = copy.deepcopy(shared)
        self.mine = copy.deepcopy(shared)
        self.whole: set[str] = set()
        self.appended: dict[str, list[Any]] = {}

    def do(self, what: str, key: str, value: Any) -> int | None:
        mine = self.mine
        if what == "incr":
            self.shared[key] = mine[key] = self.shared.get(key, 0) + value
            return int(mine[key])
        if what == "set":
            mine[key] = copy.deepcopy(value)
            self.whole.add(key)
        elif what == "delete" and key in mine:
            del mine[key]
            self.whole.add(key)
        elif what == "append" and isinstance(mine.get(key, []), list):
            mine.setdefault(key, []).append(value)
            self.appended.setdefault(key, []).append(value)
        elif what == "nested":
            change(mine.get(key), value)
        return None

    def commit(self) -> None:
        for key in KEYS:
            appended = self.appended.get(key, [])
            seen, mine = self.seen.get(key), self.mine.get(key)
            same = seen if isinstance(seen, dict) else (seen if isinstance(seen, list) else []) + appended
            inside = isinstance(mine, (list, dict)) and mine != same
            if key in self.whole or inside:
                self.shared.pop(key, None)
                if key in self.mine:
                    self.shared[key] = mine
            elif appended:
                held = self.shared.get(key)
                self.shared[key] = (held if isinstance(held, list) else []) + appended


def change(held: Any, value: int) -> None:
    """Change a value inside, if it has an inside."""
    if isinstance(held, list):
        held.append(value)
    elif isinstance(held, dict):
        held["n"] = value


def perform(session: Session, what: str, key: str, value: Any) -> int | None:
    """Do to a session what the model does to its dict."""
    if what == "incr":
        return session.incr(key, value)
    if what == "set":
        session[key] = copy.deepcopy(value)
    elif what == "delete":
        session.pop(key, None)
    elif what == "append" and isinstance(session.get(key, []), list):
        session.append(key, value)
    elif what == "nested":
        change(session.get(key), value)
    return None


@given(
    start=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES).map(copy.deepcopy)),
    steps=st.lists(st.tuples(st.integers(0, 1), operations), max_size=14),
    first=st.integers(0, 1),
)
def test_two_requests_come_to_what_a_plain_dict_comes_to(start: Any, steps: list[Any], first: int) -> None:
    manager = SessionManager(SessionSettings(), MemoryStore(), KeyRing(["key"]))
    opened = manager.open(None, False)
    opened.update(copy.deepcopy(start), anchor=True)
    headers = drive(manager.save(opened))
    assert headers is not None
    assert headers.cookie is not None
    cookie = headers.cookie.partition(";")[0]

    shared = copy.deepcopy(start)
    models = [Model(shared), Model(shared)]
    sessions = [manager.open(cookie, False), manager.open(cookie, False)]
    assert all("anchor" in session for session in sessions)
    for who, (what, key, value) in steps:
        assert perform(sessions[who], what, key, value) == models[who].do(what, key, value)
        seen = {name: held for name, held in sessions[who].items() if name != "anchor"}
        assert seen == models[who].mine
    for who in (first, 1 - first):
        drive(manager.save(sessions[who]))
        models[who].commit()
    assert manager.open(cookie, False).copy() == {**shared, "anchor": True}
