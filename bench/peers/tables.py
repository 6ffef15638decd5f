"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from peers.catalogue import BARE, ERLEN, PEERS
from peers.results import Results
from peers.routers import KINDS, PREFIX
from peers.works import BY_KEY, WORKS

HEADS = {
    "text": "text",
    "json": "JSON",
    "parameter": "parameter, query",
    "page": "Jinja page",
    "404": "404",
    "cookie": "hooks, cookie session",
    "stored": "hooks, SQLite session",
    "form": "form",
    "upload": "upload 1 MiB",
    "static": "static file",
    "socket": "WebSocket echo",
}
PREFIXES = {"": "rules that differ in their first segment", PREFIX: "all rules behind one prefix"}
WERKZEUG = "Werkzeug"
MOST = "10000"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is text, and the others figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" if line[0] != "---" else f"|{'|'.join(line)}|" for line in lines) + "\n"


def figure(value: float | str | None) -> str:
    """Return a figure with three digits or more, as much as is worth reading."""
    if value is None or isinstance(value, str):
        return "–" if value is None else "failed"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ordered(titles: Iterable[str]) -> list[str]:
    """Return *titles* in the order of the catalogue."""
    order = {peer.title: number for number, peer in enumerate(PEERS)}
    return sorted(titles, key=lambda title: order.get(title, len(order)))


def counts(results: Results, interface: str) -> str:
    """Return the table of instructions over one interface; in bold what takes less than Erlen does."""
    found = results.counts.get(interface, {})
    keys = [work.key for work in WORKS if any(work.key in costs for costs in found.values())]
    erlen = found.get(ERLEN, {})

    def cell(title: str, key: str) -> str:
        cost = found[title].get(key)
        if cost is None and f"{title}, {interface}, {key}" in results.failures:
            return "failed"
        ahead = cost is not None and title not in (BARE, ERLEN) and cost < erlen.get(key, 0)
        return f"**{figure(cost)}**" if ahead else figure(cost)

    rows = ([title, *(cell(title, key) for key in keys)] for title in ordered(found))
    return table([f"thousand instructions, {interface.upper()}", *(HEADS[key] for key in keys)], rows)


def ahead(results: Results) -> str:
    """Return a list of the works that a peer does with less than Erlen."""
    lines = []
    for interface, found in results.counts.items():
        for work in WORKS:
            erlen = found.get(ERLEN, {}).get(work.key)
            if erlen is None:
                continue
            costs = {title: each[work.key] for title, each in found.items() if work.key in each and title != BARE}
            less = sorted((cost, title) for title, cost in costs.items() if cost < erlen)
            if less:
                named = ", ".join(f"{title} {figure(cost)}" for cost, title in less)
                lines.append(f"- {work.title}, over {interface.upper()}: {named}; Erlen {figure(erlen)}")
    for what, unit, figures in (
        ("import", "ms", {title: values[0] for title, values in results.imports.items()}),
        ("memory after the import", "MiB", {title: values[0] for title, values in results.memory.items()}),
    ):
        less = sorted((value, title) for title, value in figures.items() if value < figures.get(ERLEN, 0))
        named = ", ".join(
            f"{title} {figure(value)}" for value, title in less if title != BARE and not title.startswith(ERLEN)
        )
        if named:
            lines.append(f"- {what}, in {unit}: {named}; Erlen {figure(figures[ERLEN])}")
    return "\n".join(lines or ["- nowhere, in what is measured here"]) + "\n"


def routes(results: Results, prefix: str) -> str:
    """Return the table of matching times, a row for each router and number of rules."""
    times = results.routes.get(prefix, {})
    rows = []
    for name, sizes in times.items():
        for size, costs in sizes.items():
            if "error" in costs:
                rows.append([f"{name}, {int(size):,}", *["failed"] * 4])
            else:
                rows.append([f"{name}, {int(size):,}", *(figure(costs.get(kind)) for kind in [*KINDS, "build"])])
    return table(["router and number of rules", *(f"{kind}, µs" for kind in KINDS), "build, ms"], rows)


def number(results: Results, prefix: str, name: str, size: str, kind: str) -> float | None:
    """Return one time of the routers, if it was measured."""
    found = results.routes.get(prefix, {}).get(name, {}).get(size, {}).get(kind)
    return found if isinstance(found, float) else None


def ratio(above: float | None, below: float | None) -> float | None:
    """Return how many times the one is the other, if both were measured."""
    return None if above is None or not below else above / below


