from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import pytest
import sqlalchemy
from flask.cli import FlaskGroup
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app import Author, Book, Visit, create_app, db

TITLES = ["Ada", "Beloved", "Cosmos", "Dracula", "Emma", "Faust", "Ghosts"]


def make_app(folder: Path) -> Any:
    return create_app(f"sqlite:///{folder / 'books.db'}", f"sqlite:///{folder / 'log.db'}", TESTING=True)


def dispose(app: Any) -> None:
    """Close the connections of an application."""
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with databases of seven books; to be copied, which is quicker than to fill others."""
    folder = tmp_path_factory.mktemp("filled")
    app = make_app(folder)
    with app.app_context():
        db.create_all()
        author = Author(name="Many")
        db.session.add_all([Book(title=title, author=author) for title in TITLES])
        db.session.commit()
    dispose(app)
    return folder


@pytest.fixture
def app(tmp_path: Path, filled: Path) -> Iterator[Any]:
    """The application with seven books."""
    for path in filled.iterdir():
        shutil.copy(path, tmp_path)
    app = make_app(tmp_path)
    yield app
    dispose(app)


def test_a_page_has_items_a_total_and_neighbours(client: Any) -> None:
    first = client.get("/books?per_page=3").json
    assert first["titles"] == TITLES[:3]
    assert first["total"] == 7
    assert first["pages"] == [1, 2, 3]
    assert first["next"] == "/books?page=2"
    assert client.get("/books?page=3&per_page=3").json["titles"] == ["Ghosts"]
    assert client.get("/books?page=2&per_page=3").json["next"] == "/books?page=3"


def test_a_page_is_never_longer_than_its_maximum(client: Any) -> None:
    assert len(client.get("/books?per_page=50").json["titles"]) == 5


@pytest.mark.parametrize("page", ["9", "0", "many"])
def test_a_page_that_does_not_exist_is_not_found(client: Any, page: str) -> None:
    assert client.get(f"/books?page={page}").status_code == 404


def test_the_query_of_a_model_pages_too(client: Any) -> None:
    assert client.get("/books/legacy?page=2").json == {"titles": TITLES[2:4], "previous": 1}


def test_a_row_is_made_read_and_deleted(client: Any) -> None:
    made = client.post("/books", json={"title": "Zorba", "author": "Nikos"})
    assert made.status_code == 201
    assert client.get(made.location).json == {"title": "Zorba", "author": "Nikos"}
    assert client.delete(made.location).status_code == 204
    assert client.get(made.location).status_code == 404


def test_a_row_that_is_missing_is_not_found_with_the_description(client: Any) -> None:
    response = client.get("/books/99")
    assert response.status_code == 404
    assert response.json == {"error": "There is no book 99."}
    assert client.get("/authors/Nobody").json == {"error": "Nobody of that name."}
    assert client.get("/authors/first/Nobody").status_code == 404
    assert client.get("/authors/first/Many").text == "1"


def test_one_author_has_all_books(client: Any) -> None:
    assert client.get("/authors/Many").json == TITLES


def test_what_a_failed_request_flushed_is_rolled_back(app: Any, client: Any) -> None:
    assert client.post("/authors/Ghost/unfinished").status_code == 409
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Author).filter_by(name="Ghost")) == 0


def test_a_model_with_a_bind_key_is_kept_in_its_own_database(app: Any, client: Any) -> None:
    client.get("/books/1")
    with app.app_context():
        assert db.session.scalars(db.select(Visit.path)).all() == ["/books/1"]
        assert sqlalchemy.inspect(db.engine).get_table_names() == ["author", "book"]
        assert sqlalchemy.inspect(db.engines["log"]).get_table_names() == ["visit"]
        assert db.engines[None] is db.engine
        assert set(db.metadatas) == {None, "log"}


def test_tables_of_one_bind_are_dropped_alone(app: Any) -> None:
    with app.app_context():
        db.drop_all("log")
        assert sqlalchemy.inspect(db.engines["log"]).get_table_names() == []
        assert sqlalchemy.inspect(db.engine).get_table_names() == ["author", "book"]
        db.reflect(None)
        assert "author" in db.metadata.tables


def test_committed_changes_are_signalled(app: Any, client: Any) -> None:
    client.post("/books?unlogged", json={"title": "Zorba", "author": "Nikos"})
    changes = [("Author", "insert"), ("Book", "insert")]
    # Once for every application that the extension has ever been given.
    assert {(type(model).__name__, change) for model, change in app.announced} == set(changes)
    assert sorted((type(model).__name__, change) for model, change in app.committed) == changes


def test_a_rollback_forgets_the_changes(app: Any) -> None:
    with app.app_context():
        db.session.add(Author(name="Nobody"))
        db.session.flush()
        db.session.rollback()
        db.session.commit()
    assert app.committed == []


def test_the_queries_of_a_request_are_recorded(client: Any) -> None:
    (statement,) = client.get("/queries?unlogged").json
    assert statement.startswith("SELECT author.id")
    assert client.get("/queries?unlogged").json == [statement]  # the next request begins anew


def test_a_session_belongs_to_an_application_context(app: Any) -> None:
    with app.app_context():
        outer = db.session()
        assert db.session() is outer
        with app.app_context():
            assert db.session() is not outer
        assert db.session() is outer


def test_a_session_ends_with_its_context(app: Any) -> None:
    with app.app_context():
        author = db.session.get(Author, 1)
        assert author in db.session
        registry = db.session.registry
        assert registry.has()
    assert sqlalchemy.inspect(author).detached
    with app.app_context():
        assert not registry.has()


def test_a_client_that_keeps_the_context_lets_the_test_use_the_database(app: Any) -> None:
    with app.test_client() as client:
        client.get("/books/1")
        assert flask.request.path == "/books/1"
        assert isinstance(db.session(), Session)
        assert db.session.get(Book, 1).title == "Ada"


def test_a_context_of_the_test_is_the_context_of_the_request(app: Any) -> None:
    with app.app_context():
        assert app.test_client().get("/session?unlogged").text == str(id(db.session()))


def test_an_async_view_has_the_session_of_the_plain_hooks(client: Any) -> None:
    assert client.get("/later/2?unfinished").text == "Beloved /later/2"
    assert client.get("/later/99").status_code == 404


def test_a_stream_keeps_the_session_to_its_end(client: Any) -> None:
    assert client.get("/stream").text == "".join(f"{title} by Many\n" for title in TITLES)


def test_each_thread_has_sessions_of_its_own(app: Any) -> None:
    def ask(title: str) -> tuple[int, str]:
        response = app.test_client().post("/books", json={"title": title, "author": f"Author of {title}"})
        return response.status_code, app.test_client().get(response.location).json["title"]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, map(str, range(6)))) == [(201, str(number)) for number in range(6)]


def test_commands_of_the_application_use_the_database(app: Any) -> None:
    @app.cli.command("count")
    def count() -> None:
        print(db.session.scalar(db.select(db.func.count()).select_from(Book)))

    result = app.test_cli_runner().invoke(args=["count"])
    assert result.output == "7\n", result.exception


def test_the_shell_works_on_the_database(app: Any) -> None:
    group = FlaskGroup(create_app=lambda: app)
    result = app.test_cli_runner().invoke(group, ["shell"], input="print(Book.query.count(), extra, app.name)\n")
    assert "7 42 app" in result.output


def test_a_page_is_made_of_the_query_of_a_test_request(app: Any) -> None:
    with app.test_request_context("/?page=2&per_page=3"):
        page = db.paginate(db.select(Book).order_by(Book.title))
        assert [book.title for book in page] == TITLES[3:6]
        assert page.next().page == 3
        assert page.prev(error_out=False).has_prev is False
    with app.app_context():  # without a request the defaults count
        assert db.paginate(db.select(Book)).per_page == 20
    with app.test_request_context("/?page=9"), pytest.raises(NotFound):
        db.paginate(db.select(Book))


def test_the_session_is_given_back_when_a_view_fails(app: Any) -> None:
    app.testing = False

    @app.get("/fail")
    def fail() -> None:
        db.session.execute(db.select(Book)).all()
        raise ValueError("broken")

    assert app.test_client().get("/fail").status_code == 500
    with app.app_context():
        assert db.engine.pool.checkedout() == 0


def test_without_a_context_there_is_no_session() -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        db.session.execute(db.select(Author))
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        _ = db.engine


def test_an_application_that_was_not_initialised_is_named() -> None:
    with flask.Flask("other").app_context(), pytest.raises(RuntimeError, match="not registered with this 'SQLAlchemy'"):
        _ = db.engine


def test_an_application_without_a_database_is_refused() -> None:
    with pytest.raises(RuntimeError, match="SQLALCHEMY_DATABASE_URI"):
        db.init_app(flask.Flask("other"))


def test_an_application_cannot_be_registered_twice(app: Any) -> None:
    with pytest.raises(RuntimeError, match="already been registered"):
        db.init_app(app)


def test_a_relative_file_lies_in_the_instance_folder(tmp_path: Path) -> None:
    app = flask.Flask("other", instance_path=str(tmp_path / "instance"))
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///relative.db"
    other = flask_sqlalchemy_of(app)
    with app.app_context():
        assert other.engine.url.database == str(tmp_path / "instance" / "relative.db")
        other.engine.dispose()
    assert (tmp_path / "instance").is_dir()


def test_the_options_of_an_engine_reach_it(tmp_path: Path) -> None:
    app = flask.Flask("other", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'other.db'}"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 3, "execution_options": {"mark": "here"}}
    other = flask_sqlalchemy_of(app)
    with app.app_context():
        assert other.engine.pool.size() == 3
        assert other.engine.get_execution_options()["mark"] == "here"
        other.engine.dispose()


def test_two_applications_share_the_models_but_not_the_database(app: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_app(tmp_path / "other")
    with other.app_context():
        db.create_all()
        assert db.session.scalars(db.select(Book)).all() == []
        with app.app_context():
            assert len(db.session.scalars(db.select(Book)).all()) == 7
        assert db.session.scalars(db.select(Book)).all() == []
    dispose(other)


def test_the_shell_knows_the_models(app: Any) -> None:
    with app.app_context():
        names = app.make_shell_context()
    assert names["db"] is db
    assert names["Book"] is Book
    assert names["app"] is app
    assert names["extra"] == 42


def test_the_extension_is_registered(app: Any) -> None:
    assert app.extensions["sqlalchemy"] is db


def test_a_table_made_by_the_extension_works_like_a_model(app: Any) -> None:
    tags = db.Table("tag", db.Column("name", db.String, primary_key=True))
    with app.app_context():
        try:
            tags.create(db.engine)
            db.session.execute(tags.insert().values(name="new"))
            assert db.session.scalars(db.select(tags.c.name)).all() == ["new"]
        finally:
            db.session.rollback()
            db.metadata.remove(tags)


def flask_sqlalchemy_of(app: Any) -> Any:
    """Return an extension of its own for an application."""
    from flask_sqlalchemy import SQLAlchemy

    return SQLAlchemy(app)
