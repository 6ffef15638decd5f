"""What the tests of sessions share: a clock to turn, the stores, and a browser that keeps one cookie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest

import store_servers
from erlen.callables import drive
from erlen.sessions import (
    KeyRing,
    Session,
    SessionHeaders,
    SessionManager,
    SessionSettings,
    SessionStore,
    resolve_store,
)
from erlen.testing.store_contract import Clock
from store_servers import Servers, config_of

# What tells most of a way to a server, and so runs on nearly each of them in every run.
_OF_THE_STORE = {"test_session_store_contract", "test_session_commands"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most tests on some stores to the soak, which the machine that merges runs as well."""
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        name = parameters.get("store_name", "memory")
        always = item.path.stem in _OF_THE_STORE and name not in store_servers.TWINS
        if name not in store_servers.ONE_OF_A_KIND and not always:
            item.add_marker(pytest.mark.soak)


@dataclass
class Browser:
    """Sends the session cookie that it was given, as a browser does."""

    manager: SessionManager
    secure: bool = False
    cookie: str | None = None
    received: list[str] = field(default_factory=list)

    def open(self, mode: str = "shared") -> Session:
        """Begin a request."""
        return self.manager.open(self.cookie, self.secure, mode)

    def finish(self, session: Session) -> SessionHeaders | None:
        """End a request and keep the cookie of its response."""
        headers = drive(self.manager.save(session))
        if headers is not None and headers.cookie is not None:
            self.received.append(headers.cookie)
            pair, _, attributes = headers.cookie.partition("; ")
            self.cookie = None if "Max-Age=0" in attributes else pair
        return headers

    def do(self, view: Callable[[Session], Any], mode: str = "shared") -> Any:
        """Make one request and return what *view* returned."""
        session = self.open(mode)
        result = view(session)
        self.finish(session)
        return result

    def read(self) -> dict[str, Any]:
        """Return what the session holds."""
        return self.do(lambda session: session.copy())

    @property
    def token(self) -> str:
        assert self.cookie is not None
        return self.cookie.partition("=")[2]


@pytest.fixture
def clock() -> Clock:
    return Clock()


# The stores whose modules are there; each joins the conformance suite in tests/store_servers.
STORES = [name for name, module in store_servers.STORES.items() if find_spec(f"store_servers.{module}")]


@pytest.fixture(params=STORES)
def store_name(request: pytest.FixtureRequest) -> str:
    """Each store in turn, by the name that it has under test."""
    name: str = request.param
    return name


@pytest.fixture
def store(store_name: str, servers: Servers, clock: Clock) -> Iterator[SessionStore]:
    """An empty store of each kind, on its real server."""
    made = resolve_store(SessionSettings.from_config(config_of(store_name, servers)))
    made.clock = clock
    yield made
    drive(made.close())


@pytest.fixture
def keeps_notes(store: SessionStore) -> None:
    """Skip the test if the store keeps no notes of keys."""
    if type(store).note_key is SessionStore.note_key:
        pytest.skip("it keeps no notes of keys, as a store may")


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(["a secret key of the tests"])


@pytest.fixture
def manage(store: SessionStore, ring: KeyRing, clock: Clock) -> Callable[..., SessionManager]:
    """Return a function that makes a manager on the store, with settings."""

    def manage(keys: KeyRing | None = ring, **settings: Any) -> SessionManager:
        return SessionManager(SessionSettings(**settings), store, keys, clock)

    return manage


@pytest.fixture
def browse(manage: Callable[..., SessionManager]) -> Callable[..., Browser]:
    """Return a function that makes a browser on a manager with settings."""

    def browse(**settings: Any) -> Browser:
        return Browser(manage(**settings))

    return browse


@pytest.fixture
def browser(browse: Callable[..., Browser]) -> Browser:
    return browse()
