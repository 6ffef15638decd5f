"""``send_file``, ``send_from_directory``, static files, resources, and which of them are kept by browsers."""

from __future__ import annotations

import io
import os
import pathlib
from datetime import timedelta
from typing import Any

import pytest
import werkzeug.exceptions

LETTER = bytes(range(65, 91))


@pytest.fixture
def archive(tmp_path: Any) -> Any:
    for name, content in {
        "static/hours.csv": b"mon,9-17\n",
        "static/maps/old town.svg": b"<svg/>",
        "letters/1912.txt": LETTER,
        "letters/seal.bin": b"\x00\x01",
        "secret.txt": b"not for readers",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def app(flask: Any, archive: Any) -> Any:
    app = flask.Flask("alias_app", root_path=str(archive))
    app.config.update(TESTING=True, SECRET_KEY="k")
    return app


def read(response: Any) -> bytes:
    """Return the body of a response that no server has sent, and close it."""
    response.direct_passthrough = False
    body: bytes = response.data
    response.close()
    return body


# send_file.


@pytest.mark.parametrize("kind", [str, pathlib.Path])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_file_is_found_below_the_root_path(app: Any, flask: Any, archive: Any, kind: Any, absolute: bool) -> None:
    path = kind(archive / "letters/1912.txt") if absolute else kind("letters/1912.txt")
    with app.test_request_context():
        response = flask.send_file(path)
        assert response.mimetype == "text/plain"
        assert response.content_length == 26
        assert int(response.last_modified.timestamp()) == int((archive / "letters/1912.txt").stat().st_mtime)
        assert response.get_etag()[0]
        assert read(response) == LETTER


def test_a_file_that_is_not_there_and_a_call_without_a_request_fail(app: Any, flask: Any) -> None:
    with app.test_request_context(), pytest.raises(FileNotFoundError):
        flask.send_file("letters/1913.txt")
    with pytest.raises(RuntimeError, match="Working outside of"):
        flask.send_file("letters/1912.txt")


@pytest.mark.parametrize(
    ("options", "mimetype", "disposition"),
    [
        ({"mimetype": "image/webp"}, "image/webp", None),
        ({"download_name": "seal.png"}, "image/png", "inline; filename=seal.png"),
        ({"download_name": "s.png", "mimetype": "image/x-seal"}, "image/x-seal", "inline; filename=s.png"),
        ({"download_name": "seal.png", "as_attachment": True}, "image/png", "attachment; filename=seal.png"),
        (
            {"download_name": "Köln.pdf", "as_attachment": True},
            "application/pdf",
            "attachment; filename=Koln.pdf; filename*=UTF-8''K%C3%B6ln.pdf",
        ),
    ],
)
def test_a_file_in_memory_has_the_name_and_the_type_that_it_is_given(
    app: Any, flask: Any, options: Any, mimetype: str, disposition: str | None
) -> None:
    with app.test_request_context():
        response = flask.send_file(io.BytesIO(b"wax"), **options)
        assert response.mimetype == mimetype
        assert response.headers.get("Content-Disposition") == disposition
        assert response.content_length == 3
        assert read(response) == b"wax"


@pytest.mark.parametrize(
    ("file", "options", "error", "message"),
    [
        (io.StringIO("wax"), {"mimetype": "text/plain"}, ValueError, "binary mode or use BytesIO"),
        (io.BytesIO(b"wax"), {}, TypeError, "Unable to detect the MIME type"),
        (io.BytesIO(b"wax"), {"mimetype": "a/b", "as_attachment": True}, TypeError, "attachment"),
    ],
)
def test_a_file_in_memory_that_lacks_what_is_needed_is_refused(
    app: Any, flask: Any, file: Any, options: Any, error: Any, message: str
) -> None:
    with app.test_request_context(), pytest.raises(error, match=message):
        flask.send_file(file, **options)


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 200, LETTER),
        ({"If-None-Match": '"other"'}, 200, LETTER),
        ({"If-None-Match": '"sealed"'}, 304, b""),
        ({"If-Modified-Since": "Fri, 02 Jan 1970 00:00:00 GMT"}, 304, b""),
        ({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:09 GMT"}, 200, LETTER),
        ({"Range": "bytes=23-"}, 206, b"XYZ"),
        ({"Range": "bytes=-2"}, 206, b"YZ"),
        ({"Range": "bytes=0-0"}, 206, b"A"),
        ({"Range": "bytes=26-30"}, 416, None),
        ({"Range": "bytes=0-4", "If-Range": '"sealed"'}, 206, b"ABCDE"),
        ({"Range": "bytes=0-4", "If-Range": '"other"'}, 200, LETTER),
    ],
)
@pytest.mark.parametrize("conditional", [True, False])
def test_a_request_gets_as_much_of_a_file_as_it_lacks(
    app: Any, flask: Any, headers: dict[str, str], status: int, body: bytes | None, conditional: bool
) -> None:
    @app.get("/letter")
    def letter() -> Any:
        return flask.send_file("letters/1912.txt", etag="sealed", last_modified=10, conditional=conditional)

    response = app.test_client().get("/letter", headers=headers, buffered=True)
    if not conditional:
        status, body = 200, LETTER
    assert response.status_code == status
    assert body is None or response.data == body
    if status < 300:
        assert response.headers["ETag"] == '"sealed"'
        assert response.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:10 GMT"


