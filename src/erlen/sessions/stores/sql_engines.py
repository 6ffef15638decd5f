"""The engines of the store ``sqlalchemy``: from an address to connections that commit each statement by themselves."""

from __future__ import annotations

import select
import time
from collections.abc import Generator
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from erlen.errors import ConfigError
from erlen.loading import load

__all__ = ["Address", "make_engine", "make_looped_engine"]

# By kind of database: the drivers for plain code and for an event loop, the preferred ones first. A driver of SQLite
# for an event loop only is a thread behind the scenes; a thread of our own needs fewer changes between them.
_DRIVERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "postgresql": (("psycopg", "psycopg2", "pg8000"), ("psycopg", "asyncpg")),
    "mysql": (("pymysql", "mysqldb", "mysqlconnector"), ("aiomysql", "asyncmy")),
    "sqlite": (("pysqlite",), ()),
    "oracle": (("oracledb",), ("oracledb",)),
    "mssql": (("pyodbc", "pymssql"), ("aioodbc",)),
}
_NATIVE = {"postgresql", "mysql", "mariadb", "sqlite"}
_DRIVERS["mariadb"] = _DRIVERS["mysql"]
_LOOPED_ONLY = {"asyncpg", "aiomysql", "asyncmy", "aiosqlite", "aioodbc"}
# Where the module is not called as the driver.
_MODULES = {"mysqldb": "MySQLdb", "mysqlconnector": "mysql.connector", "pysqlite": "sqlite3"}
_PACKAGES = {"psycopg": "psycopg[binary]", "mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python"}

_HINT = "erlen_dialect"

# SQLAlchemy from 2.0.43 lets a connection go back without a ROLLBACK that has nothing to roll back.
_SPARING = tuple(int(part) for part in sa.__version__.split(".")[:3] if part.isdigit()) >= (2, 0, 43)


class Address:
    """The address of a database, with the drivers that serve it.

    :param url: the address as it was given
    :param setting: the setting that it was given in, to be named where it is wrong
    :param connects: whether it will be connected to, so that the driver is needed
    :raises ConfigError: if it is no address, or a driver for it is not installed
    """

    def __init__(self, url: str | sa.URL, setting: str, connects: bool = True) -> None:
        self.setting = setting
        made = self._parsed(url)
        self.generic = made.query.get(_HINT) == "generic"
        """Whether to treat the database as one we know nothing of: ``?erlen_dialect=generic``."""
        made = made.difference_update_query([_HINT])
        self.kind = made.get_backend_name()
        known = self.kind in _DRIVERS
        plain, looped = _DRIVERS.get(self.kind, ((), ()))
        given = made.drivername.partition("+")[2]
        if not given and known:
            given = next(filter(_is_installed, plain), plain[0])
        if given in _LOOPED_ONLY:
            looped, given = (given,) if known and looped else (), next(filter(_is_installed, plain), plain[0])
        self.url = made.set(drivername=f"{self.kind}+{given}" if given else self.kind)
        self.driver = given
        if self.kind == "sqlite" and self.url.database in (None, "", ":memory:"):
            raise ConfigError(
                setting,
                "A database in memory is another one for each connection, so it would lose sessions.",
                "Name a file, as in 'sqlite+pysqlite:///sessions.db', or set SESSION_TYPE = 'memory'.",
            )
        try:
            self.dialect = self.url.get_dialect()()
            if connects:
                self.url.get_dialect().import_dbapi()
        except ModuleNotFoundError as error:
            raise self._not_installed(error) from error
        except NoSuchModuleError as error:
            raise ConfigError(
                setting,
                f"SQLAlchemy knows no database {made.drivername!r}.",
                "Write it as 'postgresql+psycopg://user:password@host/database'.",
            ) from error
        if self.kind == "mariadb":
            self.dialect.is_mariadb = True  # type: ignore[attr-defined]
        self.native = self.kind if self.kind in _NATIVE and not self.generic else None
        """The kind, if its own types are used; None otherwise."""
        looped_driver = next(filter(_is_installed, looped), None)
        self.looped_url = None if looped_driver is None else self.url.set(drivername=f"{self.kind}+{looped_driver}")
        """The address for an event loop, or None if no driver for one is installed."""
        self.looped_driver = looped_driver

    def _parsed(self, url: str | sa.URL) -> sa.URL:
        if isinstance(url, str) and url.startswith(("postgres://", "postgres+")):
            url = url.replace("postgres", "postgresql", 1)
        try:
            return sa.make_url(url)
        except (ArgumentError, ValueError) as error:
            raise ConfigError(
                self.setting,
                "SQLAlchemy cannot read this address.",
                "Write it as 'postgresql+psycopg://user:password@host/database', with '@' and '/' in a password as "
                "%40 and %2F.",
            ) from error

    def _not_installed(self, error: ModuleNotFoundError) -> ConfigError:
        package = _PACKAGES.get(self.driver, self.driver or error.name)
        return ConfigError(
            self.setting,
            f"The driver {self.driver or error.name!r} for {self.kind} is not installed.",
            f"Install it with: pip install {package!r}",
        )

    @property
    def place(self) -> str:
        """The address without a password and without its query."""
        return self.url.set(password=None, query={}).render_as_string()

    def without_password(self, text: str) -> str:
        """Return *text* so that it can be shown."""
        secret = self.url.password
        return text.replace(str(secret), "***") if secret else text


