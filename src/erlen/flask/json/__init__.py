"""``flask.json``: JSON as the current application reads and writes it."""

from __future__ import annotations

from erlen.helpers import jsonify
from erlen.json import dump, dumps, load, loads

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]
