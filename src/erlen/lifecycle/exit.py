"""What is put in order when the process ends, while its threads and event loops still work.

``atexit`` comes too late: Python waits for all threads first, and one of them may wait for what is closed here. So it
is done where Python's own thread pools are ended, and before them.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import thread as _pools  # noqa: F401 - what it registers has to come after what is registered here
from typing import Any, TypeVar

__all__ = ["at_exit"]

T = TypeVar("T")

log = logging.getLogger("erlen")

_owners: weakref.WeakKeyDictionary[Any, Callable[[Any], object]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_registered = False


def at_exit(owner: T, function: Callable[[T], object]) -> None:
    """Have ``function(owner)`` called when the process ends, unless *owner* is gone by then; the last one first.

    :param owner: held weakly; given again, it moves to the end
    """
    global _registered
    with _lock:
        _owners.pop(owner, None)
        _owners[owner] = function
        if _registered:
            return
        _registered = True
    register: Callable[..., Any] = getattr(threading, "_register_atexit", atexit.register)
    try:
        register(_run)
    except RuntimeError:  # the process is ending already
        atexit.register(_run)


def _run() -> None:
    for owner, function in reversed(list(_owners.items())):
        try:
            function(owner)
        except BaseException:
            log.exception("Something could not be put in order at the end of the process.")


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)
