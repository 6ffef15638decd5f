"""Contexts in async code: ``async with``, tasks, and what is copied into them and into threads."""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from erlen import (
    appcontext_popped,
    appcontext_pushed,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
)

_trail: ContextVar[str] = ContextVar("async_contexts_trail", default="")


def test_an_app_context_is_entered_with_async_with_and_its_teardowns_of_both_colours_run(app: Any) -> None:
    seen: list[Any] = []

    @app.teardown_appcontext
    async def close(error: Any) -> None:
        await asyncio.sleep(0)
        seen.append(("async", g.word, threading.get_ident() == loops_thread, error))

    @app.teardown_appcontext
    def close_plainly(error: Any) -> None:
        seen.append(("plain", g.word, threading.get_ident() == loops_thread, error))

    async def work() -> None:
        assert not has_app_context()
        async with app.app_context():
            assert has_app_context()
            assert not has_request_context()
            assert current_app.name == app.name
            g.word = "kept"
        assert not has_app_context()

    loops_thread = threading.get_ident()
    asyncio.run(work())
    assert seen == [("plain", "kept", False, None), ("async", "kept", True, None)]


def test_a_request_context_is_entered_with_async_with(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(seen.append)
    app.add_url_rule("/user/<name>", "user", lambda name: name)
    error = ValueError("left the block")

    async def work() -> None:
        async with app.test_request_context("/user/ada?x=1"):
            assert has_request_context()
            assert (request.endpoint, request.view_args, request.args["x"]) == ("user", {"name": "ada"}, "1")
            raise error

    with pytest.raises(ValueError, match="left the block"):
        asyncio.run(work())
    assert seen == [error]
    assert not has_request_context()


def test_a_context_inside_an_async_view_is_left_as_it_was_entered(app: Any) -> None:
    seen: list[str] = []

    @app.teardown_appcontext
    async def close(error: Any) -> None:
        await asyncio.sleep(0)
        seen.append(g.get("word", "none"))

    @app.route("/")
    async def index() -> str:
        g.word = "outer"
        async with app.app_context():
            g.word = "inner"
        return str(g.word)

    assert app.test_client().get("/").text == "outer"
    assert seen == ["inner", "outer"]


def test_plain_teardowns_of_a_context_inside_an_async_view_run_in_the_thread_of_the_request(app: Any) -> None:
    threads: dict[str, int] = {}
    app.before_request(lambda: threads.update(before=threading.get_ident()))

    @app.teardown_appcontext
    def close(error: Any) -> None:
        threads[g.get("which", "outer")] = threading.get_ident()

    @app.route("/")
    async def index() -> str:
        async with app.app_context():
            g.which = "inner"
        return ""

    app.test_client().get("/")
    assert set(threads) == {"before", "inner", "outer"}
    assert len(set(threads.values())) == 1


def test_receivers_of_both_colours_hear_of_a_context_that_is_entered_with_async_with(app: Any) -> None:
    heard: list[str] = []

    async def pushed(sender: Any) -> None:
        await asyncio.sleep(0)
        heard.append("pushed")

    def popped(sender: Any) -> None:
        heard.append("popped")

    async def work() -> None:
        with appcontext_pushed.connected_to(pushed, app), appcontext_popped.connected_to(popped, app):
            async with app.app_context():
                assert heard == ["pushed"]
                assert has_app_context()
            assert not has_app_context()

    asyncio.run(work())
    assert heard == ["pushed", "popped"]


def test_a_context_with_overridden_steps_is_entered_with_async_with_too(make_app: Any) -> None:
    from erlen import Erlen

    seen: list[str] = []

    class Own(Erlen):
        def do_teardown_request(self, exc: Any = None) -> None:
            seen.append("own")
            super().do_teardown_request(exc)

    app = make_app(Own)

    @app.teardown_request
    async def close(error: Any) -> None:
        await asyncio.sleep(0)
        seen.append("async")

    async def work() -> None:
        async with app.test_request_context("/"):
            pass

    asyncio.run(work())
    assert seen == ["own", "async"]


def test_leaving_a_context_that_is_not_current_is_refused_in_async_code_too(app: Any) -> None:
    async def work() -> None:
        context = app.app_context()
        await context.__aenter__()
        other = app.app_context()
        await other.__aenter__()
        with pytest.raises(RuntimeError, match="context"):
            await context.__aexit__(None, None, None)
        await other.__aexit__(None, None, None)
        await context.__aexit__(None, None, None)

    asyncio.run(work())


def test_a_task_of_a_view_sees_the_request_g_and_variables_without_being_given_them(app: Any) -> None:
    async def work(word: str) -> str:
        await asyncio.sleep(0)
        return f"{word} {request.path} {g.word} {_trail.get()} {current_app.name} {session.get('user')}"

    @app.route("/task")
    async def index() -> Any:
        g.word, session["user"] = "kept", "ada"
        _trail.set("set")
        created = asyncio.create_task(work("created"))
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(work("grouped"))
        return [await created, grouped.result(), *await asyncio.gather(work("gathered")), await asyncio.to_thread(look)]

    def look() -> str:
        return f"thread {request.path} {g.word} {_trail.get()} {current_app.name} {session.get('user')}"

    assert app.test_client().get("/task").json == [
        f"{word} /task kept set lifecycle_app ada" for word in ("created", "grouped", "gathered", "thread")
    ]


def test_a_coroutine_function_stays_one_in_a_copied_context(app: Any) -> None:
    async def work(word: str, *, mark: str) -> str:
        """Say where."""
        await asyncio.sleep(0)
        assert "word" not in g
        g.word = word
        return f"{request.path} {word}{mark}"

    @app.route("/there")
    async def index() -> Any:
        g.word = "the view's"
        copied = copy_current_request_context(work)
        assert inspect.iscoroutinefunction(copied)
        assert (copied.__name__, copied.__doc__) == ("work", "Say where.")
        first = asyncio.create_task(copied("task", mark="!"))
        async with asyncio.TaskGroup() as group:
            second = group.create_task(copied("group", mark="?"))
        third = await copied("here", mark=".")
        assert g.word == "the view's"
        return [await first, second.result(), third]

    assert app.test_client().get("/there").json == ["/there task!", "/there group?", "/there here."]


def test_a_plain_function_in_a_copied_context_goes_into_threads_and_executors_from_both_colours(app: Any) -> None:
    def work(word: str) -> str:
        return f"{word} {request.path} {'word' in g}"

    def in_thread(function: Any, *args: Any) -> str:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(function(*args)))
        thread.start()
        thread.join()
        return found[0]

    @app.route("/plain")
    def plain() -> Any:
        g.word = "x"
        copied = copy_current_request_context(work)
        with ThreadPoolExecutor(1) as pool:
            return [in_thread(copied, "thread"), pool.submit(copied, "pool").result()]

    @app.route("/async")
    async def asynchronous() -> Any:
        g.word = "x"
        copied = copy_current_request_context(work)
        with ThreadPoolExecutor(1) as pool:
            loop = asyncio.get_running_loop()
            return [await asyncio.to_thread(copied, "to_thread"), await loop.run_in_executor(pool, copied, "executor")]

    client = app.test_client()
    assert client.get("/plain").json == ["thread /plain False", "pool /plain False"]
    assert client.get("/async").json == ["to_thread /async False", "executor /async False"]


