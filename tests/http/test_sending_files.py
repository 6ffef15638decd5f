"""send_file, send_from_directory and static files: types, names, ranges, conditions, and paths that lead elsewhere."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound

from erlen import Blueprint, Erlen, Response, send_file, send_from_directory
from erlen.testing import Client

CONTENT = b"0123456789" * 10


class Buffering(Client):
    """Reads each answer to its end and closes it, so that no file stays open."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return super().open(*args, buffered=True, **kwargs)


@pytest.fixture(autouse=True)
def _buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Erlen, "test_client_class", Buffering)


@pytest.fixture
def folder(app: Erlen, tmp_path: Path) -> Path:
    """A folder with files, beside a file that nobody may have, and two routes that send from it."""
    files = tmp_path / "files"
    (files / "deep").mkdir(parents=True)
    (files / "data.bin").write_bytes(CONTENT)
    (files / "page.html").write_text("<p>grün</p>", encoding="utf-8")
    (files / "deep" / "inner.txt").write_text("inner")
    (tmp_path / "secret.txt").write_text("secret")
    os.utime(files / "data.bin", (1_600_000_000, 1_600_000_000))

    @app.get("/from/<path:name>")
    def from_folder(name: str) -> Response:
        return send_from_directory("files", name)

    @app.get("/data")
    def data() -> Response:
        return send_file("files/data.bin")

    return files


def sent(app: Erlen, *args: Any, headers: dict[str, str] | None = None, **options: Any) -> Any:
    """What a client gets from a view that sends a file with these options."""
    app.add_url_rule("/file", "file", lambda: send_file(*args, **options))
    return app.test_client().get("/file", headers=headers)


def test_a_file_is_sent_with_type_length_date_and_etag(app: Erlen, folder: Path) -> None:
    answer = app.test_client().get("/data")
    assert answer.data == CONTENT
    assert answer.content_type == "application/octet-stream"
    assert answer.content_length == 100
    assert answer.last_modified == datetime.fromtimestamp(1_600_000_000, UTC)
    assert answer.get_etag()[0] is not None
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert type(answer.headers.get("Content-Disposition")) in (str, type(None))


def test_a_relative_path_starts_at_the_root_path_of_the_application(
    app: Erlen, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert app.test_client().get("/data").data == CONTENT


@pytest.mark.parametrize("path", ["str", "Path"])
def test_an_absolute_path_is_taken_as_it_is(app: Erlen, folder: Path, path: str) -> None:
    place = folder / "page.html"
    answer = sent(app, str(place) if path == "str" else place)
    assert answer.text == "<p>grün</p>"
    assert answer.content_type == "text/html; charset=utf-8"


def test_an_opened_file_needs_a_type_or_a_name(app: Erlen) -> None:
    with app.test_request_context():
        with pytest.raises(TypeError, match="mimetype"):
            send_file(io.BytesIO(b"x"))
        with pytest.raises(TypeError, match="download_name"):
            send_file(io.BytesIO(b"x"), mimetype="text/plain", as_attachment=True)
        with pytest.raises(ValueError, match="binary mode"):
            send_file(io.StringIO("x"), mimetype="text/plain")  # type: ignore[arg-type]


def test_an_opened_file_is_sent_and_closed(app: Erlen) -> None:
    opened = io.BytesIO(b"content")
    answer = sent(app, opened, download_name="a.txt")
    assert answer.data == b"content"
    assert answer.content_type == "text/plain; charset=utf-8"
    assert opened.closed


def test_a_type_may_be_given(app: Erlen, folder: Path) -> None:
    assert sent(app, "files/data.bin", mimetype="image/png").content_type == "image/png"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "attachment; filename=report.pdf"),
        ("two words.pdf", 'attachment; filename="two words.pdf"'),
        ("übersicht.pdf", "attachment; filename=ubersicht.pdf; filename*=UTF-8''%C3%BCbersicht.pdf"),
        ("报告.pdf", "attachment; filename=.pdf; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf"),
        ('a"b;c.pdf', 'attachment; filename="a\\"b;c.pdf"'),
    ],
)
def test_the_name_to_save_under_may_have_any_letters(app: Erlen, folder: Path, name: str, expected: str) -> None:
    answer = sent(app, "files/data.bin", as_attachment=True, download_name=name)
    assert answer.headers["Content-Disposition"] == expected
    assert answer.mimetype == "application/pdf"


