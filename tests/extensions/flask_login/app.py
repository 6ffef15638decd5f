"""An application that people log in to, by a form, by a cookie that remembers them, and by a key in a header."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    copy_current_request_context,
    flash,
    g,
    get_flashed_messages,
    jsonify,
    redirect,
    render_template_string,
    request,
    stream_with_context,
)
from flask.views import MethodView
from flask_login import (
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_fresh,
    login_remembered,
    login_required,
    login_user,
    logout_user,
)


class User(UserMixin):
    """Somebody who has an account."""

    def __init__(self, name: str, active: bool = True) -> None:
        self.id = name
        self.name = name
        self.active = active

    @property
    def is_active(self) -> bool:
        """Whether the account may be used."""
        return self.active


class Visitor(AnonymousUserMixin):
    """Somebody who has not logged in."""

    name = "visitor"


USERS = {name: User(name, active=name != "eve") for name in ("ada", "grace", "eve")}
KEYS = {"key-of-grace": "grace"}

staff = Blueprint("staff", __name__, url_prefix="/staff")


@staff.before_request
@login_required
def nobody_else():
    return None


@staff.get("/")
def office():
    return f"office of {current_user.name}"


@staff.get("/login")
def door():
    return "the door of the office"


class Profile(MethodView):
    """A view class whose methods need a login."""

    decorators = [login_required]

    def get(self):
        return current_user.name

    def post(self):
        return f"saved for {current_user.get_id()}"


def create_app(**config: Any) -> Flask:
    """Make the application with the settings *config*."""
    app = Flask(__name__)
    app.config.update(
        TESTING=True, SECRET_KEY="of the checks alone", REMEMBER_COOKIE_DURATION=timedelta(days=7), **config
    )
    manager = LoginManager()
    manager.login_view = "login"
    manager.refresh_view = "again"
    manager.login_message_category = "please"
    manager.needs_refresh_message = "Say your password once more."
    manager.anonymous_user = Visitor
    manager.blueprint_login_views = {"staff": "/staff-entrance"}
    manager.init_app(app)

    @manager.user_loader
    def load(name):
        g.loads = g.get("loads", 0) + 1
        return USERS.get(name)

    @manager.request_loader
    def load_by_key(request):
        return USERS.get(KEYS.get(request.headers.get("X-Key", ""), ""))

    @app.route("/login", methods=["GET", "POST"])
    def login():
        if request.method == "GET":
            return jsonify(messages=get_flashed_messages(with_categories=True))
        form = request.form
        duration = timedelta(minutes=int(form["minutes"])) if "minutes" in form else None
        done = login_user(USERS[form["name"]], remember="remember" in form, duration=duration, force="force" in form)
        if not done:
            return "this account is closed", 403
        flash("Welcome.")
        return redirect(request.args.get("next") or "/")

    @app.route("/again", methods=["GET", "POST"])
    def again():
        if request.method == "POST":
            confirm_login()
            return redirect(request.args.get("next", "/"))
        return jsonify(messages=get_flashed_messages())

    @app.get("/logout")
    @login_required
    def logout():
        logout_user()
        return redirect("/")

    @app.get("/")
    def index():
        return render_template_string(
            "{% if current_user.is_authenticated %}hello {{ current_user.name }}"
            "{% else %}who are you, {{ current_user.name }}?{% endif %}"
        )

    @app.get("/account")
    @login_required
    def account():
        return jsonify(
            name=current_user.name, fresh=login_fresh(), remembered=login_remembered(), loads=g.get("loads", 0)
        )

    @app.get("/password")
    @fresh_login_required
    def password():
        return "a new password"

    @app.get("/stream")
    @login_required
    def stream():
        def parts():
            yield "for "
            yield current_user.name

        return stream_with_context(parts())

    @app.get("/thread")
    @login_required
    def thread():
        @copy_current_request_context
        def look():
            return current_user.name

        with ThreadPoolExecutor() as pool:
            return pool.submit(look).result()

    @app.get("/later")
    @login_required
    async def later():
        return f"later, {current_user.name}"

    app.add_url_rule("/profile", view_func=Profile.as_view("profile"))
    app.register_blueprint(staff)
    return app
