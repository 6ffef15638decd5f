"""The arguments of the application and what is found by its import name."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: Any) -> Any:
    """A folder that is imported from; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) is None or str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def test_the_import_name_is_the_name(flask: Any) -> None:
    app = flask.Flask("some.module", root_path="/")
    assert app.import_name == "some.module"
    assert app.name == "some.module"


def test_main_is_called_after_its_file(flask: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/somewhere/shop.py", raising=False)
    assert flask.Flask("__main__", root_path="/").name == "shop"


def test_main_without_a_file_is_called_main(flask: Any, monkeypatch: Any) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    assert flask.Flask("__main__", root_path="/").name == "__main__"


def test_the_name_is_looked_up_once(flask: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/a/one.py", raising=False)
    app = flask.Flask("__main__", root_path="/")
    assert app.name == "one"
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/a/two.py", raising=False)
    assert app.name == "one"


def test_the_repr_names_class_and_application(flask: Any) -> None:
    assert repr(flask.Flask("shop", root_path="/")) == "<Flask 'shop'>"

    class Shop(flask.Flask):
        pass

    assert repr(Shop("shop", root_path="/")) == "<Shop 'shop'>"


def test_the_root_path_is_the_folder_of_the_module(flask: Any, importable: Path) -> None:
    (importable / "app_module_one.py").write_text("x = 1")
    app = flask.Flask("app_module_one")
    assert app.root_path == str(importable)


def test_the_root_path_of_a_package_is_its_folder(flask: Any, importable: Path) -> None:
    (importable / "app_package_one").mkdir()
    (importable / "app_package_one" / "__init__.py").write_text("")
    assert flask.Flask("app_package_one").root_path == str(importable / "app_package_one")


def test_an_unknown_import_name_means_the_working_directory(flask: Any) -> None:
    assert flask.Flask("there_is_no_such_module_here").root_path == os.getcwd()


def test_a_namespace_package_has_no_root_path(flask: Any, importable: Path) -> None:
    (importable / "name_space_one").mkdir()
    importlib.import_module("name_space_one")
    with pytest.raises(RuntimeError, match="No root path can be found for the provided module 'name_space_one'"):
        flask.Flask("name_space_one")


def test_a_namespace_package_with_a_root_path(flask: Any, importable: Path) -> None:
    (importable / "name_space_two").mkdir()
    app = flask.Flask("name_space_two", root_path=str(importable / "name_space_two"))
    assert app.root_path == str(importable / "name_space_two")
    assert app.instance_path == str(importable / "instance")


def test_a_relative_root_path_stays_as_it_is(flask: Any) -> None:
    assert flask.Flask("m", root_path="here").root_path == "here"


def test_an_instance_path_must_be_absolute(flask: Any) -> None:
    with pytest.raises(ValueError, match="must be absolute"):
        flask.Flask(__name__, instance_path="instance")


def test_an_instance_path_is_taken(flask: Any, tmp_path: Path) -> None:
    assert flask.Flask(__name__, instance_path=str(tmp_path)).instance_path == str(tmp_path)


def test_the_instance_path_of_main(flask: Any, importable: Path, monkeypatch: Any) -> None:
    (importable / "script.py").write_text("")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(importable / "script.py"), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    monkeypatch.chdir(importable)
    app = flask.Flask("__main__")
    assert app.root_path == str(importable)
    assert app.instance_path == str(importable / "instance")


def test_the_instance_path_of_a_module_lies_beside_it(flask: Any, importable: Path) -> None:
    (importable / "app_module_two.py").write_text("")
    assert flask.Flask("app_module_two").instance_path == str(importable / "instance")


@pytest.mark.parametrize("imported", [True, False])
def test_the_instance_path_of_a_package_lies_beside_it(flask: Any, importable: Path, imported: bool) -> None:
    (importable / "app_package_two").mkdir()
    (importable / "app_package_two" / "__init__.py").write_text("")
    if imported:
        importlib.import_module("app_package_two")
    assert flask.Flask("app_package_two").instance_path == str(importable / "instance")


def test_the_instance_path_of_a_module_in_a_package(flask: Any, importable: Path) -> None:
    package = importable / "app_package_three"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "web.py").write_text("")
    importlib.import_module("app_package_three.web")
    app = flask.Flask("app_package_three.web")
    assert app.root_path == str(package)
    assert app.instance_path == str(importable / "instance")


def _install(flask: Any, folder: Path, monkeypatch: Any, prefix: Path | None, name: str, package: bool) -> Any:
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    if prefix is not None:
        monkeypatch.setattr(sys, "prefix", str(prefix))
    if package:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
    else:
        (folder / f"{name}.py").write_text("")
    importlib.import_module(name)
    return flask.Flask(name)


@pytest.mark.parametrize("package", [True, False])
@pytest.mark.parametrize("library", [("lib", "python3.12"), ("Lib",)])
def test_an_installed_application_has_its_instance_under_var(
    flask: Any, importable: Path, monkeypatch: Any, library: tuple[str, ...], package: bool
) -> None:
    folder = importable.joinpath(*library) / "site-packages"
    name = f"app_installed_{package}_{len(library)}".lower()
    app = _install(flask, folder, monkeypatch, importable, name, package)
    assert app.instance_path == str(importable / "var" / f"{name}-instance")


@pytest.mark.parametrize("package", [True, False])
def test_an_application_below_site_packages_of_another_prefix(
    flask: Any, importable: Path, monkeypatch: Any, package: bool
) -> None:
    folder = importable / "elsewhere" / "lib" / "python3.12" / "site-packages"
    app = _install(flask, folder, monkeypatch, None, f"app_elsewhere_{package}".lower(), package)
    assert app.instance_path == str(importable / "elsewhere" / "var" / f"{app.name}-instance")


def test_an_application_in_site_packages_without_lib(flask: Any, importable: Path, monkeypatch: Any) -> None:
    app = _install(flask, importable / "plain" / "site-packages", monkeypatch, None, "app_plain_site", True)
    assert app.instance_path == str(importable / "plain" / "var" / "app_plain_site-instance")


def test_an_egg_has_its_instance_under_the_prefix(flask: Any, importable: Path, monkeypatch: Any) -> None:
    folder = importable / "lib" / "python3.12" / "site-packages" / "egg_app.egg"
    app = _install(flask, folder, monkeypatch, importable, "egg_app", True)
    assert app.instance_path == str(importable / "var" / "egg_app-instance")


def test_a_prefix_path_that_only_begins_the_same_is_no_prefix(flask: Any, importable: Path, monkeypatch: Any) -> None:
    app = _install(flask, importable / "project", monkeypatch, importable / "pro", "app_like_prefix", True)
    assert app.instance_path == str(importable / "project" / "instance")


def test_the_root_path_has_no_say_in_the_instance_path(flask: Any, importable: Path) -> None:
    (importable / "app_module_four.py").write_text("")
    assert flask.Flask("app_module_four", root_path="/srv").instance_path == str(importable / "instance")


def test_the_instance_path_of_a_package_in_a_namespace(flask: Any, importable: Path, monkeypatch: Any) -> None:
    for place in ("one", "two"):
        (importable / place / "name_space_three" / place).mkdir(parents=True)
        (importable / place / "name_space_three" / place / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(str(importable / place))
    importlib.invalidate_caches()
    for place in ("one", "two"):
        importlib.import_module(f"name_space_three.{place}")
        app = flask.Flask(f"name_space_three.{place}")
        assert app.root_path == str(importable / place / "name_space_three" / place)
        assert app.instance_path == str(importable / place / "instance")
    for name in ("name_space_three.one", "name_space_three.two", "name_space_three"):
        del sys.modules[name]


def test_auto_find_instance_path_may_be_overridden(flask: Any, tmp_path: Path) -> None:
    class Own(flask.Flask):
        def auto_find_instance_path(self) -> str:
            return str(tmp_path / "mine")

    assert Own(__name__).instance_path == str(tmp_path / "mine")


def test_auto_find_instance_path_can_be_called_again(flask: Any, importable: Path) -> None:
    (importable / "app_module_three.py").write_text("")
    app = flask.Flask("app_module_three", instance_path="/abs")
    assert app.auto_find_instance_path() == str(importable / "instance")


# Static files.


def test_static_defaults(flask: Any) -> None:
    app = flask.Flask("m", root_path="/srv")
    assert app.static_folder == os.path.join("/srv", "static")
    assert app.static_url_path == "/static"
    assert app.has_static_folder
    assert [str(rule) for rule in app.url_map.iter_rules()] == ["/static/<path:filename>"]
    assert "static" in app.view_functions


def test_no_static_folder_adds_no_rule(flask: Any) -> None:
    app = flask.Flask("m", root_path="/srv", static_folder=None)
    assert app.static_folder is None
    assert app.static_url_path is None
    assert not app.has_static_folder
    assert list(app.url_map.iter_rules()) == []


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("assets", "/assets"), ("assets/", "/assets"), ("a/b/c", "/c"), (Path("x") / "y", "/y"), ("/abs/files", "/files")],
)
def test_the_static_url_path_is_the_name_of_the_folder(flask: Any, folder: Any, expected: str) -> None:
    app = flask.Flask("m", root_path="/srv", static_folder=folder)
    assert app.static_url_path == expected
    assert isinstance(app.static_folder, str)


