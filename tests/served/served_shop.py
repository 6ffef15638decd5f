"""``session_app.py`` on real workers: what the tests of served sessions share."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
from served_tools import STOPS, until

HERE = Path(__file__).resolve().parent
Connections = queue.SimpleQueue[HTTPConnection]


class Shop:
    """``session_app.py`` on two workers of granian, with settings of the test."""

    def __init__(self, folder: Path, serve: Callable[..., Any], client: Callable[[], httpx.Client]) -> None:
        self.folder = folder
        self.client = client
        self.serve = serve
        self.server: Any = None
        self.kind: dict[str, Any] = {"workers": 2, "env": STOPS}
        shutil.copy(HERE / "session_app.py", folder)

    @property
    def store(self) -> Path:
        return self.folder / "instance" / "sessions.sqlite3"

    def configure(self, text: str) -> None:
        """Write the module from which the application is configured."""
        (self.folder / "settings.py").write_text(text)

    def start(self, **kind: Any) -> None:
        """Start the server, or start it again, at a new port: what was killed may hold the old one for a moment."""
        self.kind = {**self.kind, **kind}
        self.server = self.serve("session_app:app", self.folder, **self.kind)

    def restart(self) -> None:
        self.server.stop()
        self.start()

    def get(self, path: str, cookie: str | None = None) -> httpx.Response:
        """Ask over a connection of its own, so that any of the workers may answer."""
        return self.client().get(self.server.url + path, headers={"Cookie": cookie} if cookie else {})

    def sign_in(self, user: str = "ada") -> str:
        """Sign in and return the session's cookie."""
        return cookie_of(self.get(f"/login/{user}"))

    def in_every_worker(self, path: str, cookie: str | None = None) -> dict[int, Any]:
        """Ask until every process has answered, and return what each said last, by its number."""
        answers: dict[int, Any] = {}

        def all_have_answered() -> bool:
            said = self.get(path, cookie).json()
            answers[said["pid"]] = said
            return len(answers) == self.kind["workers"]

        until(all_have_answered, "an answer of each worker")
        return answers

    def user_in_every_worker(self, cookie: str) -> set[str | None]:
        """Ask each process who is signed in, and return what they say."""
        return {said["user"] for said in self.in_every_worker("/who", cookie).values()}

    def open_gate(self, gate: str) -> None:
        (self.folder / gate).touch()

    def began(self, gate: str) -> None:
        until(lambda: (self.folder / f"{gate}-began").exists(), "the slow view to begin")


def cookie_of(answer: httpx.Response) -> str:
    """Return the session cookie that *answer* sets, as a browser would send it back."""
    (cookie,) = answer.headers.get_list("Set-Cookie")
    return cookie.partition(";")[0]


def ask(free: Connections, path: str, cookie: str) -> tuple[int, str]:
    connection = free.get()
    try:
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except BaseException:
        connection.close()  # one that broke while it sent would refuse every request after this one
        raise
    finally:
        free.put(connection)


@contextmanager
def a_shop(folder: Path, serve: Callable[..., Any]) -> Iterator[Shop]:
    """Make a folder with ``session_app.py``, to be started by *serve*."""
    folder.mkdir()
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    mine = threading.local()
    with ExitStack() as clients:

        def client() -> httpx.Client:
            # One for each thread: a shared one that keeps no connection may close another thread's.
            if not hasattr(mine, "client"):
                limits = httpx.Limits(max_keepalive_connections=0)
                made = httpx.Client(timeout=30, limits=limits, cookies=no_cookies, verify=False, trust_env=False)
                mine.client = clients.enter_context(made)
            return mine.client  # type: ignore[no-any-return]

        shop = Shop(folder, serve, client)
        shop.configure('SECRET_KEY = "a key for tests"\n')
        yield shop
