"""A request as a WSGI environment (PEP 3333), made of what an ASGI or RSGI server tells.

Werkzeug's request, its URL adapters and many extensions read the environment; so requests of every protocol have one.
It is made when it is first asked for: most views never do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, Any

from werkzeug.wsgi import FileWrapper

__all__ = ["SMALL", "FileBody", "make_environ", "split_target"]

_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_names: dict[str, str] = {}

#: Up to this many bytes a file is sent in one piece where a thread reads it.
SMALL = 256 * 1024


class FileBody(FileWrapper):
    """A file as the body of a response, in pieces that are worth a hop to another thread."""

    def __init__(self, file: IO[bytes], buffer_size: int = 8192) -> None:
        super().__init__(file, max(buffer_size, SMALL))


def make_environ(
    *,
    method: str,
    scheme: str,
    http_version: str,
    root_path: str,
    path: str,
    query: str,
    server: tuple[str, int | str | None] | None,
    client: tuple[str, int | str | None] | None,
    headers: Iterable[tuple[str, str]],
    body: Any,
) -> dict[str, Any]:
    """Make the environment of a request.

    :param root_path: the path that the application is mounted under, decoded
    :param path: the path below it, decoded
    :param query: the query string as it came, as Latin-1
    :param headers: names in lower case, and values as Latin-1
    :param body: the file that the body is read from
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": _as_latin(root_path),
        "PATH_INFO": _as_latin(path),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": f"HTTP/{http_version}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443" if scheme == "https" else "80",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileBody,
    }
    if server is not None:
        environ["SERVER_NAME"] = server[0]
        if server[1] is not None:
            environ["SERVER_PORT"] = str(server[1])
    if client is not None and client[0]:
        environ["REMOTE_ADDR"] = client[0]
        if client[1] is not None:
            environ["REMOTE_PORT"] = str(client[1])
    for name, value in headers:
        key = _names.get(name) or _key_of(name)
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value  # HTTP/2 divides cookies (RFC 9113, 8.2.3)
        elif key:
            environ[key] = value
    return environ


def _key_of(name: str) -> str:
    """Return the key for a header; an empty one for a header that must not be seen.

    The environment writes dashes as underscores, so a header with underscores could pass for another one, which a proxy
    in front believes to have taken out.
    """
    if "_" in name:
        return ""
    lowered = name.lower()
    key = _UNPREFIXED.get(lowered) or "HTTP_" + lowered.upper().replace("-", "_")
    if len(_names) < 500:  # clients that make names up must not fill the memory
        _names[name] = key
    return key


def _as_latin(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def split_target(path: str) -> tuple[str | None, str]:
    """Divide a request target in absolute form (RFC 9112, section 3.2.2) into host and path; else None and *path*.

    >>> split_target("http://example.org/a")
    ('example.org', '/a')
    """
    if path[:1] == "/" or "://" not in path:
        return None, path
    host, slash, rest = path.partition("://")[2].partition("/")
    return host.rpartition("@")[2] or None, slash + rest or "/"
