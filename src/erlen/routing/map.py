"""The map: the router, and the ways to bind it to a request."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, cast

import werkzeug.routing as werkzeug
from werkzeug.exceptions import BadHost
from werkzeug.wsgi import get_host

from erlen.routing.adapter import MapAdapter
from erlen.routing.adoption import joined_class
from erlen.routing.router import Router

__all__ = ["Map", "adopt_map", "asks_for_websocket", "map_class"]

_ARGUMENTS = (
    "default_subdomain", "strict_slashes", "merge_slashes", "redirect_defaults", "converters", "sort_parameters",
    "sort_key", "host_matching",
)  # fmt: skip


class Map(Router, werkzeug.Map):  # type: ignore[misc] # the rules and converters are of our classes
    """The rules of an application. ::

        urls = Map([Rule("/", endpoint="index"), Rule("/user/<int:id>", endpoint="user")]).bind("example.com")
        urls.match("/user/7")               # ("user", {"id": 7})
        urls.build("user", {"id": 7})       # "/user/7"

    :meth:`find` is the search without a request around it; the parameters are those of
    :class:`~erlen.routing.router.Router`.
    """

    def bind(
        self,
        server_name: str,
        script_name: str | None = None,
        subdomain: str | None = None,
        url_scheme: str = "http",
        default_method: str = "GET",
        path_info: str | None = None,
        query_args: Mapping[str, Any] | str | None = None,
    ) -> MapAdapter:
        """Return an adapter for a request.

        :param server_name: the host, with its port if that is not the usual one
        :param script_name: the path under which the application is mounted. Default: ``/``
        :param subdomain: the subdomain of the request. Default: the map's ``default_subdomain``
        :param url_scheme: the scheme; with ``ws`` and ``wss`` only WebSocket rules match
        :param default_method: the method that is assumed where none is given
        :param path_info: the path that is assumed where none is given
        :param query_args: the query that redirects keep: text, or a mapping
        :raises BadHost: if *server_name* cannot be a host name
        :raises RuntimeError: if *subdomain* is given where hosts are matched
        """
        if self.host_matching:
            if subdomain is not None:
                raise RuntimeError(
                    f"This map matches hosts, and the subdomain {subdomain!r} was given. "
                    "Leave subdomain out, or make the map with host_matching=False."
                )
        elif subdomain is None:
            subdomain = self.default_subdomain
        return MapAdapter(
            self,
            _ascii_host(server_name.lower()),
            "/" if script_name is None else script_name,
            subdomain,
            url_scheme,
            "/" if path_info is None else path_info,
            default_method,
            query_args,
        )

    def bind_to_environ(self, environ: Any, server_name: str | None = None, subdomain: str | None = None) -> MapAdapter:
        """Return an adapter for the request of a WSGI environment.

        :param environ: the environment, or an object with it as its ``environ``
        :param server_name: the host of the application; what the request's host has in front of it is the subdomain.
            Default: the request's host
        :param subdomain: the subdomain, if it is known
        """
        environ = getattr(environ, "environ", environ)
        scheme = _scheme(environ)
        current = get_host(environ).lower()
        host = current if server_name is None else _without_usual_port(server_name.lower(), scheme)
        if subdomain is None and not self.host_matching:
            subdomain = _subdomain_of(current, host)
        return Map.bind(
            self,
            host,
            _decoded(environ, "SCRIPT_NAME"),
            subdomain,
            scheme,
            environ["REQUEST_METHOD"],
            _decoded(environ, "PATH_INFO"),
            _decoded(environ, "QUERY_STRING"),
        )


def adopt_map(given: werkzeug.Map) -> Map:
    """Make *given*, a map of Werkzeug's or ours, one of ours, in place, with its rules."""
    if isinstance(given, Map):
        return given
    rules = list(given._rules)
    values = {name: getattr(given, name) for name in _ARGUMENTS}
    given.__class__ = map_class(type(given))
    ours = cast(Map, given)
    Map.__init__(ours, **values)
    for rule in rules:
        rule.map = None  # type: ignore[assignment] # or it could not be added again
        ours.add(rule)
    return ours


def map_class(kind: type[werkzeug.Map]) -> type[Map]:
    """Return the class of maps to make where *kind*, Werkzeug's or a subclass of it, is wanted."""
    return cast("type[Map]", joined_class(kind, Map, werkzeug.Map))  # type: ignore[arg-type]


def _ascii_host(host: str) -> str:
    """Return *host* in the spelling that DNS knows; the port is no part of it."""
    if host.isascii():
        # Python refuses the same labels for text that is ASCII already.
        labels = host.partition(":")[0].split(".")
        if all(0 < len(label) < 64 for label in labels[:-1]) and len(labels[-1]) < 64:
            return host
    name, colon, port = host.partition(":")
    try:
        return f"{name.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError as error:
        raise BadHost from error


def _scheme(environ: Mapping[str, Any]) -> str:
    """Return the scheme of a request; one that asks for a WebSocket has ``ws`` or ``wss``."""
    scheme: str = environ["wsgi.url_scheme"]
    if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
        connection = environ.get("HTTP_CONNECTION", "").lower().split(",")
        if any(option.strip(" \t") == "upgrade" for option in connection):
            return "wss" if scheme == "https" else "ws"
    return scheme


def asks_for_websocket(environ: Mapping[str, Any]) -> bool:
    """Tell whether the request of a WSGI environment is for a WebSocket, by its headers or by its scheme."""
    return _scheme(environ) in ("ws", "wss")


def _without_usual_port(host: str, scheme: str) -> str:
    return host.removesuffix(":443" if scheme in ("https", "wss") else ":80" if scheme in ("http", "ws") else "")


def _subdomain_of(current: str, host: str) -> str:
    """Return what *current* has in front of *host*."""
    have, want = current.split("."), host.split(".")
    if have[-len(want) :] != want:
        # The server may well be called by its address. Nothing matches then, which is better than an error.
        warnings.warn(f"Current server name '{current}' doesn't match configured server name '{host}'", stacklevel=3)
        return "<invalid>"
    return ".".join(filter(None, have[: -len(want)]))


def _decoded(environ: Mapping[str, Any], name: str) -> str | None:
    """Return a text of the environment, which WSGI (PEP 3333) wants to hold bytes as Latin-1."""
    value: str | None = environ.get(name)
    if value is None or value.isascii():
        return value
    try:
        return value.encode("latin-1").decode(errors="replace")
    except UnicodeEncodeError:  # a server that has decoded it itself
        return value.encode(errors="replace").decode()
