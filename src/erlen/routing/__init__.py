"""Routing: which endpoint a path means, and which URL an endpoint has.

The language of rules, the names and their meaning are Werkzeug's. The engine is Erlen's: rules without variables are
looked up in a dict, the others in a tree of segments, and neither gets slower as rules are added.
"""

from __future__ import annotations

from werkzeug.routing import StateMachineMatcher  # Werkzeug's engine, for those who import its name from here

from erlen.routing.adapter import MapAdapter
from erlen.routing.conflicts import RouteConflict
from erlen.routing.converters import (
    DEFAULT_CONVERTERS,
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    NumberConverter,
    PathConverter,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)
from erlen.routing.exceptions import (
    BuildError,
    NoMatch,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    RoutingException,
    RuleSyntaxError,
    UnknownConverter,
    WebsocketMismatch,
)
from erlen.routing.factories import EndpointPrefix, RuleTemplate, RuleTemplateFactory, Subdomain, Submount
from erlen.routing.map import Map
from erlen.routing.outcomes import (
    AliasRedirect,
    DefaultsRedirect,
    Miss,
    Missing,
    RedirectTo,
    SlashRedirect,
    WrongMethod,
    WrongProtocol,
)
from erlen.routing.pattern import parse_converter_args
from erlen.routing.rule import Rule, RuleFactory

__all__ = [
    "DEFAULT_CONVERTERS",
    "AliasRedirect",
    "AnyConverter",
    "BaseConverter",
    "BuildError",
    "DefaultsRedirect",
    "EndpointPrefix",
    "FloatConverter",
    "IntegerConverter",
    "Map",
    "MapAdapter",
    "Miss",
    "Missing",
    "NoMatch",
    "NumberConverter",
    "PathConverter",
    "RedirectTo",
    "RequestAliasRedirect",
    "RequestPath",
    "RequestRedirect",
    "RouteConflict",
    "RoutingException",
    "Rule",
    "RuleFactory",
    "RuleSyntaxError",
    "RuleTemplate",
    "RuleTemplateFactory",
    "SlashRedirect",
    "StateMachineMatcher",
    "Subdomain",
    "Submount",
    "UUIDConverter",
    "UnicodeConverter",
    "UnknownConverter",
    "ValidationError",
    "WebsocketMismatch",
    "WrongMethod",
    "WrongProtocol",
    "parse_converter_args",
]
