"""The program at the end of the tutorial, on a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from markdown_pages import ROOT, steps_of


def test_the_finished_tutorial_keeps_a_visitor_signed_in_over_a_restart(
    tmp_path: Path, serve: Callable[..., Any]
) -> None:
    for step in steps_of(ROOT / "docs" / "tutorial.md"):
        if step.kind == "file":
            (tmp_path / step.file).parent.mkdir(exist_ok=True)
            (tmp_path / step.file).write_text(step.text, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "erlen", "secret", "--save"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
    )
    server = serve("app:app", tmp_path)
    with httpx.Client(base_url=server.url, verify=False) as browser:
        assert browser.get("/").headers["Location"] == "/login"
        assert "Welcome to the stockroom!" in browser.get("/login").text
        browser.post("/login", data={"username": "ada", "password": "engine"})
        browser.post("/cart/beaker/add")
        server.stop()
        serve("app:app", tmp_path, port=server.port, workers=2)
        browser.post("/cart/beaker/add")
        assert browser.get("/api/cart").json() == {"items": [{"product": "beaker", "quantity": 2}]}
