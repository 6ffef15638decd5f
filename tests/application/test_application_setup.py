"""An application is put together: its parameters, folders, names, routes and what is refused."""

from __future__ import annotations

import gc
import io
import logging
import shlex
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import Aborter, NotFound

from erlen import (
    Blueprint,
    Config,
    Erlen,
    Request,
    Response,
    RouteConflictWarning,
    abort,
    g,
    redirect,
    request,
    session,
)
from erlen.config import FLASK
from erlen.context import AppGlobals
from erlen.errors import ConfigError, EndpointConflict, ErlenError, SecretKeyMissing, SetupError, SetupFinished
from erlen.json import JSONProvider
from erlen.routing import Map, Rule


def test_an_application_is_named_and_shown_by_its_import_name(app: Erlen) -> None:
    assert app.name == app.import_name == "application_tests"
    assert repr(app) == "<Erlen 'application_tests'>"


def test_a_script_is_named_after_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/somewhere/website.py", raising=False)
    assert Erlen("__main__", root_path=str(tmp_path)).name == "website"
    monkeypatch.setattr(sys.modules["__main__"], "__file__", None)
    assert Erlen("__main__", root_path=str(tmp_path)).name == "__main__"


def test_the_root_path_is_the_folder_of_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Erlen(__name__).root_path == str(Path(__file__).parent)
    (tmp_path / "not_imported_yet.py").write_text("raise AssertionError('is not to be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert Erlen("not_imported_yet").root_path == str(tmp_path)


def test_the_root_path_of_a_name_without_a_file_is_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Erlen("no_such_module_anywhere").root_path == str(tmp_path)
    assert Erlen("no_such_package.inner").root_path == str(tmp_path)
    monkeypatch.setitem(sys.modules, "typed_in_a_shell", types.ModuleType("typed_in_a_shell"))
    assert Erlen("typed_in_a_shell").root_path == str(tmp_path)


def test_a_namespace_package_needs_a_root_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spread_out").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError) as caught:
        Erlen("spread_out")
    assert str(caught.value) == (
        "No root path can be found for the provided module 'spread_out': it has no file of its own (a namespace "
        "package, for instance). Give the folder: root_path='...'."
    )
    assert Erlen("spread_out", root_path=str(tmp_path)).root_path == str(tmp_path)


# The instance folder.


def test_the_instance_folder_is_beside_the_module_or_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "inst_module.py").write_text("")
    package = tmp_path / "inst_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert Erlen("inst_module").instance_path == str(tmp_path / "instance")
    __import__("inst_package.inner")
    assert Erlen("inst_package").instance_path == str(tmp_path / "instance")
    assert Erlen("inst_package.inner").instance_path == str(tmp_path / "instance")
    for name in ("inst_package", "inst_package.inner"):
        monkeypatch.delitem(sys.modules, name)


def test_the_instance_folder_of_a_package_is_the_same_before_it_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "lazy_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert Erlen("lazy_package").instance_path == str(tmp_path / "instance")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("lib/python3.11/site-packages", "var/installed_app-instance"),
        ("Lib/site-packages", "var/installed_app-instance"),
        ("other/site-packages", "other/var/installed_app-instance"),
    ],
)
def test_the_instance_folder_of_an_installed_package_is_under_its_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str, expected: str
) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    (place / "installed_app.py").write_text("")
    monkeypatch.syspath_prepend(place)
    assert Erlen("installed_app").instance_path == str(tmp_path / expected)


def test_the_instance_folder_of_a_package_in_this_environment_is_under_sys_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    place = tmp_path / "src"
    place.mkdir()
    (place / "prefixed_app.py").write_text("")
    monkeypatch.syspath_prepend(place)
    assert Erlen("prefixed_app").instance_path == str(tmp_path / "var" / "prefixed_app-instance")


def test_an_instance_path_must_be_absolute() -> None:
    with pytest.raises(ValueError, match="must be absolute") as caught:
        Erlen(__name__, instance_path="instance")
    assert isinstance(caught.value, SetupError)
    assert str(caught.value) == (
        "If an instance path is provided it must be absolute, and 'instance' is relative to whatever the working "
        "directory is. Write os.path.abspath(...)."
    )


