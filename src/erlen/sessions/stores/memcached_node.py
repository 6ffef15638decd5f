"""One memcached server, asked through clients of pymemcache.

What pymemcache's own pool does not do is done here: it closes connections under commands that run in other threads, it
sends commands on connections that a restart of the server has cut, and of a host's several addresses it tries one.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError, MemcacheUnexpectedCloseError, MemcacheUnknownCommandError
from pymemcache.pool import ObjectPool

from erlen.errors import ConfigError

__all__ = ["Address", "Node", "ServerRefused", "addresses_of", "name_of", "parse_address"]

T = TypeVar("T")

Address: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""

_PORT = 11211
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s\[\]:@/]+))(?::(?P<port>[0-9]{1,5}))?")


class ServerRefused(Exception):
    """The server answered with an error, or with what is no answer."""


class Node:
    """One server. Each thread that asks it has a connection of its own meanwhile.

    A connection is used again only if its last answer was read to the end. Otherwise the answer would be left behind
    for the next command, which would get another visitor's session.

    :param timeout: seconds that the server may take to accept a connection, and to send each part of an answer
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        server = f"unix:{address}" if isinstance(address, str) else address
        self._pool = ObjectPool(
            # By default pymemcache does not wait for the answer to "set" and "add".
            lambda: Client(server, connect_timeout=timeout, timeout=timeout, default_noreply=False),
            after_remove=Client.close,
        )
        self._closed = False

    def ask(self, command: Callable[[Any], T], begin_by: float = float("inf")) -> T:
        """Call *command* with a client and return its answer.

        :param begin_by: when it is no longer worth beginning, by ``time.monotonic()``
        :raises OSError: if the server is not there, or breaks off; a TimeoutError if it takes too long
        :raises ServerRefused: if it answers with an error
        """
        if time.monotonic() > begin_by:
            raise TimeoutError
        client = self._pool.get()
        try:
            self._connect(client)
            answer = command(client)
        except BaseException as error:
            self._pool.destroy(client)
            if isinstance(error, MemcacheUnexpectedCloseError):
                raise ConnectionResetError("the connection was closed in the middle of an answer") from error
            if isinstance(error, MemcacheError):
                raise ServerRefused(_words_of(error)) from error
            if isinstance(error, ValueError | LookupError):  # pymemcache could not make sense of it
                raise ServerRefused(f"it was not understood ({type(error).__name__}: {error})") from error
            raise
        self._pool.release(client)
        if self._closed:
            self._close_free()
        return answer

    def close(self) -> None:
        """Close the connections; those in use are closed when they come back."""
        self._closed = True
        self._close_free()

    def _connect(self, client: Any) -> None:
        if client.sock is not None and not _is_quiet(client.sock, self.timeout):
            client.close()
        if client.sock is None and not isinstance(self.address, str):
            # pymemcache gives up if nobody listens at the first address of a host; "localhost" has two.
            client.sock = socket.create_connection(self.address, self.timeout)
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _close_free(self) -> None:
        while self._pool.free:
            self._pool.destroy(self._pool.get())


def _is_quiet(connection: socket.socket, timeout: float) -> bool:
    """Tell whether it is open and nothing unread has come: whether it may be used again."""
    try:
        connection.settimeout(0)
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        connection.settimeout(timeout)
        return True
    except OSError:
        pass
    return False


def _words_of(error: MemcacheError) -> str:
    said = error.args[0] if error.args else type(error).__name__
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return f"it does not know the command {words!r}" if isinstance(error, MemcacheUnknownCommandError) else words


def parse_address(text: str, setting: str = "SESSION_URL") -> Address:
    """Read ``"host:port"``, ``"host"``, ``"[::1]:port"`` or ``"/path/to/socket"``.

    :raises ConfigError: if it is none of them, in the name of *setting*
    """
    if text.startswith("/"):
        return text
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"] or _PORT) > 65535:
        raise ConfigError(
            setting,
            f"{text.rpartition('@')[2]!r} is no address of a memcached server.",
            "Write 'memcached://host:11211', with a comma between several, or 'memcached:///path/to/socket'. There is "
            "no name and no password: memcached asks for none.",
        )
    return found["six"] or found["host"], int(found["port"] or _PORT)


def name_of(address: Address) -> str:
    """Return what an address is called in messages, and what draws the lots of its server."""
    if isinstance(address, str):
        return address
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def addresses_of(client: Any) -> list[Address]:
    """Return the servers of a client of pymemcache: ``Client``, ``PooledClient`` or ``HashClient``."""
    clients = list(getattr(client, "clients", {}).values()) or [client]
    servers: list[Any] = [getattr(each, "server", None) for each in clients]
    if not all(isinstance(server, str | tuple) for server in servers):
        raise ConfigError(
            "SESSION_MEMCACHED",
            f"{type(client).__name__} is no client of pymemcache, whose servers could be used.",
            "Give it a Client, PooledClient or HashClient, or set SESSION_URL = 'memcached://host:11211'.",
        )
    if any(getattr(each, "tls_context", None) is not None for each in clients):
        raise ConfigError(
            "SESSION_MEMCACHED",
            "The client speaks TLS, and this store does not.",
            "Let memcached listen on a unix socket or in a network of its own.",
        )
    return [server if isinstance(server, str) else (str(server[0]), int(server[1])) for server in servers]
