"""What may stand in the variable part of a rule, and the Python value it becomes.

Each class is also a subclass of Werkzeug's class of the same name, so that extensions which look a converter's class
up (to describe an API, say) find what they know; and converters that subclass Werkzeug's work here unchanged.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import werkzeug.routing as werkzeug
from werkzeug.routing.converters import NumberConverter as WerkzeugNumberConverter

from erlen.routing.exceptions import ValidationError
from erlen.routing.quoting import quote_path

__all__ = [
    "DEFAULT_CONVERTERS",
    "AnyConverter",
    "BaseConverter",
    "FloatConverter",
    "IntegerConverter",
    "NumberConverter",
    "PathConverter",
    "UUIDConverter",
    "UnicodeConverter",
    "ValidationError",
    "python_reader",
    "url_writer",
    "writes_digits",
]


class BaseConverter(werkzeug.BaseConverter):
    """The base of all converters; subclass it, and put the class into ``app.url_map.converters``.

    ``regex`` is what the text must look like. ``weight`` decides which of two rules is tried first: the lighter one.
    ``part_isolating`` says that the text never contains a slash; left alone, it follows from ``regex``. ::

        class ListConverter(BaseConverter):
            def to_python(self, value): return value.split("+")
            def to_url(self, value): return "+".join(value)

    :param map: the :class:`~erlen.routing.Map` that the rule belongs to
    """

    regex: str = "[^/]+"
    weight: int = 100
    part_isolating: bool = True

    def __init__(self, map: Any, *args: Any, **kwargs: Any) -> None:
        self.map = map

    def to_python(self, value: str) -> Any:
        """Return the value that the view gets for the text *value* of the path.

        :raises ValidationError: if there is none; the request is then answered with 404
        """
        return value

    def to_url(self, value: Any) -> str:
        """Return *value* as it stands in a URL, percent-encoded."""
        return quote_path(value)


class UnicodeConverter(BaseConverter, werkzeug.UnicodeConverter):
    """``<name>`` or ``<string:name>``: any text without a slash.

    :param minlength: the smallest number of characters, at least 1
    :param maxlength: the largest number of characters
    :param length: the exact number of characters, in place of the other two
    """

    def __init__(self, map: Any, minlength: int = 1, maxlength: int | None = None, length: int | None = None) -> None:
        super().__init__(map)
        if length is not None:
            count = f"{int(length)}"
        else:
            count = f"{int(minlength)},{'' if maxlength is None else int(maxlength)}"
        self.regex = f"[^/]{{{count}}}"


class AnyConverter(BaseConverter, werkzeug.AnyConverter):
    """``<any(about, help, "a,b"):page>``: one of the words given, and nothing else.

    :param items: the words
    """

    def __init__(self, map: Any, *items: Any) -> None:
        super().__init__(map)
        self.items = {str(item) for item in items}
        self.regex = f"(?:{'|'.join(re.escape(str(item)) for item in items)})"

    def to_url(self, value: Any) -> str:
        """Return *value*.

        :raises ValueError: if it is not one of the words
        """
        text = str(value)
        if text in self.items:
            return text
        words = ", ".join(f"'{item}'" for item in sorted(self.items))
        raise ValueError(f"'{value}' is not one of {words}")


class PathConverter(BaseConverter, werkzeug.PathConverter):
    """``<path:name>``: any text, slashes included, that does not begin with a slash."""

    part_isolating = False
    regex = "[^/].*?"
    weight = 200


class NumberConverter(BaseConverter, WerkzeugNumberConverter):
    """The base of ``int`` and ``float``.

    :param fixed_digits: the exact number of digits in the URL; shorter numbers are filled up with zeros. 0: any
    :param min: the smallest value
    :param max: the largest value
    :param signed: whether a minus sign is accepted
    """

    weight = 50
    num_convert: Callable[[Any], Any] = int

    def __init__(self, map: Any, fixed_digits: int = 0, min: Any = None, max: Any = None, signed: bool = False) -> None:
        super().__init__(map)
        if signed:
            self.regex = self.signed_regex
        self.fixed_digits = fixed_digits
        self.min = min
        self.max = max
        self.signed = signed

    def to_python(self, value: str) -> Any:
        """Return the number that *value* spells.

        :raises ValidationError: if it has another number of digits than ``fixed_digits``, or is not within
            ``min`` and ``max``, or is too long for a number
        """
        if self.fixed_digits and len(value) != self.fixed_digits:
            raise ValidationError
        try:
            number = self.num_convert(value)
        except ValueError as error:  # Python reads no more than 4,300 digits
            raise ValidationError from error
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            raise ValidationError
        return number

    def to_url(self, value: Any) -> str:
        """Return the number *value* as digits."""
        digits = str(self.num_convert(value))
        return digits.zfill(self.fixed_digits) if self.fixed_digits else digits

    @property
    def signed_regex(self) -> str:
        """``regex`` with an optional minus sign in front."""
        return f"-?{self.regex}"


class IntegerConverter(NumberConverter, werkzeug.IntegerConverter):
    """``<int:id>``: a whole number; ``<int(signed=True):delta>`` lets it be negative."""

    regex = r"\d+"


class FloatConverter(NumberConverter, werkzeug.FloatConverter):
    """``<float:x>``: a number with a decimal point.

    :param min: the smallest value
    :param max: the largest value
    :param signed: whether a minus sign is accepted
    """

    regex = r"\d+\.\d+"
    num_convert = float

    def __init__(self, map: Any, min: float | None = None, max: float | None = None, signed: bool = False) -> None:
        super().__init__(map, min=min, max=max, signed=signed)


class UUIDConverter(BaseConverter, werkzeug.UUIDConverter):
    """``<uuid:id>``: a UUID, as :class:`uuid.UUID`."""

    regex = r"[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"

    def to_python(self, value: str) -> uuid.UUID:
        """Return the UUID that *value* spells."""
        return uuid.UUID(value)

    def to_url(self, value: Any) -> str:
        """Return *value* in the usual spelling."""
        return str(value)


#: The converters that a new map knows, by the name they have in a rule.
DEFAULT_CONVERTERS: Mapping[str, type[werkzeug.BaseConverter]] = {
    "default": UnicodeConverter,
    "string": UnicodeConverter,
    "any": AnyConverter,
    "path": PathConverter,
    "int": IntegerConverter,
    "float": FloatConverter,
    "uuid": UUIDConverter,
}


def _is_method(method: Any, *functions: Any) -> bool:
    return getattr(method, "__func__", None) in functions


def python_reader(converter: werkzeug.BaseConverter) -> Callable[[str], Any] | None:
    """Return what makes the text of a path a value: the converter's ``to_python``, or something cheaper that is equal.

    None means that the text itself is the value.
    """
    method = converter.to_python
    if _is_method(method, BaseConverter.to_python, werkzeug.BaseConverter.to_python):
        return None
    if _is_method(method, NumberConverter.to_python, WerkzeugNumberConverter.to_python):
        number: Any = converter
        if number.num_convert is int and not number.fixed_digits and number.min is None and number.max is None:
            return int
    return method


def url_writer(converter: werkzeug.BaseConverter) -> Callable[[Any], str]:
    """Return what writes a value into a URL: the converter's ``to_url``, or something cheaper that is equal."""
    method = converter.to_url
    if _is_method(method, BaseConverter.to_url, werkzeug.BaseConverter.to_url):
        return quote_path
    if _is_method(method, NumberConverter.to_url, WerkzeugNumberConverter.to_url):
        number: Any = converter
        if number.num_convert is int and not number.fixed_digits:
            return _write_int
    return method


def writes_digits(write: Callable[[Any], str]) -> bool:
    """Tell whether *write*, of :func:`url_writer`, writes a whole number as ``str`` does."""
    return write in (quote_path, _write_int)


def _write_int(value: Any) -> str:
    return f"{int(value)}"
