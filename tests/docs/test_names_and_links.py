"""What a page names exists, and where it links to is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from markdown_pages import PAGES, ROOT, prose_of

import erlen
from erlen.config import SETTINGS
from erlen.sessions import Session

ALL_PAGES = [*PAGES, ROOT / "docs" / "configuration.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
#: What a page calls an object of a class.
CLASSES = {
    "app": erlen.Erlen,
    "blueprint": erlen.Blueprint,
    "shop": erlen.Blueprint,
    "session": Session,
    "request": erlen.Request,
    "response": erlen.Response,
}
_ABSENT = re.compile(r"^<!-- absent -->$(.*?)^<!-- /absent -->$", re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of the headings of *page*, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def exists(name: str) -> bool:
    """Tell whether *name*, such as ``app.before_request`` or ``erlen.sessions.Token``, is something of Erlen's."""
    first, *rest = name.split(".")
    if first == "erlen":
        found: Any = erlen
        for number, part in enumerate(rest):
            if not hasattr(found, part):
                try:
                    found = importlib.import_module(".".join([first, *rest[: number + 1]]))
                except ImportError:
                    return False
            else:
                found = getattr(found, part)
        return True
    if first == "app" and rest[0] in vars(erlen.Erlen(__name__)):
        return True
    return hasattr(CLASSES[first], rest[0]) or rest[0] in getattr(CLASSES[first], "__annotations__", {})


def names_in(text: str) -> list[str]:
    """Return the dotted names that *text* has in code marks, without their arguments."""
    spans = re.findall(r"`@?([a-z_]+(?:\.\w+)+)(?=[`(\[])", text)
    return [
        name for name in spans if name.partition(".")[0] in {*CLASSES, "erlen"} and not name.endswith((".py", ".md"))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_on_a_page_exists(page: Path) -> None:
    text = _ABSENT.sub("", prose_of(page))
    assert [name for name in names_in(text) if not exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_says_is_not_there_yet_is_not(page: Path) -> None:
    absent = names_in("".join(_ABSENT.findall(prose_of(page))))
    assert [name for name in absent if exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_on_a_page_is_declared(page: Path) -> None:
    families = (
        "SESSION|SECRET|MAX|CROSS|TEMPLATES|TRUSTED|PERMANENT|REDIRECT|CONTENT|TRAP|PROPAGATE|PREFERRED|SEND"
        "|APPLICATION|USE"
    )
    named = set(re.findall(rf"`((?:{families})_[A-Z_]+)\b", prose_of(page)))
    assert named <= set(SETTINGS)
