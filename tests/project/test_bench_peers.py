"""What the bench beside other frameworks writes: tables, marks in a page, what was selected. No figure is tested."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a module of the bench."""
    monkeypatch.syspath_prepend(BENCH)
    return lambda name: importlib.import_module(f"peers.{name}")


@pytest.fixture
def found(load: Callable[[str], Any]) -> Any:
    results = load("results").Results()
    results.add_counts("wsgi", "Flask", {"text": 336.2, "json": 8.125}, {})
    results.add_counts("wsgi", "Erlen", {"text": 43.91, "json": 50.04, "404": 1234.5}, {})
    results.add_counts("wsgi", "bare callable", {"text": 7.46}, {})
    times = {"static": 1.0, "parameter": 2.0, "404": 3.0, "build": 4.0}
    for name, factor in {"Erlen": 1.0, "Werkzeug": 15.0}.items():
        for size in ("10", "10000"):
            costs = {kind: value * factor for kind, value in times.items()}
            results.routes.setdefault("", {}).setdefault(name, {})[size] = costs
    return results


def test_a_table_of_counts_is_in_the_order_of_the_peers_and_bold_where_one_is_ahead_of_erlen(
    load: Callable[[str], Any], found: Any
) -> None:
    assert load("tables").counts(found, "wsgi").splitlines() == [
        "| thousand instructions, WSGI | text | JSON | 404 |",
        "|---|---:|---:|---:|",
        "| bare callable | 7.46 | – | – |",
        "| Erlen | 43.9 | 50.0 | 1,234 |",
        "| Flask | 336 | **8.12** | – |",
    ]


def test_what_failed_says_so_in_its_cell_and_is_forgotten_when_it_is_counted(
    load: Callable[[str], Any], found: Any
) -> None:
    found.add_counts("wsgi", "Flask", {}, {"json": "KeyError: 'x'"})
    assert "| Flask | 336 | failed | – |" in load("tables").counts(found, "wsgi")
    assert load("tables").failures(found) == "- Flask, wsgi, json: KeyError: 'x'\n"
    found.add_counts("wsgi", "Flask", {"json": 400.0}, {})
    assert found.failures == {}


def test_the_list_of_peers_that_are_ahead_names_works_and_figures(load: Callable[[str], Any], found: Any) -> None:
    found.imports = {"Erlen": [60.0, 61.0, 65.0], "Flask": [70.0, 71.0, 75.0], "Bottle": [30.5, 31.0, 32.0]}
    assert load("tables").ahead(found).splitlines() == [
        "- JSON of a dict, over WSGI: Flask 8.12; Erlen 50.0",
        "- import, in ms: Bottle 30.5; Erlen 60.0",
    ]


def test_ratios_of_routes_compare_werkzeug_with_erlen_and_many_rules_with_few(
    load: Callable[[str], Any], found: Any
) -> None:
    found.routes[""]["Erlen"]["10000"]["404"] = 6.0
    _, _, row = load("tables").route_ratios(found).splitlines()
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == ["15.0", "15.0", "7.50", "15.0", "1.00", "1.00", "2.00"]


def test_a_figure_to_reach_holds_is_missed_or_was_not_measured(load: Callable[[str], Any], found: Any) -> None:
    rows = load("tables").goal_table(found).splitlines()
    assert "| text, over WSGI | at most 30.0 | 43.9 | missed |" in rows
    assert "| typed parameter and query value, over WSGI | at most 48.0 | – | not measured |" in rows
    name = "Werkzeug / Erlen at 10,000 rules, static, rules that differ in their first segment"
    assert f"| {name} | at least 15.0 | 15.0 | holds |" in rows


def test_results_are_the_same_after_they_were_kept(load: Callable[[str], Any], found: Any, tmp_path: Path) -> None:
    found.save(tmp_path / "results.json")
    assert load("results").load(tmp_path / "results.json") == found
    assert load("results").load(tmp_path / "nothing.json") == load("results").Results()


def test_marked_parts_of_a_page_are_written_and_the_rest_is_left(load: Callable[[str], Any]) -> None:
    page = "before\n<!-- bench: peers wsgi -->\nold\nrows\n<!-- /bench -->\nafter <!-- bench: peers other text\n"
    once = load("page").write_parts(page, {"wsgi": "| new |\n"})
    assert once == (
        "before\n<!-- bench: peers wsgi -->\n\n| new |\n\n<!-- /bench -->\nafter <!-- bench: peers other text\n"
    )
    assert load("page").write_parts(once, {"wsgi": "| new |\n"}) == once


def test_a_mark_that_no_table_belongs_to_is_an_error(load: Callable[[str], Any]) -> None:
    with pytest.raises(KeyError, match="wsgo"):
        load("page").write_parts("<!-- bench: peers wsgo -->\n<!-- /bench -->", {"wsgi": ""})


def test_a_selection_is_made_of_parts_works_and_peers(load: Callable[[str], Any]) -> None:
    main = load("__main__")
    parts, works, peers = main.select(["WSGI", "text", "flask"])
    assert (parts, works, [peer.title for peer in peers]) == (["wsgi"], ["text"], ["Flask"])
    assert main.select(["json"]).parts == ["wsgi", "asgi", "rsgi"]
    assert main.select([]).parts == main.PARTS
    assert main.select(["none"]) == ([], [], [])


def test_a_word_that_selects_nothing_is_refused_with_those_that_do(load: Callable[[str], Any]) -> None:
    with pytest.raises(SystemExit, match=r"Nothing is called flsk\. There are: wsgi, .*text, .*Flask"):
        load("__main__").select(["flsk", "text"])


def test_an_answer_that_is_another_is_refused_with_its_beginning(load: Callable[[str], Any]) -> None:
    works = load("works")
    works.check(works.BY_KEY["text"], 200, b"Hello, World!")
    with pytest.raises(works.WrongAnswer, match="GET / was answered 200: b'Hello'"):
        works.check(works.BY_KEY["text"], 200, b"Hello")


def test_every_peer_has_the_modules_that_the_catalogue_names(load: Callable[[str], Any]) -> None:
    folder = BENCH / "peers"
    for peer in load("catalogue").PEERS:
        named = {name for name in (peer.wsgi, peer.asgi, peer.rsgi) if name}
        assert [name for name in named if not (folder / "apps" / f"{name}.py").exists()] == []
        assert not peer.hello or (folder / "hello" / f"{peer.hello}.py").exists()


@pytest.mark.parametrize("interface", ["wsgi", "asgi", "rsgi"])
def test_erlen_answers_every_work_over_every_interface(
    interface: str, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(BENCH / "peers" / "apps")
    drive, works, catalogue = load("drive"), load("works"), load("catalogue")
    monkeypatch.setattr(drive.workloads, "WARM_UP", 1)
    monkeypatch.setattr(drive.asgi_workloads, "WARM_UP", 1)
    erlen = next(peer for peer in catalogue.PEERS if peer.title == catalogue.ERLEN)
    driver = drive.Driver(importlib.import_module(erlen.module(interface)), "-", tmp_path)
    monkeypatch.setattr(driver, "works", lambda keys: [works.BY_KEY[key]._replace(requests=1) for key in keys])
    drive.drive(driver, interface, list(works.BY_KEY))
    assert driver.failures == {}
