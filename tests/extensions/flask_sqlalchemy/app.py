"""A library of books on two databases: what Flask-SQLAlchemy offers an application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, abort, jsonify, request, stream_with_context, url_for
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.record_queries import get_recorded_queries
from flask_sqlalchemy.track_modifications import before_models_committed, models_committed
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Author(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    author: Mapped[Author] = relationship(back_populates="books")


class Visit(db.Model):
    __bind_key__ = "log"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]


def create_app(uri: str, log_uri: str, **config: Any) -> Flask:
    """Make the application. Everything that its signals tell goes into ``app.announced`` and ``app.committed``."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="books",
        SQLALCHEMY_DATABASE_URI=uri,
        SQLALCHEMY_BINDS={"log": {"url": log_uri}},
        SQLALCHEMY_TRACK_MODIFICATIONS=True,
        SQLALCHEMY_RECORD_QUERIES=True,
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"timeout": 60}},  # seconds to wait for another writer
        **config,
    )
    db.init_app(app)
    app.committed, app.announced = [], []
    models_committed.connect(lambda sender, changes: app.committed.extend(changes), app, weak=False)
    before_models_committed.connect(lambda sender, changes: app.announced.extend(changes), app, weak=False)

    @app.before_request
    def note_visit() -> None:
        if "unlogged" not in request.args:
            db.session.add(Visit(path=request.path))
            if "unfinished" not in request.args:
                db.session.commit()

    @app.get("/books")
    def books() -> Any:
        page = db.paginate(db.select(Book).order_by(Book.title), max_per_page=5)
        return {
            "titles": [book.title for book in page],
            "total": page.total,
            "pages": list(page.iter_pages()),
            "next": url_for("books", page=page.next_num) if page.has_next else None,
        }

    @app.get("/books/legacy")
    def legacy_books() -> Any:
        page = Book.query.order_by(Book.title).paginate(per_page=2)
        return {"titles": [book.title for book in page.items], "previous": page.prev_num}

    @app.post("/books")
    def add_book() -> Any:
        wanted = request.get_json()
        author = db.session.execute(db.select(Author).filter_by(name=wanted["author"])).scalar()
        if author is None:
            author = Author(name=wanted["author"])
        db.session.add(book := Book(title=wanted["title"], author=author))
        db.session.commit()
        return {"id": book.id}, 201, {"Location": url_for("book", id=book.id)}

    @app.get("/books/<int:id>")
    def book(id: int) -> Any:
        found = db.get_or_404(Book, id, description=f"There is no book {id}.")
        return {"title": found.title, "author": found.author.name}

    @app.delete("/books/<int:id>")
    def remove_book(id: int) -> Any:
        db.session.delete(Book.query.filter_by(id=id).first_or_404())
        db.session.commit()
        return "", 204

    @app.get("/authors/<name>")
    def author(name: str) -> Any:
        found = db.one_or_404(db.select(Author).filter_by(name=name), description="Nobody of that name.")
        return jsonify([book.title for book in found.books])

    @app.get("/authors/first/<name>")
    def first_author(name: str) -> Any:
        return str(db.first_or_404(db.select(Author).filter_by(name=name)).id)

    @app.post("/authors/<name>/unfinished")
    def unfinished(name: str) -> Any:
        db.session.add(Author(name=name))
        db.session.flush()
        abort(409)

    @app.get("/queries")
    def queries() -> Any:
        db.session.execute(db.select(Author)).all()
        return jsonify([query.statement for query in get_recorded_queries()])

    @app.get("/later/<int:id>")
    async def later(id: int) -> Any:
        await asyncio.sleep(0)
        visit, *_ = db.session.new or [None]  # what the plain hook has left in the same session
        return f"{db.get_or_404(Book, id).title} {visit and visit.path}"

    @app.get("/stream")
    def stream() -> Any:
        def titles() -> Iterator[str]:
            for book in db.session.scalars(db.select(Book).order_by(Book.title)):
                yield f"{book.title} by {book.author.name}\n"

        return Response(stream_with_context(titles()), mimetype="text/plain")

    @app.get("/session")
    def session_number() -> Any:
        return str(id(db.session()))

    @app.errorhandler(404)
    def missing(error: Any) -> Any:
        return {"error": error.description}, 404

    @app.shell_context_processor
    def names() -> dict[str, Any]:
        return {"extra": 42}

    return app
