"""``flask.config``: the configuration, which reads ``FLASK_`` variables."""

from __future__ import annotations

import errno
import json
import os
import types
import typing as t
from collections.abc import Callable
from typing import Any

from werkzeug.utils import import_string

from erlen.config import FLASK, ConfigAttribute
from erlen.config import Config as ErlenConfig

__all__ = ["Config", "ConfigAttribute"]

T = t.TypeVar("T")


class Config(ErlenConfig):
    """The configuration of an application with Flask's defaults; see :class:`erlen.Config` for its methods."""

    env_prefix = FLASK.env_prefix

    def from_prefixed_env(self, prefix: str | None = "FLASK", *, loads: Callable[[str], Any] = json.loads) -> bool:
        """Take over the environment variables that begin with *prefix* and an underscore, without it."""
        return super().from_prefixed_env(prefix, loads=loads)
