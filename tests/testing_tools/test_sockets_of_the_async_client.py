"""WebSockets of the async test client, against small applications that speak ASGI themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from erlen import Erlen, request, session, websocket
from erlen.testing import AsgiError, AsyncClient, SocketClosed, SocketRejected

ACCEPT = {"type": "websocket.accept"}


def run(app: Erlen, asgi: Any, body: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with app.async_test_client(asgi=asgi, lifespan=False) as client:
            await body(client)

    asyncio.run(main())


class Echo:
    """Accepts, sends back what it receives, and remembers how it ended."""

    def __init__(self, **accept: Any) -> None:
        self.accept = {**ACCEPT, **accept}
        self.scope: dict[str, Any] = {}
        self.ends: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        assert await receive() == {"type": "websocket.connect"}
        await send(self.accept)
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        self.ends.append(message)


def saying(*messages: Any) -> Any:
    """Return an application that takes the connection and sends *messages*; an exception it raises."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            if isinstance(message, BaseException):
                raise message
            await send(message)

    return asgi


def test_texts_bytes_and_json_go_both_ways(app: Erlen) -> None:
    echo = Echo()

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/chat") as socket:
            await socket.send("hello")
            await socket.send(b"\x00\xff")
            await socket.send_json({"a": ["ü", None]})
            assert await socket.receive() == "hello"
            assert await socket.receive() == b"\x00\xff"
            assert await socket.receive_json() == {"a": ["ü", None]}
            with pytest.raises(TypeError, match="send_json"):
                await socket.send({"a": 1})  # type: ignore[arg-type]

    run(app, echo, body)
    assert echo.ends == [{"type": "websocket.disconnect", "code": 1000, "reason": ""}]


def test_the_scope_is_that_of_a_handshake(app: Erlen) -> None:
    echo = Echo()

    async def body(client: AsyncClient) -> None:
        client.set_cookie("theme", "dark")
        async with client.websocket("/a b", query_string={"page": 2}, headers={"X-A": "1"}, subprotocols=["v2", "v1"]):
            pass
        scope = echo.scope
        assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "ws", "/a b")
        assert (scope["query_string"], scope["subprotocols"]) == (b"page=2", ["v2", "v1"])
        assert "method" not in scope
        headers = dict(scope["headers"])
        assert (headers[b"x-a"], headers[b"cookie"], headers[b"host"]) == (b"1", b"theme=dark", b"localhost")
        assert (headers[b"upgrade"], headers[b"sec-websocket-protocol"]) == (b"websocket", b"v2, v1")
        assert headers[b"sec-websocket-version"] == b"13"
        assert scope["extensions"] == {"websocket.http.response": {}}

    run(app, echo, body)


@pytest.mark.parametrize(
    ("sent", "scheme", "host"),
    [
        ({"path": "wss://chat.example/ws"}, "wss", b"chat.example"),
        ({"path": "/ws", "base_url": "ws://chat.example:81"}, "ws", b"chat.example:81"),
        ({"path": "/ws", "base_url": "https://chat.example"}, "wss", b"chat.example"),
        ({"path": "/ws", "scope_base": {"scheme": "wss"}}, "wss", b"localhost"),
    ],
)
def test_hosts_and_schemes_are_given_as_for_a_request(
    app: Erlen, sent: dict[str, Any], scheme: str, host: bytes
) -> None:
    echo = Echo()

    async def body(client: AsyncClient) -> None:
        path, more = sent["path"], {key: value for key, value in sent.items() if key != "path"}
        async with client.websocket(path, **more):
            pass
        assert (echo.scope["scheme"], echo.scope["path"], dict(echo.scope["headers"])[b"host"]) == (scheme, "/ws", host)

    run(app, echo, body)


def test_the_acceptance_has_a_subprotocol_headers_and_cookies(app: Erlen) -> None:
    echo = Echo(subprotocol="v1", headers=[(b"x-a", b"1"), (b"set-cookie", b"seen=yes; Path=/")])

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/", subprotocols=["v1"]) as socket:
            assert (socket.accepted_subprotocol, socket.headers["X-A"]) == ("v1", "1")
        assert client.get_cookie("seen").value == "yes"  # type: ignore[union-attr]

    run(app, echo, body)


def test_the_client_says_how_it_ends(app: Erlen) -> None:
    echo = Echo()

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as socket:
            await socket.close(4001, "enough")
            await socket.close(4002, "is not heard")
            with pytest.raises(SocketClosed, match="4001: enough"):
                await socket.send("more")
            with pytest.raises(SocketClosed) as raised:
                await socket.receive()
            assert (raised.value.code, raised.value.reason) == (4001, "enough")
        assert [end["code"] for end in echo.ends] == [4001]
        assert [end["reason"] for end in echo.ends] == ["enough"]

    run(app, echo, body)


