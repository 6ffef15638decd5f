"""The functions that views call: URLs, redirects, flashes, files, templates; those about streams are in `streams.py`.

Each works for the current request.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar, overload

from werkzeug.exceptions import abort as werkzeug_abort
from werkzeug.utils import redirect as werkzeug_redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen.callables import is_async
from erlen.context import find_context, find_request_context, has_app_context
from erlen.http import files
from erlen.http.response import Response
from erlen.loading import load
from erlen.registration import check_signature
from erlen.signals import message_flashed
from erlen.streams import (
    stream_template,
    stream_template_async,
    stream_template_string,
    stream_template_string_async,
    stream_with_context,
)

if TYPE_CHECKING:
    from jinja2 import Template

    TemplateName = str | Template | list[str | Template]

__all__ = [
    "abort",
    "after_response",
    "after_this_request",
    "copy_current_request_context",
    "flash",
    "get_flashed_messages",
    "get_template_attribute",
    "jsonify",
    "make_response",
    "redirect",
    "render_template",
    "render_template_async",
    "render_template_string",
    "render_template_string_async",
    "send_file",
    "send_from_directory",
    "stream_template",
    "stream_template_async",
    "stream_template_string",
    "stream_template_string_async",
    "stream_with_context",
    "url_for",
]

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound=WerkzeugResponse)
_DEFAULT_RESPONSE = Response  # by another name, because a parameter of Flask's has this one
#: Jinja is loaded by the first template that is rendered.
_TEMPLATING = "erlen.templating"

_CATEGORY = "message"


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Build the URL of *endpoint*.

    :param endpoint: a name; one that begins with a dot belongs to the current blueprint
    :param _anchor: what to put after a ``#``
    :param _method: build the rule for this HTTP method
    :param _scheme: ``"https"``, for an external URL
    :param _external: with scheme and host; default is no in a request, and yes outside of one
    :param values: the variables of the rule; others become the query string
    :raises BuildError: if no rule fits; names the nearest endpoint or the missing values

    ::

        url_for("user", id=7, page=2)  # /user/7?page=2
    """
    app = find_context("url_for").app
    return app.url_for(  # type: ignore[no-any-return]
        endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values
    )


@overload
def redirect(location: str, code: int | None = None, Response: None = None) -> Response: ...
@overload
def redirect(location: str, code: int | None, Response: type[R]) -> R: ...
@overload
def redirect(location: str, code: int | None = None, *, Response: type[R]) -> R: ...
def redirect(
    location: str, code: int | None = None, Response: type[WerkzeugResponse] | None = None
) -> WerkzeugResponse:
    """Make a response that sends the browser to *location*.

    :param code: 303 by default in Erlen (``REDIRECT_CODE``): the browser then asks with GET, whatever it sent.
        Use 307 or 308 to have it send the same again
    :param Response: the class of the response; the application's where it is not given
    """
    if has_app_context():
        app = find_context("redirect").app
        if Response is None:
            return app.redirect(location, code)  # type: ignore[no-any-return]
        code = app.config["REDIRECT_CODE"] if code is None else code
    return werkzeug_redirect(location, 303 if code is None else code, Response or _DEFAULT_RESPONSE)


def abort(code: int | WerkzeugResponse, *args: Any, **kwargs: Any) -> NoReturn:
    """Stop handling the request and answer with an HTTP error.

    :param code: a status code, or a response that is to be the answer
    :param args: passed on to the exception, as are the keyword arguments: ``abort(404, "No such user.")``
    :raises werkzeug.exceptions.HTTPException: the one that belongs to *code*
    :raises LookupError: if none belongs to it
    """
    if has_app_context():
        find_context("abort").app.aborter(code, *args, **kwargs)
    werkzeug_abort(code, *args, **kwargs)


def make_response(*args: Any) -> Response:
    """Make of a view's result the response that it will become, to add headers or cookies to it. ::

    response = make_response(render_template("index.html"), 200)
    response.headers["X-Greeting"] = "Hello"
    return response
    """
    app = find_context("make_response").app
    if not args:
        return app.response_class()  # type: ignore[no-any-return]
    return app.make_response(args[0] if len(args) == 1 else args)  # type: ignore[no-any-return]


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Make a JSON response: of one value, of several as a list, or of keywords as an object.

    A view that returns a dict or a list does the same by itself. The application's provider writes it (``app.json``).
    """
    return find_context("jsonify").app.json.response(*args, **kwargs)  # type: ignore[no-any-return]


def flash(message: str, category: str = _CATEGORY) -> None:
    """Keep a message for the next page that shows messages; see :func:`get_flashed_messages`.

    :param category: for instance ``"error"``, for the page to style it

    Messages are appended to the session in its store, so two tabs neither lose nor double one.
    """
    context = find_request_context("flash")
    session = context.session
    keep = getattr(session, "_flash", None)
    if keep is not None:
        keep(category, message)
    else:  # a foreign session
        session["_flashes"] = [*session.get("_flashes", []), (category, message)]
    if message_flashed.receivers:
        app = context.app
        message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(with_categories: bool = False, category_filter: Any = ()) -> list[Any]:
    """Take the flashed messages out of the session. Within one request they stay the same.

    :param with_categories: return pairs of category and message
    :param category_filter: only these categories
    """
    context = find_request_context("get_flashed_messages")
    shown = context.flashes
    if shown is None:
        session = context.session
        take = getattr(session, "_take_flashes", None)
        if take is not None:
            shown = take()
        else:
            shown = session.pop("_flashes") if "_flashes" in session else []
        context.flashes = shown
    if category_filter:
        shown = [pair for pair in shown if pair[0] in category_filter]
    return [tuple(pair) for pair in shown] if with_categories else [pair[1] for pair in shown]


def after_this_request(f: F) -> F:
    """Have *f* called with the response of the current request; it returns the response, or another one. ::

    @after_this_request
    def remember(response):
        response.set_cookie("seen", "yes")
        return response
    """
    check_signature("after_this_request", f)
    find_request_context("after_this_request").after_this_request(f)
    return f


def after_response(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Call *function* with *args* and *kwargs* when the response of the current request has been sent.

    It may be async or plain, and runs as a background task does (:meth:`Erlen.add_background_task`), in a copy of the
    request context: ``request`` and ``session`` are those of the request, ``g`` starts empty, and what it changes in
    the session is not saved. It runs in any case: if the view fails later on, and if the client has gone. In a copy of
    a request context it starts at once. ::

        @app.post("/order")
        def order():
            after_response(send_mail, request.form["mail"])
            return "Thank you!"
    """
    context = find_request_context("after_response")
    if context.is_copy:
        load("erlen.lifecycle.serving").serving_of(context.app).add_task(
            context.app, function, args, kwargs, context.copy()
        )
        return
    if context._followers is None:
        context._followers = []
    context._followers.append((function, args, kwargs))


