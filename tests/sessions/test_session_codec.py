"""Values go to bytes and come back as they were; what cannot be stored is named by its path."""

from __future__ import annotations

import enum
import math
import re
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from msgspec.msgpack import Ext
from msgspec.msgpack import encode as msgpack

from erlen.errors import SessionValueError
from erlen.sessions.codec import decode, decode_item, encode, encode_item
from erlen.sessions.stored import INTEGER_MAX, INTEGER_MIN, is_list, number, split

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
offsets = st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
hashables = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(INTEGER_MAX - 2, 2**64 + 2),
    st.floats(allow_nan=False),
    texts,
    st.binary(max_size=12),
    st.datetimes(),
    st.datetimes(timezones=offsets),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.decimals(allow_nan=False),
    texts.map(Markup),
)
# Deferred, so that the description of a strategy stays short.
leaves = st.deferred(lambda: hashables)
frozen = st.deferred(lambda: leaves | st.tuples(leaves, leaves) | st.frozensets(leaves, max_size=3))
values = st.recursive(
    leaves | st.sets(frozen, max_size=4),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(texts, inner, max_size=4),
        st.dictionaries(frozen, inner, max_size=3),
    ),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    """Say what a value is in plain Python terms, types included: the oracle of a round trip."""
    if isinstance(value, dict):
        return type(value), [(shape(name), shape(held)) for name, held in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [shape(held) for held in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(repr(shape(held)) for held in value)
    if isinstance(value, (datetime, time)):
        return type(value), value.isoformat()
    return type(value), repr(value)


@given(values)
def test_a_value_comes_back_with_its_types(value: Any) -> None:
    assert shape(decode("k", encode("k", value))) == shape(value)
    assert shape(decode_item(encode_item("k", value))) == shape(value)


@given(values)
def test_the_same_value_always_gives_the_same_bytes(value: Any) -> None:
    raw = encode("k", value)
    assert encode("k", decode("k", raw)) == raw


@given(values)
def test_the_first_byte_tells_the_form(value: Any) -> None:
    raw = encode("k", value)
    if isinstance(value, list):
        assert is_list(raw)
        assert [shape(decode_item(item)) for item in split(raw)] == [shape(item) for item in value]
    elif type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
        assert raw == str(value).encode()
        assert number(raw) == value
    else:
        assert raw[:1] == b"m"
        assert (is_list(raw), number(raw)) == (False, None)


def test_the_bytes_are_those_of_the_documented_format() -> None:
    assert encode("k", 42) == b"42"
    assert encode("k", True) == b"m" + msgpack(True)
    assert encode("k", {"a": [1, None]}) == b"m" + msgpack({"a": [1, None]})
    assert encode("k", ["x", 7]) == b"l\0\0\0\x02" + msgpack("x") + b"\0\0\0\x01" + msgpack(7)
    assert encode("k", (1, "a")) == b"m" + msgpack(Ext(1, msgpack([1, "a"])))
    assert encode("k", Decimal("1.50")) == b"m" + msgpack(Ext(12, b"1.50"))
    assert encode("k", 2**63) == b"m" + msgpack(Ext(5, b"9223372036854775808"))
    assert encode("k", UUID(int=5)) == b"m" + msgpack(Ext(11, b"\0" * 15 + b"\x05"))


def test_a_set_has_one_order_whatever_the_order_it_was_filled_in() -> None:
    one, two = set(), set()
    words = [f"word {number}" for number in range(50)]
    one.update(words)
    two.update(reversed(words))
    assert encode("k", one) == encode("k", two)


def test_what_writes_itself_as_html_comes_back_as_markup() -> None:
    class Greeting:
        def __html__(self) -> str:
            return "<b>hello</b>"

    for value in (Greeting(), [Greeting()]):
        found = decode("a", encode("a", value))
        found = found[0] if isinstance(found, list) else found
        assert (type(found), found) == (Markup, "<b>hello</b>")


def test_not_a_number_stays_one_and_is_no_change() -> None:
    raw = encode("k", [math.nan, math.inf, -0.0])
    back = decode("k", raw)
    assert math.isnan(back[0])
    assert (back[1], math.copysign(1, back[2])) == (math.inf, -1)
    assert encode("k", back) == raw


def test_a_named_zone_comes_back_as_its_offset() -> None:
    summer = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    back = decode("k", encode("k", summer))
    assert back == summer
    assert back.utcoffset() == timedelta(hours=2)


class Color(enum.IntEnum):
    RED = 1


class Name(str):
    """A text of its own type."""


class Size(enum.StrEnum):
    BIG = "big"


def test_other_subclasses_come_back_as_their_base_type() -> None:
    point = namedtuple("point", "x y")(1, 2)
    value = [Color.RED, Name("ada"), Size.BIG, OrderedDict(a=1), point]
    assert shape(decode("k", encode("k", value))) == shape([1, "ada", "big", {"a": 1}, (1, 2)])
    assert encode("k", Color.RED) == b"m\x01"
    assert decode("k", encode("k", Color.RED)) == 1


@pytest.mark.parametrize(
    ("value", "path", "kind"),
    [
        (object(), "session['k']", "object"),
        ([1, {"file": open}], "session['k'][1]['file']", "builtin_function_or_method"),
        ({"a": ({"b": 1j},)}, "session['k']['a'][0]['b']", "complex"),
        ({(1, object): 2}, "session['k'] (the key (1, <class 'object'>))[1]", "type"),
        ({"ok": 1, "bad": frozenset({range(3)})}, "session['k']['bad'] (a member of the set)", "range"),
        ([date(2026, 1, 1), re.compile("x")], "session['k'][1]", "re.Pattern"),
        (bytearray(b"x"), "session['k']", "bytearray"),
    ],
)
def test_what_cannot_be_stored_is_named_by_its_path(value: Any, path: str, kind: str) -> None:
    with pytest.raises(SessionValueError) as caught:
        encode("k", value)
    assert caught.value.path == path
    assert str(caught.value) == (
        f"{path}: a value of type {kind} cannot be stored in a session. Store what is needed to build it again: its "
        "id, or a dict of its values."
    )


def test_an_item_that_cannot_be_stored_is_named_too() -> None:
    with pytest.raises(SessionValueError, match=r"session\['log'\]\['f'\]: a value of type object"):
        encode_item("log", {"f": object()})


@pytest.mark.parametrize("value", ["\ud800", ["ok", {"deep": "\udfff"}], {"\ud800": 1}])
def test_half_a_surrogate_pair_is_refused_with_its_path(value: Any) -> None:
    with pytest.raises(SessionValueError, match="half of a surrogate pair") as caught:
        encode("k", value)
    assert caught.value.path in ("session['k']", "session['k'][1]['deep']", "session['k'] (the key '\\ud800')")


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(SessionValueError, match="contains itself"):
        encode("k", loop)


@pytest.mark.parametrize(
    "raw",
    [b"", b"x", b"m", b"m\xc1", b"-", b"12x", b"l\0\0", b"l\0\0\0\x09\x01", b"m" + msgpack(Ext(99, b""))],
)
def test_damaged_bytes_are_an_error_that_says_how_to_be_rid_of_them(raw: bytes) -> None:
    with pytest.raises(
        SessionValueError, match=r"session\['k'\]: the stored value cannot be read .*session.pop\('k', None\)"
    ):
        decode("k", raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\x91" * 5000 + b"\xc0", id="nested too deeply"),
        pytest.param(msgpack(Ext(10, msgpack((2**62, 0, 0)))), id="a time span out of range"),
        pytest.param(msgpack(Ext(12, b"1.2.3")), id="a decimal number that is none"),
        pytest.param(msgpack(Ext(2, msgpack([[1]]))), id="a set of lists"),
    ],
)
def test_what_no_type_can_be_made_of_is_damaged_too(raw: bytes) -> None:
    with pytest.raises(SessionValueError, match="cannot be read"):
        decode("k", b"m" + raw)


def test_a_tag_of_a_newer_version_is_named() -> None:
    with pytest.raises(SessionValueError, match="unknown tag 99"):
        decode("k", b"m" + msgpack({"a": Ext(99, b"")}))


def test_utc_comes_back_as_utc() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert decode("k", encode("k", moment)).tzinfo == UTC
