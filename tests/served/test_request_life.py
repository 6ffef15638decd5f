"""One request's life over a socket, the same on every server."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from served_tools import BIG, Site, at_once, connect, get, read_answer, read_until, talk, until

#: What a server cannot do by itself, whatever the application does.
CANNOT = {
    "fastpysgi": {
        "stream_arrives_in_pieces": "it sends a stream when it is complete",
        "stream_that_breaks_does_not_look_complete": "it sends a stream when it is complete, or 500 in its place",
        "head_has_the_headers_of_get": "it sends Content-Length: 0 in answer to HEAD",
        "missing_slash": "it decodes paths itself, against PEP 3333, and gives no others to the application",
        "redirect_is_303": "it decodes paths itself, against PEP 3333",
        "bytes_of_a_path": "it refuses paths that are not UTF-8",
        "headers_and_cookies_that_are_not_ascii": "it decodes headers itself, against PEP 3333",
        "body_that_is_broken_off": "it waits for the rest",
        "tells_browsers_not_to_guess": "it decodes paths itself, against PEP 3333",
        "names_no_host": "it refuses requests without a host",
        "hosts_that_are_none": "it decodes paths itself, against PEP 3333",
        "body_beyond_the_limit": "it reads a body before it calls the application",
        "target_in_absolute_form": "it refuses targets in absolute form",
        "methods_that_nobody_knows": "it refuses methods that it does not know",
    },
    "granian": {"stream_that_breaks_does_not_look_complete": "it ends the answer as if it were complete"},
}


@pytest.fixture(autouse=True)
def _no_cookies(site: Site, request: pytest.FixtureRequest) -> Iterator[None]:
    """A test begins as a stranger, and leaves a server that still answers."""
    for part, reason in CANNOT.get(site.kind.partition("-")[0], {}).items():
        if part in request.node.name:
            pytest.skip(f"{site.kind}: {reason}")
    site.http.cookies.clear()
    yield
    assert site.http.get("/").text == "plain text: grün"


# --- bodies ----------------------------------------------------------------------------------------------------------


def test_a_text_is_sent_as_html_in_utf_8_with_its_length_in_bytes(site: Site) -> None:
    answer = site.http.get("/")
    assert (answer.status_code, answer.text) == (200, "plain text: grün")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len("plain text: grün".encode()))


def test_json_goes_in_and_out(site: Site) -> None:
    answer = site.http.post("/json", json={"ö": [1, {"b": None}]})
    assert answer.json() == {"got": {"ö": [1, {"b": None}]}, "list": [1, 2.5, None, "ä"]}
    assert answer.headers["Content-Type"] == "application/json"


def test_a_body_that_is_not_json_is_400_and_one_of_another_type_415(site: Site) -> None:
    assert site.http.post("/json", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert site.http.post("/json", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_form_is_read_with_its_repeated_and_non_ascii_fields(site: Site) -> None:
    answer = site.http.post("/form", data={"a": ["1", "zwei & drei"], "größe": "süß"})
    assert answer.json() == {"a": ["1", "zwei & drei"], "größe": ["süß"]}


def test_a_file_is_uploaded_whole_with_its_name_and_the_fields_beside_it(site: Site) -> None:
    content = os.urandom(300_000)
    answer = site.http.post("/upload", data={"title": "ü"}, files={"file": ("größe.bin", content)})
    assert answer.json() == {"name": "größe.bin", "sha256": hashlib.sha256(content).hexdigest(), "title": "ü"}


def test_a_chunked_request_body_is_read_to_its_end(site: Site) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(100):
            yield b"%03d;" % number * 50

    answer = site.http.post("/raw", content=pieces())
    assert answer.content == b"".join(pieces())


def test_a_chunked_form_is_a_form(site: Site) -> None:
    answer = site.http.post(
        "/form", content=iter([b"a=1&", b"b=2"]), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.json() == {"a": ["1"], "b": ["2"]}


def test_every_byte_comes_back_as_it_was_sent(site: Site) -> None:
    assert site.http.post("/raw", content=BIG[:65536]).content == BIG[:65536]


def test_an_empty_post_has_an_empty_body(site: Site) -> None:
    answer = site.http.post("/raw")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


def test_204_has_no_body_and_no_type(site: Site) -> None:
    answer = site.http.get("/empty")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers.get("Content-Length") in (None, "0")


# --- streams ---------------------------------------------------------------------------------------------------------


def test_a_stream_arrives_in_pieces_and_the_teardown_runs_at_its_end(site: Site) -> None:
    """The second piece is made only when the client has the first, and then nothing has been torn down yet."""
    mark = "pieces"
    with site.http.stream("GET", f"/stream/{mark}") as answer:
        pieces = answer.iter_text()
        assert next(pieces) == "one "
        assert site.events.of(mark) == []
        site.open_gate(mark)
        assert "".join(pieces) == f"two /stream/{mark} "
    assert site.events.until(mark, "teardown") == ["teardown"]


def test_a_client_that_hangs_up_closes_the_generator_and_the_teardown_runs(site: Site) -> None:
    mark = "hangs-up"
    with connect(site.port) as connection:
        connection.sendall(get(f"/endless/{mark}"))
        assert read_until(connection, b"xxxx").startswith(b"HTTP/1.")
    assert site.events.until(mark, "teardown") == ["closed", "teardown"]


def broken_stream(site: Site, mark: str) -> httpx.Response | None:
    """Ask for a stream that raises after its first piece; None if the connection broke off, as it should."""
    try:
        return site.http.get(f"/breaks/{mark}")
    except httpx.RemoteProtocolError:
        return None


def test_a_stream_that_breaks_is_torn_down_and_its_error_is_in_the_log(site: Site) -> None:
    broken_stream(site, "breaks")
    assert site.events.until("breaks", "teardown") == ["teardown"]
    until(lambda: "RuntimeError: the stream broke" in site.server.log, "the error in the log")


def test_a_stream_that_breaks_does_not_look_complete(site: Site) -> None:
    assert broken_stream(site, "breaks-too") is None


def test_hanging_up_many_times_wears_no_worker_out(site: Site) -> None:
    def hang_up(number: int) -> None:
        with connect(site.port) as connection:
            connection.sendall(get(f"/endless/many-{number}"))
            read_until(connection, b"xxxx")

    at_once(hang_up, 12, threads=3)
    for number in range(12):
        assert site.events.until(f"many-{number}", "teardown") == ["closed", "teardown"]


# --- methods and statuses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/json", "/static/hello.txt", "/download", "/stream/head", "/async?c=d"])
def test_head_has_the_headers_of_get_and_no_body(site: Site, path: str) -> None:
    """The connection goes on afterwards: no byte of a body is left in it."""
    site.open_gate("head")
    ours = ("Content-Type", "Content-Length", "ETag", "Last-Modified", "X-Content-Type-Options")
    got = site.http.get(path).headers
    with connect(site.port) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = read_answer(connection, "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert {name: head.headers[name] for name in ours} == {name: got.get(name) for name in ours}
        if head.headers["Connection"] != "close" and site.kind != "gunicorn-sync":  # which never keeps one
            connection.sendall(get("/"))
            assert read_answer(connection).body.decode() == "plain text: grün"


def test_an_unknown_path_is_404_and_a_wrong_method_405_with_what_is_allowed(site: Site) -> None:
    missing = site.http.get("/no/such/größe")
    assert missing.status_code == 404
    assert "Not Found" in missing.text
    wrong = site.http.get("/only-post")
    assert wrong.status_code == 405
    assert {method.strip() for method in wrong.headers["Allow"].split(",")} == {"OPTIONS", "POST"}
    options = site.http.options("/only-post")
    assert (options.status_code, options.content) == (200, b"")
    assert {method.strip() for method in options.headers["Allow"].split(",")} == {"OPTIONS", "POST"}


def test_the_missing_slash_is_a_redirect_that_keeps_escapes_and_query(site: Site) -> None:
    answer = site.http.get("/gr%C3%B6%C3%9Fe?q=%C3%A4&b=1+2")
    assert answer.status_code == 308
    assert answer.headers["Location"].removeprefix(site.server.url) == "/gr%C3%B6%C3%9Fe/?q=%C3%A4&b=1+2"
    assert site.http.get(answer.headers["Location"]).text == "the size"


def test_redirect_is_303_with_an_escaped_location_that_leads_there(site: Site) -> None:
    answer = site.http.get("/go")
    assert answer.status_code == 303
    assert answer.headers["Location"].isascii()
    there = site.http.get(answer.headers["Location"]).json()
    assert (there["word"], there["query"]) == ("grün & süß", {"q": "ä b"})


def test_abort_and_error_handlers_answer(site: Site) -> None:
    assert site.http.get("/abort/403").status_code == 403
    teapot = site.http.get("/abort/418")
    assert (teapot.status_code, teapot.text) == (418, "I am a teapot")


def test_an_etag_that_the_client_knows_is_304_without_a_body(site: Site) -> None:
    for path in ("/conditional", "/static/hello.txt"):
        etag = site.http.get(path).headers["ETag"]
        answer = site.http.get(path, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
        assert site.http.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_static_file_goes_through_the_servers_file_wrapper(site: Site) -> None:
    if not site.is_wsgi:
        pytest.skip("a file wrapper is WSGI's alone")
    mark = "wrapper"
    answer = site.http.get("/static/big.bin", headers={"X-Mark": mark})
    assert answer.content == BIG
    assert answer.headers["Content-Length"] == str(len(BIG))
    (seen,) = site.events.of(mark)
    if seen == "the server has no wrapper":
        pytest.skip(f"{site.kind} offers no wsgi.file_wrapper; the file came through Werkzeug's")
    assert seen == "wrapped"


def test_ranges_of_a_file_are_served(site: Site) -> None:
    part = site.http.get("/static/hello.txt", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.text) == (206, "2345")
    assert (part.headers["Content-Range"], part.headers["Content-Length"]) == ("bytes 2-5/10", "4")
    assert site.http.get("/static/hello.txt", headers={"Range": "bytes=-3"}).text == "789"
    late = site.http.get("/static/hello.txt", headers={"Range": "bytes=50-"})
    assert (late.status_code, late.headers["Content-Range"]) == (416, "bytes */10")
    middle = site.http.get("/download", headers={"Range": "bytes=1000000-1000255"})
    assert (middle.status_code, middle.content) == (206, BIG[1_000_000:1_000_256])


def test_static_files_do_not_lead_out_of_their_folder(site: Site) -> None:
    for path in (
        "/static/../life_app.py",
        "/static/%2e%2e/life_app.py",
        "/static/..%2flife_app.py",
        "/static//etc/passwd",
    ):
        answer = talk(site.port, get(path))
        assert answer is not None
        assert answer.status in (301, 308, 400, 404), path
        assert b"SECRET_KEY" not in answer.body


def test_a_client_that_hangs_up_in_the_middle_of_a_file_does_no_harm(site: Site) -> None:
    for _ in range(8):
        with connect(site.port) as connection:
            connection.sendall(get("/static/big.bin"))
            connection.recv(100)


# --- text that is not ASCII ------------------------------------------------------------------------------------------


def test_path_and_query_that_are_not_ascii_are_decoded_and_built_again(site: Site) -> None:
    answer = site.http.get("/path/" + quote("größe/日本/a b%2Fc") + "?q=" + quote("süß & mehr"))
    assert answer.json() == {
        "word": "größe/日本/a b%2Fc",
        "path": "/path/größe/日本/a b%2Fc",
        "query": {"q": "süß & mehr"},
        "url": "/path/" + quote("größe/日本/a b%2Fc"),
    }


def test_bytes_of_a_path_that_are_not_utf_8_are_replaced_and_harm_nothing(site: Site) -> None:
    answer = talk(site.port, get("/path/%ff%fe?q=%ff"))
    assert answer is not None
    assert answer.status == 200
    assert b'"word":"\xef\xbf\xbd\xef\xbf\xbd"' in answer.body.replace(b" ", b"")


def test_raw_bytes_in_the_request_line_are_no_error_of_the_application(site: Site) -> None:
    """RFC 9112 allows ASCII there alone, so a server may refuse them."""
    answer = talk(site.port, get("/path/gr\xc3\xbcn?q=\x80\xff"))
    assert answer is None or answer.status in (200, 400, 404)


def test_headers_and_cookies_that_are_not_ascii_are_read(site: Site) -> None:
    """Header values are latin-1 by PEP 3333; cookies are UTF-8, as browsers send them."""
    if site.kind.startswith("granian"):
        pytest.skip("granian hands over an empty text in place of a header value that is not ASCII")
    utf8 = "grün".encode().decode("latin-1")
    answer = talk(site.port, get("/headers", "X-Word: gr\xfcn", f"Cookie: word={utf8}"))
    assert answer is not None
    assert json.loads(answer.body) == {"word": "grün", "cookies": {"word": "grün"}}


def test_a_response_header_that_is_not_ascii_is_sent(site: Site) -> None:
    answer = talk(site.port, get("/headers"))
    assert answer is not None
    assert answer.headers["X-Word"].encode("latin-1") in ("grün".encode("latin-1"), "grün".encode())


def test_a_cookie_that_is_not_ascii_survives_the_round_trip(site: Site) -> None:
    site.http.get("/headers")
    assert site.http.get("/headers").json()["cookies"]["word"] == "grün; süß"


# --- what attackers and broken clients send --------------------------------------------------------------------------


def test_a_body_beyond_the_limit_is_413_and_the_worker_lives_on(site: Site) -> None:
    body = b"x" * 2_000_000
    request = b"POST /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = talk(site.port, request + body, "POST")
    if answer is not None:  # a client that still sends may find the connection reset before it reads
        assert answer.status == 413
    refused = talk(site.port, request, "POST") if not site.kind.startswith("waitress") else answer
    assert refused is not None
    assert refused.status == 413


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 200), (1_000_001, 413), (1_050_000, 413)])
def test_a_chunked_body_beyond_the_limit_is_413_and_never_cut_off(site: Site, size: int, status: int) -> None:
    request = b"POST /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = talk(site.port, request + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n", "POST")
    if answer is None:  # the connection was reset, because the rest of the body was not read
        assert status == 413
    else:
        assert answer.status == status
        assert status == 413 or len(answer.body) == size


def test_a_body_that_is_broken_off_is_not_taken_for_whole(site: Site) -> None:
    """A client that dies while it uploads leaves fewer bytes than its Content-Length says."""
    with connect(site.port) as connection:
        connection.sendall(b"POST /raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")
        connection.shutdown(socket.SHUT_WR)
        first_line = connection.recv(1000).split(b"\r\n")[0]
    assert first_line == b"" or b" 400 " in first_line


def test_a_cookie_header_of_ten_megabytes_is_refused_and_the_worker_lives_on(site: Site) -> None:
    answer = talk(site.port, get("/tasty", "Cookie: a=" + "x" * 10_000_000))
    if answer is not None and site.kind != "uvicorn":  # httptools knows no limit
        assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    "cookie",
    [
        "session=",
        "session",
        "=",
        ";;;=;;==",
        "session=" + "A" * 56,
        "session=" + "\xff" * 56,
        'session="\\000\\377"',
        "session=a; session=b; session=c; __Host-session=d",
        "session=" + "A" * 4000,
        "a=%00%ff; \x80=\x81; $Version=1; b=\\",
        "; ".join(f"c{number}={number}" for number in range(300)),
    ],
    ids=lambda cookie: re.sub(r"[^ -~]|[;\[\]]", ".", cookie[:24]),
)
def test_garbage_in_the_cookie_header_is_no_session_and_no_error(site: Site, cookie: str) -> None:
    answer = talk(site.port, get("/tasty", f"Cookie: {cookie}"))
    assert answer is not None
    if answer.status == 400:
        pytest.skip(f"{site.kind} refuses this header")
    assert answer.status == 200
    assert b'"visits":null' in answer.body


def test_nul_bytes_are_answered_and_harm_nothing(site: Site) -> None:
    for request, fine in (
        (get("/path/a%00b"), {200, 400}),
        (get("/static/%00"), {404, 400}),
        (get("/static/hello.txt%00.html"), {404, 400}),
        (get("/%00"), {404, 400}),
        (get("/path/x?q=%00"), {200, 400}),
        (get("/tasty", "Cookie: session=a\0b"), {400, 200}),
    ):
        answer = talk(site.port, request)
        if answer is not None:  # a server may also hang up
            assert answer.status in fine, request
    assert site.http.post("/form", data={"a\0": "b\0"}).json() == {"a\0": ["b\0"]}


def test_a_target_in_absolute_form_is_the_same_path(site: Site) -> None:
    """RFC 9112, section 3.2.2: a server must accept it."""
    answer = talk(site.port, get(f"http://localhost:{site.port}/target?a=b"))
    assert answer is not None
    assert answer.status == 200
    assert b'"path":"/target"' in answer.body


def test_a_target_that_is_no_path_is_no_error_of_the_application(site: Site) -> None:
    for target in ("*", "//", "///evil.example/größe".encode().decode("latin-1"), "/?", "/#", "http://localhost"):
        answer = talk(site.port, get(target))
        assert answer is None or answer.status < 500, target


def test_an_evil_path_does_not_become_a_redirect_to_another_host(site: Site) -> None:
    for path in ("//evil.example/..", "//evil.example", "///evil.example/%2e%2e", "/\\evil.example"):
        answer = talk(site.port, get(path))
        location = answer.headers["Location"] if answer is not None else None
        if location is not None:
            assert location.startswith(("/", "http://localhost/", "http://localhost:")), path
            assert not location.startswith(("//", "/\\")), path


def test_a_half_sent_request_leaves_room_for_others(site: Site) -> None:
    if site.kind == "gunicorn-sync":
        pytest.skip("a sync worker of gunicorn waits for one client alone, by design")
    with connect(site.port) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert site.http.get("/").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'"\xff"',
        b'"\\ud800"',
        b"1" * 100_000,
        b"1e999999999",
        b"NaN",
        b"",
        b"\0",
        b'{"a": 1, "a": 2} {',
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_hostile_json_is_read_or_refused_and_never_an_error_of_the_application(site: Site, body: bytes) -> None:
    answer = site.http.post("/json", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"----"),
        ("multipart/form-data; boundary=b", b"no boundary at all"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"; filename="../../etc"'),
        ("multipart/form-data; boundary=\xff", b"--\xff\r\n"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--" + b"b" * 300 + b"--"),
        ("application/x-www-form-urlencoded", b"%ff%fe=%&&==&\xff=\0&" * 100),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=b"),
        ("application/json; charset=utf-7", b"{}"),
        (";;;,,/", b"x"),
    ],
)
def test_hostile_forms_are_read_or_refused_and_never_an_error_of_the_application(
    site: Site, kind: str, body: bytes
) -> None:
    head = f"POST /parsed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
    answer = talk(site.port, request, "POST")
    assert answer is None or answer.status in (200, 400, 413)


@pytest.mark.parametrize(
    "header",
    [
        "If-Modified-Since: the day after tomorrow",
        "If-Modified-Since: Thu, 01 Jan 99999 00:00:00 GMT",
        "If-Range: \xff",
        "Range: bytes=-",
        "Range: bytes=9-1,5-,x",
        "Range: bytes=0-0,1-1,2-2,3-3",
        'If-None-Match: W/"',
        "If-Match: ,,,",
        "Accept: */*;q=nonsense, text/html;q=1e999",
        "Accept-Language: ;;;",
        "Authorization: Basic ====",
        "Authorization: Basic /////w==",
        "Authorization: Digest =,=,=",
        "Cache-Control: max-age=x, =",
        "X-Forwarded-For: ,,,",
        "Sec-Fetch-Site: \xff",
    ],
)
def test_headers_that_mean_nothing_are_no_error_of_the_application(site: Site, header: str) -> None:
    for path in ("/parsed", "/static/hello.txt", "/conditional"):
        answer = talk(site.port, get(path, header))
        assert answer is None or answer.status in (200, 206, 304, 400, 412, 416)


HOSTS = ["", "a b", '"><script>', "[::1", "localhost:99999999", "localhost:x", "\xfc.example"]


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_that_are_none_are_no_error_of_the_application(site: Site, host: str) -> None:
    for path in ("/", "/parsed", "/gr%C3%B6%C3%9Fe", "/visit"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")
        answer = talk(site.port, request)
        assert answer is None or answer.status in (200, 308, 400), path
        assert answer is None or b"<script>" not in answer.body


def test_a_client_of_http_1_0_that_names_no_host_is_answered(site: Site) -> None:
    answer = talk(site.port, b"GET /parsed HTTP/1.0\r\n\r\n")
    assert answer is None or answer.status in (200, 400)
    assert site.kind.startswith("granian") or (answer is not None and answer.status == 200)


def test_methods_that_nobody_knows_are_405(site: Site) -> None:
    for method in (b"BREW", b"PROPFIND", b"TRACE"):
        answer = talk(site.port, method + b" / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer is not None
        assert answer.status in (405, 501) or (answer.status == 400 and site.kind == "uvicorn")  # httptools knows few


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "header", "text"),
    [
        ("/", "X-Fail-Before", "the hook before the view failed"),
        ("/raises", "X-Nothing", "the view failed"),
        ("/teardown-fails", "X-Nothing", "the teardown failed"),
    ],
)
def test_an_error_is_500_with_a_traceback_in_the_log_and_none_in_the_answer(
    site: Site, path: str, header: str, text: str
) -> None:
    answer = site.http.get(path, headers={header: "1"})
    assert answer.status_code == 500
    assert text not in answer.text
    until(lambda: f"RuntimeError: {text}" in site.server.log, "the traceback in the log")


def test_an_error_in_an_after_hook_is_500_and_the_next_request_is_answered(site: Site) -> None:
    answer = site.http.get("/", headers={"X-Fail-After": "1"})
    assert answer.status_code == 500
    assert "Internal Server Error" in answer.text
    until(lambda: "RuntimeError: the hook after the view failed" in site.server.log, "the traceback in the log")


# --- async views -----------------------------------------------------------------------------------------------------


def test_async_views_answer_in_parallel(site: Site) -> None:
    def ask(number: int) -> str:
        return httpx.get(f"{site.server.url}/async", params={"c": str(number)}, timeout=30, verify=False).text

    assert at_once(ask, 24, threads=6) == [f"ab{number}" for number in range(24)]


def test_a_client_that_hangs_up_cancels_an_async_view_that_waits(site: Site) -> None:
    if site.is_wsgi:
        pytest.skip("a WSGI server does not tell that a client has gone before something is sent to it")
    mark = "gone"
    with connect(site.port) as connection:
        connection.sendall(get(f"/waits/{mark}"))
        site.events.until(mark, "begun")
    assert site.events.until(mark, "teardown") == ["begun", "cancelled", "finally", "teardown"]


def test_a_plain_view_whose_client_hangs_up_comes_to_its_end_and_is_torn_down(site: Site) -> None:
    mark = "gone-plain"
    with connect(site.port) as connection:
        connection.sendall(get(f"/waits-plain/{mark}"))
        site.events.until(mark, "begun")
    site.open_gate(mark)
    assert site.events.until(mark, "teardown") == ["begun", "done", "teardown"]


@pytest.mark.parametrize("path", ["/threads", "/threads-async"])
def test_all_plain_callables_of_a_request_run_in_one_thread(site: Site, path: str) -> None:
    assert {site.http.get(path).text for _ in range(10)} == {"1"}


def test_an_async_view_keeps_a_session(site: Site) -> None:
    assert [site.http.get("/async-session").text for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize("path", ["/leak", "/leak-async", "/leak-stream"])
def test_nothing_that_one_request_sets_is_seen_by_the_next(site: Site, path: str) -> None:
    """Not on `g` and not in a ContextVar of the user, although threads and connections are used again."""
    assert {site.http.get(path).text for _ in range(20)} == {"unset unset"}


# --- headers that protect --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/json", 200),
        ("GET", "/empty", 204),
        ("GET", "/stream/nosniff", 200),
        ("GET", "/static/hello.txt", 200),
        ("GET", "/download", 200),
        ("GET", "/go", 303),
        ("GET", "/gr%C3%B6%C3%9Fe", 308),
        ("GET", "/missing", 404),
        ("GET", "/only-post", 405),
        ("OPTIONS", "/only-post", 200),
        ("GET", "/abort/418", 418),
        ("GET", "/raises", 500),
        ("GET", "/async?c=d", 200),
        ("GET", "/visit", 200),
    ],
)
def test_every_answer_tells_browsers_not_to_guess_its_type(site: Site, method: str, path: str, status: int) -> None:
    site.open_gate("nosniff")
    answer = site.http.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "{own}"}, 200),
        ({"Origin": "{own}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_an_unsafe_request_from_another_site_is_refused(site: Site, headers: dict[str, str], status: int) -> None:
    headers = {name: value.replace("{own}", site.server.url) for name, value in headers.items()}
    answer = site.http.post("/only-post", headers=headers)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if status == 403:
        assert "This request was sent by another website, and was refused." in answer.text
        assert "Sec-Fetch-Site" not in answer.text  # the reason is for developers
        assert site.http.get("/", headers=headers).status_code == 200


# --- the session's headers -------------------------------------------------------------------------------------------


def test_a_session_goes_from_request_to_request(site: Site) -> None:
    assert [site.http.get("/visit").text for _ in range(3)] == ["1", "2", "3"]


def test_an_untouched_session_leaves_no_trace_in_the_headers(site: Site) -> None:
    site.http.get("/visit")
    answer = site.http.get("/")
    assert not {"vary", "cache-control", "set-cookie"} & set(answer.headers)


def test_a_session_that_is_read_says_vary_cookie_and_nothing_else(site: Site) -> None:
    site.http.get("/visit")
    answer = site.http.get("/look")
    assert answer.text == "1"
    assert answer.headers["Vary"] == "Cookie"
    assert not {"cache-control", "set-cookie"} & set(answer.headers)


def test_a_new_session_comes_in_a_careful_cookie_that_no_cache_keeps(site: Site) -> None:
    answer = site.http.get("/visit")
    assert answer.headers["Vary"] == "Cookie"
    assert answer.headers["Cache-Control"] == "no-store"
    (cookie,) = answer.headers.get_list("Set-Cookie")
    assert re.fullmatch(r"session=[\w-]{56}; HttpOnly; Path=/; SameSite=Lax", cookie)


def test_over_https_the_cookie_is_secure_and_bound_to_its_host(site: Site) -> None:
    secure = {"X-Forwarded-Proto": "https"}
    (cookie,) = site.http.get("/visit", headers=secure).headers.get_list("Set-Cookie")
    assert re.fullmatch(r"__Host-session=[\w-]{56}; Secure; HttpOnly; Path=/; SameSite=Lax", cookie)
    name_and_value = cookie.partition(";")[0]
    site.http.cookies.clear()
    assert site.http.get("/look", headers={"Cookie": name_and_value, **secure}).text == "1"
    assert site.http.get("/look", headers={"Cookie": name_and_value}).text == "nothing", "not over plain http"
    planted = name_and_value.removeprefix("__Host-")
    assert site.http.get("/look", headers={"Cookie": planted, **secure}).text == "nothing", "not without the prefix"
