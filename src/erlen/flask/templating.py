"""``flask.templating``: Jinja's environment, the loader of templates, and rendering."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from typing import Any

from jinja2 import BaseLoader, Template, TemplateNotFound
from jinja2 import Environment as BaseEnvironment

from erlen import templating as rendering
from erlen.context import find_context, nearest_request_context
from erlen.current import current
from erlen.flask.globals import _cv_app, _cv_request, current_app, request
from erlen.flask.signals import before_render_template, template_rendered
from erlen.helpers import stream_with_context
from erlen.loading import load
from erlen.templating import DispatchingJinjaLoader as ErlenLoader
from erlen.templating import Environment, Source

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]


def _default_template_ctx_processor() -> dict[str, Any]:
    app, visited = current.get(None), nearest_request_context()
    values = {} if app is None else {"g": app.g}
    # The session is a proxy among the globals of the environment: put in here, it would count as read.
    return values if visited is None else {**values, "request": visited.request}


def _render(app: Any, template: Template, context: dict[str, Any]) -> str:
    return rendering.render(find_context("render_template"), template, context)


def _stream(app: Any, template: Template, context: dict[str, Any]) -> Iterator[str]:
    found = find_context("stream_template")
    pieces = rendering.stream(found, template, context)
    return stream_with_context(pieces) if found.has_request else pieces


def render_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> str:
    """Render a template.

    :param template_name_or_list: its name, or several, of which the first that exists is taken
    :param context: the values for it
    :raises jinja2.TemplateNotFound: if there is none
    """
    app = find_context("render_template").app
    return _render(app, rendering.get_template(app, template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """Render a template given as text; values are escaped as in HTML."""
    app = find_context("render_template_string").app
    return _render(app, app.jinja_env.from_string(source), context)


def stream_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> Iterator[str]:
    """Render a template piece by piece, for a view to return; arguments as for :func:`render_template`."""
    app = find_context("stream_template").app
    return _stream(app, rendering.get_template(app, template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render a template given as text piece by piece, for a view to return."""
    app = find_context("stream_template_string").app
    return _stream(app, app.jinja_env.from_string(source), context)


class DispatchingJinjaLoader(ErlenLoader):
    """Looks for a template in the application's folder, then in the folders of its blueprints."""

    def _iter_loaders(self, template: str) -> Iterator[tuple[Any, BaseLoader]]:
        return self._loaders()

    def explain(self, template: str, attempts: list[tuple[Any, Any, Source | None]]) -> None:
        """Log where *template* was looked for (``EXPLAIN_TEMPLATE_LOADING``)."""
        explain = load("erlen.flask.debughelpers").explain_template_loading_attempts
        explain(self.app, template, [(loader, owner, source) for owner, loader, source in attempts])
