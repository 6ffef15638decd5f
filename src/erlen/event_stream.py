"""Event streams: a response that stays open, and tells a browser what happens (``EventSource`` in JavaScript)."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

from erlen.context import find_context, has_request_context
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
        if is_async_iterable(source):
            kept = stream_with_context(source) if keeps else source  # type: ignore[call-overload]
            make = load("erlen.lifecycle.events").Events
            made = self._events = make(kept, encode, first, COMMENT, heartbeat)
        else:
            made = _encoded(source, encode, first)  # type: ignore[arg-type]
            if keeps:
                made = stream_with_context(made)
        super().__init__(made, 200, headers or {}, content_type="text/event-stream; charset=utf-8")
        for name, value in HEADERS.items():
            self.headers.setdefault(name, value)

    def close(self) -> None:
        """End the stream, from any thread, whoever sends it: when a session is revoked, for instance.

        The source is cancelled where it waits, and its ``finally`` runs. The browser comes again after *retry*; answer
        it with 204 to have it stay away.
        """
        if self._events is not None:
            self._events.stop()
        body: Any = self.response
        if self._events is None or not body.pieces.begun:
            super().close()

    _sent_as_usual = {"close": close}  # noqa: RUF012 - a constant


def _encoded(source: Iterable[Any], encode: Any, first: bytes) -> Iterator[bytes]:
    try:
        if first:
            yield first
        for item in source:
            yield encode(item)
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()
