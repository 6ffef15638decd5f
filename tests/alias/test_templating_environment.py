"""The environment of templates, its loaders and how they are explained."""

from __future__ import annotations

import logging
import os
from typing import Any

import jinja2
import pytest

FILES = {"note.txt": "{{ beaker }} is empty", "below/deep.txt": "deep down"}


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


def test_the_environment_is_made_from_the_options(flask: Any) -> None:
    class App(flask.Flask):
        jinja_options = {**flask.Flask.jinja_options, "trim_blocks": True, "extensions": ["jinja2.ext.do"]}  # noqa: RUF012

    app = App("x")
    assert app.jinja_env.trim_blocks is True
    assert "jinja2.ext.ExprStmtExtension" in app.jinja_env.extensions
    assert type(app.jinja_env) is flask.templating.Environment
    assert app.jinja_env.app is app
    assert flask.Flask.jinja_options == {}
    assert flask.Flask.jinja_environment is flask.templating.Environment
    assert type(app.jinja_loader) is jinja2.FileSystemLoader
    assert type(app.jinja_env.loader) is flask.templating.DispatchingJinjaLoader
    for name in ("url_for", "get_flashed_messages", "config", "request", "session", "g"):
        assert name in app.jinja_env.globals
    assert app.jinja_env.policies["json.dumps_function"] == app.json.dumps
    assert app.jinja_env.globals["config"] is app.config


def test_an_application_may_bring_its_own_kind_of_environment(flask: Any) -> None:
    class Strict(flask.templating.Environment):
        def __init__(self, app: Any, **options: Any) -> None:
            super().__init__(app, undefined=jinja2.StrictUndefined, **options)

    class Laboratory(flask.Flask):
        jinja_environment = Strict

        def create_jinja_environment(self) -> Any:
            made = super().create_jinja_environment()
            made.globals["litre"] = 1000
            return made

    with Laboratory("lab").app_context():
        assert flask.render_template_string("{{ litre }} ml") == "1000 ml"
        with pytest.raises(jinja2.UndefinedError, match="gallon"):
            flask.render_template_string("{{ gallon }} ml")


