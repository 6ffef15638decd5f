"""``url_for`` and ``redirect``, ``abort``, ``make_response``."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import BuildError
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
