"""What extensions do: replace methods of an application, write to its registries, bring classes of their own."""

from __future__ import annotations

import functools
import io
from typing import Any

from werkzeug.exceptions import NotFound


def test_the_handlers_of_errors_may_be_wrapped(flask: Any) -> None:
    app = flask.Flask(__name__)
    seen: list[str] = []

    def wrapped(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            response = app.make_response(function(*args, **kwargs))
            seen.append(response.status)
            return response

        return wrapper

    app.handle_exception = wrapped(app.handle_exception)
    app.handle_user_exception = wrapped(app.handle_user_exception)

    @app.route("/fail")
    def fail() -> None:
        raise ValueError

    client = app.test_client()
    assert client.get("/nowhere").status_code == 404
    assert client.get("/fail").status_code == 500
    assert seen == ["404 NOT FOUND", "500 INTERNAL SERVER ERROR"]


def test_a_router_of_errors_that_is_a_partial(flask: Any) -> None:
    app = flask.Flask(__name__)

    def router(original: Any, error: Exception) -> Any:
        if isinstance(error, ValueError):
            return app.make_response((type(error).__name__, 503))
        return original(error)

    app.handle_exception = functools.partial(router, app.handle_exception)
    app.handle_user_exception = functools.partial(router, app.handle_user_exception)

    @app.route("/fail")
    def fail() -> None:
        raise ValueError

    client = app.test_client()
    assert (client.get("/fail").status_code, client.get("/fail").text) == (503, "ValueError")
    assert client.get("/nowhere").status_code == 404


def test_the_dispatch_may_be_replaced(app: Any, flask: Any) -> None:
    def dispatch() -> Any:
        request = flask.request._get_current_object()
        return app.view_functions[request.url_rule.endpoint](**request.view_args) + "!"

    app.add_url_rule("/<x>", "x", lambda x: x)
    app.dispatch_request = dispatch
    assert app.test_client().get("/q").text == "q!"


def test_views_may_be_wrapped_after_the_first_request(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "x")
    client = app.test_client()
    client.get("/")
    view = app.view_functions["index"]
    app.view_functions["index"] = lambda: f"<{view()}>"
    assert client.get("/").text == "<x>"


def test_handlers_may_be_written_into_the_registry(app: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/x", "x", lambda: flask.abort(404))
    app.register_blueprint(bp)
    app.error_handler_spec["bp"][404][NotFound] = lambda e: ("direct", 404)
    app.error_handler_spec[None][None][ValueError] = lambda e: "value"

    @app.route("/value")
    def value() -> None:
        raise ValueError

    client = app.test_client()
    assert client.get("/x").text == "direct"
    assert client.get("/value").text == "value"


def test_overridden_steps_see_what_no_route_matched(flask: Any) -> None:
    class User(flask.Flask):  # type: ignore[misc, name-defined]
        def handle_user_exception(self, e: Exception) -> Any:
            return type(e).__name__, 418

    class Http(flask.Flask):  # type: ignore[misc, name-defined]
        def handle_http_exception(self, e: Any) -> Any:
            return type(e).__name__, 419

    class Trap(flask.Flask):  # type: ignore[misc, name-defined]
        def trap_http_exception(self, e: Any) -> bool:
            return isinstance(e, NotFound)

    trap = Trap(__name__)
    trap.register_error_handler(Exception, lambda e: (type(e).__name__, 420))
    answers = [app.test_client().get("/nowhere") for app in (User(__name__), Http(__name__), trap)]
    assert [answer.status_code for answer in answers] == [418, 419, 420]
    assert {answer.text for answer in answers} == {"NotFound"}


def test_an_exception_that_says_what_it_is_by_the_request(app: Any, flask: Any) -> None:
    class Missing(NotFound):
        def get_description(self, environ: Any = None, scope: Any = None) -> str:
            return f"<p>{flask.request.path}</p>"

    @app.route("/here")
    def here() -> None:
        raise Missing

    assert "<p>/here</p>" in app.test_client().get("/here").text


def test_a_response_class_is_used_for_every_answer(app: Any, flask: Any) -> None:
    class Marked(flask.Response):  # type: ignore[misc, name-defined]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.headers["X-Marked"] = "1"

    app.response_class = Marked
    app.add_url_rule("/text", "text", lambda: "x")
    app.add_url_rule("/json", "json", lambda: [1])
    app.add_url_rule("/tuple", "tuple", lambda: ("x", 201, {"X-A": "b"}))
    client = app.test_client()
    for url in ("/text", "/json", "/tuple", "/nowhere"):
        assert client.get(url).headers["X-Marked"] == "1"
    assert client.options("/text").headers["X-Marked"] == "1"


def test_a_request_class_with_a_constructor_and_properties(app: Any, flask: Any) -> None:
    class Mine(flask.Request):  # type: ignore[misc, name-defined]
        def __init__(self, environ: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(environ, *args, **kwargs)
            self.mine = environ["PATH_INFO"]

        @property
        def json(self) -> Any:
            return "own"

        def _get_file_stream(self, *args: Any, **kwargs: Any) -> Any:
            return io.BytesIO()

    app.request_class = Mine

    @app.post("/x")
    def view() -> Any:
        return [flask.request.mine, flask.request.json, flask.request.files["f"].read().decode()]

    response = app.test_client().post("/x", data={"f": (io.BytesIO(b"abc"), "n.txt")})
    assert response.json == ["/x", "own", "abc"]


def test_hooks_of_a_blueprint_do_not_run_where_its_method_is_wrong(app: Any, flask: Any) -> None:
    ran: list[str] = []
    bp = flask.Blueprint("bp", __name__)
    bp.before_request(lambda: ran.append("bp"))
    app.before_request(lambda: ran.append(flask.request.method))
    bp.add_url_rule("/x", "x", lambda: "", methods=["POST"])
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/x").status_code == 405
    client.options("/x")
    assert ran == ["GET", "OPTIONS", "bp"]
