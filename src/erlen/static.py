"""The route that serves the files of a static folder."""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["add_static_route"]


def add_static_route(owner: Any, add_url_rule: Any, static_url_path: str, host: str | None = None) -> None:
    """Add the rule ``static_url_path/<path:filename>`` with the endpoint ``static``.

    :param owner: the application or blueprint, whose ``send_static_file`` answers; it is kept weakly, because it holds
        the view itself
    """
    reference = weakref.ref(owner)

    def static(**values: Any) -> Any:
        return reference().send_static_file(**values)  # type: ignore[union-attr]

    options = {} if host is None else {"host": host}
    add_url_rule(f"{static_url_path}/<path:filename>", endpoint="static", view_func=static, static=True, **options)
