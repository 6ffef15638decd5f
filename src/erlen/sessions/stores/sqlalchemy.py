"""Sessions in a table of a database, through SQLAlchemy: PostgreSQL, MySQL, MariaDB, SQLite, and others it knows.

Most changes are one statement that the database merges itself. What it cannot do so is read, merged here, and written
if nobody came between; whoever loses that race does it again while the row is locked, so nobody starves.

The engines are the store's own: it takes no part in the application's transactions.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from erlen.errors import ConfigError
from erlen.sessions.record import REFUSED, Delta, Header, KeyNote, Merged, Record, forwarder, merge
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore, until_leased
from erlen.sessions.stores.sql_database import Database, Lost
from erlen.sessions.stores.sql_engines import Address
from erlen.sessions.stores.sql_table import columns_of, ddl, hash_of, record_of

__all__ = ["SqlAlchemyStore", "ddl"]

_PRUNE_EVERY = 600.0
_AT_ONCE = 500
_DEADLINE = frozenset({"seen", "idle", "absolute"})
# What is deleted while this number of passes finds something was made meanwhile, and may live.
_PASSES = 10


class SqlAlchemyStore(SessionStore):
    """Keeps sessions in the table *table* of a database, which is made where it is missing.

    :param url: an address of SQLAlchemy, for plain or for asynchronous code: the other driver is found
    :param client: in place of *url*: an engine, or the object of Flask-SQLAlchemy; its address is used, nothing else
    :param table: what stands before a dot is its schema
    :param create: make the tables where they are missing
    :param timeout: seconds that a command, a connection, or waiting for one may take
    """

    def __init__(
        self,
        url: str | sa.URL | None = None,
        *,
        client: Any = None,
        table: str = "erlen_sessions",
        create: bool = True,
        timeout: float = 2.0,
    ) -> None:
        if url is not None:
            # Now, so that what is wrong with it is known at the start.
            locate = functools.partial(_itself, Address(url, "SESSION_URL"))
        elif client is not None:
            locate = functools.partial(_address_of, client)
        else:
            raise ConfigError(
                "SESSION_URL",
                "It is not set, and SESSION_TYPE 'sqlalchemy' needs the address of a database.",
                "Write it as 'postgresql+psycopg://user:password@host/database', or give an engine in "
                "SESSION_SQLALCHEMY.",
            )
        self.database = Database(locate, table, create, timeout)
        self._pruned = 0.0

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store at ``SESSION_URL``, or where the engine in ``SESSION_SQLALCHEMY`` leads to."""
        return cls(
            settings.url,
            client=settings.client,
            table=settings.sqlalchemy_table,
            create=settings.sqlalchemy_create,
            timeout=settings.timeout,
        )

    @property
    def place(self) -> str:  # type: ignore[override]
        """The address without its password."""
        return self.database.address.place

    # -- the contract -----------------------------------------------------------------------------------------------

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        now = self.clock()

        def work(connection: sa.Connection) -> Record | None:
            record = self._living(connection, key, now)
            if record is None:
                return None
            header = record.header
            before = header.seen
            if touch and header.touch(now):
                c = self._c
                due = sa.and_(*self._alive(record.key, now), c.seen == before)
                record.touched = self._update(connection, due, self._values({"seen": now})) == 1
            return record

        return await self.database.run(work)

    async def create(self, key: bytes, record: Record) -> None:
        now = self.clock()
        values = {"id": key, "data": record.fields, **_whole(record.header)}

        def work(connection: sa.Connection) -> None:
            # A batch that was full is followed by the next one at once: what expires faster must not pile up.
            if now - self._pruned >= _PRUNE_EVERY and self._prune(connection, now) < _AT_ONCE:
                self._pruned = now
            try:
                connection.execute(sa.insert(self._table), values)
            except IntegrityError:
                self._update(connection, self._c.id == key, values)

        await self.database.run(work)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        now = self.clock()

        def work(connection: sa.Connection) -> Merged:
            merged = self._merge_in_one(connection, key, delta, now)
            if merged is None:
                with contextlib.suppress(Lost):
                    return self._merge_here(connection, key, delta, now)
                with self.database.transaction(connection):
                    return self._merge_here(connection, key, delta, now, lock=True)
            return merged

        return await self.database.run(work, again=_repeatable(delta))

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        now = self.clock()

        def work(connection: sa.Connection) -> Merged:
            merged = self._move_in_one(connection, old, new, delta, now, grace)
            if merged is not None:
                return merged
            with self.database.transaction(connection):
                record = self._living(connection, old, now, lock=True)
                if record is None:
                    return REFUSED
                before = copy.deepcopy(record)
                merged = merge(record, delta, now)
                if merged.refused or merged.conflict:
                    return merged
                if merged.emptied or (grace and record.forwarded):
                    self._write(connection, before, record, merged.emptied)
                    return merged
                record.header.moved(now, delta)
                trail = _trail(new, now, grace)
                self._changed(before, record)
                copied = self._copy(self._c, new, self._changed(before, record))
                source = sa.select(*copied).where(self._unchanged(before))
                inserted = connection.execute(sa.insert(self._table).from_select(list(self._table.columns), source))
                if inserted.rowcount == 0 or self._update(connection, self._unchanged(before), trail) == 0:
                    raise Lost
                if old != record.key:  # a renewal's old key was moved through
                    self._update(connection, self._c.id == old, trail)
                return merged

        return await self.database.run(work, again=False)

    async def delete(self, key: bytes) -> None:
        def work(connection: sa.Connection) -> None:
            following: bytes | None = key
            while following is not None:
                following = self._erase(connection, following)

        await self.database.run(work)

    async def find(self, user: str) -> list[Record]:
        now = self.clock()

        def work(connection: sa.Connection) -> list[Record]:
            c = self._c
            there = sa.and_(c.user_hash == hash_of(user), c.expires > now, c.successor.is_(None))
            records = [record_of(row) for row in connection.execute(self.database.tables.load.where(there))]
            return [record for record in records if record.header.user == user]

        return sorted(await self.database.run(work), key=lambda record: record.header.created, reverse=True)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            return await self.database.run(functools.partial(self._acquire, key, owner, lease, self.clock()))

        return await until_leased(attempt, wait)

    async def scan(self) -> AsyncIterator[Record]:
        now, last = self.clock(), b""
        while page := await self.database.run(functools.partial(self._page, now, last)):
            for record in page:
                yield record
            last = page[-1].key

    async def count(self) -> int:
        now = self.clock()

        def work(connection: sa.Connection) -> int:
            c = self._c
            living = sa.select(sa.func.count()).where(c.expires > now, c.successor.is_(None))
            return int(connection.execute(living).scalar_one())

        return await self.database.run(work)

    async def delete_all(self) -> int:
        total = await self.count()

        def work(connection: sa.Connection) -> None:
            # A move that was under way at the first pass has made a row that this did not see.
            for _ in range(_PASSES):
                if connection.execute(sa.delete(self._table)).rowcount == 0:
                    return

        await self.database.run(work)
        return total

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        table = self.database.tables.keys
        c = table.c
        values = {"ring": " ".join(note.ring), "owner": note.owner, "noted": note.noted}

        def work(connection: sa.Connection) -> list[KeyNote]:
            connection.execute(sa.delete(table).where(c.noted < note.noted - NOTE_KEPT))
            own = sa.update(table).where(c.fingerprint == note.fingerprint).values(values)
            if connection.execute(own).rowcount == 0:
                with contextlib.suppress(IntegrityError):  # another worker of ours has noted the same meanwhile
                    connection.execute(sa.insert(table), {"fingerprint": note.fingerprint, **values})
            rows = connection.execute(sa.select(table).where(c.fingerprint != note.fingerprint)).all()
            return [KeyNote(fingerprint, ring.split(), owner, noted) for fingerprint, ring, owner, noted in rows]

        return await self.database.run(work)

    async def prune(self) -> int:
        now = self.clock()
        total = 0
        while True:
            count = await self.database.run(lambda connection: self._prune(connection, now))
            total += count
            if count < _AT_ONCE:
                return total

    async def check(self) -> list[str]:
        await super().check()

        def work(connection: sa.Connection) -> list[str]:
            doubts = [
                f"The index {name!r} is missing in {self.place}: 'erlen sessions ddl' prints the statement that makes "
                "it. Without it each listing and each clean-up reads all sessions."
                for name in self.database.tables.missing(connection)
            ]
            if connection.dialect.name in ("mysql", "mariadb"):
                mode = str(connection.exec_driver_sql("SELECT @@sql_mode").scalar_one())
                if "STRICT_" not in mode:
                    doubts.append(
                        f"{self.place} cuts off what is too long without an error, for its sql_mode lacks "
                        "STRICT_TRANS_TABLES. Add it: a session that was cut off cannot be read."
                    )
            return doubts

        return await self.database.run(work)

    async def close(self) -> None:
        await self.database.close()

    # -- rows -------------------------------------------------------------------------------------------------------

    @property
    def _table(self) -> sa.Table:
        return self.database.tables.sessions

    @property
    def _c(self) -> sa.ColumnCollection[str, sa.Column[Any]]:
        return self.database.tables.sessions.c

    def _alive(self, key: bytes, now: float) -> list[Any]:
        """Return the conditions that a session lives under *key* itself."""
        c = self._c
        return [c.id == key, c.expires > now, c.successor.is_(None)]

    def _unchanged(self, record: Record) -> Any:
        """Return the condition that nobody has changed the session since it was read, or leased it."""
        c = self._c
        return sa.and_(
            c.id == record.key,
            c.version == record.header.version,
            c.until == record.header.until,
            c.successor.is_(None),
        )

    def _update(self, connection: sa.Connection, where: Any, values: Mapping[str, Any]) -> int:
        return int(connection.execute(sa.update(self._table).where(where).values(**values)).rowcount)

    def _living(self, connection: sa.Connection, key: bytes, now: float, lock: bool = False) -> Record | None:
        """Return the living session under *key*, through the trails of timed renewals."""
        forwarded = False
        while True:
            wanted = self.database.tables.load.where(self._c.id == key)
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

    def _values(self, header: Mapping[str, Any], columns: Any = None) -> dict[str, Any]:
        """Return the columns that change with these attributes of the header."""
        values = columns_of(header)
        if header.keys() & _DEADLINE:
            c = self._c if columns is None else columns
            seen, idle, absolute = (
                sa.literal(values[name], sa.Double) if name in values else c[name]
                for name in ("seen", "idle", "absolute")
            )
            values["expires"] = sa.case((seen + idle < absolute, seen + idle), else_=absolute)
        return values

    def _changed(self, before: Record, after: Record) -> dict[str, Any]:
        """Return the columns that make *after* of *before*: of the fields only those that differ are sent."""
        old, new = before.header, after.header
        names = Header.__struct_fields__
        values = self._values({name: getattr(new, name) for name in names if getattr(new, name) != getattr(old, name)})
        held, fields = before.fields, after.fields
        if held == fields:
            return values
        set_ = {key: raw for key, raw in fields.items() if held.get(key) != raw}
        gone = [key for key in held if key not in fields]
        sql = self.database.sql
        if sql.merges and len(set_) + len(gone) <= sql.most:
            values["data"] = sql.patch(self._c.data, set_, gone)
        else:
            values["data"] = fields
        return values

    def _copy(self, c: Any, key: bytes, values: Mapping[str, Any]) -> list[Any]:
        """Return what to select of the columns *c* for a copy under another key, with *values* in place of its own."""
        changed = {"id": key, **values}
        columns = []
        for column in self._table.columns:
            value = changed.get(column.name, c[column.name])
            if value is None:
                value = sa.null()
            columns.append(value if isinstance(value, sa.ColumnElement) else sa.literal(value, column.type))
        return columns

    def _write(self, connection: sa.Connection, before: Record, after: Record, emptied: bool) -> None:
        """Write what was merged here, or delete what was emptied.

        :raises Lost: if the session has been changed since it was read
        """
        unchanged = self._unchanged(before)
        if emptied:
            count = connection.execute(sa.delete(self._table).where(unchanged)).rowcount
        else:
            count = self._update(connection, unchanged, self._changed(before, after))
        if count == 0:
            raise Lost

    def _erase(self, connection: sa.Connection, key: bytes) -> bytes | None:
        """Delete the row under *key*, and return the key that it leads to."""
        c = self._c
        gone = sa.delete(self._table).where(c.id == key)
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

    def _page(self, now: float, last: bytes, connection: sa.Connection) -> list[Record]:
        c = self._c
        page = self.database.tables.load.where(c.id > last, c.expires > now, c.successor.is_(None))
        return [record_of(row) for row in connection.execute(page.order_by(c.id).limit(_AT_ONCE))]

    def _prune(self, connection: sa.Connection, now: float) -> int:
        """Delete a batch of what is over, and return how many rows that were."""
        c = self._c
        old = self.database.sql.spared(sa.select(c.id).where(c.expires <= now).limit(_AT_ONCE))
        if self.database.sql.returning:
            return int(connection.execute(sa.delete(self._table).where(c.id.in_(old))).rowcount)
        keys = connection.execute(old).scalars().all()  # MySQL takes no LIMIT in a subquery
        if not keys:
            return 0
        return int(connection.execute(sa.delete(self._table).where(c.id.in_(keys), c.expires <= now)).rowcount)

    # -- changes ----------------------------------------------------------------------------------------------------

    def _merge_in_one(self, connection: sa.Connection, key: bytes, delta: Delta, now: float) -> Merged | None:
        """Merge in one statement; None if that cannot be done, or has found nothing to be done to."""
        sql, c = self.database.sql, self._c
        planned = self._planned(c, key, delta, now)
        if planned is None:
            return None
        where, values, empties = planned
        change = sa.update(self._table).values(**values)
        change = change.where(*where) if empties is None else change.where(*where, sa.not_(empties), self._sure(delta))
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
        gone = sa.delete(self._table).where(*where, empties, sa.not_(c.mortal))
        return Merged(emptied=True) if connection.execute(gone).rowcount else None

    def _move_in_one(
        self, connection: sa.Connection, old: bytes, new: bytes, delta: Delta, now: float, grace: float
    ) -> Merged | None:
        """Move in one statement; None if that cannot be done, or has found nothing to be done to."""
        c = self._c
        there = self._planned(c, old, delta, now)
        if not self.database.sql.moves or delta.incr or there is None:
            return None
        where, _, empties = there
        if empties is not None:
            where += [sa.not_(empties), self._sure(delta)]
        held = sa.select(self._table).where(*where).with_for_update().cte("held")
        planned = self._planned(held.c, old, delta, now)
        assert planned is not None
        moved = {**planned[1], **self._values({"renewed": now, **delta.moved}, held.c)}
        trail = sa.update(self._table).where(c.id == held.c.id).values(**_trail(new, now, grace)).cte("trail")
        copied = sa.select(*self._copy(held.c, new, moved)).select_from(held)
        made = sa.insert(self._table).from_select(list(self._table.columns), copied).add_cte(trail)
        version = connection.execute(made.returning(c.version)).scalar()
        return None if version is None else Merged(version=version)

    def _planned(self, c: Any, key: bytes, delta: Delta, now: float) -> tuple[list[Any], dict[str, Any], Any] | None:
        """Return what one statement needs for *delta*, in the columns *c*; None if it takes more.

        That is the conditions, the changed columns, and the condition that nothing is left, or None if that cannot be.
        """
        sql = self.database.sql
        keys = len(delta.set) + len(delta.delete) + len(delta.incr) + len(delta.expect)
        if not sql.merges or delta.take or delta.remove or delta.append or keys > sql.most:
            return None
        if delta.incr and (not sql.counts or delta.incr.keys() & {*delta.set, *delta.delete} or delta.ends):
            return None
        where = self._alive(key, now)
        if delta.owner is not None:
            where += [c.owner == delta.owner, c.until > now]
        if delta.expect or delta.incr:  # what may have ended is looked at here
            where.append(sa.not_(c.mortal))
        where += [sql.holds(c.data, name, raw) for name, raw in delta.expect.items()]
        header = {**delta.header, **({"owner": None, "until": 0.0} if delta.release else {})}
        values = self._values(header, c)
        data = sql.patch(c.data, delta.set, delta.delete)
        if delta.incr:
            data, fitting = sql.add(c.data, data, delta.incr)
            where += fitting
        if delta.set or delta.delete or delta.incr:
            values["data"] = data
        values.setdefault("version", sql.next_version(c.version))
        return where, values, self._empties(delta, data)

    def _empties(self, delta: Delta, data: Any) -> Any:
        """Return the condition that nothing is left of a session after *delta*; None if that cannot be."""
        if not delta.final or delta.set or delta.incr or delta.header.get("user") is not None:
            return None
        empty = self.database.sql.is_empty(data)
        return empty if "user" in delta.header else sa.and_(self._c.user_hash.is_(None), empty)

    def _sure(self, delta: Delta) -> Any:
        """Return the condition that no field can have ended, or that it does not matter, for a user is bound."""
        still = sa.not_(self._c.mortal)
        return still if "user" in delta.header else sa.or_(self._c.user_hash.is_not(None), still)

    def _merge_here(
        self, connection: sa.Connection, key: bytes, delta: Delta, now: float, lock: bool = False
    ) -> Merged:
        """Read the session, merge, and write what has changed.

        :raises Lost: if the session has been changed since it was read
        """
        record = self._living(connection, key, now, lock)
        if record is None:
            return REFUSED
        before = copy.deepcopy(record)
        merged = merge(record, delta, now)
        if not (merged.refused or merged.conflict):
            self._write(connection, before, record, merged.emptied)
        return merged

    def _acquire(
        self, key: bytes, owner: str, lease: float, now: float, connection: sa.Connection
    ) -> tuple[bool, Record | None]:
        """Lease the session, and tell whether that is done."""
        c = self._c
        if self.database.sql.returning:
            free = sa.or_(c.owner.is_(None), c.owner == owner, c.until <= now)
            seen = sa.case((now - c.seen < c.idle / 10, c.seen), else_=now)
            expires = sa.case((seen + c.idle < c.absolute, seen + c.idle), else_=c.absolute)
            values = {**columns_of({"owner": owner, "until": now + lease}), "seen": seen, "expires": expires}
            taking = sa.update(self._table).where(*self._alive(key, now), free).values(**values)
            row = connection.execute(taking.returning(c.id, c.data, *self.database.tables.header)).first()
            if row is not None:
                record = record_of(row)
                record.touched = record.header.seen == now != record.header.created
                return True, record
        record_or_none = self._living(connection, key, now)
        if record_or_none is None:
            return True, None
        record = record_or_none
        before = copy.deepcopy(record)
        if not record.header.lease(owner, lease, now):
            return False, None
        record.touched = record.header.touch(now)
        count = self._update(connection, self._unchanged(before), self._changed(before, record))
        return (True, record) if count else (False, None)


def _itself(address: Address) -> Address:
    return address


def _address_of(client: Any) -> Address:
    """Return the address of an engine, or of what has one."""
    setting = "SESSION_SQLALCHEMY"
    try:
        url = getattr(client, "url", None) or client.engine.url
    except AttributeError as error:
        raise ConfigError(
            setting,
            f"{client!r} is no engine and has none.",
            "Give an Engine or AsyncEngine of SQLAlchemy, or the object of Flask-SQLAlchemy.",
        ) from error
    except RuntimeError as error:  # Flask-SQLAlchemy, outside of an application
        raise ConfigError(
            setting,
            "Its engine is known inside of an application context only, and sessions were asked for outside.",
            "Put the address into SESSION_URL, or use 'with app.app_context():'.",
        ) from error
    return Address(url, setting)


def _whole(header: Header) -> dict[str, Any]:
    return {**columns_of(header), "expires": header.deadline}


def _trail(new: bytes, now: float, grace: float) -> dict[str, Any]:
    return {"data": {}, **_whole(forwarder(new, now, grace))}


def _repeatable(delta: Delta) -> bool:
    """Tell whether a delta that is merged twice comes to the same."""
    return not (delta.take or delta.remove or delta.incr or delta.append or delta.expect or delta.release)
