"""Random sessions and deltas, and what :func:`erlen.sessions.record.merge` makes of them, to compare stores with."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import strategies as st

from erlen.callables import drive
from erlen.errors import SessionValueError
from erlen.sessions import Append, Delta, Header, Record, SessionStore
from erlen.sessions.record import merge
from erlen.sessions.stored import INTEGER_MAX, INTEGER_MIN, at, join, until

NOW = 1_800_000_000.0

names = st.sampled_from(["a", "b.c", "$d", "", "k\0%2E", "é 7"])
LOOSE = [b"m\xc0", b"1"]
"""Values that stand alone and, as the same bytes, in lists."""
items = st.sampled_from([*LOOSE, b""])
lists = st.lists(items, max_size=3).map(join)
numbers = st.sampled_from([0, 1, -3, 2**40, INTEGER_MAX, INTEGER_MIN]).map(lambda number: b"%d" % number)
others = st.sampled_from([b"m\xc0", b"m\xa1x", b"ssealed", b"007", b"l\x00"])
plain = st.one_of(numbers, lists, others)
ends = st.sampled_from([NOW - 5, NOW, NOW + 0.001, NOW + 5])
# A damaged list cannot be appended to, whoever does it.
raws = st.one_of(plain, st.builds(until, plain, ends))
sane = raws.filter(lambda raw: raw != b"l\x00" and not raw.endswith(b"l\x00"))


@st.composite
def records(draw: st.DrawFn) -> Record:
    owner = draw(st.sampled_from([None, None, None, "us", "them"]))
    header = Header(
        created=NOW - 50,
        seen=NOW - draw(st.sampled_from([0.0, 0.0, 0.0, 5.0, 99.0, 100.0])),
        idle=100.0,
        absolute=NOW + 1000,
        renewed=NOW - 50,
        version=draw(st.integers(1, 5)),
        user=draw(st.sampled_from([None, None, "7"])),
        mortal=draw(st.booleans()),
        owner=owner,
        until=0.0 if owner is None else NOW + draw(st.sampled_from([-1.0, 0.0, 9.0])),
        seals=draw(st.sampled_from([None, [b"key", b""]])),
    )
    return Record(b"k" * 34, header, draw(st.dictionaries(names, sane, max_size=3)))


@st.composite
def deltas(draw: st.DrawFn, record: Record) -> Delta:
    """Draw deltas of few parts, about keys that are mostly there: most are one command for a store that can."""
    held = sorted(record.fields)
    keys = st.sampled_from(held) | names if held else names
    one_key = st.lists(keys, min_size=1, max_size=2, unique=True)

    def some(values: Any) -> Any:
        return st.dictionaries(keys, values, min_size=1, max_size=2)

    def expected(key: str) -> Any:
        return st.sampled_from([record.fields.get(key), record.fields.get(key), None, *LOOSE])

    changes = {"label": st.sampled_from([None, "phone"]), "user": st.sampled_from([None, "7", "8"])}
    changes |= {"permanent": st.booleans(), "mortal": st.just(True)}
    if draw(st.integers(0, 5)) == 0:
        changes["idle"] = st.sampled_from([50.0, 200.0])
    parts = {
        "take": one_key,
        "delete": one_key,
        "set": some(sane),
        "remove": some(st.lists(items, max_size=2)),
        "incr": some(st.sampled_from([1, -1, 7, INTEGER_MAX, 2**70])),
        "append": some(st.builds(Append, st.lists(items, max_size=2), st.sampled_from([None, None, 0, 1, 3]))),
        "expect": one_key.flatmap(lambda keys: st.fixed_dictionaries({key: expected(key) for key in keys})),
        "header": st.fixed_dictionaries({}, optional=changes),
        "owner": st.just("us"),
        "release": st.just(True),
    }
    chosen = draw(st.sets(st.sampled_from([*parts, "expect", "header"]), max_size=3))
    delta = Delta(final=draw(st.booleans()))
    for name in sorted(chosen):
        setattr(delta, name, draw(parts[name]))
    if draw(st.integers(0, 5)) == 0:
        delta.ends = {key: draw(ends) for key in [*delta.incr, *delta.append]}
    return delta


cases = records().flatmap(lambda record: st.tuples(st.just(record), deltas(record)))


def living(fields: dict[str, bytes]) -> dict[str, bytes]:
    """Return the fields that have not ended: when the others go is up to the store."""
    return {key: raw for key, raw in fields.items() if at(raw, NOW) is not None}


def compare(store: SessionStore, record: Record, delta: Delta) -> None:
    """Let *store* merge, and fail if it does something else than the rules say. Its clock shows NOW."""
    drive(store.create(record.key, deepcopy(record)))
    after = deepcopy(record)
    try:
        expected = merge(after, deepcopy(delta), NOW)
    except SessionValueError as error:
        after = record
        with pytest.raises(SessionValueError, match=re.escape(str(error))):
            drive(store.merge(record.key, deepcopy(delta)))
    else:
        assert drive(store.merge(record.key, deepcopy(delta))) == expected
        if expected.emptied:
            assert drive(store.load(record.key)) is None
            return
    loaded = drive(store.load(record.key))
    if after.header.is_over(NOW):
        assert loaded is None
        return
    assert loaded is not None
    assert loaded.header == after.header
    assert living(loaded.fields) == living(after.fields)
    user = after.header.user
    if user is not None:
        assert [found.key for found in drive(store.find(user))] == [record.key]
