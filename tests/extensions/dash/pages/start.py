import dash
from dash import html

dash.register_page(__name__, path="/", title="The start", description="Where it begins")
layout = html.Div("This is the start.")
