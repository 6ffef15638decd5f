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


def test_a_blueprint_decides_how_long_its_own_files_are_kept(flask: Any, folder: Path) -> None:
    """The setting holds for the rest, and an override may fall back on it."""

    class Archive(flask.Blueprint):  # type: ignore[misc, name-defined]
        def get_send_file_max_age(self, filename: Any) -> Any:
            return 86400 if filename.startswith("css/") else super().get_send_file_max_age(filename)

    app, _ = make(flask, folder)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 15
    (folder / "bp" / "static" / "now.txt").write_text("news")
    app.register_blueprint(
        Archive("archive", __name__, root_path=str(folder / "bp"), static_folder="static"), url_prefix="/archive"
    )
    client, ages = app.test_client(), {}
    for path in ("/archive/static/css/x.css", "/archive/static/now.txt", "/static/css/x.css"):
        with client.get(path) as response:
            ages[path] = response.cache_control.max_age
    assert list(ages.values()) == [86400, 15, 15]


@pytest.mark.parametrize("kind", ["filter", "test", "global"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("decorated", [True, False])
def test_helpers_of_templates_that_a_blueprint_brings_are_everywhere(
    flask: Any, folder: Path, kind: str, named: bool, decorated: bool
) -> None:
    app, weather = make(flask, folder)

    def frosty(celsius: int = -3) -> bool:
        return celsius < 0

    name = "below_zero" if named else "frosty"
    if decorated:
        register = getattr(weather, f"app_template_{kind}")
        assert (register(name) if named else register())(frosty) is frosty
    else:
        getattr(weather, f"add_app_template_{kind}")(frosty, *([name] if named else []))
    table = {"filter": "filters", "test": "tests", "global": "globals"}[kind]
    app.register_blueprint(weather)
    assert getattr(app.jinja_env, table)[name] is frosty
    source = {"filter": "{{ -1|NAME }}", "test": "{{ -1 is NAME }}", "global": "{{ NAME() }}"}[kind]
    app.add_url_rule("/", "index", lambda: flask.render_template_string(source.replace("NAME", name)))
    assert app.test_client().get("/").text == "True"


def test_a_value_of_the_prefix_is_taken_out_for_the_views_and_put_in_for_their_urls(flask: Any, folder: Path) -> None:
    app, station = make(flask, folder, url_prefix="/stations/<int:number>")

    @station.url_value_preprocessor
    def arrive(endpoint: str, values: Any) -> None:
        flask.g.number = values.pop("number")

    @station.url_defaults
    def stay(endpoint: str, values: Any) -> None:
        values.setdefault("number", flask.g.get("number", 1))

    @station.get("/wind/<when>")
    def wind(when: str) -> Any:
        return [flask.url_for(".wind", when=when), flask.url_for(".wind", when="now", number=70)]

    app.register_blueprint(station)
    assert app.test_client().get("/stations/12/wind/noon").json == ["/stations/12/wind/noon", "/stations/70/wind/now"]
    with app.test_request_context():
        assert flask.url_for("bp.wind", when="dusk") == "/stations/1/wind/dusk"
