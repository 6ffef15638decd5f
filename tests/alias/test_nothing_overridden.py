"""The alias itself overrides no step of a request: only an application that does so pays for it."""

from __future__ import annotations

from typing import Any

import erlen.flask


def test_a_plain_application_has_no_steps_of_its_own() -> None:
    app = erlen.flask.Flask("plain", static_folder=None)
    app.add_url_rule("/", "index", lambda: "text")
    assert app.test_client().get("/").text == "text"
    assert app.compile_plan("index").own == frozenset()
    assert app.compile_plan("index").lean


def test_an_application_that_overrides_a_step_has_it() -> None:
    class Own(erlen.flask.Flask):
        def process_response(self, response: Any) -> Any:
            return super().process_response(response)

    assert Own("own").compile_plan(None).own == {"process_response"}
