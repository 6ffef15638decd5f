"""Templates: what they know, how they are found, and how they are rendered."""

from __future__ import annotations

import collections
from typing import Any

import jinja2
import pytest
from markupsafe import Markup, escape

FILES = {
    "context_template.html": "<p>{{ value }}|{{ injected_value }}",
    "simple_template.html": "<h1>{{ whiskey }}</h1>",
    "escaping_template.html": "{{ text }}\n{{ html }}\n{% autoescape false %}{{ text }}\n{{ html }}"
    "{% endautoescape %}\n{% autoescape true %}{{ text }}\n{{ html }}{% endautoescape %}",
    "non_escaping_template.txt": "{{ text }}\n{{ html }}\n"
    "{% autoescape false %}{{ text }}\n{{ html }}{% endautoescape %}",
    "mail.txt": "{{ foo }} Mail",
    "_macro.html": "{% macro hello(name) %}Hello {{ name }}!{% endmacro %}"
    "{% macro where() %}{{ request.path if request else 'none' }} {{ g.x }} {{ injected }}{% endmacro %}",
    "import_plain.html": '{% from "_macro.html" import hello, where %}{{ hello("a") }}{{ where() }}',
    "import_with.html": '{% from "_macro.html" import where with context %}{{ where() }}',
    "template_filter.html": "{{ value|super_reverse }}",
    "template_test.html": "{% if value is boolean %}Success!{% endif %}",
    "base.html": "[{% block body %}{% endblock %}]",
    "child.html": '{% extends "base.html" %}{% block body %}{{ x }}{% include "mail.txt" %}{% endblock %}',
    "nested/nested.txt": "I'm nested",
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


def test_context_processors_add_values_and_the_view_wins(app: Any, flask: Any) -> None:
    @app.context_processor
    def context_processor() -> Any:
        return {"injected_value": 42}

    app.add_url_rule("/", "index", lambda: flask.render_template("context_template.html", value=23))
    app.add_url_rule("/o", "o", lambda: flask.render_template("context_template.html", value=23, injected_value="view"))
    client = app.test_client()
    assert client.get("/").data == b"<p>23|42"
    assert client.get("/o").data == b"<p>23|view"


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


def test_the_standard_names_are_known(app: Any, flask: Any) -> None:
    app.config["X"] = "setting"

    @app.route("/")
    def index() -> Any:
        flask.g.foo = "in g"
        flask.session["s"] = "in session"
        flask.flash("flashed")
        return flask.render_template_string(
            "{{ request.args.foo }} {{ g.foo }} {{ config.X }} {{ session.s }} {{ get_flashed_messages() }} "
            "{{ url_for('index') }} {{ config['TESTING'] }}"
        )

    assert app.test_client().get("/?foo=42").data == (b"42 in g setting in session [&#39;flashed&#39;] / True")


def test_without_a_request_some_are_left(app: Any, flask: Any) -> None:
    with app.app_context():
        flask.g.x = 1
        assert flask.render_template_string("{{ g.x }}{{ config.TESTING }}{{ x }}", x=2) == "1True2"
        assert flask.render_template("mail.txt", foo="Hi") == "Hi Mail"
        assert flask.render_template_string("{{ 'r' if request else 'none' }}") == "none"
    with pytest.raises(RuntimeError):
        flask.render_template("mail.txt")


def test_processors_run_outside_of_a_request_too(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"foo": "bar"})
    with app.app_context():
        assert flask.render_template("mail.txt") == "bar Mail"


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


def test_autoescape_can_be_switched_in_a_template(app: Any, flask: Any) -> None:
    text = "<p>Hello World!"
    with app.test_request_context():
        lines = flask.render_template("escaping_template.html", text=text, html=Markup(text)).splitlines()
        assert lines == ["&lt;p&gt;Hello World!", text, text, text, "&lt;p&gt;Hello World!", text]
        lines = flask.render_template("non_escaping_template.txt", text=text, html=Markup(text)).splitlines()
        assert lines == [text] * 4


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


def test_of_a_list_the_first_that_exists_is_taken(app: Any, flask: Any) -> None:
    with app.test_request_context():
        assert flask.render_template(["no_template.xml", "simple_template.html"], whiskey="W") == "<h1>W</h1>"
        assert flask.render_template(("simple_template.html", "mail.txt"), whiskey="W") == "<h1>W</h1>"
        template = app.jinja_env.from_string("own {{ x }}")
        assert flask.render_template(template, x=1) == "own 1"
        assert flask.render_template([template]) == "own "
        with pytest.raises(jinja2.TemplatesNotFound):
            flask.render_template(["a", "b"])
        with pytest.raises(jinja2.TemplateNotFound) as found:
            flask.render_template("missing.html")
        assert found.value.name == "missing.html"
        assert "missing.html" in str(found.value)


