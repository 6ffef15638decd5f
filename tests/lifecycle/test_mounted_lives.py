"""The start and the end of ASGI applications of somebody else that are mounted in one of Erlen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from erlen import websocket
from erlen.errors import ServingError
from erlen.testing import LifespanFailed

Application = Callable[[Any, Any, Any], Awaitable[None]]


@pytest.fixture
def events() -> list[str]:
    """What has happened, in order."""
    return []


def guest(events: list[str], name: str = "guest", fails: str = "", words: str = "") -> Application:
    """Make an ASGI application that notes its start and its end, and answers with what it has put into its state.

    :param fails: the phase that it cannot complete, and says so
    :param words: what it says about that
    """

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{phase}"
                events.append(f"{name} {phase}")
                if phase == fails:
                    await send({"type": f"lifespan.{phase}.failed", "message": words})
                    raise LookupError("no database")
                scope["state"]["name"] = name
                await send({"type": f"lifespan.{phase}.complete"})
            return
        events.append(f"{name} request")
        text = f"{scope['state']['name']} at {scope['root_path']}"
        scope["state"]["name"] = "changed by a request"
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": text})
            await send({"type": "websocket.close"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return application


def add_life(app: Any, events: list[str]) -> None:
    @app.before_serving
    def begin() -> None:
        events.append("host begins")

    @app.after_serving
    async def end() -> None:
        events.append("host ends")


def test_a_guest_starts_after_its_host_and_ends_before_it(app: Any, events: list[str]) -> None:
    add_life(app, events)
    app.mount("/guest", guest(events))
    app.mount("/guest/second", guest(events, "second"))
    with app.serving():
        client = app.test_client()
        for _ in range(2):
            assert client.get("/guest/").text == "guest at /guest"
        assert client.get("/guest/second/").text == "second at /guest/second"
    assert events == [
        "host begins", "second startup", "guest startup", "guest request", "guest request", "second request",
        "guest shutdown", "second shutdown", "host ends",
    ]  # fmt: skip


def test_the_server_of_an_async_test_drives_it_and_its_sockets_see_its_state(app: Any, events: list[str]) -> None:
    app.mount("/guest", guest(events))

    async def main() -> None:
        async with app.async_test_client() as client:
            assert events == ["guest startup"]
            assert (await client.get("/guest/")).text == "guest at /guest"
            async with client.websocket("/guest/ws") as socket:
                assert await socket.receive() == "guest at /guest"

    asyncio.run(main())
    assert events == ["guest startup", "guest request", "guest request", "guest shutdown"]


def test_it_is_started_by_the_first_request_where_no_server_announces_the_start(app: Any, events: list[str]) -> None:
    app.mount("/guest", guest(events))
    app.test_client().get("/nowhere")
    assert events == ["guest startup"]


def test_a_guest_of_a_guest_lives_too(make_app: Any, events: list[str]) -> None:
    host, between = make_app(), make_app()
    between.mount("/guest", guest(events))
    host.mount("/between", between)
    with host.serving():
        assert host.test_client().get("/between/guest/").text == "guest at /between/guest"
    assert events == ["guest startup", "guest request", "guest shutdown"]


def test_each_life_has_a_state_of_its_own(app: Any, events: list[str]) -> None:
    seen: list[Any] = []

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["state"]))
        scope["state"]["number"] = len(seen)
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    app.mount("/guest", counting)
    for _ in range(2):
        with app.serving():
            pass
    assert seen == [{}, {}]


@pytest.mark.parametrize("words", ["the pool is empty", ""])
def test_a_guest_that_cannot_start_keeps_its_host_from_being_served_and_tells_the_cause(
    app: Any, events: list[str], words: str
) -> None:
    add_life(app, events)

    @app.while_serving
    async def pool() -> Any:
        events.append("pool opens")
        yield
        events.append("pool closes")

    app.mount("/guest", guest(events, fails="startup", words=words))
    app.mount("/guest/second", guest(events, "second"))
    text = f"The application mounted at '/guest' could not start: {words or 'LookupError: '}"

    async def main() -> None:
        with pytest.raises(LifespanFailed, match=text) as caught:
            async with app.async_test_client():
                raise AssertionError("it is served")
        cause = caught.value.__cause__
        assert isinstance(cause, ServingError)
        assert isinstance(cause.__cause__, LookupError)

    asyncio.run(main())
    assert events == [
        "host begins", "pool opens", "second startup", "guest startup", "second shutdown", "pool closes",
    ]  # fmt: skip


def test_a_guest_that_cannot_end_is_told_of_and_the_others_end_all_the_same(
    app: Any, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    add_life(app, events)
    app.mount("/guest", guest(events, fails="shutdown", words="the pool leaks"))
    with pytest.raises(ServingError, match="mounted at '/guest' could not end: the pool leaks"), app.serving():
        pass
    assert events[-2:] == ["guest shutdown", "host ends"]
    assert "the pool leaks" in caplog.text


async def asserts_its_type(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http", "a request is what is known here"


async def takes_all_for_requests(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answer"})


async def ignores_it(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await takes_all_for_requests(scope, receive, send)


@pytest.mark.parametrize("application", [asserts_its_type, takes_all_for_requests, ignores_it])
def test_a_guest_that_knows_no_lifespan_is_served_without(
    app: Any, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    app.mount("/guest", application)
    with app.serving():
        if application is not asserts_its_type:
            assert app.test_client().get("/guest/").text == "answer"
        assert app.test_client().get("/").status_code == 404
    assert caplog.text == ""


def test_a_guest_that_raises_at_its_start_is_served_and_named_in_the_log(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request", "no request"

    app.mount("/guest", raises)
    with app.serving():
        pass
    assert "The application mounted at '/guest' is served without its start and end" in caplog.text
    assert "AssertionError: no request" in caplog.text


def test_a_guest_that_breaks_while_it_is_served_is_told_of_at_the_end(app: Any) -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise SystemExit(3)

    app.mount("/guest", breaks)
    with (
        pytest.raises(ServingError, match=r"could not end: RuntimeError: .* has raised SystemExit\(3\)"),
        app.serving(),
    ):
        assert app.test_client().get("/").status_code == 404


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
def test_a_guest_that_waits_for_another_message_does_not_keep_its_host(app: Any, phase: str) -> None:
    left: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            if phase == "startup":
                await send({"type": "lifespan.startup.failed"})
            else:
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
            await receive()
        finally:
            left.append(phase)

    app.mount("/guest", waits)
    if phase == "startup":
        with pytest.raises(ServingError, match="could not start: it does not say why"), app.serving():
            pass
    else:
        with app.serving():
            pass
    assert left == [phase]


def test_a_socket_of_the_host_needs_no_start_of_a_guest(app: Any, events: list[str]) -> None:
    @app.websocket("/ws")
    async def talk() -> None:
        await websocket.send(str(events))

    app.mount("/guest", guest(events))

    async def main() -> None:
        async with app.async_test_client(lifespan=False) as client, client.websocket("/ws") as socket:
            assert await socket.receive() == "['guest startup']"

    asyncio.run(main())
