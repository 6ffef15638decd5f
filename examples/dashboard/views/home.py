"""The landing page: the dashboard of whoever is signed in."""

import cart
import database
from erlen import Blueprint, render_template, session

blueprint = Blueprint("home", __name__)

SHOWN = 3  # of the products that were looked at last


@blueprint.get("/")
def dashboard():
    """Show the cart, what was looked at last, and the delivery address."""
    latest_first = list(dict.fromkeys(reversed(session.get("viewed", []))))
    viewed = [database.find_product(slug) for slug in latest_first[:SHOWN]]
    lines = cart.lines()
    return render_template("dashboard.html", lines=lines, total=cart.total(lines), viewed=viewed)
