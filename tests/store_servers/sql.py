"""PostgreSQL and MariaDB, and SQLite through SQLAlchemy. ``sqlalchemy-other`` is PostgreSQL, treated as unknown."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import sqlalchemy as sa

from store_servers import Running, Servers
from store_servers.proxy import CountingProxy

_INSTALL = {
    "postgresql": "apt-get install postgresql",
    "mariadb": "apt-get install mariadb-server",
}


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    tables = _tables(name)
    config = {"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY_TABLE": tables[0], "SESSION_STORE_TIMEOUT": 10}
    if name == "sqlalchemy-sqlite":
        _count_in_process(servers)
        folder = servers.shared["sqlite folder"] = servers.make_folder("sqlalchemy")
        with contextlib.closing(sqlite3.connect(folder / "sessions.db")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # as one does who uses SQLite for more than a few requests
        return {**config, "SESSION_URL": f"sqlite+pysqlite:///{folder}/sessions.db"}
    if name == "mariadb":
        for table in tables:
            with contextlib.suppress(pymysql.err.ProgrammingError):  # not made yet
                ask(servers, f"DELETE FROM {table}")
        return {**config, "SESSION_URL": mariadb_url(mariadb(servers).port)}
    for table in tables:
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            ask_postgresql(servers, f"TRUNCATE {table}")
    hint = "?erlen_dialect=generic" if name == "sqlalchemy-other" else ""
    return {**config, "SESSION_URL": postgresql_url(_proxy(servers).port) + hint}


def commands(name: str, servers: Servers) -> int:
    if name == "sqlalchemy-sqlite":
        return _count_in_process(servers)["commands"]
    if name == "mariadb":
        count = int(ask(servers, "SHOW GLOBAL STATUS LIKE 'Questions'")[0][1])
        return count - servers.shared["mariadb asked"]["commands"]
    rows = ask_postgresql(
        servers,
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
        "WHERE d.datname = 'erlen'",
        database="postgres",
    )
    return int(rows[0][0])


def bytes_received(name: str, servers: Servers) -> int:
    if name == "sqlalchemy-sqlite":
        return _count_in_process(servers)["bytes"]
    if name == "mariadb":
        count = int(ask(servers, "SHOW GLOBAL STATUS LIKE 'Bytes_received'")[0][1])
        return count - servers.shared["mariadb asked"]["bytes"]
    return _proxy(servers).bytes_received


def dump(name: str, servers: Servers) -> bytes:
    if name == "sqlalchemy-sqlite":
        folder: Path = servers.shared["sqlite folder"]
        return b"".join(file.read_bytes() for file in folder.iterdir())
    rows = []
    for table in _tables(name):
        select = f"SELECT * FROM {table}"
        rows += ask(servers, select) if name == "mariadb" else ask_postgresql(servers, select)
    return b"\n".join(bytes(x) if isinstance(x, bytes) else str(x).encode() for row in rows for x in row)


def _tables(name: str) -> list[str]:
    # One of its own for the unknown database: it has other columns.
    table = "other_sessions" if name == "sqlalchemy-other" else "erlen_sessions"
    return [table, f"{table}_keys"]


# -- PostgreSQL -----------------------------------------------------------------------------------------------------


def start_postgresql(servers: Servers, port: int, folder: Path | None = None) -> Running:
    """Start a server on *port*, with the data in *folder* if it was there before."""
    postgres = servers.require("postgres", _INSTALL["postgresql"])
    initdb = servers.require("initdb", _INSTALL["postgresql"])
    if folder is None:
        folder = servers.make_folder("postgresql")
        data = folder / "data"
        trusted = ("-U", "erlen", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        servers.run(initdb, "-D", data, *trusted, folder=folder)
    options = {
        "listen_addresses": "127.0.0.1",
        "fsync": "off",
        "full_page_writes": "off",
        "shared_preload_libraries": "pg_stat_statements",
        "max_connections": "200",
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    (folder / "data" / "postmaster.pid").unlink(missing_ok=True)  # of one that was killed
    running = servers.start(postgres, "-D", folder / "data", "-p", port, "-k", folder, *words, port=port, folder=folder)
    running.wait(lambda: _answers(port))
    return running


def postgresql(servers: Servers) -> Running:
    """Return the server that the tests share."""
    running: Running | None = servers.shared.get("postgresql")
    if running is None:
        running = servers.shared["postgresql"] = start_postgresql(servers, servers.free_port())
        ask_postgresql(servers, "CREATE DATABASE erlen", database="postgres")
        ask_postgresql(servers, "CREATE EXTENSION pg_stat_statements", database="postgres")
    return running


def postgresql_url(port: int, database: str = "erlen") -> str:
    return f"postgresql+psycopg://erlen@127.0.0.1:{port}/{database}"


def ask_postgresql(servers: Servers, statement: str, database: str = "erlen") -> list[Any]:
    """Let the shared server do *statement*, on a connection of its own."""
    port = postgresql(servers).port
    with psycopg.connect(f"host=127.0.0.1 port={port} user=erlen dbname={database}", autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _answers(port: int) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=erlen dbname=postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _proxy(servers: Servers) -> CountingProxy:
    proxy: CountingProxy | None = servers.shared.get("postgresql proxy")
    if proxy is None:
        proxy = servers.shared["postgresql proxy"] = CountingProxy(postgresql(servers).port)
    return proxy


# -- MariaDB --------------------------------------------------------------------------------------------------------


def start_mariadb(servers: Servers, port: int, folder: Path | None = None) -> Running:
    """Start a server on *port*, with the data in *folder* if it was there before."""
    mariadbd = servers.require("mariadbd", _INSTALL["mariadb"])
    install = servers.require("mariadb-install-db", _INSTALL["mariadb"])
    if folder is None:
        folder = servers.make_folder("mariadb")
        words = ("--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal")
        servers.run(install, *words, "--skip-test-db", folder=folder)
    running = servers.start(
        mariadbd,
        "--no-defaults",
        f"--datadir={folder}/data",
        f"--socket={folder}/my.sock",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--pid-file={folder}/my.pid",
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=2",  # survives the end of the process, not of the machine
        "--innodb-buffer-pool-size=32M",
        f"--tmpdir={folder}",
        # Another collation than ours, as on many servers.
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
        port=port,
        folder=folder,
    )
    running.wait(lambda: _mariadb_answers(port))
    with _connect(port) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS erlen")
    return running


def mariadb(servers: Servers) -> Running:
    """Return the server that the tests share."""
    running: Running | None = servers.shared.get("mariadb")
    if running is None:
        running = servers.shared["mariadb"] = start_mariadb(servers, servers.free_port())
    return running


def mariadb_url(port: int) -> str:
    return f"mariadb+pymysql://root@127.0.0.1:{port}/erlen"


def ask(servers: Servers, statement: str) -> list[Any]:
    """Let the shared MariaDB do *statement*, on a connection that is kept."""
    connection = servers.shared.get("mariadb connection")
    if connection is None:
        connection = servers.shared["mariadb connection"] = _connect(mariadb(servers).port, "erlen")
    asked: Counter[str] = servers.shared.setdefault("mariadb asked", Counter())
    asked["commands"] += 1
    asked["bytes"] += len(statement) + 5  # the head of a packet
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _connect(port: int, database: str | None = None) -> Any:
    return pymysql.connect(host="127.0.0.1", port=port, user="root", database=database, autocommit=True)


def _mariadb_answers(port: int) -> bool:
    try:
        _connect(port).close()
    except pymysql.err.OperationalError:
        return False
    return True


# -- SQLite ---------------------------------------------------------------------------------------------------------


def _count_in_process(servers: Servers) -> Counter[str]:
    """Return what SQLAlchemy has given to SQLite in this process, counted."""
    counts: Counter[str] | None = servers.shared.get("sqlite counts")
    if counts is None:
        counts = servers.shared["sqlite counts"] = Counter()
        sa.event.listen(sa.Engine, "before_cursor_execute", _note(counts))
    return counts


def _note(counts: Counter[str]) -> Any:
    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if connection.dialect.name == "sqlite":
            counts["commands"] += 1
            counts["bytes"] += len(statement) + sum(len(str(value)) for value in parameters or ())

    return note
