"""``send_file``, ``send_from_directory``, static files, streams."""

from __future__ import annotations

import io
import os
import pathlib
from datetime import timedelta
from typing import Any

import pytest
import werkzeug.exceptions


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_bytes(b"<h1>Hello</h1>\n")
    (tmp_path / "static" / "config.toml").write_bytes(b"x = 1\n")
    (tmp_path / "data.txt").write_bytes(b"0123456789")
    return tmp_path


@pytest.fixture
def app(flask: Any, folder: Any) -> Any:
    app = flask.Flask("alias_app", root_path=str(folder))
    app.config.update(TESTING=True, SECRET_KEY="k")
    return app


def test_a_path_is_relative_to_the_root_path(app: Any, flask: Any, folder: Any) -> None:
    with app.test_request_context():
        for path in ("static/index.html", pathlib.Path("static/index.html"), str(folder / "static/index.html")):
            response = flask.send_file(path)
            response.direct_passthrough = False
            assert response.data == b"<h1>Hello</h1>\n"
            assert response.mimetype == "text/html"
            assert response.last_modified is not None
            assert response.get_etag()[0]
            assert response.cache_control.no_cache
            assert response.cache_control.max_age is None
            response.close()


def test_send_file_needs_a_request(app: Any, flask: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of"):
        flask.send_file("data.txt")


def test_a_file_object_is_sent(app: Any, flask: Any) -> None:
    with app.test_request_context():
        response = flask.send_file(io.BytesIO(b"party at"), download_name="x.txt", as_attachment=True)
        response.direct_passthrough = False
        assert response.data == b"party at"
        assert response.headers["Content-Disposition"] == "attachment; filename=x.txt"
        assert response.mimetype == "text/plain"
        response = flask.send_file(io.BytesIO(b"x"), mimetype="image/png")
        assert response.mimetype == "image/png"
        assert response.content_length == 1
        with pytest.raises(ValueError, match="binary mode or use BytesIO"):
            flask.send_file(io.StringIO("x"), mimetype="text/plain")
        with pytest.raises(TypeError, match="attachment"):
            flask.send_file(io.BytesIO(b"x"), "a/b", as_attachment=True)
        with pytest.raises(TypeError, match="Unable to detect the MIME type"):
            flask.send_file(io.BytesIO(b"x"))


def test_a_missing_file_raises(app: Any, flask: Any) -> None:
    with app.test_request_context(), pytest.raises(FileNotFoundError):
        flask.send_file("missing.txt")


@pytest.mark.parametrize(
    ("options", "max_age"),
    [
        ({}, None),
        ({"max_age": 5}, 5),
        ({"max_age": 0}, 0),
        ({"max_age": lambda path: 7 if path.endswith("txt") else 8}, 7),
    ],
)
def test_max_age_has_its_sources(app: Any, flask: Any, options: Any, max_age: Any) -> None:
    with app.test_request_context():
        response = flask.send_file("data.txt", **options)
        assert response.cache_control.max_age == max_age
        response.close()


@pytest.mark.parametrize("value", [3600, timedelta(hours=1)])
def test_the_setting_for_max_age_counts(app: Any, flask: Any, value: Any) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = value
    with app.test_request_context():
        assert app.get_send_file_max_age("x") == 3600
        for response in (app.send_static_file("index.html"), flask.send_file("data.txt")):
            assert response.cache_control.max_age == 3600
            assert response.cache_control.no_cache is not True or response.cache_control.public
            response.close()


def test_get_send_file_max_age_is_overridden_on_the_application(flask: Any, folder: Any) -> None:
    class App(flask.Flask):
        def get_send_file_max_age(self, filename: Any) -> Any:
            return 60 if filename.lower().endswith(".txt") else super().get_send_file_max_age(filename)

    app = App("x", root_path=str(folder))
    with app.test_request_context():
        response = flask.send_file("data.txt")
        assert response.cache_control.max_age == 60
        response.close()
        response = app.send_static_file("index.html")
        assert response.cache_control.max_age is None
        response.close()


def test_get_send_file_max_age_is_overridden_on_the_blueprint(app: Any, flask: Any, folder: Any) -> None:
    class Bp(flask.Blueprint):
        def get_send_file_max_age(self, filename: Any) -> int:
            return 100

    bp = Bp("bp", "bp_module", static_folder="static", root_path=str(folder), url_prefix="/bp")
    app.register_blueprint(bp)
    with app.test_request_context():
        response = bp.send_static_file("index.html")
        assert response.cache_control.max_age == 100
        response.close()
    client = app.test_client()
    assert client.get("/bp/static/index.html", buffered=True).cache_control.max_age == 100
    assert client.get("/static/index.html", buffered=True).cache_control.max_age is None
    assert bp.get_send_file_max_age("x") == 100


def test_conditional_and_range_requests_are_answered(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: flask.send_file("data.txt"))
    app.add_url_rule("/no", "no", lambda: flask.send_file("data.txt", conditional=False, etag=False, last_modified=1))
    app.add_url_rule("/own", "own", lambda: flask.send_file("data.txt", etag="mine"))
    client = app.test_client()
    first = client.get("/", buffered=True)
    assert first.data == b"0123456789"
    assert client.get("/", buffered=True, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert (
        client.get("/", buffered=True, headers={"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 304
    )
    part = client.get("/", buffered=True, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert client.get("/", buffered=True, headers={"Range": "bytes=50-"}).status_code == 416
    plain = client.get("/no", buffered=True, headers={"Range": "bytes=2-4"})
    assert (plain.status_code, plain.data) == (200, b"0123456789")
    assert "ETag" not in plain.headers
    assert plain.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:01 GMT"
    assert client.get("/own", buffered=True).headers["ETag"] == '"mine"'
    assert client.head("/", buffered=True).headers["Content-Length"] == "10"


def test_sendfile_is_left_to_the_server_where_set(app: Any, flask: Any, folder: Any) -> None:
    app.config["USE_X_SENDFILE"] = True
    with app.test_request_context():
        response = flask.send_file("data.txt")
        assert response.headers["X-Sendfile"] == str(folder / "data.txt")
        response.close()


def test_send_from_directory_is_safe(app: Any, flask: Any, folder: Any) -> None:
    with app.test_request_context():
        for directory in ("static", pathlib.Path("static"), str(folder / "static")):
            response = flask.send_from_directory(directory, "index.html")
            response.direct_passthrough = False
            assert response.data == b"<h1>Hello</h1>\n"
            response.close()
        for path in ("../data.txt", "/etc/passwd", "missing", "..", "", "a/../../data.txt"):
            with pytest.raises(werkzeug.exceptions.NotFound):
                flask.send_from_directory("static", path)
        response = flask.send_from_directory("static", "config.toml", mimetype="a/b", max_age=1, download_name="n")
        assert (response.mimetype, response.cache_control.max_age) == ("a/b", 1)
        response.close()


def test_open_resource_reads_below_the_root_path(app: Any) -> None:
    with app.open_resource("static/index.html") as file:
        assert b"<h1>" in file.read()
    with app.open_resource("static/index.html", "r") as file:
        assert "<h1>" in file.read()
    for mode in ("w", "x", "a", "r+"):
        with pytest.raises(ValueError, match=r"(?i)reading"):
            app.open_resource("static/index.html", mode)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", None])
def test_open_resource_takes_an_encoding(app: Any, folder: Any, encoding: Any) -> None:
    (folder / "text").write_text("häß", encoding=encoding or "utf-8")
    with app.open_resource("text", "rt", **({} if encoding is None else {"encoding": encoding})) as file:
        assert file.read() == "häß"


def test_static_files_have_their_route(app: Any, flask: Any) -> None:
    client = app.test_client()
    response = client.get("/static/index.html", buffered=True)
    assert response.data == b"<h1>Hello</h1>\n"
    assert client.get("/static/missing", buffered=True).status_code == 404
    assert client.get("/static/../data.txt", buffered=True).status_code == 404
    assert client.post("/static/index.html").status_code == 405
    with app.test_request_context():
        assert flask.url_for("static", filename="index.html") == "/static/index.html"
        response = app.send_static_file("index.html")
        assert response.mimetype == "text/html"
        response.close()
    assert app.static_folder == os.path.join(app.root_path, "static")
    assert app.static_url_path == "/static"
    assert app.has_static_folder is True


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"static_url_path": "/foo"}, "/foo/index.html"),
        ({"static_url_path": "/foo/"}, "/foo/index.html"),
        ({"static_url_path": "/"}, "/index.html"),
        ({"static_url_path": "", "static_folder": "static"}, "/index.html"),
        ({"static_folder": "static/"}, "/static/index.html"),
        ({"static_folder": pathlib.Path("static")}, "/static/index.html"),
        ({"static_folder": "./static"}, "/static/index.html"),
    ],
)
def test_static_files_are_where_the_arguments_say(flask: Any, folder: Any, options: Any, url: str) -> None:
    app = flask.Flask("x", root_path=str(folder), **options)
    response = app.test_client().get(url, buffered=True)
    assert response.status_code == 200
    response.close()
    with app.test_request_context():
        assert flask.url_for("static", filename="index.html") == url


def test_without_a_static_folder_there_is_none(flask: Any, folder: Any) -> None:
    app = flask.Flask("x", root_path=str(folder), static_folder=None)
    assert app.static_folder is None
    assert app.has_static_folder is False
    assert app.test_client().get("/static/index.html").status_code == 404
    with app.test_request_context(), pytest.raises(RuntimeError, match="'static_folder' must be set"):
        app.send_static_file("x")
    assert not any(rule.endpoint == "static" for rule in app.url_map.iter_rules())
    assert app.static_url_path is None


def test_a_static_url_path_that_does_not_begin_with_a_slash(flask: Any) -> None:
    bp = flask.Blueprint("b", __name__, static_folder="s")
    assert bp.static_url_path == "/s"
    bp.static_folder = None
    assert bp.has_static_folder is False


# Streams.


def test_the_stream_sees_the_session_that_the_request_left(app: Any, flask: Any) -> None:
    @app.route("/")
    def index() -> Any:
        flask.session["test"] = "flask"

        @flask.stream_with_context
        def generate() -> Any:
            yield flask.session["test"]

        return flask.Response(generate())

    response = app.test_client().get("/")
    assert response.data == b"flask"
    assert "Set-Cookie" in response.headers


@pytest.mark.parametrize("streams", ["tuple", "plain", "response"])
def test_teardowns_run_after_the_stream(app: Any, flask: Any, streams: str) -> None:
    order: list[str] = []
    app.teardown_request(lambda e: order.append("teardown_request"))
    app.teardown_appcontext(lambda e: order.append("teardown_appcontext"))

    @app.route("/")
    def index() -> Any:
        @flask.stream_with_context
        def generate() -> Any:
            order.append("first")
            yield "a"
            assert flask.request.path == "/"
            order.append("second")
            yield "b"

        return {"tuple": (generate(), 200), "plain": generate(), "response": flask.Response(generate())}[streams]

    assert app.test_client().get("/").data == b"ab"
    assert order[-3:] == ["second", "teardown_request", "teardown_appcontext"]


def test_an_error_in_a_stream_comes_out(app: Any, flask: Any) -> None:
    @app.route("/")
    def index() -> Any:
        @flask.stream_with_context
        def generate() -> Any:
            yield "a"
            raise ZeroDivisionError("in the stream")

        return flask.Response(generate())

    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/").data  # noqa: B018


def test_without_a_request_it_is_refused(app: Any, flask: Any) -> None:
    def generate() -> Any:
        yield 1

    with pytest.raises(RuntimeError, match=r"can only be used when a request|Working outside of request context"):
        list(flask.stream_with_context(generate()))


def test_flashes_stand_in_the_session_and_count_as_a_change(app: Any, flask: Any) -> None:
    with app.test_request_context():
        flask.session.modified = False
        flask.flash("Zap")
        assert flask.session.modified
        flask.session.modified = False
        flask.flash("Zip", "x")
        assert flask.session.modified
        assert flask.session["_flashes"] == [("message", "Zap"), ("x", "Zip")]
        assert list(flask.get_flashed_messages()) == ["Zap", "Zip"]
        assert "_flashes" not in flask.session
        assert list(flask.get_flashed_messages()) == ["Zap", "Zip"]
        flask.flash("late")
        assert list(flask.get_flashed_messages()) == ["Zap", "Zip"]


def test_flashing_sends_a_signal(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    def note(sender: Any, **values: Any) -> None:
        seen.append((sender, values["message"], values["category"]))

    with app.test_request_context(), flask.message_flashed.connected_to(note, app):
        flask.flash("This is a flash message", category="notice")
    assert seen == [(app, "This is a flash message", "notice")]
