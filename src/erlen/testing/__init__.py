"""Tools for tests: clients that send requests to an application in process."""

from __future__ import annotations

from erlen.loading import late

_PLACES = {
    "AsgiError": "failures",
    "AsyncClient": "async_client",
    "Client": "client",
    "EnvironBuilder": "client",
    "LifespanFailed": "failures",
    "Socket": "sockets",
    "SocketClosed": "failures",
    "SocketRejected": "failures",
    "StreamedResponse": "streams",
}
__all__ = [*_PLACES]
__getattr__ = late(__name__, _PLACES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
