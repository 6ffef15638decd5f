"""Flask's session interface: it does what Flask's own does, and each part of it can be replaced."""

from __future__ import annotations

import hashlib
import logging
import random
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import flask
import itsdangerous
import pytest
import time_machine
from markupsafe import Markup

from erlen import Erlen, flash, get_flashed_messages, session
from erlen.json.tagged import JSONTag, TaggedJSONSerializer
from erlen.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
    session_json_serializer,
)

SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "a key for tests",
    "TESTING": True,
    "SESSION_COOKIE_NAME": "session",
    "SESSION_COOKIE_SECURE": False,
    "SESSION_COOKIE_SAMESITE": None,
}


@pytest.fixture(autouse=True)
def still() -> Iterator[Any]:
    """Time that stands still, so that signatures of one moment can be compared."""
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def make_app(tmp_path: Path) -> Callable[..., Erlen]:
    def make_app(interface: Any = None, **settings: Any) -> Erlen:
        app = Erlen("cookies", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
        app.config.update(SETTINGS)
        app.config.update(settings)
        app.session_interface = SecureCookieSessionInterface() if interface is None else interface
        return app

    return make_app


@pytest.fixture
def app(make_app: Callable[..., Erlen]) -> Erlen:
    return make_app()


def fill(app: Any, session: Any) -> None:
    """Give *app*, of either framework, the same views."""

    @app.get("/set")
    def set_() -> str:
        session["b"] = 2
        session["a"] = [1]
        return ""

    @app.get("/read")
    def read() -> str:
        return repr(dict(session))

    @app.get("/inside")
    def inside() -> str:
        session.get("a", []).append(2)
        return ""

    @app.get("/inside/said")
    def inside_said() -> str:
        session["a"].append(2)
        session.modified = True
        return ""

    @app.get("/permanent")
    def permanent() -> str:
        session.permanent = True
        return ""

    @app.get("/nothing")
    def nothing() -> str:
        return ""

    @app.get("/in")
    def in_() -> str:
        return str("a" in session)

    @app.get("/clear")
    def clear() -> str:
        session.clear()
        return ""

    @app.get("/set-and-pop")
    def set_and_pop() -> str:
        session["x"] = 1
        session.pop("x")
        return ""

    @app.get("/long")
    def long() -> str:
        session["long"] = "x" * 500
        return ""


JOURNEYS = [
    ["/nothing", "/read", "/in", "/set", "/read", "/in", "/nothing", "/inside", "/read", "/inside/said", "/read"],
    ["/set-and-pop", "/clear", "/set", "/clear", "/read", "/nothing"],
    ["/permanent", "/nothing", "/read", "/set", "/nothing", "/long", "/nothing", "/clear", "/nothing"],
    ["/long", "/nothing", "/read"],
]
VARIANTS: list[dict[str, Any]] = [
    {},
    {"SESSION_COOKIE_NAME": "id", "SESSION_COOKIE_DOMAIN": "localhost.example", "SESSION_COOKIE_PATH": "/"},
    {"SESSION_COOKIE_HTTPONLY": False, "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "Lax"},
    {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_PARTITIONED": True},
    {"SESSION_REFRESH_EACH_REQUEST": False, "PERMANENT_SESSION_LIFETIME": timedelta(hours=1)},
    {"SECRET_KEY_FALLBACKS": ["an old key"]},
]


class Unchanged(SecureCookieSessionInterface):
    """Opened for every request, because it is a subclass."""


@pytest.mark.parametrize("interface", [SecureCookieSessionInterface, Unchanged])
@pytest.mark.parametrize("settings", VARIANTS, ids=str)
@pytest.mark.parametrize("journey", JOURNEYS, ids=" ".join)
def test_each_response_carries_the_headers_that_flask_would_send(
    make_app: Callable[..., Erlen], journey: list[str], settings: dict[str, Any], interface: Any
) -> None:
    ours, theirs = make_app(interface(), CONTENT_TYPE_NOSNIFF=False, **settings), flask.Flask("cookies")
    theirs.config.update(SETTINGS)
    theirs.config.update(settings)
    fill(ours, session)
    fill(theirs, flask.session)
    theirs.json.sort_keys = False  # type: ignore[attr-defined]  # as Erlen's provider
    base = "http://localhost.example"
    our_client, their_client = ours.test_client(), theirs.test_client()
    for path in journey:
        mine, other = our_client.get(path, base_url=base), their_client.get(path, base_url=base)
        assert mine.text == other.text, path
        for name in ("Set-Cookie", "Vary"):
            assert mine.headers.getlist(name) == other.headers.getlist(name), path


def test_flask_reads_what_erlen_wrote_and_the_other_way_round(make_app: Callable[..., Erlen]) -> None:
    held = {
        "tuple": (1, "x"),
        "bytes": b"\xff",
        "markup": Markup("<b>"),
        "uuid": UUID(int=7),
        "moment": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "marked": {" t": 1},
        "ä": "ö" * 300,
    }
    ours, theirs = make_app(), flask.Flask("cookies")
    theirs.secret_key = SETTINGS["SECRET_KEY"]
    our_serializer = SecureCookieSessionInterface().get_signing_serializer(ours)
    their_serializer = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(theirs)
    assert their_serializer is not None
    assert our_serializer.dumps(held) == their_serializer.dumps(held)
    assert our_serializer.loads(their_serializer.dumps(held)) == held
    assert their_serializer.loads(our_serializer.dumps(held)) == held


def test_under_flasks_json_provider_the_keys_are_sorted_as_flask_sorts_them(app: Erlen) -> None:
    from erlen.json import DefaultJSONProvider

    app.json = DefaultJSONProvider(app)
    theirs = flask.Flask("cookies")
    with app.app_context(), theirs.app_context():
        for value in ({"b": 1, "a": "ä"}, {"x": {"z": (1,), "y": {" t": 2}}}):
            assert session_json_serializer.dumps(value) == flask.sessions.session_json_serializer.dumps(value)


def test_a_session_is_opened_when_it_is_touched_unless_somebody_has_a_say(make_app: Callable[..., Erlen]) -> None:
    opened = []

    class Counting(SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            opened.append(request.path)
            return super().open_session(app, request)

    app = make_app(Counting())
    fill(app, session)
    app.test_client().get("/nothing")
    assert opened == ["/nothing"]

    plain = SecureCookieSessionInterface()
    app = make_app(plain)
    fill(app, session)
    with app.test_client() as client:
        client.get("/nothing")
        from erlen import request_ctx

        assert request_ctx._session is None
        client.get("/read")
        assert type(request_ctx._session) is SecureCookieSession
        plain.open_session = lambda app, request: SecureCookieSession({"patched": 1})  # type: ignore[method-assign]
        client.get("/nothing")
        assert session["patched"] == 1


def test_overridden_methods_are_asked(make_app: Callable[..., Erlen]) -> None:
    class Own(SecureCookieSessionInterface):
        salt = "own"
        digest_method = staticmethod(hashlib.sha256)
        key_derivation = "concat"

        class session_class(SecureCookieSession):
            pass

        def get_cookie_name(self, app: Any) -> str:
            return "own"

        def get_cookie_domain(self, app: Any) -> str | None:
            return "localhost"

        def get_cookie_path(self, app: Any) -> str:
            return "/own"

        def get_cookie_httponly(self, app: Any) -> bool:
            return False

        def get_cookie_secure(self, app: Any) -> bool:
            return True

        def get_cookie_samesite(self, app: Any) -> str | None:
            return "Strict"

        def get_cookie_partitioned(self, app: Any) -> bool:
            return True

        def get_expiration_time(self, app: Any, session: SessionMixin) -> datetime | None:
            return datetime(2026, 3, 2, tzinfo=UTC)

        def should_set_cookie(self, app: Any, session: SessionMixin) -> bool:
            return True

    app = make_app(Own())
    kinds = []

    @app.get("/own/set")
    def set_() -> str:
        kinds.append(type(session._get_current_object()))  # type: ignore[attr-defined]
        session["a"] = 1
        return ""

    response = app.test_client().get("/own/set")
    pair, _, attributes = response.headers["Set-Cookie"].partition("; ")
    assert attributes == (
        "Domain=localhost; Expires=Mon, 02 Mar 2026 00:00:00 GMT; Secure; Path=/own; SameSite=Strict; Partitioned"
    )
    assert kinds == [Own.session_class]
    signing = {"key_derivation": "concat", "digest_method": hashlib.sha256}
    reader = itsdangerous.URLSafeTimedSerializer(
        SETTINGS["SECRET_KEY"], "own", serializer=TaggedJSONSerializer(), signer_kwargs=signing
    )
    assert reader.loads(pair.removeprefix("own=")) == {"a": 1}


def test_an_own_serializer_is_asked(make_app: Callable[..., Erlen]) -> None:
    class Own(SecureCookieSessionInterface):
        def get_signing_serializer(self, app: Any) -> Any:
            return itsdangerous.URLSafeTimedSerializer("another key", "s")

    app = make_app(Own())
    fill(app, session)
    client = app.test_client()
    client.get("/set")
    assert client.get("/read").text == "{'b': 2, 'a': [1]}"
    assert itsdangerous.URLSafeTimedSerializer("another key", "s").loads(client.get_cookie("session").value)


def test_a_type_of_ones_own_is_stored_after_it_was_registered(make_app: Callable[..., Erlen]) -> None:
    class TagSet(JSONTag):
        key = " s"

        def check(self, value: Any) -> bool:
            return isinstance(value, set)

        def to_json(self, value: Any) -> Any:
            return sorted(value)

        def to_python(self, value: Any) -> Any:
            return set(value)

    class Own(SecureCookieSessionInterface):
        serializer = TaggedJSONSerializer()

    Own.serializer.register(TagSet)
    app = make_app(Own())

    @app.get("/")
    def index() -> str:
        return repr(session.setdefault("a", {1, 2}))

    client = app.test_client()
    assert client.get("/").text == client.get("/").text == "{1, 2}"


# -- the session object -----------------------------------------------------------------------------------------------


def test_a_session_is_a_dict_that_notes_what_is_done_with_it() -> None:
    session = SecureCookieSession({"a": [1]})
    assert isinstance(session, dict)
    assert isinstance(session, SessionMixin)
    assert (session.new, session.modified, session.accessed, session.permanent) == (False, False, False, False)
    session.accessed = False
    session["a"].append(2)
    assert (session.accessed, session.modified) == (True, False)
    session.permanent = True
    assert session.modified
    assert session == {"a": [1, 2], "_permanent": True}
    assert SecureCookieSession() == {}
    assert repr(SecureCookieSession()) == repr(flask.sessions.SecureCookieSession()) == "<SecureCookieSession {}>"


@pytest.mark.parametrize(
    "look",
    [
        lambda held: "a" in held, len, bool, list, iter, lambda held: held.keys(), lambda held: held.items(),
        lambda held: held.values(), lambda held: held.get("a"), lambda held: held["a"],
        lambda held: held.setdefault("a"), lambda held: held == {}, lambda held: held.copy(), dict,
        lambda held: held.permanent,
    ],
)  # fmt: skip
def test_every_look_is_noted_and_changes_nothing(look: Callable[[Any], object]) -> None:
    session, plain = SecureCookieSession({"a": 1}), {"a": 1}
    if look.__name__ == "<lambda>" and "permanent" in look.__code__.co_names:
        assert look(session) is False
    elif look is not iter:
        assert repr(look(session)) == repr(look(plain))
    else:
        look(session)
    assert session.accessed


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.__setitem__("b", 1), lambda held: held.__delitem__("a"), lambda held: held.pop("a"),
        lambda held: held.popitem(), lambda held: held.clear(), lambda held: held.update(b=1),
        lambda held: held.setdefault("b", 1), lambda held: held.__ior__({"b": 1}),
    ],
)  # fmt: skip
def test_every_change_is_noted(change: Callable[[Any], object]) -> None:
    session, plain = SecureCookieSession({"a": 1}), {"a": 1}
    change(session)
    change(plain)
    assert (session.accessed, session.modified) == (True, True)
    assert session == plain


def test_a_cookie_does_not_say_whether_a_visitor_is_new(app: Erlen) -> None:
    @app.get("/")
    def index() -> str:
        new, session["a"] = session.new, 1
        return str(new)

    client = app.test_client()
    assert [client.get("/").text for _ in range(2)] == ["False", "False"]


# -- keys -------------------------------------------------------------------------------------------------------------


def test_without_a_secret_key_the_session_is_empty_and_refuses_changes(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SECRET_KEY=None)
    fill(app, session)
    client = app.test_client()
    assert client.get("/read").text == "{}"
    with pytest.raises(RuntimeError, match=r"session is unavailable because no secret key was set\.\s+Set the secret"):
        client.get("/set")
    assert SecureCookieSessionInterface().get_signing_serializer(app) is None
    with app.test_request_context():
        assert isinstance(session._get_current_object(), NullSession)  # type: ignore[attr-defined]


def test_a_former_key_verifies_and_the_newest_signs(make_app: Callable[..., Erlen]) -> None:
    before, after = make_app(SECRET_KEY="old"), make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["older", "old"])
    for app in (before, after):
        fill(app, session)
    old, new = before.test_client(), after.test_client()
    old.get("/set")
    new.set_cookie("session", old.get_cookie("session").value)
    response = new.get("/read")
    assert response.text == "{'b': 2, 'a': [1]}"
    assert "Set-Cookie" not in response.headers
    new.get("/inside/said")
    after.config["SECRET_KEY_FALLBACKS"] = None  # asked for in each request, as in Flask
    assert new.get("/read").text == "{'b': 2, 'a': [1, 2]}"
    new.set_cookie("session", old.get_cookie("session").value)
    assert new.get("/read").text == "{}"


def test_the_key_is_derived_once_and_again_after_a_change(app: Erlen) -> None:
    interface = SecureCookieSessionInterface()
    first = interface.get_signing_serializer(app)
    assert interface.get_signing_serializer(app) is first
    app.config["SECRET_KEY"] = "another"
    assert interface.get_signing_serializer(app) is not first


# -- what visitors send -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        "", "garbage", ".", "..", "...", ".eJ.x.y", "a.b.c", "\xe9\xff", '"', "é" * 50, "x" * 10_000_000,
        "." * 100_000, "session=x", "=", "\x00", "e30.aaaa.bbbb",
    ],
    ids=lambda sent: repr(sent[:20]),
)  # fmt: skip
@pytest.mark.parametrize("interface", [SecureCookieSessionInterface, Unchanged])
def test_a_cookie_that_is_none_of_ours_gives_an_empty_session(
    make_app: Callable[..., Erlen], sent: str, interface: Any
) -> None:
    app = make_app(interface())
    fill(app, session)
    response = app.test_client(use_cookies=False).get("/read", environ_overrides={"HTTP_COOKIE": f"session={sent}"})
    assert (response.status_code, response.text) == (200, "{}")


