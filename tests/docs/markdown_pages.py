"""Pages of documentation as a test sees them: what is to be run, in order, and what each page names and links to.

A page is Markdown. An HTML comment, which a reader does not see, tells what to do with the block that follows it:

- ``<!-- file: app.py -->``: save the block, of any language, under that name;
- ``<!-- raises -->``: the Python block raises, and the next ``text`` block is what the error says;
- ``<!-- run -->``: the ``console`` block is typed into a shell, and prints what it shows;
- ``<!-- serve: 8000 -->``: the ``console`` block starts a server at that port, or at that unix socket, and
  ``<!-- serve: 8000, status -15 -->`` one that ends with that status on SIGTERM (test_deploying_served.py);
- ``<!-- test`` … ``-->``: the comment itself is Python, which asserts what the page says.

A Python block without a comment is run. All of a page share one namespace and one folder. In an expected text ``...``
stands for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: ``configuration.md`` has a test of its own, tests/config/test_configuration_page.py.
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs" / "configuration.md"})]

_STEP = re.compile(
    r"^<!-- test\n(?P<test>.*?)^-->$"
    r"|(?:^<!-- (?P<mark>raises|run|file: (?P<file>\S+)"
    r"|serve: (?P<listen>[^\s,]+)(?:, status (?P<status>-?\d+))?) -->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Step:
    """One thing to do.

    ``kind`` is ``python``, ``raises``, ``run``, ``serve``, ``file``, or ``text`` for what is only shown.
    """

    kind: str
    text: str
    line: int
    file: str = ""
    #: For ``serve``: the port or the unix socket, and the exit status on SIGTERM.
    listen: str = ""
    status: int = 0


def steps_of(page: Path) -> list[Step]:
    """Return all code blocks and hidden tests of *page*, in their order."""
    source = page.read_text(encoding="utf-8")
    steps = []
    for found in _STEP.finditer(source):
        group = "test" if found["test"] is not None else "text"
        line = source.count("\n", 0, found.start(group)) + 1
        if found["file"]:
            kind = "file"
        elif found["listen"]:
            kind = "serve"
        elif group == "test" or (found["language"] == "python" and not found["mark"]):
            kind = "python"
        else:
            kind = found["mark"] or "text"
        steps.append(
            Step(kind, found[group], line, found["file"] or "", found["listen"] or "", int(found["status"] or 0))
        )
    return steps


def prose_of(page: Path) -> str:
    """Return *page* without its code blocks and comments."""
    return _STEP.sub("", page.read_text(encoding="utf-8"))
