"""Work beside the requests, and after their responses."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen import abort, after_response, copy_current_request_context, current_app, g, request, session, websocket
from erlen import has_request_context as has_request

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def events() -> list[str]:
    """What has happened, in order."""
    return []


def work(events: list[str], colour: str) -> Callable[..., Any]:
    """Make a function that notes its arguments and what it sees."""

    def plain(*args: Any, **kwargs: Any) -> None:
        events.append(f"{args} {kwargs} in {current_app.name}, a request: {has_request()}, g: {'word' in g}")
        g.word = "kept"

    async def not_plain(*args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        plain(*args, **kwargs)

    return plain if colour == "plain" else not_plain


both = pytest.mark.parametrize("colour", ["plain", "async"])
DONE = "('a',) {'b': 2} in lifecycle_app, a request: False, g: False"


@both
@pytest.mark.parametrize("view", ["plain", "async"])
def test_a_view_starts_a_task_with_a_context_of_its_own(app: Any, events: list[str], colour: str, view: str) -> None:
    def index() -> str:
        g.word = "of the request"
        app.add_background_task(work(events, colour), "a", b=2)
        return "answer"

    async def async_index() -> str:
        return index()

    app.add_url_rule("/", "index", index if view == "plain" else async_index)
    with app.serving():
        assert app.test_client().get("/").text == "answer"
    assert events == [DONE]


@both
def test_hooks_start_up_functions_and_plain_code_start_tasks(app: Any, events: list[str], colour: str) -> None:
    def add() -> None:
        app.add_background_task(work(events, colour), "a", b=2)

    app.before_serving(add)
    app.before_request(add)
    app.add_url_rule("/", "index", lambda: "answer")
    with app.serving():
        app.test_client().get("/")
        add()
    assert events == [DONE] * 3


@both
def test_a_task_may_start_another_one_while_the_application_ends(app: Any, events: list[str], colour: str) -> None:
    ending = threading.Event()

    def first() -> None:
        ending.wait()
        app.add_background_task(work(events, colour), "a", b=2)

    with app.serving():
        app.add_background_task(first)
        ending.set()
    assert events == [DONE]


@both
def test_a_decorator_may_hide_an_async_task(app: Any, events: list[str], colour: str) -> None:
    function = work(events, "async")
    with app.serving():
        app.add_background_task(lambda: function("a", b=2))
    assert events == [DONE]


@both
def test_what_a_task_raises_is_logged_under_its_name(
    app: Any, caplog: pytest.LogCaptureFixture, colour: str, events: list[str]
) -> None:
    @app.teardown_appcontext
    def teardown(error: BaseException | None) -> None:
        events.append(repr(error))

    def broken() -> None:
        raise LookupError("no mail server")

    async def async_broken() -> None:
        broken()

    with app.serving():
        events.clear()
        app.add_background_task(broken if colour == "plain" else async_broken)
    assert "LookupError('no mail server')" in events
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "broken() at" in record.message
    assert record.message.startswith("The background task ")
    assert "LookupError: no mail server" in caplog.text


def test_a_task_that_ends_the_program_ends_itself_alone(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> None:
        sys.exit("bye")

    with app.serving():
        app.add_background_task(leave)
        app.add_background_task(sys.exit, "bye")
    assert caplog.text.count("SystemExit: bye") == 2


def test_tasks_are_waited_for_before_the_application_ends(app: Any, events: list[str]) -> None:
    gates = [threading.Event(), threading.Event()]

    async def slow() -> None:
        await asyncio.to_thread(gates[0].wait)
        events.append("async task")

    def plain() -> None:
        gates[1].wait()
        events.append("plain task")

    @app.while_serving
    def serve() -> Iterator[None]:
        yield
        events.append("ends")

    with app.serving():
        app.add_background_task(slow)
        app.add_background_task(plain)
        for gate in gates:
            gate.set()
    assert sorted(events[:2]) == ["async task", "plain task"]
    assert events[2:] == ["ends"]


def test_tasks_that_are_late_are_cancelled_or_left_behind_and_named(
    app: Any, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.01
    gate, begun = threading.Event(), threading.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            events.append("cleaned up")

    def plain() -> None:
        begun.set()
        gate.wait()

    app.after_serving(lambda: events.append("after"))
    with app.serving():
        app.add_background_task(slow)
        app.add_background_task(plain)
        begun.wait()
    gate.set()
    assert events == ["cleaned up", "after"]
    slow_one = next(record.message for record in caplog.records if "slow() at" in record.message)
    assert "was cancelled: the application is ending, and it was not done after 0.01 seconds" in slow_one
    plain_one = next(record.message for record in caplog.records if "plain() at" in record.message)
    assert "still runs in its thread, which cannot be stopped" in plain_one


def test_a_task_that_does_not_let_itself_be_cancelled_does_not_keep_the_application_from_ending(
    app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("erlen.lifecycle.tasks._GRACE", 0.01)
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0
    enough = threading.Event()

    async def stubborn() -> None:
        while not enough.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                continue

    with app.serving():
        app.add_background_task(stubborn)
    assert "was cancelled and does not end: it is left behind" in caplog.text
    enough.set()


def test_no_task_is_started_once_the_tasks_are_finished(app: Any, events: list[str]) -> None:
    @app.after_serving
    def after() -> None:
        with pytest.raises(RuntimeError, match="is not started: the application is ending"):
            app.add_background_task(work(events, "plain"))
        events.append("refused")

    with app.serving():
        pass
    assert events == ["refused"]


def test_no_more_plain_tasks_run_at_once_than_there_are_threads(make_app: Any, events: list[str]) -> None:
    app = make_app(THREADS=2)
    running, most = [0], [0]
    lock, begun, gate = threading.Lock(), threading.Semaphore(0), threading.Event()

    def task() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        begun.release()
        gate.wait()
        with lock:
            running[0] -= 1
        events.append("done")

    app.add_url_rule("/", "index", lambda: "answer")
    with app.serving():
        for _ in range(6):
            app.add_background_task(task)
        begun.acquire()
        begun.acquire()
        assert app.test_client().get("/").text == "answer"  # requests have threads of their own
        gate.set()
    assert (most, len(events)) == ([2], 6)


def test_a_failing_start_up_cancels_the_tasks_that_it_has_started(app: Any, events: list[str]) -> None:
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            events.append("cancelled")

    @app.before_serving
    async def start() -> None:
        app.add_background_task(slow)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise LookupError("no database")

    with pytest.raises(LookupError), app.serving():
        pass
    assert events == ["cancelled"]


def test_a_task_that_is_cancelled_before_its_first_step_is_over_and_named(
    app: Any, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def never_begun() -> None:
        events.append("begun")

    @app.before_serving
    async def fail() -> None:
        app.add_background_task(never_begun)
        raise RuntimeError("no database")

    async def main() -> list[Any]:
        with pytest.raises(RuntimeError, match="no database"):
            async with app.async_test_client():
                pass
        living: list[Any] = app._serving._tasks.living
        return living

    assert asyncio.run(main()) == []
    assert events == []
    assert "never_begun() at" in caplog.text
    assert "was cancelled" in caplog.text
    assert "left behind" not in caplog.text


def test_tasks_of_a_program_that_serves_nothing_are_finished_at_its_end(tmp_path: Path) -> None:
    code = """
