"""The table of the store ``dynamodb``: its clients, its making, and what its errors mean.

The plain client is botocore's, the one of an event loop aiobotocore's: the same commands, answers and errors.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

from erlen.errors import ConfigError, SessionUnavailable, SessionValueError
from erlen.loading import load
from erlen.sessions.stores.base import can_suspend, pause
from erlen.sessions.stores.clients import Clients, unavailable

__all__ = ["DynamoTable", "Refused"]

_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# They were not begun, so one more attempt cannot do them twice.
_THROTTLED = {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"}
_NOT_AS_EXPECTED = {"ConditionalCheckFailedException", "TransactionConflictException", "TransactionInProgressException"}
_REASONS_TO_LOOK_AGAIN = {"ConditionalCheckFailed", "TransactionConflict"}
_DENIED = {"AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"}
_LOOK_EVERY = 0.25
_MAKE_IT = (
    "Make it, on demand, with the partition key 'pk' of the type B (binary) and a time to live in the attribute 'x': "
    "aws dynamodb create-table --table-name {table} --billing-mode PAY_PER_REQUEST --attribute-definitions "
    "AttributeName=pk,AttributeType=B --key-schema AttributeName=pk,KeyType=HASH"
)


class Refused(Exception):
    """Nothing was changed: an item is not as a condition has it, or another writer was quicker."""


class _Looped:
    """The client of one event loop, opened by the first command."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._lock = load("asyncio").Lock()
        self._client: Any = None

    async def client(self) -> Any:
        """Return the client, opened."""
        if self._client is None:
            async with self._lock:
                if self._client is None:
                    self._client = await self._context.__aenter__()
        return self._client

    async def close(self) -> None:
        """Close the client if it was opened."""
        if self._client is not None:
            self._client = None
            await self._context.__aexit__(None, None, None)


class _Borrowed:
    """Credentials of a plain client, for an asynchronous one. They stay up to date as those of the plain one do."""

    method = "borrowed"

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    async def get_frozen_credentials(self) -> Any:
        """Return the credentials of this moment."""
        return self._credentials.get_frozen_credentials()

    def get_account_id(self) -> None:
        """Return no account: it could only make the address of the server shorter."""
        return None

    def get_deferred_property(self, name: str) -> Callable[[], None]:
        """Return what will be asked for the account."""
        return self.get_account_id