@pytest.mark.parametrize(("given", "kept"), [("/files", "/files"), ("/files/", "/files"), ("", ""), ("/", "")])
def test_the_static_url_path_loses_its_slash_at_the_end(flask: Any, given: str, kept: str) -> None:
    app = flask.Flask("m", root_path="/srv", static_url_path=given)
    assert app.static_url_path == kept
    assert [rule.rule for rule in app.url_map.iter_rules()] == [f"{kept}/<path:filename>"]


def test_a_static_url_path_without_a_slash_is_refused(flask: Any) -> None:
    with pytest.raises(ValueError, match="slash"):
        flask.Flask("m", root_path="/srv", static_url_path="files")


def test_the_static_folder_can_be_set_later(flask: Any) -> None:
    app = flask.Flask("m", root_path="/srv", static_folder=None)
    app.static_folder = "later/"
    assert app.static_folder == "/srv/later"
    assert app.static_url_path == "/later"
    app.static_folder = Path("other")
    assert app.static_folder == "/srv/other"
    app.static_folder = None
    assert app.static_folder is None
    app.static_url_path = "/x/"
    assert app.static_url_path == "/x"
    app.static_url_path = None
    assert app.static_url_path is None


def test_static_files_are_served(flask: Any, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "hello.txt").write_text("hi")
    app = flask.Flask("m", root_path=str(tmp_path), static_folder=tmp_path / "static", static_url_path="")
    response = app.test_client().get("/hello.txt")
    assert response.get_data() == b"hi"
    with app.test_request_context():
        assert flask.url_for("static", filename="hello.txt") == "/hello.txt"
        with pytest.raises(flask.app.NotFound if hasattr(flask.app, "NotFound") else Exception):
            app.send_static_file("nothing.txt")
    response.close()


