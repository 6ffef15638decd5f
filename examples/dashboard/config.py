"""The settings of the dashboard, as a class: `app.config.from_object("config.DashboardConfig")`.

There is no SECRET_KEY here, because a key does not belong into source code. `erlen secret --save` keeps one in the
instance folder, where the application finds it.
"""

from datetime import timedelta


class DashboardConfig:
    """What every installation starts from."""

    # Settings that Erlen knows: it refuses a wrong type or value at start.
    MAX_CONTENT_LENGTH = 64 * 1024
    PERMANENT_SESSION_LIFETIME = timedelta(days=14)

    # Settings of this application.
    DATABASE = "stockroom.sqlite3"
    CURRENCY = "€"
    DEMO_USERNAME = "ada"
    DEMO_PASSWORD = "engine"
