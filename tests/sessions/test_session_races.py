"""Real threads and processes on one session: nothing is lost, nothing is given twice, nothing comes back."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from erlen.callables import drive
from erlen.sessions import KeyRing, SessionManager, SessionSettings
from erlen.sessions.stores.sqlite import SqliteStore

THREADS = 8
EACH = 25


def together(work: Callable[[int], Any]) -> list[Any]:
    """Run *work* in several threads at once and return what they answered."""
    start = threading.Barrier(THREADS)
    answers: list[Any] = [None] * THREADS

    def run(number: int) -> None:
        start.wait()
        answers[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def request(browser: Any, view: Callable[[Any], Any], mode: str = "shared") -> Any:
    """Make a request with the browser's cookie, in the calling thread."""
    session = browser.manager.open(browser.cookie, False, mode)
    answer = view(session)
    drive(browser.manager.save(session))
    return answer


def test_threads_that_change_different_keys_lose_nothing(browser: Any) -> None:
    browser.do(lambda session: session.update(start=1))

    def change(number: int, index: int) -> None:
        request(browser, lambda session: session.update({f"{number}.{index}": index}))

    together(lambda number: [change(number, index) for index in range(EACH)])
    expected = {f"{number}.{index}": index for number in range(THREADS) for index in range(EACH)}
    assert browser.read() == {"start": 1, **expected}


def test_every_increment_counts_and_no_number_is_given_twice(browser: Any) -> None:
    browser.do(lambda session: session.update(start=1))
    answers = together(lambda number: [request(browser, lambda session: session.incr("n")) for _ in range(EACH)])
    assert sorted(number for answer in answers for number in answer) == list(range(1, THREADS * EACH + 1))


def test_every_appended_item_is_there_once(browser: Any) -> None:
    browser.do(lambda session: session.update(start=1))

    def append(number: int, index: int) -> None:
        request(browser, lambda session: session.append("log", (number, index)))

    together(lambda number: [append(number, index) for index in range(EACH)])
    assert sorted(browser.read()["log"]) == [(number, index) for number in range(THREADS) for index in range(EACH)]


def test_exactly_one_of_many_takes_a_value(browser: Any) -> None:
    browser.do(lambda session: session.update(once="prize", start=1))
    seen = threading.Barrier(THREADS)

    def view(session: Any) -> Any:
        assert "once" in session
        seen.wait()
        return session.take("once")

    answers = together(lambda number: request(browser, view))
    assert sorted(answers, key=str) == [None] * (THREADS - 1) + ["prize"]


def test_of_a_logout_and_many_late_changes_the_logout_stays(browser: Any) -> None:
    browser.do(lambda session: session.update(user="ada"))
    loaded = threading.Barrier(THREADS)

    def view(number: int) -> Callable[[Any], None]:
        def act(session: Any) -> None:
            assert session["user"] == "ada"
            loaded.wait()
            if number == 0:
                session.clear()
            else:
                session[f"late {number}"] = 1

        return act

    together(lambda number: request(browser, view(number)))
    assert browser.manager.open(browser.cookie, False).copy() == {}


def test_the_mode_exclusive_lets_one_after_the_other_change_the_same_value(browse: Any) -> None:
    browser = browse(lock_wait=60)
    browser.do(lambda session: session.update(cart={"apples": 0}))

    def view(session: Any) -> None:
        session["cart"]["apples"] += 1

    together(lambda number: [request(browser, view, "exclusive") for _ in range(5)])
    assert browser.read() == {"cart": {"apples": THREADS * 5}}


def test_on_an_event_loop_waiting_for_a_lease_lets_others_run(browse: Any) -> None:
    browser = browse(lock_wait=60)
    browser.do(lambda session: session.update(n=0))

    async def one() -> None:
        session = browser.manager.open(browser.cookie, False, "exclusive")
        await browser.manager.load(session)
        seen = session["n"]
        await asyncio.sleep(0)
        session["n"] = seen + 1
        await browser.manager.save(session)

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(6)))

    asyncio.run(all_of_them())
    assert browser.read() == {"n": 6}


