"""Routes: what the decorators take, what a rule shows, and what is said about wrong uses."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from werkzeug.routing import RequestRedirect


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
    assert client.get("/loose2/").text == "loose2"
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


@pytest.mark.parametrize(
    ("methods", "allowed"),
    [
        (None, ["GET", "HEAD", "OPTIONS"]),
        (["DELETE", "PATCH"], ["DELETE", "OPTIONS", "PATCH"]),
        ({"put", "get"}, ["GET", "HEAD", "OPTIONS", "PUT"]),
    ],
)
def test_what_a_rule_allows_is_told_to_who_asks_and_to_who_does_wrong(
    app: Any, methods: Any, allowed: list[str]
) -> None:
    app.add_url_rule("/barometer", "barometer", lambda: "1013 hPa", methods=methods)
    client = app.test_client()
    asked, refused = client.options("/barometer"), client.open("/barometer", method="SEARCH")
    assert (asked.status_code, asked.text, sorted(asked.allow)) == (200, "", allowed)
    assert (refused.status_code, sorted(refused.allow)) == (405, allowed)
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        response = client.open("/barometer", method=method)
        assert (response.status_code == 200) is (method in allowed)


def test_head_has_the_headers_of_get_without_its_body(app: Any) -> None:
    app.add_url_rule("/wind", "wind", lambda: ("north-west, 7 knots", {"X-Station": "Cape"}))
    got, asked = app.test_client().get("/wind"), app.test_client().head("/wind")
    assert dict(asked.headers) == dict(got.headers)
    assert (asked.data, asked.content_length) == (b"", len(got.data))


@pytest.mark.parametrize(
    ("argument", "attribute", "methods", "who"),
    [
        (None, None, ["GET"], "the application"),
        (None, None, ["GET", "OPTIONS"], "the view"),
        (False, None, ["GET"], "nobody"),
        (True, None, ["GET", "OPTIONS"], "the application"),
        (None, False, ["GET"], "nobody"),
        (None, False, ["GET", "OPTIONS"], "the view"),
        (None, True, ["GET", "OPTIONS"], "the application"),
        (True, False, ["GET", "OPTIONS"], "the application"),
        (False, True, ["GET"], "nobody"),
    ],
)
def test_who_answers_options_is_said_by_the_argument_or_else_by_the_view(
    app: Any, argument: bool | None, attribute: bool | None, methods: list[str], who: str
) -> None:
    def tide() -> str:
        return "the view"

    if attribute is not None:
        tide.provide_automatic_options = attribute  # type: ignore[attr-defined]
    app.add_url_rule("/tide", view_func=tide, methods=methods, provide_automatic_options=argument)
    response = app.test_client().options("/tide")
    answered = {405: "nobody"}.get(response.status_code) or response.text or "the application"
    assert answered == who
    (rule,) = app.url_map.iter_rules("tide")
    assert rule.provide_automatic_options is (who == "the application")


@pytest.mark.parametrize("bread", ["χωριάτικο", "rye", "d'épeautre", "mit Käse"])
def test_rules_and_values_may_be_written_in_any_script(app: Any, flask: Any, bread: str) -> None:
    app.add_url_rule("/φούρνος/<bread>/τιμή", "price", lambda bread: f"{bread} at {flask.request.path}")
    with app.test_request_context():
        url = flask.url_for("price", bread=bread)
    assert url.isascii()
    for path in (url, f"/φούρνος/{bread}/τιμή"):
        assert app.test_client().get(path).text == f"{bread} at /φούρνος/{bread}/τιμή"


def test_one_url_may_have_a_view_for_each_method(app: Any, flask: Any) -> None:
    jars: dict[str, int] = {}

    @app.put("/jars/<fruit>")
    def fill(fruit: str) -> dict[str, int]:
        jars[fruit] = int(flask.request.data)
        return jars

    @app.patch("/jars/<fruit>")
    def eat(fruit: str) -> dict[str, int]:
        jars[fruit] -= 1
        return jars

    @app.post("/jars/<fruit>")
    def add(fruit: str) -> tuple[dict[str, int], int]:
        jars[fruit] += 1
        return jars, 201

    @app.delete("/jars/<fruit>")
    def throw_away(fruit: str) -> dict[str, int]:
        del jars[fruit]
        return jars

    @app.get("/jars/<fruit>", endpoint="count")
    def look(fruit: str) -> list[str]:
        return [flask.request.endpoint, *jars]

    client = app.test_client()
    assert client.put("/jars/plum", data="3").json == {"plum": 3}
    assert client.patch("/jars/plum").json == {"plum": 2}
    assert client.post("/jars/plum").json == {"plum": 3}
    assert client.get("/jars/plum").json == ["count", "plum"]
    assert client.delete("/jars/plum").json == {}
    assert sorted(client.trace("/jars/plum").allow) == ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


@pytest.mark.parametrize(
    ("register", "error", "message"),
    [
        (lambda app, view: app.route("jars")(view), ValueError, "must start with a slash"),
        (lambda app, view: app.route("/<jar:x>")(view), LookupError, "jar"),
        (lambda app, view: app.route("/jars", metods=["PUT"])(view), TypeError, "metods"),
        (lambda app, view: app.route("/jars", methods="PATCH")(view), TypeError, "must be a list of strings"),
        (lambda app, view: app.delete("/jars", methods=["PUT"])(view), TypeError, "Use the 'route' decorator"),
        (lambda app, view: app.add_url_rule("/jars"), AssertionError, "expected view func"),
        (lambda app, view: app.add_url_rule("/jars", view_func=[view]), AttributeError, "__name__"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_and_leaves_nothing_behind(
    app: Any, register: Any, error: type[Exception], message: str
) -> None:
    before = [str(rule) for rule in app.url_map.iter_rules()]
    with pytest.raises(error, match=message):
        register(app, lambda: "")
    assert [str(rule) for rule in app.url_map.iter_rules()] == before
