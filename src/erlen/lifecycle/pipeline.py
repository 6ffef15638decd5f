"""The life of a request, from top to bottom, for every server.

Laws of this file:

- ``handle`` never asks which server called it. What a user wrote is called directly while ``runner.inline`` is true,
  and through ``runner.call`` otherwise; what it returned is awaited if it is awaitable.
- What need not be done is not done: a plan's flags say where nobody registered or overrode anything. ``handle`` is
  one long function because awaiting another coroutine costs as much as the rest of a short request.
- An exception is re-raised as ``raise error``, never bare: ``sys.exc_info()`` does not cross between threads.
- The order of events is Flask's. ``docs/lifecycle.md`` lists it, and a test holds the list against a recording.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from werkzeug.exceptions import (
    BadRequestKeyError,
    Conflict,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
)
from werkzeug.routing import RoutingException

from erlen.callables import describe
from erlen.context import Context
from erlen.current import current
from erlen.errors import SessionConflict, SessionUnavailable, ViewResultError
from erlen.http.convert import make_response
from erlen.http.response import USUAL, Response, goes_short, has_header
from erlen.http.sending import drop, prepare
from erlen.lifecycle.guard import SAFE_METHODS, refuse_cross_site
from erlen.lifecycle.handlers import find_handler
from erlen.lifecycle.plain import NOSNIFF, NOT_CALLED, Called, add_session_headers, add_session_pairs, plain_answer
from erlen.lifecycle.plan import NoView, Plan
from erlen.lifecycle.runner import Runner, WrappingRunner, call, send, settled
from erlen.lifecycle.teardown import end
from erlen.loading import load
from erlen.signals import (
    appcontext_popped,
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)

__all__ = ["PROPAGATE", "handle", "handle_plainly", "waited"]

#: The key of the environ by which a test client asks for the exception itself, not for the page about it.
PROPAGATE = "erlen.propagate"

_VISITED = "_visited"


async def handle(
    app: Any,
    context: Context,
    runner: Runner,
    failure: Exception | None = None,
    inner: bool = False,
    hand_over: Callable[[Context], Any] | None = None,
    called: Called = NOT_CALLED,
) -> None:
    """Answer the request of *context*; the answer is left there, as a response object or as status, headers, body.

    :param failure: an exception that ``begin`` raised
    :param hand_over: called with *context* when the answer is made and before the teardowns, if there is an answer
    :param called: what the view has returned or raised, where it was called already because nothing comes before it
    :param inner: only what Flask calls ``full_dispatch_request``: unhandled exceptions go to the caller, and the
        context stays
    """
    request = context.request
    plan: Plan = context.plan
    own = plan.own
    inline = runner.inline
    error: BaseException | None = None
    result: Any = None
    response: Any = None  # looked at here, because an attribute of the context would be dear to read
    done = True  # what is left is to send bytes: nothing looks at the current context any more
    try:
        if failure is not None:
            raise failure
        if own and not inner and "full_dispatch_request" in own:
            context.response = response = await settled(app.full_dispatch_request(), runner)
            if response is None:
                raise ViewResultError("full_dispatch_request() has returned None: end it with 'return response'.")
            return
        try:
            if app.before_first_request_funcs and not app._first.done:
                await app._first.run(app.before_first_request_funcs, runner)
            if request_started.receivers and called is NOT_CALLED:
                await send(app, request_started, runner)
            method = context.method  # that of the request is dear to read
            if method not in SAFE_METHODS and plan.guarded:
                refuse_cross_site(request, app.config["CROSS_SITE_TRUSTED_ORIGINS"], app.debug or app.testing)
            if (
                not inline
                and plan.preloads
                and (request._source is None or request._source.has_cookies)
                and request.cookie_header
            ):
                await app.preload_session(context)
            if plan.eager:
                if "preprocess_request" in own:
                    result = await settled(app.preprocess_request(), runner)
                else:
                    result = await preprocess(app, context, runner)
                method = request.method  # a hook may have set it
                rule = request.url_rule
                if rule is not None and rule.endpoint != plan.endpoint:  # a hook has chosen another route
                    plan = context.plan = app.plan_of(rule.endpoint)
                if runner.fetches and not (request._body.complete or plan.streams):
                    await request._body.fill(request.max_content_length)  # a hook may have raised the limit
            if result is None:
                if called is not NOT_CALLED:
                    result, raised = called
                    if raised is not None:
                        raise raised
                    if hasattr(result, "__await__"):
                        result = await runner.settle(result)
                elif own and "dispatch_request" in own:
                    result = await settled(app.dispatch_request(), runner)
                elif request.routing_exception is not None:
                    if plan.explains:
                        app.raise_routing_exception(request)
                    # Raising it would tie request, exception and frames into a cycle.
                    result = request.routing_exception
                elif method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False):
                    result = app.make_default_options_response()
                elif plan.view is None:
                    raise NoView(plan.endpoint)
                elif inline or (plan.awaits and runner.fetches):
                    values = request.view_args  # an empty one is dear to unpack
                    result = plan.view(**values) if values else plan.view()
                    if not inline:
                        result = await result
                    kind = type(result)
                    if kind is not str and kind is not dict and hasattr(result, "__await__"):
                        result = await runner.settle(result)
                else:
                    result = await runner.call(plan.view, **request.view_args)
                    if hasattr(result, "__await__"):
                        result = await runner.settle(result)
        except Exception as caught:
            result = await answer_user_exception(app, context, caught, runner)
        else:
            if plan.handles_errors and request.routing_exception is not None and result is request.routing_exception:
                # Here, because what its handler raises is no matter for handlers.
                result = await answer_user_exception(app, context, result, runner)
        if (
            plan.lean
            and not inner
            and context._after_request_functions is None
            and not request_finished.receivers
            and (plan.keeps_sessions or context._session is None)
            # The short way may have written it already, and has then found the session changed.
            and ((called is not NOT_CALLED and context.headers is not None) or plain_answer(app, context, result))
        ):
            if context._session is not None:
                await _save_lean(app, context, runner)
            response = context.response
            return
        finish = finalize if own else finalize_here
        context.response = response = await finish(app, context, result, runner)
    except Exception as caught:
        if inner:
            raise
        error = caught
        drop(app, result)
        context.response = response = await answer_exception(app, context, caught, runner)
    except BaseException as caught:
        error = caught
        drop(app, result)
        raise
    finally:
        try:
            if not inner:
                if response is not None:
                    done = False
                    if type(response) in USUAL or goes_short(type(response)):
                        done = type(response.response) is list and not response._on_close
                    else:
                        context.response = await call(
                            runner, prepare, response, request.environ, app.defaults.types_no_content
                        )
                # An exception that goes to the server leaves no answer.
                if hand_over is not None and (response is not None or context.headers is not None):
                    if inline:
                        hand_over(context)
                    else:
                        await runner.call(hand_over, context)
        finally:
            try:
                if not inner:
                    context._holds -= 1
                    if context._holds == 0 and (
                        plan.tears_down
                        or request._has_files
                        or (context._session is not None and context.session_mode == "exclusive")
                        or request_tearing_down.receivers
                        or appcontext_tearing_down.receivers
                    ):
                        if error is not None and app.should_ignore_error(error):
                            error = None
                        if runner.fetches:
                            runner.stop_watching()  # type: ignore[attr-defined]
                        await end(app, context, error, runner)
            finally:
                if not inner and (not done or appcontext_popped.receivers):
                    current.set(None)
                    if appcontext_popped.receivers and context._holds == 0 and context.joined is None:
                        await send(app, appcontext_popped, runner)
                # In them an exception would hold this frame, and this frame the exception.
                result = response = error = failure = raised = None
                called = NOT_CALLED


def handle_plainly(app: Any, context: Context, failure: Exception | None, hand_over: Any = None) -> None:
    """Answer a request of which all is plain, or overridden by plain methods, in this thread."""
    plan = context.plan
    runner = WrappingRunner(app.ensure_sync) if plan.wrapped else app._direct
    for _ in handle(app, context, runner, failure, False, hand_over).__await__():
        raise waited(plan)


def waited(plan: Plan) -> Exception:
    """Make the error for a request that waited where nothing can."""
    return RuntimeError(f"{plan.endpoint!r}: the pipeline waited for something although all of it is plain.")


async def _first_visit(plan: Plan, context: Context, runner: Runner) -> Any:
    session = context.session
    if not (session.new or getattr(session, "begun", False)) or _VISITED in session:
        return None
    session[_VISITED] = True
    for function in plan.first_visit:
        result = await call(runner, function)
        if result is not None:
            context.answered_by = "before_first_visit function", function
            return result
    return None


async def preprocess(app: Any, context: Context, runner: Runner) -> Any:
    """What Flask calls ``preprocess_request``: the URL value preprocessors, then the hooks before the view.

    The first result that is not None is the answer.
    """
    plan: Plan = context.plan
    for function in plan.preprocessors:
        await call(runner, function, plan.endpoint, context.request.view_args)
    if plan.first_visit and context.request.method not in ("HEAD", "OPTIONS"):
        result = await _first_visit(plan, context, runner)
        if result is not None:
            return result
    inline = runner.inline
    for function in plan.before:
        result = function() if inline else await runner.call(function)  # not by call(): a coroutine for each is dear
        if result is not None:
            if inline and hasattr(result, "__await__"):
                result = await runner.settle(result)
                if result is None:
                    continue
            context.answered_by = "before_request function", function
            return result
    return None


async def dispatch(app: Any, context: Context, runner: Runner) -> Any:
    """What Flask calls ``dispatch_request``: the view, the automatic OPTIONS answer, or a routing exception."""
    request = context.request
    if request.routing_exception is not None:
        app.raise_routing_exception(request)
    if request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False):
        return app.make_default_options_response()
    if context.plan.view is None:
        raise NoView(context.plan.endpoint)
    return await _call_view(runner, context.plan.view, request.view_args)


async def _call_view(runner: Runner, view: Callable[..., Any], values: dict[str, Any]) -> Any:
    result = view(**values) if runner.inline else await runner.call(view, **values)
    return await runner.settle(result) if hasattr(result, "__await__") else result


# --- from a result to a response -------------------------------------------------------------------------------------


async def finalize(
    app: Any, context: Context, result: Any, runner: Runner, from_error_handler: bool = False
) -> Response:
    """Make the response and let the after-hooks and the session have it; ``finalize_request`` of Flask.

    :param from_error_handler: an error is being answered; what goes wrong now is logged and does not stop the answer
    """
    own = context.plan.own
    if "finalize_request" in own:
        return cast(Response, app.finalize_request(result, from_error_handler))
    return await finalize_here(app, context, result, runner, from_error_handler)


async def finalize_here(
    app: Any, context: Context, result: Any, runner: Runner, from_error_handler: bool = False
) -> Response:
    """Do what ``finalize`` says, without asking for an override of it."""
    own = context.plan.own
    if "make_response" in own:
        response = await settled(app.make_response(result), runner)
    elif type(result) is str or type(result) is bytes:  # as most often
        response = app.response_class(result, None, None)
    else:
        response = make_response(
            app, result, partial(getattr, context.request, "environ"), partial(who_answered, context)
        )
    try:
        if "process_response" in own:
            response = await settled(app.process_response(response), runner)
        else:
            response = await process(app, context, response, runner)
        if request_finished.receivers:
            await send(app, request_finished, runner, response=response)
    except (SessionConflict, SessionUnavailable) as error:
        if not from_error_handler:
            return await _answer_unsaved(app, context, error, runner)
        app.logger.exception("The session could not be saved while an error was answered.")
        _add_committed(app, context, response)
    except Exception:
        if not from_error_handler:
            raise
        app.logger.exception("The answer to an error could not be finished, because of another error.")
        _add_committed(app, context, response)
    return cast(Response, response)


async def process(app: Any, context: Context, response: Any, runner: Runner) -> Any:
    """Run the after-hooks and save the session; ``process_response`` of Flask."""
    if context._after_request_functions is not None:
        for function in context._after_request_functions:
            response = _still_response(await call(runner, function, response), function, "after_this_request")
    inline = runner.inline
    for function in context.plan.after:
        given = function(response) if inline else await runner.call(function, response)
        if given is not response:
            if inline and hasattr(given, "__await__"):
                given = await runner.settle(given)
            response = _still_response(given, function, "after_request")
    headers = response.headers
    if context.plan.nosniff and not has_header(headers, "x-content-type-options"):
        headers._list.append(NOSNIFF)
    if not context.plan.keeps_sessions:
        interface, session = app.session_interface, context._session
        if session is not None and not interface.is_null_session(session):  # None: nothing has touched it
            await call(runner, interface.save_session, app, session, response)
    elif context._session is None:
        context.headers_gone = True
    else:
        manager, session = app.session_manager, context._session
        if context.session_mode == "done":
            saved = manager.committed(session)
        else:
            saved = manager.save_now(session)
            if saved is False:
                saved = await manager.save(session)
        if saved is not None:
            add_session_headers(response, saved)
    return response


def _add_committed(app: Any, context: Context, response: Any) -> None:
    """Tell the browser what ``session.commit()`` has stored, where all that came after it has failed.

    Or a login that stands in the store would be nobody's, and the old token is dead already.
    """
    if app.session_interface is None and context._session is not None:
        saved = app.session_manager.committed(context._session)
        if saved is not None and ("Set-Cookie", saved.cookie) not in response.headers._list:
            add_session_headers(response, saved)


def _still_response(response: Any, function: Callable[..., Any], role: str) -> Any:
    if response is None:
        raise _hook_result_error(function, role)
    return response


def _hook_result_error(function: Callable[..., Any], role: str) -> Exception:
    return ViewResultError(
        f"The {role} function {describe(function)} returned None. It is given the response and must return one: "
        "end it with 'return response'."
    )


async def _answer_unsaved(app: Any, context: Context, error: Exception, runner: Runner) -> Response:
    """Answer where the session could not be saved: 409 or 503, or what a handler says."""
    context.session_mode = "done"  # a second try would fail in the same way
    answer = await answer_user_exception(app, context, error, runner)
    return await finalize(app, context, answer, runner, from_error_handler=True)


async def _save_lean(app: Any, context: Context, runner: Runner) -> None:
    """Save the session and add its headers; where it cannot be saved, that is answered."""
    manager, session = app.session_manager, context._session
    try:
        saved = manager.save_now(session)
        if saved is False:
            saved = await manager.save(session)
    except (SessionConflict, SessionUnavailable) as error:
        context.response = await _answer_unsaved(app, context, error, runner)
        return
    if saved is not None:
        add_session_pairs(context.headers, saved)


def who_answered(context: Context) -> str:
    """Say what did not return a valid response to this request, to begin a message with."""
    if context.answered_by is not None:
        role, function = context.answered_by
        return f"The {role} {describe(function)} did not return a valid response"
    plan = context.plan
    if plan is None or plan.view is None:
        return "The value given to make_response is no valid response"
    return f"The view function for {plan.endpoint!r}, {describe(plan.view)}, did not return a valid response"


# --- when something raises -------------------------------------------------------------------------------------------


async def answer_user_exception(app: Any, context: Context, error: Exception, runner: Runner) -> Any:
    """Answer an exception of a hook or a view by its handler, or raise it again."""
    try:
        if context.plan.own and "handle_user_exception" in context.plan.own:
            return await settled(app.handle_user_exception(error), runner)
        return await handle_user_exception(app, context, error, runner)
    finally:
        del error  # or the exception, raised again, would hold this frame, and this frame the exception


async def handle_user_exception(app: Any, context: Context, error: Exception, runner: Runner) -> Any:
    """Find what answers *error*: an HTTP exception answers itself unless it has a handler.

    :raises Exception: *error* again, if nothing answers it
    """
    if isinstance(error, BadRequestKeyError) and (app.debug or app.config["TRAP_BAD_REQUEST_ERRORS"]):
        error.show_exception = True
    if isinstance(error, HTTPException) and not app.trap_http_exception(error):
        if "handle_http_exception" in context.plan.own:
            return await settled(app.handle_http_exception(error), runner)
        return await handle_http_exception(app, context, error, runner)
    handler = find_handler(app.error_handler_spec, error, context.plan.blueprints)
    if handler is not None:
        context.answered_by = "error handler", handler
        return await call(runner, handler, error)
    if isinstance(error, (SessionUnavailable, SessionConflict)):
        return await handle_http_exception(app, context, _as_http(app, error), runner)
    try:
        raise error
    finally:
        del error


def _as_http(app: Any, error: Exception) -> HTTPException:
    answer: HTTPException
    if isinstance(error, SessionUnavailable):
        answer = ServiceUnavailable("The session store does not answer. Please try again in a moment.")
    else:
        answer = Conflict(str(error))
    answer.__cause__ = error
    return answer


async def handle_http_exception(app: Any, context: Context, error: HTTPException, runner: Runner) -> Any:
    """Answer an HTTP exception by its handler; without one it is its own answer."""
    # Redirects of routing, and responses that abort() was given, are no errors to be handled.
    if error.code is None or isinstance(error, RoutingException):
        return error
    handler = find_handler(app.error_handler_spec, error, context.plan.blueprints)
    if handler is None:
        return error
    context.answered_by = "error handler", handler
    return await call(runner, handler, error)


async def answer_exception(app: Any, context: Context, error: Exception, runner: Runner) -> Any:
    """Answer an exception that nobody handled."""
    try:
        if context.plan.own and "handle_exception" in context.plan.own:
            return await settled(app.handle_exception(error), runner)
        return await handle_exception(app, context, error, runner)
    finally:
        del error


async def handle_exception(app: Any, context: Context, error: Exception, runner: Runner) -> Response:
    """Answer an unhandled exception with 500, or let it out where ``PROPAGATE_EXCEPTIONS`` or testing says so.

    In debug mode the answer is a page about the exception.
    """
    if got_request_exception.receivers:
        await send(app, got_request_exception, runner, exception=error)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    explains = propagate is None and app.debug and not app.testing and app.defaults.debug_page
    explains = explains and not context.request.environ.get(PROPAGATE)
    if propagate is None:
        propagate = app.testing or (app.debug and not explains)
    if propagate:
        try:
            raise error
        finally:
            del error
    app.log_exception((type(error), error, error.__traceback__))
    if explains:
        explain = load("erlen.debugging.answer").explain
        answer = await call(runner, explain, app, context.request, error, context._session)
        return await finalize(app, context, answer, runner, from_error_handler=True)
    answer = InternalServerError(original_exception=error)
    handler = find_handler(app.error_handler_spec, answer, context.plan.blueprints)
    if handler is not None:
        context.answered_by = "error handler", handler
        answer = await call(runner, handler, answer)
    return await finalize(app, context, answer, runner, from_error_handler=True)
