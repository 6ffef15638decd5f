"""Where templates are looked for, and what is said when one is not there."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import jinja2
import pytest

from erlen import Blueprint, Erlen, render_template
from erlen.templating import DispatchingJinjaLoader, MissingTemplate


@pytest.fixture
def shop(app: Erlen, tmp_path: Path) -> Path:
    """An application with templates of its own and a blueprint with others; the folder that both are in."""
    for name, text in {
        "templates/index.html": "app index",
        "templates/users/list.html": "app users",
        "shop/pages/index.html": "shop index",
        "shop/pages/cart.html": "shop cart",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    app.register_blueprint(Blueprint("shop", __name__, template_folder="pages", root_path=str(tmp_path / "shop")))
    app.register_blueprint(Blueprint("bare", __name__))
    return tmp_path


def test_the_application_comes_before_its_blueprints(app: Erlen, shop: Path) -> None:
    with app.app_context():
        assert render_template("index.html") == "app index"
        assert render_template("cart.html") == "shop cart"
        assert render_template("users/list.html") == "app users"


def test_the_templates_of_all_folders_are_listed(app: Erlen, shop: Path) -> None:
    assert app.jinja_env.list_templates() == ["cart.html", "index.html", "users/list.html"]


def test_the_template_folder_may_be_elsewhere_or_none(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a.html").write_text("a")
    app = Erlen("elsewhere", root_path=str(tmp_path), template_folder=elsewhere)
    with app.app_context():
        assert render_template("a.html") == "a"
    none = Erlen("none", root_path=str(tmp_path), template_folder=None)
    assert none.jinja_loader is None
    with none.app_context(), pytest.raises(jinja2.TemplateNotFound) as caught:
        render_template("a.html")
    assert str(caught.value) == (
        "The template 'a.html' was not found. Searched, in this order:\n"
        "  (no folder: neither the application nor a blueprint has a template_folder)"
    )


def test_a_missing_template_names_the_folders_and_the_nearest_name(app: Erlen, shop: Path) -> None:
    with app.app_context(), pytest.raises(jinja2.TemplateNotFound) as caught:
        render_template("indx.html")
    error = caught.value
    assert isinstance(error, MissingTemplate)
    assert error.folders == [str(shop / "templates"), str(shop / "shop" / "pages")]
    assert error.near == "index.html"
    assert error.name == "indx.html"
    assert str(error) == (
        "The template 'indx.html' was not found. Searched, in this order:\n"
        f"  {shop / 'templates'}\n  {shop / 'shop' / 'pages'}\nDid you mean 'index.html'?"
    )


def test_a_name_that_is_near_to_none_gets_no_advice(app: Erlen, shop: Path) -> None:
    with app.app_context(), pytest.raises(MissingTemplate) as caught:
        render_template("zzz")
    assert caught.value.near is None
    assert "Did you mean" not in str(caught.value)


def test_several_missing_templates_are_named_together(app: Erlen, shop: Path) -> None:
    with app.app_context(), pytest.raises(jinja2.TemplatesNotFound) as caught:
        render_template(["zzz", "cat.html"])
    assert str(caught.value).startswith(
        "None of the templates ['zzz', 'cat.html'] was found. Searched, in this order:\n"
    )
    assert str(caught.value).endswith("Did you mean 'cart.html'?")


def test_a_missing_template_that_another_one_extends_is_named(app: Erlen, shop: Path) -> None:
    (shop / "templates" / "child.html").write_text("{% extends 'lyout.html' %}")
    (shop / "templates" / "layout.html").write_text("")
    (shop / "templates" / "optional.html").write_text("{% include 'missing.html' ignore missing %}fine")
    with app.app_context():
        with pytest.raises(
            jinja2.TemplateNotFound, match=r"'lyout.html' was not found(.|\n)*Did you mean 'layout.html'"
        ):
            render_template("child.html")
        assert render_template("optional.html") == "fine"


@pytest.mark.parametrize("name", ["../secret.html", "users/../../secret.html", "/etc/passwd"])
def test_a_name_cannot_lead_out_of_the_folder(app: Erlen, shop: Path, name: str) -> None:
    (shop / "secret.html").write_text("secret")
    with app.app_context(), pytest.raises(jinja2.TemplateNotFound):
        render_template(name)


def explained(app: Erlen, caplog: pytest.LogCaptureFixture, name: str) -> str:
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    with caplog.at_level(logging.INFO, app.logger.name), app.app_context():
        try:
            render_template(name)
        except jinja2.TemplateNotFound:
            pass
    return caplog.records[-1].getMessage()


def test_the_search_for_a_template_is_explained_on_request(
    app: Erlen, shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert explained(app, caplog, "index.html") == (
        "Locating template 'index.html':\n"
        f"    1: trying loader of application {app.import_name!r}\n"
        f"       folder: {shop / 'templates'}\n"
        f"       -> found ({shop / 'templates' / 'index.html'})\n"
        f"    2: trying loader of blueprint 'shop' ({__name__})\n"
        f"       folder: {shop / 'shop' / 'pages'}\n"
        f"       -> found ({shop / 'shop' / 'pages' / 'index.html'}), but the first match is taken"
    )


def test_the_search_for_a_template_of_a_blueprint_is_explained(
    app: Erlen, shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = explained(app, caplog, "cart.html").splitlines()
    assert lines[3] == "       -> no match"
    assert lines[6] == f"       -> found ({shop / 'shop' / 'pages' / 'cart.html'})"


def test_the_search_for_a_missing_template_is_explained(
    app: Erlen, shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = explained(app, caplog, "crt.html").splitlines()
    assert lines.count("       -> no match") == 2
    assert lines[-2:] == ["Error: the template could not be found.", "Did you mean 'cart.html'?"]
    assert explained(app, caplog, "zzz").endswith("Error: the template could not be found.")


def test_other_loaders_take_part_and_are_named_by_their_class(app: Erlen, shop: Path) -> None:
    app.jinja_loader = jinja2.ChoiceLoader(
        [
            jinja2.DictLoader({"made.html": "made"}),
            jinja2.PrefixLoader({"x": jinja2.FileSystemLoader(shop / "templates")}),
        ]
    )
    with app.app_context():
        assert render_template("made.html") == "made"
        assert render_template("x/index.html") == "app index"
        with pytest.raises(MissingTemplate) as caught:
            render_template("zzz")
    assert caught.value.folders[:2] == ["<DictLoader>", str(shop / "templates")]


def test_an_explained_template_without_a_file_is_shown_as_a_string(
    app: Erlen, shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app.jinja_loader = jinja2.DictLoader({"made.html": "made"})
    assert "-> found (<string>)" in explained(app, caplog, "made.html")


def test_a_changed_template_is_read_again_in_debug_mode(app: Erlen, shop: Path) -> None:
    app.debug = True
    path = shop / "templates" / "index.html"
    with app.app_context():
        assert render_template("index.html") == "app index"
        path.write_text("changed")
        os.utime(path, (1, 1))
        assert render_template("index.html") == "changed"


def test_the_loader_knows_its_application(app: Erlen) -> None:
    loader: Any = app.jinja_env.loader
    assert isinstance(loader, DispatchingJinjaLoader)
    assert loader.app is app
