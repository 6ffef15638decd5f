"""How a session stands in a hash of Redis, and how a script is told what to change in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, Record

__all__ = [
    "END",
    "SIZES",
    "delta_arguments",
    "framed",
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
    return _encode_number(seconds + 0.0) if seconds - seconds == 0 else repr(seconds).encode()


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

# Formatting a number takes longer than all the rest.
SIZES: Final = [b"\r\n$%d\r\n" % size for size in range(512)]
"""What is sent before an argument of so many bytes."""

END: Final = b"\r\n"
"""What is sent after the last argument."""


def framed(arguments: Iterable[bytes]) -> bytes:
    """Return the arguments of a command as they are sent, each behind its size."""
    parts: list[bytes] = []
    for each in arguments:
        parts += (SIZES[len(each)] if len(each) < 512 else b"\r\n$%d\r\n" % len(each), each)
    return b"".join(parts)


_COUNTS: Final = [framed([b"%d" % number]) for number in range(64)]
_LETTERS: Final = {True: {True: b"rf", False: b"r"}, False: {True: b"f", False: b""}}


def delta_arguments(delta: Delta) -> tuple[int, list[bytes]]:
    """Return the arguments that tell a script the delta: how many, and the parts of them as they are sent.

    They are the letters of what the delta has, and then this in that order: most changes are of one kind, and what
    every argument costs is much beside what it says.
    """
    letters, parts, count = _LETTERS[delta.release][delta.final], [b"", b""], 1
    if delta.owner is not None:
        letters += b"o"
        count += _list(parts, [delta.owner])
    if delta.expect:
        letters += b"me"
        count += _list(parts, [key for key, raw in delta.expect.items() if raw is None])
        count += _map(parts, {key: raw for key, raw in delta.expect.items() if raw is not None})
    if delta.take:
        letters += b"t"
        count += _list(parts, delta.take)
    if delta.delete:
        letters += b"d"
        count += _list(parts, delta.delete)
    if delta.set:
        letters += b"s"
        count += _map(parts, delta.set)
    if delta.remove:
        letters += b"-"
        count += _map(parts, {key: stored.join(items) for key, items in delta.remove.items()})
    if delta.incr:
        letters += b"+"
        count += _map(parts, {key: b"%d" % by for key, by in delta.incr.items()})
    if delta.append:
        letters += b"al"
        count += _map(parts, {key: stored.join(each.items)[1:] for key, each in delta.append.items()})
        count += _map(parts, {key: b"%d" % each.limit for key, each in delta.append.items() if each.limit is not None})
    if delta.ends:
        letters += b"n"
        count += _map(parts, {key: stored.until(b"", end) for key, end in delta.ends.items()})
    if delta.header:
        letters += b"ch"
        count += _header(parts, delta.header)
    parts[0], parts[1] = SIZES[len(letters)], letters
    return count, parts


def moved_arguments(delta: Delta, now: float) -> tuple[int, list[bytes]]:
    """Return the arguments that tell a script what a move itself changes in the header, a list and a map."""
    parts: list[bytes] = []
    return _header(parts, {"renewed": now, **delta.moved}), parts


def _header(parts: list[bytes], changes: Mapping[str, Any]) -> int:
    """Add the attributes that are cleared, and the others as they stand in a hash."""
    written = {name: _written(name, value) for name, value in changes.items()}
    count = _list(parts, [name for name, value in written.items() if value is None])
    return count + _map(parts, {name: value for name, value in written.items() if value is not None})


def _list(parts: list[bytes], names: Collection[str]) -> int:
    """Add a list to *parts*, and return how many arguments it is."""
    parts.append(framed([b"%d" % len(names), *map(str.encode, names)]))
    return 1 + len(names)


def _map(parts: list[bytes], pairs: Mapping[str, bytes]) -> int:
    """Add pairs to *parts*, and return how many arguments they are."""
    number = len(pairs)
    parts.append(_COUNTS[number] if number < 64 else framed([b"%d" % number]))
    for name, value in pairs.items():
        encoded = name.encode()
        if len(encoded) < 512 and len(value) < 512:
            parts += (SIZES[len(encoded)], encoded, SIZES[len(value)], value)
        else:
            parts.append(framed((encoded, value)))
    return 1 + 2 * number
