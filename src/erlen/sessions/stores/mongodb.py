"""Sessions in MongoDB, by PyMongo's plain and asynchronous clients.

A document holds a session, as :mod:`erlen.sessions.stores.mongodb_documents` writes it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, Self, TypeVar

from bson import Int64
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import (
    AsyncMongoClient,
    IndexModel,
    MongoClient,
    ReadPreference,
    ReplaceOne,
    ReturnDocument,
    UpdateOne,
    WriteConcern,
)
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri

from erlen.errors import ConfigError, SessionValueError
from erlen.sessions import stored
from erlen.sessions.record import Delta, Header, KeyNote, Merged, Record
from erlen.sessions.settings import SessionSettings
from erlen.sessions.stores.base import NOTE_KEPT
from erlen.sessions.stores.base import can_suspend as on_loop
from erlen.sessions.stores.clients import Clients, place_of, unavailable
from erlen.sessions.stores.documents import DocumentStore, Image, header_of
from erlen.sessions.stores.mongodb_documents import (
    Update,
    allowing,
    date_of,
    difference,
    document_of,
    fields_of,
    living,
    path_of,
    read_document,
)

__all__ = ["MongoStore"]

T = TypeVar("T")

_NEAR = "mongodb://127.0.0.1:27017"
_PAGE = 500
_INDEXES = [
    IndexModel("x", name="erlen_deadline", expireAfterSeconds=0),
    IndexModel("u", name="erlen_user", sparse=True),
]
_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
_MAJORITY = WriteConcern("majority")
# What $inc and $push say of a field of another kind, or of a sum beyond 64 bits: BadValue and TypeMismatch.
_OF_ANOTHER_KIND = (2, 14)
_TOO_LARGE = (10334, 17419, 17420)


class _Server(NamedTuple):
    """A client and the collections that we use of it."""

    client: Any
    sessions: Any
    durable: Any
    """The sessions again: what is written there survives the loss of the server that wrote it."""
    notes: Any


class MongoStore(DocumentStore):
    """Keeps sessions in a collection of MongoDB.

    :param url: where the server is, as MongoDB writes it; a database named there is taken in place of *database*
    :param database: the name of the database
    :param collection: the name of the collection
    :param timeout: seconds that one command may take
    :param options: arguments for PyMongo's clients, in place of the *url*
    """

    sees_emptiness = True

    def __init__(
        self,
        url: str = _NEAR,
        database: str = "erlen",
        collection: str = "sessions",
        timeout: float = 2.0,
        options: dict[str, Any] | None = None,
    ) -> None:
        if options is None:
            database = _database_of(url) or database
            options = {"host": url}
        milliseconds = max(1, round(timeout * 1000))
        self._options: dict[str, Any] = {
            "appname": "erlen-sessions",
            **options,
            "timeoutMS": milliseconds,
            "serverSelectionTimeoutMS": milliseconds,
            "connectTimeoutMS": milliseconds,
            "tz_aware": False,
            "document_class": dict,
        }
        self._names = database, collection
        self.place = f"{_address(options)} ({database}.{collection})"
        self._clients: Clients[_Server, _Server] = Clients(
            lambda: self._server(MongoClient(**self._options)),
            lambda: self._server(AsyncMongoClient(**self._options)),
            lambda server: server.client.close(),
            lambda server: server.client.close(),
        )
        self._indexed = False
        self._doubts: list[str] = []

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store at ``SESSION_URL``, or with the address and the options of the client ``SESSION_MONGODB``."""
        options = None if settings.client is None else _options_of(settings.client)
        return cls(settings.url or _NEAR, settings.mongodb_db, settings.mongodb_collection, settings.timeout, options)

    # -- one command ------------------------------------------------------------------------------------------------

    async def change(self, key: bytes, delta: Delta, now: float) -> Merged | None:
        if delta.take and delta.incr:  # an answer shows the document either before or after
            return None
        update = Update()
        for name, value in header_of(delta).items():
            update.attribute(name, value)
        for field in (*delta.take, *delta.delete):
            update.unset[path_of(field)] = ""
        for field, raw in delta.set.items():
            update.field(field, raw)
        for field, by in delta.incr.items():
            update.add[path_of(field)] = Int64(by)
        for field, append in delta.append.items():
            end = {} if append.limit is None else {"$slice": -append.limit}
            update.push[path_of(field)] = {"$each": append.items, **end}
        update.add["v"] = Int64(1)
        wanted, command = allowing(key, delta, now), update.command()
        asked = {"_id": 0, "v": 1} | {path_of(field): 1 for field in (*delta.take, *delta.incr)}
        moment = ReturnDocument.BEFORE if delta.take else ReturnDocument.AFTER

        async def work(server: _Server) -> Any:
            change = server.sessions.find_one_and_update
            try:
                return await _done(change(wanted, command, projection=asked, return_document=moment))
            except OperationFailure as error:
                if error.code in _OF_ANOTHER_KIND and (delta.incr or delta.append):
                    return None
                raise

        document = await self._run(work)
        if document is None:
            return None
        shown = fields_of(document.get("d", {}))
        taken = {field: held for field in delta.take if (held := stored.at(shown.get(field), now)) is not None}
        numbers = {field: int(shown[field]) for field in delta.incr}
        return Merged(version=document["v"] + bool(delta.take), numbers=numbers, taken=taken)

    async def lease(self, key: bytes, owner: str, until: float, now: float) -> tuple[Record, Image] | None:
        free = {"$or": [{"h.owner": None}, {"h.owner": owner}, {"h.until": {"$lte": now}}]}
        command = {"$set": {"h.owner": owner, "h.until": until}, "$inc": {"t": Int64(1)}}
        document = await self._run(
            lambda server: server.sessions.find_one_and_update(
                {**living(now), "_id": key, **free}, command, return_document=ReturnDocument.AFTER
            )
        )
        return None if document is None else read_document(key, document)

    # -- read and swap ----------------------------------------------------------------------------------------------

    async def read(self, key: bytes) -> tuple[Record, Image] | None:
        document = await self._run(lambda server: server.sessions.find_one({"_id": key}))
        return None if document is None else read_document(key, document)

    async def swap(self, key: bytes, record: Record | None, tag: Image) -> bool:
        standing = {"_id": key, "t": Int64(tag.mark)}
        if record is None:
            deleted = await self._run(lambda server: server.durable.delete_one(standing))
            return bool(deleted.deleted_count)
        command = difference(tag, record)
        updated = await self._run(lambda server: server.sessions.update_one(standing, command))
        return bool(updated.matched_count)

    async def put(self, key: bytes, record: Record) -> None:
        if not self._indexed:
            await self._make_indexes()
        document = document_of(key, record)
        await self._run(lambda server: server.sessions.replace_one({"_id": key}, document, upsert=True))

    async def rename(self, record: Record, tag: Image, new: bytes, old: bytes, trail: Header) -> bool:
        key = record.key
        writes: list[Any] = [
            ReplaceOne({"_id": new}, document_of(new, record), upsert=True),
            UpdateOne({"_id": key, "t": Int64(tag.mark)}, difference(tag, Record(key, trail, {}))),
        ]
        left = Record(old, trail, {})

        async def work(server: _Server) -> bool:
            if not _has_transactions(server.client):
                return await _all_done(server.durable.bulk_write(writes), len(writes))
            if old != key:
                writes.append(ReplaceOne({"_id": old}, document_of(old, left), upsert=True))
            return await _in_transaction(server, writes)

        if await self._run(work):
            if old != key and len(writes) == 2:
                await self.put(old, left)
            return True
        await self.discard(new)
        return False

    # -- many sessions ----------------------------------------------------------------------------------------------

    async def find(self, user: str) -> list[Record]:
        wanted = {"u": user, **living(self.clock())}
        documents = await self._run(lambda server: server.sessions.find(wanted).to_list())
        records = [read_document(document["_id"], document)[0] for document in documents]
        return sorted(records, key=lambda record: record.header.created, reverse=True)

    async def scan(self) -> AsyncIterator[Record]:
        wanted = living(self.clock())
        while True:
            documents = await self._page(wanted)
            for document in documents:
                yield read_document(document["_id"], document)[0]
            if len(documents) < _PAGE:
                return
            wanted = {**wanted, "_id": {"$gt": documents[-1]["_id"]}}

    async def _page(self, wanted: dict[str, Any]) -> Any:
        return await self._run(lambda server: server.sessions.find(wanted).sort("_id", 1).limit(_PAGE).to_list())

    async def count(self) -> int:
        wanted = living(self.clock())
        return int(await self._run(lambda server: server.sessions.count_documents(wanted)))

    async def delete_all(self) -> int:
        total, began = await self.count(), self.clock()
        wanted: dict[str, Any] = {"e": {"$exists": True}}
        seen: set[bytes] = set()
        while True:
            command = wanted
            gone = await self._run(lambda server, command=command: server.durable.delete_many(command))
            trails = await self._run(
                lambda server: server.sessions.find({"h.successor": {"$exists": True}}, {"_id": 1}).to_list()
            )
            # A session that moved while they were deleted may have escaped, and left a trail.
            fresh = {trail["_id"] for trail in trails} - seen
            if not gone.deleted_count and not fresh:
                return total
            seen |= fresh
            wanted = {"h.created": {"$lte": began}, "h.successor": {"$exists": False}}

    async def prune(self) -> int:
        now = self.clock()
        over = {"x": {"$lte": date_of(now)}, "e": {"$lte": now}}
        deleted = await self._run(lambda server: server.sessions.delete_many(over))
        return int(deleted.deleted_count)

    # -- the rest ---------------------------------------------------------------------------------------------------

    async def check(self) -> list[str]:
        await self._run(lambda server: server.client.admin.command("ping"))
        await self._make_indexes()
        return list(self._doubts)

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        document = {"_id": note.fingerprint, "ring": note.ring, "owner": note.owner, "noted": note.noted}

        async def work(server: _Server) -> Any:
            await _done(server.notes.replace_one({"_id": note.fingerprint}, document, upsert=True))
            await _done(server.notes.delete_many({"noted": {"$lt": note.noted - NOTE_KEPT}}))
            return await _done(server.notes.find({"_id": {"$ne": note.fingerprint}}).sort("_id", 1).to_list())

        noted = await self._run(work)
        return [KeyNote(each["_id"], each["ring"], each["owner"], each["noted"]) for each in noted]

    async def close(self) -> None:
        await self._clients.close()

    # -- the server -------------------------------------------------------------------------------------------------

    def _server(self, client: Any) -> _Server:
        database, collection = self._names
        base = client.get_database(database, codec_options=_OPTIONS, read_preference=ReadPreference.PRIMARY)
        sessions = base[collection]
        durable = sessions.with_options(write_concern=_MAJORITY)
        return _Server(client, sessions, durable, base[f"{collection}_keys"])

    async def _make_indexes(self) -> None:
        """Make the indexes, which several workers may do at once; a server that refuses is only asked once."""

        async def work(server: _Server) -> list[str]:
            try:
                await _done(server.sessions.create_indexes(_INDEXES))
            except OperationFailure as error:
                doubt = (
                    f"MongoDB at {self.place} refuses the indexes of the sessions ({_reason(error)}): ended sessions "
                    "stay until 'erlen sessions prune', and those of a user are found slowly. Let its user create "
                    "indexes, or make them yourself: on x with expireAfterSeconds=0, and on u with sparse=true."
                )
                return [doubt]
            return []

        self._doubts = await self._run(work)
        self._indexed = True

    async def _run(self, work: Callable[..., Any]) -> Any:
        """Do *work* with the client that suits the caller, and turn what the driver says into what a store says."""
        try:
            return await _done(work(self._clients.looped() if on_loop() else self._clients.plain()))
        except DocumentTooLarge as error:
            raise _too_large() from error
        except PyMongoError as error:
            if isinstance(error, OperationFailure) and error.code in _TOO_LARGE:
                raise _too_large() from error
            raise unavailable("MongoDB", self.place, Exception(_reason(error))) from error


