"""``flask run`` over HTTPS and with files to watch, as its options are documented: what the server is given."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command_tools import Calls, invoke, served, surroundings, write

__all__ = ["served", "surroundings", "write"]


def run(flask: Any, *args: str) -> Any:
    return invoke(flask.cli.FlaskGroup(create_app=lambda: flask.Flask("observatory")), ["run", *args])


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A context that can be imported as ``dome.tls``."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    dome = ModuleType("dome")
    dome.tls, dome.shutter = made, "open"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dome", dome)
    return made


@pytest.fixture
def papers(write: Callable[..., Path]) -> list[str]:
    """A file each for a certificate and its key."""
    return [os.path.realpath(write(f"papers/{name}", "")) for name in ("public", "secret")]


@pytest.mark.parametrize("first", [0, 1])
def test_a_certificate_and_its_key_reach_the_server_in_any_order(
    flask: Any, served: Calls, papers: list[str], first: int
) -> None:
    options = [("--cert", "papers/public"), ("--key", "papers/secret")]
    assert run(flask, *options[first], *options[1 - first]).exit_code == 0
    assert served[0][1]["ssl_context"] == tuple(papers)


def test_a_certificate_may_be_made_or_imported(flask: Any, served: Calls, tls: ssl.SSLContext) -> None:
    assert [run(flask, "--cert", name).exit_code for name in ("adhoc", "dome.tls", "dome:tls")] == [0, 0, 0]
    assert [options["ssl_context"] for _, options in served] == ["adhoc", tls, tls]


@pytest.mark.parametrize(
    ("args", "blamed"),
    [
        (["--cert", "papers/public"], "--key"),
        (["--key", "papers/secret"], "--key"),
        (["--cert", "papers/lost"], "--cert"),
        (["--cert", "papers/public", "--key", "papers/lost"], "--key"),
        (["--cert", "dome.shutter"], "--cert"),
        (["--cert", "adhoc", "--key", "papers/secret"], "--key"),
        (["--cert", "dome.tls", "--key", "papers/secret"], "--key"),
    ],
)
@pytest.mark.usefixtures("papers", "tls")
def test_options_that_do_not_fit_together_are_refused(flask: Any, served: Calls, args: list[str], blamed: str) -> None:
    refused = run(flask, *args)
    assert (refused.exit_code, served) == (2, [])
    assert f"Error: Invalid value for '{blamed}': " in refused.stderr


@pytest.mark.parametrize(("module", "word"), [("cryptography", "cryptography"), ("ssl", "ssl")])
def test_a_module_that_https_needs_is_named_where_it_is_missing(
    flask: Any, served: Calls, monkeypatch: pytest.MonkeyPatch, module: str, word: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    refused = run(flask, "--cert", "adhoc")
    assert (refused.exit_code, served) == (2, [])
    assert word in refused.stderr.lower()


def test_several_files_stand_in_one_text(flask: Any, served: Calls) -> None:
    lists = {"--extra-files": ["stars.csv", "moons"], "--exclude-patterns": ["*/plates/*", "*.log"]}
    assert (
        run(flask, *(part for name, paths in lists.items() for part in (name, os.pathsep.join(paths)))).exit_code == 0
    )
    assert served[0][1]["extra_files"] == ["stars.csv", "moons"]
    assert served[0][1]["exclude_patterns"] == ["*/plates/*", "*.log"]
