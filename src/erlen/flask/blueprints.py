"""``flask.blueprints``: blueprints, and the state of a registration."""

from __future__ import annotations

from erlen.blueprints import Blueprint as ErlenBlueprint
from erlen.blueprints import BlueprintSetupState

__all__ = ["Blueprint", "BlueprintSetupState"]


class Blueprint(ErlenBlueprint):
    """A part of an application, with Flask's commands; see :class:`erlen.Blueprint` for its arguments."""

    _commands_module = "erlen.flask.cli"
