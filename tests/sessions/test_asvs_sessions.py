"""The rows of OWASP ASVS 5.0 that Erlen answers for, each a test of its number, on an application as it is by default.

Those about sessions run on every store. What is not a row stands below, with the OWASP cheat sheet on sessions.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from erlen import Erlen, request, session
from erlen.callables import drive
from erlen.errors import SecretKeyMissing
from erlen.introspect import FAILS, HOLDS, OPEN, judge_asvs
from erlen.sessions import KeyRing, SessionStore, Token

HTTPS = "https://localhost"
KEY = "aGoodLongKeyForTheTests-0123456789"


def make(store: Any, **config: Any) -> Erlen:
    """Make an application with a key, a store and nothing else."""
    app = Erlen(__name__, static_folder=None)
    app.config.update(SECRET_KEY=KEY, SESSION_TYPE=store, **config)

    @app.get("/untouched")
    def untouched() -> str:
        return "nothing"

    @app.route("/read", methods=["GET", "POST"])
    def read() -> Any:
        return dict(session)

    @app.get("/put/<key>/<value>")
    def put(key: str, value: str) -> str:
        session[key] = value
        return str(session.sid)

    @app.post("/login/<user>")
    def login(user: str) -> str:
        session.bind(user)
        session["user"] = user
        return str(session.sid)

    @app.post("/logout")
    def logout() -> str:
        session.invalidate()
        return ""

    @app.post("/rotate")
    def rotate() -> str:
        session.rotate()
        return ""

    @app.get("/slow")
    def slow() -> Any:
        held = dict(session)
        app.extensions["meanwhile"]()
        session["late"] = True
        return held

    return app


@pytest.fixture
def build(store: SessionStore, clock: Any) -> Callable[..., Erlen]:
    """Return a function that makes the application on each store in turn, with the clock of the test."""

    def build(**config: Any) -> Erlen:
        app = make(store, **config)
        app.session_manager.clock = clock
        return app

    return build


@pytest.fixture
def app(build: Callable[..., Erlen]) -> Erlen:
    return build()


def token_of(client: Any) -> str:
    return str(client.get_cookie("session").value)


def as_browser(app: Erlen, token: str | None) -> Any:
    """Return a client that sends this token."""
    client = app.test_client()
    if token is not None:
        client.set_cookie("session", token)
    return client


def read(app: Erlen, token: str | None) -> Any:
    """Return what the session of a token holds."""
    return as_browser(app, token).get("/read").json


@pytest.fixture
def asked(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that the store has had."""
    names: list[str] = []

    def watch(name: str) -> None:
        original = getattr(store, name)

        async def watched(*args: Any, **options: Any) -> Any:
            names.append(name)
            return await original(*args, **options)

        monkeypatch.setattr(store, name, watched)

    for name in ("load", "create", "merge", "move", "delete", "find", "acquire", "note_key"):
        watch(name)
    return names


@pytest.fixture
def finding(store: SessionStore) -> None:
    """Skip the test on a store that cannot find the sessions of a user; row 7.4.5 does not hold there."""
    if "find" not in store.abilities:
        pytest.skip("this store cannot find the sessions of a user")


def verdict(app: Erlen, row: str) -> tuple[str, str]:
    found = next(found for found in judge_asvs(app) if found.id == row)
    return found.verdict, found.words


# -- 7.1: what is decided ----------------------------------------------------------------------------------------------


def test_asvs_7_1_1_limits_are_an_open_question_until_they_are_set_or_explained() -> None:
    app = make("memory")
    told, words = verdict(app, "7.1.1")
    assert told == OPEN
    assert words.startswith("Idle limit: 1 day (31 days for permanent sessions). Absolute limit: 90 days. They are not")
    app = make("memory", SESSION_IDLE_TIMEOUT=900)
    assert verdict(app, "7.1.1")[0] == OPEN
    app = make("memory", SESSION_IDLE_TIMEOUT=900, SESSION_ABSOLUTE_TIMEOUT=timedelta(days=90))
    assert verdict(app, "7.1.1") == (HOLDS, "Idle limit: 15 minutes. Absolute limit: 90 days. Both are set.")
    app = make("memory", SESSION_POLICY_NOTE="a shop without accounts")
    told, words = verdict(app, "7.1.1")
    assert told == HOLDS
    assert words.endswith("Absolute limit: 90 days. SESSION_POLICY_NOTE: a shop without accounts")


