"""The request: Werkzeug's attributes, each computed when it is first asked for.

Werkzeug's own constructor decodes everything at once; most views look at two or three values. So the constructor here
keeps the WSGI environ and nothing else, and the values that Werkzeug sets there are lazy.
"""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable
from typing import IO, Any, Generic, NoReturn, Protocol, Self, TypeVar, overload

from werkzeug.datastructures import FileStorage, Headers, IfRange, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, SecurityError
from werkzeug.http import parse_if_range_header, parse_options_header
from werkzeug.sansio.http import parse_cookie
from werkzeug.sansio.request import Request as SansIORequest
from werkzeug.sansio.utils import get_content_length, get_host
from werkzeug.urls import uri_to_iri
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen.current import current
from erlen.http.forms import FilesOfWrongForm, reads_forms_as_usual
from erlen.http.incoming import IncomingBody, Part, StreamOfUnknownLength, parts_of
from erlen.http.parameters import EnvironHeaders, SizedStream, parameters_of
from erlen.log import request_id_in, trace_id_in

__all__ = ["METHODS", "Request", "closes_itself", "decode", "lazy"]

_USUAL_HOST = re.compile(r"(?!.*xn--)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*(?::\d{1,4})?\Z").match

#: The methods that are usual (RFC 9110, section 9; RFC 5789).
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

_new = object.__new__
_URLENCODED = "application/x-www-form-urlencoded"
#: Types that say no more than that.
_BARE_TYPES = frozenset({_URLENCODED, "application/json"})

T = TypeVar("T")
R = TypeVar("R")


class lazy(Generic[T]):
    """A method computed once per object: the value takes the descriptor's place in the object's ``__dict__``."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> lazy[T] | T:
        if instance is None:
            return self
        value = self.function(instance)
        setattr(instance, self.name, value)  # by its __dict__ it would cost more: there is none before it is asked for
        return value


_werkzeug_args: Any = WerkzeugRequest.__dict__.get("args") or vars(SansIORequest)["args"]


class RuleLike(Protocol):
    """What a request needs of the rule that it matched."""

    endpoint: Any


class Source(Protocol):
    """What a request of a server with an event loop is made of; see :mod:`erlen.exchange`."""

    method: str
    root_path: str
    path: str
    has_cookies: bool
    is_usual: bool
    may_upgrade: bool

    @property
    def scheme(self) -> str:
        """``"http"`` or ``"https"``, ``"ws"`` or ``"wss"``."""

    @property
    def query(self) -> str:
        """What stands after the question mark, as Latin-1."""

    def make_environ(self, body: Any) -> dict[str, Any]:
        """Make the request's WSGI environment, with *body* as its input."""

    def find_cookies(self) -> str | None:
        """Return the ``Cookie`` header."""


class AppLike(Protocol):
    """What a request and a response need of their application."""

    config: Any
    json: Any
    debug: Any


def closes_itself(kind: type[WerkzeugRequest]) -> bool:
    """Tell whether requests of the class *kind* have an own way to be closed, or to read a form."""
    return kind.close is not WerkzeugRequest.close or kind._load_form_data is not Request._load_form_data


def decode(value: str) -> str:
    """Return a text of a WSGI environ, which holds bytes as Latin-1, as the text that was meant."""
    # PEP 3333 hands bytes over as latin-1; a server that has decoded them itself has broken it, and is understood too.
    if value.isascii():
        return value
    try:
        return value.encode("latin1").decode(errors="replace")
    except UnicodeEncodeError:
        return value.encode(errors="replace").decode()


