"""Whatever a server with an event loop hands over is answered, and a client that goes away leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fuzz_app import make_app
from fuzz_judge import at_rest, judge
from fuzz_requests import body, headers, junk, kind, method, mount, path, query
from fuzz_servers import GONE, Client, Loop, Pairs, Piece, RsgiScope, over_asgi, over_rsgi
from hypothesis import strategies as st

from fuzzing import fuzzed

OPTIONS: dict[str, dict[str, Any]] = {
    "memory": {},
    "cookie": {"sessions": "cookie"},
    "trusting": {"trusting": True, "TRUSTED_HOSTS": ["localhost", ".example.com"]},
}


@pytest.fixture(scope="module", params=list(OPTIONS))
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    made = Loop(make_app(tmp_path_factory.mktemp(request.param), **OPTIONS[request.param]))
    yield made
    made.close()


def ask(site: Loop, method: str, client: Client, work: Callable[[], Any]) -> None:
    """Ask as a server does, and see that the answer is good and nothing is left of the request."""
    before = site.app.teardowns
    site.run(work)
    at_rest(site.app, before + 1)
    if client.status is not None:
        judge(method.upper(), client.status, client.headers, client.body, whole=client.ended and not client.gone)
    if not client.gone:
        assert client.ended


def ask_asgi(site: Loop, scope: dict[str, Any], pieces: list[Piece], patience: int | None, bare: bool) -> Client:
    client = Client(pieces, patience)
    ask(site, scope["method"], client, lambda: over_asgi(site.app, scope, client, bare))
    return client


def ask_rsgi(site: Loop, scope: RsgiScope, pieces: list[Piece], patience: int | None) -> Client:
    client = Client(pieces, patience)
    ask(site, scope.method, client, lambda: over_rsgi(site.app, scope, client))
    return client


@st.composite
def bodies(draw: Any) -> list[Piece]:
    """Draw a body in pieces, some of them empty; the client may go away in the middle of it."""
    whole: bytes = draw(body)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    pieces: list[Piece] = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    if draw(st.integers(0, 4)) == 0:
        pieces[draw(st.integers(0, len(pieces) - 1)) :] = [GONE]
    return pieces


patience = st.sampled_from([None, None, None, 0, 1, 2])
server = st.sampled_from([None, ("localhost", 80), ("/run/app.sock", None), ("::1", 5000), ("", 0)])
client = st.sampled_from([None, ("127.0.0.1", 1), ("", 0), ("::1", 65535), ("unix:", None)])
# What a server may say in place of a path: a target in absolute form, or one that is no path at all.
target = st.one_of(path, path, path, path.map("http://example.com".__add__), path.map("http://a@b:99999".__add__), junk)
http_version = st.sampled_from(["1.1", "1.0", "2", "3"])


def unicode_of(text: str, errors: str) -> str:
    """Return the path that a server makes of bytes."""
    return text.encode("latin-1").decode(errors=errors)


@fuzzed(
    90, method=method.map(str.upper), root=mount, path=target, below=st.booleans(), query=query,
    headers=headers, kind=kind, pieces=bodies(), patience=patience, server=server, client=client, version=http_version,
    bare=st.booleans(), errors=st.sampled_from(["replace", "surrogateescape"]),
)  # fmt: skip
def test_every_request_is_answered_over_asgi(
    site: Loop,
    method: str,
    root: str,
    path: str,
    below: bool,
    query: str,
    headers: list[tuple[str, str]],
    kind: str | None,
    pieces: list[Piece],
    patience: int | None,
    server: Any,
    client: Any,
    version: str,
    bare: bool,
    errors: str,
) -> None:
    headers = headers if kind is None else [*headers, ("Content-Type", kind)]
    path, root = unicode_of(path, errors), unicode_of(root, errors)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": version,
        "method": method,
        "path": root + path if below else path,
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    if not bare:
        scope.update(
            scheme="https", root_path=root, server=server, client=client, raw_path=path.encode(errors="replace")
        )
    ask_asgi(site, scope, pieces, patience, bare)
    plain = {
        "type": "http",
        "method": "GET",
        "path": "/fine",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    fine = ask_asgi(site, plain, [b""], None, False)
    assert (fine.status, fine.body) == (200, b"fine")


@fuzzed(
    90, method=method.map(str.upper), path=target, query=query, headers=headers, kind=kind, pieces=bodies(),
    patience=patience, server=st.sampled_from(["", "127.0.0.1:80", "unix:/run/x", "[::1]:5000"]),
    client=st.sampled_from(["", "127.0.0.1:1", "[::1]:65535", "unix:", ":"]), version=http_version,
    authority=st.sampled_from([None, None, "localhost", "example.com:80", "["]),
)  # fmt: skip
def test_every_request_is_answered_over_rsgi(
    site: Loop,
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    kind: str | None,
    pieces: list[Piece],
    patience: int | None,
    server: str,
    client: str,
    version: str,
    authority: str | None,
) -> None:
    def scope(method: str, path: str, query: str, headers: list[tuple[str, str]]) -> RsgiScope:
        return RsgiScope(
            http_version=version,
            server=server,
            client=client,
            scheme="http",
            method=method,
            path=path,
            query_string=query,
            authority=authority if version != "1.1" else None,
            headers=Pairs(headers),
        )

    headers = headers if kind is None else [*headers, ("Content-Type", kind)]
    ask_rsgi(site, scope(method, unicode_of(path, "replace"), query, headers), pieces, patience)
    version = "1.1"
    fine = ask_rsgi(site, scope("GET", "/fine", "", [("host", "localhost")]), [b""], None)
    assert (fine.status, fine.body) == (200, b"fine")


def plain_scope(path: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": list(headers)}


def test_a_content_length_of_more_digits_than_python_reads_is_none_as_under_wsgi(site: Loop) -> None:
    scope = plain_scope("/w/length", (b"host", b"localhost"), (b"content-length", b"9" * 4301))
    answer = ask_asgi(site, scope, [b"abc"], None, False)
    assert (answer.status, answer.body) == (200, b"[0,0]\n")


def test_a_path_that_is_no_utf_8_is_shown_as_it_is_under_wsgi(site: Loop) -> None:
    scope = plain_scope("/missing\udcff", (b"host", b"localhost"))
    answer = ask_asgi(site, scope, [b""], None, False)
    assert (answer.status, answer.body) == (404, "POST /missing\ufffd is missing".encode())
