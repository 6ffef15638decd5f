"""How a configuration is filled: objects, files, the environment, mappings."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from erlen.config import FLASK, Config, ConfigAttribute, default_settings
from erlen.errors import ConfigError, ImportNameError


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path)


class Settings:
    COLOUR = "red"
    SIZE_2 = 3
    lower = 1
    Mixed = 2


class SpecialSettings(Settings):
    COLOUR = "blue"

    @property
    def COMPUTED(self) -> int:
        return 6 * 7


# -- objects -----------------------------------------------------------------------------------------------------------


def test_only_names_in_capital_letters_are_taken_from_an_object(config: Config) -> None:
    assert config.from_object(Settings) is None
    assert config == {"COLOUR": "red", "SIZE_2": 3}


def test_inherited_names_are_taken_and_properties_are_computed_for_an_instance(config: Config) -> None:
    config.from_object(SpecialSettings())
    assert config == {"COLOUR": "blue", "SIZE_2": 3, "COMPUTED": 42}


def test_an_import_name_stands_for_the_object(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_settings_a.py").write_text(
        "class Production:\n    PORT = 80\n    class Inner:\n        PORT = 81\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config.from_object("shop_settings_a.Production")
    assert config["PORT"] == 80
    config.from_object("shop_settings_a:Production.Inner")
    assert config["PORT"] == 81


def test_an_import_name_may_be_a_module(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_settings_b.py").write_text("PORT = 80\nport = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    config.from_object("shop_settings_b")
    assert config == {"PORT": 80}


def test_a_wrong_import_name_is_answered_with_the_nearest_one(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop_settings_c.py"
    path.write_text("class ProductionConfig: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportNameError) as caught:
        config.from_object("shop_settings_c.ProdutionConfig")
    assert str(caught.value) == (
        f"Cannot import 'shop_settings_c.ProdutionConfig'. The module 'shop_settings_c' ({path}) has no attribute "
        "'ProdutionConfig'. Did you mean 'ProductionConfig'?"
    )
    with pytest.raises(ImportError, match=r"There is no module 'shop_setings_c' .* Did you mean 'shop_settings_c'\?"):
        config.from_object("shop_setings_c.ProductionConfig")


# -- Python files ------------------------------------------------------------------------------------------------------


def test_a_python_file_is_run_and_its_capital_names_are_taken(config: Config, tmp_path: Path) -> None:
    (tmp_path / "settings.cfg").write_text("base = 20\nLIMIT = base * 2\nWHERE = __file__\n")
    assert config.from_pyfile("settings.cfg") is True
    assert config == {"LIMIT": 40, "WHERE": str(tmp_path / "settings.cfg")}


def test_an_absolute_file_name_ignores_the_root_path(tmp_path: Path) -> None:
    (tmp_path / "settings.cfg").write_text("LIMIT = 1\n")
    config = Config(tmp_path / "elsewhere")
    assert config.from_pyfile(tmp_path / "settings.cfg")
    assert config["LIMIT"] == 1


def test_a_missing_file_is_named_in_the_error(config: Config, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Unable to load configuration file") as caught:
        config.from_pyfile("missing.cfg")
    assert caught.value.filename == str(tmp_path / "missing.cfg")
    assert str(tmp_path / "missing.cfg") in str(caught.value)


@pytest.mark.parametrize("name", ["missing.cfg", "folder", "file.cfg/below"])
def test_a_missing_file_is_no_error_when_silent(config: Config, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.cfg").write_text("LIMIT = 1\n")
    assert config.from_pyfile(name, silent=True) is False
    assert config.from_file(name, load=json.load, silent=True) is False
    assert config == {}


def test_an_error_in_the_file_is_raised_even_when_silent(config: Config, tmp_path: Path) -> None:
    (tmp_path / "settings.cfg").write_text("LIMIT = 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        config.from_pyfile("settings.cfg", silent=True)
    (tmp_path / "settings.cfg").write_text("LIMIT = (\n")
    with pytest.raises(SyntaxError) as caught:
        config.from_pyfile("settings.cfg", silent=True)
    assert caught.value.filename == str(tmp_path / "settings.cfg")


def test_an_environment_variable_names_the_file(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.cfg").write_text("LIMIT = 1\n")
    monkeypatch.setenv("SHOP_SETTINGS", "settings.cfg")
    assert config.from_envvar("SHOP_SETTINGS") is True
    assert config == {"LIMIT": 1}


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_an_error_unless_silent(
    config: Config, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("SHOP_SETTINGS", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_SETTINGS", value)
    assert config.from_envvar("SHOP_SETTINGS", silent=True) is False
    with pytest.raises(RuntimeError, match=r"'SHOP_SETTINGS' is not set.* export SHOP_SETTINGS=/"):
        config.from_envvar("SHOP_SETTINGS")


def test_silent_covers_a_variable_that_names_a_missing_file(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SETTINGS", "missing.cfg")
    assert config.from_envvar("SHOP_SETTINGS", silent=True) is False
    with pytest.raises(FileNotFoundError):
        config.from_envvar("SHOP_SETTINGS")


# -- the environment ---------------------------------------------------------------------------------------------------


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let a test say what the whole environment is."""
    variables: dict[str, str] = {}
    monkeypatch.setattr("erlen.config.mapping.os.environ", variables)
    return variables


