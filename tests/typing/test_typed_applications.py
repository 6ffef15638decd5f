"""To a type checker an application's code has the types that its authors expect, through the proxies too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``mypy --strict`` says of the two files, as an application's author would call it."""
    pytest.importorskip("mypy", reason="mypy is missing: pip install mypy")
    folder = tmp_path_factory.mktemp("mypy")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-error-codes", "--no-pretty"),
            *("--config-file=", "--cache-dir", str(folder)),
            *(str(HERE / "typical_application.py"), str(HERE / "mistaken_application.py")),
        ],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def expected_of(name: str) -> dict[int, str]:
    """The comments at the ends of a file's lines, by line."""
    found = {}
    for number, line in enumerate((HERE / name).read_text().splitlines(), 1):
        match = re.fullmatch(r"[^#]*  # (.+)", line)
        if match and "  # noqa" not in line:
            found[number] = match[1]
    return found


def lines_of(report: str, name: str, kind: str) -> dict[int, str]:
    """The messages of one kind (error, note) about a file, by line."""
    return {
        int(match[1]): match[2]
        for match in re.finditer(rf"{re.escape(name)}:(\d+): {kind}: (.+)", report)
        if not match[2].startswith(("See https", "This violates"))
    }


def without_modules(revealed: str) -> str:
    text = re.sub(r'^Revealed type is "(.*)"$', r"\1", revealed)
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", text)
    return text.replace("?", "")


def test_a_typical_application_has_no_type_error(report: str) -> None:
    assert lines_of(report, "typical_application.py", "error") == {}


def test_every_name_has_the_type_that_it_stands_for(report: str) -> None:
    expected = expected_of("typical_application.py")
    revealed = lines_of(report, "typical_application.py", "note")
    assert len(expected) > 40
    assert {line: without_modules(text) for line, text in revealed.items()} == expected


def test_mistakes_are_found(report: str) -> None:
    expected = expected_of("mistaken_application.py")
    found = lines_of(report, "mistaken_application.py", "error")
    assert {line: re.search(r"\[([\w-]+)\]$", text)[1] for line, text in found.items()} == expected  # type: ignore[index]
