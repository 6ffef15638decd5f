"""``g``, the proxies, and the functions that work on the current context."""

from __future__ import annotations

import contextvars
import gc
import logging
import threading
import weakref
from typing import Any

import pytest
from werkzeug.local import LocalProxy

import erlen.flask


def test_g_does_what_a_dict_does(flask: Any, app: Any) -> None:
    """Its ``get``, ``pop`` and ``setdefault`` are those of a dict, its names are the keys."""
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("setdefault", ("barometer", 1013)), ("setdefault", ("barometer", 990)), ("get", ("barometer",)),
        ("__contains__", ("barometer",)), ("get", ("hygrometer",)), ("get", ("hygrometer", "dry")),
        ("pop", ("hygrometer", "dry")), ("pop", ("hygrometer", None)), ("setdefault", ("vane",)),
        ("__contains__", ("vane",)), ("pop", ("barometer",)), ("__contains__", ("barometer",)),
        ("setdefault", ("gauge", [])),
    ]  # fmt: skip
    plain: dict[str, Any] = {}
    with app.app_context():
        for name, arguments in steps:
            assert getattr(flask.g, name)(*arguments) == getattr(plain, name)(*arguments), (name, arguments)
            assert list(flask.g) == list(plain)
        with pytest.raises(KeyError, match="barometer"):
            flask.g.pop("barometer")


def test_what_is_not_on_g_can_be_neither_read_nor_deleted(flask: Any, app: Any) -> None:
    with app.app_context():
        flask.g.vane = "north"
        assert flask.g.vane == "north"
        del flask.g.vane
        with pytest.raises(AttributeError, match="vane"):
            flask.g.vane  # noqa: B018
        with pytest.raises(AttributeError, match="vane"):
            del flask.g.vane


def test_the_class_of_g_on_its_own(flask: Any, app: Any) -> None:
    g = flask.ctx._AppCtxGlobals()
    g.a = 1
    assert g.__dict__ == {"a": 1}
    assert vars(g) == {"a": 1}
    assert "flask.g" not in repr(g)
    with app.app_context():
        assert repr(g) == f"<flask.g of {app.name!r}>"
        assert isinstance(flask.g, flask.ctx._AppCtxGlobals)


def test_g_is_true_even_when_empty(flask: Any, app: Any) -> None:
    with app.app_context():
        assert flask.g


def test_g_starts_empty_in_each_request(flask: Any, app: Any) -> None:
    @app.route("/")
    def index() -> str:
        flask.g.count = flask.g.get("count", 0) + 1
        return str(flask.g.count)

    client = app.test_client()
    assert [client.get("/").text for _ in range(3)] == ["1", "1", "1"]


def test_g_of_a_context_may_be_replaced(flask: Any, app: Any) -> None:
    class Own:
        a = 5

    with app.app_context() as context:
        context.g = Own()
        assert flask.g.a == 5
    with app.test_request_context():
        flask.globals.app_ctx.g = Own()
        assert flask.g.a == 5


# Proxies.


def test_proxies_pass_for_what_they_stand_for(flask: Any, app: Any) -> None:
    with app.test_request_context():
        assert isinstance(flask.current_app, flask.Flask)
        assert isinstance(flask.request, flask.Request)
        assert isinstance(flask.session, flask.sessions.SessionMixin)
        assert isinstance(flask.g, flask.ctx._AppCtxGlobals)
        assert isinstance(flask.globals.request_ctx, flask.ctx.RequestContext)
        assert flask.request.__class__ is flask.Request
        assert flask.current_app == app
        assert app == flask.current_app
        assert hash(flask.current_app) == hash(app)
        assert repr(flask.current_app) == repr(app)
        assert repr(flask.request) == repr(flask.request._get_current_object())
        assert str(flask.request) == str(flask.request._get_current_object())
        assert flask.current_app is not app
        assert dir(flask.request) == dir(flask.request._get_current_object())
        assert flask.request.__dict__ is flask.request._get_current_object().__dict__


def test_proxies_are_local_proxies(flask: Any) -> None:
    for name in ("request", "session", "g", "current_app"):
        assert issubclass(type(getattr(flask, name)), LocalProxy), name


def test_unbound_proxies(flask: Any) -> None:
    for name in ("request", "session", "g", "current_app"):
        proxy = getattr(flask, name)
        assert repr(proxy).endswith(" unbound>")
        assert bool(proxy) is False
        assert dir(proxy) == []
        with pytest.raises(RuntimeError):
            str(proxy)
        with pytest.raises(RuntimeError):
            proxy.anything  # noqa: B018
        assert isinstance(proxy, LocalProxy)
        assert not isinstance(proxy, str)


