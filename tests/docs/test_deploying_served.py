"""The commands and the nginx configurations of the pages about deploying, run as they stand there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from markdown_pages import PAGES, ROOT, Step, steps_of

COMMANDS = [(page, step) for page in PAGES for step in steps_of(page) if step.kind == "serve"]
BEHIND = ROOT / "docs" / "deploying" / "behind-a-proxy.md"
#: What a proxy on this machine says of its client.
FORWARDED = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that starts a program in the test's folder; what it writes goes to the file ``log`` there."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        # Not measured: coverage handles SIGTERM in Python, which fastpysgi does not run while it waits.
        own = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env={**own, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()


def wait_for(process: subprocess.Popen[bytes], address: int | str, log: Path) -> None:
    """Return when something listens at a port or a unix socket."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        family, target = (
            (socket.AF_INET, ("127.0.0.1", address)) if isinstance(address, int) else (socket.AF_UNIX, address)
        )
        with socket.socket(family) as connection:
            if connection.connect_ex(target) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens at {address}:\n{log.read_text()}")


def save_files(page: Path, folder: Path) -> None:
    for step in steps_of(page):
        if step.kind == "file":
            (folder / step.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.file).write_text(step.text, encoding="utf-8")


def test_every_server_has_a_page_with_a_command() -> None:
    pages = {page.stem for page, _ in COMMANDS}
    assert pages == {"granian", "gunicorn", "waitress", "uvicorn", "hypercorn", "fastpysgi"}


@pytest.mark.parametrize(
    ("page", "step"), COMMANDS, ids=lambda part: part.stem if isinstance(part, Path) else part.line
)
def test_the_command_serves_behind_a_proxy_and_ends_as_the_page_says(
    page: Path, step: Step, tmp_path: Path, free_port: int, start: Callable[..., Any]
) -> None:
    save_files(page, tmp_path)
    address = free_port if step.listen.isdecimal() else str(tmp_path / "shop.sock")
    command = step.text.removeprefix("$ ").replace("\\\n", " ").strip()
    assert step.listen in command
    process = start(["bash", "-c", "exec " + command.replace(step.listen, str(address))])
    wait_for(process, address, tmp_path / "log")
    transport = httpx.HTTPTransport(uds=address) if isinstance(address, str) else None
    base = f"http://127.0.0.1:{address}" if isinstance(address, int) else "http://shop"
    with httpx.Client(transport=transport, base_url=base, timeout=30) as client:
        answer = client.get("/", headers=FORWARDED)
        assert (answer.status_code, answer.text) == (200, "Hello 203.0.113.7 by https")
    process.terminate()
    assert process.wait(60) == step.status, (tmp_path / "log").read_text()


# --- nginx -----------------------------------------------------------------------------------------------------------

SITE = """
from pathlib import Path
from erlen import Erlen, redirect, request, session, url_for

app = Erlen(__name__)
app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory", MAX_CONTENT_LENGTH=16 * 1024 * 1024)
app.trust_proxies(x_for=1, x_proto=1, x_prefix=PREFIX)


@app.route("/", methods=["GET", "POST"])
def index():
    session["a"] = 1
    return {"address": request.remote_addr, "url": request.url, "self": url_for("index", _external=True)}


@app.get("/id")
def id():
    return request.request_id or ""


@app.post("/upload")
def upload():
    return str(len(request.get_data()))


@app.get("/invoice/<name>")
def invoice(name):
    return "", {"X-Accel-Redirect": f"/invoices/{name}"}


@app.get("/go")
def go():
    return redirect(url_for("index"))
"""


