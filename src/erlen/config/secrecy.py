"""Which names promise that a value is secret."""

from __future__ import annotations

import re

__all__ = ["looks_secret"]

_SECRET_NAME = re.compile(r"SECRET|PASSW|TOKEN|CREDENTIAL|PRIVATE|(^|_)(KEY|PWD|DSN)S?$", re.IGNORECASE)


def looks_secret(name: str) -> bool:
    """Tell whether the value of a setting or an environment variable called *name* is to be kept secret. ::

    looks_secret("MAIL_PASSWORD")  # True
    """
    return _SECRET_NAME.search(name) is not None
