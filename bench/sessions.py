"""Measure what sessions cost and what they lose, and print it as tables: ``python3 dev.py bench sessions``.

Commands, round trips and bytes are counted, and are the same in every run. Times swing with the machine: what is
printed is the lowest of the medians of several rounds, less what a request of the same framework takes without any
session.

With ``--write`` the tables go into docs/sessions.md, between the two marks that stand there.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # which start the servers

from session_peers import PEERS
from session_places import Missing, Place, place, running
from session_races import TIMES, Found, race
from session_systems import ERLEN, ERLEN_ASGI, Client, System
from store_servers import Servers

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "sessions.md"
MARKED = re.compile(r"(?<=<!-- measured: bench/sessions\.py -->\n).*?(?=<!-- end of what was measured -->)", re.DOTALL)

COUNTED = 5
ROUNDS = 9
PER_ROUND = 25


class Operation(NamedTuple):
    """A request that is measured, and those that make the session it needs."""

    name: str
    path: str
    before: tuple[str, ...] = ("/small",)
    once: bool = False
    """Whether each needs a session of its own."""


OPERATIONS = [
    Operation("not touched", "/untouched"),
    Operation("read", "/read"),
    Operation("write", "/write"),
    Operation("write, 100 kB", "/write", ("/big",)),
    Operation("count up", "/count"),
    Operation("log in", "/login", once=True),
    Operation("log out", "/logout", ("/small", "/login"), once=True),
]


class Row(NamedTuple):
    """One line of each table."""

    name: str
    system: System
    place: str
    timed: bool = True


ROWS = [
    Row("Erlen, redis", ERLEN, "redis"),
    Row("Erlen, redis, async", ERLEN_ASGI, "redis"),
    *(Row(peer.name, peer, "redis") for peer in PEERS),
    Row("Erlen, memory", ERLEN, "memory"),
    Row("Erlen, sqlite", ERLEN, "sqlite"),
    Row("Erlen, filesystem", ERLEN, "filesystem"),
    Row("Erlen, redis, cluster of 3", ERLEN, "redis-cluster"),
    Row("Erlen, memcached", ERLEN, "memcached"),
    Row("Erlen, mongodb (stand-in)", ERLEN, "mongodb", timed=False),
    Row("Erlen, sqlalchemy, PostgreSQL", ERLEN, "postgresql"),
    Row("Erlen, sqlalchemy, MariaDB", ERLEN, "mariadb"),
    Row("Erlen, sqlalchemy, SQLite", ERLEN, "sqlalchemy-sqlite"),
    Row("Erlen, dynamodb (stand-in)", ERLEN, "dynamodb", timed=False),
]


class Traffic(NamedTuple):
    """What goes between an application and its server for one request."""

    commands: int
    round_trips: int
    sent: int
    received: int


@dataclass
class Measured:
    """What was found out about one row."""

    place: Place
    found: Found
    traffic: list[Traffic]
    series: list[Series]
    """Every operation, to be timed, and at the end the request without a session; or nothing."""
    rounds: list[list[float]] = field(default_factory=list)
    """The medians of each round, in nanoseconds."""

    def time(self) -> None:
        """Do one round."""
        self.rounds.append([one.median() for one in self.series])

    def times(self) -> list[float]:
        """Return the microseconds that the session adds to each operation."""
        *lowest, least = [min(column) for column in zip(*self.rounds, strict=True)] or [0]
        return [max(0, each - least) / 1000 for each in lowest]


def measure(row: Row, servers: Servers) -> Measured:
    """Count and race one system on one store, and prepare what is to be timed."""
    where = place(row.place, servers)
    client = row.system.make(where.counted)
    traffic = [count(client, where, operation) for operation in OPERATIONS]
    client = row.system.make(where.direct)
    series = [Series(client, operation) for operation in OPERATIONS] if row.timed else []
    if series:
        series.append(Series(row.system.make_bare(), Operation("without a session", "/untouched", ())))
    return Measured(where, race(client), traffic, series)


def count(client: Client, where: Place, operation: Operation) -> Traffic:
    """Return what goes between *client* and its server for one request of *operation*, after two that warm up."""
    asked = Series(client, operation)
    asked.took(), asked.took()
    seen = []
    for _ in range(COUNTED):
        asked.prepare()
        before = where.traffic()
        asked.took()
        seen.append([now - then for now, then in zip(where.traffic(), before, strict=True)])
    return Traffic(*(round(statistics.median(column)) for column in zip(*seen, strict=True)))


class Series:
    """The same operation again and again."""

    def __init__(self, client: Client, operation: Operation) -> None:
        self._client = client
        self._operation = operation
        self._cookie: str | None = None

    def prepare(self) -> None:
        """Make the session that the next request needs, unless it is there."""
        if self._cookie is None:
            self._cookie = ""
            for path in self._operation.before:
                self._cookie = self._ask(path)[0]

    def took(self) -> int:
        """Send the request and return the nanoseconds until its answer."""
        self.prepare()
        self._cookie, took = self._ask(self._operation.path)
        if self._operation.once:
            self._cookie = None
        return took

    def median(self) -> float:
        """Return the median of one round."""
        return statistics.median(self.took() for _ in range(PER_ROUND))

    def _ask(self, path: str) -> tuple[str, int]:
        answer = self._client.ask(path, self._cookie or "")
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}: {answer.text[:500]}")
        return answer.cookie, answer.took


# -- tables ---------------------------------------------------------------------------------------------------------


def tables(measured: dict[str, Measured | str]) -> str:
    """Return the tables, as Markdown; a row that could not be measured says why."""
    names = [operation.name for operation in OPERATIONS]

    def calls(one: Measured) -> list[str]:
        if one.place.commands is None:
            return ["–"] * len(names)
        return [f"{each.commands} / {each.round_trips}" for each in one.traffic]

    def sizes(one: Measured) -> list[str]:
        if not one.place.proxies:
            return ["–"] * len(names)
        return [f"{rounded(each.sent)} / {rounded(each.received)}" for each in one.traffic]

    def times(one: Measured) -> list[str]:
        return [rounded(each) for each in one.times()] or ["–"] * len(names)

    def races(one: Measured) -> list[str]:
        found = one.found
        late = ", ".join(str(status) for status in sorted(found.late))
        return [str(found.lost), str(found.revived), late, yes(found.adopted), yes(found.fixed)]

    outcome = [
        f"lost changes, of {TIMES} pairs",
        f"revived, of {TIMES} logouts",
        "answer to the late request",
        "invented id adopted",
        "id from before the login signed in",
    ]
    return "\n".join(
        [
            table("Commands / round trips", names, calls, measured),
            table("Bytes to the server / from it", names, sizes, measured),
            table("Microseconds that the session adds", names, times, measured),
            table("What is lost and what comes back", outcome, races, measured),
        ]
    )


def table(
    title: str, heads: list[str], cells: Callable[[Measured], list[str]], measured: dict[str, Measured | str]
) -> str:
    """Return one table under its title."""
    lines = [f"**{title}**", "", f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for name, one in measured.items():
        row = [one] + [""] * (len(heads) - 1) if isinstance(one, str) else cells(one)
        lines.append(f"| {name} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def rounded(number: float) -> str:
    """Return *number* with two digits that count."""
    digits = len(str(int(number))) - 2
    return f"{round(number, -digits) if digits > 0 else round(number):,.0f}"


def yes(true: bool) -> str:
    return "yes" if true else "no"


def main() -> None:
    """Measure all rows, or those whose names contain the words given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="*", help="measure only rows whose names contain one of these")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    measured: dict[str, Measured | str] = {}
    with running() as servers:
        for row in ROWS:
            if options.words and not any(word in row.name for word in options.words):
                continue
            print(f"{row.name} …", file=sys.stderr, flush=True)
            try:
                measured[row.name] = measure(row, servers)
            except Missing as error:
                measured[row.name] = str(error)
        # All in turn, so that a bad moment of the machine is one of all.
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS} …", file=sys.stderr, flush=True)
            for one in measured.values():
                if isinstance(one, Measured):
                    one.time()
    text = tables(measured)
    print(text)
    if options.write:
        PAGE.write_text(MARKED.sub(lambda _: f"\n{text}\n", PAGE.read_text()))


if __name__ == "__main__":
    main()
