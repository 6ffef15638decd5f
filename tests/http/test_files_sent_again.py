"""A file that was sent before is answered from memory of that; the answer is the one that it would get without."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.http import http_date

from erlen import Erlen, Response, send_file, send_from_directory
from erlen.http import files

CONTENT = b"p { color: green }\n" * 50
CHANGED = 1_600_000_000
DATE = http_date(CHANGED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static folder with a style sheet of a known age."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "site.css").write_bytes(CONTENT)
    os.utime(folder / "site.css", (CHANGED, CHANGED))
    return folder


@pytest.fixture
def app(folder: Path) -> Erlen:
    """An application that sends the style sheet in many ways."""
    app = Erlen("sending", root_path=str(folder.parent))
    app.config["SESSION_TYPE"] = "memory"
    ways: dict[str, Callable[[], Response]] = {
        "path": lambda: send_file("static/site.css"),
        "attached": lambda: send_file("static/site.css", as_attachment=True, download_name="grün.css"),
        "typed": lambda: send_file("static/site.css", mimetype="text/plain", etag="mine", last_modified=CHANGED + 5),
        "kept": lambda: send_from_directory("static", "site.css", max_age=60),
        "never": lambda: send_from_directory("static", "site.css", max_age=lambda path: None),
        "plain": lambda: send_file("static/site.css", conditional=False, etag=False),
    }
    for name, way in ways.items():
        app.add_url_rule(f"/{name}", name, way)
    return app


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    files._sent.clear()
    yield
    files._sent.clear()


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, for the headers that tell the time."""
    monkeypatch.setattr("email.utils.time", SimpleNamespace(time=lambda: CHANGED + 100.5))
    monkeypatch.setattr("werkzeug.utils.time", lambda: CHANGED + 100.5)
    monkeypatch.setattr(files, "time", lambda: CHANGED + 100.5)


