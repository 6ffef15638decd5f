"""The kinds of value that a setting can have: what is accepted, and what to write instead of a wrong value."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from erlen.config.retired import RETIRED_TYPES
from erlen.errors import nearest

__all__ = ["Kind", "choice", "seconds"]


class Kind(Struct, frozen=True):
    """What values a setting accepts.

    :param accepts: the accepted values in words, to be read after "It accepts"
    :param fits: tells whether a value is accepted
    :param hint: gives a sentence for a value that is not accepted, or an empty string
    :param secret: the value is never shown
    """

    accepts: str
    fits: Callable[[Any], bool]
    hint: Callable[[Any], str] = lambda value: ""
    secret: bool = False

    def or_none(self, meaning: str = "") -> Kind:
        """Return the kind that accepts None as well; *meaning* says what None stands for."""
        words = f"{self.accepts}, or None" + (f" ({meaning})" if meaning else "")
        return Kind(words, lambda value: value is None or self.fits(value), self.hint, self.secret)


def seconds(value: int | float | timedelta) -> float:
    """Return a duration in seconds, whether it is given as a number of seconds or as a ``timedelta``. ::

    seconds(timedelta(minutes=2))  # 120.0
    """
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def choice(*values: object) -> Kind:
    """Return the kind that accepts exactly *values*; a text is compared without regard to case."""
    known = {value.lower() if isinstance(value, str) else value for value in values}

    def fits(value: object) -> bool:
        if isinstance(value, str):
            return value.lower() in known
        return not isinstance(value, bool) and isinstance(value, int | None) and value in known

    def hint(value: object) -> str:
        return _did_you_mean(value, [entry for entry in values if isinstance(entry, str)])

    return Kind(_listed(values), fits, hint)


def _listed(values: Sequence[object]) -> str:
    """Write *values* as a list in words: ``'a', 'b' or 'c'``."""
    written = [repr(value) for value in values]
    return written[0] if len(written) == 1 else f"{', '.join(written[:-1])} or {written[-1]}"


def _did_you_mean(value: object, known: Sequence[str]) -> str:
    spelt = {entry.lower(): entry for entry in known}
    found = nearest(value.lower(), spelt) if isinstance(value, str) else None
    return f"Did you mean {spelt[found]!r}?" if found else ""


# -- truth values ------------------------------------------------------------------------------------------------------

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _is_flag(value: object) -> bool:
    # 0 and 1 are what an environment variable such as ERLEN_DEBUG=1 becomes.
    return isinstance(value, bool) or (type(value) is int and value in (0, 1))


def _flag_hint(value: object) -> str:
    if not isinstance(value, str):
        return f"Write {bool(value)}."
    meant = _WORDS.get(value.strip().lower())
    reason = "A text that is not empty counts as true, whatever it says."
    if meant is None:
        return reason
    return f"{reason} Write {meant}, without quotes; in an environment variable: {str(meant).lower()}."


FLAG = Kind("True or False", _is_flag, _flag_hint)
FLAG_OR_AUTOMATIC = Kind("True, False, or None (automatic)", FLAG.or_none().fits, _flag_hint)

# -- numbers and durations ---------------------------------------------------------------------------------------------


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: object) -> float | None:
    """Read the number that *value* is or, being a text, was meant to be; None if there is none in it."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_duration(value: object, least: float = 0.0) -> bool:
    number = value.total_seconds() if isinstance(value, timedelta) else _number(value)
    return not isinstance(value, str) and number is not None and number >= least


def _size_hint(value: object) -> str:
    number = _number(value)
    if number is None:
        return ""
    return "A size cannot be negative." if number < 0 else f"Write {int(number)}."


def _count_hint(value: object) -> str:
    number = _number(value)
    if number is None:
        return ""
    return f"Write {int(number)}." if number >= 1 else "There must be at least one."


def _duration_hint(value: object) -> str:
    number = value.total_seconds() if isinstance(value, timedelta) else _number(value)
    if number is None:
        return ""
    if number < 0:
        return "A duration cannot be negative."
    return f"Write {number:g}, which is a number of seconds." if isinstance(value, str) else "It must be longer than 0."


_SHORTEST = timedelta.resolution.total_seconds()

