"""What an application uses of Flask, and what to expect of each when it moves to Erlen.

Its files are read, never imported. The facts stand in :mod:`erlen.introspect.flask_names`,
:mod:`erlen.introspect.flask_settings` and :mod:`erlen.introspect.flask_extensions`.
"""

from __future__ import annotations

import os
import tokenize
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from msgspec import Struct

from erlen.errors import ErlenError
from erlen.introspect.flask_extensions import is_known
from erlen.introspect.judging import VERDICTS, Finding, judge
from erlen.introspect.source_reading import Reading, Use, read_python
from erlen.introspect.text_reading import reader_of

__all__ = ["MigrationReport", "NothingToRead", "Unread", "report_on"]

_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__"})
_LARGEST = 2_000_000
_CONFIGURATIONS = frozenset({"config", "settings", "default_settings", "local_settings"})


class NothingToRead(ErlenError):
    """There is no source to report on; the text says why."""


class Unread(Struct, frozen=True):
    """A file that was skipped, and why: a sentence."""

    file: str
    reason: str


class MigrationReport(Struct, frozen=True):
    """What was found.

    :param python_files: how many Python files were read
    :param other_files: how many templates, lists of requirements and files of settings were read
    :param unread: the files that were skipped
    :param findings: what is used, the gravest first
    :param own_settings: settings of the application's own
    :param uses_flask: whether it imports Flask at all
    """

    python_files: int
    other_files: int
    unread: list[Unread]
    findings: list[Finding]
    own_settings: list[str]
    uses_flask: bool

    def of(self, *verdicts: str, kind: str | None = None) -> list[Finding]:
        """Return the findings with one of these verdicts, and of one *kind* if it is given."""
        return [found for found in self.findings if found.verdict in verdicts and kind in (None, found.kind)]


def report_on(paths: Iterable[str | os.PathLike[str]]) -> MigrationReport:
    """Read what lies at *paths*, files or folders, and return the report.

    Folders are read with all that is below them, without those of virtual environments, and without hidden ones.

    :raises NothingToRead: if a path does not exist, or no Python file is among them
    """
    readings: list[tuple[str, Reading]] = []
    uses: list[Use] = []
    unread: list[Unread] = []
    others = 0
    given = [Path(path) for path in paths]
    for path in given:
        if not path.exists():
            raise NothingToRead(f"There is no file or folder {os.fspath(path)!r}.")
    files = list(dict.fromkeys(file for path in given for file in _files(path)))
    for file in files:
        place = _shown(file)
        reader = reader_of(file)
        if file.suffix not in (".py", ".pyw") and reader is None:
            continue
        try:
            if file.suffix in (".py", ".pyw"):
                readings.append((place, read_python(_read(file), place)))
            elif reader is not None:
                uses += reader(_read(file), place)
                others += 1
        except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as error:
            unread.append(Unread(place, _why(error)))
    if not readings and not any(entry.file.endswith((".py", ".pyw")) for entry in unread):
        shown = ", ".join(repr(os.fspath(path)) for path in given)
        raise NothingToRead(f"No Python file is in {shown}. Give the folder that the application's source is in.")
    uses += _uses_of(readings)
    ours = {part for place, _ in readings for part in Path(place).with_suffix("").parts}
    uses = [use for use in uses if not (use.kind == "extension" and use.subject in ours and not is_known(use.subject))]
    findings, own = judge(uses)
    order = {verdict: number for number, verdict in enumerate(VERDICTS)}
    findings.sort(key=lambda found: (order[found.verdict], found.kind, found.subject.lower()))
    flasks = any(use.kind == "name" for use in uses)
    return MigrationReport(len(readings), others, unread, findings, own, flasks)


def _uses_of(readings: list[tuple[str, Reading]]) -> Iterator[Use]:
    named = {name for _, reading in readings for name in reading.configurations}
    stems = _CONFIGURATIONS | {Path(name.removesuffix(".py")).name.rpartition(".")[2] for name in named}
    stems |= {name.split(".")[-2] for name in named if name.count(".") and not name.endswith((".py", ".cfg"))}
    for place, reading in readings:
        yield from reading.uses
        if Path(place).stem in stems:
            yield from reading.constants


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED
            and not name.startswith(".")
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for name in sorted(files):
            file = Path(folder, name)
            if file.is_file():
                yield file


def _shown(file: Path) -> str:
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return file.as_posix()


def _read(file: Path) -> str:
    """Return the text of a file; a Python source may declare its encoding."""
    if file.stat().st_size > _LARGEST:
        raise ValueError("It has more than two million bytes.")
    content = file.read_bytes()
    if file.suffix not in (".py", ".pyw"):
        return content.decode("utf-8", "replace")
    encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
    return content.decode(encoding).removeprefix("\ufeff")


def _why(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        place = f", line {error.lineno}" if error.lineno else ""
        return f"It is no Python 3 source: {error.msg}{place}."
    if isinstance(error, UnicodeDecodeError):
        return f"It is not encoded as {error.encoding}: byte {error.start} cannot be read."
    if isinstance(error, RecursionError | MemoryError):
        return "It is nested too deep."
    text = str(error)
    return text if text.endswith(".") else f"It cannot be read: {text}."
