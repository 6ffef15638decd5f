"""What a blueprint brings besides routes: files, templates, filters, commands, and hooks for the whole application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with templates and static files of an application and of a blueprint."""
    for name in ("app", "bp"):
        (tmp_path / name / "templates").mkdir(parents=True)
        (tmp_path / name / "static" / "css").mkdir(parents=True)
        (tmp_path / name / "static" / "css" / "x.css").write_text(f"{name} css")
        (tmp_path / name / "templates" / "shared.html").write_text(f"{name} shared")
        (tmp_path / name / "templates" / f"{name}.html").write_text("{{ who }} {{ request.endpoint }}")
        (tmp_path / name / "data.txt").write_text(f"{name} ü", encoding="utf-8")
    return tmp_path


def make(flask: Any, folder: Path, **options: Any) -> tuple[Any, Any]:
    app = flask.Flask("the_app", root_path=str(folder / "app"))
    app.testing = True
    app.secret_key = "key"
    bp = flask.Blueprint("bp", "the_bp", root_path=str(folder / "bp"), **options)
    return app, bp


def test_static_files_of_a_blueprint(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder, static_folder="static", url_prefix="/p")
    app.register_blueprint(bp)
    client = app.test_client()
    with client.get("/p/static/css/x.css") as response:
        assert response.data == b"bp css"
        assert response.mimetype == "text/css"
    with client.get("/static/css/x.css") as response:
        assert response.data == b"app css"
    assert client.get("/p/static/nothing.css").status_code == 404
    with app.test_request_context():
        assert flask.url_for("bp.static", filename="css/x.css") == "/p/static/css/x.css"
    assert bp.static_folder == str(folder / "bp" / "static")
    assert bp.static_url_path == "/static"
    assert bp.has_static_folder


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"static_folder": "static", "static_url_path": "/files"}, "/p/files/css/x.css"),
        ({"static_folder": "static", "static_url_path": "/files/"}, "/p/files/css/x.css"),
        ({"static_folder": "static/"}, "/p/static/css/x.css"),
        ({"static_folder": "static/css", "static_url_path": ""}, "/p/x.css"),
        ({"static_folder": Path("static") / "css"}, "/p/css/x.css"),
    ],
)
def test_paths_of_static_files(flask: Any, folder: Path, options: Any, url: str) -> None:
    app, bp = make(flask, folder, url_prefix="/p", **options)
    app.register_blueprint(bp)
    with app.test_client().get(url) as response:
        assert response.data == b"bp css"


def test_the_age_of_static_files(flask: Any, folder: Path) -> None:
    class Aged(flask.Blueprint):  # type: ignore[misc, name-defined]
        def get_send_file_max_age(self, filename: Any) -> int:
            return 100

    app, _ = make(flask, folder)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.register_blueprint(
        Aged("aged", __name__, root_path=str(folder / "bp"), static_folder="static"), url_prefix="/a"
    )
    app.register_blueprint(
        flask.Blueprint("bp", __name__, root_path=str(folder / "bp"), static_folder="static"), url_prefix="/b"
    )
    client = app.test_client()
    with client.get("/a/static/css/x.css") as response:
        assert response.cache_control.max_age == 100
    with client.get("/b/static/css/x.css") as response:
        assert response.cache_control.max_age == 3600


def test_send_static_file_and_open_resource(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder, static_folder="static")
    with app.test_request_context():
        with bp.send_static_file("css/x.css") as response:
            response.direct_passthrough = False
            assert response.data == b"bp css"
        with pytest.raises(RuntimeError, match="static_folder"):
            flask.Blueprint("none", __name__).send_static_file("x")
    with bp.open_resource("data.txt") as file:
        assert file.read() == "bp ü".encode()
    with bp.open_resource("data.txt", "r") as file:
        assert file.read() == "bp ü"
    with pytest.raises(ValueError, match="reading"):
        bp.open_resource("data.txt", "w")


def test_templates_of_the_app_go_before_those_of_a_blueprint(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder, template_folder="templates")
    app.context_processor(lambda: {"who": "app"})
    bp.context_processor(lambda: {"who": "bp"})
    bp.add_url_rule("/shared", "shared", lambda: flask.render_template("shared.html"))
    bp.add_url_rule("/own", "own", lambda: flask.render_template("bp.html"))
    app.add_url_rule("/", "index", lambda: flask.render_template("bp.html"))
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/shared").text == "app shared"
    assert client.get("/own").text == "bp bp.own"
    assert client.get("/").text == "app index"
    assert bp.jinja_loader.searchpath == [str(folder / "bp" / "templates")]


