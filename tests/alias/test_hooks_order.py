"""Hooks: their order, what stops them, and what they see."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_order_of_everything(app: Any, flask: Any) -> None:
    order: list[str] = []

    @app.url_value_preprocessor
    def values(endpoint: Any, values: Any) -> None:
        order.append("values")

    @app.before_request
    def before1() -> None:
        order.append("before1")

    @app.before_request
    def before2() -> None:
        order.append("before2")

    @app.after_request
    def after1(response: Any) -> Any:
        order.append("after1")
        return response

    @app.after_request
    def after2(response: Any) -> Any:
        order.append("after2")
        return response

    @app.teardown_request
    def teardown1(error: Any) -> None:
        order.append("teardown1")

    @app.teardown_request
    def teardown2(error: Any) -> None:
        order.append("teardown2")

    @app.teardown_appcontext
    def teardown_app1(error: Any) -> None:
        order.append("app1")

    @app.teardown_appcontext
    def teardown_app2(error: Any) -> None:
        order.append("app2")

    @app.route("/")
    def index() -> str:
        @flask.after_this_request
        def this1(response: Any) -> Any:
            order.append("this1")
            return response

        @flask.after_this_request
        def this2(response: Any) -> Any:
            order.append("this2")
            return response

        order.append("view")
        return "x"

    signals = [
        (flask.request_started, "started"),
        (flask.request_finished, "finished"),
        (flask.request_tearing_down, "tearing down"),
        (flask.appcontext_tearing_down, "app tearing down"),
        (flask.appcontext_pushed, "pushed"),
        (flask.appcontext_popped, "popped"),
    ]

    def listener(name: str) -> Any:
        return lambda sender, **extra: order.append(name)

    listeners = [listener(name) for _, name in signals]
    for (signal, _), function in zip(signals, listeners, strict=True):
        signal.connect(function, app)
    app.test_client().get("/")
    assert order == [
        "pushed", "started", "values", "before1", "before2", "view", "this1", "this2", "after2", "after1", "finished",
        "teardown2", "teardown1", "tearing down", "app2", "app1", "app tearing down", "popped",
    ]  # fmt: skip


def test_a_before_request_that_answers_stops_what_comes_before_the_view(app: Any) -> None:
    order: list[str] = []
    app.before_request(lambda: order.append("first"))

    @app.before_request
    def answer() -> Any:
        order.append("answer")
        return {"from": "hook"}, 202

    app.before_request(lambda: order.append("never"))

    @app.after_request
    def after(response: Any) -> Any:
        order.append("after")
        return response

    app.add_url_rule("/", "index", lambda: order.append("view"))
    client = app.test_client()
    response = client.get("/")
    assert (response.status_code, response.json) == (202, {"from": "hook"})
    assert order == ["first", "answer", "after"]
    assert client.get("/nowhere").status_code == 202


@pytest.mark.parametrize("value", ["", 0, False, [], {}])
def test_only_none_goes_on_to_the_view(app: Any, value: Any) -> None:
    app.before_request(lambda: value)
    app.add_url_rule("/", "index", lambda: "view")
    client = app.test_client()
    if isinstance(value, int):
        with pytest.raises(TypeError):
            client.get("/")
    else:
        assert client.get("/").text != "view"


def test_hooks_run_without_a_route(app: Any, flask: Any) -> None:
    seen: list[Any] = []
    app.before_request(lambda: seen.append(("before", flask.request.endpoint)))

    @app.after_request
    def after(response: Any) -> Any:
        seen.append(("after", response.status_code))
        return response

    app.teardown_request(lambda e: seen.append(("teardown", e)))
    app.test_client().get("/nowhere")
    assert seen == [("before", None), ("after", 404), ("teardown", None)]


def test_after_request_may_give_another_response(app: Any, flask: Any) -> None:
    @app.after_request
    def replace(response: Any) -> Any:
        return flask.Response("replaced", 201)

    app.add_url_rule("/", "index", lambda: "view")
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (201, "replaced")


def test_the_decorators_give_the_functions_back_and_keep_them(app: Any) -> None:
    def zero() -> None: ...

    def one(x: Any) -> Any:
        return x

    assert app.before_request(zero) is zero
    assert app.after_request(one) is one
    assert app.teardown_request(one) is one
    assert app.teardown_appcontext(one) is one
    assert app.context_processor(dict) is dict
    assert app.shell_context_processor(dict) is dict
    assert app.before_request_funcs == {None: [zero]}
    assert app.after_request_funcs == {None: [one]}
    assert app.teardown_request_funcs == {None: [one]}
    assert app.teardown_appcontext_funcs == [one]
    assert app.template_context_processors[None][-1] is dict
    assert app.shell_context_processors == [dict]


def test_the_registries_may_be_written_to(app: Any) -> None:
    order: list[str] = []
    app.before_request_funcs.setdefault(None, []).append(lambda: order.append("a"))
    app.before_request_funcs[None].insert(0, lambda: order.append("b"))
    app.after_request_funcs.setdefault(None, []).append(lambda r: order.append("c") or r)
    app.teardown_request_funcs.setdefault(None, []).append(lambda e: order.append("d"))
    app.url_value_preprocessors.setdefault(None, []).append(lambda e, v: order.append("e"))
    app.add_url_rule("/", "index", lambda: "")
    client = app.test_client()
    client.get("/")
    assert order == ["e", "b", "a", "c", "d"]
    order.clear()
    app.before_request_funcs[None].append(lambda: order.append("late"))
    client.get("/")
    assert order == ["e", "b", "a", "late", "c", "d"]


def test_hooks_after_the_first_request_are_refused(app: Any) -> None:
    app.test_client().get("/")
    for name in (
        "before_request",
        "after_request",
        "teardown_request",
        "teardown_appcontext",
        "context_processor",
        "url_value_preprocessor",
        "url_defaults",
        "shell_context_processor",
        "template_filter",
        "add_template_filter",
        "template_test",
        "template_global",
        "errorhandler",
        "register_error_handler",
        "endpoint",
        "add_url_rule",
        "register_blueprint",
    ):
        with pytest.raises(AssertionError, match=f"setup method '{name}' can no longer be called"):
            getattr(app, name)(lambda *args: None)


def test_request_and_session_can_be_used_in_teardown(app: Any, flask: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(lambda e: seen.append((flask.request.path, flask.g.x, flask.session.get("a"))))
    app.teardown_appcontext(lambda e: seen.append((flask.g.x, flask.current_app.name)))

    @app.route("/here")
    def index() -> str:
        flask.g.x = 1
        flask.session["a"] = 2
        return ""

    app.test_client().get("/here")
    assert seen == [("/here", 1, 2), (1, app.name)]


def test_preprocess_request_by_hand(app: Any, flask: Any) -> None:
    order: list[str] = []
    app.before_request(lambda: order.append("a"))
    app.before_request(lambda: "answer")
    app.url_value_preprocessor(lambda e, v: order.append(f"values {e} {v}"))
    app.add_url_rule("/<int:x>", "index", lambda x: "view")
    with app.test_request_context("/5"):
        assert app.preprocess_request() == "answer"
        assert app.dispatch_request() == "view"
    assert order == ["values index {'x': 5}", "a"]


def test_full_dispatch_request_and_process_response_by_hand(app: Any, flask: Any) -> None:
    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-After"] = "1"
        return response

    app.add_url_rule("/", "index", lambda: "view")
    with app.test_request_context("/"):
        response = app.full_dispatch_request()
        assert response.headers["X-After"] == "1"
        response = app.process_response(flask.Response("x"))
        assert response.headers["X-After"] == "1"
        response = app.finalize_request("text")
        assert (response.data, response.headers["X-After"]) == (b"text", "1")
        app.do_teardown_request()
    with app.test_request_context("/nowhere"):
        assert app.full_dispatch_request().status_code == 404


def test_overridden_steps_run_in_the_order_of_flask(flask: Any) -> None:
    order: list[str] = []
    steps = (
        "full_dispatch_request", "preprocess_request", "dispatch_request", "finalize_request", "make_response",
        "process_response", "do_teardown_request", "do_teardown_appcontext", "wsgi_app", "create_url_adapter",
        "request_context",
    )  # fmt: skip

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        pass

    def step(name: str) -> Any:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if order[-1:] != [name]:
                order.append(name)
            return getattr(super(Own, self), name)(*args, **kwargs)

        return call

    for name in steps:
        setattr(Own, name, step(name))
    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").text == "x"
    assert order == [
        "wsgi_app", "request_context", "create_url_adapter", "full_dispatch_request", "preprocess_request",
        "dispatch_request", "finalize_request", "make_response", "process_response", "do_teardown_request",
        "do_teardown_appcontext",
    ]  # fmt: skip


def test_steps_patched_on_the_object(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "view")
    original = app.dispatch_request
    app.dispatch_request = lambda: "patched " + original()
    client = app.test_client()
    assert client.get("/").text == "patched view"
    del app.dispatch_request
    assert client.get("/").text == "view"


def test_wsgi_middleware_around_the_app(app: Any) -> None:
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        environ["PATH_INFO"] = "/inner"
        return inner(environ, start_response)

    app.wsgi_app = middleware
    app.add_url_rule("/inner", "inner", lambda: "inner")
    assert app.test_client().get("/outer").text == "inner"


def test_the_app_called_by_a_server(app: Any) -> None:
    from werkzeug.test import create_environ, run_wsgi_app

    app.add_url_rule("/", "index", lambda: "x")
    body, status, headers = run_wsgi_app(app, create_environ("/"))
    assert b"".join(body) == b"x"
    assert status == "200 OK"
    assert headers["Content-Length"] == "1"


def test_values_of_the_url_are_taken_by_those_whom_they_concern(app: Any, flask: Any) -> None:
    """By the application's functions for each request, by a blueprint's for its own, and both before the hooks."""
    mail = flask.Blueprint("mail", __name__, url_prefix="/<int:branch>/mail")
    diary: list[str] = []

    @mail.url_value_preprocessor
    def take_branch(endpoint: str | None, values: dict[str, Any]) -> None:
        flask.g.branch = values.pop("branch")

    @mail.app_url_value_preprocessor
    def write_down(endpoint: str | None, values: dict[str, Any] | None) -> None:
        diary.append(f"{endpoint} {values}")

    app.before_request(lambda: diary.append(f"branch {flask.g.get('branch')}"))
    mail.add_url_rule("/<letter>", "letter", lambda letter: f"{letter} of branch {flask.g.branch}")
    app.add_url_rule("/stamps/<colour>", "stamps", lambda colour: f"{colour} stamps")
    app.register_blueprint(mail)
    client = app.test_client()
    assert client.get("/31/mail/bill").text == "bill of branch 31"
    assert client.get("/stamps/red").text == "red stamps"
    assert client.get("/31/parcels").status_code == 404
    assert diary == [
        "mail.letter {'branch': 31, 'letter': 'bill'}", "branch 31", "stamps {'colour': 'red'}", "branch None",
        "None None", "branch None",
    ]  # fmt: skip


def test_a_hook_may_choose_another_route(app: Any, flask: Any) -> None:
    order: list[str] = []
    bp = flask.Blueprint("bp", __name__)
    bp.after_request(lambda response: order.append("after of bp") or response)
    bp.add_url_rule("/b", "b", lambda: "b")
    app.add_url_rule("/a", "a", lambda: "a")
    app.register_blueprint(bp)

    @app.before_request
    def choose() -> None:
        request = flask.request
        (request.url_rule,) = app.url_map.iter_rules("bp.b")
        request.view_args = {}
        request.routing_exception = None

    client = app.test_client()
    assert client.get("/a").text == "b"
    assert client.get("/nowhere").text == "b"
    assert order == ["after of bp"] * 2


def test_a_hook_may_refuse_a_route(app: Any, flask: Any) -> None:
    from werkzeug.exceptions import Gone

    @app.before_request
    def refuse() -> None:
        flask.request.routing_exception = Gone("it was here")

    app.add_url_rule("/", "index", lambda: "never")
    response = app.test_client().get("/")
    assert response.status_code == 410
    assert "it was here" in response.text