def ask(app: Erlen, path: str, method: str = "GET", **headers: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """What a client gets."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = app.test_client().open(path, method=method, headers=names, buffered=True)
    return answer.status_code, list(answer.headers), answer.data


PATHS = ["/static/site.css", "/path", "/attached", "/typed", "/kept", "/never", "/plain"]
CONDITIONS: list[dict[str, str]] = [
    {},
    {"If_None_Match": "{etag}"},
    {"If_None_Match": 'W/{etag}, "other"'},
    {"If_None_Match": '"other"'},
    {"If_None_Match": "*"},
    {"If_None_Match": '"other"', "If_Modified_Since": DATE},
    {"If_None_Match": "{etag}", "If_Modified_Since": http_date(0)},
    {"If_Modified_Since": DATE},
    {"If_Modified_Since": http_date(0)},
    {"If_Modified_Since": "tomorrow"},
    {"If_Match": '"other"'},
    {"If_Unmodified_Since": http_date(0)},
    {"Range": "bytes=0-4"},
    {"Range": "bytes=0-4", "If_Range": '"other"'},
    {"Range": "bytes=999999-"},
    {"If_Range": "{etag}"},
]


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("conditions", CONDITIONS, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_the_same_as_the_first(app: Erlen, path: str, conditions: dict[str, str], method: str) -> None:
    etag = dict(ask(app, path)[1]).get("ETag", '"none"')
    headers = {name: value.replace("{etag}", etag) for name, value in conditions.items()}
    files._sent.clear()
    first = ask(app, path, method, **headers)
    for _ in range(3):
        assert ask(app, path, method, **headers) == first


@pytest.mark.parametrize("path", ["/static/site.css", "/path"])
def test_from_the_third_request_on_nothing_is_worked_out(
    app: Erlen, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = ask(app, path), ask(app, path)
    monkeypatch.setattr(Response, "make_conditional", lambda *args, **kwargs: pytest.fail("worked out"))
    assert ask(app, path)[2] == first[2] == CONTENT


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_has_changed_is_sent_as_it_is_now(app: Erlen, folder: Path, path: str) -> None:
    before = [ask(app, path) for _ in range(3)][-1]
    (folder / "site.css").write_bytes(b"a {}")
    os.utime(folder / "site.css", (CHANGED + 1, CHANGED + 1))
    for _ in range(3):
        status, headers, body = ask(app, path)
        assert (status, body) == (200, b"a {}")
        assert dict(headers)["Content-Length"] == "4"
        if path not in ("/plain", "/typed"):
            assert dict(headers)["ETag"] != dict(before[1])["ETag"]


def test_a_file_that_is_gone_is_404_and_one_that_comes_back_is_sent(app: Erlen, folder: Path) -> None:
    for _ in range(3):
        assert ask(app, "/static/site.css")[0] == 200
    (folder / "site.css").unlink()
    assert ask(app, "/static/site.css")[0] == 404
    (folder / "site.css").mkdir()
    assert ask(app, "/static/site.css")[0] == 404
    (folder / "site.css").rmdir()
    (folder / "site.css").write_bytes(b"back")
    for _ in range(3):
        assert ask(app, "/static/site.css")[2] == b"back"


def test_a_type_that_is_registered_later_counts(app: Erlen, monkeypatch: pytest.MonkeyPatch) -> None:
    mimetypes.init()
    for _ in range(3):
        assert dict(ask(app, "/path")[1])["Content-Type"] == "text/css; charset=utf-8"
    monkeypatch.setitem(mimetypes.types_map, ".css", "text/x-style")
    assert mimetypes.guess_type("site.css")[0] == "text/x-style"
    for _ in range(3):
        assert dict(ask(app, "/path")[1])["Content-Type"] == "text/x-style; charset=utf-8"


def test_each_request_has_its_own_max_age(app: Erlen) -> None:
    ages = iter([5, 5, 5, 7, 7, None, None, 5, 5])
    app.add_url_rule("/aging", "aging", lambda: send_file("static/site.css", max_age=lambda path: next(ages)))
    seen = [dict(ask(app, "/aging")[1]).get("Cache-Control") for _ in range(9)]
    expected = ["public, max-age=5"] * 3 + ["public, max-age=7"] * 2 + ["no-cache"] * 2 + ["public, max-age=5"] * 2
    assert seen == expected


def test_what_a_hook_does_to_a_response_is_not_seen_by_the_next(app: Erlen) -> None:
    calls: list[int] = []

    @app.after_request
    def mark(response: Response) -> Response:
        calls.append(1)
        response.headers["X-Call"] = str(len(calls))
        return response

    for number in range(1, 5):
        headers = ask(app, "/path")[1]
        assert [value for name, value in headers if name == "X-Call"] == [str(number)]


def test_a_response_class_of_ones_own_decides_each_time(app: Erlen) -> None:
    class Own(Response):
        def make_conditional(self, *args: Any, **kwargs: Any) -> Any:
            self.headers["X-Own"] = "yes"
            return super().make_conditional(*args, **kwargs)

    for _ in range(3):
        ask(app, "/path")
    app.response_class = Own
    for _ in range(3):
        assert dict(ask(app, "/path")[1])["X-Own"] == "yes"


def test_memory_of_what_was_sent_is_bounded(app: Erlen, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 3)
    for number in range(10):
        (folder / f"{number}.txt").write_text(str(number))
        assert ask(app, f"/static/{number}.txt")[2] == str(number).encode()
        assert len(files._sent) <= 3
    ask(app, "/path", If_None_Match='"' + "x" * 1000 + '"')
    assert all(len(str(key)) < 1000 for key in files._sent)


def test_a_small_file_is_one_piece_for_a_server_without_a_file_wrapper(app: Erlen, folder: Path) -> None:
    (folder / "large.bin").write_bytes(b"x" * (files.SMALL + 1))
    with app.test_request_context() as context:
        environ = dict(context.request.environ)
    for path, kind in [("/static/site.css", list), ("/static/large.bin", None)]:
        body = app({**environ, "PATH_INFO": path}, lambda status, headers: None)
        pieces = list(body)
        assert (type(body) is list) is (kind is list)
        assert b"".join(pieces) == (folder / os.path.basename(path)).read_bytes()
        if kind is None:
            body.close()  # type: ignore[attr-defined]
            assert len(pieces) > 1


def test_the_file_of_a_response_can_be_read_by_a_hook(app: Erlen) -> None:
    sizes: list[int] = []

    @app.after_request
    def measure(response: Response) -> Response:
        assert response.direct_passthrough
        response.direct_passthrough = False
        sizes.append(len(response.get_data()))
        return response

    for _ in range(3):
        assert ask(app, "/path")[2] == CONTENT
    assert sizes == [len(CONTENT)] * 3
