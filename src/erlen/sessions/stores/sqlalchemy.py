"""Sessions in a table of a database, through SQLAlchemy: PostgreSQL, MySQL, MariaDB, SQLite, and others it knows.

Most changes are one statement that the database merges itself. What it cannot do so is read, merged here, and written
if nobody came between; whoever loses that race does it again while the row is locked, so nobody starves.

The engines are the store's own: it takes no part in the application's transactions.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from erlen.errors import ConfigError
from erlen.sessions.record import Delta, KeyNote, Merged, Record
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT, SessionStore, until_leased
from erlen.sessions.stores.sql_database import Database, Lost
from erlen.sessions.stores.sql_engines import Address
from erlen.sessions.stores.sql_rows import AT_ONCE, Rows, whole
from erlen.sessions.stores.sql_table import ddl, hash_of, record_of

__all__ = ["SqlAlchemyStore", "ddl"]

_PRUNE_EVERY = 600.0
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
        self._rows = Rows(self.database)
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
            record = self._rows.living(connection, key, now)
            if record is None:
                return None
            header = record.header
            before = header.seen
            if touch and header.touch(now):
                c = self._rows.c
                due = sa.and_(*self._rows.alive(record.key, now), c.seen == before)
                record.touched = self._rows.update(connection, due, self._rows.values({"seen": now})) == 1
            return record

        return await self.database.run(work)

    async def create(self, key: bytes, record: Record) -> None:
        now = self.clock()
        values = {"id": key, "data": record.fields, **whole(record.header)}

        def work(connection: sa.Connection) -> None:
            # A batch that was full is followed by the next one at once: what expires faster must not pile up.
            if now - self._pruned >= _PRUNE_EVERY and self._rows.prune(connection, now) < AT_ONCE:
                self._pruned = now
            try:
                connection.execute(sa.insert(self._rows.table), values)
            except IntegrityError:
                self._rows.update(connection, self._rows.c.id == key, values)

        await self.database.run(work)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        now = self.clock()

        def work(connection: sa.Connection) -> Merged:
            merged = self._rows.merge_in_one(connection, key, delta, now)
            if merged is None:
                with contextlib.suppress(Lost):
                    return self._rows.merge_here(connection, key, delta, now)
                with self.database.transaction(connection):
                    return self._rows.merge_here(connection, key, delta, now, lock=True)
            return merged

        return await self.database.run(work, again=_repeatable(delta))

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        now = self.clock()

        def work(connection: sa.Connection) -> Merged:
            merged = self._rows.move_in_one(connection, old, new, delta, now, grace)
            if merged is not None:
                return merged
            with self.database.transaction(connection):
                return self._rows.move_here(connection, old, new, delta, now, grace)

        return await self.database.run(work, again=False)

    async def delete(self, key: bytes) -> None:
        def work(connection: sa.Connection) -> None:
            following: bytes | None = key
            while following is not None:
                following = self._rows.erase(connection, following)

        await self.database.run(work)

    async def find(self, user: str) -> list[Record]:
        now = self.clock()

        def work(connection: sa.Connection) -> list[Record]:
            c = self._rows.c
            there = sa.and_(c.user_hash == hash_of(user), c.expires > now, c.successor.is_(None))
            records = [record_of(row) for row in connection.execute(self.database.tables.load.where(there))]
            return [record for record in records if record.header.user == user]

        return sorted(await self.database.run(work), key=lambda record: record.header.created, reverse=True)

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        async def attempt() -> tuple[bool, Record | None]:
            return await self.database.run(functools.partial(self._rows.acquire, key, owner, lease, self.clock()))

        return await until_leased(attempt, wait)

    async def scan(self) -> AsyncIterator[Record]:
        now, last = self.clock(), b""
        while page := await self.database.run(functools.partial(self._rows.page, now, last)):
            for record in page:
                yield record
            last = page[-1].key

    async def count(self) -> int:
        now = self.clock()

        def work(connection: sa.Connection) -> int:
            c = self._rows.c
            living = sa.select(sa.func.count()).where(c.expires > now, c.successor.is_(None))
            return int(connection.execute(living).scalar_one())

        return await self.database.run(work)

    async def delete_all(self) -> int:
        total = await self.count()

        def work(connection: sa.Connection) -> None:
            # A move that was under way at the first pass has made a row that this did not see.
            for _ in range(_PASSES):
                if connection.execute(sa.delete(self._rows.table)).rowcount == 0:
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
            count = await self.database.run(lambda connection: self._rows.prune(connection, now))
            total += count
            if count < AT_ONCE:
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


def _repeatable(delta: Delta) -> bool:
    """Tell whether a delta that is merged twice comes to the same."""
    return not (delta.take or delta.remove or delta.incr or delta.append or delta.expect or delta.release)
