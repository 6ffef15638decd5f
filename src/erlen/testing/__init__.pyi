from erlen.testing.async_client import AsyncClient
from erlen.testing.client import Client, EnvironBuilder
from erlen.testing.failures import AsgiError, LifespanFailed, SocketClosed, SocketRejected
from erlen.testing.sockets import Socket
from erlen.testing.streams import StreamedResponse

__all__ = [
    "AsgiError",
    "AsyncClient",
    "Client",
    "EnvironBuilder",
    "LifespanFailed",
    "Socket",
    "SocketClosed",
    "SocketRejected",
    "StreamedResponse",
]
