"""The body of a response that is made by an async iterable: an async generator, most of the time.

It has two faces. A server with an event loop takes the pieces on the loop, in the task of the request. Whoever knows
plain iterables alone (WSGI, a response class with a way of its own, a test) iterates it, and the pieces are made on
the application's loop by one task from the first to the last, so that ``asyncio.timeout``, task groups and context
variables reach across a ``yield``. Either way no piece is made before the last one was taken.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from erlen.callables import drive
from erlen.current import current, home
from erlen.errors import ViewResultError

__all__ = ["AsyncBody", "Pieces", "is_async_iterable", "piece_of"]


def is_async_iterable(value: Any) -> bool:
    """Tell whether *value* gives its pieces to ``async for`` alone; what can be iterated plainly is."""
    kind = type(value)
    return hasattr(kind, "__aiter__") and not hasattr(kind, "__iter__")


def piece_of(piece: Any, source: Any) -> bytes:
    """Return a piece of a body as bytes.

    :param source: what has made it, for the message
    :raises ViewResultError: if it is neither text nor bytes
    """
    if type(piece) is str:
        return piece.encode()
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    if isinstance(piece, str):
        return piece.encode()
    name = getattr(source, "__qualname__", type(source).__qualname__)
    raise ViewResultError(
        f"A stream may be made of text and bytes, and {name} has yielded {piece!r}, of the type "
        f"{type(piece).__name__}. Write: yield str(...), or yield json.dumps(...) + '\\n'."
    )


class Pieces:
    """The pieces of a body as bytes, for the one task that takes them.

    :param source: the async iterable
    """

    def __init__(self, source: AsyncIterable[Any]) -> None:
        self._source: Any = source
        self._iterator: AsyncIterator[Any] | None = None
        #: What is called once, when the body has ended in whatever way.
        self.after: list[Callable[[], Any]] = []
        self.closed = False

    @property
    def begun(self) -> bool:
        """Whether the first piece has been asked for."""
        return self._iterator is not None

    def __repr__(self) -> str:
        return f"The body made by {self._source!r}"

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        iterator = self._iterator
        if iterator is None:
            if self.closed:
                raise StopAsyncIteration
            iterator = self._iterator = self._source.__aiter__()
        return piece_of(await iterator.__anext__(), self._source)

    async def aclose(self) -> None:
        """End the body: run the ``finally`` of its generator, then what is to be called afterwards."""
        if self.closed:
            return
        self.closed = True
        close = getattr(self._iterator or self._source, "aclose", None)
        runner = home.get()
        try:
            if close is not None:
                await close()
        finally:
            while self.after:
                function = self.after.pop(0)
                result = function() if runner is None else await runner.call(function)
                if hasattr(result, "__await__"):
                    await result

    def drop(self, loop: Any) -> None:
        """End a body of which no piece was asked for.

        :param loop: finishes what has to wait (:class:`erlen.lifecycle.runner.BackgroundLoop`), or None
        """
        self.closed = True
        source, self._source = self._source, ()
        close = getattr(source, "close", None)
        try:
            if close is not None:
                close()
            elif inspect.isasyncgen(source):
                drive(source.aclose())
            elif loop is not None and hasattr(source, "aclose"):
                loop.finish(source.aclose())
        finally:
            while self.after:
                result = self.after.pop(0)()
                if loop is not None and hasattr(result, "__await__"):
                    loop.finish(result)


class AsyncBody:
    """A body made by an async iterable, with a plain face for those who cannot await.

    :param source: gives text or bytes; an async generator is closed when the body ends
    """

    def __init__(self, source: AsyncIterable[Any]) -> None:
        context = current.get(None)
        #: The application's :class:`erlen.lifecycle.runner.BackgroundLoop`; who sends the body fills it in if need be.
        self.loop = None if context is None else context.app._loop
        self._face: Any = None
        #: The other face: for whoever takes the pieces on a loop.
        self.pieces = Pieces(source)
        #: Whether it is sent at all: the answer to HEAD, or a 204, has no body.
        self.wanted = True

    def __aiter__(self) -> Pieces:
        return self.pieces

    def __iter__(self) -> AsyncBody:
        return self

    def __next__(self) -> bytes:
        if self._face is None:
            if self.pieces.closed or not self.wanted:
                raise StopIteration
            if self.loop is None:
                raise RuntimeError(
                    "An async generator was made a response where no application is current, so there is no event "
                    "loop to run it. Make the response in a view, or in: with app.app_context(): ..."
                )
            self._face = self.loop.iterate(self.pieces)
        return self._face.next()  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the body: its generator is closed, and this thread waits for its ``finally``.

        A body that is being sent by a server's loop is ended there, by whoever sends it.
        """
        if self._face is not None:
            self._face.close()
        elif not (self.pieces.closed or self.pieces.begun):
            self.pieces.drop(self.loop)

    def __del__(self) -> None:
        if self._face is not None:
            self._face.abandon()