class DynamoTable:
    """A table of DynamoDB, made by the first command that misses it.

    :param name: its name
    :param region: the region, or None for that of the environment
    :param endpoint: the address of a server in place of Amazon's
    :param timeout: seconds that one command may take
    :param client: a client of boto3, whose credentials are used in place of those of the environment
    """

    def __init__(
        self,
        name: str,
        region: str | None = None,
        endpoint: str | None = None,
        timeout: float = 2.0,
        client: BaseClient | None = None,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                "SESSION_DYNAMODB_TABLE",
                f"{name!r} cannot be the name of a table.",
                "DynamoDB takes 3 to 255 letters, digits, '_', '.' and '-'.",
            )
        self.name, self.timeout = name, timeout
        self.place = f"{endpoint or region or 'the region of the environment'} (table {name})"
        self._credentials = None if client is None else client._request_signer._credentials
        self._arguments: dict[str, Any] = {
            "region_name": region,
            "endpoint_url": endpoint,
            "config": Config(
                connect_timeout=timeout,
                read_timeout=timeout,
                # A command that was repeated might be done twice, and a pause would hold up a request.
                retries={"total_max_attempts": 1},
                max_pool_connections=50,
            ),
        }
        self._clients: Clients[Any, _Looped] = Clients(
            self._connect, self._connect_looped, lambda client: client.close(), lambda looped: looped.close()
        )
        self._making = False

    def _connect(self) -> Any:
        session = botocore.session.get_session()
        session._credentials = self._credentials
        return session.create_client("dynamodb", **self._arguments)

    def _connect_looped(self) -> _Looped:
        session = load("aiobotocore.session").get_session()
        if self._credentials is not None:
            session._credentials = _Borrowed(self._credentials)
        return _Looped(session.create_client("dynamodb", **self._arguments))

    async def close(self) -> None:
        """Give back connections."""
        await self._clients.close()

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Send one command and return its answer.

        :raises Refused: if an item is not as the command has it
        """
        if self._making:
            await self._make()
        try:
            return await self._send(operation, arguments)
        except ClientError as error:
            code = _code(error)
            if code == "ResourceNotFoundException":
                await self._make()
            elif code not in _THROTTLED:
                raise self._meaning(error) from error
        try:
            return await self._send(operation, arguments)
        except ClientError as error:
            raise self._meaning(error) from error

    async def on(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Send a command about this table."""
        return await self.call(operation, TableName=self.name, **arguments)

    async def _send(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            if can_suspend():
                command: Callable[..., Awaitable[Any]] = getattr(await self._clients.looped().client(), operation)
                answer = await command(**arguments)
            else:
                answer = getattr(self._clients.plain(), operation)(**arguments)
        except (BotoCoreError, OSError) as error:
            raise unavailable("DynamoDB", self.place, error, _advice(error)) from error
        return dict(answer)

    def _meaning(self, error: ClientError) -> Exception:
        code, message = _code(error), _message(error)
        reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())} - {None, "None"}
        if code in _NOT_AS_EXPECTED or (reasons and reasons <= _REASONS_TO_LOOK_AGAIN):
            return Refused()
        if code == "ValidationException" or "ValidationError" in reasons:
            said = " ".join(
                [message, *(str(each.get("Message")) for each in error.response.get("CancellationReasons", ()))]
            )
            if "size" in said and "exceeded" in said:
                return SessionValueError(
                    "session",
                    "it has grown beyond 400 KB, and DynamoDB keeps no larger item. Keep large values elsewhere, for "
                    "instance in S3, and their names in the session.",
                )
        advice = ""
        if code in _DENIED:
            advice = (
                "See that its credentials are right, and that they may do dynamodb:GetItem, BatchGetItem, PutItem, "
                "UpdateItem, DeleteItem and Scan on the table."
            )
        return unavailable("DynamoDB", self.place, Exception(f"{code}: {message}"), advice)

    # -- the table itself -------------------------------------------------------------------------------------------

    async def _make(self) -> None:
        """Make the table, which several workers may do at once, and wait for it no longer than a command may take."""
        give_up = time.monotonic() + self.timeout
        try:
            await self._send(
                "create_table",
                {
                    "TableName": self.name,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "B"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                },
            )
        except ClientError as error:
            if _code(error) != "ResourceInUseException":  # somebody else makes it
                problem = Exception(f"the table does not exist and cannot be made, {_code(error)}: {_message(error)}")
                advice = f"{_MAKE_IT.format(table=self.name)}."
                raise unavailable("DynamoDB", self.place, problem, advice) from error
        self._making = True
        while await self._status() != "ACTIVE":
            if time.monotonic() >= give_up:
                raise SessionUnavailable(
                    f"The table {self.name} for sessions is being made by DynamoDB at {self.place}. It takes some "
                    "seconds, and later requests will find it."
                )
            await pause(_LOOK_EVERY)
        try:
            specification = {"Enabled": True, "AttributeName": "x"}
            await self._send("update_time_to_live", {"TableName": self.name, "TimeToLiveSpecification": specification})
        except ClientError as error:
            # Another worker has done it, or is not allowed to: check() tells.
            if _code(error) not in {"ValidationException", "AccessDeniedException", "ResourceInUseException"}:
                raise self._meaning(error) from error
        self._making = False

    async def _status(self) -> str:
        try:
            answer = await self._send("describe_table", {"TableName": self.name})
        except ClientError as error:
            if _code(error) == "ResourceNotFoundException":  # the news has not reached every server of theirs
                return ""
            raise self._meaning(error) from error
        return str(answer["Table"]["TableStatus"])

    async def doubts(self) -> list[str]:
        """Return what is wrong with how the table is set up, in sentences."""
        try:
            answer = await self._send("describe_time_to_live", {"TableName": self.name})
        except ClientError as error:
            return [f"DynamoDB at {self.place} does not say whether ended sessions are cleaned up ({_code(error)})."]
        described = answer.get("TimeToLiveDescription", {})
        if described.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") and described.get("AttributeName") == "x":
            return []
        doubt = (
            f"The table {self.name} has no time to live in the attribute 'x', so ended sessions stay until "
            f"'erlen sessions prune': aws dynamodb update-time-to-live --table-name {self.name} "
            "--time-to-live-specification Enabled=true,AttributeName=x"
        )
        return [doubt]


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _message(error: ClientError) -> str:
    """Return the first line of what the server says, and not all of it if that is long."""
    lines = str(error.response.get("Error", {}).get("Message", "")).splitlines()
    return lines[0][:300].rstrip(".") if lines else ""


def _advice(error: BaseException) -> str:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role: they are "
            "looked for where boto3 does."
        )
    if isinstance(error, NoRegionError):
        return "Name it, as in SESSION_URL = 'dynamodb://eu-central-1/erlen_sessions', or set AWS_REGION."
    return ""
