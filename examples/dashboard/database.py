"""The database: products and users in an SQLite file of the instance folder.

A request opens its connection when it first needs one, keeps it on `g`, and closes it at its end.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from werkzeug.security import generate_password_hash

from erlen import current_app, g


def init_app(app):
    """Let *app* create the database before its first request and close connections after every one."""
    app.before_first_request(create_database)
    app.teardown_appcontext(close_connection)


def connect():
    """Open a new connection whose rows are read by column name."""
    connection = sqlite3.connect(Path(current_app.instance_path, current_app.config["DATABASE"]))
    connection.row_factory = sqlite3.Row
    return connection


def get_connection():
    """Return the connection of this request."""
    if "connection" not in g:
        g.connection = connect()
    return g.connection


def close_connection(error):
    """Close the connection of this request, if it has opened one."""
    connection = g.pop("connection", None)
    if connection is not None:
        connection.close()


def create_database():
    """Create and fill the tables; what is there already stays as it is."""
    Path(current_app.instance_path).mkdir(parents=True, exist_ok=True)
    with closing(connect()) as connection, connection:
        with current_app.open_resource("schema.sql", "r") as schema:
            connection.executescript(schema.read())
        settings = current_app.config
        connection.execute(
            "INSERT OR IGNORE INTO user (name, full_name, password_hash) VALUES (?, ?, ?)",
            (settings["DEMO_USERNAME"], "Ada Lovelace", generate_password_hash(settings["DEMO_PASSWORD"])),
        )


def find_user(name):
    """Return the user called *name*, or None."""
    return get_connection().execute("SELECT * FROM user WHERE name = ?", (name,)).fetchone()


def find_product(slug):
    """Return the product with this *slug*, or None."""
    return get_connection().execute("SELECT * FROM product WHERE slug = ?", (slug,)).fetchone()


def all_products():
    """Return all products, department by department."""
    return get_connection().execute("SELECT * FROM product ORDER BY department, price").fetchall()
