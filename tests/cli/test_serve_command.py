"""``erlen serve`` in processes: it checks first, and stops in good order."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cli_tools import until

from erlen import Erlen
from erlen.errors import ServerError
from erlen.servers.address import check_address, check_pid_file, check_unix_socket
from erlen.servers.choice import choose_interface, default_threads, entry_point, usable_cpus
from erlen.servers.probe import in_child, source_folders
from erlen.servers.program import Listen

Start = Callable[..., Any]


@pytest.mark.parametrize(
    ("workers", "interface"), [("1", "auto"), ("2", "wsgi"), ("1", "asgi"), ("2", "asgi"), ("1", "rsgi"), ("2", "rsgi")]
)
def test_a_request_in_flight_at_sigterm_is_answered(
    start: Start, app_file: Path, free_port: int, tmp_path: Path, workers: str, interface: str
) -> None:
    program = start("serve", "--port", str(free_port), "--workers", workers, "--interface", interface)
    program.until_it_says("one")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(program.get, "/slow")
        until((tmp_path / "entered").exists, "the view")
        program.process.terminate()
        until(lambda: "Shutting down" in program.log, "the server to notice")
        (tmp_path / "gate").touch()
        assert answer.result() == (200, "done")
    assert program.process.wait(90) == 0  # a worker that was still starting is waited for, and then killed


@pytest.mark.parametrize(("workers", "interface"), [("1", "wsgi"), ("2", "asgi"), ("1", "rsgi")])
def test_a_second_ctrl_c_ends_it_at_once(
    start: Start, app_file: Path, free_port: int, tmp_path: Path, workers: str, interface: str
) -> None:
    never = ("--workers-kill-timeout", "100000")
    pid_file = tmp_path / "server.pid"
    program = start(
        *("serve", "--port", str(free_port), "--workers", workers, "--interface", interface, *never),
        *("--pid-file", str(pid_file)),
    )
    program.until_it_says("one")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(program.get, "/slow")
        until((tmp_path / "entered").exists, "the view")
        os.killpg(program.process.pid, signal.SIGINT)
        until(lambda: "Press Ctrl-C again" in program.log and "Shutting down" in program.log, "the server to notice")
        assert program.process.poll() is None
        program.interrupt()
        assert answer.result() == (0, "")
    assert "Ending at once." in program.log
    assert not pid_file.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(program.process.pid, 0)  # no worker is left


def test_a_second_sigterm_breaks_nothing_off(start: Start, app_file: Path, free_port: int, tmp_path: Path) -> None:
    program = start("serve", "--port", str(free_port), "--workers", "1", "--interface", "asgi")
    program.until_it_says("one")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(program.get, "/slow")
        until((tmp_path / "entered").exists, "the view")
        for _ in range(2):
            os.killpg(program.process.pid, signal.SIGTERM)
            until(lambda: "Shutting down" in program.log, "the server to notice")
        (tmp_path / "gate").touch()
        assert answer.result() == (200, "done")
    assert program.process.wait(90) == 0


def test_a_worker_that_is_still_starting_does_not_miss_the_signal(
    start: Start, app_file: Path, free_port: int, tmp_path: Path
) -> None:
    # The application is imported twice: to be checked, and in the worker, which then stays in the import.
    app_file.write_text(
        "import os, pathlib, time\n"
        "if pathlib.Path('checked').exists():\n"
        "    pathlib.Path('importing').touch()\n"
        "    while True: time.sleep(0.01)\n"
        "pathlib.Path('checked').touch()\n" + app_file.read_text()
    )
    program = start("serve", "--port", str(free_port), "--workers", "1", "--workers-kill-timeout", "1000")
    until((tmp_path / "importing").exists, "the worker")
    assert program.terminate() == 0


def test_sighup_replaces_the_workers_by_ones_with_the_new_code(start: Start, app_file: Path, free_port: int) -> None:
    program = start("serve", "--port", str(free_port), "--workers", "1")
    program.until_it_says("one")
    app_file.write_text(app_file.read_text().replace("one", "two"))
    program.process.send_signal(signal.SIGHUP)
    program.until_it_says("two")
    assert program.terminate() == 0


def test_a_worker_that_is_killed_is_replaced(start: Start, app_file: Path, free_port: int) -> None:
    program = start("serve", "--port", str(free_port), "--workers", "1")
    program.until_it_says("one")
    worker = program.get()[1].split()[1]
    os.kill(int(worker), signal.SIGKILL)
    until(lambda: program.get()[1] not in ("", f"one {worker}"), "another worker")
    assert program.terminate() == 0


def test_it_says_what_it_serves_and_why(start: Start, app_file: Path, free_port: int, tmp_path: Path) -> None:
    program = start(
        *("serve", "--port", str(free_port), "--workers", "1", "--access-log", "--threads", "2"),
        *("--log-level", "error", "--pid-file", "server.pid"),
    )
    program.until_it_says("one")
    assert f"Serving 'app' at http://127.0.0.1:{free_port}, 1 worker\n" in program.log
    assert "Interface: wsgi, because " in program.log
    assert "1 doubtful setting: 'erlen check' tells." in program.log
    until(lambda: '"GET / HTTP/1.1" 200' in program.log, lambda: program.log)
    assert (tmp_path / "server.pid").read_text() == str(program.process.pid)
    assert program.terminate() == 0
    assert not (tmp_path / "server.pid").exists()


def test_a_unix_socket_is_served_with_its_permissions(start: Start, app_file: Path, tmp_path: Path) -> None:
    path = Path("s.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))  # a server that was killed leaves such a file behind
    program = start("serve", "--uds", "s.sock", "--uds-permissions", "600", "--workers", "1")

    def ask() -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(path))
            except OSError:
                return b""
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(4096), b""))

    until(lambda: b"one" in ask(), lambda: program.log)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert program.terminate() == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("app.config['SESSION_TYPE'] = 'rediss'", "SESSION_TYPE: 'rediss' is not accepted."),
        ("app.config['MAX_CONTENT_LENGTH'] = '5'", "MAX_CONTENT_LENGTH: '5' is not accepted."),
        ("app.debug = True", "DEBUG is on, and shows the source code to everybody."),
        ("app.config['SESSION_TYPE'] = 'nowhere:Store'", "'nowhere:Store' cannot be imported"),
    ],
)
def test_a_configuration_that_cannot_work_starts_no_worker(call: Any, app_file: Path, line: str, words: str) -> None:
    app_file.write_text(f"{app_file.read_text()}\n{line}\n")
    result = call("serve", "--port", "0")
    assert result.returncode == 1
    assert "Error: the application is not served:" in result.stderr
    assert words in result.stderr
    assert "Spawning worker" not in result.stderr + result.stdout


def test_an_application_that_cannot_be_found_starts_no_worker(call: Any) -> None:
    result = call("serve", "--port", "0")
    assert result.returncode == 2
    assert "Could not locate an Erlen application." in result.stderr


def test_auto_takes_asgi_for_async_code_and_says_why(start: Start, app_file: Path, free_port: int) -> None:
    app_file.write_text(f"{app_file.read_text()}\n@app.get('/async')\nasync def waits():\n    return 'waited'\n")
    program = start("serve", "--port", str(free_port), "--workers", "1")
    program.until_it_says("waited", "/async")
    assert re.search(r"Interface: asgi, because waits\(\) at app.py:\d+ is async\n", program.log)
    assert program.terminate() == 0


def test_a_store_in_memory_with_two_workers_is_warned_about(start: Start, app_file: Path, free_port: int) -> None:
    app_file.write_text(f"{app_file.read_text()}\napp.config['SESSION_TYPE'] = 'memory'\n")
    program = start("serve", "--port", str(free_port), "--workers", "2")
    program.until_it_says("one")
    assert "each of the 2 workers has a memory of its own" in program.log


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--uds-permissions", "660"], 2, "--uds-permissions is for a unix socket: add --uds."),
        (["--uds", "x", "--uds-permissions", "9"], 2, "'9' is no mode of a file. Write it in octal, for instance 660."),
        (["--uds", "no/where"], 1, "The folder of the unix socket no/where does not exist: mkdir -p no"),
        (["--uds", "app.py"], 1, "app.py is there already, and it is no socket."),
        (["--threads", "3", "--interface", "asgi"], 2, "--threads is for wsgi"),
        (["--pid-file", "app.py"], 1, "app.py is there already, and it is no PID file."),
        (["--pid-file", "no/where"], 1, "The folder of the PID file no/where does not exist: mkdir -p no"),
        (["--key", "app.py"], 1, "--key was given without --cert"),
        (["--cert", "app.py", "--key", "app.py", "--port", "0"], 1, "The server cannot be started: "),
        (["--workers", "0"], 2, "--workers"),
    ],
)
def test_options_that_cannot_work_are_refused_in_words(
    call: Any, app_file: Path, options: list[str], status: int, words: str
) -> None:
    result = call("serve", *options)
    assert words in result.stderr
    assert result.returncode == status


def test_an_application_that_trusts_proxies_is_served_where_their_headers_cannot_be_forged() -> None:
    app = Erlen("choice")
    app.trust_proxies()
    choice = choose_interface(app)
    assert choice.interface == "asgi"
    assert choice.reason == "it trusts proxies, and only there their headers cannot be forged with underscores"


def test_async_code_is_served_over_asgi_where_the_application_speaks_it() -> None:
    app = Erlen(__name__)
    assert choose_interface(app) == ("wsgi", "nothing in it is async")

    @app.errorhandler(404)
    async def missing(error: Exception) -> str:
        return "none"

    choice = choose_interface(app)
    assert choice.interface == "asgi"
    assert choice.reason.endswith("is async")
    app.wsgi_app = app.wsgi_app  # type: ignore[method-assign]
    assert choose_interface(app) == ("wsgi", "app.wsgi_app is wrapped by middleware")
    app = Erlen(__name__)
    app.asgi_app = app.asgi_app  # type: ignore[method-assign]
    assert choose_interface(app) == ("asgi", "app.asgi_app is wrapped by middleware")


def test_a_websocket_is_served_over_asgi() -> None:
    app = Erlen(__name__)
    app.add_url_rule("/chat", "chat", lambda: "", websocket=True)
    assert choose_interface(app) == ("asgi", "it has a WebSocket")


def test_a_protocol_that_the_application_does_not_speak_is_refused() -> None:
    class Silent:
        def __repr__(self) -> str:
            return "<Silent>"

    with pytest.raises(ServerError, match=r"<Silent> has no attribute 'asgi'.*use --interface wsgi"):
        entry_point(Silent(), "asgi")
    with pytest.raises(ServerError, match=r"<Silent> has no method '__rsgi__'.*use --interface wsgi"):
        entry_point(Silent(), "rsgi")


def test_a_container_may_use_what_it_is_given_of_the_processors(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    whole = usable_cpus(quota)
    assert whole >= 1
    quota.write_text("50000 100000\n")
    assert usable_cpus(quota) == 1
    quota.write_text("max 100000\n")
    assert usable_cpus(quota) == whole
    assert 1 <= default_threads() <= 8


def test_addresses_are_checked_before(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(ServerError, match="Another server is listening on the unix socket"):
            check_unix_socket(path)
    check_unix_socket(path)
    assert not path.exists()
    assert check_address("127.0.0.1", 0) > 0
    pid = tmp_path / "pid"
    pid.write_text(str(os.getpid()))
    with pytest.raises(ServerError, match=f"is running, as process {os.getpid()}. Stop it first: kill {os.getpid()}"):
        check_pid_file(pid)
    pid.write_text(str(2**22 + 1))
    check_pid_file(pid)
    assert not pid.exists()


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen(), "http://127.0.0.1:5000"),
        (Listen("0.0.0.0", 80), "http://127.0.0.1:80"),
        (Listen("::", 80), "http://[::1]:80"),
        (Listen("fe80::1", 80, certificate=Path("c")), "https://[fe80::1]:80"),
        (Listen(uds=Path("s")), "unix:s"),
    ],
)
def test_the_address_is_one_to_click_on(listen: Listen, url: str) -> None:
    assert listen.url == url


def test_a_look_in_a_child_returns_its_answer_or_ends_with_its_status(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_child(lambda: {"pid": os.getpid()})["pid"] != os.getpid()

    def leave(status: Any) -> None:
        raise SystemExit(status)

    with pytest.raises(SystemExit) as ended:
        in_child(lambda: leave(7))
    assert ended.value.code == 7
    with pytest.raises(SystemExit) as ended:
        in_child(lambda: leave("a sentence"))
    assert ended.value.code == 1
    assert capfd.readouterr().err == "a sentence\n"
    with pytest.raises(SystemExit) as ended:
        in_child(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert ended.value.code == 128 + signal.SIGKILL


def test_the_folders_of_installed_packages_are_not_watched() -> None:
    folders = source_folders()
    here = str(Path(__file__).parent)  # or a folder around it, where other tests are imported from
    assert [folder for folder in folders if here.startswith(folder)]
    assert not [folder for folder in folders if "site-packages" in folder]
