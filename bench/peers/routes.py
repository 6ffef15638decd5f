"""Time or count route matching at 10 to 10,000 rules.

    python routes.py time PREFIX ROUTER…                     prints microseconds, in JSON
    python routes.py count HELPER FOLDER PREFIX ROUTER…      under callgrind

All routers and sizes are in one process, and their short rounds alternate, so that what disturbs one disturbs all; the
lowest of the rounds counts. A build ends with the first match, because some do their work then.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

from peers.routers import ROUTERS, SIZES, Search, asked, make_search, rules_of
from workloads import count

ROUNDS = 25
ROUND = 0.004  # seconds


def build(name: str, size: int, prefix: str) -> tuple[Search, float]:
    """Return the search of a router, and the seconds of CPU that it took to be made.

    :raises AssertionError: if it does not find what it has to find
    """
    rules = rules_of(size, prefix)
    make_search(name, rules[:2])  # imports what there is to import
    gc.collect()
    begun = process_time()
    search = make_search(name, rules)
    search(asked(rules, prefix)["static"])
    taken = process_time() - begun
    for kind, path in asked(rules, prefix).items():
        if (search(path) is None) is not (kind == "404"):
            raise AssertionError(f"{name} answers {path} with {search(path)!r}")
    return search, taken


def repeats(search: Search, path: str) -> int:
    """Return how many searches fill a round."""
    begun = perf_counter()
    search(path)
    return max(1, int(ROUND / max(perf_counter() - begun, 2e-7)))


def timed(search: Search, path: str, number: int) -> float:
    """Return the microseconds that one search takes, from *number* of them."""
    begun = process_time()
    for _ in range(number):
        search(path)
    return (process_time() - begun) / number * 1e6


def time_all(prefix: str, names: list[str]) -> dict[str, dict[str, dict[str, float | str]]]:
    """Return by router and size the lowest microseconds of each kind of path, and the milliseconds of the build.

    What fails has its error under ``"error"`` instead.
    """
    found: dict[str, dict[str, dict[str, float | str]]] = {name: {} for name in names}
    runs: list[tuple[dict[str, float | str], str, Search, str, int]] = []
    for size in SIZES:
        for name in names:
            if size > ROUTERS[name][2]:
                continue
            costs = found[name][str(size)] = {}
            try:
                search, taken = build(name, size, prefix)
                if size <= 1000:
                    taken = min(taken, *(build(name, size, prefix)[1] for _ in range(2)))
            except Exception as error:
                costs["error"] = f"{type(error).__name__}: {error}"
                continue
            costs["build"] = taken * 1000
            for kind, path in asked(rules_of(size, prefix), prefix).items():
                runs.append((costs, kind, search, path, repeats(search, path)))
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for costs, kind, search, path, number in runs:
            taken = timed(search, path, number)
            costs[kind] = min(float(costs.get(kind, taken)), taken)
    return found


def count_all(helper: ctypes.CDLL, prefix: str, names: list[str]) -> None:
    """Have callgrind count the matches of each router at each size."""
    for size in SIZES:
        for name in names:
            search, _ = build(name, size, prefix)
            for kind, path in asked(rules_of(size, prefix), prefix).items():
                count(partial(search, path), helper, f"{name}/{size}/{kind}")


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parent / "apps"))
    if what == "count":
        helper, _, behind, *chosen = arguments
        count_all(ctypes.CDLL(helper), behind, chosen)
    else:
        print(json.dumps(time_all(arguments[0], arguments[1:])))
