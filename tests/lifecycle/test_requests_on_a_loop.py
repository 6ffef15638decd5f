"""Requests of a server with an event loop, in process: its messages are made here, byte for byte."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Any

import pytest
from loop_tools import PATIENCE, Connection, on_a_loop
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen import (
    Request,
    Response,
    app_ctx,
    appcontext_popped,
    appcontext_pushed,
    g,
    request,
    session,
    stream_with_context,
)
from erlen.lifecycle.threads import Threads, Worker
from erlen.sessions.interface import SessionInterface


@pytest.mark.parametrize("size", [300, 300_000])
def test_a_plain_view_may_raise_the_limit_for_a_body_that_says_its_length(make_app: Any, size: int) -> None:
    app = make_app(MAX_CONTENT_LENGTH=100)

    @app.post("/")
    def index() -> str:
        request.max_content_length = None
        return str(len(request.get_data()))

    async def work() -> Any:
        connection = Connection(*[b"x" * 100] * (size // 100))
        await connection.ask(app, "/", "POST", (b"content-length", str(size).encode()))
        return connection.answer

    assert on_a_loop(work) == (200, str(size).encode())


def test_an_async_hook_may_raise_the_limit_after_it_has_waited_for_something(make_app: Any) -> None:
    app = make_app(MAX_CONTENT_LENGTH=100)

    @app.before_request
    async def raise_it() -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        request.max_content_length = None

    @app.post("/")
    async def index() -> str:
        return str(len(request.get_data()))

    async def work() -> Any:
        connection = Connection(*[b"x" * 1000] * 5)
        await connection.ask(app, "/", "POST", (b"content-length", b"5000"))
        return connection.answer

    assert on_a_loop(work) == (200, b"5000")


def test_async_hooks_may_read_the_body_of_a_request_that_no_rule_matched(app: Any) -> None:
    @app.before_request
    async def read() -> None:
        g.body = request.get_data()

    @app.errorhandler(404)
    async def handle(error: Any) -> Any:
        return g.body, 404

    async def work() -> Any:
        connection = Connection(b"hello")
        await connection.ask(app, "/nowhere", "POST", (b"content-length", b"5"))
        return connection.answer

    assert on_a_loop(work) == (404, b"hello")


def test_an_async_view_that_streams_waits_for_no_thread(make_app: Any) -> None:
    app = make_app(THREADS=1)
    entered = threading.Event()
    streamed = threading.Event()

    @app.get("/plain")
    def plain() -> str:
        entered.set()
        streamed.wait(PATIENCE / 2)
        return str(streamed.is_set())

    @app.get("/stream")
    async def stream() -> Any:
        return Response(iter(["a", "b"]))

    async def work() -> Any:
        outer, inner = Connection(), Connection()
        asking = asyncio.create_task(outer.ask(app, "/plain"))
        while not entered.is_set():
            await asyncio.sleep(0)
        await inner.ask(app, "/stream")
        streamed.set()
        await asking
        return outer.answer, inner.answer

    assert on_a_loop(work) == ((200, b"True"), (200, b"ab"))


@pytest.mark.parametrize("who", ["client", "server"])
def test_every_teardown_runs_although_the_request_is_cancelled_during_one(app: Any, who: str) -> None:
    seen: list[str] = []
    connections: list[Connection] = []
    inside: list[asyncio.Event] = []

    @app.teardown_appcontext
    async def last(error: Any) -> None:
        seen.append("last")

    @app.teardown_request
    async def first(error: Any) -> None:
        inside[0].set()
        if who == "client":
            connections[0].gone.set()
        for _ in range(10):
            await asyncio.sleep(0)
        seen.append("first")

    @app.get("/")
    async def index() -> str:
        return "x"

    async def work() -> None:
        inside.append(asyncio.Event())
        connections.append(Connection())
        task = asyncio.create_task(connections[0].ask(app))
        await inside[0].wait()
        if who == "server":
            task.cancel()
        await asyncio.wait([task])

    on_a_loop(work)
    assert seen == (["first", "last"] if who == "client" else ["last"])  # a server that stops waits for none


def test_first_requests_that_wait_do_not_take_the_threads_that_the_functions_need(app: Any) -> None:
    @app.before_first_request
    async def first() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await asyncio.to_thread(lambda: None)

    @app.get("/")
    async def index() -> str:
        return "x"

    async def work() -> Any:
        connections = [Connection() for _ in range(50)]
        async with asyncio.timeout(PATIENCE / 2):
            await asyncio.gather(*(connection.ask(app) for connection in connections))
        return {connection.answer for connection in connections}

    assert on_a_loop(work) == {(200, b"x")}


def test_a_loop_that_does_not_run_is_not_waited_for(app: Any, finishes: Any) -> None:
    @app.get("/")
    async def index() -> str:
        return "x"

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(Connection().ask(app))
        assert app.test_client().get("/").text == "x"
        assert finishes(lambda: app.test_client().get("/").text) == "x"
    finally:
        loop.close()


def test_no_request_is_put_behind_a_stream() -> None:
    async def work() -> None:
        threads = Threads(1)
        streaming = threads.take()
        threads.let_stream(streaming)
        others = [threads.take() for _ in range(8)]
        shared = threads.take()
        for worker in (streaming, *others, shared):
            threads.give_back(worker)
        assert shared is not streaming

    on_a_loop(work)


def test_the_limit_of_threads_holds_where_a_foreign_session_is_opened(make_app: Any) -> None:
    app = make_app(THREADS=1)
    running: list[int] = [0]
    most: list[int] = [0]
    lock = threading.Lock()

    class Foreign(SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            return None

        def save_session(self, app: Any, session: Any, response: Any) -> None: ...

    app.session_interface = Foreign()

    @app.get("/")
    def index() -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.02)
        with lock:
            running[0] -= 1
        return "x"

    async def work() -> None:
        await asyncio.gather(*(Connection().ask(app) for _ in range(10)))

    on_a_loop(work)
    assert most == [1]


def test_a_stream_of_an_async_view_resets_what_a_plain_hook_has_set(app: Any) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    tokens: list[Token[str]] = []

    @app.before_request
    def before() -> None:
        tokens.append(variable.set("set"))

    @app.get("/")
    async def index() -> Any:
        def pieces() -> Iterator[str]:
            yield variable.get()
            variable.reset(tokens[0])
            yield variable.get()

        return Response(stream_with_context(pieces()))

    async def work() -> Any:
        connection = Connection()
        await connection.ask(app)
        return connection.answer

    assert on_a_loop(work) == (200, b"setunset")


def test_a_context_that_was_told_to_begin_is_told_to_end_if_the_body_cannot_be_fetched(app: Any) -> None:
    seen: list[str] = []
    pushed, popped = (lambda *_, **__: seen.append("pushed")), (lambda *_, **__: seen.append("popped"))
    appcontext_pushed.connect(pushed, app)
    appcontext_popped.connect(popped, app)
    app.teardown_appcontext(lambda error: seen.append("torn down"))
    app.post("/")(lambda: "x")

    async def work() -> None:
        connection = Connection()
        connection.left.clear()
        task = asyncio.create_task(connection.ask(app, "/", "POST", (b"content-length", b"5")))
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    on_a_loop(work)
    assert seen == ["pushed", "torn down", "popped"]


def test_a_server_that_cancels_after_the_client_has_gone_is_heard(app: Any) -> None:
    @app.get("/")
    async def index() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            leaving.set()
            await let.wait()

    leaving = asyncio.Event()
    let = asyncio.Event()

    async def work() -> bool:
        connection = Connection()
        connection.gone.set()
        task = asyncio.create_task(connection.ask(app))
        await leaving.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert on_a_loop(work)


@pytest.mark.parametrize(
    "kind",
    [
        *("client gone", "cancelled", "propagated", "stream breaks", "open_session breaks"),
        *("too late", "too late, handled", "plain and too late", "body too late"),
    ],
)
def test_nothing_of_a_request_that_ended_badly_waits_for_the_garbage_collector(make_app: Any, kind: str) -> None:
    app = make_app(TESTING=kind == "propagated")
    app.logger.disabled = True
    kept: list[Any] = []

    def keep() -> None:
        kept.append(weakref.ref(app_ctx._get_current_object()))  # type: ignore[attr-defined]

    class Foreign(SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            keep()
            raise ValueError("not opened")

    if kind == "open_session breaks":
        app.session_interface = Foreign()

    def pieces() -> Iterator[str]:
        yield "a"
        raise ValueError("broken")

    if "too late" in kind:
        app.config.update(RESPONSE_TIMEOUT=0.2, BODY_TIMEOUT=0.001)  # long enough for the view to be called
    if kind == "too late, handled":
        app.errorhandler(504)(lambda error: ("too late", 504))
    if kind == "body too late":
        app.before_request(keep)

    @app.post("/")
    @app.get("/plain")
    def plain() -> str:
        keep()
        if "too late" in kind:
            time.sleep(0.3)
        return "plain"

    @app.get("/")
    async def index() -> Any:
        keep()
        await asyncio.sleep(0)
        if kind == "stream breaks":
            return Response(pieces())
        if kind == "propagated":
            raise ValueError("to the server")
        return await asyncio.Event().wait()

    async def work() -> None:
        connection = Connection()
        path, method = "/plain" if kind.startswith("plain") else "/", "POST" if kind.startswith("body") else "GET"
        if method == "POST":
            connection.left = []
        task = asyncio.create_task(connection.ask(app, path, method, (b"content-length", b"10")))
        if kind == "client gone":
            connection.gone.set()
        elif kind == "cancelled":
            while not kept:
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()

    gc.collect()
    gc.disable()
    try:
        on_a_loop(work)
        deadline = time.monotonic() + PATIENCE
        while kept[0]() is not None and time.monotonic() < deadline:
            time.sleep(0.001)  # a thread may still be letting go of it
        assert [context() for context in kept] == [None]
    finally:
        gc.enable()
        app.logger.disabled = False


def test_the_threads_of_an_application_end_with_it(make_app: Any) -> None:
    def serve() -> list[Any]:
        app = make_app()
        threads: list[Any] = []

        @app.get("/")
        def index() -> str:
            threads.append(threading.current_thread())
            return "x"

        on_a_loop(lambda: Connection().ask(app))
        return threads

    (thread,) = serve()
    gc.collect()
    thread.join(PATIENCE / 2)
    assert not thread.is_alive()


def test_a_status_that_is_no_number_is_named(app: Any) -> None:
    app.get("/")(lambda: Response("x", status="banana"))
    with pytest.raises(ValueError, match="The status '0 banana' cannot be sent: write a number from 100 to 999"):
        on_a_loop(lambda: Connection().ask(app))


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is handed to threads meanwhile."""
    hops: list[str] = []
    do = Worker.do

    def counted(worker: Worker, work: Any) -> None:
        hops.append("to the thread")
        do(worker, work)

    monkeypatch.setattr(Worker, "do", counted)
    return hops


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_is_plain_as_a_whole_goes_to_a_thread_and_back_once(
    app: Any, monkeypatch: pytest.MonkeyPatch, hops: list[str], method: str
) -> None:

    @app.before_request
    def before() -> None:
        session["visits"] = session.get("visits", 0) + 1

    @app.after_request
    def after(response: Any) -> Any:
        return response

    @app.teardown_request
    def teardown(error: Any) -> None: ...

    @app.teardown_appcontext
    def teardown_app(error: Any) -> None: ...

    @app.route("/", methods=[method])
    def index() -> str:
        return request.get_data().decode() or "nothing"

    async def work() -> Any:
        loop = asyncio.get_running_loop()
        back = loop.call_soon_threadsafe

        def counted_back(*args: Any, **kwargs: Any) -> Any:
            hops.append("to the loop")
            return back(*args, **kwargs)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted_back)
        connection = Connection(b"sent")
        await connection.ask(app, "/", method, (b"content-length", b"4"))
        return connection.answer

    assert on_a_loop(work) == (200, b"sent")
    assert hops == ["to the thread", "to the loop"]


