"""How each kind of database changes some fields of a session in one statement.

All values are text, and all key names are percent-encoded: so paths need no escapes, and an object never stands in
another one, of which merging functions make something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from erlen.sessions.stored import INTEGER_MAX, INTEGER_MIN
from erlen.sessions.stores.sql_table import Fields, name_of, text_of

__all__ = ["MySql", "OldSqlite", "Other", "PostgreSql", "Sqlite", "Sql"]

Condition = sa.ColumnElement[bool]


class Sql:
    """What a kind of database can do. This base class knows one that merges by paths: MySQL, MariaDB and SQLite."""

    merges = True
    """Whether it changes single fields; otherwise all of them are written."""
    returning = False
    """Whether an UPDATE returns the row that it made."""
    counts = False
    """Whether it adds to a number."""
    moves = False
    """Whether one statement may change a row and make another."""
    begin: str | None = None
    """What begins a transaction on a connection that commits each statement by itself; None: SQLAlchemy does it."""
    most = 200
    """How many keys one statement may change."""

    _at_once = 50  # pairs in one call: SQLite takes no more than 127 arguments

    def patch(self, data: Any, set_: Mapping[str, bytes], gone: Sequence[str]) -> Any:
        """Return an expression for the fields *data* without the keys *gone* and with those of *set_*."""
        for at in range(0, len(gone), self._at_once):
            paths = [sa.literal(_path(key)) for key in gone[at : at + self._at_once]]
            data = sa.func.json_remove(data, *paths, type_=sa.Text)
        pairs = list(set_.items())
        for at in range(0, len(pairs), self._at_once):
            values = [sa.literal(x) for key, raw in pairs[at : at + self._at_once] for x in (_path(key), text_of(raw))]
            data = sa.func.json_set(data, *values, type_=sa.Text)
        return data

    def is_empty(self, data: Any) -> Condition:
        """Return the condition that the object *data* has no field."""
        raise NotImplementedError

    def holds(self, data: Any, key: str, raw: bytes | None) -> Condition:
        """Return the condition that the field *key* has just these bytes; None: that it is missing."""
        raise NotImplementedError

    def field(self, data: Any, key: str) -> Any:
        """Return an expression for the text of the field *key*."""
        raise NotImplementedError

    def add(self, data: Any, changed: Any, incr: Mapping[str, int]) -> tuple[Any, list[Condition]]:
        """Return *changed* with the sums of what *data* holds and *incr*, and the conditions that they fit in."""
        raise NotImplementedError

    def next_version(self, version: Any) -> Any:
        """Return the expression that counts up the version."""
        return version + 1

    def spared(self, batch: Any) -> Any:
        """Return a selection of old rows so that those in the hands of others are left out, where that is known."""
        return batch


class PostgreSql(Sql):
    """PostgreSQL, with ``jsonb``."""

    returning = True
    counts = True
    moves = True
    begin = "BEGIN"
    most = 10_000

    def patch(self, data: Any, set_: Mapping[str, bytes], gone: Sequence[str]) -> Any:
        if gone:
            names = sa.cast([name_of(key) for key in gone], postgresql.ARRAY(sa.Text))
            data = data.op("-", return_type=postgresql.JSONB())(names)
        if set_:
            data = data.op("||", return_type=postgresql.JSONB())(sa.literal(dict(set_), Fields(True)))
        return data

    def is_empty(self, data: Any) -> Condition:
        return data == sa.cast(sa.literal_column("'{}'"), postgresql.JSONB)  # type: ignore[no-any-return]

    def holds(self, data: Any, key: str, raw: bytes | None) -> Condition:
        held = self.field(data, key)
        return held.is_(None) if raw is None else held == text_of(raw)  # type: ignore[no-any-return]

    def field(self, data: Any, key: str) -> Any:
        return data.op("->>", return_type=sa.Text())(sa.literal(name_of(key)))

    def add(self, data: Any, changed: Any, incr: Mapping[str, int]) -> tuple[Any, list[Condition]]:
        conditions: list[Condition] = []
        for key, by in incr.items():
            held = self.field(data, key)
            number = sa.case((held.op("~")("^-?[0-9]+$"), sa.cast(held, sa.Numeric)), else_=0)
            total = number + sa.cast(by, sa.Numeric)
            conditions.append(total.between(INTEGER_MIN, INTEGER_MAX))
            summed = sa.func.jsonb_build_object(
                sa.cast(name_of(key), sa.Text), sa.cast(total, sa.Text), type_=postgresql.JSONB
            )
            changed = changed.op("||", return_type=postgresql.JSONB())(summed)
        return changed, conditions

    def spared(self, batch: Any) -> Any:
        return batch.with_for_update(skip_locked=True)


class MySql(Sql):
    """MySQL 8 and MariaDB from 10.6."""

    begin = "START TRANSACTION"

    def is_empty(self, data: Any) -> Condition:
        return sa.func.json_length(data) == 0

    def holds(self, data: Any, key: str, raw: bytes | None) -> Condition:
        held = self.field(data, key)
        if raw is None:
            return held.is_(None)  # type: ignore[no-any-return]
        # A text has the rules of the connection's collation, by which "b" may be equal to "B".
        return sa.cast(held, sa.LargeBinary) == sa.cast(sa.literal(text_of(raw), sa.Text), sa.LargeBinary)

    def field(self, data: Any, key: str) -> Any:
        return sa.func.json_unquote(sa.func.json_extract(data, _path(key)))

    def next_version(self, version: Any) -> Any:
        # What LAST_INSERT_ID is given comes back with the answer of the server: it has no UPDATE .. RETURNING.
        return sa.func.last_insert_id(version + 1)


class Sqlite(Sql):
    """SQLite from 3.38."""

    returning = True
    begin = "BEGIN IMMEDIATE"

    def is_empty(self, data: Any) -> Condition:
        return sa.cast(data, sa.Text) == "{}"

    def holds(self, data: Any, key: str, raw: bytes | None) -> Condition:
        held = self.field(data, key)
        return held.is_(None) if raw is None else held == text_of(raw)  # type: ignore[no-any-return]

    def field(self, data: Any, key: str) -> Any:
        return sa.func.json_extract(data, _path(key))


class OldSqlite(Sql):
    """SQLite before 3.38, which may lack JSON and knows no RETURNING: all fields are written anew."""

    merges = False
    begin = "BEGIN IMMEDIATE"


class Other(Sql):
    """A database we know nothing of: all fields are written anew."""

    merges = False


def _path(key: str) -> str:
    return f'$."{name_of(key)}"'
