"""The registries that Flask made public: dicts of lists, keyed by scope, which notice every change.

A scope is the dotted name of a blueprint, or None for the application. Extensions write to these dicts directly, at
any depth, so every level is observed: a change replaces the table of compiled plans by an empty one. Nothing here
refers to the application, so that it is freed by reference count.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

__all__ = ["Changes", "HookList", "ObservedDict", "hook_table", "handler_table"]

T = TypeVar("T")


class Plans:
    """The compiled plans of one application, and what else is worked out from the same things."""

    __slots__ = (
        "compiled",
        "makes_context",
        "only_matches",
        "request_class",
        "simple",
        "slides",
        "straight",
        "tells_scheme",
        "wraps_asgi",
    )

    def __init__(self) -> None:
        #: The plans by their endpoints.
        self.compiled: dict[str | None, Any] = {}
        #: Whether a path and a method are enough to find a rule, by nothing but the map; None: not worked out yet, and
        #: the others neither.
        self.simple: bool | None = None
        #: The application, or its class of requests, has a way of its own to make the context of a request.
        self.makes_context = True
        self.request_class: Any = None
        #: The scheme of a request is the one that its server tells.
        self.tells_scheme = False
        #: ``asgi_app`` is not the usual one.
        self.wraps_asgi = True
        #: A request begins with nothing but the search for its rule.
        self.only_matches = False
        #: Cookies of sessions are sent again, to move their deadline.
        self.slides = False
        #: Neither proxies nor mounted applications have a part in it either.
        self.straight = False


class Changes:
    """Holds the compiled plans of one application, and drops them when anything that went into them changes.

    A compiler stores its plan into the dict that it took before it began, so a plan that was overtaken by a change is
    never found.
    """

    __slots__ = ("__weakref__", "generation", "plans")

    #: Every one that lives, for changes that concern all applications: a patched class.
    living: ClassVar[weakref.WeakSet[Changes]] = weakref.WeakSet()

    def __init__(self) -> None:
        self.plans = Plans()
        #: Counts the changes of what a class or an instance overrides.
        self.generation = 0
        Changes.living.add(self)

    def __reduce__(self) -> Any:
        return Changes, ()  # a copy of what refers to it follows nothing

    def note(self) -> None:
        """Drop the plans: something that they were compiled from has changed."""
        self.plans = Plans()


def _noting(name: str, base: type) -> Callable[..., Any]:
    method = getattr(base, name)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        self._changes.note()
        return result

    call.__name__ = name
    call.__doc__ = method.__doc__
    return call


class HookList(list[T]):
    """A list of functions that notices its changes."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Changes, items: Iterable[T] = ()) -> None:
        super().__init__(items)
        self._changes = changes
        changes.note()

    def __iadd__(self, other: Iterable[T]) -> HookList[T]:  # type: ignore[override, misc]
        self.extend(other)
        return self

    def __reduce__(self) -> Any:
        return list, (list(self),)


for _name in (
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "__imul__",
    "__setitem__",
    "__delitem__",
):
    setattr(HookList, _name, _noting(_name, list))


class ObservedDict(dict[Any, Any]):
    """A dict that notices its changes, and makes observed values of those put into it.

    :param make: returns the value for a missing key, given the value to start from (None for an empty one). Without it
        the values are kept as they are, and a missing key is a KeyError.
    """

    __slots__ = ("_changes", "_make")

    def __init__(self, changes: Changes, make: Callable[[Any], Any] | None = None, values: Any = ()) -> None:
        super().__init__()
        self._changes = changes
        self._make = make
        self.update(values)
        changes.note()

    def __missing__(self, key: Any) -> Any:
        if self._make is None:
            raise KeyError(key)
        value = self._make(None)
        super().__setitem__(key, value)  # an empty value changes no plan
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value if self._make is None else self._make(value))
        self._changes.note()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of *key*, and set it to *default* first where it is missing."""
        if key not in self:
            if default is None and self._make is not None:
                return self[key]
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set the given keys, as ``dict.update`` does."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> ObservedDict:  # type: ignore[misc]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


for _name in ("__delitem__", "pop", "popitem", "clear"):
    setattr(ObservedDict, _name, _noting(_name, dict))


def hook_table(changes: Changes, values: Any = ()) -> ObservedDict:
    """Make a registry of functions: scope to list."""

    def make(items: Any) -> HookList[Any]:
        return items if isinstance(items, HookList) and items._changes is changes else HookList(changes, items or ())

    return ObservedDict(changes, make, values)


def handler_table(changes: Changes, values: Any = ()) -> ObservedDict:
    """Make the registry of error handlers: scope to code (or None) to exception class to function."""

    def by_class(values: Any) -> ObservedDict:
        return ObservedDict(changes, None, values or ())

    def by_code(values: Any) -> ObservedDict:
        return ObservedDict(changes, by_class, values or ())

    return ObservedDict(changes, by_code, values)
