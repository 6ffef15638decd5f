"""The page about ASVS: its table is that of the code and of the tests, and nothing holds without a test."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from erlen.introspect.asvs import FAILS, HOLDS, OPEN, ROWS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "generate_security.py"))


def test_the_table_is_up_to_date(generator: dict[str, Any]) -> None:
    assert generator["generate"](PAGE) == PAGE, "run: python tools/generate_security.py"


def test_what_holds_by_default_has_a_test_of_its_number(generator: dict[str, Any]) -> None:
    tests = generator["tests"]()
    verdicts = generator["verdicts"]()
    held = [verdict.id for verdict in verdicts if verdict.verdict == HOLDS]
    assert {"7.2.1", "7.2.2", "7.2.3", "7.2.4", "7.3.1", "7.3.2", "7.4.1", "7.4.5", "7.6.2"} <= set(held)
    assert {"3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.3.5"} <= set(held)
    assert [row for row in held if not tests.get(row)] == []
    assert set(tests) <= {row.id for row in ROWS}
    assert FAILS not in {verdict.verdict for verdict in verdicts}


def test_the_rows_are_those_of_the_chapters_in_their_order() -> None:
    numbers = [f"3.3.{n}" for n in range(1, 6)] + [f"3.4.{n}" for n in range(1, 9)] + [f"3.5.{n}" for n in range(1, 9)]
    for section, count in enumerate((3, 4, 2, 5, 3, 2), start=1):
        numbers += [f"7.{section}.{n}" for n in range(1, count + 1)]
    assert [row.id for row in ROWS] == numbers


def test_every_row_is_told_in_sentences_and_an_open_one_asks(generator: dict[str, Any]) -> None:
    for config in ({}, {"SESSION_TYPE": "cookie"}, {"SESSION_TYPE": "null"}, {"SECRET_KEY": None}):
        for verdict in generator["verdicts"](**config):
            assert re.fullmatch(r"[A-Zs].*\.", verdict.requirement), verdict
            assert verdict.words[-1] in (".", "?"), verdict
            assert verdict.verdict in (HOLDS, FAILS, OPEN)
            if verdict.verdict == OPEN:
                assert "?" in verdict.words, verdict
