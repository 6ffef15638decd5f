"""An administration of posts and files: what Flask-Admin offers an application."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path
from typing import Any

from flask import Flask, flash, g, redirect, request, session, url_for
from flask.views import MethodView
from flask_admin import Admin, AdminIndexView, BaseView, expose, expose_plugview
from flask_admin.actions import action
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_admin.menu import MenuLink
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.schema import ForeignKey


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Writer(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list[Post]] = relationship(back_populates="writer")

    def __str__(self) -> str:
        return self.name


class Post(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    written: Mapped[dt.date] = mapped_column(default=dt.date(2026, 1, 2))
    public: Mapped[bool] = mapped_column(default=False)
    writer_id: Mapped[int | None] = mapped_column(ForeignKey(Writer.id))
    writer: Mapped[Writer | None] = relationship(back_populates="posts")


class PostView(ModelView):
    column_searchable_list = ("title",)
    column_filters = ("public", "title")
    column_editable_list = ("title",)
    column_default_sort = "title"
    can_export = True
    can_view_details = True
    page_size = 3
    form_ajax_refs = {"writer": {"fields": ("name",)}}

    def on_model_change(self, form: Any, model: Post, is_created: bool) -> None:
        flash(f"{'Made' if is_created else 'Changed'} {model.title}.")

    @action("publish", "Publish", "Publish these posts?")
    def publish(self, ids: list[str]) -> None:
        for post in Post.query.filter(Post.id.in_(ids)):
            post.public = True
        db.session.commit()
        flash(f"{len(ids)} posts are public now.")


class GuardedView(ModelView):
    form_base_class = SecureForm

    def is_accessible(self) -> bool:
        return session.get("user") == "admin"

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        return redirect(url_for("login", next=request.url))


class HomeView(AdminIndexView):
    @expose("/")
    def index(self) -> str:
        return self.render("home.html", posts=db.session.query(Post).count())


class ReportView(BaseView):
    @expose("/")
    def index(self) -> str:
        return self.render("report.html", year=None)

    @expose("/<int:year>/", methods=("GET", "POST"))
    def year(self, year: int) -> str:
        return self.render("report.html", year=f"{year} {request.method}")

    @expose_plugview("/api/v1")
    class First(MethodView):
        def get(self, cls: BaseView) -> str:
            return f"GET of v1 by {cls.name}"

    @expose_plugview("/api/v2")
    class Second(MethodView):
        def post(self, cls: BaseView) -> str:
            return f"POST of v2 by {cls.name}"

    @expose("/link/")
    def link(self) -> str:
        return self.get_url(".year", year=1999)


def make_nonce() -> str:
    """Return what the scripts of one request bear."""
    if "nonce" not in g:
        g.nonce = secrets.token_hex(4)
    return g.nonce


def create_hosts(host: str | None, **options: Any) -> Flask:
    """Make an application of several hosts with a small administration on one of them, or on all (``*``)."""
    app = Flask(__name__, host_matching=host is not None, static_host="shop.example" if host else None)
    app.config["SECRET_KEY"] = "admin"
    if host is None:
        app.config["SERVER_NAME"] = "shop.example"
        app.subdomain_matching = True
    Babel(app)
    Admin(app, index_view=AdminIndexView(template="small.html"), host=host, **options)
    return app


def create_app(uri: str, files: Path, **config: Any) -> Flask:
    """Make the application, with an administration of *files*."""
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="admin", SQLALCHEMY_DATABASE_URI=uri, **config)
    db.init_app(app)
    Babel(app, locale_selector=lambda: request.accept_languages.best_match(["en", "de"]))
    admin = Admin(app, name="Office", index_view=HomeView(name="Start"), csp_nonce_generator=make_nonce)
    admin.add_view(PostView(Post, db, category="Texts"))
    admin.add_view(GuardedView(Writer, db, endpoint="writers", category="Texts"))
    admin.add_view(ReportView(name="Reports", endpoint="reports"))
    admin.add_view(FileAdmin(str(files), "/files/", name="Files", endpoint="files"))
    admin.add_link(MenuLink(name="Site", url="/"))

    @app.get("/")
    def site() -> str:
        return url_for("post.edit_view", id=1)

    @app.get("/login")
    def login() -> Any:
        session["user"] = "admin"
        return redirect(request.args["next"])

    return app