def test_macros_see_globals_always_and_the_context_when_imported_with_it(app: Any, flask: Any) -> None:
    app.context_processor(lambda: {"injected": "yes"})
    with app.test_request_context("/p"):
        flask.g.x = "gx"
        assert flask.render_template("import_plain.html") == "Hello a!/p gx "
        assert flask.render_template("import_with.html") == "/p gx yes"


def test_inheritance_and_includes_see_the_values(app: Any, flask: Any) -> None:
    with app.app_context():
        assert flask.render_template("child.html", x="1", foo="F") == "[1F Mail]"


# Filters, tests, globals.


def reverse(text: str) -> str:
    return text[::-1]


@pytest.mark.parametrize("scope", ["app", "blueprint"])
@pytest.mark.parametrize("kind", ["filter", "test", "global"])
def test_helpers_of_templates_are_registered_in_every_form(app: Any, flask: Any, scope: str, kind: str) -> None:
    place = app if scope == "app" else flask.Blueprint("bp", __name__)
    prefix = "" if scope == "app" else "app_"
    decorator = getattr(place, f"{prefix}template_{kind}")
    add = getattr(place, f"add_{prefix}template_{kind}")

    @decorator()
    def called(value: Any) -> Any:
        return value == 5

    @decorator("named")
    def other(value: Any) -> Any:
        return value == 5

    @decorator(name="keyword")
    def another(value: Any) -> Any:
        return value == 5

    add(lambda value: value == 5, "added")
    add(called, name="added_by_name")
    add(reverse)
    if scope == "blueprint":
        app.register_blueprint(place)
    table = {"filter": app.jinja_env.filters, "test": app.jinja_env.tests, "global": app.jinja_env.globals}[kind]
    text = {"filter": "{{{{ 5|{} }}}}", "test": "{{{{ 5 is {} }}}}", "global": "{{{{ {}(5) }}}}"}[kind]
    with app.app_context():
        for name in ("called", "named", "keyword", "added", "added_by_name"):
            assert name in table
            assert flask.render_template_string(text.format(name)) == "True"
    assert table["reverse"] is reverse
    assert table["called"] is called
    assert called(5) is True
    assert "other" not in table


# Streams.


def test_a_template_is_streamed(app: Any, flask: Any) -> None:
    @app.get("/")
    def index() -> Any:
        return flask.stream_template_string("{{ request.args.x }}{% for i in range(3) %}{{ i }}{% endfor %}{{ g.y }}")

    @app.get("/file")
    def file() -> Any:
        flask.g.y = 1
        return flask.stream_template(["nope", "mail.txt"], foo=flask.request.path)

    client = app.test_client()
    assert client.get("/?x=a").data == b"a012"
    assert client.get("/file").data == b"/file Mail"
    with app.app_context():
        stream = flask.stream_template("mail.txt", foo="F")
        assert "".join(stream) == "F Mail"
        assert next(flask.stream_template_string("{{ config.TESTING }}")) == "True"


def test_the_request_and_session_are_there_while_it_streams(app: Any, flask: Any) -> None:
    @app.get("/")
    def index() -> Any:
        flask.session["x"] = "s"
        return flask.stream_template_string("{{ session.x }}{{ request.path }}{{ url_for('index') }}{{ inj }}")

    app.context_processor(lambda: {"inj": flask.request.method})
    assert app.test_client().get("/").data == b"s//GET"


# Signals.


def test_signals_tell_of_rendering(app: Any, flask: Any) -> None:
    log: list[Any] = []

    def before(sender: Any, template: Any, context: Any, **extra: Any) -> None:
        context["whiskey"] = 43
        log.append(("before", sender, template.name))

    def after(sender: Any, template: Any, context: Any, **extra: Any) -> None:
        log.append(("after", sender, template.name, context["whiskey"]))

    app.add_url_rule("/", "index", lambda: flask.render_template("simple_template.html", whiskey=42))
    app.add_url_rule("/s", "s", lambda: flask.stream_template("simple_template.html", whiskey=42))
    with flask.before_render_template.connected_to(before, app), flask.template_rendered.connected_to(after, app):
        for url in ("/", "/s"):
            assert app.test_client().get(url).data == b"<h1>43</h1>"
            assert log == [
                ("before", app, "simple_template.html"),
                ("after", app, "simple_template.html", 43),
            ]
            log.clear()


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
