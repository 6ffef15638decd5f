from __future__ import annotations

import io
import json
from typing import Any

import pytest

from app import create_app, create_versions


@pytest.fixture
def app() -> Any:
    return create_app()


def test_a_list_has_pages_told_in_a_header(client: Any) -> None:
    response = client.get("/pets/")
    assert [pet["name"] for pet in response.json] == ["Tom", "Rex", "Mia"]
    page = json.loads(response.headers["X-Pagination"])
    assert page == {"total": 4, "total_pages": 2, "first_page": 1, "last_page": 2, "page": 1, "next_page": 2}
    assert [pet["name"] for pet in client.get("/pets/?page=2").json] == ["Kim"]
    assert len(client.get("/pets/?page_size=4").json) == 4
    assert client.get("/pets/?page=0").status_code == 422


def test_arguments_come_from_the_query(client: Any) -> None:
    assert [pet["name"] for pet in client.get("/pets/?kind=dog").json] == ["Rex", "Kim"]


def test_a_body_is_read_by_its_schema_and_answered_by_another(client: Any) -> None:
    response = client.post("/pets/", json={"name": "Ida"})
    assert response.status_code == 201
    assert response.json == {"id": 5, "name": "Ida", "kind": "cat"}
    assert response.headers["X-Made"] == "yes"
    assert client.get("/pets/5").json == response.json


def test_a_body_that_does_not_fit_is_refused_with_the_reasons(client: Any) -> None:
    response = client.post("/pets/", json={"kind": "fish", "age": 3})
    assert response.status_code == 422
    assert response.json == {
        "code": 422,
        "status": "Unprocessable Entity",
        "errors": {
            "json": {
                "name": ["Missing data for required field."],
                "kind": ["Must be one of: cat, dog."],
                "age": ["Unknown field."],
            }
        },
    }


@pytest.mark.parametrize(("body", "kind", "status"), [("{", "application/json", 400), ("a=b", "text/plain", 422)])
def test_a_body_that_is_no_json_is_refused(client: Any, body: str, kind: str, status: int) -> None:
    response = client.post("/pets/", data=body, content_type=kind)
    assert response.status_code == status
    assert response.json["code"] == status


def test_an_abort_answers_in_json(client: Any) -> None:
    response = client.post("/pets/", json={"name": "Tom"})
    assert response.status_code == 409
    assert response.json == {"code": 409, "status": "Conflict", "message": "There is a Tom already."}
    missing = client.get("/pets/99")
    assert missing.json == {
        "code": 404,
        "status": "Not Found",
        "message": "No such pet.",
        "errors": {"pet_id": 99},
    }


def test_the_errors_of_the_framework_are_json_too(client: Any) -> None:
    assert client.get("/nowhere").json == {"code": 404, "status": "Not Found"}
    refused = client.put("/pets/")
    assert refused.status_code == 405
    assert refused.json == {"code": 405, "status": "Method Not Allowed"}
    assert "Allow" not in refused.headers  # the answer is one of flask-smorest's own


def test_a_defect_is_a_500_in_json(client: Any) -> None:
    response = client.get("/pets/broken")
    assert response.status_code == 500
    assert response.json == {"code": 500, "status": "Internal Server Error"}


