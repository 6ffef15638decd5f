"""The same tests, written once for the async client: in process, and over the sockets of each kind of server."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from one_body_app import numbers
from remote_client import RemoteClient, status_of

from erlen.testing import SocketClosed, SocketRejected
from socket_client import Rejected

HERE = Path(__file__).resolve().parent
WITHOUT_SOCKETS = ["granian", "gunicorn"]
WITH_SOCKETS = ["in process", "granian-asgi", "granian-rsgi", "uvicorn", "hypercorn", "gunicorn-asgi"]

Run = Callable[[Callable[[Any], Awaitable[None]]], None]


@pytest.fixture(scope="module", params=[*WITH_SOCKETS, *WITHOUT_SOCKETS])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Where the application is, and what makes a client of it."""
    folder = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    file = Path(shutil.copy(HERE / "one_body_app.py", folder))
    if request.param != "in process":
        with start(request.param, "one_body_app:app", folder) as started:
            yield request.param, lambda: RemoteClient(started.port)
        return
    spec = importlib.util.spec_from_file_location("one_body_app_in_process", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield request.param, module.app.async_test_client  # type: ignore[attr-defined]


@pytest.fixture
def run(place: tuple[str, Callable[[], Any]]) -> Run:
    def run(body: Callable[[Any], Awaitable[None]]) -> None:
        async def main() -> None:
            async with place[1]() as client:
                await body(client)

        asyncio.run(main())

    return run


@pytest.fixture
def sockets(place: tuple[str, Callable[[], Any]]) -> str:
    """The name of the place, which has WebSockets."""
    if place[0] in WITHOUT_SOCKETS:
        pytest.skip("WSGI has no WebSockets")
    return place[0]


async def until_told(client: Any, what: str) -> None:
    while what not in (await client.get("/told")).text:
        await asyncio.sleep(0)


def test_a_session_is_kept_from_request_to_request_and_over_a_redirect(run: Run) -> None:
    async def body(client: Any) -> None:
        answer = await client.post("/enter", data={"name": "Ada"}, follow_redirects=True)
        assert (answer.status_code, answer.text) == (200, "Hello, Ada!")
        assert [earlier.status_code for earlier in answer.history] == [303]
        assert [(await client.get("/count")).text for _ in range(3)] == ["1", "2", "3"]

    run(body)


def test_requests_at_once_lose_nothing(run: Run) -> None:
    async def body(client: Any) -> None:
        await client.post("/enter", data={"name": "Ada"})
        answers = await asyncio.gather(*[client.get("/count") for _ in range(8)])
        assert sorted(int(answer.text) for answer in answers) == [*range(1, 9)]

    run(body)


def test_a_body_is_sent_in_pieces(run: Run) -> None:
    async def body(client: Any) -> None:
        answer = await client.put("/weigh", data=numbers(), headers={"Content-Type": "text/plain"})
        assert answer.text == "4000 bytes of text/plain"

    run(body)


def test_a_stream_comes_whole(run: Run) -> None:
    async def body(client: Any) -> None:
        async with client.stream("GET", "/bells") as response:
            assert response.status_code == 200
            assert b"".join([piece async for piece in response]) == b"bell 0\nbell 1\nbell 2\n"

    run(body)


def test_hanging_up_ends_an_endless_stream(run: Run) -> None:
    async def body(client: Any) -> None:
        async with client.stream("GET", "/steps") as response:
            async for piece in response:
                assert piece.startswith(b"step\n")
                break
        await until_told(client, "the steps have ended")

    run(body)


def test_a_socket_has_the_session_and_tells_the_view_that_its_client_has_gone(run: Run, sockets: str) -> None:
    async def body(client: Any) -> None:
        await client.post("/enter", data={"name": "Ada"})
        async with client.websocket("/door") as socket:
            await socket.send("hello")
            await socket.send(b"\x00\xff")
            assert [await socket.receive(), await socket.receive()] == ["Ada: hello", b"\x00\xff"]
        await until_told(client, "the door is shut")

    run(body)


def test_a_socket_is_refused_and_closed_by_the_view(run: Run, sockets: str) -> None:
    async def body(client: Any) -> None:
        with pytest.raises((SocketRejected, Rejected)) as refused:
            async with client.websocket("/door"):
                pytest.fail("it is not open")
        assert status_of(refused.value) == (403 if sockets == "gunicorn-asgi" else 401)  # it has only that one
        await client.post("/enter", data={"name": "Ada"})
        async with client.websocket("/door") as socket:
            await socket.send("close")
            with pytest.raises(SocketClosed) as closed:
                await socket.receive()
            told = closed.value.code, closed.value.reason
            assert told == ((1005, "") if sockets == "granian-rsgi" else (4000, "for today"))

    run(body)
