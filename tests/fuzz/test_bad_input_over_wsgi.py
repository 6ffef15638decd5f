"""Whatever a WSGI server hands over is answered: never a 500, never without end, never with a secret."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from fuzz_app import OTHERS, make_app
from fuzz_judge import at_rest, judge
from fuzz_requests import body, headers, kind, method, mount, path, query
from hypothesis import strategies as st

from erlen import session
from fuzzing import fuzzed


def cookie_of(app: Any, **values: str) -> str:
    """Return the cookie of a visitor who has *values* in their session."""

    def put() -> str:
        session.update(values)
        return "put"

    app.add_url_rule("/put", "put", put)
    client = app.test_client()
    assert client.get("/put").status_code == 200
    return str(client.get_cookie("session").value)


class Site:
    """An application with a visitor whose session nobody else may see."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.app = make_app(folder, **options)
        is_told = options.get("sessions", "memory") != "memory"  # a signed cookie can be read by whoever has it
        self.others = () if is_told else (cookie_of(self.app, note=OTHERS),)
        if is_told:
            cookie_of(self.app, note=OTHERS)

    def ask(self, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask as a server does."""
        got: list[Any] = []
        before = self.app.teardowns
        answer = self.app(environ, lambda status, headers, exc_info=None: got.extend([status, headers]))
        try:
            data = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        assert all(type(name) is type(value) is str for name, value in got[1])
        judge(environ["REQUEST_METHOD"].upper(), int(got[0].split()[0]), got[1], data, self.others)
        at_rest(self.app, before + 1)
        return int(got[0].split()[0]), got[1], data


@pytest.fixture(scope="module", params=["memory", "cookie", "interface", "trusting", "debug"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    options = {
        "memory": {},
        "cookie": {"sessions": "cookie"},
        "interface": {"sessions": "interface"},
        "trusting": {"trusting": True, "REQUEST_ID_HEADER": "X-Request-ID"},
        "debug": {"DEBUG": True, "TRUSTED_HOSTS": ["localhost", ".example.com"]},
    }[request.param]
    return Site(tmp_path_factory.mktemp(request.param), **options)


def environ_of(
    method: str, mount: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes, **more: Any
) -> dict[str, Any]:
    """Make an environment as a server does."""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": mount,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    environ.update(more)
    return environ


# What a server says of itself, and may leave out.
server = st.sampled_from([{}, {}, {}, {"wsgi.input_terminated": True}, {"SERVER_PORT": "x"}, {"SERVER_NAME": ""}])
server |= st.sampled_from([{"SERVER_NAME": "/run/app.sock", "SERVER_PORT": ""}, {"wsgi.url_scheme": "https"}])
server |= st.sampled_from([{"REMOTE_ADDR": ""}, {"SERVER_PROTOCOL": "HTTP/0.9"}, {"wsgi.file_wrapper": None}])


@fuzzed(
    110, method=method, mount=mount, path=path, query=query, headers=headers, body=body, server=server,
    kind=kind,
    truly=st.booleans(),
)  # fmt: skip
def test_every_request_is_answered(
    site: Site,
    method: str,
    mount: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    body: bytes,
    server: dict[str, Any],
    kind: str | None,
    truly: bool,
) -> None:
    more = {key: value for key, value in server.items() if value is not None}
    if kind is not None:
        more["CONTENT_TYPE"] = kind
    if truly:  # a length that is true, as most servers see to
        more["CONTENT_LENGTH"] = str(len(body))
    site.ask(environ_of(method, mount, path, query, headers, body, **more))
    status, _, data = site.ask(environ_of("GET", "", "/fine", "", [("Host", "localhost")], b""))
    assert (status, data) == (200, b"fine")
