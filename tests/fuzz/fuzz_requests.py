"""Draws requests: mostly such as the application knows, with something wrong in them."""

from __future__ import annotations

import re
from typing import Any

from fuzz_app import PATHS
from hypothesis import strategies as st

#: Bytes as WSGI hands them over: each a character.
latin = st.binary(max_size=24).map(lambda raw: raw.decode("latin-1"))

PIECES = [
    *(
        "",
        "/",
        "//",
        "..",
        "../",
        ".",
        "a",
        "b",
        "c d",
        "static",
        "digits.txt",
        "templates",
        "1",
        "-1",
        "0",
        "1.5",
        "nan",
    ),
    *(
        "9" * 4301,
        "%",
        "%00",
        "%2e%2e%2f",
        "%zz",
        "%ff",
        "\x00",
        "\n",
        "\r\n",
        "\r\nX-Evil: 1",
        "\\",
        "\xff",
        "\xed\xa0\x80",
    ),
    *(
        "\xc3\xa4",
        "\xf0\x9f\x98\x80",
        "\xb2",
        "\xa0",
        "@",
        ":",
        "?",
        "#",
        "&",
        "=",
        ";",
        ",",
        "|",
        "<script>",
        "'",
        '"',
    ),
    *(
        "[",
        "]",
        "{{ config }}",
        "{%",
        "$",
        "evil.example",
        "http://evil.example/",
        "javascript:alert(1)",
        " ",
        "\t",
        "*",
    ),
    *(
        "12345678-1234-5678-1234-567812345678",
        "a-1.b",
        "x" * 3100,
        "a" * 300,
        "1-" * 300,
        "inf",
        "1e999",
        "\x7f",
        "\x85",
    ),
]
piece = st.sampled_from(PIECES)
pieces = st.lists(piece, max_size=4).map("".join)
junk = st.one_of(pieces, latin)

HOSTS = ["localhost", "localhost:80", "example.com:8000", "[::1]:5000", "127.0.0.1", "a.example.com", "EXAMPLE.com."]
HOSTS += [
    "a:b",
    "a:99999",
    "a:" + "9" * 4301,
    "[",
    "a b",
    "a/b",
    "a@b",
    "\xe4.example",
    "xn--a",
    "a,b",
    "..",
    ":80",
    "-",
    "a." * 140,
    "b" * 64,
]
DATES = ["Thu, 01 Jan 1970 00:00:00 GMT", "Tue, 14 Nov 2023 22:13:20 GMT", "Sun, 99 Foo 9999 99:99:99 GMT", "0", "-1"]
DATES += ["Sat, 01 Jan 00000 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -9999", "Thu, 1 Jan 1970 00:00:00 +999999999999"]
TYPES = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json", "text/plain"]
TYPES += ["multipart/form-data", 'multipart/form-data; boundary="', "multipart/form-data; boundary=" + "b" * 2000]
TYPES += [
    "multipart/form-data; boundary=\xff",
    "application/vnd.x+json; charset=utf-16",
    "application/json; charset=none",
]
TYPES += [
    "application/x-www-form-urlencoded; charset=utf-7",
    "multipart/form-data; boundary*=utf-8''b",
    "/",
    ";",
    "a/b;c",
]
LENGTHS = [
    "0",
    "1",
    "5",
    "-1",
    "+5",
    "5.0",
    "1e3",
    "0x10",
    " 5",
    "5 ",
    "5,5",
    "99999999999999999999",
    "9" * 4301,
    "\xb2",
    "3001",
]
ETAGS = ['"a"', 'W/"a"', "*", '"', '"a", "b"', "W/", "a", ",,,", '"\xff"']
ACCEPTS = [
    "*/*",
    "text/html;q=0.9, */*;q=0.1",
    "text/html;q=nan",
    "a;q=-1",
    "a;q=1e999",
    ";",
    ",",
    "*/html",
    "text/*;level=1",
]
ACCEPTS += ["gzip, deflate;q=", "de-AT, de;q=0.5", "text/html;" + "a=b;" * 100, "a/b/c", "q=1", "*", "text/html;q=\xb2"]
COOKIES = [
    "session=x",
    "session",
    "session=",
    "=",
    "==",
    ";",
    "; ;",
    'session="a',
    "session=.",
    "session=.eJ",
    "a=b; session=x",
]
COOKIES += [
    "__Host-session=x",
    "session=x; session=y",
    "session=\xff",
    "session=" + "A" * 56,
    "a=\\377",
    'a="\\',
    "session=a.b.c",
]
COOKIES += [
    "$Version=1; a=b",
    "session=.eJw.AAAA.AAAA",
    "session=" + "." * 300,
    "a" * 500 + "=b",
    "\x00=\x00",
    "session=\xe4" * 9,
]
ADDRESSES = [
    "1.2.3.4",
    "1.2.3.4:5",
    "[::1]:5",
    "::1",
    "unknown",
    "_hidden",
    "a, b",
    ",",
    ",,",
    "1.2.3.4, ",
    " ",
    "9" * 500,
]

