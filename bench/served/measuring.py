"""Starts applications on servers and measures them beside the bare callable, which runs at the same time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from served.matrix import APPS, BARE, OWN, SERVERS, App, environment
from served.processes import Failed, Server, running
from served.redis_traffic import Redis, Traffic
from served.rounds import Ratio, alternate, size_of_round
from served.work import HELLO, Work
from serving import find_free_port

T = TypeVar("T")
ROUND = 20.0
"""Milliseconds of the server's processor time in one round."""


@dataclass(frozen=True)
class Cell:
    """What was measured of one application on one server."""

    ratio: Ratio
    memory: int = 0
    """Bytes of the server with all its processes, after the rounds."""
    traffic: Traffic | None = None


class Bench:
    """Measures cells.

    :param static: the folder with the static file
    :param rounds: how many pairs of rounds a cell has
    """

    def __init__(self, static: Path, rounds: int) -> None:
        self._static = static
        self._rounds = rounds

    def start(self, stack: contextlib.ExitStack, app: App, server: str, part: str = "hello", redis: str = "") -> Server:
        """Start *app* on *server*, to be ended with *stack*."""
        port = find_free_port()
        variables = environment(self._static, part, redis)
        return stack.enter_context(running(SERVERS[server](app.target(server), port), port, variables, APPS))

    def hello(self, app: App, server: str) -> Cell:
        """Measure "hello" beside the bare callable on the same server, and the memory that it leaves in use."""
        with contextlib.ExitStack() as stack:
            subject = self.start(stack, app, server)
            bare = self.start(stack, BARE, _beside(server))
            ratio = self._pair(stack, HELLO, subject, HELLO, bare)
            return Cell(ratio, subject.memory())

    def floor(self, server: str) -> Cell:
        """Measure the bare callable on *server* beside the one on granian over WSGI."""
        with contextlib.ExitStack() as stack:
            subject = self.start(stack, BARE, server)
            first = self.start(stack, BARE, "granian WSGI")
            ratio = self._pair(stack, HELLO, subject, HELLO, first)
            return Cell(ratio, subject.memory())

    def all_work(self, app: App, server: str, work: Iterable[Work]) -> dict[str, Cell | str]:
        """Measure each kind of work on one server; what fails says why, what an application cannot do is left out."""
        found: dict[str, Cell | str] = {}
        with contextlib.ExitStack() as stack:
            subject = self.start(stack, app, server)
            for each in work:
                if each.name in app.without:
                    continue
                found[each.name] = attempt(
                    f"{app.name} on {server}: {each.name}", self._one, app, server, each, subject
                )
        return found

    def _one(self, app: App, server: str, work: Work, subject: Server) -> Cell:
        with contextlib.ExitStack() as stack:
            beside = _beside(server)
            if work.part == "echo" and beside == "granian WSGI":
                beside = "granian ASGI"
            bare = self.start(stack, BARE, beside, work.part)
            if app is BARE:
                subject = self.start(stack, BARE, server, work.part)
            other = work if work.part != "hello" else HELLO
            return Cell(self._pair(stack, work, subject, other, bare))

    def session(self, app: App, server: str, work: Work, redis: Redis) -> Cell:
        """Measure one kind of work with a session on *redis*, beside a bare callable that keeps none, over WSGI."""
        with contextlib.ExitStack() as stack:
            subject = self.start(stack, app, server, "session", redis.url)
            bare = self.start(stack, BARE, "granian WSGI")
            ratio = self._pair(stack, work, subject, HELLO, bare)
            run = stack.enter_context(work.runner(subject))
            return Cell(ratio, traffic=redis.traffic(run))

    def _pair(self, stack: contextlib.ExitStack, work: Work, subject: Server, other: Work, bare: Server) -> Ratio:
        run, beside = stack.enter_context(work.runner(subject)), stack.enter_context(other.runner(bare))
        return alternate(run, beside, size_of_round(run, ROUND), self._rounds, ROUND)


def _beside(server: str) -> str:
    return "granian RSGI" if server in OWN else server


def attempt(name: str, measure: Callable[..., T], *arguments: object) -> T | str:
    """Return what *measure* returns, or what has failed, in one line; all is told on the way."""
    print(f"{name} … ", end="", file=sys.stderr, flush=True)
    try:
        found = measure(*arguments)
    except (Failed, OSError) as error:
        text = f"failed: {' '.join(str(error).split())}"
        print(text, file=sys.stderr, flush=True)
        return text
    print(found.ratio if isinstance(found, Cell) else "", file=sys.stderr, flush=True)
    return found
