"""Tracebacks for those who wrote the application: they begin with their own code."""

from __future__ import annotations

import importlib
import os
import traceback

__all__ = ["format_trace"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_FOREIGN = (_PACKAGE, "<frozen ", os.path.dirname(os.path.abspath(importlib.__file__)) + os.sep)


def format_trace(error: BaseException) -> str:
    """Return the traceback of *error* as text, without the lines of Erlen and of Python's import that led to it."""
    told = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = told
    while part is not None:
        while part.stack and part.stack[0].filename.startswith(_FOREIGN):
            del part.stack[0]
        part = part.__cause__ or part.__context__
    return "".join(told.format())
