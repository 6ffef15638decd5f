"""The text of a rule, read: ``/user/<int:id>`` becomes parts, one between each two slashes.

A part is either fixed text or a regular expression. A converter whose text may contain slashes makes its part
swallow the rest of the path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from werkzeug.routing import BaseConverter

from erlen.routing.exceptions import RuleSyntaxError
from erlen.routing.expressions import Piece, chain_of_strings, fixed_ends, part_expression

__all__ = ["Part", "Pattern", "Trace", "Variable", "Weight", "parse_converter_args", "parse_pattern", "pieces_of"]

#: More fixed texts first, longer ones before shorter ones, more variables first, lighter converters first.
Weight: TypeAlias = tuple[int, tuple[tuple[int, int], ...], int, tuple[int, ...]]

#: What a URL is made of: (True, name of a variable) or (False, text) each; or a text without variables as it stands.
Trace: TypeAlias = str | tuple[tuple[bool, str], ...]

_variable = re.compile(r"<(?:([a-zA-Z_]\w*)(?:\((.*?)\))?:)?([a-zA-Z_]\w*)>", re.ASCII)
_text = re.compile("[^</]+")
_argument = (  # compiled by re when there are arguments
    r"""\s* (?:(?P<name>\w+) \s*=\s*)?
    (?: [uUrR]? (?P<quoted> "[^"]*" | '[^']*' ) | (?P<bare> -? [\w.]+ ) ) \s* (?:,|$)"""
)
_SLASH = (False, "/")
_segments = re.compile("/|[^/]+")
_constants = {"None": None, "True": True, "False": False}


class Part(NamedTuple):
    """What stands between two slashes of a rule, or from a slash to the end.

    Two rules share a branch of the tree as far as their parts are equal.
    """

    content: str  #: the fixed text, or a regular expression
    static: bool  #: whether it is fixed text
    final: bool = False  #: whether it swallows the rest of the path, slashes included
    suffixed: bool = False  #: whether the last group of the expression is an optional slash at the end
    weight: Weight = (0, (), 0, ())
    prefix: str = ""  #: the fixed text that the expression begins with
    suffix: str = ""  #: the fixed text that it ends with, before an optional slash
    strings: tuple[str, ...] = ()  #: the texts around its variables, if these are many and all are plain strings


class Variable(NamedTuple):
    """A placeholder as written in a rule: ``<converter(arguments):name>``."""

    name: str
    converter: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    start: int  #: where in the rule the converter's name, or else the variable's, begins


class Pattern(NamedTuple):
    """A rule, or its subdomain or host, read."""

    parts: tuple[Part | str, ...]  #: a fixed text is just that
    trace: Trace
    converters: dict[str, BaseConverter]


def parse_pattern(text: str, convert: Callable[[Variable], BaseConverter]) -> Pattern:
    """Read the text of a rule, a subdomain or a host.

    :param convert: makes the converter for a variable
    :raises RuleSyntaxError: if the text cannot be read
    """
    if "<" not in text:
        return Pattern(tuple(text.split("/")), text, {})
    parts = _Parts()
    trace: list[tuple[bool, str]] = []
    converters: dict[str, BaseConverter] = {}
    position = 0
    while position < len(text):
        if text[position] == "/":
            parts.slash()
            trace.append(_SLASH)
            position += 1
        elif text[position] == "<":
            variable, end = _read_variable(text, position)
            if variable.name in converters:
                raise RuleSyntaxError(
                    text,
                    position,
                    end,
                    f"The variable '{variable.name}' stands in it twice.",
                    f"Give one of them another name, for instance '{variable.name}2'.",
                )
            converters[variable.name] = converter = convert(variable)
            parts.variable(converter)
            trace.append((True, variable.name))
            position = end
        else:
            found = _text.match(text, position)
            assert found is not None  # neither a slash nor a "<" stands here
            parts.text(found[0])
            trace.append((False, found[0]))
            position = found.end()
    return Pattern(parts.finish(), tuple(trace), converters)


def pieces_of(trace: Trace) -> Iterable[tuple[bool, str]]:
    """Return the pieces of a trace, slashes by themselves."""
    if not isinstance(trace, str):
        return trace
    return [(False, text) for text in _segments.findall(trace)]


