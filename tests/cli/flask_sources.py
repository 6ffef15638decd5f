"""An application for Flask as one finds them, for ``erlen migrate-report`` to read."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "shop/__init__.py": """\
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Flask

from .extensions import cors, db, login_manager, migrate

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def create_app(config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SECRET_KEY="dev", JSON_SORT_KEYS=False, SHOP_NAME="Corner")
    app.config.from_object("shop.config.ProductionConfig")
    app.config.from_object(f"shop.config.{os.environ.get('FLASK_CONFIG', 'Config')}")
    app.config.from_prefixed_env()
    if config:
        app.config.update(config)
    app.config["PERMANENT_SESSION_LIFETIME"] = 3600
    app.config["SESSION_COOKIE_SECURE"] = not app.debug
    db.init_app(app)
    migrate.init_app(app, db)
    login_manager.init_app(app)
    cors.init_app(app)

    from .views import bp
    app.register_blueprint(bp)

    @app.before_first_request
    def warm_up():
        app.logger.info("warm")

    @app.errorhandler(404)
    def missing(error) -> ResponseReturnValue:
        return {"error": "missing"}, 404

    app.json_encoder = None
    return app
""",
    "shop/extensions.py": """\
from flask_cors import CORS
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
import flask_profiler_x

cors, db, login_manager, migrate = CORS(), SQLAlchemy(), LoginManager(), Migrate()
""",
    "shop/config.py": """\
import os


class Config:
    SQLALCHEMY_DATABASE_URI = os.environ.get("DATABASE_URL", "sqlite://")
    SESSION_TYPE = "redis"
    SESSION_USE_SIGNER = True
    SESSION_FILE_THRESHOLD = 500
    PAGE_SIZE = 20


class ProductionConfig(Config):
    SESSION_COOKIE_SAMESITE = "Lax"
    ENV = "production"
""",
    "shop/views.py": """\
from flask import (
    Blueprint, Markup, abort, current_app, flash, jsonify,
    redirect, render_template, request, session, url_for,
)
from flask.views import MethodView

bp = Blueprint("shop", __name__)


@bp.route("/")
def index():
    size = current_app.config.get("PAGE_SIZE", 10)
    return render_template("index.html", size=size, intro=Markup("<b>Hello</b>"))


@bp.route("/cart", methods=["GET", "POST"])
def cart():
    session["cart"] = request.form.getlist("item")
    flash("Saved")
    return redirect(url_for(".index"))


@bp.post("/moved")
def moved():
    if request.is_xhr:
        abort(400)
    return redirect(url_for(".index"), code=301)


@bp.get("/api/items")
def items():
    return {"items": []}


class Item(MethodView):
    def get(self, id):
        return jsonify(id=id)

    def delete(self, id):
        return "", 204


bp.add_url_rule("/items/<int:id>", view_func=Item.as_view("item"))
""",
    "shop/legacy.py": """\
import flask as f
import flask.json
from flask import *
from flask.globals import _cv_app
from flask.ctx import AppContext

try:
    from flask import _app_ctx_stack as stack
except ImportError:
    stack = None

try:
    from flask import safe_join
except ImportError:
    from werkzeug.utils import safe_join


def report():
    context = f.ctx.RequestContext
    top = f._request_ctx_stack.top
    text = flask.json.dumps({"a": f.request.args.get("a")})
    if f.session.get("user"):
        return f.redirect("/")
    return send_file("report.pdf", attachment_filename="r.pdf", cache_timeout=0)
""",
    "shop/broken.py": "def broken(:\n    pass\n",
    "shop/templates/index.html": """\
<h1>{{ config.SHOP_NAME }}</h1>
<a href="{{ url_for('shop.cart') }}">session</a>
{% for message in get_flashed_messages() %}{{ message }}{% endfor %}
{% if session.user %}{{ session.user.name }}{% endif %}
""",
    "tests/test_shop.py": """\
import pytest
from flask import testing
from flask.testing import FlaskClient
from shop import create_app


def test_cart():
    app = create_app({"TESTING": True})
    with app.app_context():
        client = app.test_client()
        assert client.get("/").status_code == 200
""",
    "wsgi.py": "from shop import create_app\n\napp = create_app()\n",
    ".flaskenv": "# FLASK_NOTHING=1\nFLASK_APP=shop:create_app\nFLASK_ENV=development\nFLASK_RUN_PORT=8000\n",
    "Dockerfile": """\
FROM python:3.11
ENV FLASK_SESSION_TYPE=redis
RUN pip install flask
CMD ["flask", "--app", "shop", "run", "--host=0.0.0.0"]
""",
    "requirements.txt": """\
# what it needs
Flask==2.2.5
Flask-Login>=0.6
Flask_Script
flask-cors[x] ; python_version > '3'
gunicorn
""",
    "pyproject.toml": """\
[project]
name = "flask-shop"
dependencies = ["flask-wtf>=1.2", "requests"]

[tool.poetry.dependencies]
Flask-Caching = "^2.0"
""",
}


def write(folder: Path) -> Path:
    """Write the application into *folder* and return that."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
