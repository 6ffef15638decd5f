"""Reading the body: forms, files and JSON, and the limits that keep a request from filling the memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.test import create_environ, encode_multipart
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen import Erlen, request
from erlen.http.request import Request


@pytest.fixture
def post(app: Erlen) -> Callable[..., Any]:
    """Post to an application that reads its form and answers with the fields, files and size it found."""

    @app.post("/")
    def read() -> dict[str, Any]:
        files = {key: file.read().decode() for key, file in request.files.items()}
        return {"form": request.form.to_dict(), "files": files}

    @app.post("/raw")
    def raw() -> bytes:
        return request.get_data()

    @app.post("/json")
    def read_json() -> dict[str, Any]:
        return {"json": request.json}

    return app.test_client().post


def test_a_form_a_file_and_raw_data_are_read(post: Callable[..., Any]) -> None:
    assert post("/", data={"a": "ü"}).json == {"form": {"a": "ü"}, "files": {}}
    answer = post("/", data={"a": "1", "f": (io.BytesIO(b"text"), "f.txt")})
    assert answer.json == {"form": {"a": "1"}, "files": {"f": "text"}}
    assert post("/raw", data=b"\x00\xff").data == b"\x00\xff"


def test_a_body_of_exactly_max_content_length_is_read_and_one_byte_more_is_413(
    app: Erlen, post: Callable[..., Any]
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10
    assert post("/raw", data=b"x" * 10).data == b"x" * 10
    assert post("/raw", data=b"x" * 11).status_code == 413
    assert post("/", data={"a": "x" * 9}).status_code == 413
    assert post("/json", json="x" * 9).status_code == 413


def test_a_request_may_raise_or_lift_its_own_content_length(app: Erlen, post: Callable[..., Any]) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10

    @app.before_request
    def allow() -> None:
        limit = request.args.get("limit")
        if limit is not None:
            request.max_content_length = int(limit) or None

    assert post("/raw?limit=20", data=b"x" * 20).status_code == 200
    assert post("/raw?limit=20", data=b"x" * 21).status_code == 413
    assert post("/raw?limit=0", data=b"x" * 1000).status_code == 200
    assert post("/raw?limit=5", data=b"x" * 6).status_code == 413
    assert post("/raw", data=b"x" * 11).status_code == 413


def test_a_body_of_unknown_length_is_limited_too(app: Erlen) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.add_url_rule("/", "read", lambda: request.get_data(), methods=["POST"])
    client = app.test_client()

    def send(body: bytes) -> Any:
        environ = create_environ("/", method="POST")
        environ.pop("CONTENT_LENGTH", None)
        environ.update({"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body)})
        return client.open(environ)

    assert send(b"x" * 10).data == b"x" * 10
    assert send(b"x" * 11).status_code == 413


def test_a_form_field_larger_than_max_form_memory_size_is_413_and_a_file_may_be(
    app: Erlen, post: Callable[..., Any]
) -> None:
    app.config["MAX_FORM_MEMORY_SIZE"] = 100_000
    small = {"a": "x" * 50, "f": (io.BytesIO(b"y" * 200_000), "f.txt")}
    assert post("/", data=small).json == {"form": {"a": "x" * 50}, "files": {"f": "y" * 200_000}}
    large = {"a": "x" * 100_001}
    assert post("/", data=large, content_type="multipart/form-data").status_code == 413


def test_a_form_with_more_parts_than_max_form_parts_is_413(app: Erlen, post: Callable[..., Any]) -> None:
    app.config["MAX_FORM_PARTS"] = 2

    def parts(count: int) -> dict[str, Any]:
        return {f"f{number}": "x" for number in range(count)}

    assert post("/", data=parts(2), content_type="multipart/form-data").status_code == 200
    assert post("/", data=parts(3), content_type="multipart/form-data").status_code == 413


@pytest.mark.parametrize(
    ("name", "key", "default"),
    [
        ("max_content_length", "MAX_CONTENT_LENGTH", None),
        ("max_form_memory_size", "MAX_FORM_MEMORY_SIZE", 500_000),
        ("max_form_parts", "MAX_FORM_PARTS", 1000),
    ],
)
def test_a_limit_is_the_setting_unless_the_request_has_its_own(
    app: Erlen, name: str, key: str, default: int | None
) -> None:
    assert getattr(Request({}), name) == default
    with app.test_request_context():
        assert getattr(request, name) == default
        app.config[key] = 7
        assert getattr(request, name) == 7
        setattr(request, name, None)
        assert getattr(request, name) is None
        setattr(request, name, 3)
        assert getattr(request, name) == 3
    with app.test_request_context():
        assert getattr(request, name) == 7


def test_limits_per_request_work_for_form_fields_and_parts(app: Erlen) -> None:
    def context(limit: str, value: int, data: dict[str, Any]) -> dict[str, str]:
        with app.test_request_context("/", method="POST", data=data, content_type="multipart/form-data"):
            setattr(request, limit, value)
            return request.form.to_dict()

    assert context("max_form_memory_size", 1000, {"a": "x"}) == {"a": "x"}
    with pytest.raises(RequestEntityTooLarge):
        context("max_form_memory_size", 1000, {"a": "x" * 1001})
    assert context("max_form_parts", 2, {"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    with pytest.raises(RequestEntityTooLarge):
        context("max_form_parts", 1, {"a": "1", "b": "2"})


def test_json_is_read_by_the_applications_provider(app: Erlen, post: Callable[..., Any]) -> None:
    assert post("/json", json={"ü": [1, None]}).json == {"json": {"ü": [1, None]}}
    app.json.loads = lambda text, **options: ["mine", bytes(text).decode()]  # type: ignore[method-assign]
    assert json.loads(post("/json", data="{}", content_type="application/json").text) == {"json": ["mine", "{}"]}
    with app.test_request_context():
        assert request.json_module is app.json
    assert Request({}).json_module is WerkzeugRequest.json_module


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_json_of_another_content_type_is_415(post: Callable[..., Any], content_type: str | None) -> None:
    answer = post("/json", data="{}", content_type=content_type)
    assert answer.status_code == 415
    assert "Content-Type was not" in answer.text
    assert "application/json" in answer.text


@pytest.mark.parametrize("content_type", ["application/json", "application/ld+json", "application/json; charset=utf-8"])
def test_json_types_are_accepted(post: Callable[..., Any], content_type: str) -> None:
    assert post("/json", data="[1]", content_type=content_type).json == {"json": [1]}


@pytest.mark.parametrize("text", ["{", "", "nan,", '{"a": }', b"\xff\xfe\xff"])
def test_json_that_is_none_is_400_without_details(post: Callable[..., Any], text: Any) -> None:
    answer = post("/json", data=text, content_type="application/json")
    assert answer.status_code == 400
    assert "Failed to decode" not in answer.text


def test_json_that_is_none_is_explained_in_debug_mode(app: Erlen, post: Callable[..., Any]) -> None:
    app.debug = True
    answer = post("/json", data='{"a": }', content_type="application/json")
    assert answer.status_code == 400
    assert "Failed to decode JSON object" in answer.text


def test_the_cause_of_bad_json_is_kept_for_error_handlers(app: Erlen) -> None:
    with (
        app.test_request_context("/", method="POST", data="{", content_type="application/json"),
        pytest.raises(BadRequest) as caught,
    ):
        request.get_json()
    assert "Failed to decode JSON object" in str(caught.value.__cause__)


def test_get_json_can_be_silent_or_forced(app: Erlen) -> None:
    with app.test_request_context("/", method="POST", data="{", content_type="application/json"):
        assert request.get_json(silent=True) is None
    with app.test_request_context("/", method="POST", data="[1]", content_type="text/plain"):
        assert request.get_json(silent=True) is None
        assert request.get_json(force=True) == [1]


def test_a_file_field_that_came_without_its_file_is_explained_in_debug_mode(app: Erlen) -> None:
    app.debug = True
    with app.test_request_context("/", method="POST", data={"photo": "me.png"}):
        with pytest.raises(KeyError) as caught:
            request.files["photo"]
        assert str(caught.value) == (
            "The form field 'photo' is no file: the browser sent a name only ('me.png'), because the form was sent as "
            "'application/x-www-form-urlencoded'. Write enctype=\"multipart/form-data\" in the <form> tag."
        )
        with pytest.raises(BadRequest):
            request.files["other"]
        assert "photo" not in request.files
        assert request.files.get("photo") is None
        assert len(request.files) == 0


def test_outside_of_debug_mode_a_missing_file_is_a_bad_request(app: Erlen) -> None:
    with app.test_request_context("/", method="POST", data={"photo": "me.png"}), pytest.raises(BadRequest):
        request.files["photo"]


def test_in_debug_mode_a_multipart_form_has_its_files(app: Erlen) -> None:
    app.debug = True
    data = {"f": (io.BytesIO(b"content"), "f.txt")}
    with app.test_request_context("/", method="POST", data=data):
        assert request.files["f"].read() == b"content"


def upload_to(app: Erlen, content: bytes) -> Any:
    boundary, body = encode_multipart({"f": FileStorage(io.BytesIO(content), "big.bin")})
    return app.test_client().post("/", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def test_uploaded_files_are_closed_with_the_request(app: Erlen) -> None:
    kept: list[Any] = []

    @app.post("/")
    def upload() -> str:
        kept.append(request.files["f"])
        return kept[0].filename

    assert upload_to(app, b"x" * 600_000).text == "big.bin"
    assert kept[0].stream.closed


def test_a_large_upload_is_kept_on_disk_and_can_be_saved(app: Erlen, tmp_path: Any) -> None:
    @app.post("/")
    def upload() -> str:
        request.files["f"].save(tmp_path / "saved.bin")
        return ""

    content = b"0123456789" * 100_000
    upload_to(app, content)
    assert (tmp_path / "saved.bin").read_bytes() == content


FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\ntext\r\n'


@pytest.mark.parametrize(
    ("body", "parts"),
    [(FILE + FILE + b"--b--\r\n", 1), (FILE, 9), (FILE + FILE + b"--b--\r\n", 9)],
    ids=["too many", "broken off", "whole"],
)
def test_every_file_of_a_form_is_closed_however_the_form_ends(body: bytes, parts: int) -> None:
    made: list[Any] = []

    class Noted(Request):
        def _get_file_stream(self, *args: Any, **named: Any) -> Any:
            made.append(super()._get_file_stream(*args, **named))
            return made[-1]

    asked = Noted(create_environ(method="POST", data=body, content_type="multipart/form-data; boundary=b"))
    asked.max_form_parts = parts
    try:
        held = len(asked.files.getlist("a"))
    except RequestEntityTooLarge:
        held = 0
    assert held == (2 if parts == 9 and len(body) > len(FILE) else 0)
    assert made
    assert [file.closed for file in made].count(False) == held
    asked.close()
    assert all(file.closed for file in made)
