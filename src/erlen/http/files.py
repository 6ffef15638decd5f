"""Files as responses, by Werkzeug's functions: ranges, conditional requests, ETags, safe joins.

Many servers can send a file by themselves, at a fraction of the price, if they are told its path. So a body that is a
file, or a range of one, is recognised here again.
"""

from __future__ import annotations

import io
import mimetypes
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from time import time
from typing import IO, Any, NamedTuple

from werkzeug import wsgi
from werkzeug.http import http_date
from werkzeug.utils import send_file as werkzeug_send_file
from werkzeug.utils import send_from_directory as werkzeug_send_from_directory
from werkzeug.wsgi import wrap_file

from erlen.http.environ import SMALL, FileBody
from erlen.http.response import Response

__all__ = ["SMALL", "FilePart", "file_of", "options_of", "send_file", "send_from_directory"]

# What Werkzeug puts around a body to send a range of it; it has no public name.
_Range: Any = getattr(wsgi, "_RangeWrapper", None)
_ASKING = frozenset({"GET", "HEAD"})


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


class _Sent(NamedTuple):
    """How Werkzeug's functions have answered, to answer in the same way until something about the file changes."""

    path: str
    #: What the file was like before they looked at it; None if that is not known yet.
    state: tuple[int, int, int] | None
    suffix: str
    mimetype: str | None
    max_age: Any
    status: int
    pairs: list[tuple[str, str]]
    #: Where ``Date`` stands, and ``Expires``; -1 where there is none.
    date: int
    expires: int


#: By all that the answer depends on, but for what stands in it and is compared.
_sent: dict[tuple[Any, ...], _Sent] = {}
_MOST = 2000
#: Values that are the same when they are equal, and cannot change.
_PLAIN = frozenset({str, bool, type(None), int, float, datetime})
_date_of = lru_cache(maxsize=16)(http_date)


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
    return _send(context, werkzeug_send_file, (path_or_file,), options)


def send_from_directory(
    context: Any, directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **options: Any
) -> Any:
    """Answer the request of *context* with a file below *directory*.

    :raises werkzeug.exceptions.NotFound: if *path* leads out of the directory, or to no file
    """
    return _send(context, werkzeug_send_from_directory, (directory, path), options)


def _send(context: Any, send: Callable[..., Any], where: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """Answer as *send* does, one of Werkzeug's functions; as it has answered before, where nothing has changed."""
    app = context.app
    environ = context.request.environ
    key = _key_of(app, environ, send, where, given)
    if key is None:
        return send(*where, **options_of(context, given))
    max_age = given.get("max_age")
    if max_age is None:
        max_age = app.get_send_file_max_age
    known = _sent.get(key)
    state = None
    if known is not None:
        try:
            found = os.stat(known.path)
        except (OSError, ValueError):
            known = None
        else:
            path, before, suffix, mimetype, old_age, status, pairs, date, expires = known
            state = found.st_mtime_ns, found.st_size, found.st_mode
            if state == before and mimetypes.types_map.get(suffix) == mimetype:
                if callable(max_age):
                    max_age = max_age(path)
                if max_age == old_age:
                    pairs = pairs.copy()
                    if date >= 0:
                        pairs[date] = "Date", _date_of(int(time()))
                    if expires >= 0:
                        pairs[expires] = "Expires", _date_of(int(time() + max_age))
                    body = wrap_file(environ, io.BufferedReader(io.FileIO(path))) if status == 200 else []
                    return Response.of_parts(body, status, pairs, True)
                given["max_age"] = lambda _: max_age  # None would be taken for one that is not given
    return _send_and_remember(key, state, send, where, options_of(context, given))


def _key_of(
    app: Any, environ: dict[str, Any], send: Callable[..., Any], where: tuple[Any, ...], given: dict[str, Any]
) -> tuple[Any, ...] | None:
    """Give what the answer depends on; None if that cannot be told, or is not likely to come again."""
    if (
        app.response_class is not Response
        or app.config["USE_X_SENDFILE"]
        or environ["REQUEST_METHOD"] not in _ASKING
        or "HTTP_RANGE" in environ
        or "HTTP_IF_MATCH" in environ
        or "HTTP_IF_UNMODIFIED_SINCE" in environ
    ):
        return None
    for value in where:
        if type(value) is not str:
            return None
    options = None
    if len(given) > 1 or "max_age" not in given:
        options = tuple([item for item in given.items() if item[0] != "max_age"])
        for _, value in options:
            if type(value) not in _PLAIN:
                return None
    conditions = environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_IF_MODIFIED_SINCE")
    return send, app.root_path, where, options, conditions


def _send_and_remember(
    key: tuple[Any, ...],
    state: tuple[int, int, int] | None,
    send: Callable[..., Any],
    where: tuple[str, ...],
    options: dict[str, Any],
) -> Any:
    """Have *send* answer, and remember how.

    :param state: what the file was like just now, if it is known which one it is
    """
    told: list[Any] = []
    max_age = options["max_age"]

    def tell(path: str) -> Any:  # the path is known to Werkzeug's functions alone
        value = max_age(path) if callable(max_age) else max_age
        told[:] = path, value
        return value

    options["max_age"] = tell
    answer = send(*where, **options)
    if told and answer.status_code in (200, 304) and sum(map(len, filter(None, (*where, *key[-1])))) < 500:
        path, value = told
        suffix = os.path.splitext(options.get("download_name") or path)[1].lower()
        mimetype = mimetypes.types_map.get(suffix)
        pairs = list(answer.headers)
        names = [name for name, _ in pairs]
        places = [names.index(name) if name in names else -1 for name in ("Date", "Expires")]
        if len(_sent) >= _MOST:
            _sent.clear()
        _sent[key] = _Sent(path, state, suffix, mimetype, value, answer.status_code, pairs, places[0], places[1])
    return answer
