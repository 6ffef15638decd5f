"""The configuration of an application: a dict that can be filled from many places and checked."""

from __future__ import annotations

import contextlib
import difflib
import errno
import functools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import IO, Any, Generic, TypeVar, overload

from erlen import loading
from erlen.config.defaults import ERLEN
from erlen.config.importing import import_object
from erlen.config.retired import RETIRED, refuse_retired
from erlen.config.rules import RULES
from erlen.config.secrecy import looks_secret
from erlen.config.settings import SETTINGS, Setting
from erlen.errors import ConfigError, nearest

__all__ = ["Config", "ConfigAttribute"]

T = TypeVar("T")

_ABSENT = frozenset((errno.ENOENT, errno.EISDIR, errno.ENOTDIR))


def _load_toml(file: IO[Any]) -> Mapping[str, Any]:
    return loading.load("tomllib").load(file)  # type: ignore[no-any-return]


_LOADERS: dict[str, tuple[Callable[[IO[Any]], Mapping[str, Any]], bool]] = {
    ".json": (json.load, False),
    ".toml": (_load_toml, False),
}
_SECRET_IN_URL = r"(?<=://)[^/?#@\s]+@"  # compiled by re when it is needed first
_MASK = "********"


class ConfigAttribute(Generic[T]):
    """An attribute of the application that reads and writes a configuration value. ::

        class Erlen:
            testing = ConfigAttribute[bool]("TESTING")

    :param name: the key in ``config``
    :param get_converter: called with the value on reading, its result is what the attribute gives
    """

    def __init__(self, name: str, get_converter: Callable[[Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @overload
    def __get__(self, obj: None, owner: type) -> ConfigAttribute[T]: ...
    @overload
    def __get__(self, obj: Any, owner: type) -> T: ...
    def __get__(self, obj: Any, owner: type | None = None) -> ConfigAttribute[T] | T:
        if obj is None:
            return self
        value = obj.config[self.__name__]
        return value if self.get_converter is None else self.get_converter(value)

    def __set__(self, obj: Any, value: Any) -> None:
        obj.config[self.__name__] = value


class Config(dict[str, Any]):
    """A dict of settings. The methods that fill it take keys in capital letters and leave other names alone. ::

        app.config.from_object("config.ProductionConfig")
        app.config.from_prefixed_env()
        app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024

    Unknown keys belong to the application. Known ones are checked by :meth:`check` when the application starts.

    :param root_path: the folder that relative file names start from
    :param defaults: the first values
    """

    env_prefix: str = ERLEN.env_prefix
    """The prefix that :meth:`from_prefixed_env` reads when it is given none."""

    changes: int = 0
    """Grows with every change: whoever keeps what it has read compares this number, and reads again."""

    follower: Any = None
    """What is told of every change: its ``note()`` is called."""

    hidden: Mapping[str, Any] = MappingProxyType({})
    """Values for ``config[key]`` where the key is not set; ``get``, ``in`` and iteration do not see them."""

    def __init__(self, root_path: str | os.PathLike[str], defaults: Mapping[str, Any] | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def __missing__(self, key: str) -> Any:
        return self.hidden[key]

    # -- filling -------------------------------------------------------------------------------------------------------

    def from_object(self, obj: object | str) -> None:
        """Take over the attributes in capital letters of a class, a module or any object.

        A class is not called, so properties are not computed; pass an instance for that.

        :param obj: the object, or its import name, for instance ``"config.ProductionConfig"``
        :raises ImportNameError: if the import name leads nowhere
        """
        source = import_object(obj) if isinstance(obj, str) else obj
        for key in dir(source):
            if key.isupper():
                self[key] = getattr(source, key)

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take over the names in capital letters that it defines.

        :param filename: relative to the root path, or absolute
        :param silent: return False if there is no such file, instead of raising
        :raises OSError: if the file cannot be read; the message names it
        """
        path = os.path.join(self.root_path, filename)
        source = self._open(path, "rb", silent, lambda file: file.read())
        if source is None:
            return False
        module = ModuleType("config")
        module.__file__ = path
        exec(compile(source, path, "exec"), module.__dict__)
        self.from_object(module)
        return True

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Run the Python file that an environment variable names, as :meth:`from_pyfile` does.

        :param variable_name: the environment variable
        :param silent: return False if the variable is not set or its file does not exist, instead of raising
        :raises RuntimeError: if the variable is not set
        """
        filename = os.environ.get(variable_name)
        if not filename:
            if silent:
                return False
            raise RuntimeError(
                f"The environment variable {variable_name!r} is not set, so there is no configuration file to load. "
                f"Set it to the path of one, for instance: export {variable_name}=/etc/application/settings.cfg"
            )
        return self.from_pyfile(filename, silent=silent)

    def from_prefixed_env(self, prefix: str | None = None, *, loads: Callable[[str], Any] = json.loads) -> bool:
        """Take over the environment variables that begin with *prefix* and an underscore, without it.

        A value is read as JSON where it is JSON, else it stays a text: ``ERLEN_DEBUG=true`` gives True. Two
        underscores step into a dict: ``ERLEN_DATABASE__PORT=5432`` sets ``config["DATABASE"]["PORT"]``.

        :param prefix: None stands for ``ERLEN``, or ``FLASK`` in an application with Flask's defaults
        :param loads: reads a value; one for which it raises stays a text
        """
        start = f"{self.env_prefix if prefix is None else prefix}_"
        for name in sorted(os.environ):
            if not name.startswith(start):
                continue
            value: Any = os.environ[name]
            with contextlib.suppress(Exception):  # whatever the caller's loads() raises, the value is a text then
                value = loads(value)
            self._set_nested(name, name.removeprefix(start), value)
        return True

    def _set_nested(self, variable: str, key: str, value: Any) -> None:
        *folders, last = key.split("__")
        place: dict[str, Any] = self
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise ConfigError(
                    key.split("__")[0],
                    f"The environment variable {variable} sets an entry in {folder!r}, which is not a dict.",
                    f"Make {folder!r} a dict, or rename one of the two.",
                )
        place[last] = value

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]] | None = None,
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Take over the keys in capital letters of a file that holds a mapping. ::

            app.config.from_file("settings.toml")
            app.config.from_file("settings.yaml", load=yaml.safe_load)

        :param filename: relative to the root path, or absolute
        :param load: reads the open file; without it the suffix decides, ``.json`` or ``.toml``
        :param silent: return False if there is no such file, instead of raising
        :param text: whether *load* reads texts, not bytes
        :raises OSError: if the file cannot be read; the message names it
        """
        path = os.path.join(self.root_path, filename)
        if load is None:
            load, text = self._loader(path)
        mapping = self._open(path, "r" if text else "rb", silent, load)
        return False if mapping is None else self.from_mapping(mapping)

    @staticmethod
    def _loader(path: str) -> tuple[Callable[[IO[Any]], Mapping[str, Any]], bool]:
        suffix = os.path.splitext(path)[1].lower()
        if suffix not in _LOADERS:
            raise ValueError(
                f"{path}: the suffix {suffix!r} does not tell how to read this file. Name it .json or .toml, or pass a "
                "function that reads it: from_file(name, load=yaml.safe_load)"
            )
        return _LOADERS[suffix]

    @staticmethod
    def _open(path: str, mode: str, silent: bool, read: Callable[[IO[Any]], T]) -> T | None:
        """Read a file; None if it may be missing and is."""
        try:
            with open(path, mode, encoding=None if "b" in mode else "utf-8") as file:
                return read(file)
        except OSError as error:
            if silent and error.errno in _ABSENT:
                return None
            error.strerror = f"Unable to load configuration file ({error.strerror})"
            raise
        except Exception as error:
            error.add_note(f"This happened while the configuration file {path} was read.")
            raise

    def from_mapping(self, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> bool:
        """Take over the keys in capital letters of *mapping* and of the keyword arguments. Returns True."""
        for key, value in dict(mapping or {}, **kwargs).items():
            if key.isupper():
                self[key] = value
        return True

    # -- asking --------------------------------------------------------------------------------------------------------

    def get_namespace(self, namespace: str, lowercase: bool = True, trim_namespace: bool = True) -> dict[str, Any]:
        """Return the settings whose names begin with *namespace*, ready to be passed on as keyword arguments. ::

            app.config["MAIL_PORT"] = 25
            app.config.get_namespace("MAIL_")  # {"port": 25}

        :param lowercase: turn the names into small letters
        :param trim_namespace: leave *namespace* out of the names
        """
        found = {}
        for key, value in self.items():
            if key.startswith(namespace):
                name = key[len(namespace) :] if trim_namespace else key
                found[name.lower() if lowercase else name] = value
        return found

    def check(self) -> None:
        """Check the known settings.

        :raises ConfigError: for the first that has a wrong type or value; for settings of Flask-Session that there
            are none of here, one error that names them all
        """
        for problem in self._find_problems():
            raise problem
        retired = list(refuse_retired(self))
        if retired:
            first, *others = retired
            raise ConfigError(first.key, first.problem, "\n".join([first.cure, *map(str, others)]))

    def problems(self) -> list[ConfigError]:
        """Return everything that :meth:`check` finds wrong, not only the first."""
        return [*self._find_problems(), *refuse_retired(self)]

    def _find_problems(self) -> Iterator[ConfigError]:
        good = dict(self)
        for name, setting in SETTINGS.items():
            if name in self and not setting.kind.fits(self[name]):
                del good[name]
                yield _refuse(setting, self[name])
        for rule in RULES:
            yield from rule(good)

    def doubts(self) -> list[tuple[str, str]]:
        """Return the unknown keys that look like misspelt known ones, each with the one it may stand for. ::

        config["SESION_TYPE"] = "redis"
        config.doubts()  # [("SESION_TYPE", "SESSION_TYPE")]
        """
        pairs = ((key, nearest(key, SETTINGS)) for key in self if key not in SETTINGS and key not in RETIRED)
        return [
            (key, known) for key, known in pairs if known and difflib.SequenceMatcher(None, key, known).ratio() > 0.85
        ]

    def masked(self) -> dict[str, Any]:
        """Return a copy to be shown: what is secret, or looks it by its name, is masked."""
        return {key: _mask(key, value) for key, value in self.items()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.masked()!r}>"


def _counting(name: str) -> Callable[..., Any]:
    original = getattr(dict, name)

    @functools.wraps(original)
    def counted(self: Config, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        self.changes += 1  # afterwards: who sees the new number sees the new value
        if self.follower is not None:
            self.follower.note()
        return result

    return counted


for _name in ("__setitem__", "__delitem__", "__ior__", "update", "setdefault", "pop", "popitem", "clear"):
    setattr(Config, _name, _counting(_name))


def _refuse(setting: Setting, value: object) -> ConfigError:
    shown = f"Its value, of type {type(value).__name__}," if setting.kind.secret else f"{value!r}"
    problem = f"{shown} is not accepted. It accepts {setting.kind.accepts}."
    return ConfigError(setting.name, problem, setting.kind.hint(value))


def _mask(key: object, value: Any) -> Any:
    setting = SETTINGS.get(key) if isinstance(key, str) else None
    if value is None or (setting is not None and not setting.kind.secret):
        return value
    if setting is not None or (looks_secret(str(key)) and isinstance(value, str | bytes | list | tuple)):
        return _MASK
    if isinstance(value, dict):
        return {inner: _mask(inner, entry) for inner, entry in value.items()}
    return re.sub(_SECRET_IN_URL, f"{_MASK}@", value) if isinstance(value, str) else value
