"""Plain and async callables in one application over WSGI: the same variables, one thread for what is plain."""

from __future__ import annotations

import asyncio
import functools
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from erlen import (
    Erlen,
    abort,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    current_app,
    flash,
    g,
    get_flashed_messages,
    got_request_exception,
    message_flashed,
    request,
    request_finished,
    request_started,
    session,
    url_for,
)
from erlen.lifecycle.runner import WrappingRunner
from erlen.views import MethodView, View

_trail: ContextVar[str] = ContextVar("async_tests_trail", default="")


def _step(name: str) -> None:
    """Add *name* to what the steps of this request have left in a context variable."""
    _trail.set(f"{_trail.get()} {name}".strip())


def _maybe_async(function: Any, asynchronous: bool) -> Any:
    if not asynchronous:
        return function

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        result = function(*args, **kwargs)
        await asyncio.sleep(0)
        return result

    return wrapper


ROLES = ("preprocess", "first", "visit", "before", "view", "handler", "after_this", "after", "teardown", "teardown_app")


def _build(make_app: Any, asynchronous: frozenset[str], trails: list[str], threads: dict[str, int]) -> Any:
    app = make_app()

    def step(name: str) -> None:
        _step(name)
        threads[name] = threading.get_ident()

    def wrap(name: str, function: Any) -> Any:
        return _maybe_async(function, name in asynchronous)

    app.url_value_preprocessor(wrap("preprocess", lambda endpoint, values: step("preprocess")))
    app.before_first_request(wrap("first", lambda: step("first")))
    app.before_first_visit(wrap("visit", lambda: step("visit")))
    app.before_request(wrap("before", lambda: step("before")))

    def after(response: Any) -> Any:
        step("after")
        response.headers["X-Trail"] = _trail.get()
        return response

    def after_this(response: Any) -> Any:
        step("after_this")
        return response

    def teardown_app(error: Any) -> None:
        step("teardown_app")
        trails.append(_trail.get())

    def view() -> str:
        step("view")
        after_this_request(wrap("after_this", after_this))
        g.word = "kept"
        raise LookupError("to be handled")

    def handler(error: LookupError) -> Any:
        step("handler")
        return f"{request.path} {g.word} {session.get('user', 'nobody')} {current_app.name}"

    app.after_request(wrap("after", after))
    app.teardown_request(wrap("teardown", lambda error: step("teardown")))
    app.teardown_appcontext(wrap("teardown_app", teardown_app))
    app.register_error_handler(LookupError, wrap("handler", handler))
    app.add_url_rule("/here", "view", wrap("view", view))
    return app


EXPECTED = "first preprocess visit before view handler after_this after teardown teardown_app"


@pytest.mark.parametrize("which", ["", *ROLES, "all", "even", "odd"])
def test_whatever_is_async_all_see_the_same_variables_and_the_plain_ones_share_one_thread(
    make_app: Any, interface: str, which: str
) -> None:
    groups = {"": (), "all": ROLES, "even": ROLES[::2], "odd": ROLES[1::2]}
    asynchronous = frozenset(groups.get(which, (which,)))
    trails: list[str] = []
    threads: dict[str, int] = {}
    app = _build(make_app, asynchronous, trails, threads)
    response = app.test_client().get("/here")
    assert response.text == "/here kept nobody lifecycle_app"
    assert response.headers["X-Trail"] == EXPECTED.partition(" teardown")[0]
    assert trails == [EXPECTED]
    plain = {threads[name] for name in ROLES if name not in asynchronous}
    if interface == "wsgi":
        assert plain <= {threading.get_ident()}  # the server's
    else:
        assert len(plain) <= 1
        assert threading.get_ident() not in plain
    assert _trail.get() == ""


def test_async_callables_of_all_requests_share_one_loop(app: Any) -> None:
    loops: list[Any] = []

    @app.route("/")
    async def index() -> str:
        loops.append(asyncio.get_running_loop())
        return threading.current_thread().name

    client = app.test_client()
    assert client.get("/").text == "erlen-loop"
    client.get("/")
    assert loops[0] is loops[1]


