"""Makes an environment for a bench and runs the bench in it: ``python3 bench/environment.py NAME [arguments]``.

The bench *NAME* is the package ``bench/NAME``. What it needs stands pinned in its ``requirements.txt``, and is put,
with Erlen from this checkout, into ``.bench-NAME``: once, and again when the list or the project's file has changed.
Nothing is needed for that but Python.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent


def make(name: str) -> Path:
    """Return the Python of the environment of the bench *name*, after making it if it is not there or out of date."""
    listed = BENCH / name / "requirements.txt"
    folder = ROOT / f".bench-{name}"
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    parts = (str(ROOT).encode(), listed.read_bytes(), (ROOT / "pyproject.toml").read_bytes())
    mark = hashlib.sha256(b"\0".join(parts)).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == mark:
        return python
    print(f"Installing into {folder.name} …", file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", listed]
    done = subprocess.run([*pip, "--constraint", listed, "--editable", ROOT], check=False)
    if done.returncode:
        sys.exit("The installation failed. It needs the package index once; what pip says stands above.")
    stamp.write_text(mark)
    return python


def main() -> None:
    """Run the bench that the command line names, in its environment, in place of this process."""
    if len(sys.argv) < 2 or not (BENCH / sys.argv[1] / "requirements.txt").exists():
        known = sorted(path.parent.name for path in BENCH.glob("*/requirements.txt"))
        sys.exit(f"Name a bench that has an environment of its own: {', '.join(known)}.")
    name, *rest = sys.argv[1:]
    python = make(name)
    paths = os.pathsep.join(str(path) for path in (BENCH, ROOT / "tests"))  # the tests know how servers are started
    os.execve(python, [str(python), "-m", name, *rest], {**os.environ, "PYTHONPATH": paths})


if __name__ == "__main__":
    main()
