"""The session in a signed cookie: what its ``Set-Cookie`` says, and when it is sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import flask as real
import pytest
from werkzeug.http import parse_date


def setting(app: Any, **values: Any) -> Any:
    """Add views that use the session, and return the client."""
    app.config.update(values)

    @app.route("/set")
    def set_it() -> str:
        flask_session(app)["value"] = 42
        return "set"

    return app.test_client()


def flask_session(app: Any) -> Any:
    """The session of the current request."""
    return app.session_proxy


@pytest.fixture
def app(app: Any, flask: Any) -> Any:
    app.session_proxy = flask.session
    return app


def cookie_of(response: Any) -> str:
    [header] = response.headers.getlist("Set-Cookie")
    return str(header)


def test_the_cookie_has_flasks_attributes_by_default(app: Any) -> None:
    header = cookie_of(setting(app).get("/set"))
    assert re.fullmatch(r"session=[\w.-]+; HttpOnly; Path=/", header)


@pytest.mark.parametrize(
    ("settings", "url", "part"),
    [
        ({"SESSION_COOKIE_NAME": "sid"}, "/set", r"^sid="),
        ({"SESSION_COOKIE_DOMAIN": ".example.com"}, "/set", r"Domain=example\.com"),
        ({"SESSION_COOKIE_DOMAIN": "example.com"}, "/set", r"Domain=example\.com"),
        ({"SESSION_COOKIE_DOMAIN": False}, "/set", r"^(?!.*Domain)"),
        ({"SERVER_NAME": "example.com"}, "http://example.com/set", r"^(?!.*Domain)"),
        ({"SERVER_NAME": "example.com:8080"}, "http://example.com:8080/set", r"^(?!.*Domain)"),
        ({"APPLICATION_ROOT": "/foo"}, "/set", r"Path=/foo$"),
        ({"SESSION_COOKIE_PATH": "/bar", "APPLICATION_ROOT": "/foo"}, "/set", r"Path=/bar$"),
        ({"SESSION_COOKIE_HTTPONLY": False}, "/set", r"^(?!.*HttpOnly)"),
        ({"SESSION_COOKIE_SECURE": True}, "/set", r"Secure"),
        ({"SESSION_COOKIE_SECURE": False}, "https://localhost/set", r"^(?!.*Secure)"),
        ({"SESSION_COOKIE_SAMESITE": "Lax"}, "/set", r"SameSite=Lax"),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, "/set", r"SameSite=Strict"),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "/set", r"SameSite=None"),
        ({"SESSION_COOKIE_SAMESITE": None}, "/set", r"^(?!.*SameSite)"),
        ({"SESSION_COOKIE_PARTITIONED": True, "SESSION_COOKIE_SECURE": True}, "/set", r"Partitioned"),
        ({"SESSION_COOKIE_PARTITIONED": True}, "/set", r"Secure;.*Partitioned"),
    ],
)
def test_each_setting_is_in_the_cookie(app: Any, settings: dict[str, Any], url: str, part: str) -> None:
    assert re.search(part, cookie_of(setting(app, **settings).get(url)))


def test_all_settings_stand_in_the_cookie_together(app: Any) -> None:
    client = setting(
        app,
        SERVER_NAME="www.example.com:8080",
        APPLICATION_ROOT="/test",
        SESSION_COOKIE_DOMAIN=".example.com",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_PARTITIONED=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    header = cookie_of(client.get("/set", base_url="http://www.example.com:8080/test/")).lower()
    for part in ("domain=example.com", "path=/", "secure", "samesite=lax", "partitioned"):
        assert part in header
    assert "httponly" not in header


@pytest.mark.parametrize("wrong", ["invalid", "lax ", True])
def test_a_wrong_samesite_raises(app: Any, wrong: Any) -> None:
    client = setting(app, SESSION_COOKIE_SAMESITE=wrong)
    with pytest.raises((ValueError, AttributeError, TypeError)):
        client.get("/set")


def test_a_setting_changed_between_requests_is_followed(app: Any) -> None:
    client = setting(app, SESSION_COOKIE_SAMESITE="Lax")
    assert "SameSite=Lax" in cookie_of(client.get("/set"))
    app.config.update(SESSION_COOKIE_SAMESITE="Strict")
    assert "SameSite=Strict" in cookie_of(client.get("/set"))
    app.config.update(SESSION_COOKIE_SAMESITE=None)
    assert "SameSite" not in cookie_of(client.get("/set"))


def test_a_session_under_localhost_with_a_domain_works(app: Any) -> None:
    client = setting(app, SERVER_NAME="localhost:5000")
    assert "Domain" not in cookie_of(client.get("/set", base_url="http://localhost:5000/"))


# Lifetime.


def permanent(app: Any, flask: Any, value: Any = True) -> Any:
    app.config["TESTING"] = True

    @app.route("/")
    def index() -> str:
        flask.session["test"] = 42
        flask.session.permanent = value
        return ""

    @app.route("/test")
    def test() -> str:
        return str(flask.session.permanent)

    return app.test_client()


def test_a_permanent_session_has_a_date_of_expiry(app: Any, flask: Any) -> None:
    client = permanent(app, flask)
    match = re.search(r"(?i)\bexpires=([^;]+)(?:;|$)", cookie_of(client.get("/")))
    assert match
    expires = parse_date(match[1])
    assert expires
    expected = datetime.now(UTC) + app.permanent_session_lifetime
    assert abs((expires - expected).total_seconds()) < 60
    assert client.get("/test").data == b"True"


def test_a_session_that_is_not_permanent_has_none(app: Any, flask: Any) -> None:
    client = permanent(app, flask, False)
    assert "expires" not in cookie_of(client.get("/")).lower()
    assert client.get("/test").data == b"False"


@pytest.mark.parametrize("lifetime", [timedelta(hours=2), 7200])
def test_the_lifetime_may_be_a_number_or_a_timedelta(app: Any, flask: Any, lifetime: Any) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = lifetime
    assert app.permanent_session_lifetime == timedelta(hours=2)
    match = re.search(r"(?i)expires=([^;]+)", cookie_of(permanent(app, flask).get("/")))
    assert match
    expires = parse_date(match[1])
    assert expires
    assert abs((expires - datetime.now(UTC)).total_seconds() - 7200) < 60


def test_the_lifetime_is_set_by_the_attribute(app: Any) -> None:
    app.permanent_session_lifetime = timedelta(minutes=5)
    assert app.config["PERMANENT_SESSION_LIFETIME"] == timedelta(minutes=5)
    app.permanent_session_lifetime = 90
    assert app.config["PERMANENT_SESSION_LIFETIME"] == 90
    assert app.permanent_session_lifetime == timedelta(seconds=90)


def test_a_lifetime_in_the_past_makes_every_cookie_too_old(app: Any, flask: Any) -> None:
    client = setting(app)
    app.add_url_rule("/get", "get", lambda: str(flask.session.get("value")))
    client.get("/set")
    assert client.get("/get").data == b"42"
    app.permanent_session_lifetime = timedelta(seconds=-1)
    assert client.get("/get").data == b"None"


@pytest.mark.parametrize("refresh", [True, False])
def test_refresh_each_request_says_whether_an_unchanged_permanent_session_is_sent(
    app: Any, flask: Any, refresh: bool
) -> None:
    app.config["SESSION_REFRESH_EACH_REQUEST"] = refresh
    client = permanent(app, flask)
    client.get("/")
    response = client.get("/test")
    assert bool(response.headers.getlist("Set-Cookie")) is refresh


def test_an_untouched_permanent_session_is_refreshed_with_vary(app: Any, flask: Any) -> None:
    app.add_url_rule("/none", "none", lambda: "")
    client = permanent(app, flask)
    client.get("/")
    response = client.get("/none")
    assert response.headers.getlist("Set-Cookie")
    assert response.headers["Vary"] == "Cookie"


def test_an_untouched_session_that_is_not_permanent_says_nothing(app: Any, flask: Any) -> None:
    app.add_url_rule("/none", "none", lambda: "")
    client = permanent(app, flask, False)
    client.get("/")
    response = client.get("/none")
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


@pytest.mark.parametrize("value", [1, 0, "yes", "", None])
def test_permanent_is_kept_as_a_bool(app: Any, flask: Any, value: Any) -> None:
    with app.test_request_context():
        flask.session.permanent = value
        assert flask.session["_permanent"] is bool(value)
        assert flask.session.permanent is bool(value)
        assert flask.session.modified


def test_permanent_of_a_new_session_is_false(app: Any, flask: Any) -> None:
    with app.test_request_context():
        assert flask.session.permanent is False
        assert not flask.session.modified


# Vary and deletion.

ACCESSES = {
    "no": lambda session: None,
    "get": lambda session: session.get("a"),
    "getitem": lambda session: session["a"],
    "setdefault": lambda session: session.setdefault("a", {}),
    "setdefault_new": lambda session: session.setdefault("n", {}),
    "in": lambda session: "a" in session,
    "len": lambda session: len(session),
    "iter": lambda session: list(session),
    "keys": lambda session: session.keys(),
    "items": lambda session: list(session.items()),
    "values": lambda session: list(session.values()),
    "bool": lambda session: bool(session),
    "eq": lambda session: session == {},
    "set": lambda session: session.__setitem__("a", 2),
    "del": lambda session: session.__delitem__("a"),
    "pop": lambda session: session.pop("a"),
    "pop_none": lambda session: session.pop("zzz", None),
    "popitem": lambda session: session.popitem(),
    "clear": lambda session: session.clear(),
    "update": lambda session: session.update(b=1),
    "ior": lambda session: session.__ior__({"b": 1}),
    "permanent": lambda session: session.permanent,
    "modified": lambda session: session.modified,
    "accessed": lambda session: session.accessed,
    "new": lambda session: session.new,
    "repr": lambda session: repr(session),
    "copy": lambda session: session.copy(),
    "or": lambda session: session | {"x": 1},
    "reversed": lambda session: list(reversed(session)),
    "dict": lambda session: dict(session),
    "set_modified": lambda session: setattr(session, "modified", True),
    "set_accessed": lambda session: setattr(session, "accessed", True),
    "object": lambda session: session._get_current_object(),
}
#: For each: accessed, modified, Vary, and whether a cookie is set.
KNOWN = {
    "get": (True, False, True, False),
    "getitem": (True, False, True, False),
    "set": (True, True, True, True),
    "clear": (True, True, True, True),
}


@pytest.mark.parametrize("access", ACCESSES)
def test_each_access_has_its_consequences(app: Any, flask: Any, access: str) -> None:
    def run(module: Any) -> tuple[Any, ...]:
        made = module.Flask("accesses")
        made.config.update(SECRET_KEY="a key", TESTING=True)
        noted: list[Any] = []

        @made.route("/set")
        def set_it() -> str:
            module.session["a"] = 1
            return ""

        @made.route("/")
        def index() -> str:
            if access != "no":
                ACCESSES[access](module.session)
            return ""

        @made.after_request
        def note(response: Any) -> Any:
            if module.request.endpoint == "index" and access != "no":
                found = module.session._get_current_object()
                noted.extend([found.accessed, found.modified, found.new, sorted(found.items(), key=str)])
            return response

        client = made.test_client()
        client.get("/set")
        response = client.get("/")
        return (*noted, response.headers.get("Vary"), bool(response.headers.getlist("Set-Cookie")))

    found = run(flask)
    assert found == run(real)
    if access in KNOWN:
        accessed, modified, vary, cookie = KNOWN[access]
        assert (found[0], found[1], found[-2] == "Cookie", found[-1]) == (accessed, modified, vary, cookie)


@pytest.mark.parametrize("access", ["get", "set", "no"])
@pytest.mark.parametrize("foreign", [False, True], ids=["own", "subclass"])
@pytest.mark.parametrize("vary", ["Accept-Encoding", "Accept-Language, Accept-Encoding", "Accept-Encoding, cookie"])
def test_vary_is_added_to_what_a_view_has_set(app: Any, flask: Any, access: str, vary: str, foreign: bool) -> None:
    class Interface(flask.sessions.SecureCookieSessionInterface):
        pass

    if foreign:
        app.session_interface = Interface()

    @app.route("/")
    def index() -> Any:
        if access != "no":
            ACCESSES[access](flask.session)
        return "", 200, {"Vary": vary}

    found = app.test_client().get("/").headers["Vary"]
    if access == "no" or "cookie" in vary:
        assert found.lower() == vary.lower()
    else:
        assert found == f"{vary}, Cookie"


@pytest.mark.parametrize("foreign", [False, True], ids=["own", "subclass"])
@pytest.mark.parametrize(
    ("template", "vary"), [("plain {{ request.path }}", None), ("{{ session.get('x') }}", "Cookie")]
)
def test_a_template_that_does_not_use_the_session_varies_by_nothing(
    app: Any, flask: Any, template: str, vary: str | None, foreign: bool
) -> None:
    class Interface(flask.sessions.SecureCookieSessionInterface):
        pass

    if foreign:
        app.session_interface = Interface()
    app.add_url_rule("/", "index", lambda: flask.render_template_string(template))
    assert app.test_client().get("/").headers.get("Vary") == vary


def test_any_use_of_the_proxy_counts_as_access_to_any_session(app: Any, flask: Any) -> None:
    class Session(dict, flask.sessions.SessionMixin):
        modified = False

    class Interface(flask.sessions.SecureCookieSessionInterface):
        session_class = Session

    app.session_interface = Interface()
    app.add_url_rule("/no", "no", lambda: "")
    app.add_url_rule("/repr", "repr", lambda: repr(flask.session))
    app.add_url_rule("/len", "len", lambda: str(len(flask.session)))
    client = app.test_client()
    assert "Vary" not in client.get("/no").headers
    assert client.get("/repr").headers["Vary"] == "Cookie"
    assert client.get("/len").headers["Vary"] == "Cookie"


def test_an_emptied_session_is_deleted_with_the_same_attributes(app: Any, flask: Any) -> None:
    app.config.update(SESSION_COOKIE_DOMAIN=".example.com", SESSION_COOKIE_PATH="/x", SESSION_COOKIE_SAMESITE="Lax")
    app.config.update(SESSION_COOKIE_SECURE=True)
    app.add_url_rule("/x/clear", "clear", lambda: str(flask.session.clear()))
    client = setting(app)
    client.get("/set", base_url="https://example.com")
    header = cookie_of(client.get("/x/clear", base_url="https://example.com"))
    for part in (
        "session=;",
        "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Max-Age=0",
        "Domain=example.com",
        "Path=/x",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
    ):
        assert part in header
    assert client.get_cookie("session", domain="example.com", path="/x") is None


def test_clearing_an_empty_session_deletes_a_cookie_too(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "clear", lambda: str(flask.session.clear()))
    response = app.test_client().get("/")
    assert "Max-Age=0" in cookie_of(response)
    assert response.headers["Vary"] == "Cookie"


def test_a_changed_value_inside_is_saved_only_when_told(app: Any, flask: Any) -> None:
    @app.route("/")
    def index() -> str:
        flask.session["list"] = []
        return ""

    @app.route("/append/<int:told>")
    def append(told: int) -> str:
        flask.session["list"].append(1)
        if told:
            flask.session.modified = True
        return ""

    app.add_url_rule("/get", "get", lambda: str(flask.session["list"]))
    client = app.test_client()
    client.get("/")
    assert "Set-Cookie" not in client.get("/append/0").headers
    assert client.get("/get").data == b"[]"
    client.get("/append/1")
    assert client.get("/get").data == b"[1]"


def test_the_key_rotates_by_fallbacks(app: Any, flask: Any) -> None:
    app.config["SECRET_KEY"] = "first"
    app.add_url_rule("/get", "get", lambda: str(flask.session.get("value")))
    client = setting(app)
    client.get("/set")
    app.config["SECRET_KEY"] = "second"
    assert client.get("/get").data == b"None"
    app.config["SECRET_KEY_FALLBACKS"] = ["first"]
    assert client.get("/get").data == b"42"
    app.config["SECRET_KEY_FALLBACKS"] = ["zero", "first", "none"]
    assert client.get("/get").data == b"42"
    app.secret_key = b"third"
    assert client.get("/get").data == b"42"


@pytest.mark.parametrize("cookie", ["nonsense", "a.b.c", "", "eyJhIjoxfQ.aaaa.bbbb", "\x00", ".", "..", "x" * 3000])
def test_a_forged_cookie_is_an_empty_session(app: Any, flask: Any, cookie: str) -> None:
    app.add_url_rule("/", "index", lambda: f"{dict(flask.session)}")
    client = app.test_client()
    client.set_cookie("session", cookie)
    response = client.get("/")
    assert response.status_code == 200
    assert response.data == b"{}"
