"""Row 3.3.4 of OWASP ASVS 5.0, its second half: the token of a session stands in Set-Cookie and nowhere else.

An application fails in every way that it can, and all that comes out of it is searched: bodies, headers, URLs, logs,
exceptions, signals, and the representation of every object that the session leads to. Left out is what the browser has
sent itself: ``request.cookies``, ``request.headers`` and the environment hold the Cookie header, as they must.
"""

from __future__ import annotations

import logging
import traceback
import warnings
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from erlen import Erlen, redirect, request, session, signals, url_for
from erlen.callables import drive
from erlen.errors import SessionUnavailable
from erlen.sessions import KeyRing, SessionStore, Token

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
KEY = "aGoodLongKeyForTheTests-0123456789"


def forms_of(token: str) -> set[str]:
    """Return every way in which a part of the token's secret may be written, as texts of some 60 bits and more."""
    parsed = KeyRing([KEY]).verify(token)
    assert parsed is not None
    secret = parsed.payload[2:]
    written = [(token, 10), (secret.hex(), 16), (secret.hex().upper(), 16), (repr(secret)[2:-1], 32)]
    written.append((str(list(secret))[1:-1], 32))
    for encode in (b64encode, urlsafe_b64encode):
        written += [(encode(secret[start:]).decode(), 10) for start in range(3)]
    return {text[at : at + size] for text, size in written for at in range(len(text) - size + 1)}


class Heard:
    """All that was said, by where."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.seen: dict[int, object] = {}  # the objects are kept, so that no other gets the number of one
        self.kinds: set[str] = set()

    def add(self, where: str, text: object) -> None:
        self.said.append((where, text if isinstance(text, str) else repr(text)))

    def add_error(self, where: str, error: BaseException) -> None:
        self.add(where, f"{error}\n{error!r}\n{''.join(traceback.format_exception(error))}")

    def add_reprs(self, where: str, thing: object) -> None:
        """Add the representation of an object of Erlen's, and of all that its attributes lead to."""
        if id(thing) in self.seen or isinstance(thing, ModuleType | type):
            return
        self.seen[id(thing)] = thing
        if isinstance(thing, dict):
            inner: Iterator[object] = iter(list(thing.values()))
        elif isinstance(thing, list | tuple | set | frozenset):
            inner = iter(list(thing))
        elif isinstance(thing, Headers):
            return  # they show the request as it came, as Werkzeug's do
        elif type(thing).__module__.partition(".")[0] == "erlen":
            self.kinds.add(type(thing).__qualname__)
            self.add(f"repr of {where}, {type(thing).__qualname__}", f"{thing!r} {thing!s} {thing}")
            names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
            names += list(getattr(thing, "__dict__", ()))
            inner = (getattr(thing, name, None) for name in names if isinstance(name, str) and name != "__weakref__")
        else:
            return
        for each in inner:
            self.add_reprs(where, each)

    def search(self, token: str) -> list[str]:
        """Return where the token was heard."""
        forms = forms_of(token)
        texts = {text: where for where, text in self.said}
        return [where for text, where in texts.items() if any(form in text for form in forms)]


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[Heard]:
    """What the logs, at their finest, and the signals say during the test."""
    heard = Heard()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("app").disabled = False  # another test may have silenced a logger of this name
    for name in ("erlen", "erlen.sessions", "app", "werkzeug"):
        caplog.set_level(logging.DEBUG, name)
    connected: list[tuple[Any, Callable[..., None]]] = []

    def connect(name: str, signal: Any) -> None:
        def listen(sender: Any, **values: Any) -> None:
            heard.add(f"signal {name}", f"{sender!r} {values!r} {[str(value) for value in values.values()]}")

        signal.connect(listen)
        connected.append((signal, listen))

    for name in signals.__all__:
        if hasattr(getattr(signals, name), "connect"):
            connect(name, getattr(signals, name))
    yield heard
    for signal, listen in connected:
        signal.disconnect(listen)


def make(store: SessionStore, heard: Heard, **config: Any) -> Erlen:
    app = Erlen("app", static_folder=None)
    app.config.update(SECRET_KEY=KEY, SESSION_TYPE=store, **config)

    def note(where: str) -> None:
        heard.add(f"url in {where}", f"{request.url} {request.full_path} {url_for('touch', q='x', _external=True)}")
        heard.add(f"request in {where}", request)
        heard.add_reprs(where, session._get_current_object())  # type: ignore[attr-defined]
        heard.add_reprs(where, app)
        heard.add_reprs(where, drive(store.load(bytes.fromhex(session.sid or ""))))

    @app.get("/touch")
    def touch() -> str:
        session["visits"] = session.get("visits", 0) + 1
        note("touch")
        return f"{session!r} {session.sid} {session.copy()!r} {session.bound_user}"

    @app.get("/fail")
    def fail() -> str:
        session.get("visits")
        held, state, manager = session._get_current_object(), session._state, app.session_manager  # type: ignore[attr-defined]
        token, ring = state.token, manager.keys
        cookie_header = held._cookie
        note("fail")
        raise RuntimeError(f"{held} {state} {token} {ring} {manager} {len(cookie_header)}")

    @app.get("/key")
    def key() -> str:
        return str(session["missing"])

    @app.get("/value")
    def value() -> str:
        session["file"] = object()
        return ""

    @app.get("/readonly", session="readonly")
    def readonly() -> str:
        session["a"] = 1
        return ""

    @app.get("/none", session="none")
    def none() -> str:
        return str(session["a"])

    @app.get("/strict", session="strict")
    def strict() -> str:
        session["late"] = session.get("visits")
        app.extensions["meanwhile"]()
        return ""

    @app.get("/conflict")
    def conflict() -> str:
        session["guarded"] = session.get("guarded", 0) + 1
        app.extensions["meanwhile"]()
        return ""

    @app.get("/guarded")
    def guarded() -> str:
        session["guarded"] = 100
        return ""

    @app.get("/redirect")
    def moved() -> Any:
        session["a"] = 1
        return redirect(url_for("touch"))

    @app.post("/login")
    def login() -> str:
        session.bind(7)
        return f"{app.sessions.for_user(7)!r}"

    @app.post("/logout")
    def logout() -> str:
        session.invalidate()
        return repr(session)

    return app


