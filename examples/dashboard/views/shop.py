"""The shop and the cart. The product of an address stands in `g.product` (see `look_up_product` in app.py)."""

from itertools import groupby
from operator import itemgetter

import cart
import database
from erlen import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for

blueprint = Blueprint("shop", __name__)

MOST_AT_ONCE = 99


@blueprint.get("/shop")
def products():
    """Show what there is, department by department."""
    departments = [(name, list(rows)) for name, rows in groupby(database.all_products(), itemgetter("department"))]
    return render_template("products.html", departments=departments)


@blueprint.get("/shop/<product>")
def product():
    """Show a product and note that it was looked at: `append` adds to the list without reading it first."""
    session.append("viewed", g.product["slug"], max=12)
    return render_template("product.html", most=MOST_AT_ONCE)


@blueprint.get("/cart")
def show_cart():
    """Show what is in the cart."""
    lines = cart.lines()
    return render_template("cart.html", lines=lines, total=cart.total(lines))


@blueprint.post("/cart/<product>/add")
def add():
    """Put the `quantity` of the form into the cart."""
    quantity = request.form.get("quantity", 0, type=int)
    if not 1 <= quantity <= MOST_AT_ONCE:
        abort(400, f"The quantity must be a number from 1 to {MOST_AT_ONCE}.")
    now = cart.add(g.product, quantity)
    flash(f"{g.product['name']}: {now} in the cart.")
    return redirect(url_for(".show_cart"))


@blueprint.post("/cart/<product>/remove-one")
def remove_one():
    """Take one of a product out of the cart."""
    left = cart.remove_one(g.product)
    flash(f"{g.product['name']}: {left} in the cart." if left else f"{g.product['name']} is out of the cart.")
    return redirect(url_for(".show_cart"))


@blueprint.post("/cart/<product>/remove")
def remove():
    """Take all of a product out of the cart."""
    cart.remove(g.product)
    flash(f"{g.product['name']} is out of the cart.")
    return redirect(url_for(".show_cart"))
