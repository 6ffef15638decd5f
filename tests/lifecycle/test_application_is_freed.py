"""The application, and all that its requests make, is freed by reference count alone."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen import (
    Blueprint,
    Response,
    abort,
    copy_current_request_context,
    flash,
    g,
    get_flashed_messages,
    jsonify,
    redirect,
    render_template_string,
    request,
    session,
    stream_with_context,
    url_for,
)
from erlen.views import MethodView


@pytest.fixture
def without_gc() -> Iterator[None]:
    """Turn the garbage collector off, so that only reference counts free."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _fill(app: Any) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/shop", static_folder="static")
    nested = Blueprint("inner", __name__, url_prefix="/inner")

    class Page(MethodView):
        def get(self) -> str:
            return "page"

    @app.before_request
    def before() -> None:
        g.word = "x"

    @app.after_request
    def after(response: Any) -> Any:
        return response

    @app.teardown_request
    def teardown(error: Any) -> None: ...

    @app.errorhandler(ZeroDivisionError)
    def handle(error: Any) -> str:
        return "handled"

    @app.errorhandler(410)
    def gone(error: Any) -> Any:
        return error

    @app.context_processor
    def values() -> Any:
        return {"extra": 1}

    @app.template_filter()
    def shout(text: str) -> str:
        return text.upper()

    @app.route("/text")
    def text() -> str:
        return request.path

    @app.route("/json")
    def as_json() -> Any:
        return jsonify(a=request.args.get("a"))

    @app.route("/dict")
    def as_dict() -> Any:
        return {"a": 1}

    @app.route("/template")
    def template() -> str:
        return render_template_string("{{ url_for('text') | shout }} {{ request.path }} {{ extra }}")

    @app.route("/session")
    def visit() -> Any:
        flash("hello")
        session["cart"] = {"a": [1]}
        session.incr("n")
        return str(get_flashed_messages())

    @app.route("/handled")
    def handled() -> Any:
        return 1 / 0

    @app.route("/abort")
    def aborted() -> Any:
        abort(403)

    @app.route("/gone")
    def is_gone() -> Any:
        abort(410)

    @app.route("/redirect")
    def moved() -> Any:
        return redirect(url_for("text"))

    @app.route("/stream")
    def stream() -> Any:
        return Response(stream_with_context(iter(["a", "b"])))

    @app.route("/copied")
    def copied() -> str:
        return copy_current_request_context(lambda: request.path)()

    @app.route("/folder/")
    def folder() -> str:
        return "folder"

    @app.route("/after")
    def after_this() -> str:
        from erlen import after_this_request

        after_this_request(lambda response: response)
        return "x"

    app.add_url_rule("/page", view_func=Page.as_view("page"))
    nested.route("/")(lambda: url_for(".<lambda>"))
    blueprint.register_blueprint(nested)
    blueprint.before_app_request(lambda: None)
    app.register_blueprint(blueprint)


def _freed(make_app: Any, *paths: str, use: Any = None, **settings: Any) -> bool:
    app = make_app(**settings)
    _fill(app)
    if use is not None:
        use(app)
    for path in paths:
        with app.test_client().get(path) as response:
            response.data  # noqa: B018
        del response
    watched = weakref.ref(app)
    del app
    return _is_gone(watched)


def _is_gone(watched: weakref.ref[Any]) -> bool:
    """Tell whether it is freed. Over ASGI a thread or the loop may still be letting go of it."""
    deadline = time.monotonic() + 10
    while watched() is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    return watched() is None


def test_an_application_that_was_only_put_together(make_app: Any, without_gc: None) -> None:
    assert _freed(make_app)


@pytest.mark.parametrize(
    "path",
    [
        "/text", "/json?a=1", "/dict", "/template", "/session", "/handled", "/abort", "/gone", "/redirect", "/stream",
        "/copied", "/folder/", "/folder", "/after", "/page", "/shop/inner/", "/nowhere", "/static/nothing",
    ],
)  # fmt: skip
def test_after_a_request_for(make_app: Any, without_gc: None, path: str) -> None:
    assert _freed(make_app, path, path)


def test_after_a_request_that_failed_with_500(make_app: Any, without_gc: None) -> None:
    def add(app: Any) -> None:
        def broken() -> str:
            raise ValueError("broken")

        app.add_url_rule("/broken", "broken", broken)
        app.logger.disabled = True

    try:
        assert _freed(make_app, "/broken", use=add)
    finally:
        make_app().logger.disabled = False


def test_after_a_method_that_is_not_allowed(make_app: Any, without_gc: None) -> None:
    assert _freed(make_app, use=lambda app: app.test_client().post("/text"))


def test_after_an_async_request(make_app: Any, without_gc: None) -> None:
    def add(app: Any) -> None:
        async def asynchronous() -> str:
            return request.path

        app.add_url_rule("/async", "async", asynchronous)

    assert _freed(make_app, "/async", "/async", use=add)


def test_after_an_async_handler_in_a_plain_request(make_app: Any, without_gc: None) -> None:
    def add(app: Any) -> None:
        @app.errorhandler(404)
        async def handle(error: Any) -> Any:
            return "none", 404

    assert _freed(make_app, "/nowhere", use=add)


def _app_context(app: Any) -> None:
    with app.app_context():
        g.x = 1


def _request_context(app: Any) -> None:
    with app.test_request_context("/text"):
        url_for("text")


def _kept_by_the_client(app: Any) -> None:
    with app.test_client() as client:
        client.get("/text")
        request.path  # noqa: B018


def _session_transaction(app: Any) -> None:
    with app.test_client().session_transaction() as stored:
        stored["a"] = 1


@pytest.mark.parametrize("use", [_app_context, _request_context, _kept_by_the_client, _session_transaction])
def test_after_a_context_of(make_app: Any, without_gc: None, use: Any) -> None:
    assert _freed(make_app, use=use)


def test_on_the_embedded_store(make_app: Any, without_gc: None, tmp_path: Path) -> None:
    assert _freed(make_app, "/session", SESSION_TYPE="sqlite", SESSION_SQLITE_PATH=str(tmp_path / "sessions.sqlite3"))


def test_with_methods_replaced_on_the_instance(make_app: Any, without_gc: None) -> None:
    def use(app: Any) -> None:
        app.handle_exception = lambda error: "replaced"
        app.test_client().get("/text")

    assert _freed(make_app, "/text", use=use)


def test_nothing_of_a_plain_request_waits_for_the_garbage_collector(app: Any, without_gc: None) -> None:
    contexts: list[Any] = []

    @app.route("/")
    def index() -> str:
        from erlen import app_ctx

        contexts.append(weakref.ref(app_ctx._get_current_object()))  # type: ignore[attr-defined]
        return "x"

    @app.errorhandler(404)
    def handle(error: Any) -> Any:
        index()
        return error

    client = app.test_client()
    client.get("/")
    client.get("/nowhere")
    assert list(map(_is_gone, contexts)) == [True, True]
