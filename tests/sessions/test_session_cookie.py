"""The session cookie: found in a header without parsing it, and written as the settings say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from erlen.sessions.cookies import SessionCookie, find_cookies
from erlen.sessions.settings import SessionSettings

names = st.sampled_from(["session", "xsession", "session2", "sess", "__Host-session", "a"])
plain = st.text("abcXYZ019-_", max_size=6)


@given(st.lists(st.tuples(names, plain), max_size=6), st.sampled_from(["; ", ";", " ; "]))
def test_cookies_are_found_as_werkzeug_finds_them(pairs: list[tuple[str, str]], separator: str) -> None:
    header = separator.join(f"{name}={value}" for name, value in pairs)
    for name in ("session", "__Host-session"):
        assert find_cookies(header, name) == parse_cookie(header).getlist(name)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("", []),
        ("session", []),
        ("session=", [""]),
        ("session=a", ["a"]),
        (" session=a ", ["a"]),
        ('session="a"', ["a"]),
        ("b=session=x; session=a", ["a"]),
        ("session=session=a", ["session=a"]),
        ("Session=a", []),
    ],
)
def test_odd_headers_are_read(header: str, values: list[str]) -> None:
    assert find_cookies(header, "session") == values


@pytest.mark.parametrize("header", ["asession= session=a", "asession=\tsession=a; b", "xsession=  session=a"])
def test_a_cookie_inside_of_the_value_of_another_one_is_none(header: str) -> None:
    assert find_cookies(header, "session") == []


def written(https: bool = True, **settings: Any) -> str:
    return SessionCookie(SessionSettings(**settings)).write("v", https, None, 0.0)


def test_on_https_the_cookie_is_bound_to_the_host() -> None:
    assert written() == "__Host-session=v; Secure; HttpOnly; Path=/; SameSite=Lax"


def test_on_http_it_is_a_plain_one() -> None:
    assert written(https=False) == "session=v; HttpOnly; Path=/; SameSite=Lax"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"cookie_name": "id"}, "id=v; Secure; HttpOnly; Path=/; SameSite=Lax"),
        ({"cookie_path": "/app"}, "session=v; Secure; HttpOnly; Path=/app; SameSite=Lax"),
        ({"cookie_domain": ".a.example"}, "session=v; Domain=a.example; Secure; HttpOnly; Path=/; SameSite=Lax"),
        ({"cookie_secure": False}, "session=v; HttpOnly; Path=/; SameSite=Lax"),
        ({"cookie_httponly": False}, "__Host-session=v; Secure; Path=/; SameSite=Lax"),
        ({"cookie_samesite": None}, "__Host-session=v; Secure; HttpOnly; Path=/"),
        ({"cookie_samesite": "strict"}, "__Host-session=v; Secure; HttpOnly; Path=/; SameSite=Strict"),
        ({"cookie_partitioned": True}, "__Host-session=v; Secure; HttpOnly; Path=/; SameSite=Lax; Partitioned"),
    ],
)
def test_each_setting_is_an_attribute(settings: dict[str, Any], expected: str) -> None:
    assert written(**settings) == expected


def test_secure_can_be_forced_where_a_proxy_hides_the_https() -> None:
    assert written(https=False, cookie_secure=True).startswith("__Host-session=v; Secure; ")
    assert written(https=False, cookie_partitioned=True).startswith("__Host-session=v; Secure; ")


def test_a_lifetime_is_written_as_a_date_and_in_seconds() -> None:
    cookie = SessionCookie(SessionSettings())
    assert cookie.write("v", False, 1_800_000_060.5, 1_800_000_000.0) == (
        "session=v; Expires=Fri, 15 Jan 2027 08:01:01 GMT; Max-Age=61; HttpOnly; Path=/; SameSite=Lax"
    )


def test_a_lifetime_that_is_over_is_zero() -> None:
    assert "Max-Age=0;" in SessionCookie(SessionSettings()).write("v", False, 5.0, 10.0)


def test_a_cookie_is_taken_away_with_the_attributes_it_was_set_with() -> None:
    assert SessionCookie(SessionSettings(cookie_path="/app")).expire(True) == (
        "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/app; SameSite=Lax"
    )
