"""Erlen's least application."""

from erlen import Erlen

app = Erlen(__name__)


@app.get("/")
def hello() -> str:
    return "Hello, World!"
