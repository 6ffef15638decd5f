"""Answers and bodies that take too long, over real servers."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import Site, connect, get, read_answer

HERE = Path(__file__).resolve().parent
SERVERS = ["granian", "gunicorn", "granian-asgi", "granian-rsgi", "uvicorn", "hypercorn", "gunicorn-asgi"]


@pytest.fixture(scope="module", params=SERVERS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(HERE / "timeout_app.py", folder)
    with start(request.param, "timeout_app:app", folder) as started:
        with httpx.Client(base_url=started.url, timeout=30, verify=False) as http:
            yield Site(request.param, started, folder, http)
        started.stop()
        assert not re.findall(r"^[\w.]+(?:Error|Exception)\b.*", started.log, re.MULTILINE)


@contextlib.contextmanager
def half_sent(port: int, path: str) -> Iterator[socket.socket]:
    """Send half of a request's body."""
    with connect(port) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
        connection.sendall(head.encode() + b"01234")
        yield connection


def test_an_async_view_that_takes_too_long_is_504_and_its_finally_and_the_teardown_run(site: Site) -> None:
    answer = site.http.get("/async/cut")
    assert (answer.status_code, answer.text) == (504, "too late: /async/cut")
    assert site.events.until("cut", "teardown") == ["finally", "teardown"]


def test_a_view_that_is_done_in_time_answers(site: Site) -> None:
    assert site.http.get("/soon").text == "soon"


def test_the_client_of_a_plain_view_is_not_kept_where_the_server_lets_it_go(site: Site) -> None:
    mark = "plain"
    if site.is_wsgi:
        site.open_gate(mark)
        assert site.http.get(f"/plain/{mark}").text == "done"
        return
    answer = site.http.get(f"/plain/{mark}")
    assert (answer.status_code, answer.text) == (504, f"too late: /plain/{mark}")
    assert site.events.of(mark) == []
    site.open_gate(mark)
    assert site.events.until(mark, "teardown") == ["done", "teardown"]
    assert "wait_plainly() at " in site.server.log
    assert site.http.get("/").text == "at once", "the one thread is free again"


def test_slow_clients_keep_no_thread(site: Site) -> None:
    """There is one thread for plain views, and ten clients have sent half of their bodies."""
    if site.is_wsgi:
        pytest.skip("the threads of a WSGI server are its own")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(half_sent(site.port, "/patient")) for _ in range(10)]
        assert site.http.get("/").text == "at once"
        for connection in slow:
            connection.sendall(b"56789")
        for connection in slow:
            assert read_answer(connection, "POST").body == b"0123456789"


@pytest.mark.parametrize("path", ["/impatient", "/impatient-async"])
def test_a_body_that_does_not_come_is_408_and_its_thread_is_free(site: Site, path: str) -> None:
    if site.is_wsgi:
        pytest.skip("a WSGI server reads the body itself, by its own limits")
    with half_sent(site.port, path) as connection:
        answer = read_answer(connection, "POST")
        assert (answer.status, answer.body) == (408, b"your body did not come")
    assert site.http.post("/patient", content=b"whole").text == "whole"


def test_a_connection_is_good_for_the_next_request_after_a_504(site: Site) -> None:
    with connect(site.port) as connection:
        connection.sendall(b"GET /async/again HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection).status == 504
        connection.sendall(get("/"))
        assert read_answer(connection).body == b"at once"
