"""What a store keeps of a session, and what a request asks it to change.

A session is a :class:`Header` and fields: each top-level key with its value, encoded on its own. A request never
writes a session, only a :class:`Delta`, which the store merges into the session as it is at that moment.
:func:`merge` does it in Python, for stores whose own language cannot.
"""

from __future__ import annotations

from typing import Any

import msgspec

from erlen.errors import SessionUnavailable
from erlen.sessions import stored

__all__ = [
    "Append",
    "CONFLICT",
    "Delta",
    "Header",
    "KeyNote",
    "Merged",
    "REFUSED",
    "Record",
    "forwarder",
    "merge",
    "pack",
    "unpack",
]

_VERSION = 1
# Seconds; no request that began before a move should still be running then.
_TRAIL_KEPT = 600.0


class Header(msgspec.Struct, array_like=True, gc=False):
    """What Erlen itself knows of a session. All times are seconds since 1970.

    New fields go to the end and have a default: records of an older version are still read.
    """

    created: float
    seen: float
    """When a request last read it, to a tenth of *idle*."""
    idle: float
    """Seconds without a request after which it ends."""
    absolute: float
    """The moment at which it ends however busy it is."""
    renewed: float
    """When it got its present token."""
    version: int = 1
    """Grows by one with each merge."""
    permanent: bool = False
    user: str | None = None
    auth_time: float | None = None
    """When the user was bound to it, that is: signed in."""
    label: str | None = None
    """A text for listings, for instance the device."""
    owner: str | None = None
    """Who holds the lease of the mode ``exclusive``, until *until*."""
    until: float = 0.0
    """In what a move leaves behind: until when it leads to the session. Afterwards only a deletion follows it."""
    successor: bytes | None = None
    """Set in what a move leaves behind: the key under which the session stands now."""
    mortal: bool = False
    """Some field may end before the session does."""
    seals: list[bytes] | None = None
    """The key of sealed fields, wrapped by what only the token gives; two while a timed renewal has its grace."""

    @property
    def deadline(self) -> float:
        """The moment at which the session ends if nobody asks for it any more."""
        return min(self.seen + self.idle, self.absolute)

    def is_over(self, now: float) -> bool:
        """Tell whether one of the two deadlines has passed."""
        return self.absolute <= now or self.seen + self.idle <= now

    def is_fresh(self, now: float) -> bool:
        """Tell whether it lives, was not moved and need not be touched at the moment *now*: most are so."""
        if (now - self.seen) * 10.0 < self.idle and now < self.absolute:  # 10.0, and if: so Python is quickest
            return self.successor is None
        return False

    def touch(self, now: float) -> bool:
        """Note that the session was seen, at most once in a tenth of its idle time; tell whether it was noted."""
        if (now - self.seen) * 10.0 < self.idle:
            return False
        self.seen = now
        return True

    def lease(self, owner: str, lease: float, now: float) -> bool:
        """Lease the session to *owner* for *lease* seconds, unless somebody else holds it; tell whether it was done."""
        if self.owner is not None and self.owner != owner and self.until > now:
            return False
        self.owner, self.until = owner, now + lease
        return True

    def moved(self, now: float, delta: Delta) -> None:
        """Note that a move with *delta* has put the session under its new key."""
        self.renewed = now
        for name, value in delta.moved.items():
            setattr(self, name, value)


def forwarder(successor: bytes, now: float, grace: float) -> Header:
    """Return the header of what a move leaves behind: it leads to *successor* for *grace* seconds.

    It is kept longer than that, for deletions alone: a logout that began before the move ends the session wherever it
    stands, and nobody stays signed in because two tabs were at work.
    """
    kept = grace + _TRAIL_KEPT
    return Header(
        created=now, seen=now, idle=kept, absolute=now + kept, renewed=now, until=now + grace, successor=successor
    )


class Record(msgspec.Struct, gc=False):
    """A session as read from a store; whoever gets one owns it and may change it."""

    key: bytes
    header: Header
    fields: dict[str, bytes]
    forwarded: bool = False
    """Found through the old token of a timed renewal, in its grace."""
    touched: bool = False
    """This reading moved the idle deadline."""


class Append(msgspec.Struct):
    """Encoded items to append to a list, which then keeps its last *limit* ones."""

    items: list[bytes]
    limit: int | None = None


