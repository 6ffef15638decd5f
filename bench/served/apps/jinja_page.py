"""The page of 20 rows for frameworks that leave templates to their users: only these load Jinja for it."""

from __future__ import annotations

import jinja2
from common import ROWS, TEMPLATES

_templates = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)


def page() -> str:
    """Return the page of 20 rows."""
    return _templates.get_template("rows.html").render(rows=ROWS)
