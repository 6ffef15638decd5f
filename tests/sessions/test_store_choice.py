"""Which store SESSION_TYPE and SESSION_URL choose, and what is said where it cannot be had."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from erlen.errors import ConfigError, MissingExtra
from erlen.sessions import SessionSettings, resolve_store
from erlen.sessions.resolve import choose_type

BY_ADDRESS = {
    "memory://": "memory",
    "sqlite:///sessions.db": "sqlite",
    "sqlite:////var/lib/shop/sessions.db": "sqlite",
    "file:///var/lib/shop/sessions": "filesystem",
    "redis://localhost:6379/0": "redis",
    "rediss://ann:s3cret@redis.example.com:6380/1": "redis",
    "redis+cluster://one:7000,two:7000": "redis",
    "redis+sentinel://one:26379,two:26379/mymaster/0": "redis",
    "unix:///run/redis.sock": "redis",
    "valkey://localhost": "redis",
    "valkeys://localhost": "redis",
    "memcached://one:11211,two:11211": "memcached",
    "mongodb://ann:s3cret@localhost:27017/shop": "mongodb",
    "mongodb+srv://ann:s3cret@cluster.example.com/shop": "mongodb",
    "postgresql://ann:s3cret@localhost/shop": "sqlalchemy",
    "postgresql+psycopg://ann:s3cret@localhost/shop": "sqlalchemy",
    "postgres://localhost/shop": "sqlalchemy",
    "mysql+pymysql://ann:s3cret@localhost/shop": "sqlalchemy",
    "mariadb+mysqlconnector://localhost/shop": "sqlalchemy",
    "mariadb+my_driver://localhost/shop": "sqlalchemy",
    "oracle+oracledb://localhost/shop": "sqlalchemy",
    "mssql+pyodbc://shop": "sqlalchemy",
    "sqlite+pysqlite:///sessions.db": "sqlalchemy",
    "dynamodb://eu-central-1/sessions": "dynamodb",
    "REDIS://localhost": "redis",
}

# Modules of stores that import no driver; they stay loaded, because others hold on to their classes.
WITHOUT_DRIVER = ("base", "clients", "swapping", "memory", "null", "sqlite")


def settings(**config: Any) -> SessionSettings:
    return SessionSettings.from_config(config)


@pytest.mark.parametrize(("url", "kind"), BY_ADDRESS.items())
def test_an_address_alone_chooses_the_store(url: str, kind: str) -> None:
    assert choose_type(settings(SESSION_URL=url)) == kind
    assert choose_type(settings(SESSION_URL=url, SESSION_TYPE=kind)) == kind


@pytest.mark.parametrize(("url", "kind"), BY_ADDRESS.items())
def test_an_address_of_another_store_than_the_type_is_refused(url: str, kind: str) -> None:
    other = "mongodb" if kind == "redis" else "redis"
    with pytest.raises(ConfigError) as caught:
        choose_type(settings(SESSION_URL=url, SESSION_TYPE=other))
    assert str(caught.value) == (
        f"SESSION_URL: It is the address of a store {kind!r}, and SESSION_TYPE is {other!r}. Leave SESSION_TYPE out, "
        f"or set it to {kind!r}."
    )


@pytest.mark.parametrize(
    ("url", "guess"),
    [
        ("reddis://ann:s3cret@localhost", "redis"),
        ("valky://localhost", "valkey"),
        ("memcache://localhost", "memcached"),
        ("mongo://localhost", "mongodb"),
        ("postgressql://localhost/shop", "postgresql"),
        ("mysq+pymysql://localhost/shop", "mysql"),
        ("dynamo://eu-central-1", "dynamodb"),
        ("files:///srv/sessions", "file"),
    ],
)
def test_an_unknown_beginning_is_refused_with_the_nearest_one(url: str, guess: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_store(settings(SESSION_URL=url))
    text = str(caught.value)
    scheme = url.partition("://")[0].partition("+")[0]
    assert text.startswith(f"SESSION_URL: It begins with {scheme!r}, and no store is known by that. Did you mean")
    assert f"Did you mean {guess!r}?" in text
    assert text.endswith("; for others set SESSION_TYPE = 'sqlalchemy'.")
    assert "s3cret" not in text


def test_a_beginning_that_is_like_none_is_refused_with_all_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no store is known by that\. It may begin with 'dynamodb', 'file', 'mar"):
        resolve_store(settings(SESSION_URL="ftp://localhost"))


def test_sqlalchemy_may_know_databases_that_we_do_not() -> None:
    assert choose_type(settings(SESSION_URL="cockroachdb://localhost/shop", SESSION_TYPE="sqlalchemy")) == "sqlalchemy"


@pytest.mark.parametrize(
    ("kind", "drivers"),
    [
        ("redis", ("redis", "valkey")),
        ("mongodb", ("pymongo",)),
        ("sqlalchemy", ("sqlalchemy",)),
        ("dynamodb", ("boto3", "botocore", "aiobotocore")),
    ],
)
def test_a_missing_driver_names_the_extra(kind: str, drivers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        ours = name.startswith("erlen.sessions.stores.") and name.rpartition(".")[2] not in WITHOUT_DRIVER
        if ours or name.partition(".")[0] in drivers:
            monkeypatch.delitem(sys.modules, name)
    for driver in drivers:
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtra) as caught:
        resolve_store(settings(SESSION_TYPE=kind))
    assert str(caught.value) == (
        f"SESSION_TYPE {kind!r} needs a package that is not installed. Install it with: pip install 'erlen[{kind}]'"
    )
