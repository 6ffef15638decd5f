"""A proxy passes every operation on to the object that it stands for at that moment."""

from __future__ import annotations

import asyncio
import copy
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.proxy import Proxy, make_proxy

target: list[Any] = []


def find() -> Any:
    if not target:
        raise RuntimeError("nothing is bound")
    return target[-1]


class Thing:
    """Has every attribute and takes part in every operation."""

    color = "red"

    def method(self) -> str:
        return f"method of a {self.color} thing"


thing: Any = make_proxy(Thing, "thing", find, hot=["color"])


@pytest.fixture
def bind() -> Iterator[Callable[[Any], Any]]:
    """Let the proxy stand for a value, and return the proxy."""

    def bind(value: Any) -> Any:
        target.append(value)
        return thing

    yield bind
    target.clear()


numbers = st.integers(-50, 50) | st.fractions(-5, 5)

BINARY: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, divmod,
    operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge,
]  # fmt: skip


def outcome(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("function", BINARY, ids=lambda function: function.__name__)
@given(left=numbers, right=numbers)
def test_a_proxy_computes_as_its_object_does_on_either_side(
    function: Callable[[Any, Any], Any], left: Any, right: Any
) -> None:
    target[:] = [left]
    assert outcome(function, thing, right) == outcome(function, left, right)
    target[:] = [right]
    assert outcome(function, left, thing) == outcome(function, left, right)
    target.clear()


@pytest.mark.parametrize(
    "function",
    [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, pow, operator.pow],
    ids=lambda function: function.__name__,
)
@given(left=st.integers(-50, 50), right=st.integers(0, 8))
def test_a_proxy_computes_with_integers(function: Callable[[Any, Any], Any], left: int, right: int) -> None:
    target[:] = [left]
    assert function(thing, right) == function(left, right)
    target[:] = [right]
    assert function(left, thing) == function(left, right)
    target.clear()


def test_two_proxies_compute_with_each_other(bind: Callable[[Any], Any]) -> None:
    proxy = bind(3)
    assert proxy + proxy == 6
    assert proxy == proxy


def test_pow_takes_a_modulus(bind: Callable[[Any], Any]) -> None:
    assert pow(bind(7), 2, 5) == 4


class Matrix:
    """Knows the operator @ only."""

    def __matmul__(self, other: Any) -> str:
        return f"left of {other}"

    def __rmatmul__(self, other: Any) -> str:
        return f"right of {other}"

    def __imatmul__(self, other: Any) -> Any:
        self.last = other
        return self


def test_matrix_multiplication_is_passed_on(bind: Callable[[Any], Any]) -> None:
    proxy = bind(Matrix())
    assert proxy @ 2 == "left of 2"
    assert 2 @ proxy == "right of 2"
    same = proxy
    same @= 5
    assert same is proxy
    assert proxy.last == 5


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (operator.neg, 3), (operator.pos, -3), (abs, -3), (operator.invert, 5), (int, 3.7), (float, 3), (complex, 3.5),
        (round, 2.567), (lambda number: round(number, 1), 2.567), (math.trunc, 2.5), (math.floor, -2.5),
        (math.ceil, 2.5), (operator.index, 4), (str, 4), (bytes, b"ab"), (len, "abc"), (hash, "abc"), (bool, 0),
        (bool, 1), (bool, []), (list, "abc"), (repr, "x"), (lambda value: list(reversed(value)), [1, 2]),
        (lambda value: format(value, ".2f"), 2.5), (lambda value: f"{value:>5}", "x"),
        (lambda value: f"{value!r}", "x"),
        (lambda value: "a" in value, "abc"), (lambda value: "z" in value, "abc"), (lambda value: value[1], "abc"),
        (lambda value: value[1:], "abc"), (lambda value: [0, 1, 2, 3][value], 2), (next, None), (dict, {"a": 1}),
        (lambda value: {**value}, {"a": 1}), (lambda value: [*value], (1, 2)), (bytes, bytearray(b"x")),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_proxy_is_answered_by_its_object(
    bind: Callable[[Any], Any], function: Callable[[Any], Any], value: Any
) -> None:
    fresh = (lambda: iter([1, 2])) if function is next else (lambda: value)
    assert function(bind(fresh())) == function(fresh())


def test_items_are_set_and_deleted_in_the_object(bind: Callable[[Any], Any]) -> None:
    values = {"a": 1}
    proxy = bind(values)
    proxy["b"] = 2
    del proxy["a"]
    assert values == {"b": 2}


def test_attributes_are_read_set_and_deleted_in_the_object(bind: Callable[[Any], Any]) -> None:
    value = Thing()
    proxy = bind(value)
    assert proxy.color == "red"
    proxy.color = "blue"  # a hot one
    proxy.size = 3  # a plain one
    assert vars(value) == {"color": "blue", "size": 3}
    assert proxy.method() == "method of a blue thing"
    assert proxy.__dict__ is value.__dict__
    del proxy.color
    del proxy.size
    assert vars(value) == {}
    assert proxy.color == "red"
    with pytest.raises(AttributeError, match="missing"):
        proxy.missing  # noqa: B018 - asking is the test
    assert not hasattr(proxy, "missing")
    assert "method" in dir(proxy)


def test_a_proxy_is_an_instance_of_what_it_stands_for(bind: Callable[[Any], Any]) -> None:
    proxy = bind(Thing())
    assert isinstance(proxy, Thing)
    assert isinstance(proxy, Proxy)
    assert proxy.__class__ is Thing
    assert proxy._get_current_object() is target[-1]
    assert type(proxy).__name__ == "thing"
    assert type(proxy).__doc__ == Thing.__doc__


def test_callables_and_context_managers_are_used_through_a_proxy(bind: Callable[[Any], Any]) -> None:
    assert bind(lambda *args, **values: (args, values))(1, a=2) == ((1,), {"a": 2})

    class Manager:
        def __enter__(self) -> str:
            return "entered"

        def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
            return kind is ValueError

    with bind(Manager()) as entered:
        assert entered == "entered"
        raise ValueError("is swallowed")


def test_async_protocols_are_passed_on(bind: Callable[[Any], Any]) -> None:
    class Everything:
        async def __aenter__(self) -> str:
            return "entered"

        async def __aexit__(self, *details: Any) -> bool:
            return True

        def __aiter__(self) -> Any:
            self.left = 2
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return self.left

        def __await__(self) -> Any:
            yield from ()
            return "awaited"

    proxy = bind(Everything())

    async def use() -> list[Any]:
        seen: list[Any] = [await proxy]
        async with proxy as entered:
            seen.append(entered)
        seen.extend([number async for number in proxy])
        seen.append(await anext(aiter(proxy)))
        seen.append(await proxy.__anext__())
        return seen

    assert asyncio.run(use()) == ["awaited", "entered", 1, 0, 1, 0]


def test_a_container_is_changed_in_place_and_the_name_goes_on_to_be_the_proxy(bind: Callable[[Any], Any]) -> None:
    items = [1]
    proxy = bind(items)
    name = proxy
    name += [2]
    name *= 2
    assert name is proxy
    assert items == [1, 2, 1, 2]
    chosen = {1, 2, 3}
    name = proxy = bind(chosen)
    name |= {4}
    name &= {2, 3, 4}
    name -= {4}
    name ^= {5}
    assert name is proxy
    assert chosen == {2, 3, 5}


@pytest.mark.parametrize(
    ("function", "value", "other"),
    [
        (operator.iadd, 3, 4), (operator.isub, 3, 4), (operator.imul, 3, 4), (operator.itruediv, 3, 4),
        (operator.ifloordiv, 7, 4), (operator.imod, 7, 4), (operator.ipow, 3, 4), (operator.ilshift, 3, 4),
        (operator.irshift, 64, 4), (operator.iand, 6, 4), (operator.ior, 6, 1), (operator.ixor, 6, 4),
        (operator.iadd, "a", "b"), (operator.iadd, (1,), (2,)),
    ],
)  # fmt: skip
def test_what_cannot_change_in_place_gives_a_new_value(
    bind: Callable[[Any], Any], function: Callable[[Any, Any], Any], value: Any, other: Any
) -> None:
    assert function(bind(value), other) == function(value, other)
    assert target[-1] == value


def test_a_copy_of_a_proxy_is_a_copy_of_the_object(bind: Callable[[Any], Any]) -> None:
    value = [[1]]
    proxy = bind(value)
    shallow, deep = copy.copy(proxy), copy.deepcopy(proxy)
    assert type(shallow) is list
    assert shallow == deep == value
    assert shallow is not value
    assert shallow[0] is value[0]
    assert deep[0] is not value[0]


@pytest.mark.parametrize("reflected", [1, "a", None])
def test_an_operation_that_the_object_does_not_know_fails_with_its_own_error(
    bind: Callable[[Any], Any], reflected: Any
) -> None:
    proxy = bind(Thing())
    with pytest.raises(TypeError, match="Thing"):
        proxy + reflected
    with pytest.raises(TypeError, match="Thing"):
        reflected - proxy
    with pytest.raises(TypeError, match="Thing"):
        len(proxy)


def test_an_unbound_proxy_is_false_empty_and_says_that_it_is_unbound() -> None:
    assert not thing
    assert dir(thing) == []
    assert repr(thing) == "<thing unbound>"
    assert isinstance(thing, Proxy)
    assert not isinstance(thing, Thing)


@pytest.mark.parametrize(
    "use",
    [
        lambda: thing.color, lambda: thing.method, lambda: setattr(thing, "size", 1), lambda: delattr(thing, "size"),
        lambda: setattr(thing, "color", 1), lambda: delattr(thing, "color"), lambda: thing + 1, lambda: 1 + thing,
        lambda: thing == 1, lambda: thing["a"], lambda: "a" in thing, lambda: len(thing), lambda: iter(thing),
        lambda: hash(thing), lambda: thing(), lambda: thing._get_current_object(), lambda: str(thing),
        lambda: operator.iadd(thing, 1), lambda: copy.copy(thing), lambda: thing.__dict__,
    ],
)  # fmt: skip
def test_every_other_use_of_an_unbound_proxy_raises_the_finders_error(use: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError, match="nothing is bound"):
        use()
