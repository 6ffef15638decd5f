"""Hooks: what each may do, and how a function that cannot be one is refused where it is registered."""

from __future__ import annotations

from typing import Any

import pytest

import erlen
from erlen import Blueprint, abort, after_this_request, current_app, g, request, session, url_for
from erlen.errors import SetupError, SetupFinished, SignatureError

# --- before_request ---


def test_before_request_runs_before_the_view_and_shares_g_with_it(app: Any) -> None:
    @app.before_request
    def load() -> None:
        g.user = "ada"

    app.route("/")(lambda: g.user)
    assert app.test_client().get("/").text == "ada"


def test_what_before_request_returns_is_the_answer_and_the_rest_is_skipped(app: Any) -> None:
    ran: list[str] = []

    @app.before_request
    def first() -> Any:
        ran.append("first")
        return ("stop", 418, {"X-Why": "tea"})

    @app.before_request
    def second() -> None:
        ran.append("second")

    @app.after_request
    def after(response: Any) -> Any:
        ran.append("after")
        return response

    @app.route("/")
    def index() -> str:
        ran.append("view")
        return "x"

    response = app.test_client().get("/")
    assert (response.text, response.status_code, response.headers["X-Why"]) == ("stop", 418, "tea")
    assert ran == ["first", "after"]


@pytest.mark.parametrize("falsy", ["", b"", [], {}])
def test_only_none_goes_on_to_the_view(app: Any, falsy: Any) -> None:
    app.before_request(lambda: falsy)
    app.route("/")(lambda: "view")
    assert app.test_client().get("/").text in ("", "[]\n", "{}\n")


def test_before_request_runs_for_requests_that_no_rule_matches(app: Any) -> None:
    seen: list[Any] = []
    app.before_request(lambda: seen.append((request.endpoint, request.url_rule)))
    assert app.test_client().get("/nowhere").status_code == 404
    assert seen == [(None, None)]


def test_before_request_may_answer_what_no_rule_matches(app: Any) -> None:
    app.before_request(lambda: "caught")
    response = app.test_client().get("/nowhere")
    assert (response.status_code, response.text) == (200, "caught")


def test_before_request_may_abort(app: Any) -> None:
    app.before_request(lambda: abort(403))
    app.route("/")(lambda: "x")
    assert app.test_client().get("/").status_code == 403


# --- after_request and after_this_request ---


def test_after_request_may_change_or_replace_the_response(app: Any) -> None:
    @app.after_request
    def replace(response: Any) -> Any:
        return current_app.response_class("replaced " + response.get_data(as_text=True), status=201)

    @app.after_request
    def change(response: Any) -> Any:
        response.headers["X-After"] = "yes"
        response.set_data("changed")
        return response

    app.route("/")(lambda: "x")
    response = app.test_client().get("/")
    assert (response.text, response.status_code) == ("replaced changed", 201)


def test_after_request_runs_for_errors_that_are_answered(app: Any) -> None:
    @app.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Code"] = str(response.status_code)
        return response

    @app.route("/broken")
    def broken() -> str:
        raise ValueError("broken")

    client = app.test_client()
    assert client.get("/nowhere").headers["X-Code"] == "404"
    assert client.get("/broken").headers["X-Code"] == "500"


@pytest.mark.parametrize("role", ["after_request", "after_this_request"])
def test_an_after_function_that_returns_none_is_named_with_its_file(app: Any, role: str) -> None:
    app.testing = True

    def forgets(response: Any) -> None:
        response.headers["X"] = "y"

    if role == "after_request":
        app.after_request(forgets)

    @app.route("/")
    def index() -> str:
        if role == "after_this_request":
            after_this_request(forgets)  # type: ignore[arg-type]
        return "x"

    with pytest.raises(TypeError) as caught:
        app.test_client().get("/")
    text = str(caught.value)
    assert text.startswith(f"The {role} function test_an_after_function")
    assert "test_hooks.py:" in text
    assert "end it with 'return response'" in text


