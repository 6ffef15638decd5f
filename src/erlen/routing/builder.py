"""The way back: from values to a URL. A rule's template is compiled once and filled by joining strings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from werkzeug.routing import BaseConverter

from erlen.routing.converters import url_writer, writes_digits
from erlen.routing.exceptions import ValidationError
from erlen.routing.pattern import Trace
from erlen.routing.quoting import quote_path

__all__ = ["UrlTemplate"]

#: The name of a variable, what writes its value, the fixed text behind it, and whether whole numbers are just digits.
Slot: TypeAlias = tuple[str, Callable[[Any], str], str, bool]


_NO_NAME = object()


class UrlTemplate:
    """A sequence of fixed texts and slots for values.

    :param trace: the pieces
    :param converters: a converter for each variable
    :param defaults: values that are known already; their slots become fixed text
    """

    __slots__ = ("behind", "head", "number", "only", "slots")

    def __init__(
        self,
        trace: Trace,
        converters: Mapping[str, BaseConverter],
        defaults: Mapping[str, Any],
    ) -> None:
        self.head = ""
        self.slots: list[Slot] = []
        for is_variable, data in ((False, trace),) if isinstance(trace, str) else trace:
            if is_variable and data not in defaults:
                write = url_writer(converters[data])
                self.slots.append((data, write, "", writes_digits(write)))
                continue
            text = converters[data].to_url(defaults[data]) if is_variable else quote_path(data)
            if self.slots:
                name, write, behind, digits = self.slots[-1]
                self.slots[-1] = (name, write, behind + text, digits)
            else:
                self.head += text

        self.number = len(self.slots)
        #: The name of the only variable, and the text behind it, if a whole number is just its digits.
        self.only: object = _NO_NAME
        self.behind = ""
        if self.number == 1 and self.slots[0][3]:
            self.only, _, self.behind, _ = self.slots[0]

    @property
    def fixed(self) -> str | None:
        """The text, or None if it has slots."""
        return None if self.slots else self.head

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text with *values* in its slots.

        :raises ValidationError: if a converter refuses its value
        """
        text = self.head
        for name, write, behind, _ in self.slots:
            text += write(values[name]) + behind
        return text

    def fill_simply(self, values: dict[str, Any]) -> str | None:
        """Return the text with *values* in its slots; None if one is not there or refused."""
        text = self.head
        for name, write, behind, digits in self.slots:
            value = values.get(name)
            if digits and type(value) is int:
                text = f"{text}{value}{behind}"
            elif value is None:
                return None
            else:
                try:
                    text = f"{text}{write(value)}{behind}"
                except ValidationError:
                    return None
        return text
