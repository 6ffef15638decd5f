"""The signals of Flask: the same names, senders, values and order, on the same application."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flask
import flask.signals
import pytest

import erlen
import erlen.signals

NAMES = [
    "template_rendered",
    "before_render_template",
    "request_started",
    "request_finished",
    "request_tearing_down",
    "got_request_exception",
    "appcontext_tearing_down",
    "appcontext_pushed",
    "appcontext_popped",
    "message_flashed",
]


class Recorder:
    """An application that notes what is sent, beside what its hooks do."""

    def __init__(self, framework: Any, app: Any) -> None:
        self.framework = framework
        self.app = app
        self.events: list[Any] = []
        self._build()

    def _build(self) -> None:
        app, framework, events = self.app, self.framework, self.events
        app.before_request(lambda: events.append("before"))
        app.after_request(lambda response: events.append("after") or response)
        app.teardown_request(lambda error: events.append(f"teardown {error!r}"))
        app.teardown_appcontext(lambda error: events.append(f"teardown context {error!r}"))
        app.context_processor(lambda: events.append("context processor") or {"added": 1})
        app.register_error_handler(LookupError, lambda error: ("handled", 400))

        def view() -> str:
            events.append("view")
            return "x"

        def crash() -> str:
            raise ValueError("crash")

        def lookup() -> str:
            raise LookupError

        def flash() -> str:
            framework.session["a"] = 1
            framework.flash("hello", "greeting")
            framework.flash("again")
            return "flashed"

        def stream() -> Any:
            return framework.stream_template_string("{{ x }}{{ added }}", x=1)

        def late() -> Any:
            def generate() -> Any:
                events.append("piece")
                yield "x"

            return framework.Response(framework.stream_with_context(generate()))

        app.add_url_rule("/view", "view", view)
        app.add_url_rule("/crash", "crash", crash)
        app.add_url_rule("/lookup", "lookup", lookup)
        app.add_url_rule("/flash", "flash", flash)
        app.add_url_rule("/abort", "abort", lambda: framework.abort(403))
        app.add_url_rule("/page", "page", lambda: framework.render_template("page.html", x=1))
        app.add_url_rule("/text", "text", lambda: framework.render_template_string("{{ x }}", x=1))
        app.add_url_rule("/broken", "broken", lambda: framework.render_template_string("{{ 1 // 0 }}"))
        app.add_url_rule("/stream", "stream", stream)
        app.add_url_rule("/late", "late", late)

    def receiver(self, name: str) -> Any:
        def receive(sender: Any, **values: Any) -> None:
            assert sender is self.app
            shown = {}
            for key, value in sorted(values.items()):
                if key == "template":
                    shown[key] = value.name
                elif key == "context":
                    shown[key] = {inner: value[inner] for inner in ("x", "added") if inner in value}
                elif key == "response":
                    shown[key] = value.status_code
                else:
                    shown[key] = repr(value)
            # A request has one context here and two in Flask 3.1, where the signals of the outer one see no request.
            request = name.startswith("appcontext") or self.framework.has_request_context()
            current = self.framework.has_app_context() and self.framework.current_app._get_current_object() is self.app
            self.events.append((name, shown, request, current))

        return receive

    def record(self, work: Any) -> list[Any]:
        with ExitStack() as stack:
            for name in NAMES:
                stack.enter_context(getattr(self.framework, name).connected_to(self.receiver(name), self.app))
            try:
                work(self)
            except ValueError as error:
                self.events.append(f"raised {error!r}")
        return self.events


@pytest.fixture
def recorders(tmp_path: Path) -> tuple[Recorder, Recorder]:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{% include 'inner.html' %}{{ added }}")
    (tmp_path / "templates" / "inner.html").write_text("{{ x }}")
    found = []
    for framework, cls in ((erlen, erlen.Erlen), (flask, flask.Flask)):
        app = cls("signals", root_path=str(tmp_path), static_folder=None)
        app.logger.disabled = True
        app.config["SECRET_KEY"] = "a key for tests only"
        if framework is erlen:
            app.config["SESSION_TYPE"] = "memory"
        found.append(Recorder(framework, app))
    return found[0], found[1]


def get(path: str, **settings: Any) -> Any:
    def work(recorder: Recorder) -> None:
        recorder.app.config.update(settings)
        recorder.app.test_client().get(path).get_data()

    return work


def app_context(recorder: Recorder) -> None:
    with recorder.app.app_context():
        recorder.events.append("inside")


def failing_app_context(recorder: Recorder) -> None:
    with recorder.app.app_context():
        raise ValueError("inside")


def test_request_context(recorder: Recorder) -> None:
    with recorder.app.test_request_context("/view"):
        recorder.events.append("inside")


def preprocess(recorder: Recorder) -> None:
    with recorder.app.test_request_context("/view"):
        recorder.app.preprocess_request()


def full_dispatch(recorder: Recorder) -> None:
    with recorder.app.test_request_context("/view"):
        recorder.app.full_dispatch_request()


test_request_context.__test__ = False  # type: ignore[attr-defined]

SCENES: dict[str, Any] = {
    **{path: get(path) for path in ("/view", "/lookup", "/flash", "/abort", "/page", "/text", "/nowhere")},
    "/crash": get("/crash"),
    "/broken": get("/broken", PROPAGATE_EXCEPTIONS=False),
    "/crash in a test": get("/crash", TESTING=True),
    "/crash in debug mode": get("/crash", DEBUG=True),
    "app_context": app_context,
    "failing app_context": failing_app_context,
    "test_request_context": test_request_context,
    "preprocess_request": preprocess,
    "full_dispatch_request": full_dispatch,
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_signals_are_those_of_flask(recorders: tuple[Recorder, Recorder], scene: str) -> None:
    ours, theirs = recorders
    assert ours.record(SCENES[scene]) == theirs.record(SCENES[scene])


def test_a_stream_keeps_its_context_to_its_end_and_is_torn_down_once(recorders: tuple[Recorder, Recorder]) -> None:
    """Flask 3.1 tears it down before the first piece, and once more after the last."""
    ours, theirs = recorders
    for path, piece in (("/stream", "template_rendered"), ("/late", "piece")):
        recorded = []
        for recorder in (ours, theirs):
            recorder.events.clear()
            events = recorder.record(get(path))
            recorded.append([event[0] if isinstance(event, tuple) else event for event in events])
        end = ["teardown None", "request_tearing_down", "teardown context None", "appcontext_tearing_down"]
        end.append("appcontext_popped")
        begin = recorded[0][: -len(end) - 1]
        assert recorded[0] == [*begin, piece, *end]
        assert recorded[1] == [*begin, *end, "appcontext_pushed", piece, *end]


def test_they_have_the_names_that_flask_gives_them() -> None:
    for name in NAMES:
        assert getattr(erlen, name).name == getattr(flask, name).name
        assert getattr(erlen.signals, name) is getattr(erlen, name)
    assert erlen.signals.Namespace is flask.signals.Namespace


def test_the_exception_of_the_debug_page_is_signalled(recorders: tuple[Recorder, Recorder]) -> None:
    ours, _ = recorders
    ours.app.debug = True

    def work(recorder: Recorder) -> None:
        recorder.app.test_client().get("/crash", environ_base={"erlen.propagate": False}).close()

    names = [event[0] for event in ours.record(work) if isinstance(event, tuple)]
    assert names == [
        *("appcontext_pushed", "request_started", "got_request_exception", "request_finished"),
        *("request_tearing_down", "appcontext_tearing_down", "appcontext_popped"),
    ]
    assert ("got_request_exception", {"exception": "ValueError('crash')"}, True, True) in ours.events


def test_a_receiver_for_another_application_hears_nothing(recorders: tuple[Recorder, Recorder]) -> None:
    ours, _ = recorders
    heard: list[Any] = []

    def note(sender: Any, **values: Any) -> None:
        heard.append(sender)

    other = erlen.Erlen("other", static_folder=None)
    with erlen.request_started.connected_to(note, other):
        ours.app.test_client().get("/view")
    assert heard == []


def test_an_async_receiver_is_run(recorders: tuple[Recorder, Recorder]) -> None:
    ours, _ = recorders
    heard: list[Any] = []

    async def note(sender: Any, response: Any, **values: Any) -> None:
        heard.append(response.status_code)

    with erlen.request_finished.connected_to(note, ours.app):
        ours.app.test_client().get("/view")
    assert heard == [200]