@pytest.mark.parametrize(
    ("config", "accept"),
    [({}, BROWSER), ({"DEBUG": True}, BROWSER), ({"DEBUG": True}, "text/plain"), ({"SESSION_SEALED": True}, BROWSER)],
    ids=["usual", "debug-html", "debug-text", "sealed"],
)
def test_asvs_3_3_4_the_token_stands_in_set_cookie_and_nowhere_else(
    store: SessionStore, heard: Heard, clock: Any, config: dict[str, Any], accept: str, caplog: Any, monkeypatch: Any
) -> None:
    app = make(store, heard, SESSION_CONFLICTS={"guarded": "error"}, SESSION_RENEW_AFTER=3600, **config)
    app.session_manager.clock = clock
    client = app.test_client()
    tokens: set[str] = set()
    statuses: dict[str, int] = {}

    def visit(path: str, method: str = "GET", by: Any = client) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            response = by.open(path, method=method, headers={"Accept": accept}, environ_base={"erlen.propagate": False})
        heard.add(f"body of {path}", response.text)
        kept = [(name, text) for name, text in response.headers if name != "Set-Cookie"]
        heard.add(f"headers of {path}", f"{kept} {response!r} {response.status}")
        heard.add(f"warnings of {path}", f"{[str(warning.message) for warning in caught]}")
        statuses[path] = response.status_code
        cookie = by.get_cookie("session")
        if cookie is not None:
            tokens.add(cookie.value)

    def other(path: str, method: str = "GET") -> Callable[[], None]:
        def go() -> None:
            browser = app.test_client()
            browser.set_cookie("session", client.get_cookie("session").value)
            visit(path, method, browser)

        return go

    visit("/touch")
    visit("/login", "POST")
    for path in ("/touch", "/fail", "/key", "/value", "/readonly", "/none", "/redirect", "/missing", "/login"):
        visit(path)
    app.extensions["meanwhile"] = other("/guarded")
    visit("/conflict")
    clock.turn(3601)
    visit("/touch")  # the token is renewed
    app.extensions["meanwhile"] = other("/logout", "POST")
    visit("/strict")
    visit("/touch")
    heard.add("repr of the cookies' owner", f"{app!r} {app.config!r} {app.sessions!r}")

    async def dead(*args: Any, **options: Any) -> None:
        raise SessionUnavailable("nobody is there")

    with monkeypatch.context() as patch:
        for name in ("load", "merge", "move", "create", "note_key"):
            patch.setattr(store, name, dead)
        patch.setattr(store, "load_now", lambda *args: drive(dead()))
        visit("/key")
        dead_status = statuses["/key"]
    client.set_cookie("session", "A" * 56)
    visit("/touch")
    visit("/logout", "POST")

    for record in caplog.records:
        heard.add(f"log of {record.name}", f"{record.getMessage()} {record.args!r} {record.exc_text}")
        if record.exc_info and record.exc_info[1] is not None:
            heard.add_error(f"log of {record.name}", record.exc_info[1])

    expected = {"/fail": 500, "/value": 500, "/readonly": 500, "/none": 500, "/missing": 404, "/login": 405}
    assert {path: statuses[path] for path in expected} == expected
    assert (statuses["/conflict"], statuses["/strict"], dead_status) == (409, 409, 503)
    tokens.discard("A" * 56)
    assert len(tokens) >= 4
    expected_kinds = {"Session", "State", "Token", "KeyRing", "SessionManager", "Header", "Record", "Erlen"}
    assert expected_kinds <= heard.kinds
    assert heard.kinds & {"Fields", "SealedFields"}
    assert any(where == "log of app" and "RuntimeError: <Session shared, keys" in text for where, text in heard.said)
    assert any(where.startswith("signal session_") for where, _ in heard.said)
    assert any(where == "log of erlen.sessions" for where, _ in heard.said)
    for token in tokens:
        assert heard.search(token) == []


def test_the_search_finds_a_token_wherever_it_is_written() -> None:
    """The test above cannot pass because it is blind."""
    token = Token.draw()
    secret = token.payload[2:]
    value = KeyRing([KEY]).sign(token)
    for text in (value, value[5:20], secret.hex(), repr(secret), b64encode(secret).decode(), str(list(secret))):
        heard = Heard()
        heard.add("here", f"before {text} after")
        assert heard.search(value) == ["here"]
    heard = Heard()
    heard.add("here", token.key.hex())  # the handle is public
    assert heard.search(value) == []