def test_instance_relative_config_reads_files_from_the_instance_folder(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / "config.py").write_text("NAME = 'instance'")
    (tmp_path / "config.py").write_text("NAME = 'root'")
    for relative, name in ((True, "instance"), (False, "root")):
        app = Erlen("x", root_path=str(tmp_path), instance_path=str(instance), instance_relative_config=relative)
        app.config.from_pyfile("config.py")
        assert app.config["NAME"] == name


def test_instance_resources_are_read_and_written(app: Erlen) -> None:
    Path(app.instance_path).mkdir(exist_ok=True)
    with app.open_instance_resource("notes.txt", "w") as file:
        file.write("grün")
    with app.open_instance_resource("notes.txt") as file:
        assert file.read() == "grün".encode()
    with app.open_instance_resource("notes.txt", "r", encoding="latin1") as file:
        assert file.read() == "grÃ¼n"


@pytest.mark.parametrize("owner", ["application", "blueprint"])
def test_resources_are_opened_for_reading_only(app: Erlen, tmp_path: Path, owner: str) -> None:
    (tmp_path / "schema.sql").write_text("größe", encoding="utf-8")
    holder: Any = app if owner == "application" else Blueprint("b", __name__, root_path=str(tmp_path))
    with holder.open_resource("schema.sql") as file:
        assert file.read() == "größe".encode()
    with holder.open_resource("schema.sql", "rt") as file:
        assert file.read() == "größe"
    with holder.open_resource("schema.sql", "r", encoding="latin1") as file:
        assert file.read() != "größe"
    with pytest.raises(ValueError, match="Resources can only be opened for reading, and the mode is 'w'"):
        holder.open_resource("schema.sql", "w")


# What a subclass may replace.


def test_a_subclass_may_choose_its_classes(tmp_path: Path) -> None:
    class OwnConfig(Config):
        pass

    class OwnRequest(Request):
        pass

    class OwnResponse(Response):
        pass

    class OwnGlobals(AppGlobals):
        pass

    class OwnRule(Rule):
        pass

    class OwnMap(Map):
        pass

    class OwnAborter(Aborter):
        pass

    class Own(Erlen):
        config_class = OwnConfig
        request_class = OwnRequest
        response_class = OwnResponse
        app_ctx_globals_class = OwnGlobals
        url_rule_class = OwnRule
        url_map_class = OwnMap
        aborter_class = OwnAborter

    app = Own("own", root_path=str(tmp_path))
    app.add_url_rule("/", "index", lambda: f"{type(request._get_current_object()).__name__} {g._get_current_object()}")
    assert type(app.config) is OwnConfig
    assert type(app.url_map) is OwnMap
    assert type(app.aborter) is OwnAborter
    assert all(type(rule) is OwnRule for rule in app.url_map.iter_rules())
    with app.test_request_context():
        assert type(request._get_current_object()) is OwnRequest
        assert type(g._get_current_object()) is OwnGlobals
        assert type(app.make_response("x")) is OwnResponse
    assert app.test_client().get("/").text.startswith("OwnRequest")


def test_a_subclass_may_choose_its_json_provider(tmp_path: Path) -> None:
    class Upper(JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return f'"{obj!s}"'.upper()

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return "read"

    class Own(Erlen):
        json_provider_class = Upper

    app = Own("own", root_path=str(tmp_path))
    app.add_url_rule("/", "index", lambda: {"a": 1})
    assert type(app.json) is Upper
    assert "'A'" in app.test_client().get("/").text


def test_the_json_provider_of_one_application_may_be_replaced(app: Erlen) -> None:
    class Own(JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return '"mine"'

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return "read"

    app.add_url_rule("/", "index", lambda: {"a": 1})
    client = app.test_client()
    assert client.get("/").text.strip() == '{"a":1}'
    app.json = Own(app)
    assert client.get("/").text.strip() == '"mine"'


def test_an_aborter_knows_codes_of_its_own(app: Erlen) -> None:
    class Lunch(NotFound):
        code = 432

    app.aborter.mapping[432] = Lunch
    app.add_url_rule("/", "index", lambda: abort(432))
    assert app.test_client().get("/").status_code == 432
    with app.app_context(), pytest.raises(LookupError, match="no exception for 999"):
        abort(999)
    with pytest.raises(NotFound):
        abort(404)


# Settings that are attributes too.


def test_some_settings_are_attributes_of_the_application(app: Erlen) -> None:
    app.testing = False
    app.secret_key = "another"
    app.permanent_session_lifetime = timedelta(hours=1)
    assert app.config["TESTING"] is False
    assert app.config["SECRET_KEY"] == "another"
    assert app.config["PERMANENT_SESSION_LIFETIME"] == timedelta(hours=1)
    app.config["PERMANENT_SESSION_LIFETIME"] = 90
    assert app.permanent_session_lifetime == timedelta(seconds=90)
    app.config["TESTING"] = True
    assert app.testing is True


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("true", True), ("on", True), ("0", False), ("", False)])
def test_debug_mode_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, debug: bool) -> None:
    monkeypatch.setenv("ERLEN_DEBUG", value)
    assert Erlen(__name__).debug is debug


