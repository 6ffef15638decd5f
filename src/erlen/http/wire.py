"""What a WebSocket needs of its server, the codes that it is closed with (RFC 6455), and what its views may raise."""

from __future__ import annotations

import time
from typing import Protocol

from erlen.errors import ErlenError

__all__ = [
    "ABNORMAL",
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "INVALID_DATA",
    "NORMAL",
    "NO_CODE",
    "POLICY",
    "TOO_BIG",
    "Rate",
    "WebSocketClosed",
    "WebSocketDataError",
    "Wire",
]

NORMAL = 1000
GOING_AWAY = 1001
NO_CODE = 1005
ABNORMAL = 1006
INVALID_DATA = 1007
POLICY = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011


class WebSocketClosed(ErlenError):
    """The WebSocket is closed, so nothing can be sent or received any more.

    A view need not catch it: one that is left by it has ended as it should.

    :ivar code: the close code (RFC 6455, section 7.4); 1005 if the client gave none, 1006 if the connection broke
    :ivar reason: what was said besides, mostly nothing
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"The WebSocket is closed ({self.code}{': ' if self.reason else ''}{self.reason})."


class WebSocketDataError(ErlenError, ValueError):
    """The client sent a message that cannot be read as JSON. A view that does not catch it closes with 1007."""


class Wire(Protocol):
    """What a WebSocket needs of its server. An adapter offers it."""

    #: Whether the acceptance can name a subprotocol.
    carries_subprotocol: bool

    @property
    def tells_departure(self) -> bool:
        """Whether ``take`` may be called before the acceptance, to be told that the client has gone."""

    @property
    def carries_headers(self) -> bool:
        """Whether the acceptance can carry headers."""

    def subprotocols(self) -> list[str]:
        """Return the subprotocols that the client offers."""

    async def connect(self) -> None:
        """Take the announcement of the handshake; called once, before anything else.

        :raises WebSocketClosed: if the client has gone already
        """

    async def accept(self, subprotocol: str | None, headers: list[tuple[str, str]]) -> None:
        """Accept the handshake."""

    async def reject(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Refuse the handshake with an HTTP response, as far as the protocol can carry it."""

    async def take(self) -> str | bytes:
        """Return the next message.

        :raises WebSocketClosed: when the client has gone
        """

    async def put(self, message: str | bytes) -> None:
        """Send a message.

        :raises WebSocketClosed: if the client has gone
        """

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""


class Rate:
    """Counts messages: *limit* a second, and as many at once after a silence."""

    __slots__ = ("_left", "_limit", "_seen")

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._left = max(limit, 1.0)
        self._seen = time.monotonic()

    def allows(self) -> bool:
        """Count one message, and tell whether it was within the limit."""
        now = time.monotonic()
        self._left = min(max(self._limit, 1.0), self._left + (now - self._seen) * self._limit)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
