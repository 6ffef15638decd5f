from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import dash
import pytest

from app import create_app, create_pages
from served import running

HERE = Path(__file__).resolve().parent


@pytest.fixture
def use_async() -> bool:
    """Whether Dash's view of callbacks is asynchronous; some checks run with both."""
    return False


both_views = pytest.mark.parametrize("use_async", [False, True], ids=["plain", "async"])


@pytest.fixture
def made(use_async: bool) -> Any:
    """The server and the board."""
    return create_app(use_async)


@pytest.fixture
def app(made: Any) -> Any:
    return made[0]


def body_of(output: str, *inputs: tuple[Any, str, Any], changed: int = 0, state: Any = ()) -> dict[str, Any]:
    """Return what a page sends for a callback: its output, and of each input the id, property and value."""
    outputs = [dict(zip(("id", "property"), part.split("."), strict=True)) for part in output.strip(".").split("...")]
    return {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": [{"id": name, "property": key, "value": value} for name, key, value in inputs],
        "changedPropIds": [f"{inputs[changed][0]}.{inputs[changed][1]}"],
        "state": state,
    }


def update(client: Any, output: str, *inputs: tuple[Any, str, Any], headers: Any = None, **more: Any) -> Any:
    """Ask for a callback of the board."""
    return client.post("/board/_dash-update-component", json=body_of(output, *inputs, **more), headers=headers)


def test_the_page_loads_the_renderer_and_the_assets(client: Any) -> None:
    response = client.get("/board/")
    assert response.mimetype == "text/html"
    assert "<title>Board</title>" in response.text
    assert 'content="Ada"' in response.text
    (settings,) = re.findall(r'<script id="_dash-config"[^>]*>(.*?)</script>', response.text)
    assert json.loads(settings)["requests_pathname_prefix"] == "/board/"
    assert re.search(r'href="/board/assets/board\.css\?m=\d+', response.text)
    assert client.get("/board/any/other/path").text.startswith("<!DOCTYPE html>")


def test_the_scripts_of_the_components_are_served(client: Any) -> None:
    scripts = re.findall(r'src="(/board/_dash-component-suites/[^"]+)"', client.get("/board/").text)
    assert len(scripts) > 5
    first = client.get(scripts[0])
    assert first.status_code == 200
    assert "javascript" in first.mimetype
    assert first.cache_control.max_age == 31536000
    missing = client.get("/board/_dash-component-suites/dash/missing.js")
    assert missing.status_code == 500
    assert client.get("/board/_dash-component-suites/nowhere/x.js").status_code == 500


