"""Templates: what they know, how they are found, and how they are rendered."""

from __future__ import annotations

import collections
from typing import Any

import jinja2
import pytest
from markupsafe import Markup, escape

FILES = {
    "page.html": "<b>{{ beaker }}</b> {{ shelf }}",
    "note.txt": "{{ beaker }} is empty",
    "parts.html": "{% macro label(name) %}[{{ name }}]{% endmacro %}"
    "{% macro here() %}{{ request.path if request else 'nowhere' }} {{ g.shelf }} {{ season }}{% endmacro %}",
    "alone.html": '{% from "parts.html" import label, here %}{{ label("a") }}{{ here() }}',
    "together.html": '{% from "parts.html" import here with context %}{{ here() }}',
    "frame.html": "({% block middle %}{% endblock %})",
    "framed.html": '{% extends "frame.html" %}{% block middle %}{{ shelf }}: {% include "note.txt" %}{% endblock %}',
    "below/deep.txt": "deep down",
}


def fill(folder: Any, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def app(flask: Any, tmp_path: Any) -> Any:
    fill(tmp_path / "templates", FILES)
    app = flask.Flask("alias_app", root_path=str(tmp_path))
    app.config.update(TESTING=True, SECRET_KEY="k")
    return app


def test_what_a_processor_adds_is_known_and_what_the_view_gives_goes_before_it(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"shelf": "upper"})
    with app.app_context():
        assert flask.render_template("page.html", beaker="B1") == "<b>B1</b> upper"
        assert flask.render_template("page.html", beaker="B1", shelf="lower") == "<b>B1</b> lower"


def test_a_processor_may_return_any_mapping_or_pairs(app: Any, flask: Any) -> None:
    app.context_processor(lambda: collections.ChainMap({"a": 1}))
    app.context_processor(lambda: [("b", 2)])
    with app.app_context():
        assert flask.render_template_string("{{ a }}{{ b }}") == "12"
    app.context_processor(lambda: None)
    with app.app_context(), pytest.raises(TypeError):
        flask.render_template_string("{{ a }}")


def test_later_processors_and_those_of_blueprints_win(app: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__, url_prefix="/bp")
    inner = flask.Blueprint("inner", __name__, url_prefix="/inner")
    app.context_processor(lambda: {"a": "app", "b": "app", "c": "app"})
    app.context_processor(lambda: {"a": "app2"})
    bp.context_processor(lambda: {"b": "bp", "c": "bp"})
    inner.context_processor(lambda: {"c": "inner"})
    bp.app_context_processor(lambda: {"d": "app from bp"})
    text = "{{ a }} {{ b }} {{ c }} {{ d }}"
    for place in (app, bp, inner):
        place.add_url_rule("/", "index", lambda: flask.render_template_string(text))
    bp.register_blueprint(inner)
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/").data == b"app2 app app app from bp"
    assert client.get("/bp/").data == b"app2 bp bp app from bp"
    assert client.get("/bp/inner/").data == b"app2 bp inner app from bp"


def test_processors_given_for_a_name_by_hand_count(app: Any, flask: Any) -> None:
    app.template_context_processors[None].append(lambda: {"x": 1})
    app.template_context_processors["bp"].append(lambda: {"y": 2})
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/bp", "i", lambda: flask.render_template_string("{{ x }}{{ y }}"))
    app.register_blueprint(bp)
    assert app.test_client().get("/bp").data == b"12"


def test_update_template_context_keeps_what_is_given(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"a": 1, "b": 2})
    with app.test_request_context("/p"):
        context = {"b": "mine", "request": "own"}
        app.update_template_context(context)
        assert (context["a"], context["b"], context["request"]) == (1, "mine", "own")
        assert context["g"] is flask.g._get_current_object()