def test_without_as_attachment_a_name_is_shown_inline(app: Erlen, folder: Path) -> None:
    answer = sent(app, "files/data.bin", download_name="übersicht.txt")
    assert answer.headers["Content-Disposition"].startswith("inline; filename=")
    assert answer.mimetype == "text/plain"


@pytest.mark.parametrize(
    ("range_", "status", "content_range", "body"),
    [
        ("bytes=0-9", 206, "bytes 0-9/100", CONTENT[:10]),
        ("bytes=90-", 206, "bytes 90-99/100", CONTENT[90:]),
        ("bytes=-5", 206, "bytes 95-99/100", CONTENT[-5:]),
        ("bytes=95-1000", 206, "bytes 95-99/100", CONTENT[95:]),
        ("bytes=0-0", 206, "bytes 0-0/100", b"0"),
        ("bytes=100-", 416, "bytes */100", None),
        ("bytes=9-3", 416, None, None),
        ("lines=1-2", 416, None, None),
    ],
)
def test_a_range_of_a_file_is_sent(
    app: Erlen, folder: Path, range_: str, status: int, content_range: str | None, body: bytes | None
) -> None:
    answer = app.test_client().get("/data", headers={"Range": range_})
    assert answer.status_code == status
    if content_range is not None:
        assert answer.headers["Content-Range"] == content_range
    if body is not None:
        assert answer.data == body
        assert answer.content_length == len(body)
        assert answer.headers["Accept-Ranges"] == "bytes"