def test_a_script_that_the_browser_has_is_not_sent_again(client: Any) -> None:
    first = client.get("/board/_dash-component-suites/dash/dcc/async-markdown.js")
    assert first.status_code == 200
    again = client.get(first.request.path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_assets_are_served_below_the_board(client: Any) -> None:
    response = client.get("/board/assets/board.css")
    assert response.text == "h1 { color: teal; }\n"
    assert response.mimetype == "text/css"
    assert client.get("/board/_favicon.ico").status_code == 200


def test_the_layout_is_made_for_each_request(client: Any) -> None:
    layout = client.get("/board/_dash-layout", headers={"X-User": "Ada"}).json
    assert layout["props"]["children"][0]["props"]["children"] == "Board of Ada"
    assert client.get("/board/_dash-layout").json["props"]["children"][0]["props"]["children"] == "Board of None"


def test_the_callbacks_are_listed_for_the_page(client: Any) -> None:
    listed = {entry["output"]: entry for entry in client.get("/board/_dash-dependencies").json}
    assert listed["greeting.children"]["inputs"] == [{"id": "name", "property": "value"}]
    assert "..a.children...b.children.." in listed


@both_views
def test_a_callback_has_the_request_and_keeps_a_session(client: Any) -> None:
    state = [{"id": "title", "property": "children", "value": "Board"}]
    first = update(client, "greeting.children", ("name", "value", "Eva"), state=state, headers={"X-User": "Ada"})
    assert first.json["response"] == {
        "greeting": {"children": "Board greets Eva for Ada at /board/_dash-update-component"}
    }
    assert first.mimetype == "application/json"
    assert first.headers["X-Server"] == "own"
    second = update(client, "greeting.children", ("name", "value", "Bob"), state=state)
    assert "greets Eva, Bob for None" in second.json["response"]["greeting"]["children"]


@both_views
def test_a_callback_that_changes_nothing_has_no_content(client: Any) -> None:
    state = [{"id": "title", "property": "children", "value": "Board"}]
    response = update(client, "greeting.children", ("name", "value", ""), state=state)
    assert response.status_code == 204
    assert response.data == b""


def test_a_callback_knows_what_triggered_it(client: Any) -> None:
    clicks = ("one", "n_clicks", 1), ("two", "n_clicks", 5)
    response = update(client, "..a.children...b.children..", *clicks, changed=1)
    assert response.json["response"] == {"a": {"children": "two"}}


@both_views
def test_a_callback_sets_a_cookie(client: Any) -> None:
    first = update(client, "cookie.children", ("set", "n_clicks", 3))
    assert first.json["response"]["cookie"]["children"] == "had None"
    assert first.headers["Set-Cookie"].startswith("clicks=3;")
    second = update(client, "cookie.children", ("set", "n_clicks", 4))
    assert second.json["response"]["cookie"]["children"] == "had 3"


def test_a_callback_takes_all_components_that_match(client: Any) -> None:
    numbers = [
        {"id": {"kind": "number", "index": index}, "property": "value", "value": index * 10} for index in range(3)
    ]
    body = {
        "output": "sum.children",
        "outputs": {"id": "sum", "property": "children"},
        "inputs": [numbers],
        "changedPropIds": ['{"index":1,"kind":"number"}.value'],
    }
    response = client.post("/board/_dash-update-component", json=body)
    assert response.json["response"] == {"sum": {"children": 30}}


@pytest.mark.parametrize("use_async", [True])
def test_a_callback_may_be_asynchronous(client: Any) -> None:
    response = update(client, "later.children", ("wait", "n_clicks", 8), headers={"X-User": "Ada"})
    assert response.json["response"] == {"later": {"children": "8 for Ada"}}


def test_a_callback_changes_a_part(client: Any) -> None:
    part = update(client, "list.children", ("more", "n_clicks", 2)).json["response"]["list"]["children"]
    assert part["__dash_patch_update"] == "__dash_patch_update"
    assert part["operations"][0]["params"] == {"value": 2}


@both_views
def test_a_callback_that_fails_is_a_500(client: Any) -> None:
    assert update(client, "broken.children", ("break", "n_clicks", 1)).status_code == 500


@both_views
def test_a_callback_that_fails_shows_where_in_debug_mode(made: Any, new_client: Any) -> None:
    made[1].enable_dev_tools(debug=True, dev_tools_hot_reload=False, dev_tools_silence_routes_logging=False)
    client = new_client()
    response = update(client, "broken.children", ("break", "n_clicks", 1))
    assert response.status_code == 500
    assert "ValueError: broken callback" in response.text
    assert "dash/app.py" in response.text
    assert "flask/app.py" not in response.text  # what lies outside of the callback is left out


def test_the_time_of_the_server_is_told_in_debug_mode(made: Any, new_client: Any) -> None:
    made[1].enable_dev_tools(debug=True, dev_tools_hot_reload=False, dev_tools_silence_routes_logging=False)
    response = new_client().get("/board/_dash-layout")
    assert response.headers["Server-Timing"].startswith("__dash_server;dur=")


def test_the_server_keeps_its_own_views_and_hooks(client: Any) -> None:
    assert client.get("/").text == "plain"
    assert client.get("/", headers={"X-User": "nobody"}).status_code == 200
    assert client.get("/board/", headers={"X-User": "nobody"}).status_code == 401
    assert client.get("/nowhere").status_code == 404


def test_a_board_without_a_server_makes_one(made: Any) -> None:
    board = dash.Dash("alone")
    board.layout = dash.html.Div("alone")
    assert type(board.server) is type(made[0])
    assert board.server.test_client().get("/_dash-layout").json["props"]["children"] == "alone"
    assert board.server.name == "alone"


def test_a_board_is_given_its_server_later(made: Any) -> None:
    board = dash.Dash("later", server=False, url_base_pathname="/later/")
    board.layout = dash.html.Div("later")
    server = type(made[0])("own")
    board.init_app(server)
    assert board.server is server
    assert server.test_client().get("/later/_dash-layout").json["props"]["children"] == "later"


def test_two_boards_share_a_server(app: Any, new_client: Any) -> None:
    second = dash.Dash("second", server=app, url_base_pathname="/second/", title="Second")
    second.layout = dash.html.Div("second")
    client = new_client()
    assert "<title>Second</title>" in client.get("/second/").text
    assert "<title>Board</title>" in client.get("/board/").text


def test_the_page_may_be_changed_on_its_way_out(made: Any, new_client: Any) -> None:
    made[1].index_string = "<html>{%config%}{%scripts%}{%renderer%}{%app_entry%}<b>own</b></html>"
    assert "<b>own</b>" in new_client().get("/board/").text
    made[1].config.suppress_callback_exceptions = True
    assert made[1].get_asset_url("a.png") == "/board/assets/a.png"
    assert made[1].get_relative_path("/x") == "/board/x"


def test_a_health_endpoint_answers(made: Any) -> None:
    board = dash.Dash("healthy", health_endpoint="health")
    board.layout = dash.html.Div()
    response = board.server.test_client().get("/health")
    assert response.status_code == 200
    assert response.text == "OK"


def test_a_board_in_debug_mode_is_served_over_a_socket() -> None:
    with running(HERE) as address:
        assert urlopen(f"{address}/").read() == b"plain"
        assert b"<title>Board</title>" in urlopen(f"{address}/board/").read()
        assert "packages" in json.load(urlopen(f"{address}/board/_reload-hash"))
        update = Request(
            f"{address}/board/_dash-update-component",
            json.dumps(body_of("broken.children", ("break", "n_clicks", 1))).encode(),
            {"Content-Type": "application/json"},
        )
        with pytest.raises(HTTPError, match="500") as caught:
            urlopen(update)
        assert b"ValueError: broken callback" in caught.value.read()


@pytest.fixture
def pages_client() -> Iterator[Any]:
    """A client of a board with pages."""
    yield create_pages().test_client()
    dash.page_registry.clear()


def test_each_page_has_its_title_and_description(pages_client: Any) -> None:
    start = pages_client.get("/").text
    assert '<meta property="og:title" content="The start">' in start
    assert '<meta name="description" content="Where it begins">' in start
    assert '<meta property="og:title" content="Report 1999">' in pages_client.get("/report/1999").text
    assert 'content="http://localhost/report/1999"' in pages_client.get("/report/1999").text


def test_a_page_is_chosen_by_its_address(pages_client: Any) -> None:
    pages_client.get("/")
    (router,) = [entry for entry in pages_client.get("/_dash-dependencies").json if "_content" in entry["output"]]
    inputs = [("_pages_location", "pathname", "/report/1999"), ("_pages_location", "search", "?by=Ada")]
    response = pages_client.post("/_dash-update-component", json=body_of(router["output"], *inputs))
    content = response.json["response"]["_pages_content"]["children"]
    assert "A report of 1999 with {'by': 'Ada'}." in str(content)
