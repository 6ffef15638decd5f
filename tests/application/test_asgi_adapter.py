"""The ASGI adapter: what a server hands over and gets (https://asgi.readthedocs.io, HTTP and lifespan)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from erlen import Erlen, request, url_for


def ask(app: Any, *incoming: dict[str, Any], **scope: Any) -> list[dict[str, Any]]:
    """Send one request as a server does, and return the messages of the response. Nothing comes after *incoming*."""
    messages: list[dict[str, Any]] = []

    async def run() -> None:
        waiting = list(incoming or [{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop(0)
            return await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        whole = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"example.org")],
            **scope,
        }
        await app.asgi(whole, receive, send)

    asyncio.run(run())
    return messages


def body_of(messages: list[dict[str, Any]]) -> str:
    return b"".join(message.get("body", b"") for message in messages[1:]).decode()


def live(app: Any, *kinds: str) -> list[dict[str, Any]]:
    """Tell *app* of the life of its server, and return its answers."""
    messages: list[dict[str, Any]] = []

    async def run() -> None:
        waiting = [{"type": kind} for kind in kinds]

        async def receive() -> dict[str, Any]:
            return waiting.pop(0)

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await app.asgi({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    asyncio.run(run())
    return messages


@pytest.fixture(params=["plain", "async"])
def app(request: pytest.FixtureRequest, app: Erlen) -> Erlen:
    """An application whose view tells what it sees, once as plain and once as async code."""
    from erlen import request as current

    def told(word: str = "") -> dict[str, Any]:
        return {
            "path": current.path,
            "root": current.root_path,
            "host": current.host,
            "address": current.remote_addr,
            "url": url_for("told"),
            "body": current.get_data(as_text=True),
            "scope": current.scope["type"],
        }

    async def told_async(word: str = "") -> dict[str, Any]:
        return told()

    app.add_url_rule("/", "told", told if request.param == "plain" else told_async, methods=["GET", "POST"])
    app.add_url_rule("/<path:word>", "path", told if request.param == "plain" else told_async, methods=["GET", "POST"])
    return app


def json_of(app: Erlen, messages: list[dict[str, Any]]) -> dict[str, Any]:
    assert messages[0]["status"] == 200, body_of(messages)
    return app.json.loads(body_of(messages))  # type: ignore[no-any-return]


def test_a_short_answer_is_two_messages_with_names_in_lower_case(app: Erlen) -> None:
    start, body = ask(app, path="/nowhere-else", method="HEAD")
    assert start["type"] == "http.response.start"
    assert all(name == name.lower() for name, _ in start["headers"])
    assert body == {"type": "http.response.body", "body": b""}


def test_a_request_message_without_a_body_means_an_empty_one(app: Erlen) -> None:
    assert json_of(app, ask(app, {"type": "http.request"}, method="POST"))["body"] == ""


def test_a_body_in_pieces_is_put_together(app: Erlen) -> None:
    pieces = [{"type": "http.request", "body": piece, "more_body": True} for piece in (b"a", b"", b"b" * 600_000, b"c")]
    told = json_of(app, ask(app, *pieces, {"type": "http.request"}, method="POST"))
    assert told["body"] == "a" + "b" * 600_000 + "c"


def test_the_answer_does_not_wait_for_a_client_that_sends_nothing_more(app: Erlen) -> None:
    assert ask(app)[0]["status"] == 200  # its receive() would wait for ever


def test_a_client_that_goes_in_the_middle_of_its_body_is_400(app: Erlen) -> None:
    app.testing = False
    incoming = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
    assert ask(app, *incoming, method="POST")[0]["status"] == 400


def test_a_target_in_absolute_form_names_path_and_host(app: Erlen) -> None:
    told = json_of(app, ask(app, path="http://other.example/a/b"))
    assert (told["path"], told["host"]) == ("/a/b", "other.example")


def test_a_client_of_http_1_0_that_names_no_host_is_answered(app: Erlen) -> None:
    told = json_of(app, ask(app, headers=[], http_version="1.0", server=("10.0.0.1", 8000)))
    assert told["host"] == "10.0.0.1:8000"


def test_what_is_optional_may_be_missing(app: Erlen) -> None:
    assert json_of(app, ask(app, headers=[], client=None, server=("/run/app.sock", None)))["address"] is None


def test_the_root_path_is_taken_off_the_path_and_put_before_urls(app: Erlen) -> None:
    told = json_of(app, ask(app, path="/mounted/größe", root_path="/mounted"))
    assert (told["root"], told["path"], told["url"]) == ("/mounted", "/größe", "/mounted/")


@pytest.mark.parametrize("path", ["/", "/mountedtoo/x", "/other/mounted"])
def test_a_path_outside_of_the_root_path_is_404(app: Erlen, path: str) -> None:
    assert ask(app, path=path, root_path="/mounted")[0]["status"] == 404


def test_middleware_around_asgi_app_is_passed_by_every_request(app: Erlen) -> None:
    inner = app.asgi_app

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "path": "/from/outside"}, receive, send)

    app.asgi_app = outer  # type: ignore[method-assign]
    assert json_of(app, ask(app))["path"] == "/from/outside"


def test_headers_with_underscores_cannot_pass_for_others(app: Erlen) -> None:
    app.trust_proxies()
    told = json_of(app, ask(app, headers=[(b"x_forwarded_for", b"6.6.6.6")], client=("192.0.2.1", 5)))
    assert told["address"] == "192.0.2.1"


def test_a_header_that_came_twice_is_joined_and_cookies_with_semicolons(app: Erlen) -> None:
    app.add_url_rule(
        "/twice", "twice", lambda: {"word": request.headers["X-Word"], "cookies": request.cookies.to_dict()}
    )
    headers = [(b"x-word", b"a"), (b"cookie", b"a=1"), (b"x-word", b"b"), (b"cookie", b"b=2")]
    assert json_of(app, ask(app, path="/twice", headers=headers)) == {"word": "a,b", "cookies": {"a": "1", "b": "2"}}


def test_the_life_of_the_server_is_accompanied(app: Erlen) -> None:
    assert [message["type"] for message in live(app, "lifespan.startup", "lifespan.shutdown")] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert app.got_first_request


def test_an_application_that_cannot_work_is_not_served(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "reddis"
    app.logger.disabled = True
    try:
        (answer,) = live(app, "lifespan.startup")
    finally:
        app.logger.disabled = False
    assert answer["type"] == "lifespan.startup.failed"
    assert "Did you mean 'redis'?" in answer["message"]


def test_a_websocket_of_no_route_is_refused_and_an_unknown_scope_is_named(app: Erlen) -> None:
    async def run(kind: str) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app.asgi({"type": kind, "path": "/nowhere", "query_string": b"", "headers": []}, receive, send)
        return sent

    assert asyncio.run(run("websocket")) == [{"type": "websocket.close", "code": 1000}]
    with pytest.raises(ValueError, match="the type 'gopher' are not known"):
        asyncio.run(run("gopher"))


def test_asgi_is_an_object_whose_call_is_a_coroutine_function(app: Erlen) -> None:
    """As servers test for it."""
    assert asyncio.iscoroutinefunction(type(app.asgi).__call__)