def test_attributes_are_set_and_deleted_through_the_proxy(flask: Any, app: Any) -> None:
    with app.test_request_context():
        flask.request.custom = 1
        assert flask.request._get_current_object().custom == 1
        del flask.request.custom
        assert not hasattr(flask.request, "custom")


def test_the_session_through_its_proxy(flask: Any, app: Any) -> None:
    with app.test_request_context():
        flask.session["a"] = 1
        flask.session.update(b=2)
        assert len(flask.session) == 2
        assert sorted(flask.session) == ["a", "b"]
        assert flask.session == {"a": 1, "b": 2}
        assert dict(flask.session) == {"a": 1, "b": 2}
        assert {**flask.session} == {"a": 1, "b": 2}
        assert flask.session | {"c": 3} == {"a": 1, "b": 2, "c": 3}
        del flask.session["a"]
        assert "a" not in flask.session
        assert list(flask.session.items()) == [("b", 2)]
        flask.session.clear()
        assert not flask.session


def test_a_proxy_may_be_patched_in_tests(flask: Any, app: Any) -> None:
    from unittest import mock

    with app.test_request_context():
        with mock.patch.object(flask.g, "user", "ada", create=True):
            assert flask.g.user == "ada"
        assert "user" not in flask.g
        with mock.patch.dict(flask.current_app.config, {"X": 1}):
            assert app.config["X"] == 1
        assert "X" not in app.config


# after_this_request


def test_after_this_request(flask: Any, app: Any) -> None:
    log: list[str] = []

    @app.after_request
    def hook(response: Any) -> Any:
        log.append("after_request")
        return response

    @app.route("/")
    def index() -> str:
        @flask.after_this_request
        def first(response: Any) -> Any:
            log.append("first")
            response.headers["X-A"] = "1"
            return response

        @flask.after_this_request
        def second(response: Any) -> Any:
            log.append("second")
            return response

        assert callable(first)
        return "x"

    app.add_url_rule("/other", "other", lambda: "x")
    client = app.test_client()
    assert client.get("/").headers["X-A"] == "1"
    assert log == ["first", "second", "after_request"]
    assert "X-A" not in client.get("/other").headers


def test_after_this_request_may_answer_otherwise(flask: Any, app: Any) -> None:
    @app.route("/")
    def index() -> str:
        flask.after_this_request(lambda response: app.response_class("other", 201))
        return "x"

    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (201, "other")


def test_after_this_request_from_before_request_and_after_an_error(flask: Any, app: Any) -> None:
    app.testing = False

    @app.before_request
    def before() -> None:
        @flask.after_this_request
        def mark(response: Any) -> Any:
            response.headers["X-Mark"] = "1"
            return response

    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    client = app.test_client()
    assert client.get("/fail").headers["X-Mark"] == "1"
    assert client.get("/nowhere").headers["X-Mark"] == "1"


def test_the_functions_of_a_context_can_be_looked_at(flask: Any, app: Any) -> None:
    with app.test_request_context():

        def nothing(response: Any) -> Any:
            return response

        flask.after_this_request(nothing)
        assert flask.globals.request_ctx._after_request_functions == [nothing]


# copy_current_request_context


def in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_greenlet(work: Any) -> None:
    pytest.importorskip("greenlet").greenlet(work).switch()


def in_other_variables(work: Any) -> None:
    contextvars.Context().run(work)


@pytest.mark.parametrize("carry", [in_thread, in_greenlet, in_other_variables])
def test_a_copied_function_has_the_request_and_its_session_wherever_it_runs(flask: Any, app: Any, carry: Any) -> None:
    logged: list[Any] = []

    @app.route("/measure/<place>")
    def measure(place: str) -> str:
        flask.session["unit"] = "hPa"
        flask.g.borrowed = True

        @flask.copy_current_request_context
        def log() -> None:
            """Write down what was measured."""
            value = flask.request.args["value"]
            logged.append(f"{flask.current_app.name}: {value} {flask.session['unit']} in {flask.request.view_args}")
            logged.append("borrowed" in flask.g)

        carry(log)
        return f"{log.__name__}: {log.__doc__}"

    assert app.test_client().get("/measure/attic?value=1002").text == "log: Write down what was measured."
    carry_has_nothing: list[bool] = []
    carry(lambda: carry_has_nothing.append(flask.has_request_context()))
    assert logged[0] == f"{app.name}: 1002 hPa in {{'place': 'attic'}}"
    assert logged[1] is False
    assert carry_has_nothing == [False]


