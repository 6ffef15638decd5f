"""Signals: who sends them, with what, when, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

NAMES = [
    "appcontext_popped", "appcontext_pushed", "appcontext_tearing_down", "before_render_template",
    "got_request_exception", "message_flashed", "request_finished", "request_started", "request_tearing_down",
    "template_rendered",
]  # fmt: skip


@pytest.fixture
def app(flask: Any) -> Any:
    from jinja2 import DictLoader

    app = flask.Flask("alias_app", root_path="/")
    app.config.update(TESTING=True, SECRET_KEY="k")
    app.jinja_loader = DictLoader({"a.html": "{{ a }}", "b.html": "{% include 'a.html' %}", "bad.html": "{{ 1 / 0 }}"})
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    return app


@pytest.mark.parametrize("name", NAMES)
def test_signals_are_blinkers(flask: Any, name: str) -> None:
    from blinker import NamedSignal

    signal = getattr(flask, name)
    assert signal is getattr(flask.signals, name)
    assert isinstance(signal, NamedSignal)
    assert signal.name == name.replace("_", "-")


class Recorder:
    """Connects to signals and writes down what is sent."""

    def __init__(self, flask: Any, app: Any, *names: str) -> None:
        self.log: list[Any] = []
        self._kept = []
        for name in names or NAMES:
            receiver = self._receiver(name)
            getattr(flask, name).connect(receiver, app)
            self._kept.append((getattr(flask, name), receiver, app))

    def _receiver(self, name: str) -> Any:
        def receive(sender: Any, **kwargs: Any) -> None:
            self.log.append((name, sender, kwargs))

        return receive

    def names(self) -> list[str]:
        return [entry[0] for entry in self.log]

    def close(self) -> None:
        for signal, receiver, _ in self._kept:
            signal.disconnect(receiver)


@pytest.fixture
def record(flask: Any, app: Any) -> Any:
    recorders: list[Recorder] = []

    def start(*names: str) -> Recorder:
        recorders.append(Recorder(flask, app, *names))
        return recorders[-1]

    yield start
    for recorder in recorders:
        recorder.close()


def test_the_signals_of_a_request(app: Any, client: Any, record: Any) -> None:
    recorder = record()
    client.get("/")
    assert recorder.names() == [
        "appcontext_pushed", "request_started", "request_finished", "request_tearing_down", "appcontext_tearing_down",
        "appcontext_popped",
    ]  # fmt: skip
    assert all(sender is app for _, sender, _ in recorder.log)
    kwargs = {name: values for name, _, values in recorder.log}
    assert kwargs["appcontext_pushed"] == {}
    assert kwargs["request_started"] == {}
    assert list(kwargs["request_finished"]) == ["response"]
    assert isinstance(kwargs["request_finished"]["response"], app.response_class)
    assert kwargs["request_tearing_down"] == {"exc": None}
    assert kwargs["appcontext_tearing_down"] == {"exc": None}
    assert kwargs["appcontext_popped"] == {}


def test_the_signals_of_a_request_that_fails(app: Any, client: Any, record: Any) -> None:
    recorder = record()
    with pytest.raises(ZeroDivisionError):
        client.get("/fail")
    assert recorder.names() == [
        "appcontext_pushed", "request_started", "got_request_exception", "request_tearing_down",
        "appcontext_tearing_down", "appcontext_popped",
    ]  # fmt: skip
    for name, _, kwargs in recorder.log:
        if name == "got_request_exception":
            assert list(kwargs) == ["exception"]
            assert isinstance(kwargs["exception"], ZeroDivisionError)
        elif name.endswith("tearing_down"):
            assert isinstance(kwargs["exc"], ZeroDivisionError)


def test_the_signals_of_a_request_answered_with_500(app: Any, client: Any, record: Any) -> None:
    app.testing = False
    recorder = record()
    assert client.get("/fail").status_code == 500
    assert recorder.names() == [
        "appcontext_pushed", "request_started", "got_request_exception", "request_finished", "request_tearing_down",
        "appcontext_tearing_down", "appcontext_popped",
    ]  # fmt: skip
    for name, _, kwargs in recorder.log:
        if name == "request_finished":
            assert kwargs["response"].status_code == 500
        elif name.endswith("tearing_down"):
            assert isinstance(kwargs["exc"], ZeroDivisionError)


def test_a_handled_exception_sends_no_signal(app: Any, client: Any, record: Any) -> None:
    app.errorhandler(ZeroDivisionError)(lambda error: "handled")
    recorder = record("got_request_exception", "request_finished", "request_tearing_down")
    assert client.get("/fail").text == "handled"
    assert client.get("/nowhere").status_code == 404
    assert recorder.names() == ["request_finished", "request_tearing_down"] * 2
    assert recorder.log[1][2] == {"exc": None}


def test_what_is_there_when_a_signal_is_sent(flask: Any, app: Any, client: Any) -> None:
    found: dict[str, Any] = {}

    def started(sender: Any, **kwargs: Any) -> None:
        found["started"] = (flask.request.path, flask.current_app.name, flask.request.endpoint)
        flask.g.a = "from the signal"

    def finished(sender: Any, response: Any, **kwargs: Any) -> None:
        found["finished"] = (flask.request.path, flask.g.a)
        response.headers["X-Signal"] = "1"

    def popped(sender: Any, **kwargs: Any) -> None:
        found["popped"] = flask.has_app_context()

    with (
        flask.request_started.connected_to(started, app),
        flask.request_finished.connected_to(finished, app),
        flask.appcontext_popped.connected_to(popped, app),
    ):
        response = client.get("/")
    assert response.headers["X-Signal"] == "1"
    assert found == {
        "started": ("/", "alias_app", "index"), "finished": ("/", "from the signal"), "popped": False,
    }  # fmt: skip


def test_request_started_may_answer_with_an_exception(flask: Any, app: Any, client: Any) -> None:
    def refuse(sender: Any, **kwargs: Any) -> None:
        flask.abort(403)

    with flask.request_started.connected_to(refuse, app):
        assert client.get("/").status_code == 403


def test_a_failing_receiver_of_request_finished(flask: Any, app: Any, client: Any) -> None:
    def fail(sender: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    with flask.request_finished.connected_to(fail, app), pytest.raises(ZeroDivisionError):
        client.get("/")
    app.testing = False
    with flask.request_finished.connected_to(fail, app):
        assert client.get("/").status_code == 500


def test_a_failing_receiver_of_request_started(flask: Any, app: Any, client: Any) -> None:
    def fail(sender: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    with flask.request_started.connected_to(fail, app):
        with pytest.raises(ZeroDivisionError):
            client.get("/")
        app.testing = False
        assert client.get("/").status_code == 500


def test_receivers_may_be_connected_to_every_application(flask: Any, app: Any, client: Any) -> None:
    senders: list[Any] = []

    def receive(sender: Any, **kwargs: Any) -> None:
        senders.append(sender)

    other = flask.Flask("other", root_path="/")
    flask.request_started.connect(receive)
    client.get("/")
    other.test_client().get("/")
    flask.request_started.disconnect(receive)
    client.get("/")
    assert senders == [app, other]


def test_receivers_of_another_application_are_not_called(flask: Any, app: Any, record: Any) -> None:
    other = flask.Flask("other", root_path="/")
    recorder = record()
    other.test_client().get("/")
    assert recorder.log == []


def test_connect_via(flask: Any, app: Any, client: Any) -> None:
    called: list[Any] = []

    @flask.request_started.connect_via(app)
    def receive(sender: Any, **kwargs: Any) -> None:
        called.append(sender)

    client.get("/")
    assert called == [app]
    flask.request_started.disconnect(receive)


# Templates.


def test_a_rendered_template_tells_itself_and_its_context(flask: Any, app: Any, record: Any) -> None:
    app.context_processor(lambda: {"added": 1})
    recorder = record("before_render_template", "template_rendered")
    with app.test_request_context("/"):
        assert flask.render_template("a.html", a="x") == "x"
    assert recorder.names() == ["before_render_template", "template_rendered"]
    for _, sender, kwargs in recorder.log:
        assert sender is app
        assert sorted(kwargs) == ["context", "template"]
        assert kwargs["template"].name == "a.html"
        assert kwargs["context"]["a"] == "x"
        assert kwargs["context"]["added"] == 1
        assert kwargs["context"]["request"].path == "/"
        assert "g" in kwargs["context"]


def test_an_included_template_sends_nothing(flask: Any, app: Any, record: Any) -> None:
    recorder = record("template_rendered")
    with app.app_context():
        flask.render_template("b.html", a=1)
    assert [kwargs["template"].name for _, _, kwargs in recorder.log] == ["b.html"]


def test_a_template_from_a_text_has_no_name(flask: Any, app: Any, record: Any) -> None:
    recorder = record("template_rendered")
    with app.app_context():
        flask.render_template_string("x")
    assert recorder.log[0][2]["template"].name is None


def test_a_template_that_fails_is_not_rendered(flask: Any, app: Any, record: Any) -> None:
    recorder = record("before_render_template", "template_rendered")
    with app.app_context(), pytest.raises(ZeroDivisionError):
        flask.render_template("bad.html")
    assert recorder.names() == ["before_render_template"]


def test_a_streamed_template_tells_when_it_is_done(flask: Any, app: Any, record: Any) -> None:
    recorder = record("before_render_template", "template_rendered")
    with app.app_context():
        stream = flask.stream_template("a.html", a="x")
        assert recorder.names() == ["before_render_template"]
        assert "".join(stream) == "x"
    assert recorder.names() == ["before_render_template", "template_rendered"]


def test_the_recipe_of_the_documentation(flask: Any, app: Any, client: Any) -> None:
    from contextlib import contextmanager

    @contextmanager
    def captured_templates(app: Any) -> Any:
        recorded: list[Any] = []

        def record(sender: Any, template: Any, context: dict[str, Any], **extra: Any) -> None:
            recorded.append((template, context))

        flask.template_rendered.connect(record, app)
        try:
            yield recorded
        finally:
            flask.template_rendered.disconnect(record)

    app.add_url_rule("/page", "page", lambda: flask.render_template("a.html", a=[1, 2]))
    with captured_templates(app) as templates:
        assert client.get("/page").status_code == 200
        assert len(templates) == 1
        template, context = templates[0]
        assert template.name == "a.html"
        assert len(context["a"]) == 2


# Messages.


def test_a_flashed_message_is_told(flask: Any, app: Any, record: Any) -> None:
    recorder = record("message_flashed")
    with app.test_request_context():
        flask.flash("one")
        flask.flash("two", "error")
    assert [(sender is app, kwargs) for _, sender, kwargs in recorder.log] == [
        (True, {"message": "one", "category": "message"}),
        (True, {"message": "two", "category": "error"}),
    ]


# Async receivers.


def test_async_receivers_are_run(flask: Any, app: Any, client: Any) -> None:
    log: list[str] = []

    async def receive(sender: Any, **kwargs: Any) -> None:
        log.append(flask.request.path)

    with flask.request_started.connected_to(receive, app), flask.request_finished.connected_to(receive, app):
        assert client.get("/").text == "index"
    assert log == ["/", "/"]


@pytest.mark.parametrize("name", ["appcontext_pushed", "appcontext_tearing_down", "appcontext_popped"])
def test_async_receivers_of_contexts(flask: Any, app: Any, name: str) -> None:
    log: list[str] = []

    async def receive(sender: Any, **kwargs: Any) -> None:
        log.append(sender.name)

    with getattr(flask, name).connected_to(receive, app), app.app_context():
        pass
    assert log == ["alias_app"]


def test_async_receivers_of_messages_templates_and_exceptions(flask: Any, app: Any, client: Any) -> None:
    log: list[str] = []

    async def receive(sender: Any, **kwargs: Any) -> None:
        log.append("/".join(sorted(kwargs)))

    with (
        flask.message_flashed.connected_to(receive, app),
        flask.template_rendered.connected_to(receive, app),
        flask.before_render_template.connected_to(receive, app),
        flask.got_request_exception.connected_to(receive, app),
        flask.request_tearing_down.connected_to(receive, app),
        app.test_request_context(),
    ):
        flask.flash("x")
        flask.render_template("a.html")
        with pytest.raises(ZeroDivisionError):
            client.get("/fail")
    assert log == ["category/message", "context/template", "context/template", "exception", "exc", "exc"]


def test_own_signals_may_be_made(flask: Any) -> None:
    namespace = flask.signals.Namespace()
    signal = namespace.signal("own", doc="Mine.")
    received: list[Any] = []

    def receive(sender: Any, **kwargs: Any) -> None:
        received.append((sender, kwargs))

    signal.connect(receive)
    signal.send("me", a=1)
    assert received == [("me", {"a": 1})]


# Contexts by hand.


def test_the_signals_of_a_request_context_by_hand(app: Any, record: Any) -> None:
    recorder = record()
    with app.test_request_context("/"):
        assert recorder.names() == ["appcontext_pushed"]
    assert recorder.names() == [
        "appcontext_pushed", "request_tearing_down", "appcontext_tearing_down", "appcontext_popped",
    ]  # fmt: skip


def test_the_signals_of_a_request_in_an_application_context(app: Any, record: Any) -> None:
    with app.app_context():
        recorder = record()
        app.test_client().get("/")
        assert recorder.names() == ["request_started", "request_finished", "request_tearing_down"]


def test_the_exception_reaches_the_signals_of_a_context(flask: Any, app: Any, record: Any) -> None:
    recorder = record("request_tearing_down", "appcontext_tearing_down")
    with pytest.raises(KeyError), app.test_request_context():
        raise KeyError
    assert [type(kwargs["exc"]) for _, _, kwargs in recorder.log] == [KeyError, KeyError]


def test_do_teardown_by_hand_sends_the_signals(app: Any, record: Any) -> None:
    with app.test_request_context():
        recorder = record()
        error = KeyError()
        app.do_teardown_request(error)
        app.do_teardown_appcontext(error)
        assert recorder.names() == ["request_tearing_down", "appcontext_tearing_down"]
        assert all(kwargs == {"exc": error} for _, _, kwargs in recorder.log)


def test_process_response_sends_nothing_and_finalize_request_does(app: Any, record: Any) -> None:
    with app.test_request_context():
        recorder = record()
        app.process_response(app.response_class("x"))
        assert recorder.names() == []
        app.finalize_request("x")
        assert recorder.names() == ["request_finished"]


def test_handle_exception_sends_the_signal(app: Any, record: Any) -> None:
    app.testing = False
    with app.test_request_context():
        recorder = record("got_request_exception", "request_finished")
        try:
            raise KeyError("x")
        except KeyError as error:
            app.handle_exception(error)
        assert recorder.names() == ["got_request_exception", "request_finished"]
