"""JSON: the replaceable provider behind ``app.json``, and the tagged form that signed cookies use."""

from __future__ import annotations

from erlen.json.provider import (
    PROVIDERS,
    DefaultJSONProvider,
    JSONApplication,
    JSONProvider,
    MsgspecProvider,
    answers_plainly,
)

__all__ = ["PROVIDERS", "DefaultJSONProvider", "JSONApplication", "JSONProvider", "MsgspecProvider", "answers_plainly"]
