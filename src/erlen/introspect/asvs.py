"""The OWASP Application Security Verification Standard 5.0, as far as it is about sessions, cookies and headers.

Each row of chapters V7 and V3.3 to V3.5 is here with a function that looks at an application and says whether it holds,
or asks the developer what no framework can know. The sentences are our own; the numbers are the standard's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct

from erlen.config import SETTINGS
from erlen.introspect.configuration import in_words, key_doubts, name_store
from erlen.sessions.cookies import SessionCookie
from erlen.sessions.settings import SessionSettings
from erlen.sessions.token import TOKEN_LENGTH

__all__ = ["FAILS", "HOLDS", "OPEN", "ROWS", "Row", "Verdict", "judge_asvs"]

HOLDS = "holds"
FAILS = "does not hold"
OPEN = "open question"

_LARGEST_COOKIE = 4096


class Verdict(Struct, frozen=True):
    """What is to be said about one row.

    :param id: the number of the row in the standard, such as ``"7.2.1"``
    :param level: the level from which on it is required: 1, 2 or 3
    :param requirement: what it asks for, a sentence
    :param verdict: ``"holds"``, ``"does not hold"`` or ``"open question"``
    :param words: why, with the effective values; an open question ends with the question
    """

    id: str
    level: int
    requirement: str
    verdict: str
    words: str


class Facts:
    """What the rows look at."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.config = app.config
        self.settings = SessionSettings.from_config(app.config, app.instance_path)
        self.foreign: str | None = None
        """The class of a foreign session interface, if one keeps the sessions."""
        self.store = name_store(app)
        self.abilities: frozenset[str] = frozenset()
        """What the store can do."""
        if app.session_interface is not None:
            self.foreign = type(app.session_interface).__qualname__
        elif self.store != "cookie":
            self.abilities = app.session_manager.store.abilities

    @property
    def in_cookie(self) -> bool:
        """Whether the browser keeps the sessions."""
        return self.store == "cookie"

    @property
    def cookie_name(self) -> str:
        """The name of the session cookie on https."""
        return SessionCookie(self.settings).names[True]


Judge = Callable[[Facts], tuple[str, str]]


class Row(Struct, frozen=True):
    """A row of the standard.

    :param judge: takes :class:`Facts` and returns verdict and words
    :param ours: it can be judged only where Erlen keeps the sessions itself
    """

    id: str
    level: int
    requirement: str
    judge: Judge
    ours: bool = False


_TABLE: list[Row] = []


def _row(id: str, level: int, requirement: str) -> Callable[[Judge], Judge]:
    """Register a function as the judge of a row about Erlen's own sessions."""

    def register(judge: Judge) -> Judge:
        _TABLE.append(Row(id, level, requirement, judge, ours=True))
        return judge

    return register


def _ask(id: str, level: int, requirement: str, question: str) -> None:
    """Register a row that only the developer can judge."""
    _TABLE.append(Row(id, level, requirement, lambda facts: (OPEN, question)))


def judge_asvs(app: Any, level: int = 3) -> list[Verdict]:
    """Judge *app* by each row that is required at *level*, in the order of the standard.

    :raises ConfigError: if the session store cannot be had
    """
    facts = Facts(app)
    found = []
    for row in ROWS:
        if row.level <= level:
            verdict, words = _judge(row, facts)
            found.append(Verdict(row.id, row.level, row.requirement, verdict, words))
    return found


def _judge(row: Row, facts: Facts) -> tuple[str, str]:
    if row.ours and facts.foreign is not None:
        return OPEN, f"Sessions are kept by {facts.foreign}, which Erlen does not know. Does it do this?"
    if row.ours and facts.store == "null" and row.id.startswith("7."):
        return (
            OPEN,
            "SESSION_TYPE is 'null', so there are no sessions. By what are users known from request to request?",
        )
    return row.judge(facts)


def _time(seconds: float) -> str:
    return in_words(timedelta(seconds=seconds))


# -- V7 ----------------------------------------------------------------------------------------------------------------


@_row("7.1.1", 2, "The idle and the absolute limit of sessions are decided on, and the reason is written down.")
def _limits(facts: Facts) -> tuple[str, str]:
    config, settings = facts.config, facts.settings
    idle = _time(settings.idle)
    if settings.idle != settings.permanent_idle:
        idle += f" ({_time(settings.permanent_idle)} for permanent sessions)"
    values = f"Idle limit: {idle}. Absolute limit: {_time(settings.absolute)}."
    if note := config["SESSION_POLICY_NOTE"]:
        return HOLDS, f"{values} SESSION_POLICY_NOTE: {note}"
    idle_given = config["SESSION_IDLE_TIMEOUT"] is not None
    # Not by ==: who has written the default down has decided on it.
    if idle_given and config["SESSION_ABSOLUTE_TIMEOUT"] is not SETTINGS["SESSION_ABSOLUTE_TIMEOUT"].default:
        return HOLDS, f"{values} Both are set."
    return OPEN, (
        f"{values} They are not both set, in SESSION_IDLE_TIMEOUT and SESSION_ABSOLUTE_TIMEOUT, and no "
        "SESSION_POLICY_NOTE gives a reason. How long may a session of this application live? NIST SP 800-63B says "
        "what is usual."
    )


