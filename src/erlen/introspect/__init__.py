"""What an application would do, as data: its routes, the life of one request, its configuration.

The commands ``erlen routes``, ``erlen explain`` and ``erlen check`` print it.
"""

from __future__ import annotations

from erlen.introspect.asvs import FAILS, HOLDS, OPEN, Verdict, judge_asvs
from erlen.introspect.configuration import Changed, Finding, Report, inspect_configuration
from erlen.introspect.explain import Explanation, explain
from erlen.introspect.facts import Answerer, Candidate, Guard, SessionFacts, Step
from erlen.introspect.routes import Route, find_place, list_routes

__all__ = [
    "FAILS",
    "HOLDS",
    "OPEN",
    "Answerer",
    "Candidate",
    "Changed",
    "Explanation",
    "Finding",
    "Guard",
    "Report",
    "Route",
    "SessionFacts",
    "Step",
    "Verdict",
    "explain",
    "find_place",
    "inspect_configuration",
    "judge_asvs",
    "list_routes",
]
