"""Explains what would happen to a request, without sending it: no hook and no view is called."""

from __future__ import annotations

import difflib
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect, WebsocketMismatch

from erlen.introspect.facts import (
    Answerer,
    Candidate,
    Guard,
    SessionFacts,
    Step,
    find_answerers,
    find_steps,
    judge_guard,
    judge_session,
    say_how_it_runs,
)
from erlen.introspect.routes import Route, describe_rule
from erlen.routing import Map, Rule
from erlen.routing.outcomes import (
    AliasRedirect,
    DefaultsRedirect,
    Miss,
    RedirectTo,
    SlashRedirect,
    WrongMethod,
    WrongProtocol,
)
from erlen.testing import EnvironBuilder

__all__ = ["Explanation", "explain"]


class Explanation(Struct, frozen=True):
    """What would happen to a request.

    :param outcome: ``"view"``, ``"options"`` (the automatic answer), ``"redirect"``, ``"not found"``, ``"method not
        allowed"``, ``"websocket"``, ``"refused"`` (its host is not trusted), or ``"no view"``
    :param status: what the router alone answers with; None where the view decides
    :param reason: why: a sentence
    :param route: the rule that matches
    :param values: what stands in its variables, as Python writes it
    :param location: where it redirects to
    :param allowed: the methods that the path may be asked for with
    :param candidates: rules that were considered and not taken
    :param suggestions: rules that look like the path, where none matches
    :param steps: what runs, in the order of the request
    :param session: the session
    :param guard: the guard against forged requests
    :param answerers: what answers errors
    :param runs: in which thread it runs: a sentence
    """

    method: str
    path: str
    host: str
    outcome: str
    status: int | None
    reason: str
    route: Route | None
    values: dict[str, str]
    location: str | None
    allowed: tuple[str, ...]
    candidates: list[Candidate]
    suggestions: list[str]
    steps: list[Step]
    session: SessionFacts
    guard: Guard
    answerers: list[Answerer]
    runs: str


class _Found(Struct):
    outcome: str
    reason: str
    status: int | None = None
    rule: Any = None
    values: dict[str, Any] = {}
    location: str | None = None
    allowed: tuple[str, ...] = ()


def explain(app: Any, method: str, path: str, host: str | None = None) -> Explanation:
    """Explain what *app* would do with a request. ::

        explain(app, "GET", "/cart/7").route.endpoint  # "cart"

    :param method: the HTTP method
    :param path: the path, with a query or without
    :param host: the host it is addressed to, perhaps with a port; default is ``SERVER_NAME``, or ``localhost``
    """
    method = method.upper()
    if not path.startswith("/"):
        path = f"/{path}"
    base_url = f"{app.config['PREFERRED_URL_SCHEME']}://{host}/" if host else None
    builder = EnvironBuilder(app, path, base_url, method=method)
    try:
        environ = builder.get_environ()
    finally:
        builder.close()
    request = app.request_class(environ)
    request.app = app
    adapter = None
    try:
        adapter = app.create_url_adapter(request)
    except HTTPException as error:
        found = _Found("refused", f"Its host is none of TRUSTED_HOSTS, which are {app.config['TRUSTED_HOSTS']}.")
        found.status = error.code
    else:
        found = _find(app, adapter, method)
    rule = found.rule if found.outcome in ("view", "options", "no view") else None
    endpoint = None if rule is None else rule.endpoint
    plan = app._changes.plans.compiled.get(endpoint) or app.compile_plan(endpoint)
    return Explanation(
        method=method,
        path=urlsplit(path).path,
        host=environ["HTTP_HOST"],
        outcome=found.outcome,
        status=found.status,
        reason=found.reason,
        route=None if found.rule is None else describe_rule(app, found.rule),
        values={name: repr(value) for name, value in found.values.items()},
        location=found.location,
        allowed=found.allowed,
        candidates=[] if adapter is None else _candidates(app, adapter, method, found),
        suggestions=[] if found.outcome != "not found" else _suggestions(app, urlsplit(path).path),
        steps=find_steps(app, plan, method, found.outcome == "view"),
        session=judge_session(app, plan),
        guard=judge_guard(app, plan, method),
        answerers=find_answerers(app, plan),
        runs=say_how_it_runs(plan),
    )


def _find(app: Any, adapter: Any, method: str) -> _Found:
    """Match a request, and say how that ended."""
    try:
        rule, values = adapter.match(method=method, return_rule=True)
    except RequestRedirect as redirect:
        miss = _search(adapter.map, adapter, method)
        return _Found(
            "redirect",
            _why_redirected(miss),
            redirect.code,
            rule=getattr(miss, "rule", None),
            location=redirect.new_url,
        )
    except MethodNotAllowed as error:
        allowed = tuple(sorted(error.valid_methods or ()))
        return _Found("method not allowed", f"The path is there, for {', '.join(allowed)}.", 405, allowed=allowed)
    except WebsocketMismatch as error:
        return _Found("websocket", "The rule is for WebSockets, and this is a plain request.", error.code)
    except HTTPException as error:
        return _Found("not found", "No rule matches the path.", error.code)
    allowed = tuple(sorted(rule.methods or ()))
    if method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return _Found("options", "The answer names the methods by itself.", 200, rule, values, allowed=allowed)
    if app.view_functions.get(rule.endpoint) is None:
        reason = f"The rule matches, and its endpoint {rule.endpoint!r} has no view: that is an error."
        return _Found("no view", reason, 500, rule, values, allowed=allowed)
    return _Found("view", f"It matches {rule.rule!r}.", None, rule, values, allowed=allowed)


