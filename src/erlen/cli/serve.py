"""``erlen serve``: the production server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click

from erlen.cli.script import ScriptInfo, pass_script_info
from erlen.errors import ErlenError, ServerError
from erlen.introspect import inspect_configuration
from erlen.loading import load

__all__ = ["serve_command"]


def _permissions(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        mode = int(value, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise click.BadParameter(f"{value!r} is no mode of a file. Write it in octal, for instance 660.")
    return mode


@click.command("serve", short_help="Serve in production.")
@click.option("-h", "--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("-p", "--port", type=int, default=8000, show_default=True, help="The port.")
@click.option("--uds", type=click.Path(path_type=Path), help="Listen on this unix socket instead.")
@click.option("--uds-permissions", callback=_permissions, help="The mode of the unix socket, in octal: 660.")
@click.option(
    "-w",
    "--workers",
    type=click.IntRange(min=1),
    envvar=["ERLEN_SERVE_WORKERS", "WEB_CONCURRENCY"],
    help="How many processes.  [default: one for each processor that may be used]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="How many requests each worker answers at once, over WSGI.  [default: 2 for each processor and 1, at most 8]",
)
@click.option(
    "--interface",
    type=click.Choice(["auto", "wsgi", "asgi", "rsgi"]),
    default="auto",
    show_default=True,
    help="The protocol between server and application. auto: asgi if anything in the application is async, else wsgi.",
)
@click.option(
    "--workers-kill-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds that requests are given to finish when the server is stopped.",
)
@click.option(
    "--log-level",
    type=click.Choice(["critical", "error", "warning", "info", "debug"]),
    default="info",
    show_default=True,
    help="How much the server tells on its error stream.",
)
@click.option("--access-log/--no-access-log", default=False, help="Write a line for each request to standard output.")
@click.option(
    "--backlog",
    type=click.IntRange(min=128),
    default=1024,
    show_default=True,
    help="How many connections may wait to be accepted.",
)
@click.option("--pid-file", type=click.Path(path_type=Path), help="Keep the server's process number in this file.")
@click.option("--cert", type=click.Path(path_type=Path), help="A certificate, for https.")
@click.option("--key", type=click.Path(path_type=Path), help="The private key of the certificate.")
@pass_script_info
def serve_command(info: ScriptInfo, /, **options: Any) -> None:
    """Serve the application in production.

    The configuration is checked before any worker starts. SIGTERM stops the server in good order: requests that are
    being answered are finished first. SIGHUP replaces the workers by new ones, which load the application anew.
    """
    try:
        _serve(info, **options)
    except ServerError as error:
        raise click.ClickException(str(error)) from error


def _serve(
    info: ScriptInfo,
    *,
    host: str,
    port: int,
    uds: Path | None,
    uds_permissions: int | None,
    workers: int | None,
    threads: int | None,
    interface: str,
    workers_kill_timeout: float,
    log_level: str,
    access_log: bool,
    backlog: int,
    pid_file: Path | None,
    cert: Path | None,
    key: Path | None,
) -> None:
    address, choice = load("erlen.servers.address"), load("erlen.servers.choice")
    program, loader = load("erlen.servers.program"), load("erlen.servers.loader")
    if uds_permissions is not None and uds is None:
        raise click.UsageError("--uds-permissions is for a unix socket: add --uds.")
    if threads is not None and interface in ("asgi", "rsgi"):
        raise click.UsageError(f"--threads is for wsgi: over {interface} a worker answers all requests on one loop.")
    address.check_certificate(cert, key)
    if pid_file is not None:
        address.check_pid_file(pid_file)
    if uds is not None:
        address.check_unix_socket(uds)
    else:
        port = address.check_address(host, port)
    workers = workers or choice.usable_cpus()
    found = load("erlen.servers.probe").in_child(lambda: _look(info, interface, workers))
    listen = program.Listen(host, port, uds, uds_permissions, cert, key)
    click.echo(f"Serving {found['name']!r} at {listen.url}, {workers} {'worker' if workers == 1 else 'workers'}")
    click.echo(f"Interface: {found['interface']}, because {found['reason']}")
    program.run_server(
        loader.Loader(info.load_app, found["interface"]),
        found["interface"],
        listen,
        workers=workers,
        threads=threads or choice.default_threads(),
        kill_after=workers_kill_timeout,
        backlog=backlog,
        log_level=log_level,
        access_log=access_log,
        pid_file=pid_file,
    )


def _look(info: ScriptInfo, interface: str, workers: int) -> dict[str, Any]:
    """Load and check the application, in a process that ends afterwards, and tell how it is to be served."""
    choice = load("erlen.servers.choice")
    try:
        app = info.load_app()
        report = inspect_configuration(app)
        if app.debug:
            _refuse(["DEBUG is on, and shows the source code to everybody. Turn it off, or use 'erlen run'."])
        if report.refused:
            _refuse([finding.text for finding in report.refused])
        app.freeze()
        if interface == "auto":
            interface, reason = choice.choose_interface(app)
        else:
            reason = "--interface says so"
        choice.entry_point(app, interface)
    except ErlenError as error:
        _refuse([str(error)])
    if workers > 1 and app.config["SESSION_TYPE"] == "memory" and app.session_interface is None:
        click.echo(
            f"Warning: SESSION_TYPE is 'memory', and each of the {workers} workers has a memory of its own: visitors "
            "will lose their sessions. Use another store, or --workers 1.",
            err=True,
        )
    if report.doubtful:
        count = len(report.doubtful)
        click.echo(f"{count} doubtful {'setting' if count == 1 else 'settings'}: 'erlen check' tells.", err=True)
    return {"name": app.name, "interface": interface, "reason": reason}


def _refuse(problems: list[str]) -> NoReturn:
    click.echo("Error: the application is not served:", err=True)
    for problem in problems:
        click.echo(f"  {problem}", err=True)
    raise SystemExit(1)
