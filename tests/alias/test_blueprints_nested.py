"""Blueprints in blueprints: names, prefixes, subdomains, and the order of what surrounds a view."""

from __future__ import annotations

from typing import Any

import pytest


def test_only_the_outer_or_only_the_inner_prefix(flask: Any) -> None:
    app = flask.Flask(__name__)
    outer = flask.Blueprint("outer", __name__, url_prefix="/outer")
    plain = flask.Blueprint("plain", __name__)
    plain.add_url_rule("/x", "x", lambda: "x")
    outer.register_blueprint(plain)
    app.register_blueprint(outer)
    bare = flask.Blueprint("bare", __name__)
    inner = flask.Blueprint("inner", __name__, url_prefix="/inner")
    inner.add_url_rule("/y", "y", lambda: "y")
    bare.register_blueprint(inner)
    app.register_blueprint(bare)
    client = app.test_client()
    assert client.get("/outer/x").text == "x"
    assert client.get("/inner/y").text == "y"


@pytest.mark.parametrize(
    ("parent_sub", "child_sub", "register_parent", "register_child", "expected"),
    [
        ("parent", None, None, None, "parent"),
        (None, "child", None, None, "child"),
        ("parent", "child", None, None, "child.parent"),
        ("parent", "child", "p", "c", "c.p"),
        (None, None, "p", "c", "c.p"),
        (None, None, None, "c", "c"),
        ("parent", None, None, "c", "c.parent"),
    ],
)
def test_subdomains_nest(
    flask: Any, parent_sub: Any, child_sub: Any, register_parent: Any, register_child: Any, expected: str
) -> None:
    app = flask.Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.test"
    parent = flask.Blueprint("parent", __name__, subdomain=parent_sub)
    child = flask.Blueprint("child", __name__, subdomain=child_sub)
    child.add_url_rule("/", "index", lambda: "child")
    parent.register_blueprint(child, **({"subdomain": register_child} if register_child else {}))
    app.register_blueprint(parent, **({"subdomain": register_parent} if register_parent else {}))
    client = app.test_client()
    assert client.get("/", base_url=f"http://{expected}.example.test").text == "child"
    assert client.get("/", base_url="http://example.test").status_code == 404


def test_a_child_under_two_names(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__)
    child = flask.Blueprint("child", __name__)
    child.add_url_rule("/", "index", lambda: flask.request.endpoint)
    parent.register_blueprint(child, url_prefix="/1")
    parent.register_blueprint(child, url_prefix="/2", name="other")
    app.register_blueprint(parent, name="renamed")
    client = app.test_client()
    assert client.get("/1/").text == "renamed.child.index"
    assert client.get("/2/").text == "renamed.other.index"


def test_two_children_of_one_name_are_refused_at_the_registration(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__)
    parent.register_blueprint(flask.Blueprint("child", __name__), url_prefix="/1")
    parent.register_blueprint(flask.Blueprint("child", __name__), url_prefix="/2")
    with pytest.raises(ValueError, match=r"'(parent\.)?child' is already registered"):
        app.register_blueprint(parent)


def test_the_same_child_in_two_parents(flask: Any) -> None:
    app = flask.Flask(__name__)
    child = flask.Blueprint("child", __name__)
    child.add_url_rule("/x", "x", lambda: flask.request.endpoint)
    for name in ("one", "two"):
        parent = flask.Blueprint(name, __name__, url_prefix=f"/{name}")
        parent.register_blueprint(child)
        app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/one/x").text == "one.child.x"
    assert client.get("/two/x").text == "two.child.x"


def test_callbacks_run_from_the_outside_in_and_back(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__)
    child = flask.Blueprint("child", __name__)
    order: list[str] = []

    def hooks(owner: Any, name: str) -> None:
        @owner.url_value_preprocessor
        def values(endpoint: str, values: Any) -> None:
            order.append(f"{name} values")

        for number in (1, 2):

            @owner.before_request
            def before(number: int = number) -> None:
                order.append(f"{name} before {number}")

            @owner.after_request
            def after(response: Any, number: int = number) -> Any:
                order.append(f"{name} after {number}")
                return response

            @owner.teardown_request
            def teardown(error: Any, number: int = number) -> None:
                order.append(f"{name} teardown {number}")

    hooks(app, "app")
    hooks(parent, "parent")
    hooks(child, "child")
    child.before_app_request(lambda: order.append("before app"))
    parent.teardown_app_request(lambda e: order.append("teardown app"))

    @child.after_app_request
    def after_app(response: Any) -> Any:
        order.append("after app")
        return response

    child.add_url_rule("/a", "a", lambda: order.append("view") or "")
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    app.test_client().get("/a")
    assert order == [
        "app values", "parent values", "child values",
        "app before 1", "app before 2", "before app",
        "parent before 1", "parent before 2", "child before 1", "child before 2",
        "view",
        "child after 2", "child after 1", "parent after 2", "parent after 1",
        "after app", "app after 2", "app after 1",
        "child teardown 2", "child teardown 1", "parent teardown 2", "parent teardown 1",
        "teardown app", "app teardown 2", "app teardown 1",
    ]  # fmt: skip


