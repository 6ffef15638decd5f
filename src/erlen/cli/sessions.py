"""``erlen sessions``: who is signed in where, ending sessions, and moving them to another store."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import click
from msgspec import DecodeError, json

from erlen.callables import drive
from erlen.cli.routes import table
from erlen.cli.script import with_appcontext
from erlen.errors import ErlenError, MissingExtra, SessionError
from erlen.globals import current_app
from erlen.loading import load
from erlen.sessions import SessionInfo, SessionSettings, SessionStore, resolve_store

__all__ = ["sessions_group"]

F = TypeVar("F", bound=Callable[..., Any])

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_yes = click.option("--yes", is_flag=True, help="Do not ask whether this is meant.")


@click.group("sessions", short_help="List, end, count and move sessions.")
def sessions_group() -> None:
    """List and end the sessions of the application, count them, and move them to another store.

    Sessions are named by their handle, which opens nothing. The exit status is 1 if the store does not answer or cannot
    do what is asked.
    """


def _in_words(command: F) -> F:
    """Run a command in a context of the application; what goes wrong is told without a traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except ErlenError as error:
            raise click.ClickException(str(error)) from error
        finally:
            manager = current_app.__dict__.get("_session_manager")
            if manager is not None:
                drive(manager.store.close())

    return cast(F, with_appcontext(run))


@sessions_group.command("list")
@click.option("--user", help="Only those of this user.")
@click.option("--limit", type=click.IntRange(min=1), help="How many at most.  [default: all]")
@_json
@_in_words
def list_command(user: str | None, limit: int | None, as_json: bool) -> None:
    """List sessions: those of a user with the newest first, or all of them."""
    sessions = current_app.sessions
    found = sessions.all(limit) if user is None else sessions.for_user(user)[:limit]
    if as_json:
        _print_json(found)
    elif found:
        for line in table(_rows(found)):
            click.echo(line)
    else:
        click.echo("There are no sessions." if user is None else f"The user {user} has no sessions.")


