"""The settings of Flask-Session: each is understood, or refused with the reason and what to write."""

from __future__ import annotations

from typing import Any

import pytest

from erlen import Erlen
from erlen.config import CLIENTS, RETIRED, SETTINGS, Config, default_settings
from erlen.errors import ConfigError

#: Every name that Flask-Session 0.8 or its present development version reads, with a value as its documentation has it.
FLASK_SESSION: dict[str, Any] = {
    "SESSION_TYPE": "redis",
    "SESSION_PERMANENT": True,
    "SESSION_USE_SIGNER": False,
    "SESSION_KEY_PREFIX": "session:",
    "SESSION_ID_LENGTH": 64,
    "SESSION_SERIALIZATION_FORMAT": "json",
    "SESSION_CLEANUP_N_REQUESTS": 100,
    "SESSION_REDIS": object(),
    "SESSION_MEMCACHED": object(),
    "SESSION_CACHELIB": object(),
    "SESSION_FILE_DIR": "flask_session",
    "SESSION_FILE_THRESHOLD": 500,
    "SESSION_FILE_MODE": 384,
    "SESSION_MONGODB": object(),
    "SESSION_MONGODB_DB": "flask_session",
    "SESSION_MONGODB_COLLECT": "sessions",
    "SESSION_SQLALCHEMY": object(),
    "SESSION_SQLALCHEMY_TABLE": "sessions",
    "SESSION_SQLALCHEMY_SEQUENCE": "session_id_seq",
    "SESSION_SQLALCHEMY_SCHEMA": "shop",
    "SESSION_SQLALCHEMY_BIND_KEY": "sessions",
    "SESSION_SQLALCHEMY_ENGINE": object(),
    "SESSION_DYNAMODB": object(),
    "SESSION_DYNAMODB_TABLE": "Sessions",
    "SESSION_DYNAMODB_TABLE_NAME": "Sessions",
    "SESSION_DYNAMODB_TABLE_EXISTS": True,
    "SESSION_DYNAMODB_URL": "http://localhost:8000",
    "SESSION_DYNAMODB_REGION": "eu-central-1",
    "SESSION_DYNAMODB_KEY_ID": "AKIA0123",
    "SESSION_DYNAMODB_SECRET": "s3cret",
    "SESSION_POSTGRESQL": object(),
    "SESSION_POSTGRESQL_TABLE": "flask_sessions",
    "SESSION_POSTGRESQL_SCHEMA": "public",
}


def problems(**settings: Any) -> list[str]:
    return [str(problem) for problem in Config("", {**default_settings(), **settings}).problems()]


def test_each_name_is_either_a_setting_or_refused() -> None:
    assert {name for name in FLASK_SESSION if name not in SETTINGS} == set(RETIRED)
    assert not set(SETTINGS) & set(RETIRED)


@pytest.mark.parametrize("name", [name for name in FLASK_SESSION if name in SETTINGS])
def test_a_name_that_is_a_setting_takes_the_values_that_flask_session_takes(name: str) -> None:
    assert SETTINGS[name].kind.fits(FLASK_SESSION[name])


@pytest.mark.parametrize("name", RETIRED)
def test_a_refused_one_is_named_with_the_reason_and_the_cure(name: str) -> None:
    [message] = problems(**{name: FLASK_SESSION[name]})
    reason, cure = RETIRED[name].reason, RETIRED[name].cure
    assert message == f"{name}: {reason} {cure}"
    for sentence in (reason, cure):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "s3cret" not in sentence
    assert problems(**{name: None}) == []


def test_the_settings_that_a_cure_names_are_there() -> None:
    for retired in RETIRED.values():
        words = retired.cure.replace("=", " ").replace(",", " ").replace(".", " ").split()
        named = {word.strip("'();:") for word in words if word.strip("'();:").startswith(("SESSION_", "MAX_"))}
        assert named <= set(SETTINGS), retired.name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_USE_SIGNER", True),
        ("SESSION_USE_SIGNER", 1),
        ("SESSION_ID_LENGTH", 32),
        ("SESSION_ID_LENGTH", 16),
        ("SESSION_SERIALIZATION_FORMAT", "msgpack"),
    ],
)
def test_a_value_that_asks_for_what_erlen_does_anyway_is_let_pass(name: str, value: Any) -> None:
    assert problems(**{name: value}) == []
    assert RETIRED[name].granted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_USE_SIGNER", "yes"),
        ("SESSION_ID_LENGTH", 33),
        ("SESSION_ID_LENGTH", 0),
        ("SESSION_ID_LENGTH", True),
        ("SESSION_ID_LENGTH", "16"),
        ("SESSION_SERIALIZATION_FORMAT", "pickle"),
        ("SESSION_CLEANUP_N_REQUESTS", 0),
    ],
)
def test_any_other_value_is_not(name: str, value: Any) -> None:
    assert len(problems(**{name: value})) == 1


