"""Contexts: pushed and popped, nested, of several applications, and what stands on them."""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest


def isolated(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test in variables of its own: it leaves contexts behind."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        contextvars.copy_context().run(test, *args, **kwargs)

    return run


def test_no_context_at_the_beginning(flask: Any) -> None:
    assert not flask.has_app_context()
    assert not flask.has_request_context()
    assert not flask.current_app
    assert not flask.request
    assert not flask.g
    assert not flask.session


def test_an_application_context(flask: Any, app: Any) -> None:
    with app.app_context() as context:
        assert isinstance(context, flask.ctx.AppContext)
        assert flask.has_app_context()
        assert not flask.has_request_context()
        assert flask.current_app._get_current_object() is app
        assert flask.current_app == app
        assert flask.globals.app_ctx._get_current_object() is context
        assert flask.globals._cv_app.get() is context
        assert flask.globals._cv_request.get(None) is None
        assert context.app is app
        assert context.g is flask.g._get_current_object()
        assert context.url_adapter is None
    assert not flask.has_app_context()


def test_a_request_context(flask: Any, app: Any) -> None:
    with app.test_request_context("/x?a=1") as context:
        assert isinstance(context, flask.ctx.RequestContext)
        assert flask.has_app_context()
        assert flask.has_request_context()
        assert flask.current_app == app
        assert flask.request.path == "/x"
        assert flask.globals.request_ctx._get_current_object() is context
        assert flask.globals._cv_request.get() is context
        assert context.app is app
        assert context.request is flask.request._get_current_object()
        assert context.session is flask.session._get_current_object()
        assert context.flashes is None
        assert context.url_adapter is not None
    assert not flask.has_request_context()
    assert not flask.has_app_context()


def test_a_request_context_before_its_push(flask: Any, app: Any) -> None:
    context = app.test_request_context("/x", method="POST", data={"a": "1"})
    assert context.request.method == "POST"
    assert context.request.form["a"] == "1"
    assert context.request.url_rule is None
    assert not flask.has_request_context()
    with context:
        pass


def test_the_rule_is_matched_at_the_push(flask: Any, app: Any) -> None:
    app.add_url_rule("/user/<int:id>", "user", lambda id: "")
    with app.test_request_context("/user/7"):
        assert flask.request.endpoint == "user"
        assert flask.request.view_args == {"id": 7}
        assert flask.request.url_rule.rule == "/user/<int:id>"
        assert flask.request.routing_exception is None
    with app.test_request_context("/nothing"):
        assert flask.request.endpoint is None
        assert flask.request.view_args is None
        assert flask.request.routing_exception.code == 404


def test_match_request_again(flask: Any, app: Any) -> None:
    app.add_url_rule("/late", "late", lambda: "")
    with app.test_request_context("/late") as context:
        flask.request.url_rule = None
        context.match_request()
        assert flask.request.endpoint == "late"


def test_push_and_pop_by_hand(flask: Any, app: Any) -> None:
    context = app.app_context()
    assert context.push() is None
    assert flask.current_app == app
    assert context.pop() is None
    assert not flask.current_app
    request_context = app.test_request_context()
    request_context.push()
    assert flask.request.path == "/"
    request_context.pop()
    assert not flask.has_app_context()


def test_the_same_context_pushed_twice(flask: Any, app: Any) -> None:
    ended = []
    app.teardown_appcontext(ended.append)
    context = app.app_context()
    with context:
        flask.g.a = 1
        with context:
            assert flask.g.a == 1
        assert ended == []
        assert flask.g.a == 1
    assert ended == [None]


def test_the_same_request_context_pushed_twice(flask: Any, app: Any) -> None:
    ended = []
    app.teardown_request(lambda error: ended.append("request"))
    app.teardown_appcontext(lambda error: ended.append("app"))
    context = app.test_request_context("/")
    with context:
        with context:
            assert flask.request.path == "/"
        assert ended == []
        assert flask.request.path == "/"
    assert ended == ["request", "app"]
    assert not flask.has_app_context()


@isolated
def test_popping_what_was_not_pushed(flask: Any, app: Any) -> None:
    with pytest.raises(LookupError):
        app.app_context().pop()
    with pytest.raises((LookupError, AssertionError)):
        app.test_request_context().pop()


@isolated
def test_popping_the_wrong_context(flask: Any, app: Any) -> None:
    outer, inner = app.app_context(), app.app_context()
    outer.push()
    inner.push()
    with pytest.raises(AssertionError, match="Popped wrong app context"):
        outer.pop()


def test_nested_contexts_of_one_application(flask: Any, app: Any) -> None:
    with app.app_context():
        flask.g.a = "outer"
        with app.app_context():
            assert "a" not in flask.g
            flask.g.a = "inner"
        assert flask.g.a == "outer"


def test_nested_contexts_of_two_applications(flask: Any, app: Any) -> None:
    other = flask.Flask("other", root_path="/")
    with app.app_context():
        flask.g.a = 1
        with other.app_context():
            assert flask.current_app == other
            assert "a" not in flask.g
            with other.test_request_context("/in"):
                assert flask.current_app == other
                assert flask.request.path == "/in"
            assert not flask.has_request_context()
        assert flask.current_app == app
        assert flask.g.a == 1


def test_an_app_context_of_another_application_in_a_request(flask: Any, app: Any) -> None:
    other = flask.Flask("other", root_path="/")
    with app.test_request_context("/x"):
        with other.app_context():
            assert flask.current_app == other
            assert flask.request.path == "/x"
            assert flask.has_request_context()
        assert flask.current_app == app


def test_a_request_shares_a_pushed_application_context(flask: Any, app: Any) -> None:
    ended = []
    app.teardown_appcontext(lambda error: ended.append("app"))
    app.teardown_request(lambda error: ended.append("request"))
    app.add_url_rule("/", "index", lambda: str(flask.g.get("a")))
    with app.app_context() as context:
        flask.g.a = 7
        assert app.test_client().get("/").text == "7"
        assert ended == ["request"]
        with app.test_request_context("/"):
            assert flask.g.a == 7
            flask.g.b = 8
            assert flask.globals.app_ctx._get_current_object() is context
            assert flask.globals._cv_app.get() is context
        assert flask.g.b == 8
        assert ended == ["request", "request"]
    assert ended == ["request", "request", "app"]


def test_a_request_of_another_application_shares_nothing(flask: Any, app: Any) -> None:
    other = flask.Flask("other", root_path="/")
    ended = []
    other.teardown_appcontext(lambda error: ended.append("other"))
    other.add_url_rule("/", "index", lambda: str(flask.g.get("a")))
    with app.app_context():
        flask.g.a = 7
        assert other.test_client().get("/").text == "None"
        assert ended == ["other"]


def test_the_reprs_of_contexts(flask: Any) -> None:
    app = flask.Flask("shop", root_path="/")
    with app.app_context() as context:
        assert repr(flask.g) == "<flask.g of 'shop'>"
        assert repr(context).startswith("<")
    context = app.test_request_context("/x?y=1", method="POST")
    assert repr(context) == "<RequestContext 'http://localhost/x?y=1' [POST] of shop>"


# Signals of contexts.


def test_pushed_and_popped(flask: Any, app: Any) -> None:
    log: list[Any] = []
    app.teardown_appcontext(lambda error: log.append("teardown"))

    def pushed(sender: Any, **kwargs: Any) -> None:
        log.append(("pushed", sender is app, sorted(kwargs), flask.has_app_context()))

    def tearing(sender: Any, **kwargs: Any) -> None:
        log.append(("tearing", sender is app, kwargs, flask.has_app_context()))

    def popped(sender: Any, **kwargs: Any) -> None:
        log.append(("popped", sender is app, sorted(kwargs), flask.has_app_context()))

    with (
        flask.appcontext_pushed.connected_to(pushed, app),
        flask.appcontext_tearing_down.connected_to(tearing, app),
        flask.appcontext_popped.connected_to(popped, app),
        app.app_context(),
    ):
        log.append("body")
    assert log == [
        ("pushed", True, [], True),
        "body",
        "teardown",
        ("tearing", True, {"exc": None}, True),
        ("popped", True, [], False),
    ]


def test_every_push_of_a_context_is_told(flask: Any, app: Any) -> None:
    log: list[Any] = []

    def pushed(sender: Any, **kwargs: Any) -> None:
        log.append("pushed")

    def popped(sender: Any, **kwargs: Any) -> None:
        log.append("popped")

    with flask.appcontext_pushed.connected_to(pushed, app), flask.appcontext_popped.connected_to(popped, app):
        context = app.app_context()
        with context, context:
            pass
        assert log == ["pushed", "pushed", "popped", "popped"]
        log.clear()
        with app.app_context():
            app.test_client().get("/")
            assert log == ["pushed"]
        log.clear()
        with app.test_request_context():
            assert log == ["pushed"]
        assert log == ["pushed", "popped"]


def test_g_may_be_filled_when_the_context_is_pushed(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: str(flask.g.user))

    def fill(sender: Any, **kwargs: Any) -> None:
        flask.g.user = "ada"

    with flask.appcontext_pushed.connected_to(fill, app):
        assert app.test_client().get("/").text == "ada"


# The end.


def test_the_exception_that_the_teardowns_see(flask: Any, app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(lambda error: seen.append(("request", type(error))))
    app.teardown_appcontext(lambda error: seen.append(("app", type(error))))
    with app.test_request_context():
        pass
    with pytest.raises(KeyError), app.test_request_context():
        raise KeyError
    with pytest.raises(KeyError), app.app_context():
        raise KeyError
    nothing, key = type(None), KeyError
    assert seen == [("request", nothing), ("app", nothing), ("request", key), ("app", key), ("app", key)]


def test_pop_takes_the_exception_that_is_handled(flask: Any, app: Any) -> None:
    seen: list[Any] = []
    app.teardown_appcontext(lambda error: seen.append(type(error)))
    context = app.app_context()
    context.push()
    try:
        raise KeyError
    except KeyError:
        context.pop()
    context = app.app_context()
    context.push()
    context.pop(ValueError())
    context = app.test_request_context()
    context.push()
    context.pop(None)
    assert seen == [KeyError, ValueError, type(None)]


def test_the_order_of_teardowns(flask: Any, app: Any) -> None:
    log: list[str] = []
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/", "index", lambda: "")
    for name in ("a", "b"):
        app.teardown_request(lambda error, name=name: log.append(f"app request {name}"))
        app.teardown_appcontext(lambda error, name=name: log.append(f"context {name}"))
        bp.teardown_request(lambda error, name=name: log.append(f"bp request {name}"))
        bp.teardown_app_request(lambda error, name=name: log.append(f"bp app request {name}"))
    app.register_blueprint(bp)
    app.test_client().get("/")
    assert log == [
        "bp request b", "bp request a",
        "bp app request b", "bp app request a", "app request b", "app request a",
        "context b", "context a",
    ]  # fmt: skip


def test_a_teardown_that_fails(flask: Any, app: Any) -> None:
    @app.teardown_request
    def broken(error: Any) -> None:
        raise ZeroDivisionError

    app.add_url_rule("/", "index", lambda: "x")
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")
    assert not flask.has_app_context()
    assert not flask.has_request_context()


def test_what_a_teardown_returns_is_ignored(flask: Any, app: Any) -> None:
    app.teardown_request(lambda error: "x")
    app.teardown_appcontext(lambda error: "y")
    app.add_url_rule("/", "index", lambda: "view")
    assert app.test_client().get("/").text == "view"


# The context variables.


def test_the_variables_can_be_set_and_reset(flask: Any, app: Any) -> None:
    context = app.app_context()
    token = flask.globals._cv_app.set(context)
    assert flask.current_app == app
    assert flask.globals._cv_app.get() is context
    flask.globals._cv_app.reset(token)
    assert not flask.current_app
    with pytest.raises(LookupError):
        flask.globals._cv_app.get()
    with pytest.raises(LookupError):
        flask.globals._cv_request.get()
    assert flask.globals._cv_app.get("x") == "x"
    assert flask.globals._cv_app.name == "flask.app_ctx"
    assert flask.globals._cv_request.name == "flask.request_ctx"


def test_a_request_variable_can_be_set_and_reset(flask: Any, app: Any) -> None:
    with app.app_context() as outer:
        context = app.test_request_context("/set")
        token = flask.globals._cv_request.set(context)
        assert flask.request.path == "/set"
        assert flask.globals._cv_app.get() is outer
        flask.globals._cv_request.reset(token)
        assert not flask.request
        assert flask.current_app == app


def test_threads_have_no_context(flask: Any, app: Any) -> None:
    found: list[bool] = []
    with app.test_request_context():
        thread = threading.Thread(target=lambda: found.append(flask.has_app_context() or flask.has_request_context()))
        thread.start()
        thread.join()
    assert found == [False]


def test_a_thread_may_push_its_own_context(flask: Any, app: Any) -> None:
    found: list[Any] = []

    def work(given: Any) -> None:
        with given.app_context():
            found.append(flask.current_app.name)

    with app.test_request_context():
        thread = threading.Thread(target=work, args=[flask.current_app._get_current_object()])
        thread.start()
        thread.join()
    assert found == [app.name]


def test_a_copied_variable_context_carries_the_request(flask: Any, app: Any) -> None:
    with app.test_request_context("/copied"):
        variables = contextvars.copy_context()
        assert variables.run(lambda: flask.request.path) == "/copied"
    assert not flask.request


# Outside.


@pytest.mark.parametrize("use", [
    lambda flask: flask.request.path, lambda flask: flask.session["x"], lambda flask: flask.session.get("x"),
    lambda flask: flask.request.args, lambda flask: flask.globals.request_ctx.request,
    lambda flask: flask.request._get_current_object(), lambda flask: setattr(flask.request, "x", 1),
    lambda flask: flask.request.form,
    lambda flask: len(flask.session), lambda flask: "x" in flask.session, lambda flask: flask.flash("x"),
    lambda flask: flask.get_flashed_messages(),
])  # fmt: skip
def test_outside_of_a_request(flask: Any, use: Any) -> None:
    with pytest.raises(RuntimeError) as info:
        use(flask)
    text = " ".join(str(info.value).split())
    assert text.startswith("Working outside of request context.")
    assert "This typically means that you attempted to use functionality that needed" in text
    assert "an active HTTP request" in text


@pytest.mark.parametrize("use", [
    lambda flask: flask.current_app.name, lambda flask: flask.g.x, lambda flask: flask.g.get("x"),
    lambda flask: flask.globals.app_ctx.app, lambda flask: setattr(flask.g, "x", 1),
    lambda flask: flask.current_app.config, lambda flask: flask.jsonify(1), lambda flask: flask.render_template("x"),
    lambda flask: flask.make_response("x"), lambda flask: flask.render_template_string("x"),
    lambda flask: flask.current_app._get_current_object(), lambda flask: flask.url_for("x"),
])  # fmt: skip
def test_outside_of_an_application(flask: Any, use: Any) -> None:
    with pytest.raises(RuntimeError) as info:
        use(flask)
    text = " ".join(str(info.value).split())
    assert text.startswith("Working outside of application context.")
    assert "This typically means that you attempted to use functionality that needed" in text
    assert "the current application" in text


def test_outside_of_a_request_in_an_application(flask: Any, app: Any) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match=r"Working outside of request context\."):
        flask.request.path  # noqa: B018
    with app.app_context(), pytest.raises(RuntimeError, match=r"Working outside of request context\."):
        flask.session["x"] = 1
    with app.app_context(), pytest.raises(RuntimeError):
        flask.url_for("index")


def test_functions_that_need_a_request_say_so(flask: Any) -> None:
    with pytest.raises(RuntimeError, match="'after_this_request' can only be used when a request context is active"):
        flask.after_this_request(lambda response: response)
    with pytest.raises(RuntimeError, match="'copy_current_request_context' can only be used when a request context"):
        flask.copy_current_request_context(lambda: None)
    with pytest.raises(RuntimeError, match="'stream_with_context' can only be used when a request context is active"):
        next(flask.stream_with_context(iter("ab")))


def test_the_messages_are_in_globals(flask: Any) -> None:
    with pytest.raises(RuntimeError) as info:
        flask.request.path  # noqa: B018
    assert flask.globals._no_req_msg.splitlines()[0] in str(info.value)
    with pytest.raises(RuntimeError) as info:
        flask.g.x  # noqa: B018
    assert flask.globals._no_app_msg.splitlines()[0] in str(info.value)
