"""The session cookie: found in a request's header, written for a response. Source: RFC 6265 and its draft 6265bis."""

from __future__ import annotations

import math
from base64 import urlsafe_b64encode
from email.utils import formatdate

from erlen import sessions

__all__ = ["SessionCookie", "find_cookies", "may_be_permanent"]

_GONE = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"


def find_cookies(header: str, name: str) -> list[str]:
    """Return the values of the cookies called *name* in a ``Cookie`` header, without parsing the rest.

    There can be several: a browser sends those of longer paths first, and a neighbouring subdomain may have set one.
    """
    wanted = name + "="
    if ";" not in header and header.startswith(wanted):  # the only one, as most often
        return [header[len(wanted) :].strip(' \t"')]
    values = []
    before, found, rest = header.partition(wanted)
    while found:
        if before[-2:] == "; " or before.rstrip(" \t")[-1:] in ("", ";"):
            values.append(rest.partition(";")[0].strip(' \t"'))
        before, found, rest = rest.partition(wanted)
        before = "=" + before  # inside of a value, not at the beginning of the header
    return values


def _inside_base64(text: bytes) -> tuple[str, ...]:
    """Return the three ways in which *text* can stand inside of a longer one that is written in base64."""
    return tuple(urlsafe_b64encode(text[start : start + (len(text) - start) // 3 * 3]).decode() for start in range(3))


_PERMANENT = _inside_base64(b'"_permanent"')


def may_be_permanent(header: str) -> bool:
    """Tell whether a ``Cookie`` header may hold a cookie session that is permanent: quickly, and never no by mistake.

    Its JSON stands there in base64, or compressed, where it begins with a dot.
    """
    first, second, third = _PERMANENT
    return first in header or second in header or third in header or "=." in header or '=".' in header


class SessionCookie:
    """Names and writes the session cookie as the settings say."""

    __slots__ = ("_tails", "names")

    def __init__(self, settings: sessions.SessionSettings) -> None:
        forced = True if settings.cookie_partitioned else settings.cookie_secure
        secure = [https if forced is None else bool(forced) for https in (False, True)]
        self.names = tuple(_name(settings, flag) for flag in secure)
        """The cookie's name for a request that did not come by https, and for one that did."""
        self._tails = tuple(_attributes(settings, flag) for flag in secure)

    def write(self, value: str, https: bool, expires: float | None, now: float) -> str:
        """Return a complete ``Set-Cookie`` value.

        :param expires: the moment until which the browser keeps it; None for until the browser is closed
        """
        lifetime = ""
        if expires is not None:
            left = max(0, math.ceil(expires - now))
            lifetime = f"; Expires={formatdate(now + left, usegmt=True)}; Max-Age={left}"
        return f"{self.names[https]}={value}{lifetime}{self._tails[https]}"

    def expire(self, https: bool) -> str:
        """Return the ``Set-Cookie`` value that takes the cookie away."""
        return f"{self.names[https]}=; {_GONE}{self._tails[https]}"


def _name(settings: sessions.SessionSettings, secure: bool) -> str:
    if settings.cookie_name is not None:
        return settings.cookie_name
    # The prefix makes the browser itself see to it that no other host and no plain http has set the cookie.
    bound = secure and settings.cookie_path == "/" and settings.cookie_domain is None
    return "__Host-session" if bound else "session"


def _attributes(settings: sessions.SessionSettings, secure: bool) -> str:
    parts = [f"Domain={settings.cookie_domain.lstrip('.')}"] if settings.cookie_domain else []
    if secure:
        parts.append("Secure")
    if settings.cookie_httponly:
        parts.append("HttpOnly")
    parts.append(f"Path={settings.cookie_path}")
    if settings.cookie_samesite:
        parts.append(f"SameSite={settings.cookie_samesite.title()}")
    if settings.cookie_partitioned:
        parts.append("Partitioned")
    return "".join(f"; {part}" for part in parts)
