"""What must not stand in a file of the project: addresses and places that are true on one machine alone, loose ends."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", ".venv", "__pycache__", "build", "dist", "htmlcov", "instance"}


@cache
def texts() -> dict[str, str]:
    """Return every text file of the project by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # not a checkout, but a source archive
        paths = [path for path in ROOT.rglob("*") if not SKIPPED & set(path.relative_to(ROOT).parts)]
    found = {}
    for path in paths:
        data = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in data:
            found[path.relative_to(ROOT).as_posix()] = data.decode()
    assert "pyproject.toml" in found
    return found


# Written so that this file does not find itself.
FORBIDDEN = {
    "an address of a package registry": r"pypi\.or[g]/simple|pythonhosted\.or[g]|registry\.npmj[s]|index-ur[l]",
    "a folder of one machine": r"(?<![\w.:/}])/(?:home|root|Users|wor[k]|mnt)/\w",
    "something left for later": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
    "a mark of an unfinished merge": r"^(?:<{7}|>{7}|={7}) ",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in texts().items()
        for match in pattern.finditer(text)
    ]
    assert not found


def test_every_text_ends_its_lines_in_one_way() -> None:
    assert [path for path, text in texts().items() if "\r" in text] == []
    assert [path for path, text in texts().items() if text and not text.endswith("\n")] == []


def test_the_pinned_set_is_names_and_versions_alone() -> None:
    lines = texts()["constraints.txt"].splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []


def test_every_dependency_of_the_development_set_is_pinned() -> None:
    pinned = {normal(line.split("==")[0]) for line in texts()["constraints.txt"].splitlines()}
    wanted = re.findall(r'^ {4}"([A-Za-z0-9-]+)[\[<>=]', texts()["pyproject.toml"], re.MULTILINE)
    assert "werkzeug" in map(normal, wanted)
    assert "pytest" in map(normal, wanted)
    assert {normal(name) for name in wanted} - pinned == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