def _is_installed(driver: str) -> bool:
    return find_spec(_MODULES.get(driver, driver).partition(".")[0]) is not None


def make_engine(address: Address, timeout: float) -> sa.Engine:
    """Make an engine for plain code.

    :param timeout: seconds that a connection, a command, and the waiting for a free connection may take
    """
    engine = sa.create_engine(
        address.url, connect_args=_limits(address.driver, address.url, timeout), **_options(address, timeout)
    )
    event.listen(engine, "checkout", _refuse_closed)
    if address.driver == "psycopg":
        psycopg = load("psycopg")
        bounded = _bounded(psycopg.Connection, psycopg.OperationalError, timeout)
        event.listen(engine, "do_connect", lambda dialect, record, args, options: bounded.connect(*args, **options))
    return engine


def make_looped_engine(address: Address, timeout: float) -> AsyncEngine:
    """Make an engine for the running event loop."""
    driver, url = address.looped_driver, address.looped_url
    assert driver is not None
    assert url is not None
    limits = _limits(driver, url, timeout)
    if driver == "psycopg":
        psycopg = load("psycopg")
        limits["async_creator_fn"] = _bounded(psycopg.AsyncConnection, psycopg.OperationalError, timeout).connect
    engine = create_async_engine(url, connect_args=limits, **_options(address, timeout))
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _options(address: Address, timeout: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "isolation_level": "AUTOCOMMIT",
        "pool_timeout": timeout,
        "pool_use_lifo": True,  # so that the server may close those that are not needed
        # Nothing is begun that is not ended, and a ROLLBACK for each use would double the commands.
        "pool_reset_on_return": None,
        "hide_parameters": True,  # in the texts of errors
    }
    if _SPARING:
        options["skip_autocommit_rollback"] = True
    if address.kind == "sqlite":
        # Threads queue up for the one connection, where waiting is fair, and not inside SQLite.
        options |= {"pool_size": 1, "max_overflow": 0, "poolclass": sa.QueuePool}
    if address.kind == "postgresql" and address.driver in ("psycopg", "psycopg2"):
        options["use_native_hstore"] = False  # which would be looked for with each new connection
    return options


def _limits(driver: str, url: sa.URL, timeout: float) -> dict[str, Any]:
    """Return the arguments by which a driver keeps to *timeout*; what the address says itself stays."""
    whole = max(1, round(timeout))
    limits: dict[str, Any] = {}
    if driver in ("psycopg", "psycopg2"):
        limits = {
            "connect_timeout": max(2, whole),  # libpq takes 1 for 2
            "options": f"-c statement_timeout={round(timeout * 1000)}",
            "tcp_user_timeout": round(timeout * 1000),
        }
        if driver == "psycopg":
            limits["prepare_threshold"] = None  # a pooler between us and the server may not know what is prepared
    elif driver == "asyncpg":
        limits = {"timeout": timeout, "command_timeout": timeout, "statement_cache_size": 0}
    elif driver in ("pymysql", "mysqldb"):
        limits = {"connect_timeout": whole, "read_timeout": whole, "write_timeout": whole}
    elif driver in ("aiomysql", "asyncmy"):
        limits = {"connect_timeout": whole}
    elif driver == "pysqlite":
        limits = {"timeout": timeout}
    return {name: value for name, value in limits.items() if name not in url.query}


def _bounded(base: type[Any], failure: type[Exception], timeout: float) -> Any:
    """Return a class of Psycopg's connections that gives up when the server has not answered in time.

    Psycopg itself waits without end for a server that hangs: the limit of a statement is kept by the server.
    """

    class Bounded(base):  # type: ignore[misc]
        def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
            """Wait for the answer to what *gen* has sent, a little longer than the server may take."""
            return super().wait(self._until(gen, time.monotonic() + timeout + 0.5), *args, **options)

        def _until(self, gen: Any, give_up: float) -> Generator[Any, Any, Any]:
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    if not ready and time.monotonic() > give_up:
                        self.pgconn.finish()
                        raise failure(f"it did not answer within {timeout:g} s")
                    wanted = gen.send(ready)
            except StopIteration as done:
                return done.value

    return Bounded


def _refuse_closed(connection: Any, record: Any, proxy: Any) -> None:
    """Refuse a connection that the server has closed meanwhile: the pool makes a new one then.

    It asks the socket and not the server, so it costs no command. Nothing is waiting to be read between two
    commands, unless it is the end.
    """
    raw = getattr(connection, "driver_connection", connection)
    number = _socket_of(raw)
    if number is not None and number >= 0:
        poll = select.poll()
        poll.register(number, select.POLLIN)
        if not poll.poll(0):
            return
    elif number is None:
        return
    raise DisconnectionError("the server has closed the connection")


def _socket_of(connection: Any) -> int | None:
    """Return the number of a connection's socket, -1 if it is closed, None if the driver does not tell it."""
    try:
        if callable(fileno := getattr(connection, "fileno", None)):  # psycopg
            return -1 if connection.closed else int(fileno())
        if (held := getattr(connection, "_sock", None)) is not None:  # PyMySQL
            return int(held.fileno())
        if (reader := getattr(connection, "_reader", None)) is not None and hasattr(reader, "at_eof"):  # aiomysql
            return -1 if reader.at_eof() else None
    except Exception:  # it is closed, in the words of the driver
        return -1
    return None
