"""Subclasses of the application and of its parts: what is called on them, and what they may rely on."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client


def test_attributes_may_be_set_before_the_constructor_runs(flask: Any) -> None:
    class Own(flask.Flask):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.early = 1
            super().__init__(*args, **kwargs)
            self.late = 2

    app = Own("m", root_path="/")
    assert (app.early, app.late) == (1, 2)


def test_a_subclass_may_set_the_defaults_of_arguments(flask: Any) -> None:
    class Own(flask.Flask):
        def __init__(self, name: str, **kwargs: Any) -> None:
            kwargs.setdefault("static_folder", None)
            super().__init__(name, **kwargs)
            self.add_url_rule("/", "index", self.index)

        def index(self) -> str:
            return f"index of {self.name}"

    app = Own("m", root_path="/")
    assert app.static_folder is None
    assert app.test_client().get("/").text == "index of m"


def test_rules_come_through_add_url_rule(flask: Any) -> None:
    added: list[Any] = []

    class Own(flask.Flask):
        def add_url_rule(
            self, rule: str, endpoint: Any = None, view_func: Any = None, provide_automatic_options: Any = None,
            **options: Any,
        ) -> None:  # fmt: skip
            added.append((rule, endpoint))
            super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)

    app = Own("m", root_path="/")
    assert added == [("/static/<path:filename>", "static")]
    app.route("/a")(lambda: "")
    app.get("/b", endpoint="b")(lambda: "")
    bp = flask.Blueprint("bp", __name__, url_prefix="/bp")
    bp.add_url_rule("/c", "c", lambda: "")
    app.register_blueprint(bp)
    assert added[1:] == [("/a", None), ("/b", "b"), ("/bp/c", "bp.c")]


def test_blueprints_come_through_register_blueprint(flask: Any) -> None:
    registered: list[Any] = []

    class Own(flask.Flask):
        def register_blueprint(self, blueprint: Any, **options: Any) -> None:
            registered.append((blueprint.name, options))
            super().register_blueprint(blueprint, **options)

    app = Own("m", root_path="/")
    app.register_blueprint(flask.Blueprint("bp", __name__), url_prefix="/x")
    assert registered == [("bp", {"url_prefix": "/x"})]


def test_error_handlers_come_through_register_error_handler(flask: Any) -> None:
    registered: list[Any] = []

    class Own(flask.Flask):
        def register_error_handler(self, code_or_exception: Any, f: Any) -> None:
            registered.append(code_or_exception)
            super().register_error_handler(code_or_exception, f)

    app = Own("m", root_path="/")
    app.errorhandler(404)(lambda error: ("gone", 404))
    assert registered == [404]
    assert app.test_client().get("/x").text == "gone"


def test_the_automatic_answer_to_options_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):
        def make_default_options_response(self) -> Any:
            response = super().make_default_options_response()
            response.headers["X-Own"] = "1"
            return response

    app = Own("m", root_path="/")
    app.add_url_rule("/", "index", lambda: "", methods=["GET", "PUT"])
    response = app.test_client().options("/")
    assert response.headers["X-Own"] == "1"
    assert response.allow.as_set() == {"get", "head", "options", "put"}


def test_the_age_of_files_may_be_overridden(flask: Any, tmp_path: Any) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.js").write_text("x")
    (tmp_path / "static" / "a.css").write_text("x")

    class Own(flask.Flask):
        def get_send_file_max_age(self, filename: str | None) -> int | None:
            return 5 if (filename or "").endswith(".js") else super().get_send_file_max_age(filename)

    app = Own("m", root_path=str(tmp_path))
    client = app.test_client()
    with client.get("/static/a.js") as response:
        assert response.cache_control.max_age == 5
    with client.get("/static/a.css") as response:
        assert response.cache_control.max_age is None
        assert response.cache_control.no_cache is not None
    with app.test_request_context(), flask.send_file(tmp_path / "static" / "a.js") as response:
        assert response.cache_control.max_age == 5


def test_static_files_may_be_sent_otherwise(flask: Any, tmp_path: Any) -> None:
    class Own(flask.Flask):
        def send_static_file(self, filename: str) -> Any:
            return self.response_class(f"own {filename}")

    app = Own("m", root_path=str(tmp_path))
    assert app.test_client().get("/static/x/y").text == "own x/y"


def test_test_tools_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):
        def test_client(self, *args: Any, **kwargs: Any) -> Any:
            client = super().test_client(*args, **kwargs)
            client.environ_base["REMOTE_ADDR"] = "1.1.1.1"
            return client

        def test_request_context(self, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("base_url", "https://own.example/")
            return super().test_request_context(*args, **kwargs)

    app = Own("m", root_path="/")
    app.add_url_rule("/", "index", lambda: flask.request.remote_addr)
    assert app.test_client().get("/").text == "1.1.1.1"
    with app.test_request_context("/x"):
        assert flask.request.url == "https://own.example/x"


def test_a_metaclass_or_mixin_is_possible(flask: Any) -> None:
    class Mixin:
        def dispatch_request(self) -> Any:
            return f"mixed {super().dispatch_request()}"  # type: ignore[misc]

    class Own(Mixin, flask.Flask):
        pass

    app = Own("m", root_path="/")
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").text == "mixed x"


def test_two_levels_of_overriding(flask: Any) -> None:
    class One(flask.Flask):
        def process_response(self, response: Any) -> Any:
            response = super().process_response(response)
            response.headers["X-One"] = "1"
            return response

    class Two(One):
        def process_response(self, response: Any) -> Any:
            response = super().process_response(response)
            response.headers["X-Two"] = response.headers["X-One"] + "2"
            return response

    app = Two("m", root_path="/")
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").headers["X-Two"] == "12"


def test_after_request_functions_run_in_process_response(flask: Any) -> None:
    class Own(flask.Flask):
        def process_response(self, response: Any) -> Any:
            before = response.headers.get("X-After")
            response = super().process_response(response)
            response.headers["X-Seen"] = f"{before} {response.headers['X-After']}"
            return response

    app = Own("m", root_path="/")

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-After"] = "yes"
        return response

    assert app.test_client().get("/x").headers["X-Seen"] == "None yes"


def test_private_names_that_extensions_use(flask: Any, app: Any) -> None:
    assert app._got_first_request is False
    app._check_setup_finished("x")
    app.test_client().get("/")
    assert app._got_first_request is True
    with pytest.raises(AssertionError):
        app._check_setup_finished("x")
    app._got_first_request = False
    app.add_url_rule("/late", "late", lambda: "late")
    assert app.test_client().get("/late").text == "late"


def test_an_application_in_a_test_may_be_set_up_again(flask: Any, app: Any) -> None:
    """Suites reset the flag to add views to an application that has answered already."""
    client = app.test_client()
    client.get("/")
    for number in range(3):
        app._got_first_request = False
        app.add_url_rule(f"/{number}", f"view{number}", lambda number=number: str(number))
        app.before_request(lambda: None)
        assert client.get(f"/{number}").text == str(number)


def test_the_methods_of_a_client_may_be_overridden(flask: Any, app: Any) -> None:
    class Own(flask.testing.FlaskClient):
        def get(self, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("query_string", {"own": "1"})
            return super().get(*args, **kwargs)

    app.add_url_rule("/", "index", lambda: flask.request.args.get("own", ""))
    app.test_client_class = Own
    assert app.test_client().get("/").text == "1"


def test_the_client_with_an_own_response_wrapper(flask: Any, app: Any) -> None:
    class Own(flask.Response):
        @property
        def own(self) -> str:
            return "own " + self.text

    app.add_url_rule("/", "index", lambda: "x")
    client = flask.testing.FlaskClient(app, Own, use_cookies=True)
    assert client.get("/").own == "own x"


def test_an_application_class_may_be_abstract_or_generic(flask: Any) -> None:
    from abc import ABC, abstractmethod
    from typing import Generic, TypeVar

    T = TypeVar("T")

    class Abstract(flask.Flask, ABC):  # type: ignore[misc]
        @abstractmethod
        def load(self) -> None: ...

    class Whole(Abstract, Generic[T]):
        def load(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract("a")
    assert Whole("b").test_client().get("/").status_code == 404


@pytest.mark.parametrize("name", ["self", "app", "values", "error", "method", "scheme", "func", "rule"])
def test_any_name_but_endpoint_is_a_value_of_an_address(flask: Any, app: Any, name: str) -> None:
    """As a part of the rule, and in the query where the rule has no such part."""
    app.add_url_rule(f"/shelf/<{name}>", "shelf", lambda **parts: parts)
    app.add_url_rule("/desk", "desk", lambda: flask.request.args.to_dict())
    app.url_defaults(lambda endpoint, values: values.setdefault(name, "usual"))
    with app.test_request_context():
        shelf, desk = flask.url_for("shelf", **{name: "top"}), app.url_for("desk", **{name: "left"})
        assert flask.url_for("shelf") == "/shelf/usual"
    client = app.test_client()
    assert client.get(shelf).json == {name: "top"}
    assert client.get(desk).json == {name: "left"}


def test_the_console_of_werkzeugs_debugger_sees_the_request_that_failed(flask: Any, app: Any) -> None:
    """It is asked in a later request, when that of the error is long over."""
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/wells/<int:depth>")
    def well(depth: int) -> str:
        request = flask.request
        return f"{depth / 0} {request}"

    debugged = DebuggedApplication(app, evalex=True, pin_security=False)
    client = Client(debugged)
    assert client.get("/wells/40?rope=long").status_code == 500
    frame = list(debugged.frames)[-1]
    asked = {"__debugger__": "yes", "cmd": "request.args['rope'] * 2", "frm": frame, "s": debugged.secret}
    assert "longlong" in client.get("/", query_string=asked).text
    assert not flask.request
