"""``Flask.run()``: Werkzeug's development server."""

from __future__ import annotations

import os
from typing import Any

import click
from werkzeug import serving

from erlen.flask import cli
from erlen.flask.helpers import get_debug_flag, get_load_dotenv

__all__ = ["run_application"]


def run_application(
    app: Any, host: str | None, port: int | None, debug: bool | None, load_dotenv: bool, options: dict[str, Any]
) -> None:
    """Do what ``app.run()`` says: serve *app* by Werkzeug's development server, until Ctrl-C.

    While a command imports the module of the application, the call is ignored with a notice.

    :param host: the address to listen on; default is the host of ``SERVER_NAME``, or 127.0.0.1
    :param port: the port; default is that of ``SERVER_NAME``, or 5000
    :param debug: sets debug mode
    :param load_dotenv: read ``.env`` and ``.flaskenv``, and let ``FLASK_DEBUG`` decide about debug mode
    :param options: passed on to :func:`werkzeug.serving.run_simple`
    """
    if "true" in (os.environ.get("FLASK_RUN_FROM_CLI"), os.environ.get("ERLEN_RUN_FROM_CLI")):
        if not serving.is_running_from_reloader():
            click.secho(
                " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI command.\n"
                '   It belongs below: if __name__ == "__main__":',
                fg="red",
            )
        return
    reads_files = get_load_dotenv(load_dotenv)
    if reads_files:
        cli.load_dotenv()
    if debug is not None:
        app.debug = bool(debug)
    elif reads_files and "FLASK_DEBUG" in os.environ:
        app.debug = get_debug_flag()
    own_host, _, own_port = (app.config.get("SERVER_NAME") or "").partition(":")
    if not host:
        host = own_host or "127.0.0.1"
    port = int(own_port or 5000) if port is None else int(port)
    cli.show_server_banner(app.debug, app.name)
    settings = {"use_reloader": app.debug, "use_debugger": app.debug, "threaded": True, **options}
    try:
        serving.run_simple(host, port, app, **settings)
    finally:
        # Interactive shells go on after Ctrl-C: the application may be changed and run again.
        app._got_first_request = False
