"""Templates are rendered: their values, what every template knows, escaping, streams and signals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import jinja2
import pytest

from erlen import (
    Blueprint,
    Erlen,
    before_render_template,
    flash,
    g,
    get_template_attribute,
    render_template,
    render_template_string,
    request,
    session,
    stream_template,
    stream_template_string,
    template_rendered,
)
from erlen.templating import Environment


@pytest.fixture
def folder(app: Erlen, tmp_path: Path) -> Path:
    """The folder of the application's templates."""
    folder = tmp_path / "templates"
    folder.mkdir()
    return folder


def test_a_template_is_rendered_with_its_values(app: Erlen, folder: Path) -> None:
    (folder / "hello.html").write_text("Hello {{ name }}!")
    app.add_url_rule("/<name>", "hello", lambda name: render_template("hello.html", name=name))
    assert app.test_client().get("/Ada").text == "Hello Ada!"


def test_a_template_may_be_given_as_text(app: Erlen) -> None:
    with app.app_context():
        assert render_template_string("{{ a }}{{ b }}", a=1, b="<b>") == "1&lt;b&gt;"


def test_templates_extend_and_include_each_other(app: Erlen, folder: Path) -> None:
    (folder / "base.html").write_text("<{% block body %}{% endblock %}>")
    (folder / "page.html").write_text(
        "{% extends 'base.html' %}{% block body %}{% include 'part.html' %}{% endblock %}"
    )
    (folder / "part.html").write_text("part of {{ request.path }}")
    with app.test_request_context("/x"):
        assert render_template("page.html") == "<part of /x>"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a.html", True), ("a.htm", True), ("a.xml", True), ("a.xhtml", True), ("a.svg", True), ("a.txt", False),
        ("a.js", False), ("a.html.txt", False), ("html", False), (None, True),
    ],
)  # fmt: skip
def test_values_are_escaped_by_the_name_of_the_template(
    app: Erlen, folder: Path, name: str | None, escaped: bool
) -> None:
    expected = "&lt;b&gt;" if escaped else "<b>"
    assert app.select_jinja_autoescape(name) is escaped
    with app.app_context():
        if name is None:
            assert render_template_string("{{ x }}", x="<b>") == expected
        else:
            (folder / name).write_text("{{ x }}")
            assert render_template(name, x="<b>") == expected


def test_escaping_is_turned_off_for_a_value_or_a_block(app: Erlen) -> None:
    with app.app_context():
        text = "{{ x|safe }}{% autoescape false %}{{ x }}{% endautoescape %}{{ x }}"
        assert render_template_string(text, x="<b>") == "<b><b>&lt;b&gt;"


def test_a_subclass_may_choose_what_is_escaped(tmp_path: Path) -> None:
    class Own(Erlen):
        def select_jinja_autoescape(self, filename: str | None) -> bool:
            return filename is not None and (filename.endswith(".tpl") or super().select_jinja_autoescape(filename))

    app = Own("own", root_path=str(tmp_path))
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.tpl").write_text("{{ x }}")
    (tmp_path / "templates" / "a.html").write_text("{{ x }}")
    with app.app_context():
        assert render_template("a.tpl", x="<") == "&lt;"
        assert render_template("a.html", x="<") == "&lt;"
        assert render_template_string("{{ x }}", x="<") == "<"


def test_json_in_a_template_is_safe_in_scripts_and_written_by_the_applications_provider(app: Erlen) -> None:
    with app.app_context():
        found = render_template_string("<script>{{ x|tojson }}</script>", x={"a": "</script>&'"})
        assert "</script>" not in found.removesuffix("</script>")
        assert app.json.loads(found.removeprefix("<script>").removesuffix("</script>")) == {"a": "</script>&'"}


