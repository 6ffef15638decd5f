from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import Post, Writer, create_app, create_hosts, db


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The application; one for all checks, because each page of it is made of many templates."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "files").mkdir()
    app = create_app(f"sqlite:///{folder / 'office.db'}", folder / "files", TESTING=True)
    app.files = folder / "files"
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(autouse=True)
def files(app: Any) -> Path:
    """The folder that is administered, with one file in it; and in the database one writer and five posts."""
    for path in app.files.iterdir():
        path.unlink()
    (app.files / "hello.txt").write_text("Hello!")
    with app.app_context():
        db.drop_all()
        db.create_all()
        db.session.add(Writer(name="Wilma"))
        db.session.add_all([Post(title=f"Post {letter}") for letter in "ABCDE"])
        db.session.commit()
    folder: Path = app.files
    return folder


def posts(app: Any) -> list[tuple[str, bool, str | None]]:
    with app.app_context():
        found = db.session.scalars(db.select(Post).order_by(Post.id))
        return [(post.title, post.public, post.writer and post.writer.name) for post in found]


def titles(page: str) -> list[str]:
    """Return the titles in a list of posts."""
    return re.findall(r'data-value="(Post [^"]*)"', page)


def test_the_start_page_is_a_template_of_the_application_in_the_layout_of_the_extension(client: Any) -> None:
    page = client.get("/admin/").text
    assert "There are 5 posts in sqlite." in page
    assert "<title>Start - Office</title>" in re.sub(r">\s+|\s+<", lambda found: found[0].strip(), page)


def test_the_menu_has_views_categories_and_links(client: Any) -> None:
    page = client.get("/admin/").text
    assert re.search(r'href="/admin/reports/">\s*Reports', page)
    assert re.search(r'href="/admin/post/">\s*Post', page)
    assert re.search(r'href="/">\s*Site', page)
    assert "Texts" in page
    assert "/admin/writers/" not in page  # who may not see it gets no link


def test_the_static_files_of_the_extension_are_served(client: Any) -> None:
    (address,) = re.findall(r'<script [^>]*src="([^"]*/jquery\.min\.js[^"]*)"', client.get("/admin/").text)
    response = client.get(html.unescape(address))
    assert response.status_code == 200
    assert response.mimetype == "text/javascript"
    assert b"jQuery" in response.data
    assert client.get("/admin/static/missing.js").status_code == 404


def test_a_view_of_its_own_has_several_addresses(client: Any) -> None:
    assert "Report None of Reports: /admin/reports/2001/" in client.get("/admin/reports/").text
    assert "Report 1848 POST" in client.post("/admin/reports/1848/").text
    assert client.get("/admin/reports/link/").text == "/admin/reports/1999/"
    assert client.get("/").text == "/admin/post/edit/?id=1"
    assert client.get("/admin/reports/link").status_code == 308


def test_the_list_is_sorted_and_has_pages(client: Any) -> None:
    assert titles(client.get("/admin/post/").text) == ["Post A", "Post B", "Post C"]
    assert titles(client.get("/admin/post/?page=1").text) == ["Post D", "Post E"]
    assert titles(client.get("/admin/post/?sort=1&desc=1").text) == ["Post E", "Post D", "Post C"]


def test_the_list_is_searched_and_filtered(app: Any, client: Any) -> None:
    assert titles(client.get("/admin/post/?search=post b").text) == ["Post B"]
    with app.app_context():
        db.session.get(Post, 4).public = True
        db.session.commit()
    assert titles(client.get("/admin/post/?flt0_0=1").text) == ["Post D"]


def test_a_row_is_created(app: Any, client: Any) -> None:
    form = client.get("/admin/post/new/").text
    assert 'name="title"' in form
    assert 'data-role="select2-ajax"' in form
    data = {"title": "Post N", "written": "2026-05-06", "public": "y", "writer": "1"}
    response = client.post("/admin/post/new/", data=data)
    assert response.status_code == 302
    assert response.location == "/admin/post/"
    assert posts(app)[-1] == ("Post N", True, "Wilma")
    page = client.get("/admin/post/").text
    assert "Made Post N." in page
    assert "Record was successfully created." in page
    assert "Made Post N." not in client.get("/admin/post/").text


