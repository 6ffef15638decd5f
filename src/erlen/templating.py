"""Jinja templates: the environment, the loader that looks in the application's and the blueprints' folders, rendering.

Rendering is given its context as an argument. A template that is not found names the folders that were searched and the
nearest name that is there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, overload

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    Template,
    TemplateNotFound,
    TemplatesNotFound,
)
from jinja2 import Environment as JinjaEnvironment

from erlen.callables import describe
from erlen.config import Config
from erlen.context import Context, find_context
from erlen.errors import nearest
from erlen.scaffold import Scaffold, setupmethod, template_decorator
from erlen.signals import before_render_template, template_rendered

__all__ = ["DispatchingJinjaLoader", "Environment", "MissingTemplate", "TemplateSetup", "render", "stream"]

F = TypeVar("F", bound=Callable[..., Any])

Source = tuple[str, str | None, Callable[[], bool] | None]


class MissingTemplate(TemplatesNotFound):
    """No folder has the template; Jinja's ``TemplateNotFound`` with the folders searched and the nearest name.

    :param wanted: the names that were asked for
    :param folders: the folders that were searched
    :param near: a name that is there, or None
    """

    def __init__(self, wanted: list[str], folders: list[str], near: str | None) -> None:
        what = f"The template {wanted[0]!r} was not" if len(wanted) == 1 else f"None of the templates {wanted} was"
        where = (
            "\n".join(f"  {folder}" for folder in folders)
            or "  (no folder: neither the application nor a blueprint has a template_folder)"
        )
        hint = f"\nDid you mean {near!r}?" if near else ""
        super().__init__(list(wanted), f"{what} found. Searched, in this order:\n{where}{hint}")
        self.folders = folders
        self.near = near


class Environment(JinjaEnvironment):
    """Jinja's environment, which knows its application and the folders of its blueprints."""

    def __init__(self, app: Any, **options: Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self._app = weakref.ref(app)  # the application holds the environment: a plain reference would be a cycle

    @property
    def app(self) -> Any:
        """The application whose environment this is."""
        return self._app()


class DispatchingJinjaLoader(BaseLoader):
    """Looks for a template in the application's folder, then in the folders of its blueprints."""

    def __init__(self, app: Any) -> None:
        self._app = weakref.ref(app)

    @property
    def app(self) -> Any:
        """The application whose folders are searched."""
        return self._app()

    def get_source(self, environment: JinjaEnvironment, template: str) -> Source:
        """Load the source of *template* from the first folder that has it.

        :raises MissingTemplate: if none has it
        """
        explain = self.app.config["EXPLAIN_TEMPLATE_LOADING"]
        attempts: list[tuple[str, BaseLoader, Source | None]] = []
        found: Source | None = None
        for owner, loader in self._loaders():
            try:
                source: Source | None = loader.get_source(environment, template)
            except TemplateNotFound:
                source = None
            attempts.append((owner, loader, source))
            if source is not None and found is None:
                found = source
                if not explain:
                    break
        if explain:
            self._explain(template, attempts)
        if found is None:
            raise self.missing([template])
        return found

    def missing(self, wanted: list[str]) -> MissingTemplate:
        """Make the error for templates that were not found."""
        folders = [path for _, loader in self._loaders() for path in _folders(loader)]
        names = self.list_templates()
        near = next(filter(None, (nearest(name, names) for name in wanted)), None)
        return MissingTemplate(wanted, folders, near)

    def list_templates(self) -> list[str]:
        """List the names of all templates."""
        return sorted({name for _, loader in self._loaders() for name in loader.list_templates()})

    def _loaders(self) -> Iterator[tuple[str, BaseLoader]]:
        app = self.app
        if app.jinja_loader is not None:
            yield f"application {app.import_name!r}", app.jinja_loader
        for blueprint in app.iter_blueprints():
            if blueprint.jinja_loader is not None:
                yield f"blueprint {blueprint.name!r} ({blueprint.import_name})", blueprint.jinja_loader

    def _explain(self, template: str, attempts: list[tuple[str, BaseLoader, Source | None]]) -> None:
        lines = [f"Locating template {template!r}:"]
        taken = False
        for number, (owner, loader, source) in enumerate(attempts, 1):
            lines.append(f"{number:5}: trying loader of {owner}")
            lines.extend(f"       folder: {folder}" for folder in _folders(loader))
            if source is None:
                lines.append("       -> no match")
            else:
                lines.append(
                    f"       -> found ({source[1] or '<string>'}){', but the first match is taken' if taken else ''}"
                )
                taken = True
        if not taken:
            near = nearest(template, self.list_templates())
            lines.append(f"Error: the template could not be found.{f' Did you mean {near!r}?' if near else ''}")
        self.app.logger.info("\n".join(lines))


def _folders(loader: BaseLoader) -> list[str]:
    if isinstance(loader, FileSystemLoader):
        return list(loader.searchpath)
    if isinstance(loader, ChoiceLoader):
        return [path for one in loader.loaders for path in _folders(one)]
    if isinstance(loader, PrefixLoader):
        return [path for one in loader.mapping.values() for path in _folders(one)]
    return [f"<{type(loader).__name__}>"]


def get_template(app: Any, name: Any) -> Template:
    """Load a template, or the first of several that exists.

    :param name: a name, a template, or a list of these
    """
    environment = app.jinja_env
    if isinstance(name, (str, Template)):
        return environment.get_or_select_template(name)  # type: ignore[no-any-return]
    names = list(name)
    try:
        return environment.select_template(names)  # type: ignore[no-any-return]
    except TemplatesNotFound as error:
        loader = environment.loader
        if isinstance(loader, DispatchingJinjaLoader) and not isinstance(error, MissingTemplate):
            raise loader.missing([str(one) for one in names]) from None
        raise


def _prepare(context: Context, template: Template, values: dict[str, Any]) -> dict[str, Any]:
    app = context.app
    app.update_template_context(values)
    if before_render_template.receivers:
        before_render_template.send(app, _async_wrapper=app.ensure_sync, template=template, context=values)
    return values


def render(context: Context, template: Template, values: dict[str, Any]) -> str:
    """Render *template* with *values* and what the context processors add."""
    values = _prepare(context, template, values)
    text = template.render(values)
    if template_rendered.receivers:
        template_rendered.send(context.app, _async_wrapper=context.app.ensure_sync, template=template, context=values)
    return text


def stream(context: Context, template: Template, values: dict[str, Any]) -> Iterator[str]:
    """Render *template* piece by piece; the context processors run at once."""
    values = _prepare(context, template, values)

    def generate() -> Iterator[str]:
        yield from template.generate(values)
        app = context.app
        if template_rendered.receivers:
            template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template, context=values)

    return generate()


