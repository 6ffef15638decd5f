"""``flask.views``: views as classes."""

from __future__ import annotations

from erlen.views import MethodView, View, http_method_funcs

__all__ = ["MethodView", "View", "http_method_funcs"]
