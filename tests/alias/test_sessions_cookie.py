"""The session in a signed cookie: what its ``Set-Cookie`` says, and when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import flask as real
import pytest
from werkzeug.http import parse_date

import erlen.flask


@pytest.fixture
def bakery(app: Any, flask: Any) -> Any:
    """A bakery whose customers have a basket in their session."""

    @app.put("/basket/<loaf>")
    def put(loaf: str) -> str:
        flask.session["basket"] = [*flask.session.get("basket", []), loaf]
        return f"{loaf} taken"

    @app.get("/basket")
    def show() -> list[str]:
        return list(flask.session.get("basket", []))

    @app.delete("/basket")
    def empty() -> str:
        flask.session.clear()
        return "empty"

    @app.get("/hours")
    def hours() -> str:
        return "6 to 18"

    @app.put("/regular/<int:yes>")
    def regular(yes: int) -> str:
        flask.session.permanent = bool(yes)
        return "noted"

    return app


def parts(response: Any) -> dict[str, str]:
    """The only cookie that *response* sets: its name and value, and its attributes."""
    [header] = response.headers.getlist("Set-Cookie")
    first, *rest = header.split("; ")
    name, _, value = first.partition("=")
    attributes = {key: value for key, _, value in (part.partition("=") for part in rest)}
    return {"name": name, "value": value, **attributes}


def named(response: Any) -> dict[str, str]:
    """The same without the value, which is signed at a time of its own."""
    return {key: value for key, value in parts(response).items() if key != "value"}


USUAL = {"name": "session", "HttpOnly": "", "Path": "/"}


@pytest.mark.parametrize(
    ("settings", "cookie"),
    [
        ({}, USUAL),
        ({"SESSION_COOKIE_NAME": "oven"}, {**USUAL, "name": "oven"}),
        ({"SESSION_COOKIE_DOMAIN": "bread.test"}, {**USUAL, "Domain": "bread.test"}),
        ({"SESSION_COOKIE_PATH": "/basket"}, {**USUAL, "Path": "/basket"}),
        ({"APPLICATION_ROOT": "/shop"}, {**USUAL, "Path": "/shop"}),
        ({"APPLICATION_ROOT": "/shop", "SESSION_COOKIE_PATH": "/"}, USUAL),
        ({"SESSION_COOKIE_HTTPONLY": False}, {"name": "session", "Path": "/"}),
        ({"SESSION_COOKIE_SECURE": True}, {**USUAL, "Secure": ""}),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, {**USUAL, "SameSite": "Strict"}),
        ({"SESSION_COOKIE_PARTITIONED": True}, {**USUAL, "Secure": "", "Partitioned": ""}),
        ({"SERVER_NAME": "bread.test", "PREFERRED_URL_SCHEME": "https"}, USUAL),
    ],
    ids=lambda value: "-".join(value) or "nothing",
)
def test_a_setting_changes_its_own_attribute_of_the_cookie_and_no_other(
    bakery: Any, settings: dict[str, Any], cookie: dict[str, str]
) -> None:
    bakery.config.update(settings)
    assert named(bakery.test_client().put("/basket/rye")) == cookie


@pytest.mark.parametrize(("domain", "seen"), [("bread.test", ["rye"]), (None, [])])
def test_only_a_domain_that_is_set_takes_the_session_to_the_branches(
    bakery: Any, domain: str | None, seen: list[str]
) -> None:
    bakery.config["SESSION_COOKIE_DOMAIN"] = domain
    client = bakery.test_client()
    client.put("/basket/rye", base_url="http://bread.test")
    assert client.get("/basket", base_url="http://bread.test").json == ["rye"]
    assert client.get("/basket", base_url="http://north.bread.test").json == seen
    assert client.get("/basket", base_url="http://other.test").json == []


def test_a_setting_counts_from_the_next_answer_on(bakery: Any) -> None:
    client, answers = bakery.test_client(), []
    for place in ("/a", "/b", None):
        bakery.config["SESSION_COOKIE_PATH"] = place
        answers.append(named(client.put("/basket/rye"))["Path"])
    assert answers == ["/a", "/b", "/"]


def test_a_deletion_has_the_attributes_of_what_it_deletes(bakery: Any) -> None:
    bakery.config.update(
        SESSION_COOKIE_NAME="oven",
        SESSION_COOKIE_DOMAIN="bread.test",
        SESSION_COOKIE_PATH="/basket",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    client = bakery.test_client()
    there = {"base_url": "https://bread.test"}
    made = named(client.put("/basket/rye", **there))
    gone = parts(client.delete("/basket", **there))
    assert (gone.pop("value"), gone.pop("Max-Age")) == ("", "0")
    assert parse_date(gone.pop("Expires")) == datetime(1970, 1, 1, tzinfo=UTC)
    assert gone == made
    assert client.get_cookie("oven", domain="bread.test", path="/basket") is None


# How long it lives.


@pytest.mark.parametrize("lifetime", [timedelta(days=3), 3 * 24 * 3600, None])
def test_only_the_cookie_of_a_regular_customer_expires_and_when_the_lifetime_says(bakery: Any, lifetime: Any) -> None:
    if lifetime is not None:
        bakery.config["PERMANENT_SESSION_LIFETIME"] = lifetime
    client = bakery.test_client()
    assert "Expires" not in parts(client.put("/basket/rye"))
    before = datetime.now(UTC).replace(microsecond=0)
    expires = parse_date(parts(client.put("/regular/1"))["Expires"])
    assert expires is not None
    assert before <= expires - timedelta(days=31 if lifetime is None else 3) <= datetime.now(UTC)
    assert "Expires" not in parts(client.put("/regular/0"))


def test_the_lifetime_is_an_attribute_and_a_setting(app: Any) -> None:
    app.permanent_session_lifetime = timedelta(weeks=1)
    assert app.config["PERMANENT_SESSION_LIFETIME"] == timedelta(weeks=1)
    app.config["PERMANENT_SESSION_LIFETIME"] = 600
    assert app.permanent_session_lifetime == timedelta(minutes=10)


@pytest.mark.parametrize("path", ["/hours", "/basket"])
@pytest.mark.parametrize(("regular", "refresh", "sent"), [(1, True, 1), (1, False, 0), (0, True, 0), (0, False, 0)])
def test_a_session_that_nothing_changes_is_sent_again_where_it_is_permanent_and_refreshed(
    bakery: Any, regular: int, refresh: bool, sent: int, path: str
) -> None:
    bakery.config["SESSION_REFRESH_EACH_REQUEST"] = refresh
    client = bakery.test_client()
    client.put("/basket/rye")
    client.put(f"/regular/{regular}")
    response = client.get(path)
    assert len(response.headers.getlist("Set-Cookie")) == sent
    assert ("Cookie" in response.vary) is bool(sent or path == "/basket")


@pytest.mark.parametrize("value", [1, 0, "yes", "", None])
def test_permanent_is_kept_as_a_bool(app: Any, flask: Any, value: Any) -> None:
    with app.test_request_context():
        assert flask.session.permanent is False
        assert not flask.session.modified
        flask.session.permanent = value
        assert flask.session["_permanent"] is bool(value)
        assert flask.session.permanent is bool(value)
        assert flask.session.modified


# What a view does to it.


@pytest.mark.parametrize(
    ("method", "path", "varies", "sets"),
    [
        ("GET", "/hours", False, False),
        ("GET", "/basket", True, False),
        ("PUT", "/basket/spelt", True, True),
        ("DELETE", "/basket", True, True),
        ("GET", "/nowhere", False, False),
    ],
)
def test_who_reads_the_basket_varies_and_who_changes_it_sets_the_cookie(
    bakery: Any, method: str, path: str, varies: bool, sets: bool
) -> None:
    client = bakery.test_client()
    client.put("/basket/rye")
    response = client.open(path, method=method)
    assert ("Cookie" in response.vary, "Set-Cookie" in response.headers) == (varies, sets)


#: What can be done to a session that has the key "loaf", or none.
DEEDS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda session: None,
    "ask": lambda session: session.get("loaf"),
    "contain": lambda session: "loaf" in session,
    "count": len,
    "list": list,
    "backwards": lambda session: list(reversed(session)),
    "view of keys": lambda session: session.keys(),
    "items": lambda session: list(session.items()),
    "values": lambda session: list(session.values()),
    "truth": bool,
    "compare": lambda session: session == {"loaf": "rye"},
    "as dict": dict,
    "copy": lambda session: session.copy(),
    "union": lambda session: session | {"roll": 1},
    "text": repr,
    "object": lambda session: session._get_current_object(),
    "permanent": lambda session: session.permanent,
    "modified": lambda session: session.modified,
    "accessed": lambda session: session.accessed,
    "new": lambda session: session.new,
    "default of what may be there": lambda session: session.setdefault("loaf", "spelt"),
    "default of what is not": lambda session: session.setdefault("roll", 1),
    "put": lambda session: session.__setitem__("loaf", "spelt"),
    "put the same": lambda session: session.__setitem__("loaf", "rye"),
    "take": lambda session: session.pop("loaf", None),
    "take what is not there": lambda session: session.pop("roll", None),
    "update": lambda session: session.update(roll=2),
    "update by nothing": lambda session: session.update(),
    "update in place": lambda session: session.__ior__({"roll": 2}),
    "clear": lambda session: session.clear(),
    "say that it is modified": lambda session: setattr(session, "modified", True),
    "say that it is accessed": lambda session: setattr(session, "accessed", True),
}


def consequences(module: Any) -> dict[tuple[str, bool], tuple[Any, ...]]:
    """What follows from each deed, on an empty session and on one that has a loaf."""
    app = module.Flask("deeds")
    app.config.update(SECRET_KEY="a key", TESTING=True)
    left: list[Any] = []

    @app.get("/<deed>")
    def do(deed: str) -> str:
        DEEDS[deed](module.session)
        return deed

    @app.after_request
    def note(response: Any) -> Any:
        session = module.session._get_current_object()
        left[:] = [session.accessed, session.modified, session.new, sorted(session.items())]
        return response

    found = {}
    for deed in DEEDS:
        for loaf in (False, True):
            client = app.test_client()
            if loaf:
                with client.session_transaction() as session:
                    session["loaf"] = "rye"
            response = client.get(f"/{deed}")
            sent = [header.startswith("session=;") for header in response.headers.getlist("Set-Cookie")]
            found[deed, loaf] = (*left, response.headers.get("Vary"), sent)
    return found


def test_every_deed_has_the_consequences_that_it_has_on_flask() -> None:
    assert consequences(erlen.flask) == consequences(real)


@pytest.mark.parametrize("known", ["Accept-Language", "accept-language, COOKIE", ""])
@pytest.mark.parametrize("foreign", [False, True], ids=["own", "subclass"])
def test_what_a_view_varies_by_is_kept_beside_the_cookie(app: Any, flask: Any, known: str, foreign: bool) -> None:
    if foreign:
        app.session_interface = type("Foreign", (flask.sessions.SecureCookieSessionInterface,), {})()

    @app.get("/greeting")
    def greeting() -> Any:
        response = flask.make_response(flask.session.get("language", "Guten Morgen"))
        response.headers["Vary"] = known
        return response

    vary = app.test_client().get("/greeting").vary
    assert vary.as_set() == {"cookie"} | ({"accept-language"} if known else set())
    assert len(vary) == len(vary.as_set())


@pytest.mark.parametrize("told", [False, True])
def test_a_change_inside_of_a_value_is_saved_only_when_the_session_is_told(bakery: Any, flask: Any, told: bool) -> None:
    @bakery.post("/slice")
    def cut() -> str:
        flask.session["basket"][0] += " (sliced)"
        if told:
            flask.session.modified = True
        return "cut"

    client = bakery.test_client()
    client.put("/basket/rye")
    client.post("/slice")
    assert client.get("/basket").json == ["rye (sliced)" if told else "rye"]


# Who has signed it.


def test_a_cookie_is_read_where_its_key_is_the_secret_one_or_among_the_old_ones(bakery: Any) -> None:
    cookies = {}
    for key in ("spring", "summer", "autumn"):
        bakery.secret_key = key
        client = bakery.test_client()
        client.put(f"/basket/{key}")
        cookies[key] = client.get_cookie("session").value

    def read() -> list[str]:
        seen = []
        for cookie in cookies.values():
            client = bakery.test_client()
            client.set_cookie("session", cookie)
            seen += client.get("/basket").json
        return seen

    for old, seen in (
        (None, ["autumn"]),
        (["summer"], ["summer", "autumn"]),
        (["summer", "spring"], ["spring", "summer", "autumn"]),
        ([b"spring"], ["spring", "autumn"]),
    ):
        bakery.config["SECRET_KEY_FALLBACKS"] = old
        assert read() == seen


def test_a_basket_of_an_old_key_is_signed_by_the_new_one_once_it_changes(bakery: Any) -> None:
    bakery.secret_key = "old"
    client = bakery.test_client()
    client.put("/basket/rye")
    bakery.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    client.put("/basket/spelt")
    bakery.config["SECRET_KEY_FALLBACKS"] = []
    assert client.get("/basket").json == ["rye", "spelt"]


@pytest.mark.parametrize("cookie", ["nonsense", "a.b.c", "", "eyJhIjoxfQ.aaaa.bbbb", "\x00", ".", "..", "x" * 3000])
def test_a_forged_cookie_is_an_empty_session(bakery: Any, cookie: str) -> None:
    client = bakery.test_client()
    client.set_cookie("session", cookie)
    response = client.get("/basket")
    assert (response.status_code, response.json) == (200, [])
