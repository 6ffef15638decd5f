"""What counts as a look at the session, and so gets ``Vary: Cookie``; and what a copied context shares."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest


def make_interface(flask: Any) -> Any:
    """Return an interface whose sessions do not notice by themselves that they are read."""

    class Session(dict[str, Any], flask.sessions.SessionMixin):  # type: ignore[misc, name-defined]
        accessed = False

    class Interface(flask.sessions.SessionInterface):  # type: ignore[misc, name-defined]
        def open_session(self, app: Any, request: Any) -> Any:
            return Session()

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            if session.accessed:
                response.vary.add("Cookie")

    return Interface()


def in_thread(function: Callable[[], Any]) -> Any:
    """Return what *function* returns in a thread of its own."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture(params=["cookie", "interface"])
def vary(request: pytest.FixtureRequest, flask: Any, app: Any, client: Any) -> Callable[..., str | None]:
    """The function that answers a request by *view* and returns the header Vary."""
    if request.param == "interface":
        app.session_interface = make_interface(flask)

    def ask(view: Callable[[], Any]) -> str | None:
        app.get("/")(view)
        response = client.get("/")
        assert response.status_code == 200
        header: str | None = response.headers.get("Vary")
        return header

    return ask


@pytest.mark.parametrize(
    "template", ["nothing of it", "{% macro unused() %}{{ session.name }}{% endmacro %}", "{{ request.path }}{{ g }}"]
)
def test_a_template_that_does_not_touch_the_session_does_not_count(
    flask: Any, vary: Callable[..., str | None], template: str
) -> None:
    assert vary(lambda: flask.render_template_string(template)) is None


@pytest.mark.parametrize("template", ["{{ session.name }}", "{% if session %}{% endif %}", "{{ 'name' in session }}"])
def test_a_template_that_touches_it_counts(flask: Any, vary: Callable[..., str | None], template: str) -> None:
    assert vary(lambda: flask.render_template_string(template)) == "Cookie"


@pytest.mark.parametrize("touch", [len, bool, list, lambda session: "name" in session, lambda session: session.new])
def test_a_view_that_asks_only_for_its_keys_counts_whatever_the_class(
    flask: Any, vary: Callable[..., str | None], touch: Callable[[Any], Any]
) -> None:
    assert vary(lambda: f"touched: {touch(flask.session)}") == "Cookie"


def test_a_view_that_names_the_proxy_alone_does_not_count(flask: Any, vary: Callable[..., str | None]) -> None:
    assert vary(lambda: [flask.session] and "untouched") is None


def test_a_copied_context_does_not_count_until_it_is_used(flask: Any, vary: Callable[..., str | None]) -> None:
    assert vary(lambda: in_thread(flask.copy_current_request_context(lambda: flask.request.path))) is None


def test_a_copied_context_shares_the_session(flask: Any, app: Any, client: Any) -> None:
    @app.get("/")
    def index() -> str:
        look = flask.copy_current_request_context(lambda: flask.session.setdefault("name", "ada"))
        return f"{in_thread(look)} {flask.session.get('name')}"

    assert client.get("/").text == "ada ada"


def test_a_copied_context_has_the_g_of_an_application_context_that_it_is_pushed_upon(
    flask: Any, app: Any, client: Any
) -> None:
    @app.get("/")
    def index() -> list[Any]:
        flask.g.name = "of the request"
        look = flask.copy_current_request_context(lambda: flask.g.get("name"))

        def work() -> tuple[Any, Any, Any]:
            alone = look()
            with app.app_context():
                flask.g.name = "of the thread"
                return alone, look(), flask.g.name

        return [*in_thread(work), look(), flask.g.name]

    assert client.get("/").json == [None, "of the thread", "of the thread", "of the request", "of the request"]


def test_the_processor_of_flask_gives_g_and_the_request(flask: Any, app: Any) -> None:
    with app.test_request_context("/"):
        values: dict[str, Any] = {}
        app.update_template_context(values)
        assert sorted(values) == sorted(flask.templating._default_template_ctx_processor()) == ["g", "request"]
