"""Mistakes that ``mypy --strict`` must find: checked by test_typed_applications.py, never run.

Each line that is wrong ends in a comment with the error code that it must have.
"""

from __future__ import annotations

from erlen import Erlen, current_app, redirect, request, session, url_for

app = Erlen()  # call-arg
app.debug = "yes"  # assignment
first = request.no_such_attribute  # attr-defined
session.no_such_method()  # attr-defined
second = current_app.no_such_setting  # attr-defined
number: int = request.args["page"]  # assignment
url_for("index", _external="yes")  # arg-type
redirect(3)  # call-overload
app.before_request("now")  # type-var
app.while_serving("now")  # type-var
app.add_background_task(print, to="stdout")  # arg-type
app.add_background_task(len)  # call-arg