@pytest.mark.parametrize("held", [[1], "text", 7, None, True, (1,), b"x"])
def test_what_was_signed_and_is_no_dict_gives_an_empty_session(app: Erlen, held: Any) -> None:
    fill(app, session)
    client = app.test_client()
    client.set_cookie("session", SecureCookieSessionInterface().get_signing_serializer(app).dumps(held))
    assert client.get("/read").text == "{}"


@pytest.mark.parametrize("payload", [b"eyIgdSI6MX0", b"bm90IGpzb24", b".AAAA", b"!!!"])
def test_what_was_signed_and_cannot_be_read_gives_an_empty_session(
    app: Erlen, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "erlen.sessions")
    fill(app, session)
    client = app.test_client()
    signer = SecureCookieSessionInterface().get_signing_serializer(app).make_signer()
    client.set_cookie("session", signer.sign(payload).decode())
    assert client.get("/read").text == "{}"
    assert "A session cookie was refused" in caplog.text


def test_a_session_ends_when_its_signature_is_older_than_the_lifetime(app: Erlen, still: Any) -> None:
    app.permanent_session_lifetime = timedelta(hours=1)
    fill(app, session)
    client = app.test_client()
    client.get("/set")
    cookie = client.get_cookie("session").value
    still.shift(3600)
    client.set_cookie("session", cookie)
    assert client.get("/read").text == "{'b': 2, 'a': [1]}"
    still.shift(1)
    assert client.get("/read").text == "{}"