def test_a_row_without_what_it_needs_is_refused_in_the_form(app: Any, client: Any) -> None:
    response = client.post("/admin/post/new/", data={"title": "", "written": "2026-05-06"})
    assert response.status_code == 200
    assert "This field is required." in response.text
    assert len(posts(app)) == 5


def test_a_row_is_edited_and_the_browser_returns_to_its_list(app: Any, client: Any) -> None:
    form = client.get("/admin/post/edit/?id=2&url=/admin/post/?page=1").text
    assert 'value="Post B"' in form
    response = client.post(
        "/admin/post/edit/",
        query_string={"id": "2", "url": "/admin/post/?page=1"},
        data={"title": "Post Bee", "written": "2026-05-06"},
    )
    assert response.location == "/admin/post/?page=1"
    assert posts(app)[1] == ("Post Bee", False, None)
    assert client.post("/admin/post/edit/?id=2", data={"_continue_editing": "1"}).status_code == 200


def test_an_address_of_another_site_to_return_to_is_not_followed(client: Any) -> None:
    response = client.post(
        "/admin/post/edit/?id=2&url=http://evil.example/", data={"title": "x", "written": "2026-05-06"}
    )
    assert response.location == "/admin/post/"


def test_pages_and_messages_are_in_the_language_of_the_browser(client: Any) -> None:
    german = {"Accept-Language": "de-AT,de;q=0.9"}
    page = client.get("/admin/post/new/", headers=german).text
    assert "Speichern" in page
    assert "Save" not in page
    refused = client.post("/admin/post/new/", data={"title": ""}, headers=german).text
    assert "Dieses Feld wird benötigt." in refused
    missing = client.get("/admin/post/edit/?id=99", headers=german, follow_redirects=True)
    assert "Eintrag existiert nicht." in missing.text


def test_a_row_that_is_missing_leads_back_to_the_list(client: Any) -> None:
    response = client.get("/admin/post/edit/?id=99", follow_redirects=True)
    assert response.request.path == "/admin/post/"
    assert "Record does not exist." in response.text


def test_a_row_is_deleted(app: Any, client: Any) -> None:
    assert client.get("/admin/post/delete/").status_code == 405
    response = client.post("/admin/post/delete/", data={"id": "3"}, follow_redirects=True)
    assert "Record was successfully deleted." in response.text
    assert [title for title, *_ in posts(app)] == ["Post A", "Post B", "Post D", "Post E"]


def test_an_action_works_on_the_chosen_rows(app: Any, client: Any) -> None:
    data = {"action": "publish", "rowid": ["1", "5"], "url": "/admin/post/"}
    response = client.post("/admin/post/action/", data=data, follow_redirects=True)
    assert "2 posts are public now." in response.text
    assert [title for title, public, _ in posts(app) if public] == ["Post A", "Post E"]
    client.post("/admin/post/action/", data={"action": "delete", "rowid": ["1", "5"]})
    assert len(posts(app)) == 3


def test_a_cell_is_edited_in_place(app: Any, client: Any) -> None:
    response = client.post("/admin/post/ajax/update/", data={"list_form_pk": "1", "title": "Post Z"})
    assert response.text == "Record was successfully saved."
    assert posts(app)[0][0] == "Post Z"
    assert client.post("/admin/post/ajax/update/", data={"list_form_pk": "1", "title": ""}).status_code == 500


def test_a_relation_is_looked_up(client: Any) -> None:
    assert client.get("/admin/post/ajax/lookup/?name=writer&query=wil").json == [[1, "Wilma"]]


def test_details_show_one_row(client: Any) -> None:
    page = client.get("/admin/post/details/?id=4").text
    assert "Post D" in page
    assert "Post C" not in page


def test_the_list_is_exported_as_a_stream_of_csv(client: Any) -> None:
    response = client.get("/admin/post/export/csv/")
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"].startswith("attachment;filename=Post_")
    lines = response.text.splitlines()
    assert lines[0] == "Writer,Title,Written,Public"
    assert lines[1] == ",Post A,2026-01-02,False"
    assert len(lines) == 6


