"""Session interfaces: Flask's own, subclasses of it, and foreign ones."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import flask as real_flask
import pytest
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup

import erlen.flask


class Stamp:
    """What says of itself how it stands in a page."""

    def __html__(self) -> str:
        return "<b>returned</b>"


def test_a_reader_s_card_is_after_the_cookie_what_it_was_before(app: Any, flask: Any) -> None:
    card: dict[str, Any] = {
        "loans": (("Momo", 3), ("Emil", 1)),
        "photo": bytes(range(256)),
        "number": uuid.uuid5(uuid.NAMESPACE_URL, "https://library.test/cards/1"),
        "since": datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        "note": Markup("<em>pays</em> late & laughs"),
        "shelves": [{"name": "Märchen \u2029", "rows": ({"left": 0.25, "right": None},)}, [], {}, ()],
        "blocked": False,
        " t": {" b": "looks like a tag", " u": [" d"]},
    }

    @app.put("/card")
    def keep() -> str:
        flask.session.update(card, stamp=Stamp())
        return "kept"

    @app.get("/card")
    def show() -> str:
        found.update(flask.session)
        return "shown"

    found: dict[str, Any] = {}
    client = app.test_client()
    client.put("/card")
    client.get("/card")
    stamp = found.pop("stamp")
    assert found == card
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in card.items()}
    assert (type(stamp), stamp) == (Markup, "<b>returned</b>")


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


def test_an_interface_that_opens_none_has_its_null_session_made_and_is_not_asked_to_save(app: Any, flask: Any) -> None:
    class Closed(flask.sessions.SecureCookieSession):
        """What readers have while the store is being counted."""

    class Library(flask.sessions.SessionInterface):
        null_session_class = Closed

        def open_session(self, app: Any, request: Any) -> Any:
            return None

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            raise AssertionError("nothing is there to be saved")

    app.session_interface = Library()

    @app.get("/card")
    def card() -> str:
        flask.session["even"] = "written"
        return type(flask.session._get_current_object()).__name__

    assert app.test_client().get("/card").text == "Closed"


@pytest.mark.parametrize(
    ("path", "endpoint", "status"), [("/shelf/7", "shelf", 200), ("/cellar", None, 404), ("/shelf/0", "shelf", 500)]
)
def test_a_session_is_opened_before_the_match_and_saved_after_the_answer_while_the_request_lasts(
    app: Any, flask: Any, path: str, endpoint: str | None, status: int
) -> None:
    diary: list[Any] = []

    class Shelf(dict[str, Any], flask.sessions.SessionMixin):
        pass

    class Diary(flask.sessions.SessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            diary.append(("open", flask.request.path, request.url_rule, flask.current_app.name))
            return Shelf()

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            diary.append(("save", flask.request.endpoint, response.status_code, dict(session), flask.g.get("book")))

    app.session_interface = Diary()
    app.testing = False

    @app.get("/shelf/<int:number>")
    def shelf(number: int) -> str:
        flask.session["number"] = number
        flask.g.book = "Momo"
        return str(1 // number)

    app.after_request(lambda response: diary.append("answer") or response)
    app.teardown_request(lambda error: diary.append("end"))
    app.test_client().get(path)
    held = ({}, None) if endpoint is None else ({"number": int(path[-1])}, "Momo")
    assert diary == [("open", path, None, app.name), "answer", ("save", endpoint, status, *held), "end"]


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


def test_what_an_interface_says_of_the_cookie_goes_before_the_settings(app: Any, flask: Any) -> None:
    class Archive(flask.sessions.SecureCookieSessionInterface):
        salt = "archive"
        digest_method = staticmethod(hashlib.sha512)
        key_derivation = "concat"

        def get_cookie_name(self, app: Any) -> str:
            return f"archive_of_{app.name}"

        def get_cookie_domain(self, app: Any) -> str:
            return "archive.test"

        def get_cookie_path(self, app: Any) -> str:
            return "/deeds"

        def get_cookie_secure(self, app: Any) -> bool:
            return True

        def get_cookie_httponly(self, app: Any) -> bool:
            return False

        def get_cookie_samesite(self, app: Any) -> str:
            return "Lax"

        def get_cookie_partitioned(self, app: Any) -> bool:
            return True

        def get_expiration_time(self, app: Any, session: Any) -> Any:
            return datetime(2061, 7, 28, tzinfo=UTC)

        def should_set_cookie(self, app: Any, session: Any) -> bool:
            return "deed" in session

    app.session_interface = archive = Archive()
    app.config.update(SESSION_COOKIE_NAME="not_this", SESSION_COOKIE_PATH="/neither", SESSION_COOKIE_SAMESITE="Strict")

    @app.get("/deeds/<name>")
    def index(name: str) -> str:
        flask.session[name] = 1848
        return name

    client = app.test_client()
    assert "Set-Cookie" not in client.get("/deeds/draft", base_url="https://archive.test").headers
    first, *rest = client.get("/deeds/deed", base_url="https://archive.test").headers["Set-Cookie"].split("; ")
    name, _, value = first.partition("=")
    assert name == f"archive_of_{app.name}"
    assert set(rest) == {
        "Domain=archive.test",
        "Path=/deeds",
        "Secure",
        "SameSite=Lax",
        "Partitioned",
        "Expires=Thu, 28 Jul 2061 00:00:00 GMT",
    }
    serializer = archive.get_signing_serializer(app)
    assert serializer.salt == b"archive"
    assert serializer.loads(value) == {"deed": 1848}


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


def test_a_tag_that_is_registered_with_the_serializer_of_an_interface_is_for_its_sessions(app: Any, flask: Any) -> None:
    class TagFraction(flask.json.tag.JSONTag):
        __slots__ = ()
        key = " fraction"

        def check(self, value: Any) -> bool:
            return isinstance(value, Fraction)

        def to_json(self, value: Any) -> Any:
            return [value.numerator, value.denominator]

        def to_python(self, value: Any) -> Any:
            return Fraction(*value)

    class Exact(flask.sessions.SecureCookieSessionInterface):
        serializer = flask.json.tag.TaggedJSONSerializer()

    Exact.serializer.register(TagFraction)
    app.session_interface = Exact()
    client = app.test_client()
    with client.session_transaction() as session:
        session["shares"] = {"ada": Fraction(1, 3), "bob": (Fraction(2, 3),)}
    with client.session_transaction() as session:
        assert session["shares"] == {"ada": Fraction(1, 3), "bob": (Fraction(2, 3),)}
    app.session_interface = flask.sessions.SecureCookieSessionInterface()
    with pytest.raises(TypeError), client.session_transaction() as session:
        session["share"] = Fraction(1, 2)
