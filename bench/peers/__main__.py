"""Measure Erlen beside its peers, in process: ``python3 dev.py bench peers``.

Thousand instructions of a request over WSGI, ASGI and RSGI, counted by callgrind; times of route matching at 10 to
10,000 rules; processor time of an import; memory of a worker. Everything takes about half an hour.

    python3 dev.py bench peers --only wsgi text          what is measured, by parts, works and peers
    python3 dev.py bench peers --only routes
    python3 dev.py bench peers --only flask erlen json
    python3 dev.py bench peers --out tables.md           writes the tables into a file, too
    python3 dev.py bench peers --docs                    writes docs/performance.md, with what earlier runs found
    python3 dev.py bench peers --docs --only none        writes it from what earlier runs found alone
    python3 dev.py bench peers --rounds 99               rounds of the imports, in place of 25
    python3 dev.py bench peers --jobs 2                  counts two peers at a time; times are always taken one by one
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from peers import counting, footprint, page, results, routing, tables
from peers.catalogue import ERLEN, PEERS, Peer
from peers.results import Results
from peers.routers import PREFIX, ROUTERS
from peers.works import BY_KEY, WORKS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "performance.md"
KEPT = ROOT / ".bench-peers" / "results.json"
INTERFACES = ["wsgi", "asgi", "rsgi"]
PARTS = [*INTERFACES, "routes", "imports", "memory"]
COUNTED_ROUTERS = [ERLEN, f"{ERLEN}, inside a request", tables.WERKZEUG]
IMPORT_ROUNDS = 25


class Selection(NamedTuple):
    """What the words after ``--only`` select; each list is whole where no word is of its kind."""

    parts: list[str]
    works: list[str]
    peers: list[Peer]


def select(words: Sequence[str]) -> Selection:
    """Return what *words* select: parts, keys of works, and titles of peers or beginnings of them, in any case.

    :raises SystemExit: for a word that is none of these
    """
    if list(words) == ["none"]:
        return Selection([], [], [])
    lower = [word.lower() for word in words]
    parts = [part for part in PARTS if part in lower]
    works = [work.key for work in WORKS if work.key in lower]
    peers = [peer for peer in PEERS if any(peer.title.lower().startswith(word) for word in lower)]
    named = {*parts, *works, *(word for word in lower if any(peer.title.lower().startswith(word) for peer in PEERS))}
    if unknown := [word for word in lower if word not in named]:
        known = ", ".join([*PARTS, *BY_KEY, *(peer.title for peer in PEERS)])
        raise SystemExit(f"Nothing is called {' or '.join(unknown)}. There are: {known}.")
    if works and not parts:
        parts = INTERFACES
    return Selection(parts or PARTS, works or list(BY_KEY), peers or PEERS)


def measure(selection: Selection, jobs: int, rounds: int) -> None:
    """Measure what is selected, and keep each part as soon as it is there."""
    pairs = [
        (peer, interface)
        for interface in INTERFACES
        if interface in selection.parts
        for peer in selection.peers
        if peer.module(interface)
    ]
    for counted in counting.count_all(pairs, selection.works, jobs):
        say(f"counted {counted.title} over {counted.interface}")
        with results.changing(KEPT) as found:
            found.add_counts(counted.interface, counted.title, counted.costs, counted.failures)
    if "routes" in selection.parts:
        measure_routes(selection.peers)
    peers = [peer for peer in selection.peers if peer.hello]
    if "imports" in selection.parts:
        say("imports")
        times = footprint.import_times(peers, rounds)
        with results.changing(KEPT) as found:
            found.imports.update(times)
    for peer in peers if "memory" in selection.parts else []:
        say(f"memory of {peer.title}")
        measure_memory(peer)


def measure_memory(peer: Peer) -> None:
    """Measure the memory of a worker with *peer*."""
    name = f"{peer.title}, memory"
    try:
        sizes, failure = footprint.memory(peer), ""
    except RuntimeError as error:
        sizes, failure = [], str(error)
    with results.changing(KEPT) as found:
        found.forget(name)
        if failure:
            found.failures[name] = failure
        else:
            found.memory[peer.title] = sizes


def measure_routes(peers: Sequence[Peer]) -> None:
    """Time the routers of *peers*, always with Erlen's and Werkzeug's, and count the latter two."""
    titles = {peer.title for peer in peers}
    names = [name for name in ROUTERS if name in COUNTED_ROUTERS or name in titles]
    for prefix in ("", PREFIX):
        name = f"routes, {tables.PREFIXES[prefix]}"
        say(name)
        times, failures = routing.time_routes(prefix, names)
        with results.changing(KEPT) as found:
            found.forget(name)
            found.routes.setdefault(prefix, {}).update(times)
            found.failures.update({f"{name}, {what}": reason for what, reason in failures.items()})
        say(f"{name}, instructions")
        counts, failures = routing.count_routes(prefix, COUNTED_ROUTERS)
        with results.changing(KEPT) as found:
            found.route_counts.setdefault(prefix, {}).update(counts)
            found.failures.update({f"{name}, {what}": reason for what, reason in failures.items()})


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)


def parts_of(found: Results) -> dict[str, str]:
    """Return each table by the name that a page marks it with."""
    return {
        **{interface: tables.counts(found, interface) for interface in INTERFACES},
        "routes": tables.routes(found, ""),
        "routes-prefix": tables.routes(found, PREFIX),
        "routes-ratios": tables.route_ratios(found),
        "imports": tables.imports(found),
        "memory": tables.memory(found),
        "ahead": tables.ahead(found),
        "versions": tables.versions(found),
    }


def report(found: Results, selection: Selection) -> str:
    """Return the tables of the parts that were selected, and what they mean."""
    parts = parts_of(found)
    names = [name for name in parts if name.partition("-")[0] in selection.parts]
    text = "\n".join(parts[name] for name in names)
    text += f"\n{tables.goal_table(found)}\nWhere a peer takes less than Erlen:\n\n{parts['ahead']}\n"
    if found.failures:
        text += f"What could not be measured:\n\n{tables.failures(found)}\n"
    return text + parts["versions"]


def main() -> None:
    """Measure what the command line selects, and print the tables."""
    top = argparse.ArgumentParser(
        prog="dev.py bench peers", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    top.add_argument("--only", nargs="+", default=[], metavar="WORD")
    top.add_argument("--out", type=Path, metavar="FILE")
    top.add_argument("--docs", action="store_true")
    top.add_argument("--jobs", type=int, default=1)
    top.add_argument("--rounds", type=int, default=IMPORT_ROUNDS)
    options = top.parse_args()
    selection = select(options.only)
    with results.changing(KEPT) as found:
        found.note_versions()
    measure(selection, options.jobs, options.rounds)
    found = results.load(KEPT)
    text = report(found, selection)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    if options.docs:
        DOCS.write_text(page.write_parts(DOCS.read_text(encoding="utf-8"), parts_of(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
