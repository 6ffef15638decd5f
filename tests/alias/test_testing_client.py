"""The test client: what it sends, what it keeps, what it follows."""

from __future__ import annotations

import io
from typing import Any

import pytest


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


def test_a_response_knows_its_request(flask: Any, app: Any, client: Any) -> None:
    response = client.get("/?a=1")
    assert response.request.path == "/"
    assert response.request.url == "http://localhost/?a=1"
    assert response.history == ()
    assert isinstance(response, app.response_class)
    assert isinstance(response, flask.Response)
    assert response.text == response.get_data(as_text=True)
    assert response.json == response.get_json()


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


# The with statement.


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


def test_a_client_may_be_entered_again(flask: Any, app: Any) -> None:
    client = app.test_client()
    for value in ("1", "2"):
        with client:
            client.get(f"/?a={value}")
            assert flask.request.args["a"] == value
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


# An observatory.


@pytest.fixture
def observatory(flask: Any, app: Any) -> Any:
    """An application that says who looks at which star, and where the clouds are."""

    @app.get("/stars/<name>")
    def star(name: str) -> Any:
        flask.g.star = name
        flask.session["seen"] = name
        return [name, flask.request.headers.get("X-Observer"), flask.request.remote_addr]

    app.add_url_rule("/clouds", "clouds", lambda: [][0])
    return app


def test_what_stands_in_the_base_environment_goes_with_every_request(observatory: Any) -> None:
    client = observatory.test_client()
    client.environ_base.update(HTTP_X_OBSERVER="Maria", REMOTE_ADDR="192.0.2.7")
    assert client.get("/stars/Mira").json == ["Mira", "Maria", "192.0.2.7"]
    assert client.get("/stars/Mira", headers={"X-Observer": "Otto"}).json == ["Mira", "Otto", "192.0.2.7"]
    assert observatory.test_client().get("/stars/Mira").json == ["Mira", None, "127.0.0.1"]


def test_a_request_may_be_prepared_beforehand(flask: Any, observatory: Any) -> None:
    prepared = flask.testing.EnvironBuilder(observatory, "/stars/Vega", headers={"X-Observer": "Maria"})
    client = observatory.test_client()
    for request in (prepared, prepared.get_environ(), prepared.get_request()):
        assert client.open(request).json[:2] == ["Vega", "Maria"]


def test_a_class_of_clients_takes_arguments_of_its_own(flask: Any, observatory: Any) -> None:
    class Observer(flask.testing.FlaskClient):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.name = kwargs.pop("name")
            super().__init__(*args, **kwargs)

        def open(self, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("headers", {})["X-Observer"] = self.name
            return super().open(*args, **kwargs)

    observatory.test_client_class = Observer
    client = observatory.test_client(name="Caroline")
    assert isinstance(client, Observer)
    assert client.get("/stars/Mira").json[1] == "Caroline"


def test_in_a_with_block_the_last_request_stays_current(flask: Any, observatory: Any) -> None:
    ended: list[str] = []
    observatory.teardown_request(lambda error: ended.append(flask.g.star))
    with observatory.test_client() as client:
        for name in ("Mira", "Vega"):
            client.get(f"/stars/{name}?night=3")
            assert (flask.g.star, flask.session["seen"], flask.request.args["night"]) == (name, name, "3")
    assert not flask.has_request_context()
    assert set(ended) == {"Mira", "Vega"}


@pytest.mark.parametrize("testing", [True, False])
def test_an_exception_reaches_the_test_only_in_testing_and_leaves_no_context(
    flask: Any, observatory: Any, testing: bool
) -> None:
    observatory.testing = testing
    client = observatory.test_client()
    if testing:
        with pytest.raises(IndexError):
            client.get("/clouds")
    else:
        assert client.get("/clouds").status_code == 500
    assert not flask.has_app_context()


def test_a_client_without_cookies_sees_each_star_for_the_first_time(observatory: Any) -> None:
    client = observatory.test_client(use_cookies=False)
    assert "Set-Cookie" in client.get("/stars/Mira").headers
    assert client.get("/").json["cookies"] == {}
    for use in (client.get_cookie, client.set_cookie, client.delete_cookie):
        with pytest.raises(TypeError, match="Cookies are disabled"):
            use("session")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_redirect_to_a_subdomain_is_followed_where_that_is_allowed(flask: Any, allowed: bool) -> None:
    app = flask.Flask("sky", root_path="/", subdomain_matching=True)
    app.config["SERVER_NAME"] = "sky.test"
    app.add_url_rule("/", "home", lambda: flask.redirect(flask.url_for("south")))
    app.add_url_rule("/", "south", lambda: "the southern cross", subdomain="south")
    client = app.test_client(allow_subdomain_redirects=allowed)
    if allowed:
        assert client.get("/", follow_redirects=True).text == "the southern cross"
    else:
        with pytest.raises(RuntimeError, match="subdomain redirects"):
            client.get("/", follow_redirects=True)
