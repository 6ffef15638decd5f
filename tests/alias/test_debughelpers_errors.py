"""``flask.debughelpers``: what debug mode says about mistakes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest, BadRequestKeyError


@pytest.fixture
def app(flask: Any) -> Any:
    app = flask.Flask("debug_app")
    app.testing = True

    @app.route("/upload", methods=["POST"])
    def upload() -> Any:
        return flask.request.files["photo"].filename

    @app.route("/key", methods=["GET", "POST"])
    def key() -> Any:
        return flask.request.form["missing_key"]

    @app.route("/args")
    def args() -> Any:
        return flask.request.args["missing_arg"]

    return app


def test_in_debug_mode_a_form_that_left_its_files_behind_is_a_key_error_that_explains(app: Any, flask: Any) -> None:
    app.debug = True
    with pytest.raises(flask.debughelpers.DebugFilesKeyError) as caught:
        app.test_client().post("/upload", data={"photo": "beaker.png"})
    assert isinstance(caught.value, KeyError)
    for part in ("photo", "beaker.png", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert part in str(caught.value)
    app.debug = False
    assert app.test_client().post("/upload", data={"photo": "beaker.png"}).status_code == 400


def test_a_missing_file_of_a_right_form_is_a_bad_request_in_debug_mode(app: Any) -> None:
    app.debug = True
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False
    response = app.test_client().post("/upload", data={"bar": (io.BytesIO(b"x"), "a.txt")})
    assert response.status_code == 400
    assert app.test_client().post("/upload", data={"photo": (io.BytesIO(b"x"), "a.txt")}).data == b"a.txt"


def test_attaching_can_be_done_by_hand(app: Any, flask: Any) -> None:
    with app.test_request_context("/upload", method="POST", data={"photo": "x"}):
        request = flask.request._get_current_object()
        assert "photo" not in request.files
        flask.debughelpers.attach_enctype_error_multidict(request)
        with pytest.raises(flask.debughelpers.DebugFilesKeyError):
            request.files["photo"]
        with pytest.raises(KeyError):
            request.files["bar"]
        assert request.files.get("photo") is None


@pytest.mark.parametrize(("debug", "trap"), [(True, None), (False, None), (False, True), (True, True), (True, False)])
def test_a_missing_key_is_named_in_debug_mode_only(app: Any, debug: bool, trap: Any) -> None:
    app.config.update(DEBUG=debug, TRAP_BAD_REQUEST_ERRORS=trap)
    client = app.test_client()
    trapped = trap or (trap is None and debug)
    for url, name in (("/key", "missing_key"), ("/args", "missing_arg")):
        if trapped:
            with pytest.raises(KeyError) as found:
                client.get(url)
            assert isinstance(found.value, BadRequestKeyError)
            assert isinstance(found.value, BadRequest)
            assert name in found.value.get_description()
            assert name in str(found.value)
        else:
            response = client.get(url)
            assert response.status_code == 400
            assert (name.encode() in response.data) is debug


def test_a_handler_of_bad_requests_sees_the_key(app: Any, flask: Any) -> None:
    app.debug = True
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False

    @app.errorhandler(BadRequest)
    def handle(error: Any) -> Any:
        return error.description, 400

    assert b"missing_key" in app.test_client().get("/key").data


def test_trapped_http_exceptions_are_raised(app: Any, flask: Any) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    app.add_url_rule("/abort", "abort", lambda: flask.abort(404))
    with pytest.raises(Exception, match="404"):
        app.test_client().get("/abort")
    assert app.trap_http_exception(BadRequest()) is True


@pytest.mark.parametrize(
    ("debug", "trap", "error", "trapped"),
    [
        (False, None, BadRequestKeyError(), False),
        (True, None, BadRequestKeyError(), True),
        (True, None, BadRequest(), False),
        (True, False, BadRequestKeyError(), False),
        (False, True, BadRequest(), True),
    ],
)
def test_trap_http_exception_decides(app: Any, debug: bool, trap: Any, error: Any, trapped: bool) -> None:
    app.config.update(DEBUG=debug, TRAP_BAD_REQUEST_ERRORS=trap)
    assert app.trap_http_exception(error) is trapped


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_redirect_of_routing_loses_nothing_with_safe_methods(app: Any, flask: Any, method: str) -> None:
    app.debug = True
    app.add_url_rule("/slash/", "slash", lambda: "")
    response = app.test_client().open("/slash", method=method)
    assert response.status_code == 308


def test_a_redirect_that_would_lose_the_form_is_an_error_in_debug_mode(app: Any, flask: Any) -> None:
    app.debug = True
    app.add_url_rule("/slash/", "slash", lambda: "", methods=["GET", "POST"])
    with app.test_request_context("/slash", method="POST"):
        flask.request.routing_exception.code = 301
        error = flask.debughelpers.FormDataRoutingRedirect(flask.request)
    text = str(error)
    assert "A request was sent to 'http://localhost/slash'" in text
    assert "'http://localhost/slash/'" in text
    assert "a trailing slash" in text
    assert "browsers will drop form data" in text
    assert isinstance(error, AssertionError)


def test_the_unicode_error_is_both(flask: Any) -> None:
    assert issubclass(flask.debughelpers.UnexpectedUnicodeError, (AssertionError,))
    assert issubclass(flask.debughelpers.UnexpectedUnicodeError, UnicodeError)
