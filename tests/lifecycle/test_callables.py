"""What a callable is: plain or async, where it stands, and what it takes."""

from __future__ import annotations

import asyncio
import functools
import os
from typing import Any

import pytest

from erlen import callables
from erlen.callables import accepts, describe, drive, is_async, shorten, user_frame


async def _async(value: Any = None) -> Any:
    return value


def _plain(value: Any = None) -> Any:
    return value


class _Caller:
    def __call__(self, value: Any) -> Any:
        return value

    async def method(self) -> None: ...

    def plain(self) -> None: ...

    @staticmethod
    async def static() -> None: ...

    @classmethod
    async def of_class(cls) -> None: ...


class _AsyncCaller:
    async def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (_async, True),
        (_plain, False),
        (lambda: None, False),
        (functools.partial(_async, 1), True),
        (functools.partial(functools.partial(_async), 1), True),
        (functools.partial(_plain, 1), False),
        (_Caller(), False),
        (_Caller().method, True),
        (_Caller().plain, False),
        (_Caller.static, True),
        (_Caller.of_class, True),
        (_AsyncCaller(), True),
        (functools.partial(_AsyncCaller()), True),
        (_AsyncCaller, False),
        (len, False),
        ([].append, False),
    ],
)
def test_async_is_what_gives_a_coroutine_when_it_is_called(function: Any, expected: bool) -> None:
    assert is_async(function) is expected


def test_a_callable_is_described_by_name_file_and_line() -> None:
    line = _plain.__code__.co_firstlineno
    where = shorten(__file__)
    assert describe(_plain) == f"_plain() at {where}:{line}"
    assert describe(functools.partial(_plain, 1)) == f"_plain() at {where}:{line}"
    assert describe(_Caller().plain).startswith(f"_Caller.plain() at {where}:")
    assert describe(_Caller()).startswith(f"_Caller() at {where}:")

    @functools.wraps(_plain)
    def wrapper() -> None: ...

    assert describe(wrapper) == f"_plain() at {where}:{line}"


def test_what_has_no_code_is_described_by_its_name_alone() -> None:
    assert describe(len) == "len()"
    assert describe(5) == "int()"


def test_paths_below_the_working_directory_are_shortened(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert shorten(str(tmp_path / "a" / "b.py")) == os.path.join("a", "b.py")
    above = str(tmp_path.parent / "c.py")
    assert shorten(above) == above


def test_a_path_on_another_drive_is_left_as_it_is(monkeypatch: Any) -> None:
    def refuse(path: str) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert shorten("D:\\app.py") == "D:\\app.py"


@pytest.mark.parametrize(
    ("function", "count", "expected"),
    [
        (lambda: None, 0, True),
        (lambda: None, 1, False),
        (lambda a: None, 1, True),
        (lambda a, b=1: None, 1, True),
        (lambda *args: None, 5, True),
        (lambda *, key: None, 0, False),
        (lambda *, key=1: None, 0, True),
        (lambda **kwargs: None, 1, False),
        (functools.partial(lambda a, b: None, 1), 1, True),
        (_Caller(), 1, True),
        (_Caller(), 0, False),
        (_Caller().plain, 0, True),
        (_Caller, 0, True),
        (dict, 0, True),  # no signature to be read: the benefit of the doubt
        (5, 0, True),
    ],
)
def test_accepts_tells_what_can_be_called_with_so_many_arguments(function: Any, count: int, expected: bool) -> None:
    assert accepts(function, count) is expected


def test_the_users_frame_is_the_nearest_outside_the_framework() -> None:
    found = user_frame()
    assert found is not None
    assert found[0] == shorten(__file__)
    assert isinstance(found[1], int)


def test_where_all_is_of_the_framework_there_is_no_users_frame(monkeypatch: Any) -> None:
    monkeypatch.setattr(callables, "_PACKAGE", "")  # every file begins with it
    assert user_frame() is None


def test_drive_runs_a_coroutine_that_never_waits() -> None:
    async def outer() -> str:
        return f"got {await _async(5)}"

    assert drive(outer()) == "got 5"


def test_drive_lets_errors_out() -> None:
    async def fails() -> None:
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        drive(fails())


def test_drive_refuses_a_coroutine_that_waits_and_closes_it() -> None:
    closed: list[bool] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append(True)

    with pytest.raises(RuntimeError, match="waited for something where nothing can wait: it must be awaited on an"):
        drive(waits())
    assert closed == [True]