@pytest.mark.usefixtures("finding")
def test_asvs_7_1_2_the_third_login_of_two_ends_the_first(build: Callable[..., Erlen], clock: Any) -> None:
    app = build(MAX_SESSIONS_PER_USER=2, MAX_SESSIONS_POLICY="oldest")
    clients = [app.test_client() for _ in range(3)]
    for client in clients:
        client.post("/login/7")
        clock.turn(1)
    assert [client.get("/read").json for client in clients] == [{}, {"user": "7"}, {"user": "7"}]
    assert verdict(app, "7.1.2") == (HOLDS, "MAX_SESSIONS_PER_USER is 2, MAX_SESSIONS_POLICY is 'oldest'.")
    assert verdict(make("memory"), "7.1.2")[0] == OPEN


# -- 7.2: tokens -------------------------------------------------------------------------------------------------------


def test_asvs_7_2_1_a_token_is_verified_on_the_server(app: Erlen, asked: list[str]) -> None:
    client = app.test_client()
    client.get("/put/a/1")
    token = token_of(client)
    assert read(app, token) == {"a": "1"}
    tampered = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    foreign = KeyRing(["another key"]).sign(Token.draw())
    asked.clear()
    for wrong in (*tampered, token[:-1], token[1:], token + "A", token[::-1], token.swapcase(), "", foreign):
        assert read(app, wrong) == {}
    assert asked == []
    assert read(app, token) == {"a": "1"}


def test_asvs_7_2_2_each_session_has_a_token_of_its_own(app: Erlen) -> None:
    tokens = set()
    for _ in range(20):
        client = app.test_client()
        client.get("/put/a/1")
        tokens.add(token_of(client))
    assert len(tokens) == 20
    keyless = make("memory", TESTING=True)
    keyless.config["SECRET_KEY"] = None
    with pytest.raises(SecretKeyMissing):
        keyless.test_client().get("/put/a/1")


def test_asvs_7_2_3_tokens_are_unique_random_and_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: Any) -> Any:
        raise AssertionError("a token was made with the module random")

    for name in ("random", "getrandbits", "randbytes", "randrange", "randint", "choice", "choices", "uniform"):
        monkeypatch.setattr(random, name, forbidden)
    drawn: list[int] = []
    original = secrets.token_bytes

    def counted(size: int | None = None) -> bytes:
        drawn.append(size or 0)
        return original(size)

    monkeypatch.setattr(secrets, "token_bytes", counted)
    parts = [Token.draw().payload[2:] for _ in range(100_000)]
    assert len(set(parts)) == 100_000
    assert drawn == [34] * 100_000  # 2 of shard
    assert {len(part) for part in parts} == {32}
    ones = [0] * 8
    for part in parts:
        for bit in range(8):
            ones[bit] += (part[bit * 4] >> bit) & 1
    assert all(48_000 < count < 52_000 for count in ones)  # more than twelve standard deviations


def test_asvs_7_2_3_a_rotated_token_has_nothing_of_the_old_one() -> None:
    before = Token.draw()
    after = Token.draw(before.shard)
    assert after.payload[2:] != before.payload[2:]


@pytest.mark.parametrize("again", [False, True])
def test_asvs_7_2_4_a_login_gives_a_new_token_and_ends_the_old_one(app: Erlen, again: bool) -> None:
    client = app.test_client()
    if again:
        client.post("/login/7")
    client.get("/put/cart/apples")
    before = token_of(client)
    client.post("/login/7")
    after = token_of(client)
    assert before != after
    assert read(app, after) == {"cart": "apples", "user": "7"}
    assert read(app, before) == {}


def test_asvs_7_2_4_a_token_that_was_planted_gains_nothing_by_the_login_of_its_victim(app: Erlen) -> None:
    attacker = app.test_client()
    attacker.get("/put/a/1")
    victim = as_browser(app, token_of(attacker))
    victim.post("/login/7")
    assert attacker.get("/read").json == {}
    assert "user" in victim.get("/read").json


