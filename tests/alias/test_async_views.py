"""Async views, hooks, handlers and teardowns, alone and beside plain ones."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from werkzeug.exceptions import NotFound


class Own(Exception):
    """An exception with a handler."""


def build(flask: Any) -> Any:
    app = flask.Flask(__name__)

    @app.route("/", methods=["GET", "POST"])
    @app.route("/other", methods=["GET", "POST"])
    async def index() -> str:
        await asyncio.sleep(0)
        return str(flask.request.method)

    @app.errorhandler(Own)
    async def handle(error: Any) -> Any:
        await asyncio.sleep(0)
        return "", 412

    @app.route("/error")
    async def error() -> None:
        await asyncio.sleep(0)
        raise Own

    bp = flask.Blueprint("bp", __name__, url_prefix="/bp")

    @bp.route("/", methods=["GET", "POST"])
    async def bp_index() -> str:
        await asyncio.sleep(0)
        return str(flask.request.method)

    @bp.errorhandler(Own)
    async def bp_handle(error: Any) -> Any:
        return "", 413

    @bp.route("/error")
    async def bp_error() -> None:
        raise Own

    app.register_blueprint(bp)

    class Plain(flask.views.View):  # type: ignore[misc, name-defined]
        methods = ("GET", "POST")

        async def dispatch_request(self) -> str:
            await asyncio.sleep(0)
            return str(flask.request.method)

    class Methods(flask.views.MethodView):  # type: ignore[misc, name-defined]
        async def get(self) -> str:
            await asyncio.sleep(0)
            return "GET"

        async def post(self) -> str:
            return "POST"

    app.add_url_rule("/view", view_func=Plain.as_view("view"))
    app.add_url_rule("/methodview", view_func=Methods.as_view("methodview"))
    return app


@pytest.mark.parametrize("path", ["/", "/other", "/bp/", "/view", "/methodview"])
def test_async_routes(flask: Any, path: str) -> None:
    client = build(flask).test_client()
    assert b"GET" in client.get(path).get_data()
    assert b"POST" in client.post(path).get_data()


@pytest.mark.parametrize(("path", "code"), [("/error", 412), ("/bp/error", 413)])
def test_async_error_handlers(flask: Any, path: str, code: int) -> None:
    assert build(flask).test_client().get(path).status_code == code


def test_async_before_after_and_teardown(flask: Any) -> None:
    app = flask.Flask(__name__)
    order: list[str] = []

    def hooks(owner: Any, name: str) -> None:
        @owner.before_request
        async def before() -> None:
            await asyncio.sleep(0)
            order.append(f"{name} before")

        @owner.after_request
        async def after(response: Any) -> Any:
            await asyncio.sleep(0)
            order.append(f"{name} after")
            return response

        @owner.teardown_request
        async def teardown(error: Any) -> None:
            order.append(f"{name} teardown")

    bp = flask.Blueprint("bp", __name__)
    hooks(app, "app")
    hooks(bp, "bp")

    @app.teardown_appcontext
    async def teardown_app(error: Any) -> None:
        order.append("app context")

    app.add_url_rule("/", "index", lambda: "app")
    bp.add_url_rule("/bp", "index", lambda: "bp")
    app.register_blueprint(bp)
    client = app.test_client()
    client.get("/")
    assert order == ["app before", "app after", "app teardown", "app context"]
    order.clear()
    client.get("/bp")
    assert order == [
        "app before", "bp before", "bp after", "app after", "bp teardown", "app teardown", "app context",
    ]  # fmt: skip


def test_an_async_before_request_may_answer(app: Any) -> None:
    @app.before_request
    async def answer() -> Any:
        await asyncio.sleep(0)
        return "hook", 201

    app.add_url_rule("/", "index", lambda: "view")
    response = app.test_client().get("/")
    assert (response.text, response.status_code) == ("hook", 201)


def test_async_after_this_request(app: Any, flask: Any) -> None:
    @app.route("/")
    async def index() -> str:
        @flask.after_this_request
        async def header(response: Any) -> Any:
            await asyncio.sleep(0)
            response.headers["X-This"] = "1"
            return response

        return ""

    assert app.test_client().get("/").headers["X-This"] == "1"


def test_async_context_processors_are_called(app: Any, flask: Any) -> None:
    @app.route("/")
    async def index() -> str:
        return str(flask.render_template_string("{{ request.path }}"))

    assert app.test_client().get("/").text == "/"


def test_proxies_work_in_async_views(app: Any, flask: Any) -> None:
    @app.route("/<name>")
    async def view(name: str) -> Any:
        flask.g.name = name
        flask.session["name"] = name
        await asyncio.sleep(0)
        flask.flash("hello")
        return {
            "app": flask.current_app.name,
            "path": flask.request.path,
            "g": flask.g.name,
            "session": flask.session["name"],
            "url": flask.url_for("view", name="x"),
        }

    response = app.test_client().get("/me")
    assert response.json == {"app": app.name, "path": "/me", "g": "me", "session": "me", "url": "/x"}
    assert "session=" in response.headers["Set-Cookie"]


def test_g_is_shared_between_plain_and_async(app: Any, flask: Any) -> None:
    @app.before_request
    async def one() -> None:
        flask.g.order = ["async before"]

    app.before_request(lambda: flask.g.order.append("plain before"))

    @app.route("/")
    async def view() -> Any:
        flask.g.order.append("async view")
        return flask.g.order

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Order"] = ", ".join(flask.g.order)
        return response

    response = app.test_client().get("/")
    assert response.json == ["async before", "plain before", "async view"]


def test_async_results_of_all_kinds(app: Any, flask: Any) -> None:
    async def tuple_() -> Any:
        return {"a": 1}, 201, {"X-A": "1"}

    async def none() -> None:
        return None

    async def generator() -> Any:
        return (part for part in ["a", "b"])

    async def abort() -> None:
        flask.abort(404, "not here")

    async def value() -> None:
        raise ValueError("out")

    app.add_url_rule("/tuple", "tuple", tuple_)
    app.add_url_rule("/none", "none", none)
    app.add_url_rule("/generator", "generator", generator)
    app.add_url_rule("/abort", "abort", abort)
    app.add_url_rule("/value", "value", value)
    client = app.test_client()
    response = client.get("/tuple")
    assert (response.json, response.status_code, response.headers["X-A"]) == ({"a": 1}, 201, "1")
    assert client.get("/generator").text == "ab"
    assert "not here" in client.get("/abort").text
    with pytest.raises(TypeError, match="returned None"):
        client.get("/none")
    with pytest.raises(ValueError, match="out"):
        client.get("/value")


def test_async_handlers_of_codes_and_of_500(flask: Any) -> None:
    app = flask.Flask(__name__)

    @app.errorhandler(404)
    async def not_found(error: NotFound) -> Any:
        return f"async {error.code}", 404

    @app.errorhandler(500)
    async def internal(error: Any) -> Any:
        return repr(error.original_exception), 500

    @app.route("/fail")
    async def fail() -> None:
        raise ValueError("x")

    client = app.test_client()
    assert client.get("/nowhere").text == "async 404"
    assert client.get("/fail").text == "ValueError('x')"


def test_ensure_sync_and_async_to_sync(app: Any) -> None:
    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    def plain() -> str:
        return "plain"

    assert app.ensure_sync(plain) is plain
    assert app.ensure_sync(add)(1, b=2) == 3
    assert app.async_to_sync(add)(3, 4) == 7


def test_async_to_sync_may_be_overridden(flask: Any) -> None:
    calls: list[str] = []

    class Mine(flask.Flask):  # type: ignore[misc, name-defined]
        def async_to_sync(self, func: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                calls.append(func.__name__)
                return asyncio.run(func(*args, **kwargs))

            return run

    app = Mine(__name__)

    @app.before_request
    async def before() -> None: ...

    @app.route("/")
    async def index() -> str:
        return "x"

    assert app.test_client().get("/").text == "x"
    assert calls == ["before", "index"]


def test_decorators_around_async_views_with_ensure_sync(app: Any, flask: Any) -> None:
    import functools

    def decorator(view: Any) -> Any:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return "<" + flask.current_app.ensure_sync(view)(*args, **kwargs) + ">"

        return wrapper

    @app.route("/<x>")
    @decorator
    async def view(x: str) -> str:
        await asyncio.sleep(0)
        return x

    assert app.test_client().get("/a").text == "<a>"


def test_async_decorators_of_a_view_class(app: Any, flask: Any) -> None:
    def decorator(view: Any) -> Any:
        def wrapper(**kwargs: Any) -> Any:
            flask.g.decorated = True
            return flask.current_app.ensure_sync(view)(**kwargs)

        return wrapper

    class Decorated(flask.views.MethodView):  # type: ignore[misc, name-defined]
        decorators = (decorator,)
        init_every_request = False

        async def get(self) -> Any:
            return {"decorated": flask.g.decorated}

    app.add_url_rule("/", view_func=Decorated.as_view("d"))
    assert app.test_client().get("/").json == {"decorated": True}


def test_context_variables_in_async_views(app: Any) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    @app.route("/")
    async def view() -> str:
        variable.set("view")
        await asyncio.sleep(0)
        return variable.get()

    client = app.test_client()
    assert client.get("/").text == "view"


def test_tasks_of_an_async_view_have_its_context(app: Any, flask: Any) -> None:
    @app.route("/<name>")
    async def view(name: str) -> Any:
        async def one(number: int) -> str:
            await asyncio.sleep(0)
            return f"{flask.request.path} {number}"

        return await asyncio.gather(one(1), one(2))

    assert app.test_client().get("/x").json == ["/x 1", "/x 2"]


def test_copy_current_request_context_with_threads_and_coroutines(app: Any, flask: Any) -> None:
    @app.route("/")
    async def view() -> Any:
        @flask.copy_current_request_context
        def in_thread() -> str:
            return f"{flask.request.path} {flask.session.get('a')}"

        flask.session["a"] = 1
        return await asyncio.get_running_loop().run_in_executor(None, in_thread)

    assert app.test_client().get("/").text == "/ 1"


def test_signals_receivers_that_are_async(app: Any, flask: Any) -> None:
    seen: list[str] = []

    async def receiver(sender: Any, **extra: Any) -> None:
        seen.append("async")

    app.add_url_rule("/", "index", lambda: "")
    with flask.request_started.connected_to(receiver, app):
        app.test_client().get("/")
    assert seen == ["async"]


def test_an_async_view_in_a_request_context_by_hand(app: Any) -> None:
    @app.route("/")
    async def view() -> str:
        return "x"

    with app.test_request_context("/"):
        assert app.dispatch_request() == "x"
        assert app.full_dispatch_request().status_code == 200


def test_teardown_of_async_views_gets_the_error(flask: Any) -> None:
    app = flask.Flask(__name__)
    seen: list[Any] = []

    @app.teardown_request
    async def teardown(error: Any) -> None:
        seen.append(type(error))

    @app.route("/")
    async def view() -> None:
        raise KeyError

    assert app.test_client().get("/").status_code == 500
    assert seen == [KeyError]


def test_async_url_builders_of_blueprints_before_app(app: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__)
    order: list[str] = []

    @bp.before_app_request
    async def before() -> None:
        order.append("before")

    @bp.after_app_request
    async def after(response: Any) -> Any:
        order.append("after")
        return response

    @bp.teardown_app_request
    async def teardown(error: Any) -> None:
        order.append("teardown")

    @bp.app_errorhandler(404)
    async def missing(error: Any) -> Any:
        return "missing", 404

    app.register_blueprint(bp)
    assert app.test_client().get("/").text == "missing"
    assert order == ["before", "after", "teardown"]
