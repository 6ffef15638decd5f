"""``flask.sansio.scaffold``: what applications and blueprints have in common."""

from __future__ import annotations

from erlen.packages import find_package, get_root_path
from erlen.scaffold import Scaffold, setupmethod
from erlen.scaffold import endpoint_of as _endpoint_from_view_func

__all__ = ["Scaffold", "_endpoint_from_view_func", "find_package", "get_root_path", "setupmethod"]
