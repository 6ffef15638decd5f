"""What the applications of the peers have in common: the same data, templates and files."""

from __future__ import annotations

from pathlib import Path

import jinja2

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
TEMPLATES = HERE.parent.parent / "apps" / "templates"
KEY = "a key for the bench, of 32 bytes"
DATA: dict[str, object] = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True}}
SIGNED_IN: dict[str, object] = {"user": "ada", "cart": {"apples": 3}}


def rows() -> list[dict[str, object]]:
    """Return what the page shows."""
    return [{"number": number, "name": f"row {number}"} for number in range(20)]


def jinja() -> jinja2.Environment:
    """Return Jinja as a framework without templates is used with it."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=jinja2.select_autoescape(), auto_reload=False
    )
