"""What runs once per process, while many first requests come at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import STOPS, Events, until

APP = """
import os, time
from pathlib import Path
from erlen import Erlen

HERE = Path(__file__).resolve().parent
app = Erlen(__name__)
app.config["SESSION_TYPE"] = None


def note(text):
    with open(HERE / "events", "a") as file:
        file.write(f"{os.getpid()} {text}\\n")


@app.before_first_request
KIND def prepare():
    note("begins")
    deadline = time.monotonic() + 20
    while not (HERE / "gate").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    note("ends")


@app.get("/")
def index():
    note("answers")
    return str(os.getpid())
"""

SERVERS = [
    ("granian", 1, {}),
    ("granian", 2, {}),
    ("gunicorn", 2, {}),
    ("gunicorn", 2, {"GUNICORN_CMD_ARGS": "--preload"}),
    ("waitress", 1, {}),
]


@pytest.mark.parametrize("kind", ["", "async"])
@pytest.mark.parametrize(("server", "workers", "env"), SERVERS, ids=lambda value: str(value or "-"))
def test_before_first_request_runs_once_per_process_before_any_answer(
    tmp_path: Path, serve: Callable[..., Any], server: str, workers: int, env: dict[str, str], kind: str
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(APP.replace("KIND ", f"{kind} ".lstrip()))
    events = Events(folder / "events")
    running = serve("app:app", folder, server=server, workers=workers, env={**STOPS, **env})
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(httpx.get, running.url, timeout=30, verify=False) for _ in range(12)]
        until(events.path.exists, "the hook to begin")
        assert not any(answer.done() for answer in answers)
        (folder / "gate").touch()
        processes = {answer.result().text for answer in answers}
    for process in processes:
        assert process.isdigit()
        noted = events.of(process)
        assert noted[:2] == ["begins", "ends"]
        assert set(noted[2:]) == {"answers"}
    everything = events.path.read_text().split()
    assert everything.count("begins") == len(processes)
    assert everything.count("answers") == 12


def test_a_first_request_hook_that_fails_is_500_and_is_tried_again_by_the_next_request(
    tmp_path: Path, serve: Callable[..., Any]
) -> None:
    (tmp_path / "app.py").write_text(
        "from pathlib import Path\n"
        "from erlen import Erlen\n"
        "app = Erlen(__name__)\n"
        "app.config['SESSION_TYPE'] = None\n"
        "@app.before_first_request\n"
        "def prepare():\n"
        "    if not Path('ready').exists():\n"
        "        raise RuntimeError('not ready yet')\n"
        "@app.get('/')\n"
        "def index():\n"
        "    return 'ready'\n"
    )
    running = serve("app:app", tmp_path, env=STOPS)
    for _ in range(2):
        assert httpx.get(running.url, verify=False).status_code == 500
    until(lambda: running.log.count("RuntimeError: not ready yet") == 2, "two tracebacks in the log")
    (tmp_path / "ready").touch()
    assert httpx.get(running.url, verify=False).text == "ready"
    (tmp_path / "ready").unlink()
    assert httpx.get(running.url, verify=False).text == "ready", "it has run, and does not run again"
