"""Every module of the package can be imported first: none relies on another having been imported before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "erlen"

# An interpreter that has what Erlen imports of others, and nothing of Erlen, forks for each module: it names one a line
# and whether the root package is to be imported first, and prints the traceback. The root package imports the whole
# framework, which would hide what a module fails to import itself. So most get an empty one that knows only where its
# modules are.
SCRIPT = """
import importlib, os, sys, traceback, types
import erlen, erlen.flask

for name in [name for name in sys.modules if name.partition(".")[0] == "erlen"]:
    del sys.modules[name]

for line in sys.stdin:
    module, root = line.split()
    print(f"{module}:", flush=True)
    child = os.fork()
    if not child:
        if root == "empty":
            empty = sys.modules["erlen"] = types.ModuleType("erlen")
            empty.__path__ = [sys.argv[1]]
        try:
            importlib.import_module(module)
        except BaseException:
            print(traceback.format_exc(), flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(f"status {status}", flush=True)
"""

# Optional layers stand above the root package and use its public names.
ABOVE_THE_ROOT = ("erlen.flask", "erlen.devtools", "erlen.api", "erlen.security", "erlen.login")


def modules() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_can_be_imported_alone() -> None:
    names = list(modules())
    assert "erlen.errors" in names
    roots = ["whole" if name == "erlen" or name.startswith(ABOVE_THE_ROOT) else "empty" for name in names]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    environment["PYTHONPATH"] = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(PACKAGE)],
        input="".join(f"{name} {root}\n" for name, root in zip(names, roots, strict=True)),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "".join(f"{name}:\nstatus 0\n" for name in names), done.stderr