def test_error_handlers_are_looked_up_from_the_inside_out(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__)
    child = flask.Blueprint("child", __name__)
    sibling = flask.Blueprint("sibling", __name__)

    @parent.errorhandler(403)
    def parent_403(error: Any) -> Any:
        return "parent 403", 403

    @child.errorhandler(403)
    def child_403(error: Any) -> Any:
        return "child 403", 403

    @app.errorhandler(403)
    def app_403(error: Any) -> Any:
        return "app 403", 403

    @app.errorhandler(409)
    def app_409(error: Any) -> Any:
        return "app 409", 409

    @parent.errorhandler(ValueError)
    def parent_value(error: Any) -> str:
        return "parent ValueError"

    for bp in (parent, child, sibling):

        @bp.route(f"/{bp.name}/<int:code>", endpoint="fail")
        def fail(code: int) -> None:
            flask.abort(code)

        @bp.route(f"/{bp.name}/value", endpoint="value")
        def value() -> None:
            raise UnicodeError

    parent.register_blueprint(child)
    parent.register_blueprint(sibling)
    app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/parent/403").text == "parent 403"
    assert client.get("/child/403").text == "child 403"
    assert client.get("/sibling/403").text == "parent 403"
    assert client.get("/sibling/409").text == "app 409"
    assert client.get("/child/value").text == "parent ValueError"


def test_url_defaults_and_context_processors_of_all_levels(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__, url_prefix="/<lang>")
    child = flask.Blueprint("child", __name__, url_prefix="/<page>")

    parent.url_defaults(lambda e, v: v.setdefault("lang", "en"))
    child.url_defaults(lambda e, v: v.setdefault("page", "first"))
    parent.context_processor(lambda: {"who": "parent", "parent": 1})
    child.context_processor(lambda: {"who": "child"})
    app.context_processor(lambda: {"who": "app", "app": 2})
    child.add_url_rule(
        "/",
        "index",
        lambda lang, page: flask.render_template_string("{{ who }} {{ parent }} {{ app }}") + flask.url_for(".index"),
    )
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    app.add_url_rule("/", "top", lambda: flask.url_for("parent.child.index"))
    client = app.test_client()
    assert client.get("/de/x/").text == "child 1 2/en/first/"
    assert client.get("/").text == "/en/first/"


def test_nested_url_defaults_of_a_registration_are_the_childs(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__, url_defaults={"a": 1})
    child = flask.Blueprint("child", __name__, url_defaults={"b": 2})
    child.add_url_rule("/c", "c", lambda **values: values)
    parent.add_url_rule("/p", "p", lambda **values: values)
    parent.register_blueprint(child, url_defaults={"c": 3})
    app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/p").json == {"a": 1}
    assert client.get("/c").json == {"b": 2, "c": 3}


def test_a_childs_record_sees_the_whole_prefix(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__, url_prefix="/p")
    child = flask.Blueprint("child", __name__, url_prefix="/c")
    seen: list[Any] = []
    child.record(lambda s: seen.append((s.url_prefix, s.name_prefix, s.name, s.subdomain, sorted(s.options))))
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    assert seen == [("/p/c", "parent", "child", None, ["name_prefix", "url_prefix"])]


def test_app_wide_hooks_of_a_child_are_recorded_once(flask: Any) -> None:
    app = flask.Flask(__name__)
    parent = flask.Blueprint("parent", __name__)
    child = flask.Blueprint("child", __name__)
    calls: list[str] = []
    child.before_app_request(lambda: calls.append("x"))
    child.before_request(lambda: calls.append("y"))
    child.add_url_rule("/", "index", lambda: "")
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    app.register_blueprint(parent, name="again", url_prefix="/again")
    app.test_client().get("/")
    assert calls == ["x", "y"]
    calls.clear()
    app.test_client().get("/again/")
    assert calls == ["x", "y"]


def test_a_child_registered_again_merges_its_hooks_under_each_name(flask: Any) -> None:
    app = flask.Flask(__name__)
    bp = flask.Blueprint("bp", __name__)
    bp.before_request(lambda: None)
    bp.register_error_handler(404, lambda e: "")
    app.register_blueprint(bp)
    app.register_blueprint(bp, name="two")
    assert len(app.before_request_funcs["bp"]) == 1
    assert len(app.before_request_funcs["two"]) == 1
    assert set(app.error_handler_spec["two"]) == {404}
