"""The static route where hosts are matched, and the static files of blueprints."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

REFUSED = pytest.raises(AssertionError, match="Invalid static_host/host_matching combination")


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "plan.txt").write_text("ground floor: fossils")
    return tmp_path


@pytest.mark.parametrize("folder", ["static", None])
@pytest.mark.parametrize("static_host", ["files.museum.test", None])
@pytest.mark.parametrize("host_matching", [True, False])
def test_where_hosts_are_matched_a_static_folder_needs_its_host(
    flask: Any, folder: str | None, static_host: str | None, host_matching: bool
) -> None:
    fits = folder is None or host_matching is (static_host is not None)
    outcome: AbstractContextManager[object] = nullcontext() if fits else REFUSED
    with outcome:
        app = flask.Flask("m", static_folder=folder, static_host=static_host, host_matching=host_matching)
        assert app.url_map.host_matching is host_matching
        assert [rule.host for rule in app.url_map.iter_rules()] == ([static_host] if folder else [])


def test_static_files_are_on_their_host_alone_and_other_hosts_link_to_it(flask: Any, museum: Path) -> None:
    app = flask.Flask("m", host_matching=True, static_host="files.museum.test", root_path=str(museum))

    @app.get("/rooms", host="<wing>.museum.test")
    def rooms(wing: str) -> list[str]:
        return [wing, flask.url_for("static", filename="plan.txt"), flask.url_for("rooms", wing=wing)]

    client = app.test_client()
    here = "http://files.museum.test/static/plan.txt"
    assert client.get("/rooms", base_url="http://east.museum.test").json == ["east", here, "/rooms"]
    assert client.get("/rooms", base_url="http://files.museum.test").json == ["files", "/static/plan.txt", "/rooms"]
    assert client.get(here, buffered=True).text == "ground floor: fossils"
    assert client.get("http://east.museum.test/static/plan.txt").status_code == 404
    assert client.get("http://zoo.test/rooms").status_code == 404


def test_the_folder_and_its_url_can_be_set_later(flask: Any, museum: Path) -> None:
    app = flask.Flask("m", root_path=str(museum))
    app.static_folder = "other/"
    assert app.static_folder == str(museum / "other")
    app.static_folder = museum / "static"
    assert app.static_folder == str(museum / "static")
    app.static_url_path = "/q/"
    assert app.static_url_path == "/q"
    app.static_url_path = None
    assert app.static_url_path == "/static"
    app.static_folder = None
    assert app.static_url_path is None


def test_a_blueprint_serves_its_own_files(flask: Any, museum: Path) -> None:
    app = flask.Flask("m", root_path=str(museum), static_folder=None)
    wing = flask.Blueprint("wing", "m", static_folder="static", root_path=str(museum), url_prefix="/wing")
    bare = flask.Blueprint("bare", "m", static_folder="static", static_url_path="/s2", root_path=str(museum))
    app.register_blueprint(wing)
    app.register_blueprint(bare)
    client = app.test_client()
    for url in ("/wing/static/plan.txt", "/s2/plan.txt"):
        assert client.get(url, buffered=True).text == "ground floor: fossils"
    assert client.get("/wing/static/none").status_code == 404
    with wing.open_resource("static/plan.txt") as file:
        assert file.read() == b"ground floor: fossils"
    with app.test_request_context():
        assert flask.url_for("wing.static", filename="plan.txt") == "/wing/static/plan.txt"
        nothing = flask.Blueprint("none", "m", root_path=str(museum))
        with pytest.raises(RuntimeError, match="'static_folder' must be set"):
            nothing.send_static_file("plan.txt")
