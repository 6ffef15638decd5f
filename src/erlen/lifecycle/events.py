"""The source of an event stream, taken by a task of its own: so silence can be filled without disturbing the source.

A source that were waited for with a time limit would be cancelled at its ``await``, and lose what it was to give.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from typing import Any

from erlen.current import sending

__all__ = ["Events"]


class Events:
    """The pieces of an event stream: what *source* gives, and *filling* while it is silent.

    :param source: the async iterable; the next item is asked for when the last one was taken
    :param encode: makes the bytes of an item
    :param silence: after how many seconds *filling* is sent; None means never
    """

    def __init__(
        self, source: Any, encode: Callable[[Any], bytes], first: bytes, filling: bytes, silence: float | None
    ) -> None:
        self._source = source
        self._encode = encode
        self._first = first
        self._filling = filling
        self._silence = silence
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._items: list[Any] = []
        self._error: BaseException | None = None
        self._ended = False
        self._stopped = False
        self._sender: Any = None
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    def stop(self) -> None:
        """End the stream, from any thread; what the source still gives is not sent."""
        self._stopped = True
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._changed.set)
            except RuntimeError:  # closed, and all that ran on it has ended
                return
            if self._sender is not None:
                self._sender()

    def close(self) -> None:
        """Let go of a source that was not begun."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._loop is None:
            self._begin()
            if self._first and not self._stopped:
                return self._first
        while not self._stopped:
            if self._items:
                item = self._items.pop()
                self._taken.set()
                return self._encode(item)
            if self._ended:
                if self._error is not None:
                    error, self._error = self._error, None
                    try:
                        raise error
                    finally:
                        del error
                break
            self._changed.clear()
            try:
                async with asyncio.timeout(self._silence):
                    await self._changed.wait()
            except TimeoutError:
                return self._filling
        raise StopAsyncIteration

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sender = sending.get()
        if not self._stopped:
            self._task = self._loop.create_task(self._pump(), context=contextvars.copy_context())

    async def _pump(self) -> None:
        try:
            iterator = self._source.__aiter__()
            try:
                async for item in iterator:
                    if self._stopped:  # the source goes on although it was cancelled
                        break
                    self._taken.clear()
                    self._items.append(item)
                    self._changed.set()
                    await self._taken.wait()
            finally:
                close = getattr(iterator, "aclose", None)
                if close is not None:
                    await close()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._error = error
        finally:
            self._ended = True
            self._changed.set()

    async def aclose(self) -> None:
        """End the stream: the source is cancelled where it waits, and its ``finally`` is waited for."""
        self._stopped = True
        self._sender = None
        task, self._task = self._task, None
        if task is None:
            if self._loop is None:
                close = getattr(self._source, "aclose", None)
                if close is not None:
                    await close()
            return
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled() and self._error is not None:
            error, self._error = self._error, None
            try:
                raise error
            finally:
                del error
