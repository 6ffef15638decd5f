from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import simple_websocket

from app import create_app
from served import GUNICORN, running

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The host and port of the application on a Werkzeug server, which ``app.run()`` has started."""
    with running(HERE) as address:
        yield address.removeprefix("http://")


@pytest.fixture
def connect(server: str) -> Iterator[Callable[..., Any]]:
    """A function that opens a socket at a path of the server; all of them are closed at the end.

    Views wait for a first message, because the client loses what comes together with the answer to its handshake.
    """
    with ExitStack() as stack:

        def connect(path: str, first: str = "begin", **options: Any) -> Any:
            client = simple_websocket.Client(f"ws://{server}{path}", **options)
            stack.callback(end, client)
            client.send(first)
            return client

        yield connect


def end(client: Any) -> None:
    """Close a socket, unless the server has."""
    if client.connected:
        client.close()


def read(server: str, path: str) -> str:
    return urllib.request.urlopen(f"http://{server}{path}").read().decode()


def test_messages_go_both_ways(connect: Callable[..., Any]) -> None:
    client = connect("/echo")
    assert client.receive(timeout=30) == "begin"
    for message in ("hello", "grüße", b"\0bytes", "x" * 500):
        client.send(message)
        assert client.receive(timeout=30) == message


def test_two_sockets_are_open_at_once(connect: Callable[..., Any]) -> None:
    first = connect("/echo", "first")
    second = connect("/echo", "second")
    assert second.receive(timeout=30) == "second"
    assert first.receive(timeout=30) == "first"


def test_a_view_has_its_request_and_session(server: str, connect: Callable[..., Any]) -> None:
    cookie = urllib.request.urlopen(f"http://{server}/login").headers["Set-Cookie"].partition(";")[0]
    client = connect("/hello/7?user=Bob", headers={"Cookie": cookie})
    assert client.receive(timeout=30) == "7 Bob Ada http /login"


def test_a_page_may_have_the_address_of_a_socket(server: str, connect: Callable[..., Any]) -> None:
    assert read(server, "/hello/7") == "plain 7"
    assert connect("/hello/7").receive(timeout=30).startswith("7 None")


def test_a_socket_may_belong_to_a_blueprint(connect: Callable[..., Any]) -> None:
    assert connect("/rooms/blue").receive(timeout=30) == "rooms blue rooms.talk_in_room"
    assert connect("/later").receive(timeout=30) == "later, by app"


def test_a_view_closes_with_a_reason(connect: Callable[..., Any]) -> None:
    client = connect("/close")
    with pytest.raises(simple_websocket.ConnectionClosed) as caught:
        client.receive(timeout=30)
    assert caught.value.reason == 4001
    assert caught.value.message == "enough"


def test_the_end_of_a_view_closes_its_socket(connect: Callable[..., Any]) -> None:
    client = connect("/hello/1")
    client.receive(timeout=30)
    with pytest.raises(simple_websocket.ConnectionClosed):
        client.receive(timeout=30)


def test_a_message_that_is_too_large_closes_the_socket(connect: Callable[..., Any]) -> None:
    client = connect("/echo", "x" * 1001)
    with pytest.raises(simple_websocket.ConnectionClosed) as caught:
        client.receive(timeout=30)
    assert caught.value.reason == 1009


def test_a_hook_may_refuse_a_socket(connect: Callable[..., Any]) -> None:
    with pytest.raises(simple_websocket.ConnectionError) as caught:
        connect("/echo?user=nobody")
    assert caught.value.status_code == 403


def test_an_unknown_socket_is_not_found(connect: Callable[..., Any]) -> None:
    with pytest.raises(simple_websocket.ConnectionError) as caught:
        connect("/nowhere")
    assert caught.value.status_code == 404


def test_hooks_run_around_a_socket(server: str, connect: Callable[..., Any]) -> None:
    client = connect("/hello/42")
    client.receive(timeout=30)
    assert read(server, "/seen") == "after /hello/42"
    assert read(server, "/seen") == "teardown /hello/42"


def test_a_request_that_is_no_socket_is_not_taken_for_one() -> None:
    response = create_app().test_client().get("/echo")
    assert response.status_code == 400
    assert "Bad Request" in response.text


def test_a_view_that_fails_leaves_the_server_alone(server: str, connect: Callable[..., Any]) -> None:
    client = connect("/fail")
    with pytest.raises(simple_websocket.ConnectionClosed):
        client.receive(timeout=30)
    assert read(server, "/login") == "hello"


def test_gunicorn_serves_sockets_too() -> None:
    arguments = ("--bind=127.0.0.1:0", "--threads=4", "--no-control-socket", "app:create_app()")
    with running(HERE, GUNICORN, *arguments) as address:
        client = simple_websocket.Client(f"{address.replace('http', 'ws')}/hello/42")
        client.send("begin")
        assert client.receive(timeout=30) == "42 None None http /login"
        host = address.removeprefix("http://")
        assert [read(host, "/seen"), read(host, "/seen")] == ["after /hello/42", "teardown /hello/42"]
        end(client)
