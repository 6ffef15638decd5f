"""Streams over a socket, of answers and of requests, the same on every kind of server."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import Site, at_once, connect, get, read_answer, read_until, until

HERE = Path(__file__).resolve().parent

SERVERS = ["granian", "gunicorn", "granian-asgi", "uvicorn", "hypercorn", "granian-rsgi"]


@pytest.fixture(scope="module", params=SERVERS)
def streams(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(HERE / "stream_app.py", folder)
    with (
        start(request.param, "stream_app:app", folder) as started,
        httpx.Client(base_url=started.url, verify=False) as http,
    ):
        http.timeout = 30
        yield Site(request.param, started, folder, http)


def seen(site: Site, mark: str, last: str) -> list[str]:
    """Wait until *last* has been noted under *mark*, by asking another route, and return all that was."""

    def found() -> list[str]:
        noted: list[str] = site.http.get(f"/seen/{mark}").json()
        return noted if last in noted else []

    return until(found, f"{last!r} among what was noted under {mark!r}")


@pytest.mark.parametrize("path", ["stream", "stream-of-plain-view"])
def test_an_async_stream_arrives_in_pieces_with_its_request(streams: Site, path: str) -> None:
    mark = f"pieces-{path}"
    with streams.http.stream("GET", f"/{path}/{mark}") as answer:
        pieces = answer.iter_text()
        assert next(pieces) == "one "
        assert streams.http.get(f"/seen/{mark}").json() == []
        streams.open_gate(mark)
        assert "".join(pieces) == f"two /{path}/{mark} kept g"
        assert "Content-Length" not in answer.headers
    assert seen(streams, mark, "teardown") == ["teardown"]


def test_a_plain_stream_arrives_in_pieces_with_its_request(streams: Site) -> None:
    with streams.http.stream("GET", "/plain-stream/plain") as answer:
        pieces = answer.iter_text()
        assert next(pieces) == "one "
        streams.open_gate("plain")
        assert "".join(pieces) == "two /plain-stream/plain"
    assert seen(streams, "plain", "teardown") == ["teardown"]


def test_a_template_is_streamed_by_the_loop(streams: Site) -> None:
    assert streams.http.get("/template").text == "/template 012"


def test_many_async_streams_are_open_at_once_where_the_server_has_a_loop(streams: Site) -> None:
    if streams.is_wsgi:
        pytest.skip("a stream holds a thread of a WSGI server")
    mark = "many"
    with httpx.Client(
        base_url=streams.server.url, timeout=30, limits=httpx.Limits(max_connections=None), verify=False
    ) as http:
        opened = [http.send(http.build_request("GET", f"/stream-of-plain-view/{mark}"), stream=True) for _ in range(60)]
        assert streams.http.get("/").text == "here"
        streams.open_gate(mark)
        assert {answer.read() for answer in opened} == {f"one two /stream-of-plain-view/{mark} kept g".encode()}


def test_a_client_that_hangs_up_ends_the_generator_and_then_the_request(streams: Site) -> None:
    mark = "hangs-up"
    with connect(streams.port) as connection:
        connection.sendall(get(f"/endless/{mark}"))
        read_until(connection, b"xxxx")
    assert seen(streams, mark, "teardown") == ["finally", "teardown"]


def test_a_client_that_hangs_up_while_the_generator_waits_ends_it_where_the_server_has_a_loop(streams: Site) -> None:
    """A WSGI server notices when the next heartbeat cannot be sent."""
    mark = "hangs-up-waiting"
    with connect(streams.port) as connection:
        connection.sendall(get(f"/events/{mark}"))
        read_until(connection, b"data: one")
    assert seen(streams, mark, "teardown") == ["finally", "teardown"]


@pytest.mark.parametrize("path", ["flood", "flood-plain"])
def test_the_end_of_a_session_ends_its_streams_though_the_client_does_not_read(streams: Site, path: str) -> None:
    if streams.is_wsgi:
        pytest.skip("a WSGI server waits for the client by itself")
    with httpx.Client(base_url=streams.server.url, timeout=30) as http, connect(streams.port) as connection:
        http.post("/in")
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        connection.sendall(get(f"/{path}/{path}", f"Cookie: {cookies}"))
        read_until(connection, b"xxxx")
        http.post("/out")
        assert seen(streams, path, "teardown") == ["finally", "teardown"]


def test_hanging_up_many_times_leaves_nothing_behind(streams: Site) -> None:
    def hang_up(number: int) -> None:
        with connect(streams.port) as connection:
            connection.sendall(get(f"/endless/many-{number}"))
            read_until(connection, b"xxxx")

    at_once(hang_up, 12, threads=3)
    for number in range(12):
        assert seen(streams, f"many-{number}", "teardown") == ["finally", "teardown"]


def test_a_stream_that_breaks_is_torn_down_and_logged_and_does_not_look_complete(streams: Site) -> None:
    complete = True
    try:
        streams.http.get("/breaks/breaks")
    except httpx.RemoteProtocolError:
        complete = False
    assert seen(streams, "breaks", "teardown") == ["teardown"]
    until(lambda: "RuntimeError: the stream broke" in streams.server.log, "the error in the log")
    # Over these two granian ends an answer as if it were complete, whatever the application does.
    assert complete is (streams.kind in ("granian", "granian-rsgi"))


def test_head_of_a_stream_has_no_body_and_ends_its_request(streams: Site) -> None:
    with connect(streams.port) as connection:
        connection.sendall(b"HEAD /stream/head HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = read_answer(connection, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert seen(streams, "head", "teardown") == ["teardown"]


def test_events_arrive_as_they_are_made_with_heartbeats_between_them(streams: Site) -> None:
    mark = "events"
    with streams.http.stream("GET", f"/events/{mark}", headers={"Last-Event-ID": "41"}) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "Content-Length" not in answer.headers
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(6)] == ["retry: 1000", "", "event: count", "id: 1", "data: one", ""]
        assert [next(lines) for _ in range(4)] == [":", "", ":", ""]
        streams.open_gate(mark)
        assert [line for line in lines if line not in (":", "")] == ['data: {"after":"41"}']
    assert seen(streams, mark, "teardown") == ["finally", "teardown"]


@pytest.mark.parametrize("path", ["/sum", "/sum-plain"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_body_is_taken_as_it_comes(streams: Site, path: str, chunked: bool) -> None:
    content = os.urandom(900_000)
    sent: Any = (content[at : at + 30_000] for at in range(0, len(content), 30_000)) if chunked else content
    answer = streams.http.post(path, content=sent).json()
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("path", ["/sum", "/sum-plain"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_body_beyond_the_limit_is_413(streams: Site, path: str, chunked: bool) -> None:
    sent: Any = (b"x" * 10_000 for _ in range(101)) if chunked else b"x" * 1_010_000
    try:  # on a connection of its own: hypercorn answers no further request where a body was not read to its end
        status = httpx.post(streams.server.url + path, content=sent, timeout=30, verify=False).status_code
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        return  # the server hangs up as soon as it has answered
    assert status == 413


def test_the_parts_of_a_form_are_taken_as_they_come(streams: Site) -> None:
    content = os.urandom(300_000)
    answer = streams.http.post("/parts", data={"title": "ü"}, files={"file": ("größe.bin", content)})
    assert answer.json() == [
        ["title", None, hashlib.sha256("ü".encode()).hexdigest()],
        ["file", "größe.bin", hashlib.sha256(content).hexdigest()],
    ]


def test_a_body_is_answered_while_it_comes(streams: Site) -> None:
    assert streams.http.post("/echo", content=iter([b"a" * 1000, b"b" * 1000])).text == "A" * 1000 + "B" * 1000


def test_a_client_that_goes_away_in_the_middle_of_its_body_ends_the_view(streams: Site) -> None:
    mark = "broken-off"
    with connect(streams.port) as connection:
        head = f"POST /swallow/{mark} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 100_000)
        if not streams.is_wsgi:
            assert seen(streams, mark, "piece")
    noted = [text for text in seen(streams, mark, "teardown") if text != "piece"]
    assert noted == ["ClientDisconnected", "finally", "teardown"]
