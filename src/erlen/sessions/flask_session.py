"""Reads what Flask-Session left in Redis, in a database or in files, for ``erlen sessions migrate``.

Flask-Session writes a session as one value: msgpack, or JSON. Versions before 0.7, and its files always, have pickle,
which runs whatever code stands in it; that is read only where the caller says so.
"""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC
from pathlib import Path
from struct import Struct as BinaryStruct
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from zlib import crc32

import msgspec

from erlen.errors import MissingExtra, SessionError, SessionValueError
from erlen.loading import load
from erlen.sessions.adoption import adopted_key, stored_name
from erlen.sessions.codec import encode
from erlen.sessions.migration import Copy, Source
from erlen.sessions.record import Header, Record
from erlen.sessions.session import FLASHES
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.clients import place_of, unavailable

__all__ = ["FlaskSessionSource"]

_PERMANENT = "_permanent"
_PAGE = 500
_SECONDS = BinaryStruct("I")
_PICKLED = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))

_unpack = msgspec.msgpack.Decoder().decode
_parse = msgspec.json.Decoder().decode


class _Found(NamedTuple):
    name: str
    """What :func:`~erlen.sessions.adoption.stored_name` makes of the session's id."""
    data: bytes
    end: float | None
    """When the session ends, in seconds since 1970; None for never."""


class _Pickled(Exception):
    """The value is pickled, and may not be read."""


class FlaskSessionSource(Source):
    """The sessions of Flask-Session, each under the key where its old cookie finds it.

    :param url: where they are: ``redis://…``, the address of a database for SQLAlchemy, or ``file:///folder``
    :param settings: the settings of sessions here, which give the lifetimes
    :param prefix: Flask-Session's ``SESSION_KEY_PREFIX``
    :param table: its ``SESSION_SQLALCHEMY_TABLE``
    :param unpickle: read pickled values too, which runs the code in them
    :raises SessionError: if there is no way to read it
    """

    def __init__(
        self,
        url: str,
        settings: SessionSettings,
        prefix: str = "session:",
        table: str = "sessions",
        unpickle: bool = False,
    ) -> None:
        self.place = place_of(url)
        self.left_out: list[str] = []
        self._url = url
        self._settings = settings
        self._prefix = prefix
        self._table = table
        self._unpickle = unpickle
        self._keys: set[bytes] = set()
        self._read = self._reader(urlsplit(url).scheme.lower())

    def _reader(self, scheme: str) -> Callable[[], Iterator[_Found]]:
        if scheme in ("redis", "rediss", "unix", "valkey", "valkeys"):
            return self._from_redis
        if scheme == "file":
            return self._from_files
        if scheme in ("memcached", "mongodb", "dynamodb"):
            raise SessionError(
                f"Sessions of Flask-Session in {scheme} are not read; those in Redis, in a database and in files are. "
                "Visitors begin anew."
            )
        return self._from_table

    async def sessions(self) -> AsyncIterator[Copy]:
        now = time.time()
        for found in self._read():
            key = adopted_key(found.name)
            self._keys.add(key)
            if found.end is not None and found.end <= now:
                continue
            try:
                values = self._values(found.data)
            except _Pickled:
                self.left_out.append(
                    f"session {key.hex()}: it is pickled. 'erlen sessions migrate --unpickle' reads it, which runs "
                    "whatever code stands in it."
                )
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
                self.left_out.append(f"session {key.hex()}: it cannot be read: {error}")
            else:
                record = self._record(key, values, found.end, now)
                if record is not None:
                    yield Copy(record, f"{crc32(found.data):08x} {len(found.data)}")

    async def has(self, key: bytes) -> bool:
        return key in self._keys

    # -- values -------------------------------------------------------------------------------------------------------

    def _values(self, data: bytes) -> dict[Any, Any]:
        if data.startswith(_PICKLED):
            if not self._unpickle:
                raise _Pickled
            values = _unpickled(data)
        else:
            try:
                values = _unpack(data)
            except msgspec.DecodeError:
                values = _parse(data)
        if not isinstance(values, dict):
            raise ValueError("it is no dict")
        return values

    def _record(self, key: bytes, values: dict[Any, Any], end: float | None, now: float) -> Record | None:
        """Return the session in our form, or None if there is nothing in it."""
        settings, fields = self._settings, {}
        permanent = bool(values.pop(_PERMANENT, False))
        for name, value in values.items():
            if not isinstance(name, str):
                self.left_out.append(f"session {key.hex()}: session[{name!r}]: keys have to be texts.")
                continue
            if name == FLASHES and isinstance(value, list):  # msgpack and JSON have made lists of the pairs
                value = [tuple(pair) if isinstance(pair, list) else pair for pair in value]
            try:
                fields[name] = encode(name, value)
            except SessionValueError as error:
                self.left_out.append(f"session {key.hex()}: {error}")
        if not fields:
            return None
        idle = settings.idle_for(permanent)
        # It does not live longer than Flask-Session would have let it.
        seen = now if end is None else min(now, end - idle)
        absolute = now + settings.absolute
        return Record(key, Header(seen, seen, idle, absolute, now, permanent=permanent), fields)

    # -- places -------------------------------------------------------------------------------------------------------

    def _name(self, stored_id: str) -> str:
        return stored_name(stored_id.removeprefix(self._prefix))

    def _from_redis(self) -> Iterator[_Found]:
        redis = _driver("redis", "redis")
        pattern = "".join(f"\\{each}" if each in "*?[]^\\" else each for each in self._prefix) + "*"
        url = self._url.replace("valkey", "redis", 1) if self._url.startswith("valkey") else self._url
        try:
            with self._connected(redis, url) as client:
                for names in _pages(dict.fromkeys(client.scan_iter(match=pattern, count=_PAGE))):
                    pipeline = client.pipeline(transaction=False)
                    for name in names:
                        pipeline.get(name)
                        pipeline.pttl(name)
                    replies = pipeline.execute(raise_on_error=False)
                    now = time.time()
                    for name, data, left in zip(names, replies[::2], replies[1::2], strict=True):
                        if isinstance(data, bytes):  # not what has another type, or has ended meanwhile
                            yield _Found(self._name(name.decode()), data, now + left / 1000 if left >= 0 else None)
        except (redis.exceptions.RedisError, OSError) as error:
            raise unavailable("Redis", self.place, error, "See that it runs, and that the address is right.") from error

    def _connected(self, redis: Any, url: str) -> Any:
        timeout = self._settings.timeout
        try:
            return redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
        except ValueError:  # what it says may hold a part of the password
            raise _unreadable("redis://user:password@host:6379/0") from None

    def _from_table(self) -> Iterator[_Found]:
        sa = _driver("sqlalchemy", "sqlalchemy")
        try:
            engine = sa.create_engine(self._url)
        except (sa.exc.ArgumentError, ValueError):
            raise _unreadable("postgresql+psycopg://user:password@host/database") from None
        except ImportError as error:
            raise SessionError(f"The driver for Flask-Session's database is not installed: {error}.") from error
        schema, _, name = self._table.rpartition(".")
        table = sa.table(
            name,
            sa.column("session_id", sa.String),
            sa.column("data", sa.LargeBinary),
            sa.column("expiry", sa.DateTime),
            schema=schema or None,
        )
        try:
            with engine.connect() as connection:
                for stored_id, data, expiry in connection.execute(sa.select(table)).yield_per(_PAGE):
                    if stored_id is not None and data is not None:
                        end = None if expiry is None else expiry.replace(tzinfo=expiry.tzinfo or UTC).timestamp()
                        yield _Found(self._name(stored_id), bytes(data), end)
        except sa.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            raise unavailable(
                "The database", self.place, SessionError(reason), "See that it runs, and that --table is right."
            ) from error
        finally:
            engine.dispose()

    def _from_files(self) -> Iterator[_Found]:
        if not self._unpickle:
            raise SessionError(
                "Flask-Session's files are pickled, and reading them runs whatever code stands in them. If nobody but "
                "the application could write to that folder, say so with --unpickle."
            )
        folder = Path(unquote(urlsplit(self._url).path))
        try:
            files = sorted(path for path in folder.iterdir() if len(path.name) == 32)
            for path in files:
                data = path.read_bytes()
                end, start = _end_of_file(data)
                if end is not None and data[start : start + 2] in _PICKLED and path.name != _COUNT:
                    yield _Found(path.name, data[start:], end or None)
        except OSError as error:
            raise SessionError(f"The files of Flask-Session cannot be read: {error}.") from error