# -- the driver -----------------------------------------------------------------------------------------------------


async def _done(answer: Awaitable[T] | T) -> T:
    """Return the answer of a plain or of an asynchronous client."""
    return await answer if inspect.isawaitable(answer) else answer


async def _all_done(answer: Any, writes: int) -> bool:
    """Tell whether each of *writes* found its document or made it."""
    result = await _done(answer)
    return bool(result.matched_count + result.upserted_count == writes)


def _has_transactions(client: Any) -> bool:
    servers = client.topology_description.server_descriptions().values()
    return any(server.server_type_name in ("RSPrimary", "Mongos") for server in servers)


async def _in_transaction(server: _Server, writes: list[Any]) -> bool:
    """Do all of *writes* or, if one does not find its document or another writer is quicker, none."""
    session = server.client.start_session()
    try:
        await _done(session.start_transaction(write_concern=_MAJORITY))
        try:
            done = await _all_done(server.sessions.bulk_write(writes, session=session), len(writes))
            await _done(session.commit_transaction() if done else session.abort_transaction())
        except PyMongoError as error:
            if session.in_transaction:
                await _done(session.abort_transaction())
            if error.has_error_label("TransientTransactionError") and isinstance(error, OperationFailure):
                return False
            raise
        return done
    finally:
        await _done(session.end_session())