def test_values_from_the_environment_are_json_or_text(config: Config, environment: dict[str, str]) -> None:
    environment.update(
        ERLEN_A="1", ERLEN_B="true", ERLEN_C="null", ERLEN_D='["x"]', ERLEN_E="plain text", ERLEN_F="True", OTHER_G="1"
    )
    assert config.from_prefixed_env() is True
    assert config == {"A": 1, "B": True, "C": None, "D": ["x"], "E": "plain text", "F": "True"}


def test_the_prefix_is_erlen_unless_the_application_or_the_caller_says_otherwise(
    config: Config, environment: dict[str, str]
) -> None:
    environment.update(FLASK_A="1", SHOP_A="2", ERLENA="3")
    config.from_prefixed_env()
    assert config == {}
    config.env_prefix = FLASK.env_prefix
    config.from_prefixed_env()
    assert config == {"A": 1}
    config.from_prefixed_env("SHOP")
    assert config == {"A": 2}


def test_two_underscores_step_into_a_dict(config: Config, environment: dict[str, str]) -> None:
    environment.update(ERLEN_DB="{}", ERLEN_DB__HOST="a", ERLEN_DB__POOL__SIZE="5", ERLEN_NEW__x="1")
    config["DB"] = {"PORT": 1}
    config.from_prefixed_env()
    assert config == {"DB": {"HOST": "a", "POOL": {"SIZE": 5}}, "NEW": {"x": 1}}


def test_an_entry_in_what_is_no_dict_is_refused(config: Config, environment: dict[str, str]) -> None:
    environment.update(ERLEN_DB="text", ERLEN_DB__HOST="a")
    with pytest.raises(ConfigError, match=r"DB: The environment variable ERLEN_DB__HOST .* 'DB', which is not a dict"):
        config.from_prefixed_env()


def test_another_reader_may_be_given_and_what_it_refuses_stays_a_text(
    config: Config, environment: dict[str, str]
) -> None:
    environment.update(ERLEN_A="7", ERLEN_B="seven")
    config.from_prefixed_env(loads=int)
    assert config == {"A": 7, "B": "seven"}


# -- data files --------------------------------------------------------------------------------------------------------


def test_json_and_toml_files_are_told_by_their_suffix(config: Config, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"A": 1, "b": 2}')
    (tmp_path / "c.TOML").write_text('C = "ü"\n[D]\nx = 1\n', encoding="utf-8")
    assert config.from_file("a.json") is True
    assert config.from_file("c.TOML") is True
    assert config == {"A": 1, "C": "ü", "D": {"x": 1}}


