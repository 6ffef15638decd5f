"""``flask.helpers``: what views call."""

from __future__ import annotations

import importlib
import os
import sys
import typing as t
from datetime import datetime
from functools import cache, update_wrapper
from typing import Any

import werkzeug
from werkzeug.exceptions import abort as _wz_abort
from werkzeug.utils import redirect as _wz_redirect
from werkzeug.wrappers import Response as BaseResponse

from erlen.context import find_context, find_request_context, has_app_context
from erlen.flask.globals import _cv_app, _cv_request, current_app, request, request_ctx, session
from erlen.flask.signals import message_flashed
from erlen.helpers import (
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    send_file,
    send_from_directory,
    stream_with_context,
    url_for,
)
from erlen.http import files
from erlen.packages import get_root_path

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]


def get_debug_flag() -> bool:
    """Tell whether ``FLASK_DEBUG`` asks for debug mode."""
    value = os.environ.get("FLASK_DEBUG")
    return bool(value and value.lower() not in {"0", "false", "no"})


def get_load_dotenv(default: bool = True) -> bool:
    """Tell whether ``.env`` and ``.flaskenv`` are to be read: ``FLASK_SKIP_DOTENV=1`` says no.

    :param default: the answer where the variable is not set
    """
    value = os.environ.get("FLASK_SKIP_DOTENV")
    return default if not value else value.lower() in ("0", "false", "no")


def redirect(location: str, code: int = 302, Response: type[BaseResponse] | None = None) -> BaseResponse:
    """Make a response that sends the browser to *location*, by the current application's ``redirect`` method.

    :param code: the status
    :param Response: the class of the response; used outside of a context only
    """
    if has_app_context():
        return find_context("redirect").app.redirect(location, code=code)  # type: ignore[no-any-return]
    return _wz_redirect(location, code=code, Response=Response)


def _prepare_send_file_kwargs(**kwargs: Any) -> dict[str, Any]:
    return files.options_of(find_request_context("send_file"), kwargs)


@cache
def _split_blueprint_path(name: str) -> list[str]:
    names = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        names.append(name)
    return names