class Request(WerkzeugRequest):
    """An incoming HTTP request, as :class:`werkzeug.wrappers.Request` describes it, and what Flask adds to it.

    :param environ: the WSGI environment
    :param populate_request: accepted for Werkzeug's sake; the request is never put into the environ, because that
        would make a reference cycle of the two
    :param shallow: refuse to read the body through this object
    """

    #: The rule that matched, or None.
    url_rule: RuleLike | None = None
    #: The values out of the path, or None if no rule matched.
    view_args: dict[str, Any] | None = None
    #: The HTTP exception that answers a request which no rule matched.
    routing_exception: HTTPException | None = None
    #: The application that handles this request, once one does.
    app: AppLike | None = None

    #: The body on a server with an event loop (:class:`erlen.http.body.RequestBody`); None under WSGI.
    _body: Any = None
    #: What an ASGI or RSGI server told; None under WSGI.
    _source: Source | None = None
    #: The environ has been made, and may have been changed: it may say something else than the source.
    _environ_counts = False
    #: Something else reads the body.
    shallow = False

    _max_content_length: int | None = None
    _max_form_memory_size: int | None = None
    _max_form_parts: int | None = None
    _limits_set: frozenset[str] = frozenset()
    #: The files of a form that is being read.
    _begun_files: tuple[IO[bytes], ...] = ()
    #: A form has been read, and there are files to be closed.
    _has_files = False

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        self.environ = environ
        if shallow:
            self.shallow = True
        # Every request is asked for these, and to read what only the class has costs twice what it takes to set it.
        self.routing_exception = None
        self._has_files = False

    @classmethod
    def from_source(cls, source: Source, body: Any) -> Self:
        """Make the request of a server that does not speak WSGI. Its ``environ`` is made when it is asked for."""
        if cls.__init__ is not Request.__init__ or cls.__new__ is not Request.__new__:
            request = cls(source.make_environ(body))
            request._join(source, body)
            return request
        return cls.of_source(source, body)

    @classmethod
    def of_source(cls, source: Source, body: Any) -> Self:
        """Make the request of such a server, where the class has no constructor of its own."""
        request = _new(cls)
        request.routing_exception = None
        request._has_files = False
        request._source = source
        request._body = body
        return request

    def _join(self, source: Source, body: Any) -> None:
        """Belong to what a server told, from now on; what the environ says has been changed on the way, and counts."""
        for name in ("method", "path", "scheme"):
            getattr(self, name)
        self._environ_counts = True
        self._source = source
        self._body = body

    @lazy
    def environ(self) -> dict[str, Any]:
        """The request as a WSGI environment (PEP 3333), whatever the server speaks."""
        assert self._source is not None, "a request without a source is given its environ"
        self._environ_counts = True
        return self._source.make_environ(self._body)

    @lazy
    def cookie_header(self) -> str | None:
        """The ``Cookie`` header as it came, or None."""
        source = self._source
        return self.environ.get("HTTP_COOKIE") if source is None else source.find_cookies()

    @property
    def scope(self) -> Any:
        """What the server said about the request: ASGI's dict, RSGI's object; None under WSGI."""
        return getattr(self._source, "scope", None)

    # What else Werkzeug's constructor sets. The match sets method and path, where they are what they should be.

    @lazy
    def method(self) -> str:
        """The HTTP method, in capitals."""
        source = self._source
        method: str = self.environ.get("REQUEST_METHOD", "GET") if source is None else source.method
        return method if method in METHODS else method.upper()

    @lazy
    def path(self) -> str:
        """The path below the one that the application is mounted under, decoded, with one slash at its beginning."""
        source = self._source
        if source is None:
            path = decode(self.environ.get("PATH_INFO") or "")
        else:
            path = source.path
            if not path.isascii():  # bytes that are not UTF-8 look as they do under WSGI
                path = path.encode(errors="surrogateescape").decode(errors="replace")
        return path if path[:1] == "/" and path[1:2] != "/" else "/" + path.lstrip("/")

    @property
    def _at_mount(self) -> bool:
        # The application is mounted under a path, and was asked for at that path without a slash behind it.
        source = self._source
        if source is None:
            return not self.environ.get("PATH_INFO") and bool(self.environ.get("SCRIPT_NAME"))
        return not source.path and bool(source.root_path)

    @lazy
    def scheme(self) -> str:
        """The scheme of the URL: ``"http"`` or ``"https"``."""
        source = self._source
        return str(self.environ.get("wsgi.url_scheme", "http")) if source is None else source.scheme

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        """Host and port of the server; for a Unix socket its path and None; None if the server does not tell."""
        name = self.environ.get("SERVER_NAME")
        if name is None:
            return None
        try:
            port: int | None = int(self.environ.get("SERVER_PORT", ""))
        except ValueError:
            port = None
        return name, port

    @lazy
    def root_path(self) -> str:
        """Where the application is mounted, without a slash at the end."""
        return decode(self.environ.get("SCRIPT_NAME") or "").rstrip("/")

    @lazy
    def query_string(self) -> bytes:
        """What stands after the question mark, as it came; bytes that are not UTF-8 as ``%80``."""
        text = str(self.environ.get("QUERY_STRING", ""))
        try:
            query = text.encode("latin1")
        except UnicodeEncodeError:  # a server that has decoded it itself
            query = text.encode(errors="replace")
        try:
            query.decode()
        except UnicodeDecodeError:  # no URL may hold such bytes, and what reads the query must not fail over them
            query = re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % byte[0][0], query)
        return query

    @lazy
    def headers(self) -> Headers:
        """The request headers."""
        return EnvironHeaders(self.environ)

    @lazy
    def content_length(self) -> int | None:
        """How many bytes the body says it has; None if it does not say, and 0 if it says nonsense."""
        environ = self.environ
        length: Any = environ.get("CONTENT_LENGTH")
        usual = length is not None and length.isdecimal() and length.isascii() and len(length) < 20
        if usual and "HTTP_TRANSFER_ENCODING" not in environ:
            return int(length)
        return get_content_length(length, environ.get("HTTP_TRANSFER_ENCODING"))

    @lazy
    def _parsed_content_type(self) -> tuple[str, dict[str, str]]:
        kind = self.environ.get("CONTENT_TYPE", "")
        return (kind, {}) if kind in _BARE_TYPES else parse_options_header(kind)

    @lazy
    def host(self) -> str:
        """The host that was asked, with its port if that is not the usual one; empty if it cannot be a host.

        :raises werkzeug.exceptions.SecurityError: 400, if it is not one of :attr:`trusted_hosts`
        """
        trusted = self.trusted_hosts
        host = get_host(self.scheme, self.headers.get("host"), self.server, trusted)
        if host and not _USUAL_HOST(host):
            try:
                uri_to_iri(f"http://{host}/")  # as url, base_url and the others do
            except ValueError as error:  # a label that is no IDNA, or too long, or a port that is too large
                if trusted:
                    raise SecurityError(f"Host {host!r} is not trusted.") from error
                return ""
        return host

    @lazy
    def if_range(self) -> IfRange:
        """The header ``If-Range``; empty if what it holds can be no ETag."""
        found = parse_if_range_header(self.headers.get("If-Range"))
        return IfRange() if '"' in (found.etag or "") else found  # Werkzeug would raise where it is written again

    @lazy
    def remote_addr(self) -> str | None:
        """The address of the client, or of the last proxy."""
        return self.environ.get("REMOTE_ADDR")

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies, by their names. What is not UTF-8 in them is replaced by a replacement character."""
        return parse_cookie(decode(self.cookie_header or ""), self.dict_storage_class)  # type: ignore[return-value]

    @lazy
    def stream(self) -> IO[bytes]:
        """The body, to be read in pieces. It ends where the request ends, and only there.

        :raises werkzeug.exceptions.RequestEntityTooLarge: 413, if it is longer than :attr:`max_content_length`
        :raises werkzeug.exceptions.ClientDisconnected: 400, if the client went away before its end
        """
        if self.shallow:
            raise RuntimeError("This request is shallow: something else reads its body.")
        body = self.environ["wsgi.input"]
        length, most = self.content_length, self.max_content_length
        if length is not None:
            if most is not None and length > most:
                raise RequestEntityTooLarge()
            return SizedStream(body, length)  # type: ignore[return-value]
        if not self.environ.get("wsgi.input_terminated", False):
            return io.BytesIO()  # without a length, reading on would wait for ever (PEP 3333)
        return body if most is None else io.BufferedReader(StreamOfUnknownLength(body, most))

    @property
    def body(self) -> IncomingBody:
        """The body for async code: ``async for piece in request.body``; ``await request.body`` gives all of it."""
        return IncomingBody(self)

    def parts(self) -> AsyncIterator[Part]:
        """Give the parts of a multipart form as they come, in an async view of a route with ``stream=True``. ::

            async for part in request.parts():
                async for piece in part:
                    await file.write(piece)

        :raises werkzeug.exceptions.HTTPException: 413 beyond :attr:`max_content_length`, :attr:`max_form_parts` or
            :attr:`max_form_memory_size`; 400 if it is no multipart form
        """
        return parts_of(self, self.content_type or "", self.max_form_parts, self.max_form_memory_size)

    @property
    def last_event_id(self) -> str | None:
        """The id of the last event that a client of an event stream had, when it comes again; else None."""
        return self.headers.get("Last-Event-ID") or None

    @lazy
    def args(self) -> MultiDict[str, str]:
        """The parameters of the query string."""
        source = self._source
        if source is None or self._environ_counts or not source.is_usual:
            try:
                query = self.environ["QUERY_STRING"]
            except KeyError:  # an empty one may be missing
                query = ""
        else:
            query = source.query
        if self.parameter_storage_class is not ImmutableMultiDict or not query.isascii():
            return _werkzeug_args.__get__(self, type(self))  # type: ignore[no-any-return]
        return parameters_of(query)

    # What Flask adds.

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the rule that matched, or None."""
        rule = self.url_rule
        return None if rule is None else rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The dotted name under which the blueprint of the endpoint is registered, or None."""
        endpoint = self.endpoint
        return endpoint.rpartition(".")[0] if endpoint is not None and "." in endpoint else None

    @property
    def blueprints(self) -> list[str]:
        """The names of the blueprint and those that it is nested in, the inner one first."""
        names: list[str] = []
        name = self.blueprint
        while name:
            names.append(name)
            name = name.rpartition(".")[0]
        return names

    @lazy
    def request_id(self) -> str | None:
        """The id that the proxy has given this request, by the header ``REQUEST_ID_HEADER``; it stands in the log.

        None if there is none, or one that is not safe to be logged: anybody may send the header where no proxy sets it.
        """
        name = None if self.app is None else self.app.config.get("REQUEST_ID_HEADER")
        return None if name is None else request_id_in(self.headers.get(name))

    @lazy
    def trace_id(self) -> str | None:
        """The trace id of the header ``traceparent`` (W3C Trace Context), 32 hexadecimal digits, or None."""
        return trace_id_in(self.headers.get("traceparent"))

    def _limit(self, name: str, key: str, default: int | None) -> int | None:
        if name in self._limits_set:
            return self.__dict__["_" + name]  # type: ignore[no-any-return]
        app = self._own_or_current_app()
        return default if app is None else app.config[key]

    def _own_or_current_app(self) -> Any:
        if self.app is not None:
            return self.app
        context = current.get(None)  # a request that somebody has made by hand
        return None if context is None else context.app

    def _set_limit(self, name: str, value: int | None) -> None:
        self._limits_set = self._limits_set | {name}
        self.__dict__["_" + name] = value

    @property
    def max_content_length(self) -> int | None:
        """The most bytes that a body may have; more is answered with 413. Set it to change it for this request.

        The default is ``MAX_CONTENT_LENGTH``; None means no limit.
        """
        return self._limit("max_content_length", "MAX_CONTENT_LENGTH", None)

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._set_limit("max_content_length", value)

    @property
    def max_form_memory_size(self) -> int | None:
        """The most bytes that a field of a multipart form may have, unless it is a file; more is answered with 413.

        A form of another type is limited by :attr:`max_content_length` alone. The default is
        ``MAX_FORM_MEMORY_SIZE``; set it to change it for this request.
        """
        return self._limit("max_form_memory_size", "MAX_FORM_MEMORY_SIZE", 500_000)

    @max_form_memory_size.setter
    def max_form_memory_size(self, value: int | None) -> None:
        self._set_limit("max_form_memory_size", value)

    @property  # type: ignore[override]
    def max_form_parts(self) -> int | None:
        """The most fields that a multipart form may have; more is answered with 413.

        The default is ``MAX_FORM_PARTS``; set it to change it for this request.
        """
        return self._limit("max_form_parts", "MAX_FORM_PARTS", 1_000)

    @max_form_parts.setter
    def max_form_parts(self, value: int | None) -> None:
        self._set_limit("max_form_parts", value)

    @property
    def trusted_hosts(self) -> list[str] | None:
        """The host names that this application answers for (``TRUSTED_HOSTS``), or None for any."""
        own: list[str] | None = self.__dict__.get("_trusted_hosts")
        if own is not None or self.app is None:
            return own
        hosts = self.app.config["TRUSTED_HOSTS"]
        return None if hosts is None else list(hosts)

    @trusted_hosts.setter
    def trusted_hosts(self, value: list[str] | None) -> None:
        self.__dict__["_trusted_hosts"] = value

    @property
    def json_module(self) -> Any:
        """What ``json`` and ``get_json`` read with: the application's JSON provider."""
        app = self._own_or_current_app()
        return WerkzeugRequest.json_module if app is None else app.json

    def on_json_loading_failed(self, e: ValueError | None) -> NoReturn:
        """Answer a body that is not JSON: 415 if it does not claim to be JSON (*e* is None), else 400.

        In debug mode the 400 says where the JSON breaks.
        """
        try:
            super().on_json_loading_failed(e)
        except BadRequest as error:
            if e is None or (self.app is not None and self.app.debug):
                raise
            raise BadRequest() from error
        raise AssertionError("unreachable")  # pragma: no cover - Werkzeug's method always raises

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        made = super()._get_file_stream(total_content_length, content_type, filename, content_length)
        self._begun_files = (*self._begun_files, made)
        return made

    @lazy
    def form(self) -> ImmutableMultiDict[str, str]:
        """The fields of the form that was sent, but for its files."""
        self._load_form_data()
        return self.form

    @lazy
    def files(self) -> ImmutableMultiDict[str, FileStorage]:
        """The files of the form that was sent, each a :class:`werkzeug.datastructures.FileStorage`."""
        self._load_form_data()
        return self.files

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        if self._parsed_content_type[0].lower() == _URLENCODED and reads_forms_as_usual(type(self)):
            self._load_fields()
        else:
            self._load_parts()
        app = self.app
        if app is not None and app.debug and self.mimetype != "multipart/form-data" and not self.files:
            self.files = FilesOfWrongForm(self)

    def _load_fields(self) -> None:
        stream = self._get_stream_for_parsing()
        fields: ImmutableMultiDict[str, str]
        try:
            fields = parameters_of(stream.read().decode())
        except UnicodeDecodeError:  # as with every form that cannot be read
            fields = ImmutableMultiDict()
        self.stream, self.form, self.files = stream, fields, ImmutableMultiDict()

    def _load_parts(self) -> None:
        try:
            super()._load_form_data()
        finally:
            self._has_files = bool(self.__dict__.get("files"))
            begun, self._begun_files = self._begun_files, ()
            if begun:  # a form that breaks off, or is too large, leaves files behind that nobody else would close
                kept = {id(file.stream) for _, file in self.__dict__.get("files", MultiDict()).items(multi=True)}
                for file in begun:
                    if id(file) not in kept:
                        file.close()
