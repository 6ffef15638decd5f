"""Other applications under a prefix, whatever they and the server speak."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_tools import Events

import serving
from erlen import Erlen
from erlen.mounts import MountError

APPLICATIONS = """
from erlen import Erlen, g, redirect, request, session, url_for

app = Erlen(__name__)
app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")

@app.before_request
def outer():
    g.outer = True

@app.route("/")
def index():
    return "the outer application"

@app.get("/administration")
def administration():
    return "not the mounted one"

admin = Erlen("admin")
admin.config.update(SECRET_KEY="another key", SESSION_TYPE="memory")

@admin.route("/")
def home():
    return f"home of {request.root_path} {url_for('echo', word='süß')} {'outer' in g}"

@admin.route("/echo/<word>", methods=["GET", "POST"])
async def echo(word):
    return {"word": word, "path": request.path, "url": request.url, "form": request.form.to_dict()}

@admin.get("/go")
def go():
    return redirect(url_for("home"))

def wsgi(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size)
    start_response("201 CREATED", [("Content-Type", "text/plain; charset=utf-8"), ("X-Kind", "wsgi")])
    return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']} {environ['QUERY_STRING']} {len(body)}".encode("latin-1")]

async def asgi(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 202, "headers": [(b"x-kind", b"asgi")]})
    text = f"{scope['root_path']} {scope['path']} {scope['query_string'].decode()} {size} ".encode()
    await send({"type": "http.response.body", "body": text, "more_body": True})
    await send({"type": "http.response.body", "body": b"end"})

app.mount("/admin", admin)
app.mount("/wsgi", wsgi)
app.mount("/wsgi/asgi", asgi)
"""


@pytest.fixture(scope="module", params=["granian", "granian-asgi", "granian-rsgi", "uvicorn"])
def http(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Any
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("mounted")
    (folder / "app.py").write_text(APPLICATIONS)
    with (
        start(request.param, "app:app", folder) as server,
        httpx.Client(base_url=server.url, timeout=30, verify=False) as http,
    ):
        yield http


def test_a_mounted_erlen_application_answers_with_its_own_routes_hooks_and_urls(http: httpx.Client) -> None:
    assert http.get("/").text == "the outer application"
    assert http.get("/admin/").text == "home of /admin /admin/echo/s%C3%BC%C3%9F False"
    answer = http.post("/admin/echo/gr%C3%BCn?a=1", data={"b": "ü"}).json()
    assert (answer["word"], answer["path"], answer["form"]) == ("grün", "/echo/grün", {"b": "ü"})
    assert answer["url"].endswith("/admin/echo/grün?a=1")
    assert http.get("/admin/go").headers["Location"] == "/admin/"
    assert http.get("/admin/nowhere").status_code == 404


def test_a_prefix_ends_where_a_segment_ends(http: httpx.Client) -> None:
    assert http.get("/administration").text == "not the mounted one"


def test_the_prefix_without_a_slash_leads_to_the_root_of_the_mounted_application(http: httpx.Client) -> None:
    answer = http.get("/admin", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/admin/")


def test_a_mounted_wsgi_application_is_given_its_path_and_its_body(http: httpx.Client) -> None:
    answer = http.post("/wsgi/gr%C3%BCn?q=1", content=b"x" * 200_000)
    assert answer.status_code == 201
    assert (answer.text, answer.headers["X-Kind"]) == ("/wsgi /grün q=1 200000", "wsgi")


def test_a_mounted_asgi_application_is_given_its_path_and_its_body(http: httpx.Client) -> None:
    """The longer prefix counts. ASGI has the whole path in ``path``."""
    answer = http.post("/wsgi/asgi/gr%C3%BCn?q=1", content=iter([b"x" * 100_000, b"y" * 50]))
    assert answer.status_code == 202
    assert (answer.text, answer.headers["X-Kind"]) == ("/wsgi/asgi /wsgi/asgi/grün q=1 100050 end", "asgi")


GUEST = """
import os
from pathlib import Path
from erlen import Erlen

app = Erlen(__name__)

