"""Bodies that views make piece by piece: the request that stays for them, and templates that are streamed."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, AnyStr, overload

from erlen.callables import describe, drive
from erlen.context import Context, find_context, find_request_context
from erlen.current import current
from erlen.http.streaming import is_async_iterable
from erlen.lifecycle.teardown import has_end
from erlen.loading import load
from erlen.signals import appcontext_popped

if TYPE_CHECKING:
    from jinja2 import Template

    TemplateName = str | Template | list[str | Template]

__all__ = [
    "stream_template",
    "stream_template_async",
    "stream_template_string",
    "stream_template_string_async",
    "stream_with_context",
]

#: Jinja is loaded by the first template that is rendered.
_TEMPLATING = "erlen.templating"


# Templates.


def stream_template(template_name_or_list: TemplateName, **context: Any) -> Iterator[str]:
    """Render a template piece by piece, for a view to return; the request stays until the last piece is sent."""
    current_context = find_context("stream_template")
    template = load(_TEMPLATING).get_template(current_context.app, template_name_or_list)
    return _stream(current_context, template, context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render a template given as text piece by piece; see :func:`stream_template`."""
    current_context = find_context("stream_template_string")
    return _stream(current_context, current_context.app.jinja_env.from_string(source), context)


def _stream(context: Context, template: Template, values: dict[str, Any]) -> Iterator[str]:
    pieces: Iterator[str] = load(_TEMPLATING).stream(context, template, values)
    return stream_with_context(pieces) if context.has_request else pieces


def stream_template_async(template_name_or_list: TemplateName, **context: Any) -> AsyncIterator[str]:
    """Render a template piece by piece on the event loop, for a view to return: ``return stream_template_async(...)``.

    Context processors that are ``async def`` are awaited. With Jinja's ``enable_async`` in ``app.jinja_options``, so is
    what the template itself calls. The request stays until the last piece is sent.

    :param template_name_or_list: its name, or several, of which the first that exists is taken
    :param context: the values for it
    :raises jinja2.TemplateNotFound: names the folders that were searched and the nearest name
    """
    current_context = find_context("stream_template_async")
    template = load(_TEMPLATING).get_template(current_context.app, template_name_or_list)
    return _stream_async(current_context, template, context)


def stream_template_string_async(source: str, **context: Any) -> AsyncIterator[str]:
    """Render a template given as text piece by piece on the event loop; see :func:`stream_template_async`."""
    current_context = find_context("stream_template_string_async")
    return _stream_async(current_context, current_context.app.jinja_env.from_string(source), context)


def _stream_async(context: Context, template: Template, values: dict[str, Any]) -> AsyncIterator[str]:
    pieces: AsyncIterator[str] = load(_TEMPLATING).stream_async(context, template, values)
    return stream_with_context(pieces) if context.has_request else pieces


# The request that stays.


