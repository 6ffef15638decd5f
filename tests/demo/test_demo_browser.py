"""The demo in a real browser: what a person does, and what a page must be for everybody."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "dashboard.png"
PAGES = ["/", "/shop", "/shop/erlenmeyer-flask", "/cart", "/profile", "/nowhere"]


@pytest.fixture(scope="module")
def chromium(require) -> Iterator[Any]:
    path = require("chromium", "apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="python3 dev.py test installs playwright")
    with playwright.sync_playwright() as driver:
        # The sandbox and /dev/shm are often not there in a container.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, demo) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a browser of its own at the demo. No request of it may go to another host."""
    contexts = []
    requested: list[str] = []

    def visit(**options: Any) -> Any:
        context = chromium.new_context(
            base_url=demo.url, **{"viewport": {"width": 1000, "height": 780}, "color_scheme": "light", **options}
        )
        context.set_default_timeout(60_000)
        context.on("request", lambda request: requested.append(request.url))
        contexts.append(context)
        return context

    yield visit
    for context in contexts:
        context.close()
    assert requested
    assert [url for url in requested if not url.startswith(f"{demo.url}/")] == []


def sign_in(page: Any) -> None:
    page.goto("/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("engine")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Good to see you, Ada Lovelace").wait_for()


def put_in_cart(page: Any, product: str, quantity: int) -> None:
    page.goto(f"/shop/{product}")
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart")


def quantity(page: Any, product: str) -> str:
    return page.get_by_label(f"Quantity of {product}").inner_text()


def test_from_the_greeting_to_the_back_button_without_javascript(visit):
    page = visit(java_script_enabled=False).new_page()

    page.goto("/")
    assert re.search(r"/login\?next=(/|%2F)$", page.url)
    assert page.get_by_role("status").all_inner_texts() == ["Welcome to the stockroom. It is good to see you!"]
    page.goto("/")
    assert page.get_by_role("status").count() == 0

    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("differential")
    page.get_by_role("button", name="Sign in").click()
    assert "do not belong together" in page.get_by_role("alert").inner_text()
    page.get_by_label("Password").fill("engine")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Good to see you, Ada Lovelace").wait_for()

    page.get_by_role("link", name="Profile", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Ada King, Gräfin")
    page.get_by_label("Postcode and city").fill("London")
    page.get_by_role("button", name="Save profile").click()
    assert page.get_by_role("status").inner_text() == "Your profile is saved."
    put_in_cart(page, "balance", 2)
    page.get_by_role("link", name="Dashboard").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Good to see you, Ada King, Gräfin"
    assert "London" in page.get_by_role("region", name="Delivered to").inner_text()
    assert "2 × Balance" in page.get_by_role("region", name="Your cart").inner_text()

    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_role("status").inner_text() == "You are signed out."
    for _ in range(3):
        page.go_back()
        page.get_by_role("heading", name="Sign in").wait_for()
        assert "Ada King" not in page.content()


def test_two_tabs_change_the_cart_at_once_and_nothing_is_lost(visit):
    context = visit()
    tabs = context.new_page(), context.new_page()
    sign_in(tabs[0])
    put_in_cart(tabs[0], "beaker", 1)
    put_in_cart(tabs[0], "funnel", 1)
    for tab in tabs:
        tab.goto("/cart")

    waiting: list[Any] = []

    def send_both_at_once(route: Any) -> None:
        waiting.append(route)
        if len(waiting) == 2:
            for held in waiting:
                held.continue_()
            waiting.clear()

    context.route("**/cart/*/add", send_both_at_once)
    for products in [("Beaker", "Funnel"), ("Beaker", "Beaker"), ("Funnel", "Beaker"), ("Funnel", "Funnel")]:
        with tabs[0].expect_navigation(), tabs[1].expect_navigation():
            for tab, product in zip(tabs, products, strict=True):
                tab.get_by_role("button", name=f"One more: {product}").click(no_wait_after=True)

    for tab in tabs:
        tab.goto("/cart")
        assert quantity(tab, "Beaker, 400 ml") == "5"
        assert quantity(tab, "Funnel, 75 mm") == "5"
    tabs[0].get_by_role("button", name="Remove Beaker").click()
    assert tabs[0].get_by_label("Quantity of Beaker, 400 ml").count() == 0


def test_one_tab_changes_the_colours_while_the_other_changes_the_address(visit):
    context = visit()
    first, second = context.new_page(), context.new_page()
    sign_in(first)
    first.goto("/profile")
    second.goto("/profile")
    first.get_by_label("Dark").check()
    second.get_by_label("Country").fill("England")
    first.get_by_role("button", name="Save colours").click()
    second.get_by_role("button", name="Save profile").click()
    second.goto("/profile")
    assert second.get_by_label("Dark").is_checked()
    assert second.get_by_label("Country").input_value() == "England"
    assert second.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 24, 26)"


