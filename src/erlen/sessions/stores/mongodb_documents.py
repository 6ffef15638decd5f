"""How the store ``mongodb`` writes a session as a document, and the updates and filters that change one.

=========  ==========================================================================================================
name       what it is
=========  ==========================================================================================================
``_id``    the key of the session
``d``      the fields, under encoded names: a number, bytes, a list of bytes, or a document of one of them (``r``) and
           its end (``e``)
``h``      the header, as far as it says something, without ``u``, the user, and ``v``, the version
``e``      the deadline in seconds, which Erlen judges
``x``      the same as a date, by which the server cleans up
``t``      grows with every change of the document, and tells whether it is still as it was read
=========  ==========================================================================================================
"""

from __future__ import annotations

import math
from typing import Any

from bson import Int64
from bson.datetime_ms import DatetimeMS

from erlen.sessions.record import Delta, Header, Record
from erlen.sessions.stores.documents import Image, Part, filled, from_parts, header_from, mark, to_parts

__all__ = [
    "Update",
    "allowing",
    "date_of",
    "difference",
    "document_of",
    "fields_of",
    "living",
    "path_of",
    "read_document",
]

# Not in the header's document: they are searched for, or added to.
_BESIDE = ("user", "version")


class Update:
    """What an update sets, takes away and adds."""

    def __init__(self) -> None:
        self.set: dict[str, Any] = {}
        self.unset: dict[str, Any] = {}
        self.add: dict[str, Int64] = {"t": Int64(1)}
        self.push: dict[str, Any] = {}

    def attribute(self, name: str, value: Any) -> None:
        """Give an attribute of the header a new value."""
        path = "u" if name == "user" else "v" if name == "version" else f"h.{name}"
        if value is None:
            self.unset[path] = ""
        else:
            self.set[path] = Int64(value) if name == "version" else value

    def field(self, key: str, raw: bytes) -> None:
        """Give a field a new value; it may have been taken away before."""
        self.unset.pop(path_of(key), None)
        self.set[path_of(key)] = _value(raw)

    def command(self) -> dict[str, Any]:
        """Return it as MongoDB takes it."""
        parts = {"$set": self.set, "$unset": self.unset, "$inc": self.add, "$push": self.push}
        return {operator: operands for operator, operands in parts.items() if operands}


def difference(image: Image, record: Record) -> dict[str, Any]:
    """Return the update that makes what *image* shows into *record*."""
    update, header = Update(), record.header
    for name, value in image.header_changes(header).items():
        update.attribute(name, value)
    if header.deadline != image.header.deadline:
        update.set |= _deadline(header)
    if record.fields:
        for key in image.gone(record.fields):
            update.unset[path_of(key)] = ""
        for key, raw in image.changed(record.fields).items():
            update.field(key, raw)
    elif image.fields:
        update.set["d"] = {}
    return update.command()


def document_of(key: bytes, record: Record) -> dict[str, Any]:
    """Return *record* as a new document."""
    header = record.header
    document = {
        "_id": key,
        "t": Int64(mark()),
        "v": Int64(header.version),
        "h": filled(header, _BESIDE),
        "d": {_name(field): _value(raw) for field, raw in record.fields.items()},
        **_deadline(header),
    }
    if header.user is not None:
        document["u"] = header.user
    return document


def read_document(key: bytes, document: dict[str, Any]) -> tuple[Record, Image]:
    """Return the session that *document* is."""
    attributes = {**document.get("h", {}), "version": int(document.get("v", 1)), "user": document.get("u")}
    record = Record(key, header_from(attributes), fields_of(document.get("d", {})))
    return record, Image.of(document.get("t", 0), record)


def _deadline(header: Header) -> dict[str, Any]:
    return {"e": float(header.deadline), "x": date_of(header.deadline)}


def date_of(moment: float) -> DatetimeMS:
    """Return the first millisecond that is not before *moment*: the server must not clean up too early."""
    return DatetimeMS(math.ceil(moment * 1000))


def living(now: float) -> dict[str, Any]:
    """Return the filter that finds the living sessions and no trails."""
    return {"e": {"$gt": now}, "h.successor": {"$exists": False}}


def allowing(key: bytes, delta: Delta, now: float) -> dict[str, Any]:
    """Return the filter that finds the session under *key* if it allows *delta*."""
    wanted = {"_id": key, **living(now)}
    if delta.owner is not None:
        wanted |= {"h.owner": delta.owner, "h.until": {"$gt": now}}
    for field in delta.take:
        wanted[path_of(field)] = {"$exists": True}
    for field, raw in delta.expect.items():
        if raw is None:
            wanted[path_of(field)] = {"$exists": False}
            continue
        value = _value(raw)
        # Bytes are also found in a list that has them among its items.
        wanted[path_of(field)] = {"$eq": value, "$not": {"$type": "array"}} if isinstance(value, bytes) else value
    if delta.final and not delta.set and not delta.incr and not delta.append and delta.header.get("user") is None:
        some = {"d": {"$ne": {}}, "h.mortal": {"$ne": True}}
        wanted["$or"] = [some] if "user" in delta.header else [some, {"u": {"$exists": True}}]
    return wanted


# The letter makes every name a good one: none is empty, begins with a dollar sign or looks like an index.
def _name(key: str) -> str:
    return "k" + key.replace("%", "%25").replace(".", "%2E").replace("\0", "%00")


def path_of(key: str) -> str:
    """Return where a document has the field *key*."""
    return f"d.{_name(key)}"


def fields_of(document: dict[str, Any]) -> dict[str, bytes]:
    """Return the fields that stand in ``d``."""
    return {
        name[1:].replace("%00", "\0").replace("%2E", ".").replace("%25", "%"): from_parts(_part(value))
        for name, value in document.items()
    }


def _value(raw: bytes) -> Any:
    part = to_parts(raw)
    if isinstance(part, tuple):
        end, inner = part
        return {"e": Int64(end), "r": Int64(inner) if isinstance(inner, int) else inner}
    return Int64(part) if isinstance(part, int) else part


def _part(value: Any) -> Part:
    return (value["e"], value["r"]) if isinstance(value, dict) else value
