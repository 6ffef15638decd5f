"""Server-sent events, as the HTML standard of the WHATWG writes them (section "Server-sent events")."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["COMMENT", "HEADERS", "ServerSentEvent", "event_bytes", "retry_bytes"]

#: A comment, which clients ignore: sent to keep a silent connection open.
COMMENT = b":\n\n"

#: The headers of an event stream. ``X-Accel-Buffering`` has nginx and those after it pass each event on at once.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

# The ends of lines that a client knows; str.splitlines() knows more.
_LINE_END = re.compile(r"\r\n|\r|\n")


class ServerSentEvent:
    """One event of an :class:`erlen.EventStream`.

    :param data: text, of any number of lines, or what the application's JSON provider writes; None sends no event, but
        sets ``id`` and ``retry``
    :param event: its type, which a browser listens for; default is ``message``
    :param id: what the client sends as ``Last-Event-ID`` when it comes again
    :param retry: milliseconds until the client comes again after the connection has broken off
    :param comment: text that clients ignore
    :raises ValueError: if the type or the id holds a line break, the id a NUL, or *retry* is no number of milliseconds
    """

    __slots__ = ("comment", "data", "event", "id", "retry")

    def __init__(
        self,
        data: Any = None,
        event: str | None = None,
        id: str | int | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> None:
        self.data = data
        self.event = event
        self.id = None if id is None else str(id)
        self.retry = retry
        self.comment = comment
        if event is not None and _LINE_END.search(event):
            raise ValueError(f"The type of an event is one line, and event={event!r} holds a line break.")
        if self.id is not None and (_LINE_END.search(self.id) or "\0" in self.id):
            raise ValueError(
                f"The id of an event is one line without NUL, and id={id!r} is not: a client would drop it or take "
                "what follows for another field. Encode it, for instance with base64."
            )
        if retry is not None:
            retry_bytes(retry)

    def __repr__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in self.__slots__ if getattr(self, name) is not None]
        return f"ServerSentEvent({', '.join(given)})"


def retry_bytes(milliseconds: int) -> bytes:
    """Return the field that sets the time until a client comes again.

    :raises ValueError: if *milliseconds* is no whole number from 0 on
    """
    if type(milliseconds) is not int or milliseconds < 0:
        raise ValueError(f"retry={milliseconds!r} is no whole number of milliseconds. Three seconds are: retry=3000.")
    return f"retry: {milliseconds}\n".encode()


def event_bytes(item: Any, write_json: Callable[[Any], str]) -> bytes:
    """Return an event as it is sent.

    :param item: a :class:`ServerSentEvent`, or the data of one: text, or what *write_json* takes
    """
    event = item if isinstance(item, ServerSentEvent) else ServerSentEvent(item)
    lines: list[str] = []
    if event.comment is not None:
        lines.extend(f": {line}" for line in _LINE_END.split(event.comment))
    if event.event is not None:
        lines.append(f"event: {event.event}")
    if event.id is not None:
        lines.append(f"id: {event.id}")
    if event.retry is not None:
        lines.append(f"retry: {event.retry}")
    if event.data is not None:
        text = event.data if isinstance(event.data, str) else write_json(event.data)
        lines.extend(f"data: {line}" for line in _LINE_END.split(text))
    return ("\n".join(lines) + "\n\n").encode()
