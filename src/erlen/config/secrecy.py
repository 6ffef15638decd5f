"""Which names promise that a value is secret."""

from __future__ import annotations

import re

__all__ = ["looks_secret"]

#: As text, because ``re`` compiles it when it is needed first, and most processes never need it.
_SECRET_NAME = r"SECRET|PASSW|TOKEN|CREDENTIAL|PRIVATE|(^|_)(KEY|PWD|DSN)S?$"


def looks_secret(name: str) -> bool:
    """Tell whether the value of a setting or an environment variable called *name* is to be kept secret. ::

    looks_secret("MAIL_PASSWORD")  # True
    """
    return re.search(_SECRET_NAME, name, re.IGNORECASE) is not None