def test_after_this_request_concerns_this_request_alone(app: Any) -> None:
    @app.route("/")
    def index() -> str:
        if request.args:

            @after_this_request
            def remember(response: Any) -> Any:
                response.set_cookie("seen", "yes")
                return response

        return "x"

    client = app.test_client()
    assert "Set-Cookie" in client.get("/?a=1").headers
    assert "Set-Cookie" not in client.get("/").headers


def test_after_this_request_may_be_asked_for_in_a_hook_and_in_an_error_handler(app: Any) -> None:
    def mark(name: str) -> Any:
        def add(response: Any) -> Any:
            response.headers.add("X-Mark", name)
            return response

        return add

    app.before_request(lambda: after_this_request(mark("hook")) and None)

    @app.errorhandler(404)
    def handle(error: Any) -> Any:
        after_this_request(mark("handler"))
        return "none", 404

    assert app.test_client().get("/nowhere").headers.getlist("X-Mark") == ["hook", "handler"]


def test_after_this_request_gives_its_function_back(app: Any) -> None:
    with app.test_request_context("/"):

        def same(response: Any) -> Any:
            return response

        assert after_this_request(same) is same


def test_a_function_that_an_after_this_request_function_adds_runs_too(app: Any) -> None:
    @app.route("/")
    def index() -> str:
        @after_this_request
        def first(response: Any) -> Any:
            @after_this_request
            def second(response: Any) -> Any:
                response.headers["X-Second"] = "yes"
                return response

            return response

        return "x"

    assert app.test_client().get("/").headers["X-Second"] == "yes"


@pytest.mark.parametrize("path", ["/", "/made"])
def test_the_nosniff_header_is_added_unless_it_is_there_or_turned_off(app: Any, path: str) -> None:
    app.route("/")(lambda: "x")
    app.add_url_rule("/made", "made", lambda: ("x", 201))
    app.add_url_rule("/own", "own", lambda: ("x", {"X-Content-Type-Options": "own"}))
    client = app.test_client()
    assert client.get(path).headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert client.get("/own").headers.getlist("X-Content-Type-Options") == ["own"]
    app.config["CONTENT_TYPE_NOSNIFF"] = False
    assert "X-Content-Type-Options" not in client.get(path).headers


# --- url_value_preprocessor and url_defaults ---


def test_a_preprocessor_may_take_values_away_from_the_view(app: Any) -> None:
    seen: list[Any] = []

    @app.url_value_preprocessor
    def take(endpoint: Any, values: Any) -> None:
        seen.append(endpoint)
        if values:
            g.language = values.pop("language", "en")

    @app.url_defaults
    def give(endpoint: str, values: dict[str, Any]) -> None:
        if current_app.url_map.is_endpoint_expecting(endpoint, "language"):
            values.setdefault("language", g.language)

    app.add_url_rule("/<language>/about", "about", lambda: f"{g.language} {url_for('about')}")
    assert app.test_client().get("/fr/about").text == "fr /fr/about"
    assert seen == ["about"]


def test_a_preprocessor_gets_none_and_none_where_no_rule_matched(app: Any) -> None:
    seen: list[Any] = []
    app.url_value_preprocessor(lambda endpoint, values: seen.append((endpoint, values)))
    app.test_client().get("/nowhere")
    assert seen == [(None, None)]


def test_what_a_preprocessor_returns_is_ignored(app: Any) -> None:
    app.url_value_preprocessor(lambda endpoint, values: "ignored")
    app.route("/")(lambda: "view")
    assert app.test_client().get("/").text == "view"


def test_a_preprocessor_may_abort(app: Any) -> None:
    app.url_value_preprocessor(lambda endpoint, values: abort(404))
    app.route("/")(lambda: "view")
    assert app.test_client().get("/").status_code == 404


# --- teardowns ---