def test_async_views_return_whatever_plain_ones_may(app: Any) -> None:
    answers: dict[str, Any] = {
        "str": "text", "dict": {"a": 1}, "list": [1], "tuple": ("made", 201, {"X-A": "b"}), "bytes": b"raw",
    }  # fmt: skip

    @app.route("/<kind>")
    async def index(kind: str) -> Any:
        return answers[kind] if kind in answers else abort(404)

    client = app.test_client()
    assert client.get("/str").text == "text"
    assert client.get("/dict").json == {"a": 1}
    assert client.get("/list").json == [1]
    assert client.get("/bytes").data == b"raw"
    made = client.get("/tuple")
    assert (made.status_code, made.headers["X-A"], made.text) == (201, "b", "made")
    assert client.get("/none").status_code == 404
    assert client.head("/str").data == b""


def test_an_async_view_uses_the_session_forms_and_urls(app: Any) -> None:
    @app.post("/<int:number>")
    async def index(number: int) -> Any:
        session["sum"] = session.get("sum", 0) + number
        await session.aincr("times")
        flash("added")
        return {
            "sum": session["sum"],
            "times": session["times"],
            "a": request.form["a"],
            "url": url_for("index", number=1),
        }

    @app.get("/flashes")
    async def flashes() -> Any:
        return get_flashed_messages()

    client = app.test_client()
    client.post("/2", data={"a": "x"})
    assert client.post("/3", data={"a": "y"}).json == {"sum": 5, "times": 2, "a": "y", "url": "/1"}
    assert client.get("/flashes").json == ["added", "added"]


def test_async_hooks_may_answer_early(app: Any) -> None:
    @app.before_request
    async def stop() -> Any:
        return "stopped", 418

    app.route("/")(lambda: "view")
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (418, "stopped")


