"""Where an application stands: the proxies in front of it, and the applications below it."""

from __future__ import annotations

from typing import Any

from erlen.errors import SetupError
from erlen.loading import load
from erlen.mounts import Mount, add_mount
from erlen.registration import setupmethod
from erlen.scaffold import Scaffold

__all__ = ["Placement", "ProxyCountError"]


class ProxyCountError(SetupError, ValueError):
    """``trust_proxies`` was given something that is no number of proxies."""


class Placement(Scaffold):
    """The application's methods for what stands around it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The proxies whose headers are believed (erlen.http.proxies), or None.
        self._proxies: Any = None
        #: What is mounted, the longest prefixes first.
        self._mounts: tuple[Mount, ...] = ()

    @setupmethod
    def trust_proxies(
        self, x_for: int = 1, x_proto: int = 1, x_host: int = 0, x_port: int = 0, x_prefix: int = 0
    ) -> None:
        """Believe the ``X-Forwarded-*`` headers of the proxies in front, under every protocol.

        Each argument is the number of proxies that set that header, 0 for none: a header that your proxies do not set
        is one that any client can. The names are those of Werkzeug's ``ProxyFix``. ::

            app.trust_proxies()                 # one proxy, which sends X-Forwarded-For and X-Forwarded-Proto
            app.trust_proxies(x_host=1)         # and X-Forwarded-Host

        :param x_for: for ``request.remote_addr``
        :param x_proto: for ``request.scheme``
        :param x_host: for ``request.host``
        :param x_port: for the port in ``request.host``
        :param x_prefix: for ``request.root_path``, where the proxy takes a prefix off the path
        :raises ValueError: for a number that is negative
        """
        numbers = {"x_for": x_for, "x_proto": x_proto, "x_host": x_host, "x_port": x_port, "x_prefix": x_prefix}
        for name, number in numbers.items():
            if type(number) is not int or number < 0:
                raise ProxyCountError(
                    f"trust_proxies({name}={number!r}) is no number of proxies: write how many of them set that "
                    "header, 0 for none."
                )
        self._proxies = load("erlen.http.proxies").TrustedProxies(**numbers)
        self._changes.note()  # a request begins otherwise now

    @setupmethod
    def mount(self, prefix: str, application: Any, interface: str | None = None) -> None:
        """Have another application answer all paths under *prefix*, whatever it and the server speak.

        Neither hooks nor sessions of this application have a part in its requests. It finds *prefix* in ``SCRIPT_NAME``
        or ``root_path``, so that the URLs which it builds lead to it. ::

            app.mount("/admin", admin)            # another Erlen application
            app.mount("/old", django_wsgi_app)    # a WSGI application
            app.mount("/api", fastapi_app)        # an ASGI application

        :param prefix: a fixed path below the root; routes of this application below it are not reached any more
        :param application: a WSGI or ASGI application, or another Erlen application
        :param interface: ``"wsgi"`` or ``"asgi"``, where it cannot be seen what *application* speaks
        :raises ValueError: for a prefix that cannot work or is taken, and for what is no application
        """
        self._mounts = add_mount(self._mounts, prefix, application, interface)
        self._changes.note()
