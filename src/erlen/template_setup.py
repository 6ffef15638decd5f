"""What an application knows about templates before Jinja is loaded: its settings, filters, and the values for all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, overload

from erlen.callables import describe, is_async
from erlen.config import Config
from erlen.context import find_context, nearest_request_context
from erlen.errors import WaitingTemplate
from erlen.loading import load
from erlen.registration import setupmethod, template_decorator
from erlen.scaffold import Scaffold

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

__all__ = ["TemplateSetup", "select_autoescape"]

F = TypeVar("F", bound=Callable[..., Any])


class TemplateSetup(Scaffold):
    """The application's methods for templates."""

    config: Config
    session_interface: Any
    json: Any
    debug: Any
    #: The class of the Jinja environment; None means :class:`erlen.templating.Environment`.
    jinja_environment: type[Environment] | None = None
    #: Options for the Jinja environment, to be changed before it is made.
    jinja_options: dict[str, Any] = {}  # noqa: RUF012 - users replace it in subclasses and on instances

    @cached_property
    def jinja_env(self) -> Environment:
        """The Jinja environment, made when it is first asked for."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Environment:
        """Make the Jinja environment from ``jinja_options`` and the configuration."""
        options = dict(self.jinja_options)
        options.setdefault(
            "autoescape", select_autoescape if _is_default_autoescape(self) else self.select_jinja_autoescape
        )
        if "auto_reload" not in options:
            reload = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if reload is None else reload
        cls: Any = self.jinja_environment or load("erlen.templating").Environment
        environment: Environment = cls(self, **options)
        environment.globals.update(self.template_globals())
        environment.policies["json.dumps_function"] = self.json.dumps
        return environment

    def template_globals(self) -> dict[str, Any]:
        """Return the names that every template knows, imported ones too."""
        return {"config": self.config}

    def create_global_jinja_loader(self) -> BaseLoader:
        """Make what loads templates from the folders of the application and its blueprints."""
        return load("erlen.templating").DispatchingJinjaLoader(self)  # type: ignore[no-any-return]

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Tell whether the values in a template are escaped: in HTML, XML and SVG files, and in strings."""
        return select_autoescape(filename)

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add to the values of a template what every template gets; values given by the view win.

        The session is not among them: it is a global of every template, so that rendering alone does not open it.
        """
        given = dict(context)
        app = find_context("current_app").app
        for function in self._begin_template_context(context):
            if is_async(function) and app._loop.is_here():
                raise WaitingTemplate(f"the context processor {describe(function)} is async")
            values = app.ensure_sync(function)()
            if hasattr(values, "__await__"):  # a decorator hides an async def
                if app._loop.is_here():
                    getattr(values, "close", str)()  # a coroutine complains if nobody has awaited it
                    raise WaitingTemplate(f"the context processor {describe(function)} returned an awaitable")
                values = app._loop.run(values)
            _add_values(context, function, values)
        context.update(given)

    async def update_template_context_async(self, context: dict[str, Any]) -> None:
        """Do what :meth:`update_template_context` does, on an event loop: context processors may be plain or async.

        Where a subclass overrides the plain method, that one is called, in the thread of the request's plain code.
        """
        at_home = load("erlen.lifecycle.streams").at_home
        own = "update_template_context" in self.__dict__
        if own or type(self).update_template_context is not TemplateSetup.update_template_context:
            await at_home(self.update_template_context, context)
            return
        given = dict(context)
        for function in self._begin_template_context(context):
            _add_values(context, function, await at_home(function))
        context.update(given)

    def _begin_template_context(self, context: dict[str, Any]) -> list[Callable[[], Any]]:
        """Add what needs no function to the values of a template, and return the context processors."""
        visited = nearest_request_context()
        context["g"] = find_context("current_app").g
        scopes: list[str | None] = [None]
        if visited is not None:
            context["request"] = visited.request
            scopes.extend(reversed(visited.request.blueprints))
        return [function for scope in scopes for function in self.template_context_processors.get(scope, ())]

    @overload
    def template_filter(self, name: F) -> F: ...
    @overload
    def template_filter(self, name: str | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def template_filter(self, name: Callable[..., Any] | str | None = None) -> Any:
        """Register the decorated function as a filter; *name* where it differs from the function's. ::

        @app.template_filter("euro")
        def format_euro(value): ...
        """
        return template_decorator(name, self.add_template_filter)

    @setupmethod
    def add_template_filter(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register *f* as a filter; :meth:`template_filter` as a plain method."""
        self.jinja_env.filters[name or f.__name__] = f

    @overload
    def template_test(self, name: F) -> F: ...
    @overload
    def template_test(self, name: str | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def template_test(self, name: Callable[..., Any] | str | None = None) -> Any:
        """Register the decorated function as a test: ``{% if value is even %}``."""
        return template_decorator(name, self.add_template_test)

    @setupmethod
    def add_template_test(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register *f* as a test; :meth:`template_test` as a plain method."""
        self.jinja_env.tests[name or f.__name__] = f

    @overload
    def template_global(self, name: F) -> F: ...
    @overload
    def template_global(self, name: str | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def template_global(self, name: Callable[..., Any] | str | None = None) -> Any:
        """Register the decorated function as a global function of templates."""
        return template_decorator(name, self.add_template_global)

    @setupmethod
    def add_template_global(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register *f* as a global function; :meth:`template_global` as a plain method."""
        self.jinja_env.globals[name or f.__name__] = f


def _add_values(context: dict[str, Any], function: Callable[[], Any], values: Any) -> None:
    try:
        context.update(values)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The context processor {describe(function)} must return a dict of values for templates, and "
            f"it returned {values!r}. Write: return {{'name': value}}"
        ) from error


def select_autoescape(filename: str | None) -> bool:
    """Tell whether the values in a template of this name are escaped; a string template, without a name, is."""
    return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))


def _is_default_autoescape(app: TemplateSetup) -> bool:
    # The plain function in place of the bound method keeps the environment from holding the application.
    return "select_jinja_autoescape" not in app.__dict__ and (
        type(app).select_jinja_autoescape is TemplateSetup.select_jinja_autoescape
    )
