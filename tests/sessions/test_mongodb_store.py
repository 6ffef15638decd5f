"""What is particular to the store in MongoDB: its documents, its settings, its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import OperationFailure

from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.sessions import Delta, Header, Record, SessionSettings, resolve_store
from erlen.sessions.stores.mongodb import MongoStore
from store_servers import Servers, config_of
from store_servers import mongodb as mongodb_servers

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
THIRD = b"\x01\x02" + b"t" * 32
NOW = 1_800_000_000.0


def record(key: bytes = KEY, user: str | None = None, idle: float = 100.0) -> Record:
    return Record(key, Header(NOW, NOW, idle, NOW + 1000, NOW, user=user), {"a": b"1", "list": b"l\0\0\0\1x"})


@pytest.fixture
def store_name() -> str:
    return "mongodb"


@pytest.fixture
def config(servers: Servers) -> dict[str, Any]:
    return config_of("mongodb", servers)


@pytest.fixture
def mongo(config: dict[str, Any], clock: Any) -> Iterator[MongoStore]:
    made = resolve_store(SessionSettings.from_config(config))
    assert isinstance(made, MongoStore)
    made.clock = clock
    yield made
    drive(made.close())


@pytest.fixture
def documents(config: dict[str, Any]) -> Iterator[Any]:
    """The collection, as anybody else sees it."""
    with MongoClient[Any](config["SESSION_URL"]) as client:
        yield client[config["SESSION_MONGODB_DB"]][config["SESSION_MONGODB_COLLECT"]]


# -- documents ------------------------------------------------------------------------------------------------------


def test_a_document_holds_numbers_and_lists_that_the_server_can_work_on(mongo: MongoStore, documents: Any) -> None:
    drive(mongo.create(KEY, record(user="7")))
    document = documents.find_one({"_id": KEY})
    assert document.pop("t") >= 0
    assert document.pop("x").timestamp() != 0
    assert document == {
        "_id": KEY,
        "u": "7",
        "v": 1,
        "e": NOW + 100,
        "h": {"created": NOW, "seen": NOW, "idle": 100.0, "absolute": NOW + 1000, "renewed": NOW},
        "d": {"ka": 1, "klist": [b"x"]},
    }


def test_the_server_cleans_up_by_an_index_and_never_too_early(mongo: MongoStore, documents: Any) -> None:
    drive(mongo.create(KEY, record(idle=99.9995)))
    found = documents.aggregate([{"$project": {"x": {"$toLong": "$x"}}}]).to_list()[0]
    assert found["x"] == (NOW + 100) * 1000
    indexes = documents.index_information()
    assert indexes["erlen_deadline"]["key"] == [("x", 1)]
    assert indexes["erlen_deadline"]["expireAfterSeconds"] == 0
    assert indexes["erlen_user"]["key"] == [("u", 1)]


def test_what_moves_the_deadline_moves_the_date_of_the_server(mongo: MongoStore, documents: Any, clock: Any) -> None:
    drive(mongo.create(KEY, record()))
    clock.turn(50)
    drive(mongo.load(KEY, touch=True))
    document = documents.find_one({"_id": KEY, "x": DatetimeMS(int(NOW + 150) * 1000)})
    assert document["e"] == NOW + 150


def test_what_the_server_holds_opens_nothing(
    mongo: MongoStore, documents: Any, manage: Callable[..., Any], browse: Callable[..., Any], store: MongoStore
) -> None:
    browser = browse()
    browser.do(lambda session: session.bind("user 7"))
    browser.do(lambda session: session.update(visible="this text"))
    payload = browser.manager.keys.verify(browser.token).payload

    async def all_of_it() -> bytes:
        found = await store._run(lambda server: server.sessions.find().to_list())
        noted = await store._run(lambda server: server.notes.find().to_list())
        return b"".join(bson.encode(document) for document in [*found, *noted])

    dump = drive(all_of_it())
    assert b"user 7" in dump
    assert b"this text" in dump
    assert payload[2:] not in dump
    assert browser.token.encode() not in dump
    assert payload[2:].hex().encode() not in dump.lower()


def test_a_session_beyond_16_mb_is_refused_with_the_limit(mongo: MongoStore) -> None:
    huge = record()
    huge.fields["big"] = b"m" + b"x" * (17 * 1024 * 1024)
    with pytest.raises(SessionValueError, match="beyond 16 MB, and MongoDB keeps no larger document"):
        drive(mongo.create(KEY, huge))
    assert drive(mongo.load(KEY)) is None


# -- moves ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["with transactions", "without"])
def moving(mongo: MongoStore, monkeypatch: Any, request: pytest.FixtureRequest) -> MongoStore:
    """The store on a server with transactions, and on a lone one, which has none."""
    if not request.param:
        monkeypatch.setattr("erlen.sessions.stores.mongodb._has_transactions", lambda client: False)
    return mongo


def test_a_move_leaves_one_session_and_trails(moving: MongoStore, documents: Any) -> None:
    drive(moving.create(KEY, record(user="7")))
    assert drive(moving.move(KEY, OTHER, Delta(set={"b": b"2"}), 30)).version == 2
    assert not drive(moving.move(KEY, THIRD, Delta())).refused
    assert [found.key for found in drive(moving.find("7"))] == [THIRD]
    left = {document["_id"]: document["h"].get("successor") for document in documents.find()}
    assert left == {KEY: THIRD, OTHER: THIRD, THIRD: None}


def test_a_move_that_another_writer_came_before_is_done_anew(
    moving: MongoStore, documents: Any, monkeypatch: Any
) -> None:
    drive(moving.create(KEY, record()))
    read = moving.read
    came: list[bytes] = []

    async def late(key: bytes) -> Any:
        found = await read(key)
        if key == KEY and not came:
            came.append(key)
            await moving.merge(KEY, Delta(set={"quick": b"1"}))
        return found

    monkeypatch.setattr(moving, "read", late)
    assert drive(moving.move(KEY, OTHER, Delta(set={"b": b"2"}))).version == 3
    found = drive(moving.load(OTHER))
    assert found is not None
    assert found.fields == {**record().fields, "quick": b"1", "b": b"2"}
    assert documents.count_documents({}) == 2


def test_a_session_that_moves_while_all_are_deleted_does_not_escape(mongo: MongoStore, documents: Any) -> None:
    drive(mongo.create(KEY, record()))
    drive(mongo.create(OTHER, record(OTHER)))
    server = mongo._clients.plain()
    passes: list[Any] = []

    class Meanwhile:
        """Deletes, at first, what stands elsewhere, while a session moves."""

        def __getattr__(self, name: str) -> Any:
            return getattr(server.durable, name)

        def delete_many(self, wanted: Any) -> Any:
            passes.append(wanted)
            if len(passes) > 1:
                return server.durable.delete_many(wanted)
            done = server.durable.delete_many({"_id": OTHER})
            drive(mongo.move(KEY, THIRD, Delta()))
            return done

    mongo._clients._process.plain = server._replace(durable=Meanwhile())
    assert drive(mongo.delete_all()) == 2
    assert drive(mongo.load(THIRD)) is None
    assert documents.count_documents({"h.successor": {"$exists": False}}) == 0


# -- settings -------------------------------------------------------------------------------------------------------


def test_a_database_in_the_url_comes_before_the_setting() -> None:
    settings = {"SESSION_TYPE": "mongodb", "SESSION_MONGODB_DB": "other"}
    named = resolve_store(SessionSettings.from_config({**settings, "SESSION_URL": "mongodb://ann:pw@h:1,g:2/shop?w=1"}))
    assert named.place == "mongodb://ann@h:1,g:2/shop (shop.sessions)"
    usual = resolve_store(SessionSettings.from_config({**settings, "SESSION_URL": "mongodb://h"}))
    assert usual.place == "mongodb://h (other.sessions)"
    spread = resolve_store(SessionSettings.from_config({**settings, "SESSION_URL": "mongodb+srv://h.example/shop?w=1"}))
    assert spread.place == "mongodb+srv://h.example/shop (shop.sessions)"


@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
def test_a_client_of_pymongo_gives_its_address_and_options(config: dict[str, Any], kind: Any) -> None:
    given = kind(config["SESSION_URL"], connect=False, retryWrites=False)
    settings = {"SESSION_TYPE": "mongodb", "SESSION_MONGODB": given, "SESSION_MONGODB_COLLECT": "by_client"}
    store = resolve_store(SessionSettings.from_config({**settings, "SESSION_MONGODB_DB": config["SESSION_MONGODB_DB"]}))
    assert isinstance(store, MongoStore)
    assert store._options["retryWrites"] is False
    drive(store.create(KEY, record()))
    assert drive(store.delete_all()) == 1
    drive(store.close())
    if kind is MongoClient:
        given.close()


def test_a_client_made_of_host_and_port_gives_them() -> None:
    with MongoClient[Any]("example.org", 27018, username="ann", password="secret", connect=False) as given:
        store = resolve_store(SessionSettings.from_config({"SESSION_TYPE": "mongodb", "SESSION_MONGODB": given}))
    assert isinstance(store, MongoStore)
    assert store.place == "example.org:27018 (erlen.sessions)"
    assert (store._options["port"], store._options["password"]) == (27018, "secret")


def test_what_is_no_client_of_pymongo_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"SESSION_MONGODB: dict is no client of PyMongo\. Give a MongoClient or"):
        resolve_store(SessionSettings.from_config({"SESSION_TYPE": "mongodb", "SESSION_MONGODB": {}}))


@pytest.mark.parametrize("url", ["mongodb://ann:s@cret:x@host", "mongodb://", "mongodb://host:abc"])
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="SESSION_URL: It is no address of MongoDB") as caught:
        resolve_store(SessionSettings.from_config({"SESSION_URL": url}))
    assert "cret" not in str(caught.value)


# -- errors ---------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_named_without_its_password(free_port: int) -> None:
    store = MongoStore(f"mongodb://ann:secret@127.0.0.1:{free_port}/?directConnection=true", timeout=0.2)
    for action in (store.check, lambda: store.load(KEY), lambda: store.merge(KEY, Delta()), lambda: store.find("7")):
        with pytest.raises(SessionUnavailable) as caught:
            drive(action())
        text = str(caught.value)
        assert text.startswith(f"MongoDB at mongodb://ann@127.0.0.1:{free_port}/ (erlen.sessions) could not be used")
        assert "Connection refused" in text
        assert text.endswith("See that it runs there, and that SESSION_URL names the right place.")
        assert "secret" not in text
        assert "Topology" not in text
    drive(store.close())


def test_after_the_server_was_gone_sessions_are_kept_again_without_a_restart(
    servers: Servers, free_port: int, clock: Any
) -> None:
    running = mongodb_servers.start(servers, free_port)
    running.wait()
    store = MongoStore(f"mongodb://127.0.0.1:{free_port}/?directConnection=true", timeout=1)
    store.clock = clock
    drive(store.create(KEY, record()))
    running.kill()
    with pytest.raises(SessionUnavailable):
        drive(store.load(KEY))
    again = mongodb_servers.start(servers, free_port)
    again.wait()
    drive(store.create(OTHER, record(OTHER)))
    assert not drive(store.merge(OTHER, Delta(set={"b": b"2"}))).refused
    drive(store.close())
    again.kill()


def test_indexes_that_are_refused_stop_no_session_and_are_told_by_check(mongo: MongoStore, monkeypatch: Any) -> None:
    server = mongo._clients.plain()

    class Refusing:
        """Sessions of a user who may not create indexes."""

        def __getattr__(self, name: str) -> Any:
            return getattr(server.sessions, name)

        def create_indexes(self, indexes: Any) -> None:
            raise OperationFailure("not authorized on erlen", 13, {"codeName": "Unauthorized"})

    mongo._clients._process.plain = server._replace(sessions=Refusing())
    drive(mongo.create(KEY, record()))
    assert drive(mongo.load(KEY)) is not None
    (doubt,) = drive(mongo.check())
    assert "refuses the indexes of the sessions (not authorized on erlen (Unauthorized))" in doubt
    assert "on x with expireAfterSeconds=0, and on u with sparse=true" in doubt
