"""``erlen explain GET /path``: what would happen to a request."""

from __future__ import annotations

from collections.abc import Iterator

import click
from msgspec import json

from erlen.cli.routes import table
from erlen.cli.script import with_appcontext
from erlen.globals import current_app
from erlen.introspect import Explanation, explain

__all__ = ["explain_command"]


@click.command("explain", short_help="Explain what would happen to a request.")
@click.argument("request", nargs=-1, required=True, metavar="[METHOD] /PATH")
@click.option("--host", help="The host that the request is addressed to.  [default: SERVER_NAME, or localhost]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def explain_command(request: tuple[str, ...], host: str | None, as_json: bool) -> None:
    """Explain what the application would do with a request, such as GET /cart/7. Nothing of it is called.

    It says which rule matches and why, what runs in which order, whether and how the session is opened, and what
    answers errors.
    """
    if len(request) > 2 or (len(request) == 2 and request[0].startswith("/")):
        raise click.UsageError("Give a method and a path, for instance: erlen explain POST /cart")
    method, path = request if len(request) == 2 else ("GET", request[0])
    explanation = explain(current_app, method, path, host)
    if as_json:
        click.echo(json.format(json.encode(explanation), indent=2).decode())
        return
    for line in _lines(explanation):
        click.echo(line)


def _lines(found: Explanation) -> Iterator[str]:
    yield f"{found.method} {found.path}, host {found.host}"
    yield ""
    yield from _outcome(found)
    if found.candidates:
        yield ""
        yield "Rules that were not taken:"
        for other in found.candidates:
            yield f"  {other.rule}  (endpoint {other.endpoint!r}{_at(other.defined, ', ')})"
            yield f"      {other.reason}"
    if found.suggestions:
        yield ""
        yield f"Did you mean {' or '.join(found.suggestions)}?"
    yield ""
    yield "What runs, in this order:"
    if found.steps:
        rows = [["Event", "Of", "Function", "Kind", "Defined at"]]
        rows += [
            [step.event, step.scope or "app", f"{step.name}()", "async" if step.is_async else "plain", step.place or ""]
            for step in found.steps
        ]
        yield from (f"  {line}" for line in table(rows))
    else:
        yield "  nothing of the application's own"
    yield ""
    yield f"How: {found.runs}"
    session = found.session
    mode = "" if session.mode is None else f", mode {session.mode!r}"
    names = (
        session.cookie
        if session.cookie == session.cookie_https
        else f"{session.cookie} ({session.cookie_https} on https)"
    )
    yield f"Session: {session.type}{mode}, cookie {names}. {session.opened}"
    yield f"Guard: {'on' if found.guard.applies else 'off'}. {found.guard.reason}"
    yield ""
    yield "What answers errors:"
    for answerer in found.answerers:
        what = "the default page" if answerer.name is None else f"{answerer.name}(){_at(answerer.place, ' at ')}"
        yield f"  {answerer.error:<14}{what}"


def _outcome(found: Explanation) -> Iterator[str]:
    route = found.route
    if found.outcome == "redirect":
        yield f"Redirected with {found.status} to {found.location}"
    elif found.outcome == "options":
        yield "Answered by itself with 200"
    elif found.status is not None:
        yield f"Answered with {found.status}"
    elif route is not None:
        yield f"Answered by {route.view}(){_at(route.defined, ' at ')}"
    yield f"  {found.reason}"
    if route is not None:
        yield f"  Rule: {route.rule}, endpoint {route.endpoint!r}"
    for name, value in found.values.items():
        yield f"  {name} = {value}"
    if found.allowed and found.outcome != "method not allowed":
        yield f"  Methods: {', '.join(found.allowed)}"


def _at(place: str | None, before: str) -> str:
    return f"{before}{place}" if place else ""
