"""The sessions of an application: made from its configuration, and made anew when that has changed."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from erlen import sessions as machinery  # its names are loaded when they are used
from erlen.config import Config, Defaults, load_kept_key
from erlen.current import current
from erlen.errors import ConfigError, SessionError
from erlen.routing import Map, Rule
from erlen.scaffold import Scaffold

__all__ = ["SessionSetup"]


class SessionSetup(Scaffold):
    """The application's attributes for sessions."""

    config: Config
    defaults: Defaults
    instance_path: str
    url_map: Map
    route_options: dict[str, dict[str, Any]]
    session_interface: Any
    _freezing: threading.RLock
    _config_seen: int
    _got_first_request: bool
    _sessions_slide: bool

    @cached_property
    def session_manager(self) -> machinery.SessionManager:
        """What opens and saves Erlen's own sessions, made from the configuration when it is first needed."""
        with self._freezing:
            found: machinery.SessionManager | None = self.__dict__.get("_session_manager")
            return found or self._make_session_manager(None)

    @property
    def sessions(self) -> machinery.UserSessions:
        """All sessions of the application: to list those of a user, to end, count and prune them.

        :raises SessionError: from its methods, if the store cannot do that
        """
        return machinery.UserSessions(self._own_sessions, _current_session)

    def _own_sessions(self) -> machinery.SessionManager:
        if self.session_interface is not None:
            name = f"{type(self.session_interface).__module__}.{type(self.session_interface).__qualname__}"
            raise SessionError(f"app.sessions knows Erlen's own sessions, and here {name} keeps them.")
        if self.config.changes != self._config_seen:
            self._follow_config()
        return self.session_manager

    def _prepare_sessions(self) -> None:
        """Refuse, before the first request, sessions that cannot be kept as the configuration says.

        The manager is made by that, unless nothing about it can be refused: many applications, and many workers of
        others, have no use for a session, and what keeps it takes two megabytes.
        """
        if "_session_manager" in self.__dict__ or not self._sessions_can_wait():
            self._check_session_modes(self.session_manager)
        else:
            self._config_seen = self.config.changes

    def _sessions_can_wait(self) -> bool:
        config = self.config
        path = config["SESSION_SQLITE_PATH"]
        return (
            self.defaults.checks_settings
            and config["SESSION_TYPE"] == "sqlite"
            and config["SESSION_URL"] is None
            and not config["SESSION_SEALED"]
            and (path is None or os.path.basename(path) != "")
            and importlib.util.find_spec("_sqlite3") is not None
        )

    def _make_session_manager(self, former: machinery.SessionManager | None) -> machinery.SessionManager:
        self._find_secret_key()
        config = self.config
        settings = machinery.SessionSettings.from_config(config, self.instance_path)
        keys = machinery.KeyRing.of(config["SECRET_KEY"], config["SECRET_KEY_FALLBACKS"])
        if former is not None and former.settings == settings and _same_keys(former.keys, keys):
            return former
        made = machinery.resolve_manager(settings, keys, former)
        made.sender = self
        if former is None or made.modes != former.modes:
            self._check_session_modes(made)
        if made.slides != self._sessions_slide:
            self._sessions_slide = made.slides
            self._changes.note()  # a request begins otherwise now
        self.__dict__["_session_manager"] = made
        return made

    def _check_session_modes(self, manager: machinery.SessionManager) -> None:
        for endpoint, options in self.route_options.items():
            mode = options.get("session", "shared")
            if mode not in manager.modes:
                raise _unfit_mode(endpoint, mode, self.url_map.iter_rules(endpoint))

    def _follow_config(self) -> None:
        with self._freezing:
            changes = self.config.changes
            former = self.__dict__.get("_session_manager")
            if former is not None:
                self.config.check()
                made = self._make_session_manager(former)
                if made is not former:
                    self.__dict__["session_manager"] = made
            elif self._got_first_request:
                self.config.check()
            self._config_seen = changes

    def _find_secret_key(self) -> None:
        if self.config["SECRET_KEY"] is None:
            kept = load_kept_key(self.instance_path)
            if kept is not None:  # or each look would count as a change of the configuration
                self.config["SECRET_KEY"] = kept


def _current_session() -> Any:
    context = current.get(None)
    return None if context is None or context.request is None else context.session


def _same_keys(ring: machinery.KeyRing | None, other: machinery.KeyRing | None) -> bool:
    return ring is other if ring is None or other is None else ring.keys == other.keys


def _unfit_mode(endpoint: str, mode: str, rules: Iterable[Rule]) -> ConfigError:
    where = next((f" ({place})" for rule in rules if (place := getattr(rule, "where", None))), "")
    reason = (
        "the session is in the browser, so no request can hold it for itself"
        if mode == "exclusive"
        else "the session is in the browser, so nobody can tell whether another request has changed it"
    )
    return ConfigError(
        "SESSION_TYPE",
        f"The route of {endpoint!r}{where} asks for session={mode!r}, and SESSION_TYPE = 'cookie' cannot give it: "
        f"{reason}.",
        "Keep sessions on the server, with SESSION_TYPE = 'sqlite', or write session='shared' in the route.",
    )
