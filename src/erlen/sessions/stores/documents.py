"""What the stores mongodb and dynamodb have in common: a session is a document that is changed in place.

Most deltas are one command, which names only what it changes and what the session has to be like for it. The others
read the document and swap it, which sends only the differences: so what is sent grows with the change.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, ClassVar, NamedTuple

from erlen.errors import SessionUnavailable
from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, Merged, Record
from erlen.sessions.stores.swapping import SwappingStore

__all__ = ["DocumentStore", "Image", "Part", "from_parts", "mark", "to_parts"]

Part = int | bytes | list[bytes] | tuple[int, int | bytes | list[bytes]]
"""A field as a server can work on it: a number, bytes, a list, or one of these behind its end in milliseconds."""

_HEADER = frozenset(Header.__struct_fields__)
_OPTIONAL = len(Header.__struct_defaults__)
_DEFAULTS = dict(zip(Header.__struct_fields__[-_OPTIONAL:], Header.__struct_defaults__, strict=True))
# In what these change, other attributes of the document have a share.
_INVOLVED = frozenset({"seen", "idle", "absolute", "successor", "version"})
_DIGITS = frozenset(b"-0123456789")


def mark() -> int:
    """Return the first mark of a new document. Drawn, so that a document that replaced another is not taken for it."""
    return random.getrandbits(60)


def to_parts(raw: bytes) -> Part:
    """Take a field apart; what is not quite of its form stays bytes, for each field has to come back as it was."""
    first = raw[:1]
    if first == b"t":
        digits, rest = raw[1:14], raw[14:]
        if len(digits) == 13 and digits.isdigit() and rest[:1] != b"t":
            inner = to_parts(rest)
            assert not isinstance(inner, tuple)
            return int(digits), inner
    elif first == b"l":
        try:
            return stored.split(raw)
        except ValueError:
            return raw
    elif raw and raw[0] in _DIGITS and len(raw) <= 20:
        digits = raw.removeprefix(b"-")
        if digits.isdigit() and b"%d" % int(raw) == raw and stored.INTEGER_MIN <= int(raw) <= stored.INTEGER_MAX:
            return int(raw)
    return raw


def from_parts(part: Part) -> bytes:
    """Put a field together again."""
    if isinstance(part, bytes):
        return part
    if isinstance(part, int):
        return b"%d" % part
    if isinstance(part, list):
        return stored.join(part)
    return b"t%013d%b" % (part[0], from_parts(part[1]))


class Image(NamedTuple):
    """A document as it was read, to tell what became different."""

    mark: int
    """Grows with every change of the document, while the version of the header does so with merges alone."""
    header: Header
    fields: dict[str, bytes]

    @classmethod
    def of(cls, mark: int, record: Record) -> Image:
        """Remember *record*, which its owner may change."""
        return cls(mark, copy(record.header), dict(record.fields))

    def header_changes(self, header: Header) -> dict[str, Any]:
        """Return the attributes in which *header* is different."""
        return {
            name: value
            for name in Header.__struct_fields__
            if (value := getattr(header, name)) != getattr(self.header, name)
        }

    def changed(self, fields: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return those of *fields* that are new or different."""
        return {key: raw for key, raw in fields.items() if self.fields.get(key) != raw}

    def gone(self, fields: Mapping[str, bytes]) -> list[str]:
        """Return the keys that are missing in *fields*."""
        return [key for key in self.fields if key not in fields]


class DocumentStore(SwappingStore[Image]):
    """Changes a document by one command where the server can, and else by reading and swapping it."""

    by_swapping: ClassVar[frozenset[str]] = frozenset()
    """Attributes of the header that cannot be changed in one command."""
    sees_emptiness: ClassVar[bool] = False
    """Whether a command can be made to depend on the session having any field."""

    @abstractmethod
    async def change(self, key: bytes, delta: Delta, now: float) -> Merged | None:
        """Apply *delta*, which is :meth:`direct`, in one command; None if the living session does not allow that."""

    @abstractmethod
    async def lease(self, key: bytes, owner: str, until: float, now: float) -> tuple[Record, Image] | None:
        """Lease the living session to *owner* in one command, unless somebody else holds it; None if that was not done.

        The answer is the session afterwards.
        """

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        now = self.clock()
        if self.direct(delta, now):
            merged = await self.change(key, delta, now)
            if merged is not None:
                return merged
        # Refused, in conflict, under an old token, or beyond what one command can do: a second look tells.
        return await super().merge(key, delta)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        now = self.clock()
        found = await self.lease(key, owner, now + lease, now)
        if found is None:
            return await super().acquire(key, owner, lease, wait)
        record, image = found
        if record.header.touch(now):
            record.touched = await self.swap(record.key, record, image)
        return record

    def direct(self, delta: Delta, now: float) -> bool:
        """Tell whether one command can apply *delta*, if the session allows it."""
        changed = {*delta.set, *delta.delete, *delta.take}
        added = [*delta.incr, *delta.append]
        if delta.remove or delta.ends or len(set(added)) < len(added) or not changed.isdisjoint(added):
            return False
        if not delta.header.keys() <= _HEADER - _INVOLVED - self.by_swapping:
            return False
        if delta.final and not delta.set and not added and (changed or not self.sees_emptiness):
            return False  # it may leave nothing
        if any(not stored.INTEGER_MIN <= by <= stored.INTEGER_MAX for by in delta.incr.values()):
            return False
        # A field that has ended is missing, though it may still stand there.
        return all(raw is None or stored.at(raw, now) is not None for raw in delta.expect.values())


def header_of(delta: Delta) -> dict[str, Any]:
    """Return the new values of the header's attributes: those of *delta*, and of a lease that it gives back."""
    return {**delta.header, "owner": None, "until": 0.0} if delta.release else delta.header


def filled(header: Header, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return the attributes of *header* that say something: those that are not as usual."""
    return {
        name: value
        for name in Header.__struct_fields__
        if name not in without and ((value := getattr(header, name)) != _DEFAULTS.get(name, _REQUIRED))
    }


def header_from(attributes: dict[str, Any]) -> Header:
    """Make the header of what :func:`filled` returned.

    :raises SessionUnavailable: if the attributes are not those of a header
    """
    try:
        return Header(**attributes)
    except TypeError as error:
        raise SessionUnavailable(
            f"A stored session is damaged, or a newer version of Erlen wrote it ({error}). "
            "Let all workers run the same version."
        ) from error


_REQUIRED = object()
