"""Session interfaces: Flask's own, subclasses of it, and foreign ones."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import flask as real_flask
import pytest
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup

import erlen.flask


def test_types_survive_the_cookie(app: Any, flask: Any) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    values = {
        "t": (1, 2, 3),
        "b": b"\xff\x00",
        "m": Markup("<b>x</b>"),
        "u": uuid.uuid4(),
        "d": now,
        "list": [1, (2, [b"x", {"a": (1,)}])],
        "dict": {"t": (1,), "deep": {" t": [1]}},
        "empty": {},
        "di": {" di": " di"},
        "tag t": {" t": True},
        "tag t__": {" t__": True},
        "int": 1,
        "float": 1.5,
        "none": None,
        "true": True,
        "text": "ünï \u2028 </script>",
        "_key": "value",
    }

    @app.route("/set")
    def set_it() -> str:
        flask.session.update(values)
        return ""

    found: dict[str, Any] = {}

    @app.route("/get")
    def get() -> str:
        found.update(flask.session)
        return ""

    client = app.test_client()
    client.get("/set")
    client.get("/get")
    assert found == values
    assert isinstance(found["m"], Markup)
    assert isinstance(found["t"], tuple)
    assert type(found["d"]) is datetime
    assert found["d"].tzinfo is not None


def test_an_object_with_html_comes_back_as_markup(app: Any, flask: Any) -> None:
    class Html:
        def __html__(self) -> str:
            return "<i>"

    client = app.test_client()
    with client.session_transaction() as session:
        session["h"] = Html()
    with client.session_transaction() as session:
        assert session["h"] == Markup("<i>")
        assert type(session["h"]) is Markup


def test_a_clock_that_a_test_has_stopped_decides_what_is_expired(app: Any, flask: Any, monkeypatch: Any) -> None:
    app.add_url_rule("/", "index", lambda: str(flask.session.get("x")))
    now, day = time.time(), 24 * 3600
    seen = []
    for age in (0, 30 * day, 32 * day):
        client = app.test_client()
        with monkeypatch.context() as patch, client.session_transaction() as session:
            patch.setattr(time, "time", lambda: now)  # the serializer is made before the clock stands still
            session["x"] = "kept"
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda age=age: now + age)
            seen.append(client.get("/").text)
    assert seen == ["kept", "kept", "None"]


def test_what_has_no_form_raises_type_error(app: Any, flask: Any) -> None:
    @app.route("/")
    def index() -> str:
        flask.session["x"] = object()
        return ""

    with pytest.raises(TypeError):
        app.test_client().get("/")


def both(key: str) -> list[Any]:
    apps = []
    for module in (real_flask, erlen.flask):
        made: Any = module.Flask("cookies")
        made.secret_key = key
        apps.append((module, made))
    return apps


@pytest.mark.parametrize("order", [0, 1])
def test_a_cookie_of_one_is_read_by_the_other(order: int) -> None:
    pair = both("the same key")
    (writing, writer), (reading, reader) = pair if order == 0 else pair[::-1]

    @writer.route("/")
    def write() -> str:
        writing.session["user"] = {"id": 7, "roles": ("a", "b")}
        writing.session.permanent = True
        writing.flash("welcome", "info")
        return ""

    @reader.route("/")
    def read() -> Any:
        assert reading.session["user"] == {"id": 7, "roles": ("a", "b")}
        assert reading.session.permanent
        assert reading.get_flashed_messages(with_categories=True) == [("info", "welcome")]
        return "read"

    client = writer.test_client()
    client.get("/")
    value = client.get_cookie("session").value
    other = reader.test_client()
    other.set_cookie("session", value)
    assert other.get("/").data == b"read"


def test_both_write_the_same_text() -> None:
    texts = []
    for _module, made in both("key"):
        serializer = made.session_interface.get_signing_serializer(made)
        assert isinstance(serializer, URLSafeTimedSerializer)
        with made.app_context():
            texts.append(serializer.dump_payload({"b": (1,), "a": "ü", "n": {"z": 1, "y": b"1"}}))
        texts.append(serializer.dump_payload({"b": (1,), "a": "ü"}))
    assert texts[:2] == texts[2:]


def test_the_signing_serializer_has_flasks_parts(app: Any, flask: Any) -> None:
    interface = flask.sessions.SecureCookieSessionInterface()
    serializer = interface.get_signing_serializer(app)
    assert serializer.salt == b"cookie-session"
    assert serializer.secret_keys[-1] == b"a key for the tests"
    assert serializer.signer_kwargs["key_derivation"] == "hmac"
    assert serializer.signer_kwargs["digest_method"] is interface.digest_method
    assert serializer.signer_kwargs["digest_method"](b"x").digest() == hashlib.sha1(b"x").digest()
    app.config["SECRET_KEY_FALLBACKS"] = ["old", "older"]
    assert interface.get_signing_serializer(app).secret_keys == [b"old", b"older", b"a key for the tests"]
    app.secret_key = None
    assert interface.get_signing_serializer(app) is None


def test_the_interface_has_flasks_attributes(app: Any, flask: Any) -> None:
    interface = app.session_interface
    assert type(interface) is flask.sessions.SecureCookieSessionInterface
    assert interface.salt == "cookie-session"
    assert interface.key_derivation == "hmac"
    assert interface.serializer is flask.sessions.session_json_serializer
    assert interface.session_class is flask.sessions.SecureCookieSession
    assert interface.null_session_class is flask.sessions.NullSession
    assert interface.pickle_based is False
    assert isinstance(interface, flask.sessions.SessionInterface)
    assert flask.Flask.session_interface is interface
    null = interface.make_null_session(app)
    assert interface.is_null_session(null)
    assert not interface.is_null_session(flask.sessions.SecureCookieSession())
    assert not interface.is_null_session({})
    assert not interface.is_null_session(None)


def test_the_classes_stand_in_flasks_hierarchy(flask: Any) -> None:
    from collections.abc import MutableMapping

    sessions = flask.sessions
    assert issubclass(sessions.SessionMixin, MutableMapping)
    assert issubclass(sessions.SecureCookieSession, (sessions.SessionMixin,))
    assert issubclass(sessions.SecureCookieSession, dict)
    assert issubclass(sessions.NullSession, sessions.SecureCookieSession)
    assert sessions.SessionMixin.new is False
    assert sessions.SessionMixin.modified is True
    assert sessions.SessionMixin.accessed is False
    assert sessions.SecureCookieSession.modified is False
    assert sessions.SecureCookieSession.accessed is False


def test_a_session_made_by_hand_notes_what_happens(flask: Any) -> None:
    session = flask.sessions.SecureCookieSession({"a": 1})
    assert not session.modified
    assert not session.accessed
    assert not session.new
    assert session["a"] == 1
    assert not session.modified
    session["b"] = 2
    assert session.modified
    assert flask.sessions.SecureCookieSession([("a", 1)]) == {"a": 1}
    assert flask.sessions.SecureCookieSession() == {}
    assert flask.sessions.SecureCookieSession(None) == {}
    assert repr(flask.sessions.SecureCookieSession({"a": 1})) == "<SecureCookieSession {'a': 1}>"
    assert repr(flask.sessions.NullSession()) == "<NullSession {}>"


def test_the_getters_answer_as_configured(app: Any, flask: Any) -> None:
    interface = flask.sessions.SessionInterface()
    assert interface.get_cookie_name(app) == "session"
    assert interface.get_cookie_domain(app) is None
    assert interface.get_cookie_path(app) == "/"
    assert interface.get_cookie_httponly(app) is True
    assert interface.get_cookie_secure(app) is False
    assert interface.get_cookie_samesite(app) is None
    assert interface.get_cookie_partitioned(app) is False
    session = flask.sessions.SecureCookieSession()
    assert interface.get_expiration_time(app, session) is None
    assert interface.should_set_cookie(app, session) is False
    session.permanent = True
    expires = interface.get_expiration_time(app, session)
    assert abs(expires - datetime.now(UTC) - timedelta(days=31)) < timedelta(minutes=1)
    session.modified = False
    assert interface.should_set_cookie(app, session) is True
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    assert not interface.should_set_cookie(app, session)
    session.modified = True
    assert interface.should_set_cookie(app, session)


# Foreign interfaces.


def test_a_null_session_of_ones_own(app: Any, flask: Any) -> None:
    class Session(dict, flask.sessions.SessionMixin):
        pass

    class Null(flask.sessions.SessionInterface):
        def open_session(self, app: Any, request: Any) -> None:
            return None

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            raise AssertionError("a null session is not saved")

    app.session_interface = Null()

    @app.route("/")
    def index() -> str:
        return type(flask.session._get_current_object()).__name__

    assert app.test_client().get("/").data == b"NullSession"


def test_the_request_is_there_when_a_session_is_opened_and_matched_when_it_is_saved(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    class Session(dict, flask.sessions.SessionMixin):
        pass

    class Interface(flask.sessions.SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            assert flask.request.path == request.path
            seen.append(("open", request.path, request.endpoint, flask.current_app.name))
            return Session()

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            seen.append(("save", flask.request.endpoint, dict(session)))
            response.set_cookie("s", session["x"])

    app.session_interface = Interface()

    @app.route("/<x>")
    def index(x: str) -> str:
        flask.session["x"] = x
        return ""

    response = app.test_client().get("/hello")
    assert seen == [("open", "/hello", None, app.name), ("save", "index", {"x": "hello"})]
    assert "s=hello" in response.headers["Set-Cookie"]


def test_a_session_is_opened_for_every_request_even_an_unmatched_one(app: Any, flask: Any) -> None:
    calls: list[str] = []

    class Session(dict, flask.sessions.SessionMixin):
        pass

    class Interface(flask.sessions.SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            calls.append("open")
            return Session()

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            calls.append(f"save {response.status_code}")

    app.session_interface = Interface()
    assert app.test_client().get("/missing").status_code == 404
    assert calls == ["open", "save 404"]


def test_a_session_that_cannot_be_opened_fails_the_request(app: Any, flask: Any) -> None:
    class Interface(flask.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            flask.abort(400, "no session")

    app.session_interface = Interface()
    app.config["TESTING"] = False
    handled: list[Any] = []
    app.errorhandler(400)(lambda e: handled.append(e) or ("handled", 400))
    app.add_url_rule("/", "index", lambda: "ok")
    assert app.test_client().get("/").status_code == 500
    assert handled == []


def test_the_session_that_a_subclass_makes_is_used(app: Any, flask: Any) -> None:
    class Session(flask.sessions.SecureCookieSession):
        @property
        def user(self) -> Any:
            return self.get("user")

    class Interface(flask.sessions.SecureCookieSessionInterface):
        session_class = Session

    app.session_interface = Interface()

    @app.route("/")
    def index() -> str:
        flask.session["user"] = "me"
        return str(flask.session.user)

    client = app.test_client()
    assert client.get("/").data == b"me"
    with client.session_transaction() as session:
        assert type(session) is Session


def test_overridden_getters_count(app: Any, flask: Any) -> None:
    class Interface(flask.sessions.SecureCookieSessionInterface):
        salt = "other"
        digest_method = staticmethod(hashlib.sha256)
        key_derivation = "django-concat"

        def get_cookie_name(self, app: Any) -> str:
            return "n"

        def get_cookie_domain(self, app: Any) -> str:
            return flask.request.host.split(":")[0]

        def get_cookie_path(self, app: Any) -> str:
            return flask.request.path

        def get_cookie_secure(self, app: Any) -> bool:
            return bool(flask.request.is_secure)

        def get_cookie_httponly(self, app: Any) -> bool:
            return False

        def get_cookie_samesite(self, app: Any) -> str:
            return "Strict"

        def get_expiration_time(self, app: Any, session: Any) -> Any:
            return datetime(2040, 1, 1)

        def should_set_cookie(self, app: Any, session: Any) -> bool:
            return True

    app.session_interface = Interface()

    @app.route("/p")
    def index() -> str:
        flask.session.setdefault("x", 1)
        return ""

    header = app.test_client().get("/p", base_url="https://example.org").headers["Set-Cookie"]
    assert header.startswith("n=")
    assert "Domain=example.org; Expires=Sun, 01 Jan 2040 00:00:00 GMT; Secure; Path=/p; SameSite=Strict" in header
    serializer = app.session_interface.get_signing_serializer(app)
    assert serializer.salt == b"other"
    assert serializer.loads(header.partition("=")[2].partition(";")[0]) == {"x": 1}


def test_overridden_save_and_open_call_the_parents(app: Any, flask: Any) -> None:
    class Interface(flask.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            session = super().open_session(app, request)
            session["opened"] = session.get("opened", 0) + 1
            return session

        def save_session(self, *args: Any, **kwargs: Any) -> Any:
            if flask.g.get("no_save"):
                return None
            return super().save_session(*args, **kwargs)

    app.session_interface = Interface()

    @app.route("/<int:save>")
    def index(save: int) -> str:
        flask.g.no_save = not save
        return str(flask.session["opened"])

    client = app.test_client()
    assert [client.get(f"/{save}").data for save in (1, 1, 0, 0, 1, 1)] == [b"1", b"2", b"3", b"3", b"3", b"4"]


def test_a_serializer_of_ones_own(app: Any, flask: Any) -> None:
    class Plain:
        def dumps(self, value: Any) -> str:
            return repr(sorted(value.items()))

        def loads(self, text: Any) -> Any:
            import ast

            return dict(ast.literal_eval(text if isinstance(text, str) else text.decode()))

    class Interface(flask.sessions.SecureCookieSessionInterface):
        serializer = Plain()

    app.session_interface = Interface()
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = (1, b"x")
    with client.session_transaction() as session:
        assert session["a"] == (1, b"x")


def test_the_interface_may_be_a_class_attribute(flask: Any) -> None:
    class Interface(flask.sessions.SecureCookieSessionInterface):
        def get_cookie_name(self, app: Any) -> str:
            return "of_class"

    class App(flask.Flask):
        session_interface = Interface()

    app = App("x")
    app.secret_key = "k"

    @app.route("/")
    def index() -> str:
        flask.session["a"] = 1
        return ""

    assert app.test_client().get("/").headers["Set-Cookie"].startswith("of_class=")


def test_a_custom_tag_is_used_by_sessions(flask: Any) -> None:
    class Foo:
        def __init__(self, data: Any) -> None:
            self.data = data

    class TagFoo(flask.json.tag.JSONTag):
        __slots__ = ()
        key = " f"

        def check(self, value: Any) -> bool:
            return isinstance(value, Foo)

        def to_json(self, value: Any) -> Any:
            return self.serializer.tag(value.data)

        def to_python(self, value: Any) -> Any:
            return Foo(value)

    class Interface(flask.sessions.SecureCookieSessionInterface):
        serializer = flask.json.tag.TaggedJSONSerializer()

    Interface.serializer.register(TagFoo)
    app = flask.Flask("x")
    app.secret_key = "k"
    app.session_interface = Interface()
    client = app.test_client()
    with client.session_transaction() as session:
        session["foo"] = Foo((1, b"2"))
    with client.session_transaction() as session:
        assert session["foo"].data == (1, b"2")
