"""Write the table of ``docs/security.md`` from the rows and their tests: ``python tools/generate_security.py``.

Only what stands between the two marks is written; the words around it are edited by hand.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from erlen import Erlen  # noqa: E402 - the path above has to be set first
from erlen.introspect import Verdict, judge_asvs  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
TESTS = ROOT / "tests" / "sessions"
BEGIN = "<!-- The table is written by tools/generate_security.py. -->\n"
END = "<!-- End of the table. -->\n"


def verdicts(**config: object) -> list[Verdict]:
    """Judge an application that has a key and these settings."""
    with tempfile.TemporaryDirectory() as folder:
        app = Erlen("app", static_folder=None, instance_path=folder)
        app.config.update({"SECRET_KEY": "a key of no application, 0123456789", **config})
        return judge_asvs(app)


def tests() -> dict[str, list[str]]:
    """Return the names of the tests by the number of their row."""
    found: dict[str, list[str]] = {}
    for file in sorted(TESTS.glob("test_asvs_*.py")):
        for name, *numbers in re.findall(r"^def (test_asvs_(\d+)_(\d+)_(\d+)_\w+)", file.read_text("utf-8"), re.M):
            found.setdefault(".".join(numbers), []).append(name)
    return found


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    yield from (
        '| Row | Level | What it asks for | By default | With `SESSION_TYPE = "cookie"` | Tests |',
        "|---|---|---|---|---|---|",
    )
    named = tests()
    for ours, cookie in zip(verdicts(), verdicts(SESSION_TYPE="cookie"), strict=True):
        names = ", ".join(f"`{name}`" for name in named.get(ours.id, ())) or "–"
        yield f"| {ours.id} | {ours.level} | {ours.requirement} | {ours.verdict} | {cookie.verdict} | {names} |"


def generate(page: str) -> str:
    """Return the text of the page with its table written anew."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return "".join((before, BEGIN, "\n", "\n".join(rows()), "\n\n", END, after))


if __name__ == "__main__":
    PAGE.write_text(generate(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