def test_debug_reloads_templates_unless_the_setting_says_otherwise(app: Erlen) -> None:
    assert app.debug is False
    assert app.jinja_env.auto_reload is False
    app.debug = True
    assert app.config["DEBUG"] is True
    assert app.jinja_env.auto_reload is True
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    app.debug = False
    assert app.jinja_env.auto_reload is True


# Freezing.


def test_wrong_configuration_is_refused_by_the_first_request_with_the_nearest_value(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "reddis"
    app.add_url_rule("/", "index", lambda: "x")
    for _ in range(2):
        with pytest.raises(ConfigError, match="SESSION_TYPE") as caught:
            app.test_client().get("/")
        assert "did you mean 'redis'?" in str(caught.value).lower()
    assert not app.got_first_request
    app.config["SESSION_TYPE"] = "memory"
    assert app.test_client().get("/").text == "x"


def test_freezing_twice_is_freezing_once(app: Erlen) -> None:
    assert not app.got_first_request
    app.freeze()
    app.freeze()
    assert app.got_first_request


SETUP: dict[str, Callable[[Erlen], object]] = {
    "add_url_rule": lambda app: app.add_url_rule("/late", "late", str),
    "register_blueprint": lambda app: app.register_blueprint(Blueprint("late", __name__)),
    "before_request": lambda app: app.before_request(lambda: None),
    "after_request": lambda app: app.after_request(lambda response: response),
    "teardown_request": lambda app: app.teardown_request(lambda error: None),
    "teardown_appcontext": lambda app: app.teardown_appcontext(lambda error: None),
    "before_first_request": lambda app: app.before_first_request(lambda: None),
    "before_first_visit": lambda app: app.before_first_visit(lambda: None),
    "context_processor": lambda app: app.context_processor(dict),
    "url_value_preprocessor": lambda app: app.url_value_preprocessor(lambda endpoint, values: None),
    "url_defaults": lambda app: app.url_defaults(lambda endpoint, values: None),
    "errorhandler": lambda app: app.errorhandler(404),
    "register_error_handler": lambda app: app.register_error_handler(404, lambda error: ""),
    "endpoint": lambda app: app.endpoint("late"),
    "shell_context_processor": lambda app: app.shell_context_processor(dict),
    "template_filter": lambda app: app.template_filter("late"),
    "add_template_filter": lambda app: app.add_template_filter(str),
    "template_test": lambda app: app.template_test("late"),
    "add_template_test": lambda app: app.add_template_test(str),
    "template_global": lambda app: app.template_global("late"),
    "add_template_global": lambda app: app.add_template_global(str),
}


@pytest.mark.parametrize("method", SETUP)
def test_nothing_is_set_up_after_the_first_request(app: Erlen, method: str) -> None:
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="can no longer be called") as caught:
        SETUP[method](app)
    assert isinstance(caught.value, SetupFinished)
    assert isinstance(caught.value, ErlenError)
    assert caught.value.method == method
    assert str(caught.value) == (
        f"The setup method '{method}' can no longer be called on the application. It has already handled its first "
        "request, any changes will not be applied consistently.\nMove the call to where the application is made, and "
        "import the modules with its decorators there too."
    )


# Routes.


