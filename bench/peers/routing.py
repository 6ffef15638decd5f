"""Run the routers in processes of their own: timed all together, and Erlen's and Werkzeug's counted under callgrind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import instructions
from peers.counting import last_line
from peers.results import RouteTimes
from peers.routers import KINDS, SIZES
from workloads import REQUESTS

PROGRAM = Path(__file__).resolve().parent / "routes.py"

#: By router, by number of rules, by kind of path.
RouteCounts = dict[str, dict[str, dict[str, float]]]


def time_routes(prefix: str, names: list[str]) -> tuple[RouteTimes, dict[str, str]]:
    """Return the times of the routers called *names*, and what failed, with the reasons."""
    command: list[str | Path] = [sys.executable, PROGRAM, "time", prefix, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {}, {"all": last_line(done.stderr)}
    times: RouteTimes = json.loads(done.stdout.splitlines()[-1])
    failures = {
        f"{name}, {size}": str(costs["error"])
        for name, sizes in times.items()
        for size, costs in sizes.items()
        if "error" in costs
    }
    return times, failures


def count_routes(prefix: str, names: list[str]) -> tuple[RouteCounts, dict[str, str]]:
    """Return the instructions of one match, and what failed, with the reason."""
    try:
        totals = instructions.run(PROGRAM, "count", prefix, *names)
    except instructions.CountingFailed as failed:
        return {}, {"instructions": last_line(str(failed))}
    counts: RouteCounts = {}
    for name in names:
        for size in map(str, SIZES):
            costs = {kind: totals[f"{name}/{size}/{kind}"] / REQUESTS for kind in KINDS}
            counts.setdefault(name, {})[size] = costs
    return counts, {}
