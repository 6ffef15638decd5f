"""The pages that HTTP exceptions are answered with are made once for each class, and never shown for another."""

from __future__ import annotations

import gc
import weakref

import pytest
from werkzeug.exceptions import (
    BadRequestKeyError,
    HTTPException,
    ImATeapot,
    NotFound,
    Unauthorized,
    default_exceptions,
)
from werkzeug.wrappers import Response

from erlen import Erlen, abort, request, session
from erlen.http.convert import page_of


@pytest.fixture
def app() -> Erlen:
    return Erlen("pages", static_folder=None)


@pytest.mark.parametrize("kind", default_exceptions.values())
def test_the_page_is_werkzeugs(kind: type[HTTPException]) -> None:
    error = kind()
    assert page_of(error) in (None, (error.get_body({}).encode(), f"{error.code} {error.name.upper()}"))
    assert page_of(error) is page_of(kind())


class Described(NotFound):
    description = "Not in the shelf."


class Branded(NotFound):
    def get_body(self, environ: object = None, scope: object = None) -> str:
        return "<h1>branded</h1>"


class Named(NotFound):
    @property
    def name(self) -> str:
        return "Lost"


@pytest.mark.parametrize(
    ("make", "status", "text"),
    [
        (lambda: NotFound(), 404, "entered the URL manually"),
        (lambda: NotFound("Own words"), 404, "<p>Own words</p>"),
        (lambda: Described(), 404, "Not in the shelf."),
        (lambda: Branded(), 404, "<h1>branded</h1>"),
        (lambda: Named(), 404, "<h1>Lost</h1>"),
        (lambda: ImATeapot(), 418, "teapot"),
        (lambda: NotFound(response=Response("whole", 410)), 410, "whole"),
        (lambda: BadRequestKeyError("field"), 400, "could not understand"),
    ],
)
def test_each_exception_is_answered_with_its_own_words(app: Erlen, make: object, status: int, text: str) -> None:
    @app.get("/")
    def view() -> str:
        raise make()  # type: ignore[operator]

    client = app.test_client()
    for _ in range(2):
        response = client.get("/")
        assert (response.status_code, text in response.text) == (status, True)


def test_an_exception_whose_code_was_changed_is_answered_with_it(app: Erlen) -> None:
    @app.get("/")
    def view() -> str:
        error = NotFound()
        error.code = 410
        raise error

    response = app.test_client().get("/")
    assert (response.status_code, "<title>410 Gone</title>" in response.text) == (410, True)


@pytest.mark.parametrize("code", [204, 304])
def test_an_exception_whose_status_has_no_body_is_answered_without_one(app: Erlen, code: int) -> None:
    class Bodiless(NotFound):
        pass

    @app.get("/<kind>")
    def view(kind: str) -> str:
        error = {"shared": NotFound, "own": Bodiless}[kind]()
        error.code = code
        raise error

    client = app.test_client()
    for kind in ("shared", "own"):
        response = client.get(f"/{kind}")
        assert (response.status_code, response.data, "Content-Length" in response.headers) == (code, b"", False)


def test_the_class_of_an_exception_that_a_function_made_is_not_kept() -> None:
    class Local(NotFound):
        pass

    page_of(Local())
    gone = weakref.ref(Local)
    del Local
    gc.collect()
    assert gone() is None


def test_words_that_are_changed_on_the_class_are_shown_at_once(app: Erlen, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    assert "entered the URL" in client.get("/nothing").text
    monkeypatch.setattr(NotFound, "description", "Changed.")
    assert "<p>Changed.</p>" in client.get("/nothing").text


def test_headers_of_an_exception_are_sent(app: Erlen) -> None:
    @app.get("/")
    def view() -> str:
        raise Unauthorized(www_authenticate=None)

    @app.post("/form")
    def form() -> str:
        return ""

    client = app.test_client()
    assert client.get("/").status_code == 401
    assert client.get("/form").headers["Allow"] == "OPTIONS, POST"


def test_a_page_has_the_headers_and_the_session_of_any_answer(app: Erlen) -> None:
    app.config["SECRET_KEY"] = "a key for the tests"
    app.config["SESSION_TYPE"] = "memory"

    @app.get("/")
    def view() -> str:
        session["name"] = request.args["name"]
        abort(404)

    response = app.test_client().get("/?name=ada")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.data))
    assert response.headers["Set-Cookie"].startswith("session=")
    assert app.test_client().head("/?name=ada").data == b""