def test_two_views_for_one_endpoint_are_refused_with_both_places(app: Erlen) -> None:
    @app.route("/a")
    def view() -> str:
        return "a"

    first = view

    def other() -> str:
        return "b"

    other.__name__ = "view"
    with pytest.raises(EndpointConflict) as caught:
        app.add_url_rule("/b", view_func=other)
    assert isinstance(caught.value, AssertionError)
    text = str(caught.value)
    assert text.startswith("View function mapping is overwriting an existing endpoint function: view. It is ")
    assert f"test_application_setup.py:{first.__code__.co_firstlineno}" in text
    assert f"test_application_setup.py:{other.__code__.co_firstlineno}" in text
    assert text.endswith(
        "Give one of them another name, or write endpoint='...' in its route; a decorator that hides the name needs "
        "functools.wraps."
    )


def test_one_view_may_have_several_rules(app: Erlen) -> None:
    @app.route("/")
    @app.route("/index.html")
    def index() -> str:
        return request.path

    client = app.test_client()
    assert [client.get(path).text for path in ("/", "/index.html")] == ["/", "/index.html"]


def test_the_shortcuts_for_methods_take_no_methods(app: Erlen) -> None:
    for name in ("get", "post", "put", "delete", "patch"):
        getattr(app, name)(f"/{name}", endpoint=name)(lambda: request.method)
        with pytest.raises(TypeError) as caught:
            getattr(app, name)("/x", methods=["GET"])
        assert str(caught.value) == (
            f"Use the 'route' decorator to use the 'methods' argument; {name}() has only {name.upper()}."
        )
    client = app.test_client()
    for name in ("get", "post", "put", "delete", "patch"):
        assert getattr(client, name)(f"/{name}").text == name.upper()


def test_methods_are_a_list_and_no_string(app: Erlen) -> None:
    with pytest.raises(TypeError) as caught:
        app.route("/", methods="POST")(str)
    assert str(caught.value) == (
        'Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])'
    )


def test_methods_may_be_written_in_lower_case_or_come_with_the_view(app: Erlen) -> None:
    app.add_url_rule("/a", "a", lambda: request.method, methods=["post"])

    def view() -> str:
        return request.method

    view.methods = ["PUT", "delete"]  # type: ignore[attr-defined]
    view.required_methods = ["PATCH"]  # type: ignore[attr-defined]
    app.add_url_rule("/b", view_func=view)
    client = app.test_client()
    assert client.post("/a").text == "POST"
    assert client.get("/a").status_code == 405
    assert client.options("/b").allow.to_header() == "DELETE, OPTIONS, PATCH, PUT"


def test_options_are_answered_automatically_unless_something_says_no(app: Erlen) -> None:
    app.add_url_rule("/yes", "yes", str, methods=["GET", "POST"])
    app.add_url_rule("/no", "no", str, provide_automatic_options=False)
    app.add_url_rule("/own", "own", lambda: "own", methods=["OPTIONS"])

    def view() -> str:
        return ""

    view.provide_automatic_options = False  # type: ignore[attr-defined]
    app.add_url_rule("/view", view_func=view)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.add_url_rule("/setting", "setting", str)
    app.add_url_rule("/forced", "forced", str, provide_automatic_options=True)
    client = app.test_client()
    answer = client.options("/yes")
    assert (answer.status_code, answer.data) == (200, b"")
    assert sorted(answer.allow) == ["GET", "HEAD", "OPTIONS", "POST"]
    assert client.options("/own").text == "own"
    assert client.options("/forced").status_code == 200
    for path in ("/no", "/view", "/setting"):
        answer = client.options(path)
        assert answer.status_code == 405
        assert sorted(answer.allow) == ["GET", "HEAD"]


def test_a_405_names_the_methods_that_work(app: Erlen) -> None:
    app.add_url_rule("/", "a", str, methods=["POST"])
    app.add_url_rule("/", "b", str, methods=["PUT"])
    answer = app.test_client().get("/")
    assert answer.status_code == 405
    assert sorted(answer.allow) == ["OPTIONS", "POST", "PUT"]


def test_a_rule_needs_an_endpoint_or_a_view_with_a_name(app: Erlen) -> None:
    with pytest.raises(AssertionError) as caught:
        app.add_url_rule("/a")
    assert isinstance(caught.value, SetupError)
    assert str(caught.value) == (
        "The rule '/a' has neither an endpoint nor a view function: expected view func if endpoint is not provided."
    )

    class View:
        def __call__(self) -> str:
            return "object"

    with pytest.raises(SetupError, match=r"has no __name__ to be its endpoint: write endpoint='\.\.\.' in its route"):
        app.add_url_rule("/b", view_func=View())
    app.add_url_rule("/b", "named", View())
    assert app.test_client().get("/b").text == "object"


