"""Errors and what is around them: hooks, the log, the signal, settings that let them through, abort and redirects."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from werkzeug.exceptions import (
    Forbidden,
    Gone,
    HTTPException,
    NotFound,
)


@pytest.fixture
def plain(flask: Any) -> Any:
    """An application that is not under test: it answers what it does not handle with 500."""
    return flask.Flask(__name__)


def test_errors_of_before_request_are_handled(plain: Any, flask: Any) -> None:
    @plain.before_request
    def refuse() -> None:
        if flask.request.args.get("how") == "abort":
            flask.abort(403)
        raise ValueError

    plain.register_error_handler(ValueError, lambda e: ("value", 400))
    plain.register_error_handler(403, lambda e: ("403", 403))
    client = plain.test_client()
    assert client.get("/").text == "value"
    assert client.get("/?how=abort").text == "403"


def test_after_request_sees_the_answer_of_a_handler(plain: Any) -> None:
    seen: list[int] = []

    @plain.after_request
    def look(response: Any) -> Any:
        seen.append(response.status_code)
        response.headers["X-Seen"] = "1"
        return response

    @plain.route("/")
    def fail() -> None:
        raise ValueError

    client = plain.test_client()
    assert client.get("/").headers["X-Seen"] == "1"
    assert client.get("/nowhere").headers["X-Seen"] == "1"
    assert seen == [500, 404]


def test_teardown_gets_what_nobody_handled_only(plain: Any, flask: Any) -> None:
    seen: list[Any] = []
    plain.teardown_request(lambda e: seen.append(type(e)))
    plain.register_error_handler(ValueError, lambda e: "")

    @plain.route("/<name>")
    def fail(name: str) -> str:
        if name == "value":
            raise ValueError
        if name == "abort":
            flask.abort(404)
        if name == "key":
            raise KeyError
        return ""

    client = plain.test_client()
    for name in ("value", "abort", "key", "fine"):
        client.get(f"/{name}")
    assert seen == [type(None), type(None), KeyError, type(None)]


def test_an_error_in_teardown_reaches_the_server(plain: Any) -> None:
    @plain.teardown_request
    def broken(error: Any) -> None:
        raise ValueError("in teardown")

    plain.add_url_rule("/", "index", lambda: "fine")
    with pytest.raises(ValueError, match="in teardown"):
        plain.test_client().get("/")


def test_unhandled_errors_are_logged_with_method_and_path(plain: Any, caplog: Any) -> None:
    @plain.route("/here")
    def fail() -> None:
        raise ValueError

    with caplog.at_level(logging.ERROR):
        plain.test_client().post("/here")
        plain.test_client().get("/here?a=1")
    (record,) = caplog.records
    assert record.name == plain.name
    assert record.getMessage() == "Exception on /here [GET]"
    assert record.exc_info[0] is ValueError


def test_got_request_exception_is_sent_for_what_nobody_handled(plain: Any, flask: Any) -> None:
    seen: list[Any] = []

    def note(sender: Any, exception: Any, **extra: Any) -> None:
        seen.append((sender, type(exception)))

    @plain.route("/<name>")
    def fail(name: str) -> None:
        if name == "abort":
            flask.abort(404)
        raise ValueError

    with flask.got_request_exception.connected_to(note, plain):
        plain.test_client().get("/abort")
        plain.test_client().get("/value")
    assert seen == [(plain, ValueError)]


@pytest.mark.parametrize("testing", [True, False])
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("propagate", [True, False, None])
def test_what_is_propagated(plain: Any, testing: bool, debug: bool, propagate: Any) -> None:
    plain.config.update(TESTING=testing, PROPAGATE_EXCEPTIONS=propagate, DEBUG=debug)

    @plain.route("/")
    def fail() -> None:
        raise ValueError("out")

    if propagate or (propagate is None and (testing or debug)):
        with pytest.raises(ValueError, match="out"):
            plain.test_client().get("/")
    else:
        assert plain.test_client().get("/").status_code == 500


def test_trap_http_exception_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def trap_http_exception(self, error: Any) -> bool:
            return isinstance(error, Forbidden)

    app = Own(__name__)
    app.testing = True

    @app.route("/<int:code>")
    def fail(code: int) -> None:
        flask.abort(code)

    with pytest.raises(Forbidden):
        app.test_client().get("/403")
    assert app.test_client().get("/404").status_code == 404


def test_abort_with_a_response_is_that_response(plain: Any, flask: Any) -> None:
    plain.register_error_handler(HTTPException, lambda e: "never")

    @plain.route("/")
    def index() -> None:
        flask.abort(flask.Response("own", 202))

    response = plain.test_client().get("/")
    assert (response.status_code, response.text) == (202, "own")


def test_an_http_exception_without_a_code_is_its_own_answer(plain: Any, flask: Any) -> None:
    plain.register_error_handler(HTTPException, lambda e: "never")

    @plain.route("/")
    def index() -> None:
        raise HTTPException(response=flask.Response("inside", 209))

    assert plain.test_client().get("/").text == "inside"


def test_routing_redirects_are_not_handled_as_errors(plain: Any) -> None:
    plain.register_error_handler(HTTPException, lambda e: "never")
    plain.register_error_handler(Exception, lambda e: "never")
    plain.add_url_rule("/x/", "x", lambda: "x")
    response = plain.test_client().get("/x")
    assert response.status_code == 308
    assert response.location == "http://localhost/x/"


def test_abort_takes_codes_responses_and_arguments(flask: Any) -> None:
    app = flask.Flask(__name__)
    with pytest.raises(NotFound):
        flask.abort(404)
    with pytest.raises(LookupError):
        flask.abort(200)
    with pytest.raises(LookupError):
        flask.abort(900)
    with pytest.raises(Forbidden) as caught:
        flask.abort(403, description="no")
    assert caught.value.description == "no"
    with pytest.raises(HTTPException) as raised:
        flask.abort(flask.Response("x"))
    assert raised.value.response.data == b"x"
    app.aborter.mapping[900] = type("Own", (HTTPException,), {"code": 900, "description": "own"})
    with app.app_context(), pytest.raises(HTTPException) as raised:
        flask.abort(900)
    assert raised.value.code == 900


def test_exceptions_of_generators_reach_who_reads(plain: Any) -> None:
    @plain.route("/")
    def index() -> Any:
        def gen() -> Any:
            yield "a"
            raise ValueError("in the stream")

        return gen()

    with pytest.raises(ValueError, match="in the stream"):
        plain.test_client().get("/").data  # noqa: B018


def test_a_base_exception_is_not_handled(plain: Any) -> None:
    class Out(BaseException):
        pass

    seen: list[Any] = []
    plain.teardown_request(lambda e: seen.append(type(e)))
    plain.register_error_handler(Exception, lambda e: "never")

    @plain.route("/")
    def fail() -> None:
        raise Out

    with pytest.raises(Out):
        plain.test_client().get("/")
    assert seen == [Out]


def test_what_after_request_raises_goes_to_the_handler_of_500_alone(plain: Any) -> None:
    """It runs again for the answer of that handler, which may let it finish."""
    runs: list[int] = []

    @plain.after_request
    def stamp(response: Any) -> Any:
        runs.append(response.status_code)
        if response.status_code == 200:
            raise LookupError("no stamp")
        return response

    plain.register_error_handler(LookupError, lambda error: "never")
    plain.register_error_handler(500, lambda error: (f"without {error.original_exception}", 502))
    plain.add_url_rule("/letter", "letter", lambda: "Dear all")
    response = plain.test_client().get("/letter")
    assert (response.text, response.status_code, runs) == ("without no stamp", 502, [200, 502])


def test_trapped_http_errors_are_not_offered_to_their_handlers_of_http(plain: Any, flask: Any) -> None:
    """Neither an abort nor a missing route is an answer then: they are errors like any other."""
    plain.config.update(TRAP_HTTP_EXCEPTIONS=True, PROPAGATE_EXCEPTIONS=True)
    plain.add_url_rule("/garden", "garden", lambda: flask.abort(410))
    client = plain.test_client()
    for path, kind in (("/garden", Gone), ("/orchard", NotFound)):
        with pytest.raises(kind):
            client.get(path)
    plain.config["TRAP_HTTP_EXCEPTIONS"] = False
    assert [client.get(path).status_code for path in ("/garden", "/orchard")] == [410, 404]
