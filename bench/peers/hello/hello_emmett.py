"""Emmett's least application."""

from emmett import App

app = App(__name__)


@app.route("/", output="str")
async def hello() -> str:
    return "Hello, World!"
