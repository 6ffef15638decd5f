"""The options of ``flask run`` that are more than a text: a certificate with its key, and several paths in one."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import click
from werkzeug.utils import import_string

from erlen.loading import load

__all__ = ["CertParamType", "SeparatedPathType", "validate_key"]


def _ssl() -> ModuleType | None:
    try:
        return load("ssl")
    except ImportError:  # Python was made without it
        return None


class CertParamType(click.ParamType):  # type: ignore[type-arg] # it has a parameter in new versions of click only
    """What ``--cert`` takes: a file, ``adhoc``, or the import name of an ``ssl.SSLContext``."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, ``"adhoc"``, or the context.

        :raises click.BadParameter: if it is none of them, or what it needs is not installed
        """
        ssl = _ssl()
        if ssl is None:
            raise click.BadParameter("'--cert' needs the module 'ssl', which this Python was made without.", ctx, param)
        try:
            path: Any = self.path_type(value, param, ctx)
        except click.BadParameter:
            text = click.STRING(value, param, ctx).lower()
            if text == "adhoc":
                if importlib.util.find_spec("cryptography") is None:
                    raise click.BadParameter(
                        "It is made by cryptography, which is not installed: pip install cryptography",
                        ctx,
                        param,
                    ) from None
                return text
            found = import_string(value, silent=True)
            if isinstance(found, ssl.SSLContext):
                return found
            raise
        return path


def validate_key(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Check ``--key`` against ``--cert``, and make a pair of the two: ``ctx.params["cert"]``.

    :param value: the path of the key, or None
    :raises click.BadParameter: if one of the two is there in vain or missing
    """
    cert = ctx.params.get("cert")
    ssl = _ssl()
    complete = None
    if cert == "adhoc":
        complete = "A certificate that is made"
    elif ssl is not None and isinstance(cert, ssl.SSLContext):
        complete = "An SSLContext"
    if value is None:
        if cert and complete is None:
            raise click.BadParameter("A certificate file needs its key: --key PATH", ctx, param)
        return None
    if complete is not None:
        raise click.BadParameter(f"{complete} has its own key: leave '--key' out.", ctx, param)
    if not cert:
        raise click.BadParameter("A key is of no use without its certificate: --cert PATH", ctx, param)
    ctx.params["cert"] = cert, value
    return value


class SeparatedPathType(click.Path):
    """Several paths in one text, separated as in ``PATH``; each is checked as :class:`click.Path` does."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the list of paths.

        :raises click.BadParameter: if one of them is refused
        """
        check = super().convert
        return [check(item, param, ctx) for item in self.split_envvar_value(value)]
