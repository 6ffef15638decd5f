"""Attributes of the application: debug, secret key, logger, set-up after the first request, classes of its parts."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, ClassVar

import pytest


def test_debug_is_the_setting(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    app.debug = True
    assert app.config["DEBUG"] is True
    app.config["DEBUG"] = False
    assert app.debug is False
    app.debug = 1
    assert app.config["DEBUG"] == 1


def test_settings_as_attributes(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    assert app.testing is False
    app.testing = True
    assert app.config["TESTING"] is True
    assert app.secret_key is None
    app.secret_key = "x"
    assert app.config["SECRET_KEY"] == "x"
    app.config["SECRET_KEY"] = b"y"
    assert app.secret_key == b"y"
    assert app.permanent_session_lifetime == timedelta(days=31)
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    assert app.permanent_session_lifetime == timedelta(seconds=60)
    app.permanent_session_lifetime = timedelta(hours=1)
    assert app.config["PERMANENT_SESSION_LIFETIME"] == timedelta(hours=1)


def test_an_own_setting_as_attribute(flask: Any) -> None:
    class Own(flask.Flask):
        limit = flask.config.ConfigAttribute("LIMIT", get_converter=int)

    app = Own("m", root_path="/")
    app.config["LIMIT"] = "7"
    assert app.limit == 7
    app.limit = "8"
    assert app.config["LIMIT"] == "8"


def test_the_logger_is_named_after_the_application(flask: Any) -> None:
    app = flask.Flask("name_of_logger", root_path="/")
    assert app.logger.name == "name_of_logger"
    assert app.logger is logging.getLogger("name_of_logger")
    assert app.logger is app.logger


def test_default_config_may_be_replaced(flask: Any) -> None:
    from werkzeug.datastructures import ImmutableDict

    class Own(flask.Flask):
        default_config = ImmutableDict({**flask.Flask.default_config, "MINE": 1, "SESSION_COOKIE_NAME": "own"})

    app = Own("m", root_path="/")
    assert app.config["MINE"] == 1
    assert app.config["SESSION_COOKIE_NAME"] == "own"
    with pytest.raises(TypeError):
        flask.Flask.default_config["MINE"] = 1


def test_config_class_may_be_replaced(flask: Any) -> None:
    class Own(flask.Config):
        pass

    class OwnFlask(flask.Flask):
        config_class = Own

    app = OwnFlask("m", root_path="/")
    assert type(app.config) is Own
    assert app.config.root_path == "/"


def test_make_config_may_be_overridden(flask: Any) -> None:
    seen = []

    class Own(flask.Flask):
        def make_config(self, instance_relative: bool = False) -> Any:
            seen.append(instance_relative)
            config = super().make_config(instance_relative)
            config["MADE"] = True
            return config

    assert Own("m", root_path="/").config["MADE"]
    Own("m", root_path="/", instance_relative_config=True)
    assert seen == [False, True]


def test_the_aborter_may_be_replaced(flask: Any) -> None:
    from werkzeug.exceptions import Aborter, HTTPException

    class Teapot(HTTPException):
        code = 799

    class Own(Aborter):
        pass

    class OwnFlask(flask.Flask):
        aborter_class = Own

        def make_aborter(self) -> Any:
            aborter = super().make_aborter()
            aborter.mapping[799] = Teapot
            return aborter

    app = OwnFlask("m", root_path="/")
    assert isinstance(app.aborter, Own)
    with app.app_context(), pytest.raises(Teapot):
        flask.abort(799)
    with pytest.raises(LookupError):
        flask.abort(799)


def test_the_app_aborter_is_called(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")

    class Called(Exception):
        pass

    def aborter(code: Any, *args: Any, **kwargs: Any) -> None:
        raise Called(code, args, kwargs)

    app.aborter = aborter
    with app.app_context(), pytest.raises(Called) as info:
        flask.abort(404, "x", a=1)
    assert info.value.args == (404, ("x",), {"a": 1})


def test_the_class_of_g_may_be_replaced(flask: Any) -> None:
    class Own:
        def __init__(self) -> None:
            self.made = True

    class OwnFlask(flask.Flask):
        app_ctx_globals_class = Own

    app = OwnFlask("m", root_path="/")
    with app.app_context():
        assert flask.g.made
        assert isinstance(flask.g, Own)

    plain = flask.Flask("m", root_path="/")
    plain.app_ctx_globals_class = Own
    with plain.test_request_context():
        assert flask.g.made


def test_the_request_class_may_be_replaced(flask: Any) -> None:
    class Own(flask.Request):
        @property
        def greeting(self) -> str:
            return "hi " + self.args.get("name", "")

        def on_json_loading_failed(self, e: Any) -> Any:
            return {"failed": True}

    class OwnFlask(flask.Flask):
        request_class = Own

    app = OwnFlask("m", root_path="/")

    @app.route("/")
    def index() -> str:
        assert type(flask.request._get_current_object()) is Own
        return str(flask.request.greeting)

    @app.post("/json")
    def json_view() -> Any:
        return flask.request.get_json()

    client = app.test_client()
    assert client.get("/?name=ada").text == "hi ada"
    assert client.post("/json", data="{", content_type="application/json").json == {"failed": True}


def test_the_response_class_may_be_replaced(flask: Any) -> None:
    class Own(flask.Response):
        default_mimetype = "text/plain"

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.headers["X-Own"] = "1"

    class OwnFlask(flask.Flask):
        response_class = Own

    app = OwnFlask("m", root_path="/")
    app.add_url_rule("/", "index", lambda: "hi")
    app.add_url_rule("/json", "json", lambda: {"a": 1})
    client = app.test_client()
    response = client.get("/")
    assert isinstance(response, Own)
    assert response.mimetype == "text/plain"
    assert response.headers["X-Own"] == "1"
    assert client.get("/json").mimetype == "application/json"
    assert client.get("/nothing").status_code == 404
    with app.test_request_context():
        assert type(flask.make_response("x")) is Own
        assert type(flask.jsonify(1)) is Own
        assert type(flask.redirect("/")) is Own
        assert type(flask.make_response()) is Own
        assert type(app.make_default_options_response()) is Own


def test_the_json_provider_may_be_replaced(flask: Any) -> None:
    class Own(flask.json.provider.DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return '{"own": true}'

    class OwnFlask(flask.Flask):
        json_provider_class = Own

    app = OwnFlask("m", root_path="/")
    app.add_url_rule("/", "index", lambda: {"a": 1})
    assert app.test_client().get("/").json == {"own": True}
    other = flask.Flask("m", root_path="/")
    other.json = Own(other)
    other.add_url_rule("/", "index", lambda: {"a": 1})
    assert other.test_client().get("/").json == {"own": True}


def test_rules_and_map_may_be_replaced(flask: Any) -> None:
    class OwnRule(flask.Flask.url_rule_class):
        pass

    class OwnMap(flask.Flask.url_map_class):
        pass

    class OwnFlask(flask.Flask):
        url_rule_class = OwnRule
        url_map_class = OwnMap

    app = OwnFlask("m", root_path="/")
    app.add_url_rule("/", "index", lambda: type(flask.request.url_rule).__name__)
    assert type(app.url_map) is OwnMap
    assert app.test_client().get("/").text == "OwnRule"


def test_the_session_interface_may_be_replaced(flask: Any) -> None:
    class Session(dict, flask.sessions.SessionMixin):
        pass

    class Own(flask.sessions.SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            return Session(path=request.path)

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            response.headers["X-Session"] = session["path"]

    class OwnFlask(flask.Flask):
        session_interface = Own()

    app = OwnFlask("m", root_path="/")
    app.add_url_rule("/x", "index", lambda: flask.session["path"])
    response = app.test_client().get("/x")
    assert response.text == "/x"
    assert response.headers["X-Session"] == "/x"


def test_the_test_client_class_may_be_replaced(flask: Any) -> None:
    class Own(flask.testing.FlaskClient):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.token = kwargs.pop("token")
            super().__init__(*args, **kwargs)

    app = flask.Flask("m", root_path="/")
    app.test_client_class = Own
    client = app.test_client(token="t")
    assert isinstance(client, Own)
    assert client.token == "t"
    assert client.application is app
    with pytest.raises(KeyError):
        app.test_client()


def test_an_unknown_argument_of_the_test_client(flask: Any) -> None:
    with pytest.raises(TypeError):
        flask.Flask("m", root_path="/").test_client(nonsense=1)


def test_the_cli_runner_class_may_be_replaced(flask: Any) -> None:
    class Own(flask.testing.FlaskCliRunner):
        pass

    class OwnFlask(flask.Flask):
        test_cli_runner_class = Own

    app = OwnFlask("m", root_path="/")
    assert isinstance(app.test_cli_runner(), Own)
    assert app.test_cli_runner().app is app


def test_the_shell_context(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")

    @app.shell_context_processor
    def first() -> dict[str, Any]:
        return {"a": 1, "b": 1}

    @app.shell_context_processor
    def second() -> dict[str, Any]:
        return {"b": 2}

    assert first() == {"a": 1, "b": 1}
    assert app.shell_context_processors == [first, second]
    values = app.make_shell_context()
    assert values["app"] is app
    assert values["g"] is flask.g
    assert values["a"] == 1
    assert values["b"] == 2


def test_a_shell_context_processor_may_replace_the_application(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    app.shell_context_processor(lambda: {"app": "mine"})
    assert app.make_shell_context()["app"] == "mine"


def test_got_first_request(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    app.add_url_rule("/", "index", lambda: str(app._got_first_request))
    with app.test_request_context():
        assert app._got_first_request is False
    assert app.test_client().get("/").text == "True"
    assert app._got_first_request is True


SETUP: dict[str, Any] = {
    "add_url_rule": lambda app: app.add_url_rule("/x", "x", str),
    "route": lambda app: app.route("/x")(lambda: ""),
    "get": lambda app: app.get("/x")(lambda: ""),
    "post": lambda app: app.post("/x")(lambda: ""),
    "endpoint": lambda app: app.endpoint("x")(lambda: ""),
    "before_request": lambda app: app.before_request(lambda: None),
    "after_request": lambda app: app.after_request(lambda response: response),
    "teardown_request": lambda app: app.teardown_request(lambda error: None),
    "teardown_appcontext": lambda app: app.teardown_appcontext(lambda error: None),
    "context_processor": lambda app: app.context_processor(dict),
    "shell_context_processor": lambda app: app.shell_context_processor(dict),
    "url_value_preprocessor": lambda app: app.url_value_preprocessor(lambda endpoint, values: None),
    "url_defaults": lambda app: app.url_defaults(lambda endpoint, values: None),
    "errorhandler": lambda app: app.errorhandler(404)(lambda error: ""),
    "register_error_handler": lambda app: app.register_error_handler(404, lambda error: ""),
    "template_filter": lambda app: app.template_filter()(str),
    "template_test": lambda app: app.template_test()(str),
    "template_global": lambda app: app.template_global()(str),
    "add_template_filter": lambda app: app.add_template_filter(str),
    "add_template_test": lambda app: app.add_template_test(str),
    "add_template_global": lambda app: app.add_template_global(str),
}


@pytest.mark.parametrize("name", SETUP)
def test_set_up_after_the_first_request_is_refused(flask: Any, name: str) -> None:
    app = flask.Flask("m", root_path="/")
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="can no longer be called on the application") as info:
        SETUP[name](app)
    assert "already handled its first request" in str(info.value)


@pytest.mark.parametrize("name", SETUP)
def test_set_up_in_a_context_before_the_first_request(flask: Any, name: str) -> None:
    app = flask.Flask("m", root_path="/")
    with app.test_request_context("/"):
        SETUP[name](app)


def test_what_stays_possible_after_the_first_request(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", static_folder=None)
    app.add_url_rule("/", "index", lambda: flask.current_app.config["LATE"])
    client = app.test_client()
    app.config["LATE"] = "1"
    assert client.get("/").text == "1"
    app.config["LATE"] = "2"
    assert client.get("/").text == "2"
    app.view_functions["index"] = lambda: "other"
    assert client.get("/").text == "other"
    app.before_request_funcs.setdefault(None, []).append(lambda: "before")
    assert client.get("/").text == "before"
    app.extensions["x"] = 1
    app.debug = True


def test_add_url_rule_wants_an_endpoint_or_a_view(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    with pytest.raises(AssertionError, match="expected view func if endpoint is not provided"):
        app.add_url_rule("/x")


def test_an_endpoint_belongs_to_one_view(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    app.add_url_rule("/a", "x", str)
    with pytest.raises(AssertionError, match="View function mapping is overwriting an existing endpoint function: x"):
        app.add_url_rule("/b", "x", int)
    app.add_url_rule("/c", "x", str)


def test_attributes_of_extensions_may_be_set(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    app.something = 1
    app.login_manager = object()
    assert app.something == 1
    del app.something
    assert not hasattr(app, "something")


def test_cli_is_named_after_the_application(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    assert app.cli.name == "m"
    assert isinstance(app.cli, flask.cli.AppGroup)


def test_jinja_options_and_environment(flask: Any) -> None:
    class Own(flask.Flask):
        jinja_options: ClassVar = {"trim_blocks": True}

    app = Own("m", root_path="/")
    assert app.jinja_env.trim_blocks is True
    assert app.jinja_env is app.jinja_env
    assert app.jinja_env.app is app


def test_a_blueprint_is_not_registered_after_the_first_request(flask: Any) -> None:
    app = flask.Flask("pottery", root_path="/")
    app.test_client().get("/glazes")
    with pytest.raises(AssertionError, match="The setup method 'register_blueprint' can no longer be called"):
        app.register_blueprint(flask.Blueprint("kiln", "pottery", root_path="/"))
    assert app.blueprints == {}


@pytest.mark.parametrize("methods", ["POST", "get, post", ""])
@pytest.mark.parametrize("owner", ["application", "blueprint"])
def test_methods_are_a_list_and_a_text_is_not_taken_for_one(flask: Any, owner: str, methods: str) -> None:
    app, kiln = flask.Flask("pottery", root_path="/"), flask.Blueprint("kiln", "pottery", root_path="/")

    def fire() -> None:
        (app if owner == "application" else kiln).add_url_rule("/fire", "fire", str, methods=methods)
        app.register_blueprint(kiln)

    with pytest.raises(TypeError, match="Allowed methods must be a list of strings"):
        fire()


@pytest.mark.parametrize("word", ["n", "false", "nO", "0", "off", "2", " ", None])
def test_debug_mode_is_on_when_the_environment_says_anything_but_no(flask: Any, monkeypatch: Any, word: Any) -> None:
    if word is None:
        monkeypatch.delenv("FLASK_DEBUG", raising=False)
    else:
        monkeypatch.setenv("FLASK_DEBUG", word)
    app = flask.Flask("pottery", root_path="/")
    assert app.config["DEBUG"] is app.debug is flask.helpers.get_debug_flag() is (word in {"n", "off", "2", " "})
    monkeypatch.setenv("FLASK_DEBUG", "1" if not app.debug else "0")
    assert app.debug is app.config["DEBUG"] is not flask.helpers.get_debug_flag()
