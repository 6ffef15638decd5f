"""Routes: what the decorators take, what a rule shows, and what is said about wrong uses."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from werkzeug.routing import BaseConverter, BuildError, RequestRedirect


def test_the_forms_of_route(app: Any, flask: Any) -> None:
    @app.route("/a")
    @app.route("/b", endpoint="bee")
    def a() -> str:
        return str(flask.request.endpoint)

    app.add_url_rule("/c", view_func=a, endpoint="sea", methods=("POST",))
    app.add_url_rule("/d", "dee", a)
    app.add_url_rule(rule="/e", endpoint="ee", view_func=a, provide_automatic_options=None)
    client = app.test_client()
    assert client.get("/a").text == "a"
    assert client.get("/b").text == "bee"
    assert client.post("/c").text == "sea"
    assert client.get("/d").text == "dee"
    assert client.get("/e").text == "ee"
    assert a.__name__ == "a"


def test_a_view_added_after_its_rule(app: Any) -> None:
    app.add_url_rule("/", endpoint="index")
    app.view_functions["index"] = lambda: "there"
    assert app.test_client().get("/").text == "there"


def test_the_endpoint_decorator(app: Any) -> None:
    app.add_url_rule("/", endpoint="index")

    @app.endpoint("index")
    def anything() -> str:
        return "by endpoint"

    assert anything() == "by endpoint"
    assert app.test_client().get("/").text == "by endpoint"


def test_two_views_for_an_endpoint_are_refused_and_one_twice_is_not(app: Any) -> None:
    def view() -> str:
        return ""

    app.add_url_rule("/a", "x", view)
    app.add_url_rule("/b", "x", view)
    with pytest.raises(AssertionError, match="View function mapping is overwriting an existing endpoint function: x"):
        app.add_url_rule("/c", "x", lambda: "")


def test_wrong_uses_of_route(app: Any) -> None:
    with pytest.raises(AssertionError, match="expected view func if endpoint is not provided"):
        app.add_url_rule("/")
    with pytest.raises(TypeError, match=r"Allowed methods must be a list of strings, for example: @app.route"):
        app.route("/x", methods="GET")(lambda: "")
    with pytest.raises(AttributeError, match="__name__"):
        app.add_url_rule("/", view_func=object())
    with pytest.raises(TypeError, match=r"Use the 'route' decorator to use the 'methods' argument."):
        app.get("/x", methods=["POST"])
    with pytest.raises(ValueError, match="must start with a slash"):
        app.route("x")(lambda: "")
    with pytest.raises(TypeError):
        app.route("/y", unknown=1)(lambda: "")
    with pytest.raises(LookupError, match="nosuch"):
        app.route("/<nosuch:x>")(lambda x: "")


def test_the_decorators_by_method(app: Any, flask: Any) -> None:
    for method in ("get", "post", "put", "delete", "patch"):
        getattr(app, method)(f"/{method}", endpoint=method)(lambda: flask.request.method)
    client = app.test_client()
    for method in ("get", "post", "put", "delete", "patch"):
        assert getattr(client, method)(f"/{method}").text == method.upper()
        assert client.open(f"/{method}", method="TRACE").status_code == 405
    assert client.get("/post").status_code == 405


def test_methods_in_any_case_and_of_the_view(app: Any) -> None:
    def view() -> str:
        return ""

    view.methods = ["put", "DELETE"]  # type: ignore[attr-defined]
    view.required_methods = ["LINK"]  # type: ignore[attr-defined]
    app.add_url_rule("/", view_func=view)
    app.add_url_rule("/b", "b", view, methods=["get"])
    (rule,) = app.url_map.iter_rules("view")
    assert rule.methods == {"PUT", "DELETE", "LINK", "OPTIONS"}
    (rule,) = app.url_map.iter_rules("b")
    assert rule.methods == {"GET", "HEAD", "LINK", "OPTIONS"}


def test_required_methods_with_options_turn_the_automatic_answer_off(app: Any) -> None:
    def view() -> str:
        return "own"

    view.required_methods = ["OPTIONS"]  # type: ignore[attr-defined]
    app.add_url_rule("/", view_func=view)
    assert app.test_client().options("/").status_code == 200


def test_options_and_head(app: Any) -> None:
    @app.route("/", methods=["GET", "POST"])
    def index() -> str:
        return "text"

    client = app.test_client()
    response = client.options("/")
    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS", "POST"]
    assert response.data == b""
    response = client.head("/")
    assert response.status_code == 200
    assert response.data == b""
    assert response.headers["Content-Length"] == "4"
    response = client.put("/")
    assert response.status_code == 405
    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS", "POST"]


def test_options_answered_by_the_view(app: Any, flask: Any) -> None:
    @app.route("/own", methods=["GET", "OPTIONS"])
    def own() -> str:
        return flask.request.method

    @app.route("/no", provide_automatic_options=False)
    def no() -> str:
        return ""

    @app.route("/yes", methods=["GET", "OPTIONS"], provide_automatic_options=True)
    def yes() -> str:
        return "never for OPTIONS"

    def attribute() -> str:
        return flask.request.method

    attribute.provide_automatic_options = False  # type: ignore[attr-defined]
    app.add_url_rule("/attribute", view_func=attribute, methods=["GET", "OPTIONS"])
    app.add_url_rule("/attribute2", "a2", attribute)
    client = app.test_client()
    assert client.options("/own").text == "OPTIONS"
    assert client.options("/no").status_code == 405
    assert client.options("/yes").text == ""
    assert client.options("/attribute").text == "OPTIONS"
    assert client.options("/attribute2").status_code == 405
    rules = {rule.endpoint: rule.provide_automatic_options for rule in app.url_map.iter_rules()}
    assert (rules["own"], rules["no"], rules["yes"], rules["attribute"]) == (False, False, True, False)


def test_the_setting_of_automatic_options(app: Any) -> None:
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.add_url_rule("/", "index", lambda: "")
    app.add_url_rule("/yes", "yes", lambda: "", methods=["GET", "OPTIONS"], provide_automatic_options=True)
    client = app.test_client()
    assert client.options("/").status_code == 405
    assert client.options("/yes").status_code == 200
    (rule,) = app.url_map.iter_rules("index")
    assert rule.methods == {"GET", "HEAD"}


def test_make_default_options_response_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def make_default_options_response(self) -> Any:
            response = super().make_default_options_response()
            response.headers["X-Own"] = "1"
            return response

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: "")
    assert app.test_client().options("/").headers["X-Own"] == "1"


def test_defaults_of_a_route(app: Any) -> None:
    @app.route("/users/", defaults={"page": 1})
    @app.route("/users/page/<int:page>")
    def users(page: int) -> str:
        return f"{page}"

    client = app.test_client()
    assert client.get("/users/").text == "1"
    assert client.get("/users/page/2").text == "2"
    response = client.get("/users/page/1")
    assert response.status_code == 308
    assert response.location == "http://localhost/users/"
    with app.test_request_context():
        assert app.url_for("users", page=1) == "/users/"
        assert app.url_for("users", page=2) == "/users/page/2"


def test_redirect_to_text_and_function(app: Any) -> None:
    app.add_url_rule("/new/<int:id>", "new", lambda id: str(id))
    app.add_url_rule("/old/<int:id>", "old", redirect_to="/new/<id>")
    app.add_url_rule("/older/<int:id>", "older", redirect_to=lambda adapter, id: f"new/{id + 1}")
    client = app.test_client()
    assert client.get("/old/4").location == "http://localhost/new/4"
    assert client.get("/older/4", follow_redirects=True).text == "5"


def test_slashes(app: Any) -> None:
    app.add_url_rule("/branch/", "branch", lambda: "branch")
    app.add_url_rule("/leaf", "leaf", lambda: "leaf")
    app.add_url_rule("/loose/", "loose", lambda: "loose", strict_slashes=False)
    app.add_url_rule("/loose2", "loose2", lambda: "loose2", strict_slashes=False)
    client = app.test_client()
    assert client.get("/branch").status_code == 308
    assert client.get("/branch?a=1&b=ü").location == "http://localhost/branch/?a=1&b=%C3%BC"
    assert client.get("/leaf/").status_code == 404
    assert client.get("/loose").text == "loose"
    assert client.get("/loose2/").status_code in (200, 404)
    assert client.get("/branch//").location == "http://localhost/branch/"
    assert client.get("/branch", base_url="http://localhost/pre").location == "http://localhost/pre/branch/"


def test_slashes_of_the_map(app: Any) -> None:
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.add_url_rule("/branch/", "branch", lambda: "branch")
    app.add_url_rule("/<path:rest>/x", "rest", lambda rest: rest)
    client = app.test_client()
    assert client.get("/branch").text == "branch"
    assert client.get("/a//b/x").text == "a//b"


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("/<x>", "/abc", "'abc'"),
        ("/<string:x>", "/abc", "'abc'"),
        ("/<string(length=2):x>", "/ab", "'ab'"),
        ("/<string(length=2):x>", "/abc", None),
        ("/<string(minlength=3, maxlength=4):x>", "/abc", "'abc'"),
        ("/<int:x>", "/12", "12"),
        ("/<int:x>", "/-12", None),
        ("/<int(signed=True):x>", "/-12", "-12"),
        ("/<int(max=5):x>", "/6", None),
        ("/<int(fixed_digits=3):x>", "/007", "7"),
        ("/<float:x>", "/1.5", "1.5"),
        ("/<float:x>", "/1", None),
        ("/<float(min=1, max=2):x>", "/2.5", None),
        ("/<path:x>", "/a/b/c", "'a/b/c'"),
        ("/<any(about, help):x>", "/help", "'help'"),
        ("/<any(about, help):x>", "/other", None),
        ("/<any('a,b', \"c d\"):x>", "/c%20d", "'c d'"),
        ("/<uuid:x>", "/12345678-1234-5678-1234-567812345678", "UUID('12345678-1234-5678-1234-567812345678')"),
        ("/<uuid:x>", "/1234", None),
        ("/a<x>b", "/aXXb", "'XX'"),
        ("/<x>.txt", "/name.txt", "'name'"),
        ("/<int:x>.txt", "/7.txt", "7"),
        ("/ü<x>", "/%C3%BC%C3%A4", "'ä'"),
        ("/<x>", "/a%2Fb", None),
        ("/<path:x>", "/a%2Fb", "'a/b'"),
        ("/<x>", "/a+b", "'a+b'"),
        ("/<x>", "/a%20b", "'a b'"),
    ],
)
def test_converters(app: Any, rule: str, path: str, value: Any) -> None:
    app.add_url_rule(rule, "view", lambda x: repr(x))
    response = app.test_client().get(path)
    if value is None:
        assert response.status_code == 404
    else:
        assert response.text == value


def test_a_converter_of_ones_own(app: Any, flask: Any) -> None:
    class ListConverter(BaseConverter):
        def to_python(self, value: str) -> list[str]:
            return value.split(",")

        def to_url(self, value: Any) -> str:
            return ",".join(super(ListConverter, self).to_url(x) for x in value)

    app.url_map.converters["list"] = ListConverter

    @app.route("/<list:args>")
    def index(args: list[str]) -> str:
        return "|".join(args)

    assert app.test_client().get("/1,2,3").text == "1|2|3"
    with app.test_request_context():
        assert flask.url_for("index", args=[4, 5, 6]) == "/4,5,6"


def test_a_converter_knows_its_map_and_arguments(app: Any) -> None:
    seen: list[Any] = []

    class Own(BaseConverter):
        regex = "[a-z]+"
        weight = 10

        def __init__(self, map: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(map)
            seen.append((map, args, kwargs))

    app.url_map.converters["own"] = Own
    app.add_url_rule("/<own(1, 'two', three=3.5, four=True, five=None):x>", "x", lambda x: x)
    assert app.test_client().get("/abc").text == "abc"
    assert app.test_client().get("/123").status_code == 404
    assert seen[0] == (app.url_map, (1, "two"), {"three": 3.5, "four": True, "five": None})


def test_a_converter_is_called_in_the_context_of_the_app(app: Any, flask: Any) -> None:
    class Own(BaseConverter):
        def to_python(self, value: str) -> Any:
            assert flask.current_app
            assert flask.request
            flask.session["seen"] = value
            return value

    app.url_map.converters["own"] = Own

    @app.get("/<own:key>")
    def index(key: str) -> Any:
        return flask.session["seen"]

    assert app.test_client().get("/name").text == "name"


def test_a_converter_that_refuses_a_value(app: Any) -> None:
    from werkzeug.routing import ValidationError

    class Own(BaseConverter):
        def to_python(self, value: str) -> Any:
            if value == "no":
                raise ValidationError
            return value

    app.url_map.converters["own"] = Own
    app.add_url_rule("/<own:x>", "own", lambda x: "own " + x)
    client = app.test_client()
    assert client.get("/yes").text == "own yes"
    assert client.get("/no").status_code == 404


def test_a_converter_that_raises_an_error(app: Any, flask: Any) -> None:
    from werkzeug.exceptions import NotFound

    class Own(BaseConverter):
        def to_python(self, value: str) -> Any:
            if value == "gone":
                raise NotFound("gone away")
            raise KeyError(value)

    app.url_map.converters["own"] = Own
    app.add_url_rule("/<own:x>", "own", lambda x: "own " + x)
    client = app.test_client()
    assert "gone away" in client.get("/gone").text
    with pytest.raises(KeyError):
        client.get("/x")


def test_what_a_rule_shows(app: Any) -> None:
    app.add_url_rule("/a/<int:id>/<name>", "a", lambda **k: "", defaults={"page": 1}, methods=["POST"])
    (rule,) = app.url_map.iter_rules("a")
    assert rule.rule == "/a/<int:id>/<name>"
    assert str(rule) == rule.rule
    assert rule.endpoint == "a"
    assert rule.methods == {"POST", "OPTIONS"}
    assert rule.arguments == {"id", "name", "page"}
    assert rule.defaults == {"page": 1}
    assert rule.subdomain == ""
    assert rule.host is None
    assert rule.websocket is False
    assert rule.build_only is False
    assert rule.alias is False
    assert rule.redirect_to is None
    assert rule.strict_slashes is True
    assert rule.merge_slashes is True
    assert rule.is_leaf is True
    assert rule.map is app.url_map
    assert rule.provide_automatic_options is True
    assert set(rule._converters) == {"id", "name"}
    assert "'/a/<id>/<name>'" in repr(rule)
    assert "-> a" in repr(rule)


def test_iterating_the_rules(app: Any) -> None:
    app.add_url_rule("/b", "b", lambda: "")
    app.add_url_rule("/a", "a", lambda: "")
    app.add_url_rule("/a2", "a", app.view_functions["a"])
    assert [rule.rule for rule in app.url_map.iter_rules()][-3:] == ["/b", "/a", "/a2"]
    assert [rule.rule for rule in app.url_map.iter_rules("a")] == ["/a", "/a2"]
    with pytest.raises(KeyError):
        app.url_map.iter_rules("nosuch")
    assert "static" in {rule.endpoint for rule in app.url_map.iter_rules()}
    (static,) = app.url_map.iter_rules("static")
    assert static.rule == "/static/<path:filename>"
    assert repr(app.url_map).startswith("Map([")
    assert app.url_map._rules
    assert set(app.url_map._rules_by_endpoint) >= {"a", "b", "static"}


def test_is_endpoint_expecting(app: Any) -> None:
    app.add_url_rule("/<lang>/x", "x", lambda lang: "")
    app.add_url_rule("/y", "y", lambda: "")
    assert app.url_map.is_endpoint_expecting("x", "lang")
    assert not app.url_map.is_endpoint_expecting("y", "lang")
    assert not app.url_map.is_endpoint_expecting("x", "lang", "other")


def test_the_request_knows_its_rule(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    @app.route("/<int:id>")
    def view(id: int) -> str:
        request = flask.request
        seen.append((request.url_rule.rule, request.view_args, request.endpoint, request.routing_exception))
        return ""

    @app.errorhandler(404)
    @app.errorhandler(405)
    def error(e: Any) -> Any:
        request = flask.request
        seen.append((request.url_rule, request.view_args, request.endpoint, type(request.routing_exception)))
        return "", 404

    client = app.test_client()
    client.get("/7")
    client.get("/nowhere")
    client.post("/7")
    assert seen[0] == ("/<int:id>", {"id": 7}, "view", None)
    assert [(rule, args, endpoint) for rule, args, endpoint, _ in seen[1:]] == [(None, None, None)] * 2
    assert [kind.__name__ for *_, kind in seen[1:]] == ["NotFound", "MethodNotAllowed"]


def test_view_args_can_be_changed_before_the_view(app: Any, flask: Any) -> None:
    @app.before_request
    def change() -> None:
        flask.request.view_args["id"] = 99

    app.add_url_rule("/<int:id>", "view", lambda id: str(id))
    assert app.test_client().get("/7").text == "99"


def test_url_for_forms(app: Any, flask: Any) -> None:
    app.add_url_rule("/x/<int:id>", "x", lambda id: "")
    app.add_url_rule("/", "index", lambda: "", methods=["GET"])
    app.add_url_rule("/post", "index2", lambda: "", methods=["POST"])
    with app.test_request_context():
        assert flask.url_for("x", id=1) == "/x/1"
        assert flask.url_for("x", id=1, q="a b") == "/x/1?q=a+b"
        assert flask.url_for("x", id=1, q=["a", "b"]) == "/x/1?q=a&q=b"
        assert flask.url_for("x", id=1, q=None) == "/x/1"
        assert flask.url_for("x", id=1, _external=True) == "http://localhost/x/1"
        assert flask.url_for("x", id=1, _external=True, _scheme="https") == "https://localhost/x/1"
        assert flask.url_for("x", id=1, _scheme="https") == "https://localhost/x/1"
        assert flask.url_for("x", id=1, _scheme="", _external=True) == "//localhost/x/1"
        assert flask.url_for("x", id=1, _anchor="a b") == "/x/1#a%20b"
        assert flask.url_for("x", id=1, _anchor="x&y=ü") == "/x/1#x&y=%C3%BC"
        assert flask.url_for("index2", _method="POST") == "/post"
        with pytest.raises(ValueError, match=r"When specifying '_scheme', '_external' must be True."):
            flask.url_for("x", id=1, _external=False, _scheme="https")
        with pytest.raises(BuildError):
            flask.url_for("x")
        with pytest.raises(BuildError):
            flask.url_for("index2", _method="GET")
        with pytest.raises(BuildError, match="Could not build url for endpoint 'nosuch'"):
            flask.url_for("nosuch")
        with pytest.raises(BuildError, match="Did you forget to specify values"):
            flask.url_for("x", q=1)
        with pytest.raises(BuildError, match="Did you mean 'index'"):
            flask.url_for("indx")


def test_url_for_without_a_request(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: "")
    with app.app_context():
        with pytest.raises(RuntimeError, match="Unable to build URLs outside an active request without 'SERVER_NAME'"):
            flask.url_for("index")
        with pytest.raises(RuntimeError):
            app.url_for("index")
    app.config.update(SERVER_NAME="example.com:5000", PREFERRED_URL_SCHEME="https", APPLICATION_ROOT="/root")
    with app.app_context():
        assert flask.url_for("index") == "https://example.com:5000/root/"
        assert flask.url_for("index", _external=False) == "/root/"
        assert flask.url_for("index", _scheme="http") == "http://example.com:5000/root/"
    assert app.url_for("index") == "https://example.com:5000/root/"
    with pytest.raises(RuntimeError):
        flask.url_for("index")


def test_build_error_handlers(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    def first(error: Any, endpoint: str, values: Any) -> None:
        seen.append((type(error), endpoint, dict(values)))

    def second(error: Any, endpoint: str, values: Any) -> str:
        if endpoint == "refused":
            raise BuildError("other", {}, None)
        return f"/handled/{endpoint}"

    with app.test_request_context():
        with pytest.raises(BuildError) as caught:
            flask.url_for("spam")
        assert caught.value.endpoint == "spam"
        app.url_build_error_handlers += [first, second]
        assert flask.url_for("spam", a=1, _anchor="x", _external=True) == "/handled/spam"
        with pytest.raises(BuildError) as caught:
            flask.url_for("refused")
        assert caught.value.endpoint == "other"
    assert seen[0] == (
        BuildError,
        "spam",
        {"a": 1, "_anchor": "x", "_method": None, "_scheme": None, "_external": True},
    )


def test_handle_url_build_error_by_hand_reraises(app: Any) -> None:
    error = BuildError("at_app", {}, None)
    with pytest.raises(BuildError) as caught:
        app.handle_url_build_error(error, "at_app", {})
    assert caught.value is error
    app.url_build_error_handlers.append(lambda e, endpoint, values: "/test_handler/")
    assert app.handle_url_build_error(error, "at_app", {}) == "/test_handler/"


def test_url_defaults_and_values(app: Any, flask: Any) -> None:
    @app.url_defaults
    def add_language(endpoint: str, values: Any) -> None:
        if flask.g.get("lang") is not None and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", flask.g.lang)

    @app.url_value_preprocessor
    def pull(endpoint: Any, values: Any) -> None:
        if values is not None:
            flask.g.lang = values.pop("lang", None)

    @app.route("/<lang>/")
    def index() -> str:
        return flask.url_for("about")

    @app.route("/<lang>/about")
    def about() -> str:
        return flask.url_for("something")

    @app.route("/foo")
    def something() -> str:
        return flask.url_for("about", lang="en")

    client = app.test_client()
    assert client.get("/de/").text == "/de/about"
    assert client.get("/de/about").text == "/foo"
    assert client.get("/foo").text == "/en/about"
    assert client.get("/no/such").status_code == 404


def test_inject_url_defaults_by_hand(app: Any) -> None:
    values: dict[str, Any] = {}
    app.url_defaults(lambda e, v: v.update(a=1))
    with app.test_request_context():
        app.inject_url_defaults("foo.bar.baz.view", values)
    assert values == {"a": 1}
    app.url_default_functions["foo"].append(lambda e, v: v.update(foo=1))
    app.url_default_functions["foo.bar"].append(lambda e, v: v.update(bar=1))
    app.inject_url_defaults("foo.bar.view", values)
    assert values == {"a": 1, "foo": 1, "bar": 1}


def test_routes_cannot_be_added_after_the_first_request(app: Any) -> None:
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="setup method 'add_url_rule' can no longer be called on the application"):
        app.add_url_rule("/x", "x", lambda: "")
    with pytest.raises(AssertionError, match="It has already handled its first request, any changes will not be"):
        app.route("/x")(lambda: "")


def test_non_ascii_urls(app: Any, flask: Any) -> None:
    app.add_url_rule("/киртест", "k", lambda: "Hello World!")
    app.add_url_rule("/öäü/<name>", "o", lambda name: f"{name} {flask.request.path}")
    client = app.test_client()
    assert client.get("/киртест").text == "Hello World!"
    assert client.get("/öäü/ß").text == "ß /öäü/ß"
    with app.test_request_context():
        assert flask.url_for("k") == "/%D0%BA%D0%B8%D1%80%D1%82%D0%B5%D1%81%D1%82"
        assert flask.url_for("o", name="a/b c") == "/%C3%B6%C3%A4%C3%BC/a/b%20c"


def test_views_that_are_callables_of_other_kinds(app: Any) -> None:
    class View:
        def __call__(self) -> str:
            return "object"

        def method(self) -> str:
            return "method"

    app.add_url_rule("/o", "object", View())
    app.add_url_rule("/m", view_func=View().method)
    app.add_url_rule("/p", "partial", functools.partial(lambda x: x, "partial"))
    client = app.test_client()
    assert [client.get(url).text for url in ("/o", "/m", "/p")] == ["object", "method", "partial"]


def test_a_rule_without_a_view_fails(app: Any) -> None:
    app.add_url_rule("/", endpoint="nothing")
    with pytest.raises(KeyError, match="nothing"):
        app.test_client().get("/")


def test_an_alias_redirects(app: Any) -> None:
    app.add_url_rule("/new", "x", lambda: "new")
    app.add_url_rule("/old", "x", alias=True)
    assert app.test_client().get("/old").location == "http://localhost/new"


def test_build_only_rules_do_not_match(app: Any, flask: Any) -> None:
    app.add_url_rule("/cdn/<x>", "cdn", build_only=True)
    assert app.test_client().get("/cdn/a").status_code == 404
    with app.test_request_context():
        assert flask.url_for("cdn", x="a") == "/cdn/a"


def test_request_redirect_is_werkzeugs(app: Any, flask: Any) -> None:
    app.add_url_rule("/x/", "x", lambda: "")
    with app.test_request_context("/x"):
        assert isinstance(flask.request.routing_exception, RequestRedirect)
        assert flask.request.routing_exception.new_url == "http://localhost/x/"


def test_the_url_class_of_an_app_can_be_ones_own(flask: Any) -> None:
    class MyRule(flask.app.Flask.url_rule_class):  # type: ignore[misc, name-defined]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.extra = kwargs.pop("extra", None)
            super().__init__(*args, **kwargs)

    class MyMap(flask.app.Flask.url_map_class):  # type: ignore[misc, name-defined]
        pass

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        url_rule_class = MyRule
        url_map_class = MyMap

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: flask.request.url_rule.extra, extra="extra")
    assert isinstance(app.url_map, MyMap)
    with pytest.raises(TypeError):
        app.add_url_rule("/b", "b", lambda: "", unknown=1)
    assert app.test_client().get("/").text == "extra"


@pytest.mark.parametrize("name", ["get", "post", "put", "delete", "patch", "route"])
def test_a_late_route_is_refused_by_the_name_of_its_decorator(flask: Any, name: str) -> None:
    bp = flask.Blueprint("bp", __name__)
    app = flask.Flask("late_app")
    app.register_blueprint(bp)
    app.test_client().get("/")
    for owner in (app, bp):
        with pytest.raises(AssertionError, match=f"setup method '{name}' can no longer be called"):
            getattr(owner, name)("/late")
