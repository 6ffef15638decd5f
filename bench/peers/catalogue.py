"""Who is measured: each peer with its package, and the modules of its applications."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """A framework; ``wsgi``, ``asgi`` and ``rsgi`` name the module in ``apps/`` that is driven over each."""

    title: str
    package: str = ""
    wsgi: str = ""
    asgi: str = ""
    rsgi: str = ""
    hello: str = ""  # the module in ``hello/``
    interface: str = "asgi"  # what the module in ``hello/`` is driven over; empty where it needs a server of its own

    def module(self, interface: str) -> str:
        """Return the name of the module that is driven over *interface*; empty if there is none."""
        return str(getattr(self, interface))


ERLEN = "Erlen"
BARE = "bare callable"
PEERS = [
    Peer(
        *(BARE, "", "on_bare_wsgi", "on_bare_asgi", "on_bare_asgi"),
        hello="hello_bare",
        interface="wsgi",
    ),
    Peer(
        *(ERLEN, "erlen", "on_erlen", "on_erlen_async", "on_erlen_async"),
        hello="hello_erlen",
        interface="wsgi",
    ),
    Peer(f"{ERLEN}, async view", "erlen", hello="hello_erlen_async"),
    Peer("Flask", "flask", wsgi="on_flask", hello="hello_flask", interface="wsgi"),
    Peer("Quart", "quart", asgi="on_quart", hello="hello_quart"),
    Peer("Django", "django", wsgi="on_django", asgi="on_django_async", hello="hello_django", interface="wsgi"),
    Peer("Falcon", "falcon", wsgi="on_falcon", asgi="on_falcon_async", hello="hello_falcon", interface="wsgi"),
    Peer("Bottle", "bottle", wsgi="on_bottle", hello="hello_bottle", interface="wsgi"),
    Peer("Starlette", "starlette", asgi="on_starlette", hello="hello_starlette"),
    Peer("FastAPI", "fastapi", asgi="on_fastapi", hello="hello_fastapi"),
    Peer("Litestar", "litestar", asgi="on_litestar", hello="hello_litestar"),
    Peer("Sanic", "sanic", asgi="on_sanic", hello="hello_sanic"),
    Peer("BlackSheep", "blacksheep", asgi="on_blacksheep", hello="hello_blacksheep"),
    Peer("Emmett", "emmett", rsgi="on_emmett", hello="hello_emmett", interface="rsgi"),
    Peer("Robyn", "robyn", hello="hello_robyn", interface=""),
]
#: What else decides what is measured.
PACKAGES = ["werkzeug", "jinja2", "msgspec", "pydantic", "asgiref", "anyio", "multipart", "python-multipart"]
