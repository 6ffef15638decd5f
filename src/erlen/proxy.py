"""Proxies: names that stand for an object of the current request or application.

``make_proxy`` builds one class per name; the operators stand on :class:`Proxy`, once for all. To a type checker, and to
``isinstance``, the proxy is the object it stands for. The hot attributes are generated properties, because a property
costs a ninth of what ``__getattr__`` does.
"""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from werkzeug.local import LocalProxy

__all__ = ["Proxy", "make_proxy"]

T = TypeVar("T")


class Proxy(LocalProxy[T]):
    """Stands for the object that its finder returns; every operation is passed on to that object.

    A LocalProxy by name only, for code that asks whether it was given a proxy.
    """

    __slots__ = ()
    _find: Callable[[], Any]

    def __init__(self) -> None:
        """Nothing is kept: what finds the object stands on the class."""

    def _get_current_object(self) -> T:
        """Return the object behind the proxy, for code that must keep it or compare it by identity.

        :raises ContextError: if there is none at this moment
        """
        return cast(T, type(self)._find())

    def __getattr__(self, name: str) -> Any:
        return getattr(type(self)._find(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(type(self)._find(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(type(self)._find(), name)

    def __repr__(self) -> str:
        try:
            target = type(self)._find()
        except RuntimeError:
            return f"<{type(self).__name__} unbound>"
        return repr(target)

    def __bool__(self) -> bool:
        try:
            target = type(self)._find()
        except RuntimeError:
            return False
        return bool(target)

    def __dir__(self) -> list[str]:
        try:
            return dir(type(self)._find())
        except RuntimeError:
            return []

    def __hash__(self) -> int:
        return hash(type(self)._find())


def _unary(function: Callable[..., Any]) -> Callable[..., Any]:
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(type(self)._find(), *args, **kwargs)

    return forward


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def forward(self: Any, other: Any) -> Any:
        return function(other, type(self)._find())

    return forward


_BINARY = ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "lshift", "rshift", "xor")
_FORWARDED: dict[str, Callable[..., Any]] = {
    "__str__": str,
    "__bytes__": bytes,
    "__format__": format,
    "__len__": len,
    "__iter__": iter,
    "__reversed__": reversed,
    "__next__": next,
    "__call__": lambda target, *args, **kwargs: target(*args, **kwargs),
    "__int__": int,
    "__float__": float,
    "__complex__": complex,
    "__round__": round,
    "__trunc__": math.trunc,
    "__floor__": math.floor,
    "__ceil__": math.ceil,
    "__index__": operator.index,
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__abs__": abs,
    "__invert__": operator.invert,
    "__delitem__": operator.delitem,
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
    "__pow__": pow,
    "__divmod__": divmod,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__enter__": lambda target: target.__enter__(),
    "__exit__": lambda target, *details: target.__exit__(*details),
    "__aenter__": lambda target: target.__aenter__(),
    "__aexit__": lambda target, *details: target.__aexit__(*details),
    "__await__": lambda target: target.__await__(),
    "__aiter__": lambda target: target.__aiter__(),
    "__anext__": lambda target: target.__anext__(),
    "__copy__": copy.copy,
    "__deepcopy__": copy.deepcopy,
    **{f"__{name}__": getattr(operator, name) for name in _BINARY},
}
_REFLECTED: dict[str, Callable[[Any, Any], Any]] = {
    "__rpow__": pow,
    "__rdivmod__": divmod,
    "__rand__": operator.and_,
    "__ror__": operator.or_,
    **{f"__r{name}__": getattr(operator, name) for name in _BINARY},
}
_IN_PLACE = {
    f"__i{name}__": getattr(operator, f"i{name}")
    for name in (*_BINARY, "pow", "and", "or")
    if hasattr(operator, f"i{name}")
}


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    # A container changed in place is the same object: the name must go on to mean the proxy. A value that cannot
    # change in place gives a new one, and that is what the name means from then on.
    def forward(self: Any, other: Any) -> Any:
        target = type(self)._find()
        result = function(target, other)
        return self if result is target else result

    return forward


# Once for all proxies: seven sets of 80 functions took 200 kB and a hundredth of the time of ``import erlen``.
for _names, _make in ((_FORWARDED, _unary), (_REFLECTED, _reflected), (_IN_PLACE, _in_place)):
    for _name, _function in _names.items():
        setattr(Proxy, _name, _make(_function))


def _container(find: Callable[[], Any]) -> dict[str, Callable[..., Any]]:
    """Return what is done most often, as it costs least."""

    def __getitem__(self: Any, key: Any) -> Any:
        return find()[key]

    def __setitem__(self: Any, key: Any, value: Any) -> None:
        find()[key] = value

    def __contains__(self: Any, key: Any) -> bool:
        return key in find()

    return {each.__name__: each for each in (__getitem__, __setitem__, __contains__)}


def _property(name: str, find: Callable[[], Any]) -> property:
    get = operator.attrgetter(name)
    return property(
        lambda self: get(find()),
        lambda self, value: setattr(find(), name, value),
        lambda self: delattr(find(), name),
    )


def make_proxy(kind: type[T], name: str, find: Callable[[], T], hot: Iterable[str] = ()) -> T:
    """Make the proxy called *name* for objects of the class *kind*.

    :param find: returns the current object, or raises a RuntimeError that explains why there is none
    :param hot: attributes that are asked for so often that each gets a property
    """
    namespace: dict[str, Any] = _container(find)
    namespace |= {key: _property(key, find) for key in (*hot, "__dict__")}
    namespace["__class__"] = property(lambda self: type(find()) if _bound(find) else proxy)
    namespace["__doc__"] = kind.__doc__
    namespace["__slots__"] = ()
    namespace["_find"] = staticmethod(find)
    namespace["__module__"] = "erlen"
    proxy = type(name, (Proxy,), namespace)
    return cast(T, proxy())


def _bound(find: Callable[[], Any]) -> bool:
    try:
        find()
    except RuntimeError:
        return False
    return True