def test_a_request_with_cookies_of_its_own_is_asked_for_them(make_app: Callable[..., Erlen]) -> None:
    app = make_app()
    value = SecureCookieSessionInterface().get_signing_serializer(app).dumps({"a": 1})

    class OwnRequest(app.request_class):  # type: ignore[name-defined, misc]
        @property
        def cookies(self) -> dict[str, str]:
            return {"session": value}

    app.request_class = OwnRequest
    fill(app, session)
    assert app.test_client().get("/read").text == "{'a': 1}"


# -- too much in a cookie ---------------------------------------------------------------------------------------------


def test_a_cookie_that_is_too_large_is_warned_of_with_the_largest_keys_and_the_cure(
    app: Erlen, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def index() -> str:
        noise = random.Random(1).randbytes(5000).hex()
        session.update(cart=noise, seen=[noise[:600]], user="ada")
        return ""

    with pytest.warns(UserWarning, match="The 'session' cookie is too large"):
        app.test_client().get("/")
    (record,) = (record for record in caplog.records if record.name == "erlen.sessions")
    message = record.getMessage()
    assert message.startswith("The 'session' cookie is too large: it takes ")
    assert "over 4,093 (MAX_COOKIE_SIZE)" in message
    assert "session['cart'] (" in message
    assert " and session['seen'] (" in message
    assert "SESSION_TYPE = 'sqlite'" in message

    app.config["MAX_COOKIE_SIZE"] = 0
    caplog.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app.test_client().get("/")
    assert not caplog.records


# -- what the rest of Erlen does with it ------------------------------------------------------------------------------


def test_flashed_messages_the_first_visit_and_session_transaction_work(app: Erlen) -> None:
    @app.before_first_visit
    def greet() -> None:
        flash("Welcome!", "greeting")

    @app.get("/")
    def index() -> list[Any]:
        return get_flashed_messages(with_categories=True)

    client = app.test_client()
    assert client.get("/").json == [["greeting", "Welcome!"]]
    assert client.get("/").json == []
    with client.session_transaction() as kept:
        assert type(kept) is SecureCookieSession
        kept["_flashes"] = [("message", "again")]
    assert client.get("/").json == [["message", "again"]]


def test_async_views_have_it_too(app: Erlen) -> None:
    @app.get("/")
    async def index() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    client = app.test_client()
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_with_automatic_security_the_cookie_is_secure_on_https(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SESSION_COOKIE_SECURE=None)
    fill(app, session)
    client = app.test_client()
    assert "Secure" not in client.get("/set").headers["Set-Cookie"]
    assert "Secure" in client.get("/set", base_url="https://localhost").headers["Set-Cookie"]
    assert SecureCookieSessionInterface().get_cookie_secure(app) is False
