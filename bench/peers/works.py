"""What every peer is asked for, and how what it answers is checked."""

from __future__ import annotations

from typing import NamedTuple

FILE = b"0123456789abcdef" * 65536
BOUNDARY = b"the-boundary-of-the-bench"
UPLOAD = (
    b'--%(boundary)s\r\nContent-Disposition: form-data; name="title"\r\n\r\nA file\r\n'
    b'--%(boundary)s\r\nContent-Disposition: form-data; name="file"; filename="data.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n%(file)s\r\n--%(boundary)s--\r\n"
) % {b"boundary": BOUNDARY, b"file": FILE}
MESSAGE = "Hello, World!"


class Work(NamedTuple):
    """One kind of request; ``application`` names the function of a peer's module that makes what is asked."""

    key: str
    title: str
    path: str
    expected: bytes
    query: str = ""
    status: int = 200
    method: str = "GET"
    content_type: str = ""
    body: bytes = b""
    application: str = "plain"
    after: str = ""  # a path to ask for first, whose cookies the request then carries
    requests: int = 200


WORKS = [
    Work("text", "text", "/", b"Hello, World!"),
    Work("json", "JSON of a dict", "/json", b"nested"),
    Work("parameter", "typed parameter and query value", "/user/42", b"user 42, page 3", query="page=3"),
    Work("page", "Jinja page of 20 rows", "/rows", b"row 19", requests=20),
    Work(
        "cookie",
        "two hooks, session in a cookie",
        "/session",
        b"Hello, ada!",
        application="cookie",
        after="/sign-in",
        requests=100,
    ),
    Work(
        "stored",
        "two hooks, session in SQLite",
        "/session",
        b"Hello, ada!",
        application="stored",
        after="/sign-in",
        requests=100,
    ),
    Work("404", "no such page", "/nothing/here", b"", status=404),
    Work(
        *("form", "form of two fields", "/form", b"Ada is 36"),
        method="POST",
        content_type="application/x-www-form-urlencoded",
        body=b"name=Ada&age=36",
        requests=100,
    ),
    Work(
        *("upload", "upload of 1 MiB", "/upload", b"1048576 bytes"),
        method="POST",
        content_type=f"multipart/form-data; boundary={BOUNDARY.decode()}",
        body=UPLOAD,
        requests=5,
    ),
    Work("socket", "WebSocket echo, a message", "/echo", MESSAGE.encode()),
    # The last, because some read files in threads, which are then there for all that follows.
    Work("static", "static file of 1 KiB", "/static/small.css", b"color: #102030", requests=100),
]
BY_KEY = {work.key: work for work in WORKS}


class WrongAnswer(Exception):
    """A peer answered something else than it was asked for."""


def check(work: Work, status: int, body: bytes) -> None:
    """Raise if the answer is not the one that *work* asks for.

    :raises WrongAnswer: with the status and the start of the body
    """
    if status != work.status or work.expected not in body:
        raise WrongAnswer(f"{work.method} {work.path} was answered {status}: {body[:300]!r}")
