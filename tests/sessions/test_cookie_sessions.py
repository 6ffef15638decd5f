"""SESSION_TYPE = "cookie": Erlen's session on Flask's signed cookie."""

from __future__ import annotations

import gc
import logging
import random
import warnings
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pytest

from erlen import Erlen, flash, get_flashed_messages, session
from erlen.callables import drive
from erlen.errors import ConfigError, SecretKeyMissing, SessionError, SessionReadOnly, SessionValueError
from erlen.json import DefaultJSONProvider
from erlen.sessions import KeyRing, Session, SessionSettings, make_manager, resolve_manager, resolve_store
from erlen.sessions.cookie_manager import CookieManager


@pytest.fixture
def make_app(tmp_path: Path) -> Callable[..., Erlen]:
    def make_app(**settings: Any) -> Erlen:
        app = Erlen("cookies", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
        app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="cookie", TESTING=True)
        app.config.update(settings)
        return app

    return make_app


@pytest.fixture
def app(make_app: Callable[..., Erlen]) -> Erlen:
    return make_app()


@pytest.fixture
def do(app: Erlen) -> Callable[..., Any]:
    """Return a function that makes one request of one browser and returns what *view* returned."""
    results: list[Any] = []
    views: list[Callable[[], Any]] = []
    headers: list[Any] = []

    for mode in ("shared", "readonly", "none"):

        def run() -> str:
            results.append(views[-1]())
            return ""

        app.add_url_rule(f"/{mode}", mode, run, session=mode)
    client = app.test_client()

    def do(view: Callable[[], Any], mode: str = "shared", **options: Any) -> Any:
        views.append(view)
        response = client.get(f"/{mode}", **options)
        headers.append(response.headers)
        return results.pop()

    do.headers = headers  # type: ignore[attr-defined]
    do.client = client  # type: ignore[attr-defined]
    return do


def cookie_of(do: Any) -> str | None:
    """Return the Set-Cookie of the last response."""
    found: str | None = do.headers[-1].get("Set-Cookie")
    return found


def fill(**values: Any) -> Callable[[], None]:
    return lambda: session.update(values)


# -- what is sent when ------------------------------------------------------------------------------------------------


def test_it_is_erlens_session_and_what_is_assigned_comes_back(do: Any) -> None:
    do(fill(user="ada", cart={"apples": [1, (2, b"3")]}))
    assert do(lambda: isinstance(session._get_current_object(), Session))  # type: ignore[attr-defined]
    assert do(lambda: dict(session)) == {"user": "ada", "cart": {"apples": [1, (2, b"3")]}}
    assert do(lambda: (session.get("user"), session.get("x", 1), "user" in session, len(session))) == (
        "ada",
        1,
        True,
        2,
    )


def test_flask_reads_the_cookie_and_erlen_reads_flasks(do: Any) -> None:
    theirs = flask.Flask("cookies")
    theirs.secret_key = "a key for tests"
    serializer = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(theirs)
    assert serializer is not None
    do(fill(user="ada", pair=(1, 2), long="x" * 500))
    value = do.client.get_cookie("session").value
    assert value.startswith(".eJ")
    assert serializer.loads(value, max_age=60) == {"user": "ada", "pair": (1, 2), "long": "x" * 500}
    do.client.set_cookie("session", serializer.dumps({"b": [1], "_flashes": [("message", "hello")]}))
    assert do(lambda: (session["b"], get_flashed_messages())) == ([1], ["hello"])


def test_a_request_that_does_not_touch_it_opens_and_sends_nothing(do: Any) -> None:
    do(lambda: None)
    assert {"Vary", "Set-Cookie"}.isdisjoint(do.headers[-1].keys())
    do(fill(a=1))
    do(lambda: None)
    assert {"Vary", "Set-Cookie"}.isdisjoint(do.headers[-1].keys())


def test_reading_varies_and_changing_sends_the_cookie(do: Any) -> None:
    do(lambda: "a" in session)
    assert (do.headers[-1]["Vary"], cookie_of(do)) == ("Cookie", None)
    do(fill(a=1))
    assert (do.headers[-1]["Vary"], do.headers[-1]["Cache-Control"]) == ("Cookie", "no-store")
    assert str(cookie_of(do)).endswith("; HttpOnly; Path=/; SameSite=Lax")
    do(lambda: session["a"])
    assert (do.headers[-1]["Vary"], cookie_of(do)) == ("Cookie", None)


