"""Steps overridden by a subclass, on the instance or on a class: they take effect, and super() does the rest."""

from __future__ import annotations

import asyncio
import copy
from contextvars import ContextVar
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException, NotFound

from erlen import Blueprint, Erlen, Response, abort, after_this_request, g, request, session
from erlen.lifecycle.plan import OVERRIDABLE
from erlen.steps import RedirectedForm

_variable: ContextVar[str] = ContextVar("override_tests_variable", default="unset")

PATHS = (
    ("GET", "/"), ("HEAD", "/"), ("OPTIONS", "/"), ("POST", "/"), ("GET", "/nowhere"), ("GET", "/folder"),
    ("GET", "/abort"), ("GET", "/broken"), ("GET", "/handled"), ("GET", "/async"), ("GET", "/json/5"),
    ("GET", "/session"), ("GET", "/shop/"), ("GET", "/early"), ("GET", "/none"), ("GET", "/static/nothing"),
)  # fmt: skip


def _fill(app: Any, log: list[str]) -> None:
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    def hooks(owner: Any, place: str) -> None:
        owner.url_value_preprocessor(lambda endpoint, values: log.append(f"{place} preprocessor {endpoint}"))

        @owner.before_request
        def before() -> Any:
            log.append(f"{place} before")
            return "early" if request.path == "/early" else None

        @owner.after_request
        def after(response: Any) -> Any:
            log.append(f"{place} after")
            response.headers["X-Variable"] = _variable.get()
            return response

        owner.teardown_request(lambda error: log.append(f"{place} teardown {error!r}"))

    hooks(app, "app")
    hooks(shop, "shop")
    app.teardown_appcontext(lambda error: log.append(f"appcontext {error!r}"))
    app.before_first_request(lambda: log.append("first"))
    app.before_first_visit(lambda: log.append("visit"))
    app.errorhandler(LookupError)(lambda error: f"handled {error}")

    @app.route("/")
    def index() -> str:
        @after_this_request
        def mark(response: Any) -> Any:
            log.append("after this")
            return response

        return "index"

    @app.route("/async")
    async def asynchronous() -> str:
        await asyncio.sleep(0)
        _variable.set("set by the view")
        return f"async {request.path}"

    @app.route("/session")
    def visit() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    def fail(error: Any) -> Any:
        def view() -> Any:
            raise error

        return view

    app.add_url_rule("/abort", "abort", lambda: abort(403))
    app.add_url_rule("/broken", "broken", fail(ValueError("broken")))
    app.add_url_rule("/handled", "handled", fail(LookupError("lookup")))
    app.add_url_rule("/folder/", "folder", lambda: "folder")
    app.add_url_rule("/json/<int:n>", "json", lambda n: {"n": n})
    app.add_url_rule("/none", "none", lambda: None)
    shop.route("/")(lambda: "shop")
    app.register_blueprint(shop)


def _recorded(app: Any, log: list[str]) -> list[Any]:
    client = app.test_client()
    answers = []
    for method, path in PATHS:
        log.append(f"--- {method} {path}")
        with client.open(path, method=method) as response:
            headers = sorted((name, value) for name, value in response.headers if name != "Set-Cookie")
            cookies = len(response.headers.getlist("Set-Cookie"))
            if method == "OPTIONS":
                headers = [(name, ",".join(sorted(value.split(", ")))) for name, value in headers]
            answers.append((method, path, response.status, headers, cookies, response.data))
    return [answers, log]


_expected: dict[str, Any] = {}


def _without_an_override(make_app: Any, interface: str) -> Any:
    """Return what is recorded of an application without overrides, which is asked once."""
    if interface not in _expected:
        log: list[str] = []
        plain = make_app()
        _fill(plain, log)
        _expected[interface] = _recorded(plain, log)
    return copy.deepcopy(_expected[interface])


@pytest.mark.parametrize("how", ["subclass", "instance", "class", "class, late", "instance, late"])
@pytest.mark.parametrize("name", sorted(OVERRIDABLE))
def test_an_override_that_calls_super_changes_nothing_and_is_called(
    make_app: Any, interface: str, name: str, how: str
) -> None:
    expected = _without_an_override(make_app, interface)

    called: list[str] = []
    original = getattr(Erlen, name)

    def override(self: Any, *args: Any, **kwargs: Any) -> Any:
        called.append(name)
        return original(self, *args, **kwargs)

    class App(Erlen):
        pass

    log: list[str] = []
    if how == "subclass":
        setattr(App, name, override)
    app = make_app(App)
    if how == "instance":
        setattr(app, name, override.__get__(app))
    elif how == "class":
        setattr(App, name, override)
    _fill(app, log)
    if how.endswith("late"):
        app.test_client().get("/async")
        app.test_client().get("/nowhere")
        log[:] = ["first"]  # it has run by now
        target = App if how.startswith("class") else app
        setattr(target, name, override if target is App else override.__get__(app))
        expected[1].remove("first")
        expected[1].insert(0, "first")
    actual = _recorded(app, log)
    assert called
    for ours, theirs in zip(actual[0], expected[0], strict=True):
        assert ours == theirs
    assert actual[1] == expected[1]


