"""The life of an application in this process: serving hooks, whoever begins and ends it."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen import Blueprint, current_app, g, has_request_context
from erlen.errors import ServingError, SetupError, SetupFinished, SignatureError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def events() -> list[str]:
    """What has happened, in order."""
    return []


def hook(events: list[str], name: str, colour: str) -> Callable[[], Any]:
    """Make a function that notes that it has run."""

    def plain() -> None:
        events.append(f"{name} of {current_app.name}")

    async def not_plain() -> None:
        await asyncio.sleep(0)
        events.append(f"{name} of {current_app.name}")

    return plain if colour == "plain" else not_plain


def generator(events: list[str], name: str, colour: str) -> Callable[[], Any]:
    """Make a generator function that notes its two halves."""

    def plain() -> Iterator[None]:
        events.append(f"{name} begins")
        yield
        events.append(f"{name} ends")

    async def not_plain() -> AsyncIterator[None]:
        events.append(f"{name} begins")
        await asyncio.sleep(0)
        yield
        await asyncio.sleep(0)
        events.append(f"{name} ends")

    return plain if colour == "plain" else not_plain


def fill(app: Any, events: list[str]) -> None:
    """Register each kind of function in both colours."""
    for colour in ("plain", "async"):
        app.after_serving(hook(events, f"after, {colour}", colour))
        app.while_serving(generator(events, f"while, {colour}", colour))
        app.before_serving(hook(events, f"before, {colour}", colour))
    app.add_url_rule("/", "index", lambda: events.append("request") or "answer")


START = [
    "before, plain of lifecycle_app",
    "before, async of lifecycle_app",
    "while, plain begins",
    "while, async begins",
]
END = [
    "while, async ends",
    "while, plain ends",
    "after, plain of lifecycle_app",
    "after, async of lifecycle_app",
]


def test_functions_run_in_order_and_generators_end_in_reverse(app: Any, events: list[str]) -> None:
    fill(app, events)
    with app.serving():
        assert events == START
        app.test_client().get("/")
        app.test_client().get("/")
    assert events == [*START, "request", "request", *END]


def test_the_same_life_in_an_async_block(app: Any, events: list[str]) -> None:
    fill(app, events)

    async def live() -> None:
        async with app.serving() as served:
            assert served is app
            assert events == START
            await asyncio.to_thread(app.test_client().get, "/")

    asyncio.run(live())
    assert events == [*START, "request", *END]


def test_the_first_request_begins_the_life_where_no_server_has(app: Any, events: list[str]) -> None:
    fill(app, events)
    app.test_client().get("/")
    app.test_client().get("/")
    assert events == [*START, "request", "request"]
    with app.serving():
        pass  # it has begun: this is its end
    assert events[-len(END) :] == END


def test_an_application_can_be_started_again_after_its_end(app: Any, events: list[str]) -> None:
    fill(app, events)
    for _ in range(2):
        with app.serving():
            app.test_client().get("/")
    assert events == [*START, "request", *END] * 2


def test_of_two_blocks_in_each_other_the_outer_one_ends_it(app: Any, events: list[str]) -> None:
    fill(app, events)
    with app.serving():
        with app.serving():
            assert events == START
        assert events == START
    assert events == [*START, *END]


def test_a_blueprint_registers_on_the_application_once(app: Any, events: list[str]) -> None:
    blueprint = Blueprint("shop", __name__)
    blueprint.before_app_serving(hook(events, "before", "async"))
    blueprint.while_app_serving(generator(events, "while", "async"))
    blueprint.after_app_serving(hook(events, "after", "plain"))
    app.register_blueprint(blueprint)
    app.register_blueprint(blueprint, name="again")
    with app.serving():
        pass
    assert events == [
        "before of lifecycle_app", "while begins", "while ends", "after of lifecycle_app",
    ]  # fmt: skip


def test_what_is_mounted_lives_inside_of_the_life_of_the_application(make_app: Any, events: list[str]) -> None:
    outer, inner = make_app(), make_app()
    outer.before_serving(lambda: events.append("outer begins"))
    outer.after_serving(lambda: events.append("outer ends"))
    inner.before_serving(lambda: events.append("inner begins"))
    inner.after_serving(lambda: events.append("inner ends"))
    inner.add_url_rule("/", "index", lambda: events.append("request") or "inner")
    outer.mount("/inner", inner)
    with outer.serving():
        assert outer.test_client().get("/inner/").text == "inner"
    assert events == ["outer begins", "inner begins", "request", "inner ends", "outer ends"]


def test_only_what_is_mounted_has_something_to_start(make_app: Any, events: list[str]) -> None:
    outer, inner = make_app(), make_app()
    inner.before_serving(lambda: events.append("inner begins"))
    outer.mount("/inner", inner)
    outer.test_client().get("/")
    assert events == ["inner begins"]


def test_start_and_end_each_have_an_application_context_which_is_torn_down(app: Any, events: list[str]) -> None:
    @app.before_serving
    def first() -> None:
        g.word = "kept"
        assert not has_request_context()

    @app.while_serving
    async def second() -> AsyncIterator[None]:
        events.append(g.word)
        yield
        assert "word" not in g
        events.append(current_app.name)

    @app.teardown_appcontext
    async def teardown(error: BaseException | None) -> None:
        events.append(f"teardown {g.get('word')} {error}")

    with app.serving():
        assert events == ["kept", "teardown kept None"]
    assert events[2:] == ["lifecycle_app", "teardown None None"]


def test_plain_functions_share_a_thread_and_async_ones_a_task(app: Any) -> None:
    threads, tasks = set(), set()

    @app.while_serving
    def plain() -> Iterator[None]:
        threads.add(threading.get_ident())
        yield
        threads.add(threading.get_ident())

    @app.while_serving
    async def not_plain() -> AsyncIterator[None]:
        tasks.add(asyncio.current_task())
        async with asyncio.TaskGroup():
            yield
        tasks.add(asyncio.current_task())

    @app.after_serving
    def after() -> None:
        threads.add(threading.get_ident())

    with app.serving():
        app.test_client().get("/")
    assert (len(threads), len(tasks)) == (1, 1)
    assert threading.get_ident() not in threads


def test_a_decorator_may_hide_an_async_function(app: Any, events: list[str]) -> None:
    async def start() -> None:
        events.append("started")

    app.before_serving(lambda: start())
    with app.serving():
        assert events == ["started"]


def test_a_request_that_a_start_up_function_sends_does_not_wait_for_the_start_up(
    app: Any, finishes: Any, events: list[str]
) -> None:
    app.add_url_rule("/", "index", lambda: "answer")

    @app.before_serving
    def warm() -> None:
        events.append(app.test_client().get("/").text)

    def live() -> None:
        with app.serving():
            pass

    finishes(live)
    assert events == ["answer"]


def test_requests_wait_until_the_start_up_is_done_and_it_is_done_once(app: Any, events: list[str]) -> None:
    gate, begun = threading.Event(), threading.Event()

    @app.before_serving
    def slow() -> None:
        begun.set()
        gate.wait()
        events.append("started")

    app.add_url_rule("/", "index", lambda: events.append("request") or "answer")
    threads = [threading.Thread(target=lambda: app.test_client().get("/")) for _ in range(5)]
    for thread in threads:
        thread.start()
    begun.wait()
    assert events == []
    gate.set()
    for thread in threads:
        thread.join()
    assert events == ["started", *["request"] * 5]


# What fails.


def test_a_start_up_that_fails_ends_what_it_has_entered_and_raises_the_cause(
    app: Any, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    app.while_serving(generator(events, "entered", "async"))
    app.after_serving(hook(events, "after", "plain"))

    @app.while_serving
    async def broken() -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    app.while_serving(generator(events, "not entered", "plain"))
    with pytest.raises(LookupError, match="no database"), app.serving():
        pytest.fail("it is not served")
    assert events == ["entered begins", "entered ends"]
    assert [record.message for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "The application cannot be served."
    ]
    assert "LookupError: no database" in caplog.text


def test_a_request_fails_with_the_cause_and_the_next_one_tries_again(app: Any, events: list[str]) -> None:
    @app.before_serving
    async def start() -> None:
        events.append("try")
        if len(events) < 3:
            raise LookupError("no database")

    app.add_url_rule("/", "index", lambda: "answer")
    for _ in range(2):
        with pytest.raises(LookupError, match="no database"):
            app.test_client().get("/")
    assert app.test_client().get("/").text == "answer"
    assert app.test_client().get("/").text == "answer"
    assert events == ["try"] * 3


def test_a_start_up_that_ends_the_program_does_not_end_the_loop(app: Any) -> None:
    app.before_serving(lambda: sys.exit("no"))
    with pytest.raises(ServingError, match="has raised SystemExit"), app.serving():
        pytest.fail("it is not served")


def test_what_fails_at_the_end_keeps_nothing_else_from_ending(
    app: Any, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    @app.while_serving
    def broken() -> Iterator[None]:
        yield
        raise LookupError("first")

    @app.after_serving
    async def broken_too() -> None:
        raise KeyError("second")

    app.after_serving(hook(events, "after", "plain"))
    with pytest.raises(LookupError, match="first"), app.serving():
        pass
    assert events == ["after of lifecycle_app"]
    assert "The while_serving function" in caplog.text
    assert "broken_too() at" in caplog.text
    assert "KeyError: 'second'" in caplog.text


@pytest.mark.parametrize("colour", ["plain", "async"])
@pytest.mark.parametrize("yields", [0, 2])
def test_a_generator_with_another_number_of_yields_is_refused(app: Any, colour: str, yields: int) -> None:
    if colour == "plain":

        def serve() -> Iterator[None]:
            for _ in range(yields):
                yield
    else:

        async def serve() -> AsyncIterator[None]:  # type: ignore[misc]
            for _ in range(yields):
                yield

    app.while_serving(serve)
    wanted = "without reaching a yield" if yields == 0 else "a second yield"
    with pytest.raises(ServingError, match=wanted), app.serving():
        pass


def test_a_while_serving_function_that_makes_no_generator_is_named(app: Any) -> None:
    def serve() -> int:
        return 7

    app.while_serving(serve)
    wanted = r"serve\(\) at .* returned 7. It must be a generator function"
    with pytest.raises(ServingError, match=wanted), app.serving():
        pass


def test_an_async_function_without_a_yield_is_refused_where_it_is_registered(app: Any) -> None:
    async def serve() -> None: ...

    for register in (app.while_serving, Blueprint("shop", __name__).while_app_serving):
        with pytest.raises(SetupError, match="it has no yield"):
            register(serve)


@pytest.mark.parametrize("name", ["before_serving", "after_serving", "while_serving"])
def test_functions_that_want_arguments_and_late_ones_are_refused(app: Any, name: str) -> None:
    with pytest.raises(SignatureError):
        getattr(app, name)(lambda error: None)
    app.test_client().get("/")
    with pytest.raises(SetupFinished):
        getattr(app, name)(lambda: None)


# Who begins and ends it.


async def lifespan(app: Any, *kinds: str, said: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Have the conversation of an ASGI server with *app*, and return what the application says."""
    said = [] if said is None else said
    messages = iter(kinds)

    async def receive() -> dict[str, Any]:
        kind = next(messages, None)
        if kind is None:
            await asyncio.Event().wait()
        return {"type": f"lifespan.{kind}"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await app.asgi({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    return said


def test_an_asgi_server_begins_and_ends_it(app: Any, events: list[str]) -> None:
    fill(app, events)
    said = asyncio.run(lifespan(app, "startup", "shutdown"))
    assert [message["type"] for message in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert events == [*START, *END]


def test_an_asgi_server_is_told_why_the_start_or_the_end_failed(make_app: Any) -> None:
    app = make_app()
    app.before_serving(lambda: {}["database"])
    assert asyncio.run(lifespan(app, "startup")) == [
        {"type": "lifespan.startup.failed", "message": "KeyError: 'database'"}
    ]
    app = make_app()
    app.after_serving(lambda: {}["database"])
    assert asyncio.run(lifespan(app, "startup", "shutdown"))[1:] == [
        {"type": "lifespan.shutdown.failed", "message": "KeyError: 'database'"}
    ]


def test_a_conversation_that_the_server_drops_is_an_end(app: Any, events: list[str]) -> None:
    fill(app, events)

    async def serve() -> None:
        said: list[dict[str, Any]] = []
        conversation = asyncio.create_task(lifespan(app, "startup", said=said))
        while not said:
            await asyncio.sleep(0)
        conversation.cancel()
        await asyncio.gather(conversation, return_exceptions=True)

    asyncio.run(serve())
    assert events == [*START, *END]


def test_a_loop_that_ends_without_an_announcement_is_an_end(app: Any, events: list[str]) -> None:
    fill(app, events)

    async def serve() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: dict[str, Any]) -> None: ...

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await app.asgi(scope, receive, send)

    asyncio.run(serve())
    assert events == [*START, "request", *END]


def test_an_rsgi_server_begins_and_ends_it(app: Any, events: list[str]) -> None:
    fill(app, events)
    loop = asyncio.new_event_loop()
    app.__rsgi_init__(loop)
    assert events == START
    app.__rsgi_del__(loop)
    loop.close()
    assert events == [*START, *END]


def test_an_rsgi_server_gets_the_cause(app: Any) -> None:
    app.before_serving(lambda: {}["database"])
    loop = asyncio.new_event_loop()
    with pytest.raises(KeyError, match="database"):
        app.__rsgi_init__(loop)
    loop.close()


def in_a_process(code: str, folder: Path) -> list[str]:
    """Run a program and return the lines it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=folder,
        env={"PYTHONPATH": str(ROOT / "src")}, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


PROGRAM = """
import asyncio, os, threading
from erlen import Erlen

app = Erlen("program")
app.config["SESSION_TYPE"] = None
closes = threading.Event()


def say(text):
    print(f"{'child' if os.getpid() != parent else 'parent'} {text}", flush=True)


@app.while_serving
async def serve():
    # A thread that Python waits for before it calls what atexit knows.
    threading.Thread(target=closes.wait).start()
    say("begins")
    yield
    await asyncio.to_thread(say, "ends")
    closes.set()


app.add_url_rule("/", "index", lambda: say("request") or "x")
parent = os.getpid()
app.test_client().get("/")
"""


def test_the_end_of_the_process_ends_it_while_threads_and_pools_still_work(tmp_path: Path) -> None:
    assert in_a_process(PROGRAM, tmp_path) == ["parent begins", "parent request", "parent ends"]


def test_a_forked_process_has_a_life_of_its_own(tmp_path: Path) -> None:
    forking = """
child = os.fork()
if child == 0:
    closes = threading.Event()
    app.test_client().get("/")
else:
    os.waitpid(child, 0)
"""
    assert in_a_process(PROGRAM + forking, tmp_path) == [
        *("parent begins", "parent request", "child begins", "child request", "child ends", "parent ends")
    ]


def test_an_application_that_lives_is_freed_when_nobody_refers_to_it(make_app: Any) -> None:
    app = make_app()

    @app.while_serving
    def serve() -> Iterator[None]:
        yield

    @app.before_serving
    async def start() -> None: ...

    app.add_url_rule("/", "index", lambda: "x")
    app.test_client().get("/")
    app.test_client().get("/")
    gone = weakref.ref(app)
    gc.collect()
    gc.disable()
    try:
        del app
        assert gone() is None
    finally:
        gc.enable()


def test_a_plain_application_without_serving_functions_loads_nothing_of_this(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom erlen import Erlen\napp = Erlen('plain')\napp.config['SESSION_TYPE'] = None\n"
        "app.add_url_rule('/', 'index', lambda: 'x')\napp.test_client().get('/')\n"
        "print('erlen.lifecycle.serving' in sys.modules, 'asyncio' in sys.modules)"
    )
    assert in_a_process(code, tmp_path) == ["False False"]


def test_a_life_that_is_dropped_while_threads_are_taken_waits_for_no_lock(app: Any, finishes: Any) -> None:
    @app.while_serving
    def serve() -> Iterator[None]:
        yield

    app.test_client().get("/")
    task = app._serving._life._task
    over = threading.Event()

    def drop() -> None:
        with app._threads._lock:  # as the garbage collector may, in the middle of it
            task.get_coro().close()

    finishes(drop)
    task.add_done_callback(lambda task: (task.exception(), over.set()))
    task.get_loop().call_soon_threadsafe(task.cancel)
    over.wait()
