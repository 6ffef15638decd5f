#!/usr/bin/env python3
"""Everything a developer of Erlen runs, with nothing installed but Python 3.11 or later.

    python3 dev.py demo     run the demo application
    python3 dev.py test     run all tests, or what follows as arguments of pytest
    python3 dev.py lint     ruff, mypy, and the layers of the package
    python3 dev.py bench    count the instructions of a request, beside Flask
    python3 dev.py bench sessions    measure what sessions cost and lose, beside other session systems
    python3 dev.py bench async       count the instructions of async views and WebSockets, beside Starlette
    python3 dev.py bench connections measure the memory of WebSockets and streams that are open, beside Starlette
    python3 dev.py bench served      measure requests over real servers, beside twelve peers; --help lists its options
    python3 dev.py bench peers       count and time beside twelve frameworks, in process; --help lists its options
    python3 dev.py extensions        make the environments that the tests of Flask's extensions run in, or those named

The first call makes a virtual environment in ``.venv`` and installs what the command needs, at the versions in
``constraints.txt``: the demo gets the run-time dependencies alone. Later calls start at once. Each extension of
Flask has an environment of its own in ``.extensions``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
PIP = BIN / ("pip.exe" if os.name == "nt" else "pip")
STAMP = VENV / ".erlen-installed"
DEMO = ROOT / "examples" / "dashboard"
EXTENSIONS = ROOT / ".extensions"
APPLICATIONS = ROOT / "tests" / "extensions"
FIRST_PORT = 5000
OWN = ["peers", "served"]  # the benches that have an environment and options of their own
SETS = {"run": "", "dev": "[dev]", "peers": "[dev,peers]"}  # what can be installed; each has all of those before it


def main() -> None:
    """Read the command line and run one command."""
    if sys.version_info < (3, 11):
        sys.exit(f"Erlen needs Python 3.11 or later; this is {sys.version.split()[0]}.")
    # An installation that is told to stop ends the program it waits for, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    options, rest = parser().parse_known_args()
    if rest and options.command != "test" and getattr(options, "what", None) not in OWN:
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    os.chdir(ROOT)
    if options.command == "demo":
        demo(options.port)
    elif options.command == "test":
        install("dev")
        become("pytest", *(rest or ["-n", "auto", "--dist", "worksteal"]))  # all of them take minutes: on every core
    elif options.command == "lint":
        lint()
    elif options.command == "extensions":
        extensions(options.name)
    else:
        bench(options.what, rest)


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(prog="dev.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    run = commands.add_parser("demo")
    run.add_argument("--port", type=int, help=f"the port; without it, {FIRST_PORT} or the next one that is free")
    commands.add_parser("test", add_help=False)
    commands.add_parser("lint")
    measured = commands.add_parser("bench", add_help=False)
    measured.add_argument("what", nargs="?", choices=["sessions", "async", "connections", *OWN])
    commands.add_parser("extensions").add_argument("name", nargs="*", help="such as flask_cors; without one, all")
    return top


def demo(port: int | None) -> None:
    """Serve the demo application until the process is told to stop."""
    install("run")
    instance = DEMO / "instance"
    if not (instance / "secret_key").exists():
        run(PYTHON, "-m", "erlen", "secret", "--save", "--instance", instance)
    port = free_port(port)
    print(f"http://127.0.0.1:{port}", flush=True)
    become(
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--workers-kill-timeout", "5", "--blocking-threads", "4", "--no-ws"),
        *("--working-dir", str(DEMO), "app:app"),
    )


def lint() -> None:
    """Run every check, so that one call shows all there is to mend."""
    install("dev")
    failed = []
    for check in ("ruff check", "ruff format --check", "mypy", "lint-imports"):
        print(f"$ {check}", flush=True)
        program, *arguments = check.split()
        if subprocess.run([str(BIN / program), *arguments], check=False).returncode:
            failed.append(check)
    if failed:
        sys.exit(f"Not clean: {', '.join(failed)}.")


def bench(what: str | None = None, rest: Sequence[str] = ()) -> None:
    """Print what a request costs, and what an import takes; or what *what* names, beside its peers.

    *rest* are the options of a bench that has some.
    """
    if what == "served":
        run(sys.executable, ROOT / "bench" / "environment.py", what, *rest)
        return
    if what in ("sessions", "connections"):
        install("peers")
        run(PYTHON, ROOT / "bench" / f"{what}.py")
        return
    missing = [program for program in ("valgrind", "gcc") if not shutil.which(program)]
    if missing:
        sys.exit(f"The bench needs {' and '.join(missing)}: apt-get install valgrind gcc libc6-dev")
    if what in OWN:
        run(sys.executable, ROOT / "bench" / "environment.py", what, *rest)
        return
    if what == "async":
        install("peers")
        run(PYTHON, ROOT / "bench" / "asgi_instructions.py")
        return
    install("dev")
    run(PYTHON, ROOT / "bench" / "instructions.py")
    run(PYTHON, ROOT / "bench" / "import_time.py")


def extensions(names: list[str]) -> None:
    """Make the environments of the extensions called *names*, or of all; those that are up to date are left alone.

    An extension is a folder in ``tests/extensions`` with a ``requirements.txt``, whose environment has the real Flask,
    too. What ``alone.txt`` lists is put into a second environment, and nothing that it depends on: it has no Flask.
    """
    known = sorted(path.parent.name for path in APPLICATIONS.glob("*/requirements.txt"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.exit(f"No extension is called {' or '.join(unknown)}. There are: {', '.join(known)}.")
    for name in names or known:
        fill(EXTENSIONS / name, APPLICATIONS / name / "requirements.txt")
        if (APPLICATIONS / name / "alone.txt").exists():
            fill(EXTENSIONS / f"{name}-alone", APPLICATIONS / name / "alone.txt", "--no-deps")


def fill(folder: Path, listed: Path, *options: str) -> None:
    """Make the environment *folder* with Erlen, pytest and what the file *listed* says, unless that has been done."""
    stamp = folder / STAMP.name
    tomllib = importlib.import_module("tomllib")  # not at the start, where an older Python is told that it is too old
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = constraints(listed)
    mark = hashlib.sha256(repr((str(ROOT), project, pins, listed.read_text(), options)).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == mark and inside(folder).exists():
        return
    pip = EXTENSIONS / "pip"  # one for all: it is larger than most extensions, and takes longer to be put in place
    if not inside(pip).exists():
        make_environment(pip)
    print(f"Installing into {EXTENSIONS.name}/{folder.name} …", file=sys.stderr, flush=True)
    venv.create(folder, clear=True)
    (folder / "constraints.txt").write_text(pins)
    command: list[str | Path] = [inside(pip), "-m", "pip", "--python", inside(folder), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--constraint", folder / "constraints.txt"]
    targets: list[str | Path] = ["pytest", "--editable", ROOT]
    hint = f"The installation for {folder.name} failed. It needs the package index once; what pip says stands above."
    if options:
        run(*command, *targets, hint=hint)
        targets = []
    run(*command, *options, *targets, "--requirement", listed, hint=hint)
    stamp.write_text(mark)


def constraints(listed: Path) -> str:
    """Return what ``constraints.txt`` says of packages that the file *listed* does not pin itself."""
    pinned = {pin.partition("==")[0].lower() for pin in listed.read_text().split()}
    lines = (ROOT / "constraints.txt").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if line.partition("==")[0].lower() not in pinned)


def install(wanted: str) -> None:
    """Make the virtual environment and install a set into it, unless that has been done.

    *wanted* is ``"run"``, what an application needs to run, or ``"dev"``, which has all of that and more, or
    ``"peers"``, which has that and what Erlen is measured against beside Flask.
    """
    mark = fingerprint()
    whole = PYTHON.exists() and PIP.exists()  # not so after a stop half-way, or an upgrade of the system's Python
    done = STAMP.read_text().split() if whole and STAMP.exists() else []
    if done in ([name, mark] for name in list(SETS)[list(SETS).index(wanted) :]):
        return
    if not whole:
        make_environment(VENV)
    STAMP.unlink(missing_ok=True)
    target = f"{ROOT}{SETS[wanted]}"
    print(f"Installing into {VENV.name} …", file=sys.stderr, flush=True)
    run(
        *(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--constraint", ROOT / "constraints.txt", "--editable", target),
        hint="The installation failed. It needs the package index once; what pip says stands above.",
    )
    STAMP.write_text(f"{wanted} {mark}")


def fingerprint() -> str:
    """Return a hash of all that decides what is installed, the place of the checkout among it."""
    parts = [str(ROOT).encode(), (ROOT / "pyproject.toml").read_bytes(), (ROOT / "constraints.txt").read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make_environment(folder: Path) -> None:
    """Make the environment *folder*, with pip in it."""
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "This Python cannot make a virtual environment with pip in it, because its module ensurepip is missing.\n"
            "On Debian and Ubuntu: apt-get install python3-venv"
        )
    print(f"Making {folder.name} …", file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True, clear=True)


def inside(folder: Path) -> Path:
    """Return the Python of the environment *folder*."""
    return folder.joinpath(*PYTHON.relative_to(VENV).parts)


def free_port(port: int | None) -> int:
    """Return *port* if nobody listens on it, or the first free one from 5000 on when it is None."""
    if port is not None and not is_free(port):
        sys.exit(f"Port {port} is in use. Give another one with --port, or none to have a free one chosen.")
    return port or next(filter(is_free, range(FIRST_PORT, 65536)))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on *port* of this machine."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def run(*command: str | Path, hint: str = "") -> None:
    """Run a program and wait for it; leave with its exit status, and *hint*, if it fails."""
    status = subprocess.run(list(map(str, command)), check=False).returncode
    if status:
        print(hint or f"This failed: {' '.join(map(str, command))}", file=sys.stderr)
        sys.exit(status)


def become(module: str, *arguments: str) -> None:
    """Go on as ``python -m module`` of the environment: the same process, so that signals reach it."""
    command = [str(PYTHON), "-m", module, *arguments]
    if os.name == "nt":  # where exec starts a second process and lets the first one end
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
