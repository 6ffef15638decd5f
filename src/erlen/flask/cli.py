"""``flask.cli``: commands, and the groups that they stand in."""

from __future__ import annotations

from erlen.cli import AppGroup, NoAppException, ScriptInfo, pass_script_info, with_appcontext

__all__ = ["AppGroup", "NoAppException", "ScriptInfo", "pass_script_info", "with_appcontext"]
