"""The package as its users get it: built, installed into an empty environment, and used from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

APPLICATION = """
from erlen import Erlen, request

app = Erlen(__name__)

@app.route("/<name>")
def hello(name: str) -> str:
    return f"Hello, {name}, on page {request.args['page']}!"
"""

QUESTION = """
import erlen, hello
answer = hello.app.test_client().get("/ada?page=2")
print(erlen.__file__, answer.status_code, answer.text, sep="\\n")
"""


def run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "PYTHON"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone; what it depends on comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel]
    run(*command, "--quiet", "--disable-pip-version-check", cwd=folder)
    place = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # A folder that a .pth file adds has its own .pth files left alone: the checkout stays out of reach.
    (Path(place) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_the_wheel_holds_the_whole_package_its_type_marker_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
    files = [path for path in (ROOT / "src").rglob("*") if path.is_file()]
    assert names == {path.relative_to(ROOT / "src").as_posix() for path in files if "__pycache__" not in path.parts}
    assert {"erlen/py.typed", "erlen/sessions/__init__.pyi", "erlen/testing/__init__.pyi", "pytest_erlen.py"} <= names
    assert len(licences) == 1


def test_the_wheel_says_what_it_is_and_what_it_needs(metadata: Message) -> None:
    assert metadata["Name"] == "erlen"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.lower().split(">")[0].split("<")[0] for line in needed} == {
        *("blinker", "click", "granian", "itsdangerous", "jinja2", "msgspec", "werkzeug"),
    }


def test_an_application_in_an_empty_folder_runs_on_the_installed_wheel(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(APPLICATION)
    file, status, text = run(environment / "bin" / "python", "-c", QUESTION, cwd=tmp_path).splitlines()
    assert Path(file).is_relative_to(environment)
    assert (status, text) == ("200", "Hello, ada, on page 2!")


def test_the_installed_command_and_the_module_tell_the_version_of_the_wheel(
    environment: Path, metadata: Message, tmp_path: Path
) -> None:
    python = environment / "bin" / "python"
    assert metadata["Version"] in run(environment / "bin" / "erlen", "--version", cwd=tmp_path)
    assert metadata["Version"] in run(python, "-m", "erlen", "--version", cwd=tmp_path)
    assert run(python, "-c", "import erlen; print(erlen.__version__)", cwd=tmp_path).strip() == metadata["Version"]