# -- 7.3: limits -------------------------------------------------------------------------------------------------------


def stop_clock_of(app: Erlen) -> None:
    """Let the store believe that no time goes by, so that it ends nothing by itself."""
    store = app.session_manager.store
    now = store.clock()
    store.clock = lambda: now


def test_asvs_7_3_1_a_session_ends_when_it_is_not_used(build: Callable[..., Erlen], clock: Any) -> None:
    app = build(SESSION_IDLE_TIMEOUT=600)
    client = app.test_client()
    client.post("/login/7")
    for _ in range(3):
        clock.turn(540)
        assert client.get("/read").json == {"user": "7"}
    clock.turn(601)
    assert client.get("/read").json == {}


def test_asvs_7_3_1_it_ends_although_the_store_keeps_it(build: Callable[..., Erlen], clock: Any) -> None:
    app = build(SESSION_IDLE_TIMEOUT=600)
    client = app.test_client()
    client.post("/login/7")
    stop_clock_of(app)
    clock.turn(599)
    assert client.get("/read").json == {"user": "7"}
    clock.turn(2)
    assert client.get("/read").json == {}


def test_asvs_7_3_1_by_default_it_ends_after_a_day(app: Erlen, clock: Any) -> None:
    client = app.test_client()
    client.post("/login/7")
    clock.turn(86_399)
    assert client.get("/read").json == {"user": "7"}
    clock.turn(86_401)
    assert client.get("/read").json == {}


def test_asvs_7_3_2_a_session_ends_however_often_it_is_used(build: Callable[..., Erlen], clock: Any) -> None:
    app = build(SESSION_ABSOLUTE_TIMEOUT=12 * 3600)
    client = app.test_client()
    client.post("/login/7")
    for hour in range(11):
        clock.turn(3600)
        client.post("/rotate")
        client.get(f"/put/hour/{hour}")
    assert client.get("/read").json == {"user": "7", "hour": "10"}
    clock.turn(3601)
    assert client.get("/read").json == {}


def test_asvs_7_3_2_it_ends_although_the_store_keeps_it(build: Callable[..., Erlen], clock: Any) -> None:
    app = build(SESSION_ABSOLUTE_TIMEOUT=3600)
    client = app.test_client()
    client.post("/login/7")
    stop_clock_of(app)
    clock.turn(3601)
    assert client.get("/read").json == {}


def test_asvs_7_3_2_a_login_begins_it_anew(build: Callable[..., Erlen], clock: Any) -> None:
    app = build(SESSION_ABSOLUTE_TIMEOUT=3600)
    client = app.test_client()
    client.post("/login/7")
    clock.turn(3000)
    client.post("/login/7")
    clock.turn(3000)
    assert client.get("/read").json == {"user": "7"}
    clock.turn(601)
    assert client.get("/read").json == {}


# -- 7.4: ends ---------------------------------------------------------------------------------------------------------


def test_asvs_7_4_1_a_session_that_was_ended_is_dead_in_the_store(app: Erlen, store: SessionStore) -> None:
    client = app.test_client()
    client.post("/login/7")
    handle = client.get("/put/a/1").text
    token = token_of(client)
    assert drive(store.load(bytes.fromhex(handle))) is not None
    client.post("/logout")
    assert client.get_cookie("session") is None
    assert read(app, token) == {}
    assert drive(store.load(bytes.fromhex(handle))) is None


def test_asvs_7_4_1_a_request_that_began_before_the_logout_does_not_bring_it_back(
    app: Erlen, store: SessionStore
) -> None:
    client = app.test_client()
    client.post("/login/7")
    handle = client.get("/put/a/1").text
    token = token_of(client)
    app.extensions["meanwhile"] = lambda: as_browser(app, token).post("/logout")
    response = client.get("/slow")
    assert response.json == {"user": "7", "a": "1"}
    assert "Set-Cookie" not in response.headers
    assert read(app, token) == {}
    assert drive(store.load(bytes.fromhex(handle))) is None


