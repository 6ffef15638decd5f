"""``url_for`` and ``redirect``, ``abort``, ``make_response``."""

from __future__ import annotations

import os
from typing import Any

import jinja2
import pytest
import werkzeug.exceptions
import werkzeug.wrappers
from werkzeug.routing import BuildError, RequestRedirect
from werkzeug.utils import redirect as werkzeug_redirect


@pytest.fixture
def app(app: Any) -> Any:
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/hello/<name>", "hello", lambda name: name)
    app.add_url_rule("/int/<int:n>", "int", lambda n: str(n))
    app.add_url_rule("/get", "methods", lambda: "", methods=["GET"])
    app.add_url_rule("/post", "methods", None, methods=["POST"])
    return app


@pytest.mark.parametrize(
    ("args", "url"),
    [
        ({"endpoint": "index"}, "/"),
        ({"endpoint": "hello", "name": "a b/c"}, "/hello/a%20b/c"),
        ({"endpoint": "hello", "name": "x", "q": "1"}, "/hello/x?q=1"),
        ({"endpoint": "hello", "name": "x", "q": ["1", "2"], "n": None}, "/hello/x?q=1&q=2"),
        ({"endpoint": "hello", "name": "x", "_anchor": "y"}, "/hello/x#y"),
        ({"endpoint": "index", "_anchor": "x y"}, "/#x%20y"),
        ({"endpoint": "index", "_anchor": "äöü"}, "/#%C3%A4%C3%B6%C3%BC"),
        ({"endpoint": "index", "_anchor": "a/b?c=d&e'f(g)*!$,;:@"}, "/#a/b?c=d&e'f(g)*!$,;:@"),
        ({"endpoint": "index", "_anchor": "#%"}, "/##%"),
        ({"endpoint": "index", "_anchor": ""}, "/#"),
        ({"endpoint": "index", "_external": True}, "http://localhost/"),
        ({"endpoint": "index", "_external": False}, "/"),
        ({"endpoint": "index", "_scheme": "https"}, "https://localhost/"),
        ({"endpoint": "index", "_scheme": "https", "_external": True}, "https://localhost/"),
        ({"endpoint": "index", "_scheme": "", "_external": True}, "//localhost/"),
        ({"endpoint": "index", "_scheme": ""}, "//localhost/"),
        ({"endpoint": "methods", "_method": "GET"}, "/get"),
        ({"endpoint": "methods", "_method": "POST"}, "/post"),
        ({"endpoint": "methods"}, "/get"),
        ({"endpoint": "index", "x": "a b", "y": "ü"}, "/?x=a+b&y=%C3%BC"),
        ({"endpoint": "static", "filename": "a/b.css"}, "/static/a/b.css"),
        ({"endpoint": "int", "n": 5}, "/int/5"),
        ({"endpoint": "int", "n": "7"}, "/int/7"),
    ],
)
def test_each_argument_has_its_part_in_the_url(app: Any, flask: Any, args: Any, url: str) -> None:
    with app.test_request_context():
        assert flask.url_for(**args) == url
        assert app.url_for(**args) == url
        assert flask.render_template_string("{{ url_for(**args)|safe }}", args=args) == url


def test_a_scheme_without_external_is_refused(app: Any, flask: Any) -> None:
    with app.test_request_context():
        for build in (flask.url_for, app.url_for):
            with pytest.raises(ValueError, match="When specifying '_scheme', '_external' must be True"):
                build("index", _scheme="https", _external=False)


def test_the_scheme_of_one_url_does_not_stay(app: Any, flask: Any) -> None:
    with app.test_request_context():
        flask.url_for("index", _scheme="https", _external=True)
        assert flask.url_for("index", _external=True) == "http://localhost/"


def test_what_cannot_be_built_raises_build_error(app: Any, flask: Any) -> None:
    with app.test_request_context():
        with pytest.raises(BuildError, match="Could not build url for endpoint 'spam'"):
            flask.url_for("spam")
        with pytest.raises(BuildError, match="Did you forget to specify values"):
            flask.url_for("hello")
        with pytest.raises(BuildError) as found:
            flask.url_for("nothing", a=1)
        assert found.value.endpoint == "nothing"
        assert found.value.method is None
        assert {k: v for k, v in found.value.values.items() if k[0] != "_"} == {"a": 1}