SIZE = Kind("a whole number that is not negative", _is_size, _size_hint)
COUNT = Kind("a whole number of at least 1", lambda value: _is_size(value) and value != 0, _count_hint)
DURATION = Kind(
    "a number of seconds or a timedelta, longer than 0",
    lambda value: _is_duration(value, _SHORTEST),
    _duration_hint,
)
DURATION_OR_ZERO = Kind("a number of seconds or a timedelta", _is_duration, _duration_hint)

# -- texts -------------------------------------------------------------------------------------------------------------


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(fits(entry) for entry in value)


def _lone_text_hint(value: object) -> str:
    return f"Write [{value!r}]: a text alone would be read letter by letter." if isinstance(value, str) else ""


TEXT = Kind("a text", _is_text)
PATH = Kind("a text or a pathlib.Path", lambda value: isinstance(value, str | os.PathLike) and bool(str(value)))
TEXTS = Kind("a list or tuple of texts", lambda value: _texts(value, _is_text), _lone_text_hint)

# -- keys --------------------------------------------------------------------------------------------------------------


def _is_key(value: object) -> bool:
    return isinstance(value, str | bytes) and len(value) > 0


def _key_hint(value: object) -> str:
    if isinstance(value, str | bytes):
        return "It is empty, and an empty key protects nothing. Run 'erlen secret' for a good one."
    if isinstance(value, int | float):
        return (
            "It is a number. An environment variable or a file that holds only digits is read as one: put quotes "
            "around it, or run 'erlen secret' for a better key."
        )
    return "Run 'erlen secret' for a good one."


def _keys_hint(value: object) -> str:
    if isinstance(value, str | bytes):
        return "Put the key into a list, [key]: a text alone would be read letter by letter."
    return "Every key in it is a text or bytes, and not empty."


KEY = Kind("a text or bytes, not empty", _is_key, _key_hint, secret=True)
KEYS = Kind("a list or tuple of keys", lambda value: _texts(value, _is_key), _keys_hint, secret=True)

# -- addresses ---------------------------------------------------------------------------------------------------------

# Compiled when they are first used: most applications check none of these.
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]+)?"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*"
_ORIGIN = r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+"
_URL = r"[A-Za-z][A-Za-z0-9+._-]*://"


