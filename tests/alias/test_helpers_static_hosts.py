"""The static route where hosts are matched, and the static files of blueprints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "s.txt").write_text("static")
    return tmp_path


@pytest.mark.parametrize("options", [{"static_host": "example.com"}, {"host_matching": True}])
def test_a_static_host_and_host_matching_go_together(flask: Any, options: Any) -> None:
    with pytest.raises(AssertionError, match="Invalid static_host/host_matching combination"):
        flask.Flask("x", **options)


def test_the_static_route_has_its_host(flask: Any, folder: Path) -> None:
    app = flask.Flask("x", host_matching=True, static_host="example.com", root_path=str(folder))
    client = app.test_client()
    assert client.get("/static/s.txt", base_url="http://example.com", buffered=True).status_code == 200
    assert client.get("/static/s.txt", base_url="http://other.com", buffered=True).status_code == 404
    with app.test_request_context():
        assert flask.url_for("static", filename="s.txt", _external=True) == "http://example.com/static/s.txt"
    assert flask.Flask("x", host_matching=True, static_folder=None).has_static_folder is False


def test_the_folder_and_its_url_can_be_set_later(flask: Any, folder: Path) -> None:
    app = flask.Flask("x", root_path=str(folder))
    app.static_folder = "other/"
    assert app.static_folder == str(folder / "other")
    app.static_folder = folder / "static"
    assert app.static_folder == str(folder / "static")
    app.static_url_path = "/q/"
    assert app.static_url_path == "/q"
    app.static_url_path = None
    assert app.static_url_path == "/static"
    app.static_folder = None
    assert app.static_url_path is None


def test_a_blueprint_serves_its_own_files(flask: Any, folder: Path) -> None:
    app = flask.Flask("x", root_path=str(folder), static_folder=None)
    bp = flask.Blueprint("bp", "m", static_folder="static", root_path=str(folder), url_prefix="/bp")
    bare = flask.Blueprint("bare", "m", static_folder="static", static_url_path="/s2", root_path=str(folder))
    app.register_blueprint(bp)
    app.register_blueprint(bare)
    client = app.test_client()
    for url in ("/bp/static/s.txt", "/s2/s.txt"):
        assert client.get(url, buffered=True).data == b"static"
    assert client.get("/bp/static/none").status_code == 404
    with bp.open_resource("static/s.txt") as file:
        assert file.read() == b"static"
    with app.test_request_context():
        assert flask.url_for("bp.static", filename="s.txt") == "/bp/static/s.txt"
        nothing = flask.Blueprint("none", "m", root_path=str(folder))
        with pytest.raises(RuntimeError, match="'static_folder' must be set"):
            nothing.send_static_file("s.txt")