@overload
def stream_with_context(generator_or_function: Iterator[AnyStr]) -> Iterator[AnyStr]: ...
@overload
def stream_with_context(generator_or_function: AsyncIterator[AnyStr]) -> AsyncIterator[AnyStr]: ...
@overload
def stream_with_context(generator_or_function: Callable[..., Iterator[AnyStr]]) -> Callable[..., Iterator[AnyStr]]: ...
@overload
def stream_with_context(
    generator_or_function: Callable[..., AsyncIterator[AnyStr]],
) -> Callable[..., AsyncIterator[AnyStr]]: ...
def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request alive while its body is streamed: give it a generator, or decorate the generator function.

    Generators may be plain or async. ``request``, ``session`` and ``g`` work in the generator, and the teardowns run
    when it ends or is closed. The session is saved before the first byte, so changes made in the generator are not. ::

        @app.get("/report")
        async def report():
            return stream_with_context(lines())
    """
    is_iterator = hasattr(generator_or_function, "__next__") or hasattr(generator_or_function, "__anext__")
    if not callable(generator_or_function) or is_iterator:
        return _keep(find_request_context("stream_with_context"), generator_or_function)

    @functools.wraps(generator_or_function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        made = generator_or_function(*args, **kwargs)
        if inspect.iscoroutine(made):
            made.close()
            raise TypeError(
                f"stream_with_context() was given {describe(generator_or_function)}, which is async and yields "
                "nothing. Write an async generator, with yield in it, or await what makes the generator."
            )
        return _keep(find_request_context("stream_with_context"), made)

    return decorated


def _keep(context: Context, made: Any) -> Any:
    return AsyncContextStream(context, made) if is_async_iterable(made) else _ContextStream(context, iter(made))


class _ContextStream:
    """An iterator that holds its request's context, and gives it back once: at its end, or when it is dropped."""

    def __init__(self, context: Context, iterator: Iterator[Any]) -> None:
        self._context: Context | None = context
        self._iterator = iterator
        context.hold()

    def __iter__(self) -> _ContextStream:
        return self

    def __next__(self) -> Any:
        context = self._context
        if context is None:
            raise StopIteration
        previous = current.get(None)
        current.set(context)
        try:
            return next(self._iterator)
        except BaseException as error:
            self._end(None if isinstance(error, StopIteration) else error)
            raise
        finally:
            context.leave(previous)

    def close(self) -> None:
        """End the stream before its end: closes the generator, then lets the request go."""
        context = self._context
        if context is None:
            return
        previous = current.get(None)
        current.set(context)
        try:
            self._end(None)
        finally:
            context.leave(previous)

    def _end(self, error: BaseException | None) -> None:
        try:
            close = getattr(self._iterator, "close", None)
            if close is not None:
                close()
        finally:
            self._let_go(error)

    def _let_go(self, error: BaseException | None) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.release(error)

    def __del__(self) -> None:
        self.close()


class AsyncContextStream:
    """An async iterator that holds its request's context, and gives it back once.

    The teardowns may block, so they run where the request's plain code does, and the loop waits for them.

    :param context: the context that is current in the iterator
    :param source: the async iterable
    """

    def __init__(self, context: Context, source: Any) -> None:
        self._context: Context | None = context
        self._source = source
        self._iterator: Any = None
        context.hold()

    def __aiter__(self) -> AsyncContextStream:
        return self

    async def __anext__(self) -> Any:
        context = self._context
        if context is None:
            raise StopAsyncIteration
        previous = current.get(None)
        current.set(context)
        try:
            if self._iterator is None:
                self._iterator = self._source.__aiter__()
            return await self._iterator.__anext__()
        except BaseException as error:
            await self._end(None if isinstance(error, StopAsyncIteration) else error)
            raise
        finally:
            current.set(previous)

    async def aclose(self) -> None:
        """End the stream before its end: closes the generator, then lets the request go."""
        context = self._context
        if context is None:
            return
        previous = current.get(None)
        current.set(context)
        try:
            await self._end(None)
        finally:
            current.set(previous)

    async def _end(self, error: BaseException | None) -> None:
        try:
            close = getattr(self._source if self._iterator is None else self._iterator, "aclose", None)
            if close is not None:
                await close()
        finally:
            context, self._context = self._context, None
            if context is not None:
                if _ends_here(context):
                    await load("erlen.lifecycle.streams").at_home(_release, context, error)
                else:
                    context._holds -= 1

    def close(self) -> None:
        """Let the request go, in plain code, where the stream was not begun; one that was is ended by ``aclose``."""
        context = self._context
        if context is None or self._iterator is not None:
            return
        self._context = None
        if inspect.isasyncgen(self._source):
            drive(self._source.aclose())
        _release(context, None)

    def __del__(self) -> None:
        context, self._context = self._context, None
        if context is None:
            return
        if self._iterator is None and inspect.isasyncgen(self._source):
            drive(self._source.aclose())
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None and asyncio._get_running_loop() is not None and _ends_here(context):
            threading.Thread(target=_release, args=(context, None), name="erlen-dropped-stream").start()
        else:
            _release(context, None)


def _ends_here(context: Context) -> bool:
    """Tell whether giving back one hold on *context* runs anything."""
    if context._holds > 1:
        return False
    return context.plan is None or bool(has_end(context.plan, context) or appcontext_popped.receivers)


def _release(context: Context, error: BaseException | None) -> None:
    previous = current.get(None)
    current.set(context)
    try:
        context.release(error)
    finally:
        context.leave(previous)
