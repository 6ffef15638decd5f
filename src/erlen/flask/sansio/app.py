"""``flask.sansio.app``: the application without a protocol."""

from __future__ import annotations

from erlen.application import Application as App

__all__ = ["App"]