def test_filters_tests_and_globals_of_a_blueprint(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)

    @bp.app_template_filter()
    def backwards(text: str) -> str:
        return text[::-1]

    @bp.app_template_filter("loud")
    def upper(text: str) -> str:
        return text.upper()

    @bp.app_template_test()
    def boolean(value: Any) -> bool:
        return isinstance(value, bool)

    @bp.app_template_test("none_at_all")
    def is_none(value: Any) -> bool:
        return value is None

    @bp.app_template_global()
    def answer() -> int:
        return 42

    @bp.app_template_global("question")
    def ask() -> str:
        return "?"

    def added(value: str) -> str:
        return f"<{value}>"

    bp.add_app_template_filter(added)
    bp.add_app_template_filter(added, "named")
    bp.add_app_template_test(boolean, "truth")
    bp.add_app_template_global(answer, name="number")
    app.register_blueprint(bp)
    assert app.jinja_env.filters["backwards"] is backwards
    assert app.jinja_env.filters["loud"] is upper
    assert app.jinja_env.filters["added"] is added
    assert app.jinja_env.filters["named"] is added
    assert app.jinja_env.tests["boolean"] is boolean
    assert app.jinja_env.tests["none_at_all"] is is_none
    assert app.jinja_env.tests["truth"] is boolean
    assert app.jinja_env.globals["answer"] is answer
    assert app.jinja_env.globals["question"] is ask
    assert app.jinja_env.globals["number"] is answer
    with app.app_context():
        text = flask.render_template_string("{{ 'ab'|backwards }} {{ True is boolean }} {{ answer() }} {{ 'a'|loud }}")
    assert text == "ba True 42 A"


def test_context_processors_of_the_whole_app(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)
    bp.context_processor(lambda: {"local": "local"})
    bp.app_context_processor(lambda: {"everywhere": "everywhere"})
    template = "{{ local }} {{ everywhere }}"
    bp.add_url_rule("/bp", "bp", lambda: flask.render_template_string(template))
    app.add_url_rule("/", "index", lambda: flask.render_template_string(template))
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/bp").text == "local everywhere"
    assert client.get("/").text == " everywhere"


def test_hooks_of_a_blueprint_and_of_the_whole_app(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)
    order: list[str] = []
    bp.before_request(lambda: order.append("before"))
    bp.before_app_request(lambda: order.append("before app"))
    bp.after_request(lambda r: order.append("after") or r)
    bp.after_app_request(lambda r: order.append("after app") or r)
    bp.teardown_request(lambda e: order.append("teardown"))
    bp.teardown_app_request(lambda e: order.append("teardown app"))
    bp.add_url_rule("/bp", "bp", lambda: "")
    app.add_url_rule("/", "index", lambda: "")
    app.register_blueprint(bp)
    client = app.test_client()
    client.get("/bp")
    assert order == ["before app", "before", "after", "after app", "teardown", "teardown app"]
    order.clear()
    client.get("/")
    assert order == ["before app", "after app", "teardown app"]


def test_the_decorators_give_the_functions_back(flask: Any, folder: Path) -> None:
    _, bp = make(flask, folder)

    def zero() -> None: ...

    def one(x: Any) -> Any:
        return x

    def two(x: Any, y: Any) -> None: ...

    for name in ("before_request", "before_app_request", "context_processor", "app_context_processor"):
        assert getattr(bp, name)(zero) is zero
    for name in ("after_request", "after_app_request", "teardown_request", "teardown_app_request"):
        assert getattr(bp, name)(one) is one
    for name in ("url_defaults", "app_url_defaults", "url_value_preprocessor", "app_url_value_preprocessor"):
        assert getattr(bp, name)(two) is two
    assert bp.app_errorhandler(404)(one) is one
    assert bp.errorhandler(404)(one) is one
    assert bp.app_template_filter()(one) is one
    assert bp.route("/x")(zero) is zero
    assert bp.endpoint("x")(zero) is zero
    assert bp.record(one) is None
    assert bp.record_once(one) is None
    assert bp.add_app_template_filter(one) is None
    assert bp.before_request_funcs == {None: [zero]}
    assert bp.error_handler_spec[None][404] == {next(iter(bp.error_handler_spec[None][404])): one}


