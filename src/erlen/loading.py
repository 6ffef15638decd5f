"""Modules that most applications never need, imported when they are first needed.

This is the one place that imports a part of Erlen or of the standard library by name: it keeps ``import erlen`` quick,
and it can be found.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["load"]


def load(name: str) -> ModuleType:
    """Return the module *name*, imported now if it was not before."""
    return importlib.import_module(name)