_COUNT = "2029240f6d1128be89ddc32729463129"  # the file in which cachelib counts the others


def _end_of_file(data: bytes) -> tuple[float | None, int]:
    """Return when a file of cachelib ends, 0 for never, and where its value begins; None if it is no such file."""
    if data[4:6] in _PICKLED:
        return float(_SECONDS.unpack_from(data)[0]), 4
    stream = io.BytesIO(data)  # older versions have pickled a number first
    try:
        end = load("pickle").load(stream)
    except Exception:  # a file of somebody else's
        return None, 0
    return (float(end), stream.tell()) if isinstance(end, (int, float)) else (None, 0)


def _unpickled(data: bytes) -> Any:
    try:
        return load("pickle").loads(data)
    except Exception as error:  # a class that is not there any more, or damage
        raise ValueError(f"it cannot be unpickled ({type(error).__name__}: {error})") from error


def _pages(names: Iterable[bytes]) -> Iterator[list[bytes]]:
    page: list[bytes] = []
    for name in names:
        page.append(name)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _unreadable(example: str) -> SessionError:
    return SessionError(
        f"The address of Flask-Session's sessions cannot be read. Write it as {example!r}, with the characters @, /, "
        "#, ? and % in a password as %40, %2F, %23, %3F and %25."
    )


def _driver(module: str, extra: str) -> Any:
    try:
        return load(module)
    except ImportError as error:
        raise MissingExtra("--from-flask-session", extra) from error
