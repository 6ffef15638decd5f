"""Werkzeug's own rules, factories, converters and adapters in and around ``app.url_map``."""

from __future__ import annotations

from typing import Any

import pytest
import werkzeug.routing as routing
from werkzeug.exceptions import MethodNotAllowed, NotFound


def test_factories_of_werkzeug_in_the_map(app: Any, flask: Any) -> None:
    resource = routing.RuleTemplate(
        [routing.Rule("/$name/", endpoint="$name.list"), routing.Rule("/$name/<int:id>", endpoint="$name.show")]
    )
    app.url_map.add(
        routing.Submount(
            "/sub",
            [
                routing.Rule("/", endpoint="sub"),
                routing.EndpointPrefix("pre.", [routing.Rule("/x", endpoint="x")]),
                resource(name="user"),
            ],
        )
    )
    for endpoint in ("sub", "pre.x", "user.list", "user.show"):
        app.view_functions[endpoint] = lambda **values: f"{flask.request.endpoint} {values}"
    client = app.test_client()
    assert client.get("/sub/").text == "sub {}"
    assert client.get("/sub/x").text == "pre.x {}"
    assert client.get("/sub/user/").text == "user.list {}"
    assert client.get("/sub/user/7").text == "user.show {'id': 7}"
    with app.test_request_context():
        assert flask.url_for("user.show", id=3) == "/sub/user/3"


def test_subdomain_factory_of_werkzeug(flask: Any) -> None:
    app = flask.Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.url_map.add(routing.Subdomain("kb", [routing.Rule("/", endpoint="kb")]))
    app.url_map.add(routing.Subdomain("<lang>", [routing.Rule("/l", endpoint="lang")]))
    app.view_functions["kb"] = lambda: "kb"
    app.view_functions["lang"] = lambda lang: lang
    client = app.test_client()
    assert client.get("/", "http://kb.example.com").text == "kb"
    assert client.get("/l", "http://de.example.com").text == "de"
    assert client.get("/", "http://example.com").status_code == 404


def test_a_factory_of_ones_own(app: Any) -> None:
    class Many(routing.RuleFactory):
        def get_rules(self, map: Any) -> Any:
            for name in ("a", "b"):
                yield routing.Rule(f"/many/{name}", endpoint=name)

    app.url_map.add(Many())
    app.view_functions.update(a=lambda: "a", b=lambda: "b")
    assert app.test_client().get("/many/b").text == "b"


def test_werkzeugs_rule_as_the_rule_class(flask: Any) -> None:
    class MyRule(routing.Rule):
        def hello(self) -> str:
            return "hello"

        def build(self, values: Any, append_unknown: bool = True) -> Any:
            domain, path = super().build(values, append_unknown)
            return domain, path + "#built"

    app = flask.Flask(__name__)
    app.url_rule_class = MyRule
    app.add_url_rule("/<int:x>/", "x", lambda x: f"{x} {flask.request.url_rule.hello()}")
    client = app.test_client()
    assert client.get("/5/").text == "5 hello"
    assert client.options("/5/").status_code == 200
    assert client.get("/5").status_code == 308
    (rule,) = app.url_map.iter_rules("x")
    assert isinstance(rule, MyRule)
    with app.test_request_context():
        assert flask.url_for("x", x=7) == "/7/#built"


def test_a_rule_of_ones_own_class_stays_itself(app: Any) -> None:
    class MyRule(routing.Rule):
        extra = "of the class"

    rule = MyRule("/x/<int:id>", endpoint="x", defaults={"a": 1}, methods=["post"])
    rule.own = "of the object"  # type: ignore[attr-defined]
    app.url_map.add(rule)
    (found,) = app.url_map.iter_rules("x")
    assert found is rule
    assert isinstance(rule, MyRule)
    assert (rule.extra, rule.own, rule.map) == ("of the class", "of the object", app.url_map)
    assert rule.methods == {"POST"}
    assert rule.build({"id": 2}) == ("", "/x/2")
    assert type(rule.empty()).__name__ == "MyRule"
    with pytest.raises(RuntimeError, match="already bound"):
        app.url_map.add(rule)


