"""Find the part of a value that JSON has no form for, so that an error can name it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec

from erlen.errors import JSONValueError

__all__ = ["explain", "type_name"]


def type_name(value: object) -> str:
    """Name the type of *value* as one would import it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def explain(value: object, error: Exception, write: Callable[[Any], object]) -> JSONValueError:
    """Return the error that names the part of *value* that cannot be written.

    :param value: the whole value
    :param error: what was raised when the whole was written
    :param write: writes one value as JSON, and raises if it cannot
    """
    # A stack of its own instead of recursion: the value may be nested deeper than calls can be.
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [("result", value, ())]
    while waiting:
        path, part, above = waiting.pop()
        if id(part) in above:
            return JSONValueError(path, "cannot write a value that contains itself as JSON")
        inner = _parts(part, path)
        problem = _key_problem(part, path, write) if inner else None
        if inner is None:
            problem = _problem(part, path, write)
        if problem is not None:
            return problem
        waiting += [(name, entry, (*above, id(part))) for name, entry in reversed(inner or [])]
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return JSONValueError("result", f"cannot write an object of type {type_name(value)} as JSON: {reason}")


def _parts(value: Any, path: str) -> list[tuple[str, Any]] | None:
    """Return what *value* contains, each part with its path; None if it is no container that JSON is made from."""
    if isinstance(value, dict):
        return [(f"{path}[{key!r}]", entry) for key, entry in value.items()]
    if isinstance(value, list | tuple):
        return [(f"{path}[{index}]", entry) for index, entry in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [(f"{path}{{{entry!r}}}", entry) for entry in value]
    if isinstance(value, msgspec.Struct):
        return [(f"{path}.{name}", getattr(value, name)) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return [(f"{path}.{name}", getattr(value, name)) for name in names if hasattr(value, name)]
    return None


def _key_problem(value: Any, path: str, write: Callable[[Any], object]) -> JSONValueError | None:
    for key in value if isinstance(value, dict) else ():
        if not _can_write({key: None}, write):
            problem = f"cannot write a key of type {type_name(key)} as JSON"
            return JSONValueError(f"{path}[{key!r}]", problem)
    return None


def _problem(value: Any, path: str, write: Callable[[Any], object]) -> JSONValueError | None:
    if _can_write(value, write):
        return None
    if isinstance(value, str):
        return JSONValueError(path, "cannot write a text with half of a surrogate pair as JSON")
    return JSONValueError(path, f"cannot write an object of type {type_name(value)} as JSON")


def _can_write(value: Any, write: Callable[[Any], object]) -> bool:
    try:
        write(value)
    except Exception:  # a hook of the application may raise anything; which part it concerns is all that is asked
        return False
    return True