def test_a_page_that_the_client_has_is_not_sent_again(client: Any) -> None:
    etag = client.get("/pets/1").headers["ETag"]
    again = client.get("/pets/1", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.data == b""
    assert client.get("/pets/2", headers={"If-None-Match": etag}).status_code == 200
    assert client.get("/pets/", headers={"If-None-Match": client.get("/pets/").headers["ETag"]}).status_code == 304


def test_a_change_needs_the_etag_of_what_it_changes(client: Any) -> None:
    assert client.put("/pets/1", json={"name": "Max"}).status_code == 428
    assert client.put("/pets/1", json={"name": "Max"}, headers={"If-Match": '"old"'}).status_code == 412
    etag = client.get("/pets/1").headers["ETag"]
    changed = client.put("/pets/1", json={"name": "Max", "kind": "dog"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.json == {"id": 1, "name": "Max", "kind": "dog"}
    assert client.delete("/pets/1", headers={"If-Match": etag}).status_code == 412
    deleted = client.delete("/pets/1", headers={"If-Match": changed.headers["ETag"]})
    assert deleted.status_code == 204
    assert deleted.data == b""
    assert client.get("/pets/1").status_code == 404


def test_files_and_fields_of_a_form_are_arguments(client: Any) -> None:
    response = client.post("/uploads/", data={"file": (io.BytesIO(b"12345"), "a.txt"), "title": "five"})
    assert response.status_code == 201
    assert response.json == {"size": 5, "title": "five"}
    assert client.post("/uploads/", data={"title": "none"}).json["errors"] == {
        "files": {"file": ["Missing data for required field."]}
    }


def test_headers_are_arguments(client: Any) -> None:
    assert client.get("/uploads/headers", headers={"X-Key": "41"}).json == 42
    assert client.get("/uploads/headers").status_code == 422


def test_the_api_describes_itself(client: Any) -> None:
    document = client.get("/docs/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "Pets", "version": "v1"}
    assert set(document["paths"]) == {
        "/pets/",
        "/pets/{pet_id}",
        "/pets/later",
        "/pets/broken",
        "/uploads/",
        "/uploads/headers",
    }
    post = document["paths"]["/pets/"]["post"]
    assert post["summary"] == "Add a pet"
    assert post["description"] == "With a description that is longer."
    assert post["responses"]["409"]["description"] == "The name is taken"
    assert document["paths"]["/pets/{pet_id}"]["parameters"][0]["schema"] == {"type": "integer", "minimum": 0}
    assert {"name": "pets", "description": "Animals that live with people"} in document["tags"]
    assert "Pet" in document["components"]["schemas"]


def test_a_page_shows_the_description(client: Any) -> None:
    page = client.get("/docs/swagger").text
    assert "https://cdn.example/swagger/" in page
    assert "/docs/openapi.json" in page
    assert "<title>Pets</title>" in page


def test_the_description_is_printed_by_a_command(app: Any) -> None:
    result = app.test_cli_runner().invoke(args=["openapi", "print"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["info"]["title"] == "Pets"


def test_a_view_beside_the_api_is_left_alone(client: Any) -> None:
    assert client.get("/plain").text == "plain"
    assert client.options("/pets/").status_code == 200


@pytest.fixture
def versions() -> Any:
    """A client of two versions of an API in one application."""
    return create_versions().test_client()


def test_versions_of_an_api_live_side_by_side(versions: Any) -> None:
    assert versions.get("/v1/years/1999").json == {"year": 1999, "by": "v1.years.year"}
    assert versions.get("/v2/years/1999").json == {"year": 1999, "by": "v2.years.year"}
    assert versions.get("/v2/openapi.json").json["info"]["title"] == "Years v2"
    assert set(versions.get("/v1/openapi.json").json["paths"]) == {
        "/v1/years/{number}",
        "/v1/years/{number}/page",
        "/v1/years/moved",
    }


def test_a_converter_of_the_application_is_described(versions: Any) -> None:
    assert versions.get("/v1/years/99").status_code == 404
    path = versions.get("/v1/openapi.json").json["paths"]["/v1/years/{number}"]
    assert {"in": "path", "name": "number", "required": True, "schema": {"type": "integer", "format": "year"}} in path[
        "parameters"
    ]
    assert {"in": "header", "name": "X-Trace"} in path["parameters"]


def test_a_view_may_answer_with_a_response_of_its_own(versions: Any) -> None:
    page = versions.get("/v1/years/1999/page")
    assert page.text == "/v1/years/1999"
    assert page.mimetype == "text/html"
    moved = versions.get("/v2/years/moved")
    assert moved.status_code == 302
    assert moved.location == "/v2/years/2000"


def test_a_hook_of_a_nested_blueprint_refuses_in_json(versions: Any) -> None:
    refused = versions.get("/v1/years/1999?refuse=1")
    assert refused.status_code == 403
    assert refused.json == {"code": 403, "status": "Forbidden"}


def test_the_order_of_keys_is_that_of_the_schema_where_the_application_says_so(versions: Any) -> None:
    assert versions.get("/v1/years/1999").text.index("year") < versions.get("/v1/years/1999").text.index("by")


def test_descriptions_are_written_to_files(tmp_path: Any) -> None:
    runner = create_versions().test_cli_runner()
    result = runner.invoke(args=["openapi", "write", "--config-prefix", "V2", str(tmp_path / "v2.json")])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "v2.json").read_text())["info"]["version"] == "v2"


def test_etags_may_be_switched_off() -> None:
    app = create_app(ETAG_DISABLED=True)
    response = app.test_client().get("/pets/1")
    assert "ETag" not in response.headers
    assert app.test_client().put("/pets/1", json={"name": "Max"}).status_code == 200


def test_an_async_view_reads_a_form(client: Any) -> None:
    response = client.post("/pets/later", data={"name": "Ida"})
    assert response.status_code == 202
    assert response.json == {"id": 5, "name": "Ida", "kind": "cat"}