# --- overrides that do something of their own ---


def test_dispatch_request_may_answer_in_the_views_place(make_app: Any) -> None:
    class App(Erlen):
        def dispatch_request(self) -> Any:
            if request.path == "/maintenance":
                return "closed", 503
            return super().dispatch_request()

    app = make_app(App)
    app.route("/")(lambda: "view")
    client = app.test_client()
    response = client.get("/maintenance")
    assert (response.status_code, response.text) == (503, "closed")
    assert client.get("/").text == "view"


def test_full_dispatch_request_may_be_wrapped(make_app: Any) -> None:
    class App(Erlen):
        def full_dispatch_request(self) -> Any:
            response = super().full_dispatch_request()
            response.headers["X-Wrapped"] = "yes"
            return response

    app = make_app(App)
    app.route("/")(lambda: "view")
    assert app.test_client().get("/").headers["X-Wrapped"] == "yes"
    assert app.test_client().get("/nowhere").headers["X-Wrapped"] == "yes"


def test_full_dispatch_request_that_returns_nothing_names_itself(make_app: Any, caplog: Any) -> None:
    class App(Erlen):
        def full_dispatch_request(self) -> Any:
            super().full_dispatch_request()

    app = make_app(App)
    app.testing = False
    app.route("/")(lambda: "view")
    assert app.test_client().get("/").status_code == 500
    assert "full_dispatch_request() has returned None: end it with 'return response'" in caplog.text


def test_preprocess_request_may_answer_early_and_nothing_else_runs_then(make_app: Any) -> None:
    ran: list[str] = []

    class App(Erlen):
        def preprocess_request(self) -> Any:
            g.seen = True
            return "early" if request.args else super().preprocess_request()

    app = make_app(App)
    app.before_request(lambda: ran.append("hook"))
    app.route("/")(lambda: f"view {g.seen}")
    client = app.test_client()
    assert client.get("/?a=1").text == "early"
    assert ran == []
    assert client.get("/").text == "view True"
    assert ran == ["hook"]


def test_make_response_may_take_what_erlen_does_not(make_app: Any) -> None:
    class App(Erlen):
        def make_response(self, rv: Any) -> Any:
            return super().make_response(str(rv) if isinstance(rv, int) else rv)

    app = make_app(App)
    app.add_url_rule("/", "index", lambda: 5)
    assert app.test_client().get("/").text == "5"


def test_process_response_sees_every_response(make_app: Any) -> None:
    class App(Erlen):
        def process_response(self, response: Any) -> Any:
            response = super().process_response(response)
            response.headers["X-Path"] = request.path
            return response

    app = make_app(App)
    app.route("/")(lambda: "view")
    client = app.test_client()
    assert client.get("/").headers["X-Path"] == "/"
    assert client.get("/nowhere").headers["X-Path"] == "/nowhere"


def test_finalize_request_may_be_replaced(make_app: Any) -> None:
    class App(Erlen):
        def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Any:
            return Response(f"final {rv} {from_error_handler}")

    app = make_app(App)
    app.route("/")(lambda: "view")
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    client = app.test_client()
    assert client.get("/").text == "final view False"
    assert client.get("/broken").text.startswith("final 500 Internal Server Error")
    assert client.get("/broken").text.endswith(" True")


def test_handle_exception_on_the_instance_answers_what_nobody_handled(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: 1 / 0)
    assert app.test_client().get("/").status_code == 500
    app.handle_exception = lambda error: Response(f"replaced {type(error).__name__}", 500)
    assert app.test_client().get("/").text == "replaced ZeroDivisionError"
    del app.handle_exception
    assert "Internal Server Error" in app.test_client().get("/").text


def test_handle_user_exception_sees_http_exceptions_too(make_app: Any) -> None:
    class App(Erlen):
        def handle_user_exception(self, e: Exception) -> Any:
            return f"user {type(e).__name__}"

    app = make_app(App)
    app.add_url_rule("/", "index", lambda: 1 / 0)
    client = app.test_client()
    assert client.get("/").text == "user ZeroDivisionError"
    assert client.get("/nowhere").text == "user NotFound"


