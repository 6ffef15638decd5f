"""Import an object by its name; a name that does not exist is answered with the nearest one that does."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from erlen.errors import ImportNameError, nearest

__all__ = ["import_object"]


def import_object(name: str) -> Any:
    """Import the module, or the object in a module, that *name* says. ::

        import_object("config.ProductionConfig")
        import_object("package.stores:RedisStore")

    :raises ImportNameError: if a part of the name does not exist; it names the nearest one
    :raises Exception: what the module itself raises while it is imported, with a note that says why it was imported
    """
    first, *rest = name.replace(":", ".", 1).split(".")
    if not all(part.isidentifier() for part in (first, *rest)):
        raise ImportNameError(name, "It is not a name of the form 'package.module.Name' or 'package.module:Name'.")
    owner: Any = _import(name, first)
    if owner is None:
        raise ImportNameError(name, f"There is no module {first!r} on the import path.{_did_you_mean(first, None)}")
    for part in rest:
        if not hasattr(owner, part) and hasattr(owner, "__path__"):
            _import(name, f"{owner.__name__}.{part}")
        try:
            owner = getattr(owner, part)
        except AttributeError:
            raise ImportNameError(name, _no_attribute(owner, part)) from None
    return owner


def _import(name: str, module_name: str) -> ModuleType | None:
    """Import a module; None if it does not exist."""
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module_name:
            return None
        error.add_note(f"This happened while {module_name!r} was imported, because of the import name {name!r}.")
        raise


def _no_attribute(owner: object, attribute: str) -> str:
    label = getattr(owner, "__name__", None) or type(owner).__name__
    if hasattr(owner, "__path__"):
        hint = _did_you_mean(attribute, owner)
        return f"The package {label!r} has neither a module nor an attribute {attribute!r}.{hint}"
    kind = "module" if isinstance(owner, ModuleType) else "class" if isinstance(owner, type) else "object"
    file = getattr(owner, "__file__", None)
    where = f" ({file})" if file else ""
    return f"The {kind} {label!r}{where} has no attribute {attribute!r}.{_did_you_mean(attribute, owner)}"


def _did_you_mean(word: str, owner: object) -> str:
    """Name the attribute or module nearest to *word* in *owner*, or on the import path if that is None."""
    known = [] if owner is None else dir(owner)
    if owner is None or hasattr(owner, "__path__"):
        known += [module.name for module in pkgutil.iter_modules(getattr(owner, "__path__", None))]
    found = nearest(word, known)
    return f" Did you mean {found!r}?" if found else ""
