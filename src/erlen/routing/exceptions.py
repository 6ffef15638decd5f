"""The exceptions of routing.

They are Werkzeug's own classes, so that an ``except werkzeug.routing.BuildError`` written for Flask keeps working; the
two that concern the text of a rule are Erlen's.
"""

from __future__ import annotations

from werkzeug.routing import (
    BuildError,
    NoMatch,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    RoutingException,
    ValidationError,
    WebsocketMismatch,
)

from erlen.errors import RuleSyntaxError, UnknownConverter

__all__ = [
    "BuildError",
    "NoMatch",
    "RequestAliasRedirect",
    "RequestPath",
    "RequestRedirect",
    "RoutingException",
    "RuleSyntaxError",
    "UnknownConverter",
    "ValidationError",
    "WebsocketMismatch",
]
