"""``python -m erlen.flask`` is the command ``flask``, for applications that run on Erlen."""

from __future__ import annotations

import os

from erlen.flask.cli import main
from erlen.loading import load

if __name__ == "__main__":
    load("erlen.alias").install_as_flask()
    os.environ["ERLEN_RUN_FROM_CLI"] = "true"  # app.run() of an application of the class Erlen does nothing then either
    main()
