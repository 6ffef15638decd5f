"""A board on a server of its own: what Dash offers an application."""

from __future__ import annotations

import asyncio
from typing import Any

import dash
from dash import ALL, Dash, Input, Output, Patch, State, callback_context, dcc, html, no_update
from dash.exceptions import PreventUpdate
from flask import Flask, abort, g, has_request_context, request, session


def create_pages() -> Flask:
    """Make a server with a board of several pages, which are found in the folder ``pages``."""
    server = Flask("server")
    board = Dash(__name__, server=server, use_pages=True, use_async=False)
    board.layout = html.Div([html.H1("Pages"), dash.page_container])
    return server


def create_app(use_async: bool = False) -> tuple[Flask, Dash]:
    """Make the server and the board, which lives below ``/board/``. With *use_async*, its view is an ``async def``."""
    server = Flask("server")
    server.config["SECRET_KEY"] = "board"

    @server.before_request
    def begin() -> None:
        g.user = request.headers.get("X-User")
        if request.path.startswith("/board/") and g.user == "nobody":
            abort(401)

    @server.get("/")
    def plain() -> str:
        return "plain"

    board = Dash(
        __name__,
        server=server,
        url_base_pathname="/board/",
        title="Board",
        use_async=use_async,
        meta_tags=[{"name": "author", "content": "Ada"}],
    )

    board.layout = lambda: html.Div(  # as a function: made here to be checked, and for each request
        [
            html.H1(f"Board of {g.user if has_request_context() else None}", id="title"),
            dcc.Input(id="name", value="nobody"),
            html.Div(id="greeting"),
            html.Div(id="cookie"),
        ]
    )

    @board.callback(Output("greeting", "children"), Input("name", "value"), State("title", "children"))
    def greet(name: str, title: str) -> str:
        if not name:
            raise PreventUpdate
        session["names"] = [*session.get("names", []), name]
        return f"{title} greets {', '.join(session['names'])} for {g.user} at {request.path}"

    @board.callback(
        Output("a", "children"), Output("b", "children"), Input("one", "n_clicks"), Input("two", "n_clicks")
    )
    def which(one: int | None, two: int | None) -> tuple[Any, Any]:
        return callback_context.triggered_id, no_update

    @board.callback(Output("cookie", "children"), Input("set", "n_clicks"))
    def set_cookie(clicks: int) -> str:
        callback_context.response.set_cookie("clicks", str(clicks))
        return f"had {callback_context.cookies.get('clicks')}"

    @board.callback(Output("sum", "children"), Input({"kind": "number", "index": ALL}, "value"))
    def add(values: list[int]) -> int:
        return sum(values)

    @board.callback(Output("list", "children"), Input("more", "n_clicks"))
    def grow(clicks: int) -> Patch:
        patch = Patch()
        patch.append(clicks)
        return patch

    @board.callback(Output("broken", "children"), Input("break", "n_clicks"))
    def fail(clicks: int) -> None:
        raise ValueError("broken callback")

    if use_async:

        @board.callback(Output("later", "children"), Input("wait", "n_clicks"))
        async def wait(clicks: int) -> str:
            await asyncio.sleep(0)
            return f"{clicks} for {g.user}"

    @server.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Server"] = "own"
        return response

    return server, board


if __name__ == "__main__":
    create_app()[1].run(port=0, debug=True, use_reloader=False, dev_tools_silence_routes_logging=False)
