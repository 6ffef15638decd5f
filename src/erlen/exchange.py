"""One request of a server with an event loop, as the adapter of its protocol makes it: what ASGI and RSGI share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from erlen.context import Context
from erlen.http.environ import make_environ
from erlen.http.files import FilePart
from erlen.http.sending import Headers
from erlen.lifecycle.portal import LoopRunner
from erlen.mounts import Mount
from erlen.outflow import ClientGone

__all__ = ["BODILESS", "ClientGone", "Exchange", "Headers"]

#: Methods whose requests rarely have a body; without a header that announces one, none is waited for.
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


class Exchange(LoopRunner):
    """One request of a server with an event loop, and the way its answer goes. An adapter fills it in.

    It is the runner of its request, too: one object less is made for each. Texts are decoded, the query is Latin-1.
    What every request needs is a slot; the rest is looked up when it is asked for.
    """

    __slots__ = (
        "__weakref__",
        "_send",
        "has_cookies",
        "is_outside",
        "is_usual",
        "may_have_body",
        "may_upgrade",
        "method",
        "path",
        "preserved",
        "root_path",
        "scope",
        "target_host",
    )

    #: Sends a message, where the protocol has them.
    _send: Callable[[Any], Any]
    method: str
    #: The path that the application is mounted under.
    root_path: str
    #: The path below it.
    path: str
    #: There is a header ``Cookie``.
    has_cookies: bool
    #: False where neither the method nor a header lets expect one.
    may_have_body: bool
    #: It may be for a WebSocket.
    may_upgrade: bool
    #: The three below have nothing to say, and are not set.
    is_usual: bool
    #: What the server said, in its own form.
    scope: Any
    #: The host of a target in absolute form, which counts more than the Host header (RFC 9112, section 3.2.2).
    target_host: str | None
    #: The path of the request is not below the one that the server says the application is mounted under.
    is_outside: bool
    #: What a test client wants to be given the context.
    preserved: Callable[[Context], Any] | None

    @property
    def scheme(self) -> str:
        """``"http"`` or ``"https"``; of a WebSocket ``"ws"`` or ``"wss"``."""
        raise NotImplementedError

    @property
    def http_version(self) -> str:
        """The version of HTTP: ``"1.1"``."""
        raise NotImplementedError

    @property
    def query(self) -> str:
        """What stands after the question mark, as Latin-1."""
        raise NotImplementedError

    @property
    def server(self) -> tuple[str, int | str | None] | None:
        """Host and port of the server, if it tells."""
        raise NotImplementedError

    @property
    def client(self) -> tuple[str, int | str | None] | None:
        """Host and port of the client, if the server tells."""
        raise NotImplementedError

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Give the headers, their names in lower case."""
        raise NotImplementedError

    def find(self, name: str) -> str | None:
        """Return the header *name*, given in lower case, or None; of several the last one."""
        raise NotImplementedError

    def find_cookies(self) -> str | None:
        """Return the ``Cookie`` header, joined where it came in several (RFC 9113, section 8.2.3)."""
        raise NotImplementedError

    async def receive(self) -> tuple[bytes, bool]:
        """Return the next piece of the body, and whether more follow.

        :raises werkzeug.exceptions.ClientDisconnected: if the client has gone
        """
        raise NotImplementedError

    async def disconnected(self) -> None:
        """Return when the client has gone. Only called when the body is complete."""
        raise NotImplementedError

    def whole(self, status: int, headers: Headers, body: bytes) -> Iterable[Any]:
        """Send a whole response, or return the messages that do it, each to be awaited with ``_send``."""
        raise NotImplementedError

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response."""
        try:
            for message in self.whole(status, headers, body):
                await self._send(message)
        except OSError:  # the client has gone (ASGI 2.4)
            pass

    def takes_file(self, app: Any, part: FilePart) -> bool:
        """Tell whether the server sends a file, or this part of one, by itself."""
        return False

    async def answer_file(self, status: int, headers: Headers, part: FilePart) -> None:
        """Have the server send a file as the body of a response."""
        raise NotImplementedError

    async def start(self, status: int, headers: Headers) -> None:
        """Send the beginning of a response whose body follows."""
        raise NotImplementedError

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body.

        :raises ClientGone: if the server tells that the client has gone; so may the two others of a streamed answer
        """
        raise NotImplementedError

    async def end(self) -> None:
        """Tell that the body is complete."""
        raise NotImplementedError

    async def hand_over(self, mount: Mount) -> None:
        """Have a mounted application that is Erlen's or speaks ASGI answer the request."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Called when a body has ended, well or not: let go of what keeps the connection open."""

    def make_environ(self, body: Any) -> dict[str, Any]:
        """Make the WSGI environment of the request; *body* is the file that its body is read from."""
        environ = make_environ(
            method=self.method,
            scheme=self.scheme,
            http_version=self.http_version,
            root_path=self.root_path,
            path=self.path,
            query=self.query,
            server=self.server,
            client=self.client,
            headers=self.pairs(),
            body=body,
        )
        if not self.is_usual and self.target_host is not None:
            environ["HTTP_HOST"] = self.target_host
        return environ
