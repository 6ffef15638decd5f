"""Files that the server is left to send by itself, by their paths: over ASGI with the extension, and over RSGI."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen, Response, after_this_request, send_file
from erlen.http.environ import FileBody
from erlen.http.files import file_of

CONTENT = b"0123456789"
PATHSEND = {"http.response.pathsend": {}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT)
    return path


class Answer:
    """What a server was told to send."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        #: A file, and for a range its first byte and the one behind its last.
        self.file: tuple[Any, ...] | None = None


async def ask_asgi(app: Any, headers: dict[str, str], method: str, extensions: Any = PATHSEND) -> Answer:
    answer = Answer()

    async def receive() -> Any:
        return await asyncio.Event().wait()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.pathsend":
            assert answer.file is None
            answer.file = (message["path"],)
        else:
            assert answer.file is None, "the file is the body, and nothing follows"
            answer.body += message["body"]

    scope = {
        "type": "http", "method": method, "path": "/", "query_string": b"", "extensions": extensions,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await app.asgi(scope, receive, send)
    return answer


class RsgiHeaders(dict[str, str]):
    """As the server hands them over."""

    def items(self) -> Any:
        return list(super().items())


class RsgiScope:
    proto = "http"
    scheme = "http"
    http_version = "1.1"
    path = "/"
    query_string = authority = server = client = ""

    def __init__(self, headers: dict[str, str], method: str) -> None:
        self.headers = RsgiHeaders(headers)
        self.method = method


class RsgiProtocol:
    """Notes what it is told, as granian 2.8 names it."""

    def __init__(self) -> None:
        self.answer = Answer()

    async def client_disconnect(self) -> None:
        await asyncio.Event().wait()

    def _start(self, status: int, headers: Any) -> None:
        self.answer.status = status
        self.answer.headers = {name.lower(): value for name, value in headers}

    def response_empty(self, status: int, headers: Any) -> None:
        self._start(status, headers)

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self._start(status, headers)
        self.answer.body = body

    def response_file(self, status: int, headers: Any, *file: Any) -> None:
        self._start(status, headers)
        self.answer.file = file

    response_file_range = response_file

    def response_stream(self, status: int, headers: Any) -> Any:
        self._start(status, headers)
        return self

    async def send_bytes(self, piece: bytes) -> None:
        self.answer.body += piece


async def ask_rsgi(app: Any, headers: dict[str, str], method: str) -> Answer:
    protocol = RsgiProtocol()
    await app.__rsgi__(RsgiScope(headers, method), protocol)
    return protocol.answer


Ask = Callable[..., Answer]


@pytest.fixture(params=["asgi", "rsgi"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Return a function that asks an application for ``/``."""
    asking = ask_asgi if request.param == "asgi" else ask_rsgi

    def ask(app: Any, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        return asyncio.run(asking(app, {"host": "localhost", **(headers or {})}, method))

    ask.protocol = request.param  # type: ignore[attr-defined]
    return ask


@pytest.fixture(params=["plain", "async"])
def serve(request: pytest.FixtureRequest, app: Erlen) -> Callable[[Callable[[], Any]], Erlen]:
    """Return a function that puts a view at ``/``, once as plain and once as async code."""

    def serve(view: Callable[[], Any]) -> Erlen:
        async def async_view() -> Any:
            return view()

        app.add_url_rule("/", "view", view if request.param == "plain" else async_view)
        return app

    return serve


def test_a_file_is_sent_by_the_server_and_what_was_opened_is_closed(ask: Ask, serve: Any, path: Path) -> None:
    opened: list[Any] = []

    def view() -> Response:
        response = send_file(path)
        opened.append(response.response.file)  # type: ignore[union-attr]
        return response

    answer = ask(serve(view))
    assert (answer.status, answer.file, answer.body) == (200, (str(path),), b"")
    assert answer.headers["content-length"] == "10"
    assert answer.headers["etag"]
    assert opened[0].closed


def test_a_range_is_sent_by_the_server_where_its_protocol_can_say_so(ask: Any, serve: Any, path: Path) -> None:
    answer = ask(serve(lambda: send_file(path)), {"range": "bytes=2-5"})
    assert (answer.status, answer.headers["content-range"], answer.headers["content-length"]) == (
        206,
        "bytes 2-5/10",
        "4",
    )
    if ask.protocol == "rsgi":
        assert (answer.file, answer.body) == ((str(path), 2, 6), b"")
    else:
        assert (answer.file, answer.body) == (None, b"2345")


def test_what_has_no_body_sends_no_file(ask: Ask, serve: Any, path: Path) -> None:
    app = serve(lambda: send_file(path))
    etag = ask(app).headers["etag"]
    head = ask(app, method="HEAD")
    assert (head.status, head.file, head.body, head.headers["content-length"]) == (200, None, b"", "10")
    known = ask(app, {"if-none-match": etag})
    assert (known.status, known.file, known.body) == (304, None, b"")
    late = ask(app, {"range": "bytes=50-"})
    assert (late.status, late.file, late.headers["content-range"]) == (416, None, "bytes */10")


def test_a_static_file_is_sent_by_the_server(ask: Ask, tmp_path: Path, path: Path) -> None:
    (tmp_path / "static").mkdir()
    path.rename(tmp_path / "static" / "data.bin")
    app = Erlen("static_app", root_path=str(tmp_path), instance_path=str(tmp_path), static_url_path="")
    app.add_url_rule("/", "index", lambda: app.send_static_file("data.bin"))
    answer = ask(app)
    assert answer.file == (str(tmp_path / "static" / "data.bin"),)


def test_a_file_that_goes_after_it_was_opened_is_sent_all_the_same(ask: Ask, serve: Any, path: Path) -> None:
    def view() -> Response:
        @after_this_request
        def remove(response: Response) -> Response:
            path.unlink()
            return response

        return send_file(path)

    answer = ask(serve(view))
    assert (answer.status, answer.file, answer.body) == (200, None, CONTENT)


def test_a_file_that_is_replaced_after_it_was_opened_is_sent_as_it_was(ask: Ask, serve: Any, path: Path) -> None:
    def view() -> Response:
        response = send_file(path)
        other = path.with_name("other")
        other.write_bytes(b"something else")
        other.replace(path)
        return response

    answer = ask(serve(view))
    assert (answer.file, answer.body) == (None, CONTENT)


def test_a_file_that_a_hook_puts_something_around_is_sent_in_pieces(ask: Ask, serve: Any, path: Path) -> None:
    def view() -> Response:
        @after_this_request
        def loud(response: Response) -> Response:
            body: Any = response.response

            def pieces() -> Iterator[bytes]:
                with contextlib.closing(body):
                    for piece in body:
                        yield piece.replace(b"0", b"!")

            response.response = pieces()
            return response

        return send_file(path)

    answer = ask(serve(view))
    assert (answer.file, answer.body) == (None, b"!123456789")


def test_without_the_extension_the_body_is_sent_in_pieces(app: Erlen, path: Path) -> None:
    app.add_url_rule("/", "view", lambda: send_file(path))
    for extensions in (None, {}, {"http.response.zerocopysend": {}}):
        answer = asyncio.run(ask_asgi(app, {"host": "localhost"}, "GET", extensions))
        assert (answer.file, answer.body) == (None, CONTENT)


def test_a_small_file_is_one_message_and_a_large_one_many(app: Erlen, path: Path) -> None:
    app.add_url_rule("/", "view", lambda: send_file(path))

    async def count() -> tuple[int, int]:
        messages: list[Any] = []

        async def receive() -> Any:
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            messages.append(message)

        await app.asgi(
            {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}, receive, send
        )
        return len(messages), sum(len(message.get("body", b"")) for message in messages)

    assert asyncio.run(count()) == (2, 10)
    path.write_bytes(CONTENT * 100_000)
    messages, size = asyncio.run(count())
    assert size == 1_000_000
    assert messages > 4


def test_middleware_around_asgi_app_is_given_a_body(app: Erlen, path: Path) -> None:
    app.add_url_rule("/", "view", lambda: send_file(path))
    inner: Any = app.asgi_app

    async def loud(scope: Any, receive: Any, send: Any) -> None:
        async def spoken(message: Any) -> None:
            if message["type"] == "http.response.body":
                message["body"] = message["body"].replace(b"0", b"!")
            await send(message)

        await inner(scope, receive, spoken)

    app.asgi_app = loud  # type: ignore[method-assign]
    answer = asyncio.run(ask_asgi(app, {"host": "localhost"}, "GET"))
    assert (answer.file, answer.body) == (None, b"!123456789")


def test_a_mounted_application_sends_a_body_because_it_may_be_wrapped(app: Erlen, tmp_path: Path, path: Path) -> None:
    outer = Erlen("outer", root_path=str(tmp_path), instance_path=str(tmp_path))
    app.add_url_rule("/", "view", lambda: send_file(path))
    outer.mount("/inner", app)

    async def hop(scope: Any, receive: Any, send: Any) -> None:
        await outer.asgi({**scope, "path": "/inner/"}, receive, send)

    hop.asgi = hop  # type: ignore[attr-defined]
    answer = asyncio.run(ask_asgi(hop, {"host": "localhost"}, "GET"))
    assert (answer.file, answer.body) == (None, CONTENT)


def test_only_a_regular_file_from_its_beginning_under_an_absolute_name_is_one(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def found(file: Any) -> bool:
        with file:
            return file_of(FileBody(file)) is not None

    class Own(FileBody):
        pass

    def begun() -> Any:
        file = path.open("rb")
        file.read(1)
        return file

    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    Path(odd).write_bytes(b"")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert found(path.open("rb"))
    assert not found(open("data.bin", "rb"))  # noqa: SIM115
    assert not found(open(bytes(path), "rb"))  # noqa: SIM115
    assert not found(open(os.open(path, os.O_RDONLY), "rb"))  # noqa: SIM115
    assert not found(path.open("rb", buffering=0))
    assert not found(path.open("r+b"))
    assert not found(begun())
    assert not found(open(odd, "rb"))  # noqa: SIM115
    assert not found(open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb"))  # noqa: SIM115
    assert not found(open(os.devnull, "rb"))  # noqa: SIM115
    assert not found(tempfile.NamedTemporaryFile())  # noqa: SIM115
    with path.open("rb") as file:
        assert file_of(Own(file)) is None
        assert file_of([b"x"]) is None
    assert file_of(FileBody(file)) is None, "it is closed"
