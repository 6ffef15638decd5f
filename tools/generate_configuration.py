"""Write the tables of ``docs/configuration.md`` from the declared settings: ``python tools/generate_configuration.py``.

Only what stands between the two marks is written; the words around it are edited by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from erlen.config import ERLEN, FLASK, RETIRED, SECTIONS, Retired, Setting  # noqa: E402 - the path above has to be set first

PAGE = ROOT / "docs" / "configuration.md"
BEGIN = "<!-- The tables are written by tools/generate_configuration.py. -->\n"
END = "<!-- End of the tables. -->\n"

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def duration(value: timedelta) -> str:
    """Write a duration in the largest unit that it is a whole number of: ``31 days``."""
    total = int(value.total_seconds())
    name, size = next((name, size) for name, size in _UNITS if total % size == 0)
    count = total // size
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def shown(value: object) -> str:
    """Write a default as it stands in a table."""
    return duration(value) if isinstance(value, timedelta) else f"`{value!r}`"


def row(setting: Setting) -> str:
    """Write the row of one setting."""
    ours, flasks = setting.default_in(ERLEN), setting.default_in(FLASK)
    default = shown(ours) if ours == flasks else f"{shown(ours)}; Flask's: {shown(flasks)}"
    return f"| `{setting.name}` | {setting.kind.accepts} | {default} | {setting.sentence} |"


def retired_row(retired: Retired) -> str:
    """Write the row of a setting that is refused."""
    return f"| `{retired.name}` | {retired.granted or '–'} | {retired.reason} | {retired.cure} |"


def tables() -> Iterator[str]:
    """Yield the lines of all tables, each under its heading."""
    for heading, settings in SECTIONS.items():
        yield from (f"### {heading}", "", "| Setting | Accepts | Default | What it does |", "|---|---|---|---|")
        yield from map(row, settings)
        yield ""
    yield from ("### Settings of Flask-Session that are refused", "")
    yield from ("| Setting | Is let pass | Why it is refused | What to write |", "|---|---|---|---|")
    yield from map(retired_row, RETIRED.values())
    yield ""


def generate(page: str) -> str:
    """Return the text of the page with its tables written anew."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return "".join((before, BEGIN, "\n", "\n".join(tables()), "\n", END, after))


if __name__ == "__main__":
    PAGE.write_text(generate(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
