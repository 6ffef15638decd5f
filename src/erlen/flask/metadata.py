"""What ``importlib.metadata`` finds of the distribution ``flask`` while Erlen stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from os import PathLike
from types import ModuleType
from typing import Any

from erlen.flask.version import OFFERED

__all__ = ["FlaskDistribution", "FlaskFinder"]

_METADATA = f"""\
Metadata-Version: 2.4
Name: Flask
Version: {OFFERED}
Summary: Flask's API, on Erlen.
"""


class FlaskDistribution(Distribution):
    """The distribution ``flask``, without files of its own."""

    def read_text(self, filename: str) -> str | None:
        """Return the content of a metadata file, or None if there is no such file."""
        return _METADATA if filename in ("METADATA", "PKG-INFO") else None

    def locate_file(self, path: str | PathLike[str]) -> Any:
        """Refuse to say where a file of the distribution is.

        :raises FileNotFoundError: always: it has none
        """
        raise FileNotFoundError(f"{path}: Erlen stands for Flask, and that distribution has no files.")


class FlaskFinder(DistributionFinder):
    """Finds that distribution when it is asked for by its name, before an installed one is found."""

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        """Return the distribution if *context* asks for ``flask``."""
        name = None if context is None else context.name
        # As PyPI compares names (PEP 503).
        return [FlaskDistribution()] if name is not None and re.sub("[-_.]+", "-", name).lower() == "flask" else []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find no module: those of Flask stand in ``sys.modules``."""
        return None
