"""``flask.blueprints``: blueprints, and the state of a registration."""

from __future__ import annotations

from erlen.blueprints import Blueprint, BlueprintSetupState

__all__ = ["Blueprint", "BlueprintSetupState"]
