"""The cart as JSON, for other programs."""

from werkzeug.exceptions import HTTPException

import cart
from erlen import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.get("/cart")
def show_cart():
    """Tell what is in the cart; prices are in cents. A dictionary becomes a JSON answer."""
    lines = cart.lines()
    items = [
        {"product": line.product["slug"], "name": line.product["name"], "quantity": line.quantity, "total": line.total}
        for line in lines
    ]
    return {"items": items, "count": cart.count(), "total": cart.total(lines)}


@blueprint.errorhandler(HTTPException)
def show_error(error):
    """Answer the errors of this blueprint in JSON, too."""
    return {"error": error.code, "message": error.description}, error.code
