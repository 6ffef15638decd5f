"""How a request ends: every teardown runs, whatever the others do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from erlen.context import Context
from erlen.lifecycle.plan import Plan
from erlen.lifecycle.runner import Runner, call, send
from erlen.signals import appcontext_tearing_down, request_tearing_down

__all__ = ["end", "has_end", "raise_first", "teardown_app", "teardown_request"]


def has_end(plan: Plan, context: Context) -> bool:
    """Tell whether there is anything for ``end`` to do."""
    return bool(
        plan.tears_down
        or (context._session is not None and context.session_mode == "exclusive")
        or context.request._has_files
        or request_tearing_down.receivers
        or appcontext_tearing_down.receivers
    )


async def end(
    app: Any, context: Context, exc: BaseException | None, runner: Runner, *, request_has_ended: bool = False
) -> None:
    """Run the teardowns, all of them even if some raise, and let go of what the request holds.

    :param request_has_ended: the context was only lent its request, whose own teardowns have run
    :raises Exception: the first error of a teardown; further ones are logged
    """
    errors: list[BaseException] = []
    request = context.request
    plan = context.plan
    if request is not None:
        session = context._session
        if session is not None and app.session_interface is None:
            await _collect(errors, app.session_manager.close(session))
        if request_has_ended:
            pass
        elif plan is not None and plan.tears_down:
            if "do_teardown_request" in plan.own:
                _collect_call(errors, app.do_teardown_request, exc)
            else:
                await teardown_request(app, context, exc, runner, errors)
        elif request_tearing_down.receivers:
            await _collect(errors, send(app, request_tearing_down, runner, exc=exc))
        if request._has_files or (plan is not None and plan.closes):
            _collect_call(errors, request.close)
    if context.joined is not None:
        pass  # the context that it shares the application's part with ends that
    elif plan is None or plan.tears_down:
        if app._overrides("do_teardown_appcontext"):
            _collect_call(errors, app.do_teardown_appcontext, exc)
        else:
            await teardown_app(app, exc, runner, errors)
    elif appcontext_tearing_down.receivers:
        await _collect(errors, send(app, appcontext_tearing_down, runner, exc=exc))
    raise_first(app, errors)


def raise_first(app: Any, errors: list[BaseException]) -> None:
    """Raise the first of *errors*, if there is one, and log the others, so that none is lost.

    What is no ``Exception`` (a cancelled request, a program that ends) comes first.
    """
    if errors:
        errors.sort(key=lambda error: isinstance(error, Exception))
        first = errors.pop(0)
        for error in errors:
            app.logger.error("A further teardown failed.", exc_info=error)
        errors.clear()
        try:
            raise first
        finally:
            del first


async def teardown_request(
    app: Any, context: Context, exc: BaseException | None, runner: Runner, errors: list[BaseException]
) -> None:
    """Run the functions of ``teardown_request``, the innermost blueprint's first; their errors go into *errors*."""
    for function in context.plan.teardown_request:
        await _collect(errors, call(runner, function, exc))
    if request_tearing_down.receivers:
        await _collect(errors, send(app, request_tearing_down, runner, exc=exc))


async def teardown_app(app: Any, exc: BaseException | None, runner: Runner, errors: list[BaseException]) -> None:
    """Run the functions of ``teardown_appcontext``, the last one first; their errors go into *errors*."""
    for function in reversed(app.teardown_appcontext_funcs):
        await _collect(errors, call(runner, function, exc))
    if appcontext_tearing_down.receivers:
        await _collect(errors, send(app, appcontext_tearing_down, runner, exc=exc))


async def _collect(errors: list[BaseException], work: Any) -> None:
    try:
        await work
    except BaseException as error:  # a request that is cancelled now runs its other teardowns all the same
        errors.append(error)


def _collect_call(errors: list[BaseException], function: Callable[..., Any], *args: Any) -> None:
    try:
        function(*args)
    except BaseException as error:
        errors.append(error)