class _Parts:
    """Collects the pieces of the part being read, and the parts that are finished."""

    def __init__(self) -> None:
        self._done: list[Part | str] = []
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[Piece] = []
        self._final = False
        self._texts: list[tuple[int, int]] = []
        self._weights: list[int] = []

    def text(self, text: str) -> None:
        self._texts.append((len(self._texts), -len(text)))
        self._add_text(text)

    def _add_text(self, text: str) -> None:
        if self._pieces and not self._pieces[-1][0]:
            text = self._pieces.pop()[1] + text
        self._pieces.append((False, text))

    def variable(self, converter: BaseConverter) -> None:
        self._pieces.append((True, converter.regex))
        self._weights.append(converter.weight)
        self._final = self._final or not converter.part_isolating

    def slash(self) -> None:
        if self._final:
            self._add_text("/")
        else:
            self._close()
            self._begin()

    def _close(self, suffixed: bool = False) -> None:
        if not self._weights:
            self._done.append(self._pieces[0][1] if self._pieces else "")
            return
        texts, weights = tuple(self._texts), tuple(self._weights)
        self._done.append(_variable_part(tuple(self._pieces), self._final, suffixed, texts, weights))

    def finish(self) -> tuple[Part | str, ...]:
        # A part that swallows slashes swallows the one at the end too, which must be seen to redirect to it.
        is_variable, last = self._pieces[-1] if self._pieces else (False, "")
        suffixed = self._final and not is_variable and last.endswith("/")
        if suffixed:
            self._pieces[-1] = (False, last[:-1])
        self._close(suffixed)
        if suffixed:
            self._done.append("")
        return tuple(self._done)


@lru_cache(maxsize=512, typed=True)  # thousands of rules have the same few
def _variable_part(
    pieces: tuple[Piece, ...],
    final: bool,
    suffixed: bool,
    texts: tuple[tuple[int, int], ...],
    weights: tuple[int, ...],
) -> Part:
    weight = (-len(texts), texts, -len(weights), weights)
    content = part_expression(pieces) + (r"(?<!/)(/?)\Z" if suffixed else r"\Z")
    strings = () if final else chain_of_strings(pieces)
    return Part(content, False, final, suffixed, weight, *fixed_ends(pieces), strings)


def _read_variable(text: str, start: int) -> tuple[Variable, int]:
    found = _variable.match(text, start)
    if found is None:
        end = text.find(">", start)
        raise RuleSyntaxError(
            text,
            start,
            len(text) if end < 0 else end + 1,
            _explain_variable(text[start + 1 :] if end < 0 else text[start + 1 : end], end < 0),
            "Write <name>, <converter:name> or <converter(argument=value):name>, where a name is made of letters, "
            "digits and underscores.",
        )
    converter, arguments, name = found.groups()
    try:
        args, options = parse_converter_args(arguments or "")
    except ValueError as error:
        raise RuleSyntaxError(
            text,
            found.start(2),
            found.end(2),
            f"{error}.",
            "Write arguments as in <string(length=2):name> or <any(about, 'a b'):name>.",
        ) from None
    return Variable(name, converter or "default", args, options, found.start(1) if converter else found.start(3)), (
        found.end()
    )


def _explain_variable(inside: str, unclosed: bool) -> str:
    if unclosed:
        return "A '<' opens a variable and no '>' closes it."
    if not inside:
        return "The variable has no name."
    if inside.endswith(":"):
        return f"The variable behind the converter '{inside[:-1]}' has no name."
    return f"'<{inside}>' is not a variable."


def parse_converter_args(argstr: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read the arguments of a converter, as they stand between the parentheses of a rule.

    :returns: the arguments without a name, and those with one
    :raises ValueError: if they cannot be read

    >>> parse_converter_args("'de', length=2")
    (('de',), {'length': 2})
    """
    args: list[Any] = []
    options: dict[str, Any] = {}
    position = 0
    argument = re.compile(_argument, re.VERBOSE)
    while argstr[position:].strip():
        found = argument.match(argstr, position)
        if found is None:
            raise ValueError(f"Cannot parse converter argument '{argstr[position:]}'")
        value = _value(found["quoted"], found["bare"])
        if found["name"]:
            options[found["name"]] = value
        else:
            args.append(value)
        position = found.end()
    return tuple(args), options


def _value(quoted: str | None, bare: str) -> Any:
    if quoted is not None:
        return quoted[1:-1]
    if bare in _constants:
        return _constants[bare]
    for number in (int, float):
        if bare[-1].isdigit() or bare[-1] == ".":  # not the words "nan" and "inf"
            try:
                return number(bare)
            except ValueError:
                continue
    return bare