def _reason(error: PyMongoError) -> str:
    """Return what went wrong in a few words, without the document that was to be written."""
    if isinstance(error, DuplicateKeyError):
        return "another request wrote the same document at the same moment"
    if isinstance(error, BulkWriteError):
        return "not all of the documents could be written"
    if isinstance(error, ServerSelectionTimeoutError):
        return str(error).partition(", Timeout:")[0]
    if isinstance(error, OperationFailure):
        details = error.details or {}
        name = details.get("codeName") or f"code {error.code}"
        return f"the server refused the command with {name}" if error.code in (2, 14) else _first(str(error), name)
    return str(error).partition(" (configured timeouts")[0] or type(error).__name__


def _first(text: str, name: str) -> str:
    return f"{text.partition(', full error')[0]} ({name})"


def _too_large() -> SessionValueError:
    return SessionValueError(
        "session", "it has grown beyond 16 MB, and MongoDB keeps no larger document. Keep large values elsewhere."
    )


def _database_of(url: str) -> str | None:
    """Return the database that *url* names; raise if it is no address of MongoDB."""
    if url.partition("://")[0].lower() == "mongodb+srv":  # to be looked up in the DNS, which parsing would do
        return url.partition("://")[2].partition("/")[2].partition("?")[0] or None
    try:
        database: str | None = parse_uri(url)["database"]
    except (PyMongoError, ValueError) as error:
        raise ConfigError(
            "SESSION_URL",
            f"It is no address of MongoDB: {type(error).__name__}.",
            "Write it as 'mongodb://user:password@host:27017/database', with the special characters of the password "
            "as %XX.",
        ) from None
    return database


def _address(options: dict[str, Any]) -> str:
    """Return where the server is, without a password."""
    host, port = options["host"], options.get("port")
    if not isinstance(host, str):
        return ",".join(host)
    if "://" in host:
        return place_of(host)
    return f"{host}:{port}" if port else host


def _options_of(client: Any) -> dict[str, Any]:
    """Return the arguments with which *client* was made."""
    if not isinstance(client, (MongoClient, AsyncMongoClient)):
        raise ConfigError(
            "SESSION_MONGODB",
            f"{type(client).__name__} is no client of PyMongo.",
            "Give a MongoClient or an AsyncMongoClient, or set SESSION_URL = 'mongodb://…' in its place.",
        )
    # PyMongo has no public way to ask for them; its own clients are duplicated by these too.
    options: dict[str, Any] = dict(client._init_kwargs)
    options.pop("type_registry", None)
    options["host"] = options.get("host") or client.HOST
    return options
