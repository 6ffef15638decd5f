"""The way back: from values to a URL. A rule's template is compiled once and filled by joining strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from werkzeug.routing import BaseConverter

from erlen.routing.converters import url_writer
from erlen.routing.quoting import quote_path

__all__ = ["UrlTemplate"]

Slot: TypeAlias = tuple[str, Callable[[Any], str], str]


class UrlTemplate:
    """A sequence of fixed texts and slots for values.

    :param trace: the pieces, (True, name of a variable) or (False, text)
    :param converters: a converter for each variable
    :param defaults: values that are known already; their slots become fixed text
    """

    __slots__ = ("_head", "_slots")

    def __init__(
        self,
        trace: Iterable[tuple[bool, str]],
        converters: Mapping[str, BaseConverter],
        defaults: Mapping[str, Any],
    ) -> None:
        self._head = ""
        self._slots: list[Slot] = []  # name of the variable, what writes its value, the fixed text behind it
        for is_variable, data in trace:
            if is_variable and data not in defaults:
                self._slots.append((data, url_writer(converters[data]), ""))
                continue
            text = converters[data].to_url(defaults[data]) if is_variable else quote_path(data)
            if self._slots:
                name, write, behind = self._slots[-1]
                self._slots[-1] = (name, write, behind + text)
            else:
                self._head += text

    @property
    def fixed(self) -> str | None:
        """The text, or None if it has slots."""
        return None if self._slots else self._head

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text with *values* in its slots.

        :raises ValidationError: if a converter refuses its value
        """
        text = self._head
        for name, write, behind in self._slots:
            text += write(values[name]) + behind
        return text
