"""Event streams: headers, heartbeats, the request that stays for the source, and how a stream ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from loop_tools import Connection, on_a_loop, tasks_left
from werkzeug.test import create_environ

from erlen import EventStream, ServerSentEvent, outflow, request, session
from erlen.errors import ContextError


def add_stream(app: Any, source: Callable[[], Any], **options: Any) -> None:
    @app.get("/events")
    async def events() -> Any:
        return EventStream(source(), **options)


async def two_events() -> AsyncIterator[Any]:
    yield ServerSentEvent("one", id="1")
    await asyncio.sleep(0)
    yield {"number": 2}


def two_plain_events() -> Iterator[Any]:
    yield ServerSentEvent("one", id="1")
    yield {"number": 2}


@pytest.mark.parametrize("source", [two_events, two_plain_events])
def test_an_event_stream_has_its_headers_and_its_events(app: Any, source: Any) -> None:
    add_stream(app, source, retry=2000, headers={"X-More": "yes"})
    answer = app.test_client().get("/events")
    assert answer.text == 'retry: 2000\n\nid: 1\ndata: one\n\ndata: {"number":2}\n\n'.replace(
        '{"number":2}', app.json.dumps({"number": 2})
    )
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["X-More"] == "yes"
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("source", ["async", "plain"])
def test_the_source_has_its_request_and_the_teardowns_come_after_it(app: Any, source: str) -> None:
    noted: list[str] = []
    app.teardown_request(lambda error: noted.append("teardown"))

    async def events() -> AsyncIterator[str]:
        await asyncio.sleep(0)
        yield f"{request.path} {request.last_event_id} {noted}"

    def plain_events() -> Iterator[str]:
        yield f"{request.path} {request.last_event_id} {noted}"

    add_stream(app, events if source == "async" else plain_events)
    answer = app.test_client().get("/events", headers={"Last-Event-ID": "41"})
    assert answer.text == "data: /events 41 []\n\n"
    assert noted == ["teardown"]


def test_without_a_header_there_is_no_last_event_id(app: Any) -> None:
    with app.test_request_context():
        assert request.last_event_id is None


def test_the_request_need_not_stay(app: Any) -> None:
    noted: list[str] = []
    app.teardown_request(lambda error: noted.append("teardown"))

    async def events() -> AsyncIterator[str]:
        yield str(noted)

    add_stream(app, events, keep_context=False)
    assert app.test_client().get("/events").text == "data: ['teardown']\n\n"


def test_silence_is_filled_and_loses_no_event(app: Any) -> None:
    """The source waits across many heartbeats, in one task, and is never cancelled."""
    asked = threading.Event()

    async def events() -> AsyncIterator[str]:
        task = asyncio.current_task()
        for number in range(3):
            while not asked.is_set():
                await asyncio.sleep(0.001)
            asked.clear()
            yield f"{number} {asyncio.current_task() is task}"

    add_stream(app, events, heartbeat=0.005)
    body = iter(app(create_environ("/events"), lambda status, headers, exc_info=None: None))
    for number in range(3):
        assert next(body) == b":\n\n"
        assert next(body) == b":\n\n"
        asked.set()
        while (piece := next(body)) == b":\n\n":
            pass
        assert piece == b"data: %d True\n\n" % number
    assert b"".join(body).replace(b":\n\n", b"") == b""


def test_no_event_is_asked_for_before_the_last_one_was_taken(app: Any) -> None:
    made: list[int] = []

    async def events() -> AsyncIterator[str]:
        for number in range(5):
            made.append(number)
            yield str(number)

    add_stream(app, events)
    body = iter(app(create_environ("/events"), lambda status, headers, exc_info=None: None))
    assert next(body) == b"data: 0\n\n"
    body.close()
    assert len(made) <= 2


def test_a_stream_that_is_closed_from_outside_ends_well_and_its_source_is_cancelled(app: Any) -> None:
    noted: list[str] = []
    streams: list[EventStream] = []
    app.teardown_request(lambda error: noted.append("teardown"))

    async def events() -> AsyncIterator[str]:
        try:
            yield "one"
            threading.Thread(target=streams[0].close).start()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            noted.append("finally")

    @app.get("/events")
    async def index() -> Any:
        streams.append(EventStream(events()))
        return streams[0]

    assert app.test_client().get("/events").text == "data: one\n\n"
    assert noted == ["finally", "teardown"]


def test_a_stream_that_is_closed_before_it_begins_sends_nothing_and_is_torn_down(app: Any) -> None:
    noted: list[str] = []
    app.teardown_request(lambda error: noted.append("teardown"))

    @app.get("/events")
    async def index() -> Any:
        stream = EventStream(two_events())
        stream.close()
        return stream

    assert app.test_client().get("/events").text == ""
    assert noted == ["teardown"]


def test_an_error_of_the_source_breaks_the_stream(app: Any) -> None:
    async def events() -> AsyncIterator[str]:
        yield "one"
        raise ValueError("the source failed")

    add_stream(app, events)
    with pytest.raises(ValueError, match="the source failed"):
        _ = app.test_client().get("/events").data


def test_a_head_request_begins_no_stream(app: Any) -> None:
    noted: list[str] = []
    app.teardown_request(lambda error: noted.append("teardown"))

    async def events() -> AsyncIterator[str]:
        noted.append("begun")
        yield "one"

    add_stream(app, events)
    assert app.test_client().head("/events").data == b""
    assert noted == ["teardown"]


def test_a_client_that_goes_away_ends_the_source_and_then_the_request(make_app: Any) -> None:
    app = make_app()
    noted: list[str] = []
    app.teardown_request(lambda error: noted.append("teardown"))

    async def events() -> AsyncIterator[str]:
        try:
            yield "one"
            connection.gone.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            noted.append("finally")

    add_stream(app, events)

    async def work() -> int:
        nonlocal connection
        connection = Connection()
        await connection.ask(app, "/events")
        return await tasks_left()

    connection: Any = None
    assert on_a_loop(work) == 0
    assert noted == ["finally", "teardown"]


@pytest.mark.parametrize("bad", [0, -1])
def test_a_heartbeat_that_is_no_time_is_refused(app: Any, bad: float) -> None:
    with app.app_context(), pytest.raises(ValueError, match="heartbeat=None"):
        EventStream(two_events(), heartbeat=bad)


def test_an_event_stream_needs_an_application() -> None:
    with pytest.raises(ContextError, match="EventStream"):
        EventStream([])


# --- the session -----------------------------------------------------------------------------------------------------


def test_the_end_of_a_session_ends_a_plain_stream_at_its_next_event(app: Any) -> None:
    noted: list[str] = []

    def ticks() -> Iterator[str]:
        try:
            while True:
                yield "tick"
        finally:
            noted.append("ended")

    add_stream(app, ticks)
    app.add_url_rule("/in", "sign_in", lambda: (session.update(name="ada"), session.sid)[1])
    client = app.test_client()
    handle = client.get("/in").text
    answer = client.get("/events")
    pieces = iter(answer.response)
    assert [next(pieces) for _ in range(3)] == [b"data: tick\n\n"] * 3
    assert app.sessions.revoke(handle)
    assert set(pieces) <= {b"data: tick\n\n"}  # there is an end
    answer.close()
    assert noted == ["ended"]
    assert app._session_watch._open == {}


def test_the_end_of_a_session_ends_an_async_stream_where_it_waits(app: Any) -> None:
    noted: list[str] = []

    async def waits() -> AsyncIterator[str]:
        try:
            yield "begun"
            await asyncio.Event().wait()
        finally:
            noted.append("ended")

    add_stream(app, waits)
    app.add_url_rule("/in", "sign_in", lambda: (session.update(name="ada"), session.sid)[1])

    async def main() -> None:
        async with app.async_test_client() as client:
            handle = (await client.get("/in")).text
            async with client.stream("GET", "/events") as answer:
                pieces = aiter(answer)
                assert await anext(pieces) == b"data: begun\n\n"
                assert await app.sessions.arevoke(handle)
                assert [piece async for piece in pieces] == []
            async with client.stream("GET", "/events") as answer:  # a stranger now, whose stream is his own
                assert await anext(aiter(answer)) == b"data: begun\n\n"

    asyncio.run(main())
    assert noted == ["ended", "ended"]
    assert app._session_watch._open == {}


def test_a_source_that_swallows_its_end_is_ended_all_the_same(app: Any) -> None:
    noted: list[str] = []

    async def stubborn() -> AsyncIterator[str]:
        try:
            yield "begun"
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                noted.append("swallowed")
            yield "more"
        finally:
            noted.append("ended")

    add_stream(app, stubborn)

    async def main() -> None:
        async with app.async_test_client() as client, client.stream("GET", "/events") as answer:
            assert await anext(aiter(answer)) == b"data: begun\n\n"

    asyncio.run(main())
    assert noted == ["swallowed", "ended"]


class Deaf(Connection):
    """A client that takes the beginning of its answer, and reads on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = asyncio.Event()
        self.reads = asyncio.Event()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if len(self.sent) == 3:
            self.is_full.set()
            await self.reads.wait()


