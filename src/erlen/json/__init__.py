"""JSON: the replaceable provider behind ``app.json``, functions that use it, and the tagged form of signed cookies."""

from __future__ import annotations

from erlen.json.functions import dump, dumps, load, loads
from erlen.json.provider import (
    PROVIDERS,
    DefaultJSONProvider,
    JSONApplication,
    JSONProvider,
    MsgspecProvider,
    answers_plainly,
)

__all__ = [
    "PROVIDERS",
    "DefaultJSONProvider",
    "JSONApplication",
    "JSONProvider",
    "MsgspecProvider",
    "answers_plainly",
    "dump",
    "dumps",
    "load",
    "loads",
]
