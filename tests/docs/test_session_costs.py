"""The measured tables of sessions.md are whole: a row for each store and each system beside it. No figure is tested."""

from __future__ import annotations

import re

import pytest
from markdown_pages import ROOT

from erlen.sessions.resolve import _STORES as STORES

PEERS = ["Flask-Session", "Django", "Litestar", "starsessions"]
TITLES = [
    "Commands / round trips",
    "Bytes to the server / from it",
    "Microseconds that the session adds",
    "What is lost and what comes back",
]


def section() -> str:
    page = (ROOT / "docs" / "sessions.md").read_text()
    found = re.search(r"^## What a session costs\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def rows_of(title: str) -> list[list[str]]:
    lines = section().partition(f"**{title}**\n\n")[2].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("title", TITLES)
def test_a_measured_table_has_a_row_for_each_store_and_each_peer(title: str) -> None:
    head, _, *rows = rows_of(title)
    names = [row[0] for row in rows]
    assert {len(row) for row in rows} == {len(head)}
    assert [peer for peer in PEERS if peer not in names] == []
    stores = {name.split(",")[1].split("(")[0].strip() for name in names if name.startswith("Erlen, ")}
    assert stores == set(STORES) - {"null"}


def test_the_measured_tables_say_how_to_repeat_them() -> None:
    assert "`python3 dev.py bench sessions`" in section()
