"""Error handlers: for what they are registered, which one answers, and what they may return."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    Conflict,
    HTTPException,
    InternalServerError,
    Locked,
    NotFound,
    ServiceUnavailable,
    default_exceptions,
)


@pytest.fixture
def plain(flask: Any) -> Any:
    """An application that is not under test: it answers what it does not handle with 500."""
    return flask.Flask(__name__)


def test_the_registry_has_scope_code_and_class(plain: Any) -> None:
    def handler(error: Any) -> str:
        return ""

    plain.register_error_handler(404, handler)
    plain.register_error_handler(NotFound, handler)
    plain.register_error_handler(ValueError, handler)
    assert plain.error_handler_spec == {None: {404: {NotFound: handler}, None: {ValueError: handler}}}
    assert plain._get_exc_class_and_code(404) == (NotFound, 404)
    assert plain._get_exc_class_and_code(ValueError) == (ValueError, None)
    assert plain._get_exc_class_and_code(HTTPException) == (HTTPException, None)


def test_a_handler_can_be_found_by_hand(plain: Any, flask: Any) -> None:
    def handler(error: Any) -> str:
        return ""

    bp = flask.Blueprint("bp", __name__)
    bp.register_error_handler(404, handler)
    plain.register_blueprint(bp)
    assert plain._find_error_handler(NotFound(), ["bp"]) is handler
    assert plain._find_error_handler(NotFound(), []) is None
    assert plain._find_error_handler(ValueError(), ["bp"]) is None


def test_the_decorator_gives_the_function_back(plain: Any) -> None:
    def handler(error: Any) -> str:
        return ""

    assert plain.errorhandler(404)(handler) is handler
    assert plain.register_error_handler(405, handler) is None


def test_the_last_registered_handler_counts(plain: Any) -> None:
    plain.register_error_handler(404, lambda e: "first")
    plain.register_error_handler(404, lambda e: "second")
    assert plain.test_client().get("/").text == "second"


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ("text", 200, b"text"),
        (("text", 418), 418, b"text"),
        (("text", 418, {"X-A": "b"}), 418, b"text"),
        (({"a": 1}, 400), 400, b'{"a":1}\n'),
        ({"a": 1}, 200, b'{"a":1}\n'),
        (NotFound("gone"), 404, None),
        (b"bytes", 200, b"bytes"),
    ],
)
def test_handlers_return_what_views_return(plain: Any, answer: Any, status: int, body: Any) -> None:
    plain.register_error_handler(ValueError, lambda e: answer)
    plain.register_error_handler(404, lambda e: answer)

    @plain.route("/")
    def fail() -> None:
        raise ValueError

    client = plain.test_client()
    for url in ("/", "/nowhere"):
        response = client.get(url)
        assert response.status_code == status
        if body is not None:
            assert response.data == body


def test_an_abort_in_a_handler_is_not_handled_again(plain: Any, flask: Any) -> None:
    @plain.errorhandler(ValueError)
    def handler(error: Any) -> None:
        flask.abort(403)

    plain.register_error_handler(403, lambda e: "never")

    @plain.route("/")
    def fail() -> None:
        raise ValueError

    response = plain.test_client().get("/")
    assert response.status_code == 500


def test_a_handler_that_returns_none_is_an_error(plain: Any) -> None:
    plain.testing = True
    plain.register_error_handler(ValueError, lambda e: None)

    @plain.route("/")
    def fail() -> None:
        raise ValueError

    with pytest.raises(TypeError, match="did not return a valid response"):
        plain.test_client().get("/")


# Which handler answers: a ferry line, whose errors are three deep.


class FerryError(Exception):
    """Something is wrong with a crossing."""


class CancelledError(FerryError):
    """The crossing does not take place."""


class StormError(CancelledError):
    """Because of the weather."""


class FullError(Conflict):
    """No deck is free: an HTTP error of one's own."""


RAISED: dict[str, Any] = {
    "ferry": FerryError, "cancelled": CancelledError, "storm": StormError, "conflict": Conflict, "full": FullError,
    "locked": Locked, "type": TypeError,
}  # fmt: skip


