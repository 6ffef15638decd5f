"""What docs/from-flask.md lists is what the tables of ``erlen migrate-report`` say, and its module serves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from markdown_pages import ROOT, steps_of

from erlen.introspect.flask_extensions import EXTENSIONS
from erlen.introspect.flask_names import MODULES, NAMES, find_name

PAGE = ROOT / "docs" / "from-flask.md"


def rows_below(heading: str) -> list[list[str]]:
    """Return the cells of the first table after a line of the page."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").partition(f"{heading}\n")[2].splitlines():
        if line.startswith("| "):
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif rows and not line.startswith("|"):
            break
    return rows[1:]


def test_the_extensions_of_the_page_are_those_of_the_table() -> None:
    assert rows_below("### Extensions") == [
        [extension.name, extension.tested] for extension in EXTENSIONS if extension.tested
    ]


def test_the_names_of_the_page_are_those_of_the_table() -> None:
    rows = rows_below("## Step 2: Erlen's names")
    assert len(rows) > 10
    for left, right in rows:
        targets = re.findall(r"`(erlen[\w.]*)`", right)
        for name in re.findall(r"`(flask[\w.]*)`", left):
            if name in NAMES:
                assert NAMES[name] == targets[0]
            elif name == "flask.wrappers":
                assert targets == [NAMES["flask.wrappers.Request"], NAMES["flask.wrappers.Response"]]
            else:
                assert MODULES[name] == (targets[0] if targets else None)
                assert find_name(name) is not None


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_the_module_of_the_page_serves_an_unchanged_application(
    server: str, tmp_path: Path, serve: Callable[..., Any]
) -> None:
    for step in steps_of(PAGE):
        if step.file in ("shop.py", "wsgi.py"):
            (tmp_path / step.file).write_text(step.text, encoding="utf-8")
    with httpx.Client(base_url=serve("wsgi:app", tmp_path, server=server).url, verify=False) as browser:
        answer = browser.post("/visit", headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        assert browser.get("/").json() == {"visits": 1}
