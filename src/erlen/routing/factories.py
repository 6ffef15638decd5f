"""Rules in bulk: the same subdomain, path or endpoint prefix, or a template, for many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from string import Template
from typing import Any

from erlen.routing.rule import Rule, RuleFactory

__all__ = ["EndpointPrefix", "RuleTemplate", "RuleTemplateFactory", "Subdomain", "Submount"]


class _Wrapper(RuleFactory, ABC):
    """A factory that changes a copy of each of its rules."""

    def __init__(self, rules: Iterable[RuleFactory]) -> None:
        self.rules = rules

    def get_rules(self, map: Any) -> Iterator[Rule]:
        for factory in self.rules:
            for rule in factory.get_rules(map):
                copy = rule.empty()
                self._change(copy)
                yield copy

    @abstractmethod
    def _change(self, rule: Rule) -> None:
        """Change *rule*, which is a copy."""


class Subdomain(_Wrapper):
    """Puts all its rules on one subdomain. ::

        Map([Subdomain("<lang>", [Rule("/", endpoint="index"), Rule("/help", endpoint="help")])])

    :param subdomain: the subdomain, which may have variables
    :param rules: rules and factories
    """

    def __init__(self, subdomain: str, rules: Iterable[RuleFactory]) -> None:
        super().__init__(rules)
        self.subdomain = subdomain

    def _change(self, rule: Rule) -> None:
        rule.subdomain = self.subdomain


class Submount(_Wrapper):
    """Puts all its rules below one path. ::

        Map([Submount("/blog", [Rule("/", endpoint="list"), Rule("/<int:id>", endpoint="entry")])])

    :param path: the path, which may have variables
    :param rules: rules and factories
    """

    def __init__(self, path: str, rules: Iterable[RuleFactory]) -> None:
        super().__init__(rules)
        self.path = path.rstrip("/")

    def _change(self, rule: Rule) -> None:
        rule.rule = self.path + rule.rule


class EndpointPrefix(_Wrapper):
    """Puts a prefix before the endpoints of all its rules, which have to be text. ::

        Map([EndpointPrefix("blog.", [Rule("/", endpoint="list")])])     # endpoint "blog.list"

    :param prefix: the prefix
    :param rules: rules and factories
    """

    def __init__(self, prefix: str, rules: Iterable[RuleFactory]) -> None:
        super().__init__(rules)
        self.prefix = prefix

    def _change(self, rule: Rule) -> None:
        rule.endpoint = self.prefix + rule.endpoint


class RuleTemplate:
    """Rules with ``$placeholders`` in path, endpoint, subdomain, host and defaults, filled by calling it. ::

        resource = RuleTemplate([Rule("/$name/<int:id>", endpoint="$name.show")])
        Map([resource(name="user"), resource(name="page")])

    :param rules: rules and factories
    """

    def __init__(self, rules: Iterable[RuleFactory]) -> None:
        self.rules = list(rules)

    def __call__(self, *args: Any, **kwargs: Any) -> RuleTemplateFactory:
        """Return a factory for the rules with the placeholders filled from the arguments, which are those of dict()."""
        return RuleTemplateFactory(self.rules, dict(*args, **kwargs))


class RuleTemplateFactory(_Wrapper):
    """The rules of a :class:`RuleTemplate`, filled in.

    :param rules: rules and factories
    :param context: the values of the placeholders
    """

    def __init__(self, rules: Iterable[RuleFactory], context: Mapping[str, Any]) -> None:
        super().__init__(rules)
        self.context = context

    def _change(self, rule: Rule) -> None:
        rule.rule = self._fill(rule.rule)
        rule.endpoint = self._fill(rule.endpoint)
        rule.subdomain = self._fill(rule.subdomain)
        rule.host = self._fill(rule.host)
        if rule.defaults:
            rule.defaults = {name: self._fill(value) for name, value in rule.defaults.items()}

    def _fill(self, value: Any) -> Any:
        return Template(value).substitute(self.context) if isinstance(value, str) else value