def test_an_endpoint_may_get_its_view_later_and_without_one_the_request_says_so(app: Erlen) -> None:
    app.add_url_rule("/later", endpoint="later")
    app.add_url_rule("/never", endpoint="never")

    @app.endpoint("later")
    def view() -> str:
        return "came later"

    client = app.test_client()
    assert client.get("/later").text == "came later"
    with pytest.raises(LookupError) as caught:
        client.get("/never")
    assert str(caught.value) == (
        "The rule for endpoint 'never' matched, but the endpoint has no view function. Write "
        "@app.endpoint('never') above one, or give it in add_url_rule(..., view_func=...)."
    )


def test_defaults_of_a_rule_are_given_to_the_view(app: Erlen) -> None:
    @app.route("/users/", defaults={"page": 1})
    @app.route("/users/page/<int:page>")
    def users(page: int) -> str:
        return f"page {page}"

    client = app.test_client()
    assert client.get("/users/").text == "page 1"
    assert client.get("/users/page/2").text == "page 2"
    assert client.get("/users/page/1").status_code == 308


def test_slashes_are_strict_unless_the_rule_says_otherwise(app: Erlen) -> None:
    app.add_url_rule("/folder/", "folder", lambda: "folder")
    app.add_url_rule("/file", "file", lambda: "file")
    app.add_url_rule("/either/", "either", lambda: "either", strict_slashes=False)
    client = app.test_client()
    answer = client.get("/folder?a=%20b")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/folder/?a=%20b")
    assert client.get("/file/").status_code == 404
    assert client.get("/either").text == "either"


def test_an_unknown_session_mode_is_refused_with_the_nearest(app: Erlen) -> None:
    with pytest.raises(SetupError) as caught:
        app.route("/", session="readonley")(str)
    assert str(caught.value) == (
        "session='readonley' in the route of 'str' is none of none, readonly, shared, exclusive, strict. "
        "Did you mean 'readonly'?"
    )
    with pytest.raises(ValueError, match=r"exclusive, strict\.$"):
        app.route("/", session=7)(str)


def test_the_rules_of_one_endpoint_have_the_same_options(app: Erlen) -> None:
    app.add_url_rule("/a", "view", str, session="none")
    with pytest.raises(SetupError) as caught:
        app.add_url_rule("/b", "view", str)
    assert str(caught.value) == (
        "The rules of endpoint 'view' differ in their options: {'session': 'none'} and {}. They belong to the "
        "endpoint, so write the same in each rule, or give one rule another endpoint."
    )
    app.add_url_rule("/b", "view", str, session="none")


def test_a_route_for_every_site_takes_forms_from_other_sites(app: Erlen) -> None:
    app.add_url_rule("/hook", "hook", lambda: "taken", methods=["POST"], cross_site=True)
    app.add_url_rule("/form", "form", lambda: "taken", methods=["POST"])
    foreign = {"Sec-Fetch-Site": "cross-site"}
    client = app.test_client()
    assert client.post("/hook", headers=foreign).text == "taken"
    answer = client.post("/form", headers=foreign)
    assert answer.status_code == 403
    assert "cross-site" in answer.text


@pytest.mark.parametrize("second", ["/user/<name>", "/user/<other>"])
def test_rules_that_hide_each_other_are_warned_of_with_both_places(app: Erlen, second: str) -> None:
    app.add_url_rule("/user/<name>", "one", lambda name: "one")
    app.add_url_rule(second, "two", lambda **values: "two")
    with pytest.warns(RouteConflictWarning) as caught:
        app.freeze()
    text = str(caught[0].message)
    assert text.count("test_application_setup.py:") == 2
    assert "'one'" in text
    assert "'two'" in text


