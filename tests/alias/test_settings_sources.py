"""``app.config``: where settings come from, as Flask's documentation of configuration describes it."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("FLASK_", "HARBOUR_")):
            monkeypatch.delenv(name)


@pytest.fixture
def config(flask: Any, tmp_path: Path) -> Any:
    """An empty configuration whose files are in a folder of the test's own."""
    return flask.Config(str(tmp_path))


# Objects and mappings.


class Quay:
    BERTHS = 12
    DRAUGHT = 4.5
    lights = "green"

    @property
    def DEPTH(self) -> float:
        return self.DRAUGHT * 2


class Ferry(Quay):
    BERTHS = 2
    Mixed_Case = "left out"


def harbour_module() -> ModuleType:
    module = ModuleType("harbour_settings")
    vars(module).update(BERTHS=3, PILOT="Grete", pilot="nobody", Ferry=Ferry)
    return module


def test_capital_attributes_of_a_class_are_taken_with_those_of_its_bases(config: Any) -> None:
    config.from_object(Ferry)
    assert isinstance(config.pop("DEPTH"), property)  # a class is not made an object of
    assert config == {"BERTHS": 2, "DRAUGHT": 4.5}


def test_the_properties_of_an_object_are_computed(config: Any) -> None:
    config.from_object(Ferry())
    assert config == {"BERTHS": 2, "DRAUGHT": 4.5, "DEPTH": 9.0}


@pytest.mark.parametrize("by_name", [False, True])
def test_a_module_is_taken_itself_or_by_its_name(config: Any, monkeypatch: pytest.MonkeyPatch, by_name: bool) -> None:
    module = harbour_module()
    monkeypatch.setitem(sys.modules, "harbour_settings", module)
    config.from_object("harbour_settings" if by_name else module)
    assert config == {"BERTHS": 3, "PILOT": "Grete"}


