"""What proxies in front of the application tell about the client: the ``X-Forwarded-*`` headers, if they are believed.

Anybody can send such a header. A proxy appends its own value to what came, so the last ones are true, as many as there
are proxies; what stands before them is a client's claim. So nothing is read unless the application says how many
proxies there are.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

__all__ = ["TrustedProxies"]

_ADDRESS_WITH_PORT = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.]+)\](?::[0-9]+)?|(?P<four>[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+):[0-9]+)\Z"
)
_SCHEMES = frozenset({"http", "https", "ws", "wss"})
_PORT = re.compile(r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])\Z")
# The characters that Werkzeug's Request.host takes; of others it would make an empty host.
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9.-]+)(?::(?P<port>[0-9]+))?\Z")
# Not //host, which is another site; and browsers read a backslash as a slash, and leave tabs out.
_PREFIX = re.compile(r"/(?!/)[^\x00-\x20\x7f\\?#]*\Z")


class TrustedProxies(Struct, frozen=True, kw_only=True):
    """How many proxies stand in front of the application and set each header; 0 for a header that none of them sets."""

    x_for: int
    x_proto: int
    x_host: int
    x_port: int
    x_prefix: int

    def apply(self, environ: dict[str, Any]) -> None:
        """Change the WSGI *environ* of a request to what the client asked of the first of these proxies.

        What was there before is kept under ``erlen.proxies.original``. A header with fewer values than there should be,
        or with a value that cannot be one, is left alone.
        """
        environ["erlen.proxies.original"] = {
            key: environ.get(key)
            for key in ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME")
        }
        address = _value(environ, "HTTP_X_FORWARDED_FOR", self.x_for)
        if address is not None:
            found = _ADDRESS_WITH_PORT.match(address)
            environ["REMOTE_ADDR"] = address if found is None else found["six"] or found["four"]
        scheme = (_value(environ, "HTTP_X_FORWARDED_PROTO", self.x_proto) or "").lower()
        if scheme in _SCHEMES:
            environ["wsgi.url_scheme"] = scheme
        host = _value(environ, "HTTP_X_FORWARDED_HOST", self.x_host)
        named = None if host is None else _HOST.match(host)
        if named is not None and (named["port"] is None or _PORT.match(named["port"])):
            environ["HTTP_HOST"] = host
            environ["SERVER_NAME"] = named["name"]
            environ["SERVER_PORT"] = named["port"] or ("443" if environ["wsgi.url_scheme"] == "https" else "80")
        port = _value(environ, "HTTP_X_FORWARDED_PORT", self.x_port)
        if port is not None and _PORT.match(port):
            if environ.get("HTTP_HOST"):
                environ["HTTP_HOST"] = f"{_without_port(environ['HTTP_HOST'])}:{port}"
            environ["SERVER_PORT"] = port
        prefix = _value(environ, "HTTP_X_FORWARDED_PREFIX", self.x_prefix)
        if prefix is not None and _PREFIX.match(prefix):
            environ["SCRIPT_NAME"] = prefix.rstrip("/")


def _value(environ: dict[str, Any], key: str, trusted: int) -> str | None:
    """Return what the outermost of *trusted* proxies has set, or None."""
    header = environ.get(key)
    if not trusted or not header:
        return None
    values = [value.strip() for value in header.split(",")]
    return values[-trusted] or None if len(values) >= trusted else None


def _without_port(host: str) -> str:
    """Take the port off a host; an IPv6 address has colons of its own."""
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host