@pytest.mark.usefixtures("finding")
def test_asvs_7_4_5_an_administrator_ends_the_sessions_of_a_user(app: Erlen) -> None:
    mine = [app.test_client(), app.test_client()]
    other = app.test_client()
    for client in mine:
        client.post("/login/7")
    other.post("/login/8")
    assert app.sessions.revoke_all(7) == 2
    assert [client.get("/read").json for client in (*mine, other)] == [{}, {}, {"user": "8"}]


def test_asvs_7_4_5_an_administrator_ends_all_sessions(app: Erlen) -> None:
    clients = [app.test_client() for _ in range(3)]
    for number, client in enumerate(clients):
        client.post(f"/login/{number}")
    nobody = app.test_client()
    nobody.get("/put/a/1")
    app.sessions.revoke_everyone()
    assert [client.get("/read").json for client in (*clients, nobody)] == [{}, {}, {}, {}]


# -- 7.6 ---------------------------------------------------------------------------------------------------------------


def test_asvs_7_6_2_a_visit_that_does_nothing_makes_no_session(app: Erlen, asked: list[str]) -> None:
    for path in ("/untouched", "/read", "/missing"):
        response = app.test_client().get(path)
        assert "Set-Cookie" not in response.headers
    assert asked == []
    forged = as_browser(app, "A" * 56)
    assert "Set-Cookie" not in forged.get("/read").headers
    assert asked == []


# -- 3.3: the cookie ---------------------------------------------------------------------------------------------------


def set_cookie(path: str = "/put/a/1", base_url: str = HTTPS, **config: Any) -> str:
    response = make("memory", **config).test_client().get(path, base_url=base_url)
    return str(response.headers["Set-Cookie"])


def test_asvs_3_3_1_the_cookie_is_secure_and_has_a_prefix() -> None:
    pair, *attributes = set_cookie().split("; ")
    assert pair.startswith("__Host-")
    assert "Secure" in attributes
    assert verdict(make("memory"), "3.3.1")[0] == HOLDS
    assert "Secure" in set_cookie(base_url="http://localhost", SESSION_COOKIE_SECURE=True)
    for config in ({"SESSION_COOKIE_SECURE": False}, {"SESSION_COOKIE_NAME": "session"}):
        assert verdict(make("memory", **config), "3.3.1")[0] == FAILS


def test_asvs_3_3_2_the_cookie_has_samesite() -> None:
    assert "SameSite=Lax" in set_cookie().split("; ")
    assert verdict(make("memory"), "3.3.2") == (HOLDS, "SESSION_COOKIE_SAMESITE is 'Lax'.")
    assert verdict(make("memory", SESSION_COOKIE_SAMESITE=None), "3.3.2")[0] == FAILS
    app = make("memory", SESSION_COOKIE_SAMESITE="None", SESSION_COOKIE_SECURE=True)
    assert verdict(app, "3.3.2")[0] == OPEN


def test_asvs_3_3_3_the_cookie_is_bound_to_its_host() -> None:
    pair, *attributes = set_cookie().split("; ")
    assert pair.startswith("__Host-")
    assert "Path=/" in attributes
    assert not [attribute for attribute in attributes if attribute.startswith("Domain")]
    assert verdict(make("memory"), "3.3.3")[0] == HOLDS
    assert verdict(make("memory", SESSION_COOKIE_PATH="/shop"), "3.3.3")[0] == FAILS
    assert verdict(make("memory", SESSION_COOKIE_DOMAIN="example.com"), "3.3.3")[0] == OPEN


def test_asvs_3_3_4_scripts_cannot_read_the_cookie() -> None:
    assert "HttpOnly" in set_cookie().split("; ")
    assert verdict(make("memory"), "3.3.4")[0] == HOLDS
    assert verdict(make("memory", SESSION_COOKIE_HTTPONLY=False), "3.3.4")[0] == FAILS


def test_asvs_3_3_5_the_cookie_is_small_whatever_the_session_holds() -> None:
    app = make("memory")
    app.add_url_rule("/large", "large", lambda: session.update(text="x" * 100_000) or "")
    pair = app.test_client().get("/large", base_url=HTTPS).headers["Set-Cookie"].partition(";")[0]
    assert len(pair) - 1 == len("__Host-session") + 56
    told, words = verdict(app, "3.3.5")
    assert (told, words) == (HOLDS, "They have 70 bytes, whatever the session holds.")