def test_a_change_inside_of_a_value_is_noticed_and_looking_is_none(do: Any) -> None:
    do(fill(z={"n": [1]}, a=1, user="ada"))
    do(lambda: session["z"]["n"][0])
    assert cookie_of(do) is None
    do(lambda: session["z"]["n"].append(2))
    assert cookie_of(do)
    assert do(lambda: session["z"]) == {"n": [1, 2]}
    do(lambda: session.bind("ada"))
    do(lambda: session["z"])
    assert cookie_of(do) is None
    assert do(lambda: (session["z"]["n"].clear(), session.modified)[1])
    assert do(lambda: (session["z"], session.bound_user)) == ({"n": []}, "ada")


def test_another_order_of_the_keys_in_the_cookie_is_no_change(do: Any, app: Erlen) -> None:
    serializer = app.session_manager._serializer  # type: ignore[attr-defined]
    do.client.set_cookie("session", serializer.dumps({"_bound_user": "ada", "b": [1], "a": {"x": []}}))
    assert do(lambda: (session["b"], session["a"], session.modified)) == ([1], {"x": []}, False)
    assert cookie_of(do) is None


def test_modified_may_be_said(do: Any) -> None:
    do(fill(a=1))

    def say() -> bool:
        before, session.modified = session.modified, True
        return before

    assert do(say) is False
    assert cookie_of(do)


def test_an_emptied_session_takes_the_cookie_away(do: Any) -> None:
    for change in ("clear", "invalidate", "popitem"):
        do(fill(a=1))
        do(lambda change=change: getattr(session, change)())
        assert cookie_of(do) == (
            "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/; SameSite=Lax"
        )
        assert do(lambda: dict(session)) == {}


def test_what_is_assigned_after_an_invalidation_is_kept_alone(do: Any) -> None:
    do(fill(a=1))
    do(lambda: session.bind("ada"))

    def again() -> None:
        session.invalidate()
        session["b"] = 2

    do(again)
    assert do(lambda: (dict(session), session.bound_user)) == ({"b": 2}, None)


