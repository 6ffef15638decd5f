"""How a session stands in a hash of Redis, and how a script is told what to change in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, Record

__all__ = ["delta_arguments", "hash_of", "header_of", "milliseconds", "moment", "moved_arguments", "record_of"]

_FLOATS: Final = frozenset({"created", "seen", "idle", "absolute", "renewed", "auth_time", "until"})
_FLAGS: Final = frozenset({"permanent", "mortal"})
_TEXTS: Final = frozenset({"user", "label", "owner"})

_NONE: Final = (b"0",)
"""The arguments that say that there is nothing of a kind: most changes are of one kind alone."""
_NO_NAMES: Sequence[str] = ()
_NO_BYTES: Mapping[str, bytes] = {}

_encode_seals = msgspec.msgpack.Encoder().encode
_decode_float = msgspec.json.Decoder(float).decode  # the same number as float() gives, in a third of its time
_decode_seals = msgspec.msgpack.Decoder(list[bytes]).decode

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
    return repr(float(seconds)).encode()


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


def record_of(key: bytes, held: list[bytes]) -> Record:
    """Make a record of the fields and values of a hash; what a newer version has added to the header is passed over.

    :raises ValueError: if it is not such a hash
    """
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
    """Return the arguments that tell a script the delta, in the order in which it reads them."""
    expect, append, missing, expected, limits = delta.expect, delta.append, _NO_NAMES, _NO_BYTES, _NO_BYTES
    if expect:
        missing = [key for key, raw in expect.items() if raw is None]
        expected = {key: raw for key, raw in expect.items() if raw is not None}
    if append:
        limits = {key: b"%d" % each.limit for key, each in append.items() if each.limit is not None}
    return [
        b"r" * delta.release + b"f" * delta.final,
        *(_NONE if delta.owner is None else _list([delta.owner])),
        *_list(missing),
        *_map(expected),
        *_list(delta.take),
        *_list(delta.delete),
        *_map(delta.set),
        *(_map({key: stored.join(items) for key, items in delta.remove.items()}) if delta.remove else _NONE),
        *(_map({key: b"%d" % by for key, by in delta.incr.items()}) if delta.incr else _NONE),
        *(_map({key: stored.join(each.items)[1:] for key, each in append.items()}) if append else _NONE),
        *_map(limits),
        *(_map({key: stored.until(b"", end) for key, end in delta.ends.items()}) if delta.ends else _NONE),
        *_header_changes(delta.header),
    ]


def moved_arguments(delta: Delta, now: float) -> Sequence[bytes]:
    """Return the arguments that tell a script what a move itself changes in the header."""
    return _header_changes({"renewed": now, **delta.moved})


def _header_changes(changes: Mapping[str, Any]) -> Sequence[bytes]:
    if not changes:
        return _NONE * 2
    written = {name: _written(name, value) for name, value in changes.items()}
    cleared = [name for name, value in written.items() if value is None]
    return [*_list(cleared), *_map({name: value for name, value in written.items() if value is not None})]


def _list(names: Collection[str]) -> Sequence[bytes]:
    return [b"%d" % len(names), *[name.encode() for name in names]] if names else _NONE


def _map(pairs: Mapping[str, bytes]) -> Sequence[bytes]:
    if not pairs:
        return _NONE
    packed = [b"%d" % len(pairs)]
    for name, value in pairs.items():
        packed += name.encode(), value
    return packed
