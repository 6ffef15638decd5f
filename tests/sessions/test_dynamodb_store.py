"""What is particular to the store in DynamoDB: its table, the items of users, its settings, its errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from erlen.callables import drive
from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.sessions import Delta, Header, KeyNote, Record, SessionSettings, resolve_store
from erlen.sessions.stores.dynamodb import DynamoStore
from erlen.sessions.stores.dynamodb_table import DynamoTable
from store_servers import Servers, config_of
from store_servers import dynamodb as dynamodb_servers

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
THIRD = b"\x01\x02" + b"t" * 32
NOW = 1_800_000_000.0


def record(key: bytes = KEY, user: str | None = None, idle: float = 100.0) -> Record:
    return Record(key, Header(NOW, NOW, idle, NOW + 1000, NOW, user=user), {"a": b"1", "list": b"l\0\0\0\1x"})


@pytest.fixture
def store_name() -> str:
    return "dynamodb"


@pytest.fixture
def config(servers: Servers) -> dict[str, Any]:
    return config_of("dynamodb", servers)


@pytest.fixture
def make(config: dict[str, Any], clock: Any) -> Iterator[Callable[..., DynamoStore]]:
    """Return a function that makes stores with one table."""
    made: list[DynamoStore] = []

    def make(**changes: Any) -> DynamoStore:
        store = resolve_store(SessionSettings.from_config({**config, **changes}))
        assert isinstance(store, DynamoStore)
        store.clock = clock
        made.append(store)
        return store

    yield make
    for store in made:
        drive(store.close())


@pytest.fixture
def dynamo(make: Callable[..., DynamoStore]) -> DynamoStore:
    return make()


def items(store: DynamoStore) -> dict[bytes, dict[str, Any]]:
    """Return all items of the table by their keys."""

    async def collect() -> dict[bytes, dict[str, Any]]:
        return {item["pk"]["B"]: item async for page in store._pages() for item in page["Items"]}

    return drive(collect())


# -- items ----------------------------------------------------------------------------------------------------------


def test_an_item_holds_numbers_and_lists_that_the_server_can_work_on(dynamo: DynamoStore) -> None:
    drive(dynamo.create(KEY, record(idle=99.5)))
    (item,) = items(dynamo).values()
    assert int(item.pop("t")["N"]) >= 0
    assert item == {
        "pk": {"B": KEY},
        "e": {"N": repr(NOW + 99.5)},
        "x": {"N": str(int(NOW) + 100)},
        "h.created": {"N": repr(NOW)},
        "h.seen": {"N": repr(NOW)},
        "h.idle": {"N": "99.5"},
        "h.absolute": {"N": repr(NOW + 1000)},
        "h.renewed": {"N": repr(NOW)},
        "h.version": {"N": "1"},
        "d.a": {"N": "1"},
        "d.list": {"L": [{"B": b"x"}]},
    }


def test_what_the_server_holds_opens_nothing(browse: Callable[..., Any], store: DynamoStore) -> None:
    browser = browse()
    browser.do(lambda session: session.bind("user 7"))
    browser.do(lambda session: session.update(visible="this text"))
    payload = browser.manager.keys.verify(browser.token).payload
    dump = repr(items(store))
    assert "user 7" in dump
    assert "this text" in dump
    assert repr(payload[2:])[2:-1] not in dump
    assert browser.token not in dump
    assert payload[2:].hex() not in dump.lower()


@pytest.mark.parametrize("user", [None, "7"])
def test_a_session_beyond_400_kb_is_refused_with_the_limit(dynamo: DynamoStore, user: str | None) -> None:
    drive(dynamo.create(KEY, record(user=user)))
    big = b"m" + b"x" * 410_000
    for delta in (Delta(set={"big": big}), Delta(set={"big": big}, header={"user": "8"})):
        with pytest.raises(SessionValueError, match=r"beyond 400 KB, and DynamoDB keeps no larger item\. Keep large"):
            drive(dynamo.merge(KEY, delta))
    huge = record(OTHER)
    huge.fields["big"] = big
    with pytest.raises(SessionValueError, match="beyond 400 KB"):
        drive(dynamo.create(OTHER, huge))
    found = drive(dynamo.load(KEY))
    assert found is not None
    assert found.fields == record().fields


# -- users ----------------------------------------------------------------------------------------------------------


def test_more_sessions_of_a_user_than_one_batch_are_found(dynamo: DynamoStore) -> None:
    keys = {number.to_bytes(34, "big") for number in range(120)}
    for key in keys:
        drive(dynamo.create(key, record(key, user="7")))
    assert {found.key for found in drive(dynamo.find("7"))} == keys


def test_what_a_busy_server_leaves_out_of_a_batch_is_asked_for_again(dynamo: DynamoStore, monkeypatch: Any) -> None:
    for key in (KEY, OTHER, THIRD):
        drive(dynamo.create(key, record(key, user="7")))
    call = dynamo._table.call
    answered = []

    async def one_at_a_time(operation: str, **arguments: Any) -> Any:
        if operation != "batch_get_item":
            return await call(operation, **arguments)
        ((name, request),) = arguments["RequestItems"].items()
        first, *rest = request["Keys"]
        answered.append(len(rest))
        answer = await call(operation, RequestItems={name: {**request, "Keys": [first]}})
        return {**answer, "UnprocessedKeys": {name: {**request, "Keys": rest}} if rest else {}}

    monkeypatch.setattr(dynamo._table, "call", one_at_a_time)
    assert len(drive(dynamo.find("7"))) == 3
    assert answered == [2, 1, 0]


def test_a_session_that_changes_its_user_is_found_with_the_new_one_alone(dynamo: DynamoStore) -> None:
    drive(dynamo.create(KEY, record(user="7")))
    drive(dynamo.merge(KEY, Delta(header={"user": "8"})))
    assert (drive(dynamo.find("7")), [found.key for found in drive(dynamo.find("8"))]) == ([], [KEY])
    drive(dynamo.move(KEY, OTHER, Delta(header={"user": "9"})))
    assert (drive(dynamo.find("8")), [found.key for found in drive(dynamo.find("9"))]) == ([], [OTHER])
    drive(dynamo.merge(OTHER, Delta(header={"user": None})))
    assert drive(dynamo.find("9")) == []
    assert len([item for item in items(dynamo).values() if any(name.startswith("m.") for name in item)]) == 0


def test_what_a_user_has_no_more_is_taken_out_of_the_item_and_the_empty_item_goes(
    dynamo: DynamoStore, clock: Any
) -> None:
    drive(dynamo.create(KEY, record(KEY, user="7")))
    drive(dynamo.create(OTHER, record(OTHER, user="7", idle=900)))
    # DynamoDB itself has cleaned up, which tells nobody.
    drive(dynamo._table.on("delete_item", Key={"pk": {"B": KEY}}))
    assert [found.key for found in drive(dynamo.find("7"))] == [OTHER]
    (user,) = [item for item in items(dynamo).values() if "members" in item]
    assert [name for name in user if name.startswith("m.")] == [f"m.{OTHER.hex()}"]
    drive(dynamo._table.on("delete_item", Key={"pk": {"B": OTHER}}))
    assert [drive(dynamo.prune()) for _ in range(2)] == [0, 0]
    assert items(dynamo) == {}


def test_a_session_that_was_bound_again_meanwhile_is_not_taken_out(dynamo: DynamoStore) -> None:
    drive(dynamo.create(KEY, record(user="7")))
    item = next(item for item in items(dynamo).values() if "members" in item)
    drive(dynamo.merge(KEY, Delta(header={"user": None})))
    drive(dynamo.merge(KEY, Delta(header={"user": "7"})))
    item[f"m.{OTHER.hex()}"] = {"N": "1"}
    drive(dynamo._members(item))
    assert [found.key for found in drive(dynamo.find("7"))] == [KEY]


def test_a_session_that_moves_while_all_are_deleted_does_not_escape(dynamo: DynamoStore, monkeypatch: Any) -> None:
    for key in (KEY, OTHER):
        drive(dynamo.create(key, record(key)))
    pages = dynamo._pages
    scans: list[Any] = []

    async def meanwhile(**arguments: Any) -> Any:
        scans.append(arguments)
        if len(scans) == 2:  # the first one counts
            yield {"Items": [items_before[OTHER]]}
            await dynamo.move(KEY, THIRD, Delta())
            return
        async for page in pages(**arguments):
            yield page

    items_before = items(dynamo)
    monkeypatch.setattr(dynamo, "_pages", meanwhile)
    assert drive(dynamo.delete_all()) == 2
    assert drive(dynamo.load(THIRD)) is None
    assert drive(dynamo.count()) == 0


def test_notes_that_are_old_are_removed(dynamo: DynamoStore) -> None:
    drive(dynamo.note_key(KeyNote("aaaa", ["aaaa"], "one", 1000.0)))
    drive(dynamo.note_key(KeyNote("bbbb", ["bbbb"], "two", 9000.0)))
    (item,) = items(dynamo).values()
    assert [name for name in item if name.startswith("n.")] == ["n.bbbb"]


# -- the table ------------------------------------------------------------------------------------------------------


def refuse(operation: str, code: str, message: str = "no") -> Callable[..., Any]:
    """Return what stands in for sending commands: *operation* fails."""
    send = DynamoTable._send

    async def refusing(table: DynamoTable, name: str, arguments: dict[str, Any]) -> Any:
        if name == operation:
            raise ClientError({"Error": {"Code": code, "Message": message}}, name)
        return await send(table, name, arguments)

    return refusing


def test_the_table_is_made_with_a_time_to_live(dynamo: DynamoStore) -> None:
    assert drive(dynamo.load(KEY)) is None
    described = drive(dynamo._table.on("describe_table"))["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert drive(dynamo.check()) == []


def test_a_table_that_may_not_be_made_is_an_error_that_says_how_to_make_it(
    dynamo: DynamoStore, monkeypatch: Any
) -> None:
    monkeypatch.setattr(DynamoTable, "_send", refuse("create_table", "AccessDeniedException", "not authorized"))
    with pytest.raises(SessionUnavailable) as caught:
        drive(dynamo.check())
    text = str(caught.value)
    assert "the table does not exist and cannot be made, AccessDeniedException: not authorized." in text
    assert f"aws dynamodb create-table --table-name {dynamo._table.name} --billing-mode PAY_PER_REQUEST" in text


def test_a_table_that_takes_its_time_is_waited_for_no_longer_than_a_command_may_take(
    make: Callable[..., DynamoStore], monkeypatch: Any
) -> None:
    dynamo = make(SESSION_STORE_TIMEOUT=0.3)
    states = iter(["", "CREATING", "CREATING", "CREATING", "CREATING"])
    status = DynamoTable._status

    async def slow(table: DynamoTable) -> str:
        return next(states, None) or ""

    monkeypatch.setattr(DynamoTable, "_status", slow)
    with pytest.raises(SessionUnavailable, match=r"is being made by DynamoDB at .* It takes some seconds"):
        drive(dynamo.load(KEY))
    monkeypatch.setattr(DynamoTable, "_status", status)
    dynamo._table.timeout = 10
    assert drive(dynamo.load(KEY)) is None
    assert drive(dynamo.check()) == []


def test_a_table_without_a_time_to_live_is_told_by_check(dynamo: DynamoStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(DynamoTable, "_send", refuse("update_time_to_live", "AccessDeniedException"))
    (doubt,) = drive(dynamo.check())
    assert doubt.startswith(f"The table {dynamo._table.name} has no time to live in the attribute 'x'")
    assert "aws dynamodb update-time-to-live" in doubt
    monkeypatch.setattr(DynamoTable, "_send", refuse("describe_time_to_live", "AccessDeniedException"))
    (doubt,) = drive(dynamo.check())
    assert "does not say whether ended sessions are cleaned up (AccessDeniedException)" in doubt


def test_a_command_that_was_throttled_is_sent_once_more(dynamo: DynamoStore, monkeypatch: Any) -> None:
    drive(dynamo.create(KEY, record()))
    send, sent = DynamoTable._send, []

    async def throttling(table: DynamoTable, name: str, arguments: dict[str, Any]) -> Any:
        sent.append(name)
        if len(sent) == 1 or always:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, name)
        return await send(table, name, arguments)

    always = False
    monkeypatch.setattr(DynamoTable, "_send", throttling)
    assert drive(dynamo.load(KEY)) is not None
    always = True
    with pytest.raises(SessionUnavailable, match=r"ThrottlingException: Rate exceeded\. See that it runs"):
        drive(dynamo.load(KEY))
    assert sent == ["get_item"] * 4


# -- settings and errors --------------------------------------------------------------------------------------------


def resolve(**config: Any) -> DynamoStore:
    store = resolve_store(SessionSettings.from_config({"SESSION_TYPE": "dynamodb", **config}))
    assert isinstance(store, DynamoStore)
    return store


def test_the_address_names_region_table_and_endpoint() -> None:
    assert resolve(SESSION_URL="dynamodb://eu-central-1/shop").place == "eu-central-1 (table shop)"
    assert resolve(SESSION_URL="dynamodb://", SESSION_DYNAMODB_TABLE="abc").place == (
        "the region of the environment (table abc)"
    )
    assert resolve(SESSION_URL="dynamodb://r/shop?endpoint=http://h:1").place == "http://h:1 (table shop)"


@pytest.mark.parametrize("url", ["dynamodb://ann:secret@eu-central-1/shop", "dynamodb://eu-central-1/shop?secret=1"])
def test_an_address_with_more_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="SESSION_URL: It has more than a region, a table and an endpoint") as caught:
        resolve(SESSION_URL=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["ab", "a b c", "x" * 256])
def test_a_name_that_no_table_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be the name of a table\. DynamoDB takes 3 to 255 letters"):
        DynamoStore(name)


@pytest.mark.parametrize("kind", ["client", "resource"])
def test_a_client_of_boto3_gives_region_address_and_credentials(
    servers: Servers, kind: str, clock: Any, monkeypatch: Any
) -> None:
    url = dynamodb_servers.server(servers).url
    session = boto3.session.Session("ITSOWN", "secret", region_name="eu-west-3")
    given: Any = session.client if kind == "client" else session.resource
    store = resolve(SESSION_DYNAMODB=given("dynamodb", endpoint_url=url), SESSION_DYNAMODB_TABLE=f"by_{kind}")
    store.clock = clock
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    drive(store.create(KEY, record()))
    assert store.place == f"{url} (table by_{kind})"
    plain = store._table._clients.plain()
    assert plain.meta.region_name == "eu-west-3"
    assert plain._request_signer._credentials.access_key == "ITSOWN"

    async def on_a_loop() -> Any:
        found = await store.load(KEY)
        await store.close()
        return found

    assert asyncio.run(on_a_loop()) is not None
    drive(store.close())


def test_what_is_no_client_of_dynamodb_is_refused() -> None:
    other = boto3.session.Session("a", "b", region_name="eu-west-3").client("s3")
    with pytest.raises(ConfigError, match="SESSION_DYNAMODB: S3 is no resource and no client of DynamoDB"):
        resolve(SESSION_DYNAMODB=other)


@pytest.mark.parametrize("region", ["eu-central-1", ""])
def test_missing_credentials_and_a_missing_region_are_told_in_words(
    region: str, tmp_path: Any, monkeypatch: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    store = resolve(SESSION_URL=f"dynamodb://{region}/shop")
    told = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if region else "SESSION_URL = 'dynamodb://eu-central-1/"
    with pytest.raises(SessionUnavailable, match=told):
        drive(store.check())
    drive(store.close())


def test_credentials_that_are_not_allowed_are_told_with_what_they_need(dynamo: DynamoStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(DynamoTable, "_send", refuse("get_item", "AccessDeniedException", "not authorized"))
    with pytest.raises(SessionUnavailable, match=r"AccessDeniedException: not authorized\. .*dynamodb:GetItem, BatchG"):
        drive(dynamo.check())


def test_a_server_that_is_not_there_is_named(free_port: int, servers: Servers) -> None:
    dynamodb_servers.server(servers)  # for the credentials
    store = DynamoStore("sessions", "eu-central-1", f"http://127.0.0.1:{free_port}", timeout=0.3)
    for action in (store.check, lambda: store.load(KEY), lambda: store.merge(KEY, Delta()), lambda: store.find("7")):
        with pytest.raises(SessionUnavailable) as caught:
            drive(action())
        text = str(caught.value)
        assert text.startswith(f"DynamoDB at http://127.0.0.1:{free_port} (table sessions) could not be used")
        assert text.endswith("See that it runs there, and that SESSION_URL names the right place.")
    drive(store.close())


def test_after_the_server_was_gone_sessions_are_kept_again_without_a_restart(
    servers: Servers, free_port: int, clock: Any
) -> None:
    dynamodb_servers.server(servers)  # for the credentials
    running = dynamodb_servers.start(servers, free_port)
    running.wait()
    store = DynamoStore("sessions", "eu-central-1", f"http://127.0.0.1:{free_port}")
    store.clock = clock
    drive(store.create(KEY, record()))
    running.kill()
    with pytest.raises(SessionUnavailable):
        drive(store.load(KEY))
    again = dynamodb_servers.start(servers, free_port)
    again.wait()
    drive(store.create(OTHER, record(OTHER)))
    assert not drive(store.merge(OTHER, Delta(set={"b": b"2"}))).refused
    drive(store.close())
    again.kill()
