"""Count the instructions of every work on every peer, each peer in a process of its own under callgrind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import instructions
from peers.catalogue import Peer
from peers.works import BY_KEY

DRIVE = Path(__file__).resolve().parent / "drive.py"


class Counted(NamedTuple):
    """What one peer takes over one interface: thousands of instructions by work, and what failed."""

    interface: str
    title: str
    costs: dict[str, float]
    failures: dict[str, str]


def count(peer: Peer, interface: str, keys: list[str]) -> Counted:
    """Count the works called *keys* on *peer*; never raises because of the peer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        failures: dict[str, str] = {}
        totals: dict[str, int] = {}
        try:
            totals = instructions.run(DRIVE, peer.module(interface), interface, *keys, folder=folder)
            failures = json.loads((folder / "failures.json").read_text())
        except instructions.CountingFailed as failed:
            failures = {"all": last_line(str(failed))}
        costs = {key: total / BY_KEY[key].requests / 1000 for key, total in totals.items() if key not in failures}
    return Counted(interface, peer.title, costs, failures)


def last_line(text: str) -> str:
    """Return what a program said last, without what valgrind says around it."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("==")]
    return lines[-1].strip() if lines else "it ended without a word"


def count_all(pairs: list[tuple[Peer, str]], keys: list[str], jobs: int) -> Iterator[Counted]:
    """Count on each peer and interface of *pairs*, *jobs* at a time, and yield each as it is done."""
    with ThreadPoolExecutor(jobs) as threads:
        for done in as_completed([threads.submit(count, peer, interface, keys) for peer, interface in pairs]):
            yield done.result()