@pytest.fixture
def nginx(
    require: Callable[[str, str], str], tmp_path: Path, serve: Callable[..., Any], start: Callable[..., Any]
) -> Callable[..., None]:
    """Return a function that starts the application behind a configuration of the page, at two ports."""
    program = require("nginx", "apt-get install nginx")
    openssl = require("openssl", "apt-get install openssl")

    def run(name: str, ports: tuple[int, int], server: str = "granian") -> None:
        (configuration,) = (step.text for step in steps_of(BEHIND) if step.file == name)
        (tmp_path / "app.py").write_text(SITE.replace("PREFIX", "1" if "X-Forwarded-Prefix" in configuration else "0"))
        (tmp_path / "static").mkdir()
        (tmp_path / "static" / "style.css").write_text("body {}")
        (tmp_path / "invoices").mkdir()
        (tmp_path / "invoices" / "7.pdf").write_text("the invoice")
        served = serve("app:app", tmp_path, server=server)
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example.com"),
                *("-keyout", str(tmp_path / "shop.key"), "-out", str(tmp_path / "shop.crt")),
            ],
            check=True,
            capture_output=True,
        )
        for stands, put in {
            "127.0.0.1:8000": f"127.0.0.1:{served.port}",
            "listen 443 ssl;": f"listen 127.0.0.1:{ports[1]} ssl;",
            "listen 80;": f"listen 127.0.0.1:{ports[0]};",
            "/etc/ssl/shop": str(tmp_path / "shop"),
            "/srv/shop": str(tmp_path),
        }.items():
            assert stands in configuration, stands
            configuration = configuration.replace(stands, put)
        user = "user root;" if os.getuid() == 0 else ""  # or it could not read the folder of a test
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
        (tmp_path / "nginx.conf").write_text(
            f"{user} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\n"
            f"http {{ access_log off; {places}\n{configuration}\n}}\n"
        )
        process = start([program, "-e", str(tmp_path / "log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
        wait_for(process, ports[1], tmp_path / "log")

    return run


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two free ports, for http and https."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def browser(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=False, timeout=30)


@pytest.mark.parametrize("server", ["granian", "granian-asgi"])
def test_the_nginx_configuration_serves_the_application(nginx: Any, ports: tuple[int, int], server: str) -> None:
    nginx("nginx.conf", ports, server)
    outer = f"127.0.0.1:{ports[1]}"
    with browser(ports[1]) as client:
        lies = {
            "X-Forwarded-For": "6.6.6.6",
            "X_Forwarded_For": "6.6.6.6",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Prefix": "/evil",
        }
        for headers in ({}, lies):
            client.cookies.clear()
            answer = client.get("/", headers=headers)
            assert answer.json() == {"address": "127.0.0.1", "url": f"https://{outer}/", "self": f"https://{outer}/"}
            assert "; Secure" in answer.headers["Set-Cookie"]
        assert client.post("/", headers={"Origin": f"https://{outer}"}).status_code == 200
        assert client.get("/go").headers["Location"] == "/"
        assert client.get("/static/style.css").text == "body {}"
        assert client.get("/invoice/7.pdf").text == "the invoice"
        assert client.get("/invoices/7.pdf").status_code == 404
        assert client.post("/upload", content=b"x" * 15_000_000).text == "15000000"
        assert client.post("/upload", content=b"x" * 17_000_000).status_code == 413
        assert len(client.get("/id").text) == 32
    moved = httpx.get(f"http://127.0.0.1:{ports[0]}/go?a=b", verify=False)
    assert (moved.status_code, moved.headers["Location"]) == (301, "https://127.0.0.1/go?a=b")


@pytest.mark.parametrize("server", ["granian", "granian-rsgi"])
def test_the_nginx_configuration_with_a_prefix_mounts_the_application(
    nginx: Any, ports: tuple[int, int], server: str
) -> None:
    nginx("nginx-prefix.conf", ports, server)
    outer = f"https://127.0.0.1:{ports[1]}/shop/"
    with browser(ports[1]) as client:
        answer = client.get("/shop/", headers={"X-Forwarded-Prefix": "/evil"})
        assert (answer.json()["url"], answer.json()["self"]) == (outer, outer)
        assert "; Path=/;" in answer.headers["Set-Cookie"]
        assert client.get("/shop/go").headers["Location"] == "/shop/"
        assert client.get("/shop/static/style.css").text == "body {}"
        assert client.get("/").status_code == 404
