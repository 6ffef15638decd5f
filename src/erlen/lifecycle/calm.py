"""Requests of which there is nothing to run but the view: they are answered without the whole pipeline.

Most views are like that: no hook, no teardown, nobody who listens to a signal. What ``handle`` would do for them comes
down to the call and a plain answer. Where it turns out that there is more to do (the view has raised, or has changed
the session), ``handle`` goes on with what the view has given.
"""

from __future__ import annotations

from typing import Any

from erlen.context import Context
from erlen.lifecycle.pipeline import handle
from erlen.lifecycle.plain import NOT_CALLED, Called, add_session_pairs, plain_answer
from erlen.lifecycle.runner import Runner
from erlen.signals import LISTENED

__all__ = ["answer_calmly", "await_calmly"]

#: The methods that no guard looks at, and that have no answer but the view's.
_CALM = frozenset({"GET", "HEAD"})


def answer_calmly(app: Any, context: Context) -> Called | None:
    """Answer a request of which there is nothing to run but a plain view, or nothing at all.

    :returns: None if it is answered; else how far it has come: ``handle`` has to go on from there
    """
    if (LISTENED.any and LISTENED.still()) or context.method not in _CALM:
        return NOT_CALLED
    if app.before_first_request_funcs and not app._first.done:
        return NOT_CALLED
    view = context.plan.view
    request = context.request
    try:
        if view is None:
            result = request.routing_exception
            if result is None:
                return NOT_CALLED
        else:
            values = request.view_args  # an empty one is dear to unpack
            result = view(**values) if values else view()
    except BaseException as error:
        return None, error
    try:
        if (
            context._after_request_functions is None
            and not (context.request._has_files or (LISTENED.any and LISTENED.still()))
            and (context._session is None or _only_looked(context))
            and plain_answer(app, context, result)
            and (context._session is None or _is_saved(app, context))
        ):
            context._holds -= 1
            return None
    except Exception:  # it cannot be written: handle fails with it again, where that is answered
        pass
    return result, None


async def await_calmly(app: Any, context: Context, runner: Runner) -> None:
    """Answer a request of which there is nothing to run but an async view, or nothing at all.

    Where that is not all, ``handle`` goes on.
    """
    called = NOT_CALLED
    plan = context.plan
    if not (
        (LISTENED.any and LISTENED.still())
        or context.method not in _CALM
        or (app.before_first_request_funcs and not app._first.done)
    ):
        request = context.request
        values = request.view_args
        view: Any = plan.view
        try:
            if view is None:
                result = request.routing_exception
            else:
                result = await (view(**values) if values else view())
        except BaseException as error:
            called = None, error
        else:
            try:
                if (
                    context._after_request_functions is None
                    and not (context.request._has_files or (LISTENED.any and LISTENED.still()))
                    and (context._session is None or _only_looked(context))
                    and plain_answer(app, context, result)
                    and (context._session is None or _is_saved(app, context))
                ):
                    context._holds -= 1
                    return
            except Exception:  # as above
                pass
            if view is not None:
                called = result, None
    try:
        await handle(app, context, runner, None, False, None, called)
    finally:
        called = NOT_CALLED  # the exception in it would hold this frame, and this frame the exception


def _only_looked(context: Context) -> bool:
    """Tell whether the view seems to have done no more with the session than to look at it."""
    if not context.plan.keeps_sessions:
        return False
    state = context._session._state
    return state is None or not state.writable


def _is_saved(app: Any, context: Context) -> bool:
    """Tell whether nothing in the session is to be stored; the answer says then what it depends on."""
    saved = app.session_manager.save_now(context._session)
    if saved is False:
        return False
    if saved is not None:
        add_session_pairs(context.headers, saved)
    return True
