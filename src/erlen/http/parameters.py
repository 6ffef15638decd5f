"""Parameters and headers of a request, read for what they cost: Werkzeug's results without its detours."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from werkzeug.datastructures import EnvironHeaders as WerkzeugHeaders
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wsgi import LimitedStream

__all__ = ["EnvironHeaders", "SizedStream", "parameters_of"]

#: Up to this many bytes are asked for at once because a client has said that they come.
_AT_ONCE = 64 * 1024
_UNPREFIXED = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_keys: dict[str, str] = {}
_new = ImmutableMultiDict.__new__
_fill = dict.update


def parameters_of(text: str) -> ImmutableMultiDict[str, str]:
    """Read the parameters of a query string or of a form in the same form (WHATWG URL, section 5.1).

    Escapes of bytes that are not UTF-8 stay as they are, as with Werkzeug.

    :param text: what stands behind the question mark, or the body
    """
    values: dict[str, list[str]] = {}
    if text:
        if "+" in text:
            text = text.replace("+", " ")
        escapes = "%" in text
        for part in text.split("&"):
            if part:
                name, _, value = part.partition("=")
                if escapes:
                    name = unquote(name, errors="werkzeug.url_quote")
                    value = unquote(value, errors="werkzeug.url_quote")
                if name in values:
                    values[name].append(value)
                else:
                    values[name] = [value]
    result: ImmutableMultiDict[str, str] = _new(ImmutableMultiDict)
    _fill(result, values)  # a MultiDict is a dict of lists; its constructor would copy ours
    return result


class EnvironHeaders(WerkzeugHeaders):
    """The headers of a WSGI environment; to ask for one that is missing raises no exception on its way.

    :param environ: the environment
    """

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]
        """Return the header *key*, or *default* if it is missing.

        :param type: what makes another value of it; *default* is returned too if that raises a ValueError
        """
        found = self.environ.get(_keys.get(key) or _key_of(key))
        if found is None or type is not None:
            return super().get(key, default, type) if type is not None else default
        return found


def _key_of(name: str) -> str:
    """Return the key of an environment that holds the header *name*."""
    if not isinstance(name, str):
        return ""
    key = name.upper().replace("-", "_")
    if key not in _UNPREFIXED:
        key = f"HTTP_{key}"
    if len(_keys) < 500:  # a view may make names up
        _keys[name] = key
    return key


class SizedStream(LimitedStream):
    """A body of which the client has told the size; a small one is read in one step.

    :param stream: what it is read from
    :param limit: how many bytes there are
    """

    def readall(self) -> bytes:
        """Read what is left.

        :raises werkzeug.exceptions.ClientDisconnected: 400, if the client went away before the end
        """
        wanted = self.limit - self._pos
        if wanted <= 0 or (wanted > _AT_ONCE and wanted > getattr(self._stream, "bytes_arrived", 0)):
            return super().readall()
        try:
            read: bytes = self._stream.read(wanted)
        except (OSError, ValueError) as error:
            self.on_disconnect(error=error)
            return b""
        self._pos += len(read)
        return read if len(read) == wanted else read + super().readall()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to *size* bytes; all that are left without one. Raises what ``readall`` does."""
        if size == 0:
            return b""
        if size is None or size < 0 or self._pos >= self.limit:
            return super().read(-1 if size is None else size)
        try:
            read: bytes = self._stream.read(min(size, self.limit - self._pos))
        except (OSError, ValueError) as error:
            self.on_disconnect(error=error)
            return b""
        if not read:
            self.on_disconnect()
        self._pos += len(read)
        return read
