"""What a command of ``flask`` knows of its application, and the groups that commands stand in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

from erlen.cli.discovery import NoAppException, prepare_import
from erlen.cli.groups import AppGroup as ErlenAppGroup
from erlen.cli.script import ScriptInfo as ErlenScriptInfo
from erlen.cli.script import handing_info, in_appcontext
from erlen.flask.cli.lookup import locate_app
from erlen.flask.helpers import get_debug_flag, get_load_dotenv

__all__ = ["AppGroup", "BorrowedScriptInfo", "ScriptInfo", "pass_script_info", "with_appcontext"]

F = TypeVar("F", bound=Callable[..., Any])


class ScriptInfo(ErlenScriptInfo):
    """Where a command's application is. Commands get it as ``ctx.obj``, or by :func:`pass_script_info`.

    :param app_import_path: what ``--app`` says
    :param create_app: makes the application, in place of *app_import_path*
    :param set_debug_flag: let ``FLASK_DEBUG`` decide about debug mode
    :param load_dotenv_defaults: read ``.env`` and ``.flaskenv``, unless ``FLASK_SKIP_DOTENV`` says otherwise
    """

    def _wants_dotenv(self, default: bool) -> bool:
        return get_load_dotenv(default)

    def _find_app(self) -> Any:
        app = self._located()
        if app is None:
            raise NoAppException(
                "Could not locate a Flask application. Use the 'flask --app' option, 'FLASK_APP' environment variable, "
                "or a 'wsgi.py' or 'app.py' file in the current directory."
            )
        return app

    def _located(self) -> Any:
        if self.create_app is not None:
            return self.create_app()
        if self.app_import_path:
            path, name = [*re.split(r":(?![\\/])", self.app_import_path, maxsplit=1), None][:2]
            return locate_app(prepare_import(path or ""), name)
        for path in ("wsgi.py", "app.py"):
            app = locate_app(prepare_import(path), None, raise_if_not_found=False)
            if app is not None:
                return app
        return None

    def _set_debug(self, app: Any) -> None:
        app.debug = get_debug_flag()


class BorrowedScriptInfo(ScriptInfo):
    """What commands written for ``flask`` find in another program: a :class:`ScriptInfo` that keeps to its rules.

    :param info: what the program knows
    """

    def __init__(self, info: ErlenScriptInfo) -> None:
        vars(self).update(vars(info))

    _find_app = ErlenScriptInfo._find_app
    _set_debug = ErlenScriptInfo._set_debug


def pass_script_info(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the :class:`ScriptInfo` as its first argument."""
    return handing_info(f, ScriptInfo)


def with_appcontext(f: F) -> F:
    """Run a command in a context of its application, which is loaded if it is not. ::

    @click.command()
    @with_appcontext
    def create_tables():
        current_app.extensions["database"].create_all()
    """
    return in_appcontext(f, ScriptInfo)


class AppGroup(ErlenAppGroup):
    """A group whose commands run in a context of the application, as ``app.cli`` and ``blueprint.cli`` are."""

    info_class: ClassVar[type[ErlenScriptInfo]] = ScriptInfo

    def _kind_inside(self) -> type[click.Group]:
        return AppGroup
