"""Streamed bodies: how long the request stays, and that its teardowns run once, however the stream ends."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from werkzeug.test import create_environ

from erlen import Response, g, has_request_context, request, session, stream_with_context
from erlen.callables import drive
from erlen.errors import SessionError

_variable: ContextVar[str] = ContextVar("stream_tests_variable", default="unset")


@pytest.fixture
def ended(app: Any) -> list[Any]:
    """What the teardowns of the application saw."""
    seen: list[Any] = []

    @app.teardown_request
    def teardown_request(error: Any) -> None:
        seen.append(("request", error, request.path))

    @app.teardown_appcontext
    def teardown_appcontext(error: Any) -> None:
        seen.append(("app", error, g.get("open")))

    return seen


def _call(app: Any, path: str = "/") -> Any:
    return app(create_environ(path), lambda status, headers, exc_info=None: None)


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_the_request_stays_until_the_last_piece_and_is_then_torn_down(app: Any, ended: list[Any], kind: str) -> None:
    def pieces() -> Iterator[str]:
        yield request.path
        yield g.open
        yield session.get("user", "nobody")

    def answer() -> Any:
        g.open = "kept"
        return Response(stream_with_context(pieces()))

    async def aanswer() -> Any:
        return answer()

    app.add_url_rule("/s", "s", answer if kind == "plain" else aanswer)
    body = iter(_call(app, "/s"))
    assert next(body) == b"/s"
    assert ended == []
    assert next(body) == b"kept"
    assert next(body) == b"nobody"
    assert ended == []
    with pytest.raises(StopIteration):
        next(body)
    assert ended == [("request", None, "/s"), ("app", None, "kept")]
    with pytest.raises(StopIteration):
        next(body)
    body.close()
    assert len(ended) == 2


def test_a_generator_function_may_be_decorated(app: Any, ended: list[Any]) -> None:
    @app.route("/s")
    def index() -> Any:
        @stream_with_context
        def pieces(word: str) -> Iterator[str]:
            yield word
            yield request.path

        assert pieces.__name__ == "pieces"
        return pieces("at ")

    assert app.test_client().get("/s").text == "at /s"
    assert [kind for kind, _, _ in ended] == ["request", "app"]


def test_without_it_the_request_is_gone_when_the_body_is_made(app: Any, ended: list[Any]) -> None:
    @app.route("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            yield str(has_request_context())

        return pieces()

    assert app.test_client().get("/").text == "False"
    assert len(ended) == 2


def test_a_client_that_hangs_up_closes_the_generator_and_then_the_request(app: Any, ended: list[Any]) -> None:
    closed: list[str] = []

    @app.route("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            try:
                yield "first"
                yield "second"
            finally:
                closed.append(f"{request.path} {len(ended)}")

        return Response(stream_with_context(pieces()))

    body = _call(app)
    next(iter(body))
    body.close()
    assert closed == ["/ 0"]
    assert [kind for kind, _, _ in ended] == ["request", "app"]
    body.close()
    assert len(ended) == 2


def test_a_stream_that_was_never_begun_is_torn_down_by_its_close(app: Any, ended: list[Any]) -> None:
    app.add_url_rule("/", "index", lambda: Response(stream_with_context(iter(["a"]))))
    body = _call(app)
    assert ended == []
    body.close()
    assert [kind for kind, _, _ in ended] == ["request", "app"]


def test_a_head_request_for_a_stream_is_torn_down(app: Any, ended: list[Any]) -> None:
    app.add_url_rule("/", "index", lambda: Response(stream_with_context(iter(["a"]))))
    assert app.test_client().head("/").data == b""
    gc.collect()
    assert [kind for kind, _, _ in ended] == ["request", "app"]


def test_a_generator_that_raises_shows_its_error_to_the_teardowns(app: Any, ended: list[Any]) -> None:
    error = ValueError("in the middle")

    @app.route("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            yield "first"
            raise error

        return Response(stream_with_context(pieces()))

    body = iter(_call(app))
    assert next(body) == b"first"
    with pytest.raises(ValueError, match="in the middle"):
        next(body)
    assert [(kind, seen) for kind, seen, _ in ended] == [("request", error), ("app", error)]


def test_a_generator_that_raises_while_it_is_closed_lets_the_request_go_all_the_same(
    app: Any, ended: list[Any]
) -> None:
    @app.route("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            try:
                yield "first"
            finally:
                raise ValueError("while closing")

        return Response(stream_with_context(pieces()))

    body = _call(app)
    next(iter(body))
    with pytest.raises(ValueError, match="while closing"):
        body.close()
    assert [kind for kind, _, _ in ended] == ["request", "app"]
    assert not has_request_context()


def test_a_stream_made_and_dropped_by_the_view_does_not_keep_the_request(app: Any, ended: list[Any]) -> None:
    @app.route("/")
    def index() -> str:
        stream_with_context(iter(["dropped"]))
        return "other"

    assert app.test_client().get("/").text == "other"
    assert [kind for kind, _, _ in ended] == ["request", "app"]


def test_a_body_that_a_server_drops_without_closing_it_is_torn_down_by_reference_count(
    app: Any, ended: list[Any]
) -> None:
    app.add_url_rule("/", "index", lambda: Response(stream_with_context(iter(["a", "b"]))))
    app.test_client().options("/")
    ended.clear()
    gc.collect()
    gc.disable()
    try:
        body = _call(app)
        next(iter(body))
        assert ended == []
        del body
        kinds = [kind for kind, _, _ in ended]
    finally:
        gc.enable()
        gc.collect()
    assert kinds == ["request", "app"]


def test_a_body_dropped_in_another_thread_is_torn_down_once(app: Any, ended: list[Any]) -> None:
    app.add_url_rule("/", "index", lambda: Response(stream_with_context(iter(["a", "b"]))))
    bodies = [_call(app)]
    next(iter(bodies[0]))

    def drop() -> None:
        bodies.clear()
        gc.collect()

    thread = threading.Thread(target=drop)
    thread.start()
    thread.join()
    assert [kind for kind, _, _ in ended] == ["request", "app"]
    assert not has_request_context()


def test_two_streams_of_one_request_tear_it_down_when_the_last_one_ends(app: Any, ended: list[Any]) -> None:
    @app.route("/")
    def index() -> Any:
        first = stream_with_context(iter(["a"]))
        second = stream_with_context(iter(["b"]))

        def both() -> Iterator[str]:
            yield from first
            assert ended == []
            yield from second

        return both()

    assert app.test_client().get("/").text == "ab"
    assert [kind for kind, _, _ in ended] == ["request", "app"]


def test_a_stream_sees_the_variables_of_its_request_and_leaks_none(app: Any) -> None:
    @app.before_request
    def before() -> None:
        _variable.set("of the hook")

    @app.route("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            yield _variable.get()
            _variable.set("changed")
            yield "|"
            yield _variable.get()

        return Response(stream_with_context(pieces()))

    body = iter(_call(app))
    seen = [next(body), next(body)]
    assert _variable.get() == "unset"
    assert not has_request_context()
    seen.append(next(body))
    assert b"".join(seen) == b"of the hook|changed"
    body.close()


def test_a_generator_that_is_not_wrapped_sees_the_variables_too(app: Any) -> None:
    @app.route("/")
    async def index() -> Any:
        _variable.set("of the view")

        def pieces() -> Iterator[str]:
            yield _variable.get()

        return pieces()

    assert app.test_client().get("/").text == "of the view"


def test_a_request_made_while_streaming_does_not_disturb_the_stream(app: Any) -> None:
    app.add_url_rule("/inner", "inner", lambda: request.path)

    @app.route("/outer")
    def outer() -> Any:
        def pieces() -> Iterator[str]:
            yield request.path
            yield app.test_client().get("/inner").text
            yield request.path

        return Response(stream_with_context(pieces()))

    assert app.test_client().get("/outer").text == "/outer/inner/outer"


def test_async_teardowns_run_at_the_end_of_a_stream(app: Any) -> None:
    seen: list[str] = []

    @app.teardown_request
    async def teardown(error: Any) -> None:
        seen.append(request.path)

    app.add_url_rule("/", "index", lambda: Response(stream_with_context(iter(["a"]))))
    response = app.test_client().get("/")
    assert response.text == "a"
    response.close()
    assert seen == ["/"]


def test_what_is_no_iterator_is_refused(app: Any) -> None:
    with app.test_request_context("/"), pytest.raises(TypeError, match="not iterable"):
        stream_with_context(5)  # type: ignore[call-overload]


def test_outside_of_a_request_the_error_names_stream_with_context() -> None:
    with pytest.raises(RuntimeError, match="'stream_with_context' was used"):
        stream_with_context(iter(["a"]))


@pytest.mark.parametrize("kind", ["bare", "response", "tuple"])
def test_the_teardowns_of_a_stream_that_a_hook_prevents_see_why(app: Any, ended: list[Any], kind: str) -> None:
    refusal = ValueError("a hook after the view failed")

    def stream() -> Any:
        made = stream_with_context(iter(["a"]))
        return {"bare": made, "response": Response(made), "tuple": (made, 201)}[kind]

    @app.after_request
    def refuse(response: Any) -> Any:
        if response.status_code < 300:
            raise refusal
        return response

    app.add_url_rule("/s", "s", stream)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    _call(app, "/s")
    assert ended == [("request", refusal, "/s"), ("app", refusal, None)]


def test_a_stream_that_cannot_be_closed_is_told_of_in_the_log(
    app: Any, ended: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(Response):
        def close(self) -> None:
            raise OSError("it cannot be closed")

    def stream() -> Any:
        return Stuck("a")

    @app.after_request
    def refuse(response: Any) -> Any:
        raise ValueError("a hook after the view failed")

    app.add_url_rule("/s", "s", stream)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    _call(app, "/s")
    assert "A body that was not sent could not be closed." in caplog.text
    assert len(ended) == 2


def test_the_teardowns_of_a_stream_whose_client_leaves_before_it_run_before_the_request_is_left(
    app: Any, ended: list[Any]
) -> None:
    passed = threading.Event()

    async def stream() -> Any:
        return stream_with_context(iter(["a"]))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        left = asyncio.Event()

        @app.after_request
        def wait(response: Any) -> Any:
            loop.call_soon_threadsafe(left.set)
            assert passed.wait(20)
            return response

        async def receive() -> dict[str, Any]:
            await left.wait()
            loop.call_soon(loop.call_soon, passed.set)  # when the request has been told
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            raise AssertionError("there is nobody to send to")

        app.add_url_rule("/s", "s", stream)
        await app.asgi(
            {"type": "http", "method": "GET", "path": "/s", "query_string": b"", "headers": []}, receive, send
        )
        assert [(which, type(error)) for which, error, _ in ended] == [
            ("request", asyncio.CancelledError),
            ("app", asyncio.CancelledError),
        ]

    asyncio.run(main())


def test_the_session_is_stored_before_the_first_byte_of_the_body(app: Any) -> None:
    stored: list[int] = []

    @app.get("/")
    def stream() -> Any:
        session["a"] = 1

        def body() -> Any:
            stored.append(drive(app.session_manager.store.count()))
            yield "first"

        return body()

    assert app.test_client().get("/").text == "first"
    assert stored == [1]


def test_a_commit_in_a_stream_stores_what_it_changes(app: Any) -> None:
    @app.get("/")
    def stream() -> Any:
        session["progress"] = 0

        @stream_with_context
        def body() -> Any:
            for number in range(1, 4):
                session["progress"] = number
                session.commit()
                (record,) = app.session_manager.store._records.values()
                yield record.fields["progress"]

        return body()

    assert app.test_client().get("/").text == "123"


def test_a_first_change_in_a_stream_is_refused_because_no_cookie_can_be_sent(app: Any) -> None:
    told: list[str] = []

    @app.get("/")
    def stream() -> Any:
        @stream_with_context
        def body() -> Any:
            session["a"] = 1
            try:
                session.commit()
            except SessionError as error:
                told.append(str(error))
            yield "done"

        return body()

    assert app.test_client().get("/").text == "done"
    assert told[0].startswith(
        "The session cannot be committed: the response has begun, and a new session needs a cookie"
    )