def test_every_template_knows_the_usual_names(app: Erlen, folder: Path) -> None:
    (folder / "macros.html").write_text(
        "{% macro show() %}{{ config.NAME }} {{ request.path }} {{ session.user }} {{ g.color }} "
        "{{ url_for('index') }} {{ get_flashed_messages() }}{% endmacro %}"
    )
    (folder / "page.html").write_text("{% import 'macros.html' as macros %}{{ macros.show() }}")
    app.config["NAME"] = "shop"
    app.add_url_rule("/", "index", str)
    with app.test_request_context("/path"):
        session["user"] = "Ada"
        g.color = "red"
        flash("hi")
        expected = "shop /path Ada red / [&#39;hi&#39;]"
        # Imported macros do not see the values of the template, and know these names all the same.
        assert render_template("page.html") == expected


def test_outside_of_a_request_there_is_g_and_no_request(app: Erlen) -> None:
    with app.app_context():
        g.color = "red"
        assert render_template_string("{{ g.color }}{{ config.TESTING }}{{ 1 if request else 0 }}") == "redTrue0"


def test_rendering_needs_an_application(app: Erlen) -> None:
    for function in (render_template, render_template_string, stream_template, stream_template_string):
        with pytest.raises(RuntimeError, match=f"outside of application context.\n'{function.__name__}'"):
            function("x")
    with pytest.raises(RuntimeError, match="'get_template_attribute'"):
        get_template_attribute("x", "y")


def test_a_template_that_needs_a_request_is_named_with_its_line(app: Erlen, folder: Path) -> None:
    (folder / "page.html").write_text("\n\n{{ request.path }}")
    with app.app_context(), pytest.raises(RuntimeError, match=r"'request' was used \(.*page\.html:3\)"):
        render_template("page.html")
    with app.app_context(), pytest.raises(RuntimeError, match=r"'request' was used \(.*test_rendering\.py:\d+\)"):
        render_template_string("{{ request.path }}")


