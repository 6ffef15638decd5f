"""Every setting that Erlen knows, declared once: name, kind, default and a sentence.

Validation (:meth:`erlen.config.Config.problems`), the first values of ``app.config`` and the table in
``docs/configuration.md`` all come from this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from erlen.config import kinds
from erlen.config.defaults import ERLEN, Defaults
from erlen.config.session_settings import SESSION_SECTIONS
from erlen.config.setting import Differs, Setting

__all__ = ["SECTIONS", "SETTINGS", "Setting", "default_settings"]


SECTIONS: dict[str, tuple[Setting, ...]] = {
    "Running": (
        Setting("DEBUG", kinds.FLAG, False, "Debug mode: errors are shown in full, templates are reloaded."),
        Setting("TESTING", kinds.FLAG, False, "Test mode: exceptions reach the test instead of becoming a 500 page."),
        Setting(
            "SLOW_CALLBACK_REPORT",
            kinds.DURATION_OR_ZERO.or_none("automatic"),
            None,
            "Log what holds the event loop for longer than so many seconds, with its line; 0: nothing; automatic "
            "means: 0.1 in debug mode, and nothing otherwise.",
        ),
        Setting(
            "PROPAGATE_EXCEPTIONS",
            kinds.FLAG_OR_AUTOMATIC,
            None,
            "Raise exceptions to the server instead of handling them; automatic means: when testing, and in debug mode "
            "where no page about the error is shown instead (Erlen shows one, Flask's defaults raise).",
        ),
        Setting(
            "TRAP_HTTP_EXCEPTIONS",
            kinds.FLAG,
            False,
            "Let HTTP exceptions such as 404 pass as errors, so that a debugger can show where they were raised.",
        ),
        Setting(
            "TRAP_BAD_REQUEST_ERRORS",
            kinds.FLAG_OR_AUTOMATIC,
            None,
            "Let the error for a key missing in request.form or request.args pass with its traceback; automatic "
            "means: in debug mode.",
        ),
        Setting(
            "BACKGROUND_TASK_SHUTDOWN_TIMEOUT",
            kinds.DURATION_OR_ZERO,
            10,
            "How many seconds (or a timedelta) background tasks are waited for when the application ends; those that "
            "are not done by then are cancelled.",
        ),
    ),
    "Keys": (
        Setting(
            "SECRET_KEY",
            kinds.KEY.or_none(),
            None,
            "The key that session cookies and other tokens are signed with. Keep it secret and fixed; 'erlen secret' "
            "prints a good one.",
        ),
        Setting(
            "SECRET_KEY_FALLBACKS",
            kinds.KEYS.or_none(),
            None,
            "Former keys, newest first: what was signed with them is still accepted, nothing new is signed with them.",
        ),
    ),
    **SESSION_SECTIONS,
    "Requests": (
        Setting(
            "MAX_CONTENT_LENGTH",
            kinds.SIZE.or_none("no limit"),
            None,
            "The largest request body that is read, in bytes; a larger one is answered with 413.",
        ),
        Setting(
            "MAX_FORM_MEMORY_SIZE",
            kinds.SIZE.or_none("no limit"),
            500_000,
            "The largest field of a multipart form that is not a file, in bytes.",
        ),
        Setting(
            "MAX_FORM_PARTS",
            kinds.SIZE.or_none("no limit"),
            1000,
            "The largest number of fields and files in a multipart form.",
        ),
        Setting(
            "THREADS",
            kinds.COUNT,
            40,
            "How many plain views run at the same time, each in a thread, on a server with an event loop (ASGI, RSGI).",
        ),
        Setting(
            "BODY_TIMEOUT",
            kinds.DURATION.or_none("no limit"),
            Differs("body_timeout"),
            "How long the whole body of a request may take to come, on a server with an event loop (ASGI, RSGI); then "
            "it is answered with 408. In a route with stream=True: how long the client may be silent while the view "
            "waits for the next piece. A route may say otherwise by body_timeout.",
        ),
        Setting(
            "RESPONSE_TIMEOUT",
            kinds.DURATION.or_none("no limit"),
            None,
            "How long a view, its hooks and error handlers may take together; then the request is answered with 504, "
            "and what is async of it is cancelled. A route may say otherwise by response_timeout.",
        ),
        Setting(
            "WEBSOCKET_MAX_MESSAGE_SIZE",
            kinds.SIZE.or_none("no limit"),
            1024 * 1024,
            "The most bytes that a message of a WebSocket may have; a larger one closes it with 1009. A route may say "
            "otherwise by max_message_size.",
        ),
        Setting(
            "WEBSOCKET_MESSAGE_RATE",
            kinds.COUNT.or_none("no limit"),
            None,
            "How many messages a second a client may send over a WebSocket, and as many at once after a silence; more "
            "close it with 1008. A route may say otherwise by message_rate.",
        ),
        Setting(
            "WEBSOCKET_RECEIVE_TIMEOUT",
            kinds.DURATION.or_none("no limit"),
            timedelta(seconds=60),
            "How long 16 messages may wait for the view of a WebSocket before it is closed with 1008: no more are "
            "taken then, and nobody can notice that the client has gone.",
        ),
        Setting(
            "WEBSOCKET_SEND_TIMEOUT",
            kinds.DURATION.or_none("no limit"),
            timedelta(seconds=60),
            "How long a message of a WebSocket may wait for a client that does not read; then it is closed with 1008, "
            "and who sends is told by WebSocketClosed.",
        ),
        Setting(
            "WEBSOCKET_CLOSE_TIMEOUT",
            kinds.DURATION_OR_ZERO,
            timedelta(seconds=2),
            "How many seconds the view of a WebSocket whose client has gone may go on without receiving or sending, "
            "before it is cancelled; and how long closing a WebSocket may take.",
        ),
        Setting(
            "TRUSTED_HOSTS",
            kinds.HOSTS.or_none("any host"),
            None,
            "The hosts that requests may be addressed to, others are answered with 400; '.example.com' includes the "
            "subdomains.",
        ),
        Setting(
            "CROSS_SITE_GUARD",
            kinds.FLAG,
            Differs("cross_site_guard"),
            "Refuse requests that change something and that a browser marks as coming from another site.",
        ),
        Setting(
            "CROSS_SITE_TRUSTED_ORIGINS",
            kinds.ORIGINS,
            (),
            "Other origins that may send requests which change something.",
        ),
    ),
    "Logging": (
        Setting(
            "REQUEST_ID_HEADER",
            kinds.HEADER_NAME.or_none("no header"),
            "X-Request-ID",
            "The header by which a proxy gives a request an id, which then stands in the lines of the log.",
        ),
    ),
    "URLs": (
        Setting(
            "SERVER_NAME",
            kinds.HOST.or_none(),
            None,
            "The host, and the port if it is not the usual one, for URLs built outside a request and for subdomains.",
        ),
        Setting("APPLICATION_ROOT", kinds.COOKIE_PATH, "/", "The path that the application is mounted under."),
        Setting("PREFERRED_URL_SCHEME", kinds.SCHEME, "http", "The scheme of URLs built outside a request."),
    ),
    "Responses": (
        Setting(
            "REDIRECT_CODE",
            kinds.choice(301, 302, 303, 305, 307, 308),
            Differs("redirect_code"),
            "The status that redirect() sends unless it is given one.",
        ),
        Setting(
            "CONTENT_TYPE_NOSNIFF",
            kinds.FLAG,
            Differs("nosniff"),
            "Send X-Content-Type-Options: nosniff, so that browsers do not guess a content type.",
        ),
        Setting(
            "SEND_FILE_MAX_AGE_DEFAULT",
            kinds.DURATION_OR_ZERO.or_none("browsers ask each time"),
            None,
            "How long browsers may keep files sent by send_file() and from static folders.",
        ),
        Setting(
            "USE_X_SENDFILE",
            kinds.FLAG,
            False,
            "Let the web server in front send files, by the X-Sendfile header; it must support that.",
        ),
        Setting(
            "PROVIDE_AUTOMATIC_OPTIONS",
            kinds.FLAG,
            True,
            "Answer OPTIONS requests for routes that do not answer them themselves.",
        ),
    ),
    "Templates": (
        Setting(
            "TEMPLATES_AUTO_RELOAD",
            kinds.FLAG_OR_AUTOMATIC,
            None,
            "Read a template again when its file has changed; automatic means: in debug mode.",
        ),
        Setting(
            "EXPLAIN_TEMPLATE_LOADING",
            kinds.FLAG,
            False,
            "Log where each template was looked for and which one was taken.",
        ),
    ),
}
"""The declared settings by the chapter of the documentation that they stand in."""


def _all_settings() -> Iterator[Setting]:
    for section in SECTIONS.values():
        yield from section


SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _all_settings()}
"""The declared settings by name."""


def default_settings(defaults: Defaults = ERLEN) -> dict[str, Any]:
    """Return the first values of ``app.config`` under *defaults*, a new dict each time."""
    return {name: setting.default_in(defaults) for name, setting in SETTINGS.items()}
