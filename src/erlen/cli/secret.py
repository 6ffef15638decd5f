"""``erlen secret``: a good secret key, printed or kept."""

from __future__ import annotations

from pathlib import Path

import click

from erlen.config.secret import keep_key, new_key
from erlen.errors import ConfigError

__all__ = ["secret"]


@click.command()
@click.option("--save", is_flag=True, help="Keep the key in the instance folder instead of printing it.")
@click.option(
    "--instance",
    type=click.Path(file_okay=False, path_type=Path),
    help="The instance folder, with --save.  [default: instance]",
)
@click.option("--force", is_flag=True, help="Replace a key that is kept already, with --save.")
def secret(save: bool, instance: Path | None, force: bool) -> None:
    """Print a new secret key, or keep one where the application finds it.

    The key signs session cookies. Put it into the configuration as SECRET_KEY, the same for all workers and after
    every restart: with another key all users are logged out.
    """
    if not save:
        if instance is not None or force:
            raise click.UsageError("--instance and --force are for a key that is kept: add --save.")
        click.echo(new_key())
        return
    try:
        path = keep_key(instance or Path("instance"), force)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"SECRET_KEY: The key could not be kept. {error}") from error
    click.echo(f"A new key is kept in {path.resolve()}, readable by you alone.")
    click.echo("An application with this instance folder finds it there; SECRET_KEY need not be set.")
