"""The cookies of the test client: Werkzeug's, which end when their time is over, as those of a browser do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import Client as WerkzeugClient
from werkzeug.test import Cookie

__all__ = ["ExpiringCookies"]


class ExpiringCookies(WerkzeugClient):
    """A client that forgets a cookie when its ``Max-Age`` or ``Expires`` has passed (RFC 6265, section 5.3)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Cookies with a lifetime, by the identity of each: the cookie, and when it ends.
        self._ends: dict[int, tuple[Cookie, datetime]] = {}

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return a cookie that the client would send, or None.

        :param domain: the domain that it was set for
        :param path: the path that it was set for
        """
        self._forget_ended()
        return super().get_cookie(key, domain, path)

    def set_cookie(self, key: str, value: str = "", **kwargs: Any) -> None:
        """Set a cookie without a request; see :meth:`werkzeug.test.Client.set_cookie`."""
        super().set_cookie(key, value, **kwargs)
        self._note_ends()

    def _update_cookies_from_response(self, *args: Any, **kwargs: Any) -> None:
        super()._update_cookies_from_response(*args, **kwargs)
        self._note_ends()

    def _add_cookies_to_wsgi(self, environ: dict[str, Any]) -> None:
        self._forget_ended()
        super()._add_cookies_to_wsgi(environ)

    def _note_ends(self) -> None:
        """Note when the cookies that came just now will end. Max-Age counts from now, and before Expires."""
        for cookie in (self._cookies or {}).values():
            if id(cookie) not in self._ends:
                end = cookie.expires
                if cookie.max_age is not None:
                    end = datetime.now(UTC) + timedelta(seconds=min(cookie.max_age, 10**9))
                if end is not None:
                    self._ends[id(cookie)] = cookie, end
        self._forget_ended()

    def _forget_ended(self) -> None:
        cookies: dict[Any, Cookie] = self._cookies or {}
        now = datetime.now(UTC)
        there = {id(cookie): key for key, cookie in cookies.items()}
        for identity, (_, end) in list(self._ends.items()):
            if identity not in there:
                del self._ends[identity]
            elif end <= now:
                del cookies[there[identity]], self._ends[identity]