def _search(router: Any, adapter: Any, method: str, domain: str | None = None) -> Any:
    if domain is None:
        domain = adapter.server_name if router.host_matching or adapter.subdomain is None else adapter.subdomain
    path = f"/{adapter.path_info.lstrip('/')}" if adapter.path_info else ""
    return router.find(domain, path, method, adapter.websocket)


def _why_redirected(miss: Any) -> str:
    if isinstance(miss, SlashRedirect):
        return "The canonical URL has a slash more at its end, or fewer in a row."
    if isinstance(miss, DefaultsRedirect):
        return f"The values are the defaults of {miss.rule.rule!r}, which is the canonical URL."
    if isinstance(miss, AliasRedirect):
        return f"{miss.rule.rule!r} is an alias of another rule of the endpoint {miss.rule.endpoint!r}."
    if isinstance(miss, RedirectTo):
        return f"{miss.rule.rule!r} has redirect_to."
    return "The router redirects."


def _candidates(app: Any, adapter: Any, method: str, found: _Found) -> list[Candidate]:
    """Try each rule alone, and say of those that have the path why they were not taken."""
    result = []
    for rule in app.url_map.iter_rules():
        if rule is found.rule or rule.build_only:
            continue
        reason = _why_not(rule, adapter, method, found)
        if reason:
            route = describe_rule(app, rule)
            result.append(Candidate(route.rule, route.endpoint, route.defined, reason))
    return result


def _why_not(rule: Rule, adapter: Any, method: str, found: _Found) -> str | None:
    alone = _alone(rule, adapter.map)
    outcome = _search(alone, adapter, method, "")
    if not isinstance(outcome, Miss):
        if isinstance(_search(_alone(rule, adapter.map, keep_domain=True), adapter, method), Miss):
            kind, domain = ("host", rule.host) if adapter.map.host_matching else ("subdomain", rule.subdomain)
            return f"It is for the {kind} {domain!r}." if domain else "It is for the host without a subdomain."
        if found.rule is not None:
            return f"It matches too, but {found.rule.rule!r} is tried first."
        return "It matches too, but the redirect is found first." if found.outcome == "redirect" else None
    if isinstance(outcome, WrongMethod):
        return f"It is for {', '.join(outcome.allowed)}, not for {method}."
    if isinstance(outcome, WrongProtocol):
        return "It is for WebSockets."
    if isinstance(outcome, SlashRedirect):
        return f"It has the path {outcome.path!r}."
    return _refusing_converter(rule, adapter.path_info)


def _alone(rule: Rule, owner: Any, keep_domain: bool = False) -> Map:
    """Make a map of this one rule; without its host or subdomain, unless *keep_domain* is given."""
    copy = rule.empty()
    if not keep_domain:
        copy.host, copy.subdomain = None, ""
    copy.alias, copy.redirect_to = False, None
    return Map(
        [copy],
        strict_slashes=owner.strict_slashes,
        merge_slashes=owner.merge_slashes,
        converters=owner.converters,
        host_matching=keep_domain and owner.host_matching,
        default_subdomain=owner.default_subdomain if keep_domain else "",
    )


def _refusing_converter(rule: Rule, path: str) -> str | None:
    """Say which variable refuses its part of the path, where the rest of the rule fits."""
    ours, theirs = rule.rule.strip("/").split("/"), path.strip("/").split("/")
    if len(ours) != len(theirs) or ours == theirs:
        return None
    odd = [(part, text) for part, text in zip(ours, theirs, strict=True) if part != text]
    if any(not part.startswith("<") or not part.endswith(">") for part, _ in odd):
        return None
    if not any(":" in part for part, _ in odd):
        return None
    part, text = next((part, text) for part, text in odd if ":" in part)
    return f"Its variable {part} does not take {text!r}."


def _suggestions(app: Any, path: str) -> list[str]:
    """Return the rules that look most like *path*."""
    scored: list[tuple[float, str]] = []
    theirs = path.split("/")
    for rule in app.url_map.iter_rules():
        parts = rule.rule.split("/")
        filled = [
            theirs[number] if part.startswith("<") and number < len(theirs) and theirs[number] else part
            for number, part in enumerate(parts)
        ]
        ratio = difflib.SequenceMatcher(None, path, "/".join(filled)).ratio()
        if ratio >= 0.6 and rule.rule not in {known for _, known in scored}:
            scored.append((ratio, rule.rule))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [rule for _, rule in scored[:3]]
