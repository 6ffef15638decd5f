"""Tools for tests: a client that sends requests to an application in process."""

from __future__ import annotations

from erlen.testing.client import Client, EnvironBuilder

__all__ = ["Client", "EnvironBuilder"]
