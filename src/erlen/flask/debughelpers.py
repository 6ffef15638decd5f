"""``flask.debughelpers``: the errors of debug mode, and the account of how a template was looked for."""

from __future__ import annotations

import typing as t
from typing import Any

from jinja2 import BaseLoader
from werkzeug.routing import RequestRedirect

from erlen.application import Application as App
from erlen.context import nearest_request_context
from erlen.flask.blueprints import Blueprint
from erlen.flask.globals import request_ctx
from erlen.http.request import FileNotSent as DebugFilesKeyError
from erlen.http.request import FilesOfWrongForm
from erlen.steps import RedirectedForm as FormDataRoutingRedirect
from erlen.templating import account_of

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]


def _dump_loader_info(loader: BaseLoader) -> t.Iterator[str]:
    """Describe a loader: its class, and its public attributes that are text, numbers, or sequences of text."""
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for name, value in sorted(vars(loader).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, (tuple, list)):
            if all(isinstance(one, str) for one in value):
                yield f"{name}:"
                yield from (f"  - {one}" for one in value)
        elif isinstance(value, (str, int, float, bool)):
            yield f"{name}: {value!r}"


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """A text was given where bytes were expected, or the other way round."""


def attach_enctype_error_multidict(request: Any) -> None:
    """Have ``request.files`` say why it is empty where a form was sent without its files; debug mode does it itself."""
    request.files = FilesOfWrongForm(request)


def explain_template_loading_attempts(app: Any, template: str, attempts: list[tuple[Any, Any, Any]]) -> None:
    """Log where *template* was looked for, what was found, and what a developer may have mistaken.

    :param attempts: of each place the loader, the application or blueprint that it belongs to, and what it gave, which
        is None or a tuple whose second item is the file
    """
    lines = account_of(app, template, attempts)
    found = sum(source is not None for _, _, source in attempts)
    visited = nearest_request_context()
    blueprint = None if visited is None else visited.request.blueprint
    if found > 1:
        lines.append("Warning: multiple loaders returned a match for the template.")
    if found != 1 and blueprint is not None:
        lines.append(
            f"  The template was looked up from an endpoint that belongs to the blueprint {blueprint!r}.\n"
            "  Maybe it does not lie in the right folder?\n"
            "  See https://flask.palletsprojects.com/blueprints/#templates"
        )
    app.logger.info("\n".join(lines))