def test_async_work_in_a_copied_context_outlives_its_request_and_is_torn_down_by_itself(app: Any) -> None:
    ended: list[str] = []
    waits: dict[str, Any] = {}

    @app.teardown_request
    async def close(error: Any) -> None:
        ended.append(g.get("word", "request"))

    @app.teardown_request
    def close_plainly(error: Any) -> None:
        ended.append(f"plain {g.get('word', 'request')}")

    async def work() -> str:
        g.word = "copy"
        await waits["go"].wait()
        return request.path

    @app.route("/late")
    async def index() -> str:
        waits["go"] = asyncio.Event()
        waits["task"] = asyncio.create_task(copy_current_request_context(work)())
        await asyncio.sleep(0)
        return "answered"

    @app.route("/finish")
    async def finish() -> Any:
        waits["go"].set()
        return await waits["task"]

    client = app.test_client()
    assert client.get("/late").text == "answered"
    assert ended == ["plain request", "request"]
    ended.clear()
    assert client.get("/finish").text == "/late"
    assert ended == ["plain copy", "copy", "plain request", "request"]


def test_a_coroutine_of_a_copied_context_runs_on_a_loop_of_another_thread(app: Any) -> None:
    async def work() -> str:
        return request.path

    with app.test_request_context("/there"):
        copied = copy_current_request_context(work)
    assert asyncio.run(copied()) == "/there"


def test_outside_of_a_request_nothing_can_be_copied(app: Any) -> None:
    async def work() -> None: ...

    async def try_it() -> None:
        with pytest.raises(RuntimeError, match=r"'copy_current_request_context' was used \(.*test_async_contexts\.py"):
            copy_current_request_context(work)
        with pytest.raises(RuntimeError, match="Working outside of request context"):
            copy_current_request_context(lambda: None)
        async with app.app_context():
            with pytest.raises(RuntimeError, match="Working outside of request context"):
                copy_current_request_context(work)
        with pytest.raises(RuntimeError, match="Working outside of application context"):
            current_app.name  # noqa: B018

    asyncio.run(try_it())
