"""Sign in, sign out, and the profile, which is kept in the session."""

from datetime import UTC, datetime

from werkzeug.security import check_password_hash, generate_password_hash

import database
from erlen import Blueprint, flash, g, redirect, render_template, request, session, url_for

blueprint = Blueprint("account", __name__)

ADDRESS_FIELDS = ("street", "city", "country")
THEMES = ("system", "light", "dark")
# An unknown name must take as long to refuse as a wrong password, or the time would tell which names exist.
NOBODY = {"password_hash": generate_password_hash("nobody has this password")}


def current_user():
    """Return the row of whoever is signed in, or None; it is looked up once in a request."""
    if "user" not in g:
        g.user = database.find_user(session.bound_user) if session.bound_user else None
    return g.user


@blueprint.get("/login")
def login_form():
    """Ask a stranger who they are."""
    if current_user():
        return redirect(url_for("home.dashboard"))
    return render_template("login.html")


@blueprint.post("/login")
def login():
    """Sign in and go where the visitor wanted to go.

    `bind` gives the session to the user, under a new id, and keeps nothing of another user who was signed in before.
    """
    user = database.find_user(request.form["username"].strip().lower())
    password_fits = check_password_hash((user or NOBODY)["password_hash"], request.form["password"])
    if user is None or not password_fits:
        return render_template("login.html", refused=True), 401
    session.bind(user["name"])
    session.permanent = "remember" in request.form
    session["signed_in_at"] = datetime.now(UTC)
    session["profile"] = {"name": user["full_name"], "address": dict.fromkeys(ADDRESS_FIELDS, "")}
    return redirect(local_path(request.form.get("next")) or url_for("home.dashboard"))


@blueprint.post("/logout")
def logout():
    """End the session, on the server too."""
    session.invalidate()
    flash("You are signed out.")
    return redirect(url_for(".login_form"))


@blueprint.get("/profile")
def profile():
    """Show the forms for name, address and colours."""
    return render_template("profile.html", profile=session["profile"], themes=THEMES)


@blueprint.post("/profile")
def save_profile():
    """Change values deep inside the session: it notices and saves."""
    session["profile"]["name"] = request.form["name"].strip() or current_user()["full_name"]
    for field in ADDRESS_FIELDS:
        session["profile"]["address"][field] = request.form[field].strip()
    flash("Your profile is saved.")
    return redirect(url_for(".profile"))


@blueprint.post("/profile/theme")
def save_theme():
    """Choose light or dark; a key of its own, so that it never meets a change of the address in another tab."""
    if request.form["theme"] in THEMES:
        session["theme"] = request.form["theme"]
    return redirect(url_for(".profile"))


def local_path(target):
    """Return *target* if it is a path of this site, else None: nobody may send our visitors elsewhere."""
    if target and target.isprintable() and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target
    return None