def _is_host(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(_HOST, value) is not None


def _host_hint(value: object) -> str:
    if isinstance(value, str) and value:
        host = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", value.strip()).split("/")[0]
        return f"Write {host!r}: only the name, without scheme and path." if _is_host(host) else ""
    return ""


def _hosts_hint(value: object) -> str:
    if isinstance(value, list | tuple):
        return next((hint for hint in map(_host_hint, value) if hint), "")
    return _lone_text_hint(value)


def _scheme_hint(value: object) -> str:
    found = re.match(_SCHEME, value) if isinstance(value, str) else None
    return f"Write {found[0]!r}." if found else ""


def _origins_hint(value: object) -> str:
    if isinstance(value, str):
        return _lone_text_hint(value)
    if isinstance(value, list | tuple | set | frozenset):
        for entry in value:
            if isinstance(entry, str) and not _is_origin(entry):
                found = re.match(_ORIGIN, entry)
                cure = f" Write {found[0]!r}, without the path." if found else " Scheme and host belong to it."
                return f"{entry!r} is not an origin.{cure}"
    return ""


def _is_origin(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(_ORIGIN, value) is not None


HOST = Kind("a host name such as 'example.com' or 'example.com:8080'", _is_host, _host_hint)
HOSTS = Kind(
    "a list or tuple of host names such as 'example.com' or '.example.com'",
    lambda value: _texts(value, lambda host: isinstance(host, str) and _is_host(host.removeprefix("."))),
    _hosts_hint,
)
SCHEME = Kind(
    "a scheme such as 'https'",
    lambda value: isinstance(value, str) and re.fullmatch(_SCHEME, value) is not None,
    _scheme_hint,
)
URL = Kind(
    "an address such as 'redis://localhost:6379/0'",
    lambda value: isinstance(value, str) and re.match(_URL, value) is not None,
    lambda value: "It starts with the kind of store, then '://'." if isinstance(value, str) else "",
    secret=True,
)
ORIGINS = Kind(
    "a list or tuple of origins such as 'https://shop.example.com'",
    lambda value: _texts(value, _is_origin),
    _origins_hint,
)

# -- cookies -----------------------------------------------------------------------------------------------------------

_NOT_TOKEN = r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]"


def _is_cookie_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and re.search(_NOT_TOKEN, value) is None


def _cookie_name_hint(value: object) -> str:
    if not isinstance(value, str):
        return ""
    if not value:
        return "A cookie without a name cannot be told from others."
    found = re.search(_NOT_TOKEN, value)
    culprit = repr(found[0]) if found else ""
    return (
        f"It holds {culprit}, and browsers would not send such a cookie back: the name is a token of RFC 6265, section "
        f"4.1.1. Write {re.sub(_NOT_TOKEN, '_', value)!r}."
    )


def _is_cookie_part(value: object) -> bool:
    return isinstance(value, str) and not re.search(r"[;\x00-\x1f\x7f]", value)


COOKIE_NAME = Kind("a cookie name", _is_cookie_name, _cookie_name_hint)
COOKIE_DOMAIN = Kind(
    "a domain such as 'example.com'",
    # False was Flask's word for "no domain" up to version 2.2, and is still met.
    lambda value: value is False or (_is_cookie_part(value) and _is_host(value)),
    _host_hint,
)
COOKIE_PATH = Kind(
    "a path that begins with '/'",
    lambda value: _is_cookie_part(value) and str(value).startswith("/"),
    lambda value: f"Write {'/' + value!r}." if _is_cookie_part(value) and isinstance(value, str) else "",
)

HEADER_NAME = Kind(
    "the name of a header",
    _is_cookie_name,  # both are a token
    lambda value: f"Write {re.sub(_NOT_TOKEN, '-', value)!r}." if isinstance(value, str) and value else "",
)

# -- the session store -------------------------------------------------------------------------------------------------

STORE_NAMES = (
    "null",
    "cookie",
    "memory",
    "filesystem",
    "sqlite",
    "redis",
    "memcached",
    "mongodb",
    "sqlalchemy",
    "dynamodb",
)
_IMPORT_NAME = r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*"
_DOTTED_NAME = r"[^\W\d]\w*(\.[^\W\d]\w*)+"


def _is_store(value: object) -> bool:
    if value is None or isinstance(value, str):
        return value is None or value in STORE_NAMES or re.fullmatch(_IMPORT_NAME, value) is not None
    return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in ("load", "merge"))


def _store_hint(value: object) -> str:
    if isinstance(value, type):
        return f"Make an object of the class: {value.__name__}(...)."
    if isinstance(value, str) and re.fullmatch(_DOTTED_NAME, value):
        return f"Did you mean {':'.join(value.rsplit('.', 1))!r}? A colon stands between module and class."
    retired = RETIRED_TYPES.get(value.strip().lower()) if isinstance(value, str) else None
    return retired or _did_you_mean(value, STORE_NAMES)


STORE = Kind(
    f"None, {', '.join(map(repr, STORE_NAMES))}, an import name 'package.module:Class', or a SessionStore object",
    _is_store,
    _store_hint,
)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.\-]+", value) is not None


def _is_policies(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and (callable(policy) or policy in CONFLICT_POLICIES) for key, policy in value.items()
    )


def _policies_hint(value: object) -> str:
    if not isinstance(value, dict):
        return "Write {'cart': 'error'}."
    for key, policy in value.items():
        if not callable(policy) and policy not in CONFLICT_POLICIES:
            return f"{policy!r} for {key!r} is none of them. {_did_you_mean(policy, CONFLICT_POLICIES)}".strip()
    return ""


CONFLICT_POLICIES = ("last", "first", "error")
POLICIES = Kind(
    "a dict from keys of the session to 'last', 'first', 'error' or a function (base, theirs, mine)",
    _is_policies,
    _policies_hint,
)
CLIENT = Kind(
    "a client object of the store's driver", lambda value: value is not None and not isinstance(value, str | int)
)
NAME = Kind("a name of letters, digits and '_', '.', '-'", _is_name)
PREFIX = Kind("a text without spaces", lambda value: isinstance(value, str) and not re.search(r"[\s\x00-\x1f]", value))
MODE = Kind(
    "the permissions of a file, such as 0o600",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 0o600 <= value <= 0o777,
    lambda value: "The owner must be able to read and write: 0o600 or more." if isinstance(value, int) else "",
)
LABELS = Kind("True, False, or a function of the request", lambda value: _is_flag(value) or callable(value))
