"""An exception as it is shown: its text, its frames with their source, and the exceptions that it came from."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from itertools import islice
from types import CodeType, TracebackType
from typing import Any

from msgspec import Struct

from erlen.callables import shorten
from erlen.debugging.redaction import Redactor, try_to
from erlen.debugging.source import Line, Sources

__all__ = ["Failure", "Frame", "Reader", "text_of", "type_name"]

#: So many exceptions of a chain or of groups are shown, and so many frames of each.
_MOST_FAILURES = 40
_MOST_FRAMES = 60
_LONGEST_MESSAGE = 20_000
#: Frames that call each other in turn are looked for up to this many at a time.
_LONGEST_CYCLE = 8
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STDLIB = tuple(
    {os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")}
    | {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")}
)
_SITES = ("site-packages", "dist-packages")


class Frame(Struct, frozen=True):
    """One step of a traceback.

    :param file: as it is shown
    :param owner: ``"yours"``, ``"template"``, ``"Erlen"``, or the name of a library
    :param repeated: how often this frame and those of its cycle come again after it; they are not shown
    :param cycle: how many frames the cycle has
    """

    file: str
    line: int
    function: str
    owner: str
    lines: tuple[Line, ...] = ()
    repeated: int = 0
    cycle: int = 0

    @property
    def yours(self) -> bool:
        """Whether it is the application's own code or template."""
        return self.owner in ("yours", "template")


class Failure(Struct, frozen=True):
    """One exception.

    :param kind: the name of its class, with its module unless it is built in
    :param message: its text
    :param frames: from the view's caller to where it was raised
    :param left_out: how many frames in the middle are not shown
    :param link: how it belongs to the one before: ``""``, ``"cause"``, ``"context"`` or ``"member"``
    :param depth: how deep it stands in exception groups
    :param hints: what to do
    """

    kind: str
    message: str
    notes: tuple[str, ...]
    frames: tuple[Frame, ...]
    left_out: int = 0
    link: str = ""
    depth: int = 0
    hints: tuple[str, ...] = ()

    @property
    def place(self) -> Frame | None:
        """The frame to look at first: the innermost of the application's own."""
        own = [frame for frame in self.frames if frame.yours]
        return own[-1] if own else (self.frames[-1] if self.frames else None)


def type_name(error: BaseException) -> str:
    """Return the name of the class of *error*, with its module unless that is obvious."""
    kind = type(error)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def text_of(value: object) -> str:
    """Return ``str(value)``, or a sentence if that raises or is no text."""
    try:
        return str.__str__(str(value))
    except Exception as error:
        return f"(its text cannot be shown: str() of it raised {type(error).__name__})"