def test_the_cookie_follows_the_settings(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SESSION_COOKIE_PARTITIONED=True, SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_HTTPONLY=False)

    @app.get("/")
    def index() -> str:
        session["a"] = 1
        return ""

    cookie = app.test_client().get("/", base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert cookie.endswith("; Secure; Path=/; SameSite=Strict; Partitioned")


# -- permanent sessions -----------------------------------------------------------------------------------------------


def test_a_permanent_session_gets_its_cookie_with_each_response(do: Any, app: Erlen) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(hours=1)
    do(lambda: setattr(session, "permanent", True))
    assert "; Max-Age=3600" in str(cookie_of(do))
    assert do(lambda: dict(session)) == {"_permanent": True}
    assert "; Max-Age=3600" in str(cookie_of(do))
    do(lambda: None)
    assert "; Max-Age=3600" in str(cookie_of(do))
    assert do.headers[-1]["Vary"] == "Cookie"
    do(lambda: None, "none")
    assert cookie_of(do) is None
    do(lambda: setattr(session, "permanent", False))
    assert "Max-Age" not in str(cookie_of(do))
    do(lambda: None)
    assert cookie_of(do) is None


def test_without_refreshing_only_a_change_sends_it(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SESSION_REFRESH_EACH_REQUEST=False)

    @app.get("/<int:n>")
    def index(n: int) -> str:
        if n:
            session.permanent = True
            session["n"] = n
        return str(session.get("n"))

    client = app.test_client()
    assert "Max-Age=" in client.get("/1").headers["Set-Cookie"]
    assert "Set-Cookie" not in client.get("/0").headers
    assert "Max-Age=" in client.get("/2").headers["Set-Cookie"]


def test_new_sessions_are_permanent_where_the_configuration_says_so(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SESSION_PERMANENT=True)

    @app.get("/")
    def index() -> str:
        session["a"] = 1
        return str(session.permanent)

    client = app.test_client()
    assert client.get("/").text == "True"
    with client.session_transaction() as kept:
        assert dict(kept) == {"a": 1, "_permanent": True}


def test_a_session_ends_when_its_signature_is_too_old(make_app: Callable[..., Erlen]) -> None:
    app = make_app(PERMANENT_SESSION_LIFETIME=60)
    now = [1_800_000_000.0]
    app.session_manager.clock = lambda: now[0]

    @app.get("/")
    def index() -> str:
        return str(session.setdefault("a", 1) and session.new)

    client = app.test_client(use_cookies=False)
    cookie = client.get("/").headers["Set-Cookie"].partition(";")[0]
    now[0] += 60
    assert client.get("/", headers={"Cookie": cookie}).text == "False"
    now[0] += 1
    assert client.get("/", headers={"Cookie": cookie}).text == "True"
    assert app.session_manager.clock() == now[0]


# -- what Erlen's session has besides ---------------------------------------------------------------------------------


def test_counting_appending_and_taking_work_in_one_browser(do: Any) -> None:
    assert [do(lambda: session.incr("n", 5)) for _ in range(3)] == [5, 10, 15]
    for item in "abcd":
        do(lambda item=item: session.append("seen", item, max=3))
    assert do(lambda: (session["n"], session["seen"])) == (15, ["b", "c", "d"])
    assert do(lambda: (session.take("n"), session.take("n", "gone"))) == (15, "gone")
    assert do(lambda: sorted(session)) == ["seen"]
    do(lambda: session.append("seen", "e"))
    assert do(lambda: session["seen"]) == ["b", "c", "d", "e"]


def test_what_is_no_number_or_list_is_not_counted_or_appended_to(do: Any) -> None:
    do(fill(text="x", yes=True, big=2**63 - 1))
    with pytest.raises(SessionValueError, match=r"session\['text'\]: it holds no whole number of 64 bits"):
        do(lambda: session.incr("text"))
    with pytest.raises(SessionValueError, match="no whole number"):
        do(lambda: session.incr("yes"))
    with pytest.raises(SessionValueError, match="leaves the range of a counter"):
        do(lambda: session.incr("big"))
    with pytest.raises(SessionValueError, match=r"session\['text'\]: it holds no list"):
        do(lambda: session.append("text", 1))
    with pytest.raises(ValueError, match="max must be 1 or more"):
        do(lambda: session.append("list", 1, max=0))


def test_a_bound_user_is_kept_out_of_the_keys(do: Any) -> None:
    do(fill(of="nobody"))
    do(lambda: session.bind(7))
    assert cookie_of(do)
    assert do(lambda: (session.bound_user, dict(session), session.sid)) == ("7", {"of": "nobody"}, None)
    do(lambda: session.pop("of"))
    assert do(lambda: (session.bound_user, dict(session))) == ("7", {})  # a user alone is a session, too
    do(lambda: session.bind("bob"))
    assert do(lambda: (session.bound_user, dict(session))) == ("bob", {})


def test_nothing_of_another_user_is_kept(do: Any) -> None:
    do(fill(a=1))
    do(lambda: session.bind("ada"))
    do(lambda: session.bind("ada"))
    assert do(lambda: dict(session)) == {"a": 1}
    do(lambda: session.bind("bob"))
    assert do(lambda: (session.bound_user, dict(session))) == ("bob", {})


def test_a_rotation_signs_the_cookie_anew(do: Any) -> None:
    do(fill(a=1))
    do(lambda: session.rotate())
    assert cookie_of(do)
    assert do(lambda: dict(session)) == {"a": 1}


def test_a_forged_user_that_is_no_text_is_made_one(do: Any, app: Erlen) -> None:
    do.client.set_cookie("session", app.session_manager._serializer.dumps({"_bound_user": 7}))  # type: ignore[attr-defined]
    assert do(lambda: session.bound_user) == "7"


def test_flashed_messages_are_shown_once(do: Any) -> None:
    do(lambda: (flash("one"), flash("two", "error")))
    assert do(lambda: get_flashed_messages(), "readonly") == []
    assert do(lambda: get_flashed_messages(with_categories=True)) == [("message", "one"), ("error", "two")]
    assert cookie_of(do)
    assert do(lambda: get_flashed_messages()) == []
    do(fill(_flashes="none"))
    assert do(lambda: get_flashed_messages()) == []


def test_a_first_visit_is_one_once(app: Erlen) -> None:
    visits = []
    app.before_first_visit(lambda: visits.append(1))
    app.add_url_rule("/", "index", lambda: str(session.new))
    client = app.test_client()
    assert [client.get("/").text for _ in range(3)] == ["True", "False", "False"]
    assert len(visits) == 1


def test_async_views_work_without_reading_before_they_look(app: Erlen) -> None:
    @app.get("/")
    async def index() -> str:
        await session.aload()
        return f"{await session.aincr('n')} {await session.atake('x', 'none')}"

    @app.get("/nothing")
    async def nothing() -> str:
        return str(session._get_current_object()._state)  # type: ignore[attr-defined]

    client = app.test_client()
    assert [client.get("/").text for _ in range(2)] == ["1 none", "2 none"]
    response = client.get("/nothing")
    assert (response.text, response.headers.get("Vary")) == ("None", None)


def test_a_session_transaction_looks_and_changes(do: Any) -> None:
    with do.client.session_transaction() as prepared:
        prepared["user"] = "ada"
        assert prepared.incr("n") == 1
    assert do(lambda: dict(session)) == {"user": "ada", "n": 1}
    with do.client.session_transaction() as kept:
        assert kept["user"] == "ada"


# -- modes ------------------------------------------------------------------------------------------------------------


def test_a_readonly_route_may_look(do: Any) -> None:
    do(fill(a=[1]))
    assert do(lambda: session["a"], "readonly") == [1]
    with pytest.raises(SessionReadOnly, match="registered with session='readonly': its view may look"):
        do(fill(b=1), "readonly")
    with pytest.raises(SessionReadOnly, match=r"session\['a'\] was changed inside, in a route that was registered"):
        do(lambda: session["a"].append(2), "readonly")


def test_a_route_without_a_session_has_none(do: Any) -> None:
    do(fill(a=1))
    with pytest.raises(SessionError, match="registered with session='none'"):
        do(lambda: session["a"], "none")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("exclusive", "no request can hold it for itself"), ("strict", "nobody can tell whether another request")],
)
def test_modes_that_need_a_store_are_refused_at_the_start(app: Erlen, mode: str, reason: str) -> None:
    app.add_url_rule("/pay", "pay", lambda: "", session=mode)
    expected = (
        rf"SESSION_TYPE: The route of 'pay' \(.*test_cookie_sessions.py:\d+\) asks for session='{mode}', and "
        rf"SESSION_TYPE = 'cookie' cannot give it: the session is in the browser, so {reason}.* SESSION_TYPE = 'sqlite'"
    )
    with pytest.raises(ConfigError, match=expected):
        app.freeze()


