"""Maps, rules, factories, converters and exceptions as objects: what Werkzeug's can, ours can."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import werkzeug.routing
from same_as_werkzeug import Scenario, asked, both_tell_the_same, facts, plain, told
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import BadRequest, HTTPException

import erlen.routing

ATTRIBUTES = """rule is_leaf is_branch strict_slashes merge_slashes subdomain host defaults build_only alias websocket
methods endpoint redirect_to arguments _trace""".split()  # noqa: SIM905

RULES: list[Scenario] = [
    lambda r: r.Rule("/"),
    lambda r: r.Rule("/a/<int:x>/"),
    lambda r: r.Rule("/a", {"x": 1}, "s", ["get"], True, "e", False, False, "to", True, "h", False),
    lambda r: r.Rule("/a", defaults={}, methods=[], endpoint="e"),
    lambda r: r.Rule("/a", methods=("post", "Put"), endpoint="e", websocket=False),
    lambda r: r.Rule("/a", methods=frozenset(["GET"]), endpoint="e", websocket=True),
    lambda r: r.Rule("/a//b", endpoint="e", merge_slashes=True),
    lambda r: r.Rule("/<x>", endpoint="e", subdomain="<y>", defaults={"z": 1}),
]


def bound_rule(r: Any, *args: Any, **options: Any) -> Any:
    """Return a rule that belongs to a map which is ready."""
    made = r.Rule(*args, **options)
    made_map = r.Map([made])
    made_map.update()
    return made


def name_of_converter(r: Any, name: str, args: Any, kwargs: Any) -> str:
    return type(bound_rule(r, "/a").get_converter("x", name, args, kwargs)).__name__


@pytest.mark.parametrize("number", range(len(RULES)))
def test_the_attributes_of_a_rule(number: int) -> None:
    def shown(rule: Any) -> object:
        # Their order in a repr is that of a set.
        return [plain(getattr(rule, name)) for name in ATTRIBUTES], str(rule), len(repr(rule)), rule.map is None

    def scenario(r: Any) -> object:
        rule = RULES[number](r)
        before = shown(rule)
        for options in ({}, {"strict_slashes": False, "merge_slashes": False, "default_subdomain": "www"}):
            r.Map([rule.empty()], **options)
        made = r.Map([rule], strict_slashes=False, default_subdomain="www")
        made.update()
        # Werkzeug's copies lose these two; ours keep them.
        kwargs = {
            name: plain(value)
            for name, value in rule.get_empty_kwargs().items()
            if name not in ("merge_slashes", "websocket")
        }
        return before, shown(rule), rule.map is made, kwargs

    both_tell_the_same(scenario)


SCENARIOS: dict[str, Scenario] = {
    "the methods must not be one text": lambda r: r.Rule("/", methods="GET"),
    "a websocket is not posted": lambda r: r.Rule("/", methods=["POST"], websocket=True),
    "a websocket rule may name these methods": lambda r: sorted(
        r.Rule("/", methods=["get", "OPTIONS"], websocket=True).methods
    ),
    "a rule begins with a slash": lambda r: r.Rule("a"),
    "a rule is not empty": lambda r: r.Rule(""),
    "an unbound rule builds nothing": lambda r: r.Rule("/a").build({}),
    "the text of an unbound rule": lambda r: (str(r.Rule("/a/<int:x>")), repr(r.Rule("/a"))),
    "a rule is hashed": lambda r: hash(r.Rule("/a")),
    "a rule is bound to two maps": lambda r: r.Map([r.Map([r.Rule("/a", endpoint="a")])._rules[0]]),
    "a rule is added to its map twice": lambda r: (m := r.Map([r.Rule("/a", endpoint="a")])).add(m._rules[0]),
    "bind by hand": lambda r: (x := r.Rule("/a", endpoint="a"), x.bind(r.Map()), x.bind(r.Map())),
    "bind again": lambda r: (x := r.Rule("/a", endpoint="a"), x.bind(r.Map()), x.bind(r.Map(), rebind=True), repr(x))[
        -1
    ],
    "equal rules": lambda r: [
        bound_rule(r, first, endpoint="a") == bound_rule(r, second, endpoint="b")
        for first, second in (("/a", "/a"), ("/a", "/b"), ("/<x>", "/<int:x>"), ("/<x>", "/<y>"), ("/a/", "/a"))
    ],
    "rules and other things": lambda r: (r.Rule("/a") == "/a", r.Rule("/a") != 1, r.Rule("/a") is None),
    "a rule gives itself": lambda r: [x is y for x in [r.Rule("/a")] for y in x.get_rules(r.Map())],
    "build": lambda r: [
        told(bound_rule(r, "/a/<int:x>", endpoint="e", subdomain="<s>").build, values, unknown)
        for values in ({"x": 1, "s": "t"}, {"x": 1, "s": "t", "q": [1, 2]}, {"x": "z", "s": 1})
        for unknown in (True, False)
    ],
    "suitable_for": lambda r: [
        bound_rule(r, "/a/<int:x>", endpoint="e", methods=["GET"], defaults={"d": 1}).suitable_for(values, method)
        for values in ({}, {"x": 1}, {"x": 1, "d": 1}, {"x": 1, "d": 2}, {"d": 1}, {"x": 1, "z": 1})
        for method in (None, "GET", "HEAD", "POST", "get")
    ],
    "provides_defaults_for": lambda r: [
        first.provides_defaults_for(second)
        for rules in [
            list(
                r.Map(
                    [
                        r.Rule("/a/", endpoint="e", defaults={"x": 1}),
                        r.Rule("/a/<int:x>", endpoint="e"),
                        r.Rule("/b/<int:x>", endpoint="f"),
                        r.Rule("/c/", endpoint="f", defaults={"x": 1}, build_only=True),
                        r.Rule("/d/<y>", endpoint="e", defaults={"x": 1}),
                    ]
                ).iter_rules()
            )
        ]
        for first in rules
        for second in rules
    ],
    "build_compare_key": lambda r: [
        bound_rule(r, *args, **options).build_compare_key()
        for args, options in (
            (("/a",), {}),
            (("/<x>/<y>",), {}),
            (("/<x>", {"y": 1, "x": 2}), {}),
            (("/a",), {"alias": True}),
        )
    ],
    "get_converter": lambda r: [
        told(name_of_converter, r, name, args, kwargs)
        for name, args, kwargs in (
            ("int", (), {}),
            ("string", (1, 2), {}),
            ("any", ("a", "b"), {}),
            ("none", (), {}),
            ("int", (), {"foo": 1}),
        )
    ],
    "an unknown converter": lambda r: r.Map([r.Rule("/<none:x>")]),
    "refresh": lambda r: (
        m := r.Map([x := r.Rule("/a", endpoint="e")]),
        m.update(),
        setattr(x, "rule", "/b/<int:y>"),
        x.refresh(),
        told(lambda: m.bind("h").build("e", {"y": 1})),
        x.arguments,
    )[-2:],
    # Maps
    "rules in order": lambda r: [
        [str(rule) for rule in made.iter_rules(endpoint)]
        for made in [
            r.Map(
                [
                    r.Rule("/", endpoint="b"),
                    r.Rule("/<x>", endpoint="a"),
                    r.Rule("/<x>/<y>", endpoint="a"),
                    r.Rule("/alias", endpoint="a", alias=True),
                    r.Rule("/d", endpoint="a", defaults={"x": 1}),
                    r.Rule("/z", endpoint="c"),
                ]
            )
        ]
        for endpoint in (None, "a", "b", "c")
    ],
    "rules of no endpoint": lambda r: r.Map().iter_rules("a"),
    "is_endpoint_expecting": lambda r: [
        told(made.is_endpoint_expecting, *arguments)
        for made in [r.Map([r.Rule("/<x>/<y>", endpoint="e", defaults={"z": 1}), r.Rule("/<w>", endpoint="e")])]
        for arguments in (
            ("e",),
            ("e", "x"),
            ("e", "x", "y"),
            ("e", "z"),
            ("e", "w"),
            ("e", "w", "x"),
            ("e", "q"),
            ("f", "x"),
        )
    ],
    "the text of a map": lambda r: repr(
        r.Map([r.Rule("/", endpoint="i"), r.Rule("/<x>/b", endpoint=7, subdomain="s"), r.Rule("/z" * 40, endpoint="l")])
    ),
    "the text of an empty map": lambda r: repr(r.Map()),
    "parameters by position": lambda r: [
        (m := r.Map([], "www", False, False, False, {"x": r.PathConverter}, True, len, True)),
        m.default_subdomain,
        m.strict_slashes,
        m.merge_slashes,
        m.redirect_defaults,
        "x" in m.converters,
        m.sort_parameters,
        m.sort_key is len,
        m.host_matching,
    ][1:],
    "rules from a generator": lambda r: len(list(r.Map(r.Rule(f"/{n}", endpoint=n) for n in range(3)).iter_rules())),
    "rules from a tuple and None": lambda r: (repr(r.Map(None)), repr(r.Map(()))),
    "no rule": lambda r: r.Map(["/a"]),
    "names of converters": lambda r: (
        sorted(r.Map().converters),
        sorted(r.Map.default_converters),
        type(r.Map.default_converters),
    ),
    "converters of one map": lambda r: (
        a := r.Map(converters={"folder": r.PathConverter}),
        b := r.Map(),
        "folder" in a.converters,
        "folder" in b.converters,
    )[2:],
    "default_converters of a subclass": lambda r: r.Map.default_converters["int"].__name__,
    "slashes are merged from now on": lambda r: [
        (m := r.Map([r.Rule("/a/b", endpoint="e")], merge_slashes=False), told(lambda: m.bind("h").match("/a//b")))[1],
        (setattr(m, "merge_slashes", True), m.merge_slashes)[1],
        told(lambda: m.bind("h").match("/a//b")),
    ],
    "a rule is added after a match": lambda r: [
        (m := r.Map([r.Rule("/a", endpoint="e")]), m.bind("h").test("/b"))[1],
        (m.add(r.Rule("/b", endpoint="f")), m.bind("h").test("/b"), m.bind("h").build("f"))[1:],
    ],
    "an adapter sees a rule that is added later": lambda r: [
        (m := r.Map(), a := m.bind("h"), a.test("/b"))[2],
        (m.add(r.Rule("/b", endpoint="f")), a.test("/b"), a.build("f"), a.match("/b", return_rule=True))[1:],
    ],
    "update by hand": lambda r: (m := r.Map([r.Rule("/a")]), m.update(), m.update())[1:],
    "the lock": lambda r: callable(r.Map.lock_class),
    "_rules_by_endpoint": lambda r: {
        name: [str(x) for x in rules] for name, rules in r.Map([r.Rule("/a", endpoint="e")])._rules_by_endpoint.items()
    },
    # Copies
    "a rule is pickled": lambda r: pickle.loads(pickle.dumps(r.Rule("/a/<int:x>", endpoint="e", methods=["POST"]))),
    "a rule is copied": lambda r: asked(r.Map([copy.copy(r.Rule("/a/<int:x>", endpoint="e"))]).bind("h"), "/a/1"),
    "a rule is copied deeply": lambda r: asked(
        r.Map([copy.deepcopy(r.Rule("/a/<int:x>", endpoint="e"))]).bind("h"), "/a/1"
    ),
    "an adapter is copied": lambda r: asked(copy.copy(r.Map([r.Rule("/a/<int:x>", endpoint="e")]).bind("h")), "/a/1"),
    # Factories
    "Submount": lambda r: listed(
        r, [r.Submount("/a/", [r.Rule("/"), r.Rule("/b"), r.Submount("/<x>", [r.Rule("/c/")])])]
    ),
    "Submount of the root": lambda r: listed(
        r, [r.Submount("/", [r.Rule("/"), r.Rule("/b")]), r.Submount("", [r.Rule("/c")])]
    ),
    "Submount without a slash": lambda r: listed(r, [r.Submount("a", [r.Rule("/")])]),
    "Subdomain": lambda r: listed(
        r, [r.Subdomain("s", [r.Rule("/"), r.Rule("/b", subdomain="t"), r.Subdomain("u", [r.Rule("/c")])])]
    ),
    "EndpointPrefix": lambda r: listed(
        r, [r.EndpointPrefix("p.", [r.Rule("/", endpoint="e"), r.EndpointPrefix("q.", [r.Rule("/b", endpoint="f")])])]
    ),
    "EndpointPrefix without text": lambda r: listed(r, [r.EndpointPrefix("p.", [r.Rule("/", endpoint=1)])]),
    "a factory keeps all of a rule": lambda r: [
        [plain(getattr(rule, name)) for name in ATTRIBUTES]
        for rule in r.Map(
            [r.Submount("/a", [r.Rule("/b", {"x": 1}, "s", ["GET"], True, "e", False, None, "to", True, "h", False)])]
        ).iter_rules()
    ],
    "a factory is used twice": lambda r: (f := r.Submount("/a", [r.Rule("/b")]), listed(r, [f]), listed(r, [f]))[1:],
    "a factory with a generator": lambda r: listed(r, [r.Submount("/a", (r.Rule(f"/{n}") for n in range(2)))]),
    "RuleTemplate": lambda r: listed(
        r,
        [
            made
            for name in ("books", "maps")
            for made in [
                r.RuleTemplate(
                    [
                        r.Rule("/$kind/price-$$/<int:id>", endpoint="${kind}.price", defaults={"of": "$kind", "n": 2}),
                        r.Subdomain("$kind-desk", [r.Rule("/", endpoint="desk"), r.Submount("/$kind", [r.Rule("/x")])]),
                        r.EndpointPrefix("$kind/", [r.Rule("/new-${kind}s", endpoint="new")]),
                    ]
                )(kind=name)
            ]
        ],
    ),
    "RuleTemplate by position": lambda r: listed(r, [r.RuleTemplate([r.Rule("/$a", endpoint="$b")])({"a": 1}, b=2)]),
    "RuleTemplate with a gap": lambda r: listed(r, [r.RuleTemplate([r.Rule("/$a")])()]),
    "RuleTemplateFactory": lambda r: listed(
        r, [r.RuleTemplateFactory([r.Rule("/$a", endpoint="$a", subdomain="$a")], {"a": "x"})]
    ),
    "RuleTemplate without text": lambda r: listed(r, [r.RuleTemplate([r.Rule("/$a", endpoint=7)])(a="x")]),
    "attributes of factories": lambda r: (
        r.Submount("/a/", []).path,
        r.Submount("/a/", []).rules,
        r.Subdomain("s", []).subdomain,
        r.EndpointPrefix("p", []).prefix,
        r.RuleTemplate([1]).rules,
        r.RuleTemplate([1])(a=2).context,
        [
            isinstance(made, r.RuleFactory)
            for made in (
                r.Submount("", []),
                r.Subdomain("", []),
                r.EndpointPrefix("", []),
                r.RuleTemplate([])(),
                r.Rule("/"),
                r.RuleTemplate([]),
            )
        ],
    ),
    "a factory that gives nothing": lambda r: r.Map([r.RuleFactory()]),
}


def listed(r: Any, factories: list[Any]) -> object:
    """Return what a map makes of factories."""
    return sorted(
        (rule.rule, str(rule.endpoint), rule.subdomain, rule.host, plain(rule.defaults))
        for rule in r.Map(factories).iter_rules()
    )  # type: ignore[type-var]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_with_werkzeug(name: str) -> None:
    both_tell_the_same(SCENARIOS[name])


def test_a_factory_of_ones_own() -> None:
    def scenario(r: Any) -> object:
        class Resource(r.RuleFactory):  # type: ignore[misc, name-defined]
            def __init__(self, name: str) -> None:
                self.name = name

            def get_rules(self, map: Any) -> Any:
                yield r.Rule(f"/{self.name}", endpoint=f"{self.name}.list")
                yield r.Rule(f"/{self.name}/<int:id>", endpoint=f"{self.name}.show")

        return listed(r, [Resource("user"), r.Submount("/a", [Resource("page")])])

    both_tell_the_same(scenario)


def test_a_rule_of_ones_own_says_what_its_copies_are_made_from() -> None:
    def scenario(r: Any) -> object:
        class Toll(r.Rule):  # type: ignore[misc, name-defined]
            def __init__(self, string: str, *, cents: int, **options: Any) -> None:
                super().__init__(string, **options)
                self.cents = cents

        class Bridge(Toll):
            def get_empty_kwargs(self) -> Any:
                return super().get_empty_kwargs() | {"cents": self.cents * 2}

        bridge = Bridge("/over/<river>", cents=150, endpoint="over")
        mounted = list(r.Submount("/europe", [bridge]).get_rules(r.Map()))
        return (
            told(Toll("/x", cents=1).empty),
            [
                (type(each).__name__, each.cents, each.rule, each.endpoint)
                for each in (bridge, bridge.empty(), *mounted)
            ],
        )

    both_tell_the_same(scenario)


def test_a_rule_of_ones_own_has_a_say_in_matching_and_building() -> None:
    def scenario(r: Any) -> object:
        class Shy(r.Rule):  # type: ignore[misc, name-defined]
            def build(self, values: Any, append_unknown: bool = True) -> Any:
                built = super().build(values, append_unknown)
                return built and (built[0], built[1].upper())

            def suitable_for(self, values: Any, method: Any = None) -> bool:
                return "please" in values and super().suitable_for(values, method)

            def build_compare_key(self) -> Any:
                return (-len(self.rule),)

        adapter = r.Map([Shy("/a", endpoint="e"), Shy("/ab", endpoint="e"), Shy("/abc/<n>", endpoint="e")]).bind("h")
        wanted = ({}, {"please": 1}, {"n": "q"}, {"n": "q", "please": 1})
        found, _ = adapter.match("/ab", return_rule=True)
        return [told(adapter.build, "e", values) for values in wanted], type(found).__name__

    both_tell_the_same(scenario)


def test_a_map_with_other_default_converters_or_another_lock() -> None:
    def scenario(r: Any) -> object:
        locks: list[int] = []

        class Lock:
            def __enter__(self) -> None:
                locks.append(1)

            def __exit__(self, *details: object) -> None:
                locks.append(-1)

        class Mine(r.Map):  # type: ignore[misc, name-defined]
            default_converters = ImmutableDict(r.Map.default_converters, folder=r.PathConverter)
            lock_class = Lock

        made = Mine([r.Rule("/under/<folder:x>", endpoint="e")])
        return asked(made.bind("h"), "/under/a/b"), "folder" in r.Map.default_converters, bool(locks), sum(locks)

    both_tell_the_same(scenario)


def test_exceptions_are_werkzeugs_in_all_they_are() -> None:
    for name in (
        "RoutingException",
        "RequestRedirect",
        "RequestPath",
        "RequestAliasRedirect",
        "BuildError",
        "NoMatch",
        "WebsocketMismatch",
        "ValidationError",
    ):
        assert getattr(erlen.routing, name) is getattr(werkzeug.routing, name)
    redirect = erlen.routing.RequestRedirect("http://a/b")
    assert isinstance(redirect, HTTPException)
    assert facts(redirect) == facts(werkzeug.routing.RequestRedirect("http://a/b"))
    assert issubclass(erlen.routing.WebsocketMismatch, BadRequest)
    assert issubclass(erlen.routing.BuildError, LookupError)
    missed = erlen.routing.NoMatch({"GET"}, True)
    assert (missed.have_match_for, missed.websocket_mismatch) == ({"GET"}, True)


def test_a_build_error_looks_for_the_closest_rule() -> None:
    def scenario(r: Any) -> object:
        made = r.Map(
            [
                r.Rule("/user/<id>", endpoint="user.show", methods=["GET"]),
                r.Rule("/user/<id>", endpoint="user.edit", methods=["POST"]),
                r.Rule("/user", endpoint="user.list"),
            ]
        )
        adapter = made.bind("h")
        found: list[object] = []
        for endpoint, values, method in (
            ("user.shw", {}, None),
            ("user.shw", {"id": 1}, "POST"),
            ("user", {"x": 1}, None),
            ("user.edit", {"id": 1}, "GET"),
        ):
            error = r.BuildError(endpoint, values, method, adapter)
            found += [str(error), str(error.suggested), str(error.closest_rule(adapter)), error.closest_rule(None)]
        return found, str(r.BuildError("a", {}, None)), r.BuildError("a", {}, None, r.Map().bind("h")).suggested

    both_tell_the_same(scenario)
