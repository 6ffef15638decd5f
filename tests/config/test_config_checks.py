"""Which settings are known, what their defaults are, and how wrong values are refused."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
import pytest

from erlen.config import ERLEN, FLASK, SECTIONS, SETTINGS, Config, Setting, default_settings, seconds
from erlen.errors import ConfigError


def problems(**settings: Any) -> list[str]:
    """Return what is found wrong with the defaults of Erlen and these settings."""
    return [str(problem) for problem in Config("", {**default_settings(), **settings}).problems()]


class Store:
    """Has the methods that a session store is known by."""

    def load(self) -> None: ...
    def merge(self) -> None: ...


# -- defaults ----------------------------------------------------------------------------------------------------------


def test_flasks_defaults_are_those_that_flask_has() -> None:
    ours = default_settings(FLASK)
    assert {key: ours.get(key, "missing") for key in flask.Flask.default_config} == {
        **flask.Flask.default_config,
        "DEBUG": False,  # an application of Flask sets it while it is made
    }


def test_the_two_sets_of_defaults_differ_in_nothing_but_the_table() -> None:
    ours, flasks = default_settings(ERLEN), default_settings(FLASK)
    assert {key: (ours[key], flasks[key]) for key in ours if ours[key] != flasks[key]} == {
        "SESSION_TYPE": ("sqlite", "cookie"),
        "SESSION_COOKIE_NAME": (None, "session"),
        "SESSION_COOKIE_SECURE": (None, False),
        "SESSION_COOKIE_SAMESITE": ("Lax", None),
        "REDIRECT_CODE": (303, 302),
        "CROSS_SITE_GUARD": (True, False),
        "CONTENT_TYPE_NOSNIFF": (True, False),
        "BODY_TIMEOUT": (timedelta(seconds=60), None),
    }
    with pytest.raises(AttributeError):
        ERLEN.redirect_code = 302  # type: ignore[misc]


@pytest.mark.parametrize("defaults", [ERLEN, FLASK])
def test_the_defaults_pass_the_check(defaults: Any) -> None:
    config = Config("", default_settings(defaults))
    assert config.problems() == []
    assert config.doubts() == []
    config.check()


def test_the_default_settings_are_a_new_dict_each_time() -> None:
    default_settings()["DEBUG"] = True
    assert default_settings()["DEBUG"] is False


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_is_described_by_sentences(setting: Setting) -> None:
    assert setting.name.isupper()
    assert setting.sentence[0].isupper()
    assert setting.sentence.endswith(".")
    assert "|" not in setting.sentence + setting.kind.accepts


def test_every_setting_stands_in_one_section() -> None:
    names = [setting.name for section in SECTIONS.values() for setting in section]
    assert sorted(names) == sorted(set(names)) == sorted(SETTINGS)


# -- what is accepted --------------------------------------------------------------------------------------------------

ACCEPTED: list[tuple[str, Any]] = [
    ("DEBUG", 1),  # ERLEN_DEBUG=1
    ("TEMPLATES_AUTO_RELOAD", False),
    ("SECRET_KEY", b"bytes"),
    ("SECRET_KEY_FALLBACKS", ("a", b"b")),
    ("SECRET_KEY_FALLBACKS", []),
    ("SESSION_TYPE", None),
    *[("SESSION_TYPE", name) for name in ["null", "cookie", "memory", "filesystem", "sqlite", "redis", "memcached"]],
    *[("SESSION_TYPE", name) for name in ["mongodb", "sqlalchemy", "dynamodb", "package.module:Class", "m:C.Inner"]],
    ("SESSION_TYPE", Store()),
    ("SESSION_URL", "postgresql+psycopg://u:p@host/db"),
    ("SESSION_SQLITE_PATH", Path("x.sqlite3")),
    ("SESSION_SQLITE_PATH", "x.sqlite3"),
    ("PERMANENT_SESSION_LIFETIME", 3600),
    ("PERMANENT_SESSION_LIFETIME", timedelta(hours=1)),
    ("PERMANENT_SESSION_LIFETIME", 0),
    ("SESSION_IDLE_TIMEOUT", 0.5),
    ("SESSION_ON_ERROR", "Anonymous"),
    ("SESSION_COOKIE_SAMESITE", "strict"),
    ("SESSION_COOKIE_NAME", "my_session.v2"),
    ("SESSION_COOKIE_DOMAIN", ".example.com"),
    ("SESSION_COOKIE_DOMAIN", False),
    ("SESSION_COOKIE_PATH", "/shop"),
    ("MAX_CONTENT_LENGTH", 0),
    ("MAX_FORM_PARTS", None),
    ("TRUSTED_HOSTS", ["example.com", ".example.org"]),
    ("CROSS_SITE_TRUSTED_ORIGINS", ["https://example.com:8443", "app://local"]),
    ("SERVER_NAME", "[::1]:5000"),
    ("PREFERRED_URL_SCHEME", "https"),
    ("REDIRECT_CODE", 308),
    ("SEND_FILE_MAX_AGE_DEFAULT", timedelta(0)),
    ("APPLICATION_ROOT", "/app"),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_a_valid_value_passes(key: str, value: Any) -> None:
    assert problems(**{key: value}) == []


# -- what is refused, and how ------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Any, str]] = [
    ("SESSION_TYPE", "reddis", "Did you mean 'redis'?"),
    ("SESSION_TYPE", "Redis", "Did you mean 'redis'?"),
    ("SESSION_TYPE", "package.module.Class", "Did you mean 'package.module:Class'? A colon stands between"),
    ("SESSION_TYPE", Store, "Make an object of the class: Store(...)."),
    ("SESSION_TYPE", 5, "It accepts None, 'null', 'cookie',"),
    ("SESSION_TYPE", "", "It accepts None, 'null', 'cookie',"),
    ("DEBUG", "False", "Write False, without quotes; in an environment variable: false."),
    ("TESTING", "on", "Write True, without quotes; in an environment variable: true."),
    ("TESTING", "maybe", "A text that is not empty counts as true, whatever it says."),
    ("TESTING", 2, "Write True."),
    ("TESTING", None, "Write False."),
    ("PROPAGATE_EXCEPTIONS", "no", "It accepts True, False, or None (automatic)."),
    ("SECRET_KEY", "", "It is empty, and an empty key protects nothing."),
    ("SECRET_KEY", 123456, "It is a number. An environment variable or a file that holds only digits is read as one"),
    ("SECRET_KEY", ["a"], "Run 'erlen secret' for a good one."),
    ("SECRET_KEY_FALLBACKS", "old", "Put the key into a list, [key]: a text alone would be read letter by letter."),
    ("SECRET_KEY_FALLBACKS", ["old", ""], "Every key in it is a text or bytes, and not empty."),
    ("SESSION_URL", "localhost", "It starts with the kind of store, then '://'."),
    ("SESSION_URL", 6379, "It accepts an address such as 'redis://localhost:6379/0', or None."),
    ("SESSION_SQLITE_PATH", "", "It accepts a text or a pathlib.Path, or None (sessions.sqlite3 in the"),
    ("PERMANENT_SESSION_LIFETIME", "3600", "Write 3600, which is a number of seconds."),
    ("PERMANENT_SESSION_LIFETIME", "an hour", "It accepts a number of seconds or a timedelta."),
    ("PERMANENT_SESSION_LIFETIME", True, "It accepts a number of seconds or a timedelta."),
    ("PERMANENT_SESSION_LIFETIME", float("nan"), "It accepts a number of seconds or a timedelta."),
    ("PERMANENT_SESSION_LIFETIME", 10**400, "It accepts a number of seconds or a timedelta."),
    ("PERMANENT_SESSION_LIFETIME", -1, "A duration cannot be negative."),
    ("SESSION_LOCK_WAIT", timedelta(seconds=-1), "A duration cannot be negative."),
    ("SESSION_ABSOLUTE_TIMEOUT", timedelta(0), "It must be longer than 0."),
    ("SESSION_IDLE_TIMEOUT", 0, "It must be longer than 0."),
    ("SESSION_ON_ERROR", "anon", "Did you mean 'anonymous'?"),
    ("SESSION_ON_ERROR", None, "It accepts 'raise' or 'anonymous'."),
    ("SESSION_COOKIE_SAMESITE", "laxx", "Did you mean 'Lax'?"),
    ("SESSION_COOKIE_SAMESITE", True, "It accepts 'Lax', 'Strict', 'None' or None."),
    ("SESSION_COOKIE_SAMESITE", ["Lax"], "It accepts 'Lax', 'Strict', 'None' or None."),
    ("SESSION_COOKIE_NAME", "", "A cookie without a name cannot be told from others."),
    ("SESSION_COOKIE_NAME", "größe", "It holds 'ö', and browsers would not send such a cookie back"),
    ("SESSION_COOKIE_NAME", 5, "It accepts a cookie name, or None (automatic)."),
    ("SESSION_COOKIE_DOMAIN", "https://example.com/", "Write 'example.com': only the name, without scheme and path."),
    ("SESSION_COOKIE_DOMAIN", "a; Secure", "It accepts a domain such as 'example.com', or None."),
    ("SESSION_COOKIE_PATH", "shop", "Write '/shop'."),
    ("SESSION_COOKIE_PATH", "/a;b", "It accepts a path that begins with '/', or None."),
    ("MAX_CONTENT_LENGTH", 16e6, "Write 16000000."),
    ("MAX_CONTENT_LENGTH", "1000", "Write 1000."),
    ("MAX_CONTENT_LENGTH", "16 MB", "It accepts a whole number that is not negative, or None (no limit)."),
    ("MAX_FORM_PARTS", -1, "A size cannot be negative."),
    ("MAX_COOKIE_SIZE", None, "It accepts a whole number that is not negative."),
    ("TRUSTED_HOSTS", "example.com", "Write ['example.com']: a text alone would be read letter by letter."),
    (
        "TRUSTED_HOSTS",
        [1],
        "It accepts a list or tuple of host names such as 'example.com' or '.example.com', or None (any host).",
    ),
    (
        "CROSS_SITE_TRUSTED_ORIGINS",
        "https://a.b",
        "Write ['https://a.b']: a text alone would be read letter by letter.",
    ),
    ("CROSS_SITE_TRUSTED_ORIGINS", ["https://a.b", "https://a.b/c"], "Write 'https://a.b', without the path."),
    ("CROSS_SITE_TRUSTED_ORIGINS", ["a.b"], "'a.b' is not an origin. Scheme and host belong to it."),
    ("CROSS_SITE_TRUSTED_ORIGINS", [None], "It accepts a list or tuple of origins"),
    ("CROSS_SITE_TRUSTED_ORIGINS", None, "It accepts a list or tuple of origins"),
    ("SERVER_NAME", "https://example.com/shop", "Write 'example.com': only the name, without scheme and path."),
    ("SERVER_NAME", "a b", "It accepts a host name such as"),
    ("SERVER_NAME", "example.com:http", "It accepts a host name such as"),
    ("SERVER_NAME", 5000, "It accepts a host name such as"),
    ("PREFERRED_URL_SCHEME", "https://", "Write 'https'."),
    ("PREFERRED_URL_SCHEME", "", "It accepts a scheme such as 'https'."),
    ("PREFERRED_URL_SCHEME", None, "It accepts a scheme such as 'https'."),
    ("REDIRECT_CODE", 200, "It accepts 301, 302, 303, 305, 307 or 308."),
    ("REDIRECT_CODE", "303", "It accepts 301, 302, 303, 305, 307 or 308."),
    ("APPLICATION_ROOT", "shop", "Write '/shop'."),
    ("TRUSTED_HOSTS", ["http://shop.example/"], "Write 'shop.example': only the name, without scheme and path."),
    ("APPLICATION_ROOT", None, "It accepts a path that begins with '/'."),
]


@pytest.mark.parametrize(("key", "value", "part"), REFUSED)
def test_a_wrong_value_is_refused_with_what_to_write(key: str, value: Any, part: str) -> None:
    [message] = problems(**{key: value})
    assert message.startswith(f"{key}: ")
    assert part in message


def test_the_message_names_key_value_what_is_accepted_and_the_cure() -> None:
    config = Config("", {"SESSION_COOKIE_NAME": "session name"})
    with pytest.raises(ConfigError) as caught:
        config.check()
    assert str(caught.value) == (
        "SESSION_COOKIE_NAME: 'session name' is not accepted. It accepts a cookie name, or None (automatic). It holds "
        "' ', and browsers would not send such a cookie back: the name is a token of RFC 6265, section 4.1.1. Write "
        "'session_name'."
    )
    assert (caught.value.key, isinstance(caught.value, ValueError)) == ("SESSION_COOKIE_NAME", True)


@pytest.mark.parametrize("key", ["SECRET_KEY", "SECRET_KEY_FALLBACKS", "SESSION_URL"])
def test_a_message_never_shows_a_secret(key: str) -> None:
    [message] = problems(**{key: {"s3cret"} if key == "SECRET_KEY" else 4711 if "URL" in key else "s3cret"})
    assert "is not accepted" in message
    assert "s3cret" not in message
    assert "4711" not in message


def test_check_raises_the_first_problem_and_problems_gives_all() -> None:
    config = Config("", {"TESTING": "x", "REDIRECT_CODE": 1, "DEBUG": "x"})
    assert [problem.key for problem in config.problems()] == ["DEBUG", "TESTING", "REDIRECT_CODE"]
    with pytest.raises(ConfigError, match=r"^DEBUG: "):
        config.check()


def test_unknown_keys_belong_to_the_application() -> None:
    config = Config("", {"SESION_TYPE": 5, "COLOUR": "red", "MAX_FORM_PART": 1, "SESSION_SOMETHING_ELSE": 1})
    assert config.problems() == []
    assert config.doubts() == [("SESION_TYPE", "SESSION_TYPE"), ("MAX_FORM_PART", "MAX_FORM_PARTS")]


# -- rules between settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["__Host-", "__Secure-", "__host-"])
@pytest.mark.parametrize("secure", [False, None])
def test_a_name_with_a_prefix_needs_secure(prefix: str, secure: bool | None) -> None:
    [message] = problems(SESSION_COOKIE_NAME=f"{prefix}id", SESSION_COOKIE_SECURE=secure)
    assert message.startswith(f"SESSION_COOKIE_SECURE: Browsers refuse a cookie named '{prefix}id' unless it is Secure")
    assert "Set SESSION_COOKIE_SECURE = True" in message


@pytest.mark.parametrize("key", ["SESSION_COOKIE_SECURE", "SESSION_COOKIE_PARTITIONED"])
def test_a_name_with_a_prefix_passes_where_the_cookie_is_secure(key: str) -> None:
    assert problems(SESSION_COOKIE_NAME="__Host-id", **{key: True}) == []
    assert problems(SESSION_COOKIE_NAME="__Secure-id", SESSION_COOKIE_DOMAIN="a.b", **{key: True}) == []


def test_a_host_cookie_has_no_domain() -> None:
    [message] = problems(
        SESSION_COOKIE_NAME="__Host-id", SESSION_COOKIE_SECURE=True, SESSION_COOKIE_DOMAIN="example.com"
    )
    assert message.startswith("SESSION_COOKIE_DOMAIN: Browsers refuse a cookie named '__Host-id' if it has a domain")


@pytest.mark.parametrize("key", ["SESSION_COOKIE_PATH", "APPLICATION_ROOT"])
def test_a_host_cookie_has_the_path_of_the_whole_host(key: str) -> None:
    settings = {"SESSION_COOKIE_NAME": "__Host-id", "SESSION_COOKIE_SECURE": True, key: "/app"}
    [message] = problems(**settings)
    assert message.startswith("SESSION_COOKIE_PATH: Browsers refuse a cookie named '__Host-id' unless its path is '/'")
    assert "it would be '/app'" in message


@pytest.mark.parametrize("samesite", ["None", "none"])
def test_samesite_none_needs_secure(samesite: str) -> None:
    [message] = problems(SESSION_COOKIE_SAMESITE=samesite)
    assert message.startswith(f"SESSION_COOKIE_SAMESITE: Browsers refuse a cookie with SameSite={samesite} that is not")
    assert problems(SESSION_COOKIE_SAMESITE=samesite, SESSION_COOKIE_SECURE=True) == []


def test_a_rule_is_not_asked_about_a_value_that_is_wrong_alone() -> None:
    assert len(problems(SESSION_COOKIE_NAME=5, SESSION_COOKIE_SAMESITE=5)) == 2


def test_a_configuration_that_is_not_complete_can_be_checked() -> None:
    assert Config("", {"SESSION_COOKIE_NAME": "__Host-id", "SESSION_COOKIE_SECURE": True}).problems() == []


# -- durations ---------------------------------------------------------------------------------------------------------


def test_a_duration_is_given_in_seconds_or_as_a_timedelta() -> None:
    assert (seconds(90), seconds(0.5), seconds(timedelta(minutes=2))) == (90.0, 0.5, 120.0)


def test_a_path_like_object_is_a_path() -> None:
    class Place(os.PathLike[str]):
        def __fspath__(self) -> str:
            return "x"

    assert problems(SESSION_SQLITE_PATH=Place()) == []
