"""How applications, test suites and extensions use contexts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy


def test_the_shell_session_of_the_documentation(flask: Any, app: Any) -> None:
    log: list[str] = []
    app.before_request(lambda: log.append("before"))
    app.after_request(lambda response: log.append("after") or response)
    context = app.test_request_context("/?next=http://example.com/")
    context.push()
    assert flask.request.args["next"] == "http://example.com/"
    app.preprocess_request()
    response = app.process_response(app.response_class())
    assert response.status_code == 200
    context.pop()
    assert log == ["before", "after"]


def test_a_context_pushed_for_good(flask: Any, app: Any) -> None:
    import contextvars

    def script() -> None:
        app.app_context().push()
        flask.g.a = 1
        assert flask.current_app == app
        app.add_url_rule("/", "index", lambda: str(flask.g.get("a")))
        assert app.test_client().get("/").text == "1"
        assert flask.g.a == 1

    contextvars.copy_context().run(script)
    assert not flask.current_app


def test_contexts_are_made_again_and_again(flask: Any, app: Any) -> None:
    ended: list[int] = []
    app.teardown_appcontext(lambda error: ended.append(flask.g.number))
    for number in range(5):
        with app.app_context():
            flask.g.number = number
    assert ended == list(range(5))


def test_a_context_object_is_used_again(flask: Any, app: Any) -> None:
    context = app.app_context()
    with context:
        flask.g.a = 1
    with context:
        assert flask.g.a == 1
    request_context = app.test_request_context("/x")
    for _ in range(2):
        with request_context:
            assert flask.request.path == "/x"
            assert flask.has_app_context()
    assert not flask.has_app_context()


def test_a_resource_on_g(flask: Any, app: Any) -> None:
    closed: list[str] = []

    class Connection:
        def close(self) -> None:
            closed.append("closed")

    def get_db() -> Connection:
        if "db" not in flask.g:
            flask.g.db = Connection()
        return flask.g.db  # type: ignore[no-any-return]

    @app.teardown_appcontext
    def close_db(error: Any) -> None:
        db = flask.g.pop("db", None)
        if db is not None:
            db.close()

    db = LocalProxy(get_db)
    app.add_url_rule("/", "index", lambda: str(get_db() is get_db() and db == get_db()))
    app.add_url_rule("/without", "without", lambda: "x")
    client = app.test_client()
    assert client.get("/").text == "True"
    client.get("/without")
    assert closed == ["closed"]
    with client:
        client.get("/")
    assert closed == ["closed"] * 2
    with app.app_context():
        get_db()
        client.get("/")
        assert closed == ["closed"] * 2
    assert closed == ["closed"] * 3


def test_a_scope_by_the_identity_of_the_context(flask: Any, app: Any) -> None:
    """As SQLAlchemy's scoped session is used by its extension."""
    removed: list[int] = []
    sessions: dict[int, object] = {}

    def scope() -> int:
        return id(flask.globals.app_ctx._get_current_object())

    @app.teardown_appcontext
    def remove(error: Any) -> None:
        removed.append(scope())
        sessions.pop(scope(), None)

    @app.route("/")
    def index() -> str:
        first = sessions.setdefault(scope(), object())
        return str(first is sessions.setdefault(scope(), object()))

    assert app.test_client().get("/").text == "True"
    assert sessions == {}
    with app.app_context():
        outer = sessions.setdefault(scope(), object())
        app.test_client().get("/")
        assert sessions[scope()] is outer
    assert sessions == {}
    with app.test_client() as client:
        client.get("/")
        assert sessions == {}


def test_a_user_on_g_through_a_local_proxy(flask: Any, app: Any) -> None:
    """As Flask-Login's current_user."""

    def get_user() -> Any:
        if flask.has_request_context():
            if "_user" not in flask.g:
                flask.g._user = flask.session.get("user", "anonymous")
            return flask.g._user
        return None

    user = LocalProxy(get_user)

    @app.route("/login/<name>")
    def login(name: str) -> str:
        flask.session["user"] = flask.g._user = name
        return "x"

    app.add_url_rule("/who", "who", lambda: str(user))
    client = app.test_client()
    assert client.get("/who").text == "anonymous"
    client.get("/login/ada")
    assert client.get("/who").text == "ada"
    assert user == None  # noqa: E711
    with client:
        client.get("/who")
        assert user == "ada"


