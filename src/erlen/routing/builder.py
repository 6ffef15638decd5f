"""The way back: from values to a URL. A rule's template is compiled once and filled by joining strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from werkzeug.routing import BaseConverter

from erlen.routing.converters import url_writer
from erlen.routing.quoting import quote_path

__all__ = ["UrlTemplate"]

Slot: TypeAlias = tuple[str, Callable[[Any], str]]


class UrlTemplate:
    """A sequence of fixed texts and slots for values.

    :param trace: the pieces, (True, name of a variable) or (False, text)
    :param converters: a converter for each variable
    :param defaults: values that are known already; their slots become fixed text
    """

    __slots__ = ("_pieces", "_text")

    def __init__(
        self,
        trace: Iterable[tuple[bool, str]],
        converters: Mapping[str, BaseConverter],
        defaults: Mapping[str, Any],
    ) -> None:
        pieces: list[str | Slot] = []
        for is_variable, data in trace:
            if is_variable and data not in defaults:
                pieces.append((data, url_writer(converters[data])))
                continue
            text = converters[data].to_url(defaults[data]) if is_variable else quote_path(data)
            last = pieces[-1] if pieces else None
            if isinstance(last, str):
                pieces[-1] = last + text
            else:
                pieces.append(text)
        self._pieces = pieces
        self._text: str | None = None
        if all(isinstance(piece, str) for piece in pieces):
            self._text = "".join(piece for piece in pieces if isinstance(piece, str))

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text with *values* in its slots.

        :raises ValidationError: if a converter refuses its value
        """
        if self._text is not None:
            return self._text
        return "".join([piece if isinstance(piece, str) else piece[1](values[piece[0]]) for piece in self._pieces])
