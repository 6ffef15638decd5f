"""``flask.templating``: Jinja's environment, the loader of templates, and rendering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import BaseLoader, Template

from erlen import templating as rendering
from erlen.context import find_context, nearest_request_context
from erlen.current import current
from erlen.flask.debughelpers import explain_template_loading_attempts
from erlen.helpers import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
    stream_with_context,
)
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


class DispatchingJinjaLoader(ErlenLoader):
    """Looks for a template in the application's folder, then in the folders of its blueprints."""

    def _iter_loaders(self, template: str) -> Iterator[tuple[Any, BaseLoader]]:
        return self._loaders()

    def explain(self, template: str, attempts: list[tuple[Any, Any, Source | None]]) -> None:
        """Log where *template* was looked for (``EXPLAIN_TEMPLATE_LOADING``)."""
        explain_template_loading_attempts(
            self.app, template, [(loader, owner, source) for owner, loader, source in attempts]
        )
