"""``flask.sansio.app``: the application without a protocol."""

from __future__ import annotations

import logging
import os
import sys
import typing as t
from datetime import timedelta
from itertools import chain

from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError
from werkzeug.routing import BuildError, Map, Rule
from werkzeug.sansio.response import Response
from werkzeug.utils import cached_property
from werkzeug.utils import redirect as _wz_redirect

from erlen.application import Application as App
from erlen.flask import typing as ft
from erlen.flask.config import Config, ConfigAttribute
from erlen.flask.ctx import _AppCtxGlobals
from erlen.flask.helpers import _split_blueprint_path, get_debug_flag
from erlen.flask.json.provider import DefaultJSONProvider, JSONProvider
from erlen.flask.logging import create_logger
from erlen.flask.sansio.scaffold import Scaffold, T_teardown, _endpoint_from_view_func, find_package, setupmethod
from erlen.flask.templating import DispatchingJinjaLoader, Environment

__all__ = ["App"]

T_shell_context_processor = t.TypeVar("T_shell_context_processor", bound=ft.ShellContextProcessorCallable)
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)


def _make_timedelta(value: timedelta | int | None) -> timedelta | None:
    return value if value is None or isinstance(value, timedelta) else timedelta(seconds=value)
