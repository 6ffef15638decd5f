"""Jinja templates: the environment, the loader that looks in the application's and the blueprints' folders, rendering.

Rendering is given its context as an argument. A template that is not found names the folders that were searched and the
nearest name that is there. This module is loaded when a template is first asked for, because Jinja is slow to import.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any

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

from erlen.context import Context
from erlen.errors import WaitingTemplate, nearest
from erlen.loading import load
from erlen.signals import before_render_template, template_rendered

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "MissingTemplate",
    "Source",
    "account_of",
    "render",
    "render_async",
    "stream",
    "stream_async",
]


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
        attempts: list[tuple[Any, BaseLoader, Source | None]] = []
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
            self.explain(template, attempts)
        if found is None:
            raise self.missing([template])
        return found

    def missing(self, wanted: list[str]) -> MissingTemplate:
        """Make the error for templates that were not found."""
        folders = [path for _, loader in self._loaders() for path in _folders(loader)]
        names = self._names()
        near = next(filter(None, (nearest(name, names) for name in wanted)), None)
        return MissingTemplate(wanted, folders, near)

    def list_templates(self) -> list[str]:
        """List the names of all templates."""
        return sorted({name for _, loader in self._loaders() for name in loader.list_templates()})

    def _names(self) -> list[str]:
        """Return the names of the templates as far as the loaders can list them."""
        return sorted({name for _, loader in self._loaders() for name in _names(loader)})

    def _loaders(self) -> Iterator[tuple[Any, BaseLoader]]:
        app = self.app
        for owner in (app, *app.iter_blueprints()):
            if owner.jinja_loader is not None:
                yield owner, owner.jinja_loader

    def explain(self, template: str, attempts: list[tuple[Any, BaseLoader, Source | None]]) -> None:
        """Log where *template* was looked for (``EXPLAIN_TEMPLATE_LOADING``).

        :param attempts: of each place the application or blueprint, its loader, and what that gave
        """
        lines = account_of(self.app, template, [(loader, owner, source) for owner, loader, source in attempts])
        if all(source is None for _, _, source in attempts):
            near = nearest(template, self._names())
            if near:
                lines.append(f"Did you mean {near!r}?")
        self.app.logger.info("\n".join(lines))


def account_of(app: Any, template: str, attempts: list[tuple[Any, Any, Source | None]]) -> list[str]:
    """Write down where *template* was looked for, a line for each fact.

    :param attempts: of each place its loader, the application or blueprint, and what the loader gave
    """
    lines = [f"Locating template {template!r}:"]
    taken = False
    for number, (loader, owner, source) in enumerate(attempts, 1):
        if hasattr(owner, "iter_blueprints"):
            name = f"application {owner.import_name!r}"
        elif hasattr(owner, "import_name"):
            name = f"blueprint {owner.name!r} ({owner.import_name})"
        else:
            name = repr(owner)
        lines.append(f"{number:5}: trying loader of {name}")
        lines.extend(f"       folder: {folder}" for folder in _folders(loader))
        if source is None:
            lines.append("       -> no match")
        else:
            note = ", but the first match is taken" if taken else ""
            lines.append(f"       -> found ({source[1] or '<string>'}){note}")
            taken = True
    if not taken:
        lines.append("Error: the template could not be found.")
    return lines


def _names(loader: BaseLoader) -> list[str]:
    if isinstance(loader, ChoiceLoader):
        return [name for one in loader.loaders for name in _names(one)]
    try:
        return loader.list_templates()
    except TypeError:  # how a loader that cannot list its templates says so
        return []


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
    app = context.app
    if template.environment.is_async and app._loop.is_here():
        raise _waits(template)
    values = _prepare(context, template, values)
    # Jinja itself would make a loop for it, on which the application's async clients are of no use.
    text = app._loop.run(template.render_async(values)) if template.environment.is_async else template.render(values)
    if template_rendered.receivers:
        template_rendered.send(context.app, _async_wrapper=context.app.ensure_sync, template=template, context=values)
    return text


async def render_async(context: Context, template: Template, values: dict[str, Any]) -> str:
    """Render *template* on an event loop; context processors and receivers of the signals may be plain or async."""
    app = context.app
    await app.update_template_context_async(values)
    await _tell(before_render_template, app, template, values)
    text = await template.render_async(values) if template.environment.is_async else template.render(values)
    await _tell(template_rendered, app, template, values)
    return text


def stream(context: Context, template: Template, values: dict[str, Any]) -> Iterator[str]:
    """Render *template* piece by piece; the context processors run at once."""
    values = _prepare(context, template, values)

    def generate() -> Iterator[str]:
        app = context.app
        yield from _taken(app, template, values) if template.environment.is_async else template.generate(values)
        if template_rendered.receivers:
            template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template, context=values)

    return generate()


def _taken(app: Any, template: Template, values: dict[str, Any]) -> Iterator[str]:
    """Take the pieces of a template that awaits, in a thread. Jinja would render it whole, on a loop of its own."""
    if app._loop.is_here():
        raise _waits(template)
    pieces = app._loop.iterate(template.generate_async(values))
    try:
        while True:
            try:
                piece = pieces.next()
            except StopIteration:
                return
            yield piece
    finally:
        pieces.close()


def _waits(template: Template) -> WaitingTemplate:
    return WaitingTemplate(f"the template {template.name or '<string>'} was made with Jinja's enable_async")


async def stream_async(context: Context, template: Template, values: dict[str, Any]) -> AsyncIterator[str]:
    """Render *template* piece by piece on an event loop; the context processors run when the first is asked for.

    Context processors and receivers of the signals may be plain or async.
    """
    app = context.app
    await app.update_template_context_async(values)
    await _tell(before_render_template, app, template, values)
    if template.environment.is_async:
        async with aclosing(template.generate_async(values)) as pieces:
            async for piece in pieces:
                yield piece
    else:
        for piece in template.generate(values):
            yield piece
    await _tell(template_rendered, app, template, values)


async def _tell(signal: Any, app: Any, template: Template, values: dict[str, Any]) -> None:
    if signal.receivers:
        at_home = load("erlen.lifecycle.streams").at_home
        for receiver in list(signal.receivers_for(app)):
            await at_home(partial(receiver, app, template=template, context=values))
