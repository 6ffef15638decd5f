from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy
from inside import SIDE

from app import create_app, db

HERE = Path(__file__).resolve().parent
COMMAND = {"alias": ["erlen", "--as-flask"], "real": ["flask"]}[SIDE]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application on empty databases, with their folder as the current one."""
    monkeypatch.chdir(tmp_path)
    app = create_app(str(tmp_path))
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def invoke(app: Any) -> Callable[..., str]:
    """A function that runs a command in this process and returns what it prints."""

    def run(*arguments: str) -> str:
        result = app.test_cli_runner().invoke(args=["db", *arguments])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    return run


def tables(app: Any, bind: str | None = None) -> list[str]:
    with app.app_context():
        return sqlalchemy.inspect(db.engines[bind]).get_table_names()


def test_the_database_is_migrated_up_and_down(app: Any, invoke: Callable[..., str], tmp_path: Path) -> None:
    invoke("init")
    assert (tmp_path / "migrations" / "alembic.ini").exists()
    invoke("migrate", "--message", "first tables")
    script = tmp_path / "migrations" / "versions" / "first_tables.py"  # as the application has configured
    assert "create_table('book'" in script.read_text()
    invoke("upgrade")
    assert tables(app) == ["alembic_version", "book"]
    invoke("downgrade")
    assert tables(app) == ["alembic_version"]


def test_sql_is_printed_instead_of_run(app: Any, invoke: Callable[..., str]) -> None:
    invoke("init")
    invoke("migrate", "--message", "first")
    assert "CREATE TABLE book" in invoke("upgrade", "--sql")
    assert tables(app) == ["alembic_version"]  # which `migrate` made


def test_a_database_that_is_behind_is_refused(app: Any, invoke: Callable[..., str]) -> None:
    invoke("init")
    invoke("revision", "--message", "empty")
    assert app.test_cli_runner().invoke(args=["db", "migrate"]).exit_code == 1


def test_several_databases_are_migrated_together(app: Any, invoke: Callable[..., str]) -> None:
    invoke("init", "--multidb")
    invoke("migrate", "--message", "first")
    invoke("upgrade")
    assert tables(app, "log") == ["alembic_version", "visit"]
    assert tables(app) == ["alembic_version", "book"]


def test_functions_do_what_the_commands_do(app: Any) -> None:
    with app.app_context():
        flask_migrate.init()
        flask_migrate.migrate(message="again")
        flask_migrate.upgrade()
    assert "book" in tables(app)


def test_the_command_line_migrates(app: Any, invoke: Callable[..., str], tmp_path: Path) -> None:
    def flask(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *COMMAND, "--app", f"app:create_app({str(tmp_path)!r})", "db", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ["PYTHONPATH"]])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    invoke("init")
    invoke("migrate", "--message", "first")
    flask("upgrade")
    assert tables(app) == ["alembic_version", "book"]
    assert "(head)" in flask("current")
