"""What an application knows about URLs: it builds them, adds default values to them, and redirects to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from werkzeug.utils import redirect as werkzeug_redirect

from erlen.config import Config
from erlen.context import Context, nearest_request_context
from erlen.current import current
from erlen.routing import BuildError, Map
from erlen.scaffold import Scaffold

__all__ = ["UrlBuilding"]

#: What a fragment may hold as it is (the URL standard of the WHATWG).
_ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"


class UrlBuilding(Scaffold):
    """The application's methods for URLs."""

    config: Config
    url_map: Map
    subdomain_matching: bool
    response_class: type[Any]
    #: Functions that find a URL where none could be built.
    url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]]

    def create_url_adapter(self, request: Any) -> Any:
        """Make what matches and builds URLs for *request*; for None, from ``SERVER_NAME``, or None without one.

        :raises werkzeug.exceptions.SecurityError: if the request's host is none of ``TRUSTED_HOSTS``
        """
        config = self.config
        server_name = config["SERVER_NAME"]
        if request is not None:
            if config["TRUSTED_HOSTS"] is not None:
                request.host  # noqa: B018 - asking is the check
            subdomain = None
            if self.url_map.host_matching:
                server_name = None
            elif not self.subdomain_matching:
                subdomain = self.url_map.default_subdomain or ""
            return self.url_map.bind_to_environ(request.environ, server_name=server_name, subdomain=subdomain)
        if server_name is None:
            return None
        return self.url_map.bind(
            server_name, script_name=config["APPLICATION_ROOT"], url_scheme=config["PREFERRED_URL_SCHEME"]
        )

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Build the URL of *endpoint*; see :func:`erlen.url_for`."""
        context: Context | None = nearest_request_context() or current.get(None)
        if context is not None and context.app is not self:
            context = current.get(None)
            if context.app is not self:
                context = None  # a request of another application has other URLs
        if context is not None and context.has_request:
            adapter = context.url_adapter
            if endpoint[:1] == ".":
                blueprint = context.request.blueprint
                endpoint = endpoint[1:] if blueprint is None else blueprint + endpoint
            if _external is None:
                _external = _scheme is not None
        else:
            adapter = context.url_adapter if context is not None else self.create_url_adapter(None)
            if adapter is None:
                raise RuntimeError(
                    "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also configure "
                    "'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed; or, in a test or a shell, build them in "
                    "a request: with app.test_request_context(): ..."
                )
            _external = _external is None or _external
        if not _external and _scheme is not None:
            raise ValueError("When specifying '_scheme', '_external' must be True.")
        self.inject_url_defaults(endpoint, values)
        try:
            url: str = adapter.build(endpoint, values, method=_method, url_scheme=_scheme, force_external=_external)
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external)
            return self.handle_url_build_error(error, endpoint, values)
        if _anchor is not None:
            url = url + "#" + quote(_anchor, safe=_ANCHOR_SAFE)
        return url

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Let the ``url_defaults`` functions add to the *values* of a URL that is being built."""
        table = self.url_default_functions
        if not table:
            return
        scopes: list[str | None] = [None]
        parts = endpoint.split(".")[:-1]
        scopes.extend(".".join(parts[: count + 1]) for count in range(len(parts)))
        for scope in scopes:
            for function in table.get(scope, ()):
                function(endpoint, values)

    def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
        """Let the ``url_build_error_handlers`` find a URL where none could be built.

        :raises BuildError: if none of them does
        """
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
            except BuildError as replaced:
                error = replaced
            else:
                if url is not None:
                    return url
        raise error

    def redirect(self, location: str, code: int | None = None) -> Any:
        """Answer with a redirect; *code* is ``REDIRECT_CODE`` where it is not given."""
        if "\n" in location or "\r" in location:  # out of a query, say: no header may hold them
            location = location.replace("\r", "%0D").replace("\n", "%0A")
        return werkzeug_redirect(location, self.config["REDIRECT_CODE"] if code is None else code, self.response_class)
