"""A map together with the request it is used for: hosts, schemes, and whole URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Literal, NoReturn, overload
from urllib.parse import urljoin, urlunsplit

import werkzeug.routing as werkzeug
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from erlen.routing.exceptions import BuildError, RequestRedirect, WebsocketMismatch
from erlen.routing.outcomes import (
    MISSING,
    AliasRedirect,
    DefaultsRedirect,
    Miss,
    RedirectTo,
    SlashRedirect,
    WrongMethod,
    WrongProtocol,
)
from erlen.routing.quoting import encode_query, quote_controls, quote_path
from erlen.routing.router import Router
from erlen.routing.rule import Rule
from erlen.routing.tree import Home

__all__ = ["MapAdapter"]

_ELSEWHERE = Home("")  # where nothing is found, so that the long search is made
_placeholder = re.compile("<([^>]+)>")


def _not_found() -> NotFound:
    # Half of the price of the usual way, which ends in the same.
    error = NotFound.__new__(NotFound)
    error.response = None
    return error


class MapAdapter(werkzeug.MapAdapter):
    """Matches paths and builds URLs for one host, script root and scheme. :meth:`Map.bind` makes it.

    :param map: the map
    :param server_name: the host, with its port if that is not the usual one
    :param script_name: the path under which the application is mounted
    :param subdomain: the subdomain of the request
    :param url_scheme: ``http``, ``https``, ``ws`` or ``wss``
    :param path_info: the path that :meth:`match` looks at by itself
    :param default_method: the method that :meth:`match` assumes by itself
    :param query_args: the query that redirects keep: text, or a mapping
    """

    __slots__ = (
        "_home",
        "_map",
        "_subdomain",
        "_websocket",
        "default_method",
        "path_info",
        "query_args",
        "script_name",
        "server_name",
        "url_scheme",
    )

    def __init__(
        self,
        map: Router,
        server_name: str,
        script_name: str,
        subdomain: str | None,
        url_scheme: str,
        path_info: str,
        default_method: str,
        query_args: Mapping[str, Any] | str | None = None,
    ) -> None:
        self._map = map
        self.server_name = server_name
        self.script_name = script_name if script_name.endswith("/") else script_name + "/"
        self._subdomain = subdomain
        self.url_scheme = url_scheme
        self.path_info = path_info
        self.default_method = default_method
        self.query_args = query_args
        self._websocket = url_scheme in ("ws", "wss")
        # What most requests are found in, so that it need not be asked for each whether it is one of these.
        self._home = map.home if subdomain == map.home.subdomain and not self._websocket else _ELSEWHERE

    @property  # type: ignore[override] # ours, whose search this is
    def map(self) -> Router:
        """The map."""
        return self._map

    @map.setter
    def map(self, map: Router) -> None:
        self._map = map
        self._home = _ELSEWHERE

    @property
    def subdomain(self) -> str | None:
        """The subdomain of the request."""
        return self._subdomain

    @subdomain.setter
    def subdomain(self, subdomain: str | None) -> None:
        self._subdomain = subdomain
        self._home = _ELSEWHERE

    @property
    def websocket(self) -> bool:
        """Whether the request is for a WebSocket."""
        return self._websocket

    @websocket.setter
    def websocket(self, websocket: bool) -> None:
        self._websocket = websocket
        self._home = _ELSEWHERE

    def dispatch(
        self,
        view_func: Callable[[Any, Mapping[str, Any]], Any],
        path_info: str | None = None,
        method: str | None = None,
        catch_http_exceptions: bool = False,
    ) -> Any:
        """Match, and call *view_func* with the endpoint and the values.

        :param catch_http_exceptions: whether an HTTP exception, of matching or of the view, is returned, not raised
        :returns: what the view returns, or a redirect
        """
        try:
            try:
                endpoint, values = self.match(path_info, method)
            except RequestRedirect as redirect:
                return redirect
            return view_func(endpoint, values)
        except HTTPException as error:
            if catch_http_exceptions:
                return error
            raise

    @overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: Literal[False] = False,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Any, Mapping[str, Any]]: ...

    @overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: Literal[True] = True,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Rule, Mapping[str, Any]]: ...

    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: bool = False,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Any, Mapping[str, Any]]:
        """Return endpoint and values for a path. What is not given is taken from the request.

        :param return_rule: whether to return the rule in place of the endpoint
        :param query_args: the query that a redirect keeps
        :param websocket: whether the request is for a WebSocket; otherwise the scheme tells
        :raises NotFound: if no rule has this path
        :raises MethodNotAllowed: if rules have it, but for other methods; they are in ``valid_methods``
        :raises WebsocketMismatch: if the rule is for WebSockets and the request is not, or the other way round
        :raises RequestRedirect: if the canonical URL is another: ``new_url``
        """
        if path_info is None:
            path_info = self.path_info
        if not websocket:
            usual = self._home.domain
            alone = usual.alone.get(path_info)
            if alone is not None:
                methods = alone.methods
                if methods is None or (method or self.default_method) in methods:
                    return (alone if return_rule else alone.endpoint), {}
            else:
                looked: Any = usual.look(path_info, method or self.default_method)
                if looked is MISSING:
                    raise _not_found()
                if looked is not None:
                    rule, values = looked
                    return (rule if return_rule else rule.endpoint), values
        if query_args is None:
            query_args = self.query_args or {}
        method = (method or self.default_method).upper()
        if websocket is None:
            websocket = self._websocket
        domain = self.server_name if self._map.host_matching or self._subdomain is None else self._subdomain
        path = f"/{path_info.lstrip('/')}" if path_info else ""
        found = self._map.find(domain, path, method, websocket)
        if isinstance(found, Miss):
            try:
                self._refuse(found, f"{domain}|{path}", method, query_args)
            except UnicodeEncodeError as error:  # half a surrogate pair, which no URL can hold
                raise NotFound from error
        rule, values = found
        return (rule if return_rule else rule.endpoint), values

    def _refuse(self, miss: Miss, path: str, method: str, query_args: Mapping[str, Any] | str) -> NoReturn:
        """Raise the exception that *miss* means."""
        if isinstance(miss, WrongMethod):
            raise MethodNotAllowed(valid_methods=list(miss.allowed))
        if isinstance(miss, WrongProtocol):
            raise WebsocketMismatch
        if isinstance(miss, SlashRedirect):
            raise RequestRedirect(self.make_redirect_url(quote_path(miss.path), query_args))
        if isinstance(miss, AliasRedirect):
            raise RequestRedirect(
                self.make_alias_redirect_url(path, miss.rule.endpoint, miss.values, method, query_args)
            )
        if isinstance(miss, DefaultsRedirect):
            raise RequestRedirect(self._canonical_url(miss.rule, miss.values, query_args))
        if isinstance(miss, RedirectTo):
            raise RequestRedirect(self._target_url(miss.rule, miss.values))
        raise NotFound

    def _target_url(self, rule: Rule, values: Mapping[str, Any]) -> str:
        """Return the URL that the ``redirect_to`` of *rule* means."""
        if callable(rule.redirect_to):
            target = rule.redirect_to(self, **values)
        else:
            target = _placeholder.sub(
                lambda found: rule.converter_of(found[1]).to_url(values[found[1]]), rule.redirect_to or ""
            )
        host = f"{self._subdomain}.{self.server_name}" if self._subdomain else self.server_name
        return urljoin(f"{self.url_scheme or 'http'}://{host}{self.script_name}", target)

    def test(self, path_info: str | None = None, method: str | None = None) -> bool:
        """Tell whether :meth:`match` finds a rule or a redirect."""
        try:
            self.match(path_info, method)
        except HTTPException as outcome:
            return isinstance(outcome, RequestRedirect)
        return True

    def allowed_methods(self, path_info: str | None = None) -> Iterable[str]:
        """Return the methods that a path may be asked for with."""
        try:
            self.match(path_info, method="--")
        except HTTPException as outcome:
            return (outcome.valid_methods or ()) if isinstance(outcome, MethodNotAllowed) else []
        return []  # a rule without methods takes any, and this one too

    def get_host(self, domain_part: str | None) -> str:
        """Return the full host for a subdomain; where hosts are matched, *domain_part* is the host.

        :param domain_part: None means that of the request
        """
        if self._map.host_matching:
            return self.server_name if domain_part is None else domain_part
        subdomain = self._subdomain if domain_part is None else domain_part
        return f"{subdomain}.{self.server_name}" if subdomain else self.server_name

    def get_default_redirect(  # type: ignore[override] # for our rules
        self,
        rule: Rule,
        method: str,
        values: MutableMapping[str, Any],
        query_args: Mapping[str, Any] | str,
    ) -> str | None:
        """Return the URL of the rule whose defaults *values* are, or None; *values* gets all those defaults."""
        self._map.update()
        giver = self._map.canonical(rule, values, method)
        if giver is None:
            return None
        values.update(giver.defaults or {})
        return self._canonical_url(giver, values, query_args)

    def _canonical_url(self, rule: Rule, values: Mapping[str, Any], query_args: Mapping[str, Any] | str) -> str:
        built = rule.build(values)
        if built is None:  # its converter refuses the very value that it has as a default
            raise NotFound
        return self.make_redirect_url(built[1], query_args, domain_part=built[0])

    def encode_query_args(self, query_args: Mapping[str, Any] | str) -> str:
        """Return *query_args* as text for a URL; text stays as it is, but for control characters."""
        return quote_controls(query_args) if isinstance(query_args, str) else encode_query(query_args)

    def make_redirect_url(
        self,
        path_info: str,
        query_args: Mapping[str, Any] | str | None = None,
        domain_part: str | None = None,
    ) -> str:
        """Return the whole URL for a path that is encoded already.

        :param query_args: the query. Default: the request's
        :param domain_part: subdomain or host. Default: the request's
        """
        if query_args is None:
            query_args = self.query_args
        query = self.encode_query_args(query_args) if query_args else ""
        path = f"{self.script_name.strip('/')}/{path_info.lstrip('/')}"
        return urlunsplit((self.url_scheme or "http", self.get_host(domain_part), path, query, ""))

    def make_alias_redirect_url(
        self, path: str, endpoint: Any, values: Mapping[str, Any], method: str, query_args: Mapping[str, Any] | str
    ) -> str:
        """Return the whole URL of the rule that an alias stands for.

        :param path: domain and path that were asked for, joined by ``|``
        :raises AssertionError: if that is the same URL
        """
        url = self.build(endpoint, values, method, append_unknown=False, force_external=True)
        if query_args:
            url += f"?{self.encode_query_args(query_args)}"
        if url == path:
            raise AssertionError("detected invalid alias setting. No canonical URL found")
        return url

    def build(
        self,
        endpoint: Any,
        values: Mapping[str, Any] | None = None,
        method: str | None = None,
        force_external: bool = False,
        append_unknown: bool = True,
        url_scheme: str | None = None,
    ) -> str:
        """Return the URL of an endpoint: a path, or a whole URL where another host or protocol is meant.

        :param endpoint: the endpoint
        :param values: values for the variables; others become the query, and None is left out
        :param method: the method that the rule must be for. Default: best the request's, else any
        :param force_external: whether to return a whole URL in any case
        :param append_unknown: whether values that are no variables become the query
        :param url_scheme: the scheme of a whole URL. Default: the request's; ``""`` leaves it out
        :raises BuildError: if no rule of *endpoint* can be built from *values*. Its text suggests what was meant
        """
        if method is None and not force_external and self.script_name == "/":
            known = self._home.urls.get(endpoint)
            if known:
                if not values:
                    if not known.slots:
                        return known.head
                elif type(values) is dict and len(values) == known.number:
                    value = values.get(known.only)
                    if type(value) is int:
                        return f"{known.head}{value}{known.behind}"
                    url = known.fill_simply(values)
                    if url is not None:
                        return url
            elif known is None and self._home is not _ELSEWHERE:
                self._map.note_url(endpoint)
        if not values:
            values = {}
        elif type(values) is not dict and isinstance(values, MultiDict):
            values = {name: found[0] if len(found) == 1 else found for name, found in dict.items(values) if found}
        elif None in values.values():
            values = {name: value for name, value in values.items() if value is not None}
        built = self._partial_build(endpoint, values, method, append_unknown)
        if built is None:
            # It looks for the nearest rule when it is printed, not before.
            raise BuildError(endpoint, dict(values), method, self)
        domain, path, websocket = built
        if url_scheme is None:
            url_scheme = self.url_scheme
        # A browser needs the whole URL for a WebSocket, and must not use its scheme for anything else.
        secure = url_scheme in ("https", "wss")
        if websocket:
            force_external = True
            url_scheme = "wss" if secure else "ws"
        elif url_scheme:
            url_scheme = "https" if secure else "http"
        here = self.server_name if self._map.host_matching else self._subdomain
        if not force_external and domain == here:
            return f"{self.script_name.rstrip('/')}/{path.lstrip('/')}"
        scheme = f"{url_scheme}:" if url_scheme else ""
        return f"{scheme}//{self.get_host(domain)}{self.script_name[:-1]}/{path.lstrip('/')}"

    def _partial_build(
        self, endpoint: Any, values: Mapping[str, Any], method: str | None, append_unknown: bool
    ) -> tuple[str, str, bool] | None:
        """Return domain, path and whether it is a WebSocket's, of the best rule."""
        here = self.server_name if self._map.host_matching else None
        for wanted in (self.default_method, None) if method is None else (method,):
            if here is not None:
                for rule in self._map.candidates(endpoint, values, wanted, here):
                    built = rule.build(values, append_unknown) if rule.suitable_for(values, wanted) else None
                    if built is not None and built[0] == here:
                        return (*built, rule.websocket)
            for rule in self._map.candidates(endpoint, values, wanted):
                built = rule.build(values, append_unknown) if rule.suitable_for(values, wanted) else None
                if built is not None:
                    return (*built, rule.websocket)
        return None
