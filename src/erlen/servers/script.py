"""``app.run()``: a script that serves its own application, and that is run again when a file changes.

Without reloading the script's process serves the object that it has. With it, the process becomes a clean one
(``erlen.servers.rerun``), which runs the whole script anew in each worker, up to its ``app.run()``: there the
application is taken over.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from msgspec import Struct, json

from erlen.errors import ServerError, nearest
from erlen.servers.development import develop, look_at, reloads, serve_object
from erlen.servers.program import Listen

__all__ = ["ScriptRun", "main", "run_application"]

_OPTIONS = (
    "use_reloader",
    "extra_files",
    "exclude_patterns",
    "ssl_context",
    "threaded",
)
# What Flask's server takes too, and what has no meaning here: debug mode has its error page by itself.
_MEANINGLESS = (
    "use_debugger",
    "use_evalex",
    "reloader_interval",
    "reloader_type",
    "processes",
    "passthrough_errors",
    "request_handler",
    "static_files",
    "fd",
)


class _Taken(BaseException):
    """Carries the application out of the script that has called ``app.run()``."""

    def __init__(self, app: Any) -> None:
        self.app = app


class _State:
    loading = False


class ScriptRun(Struct):
    """A script, how it was called, and what its ``app.run()`` was given.

    :param path: the file
    :param module: its name, where it was started by ``python -m``
    """

    path: str
    module: str | None
    argv: list[str]
    host: str
    port: int
    certificate: str | None
    key: str | None
    threaded: bool
    extra_files: list[str]
    exclude_patterns: list[str]

    def load(self) -> Any:
        """Run the script as ``__main__`` and return the application on which it calls ``run()``.

        :raises ServerError: if it comes to its end without
        """
        module = self._module()
        sys.modules["__main__"] = module
        sys.argv[:] = self.argv
        _State.loading = True
        try:
            with open(self.path, "rb") as file:
                exec(compile(file.read(), self.path, "exec"), vars(module))
        except _Taken as taken:
            return taken.app
        finally:
            _State.loading = False
        raise ServerError(f"{self.path} has come to its end without calling app.run().")

    def _module(self) -> ModuleType:
        module = ModuleType("__main__")
        module.__file__ = self.path
        if self.module is None:
            sys.path[0] = os.path.dirname(self.path)
        else:
            module.__spec__ = importlib.util.find_spec(self.module)
            module.__package__ = module.__spec__.parent if module.__spec__ else ""
        return module


def run_application(app: Any, host: str, port: int, options: dict[str, Any]) -> None:
    """Do what ``app.run()`` says: serve *app* for development, until Ctrl-C.

    :param options: what is left of the arguments of ``run``
    :raises TypeError: for an option that there is none of
    :raises ServerError: if the address cannot be used
    """
    if _State.loading:
        raise _Taken(app)
    for name in options:
        if name not in _OPTIONS and name not in _MEANINGLESS:
            near = nearest(name, _OPTIONS)
            raise TypeError(f"app.run() has no option {name!r}.{f' Did you mean {near!r}?' if near else ''}")
    certificate, key = _tls(options.get("ssl_context"))
    threaded = bool(options.get("threaded", True))
    wanted = options.get("use_reloader")
    reload = reloads(bool(app.debug if wanted is None else wanted))
    main_module = sys.modules.get("__main__")
    path = getattr(main_module, "__file__", None)
    if not reload or path is None:  # a shell has no file to run again
        listen = Listen(host, port, certificate=certificate, key=key)
        serve_object(app, listen, None if threaded else 1)
        return
    spec = getattr(main_module, "__spec__", None)
    script = ScriptRun(
        path=os.path.abspath(path),
        module=None if spec is None else spec.name,
        argv=sys.argv,
        host=host,
        port=port,
        certificate=None if certificate is None else str(certificate),
        key=None if key is None else str(key),
        threaded=threaded,
        extra_files=[os.fspath(file) for file in options.get("extra_files") or ()],
        exclude_patterns=list(options.get("exclude_patterns") or ()),
    )
    _become(script)


def _tls(given: Any) -> tuple[Path | None, Path | None]:
    if given is None:
        return None, None
    if given == "adhoc":
        return Path("adhoc"), None
    if isinstance(given, tuple) and len(given) == 2:
        return Path(given[0]), Path(given[1])
    raise ServerError(
        f"ssl_context={given!r} cannot be used: give ('certificate.pem', 'key.pem'), or 'adhoc' for one that is made."
    )


def _become(script: ScriptRun) -> NoReturn:
    """Replace this process by one that runs *script* in its workers."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "erlen.servers.rerun", json.encode(script).decode()])


def main(text: str) -> None:
    """Serve a script, which *text* describes, and run it again when a file changes."""
    script = json.decode(text, type=ScriptRun)
    listen = Listen(
        script.host,
        script.port,
        certificate=None if script.certificate is None else Path(script.certificate),
        key=None if script.key is None else Path(script.key),
    )
    try:
        develop(
            script.load,
            look_at(script.load),
            listen,
            reload=True,
            threads=None if script.threaded else 1,
            extra_files=script.extra_files,
            exclude_patterns=script.exclude_patterns,
        )
    except ServerError as error:
        sys.exit(f"Error: {error}")