def test_context_processors_add_values_and_those_of_the_view_win(app: Erlen, folder: Path) -> None:
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    app.context_processor(lambda: {"a": "app", "b": "app", "c": "app", "g": "shadowed"})
    outer.context_processor(lambda: {"b": "outer", "c": "outer"})

    @inner.context_processor
    async def values() -> dict[str, Any]:
        return {"c": "inner"}

    for owner in (app, outer, inner):
        owner.add_url_rule("/", "page", lambda: render_template_string("{{ a }} {{ b }} {{ c }} {{ d }}", d=1))
        owner.add_url_rule("/own", "own", lambda: render_template_string("{{ a }} {{ b }}", a="view"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    client = app.test_client()
    assert client.get("/").text == "app app app 1"
    assert client.get("/outer/").text == "app outer outer 1"
    assert client.get("/outer/inner/").text == "app outer inner 1"
    assert client.get("/own").text == "view app"
    with app.app_context():
        assert render_template_string("{{ a }} {{ g }}") == "app shadowed"


def test_a_blueprint_adds_values_for_the_whole_application(app: Erlen) -> None:
    blueprint = Blueprint("b", __name__)
    blueprint.app_context_processor(lambda: {"a": "everywhere"})
    app.register_blueprint(blueprint)
    with app.app_context():
        assert render_template_string("{{ a }}") == "everywhere"


def test_a_view_may_call_update_template_context_itself(app: Erlen) -> None:
    app.context_processor(lambda: {"a": 1, "b": 1})
    with app.test_request_context("/x"):
        values: dict[str, Any] = {"a": 2}
        app.update_template_context(values)
        assert values["a"] == 2
        assert values["b"] == 1
        assert values["request"].path == "/x"
        assert values["g"] is g._get_current_object()  # type: ignore[attr-defined]


def test_the_first_of_several_templates_that_exists_is_taken(app: Erlen, folder: Path) -> None:
    (folder / "b.html").write_text("b")
    (folder / "c.html").write_text("c")
    with app.app_context():
        assert render_template(["a.html", "b.html", "c.html"]) == "b"
        assert render_template(app.jinja_env.from_string("{{ x }}"), x=1) == "1"
        assert render_template([app.jinja_env.from_string("object")]) == "object"


def test_a_macro_can_be_called_from_python(app: Erlen, folder: Path) -> None:
    (folder / "macros.html").write_text("{% macro hello(name) %}Hello {{ name }}!{% endmacro %}{% set answer = 42 %}")
    with app.app_context():
        assert get_template_attribute("macros.html", "hello")("<Ada>") == "Hello &lt;Ada&gt;!"
        assert get_template_attribute("macros.html", "answer") == 42
        with pytest.raises(AttributeError):
            get_template_attribute("macros.html", "missing")


# Streams.


def test_a_template_is_streamed_and_the_request_stays_until_its_end(app: Erlen, folder: Path) -> None:
    (folder / "list.html").write_text("{% for n in numbers %}{{ n }} {{ request.path }} {{ g.x }};{% endfor %}")
    events: list[str] = []
    app.teardown_request(lambda error: events.append("teardown"))

    def numbers() -> Iterator[int]:
        for number in range(3):
            events.append(f"number {number}")
            yield number

    @app.get("/file")
    def file() -> Any:
        g.x = "g"
        return stream_template("list.html", numbers=numbers())

    @app.get("/string")
    def string() -> Any:
        return stream_template_string("{{ a }}{{ request.path }}", a="<")

    answer = app.test_client().get("/file")
    assert "teardown" not in events
    assert answer.text == "".join(f"{number} /file g;" for number in range(3))
    assert events == ["number 0", "number 1", "number 2", "teardown"]
    assert app.test_client().get("/string").text == "&lt;/string"


def test_a_template_is_streamed_outside_of_a_request_too(app: Erlen) -> None:
    with app.app_context():
        pieces = stream_template_string("{{ a }}{{ b }}", a=1, b=2)
        assert iter(pieces) is pieces
        assert "".join(pieces) == "12"


# Signals.


def test_signals_are_sent_before_and_after_rendering(app: Erlen, folder: Path) -> None:
    (folder / "a.html").write_text("{{ a }}{{ added }}")
    seen: list[Any] = []

    def before(sender: Any, template: Any, context: dict[str, Any]) -> None:
        seen.append(("before", sender, template.name, context["a"]))
        context["added"] = "!"

    async def after(sender: Any, template: Any, context: dict[str, Any]) -> None:
        seen.append(("after", sender, template.name, context["a"]))

    with (
        before_render_template.connected_to(before, app),
        template_rendered.connected_to(after, app),
        app.test_request_context(),
    ):
        assert render_template("a.html", a=1) == "1!"
        assert seen == [("before", app, "a.html", 1), ("after", app, "a.html", 1)]
        seen.clear()
        stream = stream_template("a.html", a=2)
        assert [event[0] for event in seen] == ["before"]
        assert "".join(stream) == "2!"
        assert [event[0] for event in seen] == ["before", "after"]
        seen.clear()
        render_template_string("{{ a }}", a=3)
        assert seen == [("before", app, None, 3), ("after", app, None, 3)]


# Filters, tests and globals.


@pytest.mark.parametrize("owner", ["application", "blueprint"])
def test_filters_tests_and_globals_are_registered_in_every_form(app: Erlen, owner: str) -> None:
    prefix = "" if owner == "application" else "app_"
    blueprint = Blueprint("b", __name__)
    holder: Any = app if owner == "application" else blueprint

    def register(kind: str) -> Any:
        return getattr(holder, f"{prefix}template_{kind}")

    def add(kind: str) -> Any:
        return getattr(holder, f"add_{prefix}template_{kind}")

    @register("filter")
    def bare(value: str) -> str:
        return f"bare {value}"

    @register("filter")()
    def called(value: str) -> str:
        return f"called {value}"

    @register("filter")("named")
    def function(value: str) -> str:
        return f"named {value}"

    add("filter")(lambda value: f"added {value}", "added")
    add("filter")(bare_two)

    @register("test")
    def odd_number(value: int) -> bool:
        return value % 2 == 1

    register("test")("big")(lambda value: value > 100)
    register("test")(name="small")(lambda value: value < 10)
    add("test")(lambda value: value == 7, name="seven")
    register("global")("answer")(lambda: 42)

    @register("global")
    def greet(name: str) -> str:
        return f"Hello {name}"

    add("global")(lambda: "added", "given")
    assert bare("x") == "bare x"
    assert function("x") == "named x"
    if owner == "blueprint":
        app.register_blueprint(blueprint)
    text = (
        "{{ 'x'|bare }}, {{ 'x'|called }}, {{ 'x'|named }}, {{ 'x'|added }}, {{ 'x'|bare_two }}, "
        "{{ 3 is odd_number }}, "
        "{{ 101 is big }}, {{ 3 is small }}, {{ 7 is seven }}, {{ answer() }}, {{ greet('Ada') }}, {{ given() }}"
    )
    with app.app_context():
        assert render_template_string(text) == (
            "bare x, called x, named x, added x, two x, True, True, True, True, 42, Hello Ada, added"
        )


def bare_two(value: str) -> str:
    return f"two {value}"


# The environment.


def test_the_environment_is_made_of_options_and_the_configuration(app: Erlen) -> None:
    app.jinja_options = {"trim_blocks": True, "autoescape": False, "auto_reload": True, "extensions": ["jinja2.ext.do"]}
    environment = app.jinja_env
    assert environment is app.jinja_env
    assert isinstance(environment, jinja2.Environment)
    assert isinstance(environment, Environment)
    assert environment.trim_blocks
    assert environment.auto_reload
    assert environment.app is app
    with app.app_context():
        assert render_template_string("{{ x }}", x="<") == "<"


@pytest.mark.parametrize(
    ("setting", "debug", "reload"), [(None, True, True), (None, False, False), (True, False, True)]
)
def test_templates_are_reloaded_as_the_configuration_says(
    app: Erlen, folder: Path, setting: bool | None, debug: bool, reload: bool
) -> None:
    app.config.update(TEMPLATES_AUTO_RELOAD=setting, DEBUG=debug)
    assert app.jinja_env.auto_reload is reload


def test_a_subclass_may_have_its_own_environment_and_names(tmp_path: Path) -> None:
    class OwnEnvironment(Environment):
        pass

    class Own(Erlen):
        jinja_environment = OwnEnvironment
        jinja_options: ClassVar[dict[str, Any]] = {"variable_start_string": "<<", "variable_end_string": ">>"}

        def template_globals(self) -> dict[str, Any]:
            return {**super().template_globals(), "shop": "Erlen's"}

        def create_jinja_environment(self) -> Environment:
            environment = super().create_jinja_environment()
            environment.filters["loud"] = str.upper
            return environment

        def create_global_jinja_loader(self) -> Any:
            return jinja2.DictLoader({"a.txt": "<< shop|loud >> << request.path >>"})

    app = Own("own", root_path=str(tmp_path))
    assert type(app.jinja_env) is OwnEnvironment
    with app.test_request_context("/x"):
        assert render_template("a.txt") == "ERLEN'S /x"
        with pytest.raises(jinja2.TemplatesNotFound):
            render_template(["b.txt", "c.txt"])
        assert request.path == "/x"


def test_a_loader_may_be_given_among_the_options(app: Erlen) -> None:
    app.jinja_options = {"loader": jinja2.DictLoader({"a.html": "from a dict"})}
    with app.app_context():
        assert render_template("a.html") == "from a dict"


def no_values() -> Any:
    """Forgets to return."""


def test_a_context_processor_that_returns_no_dict_is_named(app: Erlen) -> None:
    app.context_processor(no_values)
    with app.app_context(), pytest.raises(TypeError) as caught:
        render_template_string("x")
    text = str(caught.value)
    assert text.startswith("The context processor no_values() at ")
    assert f"test_rendering.py:{no_values.__code__.co_firstlineno} must return a dict of values for templates" in text
    assert text.endswith("and it returned None. Write: return {'name': value}")