def route_ratios(results: Results) -> str:
    """Return the table of ratios: Werkzeug to Erlen at the most rules, and Erlen at the most rules to 10."""
    rows = []
    for prefix, words in PREFIXES.items():
        for name in (ERLEN, f"{ERLEN}, inside a request"):
            for label, counted in (("time", False), ("instructions", True)):

                def get(who: str, size: str, kind: str, prefix: str = prefix, counted: bool = counted) -> float | None:
                    if counted:
                        return results.route_counts.get(prefix, {}).get(who, {}).get(size, {}).get(kind)
                    return number(results, prefix, who, size, kind)

                kinds = KINDS if counted else [*KINDS, "build"]
                faster = [ratio(get(WERKZEUG, MOST, kind), get(name, MOST, kind)) for kind in kinds]
                grown = [ratio(get(name, MOST, kind), get(name, "10", kind)) for kind in KINDS]
                if any(value is not None for value in [*faster, *grown]):
                    cells = [*map(figure, faster), *([] if len(kinds) == 4 else ["–"]), *map(figure, grown)]
                    rows.append([f"{name}, {label}, {words}", *cells])
    head = [*(f"Werkzeug / Erlen, {kind}" for kind in [*KINDS, "build"]), *(f"10,000 / 10, {kind}" for kind in KINDS)]
    return table(["at 10,000 rules", *head], rows)


def imports(results: Results) -> str:
    """Return the table of import times."""
    found = results.imports
    rows = ([title, *map(figure, found[title])] for title in ordered(found))
    return table(["ms of CPU", "import, lowest", "import, median", "with the application, lowest"], rows)


def memory(results: Results) -> str:
    """Return the table of memory."""
    found = results.memory
    rows = ([title, *(figure(value) for value in [*found[title], None, None][:4])] for title in ordered(found))
    head = ["RSS, imported", "PSS, imported", "RSS, after 1,000 requests", "PSS, after 1,000 requests"]
    return table(["MiB", *head], rows)


def versions(results: Results) -> str:
    """Return what was measured, in a paragraph."""
    listed = ", ".join(f"{name} {number}" for name, number in sorted(results.versions.items()))
    return f"Python {results.python}; {listed}.\n"


def failures(results: Results) -> str:
    """Return a list of what could not be measured, with the reason."""
    return "\n".join(f"- {name}: {reason}" for name, reason in sorted(results.failures.items())) + "\n"


class Goal:
    """A figure that is to be reached: what it is about, where it stands, and the most (or the least) that it may be."""

    def __init__(self, title: str, limit: float, value: Callable[[Results], float | None], least: bool = False) -> None:
        self.title = title
        self.limit = limit
        self.value = value
        self.least = least

    def row(self, results: Results) -> list[str]:
        """Return its row."""
        value = self.value(results)
        holds = value is not None and (value >= self.limit if self.least else value <= self.limit)
        words = "not measured" if value is None else "holds" if holds else "missed"
        return [self.title, f"{'at least' if self.least else 'at most'} {figure(self.limit)}", figure(value), words]


def goals() -> Iterator[Goal]:
    """Yield the figures that Erlen is to reach."""
    limits = {"text": 30, "json": 40, "parameter": 48, "404": 40, "cookie": 115, "stored": 115, "page": 1390}
    for key, limit in limits.items():
        yield Goal(f"{BY_KEY[key].title}, over WSGI", limit, partial(count_of, "wsgi", key))
    yield Goal("text, over ASGI, async view", 34, partial(count_of, "asgi", "text"))
    for prefix, words in PREFIXES.items():
        for kind, limit in {"static": 15, "parameter": 5, "404": 5, "build": 7}.items():
            title = f"Werkzeug / Erlen at 10,000 rules, {kind}, {words}"
            yield Goal(title, limit, partial(faster, prefix, kind), least=True)
        for kind in KINDS:
            yield Goal(f"10,000 rules / 10 rules, {kind}, {words}", 1.2, partial(grown, prefix, kind))
    yield Goal("imports, Erlen / Flask", 1, lambda results: beside_flask(results.imports))
    yield Goal("memory, Erlen / Flask", 1, lambda results: beside_flask(results.memory))


def count_of(interface: str, key: str, results: Results) -> float | None:
    """Return the thousands of instructions that Erlen takes for a work, if it was counted."""
    return results.counts.get(interface, {}).get(ERLEN, {}).get(key)


def faster(prefix: str, kind: str, results: Results) -> float | None:
    """Return how many times as long as Erlen Werkzeug takes at the most rules."""
    return ratio(number(results, prefix, WERKZEUG, MOST, kind), number(results, prefix, ERLEN, MOST, kind))


def grown(prefix: str, kind: str, results: Results) -> float | None:
    """Return how many times as long Erlen takes at the most rules as at 10."""
    return ratio(number(results, prefix, ERLEN, MOST, kind), number(results, prefix, ERLEN, "10", kind))


def beside_flask(figures: Mapping[str, list[float]]) -> float | None:
    """Return Erlen's first figure divided by Flask's."""
    return ratio(*(figures[name][0] if name in figures else None for name in (ERLEN, "Flask")))


def goal_table(results: Results) -> str:
    """Return what is to be reached, beside what is."""
    rows = [goal.row(results) for goal in goals()]
    return table(["figure to reach", "limit", "measured", ""], rows)
