"""The configuration of an application in words: what is refused, what is doubtful, what differs from the defaults."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from msgspec import Struct

from erlen.callables import drive
from erlen.config import SETTINGS, default_settings, load_kept_key, seconds
from erlen.errors import ConfigError, MissingExtra, SessionUnavailable
from erlen.sessions.resolve import choose_type
from erlen.sessions.settings import SessionSettings

__all__ = ["Changed", "Finding", "Report", "in_words", "inspect_configuration", "key_doubts", "name_store"]

#: Keys that stand in books, tutorials and templates of projects.
_KNOWN_KEYS = frozenset(
    {
        "dev", "development", "secret", "secret_key", "secret-key", "secretkey", "changeme", "change-me", "change_me",
        "change this", "password", "key", "test", "testing", "mysecret", "mysecretkey", "my-secret-key", "supersecret",
        "super-secret", "super secret key", "your-secret-key", "your_secret_key", "your secret key", "s3cr3t", "foo",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", "_5#y2L\"F4Q8z\n\xec]/",
    }
)  # fmt: skip
_SHORTEST_KEY = 16


class Finding(Struct, frozen=True):
    """Something that is wrong or doubtful.

    :param subject: the setting, or what else it is about
    :param text: what it is, and what to do: full sentences
    """

    subject: str
    text: str


class Changed(Struct, frozen=True):
    """A setting that differs from its default, as it may be shown: secrets are masked."""

    name: str
    value: str
    default: str
    sentence: str


class Report(Struct, frozen=True):
    """All there is to say about a configuration.

    :param refused: with these the application does not start
    :param doubtful: these may be meant, and should be looked at
    :param sessions: what the session store has answered
    :param changed: the settings that differ from their defaults
    :param own: names that are no settings of Erlen's
    """

    refused: list[Finding]
    doubtful: list[Finding]
    sessions: str
    changed: list[Changed]
    own: list[str]


def inspect_configuration(app: Any) -> Report:
    """Look at the configuration of *app*. The session store is opened, and asked for a session that is not there."""
    refused = [Finding(problem.key, str(problem)) for problem in app.config.problems()]
    if app.config["SECRET_KEY"] is None:
        try:
            load_kept_key(app.instance_path)
        except ConfigError as error:
            refused.append(Finding(error.key, str(error)))
    doubtful = list(_doubts(app)) if not refused else [*_misspelt(app)]
    sessions = _ask_store(app, refused, doubtful)
    return Report(refused, doubtful, sessions, _changed(app), sorted(key for key in app.config if key not in SETTINGS))


def _ask_store(app: Any, refused: list[Finding], doubtful: list[Finding]) -> str:
    interface = app.session_interface
    if interface is not None:
        return f"they are kept by {type(interface).__module__}.{type(interface).__qualname__}, which was not asked."
    if refused:
        return "the store was not opened, because settings are refused."
    name = name_store(app)
    try:
        store = app.session_manager.store
    except (ConfigError, MissingExtra) as error:
        refused.append(Finding("SESSION_TYPE", str(error)))
        return f"the store {name!r} cannot be opened."
    if name == "cookie":
        return "they are kept in the cookie, and in no store."
    try:
        found = drive(store.check())
    except SessionUnavailable as error:
        place = f" at {store.place}" if store.place and store.place not in str(error) else ""
        doubtful.append(_finding("SESSION_TYPE", f"The store {name!r}{place} does not answer: {error}"))
        return f"the store {name!r} does not answer."
    doubtful.extend(_finding("SESSION_TYPE", doubt) for doubt in found)
    return f"the store {name!r} answers."


def name_store(app: Any) -> str:
    """Return what the store is called; SESSION_URL alone may have chosen it."""
    kind = app.config["SESSION_TYPE"]
    if isinstance(kind, str):
        with contextlib.suppress(ConfigError):  # told where the store is opened
            kind = choose_type(SessionSettings.from_config(app.config, app.instance_path))
        return str(kind)
    return "null" if kind is None else type(kind).__qualname__


def _doubts(app: Any) -> Iterator[Finding]:
    config = app.config
    yield from _misspelt(app)
    if config["DEBUG"]:
        yield _finding("DEBUG", "It is on: errors show the source code to everybody who can reach the application.")
    if config["TESTING"]:
        yield _finding("TESTING", "It is on: exceptions go to the server instead of becoming an error page.")
    yield from key_doubts(app)
    yield from _cookie_doubts(app)
    yield from _session_doubts(app)
    yield from _host_doubts(app)
    yield from _route_doubts(app)


def _finding(setting: str, text: str) -> Finding:
    return Finding(setting, f"{setting}: {text}")


def _misspelt(app: Any) -> Iterator[Finding]:
    for key, known in app.config.doubts():
        yield _finding(key, f"There is no such setting. Did you mean {known}?")


def key_doubts(app: Any) -> Iterator[Finding]:
    """Yield what is doubtful about the secret key."""
    key = app.config["SECRET_KEY"]
    if key is None:
        key = load_kept_key(app.instance_path)
    if key is None:
        yield _finding(
            "SECRET_KEY",
            "It is not set, so sessions cannot be used. Run 'erlen secret --save', or set it to what 'erlen secret' "
            "prints.",
        )
        return
    text = key if isinstance(key, str) else key.decode("latin-1")
    if text.lower() in _KNOWN_KEYS or text in _KNOWN_KEYS:
        yield _finding("SECRET_KEY", "It is a well-known one, so anybody can forge sessions. Run 'erlen secret'.")
    elif len(text) < _SHORTEST_KEY or len(set(text)) < 8:
        yield _finding(
            "SECRET_KEY", f"It is easy to guess: take {_SHORTEST_KEY} random bytes at least. Run 'erlen secret'."
        )


def _cookie_doubts(app: Any) -> Iterator[Finding]:
    config = app.config
    own = default_settings(app.defaults)
    if config["SESSION_COOKIE_SECURE"] is False:
        yield _finding(
            "SESSION_COOKIE_SECURE",
            "It is off: the session cookie travels over plain http too. Set it to None or True.",
        )
    if not config["SESSION_COOKIE_HTTPONLY"]:
        yield _finding("SESSION_COOKIE_HTTPONLY", "It is off: scripts in the page can read the session cookie.")
    samesite = config["SESSION_COOKIE_SAMESITE"]
    if samesite != own["SESSION_COOKIE_SAMESITE"] and str(samesite).lower() == "none":
        yield _finding(
            "SESSION_COOKIE_SAMESITE", f"It is {samesite!r}: other sites can send requests with the session cookie."
        )
    if own["CROSS_SITE_GUARD"] and not config["CROSS_SITE_GUARD"]:
        yield _finding("CROSS_SITE_GUARD", "It is off: other sites can send requests that change something.")


def _session_doubts(app: Any) -> Iterator[Finding]:
    config = app.config
    if config["SESSION_ADOPT_FLASK_SESSION"]:
        yield _finding(
            "SESSION_ADOPT_FLASK_SESSION",
            "It is on: cookies of Flask-Session lead to the sessions that were imported. Turn it off when the last of "
            "those cookies has ended.",
        )
    absolute = seconds(config["SESSION_ABSOLUTE_TIMEOUT"])
    for name in ("PERMANENT_SESSION_LIFETIME", "SESSION_IDLE_TIMEOUT"):
        value = config[name]
        if value is not None and seconds(value) > absolute:
            yield _finding(
                name,
                f"It is {in_words(value)}, and SESSION_ABSOLUTE_TIMEOUT ends every session after "
                f"{in_words(config['SESSION_ABSOLUTE_TIMEOUT'])}.",
            )
    store = name_store(app)
    if store == "memory":
        yield _finding("SESSION_TYPE", "'memory' loses all sessions at a restart, and each worker has its own.")
    elif store == "null":
        yield _finding("SESSION_TYPE", "Sessions are kept nowhere: what is put into one is gone with the request.")


def _host_doubts(app: Any) -> Iterator[Finding]:
    config = app.config
    if config["TRUSTED_HOSTS"] is None:
        yield _finding(
            "TRUSTED_HOSTS",
            "It is not set: requests may name any host, which then stands in the URLs that are built from them.",
        )
    name = config["SERVER_NAME"]
    if name is None:
        if app.subdomain_matching:
            yield _finding("SERVER_NAME", "It is not set, so no subdomain can be told from the host.")
        return
    host, _, port = name.rpartition(":") if name.count(":") == 1 else (name, "", "")
    scheme = config["PREFERRED_URL_SCHEME"]
    if port and port == {"http": "80", "https": "443"}.get(scheme):
        yield _finding("SERVER_NAME", f"It has the port {port}, which {scheme} has by itself: write {host!r}.")
    if _is_address(host):
        yield _finding("SERVER_NAME", f"{host} is an address, which has no subdomains and changes with the machine.")
    elif "." not in host and host != "localhost":
        yield _finding(
            "SERVER_NAME", f"{host!r} has no dot in it, and browsers find such a host in their own network only."
        )
    trusted = config["TRUSTED_HOSTS"]
    if trusted and not any(host == entry.lstrip(".") or host.endswith("." + entry.lstrip(".")) for entry in trusted):
        yield _finding("SERVER_NAME", f"{host!r} is none of TRUSTED_HOSTS, so requests to it are refused.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _route_doubts(app: Any) -> Iterator[Finding]:
    hidden = []
    for conflict in app.url_map.conflicts():
        hidden.append(conflict.rule)
        if conflict.rule.endpoint in app.view_functions:
            yield Finding("routes", str(conflict))
    for rule in app.url_map.iter_rules():
        if rule.endpoint in app.view_functions or rule.build_only or rule.alias or rule.redirect_to is not None:
            continue
        if any(rule is one for one in hidden):
            continue  # it is there for building URLs: another rule answers its requests
        place = f", {rule.where}" if rule.where else ""
        yield Finding(
            "routes",
            f"The rule {rule.rule!r} (endpoint {rule.endpoint!r}{place}) has no view: a request for it is an error. "
            f"Write @app.endpoint({rule.endpoint!r}) above one, or build_only=True if the rule is for building URLs.",
        )


def _changed(app: Any) -> list[Changed]:
    defaults = default_settings(app.defaults)
    shown = app.config.masked()
    return [
        Changed(name, in_words(shown[name]), in_words(default), SETTINGS[name].sentence)
        for name, default in defaults.items()
        if name in app.config and app.config[name] != default
    ]


def in_words(value: Any) -> str:
    """Write a value as it is shown: a duration in days, hours, minutes and seconds."""
    if not isinstance(value, timedelta):
        return repr(value)
    rest = value.total_seconds()
    words = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(rest, length)
        if count:
            words.append(f"{count:g} {unit}{'' if count == 1 else 's'}")
    if rest or not words:
        words.append(f"{rest:g} second{'' if rest == 1 else 's'}")
    return " ".join(words)