def test_another_format_needs_the_function_that_reads_it(config: Config, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("A")
    with pytest.raises(ValueError, match=r"a\.yaml: the suffix '\.yaml' does not tell .* load=yaml\.safe_load"):
        config.from_file("a.yaml")
    assert config.from_file("a.yaml", load=lambda file: {file.read(): "text"})
    assert config == {"A": "text"}
    assert config.from_file("a.yaml", load=lambda file: {"B": file.read()}, text=False)
    assert config["B"] == b"A"


def test_a_broken_file_is_named_in_the_error(config: Config, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(json.JSONDecodeError) as caught:
        config.from_file("a.json")
    assert str(tmp_path / "a.json") in caught.value.__notes__[0]
    with pytest.raises(FileNotFoundError, match=r"Unable to load configuration file"):
        config.from_file("b.json")


# -- mappings ----------------------------------------------------------------------------------------------------------


def test_a_mapping_and_keyword_arguments_are_taken_together(config: Config) -> None:
    assert config.from_mapping({"A": 1, "b": 2, "C": 3}, C=4, d=5) is True
    assert config == {"A": 1, "C": 4}
    assert config.from_mapping() is True
    assert config.from_mapping([("E", 5)]) is True  # type: ignore[arg-type]
    assert config["E"] == 5


def test_the_first_values_are_copied(tmp_path: Path) -> None:
    first = {"A": 1}
    config = Config(tmp_path, first)
    config["A"] = 2
    assert first == {"A": 1}
    assert config.root_path == tmp_path


def test_a_namespace_gives_what_begins_alike() -> None:
    config = Config("", {"MAIL_HOST": "h", "MAIL_Port": 1, "OTHER": 2})
    assert config.get_namespace("MAIL_") == {"host": "h", "port": 1}
    assert config.get_namespace("MAIL_", lowercase=False) == {"HOST": "h", "Port": 1}
    assert config.get_namespace("MAIL_", trim_namespace=False) == {"mail_host": "h", "mail_port": 1}


def test_an_attribute_reads_and_writes_the_configuration() -> None:
    class Application:
        testing = ConfigAttribute[bool]("TESTING")
        size = ConfigAttribute[int]("SIZE", get_converter=int)

        def __init__(self) -> None:
            self.config: dict[str, Any] = {"TESTING": False, "SIZE": "3"}

    app = Application()
    assert app.testing is False
    assert app.size == 3
    app.testing = True
    assert app.config["TESTING"] is True
    assert isinstance(Application.testing, ConfigAttribute)


# -- showing -----------------------------------------------------------------------------------------------------------


def test_secrets_are_masked_where_a_configuration_is_shown() -> None:
    config = Config(
        "",
        {
            **default_settings(),
            "SECRET_KEY": "s3cret",
            "SECRET_KEY_FALLBACKS": ["s3cret"],
            "SESSION_URL": "redis://:s3cret@h",
            "DB_PASSWORD": b"s3cret",
            "API_KEYS": ["s3cret"],
            "DATABASE": {"user": "u", "password": "s3cret", "url": "postgresql://u:s3cret@h/d", "pool": 3},
            "DATABASE_URL": "postgresql://u:s3cret@h/d",
            "TOKEN_LENGTH": 3,
            "PLAIN": "shown",
        },
    )
    assert "s3cret" not in repr(config)
    masked = config.masked()
    assert masked["DATABASE"] == {
        "user": "u",
        "password": "********",
        "url": "postgresql://********@h/d",
        "pool": 3,
    }
    assert masked["DATABASE_URL"] == "postgresql://********@h/d"
    assert (masked["TOKEN_LENGTH"], masked["PLAIN"], masked["SESSION_COOKIE_PATH"]) == (3, "shown", None)
    assert config["SECRET_KEY"] == "s3cret"
    assert repr(Config("", {"A": 1})) == "<Config {'A': 1}>"


def test_a_secret_that_is_not_set_is_shown_as_none() -> None:
    assert Config("", {"SECRET_KEY": None}).masked() == {"SECRET_KEY": None}


def test_a_store_object_is_shown_as_it_is() -> None:
    store = SimpleNamespace()
    assert Config("", {"SESSION_TYPE": store}).masked() == {"SESSION_TYPE": store}
