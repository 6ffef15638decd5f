"""Async views, hooks, handlers and teardowns, alone and beside plain ones."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from typing import Any

import pytest
from werkzeug.exceptions import NotFound


def as_it_is(func: Any) -> Any:
    return func


def as_coroutine(func: Any) -> Any:
    """The same function, which lets others run before it does its work."""

    @functools.wraps(func)
    async def run(*args: Any, **values: Any) -> Any:
        await asyncio.sleep(0)
        return func(*args, **values)

    return run


def weather_station(flask: Any, kind: Any, diary: list[str]) -> Any:
    """An application whose functions are all of one kind; they write into the diary."""
    app = flask.Flask("weather", static_folder=None)
    sensors = flask.Blueprint("sensors", __name__, url_prefix="/sensors")

    def note(text: str, answer: Any = None) -> Any:
        diary.append(text)
        return answer

    @kind
    def reading(sensor: str) -> Any:
        note(f"read {sensor} for {flask.request.path}")
        if sensor == "wind":
            raise OverflowError("a storm")
        return {"rain": ({"mm": 4}, 203), "sun": "7 hours"}.get(sensor) or flask.abort(404)

    class Report(flask.views.View):  # type: ignore[misc, name-defined]
        dispatch_request = kind(lambda self, day: f"report of {day}")

    class Alarm(flask.views.MethodView):  # type: ignore[misc, name-defined]
        get = kind(lambda self: "silent")
        delete = kind(lambda self: ("", 204))

    for owner, name in ((app, "station"), (sensors, "sensors")):
        owner.before_request(kind(lambda name=name: note(f"{name} opens")))
        owner.after_request(kind(lambda response, name=name: note(f"{name} writes", response)))
        owner.teardown_request(kind(lambda error, name=name: note(f"{name} closes after {error!r}")))
        owner.errorhandler(404)(kind(lambda error, name=name: (f"{name} has none", 404)))
        owner.add_url_rule("/<sensor>", "reading", reading)
    app.teardown_appcontext(kind(lambda error: note("lights out")))
    sensors.before_app_request(kind(lambda: note("fog", "too foggy") if "fog" in flask.request.args else None))
    sensors.errorhandler(OverflowError)(kind(lambda error: (f"sensors: {error}", 503)))
    app.add_url_rule("/reports/<day>", view_func=Report.as_view("report"))
    app.add_url_rule("/alarm/now", view_func=Alarm.as_view("alarm"))
    app.register_blueprint(sensors)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/rain", 203),
        ("GET", "/snow", 404),
        ("GET", "/wind", 500),
        ("GET", "/sun?fog=1", 200),
        ("GET", "/sensors/sun", 200),
        ("GET", "/sensors/snow", 404),
        ("GET", "/sensors/wind", 503),
        ("GET", "/reports/monday", 200),
        ("GET", "/alarm/now", 200),
        ("DELETE", "/alarm/now", 204),
        ("PUT", "/alarm/now", 405),
    ],
)
def test_coroutine_functions_do_what_plain_ones_do(flask: Any, method: str, path: str, status: int) -> None:
    stories = []
    for kind in (as_it_is, as_coroutine):
        diary: list[str] = []
        response = weather_station(flask, kind, diary).test_client().open(path, method=method)
        stories.append((response.status_code, response.mimetype, response.text, diary))
    plain, coroutine = stories
    assert plain[0] == status
    assert coroutine == plain


def test_coroutine_functions_are_awaited_one_after_the_other(flask: Any) -> None:
    diary: list[str] = []
    client = weather_station(flask, as_coroutine, diary).test_client()
    assert client.get("/sensors/wind").text == "sensors: a storm"
    assert diary == [
        "station opens", "sensors opens", "read wind for /sensors/wind", "sensors writes", "station writes",
        "sensors closes after None", "station closes after None", "lights out",
    ]  # fmt: skip
    diary.clear()
    assert client.get("/wind").status_code == 500
    assert diary[-2:] == ["station closes after OverflowError('a storm')", "lights out"]


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


def test_an_async_view_in_a_request_context_by_hand(app: Any) -> None:
    @app.route("/")
    async def view() -> str:
        return "x"

    with app.test_request_context("/"):
        assert app.dispatch_request() == "x"
        assert app.full_dispatch_request().status_code == 200
