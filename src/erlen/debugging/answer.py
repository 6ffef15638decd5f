"""The answer to a request that an unhandled exception ended, in debug mode."""

from __future__ import annotations

from typing import Any

from erlen.debugging import page, text
from erlen.debugging.redaction import try_to
from erlen.debugging.report import collect

__all__ = ["explain", "wants_html"]

_SAFE = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("Referrer-Policy", "no-referrer"),
)
_NO_PAGE = (
    "500 Internal Server Error\n\n"
    "The page about this error could not be made. It stands in the log, and so does what went wrong with its page.\n"
)


def explain(app: Any, request: Any, error: BaseException, session: Any = None) -> Any:
    """Make a response that tells a developer about *error*: HTML for browsers, plain text for everybody else.

    Nothing secret is on it; see :mod:`erlen.debugging.redaction`.

    :param session: the session of the request, if it was opened
    """
    headers = list(_SAFE)
    try:
        report = collect(app, request, error, session)
        if wants_html(request):
            body, kind = page.render(report), "text/html"
            headers.append(("Content-Security-Policy", page.POLICY))
        else:
            body, kind = text.render(report), "text/plain"
    except Exception as failure:  # the first error must not be hidden by a second
        app.logger.error("The page about an error could not be made.", exc_info=failure)
        body, kind = _NO_PAGE, "text/plain"
    response = app.response_class(body, 500, content_type=f"{kind}; charset=utf-8")
    response.headers.extend(headers)
    return response


def wants_html(request: Any) -> bool:
    """Tell whether the client asks for HTML by name, as browsers do, and does not prefer plain text or JSON."""
    accepted = try_to(lambda: list(request.accept_mimetypes), [])
    wanted = max((quality for kind, quality in accepted if kind in ("text/html", "application/xhtml+xml")), default=0)
    others = max((quality for kind, quality in accepted if kind in ("text/plain", "application/json")), default=0)
    return bool(wanted and wanted >= others)