def test_teardowns_see_none_after_success_and_after_a_handled_error(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(seen.append)
    app.teardown_appcontext(seen.append)
    app.errorhandler(ValueError)(lambda error: "handled")

    @app.route("/<word>")
    def index(word: str) -> str:
        if word == "bad":
            raise ValueError(word)
        return word

    client = app.test_client()
    client.get("/good")
    client.get("/bad")
    client.get("/no/where")
    assert seen == [None] * 6


@pytest.mark.parametrize("testing", [False, True])
def test_teardowns_see_the_exception_that_nobody_handled(app: Any, testing: bool) -> None:
    app.testing = testing
    seen: list[Any] = []
    app.teardown_request(seen.append)
    app.teardown_appcontext(seen.append)
    error = ValueError("nobody")

    @app.route("/")
    def index() -> str:
        raise error

    if testing:
        with pytest.raises(ValueError, match="nobody"):
            app.test_client().get("/")
    else:
        assert app.test_client().get("/").status_code == 500
    assert seen == [error, error]


def test_all_teardowns_run_even_when_some_raise_and_none_of_the_errors_is_lost(app: Any, caplog: Any) -> None:
    ran: list[str] = []

    def failing(name: str) -> Any:
        def teardown(error: Any) -> None:
            ran.append(name)
            raise OSError(name)

        return teardown

    for name in ("request 1", "request 2"):
        app.teardown_request(failing(name))
    for name in ("app 1", "app 2"):
        app.teardown_appcontext(failing(name))
    app.teardown_appcontext(lambda error: ran.append("app 3"))

    def popped(sender: Any, **values: Any) -> None:
        ran.append("popped")

    app.route("/")(lambda: "x")
    with erlen.appcontext_popped.connected_to(popped, app), pytest.raises(OSError, match="request 2"):
        app.test_client().get("/")
    assert ran == ["request 2", "request 1", "app 3", "app 2", "app 1", "popped"]
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == ["request 1", "app 2", "app 1"]
    assert {record.getMessage() for record in caplog.records} == {"A further teardown failed."}
    assert not erlen.has_app_context()


def test_the_next_request_works_after_a_teardown_that_raised(app: Any) -> None:
    @app.teardown_request
    def teardown(error: Any) -> None:
        if request.path == "/bad":
            raise OSError("teardown")

    app.route("/<word>")(lambda word: word)
    client = app.test_client()
    with pytest.raises(OSError, match="teardown"):
        client.get("/bad")
    assert client.get("/good").text == "good"


def test_signals_of_the_end_see_the_exception_too(app: Any) -> None:
    seen: list[Any] = []
    error = ValueError("x")

    @app.route("/")
    def index() -> str:
        raise error

    def receive(sender: Any, exc: Any) -> None:
        seen.append(exc)

    with (
        erlen.request_tearing_down.connected_to(receive, app),
        erlen.appcontext_tearing_down.connected_to(receive, app),
    ):
        app.test_client().get("/")
    assert seen == [error, error]


@pytest.mark.parametrize("interface", ["wsgi"])  # over ASGI it would end the server
def test_a_view_that_raises_system_exit_is_torn_down_and_lets_it_out(app: Any) -> None:
    seen: list[Any] = []
    app.teardown_request(seen.append)

    @app.route("/")
    def index() -> str:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        app.test_client().get("/")
    assert [type(error) for error in seen] == [SystemExit]


def test_should_ignore_error_keeps_an_error_from_the_teardowns(make_app: Any) -> None:
    class App(erlen.Erlen):
        def should_ignore_error(self, error: BaseException | None) -> bool:
            return isinstance(error, ValueError)

    app = make_app(App)
    seen: list[Any] = []
    app.teardown_request(seen.append)

    @app.route("/")
    def index() -> str:
        raise ValueError("ignored")

    app.test_client().get("/")
    assert seen == [None]


# --- signals ---


def test_the_signals_of_a_request_carry_their_values(app: Any) -> None:
    log: list[Any] = []

    def started(sender: Any, **values: Any) -> None:
        log.append(("started", sender, values, request.path))

    def finished(sender: Any, response: Any, **values: Any) -> None:
        response.headers["X-Finished"] = "yes"
        log.append(("finished", sender, values))

    def failed(sender: Any, exception: Any, **values: Any) -> None:
        log.append(("failed", sender, values, str(exception)))

    @app.route("/")
    def index() -> str:
        return "x"

    @app.route("/bad")
    def bad() -> str:
        raise ValueError("bad")

    client = app.test_client()
    with (
        erlen.request_started.connected_to(started, app),
        erlen.request_finished.connected_to(finished, app),
        erlen.got_request_exception.connected_to(failed, app),
    ):
        assert client.get("/").headers["X-Finished"] == "yes"
        client.get("/bad")
    assert log == [
        ("started", app, {}, "/"), ("finished", app, {}),
        ("started", app, {}, "/bad"), ("failed", app, {}, "bad"), ("finished", app, {}),
    ]  # fmt: skip
    assert "X-Finished" not in client.get("/").headers


def test_a_receiver_of_another_application_hears_nothing(make_app: Any) -> None:
    one, two = make_app(), make_app()
    heard: list[Any] = []

    def receive(sender: Any, **values: Any) -> None:
        heard.append(sender)

    two.route("/")(lambda: "x")
    with erlen.request_started.connected_to(receive, one), erlen.appcontext_popped.connected_to(receive, one):
        two.test_client().get("/")
    assert heard == []


# --- refusals ---


def _wrong_functions() -> list[tuple[str, Any, str]]:
    return [
        ("before_request", lambda extra: None, "def before(): ..."),
        ("after_request", lambda: None, "def after(response): return response"),
        ("teardown_request", lambda: None, "def teardown(error): ..."),
        ("teardown_appcontext", lambda: None, "def teardown(error): ..."),
        ("context_processor", lambda extra: {}, "def values(): return {'name': value}"),
        ("url_value_preprocessor", lambda endpoint: None, "def preprocess(endpoint, values): ..."),
        ("url_defaults", lambda endpoint: None, "def defaults(endpoint, values): ..."),
        ("before_first_request", lambda extra: None, "def first(): ..."),
        ("before_first_visit", lambda extra: None, "def greet(): ..."),
    ]


@pytest.mark.parametrize(("role", "function", "expected"), _wrong_functions())
def test_a_hook_that_cannot_be_called_as_documented_is_refused_with_what_to_write(
    app: Any, role: str, function: Any, expected: str
) -> None:
    with pytest.raises(SignatureError) as caught:
        getattr(app, role)(function)
    text = str(caught.value)
    assert text.startswith("_wrong_functions.<locals>.<lambda>() at ")
    assert "test_hooks.py:" in text
    article = "an" if role == "after_request" else "a"
    assert text.endswith(f" cannot be {article} {role} function: its parameters do not fit. Write: {expected}")
    assert isinstance(caught.value, TypeError)


_ON_BLUEPRINTS = {
    "before_app_request": "before_request",
    "after_app_request": "after_request",
    "teardown_app_request": "teardown_request",
    "app_context_processor": "context_processor",
    "app_url_value_preprocessor": "url_value_preprocessor",
    "app_url_defaults": "url_defaults",
    "before_app_first_request": "before_first_request",
    "before_app_first_visit": "before_first_visit",
}


@pytest.mark.parametrize(
    "method", [*_ON_BLUEPRINTS, *sorted(set(_ON_BLUEPRINTS.values()) - {"before_first_request", "before_first_visit"})]
)
def test_a_blueprint_refuses_such_a_hook_where_it_is_written_too(method: str) -> None:
    role = _ON_BLUEPRINTS.get(method, method)
    blueprint = Blueprint("b", __name__)

    def wrong(one: Any, two: Any, three: Any) -> None: ...

    with pytest.raises(SignatureError, match=f"cannot be an? {role} function"):
        getattr(blueprint, method)(wrong)


def test_an_error_handler_without_a_parameter_is_refused(app: Any) -> None:
    expected = "Write: def handle\\(error\\): return 'text', 500"
    with pytest.raises(SignatureError, match=expected):
        app.errorhandler(404)(lambda: "x")
    with pytest.raises(SignatureError, match=expected):
        app.register_error_handler(404, lambda: "x")
    with pytest.raises(SignatureError, match=expected):
        Blueprint("b", __name__).app_errorhandler(404)(lambda: "x")


def test_an_after_this_request_function_without_a_parameter_is_refused(app: Any) -> None:
    with app.test_request_context("/"), pytest.raises(SignatureError, match="def after\\(response\\): return response"):
        after_this_request(lambda: None)


@pytest.mark.parametrize("method", ["url_defaults", "app_url_defaults"])
def test_an_async_url_defaults_function_is_refused_because_urls_are_built_by_plain_code(app: Any, method: str) -> None:
    async def defaults(endpoint: str, values: Any) -> None: ...

    owner = Blueprint("b", __name__) if method.startswith("app") else app
    with pytest.raises(SetupError) as caught:
        getattr(owner, method)(defaults)
    text = str(caught.value)
    assert (
        "cannot be a url_defaults function: it is async, and URLs are built by plain code, which cannot wait." in text
    )
    assert "test_hooks.py:" in text
    assert "Write def in place of async def" in text


def test_what_is_not_callable_is_refused_by_what_it_is(app: Any) -> None:
    with pytest.raises(SignatureError, match=r"^'load_user' cannot be a before_request function"):
        app.before_request("load_user")


def test_functions_with_defaults_stars_and_bound_methods_are_taken(app: Any) -> None:
    class Part:
        def before(self) -> None:
            g.parts = ["method"]

        def __call__(self, error: Any) -> None: ...

    app.before_request(Part().before)
    app.before_request(lambda extra="default": g.parts.append(extra))
    app.before_request(lambda *args, **kwargs: g.parts.append(len(args)))
    app.teardown_request(Part())
    app.route("/")(lambda: g.parts)
    assert app.test_client().get("/").json == ["method", "default", 0]


def test_every_registering_decorator_gives_the_function_back(app: Any) -> None:
    def one(value: Any) -> Any:
        return value

    def none() -> Any:
        return None

    def two(endpoint: Any, values: Any) -> None: ...

    assert app.before_request(none) is none
    assert app.after_request(one) is one
    assert app.teardown_request(one) is one
    assert app.teardown_appcontext(one) is one
    assert app.context_processor(none) is none
    assert app.url_value_preprocessor(two) is two
    assert app.url_defaults(two) is two
    assert app.errorhandler(404)(one) is one
    assert app.before_first_request(none) is none
    assert app.before_first_visit(none) is none
    assert app.shell_context_processor(none) is none
    assert app.route("/x")(none) is none
    assert app.endpoint("y")(none) is none


@pytest.mark.parametrize(
    "register",
    [
        lambda app: app.before_request(lambda: None),
        lambda app: app.after_request(lambda response: response),
        lambda app: app.teardown_request(lambda error: None),
        lambda app: app.teardown_appcontext(lambda error: None),
        lambda app: app.route("/late")(lambda: "x"),
        lambda app: app.errorhandler(404)(lambda error: "x"),
        lambda app: app.context_processor(dict),
        lambda app: app.url_defaults(lambda endpoint, values: None),
        lambda app: app.before_first_request(lambda: None),
        lambda app: app.before_first_visit(lambda: None),
        lambda app: app.register_blueprint(Blueprint("late", __name__)),
    ],
)
def test_setting_up_after_the_first_request_is_refused(app: Any, register: Any) -> None:
    app.test_client().get("/")
    with pytest.raises(SetupFinished) as caught:
        register(app)
    text = str(caught.value)
    assert "can no longer be called on the application" in text
    assert "It has already handled its first request" in text
    assert isinstance(caught.value, AssertionError)


# --- the session in hooks ---


def test_hooks_read_and_write_the_session(app: Any) -> None:
    @app.before_request
    def count() -> None:
        session["visits"] = session.get("visits", 0) + 1

    @app.after_request
    def tell(response: Any) -> Any:
        session["told"] = True
        response.headers["X-Visits"] = str(session["visits"])
        return response

    app.route("/")(lambda: "x")
    client = app.test_client()
    assert [client.get("/").headers["X-Visits"] for _ in range(3)] == ["1", "2", "3"]
    with client.session_transaction() as stored:
        assert dict(stored) == {"visits": 3, "told": True}
