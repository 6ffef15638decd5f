"""``erlen check``: the configuration in words."""

from __future__ import annotations

from collections import Counter

import click

from erlen.cli.script import with_appcontext
from erlen.globals import current_app
from erlen.introspect import FAILS, HOLDS, OPEN, Finding, Verdict, inspect_configuration, judge_asvs

__all__ = ["check_command"]


@click.command("check", short_help="Check the configuration.")
@click.option("--strict", is_flag=True, help="Fail for what is doubtful, or an open question, too.")
@click.option(
    "--asvs",
    "level",
    type=click.Choice(["1", "2", "3"]),
    help="Judge sessions, cookies and headers by this level of OWASP ASVS 5.0 instead.",
)
@with_appcontext
def check_command(strict: bool, level: str | None) -> None:
    """Say what is refused and what is doubtful in the configuration, and which settings differ from their defaults.

    The session store is opened and asked. Secrets are not shown. The exit status is 1 if anything is refused, or, with
    --asvs, if a row does not hold.
    """
    report = inspect_configuration(current_app)
    _show("Refused", report.refused)
    if level is not None:
        _judge(None if report.refused else judge_asvs(current_app, int(level)), level, strict)
        return
    _show("Doubtful", report.doubtful)
    click.echo(f"Sessions: {report.sessions}")
    if report.changed:
        click.echo("\nSettings that differ from their defaults:")
        for changed in report.changed:
            click.echo(f"  {changed.name} = {changed.value}  (default: {changed.default})")
            if changed.sentence:
                click.echo(f"      {changed.sentence}")
    else:
        click.echo("\nAll settings have their defaults.")
    if report.own:
        click.echo(f"\nSettings of the application's own: {', '.join(report.own)}")
    if not report.refused and not report.doubtful:
        click.echo("\nNothing is refused, and nothing is doubtful.")
    if report.refused or (strict and report.doubtful):
        click.get_current_context().exit(1)


def _judge(verdicts: list[Verdict] | None, level: str, strict: bool) -> None:
    if verdicts is None:
        click.echo("Nothing was judged, because the application does not start with these settings.")
        click.get_current_context().exit(1)
    click.echo(f"OWASP ASVS 5.0, level {level}: sessions (V7), cookies (V3.3), headers (V3.4), other sites (V3.5)\n")
    for verdict in verdicts:
        click.echo(f"{verdict.id}  {verdict.verdict.upper()}  {verdict.requirement}")
        click.echo(f"       {verdict.words}")
    counts = Counter(verdict.verdict for verdict in verdicts)
    words = ", ".join(f"{what}: {counts[what]}" for what in (HOLDS, FAILS, OPEN))
    click.echo(f"\n{words[0].upper()}{words[1:]}.")
    if counts[FAILS] or (strict and counts[OPEN]):
        click.get_current_context().exit(1)


def _show(title: str, findings: list[Finding]) -> None:
    if findings:
        click.echo(f"{title}:")
        for finding in findings:
            click.echo(f"  {finding.text}")
        click.echo()