def test_rules_of_flask_are_werkzeugs(app: Any, flask: Any) -> None:
    for rule in app.url_map.iter_rules():
        assert isinstance(rule, routing.Rule)
    assert isinstance(app.url_map, routing.Map)
    assert issubclass(flask.Flask.url_rule_class, routing.Rule)
    assert issubclass(flask.Flask.url_map_class, routing.Map)
    with app.test_request_context():
        assert isinstance(flask.request.url_rule, (routing.Rule, type(None)))
        assert isinstance(app.create_url_adapter(flask.request), routing.MapAdapter)


def test_converters_of_werkzeug_can_be_subclassed(app: Any) -> None:
    class Even(routing.IntegerConverter):
        def to_python(self, value: str) -> int:
            number: int = super().to_python(value)
            if number % 2:
                raise routing.ValidationError
            return number

    class Upper(routing.UnicodeConverter):
        def to_python(self, value: str) -> str:
            return super().to_python(value).upper()

        def to_url(self, value: str) -> str:
            return super().to_url(value.lower())

    class Words(routing.AnyConverter):
        def __init__(self, map: Any) -> None:
            super().__init__(map, "one", "two")

    class Regex(routing.BaseConverter):
        def __init__(self, map: Any, *items: str) -> None:
            super().__init__(map)
            self.regex = items[0]

    app.url_map.converters.update(even=Even, upper=Upper, words=Words, regex=Regex)
    app.add_url_rule("/e/<even:x>", "e", lambda x: str(x))
    app.add_url_rule("/u/<upper(length=3):x>", "u", lambda x: x)
    app.add_url_rule("/w/<words:x>", "w", lambda x: x)
    app.add_url_rule("/r/<regex('[abc]{2}'):x>-<int:y>", "r", lambda x, y: f"{x} {y}")
    client = app.test_client()
    assert client.get("/e/4").text == "4"
    assert client.get("/e/5").status_code == 404
    assert client.get("/u/abc").text == "ABC"
    assert client.get("/w/two").text == "two"
    assert client.get("/w/three").status_code == 404
    assert client.get("/r/ab-7").text == "ab 7"
    assert client.get("/r/xy-7").status_code == 404
    with app.test_request_context():
        assert app.url_for("u", x="XYZ") == "/u/xyz"
        with pytest.raises((routing.BuildError, ValueError)):
            app.url_for("w", x="three")


def test_the_default_converters_are_there(app: Any) -> None:
    assert set(app.url_map.converters) >= {"default", "string", "any", "path", "int", "float", "uuid"}
    for name, kind in routing.Map.default_converters.items():
        assert issubclass(app.url_map.converters[name], kind)


def test_a_default_converter_may_be_replaced(app: Any) -> None:
    class Str(routing.UnicodeConverter):
        def to_python(self, value: str) -> str:
            return f"<{value}>"

    app.url_map.converters["default"] = Str
    app.add_url_rule("/<x>", "x", lambda x: x)
    assert app.test_client().get("/a").text == "<a>"


