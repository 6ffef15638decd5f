"""Says what routing did in a form in which Werkzeug's and ours can be compared: values with types, facts of errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import werkzeug.routing
from werkzeug.exceptions import HTTPException, MethodNotAllowed

import erlen.routing

#: A call of routing, for either of the two modules.
Scenario = Callable[[Any], object]


def told(call: Callable[..., object], *arguments: Any, **options: Any) -> object:
    """Return what *call* returns for the arguments, or the facts about what it raises."""
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        try:
            result: object = plain(call(*arguments, **options))
        except Exception as error:
            result = facts(error)
    return (result, [(each.category, str(each.message)) for each in noted]) if noted else result


def facts(error: Exception) -> tuple[object, ...]:
    """Return what a caller can know of an error. Texts are compared only where Werkzeug's are its public face."""
    kinds = [base for base in type(error).__mro__ if base.__module__[:5] != "erlen"]
    known: list[object] = ["raises", LookupError if LookupError in kinds[:2] else kinds[0]]
    if isinstance(error, werkzeug.routing.RequestRedirect):
        known += [error.new_url, error.code, str(error)]
        response = error.get_response({})
        known += [response.status_code, response.headers.get("Location"), response.get_data(as_text=True)]
    elif isinstance(error, MethodNotAllowed):
        known += [
            error.code,
            sorted(error.valid_methods or ()),
            sorted(error.get_response().headers["Allow"].split(", ")),
        ]
    elif isinstance(error, HTTPException):
        known += [error.code, error.name, error.description]
    elif isinstance(error, werkzeug.routing.BuildError):
        known += [str(error), plain(error.endpoint), plain(error.values), error.method, str(error.suggested)]
        known += [error.adapter is not None]
    elif isinstance(error, AssertionError):
        known.append(str(error))
    return tuple(known)


def plain(value: object) -> object:
    """Return *value* with the type of each part, and with rules as their texts."""
    if isinstance(value, (werkzeug.routing.Rule, erlen.routing.Rule)):
        return "rule", str(value), plain(value.endpoint)
    if isinstance(value, Exception):
        return facts(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(repr, value))
    return (type(value), value) if isinstance(value, (int, float, str)) else value


def both_tell_the_same(scenario: Scenario) -> None:
    """Assert that *scenario* ends in the same with Werkzeug's module and with ours."""
    expected = told(scenario, werkzeug.routing)
    ours = told(scenario, erlen.routing)
    assert ours == expected, f"Werkzeug: {expected}\nErlen:    {ours}"


def asked(adapter: Any, path: str, method: str | None = None, **options: Any) -> dict[str, object]:
    """Return what each of an adapter's ways of asking says of a request."""
    ways: dict[str, Callable[[], object]] = {
        "match": lambda: adapter.match(path, method, **options),
        "rule": lambda: adapter.match(path, method, return_rule=True, **options),
        "test": lambda: adapter.test(path, method),
        "allowed": lambda: sorted(adapter.allowed_methods(path)),
        "dispatch": lambda: adapter.dispatch(lambda endpoint, values: (endpoint, values), path, method),
        "caught": lambda: adapter.dispatch(lambda endpoint, values: (endpoint, values), path, method, True),
    }
    return {name: told(way) for name, way in ways.items()}


class Case(NamedTuple):
    """Rules for a map, and paths that it is asked for: a path, or (path, method), or (path, method, options)."""

    name: str
    rules: Callable[[Any], list[Any]]
    requests: list[Any]
    options: dict[str, Any] = {}  # noqa: RUF012
    bind: dict[str, Any] = {}  # noqa: RUF012


def every_request_means_the_same(case: Case) -> None:
    """Assert that each request of *case* has the outcome that Werkzeug gives it."""
    adapters = []
    for module in (werkzeug.routing, erlen.routing):
        bind = {"server_name": "example.com", **case.bind}
        adapters.append(module.Map(case.rules(module), **case.options).bind(**bind))
    for request in case.requests:
        path, method, options = (request, None, {}) if isinstance(request, str) else (*request, {})[:3]
        theirs, ours = (asked(adapter, path, method, **options) for adapter in adapters)
        assert ours == theirs, f"{request}\nWerkzeug: {theirs}\nErlen:    {ours}"
