"""What an import takes, and how much memory a worker has: the least application of each peer in fresh processes."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import import_time
from peers.catalogue import Peer

HERE = Path(__file__).resolve().parent
HELLOS = HERE / "hello"

REQUESTS = 1000
MEMORY_ROUNDS = 3


def statement_for(module: str) -> str:
    """Return the statement that imports the least application *module*."""
    return f"import sys; sys.path.insert(0, {str(HELLOS)!r}); import {module}"


def imports_of(module: str) -> str:
    """Return the imports of the least application *module*, without the application."""
    lines = re.findall(r"^(?:from|import) .+$", (HELLOS / f"{module}.py").read_text(), re.MULTILINE)
    return f"import sys; sys.path.insert(0, {str(HELLOS)!r}); {'; '.join(lines)}"


def import_times(peers: list[Peer], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of CPU that imports take beyond a bare interpreter: lowest, median, and with application.

    The processes of one round follow each other, so that what disturbs one peer disturbs all.
    """
    statements = {"bare": "import sys; sys.path.insert(0, '')"}
    for peer in peers:
        statements[peer.title] = imports_of(peer.hello)
        statements[f"{peer.title} made"] = statement_for(peer.hello)
    for statement in statements.values():  # compiles what is not compiled yet
        import_time.cpu_time(statement)
    times = [{name: import_time.cpu_time(statement) for name, statement in statements.items()} for _ in range(rounds)]
    bare = min(time["bare"] for time in times)

    def lowest(name: str) -> float:
        return min(time[name] for time in times) - bare

    return {
        peer.title: [
            lowest(peer.title),
            statistics.median(time[peer.title] - time["bare"] for time in times),
            lowest(f"{peer.title} made"),
        ]
        for peer in peers
    }


def memory(peer: Peer) -> list[float]:
    """Return the MiB of memory of a process with the least application of *peer*: the median of several processes.

    They are the resident memory and the part of it that is counted once where it is shared (PSS), after the import and
    after a thousand requests; the latter two are missing where a peer needs a server of its own.

    :raises RuntimeError: with the last words of the process, if it failed
    """
    found: list[list[float]] = []
    for _ in range(MEMORY_ROUNDS):
        command = [sys.executable, str(HERE / "worker.py"), peer.hello, peer.interface, str(REQUESTS)]
        done = subprocess.run(command, env=import_time.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return [statistics.median(values) for values in zip(*found, strict=True)]
