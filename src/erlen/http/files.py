"""Files as responses, by Werkzeug's functions: ranges, conditional requests, ETags, safe joins.

Many servers can send a file by themselves, at a fraction of the price, if they are told its path. So a body that is a
file, or a range of one, is recognised here again.
"""

from __future__ import annotations

import io
import os
import stat
from datetime import timedelta
from typing import IO, Any

from werkzeug import wsgi
from werkzeug.utils import send_file as werkzeug_send_file
from werkzeug.utils import send_from_directory as werkzeug_send_from_directory

from erlen.http.environ import FileBody

__all__ = ["SMALL", "FilePart", "file_of", "options_of", "send_file", "send_from_directory"]

#: Up to this many bytes a file is sent in one piece where a thread reads it.
SMALL = 256 * 1024

# What Werkzeug puts around a body to send a range of it; it has no public name.
_Range: Any = getattr(wsgi, "_RangeWrapper", None)


class FilePart:
    """A file, or a range of it, that a server is to send by itself.

    :ivar path: its absolute path
    :ivar start: the first byte
    :ivar end: the byte behind the last one; None is the end of the file
    :ivar size: how many bytes these are
    """

    __slots__ = ("end", "path", "size", "start")

    def __init__(self, path: str, size: int, start: int = 0, end: int | None = None) -> None:
        self.path = path
        self.size = size
        self.start = start
        self.end = end


def file_of(body: Any) -> FilePart | None:
    """Find the file that *body* sends, where its path leads to the very file that has been opened; else None.

    A file that has been replaced or deleted since, one that is sent from its middle on, and one that is a file in name
    only (a pipe, a device, an object that behaves like one) are sent in pieces, of what has been opened.
    """
    kind = type(body)
    start, end = 0, None
    if kind is _Range and kind is not None:
        start, end = body.start_byte, body.end_byte
        body = body.iterable
    if type(body) is not FileBody:
        return None
    file: Any = body.file
    # Exactly these: a subclass may give other bytes than the file has.
    if type(file) is not io.BufferedReader or type(file.raw) is not io.FileIO:
        return None
    path = file.name
    if type(path) is not str or not os.path.isabs(path):
        return None
    try:
        path.encode()
        opened, found = os.fstat(file.fileno()), os.stat(path)
        if not (stat.S_ISREG(opened.st_mode) and os.path.samestat(opened, found)) or (end is None and file.tell()):
            return None
    except (OSError, ValueError):  # it is closed, or gone, or its name is none that every server can be told
        return None
    return FilePart(path, (opened.st_size if end is None else end) - start, start, end)


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
