"""What an application and a blueprint have in common: folders, files and the place of a module."""

from __future__ import annotations

import sys
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from erlen import Blueprint, Erlen, signals
from erlen.errors import SetupError
from erlen.packages import find_package, get_root_path
from erlen.scaffold import Scaffold
from erlen.steps import Steps


def test_a_module_with_a_file_has_its_folder_as_root(tmp_path: Path, monkeypatch: Any) -> None:
    assert get_root_path("json") == str(Path(sys.modules["json"].__file__ or "").parent)
    (tmp_path / "not_imported_yet.py").write_text("raise AssertionError('it must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert get_root_path("not_imported_yet") == str(tmp_path)


@pytest.mark.parametrize("name", ["no_such_module_at_all", "", "__nothing__.at.all"])
def test_a_name_that_is_no_module_has_the_working_directory(tmp_path: Path, monkeypatch: Any, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert get_root_path(name) == str(tmp_path)


def test_a_module_without_file_and_spec_has_the_working_directory(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    shell = types.ModuleType("a_shell")
    shell.__spec__ = None
    monkeypatch.setitem(sys.modules, "a_shell", shell)
    assert get_root_path("a_shell") == str(tmp_path)


def test_a_namespace_package_is_refused_with_what_to_write(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "namespace_only").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError) as caught:
        get_root_path("namespace_only")
    assert "No root path can be found for the provided module 'namespace_only'" in str(caught.value)
    assert "root_path='...'" in str(caught.value)
    with pytest.raises(RuntimeError, match="No root path"):
        get_root_path("sys")
    assert Blueprint("part", "namespace_only", root_path=str(tmp_path)).root_path == str(tmp_path)


def test_a_package_beside_the_application_is_not_installed(tmp_path: Path, monkeypatch: Any) -> None:
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("")
    (tmp_path / "single.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    importlib.invalidate_caches()
    for name in ("my_package", "my_package.part", "single"):
        importlib.import_module(name)
        assert find_package(name) == (None, str(tmp_path))
    app = Erlen("my_package")
    assert app.instance_path == str(tmp_path / "instance")


@pytest.mark.parametrize("name", ["no_such_package.part", "no_such_module_at_all", ""])
def test_what_cannot_be_imported_is_looked_for_in_the_working_directory(
    tmp_path: Path, monkeypatch: Any, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    prefix, folder = find_package(name)
    assert prefix is None
    assert tmp_path.is_relative_to(folder)


def test_a_package_below_the_prefix_is_installed_there(tmp_path: Path, monkeypatch: Any) -> None:
    site = tmp_path / "lib" / "python3" / "site-packages"
    site.mkdir(parents=True)
    (site / "installed_module.py").write_text("")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert find_package("installed_module") == (str(tmp_path), str(site))
    assert Erlen("installed_module").instance_path == str(tmp_path / "var" / "installed_module-instance")


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [
        ("env/lib/python3.11/site-packages", "env"),
        ("env/Lib/site-packages", "env"),
        ("env/other/site-packages", "env/other"),
    ],
)
def test_site_packages_elsewhere_belong_to_their_own_prefix(
    tmp_path: Path, monkeypatch: Any, folder: str, prefix: str
) -> None:
    site = tmp_path / folder
    site.mkdir(parents=True)
    (site / "elsewhere_module.py").write_text("")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    assert find_package("elsewhere_module") == (str(tmp_path / prefix), str(site))


def test_folders_may_be_paths_and_are_joined_to_the_root(tmp_path: Path) -> None:
    part = Blueprint(
        "part", __name__, static_folder=Path("files"), template_folder=Path("pages"), root_path=str(tmp_path)
    )
    assert part.static_folder == str(tmp_path / "files")
    assert part.jinja_loader is not None
    assert part.jinja_loader.searchpath == [str(tmp_path / "pages")]  # type: ignore[attr-defined]
    part.static_folder = str(tmp_path / "absolute") + "/"
    assert part.static_folder == str(tmp_path / "absolute")


def test_without_folders_there_are_none(tmp_path: Path) -> None:
    part = Blueprint("part", __name__, root_path=str(tmp_path))
    assert part.static_folder is None
    assert part.static_url_path is None
    assert not part.has_static_folder
    assert part.jinja_loader is None
    part.static_url_path = "/x/"
    assert part.static_url_path == "/x"
    part.static_url_path = None
    assert part.static_url_path is None


def test_send_static_file_without_a_folder_is_refused(app: Any) -> None:
    part = Blueprint("part", __name__)
    with app.test_request_context("/"), pytest.raises(RuntimeError, match="'static_folder' must be set"):
        part.send_static_file("a.css")


@pytest.mark.parametrize(("setting", "seconds"), [(None, None), (60, 60), (timedelta(hours=1), 3600), (0, 0)])
def test_the_time_to_keep_a_file_comes_from_the_configuration(app: Any, setting: Any, seconds: int | None) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = setting
    with app.app_context():
        assert app.get_send_file_max_age("a.css") == seconds


def test_a_blueprint_may_say_how_long_its_files_are_kept(app: Any, tmp_path: Path) -> None:
    class Part(Blueprint):
        def get_send_file_max_age(self, filename: str | None) -> int | None:
            return 100 if filename == "a.css" else None

    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.css").write_text("a")
    part = Part("part", __name__, static_folder="files", root_path=str(tmp_path), url_prefix="/part")
    app.register_blueprint(part)
    with app.test_client().get("/part/files/a.css") as response:
        assert response.cache_control.max_age == 100


def test_a_view_without_a_name_needs_an_endpoint(app: Any) -> None:
    class Page:
        def __call__(self) -> str:
            return "page"

    with pytest.raises(SetupError) as caught:
        app.add_url_rule("/", view_func=Page())
    assert "has no __name__ to be its endpoint: write endpoint='...' in its route." in str(caught.value)
    app.add_url_rule("/", "page", Page())
    assert app.test_client().get("/").text == "page"


def test_a_bare_scaffold_leaves_routes_and_checks_to_its_subclasses() -> None:
    bare = Scaffold(__name__)
    with pytest.raises(NotImplementedError):
        bare.add_url_rule("/")
    with pytest.raises(NotImplementedError):
        bare.before_request(lambda: None)
    with pytest.raises(NotImplementedError):
        Steps(__name__).session_manager  # noqa: B018


def test_route_takes_an_endpoint_and_may_be_applied_twice(app: Any) -> None:
    @app.route("/one", endpoint="named")
    @app.route("/two", endpoint="named")
    def view() -> str:
        return "x"

    assert list(app.view_functions) == ["static", "named"]
    assert app.test_client().get("/one").text == app.test_client().get("/two").text == "x"


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("before-render-template", signals.before_render_template),
        ("template-rendered", signals.template_rendered),
        ("request-started", signals.request_started),
        ("request-finished", signals.request_finished),
        ("request-tearing-down", signals.request_tearing_down),
        ("got-request-exception", signals.got_request_exception),
        ("appcontext-tearing-down", signals.appcontext_tearing_down),
        ("appcontext-pushed", signals.appcontext_pushed),
        ("appcontext-popped", signals.appcontext_popped),
        ("message-flashed", signals.message_flashed),
    ],
)
def test_the_signals_have_flasks_names_and_a_sentence_each(name: str, signal: Any) -> None:
    assert signal.name == name
    assert signal.__doc__
    assert not signal.receivers


def test_applications_may_have_signals_of_their_own(app: Any) -> None:
    model_saved = signals.Namespace().signal("model-saved")
    heard: list[Any] = []

    def receive(sender: Any, **values: Any) -> None:
        heard.append((sender, values))

    with model_saved.connected_to(receive, app):
        model_saved.send(app, number=5)
    assert heard == [(app, {"number": 5})]
