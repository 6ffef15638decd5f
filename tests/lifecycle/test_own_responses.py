"""Responses of a class that has a way of its own to be sent: it is asked while its request is current."""

from __future__ import annotations

from typing import Any

import pytest

from erlen import Erlen, Response, g, request


class Telling(Response):
    """Tells in a header which request it answers."""

    def get_wsgi_headers(self, environ: Any) -> Any:
        headers = super().get_wsgi_headers(environ)
        headers["X-Path"] = f"{request.path} {g.word}"
        return headers


class Calling(Response):
    """Is a WSGI application of its own."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.headers["X-Path"] = f"{request.path} {g.word}"
        return super().__call__(environ, start_response)


def plain_view(kind: type[Response]) -> Any:
    def view() -> Response:
        g.word = "said"
        return kind("body")

    return view


def async_view(kind: type[Response]) -> Any:
    async def view() -> Response:
        g.word = "said"
        return kind("body")

    return view


@pytest.mark.parametrize("kind", [Telling, Calling])
@pytest.mark.parametrize("make", [plain_view, async_view])
def test_a_response_may_use_the_request_while_it_is_sent(app: Erlen, kind: type[Response], make: Any) -> None:
    ended: list[bool] = []
    app.teardown_request(lambda error: ended.append(g.word == "said"))
    app.add_url_rule("/here", "here", make(kind))
    answer = app.test_client().get("/here")
    assert (answer.text, answer.headers["X-Path"]) == ("body", "/here said")
    assert ended == [True]


@pytest.mark.parametrize("make", [plain_view, async_view])
def test_the_teardowns_run_although_a_response_cannot_be_sent(app: Erlen, make: Any) -> None:
    class Broken(Response):
        def get_wsgi_headers(self, environ: Any) -> Any:
            raise ZeroDivisionError

    ended: list[Any] = []
    app.teardown_request(ended.append)
    app.add_url_rule("/", "index", make(Broken))
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")
    assert ended == [None]


def test_a_streamed_response_of_its_own_keeps_what_it_streams(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: setattr(g, "word", "x") or Telling(iter(["a", "b"])))  # type: ignore[func-returns-value]
    assert app.test_client().get("/").text == "ab"
