"""``flask.sansio.blueprints``: blueprints, and the state of a registration."""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from functools import update_wrapper

from erlen.blueprints import Blueprint, BlueprintSetupState
from erlen.flask import typing as ft
from erlen.flask.blueprints import _sentinel
from erlen.flask.sansio.app import T_template_filter, T_template_global, T_template_test
from erlen.flask.sansio.scaffold import (
    Scaffold,
    T_after_request,
    T_before_request,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_url_defaults,
    T_url_value_preprocessor,
    _endpoint_from_view_func,
    setupmethod,
)

__all__ = ["Blueprint", "BlueprintSetupState"]

DeferredSetupFunction = t.Callable[[BlueprintSetupState], None]
