"""A plain linear router is the second oracle: the tree finds what trying one rule after the other finds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from reference_router import ReferenceRouter, reference_rules

from erlen.routing import Map, Missing, Rule, SlashRedirect, WrongMethod


@settings(max_examples=250, deadline=None)
@given(
    st.lists(reference_rules(), min_size=1, max_size=8),
    st.lists(
        st.tuples(st.lists(st.sampled_from(["a", "b", "1", "2", "c"]), max_size=4), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["GET", "POST"]),
)
def test_the_tree_finds_what_trying_every_rule_finds(
    given_rules: list[tuple[str, str, set[str] | None, bool]], paths: list[tuple[list[str], bool]], method: str
) -> None:
    reference = ReferenceRouter(given_rules)
    ours = Map(merge_slashes=False)
    for path, endpoint, methods, strict in given_rules:
        ours.add(Rule(path, endpoint=endpoint, methods=methods, strict_slashes=strict))
    for segments, slash in paths:
        path = "/" + "/".join(segments) + ("/" if slash and segments else "")
        found = ours.find("", path, method)
        if isinstance(found, tuple):
            outcome: object = (found[0].endpoint, found[1])
        elif isinstance(found, SlashRedirect):
            outcome = ("redirect", found.path)
        elif isinstance(found, WrongMethod):
            outcome = ("method", list(found.allowed))
        else:
            assert isinstance(found, Missing)
            outcome = "missing"
        assert outcome == reference.find(path, method)
