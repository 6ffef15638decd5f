"""Every store under an application on several workers: nothing is lost, and nothing comes back."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from importlib.util import find_spec
from typing import Any

import pytest
from served_shop import Connections, Shop, a_shop, ask, cookie_of
from served_tools import until

from serving import serving
from store_servers import STORES, Servers, config_of

# What many processes cannot share, and what is set by an object that cannot be written down.
NAMES = [
    name
    for name, module in STORES.items()
    if name not in ("memory", "redis-decoded", "documented") and find_spec(f"store_servers.{module}")
]
SERVERS = ["granian", "granian-asgi"]
LIVES_ON = {"GRANIAN_RESPAWN_FAILED_WORKERS": "true", "GRANIAN_WORKERS_KILL_TIMEOUT": "1"}


def settings(name: str, servers: Servers) -> str:
    """Return the module of settings for the store *name*."""
    config = {**config_of(name, servers), "SECRET_KEY": "a key for tests", "SESSION_STORE_TIMEOUT": 20}
    return "".join(f"{key} = {value!r}\n" for key, value in config.items())


@pytest.fixture(scope="module", params=NAMES)
def at(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Shop]:
    """The application on each store in turn, started once for all tests: plain views run in threads beside the loop."""
    folder = tmp_path_factory.mktemp(request.param)
    with serving(folder) as serve, a_shop(folder / "shop", serve) as shop:
        shop.configure(settings(request.param, servers))
        shop.start(server="granian-asgi")
        yield shop


@pytest.fixture(params=NAMES)
def alone(request: pytest.FixtureRequest, shop: Shop, servers: Servers) -> Shop:
    """The application on each store in turn, to be started by the test."""
    shop.configure(settings(request.param, servers))
    return shop


def everybody(shop: Shop, connections: Callable[[int], Connections], paths: list[str], cookie: str) -> list[str]:
    """Ask for all *paths*, 32 at once, and return the answers, which are all 200."""
    free = connections(shop.server.port)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda path: ask(free, path, cookie), paths))
    assert Counter(status for status, _ in answers) == {200: len(paths)}, shop.server.log[-3000:]
    return [text for _, text in answers]


def test_requests_that_change_other_keys_at_once_are_all_kept(
    at: Shop, connections: Callable[[int], Connections]
) -> None:
    change_keys(at, connections, 60)


def change_keys(at: Shop, connections: Callable[[int], Connections], count: int) -> None:
    cookie = at.sign_in()
    paths = [f"{'/async' if number % 2 else ''}/set/key{number}/{number}" for number in range(count)]
    everybody(at, connections, paths, cookie)
    held = at.get("/all", cookie).json()
    assert {f"key{number}": str(number) for number in range(count)}.items() <= held.items()
    assert len(held) == count + 1


def test_requests_that_count_at_once_get_each_another_number(
    at: Shop, connections: Callable[[int], Connections]
) -> None:
    count_up(at, connections, 60)


def count_up(at: Shop, connections: Callable[[int], Connections], count: int) -> None:
    cookie = at.sign_in()
    paths = ["/async/incr" if number % 2 else "/incr" for number in range(count)]
    numbers = everybody(at, connections, paths, cookie)
    assert sorted(map(int, numbers)) == list(range(1, count + 1))
    everybody(at, connections, [f"/append/{number}" for number in range(20)], cookie)
    assert sorted(map(int, at.get("/all", cookie).json()["list"])) == list(range(20))


def test_a_logout_is_not_undone_by_a_request_that_began_before(at: Shop) -> None:
    cookie = at.sign_in()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(at.get, "/slow/set/gate", cookie)
        at.began("gate")
        assert at.get("/logout", cookie).status_code == 200
        at.open_gate("gate")
        answer = late.result()
    assert (answer.status_code, answer.text, answer.headers.get_list("Set-Cookie")) == (200, "ada", [])
    assert at.get("/who", cookie).json()["user"] is None
    assert at.get("/all", cookie).json() == {}


def test_a_token_that_was_stolen_before_the_login_gains_nothing(at: Shop) -> None:
    stolen = cookie_of(at.get("/set/seen/1"))
    assert at.get("/all", stolen).json() == {"seen": "1"}
    signed_in = cookie_of(at.get("/login/ada", stolen))
    assert at.get("/who", signed_in).json()["user"] == "ada"
    assert at.get("/who", stolen).json()["user"] is None
    assert at.get("/set/late/1", stolen).status_code == 200
    assert "late" not in at.get("/all", signed_in).json()


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_a_thousand_requests_that_change_other_keys_at_once_are_all_kept(
    alone: Shop, connections: Callable[[int], Connections], server: str
) -> None:
    alone.start(server=server)
    change_keys(alone, connections, 1000)


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_a_thousand_requests_that_count_at_once_get_each_another_number(
    alone: Shop, connections: Callable[[int], Connections], server: str
) -> None:
    alone.start(server=server)
    count_up(alone, connections, 1000)


@pytest.mark.soak
def test_the_session_that_a_killed_worker_held_is_free_after_its_lease(alone: Shop) -> None:
    alone.configure((alone.folder / "settings.py").read_text() + "SESSION_LOCK_LEASE = 1\nSESSION_LOCK_WAIT = 15\n")
    alone.start(env=LIVES_ON)
    cookie = alone.sign_in()
    with pytest.raises(Exception, match=r"disconnected|reset|closed"):
        alone.get("/exclusive-die", cookie)
    answer = until(lambda: _whole(lambda: alone.get("/exclusive", cookie)), "an answer of a living worker")
    assert (answer.status_code, answer.text) == (200, "1"), alone.server.log[-3000:]
    assert "held" not in alone.get("/all", cookie).json()


def _whole(request: Callable[[], Any]) -> Any:
    try:
        return request()
    except Exception:  # asked of a worker that is dead already
        return None


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_what_was_answered_is_kept_though_a_worker_is_killed_in_the_middle(
    alone: Shop, connections: Callable[[int], Connections], server: str
) -> None:
    count = 1000
    alone.start(
        server=server,
        workers=3,
        env=LIVES_ON,
    )
    cookie = alone.sign_in()
    victim = next(iter(alone.in_every_worker("/who", cookie)))
    free = connections(alone.server.port)
    kept: dict[str, str] = {}
    counted: list[int] = []
    lost = 0
    mutex = threading.Lock()

    def one(number: int) -> None:
        nonlocal lost
        if number == count // 2:
            os.kill(victim, signal.SIGKILL)
        try:
            if number % 2:
                status, text = ask(free, "/async/incr" if number % 4 == 1 else "/incr", cookie)
            else:
                status, text = ask(free, f"/set/key{number}/{number}", cookie)
        except (OSError, HTTPException):
            with mutex:
                lost += 1
            return
        assert status == 200, alone.server.log[-3000:]
        with mutex:
            if number % 2:
                counted.append(int(text))
            else:
                kept[f"key{number}"] = str(number)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(one, range(count)))
    held = alone.get("/all", cookie).json()
    assert lost < count // 4
    assert len(counted) == len(set(counted)), "two requests got the same number"
    assert kept.items() <= held.items(), "what was answered is lost"
    # What a killed worker was about to answer may be stored or not, and nothing in between.
    assert max(counted) <= held["counter"] <= len(counted) + lost
    assert all(held[key] == key.removeprefix("key") for key in held if key.startswith("key"))
    assert alone.get("/incr", cookie).text == str(held["counter"] + 1)
