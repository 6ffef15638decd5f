"""Plain callables marked as quick: on a server with a loop they run there, under WSGI in its thread as ever."""

from __future__ import annotations

import functools
import threading
import time
from typing import Any

import pytest

from erlen import Blueprint, abort, g, nonblocking, request, request_started, session
from erlen.introspect.explain import explain
from erlen.views import MethodView

LOOP = "erlen-loop"


def _thread() -> str:
    return threading.current_thread().name


@pytest.fixture
def here(interface: str) -> str:
    """Where quick code runs: the loop of the server, or the thread of one that has none."""
    return LOOP if interface == "asgi" else _thread()


def test_a_view_whose_route_says_blocking_false_runs_on_the_loop_without_a_thread(app: Any, here: str) -> None:
    app.add_url_rule("/<name>", "index", lambda name: f"{name} {request.path} {_thread()}", blocking=False)

    @app.post("/", blocking=False)
    def post() -> Any:
        session["a"] = request.form["a"]
        return {"a": session["a"], "thread": _thread()}

    client = app.test_client()
    assert client.get("/ada").text == f"ada /ada {here}"
    assert client.post("/", data={"a": "1"}).json == {"a": "1", "thread": here}
    assert app._threads is None or app._threads._idle == []


def test_without_it_a_plain_view_never_runs_on_the_loop(app: Any) -> None:
    app.add_url_rule("/", "index", _thread)
    app.add_url_rule("/true", "true", _thread, blocking=True)
    client = app.test_client()
    assert client.get("/").text != LOOP
    assert client.get("/true").text != LOOP


def test_a_request_all_of_whose_plain_code_is_quick_takes_no_thread(app: Any, here: str) -> None:
    threads: list[str] = []

    @nonblocking
    def note(*args: Any, **kwargs: Any) -> None:
        threads.append(_thread())

    @app.after_request
    @nonblocking
    def after(response: Any) -> Any:
        note()
        return response

    for register in (app.before_request, app.teardown_request, app.teardown_appcontext, app.url_value_preprocessor):
        register(note)

    @app.get("/", blocking=False)
    def index() -> str:
        note()
        return "x"

    with request_started.connected_to(note, app):
        assert app.test_client().get("/").text == "x"
    assert threads == [here] * 7
    assert app._threads is None or app._threads._idle == []


def test_what_is_not_marked_runs_in_the_thread_of_the_request_beside_what_is(
    app: Any, here: str, interface: str
) -> None:
    threads: dict[str, str] = {}

    @app.before_request
    def connect() -> None:
        threads["plain hook"] = _thread()
        g.word = "kept"

    @app.before_request
    @nonblocking
    def quick() -> None:
        threads["quick hook"] = _thread()

    @app.teardown_request
    def close(error: Any) -> None:
        threads["plain teardown"] = _thread()

    @app.get("/quick", blocking=False)
    def quick_view() -> str:
        threads["view"] = _thread()
        return str(g.word)

    @app.get("/async")
    async def asynchronous() -> str:
        return str(g.word)

    client = app.test_client()
    # A request that is plain and may block runs whole in one thread, as without any mark.
    assert client.get("/quick").text == "kept"
    assert len(set(threads.values())) == 1
    assert LOOP not in threads.values()
    threads.clear()
    assert client.get("/async").text == "kept"
    assert threads["plain hook"] == threads["plain teardown"] != LOOP
    assert threads["quick hook"] == (LOOP if interface == "asgi" else threads["plain hook"])


def test_error_handlers_may_be_quick(app: Any, here: str) -> None:
    @app.errorhandler(404)
    @nonblocking
    def missing(error: Any) -> Any:
        return f"none {_thread()}", 404

    app.register_error_handler(ValueError, lambda error: f"plain {_thread() == LOOP}")

    @app.get("/missing", blocking=False)
    def index() -> str:
        abort(404)

    @app.get("/raises", blocking=False)
    def raises() -> str:
        raise ValueError("x")

    client = app.test_client()
    assert client.get("/missing").text == f"none {here}"
    assert client.get("/raises").text == "plain False"


def test_a_quick_view_that_returns_an_awaitable_is_awaited(app: Any) -> None:
    async def hidden() -> str:
        return f"{request.path} {_thread()}"

    app.add_url_rule("/", "index", lambda: hidden(), blocking=False)
    assert app.test_client().get("/").text == f"/ {LOOP}"


def test_an_exception_of_a_quick_view_is_answered_and_seen_as_any_other(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(seen.append)
    error = ValueError("quick")

    @app.get("/", blocking=False)
    def index() -> str:
        raise error

    assert app.test_client().get("/").status_code == 500
    assert seen == [error]


def test_the_mark_belongs_to_one_function_and_not_to_what_a_decorator_makes_of_it(app: Any) -> None:
    def audit(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    @app.before_request
    @audit
    @nonblocking
    def before() -> None:
        g.thread = _thread()

    @app.get("/")
    async def index() -> str:
        return str(g.thread)

    assert app.test_client().get("/").text != LOOP


def test_a_bound_method_may_be_marked(app: Any, here: str) -> None:
    class Clock:
        @nonblocking
        def start(self) -> None:
            g.thread = _thread()

    app.before_request(Clock().start)
    app.add_url_rule("/", "index", lambda: g.thread, blocking=False)
    assert app.test_client().get("/").text == here


def test_what_cannot_be_marked_is_named() -> None:
    with pytest.raises(TypeError, match=r"nonblocking\(\) marks functions .* <built-in function sleep> cannot"):
        nonblocking(time.sleep)


def test_a_value_that_is_no_truth_value_is_refused_with_the_endpoint(app: Any) -> None:
    with pytest.raises(ValueError, match=r"blocking='no' in the route of 'index' is neither True nor False"):
        app.add_url_rule("/", "index", str, blocking="no")


def test_blueprints_and_class_views_take_the_option_too(app: Any, here: str) -> None:
    shop = Blueprint("shop", __name__)

    class Page(MethodView):
        def get(self) -> str:
            return _thread()

    shop.add_url_rule("/page", view_func=Page.as_view("page"), blocking=False)
    shop.get("/function", blocking=False)(lambda: _thread())
    app.register_blueprint(shop)
    client = app.test_client()
    assert client.get("/page").text == here
    assert client.get("/function").text == here
    assert client.head("/function").status_code == 200


def test_the_route_of_a_marked_view_is_explained(app: Any) -> None:
    @app.get("/", blocking=False)
    def index() -> str:
        return "x"

    told = str(explain(app, "GET", "/"))
    assert "runs on the event loop of a server that has one" in told
    assert "index" in told
