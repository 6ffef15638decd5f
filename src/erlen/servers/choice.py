"""What a server needs to know of an application before it starts: the protocol to speak, and how many workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from inspect import isasyncgenfunction
from pathlib import Path
from typing import Any, NamedTuple

from erlen.callables import describe, is_async
from erlen.errors import ServerError

__all__ = ["INTERFACES", "Choice", "choose_interface", "default_threads", "entry_point", "usable_cpus"]

INTERFACES = ("wsgi", "asgi", "rsgi")
"""The protocols that granian speaks with an application."""


class Choice(NamedTuple):
    """A protocol, and why it was chosen: to be read after "because"."""

    interface: str
    reason: str


def choose_interface(app: Any) -> Choice:
    """Choose the protocol that suits *app*: ASGI if anything in it is async or it trusts proxies, WSGI otherwise.

    Over WSGI granian hands a header ``X_Forwarded_For`` over as ``X-Forwarded-For``, so a client could pass for
    another one behind a proxy that lets such a header through. Over ASGI Erlen sees its real name, and drops it.

    An application whose ``wsgi_app`` is wrapped is served over WSGI, and one whose ``asgi_app`` is over ASGI, since the
    wrapper would be passed by otherwise.
    """
    if "wsgi_app" in vars(app) and "asgi_app" not in vars(app):
        return Choice("wsgi", "app.wsgi_app is wrapped by middleware")
    if "asgi_app" in vars(app) and "wsgi_app" not in vars(app):
        return Choice("asgi", "app.asgi_app is wrapped by middleware")
    if any(rule.websocket for rule in app.url_map.iter_rules()):
        return Choice("asgi", "it has a WebSocket")
    function = next((found for found in _functions(app) if is_async(found) or isasyncgenfunction(found)), None)
    if function is None and app._proxies is not None:
        return Choice("asgi", "it trusts proxies, and only there their headers cannot be forged with underscores")
    if function is None:
        return Choice("wsgi", "nothing in it is async")
    return Choice("asgi", f"{describe(function)} is async")


def _functions(app: Any) -> Iterator[Any]:
    yield from app.view_functions.values()
    for table in (
        app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs, app.url_value_preprocessors,
    ):  # fmt: skip
        for functions in table.values():
            yield from functions
    yield from app.teardown_appcontext_funcs
    yield from app.before_first_request_funcs
    yield from app.before_first_visit_funcs
    yield from app.before_serving_funcs
    yield from app.while_serving_funcs
    yield from app.after_serving_funcs
    for by_code in app.error_handler_spec.values():
        for by_class in by_code.values():
            yield from by_class.values()


def entry_point(app: Any, interface: str) -> Any:
    """Return what a server calls to speak *interface* with *app*.

    :raises ServerError: if *app* does not speak it
    """
    if interface == "asgi":
        entry = getattr(app, "asgi", None)
        if entry is None:
            raise ServerError(
                f"{app!r} has no attribute 'asgi', so it cannot be served over ASGI: use --interface wsgi."
            )
        return entry
    if interface == "rsgi" and not hasattr(app, "__rsgi__"):
        raise ServerError(f"{app!r} has no method '__rsgi__', so it cannot be served over RSGI: use --interface wsgi.")
    return app


def default_threads() -> int:
    """Return how many requests a worker answers at once over WSGI, where nobody has said."""
    return min(8, 2 * usable_cpus() + 1)


def usable_cpus(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many processors this process may use: those it is bound to, or what its container is given of them.

    :param quota: the file in which Linux says what a container is given (cgroup v2, ``cpu.max``)
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text().split()
        return min(count, max(1, round(int(share) / int(period))))
    except (OSError, ValueError):  # no container, or one without a limit
        return count
