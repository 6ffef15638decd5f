"""Corners of contexts: errors while the application ends, sessions in copies, streams, several applications."""

from __future__ import annotations

from typing import Any

import pytest


def test_all_teardowns_see_the_error_of_the_view(flask: Any, app: Any) -> None:
    seen: list[Any] = []
    bp = flask.Blueprint("bp", __name__)
    bp.teardown_request(lambda error: seen.append(("bp", type(error).__name__)))
    bp.add_url_rule("/fail", "fail", lambda: {}["x"])
    app.register_blueprint(bp)
    app.teardown_request(lambda error: seen.append(("app", type(error).__name__)))
    app.teardown_appcontext(lambda error: seen.append(("context", type(error).__name__)))
    app.testing = False
    assert app.test_client().get("/fail").status_code == 500
    assert seen == [("bp", "KeyError"), ("app", "KeyError"), ("context", "KeyError")]


def test_the_error_of_an_error_handler_is_seen(flask: Any, app: Any) -> None:
    seen: list[str] = []
    app.teardown_request(lambda error: seen.append(type(error).__name__))
    app.errorhandler(404)(lambda error: 1 / 0)
    app.testing = False
    assert app.test_client().get("/nowhere").status_code == 500
    assert seen == ["ZeroDivisionError"]


def test_abort_in_a_teardown_is_an_error(flask: Any, app: Any) -> None:
    from werkzeug.exceptions import Forbidden

    app.teardown_request(lambda error: flask.abort(403))
    app.add_url_rule("/", "index", lambda: "x")
    with pytest.raises(Forbidden):
        app.test_client().get("/")


