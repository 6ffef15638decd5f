"""Modules that most applications never need, imported when they are first needed.

It keeps ``import erlen`` quick, and stands in one place so that it can be found. What a setting names (a store, a
class) is imported where the setting is read.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

__all__ = ["late", "load"]


def load(name: str) -> ModuleType:
    """Return the module *name*, imported now if it was not before."""
    module = sys.modules.get(name)
    # Another thread may be in the middle of importing it: import_module waits for that.
    if module is None or getattr(module.__spec__, "_initializing", False):
        return importlib.import_module(name)
    return module


def late(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a *package* whose names are imported when somebody asks for them first.

    What type checkers are to know of these names stands in the package's ``__init__.pyi``.

    :param places: from a name to the module of the package that defines it
    """

    def __getattr__(name: str) -> Any:
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(load(f"{package}.{place}"), name)
        setattr(sys.modules[package], name, value)  # from now on it is found without this function
        return value

    return __getattr__
