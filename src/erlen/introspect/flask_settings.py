"""In what Erlen's defaults differ from Flask's, and which settings and variables Flask has had: facts, no code."""

from __future__ import annotations

from msgspec import Struct

from erlen.config import RETIRED, SETTINGS
from erlen.introspect.flask_names import Gone

__all__ = [
    "ALWAYS",
    "DIFFERENCES",
    "FLASK_SESSION_SETTINGS",
    "FLASK_SETTINGS",
    "REMOVED_SETTINGS",
    "VARIABLES",
    "Difference",
    "is_known_setting",
]


class Difference(Struct, frozen=True):
    """Something that an application notices when it takes Erlen's defaults.

    :param title: what it is about, a few words
    :param words: what is otherwise, a sentence
    :param switch: how to have it as in Flask, in code; empty where that is not possible
    :param rows: the rows of :class:`~erlen.config.defaults.Defaults` that it comes from
    """

    title: str
    words: str
    switch: str
    rows: tuple[str, ...] = ()


DIFFERENCES: dict[str, Difference] = {
    "redirect": Difference(
        "redirect() without a code",
        "It sends 303, and Flask sends 302; tests that compare the status notice.",
        'app.config["REDIRECT_CODE"] = 302',
        ("redirect_code",),
    ),
    "session": Difference(
        "the session",
        "It is kept on the server, in SQLite, and the cookie is Secure on https and has SameSite=Lax; Flask's is in a "
        "signed cookie. Visitors have to sign in again.",
        'app.config["SESSION_TYPE"] = "cookie"',
        ("session_type", "session_cookie_name", "session_cookie_secure", "session_cookie_samesite"),
    ),
    "guard": Difference(
        "views for POST, PUT, PATCH and DELETE",
        "A request that a browser marks as sent by another site is refused with 403. Webhooks are not, browsers alone "
        "mark requests.",
        'app.config["CROSS_SITE_GUARD"] = False, or cross_site=True in one route',
        ("cross_site_guard",),
    ),
    "json": Difference(
        "JSON",
        "Keys keep their order, text is UTF-8, dates are as in ISO 8601; Flask sorts keys, writes ASCII and HTTP "
        "dates.",
        "app.json = DefaultJSONProvider(app), from erlen.json",
        ("json_provider",),
    ),
    "environment": Difference(
        "from_prefixed_env() without a prefix",
        "It reads variables that begin with ERLEN_, and Flask those that begin with FLASK_.",
        'from_prefixed_env("FLASK")',
        ("env_prefix",),
    ),
    "context": Difference(
        "requests while an application context is pushed",
        "Each gets a context of its own; in Flask it uses the one that is pushed, so that g is shared.",
        "",
        ("reuses_app_context",),
    ),
}
"""The differences that are found in a source, by a word for each."""

ALWAYS: tuple[Difference, ...] = (
    Difference(
        "the header X-Content-Type-Options: nosniff",
        "It is sent with every response.",
        'app.config["CONTENT_TYPE_NOSNIFF"] = False',
        ("nosniff",),
    ),
    Difference(
        "60 seconds for the body of a request, over ASGI and RSGI",
        "One that takes longer to come is answered with 408; Flask waits.",
        'app.config["BODY_TIMEOUT"] = None',
        ("body_timeout",),
    ),
    Difference(
        "no Content-Type with the status 204",
        "There is no content to have a type; Flask sends text/html.",
        "",
        ("types_no_content",),
    ),
    Difference(
        "a page about an unhandled exception in debug mode",
        "In Flask the exception is raised to the server.",
        'app.config["PROPAGATE_EXCEPTIONS"] = True',
        ("debug_page",),
    ),
    Difference(
        "status and headers sent after the teardowns",
        "In Flask a WSGI server is told them before.",
        "",
        ("answers_in_context",),
    ),
    Difference(
        "one teardown for a request that a test client keeps",
        "It comes when the client lets the request go; in Flask one comes at the end of the request, too.",
        "",
        ("ends_kept_contexts",),
    ),
    Difference(
        "a warning about routes that hide each other",
        "Flask says nothing.",
        'warnings.filterwarnings("ignore", category=RouteConflictWarning)',
        ("warn_route_conflicts",),
    ),
    Difference(
        "a refusal at the start of settings with values that cannot work",
        "In Flask they fail where they are used.",
        "",
        ("checks_settings",),
    ),
)
"""The differences that every application has, whatever its source says."""

