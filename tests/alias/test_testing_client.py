"""The test client: what it sends, what it keeps, what it follows."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest


@pytest.fixture
def app(flask: Any) -> Any:
    app = flask.Flask("alias_app", root_path="/")
    app.config.update(TESTING=True, SECRET_KEY="k")

    @app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def index() -> Any:
        request = flask.request
        return {
            "method": request.method,
            "url": request.url,
            "args": request.args.to_dict(flat=False),
            "form": request.form.to_dict(flat=False),
            "data": request.get_data(as_text=True),
            "json": request.get_json(silent=True),
            "type": request.content_type,
            "auth": None if request.authorization is None else [str(request.authorization.username)],
            "cookies": dict(request.cookies),
            "agent": request.user_agent.string,
            "address": request.remote_addr,
        }

    return app


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_methods(client: Any, method: str) -> None:
    assert getattr(client, method)("/").json["method"] == method.upper()


def test_other_methods(app: Any, client: Any) -> None:
    assert client.head("/").data == b""
    assert client.options("/").allow.as_set() == {"get", "head", "options", "post", "put", "patch", "delete"}
    assert client.trace("/").status_code == 405
    assert client.open("/", method="PUT").json["method"] == "PUT"
    assert client.open("/", method="post").json["method"] == "POST"


def test_the_defaults_of_the_environment(client: Any) -> None:
    from werkzeug import __name__ as name

    values = client.get("/").json
    assert name == "werkzeug"
    assert values["url"] == "http://localhost/"
    assert values["address"] == "127.0.0.1"
    assert values["agent"].startswith("Werkzeug/")
    assert client.environ_base["REMOTE_ADDR"] == "127.0.0.1"
    assert client.environ_base["HTTP_USER_AGENT"].startswith("Werkzeug/")


def test_the_environ_base_may_be_changed(client: Any) -> None:
    client.environ_base["REMOTE_ADDR"] = "1.2.3.4"
    client.environ_base["HTTP_X_OWN"] = "1"
    assert client.get("/").json["address"] == "1.2.3.4"
    assert client.get("/", environ_base={"REMOTE_ADDR": "5.6.7.8"}).json["address"] == "5.6.7.8"
    assert client.get("/", environ_overrides={"REMOTE_ADDR": "9.9.9.9"}).json["address"] == "9.9.9.9"
    assert client.get("/", environ_overrides={"wsgi.url_scheme": "https"}).json["url"] == "https://localhost/"


def test_arguments_of_a_request(app: Any, client: Any) -> None:
    assert client.get("/", query_string={"a": [1, 2], "b": "c"}).json["args"] == {"a": ["1", "2"], "b": ["c"]}
    assert client.get("/", query_string="a=1&a=2").json["args"] == {"a": ["1", "2"]}
    assert client.get("/?a=1").json["args"] == {"a": ["1"]}
    assert client.post("/", data={"a": "1"}).json["form"] == {"a": ["1"]}
    assert client.post("/", data="text").json["data"] == "text"
    assert client.post("/", data=b"bytes", content_type="text/plain").json["type"] == "text/plain"
    assert client.post("/", json={"a": [1, None]}).json["json"] == {"a": [1, None]}
    assert client.post("/", json={"a": 1}).json["type"] == "application/json"
    assert client.post("/", json=None).json["json"] is None
    assert client.get("/", auth=("ada", "pw")).json["auth"] == ["ada"]
    assert client.get("/", headers={"User-Agent": "own"}).json["agent"] == "own"
    assert client.get("/", headers=[("User-Agent", "own")]).json["agent"] == "own"
    assert client.get("/", base_url="https://example.com:444/").json["url"] == "https://example.com:444/"
    assert client.get("/", mimetype="text/x").json["type"] == "text/x; charset=utf-8"
    assert client.get("http://example.com/?x=1").json["url"] == "http://example.com/?x=1"
    assert client.get("https://example.com/").json["url"] == "https://example.com/"
    with pytest.raises(TypeError):
        client.post("/", json={}, data={})
    with pytest.raises(TypeError):
        client.get("/", nonsense=1)


def test_files_are_uploaded(flask: Any, app: Any, client: Any) -> None:
    @app.post("/upload")
    def upload() -> str:
        file = flask.request.files["f"]
        return f"{file.filename} {file.content_type} {file.read().decode()} {flask.request.form['a']}"

    response = client.post("/upload", data={"a": "1", "f": (io.BytesIO(b"content"), "x.txt")})
    assert response.text == "x.txt text/plain content 1"
    response = client.post("/upload", data={"a": "1", "f": (io.BytesIO(b"c"), "x", "text/own")})
    assert response.text == "x text/own c 1"


def test_open_takes_builders_environments_and_requests(flask: Any, app: Any, client: Any) -> None:
    builder = flask.testing.EnvironBuilder(app, "/?a=1", method="POST", data="x")
    assert client.open(builder).json["method"] == "POST"
    assert client.open(builder).json["address"] == "127.0.0.1"
    plain = WerkzeugEnvironBuilder("/?b=2")
    assert client.open(plain).json["args"] == {"b": ["2"]}
    assert client.open(plain.get_environ()).json["args"] == {"b": ["2"]}
    assert client.open(WerkzeugRequest(plain.get_environ())).json["args"] == {"b": ["2"]}
    assert client.open(plain, buffered=True).json["args"] == {"b": ["2"]}


def test_a_response_knows_its_request(flask: Any, app: Any, client: Any) -> None:
    response = client.get("/?a=1")
    assert response.request.path == "/"
    assert response.request.url == "http://localhost/?a=1"
    assert response.history == ()
    assert isinstance(response, app.response_class)
    assert isinstance(response, flask.Response)
    assert response.text == response.get_data(as_text=True)
    assert response.json == response.get_json()


def test_responses_read_json_as_the_application_does(flask: Any, app: Any, client: Any) -> None:
    class Own(flask.json.provider.DefaultJSONProvider):
        def loads(self, s: Any, **kwargs: Any) -> Any:
            return {"own": super().loads(s, **kwargs)}

        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps({"dumped": obj}, **kwargs)

    app.json = Own(app)
    app.add_url_rule("/echo", "echo", lambda: flask.request.get_data(), methods=["POST"])
    assert client.post("/echo", json=1).data == b'{"dumped": 1}'
    response = client.post("/echo", json=1)
    response.content_type = "application/json"
    assert response.json == {"own": {"dumped": 1}}


def test_the_client_knows_its_application(flask: Any, app: Any) -> None:
    client = app.test_client()
    assert client.application is app
    assert client.response_wrapper is not None
    assert isinstance(client, flask.testing.FlaskClient)
    assert client.preserve_context is False


def test_a_client_made_by_its_class(flask: Any, app: Any) -> None:
    client = flask.testing.FlaskClient(app, app.response_class)
    assert client.get("/").json["method"] == "GET"
    assert flask.testing.FlaskClient(app).get("/").status_code == 200


# Cookies.


def test_cookies_are_kept(flask: Any, app: Any, client: Any) -> None:
    @app.route("/set")
    def set_cookie() -> Any:
        response = flask.make_response("x")
        response.set_cookie("a", "1")
        return response

    @app.route("/delete")
    def delete_cookie() -> Any:
        response = flask.make_response("x")
        response.delete_cookie("a")
        return response

    client.get("/set")
    assert client.get("/").json["cookies"] == {"a": "1"}
    assert client.get_cookie("a").value == "1"
    assert client.get_cookie("b") is None
    client.set_cookie("b", "2")
    assert client.get("/").json["cookies"] == {"a": "1", "b": "2"}
    client.delete_cookie("b")
    client.get("/delete")
    assert client.get("/").json["cookies"] == {}


def test_cookies_belong_to_domains_and_paths(client: Any) -> None:
    client.set_cookie("a", "1", domain="example.com")
    client.set_cookie("b", "2", path="/sub")
    assert client.get("/").json["cookies"] == {}
    assert client.get("/", base_url="http://example.com").json["cookies"] == {"a": "1"}
    assert client.get("/", base_url="http://www.example.com").json["cookies"] in ({}, {"a": "1"})
    assert client.get_cookie("b", path="/sub").value == "2"


def test_a_client_without_cookies(flask: Any, app: Any) -> None:
    client = app.test_client(use_cookies=False)

    @app.route("/set")
    def set_cookie() -> Any:
        flask.session["a"] = 1
        return "x"

    client.get("/set")
    assert client.get("/").json["cookies"] == {}
    for use in (lambda: client.get_cookie("a"), lambda: client.set_cookie("a", "1"), lambda: client.delete_cookie("a")):
        with pytest.raises(TypeError, match="Cookies are disabled"):
            use()
    with pytest.raises(TypeError, match="Cookies are disabled"), client.session_transaction():
        pass


# Redirects.


@pytest.fixture
def redirecting(flask: Any, app: Any) -> Any:
    app.add_url_rule("/one", "one", lambda: flask.redirect("/two"), methods=["GET", "POST"])
    app.add_url_rule("/two", "two", lambda: flask.redirect("/"))
    app.add_url_rule("/keep", "keep", lambda: flask.redirect("/", code=307), methods=["POST"])
    app.add_url_rule("/loop", "loop", lambda: flask.redirect("/loop"))
    app.add_url_rule("/out", "out", lambda: flask.redirect("http://example.org/x"))
    return app


def test_redirects_are_followed_when_asked(redirecting: Any, client: Any) -> None:
    response = client.get("/one")
    assert (response.status_code, response.location) == (302, "/two")
    response = client.get("/one", follow_redirects=True)
    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [302, 302]
    assert [step.request.path for step in response.history] == ["/one", "/two"]
    assert response.request.path == "/"
    assert client.post("/one", data={"a": "1"}, follow_redirects=True).json["method"] == "GET"
    kept = client.post("/keep", data={"a": "1"}, follow_redirects=True).json
    assert (kept["method"], kept["form"]) == ("POST", {"a": ["1"]})


def test_a_loop_of_redirects(redirecting: Any, client: Any) -> None:
    from werkzeug.test import ClientRedirectError

    with pytest.raises(ClientRedirectError):
        client.get("/loop", follow_redirects=True)


def test_external_redirects_are_refused(redirecting: Any, client: Any) -> None:
    with pytest.raises(RuntimeError, match="external redirects"):
        client.get("/out", follow_redirects=True)
    assert client.get("/out").location == "http://example.org/x"


def test_redirects_to_a_subdomain_are_followed(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/", "index", lambda: flask.redirect("http://sub.example.com/there"))
    app.add_url_rule("/there", "there", lambda: flask.request.host, subdomain="sub")
    client = app.test_client(allow_subdomain_redirects=True)
    assert client.get("/", follow_redirects=True).text == "sub.example.com"
    with pytest.raises(RuntimeError, match="subdomain redirects"):
        app.test_client().get("/", follow_redirects=True)


# The with statement.


def test_the_context_is_kept_in_a_with_statement(flask: Any, app: Any) -> None:
    @app.route("/g/<name>")
    def set_g(name: str) -> str:
        flask.g.name = name
        flask.session["name"] = name
        return "x"

    with app.test_client() as client:
        assert client.preserve_context
        assert not flask.request
        client.get("/g/a?x=1")
        assert flask.request.args["x"] == "1"
        assert flask.g.name == "a"
        assert flask.session["name"] == "a"
        assert flask.current_app == app
        client.get("/g/b")
        assert flask.g.name == "b"
        assert flask.request.path == "/g/b"
    assert not flask.request
    assert not flask.current_app
    assert not client.preserve_context


def test_teardowns_run_at_the_end_of_a_request_and_when_the_kept_context_goes(flask: Any, app: Any) -> None:
    log: list[str] = []
    app.teardown_request(lambda error: log.append("request"))
    app.teardown_appcontext(lambda error: log.append("app"))
    with app.test_client() as client:
        client.get("/")
        assert log == ["request", "app"]
        client.get("/")
        assert log == ["request", "app"] * 3
    assert log == ["request", "app"] * 4
    client.get("/")
    assert log == ["request", "app"] * 5


def test_the_environment_says_that_the_context_is_kept(flask: Any, app: Any) -> None:
    app.add_url_rule("/kept", "kept", lambda: str("werkzeug.debug.preserve_context" in flask.request.environ))
    assert app.test_client().get("/kept").text == "False"
    with app.test_client() as client:
        assert client.get("/kept").text == "True"


def test_a_context_is_kept_where_the_environment_asks_for_it(flask: Any, app: Any) -> None:
    ended: list[str] = []
    app.teardown_request(lambda error: ended.append("end"))
    kept: list[Any] = []
    app.test_client().get("/", environ_overrides={"werkzeug.debug.preserve_context": kept.append})
    assert len(kept) >= 1
    assert isinstance(kept[-1], flask.ctx.RequestContext | flask.ctx.AppContext)


def test_clients_cannot_be_nested_in_themselves(app: Any) -> None:
    with app.test_client() as client:
        with pytest.raises(RuntimeError, match="Cannot nest client invocations"):
            client.__enter__()
        client.get("/")


def test_two_clients_may_be_nested(flask: Any, app: Any) -> None:
    with app.test_client() as one:
        one.get("/?a=1")
        with app.test_client() as two:
            two.get("/?a=2")
            assert flask.request.args["a"] == "2"
        assert flask.request.args["a"] == "1"
    assert not flask.request


def test_a_client_may_be_entered_again(flask: Any, app: Any) -> None:
    client = app.test_client()
    for value in ("1", "2"):
        with client:
            client.get(f"/?a={value}")
            assert flask.request.args["a"] == value
        assert not flask.request


def test_a_failing_request_in_a_with_statement(flask: Any, app: Any) -> None:
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    with app.test_client() as client:
        with pytest.raises(ZeroDivisionError):
            client.get("/fail")
        client.get("/?a=1")
        assert flask.request.args["a"] == "1"
    assert not flask.request


def test_a_500_in_a_with_statement(flask: Any, app: Any) -> None:
    app.testing = False
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    with app.test_client() as client:
        assert client.get("/fail").status_code == 500
        assert flask.request.path == "/fail"
    assert not flask.request


def test_an_exception_in_the_with_statement(flask: Any, app: Any) -> None:
    client = app.test_client()
    with pytest.raises(KeyError), client:
        flask.session[client.get("/").json["method"]]
    assert not flask.request
    assert not client.preserve_context


def test_redirects_in_a_with_statement(flask: Any, redirecting: Any) -> None:
    with redirecting.test_client() as client:
        client.get("/one", follow_redirects=True)
        assert flask.request.path == "/"
    assert not flask.request


def test_a_stream_in_a_with_statement(flask: Any, app: Any) -> None:
    @app.route("/stream")
    def stream() -> Any:
        def generate() -> Any:
            yield flask.request.args["a"]
            yield "b"

        return flask.Response(flask.stream_with_context(generate()))

    with app.test_client() as client:
        response = client.get("/stream?a=1")
        assert response.data == b"1b"
        assert flask.request.path == "/stream"
        client.get("/stream?a=2", buffered=True)
    assert not flask.request
    assert not flask.current_app


def test_a_client_in_an_application_context(flask: Any, app: Any) -> None:
    with app.app_context():
        flask.g.a = 1
        with app.test_client() as client:
            client.get("/")
            assert flask.g.a == 1
            assert flask.request.path == "/"
        assert flask.current_app == app
        assert flask.g.a == 1
        assert not flask.request
    assert not flask.current_app


def test_a_client_of_an_application_in_the_context_of_another(flask: Any, app: Any) -> None:
    other = flask.Flask("other", root_path="/")
    other.add_url_rule("/", "index", lambda: flask.current_app.name)
    with app.app_context():
        assert other.test_client().get("/").text == "other"
        assert flask.current_app == app
        with other.test_client() as client:
            client.get("/")
            assert flask.current_app == other
        assert flask.current_app == app


# Exceptions.


def test_exceptions_are_raised_under_test(app: Any, client: Any) -> None:
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.get("/fail")
    app.testing = False
    assert client.get("/fail").status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ZeroDivisionError):
        client.get("/fail")
    app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=True)
    assert client.get("/fail").status_code == 500
    app.config.update(PROPAGATE_EXCEPTIONS=None, TESTING=False)
    app.debug = True
    with pytest.raises(ZeroDivisionError):
        client.get("/fail")


def test_no_context_is_left_after_an_exception(flask: Any, app: Any, client: Any) -> None:
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.get("/fail")
    assert not flask.request
    assert not flask.current_app


# Overriding.


def test_open_may_be_overridden(flask: Any, app: Any) -> None:
    class Own(flask.testing.FlaskClient):
        def open(self, *args: Any, **kwargs: Any) -> Any:
            headers = kwargs.pop("headers", None) or {}
            return super().open(*args, headers={**headers, "User-Agent": "overridden"}, **kwargs)

    app.test_client_class = Own
    assert app.test_client().get("/").json["agent"] == "overridden"
    assert app.test_client().post("/", data={"a": 1}).json["form"] == {"a": ["1"]}


# Sessions.


def test_a_session_transaction(flask: Any, app: Any) -> None:
    app.add_url_rule("/see", "see", lambda: str(flask.session.get("a")))
    client = app.test_client()
    with client.session_transaction() as session:
        assert len(session) == 0
        session["a"] = [42]
        assert not flask.request
        assert not flask.has_request_context()
    assert client.get("/see").text == "[42]"
    with client.session_transaction() as session:
        assert session["a"] == [42]
        session["a"] = "new"
    with client:
        assert client.get("/see").text == "new"
        assert flask.session["a"] == "new"


def test_a_session_transaction_in_a_with_statement_keeps_the_context(flask: Any, app: Any) -> None:
    with app.test_client() as client:
        client.get("/?a=1")
        request = flask.request._get_current_object()
        with client.session_transaction() as session:
            session["x"] = 1
            assert flask.request._get_current_object() is request
        assert flask.request._get_current_object() is request
        assert flask.request.args["a"] == "1"


def test_a_session_transaction_in_a_request_context(flask: Any, app: Any) -> None:
    client = app.test_client()
    with app.test_request_context("/outer"):
        with client.session_transaction() as session:
            session["x"] = 1
            assert flask.request.path == "/outer"
        assert flask.request.path == "/outer"
    with app.app_context():
        with client.session_transaction() as session:
            assert session["x"] == 1
            assert flask.current_app == app
        assert flask.current_app == app


def test_a_session_transaction_without_a_backend(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    with (
        pytest.raises(RuntimeError, match=r"Session backend did not open a session\."),
        app.test_client().session_transaction(),
    ):
        pass


def test_a_session_transaction_without_a_secret_key_writes_nothing(flask: Any) -> None:
    class None_(flask.sessions.SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            return None

    app = flask.Flask("m", root_path="/")
    app.session_interface = None_()
    with pytest.raises(RuntimeError, match="Session backend did not open"), app.test_client().session_transaction():
        pass


def test_a_session_transaction_of_another_host(flask: Any, app: Any) -> None:
    app.add_url_rule("/see", "see", lambda: str(flask.session.get("a")))
    client = app.test_client()
    with client.session_transaction(base_url="https://example.com") as session:
        session["a"] = 1
    assert client.get("/see").text == "None"
    assert client.get("/see", base_url="https://example.com").text == "1"


def test_a_session_transaction_on_another_path(flask: Any, app: Any) -> None:
    app.config["SESSION_COOKIE_PATH"] = "/sub"
    app.add_url_rule("/see", "see", lambda: str(flask.session.get("a")))
    app.add_url_rule("/sub/see", "sub", lambda: str(flask.session.get("a")))
    client = app.test_client()
    with client.session_transaction("/sub/see") as session:
        session["a"] = 1
    assert client.get("/see").text == "None"
    assert client.get("/sub/see").text == "1"


def test_a_session_transaction_with_settings_of_the_cookie(flask: Any, app: Any) -> None:
    app.config.update(SERVER_NAME="example.com:5000", SESSION_COOKIE_DOMAIN=".example.com")
    app.add_url_rule("/see", "see", lambda: str(flask.session.get("a")))
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = 1
    assert client.get("/see").text == "1"


def test_an_exception_in_a_session_transaction_saves_nothing(flask: Any, app: Any) -> None:
    client = app.test_client()
    with pytest.raises(KeyError), client.session_transaction() as session:
        session[session.setdefault("a", "missing")]
    with client.session_transaction() as session:
        assert "a" not in session
    assert not flask.current_app


def test_a_session_transaction_runs_no_hooks(flask: Any, app: Any) -> None:
    log: list[str] = []
    app.before_request(lambda: log.append("before"))
    app.after_request(lambda response: log.append("after") or response)
    with app.test_client().session_transaction() as session:
        session["a"] = 1
    assert log == []


def test_clearing_the_session_in_a_transaction(flask: Any, app: Any) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = 1
    assert client.get_cookie("session") is not None
    with client.session_transaction() as session:
        session.clear()
    assert client.get_cookie("session") is None


def test_the_cookie_of_a_transaction_is_looked_at(flask: Any, app: Any) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = 1
        session.permanent = True
    cookie = client.get_cookie("session")
    serializer = app.session_interface.get_signing_serializer(app)
    assert serializer.loads(cookie.value) == {"a": 1, "_permanent": True}
    assert cookie.http_only is True
    assert cookie.expires is not None