def _rows(sessions: Iterable[SessionInfo]) -> list[list[str]]:
    rows = [["Handle", "User", "Device", "Created (UTC)", "Last seen (UTC)", "Expires (UTC)"]]
    for info in sessions:
        moments = map(_moment, (info.created, info.seen, info.expires))
        rows.append([info.handle, _shown(info.user), _shown(info.label), *moments])
    return rows


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _shown(text: str | None) -> str:
    """Return what came from a browser or a database without what a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in text or "")


# What looks like an unknown option is taken for the handle: one in 64 begins with a dash.
@sessions_group.command("revoke", context_settings={"ignore_unknown_options": True})
@click.argument("handle", required=False)
@click.option("--user", help="End all sessions of this user.")
@click.option("--all", "everyone", is_flag=True, help="End all sessions of everybody.")
@_yes
@_in_words
def revoke_command(handle: str | None, user: str | None, everyone: bool, yes: bool) -> None:
    """End the session with this HANDLE, those of a user, or all.

    It takes effect at once, in every worker. The exit status is 1 if there is no session with this handle.
    """
    if (handle is not None) + (user is not None) + everyone != 1:
        raise click.UsageError("Say which sessions: a HANDLE from 'erlen sessions list', or --user, or --all.")
    sessions = current_app.sessions
    if handle is not None:
        if not sessions.revoke(handle):  # it is not shown again: somebody may have given a token
            raise click.ClickException("There is no session with this handle.")
        click.echo("1 session was ended.")
    elif user is not None:
        click.echo(f"{_count(sessions.revoke_all(user))} ended.")
    else:
        if not yes:
            click.confirm("This ends the sessions of all visitors. Everybody has to sign in anew. Go on?", abort=True)
        total = sessions.revoke_everyone()
        click.echo(f"{_count(total)} ended." if total else "All sessions were ended.")


def _count(total: int) -> str:
    return "1 session was" if total == 1 else f"{total} sessions were"


@sessions_group.command("prune")
@_in_words
def prune_command() -> None:
    """Remove what is left of sessions whose time is over, for a timer. Stores on servers mostly do that themselves."""
    click.echo(f"{_count(current_app.sessions.prune())} removed.")


@sessions_group.command("stats")
@_json
@_in_words
def stats_command(as_json: bool) -> None:
    """Count sessions: how many there are, signed in, permanent, seen lately, and how large they are.

    Every session is read for it, once.
    """
    found = current_app.sessions.statistics()
    if as_json:
        _print_json(found)
        return
    rows = {
        "Sessions": found.sessions,
        "Signed in": found.signed_in,
        "Users": found.users,
        "Permanent": found.permanent,
        "Seen in the last hour": found.seen_last_hour,
        "Seen in the last day": found.seen_last_day,
        "Oldest (UTC)": _moment(found.oldest),
        "Newest (UTC)": _moment(found.newest),
        "Bytes of fields": found.bytes,
    }
    for name, value in rows.items():
        click.echo(f"{name + ':':<23}{value}".rstrip())


@sessions_group.command("ddl")
@click.argument("url", required=False)
@click.option("--table", "table_name", help="The table.  [default: SESSION_SQLALCHEMY_TABLE]")
@_in_words
def ddl_command(url: str | None, table_name: str | None) -> None:
    """Print the statements that make the tables of the store sqlalchemy, for a migration.

    URL is an address of the database, SESSION_URL if there is none; nothing is connected to.
    """
    settings = _settings()
    address = url or settings.url
    if address is None:
        raise click.UsageError("Say for which database: erlen sessions ddl postgresql://")
    try:
        store = load("erlen.sessions.stores.sqlalchemy")
    except ImportError as error:
        raise MissingExtra("erlen sessions ddl", "sqlalchemy") from error
    click.echo(store.ddl(address, table_name or settings.sqlalchemy_table), nl=False)


@sessions_group.command("migrate")
@click.option("--from", "source", metavar="STORE", help="Where sessions are: an address as in SESSION_URL, or a type.")
@click.option(
    "--to", "target", metavar="STORE", help="Where to copy them.  [default: as the application is configured]"
)
@click.option("--from-flask-session", "foreign", metavar="ADDRESS", help="Where Flask-Session has kept sessions.")
@click.option("--from-setting", "source_options", metavar="NAME=VALUE", multiple=True, help="A setting of that store.")
@click.option("--to-setting", "target_options", metavar="NAME=VALUE", multiple=True, help="A setting of that store.")
@click.option("--prefix", default="session:", show_default=True, help="Flask-Session's SESSION_KEY_PREFIX.")
@click.option("--table", "table_name", default="sessions", show_default=True, help="Flask-Session's table.")
@click.option("--unpickle", is_flag=True, help="Read pickled values of Flask-Session, which runs the code in them.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that remembers what was copied.  [default: one in the instance folder]",
)
@_yes
@_json
@_in_words
def migrate_command(
    source: str | None,
    target: str | None,
    foreign: str | None,
    source_options: tuple[str, ...],
    target_options: tuple[str, ...],
    prefix: str,
    table_name: str,
    unpickle: bool,
    journal: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Copy all living sessions from one store to another, while both are in use. Visitors keep their cookies.

    Run it, switch the workers to the new store, and run it once more: what was changed in between is carried over,
    nothing that is newer in the new store is overwritten, and no session that was ended there is brought back.

    The exit status is 1 if something could not be taken along.
    """
    if (source is None) == (foreign is None):
        raise click.UsageError("Say where the sessions are: --from, or --from-flask-session.")
    if unpickle and foreign is None:
        raise click.UsageError("--unpickle is for --from-flask-session: Erlen pickles nothing.")
    if unpickle and not yes:
        click.confirm(
            "Reading a pickled value runs whatever code stands in it: whoever could write to that store can do here "
            "what you can. Go on, if nobody but the application could?",
            abort=True,
            err=True,
        )
    opened: list[_Opened] = []
    try:
        there = _open(target, target_options, opened)
        if "write" not in there.store.abilities:
            raise SessionError(f"No sessions can be copied to {there.place}: it keeps none on the server.")
        if foreign is not None:
            module = load("erlen.sessions.flask_session")
            came = module.FlaskSessionSource(foreign, _settings(), prefix, table_name, unpickle)
            identity = f"{came.place} {prefix} {table_name}"
        else:
            here = _open(source, source_options, opened)
            if here.identity == there.identity:
                raise SessionError(f"--from and --to are the same store, {there.place}.")
            came, identity = load("erlen.sessions.migration").StoreSource(here.store, here.place), here.identity
        if journal is None:
            name = hashlib.sha256(f"{identity}\n{there.identity}".encode()).hexdigest()[:12]
            journal = Path(current_app.instance_path) / f"migration-{name}.sqlite3"
        report, place = _migrate(came, there.store, journal, yes), there.place
    finally:
        for each in opened:
            drive(each.store.close())
    if as_json:
        _print_json(report)
    else:
        click.echo(f"From {came.place} to {place}:")
        for line in _told(report):
            click.echo(line)
    for sentence in report.left_out:
        click.echo(f"Left out: {_shown(sentence)}", err=True)
    if report.left_out:
        click.get_current_context().exit(1)


