"""Lines of source for the debug page, without the secrets that stand in them."""

from __future__ import annotations

import ast
import linecache
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from msgspec import Struct

from erlen.config.secrecy import looks_secret
from erlen.debugging.redaction import HIDDEN, Redactor, merged

__all__ = ["Line", "Sources"]

#: More characters of a line are not shown: it is a minified file, or data.
_WIDEST = 400
_BEFORE, _AFTER = 6, 4
_WITH_DEFAULT = frozenset({"get", "getenv", "setdefault", "pop"})


class Line(Struct, frozen=True):
    """One line of source.

    :param number: counted from 1
    :param pieces: its text, in pieces: each with whether it is what raised
    :param current: whether this is the line
    """

    number: int
    pieces: tuple[tuple[str, bool], ...]
    current: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(text for text, _ in self.pieces)


class _Source(Struct, frozen=True):
    lines: list[str]
    spans: list[list[tuple[int, int]]]


class Sources:
    """Reads files, finds the secrets in them, and cuts lines out; each file is read once.

    :param redact: knows the secrets
    """

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._files: dict[tuple[str, bool], _Source] = {}

    def around(
        self,
        filename: str,
        line: int,
        mark: tuple[int, int, int, int] | None = None,
        module: dict[str, Any] | None = None,
        thorough: bool = False,
        text: str | None = None,
    ) -> tuple[Line, ...]:
        """Return the lines around *line*; none if there is no source.

        :param mark: the expression that raised: first line, column, last line, column, which is exclusive
        :param module: the globals of the code, whose loader may have the source
        :param thorough: read the file as Python, to find literals that only evaluate to a secret
        :param text: the source, where it stands in no file
        """
        source = self._load(filename, module, thorough, text)
        if not 1 <= line <= len(source.lines):
            return ()
        last = min(len(source.lines), line + _AFTER)
        if mark is not None:
            mark = self._in_characters(source, mark)
            last = max(last, min(mark[2], line + 3 * _AFTER, len(source.lines)) if mark is not None else 0)
        found = []
        for number in range(max(1, line - _BEFORE), last + 1):
            content = source.lines[number - 1]
            start = end = 0
            if mark is not None and mark[0] <= number <= mark[2]:
                start = mark[1] if number == mark[0] else len(content) - len(content.lstrip())
                end = mark[3] if number == mark[2] else len(content.rstrip())
            found.append(Line(number, _pieces(content, source.spans[number - 1], start, end), number == line))
        return tuple(found)

    @staticmethod
    def _in_characters(source: _Source, mark: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
        # Python counts the bytes of UTF-8. To mark the whole of a line tells nothing.
        first, start, last, end = mark
        if not first <= last <= len(source.lines):
            return None
        start = len(source.lines[first - 1].encode("utf-8", "replace")[:start].decode("utf-8", "ignore"))
        end = len(source.lines[last - 1].encode("utf-8", "replace")[:end].decode("utf-8", "ignore"))
        if first == last and source.lines[first - 1][start:end].strip() == source.lines[first - 1].strip():
            return None
        return first, start, last, end

    def _load(self, filename: str, module: dict[str, Any] | None, thorough: bool, text: str | None) -> _Source:
        key = filename if text is None else text, thorough
        found = self._files.get(key)
        if found is None:
            if text is None:
                linecache.checkcache(filename)
                text = "".join(linecache.getlines(filename, module))
            found = self._files[key] = self._read(text, thorough)
        return found

    def _read(self, text: str, thorough: bool) -> _Source:
        lines = text.removesuffix("\n").split("\n") if text else []  # str.splitlines knows more ends than Python does
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        spans = self._redact.spans(text)
        if thorough:
            spans = merged([*spans, *_literals(text, lines, starts, self._redact)])
        by_line: list[list[tuple[int, int]]] = [[] for _ in lines]
        for start, end in spans:
            for number in range(bisect_right(starts, start) - 1, len(lines)):
                if starts[number] >= end:
                    break
                cut = max(start - starts[number], 0), min(end - starts[number], len(lines[number]))
                if cut[0] < cut[1]:
                    by_line[number].append(cut)
        return _Source(lines, by_line)


def _pieces(line: str, spans: list[tuple[int, int]], start: int, end: int) -> tuple[tuple[str, bool], ...]:
    """Cut *line* at the mark from *start* to *end*, with what stands at *spans* hidden."""
    pieces: list[tuple[str, bool]] = []

    def shown(first: int, last: int) -> None:
        for left, right in ((first, start), (max(first, start), end), (max(first, end), last)):
            if min(right, last) > left:
                pieces.append((line[left : min(right, last)], start <= left < end))

    position = 0
    for left, right in [span for span in spans if span[0] < _WIDEST]:
        shown(position, left)
        pieces.append((HIDDEN, start < right and left < end))
        position = max(position, right)
    shown(position, max(position, min(len(line), _WIDEST)))
    if len(line) > _WIDEST:
        pieces.append((" …", False))
    return tuple(pieces)


# --- literals ---------------------------------------------------------------------------------------------------------


def _literals(text: str, lines: list[str], starts: list[int], redact: Redactor) -> Iterator[tuple[int, int]]:
    """Yield where literals stand that evaluate to a secret, however they are written, or are given to a secret name."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    hidden: list[ast.expr] = []
    constants: list[tuple[str, ast.expr]] = []
    for node in ast.walk(tree):
        hidden.extend(_given_to_secret_names(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            value = node.value if isinstance(node.value, str) else node.value.decode("utf-8", "surrogateescape")
            constants.append((value, node))
    if redact.spans("\n\n".join(value for value, _ in constants)):  # one look at all of them, or else at each
        hidden.extend(node for value, node in constants if redact.spans(value))
    for one in hidden:
        end_line, end_column = one.end_lineno or one.lineno, one.end_col_offset or 0
        yield _place(lines, starts, one.lineno, one.col_offset), _place(lines, starts, end_line, end_column)


def _place(lines: list[str], starts: list[int], line: int, column: int) -> int:
    return starts[line - 1] + len(lines[line - 1].encode("utf-8", "replace")[:column].decode("utf-8", "ignore"))


def _given_to_secret_names(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=targets, value=value):
            if any(_is_secret(target) for target in targets):
                yield from _texts(value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            if _is_secret(target):
                yield from _texts(value)
        case ast.keyword(arg=str(name), value=value):
            if _named(name):
                yield from _texts(value)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and _named(str(key.value)):
                    yield from _texts(value)
        case ast.Compare(left=left, comparators=others):
            if any(_is_secret(one) for one in (left, *others)):
                for one in (left, *others):
                    yield from _texts(one)
        case ast.arguments(args=args, defaults=defaults, kwonlyargs=kwonly, kw_defaults=kw_defaults):
            given = [
                *zip(args[len(args) - len(defaults) :], defaults, strict=True),
                *zip(kwonly, kw_defaults, strict=True),
            ]
            for parameter, default in given:
                if default is not None and _named(parameter.arg):
                    yield from _texts(default)


def _is_secret(target: ast.expr) -> bool:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return _named(name)
    return False


def _named(name: str) -> bool:
    return looks_secret(name) and name.lower() not in ("key", "keys")


def _texts(value: ast.expr) -> Iterator[ast.expr]:
    """Yield the literals that *value* is put together of; what is only a name, as in ``form["password"]``, stays."""
    match value:
        case ast.Constant(value=str() | bytes() as text):
            if text and not (isinstance(text, str) and text.isidentifier() and looks_secret(text)):
                yield value
        case ast.JoinedStr():
            yield value
        case ast.BinOp(left=left, right=right):
            yield from _texts(left)
            yield from _texts(right)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            for part in parts:
                yield from _texts(part)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)
        case ast.Call(func=ast.Attribute(attr=method, value=owner), args=args):
            yield from _texts(owner)
            if method in _WITH_DEFAULT:
                for argument in args[1:]:
                    yield from _texts(argument)
