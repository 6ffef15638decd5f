"""dev.py: what it installs and when, the port it takes, and what it says when something is missing."""

from __future__ import annotations

import importlib.util
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A fresh copy of the module, whose checkout is an empty one and whose programs are noted, not run."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("Flask==3.1.3\nRich==15.0.0\n")
    for name, path in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "PYTHON": tmp_path / ".venv" / "python",
        "PIP": tmp_path / ".venv" / "pip",
        "STAMP": tmp_path / ".venv" / "stamp",
        "EXTENSIONS": tmp_path / ".extensions",
        "APPLICATIONS": tmp_path / "tests" / "extensions",
    }.items():
        monkeypatch.setattr(module, name, path)
    monkeypatch.setattr(module.venv, "create", lambda folder, **options: make_environment(folder))
    return module


def make_environment(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("python", "pip"):
        (folder / name).touch()


@pytest.fixture
def installed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pip was asked to install, call by call."""
    targets: list[str] = []
    monkeypatch.setattr(dev, "run", lambda *command, hint="": targets.append(command[-1]))
    return targets


@pytest.fixture
def extension(dev: ModuleType) -> Path:
    """The folder of an extension that asks for an older Rich than Erlen, and needs no Flask to be installed."""
    folder: Path = dev.APPLICATIONS / "flask_tables"
    folder.mkdir(parents=True)
    for name in ("requirements.txt", "alone.txt"):
        (folder / name).write_text("flask-tables==1.0\nrich==14.3.4\n")
    return folder


def test_the_demo_gets_the_runtime_dependencies_alone(dev: ModuleType, installed: list[str], tmp_path: Path) -> None:
    dev.install("run")
    assert installed == [str(tmp_path)]


def test_a_set_is_installed_once(dev: ModuleType, installed: list[str]) -> None:
    dev.install("run")
    dev.install("run")
    assert len(installed) == 1


def test_the_development_set_is_added_to_the_runtime_set_and_serves_for_it(
    dev: ModuleType, installed: list[str], tmp_path: Path
) -> None:
    dev.install("run")
    dev.install("dev")
    dev.install("run")
    assert installed == [str(tmp_path), f"{tmp_path}[dev]"]


def test_the_bench_of_sessions_adds_what_it_measures_against_and_serves_for_all_else(
    dev: ModuleType, installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.os, "chdir", lambda folder: None)
    monkeypatch.setattr(dev.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(dev.sys, "argv", ["dev.py", "bench", "sessions"])
    dev.install("dev")
    dev.main()
    dev.install("dev")
    dev.install("run")
    assert list(map(str, installed)) == [
        f"{tmp_path}[dev]",
        f"{tmp_path}[dev,peers]",
        str(tmp_path / "bench" / "sessions.py"),
    ]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_list_of_dependencies_is_installed(
    name: str, dev: ModuleType, installed: list[str], tmp_path: Path
) -> None:
    dev.install("run")
    (tmp_path / name).write_text("something else")
    dev.install("run")
    assert len(installed) == 2


def test_an_environment_that_is_not_whole_is_made_anew(
    dev: ModuleType, installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.install("run")
    (tmp_path / ".venv" / "pip").unlink()
    monkeypatch.setattr(dev.venv, "create", lambda folder, **options: (folder / "pip").touch())
    dev.install("run")
    assert (tmp_path / ".venv" / "pip").exists()
    assert len(installed) == 2


def test_an_installation_that_failed_is_tried_again(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "run", lambda *command, hint="": sys.exit(hint))
    with pytest.raises(SystemExit, match="The installation failed"):
        dev.install("run")
    assert not dev.STAMP.exists()


def test_a_python_without_ensurepip_is_told_what_to_install(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        dev.install("run")


def test_an_older_python_is_refused_with_the_version_it_needs(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"Erlen needs Python 3\.11 or later"):
        dev.main()


def test_a_port_that_is_asked_for_and_in_use_is_refused(dev: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} is in use"):
            dev.free_port(port)


def test_without_a_port_the_next_free_one_is_taken(
    dev: ModuleType, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "FIRST_PORT", free_port)
    with socket.create_server(("127.0.0.1", free_port)):
        assert dev.free_port(None) > free_port
    assert dev.free_port(None) == free_port


@pytest.mark.parametrize(("what", "program"), [("connections", "connections.py"), ("async", "asgi_instructions.py")])
def test_the_benches_beside_starlette_install_it(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, what: str, program: str
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(dev.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(dev, "install", seen.append)
    monkeypatch.setattr(dev, "run", lambda *command: seen.append(command[-1].name))
    dev.bench(what)
    assert seen == ["peers", program]
    assert "starlette" in (Path(dev.__file__).parent / "pyproject.toml").read_text()


def test_the_bench_over_servers_gets_the_options_that_follow(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(dev.os, "chdir", lambda folder: None)
    monkeypatch.setattr(dev.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(dev, "run", lambda *command: seen.extend(map(str, command)))
    monkeypatch.setattr(dev.sys, "argv", ["dev.py", "bench", "served", "--only", "flask", "erlen"])
    dev.main()
    assert seen == [sys.executable, str(dev.ROOT / "bench" / "environment.py"), "served", "--only", "flask", "erlen"]


def test_a_bench_with_an_environment_of_its_own_gets_the_options_that_follow(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(dev.os, "chdir", lambda folder: None)
    monkeypatch.setattr(dev.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(dev.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(dev, "run", lambda *command: seen.extend(map(str, command)))
    monkeypatch.setattr(dev.sys, "argv", ["dev.py", "bench", "peers", "--only", "flask", "text"])
    dev.main()
    assert seen == [sys.executable, str(dev.ROOT / "bench" / "environment.py"), "peers", "--only", "flask", "text"]


def test_options_that_a_bench_does_not_have_are_refused(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(dev.sys, "argv", ["dev.py", "bench", "async", "--only", "flask"])
    with pytest.raises(SystemExit):
        dev.main()
    assert "unrecognized arguments: --only flask" in capsys.readouterr().err


def test_the_bench_says_which_programs_it_needs(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda program: None)
    with pytest.raises(SystemExit, match="The bench needs valgrind and gcc: apt-get install"):
        dev.bench()


def test_an_extension_has_an_environment_and_one_without_flask(
    dev: ModuleType, extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(dev, "run", lambda *command, hint="": commands.append([str(part) for part in command]))
    dev.extensions([])
    with_flask, erlen, alone = (command[command.index("--constraint") + 2 :] for command in commands)
    assert with_flask == ["pytest", "--editable", str(tmp_path), "--requirement", str(extension / "requirements.txt")]
    assert erlen == ["pytest", "--editable", str(tmp_path)]
    assert alone == ["--no-deps", "--requirement", str(extension / "alone.txt")]
    assert [command[4].rpartition("/.extensions/")[2] for command in commands] == [
        "flask_tables/python",
        "flask_tables-alone/python",
        "flask_tables-alone/python",
    ]


def test_the_environments_of_extensions_are_made_once_and_anew_when_their_lists_change(
    dev: ModuleType, installed: list[str], extension: Path
) -> None:
    dev.extensions(["flask_tables"])
    dev.extensions([])
    assert len(installed) == 3
    (extension / "requirements.txt").write_text("flask-tables==1.1\n")
    dev.extensions([])
    assert len(installed) == 4
    dev.ROOT.joinpath("pyproject.toml").write_text('[project]\ndependencies = ["another"]\n')
    dev.extensions([])
    assert len(installed) == 7
    dev.ROOT.joinpath("pyproject.toml").write_text('[project]\ndependencies = ["another"]\n[tool.ruff]\n')
    dev.extensions([])
    assert len(installed) == 7


def test_an_extension_may_pin_another_version_than_erlen_does(
    dev: ModuleType, installed: list[str], extension: Path
) -> None:
    dev.extensions([])
    assert (dev.EXTENSIONS / "flask_tables" / "constraints.txt").read_text() == "Flask==3.1.3\n"


def test_an_extension_whose_installation_failed_is_tried_again(
    dev: ModuleType, extension: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "run", lambda *command, hint="": sys.exit(hint))
    for _ in range(2):
        with pytest.raises(SystemExit, match="The installation for flask_tables failed"):
            dev.extensions([])


def test_an_extension_that_there_is_not_is_refused_with_those_that_there_are(dev: ModuleType, extension: Path) -> None:
    with pytest.raises(SystemExit, match=r"No extension is called flask_chairs\. There are: flask_tables\."):
        dev.extensions(["flask_chairs"])


def test_the_command_line_names_extensions(
    dev: ModuleType, installed: list[str], extension: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.os, "chdir", lambda folder: None)
    monkeypatch.setattr(dev.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(dev.sys, "argv", ["dev.py", "extensions", "flask_tables"])
    dev.main()
    assert len(installed) == 3
