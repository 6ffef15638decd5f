"""``flask.json.provider``: the replaceable object behind ``app.json``."""

from __future__ import annotations

from erlen.json.provider import DefaultJSONProvider, JSONProvider
from erlen.json.provider import _write_for_flask as _default

__all__ = ["DefaultJSONProvider", "JSONProvider", "_default"]