@pytest.mark.parametrize(
    ("given", "registered", "command"),
    [
        ({}, {}, ["bp", "hello"]),
        ({"cli_group": "own"}, {}, ["own", "hello"]),
        ({"cli_group": None}, {}, ["hello"]),
        ({}, {"cli_group": "other"}, ["other", "hello"]),
        ({"cli_group": "own"}, {"cli_group": None}, ["hello"]),
        ({}, {"name": "renamed"}, ["renamed", "hello"]),
    ],
)
def test_commands_of_a_blueprint(flask: Any, folder: Path, given: Any, registered: Any, command: list[str]) -> None:
    app, bp = make(flask, folder, **given)

    @bp.cli.command("hello")
    def hello() -> None:
        print("Hello", flask.current_app.name)

    app.register_blueprint(bp, **registered)
    result = app.test_cli_runner().invoke(args=command)
    assert result.output == "Hello the_app\n"
    assert result.exit_code == 0


def test_url_processors_for_languages(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder, url_prefix="/<lang_code>")

    @bp.url_defaults
    def add_language(endpoint: str, values: Any) -> None:
        values.setdefault("lang_code", flask.g.lang_code)

    @bp.url_value_preprocessor
    def pull(endpoint: str, values: Any) -> None:
        flask.g.lang_code = values.pop("lang_code")

    bp.add_url_rule("/", "index", lambda: flask.url_for(".about"))
    bp.add_url_rule("/about", "about", lambda: flask.url_for(".index"))
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/de/").text == "/de/about"
    assert client.get("/de/about").text == "/de/"


def test_an_error_of_the_app_is_handled_by_a_blueprint(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)

    @bp.app_errorhandler(404)
    def missing(error: Any) -> Any:
        return "not found by bp", 404

    @bp.app_errorhandler(ValueError)
    def value(error: Any) -> Any:
        return "value by bp"

    @app.route("/value")
    def fail() -> None:
        raise ValueError

    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/nowhere").text == "not found by bp"
    assert client.get("/value").text == "value by bp"


def test_wrong_codes_for_a_blueprints_handler(flask: Any, folder: Path) -> None:
    _, bp = make(flask, folder)
    with pytest.raises(ValueError, match="999"):
        bp.register_error_handler(999, lambda e: "")
    with pytest.raises(TypeError):
        bp.register_error_handler(KeyError(), lambda e: "")


def test_functions_of_a_blueprint_in_a_subclass(flask: Any, folder: Path) -> None:
    class Versioned(flask.Blueprint):  # type: ignore[misc, name-defined]
        def __init__(self, *args: Any, version: int = 1, **kwargs: Any) -> None:
            self.version = version
            super().__init__(*args, **kwargs)

        def route(self, rule: str, **options: Any) -> Any:
            return super().route(f"/v{self.version}{rule}", **options)

        def add_url_rule(self, rule: str, *args: Any, **options: Any) -> Any:
            options.setdefault("strict_slashes", False)
            return super().add_url_rule(rule, *args, **options)

    app, _ = make(flask, folder)
    bp = Versioned("api", __name__, version=2)
    bp.route("/x/")(lambda: "x")
    bp.get("/y", endpoint="y")(lambda: "y")
    bp.add_url_rule("/z", "z", lambda: "z")
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/v2/x").text == "x"
    assert client.get("/v2/y").text == "y"
    assert client.get("/z").text == "z"


def test_a_blueprint_that_is_registered_by_hand(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)
    bp.add_url_rule("/x", "x", lambda: "x")
    bp.register(app, {"url_prefix": "/p"})
    assert app.test_client().get("/p/x").text == "x"
    assert app.blueprints == {"bp": bp}


def test_a_class_that_is_told_what_a_blueprint_does(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)
    bp.deferred_functions.append(lambda state: state.add_url_rule("/late", "late", lambda: "late"))
    app.register_blueprint(bp)
    assert app.test_client().get("/late").text == "late"


def test_lambda_views_have_the_endpoint_lambda(flask: Any, folder: Path) -> None:
    app, bp = make(flask, folder)
    bp.add_url_rule("/x", view_func=lambda: "x")
    app.register_blueprint(bp)
    assert "bp.<lambda>" in app.view_functions
    assert app.test_client().get("/x").text == "x"


def test_templates_with_one_name_in_two_blueprints(flask: Any, folder: Path) -> None:
    app = flask.Flask("other", root_path=str(folder))
    for name in ("bp", "app"):
        bp = flask.Blueprint(name, __name__, root_path=str(folder / name), template_folder="templates")
        bp.add_url_rule(f"/{name}", "x", lambda: flask.render_template("shared.html"))
        app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/bp").text == client.get("/app").text == "bp shared"


def test_the_root_path_of_a_blueprint(flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__)
    assert bp.root_path == str(Path(__file__).parent)
    assert bp.import_name == __name__
    assert flask.Blueprint("bp", "flask").root_path.endswith("flask")
