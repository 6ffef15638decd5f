"""The settings of sessions, of their cookie and of their stores: a part of the table in ``config/settings.py``."""

from __future__ import annotations

from datetime import timedelta

from erlen.config import kinds
from erlen.config.setting import Differs, Setting

__all__ = ["SESSION_SECTIONS"]

SESSION_SECTIONS: dict[str, tuple[Setting, ...]] = {
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
}
"""The chapters of the documentation about sessions, with their settings."""