def test_if_range_gives_the_whole_file_when_it_has_changed(app: Erlen, folder: Path) -> None:
    client = app.test_client()
    etag = client.get("/data").headers["ETag"]
    assert client.get("/data", headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    answer = client.get("/data", headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (answer.status_code, answer.data) == (200, CONTENT)


def test_conditional_requests_are_answered_with_304(app: Erlen, folder: Path) -> None:
    client = app.test_client()
    first = client.get("/data")
    for headers in ({"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}):
        answer = client.get("/data", headers=headers)
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == first.headers["ETag"]
    assert client.get("/data", headers={"If-None-Match": '"other"'}).data == CONTENT


def test_a_changed_file_has_another_etag(app: Erlen, folder: Path) -> None:
    client = app.test_client()
    first = client.get("/data").headers["ETag"]
    (folder / "data.bin").write_bytes(b"new")
    assert client.get("/data").headers["ETag"] != first


def test_without_conditional_neither_ranges_nor_conditions_are_looked_at(app: Erlen, folder: Path) -> None:
    answer = sent(app, "files/data.bin", conditional=False, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.data) == (200, CONTENT)


def test_an_etag_may_be_given_or_left_out(app: Erlen, folder: Path) -> None:
    assert sent(app, "files/data.bin", etag="mine").headers["ETag"] == '"mine"'


def test_without_an_etag_none_is_sent(app: Erlen, folder: Path) -> None:
    assert "ETag" not in sent(app, "files/data.bin", etag=False).headers


@pytest.mark.parametrize("date", [datetime(2020, 1, 1, tzinfo=UTC), 1_577_836_800, 1_577_836_800.5])
def test_the_date_of_change_may_be_given(app: Erlen, folder: Path, date: Any) -> None:
    answer = sent(app, "files/data.bin", last_modified=date)
    assert answer.headers["Last-Modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"


@pytest.mark.parametrize(
    ("max_age", "expected"),
    [
        (60, "public, max-age=60"),
        (0, "no-cache, max-age=0"),
        (timedelta(minutes=2), "public, max-age=120"),
        (lambda path: 7 if path.endswith("data.bin") else None, "public, max-age=7"),
        (lambda path: None, "no-cache"),
    ],
)
def test_max_age_is_given_in_seconds_as_a_timedelta_or_by_a_function(
    app: Erlen, folder: Path, max_age: Any, expected: str
) -> None:
    answer = sent(app, "files/data.bin", max_age=max_age)
    assert sorted(answer.headers["Cache-Control"].split(", ")) == sorted(expected.split(", "))
    assert ("Expires" in answer.headers) == ("max-age" in expected)


@pytest.mark.parametrize("setting", [300, timedelta(minutes=5)])
def test_the_default_max_age_is_a_setting(app: Erlen, folder: Path, setting: Any) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = setting
    for path in ("/data", "/from/page.html"):
        assert app.test_client().get(path).cache_control.max_age == 300


def test_a_subclass_may_choose_the_max_age_by_the_file(tmp_path: Path) -> None:
    class Choosy(Erlen):
        def get_send_file_max_age(self, filename: str | None) -> int | None:
            return 1 if filename is not None and filename.endswith(".css") else super().get_send_file_max_age(filename)

    app = Choosy("choosy", root_path=str(tmp_path))
    app.config["SESSION_TYPE"] = "memory"
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.css").write_text("p {}")
    (tmp_path / "static" / "a.js").write_text("1")
    client = app.test_client()
    assert client.get("/static/a.css").cache_control.max_age == 1
    assert client.get("/static/a.js").cache_control.max_age is None


def test_x_sendfile_leaves_the_file_to_the_server_in_front(app: Erlen, folder: Path) -> None:
    app.config["USE_X_SENDFILE"] = True
    answer = app.test_client().get("/data")
    assert answer.headers["X-Sendfile"] == str(folder / "data.bin")
    assert answer.data == b""


def test_head_has_the_length_of_the_file_and_no_body(app: Erlen, folder: Path) -> None:
    answer = app.test_client().head("/data")
    assert (answer.data, answer.content_length) == (b"", 100)


def test_files_from_a_folder_are_sent(app: Erlen, folder: Path) -> None:
    client = app.test_client()
    assert client.get("/from/data.bin").data == CONTENT
    assert client.get("/from/deep/inner.txt").text == "inner"


OUTSIDE = [
    "../secret.txt", "deep/../../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "..", ".", "deep", "missing.txt",
    "deep/../../../../../../etc/passwd", "/etc/passwd", "//etc/passwd", "..\\secret.txt", "deep/", "a\x00b", "%00",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leads_out_of_the_folder_or_to_no_file_is_404(app: Erlen, folder: Path, name: str) -> None:
    with app.test_request_context(), pytest.raises(NotFound):
        send_from_directory("files", name)
    answer = app.test_client().get(f"/from/{name}")
    assert answer.status_code in (404, 308)
    assert b"secret" not in answer.data


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(["..", ".", "", "deep", "files", "secret.txt", "\\", "~", "inner.txt", "x"])))
def test_no_mixture_of_dots_and_slashes_leads_out(app: Erlen, folder: Path, parts: list[str]) -> None:
    with app.test_request_context():
        try:
            response = send_from_directory(folder, "/".join(parts))
        except NotFound:
            return
    response.direct_passthrough = False
    assert response.get_data() == b"inner"
    response.close()


def test_send_from_directory_takes_the_options_of_send_file(app: Erlen, folder: Path) -> None:
    with app.test_request_context():
        response = send_from_directory(
            folder, Path("data.bin"), as_attachment=True, download_name="other.txt", max_age=timedelta(hours=1)
        )
    assert response.headers["Content-Disposition"] == "attachment; filename=other.txt"
    assert response.cache_control.max_age == 3600
    response.close()


def test_the_response_class_of_the_application_is_used_for_files(app: Erlen, folder: Path) -> None:
    class Own(Response):
        pass

    app.response_class = Own
    with app.test_request_context():
        response = send_file("files/data.bin")
        assert type(response) is Own
        response.close()


def test_the_file_wrapper_of_the_server_is_used(app: Erlen, folder: Path) -> None:
    class Wrapper:
        def __init__(self, file: Any, size: int = 8192) -> None:
            self.file = file

        def __iter__(self) -> Any:
            return iter(lambda: self.file.read(8192), b"")

        def close(self) -> None:
            self.file.close()

    app.add_url_rule("/whole", "whole", lambda: send_file("files/data.bin"))
    with app.test_request_context("/whole") as context:
        environ = dict(context.request.environ)
    environ["wsgi.file_wrapper"] = Wrapper
    body = app(environ, lambda status, headers: None)
    assert isinstance(body, Wrapper)  # the server knows its own class again, and may use sendfile(2)
    assert b"".join(body) == CONTENT
    body.close()


# Static files.


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A static folder with two files."""
    folder = tmp_path / "static"
    (folder / "css").mkdir(parents=True)
    (folder / "css" / "site.css").write_text("p {}")
    (folder / "ä b.txt").write_text("named")
    return folder


def test_static_files_are_served_at_the_name_of_their_folder(app: Erlen, static: Path) -> None:
    client = app.test_client()
    answer = client.get("/static/css/site.css")
    assert (answer.text, answer.content_type) == ("p {}", "text/css; charset=utf-8")
    assert client.get("/static/%C3%A4%20b.txt").text == "named"
    assert client.get("/static/../conftest.py").status_code == 404
    assert client.get("/static/missing.css").status_code == 404
    assert client.post("/static/css/site.css").status_code == 405
    with app.test_request_context():
        assert app.url_for("static", filename="css/site.css") == "/static/css/site.css"


def test_static_files_may_have_another_folder_and_url(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.txt").write_text("a")
    app = Erlen("assets_app", root_path=str(tmp_path), static_folder="assets/", static_url_path="/files/")
    assert app.static_folder == str(tmp_path / "assets")
    assert app.static_url_path == "/files"
    assert app.test_client().get("/files/a.txt").text == "a"
    assert app.test_client().get("/static/a.txt").status_code == 404


@pytest.mark.parametrize("url_path", ["", "/"])
def test_static_files_may_be_served_at_the_root(tmp_path: Path, url_path: str) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "robots.txt").write_text("all")
    app = Erlen("root_app", root_path=str(tmp_path), static_url_path=url_path)
    app.add_url_rule("/", "index", lambda: "index")
    assert app.test_client().get("/robots.txt").text == "all"
    assert app.test_client().get("/").text == "index"


def test_an_application_may_have_no_static_files(tmp_path: Path) -> None:
    app = Erlen("bare", root_path=str(tmp_path), static_folder=None)
    assert not app.has_static_folder
    assert app.static_folder is None
    assert app.static_url_path is None
    assert app.test_client().get("/static/a.txt").status_code == 404
    with app.test_request_context(), pytest.raises(RuntimeError, match="'static_folder' must be set"):
        app.send_static_file("a.txt")


def test_the_static_folder_may_be_a_path_object_anywhere(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a.txt").write_text("a")
    app = Erlen("anywhere", root_path=str(tmp_path), static_folder=elsewhere, static_url_path="/s")
    assert app.test_client().get("/s/a.txt").text == "a"


def test_a_blueprint_has_static_files_of_its_own(app: Erlen, tmp_path: Path) -> None:
    (tmp_path / "shop" / "static").mkdir(parents=True)
    (tmp_path / "shop" / "static" / "a.txt").write_text("shop")
    shop = Blueprint("shop", __name__, static_folder="static", url_prefix="/shop", root_path=str(tmp_path / "shop"))
    app.register_blueprint(shop)
    assert app.test_client().get("/shop/static/a.txt").text == "shop"
    with app.test_request_context():
        assert app.url_for("shop.static", filename="a.txt") == "/shop/static/a.txt"


def test_a_subclass_may_send_static_files_in_its_own_way(tmp_path: Path) -> None:
    class Own(Erlen):
        def send_static_file(self, filename: str) -> Any:
            return f"own {filename}"

    app = Own("own_app", root_path=str(tmp_path))
    assert app.test_client().get("/static/a.txt").text == "own a.txt"


def test_static_files_of_one_host_are_not_served_at_another(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("a")
    app = Erlen("hosts", root_path=str(tmp_path), static_host="static.test", host_matching=True)
    client = app.test_client()
    assert client.get("/static/a.txt", base_url="http://static.test").text == "a"
    assert client.get("/static/a.txt", base_url="http://www.test").status_code == 404


@pytest.mark.parametrize(("host", "matching"), [("static.test", False), (None, True)])
def test_a_static_host_and_host_matching_belong_together(host: str | None, matching: bool) -> None:
    with pytest.raises(ValueError, match="Invalid static_host/host_matching combination") as caught:
        Erlen("hosts", static_host=host, host_matching=matching)
    assert "write static_host='...', and only then" in str(caught.value)


def test_host_matching_without_static_files_needs_no_static_host() -> None:
    assert Erlen("hosts", host_matching=True, static_folder=None).url_map.host_matching
