"""What an import costs: ``import erlen`` beside ``import flask``, in fresh interpreters, in turns.

The figure is CPU time of the process beyond that of a bare interpreter, in milliseconds. The lowest of the rounds says
what the import takes, the median what it took on this machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 25
STATEMENTS = {"bare": "pass", "erlen": "import erlen", "flask": "import flask"}


def environment() -> dict[str, str]:
    """Return an environment in which what was compiled is kept, as on a machine where packages are installed."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def cpu_time(statement: str) -> float:
    """Return the milliseconds of CPU time that a fresh interpreter takes for *statement*."""
    process = subprocess.Popen([sys.executable, "-c", statement], env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{statement!r} failed")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main() -> None:
    """Run the rounds and print the table."""
    for statement in STATEMENTS.values():  # compiles what is not compiled yet
        cpu_time(statement)
    rounds = [{name: cpu_time(statement) for name, statement in STATEMENTS.items()} for _ in range(ROUNDS)]
    print("\nMilliseconds of CPU time for an import\n")
    print("| | lowest | median |")
    print("|---|---:|---:|")
    for name in ("erlen", "flask"):
        lowest = min(round[name] for round in rounds) - min(round["bare"] for round in rounds)
        median = statistics.median(round[name] - round["bare"] for round in rounds)
        print(f"| import {name} | {lowest:.0f} | {median:.0f} |")


if __name__ == "__main__":
    main()