import asyncio, threading
from erlen import Erlen

app = Erlen("program")

async def slow():
    await asyncio.to_thread(print, "async", flush=True)

app.add_background_task(slow)
app.add_background_task(print, "plain", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")}, check=False,
    )  # fmt: skip
    assert (sorted(done.stdout.split()), done.stderr) == (["async", "plain"], "")


# After the response.


@both
@pytest.mark.parametrize("view", ["plain", "async", "stream", "short"])
def test_work_after_a_response_sees_the_request_and_the_session(
    app: Any, events: list[str], colour: str, view: str
) -> None:
    def after(word: str) -> None:
        events.append(f"{word} {request.path} {session['user']} {'word' in g}")

    async def async_after(word: str) -> None:
        after(word)

    def index() -> Any:
        g.word = "of the request"
        session["user"] = "ada"
        after_response(after if colour == "plain" else async_after, "mail")
        events.append("view")
        return iter(["an", "swer"]) if view == "stream" else b"answer"

    async def async_index() -> Any:
        return index()

    app.add_url_rule("/", "index", async_index if view == "async" else index)
    if view == "short":
        app.after_request(lambda response: response)
    with app.serving():
        response = app.test_client().get("/")
        assert response.text == "answer"
    assert events == ["view", "mail / ada False"]