def test_handle_http_exception_sees_http_exceptions_alone(make_app: Any) -> None:
    class App(Erlen):
        def handle_http_exception(self, e: HTTPException) -> Any:
            return f"http {e.code}", e.code

    app = make_app(App)
    app.add_url_rule("/", "index", lambda: 1 / 0)
    app.add_url_rule("/abort", "abort", lambda: abort(403))
    client = app.test_client()
    assert client.get("/abort").text == "http 403"
    assert client.get("/").status_code == 500


def test_log_exception_may_be_replaced(make_app: Any, caplog: Any) -> None:
    logged: list[Any] = []

    class App(Erlen):
        def log_exception(self, exc_info: Any) -> None:
            logged.append(exc_info)

    app = make_app(App)
    error = ValueError("x")

    @app.route("/")
    def index() -> str:
        raise error

    app.test_client().get("/")
    assert [(kind, value) for kind, value, _ in logged] == [(ValueError, error)]
    assert caplog.records == []


def test_raise_routing_exception_may_be_replaced(make_app: Any) -> None:
    class App(Erlen):
        def raise_routing_exception(self, request: Any) -> Any:
            raise NotFound(f"Nothing at {request.path}.")

    app = make_app(App)
    app.add_url_rule("/", "index", lambda: "x", methods=["POST"])
    response = app.test_client().get("/")
    assert response.status_code == 404
    assert "Nothing at /." in response.text


def test_create_url_adapter_may_choose_the_host(make_app: Any) -> None:
    from erlen import url_for

    class App(Erlen):
        def create_url_adapter(self, request: Any) -> Any:
            return self.url_map.bind("chosen.example", path_info=None if request is None else request.path)

    app = make_app(App)
    app.route("/here")(lambda: "view " + request.path)
    with app.test_request_context("/here"):
        assert url_for("<lambda>", _external=True) == "http://chosen.example/here"
    assert app.test_client().get("/here").text == "view /here"


def test_a_url_adapter_of_none_matches_nothing(make_app: Any) -> None:
    class App(Erlen):
        def create_url_adapter(self, request: Any) -> Any:
            return None

    app = make_app(App)
    app.route("/")(lambda: "view")
    with app.test_request_context("/"):
        assert request.endpoint is None
        assert request.routing_exception is None


@pytest.mark.parametrize("place", ["subclass", "instance"])
def test_teardown_overrides_are_called_for_requests_and_for_application_contexts(make_app: Any, place: str) -> None:
    log: list[Any] = []

    class App(Erlen):
        def do_teardown_request(self, *args: Any) -> None:
            log.append(("request", args))
            super().do_teardown_request(*args)

        def do_teardown_appcontext(self, *args: Any) -> None:
            log.append(("app", args))
            super().do_teardown_appcontext(*args)

    if place == "subclass":
        app = make_app(App)
    else:
        app = make_app()
        app.do_teardown_request = lambda *args: log.append(("request", args)) or Erlen.do_teardown_request(app, *args)
        app.do_teardown_appcontext = lambda *args: log.append(("app", args)) or Erlen.do_teardown_appcontext(app, *args)
    app.teardown_request(lambda error: log.append("teardown_request"))
    app.teardown_appcontext(lambda error: log.append("teardown_appcontext"))
    app.route("/")(lambda: "x")
    app.test_client().get("/")
    of_a_request = [("request", (None,)), "teardown_request", ("app", (None,)), "teardown_appcontext"]
    assert log == of_a_request
    log.clear()
    with app.app_context():
        pass
    assert log == [("app", (None,)), "teardown_appcontext"]
    log.clear()
    with app.test_request_context("/"):
        pass
    assert log == of_a_request


def test_teardown_steps_called_by_hand_see_the_exception_being_handled_and_run_all(app: Any) -> None:
    seen: list[Any] = []
    error = ValueError("being handled")

    def failing(exc: Any) -> None:
        seen.append(exc)
        raise OSError("teardown")

    app.teardown_request(seen.append)
    app.teardown_request(failing)
    app.teardown_appcontext(seen.append)
    app.teardown_appcontext(failing)
    app_context = app.test_request_context("/")
    app_context.push()
    try:
        raise error
    except ValueError:
        with pytest.raises(OSError, match="teardown"):
            app.do_teardown_request()
        with pytest.raises(OSError, match="teardown"):
            app.do_teardown_appcontext()
    assert seen == [error] * 4
    seen.clear()
    for step in (app.do_teardown_request, app.do_teardown_appcontext):
        with pytest.raises(OSError, match="teardown"):
            step(None)
    assert seen == [None] * 4
    with pytest.raises(OSError, match="teardown"):
        app_context.pop()


