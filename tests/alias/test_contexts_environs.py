"""Requests as servers send them, hosts and subdomains, failures at the beginning and at the end of a request."""

from __future__ import annotations

from typing import Any

import pytest


def _ask(app: Any, **values: Any) -> tuple[str, bytes]:
    from werkzeug.test import create_environ, run_wsgi_app

    body, status, _ = run_wsgi_app(app, {**create_environ("/"), **values})
    return status, b"".join(body)


@pytest.fixture
def app(flask: Any) -> Any:
    app = flask.Flask("alias_app", root_path="/")
    app.config.update(SECRET_KEY="k")
    app.add_url_rule("/", "index", lambda: flask.request.host)
    return app


def test_an_environment_with_the_least(flask: Any, app: Any) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "s",
        "SERVER_PORT": "80",
    }
    with app.request_context(environ):
        assert flask.request.url == "http://s/"
        assert flask.request.endpoint == "index"


def test_create_url_adapter_by_hand(flask: Any, app: Any) -> None:
    assert app.create_url_adapter(None) is None
    app.config.update(SERVER_NAME="example.com", APPLICATION_ROOT="/r", PREFERRED_URL_SCHEME="https")
    adapter = app.create_url_adapter(None)
    assert adapter.build("index", force_external=True) == "https://example.com/r/"
    with app.test_request_context("/"):
        own = app.create_url_adapter(flask.request)
        assert own.match() == ("index", {})


def test_the_script_name(flask: Any, app: Any) -> None:
    app.add_url_rule(
        "/where", "where", lambda: f"{flask.request.script_root} {flask.request.path} {flask.url_for('index')}"
    )
    assert app.test_client().get("/where", base_url="http://localhost/app").text == "/app /where /app/"


def test_a_wsgi_exception_in_start_response(flask: Any, app: Any) -> None:
    from werkzeug.test import create_environ

    def start_response(*args: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        app(create_environ("/"), start_response)
    assert not flask.request


def test_base_exceptions_pass_and_end_the_request(flask: Any, app: Any) -> None:
    seen: list[str] = []
    app.teardown_request(lambda error: seen.append(type(error).__name__))

    @app.route("/exit")
    def leave() -> None:
        raise SystemExit

    @app.route("/interrupt")
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit):
        app.test_client().get("/exit")
    with pytest.raises(KeyboardInterrupt):
        app.test_client().get("/interrupt")
    assert seen == ["SystemExit", "KeyboardInterrupt"]
    assert not flask.request
    assert not flask.current_app


def test_many_requests_leave_nothing_behind(flask: Any, app: Any) -> None:
    client = app.test_client()
    for _ in range(20):
        client.get("/")
        client.get("/nowhere")
    assert not flask.request
    assert not flask.current_app
    assert flask.globals._cv_app.get(None) is None


def test_errors_are_logged_with_method_and_path(flask: Any, app: Any, caplog: Any) -> None:
    app.add_url_rule("/fail", "fail", lambda: 1 / 0, methods=["POST"])
    app.test_client().post("/fail?secret=1")
    record = caplog.records[-1]
    assert record.getMessage() == "Exception on /fail [POST]"
    assert record.levelname == "ERROR"
    assert record.exc_info[0] is ZeroDivisionError
    assert record.name == "alias_app"


@pytest.mark.parametrize(
    ("host", "root"),
    [
        ("bakery.example", "http://bakery.example/"),
        ("BAKERY.example:8443", "http://bakery.example:8443/"),
        ("10.0.0.7:81", "http://10.0.0.7:81/"),
        ("[2001:db8::7]:8443", "http://[2001:db8::7]:8443/"),
        ("xn--bcher-kva.example", "http://bücher.example/"),
    ],
)
def test_the_host_that_a_client_names_is_that_of_the_request(flask: Any, app: Any, host: str, root: str) -> None:
    app.add_url_rule("/root", "root", lambda: flask.request.root_url)
    assert _ask(app, HTTP_HOST=host) == ("200 OK", host.encode())
    assert _ask(app, HTTP_HOST=host, PATH_INFO="/root") == ("200 OK", root.encode())


@pytest.mark.parametrize("step", ["open_session", "save_session"])
def test_an_error_of_the_session_interface_is_one_of_the_request(flask: Any, app: Any, step: str, caplog: Any) -> None:
    def no_oven(self: Any, *args: Any) -> Any:
        raise ConnectionError("the oven is out")

    app.session_interface = type("Oven", (flask.sessions.SecureCookieSessionInterface,), {step: no_oven})()
    app.errorhandler(500)(lambda error: (f"closed: {error.original_exception}", 500))
    client = app.test_client()
    assert (client.get("/").text, client.get("/").status_code) == ("closed: the oven is out", 500)
    failures = [record for record in caplog.records if record.getMessage() == "Exception on / [GET]"]
    assert [record.exc_info[0] for record in failures] == [ConnectionError] * 2
    assert not flask.has_app_context()
    app.testing = True
    with pytest.raises(ConnectionError):
        client.get("/")
    assert not flask.has_app_context()


