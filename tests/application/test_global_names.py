"""current_app, g, request and session: what they are in a request, outside of one, and what they say there."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import pytest

from erlen import (
    Erlen,
    Request,
    app_ctx,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    request_ctx,
    session,
)
from erlen.application import Application
from erlen.context import AppGlobals, Context
from erlen.errors import ContextError
from erlen.sessions import Session

HERE = r"test_global_names\.py:\d+"

USES: list[tuple[str, str, Callable[[], Any]]] = [
    ("current_app", "application", lambda: current_app.config),
    ("current_app", "application", lambda: current_app.name),
    ("g", "application", lambda: g.user),
    ("g", "application", lambda: g.get("user")),
    ("g", "application", lambda: setattr(g, "user", 1)),
    ("app_ctx", "application", lambda: app_ctx.app),
    ("request", "request", lambda: request.args),
    ("request", "request", lambda: request.url),
    ("session", "request", lambda: session["user"]),
    ("session", "request", lambda: session.get("user")),
    ("session", "request", lambda: session.update(user=1)),
    ("request_ctx", "request", lambda: request_ctx.request),
]


@pytest.mark.parametrize(("name", "kind", "use"), USES)
def test_a_name_without_a_context_says_which_where_and_what_to_write(
    name: str, kind: str, use: Callable[[], Any]
) -> None:
    line = inspect.getsourcelines(use)[1]
    cure = (
        "In a test or a shell write: with app.test_request_context('/'): ... In a thread that a view starts, "
        "wrap the function with copy_current_request_context."
        if kind == "request"
        else "Give the code an application to work for: with app.app_context(): ..."
    )
    with pytest.raises(RuntimeError, match=HERE) as caught:
        use()
    assert isinstance(caught.value, ContextError)
    assert (caught.value.name, caught.value.kind) == (name, kind)
    text = str(caught.value)
    assert text.startswith(f"Working outside of {kind} context.\n'{name}' was used (")
    assert f"test_global_names.py:{line}). This typically means that" in text
    assert text.endswith(f"\n{cure}")


@pytest.mark.parametrize("name", ["request", "session", "request_ctx"])
def test_an_application_context_is_no_request_context(app: Erlen, name: str) -> None:
    proxy = {"request": request, "session": session, "request_ctx": request_ctx}[name]
    with app.app_context(), pytest.raises(RuntimeError, match=f"outside of request context.\n'{name}'"):
        proxy._get_current_object()  # type: ignore[union-attr]


def test_unbound_names_are_false_and_shown_as_unbound() -> None:
    for name, proxy in {
        "current_app": current_app, "g": g, "request": request, "session": session, "app_ctx": app_ctx,
        "request_ctx": request_ctx,
    }.items():  # fmt: skip
        assert not proxy
        assert repr(proxy) == f"<{name} unbound>"
        assert dir(proxy) == []
    assert not has_app_context()
    assert not has_request_context()


def test_each_name_is_the_object_it_stands_for(app: Erlen) -> None:
    with app.test_request_context("/path") as context:
        assert current_app._get_current_object() is app  # type: ignore[attr-defined]
        assert current_app == app
        assert isinstance(current_app, Application)
        assert isinstance(current_app, Erlen)
        assert isinstance(g, AppGlobals)
        assert isinstance(request, Request)
        assert isinstance(session, Session)
        assert isinstance(app_ctx, Context)
        assert request_ctx._get_current_object() is context  # type: ignore[attr-defined]
        assert app_ctx._get_current_object() is context  # type: ignore[attr-defined]
        assert hash(current_app) == hash(app)
        assert repr(request) == repr(context.request)
        assert "args" in dir(request)
        assert has_app_context()
        assert has_request_context()


HOT = [
    "args", "cookies", "endpoint", "environ", "form", "headers", "json", "method", "path", "url_rule", "view_args",
    "full_path", "url", "remote_addr", "is_json", "blueprints",
]  # fmt: skip


@pytest.mark.parametrize("name", HOT)
def test_an_attribute_of_the_request_is_the_same_through_the_proxy(app: Erlen, name: str) -> None:
    app.add_url_rule("/path", "path", str, methods=["POST"])
    with app.test_request_context("/path?a=1", method="POST", json={"a": 1}) as context:
        assert getattr(request, name) == getattr(context.request, name)


def test_g_is_a_namespace_of_one_request(app: Erlen) -> None:
    with app.app_context():
        g.user = "Ada"
        assert g.user == "Ada"
        assert "user" in g
        assert "other" not in g
        assert list(g) == ["user"]
        assert g.get("user") == "Ada"
        assert g.get("other") is None
        assert g.get("other", 3) == 3
        assert g.setdefault("user", "Bob") == "Ada"
        assert g.setdefault("seen", []) == []
        assert g.setdefault("nothing") is None
        assert repr(g) == "<erlen.g user, seen, nothing>"
        assert g.pop("seen") == []
        assert g.pop("seen", "gone") == "gone"
        with pytest.raises(KeyError, match="seen"):
            g.pop("seen")
        del g.user
        assert not hasattr(g, "user")
        with pytest.raises(AttributeError) as caught:
            g.user  # noqa: B018 - asking is the test
        assert str(caught.value) == (
            "g has no attribute 'user': nothing has set it for this request. Use g.get('user') where it may be missing."
        )
        with pytest.raises(AttributeError):
            del g.user
    with app.app_context():
        assert list(g) == []
        assert repr(g) == "<erlen.g empty>"


def test_contexts_may_be_nested_and_the_inner_one_is_current(app: Erlen, tmp_path: Any) -> None:
    other = Erlen("other", root_path=str(tmp_path))
    with app.test_request_context("/outer"):
        g.name = "outer"
        with other.app_context():
            assert current_app == other
            assert "name" not in g
            assert request.path == "/outer"  # the nearest request
            assert session is not None
            assert has_request_context()
            with other.test_request_context("/inner"):
                assert request.path == "/inner"
        assert current_app == app
        assert g.name == "outer"


def test_the_current_context_of_another_thread_is_not_seen(app: Erlen) -> None:
    seen: list[Any] = []

    def look() -> None:
        seen.append((has_app_context(), has_request_context(), bool(current_app)))

    with app.test_request_context("/here"):
        for target in (look, copy_current_request_context(look)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == [(False, False, False), (True, True, True)]


def test_a_session_is_changed_through_its_proxy(app: Erlen) -> None:
    @app.get("/")
    def index() -> dict[str, Any]:
        session["cart"] = session.get("cart", [])
        session["cart"].append(1)
        session.setdefault("seen", True)
        session.permanent = True
        return {"cart": session["cart"], "new": session.new, "keys": sorted(session), "length": len(session)}

    client = app.test_client()
    first = client.get("/").json
    assert (first["cart"], first["new"]) == ([1], True)  # type: ignore[index]
    assert {"cart", "seen"} <= set(first["keys"])  # type: ignore[index]
    second = client.get("/").json
    assert (second["cart"], second["new"]) == ([1, 1], False)  # type: ignore[index]
