"""Runs the statements of the store ``sqlalchemy``: for plain callers, on event loops, and again where that is safe."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from erlen.errors import SessionUnavailable
from erlen.loading import load
from erlen.sessions.stores.base import can_suspend, jitter, pause
from erlen.sessions.stores.clients import Clients, unavailable
from erlen.sessions.stores.sql_engines import Address, make_engine, make_looped_engine
from erlen.sessions.stores.sql_statements import MySql, OldSqlite, Other, PostgreSql, Sql, Sqlite
from erlen.sessions.stores.sql_table import Tables

__all__ = ["Database", "Lost"]

T = TypeVar("T")

_KINDS: dict[str, type[Sql]] = {"postgresql": PostgreSql, "mysql": MySql, "mariadb": MySql, "sqlite": Sqlite}
_SQLITE_WITH_JSON = (3, 38)
# How often the work is begun anew that the database ended to resolve a deadlock, or that lost a race.
_ATTEMPTS = 100
_CREATIONS = 10
# PostgreSQL's SQLSTATE and MySQL's number for a transaction that was ended in favour of another one.
_ENDED = {"40001", "40P01", 1213, 1020}


class Lost(Exception):
    """Another request came between; the work is done again from its beginning."""


class Database:
    """The database at an address, with the tables of sessions in it.

    :param locate: returns the address; asked when it is first needed
    :param table: the name of the table
    :param create: whether to make the tables where they are missing
    :param timeout: seconds that a command, a connection, or waiting for one may take
    """

    def __init__(self, locate: Callable[[], Address], table: str, create: bool, timeout: float) -> None:
        self._locate = locate
        self._table = table
        self._create = create
        self._timeout = timeout
        self._clients: Clients[sa.Engine, AsyncEngine] = Clients(
            lambda: make_engine(self.address, timeout),
            lambda: make_looped_engine(self.address, timeout),
            lambda engine: engine.dispose(),
            lambda engine: engine.dispose(),
        )

    @functools.cached_property
    def address(self) -> Address:
        """Where the database is."""
        return self._locate()

    @functools.cached_property
    def sql(self) -> Sql:
        """What the database can do."""
        address = self.address
        if address.kind == "sqlite" and load("sqlite3").sqlite_version_info < _SQLITE_WITH_JSON:
            return OldSqlite()
        return (Other if address.generic else _KINDS.get(address.kind, Other))()

    @functools.cached_property
    def tables(self) -> Tables:
        """The tables."""
        return Tables(self._table, self.address.native)

    async def close(self) -> None:
        """Close the connections."""
        await self._clients.close()

    async def run(self, work: Callable[[sa.Connection], T], again: bool = True) -> T:
        """Return what *work* returns, which is called with a connection that commits each statement by itself.

        :param again: it may be done a second time, if the connection was lost and nobody knows whether it was done
        :raises SessionUnavailable: if the database does not answer, or refuses
        """
        creations = reconnections = 0
        for attempt in range(_ATTEMPTS):
            began = time.monotonic()
            try:
                return await self._once(work)
            except Lost:
                await pause(jitter(attempt))
            except SQLAlchemyError as error:
                if _was_ended(error):
                    await pause(jitter(attempt))
                elif _is_lost(error):
                    # What took its time was no old connection.
                    if not again or reconnections or time.monotonic() - began > self._timeout / 2:
                        raise self._unavailable(error) from error
                    reconnections += 1
                elif creations < _CREATIONS and (await self._made(error) or creations == 0):
                    # At the first time even if nothing is missing any more: another worker has made it just now.
                    creations += 1
                    await pause(jitter(creations))
                else:
                    raise self._unavailable(error) from error
            except (TimeoutError, OSError) as error:
                raise self._unavailable(error) from error
        raise SessionUnavailable(
            f"A session in {self.address.place} was changed by others each time that this request tried to change it, "
            f"{_ATTEMPTS} times in a row. See whether a client calls in a loop."
        )

    @contextlib.contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[None]:
        """Make one step of what is done inside; it is undone if that fails."""
        begin = self.sql.begin
        if begin is None:
            connection.commit()
            level = connection.default_isolation_level
            if level is not None:
                connection.execution_options(isolation_level=level)
            with connection.begin():
                yield
            return
        connection.exec_driver_sql(begin)
        try:
            yield
        except Exception:
            try:
                connection.exec_driver_sql("ROLLBACK")
            except SQLAlchemyError:
                connection.invalidate()
            raise
        except BaseException:  # a task was cancelled: the connection may be in the middle of an answer
            connection.invalidate()
            raise
        connection.exec_driver_sql("COMMIT")

    async def _once(self, work: Callable[[sa.Connection], T]) -> T:
        if not can_suspend():
            return self._plainly(work)
        asyncio = load("asyncio")
        if self.address.looped_url is None:
            return cast(T, await asyncio.to_thread(self._plainly, work))
        engine = self._clients.looped()
        # Waiting for a connection, making one, and the answer. Most drivers know a limit themselves.
        async with asyncio.timeout(3 * self._timeout), engine.connect() as connection:
            return cast(T, await connection.run_sync(work))

    def _plainly(self, work: Callable[[sa.Connection], T]) -> T:
        with self._clients.plain().connect() as connection:
            return work(connection)

    async def _made(self, error: SQLAlchemyError) -> bool:
        """Make the tables if *error* came of their not being there; tell whether it did."""
        if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
            return False

        def work(connection: sa.Connection) -> bool:
            inspector = sa.inspect(connection)
            tables = self.tables.metadata.sorted_tables
            if all(inspector.has_table(table.name, table.schema) for table in tables):
                return False
            if not self._create:
                raise self._no_table()
            with self.transaction(connection):
                self.tables.metadata.create_all(connection)
            return True

        try:
            return await self._once(work)
        except SQLAlchemyError as other:
            # Another worker makes them at this moment, or we may not: then the next attempt fails for good.
            return not _is_lost(other)

    def _no_table(self) -> SessionUnavailable:
        return SessionUnavailable(
            f"The table {self._table!r} is missing in {self.address.place}, and SESSION_SQLALCHEMY_CREATE is False. "
            "Make it by a migration: 'erlen sessions ddl' prints the statements."
        )

    def _unavailable(self, error: BaseException) -> SessionUnavailable:
        address = self.address
        reason: object = error
        if isinstance(error, StatementError) and error.orig is not None:
            reason = error.orig
        if isinstance(error, PoolTimeout):
            reason = f"no connection became free within {self._timeout:g} s"
        elif isinstance(error, TimeoutError):
            reason = f"it did not answer within {3 * self._timeout:g} s"
        text = " ".join(address.without_password(str(reason)).split())
        return unavailable("The database", address.place, RuntimeError(text or type(error).__name__))


def _is_lost(error: SQLAlchemyError) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _was_ended(error: SQLAlchemyError) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else None
    codes = {getattr(cause, "sqlstate", None), *getattr(cause, "args", ())[:1]}
    return bool({code for code in codes if isinstance(code, str | int)} & _ENDED)