def test_work_starts_when_the_server_has_taken_the_body_and_not_before(app: Any, events: list[str]) -> None:
    started = threading.Event()

    @app.get("/")
    def index() -> str:
        after_response(started.set)
        return "answer"

    with app.serving():
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
        environ["wsgi.url_scheme"] = "http"
        body: Any = app(environ, lambda status, headers: events.append(status))
        assert next(body) == b"answer"
        looked = threading.Event()
        app.add_background_task(lambda: (events.append(str(started.is_set())), looked.set()))
        looked.wait()
        body.close()
        started.wait()
    assert events == ["200 OK", "False"]


@pytest.mark.parametrize("place", ["before", "after", "teardown", "handler"])
def test_work_may_be_asked_for_by_every_function_of_a_request(app: Any, events: list[str], place: str) -> None:
    def ask(value: Any = None) -> Any:
        after_response(events.append, place)
        return value if place == "after" else None

    if place == "before":
        app.before_request(lambda: ask())
    elif place == "after":
        app.after_request(ask)
    elif place == "teardown":
        app.teardown_request(ask)
    else:
        app.register_error_handler(404, lambda error: (ask(), ("nothing", 404))[1])
    app.add_url_rule("/", "index", lambda: abort(404) if place == "handler" else "answer")
    with app.serving():
        app.test_client().get("/")
    assert events == [place]


def test_work_is_done_although_the_view_has_failed(app: Any, events: list[str]) -> None:
    @app.get("/")
    def index() -> str:
        after_response(events.append, "done")
        raise LookupError("no database")

    with app.serving():
        app.config["PROPAGATE_EXCEPTIONS"] = True
        with pytest.raises(LookupError):
            app.test_client().get("/")
        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert app.test_client().get("/").status_code == 500
    assert events == ["done", "done"]


def test_the_work_ends_with_the_teardowns_of_a_context_and_not_with_those_of_a_request(
    app: Any, events: list[str]
) -> None:
    app.teardown_request(lambda error: events.append("teardown_request"))
    app.teardown_appcontext(lambda error: events.append(f"teardown_appcontext {g.get('word')}"))

    def work() -> None:
        g.word = "of the work"

    @app.get("/")
    def index() -> str:
        after_response(work)
        return "answer"

    with app.serving():
        events.clear()
        app.test_client().get("/")
    assert events[:3] == ["teardown_request", "teardown_appcontext None", "teardown_appcontext of the work"]


def test_in_a_copy_of_the_request_it_starts_at_once(app: Any, events: list[str]) -> None:
    @app.get("/")
    def index() -> str:
        def in_thread() -> None:
            after_response(events.append, request.path)

        thread = threading.Thread(target=copy_current_request_context(in_thread))
        thread.start()
        thread.join()
        return "answer"

    with app.serving():
        app.test_client().get("/")
    assert events == ["/"]


def test_without_a_request_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="after_response"):
        after_response(print)


def test_work_after_a_websocket_starts_when_it_is_closed(app: Any, events: list[str]) -> None:
    @app.websocket("/socket")
    async def socket() -> None:
        after_response(events.append, "after")
        await websocket.accept()
        events.append("open")

    async def talk() -> None:
        connected = iter([{"type": "websocket.connect"}])

        async def receive() -> dict[str, Any]:
            message = next(connected, None)
            return message or await asyncio.Event().wait()  # type: ignore[func-returns-value]

        async def send(message: dict[str, Any]) -> None:
            events.append(message["type"])

        scope = {"type": "websocket", "scheme": "ws", "path": "/socket", "query_string": b"", "headers": []}
        async with app.serving():
            await app.asgi(scope, receive, send)

    asyncio.run(talk())
    assert events == ["websocket.accept", "open", "websocket.close", "after"]


LATE = """
import threading, time
from werkzeug.test import EnvironBuilder
from erlen import Erlen, after_response

app = Erlen(__name__)
app.config.update(SECRET_KEY="0123456789abcdef0123456789abcdef", SESSION_TYPE="memory")


@app.while_serving
def serve():
    yield
    print("ends")


@app.get("/")
def index():
    after_response(print, "followed")
    return "answer"


pieces = iter(app(EnvironBuilder().get_environ(), lambda status, headers: None))
print(next(pieces).decode())


def take_the_end():
    while not threading._SHUTTING_DOWN:
        time.sleep(0.001)
    list(pieces)


threading.Thread(target=take_the_end, daemon=True).start()
"""


def test_a_process_that_ends_waits_for_the_last_piece_of_a_response_that_work_is_to_follow(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    done = subprocess.run(
        [sys.executable, "late.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout.split(), done.stderr) == (["answer", "followed", "ends"], "")