def note(text):
    with Path(__file__).with_name("events").open("a") as file:
        file.write(f"guest {text}\\n")

async def guest(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        note("begins")
        if os.environ.get("BROKEN"):
            await send({"type": "lifespan.startup.failed", "message": "no database for the guest"})
            return
        scope["state"]["pool"] = "a pool"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        note("ends")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["state"]["pool"].encode()})

app.mount("/guest", guest)
asgi = app.asgi
"""


@pytest.mark.parametrize("server", ["granian", "granian-asgi", "granian-rsgi", "uvicorn"])
def test_a_mounted_asgi_application_is_started_and_ended_with_the_server(
    tmp_path: Path, start: Any, server: str
) -> None:
    (tmp_path / "guest_app.py").write_text(GUEST)
    with start(server, "guest_app:app", tmp_path) as started:
        assert httpx.get(f"{started.url}/guest/", timeout=30).text == "a pool"
        started.stop()
    assert Events(tmp_path / "events").of("guest") == ["begins", "ends"]


@pytest.mark.parametrize("server", ["granian-asgi", "granian-rsgi", "uvicorn"])
def test_a_mounted_asgi_application_that_cannot_start_ends_the_server_with_its_cause(
    tmp_path: Path, server: str
) -> None:
    (tmp_path / "guest_app.py").write_text(GUEST)
    done = subprocess.run(
        serving.command_of(server, "guest_app:app", serving.find_free_port()), cwd=tmp_path,
        env=serving.environment_of(server, BROKEN="1"), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "The application mounted at '/guest' could not start: no database for the guest" in done.stderr


@pytest.mark.parametrize(
    ("prefix", "application", "interface", "text"),
    [
        ("/", lambda environ, start_response: [], None, "a prefix is a fixed path below the root"),
        ("admin", lambda environ, start_response: [], None, "a prefix is a fixed path below the root"),
        ("/<name>", lambda environ, start_response: [], None, "a prefix is a fixed path below the root"),
        ("/a", "an application", None, "'an application' is no application"),
        ("/a", list, None, "write interface='wsgi' or interface='asgi'"),
        ("/a", lambda environ, start_response: [], "rsgi", "interface='rsgi' is neither 'wsgi' nor 'asgi'"),
        ("/taken/", lambda environ, start_response: [], None, "is mounted at '/taken' already"),
    ],
)
def test_what_cannot_be_mounted_is_refused_with_the_reason(
    prefix: str, application: Any, interface: str | None, text: str
) -> None:
    app = Erlen("outer")
    app.mount("/taken", lambda environ, start_response: [])
    with pytest.raises(MountError) as caught:
        app.mount(prefix, application, interface)
    assert text in str(caught.value)


def test_a_mounted_application_that_raises_is_the_servers_business_over_asgi_too() -> None:
    app = Erlen("outer")

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("of the mounted one")

    async def silent(scope: Any, receive: Any, send: Any) -> None: ...

    app.mount("/broken", broken)
    app.mount("/silent", silent)
    for interface in ("wsgi", "asgi"):
        client = app.test_client(interface=interface)
        with pytest.raises(LookupError, match="of the mounted one"):
            client.get("/broken")
        with pytest.raises(RuntimeError, match="ended without a response"):
            client.get("/silent")


def test_a_mounted_application_sees_what_trusted_proxies_tell(make_outer: Callable[..., Any]) -> None:
    app = make_outer()
    app.trust_proxies()
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    for interface in ("wsgi", "asgi"):
        answer = app.test_client(interface=interface).get("/inner/who", headers=headers)
        assert answer.text == "https 192.0.2.7"


@pytest.fixture
def make_outer(tmp_path: Path) -> Callable[..., Any]:
    def make() -> Any:
        from erlen import request

        inner = Erlen("inner", root_path=str(tmp_path))
        inner.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")
        inner.add_url_rule("/who", "who", lambda: f"{request.scheme} {request.remote_addr}")
        app = Erlen("outer", root_path=str(tmp_path))
        app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")
        app.mount("/inner", inner)
        return app

    return make