def endless_events(noted: list[str]) -> AsyncIterator[str]:
    async def made() -> AsyncIterator[str]:
        try:
            while True:
                yield "news"
        finally:
            noted.append("ended")

    return made()


def endless_plain_events(noted: list[str]) -> Iterator[str]:
    try:
        while True:
            yield "news"
    finally:
        noted.append("ended")


def revoke_while_the_client_is_deaf(app: Any, source: Callable[[list[str]], Any], then: Callable[[Deaf], Any]) -> Any:
    """Return what was sent, and what was noted at the end of a stream whose session is revoked."""
    noted: list[str] = []
    add_stream(app, lambda: source(noted))
    app.add_url_rule("/in", "sign_in", lambda: (session.update(name="ada"), session.sid)[1])
    app.teardown_request(lambda error: noted.append(f"teardown {error}") if request.path == "/events" else None)
    client = app.test_client()
    handle = client.get("/in").text
    cookie = client.get_cookie("session")
    header = f"{cookie.decoded_key}={cookie.value}".encode()

    async def main() -> tuple[list[Any], int]:
        deaf = Deaf()
        stream = asyncio.create_task(deaf.ask(app, "/events", "GET", (b"cookie", header)))
        await deaf.is_full.wait()
        assert await app.sessions.arevoke(handle)
        then(deaf)
        await stream
        return deaf.sent, await tasks_left()

    sent, left = on_a_loop(main)
    assert left == 0
    assert app._session_watch._open == {}
    return sent, noted