def test_a_handler_may_build_what_could_not_be_built(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    def handler(error: Any, endpoint: str, values: Any) -> Any:
        seen.append((type(error), endpoint, dict(values)))
        return "/test_handler/" if endpoint == "spam" else None

    app.url_build_error_handlers.append(handler)
    with app.test_request_context():
        assert flask.url_for("spam", x=1, _anchor="a") == "/test_handler/"
        assert seen == [
            (
                BuildError,
                "spam",
                {"x": 1, "_anchor": "a", "_method": None, "_scheme": None, "_external": False},
            )
        ]
        with pytest.raises(BuildError):
            flask.url_for("other")


def test_a_handler_that_raises_build_error_replaces_the_error(app: Any, flask: Any) -> None:
    def handler(error: Any, endpoint: str, values: Any) -> Any:
        raise BuildError("replaced", {}, None)

    app.url_build_error_handlers.append(handler)
    with app.test_request_context(), pytest.raises(BuildError) as found:
        flask.url_for("/")
    assert found.value.endpoint == "replaced"


def test_handlers_are_asked_in_order_until_one_answers(app: Any, flask: Any) -> None:
    app.url_build_error_handlers.extend([lambda e, n, v: None, lambda e, n, v: "/second", lambda e, n, v: "/third"])
    with app.test_request_context():
        assert flask.url_for("none") == "/second"


def test_handle_url_build_error_raises_the_error_itself(app: Any) -> None:
    error = BuildError("x", {}, None)
    with app.test_request_context(), pytest.raises(BuildError) as found:
        app.handle_url_build_error(error, "x", {})
    assert found.value is error


def test_outside_of_a_request_it_needs_a_server_name(app: Any, flask: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        flask.url_for("index")
    with app.app_context(), pytest.raises(RuntimeError, match="Unable to build URLs outside an active request"):
        flask.url_for("index")
    with pytest.raises(RuntimeError, match="'SERVER_NAME' configured"):
        app.url_for("index")


@pytest.mark.parametrize(
    ("args", "url"),
    [
        ({}, "http://example.com:8080/"),
        ({"_external": False}, "/"),
        ({"_scheme": "https"}, "https://example.com:8080/"),
        ({"_anchor": "x"}, "http://example.com:8080/#x"),
        ({"q": 1}, "http://example.com:8080/?q=1"),
    ],
)
def test_outside_of_a_request_urls_are_external(app: Any, flask: Any, args: Any, url: str) -> None:
    app.config["SERVER_NAME"] = "example.com:8080"
    with app.app_context():
        assert flask.url_for("index", **args) == url
    assert app.url_for("index", **args) == url


def test_root_and_scheme_count_outside_of_a_request(app: Any, flask: Any) -> None:
    app.config.update(SERVER_NAME="example.com", APPLICATION_ROOT="/app", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        assert flask.url_for("hello", name="x") == "https://example.com/app/hello/x"
    with app.test_request_context():
        assert flask.url_for("hello", name="x") == "/app/hello/x"
        assert flask.request.script_root == "/app"
        assert flask.request.url == "https://example.com/app/"


def test_an_endpoint_with_a_dot_belongs_to_the_blueprint(app: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__, url_prefix="/bp")
    inner = flask.Blueprint("inner", __name__, url_prefix="/inner")

    @bp.route("/")
    def index() -> Any:
        return [
            flask.url_for(".index"),
            flask.url_for("index"),
            flask.url_for("bp.inner.index"),
            flask.url_for(".inner.index"),
        ]

    @inner.route("/")
    def index() -> Any:  # noqa: F811
        return [flask.url_for(".index"), flask.url_for("bp.index"), flask.url_for("index")]

    bp.register_blueprint(inner)
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/bp/").json == ["/bp/", "/", "/bp/inner/", "/bp/inner/"]
    assert client.get("/bp/inner/").json == ["/bp/inner/", "/bp/", "/"]
    with app.test_request_context("/"):
        assert flask.url_for(".index") == "/"


def test_url_defaults_are_asked(app: Any, flask: Any) -> None:
    app.add_url_rule("/<lang>/about", "about", lambda lang: flask.url_for("about") + flask.url_for("index"))

    @app.url_defaults
    def add(endpoint: str, values: Any) -> None:
        if flask.g.get("lang") and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", flask.g.lang)

    @app.url_value_preprocessor
    def pull(endpoint: Any, values: Any) -> None:
        flask.g.lang = values.pop("lang", None) if values else None
        if endpoint == "about":
            values["lang"] = flask.g.lang

    assert app.test_client().get("/de/about").data == b"/de/about/"


def test_inject_url_defaults_changes_the_values(app: Any) -> None:
    app.url_defaults(lambda endpoint, values: values.setdefault("seen", endpoint))
    values: dict[str, Any] = {}
    app.inject_url_defaults("x.y", values)
    assert values == {"seen": "x.y"}


def test_a_method_view_is_built_by_its_name(app: Any, flask: Any) -> None:
    class Items(flask.views.MethodView):
        def get(self, id: Any = None) -> str:
            return "List" if id is None else f"Get {id}"

        def post(self) -> str:
            return "Create"

    view = Items.as_view("items")
    app.add_url_rule("/items/", methods=["GET"], view_func=view)
    app.add_url_rule("/items/<int:id>", methods=["GET"], view_func=view)
    app.add_url_rule("/items/create", methods=["POST"], view_func=view)
    with app.test_request_context():
        assert flask.url_for("items", _method="GET") == "/items/"
        assert flask.url_for("items", id=42, _method="GET") == "/items/42"
        assert flask.url_for("items", _method="POST") == "/items/create"


def test_names_of_parameters_may_be_values(app: Any, flask: Any) -> None:
    with app.test_request_context():
        assert flask.url_for("hello", name="x", values="v", app="a", method="m", scheme="s", external="e") == (
            "/hello/x?values=v&app=a&method=m&scheme=s&external=e"
        )


def test_subdomains_are_built_from_the_server_name(flask: Any) -> None:
    app = flask.Flask("x", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/", "index", lambda: "", subdomain="api")
    app.add_url_rule("/u", "user", lambda user: "", subdomain="<user>")
    app.add_url_rule("/", "root", lambda: "")
    with app.test_request_context("/", base_url="http://api.example.com"):
        assert flask.url_for("index") == "/"
        assert flask.url_for("user", user="ada") == "http://ada.example.com/u"
        assert flask.url_for("root") == "http://example.com/"
    with app.app_context():
        assert flask.url_for("index") == "http://api.example.com/"


def test_hosts_are_built_where_they_are_matched(flask: Any) -> None:
    app = flask.Flask("x", host_matching=True, static_folder=None)
    app.add_url_rule("/", "a", lambda: "", host="a.example")
    app.add_url_rule("/", "b", lambda: flask.url_for("a"), host="b.example")
    client = app.test_client()
    assert client.get("/", base_url="http://b.example").data == b"http://a.example/"
    with app.test_request_context("/", base_url="http://a.example"):
        assert flask.url_for("a") == "/"
        assert flask.url_for("b", _external=True) == "http://b.example/"


def test_an_overridden_url_for_is_called_by_the_helper_and_in_templates(flask: Any) -> None:
    class App(flask.Flask):
        def url_for(self, endpoint: str, **kw: Any) -> str:
            return f"own:{endpoint}:{sorted(k for k in kw if not k.startswith('_'))}"

    app = App("x")
    with app.test_request_context():
        assert flask.url_for("a", b=1) == "own:a:['b']"
        assert flask.render_template_string("{{ url_for('t') }}") == "own:t:[]"


# redirect.


@pytest.mark.parametrize("code", [None, 301, 302, 303, 305, 307, 308])
def test_a_redirect_has_its_code_and_place(app: Any, flask: Any, code: Any) -> None:
    with app.app_context():
        response = flask.redirect("other?a=1&b=<", **({} if code is None else {"code": code}))
        assert isinstance(response, app.response_class)
        assert response.status_code == (code or 302)
        assert response.location == "other?a=1&b=<"
        assert b"other?a=1&amp;b=&lt;" in response.data
    outside = flask.redirect("http://x/", 303)
    assert outside.status_code == 303
    assert outside.headers["Location"] == "http://x/"
    assert app.redirect("/a").status_code == 302


def test_an_overridden_redirect_is_called_by_the_helper(flask: Any) -> None:
    class App(flask.Flask):
        def redirect(self, location: str, code: int = 302) -> Any:
            return "own", code

    app = App("x")
    with app.app_context():
        assert flask.redirect("/", 307) == ("own", 307)


def test_a_response_class_given_outside_of_an_application_is_used(app: Any, flask: Any) -> None:
    class Response(flask.Response):
        pass

    assert type(flask.redirect("/", Response=Response)) is Response
    app.response_class = Response
    with app.app_context():
        assert type(flask.redirect("/")) is Response


@pytest.mark.parametrize("code", [300, 304, 404, 200])
def test_only_codes_of_redirects_are_taken(app: Any, flask: Any, code: int) -> None:
    try:
        werkzeug_redirect("/", code)
    except Exception as error:
        with app.app_context(), pytest.raises(type(error)):
            flask.redirect("/", code)
    else:
        with app.app_context():
            assert flask.redirect("/", code).status_code == code


# abort.


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 503])
def test_abort_raises_the_exception_of_its_code(app: Any, flask: Any, code: int) -> None:
    for context in (app.app_context(), None):
        if context is not None:
            context.push()
        with pytest.raises(werkzeug.exceptions.HTTPException) as found:
            flask.abort(code, "why")
        assert (found.value.code, found.value.description) == (code, "why")
        assert type(found.value) is werkzeug.exceptions.default_exceptions[code]
        if context is not None:
            context.pop()


def test_abort_with_a_response_answers_with_it(app: Any, flask: Any) -> None:
    app.add_url_rule("/r", "r", lambda: flask.abort(flask.Response("stop", 299)))
    app.add_url_rule("/t", "t", lambda: flask.abort(app.make_response(("tuple", 298))))
    client = app.test_client()
    assert (client.get("/r").status_code, client.get("/r").data) == (299, b"stop")
    assert client.get("/t").status_code == 298


def test_abort_without_an_exception_for_the_code_raises_lookup_error(app: Any, flask: Any) -> None:
    with app.app_context(), pytest.raises(LookupError, match="no exception for 999"):
        flask.abort(999)
    with pytest.raises(LookupError):
        flask.abort(200)


def test_abort_passes_keywords_on(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "m", lambda: flask.abort(405, valid_methods=["PUT"]))
    app.add_url_rule("/d", "d", lambda: flask.abort(400, description="<b>", response=None))
    client = app.test_client()
    assert client.get("/d").status_code == 400
    with app.test_request_context(), pytest.raises(werkzeug.exceptions.MethodNotAllowed) as found:
        flask.abort(405, valid_methods=["PUT"])
    assert found.value.valid_methods == ["PUT"]


def test_an_aborter_of_ones_own_is_used(flask: Any) -> None:
    class Stop(werkzeug.exceptions.HTTPException):
        code = 888
        description = "stopped"

    class Aborter(werkzeug.exceptions.Aborter):
        def __init__(self) -> None:
            super().__init__()
            self.mapping[888] = Stop

    class App(flask.Flask):
        aborter_class = Aborter

    app = App("x")
    assert type(app.aborter) is Aborter
    app.add_url_rule("/", "index", lambda: flask.abort(888))
    assert app.test_client().get("/").status_code == 888

    class Made(flask.Flask):
        def make_aborter(self) -> Any:
            return Aborter()

    made = Made("x")
    with made.app_context(), pytest.raises(Stop):
        flask.abort(888)
    with made.app_context():
        with pytest.raises(Stop):
            flask.current_app.aborter(888)
        made.aborter.mapping[900] = werkzeug.exceptions.NotFound
        with pytest.raises(werkzeug.exceptions.NotFound):
            flask.abort(900)


# make_response.


def test_make_response_takes_every_form(app: Any, flask: Any) -> None:
    with app.test_request_context():
        make = flask.make_response
        assert type(make()) is app.response_class
        assert (make().status_code, make().data) == (200, b"")
        assert make("x").data == b"x"
        assert make(b"x", 201).status_code == 201
        assert make("x", "404 Whatever").status == "404 Whatever"
        assert make("x", {"X-A": "1"}).headers["X-A"] == "1"
        assert make("x", 202, [("X-A", "1"), ("X-A", "2")]).headers.getlist("X-A") == ["1", "2"]
        assert make(("x", 203)).status_code == 203
        assert make({"a": 1}).json == {"a": 1}
        assert make([1]).json == [1]
        response = make("y")
        assert make(response) is response
        assert make(response, 299) is response
        assert response.status_code == 299
        assert make(flask.redirect("/")).status_code == 302
        assert make(lambda environ, start: (start("404 NOT FOUND", []), [b"wsgi"])[1]).status_code == 404
        assert make(c for c in ("a", "b")).data == b"ab"
        assert make(bytearray(b"z")).data == b"z"
        assert make(werkzeug.exceptions.NotFound()).status_code == 404


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned None or ended without a return statement"),
        ((None, 200), "returned None or ended without a return statement"),
        (1.5, "it was a float"),
        ((), "did not return a valid response tuple"),
        (("x", 200, {}, 1), "did not return a valid response tuple"),
        (object(), "it was a object"),
        (True, "it was a bool"),
        ({1, 2}, "it was a set"),
    ],
)
def test_what_is_no_response_raises_type_error(app: Any, value: Any, words: str) -> None:
    app.add_url_rule("/wrong", "wrong", lambda: value)
    with pytest.raises(TypeError, match=words):
        app.test_client().get("/wrong")