#: What is tried as the value of each header.
VALUES: dict[str, list[str]] = {
    "Host": HOSTS,
    "X-Forwarded-For": ADDRESSES,
    "X-Forwarded-Host": [*HOSTS, "a, b"],
    "X-Forwarded-Port": [*LENGTHS, "443", "99999"],
    "X-Forwarded-Proto": ["https", "http", "HTTPS", "javascript", "https, http", ":", "\xe4", "ws", ","],
    "X-Forwarded-Prefix": ["/a", "a", "//evil", "/\\evil", "/a/", "/\xe4", "/\xff", "/ /", "/%2f", "/a?b#c", "/\x00"],
    "Content-Type": TYPES,
    "Content-Length": LENGTHS,
    "Transfer-Encoding": ["chunked", "gzip", "chunked, chunked", "identity", "\x0bchunked"],
    "Content-Encoding": ["gzip", "br", "\xff"],
    "Expect": ["100-continue", "x"],
    "Cookie": COOKIES,
    "Authorization": [
        "Basic",
        "Basic ",
        "Basic YTpi",
        "Basic !",
        "Basic /w==",
        "Bearer x",
        'Digest a="',
        "Digest ,=,",
        " ",
        "a b",
    ],
    "Range": [
        *("bytes=0-4", "bytes=-1", "bytes=5-", "bytes=9-1", "bytes=0-1,3-4", "bytes=", "bytes=a-b", "bytes=--1"),
        *(
            "bits=0-1",
            "bytes=0-" + "9" * 4301,
            "bytes=" + "0-1," * 99,
            "bytes=-0",
            "bytes=\xb2-\xb2",
            "=0-1",
            "bytes=9-",
        ),
    ],
    "If-Range": [*ETAGS, *DATES],
    "If-Match": ETAGS,
    "If-None-Match": ETAGS,
    "If-Modified-Since": DATES,
    "If-Unmodified-Since": DATES,
    "Date": DATES,
    "Accept": ACCEPTS,
    "Accept-Language": ACCEPTS,
    "Accept-Encoding": ACCEPTS,
    "Accept-Charset": ACCEPTS,
    "Cache-Control": ["no-cache", "max-age=x", "max-age=" + "9" * 4301, "max-age", "=,=", 'a="', "max-stale=\xb2"],
    "Pragma": ["no-cache"],
    "Max-Forwards": LENGTHS,
    "Origin": [
        "http://localhost",
        "null",
        "http://evil.example",
        "http://[",
        "//",
        "https://localhost:99999",
        "\xff",
        "",
    ],
    "Sec-Fetch-Site": ["same-origin", "cross-site", "none", "x"],
    "Referer": ["http://localhost/", "\xff", "http://["],
    "User-Agent": ["x", "\xff", ""],
    "Access-Control-Request-Headers": ["a, b", ",", "\xff"],
    "Access-Control-Request-Method": ["GET", "\xff"],
    "X-HTTP-Method-Override": ["DELETE"],
    "traceparent": ["00-" + "0" * 32 + "-" + "0" * 16 + "-00", "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "x"],
    "X-Request-ID": ["a", "\xff", "a" * 900, "a b"],
    "Via": ["1.1 a"],
}
known_header = st.sampled_from(
    ["Host", "Host", "Host", "Content-Type", "Content-Type", "Cookie", *sorted(VALUES)]
).flatmap(
    lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(VALUES[name]), st.sampled_from(VALUES[name]), junk))
)
header_name = st.text("abcXYZ-_!~0", min_size=1, max_size=8)
#: Name and value. A server takes line breaks for the end of a header, so that none reaches an application.
header = st.one_of(known_header, known_header, known_header, st.tuples(header_name, junk)).map(
    lambda pair: (pair[0], re.sub("[\r\n\0]", "", pair[1]))
)
headers = st.lists(header, max_size=6)