def test_static_host_needs_host_matching(flask: Any) -> None:
    with pytest.raises(AssertionError, match="static_host/host_matching"):
        flask.Flask("m", root_path="/", static_host="example.com")
    with pytest.raises(AssertionError, match="static_host/host_matching"):
        flask.Flask("m", root_path="/", host_matching=True)
    flask.Flask("m", root_path="/", host_matching=True, static_folder=None)
    app = flask.Flask("m", root_path="/", host_matching=True, static_host="example.com")
    assert [rule.host for rule in app.url_map.iter_rules()] == ["example.com"]
    assert app.url_map.host_matching is True


def test_sending_a_static_file_without_a_folder_is_an_error(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", static_folder=None)
    with app.test_request_context(), pytest.raises(RuntimeError, match="'static_folder' must be set"):
        app.send_static_file("x")


def test_template_folder(flask: Any) -> None:
    assert flask.Flask("m", root_path="/srv").template_folder == "templates"
    app = flask.Flask("m", root_path="/srv", template_folder="views")
    assert app.jinja_loader.searchpath == ["/srv/views"]
    assert flask.Flask("m", root_path="/srv", template_folder=Path("views")).jinja_loader.searchpath == ["/srv/views"]
    assert flask.Flask("m", root_path="/srv", template_folder=None).jinja_loader is None


def test_subdomain_matching_is_kept(flask: Any) -> None:
    assert flask.Flask("m", root_path="/").subdomain_matching is False
    assert flask.Flask("m", root_path="/", subdomain_matching=True).subdomain_matching is True


def test_all_arguments_may_be_given_by_position(flask: Any, tmp_path: Path) -> None:
    app = flask.Flask("m", "/s", "files", None, False, True, "views", str(tmp_path / "inst"), True, str(tmp_path))
    assert app.static_url_path == "/s"
    assert app.static_folder == str(tmp_path / "files")
    assert app.subdomain_matching is True
    assert app.template_folder == "views"
    assert app.instance_path == str(tmp_path / "inst")
    assert app.config.root_path == str(tmp_path / "inst")
    assert app.root_path == str(tmp_path)


def test_the_configuration_is_relative_to_the_root_path_by_default(flask: Any, tmp_path: Path) -> None:
    assert flask.Flask("m", root_path=str(tmp_path)).config.root_path == str(tmp_path)


def test_the_containers_of_a_new_application(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", static_folder=None)
    assert app.extensions == {}
    assert app.blueprints == {}
    assert app.view_functions == {}
    assert app.error_handler_spec == {}
    assert app.before_request_funcs == {}
    assert app.after_request_funcs == {}
    assert app.teardown_request_funcs == {}
    assert app.teardown_appcontext_funcs == []
    assert app.url_value_preprocessors == {}
    assert app.url_default_functions == {}
    assert app.url_build_error_handlers == []
    assert app.shell_context_processors == []
    assert isinstance(app.extensions, dict)
    assert app.import_name == "m"


def test_the_classes_of_an_application(flask: Any) -> None:
    cls = flask.Flask
    assert cls.request_class is flask.Request
    assert cls.response_class is flask.Response
    assert cls.config_class is flask.Config
    assert cls.app_ctx_globals_class is flask.ctx._AppCtxGlobals
    assert cls.session_interface.__class__ is flask.sessions.SecureCookieSessionInterface
    assert cls.json_provider_class is flask.json.provider.DefaultJSONProvider
    assert cls.jinja_environment is flask.templating.Environment
    assert cls.test_client_class is None
    assert cls.test_cli_runner_class is None
    assert cls.jinja_options == {}
    assert "DEBUG" in cls.default_config
    from werkzeug.exceptions import Aborter

    assert cls.aborter_class is Aborter
    assert isinstance(cls.url_rule_class, type)
    assert isinstance(cls.url_map_class, type)


# Resources.


def test_resources_are_opened_beside_the_module(flask: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("grün", encoding="utf-8")
    app = flask.Flask("m", root_path=str(tmp_path))
    with app.open_resource("data/x.txt") as file:
        assert file.read() == "grün".encode()
    for mode in ("r", "rt"):
        with app.open_resource("data/x.txt", mode) as file:
            assert file.read() == "grün"
    with app.open_resource("data/x.txt", "r", encoding="latin-1") as file:
        assert file.read() == "grÃ¼n"
    with app.open_resource("data/x.txt", "rb", encoding="latin-1") as file:
        assert isinstance(file.read(), bytes)


@pytest.mark.parametrize("mode", ["w", "x", "a", "r+", "wb", "rb+", "br", "tr"])
def test_resources_are_opened_for_reading_only(flask: Any, mode: str) -> None:
    app = flask.Flask("m", root_path="/")
    with pytest.raises(ValueError, match="Resources can only be opened for reading"):
        app.open_resource("x", mode)


def test_a_resource_that_is_not_there(flask: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        flask.Flask("m", root_path=str(tmp_path)).open_resource("nothing")


def test_instance_resources_may_be_written(flask: Any, tmp_path: Path) -> None:
    app = flask.Flask("m", root_path=str(tmp_path), instance_path=str(tmp_path))
    with app.open_instance_resource("a.txt", "w") as file:
        file.write("grün")
    assert (tmp_path / "a.txt").read_bytes() == "grün".encode()
    with app.open_instance_resource("a.txt") as file:
        assert file.read() == "grün".encode()
    with app.open_instance_resource("a.txt", "r") as file:
        assert file.read() == "grün"
    with app.open_instance_resource("a.txt", "a", encoding="latin-1") as file:
        file.write("ü")
    assert (tmp_path / "a.txt").read_bytes() == "grün".encode() + b"\xfc"


def test_blueprints_open_resources_too(flask: Any, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    bp = flask.Blueprint("bp", "m", root_path=str(tmp_path))
    with bp.open_resource("x.txt", "r") as file:
        assert file.read() == "x"
    with pytest.raises(ValueError, match="Resources can only be opened for reading"):
        bp.open_resource("x.txt", "w")
