"""``flask.config``: where settings come from, and what goes wrong."""

from __future__ import annotations

import copy
import json
import os
import textwrap
import tomllib
from datetime import timedelta
from typing import Any

import flask as real
import pytest

TEST_KEY = "foo"
SECRET_KEY = "config"


def common(app: Any) -> None:
    assert app.secret_key == "config"
    assert app.config["TEST_KEY"] == "foo"
    assert "TestConfig" not in app.config


def test_a_python_file_is_read(flask: Any, tmp_path: Any) -> None:
    (tmp_path / "settings.py").write_text(
        "TEST_KEY = 'foo'\nSECRET_KEY = 'config'\nlower = 1\nclass TestConfig: pass\n"
    )
    app = flask.Flask(__name__, root_path=str(tmp_path))
    assert app.config.from_pyfile("settings.py") is True
    common(app)
    assert "lower" not in app.config
    other = flask.Flask(__name__)
    assert other.config.from_pyfile(tmp_path / "settings.py") is True
    common(other)


def test_a_python_file_knows_its_own_name(flask: Any, tmp_path: Any) -> None:
    (tmp_path / "s.cfg").write_text("FILE = __file__\nNAME = __name__\n")
    app = flask.Flask("x", root_path=str(tmp_path))
    app.config.from_pyfile("s.cfg")
    assert app.config["FILE"] == str(tmp_path / "s.cfg")
    assert app.config["NAME"] == "config"


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-15", "latin-1"])
def test_a_python_file_may_name_its_encoding(flask: Any, tmp_path: Any, encoding: str) -> None:
    path = tmp_path / "my_config.py"
    path.write_bytes(f"# -*- coding: {encoding} -*-\nTEST_VALUE = 'föö'\n".encode(encoding))
    app = flask.Flask("x")
    app.config.from_pyfile(str(path))
    assert app.config["TEST_VALUE"] == "föö"


def test_an_object_a_module_or_its_name_is_read(flask: Any) -> None:
    for source in (__name__,):
        app = flask.Flask(__name__)
        assert app.config.from_object(source) is None
        common(app)

    class Base:
        TEST_KEY = "foo"
        lower = 1

        @property
        def COMPUTED(self) -> str:
            return "computed"

    class Test(Base):
        SECRET_KEY = "config"

    app = flask.Flask(__name__)
    app.config.from_object(Test)
    common(app)
    assert isinstance(app.config["COMPUTED"], property)
    app.config.from_object(Test())
    assert app.config["COMPUTED"] == "computed"
    app = flask.Flask(__name__)
    app.config.from_object(f"{__name__}.Named")
    assert app.config["A"] == 1
    app = flask.Flask(__name__)
    app.config.from_object(f"{__name__}:Named")
    assert app.config["A"] == 1


class Named:
    A = 1


@pytest.mark.parametrize("name", ["missing.module", "config.missing.Thing", "tests_no_such"])
def test_an_object_that_cannot_be_imported_raises_import_error(flask: Any, name: str) -> None:
    app = flask.Flask("x")
    with pytest.raises(ImportError):
        app.config.from_object(name)


def test_a_mapping_is_read_in_every_form(flask: Any) -> None:
    app = flask.Flask(__name__)
    assert app.config.from_mapping({"SECRET_KEY": "config", "TEST_KEY": "foo"}) is True
    common(app)
    app = flask.Flask(__name__)
    app.config.from_mapping([("SECRET_KEY", "config"), ("TEST_KEY", "foo")])
    common(app)
    app = flask.Flask(__name__)
    app.config.from_mapping(SECRET_KEY="config", TEST_KEY="foo", lower=1)
    common(app)
    assert "lower" not in app.config
    app.config.from_mapping({"SECRET_KEY": "a"}, SECRET_KEY="b")
    assert app.config["SECRET_KEY"] == "b"
    assert app.config.from_mapping() is True
    with pytest.raises(TypeError):
        app.config.from_mapping({}, {})


def test_files_of_other_kinds_are_read_by_their_loaders(flask: Any, tmp_path: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"TEST_KEY": "foo", "SECRET_KEY": "config", "low": 1}))
    (tmp_path / "config.toml").write_text('TEST_KEY = "foo"\nSECRET_KEY = "config"\n')
    app = flask.Flask(__name__, root_path=str(tmp_path))
    assert app.config.from_file("config.json", json.load) is True
    common(app)
    app = flask.Flask(__name__, root_path=str(tmp_path))
    assert app.config.from_file("config.toml", tomllib.load, text=False) is True
    common(app)
    app = flask.Flask(__name__, root_path=str(tmp_path))
    assert app.config.from_file("config.json", load=json.load, silent=True, text=True) is True
    common(app)


