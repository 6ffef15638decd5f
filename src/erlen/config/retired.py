"""Settings of Flask-Session that Erlen does not have: why not, and what to write instead.

Those that it has under the same name, such as ``SESSION_REDIS``, stand in :mod:`erlen.config.settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from erlen.errors import ConfigError

__all__ = ["RETIRED", "RETIRED_TYPES", "Retired", "refuse_retired"]

_TOKEN_BYTES = 32


class Retired(Struct, frozen=True):
    """A setting that is refused.

    :param name: the key in ``app.config``
    :param reason: why Erlen does not have it: a full sentence
    :param cure: what to write instead: a full sentence
    :param grants: tells whether a value asks for what Erlen does anyway; such a value is let pass. None always is
    :param granted: those values in words, or an empty string
    """

    name: str
    reason: str
    cure: str
    grants: Callable[[Any], bool] = lambda value: False
    granted: str = ""

    def refusal(self, value: object) -> ConfigError | None:
        """Return the error for this *value*, or None if it is let pass."""
        if value is None or self.grants(value):
            return None
        return ConfigError(self.name, self.reason, self.cure)


def _is_weak_enough(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _TOKEN_BYTES


_ONE_ADDRESS = "Erlen reads the region and the address of DynamoDB from one setting."
_DYNAMODB = (
    "Write SESSION_URL = 'dynamodb://eu-central-1/erlen_sessions', with '?endpoint=http://host:port' for a server that "
    "is not Amazon's, or give a resource of boto3 in SESSION_DYNAMODB."
)
_CREDENTIALS = (
    "Leave it out: credentials are looked for where boto3 does, in the environment (AWS_ACCESS_KEY_ID, "
    "AWS_SECRET_ACCESS_KEY), in ~/.aws or in the role of the machine. Or give a resource of boto3 in SESSION_DYNAMODB."
)

RETIRED: dict[str, Retired] = {
    retired.name: retired
    for retired in (
        Retired(
            "SESSION_USE_SIGNER",
            "Erlen signs every token, so that a forged one is refused without asking the store.",
            "Leave it out.",
            lambda value: value is True or (type(value) is int and value == 1),
            "True",
        ),
        Retired(
            "SESSION_ID_LENGTH",
            f"A token always has {_TOKEN_BYTES} random bytes, which nobody can guess; more would protect nothing more.",
            "Leave it out.",
            _is_weak_enough,
            f"a number up to {_TOKEN_BYTES}",
        ),
        Retired(
            "SESSION_SERIALIZATION_FORMAT",
            "Values are always kept as tagged msgpack, key by key, so that a store can merge them.",
            "Leave it out. 'erlen sessions migrate' reads sessions that Flask-Session has stored.",
            lambda value: value == "msgpack",
            "'msgpack'",
        ),
        Retired(
            "SESSION_CLEANUP_N_REQUESTS",
            "Stores remove by themselves what is over, and no visitor waits for that.",
            "Leave it out. A timer may call 'erlen sessions prune' besides.",
        ),
        Retired(
            "SESSION_FILE_THRESHOLD",
            "No session is thrown out because there are many: its owner would be logged out.",
            "Leave it out. Sessions end by SESSION_IDLE_TIMEOUT and SESSION_ABSOLUTE_TIMEOUT, and "
            "MAX_SESSIONS_PER_USER limits those of one user.",
        ),
        Retired(
            "SESSION_CACHELIB",
            "A cache of cachelib can neither merge changes nor refuse one, so two requests would lose each other's.",
            "Leave it out, and set SESSION_TYPE to 'filesystem' (with SESSION_FILE_DIR), 'redis' or 'memcached'.",
        ),
        Retired(
            "SESSION_SQLALCHEMY_SEQUENCE",
            "The table has no number that a sequence would count: its primary key is the key of the session.",
            "Leave it out.",
        ),
        Retired(
            "SESSION_SQLALCHEMY_SCHEMA",
            "The schema stands before the name of the table.",
            "Write SESSION_SQLALCHEMY_TABLE = 'shop.erlen_sessions'.",
        ),
        Retired(
            "SESSION_SQLALCHEMY_BIND_KEY",
            "The store sqlalchemy makes an engine of its own, and no model is bound to it.",
            "Give that engine: SESSION_SQLALCHEMY = db.engines['sessions'], or its address in SESSION_URL.",
        ),
        Retired(
            "SESSION_SQLALCHEMY_ENGINE",
            "The engine is given in another setting.",
            "Write SESSION_SQLALCHEMY = engine.",
        ),
        Retired(
            "SESSION_POSTGRESQL",
            "PostgreSQL is spoken to through SQLAlchemy.",
            "Write SESSION_URL = 'postgresql+psycopg://user:password@host/database'.",
        ),
        Retired(
            "SESSION_POSTGRESQL_TABLE",
            "PostgreSQL is spoken to through SQLAlchemy.",
            "Write SESSION_SQLALCHEMY_TABLE.",
        ),
        Retired(
            "SESSION_POSTGRESQL_SCHEMA",
            "PostgreSQL is spoken to through SQLAlchemy.",
            "Write SESSION_SQLALCHEMY_TABLE = 'shop.erlen_sessions'.",
        ),
        Retired("SESSION_DYNAMODB_URL", _ONE_ADDRESS, _DYNAMODB),
        Retired("SESSION_DYNAMODB_REGION", _ONE_ADDRESS, _DYNAMODB),
        Retired("SESSION_DYNAMODB_KEY_ID", "Credentials do not belong into the configuration.", _CREDENTIALS),
        Retired("SESSION_DYNAMODB_SECRET", "Credentials do not belong into the configuration.", _CREDENTIALS),
        Retired(
            "SESSION_DYNAMODB_TABLE_NAME",
            "The table of the store dynamodb has another name here.",
            "Write SESSION_DYNAMODB_TABLE.",
        ),
        Retired(
            "SESSION_DYNAMODB_TABLE_EXISTS",
            "Whether the table is there is asked of DynamoDB, and it is made if it is missing.",
            "Leave it out.",
        ),
    )
}
"""The refused settings by name."""

RETIRED_TYPES = {
    "cachelib": "A cache of cachelib can neither merge changes nor refuse one. Write 'filesystem', 'redis' or "
    "'memcached'.",
    "postgresql": "Write 'sqlalchemy', or leave SESSION_TYPE out and set SESSION_URL = 'postgresql+psycopg://…'.",
    "uwsgi": "Write 'redis' or 'sqlite'.",
}
"""Values of ``SESSION_TYPE`` that Flask-Session knows and Erlen does not, with what to write instead."""


def refuse_retired(config: Mapping[str, Any]) -> Iterator[ConfigError]:
    """Yield an error for each setting in *config* that is refused."""
    for name, retired in RETIRED.items():
        if name in config:
            refusal = retired.refusal(config[name])
            if refusal is not None:
                yield refusal
