"""How a session stands in a hash of Redis, and how a script is told what to change in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, Record

__all__ = [
    "delta_arguments",
    "hash_of",
    "header_of",
    "kind_of",
    "milliseconds",
    "moment",
    "moved_arguments",
    "record_of",
]

_FLOATS: Final = frozenset({"created", "seen", "idle", "absolute", "renewed", "auth_time", "until"})
_FLAGS: Final = frozenset({"permanent", "mortal"})
_TEXTS: Final = frozenset({"user", "label", "owner"})

_encode_seals = msgspec.msgpack.Encoder().encode
# The same numbers as repr() and float() give, in a third of their time.
_encode_number = msgspec.json.Encoder().encode
_decode_float = msgspec.json.Decoder(float).decode
_decode_seals = msgspec.msgpack.Decoder(list[bytes]).decode
_decode_packed = msgspec.msgpack.Decoder(tuple[bool, Header, dict[str, bytes]]).decode

# How each attribute of the header is read.
_READERS: Final[Mapping[bytes, tuple[str, Callable[[bytes], Any]]]] = {
    **{name.encode(): (name, _decode_float) for name in _FLOATS},
    **{name.encode(): (name, bytes.decode) for name in _TEXTS},
    **{name.encode(): (name, b"1".__eq__) for name in _FLAGS},
    b"version": ("version", int),
    b"successor": ("successor", bytes),
    b"seals": ("seals", _decode_seals),
}


def moment(seconds: float) -> bytes:
    """Write a moment, or any other float, so that nothing of it is lost."""
    return _encode_number(seconds + 0.0) if math.isfinite(seconds) else repr(seconds).encode()


def milliseconds(seconds: float) -> bytes:
    """Write a time to live, rounded up; never 0, which would mean now."""
    return b"%d" % max(1, math.ceil(seconds * 1000))


# -- hashes ---------------------------------------------------------------------------------------------------------


def hash_of(record: Record) -> list[bytes]:
    """Return the fields and values of the hash that *record* is kept in."""
    pairs = header_of(record.header)
    for name, raw in record.fields.items():
        pairs += (b"." + name.encode(), raw)
    return pairs


def header_of(header: Header) -> list[bytes]:
    """Return the fields and values of the hash for the header alone."""
    pairs: list[bytes] = []
    for name in Header.__struct_fields__:
        value = _written(name, getattr(header, name))
        if value is not None:
            pairs += (name.encode(), value)
    return pairs


def kind_of(name: str) -> str:
    """Return the letter by which a script knows how an attribute of the header stands in a hash."""
    if name in _FLOATS:
        return "d"
    if name in _TEXTS:
        return "s"
    return "b" if name in _FLAGS else {"version": "i", "successor": "x", "seals": "m"}[name]


def record_of(key: bytes, held: list[bytes] | bytes) -> Record:
    """Make a record of the fields and values of a hash; what a newer version has added to the header is passed over.

    :param held: the hash, or what a script has packed it into
    :raises ValueError: if it is not such a hash
    """
    if isinstance(held, bytes):
        touched, header, packed = _decode_packed(held)  # its error is a ValueError
        return Record(key, header, packed, False, touched)
    values: dict[str, Any] = {}
    fields = {}
    each = iter(held)
    for name, raw in zip(each, each, strict=True):
        known = _READERS.get(name)
        if known is not None:
            attribute, read = known
            try:
                values[attribute] = read(raw)
            except msgspec.DecodeError:
                values[attribute] = float(raw)  # such as inf, which is no JSON
        elif name[:1] == b".":
            fields[name[1:].decode()] = raw
    try:
        return Record(key, Header(**values), fields)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _written(name: str, value: Any) -> bytes | None:
    """Return an attribute of the header as it stands in a hash; None where it is left out."""
    if value is None or value is False:
        return None
    if name in _FLOATS:
        return moment(value) if value or name != "until" else None
    if name in _TEXTS:
        return str(value).encode()
    if name == "seals":
        return _encode_seals(value)
    return b"%d" % value if isinstance(value, int) else bytes(value)


# -- arguments ------------------------------------------------------------------------------------------------------


def delta_arguments(delta: Delta) -> list[bytes]:
    """Return the arguments that tell a script the delta: the letters of its parts, and then these in that order.

    Most changes are of one kind, and what every argument costs is much beside what it says.
    """
    letters, packed = b"r" * delta.release + b"f" * delta.final, [b""]
    if delta.owner is not None:
        letters += _list(packed, b"o", [delta.owner])
    if delta.expect:
        letters += _list(packed, b"m", [key for key, raw in delta.expect.items() if raw is None])
        letters += _map(packed, b"e", {key: raw for key, raw in delta.expect.items() if raw is not None})
    if delta.take:
        letters += _list(packed, b"t", delta.take)
    if delta.delete:
        letters += _list(packed, b"d", delta.delete)
    if delta.set:
        letters += _map(packed, b"s", delta.set)
    if delta.remove:
        letters += _map(packed, b"-", {key: stored.join(items) for key, items in delta.remove.items()})
    if delta.incr:
        letters += _map(packed, b"+", {key: b"%d" % by for key, by in delta.incr.items()})
    if delta.append:
        letters += _map(packed, b"a", {key: stored.join(each.items)[1:] for key, each in delta.append.items()})
        limits = {key: b"%d" % each.limit for key, each in delta.append.items() if each.limit is not None}
        letters += _map(packed, b"l", limits)
    if delta.ends:
        letters += _map(packed, b"n", {key: stored.until(b"", end) for key, end in delta.ends.items()})
    if delta.header:
        cleared, written = _header_changes(delta.header)
        letters += _list(packed, b"c", cleared) + _map(packed, b"h", written)
    packed[0] = letters
    return packed


def moved_arguments(delta: Delta, now: float) -> list[bytes]:
    """Return the arguments that tell a script what a move itself changes in the header: a list and a map."""
    packed: list[bytes] = []
    cleared, written = _header_changes({"renewed": now, **delta.moved})
    _list(packed, b"", cleared)
    _map(packed, b"", written)
    return packed


def _header_changes(changes: Mapping[str, Any]) -> tuple[list[str], dict[str, bytes]]:
    """Return the attributes that are cleared, and the others as they stand in a hash."""
    written = {name: _written(name, value) for name, value in changes.items()}
    cleared = [name for name, value in written.items() if value is None]
    return cleared, {name: value for name, value in written.items() if value is not None}


def _list(packed: list[bytes], letter: bytes, names: Collection[str]) -> bytes:
    """Add a list to *packed*, and return its letter."""
    packed.append(_encode_number(len(names)))
    packed += [name.encode() for name in names]
    return letter


def _map(packed: list[bytes], letter: bytes, pairs: Mapping[str, bytes]) -> bytes:
    """Add pairs to *packed*, and return their letter."""
    packed.append(_encode_number(len(pairs)))
    for name, value in pairs.items():
        packed += name.encode(), value
    return letter
