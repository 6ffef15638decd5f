"""What a callable is: plain or async, where it was defined, and what it can be called with."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Coroutine, Generator
from types import FrameType, FunctionType
from typing import Any, TypeVar

__all__ = [
    "Quick",
    "Rest",
    "accepts",
    "describe",
    "drive",
    "is_async",
    "is_quick",
    "line_of",
    "nonblocking",
    "shorten",
    "user_frame",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARIES = frozenset({"jinja2", "markupsafe", "werkzeug"})


def is_async(function: Callable[..., Any]) -> bool:
    """Tell whether calling *function* gives a coroutine: looks through partials, methods and ``__call__``.

    A decorator that hides an ``async def`` is not seen through; whoever calls checks the result once more.
    """
    if type(function) is FunctionType and function.__code__.co_flags & inspect.CO_COROUTINE:
        return True  # most async callables: asked for each of them in a request, so it has to be quick
    target: Any = function
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.iscoroutinefunction(target):
        return True
    call = type(target).__dict__.get("__call__")
    return not inspect.isroutine(target) and not inspect.isclass(target) and inspect.iscoroutinefunction(call)


def nonblocking(f: F) -> F:
    """Mark a plain function as quick: on a server with an event loop it is called there, without a way to a thread.

    For hooks, error handlers, teardowns, context processors and receivers of signals that neither wait for anything nor
    compute for long: while one runs, the loop answers nobody. Under WSGI it changes nothing. A view is marked in its
    route: ``@app.get("/", blocking=False)``. ::

        @app.before_request
        @nonblocking
        def start_clock():
            g.started = time.monotonic()

    :raises TypeError: if *f* is no function written in Python
    """
    target: Any = getattr(f, "__func__", f)
    try:
        # A number, not True: functools.wraps copies it to the function of a decorator, which may well block.
        target._erlen_quick = id(target)
    except AttributeError as error:
        raise TypeError(
            f"nonblocking() marks functions that are written in Python, and {f!r} cannot be marked. Write a function "
            "that calls it."
        ) from error
    return f


def is_quick(function: Callable[..., Any]) -> bool:
    """Tell whether *function* itself is marked by :func:`nonblocking`."""
    mark = getattr(function, "_erlen_quick", None)
    return mark is not None and mark == id(getattr(function, "__func__", function))


class Quick:
    """A view whose route says ``blocking=False``, for the plan of this one endpoint."""

    __slots__ = ("__wrapped__", "_erlen_quick")

    def __init__(self, view: Callable[..., Any]) -> None:
        self.__wrapped__ = view
        self._erlen_quick = id(self)

    def __call__(self, **values: Any) -> Any:
        """Call the view."""
        return self.__wrapped__(**values)


def describe(function: object) -> str:
    """Name a callable for a message: ``index() at app.py:12``."""
    target: Any = function
    while isinstance(target, functools.partial):
        target = target.func
    target = inspect.unwrap(target) if callable(target) else target
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    code = getattr(target, "__code__", None) or getattr(type(target).__dict__.get("__call__"), "__code__", None)
    if code is None:
        return f"{name}()"
    return f"{name}() at {shorten(code.co_filename)}:{code.co_firstlineno}"


def shorten(filename: str) -> str:
    """Give *filename* relative to the working directory where that is shorter to read."""
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive
        return filename
    return filename if relative.startswith("..") else relative


def accepts(function: Callable[..., Any], count: int) -> bool:
    """Tell whether *function* can be called with *count* positional arguments.

    A callable without a readable signature (some built-in ones) is given the benefit of the doubt.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*([None] * count))
    except TypeError:
        return False
    return True


def user_frame() -> tuple[str, int] | None:
    """Return file and line of the nearest caller outside Erlen and its libraries, to be named in a message."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        library = frame.f_globals.get("__name__", "").partition(".")[0] in _LIBRARIES
        if not library and not filename.startswith((_PACKAGE, "<")):
            return line_of(frame)
        frame = frame.f_back
    return None


def line_of(frame: FrameType) -> tuple[str, int]:
    """Return the file and the line that *frame* is at; of a template, those of its text."""
    template = frame.f_globals.get("__jinja_template__")  # its code has other lines than its text
    lineno = frame.f_lineno if template is None else template.get_corresponding_lineno(frame.f_lineno)
    return shorten(frame.f_code.co_filename), lineno


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait, here and now, without an event loop.

    One body of code serves plain and async callers this way: a plain caller drives it, an async one awaits it.

    :raises RuntimeError: if it does wait for something; the coroutine is closed then
    """
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError(
        f"{coroutine!r} waited for something where nothing can wait: it must be awaited on an event loop"
    )


class Rest:
    """What is left of a coroutine whose first step has been taken, to be awaited.

    :param waited: what that step has given
    """

    __slots__ = ("_waited", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waited: Any) -> None:
        self._work = work
        self._waited = waited

    def __await__(self) -> Generator[Any, Any, None]:
        work, waited = self._work, self._waited
        value: Any
        step: Callable[[Any], Any]
        while True:
            try:
                value, step = (yield waited), work.send
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                value, step = error, work.throw
            try:
                waited = step(value)
            except StopIteration:
                return
            finally:
                del value, step  # an exception would hold this frame
