"""``flask.views``: views as classes."""

from __future__ import annotations

import typing as t

from erlen.flask import typing as ft
from erlen.flask.globals import current_app, request
from erlen.views import MethodView, View, http_method_funcs

__all__ = ["MethodView", "View", "http_method_funcs"]

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