def test_a_file_is_left_to_the_server_where_that_is_set(app: Any, flask: Any, archive: Any) -> None:
    app.config["USE_X_SENDFILE"] = True
    app.add_url_rule("/seal", "seal", lambda: flask.send_from_directory("letters", "seal.bin"))
    response = app.test_client().get("/seal", buffered=True)
    assert response.headers["X-Sendfile"] == str(archive / "letters" / "seal.bin")


# How long browsers keep a file.


@pytest.mark.parametrize(
    ("setting", "argument", "header"),
    [
        (None, {}, "no-cache"),
        (None, {"max_age": 40}, "public, max-age=40"),
        (75, {}, "public, max-age=75"),
        (timedelta(minutes=4), {}, "public, max-age=240"),
        (75, {"max_age": 0}, "no-cache, max-age=0"),
        (75, {"max_age": lambda path: len(os.path.basename(path))}, "public, max-age=8"),
    ],
)
def test_an_argument_counts_before_the_setting(app: Any, flask: Any, setting: Any, argument: Any, header: str) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = setting
    app.add_url_rule("/letter", "letter", lambda: flask.send_file("letters/1912.txt", **argument))
    response = app.test_client().get("/letter", buffered=True)
    assert response.headers["Cache-Control"] == header


def test_each_owner_of_files_may_say_how_long_they_are_kept(flask: Any, archive: Any) -> None:
    """The application for its files and those that views send, a blueprint for its static files."""

    class Archive(flask.Flask):
        def get_send_file_max_age(self, filename: str | None) -> Any:
            return 9 if filename and "maps" in filename else super().get_send_file_max_age(filename)

    class Room(flask.Blueprint):
        def get_send_file_max_age(self, filename: str | None) -> int:
            return 700 + len(filename or "")

    app = Archive("archive", root_path=str(archive))
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(seconds=33)
    room = Room("room", "archive", static_folder="static", root_path=str(archive), url_prefix="/room")
    plain = flask.Blueprint("plain", "archive", static_folder="static", root_path=str(archive), url_prefix="/plain")
    app.register_blueprint(room)
    app.register_blueprint(plain)
    app.add_url_rule("/letter", "letter", lambda: flask.send_file("letters/1912.txt"))
    client = app.test_client()
    ages = {
        url: client.get(url, buffered=True).cache_control.max_age
        for url in (
            "/static/hours.csv",
            "/static/maps/old%20town.svg",
            "/letter",
            "/room/static/hours.csv",
            "/plain/static/hours.csv",
        )
    }
    assert list(ages.values()) == [33, 9, 33, 709, 33]


# send_from_directory.


@pytest.mark.parametrize("directory", ["static", "./static/", pathlib.Path("static"), None])
def test_a_directory_is_below_the_root_path_or_absolute(app: Any, flask: Any, archive: Any, directory: Any) -> None:
    with app.test_request_context():
        response = flask.send_from_directory(
            directory or archive / "static", "maps/old town.svg", max_age=6, download_name="plan.svg"
        )
        assert response.cache_control.max_age == 6
        assert response.headers["Content-Disposition"] == "inline; filename=plan.svg"
        assert read(response) == b"<svg/>"