def test_the_copied_function_outlives_the_request(flask: Any, app: Any) -> None:
    kept: list[Any] = []

    @app.route("/")
    def index() -> str:
        kept.append(flask.copy_current_request_context(lambda *args, **kwargs: (flask.request.path, args, kwargs)))
        return "x"

    app.test_client().get("/")
    assert not flask.request
    assert kept[0](1, a=2) == ("/", (1,), {"a": 2})
    assert not flask.request


def test_a_context_is_copied(flask: Any, app: Any) -> None:
    app.add_url_rule("/x", "x", lambda: "")
    with app.test_request_context("/x") as context:
        flask.session["a"] = 1
        twin = context.copy()
        assert twin is not context
        assert type(twin) is type(context)
        assert twin.request is context.request
        assert twin.session is context.session
        assert twin.app is app
    with twin:
        assert flask.request.path == "/x"
        assert flask.request.endpoint == "x"
        assert flask.session["a"] == 1


# stream_with_context


@pytest.mark.parametrize("form", ["decorator", "wrapper"])
def test_a_stream_has_all_of_its_request_until_its_last_piece(flask: Any, app: Any, form: str) -> None:
    diary: list[str] = []
    app.teardown_request(lambda error: diary.append("request ends"))
    app.teardown_appcontext(lambda error: diary.append("context ends"))

    @app.route("/forecast/<town>")
    def forecast(town: str) -> Any:
        flask.session["days"] = 2
        flask.g.sky = ["cloud", "sun"]

        def days(first: int) -> Any:
            for day in range(first, first + flask.session["days"]):
                yield f"{day} {flask.g.sky.pop()} {flask.request.args['scale']}; "
            diary.append("last day")
            yield flask.url_for("forecast", town=town)

        if form == "decorator":
            return flask.Response(flask.stream_with_context(days)(5))
        return flask.stream_with_context(days(5))

    response = app.test_client().get("/forecast/ghent?scale=celsius", buffered=True)
    assert response.text == "5 sun celsius; 6 cloud celsius; /forecast/ghent"
    assert diary[-3:] == ["last day", "request ends", "context ends"]


def test_a_stream_outside_of_a_view(flask: Any, app: Any) -> None:
    with app.test_request_context("/p"):
        generator = flask.stream_with_context(flask.request.path for _ in range(2))
        assert list(generator) == ["/p", "/p"]


# What is freed.


@pytest.fixture
def without_gc() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _use_nothing(flask: Any, app: Any) -> None:
    pass


_silent = logging.Logger("silent")
_silent.addHandler(logging.NullHandler())


def _use_requests(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/fail", "fail", lambda: {}["x"])
    app.logger = _silent  # pytest keeps what is logged, and so the exception and its frames
    client = app.test_client()
    for path in ("/", "/fail", "/nowhere"):
        client.get(path)


def _use_with(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: "x")
    with app.test_client() as client:
        client.get("/")
        client.get("/")


def _use_contexts(flask: Any, app: Any) -> None:
    with app.app_context():
        flask.g.a = 1
    with app.test_request_context("/"):
        flask.session.get("x")


def _use_templates(flask: Any, app: Any) -> None:
    with app.test_request_context("/"):
        flask.render_template_string("{{ request.path }} {{ config.DEBUG }}")


def _use_blueprints(flask: Any, app: Any) -> None:
    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/bp", "x", lambda: "x")
    app.register_blueprint(bp)
    app.test_client().get("/bp")


def _use_sessions(flask: Any, app: Any) -> None:
    app.secret_key = "x"
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = 1
    app.add_url_rule("/", "index", lambda: str(flask.session["a"]))
    assert client.get("/").text == "1"


def _use_json(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", lambda: {"a": 1})
    app.test_client().get("/")
    app.logger.debug("x")


def _is_freed(flask: Any, use: Any) -> bool:
    app = flask.Flask("freed", root_path="/")
    use(flask, app)
    reference = weakref.ref(app)
    del app
    return reference() is None


@pytest.mark.parametrize("use", [_use_nothing, _use_with, _use_blueprints, _use_json])
def test_the_application_is_freed_when_its_last_reference_goes(flask: Any, without_gc: Any, use: Any) -> None:
    assert _is_freed(flask, use)


@pytest.mark.parametrize("use", [_use_requests, _use_contexts, _use_templates, _use_sessions])
def test_erlens_application_is_freed_even_where_flasks_is_not(without_gc: Any, use: Any) -> None:
    assert _is_freed(erlen.flask, use)
