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


# A museum: the house is the application, a wing and its rooms are blueprints.


@pytest.mark.parametrize("wing_at", ["declared", "registered", None])
@pytest.mark.parametrize("room_at", ["declared", "registered", None])
def test_the_subdomain_of_a_child_stands_before_that_of_its_parent(flask: Any, wing_at: Any, room_at: Any) -> None:
    app = flask.Flask("museum", subdomain_matching=True)
    app.config["SERVER_NAME"] = "museum.example"

    def options(place: Any, when: str, subdomain: str) -> dict[str, str]:
        """What is declared gives way to what is said at the registration."""
        if place == "declared":
            return {"subdomain": subdomain} if when == "declared" else {}
        if place == "registered":
            return {"subdomain": "closed" if when == "declared" else subdomain}
        return {}

    wing = flask.Blueprint("wing", __name__, **options(wing_at, "declared", "east"))
    room = flask.Blueprint("room", __name__, **options(room_at, "declared", "vases"))
    room.add_url_rule("/hours", "hours", lambda: "ten to six")
    wing.register_blueprint(room, **options(room_at, "registered", "vases"))
    app.register_blueprint(wing, **options(wing_at, "registered", "east"))
    host = ".".join([*(["vases"] if room_at else []), *(["east"] if wing_at else []), "museum.example"])
    with app.test_request_context(base_url="http://museum.example"):
        assert flask.url_for("wing.room.hours", _external=True) == f"http://{host}/hours"
    assert app.test_client().get("/hours", base_url=f"http://{host}").text == "ten to six"
    assert app.test_client().get("/hours", base_url="http://closed.museum.example").status_code == 404


def test_a_room_in_two_places_of_a_wing_needs_two_names(flask: Any) -> None:
    def wing_with(**second: Any) -> tuple[Any, Any]:
        app, wing = flask.Flask("museum"), flask.Blueprint("wing", __name__)
        room = flask.Blueprint("room", __name__)
        room.add_url_rule("/exit", "exit", lambda: flask.url_for(".exit"))
        wing.register_blueprint(room, url_prefix="/ground")
        wing.register_blueprint(room, url_prefix="/upper", **second)
        return app, wing

    app, wing = wing_with()
    with pytest.raises(ValueError, match=r"'(wing\.)?room' is already registered"):
        app.register_blueprint(wing)
    app, wing = wing_with(name="gallery")
    app.register_blueprint(wing, name="west", url_prefix="/west")
    assert sorted(app.blueprints) == ["west", "west.gallery", "west.room"]
    client = app.test_client()
    for path in ("/west/ground/exit", "/west/upper/exit"):
        assert client.get(path).text == path


def test_a_request_enters_through_the_house_and_leaves_the_same_way(flask: Any) -> None:
    """What a level opens, it closes: the walk is the same read backwards."""
    walk: list[tuple[str, str, int]] = []
    app = flask.Flask("museum")
    levels = [app, *(flask.Blueprint(name, __name__) for name in ("wing", "room", "cabinet"))]
    for level in levels:
        for guard in range(3):
            step = (level.name, guard)
            level.before_request(lambda step=step: walk.append(("in", *step)))
            level.after_request(lambda response, step=step: walk.append(("out", *step)) or response)
            level.teardown_request(lambda error, step=step: walk.append(("lights", *step)))
    levels[-1].add_url_rule("/coins", "coins", lambda: "a Roman denarius")
    for outer, inner in zip(levels[-2::-1], levels[:0:-1], strict=True):
        outer.register_blueprint(inner)
    assert app.test_client().get("/coins").text == "a Roman denarius"
    way_in = [(level.name, guard) for level in levels for guard in range(3)]
    assert [step[1:] for step in walk if step[0] == "in"] == way_in
    outs = [step[1:] for step in walk if step[0] == "out"]
    lights = [step[1:] for step in walk if step[0] == "lights"]
    assert outs == lights
    inner_first = [name for name, guard in outs if guard == 0]
    assert inner_first == ["cabinet", "room", "wing", "museum"]
    assert all([guard for name, guard in outs if name == level] == [2, 1, 0] for level in inner_first)
    assert [step[0] for step in walk] == ["in"] * 12 + ["out"] * 12 + ["lights"] * 12


def test_hooks_for_the_whole_application_are_hooks_of_the_house_wherever_they_stand(flask: Any) -> None:
    app, wing, room = flask.Flask("museum"), flask.Blueprint("wing", __name__), flask.Blueprint("room", __name__)
    walk: list[str] = []
    room.before_request(lambda: walk.append("room"))
    room.before_app_request(lambda: walk.append("house, said by the room"))
    wing.before_app_request(lambda: walk.append("house, said by the wing"))
    room.add_url_rule("/coins", "coins", lambda: "")
    wing.register_blueprint(room)
    app.register_blueprint(wing)
    app.add_url_rule("/shop", "shop", lambda: "")
    app.test_client().get("/shop")
    assert sorted(walk) == ["house, said by the room", "house, said by the wing"]
    walk.clear()
    app.test_client().get("/coins")
    assert walk[-1] == "room"


@pytest.mark.parametrize(
    ("handled_by", "answered_by"),
    [
        ({"cabinet", "room", "wing", "museum"}, "cabinet"),
        ({"room", "museum"}, "room"),
        ({"wing", "museum"}, "wing"),
        ({"wing"}, "wing"),
        ({"museum"}, "museum"),
    ],
)
@pytest.mark.parametrize("registered", [451, TimeoutError])
def test_an_error_goes_to_the_innermost_level_that_handles_it(
    flask: Any, handled_by: set[str], answered_by: str, registered: Any
) -> None:
    app = flask.Flask("museum")
    levels = [app, *(flask.Blueprint(name, __name__) for name in ("wing", "room", "cabinet"))]
    for level in levels:
        if level.name in handled_by:
            level.register_error_handler(registered, lambda error, name=level.name: name)

    @levels[-1].get("/loan")
    def loan() -> None:
        if registered == 451:
            flask.abort(451)
        raise TimeoutError

    for outer, inner in zip(levels[-2::-1], levels[:0:-1], strict=True):
        outer.register_blueprint(inner)
    assert app.test_client().get("/loan").text == answered_by