def copy_current_request_context(f: F) -> F:
    """Wrap *f* so that it runs in a copy of the current request context, in a thread or in a task for instance.

    The request is the same, and the session too, as it is now: what the copy changes in it after the request has been
    answered is not saved. ``g`` starts empty. A plain function stays plain, and an ``async def`` stays one. ::

        threading.Thread(target=copy_current_request_context(send_mail)).start()
        asyncio.create_task(copy_current_request_context(send_mail_async)())
    """
    if not is_async(f):
        return copy_for_thread(f)
    original = find_request_context("copy_current_request_context").copy()

    @functools.wraps(f)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        async with original.copy():
            return await f(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def copy_for_thread(f: F) -> F:
    """Wrap *f* as :func:`copy_current_request_context` does; an ``async def`` becomes plain and is waited for."""
    original = find_request_context("copy_current_request_context").copy()

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with original.copy() as copied:
            return copied.app.ensure_sync(f)(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


# Files.


def send_file(
    path_or_file: os.PathLike[str] | str | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: int | timedelta | Callable[[str | None], int | None] | None = None,
) -> Response:
    """Send a file: with its type, ETag and date, in ranges where the browser asks for one.

    Never give it a path that a user has written; :func:`send_from_directory` is for these.

    :param path_or_file: a path, relative to the application's ``root_path``, or a file opened in binary mode
    :param mimetype: default is what the name says
    :param as_attachment: have the browser offer to save it
    :param download_name: the name to save it under, and to tell the type by
    :param conditional: answer conditional and range requests
    :param etag: make an ETag, or send this one
    :param last_modified: when it was changed, where the file does not tell
    :param max_age: for how many seconds a browser may keep it; default is ``SEND_FILE_MAX_AGE_DEFAULT``
    """
    return files.send_file(  # type: ignore[no-any-return]
        find_request_context("send_file"),
        path_or_file,
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=download_name,
        conditional=conditional,
        etag=etag,
        last_modified=last_modified,
        max_age=max_age,
    )


def send_from_directory(directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any) -> Response:
    """Send a file from below *directory*; safe with a path that a user has written.

    :param directory: relative to the application's ``root_path``
    :param path: relative to the directory
    :param kwargs: what :func:`send_file` takes
    :raises werkzeug.exceptions.NotFound: if the path leads out of the directory, or to no file
    """
    return files.send_from_directory(find_request_context("send_from_directory"), directory, path, **kwargs)  # type: ignore[no-any-return]


# Templates.


def render_template(template_name_or_list: TemplateName, **context: Any) -> str:
    """Render a template.

    :param template_name_or_list: its name, or several, of which the first that exists is taken
    :param context: the values for it
    :raises jinja2.TemplateNotFound: names the folders that were searched and the nearest name
    """
    current_context = find_context("render_template")
    template = load(_TEMPLATING).get_template(current_context.app, template_name_or_list)
    return load(_TEMPLATING).render(current_context, template, context)  # type: ignore[no-any-return]


def render_template_string(source: str, **context: Any) -> str:
    """Render a template given as text; values are escaped as in HTML."""
    current_context = find_context("render_template_string")
    template = current_context.app.jinja_env.from_string(source)
    return load(_TEMPLATING).render(current_context, template, context)  # type: ignore[no-any-return]


async def render_template_async(template_name_or_list: TemplateName, **context: Any) -> str:
    """Render a template in async code: ``return await render_template_async("index.html", user=user)``.

    Async context processors are awaited, and plain ones run in the thread of the request's plain code. With Jinja's
    ``enable_async`` in ``app.jinja_options``, what the template itself calls is awaited too.

    :param template_name_or_list: its name, or several, of which the first that exists is taken
    :param context: the values for it
    :raises jinja2.TemplateNotFound: names the folders that were searched and the nearest name
    """
    current_context = find_context("render_template_async")
    template = load(_TEMPLATING).get_template(current_context.app, template_name_or_list)
    return await load(_TEMPLATING).render_async(current_context, template, context)  # type: ignore[no-any-return]


async def render_template_string_async(source: str, **context: Any) -> str:
    """Render a template given as text in async code; see :func:`render_template_async`."""
    current_context = find_context("render_template_string_async")
    template = current_context.app.jinja_env.from_string(source)
    return await load(_TEMPLATING).render_async(current_context, template, context)  # type: ignore[no-any-return]


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or variable that a template exports, to be called from Python."""
    app = find_context("get_template_attribute").app
    return getattr(app.jinja_env.get_template(template_name).module, attribute)
