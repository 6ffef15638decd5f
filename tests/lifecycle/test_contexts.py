"""Contexts: what request, session, g and current_app mean, where, and until when."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

import pytest

from erlen import (
    Erlen,
    after_this_request,
    app_ctx,
    appcontext_pushed,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_app_context,
    has_request_context,
    request,
    request_ctx,
    session,
    url_for,
)
from erlen.callables import shorten
from erlen.context import AppGlobals, Context
from erlen.errors import ContextError
from erlen.sessions.interface import SessionInterface

# --- outside of a context ---


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("request", lambda: request.path),
        ("request", lambda: request.content_type),
        ("session", lambda: session["user"]),
        ("session", lambda: session.get("user")),
        ("request_ctx", lambda: request_ctx.request),
        ("copy_current_request_context", lambda: copy_current_request_context(print)),
        ("after_this_request", lambda: after_this_request(lambda response: response)),
        ("flash", lambda: flash("hello")),
    ],
)
def test_what_needs_a_request_says_so_with_name_place_and_cure(name: str, use: Any) -> None:
    with pytest.raises(ContextError) as caught:
        use()
    text = str(caught.value)
    assert text.startswith(f"Working outside of request context.\n'{name}' was used ({shorten(__file__)}:")
    assert "with app.test_request_context('/'): ..." in text
    assert "copy_current_request_context" in text
    assert caught.value.name == name
    assert caught.value.kind == "request"


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("current_app", lambda: current_app.name),
        ("current_app", lambda: current_app.config),
        ("g", lambda: g.user),
        ("g", lambda: g.get("user")),
        ("g", lambda: setattr(g, "user", 1)),
        ("app_ctx", lambda: app_ctx.app),
        ("url_for", lambda: url_for("index")),
    ],
)
def test_what_needs_an_application_says_so_with_name_place_and_cure(name: str, use: Any) -> None:
    with pytest.raises(ContextError) as caught:
        use()
    text = str(caught.value)
    assert text.startswith(f"Working outside of application context.\n'{name}' was used (")
    assert "test_contexts.py:" in text
    assert text.endswith("Give the code an application to work for: with app.app_context(): ...")


def test_the_error_outside_of_a_context_is_a_runtime_error_as_in_flask() -> None:
    with pytest.raises(RuntimeError, match="Working outside of request context"):
        request.args  # noqa: B018


def test_a_request_is_missing_in_an_application_context_and_the_error_says_request(app: Any) -> None:
    with app.app_context():
        with pytest.raises(ContextError, match=r"Working outside of request context\.\n'request' was used"):
            request.path  # noqa: B018
        with pytest.raises(ContextError, match=r"Working outside of request context\.\n'session' was used"):
            session["a"]
        with pytest.raises(ContextError, match="'session'"):
            app_ctx.session  # noqa: B018


def test_code_without_a_file_gets_the_error_without_a_place(monkeypatch: Any) -> None:
    monkeypatch.setattr("erlen.context.user_frame", lambda: None)
    with pytest.raises(ContextError) as caught:
        g.x  # noqa: B018
    assert str(caught.value).startswith("Working outside of application context.\n'g' was used. ")


# --- application contexts ---


def test_app_context_gives_current_app_and_g_until_it_ends(app: Any) -> None:
    assert not has_app_context()
    with app.app_context() as context:
        assert has_app_context()
        assert not has_request_context()
        assert current_app == app
        assert app_ctx == context
        assert not context.has_request
        g.user = "ada"
        assert context.g.user == "ada"
    assert not has_app_context()


def test_contexts_can_be_pushed_and_popped_by_hand(app: Any) -> None:
    context = app.app_context()
    context.push()
    assert current_app.name == "lifecycle_app"
    context.pop()
    assert not has_app_context()


def test_inside_another_application_current_app_is_the_inner_one_and_then_the_outer_again(make_app: Any) -> None:
    outer, inner = make_app(), make_app()
    with outer.app_context():
        g.who = "outer"
        with inner.app_context():
            assert current_app == inner
            assert "who" not in g
        assert current_app == outer
        assert g.who == "outer"


def test_a_request_is_still_found_below_an_application_context(app: Any) -> None:
    with app.test_request_context("/here"):
        with app.app_context():
            assert has_request_context()
            assert request.path == "/here"
            assert request_ctx.request.path == "/here"
            session["seen"] = True
            flash("found below")
        assert session["seen"] is True
        assert get_flashed_messages() == ["found below"]


def test_below_two_application_contexts_alone_there_is_no_request(app: Any) -> None:
    with app.app_context(), app.app_context():
        assert not has_request_context()


def test_a_request_never_shares_g_with_an_application_context_that_was_pushed_before(app: Any) -> None:
    with app.app_context():
        g.owner = "script"
        with app.test_request_context("/"):
            assert "owner" not in g
            g.owner = "request"
        assert g.owner == "script"


def test_popping_a_context_that_is_not_the_current_one_is_refused_with_both_named(app: Any) -> None:
    outer, inner = app.app_context(), app.test_request_context("/inner")
    outer.push()
    inner.push()
    with pytest.raises(RuntimeError) as caught:
        outer.pop()
    text = str(caught.value)
    assert "<Context of lifecycle_app> is to be popped" in text
    assert "<Context of lifecycle_app, GET /inner> is the current one" in text
    assert "use them in with statements" in text
    inner.pop()
    outer.pop()


def test_popping_a_context_that_was_never_pushed_is_refused(app: Any) -> None:
    with pytest.raises(RuntimeError, match="and None is the current one"):
        app.app_context().pop()


def test_a_context_pushed_twice_is_torn_down_once_by_its_last_pop(app: Any) -> None:
    ended: list[Any] = []
    app.teardown_appcontext(ended.append)
    context = app.app_context()
    with context:
        with context:
            g.x = 1
        assert ended == []
        assert g.x == 1
    assert ended == [None]


def test_a_request_context_matches_the_request_and_dispatches_nothing(app: Any) -> None:
    ran: list[str] = []

    @app.before_request
    def before() -> None:
        ran.append("before")

    @app.route("/user/<int:id>", methods=["GET", "POST"])
    def user(id: int) -> str:
        ran.append("view")
        return "x"

    with app.test_request_context("/user/7?page=2", method="POST", data={"a": "b"}):
        assert request.endpoint == "user"
        assert request.view_args == {"id": 7}
        assert request.args["page"] == "2"
        assert request.form["a"] == "b"
        assert url_for("user", id=8) == "/user/8"
    assert ran == []


def test_a_request_context_from_a_wsgi_environ(app: Any) -> None:
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/x", "SERVER_NAME": "h", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "QUERY_STRING": "",
    }  # fmt: skip
    with app.request_context(environ) as context:
        assert request.path == "/x"
        assert repr(context) == "<Context of lifecycle_app, GET /x>"


def test_a_request_that_no_rule_matches_has_the_reason_on_it(app: Any) -> None:
    with app.test_request_context("/nowhere"):
        assert request.endpoint is None
        assert request.routing_exception is not None
        assert request.routing_exception.code == 404


def test_dispatch_in_a_test_request_context_gives_what_the_view_returns(app: Any) -> None:
    @app.route("/")
    def index() -> Any:
        return {"a": 1}

    with app.test_request_context("/"):
        assert app.dispatch_request() == {"a": 1}
        assert app.full_dispatch_request().get_json() == {"a": 1}


def test_a_teardown_sees_the_exception_that_left_the_with_block(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_appcontext(seen.append)
    app.teardown_request(seen.append)
    error = ValueError("left")
    with pytest.raises(ValueError, match="left"), app.app_context():
        raise error
    with pytest.raises(ValueError, match="left"), app.test_request_context("/"):
        raise error
    assert seen == [error, error, error]


def test_a_teardown_may_still_use_the_context(app: Any) -> None:
    seen: list[Any] = []

    @app.teardown_appcontext
    def close(error: Any) -> None:
        seen.append((current_app.name, g.pop("db", None)))

    with app.app_context():
        g.db = "connection"
    assert seen == [("lifecycle_app", "connection")]


def test_the_url_adapter_can_be_asked_for_and_replaced(app: Any) -> None:
    app.config["SERVER_NAME"] = "example.org"
    with app.app_context() as context:
        assert context.url_adapter.server_name == "example.org"
        context.url_adapter = None
        assert context.url_adapter is None


def test_without_server_name_an_application_context_has_no_url_adapter(app: Any) -> None:
    with app.app_context() as context:
        assert context.url_adapter is None


def test_g_and_session_of_a_context_can_be_replaced(app: Any) -> None:
    with app.test_request_context("/") as context:
        context.g = AppGlobals()
        context.g.mine = 1
        assert g.mine == 1
        context.session = app.session_manager.open(None, False, "shared")
        session["fixed"] = True
        assert context.session["fixed"] is True


def test_g_is_an_instance_of_app_ctx_globals_class(make_app: Any) -> None:
    class Own(AppGlobals):
        answer = 42

    app = make_app()
    app.app_ctx_globals_class = Own
    with app.app_context():
        assert g.answer == 42
        assert isinstance(g, Own)


# --- a context that cannot begin leaves nothing behind ---


class _Broken(SessionInterface):
    def open_session(self, app: Any, request: Any) -> Any:
        raise OSError("no sessions today")

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        raise AssertionError("nothing was opened")


def test_a_request_context_that_could_not_begin_is_not_left_current(app: Any) -> None:
    app.session_interface = _Broken()
    with pytest.raises(OSError, match="no sessions today"), app.test_request_context("/"):
        raise AssertionError("unreachable")
    left = has_app_context()
    while has_app_context():  # let the other tests be
        app_ctx.pop()
    assert not left


def test_a_request_whose_session_cannot_be_opened_is_answered_with_500(app: Any) -> None:
    app.session_interface = _Broken()
    app.route("/")(lambda: "never")
    assert app.test_client().get("/").status_code == 500


# --- g ---


def test_g_has_get_pop_setdefault_in_and_iteration(app: Any) -> None:
    with app.app_context():
        assert g.get("a") is None
        assert g.get("a", 5) == 5
        assert g.setdefault("a", []) is g.a
        assert g.setdefault("b") is None
        assert "a" in g
        assert "zebra" not in g
        assert sorted(g) == ["a", "b"]
        assert g.pop("a") == []
        assert g.pop("a", "gone") == "gone"
        with pytest.raises(KeyError, match="a"):
            g.pop("a")
        del g.b
        assert list(g) == []


def test_g_says_what_it_holds(app: Any) -> None:
    with app.app_context():
        assert repr(g) == "<erlen.g empty>"
        g.db = g.user = 1
        assert repr(g) == "<erlen.g db, user>"


def test_a_missing_attribute_of_g_names_it_and_the_way_to_ask(app: Any) -> None:
    with app.app_context():
        with pytest.raises(AttributeError) as caught:
            g.user  # noqa: B018
        assert "g has no attribute 'user'" in str(caught.value)
        assert "g.get('user')" in str(caught.value)
        assert not hasattr(g, "user")
        assert getattr(g, "user", None) is None


def test_deleting_a_missing_attribute_of_g_is_an_attribute_error(app: Any) -> None:
    with app.app_context(), pytest.raises(AttributeError, match="user"):
        del g.user


def test_g_may_be_filled_when_the_context_is_pushed_as_a_test_does(app: Any) -> None:
    @app.route("/")
    def index() -> str:
        return g.user

    def fill(sender: Any, **extra: Any) -> None:
        g.user = "ada"

    with appcontext_pushed.connected_to(fill, app):
        assert app.test_client().get("/").text == "ada"


# --- nothing of one request is seen by the next ---

_variable: ContextVar[str] = ContextVar("lifecycle_tests_variable", default="unset")


def test_nothing_of_one_request_is_seen_by_the_next_or_by_the_caller(app: Any) -> None:
    @app.route("/<word>")
    def index(word: str) -> Any:
        before = {"variable": _variable.get(), "g": g.get("word"), "flashes": get_flashed_messages()}
        _variable.set(word)
        g.word = word
        return before

    client = app.test_client()
    clean = {"variable": "unset", "g": None, "flashes": []}
    assert client.get("/first").json == clean
    assert client.get("/second").json == clean
    assert _variable.get() == "unset"
    assert not has_app_context()


def test_an_async_request_leaves_nothing_to_the_next_either(app: Any) -> None:
    @app.before_request
    def before() -> None:
        g.seen = (_variable.get(), g.get("word"))
        _variable.set("hook")

    @app.route("/<word>")
    async def index(word: str) -> Any:
        seen = (*g.seen, _variable.get())
        _variable.set(word)
        g.word = word
        return list(seen)

    client = app.test_client()
    assert client.get("/first").json == ["unset", None, "hook"]
    assert client.get("/second").json == ["unset", None, "hook"]
    assert _variable.get() == "unset"
    assert not has_app_context()


def test_a_request_that_fails_leaves_nothing_either(app: Any) -> None:
    app.testing = True

    @app.route("/")
    def index() -> str:
        _variable.set("failed")
        g.word = 1
        raise ValueError("out")

    with pytest.raises(ValueError, match="out"):
        app.test_client().get("/")
    assert _variable.get() == "unset"
    assert not has_app_context()


def test_a_variable_of_the_caller_is_seen_by_the_request(app: Any) -> None:
    app.route("/")(lambda: _variable.get())
    token = _variable.set("caller")
    try:
        assert app.test_client().get("/").text == "caller"
    finally:
        _variable.reset(token)


def test_flashes_are_shown_once_and_to_the_visitor_alone(app: Any) -> None:
    @app.route("/say")
    def say() -> str:
        flash("saved", "good")
        return "ok"

    @app.route("/show")
    def show() -> Any:
        first = get_flashed_messages(with_categories=True)
        return [first, get_flashed_messages(with_categories=True)]

    ada, bob = app.test_client(), app.test_client()
    ada.get("/say")
    assert bob.get("/show").json == [[], []]
    assert ada.get("/show").json == [[["good", "saved"]], [["good", "saved"]]]
    assert ada.get("/show").json == [[], []]


def test_a_request_made_inside_a_view_has_a_context_of_its_own(app: Any) -> None:
    @app.route("/inner")
    def inner() -> str:
        g.who = "inner"
        return request.path

    @app.route("/outer")
    def outer() -> str:
        g.who = "outer"
        text = app.test_client().get("/inner").text
        return f"{text} {request.path} {g.who}"

    assert app.test_client().get("/outer").text == "/inner /outer outer"


def test_concurrent_requests_in_threads_do_not_see_each_other(app: Any) -> None:
    meet = threading.Barrier(4)

    @app.route("/<word>")
    def index(word: str) -> str:
        g.word = word
        _variable.set(word)
        meet.wait(10)
        return f"{g.word} {_variable.get()} {request.view_args['word']}"

    answers: dict[str, str] = {}

    def send(word: str) -> None:
        answers[word] = app.test_client().get(f"/{word}").text

    threads = [threading.Thread(target=send, args=(word,)) for word in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {word: f"{word} {word} {word}" for word in "abcd"}


# --- copy_current_request_context ---


def _in_thread(function: Any) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_plain_thread_has_no_request_and_a_copied_context_has_the_same_one(app: Any) -> None:
    seen: list[Any] = []

    @app.route("/")
    def index() -> str:
        session["user"] = "ada"
        g.word = "of the view"

        def bare() -> None:
            seen.append(has_request_context())

        @copy_current_request_context
        def work(tail: str) -> None:
            seen.append(request.path + tail + session["user"])
            seen.append(g.get("word"))
            seen.append(url_for("index"))

        _in_thread(bare)
        _in_thread(lambda: work(" by "))
        assert work.__name__ == "work"
        return "ok"

    assert app.test_client().get("/").text == "ok"
    assert seen == [False, "/ by ada", None, "/"]


def test_a_context_that_is_copied_before_the_session_is_touched_shares_it(app: Any) -> None:
    @app.route("/")
    def index() -> dict[str, str]:
        @copy_current_request_context
        def work() -> None:
            session["heard"] = session["said"]

        session["said"] = "hello"
        _in_thread(work)
        return dict(session)

    @app.route("/untouched")
    def untouched() -> str:
        return copy_current_request_context(lambda: request.path)()

    client = app.test_client()
    assert "Set-Cookie" not in client.get("/untouched").headers
    assert client.get("/").json == {"said": "hello", "heard": "hello"}
    assert client.get("/").json == {"said": "hello", "heard": "hello"}


def test_a_copied_context_outlives_the_request(app: Any) -> None:
    kept: list[Any] = []
    ended: list[str] = []

    @app.teardown_request
    def teardown(error: Any) -> None:
        ended.append(threading.current_thread().name)

    @app.route("/late")
    def index() -> str:
        kept.append(copy_current_request_context(lambda: request.path))
        return "ok"

    app.test_client().get("/late")
    assert len(ended) == 1
    found: list[str] = []
    _in_thread(lambda: found.append(kept[0]()))
    assert found == ["/late"]
    assert len(ended) == 2


def test_g_is_empty_in_each_call_of_a_copied_context(app: Any) -> None:
    seen: list[Any] = []

    def work() -> None:
        seen.append(g.get("word"))
        g.word = "left behind"

    with app.test_request_context("/"):
        copied = copy_current_request_context(work)
    copied()
    copied()
    assert seen == [None, None]


def test_a_copied_context_may_run_in_several_threads_at_once(app: Any) -> None:
    meet = threading.Barrier(3)
    seen: list[str] = []
    failed: list[BaseException] = []

    with app.test_request_context("/shared"):

        @copy_current_request_context
        def work() -> None:
            meet.wait(10)
            seen.append(request.path)
            meet.wait(10)

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert seen == ["/shared"] * 3


# --- a context is one object of one class ---


def test_contexts_take_attributes_of_extensions(app: Any) -> None:
    with app.app_context() as context:
        app_ctx.my_extension = "state"
        assert context.my_extension == "state"
    assert isinstance(context, Context)


def test_an_application_without_a_name_still_has_a_readable_context() -> None:
    class Bare:
        app_ctx_globals_class = AppGlobals

    assert repr(Context(Bare())) == "<Context of ?>"


def test_erlen_makes_contexts_of_the_one_class(app: Erlen) -> None:
    assert type(app.app_context()) is type(app.test_request_context("/")) is Context
