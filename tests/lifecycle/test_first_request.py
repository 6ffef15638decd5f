"""before_first_request: once per process, before the first request is answered; the others wait."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from erlen import g, has_app_context, request
from erlen.lifecycle.portal import LoopRunner, PortalRunner
from erlen.lifecycle.runner import DirectRunner


def test_it_runs_once_before_the_first_request_in_its_context(app: Any) -> None:
    ran: list[Any] = []

    @app.before_first_request
    def first() -> None:
        ran.append((request.path, has_app_context()))
        g.prepared = True

    app.route("/<word>")(lambda word: str(g.get("prepared")))
    client = app.test_client()
    assert client.get("/a").text == "True"
    assert client.get("/b").text == "None"
    assert ran == [("/a", True)]


def test_its_result_is_ignored_and_several_run_in_order(app: Any) -> None:
    ran: list[int] = []

    @app.before_first_request
    def one() -> str:
        ran.append(1)
        return "ignored"

    @app.before_first_request
    async def two() -> str:
        ran.append(2)
        return "ignored"

    app.before_first_request(lambda: ran.append(3))
    app.route("/")(lambda: "view")
    assert app.test_client().get("/").text == "view"
    assert ran == [1, 2, 3]


@pytest.mark.parametrize("path", ["/nowhere", "/static/nothing.css"])
def test_any_request_is_the_first(app: Any, path: str) -> None:
    ran: list[str] = []
    app.before_first_request(lambda: ran.append(request.path))
    app.test_client().get(path)
    app.test_client().get(path)
    assert ran == [path]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_parallel_first_requests_wait_until_it_has_run(
    app: Any, finishes: Any, monkeypatch: Any, asynchronous: bool
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    waiting = threading.Semaphore(0)
    ready: list[str] = []
    ran: list[int] = []

    def tell(kind: Any) -> None:
        wait = kind.wait

        async def told(self: Any, event: Any) -> None:
            waiting.release()
            await wait(self, event)

        monkeypatch.setattr(kind, "wait", told)

    tell(DirectRunner)
    tell(PortalRunner)
    tell(LoopRunner)

    async def afirst() -> None:
        begun.set()
        while not go_on.is_set():
            await asyncio.sleep(0)
        ran.append(1)
        ready.append("ready")

    def first() -> None:
        begun.set()
        go_on.wait(10)
        ran.append(1)
        ready.append("ready")

    app.before_first_request(afirst if asynchronous else first)

    @app.route("/plain")
    def plain() -> str:
        return "".join(ready)

    @app.route("/async")
    async def asynchronous_view() -> str:
        return "".join(ready)

    answers: list[str] = []

    def send(path: str) -> None:
        answers.append(app.test_client().get(path).text)

    def play() -> None:
        threads = [threading.Thread(target=send, args=("/plain",), daemon=True)]
        threads[0].start()
        assert begun.wait(10)
        for path in ("/plain", "/async", "/async", "/plain"):
            threads.append(threading.Thread(target=send, args=(path,), daemon=True))
            threads[-1].start()
            waiting.acquire()
        assert answers == []
        go_on.set()
        for thread in threads:
            thread.join()

    finishes(play)
    assert answers == ["ready"] * 5
    assert ran == [1]


def test_a_request_that_claims_it_just_after_another_has_finished_runs_nothing(app: Any) -> None:
    ran: list[int] = []
    app.before_first_request(lambda: ran.append(1))
    app.route("/")(lambda: "view")

    class Lock:
        def __enter__(self) -> None:
            app._first.done = True  # the other one, between the look and the claim

        def __exit__(self, *details: Any) -> None: ...

    app._first._lock = Lock()
    assert app.test_client().get("/").text == "view"
    assert ran == []


def test_if_it_raises_that_request_fails_and_the_next_one_tries_again(app: Any) -> None:
    ran: list[int] = []

    @app.before_first_request
    def first() -> None:
        ran.append(1)
        if len(ran) < 3:
            raise OSError("not yet")

    app.route("/")(lambda: "view")
    client = app.test_client()
    assert [client.get("/").status_code for _ in range(4)] == [500, 500, 200, 200]
    assert len(ran) == 3


def test_a_request_that_waits_while_it_fails_tries_itself(app: Any, finishes: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()
    ran: list[str] = []

    @app.before_first_request
    def first() -> None:
        ran.append(request.path)
        if len(ran) == 1:
            begun.set()
            go_on.wait(10)
            raise OSError("the first time")

    app.route("/<word>")(lambda word: word)
    statuses: dict[str, int] = {}

    def send(path: str) -> None:
        statuses[path] = app.test_client().get(path).status_code

    def play() -> None:
        one = threading.Thread(target=send, args=("/one",), daemon=True)
        one.start()
        assert begun.wait(10)
        two = threading.Thread(target=send, args=("/two",), daemon=True)
        two.start()
        go_on.set()
        one.join()
        two.join()

    finishes(play)
    assert statuses == {"/one": 500, "/two": 200}
    assert ran == ["/one", "/two"]


def test_its_error_is_answered_by_a_handler_like_any_other(app: Any) -> None:
    @app.before_first_request
    def first() -> None:
        raise OSError("not yet")

    app.errorhandler(OSError)(lambda error: ("wait", 503))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (503, "wait")


@pytest.mark.parametrize("outer", ["plain", "async"])
@pytest.mark.parametrize("inner", ["plain", "async"])
def test_a_function_may_send_a_request_to_its_own_application(app: Any, finishes: Any, outer: str, inner: str) -> None:
    warmed: list[str] = []

    @app.before_first_request
    def warm_up() -> None:
        warmed.append(app.test_client().get(f"/{inner}").text)

    app.add_url_rule("/plain", "plain", lambda: "plain")

    @app.route("/async")
    async def asynchronous() -> str:
        return "async"

    assert finishes(lambda: app.test_client().get(f"/{outer}").text) == outer
    assert warmed == [inner]


def test_one_that_an_extension_appends_to_the_registry_runs(app: Any) -> None:
    ran: list[int] = []
    app.before_first_request_funcs.append(lambda: ran.append(1))
    app.test_client().get("/")
    app.test_client().get("/")
    assert ran == [1]


def test_got_first_request_tells_that_set_up_is_over(app: Any) -> None:
    assert app.got_first_request is False
    app.test_client().get("/")
    assert app.got_first_request is True