def test_a_response_of_another_class_is_made_one_of_the_application(app: Any, flask: Any) -> None:
    class Own(flask.Response):
        pass

    with app.test_request_context():
        assert isinstance(flask.make_response(werkzeug.wrappers.Response("x")), app.response_class)
        app.response_class = Own
        response = flask.make_response(flask.Response("y", headers={"X": "1"}))
        assert type(response) is Own
        assert response.headers["X"] == "1"


def test_get_root_path_finds_modules_and_packages(flask: Any) -> None:
    assert flask.helpers.get_root_path("jinja2") == os.path.dirname(jinja2.__file__)
    assert flask.helpers.get_root_path("__main__")
    assert flask.helpers.get_root_path("no_such_module_anywhere") == os.getcwd()


@pytest.mark.parametrize(
    ("value", "debug"),
    [
        ("", False),
        ("0", False),
        ("False", False),
        ("No", False),
        ("false", False),
        ("True", True),
        ("1", True),
        ("x", True),
    ],
)
def test_the_debug_flag_is_read_from_the_environment(flask: Any, monkeypatch: Any, value: str, debug: bool) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert flask.helpers.get_debug_flag() is debug
    assert flask.Flask("x").debug is debug
    monkeypatch.delenv("FLASK_DEBUG")
    assert flask.helpers.get_debug_flag() is False