@pytest.mark.parametrize(
    "path", ["hours.cs", "maps", "", ".", "../secret.txt", "maps/../../secret.txt", "/secret.txt", "maps/", "\0"]
)
def test_what_is_no_file_in_the_directory_is_not_found(app: Any, flask: Any, path: str) -> None:
    with app.test_request_context(), pytest.raises(werkzeug.exceptions.NotFound):
        flask.send_from_directory("static", path)


# open_resource.


@pytest.mark.parametrize(("mode", "kind"), [(None, bytes), ("rb", bytes), ("r", str), ("rt", str)])
def test_a_resource_is_opened_for_reading(app: Any, mode: str | None, kind: type) -> None:
    with app.open_resource("static/hours.csv", *([mode] if mode else [])) as file:
        content = file.read()
    assert type(content) is kind
    assert not file.writable()


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "rw", ""])
def test_a_resource_is_opened_for_nothing_else(app: Any, archive: Any, mode: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)reading"):
        app.open_resource("letters/1912.txt", mode)
    assert (archive / "letters/1912.txt").read_bytes() == LETTER


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_a_resource_of_text_may_have_another_encoding(app: Any, archive: Any, encoding: str) -> None:
    (archive / "catalogue").write_text("Führer durch Łódź"[:6], encoding=encoding)
    with app.open_resource("catalogue", "r", encoding=encoding) as file:
        assert file.read() == "Führer"
    if encoding == "utf-8":
        with app.open_resource("catalogue", "rt") as file:
            assert file.read() == "Führer"
    with app.open_resource("catalogue", "rb", encoding=encoding) as file:
        assert file.read() == "Führer".encode(encoding)


# Static files.


def test_static_files_have_their_route(app: Any, flask: Any) -> None:
    client = app.test_client()
    for name in ("hours.csv", "maps/old town.svg"):
        with app.test_request_context():
            url = flask.url_for("static", filename=name)
            by_hand = read(app.send_static_file(name))
        assert client.get(url, buffered=True).data == by_hand
    assert client.get("/static/secret.txt").status_code == 404
    assert client.get("/static/../secret.txt").status_code == 404
    assert client.put("/static/hours.csv").status_code == 405


@pytest.mark.parametrize(
    ("options", "prefix"),
    [
        ({}, "/static"),
        ({"static_folder": "letters"}, "/letters"),
        ({"static_folder": "letters/"}, "/letters"),
        ({"static_folder": pathlib.Path("static") / "maps"}, "/maps"),
        ({"static_url_path": "/files/public"}, "/files/public"),
        ({"static_url_path": "/files/public/"}, "/files/public"),
        ({"static_url_path": "/", "static_folder": "letters"}, ""),
        ({"static_url_path": ""}, ""),
    ],
)
def test_static_files_are_where_the_arguments_say(flask: Any, archive: Any, options: Any, prefix: str) -> None:
    app = flask.Flask("x", root_path=str(archive), **options)
    folder = archive / options.get("static_folder", "static")
    assert (app.static_url_path, app.static_folder) == (prefix, str(folder))
    assert app.has_static_folder is True
    for path in folder.glob("*.*"):
        with app.test_request_context():
            assert flask.url_for("static", filename=path.name).startswith(f"{prefix}/")
        assert app.test_client().get(f"{prefix}/{path.name}", buffered=True).data == path.read_bytes()


def test_without_a_static_folder_there_is_neither_route_nor_file(flask: Any, archive: Any) -> None:
    app = flask.Flask("x", root_path=str(archive), static_folder=None)
    assert (app.static_folder, app.static_url_path, app.has_static_folder) == (None, None, False)
    assert list(app.url_map.iter_rules()) == []
    with app.test_request_context(), pytest.raises(RuntimeError, match="'static_folder' must be set"):
        app.send_static_file("hours.csv")


def test_a_blueprint_without_a_url_for_its_folder_takes_the_name_of_the_folder(flask: Any) -> None:
    bp = flask.Blueprint("b", __name__, static_folder="s")
    assert bp.static_url_path == "/s"
    bp.static_folder = None
    assert bp.has_static_folder is False