def test_what_was_sent_before_the_end_is_received_by_the_application(app: Erlen) -> None:
    received = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        while (message := await receive())["type"] == "websocket.receive":
            received.append(message["text"])
        with pytest.raises(OSError, match="client has gone"):
            await send({"type": "websocket.send", "text": "too late"})

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as socket:
            await socket.send("a")
            await socket.send("b")
        assert received == ["a", "b"]

    run(app, asgi, body)


def test_when_the_server_closes_what_it_sent_before_is_received_first(app: Erlen) -> None:
    ends = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.send", "text": "last"})
        await send({"type": "websocket.close", "code": 4000, "reason": "enough"})
        ends.append(await receive())

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as socket:
            assert await socket.receive() == "last"
            for _ in range(2):
                with pytest.raises(SocketClosed, match="4000: enough") as raised:
                    await socket.receive()
                assert (raised.value.code, raised.value.reason) == (4000, "enough")
            with pytest.raises(SocketClosed):
                await socket.send("more")
        assert ends == [{"type": "websocket.disconnect", "code": 4000, "reason": "enough"}]

    run(app, asgi, body)


def test_messages_are_iterated_until_the_end(app: Erlen) -> None:
    texts = [{"type": "websocket.send", "text": text} for text in "abc"]

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as socket:
            assert [message async for message in socket] == ["a", "b", "c"]

    run(app, saying(ACCEPT, *texts, {"type": "websocket.close"}), body)


def test_an_end_without_a_word_is_1006(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as socket:
            with pytest.raises(SocketClosed, match="1006") as raised:
                await socket.receive()
            assert raised.value.code == 1006

    run(app, saying(ACCEPT), body)


def test_a_connection_that_breaks_is_told_to_the_application(app: Erlen) -> None:
    echo = Echo()

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as socket:
            await socket.close(1006)

    run(app, echo, body)
    assert [end["code"] for end in echo.ends] == [1006]


def test_a_refusal_has_its_answer(app: Erlen) -> None:
    refusal = [
        {
            "type": "websocket.http.response.start",
            "status": 401,
            "headers": [(b"content-type", b"application/json"), (b"set-cookie", b"asked=yes; Path=/")],
        },
        {"type": "websocket.http.response.body", "body": b'{"error": ', "more_body": True},
        {"type": "websocket.http.response.body", "body": b'"who are you?"}'},
    ]

    async def body(client: AsyncClient) -> None:
        with pytest.raises(SocketRejected, match="'/chat' was refused with 401 UNAUTHORIZED") as raised:
            async with client.websocket("/chat"):
                pytest.fail("it is not open")
        response = raised.value.response
        assert (raised.value.path, response.status_code, response.mimetype) == ("/chat", 401, "application/json")
        assert response.json == {"error": "who are you?"}
        assert client.get_cookie("asked").value == "yes"  # type: ignore[union-attr]
        with pytest.raises(AsgiError, match="offers no extension"):
            async with client.websocket("/chat", answers=False):
                pytest.fail("it is not open")

    run(app, saying(*refusal), body)


def test_a_close_in_the_handshake_is_a_bare_403(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(SocketRejected, match="403") as raised:
            async with client.websocket("/"):
                pytest.fail("it is not open")
        assert (raised.value.response.status_code, raised.value.response.data) == (403, b"")

    run(app, saying({"type": "websocket.close"}), body)


@pytest.mark.parametrize(
    "messages",
    [[], [ACCEPT], [{"type": "websocket.close"}]],
    ids=["before its answer", "when it is open", "after a refusal"],
)
def test_an_error_of_the_application_reaches_the_test(app: Erlen, messages: list[Any]) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(LookupError, match="no room"):
            async with client.websocket("/") as socket:
                await socket.receive()

    run(app, saying(*messages, LookupError("no room")), body)


def test_an_error_that_nobody_waits_for_is_raised_on_leaving(app: Erlen) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        assert (await receive())["type"] == "websocket.disconnect"
        raise LookupError("no room")

    async def body(client: AsyncClient) -> None:
        opened = False
        with pytest.raises(LookupError, match="no room"):
            async with client.websocket("/"):
                opened = True
        assert opened
        with pytest.raises(AssertionError, match="the test fails") as raised:
            async with client.websocket("/"):
                raise AssertionError("the test fails")
        assert raised.value.__notes__ == ["The application has failed too: LookupError: no room"]

    run(app, asgi, body)


def test_the_error_that_made_the_application_close_comes_before_the_end_of_the_connection(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(LookupError, match="no room") as raised:
            async with client.websocket("/") as socket:
                await socket.receive()
        assert isinstance(raised.value.__context__, SocketClosed)

    run(app, saying(ACCEPT, {"type": "websocket.close", "code": 1011}, LookupError("no room")), body)


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], "without an answer to the handshake"),
        ([{"type": "websocket.send", "text": "early"}], "'websocket.send' in the handshake"),
        ([ACCEPT, ACCEPT], "'websocket.accept' on an open WebSocket"),
        ([ACCEPT, {"type": "websocket.send"}], "either 'text' or 'bytes'"),
        ([ACCEPT, {"type": "websocket.send", "text": "a", "bytes": b"a"}], "either 'text' or 'bytes'"),
        ([ACCEPT, {"type": "websocket.close"}, {"type": "websocket.close"}], "after the end"),
        ([{"type": "websocket.close"}, ACCEPT], "after the end"),
    ],
)
def test_an_application_that_breaks_the_rules_of_asgi_is_told(app: Erlen, messages: list[Any], text: str) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(AsgiError, match=text):
            async with client.websocket("/") as socket:
                await socket.receive()

    run(app, saying(*messages), body)