def test_an_environment_variable_names_a_file(flask: Any, monkeypatch: Any, tmp_path: Any) -> None:
    (tmp_path / "s.py").write_text("TEST_KEY = 'foo'\nSECRET_KEY = 'config'\n")
    app = flask.Flask(__name__)
    monkeypatch.delenv("FOO_SETTINGS", raising=False)
    with pytest.raises(RuntimeError, match="'FOO_SETTINGS' is not set"):
        app.config.from_envvar("FOO_SETTINGS")
    assert not app.config.from_envvar("FOO_SETTINGS", silent=True)
    monkeypatch.setenv("FOO_SETTINGS", str(tmp_path / "s.py"))
    assert app.config.from_envvar("FOO_SETTINGS") is True
    common(app)


def test_a_missing_file_of_an_environment_variable_raises(flask: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("FOO_SETTINGS", "missing.cfg")
    app = flask.Flask(__name__)
    with pytest.raises(IOError) as found:
        app.config.from_envvar("FOO_SETTINGS")
    assert str(found.value).startswith("[Errno 2] Unable to load configuration file (No such file or directory):")
    assert str(found.value).endswith("missing.cfg'")
    assert not app.config.from_envvar("FOO_SETTINGS", silent=True)


def test_a_missing_file_raises_unless_silent(flask: Any, tmp_path: Any) -> None:
    app = flask.Flask(__name__)
    for read in (
        lambda **kw: app.config.from_pyfile("missing.cfg", **kw),
        lambda **kw: app.config.from_file("missing.json", load=json.load, **kw),
        lambda **kw: app.config.from_pyfile(str(tmp_path), **kw),
        lambda **kw: app.config.from_file(str(tmp_path), load=json.load, **kw),
    ):
        with pytest.raises(OSError, match="Unable to load configuration file"):
            read()
        assert read(silent=True) is False
    (tmp_path / "plain").write_text("")
    assert app.config.from_pyfile(str(tmp_path / "plain" / "x.py"), silent=True) is False


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1", 1),
        ("-1", -1),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ('"text"', "text"),
        ("text", "text"),
        ("True", "True"),
        ("None", "None"),
        ("[1,2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("", ""),
        ("01", "01"),
        ("'x'", "'x'"),
    ],
)
def test_prefixed_variables_are_read_as_json(flask: Any, monkeypatch: Any, value: str, read: Any) -> None:
    monkeypatch.setenv("FLASK_VALUE", value)
    app = flask.Flask("x")
    assert app.config.from_prefixed_env() is True
    assert app.config["VALUE"] == read
    assert type(app.config["VALUE"]) is type(read)


