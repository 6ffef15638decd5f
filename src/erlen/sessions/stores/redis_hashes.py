"""How a session stands in a hash of Redis, and how a script is told what to change in it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, Record

__all__ = ["delta_arguments", "hash_of", "header_of", "milliseconds", "moment", "moved_arguments", "record_of"]

_FLOATS: Final = frozenset({"created", "seen", "idle", "absolute", "renewed", "auth_time", "until"})
_FLAGS: Final = frozenset({"permanent", "mortal"})
_TEXTS: Final = frozenset({"user", "label", "owner"})

_encode_seals = msgspec.msgpack.Encoder().encode
_decode_seals = msgspec.msgpack.Decoder(list[bytes]).decode


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
    for name, raw in zip(held[::2], held[1::2], strict=True):
        if name[:1] == b".":
            fields[name[1:].decode()] = raw
        else:
            _read(values, name.decode(), raw)
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


def _read(values: dict[str, Any], name: str, raw: bytes) -> None:
    if name in _FLOATS:
        values[name] = float(raw)
    elif name in _TEXTS:
        values[name] = raw.decode()
    elif name in _FLAGS:
        values[name] = raw == b"1"
    elif name == "version":
        values[name] = int(raw)
    elif name == "successor":
        values[name] = raw
    elif name == "seals":
        values[name] = _decode_seals(raw)


# -- arguments ------------------------------------------------------------------------------------------------------


def delta_arguments(delta: Delta) -> list[bytes]:
    """Return the arguments that tell a script the delta, in the order in which it reads them."""
    expected = {key: raw for key, raw in delta.expect.items() if raw is not None}
    limits = {key: b"%d" % append.limit for key, append in delta.append.items() if append.limit is not None}
    return [
        b"r" * delta.release + b"f" * delta.final,
        *_list([] if delta.owner is None else [delta.owner]),
        *_list([key for key in delta.expect if key not in expected]),
        *_map(expected),
        *_list(delta.take),
        *_list(delta.delete),
        *_map(delta.set),
        *_map({key: stored.join(items) for key, items in delta.remove.items()}),
        *_map({key: b"%d" % by for key, by in delta.incr.items()}),
        *_map({key: stored.join(append.items)[1:] for key, append in delta.append.items()}),
        *_map(limits),
        *_map({key: stored.until(b"", end) for key, end in delta.ends.items()}),
        *_header_changes(delta.header),
    ]


def moved_arguments(delta: Delta, now: float) -> list[bytes]:
    """Return the arguments that tell a script what a move itself changes in the header."""
    return _header_changes({"renewed": now, **delta.moved})


def _header_changes(changes: Mapping[str, Any]) -> list[bytes]:
    written = {name: _written(name, value) for name, value in changes.items()}
    cleared = [name for name, value in written.items() if value is None]
    return [*_list(cleared), *_map({name: value for name, value in written.items() if value is not None})]


def _list(names: Collection[str]) -> Iterable[bytes]:
    yield b"%d" % len(names)
    for name in names:
        yield name.encode()


def _map(pairs: Mapping[str, bytes]) -> Iterable[bytes]:
    yield b"%d" % len(pairs)
    for name, value in pairs.items():
        yield name.encode()
        yield value
