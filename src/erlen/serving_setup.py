"""The application's names for its life in a process: what runs at its start, beside its requests, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

from erlen.loading import load
from erlen.registration import check_generator, check_signature, setupmethod
from erlen.scaffold import Scaffold

__all__ = ["ServingSetup"]

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound="ServingSetup")


class ServingBlock(Generic[A]):
    """Starts an application at the beginning of a block and ends it after that; see :meth:`ServingSetup.serving`."""

    def __init__(self, app: A) -> None:
        self._app = app
        self._life: Any = load("erlen.lifecycle.serving").serving_of(app)

    def __enter__(self) -> A:
        self._app._loop.run(self._life.start(self._app))
        return self._app

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._app._loop.run(self._life.stop(self._app))

    async def __aenter__(self) -> A:
        await self._life.start(self._app)
        return self._app

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._life.stop(self._app)


class ServingSetup(Scaffold):
    """The application's part in the life of its process."""

    #: Everything before the first request has been done in this process.
    _ready = False
    #: What knows the life of the application (erlen.lifecycle.serving), made when it is first needed.
    _serving: Any = None
    _loop: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before_serving_funcs: list[Callable[[], Any]] = []
        self.while_serving_funcs: list[Callable[[], Any]] = []
        self.after_serving_funcs: list[Callable[[], Any]] = []

    def freeze(self) -> None:
        """End the set-up; see the subclass."""
        raise NotImplementedError

    @setupmethod
    def before_serving(self, f: F) -> F:
        """Register a function to run once in each process, before it answers its first request.

        Functions run in the order of their registration. If one raises, the application is not served. ::

            @app.before_serving
            async def connect():
                app.pool = await make_pool()
        """
        check_signature("before_serving", f)
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def after_serving(self, f: F) -> F:
        """Register a function to run once in each process, when it has answered its last request.

        Functions run in the order of their registration, when background tasks and ``while_serving`` generators have
        ended. If one raises, the others run all the same.
        """
        check_signature("after_serving", f)
        self.after_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: F) -> F:
        """Register a generator function, plain or async, with one ``yield``.

        What stands before it runs once in each process, after the ``before_serving`` functions; what stands after it
        at the end, before the ``after_serving`` functions and in reverse order of registration. ::

            @app.while_serving
            async def client():
                async with httpx.AsyncClient() as app.http:
                    yield
        """
        check_generator("while_serving", f)
        self.while_serving_funcs.append(f)
        return f

    def add_background_task(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run *function* beside the requests; it is called with *args* and *kwargs*.

        It may be async, and runs on the event loop of the application then, or plain, in a thread. ``current_app`` and
        a ``g`` of its own can be used in it. What it raises is logged. When the application ends, it is given
        ``BACKGROUND_TASK_SHUTDOWN_TIMEOUT`` seconds to come to its end, and cancelled after that.

        :raises RuntimeError: if the application is ending, and has finished its tasks
        """
        load("erlen.lifecycle.serving").serving_of(self).add_task(self, function, args, kwargs)

    def serving(self) -> ServingBlock[Self]:
        """Start the application at the beginning of a ``with`` or ``async with`` block, and end it after the block.

        For tests and scripts: a server does it by itself. ::

            with app.serving():
                assert app.test_client().get("/").text == "Hello"
        """
        return ServingBlock(self)

    @property
    def has_life(self) -> bool:
        """Whether anything is to run at the start or the end, of this application or of one that is mounted in it."""
        return bool(
            self.before_serving_funcs
            or self.while_serving_funcs
            or self.after_serving_funcs
            or any(mount.interface == "asgi" for mount in self._mounts)
            or any(mount.application.has_life for mount in self._mounts if mount.interface == "erlen")
        )

    def get_ready(self) -> None:
        """Do what comes before the first request of a process: end the set-up, and start the application.

        A server that announces its start has done it; a test client, or a WSGI server, has it done by the first
        request.

        :raises Exception: what that has failed with
        """
        self.freeze()
        if self.has_life:
            self._loop.run(load("erlen.lifecycle.serving").be_ready(self))
        else:
            self._ready = True

    _mounts: tuple[Any, ...]
