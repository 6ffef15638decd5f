"""A chat room over several workers and servers."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from served_tools import STOPS, until

from socket_client import SocketClient
from store_servers import Servers
from store_servers import redis as servers_of_redis

HERE = Path(__file__).resolve().parent


@pytest.fixture
def start(tmp_path: Path, serve: Callable[..., Any], servers: Servers) -> Callable[..., Any]:
    """Return a function that starts a server of the chat; all of them broadcast over one Redis."""
    shutil.copy(HERE / "chat_app.py", tmp_path)
    env = {**STOPS, "BROADCAST_URL": servers_of_redis.url_of("redis", servers)}

    def start(server: str, workers: int = 1) -> Any:
        return serve("chat_app:app", tmp_path, server=server, workers=workers, env=env)

    return start


def enter(stack: contextlib.ExitStack, port: int, room: str) -> tuple[str, SocketClient]:
    """Open a WebSocket to a room; return the process that serves it too."""
    socket = stack.enter_context(SocketClient(port, f"/rooms/{room}"))
    return str(socket.receive()), socket


def test_in_a_chat_room_over_two_workers_everybody_hears_everybody(start: Callable[..., Any]) -> None:
    port = start("granian-asgi", workers=2).port
    with contextlib.ExitStack() as stack:
        people: dict[str, SocketClient] = {}

        def come() -> bool:
            worker, socket = enter(stack, port, "garden")
            people.setdefault(worker, socket)
            return len(people) == 2

        until(come, "a client on each worker")
        for number, speaker in enumerate(people.values()):
            for message in (f"grüß Gott {number}", b"\x00\xff%d" % number):
                speaker.send(message)
                assert [listener.receive() for listener in people.values()] == [message, message]


@pytest.mark.parametrize("plain", ["granian", "gunicorn", "uvicorn"])
def test_a_plain_view_of_another_server_speaks_to_the_sockets(start: Callable[..., Any], plain: str) -> None:
    sockets, other = start("uvicorn"), start(plain)
    with contextlib.ExitStack() as stack:
        _, ann = enter(stack, sockets.port, "kitchen")
        _, bob = enter(stack, sockets.port, "kitchen")
        _, eve = enter(stack, sockets.port, "cellar")
        for number in range(3):
            said = httpx.post(f"{other.url}/rooms/kitchen", content=f"dinner {number}", verify=False)
            assert (said.status_code, said.text) == (200, "said")
            assert [ann.receive(), bob.receive()] == [f"dinner {number}"] * 2
        httpx.post(f"{other.url}/rooms/cellar", content="come up", verify=False)
        assert eve.receive() == "come up"


def test_when_the_last_client_has_gone_the_worker_listens_no_more(start: Callable[..., Any], servers: Servers) -> None:
    port = start("uvicorn").port

    def listened_to() -> bool:
        with redis.Redis(port=servers_of_redis.server(servers).port) as client:
            return b"erlen:broadcast:attic" in client.pubsub_channels()

    with SocketClient(port, "/rooms/attic") as ann:
        ann.receive()
        assert listened_to()
        ann.hang_up()
    until(lambda: not listened_to(), "the end of the subscription")
