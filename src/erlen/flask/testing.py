"""``flask.testing``: the test client, the runner for commands, and what builds their requests."""

from __future__ import annotations

from erlen.testing import Client as FlaskClient
from erlen.testing import EnvironBuilder
from erlen.testing.cli_runner import FlaskCliRunner

__all__ = ["EnvironBuilder", "FlaskCliRunner", "FlaskClient"]