def test_rules_that_do_not_hide_each_other_are_not_warned_of(app: Erlen) -> None:
    app.add_url_rule("/user/<name>", "name", str)
    app.add_url_rule("/user/me", "me", str)
    app.add_url_rule("/user/<int:id>", "id", str)
    app.add_url_rule("/user/<name>", "post", str, methods=["POST"], provide_automatic_options=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app.freeze()


def test_a_second_name_for_a_path_is_no_conflict(app: Erlen) -> None:
    app.add_url_rule("/", "blog.index", lambda: "the blog")
    app.add_url_rule("/", endpoint="index")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app.freeze()
    with app.test_request_context():
        assert app.url_for("index") == "/"
    assert app.test_client().get("/").text == "the blog"


def test_a_rule_without_a_view_that_hides_another_is_warned_of(app: Erlen) -> None:
    app.add_url_rule("/", endpoint="index")
    app.add_url_rule("/", "blog.index", lambda: "the blog")
    with pytest.warns(RouteConflictWarning, match="'blog.index'"):
        app.freeze()


def test_route_conflict_warnings_can_be_turned_into_errors_and_the_application_stays_unfrozen(app: Erlen) -> None:
    app.add_url_rule("/a", "one", str)
    app.add_url_rule("/a", "two", str)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RouteConflictWarning)
        with pytest.raises(RouteConflictWarning):
            app.freeze()


def test_subdomains_are_matched_where_the_application_wants_it(tmp_path: Path) -> None:
    app = Erlen("subdomains", root_path=str(tmp_path), subdomain_matching=True, static_folder=None)
    app.config["SERVER_NAME"] = "example.test"
    app.add_url_rule("/", "index", lambda: "main")
    app.add_url_rule("/", "admin", lambda: "admin", subdomain="admin")
    app.add_url_rule("/", "user", lambda user: user, subdomain="<user>")
    client = app.test_client()
    assert client.get("/", base_url="http://example.test").text == "main"
    assert client.get("/", base_url="http://admin.example.test").text == "admin"
    assert client.get("/", subdomain="ada").text == "ada"
    with app.test_request_context():
        assert app.url_for("user", user="bob") == "http://bob.example.test/"


def test_without_subdomain_matching_a_server_name_answers_for_every_host(app: Erlen) -> None:
    app.config["SERVER_NAME"] = "example.test"
    app.add_url_rule("/", "index", lambda: "main")
    assert app.test_client().get("/", base_url="http://other.test").text == "main"


# Hooks that only an application has.


def test_the_hooks_of_an_application_run_and_are_given_back(app: Erlen) -> None:
    events: list[str] = []

    @app.before_first_request
    def once() -> None:
        events.append("first request")

    @app.before_first_visit
    def greet() -> None:
        events.append("first visit")

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        events.append(f"teardown {error}")

    assert all(function.__name__ for function in (once, greet, close))
    app.add_url_rule("/", "index", lambda: events.append("view") or "x")
    client = app.test_client()
    client.get("/")
    client.get("/")
    with app.app_context():
        events.append("context")
    assert events == [
        "first request", "first visit", "view", "teardown None", "view", "teardown None", "context", "teardown None",
    ]  # fmt: skip


def test_flasks_defaults_stand_in_one_row_of_the_table(tmp_path: Path) -> None:
    class Classic(Erlen):
        defaults = FLASK

    app = Classic("classic", root_path=str(tmp_path))
    app.config["SESSION_TYPE"] = "memory"
    app.add_url_rule("/a", "one", lambda: redirect("/b"), methods=["GET", "POST"])
    app.add_url_rule("/a", "two", str)
    client = app.test_client()
    answer = client.post("/a", headers={"Sec-Fetch-Site": "cross-site"})  # no guard, no warning of conflicts
    assert answer.status_code == 302
    assert "X-Content-Type-Options" not in answer.headers


def test_a_method_that_is_put_on_a_class_takes_effect_in_living_applications(tmp_path: Path) -> None:
    class Own(Erlen):
        """An application class that is patched later."""

    app = Own("own", root_path=str(tmp_path))
    app.config["SESSION_TYPE"] = "memory"
    app.add_url_rule("/", "index", lambda: "x")
    client = app.test_client()
    assert client.get("/").text == "x"
    Own.make_response = lambda self, rv: Response("patched")  # type: ignore[assignment, method-assign]
    assert client.get("/").text == "patched"
    app.make_response = lambda rv: Response("on the instance")  # type: ignore[method-assign]
    assert client.get("/").text == "on the instance"
    Own.some_other_name = 1  # type: ignore[attr-defined]
    assert client.get("/").text == "on the instance"


