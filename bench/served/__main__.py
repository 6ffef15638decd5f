"""Measure what a request costs over real servers, Erlen beside other frameworks: ``python3 dev.py bench served``.

The cost is the processor time of a server with all of its processes, divided by the number of requests. What sends
them is no part of that. Times swing with the machine, so each application takes turns with a callable that answers
with fixed bytes on the same server; what is printed is the median of the ratios of these pairs, and their quartiles.
The servers and what sends the requests share one processor: so a server finds all requests waiting when its turn
comes, and how often it is woken does not depend on who else is at work.

    python3 dev.py bench served                          everything: ten minutes
    python3 dev.py bench served --part sessions          one of hello, work, sessions; more of them after commas
    python3 dev.py bench served --only Erlen Flask       applications whose names contain one of these
    python3 dev.py bench served --server granian         servers whose names contain one of these
    python3 dev.py bench served --work JSON upload       work whose name contains one of these
    python3 dev.py bench served --rounds 101             more pairs of rounds
    python3 dev.py bench served --free                   on all processors, as the system sees fit
    python3 dev.py bench served --docs                   puts the tables into docs/performance.md
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from served import redis_traffic, tables
from served.matrix import APPLICATIONS, BARE, SERVERS, SESSIONS, App
from served.measuring import Bench, Cell, attempt
from served.processes import Failed
from served.work import READ, STYLES, WORK, WRITE, Work

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
MARKED = re.compile(r"(?<=<!-- bench: served -->\n).*?(?=<!-- end of bench: served -->)", re.DOTALL)
PARTS = ["hello", "work", "sessions"]


def main() -> None:
    """Measure what the command line selects, and print the tables."""
    options = parser().parse_args()
    parts = options.part.split(",")
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"There is no part {' or '.join(sorted(unknown))}. There are: {', '.join(PARTS)}.")
    # Told to stop, it ends its servers as it does when all is done.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if not options.free:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "styles.css").write_bytes(STYLES)
        bench = Bench(folder, options.rounds)
        texts = [tables.versions(options.rounds)]
        if "hello" in parts:
            texts.append(hello(bench, options.only, options.server))
        if "work" in parts:
            texts.append(work(bench, options.only, options.server, options.work))
        if "sessions" in parts:
            texts.append(sessions(bench, options.only, options.server))
    text = "\n".join(texts)
    print(text)
    if options.docs:
        PAGE.write_text(MARKED.sub(lambda _: f"\n{text}\n", PAGE.read_text()))


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(
        prog="dev.py bench served", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    top.add_argument("--part", default=",".join(PARTS))
    top.add_argument("--only", nargs="+", default=[""])
    top.add_argument("--server", nargs="+", default=[""])
    top.add_argument("--work", nargs="+", default=[""])
    top.add_argument("--rounds", type=int, default=21)
    top.add_argument("--free", action="store_true")
    top.add_argument("--docs", action="store_true")
    return top


def selected(name: str, words: Iterable[str]) -> bool:
    """Tell whether *name* contains one of *words*, whatever their case."""
    return any(word.lower() in name.lower() for word in words)


def hello(bench: Bench, only: Sequence[str], servers: Sequence[str]) -> str:
    """Measure "hello" on every server, and return the tables of processor time and of memory."""
    floors = {
        server: attempt(f"bare callable on {server}", bench.floor, server)
        for server in BARE.servers
        if selected(server, servers)
    }
    found: dict[str, dict[str, Cell | str]] = {BARE.name: floors}
    for app in APPLICATIONS:
        if app is BARE or not selected(app.name, only):
            continue
        found[app.name] = {
            server: attempt(f"{app.name} on {server}", bench.hello, app, server)
            for server in app.servers
            if selected(server, servers)
        }
    return tables.hello(found, list(SERVERS))


def work(bench: Bench, only: Sequence[str], servers: Sequence[str], names: Sequence[str]) -> str:
    """Measure all other work, each application on the first of its servers, and return the table."""
    kinds = [each for each in WORK if selected(each.name, names)]
    found: dict[str, dict[str, Cell | str]] = {}
    for app in APPLICATIONS:
        chosen = [server for server in app.servers if selected(server, servers)][:1]
        if app is BARE or not selected(app.name, only):
            continue
        for server in chosen:
            done = attempt(f"{app.name} on {server}", bench.all_work, app, server, kinds)
            name = f"{app.name}, {server}"
            found[name] = dict.fromkeys((each.name for each in kinds), done) if isinstance(done, str) else done
    return tables.work(found, [each.name for each in kinds])


def sessions(bench: Bench, only: Sequence[str], servers: Sequence[str]) -> str:
    """Measure sessions on one Redis, and return the table."""
    found: dict[str, dict[str, Cell | str]] = {}
    kinds: list[Work] = [READ, WRITE]
    chosen: list[App] = [app for app in SESSIONS if selected(app.name, only)]
    try:
        with redis_traffic.running() as redis:
            for app in chosen:
                for server in app.servers:
                    if selected(server, servers):
                        name = f"{app.name}, {server}"
                        found[name] = {
                            each.name: attempt(f"{name}: {each.name}", bench.session, app, server, each, redis)
                            for each in kinds
                        }
    except Failed as error:
        return f"Sessions were not measured: {error}\n"
    return tables.sessions(found, [each.name for each in kinds])


if __name__ == "__main__":
    main()
