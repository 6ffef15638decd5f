"""Whatever bytes a client sends to a real server: it goes on answering, and nothing of ours fails in its log."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any

import httpx
import pytest
from fuzz_app import HERE, OTHERS, SECRETS
from fuzz_requests import VALUES, body, junk
from hypothesis import strategies as st

import serving
from fuzzing import fuzzed

MODULE = """\
from pathlib import Path
from fuzz_app import make_app
app = make_app(Path(__file__).parent, PROPAGATE_EXCEPTIONS=False)
"""


class Served:
    """The application on a real server."""

    def __init__(self, server: Any, http: httpx.Client) -> None:
        self.server = server
        self.http = http
        # What another visitor has: their session is in the store of the server from now on.
        assert http.get("/p/keep", params={"text": OTHERS}).status_code == 201
        http.cookies.clear()

    def send(self, request: bytes, ends: bool) -> None:
        """Send bytes, and look at what comes, if anything does.

        :param ends: tell the server that no more follows, and do not hang up before it does
        """
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            try:
                connection.sendall(request)
                if not ends:
                    return
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(1)  # some servers keep a connection whose client has said its last
                answer = HTTPResponse(connection)
                answer.begin()
                assert answer.status < 500
                told = answer.read().decode("latin-1")
            except (OSError, HTTPException):
                return
        for secret in SECRETS:
            assert secret not in told

    def is_well(self) -> None:
        """See that it answers, and that no exception has come out of the application."""
        answer = self.http.get("/fine")
        assert (answer.status_code, answer.text) == (200, "fine")
        assert self.server.process.poll() is None


@pytest.fixture(scope="module", params=["granian", "granian-asgi", "granian-rsgi", "uvicorn", "uvicorn-h11"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("templates", "static"):
        shutil.copytree(HERE / name, folder / name)
    shutil.copy(HERE / "fuzz_app.py", folder)
    (folder / "served.py").write_text(MODULE)
    port = serving.find_free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            serving.command_of(request.param, "served:app", port),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = serving.Server(process, port, folder / "log")
    try:
        server.wait_until_it_answers()
        with httpx.Client(base_url=server.url, timeout=30, verify=False) as http:
            yield Served(server, http)
        # Whatever was sent to it: nothing was raised in our code, and nothing unhandled came out of it.
        assert re.findall(r'^ *File ".*/erlen/.*|^.*Exception on /.*', server.log, re.MULTILINE) == []
    finally:
        server.kill()


line = st.one_of(
    st.sampled_from(
        [b"GET /fine HTTP/1.1", b"POST /p/form HTTP/1.1", b"POST /w/data HTTP/1.1", b"PUT /w/stream HTTP/1.1"]
    ),
    st.sampled_from(
        [b"POST /p/length HTTP/1.1", b"POST /w/json HTTP/1.1", b"HEAD /p/all/a HTTP/1.1", b"POST /w/keep HTTP/1.1"]
    ),
    st.sampled_from(
        [b"GET http://[/ HTTP/1.1", b"GET http://a@b:99999/fine HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET  HTTP/1.1"]
    ),
    st.sampled_from(
        [b"GET /fine", b"GET /fine HTTP/9.9", b"get /fine http/1.1", b"PRI * HTTP/2.0", b"CONNECT a:1 HTTP/1.1"]
    ),
    st.sampled_from(
        [b"GET /p/all/%ff%00%0d%0a HTTP/1.1", b"GET /w/page/%ED%A0%80?%ff=%00 HTTP/1.1", b"GET /%2e%2e/ HTTP/1.0"]
    ),
    junk.map(lambda text: b"GET /p/all/" + text.encode("latin-1") + b" HTTP/1.1"),
    junk.map(lambda text: b"GET /w/look?text=" + text.encode("latin-1") + b" HTTP/1.1"),
    junk.map(lambda text: text.encode("latin-1")),
)
field = st.one_of(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.sampled_from(VALUES[name]).map(lambda value: f"{name}: {value}".encode("latin-1"))
    ),
    st.sampled_from(
        [b"Host: localhost", b"Connection: close", b"Transfer-Encoding: chunked", b"Connection: upgrade", b": a"]
    ),
    st.sampled_from(
        [b"Content-Length: 5", b"Content-Length: 0\r\nContent-Length: 9", b"Upgrade: websocket", b" folded", b"a"]
    ),
    junk.map(lambda text: b"X-A: " + text.encode("latin-1")),
)
end = st.sampled_from([b"\r\n\r\n", b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n", b""])
chunked = body.map(lambda whole: b"%x\r\n" % len(whole) + whole + b"\r\n0\r\n\r\n")
content = st.one_of(
    body, chunked, st.sampled_from([b"5\r\nabc", b"ffffffffffffffffff\r\n", b"-1\r\n\r\n", b"0;a=b\r\nX: 1\r\n\r\n"])
)


@fuzzed(
    25, share=0.1, line=line, fields=st.lists(field, max_size=5), end=end, content=content, ends=st.booleans()
)  # fmt: skip
def test_the_server_survives_every_request(
    served: Served, line: bytes, fields: list[bytes], end: bytes, content: bytes, ends: bool
) -> None:
    served.send(b"\r\n".join([line, *fields]) + end + content, ends)
    served.is_well()


@fuzzed(10, share=0.05, data=st.binary(max_size=300), ends=st.booleans())
def test_the_server_survives_what_is_no_request(served: Served, data: bytes, ends: bool) -> None:
    served.send(data, ends)
    served.is_well()
