"""The dashboard of a small laboratory stockroom: an example of an Erlen application.

Start at `create_app` and follow a request downwards: the hooks in this file, then the views in `views/`.
"""

from http import HTTPStatus

from werkzeug.exceptions import HTTPException

import cart
import database
from erlen import Erlen, abort, current_app, flash, g, redirect, render_template, request, url_for
from views import account, api, home, shop

PUBLIC_ENDPOINTS = {"static", "account.login_form", "account.login"}
CONTENT_SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def create_app(config="config.DashboardConfig"):
    """Put the application together."""
    app = Erlen(__name__)
    app.config.from_object(config)
    database.init_app(app)
    add_request_hooks(app)
    add_template_helpers(app)
    app.register_error_handler(HTTPException, show_error)
    for module in (home, account, shop, api):
        app.register_blueprint(module.blueprint)
    return app


def add_request_hooks(app):
    """Register what happens before and after every view, in the order in which it happens."""

    @app.url_value_preprocessor
    def look_up_product(endpoint, values):
        """Turn `<product>` of an address into the row `g.product`, once for every view."""
        if values and "product" in values:
            g.product = database.find_product(values.pop("product")) or abort(404, "There is no such product.")

    @app.before_first_visit
    def greet():
        """Greet whoever comes without a session."""
        flash("Welcome to the stockroom. It is good to see you!")

    @app.before_request
    def require_sign_in():
        """Send strangers to the login page, and remember where they wanted to go."""
        if request.endpoint is None or request.endpoint in PUBLIC_ENDPOINTS or account.current_user():
            return None
        if request.blueprint == "api":
            abort(401, "Sign in first.")
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("account.login_form", next=wanted))

    @app.after_request
    def protect(response):
        """Keep private pages out of every cache, so that the back button shows none after the sign-out."""
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


def add_template_helpers(app):
    """Register what every template may use."""

    @app.template_filter("money")
    def money(cents):
        """Write an amount of cents: 1250 becomes € 12.50."""
        return f"{current_app.config['CURRENCY']}\N{NO-BREAK SPACE}{cents / 100:,.2f}"

    @app.context_processor
    def add_functions():
        """Let the navigation show who is signed in and how much is in the cart."""
        return {"current_user": account.current_user, "cart_count": cart.count}


def show_error(error):
    """Answer every HTTP error, 500 included, with a page in the look of the others, and with the headers it needs."""
    response = error.get_response()
    response.set_data(render_template("error.html", error=error, title=HTTPStatus(error.code).phrase))
    return response


app = create_app()