def test_an_extension_asks_the_adapter_which_rules_share_a_path(flask: Any, app: Any) -> None:
    """So that an API may answer in its own format when a method of one of its paths is not allowed."""
    app.add_url_rule("/ovens/<int:number>", "api.oven", lambda number: "x", methods=["PUT"])
    app.add_url_rule("/ovens/<int:number>", "api.cold", lambda number: "x", methods=["DELETE"])
    app.add_url_rule("/menu", "menu", lambda: "x")

    def endpoints() -> set[str]:
        adapter = flask.current_app.create_url_adapter(flask.request)
        methods = set(adapter.allowed_methods()) - {"OPTIONS", "HEAD"}
        return {adapter.match(method=method)[0] for method in methods}

    for path, method, found in (
        ("/ovens/3", "GET", {"api.oven", "api.cold"}),
        ("/ovens/3", "PUT", {"api.oven", "api.cold"}),
        ("/menu", "DELETE", {"menu"}),
        ("/ovens/three", "PUT", set()),
    ):
        with app.test_request_context(path, method=method):
            assert endpoints() == found


def test_an_extension_routes_errors_through_partials(flask: Any, app: Any) -> None:
    """As flask-restx does."""
    app.testing = False
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    app.add_url_rule("/ok", "ok", lambda: "ok")

    def route(original: Any, error: Exception) -> Any:
        if flask.request.path.startswith("/fail"):
            code = error.code if isinstance(error, HTTPException) else 500
            flask.got_request_exception.send(flask.current_app._get_current_object(), exception=error)
            return flask.make_response({"message": type(error).__name__}, code)
        return original(error)

    app.handle_exception = partial(route, app.handle_exception)
    app.handle_user_exception = partial(route, app.handle_user_exception)
    client = app.test_client()
    response = client.get("/fail")
    assert (response.status_code, response.json) == (500, {"message": "ZeroDivisionError"})
    response = client.get("/fail/deeper")
    assert (response.status_code, response.json) == (404, {"message": "NotFound"})
    assert client.get("/other").mimetype == "text/html"
    assert client.get("/ok").text == "ok"


def test_an_extension_puts_hooks_into_the_registries(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: str(flask.g.log))

    def first() -> None:
        flask.g.log = ["first"]

    def second() -> None:
        flask.g.log.append("second")

    app.before_request_funcs.setdefault(None, []).append(second)
    app.before_request_funcs[None].insert(0, first)
    assert app.test_client().get("/").text == "['first', 'second']"
    app.before_request_funcs[None].remove(second)
    assert app.test_client().get("/").text == "['first']"
    app.before_request_funcs = {None: [lambda: "replaced"]}
    assert app.test_client().get("/").text == "replaced"
    app.before_request_funcs.clear()
    app.before_request_funcs[None] = [first]
    assert app.test_client().get("/").text == "['first']"


def test_an_extension_wraps_the_views(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "view")
    for endpoint, view in list(app.view_functions.items()):
        app.view_functions[endpoint] = lambda view=view, **values: f"wrapped {view(**values)}"
    assert app.test_client().get("/").text == "wrapped view"


def test_an_extension_finds_its_state(flask: Any) -> None:
    class Extension:
        def __init__(self, app: Any = None) -> None:
            if app is not None:
                self.init_app(app)

        def init_app(self, app: Any) -> None:
            app.config.setdefault("HELLO", "hi")
            app.extensions["hello"] = self
            app.after_request(self.after)

        def after(self, response: Any) -> Any:
            response.headers["X-Hello"] = flask.current_app.config["HELLO"]
            return response

    extension = Extension()
    apps = [flask.Flask(name, root_path="/") for name in ("one", "two")]
    apps[1].config["HELLO"] = "ho"
    for app in apps:
        extension.init_app(app)
    assert [app.test_client().get("/").headers["X-Hello"] for app in apps] == ["hi", "ho"]
    with apps[0].app_context():
        assert flask.current_app.extensions["hello"] is extension


