"""The WSGI adapter: what a server gives and gets (PEP 3333)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.test import create_environ

from erlen import Erlen, Response, request, session, stream_with_context
from erlen.context import has_app_context

color: ContextVar[str] = ContextVar("color", default="none")


EXPECTED = {
    "/text": "200", "/json": "200", "/tuple": "201", "/stream": "200", "/error": "500", "/session": "200",
}  # fmt: skip


def call(app: Any, environ: dict[str, Any] | None = None) -> tuple[str, dict[str, str], Iterable[bytes]]:
    """Ask as a server does."""
    got: list[Any] = []
    body = app(environ or create_environ("/"), lambda status, headers, exc_info=None: got.extend([status, headers]))
    return got[0], dict(got[1]), body


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/text", "/json", "/tuple", "/stream", "/missing", "/error", "/session"])
def test_the_answers_are_valid_wsgi(app: Erlen, path: str, method: str) -> None:
    app.testing = False
    every = ["GET", "POST"]
    app.add_url_rule("/text", "text", lambda: "text", methods=every)
    app.add_url_rule("/json", "json", lambda: {"a": 1}, methods=every)
    app.add_url_rule("/tuple", "tuple", lambda: ("text", 201, {"X-A": "ü"}), methods=every)
    app.add_url_rule("/stream", "stream", lambda: stream_with_context(iter(["a", "b"])), methods=every)
    app.add_url_rule("/error", "error", lambda: 1 / 0, methods=every)
    app.add_url_rule("/session", "session", lambda: session.update(a=1) or "x", methods=every)
    environ = create_environ(path, method=method, data=b"" if method == "POST" else None)
    environ["wsgi.errors"] = io.StringIO()
    environ.pop("CONTENT_TYPE", None)
    environ["SCRIPT_NAME"] = ""
    got: list[str] = []
    body = validator(app)(environ, lambda status, headers, exc_info=None: got.append(status) or (lambda data: None))
    data = b"".join(body)
    body.close()  # type: ignore[attr-defined]
    assert got[0].startswith("404" if path == "/missing" else "200" if method == "OPTIONS" else EXPECTED[path])
    assert (data == b"") is (method == "HEAD" or (method == "OPTIONS" and path != "/missing"))


def test_a_short_answer_is_one_piece_with_its_length(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: "grün")
    status, headers, body = call(app)
    assert status == "200 OK"
    assert headers["Content-Length"] == "5"
    assert list(body) == ["grün".encode()]


def test_the_variables_of_a_request_are_seen_by_its_stream_and_not_by_the_next_one(app: Erlen) -> None:
    @app.before_request
    def paint() -> None:
        assert color.get() == "none"
        color.set(request.args.get("color", "none"))

    @app.get("/")
    def index() -> Any:
        return Response(iter_colors())

    def iter_colors() -> Iterator[str]:
        yield color.get()
        color.set("changed in the stream")
        yield color.get()

    _, _, first = call(app, create_environ("/?color=red"))
    _, _, second = call(app, create_environ("/?color=blue"))
    assert list(second) == [b"blue", b"changed in the stream"]
    assert list(first) == [b"red", b"changed in the stream"]
    assert color.get() == "none"
    assert not has_app_context()


def test_the_callers_variables_are_seen_in_a_request(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: color.get())
    token = color.set("callers")
    assert app.test_client().get("/").text == "callers"
    color.reset(token)


def test_closing_a_body_closes_the_generator_once(app: Erlen) -> None:
    closed: list[str] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append("closed")

    app.add_url_rule("/", "index", lambda: Response(pieces()))
    _, _, body = call(app)
    assert next(iter(body)) == b"a"
    body.close()  # type: ignore[attr-defined]
    body.close()  # type: ignore[attr-defined]
    assert closed == ["closed"]


def test_a_body_without_close_is_closed_all_the_same(app: Erlen) -> None:
    class Sent(Response):
        def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
            start_response("200 OK", [])
            return iter([b"a"])

    app.add_url_rule("/", "index", lambda: Sent())
    _, _, body = call(app)
    assert list(body) == [b"a"]
    body.close()  # type: ignore[attr-defined]


def test_an_exception_before_the_answer_is_raised_to_the_server_where_it_propagates(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(app)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    status, _, body = call(app)
    assert status == "500 INTERNAL SERVER ERROR"
    assert b"Internal Server Error" in b"".join(body)


def test_a_system_exit_ends_the_request_and_goes_on(app: Erlen) -> None:
    ended: list[Any] = []
    app.teardown_request(lambda error: ended.append(type(error)))

    def leave() -> str:
        raise SystemExit(3)

    app.add_url_rule("/", "index", leave)
    with pytest.raises(SystemExit):
        call(app)
    assert ended == [SystemExit]
    assert not has_app_context()


def test_an_async_view_is_answered_over_wsgi(app: Erlen) -> None:
    @app.get("/")
    async def index() -> str:
        await asyncio.sleep(0)
        return request.path

    status, _, body = call(app)
    assert (status, b"".join(body)) == ("200 OK", b"/")


def test_nosniff_is_sent_with_every_answer_unless_it_is_turned_off_or_set(app: Erlen) -> None:
    app.testing = False
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/own", "own", lambda: ("x", {"X-Content-Type-Options": "own"}))
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    client = app.test_client()
    for path in ("/", "/missing", "/broken", "/static/missing"):
        assert client.get(path).headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert client.get("/own").headers.getlist("X-Content-Type-Options") == ["own"]
    app.config["CONTENT_TYPE_NOSNIFF"] = False
    for path in ("/", "/missing", "/broken"):
        assert "X-Content-Type-Options" not in client.get(path).headers


def test_a_method_in_lower_case_is_that_method(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: request.method)
    _, _, body = call(app, {**create_environ("/"), "REQUEST_METHOD": "get"})
    assert b"".join(body) == b"GET"


def test_a_stream_that_head_does_not_send_is_closed_all_the_same(app: Erlen) -> None:
    events: list[str] = []
    app.teardown_request(lambda error: events.append("teardown"))

    def index() -> Any:
        def pieces() -> Iterator[str]:
            try:
                yield request.path
            finally:
                events.append("closed")

        stream = pieces()
        next(stream)
        return Response(stream_with_context(stream))

    app.add_url_rule("/", "index", index)
    _, _, body = call(app, create_environ("/", method="HEAD"))
    assert list(body) == []
    body.close()  # type: ignore[attr-defined]
    assert events == ["closed", "teardown"]


@pytest.mark.parametrize("handled", [False, True])
def test_a_session_that_cannot_be_opened_is_an_error_of_the_request(app: Erlen, handled: bool) -> None:
    class Broken:
        def open_session(self, app: Any, request: Any) -> Any:
            raise OSError("no store")

        def is_null_session(self, opened: Any) -> bool:
            return True

        def make_null_session(self, app: Any) -> Any:
            return {}

    ended: list[Any] = []
    app.testing = False
    app.session_interface = Broken()
    app.add_url_rule("/", "index", lambda: "x")
    app.teardown_request(lambda error: ended.append(type(error)))
    if handled:
        app.register_error_handler(500, lambda error: (f"handled {error.original_exception}", 503))
    status, _, body = call(app)
    assert status.startswith("503" if handled else "500")
    assert (b"".join(body) == b"handled no store") is handled
    assert ended == [OSError]


def test_a_mounted_application_asked_for_without_the_slash_sends_the_browser_to_it(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: "home")
    environ = create_environ("/", "http://localhost/mounted")
    status, _, body = call(app, environ)
    assert (status, b"".join(body)) == ("200 OK", b"home")
    environ["PATH_INFO"] = ""
    status, headers, _ = call(app, environ)
    assert status.startswith("308")
    assert headers["Location"] == "http://localhost/mounted/"
