"""Files as responses, by Werkzeug's functions: ranges, conditional requests, ETags, safe joins."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import IO, Any

from werkzeug.utils import send_file as werkzeug_send_file
from werkzeug.utils import send_from_directory as werkzeug_send_from_directory

__all__ = ["options_of", "send_file", "send_from_directory"]


def options_of(context: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Add to the options of Werkzeug's functions what the application and the request of *context* say."""
    app = context.app
    if given.get("max_age") is None:
        given["max_age"] = app.get_send_file_max_age
    elif isinstance(given["max_age"], timedelta):
        given["max_age"] = int(given["max_age"].total_seconds())
    given.update(
        environ=context.request.environ,
        use_x_sendfile=app.config["USE_X_SENDFILE"],
        response_class=app.response_class,
        _root_path=app.root_path,
    )
    return given


def send_file(context: Any, path_or_file: os.PathLike[str] | str | IO[bytes], **options: Any) -> Any:
    """Answer the request of *context* with a file; the options are those of the public ``send_file``."""
    return werkzeug_send_file(path_or_file, **options_of(context, options))


def send_from_directory(
    context: Any, directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **options: Any
) -> Any:
    """Answer the request of *context* with a file below *directory*.

    :raises werkzeug.exceptions.NotFound: if *path* leads out of the directory, or to no file
    """
    return werkzeug_send_from_directory(directory, path, **options_of(context, options))