METHODS = ["GET", "GET", "GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
ODD_METHODS = ["TRACE", "CONNECT", "get", "", "BREW", "G\xc4T", "a b", "X" * 300, "\xff"]
method = st.one_of(*[st.sampled_from(METHODS)] * 7, st.sampled_from(ODD_METHODS))


@st.composite
def path_of(draw: Any) -> str:
    """Draw a path: one that a rule matches, or nearly, or anything."""
    rule = draw(st.sampled_from([*PATHS, "/static/<path:name>"]))
    path = re.sub(r"<[^>]+>", lambda found: draw(st.sampled_from(["1", "a", "-1.5", "x/y"])), rule)
    if draw(st.booleans()) and "<" in rule:
        path = rule.partition("<")[0] + draw(junk)
    if rule not in ("/fine", "/static/<path:name>"):
        path = draw(st.sampled_from(["/p", "/w"])) + path
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(junk)
    return path + draw(junk) if kind == 1 else path


path = path_of()
names = st.sampled_from(
    ["text", "next", "cache", "parse", "late", "as", "force", "_external", "_scheme", "_anchor", ""]
)
query = st.one_of(
    st.lists(st.tuples(names, junk).map("=".join), max_size=4).map("&".join),
    junk,
)
FORM_PIECES = [
    *(
        b"--b\r\n",
        b"--b--\r\n",
        b"--b--",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"--",
        b"a=b",
        b"&",
        b"=",
        b";",
        b"%",
        b"%ff",
        b"+",
        b"\xff",
    ),
    *(
        b'Content-Disposition: form-data; name="a"\r\n\r\n',
        b'Content-Disposition: form-data; name="a"; filename="f"\r\n\r\n',
    ),
    *(
        b'Content-Disposition: form-data; name="',
        b"Content-Disposition: form-data\r\n\r\n",
        b"Content-Disposition:\r\n",
    ),
    *(
        b"Content-Type: text/plain; charset=none\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b": \r\n",
        b"x" * 301,
        b"a=1&" * 40,
    ),
    *(
        b"Content-Disposition: form-data; name*=utf-8''%ff; filename*=x''\xff\r\n\r\n",
        b"Content-Length: -1\r\n",
        b"\0",
        b"y" * 2900,
    ),
]
JSON_PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b'"a"',
    b":",
    b",",
    b"1",
    b"-",
    b"1e999",
    b"null",
    b"NaN",
    b"\\ud800",
    b'"\\ud800"',
    b"\xff",
]
JSON_PIECES += [b"[" * 2000, b"9" * 2500, b"\xef\xbb\xbf", b"\x00{", b"\xff\xfe", b'{"a":' * 400, b" ", b"tru"]
body = st.one_of(
    st.just(b""),
    st.binary(max_size=60),
    st.lists(st.sampled_from(FORM_PIECES), max_size=8).map(b"".join),
    st.lists(st.sampled_from(FORM_PIECES[:17]), max_size=8).map(lambda parts: b"--b\r\n" + b"".join(parts)),
    st.lists(st.sampled_from(JSON_PIECES), max_size=6).map(b"".join),
)
#: The type that a body is said to have, more often the right one than drawn headers say; None to say none.
kind = st.sampled_from([None, None, *TYPES[:3], TYPES[1]])
#: Where the application is mounted: a server's word, so it begins with a slash, if with nothing else.
mount = st.one_of(
    st.just(""),
    st.just(""),
    st.just(""),
    st.sampled_from(["/app", "/\xc3\xa4", "/\xff", "/a/", "//evil.example"]),
    junk.map("/".__add__),
)
