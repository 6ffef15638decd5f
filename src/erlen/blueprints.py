"""Blueprints: views, hooks and handlers written down once, to be registered on applications.

A blueprint records what its decorators are told and plays it back when it is registered. Registered under a name, its
hooks and handlers stand in the application's registries under that name as their scope.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, overload

from erlen.errors import SetupError, SetupFinished
from erlen.registration import (
    check_generator,
    check_plain,
    check_signature,
    endpoint_of,
    setupmethod,
    template_decorator,
)
from erlen.scaffold import Scaffold
from erlen.static import add_static_route

__all__ = ["Blueprint", "BlueprintSetupState"]

F = TypeVar("F", bound=Callable[..., Any])
Deferred = Callable[["BlueprintSetupState"], Any]
_own_name: Any = object()


class BlueprintConflict(SetupError, ValueError):
    """A blueprint has a name that cannot be used, or that another blueprint has already."""


class BlueprintRegistered(SetupFinished):
    """A set-up method was called on a blueprint that is registered already."""

    def __str__(self) -> str:
        return (
            f"The setup method '{self.method}' can no longer be called on the blueprint {self.owner!r}. It has already "
            "been registered at least once, any changes will not be applied consistently.\nMove the call above "
            "app.register_blueprint(...), and import the module with the decorators before it."
        )


class BlueprintSetupState:
    """One registration of a blueprint on an application; every recorded function is given one.

    :ivar app: the application
    :ivar first_registration: whether the blueprint was not on this application before
    :ivar url_prefix: what stands before its rules
    """

    def __init__(self, blueprint: Blueprint, app: Any, options: Any, first_registration: bool) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        subdomain = options.get("subdomain")
        self.subdomain: str | None = blueprint.subdomain if subdomain is None else subdomain
        url_prefix = options.get("url_prefix")
        self.url_prefix: str | None = blueprint.url_prefix if url_prefix is None else url_prefix
        self.name: str = options.get("name", blueprint.name)
        self.name_prefix: str = options.get("name_prefix", "")
        self.url_defaults: dict[str, Any] = dict(blueprint.url_values_defaults)
        self.url_defaults.update(options.get("url_defaults", ()))

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., Any] | None = None, **options: Any
    ) -> None:
        """Add a rule to the application, with the prefix, subdomain, name and defaults of this registration."""
        rule = joined(self.url_prefix, rule)
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = endpoint_of(view_func, rule)
        defaults = {**self.url_defaults, **(options.pop("defaults", None) or {})}
        full = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, full, view_func, defaults=defaults, **options)


def joined(prefix: str | None, rule: str) -> str:
    """Join a URL prefix and a rule with exactly one slash."""
    if prefix is None:
        return rule
    return "/".join((prefix.rstrip("/"), rule.lstrip("/"))) if rule else prefix


class Blueprint(Scaffold):
    """A part of an application: views, hooks, templates and files under one name.

    :param name: the name that its endpoints begin with; it must not contain a dot
    :param import_name: the name of its module, usually ``__name__``
    :param url_prefix: what stands before its rules
    :param subdomain: the subdomain of its rules
    :param url_defaults: values for its rules
    :param cli_group: the name of the group that its commands stand in; None puts them beside the application's, and
        the default is the name of the blueprint

    ::

        shop = Blueprint("shop", __name__, url_prefix="/shop")

        @shop.route("/")
        def index(): ...

        app.register_blueprint(shop)
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _own_name,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise BlueprintConflict(
                "A blueprint needs a name, because its endpoints begin with it: 'name' may not be empty."
            )
        if "." in name:
            raise BlueprintConflict(
                f"The blueprint name {name!r}: 'name' may not contain a dot '.' character, because dots separate "
                f"nested names. Use {name.replace('.', '_')!r}."
            )
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.url_values_defaults = url_defaults or {}
        self.cli_group = cli_group
        self.deferred_functions: list[Deferred] = []
        self._blueprints: list[tuple[Blueprint, dict[str, Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise BlueprintRegistered(f_name, self.name)

    @setupmethod
    def record(self, func: Deferred) -> None:
        """Have *func* called with the :class:`BlueprintSetupState` at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: Deferred) -> None:
        """Have *func* called at the first registration only."""
        self.record(lambda state: func(state) if state.first_registration else None)

    def make_setup_state(
        self, app: Any, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Make the state of a registration; a subclass may return its own."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest *blueprint* in this one; the options are those of the application's method.

        :raises ValueError: if it is this blueprint itself
        """
        if blueprint is self:
            raise BlueprintConflict(f"The blueprint {self.name!r} cannot be registered on itself.")
        self._blueprints.append((blueprint, options))

    def register(self, app: Any, options: dict[str, Any]) -> None:
        """Register this blueprint on *app*; called by :meth:`Erlen.register_blueprint`.

        :raises ValueError: if another blueprint, or this one, is already registered under the name
        """
        prefix = options.get("name_prefix", "")
        name = f"{prefix}.{options.get('name', self.name)}".lstrip(".")
        if name in app.blueprints:
            other = app.blueprints[name]
            what = "this blueprint" if other is self else f"another blueprint, of {other.import_name!r}"
            raise BlueprintConflict(
                f"The name {name!r} is already registered for {what}. Use 'name=' to provide a unique name: "
                f"register_blueprint(..., name='{name.rpartition('.')[2]}_2')."
            )
        first_bp = not any(bp is self for bp in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first_bp)
        if self.has_static_folder:
            add_static_route(self, state.add_url_rule, self.static_url_path or "", None)
        self._merge_into(app, name)
        for function in self.deferred_functions:
            function(state)
        self._merge_commands(app, name, options.get("cli_group", self.cli_group))
        for blueprint, nested in self._blueprints:
            blueprint.register(app, _nested_options(state, blueprint, nested, name))

    def _merge_commands(self, app: Any, name: str, group: str | None) -> None:
        if "cli" not in self.__dict__ or not self.cli.commands:  # nobody asked for it: click is not loaded for nothing
            return
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is _own_name else group
        app.cli.add_command(self.cli)

    def _merge_into(self, app: Any, name: str) -> None:
        def scope(key: str | None) -> str:
            return name if key is None else f"{name}.{key}"

        for table in (
            "before_request_funcs", "after_request_funcs", "teardown_request_funcs",
            "url_default_functions", "url_value_preprocessors", "template_context_processors",
            "before_websocket_funcs", "after_websocket_funcs",
        ):  # fmt: skip
            for key, functions in getattr(self, table).items():
                getattr(app, table)[scope(key)].extend(functions)
        for key, by_code in self.error_handler_spec.items():
            for code, by_class in by_code.items():
                for kind, function in by_class.items():
                    app.error_handler_spec[scope(key)][code][kind] = function
        for endpoint, function in self.view_functions.items():
            app.view_functions[endpoint] = function

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a URL rule of this blueprint; its endpoint gets the blueprint's name and a dot in front.

        :raises ValueError: if the endpoint, or the view's name, contains a dot
        """
        if endpoint and "." in endpoint:
            raise BlueprintConflict(
                f"The endpoint {endpoint!r} of a blueprint: 'endpoint' may not contain a dot '.' character, because "
                "the name of the blueprint is put in front."
            )
        if view_func is not None and "." in getattr(view_func, "__name__", ""):
            raise BlueprintConflict(
                f"The view {view_func.__name__!r}: 'view_func' name may not contain a dot '.' character. Write "
                "endpoint='...' in its route."
            )
        self.record(
            lambda state: state.add_url_rule(
                rule, endpoint, view_func, provide_automatic_options=provide_automatic_options, **options
            )
        )

    # The same hooks for every request of the application.

    def _app_hook(self, table: str, role: str, f: F) -> F:
        check_signature(role, f)
        self.record_once(lambda state: getattr(state.app, table)[None].append(f))
        return f

    @setupmethod
    def before_app_request(self, f: F) -> F:
        """Register a function that runs before every request of the application, not only of this blueprint."""
        return self._app_hook("before_request_funcs", "before_request", f)

    @setupmethod
    def after_app_request(self, f: F) -> F:
        """Register a function that is given each response of the application, not only of this blueprint."""
        return self._app_hook("after_request_funcs", "after_request", f)

    @setupmethod
    def teardown_app_request(self, f: F) -> F:
        """Register a function that runs when a request of the application ends, not only of this blueprint."""
        return self._app_hook("teardown_request_funcs", "teardown_request", f)

    @setupmethod
    def before_app_websocket(self, f: F) -> F:
        """Register a function to run before each WebSocket of the application, not only of this blueprint."""
        return self._app_hook("before_websocket_funcs", "before_websocket", f)

    @setupmethod
    def after_app_websocket(self, f: F) -> F:
        """Register a function to run after each WebSocket of the application, not only of this blueprint."""
        return self._app_hook("after_websocket_funcs", "after_websocket", f)

    @setupmethod
    def app_context_processor(self, f: F) -> F:
        """Register a function that returns values for all templates, not only of this blueprint's views."""
        return self._app_hook("template_context_processors", "context_processor", f)

    @setupmethod
    def app_url_value_preprocessor(self, f: F) -> F:
        """Register a function that is given the values out of every URL of the application."""
        return self._app_hook("url_value_preprocessors", "url_value_preprocessor", f)

    @setupmethod
    def app_url_defaults(self, f: F) -> F:
        """Register a function that adds to the values of every URL that the application builds."""
        check_plain("url_defaults", f)
        return self._app_hook("url_default_functions", "url_defaults", f)

    @setupmethod
    def app_errorhandler(self, code: type[Exception] | int) -> Callable[[F], F]:
        """Register the decorated function as the application's answer to a status code or an exception class."""

        def decorator(f: F) -> F:
            check_signature("errorhandler", f)
            self.record_once(lambda state: state.app.register_error_handler(code, f))
            return f

        return decorator

    @setupmethod
    def before_app_first_request(self, f: F) -> F:
        """Register a function to run once per process, before the first request of the application is answered."""
        check_signature("before_first_request", f)
        self.record_once(lambda state: state.app.before_first_request_funcs.append(f))
        return f

    @setupmethod
    def before_app_first_visit(self, f: F) -> F:
        """Register a function to run when a visitor comes to the application without a session."""
        check_signature("before_first_visit", f)
        self.record_once(lambda state: state.app.before_first_visit_funcs.append(f))
        return f

    @setupmethod
    def before_app_serving(self, f: F) -> F:
        """Register a function to run before the application is served; see :meth:`Erlen.before_serving`."""
        check_signature("before_serving", f)
        self.record_once(lambda state: state.app.before_serving(f))
        return f

    @setupmethod
    def after_app_serving(self, f: F) -> F:
        """Register a function to run when the application has been served; see :meth:`Erlen.after_serving`."""
        check_signature("after_serving", f)
        self.record_once(lambda state: state.app.after_serving(f))
        return f

    @setupmethod
    def while_app_serving(self, f: F) -> F:
        """Register a generator function that waits at its yield while the application is served.

        See :meth:`Erlen.while_serving`.
        """
        check_generator("while_serving", f)
        self.record_once(lambda state: state.app.while_serving(f))
        return f

    @overload
    def app_template_filter(self, name: F) -> F: ...
    @overload
    def app_template_filter(self, name: str | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def app_template_filter(self, name: Callable[..., Any] | str | None = None) -> Any:
        """Register a filter for all templates; see :meth:`Erlen.template_filter`."""
        return self._template_decorator(name, self.add_app_template_filter)

    @setupmethod
    def add_app_template_filter(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register *f* as a filter for all templates."""
        self.record_once(lambda state: state.app.add_template_filter(f, name))

    @overload
    def app_template_test(self, name: F) -> F: ...
    @overload
    def app_template_test(self, name: str | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def app_template_test(self, name: Callable[..., Any] | str | None = None) -> Any:
        """Register a test for all templates; see :meth:`Erlen.template_test`."""
        return self._template_decorator(name, self.add_app_template_test)

    @setupmethod
    def add_app_template_test(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register *f* as a test for all templates."""
        self.record_once(lambda state: state.app.add_template_test(f, name))

    @overload
    def app_template_global(self, name: F) -> F: ...
    @overload
    def app_template_global(self, name: str | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def app_template_global(self, name: Callable[..., Any] | str | None = None) -> Any:
        """Register a global function for all templates; see :meth:`Erlen.template_global`."""
        return self._template_decorator(name, self.add_app_template_global)

    @setupmethod
    def add_app_template_global(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register *f* as a global function for all templates."""
        self.record_once(lambda state: state.app.add_template_global(f, name))

    def _template_decorator(self, name: Any, add: Callable[..., None]) -> Any:
        return template_decorator(name, add)


def _nested_options(
    state: BlueprintSetupState, blueprint: Blueprint, given: dict[str, Any], name: str
) -> dict[str, Any]:
    options = dict(given)
    subdomain = options.get("subdomain")
    if subdomain is None:
        subdomain = blueprint.subdomain
    if state.subdomain is not None and subdomain is not None:
        options["subdomain"] = f"{subdomain}.{state.subdomain}"
    elif subdomain is not None or state.subdomain is not None:
        options["subdomain"] = subdomain if subdomain is not None else state.subdomain
    prefix = options.get("url_prefix")
    if prefix is None:
        prefix = blueprint.url_prefix
    if state.url_prefix is not None and prefix is not None:
        options["url_prefix"] = state.url_prefix.rstrip("/") + "/" + prefix.lstrip("/")
    elif prefix is not None or state.url_prefix is not None:
        options["url_prefix"] = prefix if prefix is not None else state.url_prefix
    options["name_prefix"] = name
    return options
