"""Every setting that Erlen knows, declared once: name, kind, default and a sentence.

Validation (:meth:`erlen.config.Config.problems`), the first values of ``app.config`` and the table in
``docs/configuration.md`` all come from this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from msgspec import Struct

from erlen.config import kinds
from erlen.config.defaults import ERLEN, Defaults
from erlen.config.kinds import Kind

__all__ = ["SECTIONS", "SETTINGS", "Setting", "default_settings"]


class Differs(Struct, frozen=True):
    """The default stands in :class:`~erlen.config.defaults.Defaults`, in the row of this name."""

    row: str


class Setting(Struct, frozen=True):
    """A declared setting.

    :param name: the key in ``app.config``
    :param kind: the values it accepts
    :param default: its first value, or the row of :class:`~erlen.config.defaults.Defaults` that holds it
    :param sentence: what it does
    """

    name: str
    kind: Kind
    default: Any
    sentence: str

    def default_in(self, defaults: Defaults) -> Any:
        """Return the first value of this setting under *defaults*."""
        return getattr(defaults, self.default.row) if isinstance(self.default, Differs) else self.default


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
    "Session cookie": (
        Setting(
            "SESSION_COOKIE_NAME",
            kinds.COOKIE_NAME.or_none("automatic"),
            Differs("session_cookie_name"),
            "The cookie's name. Automatic means '__Host-session' where the cookie is Secure, has path '/' and no "
            "domain, else 'session'.",
        ),
        Setting(
            "SESSION_COOKIE_DOMAIN",
            kinds.COOKIE_DOMAIN.or_none(),
            None,
            "The domain whose subdomains get the cookie too. None keeps it to the one host, which is safer.",
        ),
        Setting(
            "SESSION_COOKIE_PATH",
            kinds.COOKIE_PATH.or_none(),
            None,
            "The path that the cookie is valid under; None means APPLICATION_ROOT.",
        ),
        Setting("SESSION_COOKIE_HTTPONLY", kinds.FLAG, True, "Keep scripts in the page from reading the cookie."),
        Setting(
            "SESSION_COOKIE_SECURE",
            kinds.FLAG_OR_AUTOMATIC,
            Differs("session_cookie_secure"),
            "Have browsers send the cookie over https only; automatic means: where it was set over https.",
        ),
        Setting(
            "SESSION_COOKIE_PARTITIONED",
            kinds.FLAG,
            False,
            "Keep one cookie for each top-level site that embeds the application (CHIPS); implies Secure.",
        ),
        Setting(
            "SESSION_COOKIE_SAMESITE",
            kinds.choice("Lax", "Strict", "None", None),
            Differs("session_cookie_samesite"),
            "Whether the cookie travels with requests from other sites: 'Lax' only when a link is followed, 'Strict' "
            "never, 'None' always. None leaves the attribute out.",
        ),
    ),
    "Sessions": (
        Setting(
            "SESSION_TYPE",
            kinds.STORE,
            Differs("session_type"),
            "Where sessions are kept: the name of a store, an import name, or a SessionStore object. None and 'null' "
            "mean nowhere.",
        ),
        Setting(
            "SESSION_URL",
            kinds.URL.or_none(),
            None,
            "The address of the session store, for instance 'redis://localhost:6379/0'.",
        ),
        Setting(
            "SESSION_SQLITE_PATH",
            kinds.PATH.or_none("sessions.sqlite3 in the instance folder"),
            None,
            "The file of the sqlite store; a relative path starts at the instance folder.",
        ),
        Setting(
            "SESSION_PERMANENT",
            kinds.FLAG,
            False,
            "Make new sessions permanent: they outlive the closing of the browser.",
        ),
        Setting(
            "PERMANENT_SESSION_LIFETIME",
            kinds.DURATION_OR_ZERO,
            timedelta(days=31),
            "How long a permanent session lives without a visit.",
        ),
        Setting(
            "SESSION_REFRESH_EACH_REQUEST",
            kinds.FLAG,
            True,
            "Send the cookie of a permanent session again as its lifetime slides forward.",
        ),
        Setting(
            "SESSION_IDLE_TIMEOUT",
            kinds.DURATION.or_none("PERMANENT_SESSION_LIFETIME; one day for a session that is not permanent"),
            None,
            "How long any session lives without a visit.",
        ),
        Setting(
            "SESSION_ABSOLUTE_TIMEOUT",
            kinds.DURATION,
            timedelta(days=90),
            "How long a session lives at most, however often it is used.",
        ),
        Setting(
            "SESSION_POLICY_NOTE",
            kinds.TEXT.or_none(),
            None,
            "Why sessions may live that long, or where that is written down: for 'erlen check --asvs', row 7.1.1.",
        ),
        Setting(
            "SESSION_RENEW_AFTER",
            kinds.DURATION.or_none("never"),
            None,
            "The age at which a session's token is replaced by a new one.",
        ),
        Setting(
            "SESSION_RENEW_GRACE",
            kinds.DURATION_OR_ZERO,
            timedelta(seconds=30),
            "How long the old token still works after such a renewal, so that requests under way are not lost.",
        ),
        Setting(
            "SESSION_ON_ERROR",
            kinds.choice("raise", "anonymous"),
            "raise",
            "What happens when the store does not answer: 'raise' answers 503, 'anonymous' goes on with an empty "
            "session.",
        ),
        Setting(
            "SESSION_LOCK_WAIT",
            kinds.DURATION_OR_ZERO,
            timedelta(seconds=5),
            "How long a request waits for a session that another request holds exclusively.",
        ),
        Setting(
            "SESSION_LOCK_LEASE",
            kinds.DURATION,
            timedelta(seconds=30),
            "How long a request may hold a session exclusively.",
        ),
        Setting(
            "SESSION_RECHECK_INTERVAL",
            kinds.DURATION.or_none("never"),
            timedelta(seconds=10),
            "How often the session of an open WebSocket or event stream is looked up, to close it when another worker "
            "has ended the session. What ends it in the same worker closes it at once.",
        ),
        Setting(
            "SESSION_ADOPT_FLASK_SESSION",
            kinds.FLAG,
            False,
            "Let visitors who come with a cookie of Flask-Session find their session, if 'erlen sessions migrate' has "
            "imported it. For the time of a move: each foreign cookie costs one store command.",
        ),
        Setting(
            "SESSION_STORE_TIMEOUT",
            kinds.DURATION,
            timedelta(seconds=2),
            "How long one command of a store on a server may take before the store counts as not answering.",
        ),
        Setting(
            "SESSION_CONFLICTS",
            kinds.POLICIES.or_none(),
            None,
            "What happens when two requests change the same key at once, by key: 'last' keeps the later change, "
            "'first' the earlier one, 'error' answers the later request with 409, and a function merges the two.",
        ),
        Setting(
            "SESSION_SEALED",
            kinds.FLAG,
            False,
            "Encrypt the values of sessions before they come to the store, with a key that only the visitor's token "
            "opens. Needs the extra 'sealed'.",
        ),
        Setting(
            "SESSION_LABEL",
            kinds.LABELS,
            True,
            "What a session of a signed-in user is called in lists: True for browser, system and network, False for "
            "nothing, or a function that takes the request and returns a text.",
        ),
        Setting(
            "MAX_SESSIONS_PER_USER",
            kinds.COUNT.or_none("no limit"),
            None,
            "How many sessions one user may have at once.",
        ),
        Setting(
            "MAX_SESSIONS_POLICY",
            kinds.choice("oldest", "reject", "ask"),
            "oldest",
            "What happens to a login beyond that number: 'oldest' ends the oldest session, 'reject' refuses the login "
            "with 409, 'ask' does so too and lets the error handler show the other sessions.",
        ),
        Setting(
            "MAX_COOKIE_SIZE",
            kinds.SIZE,
            4093,
            "Warn when a cookie is larger than this many bytes, because browsers may drop it; 0 never warns.",
        ),
    ),
    "Session stores": (
        Setting(
            "SESSION_KEY_PREFIX",
            kinds.PREFIX,
            "erlen:",
            "What the keys of sessions begin with, in Redis and memcached.",
        ),
        Setting(
            "SESSION_REDIS",
            kinds.CLIENT.or_none("SESSION_URL"),
            None,
            "A client of redis-py or valkey-py, plain or asynchronous, whose connection settings are used.",
        ),
        Setting(
            "SESSION_MEMCACHED",
            kinds.CLIENT.or_none("SESSION_URL"),
            None,
            "A client of pymemcache, whose servers are used.",
        ),
        Setting(
            "SESSION_MONGODB",
            kinds.CLIENT.or_none("SESSION_URL"),
            None,
            "A client of PyMongo.",
        ),
        Setting("SESSION_MONGODB_DB", kinds.NAME, "erlen", "The database of the store mongodb."),
        Setting("SESSION_MONGODB_COLLECT", kinds.NAME, "sessions", "The collection of the store mongodb."),
        Setting(
            "SESSION_SQLALCHEMY",
            kinds.CLIENT.or_none("SESSION_URL"),
            None,
            "An engine of SQLAlchemy, or the extension object of Flask-SQLAlchemy; the store makes an engine of its "
            "own with the same address.",
        ),
        Setting("SESSION_SQLALCHEMY_TABLE", kinds.NAME, "erlen_sessions", "The table of the store sqlalchemy."),
        Setting(
            "SESSION_SQLALCHEMY_CREATE",
            kinds.FLAG,
            True,
            "Create the table where it is missing. With False a migration does it, from 'erlen sessions ddl'.",
        ),
        Setting(
            "SESSION_DYNAMODB",
            kinds.CLIENT.or_none("SESSION_URL"),
            None,
            "A resource or a client of boto3, whose region and address are used.",
        ),
        Setting("SESSION_DYNAMODB_TABLE", kinds.NAME, "erlen_sessions", "The table of the store dynamodb."),
        Setting(
            "SESSION_FILE_DIR",
            kinds.PATH.or_none("sessions in the instance folder"),
            None,
            "The folder of the store filesystem; a relative path starts at the instance folder.",
        ),
        Setting("SESSION_FILE_MODE", kinds.MODE, 0o600, "The permissions of its files."),
    ),
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
            "it is answered with 408. A route may say otherwise by body_timeout.",
        ),
        Setting(
            "RESPONSE_TIMEOUT",
            kinds.DURATION.or_none("no limit"),
            None,
            "How long the hooks before a view and the view itself may take together; then the request is answered with "
            "504, and what is async of it is cancelled. A route may say otherwise by response_timeout.",
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