def test_asvs_3_4_4_every_response_has_nosniff() -> None:
    app = make("memory", MAX_CONTENT_LENGTH=1)
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    app.add_url_rule("/body", "body", lambda: request.get_data(), methods=["POST"])
    client = app.test_client()
    for path, status in (("/read", 200), ("/missing", 404), ("/broken", 500), ("/logout", 405)):
        response = client.get(path, environ_base={"erlen.propagate": False})
        assert (response.status_code, response.headers["X-Content-Type-Options"]) == (status, "nosniff")
    response = client.post("/body", data="too much")
    assert (response.status_code, response.headers["X-Content-Type-Options"]) == (413, "nosniff")
    assert verdict(app, "3.4.4")[0] == HOLDS
    assert verdict(make("memory", CONTENT_TYPE_NOSNIFF=False), "3.4.4")[0] == OPEN


# -- the cheat sheet ---------------------------------------------------------------------------------------------------


def test_a_token_is_taken_from_the_cookie_and_from_nowhere_else(app: Erlen, asked: list[str]) -> None:
    client = app.test_client()
    client.get("/put/a/1")
    token = token_of(client)
    asked.clear()
    stranger = app.test_client()
    for name in ("session", "__Host-session", "sid", "token"):
        assert stranger.get("/read", query_string={name: token}).json == {}
        assert stranger.get(f"/read;{name}={token}").status_code == 404
        assert stranger.post("/read", data={name: token}).json == {}
        assert stranger.post("/read", json={name: token}).json == {}
        assert stranger.get("/read", headers={"Authorization": f"Bearer {token}", f"X-{name}": token}).json == {}
    assert stranger.get("/read", headers={"Cookie": f"other={token}"}).json == {}
    assert asked == []


BAD = {
    "ten kilobytes": "A" * 10_000,
    "NUL": "A" * 55 + "\0",
    "unicode": "é" * 56,
    "other digits": "\u0661" * 28,
    "SQL": "' OR 1=1; DROP TABLE sessions; --",
    "path": "../../../../etc/passwd",
    "path of the right length": ("../" * 19)[:56],
    "redis": "*1\r\n$8\r\nFLUSHALL\r\n",
    "mongo": '{"$gt": ""}',
    "pickle": "gASVIAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAVlY2hvlIWUUpQu",
    "nothing": "",
    "spaces": " " * 56,
    "percent": "%00" * 18,
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_bad_token_is_no_token(app: Erlen, asked: list[str], store: SessionStore, value: str) -> None:
    raw = value.encode().decode("latin-1")  # as WSGI hands it over
    client = app.test_client(use_cookies=False)
    response = client.get("/read", environ_overrides={"HTTP_COOKIE": f"session={raw}; __Host-session={raw}"})
    assert (response.status_code, response.json) == (200, {})
    assert "Set-Cookie" not in response.headers
    assert asked == []
    response = client.get("/put/a/1", environ_overrides={"HTTP_COOKIE": f"session={raw}"})
    assert response.status_code == 200
    new = response.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert new != value
    assert "load" not in asked
    assert asked.count("create") == 1
    assert drive(store.load(bytes.fromhex(response.text))) is not None


def test_a_token_that_the_store_does_not_know_is_never_adopted(app: Erlen, ring: KeyRing) -> None:
    chosen = KeyRing([KEY]).sign(Token.draw())
    client = as_browser(app, chosen)
    client.get("/put/a/1")
    assert token_of(client) != chosen
    assert read(app, chosen) == {}


@pytest.mark.parametrize("path", ["/put/a/1", "/login/7", "/rotate", "/logout"])
def test_no_cache_keeps_a_response_that_tells_a_token(app: Erlen, path: str) -> None:
    client = app.test_client()
    if path in ("/rotate", "/logout"):
        client.get("/put/a/1")
    response = client.open(path, method="GET" if path.startswith("/put") else "POST")
    assert "Set-Cookie" in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Cookie"
