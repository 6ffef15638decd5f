"""Values of a session to bytes and back: msgpack with tags for what msgpack does not know, never pickle.

Stored exactly: None, bool, int of any size, float, str, bytes, list, tuple, dict with keys of any of these types,
set, frozenset, datetime, date, time, timedelta, UUID, Decimal and markupsafe's Markup. An aware datetime keeps its
offset, not the name of its zone. An instance of another subclass of str, int, float, list, tuple or dict is stored as
the base type, and what has a method ``__html__``, a lazy translation for instance, as Markup. Everything else is
refused, and the error names its path: ``session['cart'][3]['file']``.

The same value always gives the same bytes, so comparing bytes finds a change deep inside a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from markupsafe import Markup
from msgspec import Raw, json
from msgspec.msgpack import Decoder, Encoder, Ext

from erlen.errors import SessionValueError
from erlen.sessions.stored import INTEGER_MAX, INTEGER_MIN, join, number, split

__all__ = ["SCALARS", "decode", "decode_item", "encode", "encode_item"]

# The tags are written into stored sessions: a number is never given another meaning.
_TUPLE, _SET, _FROZENSET, _PAIRS, _BIG, _MARKUP = 1, 2, 3, 4, 5, 6
_DATETIME, _DATE, _TIME, _DELTA, _UUID, _DECIMAL = 7, 8, 9, 10, 11, 12

_pack = Encoder().encode
_digits = json.Encoder().encode  # what b"%d" gives, in a third of its time
_MSGPACK, _LIST = b"ml"
# Types that msgpack knows and that cannot hold anything unknown.
_NATIVE = frozenset({str, bool, float, type(None), bytes})

SCALARS = frozenset(
    {str, int, bool, float, type(None), bytes, datetime, date, time, timedelta, UUID, Decimal, Markup},
)
"""Types that cannot change after they were assigned, so that a read one need not be compared at the end."""


def encode(key: str, value: Any) -> bytes:
    """Give the stored form of *value* as the field *key*.

    :raises SessionValueError: if it, or something inside it, cannot be stored
    """
    kind = type(value)
    if kind is str:
        try:
            return b"m" + _pack(value)
        except UnicodeEncodeError as error:
            raise _refusal(key, value, error) from error
    if kind is int and INTEGER_MIN <= value <= INTEGER_MAX:
        return _digits(value)
    try:
        if isinstance(value, list):
            return join([_pack(_lower(item)) for item in value])
        return b"m" + _pack(_lower(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(key, value, error) from error


def encode_item(key: str, value: object) -> bytes:
    """Give the stored form of *value* as an item of the list *key*.

    :raises SessionValueError: if it, or something inside it, cannot be stored
    """
    try:
        return _pack(_lower(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(key, value, error) from error


def decode(key: str, raw: bytes) -> Any:
    """Give the value of the stored field *key*.

    :raises SessionValueError: if the bytes are damaged, or of a newer version of Erlen
    """
    try:
        form = raw[0] if raw else None
        if form == _MSGPACK:
            return _unpack(raw[1:])
        if form == _LIST:
            return [_unpack(item) for item in split(raw)]
        whole = number(raw)
        if whole is None:
            raise ValueError("it has no known form")
        return whole
    except Exception as error:  # damaged bytes may be any type's mistake: nested too deeply, a number out of range
        raise SessionValueError(
            f"session[{key!r}]",
            f"the stored value cannot be read ({error}). It is damaged, or was written by a newer version of Erlen; "
            f"'session.pop({key!r}, None)' does not read it, and so takes it away.",
        ) from error


def decode_item(raw: bytes) -> Any:
    """Give the value of one item of a stored list."""
    return _unpack(raw)


def _lower(value: Any) -> Any:
    """Turn *value* into what msgpack writes without losing its type."""
    kind = type(value)
    if kind in _NATIVE:
        return value
    if kind is int and INTEGER_MIN <= value <= INTEGER_MAX:
        return value
    lower = _LOWER.get(kind)
    if lower is not None:
        return lower(value)
    if callable(getattr(kind, "__html__", None)):
        return Ext(_MARKUP, str(value.__html__()).encode())
    for base, lower in _BASES:
        if isinstance(value, base):
            return lower(value)
    raise TypeError(f"a value of type {kind.__module__}.{kind.__qualname__} cannot be stored")


def _lower_dict(value: dict[Any, Any]) -> Any:
    lowered = {}
    for key, held in value.items():
        if type(key) is not str:
            return Ext(_PAIRS, _pack([(_lower(name), _lower(item)) for name, item in value.items()]))
        lowered[key] = held if type(held) in _NATIVE else _lower(held)
    return lowered


def _lower_list(value: list[Any]) -> Any:
    return [item if type(item) in _NATIVE else _lower(item) for item in value]


def _lower_int(value: int) -> Any:
    return int(value) if INTEGER_MIN <= value <= INTEGER_MAX else Ext(_BIG, b"%d" % value)


def _lower_members(value: Any) -> bytes:
    # Sorted, because the order of a set differs between two processes.
    return _pack([Raw(member) for member in sorted(_pack(_lower(item)) for item in value)])


_LOWER: dict[type, Callable[[Any], Any]] = {
    dict: _lower_dict,
    list: _lower_list,
    int: _lower_int,
    tuple: lambda value: Ext(_TUPLE, _pack(_lower_list(value))),
    set: lambda value: Ext(_SET, _lower_members(value)),
    frozenset: lambda value: Ext(_FROZENSET, _lower_members(value)),
    Markup: lambda value: Ext(_MARKUP, str(value).encode()),
    datetime: lambda value: Ext(_DATETIME, value.isoformat().encode()),
    date: lambda value: Ext(_DATE, value.isoformat().encode()),
    time: lambda value: Ext(_TIME, value.isoformat().encode()),
    timedelta: lambda value: Ext(_DELTA, _pack((value.days, value.seconds, value.microseconds))),
    UUID: lambda value: Ext(_UUID, value.bytes),
    Decimal: lambda value: Ext(_DECIMAL, str(value).encode()),
}

_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, lambda value: str.__str__(value)),
    (dict, _lower_dict),
    (list, _lower_list),
    (tuple, _LOWER[tuple]),
    (int, lambda value: _lower_int(int(value))),
    (float, float),
)


def _raise(code: int, data: memoryview) -> Any:
    """Give back the value behind a tag."""
    try:
        build = _RAISE[code]
    except KeyError:
        raise ValueError(f"it has the unknown tag {code}") from None
    return build(bytes(data))


_unpack: Callable[[bytes], Any] = Decoder(ext_hook=_raise).decode

_RAISE: dict[int, Callable[[bytes], Any]] = {
    _TUPLE: lambda data: tuple(_unpack(data)),
    _SET: lambda data: set(_unpack(data)),
    _FROZENSET: lambda data: frozenset(_unpack(data)),
    _PAIRS: lambda data: dict(_unpack(data)),
    _BIG: lambda data: int(data),
    _MARKUP: lambda data: Markup(data.decode()),
    _DATETIME: lambda data: datetime.fromisoformat(data.decode()),
    _DATE: lambda data: date.fromisoformat(data.decode()),
    _TIME: lambda data: time.fromisoformat(data.decode()),
    _DELTA: lambda data: timedelta(*_unpack(data)),
    _UUID: lambda data: UUID(bytes=data),
    _DECIMAL: lambda data: Decimal(data.decode()),
}


def _refusal(key: str, value: object, error: Exception) -> SessionValueError:
    """Say which part of *value* cannot be stored, and what to store instead."""
    path = f"session[{key!r}]"
    if isinstance(error, RecursionError):
        return SessionValueError(path, "it contains itself, or is nested too deeply to be stored.")
    step, culprit = _culprit(value)
    if isinstance(error, UnicodeEncodeError):
        problem = "the text holds half of a surrogate pair and cannot be written as UTF-8."
    else:
        kind = type(culprit)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        problem = (
            f"a value of type {name} cannot be stored in a session. Store what is needed to build it again: its id, "
            "or a dict of its values."
        )
    return SessionValueError(path + step, problem)


def _culprit(value: Any) -> tuple[str, object]:
    """Find the innermost part of *value* that cannot be stored, and the path to it."""
    for step, part in _parts(value):
        try:
            _pack(_lower(part))
        except (TypeError, ValueError):
            deeper, culprit = _culprit(part)
            return step + deeper, culprit
    return "", value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name in value:
            yield f" (the key {name!r})", name
        for name, item in value.items():
            yield f"[{name!r}]", item
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield f"[{index}]", item
    elif isinstance(value, (set, frozenset)):
        for item in value:
            yield " (a member of the set)", item