def test_an_application_waits_when_the_buffer_of_the_client_is_full(app: Erlen) -> None:
    sent = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        while True:
            sent.append(len(sent))
            await send({"type": "websocket.send", "text": str(sent[-1])})

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/", buffer=3) as socket:
            for number in range(10):
                assert await socket.receive() == str(number)
                for _ in range(20):
                    await asyncio.sleep(0)
                assert len(sent) == number + 4  # three in the buffer, one of them being sent, and what was received

    run(app, asgi, body)


def test_two_sockets_of_one_application_talk_to_each_other(app: Erlen) -> None:
    everybody: list[Any] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        everybody.append(send)
        while (message := await receive())["type"] == "websocket.receive":
            for other in everybody:
                await other({"type": "websocket.send", "text": message["text"]})
        everybody.remove(send)

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/") as ada, client.websocket("/") as grace:
            await ada.send("hello")
            assert await ada.receive() == await grace.receive() == "hello"
        assert everybody == []

    run(app, asgi, body)


# Erlen's own sockets.


def ask(app: Erlen, body: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with app.async_test_client() as client:
            await body(client)

    asyncio.run(main())


def test_a_view_and_a_test_talk_and_share_the_session_of_the_client(app: Erlen) -> None:
    @app.websocket("/rooms/<room>")
    async def talk(room: str) -> None:
        await websocket.accept(websocket.subprotocols[0], {"X-Room": room})
        async for message in websocket:
            await websocket.send_json([session.get("user"), request.args["a"], message])

    async def body(client: AsyncClient) -> None:
        async with client.session_transaction() as prepared:
            prepared["user"] = "Ada"
        async with client.websocket("/rooms/blue", query_string="a=1", subprotocols=["v1"]) as socket:
            assert (socket.accepted_subprotocol, socket.headers["X-Room"]) == ("v1", "blue")
            await socket.send("hello")
            assert await socket.receive_json() == ["Ada", "1", "hello"]
        assert client.context.request.path == "/rooms/blue"
        assert client.context.request.close_code == 1000

    ask(app, body)


def test_a_view_that_refuses_gives_its_response(app: Erlen) -> None:
    @app.websocket("/secret")
    async def secret() -> Any:
        return {"error": "who are you?"}, 401

    async def body(client: AsyncClient) -> None:
        with pytest.raises(SocketRejected, match="401") as raised:
            async with client.websocket("/secret"):
                pytest.fail("it is not open")
        assert raised.value.response.json == {"error": "who are you?"}
        with pytest.raises(SocketRejected, match="403"):
            async with client.websocket("/secret", answers=False):
                pytest.fail("it is not open")
        with pytest.raises(SocketRejected, match="404"):
            async with client.websocket("/nowhere"):
                pytest.fail("it is not open")

    ask(app, body)


def test_a_view_that_closes_says_how_and_one_that_fails_fails_the_test(app: Erlen) -> None:
    @app.websocket("/close")
    async def close() -> None:
        await websocket.send("last")
        await websocket.close(4000, "enough")

    @app.websocket("/fail")
    async def fail() -> None:
        await websocket.receive()
        raise LookupError("no room")

    async def say_hello(client: AsyncClient) -> None:
        async with client.websocket("/fail") as socket:
            await socket.send("hello")
            await socket.receive()

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/close") as socket:
            assert [message async for message in socket] == ["last"]
            with pytest.raises(SocketClosed, match="4000: enough"):
                await socket.receive()
        with pytest.raises(LookupError, match="no room"):
            await say_hello(client)
        app.config["PROPAGATE_EXCEPTIONS"] = False
        with pytest.raises(SocketClosed, match="1011"):
            await say_hello(client)

    ask(app, body)


def test_leaving_waits_until_the_view_and_its_teardowns_have_ended(app: Erlen) -> None:
    seen = []

    @app.websocket("/")
    async def view() -> None:
        try:
            async for _ in websocket:
                pass
        finally:
            seen.append("view")

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        await asyncio.sleep(0)
        seen.append("teardown")

    async def body(client: AsyncClient) -> None:
        async with client.websocket("/"):
            assert seen == []
        assert seen == ["view", "teardown"]

    ask(app, body)
