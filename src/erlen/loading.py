"""Modules that most applications never need, imported when they are first needed.

It keeps ``import erlen`` quick, and stands in one place so that it can be found. What a setting names (a store, a
class) is imported where the setting is read.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

__all__ = ["load"]


def load(name: str) -> ModuleType:
    """Return the module *name*, imported now if it was not before."""
    module = sys.modules.get(name)
    # Another thread may be in the middle of importing it: import_module waits for that.
    if module is None or getattr(module.__spec__, "_initializing", False):
        return importlib.import_module(name)
    return module
