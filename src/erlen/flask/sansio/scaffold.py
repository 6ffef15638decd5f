"""``flask.sansio.scaffold``: what applications and blueprints have in common."""

from __future__ import annotations

import importlib
import os
import pathlib
import sys
import typing as t
from collections import defaultdict
from functools import update_wrapper

from jinja2 import BaseLoader, FileSystemLoader
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.utils import cached_property

from erlen.flask import typing as ft
from erlen.flask.blueprints import _sentinel
from erlen.flask.templating import _default_template_ctx_processor
from erlen.packages import find_package, get_root_path
from erlen.registration import endpoint_of as _endpoint_from_view_func
from erlen.registration import setupmethod
from erlen.scaffold import Scaffold

__all__ = ["Scaffold", "_endpoint_from_view_func", "find_package", "get_root_path", "setupmethod"]

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])
T_before_request = t.TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_error_handler = t.TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_route = t.TypeVar("T_route", bound=ft.RouteCallable)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = t.TypeVar("T_template_context_processor", bound=ft.TemplateContextProcessorCallable)
T_url_defaults = t.TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = t.TypeVar("T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable)