def test_an_async_view_that_raises_gives_500_and_shows_it_to_the_teardowns(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(seen.append)
    error = ValueError("async")

    @app.route("/")
    async def index() -> str:
        await asyncio.sleep(0)
        raise error

    assert app.test_client().get("/").status_code == 500
    assert seen == [error]
    app.testing = True
    with pytest.raises(ValueError, match="async"):
        app.test_client().get("/")


def test_a_decorator_that_hides_an_async_view_changes_nothing(app: Any) -> None:
    trails: list[str] = []

    def hide(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @app.before_request
    @hide
    async def before() -> None:
        await asyncio.sleep(0)
        _step("before")

    @hide
    async def index() -> Any:
        await asyncio.sleep(0)
        _step("view")
        return {"path": request.path}

    @app.after_request
    @hide
    async def after(response: Any) -> Any:
        _step("after")
        return response

    app.teardown_request(lambda error: trails.append(_trail.get()))
    app.add_url_rule("/hidden", "hidden", index)
    assert app.test_client().get("/hidden").json == {"path": "/hidden"}
    assert trails == ["before view after"]


def test_objects_with_an_async_call_partials_and_bound_methods_are_async(app: Any) -> None:
    class Caller:
        async def __call__(self) -> str:
            return threading.current_thread().name

        async def method(self) -> str:
            return threading.current_thread().name

    async def named(word: str) -> str:
        return f"{word} {threading.current_thread().name}"

    app.add_url_rule("/object", "object", Caller())
    app.add_url_rule("/method", "method", Caller().method)
    app.add_url_rule("/partial", "partial", functools.partial(named, "in"))
    client = app.test_client()
    assert client.get("/object").text == "erlen-loop"
    assert client.get("/method").text == "erlen-loop"
    assert client.get("/partial").text == "in erlen-loop"


@pytest.mark.parametrize("once", [False, True])
def test_async_methods_of_class_views_leave_their_variables_to_the_hooks(app: Any, once: bool) -> None:
    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Trail"] = _trail.get()
        return response

    class Page(MethodView):
        init_every_request = not once

        async def get(self, word: str) -> str:
            await asyncio.sleep(0)
            _step("get")
            return f"async {word}"

        def post(self, word: str) -> str:
            _step("post")
            return f"plain {word}"

    class Other(View):
        init_every_request = not once

        async def dispatch_request(self) -> str:
            _step("dispatch")
            return request.path

    app.add_url_rule("/page/<word>", view_func=Page.as_view("page"))
    app.add_url_rule("/other", view_func=Other.as_view("other"))
    client = app.test_client()
    response = client.get("/page/a")
    assert (response.text, response.headers["X-Trail"]) == ("async a", "get")
    response = client.post("/page/a")
    assert (response.text, response.headers["X-Trail"]) == ("plain a", "post")
    response = client.get("/other")
    assert (response.text, response.headers["X-Trail"]) == ("/other", "dispatch")


def test_async_receivers_of_signals_run_before_the_next_step(app: Any) -> None:
    log: list[str] = []
    receivers = []
    for signal in (appcontext_pushed, request_started, got_request_exception, request_finished, appcontext_popped):

        async def receive(sender: Any, name: str = signal.name, **values: Any) -> None:
            await asyncio.sleep(0)
            log.append(name)

        signal.connect(receive, app)
        receivers.append(receive)

    @app.route("/plain")
    def plain() -> str:
        log.append("view")
        raise ValueError("x")

    @app.route("/async")
    async def asynchronous() -> str:
        return plain()

    expected = [
        "appcontext-pushed", "request-started", "view", "got-request-exception", "request-finished",
        "appcontext-popped",
    ]  # fmt: skip
    client = app.test_client()
    client.get("/plain")
    assert log == expected
    log.clear()
    client.get("/async")
    assert log == expected


def test_a_plain_call_whose_receiver_is_async_waits_in_a_thread_and_is_refused_on_the_loop(app: Any) -> None:
    heard: list[str] = []

    async def receive(sender: Any, message: str, category: str) -> None:
        await asyncio.sleep(0)
        heard.append(message)

    @app.route("/plain")
    def plain() -> str:
        flash("plain")
        return "x"

    @app.route("/async")
    async def asynchronous() -> str:
        with pytest.raises(RuntimeError, match=r"receive\(\) would have to be waited for .* await asyncio.to_thread"):
            flash("on the loop")
        await asyncio.to_thread(flash, "in a thread")
        return "x"

    client = app.test_client()
    with message_flashed.connected_to(receive, app):
        assert client.get("/plain").text == "x"
        assert client.get("/async").text == "x"
    assert heard == ["plain", "in a thread"]


def test_a_receiver_whose_decorator_hides_an_async_def_is_awaited_in_a_plain_request_too(app: Any) -> None:
    heard: list[str] = []

    async def note(sender: Any, **values: Any) -> None:
        await asyncio.sleep(0)
        heard.append(request.path)

    def receive(sender: Any, **values: Any) -> Any:
        return note(sender, **values)

    app.add_url_rule("/plain", "plain", lambda: "x")
    with request_started.connected_to(receive, app), request_finished.connected_to(receive, app):
        app.test_client().get("/plain")
    assert heard == ["/plain", "/plain"]


@pytest.mark.parametrize("interface", ["wsgi"])
def test_plain_receivers_hear_of_async_requests_in_the_thread_of_the_server(app: Any) -> None:
    threads: list[int] = []

    def receive(sender: Any, **values: Any) -> None:
        threads.append(threading.get_ident())

    @app.route("/")
    async def index() -> str:
        return "x"

    with request_started.connected_to(receive, app), request_finished.connected_to(receive, app):
        app.test_client().get("/")
    assert threads == [threading.get_ident()] * 2


def test_a_variable_set_by_an_async_handler_in_an_otherwise_plain_request_reaches_the_plain_teardown(app: Any) -> None:
    seen: list[str] = []

    @app.errorhandler(404)
    async def handle(error: Any) -> Any:
        _step("handler")
        return "none", 404

    app.teardown_request(lambda error: seen.append(_trail.get()))
    assert app.test_client().get("/nowhere").text == "none"
    assert seen == ["handler"]


def test_a_plain_hook_may_reset_by_its_token_what_another_has_set(app: Any) -> None:
    # Tracing libraries attach in before_request and detach by token in teardown_request.
    @app.before_request
    def attach() -> None:
        g.token = _trail.set("attached")

    @app.route("/")
    async def index() -> str:
        return _trail.get()

    @app.teardown_request
    def detach(error: Any) -> None:
        _trail.reset(g.token)

    assert app.test_client().get("/").text == "attached"


def test_an_async_hook_may_reset_by_its_token_what_an_async_one_has_set(app: Any) -> None:
    @app.before_request
    async def attach() -> None:
        g.token = _trail.set("attached")

    app.add_url_rule("/", "index", lambda: _trail.get())

    @app.teardown_request
    async def detach(error: Any) -> None:
        _trail.reset(g.token)

    assert app.test_client().get("/").text == "attached"


def test_plain_callables_around_an_async_view_may_share_what_belongs_to_one_thread(app: Any) -> None:
    import sqlite3

    closed: list[bool] = []

    @app.before_request
    def connect() -> None:
        g.db = sqlite3.connect(":memory:")

    @app.route("/")
    async def index() -> str:
        return "x"

    @app.after_request
    def use(response: Any) -> Any:
        response.headers["X-Sum"] = str(g.db.execute("select 1 + 1").fetchone()[0])
        return response

    @app.teardown_appcontext
    def close(error: Any) -> None:
        g.db.close()
        closed.append(True)

    assert app.test_client().get("/").headers["X-Sum"] == "2"
    assert closed == [True]


def test_many_async_requests_at_once_wait_for_each_other_on_the_one_loop(app: Any) -> None:
    state: dict[str, Any] = {"arrived": 0}

    @app.route("/<int:number>")
    async def index(number: int) -> str:
        event = state.setdefault("event", asyncio.Event())
        state["arrived"] += 1
        if state["arrived"] == 8:
            event.set()
        await event.wait()
        return str(request.view_args["number"])

    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(app.test_client().get(f"/{n}").text)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [str(n) for n in range(8)]


@pytest.mark.parametrize("interface", ["wsgi"])  # over ASGI it would end the server
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("place", ["view", "plain hook"])
def test_a_view_that_ends_the_process_is_let_out_and_leaves_the_loop_to_the_next_request(
    app: Any, finishes: Any, error: type[BaseException], place: str
) -> None:
    seen: list[Any] = []
    app.teardown_request(lambda error: seen.append(type(error)))

    @app.before_request
    def before() -> None:
        if place == "plain hook" and request.path == "/end":
            raise error("end")

    @app.route("/end")
    async def end() -> str:
        raise error("end")

    @app.route("/")
    async def index() -> str:
        return "alive"

    client = app.test_client()
    with pytest.raises(error):
        finishes(lambda: client.get("/end"))
    assert seen == [error]
    assert finishes(lambda: client.get("/").text) == "alive"


def test_a_view_that_is_cancelled_is_torn_down(app: Any, finishes: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(lambda error: seen.append(type(error)))

    @app.route("/")
    async def index() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(10)
        return "never"

    with pytest.raises(asyncio.CancelledError):
        finishes(lambda: app.test_client().get("/"))
    assert seen == [asyncio.CancelledError]


def test_a_plain_view_that_runs_while_its_request_is_cancelled_ends_before_the_teardown_begins(
    app: Any, finishes: Any
) -> None:
    log: list[str] = []

    @app.before_request
    async def before() -> None:
        g.task, g.loop = asyncio.current_task(), asyncio.get_running_loop()

    @app.route("/")
    def index() -> str:
        for _ in range(2):
            g.loop.call_soon_threadsafe(g.task.cancel)
            for _ in range(20):  # the loop goes on meanwhile
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), g.loop).result()
        log.append("view ends")
        return "x"

    @app.teardown_request
    async def teardown(error: Any) -> None:
        log.append("teardown")

    with pytest.raises(asyncio.CancelledError):
        finishes(lambda: app.test_client().get("/"))
    assert log == ["view ends", "teardown"]


def test_a_plain_callable_that_raises_stop_iteration_beside_an_async_one_is_a_failure_not_a_hang(
    app: Any, finishes: Any
) -> None:
    @app.before_request
    async def before() -> None: ...

    @app.route("/")
    def index() -> str:
        return next(iter(()))

    app.testing = True
    with pytest.raises((RuntimeError, StopIteration)):
        finishes(lambda: app.test_client().get("/"))


def test_an_error_raised_by_a_plain_view_beside_an_async_hook_reaches_its_handler(app: Any) -> None:
    @app.before_request
    async def before() -> None: ...

    @app.errorhandler(ValueError)
    def handle(error: ValueError) -> str:
        return f"handled {error}"

    @app.route("/")
    def index() -> str:
        raise ValueError("plain")

    assert app.test_client().get("/").text == "handled plain"


# --- from plain code into async code and back ---


def test_ensure_sync_makes_a_plain_function_of_an_async_one_and_leaves_others_alone(app: Any) -> None:
    def plain(word: str) -> str:
        return word

    async def asynchronous(word: str) -> str:
        await asyncio.sleep(0)
        return f"async {word}"

    assert app.ensure_sync(plain) is plain
    assert app.ensure_sync(asynchronous)("x") == "async x"
    assert app.async_to_sync(asynchronous)("y") == "async y"


def test_ensure_sync_runs_in_the_current_context(app: Any) -> None:
    async def path() -> str:
        return request.path

    @app.route("/here")
    def index() -> str:
        return current_app.ensure_sync(path)()

    assert app.test_client().get("/here").text == "/here"


def test_a_subclass_may_change_how_async_views_are_run_by_ensure_sync(make_app: Any) -> None:
    ran: list[str] = []

    class App(Erlen):
        def async_to_sync(self, func: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                ran.append(func.__name__)
                return asyncio.run(func(*args, **kwargs))

            return run

    app = make_app(App)

    @app.route("/")
    async def index() -> str:
        return request.path

    assert app.test_client().get("/").text == "/"
    assert ran == ["index"]


def test_all_async_callables_are_run_by_an_own_async_to_sync(make_app: Any) -> None:
    ran: list[str] = []

    class App(Erlen):
        def async_to_sync(self, func: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                ran.append(func.__name__)
                return asyncio.run(func(*args, **kwargs))

            return run

    app = make_app(App)

    @app.before_first_request
    async def first() -> None: ...

    @app.url_value_preprocessor
    async def preprocessor(endpoint: Any, values: Any) -> None: ...

    @app.before_first_visit
    async def visit() -> None: ...

    @app.before_request
    async def before() -> None: ...

    @app.after_request
    async def after(response: Any) -> Any:
        return response

    @app.teardown_request
    async def teardown(error: Any) -> None: ...

    @app.teardown_appcontext
    async def teardown_app(error: Any) -> None: ...

    @app.errorhandler(LookupError)
    async def handler(error: LookupError) -> str:
        return "handled"

    @app.route("/")
    async def view() -> str:
        @after_this_request
        async def after_this(response: Any) -> Any:
            return response

        raise LookupError("x")

    assert app.test_client().get("/").text == "handled"
    assert ran == [
        "first", "preprocessor", "visit", "before", "view", "handler", "after_this", "after", "teardown",
        "teardown_app",
    ]  # fmt: skip
    ran.clear()
    assert app.test_client().get("/nowhere").status_code == 404
    assert ran == ["preprocessor", "before", "after", "teardown", "teardown_app"]
    ran.clear()
    with app.app_context():
        pass
    assert ran == ["teardown_app"]


def _with_a_loop_for_each_call(ran: list[str]) -> type[Erlen]:
    class App(Erlen):
        def async_to_sync(self, func: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                ran.append(func.__name__)
                return asyncio.run(func(*args, **kwargs))

            return run

    return App


@pytest.mark.parametrize("interface", ["wsgi"])
def test_an_own_async_to_sync_runs_what_a_decorator_has_hidden_too(make_app: Any) -> None:
    ran: list[str] = []
    app = make_app(_with_a_loop_for_each_call(ran))

    async def hidden() -> str:
        return f"{request.path} in {threading.current_thread().name}"

    app.add_url_rule("/here", "hidden", lambda: hidden())
    assert app.test_client().get("/here").text == f"/here in {threading.current_thread().name}"
    assert len(ran) == 1


def test_an_own_async_to_sync_makes_parallel_first_requests_wait_too(
    make_app: Any, finishes: Any, monkeypatch: Any
) -> None:
    ran: list[str] = []
    app = make_app(_with_a_loop_for_each_call(ran))
    begun, go_on, waits = threading.Event(), threading.Event(), threading.Event()
    wait = WrappingRunner.wait

    async def told(self: Any, event: Any) -> None:
        waits.set()
        await wait(self, event)

    monkeypatch.setattr(WrappingRunner, "wait", told)

    @app.before_first_request
    async def first() -> None:
        begun.set()
        go_on.wait(10)
        ran.append("ready")

    @app.route("/")
    async def index() -> str:
        return " ".join(ran)

    answers: list[str] = []

    def play() -> None:
        threads = [
            threading.Thread(target=lambda: answers.append(app.test_client().get("/").text), daemon=True)
            for _ in range(2)
        ]
        threads[0].start()
        assert begun.wait(10)
        threads[1].start()
        assert waits.wait(10)
        go_on.set()
        for thread in threads:
            thread.join()

    finishes(play)
    assert len(answers) == 2
    assert all(answer.startswith("first ready") for answer in answers)
    assert ran.count("first") == 1


def test_waiting_on_the_loop_for_the_loop_itself_is_refused_with_the_cure(app: Any, finishes: Any) -> None:
    app.testing = True

    async def helper() -> str:
        return "never"

    @app.route("/")
    async def index() -> str:
        return current_app.ensure_sync(helper)()

    with pytest.raises(RuntimeError) as caught:
        finishes(lambda: app.test_client().get("/"))
    text = str(caught.value)
    assert "helper() would have to be waited for by plain code on the event loop that is to run it, for ever" in text
    assert "Await it in the async function that called the plain code, or call the plain code" in text
    assert " at 0x" not in text


def test_an_async_view_may_send_a_request_to_its_own_application_from_another_thread(app: Any, finishes: Any) -> None:
    seen: list[str] = []

    @app.route("/inner")
    async def inner() -> str:
        return "inner"

    @app.route("/")
    async def index() -> str:
        response = await asyncio.to_thread(app.test_client().get, "/inner")
        return f"{response.text} of {request.path}"

    finishes(lambda: seen.append(app.test_client().get("/").text))
    assert seen == ["inner of /"]


def test_an_async_view_that_sends_a_request_to_an_async_view_through_the_plain_client_is_refused(
    app: Any, finishes: Any
) -> None:
    app.testing = True

    @app.route("/inner")
    async def inner() -> str:
        return "inner"

    @app.route("/outer")
    async def outer() -> str:
        return app.test_client().get("/inner").text

    with pytest.raises(RuntimeError, match="for ever"):
        finishes(lambda: app.test_client().get("/outer"))


def test_plain_code_beside_async_code_may_send_requests_of_both_kinds(app: Any, finishes: Any) -> None:
    @app.before_request
    async def before() -> None: ...

    app.add_url_rule("/plain", "plain", lambda: "plain")

    @app.route("/async")
    async def asynchronous() -> str:
        return "async"

    @app.route("/outer")
    def outer() -> str:
        client = app.test_client()
        return f"{client.get('/plain').text} {client.get('/async').text} {request.path}"

    assert finishes(lambda: app.test_client().get("/outer").text) == "plain async /outer"


def test_an_awaitable_that_is_no_coroutine_is_awaited_too(app: Any) -> None:
    class Later:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return "later"

    app.add_url_rule("/", "index", lambda: Later())

    assert app.test_client().get("/").text == "later"


def test_an_awaitable_beside_async_hooks_is_awaited_on_the_loop(app: Any) -> None:
    async def work() -> str:
        return threading.current_thread().name

    app.add_url_rule("/", "index", lambda: work())

    @app.before_request
    async def before() -> None: ...

    assert app.test_client().get("/").text == "erlen-loop"


def test_what_an_async_view_returns_may_be_awaitable_again(app: Any) -> None:
    async def inner() -> str:
        return f"inner {request.path}"

    @app.route("/here")
    async def index() -> Any:
        return inner()

    assert app.test_client().get("/here").text == "inner /here"


def test_a_foreign_awaitable_on_the_loop_itself_is_refused_as_well(app: Any, finishes: Any) -> None:
    app.testing = True

    class Later:
        def __await__(self) -> Any:
            yield

    @app.route("/")
    async def index() -> Any:
        return app._loop.run(Later())

    with pytest.raises(RuntimeError, match=r"Later object at .* would have to be waited for"):
        finishes(lambda: app.test_client().get("/"))