def test_a_view_that_is_not_accessible_asks_to_log_in(app: Any, client: Any) -> None:
    refused = client.get("/admin/writers/")
    assert refused.status_code == 302
    assert refused.location.startswith("/login?next=http")
    page = client.get("/admin/writers/", follow_redirects=True)
    assert "Wilma" in page.text
    assert "/admin/writers/" in client.get("/admin/").text


def test_a_form_with_a_token_of_the_session_is_refused_without_it(app: Any, client: Any) -> None:
    form = client.get("/login?next=/admin/writers/new/", follow_redirects=True).text
    (token,) = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', form)
    assert client.post("/admin/writers/new/", data={"name": "Wanda"}).status_code == 200
    assert client.post("/admin/writers/new/", data={"name": "Wanda", "csrf_token": token}).status_code == 302
    with app.app_context():
        assert db.session.scalars(db.select(Writer.name)).all() == ["Wilma", "Wanda"]


def test_files_are_listed_and_downloaded(client: Any) -> None:
    page = client.get("/admin/files/").text
    assert "hello.txt" in page
    download = client.get("/admin/files/download/hello.txt")
    assert download.status_code == 302
    assert download.location == "/files/hello.txt"


def test_files_are_uploaded_renamed_and_deleted(client: Any, files: Path) -> None:
    upload = {"upload": (io.BytesIO(b"new"), "new.txt")}
    response = client.post("/admin/files/upload/", data=upload, follow_redirects=True)
    assert "Successfully saved file: new.txt" in response.text
    assert (files / "new.txt").read_bytes() == b"new"
    client.post("/admin/files/mkdir/", data={"name": "folder"})
    assert (files / "folder").is_dir()
    client.post("/admin/files/rename/?path=new.txt", data={"name": "old.txt", "path": "new.txt"})
    assert (files / "old.txt").exists()
    client.post("/admin/files/delete/", data={"path": "old.txt"})
    client.post("/admin/files/delete/", data={"path": "folder"})
    assert [path.name for path in files.iterdir()] == ["hello.txt"]


def test_files_outside_of_the_folder_are_not_served(client: Any, files: Path) -> None:
    (files.parent / "secret.txt").write_text("secret")
    for path in ("/admin/files/download/../secret.txt", "/admin/files/b/..", "/admin/files/b/%2e%2e/"):
        assert "secret" not in client.get(path, follow_redirects=True).text


def test_the_views_are_blueprints_of_the_application(app: Any) -> None:
    assert {"admin", "post", "writers", "reports", "files"} <= set(app.blueprints)
    assert app.extensions["admin"][0].name == "Office"


@pytest.fixture
def hosts() -> Any:
    """A client of an application that is told apart by hosts; its administration has one host, or all."""
    return lambda host: create_hosts(host).test_client()


def test_an_administration_may_have_a_host_of_its_own(hosts: Any) -> None:
    client = hosts("office.example")
    assert "There" in client.get("/admin/", base_url="http://office.example").text
    assert client.get("/admin/", base_url="http://shop.example").status_code == 404


def test_an_administration_may_answer_on_every_host(hosts: Any) -> None:
    client = hosts("*")
    for host in ("office.example", "shop.example"):
        page = client.get("/admin/", base_url=f"http://{host}")
        assert page.status_code == 200
        (address,) = re.findall(r'<script [^>]*src="([^"]*/jquery\.min\.js[^"]*)"', page.text)
        assert client.get(html.unescape(address), base_url=f"http://{host}").status_code == 200


def test_an_administration_may_have_a_subdomain(hosts: Any) -> None:
    client = create_hosts(None, subdomain="office").test_client()
    assert "There" in client.get("/admin/", base_url="http://office.shop.example").text
    assert client.get("/admin/", base_url="http://shop.example").status_code == 404


def test_a_class_of_views_is_a_part_of_a_view(client: Any) -> None:
    assert client.get("/admin/reports/api/v1").text == "GET of v1 by Reports"
    assert client.post("/admin/reports/api/v2").text == "POST of v2 by Reports"
    assert client.put("/admin/reports/api/v2").status_code == 405


def test_a_script_bears_the_nonce_of_its_request(client: Any) -> None:
    assert re.search(r'<script +nonce="[0-9a-f]{8}"', client.get("/admin/").text)