def test_teardown_steps_called_by_hand_are_quiet_where_all_goes_well(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(seen.append)
    app.teardown_appcontext(seen.append)
    with app.test_request_context("/"):
        app.do_teardown_request()
        app.do_teardown_appcontext()
    assert seen == [None] * 4


def test_all_errors_of_overridden_teardowns_are_logged(make_app: Any, caplog: Any) -> None:
    class App(Erlen):
        def do_teardown_request(self, *args: Any) -> None:
            super().do_teardown_request(*args)

    app = make_app(App)

    def failing(name: str) -> Any:
        def teardown(error: Any) -> None:
            raise OSError(name)

        return teardown

    app.teardown_request(failing("second"))
    app.teardown_request(failing("first"))
    app.route("/")(lambda: "x")
    with pytest.raises(OSError, match="first"):
        app.test_client().get("/")
    assert [str(record.exc_info[1]) for record in caplog.records] == ["second"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("open_session", lambda self, context: {"from": "override"}),
        ("make_default_options_response", lambda self: Response("options")),
        ("should_ignore_error", lambda self, error: True),
    ],
)
def test_the_smaller_steps_are_asked_for_by_name(make_app: Any, name: str, value: Any) -> None:
    class App(Erlen):
        pass

    setattr(App, name, value)
    app = make_app(App)
    seen: list[Any] = []
    app.teardown_request(seen.append)

    @app.route("/")
    def index() -> str:
        raise ValueError("x")

    with app.test_request_context("/") as context:
        if name == "open_session":
            assert app.open_session(context) == {"from": "override"}
    seen.clear()
    response = app.test_client().open("/", method="OPTIONS" if name.startswith("make") else "GET")
    if name.startswith("make"):
        assert response.text == "options"
    elif name == "should_ignore_error":
        assert seen == [None]


def test_response_class_changed_on_the_class_takes_effect_at_once(make_app: Any, monkeypatch: Any) -> None:
    class App(Erlen):
        pass

    class Own(Response):
        default_mimetype = "text/plain"

    app = make_app(App)
    app.route("/")(lambda: "x")
    client = app.test_client()
    assert client.get("/").mimetype == "text/html"
    monkeypatch.setattr(App, "response_class", Own)
    assert client.get("/").mimetype == "text/plain"
    monkeypatch.undo()
    assert client.get("/").mimetype == "text/html"


def test_a_provider_changed_after_the_first_request_takes_effect(app: Any) -> None:
    from erlen.json import DefaultJSONProvider

    class Own(DefaultJSONProvider):
        mimetype = "application/vnd.own+json"

        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps({"wrapped": obj}, **kwargs)

    app.add_url_rule("/", "index", lambda: {"a": 1})
    client = app.test_client()
    assert client.get("/").json == {"a": 1}
    app.json = Own(app)
    response = client.get("/")
    assert response.mimetype == "application/vnd.own+json"
    assert response.json == {"wrapped": {"a": 1}}