def _bakery(flask: Any, **settings: Any) -> Any:
    app = flask.Flask("bakery", root_path="/", static_folder=None, **settings)
    app.config["SERVER_NAME"] = "bakery.example:8443"
    return app


def test_each_url_of_a_subdomain_leads_back_to_its_view(flask: Any) -> None:
    app = _bakery(flask, subdomain_matching=True)

    def show(**values: Any) -> Any:
        return {"endpoint": flask.request.endpoint, "values": values}

    app.add_url_rule("/bread", "shop", show)
    app.add_url_rule("/bread", "orders", show, subdomain="orders")
    app.add_url_rule("/bread/<kind>", "branch", show, subdomain="<town>")
    targets: list[tuple[str, dict[str, str], str]] = [
        ("shop", {}, "http://bakery.example:8443/bread"),
        ("orders", {}, "http://orders.bakery.example:8443/bread"),
        ("branch", {"town": "ghent", "kind": "rye"}, "http://ghent.bakery.example:8443/bread/rye"),
    ]
    with app.app_context():
        urls = [flask.url_for(endpoint, **values) for endpoint, values, _ in targets]
    assert urls == [url for _, _, url in targets]
    for endpoint, values, url in targets:
        assert app.test_client().get(url).json == {"endpoint": endpoint, "values": values}
        with app.test_request_context(url):
            built = {to: flask.url_for(to, **more) for to, more, _ in targets}
            assert built[endpoint].startswith("/bread")
            assert [built[to] for to, _, _ in targets if to != endpoint] == [
                u for to, _, u in targets if to != endpoint
            ]


def test_rules_without_a_subdomain_have_that_of_the_map(flask: Any) -> None:
    app = _bakery(flask, subdomain_matching=True)
    app.url_map.default_subdomain = "shop"
    app.add_url_rule("/till", "till", lambda: "open")
    assert app.test_client().get("/till", subdomain="shop").text == "open"
    assert app.test_client().get("/till").status_code == 404


def test_a_rule_may_be_for_one_host_or_take_the_host_as_a_value(flask: Any) -> None:
    app = _bakery(flask, host_matching=True)
    app.add_url_rule("/sign", "own", lambda: "fresh bread", host="bakery.example:8443")
    app.add_url_rule("/sign", "guest", lambda shop: f"bread from {shop}", host="<shop>.market.example")
    client = app.test_client()
    assert client.get("/sign").text == "fresh bread"
    assert client.get("http://ghent.market.example/sign").text == "bread from ghent"
    assert client.get("http://market.example/sign").status_code == 404
    with app.test_request_context("http://ghent.market.example/sign"):
        assert flask.url_for("guest", shop="ghent") == "/sign"
        assert flask.url_for("own") == "http://bakery.example:8443/sign"


def test_the_name_of_the_server_does_not_turn_other_names_away(flask: Any) -> None:
    app = _bakery(flask)
    app.add_url_rule("/name", "name", lambda: flask.request.host)
    for host in ("bakery.example:8443", "bakery.example", "10.0.0.7", "miller.example"):
        assert app.test_client().get(f"http://{host}/name").text == host


def test_hooks_see_a_request_for_a_host_that_is_not_trusted_and_the_view_does_not(flask: Any, app: Any) -> None:
    app.config["TRUSTED_HOSTS"] = [".mill.example", "bakery.example"]
    seen: list[str] = []
    app.before_request(lambda: seen.append("before"))
    app.after_request(lambda response: seen.append("after") or response)
    app.add_url_rule("/flour", "flour", lambda: seen.append("view") or "flour")
    statuses = {}
    for host in ("wind.mill.example", "mill.example", "bakery.example", "old.bakery.example", "windmill.example"):
        statuses[host] = (app.test_client().get(f"http://{host}/flour").status_code, *seen)
        seen.clear()
    whole, refused = (200, "before", "view", "after"), (400, "before", "after")
    assert statuses == {
        "wind.mill.example": whole,
        "mill.example": whole,
        "bakery.example": whole,
        "old.bakery.example": refused,
        "windmill.example": refused,
    }


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"SERVER_NAME": "bakery.example"}, "http://bakery.example/loaf/7"),
        ({"SERVER_NAME": "bakery.example", "PREFERRED_URL_SCHEME": "https"}, "https://bakery.example/loaf/7"),
        ({"SERVER_NAME": "high.street:81", "APPLICATION_ROOT": "/bread"}, "http://high.street:81/bread/loaf/7"),
    ],
)
def test_urls_outside_of_requests_are_made_from_the_settings(
    flask: Any, app: Any, settings: dict[str, str], url: str
) -> None:
    app.add_url_rule("/loaf/<int:number>", "loaf", lambda number: "")
    with app.app_context(), pytest.raises(RuntimeError, match="Unable to build URLs outside"):
        flask.url_for("loaf", number=7)
    app.config.update(settings)
    with app.app_context() as context:
        assert context.url_adapter is not None
        assert flask.url_for("loaf", number=7) == url
        assert url.endswith(flask.url_for("loaf", number=7, _external=False))
        assert flask.url_for("loaf", number=7, _scheme="https").partition(":")[0] == "https"
