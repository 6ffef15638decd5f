"""``erlen routes``: all URL rules of the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from msgspec import json

from erlen.cli.script import with_appcontext
from erlen.globals import current_app
from erlen.introspect import Route, list_routes

__all__ = ["routes_command"]

_AUTOMATIC = frozenset({"HEAD", "OPTIONS"})
_KEYS: dict[str, Callable[[Route], Any]] = {
    "endpoint": lambda route: route.endpoint,
    "methods": lambda route: route.methods or (),
    "domain": lambda route: route.host or route.subdomain or "",
    "rule": lambda route: route.rule,
}


@click.command("routes", short_help="Show the routes of the application.")
@click.option(
    "-s",
    "--sort",
    type=click.Choice(["endpoint", "methods", "domain", "rule", "match"]),
    default="endpoint",
    show_default=True,
    help="What to sort by; 'match' is the order in which rules are tried.",
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def routes_command(sort: str, all_methods: bool, as_json: bool) -> None:
    """Show all routes with their endpoints, methods, hosts, and the place where they are defined."""
    routes = list_routes(current_app)
    if sort in _KEYS:
        key = _KEYS[sort]
        routes.sort(key=lambda route: (key(route), route.endpoint))
    if as_json:
        click.echo(json.format(json.encode(routes), indent=2).decode())
        return
    if not routes:
        click.echo("The application has no URL rules.")
        return
    for line in table(_rows(routes, all_methods)):
        click.echo(line)


def _rows(routes: list[Route], all_methods: bool) -> list[list[str]]:
    hosts = any(route.host for route in routes)
    domains = hosts or any(route.subdomain for route in routes)
    head = ["Endpoint", "Methods", *(["Host" if hosts else "Subdomain"] if domains else []), "Rule", "Defined at"]
    rows = [head]
    for route in routes:
        methods = None if route.methods is None else [
            method for method in route.methods if all_methods or method not in _AUTOMATIC
        ]  # fmt: skip
        shown = "WEBSOCKET" if route.websocket else "any" if methods is None else ", ".join(methods)
        domain = [(route.host if hosts else route.subdomain) or ""] if domains else []
        note = f"  ({route.note})" if route.note else ""
        rows.append([route.endpoint, shown, *domain, route.rule + note, route.defined or ""])
    return rows


def table(rows: list[list[str]]) -> list[str]:
    """Return *rows*, of which the first is the head, as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = rows
    ruled = [head, ["-" * width for width in widths], *body]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in ruled]
