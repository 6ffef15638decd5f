"""What is asked of an application, and what it must answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlencode

from served.client import CONNECTIONS, Client, SocketClient, request
from served.processes import Failed, Server
from served.rounds import Run

BOUNDARY = "a-boundary-of-the-bench"
FILE = b"0123456789abcde\n" * 65_536
"""The file that is uploaded: 1 MB."""
UPLOAD = b"".join(
    [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'.encode(),
        b"Content-Type: application/octet-stream\r\n\r\n",
        FILE,
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    ]
)
FORM = urlencode({"name": "Ada Lovelace", "colour": "dark green", "page": "3"}).encode()
STYLES = b"/* 64 bytes of a style sheet, which nobody will ever look at: */\n" * 248
"""The static file: 16 kB."""
MESSAGE = b"Hello, World! This is one message of a WebSocket."


class Work(NamedTuple):
    """One kind of request.

    :ivar name: its head in the tables
    :ivar text: what its answer contains
    :ivar part: the bare application that it is compared with: one that answers with fixed bytes if that is "hello"
    :ivar before: what is asked first, for the cookie of a session
    """

    name: str
    path: str
    text: bytes
    part: str = "hello"
    status: int = 200
    body: bytes | None = None
    kind: str = ""
    before: str = ""

    @contextmanager
    def runner(self, server: Server) -> Iterator[Run]:
        """Open connections to *server*, see that it answers as it must, and give what loads it.

        :raises Failed: if it answers something else
        """
        if self.part == "echo":
            with SocketClient(server.port, self.path) as sockets:
                yield _timed(server, lambda number: sockets.load(MESSAGE, number))
            return
        with Client(server.port) as client:
            sent = [request(self.path, cookie, self.body, self.kind) for cookie in self._cookies(client)]
            answer = client.ask(sent[0])
            if answer.status != self.status or self.text not in answer.body:
                raise Failed(f"{self.path} answered {answer.status}: {answer.body[:300]!r}")
            yield _timed(server, lambda number: client.load(sent, number, self.status))

    def _cookies(self, client: Client) -> list[bytes]:
        """Return the cookies of as many sessions as there are connections, or an empty one without sessions."""
        if not self.before:
            return [b""]
        found = [client.ask(request(self.before)) for _ in range(CONNECTIONS)]
        if not all(answer.cookie for answer in found):
            raise Failed(f"{self.before} set no cookie, and answered {found[0].status}: {found[0].body[:300]!r}")
        return [answer.cookie for answer in found]


def _timed(server: Server, load: Callable[[int], None]) -> Run:
    def run(number: int) -> int:
        before = server.cpu()
        load(number)
        return server.cpu() - before

    run(CONNECTIONS)
    server.settle()
    return run


HELLO = Work("hello", "/", b"Hello, World!")
WORK = [
    HELLO,
    Work("JSON", "/json", b"nested"),
    Work("parameter and query", "/user/42?page=3", b"user 42, page 3"),
    Work("Jinja, 20 rows", "/rows", b"row 19"),
    Work("404", "/nothing/here", b"", status=404),
    Work("static file, 16 kB", "/static/styles.css", b"style sheet", "static"),
    Work("form", "/form", b"Ada Lovelace, dark green", body=FORM, kind="application/x-www-form-urlencoded"),
    Work("upload, 1 MB", "/upload", b"1048", "upload", body=UPLOAD, kind=f"multipart/form-data; boundary={BOUNDARY}"),
    Work("WebSocket echo", "/echo", b"", "echo"),
]
READ = Work("read", "/read", b"dark", before="/fill")
WRITE = Work("read-modify-write", "/count", b"", before="/fill")