def test_on_an_event_loop_many_changes_at_once_are_all_kept(browser: Any) -> None:
    browser.do(lambda session: session.update(start=1))

    async def one(number: int) -> None:
        session = browser.manager.open(browser.cookie, False)
        await browser.manager.load(session)
        session[str(number)] = number
        await browser.manager.save(session)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(50)))

    asyncio.run(all_of_them())
    assert browser.read() == {"start": 1, **{str(number): number for number in range(50)}}


# -- processes on one file ------------------------------------------------------------------------------------------

WORKER = """
import json, sys
from erlen.callables import drive
from erlen.sessions import KeyRing, SessionManager, SessionSettings
from erlen.sessions.stores.sqlite import SqliteStore

path, key, cookie, name, count = sys.argv[1:]
manager = SessionManager(SessionSettings(), SqliteStore(path, timeout=60), KeyRing([key]))
numbers = []
print("ready", flush=True)
sys.stdin.readline()
for index in range(int(count)):
    session = manager.open(cookie, False)
    session[f"{name}.{index}"] = index
    if index % 10 == 0:
        numbers.append(session.incr("n"))
    drive(manager.save(session))
print(json.dumps(numbers), flush=True)
"""


def start_worker(path: Path, key: str, cookie: str, name: str, count: int) -> subprocess.Popen[str]:
    source = Path(sys.modules["erlen.sessions"].__file__ or "").parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), key, cookie, name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


@pytest.fixture
def shared(tmp_path: Path) -> tuple[Path, SessionManager, str]:
    """A file with one session in it, a manager on it, and the session's cookie."""
    path = tmp_path / "sessions.sqlite3"
    manager = SessionManager(SessionSettings(), SqliteStore(path), KeyRing(["key"]))
    session = manager.open(None, False)
    session["start"] = True
    headers = drive(manager.save(session))
    assert headers is not None
    assert headers.cookie is not None
    return path, manager, headers.cookie.partition(";")[0]


def run_together(workers: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """Let the workers begin at the same time and return what they wrote."""
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    written = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers), written
    return written


def test_two_processes_that_change_a_thousand_keys_of_one_session_lose_none(
    shared: tuple[Path, SessionManager, str],
) -> None:
    path, manager, cookie = shared
    written = run_together([start_worker(path, "key", cookie, name, 500) for name in ("one", "two")])
    expected = {f"{name}.{index}": index for name in ("one", "two") for index in range(500)}
    assert manager.open(cookie, False).copy() == {"start": True, **expected, "n": 100}
    assert sorted(number for out, _ in written for number in json.loads(out)) == list(range(1, 101))
    assert all("different secret keys" not in errors for _, errors in written)


def test_two_processes_with_different_keys_are_told(shared: tuple[Path, SessionManager, str]) -> None:
    path, _, _ = shared
    written = run_together([start_worker(path, key, "", key, 3) for key in ("drawn by one", "drawn by two")])
    assert any("Two workers of this application have different secret keys" in errors for _, errors in written)


def _in_child(store: SqliteStore, manager: SessionManager, cookie: str, outbox: Any) -> None:
    session = manager.open(cookie, False)
    session["child"] = session.incr("n")
    drive(manager.save(session))
    inherited = len(store._inherited)
    drive(store.close())
    outbox.put(inherited)


def test_a_connection_is_not_used_on_both_sides_of_a_fork(shared: tuple[Path, SessionManager, str]) -> None:
    _, manager, cookie = shared
    store = manager.store
    assert isinstance(store, SqliteStore)
    assert manager.open(cookie, False)["start"]
    fork = multiprocessing.get_context("fork")
    outbox = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(store, manager, cookie, outbox))
    child.start()
    child.join()
    assert (child.exitcode, outbox.get()) == (0, 1)
    assert manager.open(cookie, False).copy() == {"start": True, "n": 1, "child": 1}
