"""The tables of the store ``sqlalchemy``, and how a session stands in a row.

The fields are one JSON object whose values are all text, and each attribute of the header is a column of its own: so
a database can change some of them in one statement, and a person can read them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from erlen.sessions.record import Header, Record
from erlen.sessions.stores.sql_engines import Address

__all__ = ["Fields", "Tables", "columns_of", "ddl", "hash_of", "name_in", "name_of", "record_of", "text_of"]

# Plain in JSON, in a JSON path between quotes and in any collation: no quotes, no backslash, no percent sign.
_PLAIN = " !#$&()*+,-./:;<=>?@[]^_`{|}~"
_NUMBER = re.compile(rb"-?[0-9]+")

# Stands for an empty name, which some databases take for NULL.
_EMPTY = "%"


def name_of(text: str) -> str:
    """Write a name so that every database keeps and compares it exactly, percent-encoded where it has to be. ::

    name_of("cart")  # 'cart'
    name_of('a "b"\\0')  # 'a %22b%22%00'
    """
    name = quote(text, safe=_PLAIN, errors="surrogatepass") if text else _EMPTY
    # Most collations pass over spaces at the end.
    return f"{name[:-1]}%20" if name[-1] == " " else name


def name_in(name: str) -> str:
    """Read what :func:`name_of` wrote."""
    return unquote(name, errors="surrogatepass") if name != _EMPTY else ""


def text_of(raw: bytes) -> str:
    """Write a stored value as text: a whole number as it is, anything else in base64 behind a ``b``."""
    return raw.decode() if _NUMBER.fullmatch(raw) else "b" + base64.b64encode(raw).decode()


def _raw_in(text: str) -> bytes:
    return base64.b64decode(text[1:]) if text[:1] == "b" else text.encode()


def hash_of(user: str) -> int:
    """Return a number of 64 bits for *user*, under which the sessions of a user are found.

    An index of the names themselves would compare them by the rules of some language, and has a greatest length.
    """
    digest = hashlib.sha256(user.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


# -- types ----------------------------------------------------------------------------------------------------------


class _Key(sa.types.TypeDecorator[bytes]):
    """The key of a session, as hexadecimal text: in some databases bytes cannot be a primary key."""

    impl = sa.String(68)
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: sa.Dialect) -> Any:
        return None if value is None else value.hex()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex(value)


class _Unhexed(sa.types.TypeDecorator[bytes]):
    """The key of a session as bytes of MySQL, sent as text: aiomysql fails at bytes with newer versions of PyMySQL."""

    impl = mysql.VARBINARY(34)
    cache_ok = True

    def bind_expression(self, bindparam: sa.BindParameter[bytes]) -> sa.ColumnElement[bytes]:
        return sa.func.unhex(sa.type_coerce(bindparam, _Key()), type_=self)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> bytes | None:
        return None if value is None else bytes(value)


class _Name(sa.types.TypeDecorator[str]):
    """Text that is kept and compared exactly."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        # A TEXT of MySQL ends after 64 KB.
        return dialect.type_descriptor(mysql.LONGTEXT() if dialect.name in ("mysql", "mariadb") else sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else name_of(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else name_in(value)


class Fields(sa.types.TypeDecorator[dict[str, bytes]]):
    """The fields of a session, as a JSON object of texts.

    :param native: keep it in the JSON type of the database, or else as plain text
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, native: bool) -> None:
        super().__init__()
        self.native = native

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        if not self.native:
            return dialect.type_descriptor(
                mysql.LONGTEXT() if dialect.name in ("mysql", "mariadb") else sa.Text(),
            )
        return dialect.type_descriptor(
            {"postgresql": postgresql.JSONB(), "sqlite": sqlite.JSON()}.get(dialect.name, mysql.JSON())
        )

    def process_bind_param(self, value: Mapping[str, bytes] | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        object_ = {name_of(key): text_of(raw) for key, raw in value.items()}
        return object_ if self.native else json.dumps(object_)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dict[str, bytes] | None:
        if value is None:
            return None
        held: dict[str, str] = json.loads(value) if isinstance(value, str) else value
        return {name_in(name): _raw_in(text) for name, text in held.items()}


class _Seals(sa.types.TypeDecorator[list[bytes]]):
    """The wrapped keys of sealed fields, as a JSON list."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: list[bytes] | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.dumps([text_of(raw) for raw in value])

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> list[bytes] | None:
        return None if value is None else [_raw_in(text) for text in json.loads(value)]


# -- tables ---------------------------------------------------------------------------------------------------------

# The attributes of a header, in its order; all but "user" are the name of their column.
_HEADER = tuple(Header.__struct_fields__)
_COLUMNS = {name: "username" if name == "user" else name for name in _HEADER}


class Tables:
    """The table of the sessions, and the small one beside it of the notes of secret keys.

    :param name: the name of the first; what stands before a dot is its schema
    :param kind: the kind of database, whose JSON and binary types are used; None if we know nothing of it
    """

    def __init__(self, name: str, kind: str | None) -> None:
        native = kind is not None
        key: TypeEngine[Any] = sa.LargeBinary(34)
        if kind is None:
            key = _Key()
        elif kind in ("mysql", "mariadb"):
            key = _Unhexed()
        schema, _, plain = name.rpartition(".")
        self.metadata = sa.MetaData(schema=schema or None)
        options: dict[str, Any] = {
            **{f"{kind}_charset": "utf8mb4" for kind in ("mysql", "mariadb")},
            **{f"{kind}_collate": "utf8mb4_bin" for kind in ("mysql", "mariadb")},
            **{f"{kind}_engine": "InnoDB" for kind in ("mysql", "mariadb")},
        }
        self.sessions = sa.Table(
            plain,
            self.metadata,
            sa.Column("id", key, primary_key=True),
            sa.Column("data", Fields(native), nullable=False),
            sa.Column("username", _Name),
            sa.Column("user_hash", sa.BigInteger),
            sa.Column("created", sa.Double, nullable=False),
            sa.Column("seen", sa.Double, nullable=False),
            sa.Column("idle", sa.Double, nullable=False),
            sa.Column("absolute", sa.Double, nullable=False),
            sa.Column("expires", sa.Double, nullable=False),
            sa.Column("renewed", sa.Double, nullable=False),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("permanent", sa.Boolean, nullable=False),
            sa.Column("auth_time", sa.Double),
            sa.Column("label", _Name),
            sa.Column("owner", _Name),
            sa.Column("until", sa.Double, nullable=False),
            sa.Column("successor", key),
            sa.Column("mortal", sa.Boolean, nullable=False),
            sa.Column("seals", _Seals),
            sa.Index(f"{plain}_expires", "expires"),
            sa.Index(f"{plain}_user", "user_hash"),
            **options,
        )
        self.keys = sa.Table(
            f"{plain}_keys",
            self.metadata,
            sa.Column("fingerprint", sa.String(128), primary_key=True),
            sa.Column("ring", sa.Text, nullable=False),
            sa.Column("owner", sa.Text, nullable=False),
            sa.Column("noted", sa.Double, nullable=False),
            **options,
        )
        columns = self.sessions.c
        self.header = [columns[_COLUMNS[name]] for name in _HEADER]
        self.load = sa.select(columns.id, columns.data, *self.header)

    def statements(self, dialect: sa.Dialect) -> list[str]:
        """Return the statements that make the tables, in the words of *dialect*."""
        made: list[str] = []
        for table in self.metadata.sorted_tables:
            made.append(str(CreateTable(table).compile(dialect=dialect)).strip())
            indexes = sorted(table.indexes, key=lambda index: str(index.name))
            made += [str(CreateIndex(index).compile(dialect=dialect)).strip() for index in indexes]
        return made

    def missing(self, connection: sa.Connection) -> list[str]:
        """Return the tables and indexes that are not in the database."""
        inspector = sa.inspect(connection)
        names: list[str] = []
        for table in self.metadata.sorted_tables:
            if not inspector.has_table(table.name, table.schema):
                names.append(table.name)
            else:
                there = {index["name"] for index in inspector.get_indexes(table.name, table.schema)}
                names += sorted(str(index.name) for index in table.indexes if index.name not in there)
        return names


def columns_of(header: Header | Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns in which attributes of a header stand, with their values; ``expires`` is not among them."""
    values = {name: getattr(header, name) for name in _HEADER} if isinstance(header, Header) else dict(header)
    columns = {_COLUMNS[name]: value for name, value in values.items()}
    if "username" in columns:
        columns["user_hash"] = None if columns["username"] is None else hash_of(columns["username"])
    return columns


def record_of(row: Any) -> Record:
    """Make a record of a row that :attr:`Tables.load` found."""
    return Record(row[0], Header(*row[2:]), row[1])


def ddl(url: str | sa.URL, table: str = "erlen_sessions") -> str:
    """Return the statements that make the tables of sessions, for a migration.

    ``SESSION_SQLALCHEMY_CREATE = False`` lets Erlen leave that to you. ::

        print(ddl("postgresql://"))

    :param url: an address of the database, of which only the beginning counts: nothing is connected to
    :param table: the name, as in ``SESSION_SQLALCHEMY_TABLE``
    """
    address = Address(url, "SESSION_URL", connects=False)
    statements = Tables(table, address.native).statements(address.dialect)
    return "".join(f"{statement};\n\n" for statement in statements).rstrip("\n") + "\n"