def ferry_line(flask: Any, handled: Any, by_blueprint: Any = ()) -> Any:
    """A client of an application whose handlers answer with their place and what they are registered for."""
    app = flask.Flask("ferry_line")
    app.logger.disabled = True
    harbour = flask.Blueprint("harbour", __name__)

    @harbour.get("/crossings/<name>")
    def crossing(name: str) -> None:
        raise RAISED[name]("no crossing")

    for owner, place, registered in ((app, "app", handled), (harbour, "harbour", by_blueprint)):
        for what in registered:
            label = f"{place} {what if isinstance(what, int) else what.__name__}"
            owner.register_error_handler(what, lambda error, label=label: label)
    app.register_blueprint(harbour)
    return app.test_client()


@pytest.mark.parametrize(
    ("handled", "answers"),
    [
        ([FerryError], {"ferry": "FerryError", "cancelled": "FerryError", "storm": "FerryError"}),
        ([StormError, FerryError], {"storm": "StormError", "cancelled": "FerryError"}),
        ([FerryError, StormError], {"storm": "StormError", "cancelled": "FerryError"}),
        ([Exception, CancelledError], {"ferry": "Exception", "storm": "CancelledError", "conflict": "Exception"}),
        ([409], {"conflict": "409", "full": "409"}),
        ([409, FullError], {"conflict": "409", "full": "FullError"}),
        ([HTTPException, 409], {"full": "409", "locked": "HTTPException"}),
        ([HTTPException, Exception], {"locked": "HTTPException", "type": "Exception"}),
        ([HTTPException], {"type": "HTTPException"}),
        ([500, TypeError], {"type": "TypeError", "ferry": "500"}),
    ],
)
def test_the_nearest_class_of_an_error_finds_its_handler(flask: Any, handled: Any, answers: dict[str, str]) -> None:
    client = ferry_line(flask, handled)
    assert {name: client.get(f"/crossings/{name}").text for name in answers} == {
        name: f"app {label}" for name, label in answers.items()
    }


@pytest.mark.parametrize(
    ("of_app", "of_blueprint", "name", "answer"),
    [
        ([StormError], [FerryError], "storm", "harbour FerryError"),
        ([FerryError], [StormError], "cancelled", "app FerryError"),
        ([409], [409], "conflict", "harbour 409"),
        ([409], [Exception, HTTPException], "full", "app 409"),
        ([HTTPException], [Exception], "full", "harbour Exception"),
        ([TypeError], [500], "type", "app TypeError"),
        ([], [500], "type", "harbour 500"),
    ],
)
def test_a_blueprints_handlers_go_first_but_a_code_beats_a_class(
    flask: Any, of_app: Any, of_blueprint: Any, name: str, answer: str
) -> None:
    assert ferry_line(flask, of_app, of_blueprint).get(f"/crossings/{name}").text == answer


def test_a_blueprint_answers_for_its_views_and_not_for_addresses_without_one(flask: Any) -> None:
    client = ferry_line(flask, [404], [404, 405, CancelledError])
    assert client.get("/crossings/storm").text == "harbour CancelledError"
    assert client.get("/crossings/storm/deck").text == "app 404"
    assert client.delete("/crossings/storm").status_code == 405


def test_every_code_can_be_registered_and_is_given_its_own_error(plain: Any, flask: Any) -> None:
    plain.add_url_rule("/<int:code>", "stop", lambda code: flask.abort(code, description="closed"))
    for code, kind in default_exceptions.items():
        plain.register_error_handler(code, lambda error, kind=kind: f"{type(error) is kind} {error.description}")
    client = plain.test_client()
    assert {client.get(f"/{code}").text for code in default_exceptions} == {"True closed"}


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        (612, ValueError, "'612' is not a recognized HTTP error code. Use a subclass of HTTPException"),
        (301, ValueError, "'301' is not a recognized HTTP error code"),
        (FerryError("late"), TypeError, "is an instance, not a class. Handlers can only be registered for Exception"),
        (Locked(), TypeError, "is an instance, not a class"),
        (frozenset, ValueError, "'frozenset' is not a subclass of Exception. Handlers can only be registered for"),
        (KeyboardInterrupt, ValueError, "'KeyboardInterrupt' is not a subclass of Exception"),
    ],
)
@pytest.mark.parametrize("owner", ["application", "blueprint"])
def test_what_is_no_error_class_and_no_error_code_is_refused(
    plain: Any, flask: Any, owner: str, what: Any, kind: Any, text: str
) -> None:
    on = plain if owner == "application" else flask.Blueprint("harbour", __name__)
    with pytest.raises(kind, match=text):
        on.register_error_handler(what, lambda error: "never")
    with pytest.raises(kind, match=text):
        on.errorhandler(what)(lambda error: "never")
    assert not any(on.error_handler_spec.get(None, {}).values())


