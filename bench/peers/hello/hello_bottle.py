"""Bottle's least application."""

from bottle import Bottle

app = Bottle()


@app.get("/")
def hello() -> str:
    return "Hello, World!"
