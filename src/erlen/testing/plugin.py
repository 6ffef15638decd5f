"""What the fixtures of the pytest plugin do; ``pytest_erlen`` declares them and loads this when one is used."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from erlen.application import Application
from erlen.config.importing import import_object
from erlen.errors import ErlenError, ImportNameError, MissingExtra, SetupError
from erlen.loading import load

__all__ = ["FrozenTime", "NoTestedApplication", "find_application", "frozen_time", "tested_application"]


class NoTestedApplication(SetupError):
    """The fixture ``app`` does not know the application, or what it was told is none."""


@contextmanager
def tested_application(pytestconfig: Any) -> Iterator[Any]:
    """Give the application for the fixture ``app``, with ``TESTING`` on until the test is over.

    :param pytestconfig: the configuration of pytest; an error fails the test without a traceback
    """
    # Modules are looked for beside the settings of pytest, wherever it was started.
    folder = str(pytestconfig.inipath.parent if pytestconfig.inipath else pytestconfig.rootpath)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = pytestconfig.getini("erlen_app").strip() or os.environ.get("ERLEN_APP", "").strip()
    try:
        app = find_application(name)
    except ErlenError as error:
        raise _failed(error) from None
    before = app.config["TESTING"]
    app.config["TESTING"] = True
    try:
        yield app
    finally:
        app.config["TESTING"] = before


def find_application(name: str) -> Any:
    """Return the application that *name* means: an object, or what a factory makes, anew for each test. ::

        find_application("shop.web:app")
        find_application("shop.web:create_app('testing')")

    :raises NoTestedApplication: if there is no name, or it means no application
    :raises ImportNameError: if it leads nowhere
    """
    if not name:
        raise NoTestedApplication(
            "The fixture 'app' does not know your application. Name it in the settings of pytest, for instance in "
            'pyproject.toml:\n\n    [tool.pytest.ini_options]\n    erlen_app = "shop:app"\n\nor in the environment '
            "variable ERLEN_APP, a factory as \"shop:create_app\". Or define a fixture 'app' in conftest.py:\n\n"
            "    @pytest.fixture\n    def app():\n        return create_app(TestConfig)"
        )
    module, _, text = name.partition(":")
    target, args, keywords = _parse(name, text or "app")
    found = import_object(f"{module}:{target}")
    if args is not None or (callable(found) and not isinstance(found, Application)):
        made = found(*(args or ()), **keywords)
        if not isinstance(made, Application):
            raise NoTestedApplication(f"{name!r} made {made!r}, and the fixture 'app' needs an Erlen application.")
        return made
    if not isinstance(found, Application):
        raise NoTestedApplication(f"{name!r} is {found!r}, and the fixture 'app' needs an Erlen application.")
    return found


def _parse(name: str, text: str) -> tuple[str, list[Any] | None, dict[str, Any]]:
    """Split the call of a factory into what is called and its arguments; None for them if nothing is called."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if not isinstance(tree, ast.Call):
            return text.strip(), None, {}
        args = [ast.literal_eval(argument) for argument in tree.args]
        keywords = {str(pair.arg): ast.literal_eval(pair.value) for pair in tree.keywords}
    except (SyntaxError, ValueError):
        raise ImportNameError(
            name, "After the colon stands a name, or a call of a factory with literals: \"shop:create_app('testing')\"."
        ) from None
    return ast.unparse(tree.func), args, keywords


class FrozenTime:
    """A clock that stands still until it is moved.

    ``datetime.now``, ``time.time`` and all that goes by them see it: sessions, signatures, the cookies of the test
    client. ``time.monotonic`` goes on, and with it timeouts and event loops.
    """

    def __init__(self, coordinates: Any) -> None:
        self._coordinates = coordinates

    @property
    def now(self) -> datetime:
        """The moment at which it stands, in UTC."""
        return datetime.now(UTC)

    def tick(self, by: float | timedelta = 1) -> datetime:
        """Move it forward and return the new moment.

        :param by: seconds, or a timedelta
        """
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self.move_to(self.now + step)

    def move_to(self, moment: datetime) -> datetime:
        """Move it to *moment*, forward or back, and return that in UTC.

        :param moment: without a zone it is local time, as ``datetime.now()`` is
        :raises TypeError: if it is no datetime
        """
        if not isinstance(moment, datetime):
            raise TypeError(
                f"frozen_time.move_to() takes a datetime, not {moment!r}: write datetime.fromisoformat('2030-01-31'), "
                "or frozen_time.tick(...) to move it by seconds or a timedelta."
            )
        self._coordinates.move_to(moment.astimezone(UTC))
        return self.now

    def __repr__(self) -> str:
        return f"<FrozenTime {self.now.isoformat()}>"


@contextmanager
def frozen_time() -> Iterator[FrozenTime]:
    """Stop the clock at the present moment until the end of the block.

    It is built on time-machine; without that the test fails and says what to install.
    """
    try:
        machine = load("time_machine")
    except ImportError:
        raise _failed(MissingExtra("The fixture 'frozen_time'", "testing")) from None
    with machine.travel(datetime.now(UTC), tick=False) as coordinates:
        yield FrozenTime(coordinates)


def _failed(error: ErlenError) -> BaseException:
    """Return what fails a test with the words of *error*, and without a traceback through the plugin."""
    failure: BaseException = load("pytest").fail.Exception(str(error), pytrace=False)
    return failure