@pytest.mark.parametrize(
    ("debug", "setting", "reload"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_templates_are_reloaded_in_debug_mode_or_when_told(flask: Any, debug: bool, setting: Any, reload: bool) -> None:
    app = flask.Flask("x")
    app.config["TEMPLATES_AUTO_RELOAD"] = setting
    app.config["DEBUG"] = debug
    assert app.jinja_env.auto_reload is reload


@pytest.mark.parametrize(("setting", "reload"), [(None, [False, True, False]), (True, [True, True, True])])
def test_an_environment_that_is_made_follows_the_debug_mode_where_nothing_is_set(
    flask: Any, setting: Any, reload: list[bool]
) -> None:
    app = flask.Flask("lab")
    app.config["TEMPLATES_AUTO_RELOAD"] = setting
    found = []
    for app.debug in (False, True, False):
        found.append(app.jinja_env.auto_reload)
    assert found == reload


def test_templates_come_from_whatever_loader_is_put_in_place(flask: Any) -> None:
    class Stored(flask.Flask):
        def create_global_jinja_loader(self) -> Any:
            return jinja2.DictLoader({"where": "overridden"})

    replaced, own = flask.Flask("replaced"), flask.Flask("own")
    replaced.jinja_env.loader = jinja2.DictLoader({"where": "replaced"})
    own.jinja_loader = jinja2.DictLoader({"where": "own"})
    for app, found in ((Stored("stored"), "overridden"), (replaced, "replaced"), (own, "own")):
        with app.app_context():
            assert flask.render_template("where") == found


def test_a_loader_that_cannot_list_its_templates_is_no_obstacle(flask: Any) -> None:
    app = flask.Flask("x")
    function = jinja2.FunctionLoader(lambda name: "made" if name == "f" else None)
    app.jinja_loader = jinja2.ChoiceLoader([jinja2.DictLoader({"d": "dict"}), function])
    app.register_blueprint(flask.Blueprint("bp", __name__))
    with app.app_context():
        assert flask.render_template("f") == "made"
        for wanted in ("missing", ["missing", "too"]):
            with pytest.raises(jinja2.TemplateNotFound):
                flask.render_template(wanted)
        app.blueprints["bp"].jinja_loader = function
        with pytest.raises(jinja2.TemplateNotFound):
            flask.render_template("missing")


def test_url_for_of_the_environment_needs_no_context(flask: Any) -> None:
    app = flask.Flask("x")
    app.add_url_rule("/a/<int:n>", "a", lambda n: "")
    template = app.jinja_env.from_string("{{ url_for('a', n=1, _anchor='x') }}")
    with pytest.raises(RuntimeError, match="Unable to build URLs outside an active request without 'SERVER_NAME'"):
        template.render()
    app.config["SERVER_NAME"] = "example.org"
    assert template.render() == "http://example.org/a/1#x"
    with app.test_request_context():
        assert template.render() == "/a/1#x"


def test_the_applications_folder_goes_before_those_of_blueprints(app: Any, flask: Any, tmp_path: Any) -> None:
    fill(tmp_path / "one", {"note.txt": "one", "shared.txt": "one", "only.txt": "one"})
    fill(tmp_path / "two", {"shared.txt": "two"})
    for name in ("one", "two"):
        app.register_blueprint(flask.Blueprint(name, __name__, template_folder=str(tmp_path / name)))
    with app.app_context():
        assert flask.render_template("note.txt", beaker="B1") == "B1 is empty"
        assert flask.render_template("shared.txt") == "one"
        assert flask.render_template("only.txt") == "one"
        names = app.jinja_env.list_templates()
    assert set(FILES) | {"shared.txt", "only.txt"} == set(names)


def test_the_template_folder_may_be_named(flask: Any, tmp_path: Any) -> None:
    fill(tmp_path / "other", {"t": "x"})
    app = flask.Flask("x", root_path=str(tmp_path), template_folder="other")
    assert app.template_folder == "other"
    with app.app_context():
        assert flask.render_template("t") == "x"
    none = flask.Flask("x", template_folder=None)
    assert none.jinja_loader is None
    with none.app_context(), pytest.raises(jinja2.TemplateNotFound):
        flask.render_template("t")


def test_the_account_of_a_search_names_each_place_and_what_was_there(
    app: Any, flask: Any, caplog: Any, tmp_path: Any
) -> None:
    fill(tmp_path / "shop", {"note.txt": "the shop's"})
    shop = flask.Blueprint("shop", __name__, template_folder=str(tmp_path / "shop"))
    shop.add_url_rule("/<name>", "show", lambda name: flask.render_template(name))
    app.register_blueprint(shop)
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    with caplog.at_level(logging.INFO):
        with pytest.raises(jinja2.TemplateNotFound):
            app.test_client().get("/lost.txt")
        app.test_client().get("/note.txt")
    missing, twice = (record.getMessage() for record in caplog.records)
    for place in ("application 'alias_app'", "blueprint 'shop'"):
        assert place in missing
        assert place in twice
    assert "lost.txt" in missing
    assert str(tmp_path / "shop") in twice
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_a_template_may_be_changed_between_requests_when_reloading(app: Any, flask: Any, tmp_path: Any) -> None:
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    with app.app_context():
        path = tmp_path / "templates" / "changing.html"
        path.write_text("one")
        os.utime(path, (1, 1))
        assert flask.render_template("changing.html") == "one"
        path.write_text("two")
        os.utime(path, (2, 2))
        assert flask.render_template("changing.html") == "two"


def test_the_loader_takes_templates_of_both_by_its_methods(app: Any, flask: Any) -> None:
    loader = app.jinja_env.loader
    source, filename, uptodate = loader.get_source(app.jinja_env, "note.txt")
    assert source == FILES["note.txt"]
    assert filename.endswith("note.txt")
    assert uptodate()
    with pytest.raises(jinja2.TemplateNotFound):
        loader.get_source(app.jinja_env, "nope")
    assert loader.app is app


def test_the_proxies_work_in_imported_templates(app: Any, flask: Any) -> None:
    with app.test_request_context("/x"):
        assert app.jinja_env.globals["request"] is flask.request
        assert app.jinja_env.globals["session"] is flask.session
        assert app.jinja_env.globals["g"] is flask.g
        assert app.jinja_env.globals["get_flashed_messages"] is flask.get_flashed_messages
        assert app.jinja_env.from_string("{{ request.path }}").render() == "/x"


def test_the_names_that_extensions_borrow_are_there(app: Any, flask: Any) -> None:
    template = app.jinja_env.get_template("note.txt")
    with app.app_context():
        assert flask.templating._render(app, template, {"beaker": 1}) == "1 is empty"
        assert "".join(flask.templating._stream(app, template, {"beaker": 2})) == "2 is empty"
    assert list(app.jinja_env.loader._iter_loaders("note.txt")) == [(app, app.jinja_loader)]