def test_a_bound_map_matches_and_builds(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "")
    app.add_url_rule("/x/<int:id>", "x", lambda id: "", methods=["POST"])
    app.add_url_rule("/b/", "b", lambda: "")
    urls = app.url_map.bind("example.com", "/app")
    assert urls.match("/") == ("index", {})
    assert urls.match("/x/3", method="POST") == ("x", {"id": 3})
    rule, values = urls.match("/x/3", "POST", return_rule=True)
    assert (rule.endpoint, values) == ("x", {"id": 3})
    with pytest.raises(NotFound):
        urls.match("/nowhere")
    with pytest.raises(MethodNotAllowed) as caught:
        urls.match("/x/3")
    assert set(caught.value.valid_methods) == {"POST", "OPTIONS"}
    with pytest.raises(routing.RequestRedirect) as redirect:
        urls.match("/b")
    assert redirect.value.new_url == "http://example.com/app/b/"
    assert urls.build("x", {"id": 4}) == "/app/x/4"
    assert urls.build("x", {"id": 4}, force_external=True) == "http://example.com/app/x/4"
    assert urls.build("index", {"a": 1}) == "/app/?a=1"
    assert urls.test("/")
    assert not urls.test("/x/3")
    assert urls.test("/x/3", method="POST")
    assert sorted(urls.allowed_methods("/x/3")) == ["OPTIONS", "POST"]
    assert urls.get_host("sub") == "sub.example.com"
    assert urls.server_name == "example.com"
    assert urls.script_name == "/app/"
    assert urls.url_scheme == "http"
    assert urls.default_method == "GET"
    assert urls.map is app.url_map
    called = urls.dispatch(lambda endpoint, values: (endpoint, values), "/")
    assert called == ("index", {})


def test_binding_to_an_environ(app: Any) -> None:
    from werkzeug.test import EnvironBuilder

    app.add_url_rule("/x", "x", lambda: "", methods=["POST"])
    environ = EnvironBuilder("/x", "http://example.com/below", method="POST").get_environ()
    urls = app.url_map.bind_to_environ(environ)
    assert urls.match() == ("x", {})
    assert urls.build("x") == "/below/x"
    assert app.url_map.bind_to_environ(environ, server_name="com").subdomain == "example"