def test_a_foreign_session_interface_set_after_the_first_request_takes_effect(app: Any) -> None:
    from erlen.sessions.interface import SessionInterface, SessionMixin

    class Own(dict[str, Any], SessionMixin): ...

    class Sessions(SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            return Own(opened=True)

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            response.headers["X-Saved"] = str(dict(session))

    app.add_url_rule("/", "index", lambda: str(session.get("opened")))
    client = app.test_client()
    assert client.get("/").text == "None"
    app.session_interface = Sessions()
    response = client.get("/")
    assert (response.text, response.headers["X-Saved"]) == ("True", "{'opened': True}")


def test_a_foreign_interface_that_opens_none_gives_the_null_session_which_is_not_saved(app: Any) -> None:
    from erlen.sessions.interface import SessionInterface

    class Sessions(SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            return None

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            raise AssertionError("a null session is not saved")

    app.session_interface = Sessions()
    app.testing = True
    app.add_url_rule("/", "index", lambda: str(session.get("a", "nothing")))
    app.add_url_rule("/write", "write", lambda: session.update(a=1))
    client = app.test_client()
    assert client.get("/").text == "nothing"
    with pytest.raises(RuntimeError, match="no secret key was set"):
        client.get("/write")


# --- other steps called by hand ---


@pytest.mark.parametrize("code", [301, 302, 303, 308])
def test_in_debug_mode_a_form_sent_to_a_url_that_redirects_is_explained(app: Any, code: int) -> None:
    app.debug = True
    app.url_map.redirect_defaults = True
    app.add_url_rule("/folder/", "folder", lambda: "folder", methods=["GET", "POST"])
    with app.test_request_context("/folder", method="POST", data={"a": "b"}):
        error = request.routing_exception
        error.code = code
        if code == 308:
            with pytest.raises(type(error)):
                app.raise_routing_exception(request)
            return
        with pytest.raises(RedirectedForm) as caught:
            app.raise_routing_exception(request)
    text = str(caught.value)
    assert "A request was sent to 'http://localhost/folder' with POST" in text
    assert "trailing slash" in text
    assert f"answers it with a redirect ({code}) to the canonical URL 'http://localhost/folder/'" in text
    assert "url_for() gives it" in text
    assert isinstance(caught.value, AssertionError)


def test_a_get_that_redirects_is_just_redirected_in_debug_mode(app: Any) -> None:
    app.debug = True
    app.add_url_rule("/folder/", "folder", lambda: "folder")
    assert app.test_client().get("/folder").status_code == 308


def test_preprocess_process_and_finalize_may_be_called_by_hand(app: Any) -> None:
    app.before_request(lambda: "early" if request.args else None)

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-After"] = "yes"
        return response

    with app.test_request_context("/?a=1"):
        assert app.preprocess_request() == "early"
        assert app.process_response(Response("x")).headers["X-After"] == "yes"
        response = app.finalize_request("text")
        assert (response.get_data(as_text=True), response.headers["X-After"]) == ("text", "yes")
        assert app.make_response(("made", 201)).status_code == 201
    with app.test_request_context("/"):
        assert app.preprocess_request() is None


def test_make_response_called_by_hand_for_a_path_without_a_view_says_what_was_wrong(app: Any) -> None:
    with app.test_request_context("/nowhere"), pytest.raises(TypeError, match="The value given to make_response is no"):
        app.make_response(None)


def test_error_steps_may_be_called_by_hand(app: Any) -> None:
    app.errorhandler(404)(lambda error: ("none", 404))
    app.errorhandler(ValueError)(lambda error: "value")
    with app.test_request_context("/"):
        assert app.handle_http_exception(NotFound()) == ("none", 404)
        assert app.handle_user_exception(ValueError()) == "value"
        with pytest.raises(TypeError, match="nobody"):
            app.handle_user_exception(TypeError("nobody"))
        assert app.handle_exception(TypeError("nobody")).status_code == 500


def test_the_session_of_an_application_context_is_that_of_the_request_below(app: Any) -> None:
    with app.test_request_context("/"):
        session["a"] = 1
        with app.app_context() as inner:
            assert inner.session["a"] == 1


def test_a_request_context_without_a_plan_opens_a_shared_session(app: Any) -> None:
    context = app.request_context({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "h", "SERVER_PORT": "80",
                                   "wsgi.url_scheme": "http"})  # fmt: skip
    assert context.plan is None
    app.open_session(context)
    assert context.session_mode == "shared"


@pytest.mark.parametrize("mode", ["none", "readonly", "shared"])
def test_the_mode_of_the_route_reaches_the_session(app: Any, mode: str) -> None:
    modes: list[str] = []

    @app.route("/", session=mode)
    def index() -> str:
        from erlen import app_ctx

        if mode != "none":
            session.get("a")
        app_ctx.session  # noqa: B018
        modes.append(app_ctx.session_mode)
        return "x"

    assert app.test_client().get("/").text == "x"
    assert modes == [mode]


def test_an_untrusted_host_is_refused(app: Any) -> None:
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    app.route("/")(lambda: "x")
    client = app.test_client()
    assert client.get("/", headers={"Host": "shop.example"}).text == "x"
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_hosts_and_subdomains_decide_where_they_are_to(make_app: Any) -> None:
    class Hosts(Erlen):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, host_matching=True, static_host="static.example", **kwargs)

    app = make_app(Hosts)
    app.add_url_rule("/", "one", lambda: "one", host="one.example")
    app.add_url_rule("/", "two", lambda: "two", host="two.example")
    client = app.test_client()
    assert client.get("/", base_url="http://one.example").text == "one"
    assert client.get("/", base_url="http://two.example").text == "two"
    assert client.get("/", base_url="http://three.example").status_code == 404

    class Subdomains(Erlen):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, subdomain_matching=True, **kwargs)

    app = make_app(Subdomains, SERVER_NAME="shop.example")
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/", "admin", lambda: "admin", subdomain="admin")
    client = app.test_client()
    assert client.get("/").text == "index"
    assert client.get("/", subdomain="admin").text == "admin"
