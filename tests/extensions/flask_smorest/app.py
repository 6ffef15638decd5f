"""An API of pets: what flask-smorest offers an application."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import marshmallow as ma
from flask import Flask, Response, current_app, redirect, request, url_for
from flask.views import MethodView
from flask_smorest import Api, Blueprint, Page, abort
from werkzeug.routing import BaseConverter


class PetSchema(ma.Schema):
    id = ma.fields.Int(dump_only=True)
    name = ma.fields.String(required=True, validate=ma.validate.Length(max=10))
    kind = ma.fields.String(load_default="cat", validate=ma.validate.OneOf(["cat", "dog"]))


class PetQuery(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE

    kind = ma.fields.String()


class Window(Page):
    @property
    def item_count(self) -> int:
        return len(self.collection)


pets = Blueprint("pets", "pets", url_prefix="/pets", description="Animals that live with people")
files = Blueprint("files", "files", url_prefix="/files")


@pets.route("/")
class Pets(MethodView):
    @pets.etag
    @pets.arguments(PetQuery, location="query")
    @pets.response(200, PetSchema(many=True))
    @pets.paginate(Window, page_size=3)
    def get(self, query: dict[str, Any]) -> Any:
        """List the pets"""
        return [pet for pet in current_app.pets.values() if pet["kind"] == query.get("kind", pet["kind"])]

    @pets.arguments(PetSchema)
    @pets.response(201, PetSchema, headers={"X-Made": {"description": "yes"}})
    @pets.alt_response(409, description="The name is taken")
    def post(self, data: dict[str, Any]) -> Any:
        """Add a pet

        With a description that is longer.
        """
        if any(pet["name"] == data["name"] for pet in current_app.pets.values()):
            abort(409, message=f"There is a {data['name']} already.")
        return current_app.add(**data), {"X-Made": "yes"}


@pets.route("/<int:pet_id>")
class Pet(MethodView):
    @pets.etag
    @pets.response(200, PetSchema)
    def get(self, pet_id: int) -> Any:
        return current_app.find(pet_id)

    @pets.etag
    @pets.arguments(PetSchema(partial=True, only=("name", "kind")))
    @pets.response(200, PetSchema)
    def put(self, data: dict[str, Any], pet_id: int) -> Any:
        pet = current_app.find(pet_id)
        pets.check_etag(pet, PetSchema)
        pet.update(data)
        return pet

    @pets.etag
    @pets.response(204)
    def delete(self, pet_id: int) -> None:
        pets.check_etag(current_app.find(pet_id), PetSchema)
        del current_app.pets[pet_id]


@pets.route("/later", methods=["POST"])
@pets.arguments(PetSchema, content_type="application/x-www-form-urlencoded", location="form")
@pets.response(202, PetSchema)
async def add_later(data: dict[str, Any]) -> Any:
    await asyncio.sleep(0)
    return current_app.add(**data)


@pets.route("/broken")
@pets.response(200)
def broken() -> Any:
    raise ValueError("a defect")


FileSchema = ma.Schema.from_dict({"file": ma.fields.Raw(required=True)}, name="File")
TitleSchema = ma.Schema.from_dict({"title": ma.fields.String(required=True)}, name="Title")
UploadSchema = ma.Schema.from_dict({"size": ma.fields.Int(), "title": ma.fields.String()}, name="Upload")
KeySchema = ma.Schema.from_dict({"X-Key": ma.fields.Int(required=True)}, name="Key")


@files.route("/", methods=["POST"])
@files.arguments(FileSchema, location="files")
@files.arguments(TitleSchema, location="form")
@files.response(201, UploadSchema)
def upload(files: dict[str, Any], form: dict[str, Any]) -> Any:
    return {"size": len(files["file"].read()), "title": form["title"]}


@files.route("/headers")
@files.arguments(KeySchema, location="headers", unknown="exclude")
@files.response(200)
def headers(headers: dict[str, Any]) -> int:
    return headers["X-Key"] + 1


class YearConverter(BaseConverter):
    regex = "[12][0-9]{3}"

    def to_python(self, value: str) -> int:
        return int(value)


def create_versions() -> Flask:
    """Make an application with two versions of an API, whose parts are nested blueprints with a converter."""
    app = Flask(__name__)
    app.json.sort_keys = False
    for version in ("v1", "v2"):
        prefix = version.upper()
        app.config.update(
            {
                f"{prefix}_API_TITLE": f"Years {version}",
                f"{prefix}_API_VERSION": version,
                f"{prefix}_OPENAPI_VERSION": "3.0.3",
                f"{prefix}_OPENAPI_URL_PREFIX": f"/{version}",
            }
        )
        api = Api(app, config_prefix=prefix)
        app.url_map.converters["year"] = YearConverter
        api.register_converter(YearConverter, lambda converter: {"type": "integer", "format": "year"})
        parent = Blueprint(version, version, url_prefix=f"/{version}")
        child = Blueprint("years", "years", url_prefix="/years")

        @child.route("/<year:number>", parameters=["number", {"name": "X-Trace", "in": "header"}])
        @child.response(200, ma.Schema.from_dict({"year": ma.fields.Int(), "by": ma.fields.String()}, name="Year"))
        def year(number: int) -> dict[str, Any]:
            return {"year": number, "by": request.endpoint}

        @child.route("/<year:number>/page")
        @child.response(200, content_type="text/html")
        def page(number: int) -> Any:
            return Response(url_for(".year", number=number), mimetype="text/html")

        @child.route("/moved")
        @child.alt_response(302, success=True)
        def moved() -> Any:
            return redirect(url_for(".year", number=2000))

        @child.before_request
        def refuse() -> None:
            if request.args.get("refuse"):
                abort(403)

        parent.register_blueprint(child)
        api.register_blueprint(parent)
    return app


def create_app(**config: Any) -> Flask:
    """Make the application, with four pets in ``app.pets``."""
    app = Flask(__name__)
    app.config.from_mapping(
        API_TITLE="Pets",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/docs",
        OPENAPI_SWAGGER_UI_PATH="/swagger",
        OPENAPI_SWAGGER_UI_URL="https://cdn.example/swagger/",
        **config,
    )
    numbers = itertools.count(1)
    app.pets = {}

    def add(**data: Any) -> dict[str, Any]:
        pet = {"id": next(numbers), **data}
        return app.pets.setdefault(pet["id"], pet)

    def find(pet_id: int) -> dict[str, Any]:
        return app.pets.get(pet_id) or abort(404, message="No such pet.", errors={"pet_id": pet_id})

    app.add, app.find = add, find
    for name, kind in [("Tom", "cat"), ("Rex", "dog"), ("Mia", "cat"), ("Kim", "dog")]:
        add(name=name, kind=kind)
    api = Api(app)
    api.register_blueprint(pets)
    api.register_blueprint(files, url_prefix="/uploads")

    @app.get("/plain")
    def plain() -> str:
        return "plain"

    return app