@pytest.mark.parametrize("source", [endless_events, endless_plain_events])
def test_the_end_of_a_session_ends_a_stream_whose_client_does_not_read(
    app: Any, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outflow, "_GRACE", 0.01)
    sent, noted = revoke_while_the_client_is_deaf(app, source, lambda deaf: None)
    assert len(sent) == 3  # nothing that would tell that the stream is complete
    assert noted == ["ended", "teardown None"]


@pytest.mark.parametrize("source", [endless_events, endless_plain_events])
def test_a_client_that_reads_in_time_is_told_that_the_stream_of_its_ended_session_is_complete(
    app: Any, source: Any
) -> None:
    sent, noted = revoke_while_the_client_is_deaf(app, source, lambda deaf: deaf.reads.set())
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    assert noted == ["ended", "teardown None"]


@pytest.mark.parametrize("source", [endless_events, endless_plain_events])
def test_a_server_that_cancels_a_stream_is_heeded_in_the_grace_of_its_client(app: Any, source: Any) -> None:
    with pytest.raises(asyncio.CancelledError):
        revoke_while_the_client_is_deaf(app, source, lambda deaf: asyncio.get_running_loop().call_soon(cancel_streams))


def cancel_streams() -> None:
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "") == "Connection.ask":
            task.cancel()