class Delta(msgspec.Struct):
    """What one request changes. Applied in the order of the attributes; each names top-level keys.

    ``session.clear()`` is no delta: it ends the session, so that a late merge of another request is refused.
    """

    take: list[str] = []
    """Take these out and return their bytes: of two racing requests exactly one gets them."""
    delete: list[str] = []
    set: dict[str, bytes] = {}
    remove: dict[str, list[bytes]] = {}
    """For each given item, take the first equal one out of the list; an emptied list goes."""
    incr: dict[str, int] = {}
    """Add to an integer and return the sum; what is missing or no integer counts as 0."""
    append: dict[str, Append] = {}
    """Append to a list; what is missing or no list counts as an empty one."""
    ends: dict[str, float] = {}
    """For keys in ``incr`` and ``append``: the moment at which the field ends, if this delta makes it anew."""
    expect: dict[str, bytes | None] = {}
    """Change nothing unless these fields stand there with just these bytes; None: unless the field is missing."""
    header: dict[str, Any] = {}
    """New values for attributes of the header."""
    moved: dict[str, Any] = {}
    """New values for attributes of the header, if a move really puts the session under its new key."""
    owner: str | None = None
    """Refuse the delta unless this owner holds the lease still."""
    release: bool = False
    """Give the lease back."""
    final: bool = True
    """Delete the session if no field is left and no user is bound. False for a command in the middle of a request."""


class Merged(msgspec.Struct):
    """What became of a delta."""

    refused: bool = False
    """Nothing was changed: the session was ended, revoked, rotated or has expired, or the lease is lost."""
    conflict: bool = False
    """Nothing was changed: a field is not what the delta expects."""
    version: int = 0
    numbers: dict[str, int] = {}
    """The results of ``incr``."""
    taken: dict[str, bytes] = {}
    """The results of ``take``: without the keys that were not there."""
    emptied: bool = False
    """Nothing was left, and the session was deleted."""
    forwarded: bool = False
    """The session has had a timed renewal meanwhile: the change was kept, but this token is an old one."""


class KeyNote(msgspec.Struct, array_like=True):
    """The fingerprint of a secret key that some process uses with this store; see :mod:`erlen.sessions.fingerprint`."""

    fingerprint: str
    ring: list[str]
    owner: str
    noted: float


REFUSED = Merged(refused=True)
CONFLICT = Merged(conflict=True)


def merge(record: Record, delta: Delta, now: float) -> Merged:
    """Apply *delta* to *record* in place, by the rules of the store contract.

    A store calls it while nobody else can change the session. With ``refused`` and ``conflict`` the record is as it
    was, and with ``emptied`` the store has to delete it.

    :raises SessionValueError: if an increment leaves 64 bits; the record must not be stored then
    """
    header, fields = record.header, record.fields
    if header.is_over(now):
        return REFUSED
    if delta.owner is not None and (header.owner != delta.owner or header.until <= now):
        return REFUSED
    if delta.expect:
        for key, expected in delta.expect.items():
            raw = fields.get(key)
            if (raw if stored.at(raw, now) is not None else None) != expected:
                return CONFLICT
    if header.mortal:
        for key in [key for key, raw in fields.items() if stored.at(raw, now) is None]:
            del fields[key]
    taken: dict[str, bytes] = {}
    numbers: dict[str, int] = {}
    # Most deltas set fields alone, and to ask first is cheaper than a loop without a round.
    if delta.take:
        for key in delta.take:
            raw = stored.at(fields.pop(key, None), now)
            if raw is not None:
                taken[key] = raw
    if delta.delete:
        for key in delta.delete:
            fields.pop(key, None)
    if delta.set:
        fields.update(delta.set)
    if delta.remove:
        for key, items in delta.remove.items():
            held = fields.get(key)
            left = stored.subtract(stored.at(held, now), items)
            if left is None:
                fields.pop(key, None)
            else:
                fields[key] = stored.until(left, stored.end_of(held))
    if delta.incr:
        for key, by in delta.incr.items():
            held = fields.get(key)
            raw = stored.at(held, now)
            numbers[key] = total = stored.add(key, raw, by)
            fields[key] = stored.until(b"%d" % total, delta.ends.get(key) if raw is None else stored.end_of(held))
    if delta.append:
        for key, append in delta.append.items():
            held = fields.get(key)
            raw = stored.at(held, now)
            longer = stored.extend(raw, append.items, append.limit)
            fields[key] = stored.until(longer, delta.ends.get(key) if raw is None else stored.end_of(held))
    if delta.header:
        for name, value in delta.header.items():
            setattr(header, name, value)
    if delta.release:
        header.owner, header.until = None, 0.0
    header.version += 1
    emptied = delta.final and not fields and header.user is None
    return Merged(False, False, header.version, numbers, taken, emptied, record.forwarded)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, Header, dict[str, bytes]]).decode


def pack(header: Header, fields: dict[str, bytes]) -> bytes:
    """Put a record into one value, for stores that keep it so."""
    return _encode((_VERSION, header, fields))


def unpack(key: bytes, data: bytes) -> Record:
    """Read what :func:`pack` wrote.

    :raises SessionUnavailable: if it is damaged, or was written by a newer version of Erlen
    """
    try:
        version, header, fields = _decode(data)
    except msgspec.DecodeError as error:
        raise SessionUnavailable(f"A stored session is damaged and cannot be read ({error}).") from error
    if version != _VERSION:
        raise SessionUnavailable(
            f"A stored session has the format {version}, and this Erlen reads the format {_VERSION}: a newer one wrote "
            "it. Let all workers run the same version."
        )
    return Record(key, header, fields)