@pytest.mark.parametrize("handled", [False, True], ids=["by its own page", "by a handler, which may block"])
def test_a_page_that_does_not_exist_goes_to_a_thread_only_for_a_plain_error_handler(
    app: Any, hops: list[str], handled: bool
) -> None:
    if handled:
        app.errorhandler(404)(lambda error: ("own page", 404))

    async def work() -> Any:
        connection = Connection()
        await connection.ask(app, "/nothing")
        return connection.answer

    status, body = on_a_loop(work)
    assert status == 404
    assert (body == b"own page") is handled
    assert hops == (["to the thread"] if handled else [])


def test_an_endpoint_without_a_view_is_named_on_a_loop(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    app.add_url_rule("/", "forgotten")

    async def work() -> Any:
        connection = Connection()
        await connection.ask(app)
        return connection.answer

    assert on_a_loop(work)[0] == 500
    assert "The rule for endpoint 'forgotten' matched, but the endpoint has no view function." in caplog.text


@pytest.mark.parametrize(
    "kind", [Request, type("Own", (Request,), {"__init__": lambda *args: Request.__init__(*args)})]
)
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_a_query_means_on_a_loop_what_it_means_elsewhere(app: Any, kind: Any, is_async: bool) -> None:
    app.request_class = kind

    def seen() -> dict[str, Any]:
        return {"args": request.args.to_dict(flat=False), "raw": request.query_string.decode("latin1")}

    if is_async:

        @app.get("/")
        async def waiting() -> dict[str, Any]:
            return seen()
    else:
        app.get("/")(seen)

    async def work(path: str) -> bytes:
        connection = Connection()
        await connection.ask(app, path)
        return connection.answer[1]

    for query in ("", "a=1&b=%C3%BC&a=2&c&=&d=+", "%FF=%zz"):
        found = on_a_loop(lambda: work("/?" + query))  # noqa: B023 - called here
        expected = WerkzeugRequest(EnvironBuilder(query_string=query).get_environ())
        assert json.loads(found) == {"args": expected.args.to_dict(flat=False), "raw": query}
