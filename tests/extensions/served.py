"""An application on the server that it starts itself, in a process of its own, for checks over a socket."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# The process has to know which Flask is meant, as this one does.
PROGRAM = "import inside, runpy, sys; sys.path.insert(0, '.'); runpy.run_path('app.py', run_name='__main__')"


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """Run ``app.py`` of *folder* with *arguments*, and give the address that Werkzeug's server says it is at.

    The application has to listen on port 0, which is any free one.
    """
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        log = ""
        try:
            for line in process.stderr:
                log += line
                if found := re.search(r"Running on (http://[\d.:]+)", line):
                    break
            else:
                pytest.fail(f"the server has not started:\n{log}")
            yield found[1]
        finally:
            process.kill()