# -- keys and their change --------------------------------------------------------------------------------------------


def test_without_a_secret_key_it_is_empty_and_refuses_changes(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SECRET_KEY=None)
    app.add_url_rule("/read", "read", lambda: repr(dict(session)))
    app.add_url_rule("/set", "set", lambda: session.update(a=1))
    client = app.test_client()
    assert client.get("/read").text == "{}"
    assert client.get("/read", headers={"Cookie": "session=x.y.z"}).headers["Vary"] == "Cookie"
    with pytest.raises(SecretKeyMissing, match=r"The session is unavailable because no secret key was set\.") as raised:
        client.get("/set")
    assert isinstance(raised.value, RuntimeError)
    assert "Run 'erlen secret'" in str(raised.value)


def test_what_a_former_key_signed_is_signed_anew(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SECRET_KEY="old")
    app.add_url_rule("/", "index", lambda: str(session.setdefault("a", 1) and session.new))
    client = app.test_client()
    assert client.get("/").text == "True"
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])  # while it runs
    response = client.get("/")
    assert response.text == "False"
    assert "Set-Cookie" in response.headers
    app.config.update(SECRET_KEY_FALLBACKS=None)
    response = client.get("/")
    assert response.text == "False"
    assert "Set-Cookie" not in response.headers


def test_the_type_may_be_changed_while_it_runs(make_app: Callable[..., Erlen]) -> None:
    app = make_app(SESSION_TYPE="memory")
    app.add_url_rule("/", "index", lambda: str(session.incr("n")))
    client = app.test_client()
    assert client.get("/").text == "1"
    app.config["SESSION_TYPE"] = "cookie"
    assert client.get("/").text == "1"
    assert client.get("/").text == "2"
    assert type(app.session_manager) is CookieManager
    app.config["SESSION_TYPE"] = "memory"
    assert client.get("/").text == "1"
    app.route_options["index"] = {"session": "strict"}
    app.config["SESSION_TYPE"] = "cookie"
    with pytest.raises(ConfigError, match="cannot give it"):
        client.get("/")


def test_a_manager_is_made_of_a_configuration() -> None:
    manager = make_manager({"SESSION_TYPE": " Cookie ", "SECRET_KEY": "k"})
    assert type(manager) is CookieManager
    assert manager.modes == ("none", "readonly", "shared")
    assert type(resolve_manager(SessionSettings(type="cookie"), KeyRing(["k"]), manager)) is CookieManager
    with pytest.raises(ConfigError, match="'cookie' are in no store: the browser keeps them"):
        resolve_store(SessionSettings(type="cookie"))
    drive(manager.store.close())


