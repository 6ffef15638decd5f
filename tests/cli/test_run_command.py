"""``erlen run`` in processes: it reloads, outlives what is broken, and ends when it is told to."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_tools import until

from erlen.errors import ServerError
from erlen.servers import development
from erlen.servers.loader import BrokenApplication
from erlen.servers.program import Listen
from erlen.servers.script import ScriptRun

Start = Callable[..., Any]


def test_run_says_in_one_block_what_it_serves_and_ctrl_c_ends_it(start: Start, app_file: Path, free_port: int) -> None:
    program = start("run", "--port", str(free_port))
    program.until_it_says("one")
    until(lambda: '"GET /" 200' in program.log, "the line about the request")  # written after the answer
    assert program.interrupt() == 0
    assert program.log.startswith(
        f" * Serving 'app' at http://127.0.0.1:{free_port}\n"
        " * Debug mode: off, reload on change: off\n"
        " * This server is for development. For production: erlen serve\n"
        " * Press CTRL+C to stop\n"
    )


def test_a_change_is_served_and_a_broken_file_is_shown_until_it_is_mended(
    start: Start, app_file: Path, free_port: int
) -> None:
    program = start("run", "--debug", "--port", str(free_port))
    program.until_it_says("one")
    good = app_file.read_text()
    app_file.write_text(good.replace("one", "two"))
    program.until_it_says("two")
    app_file.write_text(f"{good}\nimport nothing_of_this_name\n")
    program.until_it_says("No module named &#x27;nothing_of_this_name&#x27;")
    assert program.get()[0] == 500
    assert "The application cannot be loaded. Mend it: the server waits for the change." in program.log
    assert "discovery.py" not in program.log
    app_file.write_text(good)
    program.until_it_says("one")
    assert " * app.py has changed: loading the application again\n" in program.log
    assert "reload on change: on" in program.log
    assert program.interrupt() == 0


def test_an_async_application_that_breaks_is_shown_and_mended_too(start: Start, app_file: Path, free_port: int) -> None:
    good = f"{app_file.read_text()}\n@app.get('/async')\nasync def waits():\n    return 'waited'\n"
    app_file.write_text(good)
    program = start("run", "--debug", "--port", str(free_port))
    program.until_it_says("waited", "/async")
    app_file.write_text(f"{good}\n1 / 0\n")
    program.until_it_says("ZeroDivisionError: division by zero", "/async")
    app_file.write_text(good)
    program.until_it_says("waited", "/async")


def test_debug_mode_shows_errors_of_views_in_the_browser(start: Start, app_file: Path, free_port: int) -> None:
    app_file.write_text(f"{app_file.read_text()}\n@app.get('/error')\ndef error():\n    return 1 / 0\n")
    program = start("run", "--debug", "--port", str(free_port))
    program.until_it_says("return 1 / 0", "/error")
    assert program.get("/error")[0] == 500


def test_other_files_count_when_they_are_named_and_excluded_ones_do_not(
    start: Start, app_file: Path, free_port: int, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "words.txt").write_text("first")
    app_file.write_text(
        app_file.read_text()
        + "\nTEXT = open('data/words.txt').read()\napp.add_url_rule('/text', 'text', lambda: TEXT)\n"
    )
    program = start(
        *("run", "--reload", "--port", str(free_port)),
        *("--extra-files", os.pathsep.join([str(tmp_path / "data"), str(tmp_path / "other")])),
        *("--exclude-patterns", "*ignored.py"),
    )
    program.until_it_says("first", "/text")
    (tmp_path / "ignored.py").write_text("")
    (tmp_path / "data" / "words.txt").write_text("second")
    program.until_it_says("second", "/text")
    assert "ignored.py" not in program.log


def test_ctrl_c_does_not_wait_for_a_request_that_hangs(
    start: Start, app_file: Path, free_port: int, tmp_path: Path
) -> None:
    program = start("run", "--debug", "--port", str(free_port))
    program.until_it_says("one")
    with socket.create_connection(("127.0.0.1", free_port)) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until((tmp_path / "entered").exists, "the view")
        assert program.interrupt() == 0


def test_a_port_in_use_is_said_with_one_that_is_free(call: Any, app_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = call("run", "--port", str(port))
    assert result.returncode == 1
    assert f"Error: Port {port} is in use by another program. Port " in result.stderr
    assert "is free: --port " in result.stderr


def test_port_0_takes_a_free_one(start: Start, app_file: Path) -> None:
    program = start("run", "--port", "0")
    until(lambda: "at http://127.0.0.1:" in program.log, "the block")
    program.port = int(program.log.partition("http://127.0.0.1:")[2].split()[0])
    program.until_it_says("one")


def test_an_application_that_cannot_be_loaded_at_first_is_an_error(call: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("1 / 0\n")
    result = call("run")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "discovery.py" not in result.stderr
    result = call("--app", "nowhere", "run")
    assert result.returncode == 2
    assert "Could not import 'nowhere': there is no module 'nowhere'." in result.stderr


def test_without_watchfiles_it_runs_and_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert development.reloads(True)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    monkeypatch.setattr(development.importlib.util, "find_spec", lambda name: None)
    assert not development.reloads(False)
    assert not development.reloads(True)
    assert capsys.readouterr().err == (
        " * Changes are not noticed, because watchfiles is not installed: pip install 'erlen[watch]'\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cert", "adhoc", "--key", "key.pem"], "--key does not go with --cert adhoc"),
        (["--cert", "cert.pem"], "--cert was given without --key"),
        (["--cert", "cert.pem", "--key", "key.pem"], "There is no file cert.pem."),
        (["--host", "192.0.2.1"], "The host '192.0.2.1' is no address of this machine."),
        (["--host", "no such host"], "The host 'no such host' is no address of this machine"),
        (["--port", "70000"], "There is no port 70000: ports go from 0 to 65535."),
    ],
)
def test_what_cannot_be_listened_on_is_said_in_words(
    call: Any, app_file: Path, options: list[str], message: str
) -> None:
    result = call("run", *options)
    assert result.returncode == 1
    assert f"Error: {message}" in result.stderr


SCRIPT = """\
import sys
from erlen import Erlen

