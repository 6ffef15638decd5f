"""How the store ``dynamodb`` writes a session as an item, and the expressions that change one.

============  =====================================================================================================
attribute     what it is
============  =====================================================================================================
``pk``        the key of the session
``d.<key>``   a field: a number, bytes, a list of bytes, or a map of one of them (``r``) and its end (``e``)
``h.<name>``  an attribute of the header, if it says something
``e``         the deadline in seconds, which Erlen judges
``x``         the same as a whole number, by which DynamoDB cleans up
``t``         grows with every change of the item, and tells whether it is still as it was read
============  =====================================================================================================
"""

from __future__ import annotations

import math
from typing import Any

from erlen.sessions.record import Header, Record
from erlen.sessions.stores.documents import Image, Part, filled, from_parts, header_from, mark, to_parts

__all__ = ["Expression", "difference", "item_of", "living", "read_item", "to_value"]

Value = dict[str, Any]
"""A value as DynamoDB takes it, behind the letter of its type."""


class Expression:
    """Collects what a command changes and what for, with placeholders for all names and values."""

    def __init__(self) -> None:
        self.changes: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": []}
        self.conditions: list[str] = []
        self._names: dict[str, str] = {}
        self._values: dict[str, Value] = {}

    def name(self, attribute: str) -> str:
        """Return a placeholder for an attribute."""
        return self._names.setdefault(attribute, f"#{len(self._names)}")

    def value(self, value: Value) -> str:
        """Return a placeholder for a value."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def assign(self, attribute: str, value: Value | None) -> None:
        """Give an attribute a value, or remove it for None."""
        if value is None:
            self.changes["REMOVE"].append(self.name(attribute))
        else:
            self.changes["SET"].append(f"{self.name(attribute)}={self.value(value)}")

    def add(self, attribute: str) -> None:
        """Let a number grow by one."""
        self.changes["ADD"].append(f"{self.name(attribute)} {self.value({'N': '1'})}")

    def require(self, condition: str) -> None:
        """Make the command depend on *condition* too."""
        self.conditions.append(condition)

    def equal(self, attribute: str, value: Value | None) -> None:
        """Make the command depend on the value of an attribute; None: on its being missing."""
        name = self.name(attribute)
        self.require(f"attribute_not_exists({name})" if value is None else f"{name}={self.value(value)}")

    def living(self, now: float) -> None:
        """Make the command depend on the item being a session that lives."""
        self.require(f"{self.name('e')}>{self.value({'N': repr(now)})}")
        self.equal("h.successor", None)

    @property
    def size(self) -> int:
        """How many names and values it has: DynamoDB takes expressions of 4 KB and 300 operators."""
        return len(self._names) + len(self._values)

    def arguments(self, conditions: str = "ConditionExpression") -> dict[str, Any]:
        """Return the arguments of a command."""
        update = " ".join(f"{verb} {','.join(terms)}" for verb, terms in self.changes.items() if terms)
        given = {
            "UpdateExpression": update,
            conditions: " AND ".join(self.conditions),
            "ExpressionAttributeNames": {placeholder: name for name, placeholder in self._names.items()},
            "ExpressionAttributeValues": self._values,
        }
        return {name: value for name, value in given.items() if value}


def living(now: float) -> dict[str, Any]:
    """Return the arguments of a scan that yields the living sessions and no trails."""
    expression = Expression()
    expression.living(now)
    return expression.arguments("FilterExpression")


def to_value(value: Any) -> Value | None:
    """Return an attribute of a header as DynamoDB takes it; None for what is not written at all."""
    if value is None:
        return None
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": repr(value)}
    if isinstance(value, str):
        return {"S": value}
    return {"B": value} if isinstance(value, bytes) else {"L": [{"B": each} for each in value]}


def field_value(raw: bytes) -> Value:
    """Return a field as DynamoDB takes it."""
    return _from_part(to_parts(raw))


def _from_part(part: Part) -> Value:
    if isinstance(part, tuple):
        return {"M": {"e": {"N": str(part[0])}, "r": _from_part(part[1])}}
    if isinstance(part, int):
        return {"N": str(part)}
    return {"B": part} if isinstance(part, bytes) else {"L": [{"B": each} for each in part]}


def field_raw(value: Value) -> bytes:
    """Return what :func:`field_value` wrote."""
    return from_parts(_to_part(value))


def _to_part(value: Value) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "N":
        return int(content)
    if kind == "L":
        return [bytes(each["B"]) for each in content]
    return bytes(content) if kind == "B" else (int(content["e"]["N"]), _to_part(content["r"]))


def deadline(header: Header) -> dict[str, Value]:
    """Return the attributes that say when the session ends."""
    # DynamoDB must not clean up too early: the next whole second.
    return {"e": {"N": repr(float(header.deadline))}, "x": {"N": str(math.ceil(header.deadline))}}


def item_of(key: bytes, record: Record, grown: int | None = None) -> dict[str, Value]:
    """Return *record* as an item.

    :param grown: the ``t`` of the item; a drawn one if it is new
    """
    header = {f"h.{name}": value for name, given in filled(record.header).items() if (value := to_value(given))}
    fields = {f"d.{field}": field_value(raw) for field, raw in record.fields.items()}
    number = {"N": str(mark() if grown is None else grown)}
    version = {"N": str(record.header.version)}
    return {"pk": {"B": key}, "t": number, **deadline(record.header), **header, "h.version": version, **fields}


def read_item(item: dict[str, Value]) -> tuple[Record, Image]:
    """Return the session that *item* is."""
    attributes: dict[str, Any] = {}
    fields: dict[str, bytes] = {}
    for name, value in item.items():
        if name.startswith("d."):
            fields[name[2:]] = field_raw(value)
        elif name.startswith("h."):
            attributes[name[2:]] = _attribute(name[2:], value)
    record = Record(bytes(item["pk"]["B"]), header_from(attributes), fields)
    return record, Image.of(int(item["t"]["N"]), record)


def _attribute(name: str, value: Value) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "N":
        return int(content) if name == "version" else float(content)
    if kind == "B":
        return bytes(content)
    return [bytes(each["B"]) for each in content] if kind == "L" else content


def difference(image: Image, record: Record) -> Expression:
    """Return what makes the item that *image* shows into *record*."""
    expression, header = Expression(), record.header
    for name, value in image.header_changes(header).items():
        expression.assign(f"h.{name}", to_value(value))
    if header.deadline != image.header.deadline:
        for name, value in deadline(header).items():
            expression.assign(name, value)
    for key in image.gone(record.fields):
        expression.assign(f"d.{key}", None)
    for key, raw in image.changed(record.fields).items():
        expression.assign(f"d.{key}", field_value(raw))
    expression.add("t")
    expression.equal("t", {"N": str(image.mark)})
    return expression
