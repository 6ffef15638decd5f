"""What tests share: programs that may be missing, ports, and applications on real servers."""

from __future__ import annotations

import compileall
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import fuzzing
from serving import Server, find_free_port, find_program, serving
from store_servers import Servers

ROOT = Path(__file__).resolve().parent.parent

# The same cases in every run: a test that fails for one person fails for all. HYPOTHESIS_SEED=random draws new ones.
# None has to be done in a time: a busy machine is no mistake.
hypothesis.settings.register_profile("fixed", derandomize=os.environ.get("HYPOTHESIS_SEED") != "random", deadline=None)
hypothesis.settings.load_profile("fixed")


def pytest_configure(config: pytest.Config) -> None:
    """Compile Erlen once, for hundreds of interpreters to come; many machines tell Python to keep nothing compiled."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So a shell starts what runs in its background; the servers of the tests are to hear Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(ROOT / "src", quiet=2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Keep what is compiled, and keep the garbage collector from the tests: there are thousands, and all are needed."""
    keeps_nothing, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    gc.disable()
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = keeps_nothing
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_runtest_setup() -> None:
    """Let all loggers speak: a test that configures logging silences those that it does not name."""
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Note how many cases a fuzz test has tried."""
    before = fuzzing.tried.total()
    try:
        return (yield)
    finally:
        if fuzzing.tried.total() > before:
            item.user_properties.append((fuzzing.TRIED, fuzzing.tried.total() - before))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases a soak has tried."""
    if fuzzing.ASKED is None:
        return
    reports = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    counts = [number for report in reports for name, number in report.user_properties if name == fuzzing.TRIED]
    terminalreporter.write_line(f"{sum(counts):,} cases of bad input in {len(counts)} tests")


@pytest.fixture(scope="session")
def require() -> Callable[[str, str], str]:
    """Return a function that gives the path of a program, or skips the test if it is missing.

    It takes the program and how to install it: ``require("chromium", "apt-get install chromium")``.
    With ``ERLEN_REQUIRE_SERVERS=1`` in the environment a missing program is a failure.
    """

    def require(program: str, install: str) -> str:
        path = find_program(program)
        if path is None:
            reason = f"{program} is missing: {install}"
            if os.environ.get("ERLEN_REQUIRE_SERVERS") == "1":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        return path

    return require


@pytest.fixture(scope="session")
def servers(require: Callable[[str, str], str]) -> Iterator[Servers]:
    """The servers that session stores speak to, shared by the tests of this process."""
    servers = Servers(require, find_free_port)
    yield servers
    servers.close()


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    return find_free_port()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """The function that :func:`serving` gives, for one test."""
    with serving(tmp_path) as start:
        yield start