def _migrate(source: Any, target: SessionStore, path: Path, yes: bool) -> Any:
    def sure(gone: int, there: int) -> bool:
        question = (
            f"{gone} sessions that were copied are not in {source.place} any more, and {there} are. Did visitors end "
            "them there, so that they are to be ended in the new store too? If that store was emptied, say no."
        )
        try:
            return yes or click.confirm(question, err=True)
        except click.Abort:  # nobody is there to ask
            return False

    migration = load("erlen.sessions.migration")
    journal = migration.Journal(path)
    try:
        return drive(migration.migrate(source, target, journal, lambda count: click.echo(f"{count} …", err=True), sure))
    finally:
        journal.close()


def _told(report: Any) -> Iterable[str]:
    yield f"  {report.read:>7} read"
    yield f"  {report.copied:>7} copied"
    for total, what in (
        (report.updated, "updated: changed since an earlier run"),
        (report.unchanged, "already there, unchanged"),
        (report.kept, "already there and used there: left as they are"),
        (report.ended_in_target, "ended there since an earlier run: not brought back"),
        (report.ended_in_source, "ended here since an earlier run: ended there too"),
        (len(report.left_out), "left out, in whole or in part"),
    ):
        if total:
            yield f"  {total:>7} {what}"


def _settings(options: Iterable[str] = (), **settings: Any) -> SessionSettings:
    """Return the application's settings of sessions, but for these."""
    config = {**current_app.config, **settings}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name.isupper():
            raise click.UsageError(f"Write a setting as NAME=VALUE, for instance SESSION_KEY_PREFIX=old: not {name!r}.")
        try:
            config[name] = json.decode(text)
        except DecodeError:
            config[name] = text
    return SessionSettings.from_config(config, current_app.instance_path)


class _Opened(NamedTuple):
    """A store that was opened for the time of a command."""

    store: SessionStore
    place: str
    identity: str
    """Another text for each place where sessions may stand."""


def _open(wanted: str | None, options: tuple[str, ...], opened: list[_Opened]) -> _Opened:
    """Open the store at an address or of a type; for None, the one that the application is configured for."""
    if wanted is None:
        settings = _settings(options)
    elif "://" in wanted:
        settings = _settings(options, SESSION_TYPE="sqlite", SESSION_URL=wanted)
    else:
        settings = _settings(options, SESSION_TYPE=wanted, SESSION_URL=None)
    own = wanted is None and not options
    store = current_app.session_manager.store if own else resolve_store(settings)
    place = store.place or f"the store {settings.type!r}"
    parts = settings.key_prefix, settings.sqlalchemy_table, settings.mongodb_db, settings.mongodb_collection
    identity = " ".join((type(store).__qualname__, place, *parts, settings.dynamodb_table))
    opened.append(_Opened(store, place, identity))
    return opened[-1]


def _print_json(value: Any) -> None:
    click.echo(json.format(json.encode(value), indent=2).decode())
