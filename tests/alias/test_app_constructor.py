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


def test_the_root_path_has_no_say_in_the_instance_path(flask: Any, importable: Path) -> None:
    (importable / "app_module_four.py").write_text("")
    assert flask.Flask("app_module_four", root_path="/srv").instance_path == str(importable / "instance")


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


def test_a_resource_that_is_not_there(flask: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        flask.Flask("m", root_path=str(tmp_path)).open_resource("nothing")


# Where an application is, tells where its instance is: the layouts that the documentation draws.


@pytest.mark.parametrize(
    ("file", "import_name", "root", "instance"),
    [
        ("orchard.py", "orchard", "", "instance"),
        ("orchard/__init__.py", "orchard", "orchard", "instance"),
        ("orchard/trees.py", "orchard.trees", "orchard", "instance"),
        ("lib/python3.9/site-packages/orchard.py", "orchard", "lib/python3.9/site-packages", "var/orchard-instance"),
        (
            "lib/python3.9/site-packages/orchard/__init__.py", "orchard",
            "lib/python3.9/site-packages/orchard", "var/orchard-instance",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("imported", [True, False])
def test_root_and_instance_are_found_by_the_import_name(
    flask: Any,
    importable: Path,
    monkeypatch: Any,
    file: str,
    import_name: str,
    root: str,
    instance: str,
    imported: bool,
) -> None:
    place = importable / file
    place.parent.mkdir(parents=True, exist_ok=True)
    if "." in import_name:
        (place.parent / "__init__.py").touch()
    place.touch()
    if "site-packages" in file:
        monkeypatch.setattr(sys, "prefix", str(importable))
        monkeypatch.syspath_prepend(str(importable / "lib/python3.9/site-packages"))
    importlib.invalidate_caches()
    if imported:
        importlib.import_module(import_name)
    app = flask.Flask(import_name)
    assert app.root_path == str(importable / root)
    assert app.instance_path == str(importable / instance)


@pytest.mark.parametrize("path", ["apples", "./apples", "../apples", ""])
def test_an_instance_folder_is_named_from_the_root_of_the_disk(flask: Any, path: str) -> None:
    if not path:
        assert Path(flask.Flask("orchard", root_path="/", instance_path=None).instance_path).is_absolute()
        return
    with pytest.raises(ValueError, match="must be absolute"):
        flask.Flask("orchard", root_path="/", instance_path=path)


# Resources: a folder to read beside the code, and one to write in the instance.

POEM = "Blütenstaub, čáp, žluť"


@pytest.mark.parametrize("kind", ["application", "blueprint"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso8859-2"])
def test_what_lies_beside_the_code_is_read_as_text_or_bytes(
    flask: Any, tmp_path: Path, kind: str, encoding: str
) -> None:
    (tmp_path / "poems").mkdir()
    (tmp_path / "poems" / "spring").write_text(POEM, encoding=encoding)
    app = flask.Flask("orchard", root_path=str(tmp_path))
    owner = app if kind == "application" else flask.Blueprint("bed", "orchard", root_path=str(tmp_path))
    with owner.open_resource("poems/spring") as raw, owner.open_resource("poems/spring", "rb", encoding) as same:
        assert raw.read() == same.read() == POEM.encode(encoding)
    for mode in ("r", "rt"):
        with owner.open_resource("poems/spring", mode, encoding=encoding) as text:
            assert text.read() == POEM
    for mode in ("wt", "at", "xb", "r+b", "U"):
        with pytest.raises(ValueError, match="Resources can only be opened for reading"):
            owner.open_resource("poems/spring", mode)
    assert (tmp_path / "poems" / "spring").read_text(encoding=encoding) == POEM


def test_what_lies_in_the_instance_may_be_written_too(flask: Any, tmp_path: Path) -> None:
    app = flask.Flask("orchard", root_path="/", instance_path=str(tmp_path))
    with app.open_instance_resource("harvest.log", "x", encoding="iso8859-2") as log:
        log.write(POEM)
    with app.open_instance_resource("harvest.log", "ab") as log:
        log.write(b" 12")
    with app.open_instance_resource("harvest.log", "rt", "iso8859-2") as log:
        assert log.read() == f"{POEM} 12"
    with app.open_instance_resource("harvest.log") as log:
        assert log.read().endswith(b" 12")
