"""Error handlers: for what they are registered, which one answers, and what they may return."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    Forbidden,
    HTTPException,
    InternalServerError,
    NotFound,
    default_exceptions,
)


@pytest.fixture
def plain(flask: Any) -> Any:
    """An application that is not under test: it answers what it does not handle with 500."""
    return flask.Flask(__name__)


def test_the_handler_of_500_gets_the_original_exception(plain: Any) -> None:
    seen: list[Any] = []

    @plain.errorhandler(InternalServerError)
    def internal(error: Any) -> Any:
        seen.append(error)
        return "", 500

    @plain.route("/custom")
    def custom() -> None:
        raise KeyError("x")

    @plain.route("/direct")
    def direct() -> None:
        raise InternalServerError

    client = plain.test_client()
    client.get("/custom")
    client.get("/direct")
    assert isinstance(seen[0], InternalServerError)
    assert isinstance(seen[0].original_exception, KeyError)
    assert seen[1].original_exception is None


def test_handlers_of_exception_classes_and_subclasses(plain: Any) -> None:
    class Base(Exception):
        pass

    class Sub(Base):
        pass

    @plain.errorhandler(Base)
    def base(error: Exception) -> str:
        return f"base {type(error).__name__}"

    @plain.route("/base")
    def raise_base() -> None:
        raise Base

    @plain.route("/sub")
    def raise_sub() -> None:
        raise Sub

    client = plain.test_client()
    assert client.get("/base").text == "base Base"
    assert client.get("/sub").text == "base Sub"
    assert client.get("/sub").status_code == 200


def test_a_handler_of_the_subclass_goes_before_that_of_the_base(plain: Any) -> None:
    class Sub(ValueError):
        pass

    plain.register_error_handler(ValueError, lambda e: "value")
    plain.register_error_handler(Sub, lambda e: "sub")
    plain.register_error_handler(Exception, lambda e: "any")
    errors = {"sub": Sub, "value": ValueError, "any": KeyError}

    @plain.route("/<name>")
    def fail(name: str) -> None:
        raise errors[name]

    client = plain.test_client()
    for name in errors:
        assert client.get(f"/{name}").text == name


def test_http_exceptions_subclasses_and_codes(plain: Any, flask: Any) -> None:
    class ForbiddenSub(Forbidden):
        pass

    class ForbiddenRegistered(Forbidden):
        pass

    plain.register_error_handler(403, lambda e: f"code {type(e).__name__}")
    plain.register_error_handler(ForbiddenRegistered, lambda e: "registered")
    errors = {"a": Forbidden, "b": ForbiddenSub, "c": ForbiddenRegistered}

    @plain.route("/<name>")
    def fail(name: str) -> None:
        raise errors[name]

    client = plain.test_client()
    assert client.get("/a").text == "code Forbidden"
    assert client.get("/b").text == "code ForbiddenSub"
    assert client.get("/c").text == "registered"


def test_the_generic_http_handler_answers_all_codes_but_those_with_one(plain: Any, flask: Any) -> None:
    plain.register_error_handler(HTTPException, lambda e: (f"generic {e.code}", e.code))
    plain.register_error_handler(404, lambda e: ("own 404", 404))

    @plain.route("/<int:code>")
    def fail(code: int) -> None:
        flask.abort(code)

    @plain.route("/unhandled")
    def unhandled() -> None:
        raise ValueError

    client = plain.test_client()
    assert client.get("/403").text == "generic 403"
    assert client.get("/404").text == "own 404"
    assert client.post("/403").text == "generic 405"
    assert client.get("/unhandled").text == "generic 500"


def test_the_handler_of_exception_gets_http_errors_too(plain: Any, flask: Any) -> None:
    plain.register_error_handler(Exception, lambda e: (type(e).__name__, 555))

    @plain.route("/<int:code>")
    def fail(code: int) -> None:
        flask.abort(code)

    @plain.route("/value")
    def value() -> None:
        raise ValueError

    client = plain.test_client()
    assert client.get("/404").text == "NotFound"
    assert client.get("/value").text == "ValueError"
    assert client.get("/nowhere").status_code == 555


def test_a_code_of_the_app_goes_before_a_class_of_the_blueprint(plain: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__)

    class Forbidden2(Forbidden):
        pass

    bp.register_error_handler(HTTPException, lambda e: "bp generic")
    bp.register_error_handler(Exception, lambda e: "bp exception")
    plain.register_error_handler(403, lambda e: "app 403")

    @bp.route("/403")
    def fail() -> None:
        raise Forbidden2

    @bp.route("/409")
    def conflict() -> None:
        flask.abort(409)

    @bp.route("/value")
    def value() -> None:
        raise ValueError

    plain.register_blueprint(bp)
    client = plain.test_client()
    assert client.get("/403").text == "app 403"
    assert client.get("/409").text == "bp generic"
    assert client.get("/value").text == "bp exception"


def test_a_blueprints_handler_does_not_see_what_no_route_of_it_raised(plain: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__, url_prefix="/bp")
    bp.register_error_handler(404, lambda e: ("bp 404", 404))
    bp.register_error_handler(405, lambda e: ("bp 405", 405))
    plain.register_error_handler(404, lambda e: ("app 404", 404))
    bp.app_errorhandler(405)(lambda e: ("all 405", 405))
    bp.add_url_rule("/x", "x", lambda: flask.abort(404))
    plain.register_blueprint(bp)
    client = plain.test_client()
    assert client.get("/bp/x").text == "bp 404"
    assert client.get("/bp/nowhere").text == "app 404"
    assert client.post("/bp/x").text == "all 405"


def test_all_codes_can_be_handled(plain: Any, flask: Any) -> None:
    for code in default_exceptions:
        plain.register_error_handler(code, lambda e: (f"handled {e.code}", e.code))

    @plain.route("/<int:code>")
    def fail(code: int) -> None:
        flask.abort(code)

    client = plain.test_client()
    for code in default_exceptions:
        assert client.get(f"/{code}").text == f"handled {code}"


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


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        (999, ValueError, "'?999'? is not"),
        (200, ValueError, "'?200'? is not"),
        (KeyError(), TypeError, r"KeyError\(\) is an"),
        (dict, (TypeError, ValueError), "not a subclass of Exception|neither an exception class"),
        (BaseException, (TypeError, ValueError), "BaseException"),
    ],
)
def test_what_cannot_be_raised_is_refused(plain: Any, what: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        plain.register_error_handler(what, lambda e: "")
    with pytest.raises(kind, match=text):
        plain.errorhandler(what)(lambda e: "")


def test_the_texts_for_wrong_handlers_have_flasks_words(plain: Any) -> None:
    with pytest.raises(TypeError, match=r"is an instance, not a class. Handlers can only be registered for Exception"):
        plain.register_error_handler(NotFound(), lambda e: "")
    with pytest.raises(ValueError, match=r"is not a subclass of Exception. Handlers can only be registered for"):
        plain.register_error_handler(dict, lambda e: "")
    with pytest.raises(ValueError, match=r"'999' is not a recognized HTTP error code. Use a subclass of HTTPException"):
        plain.register_error_handler(999, lambda e: "")


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


def test_a_handler_that_returns_the_error_or_a_response_of_it(plain: Any, flask: Any) -> None:
    @plain.errorhandler(HTTPException)
    def handle(error: Any) -> Any:
        response = error.get_response()
        response.data = flask.json.dumps({"code": error.code, "name": error.name, "description": error.description})
        response.content_type = "application/json"
        return response

    @plain.errorhandler(403)
    def same(error: Any) -> Any:
        return error

    @plain.route("/403")
    def fail() -> None:
        flask.abort(403, "not for you")

    client = plain.test_client()
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.mimetype == "application/json"
    assert response.json["name"] == "Not Found"
    assert client.get("/403").status_code == 403
    assert "not for you" in client.get("/403").text


def test_an_error_in_a_handler_becomes_500(plain: Any, flask: Any) -> None:
    seen: list[Any] = []

    @plain.errorhandler(ValueError)
    def broken(error: Any) -> None:
        raise KeyError("in the handler")

    @plain.errorhandler(404)
    def broken_404(error: Any) -> None:
        raise TypeError("in the handler")

    @plain.errorhandler(KeyError)
    def never(error: Any) -> str:
        return "never"

    @plain.errorhandler(500)
    def internal(error: Any) -> Any:
        seen.append(error.original_exception)
        return "500", 500

    @plain.route("/")
    def fail() -> None:
        raise ValueError

    client = plain.test_client()
    assert client.get("/").text == "500"
    assert client.get("/nowhere").text == "500"
    assert [type(error) for error in seen] == [KeyError, TypeError]


def test_a_broken_handler_of_500_raises_to_the_server(plain: Any) -> None:
    @plain.errorhandler(500)
    def broken(error: Any) -> None:
        raise KeyError("in the handler")

    @plain.route("/")
    def fail() -> None:
        raise ValueError

    with pytest.raises(KeyError):
        plain.test_client().get("/")


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


def test_an_error_in_after_request_is_an_unhandled_one(plain: Any, flask: Any) -> None:
    seen: list[Any] = []

    @plain.after_request
    def broken(response: Any) -> Any:
        if flask.request.path == "/":
            raise ValueError
        return response

    plain.register_error_handler(ValueError, lambda e: "never")

    @plain.errorhandler(500)
    def internal(error: Any) -> Any:
        seen.append(error.original_exception)
        return "internal", 500

    plain.add_url_rule("/", "index", lambda: "fine")
    response = plain.test_client().get("/")
    assert (response.status_code, response.text) == (500, "internal")
    assert isinstance(seen[0], ValueError)


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


def test_log_exception_may_be_overridden(flask: Any) -> None:
    seen: list[Any] = []

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def log_exception(self, exc_info: Any) -> None:
            seen.append(exc_info)

    app = Own(__name__)

    @app.route("/")
    def fail() -> None:
        raise ValueError

    assert app.test_client().get("/").status_code == 500
    assert seen[0][0] is ValueError
    assert isinstance(seen[0][1], ValueError)


def test_the_usual_answer_to_an_unhandled_error(plain: Any) -> None:
    @plain.route("/")
    def fail() -> None:
        raise ValueError

    response = plain.test_client().get("/")
    assert response.status_code == 500
    assert "Internal Server Error" in response.text
    assert response.mimetype == "text/html"


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


def test_trapped_http_exceptions_are_exceptions(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    app.testing = True
    app.register_error_handler(405, lambda e: ("handled", 405))

    @app.route("/fail")
    def fail() -> None:
        flask.abort(404)

    with pytest.raises(NotFound):
        app.test_client().get("/fail")
    with pytest.raises(NotFound):
        app.test_client().get("/nowhere")
    assert app.test_client().post("/fail").text == "handled"


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


def test_a_key_error_of_a_form_is_400_and_names_the_key_in_debug_mode(flask: Any) -> None:
    app = flask.Flask(__name__)

    @app.route("/key")
    def fail() -> None:
        flask.request.form["missing_key"]

    @app.route("/abort")
    def abort() -> None:
        flask.abort(400)

    client = app.test_client()
    response = client.get("/key")
    assert response.status_code == 400
    assert b"missing_key" not in response.data
    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    app.testing = True
    with pytest.raises(KeyError) as caught:
        client.get("/key")
    assert caught.errisinstance(BadRequest)
    assert "missing_key" in caught.value.get_description()
    with pytest.raises(BadRequest):
        client.get("/abort")
    app.testing = False
    app.debug = True
    app.config["TRAP_BAD_REQUEST_ERRORS"] = None
    with pytest.raises(KeyError) as caught:
        client.get("/key")
    assert caught.errisinstance(BadRequest)
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False
    response = client.get("/key")
    assert response.status_code == 400
    assert b"missing_key" in response.data


def test_a_handler_of_bad_request_key_error_and_of_400(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.register_error_handler(BadRequestKeyError, lambda e: ("key " + repr(e.args), 400))

    @app.route("/key")
    def fail() -> None:
        flask.request.form["k"]

    assert app.test_client().get("/key").text == "key ('k',)"


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


def test_a_form_sent_to_a_redirect_tells_in_debug_mode(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.debug = True
    app.testing = True
    app.add_url_rule("/user/", "user", lambda: "done", methods=["GET", "POST"])
    app.add_url_rule("/old", "old", lambda: "", methods=["GET", "POST"], redirect_to="/user/")
    client = app.test_client()
    assert client.post("/user", data={"a": 1}).status_code == 308
    client.get("/user")
    assert client.post("/user", follow_redirects=True).text == "done"


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


def test_an_own_aborter_class(flask: Any) -> None:
    from werkzeug.exceptions import Aborter

    class MyAborter(Aborter):
        pass

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        aborter_class = MyAborter

    assert isinstance(Own(__name__).aborter, MyAborter)

    class Made(flask.Flask):  # type: ignore[misc, name-defined]
        def make_aborter(self) -> Any:
            aborter = super().make_aborter()
            aborter.mapping[999] = Forbidden
            return aborter

    with Made(__name__).app_context(), pytest.raises(Forbidden):
        flask.abort(999)


def test_overridden_steps_see_the_errors(flask: Any) -> None:
    calls: list[Any] = []

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def handle_http_exception(self, e: Any) -> Any:
            calls.append(("http", type(e)))
            return super().handle_http_exception(e)

        def handle_user_exception(self, e: Any) -> Any:
            calls.append(("user", type(e)))
            return super().handle_user_exception(e)

        def handle_exception(self, e: Any) -> Any:
            calls.append(("exception", type(e)))
            return super().handle_exception(e)

    app = Own(__name__)

    @app.route("/")
    def fail() -> None:
        raise ValueError

    client = app.test_client()
    assert client.get("/nowhere").status_code == 404
    assert client.get("/").status_code == 500
    assert calls == [
        ("user", NotFound),
        ("http", NotFound),
        ("user", ValueError),
        ("exception", ValueError),
    ]


def test_handle_exception_may_be_called_by_hand(plain: Any) -> None:
    plain.config["PROPAGATE_EXCEPTIONS"] = False
    with plain.test_request_context():
        assert plain.handle_user_exception(NotFound()).code == 404
        response = plain.handle_exception(ValueError())
        assert response.status_code == 500
        assert isinstance(plain.handle_http_exception(Forbidden()), Forbidden)
        try:
            raise ValueError("again")
        except ValueError as error:
            with pytest.raises(ValueError, match="again"):
                plain.handle_user_exception(error)


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


def test_should_ignore_error_hides_it_from_the_teardowns(flask: Any) -> None:
    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def should_ignore_error(self, error: Any) -> bool:
            return isinstance(error, KeyError)

    app = Own(__name__)
    seen: list[Any] = []
    app.teardown_request(lambda e: seen.append(type(e)))

    @app.route("/<name>")
    def fail(name: str) -> None:
        raise {"k": KeyError, "v": ValueError}[name]

    app.test_client().get("/k")
    app.test_client().get("/v")
    assert seen == [type(None), ValueError]