def test_the_session_is_opened_at_the_push(flask: Any, app: Any) -> None:
    log: list[str] = []

    class Interface(flask.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            log.append("opened")
            assert request.url_rule is None
            return super().open_session(app, request)

    app.session_interface = Interface()
    app.add_url_rule("/", "index", lambda: "x")
    context = app.test_request_context("/")
    assert log == []
    with context:
        assert log == ["opened"]
        assert flask.session == {}
    app.test_client().get("/")
    assert log == ["opened", "opened"]


def test_a_given_session_is_taken(flask: Any, app: Any) -> None:
    session = flask.sessions.SecureCookieSession({"a": 1})
    context = flask.ctx.RequestContext(app, {"wsgi.url_scheme": "http", "REQUEST_METHOD": "GET"}, session=session)
    with context:
        assert flask.session["a"] == 1
        assert context.session is session


def test_a_request_context_made_by_its_class(flask: Any, app: Any) -> None:
    from werkzeug.test import create_environ

    app.add_url_rule("/x", "x", lambda: "")
    with flask.ctx.RequestContext(app, create_environ("/x")) as context:
        assert flask.request.endpoint == "x"
        assert context.app is app
    request = app.request_class(create_environ("/x?a=b"))
    with flask.ctx.RequestContext(app, request.environ, request=request) as context:
        assert context.request is request
        assert flask.request.args["a"] == "b"


def test_an_app_context_made_by_its_class(flask: Any, app: Any) -> None:
    with flask.ctx.AppContext(app) as context:
        assert flask.current_app == app
        assert context.g is flask.g._get_current_object()


def test_urls_in_an_application_context_in_a_request(flask: Any, app: Any) -> None:
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/a", "a", lambda: "")
    with app.test_request_context("/", base_url="http://example.com"):
        assert flask.url_for("a") == "/a"
        with app.app_context():
            assert flask.url_for("a") in ("/a", "http://example.com/a")


def test_g_belongs_to_the_application_context_not_to_the_request(flask: Any, app: Any) -> None:
    with app.app_context():
        with app.test_request_context("/one"):
            flask.g.a = 1
        with app.test_request_context("/two"):
            assert flask.g.a == 1
        assert flask.g.a == 1


def test_the_proxies_of_globals(flask: Any, app: Any) -> None:
    with app.test_request_context() as context:
        assert flask.globals.request_ctx.request is context.request
        assert flask.globals.app_ctx.app is app
        flask.globals.app_ctx.own = 1
        assert flask.globals.app_ctx.own == 1
        flask.globals.request_ctx.own = 2
        assert context.own == 2


def test_an_object_may_be_kept_on_the_application_context(flask: Any, app: Any) -> None:
    """As extensions do that keep one thing for each context, by its identity."""
    with app.app_context():
        first = id(flask.globals.app_ctx._get_current_object())
        assert first == id(flask.globals.app_ctx._get_current_object())
        with app.test_request_context():
            assert id(flask.globals.app_ctx._get_current_object()) == first
        with app.app_context():
            assert id(flask.globals.app_ctx._get_current_object()) != first


def test_nested_requests_of_one_client_in_a_view(flask: Any, app: Any) -> None:
    log: list[str] = []
    app.teardown_request(lambda error: log.append(flask.request.path))
    app.add_url_rule("/inner", "inner", lambda: "inner")
    app.add_url_rule("/outer", "outer", lambda: app.test_client().get("/inner").text + flask.request.path)
    assert app.test_client().get("/outer").text == "inner/outer"
    assert log == ["/inner", "/outer"]


def test_a_view_may_push_an_application_context(flask: Any, app: Any) -> None:
    ended: list[int] = []
    app.teardown_appcontext(lambda error: ended.append(flask.g.pop("number", 0)))

    @app.route("/")
    def index() -> str:
        flask.g.number = 1
        with app.app_context():
            assert "number" not in flask.g
            flask.g.number = 2
            assert flask.request.path == "/"
        assert ended == [2]
        return str(flask.g.number)

    assert app.test_client().get("/").text == "1"
    assert ended == [2, 1]


def test_has_request_context_in_functions(flask: Any, app: Any) -> None:
    def address() -> str:
        return flask.request.remote_addr or "" if flask.has_request_context() else "none"

    assert address() == "none"
    with app.app_context():
        assert address() == "none"
    with app.test_request_context(environ_base={"REMOTE_ADDR": "1.2.3.4"}):
        assert address() == "1.2.3.4"


def test_a_pushed_context_of_a_test_fixture(flask: Any, app: Any) -> None:
    """As many test suites do: one context for a whole test, clients in it."""

    @app.route("/login")
    def login() -> str:
        flask.session["user"] = "ada"
        flask.g.user = "ada"
        return "x"

    app.add_url_rule("/who", "who", lambda: flask.session.get("user", "nobody"))
    context = app.app_context()
    context.push()
    try:
        client = app.test_client()
        client.get("/login")
        assert flask.g.user == "ada"
        assert client.get("/who").text == "ada"
        assert app.test_client().get("/who").text == "nobody"
        assert flask.current_app == app
    finally:
        context.pop()
    assert not flask.current_app


def test_a_pushed_request_context_of_a_test_fixture(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: flask.request.path)
    context = app.test_request_context("/fixture")
    context.push()
    try:
        assert app.test_client().get("/").text == "/"
        assert flask.request.path == "/fixture"
        flask.session["a"] = 1
        assert flask.session["a"] == 1
    finally:
        context.pop()


def test_a_generator_without_context_cannot_use_the_request(flask: Any, app: Any) -> None:
    @app.route("/")
    def index() -> Any:
        def generate() -> Any:
            yield flask.request.path

        return flask.Response(generate())

    with pytest.raises(RuntimeError, match="Working outside of request context"):
        app.test_client().get("/").data  # noqa: B018


def test_an_exception_in_a_stream_is_raised_to_the_server(flask: Any, app: Any) -> None:
    @app.route("/")
    def index() -> Any:
        @flask.stream_with_context
        def generate() -> Any:
            yield "a"
            raise ZeroDivisionError

        return flask.Response(generate())

    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/").data  # noqa: B018
    assert not flask.request
    assert not flask.current_app


def test_a_stream_that_nobody_reads_lets_go_when_it_is_closed(flask: Any, app: Any) -> None:
    closed: list[str] = []

    @app.route("/")
    def index() -> Any:
        @flask.stream_with_context
        def generate() -> Any:
            try:
                yield "a"
                yield "b"
            finally:
                closed.append(flask.request.path)

        return flask.Response(generate())

    response = app.test_client().get("/")
    assert next(iter(response.response)) in ("a", b"a")
    response.close()
    assert closed == ["/"]
    assert not flask.request


def test_contexts_pushed_twice_and_across_each_other(flask: Any, app: Any) -> None:
    other = flask.Flask("other", root_path="/")
    one, two, request_context = app.app_context(), other.app_context(), app.test_request_context("/below")
    for context in (one, two, one, two):
        context.push()
    assert not flask.has_request_context()
    assert flask.current_app == other
    for context in (two, one, two, one):
        context.pop()
    for context in (request_context, one, two, one, one):
        context.push()
    assert flask.request.path == "/below"
    for context in (one, one, two, one, request_context):
        context.pop()
    assert not flask.current_app


def test_teardowns_are_given_no_error_but_one_that_nobody_handled(flask: Any, app: Any) -> None:
    app.testing = False
    given: list[Any] = []
    app.teardown_request(given.append)
    app.teardown_appcontext(given.append)
    app.errorhandler(FileNotFoundError)(lambda error: ("no such loaf", 410))
    no_flour = MemoryError("no flour")

    @app.route("/loaves/<kind>")
    def loaf(kind: str) -> str:
        if kind == "rye":
            raise no_flour
        if kind == "wheat":
            raise FileNotFoundError(kind)
        return kind

    client = app.test_client()
    outcomes = {}
    for path in ("/loaves/spelt", "/loaves/wheat", "/rolls", "/loaves/rye"):
        outcomes[path] = (client.get(path).status_code, *given)
        given.clear()
    assert outcomes == {
        "/loaves/spelt": (200, None, None),
        "/loaves/wheat": (410, None, None),
        "/rolls": (404, None, None),
        "/loaves/rye": (500, no_flour, no_flour),
    }
