"""Extensions of Flask, unchanged, in applications that import flask: on the alias, and on Flask itself.

Each folder here has an application that uses an extension, and ``checks.py``, which pytest runs in the environment of
that extension, ``.extensions/<name>``. Flask is installed there, too: it is the oracle of the checks, and the alias
takes precedence over it. An environment ``<name>-alone`` has no Flask but the alias.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from store_servers import Servers, redis

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INSTALL = "python3 dev.py extensions"

# What stands for Flask in each environment.
RUNS = sorted(
    [
        (path.parent.name, path.parent.name, side)
        for path in HERE.glob("*/requirements.txt")
        for side in ("alias", "real")
    ]
    + [(path.parent.name, f"{path.parent.name}-alone", "alias") for path in HERE.glob("*/alone.txt")]
)


@pytest.mark.parametrize(("name", "environment", "side"), RUNS, ids=[f"{run[1]}-{run[2]}" for run in RUNS])
def test_an_extension_does_all_that_its_application_asks_of_it(
    name: str,
    environment: str,
    side: str,
    require: Callable[[str, str], str],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    python = require(str(ROOT / ".extensions" / environment / "bin" / "python"), INSTALL)
    variables = {
        **{
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "PYTEST", "FLASK", "ERLEN"))
        },
        "CHECKED_FLASK": side,
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # what extensions bring for tests of their users
    }
    if (HERE / name / "redis.txt").exists():
        servers: Servers = request.getfixturevalue("servers")
        variables["CHECKED_REDIS"] = redis.url_of("redis", servers)
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "-p", "inside", "-c", HERE / "checks.ini", "--noconftest"),
            *("--basetemp", tmp_path / "checks", HERE / name / "checks.py"),
        ],
        env=variables,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr}", pytrace=False)


def test_an_environment_that_is_called_alone_has_no_flask(require: Callable[[str, str], str]) -> None:
    python = require(str(ROOT / ".extensions" / "flask_cors-alone" / "bin" / "python"), INSTALL)
    find = "import importlib.util; print(importlib.util.find_spec('flask'))"
    assert subprocess.run([python, "-c", find], capture_output=True, text=True, check=True).stdout.strip() == "None"
