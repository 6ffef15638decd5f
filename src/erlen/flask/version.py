"""The version of Flask whose API is offered."""

from __future__ import annotations

__all__ = ["OFFERED"]

#: What ``importlib.metadata.version("flask")`` answers while Erlen stands for Flask.
OFFERED = "3.1.3"
