"""Everything in which Erlen's own defaults and Flask's differ: one table, two instances.

``erlen.Erlen`` starts from :data:`ERLEN`, ``erlen.flask.Flask`` from :data:`FLASK`. No other code asks which of the two
an application is: it reads the row it needs, here or in ``app.config``.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

__all__ = ["ERLEN", "FLASK", "Defaults"]


class Defaults(Struct, frozen=True, kw_only=True):
    """One set of defaults.

    The rows up to ``body_timeout`` are the first values of settings, which an application changes in ``app.config``;
    the rows after it are properties of the application class.
    """

    session_type: str
    """``SESSION_TYPE``: where sessions are kept."""
    session_cookie_name: str | None
    """``SESSION_COOKIE_NAME``; None chooses ``__Host-session`` where browsers accept that name."""
    session_cookie_secure: bool | None
    """``SESSION_COOKIE_SECURE``; None sets the attribute on https only."""
    session_cookie_samesite: str | None
    """``SESSION_COOKIE_SAMESITE``."""
    redirect_code: int
    """``REDIRECT_CODE``: the status that ``redirect()`` sends."""
    cross_site_guard: bool
    """``CROSS_SITE_GUARD``: refuse unsafe requests that come from other sites."""
    nosniff: bool
    """``CONTENT_TYPE_NOSNIFF``: send ``X-Content-Type-Options: nosniff``."""
    body_timeout: timedelta | None
    """``BODY_TIMEOUT``: how long the body of a request may take to come."""

    json_provider: str
    """The class behind ``app.json``: ``"msgspec"`` or ``"flask"``."""
    env_prefix: str
    """The prefix that ``config.from_prefixed_env()`` reads when it is given none."""
    warn_route_conflicts: bool
    """Whether two routes that can match the same URL are reported."""
    debug_page: bool
    """Whether debug mode answers an unhandled exception with a page about it instead of raising it to the server."""
    reuses_app_context: bool
    """Whether a request shares ``g`` and the end of a context of the same application that is pushed already. Not on an
    event loop: a context that was pushed when the module was imported would be that of all requests at once."""
    answers_in_context: bool
    """Whether status and headers are handed to a WSGI server before the teardowns, so that what stands between sees
    ``request`` and ``g``."""
    ends_kept_contexts: bool
    """Whether a request whose context the test client keeps is torn down at its end all the same, and once more when
    the client lets the context go."""
    types_no_content: bool
    """Whether an answer with the status 204 keeps its ``Content-Type``."""
    checks_settings: bool
    """Whether a setting with a value that cannot work is refused at the start."""


ERLEN = Defaults(
    session_type="sqlite",
    session_cookie_name=None,
    session_cookie_secure=None,
    session_cookie_samesite="Lax",
    redirect_code=303,
    cross_site_guard=True,
    nosniff=True,
    body_timeout=timedelta(seconds=60),
    json_provider="msgspec",
    env_prefix="ERLEN",
    warn_route_conflicts=True,
    debug_page=True,
    reuses_app_context=False,
    answers_in_context=False,
    ends_kept_contexts=False,
    types_no_content=False,
    checks_settings=True,
)
"""The defaults of ``erlen.Erlen``."""

FLASK = Defaults(
    session_type="cookie",
    session_cookie_name="session",
    session_cookie_secure=False,
    session_cookie_samesite=None,
    redirect_code=302,
    cross_site_guard=False,
    nosniff=False,
    body_timeout=None,
    json_provider="flask",
    env_prefix="FLASK",
    warn_route_conflicts=False,
    debug_page=False,
    reuses_app_context=True,
    answers_in_context=True,
    ends_kept_contexts=True,
    types_no_content=True,
    checks_settings=False,
)
"""The defaults of Flask 3.1."""
