"""The order of events: what is recorded in a request is what docs/lifecycle.md says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import erlen
from erlen import Blueprint, after_this_request
from erlen.routing import IntegerConverter
from erlen.sessions.interface import SessionInterface, SessionMixin

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md"


def documented() -> list[str]:
    """The names of the events, in the order of the numbered list in docs/lifecycle.md."""
    text = PAGE.read_text(encoding="utf-8")
    listed = text.partition("<!-- order -->")[2].partition("<!-- /order -->")[0]
    return re.findall(r"^\s*\d+\.\s+\**`([^`]+)`", listed, re.MULTILINE)


class _Session(dict[str, Any], SessionMixin):
    new = True


class _Sessions(SessionInterface):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def open_session(self, app: Any, request: Any) -> Any:
        self.log.append("open_session")
        return _Session()

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        self.log.append("save_session")


class _Trusted(tuple[str, ...]):
    """Trusted origins that tell when they are asked."""

    log: list[str]

    def __contains__(self, origin: object) -> bool:
        self.log.append("cross-site guard")
        return super().__contains__(origin)


def _recording_app(make_app: Any, log: list[str], asynchronous: bool = False) -> Any:
    trusted = _Trusted(("https://friend.example",))
    trusted.log = log
    app = make_app(CROSS_SITE_TRUSTED_ORIGINS=trusted)
    app.session_interface = _Sessions(log)

    class Converter(IntegerConverter):
        def to_python(self, value: str) -> Any:
            log.append("match")
            return super().to_python(value)

    app.url_map.converters["logged"] = Converter

    def add(name: str) -> Any:
        def record(*args: Any) -> Any:
            log.append(name)
            return args[0] if name.startswith("after_") else None

        async def arecord(*args: Any) -> Any:
            return record(*args)

        return arecord if asynchronous else record

    app.before_first_request(lambda: log.append("before_first_request"))
    app.url_value_preprocessor(lambda endpoint, values: log.append("url_value_preprocessor"))
    app.before_first_visit(lambda: log.append("before_first_visit"))
    app.before_request(lambda: log.append("before_request"))
    app.after_request(add("after_request"))
    app.teardown_request(lambda error: log.append("teardown_request"))
    app.teardown_appcontext(lambda error: log.append("teardown_appcontext"))

    @app.errorhandler(LookupError)
    def handle(error: LookupError) -> str:
        log.append("errorhandler")
        return "handled"

    def work(number: int) -> str:
        log.append("view")
        after_this_request(add("after_this_request"))
        if number == 0:
            raise LookupError("zero")
        return "ok"

    async def awork(number: int) -> str:
        return work(number)

    app.add_url_rule("/<logged:number>", "work", awork if asynchronous else work, methods=["POST"])
    return app


def _send(app: Any, path: str, log: list[str]) -> Any:
    receivers = []
    for name in (
        "appcontext_pushed", "request_started", "request_finished", "request_tearing_down",
        "appcontext_tearing_down", "appcontext_popped",
    ):  # fmt: skip

        def receive(sender: Any, name: str = name, **values: Any) -> None:
            log.append(name)

        getattr(erlen, name).connect(receive, app)
        receivers.append(receive)
    return app.test_client().post(path, headers={"Origin": "https://friend.example"})


def test_the_page_lists_the_events() -> None:
    names = documented()
    assert names[0] == "appcontext_pushed"
    assert names[-1] == "appcontext_popped"
    assert len(names) == len(set(names)) == 20


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_request_whose_view_raises_goes_through_all_events_in_the_documented_order(
    make_app: Any, asynchronous: bool
) -> None:
    log: list[str] = []
    response = _send(_recording_app(make_app, log, asynchronous), "/0", log)
    assert (response.status_code, response.text) == (200, "handled")
    assert log == documented()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_request_that_succeeds_goes_through_all_events_but_the_handler(make_app: Any, asynchronous: bool) -> None:
    log: list[str] = []
    response = _send(_recording_app(make_app, log, asynchronous), "/1", log)
    assert response.text == "ok"
    assert log == [name for name in documented() if name != "errorhandler"]


def test_the_second_request_goes_through_all_but_what_is_done_once(make_app: Any) -> None:
    log: list[str] = []
    app = _recording_app(make_app, log)
    _send(app, "/1", log)
    log.clear()
    app.test_client().get("/1")  # 405: no GET
    app.test_client().post("/1", headers={"Origin": "https://friend.example"})
    assert "before_first_request" not in log


def test_the_application_comes_before_its_blueprints_on_the_way_in_and_after_them_on_the_way_out(app: Any) -> None:
    log: list[str] = []
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    inner = Blueprint("inner", __name__, url_prefix="/inner")

    def hook(event: str, place: str, number: int) -> Any:
        def record(*args: Any) -> Any:
            log.append(f"{event} {place} {number}")
            return args[0] if event == "after_request" else None

        return {0: lambda: record(), 1: lambda one: record(one), 2: lambda one, two: record(one, two)}[
            {"before_request": 0, "url_value_preprocessor": 2}.get(event, 1)
        ]

    for place, owner in (("app", app), ("outer", outer), ("inner", inner)):
        for event in ("url_value_preprocessor", "before_request", "after_request", "teardown_request"):
            for number in (1, 2):
                getattr(owner, event)(hook(event, place, number))
    app.teardown_appcontext(lambda error: log.append("teardown_appcontext 1"))
    app.teardown_appcontext(lambda error: log.append("teardown_appcontext 2"))

    @inner.route("/")
    def index() -> str:
        @after_this_request
        def first(response: Any) -> Any:
            log.append("after_this_request 1")
            return response

        @after_this_request
        def second(response: Any) -> Any:
            log.append("after_this_request 2")
            return response

        log.append("view")
        return "ok"

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    assert app.test_client().get("/outer/inner/").text == "ok"
    way_in = [f"{place} {number}" for place in ("app", "outer", "inner") for number in (1, 2)]
    way_out = [f"{place} {number}" for place in ("inner", "outer", "app") for number in (2, 1)]
    assert log == [
        *(f"url_value_preprocessor {at}" for at in way_in),
        *(f"before_request {at}" for at in way_in),
        "view",
        "after_this_request 1",
        "after_this_request 2",
        *(f"after_request {at}" for at in way_out),
        *(f"teardown_request {at}" for at in way_out),
        "teardown_appcontext 2",
        "teardown_appcontext 1",
    ]


def test_when_appcontext_popped_is_sent_the_context_is_no_longer_the_current_one(app: Any) -> None:
    seen: list[tuple[str, bool]] = []

    def tearing(sender: Any, **values: Any) -> None:
        seen.append(("tearing down", erlen.has_app_context()))

    def popped(sender: Any, **values: Any) -> None:
        seen.append(("popped", erlen.has_app_context()))

    with (
        erlen.appcontext_tearing_down.connected_to(tearing, app),
        erlen.appcontext_popped.connected_to(popped, app),
    ):
        app.route("/")(lambda: "x")
        app.test_client().get("/")
        with app.app_context():
            pass
    assert seen == [("tearing down", True), ("popped", False)] * 2
