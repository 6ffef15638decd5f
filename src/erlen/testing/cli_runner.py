"""The runner for commands under test."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from erlen.loading import load

__all__ = ["ErlenCliRunner", "FlaskCliRunner"]


class ErlenCliRunner(CliRunner):
    """Calls commands of an application in process; :meth:`erlen.Erlen.test_cli_runner` makes it. ::

        runner = app.test_cli_runner()
        assert "created" in runner.invoke(args=["create-user", "ada"]).output

    :param app: the application
    :param kwargs: what :class:`click.testing.CliRunner` takes
    """

    def __init__(self, app: Any, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(self, cli: Any = None, args: Any = None, **kwargs: Any) -> Result:  # type: ignore[override]
        """Call a command, and return what it printed and how it ended.

        :param cli: the command; default is the group ``app.cli``
        :param args: the command line, as a list or a text
        :param kwargs: what :meth:`click.testing.CliRunner.invoke` takes. Without ``obj`` the command gets a
            :class:`erlen.cli.ScriptInfo` that knows the application
        """
        if cli is None:
            cli = self.app.cli
        if "obj" not in kwargs:
            kwargs["obj"] = self._make_info()
        return super().invoke(cli, args, **kwargs)

    def _make_info(self) -> Any:
        app = self.app
        return load("erlen.cli.script").ScriptInfo(create_app=lambda: app, set_debug_flag=False)


class FlaskCliRunner(ErlenCliRunner):
    """Flask's runner: as there, ``FLASK_DEBUG`` decides about debug mode, and turns it off where it is not set."""

    def _make_info(self) -> Any:
        app = self.app
        return load("erlen.flask.cli").ScriptInfo(create_app=lambda: app)
