"""The report as plain text: for curl, for clients that want JSON, and to be copied into a message."""

from __future__ import annotations

from collections.abc import Iterator

from erlen.debugging.failure import Failure, Frame
from erlen.debugging.report import Report, Table

__all__ = ["LINKS", "render"]

#: How an exception belongs to the one that is shown before it.
LINKS = {
    "cause": "It was raised because of this one:",
    "context": "It was raised while this one was handled:",
    "member": "In the group:",
}


def render(report: Report) -> str:
    """Write *report* as plain text, 7 or more lines."""
    return report.redact(report.show("\n".join(_lines(report)))) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for failure in report.failures:
        if failure.link:
            yield f"{'  ' * failure.depth}{LINKS[failure.link]}"
            yield ""
        for line in _failure(failure):
            yield ("  " * failure.depth + line).rstrip(" ")
    yield report.request_line
    for table in report.tables:
        yield from _table(table)
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in report.versions)


def _failure(failure: Failure) -> Iterator[str]:
    yield from f"{failure.kind}: {failure.message}".rstrip(": ").split("\n")
    for note in failure.notes:
        yield from note.split("\n")
    if failure.place is not None:
        yield f"  in {_where(failure.place)}"
    yield ""
    if failure.hints:
        yield "What to do"
        for hint in failure.hints:
            yield f"  {hint}"
        yield ""
    if failure.frames:
        yield "Traceback (most recent call last)"
        for frame in failure.frames:
            yield from _frame(frame)
        if failure.left_out:
            yield f"  ({failure.left_out} frames in the middle are left out)"
        yield ""


def _where(frame: Frame) -> str:
    return f"{frame.function} at {frame.file}:{frame.line}" if frame.function else f"{frame.file}:{frame.line}"


def _frame(frame: Frame) -> Iterator[str]:
    yield f"  {_where(frame)}{'' if frame.yours else f' ({frame.owner})'}"
    if frame.yours:
        for line in frame.lines:
            number = f"{'>' if line.current else ' '}{line.number:5} | "
            yield f"    {number}{line.text}"
            marks = "".join("^" * len(text) if marked else _blank(text) for text, marked in line.pieces).rstrip()
            if marks and line.current:
                yield f"    {'':6} | {marks}"
    if frame.repeated:
        yield f"    ({repetition(frame)})"


def repetition(frame: Frame) -> str:
    """Say how often a frame, or the frames of a cycle that ends with it, are repeated."""
    what = "This frame is" if frame.cycle == 1 else f"The last {frame.cycle} frames are"
    return f"{what} repeated {frame.repeated} more times."


def _blank(text: str) -> str:
    return "".join("\t" if character == "\t" else " " for character in text)


def _table(table: Table) -> Iterator[str]:
    if not table.rows and table.remark == "none":
        return
    yield ""
    yield table.heading
    for name, value in table.rows:
        first, *others = value.split("\n")
        yield f"  {name}: {first}"
        yield from (f"    {line}" for line in others)
    if table.remark:
        yield f"  ({table.remark})"