@pytest.mark.parametrize(
    ("value", "loads"),
    [("", True), ("0", True), ("False", True), ("No", True), ("True", False), ("1", False), ("x", False)],
)
def test_dotenv_files_are_skipped_on_demand(flask: Any, monkeypatch: Any, value: str, loads: bool) -> None:
    monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
    assert flask.helpers.get_load_dotenv() is loads
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    assert flask.helpers.get_load_dotenv() is True
    assert flask.helpers.get_load_dotenv(default=False) is False


def test_a_blueprint_path_is_split_from_the_inside_out(flask: Any) -> None:
    assert list(flask.helpers._split_blueprint_path("a.b.c")) == ["a.b.c", "a.b", "a"]
    assert list(flask.helpers._split_blueprint_path("a")) == ["a"]


def test_strict_slashes_redirect_in_debug_mode_tells_about_lost_forms(app: Any, flask: Any) -> None:
    app.debug = True
    app.add_url_rule("/foo/", "foo", lambda: "success", methods=["GET", "POST"])
    client = app.test_client()
    response = client.post("/foo", data={}, follow_redirects=True)
    assert response.data == b"success"
    with app.test_request_context("/foo", method="POST"):
        flask.request.routing_exception.code = 302
        with pytest.raises(flask.debughelpers.FormDataRoutingRedirect) as found:
            app.raise_routing_exception(flask.request)
    assert isinstance(found.value, AssertionError)
    assert "canonical URL" in str(found.value)
    assert "http://localhost/foo/" in str(found.value)
    with app.test_request_context("/foo", method="POST"), pytest.raises(RequestRedirect):
        app.raise_routing_exception(flask.request)


def test_a_rule_without_endpoint_and_view_is_an_assertion(app: Any) -> None:
    with pytest.raises(AssertionError, match="expected view func if endpoint is not provided"):
        app.add_url_rule("/nothing")


@pytest.mark.parametrize("name", ["after_this_request", "copy_current_request_context", "stream_with_context"])
def test_what_needs_a_request_says_where_it_may_be_used(flask: Any, name: str) -> None:
    words = f"'{name}' can only be used when a request context is active, such as in a view function"
    with pytest.raises(RuntimeError, match=words):
        getattr(flask, name)(iter(()) if name == "stream_with_context" else len)
