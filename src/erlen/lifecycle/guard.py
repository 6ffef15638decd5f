"""The front door: what a browser marks as forged by another site is refused before a hook or a view acts on it.

Follows OWASP's Cross-Site Request Forgery cheat sheet (Fetch Metadata, then Origin): browsers send ``Sec-Fetch-Site``
with every request to a trustworthy URL, and ``Origin`` with every unsafe one. A client that sends neither is no
browser, so nobody's cookies are abused through it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden

__all__ = ["SAFE_METHODS", "CrossSiteRequest", "refuse_cross_site"]

#: Methods that must not change anything (RFC 9110, section 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_KNOWN_SITES = frozenset({"same-origin", "same-site", "none"})
_CURE = (
    "If the other site is yours, add its origin to CROSS_SITE_TRUSTED_ORIGINS; if a route is meant for every site and "
    "does not trust cookies, write cross_site=True in its route."
)


class CrossSiteRequest(Forbidden):
    """The 403 for an unsafe request that comes from another site.

    :param reason: which header says so
    """

    def __init__(self, reason: str, explain: bool) -> None:
        text = "This request was sent by another website, and was refused."
        super().__init__(f"{text} {reason} {_CURE}" if explain else text)
        self.reason = reason


def refuse_cross_site(request: Any, trusted: Any, explain: bool) -> None:
    """Refuse *request*, which has an unsafe method, if its browser says that another site sent it.

    :param trusted: origins that may send it all the same, for instance ``("https://admin.example.org",)``
    :param explain: tell the developer why in the answer
    :raises CrossSiteRequest: 403
    """
    headers = request.headers
    site = headers.get("Sec-Fetch-Site")
    origin = headers.get("Origin")
    if origin is not None and origin in trusted:
        return
    if site == "cross-site":
        raise CrossSiteRequest("Its header is 'Sec-Fetch-Site: cross-site'.", explain)
    # A value that the standard does not know counts as none at all (W3C Fetch Metadata, section 2.3).
    if site not in _KNOWN_SITES and origin is not None and not _same_origin(origin, request):
        raise CrossSiteRequest(
            f"Its header is 'Origin: {origin[:200]}', and this site is {request.scheme}://{request.host}.", explain
        )


def _same_origin(origin: str, request: Any) -> bool:
    # The scheme is not compared: behind a proxy that ends TLS it is not known without trust in the proxy's headers.
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    host = parts.netloc.lower()
    if not host:  # "null": a sandboxed frame, or a page that hides where it comes from
        return False
    own = request.host.lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return own in (host, host + default) or host == own + default
