"""The command ``erlen``, and what commands of one's own are made with.

Each command stands in a module of its own and is added to the group here. A command imports what it needs from this
layer and below only, and servers not before one is started, so that ``erlen --help`` answers at once.
"""

from __future__ import annotations

from erlen.cli.check import check_command
from erlen.cli.discovery import NoAppException
from erlen.cli.dotenv import load_dotenv
from erlen.cli.explain import explain_command
from erlen.cli.groups import AppGroup
from erlen.cli.program import ErlenGroup
from erlen.cli.routes import routes_command
from erlen.cli.run import run_command
from erlen.cli.script import ScriptInfo, get_debug_flag, pass_script_info, with_appcontext
from erlen.cli.secret import secret
from erlen.cli.serve import serve_command
from erlen.cli.sessions import sessions_group
from erlen.cli.shell import shell_command

__all__ = [
    "AppGroup",
    "ErlenGroup",
    "NoAppException",
    "ScriptInfo",
    "check_command",
    "explain_command",
    "get_debug_flag",
    "load_dotenv",
    "main",
    "pass_script_info",
    "routes_command",
    "run_command",
    "secret",
    "serve_command",
    "sessions_group",
    "shell_command",
    "with_appcontext",
]

ErlenGroup.default_commands = (
    run_command,
    serve_command,
    routes_command,
    explain_command,
    shell_command,
    secret,
    check_command,
    sessions_group,
)

main = ErlenGroup(
    name="erlen",
    help="Tools for Erlen applications.\n\n"
    "The application is found by --app, by ERLEN_APP, or in wsgi.py or app.py of the working directory; its own "
    "commands are listed with those below.",
)
"""The command ``erlen``."""
