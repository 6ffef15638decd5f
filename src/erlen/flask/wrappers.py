"""``flask.wrappers``: request and response."""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase

from erlen.flask import json
from erlen.flask.globals import current_app
from erlen.flask.helpers import _split_blueprint_path
from erlen.http.request import Request
from erlen.http.response import Response

# The bases are not Flask's own, but extensions look for them here.
__all__ = ["Request", "RequestBase", "Response", "ResponseBase"]