def test_an_import_name_may_lead_into_a_module(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harbour_settings", harbour_module())
    config.from_object("harbour_settings.Ferry")
    assert config["BERTHS"] == 2
    with pytest.raises(ImportError):
        config.from_object("harbour_settings.Tug")


def test_a_mapping_and_keywords_are_taken_without_small_letters(config: Any) -> None:
    config["TIDE"] = "low"
    assert config.from_mapping({"TIDE": "high", "wind": "west"}, BUOYS=7, gulls=40) is True
    assert config.from_mapping(PILOT="Grete") is True
    assert config == {"TIDE": "high", "BUOYS": 7, "PILOT": "Grete"}
    with pytest.raises(TypeError):
        config.from_mapping({"A": 1}, {"B": 2})


def test_what_is_taken_later_counts(config: Any) -> None:
    config.from_object(Quay)
    config.from_mapping(BERTHS=30)
    config.update(BERTHS=31)
    assert config["BERTHS"] == 31
    config.from_object(SimpleNamespace(BERTHS=32))
    assert config["BERTHS"] == 32


def test_a_part_is_read_by_its_prefix(config: Any) -> None:
    config.update(CRANE_LOAD=20, CRANE_ARM_LENGTH=35, CRANES=2, SHED="north")
    assert config.get_namespace("CRANE_") == {"load": 20, "arm_length": 35}
    assert config.get_namespace("CRANE_", lowercase=False) == {"LOAD": 20, "ARM_LENGTH": 35}
    assert config.get_namespace("CRANE_", trim_namespace=False) == {"crane_load": 20, "crane_arm_length": 35}
    assert config.get_namespace("CRANE_", lowercase=False, trim_namespace=False).keys() == {
        *("CRANE_LOAD", "CRANE_ARM_LENGTH")
    }
    assert config.get_namespace("DOCK_") == {}


# Files.


def test_a_python_file_is_run_and_its_capital_names_are_taken(config: Any, tmp_path: Path) -> None:
    (tmp_path / "harbour.cfg").write_text("hours = 24\nWATCHES = hours // 4\nFILE = __file__\n")
    assert config.from_pyfile("harbour.cfg") is True
    assert config == {"WATCHES": 6, "FILE": str(tmp_path / "harbour.cfg")}


def test_an_absolute_path_is_read_from_where_it_is(flask: Any, tmp_path: Path) -> None:
    (tmp_path / "tides.py").write_text("HIGH = '04:10'\n")
    config = flask.Config("/nowhere/at/all", {"HIGH": "unknown", "LOW": "10:25"})
    assert config.root_path == "/nowhere/at/all"
    assert config.from_pyfile(tmp_path / "tides.py") is True
    assert config == {"HIGH": "04:10", "LOW": "10:25"}


READERS: list[tuple[str, Callable[[Any], Any], bool]] = [
    ('{"PIER": {"length": 80}, "salt": 1}', json.load, True),
    ("salt = 1\n[PIER]\nlength = 80\n", tomllib.load, False),
]


@pytest.mark.parametrize(("text", "load", "as_text"), READERS, ids=["json", "toml"])
def test_a_file_is_read_by_a_function_of_ones_choice(
    config: Any, tmp_path: Path, text: str, load: Callable[[Any], Any], as_text: bool
) -> None:
    (tmp_path / "pier").write_text(text)
    assert config.from_file("pier", load=load, text=as_text) is True
    assert config == {"PIER": {"length": 80}}


def test_the_function_is_given_text_unless_bytes_are_wanted(config: Any, tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes("Ærø".encode())
    config.from_file("name", load=lambda file: {"TEXT": file.read()})
    config.from_file("name", load=lambda file: {"RAW": file.read()}, text=False)
    assert config == {"TEXT": "Ærø", "RAW": b"\xc3\x86r\xc3\xb8"}


@pytest.mark.parametrize(
    "read",
    [
        lambda config, **options: config.from_pyfile("sunk.cfg", **options),
        lambda config, **options: config.from_file("sunk.json", load=json.load, **options),
        lambda config, **options: config.from_envvar("HARBOUR_CHART", **options),
    ],
    ids=["pyfile", "file", "envvar"],
)
def test_a_file_that_is_missing_is_an_error_unless_silence_is_asked_for(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., bool]
) -> None:
    monkeypatch.setenv("HARBOUR_CHART", "sunk.chart")
    with pytest.raises(FileNotFoundError) as caught:
        read(config)
    assert str(tmp_path / "sunk") in str(caught.value)
    assert read(config, silent=True) is False
    assert config == {}


def test_a_variable_names_a_file(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "winter.cfg").write_text("ICE = True\n")
    monkeypatch.setenv("HARBOUR_SEASON", str(tmp_path / "winter.cfg"))
    assert config.from_envvar("HARBOUR_SEASON") is True
    assert config == {"ICE": True}


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_names_no_file_is_an_error_that_names_it(
    config: Any, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("HARBOUR_SEASON", value)
    with pytest.raises(RuntimeError, match="HARBOUR_SEASON"):
        config.from_envvar("HARBOUR_SEASON")
    assert config.from_envvar("HARBOUR_SEASON", silent=True) is False


# Environment variables.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17", 17),
        ("-2.5", -2.5),
        ("true", True),
        ("null", None),
        ('"17"', "17"),
        ('["tug", "barge"]', ["tug", "barge"]),
        ('{"port": 8}', {"port": 8}),
        ("True", "True"),  # that is Python, and not JSON
        ("two tugs", "two tugs"),
        ("", ""),
    ],
)
def test_a_variable_is_read_as_json_and_else_as_text(
    config: Any, monkeypatch: pytest.MonkeyPatch, text: str, value: Any
) -> None:
    monkeypatch.setenv("FLASK_FLEET", text)
    assert config.from_prefixed_env() is True
    assert config == {"FLEET": value}
    assert type(config["FLEET"]) is type(value)