def test_an_application_does_not_start_and_its_one_error_names_them_all() -> None:
    app = Erlen(__name__, static_folder=None)
    app.config.update(SESSION_TYPE="memory", SESSION_USE_SIGNER=False, SESSION_FILE_THRESHOLD=500, SESSION_ID_LENGTH=8)
    with pytest.raises(ConfigError) as caught:
        app.freeze()
    assert str(caught.value) == (
        "SESSION_USE_SIGNER: Erlen signs every token, so that a forged one is refused without asking the store. "
        "Leave it out.\n"
        "SESSION_FILE_THRESHOLD: No session is thrown out because there are many: its owner would be logged out. Leave "
        "it out. Sessions end by SESSION_IDLE_TIMEOUT and SESSION_ABSOLUTE_TIMEOUT, and MAX_SESSIONS_PER_USER limits "
        "those of one user."
    )
    assert caught.value.key == "SESSION_USE_SIGNER"


def test_a_refused_name_is_not_taken_for_a_misspelt_one() -> None:
    assert Config("", {"SESSION_SQLALCHEMY_SCHEMA": "shop", "SESSION_DYNAMODB_TABLES": "x"}).doubts() == [
        ("SESSION_DYNAMODB_TABLES", "SESSION_DYNAMODB_TABLE")
    ]


def test_the_secret_of_an_account_is_not_shown() -> None:
    config = Config("", {"SESSION_DYNAMODB_SECRET": "s3cret"})
    assert "s3cret" not in repr(config) + str(config.problems())


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("cachelib", "A cache of cachelib can neither merge changes nor refuse one. Write 'filesystem', 'redis' or"),
        ("CacheLib", "A cache of cachelib can neither merge"),
        ("postgresql", "Write 'sqlalchemy', or leave SESSION_TYPE out and set SESSION_URL = 'postgresql+psycopg://…'."),
    ],
)
def test_a_type_that_only_flask_session_has_is_refused_with_what_to_write(kind: str, part: str) -> None:
    [message] = problems(SESSION_TYPE=kind)
    assert message.startswith(f"SESSION_TYPE: {kind!r} is not accepted.")
    assert part in message


# -- settings that contradict each other -------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), CLIENTS.items())
def test_a_client_belongs_to_its_type(kind: str, name: str) -> None:
    client = object()
    assert problems(SESSION_TYPE=kind, **{name: client}) == []
    for other in ("memory", "null", None, "sqlite", next(each for each in CLIENTS if each != kind)):
        [message] = problems(SESSION_TYPE=other, **{name: client})
        assert message == (
            f"{name}: A client is given, and SESSION_TYPE is {other!r}, so it would not be used. "
            f"Set SESSION_TYPE = {kind!r}, or {name} = None."
        )
    assert problems(SESSION_TYPE="shop.sessions:Store", **{name: client}) == []  # it may look at the setting itself


@pytest.mark.parametrize(("kind", "name"), CLIENTS.items())
def test_a_client_and_an_address_are_one_too_many(kind: str, name: str) -> None:
    [message] = problems(SESSION_TYPE=kind, SESSION_URL="redis://u:s3cret@host", **{name: object()})
    assert message == (
        f"{name}: A client is given, and an address in SESSION_URL as well: one of the two would not be used. "
        f"Set {name} = None, or SESSION_URL = None."
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("cookie", "the browser keeps the sessions"),
        ("null", "sessions are kept nowhere"),
        (None, "sessions are kept nowhere"),
    ],
)
def test_an_address_needs_a_type_that_has_one(kind: str | None, reason: str) -> None:
    [message] = problems(SESSION_TYPE=kind, SESSION_URL="redis://u:s3cret@host")
    assert message == (
        f"SESSION_URL: It is the address of a store, and SESSION_TYPE is {kind!r}: {reason}. "
        "Set SESSION_TYPE to the name of the store, or SESSION_URL = None."
    )