def test_a_template_knows_what_belongs_to_request_and_application(app: Any, flask: Any) -> None:
    app.config["LAB"] = "east"

    def show() -> Any:
        flask.g.shelf = "upper"
        flask.session["guest"] = "ada"
        flask.flash("washed")
        return flask.render_template_string(
            "{{ config.LAB }}, {{ g.shelf }}, {{ session.guest }}, {{ request.method }} {{ url_for('show') }}, "
            "{{ get_flashed_messages() | join }}"
        )

    app.add_url_rule("/show", "show", show)
    assert app.test_client().get("/show").text == "east, upper, ada, GET /show, washed"


def test_outside_of_a_request_a_template_has_what_the_application_has(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"beaker": "each"})
    with app.app_context():
        flask.g.shelf = "upper"
        assert flask.render_template("note.txt") == "each is empty"
        assert flask.render_template_string("{{ g.shelf }}{{ ' of ' + request.path if request }}") == "upper"
    with pytest.raises(RuntimeError):
        flask.render_template("note.txt")


@pytest.mark.parametrize("value", ["<b>&\"'", Markup("<b>")])
def test_escaping_depends_on_the_suffix(app: Any, flask: Any, value: Any) -> None:
    with app.test_request_context():
        for suffix in (".html", ".htm", ".xml", ".xhtml", ".svg", ".txt", ".js", ".HTML", ".html.j2", ""):
            fill_name = f"t{suffix}"
            with open(f"{app.root_path}/templates/{fill_name}", "w") as file:
                file.write("{{ x }}")
            escaped = suffix in (".html", ".htm", ".xml", ".xhtml", ".svg")
            assert flask.render_template(fill_name, x=value) == (str(escape(value)) if escaped else str(value))
        assert flask.render_template_string("{{ x }}", x=value) == str(escape(value))
        assert app.select_jinja_autoescape("a.html") is True
        assert app.select_jinja_autoescape("a.txt") is False
        assert app.select_jinja_autoescape(None) is True


def test_an_overridden_select_jinja_autoescape_counts(flask: Any, tmp_path: Any) -> None:
    class App(flask.Flask):
        def select_jinja_autoescape(self, filename: Any) -> bool:
            return filename is not None and filename.endswith(".txt")

    fill(tmp_path / "templates", {"a.txt": "{{ x }}", "a.html": "{{ x }}"})
    app = App("x", root_path=str(tmp_path))
    with app.app_context():
        assert flask.render_template("a.txt", x="<") == "&lt;"
        assert flask.render_template("a.html", x="<") == "<"
        assert flask.render_template_string("{{ x }}", x="<") == "<"


def test_the_first_template_that_exists_is_taken(app: Any, flask: Any) -> None:
    made = app.jinja_env.from_string("made of {{ beaker }}")
    with app.app_context():
        for wanted in (["lost.txt", "note.txt"], ("note.txt", "page.html")):
            assert flask.render_template(wanted, beaker="B2") == "B2 is empty"
        for wanted in (made, [made]):
            assert flask.render_template(wanted, beaker="glass") == "made of glass"
        with pytest.raises(jinja2.TemplatesNotFound):
            flask.render_template(["lost.txt", "gone.txt"])
        with pytest.raises(jinja2.TemplateNotFound) as caught:
            flask.render_template("lost.txt")
    assert caught.value.name == "lost.txt"


def test_an_imported_macro_knows_the_proxies_and_with_context_the_values_too(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"season": "winter"})
    with app.test_request_context("/lab"):
        flask.g.shelf = "upper"
        assert flask.render_template("alone.html") == "[a]/lab upper "
        assert flask.render_template("together.html") == "/lab upper winter"


def test_blocks_and_included_templates_have_the_values(app: Any, flask: Any) -> None:
    with app.app_context():
        assert flask.render_template("framed.html", shelf="upper", beaker="B3") == "(upper: B3 is empty)"
        assert flask.render_template("below/deep.txt") == "deep down"


# Filters, tests, globals.