# What a handler is given, and what becomes of its answer.


@pytest.mark.parametrize("registered", [500, InternalServerError, HTTPException])
def test_an_unhandled_error_is_wrapped_for_the_handler_of_500(plain: Any, flask: Any, registered: Any) -> None:
    @plain.errorhandler(registered)
    def sorry(error: Any) -> Any:
        assert type(error) is InternalServerError
        return {"cause": repr(error.original_exception), "code": error.code}, error.code

    @plain.get("/scales/<int:grams>")
    def weigh(grams: int) -> str:
        if not grams:
            flask.abort(500)
        raise OverflowError(grams)

    client = plain.test_client()
    answers = [client.get(f"/scales/{grams}") for grams in (9000, 0)]
    assert [answer.json["cause"] for answer in answers] == ["OverflowError(9000)", "None"]
    assert {answer.status_code for answer in answers} == {500}


def test_errors_become_json_for_an_api(plain: Any, flask: Any) -> None:
    """The answer keeps the headers of the error: what is allowed, when to come again."""

    @plain.errorhandler(HTTPException)
    def as_json(error: Any) -> Any:
        response = error.get_response()
        response.data = flask.json.dumps([error.code, error.description])
        response.content_type = "application/problem+json"
        return response

    @plain.get("/oven")
    def oven() -> None:
        raise ServiceUnavailable("still hot", retry_after=90)

    client = plain.test_client()
    busy, wrong = client.get("/oven"), client.put("/oven")
    assert (busy.status_code, busy.json, busy.headers["Retry-After"]) == (503, [503, "still hot"], "90")
    assert (wrong.status_code, wrong.json[0]) == (405, 405)
    assert wrong.allow.as_set() == {"get", "head", "options"}
    assert busy.mimetype == wrong.mimetype == "application/problem+json"


def test_a_handler_may_give_the_error_itself_back(plain: Any, flask: Any) -> None:
    noted: list[int] = []
    plain.register_error_handler(HTTPException, lambda error: noted.append(error.code) or error)
    plain.add_url_rule("/vault", "vault", lambda: flask.abort(423, description="until Monday"))
    answer = plain.test_client().get("/vault")
    assert (answer.status_code, noted) == (423, [423])
    assert "until Monday" in answer.text


def test_an_error_in_the_handler_of_500_is_the_servers(plain: Any) -> None:
    """There is nobody left to ask, whatever the settings say."""
    plain.config["PROPAGATE_EXCEPTIONS"] = False

    @plain.errorhandler(500)
    def apologise(error: Any) -> str:
        raise EOFError("no words") from error

    plain.add_url_rule("/", "index", lambda: [].pop())
    with pytest.raises(EOFError, match="no words") as caught:
        plain.test_client().get("/")
    assert isinstance(caught.value.__cause__.original_exception, IndexError)


@pytest.mark.parametrize("source", ["args", "form", "cookies", "files"])
def test_a_missing_key_of_a_request_is_a_bad_request(plain: Any, flask: Any, source: str) -> None:
    plain.add_url_rule("/loan", "loan", lambda: getattr(flask.request, source)["reader-card"], methods=["POST"])
    client = plain.test_client()
    answer = client.post("/loan")
    assert answer.status_code == 400
    assert "reader-card" not in answer.text
    plain.config.update(DEBUG=True, TRAP_BAD_REQUEST_ERRORS=False)
    assert client.post("/loan").status_code == 400
    plain.config["TRAP_BAD_REQUEST_ERRORS"] = True
    with pytest.raises(BadRequestKeyError, match="reader-card") as caught:
        client.post("/loan")
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("registered", [400, BadRequest, BadRequestKeyError, KeyError, LookupError])
def test_a_missing_key_is_handled_as_a_bad_request_or_as_a_key_error(plain: Any, flask: Any, registered: Any) -> None:
    plain.register_error_handler(registered, lambda error: (f"which {error.args[0]}?", 422))
    plain.add_url_rule("/loan", "loan", lambda: flask.request.args["title"])
    answer = plain.test_client().get("/loan")
    assert (answer.status_code, answer.text) == (422, "which title?")