app = Erlen(__name__)
app.config["WORD"] = "plain"


@app.get("/")
def index():
    return f"one {app.config['WORD']} {sys.argv[2:]} {__name__}"


if __name__ == "__main__":
    app.config["WORD"] = "of main"
    app.run(port=int(sys.argv[1]), debug="debug" in sys.argv, **{})
"""


def test_app_run_serves_from_a_script(start: Start, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "site.py").write_text("")
    (tmp_path / "main.py").write_text(SCRIPT)
    program = start(str(free_port), "x", script="main.py")
    program.until_it_says("one of main ['x'] __main__")
    assert "Serving 'main' at" in program.log
    assert program.interrupt() == 0


def test_app_run_reloads_the_whole_script(start: Start, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "main.py").write_text(SCRIPT)
    program = start(str(free_port), "debug", script="main.py")
    program.until_it_says("one of main ['debug'] __main__")
    (tmp_path / "main.py").write_text(SCRIPT.replace("one", "two"))
    program.until_it_says("two of main ['debug'] __main__")
    (tmp_path / "main.py").write_text(f"this is no Python\n{SCRIPT}")
    program.until_it_says("SyntaxError")
    (tmp_path / "main.py").write_text(SCRIPT.partition("if __name__")[0])
    program.until_it_says("has come to its end without calling app.run()")
    (tmp_path / "main.py").write_text(SCRIPT)
    program.until_it_says("one of main")
    assert program.interrupt() == 0


def test_app_run_reloads_a_module_of_a_package(start: Start, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "words.py").write_text("WORD = 'first'\n")
    (tmp_path / "shop" / "__main__.py").write_text("from .words import WORD\n" + SCRIPT.replace("one", "one {WORD}"))
    program = start("shop", str(free_port), "debug", script="-m")
    program.until_it_says("one first of main ['debug'] __main__")
    (tmp_path / "shop" / "words.py").write_text("WORD = 'second'\n")
    program.until_it_says("one second of main ['debug'] __main__")


def test_app_run_takes_host_and_port_from_the_server_name(start: Start, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "main.py").write_text(
        "from erlen import Erlen\napp = Erlen(__name__)\n"
        f"app.config['SERVER_NAME'] = 'localhost:{free_port}'\n"
        "app.add_url_rule('/', 'index', lambda: 'named')\napp.run(use_debugger=True, threaded=False)\n"
    )
    program = start(script="main.py")
    program.until_it_says("named")
    assert f"http://localhost:{free_port}" in program.log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("use_reloadr=True", "TypeError: app.run() has no option 'use_reloadr'. Did you mean 'use_reloader'?"),
        ("ssl_context=5", "ssl_context=5 cannot be used: give ('certificate.pem', 'key.pem'), or 'adhoc'"),
        ("ssl_context=('a.pem', 'b.pem')", "There is no file a.pem."),
        ("ssl_context='adhoc', host='192.0.2.1'", "The host '192.0.2.1' is no address of this machine."),
    ],
)
def test_app_run_refuses_what_it_does_not_know(start: Start, tmp_path: Path, arguments: str, message: str) -> None:
    (tmp_path / "main.py").write_text(f"from erlen import Erlen\nErlen(__name__).run({arguments})\n")
    program = start(script="main.py")
    assert program.process.wait(30) == 1
    assert message in program.log


def test_app_run_is_ignored_while_a_command_imports_the_module(call: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from erlen import Erlen\napp = Erlen(__name__)\napp.run()\n")
    result = call("routes")
    assert result.returncode == 0
    assert result.stderr == (
        " * Ignoring a call to 'app.run()' that would block the current 'erlen' command.\n"
        "   Only call 'app.run()' under: if __name__ == \"__main__\":\n"
    )


def test_a_script_is_run_up_to_its_app_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "argv", ["old"])
    (tmp_path / "main.py").write_text(SCRIPT)
    run = ScriptRun(str(tmp_path / "main.py"), None, ["main.py", "7"], "", 0, None, None, True, [], [])
    app = run.load()
    assert app.config["WORD"] == "of main"
    assert app.name == "main"


def test_the_page_of_a_broken_application_escapes_the_error() -> None:
    broken = BrokenApplication("Traceback\nValueError: <script>\n")
    status: list[str] = []
    body = b"".join(broken.wsgi({}, lambda line, headers: status.append(line))).decode()
    assert status == ["500 Internal Server Error"]
    assert "<b>ValueError: &lt;script&gt;</b>" in body


def test_the_page_of_a_broken_application_is_served_over_asgi_too() -> None:
    import asyncio

    broken = BrokenApplication("ValueError: no\n")
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def all_three() -> None:
        for kind in ("http", "websocket", "lifespan"):
            await broken.asgi({"type": kind}, receive, send)

    asyncio.run(all_three())
    assert [message["type"] for message in sent] == [
        *("http.response.start", "http.response.body", "websocket.close"),
        *("lifespan.startup.complete", "lifespan.shutdown.complete"),
    ]
    assert b"ValueError: no" in sent[1]["body"]


def test_a_certificate_that_is_to_be_made_needs_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(development.importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(
            ServerError, match=r"--cert adhoc makes a certificate with cryptography: pip install cryptography"
        ),
        development._certificate(Listen(certificate=Path("adhoc"))),
    ):
        pass


@pytest.mark.parametrize("command", [["run"], ["serve", "--workers", "1"]])
def test_https_is_served_with_a_certificate(
    start: Start, app_file: Path, free_port: int, require: Callable[[str, str], str], command: list[str]
) -> None:
    openssl = require("openssl", "apt-get install openssl")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    program = start(*command, "--port", str(free_port), "--cert", "cert.pem", "--key", "key.pem")
    program.until_it_listens()
    trust = ssl.create_default_context(cafile="cert.pem")
    with urllib.request.urlopen(f"https://localhost:{free_port}/", context=trust) as response:
        assert response.read().startswith(b"one")
    assert f"https://127.0.0.1:{free_port}" in program.log
    assert program.terminate() == 0
