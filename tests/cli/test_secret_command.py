"""The command ``erlen`` and its command ``secret``."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from erlen.cli import main
from erlen.config import load_kept_key


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_secret_prints_a_key_and_keeps_nothing(tmp_path: Path) -> None:
    first, second = run("secret"), run("secret")
    assert (first.exit_code, len(first.output)) == (0, 65)
    assert first.output != second.output
    assert list(tmp_path.iterdir()) == []


def test_save_keeps_the_key_in_the_instance_folder_and_does_not_print_it(tmp_path: Path) -> None:
    result = run("secret", "--save")
    assert result.exit_code == 0
    key = load_kept_key("instance")
    assert key is not None
    assert key not in result.output
    assert result.output == (
        f"A new key is kept in {tmp_path / 'instance' / 'secret_key'}, readable by you alone.\n"
        "An application with this instance folder finds it there; SECRET_KEY need not be set.\n"
    )


def test_save_takes_another_folder() -> None:
    assert run("secret", "--save", "--instance", "deep/place").exit_code == 0
    assert load_kept_key("deep/place")


def test_save_refuses_to_replace_a_key_unless_forced() -> None:
    run("secret", "--save")
    before = load_kept_key("instance")
    refused = run("secret", "--save")
    assert refused.exit_code == 1
    assert "already keeps a key, and replacing it logs everybody out" in refused.output
    assert load_kept_key("instance") == before
    assert run("secret", "--save", "--force").exit_code == 0
    assert load_kept_key("instance") != before


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("secret", "--save", "--instance", "file/below")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "file" in result.output


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands(option: str) -> None:
    result = run(option)
    assert result.exit_code == 0
    assert "Tools for Erlen applications." in result.output
    assert "secret" in result.output


def test_version_is_that_of_the_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: f"1.2.3 of {name}")
    assert run("--version").output == "Erlen 1.2.3 of erlen\n"


def test_version_says_when_erlen_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert run("--version").output == "Erlen (used from its source folder, not installed)\n"


def test_completing_a_command_line_does_not_show_the_version() -> None:
    with main.make_context("erlen", ["--version"], resilient_parsing=True) as context:
        assert context.params == {}


def test_the_command_itself_loads_no_template_engine_and_no_server() -> None:
    # The parent package is replaced, so that what is seen is what the command imports by itself.
    code = (
        "import sys, types, os\n"
        "package = types.ModuleType('erlen'); package.__path__ = [os.environ['PLACE']]\n"
        "sys.modules['erlen'] = package\n"
        "import erlen.cli\n"
        "print(sorted({'jinja2', 'granian', 'asyncio', 'sqlite3', 'dotenv', 'watchfiles'} & set(sys.modules)))\n"
    )
    place = Path(__file__).resolve().parents[2] / "src" / "erlen"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")},
            "PLACE": str(place),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"


def test_a_folder_or_force_without_save_is_refused_with_what_to_add() -> None:
    for option in (["--instance", "elsewhere"], ["--force"]):
        result = run("secret", *option)
        assert result.exit_code == 2
        assert "--instance and --force are for a key that is kept: add --save." in result.output


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("secret", "--save", "--instance", str(tmp_path / "file" / "instance"))
    assert result.exit_code == 1
    assert "SECRET_KEY: The key could not be kept." in result.output
    assert str(tmp_path / "file") in result.output
