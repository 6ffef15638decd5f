"""``flask routes``: all URL rules of the application, as Flask prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["route_lines"]

_AUTOMATIC = frozenset({"HEAD", "OPTIONS"})
_KEYS: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "endpoint": lambda row: row[0],
    "methods": lambda row: row[1],
    "domain": lambda row: row[2],
    "rule": lambda row: row[3],
}


def route_lines(app: Any, sort: str, all_methods: bool) -> Iterable[str]:
    """Return the lines that ``flask routes`` prints.

    :param sort: ``"endpoint"``, ``"methods"``, ``"domain"``, ``"rule"``, or ``"match"`` for the order of the map
    :param all_methods: show ``HEAD`` and ``OPTIONS`` too
    """
    matching = app.url_map.host_matching
    hidden: frozenset[str] = frozenset() if all_methods else _AUTOMATIC
    rows = [
        (
            str(rule.endpoint),
            sorted((rule.methods or set()) - hidden),
            (rule.host if matching else rule.subdomain) or "",
            rule.rule,
        )
        for rule in app.url_map.iter_rules()
    ]
    if not rows:
        return ["The application has no URL rules."]
    if sort in _KEYS:
        rows.sort(key=_KEYS[sort])
    domains = any(row[2] for row in rows)
    head = ["Endpoint", "Methods", *(["Host" if matching else "Subdomain"] if domains else []), "Rule"]
    table = [head]
    for endpoint, methods, domain, rule in rows:
        table.append([endpoint, ", ".join(methods), *([domain] if domains else []), rule])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
