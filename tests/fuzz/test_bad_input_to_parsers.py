"""Whatever stands in a cookie, a stored session, a proxy's header or a body is read, or refused in the way meant."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
from fuzz_app import KEY, OLDER_KEY, OTHERS, SECRETS, make_app
from fuzz_requests import (
    COOKIES,
    FORM_PIECES,
    JSON_PIECES,
    TYPES,
    VALUES,
    body,
    headers,
    junk,
    latin,
    path,
    query,
)
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException

from erlen import Erlen, Request, session
from erlen.callables import drive
from erlen.errors import SessionValueError
from erlen.http.proxies import TrustedProxies
from erlen.sessions import KeyRing, SecureCookieSessionInterface, SessionSettings
from erlen.sessions.codec import decode, encode
from erlen.sessions.cookie_manager import CookieManager
from erlen.sessions.cookies import find_cookies, may_be_permanent
from erlen.sessions.stores.null import NullStore
from erlen.sessions.token import Token
from fuzzing import fuzzed

cookies = st.one_of(
    st.sampled_from(COOKIES),
    st.lists(st.sampled_from(["session", "=", ";", "; ", " ", "\t", '"', "a", "x", "session=", ",", "\xff"])).map(
        "".join
    ),
    latin,
)


@fuzzed(300, header=cookies)
def test_the_cookies_of_a_name_are_found_as_by_splitting_the_header(header: str) -> None:
    expected = []
    for part in header.split(";"):
        name, equals, value = part.lstrip(" \t").partition("=")
        if equals and name == "session":
            expected.append(value.strip(' \t"'))
    assert find_cookies(header, "session") == expected


RING = KeyRing([KEY, OLDER_KEY])
VALID = [RING.sign(Token.draw()) for _ in range(5)] + [KeyRing([OLDER_KEY]).sign(Token.draw())]


def mangled(texts: list[str]) -> st.SearchStrategy[str]:
    """Draw one of *texts* with a part of it replaced."""
    return st.tuples(
        st.sampled_from(texts), st.integers(0, 99), st.integers(0, 4), st.one_of(latin, st.text(max_size=2))
    ).map(lambda drawn: drawn[0][: drawn[1]] + drawn[3] + drawn[0][drawn[1] + drawn[2] :])


@fuzzed(300, value=st.one_of(mangled(VALID), junk, st.text(max_size=60)))
def test_only_a_token_that_was_signed_is_one(value: str) -> None:
    assert (RING.verify(value) is not None) is (value in VALID)


INTERFACE = SecureCookieSessionInterface()
APP = Erlen("parsers")
APP.config.update(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=[OLDER_KEY], SESSION_TYPE="cookie")
SERIALIZER: Any = INTERFACE.get_signing_serializer(APP)
SIGNED = [
    SERIALIZER.dumps({"a": 1}),
    SERIALIZER.dumps({"note": "x" * 300}),
    SERIALIZER.dumps({"_permanent": True, "b": [(1,)]}),
]
MANAGER = CookieManager(SessionSettings(type="cookie"), NullStore(), RING)
# What an application of another version, or another one with the same key, may have signed.
ODD = st.one_of(
    st.binary(max_size=30),
    st.lists(st.sampled_from(JSON_PIECES), max_size=5).map(b"".join),
    st.sampled_from(
        [b'{" d":"x"}', b'{" u":"x"}', b'{" t":1}', b'{" b":"!"}', b'[{" d":1e999}]', b'{"a":{" m":[]}}', b".AAAA"]
    ),
)


def signed(payload: bytes, coded: bool) -> str:
    from itsdangerous.encoding import base64_encode

    signer = SERIALIZER.make_signer(SERIALIZER.salt)
    return str(signer.sign(base64_encode(payload) if coded else payload).decode("latin-1"))


@fuzzed(
    300, value=st.one_of(mangled(SIGNED), cookies, junk, st.builds(signed, ODD, st.booleans()))
)  # fmt: skip
def test_a_cookie_session_is_read_or_empty(value: str) -> None:
    value = re.sub("[\r\n]", "", value).encode(errors="replace").decode("latin-1")
    request: Any = Request({"HTTP_COOKIE": f"session={value}"})
    opened = INTERFACE.open_session(APP, request)
    found = MANAGER.open(f"session={value}", False)
    assert isinstance(dict(opened), dict)
    assert isinstance(dict(found), dict)
    assert may_be_permanent(f"session={value}") in (True, False)
    assert not any(secret in repr(dict(opened)) for secret in SECRETS)
    drive(MANAGER.save(found))


STORED = [
    encode("k", value)
    for value in (1, "text", [1, "a", (2,)], {"a": {1, 2}, "b": [None, 1.5, b"x"]}, {1: 2}, 10**30, frozenset({"a"}))
]
DAMAGE = [
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc7",
    b"\x91" * 5000,
    b"-",
    b"9" * 5000,
]
DAMAGE += [b"m\xc7\x03" + bytes([tag]) + b"\x93\xff\xff" for tag in range(14)]
DAMAGE += [b"m\xc7\x1d\x0a\x93" + b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff" * 3 + b"\0"]


@fuzzed(
    300,
    raw=st.tuples(
        st.sampled_from([*STORED, b"m", b"l"]),
        st.integers(0, 40),
        st.integers(0, 4),
        st.one_of(st.binary(max_size=6), st.sampled_from(DAMAGE)),
    ).map(lambda drawn: drawn[0][: drawn[1]] + drawn[3] + drawn[0][drawn[1] + drawn[2] :]),
)
def test_a_damaged_value_of_a_session_is_read_or_refused_by_its_own_error(raw: bytes) -> None:
    try:
        decode("k", raw)
    except SessionValueError as error:
        assert "session.pop('k', None)" in str(error)  # noqa: PT017 - both outcomes are right


@fuzzed(
    300,
    environ=st.fixed_dictionaries(
        {
            "HTTP_" + name.upper().replace("-", "_"): st.one_of(
                st.sampled_from(values), junk, st.sampled_from(values).map("x, ".__add__)
            )
            for name, values in VALUES.items()
            if name.startswith("X-Forwarded-")
        }
    ),
    numbers=st.tuples(*[st.integers(0, 3)] * 5),
)  # fmt: skip
def test_what_a_proxy_tells_is_taken_where_it_can_be_true(environ: dict[str, str], numbers: tuple[int, ...]) -> None:
    given = {"wsgi.url_scheme": "http", "HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    given |= {"SCRIPT_NAME": "", "REMOTE_ADDR": "127.0.0.1", "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    changed: dict[str, Any] = {**given, **environ}
    names = ("x_for", "x_proto", "x_host", "x_port", "x_prefix")
    TrustedProxies(**dict(zip(names, numbers, strict=True))).apply(changed)
    assert re.fullmatch(r"[a-z][a-z0-9+.-]*", changed["wsgi.url_scheme"])
    assert changed["SERVER_PORT"].isdecimal()
    assert not re.search(r"[\s/?#@\\,]", changed["HTTP_HOST"])
    assert changed["SCRIPT_NAME"] == "" or re.match(r"/[^/\\]", changed["SCRIPT_NAME"])
    assert changed["REMOTE_ADDR"]
    request = Request(changed)
    for name in ("host", "url", "base_url", "host_url", "access_route", "remote_addr", "is_secure"):
        try:
            getattr(request, name)
        except HTTPException as error:
            assert error.code == 400  # noqa: PT017 - both outcomes are right
    believed = {"REMOTE_ADDR": numbers[0], "wsgi.url_scheme": numbers[1], "HTTP_HOST": numbers[2] or numbers[3]}
    believed["SCRIPT_NAME"] = numbers[4]
    for key, number in believed.items():
        assert number or changed[key] == given[key]


@fuzzed(
    300,
    raw=body | st.lists(st.sampled_from(FORM_PIECES), max_size=25).map(b"".join),
    kind=st.sampled_from(TYPES) | st.sampled_from(TYPES[:2]),
    length=st.sampled_from([None, "0", "5", "-1", "99999", "x"]),
    limits=st.tuples(*[st.sampled_from([None, 0, 1, 30, 10_000])] * 3),
)
def test_a_form_is_read_or_refused(raw: bytes, kind: str, length: str | None, limits: tuple[int | None, ...]) -> None:
    environ = {
        "wsgi.input": io.BytesIO(raw),
        "wsgi.input_terminated": True,
        "CONTENT_TYPE": kind,
        "REQUEST_METHOD": "POST",
    }
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    request = Request(environ)
    request.max_content_length, request.max_form_memory_size, request.max_form_parts = limits
    try:
        form, files = request.form, request.files
    except HTTPException as error:
        assert error.code in (400, 413)  # noqa: PT017 - both outcomes are right
        return
    request.close()
    if limits[2] is not None and kind.startswith("multipart"):
        assert len(list(form.items(multi=True))) + len(list(files.items(multi=True))) <= limits[2]
    if limits[1] is not None and kind.startswith("multipart"):
        assert all(len(value.encode(errors="replace")) <= limits[1] * 3 for _, value in form.items(multi=True))


@fuzzed(
    300,
    raw=st.lists(st.sampled_from(JSON_PIECES), max_size=9).map(b"".join) | st.binary(max_size=40),
    kind=st.sampled_from(["application/json", *TYPES]),
    debug=st.booleans(),
)
def test_a_json_body_is_read_or_refused(raw: bytes, kind: str, debug: bool) -> None:
    environ = {"wsgi.input": io.BytesIO(raw), "CONTENT_LENGTH": str(len(raw)), "CONTENT_TYPE": kind}
    request = Request(environ)
    request.app = SimpleNamespace(config={**APP.config, "DEBUG": debug}, json=APP.json, debug=debug)
    try:
        APP.json.dumps(request.get_json())
    except HTTPException as error:
        assert error.code in (400, 415)  # noqa: PT017 - both outcomes are right
    assert request.get_json(force=True, silent=True) is None or raw


class Broken(Exception):
    """What the view of the debug page raises."""


@pytest.fixture(scope="module")
def debugged(tmp_path_factory: pytest.TempPathFactory) -> Any:
    app = make_app(tmp_path_factory.mktemp("debugged"), DEBUG=True, PROPAGATE_EXCEPTIONS=None)

    def fail(text: str) -> str:
        session["note"] = OTHERS
        raise Broken(f"{text} {KEY}")

    app.add_url_rule("/fail/<path:text>", "fail", fail, methods=["GET", "POST", "BREW"])
    app.logger.disabled = True
    return app


@fuzzed(
    25, share=0.05, method=st.sampled_from(["GET", "POST", "BREW"]), path=path, query=query, headers=headers, body=body,
    html=st.booleans(),
)  # fmt: skip
def test_the_page_about_an_error_is_made_for_every_request_and_tells_no_secret(
    debugged: Any, method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes, html: bool
) -> None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/fail" + path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    if html:
        environ["HTTP_ACCEPT"] = "text/html"
    environ["HTTP_COOKIE"] = environ.get("HTTP_COOKIE", "a=b") + "; other=the cookie that no page tells"
    environ["HTTP_AUTHORIZATION"] = "Bearer the-bearer-that-no-page-tells"
    got: list[Any] = []
    answer = b"".join(debugged(environ, lambda status, headers, exc_info=None: got.extend([status, headers])))
    told = answer.decode()
    if got[0].startswith("500"):
        assert "Broken" in told
        assert "could not be made" not in told
    else:
        assert int(got[0].split()[0]) in (301, 308, 400, 403, 404, 405)
    for secret in (*SECRETS, "the cookie that no page tells", "the-bearer-that-no-page-tells"):
        assert secret not in told
