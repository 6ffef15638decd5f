"""Mistakes that debug mode explains, and exceptions that are trapped: what the settings are documented to do."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.exceptions import BadRequestKeyError, HTTPException


@pytest.fixture
def app(flask: Any) -> Any:
    museum = flask.Flask("museum")
    museum.testing = True

    @museum.post("/exhibits")
    def register() -> Any:
        return f"{flask.request.files['scan'].filename} for {flask.request.form['room']}"

    @museum.get("/tickets")
    def ticket() -> Any:
        return f"one for {flask.request.args['visitor']}"

    @museum.get("/vault")
    def vault() -> Any:
        flask.abort(451)

    return museum


def scan(name: str) -> dict[str, Any]:
    return {"scan": (io.BytesIO(b"II*\0"), name), "room": "3"}


def test_in_debug_mode_a_file_that_came_as_a_text_is_explained(app: Any, flask: Any) -> None:
    app.debug = True
    with pytest.raises(flask.debughelpers.DebugFilesKeyError) as caught:
        app.test_client().post("/exhibits", data={"scan": "amphora.tif", "room": "3"})
    assert isinstance(caught.value, KeyError)
    assert "multipart/form-data" in str(caught.value)
    assert app.test_client().post("/exhibits", data=scan("amphora.tif")).text == "amphora.tif for 3"


def test_without_debug_mode_it_is_a_bad_request_like_any_other(app: Any) -> None:
    assert app.test_client().post("/exhibits", data={"scan": "amphora.tif", "room": "3"}).status_code == 400


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("trap", [None, False, True])
def test_a_value_that_was_not_sent_is_trapped_as_the_setting_says(app: Any, debug: bool, trap: bool | None) -> None:
    app.debug = debug
    app.config["TRAP_BAD_REQUEST_ERRORS"] = trap
    visit = app.test_client().get
    assert visit("/tickets", query_string={"visitor": "Ada"}).text == "one for Ada"
    if debug if trap is None else trap:  # "If unset, it is enabled in debug mode."
        with pytest.raises(BadRequestKeyError) as caught:
            visit("/tickets")
        assert "visitor" in str(caught.value)
    else:
        answer = visit("/tickets")
        assert (answer.status_code, "visitor" in answer.text) == (400, debug)


def test_an_error_handler_goes_before_the_page_about_a_missing_value(app: Any) -> None:
    app.register_error_handler(400, lambda error: (f"{type(error).__name__}!", 422))
    answer = app.test_client().get("/tickets")
    assert (answer.status_code, answer.text) == (422, "BadRequestKeyError!")


@pytest.mark.parametrize("trap", [False, True])
def test_http_exceptions_are_raised_where_they_are_trapped(app: Any, trap: bool) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = trap
    visit = app.test_client().get
    for path, code in (("/vault", 451), ("/attic", 404)):
        if trap:
            with pytest.raises(HTTPException) as caught:
                visit(path)
            assert caught.value.code == code
        else:
            assert visit(path).status_code == code


def test_an_application_may_trap_by_a_rule_of_its_own(app: Any, flask: Any) -> None:
    class Strict(flask.Flask):
        def trap_http_exception(self, e: Exception) -> bool:
            return getattr(e, "code", None) == 418

    strict = Strict("strict")
    strict.testing = True
    strict.add_url_rule("/<int:code>", "any", lambda code: flask.abort(code))
    assert strict.test_client().get("/404").status_code == 404
    with pytest.raises(HTTPException, match="418"):
        strict.test_client().get("/418")


def test_a_redirect_that_loses_a_form_is_an_error_that_names_both_urls(app: Any, flask: Any) -> None:
    app.add_url_rule("/guestbook/", "guestbook", lambda: "", methods=["POST"])
    with app.test_request_context("/guestbook", method="POST", base_url="https://museum.example"):
        error = flask.debughelpers.FormDataRoutingRedirect(flask.request)
    assert isinstance(error, AssertionError)
    for url in ("https://museum.example/guestbook'", "https://museum.example/guestbook/'"):
        assert url in str(error)
