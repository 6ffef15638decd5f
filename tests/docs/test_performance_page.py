"""The measured tables of performance.md are whole: a row for each peer that is driven. No figure is tested."""

from __future__ import annotations

import importlib
import re
from types import ModuleType

import pytest
from markdown_pages import ROOT

PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "bench")
    return importlib.import_module("peers.catalogue")


def rows_of(name: str) -> list[list[str]]:
    found = re.search(rf"^<!-- bench: peers {name} -->\n(.*?)^<!-- /bench -->", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("interface", ["wsgi", "asgi", "rsgi"])
def test_a_table_of_counts_has_a_row_for_each_peer_that_is_driven_over_it(
    interface: str, catalogue: ModuleType
) -> None:
    head, _, *rows = rows_of(interface)
    assert [row[0] for row in rows] == [peer.title for peer in catalogue.PEERS if peer.module(interface)]
    assert {len(row) for row in rows} == {len(head)}
    assert "failed" not in {cell for row in rows for cell in row}


@pytest.mark.parametrize("name", ["imports", "memory"])
def test_the_tables_of_imports_and_memory_have_a_row_for_each_peer(name: str, catalogue: ModuleType) -> None:
    _, _, *rows = rows_of(name)
    assert [row[0] for row in rows] == [peer.title for peer in catalogue.PEERS]


@pytest.mark.parametrize("name", ["routes", "routes-prefix"])
def test_erlen_and_werkzeug_are_timed_at_every_number_of_rules(name: str) -> None:
    timed = [row[0] for row in rows_of(name)[2:]]
    for router in ("Erlen", "Erlen, inside a request", "Werkzeug"):
        assert [row for row in timed if row.rpartition(", ")[0] == router] == [
            f"{router}, {size}" for size in ("10", "100", "1,000", "10,000")
        ]


def test_every_marked_part_is_one_that_the_bench_writes(catalogue: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    main, results = importlib.import_module("peers.__main__"), importlib.import_module("peers.results")
    marked = re.findall(r"^<!-- bench: peers ([\w-]+) -->$", PAGE, re.MULTILINE)
    assert set(marked) == set(main.parts_of(results.Results()))
    assert PAGE.count("<!-- /bench -->") == len(marked)
