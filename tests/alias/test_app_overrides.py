"""Methods of the application that are overridden or replaced: each is called, and ``super()`` does what it did."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest, HTTPException, NotFound


def _views(app: Any, flask: Any) -> Any:
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    app.add_url_rule("/abort", "abort", lambda: flask.abort(400))
    return app


STEPS = {
    "wsgi_app": "/",
    "__call__": "/",
    "full_dispatch_request": "/",
    "preprocess_request": "/",
    "dispatch_request": "/",
    "finalize_request": "/",
    "make_response": "/",
    "process_response": "/",
    "handle_user_exception": "/fail",
    "handle_http_exception": "/abort",
    "handle_exception": "/fail",
    "log_exception": "/fail",
    "trap_http_exception": "/abort",
    "raise_routing_exception": "/nowhere",
    "do_teardown_request": "/",
    "do_teardown_appcontext": "/",
    "request_context": "/",
    "create_url_adapter": "/",
    "should_ignore_error": None,
}
CODES = {"/": 200, "/fail": 500, "/abort": 400, "/nowhere": 404}


@pytest.mark.parametrize("name", [name for name, path in STEPS.items() if path])
def test_an_overridden_step_is_called_and_super_does_it(flask: Any, name: str) -> None:
    calls = []

    def own(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return getattr(super(cls, self), name)(*args, **kwargs)

    cls = type("Own", (flask.Flask,), {name: own})
    app = _views(cls("m", root_path="/"), flask)
    path = STEPS[name] or "/"
    response = app.test_client().get(path)
    assert response.status_code == CODES[path]
    assert len(calls) >= 1


@pytest.mark.parametrize("name", [name for name, path in STEPS.items() if path and name != "__call__"])
def test_a_step_that_is_replaced_on_the_instance_is_called(flask: Any, name: str, monkeypatch: Any) -> None:
    app = _views(flask.Flask("m", root_path="/"), flask)
    path = STEPS[name] or "/"
    client = app.test_client()
    assert client.get(path).status_code == CODES[path]
    calls = []
    original = getattr(app, name)

    def own(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return original(*args, **kwargs)

    monkeypatch.setattr(app, name, own)
    assert client.get(path).status_code == CODES[path]
    assert len(calls) >= 1
    monkeypatch.undo()
    calls.clear()
    assert client.get(path).status_code == CODES[path]
    assert calls == []


@pytest.mark.parametrize("name", [name for name, path in STEPS.items() if path])
def test_a_step_that_is_replaced_on_the_class_is_called(flask: Any, name: str, monkeypatch: Any) -> None:
    class Own(flask.Flask):
        pass

    app = _views(Own("m", root_path="/"), flask)
    path = STEPS[name] or "/"
    client = app.test_client()
    assert client.get(path).status_code == CODES[path]
    calls = []
    original = getattr(Own, name)

    def own(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Own, name, own)
    assert client.get(path).status_code == CODES[path]
    assert len(calls) >= 1


def test_the_arguments_of_the_steps(flask: Any) -> None:
    seen: dict[str, Any] = {}

    class Own(flask.Flask):
        def wsgi_app(self, environ: Any, start_response: Any) -> Any:
            seen["wsgi_app"] = (type(environ), callable(start_response))
            return super().wsgi_app(environ, start_response)

        def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Any:
            seen["finalize_request"] = (type(rv).__name__, from_error_handler)
            return super().finalize_request(rv, from_error_handler)

        def make_response(self, rv: Any) -> Any:
            seen["make_response"] = type(rv).__name__
            return super().make_response(rv)

        def process_response(self, response: Any) -> Any:
            seen["process_response"] = isinstance(response, self.response_class)
            return super().process_response(response)

        def handle_user_exception(self, e: Exception) -> Any:
            seen["handle_user_exception"] = type(e).__name__
            return super().handle_user_exception(e)

        def handle_exception(self, e: Exception) -> Any:
            seen["handle_exception"] = (type(e).__name__, sys.exc_info()[1] is e)
            return super().handle_exception(e)

        def log_exception(self, exc_info: Any) -> None:
            seen["log_exception"] = (exc_info[0].__name__, type(exc_info[1]).__name__, exc_info[2] is not None)

        def do_teardown_request(self, exc: Any = "missing") -> None:
            seen["do_teardown_request"] = exc
            super().do_teardown_request(exc)

        def do_teardown_appcontext(self, exc: Any = "missing") -> None:
            seen["do_teardown_appcontext"] = exc
            super().do_teardown_appcontext(exc)

        def request_context(self, environ: Any) -> Any:
            seen["request_context"] = type(environ)
            return super().request_context(environ)

        def create_url_adapter(self, request: Any) -> Any:
            seen.setdefault("create_url_adapter", []).append(request is None)
            return super().create_url_adapter(request)

    app = _views(Own("m", root_path="/"), flask)
    assert app.test_client().get("/").text == "index"
    assert seen["finalize_request"] == ("str", False)
    assert seen["make_response"] == "str"
    assert seen["process_response"] is True
    assert seen["do_teardown_request"] is None
    assert seen["do_teardown_appcontext"] is None
    assert seen["request_context"] is dict
    assert seen["wsgi_app"] == (dict, True)
    assert False in seen["create_url_adapter"]
    assert app.test_client().get("/fail").status_code == 500
    assert seen["finalize_request"] == ("InternalServerError", True)
    assert seen["handle_user_exception"] == "ZeroDivisionError"
    assert seen["handle_exception"] == ("ZeroDivisionError", True)
    assert seen["log_exception"] == ("ZeroDivisionError", "ZeroDivisionError", True)
    assert isinstance(seen["do_teardown_request"], ZeroDivisionError)
    assert isinstance(seen["do_teardown_appcontext"], ZeroDivisionError)
    app.test_client().get("/abort")
    assert seen["handle_user_exception"] == "BadRequest"
    assert seen["finalize_request"] == ("BadRequest", False)
    app.test_client().get("/nowhere")
    assert seen["handle_user_exception"] == "NotFound"


def test_steps_without_super(flask: Any) -> None:
    class Own(flask.Flask):
        def dispatch_request(self) -> Any:
            return "dispatched " + flask.request.path

    app = Own("m", root_path="/")
    assert app.test_client().get("/x/y").text == "dispatched /x/y"

    class Full(flask.Flask):
        def full_dispatch_request(self) -> Any:
            return self.response_class("full")

    assert Full("m", root_path="/").test_client().get("/").text == "full"

    class Pre(flask.Flask):
        def preprocess_request(self) -> Any:
            return "stop"

    app = _views(Pre("m", root_path="/"), flask)
    app.before_request(lambda: "never")
    assert app.test_client().get("/").text == "stop"

    class Post(flask.Flask):
        def process_response(self, response: Any) -> Any:
            return self.response_class("other", 201)

    app = _views(Post("m", root_path="/"), flask)
    assert app.test_client().get("/").status_code == 201

    class Make(flask.Flask):
        def make_response(self, rv: Any) -> Any:
            return self.response_class(f"made {rv!r}")

    app = Make("m", root_path="/")
    app.add_url_rule("/none", "none", lambda: None)
    app.add_url_rule("/object", "object", lambda: 17)
    assert app.test_client().get("/none").text == "made None"
    assert app.test_client().get("/object").text == "made 17"

    class Handle(flask.Flask):
        def handle_exception(self, e: Exception) -> Any:
            return self.response_class(f"handled {type(e).__name__}", 503)

    app = _views(Handle("m", root_path="/"), flask)
    app.testing = True
    response = app.test_client().get("/fail")
    assert (response.text, response.status_code) == ("handled ZeroDivisionError", 503)

    class HandleUser(flask.Flask):
        def handle_user_exception(self, e: Exception) -> Any:
            return f"user {type(e).__name__}", 418

    app = _views(HandleUser("m", root_path="/"), flask)
    assert app.test_client().get("/fail").text == "user ZeroDivisionError"
    assert app.test_client().get("/nowhere").text == "user NotFound"

    class HandleHTTP(flask.Flask):
        def handle_http_exception(self, e: HTTPException) -> Any:
            return {"code": e.code}, e.code

    app = _views(HandleHTTP("m", root_path="/"), flask)
    assert app.test_client().get("/nowhere").json == {"code": 404}
    assert app.test_client().get("/abort").json == {"code": 400}

    class Trap(flask.Flask):
        def trap_http_exception(self, e: Exception) -> bool:
            return isinstance(e, NotFound)

    app = _views(Trap("m", root_path="/"), flask)
    app.testing = True
    with pytest.raises(NotFound):
        app.test_client().get("/nowhere")
    assert app.test_client().get("/abort").status_code == 400

    class Routing(flask.Flask):
        def raise_routing_exception(self, request: Any) -> Any:
            raise BadRequest("routed")

    app = Routing("m", root_path="/")
    assert app.test_client().get("/nowhere").status_code == 400

    class Log(flask.Flask):
        def log_exception(self, exc_info: Any) -> None:
            self.extensions["logged"] = exc_info[1]

    app = _views(Log("m", root_path="/"), flask)
    app.test_client().get("/fail")
    assert isinstance(app.extensions.pop("logged"), ZeroDivisionError)


def test_should_ignore_error_hides_it_from_the_teardowns(flask: Any) -> None:
    seen: list[Any] = []

    class Own(flask.Flask):
        def should_ignore_error(self, error: BaseException | None) -> bool:
            seen.append(type(error))
            return isinstance(error, ZeroDivisionError)

    app = _views(Own("m", root_path="/"), flask)
    app.teardown_request(seen.append)
    app.test_client().get("/fail")
    assert seen == [ZeroDivisionError, None]


def test_ensure_sync_may_be_overridden(flask: Any) -> None:
    wrapped = []

    class Own(flask.Flask):
        def ensure_sync(self, func: Any) -> Any:
            wrapped.append(func)
            return func

    app = Own("m", root_path="/")

    def before() -> None:
        pass

    def view() -> str:
        return "x"

    app.before_request(before)
    app.add_url_rule("/", "view", view)
    assert app.test_client().get("/").text == "x"
    assert before in wrapped
    assert view in wrapped


def test_async_to_sync_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):
        def async_to_sync(self, func: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                coroutine = func(*args, **kwargs)
                try:
                    coroutine.send(None)
                except StopIteration as stop:
                    return stop.value

            return run

    app = Own("m", root_path="/")

    @app.route("/")
    async def index() -> str:
        return "async"

    assert app.test_client().get("/").text == "async"


def test_werkzeugs_middleware(flask: Any) -> None:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.middleware.proxy_fix import ProxyFix

    app = flask.Flask("m", root_path="/")
    app.add_url_rule("/", "index", lambda: f"{flask.request.scheme} {flask.request.host} {flask.request.remote_addr}")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)
    headers = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com"}
    assert app.test_client().get("/", headers=headers).text == "https example.com 1.2.3.4"

    other = flask.Flask("other", root_path="/")
    other.add_url_rule("/", "index", lambda: f"other {flask.url_for('index')}")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/other": other})
    assert app.test_client().get("/other/").text == "other /other/"


def test_the_application_is_a_wsgi_callable(flask: Any) -> None:
    from werkzeug.test import Client, create_environ, run_wsgi_app

    app = _views(flask.Flask("m", root_path="/"), flask)
    body, status, headers = run_wsgi_app(app, create_environ("/"))
    assert (b"".join(body), status, headers["Content-Type"]) == (b"index", "200 OK", "text/html; charset=utf-8")
    assert Client(app).get("/").text == "index"
    assert Client(app.wsgi_app).get("/").text == "index"


def test_full_dispatch_request_by_hand(flask: Any) -> None:
    app = _views(flask.Flask("m", root_path="/"), flask)
    log = []
    app.before_request(lambda: log.append("before"))

    @app.after_request
    def after(response: Any) -> Any:
        log.append("after")
        return response

    app.teardown_request(lambda error: log.append("teardown"))
    with app.test_request_context("/"):
        response = app.full_dispatch_request()
        assert response.get_data(as_text=True) == "index"
        assert log == ["before", "after"]
    assert log == ["before", "after", "teardown"]
    with app.test_request_context("/nowhere"):
        assert app.full_dispatch_request().status_code == 404
    with app.test_request_context("/fail"), pytest.raises(ZeroDivisionError):
        app.full_dispatch_request()


def test_steps_by_hand(flask: Any) -> None:
    app = _views(flask.Flask("m", root_path="/"), flask)
    app.add_url_rule("/tuple", "tuple", lambda: ("text", 201))
    app.before_request(lambda: "early" if flask.request.args else None)
    with app.test_request_context("/tuple"):
        assert app.preprocess_request() is None
        assert app.dispatch_request() == ("text", 201)
        response = app.make_response(("x", 202, {"A": "b"}))
        assert (response.status_code, response.headers["A"]) == (202, "b")
        assert app.process_response(response) is response
        assert app.finalize_request(("y", 203)).status_code == 203
        error = NotFound()
        assert app.handle_user_exception(error) is error
        assert app.handle_http_exception(error) is error
    with app.test_request_context("/?x=1"):
        assert app.preprocess_request() == "early"
    with app.test_request_context("/nowhere"), pytest.raises(NotFound):
        app.dispatch_request()
    with app.test_request_context("/", method="OPTIONS"):
        assert app.dispatch_request().allow.as_set() == {"get", "head", "options"}


def test_handle_exception_by_hand(flask: Any) -> None:
    app = _views(flask.Flask("m", root_path="/"), flask)
    with app.test_request_context("/"):
        try:
            raise KeyError("x")
        except KeyError as error:
            response = app.handle_exception(error)
        assert response.status_code == 500
        app.testing = True
        try:
            raise KeyError("x")
        except KeyError as error:
            with pytest.raises(KeyError):
                app.handle_exception(error)


def test_make_response_outside_of_a_request(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    assert app.make_response("x").get_data() == b"x"
    assert app.make_response(("x", 201)).status_code == 201
    assert app.make_response(b"x").get_data() == b"x"


def test_mocked_methods_are_called(flask: Any) -> None:
    from unittest import mock

    app = _views(flask.Flask("m", root_path="/"), flask)
    client = app.test_client()
    client.get("/")
    with mock.patch.object(app, "log_exception") as logged:
        client.get("/fail")
    assert logged.call_count == 1
    assert logged.call_args.args[0][0] is ZeroDivisionError
    with mock.patch.object(flask.Flask, "log_exception") as logged:
        client.get("/fail")
    assert logged.call_count == 1
    with mock.patch.dict(app.view_functions, {"index": lambda: "mocked"}):
        assert client.get("/").text == "mocked"
    assert client.get("/").text == "index"
    with mock.patch.object(app, "process_response", side_effect=app.process_response) as processed:
        client.get("/")
    assert processed.call_count == 1
    with mock.patch.object(app, "handle_exception", side_effect=lambda e: app.response_class("mock", 500)):
        assert client.get("/fail").text == "mock"
    with mock.patch.dict(app.config, {"TESTING": True}), pytest.raises(ZeroDivisionError):
        client.get("/fail")
    assert client.get("/fail").status_code == 500


def test_an_extension_wraps_the_handlers_on_the_instance(flask: Any) -> None:
    """As flask-restful does with both of its handlers."""
    app = _views(flask.Flask("m", root_path="/"), flask)
    handle_exception, handle_user_exception = app.handle_exception, app.handle_user_exception
    seen = []

    def own_exception(error: Exception) -> Any:
        seen.append(("exception", type(error).__name__))
        return handle_exception(error)

    def own_user_exception(error: Exception) -> Any:
        seen.append(("user", type(error).__name__))
        return handle_user_exception(error)

    app.handle_exception = own_exception
    app.handle_user_exception = own_user_exception
    client = app.test_client()
    assert client.get("/fail").status_code == 500
    assert seen == [("user", "ZeroDivisionError"), ("exception", "ZeroDivisionError")]
    seen.clear()
    assert client.get("/nowhere").status_code == 404
    assert seen == [("user", "NotFound")]


def test_a_wsgi_app_that_is_overridden_may_use_the_parts(flask: Any) -> None:
    """As applications do that copy ``wsgi_app`` to add something to it."""

    class Own(flask.Flask):
        def wsgi_app(self, environ: Any, start_response: Any) -> Any:
            context = self.request_context(environ)
            error: BaseException | None = None
            try:
                try:
                    context.push()
                    response = self.full_dispatch_request()
                except Exception as e:
                    error = e
                    response = self.handle_exception(e)
                return response(environ, start_response)
            finally:
                context.pop(error)

    app = _views(Own("m", root_path="/"), flask)
    ended = []
    app.teardown_request(lambda error: ended.append(type(error)))
    client = app.test_client()
    assert client.get("/").text == "index"
    assert client.get("/fail").status_code == 500
    assert client.get("/nowhere").status_code == 404
    assert ended == [type(None), ZeroDivisionError, type(None)]
    assert not flask.has_app_context()
