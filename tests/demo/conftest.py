"""The demo application on a real server, in a copy of its folder, so that it starts with an empty instance folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import serving

ROOT = Path(__file__).resolve().parents[2]

# A worker of granian that is still starting misses the signal to stop, and the server would wait for it for ever.
SERVER = {"workers": 2, "env": {"GRANIAN_WORKERS_KILL_TIMEOUT": "3"}}


class Demo:
    """The demo, running."""

    def __init__(self, folder: Path, serve: Callable[..., Any]) -> None:
        self.folder = folder
        self.instance = folder / "instance"
        self.serve = serve
        self.server = serve("app:app", folder, **SERVER)
        self.url: str = self.server.url

    def restart(self) -> None:
        """End the server as an operator would, and start it again at the same address."""
        self.server.stop()
        self.server = self.serve("app:app", self.folder, **SERVER, port=self.server.port)


def start(folder: Path, serve: Callable[..., Any]) -> Demo:
    shutil.copytree(ROOT / "examples" / "dashboard", folder, ignore=shutil.ignore_patterns("instance", "__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "erlen", "secret", "--save", "--instance", folder / "instance"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return Demo(folder, serve)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo for all visitors: each has a session, and there is nothing else that they change."""
    folder = tmp_path_factory.mktemp("demo")
    with serving(folder) as serve:
        yield start(folder / "dashboard", serve)


@pytest.fixture
def demo(request: pytest.FixtureRequest, tmp_path: Path, serve: Callable[..., Any]) -> Iterator[Demo]:
    """The demo, served by two workers, for all tests or for this one; a test that fails shows what they wrote."""
    if getattr(request, "param", "shared") == "own":
        demo = start(tmp_path / "dashboard", serve)
    else:
        demo = request.getfixturevalue("shared")
    yield demo
    print(demo.server.log)
