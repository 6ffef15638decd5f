"""Other applications under a prefix: which one answers a path, and what it speaks."""

from __future__ import annotations

import inspect
from typing import Any, Literal

from msgspec import Struct, field

from erlen.callables import is_async
from erlen.errors import SetupError

__all__ = ["INTERFACES", "Mount", "MountError", "add_mount", "find_mount"]

Interface = Literal["erlen", "wsgi", "asgi"]
INTERFACES = ("wsgi", "asgi")


class MountError(SetupError, ValueError):
    """An application cannot be mounted as it was asked for."""


class Mount(Struct, frozen=True):
    """An application under a prefix.

    :param prefix: the path, with a slash at its beginning and none at its end
    :param application: what answers there
    :param interface: what it speaks; an Erlen application speaks whatever the server speaks
    :param state: what an ASGI application has put into its scope when it was started; its requests get a copy
    """

    prefix: str
    application: Any
    interface: Interface
    state: dict[str, Any] = field(default_factory=dict)

    def shift(self, environ: dict[str, Any]) -> None:
        """Move the prefix in a WSGI *environ* from the path to what stands before it."""
        size = len(self.prefix.encode())  # the environ holds bytes as Latin-1
        path = environ.get("PATH_INFO") or ""
        environ["SCRIPT_NAME"] = (environ.get("SCRIPT_NAME") or "").rstrip("/") + path[:size]
        environ["PATH_INFO"] = path[size:]


def add_mount(mounts: tuple[Mount, ...], prefix: str, application: Any, interface: str | None) -> tuple[Mount, ...]:
    """Return *mounts* with one more, the longest prefixes first.

    :param interface: ``"wsgi"`` or ``"asgi"``; None finds out
    :raises MountError: if that cannot work
    """
    prefix = prefix.rstrip("/")
    if not prefix.startswith("/") or "<" in prefix or "//" in prefix:
        raise MountError(
            f"An application cannot be mounted at {prefix or '/'!r}: a prefix is a fixed path below the root, such as "
            "'/admin'."
        )
    for mount in mounts:
        if mount.prefix == prefix:
            raise MountError(
                f"{mount.application!r} is mounted at {prefix!r} already. Give one of them another prefix."
            )
    if interface is not None and interface not in INTERFACES:
        raise MountError(f"interface={interface!r} is neither 'wsgi' nor 'asgi'.")
    if not callable(application):
        raise MountError(f"{application!r} is no application: a WSGI or ASGI application is something to be called.")
    mount = Mount(prefix, application, interface or _interface_of(application))  # type: ignore[arg-type]
    return tuple(sorted((*mounts, mount), key=lambda mount: -len(mount.prefix)))


def _interface_of(application: Any) -> Interface:
    if hasattr(application, "wsgi_app") and hasattr(application, "asgi_app"):
        return "erlen"
    if is_async(application):
        return "asgi"
    try:
        count = len(
            [
                parameter
                for parameter in inspect.signature(application).parameters.values()
                if parameter.default is parameter.empty
                and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
            ]
        )
    except (TypeError, ValueError):
        count = 0
    if count not in (2, 3):
        raise MountError(
            f"It cannot be seen whether {application!r} speaks WSGI or ASGI: write interface='wsgi' or "
            "interface='asgi'."
        )
    return "wsgi" if count == 2 else "asgi"


def find_mount(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """Return the mount that *path* belongs to."""
    for mount in mounts:
        prefix = mount.prefix
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
            return mount
    return None
