"""When the answer is handed to the server: before the request ends, so that what stands between sees the request."""

from __future__ import annotations

from collections.abc import Callable
from threading import current_thread
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

import erlen.flask


@pytest.fixture
def note(flask: Any, app: Any) -> Any:
    """The function that notes where the request is, and in ``note.seen`` what it and the teardowns have noted."""

    def note(what: str) -> None:
        there = flask.has_request_context()
        note.seen.append((what, flask.request.path if there else None, flask.g.get("name") if there else None))

    note.seen = []
    app.teardown_request(lambda error: note.seen.append(("teardown", repr(error))))

    @app.get("/")
    def index() -> str:
        flask.g.name = "ada"
        return "there"

    return note


def test_what_is_put_around_start_response_sees_the_request(app: Any, client: Any, note: Any) -> None:
    inner = app.wsgi_app

    def around(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            note(status)
            return start_response(status, [*headers, ("X-Around", "yes")], *rest)

        return inner(environ, start)

    app.wsgi_app = around
    response = client.get("/")
    assert (response.text, response.headers["X-Around"]) == ("there", "yes")
    assert note.seen == [("200 OK", "/", "ada"), ("teardown", "None")]


@pytest.mark.parametrize("method", ["get_wsgi_headers", "get_app_iter", "__call__"])
def test_a_response_class_sees_the_request_when_it_is_sent(
    flask: Any, app: Any, client: Any, note: Any, method: str
) -> None:
    def look(self: Any, *arguments: Any) -> Any:
        note(method)
        return getattr(flask.Response, method)(self, *arguments)

    app.response_class = type("Looking", (flask.Response,), {method: look})
    assert client.get("/").text == "there"
    assert note.seen == [(method, "/", "ada"), ("teardown", "None")]


def test_a_response_that_cannot_be_sent_is_torn_down(flask: Any, app: Any, client: Any, note: Any) -> None:
    class Broken(flask.Response):  # type: ignore[misc, name-defined]
        def get_wsgi_headers(self, environ: Any) -> Any:
            raise LookupError("no headers")

    app.response_class = Broken
    with pytest.raises(LookupError, match="no headers"):
        client.get("/")
    assert note.seen == [("teardown", "None")]
    assert not flask.has_request_context()


def test_an_error_is_sent_before_the_teardown_sees_it(flask: Any, app: Any, client: Any, note: Any) -> None:
    app.testing = False

    @app.get("/broken")
    def broken() -> str:
        raise LookupError("broken")

    class Looking(flask.Response):  # type: ignore[misc, name-defined]
        def get_wsgi_headers(self, environ: Any) -> Any:
            note(self.status)
            return super().get_wsgi_headers(environ)

    app.response_class = Looking
    app.register_error_handler(500, lambda error: ("sorry", 500))
    assert client.get("/broken").text == "sorry"
    assert note.seen == [
        ("500 INTERNAL SERVER ERROR", "/broken", None),
        ("teardown", "LookupError('broken')"),
    ]


def test_a_stream_is_read_after_the_teardown(flask: Any, app: Any, client: Any, note: Any) -> None:
    @app.get("/stream")
    def stream() -> Any:
        def parts() -> Any:
            note("part")
            yield "part"

        return parts()

    assert client.get("/stream").text == "part"
    assert [what for what, *_ in note.seen] == ["teardown", "part"]


def test_the_response_of_an_asynchronous_view_sees_the_request_too() -> None:
    class Looking(erlen.flask.Response):  # type: ignore[misc]
        def get_wsgi_headers(self, environ: Any) -> Any:
            seen.append((erlen.flask.request.path, erlen.flask.g.name))
            return super().get_wsgi_headers(environ)

    app = erlen.flask.Flask("later")
    app.response_class = Looking
    seen: list[Any] = []
    app.teardown_request(lambda error: seen.append("teardown"))

    @app.get("/later")
    async def later() -> str:
        erlen.flask.g.name = "ada"
        return "there"

    assert app.test_client().get("/later").text == "there"
    assert seen == [("/later", "ada"), "teardown"]


def test_the_answer_of_an_asynchronous_view_is_handed_over_in_the_thread_of_the_server() -> None:
    app = erlen.flask.Flask("later")

    @app.get("/later")
    async def later() -> str:
        return current_thread().name

    started: list[Any] = []
    body = app(EnvironBuilder("/later").get_environ(), lambda *arguments: started.append(current_thread()))
    assert started == [current_thread()]
    assert b"".join(body).decode() != current_thread().name


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_without_content_keeps_its_type(app: Any, flask: Any, streams: bool) -> None:
    class Own(flask.Response):  # type: ignore[misc]
        def get_wsgi_headers(self, environ: Any) -> Any:
            return super().get_wsgi_headers(environ)

    app.add_url_rule("/plain", "plain", lambda: ("", 204))
    app.add_url_rule("/own", "own", lambda: Own(iter(()) if streams else "", 204, mimetype="text/plain"))
    client = app.test_client()
    assert client.get("/plain").content_type == "text/html; charset=utf-8"
    assert client.get("/own").mimetype == "text/plain"
    assert client.get("/own").content_length is None
