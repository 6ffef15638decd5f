"""Every module of the package can be imported first: none relies on another having been imported before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "erlen"

# The root package imports the whole framework, which would hide what a module fails to import itself. So it is
# replaced by an empty one that knows only where its modules are.
SCRIPT = """
import importlib, sys, types
root = types.ModuleType("erlen")
root.__path__ = [sys.argv[1]]
sys.modules["erlen"] = root
importlib.import_module(sys.argv[2])
"""

# Optional layers stand above the root package and use its public names.
ABOVE_THE_ROOT = ("erlen.flask", "erlen.devtools", "erlen.api", "erlen.security", "erlen.login")


def modules() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_alone(module: str) -> str:
    """Import *module* in a fresh interpreter; return what it complains about."""
    whole = module == "erlen" or module.startswith(ABOVE_THE_ROOT)
    code = f"import {module}" if whole else SCRIPT
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    environment["PYTHONPATH"] = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(PACKAGE), module],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{module}:\n{done.stderr}" if done.returncode else ""


def test_every_module_can_be_imported_alone() -> None:
    names = list(modules())
    assert "erlen.errors" in names
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [complaint for complaint in pool.map(import_alone, names) if complaint]
    assert not complaints, "\n".join(complaints)
