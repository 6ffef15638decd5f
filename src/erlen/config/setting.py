"""What a declared setting is: a name, a kind, a default and a sentence."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from erlen.config.defaults import Defaults
from erlen.config.kinds import Kind

__all__ = ["Differs", "Setting"]


class Differs(Struct, frozen=True):
    """The default stands in :class:`~erlen.config.defaults.Defaults`, in the row of this name."""

    row: str


class Setting(Struct, frozen=True):
    """A declared setting.

    :param name: the key in ``app.config``
    :param kind: the values it accepts
    :param default: its first value, or the row of :class:`~erlen.config.defaults.Defaults` that holds it
    :param sentence: what it does
    """

    name: str
    kind: Kind
    default: Any
    sentence: str

    def default_in(self, defaults: Defaults) -> Any:
        """Return the first value of this setting under *defaults*."""
        return getattr(defaults, self.default.row) if isinstance(self.default, Differs) else self.default
