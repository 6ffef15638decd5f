"""Looks at an application in a process of its own, so that the process that starts the workers stays clean.

Workers are forked. What the application opens while it is imported (a connection, a thread) would be shared by all of
them if their parent had imported it; and a worker that is started later, after a change, would get the old code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from erlen.servers.traces import format_trace

__all__ = ["in_child", "source_folders"]


def in_child(work: Callable[[], Any]) -> Any:
    """Call *work* in a child process and return its result, which must have a form in JSON.

    Where processes cannot be forked it is called here: there, workers inherit nothing anyway.

    :raises SystemExit: with the status of the child, if *work* raises. What went wrong has been printed by then.
    """
    if not hasattr(os, "fork"):
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os._exit(_answer(work, writer))
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise SystemExit(status if status > 0 else 128 - status)
    return json.loads(answer)


def _answer(work: Callable[[], Any], writer: int) -> int:
    status = 1
    try:
        with open(writer, "w", encoding="utf-8") as pipe:
            json.dump(work(), pipe)
        status = 0
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            status = error.code or 0
        else:
            print(error.code, file=sys.stderr)
    except KeyboardInterrupt:  # the parent gets it too, and says so
        status = 128 + signal.SIGINT
    except BaseException as error:
        show = getattr(error, "show", None)  # an exception of click's tells itself
        if show is None:
            sys.stderr.write(format_trace(error))
        else:
            show()
            status = int(getattr(error, "exit_code", 1))
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def source_folders() -> list[str]:
    """Return the folders that the modules imported so far come from, without those of Python and of installed packages.

    A package stands for all that is in it, so its parts are not named beside it.
    """
    installed = tuple({os.path.realpath(prefix) + os.sep for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)})
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    folders = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.isabs(file):
            real = os.path.realpath(file)
            if not real.startswith((*installed, own)) and "site-packages" not in real:
                folders.add(os.path.dirname(real))
    return sorted(
        folder for folder in folders if not any(folder.startswith(other + os.sep) for other in folders - {folder})
    )