FORMS = {"filter": "{{% if 5 | {} %}}", "test": "{{% if 5 is {} %}}", "global": "{{% if {}(5) %}}"}


@pytest.mark.parametrize("place", ["application", "blueprint"])
@pytest.mark.parametrize("kind", ["filter", "test", "global"])
def test_what_templates_may_call_is_registered_with_or_without_a_name(
    app: Any, flask: Any, place: str, kind: str
) -> None:
    def acid(value: float) -> bool:
        return value < 7

    shelf = flask.Blueprint("shelf", __name__)
    owner, prefix = (app, "") if place == "application" else (shelf, "app_")
    decorate = getattr(owner, f"{prefix}template_{kind}")
    add = getattr(owner, f"add_{prefix}template_{kind}")
    assert decorate()(acid) is acid
    assert decorate("sour")(acid) is acid
    assert decorate(name="low_ph")(acid) is acid
    add(acid, "below_seven")
    add(acid, name="not_basic")
    add(float)
    app.register_blueprint(shelf)
    table = getattr(app.jinja_env, f"{kind}s")
    assert table["float"] is float
    with app.app_context():
        for name in ("acid", "sour", "low_ph", "below_seven", "not_basic"):
            assert table[name] is acid
            assert flask.render_template_string(FORMS[kind].format(name) + "wear gloves{% endif %}") == "wear gloves"


# Streams.


def test_a_template_may_be_sent_in_pieces(app: Any, flask: Any) -> None:
    counted = "{% for number in numbers %}{{ number }},{% endfor %}{{ request.args.last }}"
    app.add_url_rule("/text", "text", lambda: flask.stream_template_string(counted, numbers=[4, 5]))
    app.add_url_rule("/file", "file", lambda: flask.stream_template(["lost.txt", "note.txt"], beaker="B4"))
    client = app.test_client()
    assert client.get("/text?last=6").text == "4,5,6"
    assert client.get("/file").text == "B4 is empty"
    with app.app_context():
        assert "".join(flask.stream_template("note.txt", beaker="B5")) == "B5 is empty"


def test_a_streamed_template_still_has_its_request_and_session(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"asked_by": flask.request.method})

    @app.post("/labels/<beaker>")
    def label(beaker: str) -> Any:
        flask.session["chemist"] = "marie"
        return flask.stream_template_string(
            "{{ beaker }} of {{ session.chemist }}, {{ asked_by }} {{ url_for('label', beaker='B9') }}", beaker=beaker
        )

    assert app.test_client().post("/labels/B8").text == "B8 of marie, POST /labels/B9"


# Signals.


@pytest.mark.parametrize("way", ["render_template", "stream_template"])
def test_a_receiver_before_the_rendering_may_change_the_values(app: Any, flask: Any, way: str) -> None:
    told: list[Any] = []

    def fill_up(sender: Any, template: Any, context: Any, **more: Any) -> None:
        told.append(("to be rendered", sender, template.name, context["beaker"]))
        context["beaker"] = "full"

    def look(sender: Any, template: Any, context: Any, **more: Any) -> None:
        told.append(("rendered", sender, template.name, context["beaker"]))

    app.add_url_rule("/", "page", lambda: getattr(flask, way)("page.html", beaker="half"))
    with flask.before_render_template.connected_to(fill_up, app), flask.template_rendered.connected_to(look, app):
        assert app.test_client().get("/").text == "<b>full</b> "
    assert told == [("to be rendered", app, "page.html", "half"), ("rendered", app, "page.html", "full")]


def test_the_context_of_the_signal_has_the_standard_names(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    def note(sender: Any, template: Any, context: Any, **extra: Any) -> None:
        seen.append(sorted(context))

    with flask.template_rendered.connected_to(note, app):
        with app.test_request_context():
            flask.render_template_string("x", a=1)
        with app.app_context():
            flask.render_template_string("x", a=1)
    assert seen == [["a", "g", "request"], ["a", "g"]]
