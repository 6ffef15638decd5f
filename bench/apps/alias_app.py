"""What is counted of an unchanged Flask application on Erlen: that of flask_app.py."""

from __future__ import annotations

import erlen

erlen.install_as_flask()

from flask_app import cookie, hooked, plain  # noqa: E402 - Flask's names have to be Erlen's first

__all__ = ["cookie", "hooked", "plain"]
