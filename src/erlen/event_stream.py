"""Event streams: a response that stays open, and tells a browser what happens (``EventSource`` in JavaScript)."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from erlen.context import find_context, has_request_context
from erlen.current import current, sending
from erlen.http.events import COMMENT, HEADERS, ServerSentEvent, event_bytes, retry_bytes
from erlen.http.response import Response
from erlen.http.streaming import is_async_iterable
from erlen.loading import load
from erlen.streams import stream_with_context

__all__ = ["EventStream", "ServerSentEvent"]


class EventStream(Response):
    """A response that sends events as its source gives them, for a view to return. ::

        @app.get("/prices")
        async def prices():
            async def changes():
                async for price in market.listen(after=request.last_event_id):
                    yield ServerSentEvent({"price": price.value}, id=price.number)
            return EventStream(changes())

    :param source: an async generator, or a plain one, of :class:`ServerSentEvent`, text, or what the application's
        JSON provider writes. A plain one holds a thread as long as the stream is open
    :param retry: milliseconds after which a browser comes again; default is its own, some seconds
    :param heartbeat: after how many seconds of silence a comment is sent, so that no proxy ends the connection and a
        client that has gone is noticed; None sends none. A plain source sends none: it cannot be left waiting
    :param keep_context: keep ``request``, ``session`` and ``g`` for the source, as :func:`stream_with_context` does
    :param headers: further headers
    :raises ValueError: if *retry* or *heartbeat* is no such number
    """

    default_mimetype = "text/event-stream"

    def __init__(
        self,
        source: AsyncIterable[Any] | Iterable[Any],
        *,
        retry: int | None = None,
        heartbeat: float | None = 15.0,
        keep_context: bool = True,
        headers: Any = None,
    ) -> None:
        if heartbeat is not None and not heartbeat > 0:
            raise ValueError(
                f"heartbeat={heartbeat!r} is no number of seconds above 0. Write heartbeat=None to send no heartbeats."
            )
        write_json = find_context("EventStream").app.json.dumps

        def encode(item: Any) -> bytes:
            return event_bytes(item, write_json)

        first = b"" if retry is None else retry_bytes(retry) + b"\n"
        keeps = keep_context and has_request_context()
        self._events: Any = None
        self._end = _End()
        if is_async_iterable(source):
            kept = stream_with_context(_for_the_session(source, self._end)) if keeps else source
            make = load("erlen.lifecycle.events").Events
            made = self._events = make(kept, encode, first, COMMENT, heartbeat)
            self._end.of(made.stop)
        else:
            made = _encoded(source, encode, first, self._end, keeps)  # type: ignore[arg-type]
            if keeps:
                made = stream_with_context(made)
        super().__init__(made, 200, headers or {}, content_type="text/event-stream; charset=utf-8")
        for name, value in HEADERS.items():
            self.headers.setdefault(name, value)

    def close(self) -> None:
        """End the stream, from any thread, whoever sends it: when a session is revoked, for instance.

        The end of the visitor's session does it too. The source is cancelled where it waits, and its ``finally`` runs;
        a plain one ends at its next event. The browser comes again after *retry*; answer it with 204 to have it stay
        away.
        """
        self._end()
        body: Any = self.response
        if self._events is None or not body.pieces.begun:
            super().close()

    _sent_as_usual = {"close": close}  # noqa: RUF012 - a constant


class _End:
    """Ends a stream; the stream holds it, and it does not hold the stream."""

    def __init__(self) -> None:
        self.has_come = False
        #: What sends the stream, and may have to wait for its client.
        self.sender: Any = None
        self._stop: Any = None

    def of(self, stop: Callable[[], Any]) -> None:
        """Have the method *stop* called at the end."""
        self._stop = weakref.WeakMethod(stop)

    def __call__(self) -> None:
        self.has_come = True
        stop = None if self._stop is None else self._stop()
        if stop is not None:
            stop()
        if self.sender is not None:
            self.sender()


async def _for_the_session(source: Any, end: _End) -> AsyncIterator[Any]:
    """Give the items of *source* until the session of the request ends."""
    context = current.get()
    watched = await load("erlen.lifecycle.session_watch").watch(context, end)
    iterator = source.__aiter__()
    try:
        async for item in iterator:
            yield item
    finally:
        if watched is not None:
            context.app._session_watch.remove(watched)
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


def _encoded(source: Iterable[Any], encode: Any, first: bytes, end: _End, watches: bool) -> Iterator[bytes]:
    context = current.get(None)
    watched = None
    end.sender = sending.get()
    if watches and context.request.cookie_header is not None:
        watched = context.app._loop.run(load("erlen.lifecycle.session_watch").watch(context, end))
    try:
        if first:
            yield first
        for item in source:
            if end.has_come:
                return
            yield encode(item)
    finally:
        if watched is not None:
            context.app._session_watch.remove(watched)
        end.sender = None
        close = getattr(source, "close", None)
        if close is not None:
            close()
