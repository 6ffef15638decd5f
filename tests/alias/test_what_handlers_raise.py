"""An error handler that fails itself."""

from __future__ import annotations

from typing import Any

import pytest


class Failure(Exception):
    """What the handlers raise."""


@pytest.fixture
def failing(flask: Any) -> Any:
    app = flask.Flask("handlers_app")
    app.logger.disabled = True

    @app.errorhandler(404)
    @app.errorhandler(ValueError)
    def fail(error: Exception) -> str:
        raise Failure

    @app.get("/aborts")
    def aborts() -> Any:
        flask.abort(404)

    @app.get("/raises")
    def raises() -> str:
        raise ValueError

    return app


@pytest.mark.parametrize("path", ["/aborts", "/raises", "/no-route"])
def test_no_handler_is_asked_about_what_a_handler_raises(failing: Any, path: str) -> None:
    failing.register_error_handler(Failure, lambda error: "handled")
    assert failing.test_client().get(path).status_code == 500
    failing.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(Failure):
        failing.test_client().get(path)


@pytest.mark.parametrize("path", ["/aborts", "/raises", "/no-route"])
def test_the_handler_of_500_is_given_what_a_handler_raises(failing: Any, path: str) -> None:
    failing.register_error_handler(500, lambda error: type(error.original_exception).__name__)
    assert failing.test_client().get(path).text == "Failure"


def test_a_step_that_is_overridden_sees_a_path_without_a_route_once(flask: Any) -> None:
    seen: list[str] = []

    class Own(flask.Flask):  # type: ignore[misc]
        def handle_user_exception(self, e: Exception) -> Any:
            seen.append(type(e).__name__)
            return super().handle_user_exception(e)

    app = Own("own_app")
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    assert app.test_client().get("/no-route").status_code == 500
    assert seen == ["NotFound"]
