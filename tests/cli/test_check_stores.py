"""``erlen check`` asks the session store, and tells in words what it answers, or that it does not."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen
from erlen.callables import drive
from erlen.cli import check_command
from erlen.errors import SessionUnavailable
from erlen.introspect import inspect_configuration
from erlen.sessions.stores.memory import MemoryStore

PASSWORD = "s3cret-of-the-store"

# Where nobody listens, by the module of the store that would connect. PORT is one that is free.
DEAD = {
    "redis": f"redis://ann:{PASSWORD}@127.0.0.1:PORT/0",
    "memcached": "memcached://127.0.0.1:PORT",
    "mongodb": f"mongodb://ann:{PASSWORD}@127.0.0.1:PORT/shop",
    "sqlalchemy": f"postgresql+psycopg://ann:{PASSWORD}@127.0.0.1:PORT/shop",
    "dynamodb": "dynamodb://eu-central-1/sessions?endpoint=http://127.0.0.1:PORT",
}

# Addresses that cannot be read, or name what there is none of.
WRONG = {
    "redis": f"redis://ann:{PASSWORD}@127.0.0.1:port/0",
    "memcached": "memcached://",
    "mongodb": f"mongodb://ann:{PASSWORD}@127.0.0.1:port/shop",
    "sqlalchemy": f"postgresql+nosuchdriver://ann:{PASSWORD}@127.0.0.1/shop",
    "dynamodb": "dynamodb://eu-central-1/sessions/more",
}


def there(name: str) -> bool:
    return find_spec(f"erlen.sessions.stores.{name}") is not None


@pytest.fixture
def app(tmp_path: Path) -> Erlen:
    app = Erlen("site", static_folder=None, instance_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="aGoodLongKeyForTheTests-0123456789", TRUSTED_HOSTS=["localhost"], SESSION_STORE_TIMEOUT=0.5
    )
    return app


def check(app: Erlen) -> Any:
    return app.test_cli_runner().invoke(check_command)


class Doubted(MemoryStore):
    place = "redis://ann@example.com/0"

    async def check(self) -> list[str]:
        return ["It forgets when it is full. Give it more memory.", "It is old. Update it."]


class Dead(MemoryStore):
    place = "redis://ann@example.com/0"
    text = "nobody is there"

    async def check(self) -> list[str]:
        raise SessionUnavailable(self.text)


def test_what_a_store_doubts_becomes_a_finding_each(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = Doubted()
    result = check(app)
    assert result.exit_code == 0
    assert result.output.startswith(
        "Doubtful:\n"
        "  SESSION_TYPE: It forgets when it is full. Give it more memory.\n"
        "  SESSION_TYPE: It is old. Update it.\n\n"
        "Sessions: the store 'Doubted' answers.\n"
    )
    assert app.test_cli_runner().invoke(check_command, ["--strict"]).exit_code == 1


def test_a_store_that_does_not_answer_is_named_with_its_address(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = Dead()
    assert "SESSION_TYPE: The store 'Dead' at redis://ann@example.com/0 does not answer: nobody" in check(app).output


def test_an_address_that_the_store_has_told_is_not_told_twice(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = store = Dead()
    store.text = f"Redis at {store.place} could not be used for sessions: refused. See that it runs."
    assert f"SESSION_TYPE: The store 'Dead' does not answer: {store.text}" in check(app).output


def test_a_store_that_the_address_alone_chose_is_called_by_its_name(app: Erlen) -> None:
    app.config["SESSION_URL"] = "memory://"
    report = inspect_configuration(app)
    assert report.sessions == "the store 'memory' answers."
    assert any("'memory' loses all sessions at a restart" in finding.text for finding in report.doubtful)


def test_an_address_that_is_none_is_refused(app: Erlen) -> None:
    app.config["SESSION_URL"] = f"reddis://ann:{PASSWORD}@localhost"
    result = check(app)
    assert result.exit_code == 1
    assert "SESSION_URL: It begins with 'reddis', and no store is known by that. Did you mean 'redis'?" in result.output
    assert PASSWORD not in result.output


def test_a_missing_driver_is_refused_with_the_extra(app: Erlen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "erlen.sessions.stores.redis", None)
    app.config["SESSION_URL"] = "redis://localhost"
    result = check(app)
    assert result.exit_code == 1
    assert "SESSION_TYPE 'redis' needs a package that is not installed. Install it with: pip install" in result.output
    assert "Sessions: the store 'redis' cannot be opened." in result.output


@pytest.mark.parametrize("name", [*filter(there, DEAD)])
def test_a_dead_server_is_told_with_its_address_and_never_a_password(
    name: str, app: Erlen, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    app.config["SESSION_URL"] = DEAD[name].replace("PORT", str(free_port))
    result = check(app)
    drive(app.session_manager.store.close())
    assert result.exit_code == 0, result.output
    assert re.search(rf"SESSION_TYPE: The store {name!r}.* does not answer: ", result.output)
    assert f"127.0.0.1:{free_port}" in result.output
    assert PASSWORD not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", [*filter(there, WRONG)])
def test_a_wrong_address_is_refused_in_words_and_never_with_its_password(name: str, app: Erlen) -> None:
    app.config["SESSION_URL"] = WRONG[name]
    result = check(app)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Refused:\n  SESSION_")
    assert PASSWORD not in result.output
    assert isinstance(result.exception, SystemExit)
