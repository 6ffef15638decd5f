"""Views as classes: ``View`` for one that is built from parts, ``MethodView`` with a method for each HTTP method."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from erlen.callables import is_async
from erlen.globals import current_app, request

__all__ = ["MethodView", "UnwrittenMethod", "View", "http_method_funcs"]

#: The names of the methods that a MethodView may have.
http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


class UnwrittenMethod(NotImplementedError, AssertionError):
    """A request came with an HTTP method that a MethodView names in ``methods`` and has no Python method for.

    :param view: the name of the class
    :param method: the HTTP method
    """

    def __init__(self, view: str, method: str) -> None:
        super().__init__(view, method)
        self.view = view
        self.method = method

    def __str__(self) -> str:
        return (
            f"Unimplemented method {self.method!r}: {self.view} takes {self.method} requests and has no method "
            f"{self.method.lower()}()."
        )


class View:
    """A view as a class: subclass it, write ``dispatch_request``, and register :meth:`as_view`.

    ::

        class Hello(View):
            def dispatch_request(self, name):
                return f"Hello, {name}!"

        app.add_url_rule("/hello/<name>", view_func=Hello.as_view("hello"))
    """

    #: The HTTP methods that the view takes; None means GET, or what :meth:`Erlen.add_url_rule` is told.
    methods: ClassVar[Collection[str] | None] = None
    #: Whether OPTIONS requests are answered automatically; None leaves it to the default.
    provide_automatic_options: ClassVar[bool | None] = None
    #: Decorators for the view function, the first one applied first.
    decorators: ClassVar[list[Callable[..., Any]]] = []
    #: Make an object for each request. Set it to False where ``self`` holds nothing of a request: it is quicker.
    init_every_request: ClassVar[bool] = True

    def dispatch_request(self, *args: Any, **kwargs: Any) -> Any:
        """Answer the request; the values out of the URL are the arguments. A subclass must write it."""
        raise NotImplementedError(f"{type(self).__name__} must have a method dispatch_request(self, ...).")

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> Callable[..., Any]:
        """Make the view function of this class.

        :param name: the endpoint
        :param class_args: passed on to the class when it is instantiated, as are the keyword arguments
        """
        if cls.init_every_request:

            def make() -> View:
                return view.view_class(*class_args, **class_kwargs)  # type: ignore[attr-defined, no-any-return]

            def view(**values: Any) -> Any:
                return _call(make().dispatch_request, **values)

        else:
            once = cls(*class_args, **class_kwargs)

            def make() -> View:
                return once

            def view(**values: Any) -> Any:
                return _call(once.dispatch_request, **values)

        twin = None if cls.decorators else _twin_of(cls, make, view)
        view.__name__, view.__module__ = name, cls.__module__  # a decorator may read them
        for decorator in cls.decorators or ():
            view = decorator(view)
        facts = {
            "__name__": name,
            "__module__": cls.__module__,
            "__doc__": cls.__doc__,
            "view_class": cls,
            "methods": cls.methods,
            "provide_automatic_options": cls.provide_automatic_options,
            "_erlen_twin": (id(view), twin),
        }
        for fact, value in facts.items():
            setattr(view, fact, value)
        return view

    def _handler(self) -> Callable[..., Any]:
        """Return what answers the current request, plain or async."""
        return self.dispatch_request

    @classmethod
    def _handlers(cls) -> list[Callable[..., Any]]:
        """Return whatever may answer requests."""
        return [cls.dispatch_request]


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call *function*; an async one is waited for where that can be done, and on the loop it is left to be awaited."""
    if is_async(function) and current_app._loop.is_here():
        return function(*args, **kwargs)
    return current_app.ensure_sync(function)(*args, **kwargs)


def _twin_of(cls: type[View], make: Callable[[], View], view: Callable[..., Any]) -> Callable[..., Any] | None:
    """Make what a plan calls in place of *view*, that of *cls*: async methods are awaited, so that no thread waits.

    None where there are none. It is async where nothing plain is called on the way.
    """
    colours = [is_async(handler) for handler in cls._handlers()]
    if not any(colours):
        return None
    twin: Any
    if all(colours) and (cls.__init__ is object.__init__ or not cls.init_every_request):

        async def awaiting(**values: Any) -> Any:
            result = make()._handler()(**values)
            return await result if hasattr(result, "__await__") else result

        twin = awaiting
    else:

        def handing_over(**values: Any) -> Any:
            return make()._handler()(**values)

        twin = handing_over
    twin.__wrapped__ = view
    return twin  # type: ignore[no-any-return]


class MethodView(View):
    """A view with a method for each HTTP method; ``methods`` is set from those that the class has.

    HEAD is answered by ``get`` where there is no ``head``. ::

        class Counter(MethodView):
            def get(self):
                return str(session.get("count", 0))

            def post(self):
                return str(session.incr("count"))
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" not in cls.__dict__:
            methods = {name.upper() for name in http_method_funcs if hasattr(cls, name)}
            for base in cls.__bases__:
                methods.update(getattr(base, "methods", None) or ())
            if methods:
                cls.methods = methods

    def dispatch_request(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method that bears the request's name."""
        return _call(self._method(), *args, **kwargs)

    def _method(self) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        if method is None:
            raise UnwrittenMethod(type(self).__name__, request.method)
        return method

    def _handler(self) -> Callable[..., Any]:
        own = type(self).dispatch_request is not MethodView.dispatch_request
        return self.dispatch_request if own else self._method()

    @classmethod
    def _handlers(cls) -> list[Callable[..., Any]]:
        if cls.dispatch_request is not MethodView.dispatch_request:
            return [cls.dispatch_request]
        return [getattr(cls, name) for name in http_method_funcs if hasattr(cls, name)]