@_row("7.1.2", 2, "How many sessions an account may have at once is decided on, and what happens beyond that.")
def _how_many(facts: Facts) -> tuple[str, str]:
    limit, policy = facts.settings.max_sessions, facts.settings.max_sessions_policy
    if limit is None:
        return OPEN, "MAX_SESSIONS_PER_USER is None: unlimited. How many sessions may one user have?"
    if "find" not in facts.abilities:
        return FAILS, f"MAX_SESSIONS_PER_USER is {limit}, and the store {facts.store!r} cannot count those of a user."
    return HOLDS, f"MAX_SESSIONS_PER_USER is {limit}, MAX_SESSIONS_POLICY is {policy!r}."


_ask(
    "7.1.3",
    2,
    "Where users sign in through another service, lifetimes and ends of its sessions and ours are written down.",
    "Do users sign in through another service? Then: how long do its sessions live, what ends them, and when is it "
    "asked again?",
)


@_row("7.2.1", 1, "A session's token is verified on the server, and nowhere else.")
def _verified(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return HOLDS, "The signature of the cookie is verified with SECRET_KEY by each request that uses the session."
    return HOLDS, (
        "A token is signed with SECRET_KEY: a forged one is refused without asking the store, and one that the store "
        "does not know is never adopted."
    )


@_row("7.2.2", 1, "Tokens are made anew for each session; no fixed secret stands for one.")
def _dynamic(facts: Facts) -> tuple[str, str]:
    if facts.config["SECRET_KEY"] is None:
        return OPEN, "SECRET_KEY is not set here, and without it no session is made. Is it set where this will run?"
    if doubts := " ".join(finding.text for finding in key_doubts(facts.app)):
        return FAILS, doubts
    return HOLDS, "Each session has a token of its own, which SECRET_KEY signs and does not make."


@_row("7.2.3", 1, "Tokens that refer to a session are unique and random, with at least 128 bits.")
def _random(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return HOLDS, "There are none: the cookie holds the session itself, signed."
    return HOLDS, "A token has 256 random bits of the operating system."


@_row("7.2.4", 1, "session.bind(user) gives a new token at each login, and ends the old one.")
def _new_token(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return FAILS, f"A copy of the cookie from before works on. {_ON_SERVER}"
    return HOLDS, (
        "The fields are kept and the old token is dead with the response; session.rotate() does it without a user. See "
        "that every login of the application calls one of them, later ones and second factors too."
    )


@_row("7.3.1", 2, "A session ends when it is not used for a while.")
def _idle(facts: Facts) -> tuple[str, str]:
    settings = facts.settings
    if facts.in_cookie:
        return HOLDS, f"A cookie that was sent {_time(settings.permanent_idle)} ago is not accepted any more."
    return HOLDS, (
        f"It ends after {_time(settings.idle)} without a request, a permanent one after "
        f"{_time(settings.permanent_idle)}. Erlen looks itself, whatever the store does with what is old."
    )


@_row("7.3.2", 2, "A session ends at last, however often it is used.")
def _absolute(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return FAILS, f"Each new cookie begins the time anew. {_ON_SERVER}"
    return HOLDS, f"It ends after {_time(facts.settings.absolute)}; only a login begins that anew, a rotation does not."


@_row("7.4.1", 1, "A session that was ended cannot be used again.")
def _ended(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return FAILS, f"A copy of the cookie works on after the logout, until it is too old. {_ON_SERVER}"
    return HOLDS, (
        "session.invalidate() deletes it in the store, and a request that began before can bring nothing of it back."
    )


_ask(
    "7.4.2",
    1,
    "All sessions of an account end when it is disabled or deleted.",
    "Does the code that disables or deletes an account call app.sessions.revoke_all(user)?",
)
_ask(
    "7.4.3",
    2,
    "After a change of a password or another factor, the user can end all other sessions.",
    "Does the page that changes a password or another factor offer, or call, app.sessions.revoke_others()?",
)
_ask(
    "7.4.4",
    2,
    "Every page that needs a login has a visible way to log out.",
    "Does every page for signed-in users show a form that logs them out?",
)


@_row("7.4.5", 2, "Administrators can end the sessions of one user, or of all.")
def _administrators(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return FAILS, f"What a browser keeps cannot be ended from the server. {_ON_SERVER}"
    if not facts.abilities >= {"find", "write"}:
        return FAILS, f"The store {facts.store!r} cannot find the sessions of a user. Take another store."
    return HOLDS, (
        "app.sessions.revoke_all(user) ends those of a user whom session.bind(user) has signed in, "
        "app.sessions.revoke_everyone() all."
    )


_ask(
    "7.5.1",
    2,
    "Changing what an account is recovered by needs a new login.",
    "Is the password asked for again before an e-mail address, a phone number or a second factor is changed?",
)
_ask(
    "7.5.2",
    2,
    "Users see their sessions, and can end them after giving their password again.",
    "Is there a page that shows app.sessions.for_user(user) and calls app.sessions.revoke(handle, user)?",
)
_ask(
    "7.5.3",
    3,
    "Very sensitive actions need a new login or a second confirmation.",
    "Which actions are so sensitive, and what do they ask for?",
)
_ask(
    "7.6.1",
    2,
    "Sessions here and at a service that signs users in end as it is written down.",
    "Do users sign in through another service? Then: is it asked again when its last login is too long ago, and does a "
    "logout there end the session here?",
)


@_row("7.6.2", 2, "No session is made without something that the user has done.")
def _untouched(facts: Facts) -> tuple[str, str]:
    return HOLDS, (
        "A visit that puts nothing into the session makes none and sets no cookie. See that no view puts something "
        "into it for visitors who have done nothing."
    )


# -- V3.3 --------------------------------------------------------------------------------------------------------------

_ON_SERVER = "Keep sessions on the server: SESSION_TYPE = 'sqlite'."
_PREFIXED = "Leave SESSION_COOKIE_NAME out, or let it begin with '__Host-' or '__Secure-'."


@_row("3.3.1", 1, "The session cookie is Secure, and its name says so to the browser by a prefix.")
def _secure(facts: Facts) -> tuple[str, str]:
    secure, name = facts.config["SESSION_COOKIE_SECURE"], facts.cookie_name
    if secure is False and not facts.settings.cookie_partitioned:
        return FAILS, "SESSION_COOKIE_SECURE is False: the cookie travels over plain http. Set it to None or True."
    if not name.lower().startswith(("__host-", "__secure-")):
        return FAILS, f"Its name is {name!r}. {_PREFIXED}"
    if secure or facts.settings.cookie_partitioned:
        return HOLDS, f"It is {name!r}, and always Secure."
    return HOLDS, (
        f"It is {name!r}, and Secure, where the request came by https. Behind a proxy that ends TLS call "
        "app.trust_proxies(), or set SESSION_COOKIE_SECURE = True."
    )


@_row("3.3.2", 2, "The session cookie says by SameSite which requests of other sites it travels with.")
def _samesite(facts: Facts) -> tuple[str, str]:
    samesite = facts.settings.cookie_samesite
    if samesite is None:
        return FAILS, "SESSION_COOKIE_SAMESITE is None, so each browser decides. Set it to 'Lax' or 'Strict'."
    if samesite.lower() == "none":
        return OPEN, "SESSION_COOKIE_SAMESITE is 'None': it travels with all of them. Which other site needs that?"
    return HOLDS, f"SESSION_COOKIE_SAMESITE is {samesite!r}."


@_row("3.3.3", 2, "The session cookie is bound to one host by the prefix __Host-, unless hosts are to share it.")
def _one_host(facts: Facts) -> tuple[str, str]:
    if facts.settings.cookie_domain:
        return OPEN, f"SESSION_COOKIE_DOMAIN is {facts.settings.cookie_domain!r}. Do all of its hosts need the session?"
    name = facts.cookie_name
    if name.lower().startswith("__host-"):
        return HOLDS, f"On https it is {name!r}, with the path '/' and no domain."
    return FAILS, (
        f"On https its name is {name!r}. Leave SESSION_COOKIE_NAME, SESSION_COOKIE_SECURE and SESSION_COOKIE_PATH out."
    )


@_row("3.3.4", 2, "Scripts cannot read the session cookie, and the token stands in Set-Cookie alone.")
def _http_only(facts: Facts) -> tuple[str, str]:
    if not facts.settings.cookie_httponly:
        return FAILS, "SESSION_COOKIE_HTTPONLY is off. Leave it out."
    return HOLDS, "It is HttpOnly. No page, log line, error, signal or representation of an object shows the token."


@_row("3.3.5", 3, f"Name and value of the session cookie have at most {_LARGEST_COOKIE} bytes together.")
def _small(facts: Facts) -> tuple[str, str]:
    if facts.in_cookie:
        return FAILS, f"It grows with the session, and a warning is all that tells of one too large. {_ON_SERVER}"
    size = len(facts.cookie_name) + TOKEN_LENGTH
    return (HOLDS if size <= _LARGEST_COOKIE else FAILS), f"They have {size} bytes, whatever the session holds."


# -- V3.4 --------------------------------------------------------------------------------------------------------------

_ask(
    "3.4.1",
    1,
    "Browsers are told to use https alone (Strict-Transport-Security), for a year or more.",
    "Does the server in front send the header with all responses, from level 2 on with includeSubDomains? Erlen does "
    "not send it.",
)
_ask(
    "3.4.2",
    1,
    "Other origins may read responses only where they are on a list.",
    "Erlen sends no Access-Control-Allow-Origin. If the application does: is it a fixed value, or taken from a list?",
)
_ask(
    "3.4.3",
    2,
    "Every response has a Content-Security-Policy with object-src 'none' and base-uri 'none'.",
    "Does the application, or the server in front, send one? Erlen does not.",
)


def _nosniff(facts: Facts) -> tuple[str, str]:
    if facts.config["CONTENT_TYPE_NOSNIFF"]:
        return HOLDS, "CONTENT_TYPE_NOSNIFF is on: each response of the application has it, errors and files too."
    return OPEN, "CONTENT_TYPE_NOSNIFF is off. Does the server in front send the header?"


_TABLE.append(Row("3.4.4", 2, "All responses have the header X-Content-Type-Options: nosniff.", _nosniff))
_ask(
    "3.4.5",
    2,
    "A Referrer-Policy keeps addresses from other sites.",
    "Does the application, or the server in front, send one? Erlen does not.",
)
_ask(
    "3.4.6",
    2,
    "No other site can show the pages in a frame (frame-ancestors).",
    "Does the Content-Security-Policy have frame-ancestors on every response?",
)
_ask(
    "3.4.7",
    3,
    "Violations of the Content-Security-Policy are reported.",
    "Does the policy name an address for reports?",
)
_ask(
    "3.4.8",
    3,
    "Documents are kept apart from windows of other sites (Cross-Origin-Opener-Policy).",
    "Do HTML pages have the header, with same-origin? Erlen does not send it.",
)

# -- V3.5 --------------------------------------------------------------------------------------------------------------


def _forged(facts: Facts) -> tuple[str, str]:
    if not facts.config["CROSS_SITE_GUARD"]:
        return OPEN, "CROSS_SITE_GUARD is off. What tells a request of the application's own pages from a forged one?"
    open_to_all = sorted(name for name, options in facts.app.route_options.items() if options.get("cross_site"))
    exceptions = f" Not for: {', '.join(open_to_all)}." if open_to_all else ""
    return OPEN, (
        f"CROSS_SITE_GUARD refuses unsafe requests that a browser marks as sent by another site.{exceptions} Those "
        "from other hosts of the same site pass. Are these trusted, or do forms need tokens?"
    )


_TABLE.append(Row("3.5.1", 1, "Requests that another site has forged are refused.", _forged))
_ask(
    "3.5.2",
    1,
    "What relies on the preflight of CORS cannot be called by a request that needs none.",
    "Does a view that relies on it refuse other content types? request.json does so, with 415; request.get_data() not.",
)
_ask(
    "3.5.3",
    1,
    "What changes something is not reached by GET, HEAD or OPTIONS.",
    "Does every view that changes something have methods=['POST'] or the like, logging out included?",
)
_ask("3.5.4", 2, "Separate applications have host names of their own.", "Does another application share this host?")
_ask(
    "3.5.5",
    2,
    "Messages of postMessage from origins that are not trusted are dropped.",
    "Do scripts of the application listen to 'message', and do they look at its origin?",
)
_ask("3.5.6", 3, "There is no JSONP.", "Does a view wrap JSON in a function that the request names?")
_ask(
    "3.5.7",
    3,
    "No script file holds data that needs a login.",
    "Are scripts made for each user, with data of theirs in them?",
)
_ask(
    "3.5.8",
    3,
    "Other sites cannot embed what needs a login.",
    "Do images, scripts and other files for signed-in users have Cross-Origin-Resource-Policy, or are their requests "
    "refused by Sec-Fetch-Site?",
)

ROWS: tuple[Row, ...] = tuple(sorted(_TABLE, key=lambda row: [int(part) for part in row.id.split(".")]))
"""The rows in the order of the standard."""
