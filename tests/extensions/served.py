"""Applications on real servers, in processes of their own, for checks over a socket."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# The process has to know which Flask is meant, as this one does.
ITSELF = "import inside, runpy, sys; sys.path.insert(0, '.'); runpy.run_path('app.py', run_name='__main__')"
GUNICORN = "import inside, sys; sys.path.insert(0, '.'); from gunicorn.app.wsgiapp import run; run()"


@contextmanager
def running(folder: Path, program: str = ITSELF, *arguments: str) -> Iterator[str]:
    """Run a program in *folder*, and give the address that its server says it is at.

    :param program: ``ITSELF``, where ``app.py`` starts Werkzeug's server on port 0, any free one; or ``GUNICORN``
    :param arguments: the arguments of the program
    """
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        log = ""
        try:
            for line in process.stderr:
                log += line
                if found := re.search(r"(?:Running on|Listening at:) (http://[\d.:]+)", line):
                    break
            else:
                pytest.fail(f"the server has not started:\n{log}")
            yield found[1]
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with its workers
