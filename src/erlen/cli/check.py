"""``erlen check``: the configuration in words."""

from __future__ import annotations

import click

from erlen.cli.script import with_appcontext
from erlen.globals import current_app
from erlen.introspect import Finding, inspect_configuration

__all__ = ["check_command"]


@click.command("check", short_help="Check the configuration.")
@click.option("--strict", is_flag=True, help="Fail for what is doubtful too.")
@with_appcontext
def check_command(strict: bool) -> None:
    """Say what is refused and what is doubtful in the configuration, and which settings differ from their defaults.

    The session store is opened and asked. Secrets are not shown. The exit status is 1 if anything is refused.
    """
    report = inspect_configuration(current_app)
    _show("Refused", report.refused)
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


def _show(title: str, findings: list[Finding]) -> None:
    if findings:
        click.echo(f"{title}:")
        for finding in findings:
            click.echo(f"  {finding.text}")
        click.echo()