def test_the_session_manager_is_made_once_even_if_two_ask_at_the_same_time(app: Erlen) -> None:
    found = app.session_manager
    assert app.session_manager is found
    assert type(app).session_manager.func(app) is found  # type: ignore[attr-defined]


def test_a_change_of_the_configuration_is_followed_by_sessions(app: Erlen) -> None:
    app.config.update(SESSION_TYPE="memory", SECRET_KEY=None)
    app.add_url_rule("/in", "login", lambda: session.update(user="ada") or "in")
    app.add_url_rule("/who", "who", lambda: session.get("user", "nobody"))
    client = app.test_client()
    with pytest.raises(SecretKeyMissing) as missing:
        client.get("/in")
    assert f"`erlen secret --save --instance {shlex.quote(app.instance_path)}`" in str(missing.value)
    app.secret_key = "first"
    client.get("/in")
    assert client.get("/who").text == "ada"
    app.secret_key = "second"
    assert client.get("/who").text == "nobody"
    app.config["SECRET_KEY_FALLBACKS"] = ["first"]
    assert client.get("/who").text == "ada"
    app.config |= {"SESSION_COOKIE_NAME": "other"}
    assert client.get("/in").headers["Set-Cookie"].startswith("other=")


def test_a_key_that_was_changed_in_the_process_is_not_taken_for_another_workers(
    app: Erlen, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_url_rule("/in", "login", lambda: session.update(user="ada") or "in")
    app.test_client().get("/in")
    app.secret_key = "second"
    app.test_client().get("/in")
    assert caplog.text == ""


def test_only_a_change_that_concerns_sessions_makes_a_new_manager(app: Erlen) -> None:
    app.add_url_rule("/who", "who", lambda: session.get("user", "nobody"))
    client = app.test_client()
    client.get("/who")
    manager = app.session_manager
    app.config["SOMETHING"] = 1
    client.get("/who")
    assert app.session_manager is manager
    app.config.pop("SOMETHING")
    app.config["SESSION_TYPE"] = None
    client.get("/who")
    assert app.session_manager.store is not manager.store
    app.config["SESSION_COOKIE_NAME"] = "no cookie name"
    with pytest.raises(ConfigError, match="SESSION_COOKIE_NAME"):
        client.get("/who")


def test_route_without_parentheses_is_refused(app: Erlen) -> None:
    with pytest.raises(SetupError, match=r"given .*index\(\) at .*Write @app.route\('/...'\), with parentheses"):

        @app.route  # type: ignore[arg-type]
        def index() -> str:
            raise AssertionError


def test_an_option_that_a_route_has_not_is_refused_with_the_nearest(app: Erlen) -> None:
    with pytest.raises(TypeError, match=r"route of 'index' was given method=.*Did you mean 'methods'\?"):
        app.add_url_rule("/", "index", lambda: "x", method=["POST"])
    with pytest.raises(TypeError, match=r"was given zzz=..., and a route has no such option.$"):
        app.add_url_rule("/", "index", lambda: "x", zzz=1)


def test_another_error_of_a_rule_class_is_let_through(app: Erlen) -> None:
    class Own(Rule):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise TypeError("my own")

    app.url_rule_class = Own
    with pytest.raises(TypeError, match="my own"):
        app.add_url_rule("/", "index", lambda: "x")


# The whole object.


def test_blueprints_are_given_in_their_order(app: Erlen) -> None:
    one, two = Blueprint("one", __name__), Blueprint("two", __name__)
    app.register_blueprint(one)
    app.register_blueprint(two)
    assert list(app.iter_blueprints()) == [one, two]
    assert list(app.blueprints) == ["one", "two"]


def test_the_shell_gets_the_application_g_and_what_processors_add(app: Erlen) -> None:
    app.shell_context_processor(lambda: {"answer": 42})
    found = app.make_shell_context()
    assert found["app"] is app
    assert found["answer"] == 42
    with app.app_context():
        g.word = "of the context"
        assert found["g"].word == "of the context"


def test_middleware_wraps_wsgi_app_and_the_application_stays_itself(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: request.environ["added"])
    inner = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        environ["added"] = "by middleware"
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]
    assert app.test_client().get("/").text == "by middleware"