def test_an_application_with_a_session_in_the_cookie_is_freed(make_app: Callable[..., Erlen]) -> None:
    app = make_app()
    app.add_url_rule("/", "index", lambda: str(session.incr("n")))
    client = app.test_client()
    client.get("/")
    client.get("/")
    seen = weakref.ref(app.session_manager)
    gc.collect()
    gc.disable()
    try:
        del app, client
        assert seen() is None
    finally:
        gc.enable()


# -- what visitors send -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    ["", "garbage", "..", ".eJ.x.y", "\xe9\xff", '"', "é" * 50, "x" * 10_000_000, "." * 100_000, "session=x", "\x00"],
    ids=lambda sent: repr(sent[:20]),
)
def test_a_cookie_that_is_none_of_ours_gives_an_empty_session(app: Erlen, sent: str) -> None:
    app.add_url_rule("/", "index", lambda: repr(dict(session)))
    response = app.test_client(use_cookies=False).get("/", environ_overrides={"HTTP_COOKIE": f"session={sent}"})
    assert (response.status_code, response.text) == (200, "{}")


@pytest.mark.parametrize("held", [[1], "text", 7, None, (1,), b"x", {1: 2}])
def test_what_was_signed_and_is_no_session_gives_none(do: Any, app: Erlen, held: Any) -> None:
    do.client.set_cookie("session", app.session_manager._serializer.dumps(held))  # type: ignore[attr-defined]
    assert do(lambda: dict(session)) == ({"1": 2} if isinstance(held, dict) else {})


def test_a_cookie_of_a_neighbour_does_not_hide_ours(app: Erlen, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "erlen.sessions")
    app.add_url_rule("/", "index", lambda: str(session.incr("n")))
    client = app.test_client()
    client.get("/")
    ours = client.get_cookie("session").value
    stranger = app.test_client(use_cookies=False)
    assert stranger.get("/", headers={"Cookie": f"session=theirs; session={ours}"}).text == "2"
    assert "A session cookie was refused: BadSignature" in caplog.text


# -- what cannot be stored --------------------------------------------------------------------------------------------


class Thing:
    pass


def test_what_has_no_form_in_json_is_refused_where_it_is_assigned(do: Any) -> None:
    expected = (
        r"session\['cart'\]\[1\]\['file'\]: a value of type .*Thing cannot be stored in a cookie, where a session is "
        r"JSON. Store what is needed to build it again: its id, or a dict of its values. SESSION_TYPE = 'sqlite' keeps"
    )
    with pytest.raises(SessionValueError, match=expected):
        do(fill(cart=[1, {"file": Thing()}]))
    with pytest.raises(SessionValueError, match=r"session\['a'\] \(the key \(1, 2\)\): a value of type tuple"):
        do(fill(a={(1, 2): 3}))
    with pytest.raises(SessionValueError, match=r"session\['seen'\]: a value of type .*Thing cannot"):
        do(lambda: session.append("seen", Thing()))
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(SessionValueError, match=r"session\['c'\]: it contains itself, or is nested too deeply"):
        do(fill(c=circle))
    with pytest.raises(SessionValueError, match="a key of the session is a text, not int"):
        do(lambda: session.__setitem__(1, 2))  # type: ignore[call-overload]


def test_what_is_put_into_a_value_and_has_no_form_is_named_at_the_end(do: Any) -> None:
    do(fill(a=[1]))
    with pytest.raises(SessionValueError, match=r"session\['b'\]\[0\]: a value of type .*Thing"):
        do(lambda: session.setdefault("b", []).append(Thing()))


def test_a_text_that_has_no_form_in_utf_8_is_refused_at_the_end(do: Any, app: Erlen) -> None:
    app.json = DefaultJSONProvider(app)
    app.json.ensure_ascii = False
    with pytest.raises(SessionValueError, match="session: it cannot be written: 'utf-8' codec can't encode"):
        do(fill(half="\ud800"))


def test_a_date_comes_back_in_utc_to_the_second(do: Any) -> None:
    do(fill(at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)))
    assert do(lambda: session["at"]) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert do(lambda: session.modified) is False


def test_a_cookie_that_is_too_large_is_warned_of(do: Any, app: Erlen) -> None:
    noise = random.Random(1).randbytes(5000).hex()
    with pytest.warns(UserWarning, match=r"The 'session' cookie is too large: .* session\['noise'\] \(10,002 bytes\)"):
        do(fill(noise=noise))
    app.config["MAX_COOKIE_SIZE"] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        do(fill(more=1))
