"""Where the module of an application lies, and where its package is installed."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import sys
from importlib.machinery import ModuleSpec

__all__ = ["find_package", "get_root_path"]


def get_root_path(import_name: str) -> str:
    """Find the folder of the module *import_name*; the working directory where it has no file (a shell).

    :raises RuntimeError: for a namespace package, which has no single folder
    """
    module = sys.modules.get(import_name)
    filename: str | None = getattr(module, "__file__", None)
    if filename is not None:
        return os.path.dirname(os.path.abspath(filename))
    spec = _spec_of(import_name)
    if spec is None:
        return os.getcwd()
    if spec.origin is not None and spec.origin not in ("built-in", "namespace", "frozen"):
        return os.path.dirname(os.path.abspath(spec.origin))
    raise RuntimeError(
        f"No root path can be found for the provided module {import_name!r}: it has no file of its own (a namespace "
        "package, for instance). Give the folder: root_path='...'."
    )


def find_package(import_name: str, root_path: str | None = None) -> tuple[str | None, str]:
    """Find where the package of *import_name* is installed: the prefix (None if it is not installed) and its folder.

    :param root_path: the folder of the module, where it is known; default is to ask the import system
    """
    if root_path is None:
        folder = pathlib.Path(_folder_of_package(import_name))
    else:
        folder = pathlib.Path(root_path)
        for _ in range(import_name.count(".") + _is_package(import_name)):
            folder = folder.parent
    prefix = pathlib.Path(sys.prefix).resolve()
    if folder.resolve().is_relative_to(prefix):
        return sys.prefix, str(folder)
    if folder.name.lower() == "site-packages":
        parent = folder.parent
        if parent.name.lower() == "lib":
            return str(parent.parent), str(folder)
        if parent.parent.name.lower() == "lib":
            return str(parent.parent.parent), str(folder)
        return str(parent), str(folder)
    return None, str(folder)


def _folder_of_package(import_name: str) -> str:
    """Find the folder that the outermost package of *import_name* is imported from, for namespace packages too."""
    top = _spec_of(import_name.partition(".")[0])
    if top is None:  # a shell, a script, or a name of no module
        return os.getcwd()
    places = top.submodule_search_locations
    if places is None:
        return os.path.dirname(top.origin or "")
    if top.origin is not None and top.origin != "namespace":
        return os.path.dirname(os.path.dirname(top.origin))
    own = _spec_of(import_name)
    own_place = None if own is None else next(iter(own.submodule_search_locations or ()), own.origin)
    for place in places if own_place is not None else ():
        if pathlib.Path(own_place or "").is_relative_to(place):
            return os.path.dirname(place)
    return os.path.dirname(next(iter(places)))


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _is_package(import_name: str) -> bool:
    module = sys.modules.get(import_name)
    if module is not None:
        return hasattr(module, "__path__")
    spec = _spec_of(import_name)
    return spec is not None and spec.submodule_search_locations is not None