_FLASK_SETTINGS = """
    APPLICATION_ROOT DEBUG EXPLAIN_TEMPLATE_LOADING MAX_CONTENT_LENGTH MAX_COOKIE_SIZE MAX_FORM_MEMORY_SIZE
    MAX_FORM_PARTS PERMANENT_SESSION_LIFETIME PREFERRED_URL_SCHEME PROPAGATE_EXCEPTIONS
    PROVIDE_AUTOMATIC_OPTIONS SECRET_KEY SECRET_KEY_FALLBACKS SEND_FILE_MAX_AGE_DEFAULT SERVER_NAME
    SESSION_COOKIE_DOMAIN SESSION_COOKIE_HTTPONLY SESSION_COOKIE_NAME SESSION_COOKIE_PARTITIONED
    SESSION_COOKIE_PATH SESSION_COOKIE_SAMESITE SESSION_COOKIE_SECURE SESSION_REFRESH_EACH_REQUEST
    TEMPLATES_AUTO_RELOAD TESTING TRAP_BAD_REQUEST_ERRORS TRAP_HTTP_EXCEPTIONS TRUSTED_HOSTS USE_X_SENDFILE
"""
FLASK_SETTINGS = frozenset(_FLASK_SETTINGS.split())
"""The settings of Flask 3.1. Erlen has all of them."""

_FLASK_SESSION_SETTINGS = """
    SESSION_DYNAMODB SESSION_FILE_DIR SESSION_FILE_MODE SESSION_KEY_PREFIX SESSION_MEMCACHED SESSION_MONGODB
    SESSION_MONGODB_COLLECT SESSION_MONGODB_DB SESSION_PERMANENT SESSION_REDIS SESSION_SQLALCHEMY
    SESSION_SQLALCHEMY_TABLE SESSION_TYPE
"""
FLASK_SESSION_SETTINGS = frozenset(_FLASK_SESSION_SETTINGS.split())
"""The settings of Flask-Session that Erlen has too. Those that it refuses are in :mod:`erlen.config.retired`."""

_PROVIDER = "Write app.json.{} = {}."

REMOVED_SETTINGS: dict[str, Gone] = {
    "ENV": Gone("Flask 2.3", "Use DEBUG, or a name of your own."),
    "JSON_AS_ASCII": Gone("Flask 2.3", _PROVIDER.format("ensure_ascii", "…")),
    "JSON_SORT_KEYS": Gone("Flask 2.3", _PROVIDER.format("sort_keys", "…")),
    "JSONIFY_MIMETYPE": Gone("Flask 2.3", _PROVIDER.format("mimetype", "…")),
    "JSONIFY_PRETTYPRINT_REGULAR": Gone("Flask 2.3", _PROVIDER.format("compact", "False")),
    "PRESERVE_CONTEXT_ON_EXCEPTION": Gone("Flask 2.2", "Leave it out."),
    "LOGGER_NAME": Gone("Flask 1.0", "Leave it out: the logger has the name of the application."),
    "LOGGER_HANDLER_POLICY": Gone("Flask 1.0", "Set up the package logging as you want it."),
}
"""Settings that have no effect any more."""

_COUNTS = "With --as-flask it counts as it is."

VARIABLES: dict[str, tuple[str, str]] = {
    "FLASK_APP": ("ERLEN_APP", _COUNTS),
    "FLASK_DEBUG": ("ERLEN_DEBUG", _COUNTS),
    "FLASK_SKIP_DOTENV": ("ERLEN_SKIP_DOTENV", ""),
    "FLASK_RUN_FROM_CLI": ("ERLEN_RUN_FROM_CLI", ""),
}
"""Variables of the environment that Flask's command reads, with those that Erlen's reads, and a sentence."""


def is_known_setting(name: str) -> bool:
    """Tell whether Flask, Erlen or Flask-Session has, or has had, a setting of this *name*."""
    return name in SETTINGS or name in RETIRED or name in REMOVED_SETTINGS
