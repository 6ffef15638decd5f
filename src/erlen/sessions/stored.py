"""How a field of a session stands in a store: the forms that every store can work on without decoding.

=============  ==================================================  =======================================
first byte     form                                                what a store does with it
=============  ==================================================  =======================================
``-``, digit   a whole number of 64 bits, as decimal text          adds to it: ``b"41"`` becomes ``b"42"``
``l``          a list: each item behind its length (4 bytes, big   appends by concatenation, drops from the
               endian)                                             front, takes out given items
``m``          anything else: tagged msgpack                       keeps it
``s``          sealed: encrypted, see :mod:`erlen.sessions.seal`   keeps it
``t``          one of the others behind the moment at which it     treats it as missing from that moment on,
               ends: milliseconds since 1970 in 13 digits          and keeps the moment when it adds to it
=============  ==================================================  =======================================

What the items of a list and the tagged msgpack mean is known to :mod:`erlen.sessions.codec` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from erlen.errors import SessionValueError

__all__ = [
    "INTEGER_MAX",
    "INTEGER_MIN",
    "add",
    "at",
    "end_of",
    "extend",
    "is_list",
    "join",
    "number",
    "split",
    "subtract",
    "until",
]

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1

_LENGTH = Struct(">I")
_DIGITS = frozenset(b"-0123456789")
# The letter and the 13 digits before a field that ends.
_HEAD = 14
_LAST = 10**13 - 1


def until(raw: bytes, end: float | None) -> bytes:
    """Let *raw* end at the moment *end*, in seconds since 1970; None lets it live as long as the session."""
    return raw if end is None else b"t%013d%b" % (min(round(end * 1000), _LAST), raw)


def _moment(raw: bytes) -> int | None:
    """Return when a field ends, in milliseconds; None if it does not say so, or is damaged."""
    digits = raw[1:_HEAD] if raw[:1] == b"t" else b""
    return int(digits) if len(digits) == _HEAD - 1 and digits.isdigit() else None


def end_of(raw: bytes | None) -> float | None:
    """Return the moment at which a field ends, or None if it lives as long as the session."""
    moment = None if raw is None else _moment(raw)
    return None if moment is None else moment / 1000


def at(raw: bytes | None, now: float) -> bytes | None:
    """Return what a field is at the moment *now*, without its end; None if it is missing or has ended. ::

    at(until(b"41", 100.0), 99.9)  # b"41"
    at(until(b"41", 100.0), 100.0)  # None

    A damaged one is returned as it is: no other form begins like it, so that whoever decodes it says so.
    """
    if raw is None or raw[:1] != b"t":
        return raw
    moment = _moment(raw)
    if moment is None:
        return raw
    return raw[_HEAD:] if moment > now * 1000 else None


def is_list(raw: bytes) -> bool:
    """Tell whether *raw* is a list that can be appended to."""
    return raw[:1] == b"l"


def number(raw: bytes) -> int | None:
    """Return the number that *raw* is, or None if it is something else."""
    return int(raw) if raw and raw[0] in _DIGITS else None


def join(items: Iterable[bytes]) -> bytes:
    """Make a list of encoded *items*."""
    pack = _LENGTH.pack
    return b"l" + b"".join([pack(len(item)) + item for item in items])


def split(raw: bytes) -> list[bytes]:
    """Return the encoded items of a list.

    :raises ValueError: if *raw* is not a list, or is cut off
    """
    if not is_list(raw):
        raise ValueError("the field is not a list")
    items: list[bytes] = []
    at, end = 1, len(raw)
    while at < end:
        start = at + 4
        if start > end:
            raise ValueError("the list is cut off")
        at = start + _LENGTH.unpack_from(raw, at)[0]
        if at > end:
            raise ValueError("the list is cut off")
        items.append(raw[start:at])
    return items


def extend(raw: bytes | None, items: Iterable[bytes], limit: int | None = None) -> bytes:
    """Append encoded *items* to a list and keep its last *limit* items.

    What is missing or no list counts as an empty one: the later change wins.
    """
    held = raw if raw is not None and is_list(raw) else b"l"
    longer = held + join(items)[1:]
    if limit is None:
        return longer
    kept = split(longer)
    return longer if len(kept) <= limit else join(kept[len(kept) - limit :])


def subtract(raw: bytes | None, items: Iterable[bytes]) -> bytes | None:
    """Take out of a list, for each of *items*, the first equal one; return None when nothing is left of it.

    What is missing is passed over, and a field that is no list stays as it is.
    """
    if raw is None or not is_list(raw):
        return raw
    kept = split(raw)
    for item in items:
        if item in kept:
            kept.remove(item)
    return join(kept) if kept else None


def add(key: str, raw: bytes | None, by: int) -> int:
    """Return the number in *raw* plus *by*; what is missing or no number counts as 0.

    :raises SessionValueError: if the sum leaves the range of 64 bits
    """
    total = (number(raw) or 0 if raw is not None else 0) + by
    if not INTEGER_MIN <= total <= INTEGER_MAX:
        raise SessionValueError(f"session[{key!r}]", f"adding {by} leaves the range of a counter, 64 bits with sign.")
    return total