def test_only_variables_with_the_prefix_are_taken(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HARBOUR_TUGS": "4", "HARBOURS": "9", "FLASK_TUGS": "5", "TUGS": "6"}.items():
        monkeypatch.setenv(name, value)
    config.from_prefixed_env("HARBOUR")
    assert config == {"TUGS": 4}


def test_two_underscores_step_into_dicts_that_are_made_where_they_are_missing(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config["RADIO"] = {"channel": 16, "relay": {"mast": "old"}}
    for name, value in {"RADIO__channel": "12", "RADIO__relay__mast": "new", "SONAR__beam__angle": "30"}.items():
        monkeypatch.setenv(f"FLASK_{name}", value)
    config.from_prefixed_env()
    assert config == {
        "RADIO": {"channel": 12, "relay": {"mast": "new"}},
        "SONAR": {"beam": {"angle": 30}},
    }


def test_another_function_may_read_the_values(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARBOUR_DEPTH", "0x1F")
    monkeypatch.setenv("HARBOUR_MASTER", "Grete")  # int() raises, so that it stays a text
    config.from_prefixed_env(prefix="HARBOUR", loads=lambda text: int(text, 16))
    assert config == {"DEPTH": 31, "MASTER": "Grete"}


# The application.


def test_attributes_of_the_application_are_settings(flask: Any) -> None:
    app = flask.Flask("harbour")
    app.testing, app.debug, app.secret_key = True, True, "of the harbour master"
    assert [app.config[name] for name in ("TESTING", "DEBUG", "SECRET_KEY")] == [True, True, "of the harbour master"]
    app.config.update(TESTING=False, DEBUG=False, PERMANENT_SESSION_LIFETIME=90)
    assert (app.testing, app.debug) == (False, False)
    assert app.permanent_session_lifetime == timedelta(seconds=90)


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("0", False), (None, False)])
def test_debug_mode_begins_as_the_environment_says(
    flask: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, debug: bool
) -> None:
    if value is not None:
        monkeypatch.setenv("FLASK_DEBUG", value)
    app = flask.Flask("harbour")
    assert (app.debug, app.config["DEBUG"]) == (debug, debug)


@pytest.mark.parametrize("relative", [False, True])
def test_files_are_looked_for_in_the_root_or_in_the_instance_folder(flask: Any, tmp_path: Path, relative: bool) -> None:
    for folder in ("root", "instance"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "local.cfg").write_text(f"FOUND_IN = {folder!r}\n")
    app = flask.Flask(
        "harbour",
        root_path=str(tmp_path / "root"),
        instance_path=str(tmp_path / "instance"),
        instance_relative_config=relative,
    )
    app.config.from_pyfile("local.cfg")
    assert app.config["FOUND_IN"] == ("instance" if relative else "root")


def test_a_class_of_ones_own_is_made_with_the_defaults_of_the_application(flask: Any, tmp_path: Path) -> None:
    class Logged(flask.Config):
        def __init__(self, root_path: Any, defaults: Any = None) -> None:
            super().__init__(root_path, defaults)
            self.first = set(defaults)

    class Harbour(flask.Flask):
        config_class = Logged
        default_config: ClassVar[dict[str, Any]] = {**flask.Flask.default_config, "TIDE": "low"}
        tide = flask.config.ConfigAttribute("TIDE", get_converter=str.upper)

    app = Harbour("harbour", root_path=str(tmp_path))
    assert type(app.config) is Logged
    assert {"TIDE", "TESTING"} <= app.config.first
    assert str(app.config.root_path) == str(tmp_path)
    assert app.tide == "LOW"
    app.tide = "high"
    assert (app.config["TIDE"], app.tide) == ("high", "HIGH")
    assert isinstance(Harbour.tide, flask.config.ConfigAttribute)
    assert app.make_config(instance_relative=True).root_path == app.instance_path


def test_a_configuration_shows_its_class_and_its_values(flask: Any, config: Any) -> None:
    config["TIDE"] = "low"
    assert repr(config) == "<Config {'TIDE': 'low'}>"
    assert isinstance(config, dict)
