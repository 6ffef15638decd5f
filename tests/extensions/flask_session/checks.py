from __future__ import annotations

import os
import uuid
from datetime import timedelta

import cachelib
import pytest
import redis
from flask import Flask, session
from flask.sessions import SessionInterface
from flask_session import Session
from flask_session.base import ServerSideSession, ServerSideSessionInterface
from flask_sqlalchemy import SQLAlchemy

from app import create_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Store:
    """A store of one kind: the settings that choose it, and how to count what it holds."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.config = {"SESSION_TYPE": kind, "SESSION_KEY_PREFIX": f"{uuid.uuid4()}:"}
        if kind == "redis":
            self.redis = redis.Redis.from_url(os.environ["CHECKED_REDIS"])
            self.config["SESSION_REDIS"] = self.redis
        elif kind == "cachelib":
            self.cache = cachelib.SimpleCache()
            self.config["SESSION_CACHELIB"] = self.cache
        elif kind == "filesystem":
            self.folder = folder / "sessions"
            self.config["SESSION_FILE_DIR"] = str(self.folder)
        else:
            self.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'sessions.db'}"

    def make(self, **more):
        if self.kind != "sqlalchemy":
            return create_app(Session(), **self.config, **more)
        app = create_app(**self.config, **more)
        self.database = SQLAlchemy(app)
        app.config["SESSION_SQLALCHEMY"] = self.database
        Session(app)
        return app

    def count(self, app):
        if self.kind == "redis":
            return len(self.redis.keys(self.config["SESSION_KEY_PREFIX"] + "*"))
        if self.kind == "cachelib":
            return len(self.cache._cache)
        if self.kind == "filesystem":
            return len(list(self.folder.iterdir())) - 1  # cachelib keeps its count in a file, too
        with app.app_context():
            return self.database.session.query(app.session_interface.sql_session_model).count()

    def close(self, app):
        if self.kind == "redis":
            self.redis.close()
        if self.kind == "sqlalchemy":
            with app.app_context():
                self.database.engine.dispose()


@pytest.fixture(params=["redis", "cachelib", "filesystem", "sqlalchemy"])
def store(request, tmp_path):
    return Store(request.param, tmp_path)


@pytest.fixture
def app(store):
    app = store.make()
    yield app
    store.close(app)


def test_the_extension_sets_the_session_interface_of_the_application(app):
    assert isinstance(app.session_interface, ServerSideSessionInterface)
    assert isinstance(app.session_interface, SessionInterface)


def test_what_is_put_into_the_session_is_there_at_the_next_request(client):
    assert client.get("/get/name").json is None
    assert client.get("/set/name/ada").text == "set"
    assert client.get("/get/name").json == "ada"


def test_the_cookie_holds_a_key_and_nothing_of_the_session(client, app, store):
    response = client.get("/set/name/ada")
    value = client.get_cookie("session").value
    assert "ada" not in value
    assert len(value) == 43
    assert "HttpOnly" in response.headers["Set-Cookie"]
    assert "Cookie" in response.vary
    assert store.count(app) == 1


def test_two_browsers_have_two_sessions(new_client, app, store):
    first, second = new_client(), new_client()
    first.get("/set/name/ada")
    second.get("/set/name/grace")
    assert (first.get("/get/name").json, second.get("/get/name").json) == ("ada", "grace")
    assert store.count(app) == 2


def test_a_request_that_puts_nothing_there_makes_no_session(client, app, store):
    assert "Set-Cookie" not in client.get("/untouched").headers
    assert store.count(app) == 0


def test_an_invented_key_gets_another_one(client):
    client.set_cookie("session", "made-up")
    client.get("/set/name/ada")
    assert client.get_cookie("session").value != "made-up"


def test_a_change_inside_of_a_value_is_kept_when_the_session_is_told(client):
    client.post("/cart/pear")
    assert client.post("/cart/plum").json == ["pear", "plum"]
    assert client.get("/get/cart").json == ["pear", "plum"]


def test_a_session_can_have_a_new_key_and_keeps_its_content(client, app, store):
    client.get("/set/name/ada")
    old = client.get_cookie("session").value
    assert client.get("/renew", follow_redirects=True).json == "ada"
    assert client.get_cookie("session").value != old
    assert store.count(app) == 1


def test_a_cleared_session_leaves_the_store_and_the_browser(client, app, store):
    client.get("/set/name/ada")
    client.get("/clear")
    assert client.get_cookie("session") is None
    assert store.count(app) == 0
    assert client.get("/get/name").json is None


def test_an_asynchronous_view_has_the_session(client):
    client.get("/set/name/ada")
    assert client.get("/later/grace").json == "ada"
    assert client.get("/get/name").json == "grace"


def test_a_session_of_the_browser_has_no_date(client):
    assert "Expires=" in client.get("/set/name/ada").headers["Set-Cookie"]
    assert "Expires=" not in client.get("/temporary").headers["Set-Cookie"]
    assert client.get("/get/name").json == "ada"


def test_a_test_reads_and_writes_the_session_of_a_client(client):
    with client.session_transaction() as kept:
        assert isinstance(kept, ServerSideSession)
        kept["name"] = "ada"
    with client:
        assert client.get("/get/name").json == "ada"
        assert session["name"] == "ada"
        assert session.sid == client.get_cookie("session").value


def test_the_settings_of_the_cookie_are_those_of_flask(store, interface):
    app = store.make(
        SESSION_COOKIE_NAME="key",
        SESSION_COOKIE_PATH="/get",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=timedelta(minutes=5),
    )
    cookie = app.test_client().get("/set/name/ada").headers["Set-Cookie"]
    assert cookie.startswith("key=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/get"} <= set(cookie.split("; "))
    store.close(app)


def test_a_session_that_is_not_renewed_is_written_once(store, interface):
    app = store.make(SESSION_REFRESH_EACH_REQUEST=False)
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    client.get("/set/name/ada")
    assert "Set-Cookie" not in client.get("/get/name").headers
    store.close(app)


def test_the_content_may_be_kept_as_json_and_the_key_be_signed(store, interface):
    app = store.make(SESSION_SERIALIZATION_FORMAT="json", SESSION_USE_SIGNER=True, SESSION_PERMANENT=False)
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    assert "Expires=" not in client.get("/set/name/ada").headers["Set-Cookie"]
    assert client.get("/get/name").json == "ada"
    key, _, signature = client.get_cookie("session").value.rpartition(".")
    client.set_cookie("session", f"{key}.{signature[::-1]}")
    assert client.get("/get/name").json is None
    store.close(app)


def test_a_database_is_rid_of_old_sessions_by_a_command(tmp_path):
    store = Store("sqlalchemy", tmp_path)
    app = store.make(PERMANENT_SESSION_LIFETIME=timedelta(seconds=-1))
    app.test_client().get("/set/name/ada")
    app.test_client().get("/set/name/grace")
    assert store.count(app) == 2
    done = app.test_cli_runner().invoke(args=["session_cleanup"])
    assert done.exit_code == 0, done.output
    assert store.count(app) == 0
    store.close(app)


def test_a_redis_forgets_a_session_after_its_lifetime(tmp_path):
    store = Store("redis", tmp_path)
    app = store.make(PERMANENT_SESSION_LIFETIME=timedelta(hours=2))
    app.test_client().get("/set/name/ada")
    [key] = store.redis.keys(store.config["SESSION_KEY_PREFIX"] + "*")
    assert 7100 < store.redis.ttl(key) <= 7200
    store.close(app)


def test_the_extension_may_come_late_and_may_know_a_store_that_flask_does_not(interface):
    app = create_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=cachelib.SimpleCache())
    with app.test_request_context("/untouched"):
        assert app.jinja_env.globals["url_for"]("untouched") == "/untouched"
    assert app.test_cli_runner().invoke(args=["--help"]).exit_code == 0
    extension = Session()
    extension.init_app(app)
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    client.get("/set/name/ada")
    assert client.get("/get/name").json == "ada"
    assert len(client.get_cookie("session").value) == 43


def test_a_store_that_the_extension_does_not_know_is_refused_by_it():
    app = Flask("unknown")
    app.config["SESSION_TYPE"] = "stone tablets"
    with pytest.raises(ValueError, match="stone tablets"):
        Session(app)
