"""Configuration: declared settings with their defaults, the dict that holds them, and the kept secret key."""

from __future__ import annotations

from erlen.config.defaults import ERLEN, FLASK, Defaults
from erlen.config.importing import import_object
from erlen.config.kinds import DURATION, seconds
from erlen.config.mapping import Config, ConfigAttribute
from erlen.config.retired import RETIRED, Retired
from erlen.config.rules import CLIENTS
from erlen.config.secret import keep_key, load_kept_key, new_key
from erlen.config.settings import SECTIONS, SETTINGS, Setting, default_settings

__all__ = [
    "CLIENTS",
    "DURATION",
    "ERLEN",
    "FLASK",
    "RETIRED",
    "SECTIONS",
    "SETTINGS",
    "Config",
    "ConfigAttribute",
    "Defaults",
    "Retired",
    "Setting",
    "default_settings",
    "import_object",
    "keep_key",
    "load_kept_key",
    "new_key",
    "seconds",
]