class Reader:
    """Reads exceptions.

    :param redact: knows the secrets
    :param root: the folder of the application
    """

    def __init__(self, redact: Redactor, root: str) -> None:
        self._redact = redact
        self._sources = Sources(redact)
        self._root = os.path.join(os.path.abspath(root), "")

    def chain(self, error: BaseException) -> Iterator[tuple[BaseException, str, int]]:
        """Yield *error* and the exceptions that it came from, nearest first, with link and depth as in a Failure."""
        waiting: list[tuple[BaseException, str, int]] = [(error, "", 0)]
        seen: set[int] = set()
        while waiting and len(seen) < _MOST_FAILURES:
            one, link, depth = waiting.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            yield one, link, depth
            if one.__cause__ is not None:
                waiting.append((one.__cause__, "cause", depth))
            elif one.__context__ is not None and not one.__suppress_context__:
                waiting.append((one.__context__, "context", depth))
            if isinstance(one, BaseExceptionGroup):
                waiting.extend((member, "member", depth + 1) for member in reversed(one.exceptions))

    def read(self, error: BaseException, link: str = "", depth: int = 0, hints: tuple[str, ...] = ()) -> Failure:
        """Make a Failure of one exception."""
        steps, left_out = _shortened(list(_walk(error.__traceback__)))
        frames = [self._frame(*step) for step in steps]
        frames.extend(self._unread(error, frames))
        notes = try_to(lambda: tuple(self._text(note) for note in error.__notes__), ())
        message = self._text(error)
        return Failure(type_name(error), message, notes, tuple(frames), left_out, link, depth, hints)

    def _text(self, value: object) -> str:
        text = self._redact(text_of(value))
        if len(text) > _LONGEST_MESSAGE:
            return f"{text[:_LONGEST_MESSAGE]} … ({len(text) - _LONGEST_MESSAGE:,} more characters)"
        return text

    def _frame(self, trace: TracebackType, repeated: int, cycle: int) -> Frame:
        code, module, line = trace.tb_frame.f_code, trace.tb_frame.f_globals, trace.tb_lineno
        filename, owner = code.co_filename, ""
        text: str | None = None
        if "__jinja_exception__" in module:  # Jinja's stand-in for the frame of a template
            owner, text = "template", getattr(module["__jinja_exception__"], "source", None)
            text = text if filename.startswith("<") else None
        elif "__jinja_template__" in module:
            template = module["__jinja_template__"]
            owner, line = "template", template.get_corresponding_lineno(line)
            filename = template.filename or f"<{template.name or 'template'}>"
        owner = owner or self._owner(filename)
        mark = None if owner == "template" else _mark(code, trace.tb_lasti, line)
        lines = self._sources.around(filename, line, mark, module, owner == "yours", text)
        plain = owner == "template" or "<locals>" in code.co_qualname
        function = code.co_name if plain else code.co_qualname
        return Frame(self._shown(filename), line, function, owner, lines, repeated, cycle)

    def _unread(self, error: BaseException, frames: list[Frame]) -> Iterator[Frame]:
        """Yield the place in a file that could not be read as code: of a SyntaxError, of a template."""
        if isinstance(error, SyntaxError) and error.lineno is not None:
            filename = error.filename or "<string>"
            line = (error.text or "").partition("\n")[0]
            start = max((error.offset or 1) - 1, 0)
            end = (error.end_offset or 0) - 1 if error.end_lineno in (None, error.lineno) else len(line)
            mark = _bytes(line, start), _bytes(line, max(end, start + 1))
            number = error.lineno
            lines = self._sources.around(filename, number, (number, mark[0], number, mark[1]))
            if not lines:  # it is in no file
                lines = self._sources.around(filename, 1, (1, mark[0], 1, mark[1]), text=line)
                lines = tuple(Line(number, one.pieces, True) for one in lines)
            yield Frame(self._shown(filename), number, "", "yours", lines)
        elif _is_template_syntax_error(error) and not any(frame.owner == "template" for frame in frames):
            where: Any = error
            filename = where.filename or f"<{where.name or 'template'}>"
            lines = self._sources.around(filename, where.lineno, text=where.source if where.filename is None else None)
            yield Frame(self._shown(filename), where.lineno, "template", "template", lines)

    def _owner(self, filename: str) -> str:
        if filename.startswith(_PACKAGE):
            return "Erlen"
        if filename.startswith("<frozen"):
            return "Python"
        inside = filename.startswith(self._root)
        parts = (filename[len(self._root) :] if inside else filename).replace("\\", "/").split("/")
        for site in _SITES:
            if site in parts[:-1]:
                return parts[parts.index(site) + 1].removesuffix(".py")
        return "yours" if inside or not filename.startswith(_STDLIB) else "Python"

    def _shown(self, filename: str) -> str:
        slashed = filename.replace("\\", "/")
        for site in _SITES:
            before, found, rest = slashed.rpartition(f"/{site}/")
            if found and not before.startswith(self._root.rstrip(os.sep)):
                return rest
        if filename.startswith(_PACKAGE):
            return "erlen/" + filename[len(_PACKAGE) :]
        for folder in _STDLIB:
            if filename.startswith(folder):
                return filename[len(folder) :]
        return filename if filename.startswith("<") else shorten(filename)


def _is_template_syntax_error(error: BaseException) -> bool:
    return any(
        (one.__module__, one.__name__) == ("jinja2.exceptions", "TemplateSyntaxError") for one in type(error).mro()
    )


def _bytes(line: str, column: int) -> int:
    return len(line[:column].encode("utf-8", "replace")) + max(column - len(line), 0)


def _walk(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _mark(code: CodeType, instruction: int, line: int) -> tuple[int, int, int, int] | None:
    """Return the place of the expression that an instruction belongs to, as ``Sources.around`` takes it."""
    found = next(islice(code.co_positions(), instruction // 2, None), None)
    if found is None:
        return None
    first, last, start, end = found
    if first is None or last is None or start is None or end is None or first != line:
        return None
    return first, start, last, end


def _shortened(traces: list[TracebackType]) -> tuple[list[tuple[TracebackType, int, int]], int]:
    """Leave out the repetitions of a recursion, and the middle of what is still too long."""
    keys = [(trace.tb_frame.f_code, trace.tb_lineno) for trace in traces]
    steps: list[tuple[TracebackType, int, int]] = []
    position = 0
    while position < len(traces):
        length, times = _cycle_at(keys, position)
        steps.extend((trace, 0, 0) for trace in traces[position : position + length])
        if times:
            steps[-1] = (steps[-1][0], times, length)
        position += length * (times + 1)
    left_out = max(len(steps) - _MOST_FRAMES, 0)
    if left_out:
        steps = steps[: _MOST_FRAMES // 2] + steps[-_MOST_FRAMES // 2 :]
    return steps, left_out


def _cycle_at(keys: list[Any], position: int) -> tuple[int, int]:
    """Return the length of the cycle that begins at *position* and how often it is repeated; (1, 0) for none."""
    for length in range(1, _LONGEST_CYCLE + 1):
        cycle = keys[position : position + length]
        times = 0
        while keys[position + (times + 1) * length : position + (times + 2) * length] == cycle:
            times += 1
        if times >= 3 and len(cycle) == length:
            return length, times
    return 1, 0
