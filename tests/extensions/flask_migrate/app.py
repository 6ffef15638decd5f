"""Two databases that grow with their models: what Flask-Migrate offers an application."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
migrate = Migrate()


class Book(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class Visit(db.Model):
    __bind_key__ = "log"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]


def create_app(folder: str) -> Flask:
    """Make the application, with its databases in *folder*."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{Path(folder) / 'books.db'}"
    app.config["SQLALCHEMY_BINDS"] = {"log": f"sqlite:///{Path(folder) / 'log.db'}"}
    db.init_app(app)
    migrate.init_app(app, db)

    @migrate.configure
    def name_constraints(config: object) -> object:
        config.set_main_option("file_template", "%%(slug)s")
        return config

    return app