def test_an_application_is_freed_with_its_last_reference(tmp_path: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        app = Erlen("freed", root_path=str(tmp_path))
        app.config["SESSION_TYPE"] = "memory"
        app.add_url_rule("/", "index", lambda: "x")
        client = app.test_client()
        client.get("/")
        client.get("/static/x")
        assert app.jinja_env.from_string("{{ 1 }}").render() == "1"
        assert app.logger is not None
        dead = weakref.ref(app)
        del app, client
        assert dead() is None
    finally:
        gc.enable()


def test_extensions_keep_their_state_on_the_application(app: Erlen) -> None:
    app.extensions["mine"] = object()
    assert list(app.extensions) == ["mine"]


# Logging.


@contextmanager
def unconfigured(name: str, *handlers: logging.Handler, propagate: bool = False) -> Iterator[Erlen]:
    """Give an application with a logger that has these handlers alone, whoever else listens."""
    logger = logging.getLogger(name)
    before = list(logger.handlers), logger.propagate, logger.level
    logger.handlers[:], logger.propagate = handlers, propagate
    try:
        yield Erlen(name, static_folder=None)
    finally:
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])


def test_the_logger_is_named_after_the_application_and_writes_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with unconfigured("logs.plain") as app:
        assert app.logger is logging.getLogger("logs.plain")
        assert app.logger is app.logger
        app.logger.warning("something %s", "happened")
    assert "WARNING in test_application_setup: something happened" in capsys.readouterr().err


def test_in_a_request_the_logger_writes_to_the_error_stream_of_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with unconfigured("logs.server") as app:
        app.add_url_rule("/", "index", lambda: app.logger.error("for the server") or "x")
        app.test_client().get("/", errors_stream=stream)
        app.logger.error("outside")
    assert "ERROR in test_application_setup: for the server" in stream.getvalue()
    assert "outside" not in stream.getvalue()
    assert "outside" in capsys.readouterr().err


def test_in_debug_mode_the_logger_lets_everything_through() -> None:
    with unconfigured("logs.debug") as app:
        app.debug = True
        assert app.logger.level == logging.DEBUG


def test_a_level_that_was_set_stays() -> None:
    with unconfigured("logs.level") as app:
        logging.getLogger("logs.level").setLevel(logging.ERROR)
        app.debug = True
        assert app.logger.level == logging.ERROR


def test_a_configured_logger_gets_no_second_handler() -> None:
    handler = logging.NullHandler()
    with unconfigured("logs.configured", handler) as app:
        assert app.logger.handlers == [handler]


def test_a_handler_that_lets_too_little_through_is_not_enough() -> None:
    handler = logging.NullHandler(logging.CRITICAL)
    with unconfigured("logs.quiet", handler) as app:
        assert len(app.logger.handlers) == 2


def test_a_configured_parent_is_enough_unless_the_logger_keeps_to_itself() -> None:
    with (
        unconfigured("logs", logging.NullHandler()),
        unconfigured("logs.child", propagate=True) as child,
        unconfigured("logs.alone") as alone,
    ):
        assert child.logger.handlers == []
        assert len(alone.logger.handlers) == 1


def test_a_logger_whose_parents_have_no_handlers_up_to_the_root_gets_one() -> None:
    root = logging.getLogger()
    handlers, root.handlers[:] = list(root.handlers), []
    try:
        with unconfigured("rootless", propagate=True) as app:
            assert len(app.logger.handlers) == 1
    finally:
        root.handlers[:] = handlers


def test_an_unhandled_exception_is_logged_with_method_and_path(app: Erlen, caplog: pytest.LogCaptureFixture) -> None:
    app.testing = False
    app.add_url_rule("/broken", "broken", lambda: 1 / 0, methods=["POST"])
    assert app.test_client().post("/broken").status_code == 500
    assert caplog.records[0].getMessage() == "Exception on /broken [POST]"
    assert caplog.records[0].exc_info[0] is ZeroDivisionError  # type: ignore[index]


def test_without_a_secret_key_the_sessions_are_set_up_once_and_not_for_each_request(tmp_path: Path) -> None:
    app = Erlen("keyless", root_path=str(tmp_path))
    app.add_url_rule("/", "index", lambda: str(session.get("user")))
    client = app.test_client()
    assert client.get("/").text == "None"
    changes, manager = app.config.changes, app.session_manager
    assert client.get("/").text == "None"
    assert (app.config.changes, app.session_manager) == (changes, manager)