def test_server_name_of_the_request_without_matching(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/x/", "x", lambda: flask.url_for("x", _external=True))
    client = app.test_client()
    assert client.get("/x/").text == "http://example.com/x/"
    assert client.get("/x/", "http://other.org").text == "http://example.com/x/"
    assert client.get("/x", "http://other.org").location == "http://example.com/x/"


def test_create_url_adapter_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def create_url_adapter(self, request: Any) -> Any:
            if request is None:
                return self.url_map.bind("own.example.com", "/script", url_scheme="https")
            environ = dict(request.environ, PATH_INFO="/rewritten")
            return self.url_map.bind_to_environ(environ)

    app = Own(__name__)
    app.add_url_rule("/rewritten", "x", lambda: "rewritten")
    assert app.test_client().get("/anything").text == "rewritten"
    with app.app_context():
        assert flask.url_for("x") == "https://own.example.com/script/rewritten"


def test_a_map_may_be_changed_while_requests_come(app: Any) -> None:
    client = app.test_client()
    assert client.get("/late").status_code == 404
    app.url_map.add(app.url_rule_class("/late", endpoint="late"))
    app.view_functions["late"] = lambda: "late"
    assert client.get("/late").text == "late"


def test_a_rule_can_be_emptied_and_bound_to_another_map(app: Any) -> None:
    app.add_url_rule("/x/<int:id>", "x", lambda id: "", defaults={"a": 1})
    (rule,) = app.url_map.iter_rules("x")
    with pytest.raises(RuntimeError, match="already bound"):
        routing.Map([rule])
    copy = rule.empty()
    other = type(app.url_map)([copy])
    assert other.bind("h").match("/x/5", "GET") == ("x", {"id": 5, "a": 1})


def test_a_map_of_werkzeug_as_the_class(flask: Any) -> None:
    class MyMap(routing.Map):
        pass

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        url_map_class = MyMap

    app = Own(__name__)
    app.add_url_rule("/<int:x>/", "x", lambda x: flask.url_for("x", x=x + 1))
    client = app.test_client()
    assert client.get("/4/").text == "/5/"
    assert client.get("/4").status_code == 308
    assert client.get("/a/").status_code == 404
    assert client.post("/4/").status_code == 405


def test_the_url_map_may_be_replaced(app: Any, flask: Any) -> None:
    app.url_map = app.url_map_class([app.url_rule_class("/only", endpoint="only")])
    app.view_functions["only"] = lambda: flask.url_for("only")
    assert app.test_client().get("/only").text == "/only"
    app2 = flask.Flask(__name__)
    app2.url_map = routing.Map([routing.Rule("/w", endpoint="w")])
    app2.view_functions["w"] = lambda: flask.url_for("w")
    assert app2.test_client().get("/w").text == "/w"


def test_websocket_rules_do_not_match_requests(app: Any) -> None:
    app.add_url_rule("/ws", "ws", lambda: "", websocket=True)
    assert app.test_client().get("/ws").status_code == 400
    assert app.url_map.bind("h", url_scheme="ws").match("/ws") == ("ws", {})


def test_rule_build_and_suitable_for(app: Any) -> None:
    app.add_url_rule("/x/<int:id>", "x", lambda id: "", methods=["GET"])
    (rule,) = app.url_map.iter_rules("x")
    assert rule.build({"id": 3}) == ("", "/x/3")
    assert rule.build({"id": 3, "q": 1}) == ("", "/x/3?q=1")
    assert rule.suitable_for({"id": 3})
    assert not rule.suitable_for({})
    assert not rule.suitable_for({"id": 3}, "POST")
    assert rule.get_empty_kwargs()["methods"] == {"GET", "HEAD", "OPTIONS"}
    assert len(rule.build_compare_key()) == 3


def test_a_rule_of_werkzeug_leads_to_a_view_and_answers_no_options_by_itself(app: Any, flask: Any) -> None:
    app.url_map.add(routing.Rule("/ovens/<int:number>/heat", endpoint="oven", methods=["PUT", "GET"]))
    app.view_functions["oven"] = lambda number: {
        "oven": number,
        "method": flask.request.method,
        "next": flask.url_for("oven", number=number + 1),
    }
    client = app.test_client()
    answers = {method: client.open("/ovens/3/heat", method=method) for method in ("GET", "PUT", "OPTIONS", "POST")}
    assert answers["GET"].json == {"oven": 3, "method": "GET", "next": "/ovens/4/heat"}
    assert answers["PUT"].json == {"oven": 3, "method": "PUT", "next": "/ovens/4/heat"}
    assert answers["OPTIONS"].status_code == answers["POST"].status_code == 405


STALLS = {
    "http://market.test": "all stalls",
    "http://cheese.market.test": "stall cheese",
    "http://old.cheese.market.test": "stall old.cheese",
}


@pytest.mark.parametrize("matching", [True, False])
@pytest.mark.parametrize("base_url", STALLS)
def test_subdomains_count_only_where_that_is_asked_for(flask: Any, matching: bool, base_url: str) -> None:
    app = flask.Flask(__name__, subdomain_matching=matching)
    app.config["SERVER_NAME"] = "market.test"
    app.add_url_rule("/prices", "prices", lambda: "all stalls")
    app.add_url_rule("/prices", "stall", lambda name: f"stall {name}", subdomain="<name>")
    response = app.test_client().get("/prices", base_url=base_url)
    assert response.text == (STALLS[base_url] if matching else "all stalls")
    with app.app_context():
        assert flask.url_for("stall", name="fish") == "http://fish.market.test/prices"


def test_a_host_that_is_not_below_the_server_name_has_no_subdomain_and_warns(flask: Any) -> None:
    app = flask.Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "market.test:8443"
    app.add_url_rule("/prices", "prices", lambda: "all stalls")
    with pytest.warns(UserWarning, match="Current server name 'fair.test' doesn't match"):
        assert app.test_client().get("/prices", base_url="http://fair.test").status_code == 404


def test_rules_without_a_subdomain_are_those_of_the_default_subdomain(flask: Any) -> None:
    app = flask.Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "market.test"
    app.url_map.default_subdomain = "shop"
    app.add_url_rule("/basket", "basket", lambda: flask.url_for("basket", _external=True))
    app.add_url_rule("/basket", "bare", lambda: "bare", subdomain="")
    client = app.test_client()
    assert client.get("/basket", base_url="http://shop.market.test").text == "http://shop.market.test/basket"
    assert client.get("/basket", base_url="http://market.test").text == "bare"
