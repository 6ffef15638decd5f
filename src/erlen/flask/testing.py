"""``flask.testing``: the test client, the runner for commands, and what builds their requests."""

from __future__ import annotations

import importlib.metadata
import typing as t
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import cache
from types import TracebackType
from urllib.parse import urlsplit

import werkzeug
from click.testing import CliRunner, Result
from werkzeug.test import Client
from werkzeug.wrappers import Request as BaseRequest

from erlen.flask.cli import ScriptInfo
from erlen.flask.sessions import SessionMixin
from erlen.testing import Client as ErlenClient
from erlen.testing import EnvironBuilder
from erlen.testing.cli_runner import FlaskCliRunner

__all__ = ["EnvironBuilder", "FlaskCliRunner", "FlaskClient"]


@cache
def _get_werkzeug_version() -> str:
    return importlib.metadata.version("werkzeug")


class FlaskClient(ErlenClient):
    """Sends requests to an application in process; see :class:`erlen.testing.Client`."""
