"""``erlen migrate-report``: what an application uses of Flask, and what to expect of it on Erlen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import click
from msgspec import json

from erlen.loading import load

__all__ = ["migrate_report_command"]

_WIDTH = 110
_PLACES = 3
#: The sections, each with its title and with the verdicts and kinds that stand in it.
_SECTIONS = (
    ("To be changed first: not there under the alias", ("gone",)),
    ("Settings without effect, in Flask 3.1 too", ("inert",)),
    ("Under the alias only", ("missing",)),
    ("Extensions that Erlen's tests do not run", ("untried",)),
    ("Otherwise under Erlen's defaults", ("differs",)),
    ("Under another name in Erlen", ("moved",)),
)
#: What is told in one line, without a place.
_QUIET = (
    ("name", "Names"),
    ("setting", "Settings"),
    ("extension", "Extensions, tested under the alias"),
    ("template", "In templates"),
)


@click.command("migrate-report", short_help="Say what a Flask application uses, and what to expect.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def migrate_report_command(paths: tuple[str, ...], as_json: bool) -> None:
    """Read the source of an application for Flask, and say what to expect of it on Erlen.

    Python files, templates, lists of requirements and files with variables are read; nothing is imported. It names
    what is used of Flask, which settings and which extensions, with file and line, and ends with the next step.
    """
    reporting = load("erlen.introspect.migration_report")
    try:
        report = reporting.report_on(paths)
    except reporting.NothingToRead as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.format(json.encode(report), indent=2).decode())
        return
    for line in _lines(report):
        click.echo(line)


def _lines(report: Any) -> Iterator[str]:
    yield (
        f"Read: {_count(report.python_files, 'Python file')}, {_count(report.other_files, 'other file')}"
        f"{f', {len(report.unread)} skipped' if report.unread else ''}."
    )
    for skipped in report.unread:
        yield from _wrapped(f"{skipped.file}: {skipped.reason}", "  ")
    for title, verdicts in _SECTIONS:
        found = report.of(*verdicts)
        if found:
            yield ""
            yield f"{title} ({len(found)})"
            for finding in found:
                yield from _entry(finding)
    yield from _unchanged(report)
    yield from _summary(report)


def _entry(finding: Any) -> Iterator[str]:
    differences = load("erlen.introspect.flask_settings").DIFFERENCES
    subject = differences[finding.subject].title if finding.kind == "behaviour" else finding.subject
    arrow = f" → {finding.erlen}" if finding.erlen else ""
    yield from _wrapped(f"{subject}{arrow}  {_places(finding.places)}", "  ", "      ")
    if finding.words:
        yield from _wrapped(finding.words, "      ")


def _unchanged(report: Any) -> Iterator[str]:
    same = report.of("same")
    if not same:
        return
    yield ""
    yield f"As it is ({len(same)})"
    for finding in same:
        if finding.words:
            yield from _entry(finding)
    for kind, title in _QUIET:
        names = [
            f"{found.subject.removeprefix('flask.')} ({found.version or len(found.places)})"
            for found in same
            if found.kind == kind and not found.words
        ]
        if names:
            yield from _wrapped(f"{title}: {', '.join(names)}", "  ", "      ")
    if report.own_settings:
        yield from _wrapped(f"The application's own settings: {', '.join(report.own_settings)}", "  ", "      ")


def _summary(report: Any) -> Iterator[str]:
    settings = load("erlen.introspect.flask_settings")
    yield ""
    yield "Summary"
    if not report.uses_flask and not report.of("gone", "missing", "untried", "differs", "moved", "same"):
        yield "  Nothing of Flask was found."
        return
    gone = report.of("gone")
    needing = [found.subject for found in report.findings if found.kind == "extension" and found.verdict != "gone"]
    moved, missing = report.of("moved", kind="name"), report.of("missing", kind="name")
    changes = f"{_count(len(gone), 'thing')} to change first, and it works" if gone else "it works"
    yield from _wrapped(f"1. The alias: {changes}, as far as a source can tell.", "  ", "     ")
    names = f"{_count(len(moved), 'other name')}, {_count(len(missing), 'name')} that Erlen does not have."
    if needing:
        names += f" The alias stays, for {', '.join(needing)}."
    yield from _wrapped(f"2. Erlen's names: {names}", "  ", "     ")
    different = [settings.DIFFERENCES[found.subject].title for found in report.of("differs", kind="behaviour")]
    changed = f"they change {', '.join(different)}." if different else "nothing was found that they change."
    always = ", ".join(difference.title for difference in settings.ALWAYS)
    yield from _wrapped(f"3. Erlen's defaults: {changed} Every application gets {always}.", "  ", "     ")
    yield ""
    yield from _wrapped(f"Next: {_next(report, gone)}", "", "      ")


def _next(report: Any, gone: list[Any]) -> str:
    if gone:
        return "change what stands in the first section. Then run the application with 'erlen --as-flask run'."
    if report.uses_flask:
        return (
            "run the application unchanged with 'erlen --as-flask run', and its tests with 'pytest -p erlen.as_flask'."
        )
    return "the application does not import Flask. Run it with 'erlen run', and look at the third step."


def _places(places: list[str]) -> str:
    more = len(places) - _PLACES
    shown = ", ".join(places[:_PLACES])
    return f"{shown} and {more} more" if more > 0 else shown


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _wrapped(text: str, indent: str, later: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )
