"""What the store ``sqlalchemy`` does with the rows of its table, on a connection that it is given."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from erlen.sessions.record import REFUSED, Delta, Header, Merged, Record, forwarder, merge
from erlen.sessions.stores.sql_database import Database, Lost
from erlen.sessions.stores.sql_table import columns_of, record_of

__all__ = ["AT_ONCE", "Rows", "trail", "whole"]

AT_ONCE = 500
"""How many rows are read or deleted at once."""

_DEADLINE = frozenset({"seen", "idle", "absolute"})


class Rows:
    """The rows of sessions in a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def table(self) -> sa.Table:
        """The table."""
        return self.database.tables.sessions

    @property
    def c(self) -> sa.ColumnCollection[str, sa.Column[Any]]:
        """Its columns."""
        return self.database.tables.sessions.c

    def alive(self, key: bytes, now: float) -> list[Any]:
        """Return the conditions that a session lives under *key* itself."""
        c = self.c
        return [c.id == key, c.expires > now, c.successor.is_(None)]

    def unchanged(self, record: Record) -> Any:
        """Return the condition that nobody has changed the session since it was read, or leased it."""
        c = self.c
        return sa.and_(
            c.id == record.key,
            c.version == record.header.version,
            c.until == record.header.until,
            c.successor.is_(None),
        )

    def update(self, connection: sa.Connection, where: Any, values: Mapping[str, Any]) -> int:
        """Change columns of the rows *where*, and return how many there were."""
        return int(connection.execute(sa.update(self.table).where(where).values(**values)).rowcount)

    def living(self, connection: sa.Connection, key: bytes, now: float, lock: bool = False) -> Record | None:
        """Return the living session under *key*, through the trails of timed renewals."""
        forwarded = False
        while True:
            wanted = self.database.tables.load.where(self.c.id == key)
            row = connection.execute(wanted.with_for_update() if lock else wanted).first()
            if row is None:
                return None
            record = record_of(row)
            header = record.header
            if header.is_over(now):
                return None
            if header.successor is None:
                record.forwarded = forwarded
                return record
            if header.until <= now:
                return None
            key, forwarded = header.successor, True

    def values(self, header: Mapping[str, Any], columns: Any = None) -> dict[str, Any]:
        """Return the columns that change with these attributes of the header."""
        values = columns_of(header)
        if header.keys() & _DEADLINE:
            c = self.c if columns is None else columns
            seen, idle, absolute = (
                sa.literal(values[name], sa.Double) if name in values else c[name]
                for name in ("seen", "idle", "absolute")
            )
            values["expires"] = sa.case((seen + idle < absolute, seen + idle), else_=absolute)
        return values

    def changed(self, before: Record, after: Record) -> dict[str, Any]:
        """Return the columns that make *after* of *before*: of the fields only those that differ are sent."""
        old, new = before.header, after.header
        names = Header.__struct_fields__
        values = self.values({name: getattr(new, name) for name in names if getattr(new, name) != getattr(old, name)})
        held, fields = before.fields, after.fields
        if held == fields:
            return values
        set_ = {key: raw for key, raw in fields.items() if held.get(key) != raw}
        gone = [key for key in held if key not in fields]
        sql = self.database.sql
        if sql.merges and len(set_) + len(gone) <= sql.most:
            values["data"] = sql.patch(self.c.data, set_, gone)
        else:
            values["data"] = fields
        return values

    def copied(self, c: Any, key: bytes, values: Mapping[str, Any]) -> list[Any]:
        """Return what to select of the columns *c* for a copy under another key, with *values* in place of its own."""
        changed = {"id": key, **values}
        columns = []
        for column in self.table.columns:
            value = changed.get(column.name, c[column.name])
            if value is None:
                value = sa.null()
            columns.append(value if isinstance(value, sa.ColumnElement) else sa.literal(value, column.type))
        return columns

    def write(self, connection: sa.Connection, before: Record, after: Record, emptied: bool) -> None:
        """Write what was merged here, or delete what was emptied.

        :raises Lost: if the session has been changed since it was read
        """
        unchanged = self.unchanged(before)
        if emptied:
            count = connection.execute(sa.delete(self.table).where(unchanged)).rowcount
        else:
            count = self.update(connection, unchanged, self.changed(before, after))
        if count == 0:
            raise Lost

    def erase(self, connection: sa.Connection, key: bytes) -> bytes | None:
        """Delete the row under *key*, and return the key that it leads to."""
        c = self.c
        gone = sa.delete(self.table).where(c.id == key)
        if connection.dialect.delete_returning:
            return connection.execute(gone.returning(c.successor)).scalar()
        with self.database.transaction(connection):
            successor: bytes | None = connection.execute(
                sa.select(c.successor).where(c.id == key).with_for_update()
            ).scalar()
            # Where no row can be locked, a move may have come between: then the session is where the row leads now.
            still = c.successor.is_(None) if successor is None else c.successor == successor
            missed = connection.execute(gone.where(still)).rowcount == 0
            if missed and connection.execute(sa.select(c.id).where(c.id == key)).first() is not None:
                raise Lost
        return successor

    def page(self, now: float, last: bytes, connection: sa.Connection) -> list[Record]:
        """Return the next living sessions by key, after the key *last*."""
        c = self.c
        page = self.database.tables.load.where(c.id > last, c.expires > now, c.successor.is_(None))
        return [record_of(row) for row in connection.execute(page.order_by(c.id).limit(AT_ONCE))]

    def prune(self, connection: sa.Connection, now: float) -> int:
        """Delete a batch of what is over, and return how many rows that were."""
        c = self.c
        old = self.database.sql.spared(sa.select(c.id).where(c.expires <= now).limit(AT_ONCE))
        if self.database.sql.returning:
            return int(connection.execute(sa.delete(self.table).where(c.id.in_(old))).rowcount)
        keys = connection.execute(old).scalars().all()  # MySQL takes no LIMIT in a subquery
        if not keys:
            return 0
        return int(connection.execute(sa.delete(self.table).where(c.id.in_(keys), c.expires <= now)).rowcount)

    # -- changes ----------------------------------------------------------------------------------------------------

    def merge_in_one(self, connection: sa.Connection, key: bytes, delta: Delta, now: float) -> Merged | None:
        """Merge in one statement; None if that cannot be done, or has found nothing to be done to."""
        sql, c = self.database.sql, self.c
        planned = self.planned(c, key, delta, now)
        if planned is None:
            return None
        where, values, empties = planned
        change = sa.update(self.table).values(**values)
        change = change.where(*where) if empties is None else change.where(*where, sa.not_(empties), self.sure(delta))
        if sql.returning:
            counted = [sql.field(c.data, name) for name in delta.incr]
            row = connection.execute(change.returning(c.version, *counted)).first()
            if row is not None:
                numbers = dict(zip(delta.incr, map(int, row[1:]), strict=True))
                return Merged(version=row[0], numbers=numbers)
        else:
            result = connection.execute(change)
            if result.rowcount:
                return Merged(version=result.lastrowid)
        if empties is None:
            return None
        gone = sa.delete(self.table).where(*where, empties, sa.not_(c.mortal))
        return Merged(emptied=True) if connection.execute(gone).rowcount else None

    def move_in_one(
        self, connection: sa.Connection, old: bytes, new: bytes, delta: Delta, now: float, grace: float
    ) -> Merged | None:
        """Move in one statement; None if that cannot be done, or has found nothing to be done to."""
        c = self.c
        there = self.planned(c, old, delta, now)
        if not self.database.sql.moves or delta.incr or there is None:
            return None
        where, _, empties = there
        if empties is not None:
            where += [sa.not_(empties), self.sure(delta)]
        held = sa.select(self.table).where(*where).with_for_update().cte("held")
        planned = self.planned(held.c, old, delta, now)
        assert planned is not None
        moved = {**planned[1], **self.values({"renewed": now, **delta.moved}, held.c)}
        left = sa.update(self.table).where(c.id == held.c.id).values(**trail(new, now, grace)).cte("left_behind")
        copied = sa.select(*self.copied(held.c, new, moved)).select_from(held)
        made = sa.insert(self.table).from_select(list(self.table.columns), copied).add_cte(left)
        version = connection.execute(made.returning(c.version)).scalar()
        return None if version is None else Merged(version=version)

    def planned(self, c: Any, key: bytes, delta: Delta, now: float) -> tuple[list[Any], dict[str, Any], Any] | None:
        """Return what one statement needs for *delta*, in the columns *c*; None if it takes more.

        That is the conditions, the changed columns, and the condition that nothing is left, or None if that cannot be.
        """
        sql = self.database.sql
        keys = len(delta.set) + len(delta.delete) + len(delta.incr) + len(delta.expect)
        if not sql.merges or delta.take or delta.remove or delta.append or keys > sql.most:
            return None
        if delta.incr and (not sql.counts or delta.incr.keys() & {*delta.set, *delta.delete} or delta.ends):
            return None
        where = self.alive(key, now)
        if delta.owner is not None:
            where += [c.owner == delta.owner, c.until > now]
        if delta.expect or delta.incr:  # what may have ended is looked at here
            where.append(sa.not_(c.mortal))
        where += [sql.holds(c.data, name, raw) for name, raw in delta.expect.items()]
        header = {**delta.header, **({"owner": None, "until": 0.0} if delta.release else {})}
        values = self.values(header, c)
        data = sql.patch(c.data, delta.set, delta.delete)
        if delta.incr:
            data, fitting = sql.add(c.data, data, delta.incr)
            where += fitting
        if delta.set or delta.delete or delta.incr:
            values["data"] = data
        values.setdefault("version", sql.next_version(c.version))
        return where, values, self.empties(delta, data)

    def empties(self, delta: Delta, data: Any) -> Any:
        """Return the condition that nothing is left of a session after *delta*; None if that cannot be."""
        if not delta.final or delta.set or delta.incr or delta.header.get("user") is not None:
            return None
        empty = self.database.sql.is_empty(data)
        return empty if "user" in delta.header else sa.and_(self.c.user_hash.is_(None), empty)

    def sure(self, delta: Delta) -> Any:
        """Return the condition that no field can have ended, or that it does not matter, for a user is bound."""
        still = sa.not_(self.c.mortal)
        return still if "user" in delta.header else sa.or_(self.c.user_hash.is_not(None), still)

    def merge_here(self, connection: sa.Connection, key: bytes, delta: Delta, now: float, lock: bool = False) -> Merged:
        """Read the session, merge, and write what has changed.

        :raises Lost: if the session has been changed since it was read
        """
        record = self.living(connection, key, now, lock)
        if record is None:
            return REFUSED
        before = copy.deepcopy(record)
        merged = merge(record, delta, now)
        if not (merged.refused or merged.conflict):
            self.write(connection, before, record, merged.emptied)
        return merged

    def move_here(
        self, connection: sa.Connection, old: bytes, new: bytes, delta: Delta, now: float, grace: float
    ) -> Merged:
        """Read the session, lock it, merge, and put it under its new key: inside of a transaction.

        :raises Lost: if no lock is to be had here, and the session has been changed since it was read
        """
        record = self.living(connection, old, now, lock=True)
        if record is None:
            return REFUSED
        before = copy.deepcopy(record)
        merged = merge(record, delta, now)
        if merged.refused or merged.conflict:
            return merged
        if merged.emptied or (grace and record.forwarded):
            self.write(connection, before, record, merged.emptied)
            return merged
        record.header.moved(now, delta)
        copied = sa.select(*self.copied(self.c, new, self.changed(before, record))).where(self.unchanged(before))
        made = connection.execute(sa.insert(self.table).from_select(list(self.table.columns), copied))
        left = trail(new, now, grace)
        if made.rowcount == 0 or self.update(connection, self.unchanged(before), left) == 0:
            raise Lost
        if old != record.key:  # a renewal's old key was moved through
            self.update(connection, self.c.id == old, left)
        return merged

    def acquire(
        self, key: bytes, owner: str, lease: float, now: float, connection: sa.Connection
    ) -> tuple[bool, Record | None]:
        """Lease the session, and tell whether that is done."""
        c = self.c
        if self.database.sql.returning:
            free = sa.or_(c.owner.is_(None), c.owner == owner, c.until <= now)
            seen = sa.case((now - c.seen < c.idle / 10, c.seen), else_=now)
            expires = sa.case((seen + c.idle < c.absolute, seen + c.idle), else_=c.absolute)
            values = {**columns_of({"owner": owner, "until": now + lease}), "seen": seen, "expires": expires}
            taking = sa.update(self.table).where(*self.alive(key, now), free).values(**values)
            row = connection.execute(taking.returning(c.id, c.data, *self.database.tables.header)).first()
            if row is not None:
                record = record_of(row)
                record.touched = record.header.seen == now != record.header.created
                return True, record
        found = self.living(connection, key, now)
        if found is None:
            return True, None
        before = copy.deepcopy(found)
        if not found.header.lease(owner, lease, now):
            return False, None
        found.touched = found.header.touch(now)
        count = self.update(connection, self.unchanged(before), self.changed(before, found))
        return (True, found) if count else (False, None)


def whole(header: Header) -> dict[str, Any]:
    """Return all columns of a header."""
    return {**columns_of(header), "expires": header.deadline}


def trail(new: bytes, now: float, grace: float) -> dict[str, Any]:
    """Return the columns of what a move to *new* leaves behind."""
    return {"data": {}, **whole(forwarder(new, now, grace))}
