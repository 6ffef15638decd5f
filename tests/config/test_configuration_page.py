"""The page about configuration: its tables are those of the code, its snippets run."""

from __future__ import annotations

import os
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from erlen.config import RETIRED, SETTINGS, Config, default_settings
from erlen.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "generate_configuration.py"))


def test_the_tables_are_up_to_date(generator: dict[str, Any]) -> None:
    assert generator["generate"](PAGE) == PAGE, "run: python tools/generate_configuration.py"


def test_every_setting_has_a_row() -> None:
    assert re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE) == [*SETTINGS, *RETIRED]


def test_the_command_writes_the_page(generator: dict[str, Any], tmp_path: Path) -> None:
    stale = PAGE.split(generator["BEGIN"])[0] + generator["BEGIN"] + "old\n" + generator["END"] + "after\n"
    written = generator["generate"](stale)
    assert "old" not in written.splitlines()
    assert written.endswith(generator["END"] + "after\n")


def test_every_snippet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippets = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(snippets) > 8
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.delitem(sys.modules, "config", raising=False)
    for snippet in snippets:
        if file := re.match(r"# (\w+\.py)\n", snippet):
            (tmp_path / file[1]).write_text(snippet)
        app = SimpleNamespace(config=Config(tmp_path, default_settings()))
        names = {"app": app, "os": os, "ConfigError": ConfigError, "read_ini": lambda file: {"SECTION": file.read()}}
        exec(compile(snippet, "docs/configuration.md", "exec"), names)
        app.config.check()
