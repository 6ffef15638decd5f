"""What was measured, as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from served.measuring import Cell

Found = Mapping[str, Mapping[str, Cell | str]]
"""For each row, for each column, what was measured, or a text that says why not."""

PACKAGES = [
    "erlen",
    "flask",
    "flask-session",
    "quart",
    "django",
    "falcon",
    "bottle",
    "starlette",
    "starsessions",
    "fastapi",
    "litestar",
    "sanic",
    "blacksheep",
    "emmett",
    "robyn",
    "granian",
    "uvicorn",
    "uvloop",
    "httptools",
    "gunicorn",
    "fastpysgi",
    "redis",
    "hiredis",
    "jinja2",
    "werkzeug",
]


def versions(rounds: int) -> str:
    """Return what was measured and how, in two paragraphs."""
    listed = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; {listed}.\n\n"
        "One worker; over WSGI one thread on granian and four on gunicorn's gthread; 8 kept "
        "connections; servers and client on one processor, unless --free says otherwise. Each figure is "
        f"the median of {rounds} pairs of rounds, in brackets its quartiles.\n"
    )


def hello(found: Found, servers: Sequence[str]) -> str:
    """Return the tables of "hello": processor time and memory."""
    columns = [server for server in servers if any(server in row for row in found.values())]

    def cost(cell: Cell) -> str:
        return f"{cell.ratio}, {cell.ratio.cost:.0f} µs"

    head = (
        '**"hello": processor time, as a multiple of the bare callable on the same server, and per request** (the bare '
        "callable: as a multiple of the one on granian over WSGI; Sanic and Robyn: of the one on granian over RSGI)"
    )
    memory = '**"hello": memory of the server with one worker after the rounds, in MB**'
    return "\n".join(
        [
            table(head, columns, found, cost),
            table(memory, columns, found, lambda cell: f"{cell.memory / 1e6:.0f}"),
            *failures(found),
        ]
    )


def work(found: Found, names: Sequence[str]) -> str:
    """Return the table of all other work."""
    head = (
        "**Processor time, as a multiple of the bare callable on the same server, and per request** (static file, "
        'upload and WebSocket: of a bare callable that does that; all else: of one that says "hello")'
    )

    def cost(cell: Cell) -> str:
        return f"{cell.ratio.median:.2f}, {cell.ratio.cost:.0f} µs"

    return "\n".join([table(head, names, found, cost), *failures(found)])


def sessions(found: Found, names: Sequence[str]) -> str:
    """Return the tables of sessions on Redis."""
    head = (
        '**Session on Redis: processor time, as a multiple of the bare callable that says "hello" on granian over '
        "WSGI, and per request**"
    )
    traffic = "**Session on Redis: commands of one request, and bytes to Redis / from it**"
    return "\n".join(
        [
            table(head, names, found, lambda cell: f"{cell.ratio}, {cell.ratio.cost:.0f} µs"),
            table(traffic, names, found, lambda cell: str(cell.traffic)),
            *failures(found),
        ]
    )


def table(title: str, columns: Sequence[str], found: Found, write: Callable[[Cell], str]) -> str:
    """Return one table under its title; what failed says so, and what was not to be measured is a dash."""
    lines = [title, "", f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for name, row in found.items():
        cells = [row.get(column) for column in columns]
        written = [write(cell) if isinstance(cell, Cell) else "failed" if cell else "–" for cell in cells]
        lines.append(f"| {name} | {' | '.join(written)} |")
    return "\n".join(lines) + "\n"


def failures(found: Found) -> list[str]:
    """Return a line for each cell that failed, with the reason."""
    lines = [
        f"- {name}, {column}: {cell}"
        for name, row in found.items()
        for column, cell in row.items()
        if isinstance(cell, str)
    ]
    return ["\n".join(lines) + "\n"] if lines else []
