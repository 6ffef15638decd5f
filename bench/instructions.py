"""Count the CPU instructions of a request, Erlen beside Flask, and beside Flask's application on Erlen, as a table.

Times swing with the machine; instructions do not. Each framework runs in one process under callgrind, which counts
200 warm requests of each workload, sent as a WSGI server would send them. What sending takes is in every figure and
stands in the row "bare".
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from workloads import REQUESTS, WORKLOADS

HERE = Path(__file__).resolve().parent
HEADER = re.compile(rb"^desc: Trigger: Client Request: (.+)$", re.MULTILINE)
#: Not the line "summary": it is wrong once there has been a second thread.
TOTAL = re.compile(rb"^totals: (\d+)$", re.MULTILINE)


def build_helper(folder: Path) -> Path:
    """Compile the client requests and return the library."""
    library = folder / "callgrind.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "callgrind.c"], check=True)
    return library


def measure(module: str, workloads: str = "workloads.py", only: Iterable[str] = ()) -> dict[str, float]:
    """Return the thousands of instructions per request of each workload on the applications of *module*.

    :param workloads: the program that sends the requests
    :param only: the names of the workloads that are measured, if not all are
    """
    try:
        totals = run(HERE / workloads, module, *only)
    except CountingFailed as failed:
        raise SystemExit(f"{module} could not be measured:\n{failed}") from failed
    return {name: total / REQUESTS / 1000 for name, total in totals.items()}


class CountingFailed(Exception):
    """What was to be counted did not run to its end; the text is what it wrote to stderr."""


def run(program: Path, module: str, *arguments: str, folder: Path | None = None) -> dict[str, int]:
    """Run *program* under callgrind with *module*, the helper, a folder and *arguments*; return what it counted.

    :param folder: where the program may leave files. Default: one that is gone afterwards
    :raises CountingFailed: if the program failed
    """
    with tempfile.TemporaryDirectory() as name:
        dumps = Path(name)
        out = dumps / "callgrind.out"
        command: list[str | Path] = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
        command += [f"--callgrind-out-file={out}", sys.executable, program, module, build_helper(dumps)]
        command += [folder or dumps / "instance", *arguments]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
        done = subprocess.run(
            command, env={**environment, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CountingFailed(done.stderr)
        return dict(read(part) for part in sorted(dumps.glob("callgrind.out.*")))


def read(dump: Path) -> tuple[str, int]:
    """Return the workload that a dump of callgrind is about, and the instructions of all its requests."""
    text = dump.read_bytes()
    header, total = HEADER.search(text), TOTAL.search(text)
    if header is None or total is None:
        raise CountingFailed(f"{dump.name} is not what callgrind was asked for")
    return header[1].decode(), int(total[1])


def main() -> None:
    """Measure all and print the table."""
    erlen, flask, alias = measure("erlen_app"), measure("flask_app"), measure("alias_app")
    print("Thousand instructions per request, in process over WSGI\n")
    print("| | Erlen | Flask | Erlen / Flask | Flask's application on Erlen |")
    print("|---|---:|---:|---:|---:|")
    for name in ["bare", *(workload.name for workload in WORKLOADS)]:
        ratio = erlen[name] / flask[name]
        print(f"| {name} | {erlen[name]:.1f} | {flask[name]:.1f} | {ratio:.2f} | {alias[name]:.1f} |")


if __name__ == "__main__":
    main()
