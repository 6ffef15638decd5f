"""Blueprints: prefixes, names, defaults, states, and what registering one twice says."""

from __future__ import annotations

from typing import Any

import pytest


def rules_of(app: Any) -> list[str]:
    return [str(rule) for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_a_rule_with_neither_view_nor_endpoint_is_refused(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/")
    with pytest.raises(AssertionError, match="expected view func if endpoint is not provided"):
        app.register_blueprint(bp)


def test_an_empty_rule_without_a_prefix_is_refused(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("", "x", lambda: "")
    with pytest.raises(ValueError, match="must start with a slash"):
        app.register_blueprint(bp)


def test_the_options_of_a_registration_go_before_the_blueprints_own(flask: Any) -> None:
    app = flask.Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    bp = flask.Blueprint("bp", __name__, url_prefix="/a", subdomain="sub", url_defaults={"x": 1, "y": 2})

    @bp.route("/")
    def index(x: int, y: int) -> str:
        return f"{x} {y}"

    app.register_blueprint(bp, url_prefix="/b", subdomain="other", url_defaults={"y": 3})
    (rule,) = app.url_map.iter_rules("bp.index")
    assert (rule.rule, rule.subdomain, rule.defaults) == ("/b/", "other", {"x": 1, "y": 3})
    assert app.test_client().get("/b/", base_url="http://other.example.com").text == "1 3"


def test_an_empty_prefix_at_registration_counts(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__, url_prefix="/a")
    bp.add_url_rule("/x", "x", lambda: "")
    app.register_blueprint(bp, url_prefix="")
    assert rules_of(app) == ["/x"]


def test_a_blueprint_knows_what_it_was_given(flask: Any) -> None:
    bp = flask.Blueprint("bp", "some_name", root_path="/tmp", url_prefix="/x", subdomain="s", url_defaults={"a": 1})
    assert bp.name == "bp"
    assert bp.import_name == "some_name"
    assert bp.root_path == "/tmp"
    assert bp.url_prefix == "/x"
    assert bp.subdomain == "s"
    assert bp.url_values_defaults == {"a": 1}
    assert bp.deferred_functions == []
    assert bp._blueprints == []
    assert bp._got_registered_once is False
    assert bp.static_folder is None
    assert bp.static_url_path is None
    assert bp.template_folder is None
    assert bp.jinja_loader is None
    assert bp.has_static_folder is False
    assert flask.Blueprint("b", __name__).url_values_defaults == {}
    assert repr(bp) == "<Blueprint 'bp'>"


def test_a_state_shows_the_registration(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__, url_prefix="/p", subdomain="s", url_defaults={"a": 1})
    states: list[Any] = []
    bp.record(states.append)
    app.register_blueprint(bp, url_defaults={"b": 2}, custom=5)
    (state,) = states
    assert state.app is app
    assert state.blueprint is bp
    assert state.options == {"url_defaults": {"b": 2}, "custom": 5}
    assert state.first_registration is True
    assert state.subdomain == "s"
    assert state.url_prefix == "/p"
    assert state.name == "bp"
    assert state.name_prefix == ""
    assert state.url_defaults == {"a": 1, "b": 2}
    assert isinstance(state, flask.blueprints.BlueprintSetupState)


def test_a_subclass_makes_its_own_states(flask: Any) -> None:
    app = flask.Flask(__name__)

    class State(flask.blueprints.BlueprintSetupState):  # type: ignore[misc, name-defined]
        def add_url_rule(self, rule: str, endpoint: Any = None, view_func: Any = None, **options: Any) -> None:
            self.seen = True
            super().add_url_rule("/extra" + rule, endpoint, view_func, **options)

    class Own(flask.Blueprint):  # type: ignore[misc, name-defined]
        def make_setup_state(self, app: Any, options: Any, first_registration: bool = False) -> Any:
            self.state = State(self, app, options, first_registration)
            return self.state

    bp = Own("bp", __name__, url_prefix="/p")
    bp.add_url_rule("/x", "x", lambda: "")
    app.register_blueprint(bp)
    assert rules_of(app) == ["/p/extra/x"]
    assert bp.state.seen


def test_register_may_be_overridden(flask: Any) -> None:
    app = flask.Flask(__name__)
    seen: list[Any] = []

    class Own(flask.Blueprint):  # type: ignore[misc, name-defined]
        def register(self, app: Any, options: Any) -> None:
            seen.append((app, dict(options)))
            super().register(app, options)

    bp = Own("bp", __name__)
    app.register_blueprint(bp, url_prefix="/x")
    assert seen == [(app, {"url_prefix": "/x"})]
    assert app.blueprints == {"bp": bp}


def test_a_state_adds_rules_with_its_prefix(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__, url_prefix="/p", url_defaults={"a": 1})

    def late(state: Any) -> None:
        state.add_url_rule("/late", "late", lambda a, b=0: f"{a}{b}", defaults={"b": 2})

        def named(a: int) -> str:
            return "named"

        state.add_url_rule("/named", view_func=named, methods=["POST"])

    bp.record(late)
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/p/late").text == "12"
    assert client.post("/p/named").text == "named"
    assert "bp.named" in app.view_functions


@pytest.mark.parametrize(
    "change",
    [
        lambda bp: bp.route("/late"),
        lambda bp: bp.get("/late"),
        lambda bp: bp.add_url_rule("/late", "late", lambda: ""),
        lambda bp: bp.before_request(lambda: None),
        lambda bp: bp.after_request(lambda r: r),
        lambda bp: bp.teardown_request(lambda e: None),
        lambda bp: bp.before_app_request(lambda: None),
        lambda bp: bp.after_app_request(lambda r: r),
        lambda bp: bp.teardown_app_request(lambda e: None),
        lambda bp: bp.context_processor(dict),
        lambda bp: bp.app_context_processor(dict),
        lambda bp: bp.errorhandler(404),
        lambda bp: bp.app_errorhandler(404),
        lambda bp: bp.register_error_handler(404, lambda e: ""),
        lambda bp: bp.url_defaults(lambda e, v: None),
        lambda bp: bp.url_value_preprocessor(lambda e, v: None),
        lambda bp: bp.app_url_defaults(lambda e, v: None),
        lambda bp: bp.app_url_value_preprocessor(lambda e, v: None),
        lambda bp: bp.app_template_filter(),
        lambda bp: bp.add_app_template_filter(len),
        lambda bp: bp.app_template_test(),
        lambda bp: bp.add_app_template_test(len),
        lambda bp: bp.app_template_global(),
        lambda bp: bp.add_app_template_global(len),
        lambda bp: bp.endpoint("x"),
        lambda bp: bp.record(lambda s: None),
        lambda bp: bp.record_once(lambda s: None),
        lambda bp: bp.register_blueprint(bp),
    ],
)
def test_changes_after_the_registration_are_refused(flask: Any, change: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    app.register_blueprint(bp)

    def use() -> None:
        result = change(bp)
        if callable(result):  # Flask's decorators of routes complain when they are used
            result(lambda: "")

    with pytest.raises(AssertionError, match="can no longer be called on the blueprint 'bp'"):
        use()


def test_a_blueprint_cannot_be_registered_on_itself(flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__)
    with pytest.raises(ValueError, match=r"Cannot register a blueprint on itself|cannot be registered on itself"):
        bp.register_blueprint(bp)


def test_a_rule_without_view_or_endpoint_gets_its_view_later(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/x", endpoint="x")
    app.register_blueprint(bp)
    app.view_functions["bp.x"] = lambda: "later"
    assert app.test_client().get("/x").text == "later"


def test_two_views_for_one_endpoint_of_a_blueprint_are_refused(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/x", "x", lambda: "")
    bp.add_url_rule("/y", "x", lambda: "")
    with pytest.raises(AssertionError, match=r"overwriting an existing endpoint function: bp.x"):
        app.register_blueprint(bp)


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_the_decorators_by_method(flask: Any, method: str) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__, url_prefix="/p")
    getattr(bp, method)("/x")(lambda: flask.request.method)
    app.register_blueprint(bp)
    client = app.test_client()
    assert getattr(client, method)("/p/x").text == method.upper()
    assert client.open("/p/x", method="TRACE").status_code == 405
    with pytest.raises(TypeError, match=r"Use the 'route' decorator to use the 'methods' argument."):
        getattr(flask.Blueprint("b2", __name__), method)("/y", methods=["GET"])


def test_request_knows_its_blueprint(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    inner = flask.Blueprint("inner", __name__)
    seen: list[Any] = []

    def view() -> str:
        seen.append((flask.request.blueprint, flask.request.blueprints, flask.request.endpoint))
        return ""

    bp.add_url_rule("/bp", view_func=view)
    inner.add_url_rule("/inner", view_func=view)
    bp.register_blueprint(inner)
    app.register_blueprint(bp)
    app.add_url_rule("/", view_func=view)
    client = app.test_client()
    for url in ("/", "/bp", "/inner"):
        client.get(url)
    assert seen == [
        (None, [], "view"),
        ("bp", ["bp"], "bp.view"),
        ("bp.inner", ["bp.inner", "bp"], "bp.inner.view"),
    ]
    with app.test_request_context("/nowhere"):
        assert flask.request.blueprint is None
        assert flask.request.blueprints == []
        assert flask.request.endpoint is None


def test_urls_beginning_with_a_dot_are_of_the_blueprint(flask: Any) -> None:
    app = flask.Flask(__name__)
    a = flask.Blueprint("a", __name__, url_prefix="/a")
    b = flask.Blueprint("b", __name__, url_prefix="/b")
    a.add_url_rule("/", "index", lambda: flask.url_for(".other"))
    a.add_url_rule("/o", "other", lambda: flask.url_for("a.index"))
    b.add_url_rule("/o", "other", lambda: flask.url_for(".other") + flask.url_for("a.b.other"))
    a.register_blueprint(b)
    app.register_blueprint(a)
    app.add_url_rule("/top", "top", lambda: flask.url_for(".top"))
    client = app.test_client()
    assert client.get("/a/").text == "/a/o"
    assert client.get("/a/o").text == "/a/"
    assert client.get("/a/b/o").text == "/a/b/o/a/b/o"
    assert client.get("/top").text == "/top"


def test_add_url_rule_of_a_blueprint_takes_the_options_of_a_rule(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__, url_prefix="/p")

    @bp.route("/x/", strict_slashes=False, methods=["get", "Post"], provide_automatic_options=False)
    def x() -> str:
        return ""

    @bp.route("/old", redirect_to="/p/x/")
    def old() -> str:
        return ""

    app.register_blueprint(bp)
    (rule,) = app.url_map.iter_rules("bp.x")
    assert rule.methods == {"GET", "HEAD", "POST"}
    assert rule.strict_slashes is False
    assert rule.provide_automatic_options is False
    client = app.test_client()
    assert client.get("/p/x").status_code == 200
    assert client.options("/p/x/").status_code == 405
    assert client.get("/p/old").status_code == 308


# A farm: one blueprint for every field.


@pytest.mark.parametrize("prefix", ["/fields", "/fields/", "/fields//"])
@pytest.mark.parametrize("rule", ["/oats", "oats", "//oats"])
@pytest.mark.parametrize("at", ["blueprint", "registration", "parent"])
def test_however_prefix_and_rule_meet_there_is_one_slash(flask: Any, prefix: str, rule: str, at: str) -> None:
    app = flask.Flask("farm")
    field = flask.Blueprint("field", __name__, url_prefix=prefix if at == "blueprint" else None)
    field.add_url_rule(rule, "crop", lambda: "ripe")
    if at == "parent":
        farm = flask.Blueprint("farm", __name__, url_prefix=prefix)
        farm.register_blueprint(field)
        app.register_blueprint(farm)
    else:
        app.register_blueprint(field, **({"url_prefix": prefix} if at == "registration" else {}))
    assert rules_of(app) == ["/fields/oats"]


@pytest.mark.parametrize("prefix", ["/barn", "/barn/"])
def test_an_empty_rule_is_the_prefix_as_it_is_written(flask: Any, prefix: str) -> None:
    app = flask.Flask("farm")
    barn = flask.Blueprint("barn", __name__)
    barn.add_url_rule("", "door", lambda: "open")
    app.register_blueprint(barn, url_prefix=prefix)
    assert app.test_client().get(prefix).text == "open"
    assert rules_of(app) == [prefix]


def test_defaults_come_from_rule_registration_and_blueprint_in_this_order(flask: Any) -> None:
    app = flask.Flask("farm")
    field = flask.Blueprint("field", __name__, url_defaults={"crop": "grass", "hectares": 1, "owner": "the village"})

    @field.get("/report", defaults={"crop": "rye"})
    def report(**values: Any) -> Any:
        return values

    app.register_blueprint(field, name="north", url_prefix="/north", url_defaults={"crop": "beet", "hectares": 12})
    app.register_blueprint(field, name="south", url_prefix="/south")
    client = app.test_client()
    assert client.get("/north/report").json == {"crop": "rye", "hectares": 12, "owner": "the village"}
    assert client.get("/south/report").json == {"crop": "rye", "hectares": 1, "owner": "the village"}


@pytest.mark.parametrize("same", [True, False], ids=["the same blueprint", "another one"])
def test_a_name_is_taken_once_and_the_error_says_how_to_choose_another(flask: Any, same: bool) -> None:
    app = flask.Flask("farm")
    field = flask.Blueprint("field", __name__, url_prefix="/north")
    app.register_blueprint(field)
    second = field if same else flask.Blueprint("field", __name__)
    with pytest.raises(ValueError, match=r"'field' is already registered(.|\n)*'name='"):
        app.register_blueprint(second, url_prefix="/south")
    app.register_blueprint(second, url_prefix="/south", name="meadow")
    assert app.blueprints == {"field": field, "meadow": second}
    assert list(app.iter_blueprints()) == [field, second]


def test_each_registration_is_recorded_and_what_is_done_once_is_done_for_the_first(flask: Any) -> None:
    app = flask.Flask("farm")
    field = flask.Blueprint("field", __name__)
    shed = flask.Blueprint("shed", __name__)
    ploughed: list[Any] = []
    fenced: list[str] = []
    field.record(lambda state: ploughed.append((state.name, state.url_prefix, state.first_registration)))
    field.record_once(lambda state: fenced.append(state.name))
    shed.add_url_rule("/tools", "tools", lambda: flask.url_for(".tools"))
    field.register_blueprint(shed, url_prefix="/shed")
    for name in ("north", "east", "south"):
        app.register_blueprint(field, name=name, url_prefix=f"/{name}")
    assert ploughed == [("north", "/north", True), ("east", "/east", False), ("south", "/south", False)]
    assert fenced == ["north"]
    client = app.test_client()
    for name in ("north", "east", "south"):
        assert client.get(f"/{name}/shed/tools").text == f"/{name}/shed/tools"
        assert app.blueprints[f"{name}.shed"] is shed


def test_dots_part_the_names_of_blueprints_and_endpoints_so_that_no_name_has_one(flask: Any) -> None:
    field = flask.Blueprint("field", __name__)

    def harvest() -> str:
        return "in"

    def named(name: str) -> Any:
        view = lambda: "in"  # noqa: E731
        view.__name__ = name
        return view

    refused: list[tuple[str, Any]] = [
        (r"'name' may not contain a dot '\.' character", lambda: flask.Blueprint("north.field", __name__)),
        ("'name' may not be empty", lambda: flask.Blueprint("", __name__)),
        (r"'endpoint' may not contain a dot '\.' character", lambda: field.get("/h", endpoint="rye.cut")(harvest)),
        (r"'endpoint' may not contain a dot '\.' character", lambda: field.add_url_rule("/h", "rye.", harvest)),
        (r"'view_func' name may not contain a dot '\.' character", lambda: field.add_url_rule("/h", None, named(".h"))),
        (r"'view_func' name may not contain a dot '\.' character", lambda: field.put("/h")(named("rye.cut"))),
    ]
    for text, act in refused:
        with pytest.raises(ValueError, match=text):
            act()
    assert field.deferred_functions == []


def test_a_view_may_be_given_to_an_endpoint_of_the_application_by_a_blueprint(flask: Any) -> None:
    """The decorator names the whole endpoint; the blueprint's name goes before nothing."""
    app = flask.Flask("farm")
    field = flask.Blueprint("field", __name__)
    app.add_url_rule("/gate", endpoint="gate")
    field.add_url_rule("/scarecrow", endpoint="scarecrow")

    @field.endpoint("gate")
    @field.endpoint("field.scarecrow")
    def stands() -> Any:
        return {"at": flask.request.endpoint}

    app.register_blueprint(field)
    client = app.test_client()
    assert client.get("/gate").json == {"at": "gate"}
    assert client.get("/scarecrow").json == {"at": "field.scarecrow"}
