"""``flask.wrappers``: request and response."""

from __future__ import annotations

from erlen.http.request import Request
from erlen.http.response import Response

__all__ = ["Request", "Response"]