def test_no_page_is_wider_than_a_phone(visit):
    page = visit(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True).new_page()
    width = "document.documentElement.scrollWidth"
    page.goto("/login")
    assert page.evaluate(width) <= 360
    sign_in(page)
    put_in_cart(page, "thermometer", 99)
    for path in PAGES:
        page.goto(path)
        assert page.evaluate(width) <= 360, path


def test_every_control_has_a_name_and_every_page_one_heading_and_a_title(visit):
    page = visit().new_page()
    page.goto("/login")
    assert_named(page)
    sign_in(page)
    put_in_cart(page, "thermometer", 3)
    titles = set()
    for path in PAGES:
        page.goto(path)
        assert_named(page)
        titles.add(page.title())
    assert len(titles) == len(PAGES)


def assert_named(page: Any) -> None:
    """Every field has a label, every button a text of its own, and there is one first-rank heading."""
    fields = page.locator("input:not([type=hidden]), select, textarea")
    assert fields.evaluate_all("fields => fields.filter(field => field.labels.length != 1).length") == 0
    names = page.locator("button").evaluate_all(
        "buttons => buttons.map(button => button.ariaLabel || button.textContent.trim())"
    )
    assert len(set(names)) == len(names)
    assert all(names)
    assert page.locator("h1").count() == 1
    assert page.locator("html[lang=en]").count() == 1


def test_text_stands_out_from_what_is_behind_it(visit):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 for text; 1.4.11: of 3 for the edges of controls."""
    pairs = [(text, behind) for text in ("ink", "soft", "accent") for behind in ("paper", "card")]
    pairs += [("ink", "tint"), ("accent", "tint"), ("on-accent", "accent"), ("bad", "bad-tint"), ("bad", "card")]
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme).new_page()
        page.goto("/login")
        for text, behind in pairs:
            assert contrast(page, text, behind) >= 4.5, (scheme, text, behind)
        for behind in ("paper", "card"):
            assert contrast(page, "edge", behind) >= 3, (scheme, behind)


def contrast(page: Any, one: str, other: str) -> float:
    """Return the contrast of two colours of the style sheet, after WCAG's definition."""
    brighter, darker = sorted((luminance(page, one), luminance(page, other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(page: Any, name: str) -> float:
    colour = page.evaluate(
        "name => { document.body.style.color = `var(--${name})`; return getComputedStyle(document.body).color }", name
    )
    channels = [int(channel) / 255 for channel in re.findall(r"\d+", colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_keyboard_reaches_the_content_first(visit):
    page = visit().new_page()
    sign_in(page)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    page.locator("main:focus").wait_for()


def test_no_page_makes_the_browser_complain(visit):
    """A file that is missing, or one that the Content-Security-Policy refuses, would be told in the console."""
    page = visit().new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    sign_in(page)
    for path in PAGES[:-1]:
        page.goto(path)
    assert complaints == []


@pytest.mark.skipif(not os.environ.get("ERLEN_TAKE_PICTURES"), reason="set ERLEN_TAKE_PICTURES=1 to take it anew")
def test_take_the_picture_of_the_readme(visit):
    page = visit(device_scale_factor=2).new_page()
    sign_in(page)
    for product, wanted in [("tube-rack", 1), ("beaker", 4), ("erlenmeyer-flask", 2)]:
        put_in_cart(page, product, wanted)
    page.goto("/profile")
    page.get_by_label("Street and number").fill("12 St James’s Square")
    page.get_by_label("Postcode and city").fill("London")
    page.get_by_label("Country").fill("England")
    page.get_by_role("button", name="Save profile").click()
    page.goto("/")
    page.screenshot(path=PICTURE)
    assert PICTURE.stat().st_size < 300_000