class TemplateSetup(Scaffold):
    """The application's methods for templates."""

    config: Config
    json: Any
    debug: Any
    #: The class of the Jinja environment.
    jinja_environment: type[Environment] = Environment
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
        environment = self.jinja_environment(self, **options)
        environment.globals.update(self.template_globals())
        environment.policies["json.dumps_function"] = self.json.dumps
        return environment

    def template_globals(self) -> dict[str, Any]:
        """Return the names that every template knows, imported ones too."""
        return {"config": self.config}

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Make what loads templates from the folders of the application and its blueprints."""
        return DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Tell whether the values in a template are escaped: in HTML, XML and SVG files, and in strings."""
        return select_autoescape(filename)

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add to the values of a template what every template gets; values given by the view win."""
        current = find_context("current_app")
        given = dict(context)
        context["g"] = current.g
        scopes: list[str | None] = [None]
        if current.has_request:
            context["request"] = current.request
            context["session"] = current.session
            scopes.extend(reversed(current.request.blueprints))
        for scope in scopes:
            for function in self.template_context_processors.get(scope, ()):
                values = current.app.ensure_sync(function)()
                if not isinstance(values, dict):
                    raise TypeError(
                        f"The context processor {describe(function)} must return a dict of values for templates, and "
                        f"it returned {values!r}. Write: return {{'name': value}}"
                    )
                context.update(values)
        context.update(given)

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


def select_autoescape(filename: str | None) -> bool:
    """Tell whether the values in a template of this name are escaped; a string template, without a name, is."""
    return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))


def _is_default_autoescape(app: TemplateSetup) -> bool:
    # The plain function in place of the bound method keeps the environment from holding the application.
    return "select_jinja_autoescape" not in app.__dict__ and (
        type(app).select_jinja_autoescape is TemplateSetup.select_jinja_autoescape
    )
