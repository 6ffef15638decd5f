"""Error handlers: which one answers what, and what happens where none does."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    Forbidden,
    HTTPException,
    ImATeapot,
    InternalServerError,
    NotFound,
)

from erlen import Blueprint, Response, abort, g, request
from erlen.errors import SessionConflict, SessionUnavailable, SetupError


def _raise(error: Any) -> Any:
    def view(**values: Any) -> Any:
        raise error

    return view


# --- by code and by class ---


def test_a_handler_by_code_gets_the_exception_and_its_result_is_the_answer(app: Any) -> None:
    @app.errorhandler(404)
    def handle(error: NotFound) -> Any:
        assert isinstance(error, NotFound)
        return {"error": error.name}, 404

    response = app.test_client().get("/nowhere")
    assert (response.status_code, response.json) == (404, {"error": "Not Found"})


def test_the_status_is_200_unless_the_handler_says_otherwise(app: Any) -> None:
    app.errorhandler(404)(lambda error: "sorry")
    assert app.test_client().get("/nowhere").status_code == 200


def test_a_handler_by_class_takes_subclasses_and_the_nearest_one_wins(app: Any) -> None:
    app.errorhandler(LookupError)(lambda error: "lookup")
    app.errorhandler(KeyError)(lambda error: "key")
    app.errorhandler(Exception)(lambda error: "any")
    for path, error in (("/key", KeyError("a")), ("/index", IndexError()), ("/value", ValueError())):
        app.add_url_rule(path, path[1:], _raise(error))
    client = app.test_client()
    assert [client.get(path).text for path in ("/key", "/index", "/value")] == ["key", "lookup", "any"]


def test_a_code_comes_before_a_class_and_a_blueprint_before_the_application(app: Any) -> None:
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    app.errorhandler(403)(lambda error: "app by code")
    app.errorhandler(HTTPException)(lambda error: "app by class")
    app.errorhandler(ValueError)(lambda error: "app value")
    shop.errorhandler(HTTPException)(lambda error: "shop by class")
    shop.errorhandler(ValueError)(lambda error: "shop value")
    inner.errorhandler(403)(lambda error: "inner by code")
    for owner in (app, shop, inner):
        owner.add_url_rule("/403", "forbidden", lambda: abort(403))
        owner.add_url_rule("/418", "teapot", lambda: abort(418))
        owner.add_url_rule("/value", "value", _raise(ValueError()))
    shop.register_blueprint(inner)
    app.register_blueprint(shop)
    client = app.test_client()

    def answers(prefix: str) -> list[str]:
        return [client.get(prefix + path).text for path in ("/403", "/418", "/value")]

    assert answers("") == ["app by code", "app by class", "app value"]
    assert answers("/shop") == ["app by code", "shop by class", "shop value"]
    assert answers("/shop/inner") == ["inner by code", "shop by class", "shop value"]


def test_a_blueprint_has_no_say_in_what_no_rule_of_it_matched(app: Any) -> None:
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    shop.errorhandler(404)(lambda error: ("shop", 404))
    app.register_blueprint(shop)
    assert app.test_client().get("/shop/nowhere").text != "shop"


def test_an_own_http_exception_is_found_by_its_class_and_by_its_code(app: Any) -> None:
    class OutOfStock(NotFound):
        description = "It is out of stock."

    app.add_url_rule("/", "index", _raise(OutOfStock()))
    client = app.test_client()
    assert "It is out of stock." in client.get("/").text
    app.error_handler_spec[None][404][NotFound] = lambda error: ("by code", 404)
    assert client.get("/").text == "by code"
    app.error_handler_spec[None][404][OutOfStock] = lambda error: ("by class", 404)
    assert client.get("/").text == "by class"


def test_a_code_without_a_class_of_werkzeugs_may_be_handled_by_an_own_class(app: Any) -> None:
    class EnhanceYourCalm(HTTPException):
        code = 420
        description = "Enhance your calm."

    app.register_error_handler(EnhanceYourCalm, lambda error: (error.description, error.code))
    app.add_url_rule("/", "index", _raise(EnhanceYourCalm()))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (420, "Enhance your calm.")


def test_register_error_handler_does_what_the_decorator_does(app: Any) -> None:
    app.register_error_handler(ImATeapot, lambda error: ("tea", 418))
    app.add_url_rule("/", "index", lambda: abort(418))
    assert app.test_client().get("/").text == "tea"


def test_abort_takes_a_description_and_a_response(app: Any) -> None:
    handled: list[Any] = []
    app.errorhandler(HTTPException)(lambda error: handled.append(error) or ("handled", error.code))
    app.add_url_rule("/text", "text", lambda: abort(403, "Not you."))
    app.add_url_rule("/response", "response", lambda: abort(Response("whole", 402)))
    client = app.test_client()
    assert client.get("/text").text == "handled"
    assert handled[0].description == "Not you."
    response = client.get("/response")
    assert (response.status_code, response.text) == (402, "whole")
    assert len(handled) == 1


def test_without_a_handler_an_http_exception_is_its_own_answer(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: abort(403, "Not <you>."))
    response = app.test_client().get("/")
    assert response.status_code == 403
    assert response.content_type == "text/html; charset=utf-8"
    assert "<p>Not &lt;you&gt;.</p>" in response.text


def test_a_405_tells_the_allowed_methods_even_through_a_handler(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "x", methods=["POST", "PUT"])
    client = app.test_client()
    assert sorted(client.get("/").headers["Allow"].split(", ")) == ["OPTIONS", "POST", "PUT"]
    app.error_handler_spec[None][405][type(_allowed_error())] = lambda error: error
    assert sorted(client.get("/").headers["Allow"].split(", ")) == ["OPTIONS", "POST", "PUT"]


def _allowed_error() -> HTTPException:
    from werkzeug.exceptions import MethodNotAllowed

    return MethodNotAllowed()


def test_redirects_of_routing_are_no_errors_for_handlers(app: Any) -> None:
    app.errorhandler(HTTPException)(lambda error: "handled")
    app.errorhandler(308)(lambda error: "handled") if 308 in _codes() else None
    app.route("/folder/")(lambda: "folder")
    response = app.test_client().get("/folder")
    assert response.status_code == 308
    assert response.headers["Location"] == "http://localhost/folder/"


def _codes() -> Any:
    from werkzeug.exceptions import default_exceptions

    return default_exceptions


def test_a_handler_may_return_the_exception_or_raise_another(app: Any) -> None:
    app.errorhandler(404)(lambda error: error)

    @app.errorhandler(403)
    def conceal(error: Forbidden) -> Any:
        raise NotFound("There is nothing here.")

    app.add_url_rule("/secret", "secret", lambda: abort(403))
    client = app.test_client()
    assert client.get("/nowhere").status_code == 404
    app.testing = False
    assert client.get("/secret").status_code in (404, 500)


def test_an_error_in_a_hook_is_handled_like_one_in_a_view(app: Any) -> None:
    app.errorhandler(ValueError)(lambda error: f"handled {error}")

    @app.before_request
    def before() -> None:
        raise ValueError("hook")

    app.route("/")(lambda: "view")
    assert app.test_client().get("/").text == "handled hook"


def test_a_handler_works_in_the_context_of_the_request(app: Any) -> None:
    @app.errorhandler(ZeroDivisionError)
    def handle(error: Any) -> str:
        return f"{request.path} {g.word}"

    @app.route("/here")
    def index() -> Any:
        g.word = "kept"
        return 1 / 0

    assert app.test_client().get("/here").text == "/here kept"


# --- what nobody handles ---


def test_an_unhandled_exception_is_logged_with_its_request_and_answered_with_500(app: Any, caplog: Any) -> None:
    error = ValueError("nobody")
    app.add_url_rule("/broken", "broken", _raise(error), methods=["POST"])
    response = app.test_client().post("/broken")
    assert response.status_code == 500
    assert "nobody" not in response.text
    record = caplog.records[0]
    assert record.getMessage() == "Exception on /broken [POST]"
    assert record.exc_info[1] is error
    assert record.name == "lifecycle_app"


def test_a_handler_for_500_gets_an_internal_server_error_with_the_original(app: Any) -> None:
    seen: list[Any] = []
    error = ValueError("original")

    @app.errorhandler(500)
    def handle(failure: InternalServerError) -> Any:
        seen.append((type(failure), failure.original_exception))
        return "sorry", 500

    app.add_url_rule("/", "index", _raise(error))
    app.add_url_rule("/aborted", "aborted", lambda: abort(500))
    client = app.test_client()
    assert client.get("/").text == "sorry"
    assert client.get("/aborted").text == "sorry"
    assert seen == [(InternalServerError, error), (InternalServerError, None)]


def test_a_handler_for_internal_server_error_does_the_same(app: Any) -> None:
    app.errorhandler(InternalServerError)(lambda error: (f"sorry {error.original_exception}", 500))
    app.add_url_rule("/", "index", _raise(ValueError("x")))
    assert app.test_client().get("/").text == "sorry x"


@pytest.mark.parametrize("setting", ["TESTING", "DEBUG", "PROPAGATE_EXCEPTIONS"])
def test_in_tests_and_in_debug_mode_it_is_let_out(app: Any, setting: str) -> None:
    app.config[setting] = True
    app.errorhandler(500)(lambda error: pytest.fail("it is let out instead"))
    app.add_url_rule("/", "index", _raise(ValueError("out")))
    with pytest.raises(ValueError, match="out"):
        app.test_client().get("/")


def test_propagate_exceptions_false_keeps_it_in_even_in_tests(app: Any) -> None:
    app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=True)
    app.add_url_rule("/", "index", _raise(ValueError("in")))
    assert app.test_client().get("/").status_code == 500


def test_an_error_in_the_500_handler_is_let_out(app: Any) -> None:
    @app.errorhandler(500)
    def handle(error: Any) -> Any:
        raise LookupError("in the handler")

    app.add_url_rule("/", "index", _raise(ValueError("first")))
    with pytest.raises(LookupError, match="in the handler"):
        app.test_client().get("/")


def test_an_after_function_that_fails_is_answered_with_500_and_logged(app: Any, caplog: Any) -> None:
    @app.after_request
    def after(response: Any) -> Any:
        raise ValueError("after")

    app.route("/")(lambda: "x")
    assert app.test_client().get("/").status_code == 500
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Exception on / [GET]",
        "The answer to an error could not be finished, because of another error.",
    ]


def test_a_bad_result_of_a_handler_names_the_handler_not_the_view(app: Any) -> None:
    app.testing = True

    def forgetful(error: Any) -> None: ...

    app.register_error_handler(404, forgetful)
    with pytest.raises(TypeError) as caught:
        app.test_client().get("/nowhere")
    assert "forgetful() at " in str(caught.value)
    assert "test_error_handlers.py:" in str(caught.value)


# --- traps ---


def test_trap_http_exceptions_lets_them_all_out(app: Any) -> None:
    app.config.update(TRAP_HTTP_EXCEPTIONS=True, TESTING=True)
    app.add_url_rule("/", "index", lambda: abort(403))
    with pytest.raises(Forbidden):
        app.test_client().get("/")
    with pytest.raises(NotFound):
        app.test_client().get("/nowhere")


def test_a_trapped_http_exception_may_still_be_handled_by_its_class(app: Any) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    app.errorhandler(Exception)(lambda error: f"caught {type(error).__name__}")
    app.add_url_rule("/", "index", lambda: abort(403))
    assert app.test_client().get("/").text == "caught Forbidden"


def test_trap_bad_request_errors_lets_the_400s_out(app: Any) -> None:
    app.config.update(TRAP_BAD_REQUEST_ERRORS=True, TESTING=True)
    app.add_url_rule("/key", "key", lambda: request.args["missing"])
    app.add_url_rule("/400", "bad", lambda: abort(400))
    app.add_url_rule("/403", "forbidden", lambda: abort(403))
    client = app.test_client()
    with pytest.raises(BadRequestKeyError) as caught:
        client.get("/key")
    assert "missing" in caught.value.get_description()
    with pytest.raises(BadRequest):
        client.get("/400")
    assert client.get("/403").status_code == 403


def test_in_debug_mode_a_missing_key_is_let_out_and_named(app: Any) -> None:
    app.config.update(DEBUG=True)
    app.add_url_rule("/key", "key", lambda: request.args["missing"])
    app.add_url_rule("/400", "bad", lambda: abort(400))
    with pytest.raises(BadRequestKeyError) as caught:
        app.test_client().get("/key")
    assert "missing" in caught.value.get_description()
    assert app.test_client().get("/400").status_code == 400


def test_in_production_a_missing_key_is_a_400_that_does_not_name_it(app: Any) -> None:
    app.add_url_rule("/key", "key", lambda: request.args["missing"])
    response = app.test_client().get("/key")
    assert response.status_code == 400
    assert "missing" not in response.text


# --- the session store ---


class _Failing:
    def __init__(self, manager: Any, error: Exception) -> None:
        self._manager = manager
        self._error = error

    async def save(self, session: Any) -> Any:
        raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)


@pytest.mark.parametrize("kind", ["text", "response", "async"])
@pytest.mark.parametrize(
    ("error", "status"), [(SessionUnavailable("the disk is full"), 503), (SessionConflict("changed meanwhile"), 409)]
)
def test_a_session_that_cannot_be_saved_is_answered_by_its_status(
    app: Any, error: Exception, status: int, kind: str
) -> None:
    from erlen import session

    def write() -> Any:
        session["a"] = 1
        return Response("x") if kind == "response" else "x"

    async def awrite() -> Any:
        return write()

    app.add_url_rule("/", "index", awrite if kind == "async" else write)
    app.__dict__["session_manager"] = _Failing(app.session_manager, error)
    response = app.test_client().get("/")
    assert response.status_code == status
    assert "Set-Cookie" not in response.headers


def test_a_session_error_may_have_a_handler_of_its_own(app: Any) -> None:
    from erlen import session

    @app.route("/")
    def index() -> str:
        session["a"] = 1
        return "x"

    app.errorhandler(SessionUnavailable)(lambda error: (f"later: {error}", 503))
    app.__dict__["session_manager"] = _Failing(app.session_manager, SessionUnavailable("down"))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (503, "later: down")


def test_a_session_that_cannot_be_saved_does_not_stop_the_answer_to_an_error(app: Any, caplog: Any) -> None:
    from erlen import session

    @app.route("/")
    def index() -> str:
        session["a"] = 1
        raise ValueError("first")

    app.errorhandler(500)(lambda error: ("sorry", 500))
    app.__dict__["session_manager"] = _Failing(app.session_manager, SessionUnavailable("down"))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "sorry")
    assert caplog.records[0].getMessage() == "Exception on / [GET]"
    assert len(caplog.records) == 2


# --- refusals ---


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        (599, ValueError, "'599' is not a recognized HTTP error code. Use a subclass of HTTPException with that code"),
        (200, ValueError, "Only codes with an exception class of their own are recognized, for instance 400."),
        ("404", TypeError, "'404' is neither an exception class nor an HTTP status code. Write the number: 404."),
        ("NotFond", TypeError, "Import the class NotFound from werkzeug.exceptions."),
        ("zzz", TypeError, "'zzz' is neither an exception class nor an HTTP status code."),
        (True, TypeError, "True is neither an exception class nor an HTTP status code."),
        (object, ValueError, "'object' is not a subclass of Exception. Handlers can only be registered for Exception"),
        (KeyboardInterrupt, TypeError, "'KeyboardInterrupt' is not a subclass of Exception."),
        (
            ValueError("x"),
            TypeError,
            "ValueError('x') is an instance, not a class. Handlers can only be registered for Exception classes",
        ),
    ],
)
def test_what_cannot_be_handled_is_refused_where_it_is_registered(app: Any, what: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as caught:
        app.register_error_handler(what, lambda error: "x")
    assert text in str(caught.value)
    assert isinstance(caught.value, SetupError)
    with pytest.raises(kind):
        app.errorhandler(what)


def test_errorhandler_without_parentheses_is_refused(app: Any) -> None:
    with pytest.raises(TypeError, match=r"Write @app.errorhandler\(404\), for instance, above not_found"):

        @app.errorhandler
        def not_found(error: Any) -> str:
            raise AssertionError(error)


def test_the_nearest_code_is_named(app: Any) -> None:
    with pytest.raises(ValueError, match="for instance 418"):
        app.register_error_handler(419, lambda error: "x")