def test_many_threads_with_their_own_requests(flask: Any, app: Any) -> None:
    barrier = threading.Barrier(4)

    @app.route("/<name>")
    def view(name: str) -> str:
        flask.g.name = name
        barrier.wait(timeout=30)
        return f"{flask.g.name} {flask.request.path}"

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda name: app.test_client().get(f"/{name}").text, "abcd"))
    assert texts == [f"{name} /{name}" for name in "abcd"]


def test_one_copied_function_in_many_threads(flask: Any, app: Any) -> None:
    @app.route("/")
    def index() -> str:
        barrier = threading.Barrier(3)

        def work(number: int) -> str:
            barrier.wait(timeout=30)
            return f"{number}{flask.request.path}"

        copies = [flask.copy_current_request_context(work) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            return " ".join(pool.map(lambda pair: pair[1](pair[0]), enumerate(copies)))

    assert app.test_client().get("/").text == "0/ 1/ 2/"


def test_a_request_made_in_a_context_of_two_applications(flask: Any, app: Any) -> None:
    other = flask.Flask("other", root_path="/")
    other.add_url_rule("/", "index", lambda: f"{flask.current_app.name} {flask.g.get('a')}")
    app.add_url_rule("/", "index", lambda: other.test_client().get("/").text)

    @app.route("/g")
    def with_g() -> str:
        flask.g.a = 1
        return f"{other.test_client().get('/').text} {flask.current_app.name} {flask.g.a}"

    assert app.test_client().get("/").text == "other None"
    assert app.test_client().get("/g").text == f"other None {app.name} 1"


def test_the_teardown_of_the_inner_context_comes_first(flask: Any, app: Any) -> None:
    log: list[str] = []
    other = flask.Flask("other", root_path="/")
    for one in (app, other):
        one.teardown_appcontext(lambda error, one=one: log.append(f"{one.name} {flask.current_app.name}"))
    with app.app_context(), other.app_context():
        pass
    assert log == ["other other", f"{app.name} {app.name}"]


def test_before_and_after_with_values_on_g(flask: Any, app: Any) -> None:
    @app.before_request
    def start() -> None:
        flask.g.values = ["before"]

    @app.after_request
    def finish(response: Any) -> Any:
        response.headers["X-Values"] = " ".join([*flask.g.values, "after"])
        return response

    @app.route("/")
    def index() -> str:
        flask.g.values.append("view")
        return "x"

    assert app.test_client().get("/").headers["X-Values"] == "before view after"


def test_lazy_loading_of_a_setting(flask: Any, app: Any) -> None:
    value = LocalProxy(lambda: flask.current_app.config["VALUE"])
    app.config["VALUE"] = [1]
    with app.app_context():
        assert value == [1]
        value.append(2)
        assert app.config["VALUE"] == [1, 2]
    with pytest.raises(RuntimeError):
        value.append(3)


def test_send_file_and_others_in_a_test_request(flask: Any, app: Any, tmp_path: Any) -> None:
    (tmp_path / "a.txt").write_text("content")
    with app.test_request_context(), flask.send_file(tmp_path / "a.txt") as response:
        response.direct_passthrough = False
        assert response.get_data() == b"content"
    with app.test_request_context():
        assert flask.jsonify(a=1).json == {"a": 1}
        assert flask.redirect("/x").location == "/x"


def test_the_current_application_is_found_by_an_import(flask: Any, app: Any) -> None:
    with app.app_context():
        current = flask.current_app._get_current_object()
        assert current is app
        assert flask.current_app.test_client().application in (app, flask.current_app)
        assert flask.current_app.config is app.config
        assert callable(flask.current_app)
        with flask.current_app.test_request_context("/y"):
            assert flask.request.path == "/y"
