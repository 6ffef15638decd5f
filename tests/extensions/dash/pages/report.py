import dash
from dash import html

dash.register_page(__name__, path_template="/report/<year>", title=lambda year=None: f"Report {year}")


def layout(year: str = "", **arguments: str) -> html.Div:
    return html.Div(f"A report of {year} with {arguments}.")
