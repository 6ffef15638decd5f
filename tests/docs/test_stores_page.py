"""docs/stores.md is true of the code: it tells of every store, and its promises have the tests that it names."""

from __future__ import annotations

import re

from markdown_pages import ROOT

from erlen.config.kinds import STORE_NAMES
from store_servers import STORES

PAGE = (ROOT / "docs" / "stores.md").read_text(encoding="utf-8")


def test_every_promise_names_tests_that_there_are() -> None:
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 26))
    folders = [ROOT / "tests" / name for name in ("sessions", "served", "lifecycle")]
    files = [path for folder in [*folders, ROOT / "src" / "erlen" / "testing"] for path in folder.rglob("*.py")]
    there = {name for path in files for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))}
    for number, tests in rows:
        named = re.findall(r"`(\w+)`", tests)
        assert named, number
        assert set(named) <= there, number


def test_every_store_is_told_of_and_tested() -> None:
    table = PAGE[PAGE.index("## Which one") : PAGE.index("## What every store keeps")]
    assert set(re.findall(r"(?:\[|`)(\w+)(?:\]|`)", table)) >= set(STORE_NAMES)
    tested = {name.partition("-")[0] for name in STORES} | {"cookie", "null"}
    sql = {"postgresql", "mariadb"}
    assert tested - sql - {"valkey", "documented"} >= set(STORE_NAMES) - {"null"}
