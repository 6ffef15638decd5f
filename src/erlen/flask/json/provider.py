"""``flask.json.provider``: the replaceable object behind ``app.json``."""

from __future__ import annotations

import dataclasses
import decimal
import json
import typing as t
import uuid
import weakref
from datetime import date

from werkzeug.http import http_date

from erlen.json.provider import DefaultJSONProvider, JSONProvider
from erlen.json.provider import _write_for_flask as _default

__all__ = ["DefaultJSONProvider", "JSONProvider", "_default"]
