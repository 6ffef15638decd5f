"""The page on a real server, and in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

APPLICATION = """\
from erlen import Erlen, render_template, request, session

app = Erlen(__name__)
app.debug = True
app.config.update(SECRET_KEY="swordfish-of-the-application", SESSION_TYPE="memory")


class Account:
    balance = 3


def transfer(source, amount):
    return source.blance - amount


@app.get("/")
def index():
    session["csrf"] = "a value of the session"
    return str(transfer(Account(), 1))


@app.get("/template")
def template():
    return render_template("page.html", items=[1, 0])


@app.post("/form")
async def form():
    raise ExceptionGroup("two", [ValueError(request.form["password"]), KeyError("x")])


@app.get("/production")
def production():
    app.debug = False
    try:
        return transfer(Account(), 1)
    finally:
        pass
"""
TEMPLATE = "<h1>Things</h1>\n{% for item in items %}\n  <p>{{ 1 // item }}</p>\n{% endfor %}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("debugged")
    (folder / "templates").mkdir()
    (folder / "app.py").write_text(APPLICATION)
    (folder / "templates" / "page.html").write_text(TEMPLATE)
    return folder


@pytest.fixture(params=["granian", "waitress"])
def url(serve: Callable[..., Any], folder: Path, request: pytest.FixtureRequest) -> str:
    return str(serve("app:app", folder, server=request.param).url)


def test_a_server_sends_the_page_to_a_browser_and_text_to_curl(url: str) -> None:
    page = httpx.get(url, headers={"Accept": "text/html", "Cookie": "theme=cookie-of-the-browser"}, verify=False)
    assert (page.status_code, page.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "<h1>AttributeError</h1>" in page.text
    assert "Did you mean &#39;balance&#39;?" in page.text
    assert "cookie-of-the-browser" not in page.text
    text = httpx.post(f"{url}/form", data={"password": "engine-of-ada"}, verify=False)
    assert (text.status_code, text.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert "  ValueError: [hidden]\n" in text.text
    for answer in (page.text, text.text):
        assert "swordfish-of-the-application" not in answer
        assert "engine-of-ada" not in answer
    assert httpx.head(f"{url}/template", headers={"Accept": "text/html"}).status_code == 500
    assert "page.html:3\n" in httpx.get(f"{url}/template", verify=False).text
    production = httpx.get(f"{url}/production", headers={"Accept": "text/html"}, verify=False)
    assert production.status_code == 500
    assert "blance" not in production.text


@pytest.fixture
def chromium(require: Callable[[str, str], str]) -> Iterator[Any]:
    path = require("chromium", "apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="python3 dev.py test installs playwright")
    with playwright.sync_playwright() as driver:
        # The sandbox and /dev/shm are often not there in a container.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.mark.browser
def test_the_page_works_in_a_browser(chromium: Any, serve: Callable[..., Any], folder: Path) -> None:
    url = serve("app:app", folder).url
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme="light")
    context.set_default_timeout(60_000)
    page = context.new_page()
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda sent: requested.append(sent.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(url)
    assert page.title() == "AttributeError: 'Account' object has no attribute 'blance'"
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["AttributeError"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.get_by_text("Did you mean 'balance'?", exact=True).is_visible()
    frame = page.locator("details.frame", has_text="transfer").first
    assert frame.locator(".current mark").inner_text() == "source.blance"
    assert frame.locator("pre").is_visible()
    run = page.get_by_text("4 frames of Erlen")
    assert page.get_by_text("erlen/lifecycle/pipeline.py").first.is_hidden()
    run.click()
    assert page.get_by_text("erlen/lifecycle/pipeline.py").first.is_visible()

    page.get_by_text("The whole report, without secrets").click()
    report = page.get_by_label("For a message, an issue, a search").input_value()
    assert report.startswith("AttributeError: 'Account' object has no attribute 'blance'\n  in transfer at app.py:13")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()

    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for text in ("h1", ".where", ".current", ".current mark", ".todo p", ".todo h2", "th", "footer", "pre i"):
            assert page.evaluate(CONTRAST, text) >= 4.5, (scheme, text)

    assert requested == [f"{url}/"]
    assert [text for text in complaints if "500 (Internal Server Error)" not in text] == []
    context.close()


# WCAG 2.2, 1.4.3: the contrast of a text with what is painted behind it.
CONTRAST = """selector => {
  const found = document.querySelector(selector);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.slice(0, 3).map(c => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = found;
  while (behind && parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const a = light(parse(getComputedStyle(found).color)), b = light(parse(getComputedStyle(behind).backgroundColor));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
