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
from erlen.http.forms import FileNotSent as DebugFilesKeyError
from erlen.http.forms import FilesOfWrongForm
from erlen.steps import RedirectedForm as FormDataRoutingRedirect
from erlen.templating import account_of

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]


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
    if found != 1 and blueprint is not None:
        lines.append(
            f"The request belongs to the blueprint {blueprint!r}. The folder of the application goes before that of a "
            "blueprint: keep its templates in a folder of its name: render_template('<blueprint>/<template>')."
        )
    app.logger.info("\n".join(lines))
