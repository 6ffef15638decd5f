"""Sessions in a table of DynamoDB, by botocore's plain and aiobotocore's asynchronous client.

Beside the sessions (:mod:`erlen.sessions.stores.dynamodb_items`) the table holds an item for each user, with an
attribute for each session of that user: written in the same transaction as the session, and read consistently, which
a secondary index of DynamoDB could not be.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from botocore.client import BaseClient

from erlen.errors import ConfigError, SessionUnavailable
from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, KeyNote, Merged, Record
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, jitter, pause
from erlen.sessions.stores.documents import DocumentStore, Image, header_of, mark
from erlen.sessions.stores.dynamodb_items import (
    Expression,
    Value,
    difference,
    field_raw,
    field_value,
    item_of,
    living,
    read_item,
    to_value,
)
from erlen.sessions.stores.dynamodb_table import DynamoTable, Refused

__all__ = ["DynamoStore"]

_NOTES = b"keys"
_BATCH = 100
_ATTEMPTS = 50
# So that a page is read in the time that one command may take.
_PAGE = 200
# Beyond it an expression may be too long, and the item is written as a whole.
_TERMS = 200

Action = tuple[str, dict[str, Any]]
"""``"Put"``, ``"Update"`` or ``"Delete"``, and its arguments."""


class DynamoStore(DocumentStore):
    """Keeps sessions in the table *name* of DynamoDB, which is made where it is missing.

    :param name: the name of the table
    :param region: the region, or None for that of the environment
    :param endpoint: the address of a server in place of Amazon's
    :param timeout: seconds that one command may take
    :param client: a client of boto3, whose region, address and credentials are used
    """

    by_swapping = frozenset({"user"})  # for which the items of users change too

    def __init__(
        self,
        name: str = "erlen_sessions",
        region: str | None = None,
        endpoint: str | None = None,
        timeout: float = 2.0,
        client: BaseClient | None = None,
    ) -> None:
        if client is not None:
            region, endpoint = region or client.meta.region_name, endpoint or client.meta.endpoint_url
        self._table = DynamoTable(name, region, endpoint, timeout, client)
        self.place = self._table.place

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store that ``SESSION_URL`` names, such as ``dynamodb://eu-central-1/erlen_sessions``."""
        client = None if settings.client is None else _client_of(settings.client)
        name, region, endpoint = settings.dynamodb_table, None, None
        if settings.url is not None:
            parts = urlsplit(settings.url)
            region, name = parts.netloc or None, parts.path.strip("/") or name
            options = dict(parse_qsl(parts.query))
            endpoint = options.pop("endpoint", None)
            if options or "@" in parts.netloc:
                raise ConfigError(
                    "SESSION_URL",
                    "It has more than a region, a table and an endpoint.",
                    "Write it as 'dynamodb://eu-central-1/erlen_sessions', with '?endpoint=http://host:port' for a "
                    "server that is not Amazon's; the credentials are looked for where boto3 does.",
                )
        return cls(name, region, endpoint, settings.timeout, client)

    # -- one command ------------------------------------------------------------------------------------------------

    async def change(self, key: bytes, delta: Delta, now: float) -> Merged | None:
        expression = Expression()
        expression.living(now)
        if delta.owner is not None:
            expression.equal("h.owner", {"S": delta.owner})
            expression.require(f"{expression.name('h.until')}>{expression.value({'N': repr(now)})}")
        for field, expected in delta.expect.items():
            expression.equal(f"d.{field}", None if expected is None else field_value(expected))
        for name, value in header_of(delta).items():
            expression.assign(f"h.{name}", to_value(value))
        for field in {*delta.take, *delta.delete} - delta.set.keys():
            expression.assign(f"d.{field}", None)
        for field, raw in delta.set.items():
            expression.assign(f"d.{field}", field_value(raw))
        for field, by in delta.incr.items():
            _increment(expression, f"d.{field}", by)
        for field, append in delta.append.items():
            if append.limit is not None:  # DynamoDB cannot cut a list that it adds to
                return None
            _append(expression, f"d.{field}", append.items)
        expression.add("h.version")
        expression.add("t")
        if expression.size > _TERMS:
            return None
        try:
            answer = await self._table.on(
                "update_item", Key={"pk": {"B": key}}, ReturnValues="UPDATED_OLD", **expression.arguments()
            )
        except Refused:
            return None
        before = answer["Attributes"]
        shown = {
            field: field_raw(before[f"d.{field}"]) for field in (*delta.take, *delta.incr) if f"d.{field}" in before
        }
        taken = {field: held for field in delta.take if (held := stored.at(shown.get(field), now)) is not None}
        numbers = {field: int(shown.get(field, b"0")) + by for field, by in delta.incr.items()}
        return Merged(version=int(before["h.version"]["N"]) + 1, numbers=numbers, taken=taken)

    async def lease(self, key: bytes, owner: str, until: float, now: float) -> tuple[Record, Image] | None:
        expression = Expression()
        expression.living(now)
        held, end = expression.name("h.owner"), expression.name("h.until")
        us, moment = expression.value({"S": owner}), expression.value({"N": repr(now)})
        expression.require(f"(attribute_not_exists({held}) OR {held}={us} OR {end}<={moment})")
        expression.assign("h.owner", {"S": owner})
        expression.assign("h.until", {"N": repr(until)})
        expression.add("t")
        try:
            answer = await self._table.on(
                "update_item", Key={"pk": {"B": key}}, ReturnValues="ALL_NEW", **expression.arguments()
            )
        except Refused:
            return None
        return read_item(answer["Attributes"])

    # -- read and swap ----------------------------------------------------------------------------------------------

    async def read(self, key: bytes) -> tuple[Record, Image] | None:
        item = await self._item(key)
        return None if item is None else read_item(item)

    async def swap(self, key: bytes, record: Record | None, tag: Image) -> bool:
        actions = [self._swapping(key, record, tag)]
        before, after = tag.header.user, None if record is None else record.header.user
        actions += _membership(before and (before, key), after and (after, key))
        return await self._write(actions)

    async def put(self, key: bytes, record: Record) -> None:
        user = record.header.user
        actions = [("Put", {"Item": item_of(key, record)}), *_membership(None, user and (user, key))]
        for attempt in range(_ATTEMPTS):
            if await self._write(actions):
                return
            await pause(jitter(attempt))  # another session of the same user is being written
        raise SessionUnavailable(
            f"DynamoDB at {self.place} refused a session {_ATTEMPTS} times, because other sessions of the same user "
            "were written at each of these moments. See whether a client calls in a loop."
        )

    async def rename(self, record: Record, tag: Image, new: bytes, old: bytes, trail: Header) -> bool:
        key, user, former = record.key, record.header.user, tag.header.user
        actions = [
            ("Put", {"Item": item_of(new, record)}),
            self._swapping(key, Record(key, trail, {}), tag),
            *_membership(former and (former, key), user and (user, new)),
        ]
        if old != key:
            actions.append(("Put", {"Item": item_of(old, Record(old, trail, {}))}))
        return await self._write(actions)

    def _swapping(self, key: bytes, record: Record | None, tag: Image) -> Action:
        if record is not None:
            expression = difference(tag, record)
            if expression.size <= _TERMS:
                return "Update", {"Key": {"pk": {"B": key}}, **expression.arguments()}
        expression = Expression()
        expression.equal("t", {"N": str(tag.mark)})
        if record is None:
            return "Delete", {"Key": {"pk": {"B": key}}, **expression.arguments()}
        return "Put", {"Item": item_of(key, record, tag.mark + 1), **expression.arguments()}

    async def _write(self, actions: list[Action]) -> bool:
        """Do all actions or none, as one command; False if something is not as they have it."""
        try:
            if len(actions) == 1:
                kind, arguments = actions[0]
                await self._table.on(f"{kind.lower()}_item", **arguments)
            else:
                items = [{kind: {"TableName": self._table.name, **arguments}} for kind, arguments in actions]
                await self._table.call("transact_write_items", TransactItems=items)
        except Refused:
            return False
        return True

    async def _item(self, key: bytes) -> dict[str, Value] | None:
        answer = await self._table.on("get_item", Key={"pk": {"B": key}}, ConsistentRead=True)
        item: dict[str, Value] | None = answer.get("Item")
        return item

    # -- many sessions ----------------------------------------------------------------------------------------------

    async def find(self, user: str) -> list[Record]:
        item = await self._item(_place_of(user))
        records = [] if item is None else await self._members(item)
        return sorted(records, key=lambda record: record.header.created, reverse=True)

    async def _members(self, item: dict[str, Value]) -> list[Record]:
        """Return the living sessions that the item of a user names, and take out of it what it should not name."""
        place, now = bytes(item["pk"]["B"]), self.clock()
        names = {bytes.fromhex(name[2:]): name for name in item if name.startswith("m.")}
        records = [read_item(each)[0] for each in await self._items(list(names))]
        living = [record for record in records if not record.header.is_over(now) and record.header.user is not None]
        living = [record for record in living if _place_of(record.header.user or "") == place]
        stale = names.keys() - {record.key for record in living}
        if stale:
            # Each is taken out only as it was read: it may have been bound to the user again meanwhile.
            expression = Expression()
            for name in [names[key] for key in stale][: _TERMS // 2]:
                expression.assign(name, None)
                expression.equal(name, item[name])
            expression.add("t")
            await self._write([("Update", {"Key": {"pk": {"B": place}}, **expression.arguments()})])
        return living

    async def _items(self, keys: list[bytes]) -> list[dict[str, Value]]:
        items: list[dict[str, Value]] = []
        for start in range(0, len(keys), _BATCH):
            wanted: Any = [{"pk": {"B": key}} for key in keys[start : start + _BATCH]]
            while wanted:
                request = {self._table.name: {"Keys": wanted, "ConsistentRead": True}}
                answer = await self._table.call("batch_get_item", RequestItems=request)
                got = answer["Responses"].get(self._table.name, [])
                wanted = answer.get("UnprocessedKeys", {}).get(self._table.name, {}).get("Keys", [])
                if wanted and not got:
                    raise SessionUnavailable(f"DynamoDB at {self.place} is too busy to list the sessions of a user.")
                items += got
        return items

    async def scan(self) -> AsyncIterator[Record]:
        async for page in self._pages(**living(self.clock())):
            for item in page["Items"]:
                yield read_item(item)[0]

    async def _pages(self, **arguments: Any) -> AsyncIterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            page = await self._table.on("scan", ConsistentRead=True, Limit=_PAGE, **arguments, **start)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    async def count(self) -> int:
        return sum([page["Count"] async for page in self._pages(Select="COUNT", **living(self.clock()))])

    async def delete_all(self) -> int:
        began, total = self.clock(), await self.count()
        seen: set[bytes] = set()
        everything = Expression()
        everything.require(f"attribute_exists({everything.name('e')})")
        quiet = False
        while not quiet:
            quiet = True
            async for page in self._pages(**everything.arguments("FilterExpression")):
                for record in [read_item(item)[0] for item in page["Items"]]:
                    if record.header.successor is None:
                        if record.header.created <= began:
                            await self.delete(record.key)
                            quiet = False
                    elif record.key not in seen:
                        # A session that moves from what is not read yet to what was has escaped, and left a trail.
                        seen.add(record.key)
                        quiet = False
        return total

    async def prune(self) -> int:
        now, total = self.clock(), 0
        expression = Expression()
        over = f"{expression.name('e')}<={expression.value({'N': repr(now)})}"
        expression.require(f"({over} OR attribute_exists({expression.name('members')}))")
        async for page in self._pages(**expression.arguments("FilterExpression")):
            for item in page["Items"]:
                if "members" in item:
                    await self._tidy(item)
                else:
                    record, image = read_item(item)
                    total += await self.swap(record.key, None, image)
        return total

    async def _tidy(self, item: dict[str, Value]) -> None:
        """Delete the item of a user that names no session, or else take out of it what it should not name."""
        if any(name.startswith("m.") for name in item):
            await self._members(item)
            return
        expression = Expression()
        expression.equal("t", item["t"])
        await self._write([("Delete", {"Key": {"pk": item["pk"]}, **expression.arguments()})])

    # -- the rest ---------------------------------------------------------------------------------------------------

    async def check(self) -> list[str]:
        await self._item(_NOTES)
        return await self._table.doubts()

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        expression = Expression()
        noted = {"ring": {"L": [{"S": each} for each in note.ring]}, "owner": {"S": note.owner}}
        expression.assign(f"n.{note.fingerprint}", {"M": {**noted, "noted": {"N": repr(note.noted)}}})
        place = {"pk": {"B": _NOTES}}
        answer = await self._table.on("update_item", Key=place, ReturnValues="ALL_NEW", **expression.arguments())
        notes = [_note(name[2:], value["M"]) for name, value in answer["Attributes"].items() if name.startswith("n.")]
        old = [each for each in notes if each.noted < note.noted - NOTE_KEPT]
        if old:
            expression = Expression()
            for each in old[:_BATCH]:
                expression.assign(f"n.{each.fingerprint}", None)
            await self._table.on("update_item", Key=place, **expression.arguments())
        return [each for each in notes if each not in old and each.fingerprint != note.fingerprint]

    async def close(self) -> None:
        await self._table.close()


def _increment(expression: Expression, attribute: str, by: int) -> None:
    """Add to a number, unless something else stands there or the sum leaves 64 bits."""
    name = expression.name(attribute)
    least = expression.value({"N": str(stored.INTEGER_MIN - by)})
    most = expression.value({"N": str(stored.INTEGER_MAX - by)})
    number = expression.value({"S": "N"})
    expression.require(
        f"(attribute_not_exists({name}) OR (attribute_type({name},{number}) AND {name} BETWEEN {least} AND {most}))"
    )
    start, step = expression.value({"N": "0"}), expression.value({"N": str(by)})
    expression.changes["SET"].append(f"{name}=if_not_exists({name},{start})+{step}")


def _append(expression: Expression, attribute: str, items: list[bytes]) -> None:
    """Add to a list, unless something else stands there."""
    name = expression.name(attribute)
    kind, nothing = expression.value({"S": "L"}), expression.value({"L": []})
    expression.require(f"(attribute_not_exists({name}) OR attribute_type({name},{kind}))")
    more = expression.value({"L": [{"B": item} for item in items]})
    expression.changes["SET"].append(f"{name}=list_append(if_not_exists({name},{nothing}),{more})")


def _membership(before: Any, after: Any) -> list[Action]:
    """Return what the items of users need when a session of one (user and key) becomes one of another."""
    if before == after:
        return []
    changes: dict[str, Expression] = {}
    for pair, value in ((before, None), (after, {"N": str(mark())})):
        if pair:
            user, key = pair
            changes.setdefault(user, Expression()).assign(f"m.{key.hex()}", value)
    for expression in changes.values():
        expression.assign("members", {"BOOL": True})
        expression.add("t")
    return [
        ("Update", {"Key": {"pk": {"B": _place_of(user)}}, **expression.arguments()})
        for user, expression in changes.items()
    ]


def _place_of(user: str) -> bytes:
    """Return the key of the item of a user: of another length than those of sessions."""
    return b"user:" + hashlib.sha256(user.encode("utf-8", "surrogatepass")).digest()


def _note(fingerprint: str, value: dict[str, Value]) -> KeyNote:
    ring = [each["S"] for each in value["ring"]["L"]]
    return KeyNote(fingerprint, ring, value["owner"]["S"], float(value["noted"]["N"]))


def _client_of(given: Any) -> BaseClient:
    """Return the client that *given* is, or that a resource has."""
    client = getattr(getattr(given, "meta", None), "client", given)
    if isinstance(client, BaseClient) and client.meta.service_model.service_name == "dynamodb":
        return client
    raise ConfigError(
        "SESSION_DYNAMODB",
        f"{type(given).__name__} is no resource and no client of DynamoDB.",
        "Give boto3.resource('dynamodb') or boto3.client('dynamodb'), or set SESSION_URL = "
        "'dynamodb://region/table' in its place.",
    )
