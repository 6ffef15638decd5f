"""One rule: a pattern for paths, the endpoint it leads to, and the conditions under which it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import werkzeug.routing as werkzeug
from werkzeug.routing import BaseConverter

from erlen.errors import nearest
from erlen.routing.builder import UrlTemplate
from erlen.routing.converters import python_reader
from erlen.routing.exceptions import RuleSyntaxError, UnknownConverter, ValidationError
from erlen.routing.pattern import Part, Trace, Variable, parse_pattern, pieces_of
from erlen.routing.quoting import encode_query

__all__ = ["Rule", "RuleFactory", "RuleMap"]

_slashes = re.compile("/{2,}")


class RuleMap(Protocol):
    """What a rule needs to know of the map it is bound to."""

    strict_slashes: bool
    merge_slashes: bool
    default_subdomain: str
    host_matching: bool
    sort_parameters: bool
    sort_key: Callable[[Any], Any] | None

    @property
    def converters(self) -> Mapping[str, Any]:
        """Converter classes by name."""

    def changed(self) -> None:
        """Have everything compiled anew before the next search."""


class RuleGivers(Protocol):
    """The rules that come before a rule and may have its values as their defaults."""

    def among(self, values: Mapping[str, Any], method: str) -> Iterable[Rule]:
        """Return those whose defaults may be *values*, in order."""


class RuleFactory(werkzeug.RuleFactory):
    """Whatever gives rules to :meth:`Map.add`: a rule itself, or a subclass that makes several."""

    def get_rules(self, map: Any) -> Iterable[Rule]:
        """Return the rules for *map*, not yet bound."""
        raise NotImplementedError(f"{type(self).__name__} is a rule factory and has to define get_rules(self, map).")


class Rule(RuleFactory, werkzeug.Rule):
    """A path with variables, and where it leads. ::

        Rule("/user/<int:id>", endpoint="user", methods=["GET"])

    :param string: the path; it begins with a slash. A rule that ends with one is a branch, and asking for it without
        that slash redirects to it
    :param defaults: values that the view gets besides those of the path. A rule with the same endpoint and variables
        whose values are these defaults redirects here
    :param subdomain: the subdomain it is for; may have variables. Default: the map's ``default_subdomain``
    :param methods: the HTTP methods it is for, HEAD coming with GET. Default: all
    :param build_only: whether it only makes URLs and never matches
    :param endpoint: anything hashable, usually a name
    :param strict_slashes: whether a missing last slash redirects. Default: as the map says
    :param merge_slashes: whether several slashes in a row redirect to one. Default: as the map says
    :param redirect_to: where to redirect instead: text with variables in angle brackets, or a function that is called
        with the adapter and the values
    :param alias: whether it redirects to the rule of the same endpoint that is none
    :param host: the host it is for, where the map has ``host_matching``; may have variables
    :param websocket: whether it is for WebSockets, and only for them
    :raises RuleSyntaxError: if *string* does not begin with a slash (a ValueError)
    """

    #: Where the rule was written, ``file:line``, for messages. Set by whoever knows.
    where: str | None = None

    def __init__(
        self,
        string: str,
        defaults: Mapping[str, Any] | None = None,
        subdomain: str | None = None,
        methods: Iterable[str] | None = None,
        build_only: bool = False,
        endpoint: Any = None,
        strict_slashes: bool | None = None,
        merge_slashes: bool | None = None,
        redirect_to: str | Callable[..., str] | None = None,
        alias: bool = False,
        host: str | None = None,
        websocket: bool = False,
    ) -> None:
        if not string.startswith("/"):
            raise RuleSyntaxError(
                string, 0, 1, f"URL rule '{string}' must start with a slash.", f"Write '/{string}' instead."
            )
        self.rule = string
        self.is_leaf = not string.endswith("/")
        self.is_branch = not self.is_leaf
        self.map: RuleMap | None = None  # type: ignore[assignment] # any map, not only Werkzeug's
        self.defaults = defaults
        self.subdomain = subdomain
        self.methods = _method_set(string, methods, websocket)
        self.build_only = build_only
        self.endpoint = endpoint
        self.strict_slashes = strict_slashes
        self.merge_slashes = merge_slashes
        self.redirect_to = redirect_to
        self.alias = alias
        self.host = host
        self.websocket = bool(websocket)
        self.arguments: set[str] = {str(name) for name in defaults or ()}
        # No defaults of these in the class: an attribute that hides one of the class is dear to read.
        self._converters: dict[str, BaseConverter] = {}
        self._traces: tuple[Trace, Trace] | None = None  # of the domain and of the path
        self._made_templates: tuple[UrlTemplate, UrlTemplate] | None = None
        self._steps: Sequence[Part | str] = ()
        self._names: Sequence[str] = ()
        self._readers: Sequence[tuple[str, Callable[[str], Any]]] = ()
        #: Rules of the same endpoint with defaults that this rule's values may turn out to be; set by the map.
        self._givers: RuleGivers | None = None

    def empty(self) -> Rule:
        """Return an unbound copy, for another map or for a factory to change."""
        copy = type(self)(self.rule, **self.get_empty_kwargs())
        if self.where is not None:
            copy.where = self.where
        return copy

    def get_empty_kwargs(self) -> Mapping[str, Any]:
        """Return what :meth:`empty` gives to the constructor besides the path; a subclass adds its own parameters."""
        return {
            "defaults": dict(self.defaults) if self.defaults else None,
            "subdomain": self.subdomain,
            "methods": self.methods,
            "build_only": self.build_only,
            "endpoint": self.endpoint,
            "strict_slashes": self.strict_slashes,
            "merge_slashes": self.merge_slashes,
            "redirect_to": self.redirect_to,
            "alias": self.alias,
            "host": self.host,
            "websocket": self.websocket,
        }

    def get_rules(self, map: Any) -> Iterator[Rule]:
        """Return this rule alone."""
        yield self

    def bind(self, map: RuleMap, rebind: bool = False) -> None:  # type: ignore[override]
        """Join *map*: take over its defaults and compile the pattern. :meth:`Map.add` calls it.

        :raises RuntimeError: if it is bound already, unless *rebind* is given
        :raises RuleSyntaxError: if the pattern cannot be read (a ValueError)
        :raises UnknownConverter: if it names a converter that *map* does not have (a LookupError)
        """
        if self.map is not None and not rebind:
            raise RuntimeError(
                f"url rule {self!r} already bound to map {self.map!r}. "
                "A rule belongs to one map: add rule.empty(), a copy, to the other."
            )
        self.map = map
        if self.strict_slashes is None:
            self.strict_slashes = map.strict_slashes
        if self.merge_slashes is None:
            self.merge_slashes = map.merge_slashes
        if self.subdomain is None:
            self.subdomain = map.default_subdomain
        self.compile()

    def refresh(self) -> None:
        """Compile anew, after attributes of a bound rule were changed."""
        self.bind(self._bound(), rebind=True)

    def compile(self) -> None:
        """Read the pattern and make ready for matching and building. :meth:`bind` calls it."""
        owner = self._bound()
        text = (self.host if owner.host_matching else self.subdomain) or ""
        domain = parse_pattern(text, self._make_converter)
        merges = self.merge_slashes and "//" in self.rule
        path = parse_pattern(_slashes.sub("/", self.rule) if merges else self.rule, self._make_converter)
        twice = domain.converters.keys() & path.converters.keys()
        if twice:
            raise RuleSyntaxError(
                self.rule,
                0,
                len(self.rule),
                f"The variable '{min(twice)}' stands in it and in '{text}' too.",
                "Give one of them another name.",
            )
        defaults = self.defaults or {}
        self._steps = (*domain.parts, *path.parts)
        self._traces = (domain.trace, path.trace)
        self._converters = {**domain.converters, **path.converters}
        self._names = tuple(self._converters)
        self._readers = tuple(
            [(name, reader) for name, converter in self._converters.items() if (reader := python_reader(converter))]
        )
        self.arguments = {*map(str, defaults), *self._converters}
        self._made_templates = None
        if defaults or not (text.isascii() and self.rule.isascii()):
            self._templates()  # else nothing in it can be wrong, and many a URL is never asked for
        owner.changed()

    def _templates(self) -> tuple[UrlTemplate, UrlTemplate]:
        """Return what the domain and the path of a URL are made of."""
        made = self._made_templates
        if made is None:
            if self._traces is None:
                raise AttributeError(
                    f"url rule '{self.rule}' builds no URL before it is bound to a map. Add it to one: Map.add(rule)."
                )
            domain, path = self._traces
            defaults = self.defaults or {}
            made = self._made_templates = (
                UrlTemplate(domain, self._converters, defaults),
                UrlTemplate(path, self._converters, defaults),
            )
        return made

    @property
    def _parts(self) -> list[Part]:  # type: ignore[override] # of our engine
        return [Part(step, static=True) if isinstance(step, str) else step for step in self._steps]

    @property
    def _trace(self) -> list[tuple[bool, str]]:  # type: ignore[override] # made only where it is asked for
        if self._traces is None:
            return []
        domain, path = self._traces
        return [*pieces_of(domain), (False, "|"), *pieces_of(path)]

    def _bound(self) -> RuleMap:
        if self.map is None:
            raise RuntimeError(f"url rule '{self.rule}' is not bound to a map yet. Add it to one: Map.add(rule).")
        return self.map

    def _make_converter(self, variable: Variable) -> BaseConverter:
        known = self._bound().converters
        if variable.converter not in known:
            meant = nearest(variable.converter, known)
            raise UnknownConverter(
                self.rule,
                variable.start,
                variable.start + len(variable.converter),
                f"the converter {variable.converter!r} does not exist.",
                (f"Did you mean '{meant}'? " if meant else "")
                + f"Known converters: {', '.join(sorted(known))}. Others are added with "
                f"app.url_map.converters['{variable.converter}'] = ..., before the rule.",
            )
        return self.get_converter(variable.name, variable.converter, variable.arguments, variable.options)

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> BaseConverter:
        """Make the converter for a variable.

        :raises LookupError: if the map has none of that name
        """
        converter: BaseConverter = self._bound().converters[converter_name](self.map, *args, **kwargs)
        return converter

    @property
    def fixed_domain(self) -> str | None:
        """The subdomain or host of what :meth:`build` returns, or None if it has variables."""
        return self._templates()[0].fixed if type(self).build is Rule.build else None

    @property
    def simple_template(self) -> UrlTemplate | None:
        """What the path of a URL is made of, or None if more than that has a say in it."""
        kind = type(self)
        if (
            self.websocket
            or self.defaults
            or kind.build is not Rule.build
            or kind.suitable_for is not Rule.suitable_for
        ):
            return None
        template = self._templates()[1]
        # An adapter makes one slash of several at the beginning.
        return template if template.head[:2] != "//" and (template.head != "/" or not template.slots) else None

    def converter_of(self, name: str) -> BaseConverter:
        """Return the converter of the variable *name*.

        :raises KeyError: if the rule has no such variable
        """
        return self._converters[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variables, in order."""
        return tuple(self._names)

    @property
    def readers(self) -> tuple[Callable[[str], Any], ...]:
        """What makes values of texts, where a text is not the value itself."""
        return tuple(reader for _, reader in self._readers)

    def read(self, texts: Sequence[str]) -> dict[str, Any] | None:
        """Return the values that *texts*, one for each variable, stand for, and the defaults.

        :returns: None if a converter refuses its text
        """
        names = self._names
        values: dict[str, Any] = {names[0]: texts[0]} if len(names) == 1 else dict(zip(names, texts, strict=True))
        for name, reader in self._readers:
            try:
                values[name] = reader(values[name])
            except ValidationError:
                return None
            except ValueError:
                if reader is not int:
                    raise
                return None  # more than 4,300 digits
        if self.defaults:
            values.update(self.defaults)
        return values

    def build(self, values: Mapping[str, Any], append_unknown: bool = True) -> tuple[str, str] | None:
        """Return domain part and path with *values* filled in.

        :param append_unknown: whether values that are no variables of the rule become the query
        :returns: None if a converter refuses its value
        """
        try:
            for_domain, for_path = self._made_templates or self._templates()
            domain = for_domain.fill(values)
            path = for_path.fill(values)
        except ValidationError:
            return None
        if append_unknown and not self.arguments.issuperset(values):
            known = self.arguments
            query = self._encode_query_vars({name: value for name, value in values.items() if name not in known})
            if query:
                return domain, f"{path}?{query}"
        return domain, path

    def _encode_query_vars(self, query_vars: Mapping[str, Any]) -> str:
        owner = self._bound()
        return encode_query(query_vars, owner.sort_parameters, owner.sort_key)

    def provides_defaults_for(self, rule: Rule) -> bool:  # type: ignore[override]
        """Tell whether this rule is the canonical one when the values of *rule* are its defaults."""
        if self.build_only or not self.defaults:
            return False
        return (self.endpoint, self.arguments) == (rule.endpoint, rule.arguments) and self != rule

    def suitable_for(self, values: Mapping[str, Any], method: str | None = None) -> bool:
        """Tell whether a URL can be built from *values*, and whether it is for *method*, if one is given."""
        if method is not None and self.methods is not None and method not in self.methods:
            return False
        if not self.defaults:
            return self.arguments.issubset(values)
        for name in self.arguments:
            if name not in self.defaults and name not in values:
                return False
        return all(name not in values or value == values[name] for name, value in self.defaults.items())

    def build_compare_key(self) -> tuple[int, int, int]:
        """Return the sort key of the order in which rules of one endpoint are tried for building."""
        return (1 if self.alias else 0, -len(self.arguments), -len(self.defaults or ()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._trace == other._trace and (bool(self._trace) or self.rule == other.rule)

    # Attributes may change at any time, so there is nothing to hash. Use id(rule), or the endpoint.
    __hash__ = None

    def __str__(self) -> str:
        return self.rule

    def __repr__(self) -> str:
        if self.map is None:
            return f"<{type(self).__name__} (unbound)>"
        text = "".join(f"<{data}>" if is_variable else data for is_variable, data in self._trace).lstrip("|")
        methods = f" ({', '.join(sorted(self.methods))})" if self.methods is not None else ""
        return f"<{type(self).__name__} {text!r}{methods} -> {self.endpoint}>"


def _method_set(rule: str, methods: Iterable[str] | None, websocket: bool) -> set[str] | None:
    if methods is None:
        return None
    if isinstance(methods, str):
        raise TypeError(f"'methods' is one string and not a list. Write methods=[{methods!r}] for the rule '{rule}'.")
    result = {method.upper() for method in methods}
    if "GET" in result:
        result.add("HEAD")
    if websocket and result - {"GET", "HEAD", "OPTIONS"}:
        raise ValueError(
            "A rule for WebSockets has no methods but GET, HEAD and OPTIONS. "
            f"Leave methods out for the rule '{rule}', or add a second rule without websocket=True."
        )
    return result