def test_a_prefix_of_ones_own(flask: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("FLASK_A", "1")
    monkeypatch.setenv("NOT_FLASK_A", "2")
    monkeypatch.setenv("NOT_FLASK_low", "3")
    monkeypatch.setenv("NOT_FLASKX", "4")
    app = flask.Flask("x")
    app.config.from_prefixed_env("NOT_FLASK")
    assert app.config["A"] == 2
    assert app.config["low"] == 3
    assert "X" not in app.config
    app.config.from_prefixed_env(prefix="FLASK")
    assert app.config["A"] == 1


def test_nested_variables_step_into_dicts(flask: Any, monkeypatch: Any) -> None:
    for name, value in {
        "EXIST__ok": "other",
        "EXIST__inner__ik": "2",
        "EXIST__new__more": '{"k": false}',
        "NEW__K": "v",
        "FLAT": "1",
    }.items():
        monkeypatch.setenv(f"FLASK_{name}", value)
    app = flask.Flask("x")
    app.config["EXIST"] = {"ok": "value", "flag": True, "inner": {"ik": 1}}
    app.config.from_prefixed_env()
    if os.name != "nt":
        assert app.config["EXIST"] == {
            "ok": "other",
            "flag": True,
            "inner": {"ik": 2},
            "new": {"more": {"k": False}},
        }
        assert app.config["NEW"] == {"K": "v"}


def test_loads_of_ones_own_reads_the_values(flask: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("FLASK_A", "1")
    monkeypatch.setenv("FLASK_B", "x")

    def loads(text: str) -> Any:
        if text == "x":
            raise LookupError
        return ("read", text)

    app = flask.Flask("x")
    app.config.from_prefixed_env(loads=loads)
    assert (app.config["A"], app.config["B"]) == (("read", "1"), "x")


def test_a_namespace_is_cut_out(flask: Any) -> None:
    app = flask.Flask(__name__)
    app.config.update(FOO_OPTION_1="foo option 1", FOO_OPTION_2="foo option 2", BAR_STUFF_1="b1", BAR_STUFF_2="b2")
    assert app.config.get_namespace("FOO_") == {"option_1": "foo option 1", "option_2": "foo option 2"}
    assert app.config.get_namespace("BAR_", lowercase=False) == {"STUFF_1": "b1", "STUFF_2": "b2"}
    assert app.config.get_namespace("FOO_", trim_namespace=False) == {
        "foo_option_1": "foo option 1",
        "foo_option_2": "foo option 2",
    }
    assert app.config.get_namespace("BAR_", lowercase=False, trim_namespace=False) == {
        "BAR_STUFF_1": "b1",
        "BAR_STUFF_2": "b2",
    }
    assert app.config.get_namespace("NONE_") == {}


def test_sessions_can_be_configured_as_permanent(flask: Any) -> None:
    for lifetime in (timedelta(days=1), 86400):
        app = flask.Flask(__name__)
        app.config["PERMANENT_SESSION_LIFETIME"] = lifetime
        assert app.permanent_session_lifetime == timedelta(days=1)


def test_a_class_of_config_of_ones_own_is_used(flask: Any) -> None:
    class Config(flask.Config):
        def __getitem__(self, key: str) -> Any:
            return super().__getitem__(key) if key != "VIRTUAL" else "v"

    class App(flask.Flask):
        config_class = Config

    app = App(__name__)
    assert isinstance(app.config, Config)
    app.config.from_object(__name__)
    common(app)
    assert app.config["VIRTUAL"] == "v"


def test_default_config_of_a_subclass_counts(flask: Any) -> None:
    class App(flask.Flask):
        default_config = {**flask.Flask.default_config, "MY": 1, "SESSION_COOKIE_NAME": "mine"}  # noqa: RUF012

    app = App("x")
    assert app.config["MY"] == 1
    assert app.config["SESSION_COOKIE_NAME"] == "mine"


def test_make_config_is_asked(flask: Any) -> None:
    class App(flask.Flask):
        def make_config(self, instance_relative: bool = False) -> Any:
            config = super().make_config(instance_relative)
            config["RELATIVE"] = instance_relative
            return config

    assert App("x").config["RELATIVE"] is False
    assert App("x", instance_relative_config=True).config["RELATIVE"] is True


def test_files_are_relative_to_the_instance_folder_where_asked(flask: Any, tmp_path: Any) -> None:
    (tmp_path / "s.cfg").write_text("A = 1")
    app = flask.Flask("x", instance_path=str(tmp_path), instance_relative_config=True)
    app.config.from_pyfile("s.cfg")
    assert app.config["A"] == 1
    assert str(app.config.root_path) == str(tmp_path)


def test_config_is_a_dict_of_its_own(flask: Any) -> None:
    config = flask.Config("/root", {"A": 1})
    assert isinstance(config, dict)
    assert config.root_path == "/root"
    assert config == {"A": 1}
    assert repr(config) == "<Config {'A': 1}>"
    assert flask.Config("/") == {}
    assert flask.config.Config is flask.Config
    config.setdefault("B", 2)
    config |= {"C": 3}
    assert dict(config) == {"A": 1, "B": 2, "C": 3}
    with pytest.raises(KeyError):
        config["D"]
    assert config.get("D") is None
    assert config.pop("A") == 1
    assert config.copy() == {"B": 2, "C": 3}


def test_the_configuration_of_an_application_can_be_copied(flask: Any) -> None:
    app = flask.Flask("x")
    app.config["NESTED"] = {"a": [1]}
    twin = copy.deepcopy(app.config)
    assert twin == app.config
    assert twin is not app.config
    assert twin["NESTED"] is not app.config["NESTED"]
    assert copy.copy(app.config)["NESTED"] is app.config["NESTED"]
    assert type(twin) is flask.Config


def test_a_config_attribute_reads_and_writes_the_setting(flask: Any) -> None:
    class App(flask.Flask):
        number = flask.config.ConfigAttribute("NUMBER")
        text = flask.config.ConfigAttribute("NUMBER", get_converter=str)

    app = App("x")
    with pytest.raises(KeyError):
        app.number  # noqa: B018
    app.number = 5
    assert app.config["NUMBER"] == 5
    assert (app.number, app.text) == (5, "5")
    assert isinstance(App.number, flask.config.ConfigAttribute)
    app.testing = True
    assert app.config["TESTING"] is True
    app.secret_key = "x"
    assert app.config["SECRET_KEY"] == "x"


def test_the_defaults_are_flasks(flask: Any) -> None:
    app = flask.Flask("x")
    assert dict(app.config) == dict(real.Flask("x").config)
    assert dict(app.default_config) == dict(real.Flask.default_config)
    with pytest.raises(TypeError):
        app.default_config["X"] = 1


def test_an_error_in_a_python_file_comes_out(flask: Any, tmp_path: Any) -> None:
    (tmp_path / "bad.py").write_text(textwrap.dedent("A = 1\nB = 1 / 0\n"))
    (tmp_path / "syntax.py").write_text("A = = 1")
    app = flask.Flask("x")
    with pytest.raises(ZeroDivisionError):
        app.config.from_pyfile(str(tmp_path / "bad.py"))
    with pytest.raises(SyntaxError):
        app.config.from_pyfile(str(tmp_path / "syntax.py"))
    assert "A" not in app.config
