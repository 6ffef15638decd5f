"""The cart: one counter for each product, under a session key of its own.

Two tabs may change the cart at the same moment. Erlen merges what they do key by key, and `session.incr` and
`session.take` change a key in one step, so no click is ever lost. Had the cart been one dictionary under one key, the
later of two requests would have written over the earlier.
"""

from dataclasses import dataclass
from sqlite3 import Row

import database
from erlen import session

PREFIX = "cart:"


@dataclass
class Line:
    """A product and how many of it are in the cart."""

    product: Row
    quantity: int

    @property
    def total(self):
        """The price of the line, in cents."""
        return self.product["price"] * self.quantity


def add(product, quantity=1):
    """Put *quantity* more of a product in and return how many there are now."""
    return session.incr(PREFIX + product["slug"], quantity)


def remove_one(product):
    """Take one of a product out and return how many are left."""
    left = session.incr(PREFIX + product["slug"], -1)
    if left < 0:  # Another tab was faster with the last one: take only this step back, not what others did since.
        left = session.incr(PREFIX + product["slug"], 1)
    return left


def remove(product):
    """Take all of a product out and return how many there were."""
    return session.take(PREFIX + product["slug"], 0)


def lines():
    """Return the lines of the cart, in the order of the shop."""
    quantities = ((product, session.get(PREFIX + product["slug"], 0)) for product in database.all_products())
    return [Line(product, quantity) for product, quantity in quantities if quantity > 0]


def count():
    """Return how many things are in the cart."""
    return sum(session[key] for key in session if key.startswith(PREFIX))


def total(lines):
    """Return the price of *lines* together, in cents."""
    return sum(line.total for line in lines)
