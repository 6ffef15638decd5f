"""Async generators as bodies: one meaning over WSGI and ASGI, for the generator, its request and its client."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import pytest
from loop_tools import Connection, on_a_loop, tasks_left
from werkzeug.test import create_environ

from erlen import Response, g, request, session, stream_with_context
from erlen.errors import ViewResultError

_variable: ContextVar[str] = ContextVar("async_stream_tests_variable", default="unset")


@pytest.fixture
def ended(app: Any) -> list[Any]:
    """What the teardowns of the application saw, and in which thread the first of them ran."""
    seen: list[Any] = []

    @app.teardown_request
    def teardown_request(error: Any) -> None:
        seen.append(("request", error, request.path))

    @app.teardown_appcontext
    async def teardown_appcontext(error: Any) -> None:
        await asyncio.sleep(0)
        seen.append(("app", error, g.get("open")))

    return seen


def add_view(app: Any, kind: str, answer: Callable[[], Any], rule: str = "/") -> None:
    """Register a plain or an async view that returns what *answer* makes."""

    async def aanswer() -> Any:
        return answer()

    app.add_url_rule(rule, rule, answer if kind == "plain" else aanswer, methods=["GET", "POST"])


def call(app: Any, path: str = "/") -> Any:
    return app(create_environ(path), lambda status, headers, exc_info=None: None)


async def two_pieces() -> AsyncIterator[str]:
    yield "größe "
    await asyncio.sleep(0)
    yield "two"


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("wrap", [lambda made: made, Response, lambda made: (made, 200)])
def test_an_async_generator_is_a_body(app: Any, kind: str, wrap: Any) -> None:
    add_view(app, kind, lambda: wrap(two_pieces()))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text) == (200, "größe two")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Content-Length" not in answer.headers


def test_any_object_that_async_for_takes_is_a_body(app: Any) -> None:
    class Countdown:
        def __init__(self) -> None:
            self.left = 3

        def __aiter__(self) -> Countdown:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return b"%d" % self.left

    add_view(app, "async", Countdown)
    assert app.test_client().get("/").data == b"210"


def test_an_async_iterable_may_be_put_into_a_response_later(app: Any) -> None:
    @app.get("/")
    async def index() -> Any:
        response = Response()
        response.response = two_pieces()
        return response

    assert app.test_client().get("/").text == "größe two"


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_one_task_makes_all_pieces_so_that_timeouts_and_variables_reach_across_a_yield(app: Any, kind: str) -> None:
    async def pieces() -> AsyncIterator[str]:
        async with asyncio.timeout(60):
            task = asyncio.current_task()
            _variable.set("set")
            yield "a"
            await asyncio.sleep(0)
            yield str(asyncio.current_task() is task)
            yield _variable.get()

    add_view(app, kind, pieces)
    assert app.test_client().get("/").text == "aTrueset"
    assert _variable.get() == "unset"


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_no_piece_is_made_before_the_last_one_was_taken(app: Any, kind: str) -> None:
    made: list[int] = []

    async def pieces() -> AsyncIterator[str]:
        for number in range(5):
            made.append(number)
            yield str(number)

    add_view(app, kind, pieces)
    body = iter(call(app))
    assert made == []
    assert next(body) == b"0"
    assert next(body) == b"1"
    assert made == [0, 1]
    body.close()
    assert made == [0, 1]


def test_closing_a_body_runs_the_finally_of_its_generator_and_waits_for_it(app: Any) -> None:
    noted: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            await asyncio.sleep(0.01)
            noted.append("finally")

    @app.get("/")
    async def index() -> Any:
        response = Response(pieces())
        response.call_on_close(lambda: noted.append("on close"))
        return response

    body = iter(call(app))
    next(body)
    body.close()
    assert noted == ["finally", "on close"]
    body.close()
    assert noted == ["finally", "on close"]
    with pytest.raises(StopIteration):
        next(body)


def test_a_body_that_is_dropped_is_ended_on_its_loop(app: Any) -> None:
    noted = threading.Event()

    async def pieces() -> AsyncIterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            noted.set()

    add_view(app, "async", pieces)
    body = iter(call(app))
    next(body)
    del body
    gc.collect()
    assert noted.wait(10)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_where_there_is_no_body_the_generator_does_not_begin_and_is_closed(
    app: Any, ended: list[Any], method: str, status: int
) -> None:
    begun: list[int] = []
    closed: list[int] = []

    async def pieces() -> AsyncIterator[str]:
        begun.append(1)
        yield "a"

    @app.get("/")
    async def index() -> Any:
        response = Response(stream_with_context(pieces()), status)
        response.call_on_close(lambda: closed.append(1))
        return response

    answer = app.test_client().open("/", method=method)
    assert (answer.status_code, answer.data) == (status, b"")
    assert (begun, closed) == ([], [1])
    assert [kind for kind, _, _ in ended] == ["request", "app"]


def test_another_type_than_text_and_bytes_is_refused_with_the_name_of_the_generator(app: Any) -> None:
    async def numbers() -> AsyncIterator[Any]:
        yield 5

    add_view(app, "async", numbers)
    with pytest.raises(ViewResultError, match=r"numbers has yielded 5, of the type int\. Write: yield str\("):
        app.test_client().get("/")


def test_a_generator_that_raises_shows_its_error_to_the_teardowns_and_breaks_the_answer(
    app: Any, ended: list[Any]
) -> None:
    error = ValueError("in the middle")

    async def pieces() -> AsyncIterator[str]:
        yield "first"
        raise error

    add_view(app, "async", lambda: stream_with_context(pieces()))
    with pytest.raises(ValueError, match="in the middle"):
        _ = app.test_client().get("/").data
    assert ended == [("request", error, "/"), ("app", error, None)]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_with_context_the_request_stays_until_the_last_piece(app: Any, ended: list[Any], kind: str) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield request.path
        await asyncio.sleep(0)
        yield g.open
        yield f"{len(ended)}{session.get('user', 'nobody')}"

    def answer() -> Any:
        g.open = "kept"
        return stream_with_context(pieces())

    add_view(app, kind, answer, "/s")
    assert app.test_client().get("/s").text == "/skept0nobody"
    assert ended == [("request", None, "/s"), ("app", None, "kept")]


def test_an_async_generator_function_may_be_decorated(app: Any, ended: list[Any]) -> None:
    @app.get("/s")
    async def index() -> Any:
        @stream_with_context
        async def pieces(word: str) -> AsyncIterator[str]:
            yield word
            yield request.path

        assert pieces.__name__ == "pieces"
        return pieces("at ")

    assert app.test_client().get("/s").text == "at /s"
    assert len(ended) == 2


def test_an_async_function_that_yields_nothing_is_no_stream(app: Any) -> None:
    @stream_with_context  # type: ignore[arg-type]
    async def nothing() -> None: ...

    with app.test_request_context(), pytest.raises(TypeError, match=r"nothing\(\) at .*is async and yields nothing"):
        nothing()


def test_a_stream_with_context_that_nobody_begins_lets_its_request_go(app: Any, ended: list[Any]) -> None:
    @app.get("/")
    async def index() -> Any:
        made = stream_with_context(two_pieces())
        del made
        return "something else"

    assert app.test_client().get("/").text == "something else"
    assert len(ended) == 2


def test_a_view_that_fails_after_it_has_made_a_stream_is_torn_down_once(app: Any, ended: list[Any]) -> None:
    @app.get("/")
    async def index() -> Any:
        return stream_with_context(two_pieces()), 200, "no headers"

    @app.errorhandler(500)
    def handled(error: Any) -> Any:
        return "handled", 500

    app.logger.disabled = True
    assert app.test_client().get("/").text == "handled"
    gc.collect()
    assert len(ended) == 2


def test_teardowns_of_an_async_stream_run_in_the_thread_of_the_requests_plain_code(make_app: Any) -> None:
    app = make_app()
    threads: list[int] = []
    app.before_request(lambda: threads.append(threading.get_ident()))
    app.teardown_request(lambda error: threads.append(threading.get_ident()))
    add_view(app, "async", lambda: stream_with_context(two_pieces()))
    assert app.test_client().get("/").text == "größe two"
    assert len(threads) == 2
    assert threads[0] == threads[1]


def test_a_plain_class_of_responses_takes_the_pieces_plainly(make_app: Any) -> None:
    app = make_app()

    class Own(Response):
        def iter_encoded(self) -> Any:
            return (piece.upper() for piece in super().iter_encoded())

    app.response_class = Own
    add_view(app, "async", two_pieces)
    assert app.test_client().get("/").data == "größe two".encode().upper()


def test_an_after_request_function_may_read_the_body_whole(app: Any) -> None:
    @app.after_request
    def read(response: Any) -> Any:
        response.headers["X-Length"] = str(len(response.get_data()))
        return response

    add_view(app, "async", two_pieces)
    answer = app.test_client().get("/")
    assert (answer.headers["X-Length"], answer.text) == ("11", "größe two")


def test_a_client_that_goes_away_cancels_the_generator_where_it_waits_and_then_ends_the_request(make_app: Any) -> None:
    app = make_app()
    noted: list[str] = []

    @app.teardown_request
    def teardown(error: Any) -> None:
        noted.append(f"teardown {type(error).__name__}")

    @app.get("/")
    async def index() -> Any:
        async def pieces() -> AsyncIterator[str]:
            try:
                yield "a"
                connection.gone.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                noted.append("cancelled")
                raise
            finally:
                await asyncio.sleep(0.01)
                noted.append("finally")

        return stream_with_context(pieces())

    async def work() -> int:
        nonlocal connection
        connection = Connection()
        await connection.ask(app)
        return await tasks_left()

    connection: Any = None
    assert on_a_loop(work) == 0
    assert noted == ["cancelled", "finally", "teardown CancelledError"]
    assert connection.answer == (200, b"a")


def test_a_client_that_goes_away_while_a_piece_is_on_its_way_closes_the_generator(make_app: Any) -> None:
    app = make_app()
    noted: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        try:
            while True:
                yield "a"
        except GeneratorExit:
            noted.append("closed")
            raise
        finally:
            await asyncio.sleep(0)
            noted.append("finally")

    add_view(app, "async", pieces)

    class Leaving(Connection):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if len(self.sent) == 3:
                self.gone.set()
                await asyncio.Event().wait()  # the buffers are full

    async def work() -> int:
        await Leaving().ask(app)
        return await tasks_left()

    assert on_a_loop(work) == 0
    assert noted == ["closed", "finally"]


def test_a_plain_view_with_an_async_stream_gives_its_thread_back_first(make_app: Any) -> None:
    app = make_app(THREADS=1)
    add_view(app, "plain", lambda: "quick", "/quick")

    @app.get("/")
    def index() -> Any:
        async def pieces() -> AsyncIterator[str]:
            yield "a"
            other = Connection()
            await other.ask(app, "/quick")
            yield other.answer[1].decode()

        return pieces()

    async def work() -> Any:
        connection = Connection()
        await connection.ask(app)
        return connection.answer

    assert on_a_loop(work) == (200, b"aquick")
