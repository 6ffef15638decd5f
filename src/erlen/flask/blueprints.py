"""``flask.blueprints``: blueprints, and the state of a registration."""

from __future__ import annotations

import os
import typing as t
from datetime import timedelta

from erlen.blueprints import Blueprint as ErlenBlueprint
from erlen.blueprints import Blueprint as SansioBlueprint
from erlen.blueprints import BlueprintSetupState
from erlen.flask.cli import AppGroup
from erlen.flask.globals import current_app
from erlen.flask.helpers import send_from_directory
from erlen.flask.templating import _default_template_ctx_processor

__all__ = ["Blueprint", "BlueprintSetupState"]

_sentinel = object()


class Blueprint(ErlenBlueprint):
    """A part of an application, with Flask's commands; see :class:`erlen.Blueprint` for its arguments."""

    _commands_module = "erlen.flask.cli"
    _first_context_processors = (_default_template_ctx_processor,)
