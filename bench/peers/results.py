"""What was measured, kept in a file, so that a part can be measured again and the tables are still whole."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from peers.catalogue import PACKAGES, PEERS

#: By router, by number of rules: microseconds of a match by kind of path, milliseconds of ``build``, or ``error``.
RouteTimes = dict[str, dict[str, dict[str, float | str]]]


@dataclass
class Results:
    """All figures, by what they are about.

    ``counts`` has thousands of instructions by interface, peer and work; ``routes`` and ``route_counts`` start with the
    prefix that all rules stand behind; ``imports`` and ``memory`` have a list for each peer.
    """

    python: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    routes: dict[str, RouteTimes] = field(default_factory=dict)
    route_counts: dict[str, dict[str, dict[str, dict[str, float]]]] = field(default_factory=dict)
    imports: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def note_versions(self) -> None:
        """Write down what is installed in this environment."""
        self.python = platform.python_version()
        for name in [*(peer.package for peer in PEERS if peer.package), *PACKAGES]:
            try:
                self.versions[name] = version(name)
            except PackageNotFoundError:
                self.versions[name] = "not installed"

    def add_counts(self, interface: str, title: str, costs: dict[str, float], failures: dict[str, str]) -> None:
        """Write down what a peer takes over one interface; what failed is forgotten where it now was counted."""
        self.counts.setdefault(interface, {}).setdefault(title, {}).update(costs)
        self.failures.pop(f"{title}, {interface}, all", None)
        for key in costs:
            self.failures.pop(f"{title}, {interface}, {key}", None)
        for key, reason in failures.items():
            self.counts[interface][title].pop(key, None)
            self.failures[f"{title}, {interface}, {key}"] = reason

    def forget(self, name: str) -> None:
        """Forget the failures whose names begin with *name*."""
        self.failures = {key: reason for key, reason in self.failures.items() if not key.startswith(name)}

    def save(self, path: Path) -> None:
        """Write all to a file."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


@contextmanager
def changing(path: Path) -> Iterator[Results]:
    """Yield what was saved, and save it again as it then is: what was measured before something failed is kept."""
    found = load(path)
    yield found
    found.save(path)


def load(path: Path) -> Results:
    """Return what was saved; nothing, if there is no file."""
    return Results(**json.loads(path.read_text())) if path.exists() else Results()
