"""``flask.templating``: Jinja's environment, the loader of templates, and rendering."""

from __future__ import annotations

from typing import Any

from erlen.context import nearest_request_context
from erlen.current import current
from erlen.flask.debughelpers import explain_template_loading_attempts
from erlen.helpers import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
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
    return values if visited is None else {**values, "request": visited.request}


class DispatchingJinjaLoader(ErlenLoader):
    """Looks for a template in the application's folder, then in the folders of its blueprints."""

    def explain(self, template: str, attempts: list[tuple[Any, Any, Source | None]]) -> None:
        """Log where *template* was looked for (``EXPLAIN_TEMPLATE_LOADING``)."""
        explain_template_loading_attempts(
            self.app, template, [(loader, owner, source) for owner, loader, source in attempts]
        )
